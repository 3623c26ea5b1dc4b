/* SPDX-License-Identifier: Apache-2.0 */
/* synth_country.h - where people live, where sites stand and who has which contract. */
#pragma once
#include "trust/synth.h"

enum { SYNTH_CITIES = 400, SYNTH_REGIONS = 14, SYNTH_CENTRES = 64 };
struct city {
    char name[24];
    const char *region; /* its region's name: that of the region's largest city */
    double latitude, longitude, population, radius_km;
    uint32_t sites; /* of one operator after the other */
};
struct place {
    double latitude, longitude, area_km2, radius_km, population; /* population: who lives in its area */
    uint32_t city, region; /* city UINT32_MAX: the country; region: index of the city that names it */
    uint8_t operator, sensitivity;
};
struct maker {
    char id[40], country[3];
    struct str name;
    uint32_t share, state_share;
};
struct centre {
    uint32_t city, number; /* of the operator's, from 1 */
    uint8_t operator;
};
struct near {
    uint32_t site;
    double km;
};
struct country {
    uint64_t random;
    struct city cities[SYNTH_CITIES];
    uint32_t n_cities, n_regions;
    struct place *sites; /* by operator, then as they come */
    uint32_t n_sites, first[SYNTH_OPERATORS + 1];
    struct maker makers[SYNTH_SUPPLIERS];
    uint32_t n_makers, n_operators;
    double market[SYNTH_OPERATORS]; /* shares of subscribers, of 1 */
    uint8_t radio[SYNTH_OPERATORS][SYNTH_REGIONS], radio_before[SYNTH_OPERATORS][SYNTH_REGIONS],
        transport[SYNTH_OPERATORS][SYNTH_REGIONS];
    uint32_t core_maker[SYNTH_OPERATORS], other_maker[SYNTH_OPERATORS];
    struct centre centres[SYNTH_CENTRES];
    uint32_t n_centres;
    uint32_t *tree; /* sites of each operator as a k-d tree: the middle of a range is its root */
};
int country_make(struct country *, const struct synth_options *);
void country_free(struct country *);
uint64_t draw64(uint64_t *random);
uint32_t draw(uint64_t *random, uint32_t n); /* 0 to n - 1 */
/* Suppliers by contract. */
uint32_t country_radio(const struct country *, uint32_t operator, uint32_t region, bool before);
uint32_t country_transport(const struct country *, uint32_t operator, uint32_t region);
bool country_has_radio(const struct country *, uint32_t operator, uint32_t maker);
/* The nearest sites of the same operator, nearest first; how many. n at most 16. */
uint32_t country_nearest(const struct country *, uint32_t site, struct near *out, uint32_t n);
/* Share of a's area that b covers too, at this distance. */
double country_overlap(const struct country *, uint32_t a, uint32_t b, double km);
