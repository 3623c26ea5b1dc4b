/* SPDX-License-Identifier: Apache-2.0 */
/* xdp_test.c - the packet path in the kernel against src/dp, packet by packet, with bpf_prog_test_run:
 * same verdict, same octets, same counters, same usage reports. What it hands up goes to a dp of its
 * own, as in os/user_plane_xdp.c. By seed: sessions, rules and packets, good and hostile. */
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

static uint32_t random_below(uint32_t n)
{
    return net_random(&W.rng, n);
}
static uint16_t sum(const uint8_t *p, uint32_t n)
{
    uint32_t s = 0;
    for (uint32_t i = 0; i + 1 < n; i += 2)
        s += be16(p + i);
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}
static void sum4(uint8_t *p)
{
    put_be16(p + 10, 0);
    put_be16(p + 10, sum(p, 20));
}

/* ---- a namespace with neighbours that are known ---- */
static void neighbour(const char *ifname, const char *text)
{
    struct net_addr a;
    assert_true(addr_parse(&a, str_of(text), 0));
    assert_int_equal(netns_neighbour(NS, ifname, &a, PEER_MAC), OK);
}
static void address(const char *ifname, const char *text, uint8_t bits)
{
    struct net_addr a;
    assert_true(addr_parse(&a, str_of(text), 0));
    assert_int_equal(netns_address(NS, ifname, &a, bits), OK);
}
static void route(const char *via)
{
    struct net_addr v;
    assert_true(addr_parse(&v, str_of(via), 0));
    assert_int_equal(netns_route(NS, &(struct net_addr){.family = v.family}, 0, &v, "n6"), OK);
}
static int network_make(void)
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
static void open_both(const struct dp_config *c, uint64_t now)
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
static void close_both(void)
{
    offload_free(W.offload);
    dp_free(W.a.dp);
    dp_free(W.b.dp);
    xdp_close(W.xdp);
}
static void time_goes(uint64_t us)
{
    W.a.now += us;
    W.b.now = W.a.now;
}

struct frame {
    uint8_t p[FRAME];
    uint32_t n;
};
static int kernel(uint32_t ifindex, const struct frame *in, struct frame *out)
{
    struct xdp_md ctx = {.data_end = in->n, .ingress_ifindex = ifindex};
    LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in->p, .data_size_in = in->n, .data_out = out->p,
                .data_size_out = FRAME, .ctx_in = &ctx, .ctx_size_in = sizeof ctx, .repeat = 1);
    xdp_clock(W.xdp, W.b.now * 1000);
    assert_int_equal(bpf_prog_test_run_opts(xdp_program(W.xdp), &o), 0);
    out->n = o.data_size_out;
    return (int)o.retval;
}

static void octets_equal(const uint8_t *got, const uint8_t *want, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (got[i] != want[i])
            fail_msg("octet %u of %u is %02x, not %02x", i, n, got[i], want[i]);
}
/* One hop less. */
static void hop(uint8_t *p)
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
static void sent_equal(const struct frame *f, struct net_out *o, bool routed)
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

static void events_equal(void)
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
static void counters_equal(void)
{
    uint64_t b[DP_COUNTERS];
    const uint64_t *a = dp_counters(W.a.dp);
    memcpy(b, dp_counters(W.b.dp), sizeof b);
    offload_counters(W.offload, b);
    for (unsigned i = 0; i < DP_COUNTERS; i++)
        if (a[i] != b[i])
            fail_msg("%s: %llu, not %llu", dp_counter_name(i), (unsigned long long)b[i], (unsigned long long)a[i]);
}
static void outs_equal(void)
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
static void settle(void)
{
    offload_settle(W.offload, W.b.now, true);
    events_equal();
    counters_equal();
    fate();
}

/* What the kernel decided, and what the reference did with the same packet, which it has had. */
static void judge(int verdict, const struct frame *out, bool routed, int direction)
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
static int uplink(const uint8_t *gtpu, uint32_t n, struct rule_addr peer, uint32_t extra)
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
static int downlink_(const uint8_t *packet, uint32_t n, uint32_t extra)
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

