/* SPDX-License-Identifier: Apache-2.0 */
/* What an SMF sends to a phone and its gNB: DL NAS TRANSPORT (TS 24.501 5.4.5.3), PDU Session Resource Setup, Modify
 * and Release (TS 38.413 8.2), at once when the phone is connected, otherwise kept until it is. */
#include "nf/amf/session.h"
#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>

static void fill_n1(struct nas_msg *m, uint8_t id, struct bytes n1)
{
    nas_msg_init(m, NAS_DL_NAS_TRANSPORT);
    m->desc = nas_desc_of(NAS_EPD_MM, NAS_DL_NAS_TRANSPORT);
    m->dl_nas_transport.payload_container_type = NAS_PAYLOAD_N1_SM;
    m->dl_nas_transport.payload_container = n1;
    m->dl_nas_transport.has.pdu_session_id = 1;
    m->dl_nas_transport.pdu_session_id = id;
}
/* TS 24.501 8.2.11.5: with the causes that say "later". */
static bool has_back_off(uint8_t cause)
{
    return cause == NAS_GMM_CAUSE_CONGESTION || cause == NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE ||
           cause == NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN;
}
int sm_send_n1(struct amf_ue *ue, uint8_t id, struct bytes n1, uint8_t cause)
{
    struct nas_msg m;
    if (!ue || !ue->conn || ue->conn->is_releasing)
        return ERR_STATE;
    fill_n1(&m, id, n1);
    struct nas_dl_nas_transport *t = &m.dl_nas_transport;
    t->has.gmm_cause = cause != 0;
    t->gmm_cause = cause;
    t->has.back_off_timer_value = has_back_off(cause);
    t->back_off_timer_value = t->has.back_off_timer_value ? nas_timer3_of(amf_back_off_s(ue->conn)) : 0;
    return amf_nas_send(ue->conn, &m, NAS_CIPHERED);
}
/* The protected NAS PDU for an item of an NGAP message; p NULL: none, or it cannot be made. */
static struct bytes seal_n1(const struct amf_session *s, struct bytes n1)
{
    struct nas_msg m;
    if (!n1.n)
        return (struct bytes){NULL, 0};
    fill_n1(&m, s->id, n1);
    return amf_nas_seal(s->ue->conn, &m, NAS_CIPHERED);
}

/* ---- the three requests ---- */
static int send_setup(struct amf_session *s, struct bytes nas, struct bytes transfer)
{
    const struct amf_ue *ue = s->ue;
    struct ngap_PDUSessionResourceSetupItemSUReq item = {
        .pDUSessionID = s->id, .pDUSessionNAS_PDU = nas, .pDUSessionResourceSetupRequestTransfer = transfer};
    item.has.pDUSessionNAS_PDU = nas.p != NULL;
    amf_slice_ngap(&s->slice, &item.s_NSSAI);
    struct ngap_PDUSessionResourceSetupRequest m = {.AMF_UE_NGAP_ID = amf_conn_id(ue->conn),
                                                    .RAN_UE_NGAP_ID = ue->conn->ran_ue_id,
                                                    .PDUSessionResourceSetupListSUReq = {&item, 1}};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceSetupListSUReq = 1;
    if (ue->ambr_up_bps && ue->ambr_down_bps) {
        m.has.UEAggregateMaximumBitRate = 1;
        m.UEAggregateMaximumBitRate.uEAggregateMaximumBitRateDL = ue->ambr_down_bps;
        m.UEAggregateMaximumBitRate.uEAggregateMaximumBitRateUL = ue->ambr_up_bps;
    }
    int e = amf_gnb_send(s->amf, ue->conn->gnb, NGAP_MSG_PDUSessionResourceSetupRequest, &m, ue->conn->stream);
    s->setting_up = e >= 0;
    return e;
}
static int send_modify(struct amf_session *s, struct bytes nas, struct bytes transfer)
{
    const struct amf_conn *c = s->ue->conn;
    struct ngap_PDUSessionResourceModifyItemModReq item = {
        .pDUSessionID = s->id, .nAS_PDU = nas, .pDUSessionResourceModifyRequestTransfer = transfer};
    item.has.nAS_PDU = nas.p != NULL;
    struct ngap_PDUSessionResourceModifyRequest m = {.AMF_UE_NGAP_ID = amf_conn_id(c),
                                                     .RAN_UE_NGAP_ID = c->ran_ue_id,
                                                     .PDUSessionResourceModifyListModReq = {&item, 1}};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceModifyListModReq = 1;
    return amf_gnb_send(s->amf, c->gnb, NGAP_MSG_PDUSessionResourceModifyRequest, &m, c->stream);
}
static int send_release(struct amf_session *s, struct bytes nas, struct bytes transfer)
{
    const struct amf_conn *c = s->ue->conn;
    struct ngap_PDUSessionResourceToReleaseItemRelCmd item = {
        .pDUSessionID = s->id, .pDUSessionResourceReleaseCommandTransfer = transfer};
    struct ngap_PDUSessionResourceReleaseCommand m = {.AMF_UE_NGAP_ID = amf_conn_id(c),
                                                      .RAN_UE_NGAP_ID = c->ran_ue_id,
                                                      .NAS_PDU = nas,
                                                      .PDUSessionResourceToReleaseListRelCmd = {&item, 1}};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceToReleaseListRelCmd = 1;
    m.has.NAS_PDU = nas.p != NULL;
    s->up_active = s->setting_up = false;
    return amf_gnb_send(s->amf, c->gnb, NGAP_MSG_PDUSessionResourceReleaseCommand, &m, c->stream);
}
void sm_release_resources(struct amf_session *s)
{
    uint8_t octets[8];
    struct ngap_PDUSessionResourceReleaseCommandTransfer t = {
        .cause = {.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_normal_release}};
    if ((!s->up_active && !s->setting_up) || !s->ue || !s->ue->conn || s->ue->conn->is_releasing)
        return;
    int n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceReleaseCommandTransfer, &t, octets, sizeof octets);
    if (n > 0)
        send_release(s, (struct bytes){NULL, 0}, (struct bytes){octets, (uint32_t)n});
}

