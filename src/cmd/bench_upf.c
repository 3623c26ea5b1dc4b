/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf.c - redoubt bench upf: what a packet costs in the kernel's data path, by itself (test runs of the program)
 * and beside the kernel's own forwarding (in namespaces of its own, with packets made and counted by BPF programs). */
#include "cmd/bench_upf.h"
#include "cmd/bench_upf_frame.h"
#include "cmd/bench_upf_latency.h"
#include "cmd/bench_upf_n4.h"
#include "cmd/bench_upf_place.h"
#include "cmd/bench_upf_restart.h"
#include "cmd/bench_upf_tcp.h"
#include "os/loop.h"
#include "os/netns.h"
#include "os/xdp.h"
#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ALL = 1000000,
    MIX = 10000,
    REPEAT = 20000,
    RUNS = 40, /* of the program alone, of which the quickest counts: others were disturbed */
    ROUNDS = 5,
    MTU = 1400,
    N4_SESSIONS = 200000,
};
static const uint32_t UE_FIRST = 0x0a400000; /* 10.64.0.0/10 */
static const uint32_t sizes[] = {64, 1400};
struct place {
    char prefix[24];
    struct bench_links links;
    uint32_t n3, n6, gnb_if, data_if; /* indices, each in its namespace */
};
struct path { /* the path under test, with its sessions */
    struct dp *dp;
    struct xdp *xdp;
    struct offload *offload;
    struct dp_config config;
    uint32_t sessions;
};
struct bench_upf {
    bool json;
    const char *part; /* NULL: all */
    uint32_t duration_ms;
    struct place at;
    struct xdp *tools; /* sender and sink */
    int sink[2];       /* their links */
    struct {
        double ns_up, ns_down, cost_sessions, cost_sessions_alone, cost_filters, ns_line;
        double kernel[2][2], upf[2][2], bare[2][2]; /* packets a second: [down, up][64, 1400 octets] */
        double police_pct;
    } r;
    struct bench_upf_latency latency;
    struct bench_upf_tcp tcp;
    struct bench_upf_n4 n4;
    struct bench_upf_restart restart;
    char why[XDP_WHY];
};

static void say(const struct bench_upf *b, const char *text)
{
    fprintf(b->json ? stderr : stdout, "%s\n", text);
    fflush(stdout);
}

/* ---- the place ---- */
static int index_of(void *name) { return (int)if_nametoindex(name); }
static int link_index(const char *netns, const char *name) { return netns_run(netns, index_of, (void *)(uintptr_t)name); }

static int place_make(struct place *p)
{
    const struct net_addr ues = bench_addr("10.64.0.0"), g3 = bench_addr("192.168.3.2");
    int e = bench_links_make(&p->links, p->prefix, "");
    /* for the kernel's own forwarding: phones are behind the gNB without a tunnel */
    e = e < 0 ? e : netns_route(p->links.upf, &ues, 10, &g3, "n3");
    p->n3 = (uint32_t)link_index(p->links.upf, "n3");
    p->n6 = (uint32_t)link_index(p->links.upf, "n6");
    p->gnb_if = (uint32_t)link_index(p->links.gnb, "n3");
    p->data_if = (uint32_t)link_index(p->links.data, "n6");
    return e;
}

/* ---- sessions ---- */
static void config_make(struct dp_config *c, uint32_t sessions)
{
    *c = (struct dp_config){.sessions_max = sessions, .inner_mtu = MTU, .instances = 1, .pools = 1,
                            .pool = {{0, {10, 64, 0, 0}, 10}}, .local_v4 = {4, DP_GTPU_PORT, {192, 168, 3, 1}},
                            .secret0 = 1, .secret1 = 2};
}

/* A usual session: one tunnel, session AMBR, a flow with its QFI, volume counted against a threshold; with filters, all
 * packets match the last one of each rule. */
