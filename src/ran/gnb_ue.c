/* SPDX-License-Identifier: Apache-2.0 */
/* gnb_ue.c - phones in a gNB: the UE-associated procedures of N2, TS 38.413 8.2, 8.3, 8.5 and 8.6. */
#include "ran/ue.h"

enum { GNB_SESSIONS = 15, RELEASE_WAIT_US = 20000000 };

static struct cell *cell_of(struct gnb *g) { return g->user; }
static struct ngap_Cause radio(uint32_t cause)
{
    return (struct ngap_Cause){.sel = NGAP_Cause_radioNetwork, .radioNetwork = cause};
}
static struct ngap_UserLocationInformation location(struct cell *c)
{
    struct ngap_UserLocationInformation u = {.sel = NGAP_UserLocationInformation_userLocationInformationNR};
    const struct gnb_ta *ta = &c->gnb.config.tas[0];
    u.userLocationInformationNR.nR_CGI.pLMNIdentity = (struct bytes){ta->plmn, 3};
    u.userLocationInformationNR.nR_CGI.nRCellIdentity = (struct bits){c->nci, 36};
    u.userLocationInformationNR.tAI.pLMNIdentity = (struct bytes){ta->plmn, 3};
    u.userLocationInformationNR.tAI.tAC = (struct bytes){ta->tac, 3};
    return u;
}
static int send(struct gnb_ue *l, enum ngap_msg msg, const void *value)
{
    l->asked_us = env_now_us(l->cell->gnb.rt->env); /* and not of the event at hand: our own work does not count */
    return gnb_send(&l->cell->gnb, msg, value, gnb_ue_stream(&l->cell->gnb, l->ran_id));
}

static void answered(struct gnb_ue *l)
{
    if (l->asked_us)
        l->core_us += l->cell->gnb.rt->now_us - l->asked_us;
    l->asked_us = 0;
}

/* ---- life ---- */
static void link_drop(struct gnb_ue *l, bool is_lost)
{
    struct ran *ran = l->cell->ran;
    struct ue *ue = l->ue;
    while (l->bearers)
        gnb_bearer_drop(l->bearers);
    timer_stop(&ran->rt->timers, &l->timer);
    list_remove(&l->on_cell);
    l->cell->n_links--;
    slab_drop(&ran->links, l);
    if (!ue)
        return;
    ue->link = NULL;
    ue_released(ue, is_lost);
}
static struct gnb_ue *link_of(struct cell *c, uint64_t ran_id)
{
    uint32_t i = (uint32_t)ran_id & 0xffffff;
    struct gnb_ue *l = i ? slab_at(&c->ran->links, i - 1) : NULL;
    return l && l->cell == c && l->ran_id == ran_id ? l : NULL;
}
static void quiet(struct timer *t)
{
    struct gnb_ue *l = CONTAINER(t, struct gnb_ue, timer);
    struct ran *ran = l->cell->ran;
    uint64_t at_us = l->active_us + ran->config.inactivity_us;
    if (l->release_asked || !l->ue) /* the AMF does not answer: the gNB's memory is its own */
        link_drop(l, true);
    else if (at_us > ran->rt->now_us)
        timer_set(&ran->rt->timers, t, at_us, quiet);
    else
        gnb_ue_release_request(l, NGAP_CauseRadioNetwork_user_inactivity);
}
static void watch(struct gnb_ue *l)
{
    struct ran *ran = l->cell->ran;
    l->active_us = ran->rt->now_us;
    if (ran->config.inactivity_us && !timer_is_running(&l->timer))
        timer_set(&ran->rt->timers, &l->timer, l->active_us + ran->config.inactivity_us, quiet);
}

