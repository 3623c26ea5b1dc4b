/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - what the packet path tells, and what of it the SMF is told: TS 29.244 6.3.5, 7.5.8 and
 * 7.5.9. */
#include "nf/upf/state.h"
#include <stdlib.h>

/* ---- Session Report Request ---- */
static void answer_take(struct upf *u, struct upf_session *s,
                        const struct pfcp_session_report_response *r)
{
    struct upf_draft *d = u->draft;
    if (r->cause == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND) { /* nobody will ever delete it */
        upf_session_end(u, s, true);
        return;
    }
    bool drop = r->has.pfcpsrrsp_flags && r->pfcpsrrsp_flags & PFCP_SRRSP_DROBU;
    if (!pfcp_is_accepted(r->cause) || (!drop && !r->has.update_bar))
        return;
    draft_begin(d, u, s);
    d->drop_buffered = drop;
    if (r->has.update_bar && !bar_update(d, &r->update_bar))
        return;
    struct dp_rules *dp = draft_check(d);
    if (dp)
        draft_commit(d, s, dp, 0);
}

static void report_done(void *ctx, int err, const struct pfcp_msg *rsp,
                        const struct pfcp_report *report)
{
    struct upf_report *r = ctx;
    struct upf *u = r->upf;
    struct upf_session *s = slab_get(&u->sessions, r->session);
    (void)report, (void)err;
    u->reports_of[r->assoc]--;
    slab_drop(&u->reports, r);
    if (s && !s->going && rsp)
        answer_take(u, s, &rsp->session_report_response);
}

/* One that never answers has half of the room; of the rest each has his part. Nor does an SMF get what another one's session
 * tells: it would take it as of a session of its own. */
static bool may_report(struct upf *u, const struct upf_session *s)
{
    const struct pfcp_assoc *there = pfcp_assoc_find(&u->pfcp, &s->cp);
    uint32_t half = u->reports.max / 2, mine = u->reports_of[slab_index(&u->pfcp.assocs, s->assoc)];
    return s->assoc->is_up && (!there || there == s->assoc) &&
           (u->reports.used < half || mine < half / u->pfcp.assocs.used);
}

static void report_send(struct upf *u, struct upf_session *s, struct pfcp_msg *m, uint64_t type)
{
    struct upf_report *r = may_report(u, s) ? slab_new(&u->reports) : NULL;
    if (!r)
        return;
    *r = (struct upf_report){u, slab_ref(&u->sessions, s), (uint8_t)slab_index(&u->pfcp.assocs, s->assoc)};
    u->reports_of[r->assoc]++;
    m->type = PFCP_SESSION_REPORT_REQUEST;
    m->seid = s->cp_seid;
    m->session_report_request.report_type = type;
    LOAD_TELL(u, s->assoc, &m->session_report_request);
    if (pfcp_request(&u->pfcp, &s->cp, m, report_done, r, NULL) == OK)
        return;
    u->reports_of[r->assoc]--;
    slab_drop(&u->reports, r);
}

/* ---- usage, 7.5.8.3 ---- */
static uint64_t trigger_bits(uint32_t triggers)
{
    static const uint64_t to[] = {PFCP_USAGE_VOLTH, PFCP_USAGE_TIMTH, PFCP_USAGE_VOLQU,
                                  PFCP_USAGE_TIMQU, PFCP_USAGE_PERIO, PFCP_USAGE_START,
                                  PFCP_USAGE_TERMR, PFCP_USAGE_IMMER, PFCP_USAGE_QUHTI,
                                  PFCP_USAGE_QUVTI, PFCP_USAGE_LIUSA, PFCP_USAGE_MACAR}; /* by RULE_USAGE_* */
    uint64_t bits = 0;
    for (unsigned i = 0; i < ARRAY_LEN(to); i++)
        if (triggers >> i & 1)
            bits |= to[i];
    return bits;
}

