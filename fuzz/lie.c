/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/lie.h"
#include "base/err.h"
#include "base/wire.h"
#include "codec/nas.h"
#include "codec/ngap.h"
#include "codec/pfcp_desc.h"

enum { VALUE_MAX = 2048, LIES_MAX = 3, DEPTH_MAX = 12, LIST_MAX = 64, WORDS = 4 };

uint64_t lie_roll(uint64_t *seed) /* splitmix64 */
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static uint32_t below(uint64_t *seed, uint32_t n) { return n ? (uint32_t)(lie_roll(seed) % n) : 0; }

/* Octets in place: one changed, all alike, a number at its ends or one off. */
static void octets_lie(uint8_t *p, uint32_t n, uint64_t *seed)
{
    if (!n)
        return;
    uint32_t at = below(seed, n);
    switch (below(seed, 6)) {
    case 0: p[at] ^= (uint8_t)(1u << below(seed, 8)); break;
    case 1: p[at] = (uint8_t)lie_roll(seed); break;
    case 2: memset(p, 0, n); break;
    case 3: memset(p, 0xff, n); break;
    case 4: p[n - 1]++; break;
    default: p[n - 1]--;
    }
}

/* ================================ NGAP: values, by their descriptors ================================ */
struct walk {
    uint64_t *seed;
    struct arena *arena;
    uint32_t left; /* nodes until the one that lies */
    uint32_t nodes;
    uint64_t number[WORDS]; /* seen on the way: to be said where they do not belong */
    unsigned depth;
};
static void node(struct walk *w, const struct asn_type *t, void *v);

