/* SPDX-License-Identifier: Apache-2.0 */
/* nsmf_pdusession_update (TS 29.502 5.2.2.3): 5GSM messages of the phone and session resources of the gNB go to the
 * SMF; what it answers goes back. The handlers of TS 38.413 8.2 that bring the latter. */
#include "nf/amf/session.h"
#include "base/err.h"

struct update {
    struct sm_proc sp;
    struct call *c;
    bool from_phone;
};

struct call *sm_update_call(struct amf_session *s)
{
    char buf[BRIEF_BUF];
    struct call *c = call_new(s->amf->rt, SBI_nsmf_pdusession_update);
    if (!c)
        return NULL;
    SBI_REQ(nsmf_pdusession_update) *q = call_request(c);
    q->sm_context_ref = arena_str(&c->arena, brief_get(&s->sm_ref, buf));
    if (s->ue && s->ue->location.at_us) {
        q->body.has.ue_location = 1;
        amf_location_sbi(&s->ue->location, &c->arena, &q->body.ue_location);
    }
    return c;
}

/* The N2 information of an update's answer in the terms of a transfer. */
static bool transfer_type(enum sbi_N2SmInfoType t, uint8_t *to)
{
    if (t == SBI_N2SmInfoType_PDU_RES_SETUP_REQ)
        *to = SBI_NgapIeType_PDU_RES_SETUP_REQ;
    else if (t == SBI_N2SmInfoType_PDU_RES_MOD_REQ)
        *to = SBI_NgapIeType_PDU_RES_MOD_REQ;
    else if (t == SBI_N2SmInfoType_PDU_RES_REL_CMD)
        *to = SBI_NgapIeType_PDU_RES_REL_CMD;
    else
        return false;
    return true;
}
static void deliver_answer(struct amf_session *s, struct bytes n1, struct bytes n2, enum sbi_N2SmInfoType type)
{
    struct sm_message m = {.n1 = n1, .n2 = n2};
    if (m.n2.n && !transfer_type(type, &m.n2_type))
        m.n2 = (struct bytes){NULL, 0};
    if (m.n1.n || m.n2.n)
        sm_put(s, &m);
}
/* What the gNB set up is of no use when the SMF did not take it, or took it and nobody can tell: it goes on both sides
 * (TS 23.502 4.3.7), and the next packet or service request brings it back. */
static void not_taken(struct amf_session *s)
{
    sm_release_resources(s);
    s->up_active = false;
    sm_queue(s);
}
static void answered(struct update *f)
{
    struct amf_session *s = f->sp.s;
    const SBI_RSP(nsmf_pdusession_update) *r = f->c->rsp;
    const SBI_ERR(nsmf_pdusession_update) *e = f->c->err;
    const SBI_REQ(nsmf_pdusession_update) *q = f->c->req;
    bool gone = f->c->status == 404;
    struct amf_ue *ue = s->ue;
    uint8_t id = s->id;
    if (call_ok(f->c)) {
        deliver_answer(s, r->has.n1_sm_msg ? r->n1_sm_msg : (struct bytes){NULL, 0},
                       r->has.n2_sm_info ? r->n2_sm_info : (struct bytes){NULL, 0},
                       r->has.n2_sm_info_type ? r->n2_sm_info_type : SBI_N2SmInfoType_OTHER);
    } else if (e && (e->has.n1_sm_msg || e->has.n2_sm_info)) {
        deliver_answer(s, e->has.n1_sm_msg ? e->n1_sm_msg : (struct bytes){NULL, 0},
                       e->has.n2_sm_info ? e->n2_sm_info : (struct bytes){NULL, 0},
                       e->has.n2_sm_info_type ? e->n2_sm_info_type : SBI_N2SmInfoType_OTHER);
    } else if (!gone && q->body.has.n2_sm_info && q->body.n2_sm_info_type == SBI_N2SmInfoType_PDU_RES_SETUP_RSP) {
        not_taken(s);
    } else if (f->from_phone && q->body.n1_sm_msg.n) {
        sm_send_n1(ue, id, q->body.n1_sm_msg, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED);
    }
    if (!gone)
        return;
    list_remove(&f->sp.on_session); /* the record may not abort the one who drops it */
    sm_release_resources(s);
    amf_session_drop(s, false);
}
static void update_run(struct proc *p, const struct wake *w)
{
    struct update *f = (struct update *)p;
    PROC_BEGIN(p);
    AWAIT_CALLS(p);
    answered(f);
    PROC_END(p);
}
static void update_end(struct proc *p, int outcome) { sm_proc_ended((struct sm_proc *)p); }
static const struct proc_type UPDATE = {"session-update", sizeof(struct update), update_run, update_end};

