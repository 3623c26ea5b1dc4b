/* SPDX-License-Identifier: Apache-2.0 */
/* Nsmf_PDUSession_UpdateSMContext, TS 29.502 5.2.2.3: what the AMF brings becomes an event for the session. What a
 * 5GSM message must be to be one: TS 24.501 7. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"

static const struct bytes nothing = {NULL, 0};

/* A 5GSM message back, in the answer. */
static void answer_n1(struct call *c, struct bytes n1)
{
    smf_update_answer(&c, n1, nothing, 0, SBI_UpCnxState_OTHER);
}
/* By the request's own reject, or 5GSM STATUS. */
static void refuse_n1(struct smf_session *s, struct call *c, const struct nas_msg *m, uint8_t cause)
{
    LOG(s->smf->rt->log, nas_malformed, "ue=%s session=%u message=%u cause=%u why=%s",
        log_identity(s->smf->rt->log, smf_supi(s)).text, s->id, m->type, cause, nas_gsm_cause_text(cause));
    if (m->type == NAS_PDU_SESSION_MODIFICATION_REQUEST)
        answer_n1(c, smf_n1_reject(s->smf, m->pdu_session_id, m->pti, NAS_PDU_SESSION_MODIFICATION_REJECT, cause));
    else if (m->type == NAS_PDU_SESSION_RELEASE_REQUEST)
        answer_n1(c, smf_n1_reject(s->smf, m->pdu_session_id, m->pti, NAS_PDU_SESSION_RELEASE_REJECT, cause));
    else
        answer_n1(c, smf_n1_status(s->smf, m->pdu_session_id, m->pti, cause));
}

static bool is_request(uint8_t type)
{
    return type == NAS_PDU_SESSION_MODIFICATION_REQUEST || type == NAS_PDU_SESSION_RELEASE_REQUEST;
}
static bool is_answer(uint8_t type)
{
    return type == NAS_PDU_SESSION_MODIFICATION_COMPLETE || type == NAS_PDU_SESSION_MODIFICATION_COMMAND_REJECT ||
           type == NAS_PDU_SESSION_RELEASE_COMPLETE;
}
/* 7.3: 0, or the cause that says what is wrong with identities or type. */
static uint8_t n1_check(const struct smf_session *s, const struct nas_msg *m)
{
    if (m->type == NAS_PDU_SESSION_ESTABLISHMENT_REQUEST)
        return NAS_GSM_CAUSE_MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE;
    if (!is_request(m->type) && !is_answer(m->type) && m->type != NAS_GSM_STATUS) /* nor in this direction: 7.4 */
        return NAS_GSM_CAUSE_MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED;
    if (m->pti == 255 || (is_request(m->type) && m->pti == 0))
        return NAS_GSM_CAUSE_INVALID_PTI_VALUE;
    if (m->pdu_session_id != s->id)
        return NAS_GSM_CAUSE_INVALID_PDU_SESSION_IDENTITY;
    return 0;
}

/* 6.5.3: the UE did not understand us. A session that it does not know is released, so that its gNB learns of it. */
static void status_take(struct smf_session *s, struct call *c, const struct nas_msg *m)
{
    uint8_t cause = m->gsm_status.gsm_cause;
    bool unknown = cause == NAS_GSM_CAUSE_INVALID_PDU_SESSION_IDENTITY;
    bool stray = cause == NAS_GSM_CAUSE_PTI_MISMATCH || cause == NAS_GSM_CAUSE_INVALID_PTI_VALUE;
    enum smf_running running = s->proc ? (enum smf_running)s->running : SMF_RUN_NONE;
    LOG(s->smf->rt->log, nas_state, "ue=%s session=%u message=status cause=%u why=%s",
        log_identity(s->smf->rt->log, smf_supi(s)).text, s->id, cause, nas_gsm_cause_text(cause));
    if (running == SMF_RUN_RELEASE && (unknown || stray)) { /* as good as the answer */
        smf_collide(s, &(struct smf_input){.event = SMF_EV_N1_ANSWER, .call = c, .n1 = m});
        return;
    }
    smf_answer(&c, 204);
    if (unknown || (stray && running == SMF_RUN_ESTABLISHMENT))
        smf_collide(s, &(struct smf_input){.event = SMF_EV_NETWORK_RELEASE});
    else if (stray && running == SMF_RUN_MODIFICATION)
        proc_abort(s->proc);
}

