/* SPDX-License-Identifier: Apache-2.0 */
/* urr.c - usage reporting rules, TS 29.244 7.5.2.4, 7.5.4.4 and 7.5.4.8. A URR that asks for what is
 * not measured here is refused: an SMF must not wait for reports that never come. */
#include "nf/upf/state.h"

enum { FAILURE = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE };
static const uint64_t SECOND_US = 1000000;
static const uint64_t TRIGGERS = PFCP_TRIGGER_PERIO | PFCP_TRIGGER_VOLTH | PFCP_TRIGGER_TIMTH |
                                 PFCP_TRIGGER_START | PFCP_TRIGGER_VOLQU | PFCP_TRIGGER_TIMQU |
                                 PFCP_TRIGGER_QUHTI | PFCP_TRIGGER_QUVTI | PFCP_TRIGGER_LIUSA | PFCP_TRIGGER_MACAR;

static struct rule_volume volume_of(const struct pfcp_volume *v)
{
    return (struct rule_volume){.total = v->flags & PFCP_VOLUME_TOVOL ? v->total : 0,
                                .ul = v->flags & PFCP_VOLUME_ULVOL ? v->uplink : 0,
                                .dl = v->flags & PFCP_VOLUME_DLVOL ? v->downlink : 0};
}

static bool method_take(struct upf_draft *d, struct upf_urr *u, uint64_t method)
{
    if (!method)
        return draft_refuse(d, FAILURE, PFCP_IE_measurement_method, "no way of measuring");
    u->by_event = method & PFCP_MEASUREMENT_METHOD_EVENT;
    u->rule.measure_duration = method & PFCP_MEASUREMENT_METHOD_DURAT;
    u->rule.measure_volume = method & PFCP_MEASUREMENT_METHOD_VOLUM;
    return true;
}
static bool triggers_take(struct upf_draft *d, struct upf_urr *u, uint64_t triggers)
{
    if (triggers & ~TRIGGERS)
        return draft_refuse(d, FAILURE, PFCP_IE_reporting_triggers,
                            "a trigger that is not supported");
    if (u->by_event && !(triggers & PFCP_TRIGGER_MACAR))
        return draft_refuse(d, FAILURE, PFCP_IE_measurement_method, "no events but MAC addresses");
    u->triggers = (uint32_t)triggers;
    return true;
}
static bool information_take(struct upf_draft *d, struct upf_urr *u, uint64_t flags)
{
    if (flags & ~(uint64_t)(PFCP_MEASUREMENT_INFORMATION_MNOP | PFCP_MEASUREMENT_INFORMATION_ISTM))
        return draft_refuse(d, FAILURE, PFCP_IE_measurement_information,
                            "a way of measuring that is not supported");
    u->packets = flags & PFCP_MEASUREMENT_INFORMATION_MNOP;
    u->rule.start_at_once = flags & PFCP_MEASUREMENT_INFORMATION_ISTM;
    return true;
}

static bool linked_take(struct upf_draft *d, struct upf_urr *u, const uint32_t *id, uint32_t n)
{
    if (n > RULE_LINKED)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_linked_urr_id,
                            "too many URRs that one is linked to");
    u->rule.linked_n = (uint8_t)n;
    memcpy(u->rule.linked, id, n * sizeof *id);
    return true;
}

/* The members that Create URR and Update URR have in common. */
#define COMMON_TAKE(d, u, q)                                                                       \
    do {                                                                                           \
        UNSUPPORTED((q)->has.monitoring_time, monitoring_time);                                    \
        UNSUPPORTED((q)->has.event_threshold, event_threshold);                                    \
        UNSUPPORTED((q)->has.event_quota, event_quota);                                            \
        UNSUPPORTED((q)->has.dropped_dl_traffic_threshold, dropped_dl_traffic_threshold);          \
        UNSUPPORTED((q)->has.inactivity_detection_time, inactivity_detection_time);                \
        UNSUPPORTED((q)->has.far_id_for_quota_action, far_id);                                     \
        UNSUPPORTED((q)->additional_monitoring_time.n, additional_monitoring_time);                \
        UNSUPPORTED((q)->has.number_of_reports, number_of_reports);                                \
        if ((q)->has.ethernet_inactivity_timer)                                                    \
            (u)->mac_age_s = (q)->ethernet_inactivity_timer;                                       \
        if ((q)->has.measurement_period)                                                           \
            (u)->rule.period_us = (q)->measurement_period * SECOND_US;                             \
        if ((q)->has.volume_threshold)                                                             \
            (u)->rule.threshold = volume_of(&(q)->volume_threshold);                               \
        if ((q)->has.time_threshold)                                                               \
            (u)->rule.time_threshold_us = (q)->time_threshold * SECOND_US;                         \
        if ((q)->has.volume_quota)                                                                 \
            (u)->rule.quota = volume_of(&(q)->volume_quota);                                       \
        if ((q)->has.time_quota)                                                                   \
            (u)->rule.time_quota_us = (q)->time_quota * SECOND_US;                                 \
        if ((q)->has.quota_holding_time)                                                           \
            (u)->rule.quota_holding_us = (q)->quota_holding_time * SECOND_US;                      \
        if ((q)->has.quota_validity_time)                                                          \
            (u)->rule.quota_validity_us = (q)->quota_validity_time * SECOND_US;                    \
        if ((q)->linked_urr_id.n && !linked_take(d, u, (q)->linked_urr_id.v, (q)->linked_urr_id.n)) \
            return false;                                                                          \
        if ((q)->has.measurement_information &&                                                    \
            !information_take(d, u, (q)->measurement_information))                                 \
            return false;                                                                          \
    } while (0)

