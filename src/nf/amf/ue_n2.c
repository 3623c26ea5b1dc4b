/* SPDX-License-Identifier: Apache-2.0 */
/* What N2 brings for phones: TS 38.413 8.3, 8.6, 8.14, and the way of a UE-associated message to its connection. */
#include "nf/amf/ue.h"
#include "base/err.h"
#include "base/log.h"
#include <stdlib.h>

struct row {
    uint16_t msg; /* enum ngap_msg */
    amf_n2_fn *fn;
};
static const struct row *row_of(uint32_t msg)
{
    static const struct row rows[] = {
        {NGAP_MSG_UplinkNASTransport, amf_n2_uplink_nas_transport},
        {NGAP_MSG_NASNonDeliveryIndication, amf_n2_nas_non_delivery},
        {NGAP_MSG_UERadioCapabilityInfoIndication, amf_n2_radio_capability_info},
        {NGAP_MSG_InitialContextSetupResponse, amf_n2_context_setup_response},
        {NGAP_MSG_InitialContextSetupFailure, amf_n2_context_setup_failure},
        {NGAP_MSG_UEContextReleaseRequest, amf_n2_ue_context_release_request},
        {NGAP_MSG_UEContextReleaseComplete, amf_n2_ue_context_release_complete},
        {NGAP_MSG_PDUSessionResourceSetupResponse, amf_n2_session_resource_setup_response},
        {NGAP_MSG_PDUSessionResourceReleaseResponse, amf_n2_session_resource_release_response},
        {NGAP_MSG_PDUSessionResourceModifyResponse, amf_n2_session_resource_modify_response},
        {NGAP_MSG_PDUSessionResourceNotify, amf_n2_session_resource_notify},
        {NGAP_MSG_PDUSessionResourceModifyIndication, amf_n2_session_resource_modify_indication},
        {NGAP_MSG_HandoverRequired, amf_n2_handover_required},
        {NGAP_MSG_HandoverCancel, amf_n2_handover_cancel},
        {NGAP_MSG_UEContextModificationResponse, amf_n2_nothing_to_do},
        {NGAP_MSG_UEContextModificationFailure, amf_n2_nothing_to_do},
        {NGAP_MSG_RRCInactiveTransitionReport, amf_n2_nothing_to_do},
        {NGAP_MSG_SecondaryRATDataUsageReport, amf_n2_nothing_to_do},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].msg == msg)
            return &rows[i];
    return NULL;
}

/* A node that names a UE of another learns no more than that it does not know him (10.6). */
static int find(struct amf *amf, struct amf_gnb *gnb, const struct ngap_pdu *pdu, struct amf_conn **conn)
{
    struct ngap_ue_ids ids = ngap_pdu_ue_ids(pdu->type, pdu->value);
    struct amf_conn *c = ids.has_amf ? amf_conn_by_id(amf, ids.amf) : NULL;
    if (c && c->gnb != gnb) {
        LOG(amf->rt->log, ngap_foreign_ue, "message=%s amf_ue_ngap_id=%llx", ngap_msg_name(pdu->msg),
            (unsigned long long)ids.amf);
        c = NULL;
    }
    if (!c)
        return ERR_NOTFOUND;
    if (!ids.has_ran || c->ran_ue_id != ids.ran)
        return ERR_EXISTS;
    *conn = c;
    return OK;
}
static int on_message(struct amf *amf, struct amf_gnb *gnb, const struct ngap_pdu *pdu,
                      const struct ngap_report *report)
{
    struct amf_n2_rx rx = {amf, gnb, NULL, pdu, report};
    if (pdu->msg == NGAP_MSG_InitialUEMessage)
        return amf_n2_initial_ue_message(&rx);
    if (pdu->msg == NGAP_MSG_PathSwitchRequest)
        return amf_n2_path_switch_request(&rx);
    const struct row *row = row_of(pdu->msg);
    const struct ngap_ue_ids ids = ngap_pdu_ue_ids(pdu->type, pdu->value);
    if (!row && (!ids.has_amf || !ids.has_ran)) /* begins what is not served, or goes the other way */
        return ERR_STATE;
    int e = find(amf, gnb, pdu, &rx.conn);
    if (e < 0)
        return e;
    return row ? row->fn(&rx) : ERR_STATE;
}

