/* SPDX-License-Identifier: Apache-2.0 */
/* N2-01, N2-02, N2-04, N2-05, N2-07: what a RAN node may say of phones. */
#include "trust/guard_parts.h"
#include "base/err.h"
#include "codec/ngap.h"

enum { ID_SECURITY_INDICATION = 138 }; /* TS 38.413 9.4.7 */

/* ---- what was agreed ---- */
static void node_claims(struct guard_peer *p, const struct ngap_GlobalRANNodeID *id)
{
    int n = ngap_transfer_encode(&ngap_desc_GlobalRANNodeID, id, p->node_id, sizeof p->node_id);
    p->node_id_n = n > 0 ? (uint8_t)n : 0;
    ngap_node_text(id, p->claims);
}
/* The AMF let it in as who it says it is: the association that the node had before is gone, and its phones' connections
 * with it. Who is refused takes nobody's place. */
static void node_serves(struct guard *g, struct guard_peer *p)
{
    struct guard_peer *old;
    guard_peer_forget(g, p);
    for (uint32_t i = 0; (old = slab_next(&g->peers, &i));) {
        if (old == p || !old->in_service || old->node_id_n != p->node_id_n || memcmp(old->node_id, p->node_id, p->node_id_n) != 0)
            continue;
        memcpy(p->of, old->of, sizeof p->of); /* a new association is no new budget */
        guard_peer_drop(g, old);
    }
    memcpy(p->name, p->claims, sizeof p->name);
    guard_peer_serves(g, p);
}
static void ue_learn(struct guard *g, const struct tap_event *e, const struct ngap_ue_ids *ids)
{
    struct guard_peer *p = ids->has_amf && ids->has_ran ? guard_peer(g, e->peer) : NULL;
    struct guard_ue *u = p ? guard_ue_of(g, p, ids->amf) : NULL;
    if (!u)
        return;
    u->ran = ids->ran;
    u->has_ran = true;
}
/* What the session requires of the radio (TS 38.413 9.3.1.27). */
static void required(struct guard *g, struct guard_ue *u, uint64_t session, struct bytes transfer)
{
    struct ngap_SecurityIndication s;
    struct arena a = arena_over(g->block, sizeof g->block);
    struct bytes ie;
    uint16_t bit = (uint16_t)(1u << (session & 15));
    int e = ngap_transfer_ie(transfer, ID_SECURITY_INDICATION, &a, &ie); /* what else it asks for is not of interest */
    if (e == OK)
        e = ngap_transfer_decode(&ngap_desc_SecurityIndication, ie, &a, &s);
    if (e < 0 && e != ERR_NOTFOUND)
        return;
    bool integrity = e == OK && s.integrityProtectionIndication == NGAP_IntegrityProtectionIndication_required;
    bool ciphering = e == OK && s.confidentialityProtectionIndication == NGAP_ConfidentialityProtectionIndication_required;
    u->integrity = (uint16_t)(integrity ? u->integrity | bit : u->integrity & ~bit);
    u->ciphering = (uint16_t)(ciphering ? u->ciphering | bit : u->ciphering & ~bit);
}
/* An answer to a node that got nothing: its identities are those that the node named, whoever's they are. */
static bool repeats_a_claim(uint32_t type)
{
    return type == NGAP_MSG_ErrorIndication || type == NGAP_MSG_PathSwitchRequestFailure || type == NGAP_MSG_HandoverPreparationFailure ||
           type == NGAP_MSG_UEContextResumeFailure || type == NGAP_MSG_UEContextSuspendFailure;
}
static void sent(struct guard *g, const struct tap_event *e)
{
    struct ngap_ue_ids ids = ngap_pdu_ue_ids(e->desc, e->value);
    if (e->error < 0 || repeats_a_claim(e->type))
        return;
    if (e->type == NGAP_MSG_NGSetupResponse) {
        struct guard_peer *p = guard_peer(g, e->peer);
        if (p && p->node_id_n)
            node_serves(g, p);
        return;
    }
    ue_learn(g, e, &ids);
    struct guard_ue *u = ids.has_amf ? guard_ue(g, ids.amf) : NULL;
    if (!u)
        return;
    if (e->type == NGAP_MSG_PDUSessionResourceSetupRequest) {
        const struct ngap_PDUSessionResourceSetupListSUReq *l =
            &((const struct ngap_PDUSessionResourceSetupRequest *)e->value)->PDUSessionResourceSetupListSUReq;
        for (uint32_t i = 0; i < l->n; i++)
            required(g, u, l->v[i].pDUSessionID, l->v[i].pDUSessionResourceSetupRequestTransfer);
    } else if (e->type == NGAP_MSG_InitialContextSetupRequest) {
        const struct ngap_InitialContextSetupRequest *m = e->value;
        const struct ngap_PDUSessionResourceSetupListCxtReq *l = &m->PDUSessionResourceSetupListCxtReq;
        for (uint32_t i = 0; m->has.PDUSessionResourceSetupListCxtReq && i < l->n; i++)
            required(g, u, l->v[i].pDUSessionID, l->v[i].pDUSessionResourceSetupRequestTransfer);
    }
}

