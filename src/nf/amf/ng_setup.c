/* SPDX-License-Identifier: Apache-2.0 */
/* NG Setup, TS 38.413 8.7.1. */
#include "base/plmn.h"
#include "nf/amf/amf_nf.h"
#include "base/err.h"
#include "codec/nas.h"
#include <stdio.h>

static uint16_t slices_in_common(const struct amf_plmn_support *p, const struct ngap_SliceSupportList *l)
{
    uint16_t mask = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct ngap_S_NSSAI *s = &l->v[i].s_NSSAI;
        if (s->sST.n != 1)
            continue;
        for (uint32_t j = 0; j < p->n_slices; j++) {
            const struct amf_slice *c = &p->slices[j];
            bool has_sd = s->has.sD && s->sD.n == 3;
            if (c->sst == s->sST.p[0] && c->has_sd == has_sd &&
                (!has_sd || memcmp(c->sd, s->sD.p, 3) == 0))
                mask = (uint16_t)(mask | 1u << j);
        }
    }
    return mask;
}
static bool tai_is_served(const struct amf_config *c, const uint8_t *plmn, const uint8_t *tac)
{
    for (uint32_t i = 0; i < c->n_tais; i++)
        if (memcmp(c->tais[i].plmn, plmn, 3) == 0 && memcmp(c->tais[i].tac, tac, 3) == 0)
            return true;
    return c->n_tais == 0;
}
static int plmn_index(const struct amf_config *c, struct bytes plmn)
{
    for (uint32_t i = 0; plmn.n == 3 && i < c->n_plmns; i++)
        if (memcmp(c->plmns[i].plmn, plmn.p, 3) == 0)
            return (int)i;
    return -1;
}

/* The row of amf.gnbs that names the node, or NULL. */
static const struct config_gnb *row_of(const struct config *c, const struct ngap_GlobalRANNodeID *id)
{
    const struct ngap_GlobalGNB_ID *g = &id->globalGNB_ID;
    if (id->sel != NGAP_GlobalRANNodeID_globalGNB_ID || g->gNB_ID.sel != NGAP_GNB_ID_gNB_ID ||
        g->pLMNIdentity.n != 3)
        return NULL;
    for (uint32_t i = 0; c && i < c->amf.n_gnbs; i++) {
        const struct config_gnb *row = &c->amf.gnbs[i];
        const uint8_t *plmn = amf_config_plmn(c, &row->plmn);
        if (row->id == ngap_gnb_id(g->gNB_ID.gNB_ID) && memcmp(plmn, g->pLMNIdentity.p, 3) == 0)
            return row;
    }
    return NULL;
}
static bool has_address(const struct config_gnb *row, const struct net_addr *peer)
{
    for (uint32_t i = 0; row && i < row->n_addresses; i++)
        if (addr_same_host(&row->addresses[i], peer))
            return true;
    return false;
}
/* amf.gnbs, when it names any: nobody else, and from nowhere else. */
static bool may_connect(const struct config *c, const struct ngap_GlobalRANNodeID *id,
                        const struct net_addr *peer)
{
    if (!c || !c->amf.n_gnbs)
        return true;
    const struct config_gnb *row = row_of(c, id);
    return row && (!row->n_addresses || has_address(row, peer));
}
/* A node whose old association is still up may be a restarted one, or somebody who uses its name. Only who comes
 * from the same host, or from another address of the same row of amf.gnbs, takes its place; others are told to
 * come back, by when SCTP has found out whether the old association lives (RFC 9260 8.3). */
static bool may_displace(const struct config *c, const struct ngap_GlobalRANNodeID *id,
                         const struct amf_gnb *old, const struct net_addr *peer)
{
    const struct config_gnb *row = row_of(c, id);
    return addr_same_host(&old->peer, peer) || (has_address(row, &old->peer) && has_address(row, peer));
}

/* Where amf.gnbs says where a node's tunnels end, they end nowhere else: whoever speaks for a gNB cannot have a phone's
 * packets sent to a third place (TS 38.413 8.2.1 leaves the address to the node). */