/* TS 38.413 9.3.1.105: does the overload action name this RRC establishment cause? */
static bool is_named(uint8_t action, uint32_t cause)
{
    bool emergency = cause == NGAP_RRCEstablishmentCause_emergency, mt = cause == NGAP_RRCEstablishmentCause_mt_Access;
    bool high = cause == NGAP_RRCEstablishmentCause_highPriorityAccess || cause == NGAP_RRCEstablishmentCause_mps_PriorityAccess ||
                cause == NGAP_RRCEstablishmentCause_mcs_PriorityAccess;
    switch (action) {
    case NGAP_OverloadAction_reject_non_emergency_mo_dt:
        return cause == NGAP_RRCEstablishmentCause_mo_Data || cause == NGAP_RRCEstablishmentCause_mo_VoiceCall ||
               cause == NGAP_RRCEstablishmentCause_mo_VideoCall || cause == NGAP_RRCEstablishmentCause_mo_SMS;
    case NGAP_OverloadAction_permit_emergency_sessions_and_mobile_terminated_services_only: return !emergency && !mt;
    default: return !emergency && !mt && !high;
    }
}
static const struct gnb_overload *overload_of(const struct gnb *g, const struct gnb_slice *s)
{
    for (uint32_t i = 0; i < g->n_overloads; i++) {
        const struct gnb_slice *o = &g->overloads[i].slice;
        if (o->sst == s->sst && o->has_sd == s->has_sd && (!s->has_sd || memcmp(o->sd, s->sd, 3) == 0))
            return &g->overloads[i];
    }
    return NULL;
}
/* What part, in percent, of those who ask for these slices alone: TS 38.413 8.7.6.2, TS 23.501 5.19.5.2. */
static uint32_t barred_by_slice(const struct gnb *g, uint32_t cause, const struct gnb_slice *nssai, uint32_t n)
{
    uint32_t percent = n ? 100 : 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct gnb_overload *o = overload_of(g, &nssai[i]);
        uint32_t part = !o || !is_named(o->action, cause) ? 0 : o->percent ? o->percent : 100;
        percent = part < percent ? part : percent;
    }
    return percent;
}
/* RRC Reject (TS 38.331 5.3.15), or with slices RRC Release with a wait time, for what OVERLOAD START names, as large a
 * part of it as it says. */
bool gnb_bars(struct cell *c, struct ue *ue, uint32_t cause, const struct gnb_slice *nssai, uint32_t n)
{
    enum { WAIT_MAX_S = 16 }; /* waitTime */
    const struct gnb *g = &c->gnb;
    struct rt *rt = c->ran->rt;
    uint32_t percent = g->is_overloaded && is_named(g->overload_action, cause) ? g->overload_percent ? g->overload_percent : 100 : 0;
    uint32_t by_slice = barred_by_slice(g, cause, nssai, n);
    percent = by_slice > percent ? by_slice : percent;
    if (!percent || rt_random(rt) % 100 >= percent)
        return false;
    c->ran->counters.barred++;
    ue_barred(ue, (1 + rt_random(rt) % WAIT_MAX_S) * 1000000);
    return true;
}
int gnb_ue_connect(struct cell *c, struct ue *ue, uint32_t cause, uint64_t tmsi, struct bytes nas)
{
    struct ran *ran = c->ran;
    struct ngap_InitialUEMessage m = {.NAS_PDU = nas, .RRCEstablishmentCause = cause};
    uint8_t set[2], pointer, id[4];
    if (c->gnb.state != GNB_READY)
        return ERR_STATE;
    struct gnb_ue *l = slab_new(&ran->links);
    if (!l)
        return ERR_FULL;
    struct ref ref = slab_ref(&ran->links, l);
    l->cell = c;
    l->ue = ue;
    l->ran_id = (ref.i + 1) | (ref.gen >> 1 & 0xff) << 24;
    list_append(&c->links, &l->on_cell);
    c->n_links++;
    ue->link = l;
    m.RAN_UE_NGAP_ID = l->ran_id;
    m.UserLocationInformation = location(c);
    m.has.RRCEstablishmentCause = m.has.UEContextRequest = 1;
    m.UEContextRequest = NGAP_UEContextRequest_requested;
    if (tmsi) {
        put_be16(set, (uint16_t)((tmsi >> 38 & 0x3ff) << 6));
        pointer = (uint8_t)((tmsi >> 32 & 0x3f) << 2);
        put_be32(id, (uint32_t)tmsi);
        m.has.FiveG_S_TMSI = 1;
        m.FiveG_S_TMSI.aMFSetID = (struct bits){set, 10};
        m.FiveG_S_TMSI.aMFPointer = (struct bits){&pointer, 6};
        m.FiveG_S_TMSI.fiveG_TMSI = BYTES_OF(id);
    }
    ran->counters.initial++;
    watch(l);
    int e = send(l, NGAP_MSG_InitialUEMessage, &m);
    if (e < 0) {
        l->ue = NULL;
        ue->link = NULL;
        link_drop(l, true);
    }
    return e;
}
int gnb_ue_uplink(struct gnb_ue *l, struct bytes nas)
{
    struct ngap_UplinkNASTransport m = {.NAS_PDU = nas, .AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id};
    if (!l->has_amf_id) /* the AMF has not answered the Initial UE Message: nothing to send to */
        return ERR_STATE;
    m.UserLocationInformation = location(l->cell);
    m.has.UserLocationInformation = 1;
    l->cell->ran->counters.uplink++;
    watch(l);
    return send(l, NGAP_MSG_UplinkNASTransport, &m);
}
int gnb_ue_release_request(struct gnb_ue *l, uint32_t cause)
{
    struct ran *ran = l->cell->ran;
    struct ngap_UEContextReleaseRequest m = {.AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id};
    struct ngap_PDUSessionResourceItemCxtRelReq items[GNB_SESSIONS] = {0};
    uint32_t n = 0;
    if (!l->has_amf_id || l->release_asked)
        return ERR_STATE;
    l->release_asked = true;
    for (struct bearer *b = l->bearers; b && n < GNB_SESSIONS; b = b->next)
        items[n++].pDUSessionID = b->psi;
    m.has.PDUSessionResourceListCxtRelReq = n > 0;
    m.PDUSessionResourceListCxtRelReq.v = items;
    m.PDUSessionResourceListCxtRelReq.n = n;
    m.has.Cause = 1;
    m.Cause = radio(cause);
    ran->counters.release_requests++;
    timer_set(&ran->rt->timers, &l->timer, ran->rt->now_us + RELEASE_WAIT_US, quiet);
    return send(l, NGAP_MSG_UEContextReleaseRequest, &m);
}
void gnb_ue_lost(struct gnb_ue *l)
{
    l->ue = NULL;
    if (gnb_ue_release_request(l, NGAP_CauseRadioNetwork_radio_connection_with_ue_lost) < 0 && !l->release_asked)
        link_drop(l, true);
}