static bool session_put(struct path *p, uint32_t i, unsigned filters, uint64_t mbr_kbit)
{
    struct rule_sdf sdf[RULE_MAX / 2] = {{0}};
    struct rule_urr urr = {.id = 1, .measure_volume = true, .start_at_once = true, .threshold.total = 1ull << 60};
    struct rule_qer qer = {.id = 1, .qfi = 9, .has_mbr = true, .mbr_ul_kbit = mbr_kbit, .mbr_dl_kbit = mbr_kbit};
    struct rule_far far[2] = {{.id = 1, .action = RULE_FORW, .destination = RULE_CORE},
                              {.id = 2, .action = RULE_FORW, .destination = RULE_ACCESS, .teid = 0x10000 + i,
                               .peer = {4, DP_GTPU_PORT, {192, 168, 3, 2}}}};
    struct rule_pdr pdr[2] = {{.id = 1, .precedence = 1, .source = RULE_ACCESS, .outer_header_removal = true, .far_id = 1},
                              {.id = 2, .precedence = 1, .source = RULE_CORE, .far_id = 2}};
    pdr[0].teid = dp_teid(p->config.sessions_max, i, 0, 0x40000000);
    for (unsigned k = 0; k < filters; k++) {
        sdf[k] = (struct rule_sdf){.has_proto = true, .proto = 17, .remote = {4, 8, false, {198}},
                                   .remote_ports_n = 1, .remote_ports = {{(uint16_t)(1 + k), (uint16_t)(1 + k)}}};
        if (k + 1 == filters)
            sdf[k].remote_ports[0] = (struct rule_ports){9, 9};
        else if (k == 8)
            sdf[k].remote_ports[0] = (struct rule_ports){99, 99};
    }
    for (unsigned k = 0; k < 2; k++) {
        pdr[k].qer_n = pdr[k].urr_n = 1;
        pdr[k].qer_id[0] = pdr[k].urr_id[0] = 1;
        pdr[k].sdf = sdf;
        pdr[k].sdf_n = (uint16_t)filters;
    }
    struct rule_session s = {.session = i, .gen = 1, .has_ipv4 = true, .pdr = pdr, .far = far, .qer = &qer, .urr = &urr,
                             .pdr_n = 2, .far_n = 2, .qer_n = 1, .urr_n = 1};
    put_be32(s.ipv4, UE_FIRST + i);
    return dp_session_set(p->dp, loop_now_us(), &s, NULL) == OK;
}

static void path_close(struct path *p)
{
    offload_free(p->offload);
    dp_free(p->dp);
    xdp_close(p->xdp);
    *p = (struct path){0};
}

struct opening {
    struct bench_upf *b;
    struct path *p;
    unsigned filters;
    uint64_t mbr_kbit;
};
static int path_open_here(void *ctx)
{
    struct opening *o = ctx;
    struct path *p = o->p;
    struct xdp_options x = {.dp = &p->config, .routed = 1, .blocks_max = o->filters ? p->sessions + 1 : 1, .bench = true};
    struct xdp_link n3 = {.ifname = "n3"}, n6 = {.ifname = "n6", .instances = 1};
    int e = xdp_open(&p->xdp, &x, o->b->why);
    e = e < 0 ? e : xdp_attach(p->xdp, &n3, o->b->why);
    e = e < 0 ? e : xdp_attach(p->xdp, &n6, o->b->why);
    if (e >= 0 && (!xdp_takes(p->xdp, &n3) || !xdp_takes(p->xdp, &n6)))
        e = ERR_UNSUPPORTED;
    return e;
}
static int path_open(struct bench_upf *b, struct path *p, uint32_t sessions, unsigned filters, uint64_t mbr_kbit)
{
    struct opening o = {b, p, filters, mbr_kbit};
    *p = (struct path){.sessions = sessions};
    config_make(&p->config, sessions);
    p->dp = dp_new(&p->config, &(struct dp_io){0});
    int e = p->dp ? netns_run(b->at.links.upf, path_open_here, &o) : ERR_NOSPACE;
    if (e < 0)
        return bench_upf_failed("the XDP data path is not to be had here", *b->why ? b->why : err_text(e));
    p->offload = offload_new(p->dp, xdp_maps(p->xdp), xdp_configured(p->xdp));
    for (uint32_t i = 0; p->offload && i < sessions; i++)
        if (!session_put(p, i, filters, mbr_kbit))
            return bench_upf_failed("sessions could not be made", "");
    if (p->offload)
        offload_settle(p->offload, loop_now_us(), true);
    if (!p->offload || offload_numbers(p->offload).fast != sessions)
        return bench_upf_failed("sessions did not all reach the kernel", "");
    return EXIT_OK;
}

