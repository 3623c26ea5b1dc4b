/* SPDX-License-Identifier: Apache-2.0 */
/* lan.c - packets and frames between the members of a 5G LAN, TS 23.501 5.8.2.13: what the rules of a phone
 * send to "5G VN Internal" meets the rules of the other members there. A LAN is a network instance;
 * a member is who has rules with that source, which the control plane alone gives. Nothing goes
 * round: who is in the LAN sends to phones only (dp/rules.c), and never to himself. */
#include "dp/state.h"
#include <stdlib.h>

enum { COPIES_MAX = 1024 }; /* of one packet */
/* A burst of packets to many members may be that far ahead of its rate. One member has a quarter of the rate: who floods the
 * LAN leaves the others theirs, without which they would not find each other. */
static const uint64_t BURST_US = 250000, SHARE = 4;

static uint32_t copies_of(const struct lan *l)
{
    return l->n < COPIES_MAX ? l->n : COPIES_MAX;
}

static const uint32_t *member_find(const struct lan *l, uint32_t session)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->member[i] == session)
            return &l->member[i];
    return NULL;
}

int lan_room(struct dp *dp, const struct dp_rules *new)
{
    struct lan *l = &dp->lan[new->instance];
    if (!new->carries_on || l->n < l->room)
        return OK;
    uint32_t room = l->room ? 2 * l->room : 16;
    uint32_t *more = realloc(l->member, room * sizeof *more);
    if (!more)
        return ERR_NOSPACE;
    l->member = more;
    struct debt *debt = realloc(l->of_member, room * sizeof *debt);
    if (!debt)
        return ERR_NOSPACE;
    l->of_member = debt;
    l->room = room;
    return OK;
}

void lan_replace(struct dp *dp, struct session *s, const struct dp_rules *old,
                 const struct dp_rules *new)
{
    uint32_t me = session_index(dp, s);
    bool was = old && old->carries_on, is = new &&new->carries_on;
    if (was && is && old->instance == new->instance)
        return;
    if (was) {
        struct lan *l = &dp->lan[old->instance];
        uint32_t at = (uint32_t)(member_find(l, me) - l->member);
        l->member[at] = l->member[--l->n];
        l->of_member[at] = l->of_member[l->n];
    }
    if (is) {
        struct lan *l = &dp->lan[new->instance];
        l->of_member[l->n] = l->debt; /* who goes and comes does not begin anew */
        l->member[l->n++] = me;
    }
}

bool lan_to_many(const struct inner *in)
{
    return in->family == 4 ? in->dst[0] >= 224 : in->family == 6 ? in->dst[0] == 0xff : in->flooded || in->dst[0] & 1;
}

static bool is_ahead(struct debt *d, uint64_t now)
{
    uint64_t passed = now - d->at_us;
    d->at_us = now;
    d->us = passed >= d->us ? 0 : d->us - passed;
    return d->us > BURST_US;
}

static bool copies_allowed(struct dp *dp, struct lan *l, const struct session *from)
{
    uint32_t per_s = dp->config.lan_copies_per_s ? dp->config.lan_copies_per_s : 20000;
    if (is_ahead(&l->debt, dp->now_us))
        return false;
    const uint32_t *at = member_find(l, session_index(dp, from));
    struct debt *own = at ? &l->of_member[at - l->member] : &l->others;
    if (is_ahead(own, dp->now_us))
        return false;
    uint64_t cost_us = copies_of(l) * 1000000ull / per_s;
    l->debt.us += cost_us;
    own->us += SHARE * cost_us;
    return true;
}

/* To each member whose rules take it and go on to others' (TS 29.244 8.2.145: the sender is skipped). */
static enum dp_counter spread(struct dp *dp, struct session *from, uint16_t instance,
                              const struct inner *in, const uint8_t *p)
{
    struct lan *l = &dp->lan[instance];
    if (in->n > DP_PACKET_MAX)
        return DP_too_big;
    if (!copies_allowed(dp, l, from))
        return DP_lan_limited;
    for (uint32_t i = 0, n = copies_of(l); i < n; i++) {
        struct session *to = &dp->session[l->member[i]];
        if (to == from || to->r->is_ethernet != from->r->is_ethernet)
            continue;
        uint8_t *copy = out_scratch(dp, DP_HEADROOM + in->n) + DP_HEADROOM;
        memcpy(copy, p, in->n);
        offload_touched(dp, to, 0);
        bool sender_is_traced = dp->traced != NULL;
        enum dp_counter fate = downlink(dp, to, RULE_LAN, in, copy, NULL);
        if (dp->traced && !sender_is_traced)
            trace_end(dp, fate);
        dp->count[fate == DP_to_tunnel || fate == DP_held ? DP_lan_copies : DP_lan_copies_dropped]++;
    }
    return DP_lan_spread;
}

/* As a bridge does, TS 23.501 5.6.10.2: to who has the address, or to all while nobody is known to. */
static enum dp_counter frame_pass(struct dp *dp, struct session *from, uint16_t instance, const struct inner *in, uint8_t *p)
{
    struct session *to = session_of_mac(dp, instance, in->dst);
    if (!to) {
        struct inner all = *in;
        all.flooded = true;
        return spread(dp, from, instance, &all, p);
    }
    if (to == from || !to->r->in_lan) /* it never goes back where it came from */
        return DP_lan_unknown;
    return downlink(dp, to, RULE_LAN, in, p, NULL);
}

enum dp_counter lan_pass(struct dp *dp, struct session *from, uint16_t instance,
                         const struct inner *in, uint8_t *p)
{
    if (lan_to_many(in))
        return spread(dp, from, instance, in, p);
    if (from->r->is_ethernet)
        return frame_pass(dp, from, instance, in, p);
    struct session *to = session_of_ue(dp, instance, in->family, in->dst);
    if (!to || to == from || !to->r->in_lan)
        return DP_lan_unknown;
    offload_touched(dp, to, 0);
    return downlink(dp, to, RULE_LAN, in, p, NULL);
}