/* ---- NAS ---- */
static void deliver(struct gnb_ue *l, struct bytes nas)
{
    struct ran *ran = l->cell->ran;
    struct ngap_NASNonDeliveryIndication m = {.AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id, .NAS_PDU = nas};
    ran->counters.downlink++;
    watch(l);
    if (l->ue) {
        ue_downlink(l->ue, nas);
        return;
    }
    m.has.NAS_PDU = m.has.Cause = 1;
    m.Cause = radio(NGAP_CauseRadioNetwork_radio_connection_with_ue_lost);
    ran->counters.undelivered++;
    send(l, NGAP_MSG_NASNonDeliveryIndication, &m);
}

/* ---- bearers ---- */
struct outcome { /* of one session of a request */
    uint8_t psi;
    bool is_up;
    struct bytes transfer;
};
struct outcomes {
    struct outcome v[GNB_SESSIONS];
    uint32_t n, n_up;
    uint8_t memory[GNB_SESSIONS][160];
};
static bool tunnel_take(const struct ngap_UPTransportLayerInformation *in, struct bearer *b)
{
    const struct ngap_GTPTunnel *t = &in->gTPTunnel;
    if (in->sel != NGAP_UPTransportLayerInformation_gTPTunnel)
        return false;
    uint32_t bits = t->transportLayerAddress.n;
    if (bits != 32 && bits != 128 && bits != 160) /* TS 38.414 5.1: IPv4, IPv6, both with IPv4 first */
        return false;
    b->peer = (struct net_addr){.family = bits == 128 ? 6 : 4, .port = 2152};
    memcpy(b->peer.ip, t->transportLayerAddress.p, bits == 128 ? 16 : 4);
    b->peer_teid = be32(t->gTP_TEID.p);
    return true;
}
static struct ngap_UPTransportLayerInformation tunnel_give(const struct bearer *b, uint8_t teid[4])
{
    struct ngap_UPTransportLayerInformation u = {.sel = NGAP_UPTransportLayerInformation_gTPTunnel};
    const struct cell *cell = b->link->cell;
    const struct net_addr *n3 = cell->faults.n3_elsewhere.family ? &cell->faults.n3_elsewhere : &cell->ran->config.n3;
    put_be32(teid, b->teid);
    u.gTPTunnel.transportLayerAddress = (struct bits){n3->ip, n3->family == 6 ? 128 : 32};
    u.gTPTunnel.gTP_TEID = (struct bytes){teid, 4};
    return u;
}
static struct bytes refuse(struct ngap_Cause cause, uint8_t *buf, uint32_t cap)
{
    struct ngap_PDUSessionResourceSetupUnsuccessfulTransfer t = {.cause = cause};
    int n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupUnsuccessfulTransfer, &t, buf, cap);
    return (struct bytes){buf, n > 0 ? (uint32_t)n : 0};
}
static bool flows_take(struct bearer *b, const struct ngap_QosFlowSetupRequestList *list)
{
    b->flows = 0;
    for (uint32_t i = 0; i < list->n; i++)
        b->flows |= 1ull << (list->v[i].qosFlowIdentifier & 63);
    b->qfi = list->n ? (uint8_t)list->v[0].qosFlowIdentifier : 0;
    return list->n > 0;
}
static struct bytes accept(const struct bearer *b, uint8_t *buf, uint32_t cap)
{
    struct ngap_PDUSessionResourceSetupResponseTransfer t = {0};
    struct ngap_AssociatedQosFlowItem flows[64] = {0};
    uint8_t teid[4];
    uint32_t n = 0;
    for (uint32_t q = 0; q < 64; q++)
        if (b->flows >> q & 1)
            flows[n++].qosFlowIdentifier = q;
    t.dLQosFlowPerTNLInformation.uPTransportLayerInformation = tunnel_give(b, teid);
    t.dLQosFlowPerTNLInformation.associatedQosFlowList.v = flows;
    t.dLQosFlowPerTNLInformation.associatedQosFlowList.n = n;
    t.has.securityResult = b->link->cell->faults.unprotected;
    t.securityResult.integrityProtectionResult = NGAP_IntegrityProtectionResult_not_performed;
    t.securityResult.confidentialityProtectionResult = NGAP_ConfidentialityProtectionResult_not_performed;
    int e = ngap_transfer_encode(&ngap_desc_PDUSessionResourceSetupResponseTransfer, &t, buf, cap);
    return (struct bytes){buf, e > 0 ? (uint32_t)e : 0};
}
static uint32_t bearer_make(struct gnb_ue *l, uint8_t psi, struct bytes transfer, struct bearer **out)
{
    struct ngap_PDUSessionResourceSetupRequestTransfer t = {0};
    struct ran *ran = l->cell->ran;
    struct arena a = arena_over(ran->clear, RAN_NAS_MAX);
    if (gnb_bearer_find(l, psi))
        return NGAP_CauseRadioNetwork_multiple_PDU_session_ID_instances;
    if (ran->n3 < 0 ||
        ngap_transfer_decode(&ngap_desc_PDUSessionResourceSetupRequestTransfer, transfer, &a, &t) < 0)
        return NGAP_CauseRadioNetwork_unspecified;
    struct bearer *b = gnb_bearer_new(l, psi);
    if (!b)
        return NGAP_CauseRadioNetwork_radio_resources_not_available;
    b->type = (uint8_t)t.PDUSessionType;
    if (!tunnel_take(&t.UL_NGU_UP_TNLInformation, b) || !flows_take(b, &t.QosFlowSetupRequestList)) {
        gnb_bearer_drop(b);
        return NGAP_CauseRadioNetwork_unspecified;
    }
    *out = b;
    return 0;
}
static void bearer_set_up(struct gnb_ue *l, uint64_t psi, struct bytes transfer, struct outcomes *o)
{
    struct bearer *b = NULL;
    if (o->n == GNB_SESSIONS)
        return;
    uint8_t *buf = o->memory[o->n];
    struct outcome *out = &o->v[o->n++];
    uint32_t cause = bearer_make(l, (uint8_t)psi, transfer, &b);
    *out = (struct outcome){(uint8_t)psi, b != NULL, {NULL, 0}};
    out->transfer = b ? accept(b, buf, sizeof o->memory[0]) : refuse(radio(cause), buf, sizeof o->memory[0]);
    o->n_up += b != NULL;
}
/* The radio bearers are there: the phone may use them. After the answer to the AMF, as a phone's packet takes time. */
static void bearers_tell(struct gnb_ue *l, const struct outcomes *o)
{
    for (uint32_t i = 0; i < o->n; i++) {
        struct bearer *b = o->v[i].is_up ? gnb_bearer_find(l, o->v[i].psi) : NULL;
        if (b && l->ue)
            ue_bearer_up(l->ue, b);
    }
}