static void int_lie(struct walk *w, const struct asn_type *t, uint64_t *v)
{
    uint64_t any = lie_roll(w->seed), was = *v;
    const uint64_t choices[] = {t->lower, t->upper, was + 1, was - 1, was ^ 1ull << (any & 63), any, w->number[any % WORDS], was << 1};
    uint64_t next = choices[below(w->seed, ARRAY_LEN(choices))];
    *v = next < t->lower || next > t->upper ? t->lower + (t->upper - t->lower == UINT64_MAX ? next : next % (t->upper - t->lower + 1)) : next;
}
static void string_lie(struct walk *w, const struct asn_type *t, struct bytes *b)
{
    bool bits = t->kind == ASN_BITS;
    uint32_t most = t->upper < VALUE_MAX ? (uint32_t)t->upper : VALUE_MAX, least = t->lower < most ? (uint32_t)t->lower : most, n = b->n;
    if (below(w->seed, 3) == 0)
        n = below(w->seed, 2) ? most : least;
    uint32_t octets = bits ? (n + 7) / 8 : n, there = bits ? (b->n + 7) / 8 : b->n;
    uint8_t *p = arena_zero(w->arena, octets + 1);
    if (!p)
        return;
    for (uint32_t i = 0; i < octets; i++)
        p[i] = there ? b->p[i % there] : 'a';
    if (t->kind != ASN_CHARS && t->kind != ASN_UTF8)
        octets_lie(p, octets, w->seed);
    if (bits && n % 8)
        p[octets - 1] &= (uint8_t)(0xff00u >> n % 8);
    *b = (struct bytes){p, n};
}
/* What an OCTET STRING holds is a value too; of a NAS-PDU, a NAS message. */
static void inside(struct walk *w, const struct asn_type *t, struct bytes *b)
{
    uint8_t *out = arena_take(w->arena, VALUE_MAX * 2);
    int n = 0;
    if (!out)
        return;
    if (t->elem) {
        void *v = arena_zero(w->arena, t->elem->size);
        if (!v || aper_decode(t->elem, v, *b, w->arena, NULL, NULL) < 0)
            return;
        node(w, t->elem, v);
        n = aper_encode(t->elem, v, out, VALUE_MAX * 2);
    } else if (b->n && (b->p[0] == NAS_EPD_MM || b->p[0] == NAS_EPD_SM)) {
        n = lie_nas(*b, w->seed, out, VALUE_MAX * 2);
    }
    if (n > 0)
        *b = (struct bytes){out, (uint32_t)n};
}
static void list_lie(struct walk *w, const struct asn_type *t, struct asn_list *l)
{
    uint32_t most = t->upper < LIST_MAX ? (uint32_t)t->upper : LIST_MAX, least = (uint32_t)t->lower;
    const uint32_t choices[] = {most, least, l->n + 1, l->n ? l->n - 1 : 0, l->n * 2};
    uint32_t n = choices[below(w->seed, ARRAY_LEN(choices))], size = t->elem->size;
    n = n > most ? most : n < least ? least : n;
    uint8_t *p = arena_zero(w->arena, (size_t)n * size + 1);
    for (uint32_t i = 0; p && i < n; i++) {
        if (l->n) /* repeated: two that are one */
            memcpy(p + (size_t)i * size, (uint8_t *)l->v + (size_t)(i % l->n) * size, size);
        else if (aper_random(t->elem, p + (size_t)i * size, w->arena, w->seed, 2) < 0)
            return;
    }
    if (p)
        *l = (struct asn_list){p, n};
}
static void members_lie(struct walk *w, const struct asn_type *t, uint8_t *v)
{
    if (!t->n_fields)
        return;
    uint32_t i = below(w->seed, t->n_fields);
    const struct asn_field *f = &t->fields[i];
    uint64_t *has = ((struct asn_has *)(void *)v)->mask;
    if (f->presence == ASN_EXTENSIONS || !f->type)
        return;
    if (f->presence != ASN_MANDATORY && *has >> i & 1)
        *has &= ~(1ull << i);
    else if (aper_random(f->type, v + f->offset, w->arena, w->seed, 3) == OK)
        *has |= 1ull << i;
}
static void lie_here(struct walk *w, const struct asn_type *t, void *v)
{
    switch ((enum asn_kind)t->kind) {
    case ASN_INT: int_lie(w, t, v); break;
    case ASN_ENUM: *(uint32_t *)v = below(w->seed, t->n_fields); break;
    case ASN_LIST: list_lie(w, t, v); break;
    case ASN_SEQ:
    case ASN_IES:
    case ASN_EXTSET: members_lie(w, t, v); break;
    case ASN_CHOICE: {
        uint32_t i = below(w->seed, t->n_fields);
        if (t->fields[i].type && aper_random(t->fields[i].type, (uint8_t *)v + t->fields[i].offset, w->arena, w->seed, 2) == OK)
            *(uint32_t *)v = i;
        break;
    }
    case ASN_NULL: break;
    case ASN_OCTETS:
        if (t->elem) {
            inside(w, t, v);
            break;
        }
        string_lie(w, t, v);
        break;
    default: string_lie(w, t, v);
    }
}
static void fields(struct walk *w, const struct asn_type *t, uint8_t *v)
{
    uint64_t has = ((struct asn_has *)(void *)v)->mask[0];
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const struct asn_field *f = &t->fields[i];
        if (f->presence == ASN_EXTENSIONS) {
            uint8_t *x = *(uint8_t **)(void *)(v + f->offset);
            if (x && f->type)
                fields(w, f->type, x);
        } else if (has >> i & 1) {
            node(w, f->type, v + f->offset);
        }
    }
}
/* Counts nodes; the one at which `left` runs out lies. */
static void node(struct walk *w, const struct asn_type *t, void *v)
{
    w->nodes++;
    if (w->left == 0 || w->depth >= DEPTH_MAX) {
        if (w->left == 0)
            lie_here(w, t, v);
        w->left--;
        return;
    }
    w->left--;
    w->depth++;
    if (t->kind == ASN_INT) {
        w->number[w->nodes % WORDS] = *(uint64_t *)v;
    } else if (t->kind == ASN_SEQ || t->kind == ASN_IES || t->kind == ASN_EXTSET) {
        fields(w, t, v);
    } else if (t->kind == ASN_CHOICE) {
        uint32_t i = *(uint32_t *)v;
        if (i < t->n_fields && t->fields[i].type)
            node(w, t->fields[i].type, (uint8_t *)v + t->fields[i].offset);
    } else if (t->kind == ASN_LIST) {
        struct asn_list *l = v;
        for (uint32_t i = 0; i < l->n; i++)
            node(w, t->elem, (uint8_t *)l->v + (size_t)i * t->elem->size);
    } else if (t->kind == ASN_OCTETS) {
        struct bytes *b = v;
        bool nas = !t->elem && b->n && (b->p[0] == NAS_EPD_MM || b->p[0] == NAS_EPD_SM);
        if (t->elem && w->left < 1u << 20)
            inside(w, t, b);
        else if (nas && w->left < 4)
            inside(w, t, b);
    }
    w->depth--;
}

