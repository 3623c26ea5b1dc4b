/* SPDX-License-Identifier: Apache-2.0 */
/* session_modification.c - TS 29.244 6.3.3, 7.5.4 and 7.5.5. Where the answer holds usage, it waits
 * for the packet path. */
#include "nf/upf/state.h"
#include <stdlib.h>

/* ---- requests that wait ---- */
struct upf_pending *pending_new(struct upf *u, struct upf_session *s, const struct pfcp_in *in)
{
    struct upf_pending *p = slab_new(&u->pendings);
    if (!p)
        return NULL;
    p->session = slab_ref(&u->sessions, s);
    p->answer = in->answer;
    p->type = in->msg->type;
    list_append(&s->pending, &p->link);
    return p;
}

void pending_drop(struct upf *u, struct upf_pending *p)
{
    list_remove(&p->link);
    free(p->created);
    free(p->report);
    slab_drop(&u->pendings, p);
}

uint32_t pending_tag(const struct upf *u, const struct upf_pending *p)
{
    return slab_index(&u->pendings, p) + 1;
}

static void modification_fill(struct upf *u, struct arena *a, const struct upf_created *created,
                              uint32_t created_n, const struct upf_pending *p, struct pfcp_msg *m)
{
    struct pfcp_session_modification_response *r = &m->session_modification_response;
    m->type = PFCP_SESSION_MODIFICATION_RESPONSE;
    r->cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    struct upf_told told;
    created_list(u, a, created, created_n, &told);
    r->created_pdr.v = told.pdr, r->created_pdr.n = told.pdr_n;
    r->created_updated_traffic_endpoint.v = told.endpoint, r->created_updated_traffic_endpoint.n = told.endpoint_n;
    if (!p)
        return;
    r->usage_report.v = p->report;
    r->usage_report.n = p->reports_n;
}

void pending_answer(struct upf *u, struct upf_pending *p)
{
    struct upf_session *s = slab_get(&u->sessions, p->session);
    struct arena a = arena_over(u->scratch, UPF_SCRATCH);
    struct pfcp_msg m = {.seid = s ? s->cp_seid : 0};
    if (p->type == PFCP_SESSION_MODIFICATION_REQUEST) {
        modification_fill(u, &a, p->created, p->created_n, p, &m);
        LOAD_TELL(u, s ? s->assoc : NULL, &m.session_modification_response);
    } else {
        m.type = PFCP_SESSION_DELETION_RESPONSE;
        m.session_deletion_response.cause = PFCP_CAUSE_REQUEST_ACCEPTED;
        m.session_deletion_response.usage_report.v = p->report;
        m.session_deletion_response.usage_report.n = p->reports_n;
        LOAD_TELL(u, s ? s->assoc : NULL, &m.session_deletion_response);
    }
    pfcp_answer(&u->pfcp, p->answer, &m);
    pending_drop(u, p);
}

/* ---- the request ---- */
static void refuse(struct upf *u, const struct pfcp_in *in, uint64_t cp_seid,
                   const struct upf_draft *d)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_MODIFICATION_RESPONSE, .seid = cp_seid};
    struct pfcp_session_modification_response *r = &m.session_modification_response;
    struct pfcp_failed_rule_id rule = d->rule;
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

static bool service_check(struct upf_draft *d, const struct pfcp_session_modification_request *q)
{
    uint16_t ie = 0;
    if (q->create_mar.n || q->update_mar.n || q->remove_mar.n)
        ie = PFCP_IE_create_mar;
    if (q->create_srr.n || q->update_srr.n || q->remove_srr.n)
        ie = PFCP_IE_create_srr;
    if (q->has.ethernet_context_information)
        ie = PFCP_IE_ethernet_context_information;
    if (q->query_packet_rate_status.n)
        ie = PFCP_IE_query_packet_rate_status;
    if (q->has.mbs_session_n4_control_information)
        ie = PFCP_IE_mbs_session_n4_control_information;
    return !ie || draft_refuse(d, PFCP_CAUSE_SERVICE_NOT_SUPPORTED, ie, "not supported");
}

#define ALL(list, call)                                                                            \
    for (uint32_t i = 0; i < q->list.n; i++)                                                       \
        if (!(call))                                                                               \
    return false
/* Removed first, so that what takes their place has room; FARs find their BAR, PDRs all the others. */
static bool rules_change(struct upf_draft *d, const struct pfcp_session_modification_request *q)
{
    ALL(remove_pdr, pdr_remove(d, q->remove_pdr.v[i].pdr_id));
    ALL(remove_far, far_remove(d, q->remove_far.v[i].far_id));
    ALL(remove_qer, qer_remove(d, q->remove_qer.v[i].qer_id));
    ALL(remove_urr, urr_remove(d, q->remove_urr.v[i].urr_id));
    ALL(remove_traffic_endpoint, endpoint_remove(d, q->remove_traffic_endpoint.v[i].traffic_endpoint_id));
    if (q->has.remove_bar && !bar_remove(d, q->remove_bar.bar_id))
        return false;
    if (q->has.create_bar && !bar_create(d, &q->create_bar))
        return false;
    if (q->has.update_bar && !bar_update(d, &q->update_bar))
        return false;
    ALL(create_traffic_endpoint, endpoint_create(d, &q->create_traffic_endpoint.v[i]));
    ALL(create_far, far_create(d, &q->create_far.v[i]));
    ALL(create_qer, qer_create(d, &q->create_qer.v[i]));
    ALL(create_urr, urr_create(d, &q->create_urr.v[i]));
    ALL(update_far, far_update(d, &q->update_far.v[i]));
    ALL(update_qer, qer_update(d, &q->update_qer.v[i]));
    ALL(update_urr, urr_update(d, &q->update_urr.v[i]));
    ALL(create_pdr, pdr_create(d, &q->create_pdr.v[i]));
    ALL(update_pdr, pdr_update(d, &q->update_pdr.v[i]));
    ALL(update_traffic_endpoint, endpoint_update(d, &q->update_traffic_endpoint.v[i]));
    if (q->has.user_plane_inactivity_timer)
        d->common.inactivity_s = q->user_plane_inactivity_timer;
    d->drop_buffered = q->has.pfcpsmreq_flags && q->pfcpsmreq_flags & PFCP_SMREQ_DROBU;
    return true;
}