/* ---- packets ---- */
static uint32_t frame_make(const struct bench_upf *b, const struct path *p, bool up, bool tunnel, uint32_t n, uint8_t *f,
                           struct xdp_bench *x)
{
    const struct bench_frame frame = {.to = up ? b->at.links.n3_mac : b->at.links.n6_mac, .from = up ? b->at.links.gnb_mac : b->at.links.data_mac,
                                      .ue_first = UE_FIRST, .sessions = p->sessions, .sessions_max = p->config.sessions_max,
                                      .up = up, .tunnel = tunnel, .n = n};
    return bench_frame_make(&frame, f, x);
}
static int state_put(struct xdp *x, const struct xdp_bench *s)
{
    uint32_t k = 0;
    return bpf_map_update_elem(xdp_named_map(x, "bench"), &k, s, BPF_ANY) ? ERR_IO : OK;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof *v, compare);
    return v[n / 2];
}

/* ---- the program alone ---- */
/* Nanoseconds a run of this program, less what it takes to make a packet; negative: failed. */
static double alone(struct bench_upf *b, struct path *p, const char *program, bool up)
{
    uint8_t f[BENCH_FRAME_MAX];
    struct xdp_bench s;
    double all = 1e9, base = 1e9;
    struct bench_run r = {.program = xdp_named_program(p->xdp, program), .repeat = REPEAT, .frame = f,
                          .ifindex = up ? b->at.n3 : b->at.n6};
    r.n = frame_make(b, p, up, true, 128, f, &s);
    for (unsigned i = 0; i < RUNS * 2; i++) {
        uint32_t k = 0;
        struct xdp_bench after;
        s.base = i & 1;
        if (state_put(p->xdp, &s) < 0 || netns_run(b->at.links.upf, bench_run, &r) < 0 ||
            bpf_map_lookup_elem(xdp_named_map(p->xdp, "bench"), &k, &after))
            return -1;
        if (after.lost)
            return -1;
        double *least = s.base ? &base : &all;
        *least = r.ns < *least ? r.ns : *least;
        s.walk = after.walk;
    }
    return all - base;
}

struct cost { /* ns a packet: of the program alone, of the whole veth path with 64 octets; of a session's memory */
    double up, down, path, line;
};
static bool flood(struct bench_upf *b, const struct path *p, bool up, bool tunnel, uint32_t n, double *packets, double *octets);
/* Both ways, one after the other. */
static double path_ns(struct bench_upf *b, const struct path *p)
{
    double ns[ROUNDS], up, down, octets;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!flood(b, p, true, true, sizes[0], &up, &octets) || !flood(b, p, false, true, sizes[0], &down, &octets))
            return -1;
        ns[i] = 1e9 / up + 1e9 / down;
    }
    return median(ns, ROUNDS);
}
static int cost_of(struct bench_upf *b, uint32_t sessions, unsigned filters, bool whole, struct cost *c)
{
    struct path p;
    int status = path_open(b, &p, sessions, filters, 100000000);
    *c = (struct cost){-1, -1, 0, 0};
    if (status == EXIT_OK) {
        c->up = alone(b, &p, "bench_path", true);
        c->down = alone(b, &p, "bench_path", false);
        c->path = whole ? path_ns(b, &p) : 0;
        c->line = whole ? alone(b, &p, "bench_touch", true) : 0;
    }
    path_close(&p);
    if (status == EXIT_OK && (c->up < 0 || c->down < 0 || c->path < 0))
        status = bench_upf_failed("the program did not forward what it was given", "");
    return status;
}

static int costs(struct bench_upf *b)
{
    struct cost mix, one, all, one_filter, sixteen;
    if (cost_of(b, MIX, 0, false, &mix) || cost_of(b, 1, 0, true, &one) || cost_of(b, ALL, 0, true, &all) ||
        cost_of(b, 1, 1, false, &one_filter) || cost_of(b, 1, 16, false, &sixteen))
        return EXIT_FAILED;
    b->r.ns_up = mix.up;
    b->r.ns_down = mix.down;
    b->r.cost_sessions = all.path / one.path;
    b->r.cost_sessions_alone = (all.up + all.down) / (one.up + one.down);
    b->r.cost_filters = (sixteen.up + sixteen.down) / (one_filter.up + one_filter.down);
    b->r.ns_line = all.line;
    return EXIT_OK;
}

