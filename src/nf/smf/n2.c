/* SPDX-License-Identifier: Apache-2.0 */
/* NGAP transfers between SMF and gNB, TS 38.413 9.3.4. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"

/* N1 and N2 are made one after the other and sent together. */
static uint8_t *room(struct smf *smf) { return smf->out + SMF_NAS_MAX; }
static struct bytes made(struct smf *smf, int octets)
{
    return octets > 0 ? (struct bytes){room(smf), (uint32_t)octets} : (struct bytes){NULL, 0};
}

/* The address and the octets that the values point to. */
struct tunnel_octets {
    uint8_t teid[4];
};
static void tunnel_put(struct ngap_UPTransportLayerInformation *t, const struct smf_tunnel *from,
                       struct tunnel_octets *o)
{
    put_be32(o->teid, from->teid);
    t->sel = NGAP_UPTransportLayerInformation_gTPTunnel;
    t->gTPTunnel.gTP_TEID = BYTES_OF(o->teid);
    t->gTPTunnel.transportLayerAddress =
        (struct bits){from->addr.ip, from->addr.family == 6 ? 128u : 32u};
}
/* 32 bits: IPv4; 128: IPv6; 160: both, IPv4 first (TS 38.414 5.3). */
static int tunnel_get(const struct ngap_UPTransportLayerInformation *t, struct smf_tunnel *to)
{
    const struct bits *a = &t->gTPTunnel.transportLayerAddress;
    if (t->sel != NGAP_UPTransportLayerInformation_gTPTunnel || t->gTPTunnel.gTP_TEID.n != 4)
        return ERR_RANGE;
    *to = (struct smf_tunnel){.teid = be32(t->gTPTunnel.gTP_TEID.p)};
    if (a->n != 32 && a->n != 128 && a->n != 160)
        return ERR_RANGE;
    to->addr.family = a->n == 128 ? 6 : 4;
    memcpy(to->addr.ip, a->p, a->n == 128 ? 16 : 4);
    return OK;
}

static void ambr_put(struct ngap_PDUSessionAggregateMaximumBitRate *a, const struct smf_qos *q)
{
    a->pDUSessionAggregateMaximumBitRateDL = q->ambr_dl_bps;
    a->pDUSessionAggregateMaximumBitRateUL = q->ambr_ul_bps;
}
static void flow_put(struct ngap_QosFlowLevelQosParameters *p, const struct smf_qos *q)
{
    struct ngap_AllocationAndRetentionPriority *arp = &p->allocationAndRetentionPriority;
    p->qosCharacteristics.sel = NGAP_QosCharacteristics_nonDynamic5QI;
    p->qosCharacteristics.nonDynamic5QI.fiveQI = q->fiveqi;
    arp->priorityLevelARP = q->arp_priority;
    arp->pre_emptionCapability = q->arp_may_preempt ? NGAP_Pre_emptionCapability_may_trigger_pre_emption
                                                    : NGAP_Pre_emptionCapability_shall_not_trigger_pre_emption;
    arp->pre_emptionVulnerability = q->arp_preemptable ? NGAP_Pre_emptionVulnerability_pre_emptable
                                                       : NGAP_Pre_emptionVulnerability_not_pre_emptable;
}
/* 9.3.1.27: the rates are there when integrity protection is required or preferred. */
static void security_put(struct ngap_SecurityIndication *i, struct ngap_SecurityIndication_ExtIEs *ext,
                         const struct smf_session *s)
{
    i->integrityProtectionIndication = s->integrity;
    i->confidentialityProtectionIndication = s->ciphering;
    if (s->integrity == NGAP_IntegrityProtectionIndication_not_needed)
        return;
    i->has.maximumIntegrityProtectedDataRate_UL = 1;
    i->maximumIntegrityProtectedDataRate_UL = s->max_rate_ul
                                                  ? NGAP_MaximumIntegrityProtectedDataRate_maximum_UE_rate
                                                  : NGAP_MaximumIntegrityProtectedDataRate_bitrate64kbs;
    ext->has.MaximumIntegrityProtectedDataRate_DL = 1;
    ext->MaximumIntegrityProtectedDataRate_DL = s->max_rate_dl
                                                    ? NGAP_MaximumIntegrityProtectedDataRate_maximum_UE_rate
                                                    : NGAP_MaximumIntegrityProtectedDataRate_bitrate64kbs;
    i->ext = ext;
}
static uint32_t session_type(uint8_t nas)
{
    return nas == NAS_PDU_IPV6     ? NGAP_PDUSessionType_ipv6
           : nas == NAS_PDU_IPV4V6 ? NGAP_PDUSessionType_ipv4v6
           : nas == NAS_PDU_ETHERNET ? NGAP_PDUSessionType_ethernet
                                   : NGAP_PDUSessionType_ipv4;
}