int lie_ngap(struct bytes in, uint64_t *seed, struct arena *a, uint8_t *out, uint32_t cap)
{
    struct ngap_pdu pdu;
    struct ngap_report report;
    if (ngap_decode(in, a, &pdu, &report) < 0 || !pdu.value || pdu.msg >= NGAP_MSGS)
        return 0;
    struct walk count = {.seed = seed, .arena = a, .left = UINT32_MAX};
    node(&count, pdu.type, pdu.value);
    for (uint32_t lies = 1 + below(seed, LIES_MAX); lies > 0; lies--) {
        struct walk w = {.seed = seed, .arena = a, .left = 1 + below(seed, count.nodes)};
        memcpy(w.number, count.number, sizeof w.number);
        node(&w, pdu.type, pdu.value);
    }
    int n = ngap_encode(pdu.msg, pdu.value, out, cap);
    return n > 0 ? n : 0;
}

/* ================================ NAS: information elements, by the rows of their message ================================ */
struct element {
    const struct nas_row *row; /* NULL: unknown */
    uint32_t at, value, n;     /* where it starts, where its value does, octets of the value */
    uint8_t length;            /* octets of its length field */
};
enum { ELEMENTS = 48 };

static bool element_read(struct bytes m, uint32_t at, const struct nas_row *row, struct element *e)
{
    uint32_t head = row->iei ? 1 : 0, length = row->format == NAS_LV || row->format == NAS_TLV       ? 1
                                               : row->format == NAS_LV_E || row->format == NAS_TLV_E ? 2
                                                                                                     : 0;
    *e = (struct element){row, at, at + head + length, row->format == NAS_TV1 ? 0 : row->min, (uint8_t)length};
    if (at + head + length > m.n)
        return false;
    if (length)
        e->n = length == 1 ? m.p[at + head] : be16(m.p + at + head);
    return e->value + e->n <= m.n;
}
static const struct nas_row *optional_row(const struct nas_desc *d, uint8_t iei)
{
    for (uint32_t i = 0; i < d->n; i++)
        if (d->row[i].iei && (d->row[i].format == NAS_TV1 ? d->row[i].iei >> 4 == iei >> 4 && iei & 0x80 : d->row[i].iei == iei))
            return &d->row[i];
    return NULL;
}
static uint32_t elements_find(struct bytes m, const struct nas_desc *d, uint32_t at, struct element e[ELEMENTS])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n && !d->row[i].iei && n < ELEMENTS; i++) {
        bool low = d->row[i].format == NAS_V_LOW;
        if (low && i + 1 < d->n && d->row[i + 1].format == NAS_V_HIGH) /* the octet belongs to both */
            continue;
        if (!element_read(m, at, &d->row[i], &e[n]))
            return n;
        if (low || d->row[i].format == NAS_V_HIGH)
            e[n].n = 1;
        at = e[n].value + e[n].n;
        n++;
    }
    while (at < m.n && n < ELEMENTS) {
        const struct nas_row *row = optional_row(d, m.p[at]);
        if (!row || !element_read(m, at, row, &e[n]))
            return n;
        at = e[n].value + e[n].n;
        n++;
    }
    return n;
}

