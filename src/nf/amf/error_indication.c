/* SPDX-License-Identifier: Apache-2.0 */
/* Error Indication, TS 38.413 8.7.5, and what clause 10 says to send when. */
#include "nf/amf/amf.h"
#include "base/err.h"

enum { ERRORS_A_SECOND = 32 };

struct ngap_Cause amf_cause_radio(uint32_t value)
{
    return (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork, .radioNetwork = value};
}
struct ngap_Cause amf_cause_protocol(uint32_t value)
{
    return (struct ngap_Cause){.sel = NGAP_Cause_protocol, .protocol = value};
}
struct ngap_Cause amf_cause_misc(uint32_t value)
{
    return (struct ngap_Cause){.sel = NGAP_Cause_misc, .misc = value};
}

uint32_t amf_cause_value(const struct ngap_Cause *c)
{
    switch (c->sel) {
    case NGAP_Cause_radioNetwork:
        return c->radioNetwork;
    case NGAP_Cause_transport:
        return c->transport;
    case NGAP_Cause_nas:
        return c->nas;
    case NGAP_Cause_protocol:
        return c->protocol;
    case NGAP_Cause_misc:
        return c->misc;
    default:
        return ASN_UNKNOWN;
    }
}

/* Two sides that each complain about the other's complaint would never stop. */
static bool may_complain(struct amf *amf, struct amf_gnb *gnb)
{
    uint64_t now = amf->rt->now_us;
    if (now - gnb->error_window_us >= 1000000) {
        gnb->error_window_us = now;
        gnb->errors_in_window = 0;
    }
    if (gnb->errors_in_window >= ERRORS_A_SECOND) {
        amf->counters.errors_suppressed++;
        return false;
    }
    gnb->errors_in_window++;
    return true;
}

void amf_error_send(struct amf *amf, struct amf_gnb *gnb, const struct ngap_ue_ids *ids,
                    struct ngap_Cause cause, const struct ngap_CriticalityDiagnostics *diagnostics)
{
    if (!may_complain(amf, gnb))
        return;
    struct ngap_ErrorIndication m = {.Cause = cause};
    m.has.Cause = 1;
    uint16_t stream = 0;
    if (ids && ids->has_amf) {
        m.has.AMF_UE_NGAP_ID = 1;
        m.AMF_UE_NGAP_ID = ids->amf;
    }
    if (ids && ids->has_ran) {
        m.has.RAN_UE_NGAP_ID = 1;
        m.RAN_UE_NGAP_ID = ids->ran;
        stream = amf_gnb_ue_stream(gnb, ids->ran);
    }
    if (diagnostics) {
        m.has.CriticalityDiagnostics = 1;
        m.CriticalityDiagnostics = *diagnostics;
    }
    if (amf_gnb_send(amf, gnb, NGAP_MSG_ErrorIndication, &m, stream) < 0)
        return;
    amf->counters.errors_sent++;
    metric_add(amf->rt->metrics, METRIC_ngap_errors_out, 1);
}

bool amf_rx_diagnostics(const struct amf_rx *rx, struct ngap_CriticalityDiagnostics *out)
{
    memset(out, 0, sizeof *out);
    return rx->report->known_header && rx->report->ies.n > 0 &&
           ngap_report_diagnostics(rx->report, rx->arena, out) >= 0;
}

/* Never answered, not even when it makes no sense (8.7.5.2). */
void amf_rx_error_indication(const struct amf_rx *rx)
{
    const struct ngap_ErrorIndication *m = rx->pdu->value;
    rx->amf->counters.errors_received++;
    metric_add(rx->amf->rt->metrics, METRIC_ngap_errors_in, 1);
    LOG(rx->amf->rt->log, ngap_error_indication, "gnb=%s group=%d cause=%d", amf_gnb_text(rx->gnb),
        m->has.Cause ? (int)m->Cause.sel : -1, m->has.Cause ? (int)amf_cause_value(&m->Cause) : -1);
    bool about_ue = m->has.AMF_UE_NGAP_ID || m->has.RAN_UE_NGAP_ID;
    if (about_ue && rx->amf->ue_ops && rx->amf->ue_ops->error)
        rx->amf->ue_ops->error(rx->amf, rx->gnb, m);
}
