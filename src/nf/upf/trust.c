/* SPDX-License-Identifier: Apache-2.0 */
/* Who built the SMF: an association is accepted only as the trust function allows (spec/sbi/trust.def), since whoever owns
 * it sends subscribers' packets where he likes. The request waits for the decision. */
#include "nf/upf/state.h"
#include "rt/call.h"
#include <stdio.h>
#include <stdlib.h>

struct asking { /* frame */
    struct proc p;
    struct link link; /* upf.asking */
    struct upf *upf;
    struct call *call;
    struct net_addr peer;
    struct ref answer;
    char node[NODE_TEXT];
};
struct upf_trust { /* of an association that was asked about; its `user` */
    struct upf *upf;
    struct pfcp_assoc *assoc;
    bool refused; /* it lost its permission: no new sessions, and an end */
    struct timer drain;
    char node[NODE_TEXT];
};

static bool is_on(const struct upf *u) { return u->rt->config->trust.mode != CONFIG_TRUST_MODE_OFF; }
static bool is_enforced(const struct upf *u) { return u->rt->config->trust.mode == CONFIG_TRUST_MODE_ENFORCE; }
/* The SMF of this process; from outside nobody sends with an address of this machine. */
static bool is_here(const struct upf *u, const struct net_addr *peer)
{
    return u->rt->nf[SBI_NF_SMF] && addr_same_host(&u->rt->config->smf.n4_address, peer);
}

/* ---- what was decided about an association ---- */
static void forget(struct pfcp_assoc *a)
{
    struct upf_trust *x = a->user;
    if (!x)
        return;
    timer_stop(&x->upf->rt->timers, &x->drain);
    free(x);
    a->user = NULL;
}
static void keep(struct asking *f)
{
    struct pfcp_assoc *a = pfcp_assoc_find(&f->upf->pfcp, &f->peer);
    struct upf_trust *x = a ? calloc(1, sizeof *x) : NULL;
    if (!x)
        return;
    forget(a);
    x->upf = f->upf;
    x->assoc = a;
    memcpy(x->node, f->node, sizeof x->node);
    a->user = x;
}
void upf_trust_gone(struct upf *u, struct pfcp_assoc *a)
{
    struct upf_trust *x = a->user;
    struct call *c = x && u->rt->nf[SBI_NF_TRUST] ? call_new(u->rt, SBI_trust_gone) : NULL;
    SBI_REQ(trust_gone) *q = call_request(c);
    char host[NET_ADDR_TEXT];
    if (q) {
        q->body.kind = SBI_TrustKind_SMF;
        q->body.node_id = arena_str(&c->arena, str_of(x->node));
        q->body.has.peer_address = 1;
        q->body.peer_address = arena_str(&c->arena, str_of(addr_host_text(&a->peer, host)));
        call_notify(c);
    }
    forget(a);
}
bool upf_trust_refuses(const struct pfcp_assoc *a)
{
    const struct upf_trust *x = a->user;
    return x && x->refused;
}

/* ---- asking ---- */
static void run(struct proc *p, const struct wake *w)
{
    struct asking *f = (struct asking *)p;
    struct upf *u = f->upf;
    char why[512] = "the trust function does not answer", peer[NET_ADDR_TEXT];
    PROC_BEGIN(p);
    STEP(p, "trust decision");
    call_send(f->call, p);
    AWAIT_CALLS(p);
    const SBI_RSP(trust_decide_connect) *d = call_ok(f->call) ? f->call->rsp : NULL;
    bool permitted = d ? d->permitted && !(d->has.change_refused && d->change_refused) : !is_enforced(u);
    if (d && !permitted)
        str_copy(why, sizeof why, d->has.reasons && d->reasons.n ? d->reasons.p[0] : STR("no reason was given"));
    if (!permitted) {
        LOG(u->rt->log, smf_refused, "smf=%s node=%s why=\"%s\"", addr_text(&f->peer, peer), f->node, why);
        metric_add(u->rt->metrics, METRIC_pfcp_bad, 1);
        struct pfcp_assoc *a = pfcp_assoc_find(&u->pfcp, &f->peer);
        if (a) /* it goes with the refusal */
            upf_sessions_end(u, a);
    }
    int e = pfcp_setup_answer(&u->pfcp, f->answer, permitted ? PFCP_CAUSE_REQUEST_ACCEPTED : PFCP_CAUSE_REQUEST_REJECTED);
    if (e == OK && permitted)
        keep(f);
    PROC_END(p);
}
static void end(struct proc *p, int outcome) { list_remove(&((struct asking *)p)->link); }
static const struct proc_type ASKING = {"trust", sizeof(struct asking), run, end};
/* One that is asked about again: the older request is not answered. There are as many as associations at most. */
static void asking_stop(struct upf *u, const struct net_addr *peer)
{
    LIST_EACH_SAFE(l, &u->asking) {
        struct asking *f = CONTAINER(l, struct asking, link);
        if (!peer || addr_same_host(peer, &f->peer))
            proc_abort(&f->p);
    }
}

