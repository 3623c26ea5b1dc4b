/* SPDX-License-Identifier: Apache-2.0 */
/* Mobility between gNBs is not served yet: each request has its own failure message (TS 38.413 8.4.1.3, 8.4.4.3),
 * so that a gNB keeps the phone or lets it come back by itself. */
#include "nf/amf/session.h"
#include "base/err.h"

int amf_n2_handover_required(const struct amf_n2_rx *rx)
{
    struct ngap_HandoverPreparationFailure m = {
        .AMF_UE_NGAP_ID = amf_conn_id(rx->conn),
        .RAN_UE_NGAP_ID = rx->conn->ran_ue_id,
        .Cause = amf_cause_radio(NGAP_CauseRadioNetwork_ho_failure_in_target_5GC_ngran_node_or_target_system)};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.Cause = 1;
    amf_gnb_send(rx->amf, rx->gnb, NGAP_MSG_HandoverPreparationFailure, &m, rx->conn->stream);
    return OK;
}
/* Nothing was prepared, so there is nothing to take back (8.4.5). */
int amf_n2_handover_cancel(const struct amf_n2_rx *rx)
{
    struct ngap_HandoverCancelAcknowledge m = {.AMF_UE_NGAP_ID = amf_conn_id(rx->conn),
                                               .RAN_UE_NGAP_ID = rx->conn->ran_ue_id};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = 1;
    amf_gnb_send(rx->amf, rx->gnb, NGAP_MSG_HandoverCancelAcknowledge, &m, rx->conn->stream);
    return OK;
}
/* Comes on an association that the phone has no connection on; who it claims to have is not looked up. */
int amf_n2_path_switch_request(const struct amf_n2_rx *rx)
{
    enum { MOST = 256 };
    const struct ngap_PathSwitchRequest *q = rx->pdu->value;
    struct ngap_PDUSessionResourceReleasedItemPSFail items[MOST] = {0};
    struct ngap_PathSwitchRequestUnsuccessfulTransfer t = {
        .cause = amf_cause_radio(NGAP_CauseRadioNetwork_ho_failure_in_target_5GC_ngran_node_or_target_system)};
    uint8_t octets[16];
    int e = ngap_transfer_encode(&ngap_desc_PathSwitchRequestUnsuccessfulTransfer, &t, octets, sizeof octets);
    uint32_t n = q->PDUSessionResourceToBeSwitchedDLList.n;
    n = n < MOST ? n : MOST;
    for (uint32_t i = 0; e > 0 && i < n; i++) {
        items[i].pDUSessionID = q->PDUSessionResourceToBeSwitchedDLList.v[i].pDUSessionID;
        items[i].pathSwitchRequestUnsuccessfulTransfer = (struct bytes){octets, (uint32_t)e};
    }
    struct ngap_PathSwitchRequestFailure m = {.AMF_UE_NGAP_ID = q->SourceAMF_UE_NGAP_ID,
                                              .RAN_UE_NGAP_ID = q->RAN_UE_NGAP_ID,
                                              .PDUSessionResourceReleasedListPSFail = {items, n}};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.PDUSessionResourceReleasedListPSFail = 1;
    amf_gnb_send(rx->amf, rx->gnb, NGAP_MSG_PathSwitchRequestFailure, &m,
                 amf_gnb_ue_stream(rx->gnb, q->RAN_UE_NGAP_ID));
    return OK;
}
/* Outcomes that nobody waits for, and reports that change nothing here. */
int amf_n2_nothing_to_do(const struct amf_n2_rx *rx) { return OK; }
