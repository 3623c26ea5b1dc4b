/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* rules.h - which rule of its session a packet meets. */
#pragma once
#include "dp/bpf/maps.h"

struct matched {
    struct xdp_pdr *pdr;
    __u64 *octets, *packets, *counted_ns;
};
struct seen { /* what filters look at, as seen from the UE */
    __u32 remote[4], local4;
    __u16 remote_port, local_port;
};

/* Ports first: among many filters they are what differs. */
INLINE int match_one(const struct xdp_match *m, const struct way *w, const struct seen *k)
{
    if (m->flags & XDP_MATCH_PORTS &&
        (!w->has_ports || k->remote_port < m->remote_first || k->remote_port > m->remote_last ||
         k->local_port < m->local_first || k->local_port > m->local_last))
        return 0;
    if (m->flags & XDP_MATCH_PROTO && m->proto != w->proto)
        return 0;
    if ((w->tos ^ m->tos) & m->tos_mask)
        return 0;
    if (m->flags & XDP_MATCH_V4 && w->family != 4)
        return 0;
    if (m->flags & XDP_MATCH_V6 && w->family != 6)
        return 0;
    if ((k->remote[0] ^ m->remote[0]) & m->remote_mask[0])
        return 0;
    if (m->flags & XDP_MATCH_V6 && (((k->remote[1] ^ m->remote[1]) & m->remote_mask[1]) ||
                                    ((k->remote[2] ^ m->remote[2]) & m->remote_mask[2]) ||
                                    ((k->remote[3] ^ m->remote[3]) & m->remote_mask[3])))
        return 0;
    return !((k->local4 ^ m->local4) & m->local4_mask);
}

INLINE int pdr_wants(const struct xdp_pdr *p, const struct way *w)
{
    return p->teid == w->teid && (!p->qfis || (w->has_container && p->qfis >> (w->qfi & 63) & 1));
}

INLINE int pdr_find_inline(struct xdp_session *s, __u32 area, const struct way *w,
                           struct matched *to)
{
    struct xdp_pdr *p = s->pdr[area];
    __u32 n = s->pdr_n[area], i = 0;
    if (!n || !pdr_wants(p, w)) {
        i = 1;
        p++;
        if (n < 2 || !pdr_wants(p, w))
            return DP_no_rule;
    }
    if (w->cpu >= config.cpus)
        return UP;
    struct xdp_use *u = &s->use[w->cpu];
    u->last_ns = w->now_ns;
    to->pdr = p;
    to->octets = &u->octets[i];
    to->packets = &u->packets[i];
    to->counted_ns = &u->counted_ns[i];
    return GOOD;
}

INLINE void seen_fill(struct seen *k, const struct way *w, const void *ip, const void *end)
{
    __builtin_memset(k, 0, sizeof *k);
    int ul = w->teid != 0; /* a tunnel from the core has no filters here: dp/offload_compile.c */
    if (w->family == 4) {
        const struct iphdr *h = ip;
        if ((void *)(h + 1) > end)
            return;
        k->remote[0] = ul ? h->daddr : h->saddr;
        k->local4 = ul ? h->saddr : h->daddr;
    } else {
        const struct ipv6hdr *h = ip;
        if ((void *)(h + 1) > end)
            return;
        const __u32 *a = ul ? h->daddr.s6_addr32 : h->saddr.s6_addr32;
        k->remote[0] = a[0];
        k->remote[1] = a[1];
        k->remote[2] = a[2];
        k->remote[3] = a[3];
    }
    k->remote_port = ul ? w->dst_port : w->src_port;
    k->local_port = ul ? w->src_port : w->dst_port;
}

/* Not static: it is verified once, by itself. */
int block_match(__u32 block, const struct way *w, const struct seen *k)
{
    struct xdp_block *b = bpf_map_lookup_elem(&blocks, &block);
    if (!b || !w || !k)
        return -1;
    __u32 n = b->match_n;
    for (__u32 i = 0; i < XDP_BLOCK_MATCHES; i++) {
        if (i >= n)
            break;
        const struct xdp_match *m = &b->match[i];
        if (match_one(m, w, k) && pdr_wants(&b->pdr[m->pdr & (XDP_BLOCK_PDRS - 1)], w))
            return m->pdr & (XDP_BLOCK_PDRS - 1);
    }
    return -1;
}

INLINE int pdr_find_block(struct xdp_session *s, __u32 block, const struct way *w, const void *ip,
                          const void *end, struct matched *to)
{
    struct xdp_block *b = bpf_map_lookup_elem(&blocks, &block);
    struct seen k;
    if (!b || w->cpu >= config.cpus)
        return UP;
    seen_fill(&k, w, ip, end);
    int i = block_match(block, w, &k);
    if (i < 0)
        return DP_no_rule;
    i &= XDP_BLOCK_PDRS - 1;
    if (w->cpu >= config.cpus) /* the verifier has forgotten it over the call */
        return UP;
    s->use[w->cpu].last_ns = w->now_ns;
    struct xdp_block_use *u = &b->use[w->cpu];
    to->pdr = &b->pdr[i];
    to->octets = &u->octets[i];
    to->packets = &u->packets[i];
    to->counted_ns = &u->counted_ns[i];
    return GOOD;
}
