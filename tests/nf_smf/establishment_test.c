/* SPDX-License-Identifier: Apache-2.0 */
/* PDU session establishment, TS 23.502 4.3.2.2.1: what each peer gets when it works, and each refusal. */
#include "tests/nf_smf/smf_net.h"

static void ipv4(void **state)
{
    (void)state;
    struct answer a = create((struct wanted){.pco = true, .always_on = true});
    assert_int_equal(a.status, 201);
    assert_true(net->upf.established == 1 && net->amf.transfers == 1 && net->amf.policies == 1);
    assert_int_equal(net->amf.registrations, 0); /* step 16c comes later */
    /* N4: session AMBR, address, tunnel of the UPF's choice; nothing passes downlink yet */
    assert_true(net->upf.qer_ul == 100000 && net->upf.qer_dl == 200000);
    assert_int_equal(net->upf.ue_flags, PFCP_UE_IP_V4 | PFCP_UE_IP_DESTINATION);
    assert_memory_equal(net->upf.ue_ip4, ((uint8_t[]){10, 45, 0, 2}), 4);
    assert_int_equal(net->upf.teid_flags, PFCP_F_TEID_CH | PFCP_F_TEID_V4);
    assert_int_equal(net->upf.far_action, PFCP_APPLY_ACTION_BUFF);
    /* N1 */
    struct nas_msg m = n1_of(&net->amf.n1);
    const struct nas_pdu_session_establishment_accept *n1 = &m.pdu_session_establishment_accept;
    assert_int_equal(m.type, NAS_PDU_SESSION_ESTABLISHMENT_ACCEPT);
    assert_true(m.pdu_session_id == 1 && m.pti == 1);
    assert_true(n1->selected_pdu_session_type == NAS_PDU_IPV4 && n1->selected_ssc_mode == 1);
    assert_true(!n1->has.gsm_cause && n1->has.pdu_address && n1->pdu_address.type == NAS_PDU_IPV4);
    assert_memory_equal(n1->pdu_address.ipv4, ((uint8_t[]){10, 45, 0, 2}), 4);
    assert_int_equal(nas_rate_kbps(n1->session_ambr.down), 200000);
    assert_int_equal(nas_rate_kbps(n1->session_ambr.up), 100000);
    assert_true(n1->authorized_qos_rules.n == 1 && n1->authorized_qos_rules.rule[0].dqr &&
                n1->authorized_qos_rules.rule[0].qfi == SMF_QFI);
    assert_true(n1->authorized_qos_flow_descriptions.n == 1 && n1->authorized_qos_flow_descriptions.flow[0].fiveqi == 9);
    assert_true(str_is(n1->dnn, "internet") && n1->s_nssai.sst == 1);
    assert_true(n1->has.always_on_pdu_session_indication && n1->always_on_pdu_session_indication == 0);
    const struct nas_pco *pco = &n1->extended_protocol_configuration_options;
    assert_memory_equal(nas_pco_find(pco, NAS_PCO_DNS_IPV4)->value.p, ((uint8_t[]){1, 1, 1, 1}), 4);
    assert_int_equal(nas_pco_find(pco, NAS_PCO_DNS_IPV6)->value.n, 16);
    assert_int_equal(be16(nas_pco_find(pco, NAS_PCO_IPV4_MTU)->value.p), 1400);
    assert_null(nas_pco_find(pco, NAS_PCO_P_CSCF_IPV4)); /* none is configured */
    assert_int_equal(nas_pco_find(pco, NAS_PCO_IPCP)->value.p[0], 3);
    /* N2 */
    static uint8_t block[8192];
    struct arena arena = arena_over(block, sizeof block);
    struct ngap_PDUSessionResourceSetupRequestTransfer t;
    assert_int_equal(net->amf.n2_type, SBI_NgapIeType_PDU_RES_SETUP_REQ);
    assert_int_equal(ngap_transfer_decode(&ngap_desc_PDUSessionResourceSetupRequestTransfer, octets_of(&net->amf.n2),
                                          &arena, &t), OK);
    assert_int_equal(be32(t.UL_NGU_UP_TNLInformation.gTPTunnel.gTP_TEID.p), 0x1001);
    assert_int_equal(t.PDUSessionAggregateMaximumBitRate.pDUSessionAggregateMaximumBitRateDL, 200000000);
    assert_int_equal(t.SecurityIndication.confidentialityProtectionIndication,
                     NGAP_ConfidentialityProtectionIndication_required);
    assert_int_equal(t.SecurityIndication.integrityProtectionIndication, NGAP_IntegrityProtectionIndication_preferred);
    assert_int_equal(t.SecurityIndication.maximumIntegrityProtectedDataRate_UL,
                     NGAP_MaximumIntegrityProtectedDataRate_maximum_UE_rate);
    assert_int_equal(t.QosFlowSetupRequestList.v[0].qosFlowLevelQosParameters.qosCharacteristics.nonDynamic5QI.fiveQI, 9);
    /* steps 14 to 17 */
    struct answer b = gnb_accepts(a.ref, 0xabcd);
    assert_true(b.status == 200 && b.up_state == SBI_UpCnxState_ACTIVATED);
    assert_true(net->upf.modified == 1 && net->upf.far_teid == 0xabcd &&
                net->upf.far_action == PFCP_APPLY_ACTION_FORW);
    assert_int_equal(net->upf.far_marking, 46 << 10 | 0xfc);
    assert_memory_equal(net->upf.far_ip, ((uint8_t[]){10, 0, 0, 9}), 4);
    assert_int_equal(net->amf.registrations, 1);
    assert_int_equal(metric_get(net->metrics, METRIC_session_ok), 1);
    assert_int_equal(metric_get(net->metrics, METRIC_addresses_used), 1);
    assert_true(sizeof(struct smf_session) <= 700);
}

