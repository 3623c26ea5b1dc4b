/* SPDX-License-Identifier: Apache-2.0 */
/* PFCP messages of one session, TS 29.244 7.5; its rules are n4_rules.c's. */
#include "nf/smf/n4_rules.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/warrant.h"

enum { MARKING_MASK = 0xfc }; /* TS 29.212 5.3.15 */

static int establish(struct pfcp_call *c, struct proc *p, struct smf_session *s, const struct smf_upf *u, unsigned leg)
{
    struct n4_rules r;
    uint8_t imsi[8];
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_REQUEST};
    struct pfcp_session_establishment_request *q = &m.session_establishment_request;
    if (leg == SMF_LEG_UPF) { /* a UPF is told who a phone is only where a warrant names him, for the day when it begins */
        s->is_named = warrant_names(s->smf->rt, smf_supi(s)) && warrant_user_id(smf_supi(s), imsi, &q->user_id);
        q->has.user_id = s->is_named;
    }
    int err = smf_upf_may_serve(u) ? n4_rules_fill(&r, s, leg) : ERR_STATE;
    if (err)
        return err;
    struct net_addr here = s->smf->n4.config.local;
    q->node_id = s->smf->n4.config.node_id;
    q->cp_f_seid = pfcp_f_seid_of(smf_seid(s, leg), &here);
    q->create_pdr.v = r.pdr, q->create_pdr.n = r.pdr_n;
    q->create_far.v = r.far, q->create_far.n = r.far_n;
    q->create_qer.v = &r.qer, q->create_qer.n = 1;
    q->create_urr.v = r.urr, q->create_urr.n = r.urr_n;
    q->has.pdn_type = q->has.apn_dnn = q->has.s_nssai = 1;
    q->pdn_type = s->pdu_type; /* the numbers are the same, 8.2.79 */
    q->apn_dnn = r.dnn;
    q->s_nssai = (struct pfcp_s_nssai){s->sst, s->has_sd ? be24(s->sd) : 0xffffff};
    if (s->dnn->c->inactivity_s && leg == SMF_LEG_UPF) {
        q->has.user_plane_inactivity_timer = 1;
        q->user_plane_inactivity_timer = s->dnn->c->inactivity_s;
    }
    return pfcp_call(c, p, &s->smf->n4, &u->assoc->peer, &m);
}
int smf_n4_establish(struct pfcp_call *c, struct proc *p, struct smf_session *s)
{
    return establish(c, p, s, s->upf, SMF_LEG_UPF);
}
int smf_n4_anchor_establish(struct pfcp_call *c, struct proc *p, struct smf_session *s)
{
    return establish(c, p, s, s->anchor->upf, SMF_LEG_ANCHOR);
}

static void refused(const struct smf_session *s, const struct smf_upf *u, const char *what, uint8_t cause, int err)
{
    LOG(s->smf->rt->log, pfcp_refused, "upf=" STR_FMT " request=%s cause=%u why=%s", STR_ARG(u->c->name), what,
        cause, cause ? pfcp_cause_name(cause) : err_text(err));
}
static struct smf_tunnel tunnel_of(const struct pfcp_f_teid *f)
{
    struct smf_tunnel t = {.teid = f->teid};
    t.addr.family = f->flags & PFCP_F_TEID_V4 ? 4 : 6;
    memcpy(t.addr.ip, t.addr.family == 4 ? f->ipv4 : f->ipv6, t.addr.family == 4 ? 4 : 16);
    return t;
}

static bool tunnel_find(const struct pfcp_session_establishment_response *r, uint16_t pdr, struct smf_tunnel *to)
{
    for (uint32_t i = 0; i < r->created_pdr.n; i++) {
        const struct pfcp_created_pdr *p = &r->created_pdr.v[i];
        if (p->pdr_id != pdr || !p->has.local_f_teid || !(p->local_f_teid.flags & 3))
            continue;
        *to = tunnel_of(&p->local_f_teid);
        return true;
    }
    return false;
}
/* What the UPF gave: its SEID, and the end of the uplink tunnel. */
static bool established(struct pfcp_call *c, const struct smf_session *s, const struct smf_upf *u, uint64_t *up_seid,
                        struct smf_tunnel *up, bool *is_unknown)
{
    const struct pfcp_session_establishment_response *r = c->rsp ? &c->rsp->session_establishment_response : NULL;
    uint8_t cause = r ? r->cause : 0;
    if (r && !smf_upf_is_up(u)) { /* sent before the association was lost, answered after: its session is nobody's */
        *is_unknown = true;
        cause = PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION;
    } else if (r && cause == PFCP_CAUSE_REQUEST_ACCEPTED && r->has.up_f_seid) {
        *up_seid = r->up_f_seid.seid;
        if (!(u->assoc->up_features & PFCP_UP_FEATURE_FTUP)) {
            struct pfcp_f_teid ours = n4_local_f_teid(s, u);
            *up = tunnel_of(&ours);
            return true;
        }
        if (tunnel_find(r, N4_PDR_UP, up))
            return true;
    }
    *is_unknown |= c->err == ERR_TIMEOUT;
    refused(s, u, "establishment", cause, c->err);
    return false;
}
bool smf_n4_established(struct pfcp_call *c, struct smf_session *s)
{
    bool done = established(c, s, s->upf, &s->up_seid, &s->up, &s->n4_unknown);
    return done && (!s->anchor || tunnel_find(&c->rsp->session_establishment_response, N4_PDR_DOWN_N9, &s->anchor->n9));
}
bool smf_n4_anchor_established(struct pfcp_call *c, struct smf_session *s)
{
    struct smf_anchor *a = s->anchor;
    return established(c, s, a->upf, &a->up_seid, &a->up, &a->n4_unknown);
}

