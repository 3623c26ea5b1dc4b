/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_sums.c - what became of the network: in all, by region, supplier and function class; single suppliers; caps. */
#include "trust/policy_set.h"
#include "trust/whatif_parts.h"
#include <stdlib.h>

/* ---- cells and elements into a sum ---- */
static void sum_cell(const struct whatif *w, uint32_t i, struct whatif_sum *s)
{
    const struct whatif_element *e = &w->elements[i];
    const struct inv_element *v = &w->ask.inventory->elements[i];
    s->cells++;
    s->subscribers += v->subscribers;
    if (whatif_is_live(e)) {
        /* a silent cell's subscribers that this one has to let go are lost where they stand, at this one */
        s->kept += v->subscribers;
        s->moved += e->demand - e->lost;
        s->lost_capacity += e->lost;
        s->overflowing += e->demand && e->capacity && (uint64_t)v->subscribers + e->demand > e->capacity;
        s->unknown_capacity += e->demand && !e->capacity;
        return;
    }
    s->silent++;
    s->lost_coverage += e->lost;
}

/* People and area count once for a place, however many cells stand there: one that keeps a cell on the air loses none;
 * of others the cell tells that loses most. */
struct place {
    double area, area_lost;
    uint32_t population, population_lost;
    bool is_on_air, has_cell;
};
static void place_add(const struct whatif *w, uint32_t i, struct place *p)
{
    const struct whatif_element *e = &w->elements[i];
    const struct inv_element *v = &w->ask.inventory->elements[i];
    if (!e->is_cell || e->state == WHATIF_ABSENT)
        return;
    double bare = e->state == WHATIF_STAYS ? 0 : 1 - whatif_covered(w, i);
    uint32_t people = (uint32_t)((double)v->population * bare + 0.5);
    p->has_cell = true;
    p->is_on_air |= e->state == WHATIF_STAYS;
    p->area = v->area_km2 > p->area ? v->area_km2 : p->area;
    p->area_lost = v->area_km2 * bare > p->area_lost ? v->area_km2 * bare : p->area_lost;
    p->population = v->population > p->population ? v->population : p->population;
    p->population_lost = people > p->population_lost ? people : p->population_lost;
}
static void place_sum(const struct place *p, struct whatif_sum *s)
{
    s->area_km2 += p->area;
    s->population += p->population;
    if (!p->has_cell || p->is_on_air)
        return;
    s->area_silent_km2 += p->area;
    s->area_lost_km2 += p->area_lost;
    s->population_lost += p->population_lost;
}
static void places(struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    for (uint32_t i = 0; i < v->n_sites; i++) {
        struct place p = {0};
        for (uint32_t k = v->sites[i].elements.first; k < v->sites[i].elements.first + v->sites[i].elements.n; k++)
            place_add(w, v->by_site[k] - 1, &p);
        place_sum(&p, &w->sum);
        place_sum(&p, &w->regions[v->sites[i].region_ref].sum);
    }
    for (uint32_t i = 0; i < v->n_elements; i++) {
        struct place p = {0};
        if (v->elements[i].site)
            continue;
        place_add(w, i, &p);
        place_sum(&p, &w->sum);
        place_sum(&p, &w->regions[v->elements[i].region_ref].sum);
    }
}

static void sum_element(const struct whatif *w, uint32_t i, struct whatif_sum *s)
{
    const struct whatif_element *e = &w->elements[i];
    if (e->state == WHATIF_ABSENT)
        return;
    s->elements++;
    s->denied += e->state == WHATIF_DENIED;
    s->cut_off += e->state == WHATIF_CUT_OFF;
    if (e->is_cell)
        sum_cell(w, i, s);
}

/* ---- how many suppliers: of radio equipment in a region, of all at a site ---- */
struct seen { /* suppliers, before and after */
    uint64_t *before, *after;
    uint32_t n_before, n_after;
};
static void seen_add(struct seen *s, uint32_t supplier, bool stays)
{
    if (!bit_get(s->before, supplier)) {
        bit_set(s->before, supplier);
        s->n_before++;
    }
    if (stays && !bit_get(s->after, supplier)) {
        bit_set(s->after, supplier);
        s->n_after++;
    }
}
static void seen_clear(struct seen *s, uint32_t n_suppliers)
{
    memset(s->before, 0, (n_suppliers / 64 + 1) * sizeof(uint64_t));
    memset(s->after, 0, (n_suppliers / 64 + 1) * sizeof(uint64_t));
    s->n_before = s->n_after = 0;
}

