/* SPDX-License-Identifier: Apache-2.0 */
/* The gNB's end of N2. Made from TS 38.413 and on purpose not from the AMF's code: each checks the other. */
#include "ran/gnb.h"
#include "base/err.h"
#include <stdlib.h>

enum { BLOCK_OCTETS = 1 << 20 };

/* ---- sending ---- */
uint16_t gnb_ue_stream(const struct gnb *g, uint64_t ran_ue_id)
{
    return g->streams < 2 ? 0 : (uint16_t)(ran_ue_id % (g->streams - 1u) + 1);
}
int gnb_send_raw(struct gnb *g, struct bytes raw, uint16_t stream, uint32_t ppid)
{
    struct env *env = g->rt->env;
    if (!g->has_assoc)
        return ERR_STATE;
    int e = env->ops->sctp_send(env, g->assoc, stream, ppid, raw);
    g->tx += e >= 0;
    return e;
}
static void tap_sent(struct gnb *g, enum ngap_msg msg, const void *value, struct bytes raw)
{
    rt_tap(g->rt, &(struct tap_event){.interface = TAP_N2, .direction = TAP_TX, .at_us = g->rt->now_us,
                                      .peer = g->assoc, .type = msg, .name = ngap_msg_name(msg),
                                      .desc = ngap_msg_type(msg), .value = value, .raw = raw});
}
int gnb_send(struct gnb *g, enum ngap_msg msg, const void *value, uint16_t stream)
{
    int n = ngap_encode(msg, value, g->out, GNB_MESSAGE_MAX);
    if (n < 0)
        return n;
    struct bytes raw = {g->out, (uint32_t)n};
    tap_sent(g, msg, value, raw);
    return gnb_send_raw(g, raw, stream, GNB_PPID);
}

