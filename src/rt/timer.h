/* SPDX-License-Identifier: Apache-2.0 */
/* timer.h - timers live in the object they belong to; a heap orders them. Setting, moving and stopping one is
 * O(log n) of those that run. Equal deadlines fire in the order in which they were set. */
#pragma once
#include "base/bytes.h"

struct timer;
typedef void timer_fn(struct timer *); /* find the owner with CONTAINER() */
struct timer {
    uint64_t seq;
    timer_fn *fn;
    uint32_t slot; /* 1-based place in the heap; 0: not running */
};
struct timer_place { /* the deadline is here, so that comparing reads the heap alone and not a timer in each phone */
    uint64_t at_us;
    struct timer *timer;
};
struct timers {
    struct timer_place *heap;
    uint32_t n, cap;
    uint64_t seq;
};
static inline bool timer_is_running(const struct timer *t) { return t->slot != 0; }
static inline uint64_t timer_at_us(const struct timers *h, const struct timer *t) /* UINT64_MAX: not running */
{
    return t->slot ? h->heap[t->slot - 1].at_us : UINT64_MAX;
}
/* Starts or restarts. 0, or ERR_NOSPACE with the timer stopped. */
int timer_set(struct timers *, struct timer *, uint64_t at_us, timer_fn *);
void timer_stop(struct timers *, struct timer *); /* safe when it does not run */
uint64_t timers_next_us(const struct timers *);   /* UINT64_MAX: none */
/* Fires all that are due at now_us, those included that these set for now; the count. */
uint32_t timers_run(struct timers *, uint64_t now_us);
void timers_free(struct timers *);
