/* SPDX-License-Identifier: Apache-2.0 */
/* Downlink NAS: encoded, protected, carried in a Downlink NAS Transport (TS 38.413 8.6.2). */
#include "nf/amf/ue.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"

static struct nas_security *context(struct amf_conn *c, enum nas_security_header type)
{
    struct nas_security *s = c->ue ? &c->ue->security : NULL;
    if (type == NAS_INTEGRITY_NEW || c->candidate_used)
        s = c->candidate;
    return s && s->is_valid ? s : NULL;
}

struct bytes amf_nas_seal(struct amf_conn *c, const struct nas_msg *msg, enum nas_security_header type)
{
    struct amf *amf = c->amf;
    struct amf_ues *u = amf->ues;
    struct bytes none = {NULL, 0}, out = none;
    int n = nas_encode(msg, u->plain, AMF_NAS_MAX), e = n;
    struct bytes plain = n >= 0 ? (struct bytes){u->plain, (uint32_t)n} : none;
    if (n >= 0 && type == NAS_PLAIN) {
        out = plain;
    } else if (n >= 0) {
        struct nas_security *s = context(c, type);
        bool stored = s && c->ue && s == &c->ue->security;
        e = stored && !amf_ue_may_send(c->ue) ? ERR_STORE
            : s ? nas_protect(s, amf->rt->crypto, NAS_DOWNLINK, type, plain, u->sealed,
                            AMF_NAS_MAX + NAS_PROTECT_OVERHEAD)
              : ERR_STATE;
        if (e >= 0)
            out = (struct bytes){u->sealed, (uint32_t)e};
    }
    rt_tap(amf->rt, &(struct tap_event){.interface = TAP_N1,
                                        .direction = TAP_TX,
                                        .at_us = amf->rt->now_us,
                                        .peer = c->gnb->assoc,
                                        .ue = amf_conn_id(c),
                                        .type = msg->type,
                                        .name = msg->desc ? msg->desc->name : "unknown",
                                        .desc = msg->desc,
                                        .value = msg,
                                        .raw = plain,
                                        .error = e < 0 ? e : 0});
    LOG(amf->rt->log, nas_tx, "conn=%llx message=\"%s\" error=%s", (unsigned long long)amf_conn_id(c),
        msg->desc ? msg->desc->name : "?", e < 0 ? err_text(e) : "none");
    if (e >= 0)
        metric_add(amf->rt->metrics, METRIC_nas_tx, 1);
    return out;
}

int amf_nas_send_sealed(struct amf_conn *c, struct bytes sealed)
{
    if (!sealed.p)
        return ERR_STATE;
    struct ngap_DownlinkNASTransport m = {.AMF_UE_NGAP_ID = amf_conn_id(c),
                                          .RAN_UE_NGAP_ID = c->ran_ue_id,
                                          .NAS_PDU = sealed};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.NAS_PDU = 1;
    return amf_gnb_send(c->amf, c->gnb, NGAP_MSG_DownlinkNASTransport, &m, c->stream);
}
int amf_nas_send(struct amf_conn *c, const struct nas_msg *msg, enum nas_security_header type)
{
    return amf_nas_send_sealed(c, amf_nas_seal(c, msg, type));
}

void amf_nas_status(struct amf_conn *c, uint8_t cause)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_GMM_STATUS);
    m.gmm_status.gmm_cause = cause;
    amf_nas_send(c, &m, c->is_secure ? NAS_CIPHERED : NAS_PLAIN);
}
