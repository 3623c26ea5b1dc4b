/* SPDX-License-Identifier: Apache-2.0 */
/* Namf_Communication_N1N2MessageTransfer, TS 29.518 5.2.2.3.1, and the SMF's word that a session has ended. */
#include "nf/amf/session.h"
#include "base/err.h"

/* What the body holds for a session; false: not what this AMF delivers. */
static bool take(const struct sbi_N1N2MessageTransferReqData *d, struct sm_message *m, int64_t *id)
{
    const struct sbi_N2SmInformation *sm = &d->n2_info_container.sm_info;
    *m = (struct sm_message){0};
    *id = d->has.pdu_session_id ? d->pdu_session_id : 0;
    if (d->has.n1_message_container) {
        if (d->n1_message_container.n1_message_class != SBI_N1MessageClass_SM)
            return false;
        m->n1 = d->n1_message_container.n1_message_content;
    }
    if (d->has.n2_info_container) {
        const struct sbi_N2InfoContent *c = &sm->n2_info_content;
        if (d->n2_info_container.n2_information_class != SBI_N2InformationClass_SM ||
            !d->n2_info_container.has.sm_info || !sm->has.n2_info_content || !c->has.ngap_ie_type)
            return false;
        m->n2 = c->ngap_data;
        m->n2_type = (uint8_t)c->ngap_ie_type;
        *id = sm->pdu_session_id;
    }
    bool known = m->n2_type == SBI_NgapIeType_PDU_RES_SETUP_REQ || m->n2_type == SBI_NgapIeType_PDU_RES_MOD_REQ ||
                 m->n2_type == SBI_NgapIeType_PDU_RES_REL_CMD;
    return (m->n1.n || m->n2.n) && (!m->n2.n || known) && *id >= 1 && *id <= 15;
}

/* Something more urgent is being delivered: 5.2.2.3.1.2 step 2b. */
static bool more_urgent_waits(const struct amf_ue *ue, uint8_t arp)
{
    LIST_EACH (it, &ue->sessions) {
        const struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if (ue->is_paged && (s->n1 || s->n2) && s->arp && (!arp || arp > s->arp))
            return true;
    }
    return false;
}
static void reply(struct call *c, int status, enum sbi_N1N2MessageTransferCause cause, struct str location)
{
    SBI_RSP(namf_comm_n1n2_message_transfer) *r = c->rsp;
    r->cause = cause;
    r->has.location = location.n > 0;
    r->location = location;
    call_reply(c, status);
}
static void keep_failure(struct amf_session *s, const struct sbi_N1N2MessageTransferReqData *d)
{
    if (d->has.n1n2_failure_txf_notif_uri)
        s->failure = amf_blob_new((struct bytes){(const uint8_t *)d->n1n2_failure_txf_notif_uri.p,
                                                 d->n1n2_failure_txf_notif_uri.n});
}

static void transfer(struct call *c, struct amf_session *s, const struct sm_message *m)
{
    const SBI_REQ(namf_comm_n1n2_message_transfer) *q = c->req;
    struct amf_ue *ue = s->ue;
    uint8_t arp = q->body.has.arp ? (uint8_t)q->body.arp.priority_level : 0;
    bool idle = !ue->conn;
    if (idle && q->body.has.skip_ind && q->body.skip_ind) {
        reply(c, 200, SBI_N1N2MessageTransferCause_N1_MSG_NOT_TRANSFERRED, STR(""));
        return;
    }
    if (idle && !ue->ppf) {
        call_problem(c, 504, "UE_NOT_REACHABLE", "not heard of for longer than its periodic registration");
        return;
    }
    if (more_urgent_waits(ue, arp)) {
        call_problem(c, 409, "HIGHER_PRIORITY_REQUEST_ONGOING", NULL);
        return;
    }
    int e = sm_send(s, m);
    if (e >= 0) {
        reply(c, 200, SBI_N1N2MessageTransferCause_N1_N2_TRANSFER_INITIATED, STR(""));
        return;
    }
    if (e == ERR_STATE)
        e = sm_store(s, m);
    if (e < 0) {
        call_problem(c, 503, "INSUFFICIENT_RESOURCES", err_text(e));
        return;
    }
    keep_failure(s, &q->body);
    s->arp = arp;
    if (idle && (e = amf_page(ue)) < 0) {
        sm_drop_stored(s);
        call_problem(c, 504, "UE_NOT_REACHABLE", err_text(e));
        return;
    }
    struct str location = arena_printf(&c->arena, "%s/namf-comm/v1/ue-contexts/%s/n1-n2-messages/%u",
                                       c->rt->api_root, ue->supi, s->message_id);
    reply(c, 202, SBI_N1N2MessageTransferCause_ATTEMPTING_TO_REACH_UE, location);
    amf_sm_deliver(ue); /* connected and nothing runs: what is missing is the context in the gNB */
}
void amf_op_n1n2_transfer(void *state, struct call *c)
{
    struct amf *amf = state;
    const SBI_REQ(namf_comm_n1n2_message_transfer) *q = c->req;
    struct sm_message m;
    int64_t id;
    struct amf_ue *ue = amf_ue_by_supi(amf, q->ue_context_id);
    if (!amf_ue_is_registered(ue)) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    if (!take(&q->body, &m, &id)) {
        call_problem(c, 400, "MANDATORY_IE_INCORRECT", "SM messages of a session are delivered, and nothing else");
        return;
    }
    struct amf_session *s = amf_session_by_id(ue, (uint8_t)id);
    if (!s)
        call_problem(c, 404, "CONTEXT_NOT_FOUND", "no such session here");
    else
        transfer(c, s, &m);
}

/* TS 29.502 5.2.2.5, callback path "{supi}/sm/{id}". */
static struct amf_session *session_of(struct amf *amf, struct str path)
{
    const char *v = path.n > 4 ? memmem(path.p, path.n, "/sm/", 4) : NULL;
    if (!v)
        return NULL;
    const char *end = path.p + path.n;
    uint32_t id = 0;
    for (const char *p = v + 4; p < end && id < 16; p++)
        id = *p >= '0' && *p <= '9' ? id * 10 + (uint32_t)(*p - '0') : 16;
    struct amf_ue *ue = amf_ue_by_supi(amf, (struct str){path.p, (uint32_t)(v - path.p)});
    return ue && id <= 15 ? amf_session_by_id(ue, (uint8_t)id) : NULL;
}
void amf_op_session_status(void *state, struct call *c)
{
    const SBI_REQ(nsmf_pdusession_status_notify) *q = c->req;
    struct amf_session *s = session_of(state, call_callback_path(c));
    if (!s) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    if (q->body.status_info.resource_status == SBI_ResourceStatus_RELEASED && !s->is_creating) {
        sm_release_resources(s);
        amf_session_drop(s, false);
    }
    call_reply(c, 204);
}