static uint32_t gtpu_make(uint8_t *g, uint32_t teid, uint8_t qfi, bool uplink_type, const uint8_t *inner, uint32_t n)
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
static void put_both(const struct rule_session *s)
{
    net_clear(&W.a);
    net_clear(&W.b);
    assert_int_equal(dp_session_set(W.a.dp, W.a.now, s, NULL), OK);
    assert_int_equal(dp_session_set(W.b.dp, W.b.now, s, NULL), OK);
    settle();
}
static uint32_t inner4(uint8_t *p, uint32_t i, bool up, uint32_t n)
{
    const uint8_t ue[4] = {10, 45, (uint8_t)(i >> 8), (uint8_t)i}, far[4] = {8, 8, 8, 8};
    up ? ip4(p, ue, far, n) : ip4(p, far, ue, n);
    sum4(p);
    return n;
}

static void a_session_is_handled_in_the_kernel(void **state)
{
    static struct plain p;
    uint8_t in[1600], g[1700];
    struct dp_config c = net_config();
    open_both(&c, 1000000);
    struct rule_session *s = plain_session(&p, c.sessions_max, 5, 1);
    put_both(s);
    assert_int_equal(offload_numbers(W.offload).fast, 1);
    uint32_t n = inner4(in, 5, true, 100);
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, n);
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_PASS); /* the first begins the usage rule's time */
    for (int i = 0; i < 5; i++)
        assert_int_equal(uplink(g, n, v4_peer(2), (uint32_t)i), XDP_REDIRECT);
    n = inner4(in, 5, false, 1300);
    assert_int_equal(downlink_(in, n, 0), XDP_REDIRECT);
    n = inner4(in, 5, false, 28);
    assert_int_equal(downlink_(in, n, 18), XDP_REDIRECT);
    n = inner4(in, 5, false, 1450);
    in[6] = 0x40;
    sum4(in);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS); /* too big: an ICMP message */
    assert_int_equal(W.b.out_n, 1);
    /* buffered, then released; in order */
    p.far[1].action = RULE_BUFF | RULE_NOCP;
    put_both(s);
    n = inner4(in, 5, false, 200);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    assert_int_equal(W.b.events_n, 1);
    p.far[1].action = RULE_FORW;
    put_both(s);
    assert_int_equal(W.b.out_n, 1);
    assert_int_equal(downlink_(in, n, 0), XDP_REDIRECT);
    /* while it is traced its packets are handed up, with the same counters, then it goes back */
    assert_int_equal(dp_session_trace(W.a.dp, W.a.now, 5, 1, 2), DP_WHERE_HERE);
    assert_int_equal(dp_session_trace(W.b.dp, W.b.now, 5, 1, 2), DP_WHERE_KERNEL);
    settle();
    assert_int_equal(offload_numbers(W.offload).fast, 0);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    assert_true(W.b.events_n == 1 && W.b.event[0].kind == DP_EVENT_TRACE);
    assert_int_equal(downlink_(in, n, 0), XDP_REDIRECT);
    /* a volume threshold, to the octet */
    p.urr[0].threshold.total = 5000;
    put_both(s);
    for (int i = 0; i < 60; i++)
        downlink_(in, n, 0);
    net_clear(&W.a);
    net_clear(&W.b);
    assert_int_equal(dp_session_drop(W.a.dp, W.a.now, 5, 1), OK);
    assert_int_equal(dp_session_drop(W.b.dp, W.b.now, 5, 1), OK);
    settle();
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    /* one with framed routes stays here, and its networks are found */
    struct rule_prefix behind = {.family = 4, .bits = 24, .ip = {192, 168, 7}};
    s = plain_session(&p, c.sessions_max, 6, 1);
    p.pdr[1].framed = &behind;
    p.pdr[1].framed_n = 1;
    put_both(s);
    assert_int_equal(offload_numbers(W.offload).fast, 0);
    n = inner4(in, 6, false, 100);
    memcpy(in + 16, (const uint8_t[4]){192, 168, 7, 9}, 4);
    sum4(in);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    assert_int_equal(W.b.out_n, 1);
    close_both();
}

