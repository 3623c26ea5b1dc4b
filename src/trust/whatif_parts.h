/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_parts.h - what the files of what-if share. Inside trust/. */
#pragma once
#include "trust/whatif.h"

/* whatif_move.c: M2 to M4. */
int whatif_move(struct whatif *);
/* whatif_plan.c: M5. */
int whatif_plan(struct whatif *);
/* whatif_sums.c: by region, supplier, function class; caps. */
int whatif_sums(struct whatif *);

static inline bool whatif_is_live(const struct whatif_element *e) { return e->is_cell && e->state == WHATIF_STAYS; }
static inline bool whatif_is_silent(const struct whatif_element *e)
{
    return e->is_cell && (e->state == WHATIF_DENIED || e->state == WHATIF_CUT_OFF);
}
/* Adds to the sum of its currency; false: there are too many currencies. */
bool whatif_money_add(struct whatif_money *, uint32_t *n, const char currency[4], uint64_t amount);
struct whatif_money whatif_money_most(const struct whatif_money *, uint32_t n); /* the greatest; zeroed: none */
/* Cells, the heaviest first; free() them. NULL: no memory. */
struct ranked {
    uint32_t index;
    uint64_t weight;
};
struct ranked *whatif_silenced(const struct whatif *, uint32_t *n); /* by subscribers lost */
struct ranked *whatif_crowded(const struct whatif *, uint32_t *n);  /* take over more than they have room for; by load, permille of it */
/* The part of a cell's area that its live neighbours cover (M2), 0 to 1. */
double whatif_covered(const struct whatif *, uint32_t element);

/* ---- a text that grows ---- */
struct out {
    char *p;
    size_t n, cap;
    bool bad; /* no memory */
};
void out_add(struct out *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void out_str(struct out *, struct str);
void out_html(struct out *, struct str); /* & < > " ' escaped, what does not print as '?' */
void out_json(struct out *, struct str); /* with its quotes */
void out_plain(struct out *, struct str); /* what does not print as '?' */
char *out_end(struct out *, uint32_t *n); /* NULL: no memory */
enum { NUMBER_TEXT = 32 };
const char *number_text(uint64_t, char buf[NUMBER_TEXT]); /* 1,234,567 */
/* "3.2 %" of a whole; "" when that is 0. */
const char *share_text(uint64_t part, uint64_t whole, char buf[NUMBER_TEXT]);
const char *money_text(const struct whatif_money *, char buf[NUMBER_TEXT]); /* EUR 1,234,567 */
struct str whatif_supplier_name(const struct whatif *, uint32_t supplier);
struct str whatif_region_name(const struct whatif *, uint32_t region);
struct str whatif_element_name(const struct whatif *, uint32_t element); /* by index: name, or id */
/* "R3", or "B1" for a ban; "" for none. */
const char *cause_mark(const struct whatif *, uint16_t cause, char buf[NUMBER_TEXT]);
/* What is asked, in words: "bans of X and Y, and policy a, b". */
void whatif_title(struct out *, const struct whatif *, void (*name)(struct out *, struct str));
