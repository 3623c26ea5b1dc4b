/* SPDX-License-Identifier: Apache-2.0 */
/* synth.c - the records of a country that does not exist. */
#include "trust/inventory_build.h"
#include "trust/synth_country.h"
#include "crypto/crypto.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Indexes of the fields of each kind. */
enum {
#define SUPPLIER(number, name, ...) SUPPLIER_##name,
#include "../../spec/inventory.def"
};
enum {
#define OWNERSHIP(number, name, ...) OWNERSHIP_##name,
#include "../../spec/inventory.def"
};
enum {
#define LAW(number, name, ...) LAW_##name,
#include "../../spec/inventory.def"
};
enum {
#define PRODUCT(number, name, ...) PRODUCT_##name,
#include "../../spec/inventory.def"
};
enum {
#define CERTIFICATION(number, name, ...) CERTIFICATION_##name,
#include "../../spec/inventory.def"
};
enum {
#define ADVISORY(number, name, ...) ADVISORY_##name,
#include "../../spec/inventory.def"
};
enum {
#define COMPONENT(number, name, ...) COMPONENT_##name,
#include "../../spec/inventory.def"
};
enum {
#define SITE(number, name, ...) SITE_##name,
#include "../../spec/inventory.def"
};
enum {
#define ELEMENT(number, name, ...) ELEMENT_##name,
#include "../../spec/inventory.def"
};
enum {
#define NEIGHBOUR(number, name, ...) NEIGHBOUR_##name,
#include "../../spec/inventory.def"
};

enum { RADIO_NEIGHBOURS = 7 };
/* What each supplier sells: its product ids are its own id and the class, and the generation of radio. */
static const struct {
    enum inv_class class;
    uint8_t generation;
    const char *name;
    uint32_t cost; /* EUR for one, about */
} catalogue[] = {
    {INV_CLASS_gnb, 5, "Radio 5", 95000},         {INV_CLASS_enb, 4, "Radio 4", 60000},
    {INV_CLASS_bts, 2, "Radio 2", 25000},         {INV_CLASS_transport, 0, "Cell Router", 14000},
    {INV_CLASS_transport_core, 0, "Core Router", 900000}, {INV_CLASS_security_gateway, 0, "Gateway", 350000},
    {INV_CLASS_ran_management, 0, "Radio Manager", 2500000}, {INV_CLASS_transport_management, 0, "Transport Manager", 1200000},
    {INV_CLASS_core_management, 0, "Orchestrator", 2200000}, {INV_CLASS_amf, 5, "Access Control", 1800000},
    {INV_CLASS_smf, 5, "Session Control", 1700000}, {INV_CLASS_upf, 5, "User Plane", 1100000},
    {INV_CLASS_udm, 5, "Subscriber Data", 2600000}, {INV_CLASS_ausf, 5, "Authentication", 600000},
    {INV_CLASS_pcf, 5, "Policy", 800000},         {INV_CLASS_nrf, 5, "Repository", 300000},
    {INV_CLASS_sepp, 5, "Border", 450000},        {INV_CLASS_mme, 4, "Mobility 4", 1500000},
    {INV_CLASS_gateway, 4, "Gateway 4", 1300000}, {INV_CLASS_hss, 4, "Register 4", 1600000},
    {INV_CLASS_nfvi, 0, "Platform", 3500000},     {INV_CLASS_li, 0, "Warrant", 700000},
    {INV_CLASS_sim, 0, "SIM Platform", 900000},
};

struct synth {
    struct country c;
    const struct synth_options *o;
    struct crypto *crypto;
    int (*row)(void *ctx, enum inv_kind, const struct inv_texts *);
    void *ctx;
    struct inv_texts t; /* the record that is being written */
    char memory[4096];
    uint32_t used;
    uint32_t *radio; /* of each site: bit 0 5G, 1 4G, 2 2G */
    uint32_t gnb_ids[SYNTH_OPERATORS], addresses;
};

