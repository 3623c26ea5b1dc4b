/* SPDX-License-Identifier: Apache-2.0 */
/* config_struct.h - makes the rows of a .def in the dialect of spec/config.def into enumerations and structs when that
 * file is included next. CONFIG_ROW(id) is the name that a struct or enumeration gets, CONFIG_WORD(NAME, VALUE) that
 * of a choice. Included once for each such file, so there is no guard. */
#define CHOICES(name, NAME) enum CONFIG_ROW(name) {
#define CHOICE(NAME, VALUE, text) CONFIG_WORD(NAME, VALUE),
#define CHOICES_END(name, NAME) CONFIG_WORD(NAME, COUNT) };
#define SECTION(id, help) struct CONFIG_ROW(id) {
#define OPT(s, member, key, type, min, max, unit, def, help, when) CONFIG_C_##type member;
#define OPTS(s, member, key, type, nmin, nmax, min, max, unit, def, help, when)                    \
    const CONFIG_C_##type *member;                                                                 \
    uint32_t n_##member;
#define LIST(s, member, key, element, nmin, nmax, def, help, when)                                 \
    const struct CONFIG_ROW(element) *member;                                                      \
    uint32_t n_##member;
#define SECTION_END(id) };
