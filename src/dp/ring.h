/* SPDX-License-Identifier: Apache-2.0 */
/* ring.h - a queue between one writing and one reading thread, of fixed size, without locks.
 * Commands to the packet path (struct dp_command) and its events back (struct dp_event_item) travel
 * in it. */
#pragma once
#include "dp/dp.h"
#include <stdatomic.h>
#include <stdlib.h>

struct ring {
    uint8_t *items;
    uint32_t octets, mask; /* of an item; number of items - 1 */
    /* A cache line apart by padding and not by alignment, which calloc would not give. */
    uint8_t apart[64];
    _Atomic uint32_t head; /* written by the reader */
    uint8_t apart_too[64];
    _Atomic uint32_t tail; /* written by the writer */
};

/* items is rounded up to a power of two. 0, or -1 without memory. */
static inline int ring_init(struct ring *r, uint32_t item_octets, uint32_t items)
{
    uint32_t n = 1;
    while (n < items && n < 1u << 31)
        n <<= 1;
    r->octets = item_octets;
    r->mask = n - 1;
    r->items = calloc(n, item_octets);
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
    return r->items ? 0 : -1;
}
static inline void ring_free(struct ring *r)
{
    free(r->items);
    r->items = NULL;
}
/* false: full, nothing was written. Writer only. */
static inline bool ring_push(struct ring *r, const void *item)
{
    uint32_t t = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (t - atomic_load_explicit(&r->head, memory_order_acquire) > r->mask)
        return false;
    memcpy(r->items + (size_t)(t & r->mask) * r->octets, item, r->octets);
    atomic_store_explicit(&r->tail, t + 1, memory_order_release);
    return true;
}
/* false: empty. Reader only. */
static inline bool ring_pop(struct ring *r, void *item)
{
    uint32_t h = atomic_load_explicit(&r->head, memory_order_relaxed);
    if (h == atomic_load_explicit(&r->tail, memory_order_acquire))
        return false;
    memcpy(item, r->items + (size_t)(h & r->mask) * r->octets, r->octets);
    atomic_store_explicit(&r->head, h + 1, memory_order_release);
    return true;
}

enum { DP_EVENT_ITEM_DATA = 512 };
struct dp_event_item { /* an event whose packet is with it */
    struct dp_event event;
    uint8_t data[DP_EVENT_ITEM_DATA];
};
/* Copies e; a packet longer than the item is cut. */
static inline void dp_event_pack(struct dp_event_item *to, const struct dp_event *e)
{
    to->event = *e;
    if (to->event.packet.n > DP_EVENT_ITEM_DATA)
        to->event.packet.n = DP_EVENT_ITEM_DATA;
    if (to->event.packet.n)
        memcpy(to->data, e->packet.p, to->event.packet.n);
    to->event.packet.p = NULL;
}
/* After ring_pop(): points the event's packet at the item. */
static inline const struct dp_event *dp_event_unpack(struct dp_event_item *item)
{
    item->event.packet.p = item->data;
    return &item->event;
}