/* ---- the messages ---- */
static int put_tas(struct arena *a, const struct gnb_config *c, struct ngap_SupportedTAList *out)
{
    out->n = c->n_tas;
    out->v = arena_zero(a, c->n_tas * sizeof *out->v);
    for (uint32_t i = 0; out->v && i < c->n_tas; i++) {
        const struct gnb_ta *ta = &c->tas[i];
        struct ngap_BroadcastPLMNItem *b = arena_zero(a, sizeof *b);
        struct ngap_SliceSupportItem *s = arena_zero(a, ta->n_slices * sizeof *s);
        if (!b || !s)
            return ERR_NOSPACE;
        out->v[i].tAC = (struct bytes){ta->tac, 3};
        out->v[i].broadcastPLMNList.v = b;
        out->v[i].broadcastPLMNList.n = 1;
        b->pLMNIdentity = (struct bytes){ta->plmn, 3};
        b->tAISliceSupportList.v = s;
        b->tAISliceSupportList.n = ta->n_slices;
        for (uint32_t k = 0; k < ta->n_slices; k++) {
            s[k].s_NSSAI.sST = (struct bytes){&ta->slices[k].sst, 1};
            s[k].s_NSSAI.has.sD = ta->slices[k].has_sd;
            s[k].s_NSSAI.sD = (struct bytes){ta->slices[k].sd, 3};
        }
    }
    return out->v ? OK : ERR_NOSPACE;
}
int gnb_setup_request(struct gnb *g, uint8_t *buf, size_t cap)
{
    struct arena a = arena_over(g->block, BLOCK_OCTETS);
    struct ngap_NGSetupRequest m = {0};
    uint8_t id[4];
    put_be32(id, g->config.id << (32 - g->config.id_bits));
    struct ngap_GlobalGNB_ID *node = &m.GlobalRANNodeID.globalGNB_ID;
    m.has.GlobalRANNodeID = m.has.SupportedTAList = m.has.DefaultPagingDRX = 1;
    m.GlobalRANNodeID.sel = NGAP_GlobalRANNodeID_globalGNB_ID;
    node->pLMNIdentity = BYTES_OF(g->config.plmn);
    node->gNB_ID.sel = NGAP_GNB_ID_gNB_ID;
    node->gNB_ID.gNB_ID = (struct bits){id, g->config.id_bits};
    if (g->config.name) {
        m.has.RANNodeName = 1;
        m.RANNodeName = str_of(g->config.name);
    }
    m.DefaultPagingDRX = g->config.paging_drx;
    int e = put_tas(&a, &g->config, &m.SupportedTAList);
    return e < 0 ? e : ngap_encode(NGAP_MSG_NGSetupRequest, &m, buf, cap);
}
int gnb_setup(struct gnb *g)
{
    int n = gnb_setup_request(g, g->out, GNB_MESSAGE_MAX);
    if (n < 0)
        return n;
    g->state = GNB_SETTING_UP;
    g->setups_sent++;
    struct bytes raw = {g->out, (uint32_t)n};
    tap_sent(g, NGAP_MSG_NGSetupRequest, NULL, raw);
    return gnb_send_raw(g, raw, 0, GNB_PPID);
}
int gnb_update(struct gnb *g, const struct gnb_ta *tas, uint32_t n_tas, const char *name)
{
    struct arena a = arena_over(g->block, BLOCK_OCTETS);
    struct ngap_RANConfigurationUpdate m = {0};
    if (g->update_pending)
        return ERR_STATE;
    if (tas) {
        g->config.tas = tas;
        g->config.n_tas = n_tas;
        m.has.SupportedTAList = 1;
        int e = put_tas(&a, &g->config, &m.SupportedTAList);
        if (e < 0)
            return e;
    }
    if (name) {
        g->config.name = name;
        m.has.RANNodeName = 1;
        m.RANNodeName = str_of(name);
    }
    int e = gnb_send(g, NGAP_MSG_RANConfigurationUpdate, &m, 0);
    g->update_pending = e >= 0;
    return e;
}
int gnb_reset(struct gnb *g, const struct ngap_UE_associatedLogicalNG_connectionList *list)
{
    struct ngap_NGReset m = {0};
    m.has.Cause = m.has.ResetType = 1;
    m.Cause.sel = NGAP_Cause_misc;
    m.Cause.misc = NGAP_CauseMisc_om_intervention;
    m.ResetType.sel = list ? NGAP_ResetType_partOfNG_Interface : NGAP_ResetType_nG_Interface;
    if (list)
        m.ResetType.partOfNG_Interface = *list;
    else
        m.ResetType.nG_Interface = NGAP_ResetAll_reset_all;
    int e = gnb_send(g, NGAP_MSG_NGReset, &m, 0);
    g->reset_pending = e >= 0;
    return e;
}
int gnb_error(struct gnb *g, const uint64_t *amf_ue_id, const uint64_t *ran_ue_id, struct ngap_Cause cause)
{
    struct ngap_ErrorIndication m = {.Cause = cause};
    m.has.Cause = 1;
    m.has.AMF_UE_NGAP_ID = amf_ue_id != NULL;
    m.AMF_UE_NGAP_ID = amf_ue_id ? *amf_ue_id : 0;
    m.has.RAN_UE_NGAP_ID = ran_ue_id != NULL;
    m.RAN_UE_NGAP_ID = ran_ue_id ? *ran_ue_id : 0;
    g->errors_sent++;
    return gnb_send(g, NGAP_MSG_ErrorIndication, &m, ran_ue_id ? gnb_ue_stream(g, *ran_ue_id) : 0);
}