/* A trigger without what it compares with would never report. */
static bool complete(struct upf_draft *d, const struct upf_urr *u)
{
    const struct rule_volume *t = &u->rule.threshold;
    uint16_t missing = 0;
    if (u->triggers & PFCP_TRIGGER_PERIO && !u->rule.period_us)
        missing = PFCP_IE_measurement_period;
    if (u->triggers & PFCP_TRIGGER_VOLTH && !t->total && !t->ul && !t->dl)
        missing = PFCP_IE_volume_threshold;
    if (u->triggers & PFCP_TRIGGER_TIMTH && !u->rule.time_threshold_us)
        missing = PFCP_IE_time_threshold;
    if (u->triggers & PFCP_TRIGGER_QUHTI && !u->rule.quota_holding_us)
        missing = PFCP_IE_quota_holding_time;
    if (u->triggers & PFCP_TRIGGER_QUVTI && !u->rule.quota_validity_us)
        missing = PFCP_IE_quota_validity_time;
    if (u->triggers & PFCP_TRIGGER_LIUSA && !u->rule.linked_n)
        missing = PFCP_IE_linked_urr_id;
    return !missing || draft_refuse(d, PFCP_CAUSE_CONDITIONAL_IE_MISSING, missing,
                                    "a trigger without its threshold or period");
}

bool urr_create(struct upf_draft *d, const struct pfcp_create_urr *q)
{
    struct upf_urr u = {.rule = {.id = q->urr_id}};
    draft_rule(d, PFCP_FAILED_RULE_URR, q->urr_id);
    if (draft_urr(d, q->urr_id))
        return draft_refuse(d, FAILURE, PFCP_IE_urr_id, "a URR ID in use");
    if (d->urr_n == RULE_MAX)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, 0, "too many URRs in a session");
    if (!method_take(d, &u, q->measurement_method) || !triggers_take(d, &u, q->reporting_triggers))
        return false;
    COMMON_TAKE(d, &u, q);
    if (!complete(d, &u))
        return false;
    d->urr[d->urr_n++] = u;
    return true;
}

bool urr_update(struct upf_draft *d, const struct pfcp_update_urr *q)
{
    struct upf_urr *u = draft_urr(d, q->urr_id);
    draft_rule(d, PFCP_FAILED_RULE_URR, q->urr_id);
    if (!u)
        return draft_refuse(d, FAILURE, PFCP_IE_urr_id, "no such URR");
    if (q->has.measurement_method && !method_take(d, u, q->measurement_method))
        return false;
    if (q->has.reporting_triggers && !triggers_take(d, u, q->reporting_triggers))
        return false;
    COMMON_TAKE(d, u, q);
    u->rule.quota_fresh = q->has.volume_quota || q->has.time_quota; /* 5.2.2.2.1: counted anew */
    return complete(d, u);
}

bool urr_remove(struct upf_draft *d, uint32_t id)
{
    struct upf_urr *u = draft_urr(d, id);
    draft_rule(d, PFCP_FAILED_RULE_URR, id);
    if (!u)
        return draft_refuse(d, FAILURE, PFCP_IE_urr_id, "no such URR");
    uint32_t at = (uint32_t)(u - d->urr);
    memmove(u, u + 1, (--d->urr_n - at) * sizeof *u);
    if (d->removed_n < RULE_MAX)
        d->removed[d->removed_n++] = id;
    return true;
}
