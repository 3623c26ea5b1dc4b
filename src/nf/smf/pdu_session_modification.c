/* SPDX-License-Identifier: Apache-2.0 */
/* PDU session modification, TS 23.502 4.3.3.2, TS 24.501 6.3.2 and 6.4.2: by the UE (what changes no QoS), and by
 * the network when the PCF decided anew. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"

enum { T3591_EXPIRIES = 5 }; /* TS 24.501 table 10.3.2: sent again four times */
static const struct bytes nothing = {NULL, 0};

struct modification {
    struct smf_frame f;
    struct pfcp_call n4;
    struct call *transfer;
    uint64_t due_us; /* T3591, whatever arrives meanwhile */
    struct smf_ask ask;
    struct smf_qos qos; /* what it shall be */
    bool by_network, awaits_n1, awaits_n2, rejected;
    uint8_t pti, expiries;
};

/* The command in the answer to the AMF (step 3a) or by a message of its own (3b). */
static bool command_send(struct smf_session *s, struct modification *f)
{
    struct bytes n1 = smf_n1_modification_command(s, f->by_network ? NULL : &f->ask, f->pti,
                                                  f->by_network ? &f->qos : NULL);
    struct bytes n2 = f->awaits_n2 ? smf_n2_modify_request(s, &f->qos) : nothing;
    if (f->f.request && f->f.request->op == SBI_nsmf_pdusession_update) {
        smf_update_answer(&f->f.request, n1, n2, SBI_N2SmInfoType_PDU_RES_MOD_REQ, SBI_UpCnxState_OTHER);
        return true;
    }
    f->transfer = smf_n1n2_new(s, n1, n2, SBI_NgapIeType_PDU_RES_MOD_REQ);
    if (f->transfer)
        call_send(f->transfer, &f->f.p);
    return f->transfer != NULL;
}

static void answer_take(struct modification *f, const struct smf_input *in)
{
    if (smf_n1_is_stray(f->f.p.owner, in, f->pti))
        return;
    f->f.request = in->call;
    if (in->event == SMF_EV_N2_ANSWER) {
        f->awaits_n2 = false;
        f->rejected |= in->n2_type == SBI_N2SmInfoType_PDU_RES_MOD_FAIL;
    } else if (in->event == SMF_EV_N1_ANSWER && in->n1->type != NAS_PDU_SESSION_RELEASE_COMPLETE && in->n1->type != NAS_GSM_STATUS &&
               in->n1->pti == f->pti) {
        f->awaits_n1 = false;
        f->rejected |= in->n1->type == NAS_PDU_SESSION_MODIFICATION_COMMAND_REJECT;
    }
    smf_answer(&f->f.request, 204);
}

static void run(struct proc *p, const struct wake *w)
{
    struct modification *f = (struct modification *)p;
    struct smf_session *s = p->owner;
    PROC_BEGIN(p);
    p->result = PROC_FAILED;
    if (f->by_network) {
        STEP(p, "2a N4 rates");
        if (smf_n4_modify(&f->n4, p, s, SMF_N4_QOS, NULL, &f->qos) < 0)
            goto out;
        AWAIT_CALLS(p);
        if (!smf_n4_modified(&f->n4, s))
            goto out;
        if (s->anchor) {
            STEP(p, "2a N4 rates of the anchor");
            pfcp_call_drop(&f->n4);
            if (smf_n4_anchor_modify(&f->n4, p, s, SMF_N4_QOS, &f->qos) < 0)
                goto out;
            AWAIT_CALLS(p);
            if (!smf_n4_anchor_modified(&f->n4, s))
                goto out;
        }
        s->qos = f->qos;
        smf_session_changed(s);
        pfcp_call_drop(&f->n4);
    }
    f->awaits_n1 = true;
    f->awaits_n2 = f->by_network && s->up_state == SMF_UP_ON;
    while (f->awaits_n1 && f->expiries < T3591_EXPIRIES) {
        STEP(p, "3 command");
        if (!command_send(s, f))
            break;
        AWAIT_CALLS(p);
        if (f->transfer && !smf_was_transferred(f->transfer))
            break;
        call_done(f->transfer);
        f->transfer = NULL;
        f->due_us = p->rt->now_us + (uint64_t)s->smf->config->smf.t3591_ms * 1000;
        do {
            STEP(p, "4 answers");
            SMF_AWAIT_EVENT(s, p, f->due_us > p->rt->now_us ? f->due_us - p->rt->now_us : 1);
            if (w->kind == WAKE_EVENT)
                answer_take(f, w->data);
        } while (w->kind == WAKE_EVENT && (f->awaits_n1 || f->awaits_n2));
        f->expiries++;
    }
    if (!f->awaits_n1 && !f->rejected)
        p->result = PROC_OK;
out:;
    PROC_END(p);
}

