/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - packets of one session shown to a person, with the reason of each decision. What is told
 * is bounded by the number that was asked for; a session that nobody asked for costs a comparison. */
#include "dp/state.h"

void trace_begin(struct dp *dp, struct session *s, const uint8_t *p, uint32_t n)
{
    struct inner in;
    struct dp_trace *t = &dp->trace;
    dp->traced = s;
    dp->traced_pdr = NULL;
    *t = (struct dp_trace){.at_us = dp->now_us, .octets = n};
    if (s->r->is_ethernet) {
        if (frame_read(p, n, &in) != (enum dp_counter)INNER_GOOD)
            return;
        t->is_frame = true;
        t->ethertype = in.ethertype;
        memcpy(t->src, in.src, 6);
        memcpy(t->dst, in.dst, 6);
        return;
    }
    if (inner_read(p, n, &in) != (enum dp_counter)INNER_GOOD)
        return;
    t->is_ip = true;
    t->octets = in.n;
    t->family = in.family;
    t->proto = in.proto;
    t->icmp_type = in.icmp_type;
    t->tos = in.tos;
    t->has_ports = in.has_ports;
    t->is_fragment = in.later_fragment;
    t->src_port = in.src_port;
    t->dst_port = in.dst_port;
    memcpy(t->src, in.src, in.family == 4 ? 4 : 16);
    memcpy(t->dst, in.dst, in.family == 4 ? 4 : 16);
}

static bool is_slow(const struct dp *dp, const struct qer *q, bool ul)
{
    const uint64_t *free_at = q->is_shared[ul] ? q->free_at[ul].shared : &q->free_at[ul].own;
    return q->has_mbr &&
           (!q->mbr_kbit[ul] || xdp_before(xdp_time(dp->now_us * 1000) + XDP_BURST,
                                           __atomic_load_n(free_at, __ATOMIC_RELAXED)));
}

/* Of several rules it is the first that said no. */
static void decider_find(const struct dp *dp, const struct dp_rules *r, const struct pdr *pdr,
                         struct dp_trace *t)
{
    bool ul = pdr->source == RULE_ACCESS;
    for (unsigned i = 0; i < pdr->qer_n && !t->has_rule; i++) {
        const struct qer *q = &r->qer[pdr->qer[i]];
        t->has_rule = (t->fate == DP_gate_closed && q->closed[ul]) || (t->fate == DP_policed && is_slow(dp, q, ul));
        t->rule_id = q->id;
    }
    for (unsigned i = 0; i < pdr->urr_n && t->fate == DP_quota && !t->has_rule; i++) {
        t->has_rule = r->urr[pdr->urr[i]].usage.exhausted;
        t->rule_id = r->urr[pdr->urr[i]].rule.id;
    }
}

static void marks_find(const struct dp_rules *r, const struct pdr *pdr, struct dp_trace *t)
{
    for (unsigned i = 0; i < pdr->qer_n && !t->to_qfi; i++) {
        t->to_qfi = r->qer[pdr->qer[i]].qfi;
        t->reflective = r->qer[pdr->qer[i]].reflective;
    }
}

void trace_end(struct dp *dp, enum dp_counter fate)
{
    struct session *s = dp->traced;
    struct dp_trace *t = &dp->trace;
    const struct pdr *pdr = dp->traced_pdr;
    dp->traced = NULL;
    t->fate = (uint8_t)fate;
    t->is_uplink = t->from.family && (!pdr || pdr->source == RULE_ACCESS);
    if (pdr) {
        const struct far *f = &s->r->far[pdr->far];
        t->has_pdr = true;
        t->pdr_id = pdr->id;
        t->far_id = f->id;
        t->action = f->action;
        t->to = f->peer;
        t->to_teid = f->teid;
        t->instance = f->instance;
        decider_find(dp, s->r, pdr, t);
        marks_find(s->r, pdr, t);
    }
    struct dp_event e = {.kind = DP_EVENT_TRACE, .packet = {(const uint8_t *)t, sizeof *t}};
    out_event(dp, s, &e);
    if (--s->trace_left == 0)
        offload_touched(dp, s, 0);
}

int dp_session_trace(struct dp *dp, uint64_t now_us, uint32_t session, uint32_t gen, uint16_t packets)
{
    dp_clock(dp, now_us);
    struct session *s = session_get(dp, session, gen);
    if (!s)
        return ERR_NOTFOUND;
    enum dp_where at = dp->offload.where ? dp->offload.where(dp->offload.ctx, s) : DP_WHERE_HERE;
    offload_refresh(dp, s, packets > 0);
    for (unsigned i = 0; i < s->r->pdr_n; i++) {
        const struct pdr *p = &s->r->pdr[i];
        struct dp_event e = {.kind = DP_EVENT_PDR,
                             .pdr_id = p->id,
                             .usage = {.ul_packets = p->packets, .ul_octets = p->octets}};
        out_event(dp, s, &e);
    }
    s->trace_left = packets;
    offload_touched(dp, s, 0);
    return (int)at;
}
