/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_index.c - who is it: references by id and by identity on the network. */
#include "trust/inventory_index.h"
#include "base/map.h"
#include <stdlib.h>

enum { KEY_OCTETS = 256 };

int inv_index_init(struct inv_index *x, uint32_t n)
{
    x->cap = 16;
    while (x->cap < n * 2 && x->cap < 1u << 30)
        x->cap *= 2;
    x->slots = calloc(x->cap, sizeof *x->slots);
    if (!x->slots)
        x->cap = 0;
    return x->slots ? OK : ERR_NOSPACE;
}
void inv_index_free(struct inv_index *x)
{
    free(x->slots);
    *x = (struct inv_index){NULL, 0};
}

/* ---- keys: one octet string for each thing that is looked up by ---- */
static struct bytes lower(uint8_t function, struct str s, uint8_t buf[KEY_OCTETS])
{
    if (s.n >= KEY_OCTETS)
        return (struct bytes){NULL, 0};
    buf[0] = function;
    for (uint32_t i = 0; i < s.n; i++)
        buf[i + 1] = (uint8_t)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
    return (struct bytes){buf, s.n ? s.n + 1 : 0};
}
static struct bytes gnb_key(const uint8_t plmn[3], uint32_t id, uint32_t bits, uint8_t buf[KEY_OCTETS])
{
    memcpy(buf, plmn, 3);
    buf[3] = (uint8_t)bits;
    put_be32(buf + 4, id);
    return (struct bytes){buf, bits ? 8 : 0};
}
static struct bytes address_key(uint8_t function, const struct net_addr *a, uint8_t buf[KEY_OCTETS])
{
    buf[0] = function;
    buf[1] = a->family;
    memcpy(buf + 2, a->ip, a->family == 4 ? 4 : 16);
    return (struct bytes){buf, a->family == 4 ? 6 : a->family ? 18 : 0};
}
static bool is_zero(const uint8_t *p, uint32_t n)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++)
        any |= p[i];
    return !any;
}
static struct bytes id_of(const struct inventory *v, enum inv_kind kind, uint32_t ref)
{
    struct str s = {NULL, 0};
    if (kind == INV_supplier)
        s = v->suppliers[ref - 1].id;
    else if (kind == INV_product)
        s = v->products[ref - 1].id;
    else if (kind == INV_site)
        s = v->sites[ref - 1].id;
    else if (kind == INV_element)
        s = v->elements[ref - 1].id;
    return (struct bytes){(const uint8_t *)s.p, s.n};
}
static struct bytes key_of(const struct inventory *v, enum inv_lookup by, enum inv_kind kind, uint32_t ref,
                           uint8_t buf[KEY_OCTETS])
{
    if (by == INV_BY_ID)
        return id_of(v, kind, ref);
    const struct inv_element *e = &v->elements[ref - 1];
    switch (by) {
    case INV_BY_GNB: return gnb_key(e->plmn, e->gnb_id, e->gnb_id_bits, buf);
    case INV_BY_NODE: return lower(e->function, e->node_id, buf);
    case INV_BY_ADDRESS: return address_key(e->function, &e->address, buf);
    case INV_BY_INSTANCE: return lower(0, e->nf_instance, buf);
    case INV_BY_KEY: return (struct bytes){e->key_sha256, is_zero(e->key_sha256, 32) ? 0 : 32};
    default: return (struct bytes){NULL, 0};
    }
}

static struct inv_index *index_of(struct inventory *v, enum inv_lookup by, enum inv_kind kind)
{
    switch (by) {
    case INV_BY_ID: return &v->ids[kind];
    case INV_BY_GNB: return &v->gnbs;
    case INV_BY_NODE: return &v->nodes;
    case INV_BY_ADDRESS: return &v->addresses;
    case INV_BY_INSTANCE: return &v->instances;
    default: return &v->keys;
    }
}
/* The slot that has it, or the free one where it would be; NULL: an index without slots. */
static uint32_t *slot_of(const struct inventory *v, const struct inv_index *x, enum inv_lookup by, enum inv_kind kind,
                         struct bytes key)
{
    uint8_t buf[KEY_OCTETS];
    if (!x->cap)
        return NULL;
    for (uint32_t i = (uint32_t)siphash24(v->secret[0], v->secret[1], key.p, key.n);; i++) {
        uint32_t *slot = &x->slots[i & (x->cap - 1)];
        if (!*slot || bytes_eq(key_of(v, by, kind, *slot, buf), key))
            return slot;
    }
}
static uint32_t look(const struct inventory *v, enum inv_lookup by, enum inv_kind kind, struct bytes key)
{
    const struct inv_index *x = by == INV_BY_ID        ? &v->ids[kind]
                                : by == INV_BY_GNB     ? &v->gnbs
                                : by == INV_BY_NODE    ? &v->nodes
                                : by == INV_BY_ADDRESS ? &v->addresses
                                : by == INV_BY_INSTANCE ? &v->instances
                                                       : &v->keys;
    const uint32_t *slot = key.n ? slot_of(v, x, by, kind, key) : NULL;
    return slot ? *slot : 0;
}

int inv_index_add(struct inventory *v, enum inv_lookup by, enum inv_kind kind, uint32_t ref, uint32_t *other)
{
    uint8_t buf[KEY_OCTETS];
    struct bytes key = key_of(v, by, kind, ref, buf);
    uint32_t *slot = key.n ? slot_of(v, index_of(v, by, kind), by, kind, key) : NULL;
    *other = slot ? *slot : 0;
    if (*other)
        return ERR_EXISTS;
    if (slot)
        *slot = ref;
    return OK;
}

/* ---- the read side ---- */
uint32_t inventory_find(const struct inventory *v, enum inv_kind kind, struct str id)
{
    return (unsigned)kind < INV_KINDS ? look(v, INV_BY_ID, kind, (struct bytes){(const uint8_t *)id.p, id.n}) : 0;
}
uint32_t inventory_by_gnb(const struct inventory *v, const uint8_t plmn[3], uint32_t gnb_id, uint32_t bits)
{
    uint8_t buf[KEY_OCTETS];
    return bits > 32 ? 0 : look(v, INV_BY_GNB, INV_element, gnb_key(plmn, gnb_id, bits, buf));
}
/* One function, or the only one that has it. */
static uint32_t among(const struct inventory *v, uint8_t function, enum inv_lookup by, struct str node,
                      const struct net_addr *a)
{
    uint8_t buf[KEY_OCTETS], last = function ? function : INV_CLASSES - 1;
    uint32_t found = 0;
    for (uint8_t f = function ? function : 1; f <= last; f++) {
        uint32_t ref = look(v, by, INV_element, a ? address_key(f, a, buf) : lower(f, node, buf));
        if (ref && found)
            return 0;
        found = ref ? ref : found;
    }
    return found;
}
uint32_t inventory_by_node_id(const struct inventory *v, uint8_t function, struct str node_id)
{
    return among(v, function, INV_BY_NODE, node_id, NULL);
}
uint32_t inventory_by_address(const struct inventory *v, uint8_t function, const struct net_addr *a)
{
    return among(v, function, INV_BY_ADDRESS, STR(""), a);
}
uint32_t inventory_by_nf_instance(const struct inventory *v, struct str uuid)
{
    uint8_t buf[KEY_OCTETS];
    return look(v, INV_BY_INSTANCE, INV_element, lower(0, uuid, buf));
}
uint32_t inventory_by_key(const struct inventory *v, const uint8_t key_sha256[32])
{
    return is_zero(key_sha256, 32) ? 0 : look(v, INV_BY_KEY, INV_element, (struct bytes){key_sha256, 32});
}
