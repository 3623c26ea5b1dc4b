/* SPDX-License-Identifier: Apache-2.0 */
/* PDU session release, TS 23.502 4.3.4.2, TS 24.501 6.3.3 and 6.4.3, TS 29.502 5.2.2.4. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"

enum { T3592_EXPIRIES = 5 }; /* TS 24.501 table 10.3.2: sent again four times */
static const struct bytes nothing = {NULL, 0};

enum release_by { BY_UE, BY_AMF, BY_NETWORK };
struct release {
    struct smf_frame f; /* request: what began it, then each update that brings an answer */
    struct pfcp_call n4;
    struct call *transfer;
    uint64_t due_us; /* T3592, whatever arrives meanwhile */
    uint8_t by, pti, cause;
    uint8_t expiries;
    bool awaits_n1, awaits_n2;
};

static void counted(struct smf_session *s, const char *by)
{
    struct rt *rt = s->smf->rt;
    metric_add(rt->metrics, METRIC_session_released, 1);
    LOG(rt->log, session_released, "ue=%s session=%u by=%s", log_identity(rt->log, smf_supi(s)).text, s->id, by);
}

static struct ngap_Cause release_cause(uint8_t gsm)
{
    struct ngap_Cause c = {.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_normal_release};
    if (gsm != NAS_GSM_CAUSE_REGULAR_DEACTIVATION)
        c = (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork,
                                .radioNetwork = NGAP_CauseRadioNetwork_release_due_to_5gc_generated_reason};
    return c;
}

/* Steps 3b and 3c: the command for the UE, and for the gNB when it has resources; in the answer to the AMF's
 * request where there is one, else by a message of its own. */
static bool command_send(struct smf_session *s, struct release *f)
{
    struct bytes n1 = smf_n1_release_command(s, f->pti, f->cause), n2 = nothing;
    if (f->awaits_n2)
        n2 = smf_n2_release_command(s->smf, release_cause(f->cause));
    if (f->f.request && f->f.request->op == SBI_nsmf_pdusession_update) {
        smf_update_answer(&f->f.request, n1, n2, SBI_N2SmInfoType_PDU_RES_REL_CMD, SBI_UpCnxState_OTHER);
        return true;
    }
    struct call *c = smf_n1n2_new(s, n1, n2, SBI_NgapIeType_PDU_RES_REL_CMD);
    if (!c)
        return false;
    SBI_REQ(namf_comm_n1n2_message_transfer) *q = call_request(c);
    q->body.has.skip_ind = 1; /* an idle UE is not paged for it: 4.3.4.2 step 3b */
    q->body.skip_ind = true;
    f->transfer = c;
    call_send(c, &f->f.p);
    return true;
}

/* Steps 4 to 10. True: an answer that this procedure takes. */
static void answer_take(struct release *f, const struct smf_input *in)
{
    if (smf_n1_is_stray(f->f.p.owner, in, f->pti))
        return;
    f->f.request = in->call;
    if (in->event == SMF_EV_UP_OFF || in->event == SMF_EV_N2_ANSWER)
        f->awaits_n2 = false;
    else if (in->n1->type == NAS_GSM_STATUS || /* it knows no such session, or no such command */
             (in->n1->type == NAS_PDU_SESSION_RELEASE_COMPLETE && in->n1->pti == f->pti))
        f->awaits_n1 = false;
    if (f->f.request)
        smf_answer(&f->f.request, 204);
}

static void run(struct proc *p, const struct wake *w)
{
    struct release *f = (struct release *)p;
    struct smf_session *s = p->owner;
    PROC_BEGIN(p);
    STEP(p, "2 N4 session");
    s->state = SMF_RELEASING;
    smf_session_row_delete(s);
    if (smf_n4_delete(&f->n4, p, s) == OK) {
        AWAIT_CALLS(p);
        if (smf_n4_deleted(&f->n4)) /* else it is tried on after the session's end */
            s->up_seid = 0;
        pfcp_call_drop(&f->n4);
    }
    if (f->by == BY_AMF)
        goto gone; /* the UE and the gNB know, or cannot be told */
    f->awaits_n1 = true;
    f->awaits_n2 = s->up_state != SMF_UP_OFF;
    s->up_state = SMF_UP_OFF;
    while (f->awaits_n1 && f->expiries < T3592_EXPIRIES) {
        STEP(p, "3 release command");
        if (!command_send(s, f))
            break;
        AWAIT_CALLS(p);
        if (f->transfer && !smf_was_transferred(f->transfer))
            break; /* the UE is not reachable: it learns when it comes back, by the PDU session status */
        call_done(f->transfer);
        f->transfer = NULL;
        f->due_us = p->rt->now_us + (uint64_t)s->smf->config->smf.t3592_ms * 1000;
        do {
            STEP(p, "4 answers");
            SMF_AWAIT_EVENT(s, p, f->due_us > p->rt->now_us ? f->due_us - p->rt->now_us : 1);
            if (w->kind == WAKE_EVENT)
                answer_take(f, w->data);
        } while (w->kind == WAKE_EVENT && (f->awaits_n1 || f->awaits_n2));
        f->expiries++;
    }
gone:
    counted(s, f->by == BY_UE ? "ue" : f->by == BY_AMF ? "amf" : "network");
    PROC_END(p);
}

static void ended(struct proc *p, int outcome)
{
    struct release *f = (struct release *)p;
    struct smf_session *s = p->owner;
    struct call *request = f->f.request;
    bool notify = f->by != BY_AMF;
    if (outcome == PROC_ABORTED) { /* by another release, or by a session that takes its place: it goes either way */
        if (f->by == BY_AMF)
            smf_answer(&f->f.request, 204);
        smf_proc_ended(p, outcome);
        return;
    }
    s->proc = NULL;
    if (request && request->op == SBI_nsmf_pdusession_update && f->by == BY_AMF)
        smf_update_answer(&request, nothing, nothing, 0, SBI_UpCnxState_OTHER);
    else
        smf_answer(&request, 204);
    smf_session_drop(s, notify); /* steps 11 to 13 */
}
static const struct proc_type type = {"PDU session release", sizeof(struct release), run, ended};

static void start(struct smf_session *s, struct call *request, enum release_by by, uint8_t pti, uint8_t cause)
{
    struct release *f = smf_proc_new(s, &type, SMF_RUN_RELEASE, request);
    if (!f)
        return;
    f->by = (uint8_t)by;
    f->pti = pti;
    f->cause = cause;
    proc_start(&f->f.p);
}

void smf_release_by_ue_start(struct smf_session *s, const struct smf_input *in)
{
    start(s, in->call, BY_UE, in->n1->pti, NAS_GSM_CAUSE_REGULAR_DEACTIVATION);
}
void smf_release_by_amf_start(struct smf_session *s, const struct smf_input *in)
{
    start(s, in->call, BY_AMF, 0, 0);
}
void smf_release_by_network_start(struct smf_session *s, const struct smf_input *in)
{
    uint8_t cause = s->release_cause ? s->release_cause : NAS_GSM_CAUSE_REGULAR_DEACTIVATION;
    start(s, in->call, BY_NETWORK, 0, cause);
}

/* Nsmf_PDUSession_ReleaseSMContext */
void smf_release(void *state, struct call *c)
{
    const SBI_REQ(nsmf_pdusession_release) *q = c->req;
    struct smf_session *s = smf_session_by_ref(state, q->sm_context_ref);
    if (!s) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    struct smf_input in = {.event = SMF_EV_RELEASE, .call = c};
    smf_collide(s, &in);
}
