/* SPDX-License-Identifier: Apache-2.0 */
/* synth_country.c - cities, sites, contracts, distances. */
#include "trust/synth_country.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PI 3.14159265358979323846
/* Where the country lies, and how large it is when it has 20,000 sites: some 300,000 km2. */
#define CENTRE_LATITUDE  62.0
#define CENTRE_LONGITUDE 16.0
#define KM_A_DEGREE      111.19

uint64_t draw64(uint64_t *r) /* splitmix64 */
{
    uint64_t z = *r += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
uint32_t draw(uint64_t *r, uint32_t n) { return n ? (uint32_t)((draw64(r) >> 32) * n >> 32) : 0; }
static double unit_draw(uint64_t *r) { return (double)(draw64(r) >> 11) / 9007199254740992.0; }
static double normal_draw(uint64_t *r)
{
    double u = 1 - unit_draw(r), v = unit_draw(r);
    return sqrt(-2 * log(u)) * cos(2 * PI * v);
}

/* ---- the outline: a circle that is dented ---- */
static void point_draw(struct country *c, double size_km, double *latitude, double *longitude)
{
    double angle = 2 * PI * unit_draw(&c->random), far = sqrt(unit_draw(&c->random));
    double edge = 1 + 0.25 * sin(2 * angle + 1) + 0.15 * sin(3 * angle + 4) + 0.08 * sin(5 * angle);
    *latitude = CENTRE_LATITUDE + far * edge * size_km * 1.4 * sin(angle) / KM_A_DEGREE;
    *longitude = CENTRE_LONGITUDE + far * edge * size_km * 0.8 * cos(angle) / (KM_A_DEGREE * cos(CENTRE_LATITUDE * PI / 180));
}
static void name_draw(struct country *c, char out[24])
{
    static const char *const first[] = {"Ald", "Bran", "Dor", "Eld", "Fal", "Gran", "Hal", "Kal", "Lin", "Mar", "Nor", "Ost",
                                        "Ran", "Sol", "Tor", "Ulv", "Var", "Vest", "Ask", "Berg"};
    static const char *const last[] = {"holm", "berg", "vik", "stad", "dal", "ness", "borg", "fors", "lund", "mark", "sund",
                                       "haven", "by", "ridge", "torp", "brook"};
    snprintf(out, 24, "%s%s", first[draw(&c->random, ARRAY_LEN(first))], last[draw(&c->random, ARRAY_LEN(last))]);
}
static bool name_taken(const struct country *c, const char *name)
{
    for (uint32_t i = 0; i < c->n_cities; i++)
        if (strcmp(c->cities[i].name, name) == 0)
            return true;
    return false;
}
static void city_place(struct country *c, struct city *x, double size_km)
{
    double apart = size_km / 3;
    for (bool free = false; !free; apart *= 0.95) {
        point_draw(c, size_km * 0.92, &x->latitude, &x->longitude);
        free = true;
        for (uint32_t i = 0; i < c->n_cities && free; i++)
            free = inv_distance_km(x->latitude, x->longitude, c->cities[i].latitude, c->cities[i].longitude) > apart;
    }
}
/* The size of a city falls as its rank to the power of 1.07. */
static void cities_make(struct country *c, uint32_t n, double population, double size_km)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += pow(i + 1.0, -1.07);
    for (uint32_t i = 0; i < n; i++) {
        struct city *x = &c->cities[i];
        name_draw(c, x->name);
        if (name_taken(c, x->name))
            snprintf(x->name + strlen(x->name), sizeof x->name - strlen(x->name), " %u", i);
        city_place(c, x, size_km);
        x->population = population * pow(i + 1.0, -1.07) / sum;
        x->radius_km = 0.02 * sqrt(x->population / 3);
        c->n_cities++;
    }
    c->n_regions = n < SYNTH_REGIONS ? n : SYNTH_REGIONS;
}
static uint32_t region_at(const struct country *c, double latitude, double longitude)
{
    uint32_t best = 0;
    double km = 1e9;
    for (uint32_t i = 0; i < c->n_regions; i++) {
        double d = inv_distance_km(latitude, longitude, c->cities[i].latitude, c->cities[i].longitude);
        if (d < km) {
            km = d;
            best = i;
        }
    }
    return best;
}

