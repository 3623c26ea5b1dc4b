/* SPDX-License-Identifier: Apache-2.0 */
/* policy_compile.c - a policy meets an inventory: names become references, and whom a rule concerns is worked out. */
#include <stdlib.h>
#include "trust/policy_set.h"

/* ---- whom ---- */
static bool is_word_end(struct str s, uint32_t at)
{
    char c = at < s.n ? s.p[at] : ' ';
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
}
/* "Huawei" is also meant where the inventory has "Huawei Technologies Co., Ltd." */
static bool name_means(struct str said, struct str name)
{
    return said.n && name.n >= said.n && str_eq_nocase(said, (struct str){name.p, said.n}) && is_word_end(name, said.n);
}
bool policy_name_means(struct str said, const struct inv_supplier *s)
{
    struct str aliases = s->aliases, item;
    if (str_eq_nocase(said, s->id) || name_means(said, s->name))
        return true;
    while (inv_list_next(&aliases, &item))
        if (name_means(said, item))
            return true;
    return false;
}
static bool strs_mean(const struct str *v, uint32_t n, const struct inv_supplier *s)
{
    for (uint32_t i = 0; i < n; i++)
        if (policy_name_means(v[i], s))
            return true;
    return false;
}
static bool has_country(const struct str *v, uint32_t n, const char *country)
{
    for (uint32_t i = 0; i < n; i++)
        if (str_is(v[i], country))
            return true;
    return false;
}
/* Shares from these countries, direct and by owners that are owned from there: at most `depth` steps, for an
 * inventory may hold a circle. */
enum { OWNERS_DEPTH = 12 };
static double share_from(const struct inventory *v, uint32_t supplier, const struct str *countries, uint32_t n, bool by_state, int depth)
{
    const struct inv_supplier *s = inventory_supplier(v, supplier);
    double sum = 0;
    if (!s || depth == 0)
        return 0;
    for (uint32_t i = s->owners.first; i < s->owners.first + s->owners.n; i++) {
        const struct inv_ownership *o = &v->ownership[i];
        if (has_country(countries, n, o->country) && (!by_state || o->state_owned))
            sum += o->share;
        else if (o->owner_supplier && o->owner_supplier != supplier)
            sum += o->share / 100 * share_from(v, o->owner_supplier, countries, n, by_state, depth - 1);
    }
    double group = s->parent != supplier ? share_from(v, s->parent, countries, n, by_state, depth - 1) : 0;
    return sum > group ? sum : group;
}
static bool is_compelled(const struct inventory *v, const struct inv_supplier *s, const struct policy_row *w)
{
    const struct policy_rule *r = w->rule;
    bool any = has_country(r->compelled_by, r->n_compelled_by, "any");
    for (uint32_t i = s->laws.first; i < s->laws.first + s->laws.n; i++) {
        const char *country = v->laws[i].country;
        bool named = has_country(r->compelled_by, r->n_compelled_by, country) || (any && !str_is(w->file->r.nation, country));
        if (named && (!r->extrajudicial || v->laws[i].extrajudicial))
            return true;
    }
    return false;
}
static bool list_names(const struct policy *p, const struct str *lists, uint32_t n, const struct inv_supplier *s)
{
    struct policy_list_at at;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; policy_list_next(p, lists[i], &k, &at);)
            if (strs_mean(at.list->suppliers, at.list->n_suppliers, s) || has_country(at.list->countries, at.list->n_countries, s->country))
                return true;
    return false;
}
static bool list_owns(const struct policy *p, const struct inventory *v, uint32_t supplier, const struct policy_rule *r)
{
    struct policy_list_at at;
    for (uint32_t i = 0; i < r->n_lists; i++)
        for (uint32_t k = 0; policy_list_next(p, r->lists[i], &k, &at);)
            if (at.list->n_countries && share_from(v, supplier, at.list->countries, at.list->n_countries, r->by_state, OWNERS_DEPTH) >=
                                            (double)r->owned_percent)
                return true;
    return false;
}
/* What is said of a company is said of those that belong to it. */
static bool concerns_itself(const struct policy_set *s, const struct policy_row *w, const struct inv_supplier *of)
{
    const struct policy_rule *r = w->rule;
    return strs_mean(r->suppliers, r->n_suppliers, of) || list_names(s->policy, r->lists, r->n_lists, of) ||
           has_country(r->seated_in, r->n_seated_in, of->country) || is_compelled(s->inv, of, w);
}
static bool excepts(const struct policy_set *s, const struct policy_rule *r, uint32_t supplier)
{
    const struct inv_supplier *of = inventory_supplier(s->inv, supplier);
    for (uint32_t i = 0; of && i <= s->inv->n_suppliers; i++, of = inventory_supplier(s->inv, of->parent))
        if (strs_mean(r->except_suppliers, r->n_except_suppliers, of) || list_names(s->policy, r->except_lists, r->n_except_lists, of))
            return true;
    return false;
}
static bool concerns(const struct policy_set *s, const struct policy_row *w, uint32_t supplier)
{
    const struct policy_rule *r = w->rule;
    if (!supplier) /* nobody knows who made it: whoever the rule means, it may be he */
        return true;
    if (excepts(s, r, supplier))
        return false;
    if (!policy_rule_names_suppliers(r))
        return true;
    const struct inv_supplier *of = inventory_supplier(s->inv, supplier);
    for (uint32_t i = 0; of && i <= s->inv->n_suppliers; i++, of = inventory_supplier(s->inv, of->parent))
        if (concerns_itself(s, w, of))
            return true;
    if (r->n_owned_from && share_from(s->inv, supplier, r->owned_from, r->n_owned_from, r->by_state, OWNERS_DEPTH) >= (double)r->owned_percent)
        return true;
    return list_owns(s->policy, s->inv, supplier, r);
}