static struct nas_msg accepted(struct wanted x)
{
    struct answer a = create(x);
    assert_int_equal(a.status, 201);
    struct nas_msg m = n1_of(&net->amf.n1);
    assert_int_equal(m.type, NAS_PDU_SESSION_ESTABLISHMENT_ACCEPT);
    return m;
}

static void ipv6(void **state)
{
    (void)state;
    struct nas_msg m = accepted((struct wanted){.type = NAS_PDU_IPV6, .pco = true});
    const struct nas_pdu_session_establishment_accept *n1 = &m.pdu_session_establishment_accept;
    static const uint8_t none[8], prefix[16] = {0xfd, 0, 0, 0x10, 0, 0x45, 0, 1};
    assert_true(n1->selected_pdu_session_type == NAS_PDU_IPV6 && n1->pdu_address.type == NAS_PDU_IPV6);
    assert_memory_not_equal(n1->pdu_address.iid, none, 8);
    assert_int_equal(net->upf.ue_flags, PFCP_UE_IP_V6 | PFCP_UE_IP_DESTINATION);
    assert_memory_equal(net->upf.ue_ip6, prefix, 16);
    assert_string_equal(net->amf.last_ipv6, "fd00:10:45:1::/64");
    const struct nas_pco *pco = &n1->extended_protocol_configuration_options;
    assert_null(nas_pco_find(pco, NAS_PCO_IPV4_MTU));
    assert_null(nas_pco_find(pco, NAS_PCO_IPCP));
    assert_non_null(nas_pco_find(pco, NAS_PCO_DNS_IPV6));
}

static void both_versions(void **state)
{
    (void)state;
    struct nas_msg m = accepted((struct wanted){.type = NAS_PDU_IPV4V6});
    assert_true(m.pdu_session_establishment_accept.selected_pdu_session_type == NAS_PDU_IPV4V6);
    assert_false(m.pdu_session_establishment_accept.has.gsm_cause);
    assert_false(m.pdu_session_establishment_accept.has.extended_protocol_configuration_options);
    assert_int_equal(net->upf.ue_flags, PFCP_UE_IP_V4 | PFCP_UE_IP_V6 | PFCP_UE_IP_DESTINATION);
    assert_int_equal(metric_get(net->metrics, METRIC_addresses_used), 2);
    assert_int_equal(metric_get(net->metrics, METRIC_sessions), 1);
    /* a type that is not in use yet is read as IPv4v6; none at all means the subscription's default */
    m = accepted((struct wanted){.psi = 2, .type = 6});
    assert_true(m.pdu_session_establishment_accept.selected_pdu_session_type == NAS_PDU_IPV4V6);
    net->amf.types[0] = SBI_PduSessionType_IPV6;
    m = accepted((struct wanted){.psi = 3, .no_type = true});
    assert_true(m.pdu_session_establishment_accept.selected_pdu_session_type == NAS_PDU_IPV6);
}

static void less_than_asked_for(void **state)
{
    (void)state;
    net->amf.n_types = 1;
    struct nas_msg m = accepted((struct wanted){.type = NAS_PDU_IPV4V6});
    assert_true(m.pdu_session_establishment_accept.selected_pdu_session_type == NAS_PDU_IPV4);
    assert_int_equal(m.pdu_session_establishment_accept.gsm_cause, NAS_GSM_CAUSE_PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED);
    net->amf.types[0] = SBI_PduSessionType_IPV6;
    m = accepted((struct wanted){.type = NAS_PDU_IPV4V6, .psi = 2});
    assert_true(m.pdu_session_establishment_accept.selected_pdu_session_type == NAS_PDU_IPV6);
    assert_int_equal(m.pdu_session_establishment_accept.gsm_cause, NAS_GSM_CAUSE_PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED);
}

/* ---- refusals ---- */

static void refused(struct wanted x, uint8_t cause, int status, const char *sbi)
{
    uint32_t sessions = net->smf->sessions.used, transfers = net->amf.transfers;
    uint64_t addresses = metric_get(net->metrics, METRIC_addresses_used);
    uint64_t counted = metric_get_at(net->metrics, METRIC_session_failed, cause);
    struct answer a = create(x);
    assert_int_equal(a.status, status);
    assert_string_equal(a.cause, sbi);
    struct nas_msg m = n1_of(&a.n1);
    assert_int_equal(m.type, NAS_PDU_SESSION_ESTABLISHMENT_REJECT);
    assert_int_equal(m.pdu_session_establishment_reject.gsm_cause, cause);
    assert_int_equal(m.pdu_session_id, x.psi ? x.psi : 1);
    if (cause == NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES)
        assert_in_range(nas_timer3_s(m.pdu_session_establishment_reject.back_off_timer_value), 60, 90); /* in whole units */
    else
        assert_false(m.pdu_session_establishment_reject.has.back_off_timer_value);
    /* nothing is left of it */
    assert_int_equal(net->smf->sessions.used, sessions);
    assert_int_equal(net->smf->ues.used, sessions);
    assert_int_equal(metric_get(net->metrics, METRIC_addresses_used), addresses);
    assert_int_equal(metric_get_at(net->metrics, METRIC_session_failed, cause), counted + 1);
    assert_int_equal(net->amf.transfers, transfers);
    assert_true(net->amf.policies == net->amf.policies_deleted && net->upf.sessions == 0);
    assert_non_null(memmem(net->logged, net->logged_n, "session_rejected", 16));
}