/* ---- a process that is killed ---- */
static char PIN[64];
static void pin_options(struct xdp_options *o, const struct dp_config *c)
{
    *o = (struct xdp_options){.dp = c, .routed = ~0ull, .blocks_max = 20, .test_clock = true, .pin = PIN};
}
enum { ONLY_V6 = 3 }; /* of the three this one has no IPv4 address */
static struct rule_session *session_of(struct plain *p, const struct dp_config *c, uint32_t i)
{
    struct rule_session *s = plain_session(p, c->sessions_max, i, 1);
    p->urr[0].start_at_once = true;
    s->has_ipv4 = i != ONLY_V6;
    return s;
}
/* Opens all with three sessions, then dies without a word. */
static void die_at_work(const struct dp_config *c)
{
    char why[XDP_WHY];
    struct xdp_options o;
    pin_options(&o, c);
    struct xdp_link n3 = {.ifname = "n3"}, n6 = {.ifname = "n6", .instances = 3};
    struct net *t = calloc(1, sizeof *t);
    struct xdp *x;
    net_open(t, c);
    if (xdp_open(&x, &o, why) || xdp_attach(x, &n3, why) || xdp_attach(x, &n6, why) || !xdp_takes(x, &n3) || !xdp_takes(x, &n6))
        _exit(1);
    struct offload *off = offload_new(t->dp, xdp_maps(x), xdp_configured(x));
    for (uint32_t i = 1; i <= 3; i++) {
        static struct plain p;
        if (dp_session_set(t->dp, t->now, session_of(&p, c, i), NULL) != OK)
            _exit(2);
    }
    offload_settle(off, t->now, true);
    if (offload_numbers(off).fast != 3)
        _exit(3);
    kill(getpid(), SIGKILL);
}
static void one_dies_at_work(const struct dp_config *c)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        die_at_work(c);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
static bool pins_begin(void)
{
    snprintf(PIN, sizeof PIN, "/tmp/%.20s/upf", NS);
    if (xdp_mount(PIN) == OK)
        return true;
    print_message("no bpffs can be mounted here: skipped\n");
    return false;
}
static void pins_end(void)
{
    *strrchr(PIN, '/') = 0;
    assert_int_equal(umount(PIN), 0);
    rmdir(PIN);
}
static int program_at(const char *ifname)
{
    uint32_t id = 0;
    bpf_xdp_query_id((int)if_nametoindex(ifname), 0, &id);
    return id ? bpf_prog_get_fd_by_id(id) : -1;
}
/* The kernel takes it away a little after the last who held it. */
static void no_program_at(const char *ifname)
{
    int fd = -1;
    for (int i = 0; i < 200 && (fd = program_at(ifname)) >= 0; i++) {
        close(fd);
        usleep(10000);
    }
    assert_int_equal(fd, -1);
}
static int run_there(int program, uint32_t ifindex, struct frame *f)
{
    static struct frame out;
    struct xdp_md ctx = {.data_end = f->n, .ingress_ifindex = ifindex};
    LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->p, .data_size_in = f->n, .data_out = out.p, .data_size_out = FRAME,
                .ctx_in = &ctx, .ctx_size_in = sizeof ctx, .repeat = 1);
    assert_int_equal(bpf_prog_test_run_opts(program, &o), 0);
    return (int)o.retval;
}
static void frame_down(struct frame *f, uint32_t session)
{
    memcpy(f->p, W.mac6, 6);
    memcpy(f->p + 6, PEER_MAC, 6);
    put_be16(f->p + 12, session == ONLY_V6 ? 0x86dd : 0x800);
    const uint8_t far[16] = {0x2a, 9}, ue[16] = {0x20, 1, 0x0d, 0xb8, [7] = ONLY_V6, 1};
    f->n = ETH + (session == ONLY_V6 ? ip6(f->p + ETH, far, ue, 100) : inner4(f->p + ETH, session, false, 100));
}

/* What no honest peer sends is dropped wherever it is seen, and one of its kind a second is told of. */
static void abuse_in_the_kernel(void **state)
{
    static struct plain p;
    uint8_t in[1600], g[1700], nested[8] = {0x30, 255};
    struct dp_config c = net_config();
    c.check_peer = true;
    c.core[0] = c.local_v4;
    open_both(&c, 1000000);
    struct rule_session *s = plain_session(&p, c.sessions_max, 5, 1);
    p.urr[0].start_at_once = true;
    put_both(s);
    uint32_t n = gtpu_make(g, p.pdr[0].teid, 9, true, in, inner4(in, 5, true, 100));
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_REDIRECT);
    for (int i = 0; i < 3; i++) { /* from another address */
        assert_int_equal(uplink(g, n, v4_peer(3), 0), i ? XDP_DROP : XDP_PASS);
        assert_int_equal(W.b.abuse.what, DP_peer_wrong);
    }
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, inner4(in, 6, true, 100));
    for (int i = 0; i < 3; i++) { /* of another phone */
        assert_int_equal(uplink(g, n, v4_peer(2), 0), i ? XDP_DROP : XDP_PASS);
        assert_int_equal(W.b.abuse.what, DP_spoofed);
        assert_int_equal(W.b.abuse.peer.ip[3], 2);
    }
    assert_int_equal(W.b.abuses_n, 2);
    time_goes(1000000);
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_PASS);
    assert_int_equal(W.b.abuses_n, 3);
    /* a tunnel in it, and the core itself: the other half looks at each */
    n = inner4(in, 5, true, 36);
    put_be16(in + 22, 2152);
    memcpy(in + 28, nested, 8);
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, n);
    for (int i = 0; i < 2; i++)
        assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_PASS);
    assert_int_equal(W.b.abuse.what, DP_nested);
    inner4(in, 5, true, 100);
    memcpy(in + 16, c.local_v4.ip, 4);
    sum4(in);
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, 100);
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_PASS);
    assert_int_equal(W.b.abuse.what, DP_to_the_core);
    /* toward another UPF as well: who is on the other side is not on this */
    p.far[0].peer = v4_peer(4);
    p.far[0].teid = 0x5000;
    put_both(s);
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, inner4(in, 5, true, 100));
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_REDIRECT);
    assert_int_equal(uplink(g, n, v4_peer(4), 0), XDP_PASS); /* not where this tunnel ends */
    assert_int_equal(dp_counters(W.a.dp)[DP_peer_wrong], 4);
    close_both();
}

