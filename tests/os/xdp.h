/* SPDX-License-Identifier: Apache-2.0 */
/* xdp.h - the packet path in the kernel beside src/dp, by bpf_prog_test_run: each packet meets both, and what comes of it must be the
 * same: verdict, octets, counters, usage reports. What the kernel hands up goes to a dp of its own, as in os/user_plane_xdp.c. */
#pragma once
#include "tests/test.h"
#include "tests/dp/net.h"
#include "os/netns.h"
#include "os/xdp.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SESSIONS = 40, STEPS = 6000, SEEDS = 6, FRAME = 3000, ETH = 14 };
static char NS[32], FAR[32];
static const uint8_t PEER_MAC[6] = {2, 0, 0, 0, 0, 9};
static struct world {
    struct net a, b; /* the reference; the other half of the kernel's */
    struct xdp *xdp;
    struct offload *offload;
    uint32_t n3, n6;
    uint8_t mac3[6], mac6[6];
    uint64_t rng;
    uint64_t fast[2], dropped, up; /* forwarded by the kernel up, down; dropped by it; handed up */
    uint32_t gen[SESSIONS], teid[SESSIONS];
    bool on[SESSIONS];
} W;

static inline uint32_t random_below(uint32_t n)
{
    return net_random(&W.rng, n);
}
static inline uint16_t sum(const uint8_t *p, uint32_t n)
{
    uint32_t s = 0;
    for (uint32_t i = 0; i + 1 < n; i += 2)
        s += be16(p + i);
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}
static inline void sum4(uint8_t *p)
{
    put_be16(p + 10, 0);
    put_be16(p + 10, sum(p, 20));
}

/* ---- a namespace with neighbours that are known ---- */
static inline void neighbour(const char *ifname, const char *text)
{
    struct net_addr a;
    assert_true(addr_parse(&a, str_of(text), 0));
    assert_int_equal(netns_neighbour(NS, ifname, &a, PEER_MAC), OK);
}
static inline void address(const char *ifname, const char *text, uint8_t bits)
{
    struct net_addr a;
    assert_true(addr_parse(&a, str_of(text), 0));
    assert_int_equal(netns_address(NS, ifname, &a, bits), OK);
}
static inline void route(const char *via)
{
    struct net_addr v;
    assert_true(addr_parse(&v, str_of(via), 0));
    assert_int_equal(netns_route(NS, &(struct net_addr){.family = v.family}, 0, &v, "n6"), OK);
}
static inline int network_make(void)
{
    if (netns_create(NS) != OK || netns_create(FAR) != OK)
        return 77;
    assert_int_equal(netns_veth(NS, "n3", FAR, "n3"), OK);
    assert_int_equal(netns_veth(NS, "n6", FAR, "n6"), OK);
    assert_int_equal(netns_veth_beside_xdp(FAR, "n3"), OK);
    assert_int_equal(netns_veth_beside_xdp(FAR, "n6"), OK);
    address("n3", "10.0.0.1", 24);
    address("n3", "2001::", 64);
    address("n6", "192.0.2.1", 24);
    address("n6", "fd00:99::1", 64);
    assert_int_equal(netns_forwarding(NS, true), OK);
    route("192.0.2.2");
    route("fd00:99::2");
    int fd = netns_open(NS);
    assert_int_equal(setns(fd, CLONE_NEWNET), 0);
    close(fd);
    W.n3 = if_nametoindex("n3");
    W.n6 = if_nametoindex("n6");
    static const char *const near[] = {"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "2001::2", "2001::3"};
    for (size_t i = 0; i < ARRAY_LEN(near); i++)
        neighbour("n3", near[i]);
    neighbour("n6", "192.0.2.2");
    neighbour("n6", "fd00:99::2");
    assert_int_equal(netns_mac(NS, "n3", W.mac3), OK);
    assert_int_equal(netns_mac(NS, "n6", W.mac6), OK);
    return 0;
}

/* ---- two paths ---- */
static inline void open_both(const struct dp_config *c, uint64_t now)
{
    char why[XDP_WHY] = "";
    net_open(&W.a, c);
    net_open(&W.b, c);
    W.a.now = W.b.now = now;
    struct xdp_options o = {.dp = c, .routed = ~0ull, .blocks_max = 200, .test_clock = true};
    if (xdp_open(&W.xdp, &o, why) != OK)
        fail_msg("%s", why);
    W.offload = offload_new(W.b.dp, xdp_maps(W.xdp), xdp_configured(W.xdp));
    assert_non_null(W.offload);
    struct xdp_link n3 = {.ifname = "n3"}, n6 = {.ifname = "n6", .instances = 3};
    if (xdp_attach(W.xdp, &n3, why) || xdp_attach(W.xdp, &n6, why))
        fail_msg("%s", why);
    assert_int_equal(n3.mode, XDP_NATIVE);
    assert_true(xdp_takes(W.xdp, &n3) && xdp_takes(W.xdp, &n6));
    memset(W.on, 0, sizeof W.on);
}
static inline void close_both(void)
{
    offload_free(W.offload);
    dp_free(W.a.dp);
    dp_free(W.b.dp);
    xdp_close(W.xdp);
}
static inline void time_goes(uint64_t us)
{
    W.a.now += us;
    W.b.now = W.a.now;
}

struct frame {
    uint8_t p[FRAME];
    uint32_t n;
};
static inline int kernel(uint32_t ifindex, const struct frame *in, struct frame *out)
{
    struct xdp_md ctx = {.data_end = in->n, .ingress_ifindex = ifindex};
    LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in->p, .data_size_in = in->n, .data_out = out->p,
                .data_size_out = FRAME, .ctx_in = &ctx, .ctx_size_in = sizeof ctx, .repeat = 1);
    xdp_clock(W.xdp, W.b.now * 1000);
    assert_int_equal(bpf_prog_test_run_opts(xdp_program(W.xdp), &o), 0);
    out->n = o.data_size_out;
    return (int)o.retval;
}