static void region_suppliers(struct whatif *w, struct whatif_region *r, struct seen *s)
{
    const struct inventory *v = w->ask.inventory;
    struct inv_range range = v->regions[r->region - 1].elements;
    for (uint32_t k = range.first; k < range.first + range.n; k++) {
        uint32_t i = v->by_region[k] - 1;
        if (w->elements[i].state != WHATIF_ABSENT && inv_class_group(v->elements[i].function) == INV_GROUP_radio)
            seen_add(s, v->elements[i].supplier, w->elements[i].state == WHATIF_STAYS);
    }
    r->suppliers_before = s->n_before;
    r->suppliers_after = s->n_after;
    w->single_regions += s->n_before == 1;
    w->single_regions_after += s->n_after == 1;
    seen_clear(s, v->n_suppliers + 1);
}

static void site_suppliers(struct whatif *w, const struct inv_site *site, struct seen *s)
{
    const struct inventory *v = w->ask.inventory;
    bool any = false;
    for (uint32_t k = site->elements.first; k < site->elements.first + site->elements.n; k++) {
        uint32_t i = v->by_site[k] - 1;
        if (w->elements[i].state == WHATIF_ABSENT)
            continue;
        any |= w->elements[i].state == WHATIF_DENIED;
        seen_add(s, v->elements[i].supplier, w->elements[i].state != WHATIF_DENIED);
    }
    w->sites += s->n_before > 0;
    w->sites_denied += any;
    w->single_sites += s->n_before == 1;
    w->single_sites_after += s->n_after == 1;
    seen_clear(s, v->n_suppliers + 1);
}

static int count_suppliers(struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    struct seen s = {.before = bits_new(v->n_suppliers + 1), .after = bits_new(v->n_suppliers + 1)};
    bool ok = s.before && s.after;
    for (uint32_t i = 0; ok && i < w->n_regions; i++)
        if (w->regions[i].region)
            region_suppliers(w, &w->regions[i], &s);
    for (uint32_t i = 0; ok && i < v->n_sites; i++)
        site_suppliers(w, &v->sites[i], &s);
    free(s.before);
    free(s.after);
    return ok ? OK : ERR_NOSPACE;
}

/* ---- tables ---- */
static int by_loss(const void *a, const void *b)
{
    const struct whatif_region *x = a, *y = b;
    uint64_t l = whatif_lost(&x->sum), m = whatif_lost(&y->sum);
    if (l != m)
        return l > m ? -1 : 1;
    if (x->sum.silent != y->sum.silent)
        return x->sum.silent > y->sum.silent ? -1 : 1;
    return x->region < y->region ? -1 : x->region > y->region;
}
static int regions(struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    w->regions = calloc(v->n_regions + 1u, sizeof *w->regions);
    if (!w->regions)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i <= v->n_regions; i++)
        w->regions[i].region = i;
    for (uint32_t i = 0; i < v->n_elements; i++) {
        sum_element(w, i, &w->sum);
        sum_element(w, i, &w->regions[v->elements[i].region_ref].sum);
    }
    places(w);
    for (uint32_t i = 0; i <= v->n_regions; i++)
        if (w->regions[i].sum.elements)
            w->regions[w->n_regions++] = w->regions[i];
    qsort(w->regions, w->n_regions, sizeof *w->regions, by_loss);
    return OK;
}

static int by_elements(const void *a, const void *b)
{
    const struct whatif_supplier *x = a, *y = b;
    if (x->elements != y->elements)
        return x->elements > y->elements ? -1 : 1;
    return x->supplier < y->supplier ? -1 : x->supplier > y->supplier;
}
static int suppliers(struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    w->suppliers = calloc(v->n_suppliers + 1u, sizeof *w->suppliers);
    if (!w->suppliers)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i <= v->n_suppliers; i++)
        w->suppliers[i].supplier = i;
    for (uint32_t i = 0; i < v->n_elements; i++) {
        const struct whatif_element *e = &w->elements[i];
        struct whatif_supplier *s = &w->suppliers[v->elements[i].supplier];
        if (e->state == WHATIF_ABSENT)
            continue;
        s->elements++;
        s->denied += e->state == WHATIF_DENIED;
        s->cells += e->is_cell;
        s->silent += whatif_is_silent(e);
        s->subscribers += e->is_cell ? v->elements[i].subscribers : 0;
    }
    for (uint32_t i = 0; i <= v->n_suppliers; i++)
        if (w->suppliers[i].elements)
            w->suppliers[w->n_suppliers++] = w->suppliers[i];
    qsort(w->suppliers, w->n_suppliers, sizeof *w->suppliers, by_elements);
    return OK;
}

