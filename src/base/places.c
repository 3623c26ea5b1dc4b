/* SPDX-License-Identifier: Apache-2.0 */
/* places.c - open addressing, linear: what hashes before stands before, so a gap is closed by moving those behind it. */
#include "base/places.h"
#include <stdlib.h>

enum { LEAST = 16 };
struct place {
    uint32_t hash, at1; /* 1 + number; 0: free */
};

void places_free(struct places *p)
{
    free(p->slots);
    *p = (struct places){0};
}

static uint32_t home(const struct places *p, uint32_t hash)
{
    return (uint32_t)((uint64_t)hash * p->cap >> 32);
}
static uint32_t after(const struct places *p, uint32_t i)
{
    return i + 1 == p->cap ? 0 : i + 1;
}

static void insert(struct places *p, uint32_t hash, uint32_t at1)
{
    uint32_t i = home(p, hash);
    while (p->slots[i].at1)
        i = after(p, i);
    p->slots[i] = (struct place){hash, at1};
    p->used++;
}

static bool grow(struct places *p)
{
    struct places bigger = {.cap = p->cap ? p->cap + p->cap / 2 : LEAST};
    if (bigger.cap < p->cap || !(bigger.slots = calloc(bigger.cap, sizeof *bigger.slots)))
        return false;
    for (uint32_t i = 0; i < p->cap; i++)
        if (p->slots[i].at1)
            insert(&bigger, p->slots[i].hash, p->slots[i].at1);
    free(p->slots);
    *p = bigger;
    return true;
}

bool places_put(struct places *p, uint32_t hash, uint32_t at)
{
    if (p->used >= p->cap - p->cap / 4 && !grow(p))
        return false;
    insert(p, hash, at + 1);
    return true;
}

/* Whether what belongs to slot `own` may not move to `gap`, which is before where it is now, `i`. */
static bool stays(uint32_t own, uint32_t gap, uint32_t i)
{
    return gap < i ? own > gap && own <= i : own > gap || own <= i;
}

bool places_del(struct places *p, uint32_t hash, uint32_t at)
{
    if (!p->cap)
        return false;
    uint32_t i = home(p, hash);
    for (; p->slots[i].at1 != at + 1 || p->slots[i].hash != hash; i = after(p, i))
        if (!p->slots[i].at1)
            return false;
    uint32_t gap = i;
    for (i = after(p, i); p->slots[i].at1; i = after(p, i)) {
        if (stays(home(p, p->slots[i].hash), gap, i))
            continue;
        p->slots[gap] = p->slots[i];
        gap = i;
    }
    p->slots[gap] = (struct place){0, 0};
    p->used--;
    return true;
}

uint32_t places_next(const struct places *p, uint32_t hash, uint32_t *step)
{
    while (p->cap && *step < p->cap) {
        uint32_t i = home(p, hash) + (*step)++;
        const struct place *s = &p->slots[i < p->cap ? i : i - p->cap];
        if (!s->at1)
            return PLACES_NONE;
        if (s->hash == hash)
            return s->at1 - 1;
    }
    return PLACES_NONE;
}