static inline void octets_equal(const uint8_t *got, const uint8_t *want, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (got[i] != want[i])
            fail_msg("octet %u of %u is %02x, not %02x", i, n, got[i], want[i]);
}
/* One hop less. */
static inline void hop(uint8_t *p)
{
    if (p[0] >> 4 == 6) {
        p[7]--;
        return;
    }
    p[8]--;
    uint32_t s = be16(p + 10) + 0x100u;
    put_be16(p + 10, (uint16_t)(s + (s >> 16)));
    if (be16(p + 10) == 0xffff && s == 0xffff)
        put_be16(p + 10, 0);
}

/* The frame that the kernel would send against what the reference sent. */
static inline void sent_equal(const struct frame *f, struct net_out *o, bool routed)
{
    uint8_t *inner = o->p;
    assert_memory_equal(f->p, PEER_MAC, 6);
    if (!o->tunnel) {
        hop(o->p);
        assert_memory_equal(f->p + 6, W.mac6, 6);
        assert_int_equal(be16(f->p + 12), o->p[0] >> 4 == 4 ? 0x800 : 0x86dd);
        assert_int_equal(f->n, ETH + o->n);
        octets_equal(f->p + ETH, o->p, o->n);
        return;
    }
    bool v6 = o->peer.family == 6;
    const uint8_t *ip = f->p + ETH, *udp = ip + (v6 ? 40 : 20);
    uint32_t head = (v6 ? 40 : 20) + 8;
    inner += o->p[0] & 4 ? 16 : 8;
    if (routed)
        hop(inner);
    assert_memory_equal(f->p + 6, W.mac3, 6);
    assert_int_equal(f->n, ETH + head + o->n);
    assert_int_equal(be16(udp), 2152);
    assert_int_equal(be16(udp + 2), o->peer.port);
    assert_int_equal(be16(udp + 4), 8 + o->n);
    octets_equal(udp + 8, o->p, o->n);
    if (!v6) {
        assert_true(ip[0] == 0x45 && ip[1] == o->peer.dscp << 2 && be16(ip + 2) == head + o->n && !be16(ip + 6));
        assert_true(ip[8] == 64 && ip[9] == 17 && !sum(ip, 20) && !be16(udp + 6));
        assert_memory_equal(ip + 12, W.a.config.local_v4.ip, 4);
        assert_memory_equal(ip + 16, o->peer.ip, 4);
        return;
    }
    assert_true(be16(ip) == (0x6000 | o->peer.dscp << 6) && !be16(ip + 2) && be16(ip + 4) == 8 + o->n && ip[6] == 17 && ip[7] == 64);
    assert_memory_equal(ip + 8, W.a.config.local_v6.ip, 16);
    assert_memory_equal(ip + 24, o->peer.ip, 16);
    uint8_t pseudo[FRAME] = {0};
    memcpy(pseudo, ip + 8, 32);
    put_be32(pseudo + 32, 8 + o->n);
    pseudo[39] = 17;
    memcpy(pseudo + 40, udp, 8 + o->n);
    assert_int_equal(sum(pseudo, (40 + 8 + o->n + 1) / 2 * 2), 0);
}