static void packets_go_on_when_the_process_is_killed(void **state)
{
    struct dp_config c = net_config();
    char why[XDP_WHY];
    if (!pins_begin())
        skip();
    one_dies_at_work(&c);
    /* the program is there, and does what it did */
    static struct frame f;
    int program = program_at("n6");
    assert_true(program >= 0);
    for (uint32_t i = 1; i <= 3; i++) {
        frame_down(&f, i);
        assert_int_equal(run_there(program, W.n6, &f), XDP_REDIRECT);
    }
    close(program);
    /* the next process */
    struct xdp_options o;
    pin_options(&o, &c);
    struct xdp_link n3 = {.ifname = "n3"}, n6 = {.ifname = "n6", .instances = 3};
    net_open(&W.b, &c);
    if (xdp_open(&W.xdp, &o, why))
        fail_msg("%s", why);
    assert_true(xdp_took_over(W.xdp));
    W.offload = offload_new(W.b.dp, xdp_maps(W.xdp), xdp_configured(W.xdp));
    assert_int_equal(offload_numbers(W.offload).left, 3);
    if (xdp_attach(W.xdp, &n3, why) || xdp_attach(W.xdp, &n6, why))
        fail_msg("%s", why);
    xdp_clock(W.xdp, 1); /* no next hop is known from before */
    frame_down(&f, 1);
    assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_REDIRECT);
    assert_true(n6.mode == XDP_NATIVE && xdp_takes(W.xdp, &n3) && xdp_takes(W.xdp, &n6));
    uint64_t k[DP_COUNTERS] = {0};
    offload_counters(W.offload, k);
    assert_int_equal(k[DP_to_tunnel], 4); /* counters go on, too */
    for (uint32_t i = 1; i <= 3; i++) {
        frame_down(&f, i);
        assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_REDIRECT);
    }
    /* N4 sets one up again, at another index: what it had counted before is not reported again */
    static struct plain p;
    struct rule_session *s = plain_session(&p, c.sessions_max, 7, 1);
    s->ipv4[3] = 1;
    s->ipv6_prefix[7] = 1;
    p.urr[0].start_at_once = true;
    assert_int_equal(dp_session_set(W.b.dp, W.b.now, s, NULL), OK);
    offload_settle(W.offload, W.b.now, true);
    assert_int_equal(offload_numbers(W.offload).fast, 1);
    assert_int_equal(offload_numbers(W.offload).left, 2);
    frame_down(&f, 1);
    assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_REDIRECT);
    struct rule_usage u;
    assert_int_equal(dp_usage_take(W.b.dp, W.b.now, 7, 1, 1, &u), OK);
    assert_int_equal(u.dl_packets, 1);
    s = session_of(&p, &c, ONLY_V6);
    s->session = 8;
    p.pdr[0].teid = dp_teid(c.sessions_max, 8, 0, 0x40000000);
    assert_int_equal(dp_session_set(W.b.dp, W.b.now, s, NULL), OK);
    offload_settle(W.offload, W.b.now, true);
    assert_int_equal(offload_numbers(W.offload).left, 1);
    /* the other ends, and takes nothing with it */
    assert_int_equal(offload_forget(W.offload), 1);
    frame_down(&f, ONLY_V6);
    assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_REDIRECT);
    frame_down(&f, 2);
    assert_int_equal(run_there(xdp_program(W.xdp), W.n6, &f), XDP_PASS);
    offload_free(W.offload);
    dp_free(W.b.dp);
    xdp_close(W.xdp);
    no_program_at("n6"); /* nothing is left */
    assert_int_equal(access(PIN, F_OK), -1);
    /* what another configuration left is ended, not taken over */
    one_dies_at_work(&c);
    c.inner_mtu = 1300;
    pin_options(&o, &c);
    assert_int_equal(xdp_open(&W.xdp, &o, why), OK);
    assert_false(xdp_took_over(W.xdp));
    no_program_at("n6");
    xdp_close(W.xdp);
    pins_end();
}

