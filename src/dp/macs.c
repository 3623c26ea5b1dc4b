/* SPDX-License-Identifier: Apache-2.0 */
/* macs.c - the MAC addresses behind Ethernet sessions, TS 23.501 5.6.10.2: learned from what the sessions send, so many of
 * each and no more, forgotten when silent, told to the SMF where it asks (TS 29.244 8.2.103, 8.2.104). An address that has
 * a session is nobody else's until then: it does not move, so no member takes another's frames. */
#include "dp/state.h"
#include <stdlib.h>

static uint64_t key_of(uint16_t instance, const uint8_t *addr)
{
    return (uint64_t)instance << 48 | (uint64_t)be16(addr) << 32 | be32(addr + 2);
}

static void tell(struct dp *dp, struct session *s, const struct mac *m, bool came)
{
    uint8_t what[7] = {came};
    memcpy(what + 1, m->addr, 6);
    for (unsigned i = 0; i < s->r->urr_n; i++)
        if (s->r->urr[i].rule.report_macs)
            usage_tell_with(dp, s, &s->r->urr[i], RULE_USAGE_MACS, BYTES_OF(what));
}

static void forget(struct dp *dp, struct mac *m)
{
    struct session *s = &dp->session[m->session];
    map_del_u64(&dp->mac, key_of(s->r->instance, m->addr));
    m->used = false;
    tell(dp, s, m, false);
}

static bool is_silent(const struct dp *dp, const struct mac *m)
{
    return dp->now_us - m->seen_us >= dp->session[m->session].r->mac_age_us;
}

/* A free one, or that of one who has been silent; NULL: neither. */
static struct mac *place_find(struct dp *dp, struct session *s)
{
    for (unsigned i = 0; i < RULE_MACS; i++)
        if (!s->macs[i].used)
            return &s->macs[i];
    for (unsigned i = 0; i < RULE_MACS; i++)
        if (is_silent(dp, &s->macs[i])) {
            forget(dp, &s->macs[i]);
            return &s->macs[i];
        }
    return NULL;
}

enum dp_counter mac_learn(struct dp *dp, struct session *s, const uint8_t *addr)
{
    uint64_t key = key_of(s->r->instance, addr);
    struct mac *m = map_get_u64(&dp->mac, key);
    if (m && m->session == session_index(dp, s)) {
        m->seen_us = dp->now_us;
        return (enum dp_counter)INNER_GOOD;
    }
    if (m && !is_silent(dp, m))
        return DP_mac_taken;
    if (m)
        forget(dp, m);
    m = place_find(dp, s);
    if (!m || map_put_u64(&dp->mac, key, m))
        return DP_mac_limit;
    *m = (struct mac){.seen_us = dp->now_us, .session = session_index(dp, s), .used = true};
    memcpy(m->addr, addr, 6);
    tell(dp, s, m, true);
    timer_arm(dp, s);
    return (enum dp_counter)INNER_GOOD;
}

struct session *session_of_mac(struct dp *dp, uint16_t instance, const uint8_t *addr)
{
    struct mac *m = map_get_u64(&dp->mac, key_of(instance, addr));
    return m && !is_silent(dp, m) ? &dp->session[m->session] : NULL;
}

int macs_room(struct session *s, const struct dp_rules *new)
{
    if (new->is_ethernet && !s->macs)
        s->macs = calloc(RULE_MACS, sizeof *s->macs);
    return new->is_ethernet && !s->macs ? ERR_NOSPACE : OK;
}

/* Those of a session that goes, or goes elsewhere, are told of with it. */
void macs_replace(struct dp *dp, struct session *s, const struct dp_rules *old, const struct dp_rules *new)
{
    if (!s->macs || !old || (new && new->is_ethernet && new->in_lan && new->instance == old->instance))
        return;
    for (unsigned i = 0; i < RULE_MACS; i++)
        if (s->macs[i].used) {
            map_del_u64(&dp->mac, key_of(old->instance, s->macs[i].addr));
            s->macs[i].used = false;
        }
    if (new && new->is_ethernet)
        return;
    free(s->macs);
    s->macs = NULL;
}

uint64_t macs_due(const struct session *s)
{
    uint64_t due = UINT64_MAX;
    for (unsigned i = 0; i < RULE_MACS; i++)
        if (s->macs[i].used && s->macs[i].seen_us + s->r->mac_age_us < due)
            due = s->macs[i].seen_us + s->r->mac_age_us;
    return due;
}

void macs_expire(struct dp *dp, struct session *s)
{
    for (unsigned i = 0; i < RULE_MACS; i++)
        if (s->macs[i].used && is_silent(dp, &s->macs[i]))
            forget(dp, &s->macs[i]);
}
