/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* meters.h - rates, limits and volume of the rule that a packet has met. */
#pragma once
#include "dp/bpf/rules.h"

INLINE int bucket_full(const struct xdp_session *s, const struct xdp_pdr *p, __u32 i, __u64 now)
{
    __u32 b = p->bucket[i];
    return b && xdp_before(now + XDP_BURST, s->bucket[(b - 1) & (XDP_METERS - 1)]);
}

INLINE void bucket_fill(struct xdp_session *s, const struct xdp_pdr *p, __u32 i, __u64 now,
                        __u32 octets)
{
    __u32 b = p->bucket[i];
    if (!b)
        return;
    __u64 *at = &s->bucket[(b - 1) & (XDP_METERS - 1)], cost = xdp_cost(octets, p->unit[i]);
    for (int k = 0; k < 4; k++) { /* another CPU may have been first */
        __u64 was = *(volatile __u64 *)at, from = xdp_before(was, now) ? now : was;
        if (__sync_val_compare_and_swap(at, was, from + cost) == was)
            return;
    }
}

INLINE int limit_take(struct xdp_session *s, const struct xdp_pdr *p, __u32 i, __u32 octets)
{
    __u32 l = p->limit[i];
    if (!l)
        return 1;
    __s64 *at = &s->limit[(l - 1) & (XDP_METERS - 1)];
    if (*(volatile __s64 *)at <= octets)
        return 0;
    if (__sync_fetch_and_add(at, -(__s64)octets) > octets)
        return 1;
    __sync_fetch_and_add(at, (__s64)octets);
    return 0;
}
INLINE void limit_return(struct xdp_session *s, const struct xdp_pdr *p, __u32 i, __u32 octets)
{
    __u32 l = p->limit[i];
    if (l)
        __sync_fetch_and_add(&s->limit[(l - 1) & (XDP_METERS - 1)], (__s64)octets);
}

/* The packet's time and volume from all that meter it, or from none: GOOD, or its end. */
INLINE int meter(struct xdp_session *s, const struct matched *m, const struct way *w)
{
    struct xdp_pdr *p = m->pdr;
    __u64 now = xdp_time(w->now_ns);
    if (p->flags & XDP_PDR_QUOTA)
        return DP_quota;
    if (p->flags & XDP_PDR_STOPPED || bucket_full(s, p, 0, now) || bucket_full(s, p, 1, now))
        return DP_policed;
    if (!limit_take(s, p, 0, w->n))
        return UP;
    if (!limit_take(s, p, 1, w->n)) {
        limit_return(s, p, 0, w->n);
        return UP;
    }
    bucket_fill(s, p, 0, now, w->n);
    bucket_fill(s, p, 1, now, w->n);
    *m->octets += w->n;
    *m->packets += 1;
    *m->counted_ns = w->now_ns;
    return GOOD;
}
