/* SPDX-License-Identifier: Apache-2.0 */
/* session_establishment.c - TS 29.244 6.3.2, 7.5.2 and 7.5.3. */
#include "nf/upf/state.h"

static struct net_addr cp_address(const struct upf *u, const struct pfcp_in *in,
                                  const struct pfcp_f_seid *f)
{
    struct net_addr a = in->assoc->peer;
    uint8_t family = u->pfcp.config.local.family;
    if (family == 4 && f->flags & PFCP_F_SEID_V4) {
        a = (struct net_addr){.family = 4, .port = PFCP_PORT};
        memcpy(a.ip, f->ipv4, 4);
    } else if (family == 6 && f->flags & PFCP_F_SEID_V6) {
        a = (struct net_addr){.family = 6, .port = PFCP_PORT};
        memcpy(a.ip, f->ipv6, 16);
    }
    if (addr_same_host(&a, &in->assoc->peer))
        a.port = in->assoc->peer.port;
    return a;
}

void refuse_log(struct upf *u, const struct pfcp_in *in, uint8_t cause, uint16_t offending,
                const char *why)
{
    char peer[NET_ADDR_TEXT];
    LOG(u->rt->log, pfcp_refused, "peer=%s message=%s cause=%s offending=%s why=%s",
        addr_text(&in->from, peer), pfcp_name(in->msg->type), pfcp_cause_name(cause),
        offending ? pfcp_ie_name(offending) : "none", why ? why : "");
    metric_add(u->rt->metrics, METRIC_pfcp_bad, 1);
}

/* 7.5.3.1: the cause, what offended, and the rule where one is to blame. */
static void refuse(struct upf *u, const struct pfcp_in *in, const struct upf_draft *d)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_RESPONSE,
                         .seid = in->msg->session_establishment_request.cp_f_seid.seid};
    struct pfcp_session_establishment_response *r = &m.session_establishment_response;
    struct pfcp_failed_rule_id rule = d->rule;
    r->node_id = u->pfcp.config.node_id;
    r->cause = d->cause;
    r->has.offending_ie = d->offending != 0;
    r->offending_ie = d->offending;
    if (d->has_rule && d->cause == PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE) {
        r->failed_rule_id.v = &rule;
        r->failed_rule_id.n = 1;
    }
    pfcp_answer(&u->pfcp, in->answer, &m);
    refuse_log(u, in, d->cause, d->offending, d->why);
}

static struct pfcp_f_teid told_f_teid(const struct config_upf *k, const struct upf_created *c)
{
    struct pfcp_f_teid f = {.teid = c->teid};
    bool told = k->n_n3_advertised > 0;
    for (uint32_t x = 0; x < (told ? k->n_n3_advertised : k->n_n3_addresses); x++) {
        const struct net_addr *at = told ? &k->n3_advertised[x] : &k->n3_addresses[x];
        uint8_t flag = at->family == 4 ? PFCP_F_TEID_V4 : PFCP_F_TEID_V6;
        if (!(c->families & flag))
            continue;
        f.flags |= flag;
        memcpy(at->family == 4 ? f.ipv4 : f.ipv6, at->ip, at->family == 4 ? 4 : 16);
    }
    return f;
}

void created_list(struct upf *u, struct arena *a, const struct upf_created *c, uint32_t n, struct upf_told *to)
{
    *to = (struct upf_told){.pdr = arena_zero(a, n * sizeof *to->pdr), .endpoint = arena_zero(a, n * sizeof *to->endpoint)};
    for (uint32_t i = 0; to->pdr && to->endpoint && i < n; i++) {
        if (c[i].is_endpoint) {
            struct pfcp_created_traffic_endpoint *e = &to->endpoint[to->endpoint_n++];
            e->traffic_endpoint_id = (uint8_t)c[i].pdr_id;
            e->has.local_f_teid = 1;
            e->local_f_teid = told_f_teid(u->config, &c[i]);
            continue;
        }
        struct pfcp_created_pdr *p = &to->pdr[to->pdr_n++];
        p->pdr_id = c[i].pdr_id;
        p->has.local_f_teid = 1;
        p->local_f_teid = told_f_teid(u->config, &c[i]);
    }
}