/* ---- answers ---- */
static void wait_over(struct timer *t);
static void wait_for(struct gnb *g, uint64_t us)
{
    g->state = GNB_WAITING;
    timer_set(&g->rt->timers, &g->timer, g->rt->now_us + us, wait_over);
}
static void overload_slices(struct gnb *g, const struct ngap_OverloadStartNSSAIItem *item)
{
    for (uint32_t i = 0; i < item->sliceOverloadList.n && g->n_overloads < GNB_OVERLOADS; i++) {
        const struct ngap_S_NSSAI *s = &item->sliceOverloadList.v[i].s_NSSAI;
        struct gnb_overload *to = &g->overloads[g->n_overloads++];
        *to = (struct gnb_overload){.slice = {.sst = s->sST.p[0], .has_sd = s->has.sD},
                                    .action = NGAP_OverloadAction_reject_rrc_cr_signalling};
        if (s->has.sD)
            memcpy(to->slice.sd, s->sD.p, 3);
        if (item->has.sliceOverloadResponse)
            to->action = (uint8_t)item->sliceOverloadResponse.overloadAction;
        if (item->has.sliceTrafficLoadReductionIndication)
            to->percent = (uint8_t)item->sliceTrafficLoadReductionIndication;
    }
}
/* 8.7.7.2: the newest holds */
static void overload_start(struct gnb *g, const struct ngap_OverloadStart *m)
{
    g->overload_starts++;
    g->is_overloaded = m->has.AMFOverloadResponse;
    g->overload_action = (uint8_t)m->AMFOverloadResponse.overloadAction;
    g->overload_percent = m->has.AMFTrafficLoadReductionIndication ? (uint8_t)m->AMFTrafficLoadReductionIndication : 0;
    g->n_overloads = 0;
    for (uint32_t i = 0; m->has.OverloadStartNSSAIList && i < m->OverloadStartNSSAIList.n; i++)
        overload_slices(g, &m->OverloadStartNSSAIList.v[i]);
}
static void overload_stop(struct gnb *g)
{
    g->overload_stops++;
    g->is_overloaded = false;
    g->n_overloads = 0;
}
static void setup_accepted(struct gnb *g, const struct ngap_NGSetupResponse *m)
{
    if (g->state != GNB_SETTING_UP)
        return;
    g->is_overloaded = false; /* 8.7.1.1 */
    g->n_overloads = 0;
    g->setups_accepted++;
    g->state = GNB_READY;
    str_copy(g->amf_name, sizeof g->amf_name, m->AMFName);
    g->amf_capacity = (uint8_t)m->RelativeAMFCapacity;
    g->n_guamis = m->ServedGUAMIList.n;
    if (g->n_guamis) {
        const struct ngap_GUAMI *id = &m->ServedGUAMIList.v[0].gUAMI;
        g->amf_region = id->aMFRegionID.p[0];
        g->amf_set = (uint16_t)(be16(id->aMFSetID.p) >> 6);
        g->amf_pointer = id->aMFPointer.p[0] >> 2;
    }
    g->n_plmns = m->PLMNSupportList.n < GNB_AMF_PLMNS ? m->PLMNSupportList.n : GNB_AMF_PLMNS;
    for (uint32_t i = 0; i < g->n_plmns; i++)
        memcpy(g->amf_plmns[i], m->PLMNSupportList.v[i].pLMNIdentity.p, 3);
    if (g->ue_ops && g->ue_ops->ready)
        g->ue_ops->ready(g);
}
/* Not to be tried again on this association before TimeToWait is over; without it, not at all (8.7.1.3). */
static void setup_refused(struct gnb *g, const struct ngap_NGSetupFailure *m)
{
    static const uint8_t seconds[] = {1, 2, 5, 10, 20, 60};
    if (g->state != GNB_SETTING_UP)
        return;
    g->setups_refused++;
    g->last_cause = m->Cause;
    g->state = GNB_REFUSED;
    if (m->has.TimeToWait && m->TimeToWait < ARRAY_LEN(seconds))
        wait_for(g, seconds[m->TimeToWait] * 1000000u);
}
static void reset_received(struct gnb *g, const struct ngap_NGReset *m)
{
    struct ngap_NGResetAcknowledge ack = {0};
    g->resets++;
    if (m->ResetType.sel == NGAP_ResetType_partOfNG_Interface) {
        ack.has.UE_associatedLogicalNG_connectionList = 1;
        ack.UE_associatedLogicalNG_connectionList = m->ResetType.partOfNG_Interface;
        for (uint32_t i = 0; i < m->ResetType.partOfNG_Interface.n; i++)
            if (g->ue_ops && g->ue_ops->release_one)
                g->ue_ops->release_one(g, &m->ResetType.partOfNG_Interface.v[i]);
    } else if (g->ue_ops && g->ue_ops->release_all) {
        g->ue_ops->release_all(g);
    }
    gnb_send(g, NGAP_MSG_NGResetAcknowledge, &ack, 0);
}
static void error_received(struct gnb *g, const struct ngap_ErrorIndication *m)
{
    g->errors_received++;
    if (m->has.Cause)
        g->last_cause = m->Cause;
    g->last_error_has = (uint8_t)(m->has.AMF_UE_NGAP_ID | m->has.RAN_UE_NGAP_ID << 1);
    g->last_error_amf_ue = m->AMF_UE_NGAP_ID;
    g->last_error_ran_ue = m->RAN_UE_NGAP_ID;
    if (g->ue_ops && g->ue_ops->error)
        g->ue_ops->error(g, m);
}
static void ue_message(struct gnb *g, const struct ngap_pdu *pdu)
{
    const uint64_t *amf_id = NULL, *ran_id = NULL;
    for (uint32_t i = 0; i < pdu->type->n_fields; i++) {
        const struct asn_field *f = &pdu->type->fields[i];
        const void *v = (const uint8_t *)pdu->value + f->offset;
        if (!(((const struct asn_has *)pdu->value)->mask[i / 64] >> i % 64 & 1))
            continue;
        if (f->type == &ngap_desc_AMF_UE_NGAP_ID)
            amf_id = v;
        if (f->type == &ngap_desc_RAN_UE_NGAP_ID)
            ran_id = v;
    }
    int e = g->ue_ops && g->ue_ops->message ? g->ue_ops->message(g, pdu) : ran_id ? ERR_NOTFOUND : OK;
    struct ngap_Cause cause = {.sel = NGAP_Cause_radioNetwork,
                               .radioNetwork = NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID};
    if (e == ERR_EXISTS)
        cause.radioNetwork = NGAP_CauseRadioNetwork_inconsistent_remote_UE_NGAP_ID;
    if (e == ERR_NOTFOUND || e == ERR_EXISTS)
        gnb_error(g, amf_id, ran_id, cause);
}
static void received(struct gnb *g, const struct ngap_pdu *pdu)
{
    const struct ngap_RANConfigurationUpdateFailure *failure = pdu->value;
    const struct ngap_NGResetAcknowledge *ack = pdu->value;
    switch ((int)pdu->msg) {
    case NGAP_MSG_NGSetupResponse: setup_accepted(g, pdu->value); break;
    case NGAP_MSG_NGSetupFailure: setup_refused(g, pdu->value); break;
    case NGAP_MSG_RANConfigurationUpdateAcknowledge:
        g->updates_accepted += g->update_pending;
        g->update_pending = false;
        break;
    case NGAP_MSG_RANConfigurationUpdateFailure:
        g->updates_refused += g->update_pending;
        g->update_pending = false;
        g->last_cause = failure->Cause;
        break;
    case NGAP_MSG_OverloadStart: overload_start(g, pdu->value); break;
    case NGAP_MSG_OverloadStop: overload_stop(g); break;
    case NGAP_MSG_NGReset: reset_received(g, pdu->value); break;
    case NGAP_MSG_NGResetAcknowledge:
        g->resets_acknowledged += g->reset_pending;
        g->reset_pending = false;
        g->last_reset_items = ack->has.UE_associatedLogicalNG_connectionList
                                  ? ack->UE_associatedLogicalNG_connectionList.n
                                  : 0;
        break;
    case NGAP_MSG_ErrorIndication: error_received(g, pdu->value); break;
    default: ue_message(g, pdu);
    }
}

