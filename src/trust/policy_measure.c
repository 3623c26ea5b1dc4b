/* SPDX-License-Identifier: Apache-2.0 */
/* policy_measure.c - what depends on all equipment together: who stands near a sensitive site, and what share of the
 * network a supplier has. */
#include <stdlib.h>
#include "trust/policy_set.h"

/* ---- near ---- */
struct spot {
    double latitude, longitude;
};
static int spot_order(const void *a, const void *b)
{
    double x = ((const struct spot *)a)->latitude, y = ((const struct spot *)b)->latitude;
    return x < y ? -1 : x > y;
}
static struct spot *spots_of(const struct inventory *v, uint8_t place, uint32_t *n)
{
    struct spot *out = calloc(v->n_sites + 1u, sizeof *out);
    *n = 0;
    for (uint32_t i = 0; out && i < v->n_sites; i++)
        if (v->sites[i].sensitivity >= place && inv_has_position(v->sites[i].latitude, v->sites[i].longitude))
            out[(*n)++] = (struct spot){v->sites[i].latitude, v->sites[i].longitude};
    if (out)
        qsort(out, *n, sizeof *out, spot_order);
    return out;
}
static bool is_near(const struct spot *spots, uint32_t n, const struct inv_element *e, uint32_t km)
{
    double degrees = (double)km / 111.0 + 0.01; /* of latitude; a little more than it takes */
    uint32_t lo = 0, hi = n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (spots[mid].latitude < e->latitude - degrees)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < n && spots[lo].latitude <= e->latitude + degrees; lo++)
        if (inv_distance_km(e->latitude, e->longitude, spots[lo].latitude, spots[lo].longitude) <= (double)km)
            return true;
    return false;
}
int set_near_find(struct policy_set *s, uint32_t km, uint8_t place, const uint64_t **out)
{
    const struct inventory *v = s->inv;
    for (uint32_t i = 0; i < s->n_near; i++)
        if (s->near[i].km == km && s->near[i].place == place) {
            *out = s->near[i].elements;
            return OK;
        }
    uint32_t n;
    struct spot *spots = spots_of(v, place, &n);
    uint64_t *bits = bits_new(v->n_elements);
    if (!spots || !bits) {
        free(spots);
        free(bits);
        return ERR_NOSPACE;
    }
    for (uint32_t i = 0; i < v->n_elements; i++) {
        const struct inv_element *e = &v->elements[i];
        if (!inv_has_position(e->latitude, e->longitude) || e->sensitivity >= place || is_near(spots, n, e, km))
            bit_set(bits, i);
    }
    free(spots);
    s->near[s->n_near++] = (struct set_near){km, place, bits};
    *out = bits;
    return OK;
}

