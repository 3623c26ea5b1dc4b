/* SPDX-License-Identifier: Apache-2.0 */
/* management.c - TS 29.510 5.2.2: functions register, say that they live, and leave. */
#include "base/err.h"
#include "base/log.h"
#include "codec/sbi_json.h"
#include "codec/sbi_own.h"
#include "nf/nrf/nrf.h"
#include "rt/config.h"
#include "rt/metrics.h"
#include <stdlib.h>

static const struct sbi_schema *profile_schema(void)
{
    return sbi_ops[SBI_nnrf_nfm_get].rsp;
}

static uint64_t heartbeat_us(const struct nrf *n)
{
    return (n->rt->config ? n->rt->config->nrf.heartbeat_s : 10) * 1000000ull;
}

static const char *type_text(const struct nrf_profile *x)
{
    const struct sbi_field *f = profile_schema()->fields();
    for (uint32_t i = 0; i < profile_schema()->n; i++)
        if (f[i].kind == SBI_CODE && strcmp(f[i].json, "nfType") == 0)
            return sbi_code_text(f[i].code(), (int)x->v.nf_type);
    return "";
}

void nrf_profile_drop(struct nrf_profile *x)
{
    struct nrf *n = x->nrf;
    nrf_trust_gone(x);
    timer_stop(&n->rt->timers, &x->silence);
    list_remove(&x->link);
    map_del(&n->by_id, (struct bytes){(const uint8_t *)x->id, 36});
    metric_set(n->rt->metrics, METRIC_nfs_registered, map_count(&n->by_id));
    free(x->memory);
    free(x);
}

/* ---- signs of life, 5.2.2.3.2 ---- */
static void silent(struct timer *t)
{
    struct nrf_profile *x = CONTAINER(t, struct nrf_profile, silence);
    struct nrf *n = x->nrf;
    if (x->v.nf_status == SBI_NFStatus_SUSPENDED) { /* for long: it does not come back */
        nrf_tell(x, SBI_NotificationEventType_NF_DEREGISTERED);
        nrf_profile_drop(x);
        return;
    }
    x->v.nf_status = SBI_NFStatus_SUSPENDED;
    LOG(n->rt->log, nf_lost, "type=%s id=%s s=%llu", type_text(x), x->id,
        (unsigned long long)(n->rt->now_us - x->heard_us) / 1000000);
    nrf_tell(x, SBI_NotificationEventType_NF_PROFILE_CHANGED);
    timer_set(&n->rt->timers, t,
              x->heard_us + heartbeat_us(n) * NRF_SILENT_PERCENT / 100 * NRF_FORGOTTEN_FACTOR,
              silent);
}
static void heard(struct nrf_profile *x)
{
    struct nrf *n = x->nrf;
    x->heard_us = n->rt->now_us;
    if (!nrf_is_here(n, str_of(x->id)))
        timer_set(&n->rt->timers, &x->silence,
                  x->heard_us + heartbeat_us(n) * NRF_SILENT_PERCENT / 100, silent);
}

/* ---- register, 5.2.2.2 ---- */
static void no_room(struct call *c)
{
    call_problem(c, 503, "INSUFFICIENT_RESOURCES", NULL);
}

bool nrf_profile_put(const struct nrf_profile *x, struct arena *a, struct sbi_NFProfile *out)
{
    *out = x->v;
    return sbi_own(profile_schema(), a, out) == OK;
}

/* Types that we do not know are nobody whom we could find or let in: they leave the list, or the
 * function. */
static bool known_only(struct sbi_NFProfile *p, struct arena *a)
{
    enum sbi_NFType *types =
        p->has.allowed_nf_types ? arena_take(a, p->allowed_nf_types.n * sizeof *types) : NULL;
    uint32_t n = 0;
    if (p->has.allowed_nf_types && !types)
        return false;
    for (uint32_t i = 0; types && i < p->allowed_nf_types.n; i++)
        if (p->allowed_nf_types.p[i] != SBI_NFType_OTHER)
            types[n++] = p->allowed_nf_types.p[i];
    p->allowed_nf_types.p = types;
    p->allowed_nf_types.n = n;
    p->has.allowed_nf_types = n > 0;
    return p->nf_type != SBI_NFType_OTHER && p->nf_status != SBI_NFStatus_OTHER;
}

static struct nrf_profile *profile_new(struct nrf *n, struct str id)
{
    struct nrf_profile *x = map_count(&n->by_id) < NRF_PROFILES ? calloc(1, sizeof *x) : NULL;
    if (!x)
        return NULL;
    x->nrf = n;
    str_copy(x->id, sizeof x->id, id);
    if (map_put(&n->by_id, (struct bytes){(const uint8_t *)x->id, 36}, x) < 0) {
        free(x);
        return NULL;
    }
    list_append(&n->profiles, &x->link);
    metric_set(n->rt->metrics, METRIC_nfs_registered, map_count(&n->by_id));
    return x;
}

