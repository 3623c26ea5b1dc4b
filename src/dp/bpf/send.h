/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* send.h - out of here: the next hop, then the headers, to a data network or into a tunnel. */
#pragma once
#include "dp/bpf/meters.h"

INLINE int fib(struct xdp_md *ctx, struct bpf_fib_lookup *f)
{
    f->ifindex = ctx->ingress_ifindex;
    if (bpf_fib_lookup(ctx, f, sizeof *f, 0) != BPF_FIB_LKUP_RET_SUCCESS)
        return 0;
    __u32 k = f->ifindex;
    struct xdp_port *p = bpf_map_lookup_elem(&ports, &k);
    return p && p->takes;
}

/* To an IPv4 address: many packets in a tick go to the same few. */
INLINE int hop4(struct xdp_md *ctx, struct bpf_fib_lookup *f, const struct way *w)
{
    __u32 k = (f->ipv4_dst ^ f->ipv4_dst >> 16 ^ f->ipv4_dst >> 24) % XDP_HOPS, zero = 0;
    struct xdp_hop *h = bpf_map_lookup_elem(&hops, &k);
    struct xdp_shared *any = bpf_map_lookup_elem(&shared, &zero);
    if (!h || !any || !*(volatile __u64 *)&any->plain)
        return fib(ctx, f);
    __u8 tos = f->tos;
    __u32 to = f->ipv4_dst; /* the look-up puts the gateway there */
    if (h->to == f->ipv4_dst && h->at_ns == w->now_ns && h->tos == tos && f->tot_len <= h->mtu) {
        f->ifindex = h->ifindex;
        __builtin_memcpy(f->dmac, h->dmac, 6);
        __builtin_memcpy(f->smac, h->smac, 6);
        return 1;
    }
    if (!fib(ctx, f))
        return 0;
    h->to = to;
    h->tos = tos;
    h->at_ns = w->now_ns;
    h->ifindex = f->ifindex;
    h->mtu = f->mtu_result;
    __builtin_memcpy(h->dmac, f->dmac, 6);
    __builtin_memcpy(h->smac, f->smac, 6);
    return 1;
}

INLINE void eth_put(struct ethhdr *e, const struct bpf_fib_lookup *f, __u16 proto)
{
    __builtin_memcpy(e->h_dest, f->dmac, 6);
    __builtin_memcpy(e->h_source, f->smac, 6);
    e->h_proto = proto;
}

/* RFC 1141: one less in the upper octet of a word. */
INLINE void ttl_take4(struct iphdr *ip)
{
    __u32 sum = ip->check + bpf_htons(0x0100);
    ip->check = (__u16)(sum + (sum >= 0xffff));
    ip->ttl--;
}

/* What follows the user's packet in the frame goes. */
INLINE int tail_cut(struct xdp_md *ctx, __u32 octets)
{
    __u32 have = (__u32)(ctx->data_end - ctx->data);
    return have == octets || (have > octets && !bpf_xdp_adjust_tail(ctx, (int)octets - (int)have));
}

INLINE int core_send(struct xdp_md *ctx, struct xdp_session *s, const struct matched *m,
                     const struct way *w)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct bpf_fib_lookup f = {};
    void *p = data + (w->inner & PACKET_MAX);
    f.tot_len = (__u16)w->n;
    if (w->ttl <= 1 || !(config.routed >> (m->pdr->instance & 63) & 1))
        return UP;
    if (w->family == 4) {
        struct iphdr *ip = p;
        if ((void *)(ip + 1) > end)
            return UP;
        f.family = AF_INET;
        f.tos = ip->tos;
        f.ipv4_src = ip->saddr;
        f.ipv4_dst = ip->daddr;
    } else {
        struct ipv6hdr *ip = p;
        if ((void *)(ip + 1) > end)
            return UP;
        f.family = AF_INET6;
        __builtin_memcpy(f.ipv6_src, &ip->saddr, 16);
        __builtin_memcpy(f.ipv6_dst, &ip->daddr, 16);
    }
    if (w->family == 4 ? !hop4(ctx, &f, w) : !fib(ctx, &f))
        return UP;
    int fate = meter(s, m, w);
    if (fate != GOOD)
        return fate;
    if (bpf_xdp_adjust_head(ctx, (int)w->inner - ETH_HLEN) || !tail_cut(ctx, w->n + ETH_HLEN))
        return DP_far_drop;
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    struct ethhdr *e = data;
    if (w->family == 4) {
        struct iphdr *ip = (void *)(e + 1);
        if ((void *)(ip + 1) > end)
            return DP_far_drop;
        eth_put(e, &f, bpf_htons(ETH_P_IP));
        ttl_take4(ip);
    } else {
        struct ipv6hdr *ip = (void *)(e + 1);
        if ((void *)(ip + 1) > end)
            return DP_far_drop;
        eth_put(e, &f, bpf_htons(ETH_P_IPV6));
        ip->hop_limit--;
    }
    count(w, DP_to_core, w->n);
    return -(int)f.ifindex;
}