/* ---- beside the kernel ---- */
static bool sunk(const struct bench_upf *b, uint64_t *packets, uint64_t *octets)
{
    static uint64_t v[1024];
    int map = xdp_named_map(b->tools, "sunk"), cpus = (int)xdp_maps(b->tools)->cpus;
    uint64_t *to[] = {packets, octets};
    for (uint32_t k = 0; k < 2; k++) {
        if (bpf_map_lookup_elem(map, &k, v))
            return false;
        *to[k] = 0;
        for (int c = 0; c < cpus; c++)
            *to[k] += v[c];
    }
    return true;
}

/* As many as go; packets and octets a second at the other end, or false. */
static bool flood_for(struct bench_upf *b, uint32_t ms, const struct path *p, bool up, bool tunnel, uint32_t n, double *packets,
                      double *octets)
{
    uint8_t f[BENCH_FRAME_MAX];
    struct xdp_bench s;
    uint64_t from[2], to[2], start, end = 0;
    struct bench_run r = {.program = xdp_named_program(b->tools, "bench_send"), .repeat = 65536, .frame = f,
                    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .ifindex = up ? b->at.gnb_if : b->at.data_if};
    r.n = frame_make(b, p, up, tunnel, n, f, &s);
    s.ifindex = r.ifindex;
    s.forward[0] = b->at.n3;
    s.forward[1] = b->at.n6;
    if (state_put(b->tools, &s) < 0)
        return false;
    for (bool warm = true;; warm = false) {
        if (!sunk(b, &from[0], &from[1]))
            return false;
        start = loop_now_us();
        do {
            if (netns_run(up ? b->at.links.gnb : b->at.links.data, bench_run, &r) < 0)
                return false;
            end = loop_now_us();
        } while (!warm && end - start < ms * 1000ull);
        usleep(1000);
        if (!warm)
            break;
    }
    if (!sunk(b, &to[0], &to[1]))
        return false;
    *packets = (double)(to[0] - from[0]) * 1e6 / (double)(end - start);
    *octets = (double)(to[1] - from[1]) * 1e6 / (double)(end - start);
    return true;
}

static bool flood(struct bench_upf *b, const struct path *p, bool up, bool tunnel, uint32_t n, double *packets, double *octets)
{
    return flood_for(b, b->duration_ms, p, up, tunnel, n, packets, octets);
}

static int sink_here(void *ctx)
{
    struct bench_upf *b = ctx;
    uint32_t ifindex = if_nametoindex("n3") ? if_nametoindex("n3") : if_nametoindex("n6");
    LIBBPF_OPTS(bpf_link_create_opts, o, .flags = XDP_FLAGS_DRV_MODE);
    int fd = bpf_link_create(xdp_named_program(b->tools, "bench_sink"), (int)ifindex, BPF_XDP, &o);
    if (fd < 0)
        return ERR_UNSUPPORTED;
    b->sink[b->sink[0] >= 0] = fd;
    return OK;
}
static int tools_open(struct bench_upf *b)
{
    struct dp_config c;
    config_make(&c, 1);
    struct xdp_options x = {.dp = &c, .blocks_max = 1, .bench = true};
    int e = xdp_open(&b->tools, &x, b->why);
    e = e < 0 ? e : netns_run(b->at.links.gnb, sink_here, b);
    e = e < 0 ? e : netns_run(b->at.links.data, sink_here, b);
    return e < 0 ? bench_upf_failed("XDP is not to be had here", *b->why ? b->why : err_text(e)) : EXIT_OK;
}

