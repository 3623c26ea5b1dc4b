/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_check.c - records that are each well written and do not fit together. */
#include "trust/inventory_build.h"
#include "trust/inventory_index.h"
#include <stdio.h>
#include <stdlib.h>

struct check {
    struct inv_build *b;
    struct inventory *v;
};
static const struct inv_record *record_at(const struct check *c, enum inv_kind k, uint32_t i)
{
    return &c->b->kinds[k].v[i];
}
static uint32_t field(enum inv_kind k, const char *name)
{
    return inv_field_find(inv_kind_desc(k), str_of(name));
}

/* ---- circles: next[i] is the reference that supplier i leads to ---- */
static void circle_say(struct check *c, const uint32_t *next, uint32_t from, enum inv_kind k, const uint32_t *record,
                       const char *verb)
{
    char chain[INV_WHY], where[120];
    struct text t = text_over(chain, sizeof chain);
    uint32_t i = from;
    do {
        struct str id = c->v->suppliers[i].id;
        text_add(&t, "'%.*s' %s ", (int)(id.n < 40 ? id.n : 40), id.p, verb);
        i = next[i] - 1;
    } while (i != from && !t.full);
    struct str id = c->v->suppliers[from].id;
    const struct inv_record *last = record_at(c, k, record ? record[next[from] - 1] : next[from] - 1);
    inv_build_wrong(c->b, record_at(c, k, record ? record[from] : from), field(k, k == INV_supplier ? "parent" : "owner"),
                    "a circle: %s'%.*s'; the other end is at %s", chain, (int)(id.n < 40 ? id.n : 40), id.p,
                    inv_record_where(c->b, last, where));
}
static void circles_find(struct check *c, const uint32_t *next, enum inv_kind k, const uint32_t *record, const char *verb)
{
    uint32_t n = c->v->n_suppliers, *seen = calloc(n + 1, sizeof *seen);
    if (!seen) {
        c->b->no_memory = true;
        return;
    }
    for (uint32_t from = 0; from < n; from++) {
        uint32_t i = from;
        while (!seen[i]) {
            seen[i] = from + 1;
            if (!next[i])
                break;
            i = next[i] - 1;
            if (seen[i] == from + 1)
                circle_say(c, next, i, k, record, verb);
        }
    }
    free(seen);
}
static void suppliers_check(struct check *c)
{
    struct inventory *v = c->v;
    uint32_t *next = calloc(v->n_suppliers + 1, sizeof *next), *record = calloc(v->n_suppliers + 1, sizeof *record);
    if (next && record) {
        for (uint32_t i = 0; i < v->n_suppliers; i++)
            next[i] = v->suppliers[i].parent;
        circles_find(c, next, INV_supplier, NULL, "belongs to");
        memset(next, 0, v->n_suppliers * sizeof *next);
        for (uint32_t i = 0; i < v->n_ownership; i++) {
            const struct inv_ownership *o = &v->ownership[i];
            if (o->owner_supplier && (o->share > 50 || o->owner_supplier == o->supplier)) {
                next[o->supplier - 1] = o->owner_supplier;
                record[o->supplier - 1] = i;
            }
        }
        circles_find(c, next, INV_ownership, record, "is owned by");
    } else {
        c->b->no_memory = true;
    }
    free(next);
    free(record);
    for (uint32_t i = 0; i < v->n_suppliers; i++) {
        struct inv_range r = v->suppliers[i].owners;
        double sum = 0;
        for (uint32_t k = r.first; k < r.first + r.n; k++)
            sum += v->ownership[k].share;
        if (sum > 100.01)
            inv_build_wrong(c->b, record_at(c, INV_ownership, r.first + r.n - 1), field(INV_ownership, "share"),
                            "the shares of '" STR_FMT "' add up to %.4g per cent, from its first owner on", STR_ARG(v->suppliers[i].id),
                            sum);
    }
}