static bool changes_rules(const struct pfcp_session_modification_request *q)
{
    return q->remove_pdr.n || q->remove_far.n || q->remove_urr.n || q->remove_qer.n ||
           q->create_pdr.n || q->create_far.n || q->create_urr.n || q->create_qer.n ||
           q->update_pdr.n || q->update_far.n || q->update_urr.n || q->update_qer.n ||
           q->create_traffic_endpoint.n || q->update_traffic_endpoint.n || q->remove_traffic_endpoint.n ||
           q->has.remove_bar || q->has.create_bar || q->has.update_bar ||
           q->has.user_plane_inactivity_timer ||
           (q->has.pfcpsmreq_flags && q->pfcpsmreq_flags & PFCP_SMREQ_DROBU);
}

static bool queries_all(const struct pfcp_session_modification_request *q)
{
    return q->has.pfcpsmreq_flags && q->pfcpsmreq_flags & PFCP_SMREQ_QAURR;
}

static bool queries_check(struct upf_draft *d, const struct pfcp_session_modification_request *q,
                          const struct upf_rules *rules)
{
    for (uint32_t i = 0; i < q->query_urr.n; i++)
        if (!rules_urr(rules, q->query_urr.v[i].urr_id)) {
            draft_rule(d, PFCP_FAILED_RULE_URR, q->query_urr.v[i].urr_id);
            return draft_refuse(d, PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE, PFCP_IE_urr_id,
                                "no such URR");
        }
    return true;
}

/* Asked for before the rules change; the tag is on the last one where nothing else follows. */
static bool queries_send(struct upf *u, const struct upf_rules *rules,
                         const struct pfcp_session_modification_request *q, struct ref at,
                         uint32_t tag)
{
    bool all = queries_all(q);
    uint32_t n = all ? rules->urr_n : q->query_urr.n;
    for (uint32_t i = 0; i < n; i++) {
        struct dp_command c = {.kind = DP_USAGE,
                               .session = at.i,
                               .gen = at.gen,
                               .urr_id = all ? rules->urr[i].rule.id : q->query_urr.v[i].urr_id,
                               .tag = i + 1 == n ? tag : 0};
        if (user_plane_command(u->up, &c) < 0)
            return false;
    }
    return true;
}

static struct upf_pending *waiting(struct upf *u, struct upf_session *s, const struct pfcp_in *in)
{
    struct upf_pending *p = pending_new(u, s, in);
    const struct upf_draft *d = u->draft;
    if (!p || !d->created_n)
        return p;
    p->created = malloc(d->created_n * sizeof *p->created);
    if (!p->created) {
        pending_drop(u, p);
        return NULL;
    }
    memcpy(p->created, d->created, d->created_n * sizeof *p->created);
    p->created_n = d->created_n;
    return p;
}

static bool modify(struct upf *u, const struct pfcp_in *in, struct upf_session *s,
                   struct upf_pending **waits)
{
    const struct pfcp_session_modification_request *q = &in->msg->session_modification_request;
    struct upf_draft *d = u->draft;
    struct ref at = slab_ref(&u->sessions, s);
    const struct upf_rules *rules = upf_rules(u, s);
    bool changes = changes_rules(q), asks = q->query_urr.n || (queries_all(q) && rules->urr_n);
    struct dp_rules *dp = NULL;
    draft_begin(d, u, s);
    if (!service_check(d, q) || !queries_check(d, q, rules) || !rules_change(d, q))
        return false;
    if (changes && !(dp = draft_check(d)))
        return false;
    if (asks || d->removed_n)
        *waits = waiting(u, s, in);
    bool room = *waits || !(asks || d->removed_n);
    uint32_t tag = *waits ? pending_tag(u, *waits) : 0;
    if (!room || (asks && !queries_send(u, rules, q, at, changes ? 0 : tag))) {
        dp_rules_free(dp);
        d->has_rule = false;
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, 0, "no room");
    }
    return !changes || draft_commit(d, s, dp, tag);
}

void session_modification(struct upf *u, const struct pfcp_in *in)
{
    const struct pfcp_session_modification_request *q = &in->msg->session_modification_request;
    struct upf_session *s = upf_session_of_seid(u, in->msg->seid);
    struct upf_pending *waits = NULL;
    if (!s || s->going || s->assoc != in->assoc) {
        pfcp_refuse(&u->pfcp, in->answer, 0, PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, 0);
        refuse_log(u, in, PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, 0, "no session has this SEID");
        return;
    }
    if (!modify(u, in, s, &waits)) {
        if (waits)
            pending_drop(u, waits);
        refuse(u, in, s->cp_seid, u->draft);
        return;
    }
    if (q->has.cp_f_seid) {
        upf_session_unname(u, s);
        s->cp_seid = q->cp_f_seid.seid;
        upf_session_name(u, s);
    }
    if (waits)
        return;
    struct arena a = arena_over(u->scratch, UPF_SCRATCH);
    struct pfcp_msg m = {.seid = s->cp_seid};
    modification_fill(u, &a, u->draft->created, u->draft->created_n, NULL, &m);
    LOAD_TELL(u, s->assoc, &m.session_modification_response);
    pfcp_answer(&u->pfcp, in->answer, &m);
}