static void context_setup(struct gnb_ue *l, const struct ngap_InitialContextSetupRequest *m)
{
    struct ran *ran = l->cell->ran;
    /* TS 38.331 11.2.2 UERadioAccessCapabilityInformation with no container: an AMF only keeps it and gives it back. */
    static const uint8_t CAPABILITY[] = {0x00, 0x08, 0x00};
    struct ngap_InitialContextSetupResponse r = {.AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id};
    struct ngap_PDUSessionResourceSetupItemCxtRes up[GNB_SESSIONS] = {0};
    struct ngap_PDUSessionResourceFailedToSetupItemCxtRes bad[GNB_SESSIONS] = {0};
    struct outcomes o = {.n = 0};
    uint32_t id = l->ran_id, n_up = 0, n_bad = 0;
    struct cell *c = l->cell;
    const struct ngap_PDUSessionResourceSetupListCxtReq *list = &m->PDUSessionResourceSetupListCxtReq;
    if (l->ue && !ue_kgnb_is(l->ue, m->SecurityKey.p)) { /* the access stratum's security mode would fail */
        struct ngap_InitialContextSetupFailure f = {.AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id};
        f.has.Cause = 1;
        f.Cause = radio(NGAP_CauseRadioNetwork_failure_in_radio_interface_procedure);
        ran->counters.key_mismatches++;
        ran->counters.context_failures++;
        send(l, NGAP_MSG_InitialContextSetupFailure, &f);
        return;
    }
    l->has_context = true;
    ran->counters.context_setups++;
    for (uint32_t i = 0; m->has.PDUSessionResourceSetupListCxtReq && i < list->n; i++)
        bearer_set_up(l, list->v[i].pDUSessionID, list->v[i].pDUSessionResourceSetupRequestTransfer, &o);
    for (uint32_t i = 0; i < o.n; i++) {
        if (o.v[i].is_up) {
            up[n_up].pDUSessionID = o.v[i].psi;
            up[n_up++].pDUSessionResourceSetupResponseTransfer = o.v[i].transfer;
        } else {
            bad[n_bad].pDUSessionID = o.v[i].psi;
            bad[n_bad++].pDUSessionResourceSetupUnsuccessfulTransfer = o.v[i].transfer;
        }
    }
    r.has.PDUSessionResourceSetupListCxtRes = n_up > 0;
    r.PDUSessionResourceSetupListCxtRes.v = up;
    r.PDUSessionResourceSetupListCxtRes.n = n_up;
    r.has.PDUSessionResourceFailedToSetupListCxtRes = n_bad > 0;
    r.PDUSessionResourceFailedToSetupListCxtRes.v = bad;
    r.PDUSessionResourceFailedToSetupListCxtRes.n = n_bad;
    send(l, NGAP_MSG_InitialContextSetupResponse, &r);
    if (!l->told_capability && !m->has.UERadioCapability) {
        struct ngap_UERadioCapabilityInfoIndication cap = {.AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id,
                                                           .UERadioCapability = BYTES_OF(CAPABILITY)};
        cap.has.UERadioCapability = 1;
        l->told_capability = true;
        send(l, NGAP_MSG_UERadioCapabilityInfoIndication, &cap);
    }
    bearers_tell(l, &o);
    if (m->has.NAS_PDU && link_of(c, id) == l)
        deliver(l, m->NAS_PDU);
    for (uint32_t i = 0; m->has.PDUSessionResourceSetupListCxtReq && i < list->n && link_of(c, id) == l; i++)
        if (list->v[i].has.nAS_PDU)
            deliver(l, list->v[i].nAS_PDU);
}
static void session_setup(struct gnb_ue *l, const struct ngap_PDUSessionResourceSetupRequest *m)
{
    struct ngap_PDUSessionResourceSetupResponse r = {.AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id};
    struct ngap_PDUSessionResourceSetupItemSURes up[GNB_SESSIONS] = {0};
    struct ngap_PDUSessionResourceFailedToSetupItemSURes bad[GNB_SESSIONS] = {0};
    const struct ngap_PDUSessionResourceSetupListSUReq *list = &m->PDUSessionResourceSetupListSUReq;
    struct outcomes o = {.n = 0};
    struct cell *c = l->cell;
    uint32_t id = l->ran_id, n_up = 0, n_bad = 0;
    for (uint32_t i = 0; i < list->n; i++)
        bearer_set_up(l, list->v[i].pDUSessionID, list->v[i].pDUSessionResourceSetupRequestTransfer, &o);
    for (uint32_t i = 0; i < o.n; i++) {
        if (o.v[i].is_up) {
            up[n_up].pDUSessionID = o.v[i].psi;
            up[n_up++].pDUSessionResourceSetupResponseTransfer = o.v[i].transfer;
        } else {
            bad[n_bad].pDUSessionID = o.v[i].psi;
            bad[n_bad++].pDUSessionResourceSetupUnsuccessfulTransfer = o.v[i].transfer;
        }
    }
    r.has.PDUSessionResourceSetupListSURes = n_up > 0;
    r.PDUSessionResourceSetupListSURes.v = up;
    r.PDUSessionResourceSetupListSURes.n = n_up;
    r.has.PDUSessionResourceFailedToSetupListSURes = n_bad > 0;
    r.PDUSessionResourceFailedToSetupListSURes.v = bad;
    r.PDUSessionResourceFailedToSetupListSURes.n = n_bad;
    send(l, NGAP_MSG_PDUSessionResourceSetupResponse, &r);
    bearers_tell(l, &o);
    if (m->has.NAS_PDU)
        deliver(l, m->NAS_PDU);
    for (uint32_t i = 0; i < list->n && link_of(c, id) == l; i++) {
        if (list->v[i].has.pDUSessionNAS_PDU && (i >= o.n || o.v[i].is_up)) /* 8.2.1.2: not when it failed */
            deliver(l, list->v[i].pDUSessionNAS_PDU);
    }
}