static struct pfcp_volume_measurement volume_of(const struct rule_usage *g, bool packets)
{
    struct pfcp_volume_measurement v = {.flags = PFCP_VOLUME_TOVOL | PFCP_VOLUME_ULVOL |
                                                 PFCP_VOLUME_DLVOL,
                                        .total = g->ul_octets + g->dl_octets,
                                        .uplink = g->ul_octets,
                                        .downlink = g->dl_octets};
    if (packets) {
        v.flags |= PFCP_VOLUME_TONOP | PFCP_VOLUME_ULNOP | PFCP_VOLUME_DLNOP;
        v.total_packets = g->ul_packets + g->dl_packets;
        v.uplink_packets = g->ul_packets;
        v.downlink_packets = g->dl_packets;
    }
    return v;
}

static void usage_fill(struct upf *u, const struct upf_session *s, const struct dp_event *e,
                       struct pfcp_usage_report *r)
{
    const struct rule_usage *g = &e->usage;
    const struct upf_urr *urr = rules_urr(upf_rules(u, s), e->urr_id);
    /* one that has just been removed: it tells by itself what it measured */
    bool volume = urr ? urr->rule.measure_volume : g->ul_packets + g->dl_packets > 0;
    bool duration = urr ? urr->rule.measure_duration : g->duration_us > 0;
    *r = (struct pfcp_usage_report){.urr_id = e->urr_id,
                                    .ur_seqn = g->sequence,
                                    .usage_report_trigger = trigger_bits(e->triggers)};
    r->has.start_time = r->has.end_time = 1;
    r->start_time = upf_ntp(u, g->start_us ? g->start_us : g->end_us);
    r->end_time = upf_ntp(u, g->end_us);
    r->has.volume_measurement = volume;
    r->volume_measurement = volume_of(g, urr && urr->packets);
    r->has.duration_measurement = duration;
    r->duration_measurement = (uint32_t)((g->duration_us + 500000) / 1000000);
    r->has.time_of_first_packet = g->first_packet_us != 0;
    r->has.time_of_last_packet = g->last_packet_us != 0;
    r->time_of_first_packet = upf_ntp(u, g->first_packet_us);
    r->time_of_last_packet = upf_ntp(u, g->last_packet_us);
}

static bool usage_keep(struct upf *u, const struct upf_session *s, struct upf_pending *p,
                       const struct dp_event *e)
{
    if (p->reports_n == p->reports_cap) {
        uint32_t cap = p->reports_cap ? p->reports_cap * 2 : 2;
        struct pfcp_usage_report *more = realloc(p->report, cap * sizeof *more);
        if (!more)
            return false;
        p->report = more;
        p->reports_cap = cap;
    }
    usage_fill(u, s, e, &p->report[p->reports_n++]);
    return true;
}

static void usage_told(struct upf *u, struct upf_session *s, const struct dp_event *e)
{
    const uint32_t asked = RULE_USAGE_IMMEDIATE | RULE_USAGE_TERMINATION;
    if (e->triggers & asked && !list_empty(&s->pending) &&
        usage_keep(u, s, CONTAINER(s->pending.next, struct upf_pending, link), e))
        return;
    struct pfcp_usage_report report;
    struct upf_macs macs;
    struct pfcp_msg m = {0};
    usage_fill(u, s, e, &report);
    if (e->triggers & RULE_USAGE_MACS)
        macs_fill(&report, &macs, e);
    m.session_report_request.usage_report.v = &report;
    m.session_report_request.usage_report.n = 1;
    report_send(u, s, &m, PFCP_REPORT_TYPE_USAR);
}

