/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* upf.c - the packet path in the kernel, at XDP. It does what src/dp does for packets that are
 * usual and hands the others up untouched: everything is decided before the first octet is changed.
 * What it drops, src/dp would drop too, and it counts in the same rows. */
#include "dp/xdp_map.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define INLINE     static __attribute__((always_inline)) inline
#define ROW_END(c) ((c) < XDP_COUNTERS ? (c) : 0)

enum dp_counter {
#define COUNTER(name, text) DP_##name,
#include "../../../spec/dp_counters.def"
#undef COUNTER
    DP_COUNTERS
};
enum {
    GOOD = 64,   /* go on */
    UP = 65,     /* hand up */
    ACCESS = 66, /* GTP-U for us */
    CORE = 67,   /* for a UE */
    GTPU_PORT = 2152,
    AF_INET = 2,
    AF_INET6 = 10,
    UDP_HEAD = sizeof(struct udphdr),
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_DCCP = 33,
    PROTO_ESP = 50,
    PROTO_AH = 51,
    PROTO_ICMP6 = 58,
    PROTO_SCTP = 132,
    PROTO_UDP_LITE = 136,
    CPUS_MAX = 1024,
    PACKET_MAX = 0x3fff,
};

const volatile struct xdp_config config = {};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct xdp_session) + CPUS_MAX * sizeof(struct xdp_use));
} sessions SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct xdp_block) + CPUS_MAX * sizeof(struct xdp_block_use));
} blocks SEC(".maps");
struct { /* by address within the pools: session + 1 */
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct xdp_ue_cells);
} ue_cells SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, struct xdp_ue_key);
    __type(value, __u32);
} ue_others SEC(".maps");
struct { /* a row of XDP_COUNTERS for each CPU */
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, XDP_COUNTERS * sizeof(__u64));
} counters SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, XDP_IFINDEX_MAX);
    __type(key, __u32);
    __type(value, struct xdp_port);
} ports SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, XDP_IFINDEX_MAX);
    __type(key, __u32);
    __type(value, __u32);
} out SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct xdp_shared);
} shared SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, XDP_HOPS);
    __type(key, __u32);
    __type(value, struct xdp_hop);
} hops SEC(".maps");
struct { /* for tests: the time */
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} test_clock SEC(".maps");

/* What is known of a packet on its way. Offsets are from the start of the frame. */
struct way {
    __u32 cpu, inner, n; /* octets from the inner header on, by it */
    __u32 octets;        /* that came: GTP-U message or user packet, as they are counted */
    __u32 teid;          /* 0: from a data network */
    __u8 family, proto, tos, has_ports, qfi, has_container, pdu_type, ttl;
    __u16 src_port, dst_port;
    __u8 peer_family;
    __u32 peer[4], session;
    __u64 now_ns, state;
};

INLINE __u64 *counter_row(__u32 cpu)
{
    return bpf_map_lookup_elem(&counters, &cpu);
}

/* The same number, but the verifier no longer knows which: it need not look at the rest of the way
 * for each number that it could be. */
INLINE __u32 opaque(const struct way *w, __u32 v)
{
    volatile __u64 *row = counter_row(w->cpu);
    if (!row)
        return 0;
    row[XDP_COUNTER_SCRATCH] = v;
    return (__u32)row[XDP_COUNTER_SCRATCH] & PACKET_MAX;
}

INLINE __u64 clock_ns(void)
{
    if (config.test_clock) {
        __u32 k = 0;
        __u64 *t = bpf_map_lookup_elem(&test_clock, &k);
        return t ? *t : 0;
    }
    return bpf_ktime_get_coarse_ns(); /* a tick is short against a policer's burst */
}

