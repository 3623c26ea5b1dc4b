/* SPDX-License-Identifier: Apache-2.0 */
/* A procedure is tried as a network function would write it: send, await with retransmission, a call, a child. */
#include "tests/test.h"
#include "base/err.h"
#include "rt/proc.h"
#include "sim/world.h"

enum { AUTH_RESPONSE = 0x57, SMC_COMPLETE = 0x5e, T3560_US = 6000000, TRIES = 5 };

struct trial { /* the owner */
    struct world *w;
    struct env *env;
    struct rt rt;
    unsigned sent, ended, dropped;
    int outcome;
    const char *end_step;
    struct proc *running;
};
struct frame {
    struct proc p;
    unsigned tries;
    struct proc_owned call;
    uint8_t key[16];
};

static void call_drop(struct proc_owned *o)
{
    struct frame *f = CONTAINER(o, struct frame, call);
    ((struct trial *)f->p.owner)->dropped++;
}
static void on_end(struct proc *p, int outcome)
{
    struct trial *t = p->owner;
    t->ended++;
    t->outcome = outcome;
    t->end_step = p->step;
    t->running = NULL;
}

static void request_run(struct proc *p, const struct wake *w)
{
    struct frame *f = (struct frame *)p;
    struct trial *t = p->owner;
    PROC_BEGIN(p);
    STEP(p, "authentication");
    for (f->tries = 0; f->tries < TRIES; f->tries++) {
        t->sent++;
        AWAIT_MESSAGE(p, T3560_US, AUTH_RESPONSE, SMC_COMPLETE);
        if (w->kind == WAKE_MESSAGE)
            break;
    }
    p->result = f->tries < TRIES ? PROC_OK : PROC_FAILED;
    if (p->result == PROC_OK) {
        STEP(p, "call");
        f->call.drop = call_drop;
        list_append(&p->owned, &f->call.link);
        p->calls_open++;
        AWAIT_CALLS(p);
        list_remove(&f->call.link);
    }
    PROC_END(p);
}
static const struct proc_type request = {"request", sizeof(struct frame), request_run, on_end};

static void parent_run(struct proc *p, const struct wake *w)
{
    PROC_BEGIN(p);
    struct proc *child = proc_new(p->rt, &request, p->owner);
    if (child)
        proc_start_child(p, child);
    AWAIT_CHILD(p);
    p->result = p->child_result;
    PROC_END(p);
}
static const struct proc_type with_child = {"with child", sizeof(struct frame), parent_run, on_end};

static void trial_start(struct trial *t, const struct proc_type *type, size_t memory)
{
    memset(t, 0, sizeof *t);
    t->w = world_new(1);
    t->env = world_host(t->w, "host", &(struct net_addr){.family = 4});
    assert_int_equal(rt_init(&t->rt, t->env, memory), OK);
    world_attach(t->w, t->env, &t->rt);
    t->running = proc_new(&t->rt, type, t);
    if (t->running)
        proc_start(t->running);
}
static void trial_stop(struct trial *t)
{
    assert_int_equal(t->rt.procs_running, 0);
    assert_int_equal(t->rt.frames.in_use, 0);
    assert_int_equal(t->rt.timers.n, 0);
    rt_free(&t->rt);
    world_free(t->w);
}
static void run_ms(struct trial *t, uint64_t ms)
{
    world_attach(t->w, t->env, &t->rt);
    world_run(t->w, ms * 1000);
}

static void retransmits_on_its_timer_and_gives_up(void **state)
{
    struct trial t;
    trial_start(&t, &request, 1 << 20);
    run_ms(&t, 5999);
    assert_int_equal(t.sent, 1); /* nothing before its timer */
    run_ms(&t, 2);
    assert_int_equal(t.sent, 2);
    run_ms(&t, 60000);
    assert_int_equal(t.sent, 5);
    assert_int_equal(t.ended, 1);
    assert_int_equal(t.outcome, PROC_FAILED);
    trial_stop(&t);
}

static void takes_only_what_it_awaits(void **state)
{
    struct trial t;
    trial_start(&t, &request, 1 << 20);
    assert_false(proc_offer_message(t.running, 0x41, NULL));
    assert_false(proc_offer_event(t.running, 1, NULL));
    assert_true(proc_offer_message(t.running, AUTH_RESPONSE, NULL));
    assert_false(proc_offer_message(t.running, AUTH_RESPONSE, NULL)); /* a repeat: it awaits a call now */
    run_ms(&t, 60000);
    assert_int_equal(t.ended, 0); /* the timer of the message is not one of the call */
    proc_call_answered(t.running);
    assert_int_equal(t.ended, 0); /* not from within the answer */
    run_ms(&t, 1);
    assert_int_equal(t.ended, 1);
    assert_int_equal(t.outcome, PROC_OK);
    assert_int_equal(t.dropped, 0);
    trial_stop(&t);
}

static void an_abort_drops_what_it_owns(void **state)
{
    struct trial t;
    trial_start(&t, &request, 1 << 20);
    proc_offer_message(t.running, SMC_COMPLETE, NULL);
    proc_abort(t.running);
    assert_int_equal(t.outcome, PROC_ABORTED);
    assert_string_equal(t.end_step, "call");
    assert_int_equal(t.dropped, 1);
    proc_abort(NULL);
    run_ms(&t, 60000);
    assert_int_equal(t.sent, 1);
    trial_stop(&t);

    trial_start(&t, &request, 1 << 20); /* answered, resumption queued, then aborted: it must not run on */
    proc_offer_message(t.running, SMC_COMPLETE, NULL);
    struct proc *p = t.running;
    proc_call_answered(p);
    proc_abort(p);
    run_ms(&t, 1);
    assert_int_equal(t.ended, 1);
    trial_stop(&t);
}

static void a_child_hands_its_result_up(void **state)
{
    struct trial t;
    trial_start(&t, &with_child, 1 << 20);
    struct proc *parent = t.running;
    run_ms(&t, 100000);
    assert_int_equal(t.ended, 2);
    assert_int_equal(t.outcome, PROC_FAILED);
    (void)parent;
    trial_stop(&t);

    trial_start(&t, &with_child, 1 << 20); /* messages find the child; an abort takes both */
    parent = t.running;
    assert_true(proc_offer_message(parent, AUTH_RESPONSE, NULL));
    proc_abort(parent);
    assert_int_equal(t.ended, 2);
    assert_int_equal(t.outcome, PROC_ABORTED);
    trial_stop(&t);
}

static void memory_used_up_is_an_ordinary_error(void **state)
{
    struct trial t;
    trial_start(&t, &request, 3 * 512);
    assert_non_null(t.running);
    struct frame *f = (struct frame *)t.running;
    memset(f->key, 0x5a, sizeof f->key);
    unsigned n = 0;
    struct proc *more[8];
    while (n < 8 && (more[n] = proc_new(&t.rt, &request, &t)))
        n++;
    assert_in_range(n, 1, 7);
    while (n)
        proc_abort(more[--n]);
    proc_abort(&f->p);
    struct frame *again = proc_new(&t.rt, &request, &t); /* given back frames are used again, wiped */
    assert_ptr_equal(again, f);
    for (unsigned i = 0; i < sizeof again->key; i++)
        assert_int_equal(again->key[i], 0);
    proc_abort(&again->p);
    trial_stop(&t);
}

int main(void)
{
    return RUN(unit(retransmits_on_its_timer_and_gives_up), unit(takes_only_what_it_awaits),
               unit(an_abort_drops_what_it_owns), unit(a_child_hands_its_result_up),
               unit(memory_used_up_is_an_ordinary_error));
}