int sm_update(struct amf_session *s, const struct sm_update *u)
{
    if (!brief_is_set(&s->sm_ref))
        return ERR_STATE;
    struct call *c = sm_update_call(s);
    if (!c)
        return ERR_NOSPACE;
    struct update *f = sm_proc_new(s, &UPDATE);
    if (!f) {
        call_done(c);
        return ERR_FULL;
    }
    SBI_REQ(nsmf_pdusession_update) *q = call_request(c);
    q->body.has.n1_sm_msg = u->n1.n > 0;
    q->body.n1_sm_msg = arena_bytes(&c->arena, u->n1.p, u->n1.n);
    q->body.has.n2_sm_info = q->body.has.n2_sm_info_type = u->n2.n > 0;
    q->body.n2_sm_info = arena_bytes(&c->arena, u->n2.p, u->n2.n);
    q->body.n2_sm_info_type = u->n2_type;
    f->c = c;
    q->body.has.release = q->body.release = u->release;
    f->from_phone = u->n1.n > 0;
    bool fits = q->body.n1_sm_msg.n == u->n1.n && q->body.n2_sm_info.n == u->n2.n;
    if (fits) {
        call_send(c, &f->sp.p);
        proc_start(&f->sp.p);
        return OK;
    }
    call_done(c);
    proc_abort(&f->sp.p);
    return ERR_NOSPACE;
}

/* ---- what gNBs say of session resources ---- */
static struct amf_session *session_of(const struct amf_n2_rx *rx, uint64_t id)
{
    return rx->conn->ue && id <= 15 ? amf_session_by_id(rx->conn->ue, (uint8_t)id) : NULL;
}
static void tell_smf(struct amf_session *s, struct bytes n2, enum sbi_N2SmInfoType type)
{
    if (s)
        sm_update(s, &(struct sm_update){.n2 = n2, .n2_type = type});
}
static void not_set_up(struct amf_session *s, struct bytes n2)
{
    if (!s || !s->setting_up)
        return;
    s->setting_up = s->up_active = false;
    tell_smf(s, n2, SBI_N2SmInfoType_PDU_RES_SETUP_FAIL);
}
/* A transfer that the gNB owes us: a session that it was asked to set up and did not speak of. */
static void not_answered(struct amf_session *s)
{
    uint8_t octets[16];
    struct ngap_PDUSessionResourceSetupUnsuccessfulTransfer t = {
        .cause = amf_cause_radio(NGAP_CauseRadioNetwork_unspecified)};
    int n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupUnsuccessfulTransfer, &t, octets, sizeof octets);
    if (n > 0)
        not_set_up(s, (struct bytes){octets, (uint32_t)n});
}

