/* SPDX-License-Identifier: Apache-2.0 */
/* PDU sessions through the AMF: TS 24.501 5.4.5, TS 23.502 4.3, TS 38.413 8.2. */
#include "tests/nf_amf/sessions.h"

static void is_established(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    say_sm(t.p, 5, NAS_REQUEST_INITIAL, NULL, NULL);
    const struct nas_dl_nas_transport *m = hear_sm(t.p, 5, 0);
    assert_int_equal(m->payload_container.n, sizeof N1_ACCEPT);
    assert_memory_equal(m->payload_container.p, N1_ACCEPT, sizeof N1_ACCEPT);
    const struct asked *a = smf_next(&t);
    assert_int_equal(a->op, SBI_nsmf_pdusession_create);
    assert_int_equal(a->n1_n, 6);
    assert_string_equal(t.smf->dnn, "internet");
    assert_int_equal(t.smf->slice.sst, 1);
    assert_string_equal(t.smf->supi, "imsi-001010000000001");
    a = smf_next(&t);
    assert_int_equal(a->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_RSP);
    assert_string_equal(a->ref, "s5");
    assert_int_equal(t.smf->transfer_status, 200);
    assert_int_equal(t.smf->transfer_cause, SBI_N1N2MessageTransferCause_N1_N2_TRANSFER_INITIATED);
    assert_int_equal(amf_sm_active(phone_ue(t.p)), 1 << 5);
    sessions_end(&t);
}
static void several_at_once(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    for (uint8_t id = 1; id <= AMF_SESSIONS_A_UE; id++)
        say_sm(t.p, id, NAS_REQUEST_INITIAL, "internet", NULL);
    for (uint8_t id = 1; id <= AMF_SESSIONS_A_UE; id++)
        expect(t.p, NAS_DL_NAS_TRANSPORT);
    bed_run_ms(t.b, 100);
    assert_int_equal(t.seen.setups, AMF_SESSIONS_A_UE);
    assert_int_equal(amf_sm_active(phone_ue(t.p)), 0x1fe);
    say_sm(t.p, 15, NAS_REQUEST_INITIAL, NULL, NULL);
    hear_sm(t.p, 15, NAS_GMM_CAUSE_MAXIMUM_NUMBER_OF_PDU_SESSIONS_REACHED);
    sessions_end(&t);
}