/* The end of a packet that is not handed up. */
INLINE void count(const struct way *w, __u32 fate, __u32 out_octets)
{
    __u64 *row = counter_row(w->cpu);
    if (!row)
        return;
    row[ROW_END(fate)]++;
    if (w->teid || fate == DP_gtpu_malformed) {
        row[DP_access_in]++;
        row[DP_access_in_octets] += w->octets;
    } else {
        row[DP_core_in]++;
        row[DP_core_in_octets] += w->octets;
    }
    if (fate == DP_to_core)
        row[DP_core_out_octets] += out_octets;
    if (fate == DP_to_tunnel)
        row[DP_access_out_octets] += out_octets;
}

/* ---- the user's packet ---- */
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

/* ---- rules ---- */
struct matched {
    struct xdp_pdr *pdr;
    __u64 *octets, *packets, *counted_ns;
};
struct seen { /* what filters look at, as seen from the UE */
    __u32 remote[4], local4;
    __u16 remote_port, local_port;
};

INLINE int match_one(const struct xdp_match *m, const struct way *w, const struct seen *k)
{
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
    if ((k->local4 ^ m->local4) & m->local4_mask)
        return 0;
    if (!(m->flags & XDP_MATCH_PORTS))
        return 1;
    return w->has_ports && k->remote_port >= m->remote_first && k->remote_port <= m->remote_last &&
           k->local_port >= m->local_first && k->local_port <= m->local_last;
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
    int ul = w->teid != 0; /* a tunnel from the core has no filters here: dp/offload.c */
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
        const struct xdp_pdr *p = &b->pdr[m->pdr & (XDP_BLOCK_PDRS - 1)];
        if (pdr_wants(p, w) && match_one(m, w, k))
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

/* ---- meters ---- */
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

/* ---- out ---- */
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
    *(__u16 *)ip = bpf_htons(0x4500);
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
    *(__u8 *)ip = 0x60;
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

/* ---- the way ---- */
/* The session that has this address, 1 + its index; 0: none. */
INLINE __u32 session_of_ue4(__u32 ip, __u32 *instance)
{
    __u32 host = bpf_ntohl(ip);
    for (__u32 i = 0; i < XDP_POOLS; i++) {
        if (i >= config.pools)
            break;
        if ((host & config.pool[i].mask) != config.pool[i].base)
            continue;
        __u32 k = config.pool[i].first + (host & ~config.pool[i].mask), row = k / XDP_UE_CELLS;
        struct xdp_ue_cells *c = bpf_map_lookup_elem(&ue_cells, &row);
        *instance = config.pool[i].instance;
        return c ? *(volatile __u32 *)&c->session[k % XDP_UE_CELLS] : 0;
    }
    __u32 zero = 0;
    struct xdp_shared *any = bpf_map_lookup_elem(&shared, &zero);
    if (!any || !*(volatile __u64 *)&any->others4)
        return 0;
    struct xdp_ue_key key = {ip, 4};
    __u32 *v = bpf_map_lookup_elem(&ue_others, &key);
    *instance = XDP_INSTANCES;
    return v ? *v : 0;
}
INLINE __u32 session_of_ue6(const struct in6_addr *ip)
{
    struct xdp_ue_key key = {0, 6};
    __builtin_memcpy(&key.ip, ip, 8);
    __u32 *v = bpf_map_lookup_elem(&ue_others, &key);
    return v ? *v : 0;
}

/* Another UE of the same data network is meant. */
INLINE int to_other_ue(const struct way *w, const struct xdp_pdr *p, const void *ip,
                       const void *end)
{
    const struct iphdr *h4 = ip;
    const struct ipv6hdr *h6 = ip;
    __u32 other, instance = XDP_INSTANCES;
    if (w->family == 4 && (void *)(h4 + 1) <= end)
        other = session_of_ue4(h4->daddr, &instance);
    else if (w->family == 6 && (void *)(h6 + 1) <= end)
        other = session_of_ue6(&h6->daddr);
    else
        return 0;
    if (!other--)
        return 0;
    struct xdp_session *s = bpf_map_lookup_elem(&sessions, &other);
    return s && s->instance == p->instance;
}

/* All lines of a session that its packets need, asked for at once: with many sessions none is in a
 * cache, and one after the other they would be waited for. */
INLINE void session_near(const struct xdp_session *s, __u32 cpu)
{
    const volatile __u64 *meters = s->bucket;
    const volatile __u64 *pdr = (const volatile __u64 *)s->pdr;
    __u64 sum = meters[0] + pdr[0] + pdr[8] + pdr[16] + pdr[24];
    if (cpu < config.cpus)
        sum += *(const volatile __u64 *)&s->use[cpu].last_ns;
    asm volatile("" : : "r"(sum));
}

/* GOOD: the state said fast. Else the packet goes up, and is counted in the same word. */
INLINE int state_read(struct xdp_session *s, __u64 *state)
{
    *state = *(volatile __u64 *)&s->state;
    if (*state & XDP_FAST)
        return GOOD;
    *state = __sync_fetch_and_add(&s->state, XDP_PASSED);
    if (!(*state & XDP_FAST))
        return UP;
    __sync_fetch_and_add(&s->state, -XDP_PASSED); /* turned just now */
    return GOOD;
}

/* From a session that is known on. Negative: out by that interface. */
INLINE int session_way(struct xdp_md *ctx, struct xdp_session *s, __u64 state, struct way *w)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 area = state & XDP_AREA ? 1 : 0, block = s->block[area];
    struct matched m = {};
    void *ip = data + (w->inner & PACKET_MAX);
    int fate =
        block ? pdr_find_block(s, block - 1, w, ip, end, &m) : pdr_find_inline(s, area, w, &m);
    if (fate != GOOD)
        return fate;
    switch (m.pdr->action) {
    case XDP_ACT_GATE: return DP_gate_closed;
    case XDP_ACT_FAR_DROP: return DP_far_drop;
    case XDP_ACT_TUNNEL: return tunnel_send(ctx, s, &m, w);
    case XDP_ACT_CORE:
        if (to_other_ue(w, m.pdr, ip, end))
            return config.ue_to_ue ? UP : DP_ue_to_ue;
        return core_send(ctx, s, &m, w);
    }
    return UP;
}

