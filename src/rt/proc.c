/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/proc.h"

/* Answers resume from the queue and never from within the one who answers: the stack stays flat, and a producer
 * next door behaves as one far away. */
static void proc_resume_later(struct proc *p, enum wake_kind kind)
{
    if (!(p->wants & WANT(kind)) || link_is_on(&p->resume.link))
        return;
    p->resume_kind = (uint8_t)kind;
    rt_queue(p->rt, &p->resume);
}

static void proc_end(struct proc *p, int outcome)
{
    struct rt *rt = p->rt;
    struct proc *parent = p->parent;
    if (p->child)
        proc_abort(p->child);
    for (struct link *l; (l = list_pop(&p->owned));) {
        struct proc_owned *o = CONTAINER(l, struct proc_owned, link);
        o->drop(o);
    }
    timer_stop(&rt->timers, &p->timer);
    list_remove(&p->resume.link);
    list_remove(&p->on_rt);
    rt->procs_running--;
    p->line = PROC_LINE_ENDED;
    p->wants = 0;
    if (p->type->end)
        p->type->end(p, outcome);
    frame_drop(rt, p, p->type->frame_octets);
    if (parent && parent->child == p) {
        parent->child = NULL;
        parent->child_result = outcome;
        proc_resume_later(parent, WAKE_CHILD);
    }
}

static void proc_run(struct proc *p, const struct wake *w)
{
    p->wants = 0;
    p->accepts_n = 0;
    timer_stop(&p->rt->timers, &p->timer);
    rt_note(p->rt, (uint64_t)w->kind << 48 | (uint64_t)p->line << 32 | w->what);
    p->type->run(p, w);
    if (p->line == PROC_LINE_ENDED)
        proc_end(p, p->result);
}

static void proc_resume(struct work *work)
{
    struct proc *p = CONTAINER(work, struct proc, resume);
    if (p->wants & WANT(p->resume_kind))
        proc_run(p, &(struct wake){.kind = (enum wake_kind)p->resume_kind});
}

static void proc_timeout(struct timer *t)
{
    struct proc *p = CONTAINER(t, struct proc, timer);
    if (p->wants & WANT(WAKE_TIMEOUT))
        proc_run(p, &(struct wake){.kind = WAKE_TIMEOUT});
}

void *proc_new(struct rt *rt, const struct proc_type *type, void *owner)
{
    struct proc *p = frame_new(rt, type->frame_octets);
    if (!p)
        return NULL;
    p->type = type;
    p->rt = rt;
    p->owner = owner;
    p->started_us = rt->now_us;
    p->resume.fn = proc_resume;
    list_init(&p->owned);
    list_append(&rt->procs, &p->on_rt);
    rt->procs_running++;
    return p;
}

void proc_start(struct proc *p) { proc_run(p, &(struct wake){.kind = WAKE_START}); }

void proc_start_child(struct proc *parent, struct proc *child)
{
    child->parent = parent;
    parent->child = child;
    proc_start(child);
}

bool proc_accepts(const struct proc *p, uint32_t type)
{
    if (!(p->wants & WANT(WAKE_MESSAGE)))
        return false;
    for (unsigned i = 0; i < p->accepts_n; i++)
        if (p->accepts[i] == type)
            return true;
    return false;
}

bool proc_offer_message(struct proc *p, uint32_t type, const void *msg)
{
    if (p->child && proc_offer_message(p->child, type, msg))
        return true;
    if (!proc_accepts(p, type))
        return false;
    proc_run(p, &(struct wake){WAKE_MESSAGE, type, msg});
    return true;
}

bool proc_offer_event(struct proc *p, uint32_t event, const void *data)
{
    if (p->child && proc_offer_event(p->child, event, data))
        return true;
    if (!(p->wants & WANT(WAKE_EVENT)))
        return false;
    proc_run(p, &(struct wake){WAKE_EVENT, event, data});
    return true;
}

void proc_call_answered(struct proc *p)
{
    if (--p->calls_open == 0)
        proc_resume_later(p, WAKE_CALLS);
}

void proc_abort(struct proc *p)
{
    if (p && p->line != PROC_LINE_ENDED)
        proc_end(p, PROC_ABORTED);
}

void proc_await_(struct proc *p, uint16_t line, uint8_t wants)
{
    p->line = line;
    p->wants = wants;
}

void proc_accept_(struct proc *p, uint64_t timeout_us, const uint16_t *types, unsigned n)
{
    p->accepts_n = (uint8_t)(n < PROC_ACCEPTS_MAX ? n : PROC_ACCEPTS_MAX);
    for (unsigned i = 0; i < p->accepts_n; i++)
        p->accepts[i] = types[i];
    if (timeout_us)
        timer_set(&p->rt->timers, &p->timer, p->rt->now_us + timeout_us, proc_timeout);
}
