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
    assert_memory_equal(net->upf.far_ip, ((uint8_t[]){10, 0, 0, 9}), 4);
    assert_int_equal(net->amf.registrations, 1);
    assert_int_equal(metric_get(net->metrics, METRIC_session_ok), 1);
    assert_int_equal(metric_get(net->metrics, METRIC_addresses_used), 1);
    assert_true(sizeof(struct smf_session) <= 700);
}

int main(void)
{
    return RUN(net_test(ipv4));
}
