/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_row.h - a record as texts: what CSV, JSON and the store have in common, by the rows of spec/inventory.def. */
#pragma once
#include "base/text.h"
#include "trust/inventory.h"

enum inv_type {
    INV_TEXT, INV_LIST, INV_REF, INV_CODE, INV_DATE, INV_COUNT, INV_AMOUNT, INV_REAL, INV_SHARE, INV_BOOL, INV_COUNTRY,
    INV_CURRENCY, INV_HASH, INV_PLMN, INV_ADDR
};
/* PART: of the id, and may be empty. */
enum inv_use { INV_USE_KEY, INV_USE_PART, INV_USE_MUST, INV_USE_MAY };
enum inv_of {
    INV_OF_none, INV_OF_class, INV_OF_sensitivity, INV_OF_identity, /* enumerations */
    INV_OF_supplier, INV_OF_product, INV_OF_site, INV_OF_element    /* kinds */
};
enum { INV_FIELDS_MAX = 40, INV_LISTS_MAX = 2 /* LIST fields of a kind */, INV_TEXT_MAX = 1000, INV_KEY_MAX = 2100, INV_ROW_MAX = 16384, INV_REASON = 160 };

struct inv_field {
    uint8_t number, type, of, use;
    uint16_t off; /* in the struct */
    const char *name, *help;
};
struct inv_kind_desc {
    const char *name, *file, *help; /* file: of the CSV without .csv, and the member in JSON */
    const struct inv_field *fields;
    uint32_t n_fields, size;             /* octets of the struct */
    uint32_t array_off, count_off;       /* in struct inventory */
};
const struct inv_kind_desc *inv_kind_desc(enum inv_kind);
/* By name of the kind or of the file; INV_KINDS: none. */
enum inv_kind inv_kind_parse(struct str);
/* Index of a field, '-' as '_'; n_fields: none. */
uint32_t inv_field_find(const struct inv_kind_desc *, struct str name);
/* The kind whose id this field holds; INV_KINDS: none. */
enum inv_kind inv_field_target(const struct inv_field *);

/* A record's texts: v[i] of fields[i], n 0 where it is not given. */
struct inv_texts {
    struct str v[INV_FIELDS_MAX];
};
/* Checks and turns a text into the member's type at `at`; a REF is left alone. False, and why says what was expected. */
bool inv_value_parse(const struct inv_field *, struct str, void *at, char why[INV_REASON]);
/* The one way a value is written, for those that have several; the text itself for the others. A slice of buf or s. */
struct str inv_value_canonical(const struct inv_field *, struct str s, const void *at, char buf[80]);
/* The id: its parts with 0x1f between them. */
uint32_t inv_key_of(const struct inv_kind_desc *, const struct inv_texts *, char out[INV_KEY_MAX]);
/* For people: " / " between the parts. */
const char *inv_key_text(struct str key, char *out, uint32_t cap);

/* One record as octets: number, length (2), text, for each field that is given. 0: it does not fit. */
uint32_t inv_row_put(const struct inv_kind_desc *, const struct inv_texts *, uint8_t *out, uint32_t cap);
/* Slices of the row. Numbers that are not known, of a later version, are passed over. */
bool inv_row_get(const struct inv_kind_desc *, struct bytes row, struct inv_texts *);
/* As import reads them. In JSON numbers, yes and no are as JSON has them, lists are arrays. */
void inv_csv_header(struct text *, enum inv_kind);
void inv_csv_line(struct text *, enum inv_kind, const struct inv_texts *);
void inv_json_object(struct text *, enum inv_kind, const struct inv_texts *);
bool inv_country_known(struct str code);