/* ---- the sink ---- */
static void on_message(void *ctx, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes in)
{
    struct gnb *g = ctx;
    rt_enter(g->rt);
    if (!g->has_assoc || assoc != g->assoc || ppid != GNB_PPID)
        return;
    g->rx++;
    struct arena a = arena_over(g->block, BLOCK_OCTETS);
    struct ngap_pdu pdu = {0};
    struct ngap_report report = {0};
    int e = ngap_decode(in, &a, &pdu, &report);
    bool known = pdu.msg < NGAP_MSGS;
    rt_tap(g->rt, &(struct tap_event){.interface = TAP_N2, .direction = TAP_RX, .at_us = g->rt->now_us,
                                      .peer = assoc, .type = pdu.msg,
                                      .name = known ? ngap_msg_name(pdu.msg) : "unknown", .desc = pdu.type,
                                      .value = pdu.value, .raw = in, .error = e < 0 ? e : 0});
    if (e >= 0 && pdu.value) {
        received(g, &pdu);
        return;
    }
    g->rx_bad++;
    if (report.error != NGAP_ERROR_NONE && report.known_header && report.kind == NGAP_INITIATING &&
        report.procedure != NGAP_PROC_ErrorIndication)
        gnb_error(g, NULL, NULL, ngap_report_cause(&report));
}
static void on_up(void *ctx, uint64_t assoc, const struct net_addr *peer, uint16_t streams)
{
    struct gnb *g = ctx;
    rt_enter(g->rt);
    g->assoc = assoc;
    g->has_assoc = true;
    g->streams = streams ? streams : 1;
    gnb_setup(g);
}
static void on_down(void *ctx, uint64_t assoc, const char *reason)
{
    struct gnb *g = ctx;
    rt_enter(g->rt);
    if (assoc != g->assoc || g->state == GNB_IDLE)
        return;
    g->downs++;
    g->has_assoc = g->reset_pending = g->update_pending = false;
    if (g->ue_ops && g->ue_ops->release_all)
        g->ue_ops->release_all(g);
    if (g->config.stay_down)
        g->state = GNB_IDLE;
    else
        wait_for(g, g->config.reconnect_us);
}
static int connect_now(struct gnb *g)
{
    struct env *env = g->rt->env;
    struct sctp_local local = {.streams = g->config.streams};
    struct sctp_sink sink = {g, on_up, on_message, on_down};
    g->state = GNB_CONNECTING;
    return env->ops->sctp_connect(env, &local, &g->amf, &sink, &g->assoc);
}
static void wait_over(struct timer *t)
{
    struct gnb *g = CONTAINER(t, struct gnb, timer);
    if ((g->has_assoc ? gnb_setup(g) : connect_now(g)) < 0)
        wait_for(g, g->config.reconnect_us);
}