static void element_put(struct wr *w, const struct nas_row *row, struct bytes value)
{
    if (row->iei)
        wr_u8(w, row->iei);
    if (row->format == NAS_LV || row->format == NAS_TLV)
        wr_u8(w, (uint8_t)value.n);
    else if (row->format == NAS_LV_E || row->format == NAS_TLV_E)
        wr_u16(w, (uint16_t)value.n);
    wr_bytes(w, value);
}
/* A value of this row: as long as it may be, or as short, or as it is; in a container, another message. */
static struct bytes element_lie(const struct element *e, struct bytes was, uint64_t *seed, uint8_t buf[VALUE_MAX])
{
    uint32_t most = e->row->max < VALUE_MAX ? e->row->max : VALUE_MAX - 1, n = was.n;
    if (e->row->kind == NAS_KIND_BYTES && was.n > 2 && below(seed, 2) && (was.p[0] == NAS_EPD_MM || was.p[0] == NAS_EPD_SM)) {
        int k = lie_nas(was, seed, buf, VALUE_MAX - 1);
        if (k > 0)
            return (struct bytes){buf, (uint32_t)k};
    }
    if (e->length && below(seed, 3) == 0) {
        const uint32_t choices[] = {e->row->min, most, n + 1, n ? n - 1 : 0, 255};
        n = choices[below(seed, ARRAY_LEN(choices))];
    }
    n = n > most ? most : n;
    if (e->length == 1 && n > 255)
        n = 255;
    for (uint32_t i = 0; i < n; i++)
        buf[i] = was.n ? was.p[i % was.n] : (uint8_t)lie_roll(seed);
    octets_lie(buf, n, seed);
    return (struct bytes){buf, n};
}

static int nas_once(struct bytes m, uint64_t *seed, uint8_t *out, uint32_t cap)
{
    struct nas_header h;
    struct element e[ELEMENTS];
    uint8_t buf[VALUE_MAX] = {0};
    struct wr w = wr_over(out, cap);
    if (nas_header_peek(m, &h) < 0 || h.security != NAS_PLAIN || m.n < 3)
        return 0;
    uint32_t head = h.epd == NAS_EPD_SM ? 4 : 3;
    const struct nas_desc *d = m.n >= head ? nas_desc_of(h.epd, m.p[head - 1]) : NULL;
    uint32_t n = d ? elements_find(m, d, head, e) : 0;
    if (!d)
        return 0;
    uint32_t what = below(seed, 8), target = below(seed, n), rows = d->n;
    wr_bytes(&w, (struct bytes){m.p, head});
    if (what == 7 && head == 4) /* session or PTI of another */
        octets_lie(out + 1, 2, seed);
    for (uint32_t i = 0; i < n; i++) {
        struct bytes whole = {m.p + e[i].at, e[i].value + e[i].n - e[i].at}, value = {m.p + e[i].value, e[i].n};
        if (i != target || what >= 6)
            wr_bytes(&w, whole);
        else if (what < 3)
            element_put(&w, e[i].row, element_lie(&e[i], value, seed, buf));
        else if (what == 3 && e[i].row->iei)
            continue; /* left out */
        else if (what == 4) /* twice; the second is another */
            wr_bytes(&w, whole), element_put(&w, e[i].row, element_lie(&e[i], value, seed, buf));
        else /* what another element says */
            element_put(&w, e[i].row, (struct bytes){m.p + e[target * 7 % n].value, e[i].length ? e[target * 7 % n].n : 0});
    }
    if (what == 6 && rows) { /* one that was not there */
        const struct nas_row *row = &d->row[below(seed, rows)];
        uint32_t k = row->format == NAS_TV1 ? 0 : row->format == NAS_TV ? row->min : row->min + below(seed, 8);
        if (row->iei && k < VALUE_MAX) {
            for (uint32_t i = 0; i < k; i++)
                buf[i] = (uint8_t)lie_roll(seed);
            element_put(&w, row, (struct bytes){buf, k});
        }
    }
    return w.bad ? 0 : (int)w.n;
}
int lie_nas(struct bytes plain, uint64_t *seed, uint8_t *out, uint32_t cap)
{
    uint8_t other[VALUE_MAX * 2];
    int n = nas_once(plain, seed, out, cap);
    for (uint32_t i = below(seed, LIES_MAX); i > 0 && n > 0 && (uint32_t)n <= sizeof other; i--) {
        memcpy(other, out, (size_t)n);
        int k = nas_once((struct bytes){other, (uint32_t)n}, seed, out, cap);
        if (k <= 0) {
            memcpy(out, other, (size_t)n);
            return n;
        }
        n = k;
    }
    return n;
}