static bool service_check(struct upf_draft *d, const struct pfcp_session_establishment_request *q)
{
    uint16_t ie = 0;
    if (q->has.pdn_type && q->pdn_type != PFCP_PDN_IPV4 && q->pdn_type != PFCP_PDN_IPV6 &&
        q->pdn_type != PFCP_PDN_IPV4V6 && q->pdn_type != PFCP_PDN_ETHERNET)
        ie = PFCP_IE_pdn_type;
    if (q->create_mar.n)
        ie = PFCP_IE_create_mar;
    if (q->create_srr.n)
        ie = PFCP_IE_create_srr;
    if (q->has.create_bridge_info_for_tsc)
        ie = PFCP_IE_create_bridge_info_for_tsc;
    if (q->has.l2tp_tunnel_information)
        ie = PFCP_IE_l2tp_tunnel_information;
    if (q->has.mbs_session_n4_control_information)
        ie = PFCP_IE_mbs_session_n4_control_information;
    return !ie || draft_refuse(d, PFCP_CAUSE_SERVICE_NOT_SUPPORTED, ie, "not supported");
}

static bool rules_create(struct upf_draft *d, const struct pfcp_session_establishment_request *q)
{
    if (q->has.create_bar && !bar_create(d, &q->create_bar))
        return false;
    for (uint32_t i = 0; i < q->create_traffic_endpoint.n; i++)
        if (!endpoint_create(d, &q->create_traffic_endpoint.v[i]))
            return false;
    for (uint32_t i = 0; i < q->create_far.n; i++)
        if (!far_create(d, &q->create_far.v[i]))
            return false;
    for (uint32_t i = 0; i < q->create_qer.n; i++)
        if (!qer_create(d, &q->create_qer.v[i]))
            return false;
    for (uint32_t i = 0; i < q->create_urr.n; i++)
        if (!urr_create(d, &q->create_urr.v[i]))
            return false;
    for (uint32_t i = 0; i < q->create_pdr.n; i++)
        if (!pdr_create(d, &q->create_pdr.v[i]))
            return false;
    return true;
}

/* ---- a session of before a restart, PFCPSEReq-Flags RESTI (8.2.129, TS 23.527 4.3): its F-TEIDs are those that we gave
 * then, so that its gNB need not be told of others. They name the session's place ---- */
static bool restores(const struct pfcp_session_establishment_request *q)
{
    return q->has.pfcpsereq_flags && q->pfcpsereq_flags & PFCP_SEREQ_RESTI;
}
static uint32_t place_of(const struct upf *u, const struct pfcp_session_establishment_request *q)
{
    const struct pfcp_f_teid *f = NULL;
    for (uint32_t i = 0; !f && i < q->create_pdr.n; i++)
        if (q->create_pdr.v[i].pdi.has.local_f_teid && f_teid_was_ours(u, &q->create_pdr.v[i].pdi.local_f_teid))
            f = &q->create_pdr.v[i].pdi.local_f_teid;
    for (uint32_t i = 0; !f && i < q->create_traffic_endpoint.n; i++)
        if (q->create_traffic_endpoint.v[i].has.local_f_teid && f_teid_was_ours(u, &q->create_traffic_endpoint.v[i].local_f_teid))
            f = &q->create_traffic_endpoint.v[i].local_f_teid;
    return f ? dp_teid_session(u->up->config.sessions_max, f->teid) : UINT32_MAX;
}
/* The session's place, NULL: another one has it, or all are in use. The same session of the same SMF, which it lost, goes. */
static struct upf_session *place_take(struct upf *u, const struct pfcp_in *in)
{
    const struct pfcp_session_establishment_request *q = &in->msg->session_establishment_request;
    uint32_t at = restores(q) ? place_of(u, q) : UINT32_MAX;
    if (at == UINT32_MAX)
        return slab_new(&u->sessions);
    struct upf_session *there = slab_at(&u->sessions, at);
    if (there && !there->going && there->assoc == in->assoc && there->cp_seid == q->cp_f_seid.seid)
        upf_session_end(u, there, true);
    return slab_take(&u->sessions, at);
}