/* ---- what and where ---- */
static uint64_t classes_of(const struct policy_rule *r)
{
    uint64_t bits = r->n_functions ? 0 : ~0ull;
    for (uint32_t i = 0; i < r->n_functions; i++) {
        uint8_t class = inv_class_parse(r->functions[i]), group = inv_group_parse(r->functions[i]);
        for (uint8_t c = 1; c < INV_CLASSES; c++)
            if (c == class || (group && inv_class_group(c) == group))
                bits |= 1ull << c;
    }
    return bits;
}
static int regions_of(const struct inventory *v, const struct str *names, uint32_t n, uint64_t **out)
{
    if (!n)
        return OK;
    *out = bits_new(v->n_regions + 1);
    for (uint32_t i = 0; *out && i < n; i++) {
        uint32_t ref = inventory_find_region(v, names[i]);
        if (ref)
            bit_set(*out, ref);
    }
    return *out ? OK : ERR_NOSPACE;
}
static uint8_t generation_of(const struct inventory *v, const struct inv_element *e) /* 0: any */
{
    const struct inv_product *p = inventory_product(v, e->product);
    if (p && p->generation)
        return (uint8_t)p->generation;
    switch (e->function) {
    case INV_CLASS_gnb: case INV_CLASS_cu: case INV_CLASS_cu_cp: case INV_CLASS_cu_up: case INV_CLASS_du: case INV_CLASS_amf:
    case INV_CLASS_smf: case INV_CLASS_upf: case INV_CLASS_ausf: case INV_CLASS_udm: case INV_CLASS_udr: case INV_CLASS_pcf:
    case INV_CLASS_nrf: case INV_CLASS_nssf: case INV_CLASS_nef: case INV_CLASS_scp: case INV_CLASS_sepp: case INV_CLASS_bsf:
    case INV_CLASS_n3iwf: case INV_CLASS_nwdaf: case INV_CLASS_chf: return 5;
    case INV_CLASS_enb: case INV_CLASS_mme: case INV_CLASS_hss: return 4;
    case INV_CLASS_nodeb: return 3;
    case INV_CLASS_bts: return 2;
    default: return 0;
    }
}
bool set_row_covers(const struct policy_set *s, const struct set_row *row, uint32_t element)
{
    const struct inv_element *e = &s->inv->elements[element];
    const struct policy_rule *r = row->w->rule;
    if (e->function && !(row->classes >> e->function & 1))
        return false;
    if (row->regions && e->region_ref && !bit_get(row->regions, e->region_ref))
        return false;
    if (row->except_regions && e->region_ref && bit_get(row->except_regions, e->region_ref))
        return false;
    if (r->place && e->sensitivity < (uint8_t)r->place)
        return false;
    if (row->generations) {
        uint8_t g = generation_of(s->inv, e);
        if (g && !(row->generations >> g & 1))
            return false;
    }
    if (r->n_maintained_outside && e->maintained_from[0] && has_country(r->maintained_outside, r->n_maintained_outside, e->maintained_from))
        return false;
    return !row->near || bit_get(row->near, element);
}