/* ================================ PFCP: information elements and groups of them ================================ */
struct pfcp_walk {
    uint64_t *seed;
    uint32_t left, seen, what;
    struct bytes other; /* an element that was passed: whole */
};
static void pfcp_ies(struct pfcp_walk *p, struct bytes in, struct wr *w, unsigned depth);

static void pfcp_value(struct pfcp_walk *p, uint16_t type, struct bytes v, struct wr *w, bool lies, unsigned depth)
{
    const struct pfcp_ie *ie = pfcp_ie_of(type);
    uint8_t buf[VALUE_MAX] = {0};
    if (ie && ie->kind == PFCP_K_GROUP && depth < 8) {
        pfcp_ies(p, v, w, depth + 1);
        return;
    }
    uint32_t n = v.n < VALUE_MAX ? v.n : VALUE_MAX;
    if (n)
        memcpy(buf, v.p, n);
    if (lies)
        octets_lie(buf, n, p->seed);
    if (lies && below(p->seed, 6) == 0 && n + 1 < VALUE_MAX)
        n = below(p->seed, 2) ? n + 1 : n - (n > 0);
    wr_bytes(w, (struct bytes){buf, n});
}
static void pfcp_put(struct pfcp_walk *p, uint16_t type, struct bytes v, struct wr *w, bool lies, unsigned depth)
{
    wr_u16(w, type);
    uint32_t mark = wr_block(w, 2);
    pfcp_value(p, type, v, w, lies, depth);
    wr_end(w, mark, 2);
}
static void pfcp_ies(struct pfcp_walk *p, struct bytes in, struct wr *w, unsigned depth)
{
    struct rd r = rd_over(in);
    while (rd_left(&r) >= 4) {
        const uint8_t *from = r.p;
        uint16_t type = rd_u16(&r);
        struct bytes v = rd_bytes(&r, rd_u16(&r));
        if (r.bad)
            return;
        bool here = p->left-- == 0;
        p->seen++;
        if (here && p->what == 1)
            continue; /* left out */
        pfcp_put(p, type, v, w, here && p->what == 0, depth);
        if (here && p->what == 2) { /* twice; the second is another */
            p->left = UINT32_MAX;
            pfcp_put(p, type, v, w, true, depth);
        }
        if (here && p->what == 3 && p->other.n) /* one that belongs elsewhere */
            wr_bytes(w, p->other);
        if (here && p->what == 4) { /* a list at its limit */
            for (uint32_t i = 0; i < 40; i++)
                pfcp_put(p, type, v, w, i & 1, depth);
        }
        if (!p->other.n || below(p->seed, 4) == 0)
            p->other = (struct bytes){from, (uint32_t)(r.p - from)};
    }
}
int lie_pfcp(struct bytes m, uint64_t *seed, uint8_t *out, uint32_t cap)
{
    uint32_t head = m.n && m.p[0] & 1 ? 16 : 8;
    if (m.n < head || m.p[0] >> 5 != 1 || be16(m.p + 2) + 4u > m.n)
        return 0;
    struct pfcp_walk count = {.seed = seed, .left = UINT32_MAX};
    struct bytes ies = {m.p + head, be16(m.p + 2) + 4u - head};
    struct wr w = wr_over(out, cap);
    if (be16(m.p + 2) + 4u < head)
        return 0;
    pfcp_ies(&count, ies, &w, 0);
    struct pfcp_walk p = {.seed = seed, .left = below(seed, count.seen), .what = below(seed, 6), .other = count.other};
    w = wr_over(out, cap);
    wr_bytes(&w, (struct bytes){m.p, head});
    if (p.what == 5) /* session or sequence number of another */
        octets_lie(out + 4, head - 4, seed);
    pfcp_ies(&p, ies, &w, 0);
    if (w.bad || w.n < 4 || w.n - 4 > 0xffff)
        return 0;
    put_be16(out + 2, (uint16_t)(w.n - 4));
    return (int)w.n;
}
