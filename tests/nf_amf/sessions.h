/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.h - the bed of phone.h with an SMF that does what the test says and remembers what it was asked, and with
 * gNBs that set session resources up. */
#pragma once
#include "proto/sbi.h"
#include "rt/call.h"
#include "tests/nf_amf/phone.h"

enum { ASKED = 32 };
static const uint8_t N1_ACCEPT[] = {0x2e, 0x05, 0x01, 0xc2, 0x11}, N1_REJECT[] = {0x2e, 0x05, 0x01, 0xc3, 0x1a};
static const uint8_t N2_SETUP[] = {1, 2, 3, 4}, N2_RELEASE[] = {5, 6}, N2_MODIFY[] = {7, 8, 9};

struct asked { /* one request to the SMF */
    enum sbi_op op;
    char ref[32];
    uint32_t n1_n;
    enum sbi_N2SmInfoType n2_type; /* 0: none */
    enum sbi_UpCnxState up;        /* 0: not said */
    char cause[48];
    bool release;
};
struct asker { /* a call of the SMF to the AMF, and what came of it */
    struct proc p;
    struct call *c;
};
struct smf_stub {
    struct rt *rt;
    struct asked asked[ASKED];
    uint32_t n_asked, seen; /* seen: what the test has looked at */
    char supi[64], dnn[101], status_uri[256];
    struct sbi_Snssai slice;
    /* what it does */
    int create_status; /* 0: 201 */
    const char *create_cause;
    bool create_n1, silent, activate_fails, no_transfer;
    struct call *held;     /* the one that silent keeps */
    bool answer_release;   /* the next update is answered with a release command */
    int update_status;     /* 0: 200 */
    /* what the AMF told it */
    int transfer_status;
    enum sbi_N1N2MessageTransferCause transfer_cause;
    char transfer_problem[64];
    uint32_t failures; /* notified */
    char failure_uri[256];
};

static void asker_run(struct proc *p, const struct wake *w)
{
    struct asker *f = (struct asker *)p;
    struct smf_stub *s = p->owner;
    PROC_BEGIN(p);
    AWAIT_CALLS(p);
    s->transfer_status = f->c->status;
    s->transfer_cause = SBI_N1N2MessageTransferCause_OTHER;
    str_copy(s->transfer_problem, sizeof s->transfer_problem, call_cause(f->c));
    if (call_ok(f->c))
        s->transfer_cause = ((const SBI_RSP(namf_comm_n1n2_message_transfer) *)f->c->rsp)->cause;
    call_done(f->c);
    PROC_END(p);
}
static const struct proc_type ASKER = {"asker", sizeof(struct asker), asker_run, NULL};