static inline void events_equal(void)
{
    assert_int_equal(W.a.events_n, W.b.events_n);
    for (unsigned i = 0; i < W.a.events_n; i++) {
        struct dp_event *x = &W.a.event[i], *y = &W.b.event[i];
        x->packet = y->packet = (struct bytes){0};
        if (x->kind != y->kind || x->session != y->session || x->urr_id != y->urr_id || x->triggers != y->triggers ||
            x->usage.ul_octets != y->usage.ul_octets || x->usage.dl_octets != y->usage.dl_octets)
            fail_msg("event %u: kind %d/%d session %u/%u triggers %u/%u ul %llu/%llu dl %llu/%llu", i, x->kind, y->kind, x->session,
                     y->session, x->triggers, y->triggers, (unsigned long long)x->usage.ul_octets,
                     (unsigned long long)y->usage.ul_octets, (unsigned long long)x->usage.dl_octets,
                     (unsigned long long)y->usage.dl_octets);
        /* of packets counted in the kernel the last one's time is known, not the first one's */
        assert_true(y->usage.first_packet_us >= x->usage.first_packet_us);
        assert_true(y->usage.first_packet_us <= x->usage.last_packet_us);
        y->usage.first_packet_us = x->usage.first_packet_us;
        assert_memory_equal(&x->usage, &y->usage, sizeof x->usage);
    }
}
static inline void counters_equal(void)
{
    uint64_t b[DP_COUNTERS];
    const uint64_t *a = dp_counters(W.a.dp);
    memcpy(b, dp_counters(W.b.dp), sizeof b);
    offload_counters(W.offload, b);
    for (unsigned i = 0; i < DP_COUNTERS; i++)
        if (a[i] != b[i])
            fail_msg("%s: %llu, not %llu", dp_counter_name(i), (unsigned long long)b[i], (unsigned long long)a[i]);
}
static inline void outs_equal(void)
{
    assert_int_equal(W.a.out_n, W.b.out_n);
    for (unsigned i = 0; i < W.a.out_n; i++) {
        const struct net_out *x = &W.a.out[i], *y = &W.b.out[i];
        assert_int_equal(x->n, y->n);
        assert_int_equal(x->tunnel, y->tunnel);
        octets_equal(y->p, x->p, x->n < NET_OCTETS ? x->n : NET_OCTETS);
    }
}
/* How the reference's last packet ended. */
static const char *fate(void)
{
    static uint64_t before[DP_COUNTERS];
    const char *name = "not at all";
    const uint64_t *now = dp_counters(W.a.dp);
    for (unsigned i = 0; i < DP_access_in; i++)
        if (now[i] != before[i])
            name = dp_counter_name(i);
    memcpy(before, now, sizeof before);
    return name;
}
static inline void settle(void)
{
    offload_settle(W.offload, W.b.now, true);
    events_equal();
    counters_equal();
    fate();
}

/* What the kernel decided, and what the reference did with the same packet, which it has had. */
static inline void judge(int verdict, const struct frame *out, bool routed, int direction)
{
    if (verdict != (W.a.out_n ? XDP_REDIRECT : XDP_DROP))
        fail_msg("verdict %d of a packet %s: %s", verdict, direction ? "up" : "down", fate());
    if (verdict == XDP_REDIRECT) {
        W.fast[direction]++;
        assert_int_equal(W.a.out_n, 1);
        sent_equal(out, &W.a.out[0], routed);
    } else {
        assert_int_equal(verdict, XDP_DROP);
        W.dropped++;
        assert_int_equal(W.a.out_n, 0);
    }
}