int gnb_init(struct gnb *g, struct rt *rt, const struct gnb_config *c)
{
    memset(g, 0, sizeof *g);
    bool good = c->id_bits >= 22 && c->id_bits <= 32 && c->n_tas >= 1 && c->n_tas <= GNB_TAS;
    for (uint32_t i = 0; good && i < c->n_tas; i++)
        good = c->tas[i].n_slices >= 1 && c->tas[i].n_slices <= GNB_TA_SLICES;
    if (!good)
        return ERR_CONFIG;
    g->rt = rt;
    g->config = *c;
    g->config.streams = c->streams ? c->streams : 2;
    g->config.reconnect_us = c->reconnect_us ? c->reconnect_us : 1000000;
    g->block = malloc(BLOCK_OCTETS);
    g->out = malloc(GNB_MESSAGE_MAX);
    if (g->block && g->out)
        return OK;
    gnb_free(g);
    return ERR_NOSPACE;
}
void gnb_free(struct gnb *g)
{
    if (g->rt)
        gnb_stop(g);
    free(g->block);
    free(g->out);
    memset(g, 0, sizeof *g);
}
int gnb_start(struct gnb *g, const struct net_addr *amf)
{
    g->amf = *amf;
    int e = connect_now(g);
    if (e < 0)
        g->state = GNB_IDLE;
    return e;
}
void gnb_stop(struct gnb *g)
{
    struct env *env = g->rt->env;
    timer_stop(&g->rt->timers, &g->timer);
    if (g->has_assoc || g->state == GNB_CONNECTING)
        env->ops->sctp_close(env, g->assoc, true);
    g->has_assoc = false;
    g->state = GNB_IDLE;
}