/* An interface that the next process has no more is let go. */
static void interfaces_may_go(void **state)
{
    struct dp_config c = net_config();
    char why[XDP_WHY];
    struct xdp_options o;
    struct xdp_link n6 = {.ifname = "n6", .instances = 3};
    if (!pins_begin())
        skip();
    one_dies_at_work(&c);
    pin_options(&o, &c);
    assert_int_equal(xdp_open(&W.xdp, &o, why), OK);
    assert_true(xdp_took_over(W.xdp));
    assert_int_equal(xdp_attach(W.xdp, &n6, why), OK);
    xdp_attached(W.xdp);
    no_program_at("n3");
    int program = program_at("n6");
    assert_true(program >= 0);
    close(program);
    xdp_close(W.xdp);
    no_program_at("n6");
    pins_end();
}

/* A map like another process could leave it, in the place of one of ours. */
static void replace_map(const char *name, enum bpf_map_type type, uint32_t value, uint32_t entries)
{
    LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = type == BPF_MAP_TYPE_ARRAY ? BPF_F_MMAPABLE : 0);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", PIN, name);
    unlink(path);
    int fd = bpf_map_create(type, "theirs", 4, value, entries, &o);
    assert_true(fd >= 0);
    assert_int_equal(bpf_obj_pin(fd, path), 0);
    close(fd);
}
static void file_make(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void what_is_found_is_looked_at(void **state)
{
    static const struct {
        const char *name;
        enum bpf_map_type type;
        uint32_t value, entries;
    } bad[] = {{"sessions", BPF_MAP_TYPE_ARRAY, 8, 1},
               {"sessions", BPF_MAP_TYPE_HASH, 8, 1},
               {"ue_cells", BPF_MAP_TYPE_ARRAY, 64, 1},
               {"counters", BPF_MAP_TYPE_ARRAY, 8, 4},
               {"ports", BPF_MAP_TYPE_ARRAY, 16, 1},
               {"config", BPF_MAP_TYPE_ARRAY, 8192, 1},
               {"config", BPF_MAP_TYPE_HASH, sizeof(struct xdp_config), 1}};
    struct dp_config c = net_config();
    char why[XDP_WHY];
    struct xdp_options o;
    if (!pins_begin())
        skip();
    pin_options(&o, &c);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        one_dies_at_work(&c);
        replace_map(bad[i].name, bad[i].type, bad[i].value, bad[i].entries);
        assert_int_equal(xdp_open(&W.xdp, &o, why), OK);
        assert_false(xdp_took_over(W.xdp));
        net_open(&W.b, &c);
        W.offload = offload_new(W.b.dp, xdp_maps(W.xdp), xdp_configured(W.xdp));
        assert_int_equal(offload_numbers(W.offload).left, 0);
        offload_free(W.offload);
        dp_free(W.b.dp);
        xdp_close(W.xdp);
        no_program_at("n6");
        assert_int_equal(access(PIN, F_OK), -1);
    }
    /* what others pinned beside it stays */
    char path[128], dir[64], link[128];
    one_dies_at_work(&c);
    replace_map("theirs", BPF_MAP_TYPE_ARRAY, 8, 1);
    xdp_unpin(PIN);
    no_program_at("n6");
    snprintf(path, sizeof path, "%s/theirs", PIN);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    /* a folder that somebody else can write, or has */
    assert_int_equal(chmod(PIN, 0777), 0);
    assert_int_equal(xdp_open(&W.xdp, &o, why), ERR_DENIED);
    assert_int_equal(chmod(PIN, 0700), 0);
    assert_int_equal(chown(PIN, 65534, 65534), 0);
    assert_int_equal(xdp_open(&W.xdp, &o, why), ERR_DENIED);
    assert_int_equal(rmdir(PIN), 0);
    /* a symbolic link to a folder of files, and that folder itself */
    snprintf(dir, sizeof dir, "/tmp/%.20s-files", NS);
    snprintf(path, sizeof path, "%s/sessions", dir);
    snprintf(link, sizeof link, "%s", PIN);
    assert_int_equal(mkdir(dir, 0700), 0);
    file_make(path);
    assert_int_equal(symlink(dir, link), 0);
    xdp_unpin(link);
    xdp_unpin(dir);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(xdp_open(&W.xdp, &o, why), ERR_DENIED);
    o.pin = dir;
    assert_int_equal(xdp_open(&W.xdp, &o, why), ERR_DENIED);
    assert_int_equal(unlink(link), 0);
    /* nothing is mounted over files, nor where others can write */
    snprintf(link, sizeof link, "%s/upf", dir);
    assert_int_equal(xdp_mount(link), ERR_EXISTS);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(xdp_mount(link), ERR_DENIED);
    assert_int_equal(rmdir(dir), 0);
    pins_end();
}