/* GTP-U behind UDP: its header, TS 29.281 5.1. */
INLINE int gtpu_read(struct way *w, const __u8 *g, __u32 n, const void *end, __u32 *room)
{
    if (n < 8)
        return DP_gtpu_malformed;
    if ((void *)(g + 8) > end)
        return UP;
    if ((g[0] & 0xf0) != 0x30)
        return DP_gtpu_malformed;
    __u32 total = 8 + bpf_ntohs(*(const __u16 *)(g + 2)), off = 8;
    if (total > n)
        return DP_gtpu_malformed;
    w->has_container = w->qfi = w->pdu_type = 0;
    if (g[0] & 7) {
        if (total < 12)
            return DP_gtpu_malformed;
        if ((void *)(g + 16) > end)
            return UP;
        off = 12;
        if (g[0] & 4 && g[11]) {
            if (g[11] != 0x85 || total < 16 || g[12] != 1 || g[15])
                return UP;
            w->has_container = 1;
            w->pdu_type = g[13] >> 4;
            w->qfi = g[14] & 0x3f;
            if (w->pdu_type > 1)
                return DP_gtpu_malformed;
            off = 16;
        }
    }
    if (g[1] != 255)
        return UP;
    w->teid = bpf_ntohl(*(const __u32 *)(g + 4));
    w->inner += off;
    *room = total - off;
    return GOOD;
}

INLINE int ue_source(const struct xdp_session *s, const struct way *w, const void *ip,
                     const void *end, int access)
{
    if (w->family == 4) {
        const struct iphdr *h = ip;
        if ((void *)(h + 1) > end)
            return UP;
        if (s->flags & XDP_SESSION_V4 && (access ? h->saddr : h->daddr) == s->ipv4)
            return GOOD;
    } else {
        const struct ipv6hdr *h = ip;
        if ((void *)(h + 1) > end || (access && on_link(h)))
            return UP;
        __u64 prefix;
        __builtin_memcpy(&prefix, access ? &h->saddr : &h->daddr, 8);
        if (s->flags & XDP_SESSION_V6 && prefix == s->ipv6_prefix)
            return GOOD;
    }
    return access ? DP_spoofed : DP_not_for_ue;
}