static void what_was_asked_for(void **state)
{
    (void)state;
    refused((struct wanted){.dnn = "nowhere"}, NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN, 403, "DNN_DENIED");
    refused((struct wanted){.no_dnn = true}, NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN, 403, "DNN_DENIED");
    refused((struct wanted){.dnn = "sliced"}, NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN_IN_A_SLICE, 403, "DNN_DENIED");
    refused((struct wanted){.sd = true}, NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN_IN_A_SLICE, 403, "DNN_DENIED");
    refused((struct wanted){.type = NAS_PDU_ETHERNET}, NAS_GSM_CAUSE_UNKNOWN_PDU_SESSION_TYPE, 403, "PDUTYPE_NOT_SUPPORTED");
    refused((struct wanted){.type = NAS_PDU_UNSTRUCTURED}, NAS_GSM_CAUSE_UNKNOWN_PDU_SESSION_TYPE, 403,
            "PDUTYPE_NOT_SUPPORTED");
    refused((struct wanted){.ssc = 2}, NAS_GSM_CAUSE_NOT_SUPPORTED_SSC_MODE, 403, "SSC_NOT_SUPPORTED");
    refused((struct wanted){.ssc = 6}, NAS_GSM_CAUSE_NOT_SUPPORTED_SSC_MODE, 403, "SSC_NOT_SUPPORTED");
    refused((struct wanted){.request = SBI_RequestType_EXISTING_PDU_SESSION}, NAS_GSM_CAUSE_PDU_SESSION_DOES_NOT_EXIST, 403,
            "N1_SM_ERROR");
    refused((struct wanted){.request = SBI_RequestType_INITIAL_EMERGENCY_REQUEST}, NAS_GSM_CAUSE_SERVICE_OPTION_NOT_SUPPORTED,
            403, "N1_SM_ERROR");
    refused((struct wanted){.access = SBI_AccessType_NON_3GPP_ACCESS}, NAS_GSM_CAUSE_SERVICE_OPTION_NOT_SUPPORTED, 403,
            "N1_SM_ERROR");
    net->amf.n_types = 1;
    refused((struct wanted){.type = NAS_PDU_IPV6}, NAS_GSM_CAUSE_PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED, 403, "PDUTYPE_DENIED");
    net->amf.types[0] = SBI_PduSessionType_IPV6;
    refused((struct wanted){0}, NAS_GSM_CAUSE_PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED, 403, "PDUTYPE_DENIED");
    accepted((struct wanted){.type = NAS_PDU_IPV6, .ssc = 4, .dnn = "InterNet"}); /* 4 is 1; labels have no case */
}

static void subscriptions(void **state)
{
    (void)state;
    net->amf.dnn_key = "other";
    refused((struct wanted){0}, NAS_GSM_CAUSE_REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED, 403, "SUBSCRIPTION_DENIED");
    net->amf.dnn_key = "internet";
    net->amf.other_slice = true;
    refused((struct wanted){0}, NAS_GSM_CAUSE_REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED, 403, "SUBSCRIPTION_DENIED");
    net->amf.other_slice = false;
    net->amf.sdm_status = 404;
    refused((struct wanted){0}, NAS_GSM_CAUSE_REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED, 403, "SUBSCRIPTION_DENIED");
    net->amf.sdm_status = 500;
    refused((struct wanted){0}, NAS_GSM_CAUSE_NETWORK_FAILURE, 504, "NETWORK_FAILURE");
    net->amf.sdm_status = 0;
    net->amf.ssc2_only = true;
    refused((struct wanted){0}, NAS_GSM_CAUSE_NOT_SUPPORTED_SSC_MODE, 403, "SSC_NOT_SUPPORTED");
    net->amf.ssc2_only = false;
    net->amf.dnn_key = "*";
    net->amf.has_security = true;
    net->amf.integrity = SBI_UpIntegrity_NOT_NEEDED;
    accepted((struct wanted){.rate = 0x0001});
    static uint8_t block[8192];
    struct arena arena = arena_over(block, sizeof block);
    struct ngap_PDUSessionResourceSetupRequestTransfer t;
    assert_int_equal(ngap_transfer_decode(&ngap_desc_PDUSessionResourceSetupRequestTransfer, octets_of(&net->amf.n2),
                                          &arena, &t), OK);
    assert_int_equal(t.SecurityIndication.integrityProtectionIndication, NGAP_IntegrityProtectionIndication_not_needed);
    assert_false(t.SecurityIndication.has.maximumIntegrityProtectedDataRate_UL);
}

static void resources(void **state)
{
    (void)state;
    net->amf.dnn_key = "*";
    established((struct wanted){.dnn = "small"}); /* the only one of a /30 beside the gateway's */
    assert_memory_equal(net->upf.ue_ip4, ((uint8_t[]){10, 46, 0, 2}), 4);
    struct answer a = create((struct wanted){.supi = "imsi-001010000000002", .dnn = "small"});
    assert_true(a.status == 500 && n1_of(&a.n1).pdu_session_establishment_reject.gsm_cause == 26);
    assert_non_null(memmem(net->logged, net->logged_n, "pool_empty", 10));
    established((struct wanted){.psi = 2});
    established((struct wanted){.psi = 3});
    a = create((struct wanted){.psi = 4}); /* max_sessions_per_ue */
    assert_true(a.status == 500 && n1_of(&a.n1).pdu_session_establishment_reject.gsm_cause == 26);
    assert_int_equal(net->smf->sessions.used, 3);
    for (unsigned i = 3; i < 64; i++) {
        char supi[32];
        snprintf(supi, sizeof supi, "imsi-0010100000001%02u", i);
        established((struct wanted){.supi = supi});
    }
    a = create((struct wanted){.supi = "imsi-001010000000999"}); /* max_sessions */
    assert_true(a.status == 500 && n1_of(&a.n1).pdu_session_establishment_reject.gsm_cause == 26);
    assert_int_equal(net->smf->sessions.used, 64);
}