/* ---- dates and places ---- */
static void dates_check(struct check *c, enum inv_kind k, uint32_t i, const char *from_name, int32_t from,
                        const char *to_name, int32_t to)
{
    char a[INV_DATE_TEXT], b[INV_DATE_TEXT];
    if (from && to && to < from)
        inv_build_wrong(c->b, record_at(c, k, i), field(k, to_name), "%s %s is before %s %s", to_name, inv_date_text(to, a),
                        from_name, inv_date_text(from, b));
}
static void place_check(struct check *c, enum inv_kind k, uint32_t i, double latitude, double longitude)
{
    const struct inv_kind_desc *d = inv_kind_desc(k);
    struct inv_texts t;
    const struct inv_record *r = record_at(c, k, i);
    uint32_t la = field(k, "latitude"), lo = field(k, "longitude");
    if (!inv_row_get(d, r->row, &t) || (!t.v[la].n && !t.v[lo].n))
        return;
    if (!t.v[la].n || !t.v[lo].n)
        inv_build_wrong(c->b, r, t.v[la].n ? la : lo, "a position needs both latitude and longitude");
    else if (latitude < -90 || latitude > 90)
        inv_build_wrong(c->b, r, la, "latitude: found %g, expected -90 to 90; are latitude and longitude exchanged?", latitude);
    else if (longitude < -180 || longitude > 180)
        inv_build_wrong(c->b, r, lo, "longitude: found %g, expected -180 to 180", longitude);
    else if (latitude == 0 && longitude == 0)
        inv_build_wrong(c->b, r, la, "the position 0, 0 is in the sea and stands for none; leave both out");
}

/* ---- elements ---- */
static bool uuid_ok(struct str s)
{
    for (uint32_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char x = (char)(s.p[i] | 0x20);
        if (dash ? s.p[i] != '-' : !((s.p[i] >= '0' && s.p[i] <= '9') || (x >= 'a' && x <= 'f')))
            return false;
    }
    return s.n == 36;
}
static void identity_check(struct check *c, uint32_t i, const struct inv_element *e)
{
    const struct inv_record *r = record_at(c, INV_element, i);
    uint32_t bits = e->gnb_id_bits, lowest = e->function == INV_CLASS_enb ? 18 : 22;
    static const uint8_t none[3];
    if (bits && (bits < lowest || bits > 32))
        inv_build_wrong(c->b, r, field(INV_element, "gnb_id_bits"), "gnb_id_bits: found %u, expected %u to 32", bits, lowest);
    else if (bits && bits < 32 && e->gnb_id >> bits)
        inv_build_wrong(c->b, r, field(INV_element, "gnb_id"), "gnb_id: %u does not fit into %u bits", e->gnb_id, bits);
    if (bits && memcmp(e->plmn, none, 3) == 0)
        inv_build_wrong(c->b, r, field(INV_element, "gnb_id"), "a gNB identity needs its plmn");
    if (!bits && e->gnb_id)
        inv_build_wrong(c->b, r, field(INV_element, "gnb_id"), "a gnb_id needs gnb_id_bits");
    if (e->node_id.n > 253)
        inv_build_wrong(c->b, r, field(INV_element, "node_id"), "node_id: expected at most 253 octets");
    if (e->nf_instance.n && !uuid_ok(e->nf_instance))
        inv_build_wrong(c->b, r, field(INV_element, "nf_instance"), "nf_instance: expected a UUID, 8-4-4-4-12 hex digits");
    if (e->identity == INV_IDENTITY_address_only && !e->address.family)
        inv_build_wrong(c->b, r, field(INV_element, "identity"), "identity address_only needs an address");
    if (e->address.port)
        inv_build_wrong(c->b, r, field(INV_element, "address"), "address: expected no port");
}
static void element_check(struct check *c, uint32_t i)
{
    const struct inv_element *e = &c->v->elements[i];
    const struct inv_record *r = record_at(c, INV_element, i);
    const struct inv_product *p = inventory_product(c->v, e->product);
    char where[120];
    if (p && p->supplier != e->supplier)
        inv_build_wrong(c->b, r, field(INV_element, "supplier"), "supplier: the product's is '" STR_FMT "', at %s",
                        STR_ARG(inventory_supplier(c->v, p->supplier)->id),
                        inv_record_where(c->b, record_at(c, INV_product, e->product - 1), where));
    if (p && inv_class_group(p->function) != inv_class_group(e->function) && p->function != INV_CLASS_other)
        inv_build_wrong(c->b, r, field(INV_element, "function"), "function: found %s, but its product is a %s, at %s",
                        inv_class_text(e->function), inv_class_text(p->function),
                        inv_record_where(c->b, record_at(c, INV_product, e->product - 1), where));
    identity_check(c, i, e);
    place_check(c, INV_element, i, e->latitude, e->longitude);
    dates_check(c, INV_element, i, "installed", e->installed, "service_from", e->service_from);
    dates_check(c, INV_element, i, "service_from", e->service_from, "service_until", e->service_until);
    dates_check(c, INV_element, i, "installed", e->installed, "service_until", e->service_until);
    if (e->area_km2 < 0)
        inv_build_wrong(c->b, r, field(INV_element, "area_km2"), "area_km2: expected 0 or more");
    if (e->replace_cost && !e->currency[0])
        inv_build_wrong(c->b, r, field(INV_element, "replace_cost"), "replace_cost needs a currency");
}
static const struct {
    enum inv_lookup by;
    const char *field, *what;
} identities[] = {{INV_BY_GNB, "gnb_id", "gNB identity"},
                  {INV_BY_NODE, "node_id", "node identity"},
                  {INV_BY_ADDRESS, "address", "address"},
                  {INV_BY_INSTANCE, "nf_instance", "NF instance identity"},
                  {INV_BY_KEY, "key_sha256", "key (a cloned certificate?)"}};
