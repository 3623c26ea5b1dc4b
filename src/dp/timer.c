/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - one deadline a session, on a wheel: inactivity, notification, time thresholds and
 * periods. A deadline that moved back is found out when its slot comes; packets never touch the
 * wheel for it. */
#include "dp/state.h"

static void sooner(uint64_t *due, uint64_t at)
{
    if (at < *due)
        *due = at;
}

static uint64_t urr_due(const struct urr *u)
{
    uint64_t due = UINT64_MAX;
    if (u->period_due_us)
        sooner(&due, u->period_due_us);
    if (u->usage.start_us && u->rule.time_threshold_us)
        sooner(&due, u->usage.start_us + u->rule.time_threshold_us);
    const struct urr_more *m = u->more;
    if (!m || u->usage.exhausted)
        return due;
    if (m->start_us && m->time_quota_us)
        sooner(&due, m->start_us + m->time_quota_us);
    if (m->holding_us && u->usage.start_us)
        sooner(&due, m->last_us + m->holding_us);
    if (m->validity_due_us)
        sooner(&due, m->validity_due_us);
    return due;
}

static uint64_t session_due(const struct session *s)
{
    uint64_t due = UINT64_MAX;
    if (s->r->inactivity_us && !s->inactive)
        sooner(&due, s->last_us + s->r->inactivity_us);
    if (s->notify_due_us)
        sooner(&due, s->notify_due_us);
    for (unsigned i = 0; i < s->r->urr_n; i++)
        sooner(&due, urr_due(&s->r->urr[i]));
    if (s->macs)
        sooner(&due, macs_due(s));
    return due;
}

void timer_disarm(struct dp *dp, struct session *s)
{
    if (!s->on_wheel)
        return;
    uint32_t slot = s->wheel_at % WHEEL_SLOTS;
    if (s->wheel_prev == NONE)
        dp->wheel[slot] = s->wheel_next;
    else
        dp->session[s->wheel_prev].wheel_next = s->wheel_next;
    if (dp->wheel[slot] == NONE)
        dp->wheel_taken[slot / 64] &= ~(1ull << slot % 64);
    if (s->wheel_next != NONE)
        dp->session[s->wheel_next].wheel_prev = s->wheel_prev;
    s->on_wheel = false;
}

void timer_arm(struct dp *dp, struct session *s)
{
    uint64_t due = session_due(s);
    if (due == UINT64_MAX) {
        timer_disarm(dp, s);
        return;
    }
    uint64_t at = due / DP_TICK_US + 1, last = dp->tick + WHEEL_SLOTS - 1;
    if (at <= dp->tick)
        at = dp->tick + 1;
    if (at > last)
        at = last;
    if (s->on_wheel && s->wheel_at == (uint32_t)at)
        return;
    timer_disarm(dp, s);
    uint32_t *head = &dp->wheel[at % WHEEL_SLOTS], i = session_index(dp, s);
    s->wheel_at = (uint32_t)at;
    s->on_wheel = true;
    s->wheel_prev = NONE;
    s->wheel_next = *head;
    if (*head != NONE)
        dp->session[*head].wheel_prev = i;
    *head = i;
    dp->wheel_taken[at % WHEEL_SLOTS / 64] |= 1ull << at % WHEEL_SLOTS % 64;
}

/* What is left of a quota ends with its time, or when nobody uses it: TS 29.244 5.2.2.2.1. */
static uint32_t quota_expire(const struct dp *dp, struct urr *u)
{
    uint64_t now = dp->now_us;
    uint32_t triggers = 0;
    const struct urr_more *m = u->more;
    if (!m || u->usage.exhausted)
        return 0;
    if (m->start_us && m->time_quota_us && now >= m->start_us + m->time_quota_us)
        triggers |= RULE_USAGE_TIME_QUOTA;
    if (m->holding_us && u->usage.start_us && now >= m->last_us + m->holding_us)
        triggers |= RULE_USAGE_QUOTA_HOLDING;
    if (m->validity_due_us && now >= m->validity_due_us)
        triggers |= RULE_USAGE_QUOTA_VALIDITY;
    u->usage.exhausted = triggers != 0;
    return triggers;
}

static void urr_expire(struct dp *dp, struct session *s, struct urr *u)
{
    uint64_t now = dp->now_us;
    uint32_t triggers = 0;
    if (u->period_due_us && now >= u->period_due_us) {
        triggers |= RULE_USAGE_PERIODIC;
        u->period_due_us += u->rule.period_us;
        if (u->period_due_us <= now) /* the clock leapt: one report, not one a period missed */
            u->period_due_us = now + u->rule.period_us;
    }
    if (u->usage.start_us && u->rule.time_threshold_us &&
        now >= u->usage.start_us + u->rule.time_threshold_us)
        triggers |= RULE_USAGE_TIME_THRESHOLD;
    triggers |= quota_expire(dp, u);
    if (triggers)
        usage_report(dp, s, u, triggers);
}

static void session_expire(struct dp *dp, struct session *s)
{
    offload_refresh(dp, s, false);
    if (s->r->inactivity_us && !s->inactive && dp->now_us >= s->last_us + s->r->inactivity_us) {
        s->inactive = true;
        struct dp_event e = {.kind = DP_EVENT_INACTIVE};
        out_event(dp, s, &e);
    }
    if (s->notify_due_us && dp->now_us >= s->notify_due_us)
        buffer_notify_due(dp, s);
    for (unsigned i = 0; i < s->r->urr_n; i++)
        urr_expire(dp, s, &s->r->urr[i]);
    if (s->macs)
        macs_expire(dp, s);
    offload_touched(dp, s, 0); /* limits have moved, or it fell silent */
    timer_arm(dp, s);
}

void dp_tick(struct dp *dp, uint64_t now_us)
{
    dp_clock(dp, now_us);
    uint64_t from = dp->tick + 1, to = dp->now_us / DP_TICK_US;
    if (to < from)
        return;
    if (to - from >= WHEEL_SLOTS)
        from = to - WHEEL_SLOTS + 1;
    dp->tick = to;
    for (uint64_t t = from; t <= to; t++) {
        uint32_t i = dp->wheel[t % WHEEL_SLOTS];
        while (i != NONE) {
            struct session *s = &dp->session[i];
            i = s->wheel_next;
            if ((int32_t)(s->wheel_at - (uint32_t)to) > 0)
                continue; /* armed again by this very turn */
            timer_disarm(dp, s);
            session_expire(dp, s);
        }
    }
}

uint64_t dp_next_us(const struct dp *dp)
{
    for (uint64_t t = dp->tick + 1; t <= dp->tick + WHEEL_SLOTS;) {
        uint32_t slot = t % WHEEL_SLOTS;
        uint64_t taken = dp->wheel_taken[slot / 64] >> slot % 64;
        if (taken)
            return (t + (unsigned)__builtin_ctzll(taken)) * DP_TICK_US;
        t += 64 - slot % 64;
    }
    return UINT64_MAX;
}
