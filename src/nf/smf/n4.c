/* SPDX-License-Identifier: Apache-2.0 */
/* PFCP messages of one session, TS 29.244 7.5. A session has two PDRs (uplink from the gNB, downlink by the UE's
 * address), a FAR for each, one QER that polices the session AMBR and marks the default QoS flow, and one URR that
 * counts; TS 23.501 5.8.2.11 says what each is for. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"

enum { PDR_UP = 1, PDR_DOWN = 2, FAR_UP = 1, FAR_DOWN = 2, QER_SESSION = 1, URR_SESSION = 1 };
enum { PRECEDENCE = 255, REPORT_PERIOD_S = 3600 };

static uint64_t kbps(uint64_t bps) { return (bps + 999) / 1000; }

/* The far end of the tunnel, TS 29.244 8.2.56. */
static struct pfcp_outer_header_creation tunnel_to(const struct smf_tunnel *t)
{
    struct pfcp_outer_header_creation o = {.teid = t->teid};
    o.flags = t->addr.family == 6 ? PFCP_OHC_GTPU_IPV6 : PFCP_OHC_GTPU_IPV4;
    if (t->addr.family == 6)
        memcpy(o.ipv6, t->addr.ip, 16);
    else
        memcpy(o.ipv4, t->addr.ip, 4);
    return o;
}
static struct pfcp_ue_ip_address ue_address(const struct smf_session *s, bool destination)
{
    struct pfcp_ue_ip_address a = {.flags = destination ? PFCP_UE_IP_DESTINATION : 0};
    if (s->v4 != POOL_NONE) {
        a.flags |= PFCP_UE_IP_V4;
        smf_ipv4(s, a.ipv4);
    }
    if (s->v6 != POOL_NONE) {
        a.flags |= PFCP_UE_IP_V6;
        smf_ipv6_prefix(s, a.ipv6);
    }
    return a;
}
/* TS 29.244 5.5: the UP function chooses where it can; else we do, at the address that we know it by. */
static struct pfcp_f_teid local_f_teid(const struct smf_session *s)
{
    const struct pfcp_assoc *a = s->upf->assoc;
    struct net_addr host = a->peer;
    if (a->up_features & PFCP_UP_FEATURE_FTUP)
        return (struct pfcp_f_teid){
            .flags = (uint8_t)(PFCP_F_TEID_CH | (host.family == 6 ? PFCP_F_TEID_V6 : PFCP_F_TEID_V4))};
    return pfcp_f_teid_of((uint32_t)(s->smf->rt->shard & 15) << 28 | (slab_index(&s->smf->sessions, s) + 1), &host);
}

/* What the pieces of an establishment point to. */
struct rules {
    struct pfcp_create_pdr pdr[2];
    struct pfcp_create_far far[2];
    struct pfcp_create_qer qer;
    struct pfcp_create_urr urr;
    uint32_t qer_id, urr_id;
    uint8_t qfi, dnn[128];
};

