/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/config_rows.h"

#define CHOICES(name, NAME) static const char *const words_##name[] = {
#define CHOICE(NAME, VALUE, text) text,
#define CHOICES_END(name, NAME)                                                                    \
    }                                                                                              \
    ;                                                                                              \
    static const struct config_choices choices_##name = {words_##name, ARRAY_LEN(words_##name)};
#include "../../spec/config.def"

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
#define ROW_ENUM(e) CONFIG_TYPE_ENUM, &choices_##e
enum { CONFIG_IS_START = 0, CONFIG_IS_RELOAD = 1 };

#define SECTION(id, text)                                                                          \
    static const char help_##id[] = text;                                                          \
    static const struct config_opt opts_##id[] = {
#define OPT(s, member, key, type, min, max, unit, def, help, when)                                 \
    {key, help, def, CONFIG_ONE, ROW_##type, NULL, CONFIG_UNIT_##unit, 1, 1, min, max,             \
     sizeof(CONFIG_C_##type), offsetof(struct config_##s, member), 0, CONFIG_IS_##when},
#define OPTS(s, member, key, type, nmin, nmax, min, max, unit, def, help, when)                    \
    {key, help, def, CONFIG_VALUES, ROW_##type, NULL, CONFIG_UNIT_##unit, nmin, nmax, min, max,    \
     sizeof(CONFIG_C_##type), offsetof(struct config_##s, member),                                 \
     offsetof(struct config_##s, n_##member), CONFIG_IS_##when},
#define LIST(s, member, key, item, nmin, nmax, def, help, when)                                    \
    {key, help, def, CONFIG_MAPPINGS, CONFIG_TYPE_STR, NULL, &section_##item, CONFIG_UNIT_NONE,    \
     nmin, nmax, 0, 0, sizeof(struct config_##item), offsetof(struct config_##s, member),          \
     offsetof(struct config_##s, n_##member), CONFIG_IS_##when},
#define SECTION_END(id)                                                                            \
    }                                                                                              \
    ;                                                                                              \
    static const struct config_section section_##id = {                                            \
        #id, help_##id, opts_##id, ARRAY_LEN(opts_##id), sizeof(struct config_##id)};
#include "../../spec/config.def"

const struct config_top config_tops[] = {
#define TOP(id) {&section_##id, offsetof(struct config, id)},
#include "../../spec/config.def"
};
const uint32_t config_n_tops = ARRAY_LEN(config_tops);

const struct config_top *config_top_find(struct str name)
{
    for (uint32_t i = 0; i < config_n_tops; i++)
        if (str_is(name, config_tops[i].section->name))
            return &config_tops[i];
    return NULL;
}

const struct config_opt *config_opt_find(const struct config_section *s, struct str key)
{
    for (uint32_t i = 0; i < s->n_opts; i++)
        if (str_is(key, s->opts[i].key))
            return &s->opts[i];
    return NULL;
}

const char *config_nf_text(enum config_nf nf) { return (unsigned)nf < choices_nf.n ? choices_nf.text[nf] : "?"; }