/* A program that only passes frames on, in the place of the UPF's. */
struct bare {
    struct bench_upf *b;
    int link[2];
};
static int bare_here(void *ctx)
{
    struct bare *k = ctx;
    const uint32_t at[] = {k->b->at.n3, k->b->at.n6};
    int out = xdp_named_map(k->b->tools, "out"), program = xdp_named_program(k->b->tools, "bench_forward");
    LIBBPF_OPTS(bpf_link_create_opts, o, .flags = XDP_FLAGS_DRV_MODE);
    for (unsigned i = 0; i < 2; i++) {
        k->link[i] = bpf_link_create(program, (int)at[i], BPF_XDP, &o);
        if (k->link[i] < 0 || bpf_map_update_elem(out, &at[i], &at[i], BPF_ANY))
            return ERR_UNSUPPORTED;
    }
    return OK;
}
static bool bare_floods(struct bench_upf *b, double to[2][2][ROUNDS], unsigned round)
{
    const struct path none = {.sessions = MIX, .config.sessions_max = MIX};
    struct bare k = {b, {-1, -1}};
    double octets;
    bool ok = netns_run(b->at.links.upf, bare_here, &k) == OK;
    for (unsigned i = 0; ok && i < 4; i++)
        ok = flood(b, &none, i & 1, false, sizes[i / 2], &to[i & 1][i / 2][round], &octets);
    for (unsigned i = 0; i < 2; i++)
        if (k.link[i] >= 0)
            close(k.link[i]);
    return ok;
}

/* They are measured in turns, so that what else the machine does meets all. */
static int beside(struct bench_upf *b)
{
    double kernel[2][2][ROUNDS], upf[2][2][ROUNDS], bare[2][2][ROUNDS], octets;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct path none = {.sessions = MIX, .config.sessions_max = MIX}, p;
        for (unsigned k = 0; k < 4; k++)
            if (!flood(b, &none, k & 1, false, sizes[k / 2], &kernel[k & 1][k / 2][i], &octets))
                return bench_upf_failed("packets could not be sent", "");
        if (!bare_floods(b, bare, i))
            return bench_upf_failed("packets could not be sent", "");
        if (path_open(b, &p, MIX, 0, 100000000))
            return EXIT_FAILED;
        for (unsigned k = 0; k < 4; k++)
            if (!flood(b, &p, k & 1, true, sizes[k / 2], &upf[k & 1][k / 2][i], &octets))
                return bench_upf_failed("packets could not be sent", "");
        path_close(&p);
    }
    for (unsigned k = 0; k < 4; k++) {
        b->r.kernel[k & 1][k / 2] = median(kernel[k & 1][k / 2], ROUNDS);
        b->r.bare[k & 1][k / 2] = median(bare[k & 1][k / 2], ROUNDS);
        b->r.upf[k & 1][k / 2] = median(upf[k & 1][k / 2], ROUNDS);
        if (b->r.kernel[k & 1][k / 2] <= 0 || b->r.upf[k & 1][k / 2] <= 0 || b->r.bare[k & 1][k / 2] <= 0)
            return bench_upf_failed("packets did not arrive", "");
    }
    return EXIT_OK;
}

/* A phone that sends more than its session AMBR: how far what arrives is from it. For long against a tick of the clock that
 * the policer reads, 4 ms or 10: one more or less within 150 ms is an error of some per cent by itself. */
static int policed(struct bench_upf *b)
{
    enum { KBIT = 200000, MS_MIN = 1000 };
    struct path p;
    double packets, octets;
    if (path_open(b, &p, 1, 0, KBIT))
        return EXIT_FAILED;
    bool ok = flood_for(b, b->duration_ms < MS_MIN ? MS_MIN : b->duration_ms, &p, true, true, 1400, &packets, &octets);
    path_close(&p);
    if (!ok)
        return bench_upf_failed("packets could not be sent", "");
    b->r.police_pct = (octets * 8 / (KBIT * 1000.0) - 1) * 100;
    if (b->r.police_pct < 0)
        b->r.police_pct = -b->r.police_pct;
    return EXIT_OK;
}

/* The worse way. */
static double portable_share(const struct bench_upf_tcp *t, enum bench_tcp_way of)
{
    double down = t->mbit[BENCH_TCP_PORTABLE][0] / t->mbit[of][0], up = t->mbit[BENCH_TCP_PORTABLE][1] / t->mbit[of][1];
    return down < up ? down : up;
}