/* ---- sites ---- */
static uint8_t sensitivity_draw(struct country *c, uint32_t city)
{
    uint32_t x = draw(&c->random, 1000);
    if (city == 0 && x < 40) /* the capital */
        return INV_SENSITIVITY_critical;
    return x < 5 ? INV_SENSITIVITY_critical : x < 45 ? INV_SENSITIVITY_sensitive : x < 400 ? INV_SENSITIVITY_restricted
                                                                                           : INV_SENSITIVITY_public;
}
static void site_in_city(struct country *c, struct place *p, uint32_t city)
{
    const struct city *x = &c->cities[city];
    double east = x->radius_km * 0.8 * normal_draw(&c->random), north = x->radius_km * 0.8 * normal_draw(&c->random);
    p->latitude = x->latitude + north / KM_A_DEGREE;
    p->longitude = x->longitude + east / (KM_A_DEGREE * cos(x->latitude * PI / 180));
    p->city = city;
}
/* Of `n` sites, a third is outside of towns; towns get theirs nearly as their people. */
static void sites_of_operator(struct country *c, uint32_t operator, uint32_t n, double size_km, double people)
{
    double sum = 0, in_cities = 0;
    uint32_t first = c->n_sites, rural = n / 3, placed = 0;
    for (uint32_t i = 0; i < c->n_cities; i++) {
        sum += pow(c->cities[i].population, 0.9);
        in_cities += c->cities[i].population;
    }
    for (uint32_t i = 0; i < c->n_cities; i++) {
        uint32_t k = i + 1 == c->n_cities ? n - rural - placed
                                          : (uint32_t)((n - rural) * pow(c->cities[i].population, 0.9) / sum);
        for (uint32_t m = 0; m < k && placed < n - rural; m++, placed++) {
            struct place *p = &c->sites[c->n_sites++];
            site_in_city(c, p, i);
            p->population = c->cities[i].population / k * (0.6 + 0.8 * unit_draw(&c->random));
        }
    }
    while (c->n_sites < first + n) {
        struct place *p = &c->sites[c->n_sites++];
        point_draw(c, size_km, &p->latitude, &p->longitude);
        p->city = UINT32_MAX;
        p->population = rural ? (people - in_cities) / rural * (0.3 + 1.4 * unit_draw(&c->random)) : 0;
    }
    for (uint32_t i = first; i < c->n_sites; i++) {
        c->sites[i].operator = (uint8_t)operator;
        c->sites[i].region = region_at(c, c->sites[i].latitude, c->sites[i].longitude);
        c->sites[i].sensitivity = sensitivity_draw(c, c->sites[i].city);
    }
}

