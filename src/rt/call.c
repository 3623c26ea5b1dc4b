/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/call.h"
#include "base/err.h"
#include "base/format.h"
#include "base/log.h"
#include "codec/sbi_json.h"
#include "rt/metrics.h"
#include "rt/nf.h"
#include <stdio.h>

static const struct sbi_op_desc *desc(const struct call *c) { return &sbi_ops[c->op]; }

/* ---- memory ---- */
static bool arena_grow(struct arena *a, size_t n)
{
    struct call *c = CONTAINER(a, struct call, arena);
    size_t octets = n + sizeof *c->chunk > CALL_CHUNK_OCTETS ? n + sizeof *c->chunk : CALL_CHUNK_OCTETS;
    struct call_chunk *k = octets <= FRAME_MAX ? frame_new(c->rt, octets) : NULL;
    if (!k)
        return false;
    if (c->chunk)
        c->chunk->used = (uint32_t)sizeof *k + a->off;
    else
        c->memory_used = a->off;
    *k = (struct call_chunk){c->chunk, (uint32_t)octets, 0};
    c->chunk = k;
    a->base = (uint8_t *)(k + 1);
    a->cap = (uint32_t)(octets - sizeof *k);
    a->off = 0;
    return true;
}

static void call_free(struct call *c)
{
    struct rt *rt = c->rt;
    timer_stop(&rt->timers, &c->deadline);
    list_remove(&c->on_caller.link);
    list_remove(&c->on_producer);
    list_remove(&c->on_nf);
    list_remove(&c->work.link);
    rt->calls_open--;
    if (c->chunk)
        c->chunk->used = (uint32_t)sizeof *c->chunk + c->arena.off;
    else
        c->memory_used = c->arena.off;
    for (struct call_chunk *k = c->chunk, *next; k; k = next) {
        next = k->next;
        frame_drop_used(rt, k, k->octets, k->used);
    }
    frame_drop_used(rt, c, sizeof *c, offsetof(struct call, memory) + c->memory_used);
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
    if (!c) {
        LOG(rt->log, memory_full, "for=call op=%s", sbi_ops[op].name);
        return NULL;
    }
    c->rt = rt;
    c->op = op;
    c->arena = arena_over(c->memory, sizeof c->memory);
    c->arena.grow = arena_grow;
    rt->calls_open++;
    c->req = arena_zero(&c->arena, sbi_ops[op].req->size);
    if (!c->req) {
        call_free(c);
        return NULL;
    }
    return c;
}

void *call_request(struct call *c) { return c ? (void *)(uintptr_t)c->req : NULL; }

/* ---- the answer ---- */
/* Refusals are the ordinary course; what neither side can mean is logged. */
static void account(struct call *c)
{
    struct rt *rt = c->rt;
    metric_observe_at(rt->metrics, METRIC_sbi_us, c->op, rt->now_us - c->sent_us);
    metric_add_at(rt->metrics, METRIC_sbi_status, (uint32_t)c->status, 1);
    if (call_ok(c))
        return;
    metric_add_at(rt->metrics, METRIC_sbi_failed, c->op, 1);
    if (c->status == 504 && !c->replied)
        LOG(rt->log, sbi_late, "op=%s ms=%llu", desc(c)->name, (unsigned long long)(rt->now_us - c->sent_us) / 1000);
    else if (c->status >= 500 || c->status == 400)
        LOG(rt->log, sbi_failed, "op=%s status=%d cause=" STR_FMT, desc(c)->name, c->status, STR_ARG(call_cause(c)));
}