static bool wanted(const struct bench_upf *b, const char *part)
{
    return !b->part || !part || strcmp(b->part, part) == 0;
}
static void report(const struct bench_upf *b)
{
    const struct {
        const char *key, *text;
        double value;
        int digits;
        const char *part;
    } rows[] = {
        {"ns_per_packet_up", "the program alone, up, 10,000 sessions, ns", b->r.ns_up, 0, "xdp"},
        {"ns_per_packet_down", "the program alone, down, ns", b->r.ns_down, 0, "xdp"},
        {"cost_1m_sessions_vs_1", "a packet with 1,000,000 sessions against one, on the veth path", b->r.cost_sessions, 2, "xdp"},
        {"cost_1m_sessions_vs_1_alone", "  the program alone", b->r.cost_sessions_alone, 2, "xdp"},
        {"ns_random_session", "  what memory takes for one word of a random one of them, ns", b->r.ns_line, 0, "xdp"},
        {"cost_16_filters_vs_1", "a packet with 16 filters against one", b->r.cost_filters, 2, "xdp"},
        {"up64_vs_kernel", "packets a second against the kernel's forwarding: up, 64 octets", b->r.upf[1][0] / b->r.kernel[1][0], 2, "xdp"},
        {"down64_vs_kernel", "  down, 64 octets", b->r.upf[0][0] / b->r.kernel[0][0], 2, "xdp"},
        {"up1400_vs_kernel", "  up, 1,400 octets", b->r.upf[1][1] / b->r.kernel[1][1], 2, "xdp"},
        {"down1400_vs_kernel", "  down, 1,400 octets", b->r.upf[0][1] / b->r.kernel[0][1], 2, "xdp"},
        {"bare_up64_vs_kernel", "  a program that only passes frames on: up, 64 octets", b->r.bare[1][0] / b->r.kernel[1][0], 2, "xdp"},
        {"bare_down64_vs_kernel", "  down, 64 octets", b->r.bare[0][0] / b->r.kernel[0][0], 2, "xdp"},
        {"bare_up1400_vs_kernel", "  up, 1,400 octets", b->r.bare[1][1] / b->r.kernel[1][1], 2, "xdp"},
        {"bare_down1400_vs_kernel", "  down, 1,400 octets", b->r.bare[0][1] / b->r.kernel[0][1], 2, "xdp"},
        {"up64_pps", "packets a second, up, 64 octets", b->r.upf[1][0], 0, "xdp"},
        {"down64_pps", "  down, 64 octets", b->r.upf[0][0], 0, "xdp"},
        {"kernel_up64_pps", "  the kernel, up, 64 octets", b->r.kernel[1][0], 0, "xdp"},
        {"kernel_down64_pps", "  the kernel, down, 64 octets", b->r.kernel[0][0], 0, "xdp"},
        {"added_us_p50", "added to the kernel's forwarding at a tenth of the load: p50, us", b->latency.xdp[0], 2, "latency"},
        {"added_us_p99", "  p99", b->latency.xdp[1], 2, "latency"},
        {"added_us_p50_portable", "  by the portable path, p50", b->latency.portable[0], 2, "latency"},
        {"added_us_p99_portable", "  p99", b->latency.portable[1], 2, "latency"},
        {"kernel_us_p50", "  the kernel's forwarding, p50", b->latency.kernel[0], 2, "latency"},
        {"kernel_us_p99", "  p99", b->latency.kernel[1], 2, "latency"},
        {"latency_pps", "  packets a second in that", b->latency.rate, 0, "latency"},
        {"portable_tcp_vs_kernel", "TCP through the portable user plane against the kernel's forwarding, between the same ends",
         portable_share(&b->tcp, BENCH_TCP_KERNEL), 2, "tcp"},
        {"portable_tcp_vs_kernel_alone", "  against the kernel's forwarding without phone and gNB", portable_share(&b->tcp, BENCH_TCP_ALONE), 2, "tcp"},
        {"portable_tcp_down_mbit", "  down, Mbit/s", b->tcp.mbit[BENCH_TCP_PORTABLE][0], 0, "tcp"},
        {"portable_tcp_up_mbit", "  up, Mbit/s", b->tcp.mbit[BENCH_TCP_PORTABLE][1], 0, "tcp"},
        {"kernel_tcp_down_mbit", "  the kernel, down, Mbit/s", b->tcp.mbit[BENCH_TCP_KERNEL][0], 0, "tcp"},
        {"kernel_tcp_up_mbit", "  the kernel, up, Mbit/s", b->tcp.mbit[BENCH_TCP_KERNEL][1], 0, "tcp"},
        {"police_tcp_pct", "what a policed TCP connection gets, % of its rate", b->tcp.police_pct, 1, "tcp"},
        {"n4_sessions_per_s", "sessions that one core of the UPF sets up over N4, a second", b->n4.per_second, 0, "n4"},
        {"n4_sessions_per_s_wall", "  with the SMF on the same machine", b->n4.wall_per_second, 0, "n4"},
        {"bytes_per_session", "process memory of a session, octets", b->n4.octets, 0, "n4"},
        {"lost_on_kill", "packets lost while the process of the user plane is killed and away", b->restart.lost_on_kill, 0, "restart"},
        {"restart_ms_100k_sessions", "from its start anew until all of 100,000 sessions are its own, ms", b->restart.ms, 0, "restart"},
        {"lost_on_restart", "  packets lost in that time", b->restart.lost_on_restart, 0, "restart"},
        {"restart_pps", "  packets a second sent meanwhile", b->restart.pps, 0, "restart"},
        {"police_udp_error_pct", "what a policed flow gets, off its rate by %", b->r.police_pct, 2, "xdp"},
    };
    bool first = true;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!wanted(b, rows[i].part))
            continue;
        if (b->json)
            printf("%s\"%s\":%.*f", first ? "{" : ",", rows[i].key, rows[i].digits, rows[i].value);
        else
            printf("%-66s %12.*f\n", rows[i].text, rows[i].digits, rows[i].value);
        first = false;
    }
    printf("%s", b->json ? "}\n" : "");
}