bool amf_node_may_end_tunnel(const struct config *c, struct bytes node_id, struct bits address)
{
    uint8_t block[256];
    struct arena a = arena_over(block, sizeof block);
    struct ngap_GlobalRANNodeID id;
    struct net_addr at[2];
    if (!c || !c->amf.n_gnbs)
        return true;
    if (ngap_transfer_decode(&ngap_desc_GlobalRANNodeID, node_id, &a, &id) < 0)
        return false;
    const struct config_gnb *row = row_of(c, &id);
    if (!row || !row->n_n3_addresses)
        return true;
    int n = ngap_addresses(address, at), known = 0;
    for (int i = 0; i < n; i++)
        for (uint32_t k = 0; k < row->n_n3_addresses; k++)
            if (addr_same_host(&row->n3_addresses[k], &at[i])) {
                known++;
                break;
            }
    return n > 0 && known == n;
}

struct ta_match {
    bool plmn, tac, slice; /* how far any row got */
    uint32_t n;
};
/* Slices that policy does not let the node have are as if it had none of them. */
static int take_ta(struct amf *amf, const struct amf_trust *trust, struct amf_ta *rows, const struct ngap_SupportedTAItem *ta,
                   struct ta_match *match)
{
    for (uint32_t i = 0; i < ta->broadcastPLMNList.n; i++) {
        const struct ngap_BroadcastPLMNItem *b = &ta->broadcastPLMNList.v[i];
        int plmn = plmn_index(&amf->config, b->pLMNIdentity);
        if (plmn < 0)
            continue;
        match->plmn = true;
        if (ta->tAC.n != 3 || !tai_is_served(&amf->config, b->pLMNIdentity.p, ta->tAC.p))
            continue;
        match->tac = true;
        uint16_t slices = slices_in_common(&amf->config.plmns[plmn], &b->tAISliceSupportList) & trust->slices[plmn];
        if (!slices)
            continue;
        match->slice = true;
        if (match->n == AMF_GNB_TAS)
            return ERR_FULL;
        struct amf_ta *row = &rows[match->n++];
        memcpy(row->tac, ta->tAC.p, 3);
        row->plmn = (uint8_t)plmn;
        row->slices = slices;
    }
    return OK;
}

/* 8.7.1.4 names the cause for a list without any known PLMN only; without a common TAC or slice nothing could
 * ever be served either, so these are refused too. Rows that are not served are left out. */
int amf_gnb_take_tas(struct amf *amf, struct amf_gnb *gnb, const struct ngap_SupportedTAList *list,
                     struct ngap_Cause *cause)
{
    struct amf_ta rows[AMF_GNB_TAS];
    struct ta_match match = {0};
    for (uint32_t i = 0; i < list->n; i++) {
        if (take_ta(amf, &gnb->trust, rows, &list->v[i], &match) < 0) {
            *cause = amf_cause_misc(NGAP_CauseMisc_control_processing_overload);
            return ERR_FULL;
        }
    }
    if (!match.plmn)
        *cause = amf_cause_misc(NGAP_CauseMisc_unknown_PLMN_or_SNPN);
    else if (!match.tac)
        *cause = amf_cause_misc(NGAP_CauseMisc_unspecified);
    else if (!match.slice)
        *cause = amf_cause_radio(NGAP_CauseRadioNetwork_slice_not_supported);
    if (!match.slice)
        return ERR_DENIED;
    memcpy(gnb->tas, rows, match.n * sizeof rows[0]);
    gnb->n_tas = match.n;
    return OK;
}

static void refuse(const struct amf_rx *rx, struct ngap_Cause cause, bool later, const char *why)
{
    const struct config *c = rx->amf->rt->config;
    struct ngap_NGSetupFailure m = {.Cause = cause};
    char peer[NET_ADDR_TEXT];
    m.has.Cause = 1;
    if (later) {
        m.has.TimeToWait = 1;
        m.TimeToWait = c ? (uint32_t)c->amf.time_to_wait : NGAP_TimeToWait_v10s;
    }
    if (amf_rx_diagnostics(rx, &m.CriticalityDiagnostics))
        m.has.CriticalityDiagnostics = 1;
    rx->amf->counters.setups_refused++;
    metric_add(rx->amf->rt->metrics, METRIC_ng_setup_failed, 1);
    LOG(rx->amf->rt->log, ng_setup_refused, "gnb=%s peer=%s group=%u cause=%u why=%s", amf_gnb_text(rx->gnb),
        addr_text(&rx->gnb->peer, peer), cause.sel, amf_cause_value(&cause), why);
    amf_trust_gone(rx->amf, rx->gnb);
    rx->gnb->id_text[0] = 0;
    amf_gnb_send(rx->amf, rx->gnb, NGAP_MSG_NGSetupFailure, &m, 0);
}
void amf_refuse_ng_setup(const struct amf_rx *rx, struct ngap_Cause cause)
{
    refuse(rx, cause, false, "malformed");
}