/* N1N2MessageTransfer from the SMF; n 0: none. arp 0: not said. */
static inline void smf_transfer(struct smf_stub *s, const char *supi, uint8_t id, struct bytes n1, struct bytes n2,
                                enum sbi_NgapIeType type, uint8_t arp)
{
    struct asker *f = proc_new(s->rt, &ASKER, s);
    f->c = call_new(s->rt, SBI_namf_comm_n1n2_message_transfer);
    SBI_REQ(namf_comm_n1n2_message_transfer) *q = call_request(f->c);
    struct arena *a = &f->c->arena;
    struct sbi_N1N2MessageTransferReqData *d = &q->body;
    q->ue_context_id = arena_str(a, str_of(supi));
    d->has.pdu_session_id = 1;
    d->pdu_session_id = id;
    d->has.n1_message_container = n1.n > 0;
    d->n1_message_container.n1_message_class = SBI_N1MessageClass_SM;
    d->n1_message_container.n1_message_content = arena_bytes(a, n1.p, n1.n);
    d->has.n2_info_container = n2.n > 0;
    d->n2_info_container.n2_information_class = SBI_N2InformationClass_SM;
    d->n2_info_container.has.sm_info = 1;
    d->n2_info_container.sm_info.pdu_session_id = id;
    d->n2_info_container.sm_info.has.n2_info_content = 1;
    d->n2_info_container.sm_info.n2_info_content.has.ngap_ie_type = 1;
    d->n2_info_container.sm_info.n2_info_content.ngap_ie_type = type;
    d->n2_info_container.sm_info.n2_info_content.ngap_data = arena_bytes(a, n2.p, n2.n);
    d->has.arp = arp > 0;
    d->arp = (struct sbi_Arp){.priority_level = arp, .preempt_cap = SBI_PreemptionCapability_NOT_PREEMPT,
                              .preempt_vuln = SBI_PreemptionVulnerability_PREEMPTABLE};
    d->has.n1n2_failure_txf_notif_uri = 1;
    d->n1n2_failure_txf_notif_uri = call_callback_uri(s->rt, a, SBI_NF_SMF, "failed/%u", id);
    call_send(f->c, &f->p);
    proc_start(&f->p);
}
static inline struct asked *remember(struct smf_stub *s, struct call *c, struct str ref)
{
    assert_true(s->n_asked < ASKED);
    struct asked *a = &s->asked[s->n_asked++];
    *a = (struct asked){.op = c->op};
    str_copy(a->ref, sizeof a->ref, ref);
    return a;
}
static void smf_create(void *state, struct call *c)
{
    struct smf_stub *s = state;
    const struct sbi_SmContextCreateData *d = &((const SBI_REQ(nsmf_pdusession_create) *)c->req)->body;
    char ref[16];
    snprintf(ref, sizeof ref, "s%u", (unsigned)d->pdu_session_id);
    struct asked *a = remember(s, c, str_of(ref));
    a->n1_n = d->n1_sm_msg.n;
    str_copy(s->supi, sizeof s->supi, d->supi);
    str_copy(s->dnn, sizeof s->dnn, d->dnn);
    str_copy(s->status_uri, sizeof s->status_uri, d->sm_context_status_uri);
    s->slice = d->s_nssai;
    if (s->silent) {
        s->held = c;
        return;
    }
    if (s->create_status) {
        SBI_ERR(nsmf_pdusession_create) *e = call_error(c, s->create_status, s->create_cause, NULL);
        e->has.n1_sm_msg = s->create_n1;
        e->n1_sm_msg = arena_bytes(&c->arena, N1_REJECT, sizeof N1_REJECT);
        call_reply(c, s->create_status);
        return;
    }
    SBI_RSP(nsmf_pdusession_create) *r = c->rsp;
    r->has.location = 1;
    r->location = arena_printf(&c->arena, "%s/nsmf-pdusession/v1/sm-contexts/%s", s->rt->api_root, ref);
    uint8_t id = (uint8_t)d->pdu_session_id;
    call_reply(c, 201);
    if (!s->no_transfer)
        smf_transfer(s, s->supi, id, BYTES_OF(N1_ACCEPT), BYTES_OF(N2_SETUP), SBI_NgapIeType_PDU_RES_SETUP_REQ, 0);
}
static void smf_update(void *state, struct call *c)
{
    struct smf_stub *s = state;
    const SBI_REQ(nsmf_pdusession_update) *q = c->req;
    SBI_RSP(nsmf_pdusession_update) *r = c->rsp;
    struct asked *a = remember(s, c, q->sm_context_ref);
    a->n1_n = q->body.has.n1_sm_msg ? q->body.n1_sm_msg.n : 0;
    a->n2_type = q->body.has.n2_sm_info_type ? q->body.n2_sm_info_type : 0;
    a->up = q->body.has.up_cnx_state ? q->body.up_cnx_state : 0;
    a->release = q->body.has.release && q->body.release;
    bool activate = a->up == SBI_UpCnxState_ACTIVATING;
    if (s->update_status || (activate && s->activate_fails)) {
        call_problem(c, s->update_status ? s->update_status : 403, "INSUFFICIENT_UP_RESOURCES", NULL);
        return;
    }
    if (activate || s->answer_release) {
        r->has.n2_sm_info = r->has.n2_sm_info_type = 1;
        r->n2_sm_info = activate ? arena_bytes(&c->arena, N2_SETUP, sizeof N2_SETUP)
                                 : arena_bytes(&c->arena, N2_RELEASE, sizeof N2_RELEASE);
        r->n2_sm_info_type = activate ? SBI_N2SmInfoType_PDU_RES_SETUP_REQ : SBI_N2SmInfoType_PDU_RES_REL_CMD;
        r->has.n1_sm_msg = !activate;
        r->n1_sm_msg = arena_bytes(&c->arena, N1_REJECT, sizeof N1_REJECT);
        s->answer_release = s->answer_release && activate;
    }
    call_reply(c, 200);
}
static void smf_release(void *state, struct call *c)
{
    const SBI_REQ(nsmf_pdusession_release) *q = c->req;
    struct asked *a = remember(state, c, q->sm_context_ref);
    if (q->body.has.cause)
        str_copy(a->cause, sizeof a->cause, q->body.cause);
    call_reply(c, 204);
}
static void smf_failed(void *state, struct call *c)
{
    struct smf_stub *s = state;
    const SBI_REQ(namf_comm_n1n2_transfer_failure_notify) *q = c->req;
    s->failures++;
    assert_int_equal(q->body.cause, SBI_N1N2MessageTransferCause_UE_NOT_RESPONDING);
    str_copy(s->failure_uri, sizeof s->failure_uri, q->body.n1n2_msg_data_uri);
    call_reply(c, 204);
}
static int smf_boot(struct rt *rt, void *state)
{
    ((struct smf_stub *)state)->rt = rt;
    return OK;
}
static const struct nf_op SMF_OPS[] = {{SBI_nsmf_pdusession_create, smf_create},
                                       {SBI_nsmf_pdusession_update, smf_update},
                                       {SBI_nsmf_pdusession_release, smf_release},
                                       {SBI_namf_comm_n1n2_transfer_failure_notify, smf_failed}};