static struct bytes modify(struct gnb_ue *l, uint64_t psi, struct bytes transfer, uint8_t *buf, uint32_t cap, bool *is_done)
{
    struct ngap_PDUSessionResourceModifyRequestTransfer t = {0};
    struct ngap_PDUSessionResourceModifyResponseTransfer r = {0};
    struct ngap_PDUSessionResourceModifyUnsuccessfulTransfer u = {
        .cause = radio(NGAP_CauseRadioNetwork_unknown_PDU_session_ID)};
    struct ngap_QosFlowAddOrModifyResponseItem flows[64] = {0};
    struct arena a = arena_over(l->cell->ran->clear, RAN_NAS_MAX);
    struct bearer *b = gnb_bearer_find(l, (uint8_t)psi);
    int n;
    *is_done = b && ngap_transfer_decode(&ngap_desc_PDUSessionResourceModifyRequestTransfer, transfer, &a, &t) >= 0;
    if (*is_done) {
        const struct ngap_QosFlowAddOrModifyRequestList *add = &t.QosFlowAddOrModifyRequestList;
        for (uint32_t i = 0; t.has.QosFlowAddOrModifyRequestList && i < add->n && i < 64; i++) {
            b->flows |= 1ull << (add->v[i].qosFlowIdentifier & 63);
            flows[i].qosFlowIdentifier = add->v[i].qosFlowIdentifier;
            r.has.qosFlowAddOrModifyResponseList = 1;
            r.qosFlowAddOrModifyResponseList.n = i + 1;
        }
        r.qosFlowAddOrModifyResponseList.v = flows;
        for (uint32_t i = 0; t.has.QosFlowToReleaseList && i < t.QosFlowToReleaseList.n; i++)
            b->flows &= ~(1ull << (t.QosFlowToReleaseList.v[i].qosFlowIdentifier & 63));
        if (t.has.UL_NGU_UP_TNLModifyList && t.UL_NGU_UP_TNLModifyList.n)
            tunnel_take(&t.UL_NGU_UP_TNLModifyList.v[0].uL_NGU_UP_TNLInformation, b);
        n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceModifyResponseTransfer, &r, buf, cap);
    } else {
        n = ngap_transfer_encode(&ngap_desc_PDUSessionResourceModifyUnsuccessfulTransfer, &u, buf, cap);
    }
    return (struct bytes){buf, n > 0 ? (uint32_t)n : 0};
}
static void session_modify(struct gnb_ue *l, const struct ngap_PDUSessionResourceModifyRequest *m)
{
    struct ngap_PDUSessionResourceModifyResponse r = {.AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id};
    struct ngap_PDUSessionResourceModifyItemModRes good[GNB_SESSIONS] = {0};
    struct ngap_PDUSessionResourceFailedToModifyItemModRes bad[GNB_SESSIONS] = {0};
    const struct ngap_PDUSessionResourceModifyListModReq *list = &m->PDUSessionResourceModifyListModReq;
    uint8_t memory[GNB_SESSIONS][256];
    struct cell *c = l->cell;
    uint32_t id = l->ran_id, n = list->n < GNB_SESSIONS ? list->n : GNB_SESSIONS, n_good = 0, n_bad = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool is_done;
        struct bytes t = modify(l, list->v[i].pDUSessionID, list->v[i].pDUSessionResourceModifyRequestTransfer, memory[i],
                                sizeof memory[i], &is_done);
        if (is_done) {
            good[n_good].pDUSessionID = list->v[i].pDUSessionID;
            good[n_good++].pDUSessionResourceModifyResponseTransfer = t;
        } else {
            bad[n_bad].pDUSessionID = list->v[i].pDUSessionID;
            bad[n_bad++].pDUSessionResourceModifyUnsuccessfulTransfer = t;
        }
    }
    r.has.PDUSessionResourceModifyListModRes = n_good > 0;
    r.PDUSessionResourceModifyListModRes.v = good;
    r.PDUSessionResourceModifyListModRes.n = n_good;
    r.has.PDUSessionResourceFailedToModifyListModRes = n_bad > 0;
    r.PDUSessionResourceFailedToModifyListModRes.v = bad;
    r.PDUSessionResourceFailedToModifyListModRes.n = n_bad;
    send(l, NGAP_MSG_PDUSessionResourceModifyResponse, &r);
    for (uint32_t i = 0; i < list->n && link_of(c, id) == l; i++)
        if (list->v[i].has.nAS_PDU)
            deliver(l, list->v[i].nAS_PDU);
}
static void session_release(struct gnb_ue *l, const struct ngap_PDUSessionResourceReleaseCommand *m)
{
    struct ngap_PDUSessionResourceReleaseResponse r = {.AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id};
    struct ngap_PDUSessionResourceReleasedItemRelRes items[GNB_SESSIONS] = {0};
    const struct ngap_PDUSessionResourceToReleaseListRelCmd *list = &m->PDUSessionResourceToReleaseListRelCmd;
    struct ngap_PDUSessionResourceReleaseResponseTransfer t = {.ext = NULL};
    uint8_t buf[16];
    int e = ngap_transfer_encode(&ngap_desc_PDUSessionResourceReleaseResponseTransfer, &t, buf, sizeof buf);
    uint32_t n = list->n < GNB_SESSIONS ? list->n : GNB_SESSIONS;
    for (uint32_t i = 0; i < n; i++) {
        struct bearer *b = gnb_bearer_find(l, (uint8_t)list->v[i].pDUSessionID);
        if (b)
            gnb_bearer_drop(b);
        items[i].pDUSessionID = list->v[i].pDUSessionID;
        items[i].pDUSessionResourceReleaseResponseTransfer = (struct bytes){buf, e > 0 ? (uint32_t)e : 0};
    }
    r.has.PDUSessionResourceReleasedListRelRes = 1;
    r.PDUSessionResourceReleasedListRelRes.v = items;
    r.PDUSessionResourceReleasedListRelRes.n = n;
    send(l, NGAP_MSG_PDUSessionResourceReleaseResponse, &r);
    if (m->has.NAS_PDU)
        deliver(l, m->NAS_PDU);
}