/* ---- where it goes, and what comes back when it does not ---- */
static void selection(void **state)
{
    struct session_bed t;
    struct nas_s_nssai other = {.sst = 2, .has_sd = true, .sd = 9}, none = {.sst = 7};
    sessions_begin(&t, "");
    say_sm(t.p, 1, NAS_REQUEST_INITIAL, "Internet.mnc001.mcc001.gprs", NULL); /* case and operator do not matter */
    hear_sm(t.p, 1, 0);
    assert_string_equal(t.smf->dnn, "internet");
    say_sm(t.p, 2, NAS_REQUEST_INITIAL, "nowhere", NULL);
    const struct nas_dl_nas_transport *m =
        hear_sm(t.p, 2, NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE);
    assert_int_equal(m->payload_container.n, 6); /* the 5GSM message itself comes back */
    assert_false(m->has.back_off_timer_value);
    say_sm(t.p, 3, NAS_REQUEST_INITIAL, NULL, &none);
    hear_sm(t.p, 3, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED);
    say_sm(t.p, 4, NAS_REQUEST_INITIAL, "internet", &other); /* allowed or not, it has no such DNN */
    assert_int_equal(phone_next(t.p), NAS_DL_NAS_TRANSPORT);
    assert_true(t.p->msg.dl_nas_transport.has.gmm_cause);
    assert_int_equal(amf_sm_active(phone_ue(t.p)), 1 << 1);
    sessions_end(&t);
}
static void not_routed(void **state)
{
    static const struct {
        uint8_t id, request, cause;
    } rows[] = {
        {0 + 16, NAS_REQUEST_INITIAL, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED},
        {3, 0, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED}, /* no such session */
        {3, NAS_REQUEST_MODIFICATION, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED},
        {3, NAS_REQUEST_EXISTING, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED},
        {3, NAS_REQUEST_INITIAL_EMERGENCY, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED},
        {3, NAS_REQUEST_MA_PDU, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED},
    };
    struct session_bed t;
    sessions_begin(&t, "");
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        say_sm(t.p, rows[i].id, rows[i].request, NULL, NULL);
        hear_sm(t.p, rows[i].id, rows[i].cause);
    }
    say_sm(t.p, 0, NAS_REQUEST_INITIAL, NULL, NULL);
    expect(t.p, NAS_GMM_STATUS);
    assert_int_equal(t.p->msg.gmm_status.gmm_cause, NAS_GMM_CAUSE_CONDITIONAL_IE_ERROR);
    assert_int_equal(t.smf->n_asked, 0);
    sessions_end(&t);
}
static void the_smf_refuses(void **state)
{
    static const struct {
        int status;
        const char *cause;
        bool n1, back_off;
        uint8_t gmm;
    } rows[] = {
        {403, "SUBSCRIPTION_DENIED", true, false, 0},
        {403, "DNN_DENIED", false, false, NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE},
        {500, "INSUFFICIENT_RESOURCES_SLICE_DNN", false, true,
         NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN},
        {500, "INSUFFICIENT_RESOURCES_SLICE", false, true, NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE},
        {503, "DNN_CONGESTION", false, true, NAS_GMM_CAUSE_CONGESTION},
        {429, "", false, true, NAS_GMM_CAUSE_CONGESTION},
        {500, "SYSTEM_FAILURE", false, false, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED},
    };
    struct session_bed t;
    sessions_begin(&t, "");
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        t.smf->create_status = rows[i].status;
        t.smf->create_cause = rows[i].cause;
        t.smf->create_n1 = rows[i].n1;
        say_sm(t.p, 2, NAS_REQUEST_INITIAL, NULL, NULL);
        const struct nas_dl_nas_transport *m = hear_sm(t.p, 2, rows[i].gmm);
        assert_int_equal(m->has.back_off_timer_value, rows[i].back_off);
        if (rows[i].back_off)
            assert_true(nas_timer3_s(m->back_off_timer_value) >= 4);
        assert_int_equal(m->payload_container.n, rows[i].n1 ? sizeof N1_REJECT : 6);
    }
    assert_int_equal(amf_sm_active(phone_ue(t.p)), 0);
    assert_int_equal(bed_amf(t.b)->ues->sessions.used, 0);
    sessions_end(&t);
}
static void no_smf_and_a_silent_one(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    t.smf->silent = true;
    say_sm(t.p, 2, NAS_REQUEST_INITIAL, NULL, NULL);
    bed_run_ms(t.b, 100);
    say_sm(t.p, 2, NAS_REQUEST_INITIAL, NULL, NULL); /* T3580: the same once more is not asked twice */
    say_sm(t.p, 2, 0, NULL, NULL);                   /* and nothing can be said of it yet */
    hear_sm(t.p, 2, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED);
    hear_sm(t.p, 2, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED); /* the deadline of the first */
    assert_int_equal(t.smf->n_asked, 1);
    call_reply(t.smf->held, 201); /* too late */
    assert_int_equal(bed_amf(t.b)->ues->sessions.used, 0);
    nf_stop(&t.b->rt, SBI_NF_SMF);
    t.smf = NULL;
    say_sm(t.p, 3, NAS_REQUEST_INITIAL, NULL, NULL);
    hear_sm(t.p, 3, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED);
    sessions_end(&t);
}
static void created_for_nobody_is_released(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    t.smf->silent = true;
    say_sm(t.p, 2, NAS_REQUEST_INITIAL, NULL, NULL);
    bed_run_ms(t.b, 100);
    amf_ue_deregister_local(phone_ue(t.p), 0); /* the phone is gone before the SMF answers */
    bed_run_ms(t.b, 100);
    SBI_RSP(nsmf_pdusession_create) *r = t.smf->held->rsp;
    r->has.location = 1;
    r->location = STR("http://smf/nsmf-pdusession/v1/sm-contexts/late");
    call_reply(t.smf->held, 201);
    smf_expect(&t, create);
    const struct asked *a = smf_next(&t);
    assert_int_equal(a->op, SBI_nsmf_pdusession_release);
    assert_string_equal(a->ref, "late");
    sessions_end(&t);
}
static void the_same_identity_again_replaces(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    smf_skip(&t);
    say_sm(t.p, 5, NAS_REQUEST_INITIAL, NULL, NULL);
    hear_sm(t.p, 5, 0);
    bed_run_ms(t.b, 100);
    const struct asked *a = smf_next(&t);
    assert_int_equal(a->op, SBI_nsmf_pdusession_release);
    assert_string_equal(a->cause, "REL_DUE_TO_DUPLICATE_SESSION_ID");
    smf_expect(&t, create);
    a = smf_next(&t); /* the gNB's release response is of the old one and goes nowhere */
    assert_int_equal(a->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_RSP);
    assert_int_equal(t.smf->seen, t.smf->n_asked);
    assert_int_equal(t.seen.releases, 1);
    assert_int_equal(t.seen.setups, 2);
    sessions_end(&t);
}

