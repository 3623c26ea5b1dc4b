/* SPDX-License-Identifier: Apache-2.0 */
/* config_table.h - makes the rows of a .def in the dialect of spec/config.def into tables (config_rows.h) when that file
 * is included next: `section_ID` for each SECTION, `choices_NAME` for each CHOICES. CONFIG_ROW(id) is the name of the
 * struct that config_struct.h made of the same row. Once in a file. */
#define CHOICES(name, NAME) static const char *const words_##name[] = {
#define CHOICE(NAME, VALUE, text) text,
#define CHOICES_END(name, NAME)                                                                    \
    }                                                                                              \
    ;                                                                                              \
    static const struct config_choices choices_##name = {words_##name, ARRAY_LEN(words_##name)};

#define ROW_BOOL    CONFIG_TYPE_BOOL, NULL
#define ROW_INT     CONFIG_TYPE_INT, NULL
#define ROW_LONG    CONFIG_TYPE_LONG, NULL
#define ROW_STR     CONFIG_TYPE_STR, NULL
#define ROW_NAME    CONFIG_TYPE_NAME, NULL
#define ROW_DNN     CONFIG_TYPE_DNN, NULL
#define ROW_PATH    CONFIG_TYPE_PATH, NULL
#define ROW_HEX     CONFIG_TYPE_HEX, NULL
#define ROW_IP      CONFIG_TYPE_IP, NULL
#define ROW_IP4     CONFIG_TYPE_IP4, NULL
#define ROW_IP6     CONFIG_TYPE_IP6, NULL
#define ROW_ADDR    CONFIG_TYPE_ADDR, NULL
#define ROW_PREFIX4 CONFIG_TYPE_PREFIX4, NULL
#define ROW_PREFIX6 CONFIG_TYPE_PREFIX6, NULL
#define ROW_CIDR4   CONFIG_TYPE_CIDR4, NULL
#define ROW_CIDR6   CONFIG_TYPE_CIDR6, NULL
#define ROW_PLMN    CONFIG_TYPE_PLMN, NULL
#define ROW_TAC     CONFIG_TYPE_TAC, NULL
#define ROW_SLICE   CONFIG_TYPE_SLICE, NULL
#define ROW_DATE    CONFIG_TYPE_DATE, NULL
#define ROW_ENUM(e) CONFIG_TYPE_ENUM, &choices_##e
enum { CONFIG_IS_START = 0, CONFIG_IS_RELOAD = 1 };

#define SECTION(id, text)                                                                          \
    static const char help_##id[] = text;                                                          \
    static const struct config_opt opts_##id[] = {
#define OPT(s, member, key, type, min, max, unit, def, help, when)                                 \
    {key, help, def, CONFIG_ONE, ROW_##type, NULL, CONFIG_UNIT_##unit, 1, 1, min, max,             \
     sizeof(CONFIG_C_##type), offsetof(struct CONFIG_ROW(s), member), 0, CONFIG_IS_##when},
#define OPTS(s, member, key, type, nmin, nmax, min, max, unit, def, help, when)                    \
    {key, help, def, CONFIG_VALUES, ROW_##type, NULL, CONFIG_UNIT_##unit, nmin, nmax, min, max,    \
     sizeof(CONFIG_C_##type), offsetof(struct CONFIG_ROW(s), member),                                 \
     offsetof(struct CONFIG_ROW(s), n_##member), CONFIG_IS_##when},
#define LIST(s, member, key, item, nmin, nmax, def, help, when)                                    \
    {key, help, def, CONFIG_MAPPINGS, CONFIG_TYPE_STR, NULL, &section_##item, CONFIG_UNIT_NONE,    \
     nmin, nmax, 0, 0, sizeof(struct CONFIG_ROW(item)), offsetof(struct CONFIG_ROW(s), member),          \
     offsetof(struct CONFIG_ROW(s), n_##member), CONFIG_IS_##when},
#define SECTION_END(id)                                                                            \
    }                                                                                              \
    ;                                                                                              \
    static const struct config_section section_##id = {                                            \
        #id, help_##id, opts_##id, ARRAY_LEN(opts_##id), sizeof(struct CONFIG_ROW(id))};
