/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/call.h"
#include "base/err.h"
#include "rt/nf.h"
#include <stdarg.h>
#include <stdio.h>

static const struct sbi_op_desc *desc(const struct call *c) { return &sbi_ops[c->op]; }

static void call_free(struct call *c)
{
    struct rt *rt = c->rt;
    timer_stop(&rt->timers, &c->deadline);
    list_remove(&c->on_caller.link);
    list_remove(&c->on_producer);
    list_remove(&c->work.link);
    rt->calls_open--;
    frame_drop(rt, c, sizeof *c);
}

/* Freed once the consumer is done with it and the producer can no longer touch it. */
static void call_release(struct call *c)
{
    bool producer_done = !c->delivered || c->replied;
    if (!c->caller && c->answered && producer_done)
        call_free(c);
}

struct call *call_new(struct rt *rt, enum sbi_op op)
{
    struct call *c = frame_new(rt, sizeof *c);
    if (!c)
        return NULL;
    c->rt = rt;
    c->op = op;
    c->arena = arena_over(c->memory, sizeof c->memory);
    rt->calls_open++;
    c->req = arena_zero(&c->arena, sbi_ops[op].req->size);
    return c;
}

void *call_request(struct call *c) { return (void *)(uintptr_t)c->req; }

/* The consumer's side of the answer, whatever it was. */
static void answer(struct call *c)
{
    if (c->answered)
        return;
    c->answered = true;
    timer_stop(&c->rt->timers, &c->deadline);
    rt_note(c->rt, 0xa5000000u | (uint64_t)c->op << 12 | (unsigned)c->status);
    struct proc *p = c->caller;
    if (!p) {
        call_release(c);
        return;
    }
    proc_call_answered(p);
}

static void answer_work(struct work *w) { answer(CONTAINER(w, struct call, work)); }

static void answer_later(struct call *c, int status)
{
    c->status = status;
    c->work.fn = answer_work;
    rt_queue(c->rt, &c->work);
}

static void deadline_passed(struct timer *t)
{
    struct call *c = CONTAINER(t, struct call, deadline);
    list_remove(&c->work.link);
    c->status = 504;
    answer(c);
}

/* The callback's URI, of an op of SBI_NF_CALLBACK: its request's first row. */
static struct str callback_uri(const struct call *c)
{
    const struct sbi_field *f = desc(c)->req->fields();
    struct str uri = STR("");
    if (c->req && desc(c)->nf == SBI_NF_CALLBACK && (f[0].flags & SBI_PATH) && f[0].kind == SBI_TEXT)
        memcpy(&uri, (const uint8_t *)c->req + f[0].off, sizeof uri);
    return uri;
}
/* What follows the api root, which has no path: "amf-callback/v1/…". */
static struct str uri_path(struct str uri)
{
    const char *p = uri.n > 8 ? memmem(uri.p, uri.n, "://", 3) : NULL;
    const char *end = uri.p + uri.n;
    p = p ? memchr(p + 3, '/', (size_t)(end - p - 3)) : NULL;
    return p ? (struct str){p + 1, (uint32_t)(end - p - 1)} : STR("");
}
static struct nf *producer(const struct call *c)
{
    struct rt *rt = c->rt;
    if (desc(c)->nf != SBI_NF_CALLBACK)
        return rt->nf[desc(c)->nf];
    struct str path = uri_path(callback_uri(c));
    for (unsigned i = 0; i < NF_SLOTS; i++) {
        char prefix[48];
        if (!rt->nf[i])
            continue;
        snprintf(prefix, sizeof prefix, "%s-callback/v1/", rt->nf[i]->desc->name);
        if (str_starts(path, prefix))
            return rt->nf[i];
    }
    return NULL;
}

struct str call_callback_uri(struct rt *rt, struct arena *a, enum sbi_nf kind, const char *format, ...)
{
    char path[256];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(path, sizeof path, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof path || !rt->nf[kind])
        return (struct str){NULL, 0};
    return arena_printf(a, "%s/%s-callback/v1/%s", rt->api_root, rt->nf[kind]->desc->name, path);
}

struct str call_callback_path(const struct call *c)
{
    struct str path = uri_path(callback_uri(c));
    const char *v = path.n ? memmem(path.p, path.n, "-callback/v1/", 13) : NULL;
    return v ? (struct str){v + 13, path.n - (uint32_t)(v + 13 - path.p)} : STR("");
}