/* w->inner is at the GTP-U header, w->octets of it. */
INLINE int access_way(struct xdp_md *ctx, struct way *w)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 room;
    int fate = gtpu_read(w, data + (w->inner & PACKET_MAX), w->octets, end, &room);
    if (fate != GOOD)
        return fate;
    w->inner = opaque(w, w->inner);
    __u32 k = (w->teid & config.teid_mask) / XDP_TUNNELS, tunnel = w->teid % XDP_TUNNELS;
    struct xdp_session *s = bpf_map_lookup_elem(&sessions, &k);
    if (!w->teid || !s || s->teid[tunnel] != w->teid)
        return UP;
    session_near(s, w->cpu);
    __u64 state;
    fate = state_read(s, &state);
    if (fate != GOOD)
        return fate;
    if (s->flags & (XDP_SESSION_PEER4 | XDP_SESSION_PEER6)) {
        const __u32 *a = (const __u32 *)s->peer_ip, *peer = w->peer;
        if (w->peer_family == 4 ? !(s->flags & XDP_SESSION_PEER4) || a[0] != peer[0]
                                : !(s->flags & XDP_SESSION_PEER6) || a[0] != peer[0] ||
                                      a[1] != peer[1] || a[2] != peer[2] || a[3] != peer[3])
            return DP_peer_wrong;
    }
    void *ip = data + (w->inner & PACKET_MAX);
    fate = inner_read(w, ip, room, end);
    if (fate != GOOD)
        return fate;
    int access = s->flags & XDP_SESSION_ACCESS << tunnel;
    if (w->has_container && w->pdu_type != !!access)
        return DP_gtpu_malformed;
    fate = ue_source(s, w, ip, end, access);
    w->session = k;
    w->state = state;
    return fate;
}

/* A packet of a data network; w->inner is at its header, room octets. */
INLINE int core_way(struct xdp_md *ctx, struct way *w, __u64 instances)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 k = w->session;
    struct xdp_session *s = bpf_map_lookup_elem(&sessions, &k);
    if (!s)
        return UP;
    session_near(s, w->cpu);
    if (!(instances >> (s->instance & 63) & 1))
        return UP;
    void *ip = data + (w->inner & PACKET_MAX);
    int fate = inner_read(w, ip, (__u32)(end - ip), end);
    if (fate != GOOD)
        return UP; /* the kernel judges it, and counts */
    if (w->family == 6 && (void *)((struct ipv6hdr *)ip + 1) <= end && on_link(ip))
        return UP;
    if (ue_source(s, w, ip, end, 0) != GOOD)
        return UP; /* the address has just moved */
    __u64 state;
    fate = state_read(s, &state);
    if (fate != GOOD)
        return fate;
    w->octets = w->n;
    w->state = state;
    return GOOD;
}

INLINE int martian4(__u32 source)
{
    __u8 first = (__u8)(bpf_ntohl(source) >> 24);
    return !first || first == 127 || first >= 224;
}

INLINE int ip4_way(struct xdp_md *ctx, struct way *w, const struct xdp_port *port)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct iphdr *ip = data + ETH_HLEN;
    if ((void *)(ip + 1) > end)
        return UP;
    if (ip->daddr == config.n3_v4) {
        struct udphdr *u = (void *)(ip + 1);
        __u32 frame = (__u32)(end - data) - ETH_HLEN, total = bpf_ntohs(ip->tot_len), n;
        if (*(__u8 *)ip != 0x45 || ip->protocol != PROTO_UDP || (void *)(u + 1) > end ||
            u->dest != bpf_htons(GTPU_PORT) || ip->frag_off & bpf_htons(0x3fff) || total > frame)
            return UP;
        n = bpf_ntohs(u->len);
        if (total < 28 || n < UDP_HEAD || n > total - 20 || ip4_sum(ip) != 0xffff)
            return UP; /* the kernel drops it */
        w->peer[0] = ip->saddr;
        w->peer_family = 4;
        w->octets = n - UDP_HEAD;
        w->inner = ETH_HLEN + 20 + UDP_HEAD;
        return ACCESS;
    }
    if (!port->instances || martian4(ip->saddr))
        return UP;
    __u32 instance = 0, k = session_of_ue4(ip->daddr, &instance);
    if (!k || ip4_sum(ip) != 0xffff)
        return UP;
    w->session = k - 1;
    return CORE;
}

