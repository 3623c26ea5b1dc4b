/* SPDX-License-Identifier: Apache-2.0 */
/* RAN Configuration Update, TS 38.413 8.7.2. A further TNL association for a node that is set up already is not
 * taken: its first message is refused like any other before NG Setup. */
#include "nf/amf/amf.h"
#include "base/err.h"

void amf_refuse_ran_configuration_update(const struct amf_rx *rx, struct ngap_Cause cause)
{
    struct ngap_RANConfigurationUpdateFailure m = {.Cause = cause};
    m.has.Cause = 1;
    if (amf_rx_diagnostics(rx, &m.CriticalityDiagnostics))
        m.has.CriticalityDiagnostics = 1;
    rx->amf->counters.updates_refused++;
    amf_gnb_send(rx->amf, rx->gnb, NGAP_MSG_RANConfigurationUpdateFailure, &m, 0);
}

/* Only what is there changes; a TA list replaces the old one whole (8.7.2.2). After a failure the node and the
 * AMF go on with what they had (8.7.2.3). */
void amf_rx_ran_configuration_update(const struct amf_rx *rx)
{
    struct amf_gnb *gnb = rx->gnb;
    const struct ngap_RANConfigurationUpdate *m = rx->pdu->value;
    struct ngap_Cause cause;
    if (!amf_trust_known(rx, m->has.RANNodeName ? m->RANNodeName : str_of(gnb->name), m->has.SupportedTAList ? &m->SupportedTAList : NULL))
        return;
    if (!gnb->trust.permitted || gnb->trust.change_refused) { /* it goes on with what it had until it is drained */
        LOG(rx->amf->rt->log, ran_update_refused, "gnb=%s why=\"%s\"", amf_gnb_text(gnb), gnb->trust.why);
        amf_refuse_ran_configuration_update(rx, amf_cause_misc(NGAP_CauseMisc_om_intervention));
        return;
    }
    if (m->has.SupportedTAList && amf_gnb_take_tas(rx->amf, gnb, &m->SupportedTAList, &cause) < 0) {
        amf_refuse_ran_configuration_update(rx, cause);
        return;
    }
    if (m->has.RANNodeName)
        str_copy(gnb->name, sizeof gnb->name, m->RANNodeName);
    if (m->has.DefaultPagingDRX && m->DefaultPagingDRX <= NGAP_PagingDRX_v256)
        gnb->default_paging_drx = (uint8_t)m->DefaultPagingDRX;
    struct ngap_RANConfigurationUpdateAcknowledge ack = {0};
    if (amf_rx_diagnostics(rx, &ack.CriticalityDiagnostics))
        ack.has.CriticalityDiagnostics = 1;
    rx->amf->counters.updates++;
    LOG(rx->amf->rt->log, ran_updated, "gnb=%s name=%s tas=%u", amf_gnb_text(gnb), gnb->name, gnb->n_tas);
    amf_gnb_send(rx->amf, gnb, NGAP_MSG_RANConfigurationUpdateAcknowledge, &ack, 0);
}
