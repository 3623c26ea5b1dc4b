/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.c - downlink packets that wait for their UE, TS 23.501 5.8.3: bounded per session and in
 * all, the oldest goes first when there is no room. */
#include "dp/state.h"

static struct held *held_pop(struct session *s)
{
    struct held *h = s->held_last->next;
    s->held_last->next = h->next;
    if (s->held_last == h)
        s->held_last = NULL;
    s->held_n--;
    return h;
}

static void held_append(struct session *s, struct held *h)
{
    h->next = s->held_last ? s->held_last->next : h;
    if (s->held_last)
        s->held_last->next = h;
    s->held_last = h;
    s->held_n++;
}

static void oldest_drop(struct dp *dp, struct session *s)
{
    slab_drop(&dp->held, held_pop(s));
    dp->count[DP_buffer_oldest]++;
}

static void notify_now(struct dp *dp, struct session *s, const struct pdr *pdr, uint8_t tos)
{
    struct dp_event e = {.kind = DP_EVENT_DOWNLINK_DATA,
                         .pdr_id = pdr->id,
                         .far_id = s->r->far[pdr->far].id,
                         .dscp = tos >> 2};
    for (unsigned i = 0; i < pdr->qer_n && !e.qfi; i++)
        e.qfi = s->r->qer[pdr->qer[i]].qfi;
    out_event(dp, s, &e);
}

/* Once, and again while packets come and nothing is done with them for 13 to 17 s: one report may have found no room, or no way
 * to the SMF. */
enum { CLOCK_SHIFT = 22, AGAIN = 4 };
void buffer_notify(struct dp *dp, struct session *s, const struct pdr *pdr, uint8_t tos)
{
    uint8_t clock = (uint8_t)(dp->now_us >> CLOCK_SHIFT);
    if (s->notified && (s->notify_due_us || (uint8_t)(clock - s->notified_at) < AGAIN))
        return;
    s->notified = true;
    s->notified_at = clock;
    if (!s->r->bar.notify_delay_us) {
        notify_now(dp, s, pdr, tos);
        return;
    }
    s->notify_pdr = pdr->id;
    s->notify_due_us = dp->now_us + s->r->bar.notify_delay_us;
    timer_arm(dp, s);
}

void buffer_notify_due(struct dp *dp, struct session *s)
{
    s->notify_due_us = 0;
    for (unsigned i = 0; i < s->r->pdr_n; i++)
        if (s->r->pdr[i].id == s->notify_pdr)
            notify_now(dp, s, &s->r->pdr[i], 0);
}

static uint16_t held_max(const struct dp *dp, const struct session *s)
{
    return s->r->bar.packets_max ? s->r->bar.packets_max : dp->config.buffered_per_session;
}

enum dp_counter buffer_hold(struct dp *dp, struct session *s, const struct pdr *pdr,
                            const struct inner *in, const uint8_t *p, struct held *owner)
{
    uint16_t max = held_max(dp, s);
    struct held *h = owner;
    if (s->r->far[pdr->far].action & RULE_NOCP)
        buffer_notify(dp, s, pdr, in->tos);
    if (!max || in->n > DP_PACKET_MAX)
        return DP_buffer_refused;
    while (s->held_n >= max)
        oldest_drop(dp, s);
    if (!h && !(h = slab_new(&dp->held)) && s->held_n) {
        oldest_drop(dp, s);
        h = slab_new(&dp->held);
    }
    if (!h)
        return DP_buffer_refused;
    if (!owner) {
        h->from = pdr->source;
        h->flooded = in->flooded;
        memcpy(h->data, p, in->n);
        h->n = in->n;
    }
    held_append(s, h);
    return DP_held;
}

/* Every packet meets the rules in force, in the order in which they came. */
void buffer_release(struct dp *dp, struct session *s)
{
    while (s->held_n > held_max(dp, s))
        oldest_drop(dp, s);
    for (unsigned left = s->held_n; left && s->held_n; left--) {
        struct held *h = held_pop(s);
        struct inner in;
        enum dp_counter fate = s->r->is_ethernet ? frame_read(h->data, h->n, &in) : inner_read(h->data, h->n, &in);
        in.flooded = h->flooded;
        if (fate == (enum dp_counter)INNER_GOOD)
            fate = downlink(dp, s, h->from, &in, h->data, h);
        if (dp->traced)
            trace_end(dp, fate);
        if (fate == DP_held)
            continue;
        if (fate == DP_to_tunnel || fate == DP_to_core) {
            dp->count[DP_released]++;
            continue;
        }
        dp->count[fate == DP_to_control ? DP_released : DP_buffer_flushed_drop]++;
        slab_drop(&dp->held, h);
    }
}

void buffer_drop(struct dp *dp, struct session *s)
{
    while (s->held_n) {
        slab_drop(&dp->held, held_pop(s));
        dp->count[DP_buffer_dropped]++;
    }
}