static void identities_index(struct check *c, uint32_t i)
{
    char where[120];
    uint32_t other;
    for (uint32_t k = 0; k < ARRAY_LEN(identities); k++)
        if (inv_index_add(c->v, identities[k].by, INV_element, i + 1, &other) == ERR_EXISTS)
            inv_build_wrong(c->b, record_at(c, INV_element, i), field(INV_element, identities[k].field),
                            "'" STR_FMT "' and '" STR_FMT "' have one %s; the other is at %s",
                            STR_ARG(c->v->elements[i].id), STR_ARG(c->v->elements[other - 1].id), identities[k].what,
                            inv_record_where(c->b, record_at(c, INV_element, other - 1), where));
}

/* TS 29.510 6.1.6.3.2, VendorId. */
static void vendor_check(struct check *c, uint32_t i)
{
    struct str id = c->v->suppliers[i].vendor_id;
    bool ok = id.n == 6 || id.n == 0;
    for (uint32_t k = 0; k < id.n; k++)
        ok = ok && id.p[k] >= '0' && id.p[k] <= '9';
    if (!ok)
        inv_build_wrong(c->b, record_at(c, INV_supplier, i), field(INV_supplier, "vendor_id"), "vendor_id: expected six digits, as 010415");
}
void inv_check(struct inv_build *b, struct inventory *v)
{
    struct check c = {b, v};
    suppliers_check(&c);
    for (uint32_t i = 0; i < v->n_suppliers; i++)
        vendor_check(&c, i);
    for (uint32_t i = 0; i < v->n_products; i++)
        if (v->products[i].generation == 1 || v->products[i].generation > 6)
            inv_build_wrong(b, record_at(&c, INV_product, i), field(INV_product, "generation"),
                            "generation: found %u, expected 2 to 6, or 0 for none", v->products[i].generation);
    for (uint32_t i = 0; i < v->n_certifications; i++)
        dates_check(&c, INV_certification, i, "issued", v->certifications[i].issued, "until", v->certifications[i].until);
    for (uint32_t i = 0; i < v->n_advisories; i++)
        if (v->advisories[i].severity < 0 || v->advisories[i].severity > 10)
            inv_build_wrong(b, record_at(&c, INV_advisory, i), field(INV_advisory, "severity"), "severity: expected 0 to 10");
    for (uint32_t i = 0; i < v->n_sites; i++)
        place_check(&c, INV_site, i, v->sites[i].latitude, v->sites[i].longitude);
    for (uint32_t i = 0; i < v->n_elements; i++) {
        element_check(&c, i);
        identities_index(&c, i);
    }
    for (uint32_t i = 0; i < v->n_neighbours; i++)
        if (v->neighbours[i].element == v->neighbours[i].neighbour)
            inv_build_wrong(b, record_at(&c, INV_neighbour, i), 1, "a cell is no neighbour of its own");
}
