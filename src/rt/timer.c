/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/timer.h"
#include "base/err.h"
#include <stdlib.h>

static bool before(const struct timer_place *a, const struct timer_place *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->timer->seq < b->timer->seq;
}
static void put(struct timers *h, uint32_t i, struct timer_place p)
{
    h->heap[i] = p;
    p.timer->slot = i + 1;
}
static void sift_up(struct timers *h, uint32_t i, struct timer_place p)
{
    for (; i && before(&p, &h->heap[(i - 1) / 4]); i = (i - 1) / 4)
        put(h, i, h->heap[(i - 1) / 4]);
    put(h, i, p);
}
static void sift_down(struct timers *h, uint32_t i, struct timer_place p)
{
    for (;;) {
        uint32_t first = 4 * i + 1, best = UINT32_MAX;
        for (uint32_t c = first; c < first + 4 && c < h->n; c++)
            if (best == UINT32_MAX || before(&h->heap[c], &h->heap[best]))
                best = c;
        if (best == UINT32_MAX || !before(&h->heap[best], &p))
            break;
        put(h, i, h->heap[best]);
        i = best;
    }
    put(h, i, p);
}

void timer_stop(struct timers *h, struct timer *t)
{
    if (!t->slot)
        return;
    uint32_t i = t->slot - 1;
    t->slot = 0;
    struct timer_place last = h->heap[--h->n];
    if (last.timer == t)
        return;
    if (i && before(&last, &h->heap[(i - 1) / 4]))
        sift_up(h, i, last);
    else
        sift_down(h, i, last);
}

int timer_set(struct timers *h, struct timer *t, uint64_t at_us, timer_fn *fn)
{
    timer_stop(h, t);
    if (h->n == h->cap) {
        uint32_t cap = h->cap ? h->cap * 2 : 256;
        struct timer_place *heap = realloc(h->heap, cap * sizeof *heap);
        if (!heap)
            return ERR_NOSPACE;
        h->heap = heap;
        h->cap = cap;
    }
    *t = (struct timer){h->seq++, fn, 0};
    sift_up(h, h->n++, (struct timer_place){at_us, t});
    return OK;
}

uint64_t timers_next_us(const struct timers *h) { return h->n ? h->heap[0].at_us : UINT64_MAX; }

uint32_t timers_run(struct timers *h, uint64_t now_us)
{
    uint32_t fired = 0;
    while (h->n && h->heap[0].at_us <= now_us) {
        struct timer *t = h->heap[0].timer;
        timer_stop(h, t);
        t->fn(t);
        fired++;
    }
    return fired;
}

void timers_free(struct timers *h)
{
    free(h->heap);
    *h = (struct timers){0};
}