/* ---- by seed ---- */
static void filters_random(struct plain *p, struct rule_sdf *f, unsigned n)
{
    static const uint8_t nets[][4] = {{8, 8, 8, 0}, {9, 0, 0, 0}};
    for (unsigned i = 0; i < n; i++) {
        f[i] = (struct rule_sdf){0};
        if (random_below(2)) {
            f[i].remote = (struct rule_prefix){.family = 4, .bits = (uint8_t)(8 + random_below(25))};
            memcpy(f[i].remote.ip, nets[random_below(2)], 4);
            f[i].remote.ip[3] = (uint8_t)random_below(256);
        } else if (random_below(4) == 0) {
            f[i].remote = (struct rule_prefix){.family = 6, .bits = (uint8_t)random_below(40), .ip = {0x2a, 9}};
        }
        f[i].has_proto = random_below(2);
        f[i].proto = random_below(3) ? 17 : 6;
        if (random_below(3) == 0) {
            f[i].remote_ports_n = (uint8_t)(1 + random_below(2));
            f[i].remote_ports[0] = (struct rule_ports){1000, (uint16_t)(1000 + random_below(2000))};
            f[i].remote_ports[1] = (struct rule_ports){5, 6};
        }
        if (random_below(5) == 0) {
            f[i].local_ports_n = 1;
            f[i].local_ports[0] = (struct rule_ports){900, (uint16_t)(900 + random_below(2000))};
        }
        if (random_below(8) == 0)
            f[i].tos_mask = 0xfc;
        if (random_below(40) == 0)
            f[i].has_flow_label = true;
    }
}