static void context_release(struct gnb_ue *l)
{
    struct ran *ran = l->cell->ran;
    struct ngap_UEContextReleaseComplete m = {.AMF_UE_NGAP_ID = l->amf_id, .RAN_UE_NGAP_ID = l->ran_id};
    struct ngap_PDUSessionResourceItemCxtRelCpl items[GNB_SESSIONS] = {0};
    uint32_t n = 0;
    for (struct bearer *b = l->bearers; b && n < GNB_SESSIONS; b = b->next)
        items[n++].pDUSessionID = b->psi;
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.UserLocationInformation = 1;
    m.UserLocationInformation = location(l->cell);
    m.has.PDUSessionResourceListCxtRelCpl = n > 0;
    m.PDUSessionResourceListCxtRelCpl.v = items;
    m.PDUSessionResourceListCxtRelCpl.n = n;
    ran->counters.releases++;
    send(l, NGAP_MSG_UEContextReleaseComplete, &m);
    link_drop(l, false);
}
static void context_modify(struct gnb_ue *l, const struct ngap_UEContextModificationRequest *m)
{
    struct ngap_UEContextModificationResponse r = {.RAN_UE_NGAP_ID = l->ran_id};
    if (m->has.NewAMF_UE_NGAP_ID)
        l->amf_id = m->NewAMF_UE_NGAP_ID;
    r.AMF_UE_NGAP_ID = l->amf_id;
    r.has.AMF_UE_NGAP_ID = r.has.RAN_UE_NGAP_ID = 1;
    send(l, NGAP_MSG_UEContextModificationResponse, &r);
}