/* ---- modification and release ---- */
static void the_phone_releases(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    smf_skip(&t);
    t.smf->answer_release = true;
    say_sm(t.p, 5, 0, NULL, NULL); /* PDU SESSION RELEASE REQUEST */
    hear_sm(t.p, 5, 0);            /* with the command to the gNB */
    assert_int_equal(t.seen.releases, 1);
    assert_int_equal(smf_next(&t)->n1_n, 6);
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_REL_RSP);
    say_sm(t.p, 5, 0, NULL, NULL); /* complete */
    assert_int_equal(smf_next(&t)->n1_n, 6);
    struct call *c = call_new(&t.b->rt, SBI_nsmf_pdusession_status_notify);
    SBI_REQ(nsmf_pdusession_status_notify) *q = call_request(c);
    q->callback = arena_str(&c->arena, str_of(t.smf->status_uri));
    q->body.status_info.resource_status = SBI_ResourceStatus_RELEASED;
    call_notify(c);
    bed_run_ms(t.b, 50);
    assert_int_equal(bed_amf(t.b)->ues->sessions.used, 0);
    assert_int_equal(t.seen.releases, 1);
    sessions_end(&t);
}
static void the_network_modifies_and_releases(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    smf_skip(&t);
    smf_transfer(t.smf, t.smf->supi, 5, BYTES_OF(N1_ACCEPT), BYTES_OF(N2_MODIFY), SBI_NgapIeType_PDU_RES_MOD_REQ, 0);
    hear_sm(t.p, 5, 0);
    assert_int_equal(t.seen.modifies, 1);
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_MOD_RSP);
    smf_transfer(t.smf, t.smf->supi, 5, BYTES_OF(N1_ACCEPT), (struct bytes){0}, 0, 0); /* N1 alone */
    hear_sm(t.p, 5, 0);
    assert_int_equal(t.smf->transfer_status, 200);
    smf_transfer(t.smf, t.smf->supi, 5, BYTES_OF(N1_REJECT), BYTES_OF(N2_RELEASE), SBI_NgapIeType_PDU_RES_REL_CMD, 0);
    hear_sm(t.p, 5, 0);
    assert_int_equal(t.seen.releases, 1);
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_REL_RSP);
    assert_false(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    sessions_end(&t);
}
static void the_smf_forgot(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    t.smf->update_status = 404;
    say_sm(t.p, 5, NAS_REQUEST_MODIFICATION, NULL, NULL);
    hear_sm(t.p, 5, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED);
    bed_run_ms(t.b, 50);
    assert_int_equal(bed_amf(t.b)->ues->sessions.used, 0);
    assert_int_equal(t.seen.releases, 1); /* the gNB does not keep it either */
    sessions_end(&t);
}
static void the_gnb_has_no_resources(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    t.b->refuse_sessions = 1 << 5;
    say_sm(t.p, 5, NAS_REQUEST_INITIAL, NULL, NULL);
    smf_expect(&t, create);
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_FAIL);
    assert_false(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    sessions_end(&t);
}
/* What the gNB set up and the SMF did not take, or did not say whether it took, goes on both sides. */
static void the_smf_does_not_take_it(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    t.smf->update_status = 504;
    say_sm(t.p, 5, NAS_REQUEST_INITIAL, NULL, NULL);
    smf_expect(&t, create);
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_RSP);
    bed_run_ms(t.b, 50);
    assert_int_equal(t.seen.releases, 1);
    assert_false(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    t.smf->update_status = 0;
    bool told = false;
    bed_run_ms(t.b, 1500); /* tried again */
    for (uint32_t i = t.smf->seen; i < t.smf->n_asked; i++)
        told = told || t.smf->asked[i].up == SBI_UpCnxState_DEACTIVATED;
    assert_true(told);
    assert_int_equal(amf_sm_active(phone_ue(t.p)), 1 << 5);
    sessions_end(&t);
}
static void the_gnb_notifies(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    establish(&t, 6);
    smf_skip(&t);
    struct ngap_PDUSessionResourceNotifyItem n = {.pDUSessionID = 5,
                                                  .pDUSessionResourceNotifyTransfer = BYTES_OF(TRANSFER)};
    struct ngap_PDUSessionResourceReleasedItemNot r = {.pDUSessionID = 6,
                                                       .pDUSessionResourceNotifyReleasedTransfer = BYTES_OF(TRANSFER)};
    struct ngap_PDUSessionResourceNotify m = {.AMF_UE_NGAP_ID = t.p->amf_id,
                                              .RAN_UE_NGAP_ID = t.p->ran_id,
                                              .PDUSessionResourceNotifyList = {&n, 1},
                                              .PDUSessionResourceReleasedListNot = {&r, 1}};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceNotifyList = 1;
    m.has.PDUSessionResourceReleasedListNot = 1;
    gnb_send(&t.b->gnb[0], NGAP_MSG_PDUSessionResourceNotify, &m, 1);
    const struct asked *a = smf_next(&t);
    assert_int_equal(a->n2_type, SBI_N2SmInfoType_PDU_RES_NTY);
    assert_string_equal(a->ref, "s5");
    a = smf_next(&t);
    assert_int_equal(a->n2_type, SBI_N2SmInfoType_PDU_RES_NTY_REL);
    assert_string_equal(a->ref, "s6");
    struct ngap_PDUSessionResourceModifyItemModInd i = {
        .pDUSessionID = 5, .pDUSessionResourceModifyIndicationTransfer = BYTES_OF(TRANSFER)};
    struct ngap_PDUSessionResourceModifyIndication ind = {.AMF_UE_NGAP_ID = t.p->amf_id,
                                                          .RAN_UE_NGAP_ID = t.p->ran_id,
                                                          .PDUSessionResourceModifyListModInd = {&i, 1}};
    ind.has.AMF_UE_NGAP_ID = ind.has.RAN_UE_NGAP_ID = ind.has.PDUSessionResourceModifyListModInd = 1;
    gnb_send(&t.b->gnb[0], NGAP_MSG_PDUSessionResourceModifyIndication, &ind, 1);
    bed_run_ms(t.b, 50);
    assert_int_equal(t.seen.confirms, 1);
    sessions_end(&t);
}

