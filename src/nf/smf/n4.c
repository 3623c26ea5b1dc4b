/* SPDX-License-Identifier: Apache-2.0 */
/* PFCP messages of one session, TS 29.244 7.5; its rules are n4_rules.c's. */
#include "nf/smf/n4_rules.h"
#include "base/err.h"
#include "base/log.h"

enum { MARKING_MASK = 0xfc }; /* TS 29.212 5.3.15 */

int smf_n4_establish(struct pfcp_call *c, struct proc *p, const struct smf_session *s)
{
    struct n4_rules r;
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_REQUEST};
    struct pfcp_session_establishment_request *q = &m.session_establishment_request;
    int err = smf_upf_may_serve(s->upf) ? n4_rules_fill(&r, s) : ERR_STATE;
    if (err)
        return err;
    struct net_addr here = s->smf->n4.config.local;
    q->node_id = s->smf->n4.config.node_id;
    q->cp_f_seid = pfcp_f_seid_of(smf_seid(s), &here);
    q->create_pdr.v = r.pdr, q->create_pdr.n = r.pdr_n;
    q->create_far.v = r.far, q->create_far.n = r.far_n;
    q->create_qer.v = &r.qer, q->create_qer.n = 1;
    q->create_urr.v = &r.urr, q->create_urr.n = 1;
    q->has.pdn_type = q->has.apn_dnn = q->has.s_nssai = 1;
    q->pdn_type = s->pdu_type; /* the numbers are the same, 8.2.79 */
    q->apn_dnn = r.dnn;
    q->s_nssai = (struct pfcp_s_nssai){s->sst, s->has_sd ? be24(s->sd) : 0xffffff};
    if (s->dnn->c->inactivity_s) {
        q->has.user_plane_inactivity_timer = 1;
        q->user_plane_inactivity_timer = s->dnn->c->inactivity_s;
    }
    return pfcp_call(c, p, &s->smf->n4, &s->upf->assoc->peer, &m);
}

static void refused(const struct smf_session *s, const char *what, uint8_t cause, int err)
{
    LOG(s->smf->rt->log, pfcp_refused, "upf=" STR_FMT " request=%s cause=%u why=%s", STR_ARG(s->upf->c->name), what,
        cause, cause ? pfcp_cause_name(cause) : err_text(err));
}
static struct smf_tunnel tunnel_of(const struct pfcp_f_teid *f)
{
    struct smf_tunnel t = {.teid = f->teid};
    t.addr.family = f->flags & PFCP_F_TEID_V4 ? 4 : 6;
    memcpy(t.addr.ip, t.addr.family == 4 ? f->ipv4 : f->ipv6, t.addr.family == 4 ? 4 : 16);
    return t;
}

bool smf_n4_established(struct pfcp_call *c, struct smf_session *s)
{
    const struct pfcp_session_establishment_response *r = c->rsp ? &c->rsp->session_establishment_response : NULL;
    uint8_t cause = r ? r->cause : 0;
    if (r && !smf_upf_is_up(s->upf)) { /* sent before the association was lost, answered after: its session is nobody's */
        s->n4_unknown = true;
        cause = PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION;
    } else if (r && cause == PFCP_CAUSE_REQUEST_ACCEPTED && r->has.up_f_seid) {
        s->up_seid = r->up_f_seid.seid;
        if (!(s->upf->assoc->up_features & PFCP_UP_FEATURE_FTUP)) {
            struct pfcp_f_teid ours = n4_local_f_teid(s);
            s->up = tunnel_of(&ours);
            return true;
        }
        for (uint32_t i = 0; i < r->created_pdr.n; i++) {
            const struct pfcp_created_pdr *p = &r->created_pdr.v[i];
            if (p->pdr_id == N4_PDR_UP && p->has.local_f_teid && p->local_f_teid.flags & 3) {
                s->up = tunnel_of(&p->local_f_teid);
                return true;
            }
        }
    }
    s->n4_unknown |= c->err == ERR_TIMEOUT;
    refused(s, "establishment", cause, c->err);
    return false;
}

int smf_n4_modify(struct pfcp_call *c, struct proc *p, const struct smf_session *s, enum smf_n4_change change,
                  const struct smf_tunnel *an, const struct smf_qos *qos)
{
    struct pfcp_update_far far = {.far_id = N4_FAR_DOWN};
    struct pfcp_update_qer qer = {.qer_id = N4_QER_SESSION};
    struct pfcp_msg m = {.type = PFCP_SESSION_MODIFICATION_REQUEST, .seid = s->up_seid};
    struct pfcp_session_modification_request *q = &m.session_modification_request;
    if (!s->up_seid || !smf_upf_is_up(s->upf))
        return ERR_STATE;
    if (change == SMF_N4_QOS) {
        qer.has.maximum_bitrate = 1;
        qer.maximum_bitrate = (struct pfcp_bitrate){n4_kbps(qos->ambr_ul_bps), n4_kbps(qos->ambr_dl_bps)};
        q->update_qer.v = &qer, q->update_qer.n = 1;
    } else {
        far.has.apply_action = 1;
        far.apply_action = change == SMF_N4_FORWARD ? PFCP_APPLY_ACTION_FORW
                                                    : PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP;
        if (change == SMF_N4_FORWARD) {
            struct pfcp_update_forwarding_parameters *f = &far.update_forwarding_parameters;
            far.has.update_forwarding_parameters = f->has.outer_header_creation = 1;
            f->has.destination_interface = 1;
            f->destination_interface = PFCP_INTERFACE_ACCESS;
            f->outer_header_creation = n4_tunnel_to(an);
            f->has.transport_level_marking = s->dnn->c->dscp != 0;
            f->transport_level_marking = (uint16_t)(s->dnn->c->dscp << 10 | MARKING_MASK);
        }
        q->update_far.v = &far, q->update_far.n = 1;
        if (change == SMF_N4_DROP_BUFFERED) {
            q->has.pfcpsmreq_flags = 1;
            q->pfcpsmreq_flags = PFCP_SMREQ_DROBU;
        }
    }
    return pfcp_call(c, p, &s->smf->n4, &s->upf->assoc->peer, &m);
}

bool smf_n4_modified(const struct pfcp_call *c, struct smf_session *s)
{
    if (c->rsp && c->rsp->session_modification_response.cause == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND) {
        s->up_seid = 0;
        s->pending |= SMF_PENDING_RESTORE;
    }
    return c->rsp && pfcp_is_accepted(c->rsp->session_modification_response.cause);
}

int smf_n4_delete(struct pfcp_call *c, struct proc *p, const struct smf_session *s)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_DELETION_REQUEST, .seid = s->up_seid};
    if (!s->up_seid || !smf_upf_is_up(s->upf))
        return ERR_STATE;
    return pfcp_call(c, p, &s->smf->n4, &s->upf->assoc->peer, &m);
}

bool smf_n4_deleted(const struct pfcp_call *c)
{
    return c->rsp && (pfcp_is_accepted(c->rsp->session_deletion_response.cause) ||
                      c->rsp->session_deletion_response.cause == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
}