/* ---- distances: a k-d tree in place ---- */
static double axis(const struct country *c, uint32_t site, uint32_t depth)
{
    return depth & 1 ? c->sites[site].longitude * cos(CENTRE_LATITUDE * PI / 180) : c->sites[site].latitude;
}
/* The k-th smallest to its place. */
static void select_middle(const struct country *c, uint32_t *v, int64_t lo, int64_t hi, int64_t k, uint32_t depth)
{
    while (lo < hi) {
        double pivot = axis(c, v[lo + (hi - lo) / 2], depth);
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (axis(c, v[i], depth) < pivot)
                i++;
            while (axis(c, v[j], depth) > pivot)
                j--;
            if (i <= j) {
                uint32_t t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        if (k <= j)
            hi = j;
        else if (k >= i)
            lo = i;
        else
            return;
    }
}
static void tree_make(const struct country *c, uint32_t *v, uint32_t n, uint32_t depth)
{
    while (n > 1) {
        uint32_t middle = n / 2;
        select_middle(c, v, 0, (int64_t)n - 1, middle, depth);
        tree_make(c, v, middle, ++depth);
        v += middle + 1;
        n -= middle + 1;
    }
}
struct search {
    const struct country *c;
    uint32_t site, n, found;
    struct near *out;
};
static void offer(struct search *s, uint32_t site)
{
    const struct place *a = &s->c->sites[s->site], *b = &s->c->sites[site];
    double km = inv_distance_km(a->latitude, a->longitude, b->latitude, b->longitude);
    if (site == s->site || (s->found == s->n && km >= s->out[s->n - 1].km))
        return;
    uint32_t i = s->found < s->n ? s->found++ : s->n - 1;
    for (; i && s->out[i - 1].km > km; i--)
        s->out[i] = s->out[i - 1];
    s->out[i] = (struct near){site, km};
}
static void tree_search(struct search *s, const uint32_t *v, uint32_t n, uint32_t depth)
{
    if (!n)
        return;
    uint32_t middle = n / 2;
    double gap = axis(s->c, s->site, depth) - axis(s->c, v[middle], depth);
    const uint32_t *upper = v + middle + 1;
    uint32_t n_upper = n - middle - 1;
    offer(s, v[middle]);
    tree_search(s, gap < 0 ? v : upper, gap < 0 ? middle : n_upper, depth + 1);
    /* a degree of longitude is a little longer or shorter than at the centre: with some margin */
    if (s->found < s->n || fabs(gap) * KM_A_DEGREE * 0.7 < s->out[s->n - 1].km)
        tree_search(s, gap < 0 ? upper : v, gap < 0 ? n_upper : middle, depth + 1);
}
uint32_t country_nearest(const struct country *c, uint32_t site, struct near *out, uint32_t n)
{
    uint32_t o = c->sites[site].operator;
    struct search s = {c, site, n, 0, out};
    tree_search(&s, c->tree + c->first[o], c->first[o + 1] - c->first[o], 0);
    return s.found;
}
double country_overlap(const struct country *c, uint32_t a, uint32_t b, double d)
{
    double r = c->sites[a].radius_km, q = c->sites[b].radius_km;
    if (d >= r + q)
        return 0;
    if (d <= fabs(r - q))
        return r <= q ? 1 : q * q / (r * r);
    double x = (d * d + r * r - q * q) / (2 * d * r), y = (d * d + q * q - r * r) / (2 * d * q);
    double root = (-d + r + q) * (d + r - q) * (d - r + q) * (d + r + q);
    double lens = r * r * acos(fmin(1, fmax(-1, x))) + q * q * acos(fmin(1, fmax(-1, y))) - 0.5 * sqrt(fmax(0, root));
    return lens / (PI * r * r);
}
static int distances(struct country *c)
{
    struct near near[4];
    c->tree = malloc((c->n_sites + 1) * sizeof *c->tree);
    if (!c->tree)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < c->n_sites; i++)
        c->tree[i] = i;
    for (uint32_t o = 0; o < c->n_operators; o++)
        tree_make(c, c->tree + c->first[o], c->first[o + 1] - c->first[o], 0);
    for (uint32_t i = 0; i < c->n_sites; i++) {
        uint32_t n = country_nearest(c, i, near, 4);
        double km = n ? near[n - 1].km * 0.75 : 5;
        km = fmin(12, fmax(c->sites[i].city == UINT32_MAX ? 0.8 : 0.15, km));
        c->sites[i].radius_km = km;
        c->sites[i].area_km2 = PI * km * km;
    }
    return OK;
}

/* ---- suppliers and contracts ---- */
static void makers_set(struct country *c, const struct synth_options *o)
{
    static const struct {
        const char *name, *country;
        uint32_t share, state;
    } made_up[] = {{"Nordtel", "SE", 38, 0}, {"Harbin Radio", "CN", 34, 54}, {"Hanseong Networks", "KR", 18, 0}, {"Lakeview Systems", "US", 10, 0}};
    c->n_makers = o->n_suppliers ? o->n_suppliers : ARRAY_LEN(made_up);
    for (uint32_t i = 0; i < c->n_makers; i++) {
        struct maker *m = &c->makers[i];
        m->name = o->n_suppliers ? o->suppliers[i].name : str_of(made_up[i].name);
        memcpy(m->country, o->n_suppliers ? o->suppliers[i].country : made_up[i].country, 3);
        m->share = o->n_suppliers ? o->suppliers[i].share : made_up[i].share;
        m->state_share = o->n_suppliers ? 0 : made_up[i].state;
        uint32_t n = 0;
        for (uint32_t k = 0; k < m->name.n && n < 30; k++) {
            char x = m->name.p[k];
            x = x >= 'A' && x <= 'Z' ? (char)(x | 0x20) : x;
            if ((x >= 'a' && x <= 'z') || (x >= '0' && x <= '9') || (x == ' ' && n))
                m->id[n++] = x == ' ' ? '-' : x;
        }
        snprintf(m->id + n, sizeof m->id - n, n ? "%s" : "supplier-%s", n ? "" : m->country);
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(m->id, c->makers[k].id) == 0)
                snprintf(m->id + n, sizeof m->id - n, "-%u", i + 1);
    }
}
static uint32_t maker_draw(struct country *c)
{
    uint32_t sum = 0, i = 0;
    for (uint32_t k = 0; k < c->n_makers; k++)
        sum += c->makers[k].share;
    for (uint32_t x = draw(&c->random, sum); i + 1 < c->n_makers && x >= c->makers[i].share; i++)
        x -= c->makers[i].share;
    return i;
}
/* Regions go, largest first, to whoever is furthest below the share it should have: contracts follow shares also
 * where there are few regions. */