/* ---- may it be sent now ---- */
/* A configuration update does not hold up sessions (TS 24.501 5.4.4); all else comes first. */
static bool is_busy(const struct amf_conn *c)
{
    return c->proc && ((const struct amf_proc *)(const void *)c->proc)->kind != AMF_PROC_CONFIGURATION;
}
static bool can_send(const struct amf_ue *ue)
{
    const struct amf_conn *c = ue ? ue->conn : NULL;
    return c && c->is_secure && !c->is_releasing && !c->setting_up && !is_busy(c);
}
int sm_send(struct amf_session *s, const struct sm_message *m)
{
    if (!can_send(s->ue) || (m->n2.n && m->n2_type != SBI_NgapIeType_PDU_RES_REL_CMD && !s->ue->conn->has_context))
        return ERR_STATE;
    if (m->n2.n && m->n2_type == SBI_NgapIeType_PDU_RES_REL_CMD && !s->up_active && !s->setting_up && m->n1.n)
        return sm_send_n1(s->ue, s->id, m->n1, 0); /* the gNB has nothing to release */
    if (!m->n2.n)
        return sm_send_n1(s->ue, s->id, m->n1, 0);
    struct bytes nas = seal_n1(s, m->n1);
    if (m->n1.n && !nas.p)
        return ERR_STATE;
    switch (m->n2_type) {
    case SBI_NgapIeType_PDU_RES_SETUP_REQ:
        return send_setup(s, nas, m->n2);
    case SBI_NgapIeType_PDU_RES_MOD_REQ:
        return send_modify(s, nas, m->n2);
    case SBI_NgapIeType_PDU_RES_REL_CMD:
        return send_release(s, nas, m->n2);
    default:
        return ERR_UNSUPPORTED;
    }
}

