/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp_assoc.c - associations, heartbeats and peers that restarted, TS 29.244 6.2.2 and 6.2.6
 * to 6.2.8. */
#include "proto/pfcp_node.h"
#include "base/err.h"

static void setup_send(struct pfcp_assoc *);
static void heartbeat_due(struct timer *);
static void setup_due(struct timer *t)
{
    setup_send(CONTAINER(t, struct pfcp_assoc, timer));
}

struct pfcp_assoc *pfcp_assoc_find(struct pfcp_node *n, const struct net_addr *host)
{
    uint32_t i = 0;
    for (struct pfcp_assoc *a; (a = slab_next(&n->assocs, &i));)
        if (addr_same_host(&a->peer, host))
            return a;
    return NULL;
}

static struct pfcp_assoc *assoc_new(struct pfcp_node *n, const struct net_addr *peer)
{
    struct pfcp_assoc *a = slab_new(&n->assocs);
    if (!a)
        return NULL;
    a->node = n;
    a->peer = *peer;
    a->peer.port = a->peer.port ? a->peer.port : PFCP_PORT;
    return a;
}

/* What is on its way would find another association under its pointer later. */
static void inflight_forget(struct pfcp_assoc *a)
{
    pfcp_forget(a->node, a->inflight);
    a->busy = false;
}

static void assoc_drop(struct pfcp_assoc *a)
{
    inflight_forget(a);
    timer_stop(&a->node->rt->timers, &a->timer);
    slab_drop(&a->node->assocs, a);
}

void pfcp_assoc_event(struct pfcp_assoc *a, enum pfcp_event e)
{
    struct pfcp_node *n = a->node;
    if (n->user.event)
        n->user.event(n->user.ctx, n, a, e);
}

static void node_id_keep(struct pfcp_assoc *a, const struct pfcp_node_id *id)
{
    a->node_id = *id;
    uint32_t k = id->fqdn.n < sizeof a->fqdn ? id->fqdn.n : sizeof a->fqdn;
    if (k)
        memcpy(a->fqdn, id->fqdn.p, k);
    a->node_id.fqdn = (struct str){(const char *)a->fqdn, k};
}

static void heartbeat_plan(struct pfcp_assoc *a)
{
    struct pfcp_node *n = a->node;
    if (n->config.heartbeat_us != UINT64_MAX)
        timer_set(&n->rt->timers, &a->timer, n->rt->now_us + n->config.heartbeat_us, heartbeat_due);
}
static void setup_plan(struct pfcp_assoc *a, uint64_t in_us)
{
    timer_set(&a->node->rt->timers, &a->timer, a->node->rt->now_us + in_us, setup_due);
}

static void assoc_up(struct pfcp_assoc *a)
{
    a->is_up = true;
    a->cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    heartbeat_plan(a);
    pfcp_assoc_event(a, PFCP_PEER_UP);
}

static void assoc_down(struct pfcp_assoc *a, enum pfcp_event e)
{
    bool was_up = a->is_up;
    a->is_up = false;
    timer_stop(&a->node->rt->timers, &a->timer);
    if (a->is_ours && e != PFCP_PEER_RELEASED)
        setup_plan(a, e == PFCP_PEER_RESTARTED ? 0 : a->node->config.retry_us);
    if (was_up || e == PFCP_PEER_REFUSED)
        pfcp_assoc_event(a, e);
}

/* TS 23.527 4: another time stamp than before means that the peer restarted in between. */
static void recovery_check(struct pfcp_assoc *a, uint32_t recovery)
{
    if (a->is_up && a->recovery != recovery)
        assoc_down(a, PFCP_PEER_RESTARTED);
}

/* ---- heartbeats ---- */

static void heartbeat_done(void *ctx, int err, const struct pfcp_msg *rsp,
                           const struct pfcp_report *report)
{
    struct pfcp_assoc *a = ctx;
    (void)report;
    a->busy = false;
    if (!a->is_up)
        return;
    if (err == ERR_TIMEOUT) {
        assoc_down(a, PFCP_PEER_LOST);
        return;
    }
    heartbeat_plan(a);
    if (rsp)
        recovery_check(a, rsp->heartbeat_response.recovery_time_stamp);
}

static void heartbeat_due(struct timer *t)
{
    struct pfcp_assoc *a = CONTAINER(t, struct pfcp_assoc, timer);
    struct pfcp_msg m = {.type = PFCP_HEARTBEAT_REQUEST};
    m.heartbeat_request.recovery_time_stamp = a->node->recovery;
    if (a->busy || pfcp_request(a->node, &a->peer, &m, heartbeat_done, a, &a->inflight)) {
        heartbeat_plan(a);
        return;
    }
    a->busy = true;
}

