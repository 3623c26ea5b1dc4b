/* SPDX-License-Identifier: Apache-2.0 */
/* A UPF that restarted or was lost has no sessions any more, TS 23.527 4.3: each is set up again from what the SMF
 * holds, some at a time. The UPF chooses new tunnel ends, so what a gNB has is given up; the session stays, and the
 * next packet or service request brings its user plane back. */
#include "nf/smf/smf.h"
#include "base/err.h"

enum { RESTORE_AT_ONCE = 64 };
static const struct bytes nothing = {NULL, 0};

struct restoration {
    struct smf_frame f;
    struct smf_upf *upf;
    struct pfcp_call n4;
    struct call *transfer;
    bool had_tunnel;
};

static void run(struct proc *p, const struct wake *w)
{
    struct restoration *f = (struct restoration *)p;
    struct smf_session *s = p->owner;
    (void)w;
    PROC_BEGIN(p);
    p->result = PROC_FAILED;
    if (s->anchor) {
        STEP(p, "N4 session of the anchor");
        if (smf_n4_anchor_establish(&f->n4, p, s) < 0)
            goto out;
        AWAIT_CALLS(p);
        if (!smf_n4_anchor_established(&f->n4, s))
            goto out;
        pfcp_call_drop(&f->n4);
    }
    STEP(p, "N4 session");
    do {
        if (smf_n4_establish(&f->n4, p, s) < 0)
            goto out;
        AWAIT_CALLS(p);
    } while (smf_n4_again(&f->n4, s));
    if (!smf_n4_established(&f->n4, s))
        goto out;
    if (s->anchor) {
        STEP(p, "N9 of the anchor");
        pfcp_call_drop(&f->n4);
        if (smf_n4_anchor_modify(&f->n4, p, s, SMF_N4_FORWARD, NULL) < 0)
            goto out;
        AWAIT_CALLS(p);
        if (!smf_n4_anchor_modified(&f->n4, s))
            goto out;
    }
    p->result = PROC_OK;
    if (!f->had_tunnel)
        goto out;
    STEP(p, "resources of the gNB");
    f->transfer = smf_n1n2_new(
        s, nothing,
        smf_n2_release_command(s->smf, (struct ngap_Cause){.sel = NGAP_Cause_transport,
                                                           .transport = NGAP_CauseTransport_unspecified}),
        SBI_NgapIeType_PDU_RES_REL_CMD);
    if (f->transfer) {
        call_send(f->transfer, p);
        AWAIT_CALLS(p);
    }
out:;
    PROC_END(p);
}

static void ended(struct proc *p, int outcome)
{
    struct restoration *f = (struct restoration *)p;
    struct smf_session *s = p->owner;
    struct smf_upf *u = f->upf, *behind = s->anchor ? s->anchor->upf : NULL;
    u->restoring--;
    if (behind)
        behind->restoring--;
    s->not_restored = outcome == PROC_FAILED;
    smf_proc_ended(p, outcome);
    if (outcome == PROC_FAILED && !u->restore && !(behind && behind->restore)) { /* it refuses; a UPF that is away again is tried again */
        s->release_cause = NAS_GSM_CAUSE_REACTIVATION_REQUESTED;
        s->pending |= SMF_PENDING_RELEASE;
        smf_session_kick(s);
    }
    if (outcome == PROC_ABORTED)
        return;
    smf_restore(u);
    if (behind)
        smf_restore(behind);
}
static const struct proc_type type = {"restoration", sizeof(struct restoration), run, ended};

void smf_restoration_start(struct smf_session *s, const struct smf_input *in)
{
    (void)in;
    if (smf_has_n4(s) || !s->upf)
        return;
    if (s->anchor && !(smf_upf_may_serve(s->upf) && smf_upf_may_serve(s->anchor->upf)))
        return; /* when the other is up */
    if (s->anchor) /* what one of them still has refers to what the other lost */
        smf_n4_delete_notify(s);
    struct restoration *f = smf_proc_new(s, &type, SMF_RUN_RESTORATION, NULL);
    if (!f)
        return;
    f->upf = s->upf;
    f->upf->restoring++;
    if (s->anchor)
        s->anchor->upf->restoring++;
    f->had_tunnel = s->up_state != SMF_UP_OFF;
    s->up_state = SMF_UP_OFF;
    proc_start(&f->f.p);
}

/* Called when the UPF is up again, and by each restoration that ends. */
void smf_restore(struct smf_upf *u)
{
    struct smf *smf = u->smf;
    if (!smf_upf_may_serve(u)) /* one that failed because the UPF is away: all are put back when it is up */
        return;
    if (u->restore) { /* from the start: nothing is there */
        uint32_t i = 0;
        for (struct smf_session *s; (s = slab_next(&smf->sessions, &i));)
            if (s->state != SMF_ACTIVE)
                continue;
            else if (s->upf == u)
                s->up_seid = 0;
            else if (s->anchor && s->anchor->upf == u)
                s->anchor->up_seid = 0;
        u->restore = false;
        u->restore_next = 0;
    }
    if (u->is_walking) /* one that ends at once comes here from within */
        return;
    u->is_walking = true;
    while (u->assoc && u->assoc->is_up && u->restoring < RESTORE_AT_ONCE) {
        struct smf_session *s = slab_next(&smf->sessions, &u->restore_next);
        if (!s)
            break;
        if ((s->upf == u || (s->anchor && s->anchor->upf == u)) && !smf_has_n4(s) && s->state == SMF_ACTIVE)
            smf_collide(s, &(struct smf_input){.event = SMF_EV_RESTORE});
    }
    u->is_walking = false;
}
