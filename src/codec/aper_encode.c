/* SPDX-License-Identifier: Apache-2.0 */
/* Writing aligned PER: the canonical encoding, in one pass into the caller's buffer. Clauses as in
 * aper_decode.c. */
#include "base/err.h"
#include "codec/aper.h"

enum { BLOCK = 16384, DEPTH_MAX = 64 };

struct out {
    uint8_t *p;
    uint64_t cap; /* bits */
    uint64_t pos; /* bits */
    int err;
    unsigned depth;
};

static void value(struct out *s, const struct asn_type *t, const void *v);

static void fail(struct out *s, int code)
{
    if (!s->err)
        s->err = code;
}
static void bits(struct out *s, unsigned n, uint64_t v) /* the low n <= 64 bits of v */
{
    if (s->err || s->pos + n > s->cap) {
        fail(s, ERR_NOSPACE);
        return;
    }
    while (n) { /* at most an octet a turn; an octet is zero beyond pos once begun */
        unsigned at = s->pos & 7, k = n < 8 - at ? n : 8 - at;
        uint8_t chunk = (uint8_t)((v >> (n - k) & (0xffu >> (8 - k))) << (8 - at - k));
        uint8_t *b = &s->p[s->pos >> 3];
        *b = at ? (uint8_t)(*b | chunk) : chunk;
        s->pos += k;
        n -= k;
    }
}
static void align(struct out *s)
{
    s->pos = (s->pos + 7) & ~7ull;
}
static void octets(struct out *s, const uint8_t *p, uint64_t n)
{
    align(s);
    if (s->err || s->pos + n * 8 > s->cap) {
        fail(s, ERR_NOSPACE);
        return;
    }
    if (n)
        memcpy(s->p + (s->pos >> 3), p, n);
    s->pos += n * 8;
}
static unsigned width(uint64_t v)
{
    return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

static void whole(struct out *s, uint64_t range, uint64_t v) /* 10.5.7 */
{
    if (v > range) {
        fail(s, ERR_RANGE);
    } else if (range < 255) {
        bits(s, width(range), v);
    } else if (range < 65536) {
        align(s);
        bits(s, range == 255 ? 8 : 16, v);
    } else {
        unsigned n = v ? (width(v) + 7) / 8 : 1;
        whole(s, (width(range) + 7) / 8 - 1, n - 1);
        align(s);
        bits(s, n * 8, v);
    }
}
/* 10.9.3: writes a length, or the header of the next fragment; returns how many units follow it. */
static uint32_t length(struct out *s, uint64_t left)
{
    align(s);
    if (left < 128) {
        bits(s, 8, left);
    } else if (left < BLOCK) {
        bits(s, 16, left | 0x8000);
    } else {
        uint64_t blocks = left / BLOCK < 4 ? left / BLOCK : 4;
        bits(s, 8, 0xc0 | blocks);
        return (uint32_t)(blocks * BLOCK);
    }
    return (uint32_t)left;
}
static void number(struct out *s, uint64_t v, bool is_signed)
{
    unsigned w = is_signed ? width((int64_t)v < 0 ? ~v : v) + 1 : width(v);
    unsigned n = w ? (w + 7) / 8 : 1;
    length(s, n);
    bits(s, n * 8, v);
}
static void small(struct out *s, uint64_t v) /* 10.6 */
{
    bits(s, 1, v > 63);
    if (v > 63)
        number(s, v, false);
    else
        bits(s, 6, v);
}

static void fragments(struct out *s, unsigned unit, const uint8_t *p, uint64_t n)
{
    for (;;) {
        uint32_t k = length(s, n);
        octets(s, p, ((uint64_t)k * unit + 7) / 8);
        p = k ? p + (uint64_t)k * unit / 8 : p;
        n -= k;
        if (s->err || k < BLOCK)
            return;
    }
}
static void trim(struct out *s,
                 uint64_t n_bits) /* after octets(): the unused bits of the last one are zeros */
{
    unsigned spare = (8 - n_bits % 8) % 8;
    if (s->err || !spare)
        return;
    s->p[(s->pos >> 3) - 1] &= (uint8_t)(0xff << spare);
    s->pos -= spare;
}
static void string(struct out *s, const struct asn_type *t, const struct bytes *b, unsigned unit)
{
    bool in = b->n >= t->lower && b->n <= t->upper;
    uint64_t total = (uint64_t)b->n * unit;
    if ((!in && !(t->flags & ASN_EXT)) || (b->n && !b->p)) {
        fail(s, b->p ? ERR_RANGE : ERR_MISSING);
        return;
    }
    if (t->flags & ASN_EXT)
        bits(s, 1, !in);
    if (!in || t->upper >= 65536) {
        fragments(s, unit, b->p, b->n);
        trim(s, total);
        return;
    }
    if (t->lower != t->upper) {
        whole(s, t->upper - t->lower, b->n - t->lower);
    } else if (total <= 16) {
        unsigned x = total ? (unsigned)b->p[0] << 8 | (total > 8 ? b->p[1] : 0) : 0;
        bits(s, (unsigned)total, x >> (16 - total));
        return;
    }
    if (b->n) {
        octets(s, b->p, (total + 7) / 8);
        trim(s, total);
    }
}

/* Puts n octets at `at`, written there behind one spare octet, behind their length instead. From
 * the end, as they move towards it. */
static void wrap(struct out *s, uint64_t at, uint64_t n)
{
    uint8_t *p = s->p + at;
    if (n < 128) {
        p[0] = (uint8_t)n;
        return;
    }
    uint64_t full = n / BLOCK, last = n % BLOCK, headers = (full + 3) / 4;
    uint64_t tail = full == 0 || last >= 128 ? 2 : 1;
    if ((at + headers + tail + n) * 8 > s->cap) {
        fail(s, ERR_NOSPACE);
        return;
    }
    uint8_t *from = p + 1 + n, *to = p + headers + tail + n;
    s->pos = (uint64_t)(to - s->p) * 8;
    to -= last;
    from -= last;
    memmove(to, from, last);
    to -= tail;
    if (tail == 2)
        put_be16(to, (uint16_t)(0x8000 | last));
    else
        *to = (uint8_t)last;
    for (; full; headers--) {
        uint64_t k = full - (headers - 1) * 4;
        to -= k * BLOCK;
        from -= k * BLOCK;
        memmove(to, from, k * BLOCK);
        *--to = (uint8_t)(0xc0 | k);
        full -= k;
    }
}
static void open_value(struct out *s, const struct asn_type *t, const void *v)
{
    align(s);
    uint64_t at = s->pos >> 3;
    bits(s, 8, 0);
    value(s, t, v);
    align(s);
    if (!s->err && s->pos >> 3 == at + 1)
        bits(s, 8, 0);
    if (!s->err)
        wrap(s, at, (s->pos >> 3) - at - 1);
}
static void ie(struct out *s, const struct asn_field *f, const uint8_t *v)
{
    whole(s, 65535, f->id);
    whole(s, ASN_NOTIFY, f->criticality);
    open_value(s, f->type, v + f->offset);
}

static uint64_t present_of(const struct asn_type *t, const uint8_t *v)
{
    uint64_t present = ((const struct asn_has *)v)->mask[0];
    if (t->n_fields < 64)
        present &= (1ull << t->n_fields) - 1;
    for (unsigned i = 0; i < t->n_fields; i++) {
        const struct asn_field *f = &t->fields[i];
        if (f->presence == ASN_MANDATORY)
            present |= 1ull << i;
        if (f->presence == ASN_EXTENSIONS) {
            const uint8_t *x = f->type ? *(const uint8_t *const *)(v + f->offset) : NULL;
            present &= ~(1ull << i);
            if (x && present_of(f->type, x))
                present |= 1ull << i;
        }
    }
    return present;
}
static void container(struct out *s, const struct asn_type *t, const uint8_t *v, uint64_t present)
{
    for (unsigned i = 0; i < t->n_fields && !s->err; i++)
        if (present >> i & 1)
            ie(s, &t->fields[i], v);
}
static void sequence(struct out *s, const struct asn_type *t, const uint8_t *v)
{
    uint64_t present = present_of(t, v);
    if (t->flags & ASN_EXT)
        bits(s, 1, 0);
    for (unsigned i = 0; i < t->n_fields; i++)
        if (t->fields[i].presence != ASN_MANDATORY)
            bits(s, 1, present >> i & 1);
    for (unsigned i = 0; i < t->n_fields && !s->err; i++) {
        const struct asn_field *f = &t->fields[i];
        if (!(present >> i & 1))
            continue;
        if (f->presence != ASN_EXTENSIONS) {
            value(s, f->type, v + f->offset);
            continue;
        }
        const uint8_t *x = *(const uint8_t *const *)(v + f->offset);
        uint64_t known = present_of(f->type, x);
        whole(s, 65534, (uint64_t)__builtin_popcountll(known) - 1);
        container(s, f->type, x, known);
    }
}
static void choice(struct out *s, const struct asn_type *t, const uint8_t *v)
{
    uint32_t sel = *(const uint32_t *)v;
    if (sel >= t->n_fields) {
        fail(s, ERR_RANGE);
        return;
    }
    const struct asn_field *f = &t->fields[sel];
    if (t->flags & ASN_EXT)
        bits(s, 1, 0);
    if (f->presence == ASN_MANDATORY) {
        whole(s, t->n_root - 1, sel);
        value(s, f->type, v + f->offset);
    } else {
        whole(s, t->n_root - 1, t->n_root - 1);
        ie(s, f, v);
    }
}
static void list(struct out *s, const struct asn_type *t, const struct asn_list *l)
{
    bool in = l->n >= t->lower && l->n <= t->upper;
    if ((!in && !(t->flags & ASN_EXT)) || (l->n && !l->v)) {
        fail(s, l->v ? ERR_RANGE : ERR_MISSING);
        return;
    }
    if (t->flags & ASN_EXT)
        bits(s, 1, !in);
    bool general = !in || t->upper >= 65536;
    if (!general)
        whole(s, t->upper - t->lower, l->n - t->lower);
    const uint8_t *e = l->v;
    for (uint32_t left = l->n, k;; left -= k) {
        k = general ? length(s, left) : left;
        for (uint32_t i = 0; i < k && !s->err; i++, e += t->elem->size)
            value(s, t->elem, e);
        if (s->err || !general || k < BLOCK)
            return;
    }
}
static void integer(struct out *s, const struct asn_type *t, uint64_t v)
{
    bool in = v >= t->lower && v <= t->upper;
    if (t->flags & ASN_EXT)
        bits(s, 1, !in);
    if (in && t->upper == ASN_NOMAX && t->lower > 0)
        number(s, v - t->lower, false);
    else if (in)
        whole(s, t->upper - t->lower, v - t->lower);
    else if (t->flags & ASN_EXT)
        number(s, v, true);
    else
        fail(s, ERR_RANGE);
}
static void enumerated(struct out *s, const struct asn_type *t, uint32_t v)
{
    if (v >= t->n_fields) {
        fail(s, ERR_RANGE);
        return;
    }
    if (t->flags & ASN_EXT)
        bits(s, 1, v >= t->n_root);
    if (v >= t->n_root)
        small(s, v - t->n_root);
    else
        whole(s, t->n_root - 1, v);
}

static void value(struct out *s, const struct asn_type *t, const void *v)
{
    if (s->err)
        return;
    if (++s->depth > DEPTH_MAX) {
        fail(s, ERR_DEPTH);
        return;
    }
    switch ((enum asn_kind)t->kind) {
    case ASN_INT: integer(s, t, *(const uint64_t *)v); break;
    case ASN_ENUM: enumerated(s, t, *(const uint32_t *)v); break;
    case ASN_BITS: string(s, t, v, 1); break;
    case ASN_OCTETS:
    case ASN_CHARS: string(s, t, v, 8); break;
    case ASN_UTF8: {
        const struct str *c = v;
        if (!(t->flags & ASN_EXT) && (c->n < t->lower || c->n > t->upper))
            fail(s, ERR_RANGE);
        else
            fragments(s, 8, (const uint8_t *)c->p, c->p ? c->n : 0);
        break;
    }
    case ASN_NULL: break;
    case ASN_OPEN: {
        const struct bytes *b = v;
        if (b->n && b->p)
            fragments(s, 8, b->p, b->n);
        else
            bits(s, 16, (align(s), 0x0100)); /* 10.1.3: an empty encoding is one zero octet */
        break;
    }
    case ASN_LIST: list(s, t, v); break;
    case ASN_SEQ: sequence(s, t, v); break;
    case ASN_CHOICE: choice(s, t, v); break;
    case ASN_IES: {
        uint64_t present = present_of(t, v);
        bits(s, 1, 0);
        whole(s, 65535, (uint64_t)__builtin_popcountll(present));
        container(s, t, v, present);
        break;
    }
    case ASN_EXTSET: fail(s, ERR_SYNTAX); break;
    }
    s->depth--;
}

static struct out out_over(uint8_t *buf, size_t cap)
{
    return (struct out){.p = buf, .cap = (cap > INT32_MAX ? (uint64_t)INT32_MAX : cap) * 8};
}
int aper_encode(const struct asn_type *t, const void *v, uint8_t *buf, size_t cap)
{
    struct out s = out_over(buf, cap);
    value(&s, t, v);
    if (!s.err && s.pos == 0)
        bits(&s, 8, 0);
    return s.err ? s.err : (int)((s.pos + 7) >> 3);
}
int aper_open_put(const struct asn_type *t, const void *v, uint8_t *buf, size_t cap)
{
    struct out s = out_over(buf, cap);
    open_value(&s, t, v);
    return s.err ? s.err : (int)(s.pos >> 3);
}