/* ---- paging, 8.5.1 ---- */
static void paging(struct cell *c, const struct ngap_Paging *m)
{
    const struct gnb_ta *ta = &c->gnb.config.tas[0];
    const struct ngap_FiveG_S_TMSI *id = &m->UEPagingIdentity.fiveG_S_TMSI;
    bool here = false;
    c->ran->counters.paging++;
    if (!m->has.UEPagingIdentity || m->UEPagingIdentity.sel != NGAP_UEPagingIdentity_fiveG_S_TMSI ||
        !m->has.TAIListForPaging)
        return;
    for (uint32_t i = 0; i < m->TAIListForPaging.n; i++) {
        const struct ngap_TAI *tai = &m->TAIListForPaging.v[i].tAI;
        here |= !memcmp(tai->pLMNIdentity.p, ta->plmn, 3) && !memcmp(tai->tAC.p, ta->tac, 3);
    }
    struct nas_guti guti = {.set = (uint16_t)(be16(id->aMFSetID.p) >> 6),
                            .pointer = id->aMFPointer.p[0] >> 2,
                            .tmsi = be32(id->fiveG_TMSI.p)};
    struct ue *ue = here ? map_get_u64(&c->ran->by_tmsi, ue_tmsi_key(&guti)) : NULL;
    if (!ue || ue->cell != c)
        return;
    c->ran->counters.paging_hits++;
    ue_paged(ue);
}