static const struct nf_desc SMF_STUB = {.kind = SBI_NF_SMF, .name = "smf", .state_octets = sizeof(struct smf_stub),
                                        .boot = smf_boot, .ops = SMF_OPS, .n_ops = ARRAY_LEN(SMF_OPS)};
static inline struct smf_stub *bed_smf(struct bed *b) { return nf_state(&b->rt, SBI_NF_SMF); }

/* ---- gNBs: session resources ---- */
struct seen_by_gnbs {
    uint32_t setups, releases, modifies, pages[GNBS], confirms;
    uint8_t last_id;
    bool silent;
    struct ngap_Cause cause;
    uint32_t ho_failures, ps_failures, ps_items, cancels;
};
static struct seen_by_gnbs *seen_of(struct bed *b);

static void answer_setup(struct bed *b, uint32_t gnb, const struct ngap_PDUSessionResourceSetupRequest *m)
{
    const struct ngap_PDUSessionResourceSetupItemSUReq *it = &m->PDUSessionResourceSetupListSUReq.v[0];
    struct phone *p = phone_of(&b->gnb[gnb], m->RAN_UE_NGAP_ID);
    assert_non_null(p);
    seen_of(b)->setups++;
    seen_of(b)->last_id = (uint8_t)it->pDUSessionID;
    struct ngap_PDUSessionResourceSetupResponse r = {.AMF_UE_NGAP_ID = m->AMF_UE_NGAP_ID,
                                                     .RAN_UE_NGAP_ID = m->RAN_UE_NGAP_ID};
    struct ngap_PDUSessionResourceSetupItemSURes up = {
        .pDUSessionID = it->pDUSessionID, .pDUSessionResourceSetupResponseTransfer = BYTES_OF(TRANSFER)};
    struct ngap_PDUSessionResourceFailedToSetupItemSURes down = {
        .pDUSessionID = it->pDUSessionID, .pDUSessionResourceSetupUnsuccessfulTransfer = BYTES_OF(TRANSFER)};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
    if (seen_of(b)->silent)
        return;
    if (b->refuse_sessions >> it->pDUSessionID & 1) {
        r.has.PDUSessionResourceFailedToSetupListSURes = 1;
        r.PDUSessionResourceFailedToSetupListSURes.v = &down;
        r.PDUSessionResourceFailedToSetupListSURes.n = 1;
    } else {
        if (it->has.pDUSessionNAS_PDU)
            phone_gets(p, it->pDUSessionNAS_PDU);
        r.has.PDUSessionResourceSetupListSURes = 1;
        r.PDUSessionResourceSetupListSURes.v = &up;
        r.PDUSessionResourceSetupListSURes.n = 1;
    }
    gnb_send(&b->gnb[gnb], NGAP_MSG_PDUSessionResourceSetupResponse, &r, 1);
}
static void answer_release(struct bed *b, uint32_t gnb, const struct ngap_PDUSessionResourceReleaseCommand *m)
{
    struct ngap_PDUSessionResourceReleasedItemRelRes it = {
        .pDUSessionID = m->PDUSessionResourceToReleaseListRelCmd.v[0].pDUSessionID,
        .pDUSessionResourceReleaseResponseTransfer = BYTES_OF(TRANSFER)};
    struct ngap_PDUSessionResourceReleaseResponse r = {.AMF_UE_NGAP_ID = m->AMF_UE_NGAP_ID,
                                                       .RAN_UE_NGAP_ID = m->RAN_UE_NGAP_ID,
                                                       .PDUSessionResourceReleasedListRelRes = {&it, 1}};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.PDUSessionResourceReleasedListRelRes = 1;
    seen_of(b)->releases++;
    if (m->has.NAS_PDU)
        phone_gets(phone_of(&b->gnb[gnb], m->RAN_UE_NGAP_ID), m->NAS_PDU);
    gnb_send(&b->gnb[gnb], NGAP_MSG_PDUSessionResourceReleaseResponse, &r, 1);
}
static void answer_modify(struct bed *b, uint32_t gnb, const struct ngap_PDUSessionResourceModifyRequest *m)
{
    const struct ngap_PDUSessionResourceModifyItemModReq *it = &m->PDUSessionResourceModifyListModReq.v[0];
    struct ngap_PDUSessionResourceModifyItemModRes ok = {
        .pDUSessionID = it->pDUSessionID, .pDUSessionResourceModifyResponseTransfer = BYTES_OF(TRANSFER)};
    struct ngap_PDUSessionResourceModifyResponse r = {.AMF_UE_NGAP_ID = m->AMF_UE_NGAP_ID,
                                                      .RAN_UE_NGAP_ID = m->RAN_UE_NGAP_ID,
                                                      .PDUSessionResourceModifyListModRes = {&ok, 1}};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.PDUSessionResourceModifyListModRes = 1;
    seen_of(b)->modifies++;
    if (it->has.nAS_PDU)
        phone_gets(phone_of(&b->gnb[gnb], m->RAN_UE_NGAP_ID), it->nAS_PDU);
    gnb_send(&b->gnb[gnb], NGAP_MSG_PDUSessionResourceModifyResponse, &r, 1);
}
static void gnb_sees(struct bed *b, uint32_t gnb, const struct ngap_pdu *pdu)
{
    struct seen_by_gnbs *s = seen_of(b);
    if (pdu->msg == NGAP_MSG_PDUSessionResourceSetupRequest) {
        answer_setup(b, gnb, pdu->value);
    } else if (pdu->msg == NGAP_MSG_PDUSessionResourceReleaseCommand) {
        answer_release(b, gnb, pdu->value);
    } else if (pdu->msg == NGAP_MSG_PDUSessionResourceModifyRequest) {
        answer_modify(b, gnb, pdu->value);
    } else if (pdu->msg == NGAP_MSG_Paging) {
        s->pages[gnb]++;
    } else if (pdu->msg == NGAP_MSG_HandoverPreparationFailure) {
        s->ho_failures++;
        s->cause = ((const struct ngap_HandoverPreparationFailure *)pdu->value)->Cause;
    } else if (pdu->msg == NGAP_MSG_HandoverCancelAcknowledge) {
        s->cancels++;
    } else if (pdu->msg == NGAP_MSG_PathSwitchRequestFailure) {
        s->ps_failures++;
        s->ps_items = ((const struct ngap_PathSwitchRequestFailure *)pdu->value)->PDUSessionResourceReleasedListPSFail.n;
    } else if (pdu->msg == NGAP_MSG_PDUSessionResourceModifyConfirm) {
        s->confirms++;
    }
}

