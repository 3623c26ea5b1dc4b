/* SPDX-License-Identifier: Apache-2.0 */
/* A classifier comes before the UPF of a session that is there, TS 23.502 4.3.5.4: when its phone asks for its user plane in the
 * area of one. No packet is on its way to the gNB then; what the anchor keeps goes to the classifier, which keeps it in its turn
 * until the gNB has answered. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"

struct insertion {
    struct smf_frame f;
    struct pfcp_call n4;
};

static void run(struct proc *p, const struct wake *w)
{
    struct insertion *f = (struct insertion *)p;
    struct smf_session *s = p->owner;
    (void)w;
    PROC_BEGIN(p);
    p->result = PROC_FAILED;
    STEP(p, "2 N4 session of the classifier");
    do {
        if (smf_n4_establish(&f->n4, p, s) < 0)
            goto out;
        AWAIT_CALLS(p);
    } while (smf_n4_again(&f->n4, s));
    if (!smf_n4_established(&f->n4, s))
        goto out;
    pfcp_call_drop(&f->n4);
    STEP(p, "3 N9 of the anchor");
    if (smf_n4_anchor_modify(&f->n4, p, s, SMF_N4_FORWARD, NULL) < 0)
        goto out;
    AWAIT_CALLS(p);
    if (smf_n4_anchor_modified(&f->n4, s))
        p->result = PROC_OK;
out:
    if (p->result != PROC_OK) /* the session goes on as it was; what the anchor kept may have gone */
        smf_classifier_turn_out(s);
    LOG(s->smf->rt->log, classifier_inserted, "ue=%s session=%u upf=" STR_FMT " done=%u", log_identity(s->smf->rt->log, smf_supi(s)).text,
        s->id, STR_ARG(s->upf->c->name), p->result == PROC_OK);
    smf_session_changed(s);
    if (!smf_has_n4(s)) /* a UPF restarted meanwhile, and this was in the way when its sessions were put back */
        s->pending |= SMF_PENDING_RESTORE;
    smf_activation_answer(s, &f->f.request); /* 4: the gNB learns the tunnel */
    PROC_END(p);
}
static const struct proc_type type = {"classifier insertion", sizeof(struct insertion), run, smf_proc_ended};

void smf_insertion_start(struct smf_session *s, struct smf_upf *u, struct call *request)
{
    if (smf_classifier_turn_in(s, u) < 0) {
        smf_activation_answer(s, &request);
        return;
    }
    struct insertion *f = smf_proc_new(s, &type, SMF_RUN_RESTORATION, request); /* as that, nothing may abort it half way */
    if (!f) { /* it has answered */
        smf_classifier_turn_out(s);
        return;
    }
    proc_start(&f->f.p);
}