static bool establish(struct upf *u, const struct pfcp_in *in, struct upf_session *s)
{
    const struct pfcp_session_establishment_request *q = &in->msg->session_establishment_request;
    struct upf_draft *d = u->draft;
    s->cp_seid = q->cp_f_seid.seid;
    s->cp = cp_address(u, in, &q->cp_f_seid);
    s->assoc = in->assoc;
    list_init(&s->pending);
    draft_begin(d, u, s);
    if (upf_session_name(u, s) < 0)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, 0, "no memory");
    d->restores = restores(q);
    if (!service_check(d, q))
        return false;
    int i = q->has.apn_dnn ? instance_find(u, q->apn_dnn) : 0;
    d->common.is_ethernet = q->has.pdn_type && q->pdn_type == PFCP_PDN_ETHERNET;
    d->common.instance = (uint16_t)(i < 0 ? 0 : i); /* a rule's Network Instance goes before it */
    if (q->has.user_plane_inactivity_timer)
        d->common.inactivity_s = q->user_plane_inactivity_timer;
    if (q->has.user_id)
        d->common.subject = upf_subject(u, &q->user_id);
    if (!rules_create(d, q))
        return false;
    struct dp_rules *dp = draft_check(d);
    return dp && draft_commit(d, s, dp, 0);
}

static void accept(struct upf *u, const struct pfcp_in *in, const struct upf_session *s)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_RESPONSE, .seid = s->cp_seid};
    struct pfcp_session_establishment_response *r = &m.session_establishment_response;
    struct arena a = arena_over(u->scratch, UPF_SCRATCH);
    struct upf_told told;
    r->node_id = u->pfcp.config.node_id;
    r->cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    r->has.up_f_seid = 1;
    r->up_f_seid = pfcp_f_seid_of(upf_seid(u, s), &u->pfcp.config.local);
    created_list(u, &a, u->draft->created, u->draft->created_n, &told);
    r->created_pdr.v = told.pdr, r->created_pdr.n = told.pdr_n;
    r->created_traffic_endpoint.v = told.endpoint, r->created_traffic_endpoint.n = told.endpoint_n;
    LOAD_TELL(u, s->assoc, r);
    pfcp_answer(&u->pfcp, in->answer, &m);
    metric_set(u->rt->metrics, METRIC_upf_sessions, u->sessions.used - u->going);
    upf_tick_plan(u);
}

void session_establishment(struct upf *u, const struct pfcp_in *in)
{
    struct upf_session *s = place_take(u, in);
    if (!s && restores(&in->msg->session_establishment_request) && u->sessions.used < u->sessions.max) {
        draft_refuse(u->draft, PFCP_CAUSE_SESSION_RESTORATION_FAILURE, PFCP_IE_f_teid, "another session has its tunnel end");
        u->draft->has_rule = false;
        refuse(u, in, u->draft);
        return;
    }
    if (!s) {
        LOG(u->rt->log, upf_session_full, "sessions=%u", u->sessions.max);
        u->draft->has_rule = false;
        draft_refuse(u->draft, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, 0, "as many sessions as configured");
        refuse(u, in, u->draft);
        return;
    }
    if (establish(u, in, s)) {
        accept(u, in, s);
        return;
    }
    upf_session_unname(u, s);
    slab_drop(&u->sessions, s);
    refuse(u, in, u->draft);
}