/* A GTP-U message from a peer. extra: octets of padding behind it in the frame. */
static inline int uplink(const uint8_t *gtpu, uint32_t n, struct rule_addr peer, uint32_t extra)
{
    struct frame f = {0}, out;
    bool v6 = peer.family == 6;
    uint32_t head = v6 ? 40 : 20;
    net_clear(&W.a);
    net_clear(&W.b);
    net_gtpu(&W.a, gtpu, n, peer);
    memcpy(f.p, W.mac3, 6);
    memcpy(f.p + 6, PEER_MAC, 6);
    put_be16(f.p + 12, v6 ? 0x86dd : 0x800);
    uint8_t *ip = f.p + ETH, *udp = ip + head;
    if (v6) {
        ip[0] = 0x60;
        put_be16(ip + 4, (uint16_t)(n + 8));
        ip[6] = 17;
        ip[7] = 64;
        memcpy(ip + 8, peer.ip, 16);
        memcpy(ip + 24, W.a.config.local_v6.ip, 16);
        udp[6] = 1;
    } else {
        ip[0] = 0x45;
        put_be16(ip + 2, (uint16_t)(n + 28));
        ip[8] = 64;
        ip[9] = 17;
        memcpy(ip + 12, peer.ip, 4);
        memcpy(ip + 16, W.a.config.local_v4.ip, 4);
        sum4(ip);
    }
    put_be16(udp, 2152);
    put_be16(udp + 2, 2152);
    put_be16(udp + 4, (uint16_t)(n + 8));
    memcpy(udp + 8, gtpu, n);
    f.n = ETH + head + 8 + n + extra;
    int verdict = kernel(W.n3, &f, &out);
    if (verdict == XDP_PASS) {
        W.up++;
        assert_int_equal(out.n, f.n);
        octets_equal(out.p, f.p, f.n);
        net_gtpu(&W.b, gtpu, n, peer);
        outs_equal();
    } else {
        bool tunnel_to_tunnel = W.a.out_n && W.a.out[0].tunnel;
        judge(verdict, &out, !tunnel_to_tunnel, 1);
    }
    settle();
    return verdict;
}
static inline int downlink_(const uint8_t *packet, uint32_t n, uint32_t extra)
{
    struct frame f = {0}, out;
    uint32_t by_header = packet[0] >> 4 == 4 ? be16(packet + 2) : 40u + be16(packet + 4);
    if (by_header > n)
        extra = 0; /* would be part of it */
    else if (by_header >= 20)
        extra += n - by_header, n = by_header; /* as the kernel's forwarding cuts it */
    net_clear(&W.a);
    net_clear(&W.b);
    memcpy(net_inner(&W.a), packet, n);
    net_downlink(&W.a, 0, n);
    memcpy(f.p, W.mac6, 6);
    memcpy(f.p + 6, PEER_MAC, 6);
    put_be16(f.p + 12, packet[0] >> 4 == 6 ? 0x86dd : 0x800);
    memcpy(f.p + ETH, packet, n);
    f.n = ETH + n + extra;
    int verdict = kernel(W.n6, &f, &out);
    if (verdict == XDP_PASS) {
        W.up++;
        octets_equal(out.p, f.p, f.n);
        memcpy(net_inner(&W.b), packet, n);
        net_downlink(&W.b, 0, n);
        outs_equal();
    } else {
        judge(verdict, &out, true, 0);
    }
    settle();
    return verdict;
}

static inline uint32_t gtpu_make(uint8_t *g, uint32_t teid, uint8_t qfi, bool uplink_type, const uint8_t *inner, uint32_t n)
{
    uint32_t head = qfi ? 16 : 8;
    memset(g, 0, head);
    g[0] = qfi ? 0x34 : 0x30;
    g[1] = 255;
    put_be16(g + 2, (uint16_t)(n + head - 8));
    put_be32(g + 4, teid);
    if (qfi) {
        g[11] = 0x85;
        g[12] = 1;
        g[13] = uplink_type ? 0x10 : 0;
        g[14] = qfi;
    }
    memcpy(g + head, inner, n);
    return head + n;
}

/* ---- by hand ---- */
static inline void put_both(const struct rule_session *s)
{
    net_clear(&W.a);
    net_clear(&W.b);
    assert_int_equal(dp_session_set(W.a.dp, W.a.now, s, NULL), OK);
    assert_int_equal(dp_session_set(W.b.dp, W.b.now, s, NULL), OK);
    settle();
}
static inline uint32_t inner4(uint8_t *p, uint32_t i, bool up, uint32_t n)
{
    const uint8_t ue[4] = {10, 45, (uint8_t)(i >> 8), (uint8_t)i}, far[4] = {8, 8, 8, 8};
    up ? ip4(p, ue, far, n) : ip4(p, far, ue, n);
    sum4(p);
    return n;
}

/* 0, or what a test that cannot be made here returns. */
static inline int xdp_begin(char prefix[24])
{
    char why[XDP_WHY] = "";
    snprintf(prefix, 24, "rdxdp%d", (int)getpid());
    snprintf(NS, sizeof NS, "%s-upf", prefix);
    snprintf(FAR, sizeof FAR, "%s-far", prefix);
    struct dp_config c = net_config();
    struct xdp *x;
    if (xdp_open(&x, &(struct xdp_options){.dp = &c, .blocks_max = 1}, why) != OK) {
        fprintf(stderr, "%s: skipped\n", why);
        return 77;
    }
    xdp_close(x);
    if (network_make()) {
        fprintf(stderr, "no network namespaces here: skipped\n");
        return 77;
    }
    return 0;
}