/* ---- shares ---- */
struct part { /* a supplier's equipment, the oldest first */
    int32_t installed;
    uint32_t element;
};
static int part_order(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->installed != y->installed)
        return x->installed < y->installed ? -1 : 1;
    return x->element < y->element ? -1 : x->element > y->element;
}
double set_metric_weight(const struct inv_element *e, uint8_t metric)
{
    switch (metric) {
    case POLICY_METRIC_TRAFFIC: return e->traffic_mbps;
    case POLICY_METRIC_COVERAGE: return e->area_km2;
    case POLICY_METRIC_POPULATION: return e->population;
    case POLICY_METRIC_SUBSCRIBERS: return e->subscribers;
    default: return 1;
    }
}
/* A site counts once: `seen` has those that were. Equipment without a site is a place of its own. */
static double add_weight(const struct inv_element *e, uint8_t metric, uint64_t *seen)
{
    if (metric != POLICY_METRIC_SITES || !e->site)
        return set_metric_weight(e, metric);
    if (bit_get(seen, e->site))
        return 0;
    bit_set(seen, e->site);
    return 1;
}
struct measure {
    double *total, *part;   /* by group: region reference, or 0 for the nation */
    uint64_t *seen, *over;  /* sites counted; groups whose cap is reached */
    uint64_t *sites_within; /* sites of the supplier's that are within the cap */
    struct part *parts;
    uint32_t n_parts;
};
static void measure_free(struct measure *m)
{
    free(m->total);
    free(m->part);
    free(m->seen);
    free(m->over);
    free(m->sites_within);
    free(m->parts);
}
static bool measure_new(struct measure *m, const struct inventory *v)
{
    *m = (struct measure){.total = calloc(v->n_regions + 1u, sizeof(double)), .part = calloc(v->n_regions + 1u, sizeof(double)),
                          .seen = bits_new(v->n_sites + 1), .over = bits_new(v->n_regions + 1), .sites_within = bits_new(v->n_sites + 1),
                          .parts = calloc(v->n_elements + 1u, sizeof(struct part))};
    return m->total && m->part && m->seen && m->over && m->sites_within && m->parts;
}
static uint32_t group_of(const struct set_row *row, const struct inv_element *e)
{
    return row->w->rule->cap_per == POLICY_PER_REGION ? e->region_ref : 0;
}
/* All that is or will be in service and that the row speaks of, whoever made it. */
static void measure_total(struct policy_set *s, uint32_t r, struct measure *m)
{
    const struct inventory *v = s->inv;
    const struct set_row *row = &s->rows[r];
    for (uint32_t i = 0; i < v->n_elements; i++) {
        const struct inv_element *e = &v->elements[i];
        if ((e->service_until && e->service_until < v->as_of) || !set_row_covers(s, row, i))
            continue;
        m->total[group_of(row, e)] += add_weight(e, (uint8_t)row->w->rule->cap_metric, m->seen);
        if (set_row_concerns(s, r, i))
            m->parts[m->n_parts++] = (struct part){e->installed ? e->installed : INT32_MAX, i};
    }
    qsort(m->parts, m->n_parts, sizeof *m->parts, part_order);
}
/* From the oldest on, until the cap is reached: the rest is beyond it. */
static void measure_parts(struct policy_set *s, uint32_t r, struct measure *m)
{
    struct set_row *row = &s->rows[r];
    uint8_t metric = (uint8_t)row->w->rule->cap_metric;
    memset(m->seen, 0, (s->inv->n_sites / 64 + 1) * sizeof *m->seen);
    for (uint32_t i = 0; i < m->n_parts; i++) {
        const struct inv_element *e = &s->inv->elements[m->parts[i].element];
        uint32_t g = group_of(row, e);
        bool same_site = metric == POLICY_METRIC_SITES && e->site && bit_get(m->seen, e->site);
        m->part[g] += add_weight(e, metric, m->seen);
        bool fits = m->total[g] > 0 && m->part[g] * 100 <= (double)row->w->cap_percent * m->total[g];
        if (same_site ? bit_get(m->sites_within, e->site) : fits && !bit_get(m->over, g)) {
            bit_set(row->within, m->parts[i].element);
            if (e->site)
                bit_set(m->sites_within, e->site);
        } else if (!same_site) {
            bit_set(m->over, g);
        }
    }
}
int set_cap_measure(struct policy_set *s, uint32_t r)
{
    struct measure m;
    struct set_row *row = &s->rows[r];
    uint32_t groups = s->inv->n_regions + 1;
    bool good = measure_new(&m, s->inv);
    row->within = bits_new(s->inv->n_elements);
    row->permille = calloc(groups, sizeof *row->permille);
    if (good && row->within && row->permille) {
        measure_total(s, r, &m);
        measure_parts(s, r, &m);
        for (uint32_t g = 0; g < groups; g++)
            row->permille[g] = m.total[g] > 0 ? (uint32_t)(m.part[g] * 1000 / m.total[g] + 0.5) : UINT32_MAX;
    }
    good = good && row->within && row->permille;
    measure_free(&m);
    return good ? OK : ERR_NOSPACE;
}
bool policy_share(const struct policy_set *s, const struct policy_row *w, uint32_t element, uint32_t *permille)
{
    for (uint32_t i = 0; element && element <= s->inv->n_elements && i < s->n_rows; i++)
        if (s->rows[i].w == w && s->rows[i].permille) {
            *permille = s->rows[i].permille[group_of(&s->rows[i], &s->inv->elements[element - 1])];
            return *permille != UINT32_MAX;
        }
    return false;
}