/* The consumer's side of the answer, whatever it was. */
static void answer(struct call *c)
{
    if (c->answered)
        return;
    c->answered = true;
    timer_stop(&c->rt->timers, &c->deadline);
    rt_note(c->rt, 0xa5000000u | (uint64_t)c->op << 12 | (unsigned)c->status);
    account(c);
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
    if (c->replied) /* its answer is queued */
        return;
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
    int n = format_text(path, sizeof path, format, ap);
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

/* Answered here, without a producer. */
static void fail(struct call *c, int status, const char *cause)
{
    call_error(c, status, cause, NULL);
    c->status = status;
    answer(c);
}

static void deliver(struct work *w)
{
    struct call *c = CONTAINER(w, struct call, work);
    struct rt *rt = c->rt;
    struct nf *nf = producer(c);
    int r = 0;
    if (!nf || !nf->fn[c->op]) {
        fail(c, 503, "TARGET_NF_NOT_REACHABLE");
        return;
    }
    if (rt->sbi_carry && (r = rt->sbi_carry(rt->sbi_carry_ctx, c, false)) < 0) {
        c->status = r == ERR_NOSPACE ? 503 : 400;
        answer(c);
        return;
    }
    c->rsp = arena_zero(&c->arena, desc(c)->rsp->size);
    if (!c->rsp) {
        fail(c, 503, "INSUFFICIENT_RESOURCES");
        return;
    }
    c->delivered = true;
    list_append(&nf->calls, &c->on_nf);
    LOG(rt->log, sbi_rx, "op=%s", desc(c)->name);
    rt_tap(rt, &(struct tap_event){TAP_SBI, TAP_RX, rt->now_us, (uintptr_t)c, 0, c->op,
                                   desc(c)->name, desc(c)->req, c->req, {NULL, 0}, 0});
    nf->fn[c->op](nf->state, c);
}

/* Handed to whoever carries it away; from now on the other side may answer at any time. */
static void send_away(struct call *c)
{
    c->rsp = arena_zero(&c->arena, desc(c)->rsp->size);
    c->delivered = c->remote = true;
    int r = c->rsp ? c->rt->sbi_remote(c->rt->sbi_remote_ctx, c) : ERR_NOSPACE;
    if (r >= 0)
        return;
    c->delivered = c->remote = false;
    call_error(c, 503, r == ERR_NOSPACE ? "INSUFFICIENT_RESOURCES" : "TARGET_NF_NOT_REACHABLE", NULL);
    answer_later(c, 503);
}

static void send(struct call *c)
{
    struct rt *rt = c->rt;
    c->sent = true;
    c->sent_us = rt->now_us;
    rt_note(rt, 0x5a000000u | (uint64_t)c->op << 12);
    if (timer_set(&rt->timers, &c->deadline, rt->now_us + desc(c)->deadline_us, deadline_passed) < 0) {
        answer_later(c, 503);
        return;
    }
    if (rt->sbi_remote && !producer(c)) {
        send_away(c);
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
    struct proc *p = c->caller;
    list_remove(&c->on_caller.link);
    c->caller = NULL;
    if (p && c->sent && !c->answered)
        proc_call_answered(p); /* it does not wait for this one any more */
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
    list_remove(&c->on_nf);
    if (c->answered) { /* too late: the deadline has passed */
        call_release(c);
        return;
    }
    c->status = status;
    bool ok = call_ok(c);
    rt_tap(rt, &(struct tap_event){TAP_SBI, TAP_TX, rt->now_us, (uintptr_t)c, 0, c->op, desc(c)->name,
                                   ok ? desc(c)->rsp : desc(c)->err, ok ? c->rsp : c->err, {NULL, 0}, ok ? 0 : status});
    int r = rt->sbi_carry && !c->remote ? rt->sbi_carry(rt->sbi_carry_ctx, c, true) : 0;
    answer_later(c, r == ERR_NOSPACE ? 503 : r < 0 ? 502 : status);
}

void *call_error(struct call *c, int status, const char *cause, const char *detail)
{
    c->err = arena_zero(&c->arena, desc(c)->err->size);
    c->problem = c->err ? sbi_problem_in(desc(c)->err, c->err) : NULL;
    struct sbi_ProblemDetails *p = c->problem;
    if (p) {
        p->has.status = 1;
        p->status = status;
        p->cause = arena_str(&c->arena, str_of(cause));
        p->has.cause = p->cause.p != NULL;
        p->detail = detail ? arena_str(&c->arena, str_of(detail)) : STR("");
        p->has.detail = p->detail.n > 0;
    }
    return c->err;
}

void *call_refused(struct call *c, int status, const struct sbi_report *why)
{
    void *err = call_error(c, status, why->cause, why->reason);
    struct sbi_InvalidParam *param = c->problem && *why->pointer ? arena_zero(&c->arena, sizeof *param) : NULL;
    if (!param)
        return err;
    param->param = arena_str(&c->arena, str_of(why->pointer));
    param->reason = arena_str(&c->arena, str_of(why->reason));
    param->has.reason = param->reason.p != NULL;
    c->problem->has.invalid_params = param->param.p != NULL;
    c->problem->invalid_params.p = param;
    c->problem->invalid_params.n = 1;
    return err;
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