static void malformed(void **state)
{
    (void)state;
    uint8_t buf[256];
    struct wanted x = with_defaults((struct wanted){.pco = true});
    struct bytes good = request_make(&x, buf, sizeof buf);
    for (uint32_t n = 1; n <= 5; n++) { /* no type, no mandatory IE: clause 7.2 and 7.5.1 */
        struct answer a = create((struct wanted){.n1 = {buf, n}});
        assert_int_equal(a.status, 403);
        struct nas_msg m = n1_of(&a.n1);
        assert_int_equal(m.type, NAS_PDU_SESSION_ESTABLISHMENT_REJECT);
        if (n >= 4)
            assert_int_equal(m.pdu_session_establishment_reject.gsm_cause, NAS_GSM_CAUSE_INVALID_MANDATORY_INFORMATION);
    }
    refused((struct wanted){.n1 = good, .psi = 2}, NAS_GSM_CAUSE_INVALID_PDU_SESSION_IDENTITY, 403, "N1_SM_ERROR");
    buf[2] = 0;
    refused((struct wanted){.n1 = good}, NAS_GSM_CAUSE_INVALID_PTI_VALUE, 403, "N1_SM_ERROR");
    buf[2] = 255;
    refused((struct wanted){.n1 = good}, NAS_GSM_CAUSE_INVALID_PTI_VALUE, 403, "N1_SM_ERROR");
    buf[2] = 1;
    buf[3] = NAS_PDU_SESSION_MODIFICATION_COMPLETE;
    refused((struct wanted){.n1 = good}, NAS_GSM_CAUSE_MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE, 403, "N1_SM_ERROR");
    buf[3] = 0x99;
    refused((struct wanted){.n1 = good}, NAS_GSM_CAUSE_MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED, 403, "N1_SM_ERROR");
    uint64_t seed = 3; /* whatever it is, it is answered and nothing remains */
    buf[3] = NAS_PDU_SESSION_ESTABLISHMENT_REQUEST;
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t bad[256];
        memcpy(bad, buf, good.n);
        for (unsigned k = 0; k < 3; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bad[4 + (seed >> 33) % (good.n - 4)] = (uint8_t)(seed >> 50);
        }
        struct answer a;
        create_send((struct wanted){.n1 = {bad, good.n}}, &a);
        go(10000);
        assert_true(a.done && (a.status == 201 || a.n1.n));
    }
    assert_in_range(net->smf->sessions.used, 0, 1);
}

static void identities(void **state)
{
    (void)state;
    struct answer a = create((struct wanted){.psi = 16});
    assert_true(a.status == 400 && strcmp(a.cause, "MANDATORY_IE_INCORRECT") == 0);
    struct call *c = call_begin(SBI_nsmf_pdusession_create);
    struct sbi_SmContextCreateData *b = &((SBI_REQ(nsmf_pdusession_create) *)call_request(c))->body;
    b->serving_nf_id = STR("00000000-0000-4000-8000-000000000001");
    b->serving_network = (struct sbi_PlmnIdNid){.mcc = STR("001"), .mnc = STR("01")};
    b->an_type = SBI_AccessType_3GPP_ACCESS;
    b->sm_context_status_uri = STR("http://core/amf-callback/v1/x");
    send_call(c, &a);
    go(SECOND);
    assert_true(a.status == 400 && strcmp(a.cause, "MANDATORY_IE_MISSING") == 0);
    a = release("0000000000000001aaaaaaaaaaaaaaaa");
    assert_true(a.status == 404 && strcmp(a.cause, "CONTEXT_NOT_FOUND") == 0);
    struct answer s = established((struct wanted){0});
    s.ref[20] ^= 1; /* a proof that is not ours */
    a = update(s.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED});
    assert_true(a.status == 404 && strcmp(a.cause, "CONTEXT_NOT_FOUND") == 0);
    s.ref[20] ^= 1;
    assert_int_equal(release(s.ref).status, 204);
    assert_int_equal(release(s.ref).status, 404); /* a handle finds nothing after its session */
}

/* ---- policy, fixed addresses ---- */

static void policy(void **state)
{
    (void)state;
    net->amf.policy_ambr_dl = "1.5 Gbps";
    net->amf.policy_5qi = 7;
    struct nas_msg m = accepted((struct wanted){0});
    assert_int_equal(nas_rate_kbps(m.pdu_session_establishment_accept.session_ambr.down), 1500000);
    assert_int_equal(m.pdu_session_establishment_accept.authorized_qos_flow_descriptions.flow[0].fiveqi, 7);
    assert_true(net->upf.qer_dl == 1500000 && net->upf.qer_ul == 10000);
    nf_stop(&net->rt, SBI_NF_PCF); /* none: subscription and configuration decide */
    m = accepted((struct wanted){.psi = 2});
    assert_int_equal(nas_rate_kbps(m.pdu_session_establishment_accept.session_ambr.down), 200000);
}