INLINE int ip6_way(struct xdp_md *ctx, struct way *w, const struct xdp_port *port)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ipv6hdr *ip = data + ETH_HLEN;
    if ((void *)(ip + 1) > end)
        return UP;
    const volatile __u32 *n3 = (const volatile __u32 *)config.n3_v6;
    const __u32 *d = ip->daddr.s6_addr32;
    if (config.has_v6 && d[0] == n3[0] && d[1] == n3[1] && d[2] == n3[2] && d[3] == n3[3]) {
        struct udphdr *u = (void *)(ip + 1);
        __u32 frame = (__u32)(end - data) - ETH_HLEN - 40, total = bpf_ntohs(ip->payload_len), n;
        if (ip->nexthdr != PROTO_UDP || (void *)(u + 1) > end || *(__u8 *)ip >> 4 != 6 ||
            u->dest != bpf_htons(GTPU_PORT) || total > frame || !u->check)
            return UP;
        n = bpf_ntohs(u->len);
        if (n < UDP_HEAD || n > total)
            return UP;
        __builtin_memcpy(w->peer, &ip->saddr, 16);
        w->peer_family = 6;
        w->octets = n - UDP_HEAD;
        w->inner = ETH_HLEN + 40 + UDP_HEAD;
        return ACCESS;
    }
    if (!port->instances || ip->saddr.s6_addr[0] == 0xff)
        return UP;
    __u32 k = session_of_ue6(&ip->daddr);
    w->session = k - 1;
    return k ? CORE : UP;
}

INLINE int frame_way(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *e = data;
    struct way w = {.inner = ETH_HLEN, .cpu = bpf_get_smp_processor_id()};
    __u32 at = ctx->ingress_ifindex;
    struct xdp_port *port = bpf_map_lookup_elem(&ports, &at);
    if (!port || !port->is_on || (void *)(e + 1) > end)
        return XDP_PASS;
    const __u16 *m = (const __u16 *)port->mac, *d = (const __u16 *)e->h_dest;
    if (m[0] != d[0] || m[1] != d[1] || m[2] != d[2])
        return XDP_PASS;
    int fate = UP;
    if (e->h_proto == bpf_htons(ETH_P_IP))
        fate = ip4_way(ctx, &w, port);
    else if (e->h_proto == bpf_htons(ETH_P_IPV6))
        fate = ip6_way(ctx, &w, port);
    w.inner = opaque(&w, w.inner);
    if (fate == ACCESS)
        fate = access_way(ctx, &w);
    else if (fate == CORE)
        fate = core_way(ctx, &w, port->instances);
    if (fate == GOOD) {
        __u32 k = w.session;
        struct xdp_session *s = bpf_map_lookup_elem(&sessions, &k);
        w.now_ns = clock_ns();
        w.inner = opaque(&w, w.inner);
        fate = s ? session_way(ctx, s, w.state, &w) : UP;
    }
    if (fate == UP)
        return XDP_PASS;
    if (fate < 0)
        return (int)bpf_redirect_map(&out, (__u32)-fate, 0);
    count(&w, (__u32)fate, 0);
    return XDP_DROP;
}

SEC("xdp")
int upf_xdp(struct xdp_md *ctx)
{
    return frame_way(ctx);
}

/* To be asked of an interface that only takes redirected frames, and for tests. */
SEC("xdp")
int pass_xdp(struct xdp_md *ctx)
{
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
