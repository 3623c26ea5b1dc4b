/* SPDX-License-Identifier: Apache-2.0 */
/* PFCP Session Report Request, TS 29.244 7.5.8: what the UPF tells of a session. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"

static void answer(struct smf *smf, const struct pfcp_in *in, uint64_t up_seid)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_REPORT_RESPONSE, .seid = up_seid};
    m.session_report_response.cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    pfcp_answer(&smf->n4, in->answer, &m);
}

static bool names_our_tunnel(const struct smf_session *s, const struct pfcp_session_report_request *q)
{
    for (uint32_t i = 0; i < q->error_indication_report.remote_f_teid.n; i++)
        if (q->error_indication_report.remote_f_teid.v[i].teid == s->an.teid)
            return true;
    return false;
}

/* Which MAC addresses a phone has behind it, 8.2.103: how many is told, who they are is the UPF's to know. */
static void macs_log(const struct smf_session *s, const struct pfcp_session_report_request *q)
{
    uint32_t came = 0, went = 0;
    for (uint32_t i = 0; i < q->usage_report.n; i++) {
        const struct pfcp_usage_report *r = &q->usage_report.v[i];
        if (!r->has.ethernet_traffic_information || s->pdu_type != NAS_PDU_ETHERNET)
            continue;
        const struct pfcp_ethernet_traffic_information *t = &r->ethernet_traffic_information;
        for (uint32_t k = 0; k < t->mac_addresses_detected.n; k++)
            came += t->mac_addresses_detected.v[k].p[0];
        for (uint32_t k = 0; k < t->mac_addresses_removed.n; k++)
            went += t->mac_addresses_removed.v[k].p[0];
    }
    if (came || went)
        LOG(s->smf->rt->log, session_macs, "ue=%s session=%u came=%u went=%u", log_identity(s->smf->rt->log, smf_supi(s)).text,
            s->id, came, went);
}

void smf_report(struct smf *smf, const struct pfcp_in *in)
{
    const struct pfcp_session_report_request *q = &in->msg->session_report_request;
    unsigned leg;
    struct smf_session *s = smf_session_by_seid(smf, in->msg->seid, &leg);
    const struct smf_upf *u = s ? leg == SMF_LEG_UPF ? s->upf : s->anchor ? s->anchor->upf : NULL : NULL;
    if (!u || u->assoc != in->assoc) { /* another UPF's session is as good as none */
        pfcp_refuse(&smf->n4, in->answer, 0, PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, 0);
        return;
    }
    struct ref self = slab_ref(&smf->sessions, s);
    answer(smf, in, leg == SMF_LEG_UPF ? s->up_seid : s->anchor->up_seid);
    if (q->report_type & PFCP_REPORT_TYPE_USAR) {
        smf->usage_reports++; /* for charging, which is not there yet */
        macs_log(s, q);
    }
    if (leg != SMF_LEG_UPF) /* the phone's tunnel and sleep are the classifier's to tell of */
        return;
    if ((q->report_type & PFCP_REPORT_TYPE_ERIR && names_our_tunnel(s, q)) ||
        q->report_type & PFCP_REPORT_TYPE_UPIR) { /* inactive: TS 23.502 4.3.7 */
        smf->tunnels_lost++;
        smf_collide(s, &(struct smf_input){.event = SMF_EV_TUNNEL_LOST});
    }
    if (q->report_type & PFCP_REPORT_TYPE_DLDR && slab_get(&smf->sessions, self)) {
        smf->downlink_data++;
        smf_collide(s, &(struct smf_input){.event = SMF_EV_DATA});
    }
}