/* ---- grants ---- */
static int ref_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}
typedef uint32_t find_fn(const struct inventory *, struct str);
static uint32_t find_product(const struct inventory *v, struct str id) { return inventory_find(v, INV_product, id); }
static uint32_t find_element(const struct inventory *v, struct str id) { return inventory_find(v, INV_element, id); }
static int refs_of(const struct inventory *v, const struct str *names, uint32_t n, find_fn *find, uint32_t **out, uint32_t *n_out)
{
    *out = calloc(n + 1, sizeof **out);
    for (uint32_t i = 0; *out && i < n; i++) {
        uint32_t ref = find(v, names[i]);
        if (ref)
            (*out)[(*n_out)++] = ref;
    }
    if (*out)
        qsort(*out, *n_out, sizeof **out, ref_order);
    return *out ? OK : ERR_NOSPACE;
}
static int grant_make(const struct inventory *v, const struct policy_grant *g, struct set_grant *to)
{
    *to = (struct set_grant){.from = g->from, .until = g->until, .by_region = g->n_regions > 0};
    int e = refs_of(v, g->suppliers, g->n_suppliers, inventory_find_supplier, &to->suppliers, &to->n_suppliers);
    e = e < 0 ? e : refs_of(v, g->products, g->n_products, find_product, &to->products, &to->n_products);
    e = e < 0 ? e : refs_of(v, g->elements, g->n_elements, find_element, &to->elements, &to->n_elements);
    return e < 0 ? e : refs_of(v, g->regions, g->n_regions, inventory_find_region, &to->regions, &to->n_regions);
}
static int grants_make(struct policy_set *s, struct set_row *row)
{
    const struct policy *p = s->policy;
    uint32_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass && (!n || !(row->grants = calloc(n, sizeof *row->grants))))
            return n ? ERR_NOSPACE : OK;
        for (uint32_t f = 0; f < p->n_files; f++)
            for (uint32_t i = 0; i < p->files[f].r.n_grants; i++) {
                const struct policy_grant *g = &p->files[f].r.grants[i];
                if (policy_row_find(p, g->rule) != row->w)
                    continue;
                n += !pass;
                if (pass && grant_make(s->inv, g, &row->grants[row->n_grants++]) < 0)
                    return ERR_NOSPACE;
            }
    }
    return OK;
}

/* ---- the set ---- */
static int row_make(struct policy_set *s, const struct policy_row *w)
{
    struct set_row *row = &s->rows[s->n_rows++];
    const struct policy_rule *r = w->rule;
    *row = (struct set_row){.w = w, .classes = classes_of(r)};
    for (uint32_t i = 0; i < r->n_generations; i++)
        row->generations |= (uint8_t)(1u << r->generations[i]);
    int e = regions_of(s->inv, r->regions, r->n_regions, &row->regions);
    e = e < 0 ? e : regions_of(s->inv, r->except_regions, r->n_except_regions, &row->except_regions);
    e = e < 0 || !r->within_km ? e : set_near_find(s, r->within_km, (uint8_t)r->near, &row->near);
    return e < 0 ? e : grants_make(s, row);
}
static int suppliers_make(struct policy_set *s)
{
    s->words = s->n_rows / 64 + 1;
    s->by_supplier = calloc((size_t)(s->inv->n_suppliers + 1) * s->words, sizeof *s->by_supplier);
    for (uint32_t i = 0; s->by_supplier && i <= s->inv->n_suppliers; i++)
        for (uint32_t k = 0; k < s->n_rows; k++)
            if (!s->rows[k].w->off && concerns(s, s->rows[k].w, i))
                bit_set(s->by_supplier + (size_t)i * s->words, k);
    return s->by_supplier ? OK : ERR_NOSPACE;
}
static int set_make(struct policy_set *s)
{
    int e = OK;
    s->rows = calloc(s->policy->n_rows + 1, sizeof *s->rows);
    s->near = calloc(s->policy->n_rows + 1, sizeof *s->near);
    s->cache = calloc(s->inv->n_elements + 1, sizeof *s->cache);
    if (!s->rows || !s->near || !s->cache)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < s->policy->n_rows && e == OK; i++)
        e = row_make(s, &s->policy->rows[i]);
    e = e < 0 ? e : suppliers_make(s);
    for (uint32_t i = 0; i < s->n_rows && e == OK; i++)
        if (s->rows[i].w->cap_percent && !s->rows[i].w->off)
            e = set_cap_measure(s, i);
    return e;
}
int policy_compile(struct policy_set **out, const struct policy *p, const struct inventory *v)
{
    struct policy_set *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return ERR_NOSPACE;
    s->policy = p;
    s->inv = v;
    int e = set_make(s);
    if (e < 0) {
        policy_set_free(s);
        return e;
    }
    *out = s;
    return OK;
}
void policy_set_free(struct policy_set *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; s->rows && i < s->n_rows; i++) {
        struct set_row *row = &s->rows[i];
        for (uint32_t k = 0; row->grants && k < row->n_grants; k++) {
            free(row->grants[k].suppliers);
            free(row->grants[k].products);
            free(row->grants[k].elements);
            free(row->grants[k].regions);
        }
        free(row->grants);
        free(row->regions);
        free(row->except_regions);
        free(row->within);
        free(row->permille);
    }
    for (uint32_t i = 0; s->near && i < s->n_near; i++)
        free(s->near[i].elements);
    free(s->near);
    free(s->rows);
    free(s->by_supplier);
    free(s->cache);
    free(s);
}
const struct policy *policy_of(const struct policy_set *s) { return s->policy; }
const struct inventory *policy_inventory_of(const struct policy_set *s) { return s->inv; }