/* Answering twice does no harm, so nothing is kept. */
void pfcp_heartbeat_answer(struct pfcp_node *n, const struct net_addr *from,
                           const struct pfcp_msg *q)
{
    struct pfcp_msg m = {.type = PFCP_HEARTBEAT_RESPONSE, .seq = q->seq};
    struct pfcp_assoc *a = pfcp_assoc_find(n, from);
    uint32_t octets;
    m.heartbeat_response.recovery_time_stamp = n->recovery;
    pfcp_send(n, from, &m, &octets);
    if (a)
        recovery_check(a, q->heartbeat_request.recovery_time_stamp);
}

void pfcp_assoc_denied(struct pfcp_node *n, const struct net_addr *peer, uint64_t asked_us)
{
    struct pfcp_assoc *a = pfcp_assoc_find(n, peer);
    if (a && a->is_up && a->is_ours && asked_us > a->setup_us)
        assoc_down(a, PFCP_PEER_RESTARTED);
}

/* ---- setup by us ---- */

static void setup_done(void *ctx, int err, const struct pfcp_msg *rsp,
                       const struct pfcp_report *report)
{
    struct pfcp_assoc *a = ctx;
    (void)report;
    a->busy = false;
    if (err || !pfcp_is_accepted(rsp->association_setup_response.cause)) {
        a->cause = rsp ? rsp->association_setup_response.cause : 0;
        assoc_down(a, PFCP_PEER_REFUSED);
        return;
    }
    const struct pfcp_association_setup_response *r = &rsp->association_setup_response;
    node_id_keep(a, &r->node_id);
    a->recovery = r->recovery_time_stamp;
    a->up_features = r->up_function_features;
    a->cp_features = r->cp_function_features;
    assoc_up(a);
}

static void setup_send(struct pfcp_assoc *a)
{
    struct pfcp_node *n = a->node;
    struct pfcp_msg m = {.type = PFCP_ASSOCIATION_SETUP_REQUEST};
    struct pfcp_association_setup_request *q = &m.association_setup_request;
    q->node_id = n->config.node_id;
    q->recovery_time_stamp = n->recovery;
    q->has.up_function_features = n->config.is_up;
    q->has.cp_function_features = !n->config.is_up;
    q->up_function_features = q->cp_function_features = n->config.features;
    if (a->busy || pfcp_request(n, &a->peer, &m, setup_done, a, &a->inflight))
        setup_plan(a, n->config.retry_us);
    else {
        a->busy = true;
        a->setup_us = n->rt->now_us;
    }
}

int pfcp_associate(struct pfcp_node *n, const struct net_addr *peer, struct pfcp_assoc **out)
{
    struct pfcp_assoc *a = pfcp_assoc_find(n, peer);
    if (!a)
        a = assoc_new(n, peer);
    if (!a)
        return ERR_FULL;
    a->is_ours = true;
    if (out)
        *out = a;
    if (!a->is_up && !a->busy)
        setup_plan(a, 0);
    return OK;
}

/* ---- release ---- */

static void release_done(void *ctx, int err, const struct pfcp_msg *rsp,
                         const struct pfcp_report *report)
{
    struct pfcp_assoc *a = ctx;
    (void)err, (void)rsp, (void)report;
    a->busy = false;
    assoc_down(a, PFCP_PEER_RELEASED);
    assoc_drop(a);
}

int pfcp_release(struct pfcp_node *n, struct pfcp_assoc *a)
{
    struct pfcp_msg m = {.type = PFCP_ASSOCIATION_RELEASE_REQUEST};
    m.association_release_request.node_id = n->config.node_id;
    a->is_ours = false;
    inflight_forget(a);
    timer_stop(&n->rt->timers, &a->timer);
    int err = pfcp_request(n, &a->peer, &m, release_done, a, &a->inflight);
    a->busy = err == OK;
    return err;
}

/* ---- what peers ask ---- */

static int setup_answer_send(struct pfcp_node *n, struct ref answer, uint8_t cause)
{
    struct pfcp_msg m = {.type = PFCP_ASSOCIATION_SETUP_RESPONSE};
    struct pfcp_association_setup_response *r = &m.association_setup_response;
    r->node_id = n->config.node_id;
    r->cause = cause;
    r->recovery_time_stamp = n->recovery;
    r->has.up_function_features = n->config.is_up;
    r->has.cp_function_features = !n->config.is_up;
    r->up_function_features = r->cp_function_features = n->config.features;
    return pfcp_answer(n, answer, &m);
}

