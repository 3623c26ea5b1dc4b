/* SPDX-License-Identifier: Apache-2.0 */
/* out.c - what leaves: batches, and the memory of packets that the packet path makes itself. */
#include "dp/state.h"

static void owners_drop(struct dp *dp, struct held **owner, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (owner[i])
            slab_drop(&dp->held, owner[i]);
}

void tunnel_flush(struct dp *dp)
{
    unsigned n = dp->out_n;
    if (!n)
        return;
    dp->out_n = 0;
    if (dp->io.to_access)
        dp->io.to_access(dp->io.ctx, dp->out, n);
    owners_drop(dp, dp->out_owner, n);
}

static void core_flush(struct dp *dp)
{
    unsigned n = dp->core_n;
    if (!n)
        return;
    dp->core_n = 0;
    if (dp->io.to_core)
        dp->io.to_core(dp->io.ctx, dp->core_instance, dp->core, n);
    owners_drop(dp, dp->core_owner, n);
}

void out_flush(struct dp *dp)
{
    tunnel_flush(dp);
    core_flush(dp);
    dp->scratch_used = 0;
}

void out_tunnel(struct dp *dp, const struct rule_addr *peer, uint8_t *p, uint32_t n,
                struct held *owner)
{
    dp->out[dp->out_n] = (struct dp_datagram){p, n, *peer};
    dp->out_owner[dp->out_n++] = owner;
    dp->count[DP_access_out_octets] += n;
    if (dp->out_n == DP_BATCH)
        tunnel_flush(dp);
}

void out_core(struct dp *dp, uint16_t instance, uint8_t *p, uint32_t n, struct held *owner)
{
    if (dp->core_n && dp->core_instance != instance)
        core_flush(dp);
    dp->core_instance = instance;
    dp->core[dp->core_n] = (struct dp_packet){p, n};
    dp->core_owner[dp->core_n++] = owner;
    dp->count[DP_core_out_octets] += n;
    if (dp->core_n == DP_BATCH)
        core_flush(dp);
}

uint8_t *out_scratch(struct dp *dp, uint32_t n)
{
    if (n > SCRATCH - dp->scratch_used)
        out_flush(dp);
    uint8_t *p = dp->scratch + dp->scratch_used;
    dp->scratch_used += (n + 7) & ~7u;
    if (dp->scratch_used > SCRATCH)
        dp->scratch_used = SCRATCH;
    return p;
}

void out_event(struct dp *dp, const struct session *s, struct dp_event *e)
{
    if (!dp->io.event)
        return;
    e->session = s ? session_index(dp, s) : NONE;
    e->gen = s ? s->gen : 0;
    dp->io.event(dp->io.ctx, e);
}