/* ---- N2-02: where tunnels end ---- */
/* t NULL: it could not be read. */
static void tunnel(struct guard *g, struct guard_peer *p, const struct tap_event *e,
                   const struct ngap_UPTransportLayerInformation *t)
{
    struct net_addr at[2];
    char text[NET_ADDR_TEXT];
    struct bits b = {NULL, 0};
    if (t && t->sel == NGAP_UPTransportLayerInformation_gTPTunnel)
        b = t->gTPTunnel.transportLayerAddress;
    if (!g->conf.may_end_tunnel)
        return;
    if (g->conf.may_end_tunnel(g->conf.ctx, (struct bytes){p->node_id, p->node_id_n}, b))
        return;
    int n = ngap_addresses(b, at);
    guard_find(g, GUARD_N2_02, p, e, "%s is none of the addresses where this node's tunnels may end",
               n ? addr_text(&at[n - 1], text) : "what it names");
}

/* ---- N2-05: protection that is required ---- */
static void result(struct guard *g, struct guard_peer *p, struct guard_ue *u, const struct tap_event *e, uint64_t session,
                   struct bytes transfer)
{
    struct ngap_PDUSessionResourceSetupResponseTransfer t;
    struct arena a = arena_over(g->block, sizeof g->block);
    uint16_t bit = (uint16_t)(1u << (session & 15));
    if (ngap_transfer_decode(&ngap_desc_PDUSessionResourceSetupResponseTransfer, transfer, &a, &t) < 0) {
        tunnel(g, p, e, NULL);
        return;
    }
    tunnel(g, p, e, &t.dLQosFlowPerTNLInformation.uPTransportLayerInformation);
    for (uint32_t i = 0; t.has.additionalDLQosFlowPerTNLInformation && i < t.additionalDLQosFlowPerTNLInformation.n; i++)
        tunnel(g, p, e, &t.additionalDLQosFlowPerTNLInformation.v[i].qosFlowPerTNLInformation.uPTransportLayerInformation);
    if (!u || !t.has.securityResult)
        return; /* a node owes a result where protection was preferred, not where it was required (8.2.1.2) */
    if (u->integrity & bit && t.securityResult.integrityProtectionResult != NGAP_IntegrityProtectionResult_performed)
        guard_find(g, GUARD_N2_05, p, e, "session %u must have integrity protection and is to go without", (unsigned)session);
    else if (u->ciphering & bit &&
             t.securityResult.confidentialityProtectionResult != NGAP_ConfidentialityProtectionResult_performed)
        guard_find(g, GUARD_N2_05, p, e, "session %u must be ciphered and is to go in clear", (unsigned)session);
}

/* ---- N2-01: whose phone it is ---- */
static bool foreign(struct guard *g, struct guard_peer *p, const struct tap_event *e, uint64_t id, bool has_ran, uint64_t ran)
{
    const struct guard_ue *u = guard_ue(g, id);
    if (!u)
        return false; /* an identity of nobody is a mistake like others (10.6) */
    if (u->peer != p) {
        guard_find(g, GUARD_N2_01, p, e, "AMF UE NGAP ID %llx is of a phone that %s serves", (unsigned long long)id,
                   u->peer->name);
        return true;
    }
    if (!has_ran || !u->has_ran || u->ran == ran)
        return false;
    guard_find(g, GUARD_N2_01, p, e, "AMF UE NGAP ID %llx goes with RAN UE NGAP ID %llu, not %llu", (unsigned long long)id,
               (unsigned long long)u->ran, (unsigned long long)ran);
    return true;
}
static void reset(struct guard *g, struct guard_peer *p, const struct tap_event *e)
{
    const struct ngap_NGReset *m = e->value;
    if (m->ResetType.sel == NGAP_ResetType_nG_Interface)
        guard_peer_forget(g, p);
    if (m->ResetType.sel != NGAP_ResetType_partOfNG_Interface)
        return;
    for (uint32_t i = 0; i < m->ResetType.partOfNG_Interface.n; i++) {
        const struct ngap_UE_associatedLogicalNG_connectionItem *it = &m->ResetType.partOfNG_Interface.v[i];
        if (!it->has.aMF_UE_NGAP_ID)
            continue;
        bool bad = foreign(g, p, e, it->aMF_UE_NGAP_ID, it->has.rAN_UE_NGAP_ID, it->rAN_UE_NGAP_ID);
        struct guard_ue *u = bad ? NULL : guard_ue(g, it->aMF_UE_NGAP_ID);
        if (u)
            guard_ue_drop(g, u);
    }
}