INLINE __u16 sum_fold(__u64 sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)sum;
}

/* 8 octets of UDP and 8 or 16 of GTP-U, TS 29.281 5.1, TS 38.415 5.5.2. */
INLINE void gtpu_put(__u8 *q, const struct xdp_pdr *p, __u32 n, __u8 qfi, __u16 sum)
{
    __u32 head = qfi ? 16 : 8, payload = n + head - 8;
    __u16 *w = (__u16 *)q;
    w[0] = bpf_htons(GTPU_PORT);
    w[1] = p->peer_port;
    w[2] = bpf_htons((__u16)(UDP_HEAD + head + n));
    w[3] = sum;
    q[8] = qfi ? 0x34 : 0x30;
    q[9] = 255;
    w[5] = bpf_htons((__u16)payload);
    *(__u32 *)(q + 12) = p->peer_teid;
    if (!qfi)
        return;
    *(__u32 *)(q + 16) = bpf_htonl(0x85);
    q[20] = 1;
    q[21] = p->flags & XDP_PDR_UL ? 0x10 : 0;
    q[22] = (__u8)((p->flags & XDP_PDR_RQI && !(p->flags & XDP_PDR_UL) ? 0x40 : 0) | (qfi & 0x3f));
    q[23] = 0;
}

/* Of IPv4 from its five words. */
INLINE __u16 ip4_sum(const struct iphdr *ip)
{
    const __u32 *w = (const __u32 *)ip;
    return sum_fold((__u64)w[0] + w[1] + w[2] + w[3] + w[4]);
}

struct sum_walk {
    struct xdp_md *ctx;
    __u32 at, end;
    __u64 sum;
};
#define SUM_STEP 64
static long sum_step(__u32 i, struct sum_walk *k)
{
    __u32 words[SUM_STEP / 4] = {};
    __u32 left = k->end - k->at;
    if (k->at >= k->end)
        return 1;
    if (left >= SUM_STEP) {
        if (bpf_xdp_load_bytes(k->ctx, k->at, words, SUM_STEP))
            return 1;
    } else {
        if (!left || left > SUM_STEP || bpf_xdp_load_bytes(k->ctx, k->at, words, left))
            return 1;
    }
    for (int j = 0; j < SUM_STEP / 4; j++)
        k->sum += words[j];
    k->at += SUM_STEP;
    return 0;
}
/* Of UDP over IPv6, where it must be there: RFC 8200 8.1. From the UDP header on. */
INLINE __u16 udp6_sum(struct xdp_md *ctx, const struct ipv6hdr *ip, __u32 n)
{
    struct sum_walk k = {ctx, ETH_HLEN + sizeof *ip, ETH_HLEN + sizeof *ip + n, 0};
    const __u32 *s = ip->saddr.s6_addr32, *d = ip->daddr.s6_addr32;
    k.sum = (__u64)s[0] + s[1] + s[2] + s[3] + d[0] + d[1] + d[2] + d[3];
    k.sum += bpf_htonl(n);
    k.sum += bpf_htonl(PROTO_UDP);
    bpf_loop(1024, sum_step, &k, 0);
    __u16 sum = (__u16)~sum_fold(k.sum);
    return sum ? sum : 0xffff;
}

INLINE int tunnel4_put(struct xdp_md *ctx, const struct bpf_fib_lookup *f, const struct xdp_pdr *p,
                       const struct way *w, __u8 qfi)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *e = data;
    struct iphdr *ip = (void *)(e + 1);
    __u8 *q = (void *)(ip + 1);
    __u64 *row = counter_row(w->cpu);
    if ((void *)(q + 24) > end || !row)
        return 0;
    eth_put(e, f, bpf_htons(ETH_P_IP));
    __builtin_memset(ip, 0, sizeof *ip);
    *(__u16 *)ip = bpf_htons((__u16)(0x4500 | p->peer_tos));
    ip->tot_len = bpf_htons((__u16)(w->n + 20 + UDP_HEAD + (qfi ? 16 : 8)));
    /* it may be fragmented on its way: unique for a while, each CPU its own part */
    ip->id = (__u16)(row[XDP_COUNTER_IP_ID]++ * config.cpus + w->cpu);
    ip->ttl = 64;
    ip->protocol = PROTO_UDP;
    ip->saddr = config.n3_v4;
    ip->daddr = *(const __u32 *)p->peer_ip;
    ip->check = (__u16)~ip4_sum(ip);
    gtpu_put(q, p, w->n, qfi, 0); /* without checksum, as RFC 768 permits: the inner ones stand */
    return 1;
}

