/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c - who built it, and who is it: what registers from elsewhere is asked about (spec/sbi/trust.def). What a profile
 * says, its vendorId and its addresses among it, is a claim. */
#include "base/err.h"
#include "base/log.h"
#include "nf/nrf/nrf.h"
#include "rt/config.h"
#include <stdio.h>

struct asking { /* frame */
    struct proc p;
    struct nrf *nrf;
    struct call *in, *call;
};
static bool is_on(const struct nrf *n) { return n->rt->config && n->rt->config->trust.mode != CONFIG_TRUST_MODE_OFF; }

static void run(struct proc *p, const struct wake *w)
{
    struct asking *f = (struct asking *)p;
    PROC_BEGIN(p);
    STEP(p, "trust decision");
    call_send(f->call, p);
    AWAIT_CALLS(p);
    const SBI_REQ(nnrf_nfm_register) *q = f->in->req;
    const SBI_RSP(trust_decide_connect) *d = call_ok(f->call) ? f->call->rsp : NULL;
    char why[512] = "the trust function does not answer";
    if (d && !d->permitted)
        str_copy(why, sizeof why, d->has.reasons && d->reasons.n ? d->reasons.p[0] : STR("no reason was given"));
    if (d ? d->permitted : f->nrf->rt->config->trust.mode == CONFIG_TRUST_MODE_OBSERVE) {
        nrf_register_go(f->nrf, f->in);
    } else {
        LOG(p->rt->log, nf_refused, "id=" STR_FMT " why=\"%s\"", STR_ARG(q->nf_instance_id), why);
        call_problem(f->in, 403, "INSUFFICIENT_PERMISSIONS", why);
    }
    f->in = NULL;
    PROC_END(p);
}
static void end(struct proc *p, int outcome)
{
    struct asking *f = (struct asking *)p;
    if (f->in)
        call_problem(f->in, 503, "INSUFFICIENT_RESOURCES", NULL);
}
static const struct proc_type ASKING = {"trust", sizeof(struct asking), run, end};

bool nrf_trust_asks(struct nrf *n, struct call *in)
{
    const SBI_REQ(nnrf_nfm_register) *r = in->req;
    if (!is_on(n))
        return false;
    struct asking *f = proc_new(n->rt, &ASKING, n);
    struct call *c = f ? call_new(n->rt, SBI_trust_decide_connect) : NULL;
    SBI_REQ(trust_decide_connect) *q = call_request(c);
    if (!q) {
        if (f)
            proc_abort(&f->p);
        call_problem(in, 503, "INSUFFICIENT_RESOURCES", NULL);
        return true;
    }
    q->body.kind = SBI_TrustKind_NF;
    q->body.node_id = arena_str(&c->arena, r->nf_instance_id);
    q->body.has.vendor_id = r->body.has.vendor_id && r->body.vendor_id.n == 6;
    q->body.vendor_id = arena_str(&c->arena, r->body.vendor_id);
    q->body.has.callback_uri = 1;
    q->body.callback_uri = call_callback_uri(n->rt, &c->arena, SBI_NF_NRF, "trust/" STR_FMT, STR_ARG(r->nf_instance_id));
    f->nrf = n;
    f->in = in;
    f->call = c;
    proc_start(&f->p);
    return true;
}

/* What has lost its permission is not found any more. */
void nrf_trust_changed(void *state, struct call *c)
{
    struct nrf *n = state;
    const SBI_REQ(trust_changed) *q = c->req;
    struct nrf_profile *x = q->body.decision.permitted ? NULL : nrf_find(n, q->body.node_id);
    if (x) {
        LOG(n->rt->log, nf_refused, "id=%s why=\"" STR_FMT "\"", x->id,
            STR_ARG(q->body.decision.has.reasons && q->body.decision.reasons.n ? q->body.decision.reasons.p[0] : STR("")));
        nrf_tell(x, SBI_NotificationEventType_NF_DEREGISTERED);
        nrf_profile_drop(x);
    }
    call_reply(c, 204);
}
void nrf_trust_gone(const struct nrf_profile *x)
{
    struct rt *rt = x->nrf->rt;
    struct call *c = is_on(x->nrf) && rt->nf[SBI_NF_TRUST] && !nrf_is_here(x->nrf, str_of(x->id)) ? call_new(rt, SBI_trust_gone) : NULL;
    SBI_REQ(trust_gone) *q = call_request(c);
    if (!q)
        return;
    q->body.kind = SBI_TrustKind_NF;
    q->body.node_id = arena_str(&c->arena, str_of(x->id));
    call_notify(c);
}
void nrf_trust_stop(struct nrf *n)
{
    LIST_EACH_SAFE(l, &n->rt->procs) {
        struct proc *p = CONTAINER(l, struct proc, on_rt);
        if (p->type == &ASKING && p->owner == n)
            proc_abort(p);
    }
}