/* ---- one record ---- */
static void begin(struct synth *s)
{
    memset(&s->t, 0, sizeof s->t);
    s->used = 0;
}
__attribute__((format(printf, 3, 4))) static void put(struct synth *s, uint32_t field, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(s->memory + s->used, sizeof s->memory - s->used, format, ap);
    va_end(ap);
    if (n > 0 && (uint32_t)n < sizeof s->memory - s->used) {
        s->t.v[field] = (struct str){s->memory + s->used, (uint32_t)n};
        s->used += (uint32_t)n + 1;
    }
}
static void put_date(struct synth *s, uint32_t field, int32_t date)
{
    char buf[INV_DATE_TEXT];
    put(s, field, "%s", inv_date_text(date, buf));
}
static int end(struct synth *s, enum inv_kind k)
{
    s->t.v[inv_field_find(inv_kind_desc(k), STR("synthetic"))] = STR("yes");
    return s->row(s->ctx, k, &s->t);
}
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        int e_ = (call);                                                                                               \
        if (e_ != OK)                                                                                                  \
            return e_;                                                                                                 \
    } while (0)

/* ---- suppliers and what they sell ---- */
static const char *maker_id(const struct synth *s, uint32_t maker) { return s->c.makers[maker].id; }
static int suppliers(struct synth *s)
{
    for (uint32_t i = 0; i < s->c.n_makers; i++) {
        begin(s);
        put(s, SUPPLIER_id, "%s", maker_id(s, i));
        put(s, SUPPLIER_name, STR_FMT, STR_ARG(s->c.makers[i].name));
        put(s, SUPPLIER_country, "%s", s->c.makers[i].country);
        TRY(end(s, INV_supplier));
    }
    return OK;
}
static int ownership(struct synth *s)
{
    if (s->o->n_suppliers) /* who owns companies that exist is not for a generator to say */
        return OK;
    for (uint32_t i = 0; i < s->c.n_makers; i++) {
        const struct maker *m = &s->c.makers[i];
        uint32_t state = m->state_share;
        begin(s);
        put(s, OWNERSHIP_supplier, "%s", m->id);
        put(s, OWNERSHIP_owner, "%s", state ? "a state holding" : "funds");
        put(s, OWNERSHIP_country, "%s", m->country);
        put(s, OWNERSHIP_share, "%u", state ? state : 35);
        put(s, OWNERSHIP_state_owned, state ? "yes" : "no");
        TRY(end(s, INV_ownership));
    }
    return OK;
}
static int laws(struct synth *s)
{
    static const char *const all[][3] = {
        {"CN", "National Intelligence Law (2017), articles 7 and 14", "yes"},
        {"RU", "Federal Law 374-FZ (2016)", "yes"},
        {"US", "CLOUD Act (2018), 18 U.S.C. 2713", "no"},
    };
    for (uint32_t i = 0; i < s->c.n_makers; i++)
        for (uint32_t k = 0; k < ARRAY_LEN(all); k++)
            if (strcmp(all[k][0], s->c.makers[i].country) == 0) {
                begin(s);
                put(s, LAW_supplier, "%s", maker_id(s, i));
                put(s, LAW_citation, "%s", all[k][1]);
                put(s, LAW_country, "%s", all[k][0]);
                put(s, LAW_extrajudicial, "%s", all[k][2]);
                TRY(end(s, INV_law));
            }
    return OK;
}
static int products(struct synth *s)
{
    for (uint32_t i = 0; i < s->c.n_makers; i++)
        for (uint32_t k = 0; k < ARRAY_LEN(catalogue); k++) {
            begin(s);
            put(s, PRODUCT_id, "%s-%s", maker_id(s, i), inv_class_text((uint8_t)catalogue[k].class));
            put(s, PRODUCT_supplier, "%s", maker_id(s, i));
            put(s, PRODUCT_name, "%s", catalogue[k].name);
            put(s, PRODUCT_function, "%s", inv_class_text((uint8_t)catalogue[k].class));
            put(s, PRODUCT_version, "%u.%u", 18 + draw(&s->c.random, 7), draw(&s->c.random, 4));
            put(s, PRODUCT_generation, "%u", catalogue[k].generation);
            put_date(s, PRODUCT_support_until, s->o->today + (int32_t)(catalogue[k].generation ? catalogue[k].generation * 500 : 2000) - 1400 +
                                                   (int32_t)draw(&s->c.random, 700));
            TRY(end(s, INV_product));
        }
    return OK;
}
static int certifications(struct synth *s)
{
    for (uint32_t i = 0; i < s->c.n_makers; i++)
        for (uint32_t k = 0; k < ARRAY_LEN(catalogue); k++) {
            if (catalogue[k].generation != 5 || draw(&s->c.random, 4) == 0)
                continue;
            int32_t issued = s->o->today - 100 - (int32_t)draw(&s->c.random, 900);
            begin(s);
            put(s, CERTIFICATION_product, "%s-%s", maker_id(s, i), inv_class_text((uint8_t)catalogue[k].class));
            put(s, CERTIFICATION_scheme, "NESAS");
            put(s, CERTIFICATION_scope, "%s", catalogue[k].class == INV_CLASS_gnb ? "TS 33.511" : "TS 33.117");
            put(s, CERTIFICATION_document, "synthetic report %u-%u", i, k);
            put_date(s, CERTIFICATION_issued, issued);
            put_date(s, CERTIFICATION_until, issued + 730);
            TRY(end(s, INV_certification));
        }
    return OK;
}
static int advisories(struct synth *s)
{
    for (uint32_t i = 0; i < s->c.n_makers; i++)
        for (uint32_t k = 0; k < ARRAY_LEN(catalogue); k += 3) {
            begin(s);
            put(s, ADVISORY_product, "%s-%s", maker_id(s, i), inv_class_text((uint8_t)catalogue[k].class));
            put(s, ADVISORY_id, "SYN-%04u-%02u", 2024 + draw(&s->c.random, 2), i * 30 + k);
            put(s, ADVISORY_severity, "%.3g", 3 + draw(&s->c.random, 68) / 10.0);
            put_date(s, ADVISORY_published, s->o->today - (int32_t)draw(&s->c.random, 600));
            if (draw(&s->c.random, 3))
                put(s, ADVISORY_fixed_in, "%u.%u", 25, draw(&s->c.random, 4));
            TRY(end(s, INV_advisory));
        }
    return OK;
}
static int components(struct synth *s)
{
    static const char *const parts[][2] = {{"kernel", "6.1"}, {"libcrypto", "3.0"}, {"zlib", "1.3"}, {"boot", "2024.01"}};
    for (uint32_t i = 0; i < s->c.n_makers; i++)
        for (uint32_t k = 0; k < ARRAY_LEN(catalogue); k++)
            for (uint32_t n = 0; n < ARRAY_LEN(parts); n++) {
                begin(s);
                put(s, COMPONENT_product, "%s-%s", maker_id(s, i), inv_class_text((uint8_t)catalogue[k].class));
                put(s, COMPONENT_name, "%s", parts[n][0]);
                put(s, COMPONENT_version, "%s.%u", parts[n][1], draw(&s->c.random, 20));
                put(s, COMPONENT_purl, "pkg:generic/%s", parts[n][0]);
                put(s, COMPONENT_type, n == 3 ? "firmware" : "library");
                TRY(end(s, INV_component));
            }
    return OK;
}