static void pdr_common(struct rules *r, struct pfcp_create_pdr *p, uint16_t id, uint32_t far)
{
    p->pdr_id = id;
    p->precedence = PRECEDENCE;
    p->has.far_id = 1;
    p->far_id = far;
    p->qer_id.v = &r->qer_id, p->qer_id.n = 1;
    p->urr_id.v = &r->urr_id, p->urr_id.n = 1;
}
static void pdr_up(struct rules *r, const struct smf_session *s)
{
    struct pfcp_create_pdr *p = &r->pdr[0];
    pdr_common(r, p, PDR_UP, FAR_UP);
    p->pdi.source_interface = PFCP_INTERFACE_ACCESS;
    p->pdi.has.local_f_teid = p->pdi.has.ue_ip_address = 1;
    p->pdi.local_f_teid = local_f_teid(s);
    p->pdi.ue_ip_address = ue_address(s, false); /* nothing passes that has another source */
    p->pdi.qfi.v = &r->qfi, p->pdi.qfi.n = 1;
    p->has.outer_header_removal = 1;
    p->outer_header_removal.flags =
        p->pdi.local_f_teid.flags & PFCP_F_TEID_V6 ? PFCP_OHR_GTPU_UDP_IPV6 : PFCP_OHR_GTPU_UDP_IPV4;
}
static void pdr_down(struct rules *r, const struct smf_session *s, struct str instance)
{
    struct pfcp_create_pdr *p = &r->pdr[1];
    pdr_common(r, p, PDR_DOWN, FAR_DOWN);
    p->pdi.source_interface = PFCP_INTERFACE_CORE;
    p->pdi.has.network_instance = p->pdi.has.ue_ip_address = 1;
    p->pdi.network_instance = instance;
    p->pdi.ue_ip_address = ue_address(s, true);
}
static void fars(struct rules *r, const struct smf_session *s, struct str instance)
{
    struct pfcp_create_far *up = &r->far[0], *down = &r->far[1];
    up->far_id = FAR_UP;
    up->apply_action = PFCP_APPLY_ACTION_FORW;
    up->has.forwarding_parameters = 1;
    up->forwarding_parameters.destination_interface = PFCP_INTERFACE_CORE;
    up->forwarding_parameters.has.network_instance = 1;
    up->forwarding_parameters.network_instance = instance;
    down->far_id = FAR_DOWN; /* until the gNB's tunnel is known, what comes is kept */
    down->apply_action = PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP;
    if (s->state == SMF_ESTABLISHING) /* the gNB is being asked already */
        down->apply_action = PFCP_APPLY_ACTION_BUFF;
    down->has.forwarding_parameters = 1;
    down->forwarding_parameters.destination_interface = PFCP_INTERFACE_ACCESS;
}
static void qer_and_urr(struct rules *r, const struct smf_session *s)
{
    r->qer.qer_id = QER_SESSION;
    r->qer.gate_status = PFCP_GATE_OPEN;
    r->qer.has.maximum_bitrate = r->qer.has.qfi = 1;
    r->qer.maximum_bitrate = (struct pfcp_bitrate){kbps(s->qos.ambr_ul_bps), kbps(s->qos.ambr_dl_bps)};
    r->qer.qfi = SMF_QFI;
    r->urr.urr_id = URR_SESSION;
    r->urr.measurement_method = PFCP_MEASUREMENT_METHOD_VOLUM;
    r->urr.reporting_triggers = PFCP_TRIGGER_PERIO;
    r->urr.has.measurement_period = 1;
    r->urr.measurement_period = REPORT_PERIOD_S;
}
static int rules_fill(struct rules *r, const struct smf_session *s, struct str *instance)
{
    int n = pfcp_fqdn_put(r->dnn, sizeof r->dnn, s->dnn->c->name);
    if (n < 0)
        return n;
    *instance = (struct str){(const char *)r->dnn, (uint32_t)n};
    r->qer_id = QER_SESSION;
    r->urr_id = URR_SESSION;
    r->qfi = SMF_QFI;
    pdr_up(r, s);
    pdr_down(r, s, *instance);
    fars(r, s, *instance);
    qer_and_urr(r, s);
    return OK;
}

int smf_n4_establish(struct pfcp_call *c, struct proc *p, const struct smf_session *s)
{
    struct rules r = {0};
    struct str instance;
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_REQUEST};
    struct pfcp_session_establishment_request *q = &m.session_establishment_request;
    int err = smf_upf_may_serve(s->upf) ? rules_fill(&r, s, &instance) : ERR_STATE;
    if (err)
        return err;
    struct net_addr here = s->smf->n4.config.local;
    q->node_id = s->smf->n4.config.node_id;
    q->cp_f_seid = pfcp_f_seid_of(smf_seid(s), &here);
    q->create_pdr.v = r.pdr, q->create_pdr.n = 2;
    q->create_far.v = r.far, q->create_far.n = 2;
    q->create_qer.v = &r.qer, q->create_qer.n = 1;
    q->create_urr.v = &r.urr, q->create_urr.n = 1;
    q->has.pdn_type = q->has.apn_dnn = q->has.s_nssai = 1;
    q->pdn_type = s->pdu_type; /* the numbers are the same, 8.2.79 */
    q->apn_dnn = instance;
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
            struct pfcp_f_teid ours = local_f_teid(s);
            s->up = tunnel_of(&ours);
            return true;
        }
        for (uint32_t i = 0; i < r->created_pdr.n; i++) {
            const struct pfcp_created_pdr *p = &r->created_pdr.v[i];
            if (p->pdr_id == PDR_UP && p->has.local_f_teid && p->local_f_teid.flags & 3) {
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
    struct pfcp_update_far far = {.far_id = FAR_DOWN};
    struct pfcp_update_qer qer = {.qer_id = QER_SESSION};
    struct pfcp_msg m = {.type = PFCP_SESSION_MODIFICATION_REQUEST, .seid = s->up_seid};
    struct pfcp_session_modification_request *q = &m.session_modification_request;
    if (!s->up_seid || !smf_upf_is_up(s->upf))
        return ERR_STATE;
    if (change == SMF_N4_QOS) {
        qer.has.maximum_bitrate = 1;
        qer.maximum_bitrate = (struct pfcp_bitrate){kbps(qos->ambr_ul_bps), kbps(qos->ambr_dl_bps)};
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
            f->outer_header_creation = tunnel_to(an);
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