static void random_session(uint32_t i)
{
    static struct plain p;
    static struct rule_pdr pdr[8];
    static struct rule_far far[4];
    static struct rule_sdf sdf[4][4];
    static const uint8_t actions[] = {RULE_FORW, RULE_FORW, RULE_FORW, RULE_FORW, RULE_DROP, RULE_DROP | RULE_NOCP,
                                      RULE_BUFF, RULE_BUFF | RULE_NOCP};
    W.gen[i] += !W.on[i] || random_below(5) == 0;
    struct rule_session *s = plain_session(&p, SESSIONS, i, W.gen[i]);
    p.far[1].action = actions[random_below(8)];
    p.far[1].peer = v4_peer((uint8_t)(2 + random_below(5)));
    if (random_below(4) == 0)
        p.far[1].peer = (struct rule_addr){6, 2152, {0x20, 1, [15] = (uint8_t)(2 + random_below(2))}};
    p.far[1].peer.dscp = (uint8_t)(random_below(2) ? random_below(64) : 0);
    p.far[1].send_end_marker = random_below(2);
    p.far[0].action = random_below(12) ? RULE_FORW : RULE_DROP;
    for (unsigned k = 0; k < 2; k++) { /* copies are made by the slow path alone */
        if (p.far[k].action & RULE_DROP || random_below(12))
            continue;
        p.far[k].action |= RULE_DUPL;
        p.far[k].copy_teid = 0x77;
        p.far[k].copy_to = v4_peer(6);
    }
    p.qer[0].has_mbr = random_below(3) == 0;
    p.qer[0].mbr_ul_kbit = random_below(4000);
    p.qer[0].mbr_dl_kbit = random_below(4000);
    p.qer[0].reflective = random_below(4) == 0;
    p.qer[0].qfi = (uint8_t)(random_below(4) ? 9 : 0);
    p.qer[0].gate_ul_closed = random_below(12) == 0;
    p.urr[0].threshold.total = random_below(3) ? 0 : 3000;
    p.urr[0].threshold.dl = random_below(5) ? 0 : 2000;
    p.urr[0].quota.total = random_below(6) ? 0 : 20000;
    p.urr[0].quota_fresh = random_below(2);
    p.urr[0].report_start = random_below(5) == 0;
    p.urr[0].time_threshold_us = random_below(6) ? 0 : 3000000;
    s->inactivity_us = random_below(3) ? 0 : 3000000;
    if (!random_below(4))
        s->has_ipv6 = false;
    if (random_below(3) == 0) { /* filters in front of the others */
        memcpy(pdr, p.pdr, sizeof p.pdr);
        memcpy(far, p.far, sizeof p.far);
        for (unsigned k = 0; k < 4; k++) {
            pdr[2 + k] = p.pdr[k & 1];
            pdr[2 + k].id = (uint16_t)(10 + k);
            pdr[2 + k].precedence = 1 + random_below(300);
            pdr[2 + k].sdf_n = (uint16_t)(1 + random_below(4));
            pdr[2 + k].far_id = k & 1 ? 3 : 4;
            filters_random(&p, sdf[k], pdr[2 + k].sdf_n);
            pdr[2 + k].sdf = sdf[k];
            if (!(k & 1) && !random_below(3))
                pdr[2 + k].qfis = 1u << 9;
        }
        far[2] = (struct rule_far){.id = 3, .action = actions[random_below(8)], .destination = RULE_ACCESS,
                                   .teid = GNB_TEID + 0x100 + i, .peer = v4_peer(2)};
        far[3] = (struct rule_far){.id = 4, .action = random_below(4) ? RULE_FORW : RULE_DROP, .destination = RULE_CORE};
        if (random_below(4) == 0) { /* an uplink classifier: on to another UPF */
            far[3].teid = 0x5000 + i;
            far[3].peer = v4_peer(3);
        }
        s->pdr = pdr;
        s->pdr_n = 6;
        s->far = far;
        s->far_n = 4;
    }
    W.on[i] = true;
    W.teid[i] = p.pdr[0].teid;
    put_both(s);
}

static uint32_t random_inner(uint8_t *p, bool up, uint32_t mine, uint32_t other)
{
    uint8_t a[16] = {0x2a, 9}, b[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, (uint8_t)mine, 1};
    uint8_t far[4] = {8, 8, 8, (uint8_t)random_below(256)}, ue[4] = {10, 45, 0, (uint8_t)mine};
    uint32_t n = 60 + random_below(random_below(8) ? 100 : 1340);
    if (random_below(3) == 0)
        far[0] = 9;
    if (up && !random_below(6)) /* to another UE */
        far[0] = 10, far[1] = 45, far[2] = 0, far[3] = (uint8_t)other;
    bool v4 = random_below(3);
    if (v4)
        up ? ip4(p, ue, far, n) : ip4(p, far, ue, n);
    else
        up ? ip6(p, b, a, n) : ip6(p, a, b, n);
    uint8_t *l4 = p + (v4 ? 20 : 40);
    if (random_below(3) == 0) {
        static const uint8_t protos[] = {6, 1, 58, 50, 51, 132, 44, 0, 60, 47};
        p[v4 ? 9 : 6] = protos[random_below(10)];
    }
    put_be16(l4, (uint16_t)(800 + random_below(2500)));
    put_be16(l4 + 2, (uint16_t)(800 + random_below(2500)));
    if (up && random_below(10) == 0) { /* a tunnel in the tunnel, or nearly one */
        static const uint16_t ports[] = {2152, 2123, 8805, 38412, 38472};
        static const uint8_t first[] = {0x30, 0x48, 0x20};
        uint32_t k = random_below(5), head = (v4 ? 28 : 48), less = k ? 4 : 8;
        p[v4 ? 9 : 6] = k < 3 ? 17 : 132;
        put_be16(l4 + 2, ports[k]);
        p[head] = first[k % 3];
        put_be16(p + head + 2, (uint16_t)(n - head - less + !random_below(4)));
    }
    if (random_below(10) == 0) {
        if (v4)
            p[1] = 0xb8;
        else
            p[0] |= 0x0b;
    }
    if (random_below(20) == 0)
        p[v4 ? 8 : 7] = (uint8_t)random_below(3);
    if (v4 && random_below(20) == 0)
        p[6] = (uint8_t)random_below(256); /* fragments */
    if (v4)
        sum4(p);
    if (!random_below(6)) /* and some of it changed */
        for (unsigned i = 0; i < 3; i++)
            p[random_below(48)] ^= (uint8_t)(1u << random_below(8));
    if (up && random_below(12) == 0) { /* to the core itself; hosts beside it on N3 are no matter of this */
        memcpy(v4 ? p + 16 : p + 24, v4 ? W.a.config.local_v4.ip : W.a.config.local_v6.ip, v4 ? 4 : 16);
        if (v4)
            sum4(p);
    }
    return n;
}