static void rates(void **state)
{
    static const struct {
        const char *text;
        uint64_t bps;
    } good[] = {{"1 bps", 1}, {"64 Kbps", 64000}, {"0.5 Mbps", 500000}, {"1.25 Gbps", 1250000000}, {"4 Tbps", 4000000000000},
                {"99999 Tbps", 4000000000000}, {"0 bps", 0}};
    static const char *const bad[] = {"", " ", "1", "1 ", "1Mbps", "x Mbps", "1 mbps", ".5 Mbps", "1..5 Mbps", "-1 bps",
                                      "11111111111111111111111 bps"};
    uint64_t bps;
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(sbi_bit_rate_get(str_of(good[i].text), &bps));
        assert_int_equal(bps, good[i].bps);
    }
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(sbi_bit_rate_get(str_of(bad[i]), &bps));
    uint8_t block[256];
    struct arena a = arena_over(block, sizeof block);
    assert_true(str_is(sbi_bit_rate_put(&a, 1500000000), "1500 Mbps") && str_is(sbi_bit_rate_put(&a, 0), "0 bps"));
}

static void fixed_addresses(void **state)
{
    (void)state;
    net->amf.fixed4 = "10.45.1.1";
    net->amf.fixed6 = "fd00:10:45:77::/64";
    struct answer a = established((struct wanted){.type = NAS_PDU_IPV4V6});
    assert_memory_equal(net->upf.ue_ip4, ((uint8_t[]){10, 45, 1, 1}), 4);
    assert_memory_equal(net->upf.ue_ip6, ((uint8_t[]){0xfd, 0, 0, 0x10, 0, 0x45, 0, 0x77}), 8);
    struct answer b = create((struct wanted){.supi = "imsi-001010000000002"}); /* it has an owner */
    assert_true(b.status == 500 && n1_of(&b.n1).pdu_session_establishment_reject.gsm_cause == 26);
    assert_int_equal(release(a.ref).status, 204);
    established((struct wanted){.supi = "imsi-001010000000002"});
    net->amf.fixed4 = "10.99.1.1"; /* outside of the pool */
    b = create((struct wanted){.supi = "imsi-001010000000003"});
    assert_int_equal(b.status, 500);
}

/* ---- after step 5 ---- */

/* The refusal goes to the UE by a message of its own, the AMF learns that the context is gone. */
static void nothing_remains(uint8_t cause)
{
    struct nas_msg m = n1_of(&net->amf.n1);
    assert_int_equal(m.type, NAS_PDU_SESSION_ESTABLISHMENT_REJECT);
    assert_int_equal(m.pdu_session_establishment_reject.gsm_cause, cause);
    assert_int_equal(net->amf.notifications, 1);
    assert_int_equal(net->smf->sessions.used, 0);
    assert_int_equal(net->smf->ues.used, 0);
    assert_int_equal(metric_get(net->metrics, METRIC_addresses_used), 0);
    assert_int_equal(metric_get(net->metrics, METRIC_sessions), 0);
    assert_int_equal(net->upf.sessions, 0);
    assert_int_equal(net->smf->upfs[0].sessions, 0);
    assert_int_equal(net->rt.procs_running, 0);
    assert_int_equal(net->amf.registrations, net->amf.deregistrations);
}

/* What the gNB has passed on to the phone already is released, on both sides. */
static void is_undone(const struct answer *b, const char *ref)
{
    uint8_t buf[64];
    struct nas_msg m = n1_of(&b->n1);
    assert_true(b->status == 200 && b->n2.n && b->n2_type == SBI_N2SmInfoType_PDU_RES_REL_CMD);
    assert_int_equal(m.type, NAS_PDU_SESSION_RELEASE_COMMAND);
    assert_int_equal(m.pdu_session_release_command.gsm_cause, NAS_GSM_CAUSE_REACTIVATION_REQUESTED);
    assert_int_equal(net->smf->sessions.used, 1);
    assert_int_equal(net->amf.transfers, 1); /* no reject */
    update(ref, (struct news){.n1 = n1_make(NAS_PDU_SESSION_RELEASE_COMPLETE, 1, 0, buf, sizeof buf)});
    assert_int_equal(net->smf->sessions.used, 1);
    static const uint8_t empty[] = {0};
    update(ref, (struct news){.n2 = BYTES_OF(empty), .n2_type = SBI_N2SmInfoType_PDU_RES_REL_RSP});
    go(SECOND);
    assert_int_equal(net->smf->sessions.used, 0);
    assert_int_equal(net->upf.sessions, 0);
    assert_int_equal(net->amf.notifications, 1);
    assert_int_equal(net->rt.procs_running, 0);
    assert_int_equal(net->amf.registrations, net->amf.deregistrations);
}