static void n1_take(struct smf_session *s, struct call *c, struct bytes n1)
{
    struct arena a = arena_over(s->smf->scratch, SMF_SCRATCH_OCTETS);
    struct nas_report report = {0};
    struct nas_msg m = {0};
    int err = nas_decode(n1, &a, &m, &report);
    uint8_t cause = err == ERR_NOSPACE ? NAS_GSM_CAUSE_SEMANTICALLY_INCORRECT_MESSAGE : report.cause;
    if (m.epd != NAS_EPD_SM) /* nothing that could be answered */
        err = ERR_SYNTAX, cause = 0;
    if (!err)
        cause = n1_check(s, &m);
    if ((err && !cause) || (cause && m.type == NAS_GSM_STATUS)) { /* 7.2: to be ignored; a STATUS is never answered */
        smf_answer(&c, 204);
        return;
    }
    if (err || cause) {
        refuse_n1(s, c, &m, cause);
        return;
    }
    if (m.type == NAS_GSM_STATUS) {
        status_take(s, c, &m);
        return;
    }
    struct smf_input in = {.event = SMF_EV_N1_ANSWER, .call = c, .n1 = &m};
    if (is_request(m.type))
        in.event = m.type == NAS_PDU_SESSION_RELEASE_REQUEST ? SMF_EV_N1_RELEASE : SMF_EV_N1_MODIFY;
    smf_collide(s, &in);
}

/* 7.3.1: an answer to nothing that is under way. */
void smf_n1_answer_late(struct smf_session *s, const struct smf_input *in)
{
    if (in->n1->pti)
        refuse_n1(s, in->call, in->n1, NAS_GSM_CAUSE_PTI_MISMATCH);
    else
        call_reply(in->call, 204);
}
/* The same while a procedure with another PTI runs. */
bool smf_n1_is_stray(struct smf_session *s, const struct smf_input *in, uint8_t pti)
{
    if (in->event != SMF_EV_N1_ANSWER || in->n1->type == NAS_GSM_STATUS || !in->n1->pti || in->n1->pti == pti)
        return false;
    refuse_n1(s, in->call, in->n1, NAS_GSM_CAUSE_PTI_MISMATCH);
    return true;
}

static void n2_take(struct smf_session *s, struct call *c, const struct sbi_SmContextUpdateData *b)
{
    struct smf_input in = {.event = SMF_EV_N2_ANSWER, .call = c, .n2 = b->n2_sm_info, .n2_type = b->n2_sm_info_type};
    switch (b->has.n2_sm_info_type ? b->n2_sm_info_type : SBI_N2SmInfoType_OTHER) {
    case SBI_N2SmInfoType_PDU_RES_SETUP_RSP:
    case SBI_N2SmInfoType_PDU_RES_SETUP_FAIL:
    case SBI_N2SmInfoType_PDU_RES_MOD_RSP:
    case SBI_N2SmInfoType_PDU_RES_MOD_FAIL:
    case SBI_N2SmInfoType_PDU_RES_REL_RSP: smf_collide(s, &in); break;
    case SBI_N2SmInfoType_PDU_RES_NTY_REL: /* the gNB gave up the session's resources */
        in.event = SMF_EV_UP_OFF;
        smf_collide(s, &in);
        break;
    case SBI_N2SmInfoType_PDU_RES_NTY: smf_answer(&c, 204); break;
    default:
        call_problem(c, 403, "N2_SM_ERROR", "handover, path switch and changes that the gNB asks for are not supported");
    }
}

void smf_update(void *state, struct call *c)
{
    struct smf *smf = state;
    const SBI_REQ(nsmf_pdusession_update) *q = c->req;
    const struct sbi_SmContextUpdateData *b = &q->body;
    struct smf_session *s = smf_session_by_ref(smf, q->sm_context_ref);
    struct smf_input in = {.call = c};
    smf_config_follow(smf);
    if (!s) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    bool is_news = s->unconfirmed; /* since a restart: the user plane is off, as the AMF may be about to say */
    s->unconfirmed = false;
    if (b->has.release && b->release) /* TS 23.502 4.3.4.2 step 1d: at the phone and its gNB as well */
        in.event = SMF_EV_NETWORK_RELEASE;
    else if (b->has.n1_sm_msg)
        return n1_take(s, c, b->n1_sm_msg);
    else if (b->has.n2_sm_info || b->has.n2_sm_info_type)
        return n2_take(s, c, b);
    else if (b->has.up_cnx_state && b->up_cnx_state == SBI_UpCnxState_ACTIVATING)
        in.event = SMF_EV_UP_ON;
    else if (b->has.up_cnx_state && b->up_cnx_state == SBI_UpCnxState_DEACTIVATED && is_news &&
             s->up_state == SMF_UP_OFF)
        return smf_update_answer(&c, nothing, nothing, 0, SBI_UpCnxState_DEACTIVATED);
    else if (b->has.up_cnx_state && b->up_cnx_state == SBI_UpCnxState_DEACTIVATED)
        in.event = SMF_EV_UP_OFF;
    else if (b->has.ho_state)
        return call_problem(c, 403, "N2_SM_ERROR", "handover is not supported");
    else
        return smf_answer(&c, 204); /* a new location or AMF: nothing depends on it */
    smf_collide(s, &in);
}