static void deliver(struct work *w)
{
    struct call *c = CONTAINER(w, struct call, work);
    struct rt *rt = c->rt;
    struct nf *nf = producer(c);
    if (!nf || !nf->fn[c->op]) {
        c->status = 503;
        answer(c);
        return;
    }
    if (rt->sbi_carry && rt->sbi_carry(rt->sbi_carry_ctx, c, false) < 0) {
        c->status = 400;
        answer(c);
        return;
    }
    c->rsp = arena_zero(&c->arena, desc(c)->rsp->size);
    c->delivered = true;
    if (!c->rsp) {
        call_reply(c, 503);
        return;
    }
    rt_tap(rt, &(struct tap_event){TAP_SBI, TAP_RX, rt->now_us, (uintptr_t)c, 0, c->op,
                                   desc(c)->name, desc(c)->req, c->req, {NULL, 0}, 0});
    nf->fn[c->op](nf->state, c);
}

static void send(struct call *c)
{
    struct rt *rt = c->rt;
    c->sent = true;
    rt_note(rt, 0x5a000000u | (uint64_t)c->op << 12);
    if (!c->req) {
        answer_later(c, 400);
        return;
    }
    timer_set(&rt->timers, &c->deadline, rt->now_us + desc(c)->deadline_us, deadline_passed);
    bool here = producer(c) != NULL;
    if (!here && rt->sbi_remote) {
        if (rt->sbi_remote(rt->sbi_remote_ctx, c) < 0)
            answer_later(c, 503);
        return;
    }
    c->work.fn = deliver;
    rt_queue(rt, &c->work);
}

static void caller_ended(struct proc_owned *o) { call_abandon(CONTAINER(o, struct call, on_caller)); }

void call_send(struct call *c, struct proc *caller)
{
    c->caller = caller;
    c->on_caller.drop = caller_ended;
    list_append(&caller->owned, &c->on_caller.link);
    caller->calls_open++;
    send(c);
}

void call_notify(struct call *c)
{
    c->caller = NULL;
    send(c);
}

void call_abandon(struct call *c)
{
    if (c->caller && c->sent && !c->answered)
        c->caller->calls_open--;
    list_remove(&c->on_caller.link);
    c->caller = NULL;
    if (!c->sent)
        call_free(c);
    else
        call_release(c);
}

void call_done(struct call *c)
{
    if (c)
        call_abandon(c);
}

void call_reply(struct call *c, int status)
{
    struct rt *rt = c->rt;
    if (c->replied)
        return;
    c->replied = true;
    list_remove(&c->on_producer);
    if (c->answered) { /* too late: the deadline has passed */
        call_release(c);
        return;
    }
    c->status = status;
    rt_tap(rt, &(struct tap_event){TAP_SBI, TAP_TX, rt->now_us, (uintptr_t)c, 0, c->op,
                                   desc(c)->name, desc(c)->rsp, c->rsp, {NULL, 0}, status});
    if (rt->sbi_carry && rt->sbi_carry(rt->sbi_carry_ctx, c, true) < 0)
        c->status = 502;
    answer_later(c, c->status);
}

/* The ProblemDetails within an op's error struct: the whole of it, or its member "error". */
static struct sbi_ProblemDetails *problem_in(const struct sbi_schema *err, void *value)
{
    if (err->size == sizeof(struct sbi_ProblemDetails) && strcmp(err->name, "ProblemDetails") == 0)
        return value;
    const struct sbi_field *f = err->fields();
    for (uint32_t i = 0; i < err->n; i++)
        if (f[i].kind == SBI_OBJ && strcmp(f[i].json, "error") == 0)
            return (void *)((uint8_t *)value + f[i].off);
    return NULL;
}

void *call_error(struct call *c, int status, const char *cause, const char *detail)
{
    c->err = arena_zero(&c->arena, desc(c)->err->size);
    c->problem = c->err ? problem_in(desc(c)->err, c->err) : NULL;
    struct sbi_ProblemDetails *p = c->problem;
    if (p) {
        p->has.status = 1;
        p->status = status;
        p->has.cause = 1;
        p->cause = arena_str(&c->arena, str_of(cause));
        p->has.detail = detail != NULL;
        p->detail = detail ? arena_str(&c->arena, str_of(detail)) : STR("");
    }
    return c->err;
}

void call_problem(struct call *c, int status, const char *cause, const char *detail)
{
    call_error(c, status, cause, detail);
    call_reply(c, status);
}

struct str call_cause(const struct call *c)
{
    return c->problem && c->problem->has.cause ? c->problem->cause : STR("");
}