static uint32_t class_rank(const struct whatif_class *c) /* the core, then what leads to it, then the rest */
{
    enum inv_group g = inv_class_group(c->function);
    return c->function == INV_CLASS_transport ? 3 : g == INV_GROUP_core ? 0 : g == INV_GROUP_transport ? 1 : 2;
}
static int by_left(const void *a, const void *b) /* the smallest part left first */
{
    const struct whatif_class *x = a, *y = b;
    uint64_t l = (uint64_t)(x->elements - x->denied) * y->elements, r = (uint64_t)(y->elements - y->denied) * x->elements;
    if (l != r)
        return l < r ? -1 : 1;
    if (class_rank(x) != class_rank(y))
        return class_rank(x) < class_rank(y) ? -1 : 1;
    if (x->denied != y->denied)
        return x->denied > y->denied ? -1 : 1;
    if (x->function != y->function)
        return x->function < y->function ? -1 : 1;
    return x->region < y->region ? -1 : x->region > y->region;
}
static int classes(struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    uint32_t n = (v->n_regions + 1u) * INV_CLASSES;
    w->classes = calloc(n, sizeof *w->classes);
    if (!w->classes)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < v->n_elements; i++) {
        const struct inv_element *e = &v->elements[i];
        struct whatif_class *c = &w->classes[e->region_ref * INV_CLASSES + e->function];
        uint8_t group = (uint8_t)inv_class_group(e->function);
        if (w->elements[i].state == WHATIF_ABSENT || w->elements[i].is_cell || group == INV_GROUP_radio)
            continue;
        bool denied = w->elements[i].state == WHATIF_DENIED;
        c->region = e->region_ref;
        c->function = e->function;
        c->elements++;
        c->denied += denied;
        c->capacity += e->capacity_users;
        c->capacity_denied += denied ? e->capacity_users : 0;
    }
    for (uint32_t i = 0; i < n; i++)
        if (w->classes[i].denied)
            w->classes[w->n_classes++] = w->classes[i];
    qsort(w->classes, w->n_classes, sizeof *w->classes, by_left);
    return OK;
}

static void causes(struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    for (uint32_t i = 0; i < v->n_elements; i++) {
        const struct whatif_element *e = &w->elements[i];
        if (e->cause == WHATIF_NO_CAUSE)
            continue;
        struct whatif_cause *c = &w->causes[e->cause];
        c->elements += e->state == WHATIF_DENIED;
        if (e->state == WHATIF_DENIED) {
            c->first_deadline = !c->first_deadline || e->deadline < c->first_deadline ? e->deadline : c->first_deadline;
            c->last_deadline = e->deadline > c->last_deadline ? e->deadline : c->last_deadline;
        }
        if (!e->is_cell)
            continue;
        c->cells++;
        c->subscribers += v->elements[i].subscribers;
        c->population += v->elements[i].population;
    }
}

/* ---- caps ---- */
struct share {
    double total, part;
};
static bool counts(const struct whatif *w, uint32_t r, uint32_t i, uint32_t region)
{
    const struct inv_element *e = &w->ask.inventory->elements[i];
    const struct set_row *row = &w->ask.set->rows[r];
    return (!e->service_until || e->service_until >= w->ask.inventory->as_of) && (!region || e->region_ref == region) &&
           set_row_covers(w->ask.set, row, i);
}
/* The share when what is denied was replaced by others. Of sites, equipment stands for them. */
static uint32_t share_after(const struct whatif *w, uint32_t r, uint32_t region)
{
    struct share s = {0};
    uint8_t metric = (uint8_t)w->ask.set->rows[r].w->rule->cap_metric;
    for (uint32_t i = 0; i < w->ask.inventory->n_elements; i++) {
        if (!counts(w, r, i, region))
            continue;
        double weight = set_metric_weight(&w->ask.inventory->elements[i], metric);
        s.total += weight;
        s.part += set_row_concerns(w->ask.set, r, i) && w->elements[i].state != WHATIF_DENIED ? weight : 0;
    }
    return s.total > 0 ? (uint32_t)(s.part * 1000 / s.total + 0.5) : UINT32_MAX;
}