INLINE int tunnel6_put(struct xdp_md *ctx, const struct bpf_fib_lookup *f, const struct xdp_pdr *p,
                       const struct way *w, __u8 qfi)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *e = data;
    struct ipv6hdr *ip = (void *)(e + 1);
    __u8 *q = (void *)(ip + 1);
    if ((void *)(q + 24) > end)
        return 0;
    __u32 n = w->n + UDP_HEAD + (qfi ? 16 : 8);
    eth_put(e, f, bpf_htons(ETH_P_IPV6));
    __builtin_memset(ip, 0, sizeof *ip);
    *(__u16 *)ip = bpf_htons((__u16)(0x6000 | p->peer_tos << 4));
    ip->payload_len = bpf_htons((__u16)n);
    ip->nexthdr = PROTO_UDP;
    ip->hop_limit = 64;
    for (int i = 0; i < 4; i++)
        ip->saddr.s6_addr32[i] = ((const volatile __u32 *)config.n3_v6)[i];
    __builtin_memcpy(&ip->daddr, p->peer_ip, 16);
    gtpu_put(q, p, w->n, qfi, 0);
    __u16 sum = udp6_sum(ctx, ip, n);
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    __u16 *at = data + ETH_HLEN + sizeof *ip + 6;
    if ((void *)(at + 1) > end)
        return 0;
    *at = sum;
    return 1;
}

INLINE int tunnel_send(struct xdp_md *ctx, struct xdp_session *s, const struct matched *m,
                       const struct way *w)
{
    struct xdp_pdr *p = m->pdr;
    int v6 = p->flags & XDP_PDR_PEER6;
    __u8 qfi = p->qfi ? p->qfi : w->qfi;
    __u32 head = (v6 ? 40 : 20) + UDP_HEAD + (qfi ? 16 : 8);
    struct bpf_fib_lookup f = {};
    if (config.inner_mtu && w->n > config.inner_mtu)
        return UP;
    if (!w->teid && w->ttl <= 1) /* routed to the UE: dp's caller is the kernel's forwarding */
        return UP;
    f.l4_protocol = PROTO_UDP;
    f.tot_len = (__u16)(w->n + head);
    if (v6) {
        if (!config.has_v6)
            return UP;
        f.family = AF_INET6;
        for (int i = 0; i < 4; i++)
            f.ipv6_src[i] = ((const volatile __u32 *)config.n3_v6)[i];
        __builtin_memcpy(f.ipv6_dst, p->peer_ip, 16);
    } else {
        if (!config.n3_v4)
            return UP;
        f.family = AF_INET;
        f.tos = p->peer_tos;
        f.ipv4_src = config.n3_v4;
        f.ipv4_dst = *(const __u32 *)p->peer_ip;
    }
    if (v6 ? !fib(ctx, &f) : !hop4(ctx, &f, w))
        return UP;
    int fate = meter(s, m, w);
    if (fate != GOOD)
        return fate;
    if (!w->teid) {
        void *end = (void *)(long)ctx->data_end, *at = (void *)(long)ctx->data + ETH_HLEN;
        struct iphdr *ip = at;
        struct ipv6hdr *ip6 = at;
        if (w->family == 4 && (void *)(ip + 1) <= end)
            ttl_take4(ip);
        else if (w->family == 6 && (void *)(ip6 + 1) <= end)
            ip6->hop_limit--;
    }
    if (!tail_cut(ctx, w->inner + w->n) ||
        bpf_xdp_adjust_head(ctx, (int)w->inner - ETH_HLEN - (int)head) ||
        !(v6 ? tunnel6_put(ctx, &f, p, w, qfi) : tunnel4_put(ctx, &f, p, w, qfi)))
        return DP_far_drop;
    count(w, DP_to_tunnel, w->n + (qfi ? 16 : 8));
    return -(int)f.ifindex;
}