static void radio_contracts(struct country *c, uint32_t o)
{
    double has[SYNTH_SUPPLIERS] = {0}, all = 0, weight[SYNTH_REGIONS] = {0}, shares = 0;
    for (uint32_t i = c->first[o]; i < c->first[o + 1]; i++)
        weight[c->sites[i].region]++;
    for (uint32_t k = 0; k < c->n_makers; k++)
        shares += c->makers[k].share;
    for (uint32_t n = 0; n < c->n_regions; n++) {
        uint32_t r = (n + o * 3) % c->n_regions, best = 0;
        double want = -1e18;
        all += weight[r];
        for (uint32_t k = 0; k < c->n_makers; k++) {
            double lacks = all * c->makers[k].share / shares - has[k] + unit_draw(&c->random) * weight[r] * 0.3;
            if (lacks > want) {
                want = lacks;
                best = k;
            }
        }
        has[best] += weight[r];
        c->radio[o][r] = (uint8_t)best;
        c->radio_before[o][r] = (uint8_t)maker_draw(c);
        c->transport[o][r] = (uint8_t)(draw(&c->random, 3) ? maker_draw(c) : best);
    }
}
static void operators_set(struct country *c, uint32_t n)
{
    static const double shares[SYNTH_OPERATORS][SYNTH_OPERATORS] = {{1}, {0.58, 0.42}, {0.45, 0.33, 0.22}, {0.4, 0.28, 0.2, 0.12}};
    c->n_operators = n;
    for (uint32_t o = 0; o < n; o++) {
        c->market[o] = shares[n - 1][o] * 0.9; /* nine of ten people have a subscription that is on */
        c->core_maker[o] = maker_draw(c);
        c->other_maker[o] = c->n_makers > 1 ? (c->core_maker[o] + 1 + draw(&c->random, c->n_makers - 1)) % c->n_makers : 0;
    }
}
static void centres_set(struct country *c)
{
    uint32_t each = c->n_regions < 3 ? c->n_regions : 3 + c->n_sites / c->n_operators / 2500;
    each = each > c->n_regions ? c->n_regions : each;
    for (uint32_t o = 0; o < c->n_operators; o++)
        for (uint32_t k = 0; k < each && c->n_centres < SYNTH_CENTRES; k++)
            c->centres[c->n_centres++] = (struct centre){.city = k, .number = k + 1, .operator = (uint8_t)o};
}
uint32_t country_radio(const struct country *c, uint32_t o, uint32_t region, bool before)
{
    return before ? c->radio_before[o][region] : c->radio[o][region];
}
uint32_t country_transport(const struct country *c, uint32_t o, uint32_t region) { return c->transport[o][region]; }
bool country_has_radio(const struct country *c, uint32_t o, uint32_t maker)
{
    for (uint32_t r = 0; r < c->n_regions; r++)
        if (c->radio[o][r] == maker || c->radio_before[o][r] == maker)
            return true;
    return false;
}

int country_make(struct country *c, const struct synth_options *o)
{
    uint32_t n_cities = 20 + o->sites / 100;
    if (o->sites < 50 || o->sites > SYNTH_SITES_MAX || !o->operators || o->operators > SYNTH_OPERATORS)
        return ERR_RANGE;
    double people = o->population ? o->population : 500.0 * o->sites, size_km = 2.3 * sqrt(o->sites) + 20;
    c->random = o->seed;
    c->sites = calloc(o->sites, sizeof *c->sites);
    if (!c->sites)
        return ERR_NOSPACE;
    makers_set(c, o);
    cities_make(c, n_cities > SYNTH_CITIES ? SYNTH_CITIES : n_cities, people * 0.85, size_km);
    for (uint32_t i = 0; i < c->n_cities; i++)
        c->cities[i].region = c->cities[region_at(c, c->cities[i].latitude, c->cities[i].longitude)].name;
    operators_set(c, o->operators);
    for (uint32_t k = 0; k < o->operators; k++) {
        c->first[k] = c->n_sites;
        sites_of_operator(c, k, o->sites / o->operators + (k < o->sites % o->operators), size_km, people);
    }
    c->first[o->operators] = c->n_sites;
    for (uint32_t k = 0; k < o->operators; k++)
        radio_contracts(c, k);
    centres_set(c);
    return distances(c);
}
void country_free(struct country *c)
{
    free(c->sites);
    free(c->tree);
}