/* ---- places ---- */
static int sites(struct synth *s)
{
    for (uint32_t i = 0; i < s->c.n_sites; i++) {
        const struct place *p = &s->c.sites[i];
        begin(s);
        put(s, SITE_id, "s%06u", i + 1);
        put(s, SITE_name, "%s %u", p->city == UINT32_MAX ? "Rural" : s->c.cities[p->city].name, i + 1);
        put(s, SITE_region, "%s", s->c.cities[p->region].name);
        put(s, SITE_latitude, "%.5f", p->latitude);
        put(s, SITE_longitude, "%.5f", p->longitude);
        put(s, SITE_sensitivity, "%s", inv_sensitivity_text(p->sensitivity));
        put(s, SITE_operator, "operator-%u", p->operator + 1u);
        TRY(end(s, INV_site));
    }
    for (uint32_t i = 0; i < s->c.n_centres; i++) {
        const struct centre *d = &s->c.centres[i];
        begin(s);
        put(s, SITE_id, "dc%u-%02u", d->operator + 1u, d->number);
        put(s, SITE_name, "%s data centre", s->c.cities[d->city].name);
        put(s, SITE_region, "%s", s->c.cities[d->city].region);
        put(s, SITE_latitude, "%.5f", s->c.cities[d->city].latitude + 0.01 * (1 + d->operator));
        put(s, SITE_longitude, "%.5f", s->c.cities[d->city].longitude);
        put(s, SITE_sensitivity, "critical");
        put(s, SITE_operator, "operator-%u", d->operator + 1u);
        TRY(end(s, INV_site));
    }
    return OK;
}

