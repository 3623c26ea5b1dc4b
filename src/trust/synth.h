/* SPDX-License-Identifier: Apache-2.0 */
/* synth.h - national inventories that do not exist, for trials: cities whose sizes fall as a power of their rank, sites
 * that are dense where people are, operators with contracts by region, several generations, core and transport,
 * neighbours by distance. The same options make the same inventory, to the octet. Every record says synthetic. */
#pragma once
#include "trust/inventory_row.h"

enum { SYNTH_SUPPLIERS = 12, SYNTH_OPERATORS = 4, SYNTH_SITES_MAX = 200000 };
struct synth_supplier {
    struct str name;
    char country[3];
    uint32_t share; /* weight among contracts for the radio network */
};
struct synth_options {
    uint64_t seed;
    uint32_t sites, operators;
    uint32_t population; /* 0: 500 for each site */
    struct synth_supplier suppliers[SYNTH_SUPPLIERS]; /* none: four that do not exist */
    uint32_t n_suppliers;
    int32_t today; /* dates lie before it */
};
/* Takes "Name:CC:40,Name:CC:60". ERR_SYNTAX with why. */
int synth_suppliers_parse(struct synth_options *, struct str text, char why[INV_REASON]);
/* The inventory itself, in memory. why[cap] says what is wrong. */
int synth_inventory(struct inventory **, const struct synth_options *, const struct inv_asked *, char *why, uint32_t cap);
/* Calls row() for each record, kind by kind, with canonical values that live until it returns. Stops at its error.
 * ERR_RANGE: options that make no country; ERR_NOSPACE. */
int synth_make(const struct synth_options *, int (*row)(void *ctx, enum inv_kind, const struct inv_texts *), void *ctx);