/* Where the session's UPF knows whose it is: each FAR copies if a warrant is in force today, and does not if none is. */
static uint32_t copies_change(const struct smf_session *s, struct pfcp_update_far far[N4_FARS], struct pfcp_update_duplicating_parameters *to)
{
    uint32_t n = 1;
    if (!s->is_named)
        return n;
    bool lan = smf_dnn_is_lan(s->dnn);
    if (!lan || s->dnn->c->lan_outside)
        far[n++].far_id = N4_FAR_UP;
    if (lan || s->anchor)
        far[n++].far_id = s->anchor ? N4_FAR_LOCAL : N4_FAR_LAN;
    to->has.destination_interface = to->has.outer_header_creation = 1;
    to->destination_interface = PFCP_INTERFACE_LI_FUNCTION;
    bool copied = n4_copy_to(s, &to->outer_header_creation);
    for (uint32_t i = 0; i < n; i++) {
        far[i].has.apply_action = 1;
        far[i].apply_action |= (i ? PFCP_APPLY_ACTION_FORW : 0) | (copied ? PFCP_APPLY_ACTION_DUPL : 0);
        far[i].update_duplicating_parameters.v = to;
        far[i].update_duplicating_parameters.n = copied;
    }
    return n;
}

static int modify(struct pfcp_call *c, struct proc *p, const struct smf_session *s, const struct smf_upf *u,
                  uint64_t up_seid, enum smf_n4_change change, const struct smf_tunnel *an, const struct smf_qos *qos)
{
    struct pfcp_update_far far[N4_FARS] = {{.far_id = N4_FAR_DOWN}};
    struct pfcp_update_duplicating_parameters copy = {0};
    struct pfcp_update_qer qer = {.qer_id = N4_QER_SESSION};
    struct pfcp_msg m = {.type = PFCP_SESSION_MODIFICATION_REQUEST, .seid = up_seid};
    struct pfcp_session_modification_request *q = &m.session_modification_request;
    if (!up_seid || !smf_upf_is_up(u))
        return ERR_STATE;
    if (change == SMF_N4_QOS) {
        qer.has.maximum_bitrate = 1;
        qer.maximum_bitrate = (struct pfcp_bitrate){n4_kbps(qos->ambr_ul_bps), n4_kbps(qos->ambr_dl_bps)};
        q->update_qer.v = &qer, q->update_qer.n = 1;
    } else {
        far->has.apply_action = 1;
        far->apply_action = change == SMF_N4_FORWARD ? PFCP_APPLY_ACTION_FORW
                                                    : PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP;
        if (change == SMF_N4_FORWARD) {
            struct pfcp_update_forwarding_parameters *f = &far->update_forwarding_parameters;
            far->has.update_forwarding_parameters = f->has.outer_header_creation = 1;
            f->has.destination_interface = 1;
            f->destination_interface = PFCP_INTERFACE_ACCESS;
            f->outer_header_creation = n4_tunnel_to(an);
            f->has.transport_level_marking = s->dnn->c->dscp != 0;
            f->transport_level_marking = (uint16_t)(s->dnn->c->dscp << 10 | MARKING_MASK);
        }
        q->update_far.v = far;
        q->update_far.n = u == s->upf && up_seid == s->up_seid ? copies_change(s, far, &copy) : 1;
        if (change == SMF_N4_DROP_BUFFERED) {
            q->has.pfcpsmreq_flags = 1;
            q->pfcpsmreq_flags = PFCP_SMREQ_DROBU;
        }
    }
    return pfcp_call(c, p, &s->smf->n4, &u->assoc->peer, &m);
}

int smf_n4_modify(struct pfcp_call *c, struct proc *p, const struct smf_session *s, enum smf_n4_change change,
                  const struct smf_tunnel *an, const struct smf_qos *qos)
{
    return modify(c, p, s, s->upf, s->up_seid, change, an, qos);
}
int smf_n4_anchor_modify(struct pfcp_call *c, struct proc *p, const struct smf_session *s, enum smf_n4_change change,
                         const struct smf_qos *qos)
{
    return modify(c, p, s, s->anchor->upf, s->anchor->up_seid, change, &s->anchor->n9, qos);
}
bool smf_n4_anchor_modified(const struct pfcp_call *c, struct smf_session *s)
{
    if (c->rsp && c->rsp->session_modification_response.cause == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND) {
        s->anchor->up_seid = 0;
        s->pending |= SMF_PENDING_RESTORE;
    }
    return c->rsp && pfcp_is_accepted(c->rsp->session_modification_response.cause);
}

bool smf_n4_modified(const struct pfcp_call *c, struct smf_session *s)
{
    if (c->rsp && c->rsp->session_modification_response.cause == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND) {
        s->up_seid = 0;
        s->pending |= SMF_PENDING_RESTORE;
    }
    return c->rsp && pfcp_is_accepted(c->rsp->session_modification_response.cause);
}

bool smf_n4_again(struct pfcp_call *c, struct smf_session *s)
{
    struct pfcp_outer_header_creation to;
    uint8_t cause = !c->rsp ? 0 : c->rsp->type == PFCP_SESSION_ESTABLISHMENT_RESPONSE ? c->rsp->session_establishment_response.cause
                                                                                     : c->rsp->session_modification_response.cause;
    if (!cause || pfcp_is_accepted(cause) || cause == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND ||
        cause == PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION || !n4_copy_to(s, &to))
        return false;
    refused(s, s->upf, "copies", cause, OK);
    s->copies_refused = true;
    pfcp_call_drop(c);
    return true;
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
