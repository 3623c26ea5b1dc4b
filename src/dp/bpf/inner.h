/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* inner.h - the user's packet: its bounds, and what rules look at; as dp/inner.c. */
#pragma once
#include "dp/bpf/maps.h"

INLINE int with_ports(__u8 proto)
{
    return proto == PROTO_UDP || proto == PROTO_TCP || proto == PROTO_SCTP || proto == PROTO_DCCP ||
           proto == PROTO_UDP_LITE;
}

/* q: the upper layer, n octets of it by the IP header. */
INLINE int l4_read(struct way *w, const __u8 *q, __u32 n, const void *end)
{
    w->has_ports = 0;
    w->src_port = w->dst_port = 0;
    if (with_ports(w->proto)) {
        if (n < (w->proto == PROTO_TCP ? 16 : 8))
            return DP_inner_malformed;
        if ((void *)(q + 4) > end)
            return UP;
        w->src_port = bpf_ntohs(*(const __u16 *)q);
        w->dst_port = bpf_ntohs(*(const __u16 *)(q + 2));
        w->has_ports = 1;
    } else if (w->proto == PROTO_ICMP || w->proto == PROTO_ICMP6) {
        if (n < 4)
            return DP_inner_malformed;
    } else if (w->proto == PROTO_ESP || w->proto == PROTO_AH) {
        if (n < 8)
            return DP_inner_malformed;
    }
    return GOOD;
}

INLINE int inner4_read(struct way *w, const struct iphdr *ip, __u32 room, const void *end)
{
    if ((void *)(ip + 1) > end)
        return room < 20 ? DP_inner_malformed : UP;
    __u32 n = bpf_ntohs(ip->tot_len), head = ip->ihl * 4;
    if (room < 20 || head < 20 || n < head || n > room)
        return DP_inner_malformed;
    if (head > 20 || ip->frag_off & bpf_htons(0x3fff))
        return UP;
    w->family = 4;
    w->n = n;
    w->proto = ip->protocol;
    w->tos = ip->tos;
    w->ttl = ip->ttl;
    return l4_read(w, (const __u8 *)(ip + 1), n - 20, end);
}

/* By its port it may be a tunnel within the tunnel: the other half looks inside, dp/abuse.c. */
INLINE int may_be_nested(const struct way *w)
{
    if (!w->has_ports || config.nested)
        return 0;
    if (w->proto == PROTO_UDP)
        return w->dst_port == GTPU_PORT || w->dst_port == 2123 || w->dst_port == 8805;
    return w->proto == PROTO_SCTP && w->dst_port >= 38412 && w->dst_port <= 38472;
}

/* Good on the UE's link only: dp/path.c on_link(). */
INLINE int on_link(const struct ipv6hdr *ip)
{
    const __u8 *s = ip->saddr.s6_addr, *d = ip->daddr.s6_addr;
    const __u32 *s4 = ip->saddr.s6_addr32;
    return (s[0] == 0xfe && (s[1] & 0xc0) == 0x80) || (d[0] == 0xfe && (d[1] & 0xc0) == 0x80) ||
           (d[0] == 0xff && (d[1] & 15) <= 2) || !(s4[0] | s4[1] | s4[2] | s4[3]);
}

INLINE int inner6_read(struct way *w, const struct ipv6hdr *ip, __u32 room, const void *end)
{
    if ((void *)(ip + 1) > end)
        return room < 40 ? DP_inner_malformed : UP;
    __u32 n = 40 + bpf_ntohs(ip->payload_len);
    if (room < 40 || n > room)
        return DP_inner_malformed;
    if (ip->nexthdr == 0 || ip->nexthdr == 43 || ip->nexthdr == 44 || ip->nexthdr == 60)
        return UP;
    w->family = 6;
    w->n = n;
    w->proto = ip->nexthdr;
    w->tos = (__u8)(bpf_ntohs(*(const __u16 *)ip) >> 4);
    w->ttl = ip->hop_limit;
    return l4_read(w, (const __u8 *)(ip + 1), n - 40, end);
}

/* room: octets there are for it. */
INLINE int inner_read(struct way *w, const void *p, __u32 room, const void *end)
{
    const __u8 *first = p;
    if ((void *)(first + 1) > end || room < 20)
        return DP_inner_malformed;
    if (*first >> 4 == 4)
        return inner4_read(w, p, room, end);
    if (*first >> 4 == 6)
        return inner6_read(w, p, room, end);
    return DP_inner_malformed;
}
