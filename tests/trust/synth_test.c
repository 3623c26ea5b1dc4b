/* SPDX-License-Identifier: Apache-2.0 */
/* Countries that do not exist: whole, the same for the same seed, marked, and shaped as countries are. */
#include "tests/test.h"
#include "trust/synth.h"
#include <stdlib.h>

static int hash_row(void *ctx, enum inv_kind k, const struct inv_texts *t)
{
    uint64_t *h = ctx;
    for (uint32_t i = 0; i < inv_kind_desc(k)->n_fields; i++)
        for (uint32_t n = 0; n <= t->v[i].n; n++)
            *h = (*h ^ (n < t->v[i].n ? (uint8_t)t->v[i].p[n] : 0x100u + k)) * 1099511628211u;
    return str_is(t->v[inv_field_find(inv_kind_desc(k), STR("synthetic"))], "yes") ? OK : ERR_STATE;
}
static uint64_t hash_of(uint64_t seed, uint32_t operators)
{
    uint64_t h = 14695981039346656037u;
    struct synth_options o = {.seed = seed, .sites = 300, .operators = operators, .today = 20000};
    assert_int_equal(synth_make(&o, hash_row, &h), OK);
    return h;
}
static void repeats(void **state)
{
    assert_true(hash_of(7, 2) == hash_of(7, 2));
    assert_true(hash_of(7, 2) != hash_of(8, 2));
}

static struct inventory *country(struct synth_options o)
{
    struct inventory *v;
    char why[300] = "";
    struct inv_asked asked = {.as_of = o.today, .secret = {3, 4}};
    int e = synth_inventory(&v, &o, &asked, why, sizeof why);
    if (e < 0)
        fail_msg("seed %u, %u sites: %s", (unsigned)o.seed, o.sites, why);
    return v;
}
static void hold_together(void **state)
{
    for (uint32_t seed = 0; seed < 16; seed++) {
        struct inventory *v = country((struct synth_options){.seed = seed, .sites = 50 + seed * 23, .operators = 1 + seed % 4, .today = 20000});
        assert_true(v->synthetic);
        assert_true(v->n_elements > 2 * v->n_sites);
        for (uint32_t i = 0; i < v->n_elements; i++) {
            const struct inv_element *e = &v->elements[i];
            assert_true(e->supplier && e->site && e->synthetic && e->installed < 20000 && e->region_ref);
            assert_true(inv_class_group(e->function) != INV_GROUP_radio || (e->area_km2 > 0 && inv_has_position(e->latitude, e->longitude)));
        }
        inventory_free(v);
    }
}
/* Suppliers get near to their share of cells, the largest region has far more people than the median, neighbours are near. */
static void shaped_like_a_country(void **state)
{
    struct synth_options o = {.seed = 3, .sites = 2000, .operators = 1, .today = 20000};
    char why[INV_REASON];
    assert_int_equal(synth_suppliers_parse(&o, STR("Aa:SE:50,Bb Ltd:CN:30,Cc:FI:20"), why), OK);
    struct inventory *v = country(o);
    double cells[3] = {0}, all = 0, people = 0, served = 0;
    for (uint32_t i = 0; i < v->n_elements; i++) {
        const struct inv_element *e = &v->elements[i];
        if (e->function != INV_CLASS_gnb)
            continue;
        cells[e->supplier - 1]++;
        all++;
        people += e->population;
        served += e->subscribers;
        for (uint32_t k = 0; k < e->neighbours.n; k++) {
            const struct inv_element *n = inventory_element(v, v->neighbours[e->neighbours.first + k].neighbour);
            assert_true(inv_distance_km(e->latitude, e->longitude, n->latitude, n->longitude) < 40);
        }
    }
    assert_true(str_is(v->suppliers[0].id, "aa") && str_is(v->suppliers[1].id, "bb-ltd"));
    double share[3] = {0.5, 0.3, 0.2};
    for (int i = 0; i < 3; i++)
        if (cells[i] / all < share[i] - 0.15 || cells[i] / all > share[i] + 0.15)
            fail_msg("supplier %d has %.2f of the cells, expected about %.2f", i, cells[i] / all, share[i]);
    assert_true(people > 0.6e6 && people < 1.1e6);
    assert_true(served > 0.3 * people && served < 0.7 * people);
    assert_true(v->n_ownership == 0); /* nobody is told who owns a company of that name */
    inventory_free(v);
}
static void refuses(void **state)
{
    struct synth_options o = {.sites = 10, .operators = 1};
    uint64_t h = 0;
    char why[INV_REASON];
    assert_int_equal(synth_make(&o, hash_row, &h), ERR_RANGE);
    o.sites = 100;
    o.operators = 5;
    assert_int_equal(synth_make(&o, hash_row, &h), ERR_RANGE);
    static const char *const wrong[] = {"", "A", "A:SE", "A:ZZ:4", "A:SE:0", "A:SE:x", ":SE:4", "A:SE:4,,"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct synth_options x = {0};
        assert_int_equal(synth_suppliers_parse(&x, str_of(wrong[i]), why), ERR_SYNTAX);
    }
}

int main(void) { return RUN(unit(repeats), unit(hold_together), unit(shaped_like_a_country), unit(refuses)); }
