/* SPDX-License-Identifier: Apache-2.0 */
/* NG Reset, TS 38.413 8.7.4. */
#include "nf/amf/amf.h"
#include "base/err.h"

/* The whole interface, or the UEs of a list; the acknowledge repeats the list in its order, unknown UEs included
 * (8.7.4.2.2). */
void amf_rx_ng_reset(const struct amf_rx *rx)
{
    struct amf *amf = rx->amf;
    struct ngap_NGReset *m = rx->pdu->value;
    struct ngap_NGResetAcknowledge ack = {0};
    bool whole = m->ResetType.sel == NGAP_ResetType_nG_Interface;
    amf->counters.resets++;
    LOG(amf->rt->log, ng_reset, "gnb=%s what=%s", amf_gnb_text(rx->gnb), whole ? "all" : "some");
    if (whole) {
        amf_trust_restarted(amf, rx->gnb);
        if (amf->ue_ops && amf->ue_ops->release_all)
            amf->ue_ops->release_all(amf, rx->gnb);
    } else if (m->ResetType.sel == NGAP_ResetType_partOfNG_Interface) {
        struct ngap_UE_associatedLogicalNG_connectionList *list = &m->ResetType.partOfNG_Interface;
        for (uint32_t i = 0; amf->ue_ops && amf->ue_ops->release_one && i < list->n; i++)
            if (list->v[i].has.aMF_UE_NGAP_ID || list->v[i].has.rAN_UE_NGAP_ID)
                amf->ue_ops->release_one(amf, rx->gnb, &list->v[i]);
        ack.has.UE_associatedLogicalNG_connectionList = 1;
        ack.UE_associatedLogicalNG_connectionList = *list;
    } else {
        amf_error_send(amf, rx->gnb, NULL, amf_cause_protocol(NGAP_CauseProtocol_semantic_error), NULL);
        return;
    }
    if (amf_rx_diagnostics(rx, &ack.CriticalityDiagnostics))
        ack.has.CriticalityDiagnostics = 1;
    amf_gnb_send(amf, rx->gnb, NGAP_MSG_NGResetAcknowledge, &ack, 0);
}

int amf_reset_send(struct amf *amf, struct amf_gnb *gnb, struct ngap_Cause cause,
                   const struct ngap_UE_associatedLogicalNG_connectionList *list)
{
    struct ngap_NGReset m = {.Cause = cause};
    if (!gnb->is_setup || gnb->reset_pending)
        return ERR_STATE;
    m.has.Cause = m.has.ResetType = 1;
    if (list) {
        m.ResetType.sel = NGAP_ResetType_partOfNG_Interface;
        m.ResetType.partOfNG_Interface = *list;
    } else {
        m.ResetType.sel = NGAP_ResetType_nG_Interface;
        m.ResetType.nG_Interface = NGAP_ResetAll_reset_all;
    }
    int e = amf_gnb_send(amf, gnb, NGAP_MSG_NGReset, &m, 0);
    if (e < 0)
        return e;
    gnb->reset_pending = true;
    amf->counters.resets_sent++;
    return OK;
}

void amf_rx_ng_reset_acknowledge(const struct amf_rx *rx)
{
    if (!rx->gnb->reset_pending)
        return; /* an outcome that nobody waits for: local error handling only (10.4) */
    rx->gnb->reset_pending = false;
    rx->amf->counters.resets_acknowledged++;
}