static int fill_slices(struct arena *a, const struct amf_plmn_support *p, struct ngap_SliceSupportList *out)
{
    out->n = p->n_slices;
    out->v = arena_zero(a, p->n_slices * sizeof *out->v);
    if (!out->v)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < p->n_slices; i++) {
        struct ngap_S_NSSAI *s = &out->v[i].s_NSSAI;
        s->sST = (struct bytes){&p->slices[i].sst, 1};
        s->has.sD = p->slices[i].has_sd;
        s->sD = (struct bytes){p->slices[i].sd, 3};
    }
    return OK;
}
int amf_guami_ngap(struct arena *a, const struct amf_guami *g, struct ngap_GUAMI *out)
{
    uint8_t *p = arena_zero(a, 4);
    if (!p)
        return ERR_NOSPACE;
    p[0] = g->region;
    put_be16(p + 1, (uint16_t)(g->set << 6));
    p[3] = (uint8_t)(g->pointer << 2);
    out->pLMNIdentity = (struct bytes){g->plmn, 3};
    out->aMFRegionID = (struct bits){p, 8};
    out->aMFSetID = (struct bits){p + 1, 10};
    out->aMFPointer = (struct bits){p + 3, 6};
    return OK;
}
static int fill_response(const struct amf_rx *rx, struct ngap_NGSetupResponse *m)
{
    const struct amf_config *c = &rx->amf->config;
    struct arena *a = rx->arena;
    m->has.AMFName = m->has.ServedGUAMIList = m->has.RelativeAMFCapacity = m->has.PLMNSupportList = 1;
    m->AMFName = str_of(c->name);
    m->RelativeAMFCapacity = c->relative_capacity;
    m->ServedGUAMIList.n = c->n_guamis;
    m->ServedGUAMIList.v = arena_zero(a, c->n_guamis * sizeof *m->ServedGUAMIList.v);
    m->PLMNSupportList.n = c->n_plmns;
    m->PLMNSupportList.v = arena_zero(a, c->n_plmns * sizeof *m->PLMNSupportList.v);
    if (!m->ServedGUAMIList.v || !m->PLMNSupportList.v)
        return ERR_NOSPACE;
    int e = OK;
    for (uint32_t i = 0; i < c->n_guamis && e >= 0; i++)
        e = amf_guami_ngap(a, &c->guamis[i], &m->ServedGUAMIList.v[i].gUAMI);
    for (uint32_t i = 0; i < c->n_plmns && e >= 0; i++) {
        m->PLMNSupportList.v[i].pLMNIdentity = (struct bytes){c->plmns[i].plmn, 3};
        e = fill_slices(a, &c->plmns[i], &m->PLMNSupportList.v[i].sliceSupportList);
    }
    if (amf_rx_diagnostics(rx, &m->CriticalityDiagnostics))
        m->has.CriticalityDiagnostics = 1;
    return e;
}

/* Back to an association that has not been set up: 8.7.1.1 erases what was there, UEs included. */
static void erase(struct amf *amf, struct amf_gnb *gnb)
{
    amf_trust_gone(amf, gnb);
    gnb->is_draining = false;
    if (!gnb->is_setup)
        return;
    if (amf->ue_ops && amf->ue_ops->release_all)
        amf->ue_ops->release_all(amf, gnb);
    amf_gnb_load_forget(amf, gnb); /* 8.7.1.1: overload action as well */
    map_del(&amf->gnb_by_id, (struct bytes){gnb->node_id, gnb->node_id_n});
    gnb->is_setup = gnb->reset_pending = false;
    gnb->n_tas = 0;
    gnb->id_text[0] = 0;
    amf->gnbs_setup--;
    amf_gnb_await_setup(amf, gnb);
}