struct bytes smf_n2_setup_request(struct smf_session *s)
{
    const struct smf_tunnel *up = s->leaves && s->anchor ? &s->anchor->up : &s->up;
    struct tunnel_octets o;
    struct ngap_SecurityIndication_ExtIEs ext = {0};
    struct ngap_QosFlowSetupRequestItem flow = {.qosFlowIdentifier = SMF_QFI};
    struct ngap_PDUSessionResourceSetupRequestTransfer t = {0};
    t.has.PDUSessionAggregateMaximumBitRate = t.has.UL_NGU_UP_TNLInformation = 1;
    t.has.PDUSessionType = t.has.SecurityIndication = t.has.QosFlowSetupRequestList = 1;
    ambr_put(&t.PDUSessionAggregateMaximumBitRate, &s->qos);
    tunnel_put(&t.UL_NGU_UP_TNLInformation, up, &o);
    t.PDUSessionType = session_type(s->pdu_type);
    security_put(&t.SecurityIndication, &ext, s);
    flow_put(&flow.qosFlowLevelQosParameters, &s->qos);
    t.QosFlowSetupRequestList.v = &flow, t.QosFlowSetupRequestList.n = 1;
    return made(s->smf, ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupRequestTransfer, &t, room(s->smf),
                                             SMF_NAS_MAX));
}

struct bytes smf_n2_modify_request(struct smf_session *s, const struct smf_qos *q)
{
    struct ngap_QosFlowAddOrModifyRequestItem flow = {.qosFlowIdentifier = SMF_QFI};
    struct ngap_PDUSessionResourceModifyRequestTransfer t = {0};
    t.has.PDUSessionAggregateMaximumBitRate = t.has.QosFlowAddOrModifyRequestList = 1;
    ambr_put(&t.PDUSessionAggregateMaximumBitRate, q);
    flow.has.qosFlowLevelQosParameters = 1;
    flow_put(&flow.qosFlowLevelQosParameters, q);
    t.QosFlowAddOrModifyRequestList.v = &flow, t.QosFlowAddOrModifyRequestList.n = 1;
    return made(s->smf, ngap_transfer_encode(&ngap_desc_PDUSessionResourceModifyRequestTransfer, &t, room(s->smf),
                                             SMF_NAS_MAX));
}

struct bytes smf_n2_release_command(struct smf *smf, struct ngap_Cause cause)
{
    struct ngap_PDUSessionResourceReleaseCommandTransfer t = {.cause = cause};
    return made(smf, ngap_transfer_encode(&ngap_desc_PDUSessionResourceReleaseCommandTransfer, &t, room(smf),
                                          SMF_NAS_MAX));
}

/* 'required' is a condition of the session, not a wish (TS 23.501 5.10.3). Without a result it was met: the gNB owes one
 * to 'preferred' alone (TS 38.413 8.2.1.2). */
static bool is_protected(const struct smf_session *s, const struct ngap_PDUSessionResourceSetupResponseTransfer *t)
{
    const struct ngap_SecurityResult *r = &t->securityResult;
    if (!t->has.securityResult)
        return true;
    return (s->integrity != NGAP_IntegrityProtectionIndication_required ||
            r->integrityProtectionResult == NGAP_IntegrityProtectionResult_performed) &&
           (s->ciphering != NGAP_ConfidentialityProtectionIndication_required ||
            r->confidentialityProtectionResult == NGAP_ConfidentialityProtectionResult_performed);
}
int smf_n2_setup_response(const struct smf_session *s, struct bytes transfer, struct smf_tunnel *an)
{
    struct smf *smf = s->smf;
    struct ngap_PDUSessionResourceSetupResponseTransfer t;
    struct arena a = arena_over(smf->scratch, SMF_SCRATCH_OCTETS);
    int err = ngap_transfer_decode(&ngap_desc_PDUSessionResourceSetupResponseTransfer, transfer, &a, &t);
    if (err)
        return err;
    if (!is_protected(s, &t)) {
        LOG(smf->rt->log, session_unprotected, "ue=%s session=%u", log_identity(smf->rt->log, smf_supi(s)).text, s->id);
        return ERR_DENIED;
    }
    const struct ngap_QosFlowPerTNLInformation *q = &t.dLQosFlowPerTNLInformation;
    for (uint32_t i = 0; i < q->associatedQosFlowList.n; i++)
        if (q->associatedQosFlowList.v[i].qosFlowIdentifier == SMF_QFI)
            return tunnel_get(&q->uPTransportLayerInformation, an);
    return ERR_MISSING; /* without its default flow the session is of no use */
}