uint8_t upf_trust_ask(struct upf *u, const struct pfcp_in *in)
{
    char host[NET_ADDR_TEXT];
    if (!is_on(u) || is_here(u, &in->from))
        return PFCP_CAUSE_REQUEST_ACCEPTED;
    asking_stop(u, &in->from);
    upf_trust_gone(u, in->assoc);
    struct asking *f = proc_new(u->rt, &ASKING, u);
    struct call *c = f ? call_new(u->rt, SBI_trust_decide_connect) : NULL;
    SBI_REQ(trust_decide_connect) *q = call_request(c);
    if (!q) {
        proc_abort(f ? &f->p : NULL);
        upf_sessions_end(u, in->assoc);
        return PFCP_CAUSE_NO_RESOURCES_AVAILABLE;
    }
    addr_host_text(&in->from, host);
    if (pfcp_node_id_text(&in->assoc->node_id, f->node, sizeof f->node) <= 0)
        str_copy(f->node, sizeof f->node, str_of(host));
    q->body.kind = SBI_TrustKind_SMF;
    q->body.node_id = arena_str(&c->arena, str_of(f->node));
    q->body.has.peer_address = 1;
    q->body.peer_address = arena_str(&c->arena, str_of(host));
    q->body.has.callback_uri = 1;
    q->body.callback_uri = call_callback_uri(u->rt, &c->arena, SBI_NF_UPF, "trust/%s", host);
    uint8_t features[8];
    put_be64(features, in->assoc->cp_features);
    q->body.config = arena_bytes(&c->arena, features, sizeof features);
    q->body.has.config = q->body.config.p != NULL;
    q->body.has.started = 1;
    q->body.started = in->assoc->recovery;
    f->upf = u;
    f->peer = in->from;
    f->answer = in->answer;
    f->call = c;
    list_append(&u->asking, &f->link);
    proc_start(&f->p);
    return 0;
}
void upf_trust_stop(struct upf *u)
{
    uint32_t i = 0;
    asking_stop(u, NULL);
    for (struct pfcp_assoc *a; u->pfcp.rt && (a = slab_next(&u->pfcp.assocs, &i));)
        forget(a);
}

/* ---- the decision changes ---- */
static void drained(struct timer *t)
{
    struct upf_trust *x = CONTAINER(t, struct upf_trust, drain);
    struct upf *u = x->upf;
    char peer[NET_ADDR_TEXT];
    struct pfcp_assoc *a = x->assoc;
    LOG(u->rt->log, smf_refused, "smf=%s node=%s why=\"its time is over\"", addr_text(&a->peer, peer), x->node);
    upf_sessions_end(u, a); /* here: of one that does not answer no event tells that it is released */
    upf_trust_gone(u, a);
    pfcp_end(&u->pfcp, a);
}
void upf_op_trust_changed(void *state, struct call *c)
{
    struct upf *u = state;
    const SBI_REQ(trust_changed) *q = c->req;
    struct net_addr host = {0};
    char peer[NET_ADDR_TEXT];
    if (q->body.has.peer_address)
        addr_parse(&host, q->body.peer_address, 0);
    struct pfcp_assoc *a = host.family ? pfcp_assoc_find(&u->pfcp, &host) : NULL;
    struct upf_trust *x = a ? a->user : NULL;
    if (x && !q->body.decision.permitted && !x->refused) {
        uint32_t seconds = q->body.has.drain_s ? (uint32_t)q->body.drain_s : u->rt->config->trust.drain_s;
        const struct sbi_TrustDecision *d = &q->body.decision;
        struct str why = d->has.reasons && d->reasons.n ? d->reasons.p[0] : STR("no reason was given");
        LOG(u->rt->log, smf_refused, "smf=%s node=%s seconds=%u why=\"" STR_FMT "\"", addr_text(&a->peer, peer), x->node, seconds, STR_ARG(why));
        x->refused = true;
        timer_set(&u->rt->timers, &x->drain, u->rt->now_us + seconds * 1000000ull, drained);
    } else if (x && q->body.decision.permitted) {
        x->refused = false;
        timer_stop(&u->rt->timers, &x->drain);
    }
    call_reply(c, 204);
}