static int xdp_measure(struct bench_upf *b)
{
    int e = place_make(&b->at);
    if (e < 0)
        return bench_upf_failed("the network namespaces could not be made", err_text(e));
    say(b, "what a packet costs, by itself");
    int status = tools_open(b);
    status = status ? status : costs(b);
    if (status == EXIT_OK)
        say(b, "beside the kernel's own forwarding");
    status = status ? status : beside(b);
    return status ? status : policed(b);
}
static int measure(struct bench_upf *b)
{
    int status = wanted(b, "xdp") ? xdp_measure(b) : EXIT_OK;
    if (status == EXIT_OK && wanted(b, "latency")) {
        say(b, "latency beside the kernel's own forwarding");
        status = bench_upf_latency(&b->latency, b->at.prefix, b->duration_ms < 300 ? b->duration_ms : 300);
    }
    if (status == EXIT_OK && wanted(b, "restart")) {
        say(b, "killed under load, and started again");
        status = bench_upf_restart(&b->restart, b->at.prefix);
    }
    if (status == EXIT_OK && wanted(b, "tcp")) {
        say(b, "TCP through the portable user plane");
        status = bench_upf_tcp(&b->tcp, b->at.prefix, b->duration_ms < 500 ? b->duration_ms : 500);
    }
    if (status == EXIT_OK && wanted(b, "n4")) {
        say(b, "sessions over N4");
        status = bench_upf_n4(&b->n4, b->at.prefix, N4_SESSIONS);
    }
    return status;
}

/* In a process of its own, which can end at any time. */
static int run(struct bench_upf *b)
{
    b->sink[0] = b->sink[1] = -1;
    int status = measure(b);
    for (int i = 0; i < 2; i++)
        if (b->sink[i] >= 0)
            close(b->sink[i]);
    xdp_close(b->tools);
    if (status == EXIT_OK)
        report(b);
    fflush(stdout);
    return status;
}

static void on_signal(int signo) { (void)signo; }
/* Whatever it ends by, nothing stays behind: Ctrl-C reaches both, and this one clears away. */
int bench_upf(bool json, uint32_t duration_ms, const char *part)
{
    static struct bench_upf b;
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    b.json = json;
    b.duration_ms = duration_ms;
    b.part = part;
    if (geteuid() != 0)
        return bench_upf_failed("this needs root", "it makes network namespaces, which are taken away at the end");
    snprintf(b.at.prefix, sizeof b.at.prefix, "rdbench%d", (int)getpid());
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return bench_upf_failed("a process could not be made", "");
    if (child == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
            _exit(run(&b));
        _exit(EXIT_FAILED);
    }
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        sigaction(ends[i], &(struct sigaction){.sa_handler = on_signal}, NULL);
    int status = 0;
    if (waitpid(child, &status, 0) < 0) { /* by a signal */
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    netns_delete_prefix(b.at.prefix);
    bench_upf_n4_clean(b.at.prefix);
    bench_upf_restart_clean(b.at.prefix);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}
