/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_build.h - records from wherever, put together into an inventory that holds together. */
#pragma once
#include "trust/inventory_row.h"

struct inv_place { /* in a text; line 0: none */
    uint32_t line, column;
};
enum { INV_STORED = UINT32_MAX }; /* text of a record that the store holds */
struct inv_record {
    struct str key;
    struct bytes row, before; /* before: the row of the store that this one displaces; p NULL: none */
    uint32_t text;
    int32_t since; /* first day of the row of the store */
    uint8_t kind;
    struct inv_place place, *fields; /* of the record and of each field; NULL: of none */
};
struct inv_records {
    struct inv_record *v;
    uint32_t n, cap;
};
struct inv_build {
    struct inv_records kinds[INV_KINDS];
    struct inv_records gone; /* what the store holds and `complete` leaves out */
    struct inv_block *blocks;
    const struct inv_text *texts;
    bool seen[INV_KINDS]; /* texts have this kind */
    bool complete;        /* of a kind that was seen, only what texts have remains */
    struct str within;    /* with complete: only among the ids that begin so */
    struct inv_report *report;
    bool no_memory;
};

void inv_build_init(struct inv_build *, const struct inv_text *texts, struct inv_report *);
void inv_build_free(struct inv_build *);
/* A record of a text. Values are checked and made canonical; what is wrong becomes a finding. ERR_SYNTAX, ERR_NOSPACE. */
int inv_build_add(struct inv_build *, enum inv_kind, const struct inv_texts *, uint32_t text, struct inv_place,
                  const struct inv_place *fields);
/* A record of the store; copied. */
int inv_build_add_row(struct inv_build *, enum inv_kind, struct str key, struct bytes row, int32_t since);
/* The records of a text. ERR_SYNTAX with findings, ERR_NOSPACE. */
int inv_build_read(struct inv_build *, uint32_t text);
/* Records of texts displace those of the store that have the same id. Then ids, references, dates, places and
 * identities are checked. ERR_SYNTAX with findings. The inventory is independent of the build. */
int inv_build_finish(struct inv_build *, const struct inv_asked *, struct inventory **);
/* A finding at a field of a record (UINT32_MAX: at the record). */
void inv_build_wrong(struct inv_build *, const struct inv_record *, uint32_t field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void inv_finding_add(struct inv_report *, uint32_t text, struct inv_place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* "line 12 of elements.csv" or "the record that the store holds". */
const char *inv_record_where(const struct inv_build *, const struct inv_record *, char out[120]);

/* ---- memory that is dropped at once ---- */
struct inv_block;
void *inv_block_take(struct inv_block **, size_t n); /* aligned to 8; NULL */
void inv_block_free(struct inv_block **);

/* ---- inventory_check.c ---- */
/* What is wrong with records that were read one by one. records[kind].v[i] is what array[i] came from. */
void inv_check(struct inv_build *, struct inventory *);
