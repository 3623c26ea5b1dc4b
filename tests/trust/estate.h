/* SPDX-License-Identifier: Apache-2.0 */
/* estate.h - a small inventory made by hand, and policies from text. */
#pragma once
#include "trust/inventory_index.h"
#include "trust/policy.h"
#include "tests/test.h"
#include <stdlib.h>

enum { ESTATE_SUPPLIERS = 8, ESTATE_SITES = 16, ESTATE_ELEMENTS = 256, ESTATE_REGIONS = 4 };
struct estate {
    struct inventory v;
    struct inv_supplier suppliers[ESTATE_SUPPLIERS];
    struct inv_ownership ownership[ESTATE_SUPPLIERS * 2];
    struct inv_law laws[ESTATE_SUPPLIERS];
    struct inv_product products[ESTATE_SUPPLIERS * 2];
    struct inv_site sites[ESTATE_SITES];
    struct inv_region regions[ESTATE_REGIONS];
    struct inv_element elements[ESTATE_ELEMENTS];
    char names[ESTATE_ELEMENTS][16];
};
static inline int32_t day(const char *text)
{
    int32_t d = 0;
    assert_true(config_date_parse(str_of(text), &d));
    return d;
}
enum { /* references of suppliers */
       ORION = 1, /* FI, nobody's */
       DRAGO,     /* CN, 60 % owned by a state */
       DRAGO_RADIO, /* DE, but DRAGO's */
       LYNX,      /* SE, 30 % owned from CN by DRAGO */
       VOLGA,     /* RU, compelled by a law of RU */
};
enum { NORTH = 1, SOUTH, CAPITAL };
static inline struct estate *estate_new(void)
{
    struct estate *e = calloc(1, sizeof *e);
    struct inventory *v = &e->v;
    *v = (struct inventory){.suppliers = e->suppliers, .n_suppliers = 5, .ownership = e->ownership, .n_ownership = 2, .laws = e->laws, .n_laws = 1,
                            .products = e->products, .n_products = 5, .sites = e->sites, .n_sites = 4, .elements = e->elements,
                            .regions = e->regions, .n_regions = 3, .as_of = day("2026-01-01")};
    e->suppliers[0] = (struct inv_supplier){.id = STR("orion"), .name = STR("Orion Networks Oy"), .country = "FI"};
    e->suppliers[1] = (struct inv_supplier){.id = STR("drago"), .name = STR("Drago Technologies Co., Ltd."), .aliases = STR("DT; Dragon"),
                                            .country = "CN", .owners = {0, 1}};
    e->suppliers[2] = (struct inv_supplier){.id = STR("drago-radio"), .name = STR("Radiowerk GmbH"), .country = "DE", .parent = DRAGO};
    e->suppliers[3] = (struct inv_supplier){.id = STR("lynx"), .name = STR("Lynx AB"), .country = "SE", .owners = {1, 1}};
    e->suppliers[4] = (struct inv_supplier){.id = STR("volga"), .name = STR("Volga"), .country = "RU", .laws = {0, 1}};
    e->ownership[0] = (struct inv_ownership){.supplier = DRAGO, .owner = STR("a state fund"), .country = "CN", .share = 60, .state_owned = true};
    e->ownership[1] = (struct inv_ownership){.supplier = LYNX, .owner = STR("drago"), .country = "HK", .share = 50, .owner_supplier = DRAGO};
    e->laws[0] = (struct inv_law){.supplier = VOLGA, .citation = STR("a law"), .country = "RU", .extrajudicial = true};
    for (uint32_t i = 0; i < 5; i++)
        e->products[i] = (struct inv_product){.id = e->suppliers[i].id, .supplier = i + 1, .function = INV_CLASS_gnb};
    e->sites[0] = (struct inv_site){.id = STR("s1"), .latitude = 60.0, .longitude = 25.0, .region_ref = NORTH};
    e->sites[1] = (struct inv_site){.id = STR("s2"), .latitude = 60.02, .longitude = 25.0, .sensitivity = INV_SENSITIVITY_critical, .region_ref = NORTH};
    e->sites[2] = (struct inv_site){.id = STR("s3"), .latitude = 61.0, .longitude = 25.0, .region_ref = SOUTH};
    e->sites[3] = (struct inv_site){.id = STR("s4"), .latitude = 62.0, .longitude = 25.0, .sensitivity = INV_SENSITIVITY_sensitive, .region_ref = CAPITAL};
    e->regions[0].name = STR("North");
    e->regions[1].name = STR("South");
    e->regions[2].name = STR("Capital");
    for (uint32_t k = 0; k < INV_KINDS; k++)
        assert_int_equal(inv_index_init(&v->ids[k], ESTATE_ELEMENTS), OK);
    uint32_t other;
    for (uint32_t i = 1; i <= 5; i++) {
        inv_index_add(v, INV_BY_ID, INV_supplier, i, &other);
        inv_index_add(v, INV_BY_ID, INV_product, i, &other);
    }
    return e;
}
/* The reference of one more element, with what its site says. */
static inline uint32_t estate_add(struct estate *e, uint32_t supplier, uint8_t function, uint32_t site, const char *installed)
{
    uint32_t i = e->v.n_elements++, other;
    const struct inv_site *s = inventory_site(&e->v, site);
    assert_true(i < ESTATE_ELEMENTS);
    snprintf(e->names[i], sizeof e->names[i], "e%u", i + 1);
    e->elements[i] = (struct inv_element){.id = str_of(e->names[i]), .function = function, .product = supplier, .supplier = supplier, .site = site,
                                          .installed = *installed ? day(installed) : 0};
    if (s) {
        e->elements[i].region_ref = s->region_ref;
        e->elements[i].latitude = s->latitude;
        e->elements[i].longitude = s->longitude;
        e->elements[i].sensitivity = s->sensitivity;
    }
    inv_index_add(&e->v, INV_BY_ID, INV_element, i + 1, &other);
    return i + 1;
}
static inline void estate_free(struct estate *e)
{
    for (uint32_t k = 0; k < INV_KINDS; k++)
        inv_index_free(&e->v.ids[k]);
    free(e);
}

#define REGIME(id) "id: " id "\nnation: FI\ntitle: a test\nstanding: own\ncitation: \"Act " id "\"\nchecked: 2026-01-01\n"
#define RULE(id, decision, more) "  - {id: " id ", says: \"it says so\", sure: seen, decision: " decision ", " more "}\n"
static struct config_report estate_report;
static inline void policy_add(struct policy *p, const char *name, const char *text)
{
    estate_report = (struct config_report){.n = 0};
    int e = policy_read(p, str_of(name), str_of(text), &estate_report);
    if (e < 0)
        print_message("%s\n---\n%s", text, estate_report.text);
    assert_int_equal(e, OK);
}
static inline struct policy *policy_of_text(const char *text, const char *more /* NULL: one file */)
{
    struct policy *p = policy_new();
    policy_add(p, "a.yaml", text);
    if (more)
        policy_add(p, "b.yaml", more);
    estate_report = (struct config_report){.n = 0};
    int e = policy_join(p, &estate_report);
    if (e < 0)
        print_message("%s", estate_report.text);
    assert_int_equal(e, OK);
    return p;
}
