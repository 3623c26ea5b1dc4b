/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of timers against a list that is searched: which fires, when, and in which order. */
#include "base/err.h"
#include "base/list.h"
#include "rt/timer.h"
#include "tests/test.h"

enum { TIMERS = 300, STEPS = 20000 };
struct one {
    struct timer timer;
    struct all *all;
    uint64_t at_us, seq; /* what it should do */
    bool runs;
};
struct all {
    struct timers heap;
    struct one one[TIMERS];
    uint64_t now_us, seq, fired;
};

static struct one *next_of(struct all *a)
{
    struct one *first = NULL;
    for (uint32_t i = 0; i < TIMERS; i++) {
        struct one *o = &a->one[i];
        if (o->runs && (!first || o->at_us < first->at_us || (o->at_us == first->at_us && o->seq < first->seq)))
            first = o;
    }
    return first;
}
static void fires(struct timer *t)
{
    struct one *o = CONTAINER(t, struct one, timer);
    assert_ptr_equal(o, next_of(o->all));
    assert_true(o->at_us <= o->all->now_us);
    assert_false(timer_is_running(t));
    o->runs = false;
    o->all->fired++;
}
static void set(struct all *a, struct one *o, uint64_t at_us)
{
    assert_int_equal(timer_set(&a->heap, &o->timer, at_us, fires), OK);
    o->all = a;
    o->at_us = at_us;
    o->seq = a->seq++;
    o->runs = true;
}

static void as_a_list_would(void **state)
{
    static struct all a;
    uint64_t x = 1;
    for (uint32_t step = 0; step < STEPS; step++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        struct one *o = &a.one[(x >> 33) % TIMERS];
        if (x >> 60 < 11) { /* anew or moved; few different deadlines, so that many are equal */
            set(&a, o, a.now_us + (x >> 50) % 64 * 10);
        } else if (x >> 60 < 14) {
            timer_stop(&a.heap, &o->timer);
            o->runs = false;
        } else {
            a.now_us += (x >> 40) % 100;
            timers_run(&a.heap, a.now_us);
        }
        struct one *next = next_of(&a);
        assert_int_equal(timers_next_us(&a.heap), next ? next->at_us : UINT64_MAX);
        assert_int_equal(timer_is_running(&o->timer), o->runs);
        assert_int_equal(timer_at_us(&a.heap, &o->timer), o->runs ? o->at_us : UINT64_MAX);
    }
    assert_true(a.fired > STEPS / 20);
    timers_free(&a.heap);
    assert_int_equal(timers_next_us(&a.heap), UINT64_MAX);
}

int main(void) { return RUN(unit(as_a_list_would)); }
