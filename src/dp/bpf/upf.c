/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* upf.c - the packet path in the kernel, at XDP. It does what src/dp does for packets that are
 * usual and hands the others up untouched: everything is decided before the first octet is changed.
 * What it drops, src/dp would drop too, and it counts in the same rows. A packet's way, from frame_way()
 * at the end on: ip4_way(), ip6_way() find its session; access_way(), core_way() look at it; session_way()
 * does what the session's rules say. */
#include "dp/bpf/inner.h"
#include "dp/bpf/rules.h"
#include "dp/bpf/send.h"

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

/* access: of the tunnels on that side, where packets go that do not come from there. */
INLINE int is_peer(const struct xdp_pdr *p, const struct way *w, int access)
{
    const __u32 *a = (const __u32 *)p->peer_ip, *peer = w->peer;
    if (p->action != XDP_ACT_TUNNEL || (p->flags & XDP_PDR_UL ? 0 : 1) != access || a[0] != peer[0])
        return 0;
    return w->peer_family == 4 ? !(p->flags & XDP_PDR_PEER6)
                               : p->flags & XDP_PDR_PEER6 && a[1] == peer[1] && a[2] == peer[2] && a[3] == peer[3];
}

/* Of a session with more than one, as between two UPFs: whom its rules send to on this side. */
INLINE int one_of_peers(const struct xdp_session *s, __u64 state, const struct way *w, int access)
{
    __u32 area = state & XDP_AREA ? 1 : 0, k = s->block[area] - 1;
    if (!s->block[area])
        return is_peer(&s->pdr[area][0], w, access) || is_peer(&s->pdr[area][1], w, access);
    struct xdp_block *b = bpf_map_lookup_elem(&blocks, &k);
    for (int i = 0; b && i < XDP_BLOCK_PDRS; i++)
        if (is_peer(&b->pdr[i], w, access))
            return 1;
    return 0;
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
    if ((s->flags & XDP_SESSION_PEERS) == XDP_SESSION_PEERS) {
        if (!one_of_peers(s, state, w, !!(s->flags & XDP_SESSION_ACCESS << tunnel)))
            return UP;
    } else if (s->flags & XDP_SESSION_PEERS) {
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
    if (fate == GOOD && access && may_be_nested(w))
        return UP;
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

/* Of those that one peer sends and are dropped here, one a second goes up, where it is dropped and told of
 * (dp/abuse.c). Addresses that are no session's peer have places of their own. */
INLINE int is_to_be_told(const struct way *w, int fate)
{
    __u32 h = w->peer[0] ^ w->peer[1] ^ w->peer[2] ^ w->peer[3], half = XDP_ABUSE / 2;
    __u32 k = (h ^ h >> 8 ^ h >> 16 ^ h >> 24) % half + (fate == DP_peer_wrong ? half : 0);
    __u64 *told = bpf_map_lookup_elem(&abuse, &k), now = clock_ns();
    if (!told || (*told && now - *told < 1000000000))
        return 0;
    *told = now;
    return 1;
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
    if ((fate == DP_spoofed || fate == DP_peer_wrong) && is_to_be_told(&w, fate))
        return XDP_PASS;
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
