/* SPDX-License-Identifier: Apache-2.0 */
/* meter.c - QoS rules (gate, maximum bit rate) and usage rules (volume, duration, thresholds,
 * quota). */
#include "dp/state.h"

bool gate_open(const struct dp_rules *r, const struct pdr *pdr, bool ul)
{
    for (unsigned i = 0; i < pdr->qer_n; i++)
        if (r->qer[pdr->qer[i]].closed[ul])
            return false;
    return true;
}

static uint64_t free_at_add(uint64_t *free_at, uint64_t now, uint64_t cost)
{
    uint64_t was = __atomic_load_n(free_at, __ATOMIC_RELAXED), from;
    do {
        from = xdp_before(was, now) ? now : was;
    } while (!__atomic_compare_exchange_n(free_at, &was, from + cost, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return from;
}

/* Takes the packet's time from every rule or from none. */
bool police(struct dp *dp, struct dp_rules *r, const struct pdr *pdr, bool ul, uint32_t n)
{
    uint64_t now = xdp_time(dp->now_us * 1000);
    for (unsigned i = 0; i < pdr->qer_n; i++) {
        struct qer *q = &r->qer[pdr->qer[i]];
        const uint64_t *free_at = qer_free_at(q, ul);
        if (q->has_mbr && (!q->mbr_kbit[ul] ||
                           xdp_before(now + XDP_BURST, __atomic_load_n(free_at, __ATOMIC_RELAXED))))
            return false;
    }
    for (unsigned i = 0; i < pdr->qer_n; i++) {
        struct qer *q = &r->qer[pdr->qer[i]];
        if (q->has_mbr)
            free_at_add(qer_free_at(q, ul), now,
                        xdp_cost(n, xdp_unit(q->mbr_kbit[ul])));
    }
    return true;
}

bool quota_left(const struct dp_rules *r, const struct pdr *pdr)
{
    for (unsigned i = 0; i < pdr->urr_n; i++)
        if (r->urr[pdr->urr[i]].usage.exhausted)
            return false;
    return true;
}

static bool volume_reached(const struct rule_volume *limit, uint64_t ul, uint64_t dl)
{
    return (limit->total && ul + dl >= limit->total) || (limit->ul && ul >= limit->ul) ||
           (limit->dl && dl >= limit->dl);
}

void usage_start(struct dp *dp, struct urr *u)
{
    struct urr_more *m = u->more;
    u->usage.start_us = dp->now_us ? dp->now_us : 1;
    if (!m)
        return;
    m->last_us = u->usage.start_us;
    if (!m->start_us)
        m->start_us = u->usage.start_us;
}

static void pdr_count(struct session *s, const struct pdr *pdr, uint64_t octets, uint64_t packets)
{
    struct pdr *own = &s->r->pdr[pdr - s->r->pdr];
    own->octets += octets;
    own->packets += packets;
}

/* Whether this packet uses it up. */
static bool quota_count(struct urr *u, bool ul, uint32_t n, uint64_t now)
{
    struct urr_more *m = u->more;
    if (!m)
        return false;
    m->used[ul] += n;
    m->last_us = now;
    if (u->usage.exhausted || !volume_reached(&m->quota, m->used[1], m->used[0]))
        return false;
    u->usage.exhausted = true;
    return true;
}

void usage_count(struct dp *dp, struct session *s, const struct pdr *pdr, bool ul, uint32_t n)
{
    pdr_count(s, pdr, n, 1);
    for (unsigned i = 0; i < pdr->urr_n; i++) {
        struct urr *u = &s->r->urr[pdr->urr[i]];
        uint64_t now = dp->now_us ? dp->now_us : 1;
        uint32_t triggers = 0;
        if (!u->usage.start_us) {
            usage_start(dp, u);
            timer_arm(dp, s);
        }
        if (!u->usage.first_packet_us) {
            u->usage.first_packet_us = now;
            if (u->rule.report_start && !u->usage.sequence)
                triggers |= RULE_USAGE_START;
        }
        u->usage.last_packet_us = now;
        *(ul ? &u->usage.ul_octets : &u->usage.dl_octets) += n;
        *(ul ? &u->usage.ul_packets : &u->usage.dl_packets) += 1;
        if (volume_reached(&u->rule.threshold, u->usage.ul_octets, u->usage.dl_octets))
            triggers |= RULE_USAGE_VOLUME_THRESHOLD;
        if (quota_count(u, ul, n, now))
            triggers |= RULE_USAGE_VOLUME_QUOTA;
        if (triggers)
            usage_report(dp, s, u, triggers);
    }
}

/* What was counted elsewhere; no limit was reached by it. */
void usage_add(struct dp *dp, struct session *s, const struct pdr *pdr, uint64_t octets,
               uint64_t packets, uint64_t last_us)
{
    bool ul = pdr->source == RULE_ACCESS;
    pdr_count(s, pdr, octets, packets);
    for (unsigned i = 0; i < pdr->urr_n; i++) {
        struct urr *u = &s->r->urr[pdr->urr[i]];
        if (!u->usage.start_us)
            usage_start(dp, u);
        if (!u->usage.first_packet_us)
            u->usage.first_packet_us = last_us;
        if (last_us > u->usage.last_packet_us)
            u->usage.last_packet_us = last_us;
        *(ul ? &u->usage.ul_octets : &u->usage.dl_octets) += octets;
        *(ul ? &u->usage.ul_packets : &u->usage.dl_packets) += packets;
        if (!u->more)
            continue;
        u->more->used[ul] += octets;
        if (last_us > u->more->last_us)
            u->more->last_us = last_us;
    }
}

void usage_take(struct dp *dp, struct urr *u, struct rule_usage *to)
{
    const struct counted *c = &u->usage;
    *to = (struct rule_usage){.ul_octets = c->ul_octets, .dl_octets = c->dl_octets, .ul_packets = c->ul_packets,
                              .dl_packets = c->dl_packets, .start_us = c->start_us, .first_packet_us = c->first_packet_us,
                              .last_packet_us = c->last_packet_us, .sequence = c->sequence};
    to->end_us = dp->now_us ? dp->now_us : 1;
    to->duration_us = u->usage.start_us ? to->end_us - u->usage.start_us : 0;
    if (!u->rule.measure_volume)
        to->ul_octets = to->dl_octets = to->ul_packets = to->dl_packets = 0;
    if (!u->rule.measure_duration)
        to->duration_us = 0;
    u->usage = (struct counted){.sequence = to->sequence + 1, .exhausted = c->exhausted,
                                   .start_us = u->usage.start_us ? to->end_us : 0};
}

void usage_tell_with(struct dp *dp, struct session *s, struct urr *u, uint32_t triggers, struct bytes packet)
{
    struct dp_event e = {.kind = DP_EVENT_USAGE, .urr_id = u->rule.id, .triggers = triggers, .packet = packet};
    usage_take(dp, u, &e.usage);
    out_event(dp, s, &e);
}
void usage_tell(struct dp *dp, struct session *s, struct urr *u, uint32_t triggers)
{
    usage_tell_with(dp, s, u, triggers, (struct bytes){NULL, 0});
}

static bool is_linked(const struct urr *u, uint32_t to)
{
    for (unsigned i = 0; u->more && i < u->more->linked_n; i++)
        if (u->more->linked[i] == to)
            return true;
    return false;
}

/* And of those that are linked to it, TS 29.244 5.2.2.4; not of those linked to them. */
void usage_report(struct dp *dp, struct session *s, struct urr *u, uint32_t triggers)
{
    usage_tell(dp, s, u, triggers);
    for (unsigned i = 0; i < s->r->urr_n; i++)
        if (&s->r->urr[i] != u && is_linked(&s->r->urr[i], u->rule.id))
            usage_tell(dp, s, &s->r->urr[i], RULE_USAGE_LINKED);
}

void usage_leave(struct dp *dp, struct session *s, struct urr *u)
{
    if (u->usage.ul_packets || u->usage.dl_packets)
        usage_tell(dp, s, u, RULE_USAGE_TERMINATION);
}