static void random_uplink(void)
{
    static uint8_t in[1600], g[1700];
    uint32_t i = random_below(SESSIONS), other = random_below(SESSIONS);
    uint32_t n = random_inner(in, true, random_below(5) ? i : other, other), teid = W.teid[i];
    if (!random_below(15))
        teid ^= 1u << random_below(32);
    n = gtpu_make(g, teid, (uint8_t)(random_below(3) ? random_below(64) : 0), random_below(20), in, n);
    if (!random_below(8)) /* hostile */
        for (unsigned k = 0; k < 2; k++)
            g[random_below(20)] ^= (uint8_t)(1u << random_below(8));
    if (!random_below(20))
        n = random_below(n);
    struct rule_addr peer = v4_peer((uint8_t)(2 + random_below(3)));
    if (!random_below(3))
        peer = (struct rule_addr){6, 2152, {0x20, 1, [15] = 2}};
    uplink(g, n, peer, random_below(4) ? 0 : random_below(30));
}

static void one_step(void)
{
    static uint8_t in[1600];
    uint32_t i = random_below(SESSIONS);
    time_goes(random_below(2000));
    switch (random_below(24)) {
    case 0:
    case 1: random_session(i); break;
    case 2:
        if (random_below(3) || !W.on[i])
            break;
        net_clear(&W.a);
        net_clear(&W.b);
        assert_int_equal(dp_session_drop(W.a.dp, W.a.now, i, W.gen[i]), OK);
        assert_int_equal(dp_session_drop(W.b.dp, W.b.now, i, W.gen[i]), OK);
        W.on[i] = false;
        settle();
        break;
    case 3:
        time_goes(100000);
        net_clear(&W.a);
        net_clear(&W.b);
        dp_tick(W.a.dp, W.a.now);
        dp_tick(W.b.dp, W.b.now);
        settle();
        break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12: random_uplink(); break;
    default: {
        uint32_t n = random_inner(in, false, i, i);
        if (in[0] >> 4 == 4 || in[0] >> 4 == 6)
            downlink_(in, n, random_below(4) ? 0 : random_below(30));
    }
    }
}

static void the_kernel_does_what_dp_does(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct dp_config c = net_config();
        c.sessions_max = SESSIONS;
        c.check_peer = seed % 3 == 0;
        c.ue_to_ue = seed % 2;
        c.nested = seed == 4;
        c.core[0] = c.local_v4;
        c.core[1] = c.local_v6;
        c.instances = 1;
        open_both(&c, 1000000);
        W.rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        memset(W.fast, 0, sizeof W.fast);
        W.dropped = W.up = 0;
        for (uint32_t i = 0; i < SESSIONS; i++)
            random_session(i);
        for (unsigned i = 0; i < STEPS; i++)
            one_step();
        if (getenv("VERBOSE"))
            print_message("seed %d: kernel up %d down %d dropped %d, handed up %d\n", (int)seed, (int)W.fast[1], (int)W.fast[0],
                          (int)W.dropped, (int)W.up);
        const uint64_t *k = dp_counters(W.a.dp);
        if (getenv("VERBOSE"))
            print_message("nested %d to the core %d told %d\n", (int)k[DP_nested], (int)k[DP_to_the_core], (int)W.b.abuses_n);
        assert_true(k[DP_to_the_core] > 3 && (k[DP_nested] > 3 || c.nested) && W.b.abuses_n > 10);
        assert_true(W.fast[0] > STEPS / 20 && W.fast[1] > STEPS / 200 && W.dropped > STEPS / 40);
        close_both();
    }
}

int main(void)
{
    char why[XDP_WHY] = "", prefix[24];
    snprintf(prefix, sizeof prefix, "rdxdp%d", (int)getpid());
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
    int failed = RUN(unit(a_session_is_handled_in_the_kernel), unit(abuse_in_the_kernel), unit(packets_go_on_when_the_process_is_killed),
                     unit(interfaces_may_go), unit(what_is_found_is_looked_at),
                     unit(the_kernel_does_what_dp_does));
    netns_delete_prefix(prefix);
    return failed;
}