/* ---- dispatch ---- */
static int command_target(struct cell *c, const struct ngap_UEContextReleaseCommand *m, struct gnb_ue **out)
{
    const struct ngap_UE_NGAP_IDs *ids = &m->UE_NGAP_IDs;
    if (ids->sel == NGAP_UE_NGAP_IDs_uE_NGAP_ID_pair) {
        *out = link_of(c, ids->uE_NGAP_ID_pair.rAN_UE_NGAP_ID);
        if (!*out)
            return ERR_NOTFOUND;
        if ((*out)->has_amf_id && (*out)->amf_id != ids->uE_NGAP_ID_pair.aMF_UE_NGAP_ID)
            return ERR_EXISTS;
        (*out)->amf_id = ids->uE_NGAP_ID_pair.aMF_UE_NGAP_ID;
        (*out)->has_amf_id = true;
        return OK;
    }
    LIST_EACH (it, &c->links) {
        struct gnb_ue *l = CONTAINER(it, struct gnb_ue, on_cell);
        if (l->has_amf_id && l->amf_id == ids->aMF_UE_NGAP_ID) {
            *out = l;
            return OK;
        }
    }
    return ERR_NOTFOUND;
}
static int ids_check(struct cell *c, uint64_t amf_id, uint64_t ran_id, struct gnb_ue **out)
{
    struct gnb_ue *l = *out = link_of(c, ran_id);
    if (!l)
        return ERR_NOTFOUND;
    if (l->has_amf_id && l->amf_id != amf_id)
        return ERR_EXISTS;
    l->amf_id = amf_id;
    l->has_amf_id = true;
    return OK;
}
#define FOR_UE(Msg, call)                                                                          \
    case NGAP_MSG_##Msg: {                                                                         \
        const struct ngap_##Msg *m = pdu->value;                                                   \
        e = ids_check(c, m->AMF_UE_NGAP_ID, m->RAN_UE_NGAP_ID, &l);                                \
        if (e >= 0) {                                                                              \
            answered(l);                                                                           \
            call;                                                                                  \
        }                                                                                          \
        return e;                                                                                  \
    }
static int on_ue_message(struct gnb *g, const struct ngap_pdu *pdu)
{
    struct cell *c = cell_of(g);
    struct gnb_ue *l = NULL;
    int e;
    switch ((int)pdu->msg) {
        FOR_UE(DownlinkNASTransport, deliver(l, m->NAS_PDU))
        FOR_UE(InitialContextSetupRequest, context_setup(l, m))
        FOR_UE(PDUSessionResourceSetupRequest, session_setup(l, m))
        FOR_UE(PDUSessionResourceModifyRequest, session_modify(l, m))
        FOR_UE(PDUSessionResourceReleaseCommand, session_release(l, m))
        FOR_UE(UEContextModificationRequest, context_modify(l, m))
    case NGAP_MSG_UEContextReleaseCommand:
        e = command_target(c, pdu->value, &l);
        if (e >= 0)
            context_release(l);
        return e;
    case NGAP_MSG_Paging: paging(c, pdu->value); return OK;
    default: return OK; /* nothing that a phone's life depends on: warnings, traces, overload, status */
    }
}
static void on_release_all(struct gnb *g)
{
    struct cell *c = cell_of(g);
    while (!list_empty(&c->links))
        link_drop(CONTAINER(c->links.next, struct gnb_ue, on_cell), true);
}
static void on_release_one(struct gnb *g, const struct ngap_UE_associatedLogicalNG_connectionItem *item)
{
    struct cell *c = cell_of(g);
    struct gnb_ue *l = item->has.rAN_UE_NGAP_ID ? link_of(c, item->rAN_UE_NGAP_ID) : NULL;
    LIST_EACH (it, &c->links) {
        struct gnb_ue *k = CONTAINER(it, struct gnb_ue, on_cell);
        if (!l && !item->has.rAN_UE_NGAP_ID && item->has.aMF_UE_NGAP_ID && k->has_amf_id &&
            k->amf_id == item->aMF_UE_NGAP_ID)
            l = k;
    }
    if (l)
        link_drop(l, true);
}
/* The AMF does not know this phone: what the gNB holds of it is worth nothing (8.7.5, 10.6). */
static void on_error(struct gnb *g, const struct ngap_ErrorIndication *m)
{
    struct gnb_ue *l = m->has.RAN_UE_NGAP_ID ? link_of(cell_of(g), m->RAN_UE_NGAP_ID) : NULL;
    bool ids = m->has.Cause && m->Cause.sel == NGAP_Cause_radioNetwork &&
               (m->Cause.radioNetwork == NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID ||
                m->Cause.radioNetwork == NGAP_CauseRadioNetwork_inconsistent_remote_UE_NGAP_ID);
    if (l && ids)
        link_drop(l, true);
}
const struct gnb_ue_ops gnb_phones = {.release_all = on_release_all,
                                      .release_one = on_release_one,
                                      .message = on_ue_message,
                                      .error = on_error};