static void cap_add(struct whatif *w, uint32_t r)
{
    const struct set_row *row = &w->ask.set->rows[r];
    struct whatif_cap c = {.row = row->w, .permille = UINT32_MAX};
    bool by_region = row->w->rule->cap_per == POLICY_PER_REGION;
    for (uint32_t g = by_region; g <= (by_region ? w->ask.inventory->n_regions : 0); g++)
        if (row->permille[g] != UINT32_MAX && (c.permille == UINT32_MAX || row->permille[g] > c.permille)) {
            c.permille = row->permille[g];
            c.region = g;
        }
    const struct policy_row *p = row->w;
    c.from = p->from;
    if (p->new_from > c.from)
        c.from = p->new_from;
    else if (!p->new_from && p->remove_by && p->remove_by + 1 > c.from)
        c.from = p->remove_by + 1;
    if (c.permille == UINT32_MAX || (p->until && p->until < w->ask.today))
        return;
    c.is_above = c.permille > p->cap_percent * 10u;
    c.permille_after = share_after(w, r, c.region);
    w->caps[w->n_caps++] = c;
}

/* Crossed and still to come, the earliest first; crossed and binding; then those with the least room. */
static int by_crossing(const void *a, const void *b)
{
    const struct whatif_cap *x = a, *y = b;
    if (x->is_above != y->is_above)
        return x->is_above ? -1 : 1;
    int32_t left = (int32_t)x->row->cap_percent * 10 - (int32_t)x->permille, right = (int32_t)y->row->cap_percent * 10 - (int32_t)y->permille;
    if (x->is_above && x->from != y->from)
        return x->from > y->from ? -1 : 1;
    return left != right ? (left < right ? -1 : 1) : x->row < y->row ? -1 : x->row > y->row;
}

static int caps(struct whatif *w)
{
    uint32_t n = w->ask.set ? w->ask.set->n_rows : 0;
    w->caps = calloc(n + 1u, sizeof *w->caps);
    if (!w->caps)
        return ERR_NOSPACE;
    for (uint32_t r = 0; r < n; r++)
        if (w->ask.set->rows[r].permille && w->ask.set->rows[r].w->cap_percent)
            cap_add(w, r);
    qsort(w->caps, w->n_caps, sizeof *w->caps, by_crossing);
    return OK;
}

int whatif_sums(struct whatif *w)
{
    int (*const parts[])(struct whatif *) = {regions, suppliers, classes, count_suppliers, caps};
    int e = OK;
    causes(w);
    for (size_t i = 0; i < ARRAY_LEN(parts) && e == OK; i++)
        e = parts[i](w);
    return e;
}

/* ---- cells by weight ---- */
static int by_weight(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}
static bool is_silenced(const struct whatif *w, uint32_t i, uint64_t *weight)
{
    *weight = w->elements[i].lost;
    return whatif_is_silent(&w->elements[i]);
}
static bool is_crowded(const struct whatif *w, uint32_t i, uint64_t *weight)
{
    const struct whatif_element *e = &w->elements[i];
    uint64_t load = (uint64_t)w->ask.inventory->elements[i].subscribers + e->demand;
    *weight = e->capacity ? load * 1000 / e->capacity : 0;
    return whatif_is_live(e) && e->demand && e->capacity && load > e->capacity;
}
static struct ranked *ranked(const struct whatif *w, bool (*takes)(const struct whatif *, uint32_t, uint64_t *), uint32_t *n)
{
    struct ranked *r = calloc(w->ask.inventory->n_elements + 1u, sizeof *r);
    *n = 0;
    for (uint32_t i = 0; r && i < w->ask.inventory->n_elements; i++)
        if (takes(w, i, &r[*n].weight))
            r[(*n)++].index = i;
    if (r)
        qsort(r, *n, sizeof *r, by_weight);
    return r;
}
struct ranked *whatif_silenced(const struct whatif *w, uint32_t *n) { return ranked(w, is_silenced, n); }
struct ranked *whatif_crowded(const struct whatif *w, uint32_t *n) { return ranked(w, is_crowded, n); }