/* ---- keeping it ---- */
static void drop(struct amf_blob **b)
{
    free(*b);
    *b = NULL;
}
void sm_drop_stored(struct amf_session *s)
{
    drop(&s->n1);
    drop(&s->n2);
    drop(&s->failure);
    s->arp = s->pages = 0;
    s->activating = false;
}
int sm_store(struct amf_session *s, const struct sm_message *m)
{
    struct amf_blob *n1 = m->n1.n ? amf_blob_new(m->n1) : NULL;
    struct amf_blob *n2 = m->n2.n ? amf_blob_new(m->n2) : NULL;
    if ((m->n1.n && !n1) || (m->n2.n && !n2)) {
        free(n1);
        free(n2);
        return ERR_NOSPACE;
    }
    sm_drop_stored(s);
    s->n1 = n1;
    s->n2 = n2;
    s->n2_type = m->n2_type;
    s->message_id = ++s->amf->ues->message_id;
    return OK;
}
void sm_store_failed(struct amf_session *s)
{
    struct rt *rt = s->amf->rt;
    struct call *c = s->failure ? call_new(rt, SBI_namf_comm_n1n2_transfer_failure_notify) : NULL;
    if (c) {
        SBI_REQ(namf_comm_n1n2_transfer_failure_notify) *q = call_request(c);
        struct bytes uri = amf_blob_bytes(s->failure);
        q->callback = arena_str(&c->arena, (struct str){(const char *)uri.p, uri.n});
        q->body.cause = SBI_N1N2MessageTransferCause_UE_NOT_RESPONDING;
        q->body.n1n2_msg_data_uri = arena_printf(&c->arena, "%s/namf-comm/v1/ue-contexts/%s/n1-n2-messages/%u",
                                                 rt->api_root, s->ue->supi, s->message_id);
        call_notify(c);
    }
    sm_drop_stored(s);
}
static struct sm_message stored(const struct amf_session *s)
{
    return (struct sm_message){amf_blob_bytes(s->n1), amf_blob_bytes(s->n2), s->n2_type};
}
int sm_put(struct amf_session *s, const struct sm_message *m)
{
    int e = sm_send(s, m);
    if (e != ERR_STATE)
        return e;
    e = sm_store(s, m);
    if (e >= 0 && s->ue)
        amf_sm_deliver(s->ue);
    if (e >= 0 && s->ue && !s->ue->conn)
        e = amf_page(s->ue);
    return e;
}

void amf_sm_deliver(struct amf_ue *ue)
{
    bool need_context = false;
    if (!can_send(ue))
        return;
    LIST_EACH (it, &ue->sessions) {
        struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if (!s->n1 && !s->n2)
            continue;
        struct sm_message m = stored(s);
        int e = sm_send(s, &m);
        if (e == ERR_STATE)
            need_context = true;
        else
            sm_drop_stored(s);
    }
    if (need_context && !ue->conn->has_context)
        amf_context_setup(ue->conn, (struct bytes){NULL, 0}, ue->allowed, ue->n_allowed);
}

/* ---- in an Initial Context Setup, TS 38.413 8.3.1 ---- */
static struct bytes copy(struct arena *a, struct bytes b) { return arena_bytes(a, b.p, b.n); }

static int setup_item(struct amf_session *s, struct arena *a, struct ngap_PDUSessionResourceSetupItemCxtReq *item)
{
    struct sm_message m = stored(s);
    item->pDUSessionID = s->id;
    item->pDUSessionResourceSetupRequestTransfer = copy(a, m.n2);
    amf_slice_ngap(&s->slice, &item->s_NSSAI);
    if (!item->pDUSessionResourceSetupRequestTransfer.p)
        return ERR_NOSPACE;
    if (m.n1.n) {
        item->nAS_PDU = copy(a, seal_n1(s, m.n1));
        item->has.nAS_PDU = 1;
        if (!item->nAS_PDU.p)
            return ERR_NOSPACE;
    }
    return OK;
}
int amf_sm_setup_list(struct amf_ue *ue, struct arena *a, struct ngap_PDUSessionResourceSetupListCxtReq *to)
{
    to->n = 0;
    to->v = arena_zero(a, AMF_SESSIONS_A_UE * sizeof *to->v);
    if (!to->v)
        return ERR_NOSPACE;
    LIST_EACH (it, &ue->sessions) {
        struct amf_session *s = CONTAINER(it, struct amf_session, on_ue);
        if (!s->n2 || s->n2_type != SBI_NgapIeType_PDU_RES_SETUP_REQ || to->n == AMF_SESSIONS_A_UE)
            continue;
        int e = setup_item(s, a, &to->v[to->n]);
        if (e < 0)
            return e;
        to->n++;
        s->setting_up = true;
        sm_drop_stored(s);
    }
    return OK;
}
