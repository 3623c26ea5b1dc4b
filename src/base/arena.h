/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory of one event, message or call: taken piece by piece, dropped at once.
 * The block belongs to whoever made the arena; running out yields NULL, never an abort. What was not taken is never
 * written to. */
#pragma once
#include "base/bytes.h"

struct arena {
    uint8_t *base;
    uint32_t cap, off; /* octets */
    /* NULL: it does not grow. Otherwise makes base, cap and off those of a new block with room for n octets, while
     * what was taken stays where it is; false: there is no memory. */
    bool (*grow)(struct arena *, size_t n);
};

static inline struct arena arena_over(void *block, uint32_t octets)
{
    return (struct arena){block, octets, 0, NULL};
}
/* n octets aligned to 8, contents undefined; NULL when the arena is full. */
static inline void *arena_take(struct arena *a, size_t n)
{
    uint32_t off = (a->off + 7u) & ~7u;
    if (off > a->cap || n > a->cap - off) {
        if (!a->grow || !a->grow(a, n))
            return NULL;
        off = 0;
    }
    a->off = off + (uint32_t)n;
    return a->base + off;
}
static inline void *arena_zero(struct arena *a, size_t n)
{
    void *p = arena_take(a, n);
    return p ? memset(p, 0, n) : NULL;
}
/* Copies; the result has p == NULL when the arena is full or the source was empty. */
static inline struct bytes arena_bytes(struct arena *a, const void *p, uint32_t n)
{
    uint8_t *q = n ? arena_take(a, n) : NULL;
    if (!q)
        return (struct bytes){NULL, 0};
    memcpy(q, p, n);
    return (struct bytes){q, n};
}
static inline struct str arena_str(struct arena *a, struct str s)
{
    struct bytes b = arena_bytes(a, s.p, s.n);
    return (struct str){(const char *)b.p, b.n};
}
/* Formatted text; p == NULL when the arena is full. */
struct str arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
