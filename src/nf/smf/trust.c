/* SPDX-License-Identifier: Apache-2.0 */
/* Who built the UPF: no session is placed on one before the trust function has decided (spec/sbi/trust.def), nor on one
 * that it refuses. */
#include "base/err.h"
#include "base/log.h"
#include "nf/smf/smf.h"
#include <stdio.h>

struct asking { /* frame */
    struct proc p;
    struct smf_upf *upf;
    struct call *call;
};
static bool is_on(const struct smf *smf) { return smf->config->trust.mode != CONFIG_TRUST_MODE_OFF; }
static bool is_enforced(const struct smf *smf) { return smf->config->trust.mode == CONFIG_TRUST_MODE_ENFORCE; }

static const char *take(struct smf_upf *u, const struct sbi_TrustDecision *d, char why[512])
{
    u->refused = !d->permitted || (d->has.change_refused && d->change_refused);
    u->no_protected = !d->permitted;
    for (uint32_t i = 0; d->has.conditions && i < d->conditions.n; i++)
        u->no_protected |= d->conditions.p[i] == SBI_TrustCondition_NO_PROTECTED;
    str_copy(why, 512, d->has.reasons && d->reasons.n ? d->reasons.p[0] : STR("no reason was given"));
    return why;
}
static struct str node_put(const struct smf_upf *u, struct arena *a)
{
    char text[NET_ADDR_TEXT];
    return arena_str(a, str_of(addr_host_text(&u->c->address, text)));
}

static bool permits(const struct smf_upf *u, bool is_protected) { return !u->refused && !(is_protected && u->no_protected); }
bool smf_trust_permits(const struct smf_session *s)
{
    return permits(s->upf, s->is_protected) && (!s->anchor || permits(s->anchor->upf, s->is_protected));
}
/* Sessions that may not be there are released, and the phones ask for new ones, which come to other UPFs. Those that are
 * being established see it at their end. */
static void sessions_release(struct smf_upf *u)
{
    struct smf_session *s;
    for (uint32_t i = 0; (s = slab_next(&u->smf->sessions, &i));)
        if (s->state == SMF_ACTIVE && (s->upf == u || (s->anchor && s->anchor->upf == u)) && !smf_trust_permits(s)) {
            s->release_cause = NAS_GSM_CAUSE_REACTIVATION_REQUESTED;
            smf_collide(s, &(struct smf_input){.event = SMF_EV_NETWORK_RELEASE});
        }
}
static void run(struct proc *p, const struct wake *w)
{
    struct asking *f = (struct asking *)p;
    struct smf *smf = f->upf->smf;
    char why[512];
    PROC_BEGIN(p);
    STEP(p, "trust decision");
    call_send(f->call, p);
    AWAIT_CALLS(p);
    if (!call_ok(f->call)) { /* nobody decides: not where that counts */
        f->upf->refused = is_enforced(smf);
        snprintf(why, sizeof why, "the trust function does not answer (%d)", f->call->status);
    } else {
        take(f->upf, f->call->rsp, why);
    }
    if (f->upf->refused) {
        LOG(smf->rt->log, upf_refused, "upf=" STR_FMT " why=\"%s\"", STR_ARG(f->upf->c->name), why);
    }
    sessions_release(f->upf);
    if (!f->upf->refused && f->upf->restore)
        smf_restore(f->upf);
    PROC_END(p);
}
static const struct proc_type ASKING = {"trust", sizeof(struct asking), run, NULL};

void smf_trust_ask(struct smf_upf *u)
{
    struct smf *smf = u->smf;
    u->refused = u->no_protected = false;
    if (!is_on(smf))
        return;
    struct asking *f = proc_new(smf->rt, &ASKING, smf);
    struct call *c = f ? call_new(smf->rt, SBI_trust_decide_connect) : NULL;
    SBI_REQ(trust_decide_connect) *q = call_request(c);
    u->refused = is_enforced(smf);
    if (!q) { /* asked again with the next association */
        if (f) {
            f->upf = u;
            proc_abort(&f->p);
        }
        return;
    }
    q->body.kind = SBI_TrustKind_UPF;
    q->body.node_id = q->body.peer_address = node_put(u, &c->arena);
    q->body.has.peer_address = 1;
    q->body.has.name = 1;
    q->body.name = arena_str(&c->arena, u->c->name);
    if (u->assoc) { /* other features are other software */
        uint8_t features[8];
        put_be64(features, u->assoc->up_features);
        q->body.config = arena_bytes(&c->arena, features, sizeof features);
        q->body.has.config = q->body.config.p != NULL;
        q->body.has.started = 1;
        q->body.started = u->assoc->recovery;
    }
    q->body.has.callback_uri = 1;
    q->body.callback_uri = call_callback_uri(smf->rt, &c->arena, SBI_NF_SMF, "trust/" STR_FMT, STR_ARG(q->body.node_id));
    f->upf = u;
    f->call = c;
    proc_start(&f->p);
}
void smf_trust_gone(struct smf_upf *u)
{
    struct smf *smf = u->smf;
    struct call *c = is_on(smf) && !u->refused && !smf->is_stopping ? call_new(smf->rt, SBI_trust_gone) : NULL;
    SBI_REQ(trust_gone) *q = call_request(c);
    if (!q)
        return;
    q->body.kind = SBI_TrustKind_UPF;
    q->body.node_id = q->body.peer_address = node_put(u, &c->arena);
    q->body.has.peer_address = 1;
    call_notify(c);
}
void smf_trust_stop(struct smf *smf)
{
    LIST_EACH_SAFE(l, &smf->rt->procs) {
        struct proc *p = CONTAINER(l, struct proc, on_rt);
        if (p->type == &ASKING && p->owner == smf)
            proc_abort(p);
    }
}

void smf_op_trust_changed(void *state, struct call *c)
{
    struct smf *smf = state;
    const SBI_REQ(trust_changed) *q = c->req;
    char node[NET_ADDR_TEXT], why[512];
    for (uint32_t i = 0; i < smf->n_upfs; i++) {
        struct smf_upf *u = &smf->upfs[i];
        if (!u->assoc || !str_is(q->body.node_id, addr_host_text(&u->c->address, node)))
            continue;
        bool was_refused = u->refused;
        take(u, &q->body.decision, why);
        if (!was_refused && u->refused)
            LOG(smf->rt->log, upf_refused, "upf=" STR_FMT " why=\"%s\"", STR_ARG(u->c->name), why);
        sessions_release(u);
        if (was_refused && !u->refused && u->restore)
            smf_restore(u);
    }
    call_reply(c, 204);
}
