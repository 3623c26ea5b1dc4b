/* SPDX-License-Identifier: Apache-2.0 */
/* subscription.c - TS 29.510 5.2.2.5 to 5.2.2.7: who wants to know of functions that come, change
 * and go. */
#include "base/log.h"
#include "codec/sbi_own.h"
#include "nf/nrf/nrf.h"
#include <stdlib.h>

void nrf_subscription_drop(struct nrf_subscription *s)
{
    timer_stop(&s->nrf->rt->timers, &s->end);
    list_remove(&s->link);
    s->nrf->n_subscriptions--;
    free(s->memory);
    free(s);
}

static void ended(struct timer *t)
{
    nrf_subscription_drop(CONTAINER(t, struct nrf_subscription, end));
}

void nrf_subscribe(void *state, struct call *c)
{
    struct nrf *n = state;
    const SBI_REQ(nnrf_nfm_subscribe) *q = c->req;
    SBI_RSP(nnrf_nfm_subscribe) *r = c->rsp;
    struct nrf_subscription *s =
        n->n_subscriptions < NRF_SUBSCRIPTIONS ? calloc(1, sizeof *s) : NULL;
    uint8_t id[8];
    if (!s) {
        call_problem(c, 503, "INSUFFICIENT_RESOURCES",
                     "as many subscriptions as there is room for");
        return;
    }
    s->nrf = n;
    env_random(n->rt->env, id, sizeof id);
    hex_put(s->id, id, sizeof id);
    list_append(&n->subscriptions, &s->link);
    n->n_subscriptions++;
    s->v = q->body;
    s->v.has.location = false;
    s->v.has.validity_time =
        false; /* ours, and told by no text: it is asked for anew when it ends */
    s->v.has.subscription_id = true;
    s->v.subscription_id = str_of(s->id);
    s->memory = nrf_keep(n, sbi_ops[SBI_nnrf_nfm_subscribe].rsp, &s->v);
    timer_set(&n->rt->timers, &s->end, n->rt->now_us + NRF_SUBSCRIPTION_S * 1000000ull, ended);
    *r = s->v;
    r->location =
        arena_printf(&c->arena, "%s/nnrf-nfm/v1/subscriptions/%s", n->rt->api_root, s->id);
    r->has.location = true;
    if (s->memory && r->location.p &&
        sbi_own(sbi_ops[SBI_nnrf_nfm_subscribe].rsp, &c->arena, r) == 0) {
        call_reply(c, 201);
        return;
    }
    nrf_subscription_drop(s);
    call_problem(c, 503, "INSUFFICIENT_RESOURCES", NULL);
}

void nrf_unsubscribe(void *state, struct call *c)
{
    struct nrf *n = state;
    const SBI_REQ(nnrf_nfm_unsubscribe) *q = c->req;
    LIST_EACH(l, &n->subscriptions)
    {
        struct nrf_subscription *s = CONTAINER(l, struct nrf_subscription, link);
        if (!str_is(q->subscription_id, s->id))
            continue;
        nrf_subscription_drop(s);
        call_reply(c, 204);
        return;
    }
    call_problem(c, 404, "SUBSCRIPTION_NOT_FOUND", NULL);
}

/* ---- notifications ---- */
static bool offers(const struct sbi_NFProfile *p, struct str service)
{
    for (uint32_t i = 0; p->has.nf_services && i < p->nf_services.n; i++)
        if (str_eq(p->nf_services.p[i].service_name, service))
            return true;
    for (uint32_t i = 0; p->has.nf_service_list && i < p->nf_service_list.n; i++)
        if (str_eq(p->nf_service_list.p[i].value.service_name, service))
            return true;
    return false;
}
static bool wants(const struct sbi_SubscriptionData *s, const struct nrf_profile *x,
                  enum sbi_NotificationEventType event)
{
    bool this_event = !s->has.req_notif_events;
    for (uint32_t i = 0; s->has.req_notif_events && i < s->req_notif_events.n; i++)
        this_event |= s->req_notif_events.p[i] == event;
    if (!this_event || (s->has.req_nf_instance_id && str_is(s->req_nf_instance_id, x->id)))
        return false; /* nobody is told of itself */
    const struct sbi_SubscrCond *c = &s->subscr_cond;
    return !s->has.subscr_cond || ((!c->has.nf_instance_id || str_is(c->nf_instance_id, x->id)) &&
                                   (!c->has.nf_type || c->nf_type == x->v.nf_type) &&
                                   (!c->has.service_name || offers(&x->v, c->service_name)));
}
static void tell(const struct nrf_subscription *s, const struct nrf_profile *x,
                 enum sbi_NotificationEventType event)
{
    struct rt *rt = s->nrf->rt;
    struct call *c = call_new(rt, SBI_nnrf_nfm_status_notify);
    SBI_REQ(nnrf_nfm_status_notify) *q = call_request(c);
    if (!q)
        return;
    q->callback = arena_str(&c->arena, s->v.nf_status_notification_uri);
    q->body.event = event;
    q->body.nf_instance_uri =
        arena_printf(&c->arena, "%s/nnrf-nfm/v1/nf-instances/%s", rt->api_root, x->id);
    q->body.has.nf_profile = event != SBI_NotificationEventType_NF_DEREGISTERED;
    bool ok = !q->body.has.nf_profile || nrf_profile_put(x, &c->arena, &q->body.nf_profile);
    if (ok && q->callback.p && q->body.nf_instance_uri.p)
        call_notify(c);
    else
        call_done(c);
}
void nrf_tell(const struct nrf_profile *x, enum sbi_NotificationEventType event)
{
    LIST_EACH(l, &x->nrf->subscriptions)
    {
        struct nrf_subscription *s = CONTAINER(l, struct nrf_subscription, link);
        if (wants(&s->v, x, event))
            tell(s, x, event);
    }
}
