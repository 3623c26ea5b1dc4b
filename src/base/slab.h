/* SPDX-License-Identifier: Apache-2.0 */
/* slab.h - objects of one kind, at most as many as said at start, named by handle {index, generation}.
 * A handle of an object that was returned finds NULL, never its successor. Memory is reserved at start and
 * touched only when first used, so an unused slab costs address space alone. */
#pragma once
#include <stdint.h>
#include <stddef.h>

struct ref { /* {0,0} names nothing */
    uint32_t i, gen;
};
struct slab {
    uint8_t *items;
    uint32_t *gen;   /* odd while in use */
    uint32_t *next;  /* free list through unused items, and those that were taken out of its middle */
    uint32_t size;   /* octets an item */
    uint32_t max;    /* items */
    uint32_t used, fresh, free_head;
    const char *name;
};

/* 0, or -1 with errno. */
int slab_init(struct slab *s, const char *name, size_t item_octets, uint32_t max);
void slab_free(struct slab *s);
/* A zeroed item, or NULL when max are in use: an ordinary error that the caller answers with its cause. */
void *slab_new(struct slab *s);
/* The item with this index, NULL when it is in use or there is none: for who named items to others before a restart. */
void *slab_take(struct slab *s, uint32_t index);
/* Returns the item: wiped, its handles dead. */
void slab_drop(struct slab *s, void *item);
static inline uint32_t slab_index(const struct slab *s, const void *item)
{
    return (uint32_t)((size_t)((const uint8_t *)item - s->items) / s->size);
}
static inline void *slab_at(const struct slab *s, uint32_t index) /* NULL when not in use */
{
    return index < s->fresh && (s->gen[index] & 1) ? s->items + (size_t)index * s->size : NULL;
}
static inline struct ref slab_ref(const struct slab *s, const void *item)
{
    uint32_t i = slab_index(s, item);
    return (struct ref){i, s->gen[i]};
}
static inline void *slab_get(const struct slab *s, struct ref r)
{
    return r.i < s->fresh && (r.gen & 1) && s->gen[r.i] == r.gen ? s->items + (size_t)r.i * s->size
                                                                 : NULL;
}
/* The next item in use at or after *index, which moves past it; NULL at the end. */
void *slab_next(const struct slab *s, uint32_t *index);
