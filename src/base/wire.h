/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - cursors over octets with a sticky error: after the first failure reads yield 0 and writes do
 * nothing, so a decoder checks once, at its end. Every bound of the byte-oriented protocols is checked here. */
#pragma once
#include "base/bytes.h"

struct rd { /* reader */
    const uint8_t *p, *end;
    bool bad;
};
struct wr { /* writer */
    uint8_t *base;
    uint32_t n, cap;
    bool bad;
};

static inline struct rd rd_over(struct bytes b)
{
    const uint8_t *p = b.p ? b.p : (const uint8_t *)""; /* arithmetic on a null pointer is undefined */
    return (struct rd){p, p + b.n, false};
}
static inline uint32_t rd_left(const struct rd *r) { return (uint32_t)(r->end - r->p); }
static inline const uint8_t *rd_octets(struct rd *r, uint32_t n)
{
    if (r->bad || n > rd_left(r)) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += n;
    return p;
}
static inline struct bytes rd_bytes(struct rd *r, uint32_t n)
{
    const uint8_t *p = rd_octets(r, n);
    return p ? (struct bytes){p, n} : (struct bytes){NULL, 0};
}
static inline struct bytes rd_rest(struct rd *r) { return rd_bytes(r, r->bad ? 0 : rd_left(r)); }
static inline uint8_t rd_u8(struct rd *r)
{
    const uint8_t *p = rd_octets(r, 1);
    return p ? *p : 0;
}
static inline uint16_t rd_u16(struct rd *r)
{
    const uint8_t *p = rd_octets(r, 2);
    return p ? be16(p) : 0;
}
static inline uint32_t rd_u24(struct rd *r)
{
    const uint8_t *p = rd_octets(r, 3);
    return p ? be24(p) : 0;
}
static inline uint32_t rd_u32(struct rd *r)
{
    const uint8_t *p = rd_octets(r, 4);
    return p ? be32(p) : 0;
}
static inline uint64_t rd_u64(struct rd *r)
{
    const uint8_t *p = rd_octets(r, 8);
    return p ? be64(p) : 0;
}

static inline struct wr wr_over(void *buf, uint32_t cap) { return (struct wr){buf, 0, cap, false}; }
static inline uint8_t *wr_octets(struct wr *w, uint32_t n) /* room for n, or NULL */
{
    if (w->bad || n > w->cap - w->n) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->base + w->n;
    w->n += n;
    return p;
}
static inline void wr_bytes(struct wr *w, struct bytes b)
{
    uint8_t *p = wr_octets(w, b.n);
    if (p && b.n)
        memcpy(p, b.p, b.n);
}
static inline void wr_u8(struct wr *w, uint8_t v)
{
    uint8_t *p = wr_octets(w, 1);
    if (p)
        *p = v;
}
static inline void wr_u16(struct wr *w, uint16_t v)
{
    uint8_t *p = wr_octets(w, 2);
    if (p)
        put_be16(p, v);
}
static inline void wr_u24(struct wr *w, uint32_t v)
{
    uint8_t *p = wr_octets(w, 3);
    if (p)
        put_be24(p, v);
}
static inline void wr_u32(struct wr *w, uint32_t v)
{
    uint8_t *p = wr_octets(w, 4);
    if (p)
        put_be32(p, v);
}
static inline void wr_u64(struct wr *w, uint64_t v)
{
    uint8_t *p = wr_octets(w, 8);
    if (p)
        put_be64(p, v);
}
static inline struct bytes wr_done(const struct wr *w)
{
    return w->bad ? (struct bytes){NULL, 0} : (struct bytes){w->base, w->n};
}
/* A length of `width` (1 or 2) octets written when the block ends: mark = wr_block(w, 2); …; wr_end(w, mark, 2); */
static inline uint32_t wr_block(struct wr *w, uint32_t width)
{
    wr_octets(w, width);
    return w->n;
}
static inline void wr_end(struct wr *w, uint32_t mark, uint32_t width)
{
    if (w->bad)
        return;
    uint32_t n = w->n - mark;
    if (n > (width == 1 ? 0xffu : 0xffffu)) {
        w->bad = true;
        return;
    }
    if (width == 1)
        w->base[mark - 1] = (uint8_t)n;
    else
        put_be16(w->base + mark - 2, (uint16_t)n);
}