/* A tunnel that cannot be read ends nowhere that it may: the SMF has more room, and could read what we could not. */
static bool ends_where_it_may(const struct amf_session *s, struct bytes n2)
{
    __attribute__((uninitialized)) _Alignas(16) uint8_t block[16384];
    struct arena a = arena_over(block, sizeof block);
    struct ngap_PDUSessionResourceSetupResponseTransfer t;
    const struct ngap_UPTransportLayerInformation *u = &t.dLQosFlowPerTNLInformation.uPTransportLayerInformation;
    const struct amf_gnb *gnb = s->ue->conn->gnb;
    const struct config *c = gnb->amf->rt->config;
    struct bits at = {NULL, 0};
    if (!c || !c->amf.n_gnbs)
        return true;
    if (ngap_transfer_decode(&ngap_desc_PDUSessionResourceSetupResponseTransfer, n2, &a, &t) == 0 &&
        u->sel == NGAP_UPTransportLayerInformation_gTPTunnel)
        at = u->gTPTunnel.transportLayerAddress;
    return amf_node_may_end_tunnel(c, (struct bytes){gnb->node_id, gnb->node_id_n}, at);
}
/* The phone may have been told that it has a session, and the node holds resources for it: all of it ends. */
static void set_up_elsewhere(struct amf_session *s)
{
    const struct amf_conn *c = s->ue->conn;
    LOG(c->amf->rt->log, n3_address_foreign, "gnb=%s conn=%llx session=%u", amf_gnb_text(c->gnb),
        (unsigned long long)amf_conn_id(c), s->id);
    s->setting_up = false;
    s->up_active = true;
    sm_update(s, &(struct sm_update){.release = true});
}
static void set_up(struct amf_session *s, struct bytes n2)
{
    if (!s || !s->setting_up)
        return; /* an outcome that nobody waits for (TS 38.413 10.4) */
    if (!ends_where_it_may(s, n2)) {
        set_up_elsewhere(s);
        return;
    }
    s->setting_up = false;
    s->up_active = true;
    tell_smf(s, n2, SBI_N2SmInfoType_PDU_RES_SETUP_RSP);
}
int amf_n2_session_resource_setup_response(const struct amf_n2_rx *rx)
{
    const struct ngap_PDUSessionResourceSetupResponse *m = rx->pdu->value;
    for (uint32_t i = 0; m->has.PDUSessionResourceSetupListSURes && i < m->PDUSessionResourceSetupListSURes.n; i++) {
        const struct ngap_PDUSessionResourceSetupItemSURes *it = &m->PDUSessionResourceSetupListSURes.v[i];
        set_up(session_of(rx, it->pDUSessionID), it->pDUSessionResourceSetupResponseTransfer);
    }
    for (uint32_t i = 0;
         m->has.PDUSessionResourceFailedToSetupListSURes && i < m->PDUSessionResourceFailedToSetupListSURes.n; i++) {
        const struct ngap_PDUSessionResourceFailedToSetupItemSURes *it =
            &m->PDUSessionResourceFailedToSetupListSURes.v[i];
        not_set_up(session_of(rx, it->pDUSessionID), it->pDUSessionResourceSetupUnsuccessfulTransfer);
    }
    return OK;
}
void amf_sm_setup_done(struct amf_ue *ue, const struct ngap_InitialContextSetupResponse *m)
{
    for (uint32_t i = 0;
         m && m->has.PDUSessionResourceSetupListCxtRes && i < m->PDUSessionResourceSetupListCxtRes.n; i++) {
        const struct ngap_PDUSessionResourceSetupItemCxtRes *it = &m->PDUSessionResourceSetupListCxtRes.v[i];
        if (it->pDUSessionID <= 15)
            set_up(amf_session_by_id(ue, (uint8_t)it->pDUSessionID), it->pDUSessionResourceSetupResponseTransfer);
    }
    for (uint32_t i = 0; m && m->has.PDUSessionResourceFailedToSetupListCxtRes &&
                         i < m->PDUSessionResourceFailedToSetupListCxtRes.n;
         i++) {
        const struct ngap_PDUSessionResourceFailedToSetupItemCxtRes *it =
            &m->PDUSessionResourceFailedToSetupListCxtRes.v[i];
        if (it->pDUSessionID <= 15)
            not_set_up(amf_session_by_id(ue, (uint8_t)it->pDUSessionID),
                       it->pDUSessionResourceSetupUnsuccessfulTransfer);
    }
    LIST_EACH (it, &ue->sessions)
        not_answered(CONTAINER(it, struct amf_session, on_ue));
    if (m)
        amf_sm_deliver(ue);
}
int amf_n2_session_resource_release_response(const struct amf_n2_rx *rx)
{
    const struct ngap_PDUSessionResourceReleaseResponse *m = rx->pdu->value;
    for (uint32_t i = 0;
         m->has.PDUSessionResourceReleasedListRelRes && i < m->PDUSessionResourceReleasedListRelRes.n; i++) {
        const struct ngap_PDUSessionResourceReleasedItemRelRes *it = &m->PDUSessionResourceReleasedListRelRes.v[i];
        struct amf_session *s = session_of(rx, it->pDUSessionID);
        if (s && s->skip_released)
            s->skip_released = false;
        else
            tell_smf(s, it->pDUSessionResourceReleaseResponseTransfer, SBI_N2SmInfoType_PDU_RES_REL_RSP);
    }
    return OK;
}
int amf_n2_session_resource_modify_response(const struct amf_n2_rx *rx)
{
    const struct ngap_PDUSessionResourceModifyResponse *m = rx->pdu->value;
    for (uint32_t i = 0; m->has.PDUSessionResourceModifyListModRes && i < m->PDUSessionResourceModifyListModRes.n;
         i++) {
        const struct ngap_PDUSessionResourceModifyItemModRes *it = &m->PDUSessionResourceModifyListModRes.v[i];
        tell_smf(session_of(rx, it->pDUSessionID), it->pDUSessionResourceModifyResponseTransfer,
                 SBI_N2SmInfoType_PDU_RES_MOD_RSP);
    }
    for (uint32_t i = 0;
         m->has.PDUSessionResourceFailedToModifyListModRes && i < m->PDUSessionResourceFailedToModifyListModRes.n;
         i++) {
        const struct ngap_PDUSessionResourceFailedToModifyItemModRes *it =
            &m->PDUSessionResourceFailedToModifyListModRes.v[i];
        tell_smf(session_of(rx, it->pDUSessionID), it->pDUSessionResourceModifyUnsuccessfulTransfer,
                 SBI_N2SmInfoType_PDU_RES_MOD_FAIL);
    }
    return OK;
}
int amf_n2_session_resource_notify(const struct amf_n2_rx *rx)
{
    const struct ngap_PDUSessionResourceNotify *m = rx->pdu->value;
    for (uint32_t i = 0; m->has.PDUSessionResourceNotifyList && i < m->PDUSessionResourceNotifyList.n; i++) {
        const struct ngap_PDUSessionResourceNotifyItem *it = &m->PDUSessionResourceNotifyList.v[i];
        tell_smf(session_of(rx, it->pDUSessionID), it->pDUSessionResourceNotifyTransfer,
                 SBI_N2SmInfoType_PDU_RES_NTY);
    }
    for (uint32_t i = 0; m->has.PDUSessionResourceReleasedListNot && i < m->PDUSessionResourceReleasedListNot.n;
         i++) {
        const struct ngap_PDUSessionResourceReleasedItemNot *it = &m->PDUSessionResourceReleasedListNot.v[i];
        struct amf_session *s = session_of(rx, it->pDUSessionID);
        if (s)
            s->up_active = s->setting_up = false;
        tell_smf(s, it->pDUSessionResourceNotifyReleasedTransfer, SBI_N2SmInfoType_PDU_RES_NTY_REL);
    }
    return OK;
}
/* Dual connectivity moves a tunnel (8.2.5). Not served: refused for each session, the old tunnel goes on. */
int amf_n2_session_resource_modify_indication(const struct amf_n2_rx *rx)
{
    enum { MOST = 16 };
    const struct ngap_PDUSessionResourceModifyIndication *m = rx->pdu->value;
    struct ngap_PDUSessionResourceFailedToModifyItemModCfm items[MOST] = {0};
    struct ngap_PDUSessionResourceModifyIndicationUnsuccessfulTransfer t = {
        .cause = amf_cause_radio(NGAP_CauseRadioNetwork_unspecified)};
    uint8_t octets[16];
    int e = ngap_transfer_encode(&ngap_desc_PDUSessionResourceModifyIndicationUnsuccessfulTransfer, &t, octets,
                                 sizeof octets);
    struct ngap_PDUSessionResourceModifyConfirm r = {.AMF_UE_NGAP_ID = amf_conn_id(rx->conn),
                                                     .RAN_UE_NGAP_ID = rx->conn->ran_ue_id};
    uint32_t n = m->PDUSessionResourceModifyListModInd.n;
    n = n < MOST ? n : MOST;
    for (uint32_t i = 0; e > 0 && i < n; i++) {
        items[i].pDUSessionID = m->PDUSessionResourceModifyListModInd.v[i].pDUSessionID;
        items[i].pDUSessionResourceModifyIndicationUnsuccessfulTransfer = (struct bytes){octets, (uint32_t)e};
    }
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.PDUSessionResourceFailedToModifyListModCfm = 1;
    r.PDUSessionResourceFailedToModifyListModCfm.v = items;
    r.PDUSessionResourceFailedToModifyListModCfm.n = n;
    amf_gnb_send(rx->amf, rx->gnb, NGAP_MSG_PDUSessionResourceModifyConfirm, &r, rx->conn->stream);
    return OK;
}
