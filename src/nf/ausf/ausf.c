/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/ausf/ausf.h"
#include "base/log.h"
#include "codec/sbi_own.h"
#include "rt/config.h"
#include <stdio.h>

/* ---- contexts ---- */
static uint64_t lifetime_us(const struct ausf *s) { return s->rt->config->ausf.pending_s * 1000000ull; }

static void expire(struct timer *t)
{
    struct ausf *s = CONTAINER(t, struct ausf, expiry);
    uint64_t now = s->rt->now_us;
    LIST_EACH_SAFE (l, &s->order) {
        struct ausf_ctx *x = CONTAINER(l, struct ausf_ctx, order);
        if (x->started_us + lifetime_us(s) > now) {
            timer_set(&s->rt->timers, t, x->started_us + lifetime_us(s), expire);
            return;
        }
        if (!x->busy) {
            s->expired++;
            ausf_ctx_end(s, x);
        }
    }
    if (!list_empty(&s->order)) /* those with a procedure of their own, which ends soon */
        timer_set(&s->rt->timers, t, now + 1000000, expire);
}

/* When all are in use the oldest goes, if it is older than a phone takes to answer; so neither can a flood of
 * registrations that never answer keep others out, nor can it end what is under way. */
static bool make_room(struct ausf *s)
{
    enum { ANSWERED_US = 10000000 };
    struct ausf_ctx *oldest = CONTAINER(s->order.next, struct ausf_ctx, order);
    if (list_empty(&s->order) || oldest->busy || s->rt->now_us - oldest->started_us < ANSWERED_US)
        return false;
    s->expired++;
    ausf_ctx_end(s, oldest);
    return true;
}

struct ausf_ctx *ausf_ctx_new(struct ausf *s)
{
    struct ausf_ctx *x = slab_new(&s->ctxs);
    if (!x && make_room(s))
        x = slab_new(&s->ctxs);
    if (!x)
        return NULL;
    env_random(s->rt->env, x->id, sizeof x->id);
    x->started_us = s->rt->now_us;
    if (map_put(&s->by_id, BYTES_OF(x->id), x) < 0) {
        slab_drop(&s->ctxs, x);
        return NULL;
    }
    list_append(&s->order, &x->order);
    if (!timer_is_running(&s->expiry))
        timer_set(&s->rt->timers, &s->expiry, s->rt->now_us + lifetime_us(s), expire);
    s->started++;
    return x;
}
void ausf_ctx_end(struct ausf *s, struct ausf_ctx *x)
{
    map_del(&s->by_id, BYTES_OF(x->id));
    list_remove(&x->order);
    slab_drop(&s->ctxs, x); /* wipes */
}
struct ausf_ctx *ausf_ctx_find(struct ausf *s, struct str id)
{
    uint8_t key[16];
    struct ausf_ctx *x = hex_get(key, sizeof key, id) ? map_get(&s->by_id, BYTES_OF(key)) : NULL;
    return x && !x->busy ? x : NULL;
}

/* ---- the UDM ---- */
struct call *ausf_ask_udm(struct ausf *s, struct proc *p, struct str supi_or_suci, struct str serving_network,
                          const uint8_t *rand, const uint8_t *auts)
{
    struct call *c = call_new(s->rt, SBI_nudm_ueau_generate_auth_data);
    SBI_REQ(nudm_ueau_generate_auth_data) *q = c ? call_request(c) : NULL;
    if (q) {
        q->supi_or_suci = supi_or_suci;
        q->body.serving_network_name = serving_network;
        q->body.ausf_instance_id = str_of(s->rt->nf[SBI_NF_AUSF]->instance_id);
        q->body.has.resynchronization_info = rand && auts;
        if (rand && auts) {
            q->body.resynchronization_info.rand = (struct bytes){rand, 16};
            q->body.resynchronization_info.auts = (struct bytes){auts, 14};
        }
        if (sbi_own(sbi_ops[c->op].req, &c->arena, q) == OK) {
            call_send(c, p);
            return c;
        }
    }
    call_done(c);
    return NULL;
}