static void take_gnb_id(struct amf_gnb *gnb, const struct ngap_GlobalRANNodeID *id)
{
    const struct ngap_GlobalGNB_ID *g = &id->globalGNB_ID;
    gnb->id_bits = 0;
    if (id->sel != NGAP_GlobalRANNodeID_globalGNB_ID || g->gNB_ID.sel != NGAP_GNB_ID_gNB_ID || g->pLMNIdentity.n != 3)
        return;
    memcpy(gnb->id_plmn, g->pLMNIdentity.p, 3);
    gnb->id_bits = (uint8_t)g->gNB_ID.gNB_ID.n;
    gnb->id = ngap_gnb_id(g->gNB_ID.gNB_ID);
}
static int take_identity(struct amf_gnb *gnb, const struct ngap_NGSetupRequest *m)
{
    int n = aper_encode(&ngap_desc_GlobalRANNodeID, &m->GlobalRANNodeID, gnb->node_id,
                        sizeof gnb->node_id);
    if (n <= 0)
        return ERR_UNKNOWN;
    gnb->node_id_n = (uint8_t)n;
    ngap_node_text(&m->GlobalRANNodeID, gnb->id_text);
    take_gnb_id(gnb, &m->GlobalRANNodeID);
    gnb->name[0] = 0;
    if (m->has.RANNodeName)
        str_copy(gnb->name, sizeof gnb->name, m->RANNodeName);
    gnb->default_paging_drx = (uint8_t)(m->has.DefaultPagingDRX && m->DefaultPagingDRX <= NGAP_PagingDRX_v256
                                            ? m->DefaultPagingDRX
                                            : NGAP_PagingDRX_v128);
    return OK;
}

void amf_rx_ng_setup(const struct amf_rx *rx)
{
    struct amf *amf = rx->amf;
    struct amf_gnb *gnb = rx->gnb;
    const struct ngap_NGSetupRequest *m = rx->pdu->value;
    if (!rx->is_again)
        erase(amf, gnb);
    amf_gnb_gauges(amf);
    if (!m->has.GlobalRANNodeID || !m->has.SupportedTAList || take_identity(gnb, m) < 0) {
        refuse(rx, amf_cause_protocol(NGAP_CauseProtocol_semantic_error), false, "no identity or no areas");
        return;
    }
    const struct config *config = amf->rt->config;
    if (!may_connect(config, &m->GlobalRANNodeID, &gnb->peer)) {
        refuse(rx, amf_cause_misc(NGAP_CauseMisc_om_intervention), false, "not in amf.gnbs");
        return;
    }
    if (!amf_trust_known(rx, str_of(gnb->name), &m->SupportedTAList))
        return;
    if (!gnb->trust.permitted || gnb->trust.change_refused) {
        refuse(rx, amf_cause_misc(NGAP_CauseMisc_om_intervention), false, gnb->trust.why);
        return;
    }
    struct ngap_Cause cause;
    if (amf_gnb_take_tas(amf, gnb, &m->SupportedTAList, &cause) < 0) {
        refuse(rx, cause, cause.sel == NGAP_Cause_misc &&
                              cause.misc == NGAP_CauseMisc_control_processing_overload, "areas or slices");
        return;
    }
    struct amf_gnb *old = amf_gnb_by_id(amf, (struct bytes){gnb->node_id, gnb->node_id_n});
    if (old && !may_displace(config, &m->GlobalRANNodeID, old, &gnb->peer)) {
        refuse(rx, amf_cause_misc(NGAP_CauseMisc_unspecified), true, "the identity is in use from elsewhere");
        return;
    }
    if (old) {
        if (addr_same_host(&old->peer, &gnb->peer))
            old->trust.known = false; /* the trust function has the new one in its place */
        amf_gnb_drop(amf, old, true);
    }
    struct ngap_NGSetupResponse answer = {0};
    bool is_full = amf->gnbs_setup >= amf->config.max_gnbs;
    if (is_full || fill_response(rx, &answer) < 0 ||
        map_put(&amf->gnb_by_id, (struct bytes){gnb->node_id, gnb->node_id_n}, gnb) < 0) {
        LOG(amf->rt->log, amf_full, "gnbs=%u", amf->gnbs_setup);
        refuse(rx, amf_cause_misc(NGAP_CauseMisc_control_processing_overload), true, "full");
        return;
    }
    gnb->is_setup = true;
    amf->gnbs_setup++;
    amf->counters.setups++;
    timer_stop(&amf->rt->timers, &gnb->setup_timer);
    metric_add(amf->rt->metrics, METRIC_ng_setup_ok, 1);
    amf_gnb_gauges(amf);
    char peer[NET_ADDR_TEXT];
    LOG(amf->rt->log, ng_setup_done, "gnb=%s name=%s peer=%s tas=%u", gnb->id_text, gnb->name,
        addr_text(&gnb->peer, peer), gnb->n_tas);
    amf_gnb_send(amf, gnb, NGAP_MSG_NGSetupResponse, &answer, 0);
}