static void ended(struct proc *p, int outcome)
{
    struct smf_session *s = p->owner;
    struct rt *rt = s->smf->rt;
    metric_add(rt->metrics, outcome == PROC_OK ? METRIC_session_modified : METRIC_session_modify_failed, 1);
    LOG(rt->log, session_modified, "ue=%s session=%u done=%u", log_identity(rt->log, smf_supi(s)).text, s->id,
        outcome == PROC_OK);
    smf_proc_ended(p, outcome);
}
static const struct proc_type type = {"PDU session modification", sizeof(struct modification), run, ended};

static void refuse(struct smf_session *s, const struct smf_input *in, uint8_t cause)
{
    struct call *c = in->call;
    metric_add(s->smf->rt->metrics, METRIC_session_modify_failed, 1);
    smf_update_answer(&c, smf_n1_reject(s->smf, s->id, in->n1->pti, NAS_PDU_SESSION_MODIFICATION_REJECT, cause), nothing,
                      0, SBI_UpCnxState_OTHER);
}

/* 6.4.2: there are no flows beside the default one, so a UE that asks for some is told that it has no such right. */
void smf_modification_start(struct smf_session *s, const struct smf_input *in)
{
    const struct nas_pdu_session_modification_request *q = &in->n1->pdu_session_modification_request;
    if (q->has.requested_qos_rules || q->has.requested_qos_flow_descriptions)
        return refuse(s, in, NAS_GSM_CAUSE_5GS_QOS_NOT_ACCEPTED);
    if (q->has.mapped_eps_bearer_contexts || q->has.requested_mbs_container || q->has.service_level_aa_container)
        return refuse(s, in, NAS_GSM_CAUSE_SERVICE_OPTION_NOT_SUPPORTED);
    struct modification *f = smf_proc_new(s, &type, SMF_RUN_MODIFICATION, in->call);
    if (!f)
        return;
    f->pti = f->ask.pti = in->n1->pti;
    f->ask.has_always_on = q->has.always_on_pdu_session_requested;
    if (q->has.extended_protocol_configuration_options)
        smf_ask_pco(&f->ask, &q->extended_protocol_configuration_options);
    if (q->has.integrity_protection_maximum_data_rate) { /* for the next setup of its resources */
        s->max_rate_ul = q->integrity_protection_maximum_data_rate >> 8 == 0xff;
        s->max_rate_dl = (q->integrity_protection_maximum_data_rate & 0xff) == 0xff;
        smf_session_changed(s);
    }
    proc_start(&f->f.p);
}

static bool qos_eq(const struct smf_qos *a, const struct smf_qos *b)
{
    return a->ambr_ul_bps == b->ambr_ul_bps && a->ambr_dl_bps == b->ambr_dl_bps && a->fiveqi == b->fiveqi &&
           a->arp_priority == b->arp_priority && a->arp_may_preempt == b->arp_may_preempt &&
           a->arp_preemptable == b->arp_preemptable;
}
/* The PCF decided anew, TS 29.512 4.2.3: Npcf_SMPolicyControl_UpdateNotify. The answer says that it was taken. */
void smf_policy_start(struct smf_session *s, const struct smf_input *in)
{
    struct call *c = in->call;
    struct smf_qos qos = s->qos;
    smf_qos_of_policy(&qos, &((SBI_REQ(npcf_sm_policy_update_notify) *)c->req)->body.sm_policy_decision);
    smf_answer(&c, 204);
    if (qos_eq(&qos, &s->qos))
        return;
    struct modification *f = smf_proc_new(s, &type, SMF_RUN_MODIFICATION, NULL);
    if (!f)
        return;
    f->by_network = true;
    f->qos = qos;
    proc_start(&f->f.p);
}

static struct smf_session *session_of(struct smf *smf, struct call *c)
{
    struct str path = call_callback_path(c);
    uint32_t n = SMF_REF_OCTETS - 1;
    if (!str_starts(path, "sm-policy/") || path.n < 10 + n)
        return NULL;
    return smf_session_by_ref(smf, (struct str){path.p + 10, n});
}
void smf_policy_notified(void *smf, struct call *c)
{
    struct smf_session *s = session_of(smf, c);
    struct smf_input in = {.event = SMF_EV_POLICY, .call = c};
    if (s)
        smf_collide(s, &in);
    else
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
}
/* Npcf_SMPolicyControl_UpdateNotify, policy association termination: the session ends, TS 29.512 4.2.4. */
void smf_policy_terminated(void *smf, struct call *c)
{
    struct smf_session *s = session_of(smf, c);
    struct smf_input in = {.event = SMF_EV_NETWORK_RELEASE};
    if (!s) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    call_reply(c, 204);
    s->release_cause = NAS_GSM_CAUSE_REACTIVATION_REQUESTED;
    smf_collide(s, &in);
}
