/* SPDX-License-Identifier: Apache-2.0 */
/* policy_set.h - a policy that has met an inventory: what rows say by name is numbers and bits here. Inside trust/. */
#pragma once
#include "trust/policy_parts.h"
#include <stdlib.h>

_Static_assert(INV_CLASSES <= 64, "function classes are bits of 64");
struct set_grant { /* references, sorted; n 0: not by these */
    uint32_t *suppliers, *products, *elements, *regions;
    uint32_t n_suppliers, n_products, n_elements, n_regions;
    bool by_region; /* regions were named, whether or not the inventory knows them */
    int32_t from, until;
};
struct set_near { /* elements within so many km of a site at least so sensitive; rows share them */
    uint32_t km;
    uint8_t place;
    uint64_t *elements;
};
struct set_row {
    const struct policy_row *w;
    uint64_t classes;    /* bits 1 << enum inv_class; ~0: any */
    uint8_t generations; /* bits; 0: any */
    uint64_t *regions, *except_regions; /* bits by reference; NULL: none named */
    const uint64_t *near;               /* bits by element; NULL: anywhere */
    uint64_t *within;                   /* of a cap: elements that are not beyond it */
    uint32_t *permille;                 /* of a cap: the share, by region reference or at 0 for the nation; UINT32_MAX: cannot be told */
    struct set_grant *grants;
    uint32_t n_grants;
};
enum { SET_CACHED_REASONS = 4, SET_NO_ROW = 0xffff };
struct set_cached { /* at 0: nothing */
    int32_t at, same_until, deadline;
    uint8_t decision, conditions, n_reasons, spare;
    struct {
        uint16_t row;
        uint8_t decision, why;
        int32_t deadline;
    } reasons[SET_CACHED_REASONS];
};
struct policy_set {
    const struct policy *policy;
    const struct inventory *inv;
    struct set_row *rows; /* numbered as those of the policy */
    uint32_t n_rows, words; /* words of bits of rows */
    uint64_t *by_supplier;  /* [n_suppliers + 1][words]: rows that concern a supplier; 0: an unknown one */
    struct set_near *near;
    uint32_t n_near;
    struct set_cached *cache; /* by element */
};
static inline bool bit_get(const uint64_t *bits, uint32_t i) { return bits[i / 64] >> (i % 64) & 1; }
static inline void bit_set(uint64_t *bits, uint32_t i) { bits[i / 64] |= 1ull << (i % 64); }
static inline uint64_t *bits_new(uint32_t n) { return calloc(n / 64 + 1, sizeof(uint64_t)); }

/* Is the element, by index, where and what the row speaks of, whoever made it? */
bool set_row_covers(const struct policy_set *, const struct set_row *, uint32_t element);
/* … and by whom. */
static inline bool set_row_concerns(const struct policy_set *s, uint32_t row, uint32_t element)
{
    uint32_t supplier = s->inv->elements[element].supplier;
    return bit_get(s->by_supplier + (size_t)supplier * s->words, row) && set_row_covers(s, &s->rows[row], element);
}
/* policy_measure.c: 0 or ERR_NOSPACE */
int set_near_find(struct policy_set *, uint32_t km, uint8_t place, const uint64_t **out);
int set_cap_measure(struct policy_set *, uint32_t row);
/* What an element counts for a share; of sites: 1 for each of its equipment. */
double set_metric_weight(const struct inv_element *, uint8_t metric);