int pfcp_setup_answer(struct pfcp_node *n, struct ref answer, uint8_t cause)
{
    struct pfcp_reply *reply = slab_get(&n->answers, answer);
    if (!reply)
        return ERR_NOTFOUND;
    struct pfcp_assoc *a = pfcp_assoc_find(n, &reply->from);
    if (!a)
        return ERR_STATE;
    int err = setup_answer_send(n, answer, cause);
    if (err)
        return err;
    if (pfcp_is_accepted(cause))
        assoc_up(a);
    else if (a->is_ours)
        setup_plan(a, n->config.retry_us);
    else
        assoc_drop(a);
    return OK;
}

/* 6.2.6.3: a setup for an association that exists takes its place, and the sessions of the old one
 * are gone. */
static void setup_take(struct pfcp_node *n, const struct pfcp_in *in)
{
    const struct pfcp_association_setup_request *q = &in->msg->association_setup_request;
    struct pfcp_assoc *a = in->assoc;
    if (a && a->is_up)
        assoc_down(a, PFCP_PEER_RESTARTED);
    if (!a)
        a = assoc_new(n, &in->from);
    if (!a) {
        setup_answer_send(n, in->answer, PFCP_CAUSE_NO_RESOURCES_AVAILABLE);
        return;
    }
    inflight_forget(a);
    timer_stop(&n->rt->timers, &a->timer);
    if (!a->is_ours)
        a->peer.port = PFCP_PORT; /* where requests go, wherever theirs came from */
    node_id_keep(a, &q->node_id);
    a->recovery = q->recovery_time_stamp;
    a->up_features = q->up_function_features;
    a->cp_features = q->cp_function_features;
    struct pfcp_in known = {in->from, a, in->msg, in->answer};
    uint8_t cause =
        n->user.setup ? n->user.setup(n->user.ctx, n, &known) : PFCP_CAUSE_REQUEST_ACCEPTED;
    if (cause)
        pfcp_setup_answer(n, in->answer, cause);
}

/* Graceful Release Period, 8.2.79: a value and its unit. */
static uint64_t period_us(uint64_t ie)
{
    static const uint64_t unit_s[] = {2, 60, 600, 3600, 36000, 60, 60};
    uint64_t unit = ie >> 5 & 7;
    return unit == 7 ? UINT64_MAX : (ie & 31) * unit_s[unit] * 1000000;
}

static void update_take(struct pfcp_node *n, const struct pfcp_in *in)
{
    const struct pfcp_association_update_request *q = &in->msg->association_update_request;
    struct pfcp_msg m = {.type = PFCP_ASSOCIATION_UPDATE_RESPONSE};
    m.association_update_response.node_id = n->config.node_id;
    m.association_update_response.cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    uint64_t up = in->assoc->up_features, cp = in->assoc->cp_features;
    if (q->has.up_function_features)
        in->assoc->up_features = q->up_function_features;
    if (q->has.cp_function_features)
        in->assoc->cp_features = q->cp_function_features;
    pfcp_answer(n, in->answer, &m);
    if (in->assoc->is_up && (in->assoc->up_features != up || in->assoc->cp_features != cp))
        pfcp_assoc_event(in->assoc, PFCP_PEER_CHANGED);
    if (n->config.is_up || !q->has.pfcp_association_release_request ||
        !(q->pfcp_association_release_request & PFCP_ASSOCIATION_RELEASE_SARR))
        return;
    in->assoc->leave_us = q->has.graceful_release_period ? period_us(q->graceful_release_period) : 0;
    pfcp_assoc_event(in->assoc, PFCP_PEER_LEAVING);
}

void pfcp_end(struct pfcp_node *n, struct pfcp_assoc *a)
{
    a->is_ours = false;
    assoc_down(a, PFCP_PEER_RELEASED);
    assoc_drop(a);
}
static void release_take(struct pfcp_node *n, const struct pfcp_in *in)
{
    struct pfcp_msg m = {.type = PFCP_ASSOCIATION_RELEASE_RESPONSE};
    m.association_release_response.node_id = n->config.node_id;
    m.association_release_response.cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    pfcp_answer(n, in->answer, &m);
    pfcp_end(n, in->assoc);
}

bool pfcp_assoc_request(struct pfcp_node *n, const struct pfcp_in *in)
{
    bool known = in->assoc && in->assoc->is_up;
    switch (in->msg->type) {
    case PFCP_ASSOCIATION_SETUP_REQUEST: setup_take(n, in); return true;
    case PFCP_ASSOCIATION_UPDATE_REQUEST:
    case PFCP_ASSOCIATION_RELEASE_REQUEST:
        if (!known)
            pfcp_refuse(n, in->answer, 0, PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION, 0);
        else if (in->msg->type == PFCP_ASSOCIATION_UPDATE_REQUEST)
            update_take(n, in);
        else
            release_take(n, in);
        return true;
    default: return false;
    }
}