static void policy_denied(void **state)
{
    (void)state;
    net->amf.pcf_status = 403;
    assert_int_equal(create((struct wanted){0}).status, 201);
    nothing_remains(NAS_GSM_CAUSE_REQUEST_REJECTED_UNSPECIFIED);
    assert_int_equal(net->upf.established, 0);
}
static void policy_broken(void **state)
{
    (void)state;
    net->amf.pcf_status = 500;
    assert_int_equal(create((struct wanted){0}).status, 201);
    nothing_remains(NAS_GSM_CAUSE_NETWORK_FAILURE);
}
static void n4_refused(void **state)
{
    (void)state;
    net->upf.cause = PFCP_CAUSE_NO_RESOURCES_AVAILABLE;
    assert_int_equal(create((struct wanted){0}).status, 201);
    nothing_remains(NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES);
    assert_int_equal(net->amf.policies_deleted, 1);
    assert_non_null(memmem(net->logged, net->logged_n, "pfcp_refused", 12));
}
static void n4_silent(void **state)
{
    (void)state;
    net->upf.silent = true;
    assert_int_equal(create((struct wanted){0}).status, 201);
    assert_int_equal(net->smf->sessions.used, 1);
    go(3 * SECOND); /* pfcp_t1 times pfcp_n1 */
    nothing_remains(NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES);
}
/* The UPF has a session whose SEID never arrived: one with the same F-SEID takes its place and is deleted. */
static void n4_answer_lost(void **state)
{
    (void)state;
    net->upf.loses_answers = true;
    assert_int_equal(create((struct wanted){0}).status, 201);
    go(4 * SECOND);
    assert_int_equal(net->smf->sessions.used, 0);
    assert_true(net->upf.sessions == 1 && net->upf.replaced > 0 && net->upf.deleted == 0);
    net->upf.loses_answers = false;
    go(4 * SECOND);
    nothing_remains(NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES);
    assert_int_equal(net->upf.deleted, 1);
}
static void n4_without_tunnel(void **state)
{
    (void)state;
    net->upf.no_choice = true;
    assert_int_equal(create((struct wanted){0}).status, 201);
    go(SECOND);
    nothing_remains(NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES);
    assert_int_equal(net->upf.deleted, 1);
}
static void no_upf(void **state)
{
    (void)state;
    upf_close(&net->upf);
    go(60 * SECOND);
    struct answer a;
    create_send((struct wanted){0}, &a);
    go(SECOND);
    assert_true(a.status == 500 && n1_of(&a.n1).pdu_session_establishment_reject.gsm_cause == 26);
    assert_non_null(memmem(net->logged, net->logged_n, "upf_missing", 11));
    assert_non_null(memmem(net->logged, net->logged_n, "pfcp_lost", 9));
    upf_open(&net->upf);
    go(30 * SECOND);
    established((struct wanted){0}); /* it is back */
}
static void amf_refuses(void **state)
{
    (void)state;
    net->amf.transfer_status = 404;
    assert_int_equal(create((struct wanted){0}).status, 201);
    go(SECOND);
    nothing_remains(NAS_GSM_CAUSE_NETWORK_FAILURE);
}
static void gnb_refuses(void **state)
{
    static const uint8_t cause[] = {0, 0};
    (void)state;
    struct answer a = create((struct wanted){0});
    struct answer b = update(a.ref, (struct news){.n2 = BYTES_OF(cause), .n2_type = SBI_N2SmInfoType_PDU_RES_SETUP_FAIL});
    assert_true(b.status == 200 && b.up_state == SBI_UpCnxState_DEACTIVATED);
    nothing_remains(NAS_GSM_CAUSE_NETWORK_FAILURE);
}
static void gnb_talks_nonsense(void **state)
{
    static const uint8_t octets[] = {0xff, 0xff, 1};
    (void)state;
    struct answer a = create((struct wanted){0});
    struct answer b = update(a.ref, (struct news){.n2 = BYTES_OF(octets), .n2_type = SBI_N2SmInfoType_PDU_RES_SETUP_RSP});
    is_undone(&b, a.ref);
}
static void gnb_silent(void **state)
{
    (void)state;
    create((struct wanted){0});
    go(19 * SECOND);
    assert_int_equal(net->smf->sessions.used, 1);
    go(2 * SECOND);
    nothing_remains(NAS_GSM_CAUSE_NETWORK_FAILURE);
}
/* The gNB has set up what the UPF then does not take: it is told to give it up, and so is the phone. */
static void n4_change_refused(void **state)
{
    (void)state;
    struct answer a = create((struct wanted){0});
    net->upf.modify_cause = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE;
    struct answer b = gnb_accepts(a.ref, 5);
    is_undone(&b, a.ref);
}
/* AN release before the gNB's answer: the session is there, without user plane. */
static void gnb_gone(void **state)
{
    (void)state;
    struct answer a = create((struct wanted){0});
    struct answer b = update(a.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED});
    assert_true(b.status == 200 && b.up_state == SBI_UpCnxState_DEACTIVATED);
    assert_int_equal(net->smf->sessions.used, 1);
    assert_int_equal(net->upf.far_action, PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP);
    b = update(a.ref, (struct news){.up = SBI_UpCnxState_ACTIVATING});
    assert_true(b.status == 200 && b.n2_type == SBI_N2SmInfoType_PDU_RES_SETUP_REQ);
}
static void udm_forgets(void **state)
{
    (void)state;
    net->amf.uecm_status = 500;
    struct answer a = established((struct wanted){0}); /* the session works all the same */
    assert_int_equal(release(a.ref).status, 204);
    assert_int_equal(net->amf.deregistrations, 0);
}