/* ---- what tests do ---- */
struct session_bed {
    struct bed *b;
    struct smf_stub *smf;
    struct phone *p;
    struct seen_by_gnbs seen;
};
static bool as_json; /* services carried as bytes */
static struct session_bed *current; /* of the test that runs: sinks of the bed have no room for more */
static struct seen_by_gnbs *seen_of(struct bed *b) { return &current->seen; }

static inline void sessions_begin(struct session_bed *t, const char *yaml)
{
    static const struct nf_desc *const more[] = {&SMF_STUB};
    *t = (struct session_bed){0};
    current = t;
    t->b = bed_new_with(yaml, more, 1);
    t->b->also = gnb_sees;
    if (as_json)
        assert_int_equal(sbi_json_mode(&t->b->rt), OK);
    t->smf = bed_smf(t->b);
    t->p = &t->b->phone[0];
    phone_register(t->p, 0);
    struct nas_msg m;
    nas_msg_init(&m, NAS_CONFIGURATION_UPDATE_COMPLETE);
    phone_send(t->p, &m, NAS_CIPHERED);
    bed_run_ms(t->b, 50);
}
static inline void sessions_end(struct session_bed *t)
{
    struct amf_ue *ue = phone_ue(t->p);
    if (ue)
        amf_ue_deregister_local(ue, 0);
    bed_run_ms(t->b, 1000);
    assert_int_equal(bed_amf(t->b)->ues->sessions.used, 0);
    bed_run_ms(t->b, 5000);
    sbi_json_mode_end(&t->b->rt);
    bed_free(t->b);
}
/* UL NAS TRANSPORT with 5 octets of 5GSM. request 0: none; dnn NULL: none. */
static inline void say_sm(struct phone *p, uint8_t id, uint8_t request, const char *dnn, const struct nas_s_nssai *slice)
{
    static const uint8_t establish[] = {0x2e, 0x05, 0x01, 0xc1, 0xff, 0xff};
    struct nas_msg m;
    nas_msg_init(&m, NAS_UL_NAS_TRANSPORT);
    struct nas_ul_nas_transport *t = &m.ul_nas_transport;
    t->payload_container_type = NAS_PAYLOAD_N1_SM;
    t->payload_container = BYTES_OF(establish);
    t->has.pdu_session_id = id != 0;
    t->pdu_session_id = id;
    t->has.request_type = request != 0;
    t->request_type = request;
    t->has.dnn = dnn != NULL;
    t->dnn = str_of(dnn);
    t->has.s_nssai = slice != NULL;
    if (slice)
        t->s_nssai = *slice;
    phone_send(p, &m, NAS_CIPHERED);
}
/* DL NAS TRANSPORT comes, with this cause (0: none). */
static inline const struct nas_dl_nas_transport *hear_sm(struct phone *p, uint8_t id, uint8_t cause)
{
    expect(p, NAS_DL_NAS_TRANSPORT);
    const struct nas_dl_nas_transport *t = &p->msg.dl_nas_transport;
    assert_int_equal(t->payload_container_type, NAS_PAYLOAD_N1_SM);
    assert_int_equal(t->has.pdu_session_id ? t->pdu_session_id : 0, id);
    assert_int_equal(t->has.gmm_cause ? t->gmm_cause : 0, cause);
    return t;
}
static inline void establish(struct session_bed *t, uint8_t id)
{
    say_sm(t->p, id, NAS_REQUEST_INITIAL, NULL, NULL);
    hear_sm(t->p, id, 0);
    bed_run_ms(t->b, 50);
    assert_true(amf_session_by_id(phone_ue(t->p), id)->up_active);
}
/* The next request that the SMF got. */
static inline const struct asked *smf_next(struct session_bed *t)
{
    for (int ms = 0; ms < 5000 && t->smf->seen == t->smf->n_asked; ms += 10)
        bed_run_ms(t->b, 10);
    assert_true(t->smf->seen < t->smf->n_asked);
    return &t->smf->asked[t->smf->seen++];
}
#define smf_expect(t, o) assert_int_equal(smf_next(t)->op, SBI_nsmf_pdusession_##o)
static inline void smf_skip(struct session_bed *t) { t->smf->seen = t->smf->n_asked; }
/* The gNB lets the phone go. */
static inline void go_idle(struct session_bed *t)
{
    struct ngap_UEContextReleaseRequest m = {.AMF_UE_NGAP_ID = t->p->amf_id, .RAN_UE_NGAP_ID = t->p->ran_id};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.Cause = 1;
    m.Cause = (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork,
                                  .radioNetwork = NGAP_CauseRadioNetwork_user_inactivity};
    gnb_send(&t->b->gnb[t->p->gnb], NGAP_MSG_UEContextReleaseRequest, &m, 1);
    bed_run_ms(t->b, 100);
    assert_null(phone_ue(t->p)->conn);
}