/* ---- releases without a word to the node ---- */
static void release_all(struct amf *amf, struct amf_gnb *gnb)
{
    while (!list_empty(&gnb->conns))
        amf_conn_drop(CONTAINER(gnb->conns.next, struct amf_conn, on_gnb));
}
static void release_one(struct amf *amf, struct amf_gnb *gnb,
                        struct ngap_UE_associatedLogicalNG_connectionItem *item)
{
    struct amf_conn *c = item->has.aMF_UE_NGAP_ID ? amf_conn_by_id(amf, item->aMF_UE_NGAP_ID)
                                                  : amf_conn_by_ran(amf, gnb, item->rAN_UE_NGAP_ID);
    if (!c || c->gnb != gnb)
        return;
    item->has.aMF_UE_NGAP_ID = item->has.rAN_UE_NGAP_ID = 1;
    item->aMF_UE_NGAP_ID = amf_conn_id(c);
    item->rAN_UE_NGAP_ID = c->ran_ue_id;
    amf_conn_drop(c);
}
/* The node says that it does not know the connection: then there is none. */
static void on_error(struct amf *amf, struct amf_gnb *gnb, const struct ngap_ErrorIndication *m)
{
    bool unknown = m->has.Cause && m->Cause.sel == NGAP_Cause_radioNetwork &&
                   (m->Cause.radioNetwork == NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID ||
                    m->Cause.radioNetwork == NGAP_CauseRadioNetwork_inconsistent_remote_UE_NGAP_ID);
    struct amf_conn *c = m->has.AMF_UE_NGAP_ID ? amf_conn_by_id(amf, m->AMF_UE_NGAP_ID) : NULL;
    if (c && c->gnb == gnb && unknown)
        amf_conn_drop(c);
}
const struct amf_ue_ops amf_ue_side = {release_all, release_one, on_error, on_message};

/* ---- location ---- */
static uint64_t cell_of(struct bits b)
{
    uint64_t v = 0;
    for (uint32_t i = 0; i < 5 && b.n == 36; i++)
        v = v << 8 | b.p[i];
    return v >> 4;
}
static bool is_at(const struct amf_gnb *gnb, const struct amf_tai *tai)
{
    for (uint32_t i = 0; i < gnb->n_tas; i++)
        if (memcmp(gnb->tas[i].tac, tai->tac, 3) == 0 &&
            memcmp(gnb->amf->config.plmns[gnb->tas[i].plmn].plmn, tai->plmn, 3) == 0)
            return true;
    return false;
}
/* A node speaks for its own tracking areas. What is wrong at once has its cause (registration.c); later it is not
 * believed: a phone cannot be moved to where it is not by whoever carries it. */
void amf_conn_locate(struct amf_conn *c, const struct ngap_UserLocationInformation *l)
{
    struct amf_tai tai;
    if (l->sel != NGAP_UserLocationInformation_userLocationInformationNR)
        return;
    const struct ngap_UserLocationInformationNR *nr = &l->userLocationInformationNR;
    if (nr->tAI.pLMNIdentity.n != 3 || nr->tAI.tAC.n != 3 || nr->nR_CGI.pLMNIdentity.n != 3)
        return;
    memcpy(tai.plmn, nr->tAI.pLMNIdentity.p, 3);
    memcpy(tai.tac, nr->tAI.tAC.p, 3);
    if (c->location.at_us && !is_at(c->gnb, &tai)) {
        LOG(c->amf->rt->log, ngap_foreign_area, "gnb=%s conn=%llx tac=%u", amf_gnb_text(c->gnb),
            (unsigned long long)amf_conn_id(c), be24(tai.tac));
        return;
    }
    c->location.tai = tai;
    memcpy(c->location.cgi_plmn, nr->nR_CGI.pLMNIdentity.p, 3);
    c->location.nr_cell = cell_of(nr->nR_CGI.nRCellIdentity);
    c->location.at_us = c->amf->rt->now_us ? c->amf->rt->now_us : 1;
    if (c->ue)
        c->ue->location = c->location;
}