/* A create for an identity in use takes its place; so does a repetition while the first is under way. */
static void again(void **state)
{
    (void)state;
    struct answer a = established((struct wanted){0});
    struct answer b = create((struct wanted){.pti = 2});
    assert_int_equal(b.status, 201);
    assert_int_equal(net->smf->sessions.used, 1);
    assert_int_equal(net->upf.sessions, 1);
    assert_int_equal(net->amf.notifications, 0);
    assert_int_equal(net->amf.policies_deleted, 1);
    assert_int_equal(gnb_accepts(a.ref, 5).status, 404);
    struct answer c = create((struct wanted){.pti = 2}); /* T3580 */
    assert_int_equal(c.status, 201);
    assert_int_equal(gnb_accepts(b.ref, 5).status, 404);
    assert_int_equal(gnb_accepts(c.ref, 5).status, 200);
    struct answer d, e;
    create_send((struct wanted){.psi = 3}, &d); /* at once, before the first has been answered */
    create_send((struct wanted){.psi = 3}, &e);
    go(SECOND);
    assert_true(d.status == 201 && e.status == 201);
    assert_int_equal(gnb_accepts(d.ref, 5).status, 404);
    assert_int_equal(gnb_accepts(e.ref, 5).status, 200);
    assert_int_equal(net->smf->sessions.used, 2);
    assert_int_equal(net->upf.sessions, 2);
}

/* At whatever moment the AMF gives up or begins again: every step is undone, on the UPF too. */
static void at_any_moment(void **state)
{
    (void)state;
    for (unsigned us = 0; us < 2000; us += 20) {
        struct answer a, b, c;
        create_send((struct wanted){0}, &a);
        go(us);
        create_send((struct wanted){.pti = 2}, &b);
        go(us);
        if (a.done && a.status == 201) { /* else the AMF has nothing that it could name */
            update_send(a.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED}, &c);
            go(SECOND / 10);
            assert_true(c.done);
        }
        go(SECOND / 10);
        assert_int_equal(b.status, 201);
        assert_int_equal(net->smf->sessions.used, 1);
        assert_int_equal(net->upf.sessions, 1);
        assert_int_equal(net->amf.policies, net->amf.policies_deleted + 1);
        struct call *call = call_begin(SBI_nsmf_pdusession_release);
        ((SBI_REQ(nsmf_pdusession_release) *)call_request(call))->sm_context_ref = arena_str(&call->arena, str_of(b.ref));
        send_call(call, &c);
        go(SECOND / 10);
        assert_int_equal(c.status, 204);
        assert_int_equal(net->smf->sessions.used, 0);
        assert_int_equal(net->upf.sessions, 0);
        assert_int_equal(net->amf.policies, net->amf.policies_deleted);
        assert_int_equal(net->amf.registrations, net->amf.deregistrations);
        assert_int_equal(metric_get(net->metrics, METRIC_addresses_used), 0);
    }
    for (unsigned us = 0; us < 2000; us += 20) {
        struct answer a, b = {0};
        create_send((struct wanted){0}, &a);
        for (unsigned k = 0; k < 100 && !a.done; k++)
            go(10);
        assert_int_equal(a.status, 201);
        go(us);
        struct call *call = call_begin(SBI_nsmf_pdusession_release);
        ((SBI_REQ(nsmf_pdusession_release) *)call_request(call))->sm_context_ref = arena_str(&call->arena, str_of(a.ref));
        send_call(call, &b);
        go(SECOND);
        assert_int_equal(b.status, 204);
        assert_int_equal(net->smf->sessions.used, 0);
        assert_int_equal(net->upf.sessions, 0);
        assert_int_equal(net->amf.policies, net->amf.policies_deleted);
        assert_int_equal(net->amf.notifications, 0);
    }
}

static void line(void *ctx, const char *text)
{
    char *all = ctx;
    size_t n = strlen(all);
    snprintf(all + n, 2000 - n, "%s\n", text);
}
static void for_people(void **state)
{
    char all[2000] = "";
    (void)state;
    established((struct wanted){.type = NAS_PDU_IPV4V6});
    smf_nf.status(net->smf, line, all);
    assert_non_null(strstr(all, "sessions: 1 of at most 64, of 1 phones"));
    assert_non_null(strstr(all, "UPF upf1 at 10.0.0.2:8805: associated, 1 sessions"));
    assert_non_null(strstr(all, "data network internet: 1 IPv4 addresses, 1 IPv6 prefixes in use"));
}

static void options_change(void **state)
{
    (void)state;
    established((struct wanted){0});
    struct config changed = net->config;
    struct config_dnn dnns[4];
    memcpy(dnns, net->config.smf.dnns, sizeof dnns);
    dnns[0].mtu = 1300;
    changed.smf.dnns = dnns;
    changed.smf.max_sessions_per_ue = 1;
    changed.smf.pfcp_t1_ms = 200;
    net->rt.config = &changed;
    struct answer a = create((struct wanted){.psi = 2});
    assert_int_equal(a.status, 500);
    struct nas_msg m = accepted((struct wanted){.supi = "imsi-001010000000002", .pco = true});
    assert_int_equal(be16(nas_pco_find(&m.pdu_session_establishment_accept.extended_protocol_configuration_options,
                                       NAS_PCO_IPV4_MTU)->value.p), 1300);
    assert_int_equal(net->smf->n4.config.t1_us, 200000);
    nf_stop(&net->rt, SBI_NF_SMF); /* before `changed` goes */
    net->rt.config = &net->config;
}

/* N4's port is somebody's: nothing starts, nothing is left. */
static void cannot_start(void **state)
{
    (void)state;
    nf_stop(&net->rt, SBI_NF_SMF);
    struct udp_sink sink = {0};
    int sock = net->core->ops->udp_open(net->core, &(struct net_addr){4, PFCP_PORT, {10, 0, 0, 1}}, &sink);
    assert_true(sock >= 0);
    assert_true(nf_start(&net->rt, &smf_nf) < 0);
    net->core->ops->udp_close(net->core, sock);
    assert_int_equal(nf_start(&net->rt, &smf_nf), OK);
    net->smf = nf_state(&net->rt, SBI_NF_SMF);
    go(5 * SECOND);
    established((struct wanted){0});
}

