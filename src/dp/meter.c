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

static uint64_t bucket_debt(const struct bucket *b, uint64_t now_us)
{
    uint64_t passed_us = now_us - b->last_us;
    if (passed_us > 1000 * 1000 * 1000 || passed_us * 1000000 >= b->debt_ps)
        return 0;
    return b->debt_ps - passed_us * 1000000;
}

/* Takes the packet's time from every bucket or from none. */
bool police(struct dp *dp, struct dp_rules *r, const struct pdr *pdr, bool ul, uint32_t n)
{
    for (unsigned i = 0; i < pdr->qer_n; i++) {
        const struct qer *q = &r->qer[pdr->qer[i]];
        if (q->has_mbr && (!q->mbr_kbit[ul] ||
                           bucket_debt(&q->bucket[ul], dp->now_us) > BURST_US * (uint64_t)1000000))
            return false;
    }
    for (unsigned i = 0; i < pdr->qer_n; i++) {
        struct qer *q = &r->qer[pdr->qer[i]];
        if (!q->has_mbr)
            continue;
        struct bucket *b = &q->bucket[ul];
        b->debt_ps = bucket_debt(b, dp->now_us) + n * UINT64_C(8000000000) / q->mbr_kbit[ul];
        b->last_us = dp->now_us;
    }
    return true;
}

bool quota_left(const struct dp_rules *r, const struct pdr *pdr)
{
    for (unsigned i = 0; i < pdr->urr_n; i++)
        if (r->urr[pdr->urr[i]].exhausted)
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
    u->usage.start_us = dp->now_us ? dp->now_us : 1;
    if (!u->quota_start_us)
        u->quota_start_us = u->usage.start_us;
}

void usage_count(struct dp *dp, struct session *s, const struct pdr *pdr, bool ul, uint32_t n)
{
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
        u->quota_used[ul] += n;
        if (volume_reached(&u->rule.threshold, u->usage.ul_octets, u->usage.dl_octets))
            triggers |= RULE_USAGE_VOLUME_THRESHOLD;
        if (!u->exhausted && volume_reached(&u->rule.quota, u->quota_used[1], u->quota_used[0])) {
            u->exhausted = true;
            triggers |= RULE_USAGE_VOLUME_QUOTA;
        }
        if (triggers)
            usage_report(dp, s, u, triggers);
    }
}

void usage_take(struct dp *dp, struct urr *u, struct rule_usage *to)
{
    *to = u->usage;
    to->end_us = dp->now_us ? dp->now_us : 1;
    to->duration_us = u->usage.start_us ? to->end_us - u->usage.start_us : 0;
    if (!u->rule.measure_volume)
        to->ul_octets = to->dl_octets = to->ul_packets = to->dl_packets = 0;
    if (!u->rule.measure_duration)
        to->duration_us = 0;
    u->usage = (struct rule_usage){.sequence = to->sequence + 1,
                                   .start_us = u->usage.start_us ? to->end_us : 0};
}

void usage_report(struct dp *dp, struct session *s, struct urr *u, uint32_t triggers)
{
    struct dp_event e = {.kind = DP_EVENT_USAGE, .urr_id = u->rule.id, .triggers = triggers};
    usage_take(dp, u, &e.usage);
    out_event(dp, s, &e);
}

void usage_leave(struct dp *dp, struct session *s, struct urr *u)
{
    if (u->usage.ul_packets || u->usage.dl_packets)
        usage_report(dp, s, u, RULE_USAGE_TERMINATION);
}
