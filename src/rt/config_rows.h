/* SPDX-License-Identifier: Apache-2.0 */
/* config_rows.h - the rows of spec/config.def as data, for the files that read, check and explain a configuration;
 * and the reader of other texts that have rows of their own in the same dialect (config_struct.h, config_table.h). */
#pragma once
#include "rt/config.h"

enum config_type {
    CONFIG_TYPE_BOOL, CONFIG_TYPE_INT, CONFIG_TYPE_LONG, CONFIG_TYPE_STR, CONFIG_TYPE_NAME, CONFIG_TYPE_DNN,
    CONFIG_TYPE_PATH, CONFIG_TYPE_HEX, CONFIG_TYPE_IP, CONFIG_TYPE_IP4, CONFIG_TYPE_IP6, CONFIG_TYPE_ADDR,
    CONFIG_TYPE_PREFIX4, CONFIG_TYPE_PREFIX6, CONFIG_TYPE_CIDR4, CONFIG_TYPE_CIDR6, CONFIG_TYPE_PLMN,
    CONFIG_TYPE_TAC, CONFIG_TYPE_SLICE, CONFIG_TYPE_DATE, CONFIG_TYPE_ENUM,
};
enum config_form { CONFIG_ONE, CONFIG_VALUES, CONFIG_MAPPINGS }; /* OPT, OPTS, LIST */
enum config_unit { CONFIG_UNIT_NONE, CONFIG_UNIT_S, CONFIG_UNIT_MS, CONFIG_UNIT_BPS, CONFIG_UNIT_OCTETS };
struct config_choices {
    const char *const *text;
    uint32_t n;
};
struct config_section;
struct config_opt {
    const char *key, *help, *def; /* def: "" none, NULL must be given */
    enum config_form form;
    enum config_type type;
    const struct config_choices *choices; /* of an ENUM */
    const struct config_section *element; /* of a LIST */
    enum config_unit unit;
    uint64_t fewest, most; /* values, mappings */
    uint64_t min, max;
    uint32_t octets;       /* of one value or mapping */
    uint32_t offset, n_offset;
    bool reload;
};
struct config_section {
    const char *name, *help;
    const struct config_opt *opts;
    uint32_t n_opts, octets;
};
struct config_top {
    const struct config_section *section;
    uint32_t offset; /* in struct config */
};
extern const struct config_top config_tops[];
extern const uint32_t config_n_tops;
const struct config_top *config_top_find(struct str name); /* NULL: none */
const struct config_opt *config_opt_find(const struct config_section *, struct str key);

/* The value or the array of an option within its section's struct. */
static inline void *config_member(const struct config_opt *o, void *section)
{
    return (char *)section + o->offset;
}
static inline const void *config_items(const struct config_opt *o, const void *section, uint32_t *n)
{
    const char *at = (const char *)section;
    const void *items = at + o->offset;
    *n = 1;
    if (o->form != CONFIG_ONE) {
        memcpy(n, at + o->n_offset, sizeof *n);
        memcpy(&items, at + o->offset, sizeof items);
    }
    return items;
}

/* One value from its text into `out` (o->octets). ERR_CONFIG with a reason of its own in why[] where "expected" of
 * the row does not say it, else why[0] is 0; ERR_NOSPACE. */
enum { CONFIG_WHY = 160, CONFIG_EXPECTED = 512 };
int config_value_parse(const struct config_opt *, struct str text, struct arena *, void *out, char why[CONFIG_WHY]);
/* What a value of the row looks like: "a whole number from 1 to 65535". Returns buf. */
const char *config_value_expected(const struct config_opt *, char buf[CONFIG_EXPECTED]);
bool config_value_eq(const struct config_opt *, const void *a, const void *b);
bool config_may_be_empty(const struct config_opt *);

/* ---- a report ---- */
void config_say(struct config_report *, bool is_error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- cross checks (config_check.c): what no row can say alone ---- */
struct config_reader;
/* Where the user wrote an option: section.key, of a list's element `index` its `sub` (NULL: the element itself;
 * index UINT32_MAX: the list). False: not written. `where` gets "FILE:LINE:COLUMN", at least of the section. */
enum { CONFIG_WHERE = 320, CONFIG_WHOLE = 0xffffffff };
bool config_where(const struct config_reader *, const char *section, const char *key, uint32_t index, const char *sub,
                  char where[CONFIG_WHERE]);
int config_check(const struct config_reader *, struct config *, struct arena *, struct config_report *);

/* ---- other texts with rows of their own ---- */
/* The text is one mapping of `root`, which is filled in at *out. Adds to the report. check(ctx), NULL: none, says what
 * no row can, and may ask config_row_line(); it runs when the rows had nothing to say. OK, ERR_CONFIG, ERR_NOSPACE. */
int config_rows_read(const struct config_section *root, void *out, struct arena *, struct str file, struct str text,
                     struct config_report *, int (*check)(const struct config_reader *, void *ctx), void *ctx);
/* The line, from 1, of `key`, of its element `index` (CONFIG_WHOLE: of none) and of that one's key `sub` (NULL: of
 * none); the nearest that is written. */
uint32_t config_row_line(const struct config_reader *, const char *key, uint32_t index, const char *sub);
