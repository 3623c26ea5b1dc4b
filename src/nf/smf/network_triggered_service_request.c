/* SPDX-License-Identifier: Apache-2.0 */
/* Downlink data for a session without user plane, TS 23.502 4.2.3.3; and a tunnel that the gNB lost, TS 23.527
 * 5.3.2.1. */
#include "nf/smf/smf.h"
#include "base/err.h"

enum { QUIET_US = 10000000 }; /* between a paging that failed and the next */
static const struct bytes nothing = {NULL, 0};

struct trigger {
    struct smf_frame f;
    struct call *transfer;
    struct pfcp_call n4;
};

/* Step 3a. */
static struct call *transfer_new(struct smf_session *s)
{
    char ref[SMF_REF_OCTETS];
    s->leaves = false;
    struct call *c = smf_n1n2_new(s, nothing, smf_n2_setup_request(s), SBI_NgapIeType_PDU_RES_SETUP_REQ);
    if (!c)
        return NULL;
    struct sbi_N1N2MessageTransferReqData *b = &((SBI_REQ(namf_comm_n1n2_message_transfer) *)call_request(c))->body;
    smf_ref_text(s, ref);
    b->has.x5qi = b->has.arp = b->has.n1n2_failure_txf_notif_uri = 1;
    b->x5qi = s->qos.fiveqi;
    b->arp.priority_level = s->qos.arp_priority;
    b->arp.preempt_cap = s->qos.arp_may_preempt ? SBI_PreemptionCapability_MAY_PREEMPT
                                                : SBI_PreemptionCapability_NOT_PREEMPT;
    b->arp.preempt_vuln = s->qos.arp_preemptable ? SBI_PreemptionVulnerability_PREEMPTABLE
                                                 : SBI_PreemptionVulnerability_NOT_PREEMPTABLE;
    b->n1n2_failure_txf_notif_uri = call_callback_uri(s->smf->rt, &c->arena, SBI_NF_SMF, "transfer/%s", ref);
    return c;
}
static uint64_t quiet_us(const struct call *c)
{
    const SBI_ERR(namf_comm_n1n2_message_transfer) *e = c->err;
    bool said = e && e->has.err_info && e->err_info.has.retry_after && e->err_info.retry_after < 3600;
    return said ? (uint64_t)e->err_info.retry_after * 1000000 : QUIET_US;
}

static void data_run(struct proc *p, const struct wake *w)
{
    struct trigger *f = (struct trigger *)p;
    struct smf_session *s = p->owner;
    (void)w;
    PROC_BEGIN(p);
    STEP(p, "3 paging");
    if ((f->transfer = transfer_new(s))) {
        s->up_state = SMF_UP_ACTIVATING; /* the service request may overtake the answer */
        call_send(f->transfer, p);
        AWAIT_CALLS(p);
    }
    if (f->transfer && call_ok(f->transfer))
        goto out;
    s->up_state = SMF_UP_OFF;
    s->quiet_until_us = s->smf->rt->now_us + (f->transfer ? quiet_us(f->transfer) : QUIET_US);
    STEP(p, "5 what was kept is dropped"); /* so that the next packet tells again */
    do {
        if (smf_n4_modify(&f->n4, p, s, SMF_N4_DROP_BUFFERED, NULL, NULL) == OK)
            AWAIT_CALLS(p);
    } while (smf_n4_again(&f->n4, s));
out:;
    PROC_END(p);
}
static const struct proc_type data_type = {"downlink data", sizeof(struct trigger), data_run, smf_proc_ended};

static void drop_run(struct proc *p, const struct wake *w)
{
    struct trigger *f = (struct trigger *)p;
    (void)w;
    PROC_BEGIN(p);
    STEP(p, "what was kept is dropped");
    do {
        if (smf_n4_modify(&f->n4, p, p->owner, SMF_N4_DROP_BUFFERED, NULL, NULL) == OK)
            AWAIT_CALLS(p);
    } while (smf_n4_again(&f->n4, p->owner));
    PROC_END(p);
}
static const struct proc_type drop_type = {"downlink data given up", sizeof(struct trigger), drop_run, smf_proc_ended};

static void start(struct smf_session *s, const struct proc_type *type)
{
    struct trigger *f = smf_proc_new(s, type, SMF_RUN_USER_PLANE, NULL);
    if (f)
        proc_start(&f->f.p);
}

void smf_downlink_data_start(struct smf_session *s, const struct smf_input *in)
{
    (void)in;
    if (s->up_state != SMF_UP_OFF)
        return; /* it is on its way already */
    start(s, s->smf->rt->now_us < s->quiet_until_us ? &drop_type : &data_type);
}

/* Namf_Communication N1N2TransferFailureNotification: paging was in vain. */
void smf_transfer_failed(void *state, struct call *c)
{
    struct smf *smf = state;
    struct str path = call_callback_path(c);
    bool ours = str_starts(path, "transfer/");
    struct smf_session *s = ours ? smf_session_by_ref(smf, (struct str){path.p + 9, path.n - 9}) : NULL;
    if (!s) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    call_reply(c, 204);
    if (s->up_state != SMF_UP_ACTIVATING || s->proc)
        return;
    s->up_state = SMF_UP_OFF;
    s->quiet_until_us = smf->rt->now_us + QUIET_US;
    start(s, &drop_type);
}

static struct ngap_Cause lost_cause(void)
{
    return (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork,
                               .radioNetwork = NGAP_CauseRadioNetwork_release_due_to_5gc_generated_reason};
}
/* The gNB does not know the tunnel: what comes is kept, and the AMF has the gNB give up what it may still have.
 * The next packet makes a new one. */
static void lost_run(struct proc *p, const struct wake *w)
{
    struct trigger *f = (struct trigger *)p;
    struct smf_session *s = p->owner;
    (void)w;
    PROC_BEGIN(p);
    STEP(p, "N4 change");
    do {
        if (smf_n4_modify(&f->n4, p, s, SMF_N4_BUFFER, NULL, NULL) == OK)
            AWAIT_CALLS(p);
    } while (smf_n4_again(&f->n4, s));
    STEP(p, "resources of the gNB");
    s->up_state = SMF_UP_OFF;
    f->transfer = smf_n1n2_new(s, nothing, smf_n2_release_command(s->smf, lost_cause()),
                               SBI_NgapIeType_PDU_RES_REL_CMD);
    if (f->transfer) {
        struct sbi_N1N2MessageTransferReqData *b =
            &((SBI_REQ(namf_comm_n1n2_message_transfer) *)call_request(f->transfer))->body;
        b->has.skip_ind = 1;
        b->skip_ind = true;
        call_send(f->transfer, p);
        AWAIT_CALLS(p);
    }
    PROC_END(p);
}
static const struct proc_type lost_type = {"tunnel lost", sizeof(struct trigger), lost_run, smf_proc_ended};

void smf_tunnel_lost_start(struct smf_session *s, const struct smf_input *in)
{
    (void)in;
    if (s->up_state == SMF_UP_ON)
        start(s, &lost_type);
}