/* ---- what the AMF refuses to SMFs ---- */
static void transfers_that_go_nowhere(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    struct bytes none = {0};
    smf_transfer(t.smf, "imsi-001019999999999", 5, BYTES_OF(N1_ACCEPT), none, 0, 0);
    bed_run_ms(t.b, 20);
    assert_int_equal(t.smf->transfer_status, 404);
    assert_string_equal(t.smf->transfer_problem, "CONTEXT_NOT_FOUND");
    smf_transfer(t.smf, t.smf->supi, 9, BYTES_OF(N1_ACCEPT), none, 0, 0);
    bed_run_ms(t.b, 20);
    assert_int_equal(t.smf->transfer_status, 404);
    smf_transfer(t.smf, t.smf->supi, 5, none, none, 0, 0);
    bed_run_ms(t.b, 20);
    assert_int_equal(t.smf->transfer_status, 400);
    smf_transfer(t.smf, t.smf->supi, 5, none, BYTES_OF(N2_SETUP), SBI_NgapIeType_HANDOVER_CMD, 0);
    bed_run_ms(t.b, 20);
    assert_int_equal(t.smf->transfer_status, 400);
    sessions_end(&t);
}

/* ---- a UE message on an association that does not own the UE ---- */
static void another_gnb_cannot_speak_for_a_phone(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    smf_skip(&t);
    struct ngap_PDUSessionResourceReleasedItemRelRes it = {
        .pDUSessionID = 5, .pDUSessionResourceReleaseResponseTransfer = BYTES_OF(TRANSFER)};
    struct ngap_PDUSessionResourceReleaseResponse r = {.AMF_UE_NGAP_ID = t.p->amf_id,
                                                       .RAN_UE_NGAP_ID = t.p->ran_id,
                                                       .PDUSessionResourceReleasedListRelRes = {&it, 1}};
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = r.has.PDUSessionResourceReleasedListRelRes = 1;
    gnb_send(&t.b->gnb[1], NGAP_MSG_PDUSessionResourceReleaseResponse, &r, 1);
    struct ngap_UEContextReleaseRequest q = {.AMF_UE_NGAP_ID = t.p->amf_id, .RAN_UE_NGAP_ID = t.p->ran_id};
    q.has.AMF_UE_NGAP_ID = q.has.RAN_UE_NGAP_ID = q.has.Cause = 1;
    gnb_send(&t.b->gnb[1], NGAP_MSG_UEContextReleaseRequest, &q, 1);
    bed_run_ms(t.b, 100);
    assert_int_equal(t.b->gnb[1].errors_received, 2);
    assert_int_equal(t.b->gnb[1].last_cause.radioNetwork, NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID);
    assert_int_equal(t.smf->seen, t.smf->n_asked);
    assert_non_null(phone_ue(t.p)->conn);
    assert_true(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    sessions_end(&t);
}
static void mobility_is_refused(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    uint8_t id[4] = {0, 0, 2, 0};
    struct ngap_PDUSessionResourceItemHORqd it = {.pDUSessionID = 5, .handoverRequiredTransfer = BYTES_OF(TRANSFER)};
    struct ngap_HandoverRequired m = {.AMF_UE_NGAP_ID = t.p->amf_id,
                                      .RAN_UE_NGAP_ID = t.p->ran_id,
                                      .HandoverType = NGAP_HandoverType_intra5gs,
                                      .Cause = amf_cause_radio(0),
                                      .PDUSessionResourceListHORqd = {&it, 1},
                                      .SourceToTarget_TransparentContainer = BYTES_OF(TRANSFER)};
    m.TargetID.sel = NGAP_TargetID_targetRANNodeID;
    struct ngap_TargetRANNodeID *target = &m.TargetID.targetRANNodeID;
    target->globalRANNodeID.sel = NGAP_GlobalRANNodeID_globalGNB_ID;
    target->globalRANNodeID.globalGNB_ID.pLMNIdentity = BYTES_OF(PLMN);
    target->globalRANNodeID.globalGNB_ID.gNB_ID.sel = NGAP_GNB_ID_gNB_ID;
    target->globalRANNodeID.globalGNB_ID.gNB_ID.gNB_ID = (struct bits){id, 24};
    target->selectedTAI.pLMNIdentity = BYTES_OF(PLMN);
    target->selectedTAI.tAC = (struct bytes){id, 3};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.HandoverType = m.has.Cause = m.has.TargetID = 1;
    m.has.PDUSessionResourceListHORqd = m.has.SourceToTarget_TransparentContainer = 1;
    assert_int_equal(gnb_send(&t.b->gnb[0], NGAP_MSG_HandoverRequired, &m, 1), OK);
    bed_run_ms(t.b, 50);
    assert_int_equal(t.seen.ho_failures, 1);
    assert_int_equal(t.seen.cause.radioNetwork,
                     NGAP_CauseRadioNetwork_ho_failure_in_target_5GC_ngran_node_or_target_system);
    uint8_t memory[16], caps[2] = {0xe0, 0};
    struct ngap_PDUSessionResourceToBeSwitchedDLItem sw = {.pDUSessionID = 5,
                                                           .pathSwitchRequestTransfer = BYTES_OF(TRANSFER)};
    struct ngap_PathSwitchRequest q = {.RAN_UE_NGAP_ID = 77,
                                       .SourceAMF_UE_NGAP_ID = t.p->amf_id,
                                       .UserLocationInformation = location(t.p, memory),
                                       .PDUSessionResourceToBeSwitchedDLList = {&sw, 1}};
    struct bits none = {caps, 16};
    q.UESecurityCapabilities.nRencryptionAlgorithms = q.UESecurityCapabilities.nRintegrityProtectionAlgorithms = none;
    q.UESecurityCapabilities.eUTRAencryptionAlgorithms = none;
    q.UESecurityCapabilities.eUTRAintegrityProtectionAlgorithms = none;
    q.has.RAN_UE_NGAP_ID = q.has.SourceAMF_UE_NGAP_ID = q.has.UserLocationInformation = 1;
    q.has.UESecurityCapabilities = q.has.PDUSessionResourceToBeSwitchedDLList = 1;
    assert_int_equal(gnb_send(&t.b->gnb[1], NGAP_MSG_PathSwitchRequest, &q, 1), OK);
    bed_run_ms(t.b, 50);
    assert_int_equal(t.seen.ps_failures, 1);
    assert_int_equal(t.seen.ps_items, 1);
    struct ngap_HandoverCancel c = {.AMF_UE_NGAP_ID = t.p->amf_id, .RAN_UE_NGAP_ID = t.p->ran_id,
                                    .Cause = amf_cause_radio(0)};
    c.has.AMF_UE_NGAP_ID = c.has.RAN_UE_NGAP_ID = c.has.Cause = 1;
    gnb_send(&t.b->gnb[0], NGAP_MSG_HandoverCancel, &c, 1);
    bed_run_ms(t.b, 50);
    assert_int_equal(t.seen.cancels, 1);
    assert_int_equal(t.b->gnb[0].errors_received, 0);
    assert_true(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    sessions_end(&t);
}

/* ---- a gNB that says anything at all of a phone that it has ---- */
static void put_id(const struct asn_type *type, void *value, uint16_t id, uint64_t v)
{
    for (uint32_t i = 0; i < type->n_fields; i++)
        if (type->fields[i].id == id && type->fields[i].type->kind == ASN_INT)
            memcpy((uint8_t *)value + type->fields[i].offset, &v, sizeof v);
}
static void anything_of_a_gnb(void **state)
{
    enum { ID_AMF_UE = 10, ID_RAN_UE = 85, EACH = 12, MEMORY = 1 << 18 };
    struct session_bed t;
    uint64_t seed = 7;
    uint8_t *memory = malloc(MEMORY);
    assert_non_null(memory);
    sessions_begin(&t, "");
    for (uint32_t msg = 0; msg < NGAP_MSGS; msg++) {
        const struct asn_type *type = ngap_msg_type((enum ngap_msg)msg);
        if (msg == NGAP_MSG_NGSetupRequest || msg == NGAP_MSG_NGReset || msg == NGAP_MSG_InitialUEMessage)
            continue; /* these end what there is, as they should */
        for (uint32_t n = 0; n < EACH; n++) {
            struct amf_ue *ue = phone_ue(t.p);
            if (!ue || !ue->conn) { /* let go by what came before */
                t.p->connected = false;
                bed_run_ms(t.b, 6000);
                phone_register(t.p, 0);
                bed_run_ms(t.b, 50);
            }
            if (!amf_session_by_id(phone_ue(t.p), 5)) {
                say_sm(t.p, 5, NAS_REQUEST_INITIAL, NULL, NULL);
                bed_run_ms(t.b, 50);
            }
            struct arena a = arena_over(memory, MEMORY);
            void *value = arena_zero(&a, type->size);
            if (aper_random(type, value, &a, &seed, 4) < 0)
                continue;
            put_id(type, value, ID_AMF_UE, t.p->amf_id);
            put_id(type, value, ID_RAN_UE, t.p->ran_id);
            gnb_send(&t.b->gnb[0], (enum ngap_msg)msg, value, 1);
            bed_run_ms(t.b, 5);
            t.smf->n_asked = t.smf->seen = 0;
            t.p->n_in = t.p->taken = 0;
            t.b->text_n = 0;
        }
    }
    free(memory);
    assert_true(bed_amf(t.b)->counters.rx > 800); /* most of it could be sent */
    t.p->connected = false;
    sessions_end(&t);
}

/* Where a gNB's tunnels may end is said, and it answers with what the AMF cannot read: no SMF gets to read it either. */
static void a_tunnel_that_cannot_be_read(void **state)
{
    for (int planned = 0; planned < 2; planned++) {
        struct session_bed t;
        sessions_begin(&t, planned ? "  gnbs: [{id: 1, n3_addresses: [10.0.0.16]}, {id: 2}]\n" : "  gnbs: [{id: 1}, {id: 2}]\n");
        say_sm(t.p, 1, NAS_REQUEST_INITIAL, NULL, NULL);
        hear_sm(t.p, 1, 0);
        smf_expect(&t, create);
        const struct asked *a = smf_next(&t);
        assert_int_equal(a->op, SBI_nsmf_pdusession_update);
        assert_int_equal(a->release, planned);
        assert_int_equal(a->n2_type, planned ? 0 : SBI_N2SmInfoType_PDU_RES_SETUP_RSP);
        bed_run_ms(t.b, 50);
        sessions_end(&t);
    }
}

static int run(void)
{
    return RUN(unit(a_tunnel_that_cannot_be_read), unit(is_established), unit(several_at_once), unit(selection), unit(not_routed), unit(the_smf_refuses),
               unit(no_smf_and_a_silent_one), unit(created_for_nobody_is_released),
               unit(the_same_identity_again_replaces), unit(the_phone_releases),
               unit(the_network_modifies_and_releases), unit(the_smf_forgot), unit(the_gnb_has_no_resources),
               unit(the_gnb_notifies), unit(the_smf_does_not_take_it), unit(transfers_that_go_nowhere), unit(another_gnb_cannot_speak_for_a_phone),
               unit(mobility_is_refused), unit(anything_of_a_gnb));
}
int main(void)
{
    int e = run();
    as_json = true;
    return e + run();
}