/* A UPF wants to be released, TS 29.244 6.2.7: no new sessions, those that are there go on, and at its time it is. */
static void taken(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *r)
{
    (void)r;
    *(uint8_t *)ctx = err || !rsp ? 0 : rsp->association_update_response.cause;
}
static void upf_updates(const struct pfcp_association_update_request *what)
{
    struct pfcp_msg m = {.type = PFCP_ASSOCIATION_UPDATE_REQUEST, .association_update_request = *what};
    struct net_addr smf = addr_v4(0x0a000001, PFCP_PORT);
    uint8_t cause = 0;
    m.association_update_request.node_id = net->upf.node.config.node_id;
    rt_enter(&net->upf.rt);
    assert_int_equal(pfcp_request(&net->upf.node, &smf, &m, taken, &cause, NULL), OK);
    world_attach(net->w, net->upf.env, &net->upf.rt);
    go(SECOND);
    assert_int_equal(cause, PFCP_CAUSE_REQUEST_ACCEPTED);
}
static void upf_asks_for_release(uint8_t period, bool has_period)
{
    upf_updates(&(struct pfcp_association_update_request){.has.pfcp_association_release_request = 1,
                                                          .pfcp_association_release_request = PFCP_ASSOCIATION_RELEASE_SARR,
                                                          .has.graceful_release_period = has_period,
                                                          .graceful_release_period = period});
}
static void upf_leaves(void **state)
{
    (void)state;
    const struct smf_upf *u = &net->smf->upfs[0];
    struct answer a = established((struct wanted){0});
    upf_asks_for_release(1 << 5 | 2, true); /* 2 minutes */
    assert_true(u->leaving && smf_upf_is_up(u));
    assert_true(create((struct wanted){.psi = 2}).status >= 400);
    assert_int_equal(net->upf.sessions, 1);
    assert_int_equal(update(a.ref, (struct news){.up = SBI_UpCnxState_DEACTIVATED}).status, 200);
    upf_updates(&(struct pfcp_association_update_request){.has.up_function_features = 1,
                                                          .up_function_features = u->assoc->up_features | PFCP_UP_FEATURE_PDIU});
    assert_true(u->leaving); /* what it says of its features is no other word on that */
    go(99 * SECOND);
    assert_true(smf_upf_is_up(u));
    go(22 * SECOND);
    assert_false(smf_upf_is_up(u));
    go(30 * SECOND); /* it is asked again, and has its session again */
    assert_true(smf_upf_is_up(u) && !u->leaving);
    established((struct wanted){.psi = 3});
    upf_asks_for_release(0, false); /* at once */
    assert_false(smf_upf_is_up(u));
    go(30 * SECOND);
    assert_true(smf_upf_is_up(u));
    upf_asks_for_release(7 << 5, true); /* whenever it suits */
    go(500 * SECOND);
    assert_true(smf_upf_is_up(u) && u->leaving);
}

/* Two UPFs share sessions by weight. */
static int two_upfs(void **state)
{
    (void)state;
    return net_open_with("network: {nfs: [nrf, udr, udm, ausf, pcf, nssf, smf, amf]}\n"
                         "smf:\n"
                         "  n4_address: 10.0.0.1\n"
                         "  upfs: [{name: a, address: 10.0.0.2, weight: 30}, {name: b, address: 10.0.0.3, weight: 10},\n"
                         "         {name: c, address: 10.0.0.4, dnns: [other]}]\n"
                         "  dnns: [{name: internet, ipv4_pool: 10.45.0.0/16, pdu_types: [IPv4]},\n"
                         "         {name: other, ipv4_pool: 10.46.0.0/16, pdu_types: [IPv4]}]\n");
}
static void by_weight(void **state)
{
    unsigned n[3] = {0};
    struct pfcp_assoc up = {.is_up = true};
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        net->smf->upfs[i].assoc = &up;
    for (unsigned i = 0; i < 40; i++)
        n[smf_upf_select(net->smf, &net->smf->dnns[0], false) - net->smf->upfs]++;
    assert_true(n[0] == 30 && n[1] == 10 && n[2] == 0);
    up.is_up = false;
    assert_null(smf_upf_select(net->smf, &net->smf->dnns[0], false));
}

int main(int argc, char **argv)
{
    as_bytes = argc > 1 && strcmp(argv[1], "bytes") == 0;
    return RUN(net_test(ipv4), net_test(ipv6), net_test(both_versions), net_test(less_than_asked_for),
               net_test(what_was_asked_for), net_test(subscriptions), net_test(resources), net_test(malformed),
               net_test(identities), net_test(policy), unit(rates), net_test(fixed_addresses), net_test(policy_denied),
               net_test(policy_broken), net_test(n4_refused), net_test(n4_silent), net_test(n4_answer_lost), net_test(n4_without_tunnel),
               net_test(no_upf), net_test(amf_refuses), net_test(gnb_refuses), net_test(gnb_talks_nonsense),
               net_test(gnb_silent), net_test(n4_change_refused), net_test(gnb_gone), net_test(udm_forgets), net_test(again), net_test(at_any_moment),
               net_test(for_people), net_test(options_change), net_test(cannot_start),
               cmocka_unit_test_setup_teardown(upf_leaves, net_open, net_close),
               cmocka_unit_test_setup_teardown(by_weight, two_upfs, net_close));
}