/* ---- N2-04: what the phone can do ---- */
/* TS 38.413 9.3.1.86 begins with NEA1, TS 24.501 9.11.3.54 with 5G-EA0. */
static bool same_algorithms(struct bits ngap, uint8_t nas)
{
    return ngap.n >= 8 && (ngap.p[0] & 0xe0) == (uint8_t)((nas << 1) & 0xe0);
}
static void path_switch(struct guard *g, struct guard_peer *p, const struct tap_event *e)
{
    const struct ngap_PathSwitchRequest *m = e->value;
    struct guard_ue *u = m->has.SourceAMF_UE_NGAP_ID ? guard_ue(g, m->SourceAMF_UE_NGAP_ID) : NULL;
    for (uint32_t i = 0; i < m->PDUSessionResourceToBeSwitchedDLList.n; i++) {
        struct ngap_PathSwitchRequestTransfer t;
        struct arena a = arena_over(g->block, sizeof g->block);
        if (ngap_transfer_decode(&ngap_desc_PathSwitchRequestTransfer,
                                 m->PDUSessionResourceToBeSwitchedDLList.v[i].pathSwitchRequestTransfer, &a, &t) == 0)
            tunnel(g, p, e, &t.dL_NGU_UP_TNLInformation);
    }
    if (!u || !u->has_capabilities || !m->has.UESecurityCapabilities)
        return;
    const struct ngap_UESecurityCapabilities *c = &m->UESecurityCapabilities;
    if (!same_algorithms(c->nRencryptionAlgorithms, u->nea) || !same_algorithms(c->nRintegrityProtectionAlgorithms, u->nia))
        guard_find(g, GUARD_N2_04, p, e, "the phone said that it can do more or others than this node says");
}

static void received(struct guard *g, const struct tap_event *e)
{
    struct guard_peer *p = guard_peer(g, e->peer);
    struct ngap_ue_ids ids = ngap_pdu_ue_ids(e->desc, e->value);
    if (!p)
        return;
    switch (e->type) {
    case NGAP_MSG_NGSetupRequest: {
        const struct ngap_NGSetupRequest *m = e->value;
        if (m->has.GlobalRANNodeID)
            node_claims(p, &m->GlobalRANNodeID);
        return;
    }
    case NGAP_MSG_NGReset: reset(g, p, e); return;
    case NGAP_MSG_PathSwitchRequest: path_switch(g, p, e); return;
    case NGAP_MSG_InitialUEMessage: return;
    default: break;
    }
    if (ids.has_amf && foreign(g, p, e, ids.amf, ids.has_ran, ids.ran))
        return;
    struct guard_ue *u = ids.has_amf ? guard_ue(g, ids.amf) : NULL;
    switch (e->type) {
    case NGAP_MSG_CellTrafficTrace:
        guard_find(g, GUARD_N2_07, p, e, "this core has ordered no trace");
        return;
    case NGAP_MSG_PDUSessionResourceSetupResponse: {
        const struct ngap_PDUSessionResourceSetupResponse *m = e->value;
        const struct ngap_PDUSessionResourceSetupListSURes *l = &m->PDUSessionResourceSetupListSURes;
        for (uint32_t i = 0; m->has.PDUSessionResourceSetupListSURes && i < l->n; i++)
            result(g, p, u, e, l->v[i].pDUSessionID, l->v[i].pDUSessionResourceSetupResponseTransfer);
        return;
    }
    case NGAP_MSG_InitialContextSetupResponse: {
        const struct ngap_InitialContextSetupResponse *m = e->value;
        const struct ngap_PDUSessionResourceSetupListCxtRes *l = &m->PDUSessionResourceSetupListCxtRes;
        for (uint32_t i = 0; m->has.PDUSessionResourceSetupListCxtRes && i < l->n; i++)
            result(g, p, u, e, l->v[i].pDUSessionID, l->v[i].pDUSessionResourceSetupResponseTransfer);
        return;
    }
    case NGAP_MSG_PDUSessionResourceModifyIndication: {
        const struct ngap_PDUSessionResourceModifyListModInd *l =
            &((const struct ngap_PDUSessionResourceModifyIndication *)e->value)->PDUSessionResourceModifyListModInd;
        for (uint32_t i = 0; i < l->n; i++) {
            struct ngap_PDUSessionResourceModifyIndicationTransfer t;
            struct arena a = arena_over(g->block, sizeof g->block);
            if (ngap_transfer_decode(&ngap_desc_PDUSessionResourceModifyIndicationTransfer,
                                     l->v[i].pDUSessionResourceModifyIndicationTransfer, &a, &t) == 0)
                tunnel(g, p, e, &t.dLQosFlowPerTNLInformation.uPTransportLayerInformation);
        }
        return;
    }
    case NGAP_MSG_UEContextReleaseComplete:
        if (u)
            guard_ue_drop(g, u);
        return;
    default: return;
    }
}

void guard_n2(struct guard *g, const struct tap_event *e)
{
    if (!e->value || !e->desc)
        return;
    if (e->direction == TAP_TX)
        sent(g, e);
    else
        received(g, e);
}
