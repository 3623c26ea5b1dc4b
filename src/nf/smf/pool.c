/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/smf/pool.h"
#include "base/err.h"
#include <stdlib.h>

#define POOL_USED UINT32_MAX

int pool_init(struct pool *p, uint32_t first, uint32_t last)
{
    if (last >= POOL_MAX)
        last = POOL_MAX - 1;
    *p = (struct pool){.first = first, .last = last, .fresh = first, .head = POOL_NONE, .tail = POOL_NONE};
    p->item = calloc((size_t)last + 1, sizeof *p->item);
    return p->item ? OK : ERR_NOSPACE;
}
void pool_free(struct pool *p)
{
    free(p->item);
    *p = (struct pool){0};
}

static void unlink_returned(struct pool *p, uint32_t number)
{
    struct pool_item *i = &p->item[number];
    if (i->prev == POOL_NONE)
        p->head = i->next;
    else
        p->item[i->prev].next = i->next;
    if (i->next == POOL_NONE)
        p->tail = i->prev;
    else
        p->item[i->next].prev = i->prev;
}
static void link_returned(struct pool *p, uint32_t number, uint32_t until_s)
{
    p->item[number] = (struct pool_item){p->tail, POOL_NONE, until_s};
    if (p->tail == POOL_NONE)
        p->head = number;
    else
        p->item[p->tail].next = number;
    p->tail = number;
}
static void give(struct pool *p, uint32_t number)
{
    p->item[number].until_s = POOL_USED;
    p->used++;
}

uint32_t pool_take(struct pool *p, uint32_t now_s)
{
    if (!p->item)
        return POOL_NONE;
    while (p->fresh <= p->last) {
        uint32_t number = p->fresh++;
        if (p->item[number].until_s == 0) { /* neither taken by name nor returned after that */
            give(p, number);
            return number;
        }
    }
    for (unsigned i = 0; i < 16 && p->head != POOL_NONE; i++) {
        uint32_t number = p->head, until_s = p->item[number].until_s;
        if (until_s > now_s && until_s - now_s <= POOL_REST_S)
            return POOL_NONE;
        unlink_returned(p, number);
        if (until_s <= now_s) {
            give(p, number);
            return number;
        }
        link_returned(p, number, until_s); /* one that rests long does not hold up the others */
    }
    return POOL_NONE;
}

bool pool_take_this(struct pool *p, uint32_t number)
{
    if (!p->item || number < p->first || number > p->last || p->item[number].until_s == POOL_USED)
        return false;
    if (p->item[number].until_s) /* was given before and returned */
        unlink_returned(p, number);
    give(p, number);
    return true;
}

void pool_return(struct pool *p, uint32_t number, uint32_t now_s, uint32_t rest_s)
{
    if (!p->item || number < p->first || number > p->last || p->item[number].until_s != POOL_USED)
        return;
    link_returned(p, number, now_s + rest_s);
    p->used--;
}