/* ---- elements ---- */
static uint32_t cost_of(struct synth *s, enum inv_class class)
{
    for (uint32_t k = 0; k < ARRAY_LEN(catalogue); k++)
        if (catalogue[k].class == class)
            return (uint32_t)(catalogue[k].cost * (0.8 + draw(&s->c.random, 50) / 100.0)) / 1000 * 1000;
    return 0;
}
/* What every element has. `oldest`: years before today that the first of its kind was installed. */
static int element_begin(struct synth *s, enum inv_class class, uint32_t maker, uint32_t oldest)
{
    uint8_t hash[32];
    char hex[65];
    const char *name = inv_class_text((uint8_t)class);
    int32_t installed = s->o->today - 30 - (int32_t)draw(&s->c.random, oldest * 365);
    struct str id = s->t.v[ELEMENT_id];
    put(s, ELEMENT_function, "%s", name);
    put(s, ELEMENT_product, "%s-%s", maker_id(s, maker), name);
    put(s, ELEMENT_serial, "SYN%010u", draw(&s->c.random, 1u << 31));
    put(s, ELEMENT_identity, "certificate");
    TRY(crypto_sha256(s->crypto, &(struct bytes){(const uint8_t *)id.p, id.n}, 1, hash));
    hex_put(hex, hash, 32);
    put(s, ELEMENT_key_sha256, "%s", hex);
    put_date(s, ELEMENT_installed, installed);
    put_date(s, ELEMENT_service_from, installed + 14 + (int32_t)draw(&s->c.random, 60));
    put(s, ELEMENT_replace_cost, "%u", cost_of(s, class));
    put(s, ELEMENT_currency, "EUR");
    /* the radio network is maintained on the spot, the core from where its maker sits */
    bool remote = draw(&s->c.random, 10) < (inv_class_group((uint8_t)class) == INV_GROUP_radio ? 3 : 7);
    put(s, ELEMENT_maintainer, "%s", maker_id(s, maker));
    put(s, ELEMENT_maintained_from, "%s", remote ? s->c.makers[maker].country : "FI");
    put(s, ELEMENT_remote_access, remote ? "yes" : "no");
    uint32_t a = s->addresses++;
    put(s, ELEMENT_address, "10.%u.%u.%u", a / 64516 % 256, a / 254 % 254, a % 254 + 1);
    return OK;
}
static int radio(struct synth *s, uint32_t site, enum inv_class class, uint32_t maker)
{
    const struct place *p = &s->c.sites[site];
    uint32_t o = p->operator;
    double share = class == INV_CLASS_gnb ? 0.6 : class == INV_CLASS_enb ? (s->radio[site] & 1 ? 0.35 : 0.95) : 0.05;
    uint32_t served = (uint32_t)(p->population * s->c.market[o] * share);
    begin(s);
    put(s, ELEMENT_id, "%s-%06u", inv_class_text((uint8_t)class), site + 1);
    TRY(element_begin(s, class, maker, class == INV_CLASS_gnb ? 6 : class == INV_CLASS_enb ? 13 : 20));
    put(s, ELEMENT_site, "s%06u", site + 1);
    if (class == INV_CLASS_gnb) {
        put(s, ELEMENT_plmn, "001-%02u", o + 1);
        put(s, ELEMENT_gnb_id, "%u", ++s->gnb_ids[o]);
        put(s, ELEMENT_gnb_id_bits, "24");
    }
    double wider = class == INV_CLASS_gnb ? 1 : class == INV_CLASS_enb ? 1.4 : 2;
    put(s, ELEMENT_area_km2, "%.3f", p->area_km2 * wider);
    put(s, ELEMENT_population, "%u", (uint32_t)(p->population * (wider > 1 ? 1.2 : 1)));
    put(s, ELEMENT_subscribers, "%u", served);
    put(s, ELEMENT_capacity_users, "%u", 100 + (uint32_t)(served * (1.15 + draw(&s->c.random, 120) / 100.0)));
    uint32_t mbps = (uint32_t)(served * (class == INV_CLASS_gnb ? 0.25 : 0.12));
    put(s, ELEMENT_traffic_mbps, "%u", mbps);
    put(s, ELEMENT_capacity_mbps, "%u", class == INV_CLASS_gnb ? 3000u + mbps : 450u + mbps);
    return end(s, INV_element);
}
static int site_transport(struct synth *s, uint32_t site)
{
    const struct place *p = &s->c.sites[site];
    begin(s);
    put(s, ELEMENT_id, "transport-%06u", site + 1);
    TRY(element_begin(s, INV_CLASS_transport, country_transport(&s->c, p->operator, p->region), 9));
    put(s, ELEMENT_site, "s%06u", site + 1);
    put(s, ELEMENT_capacity_mbps, "10000");
    return end(s, INV_element);
}
static int site_elements(struct synth *s, uint32_t i)
{
    const struct place *p = &s->c.sites[i];
    uint32_t now = country_radio(&s->c, p->operator, p->region, false), before = country_radio(&s->c, p->operator, p->region, true);
    if (s->radio[i] & 1)
        TRY(radio(s, i, INV_CLASS_gnb, now));
    /* 4G stayed with the contract before, at one site in three */
    if (s->radio[i] & 2)
        TRY(radio(s, i, INV_CLASS_enb, draw(&s->c.random, 3) ? now : before));
    if (s->radio[i] & 4)
        TRY(radio(s, i, INV_CLASS_bts, before));
    return site_transport(s, i);
}
static void put_instance(struct synth *s)
{
    char hex[33];
    uint8_t b[16];
    put_be64(b, draw64(&s->c.random));
    put_be64(b + 8, draw64(&s->c.random));
    b[6] = (uint8_t)((b[6] & 15) | 0x40); /* RFC 9562 5.4 */
    b[8] = (uint8_t)((b[8] & 63) | 0x80);
    hex_put(hex, b, 16);
    put(s, ELEMENT_nf_instance, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}
static int central(struct synth *s, const struct centre *d, enum inv_class class, uint32_t maker, uint32_t number)
{
    const char *name = inv_class_text((uint8_t)class);
    begin(s);
    put(s, ELEMENT_id, "%s-o%u-dc%02u-%u", name, d->operator + 1u, d->number, number);
    TRY(element_begin(s, class, maker, 6));
    put(s, ELEMENT_site, "dc%u-%02u", d->operator + 1u, d->number);
    if (inv_class_group((uint8_t)class) == INV_GROUP_core && class != INV_CLASS_nfvi && class != INV_CLASS_li)
        put_instance(s);
    if (class == INV_CLASS_upf || class == INV_CLASS_smf)
        put(s, ELEMENT_node_id, "%s-%u.dc%02u.operator-%u.example", name, number, d->number, d->operator + 1u);
    if (class == INV_CLASS_upf || class == INV_CLASS_transport_core)
        put(s, ELEMENT_capacity_mbps, "%u", 200000 + draw(&s->c.random, 8) * 50000);
    if (class == INV_CLASS_amf || class == INV_CLASS_mme)
        put(s, ELEMENT_capacity_users, "%u", 4000000u);
    return end(s, INV_element);
}
/* The first centre of an operator has all, the next ones what users need near, every further one the user plane. */
static int centre_elements(struct synth *s, const struct centre *d)
{
    static const enum inv_class everywhere[] = {INV_CLASS_upf, INV_CLASS_transport_core, INV_CLASS_security_gateway, INV_CLASS_nfvi};
    static const enum inv_class large[] = {INV_CLASS_amf, INV_CLASS_smf, INV_CLASS_mme, INV_CLASS_gateway, INV_CLASS_ausf,
                                           INV_CLASS_udm, INV_CLASS_hss, INV_CLASS_pcf, INV_CLASS_nrf};
    static const enum inv_class once[] = {INV_CLASS_sepp, INV_CLASS_li, INV_CLASS_sim, INV_CLASS_core_management, INV_CLASS_transport_management};
    uint32_t core = s->c.core_maker[d->operator], other = s->c.other_maker[d->operator];
    for (uint32_t k = 0; k < ARRAY_LEN(everywhere); k++)
        TRY(central(s, d, everywhere[k], everywhere[k] == INV_CLASS_transport_core ? other : core, 1));
    for (uint32_t k = 0; k < ARRAY_LEN(large) && d->number <= 2; k++)
        TRY(central(s, d, large[k], k == 3 || k == 6 ? other : core, 1));
    for (uint32_t k = 0; k < ARRAY_LEN(once) && d->number == 1; k++)
        TRY(central(s, d, once[k], k == 4 ? other : core, 1));
    for (uint32_t m = 0; m < s->c.n_makers && d->number == 1; m++)
        if (country_has_radio(&s->c, d->operator, m))
            TRY(central(s, d, INV_CLASS_ran_management, m, m + 1));
    return OK;
}
static int elements(struct synth *s)
{
    for (uint32_t i = 0; i < s->c.n_centres; i++)
        TRY(centre_elements(s, &s->c.centres[i]));
    for (uint32_t i = 0; i < s->c.n_sites; i++)
        TRY(site_elements(s, i));
    return OK;
}

/* ---- neighbours ---- */
static int neighbour(struct synth *s, uint32_t a, const char *a_class, uint32_t b, const char *b_class, double percent)
{
    if (percent < 1)
        return OK;
    begin(s);
    put(s, NEIGHBOUR_element, "%s-%06u", a_class, a + 1);
    put(s, NEIGHBOUR_neighbour, "%s-%06u", b_class, b + 1);
    put(s, NEIGHBOUR_overlap, "%.3g", percent > 100 ? 100 : percent);
    return end(s, INV_neighbour);
}
static int neighbours(struct synth *s)
{
    struct near near[RADIO_NEIGHBOURS + 1];
    for (uint32_t i = 0; i < s->c.n_sites; i++) {
        bool has5 = s->radio[i] & 1, has4 = s->radio[i] & 2;
        uint32_t n = country_nearest(&s->c, i, near, RADIO_NEIGHBOURS);
        if (has5 && has4) { /* the layer below takes over where the site itself stays */
            TRY(neighbour(s, i, "gnb", i, "enb", 95));
            TRY(neighbour(s, i, "enb", i, "gnb", 70));
        }
        if (s->radio[i] & 4)
            TRY(neighbour(s, i, "bts", i, has4 ? "enb" : "gnb", 80));
        for (uint32_t k = 0; k < n; k++) {
            double share = 100 * country_overlap(&s->c, i, near[k].site, near[k].km);
            if (has5 && (s->radio[near[k].site] & 1))
                TRY(neighbour(s, i, "gnb", near[k].site, "gnb", share));
            if (has4 && (s->radio[near[k].site] & 2) && k < 5)
                TRY(neighbour(s, i, "enb", near[k].site, "enb", share * 1.2));
        }
    }
    return OK;
}

static int make(struct synth *s)
{
    static int (*const parts[])(struct synth *) = {suppliers, ownership, laws, products, certifications, advisories, components,
                                                   sites, elements, neighbours};
    s->radio = calloc(s->c.n_sites + 1, sizeof *s->radio);
    if (!s->radio)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < s->c.n_sites; i++) {
        bool town = s->c.sites[i].city != UINT32_MAX;
        s->radio[i] = (draw(&s->c.random, 100) < (town ? 95 : 70) ? 1u : 0) | (draw(&s->c.random, 100) < 92 ? 2u : 0) |
                      (draw(&s->c.random, 100) < 40 ? 4u : 0);
        if (!(s->radio[i] & 3))
            s->radio[i] |= 2;
    }
    for (uint32_t k = 0; k < ARRAY_LEN(parts); k++)
        TRY(parts[k](s));
    return OK;
}
int synth_make(const struct synth_options *o, int (*row)(void *ctx, enum inv_kind, const struct inv_texts *), void *ctx)
{
    struct synth *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOSPACE;
    s->o = o;
    s->row = row;
    s->ctx = ctx;
    int e = country_make(&s->c, o);
    if (e == OK)
        e = crypto_init(&s->crypto);
    if (e == OK)
        e = make(s);
    crypto_free(s->crypto);
    country_free(&s->c);
    free(s->radio);
    free(s);
    return e;
}