void nrf_register(void *state, struct call *c)
{
    struct nrf *n = state;
    const SBI_REQ(nnrf_nfm_register) *q = c->req;
    if (nrf_is_here(n, q->nf_instance_id) || !nrf_trust_asks(n, c))
        nrf_register_go(n, c);
}
void nrf_register_go(struct nrf *n, struct call *c)
{
    const SBI_REQ(nnrf_nfm_register) *q = c->req;
    SBI_RSP(nnrf_nfm_register) *r = c->rsp;
    struct sbi_NFProfile v = q->body;
    if (q->nf_instance_id.n != 36 || !str_eq(q->nf_instance_id, v.nf_instance_id) ||
        !known_only(&v, &c->arena)) {
        LOG(n->rt->log, nf_refused, "id=" STR_FMT, STR_ARG(q->nf_instance_id));
        call_problem(c, 400, "MANDATORY_IE_INCORRECT",
                     "nfInstanceId that is not the path's, or a type or status that is not known");
        return;
    }
    v.has.heart_beat_timer = true;
    v.heart_beat_timer = (int64_t)(heartbeat_us(n) / 1000000);
    v.has.location = v.has.nf_profile_changes_support_ind = v.has.nf_profile_changes_ind = false;
    uint8_t *memory = nrf_keep(n, profile_schema(), &v);
    struct nrf_profile *x = memory ? nrf_find(n, v.nf_instance_id) : NULL;
    bool is_new = memory && !x;
    if (is_new)
        x = profile_new(n, v.nf_instance_id);
    if (!x) {
        free(memory);
        no_room(c);
        return;
    }
    free(x->memory);
    x->memory = memory;
    x->v = v;
    heard(x);
    LOG(n->rt->log, nf_registered, "type=%s id=%s", type_text(x), x->id);
    nrf_tell(x, is_new ? SBI_NotificationEventType_NF_REGISTERED
                       : SBI_NotificationEventType_NF_PROFILE_CHANGED);
    bool ok = nrf_profile_put(x, &c->arena, r);
    r->location = arena_printf(&c->arena, "%s/nnrf-nfm/v1/nf-instances/%s", n->rt->api_root, x->id);
    r->has.location = true;
    if (ok && r->location.p)
        call_reply(c, is_new ? 201 : 200);
    else
        no_room(c);
}

/* ---- update, 5.2.2.3: heartbeats, and what changes with them ---- */
static bool take_int(const struct sbi_PatchItem *p, int64_t hi, bool *has, int64_t *out)
{
    static const struct sbi_field one = {.kind = SBI_INT};
    struct sbi_field f = one;
    struct arena none = arena_over(NULL, 0);
    struct sbi_report why;
    f.hi = hi;
    return p->has.value && sbi_json_decode_row(&f, p->value, &none, out, &why) == OK &&
           (*has = true);
}
static bool take_status(const struct sbi_PatchItem *p, struct sbi_NFProfile *v)
{
    static const struct {
        const char *text;
        enum sbi_NFStatus status;
    } known[] = {{"\"REGISTERED\"", SBI_NFStatus_REGISTERED},
                 {"\"SUSPENDED\"", SBI_NFStatus_SUSPENDED},
                 {"\"UNDISCOVERABLE\"", SBI_NFStatus_UNDISCOVERABLE}};
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (p->has.value && str_is(p->value, known[i].text)) {
            v->nf_status = known[i].status;
            return true;
        }
    return false;
}
static bool take_item(const struct sbi_PatchItem *p, struct sbi_NFProfile *v)
{
    if (p->op != SBI_PatchOperation_REPLACE && p->op != SBI_PatchOperation_ADD)
        return false;
    if (str_is(p->path, "/nfStatus"))
        return take_status(p, v);
    if (str_is(p->path, "/load"))
        return take_int(p, 100, &v->has.load, &v->load);
    if (str_is(p->path, "/capacity"))
        return take_int(p, 65535, &v->has.capacity, &v->capacity);
    if (str_is(p->path, "/priority"))
        return take_int(p, 65535, &v->has.priority, &v->priority);
    return false;
}

static struct nrf_profile *known(struct nrf *n, struct call *c, struct str id)
{
    struct nrf_profile *x = nrf_find(n, id);
    if (!x)
        call_problem(c, 404, "RESOURCE_CONTEXT_NOT_FOUND", "no such function; it is to register");
    return x;
}

void nrf_update(void *state, struct call *c)
{
    struct nrf *n = state;
    const SBI_REQ(nnrf_nfm_update) *q = c->req;
    struct nrf_profile *x = known(n, c, q->nf_instance_id);
    if (!x)
        return;
    struct sbi_NFProfile v = x->v;
    for (uint32_t i = 0; i < q->body.n; i++)
        if (!take_item(&q->body.p[i], &v)) {
            call_problem(
                c, 400, "MANDATORY_IE_INCORRECT",
                "nfStatus, load, capacity and priority may be replaced; for more, register");
            return;
        }
    bool changed =
        v.nf_status != x->v.nf_status || v.priority != x->v.priority || v.capacity != x->v.capacity;
    x->v = v;
    heard(x);
    if (changed)
        nrf_tell(x, SBI_NotificationEventType_NF_PROFILE_CHANGED);
    call_reply(c, 204);
}

/* ---- deregister, 5.2.2.4, and get ---- */
void nrf_deregister(void *state, struct call *c)
{
    struct nrf *n = state;
    const SBI_REQ(nnrf_nfm_deregister) *q = c->req;
    struct nrf_profile *x = known(n, c, q->nf_instance_id);
    if (!x)
        return;
    nrf_tell(x, SBI_NotificationEventType_NF_DEREGISTERED);
    nrf_profile_drop(x);
    call_reply(c, 204);
}

void nrf_get(void *state, struct call *c)
{
    struct nrf *n = state;
    const SBI_REQ(nnrf_nfm_get) *q = c->req;
    struct nrf_profile *x = known(n, c, q->nf_instance_id);
    if (x && nrf_profile_put(x, &c->arena, c->rsp))
        call_reply(c, 200);
    else if (x)
        no_room(c);
}