/* ---- the other reports ---- */
static void downlink_data(struct upf *u, struct upf_session *s, const struct dp_event *e)
{
    struct pfcp_msg m = {0};
    struct pfcp_session_report_request *q = &m.session_report_request;
    uint16_t pdr_id = e->pdr_id;
    q->has.downlink_data_report = 1;
    q->downlink_data_report.pdr_id.v = &pdr_id;
    q->downlink_data_report.pdr_id.n = 1;
    if (e->qfi) {
        q->downlink_data_report.has.downlink_data_service_information = 1;
        q->downlink_data_report.downlink_data_service_information =
            (struct pfcp_downlink_data_service_information){.flags = PFCP_DOWNLINK_DATA_QFII,
                                                            .qfi = e->qfi};
    }
    report_send(u, s, &m, PFCP_REPORT_TYPE_DLDR);
}

static void error_indicated(struct upf *u, struct upf_session *s, const struct dp_event *e)
{
    struct pfcp_msg m = {0};
    struct pfcp_f_teid remote = {.teid = e->teid,
                                 .flags = e->peer.family == 4 ? PFCP_F_TEID_V4 : PFCP_F_TEID_V6};
    memcpy(e->peer.family == 4 ? remote.ipv4 : remote.ipv6, e->peer.ip, e->peer.family == 4 ? 4 : 16);
    m.session_report_request.has.error_indication_report = 1;
    m.session_report_request.error_indication_report.remote_f_teid.v = &remote;
    m.session_report_request.error_indication_report.remote_f_teid.n = 1;
    report_send(u, s, &m, PFCP_REPORT_TYPE_ERIR);
}

static void inactive(struct upf *u, struct upf_session *s)
{
    struct pfcp_msg m = {0};
    report_send(u, s, &m, PFCP_REPORT_TYPE_UPIR);
}

/* ---- commands that have been carried out ---- */
static void command_done(struct upf *u, struct upf_session *s, const struct dp_event *e)
{
    struct upf_pending *p = e->tag ? slab_at(&u->pendings, e->tag - 1) : NULL;
    bool failed = e->triggers == DP_PUT && e->result < 0;
    if (p && (p->session.i != e->session || p->session.gen != e->gen))
        p = NULL;
    if (failed && p) { /* only for want of memory: all else was checked before */
        pfcp_refuse(&u->pfcp, p->answer, s->cp_seid, PFCP_CAUSE_SYSTEM_FAILURE, 0);
        pending_drop(u, p);
    } else if (p) {
        pending_answer(u, p);
    }
    if (failed) /* the SMF finds out with its next request: the session is not there */
        upf_session_end(u, s, true);
    else if (s->going && list_empty(&s->pending))
        upf_session_end(u, s, false);
}

void upf_event(void *ctx, const struct dp_event *e)
{
    struct upf *u = ctx;
    rt_enter(u->rt);
    if (e->kind == DP_EVENT_ECHO_RESPONSE) {
        path_answered(u, e);
        return;
    }
    struct upf_session *s = slab_get(&u->sessions, (struct ref){e->session, e->gen});
    if (e->kind == DP_EVENT_ABUSE) {
        abuse_told(u, s, e);
        return;
    }
    if (!s)
        return;
    if (e->kind == DP_EVENT_TRACE || e->kind == DP_EVENT_PDR ||
        (e->kind == DP_EVENT_DONE && e->triggers == DP_TRACE)) {
        trace_event(u, e);
        return;
    }
    if (e->kind == DP_EVENT_DONE) {
        command_done(u, s, e);
        return;
    }
    if (e->kind == DP_EVENT_USAGE) {
        usage_told(u, s, e);
        return;
    }
    if (s->going)
        return;
    switch (e->kind) {
    case DP_EVENT_DOWNLINK_DATA: downlink_data(u, s, e); break;
    case DP_EVENT_ERROR_INDICATION: error_indicated(u, s, e); break;
    case DP_EVENT_INACTIVE: inactive(u, s); break;
    case DP_EVENT_ROUTER_SOLICITATION: router_solicited(u, s, e); break;
    default: break; /* activity again, packets for the CP function without a tunnel */
    }
}
