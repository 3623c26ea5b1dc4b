/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"
#include "base/bytes.h"
#include <sys/mman.h>

enum { LINK = 0x7fffffff }; /* no item follows; the bit above it: in use and still in the list */
static const uint32_t TAKEN = (uint32_t)LINK + 1;

static void *reserve(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                   0);
    return p == MAP_FAILED ? NULL : p;
}

int slab_init(struct slab *s, const char *name, size_t item_octets, uint32_t max)
{
    *s = (struct slab){.size = (uint32_t)((item_octets + 7) & ~(size_t)7),
                       .max = max,
                       .free_head = LINK,
                       .name = name};
    s->items = reserve((size_t)s->size * max + 1);
    s->gen = reserve((size_t)max * sizeof *s->gen + 1);
    s->next = reserve((size_t)max * sizeof *s->next + 1);
    if (s->items && s->gen && s->next)
        return 0;
    slab_free(s);
    return -1;
}

void slab_free(struct slab *s)
{
    if (s->items)
        munmap(s->items, (size_t)s->size * s->max + 1);
    if (s->gen)
        munmap(s->gen, (size_t)s->max * sizeof *s->gen + 1);
    if (s->next)
        munmap(s->next, (size_t)s->max * sizeof *s->next + 1);
    *s = (struct slab){.free_head = LINK};
}

static void *begin(struct slab *s, uint32_t i)
{
    s->gen[i]++;
    s->used++;
    return s->items + (size_t)i * s->size;
}
static void list(struct slab *s, uint32_t i)
{
    s->next[i] = s->free_head;
    s->free_head = i;
}

void *slab_new(struct slab *s)
{
    while (s->free_head != LINK) {
        uint32_t i = s->free_head;
        bool taken = s->next[i] & TAKEN;
        s->free_head = s->next[i] & LINK;
        s->next[i] = 0;
        if (!taken)
            return begin(s, i);
    }
    return s->fresh < s->max ? begin(s, s->fresh++) : NULL;
}

void *slab_take(struct slab *s, uint32_t index)
{
    if (index >= s->max || (index < s->fresh && s->gen[index] & 1))
        return NULL;
    if (index < s->fresh)
        s->next[index] |= TAKEN;
    while (s->fresh < index)
        list(s, s->fresh++);
    s->fresh += s->fresh == index;
    return begin(s, index);
}

void slab_drop(struct slab *s, void *item)
{
    uint32_t i = slab_index(s, item);
    if (!(s->gen[i] & 1))
        return;
    secret_wipe(item, s->size);
    s->gen[i]++;
    s->used--;
    if (s->next[i] & TAKEN)
        s->next[i] &= LINK;
    else
        list(s, i);
}

void *slab_next(const struct slab *s, uint32_t *index)
{
    for (; *index < s->fresh; (*index)++)
        if (s->gen[*index] & 1)
            return s->items + (size_t)(*index)++ * s->size;
    return NULL;
}