static int build_row(void *ctx, enum inv_kind k, const struct inv_texts *t)
{
    return inv_build_add(ctx, k, t, 0, (struct inv_place){0, 0}, NULL);
}
int synth_inventory(struct inventory **out, const struct synth_options *o, const struct inv_asked *asked, char *why, uint32_t cap)
{
    static const struct inv_text text = {.name = {"synthetic", 9}};
    struct inv_build b;
    struct inv_report report;
    *out = NULL;
    inv_build_init(&b, &text, &report);
    int e = synth_make(o, build_row, &b);
    if (e == OK)
        e = inv_build_finish(&b, asked, out);
    if (e < 0 && cap)
        snprintf(why, cap, "%s", report.n_findings ? report.findings[0].why : err_text(e));
    inv_build_free(&b);
    inv_report_free(&report);
    return e;
}

int synth_suppliers_parse(struct synth_options *o, struct str text, char why[INV_REASON])
{
    while (text.n) {
        const char *comma = memchr(text.p, ',', text.n);
        struct str item = {text.p, comma ? (uint32_t)(comma - text.p) : text.n};
        const char *a = memchr(item.p, ':', item.n), *b = a ? memchr(a + 1, ':', (size_t)(item.p + item.n - a - 1)) : NULL;
        struct synth_supplier *x = &o->suppliers[o->n_suppliers];
        uint32_t share = 0;
        for (const char *p = b ? b + 1 : NULL; p && p < item.p + item.n && share < 1000000; p++)
            share = *p >= '0' && *p <= '9' ? share * 10 + (uint32_t)(*p - '0') : 1000000;
        if (o->n_suppliers == SYNTH_SUPPLIERS || !b || a == item.p || !share || share >= 1000000 ||
            !inv_country_known((struct str){a + 1, (uint32_t)(b - a - 1)})) {
            snprintf(why, INV_REASON, "found '%.*s', expected at most %u of NAME:COUNTRY:SHARE, such as Nordtel:SE:40",
                     (int)(item.n < 60 ? item.n : 60), item.p, SYNTH_SUPPLIERS);
            return ERR_SYNTAX;
        }
        *x = (struct synth_supplier){.name = {item.p, (uint32_t)(a - item.p)}, .share = share};
        memcpy(x->country, a + 1, 2);
        o->n_suppliers++;
        text.p += item.n + (comma != NULL);
        text.n -= item.n + (comma != NULL);
    }
    return o->n_suppliers ? OK : ERR_SYNTAX;
}
