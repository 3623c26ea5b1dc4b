/* SPDX-License-Identifier: Apache-2.0 */
/* UE Context Release, TS 23.502 4.2.6, TS 38.413 8.3.2 and 8.3.3. */
#include "nf/amf/ue.h"
#include "base/err.h"

static const uint64_t RELEASE_WAIT_US = 5000000;

static void release_late(struct timer *t) { amf_conn_drop(CONTAINER(t, struct amf_conn, timer)); }

void amf_conn_release(struct amf_conn *c, struct ngap_Cause cause)
{
    if (c->is_releasing)
        return;
    c->is_releasing = true;
    struct ngap_UEContextReleaseCommand m = {.Cause = cause};
    m.has.Cause = m.has.UE_NGAP_IDs = 1;
    m.UE_NGAP_IDs.sel = NGAP_UE_NGAP_IDs_uE_NGAP_ID_pair;
    m.UE_NGAP_IDs.uE_NGAP_ID_pair.aMF_UE_NGAP_ID = amf_conn_id(c);
    m.UE_NGAP_IDs.uE_NGAP_ID_pair.rAN_UE_NGAP_ID = c->ran_ue_id;
    amf_gnb_send(c->amf, c->gnb, NGAP_MSG_UEContextReleaseCommand, &m, c->stream);
    /* A node that confirms nothing does not keep with strangers what is left of connections. */
    uint64_t wait_us = c->ue || !amf_is_crowded(c->amf) ? RELEASE_WAIT_US : 0;
    timer_set(&c->amf->rt->timers, &c->timer, c->amf->rt->now_us + wait_us, release_late);
}
int amf_n2_ue_context_release_complete(const struct amf_n2_rx *rx)
{
    if (rx->conn->is_releasing)
        amf_conn_drop(rx->conn);
    return OK;
}
int amf_n2_ue_context_release_request(const struct amf_n2_rx *rx)
{
    const struct ngap_UEContextReleaseRequest *m = rx->pdu->value;
    struct amf_conn *c = rx->conn;
    if (c->proc)
        proc_abort(c->proc);
    amf_conn_release(c, m->has.Cause ? m->Cause : amf_cause_radio(NGAP_CauseRadioNetwork_unspecified));
    return OK;
}