void ausf_pass_on(struct call *in, const struct call *udm)
{
    char cause[64];
    str_copy(cause, sizeof cause, call_cause(udm));
    if (udm->status == 404)
        call_problem(in, 404, "USER_NOT_FOUND", NULL);
    else if (udm->status == 403)
        call_problem(in, 403, cause[0] ? cause : "AUTHENTICATION_REJECTED", NULL);
    else if (udm->status == 501)
        call_problem(in, 501, cause[0] ? cause : "UNSUPPORTED_PROTECTION_SCHEME", NULL);
    else if (udm->status == 504)
        call_problem(in, 504, "UPSTREAM_SERVER_ERROR", "the UDM did not answer in time");
    else
        call_problem(in, udm->status == 500 ? 500 : 503, udm->status == 500 ? "AV_GENERATION_PROBLEM" : "NF_CONGESTION",
                     "the UDM could not make a vector");
}

static struct str time_text(struct arena *a, uint64_t unix_s) /* RFC 3339, UTC; civil from days */
{
    uint64_t z = unix_s / 86400 + 719468, era = z / 146097, doe = z - era * 146097, sod = unix_s % 86400;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint64_t mp = (5 * doy + 2) / 153, day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    uint64_t year = yoe + era * 400 + (month <= 2);
    return arena_printf(a, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)year, (unsigned)month, (unsigned)day,
                        (unsigned)(sod / 3600), (unsigned)(sod / 60 % 60), (unsigned)(sod % 60));
}
void ausf_tell_udm(struct ausf *s, const struct ausf_ctx *x, bool success, bool eap)
{
    struct call *c = call_new(s->rt, SBI_nudm_ueau_confirm_auth);
    SBI_REQ(nudm_ueau_confirm_auth) *q = c ? call_request(c) : NULL;
    if (q) {
        q->supi = str_of(x->supi);
        q->body.nf_instance_id = str_of(s->rt->nf[SBI_NF_AUSF]->instance_id);
        q->body.success = success;
        q->body.time_stamp = time_text(&c->arena, env_unix_us(s->rt->env) / 1000000);
        q->body.auth_type = eap ? SBI_AuthType_EAP_AKA_PRIME : SBI_AuthType_5G_AKA;
        q->body.serving_network_name = str_of(x->serving_network);
        if (sbi_own(sbi_ops[c->op].req, &c->arena, q) == OK) {
            call_notify(c);
            return;
        }
    }
    call_done(c); /* no memory: the UDM knows a little less */
}

/* ---- life ---- */
static int ausf_boot(struct rt *rt, void *state)
{
    struct ausf *s = state;
    uint64_t secret[2];
    if (!rt->config || !rt->crypto)
        return ERR_CONFIG;
    list_init(&s->order);
    list_init(&s->calls);
    env_random(rt->env, secret, sizeof secret);
    map_init(&s->by_id, secret[0], secret[1]);
    s->rt = rt;
    return slab_init(&s->ctxs, "authentications", sizeof(struct ausf_ctx), rt->config->ausf.max_pending) < 0 ? ERR_NOSPACE
                                                                                                            : OK;
}
static void ausf_stop(struct rt *rt, void *state)
{
    struct ausf *s = state;
    if (!s->rt)
        return;
    for (struct link *l = s->calls.next; l != &s->calls; l = s->calls.next)
        proc_abort(CONTAINER(l, struct call, on_producer)->producer_data);
    timer_stop(&rt->timers, &s->expiry);
    while (!list_empty(&s->order))
        ausf_ctx_end(s, CONTAINER(s->order.next, struct ausf_ctx, order));
    map_free(&s->by_id);
    slab_free(&s->ctxs);
}
static void ausf_status(void *state, void (*line)(void *ctx, const char *text), void *ctx)
{
    const struct ausf *s = state;
    char text[160];
    snprintf(text, sizeof text, "%u authentications under way; %llu begun, %llu succeeded, %llu failed, %llu forgotten",
             s->ctxs.used, (unsigned long long)s->started, (unsigned long long)s->succeeded,
             (unsigned long long)s->failed, (unsigned long long)s->expired);
    line(ctx, text);
}

static const struct nf_op ausf_ops[] = {
    {SBI_nausf_auth_post, ausf_auth_post},
    {SBI_nausf_auth_confirm, ausf_auth_confirm},
    {SBI_nausf_eap_session, ausf_eap_session},
    {SBI_nausf_auth_delete, ausf_auth_delete},
};
const struct nf_desc ausf_nf = {.kind = SBI_NF_AUSF,
                                .name = "ausf",
                                .state_octets = sizeof(struct ausf),
                                .boot = ausf_boot,
                                .stop = ausf_stop,
                                .status = ausf_status,
                                .ops = ausf_ops,
                                .n_ops = ARRAY_LEN(ausf_ops)};