/* ---- NAS transport, TS 38.413 8.6 ---- */
/* Refused when no connection fits: the node releases what it has. */
static void refuse_overload(const struct amf_n2_rx *rx, uint64_t ran_ue_id)
{
    struct ngap_ue_ids ids = {.has_ran = true, .ran = ran_ue_id};
    amf_error_send(rx->amf, rx->gnb, &ids, amf_cause_misc(NGAP_CauseMisc_control_processing_overload), NULL);
}
int amf_n2_initial_ue_message(const struct amf_n2_rx *rx)
{
    struct amf *amf = rx->amf;
    const struct ngap_InitialUEMessage *m = rx->pdu->value;
    /* The node uses the number anew: what had it before is gone (TS 38.413 8.6.1.4 leaves it to us). */
    struct amf_conn *c = amf_conn_by_ran(amf, rx->gnb, m->RAN_UE_NGAP_ID);
    if (c)
        amf_conn_drop(c);
    c = amf_conn_new(amf, rx->gnb, m->RAN_UE_NGAP_ID);
    if (!c) {
        LOG(amf->rt->log, amf_full, "connections=%u", amf->ues->conns.used);
        refuse_overload(rx, m->RAN_UE_NGAP_ID);
        return OK;
    }
    c->rrc_cause = m->has.RRCEstablishmentCause ? (uint8_t)m->RRCEstablishmentCause
                                                : NGAP_RRCEstablishmentCause_notAvailable;
    c->asked_context = m->has.UEContextRequest;
    amf_conn_locate(c, &m->UserLocationInformation);
    uint64_t id = amf_conn_id(c);
    amf_nas_receive(amf, c, m->NAS_PDU, true);
    c = amf_conn_by_id(amf, id);
    if (!c || c->proc || c->is_releasing)
        return OK;
    if (c->ue)
        amf_conn_idle(c);
    else /* nothing came of it */
        amf_conn_release(c, (struct ngap_Cause){.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_unspecified});
    return OK;
}
int amf_n2_uplink_nas_transport(const struct amf_n2_rx *rx)
{
    const struct ngap_UplinkNASTransport *m = rx->pdu->value;
    if (m->has.UserLocationInformation)
        amf_conn_locate(rx->conn, &m->UserLocationInformation);
    if (rx->conn->is_releasing)
        return OK; /* crossed with the command */
    amf_nas_receive(rx->amf, rx->conn, m->NAS_PDU, false);
    return OK;
}
/* The phone did not get it: the procedure's own timer sends it again, unless the procedure knows better. */
int amf_n2_nas_non_delivery(const struct amf_n2_rx *rx)
{
    const struct ngap_NASNonDeliveryIndication *m = rx->pdu->value;
    if (rx->conn->proc)
        proc_offer_event(rx->conn->proc, AMF_PE_NON_DELIVERY, m->has.Cause ? &m->Cause : NULL);
    return OK;
}

/* ---- UE Radio Capability Info Indication, 8.14.1 ---- */
enum { CAPABILITY_MAX = 32768 }; /* octets; what is longer is not kept */
static void keep(struct amf_blob **blob, struct bytes b)
{
    struct amf_blob *n = b.n <= CAPABILITY_MAX ? malloc(sizeof *n + b.n) : NULL;
    if (!n)
        return; /* it is asked for again when next needed */
    n->n = b.n;
    if (b.n)
        memcpy(n->octet, b.p, b.n);
    free(*blob);
    *blob = n;
}
int amf_n2_radio_capability_info(const struct amf_n2_rx *rx)
{
    const struct ngap_UERadioCapabilityInfoIndication *m = rx->pdu->value;
    struct amf_ue *ue = rx->conn->ue;
    if (!ue)
        return OK;
    if (m->has.UERadioCapability)
        keep(&ue->radio_capability, m->UERadioCapability);
    if (m->has.UERadioCapabilityForPaging && m->UERadioCapabilityForPaging.has.uERadioCapabilityForPagingOfNR)
        keep(&ue->radio_capability_for_paging, m->UERadioCapabilityForPaging.uERadioCapabilityForPagingOfNR);
    return OK;
}
