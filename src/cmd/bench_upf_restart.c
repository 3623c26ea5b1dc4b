/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_restart.c - the user plane (os/user_plane.h, XDP with its slow path) runs in a child; its sessions come from the
 * bench instead of N4. A program at gNB and data network each makes the packets, as many as are told apart from those that
 * arrive at the other side. */
#include "cmd/bench_upf_restart.h"
#include "base/err.h"
#include "cmd/bench_upf_frame.h"
#include "cmd/bench_upf_place.h"
#include "os/env.h"
#include "os/loop.h"
#include "os/netns.h"
#include "os/user_plane.h"
#include "os/xdp.h"
#include "rt/config.h"
#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <poll.h>
#include <unistd.h>

enum {
    SESSIONS = 100000,
    MTU = 1400,
    N = 128,      /* octets of a packet */
    BURST = 4096, /* packets one way; a test run takes long to begin and end */
    GAP_US = 500, /* from burst to burst */
    BEFORE_MS = 200,
    AWAY_MS = 1000,
    QUIET_US = 300000,
    AFTER_MS = 300,
    LIMIT_MS = 30000,
};
#define PIN "/run/%s/upf"
static const uint32_t UE_FIRST = 0x0a400010; /* in 10.64.0.0/10; the first ones are the UPF's */
static const uint8_t GNB[4] = {192, 168, 3, 2};
struct plane { /* the child's */
    struct loop *loop;
    struct env *env;
    struct rt rt;
    struct config config;
    struct config_n6 n6;
    struct net_addr n3;
    struct user_plane *up;
    bool refused;
    char why[USER_PLANE_WHY];
};
struct bench {
    struct bench_links at;
    char pin[64];
    struct xdp *tools;
    int sink[2];
    pid_t child; /* 0: none */
    int ready, stop; /* it ends when the latter is closed; the child writes here when all sessions are in the kernel */
    struct bench_run run[2];
    struct xdp_bench state[2];
    uint8_t frame[2][BENCH_FRAME_MAX];
    uint64_t sent, dropped; /* dropped: by the senders' interfaces, until the last time that was looked */
    char why[XDP_WHY];
};


/* ---- the child ---- */
static int plane_open(struct plane *p, const struct bench *b)
{
    p->n3 = bench_addr("192.168.3.1");
    p->n6 = (struct config_n6){.dnn = STR("internet"), .tun = STR("n6internet"), .create = true,
                               .ipv4 = {bench_addr("10.64.0.1"), 10}, .link = STR("n6")};
    p->config.upf = (struct config_upf){.data_path = CONFIG_DATA_PATH_XDP, .n3_addresses = &p->n3, .n_n3_addresses = 1,
                                        .n6 = &p->n6, .n_n6 = 1, .n3_mtu = 1500, .max_sessions = SESSIONS, .pin = str_of(b->pin),
                                        .buffer_packets = 100, .buffer_packets_session = 10};
    int rc = loop_open(&p->loop);
    rc = rc < 0 ? rc : env_real_open(&p->env, p->loop, NULL);
    rc = rc < 0 ? rc : rt_init(&p->rt, p->env, 1 << 20);
    return rc < 0 ? rc : user_plane_open(&p->up, p->loop, &p->rt, &p->config, b->at.upf, p->why);
}

static void on_event(void *ctx, const struct dp_event *e)
{
    struct plane *p = ctx;
    p->refused |= e->kind == DP_EVENT_DONE && e->result != OK;
}

/* A usual session, as in bench_upf.c. */
static bool session_put(struct plane *p, uint32_t i)
{
    struct rule_urr urr = {.id = 1, .measure_volume = true, .start_at_once = true, .threshold.total = 1ull << 60};
    struct rule_qer qer = {.id = 1, .qfi = 9, .has_mbr = true, .mbr_ul_kbit = 1000000, .mbr_dl_kbit = 1000000};
    struct rule_far far[2] = {{.id = 1, .action = RULE_FORW, .destination = RULE_CORE},
                              {.id = 2, .action = RULE_FORW, .destination = RULE_ACCESS, .teid = 0x10000 + i,
                               .peer = {.family = 4, .port = DP_GTPU_PORT}}};
    struct rule_pdr pdr[2] = {{.id = 1, .precedence = 1, .source = RULE_ACCESS, .outer_header_removal = true, .far_id = 1},
                              {.id = 2, .precedence = 1, .source = RULE_CORE, .far_id = 2}};
    int error;
    memcpy(far[1].peer.ip, GNB, sizeof GNB);
    pdr[0].teid = dp_teid(SESSIONS, i, 0, 0x40000000);
    for (unsigned k = 0; k < 2; k++) {
        pdr[k].qer_n = pdr[k].urr_n = 1;
        pdr[k].qer_id[0] = pdr[k].urr_id[0] = 1;
    }
    struct rule_session s = {.session = i, .gen = 1, .has_ipv4 = true, .pdr = pdr, .far = far, .qer = &qer, .urr = &urr,
                             .pdr_n = 2, .far_n = 2, .qer_n = 1, .urr_n = 1};
    put_be32(s.ipv4, UE_FIRST + i);
    struct dp_command c = {.kind = DP_PUT, .session = i, .gen = 1};
    c.rules = dp_rules_new(&p->up->config, &s, &error, NULL);
    return c.rules && user_plane_command(p->up, &c) == OK;
}

static uint32_t in_kernel(const struct plane *p)
{
    char text[256];
    uint32_t n = 0;
    p->up->ops->text(p->up, text, sizeof text);
    const char *at = strchr(text, ';');
    return at && sscanf(at, "; %u of", &n) == 1 ? n : 0;
}

/* Until it is killed, or told to end by the other end of `stop` being closed. */
static int plane_run(const struct bench *b, int ready, int stop)
{
    static struct plane p;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int rc = plane_open(&p, b);
    if (rc < 0)
        return bench_upf_failed("the user plane was refused", *p.why ? p.why : err_text(rc));
    user_plane_listen(p.up, &(struct user_plane_sink){&p, on_event});
    for (uint32_t i = 0; i < SESSIONS; i++) {
        if (!session_put(&p, i))
            return bench_upf_failed("sessions could not be made", "");
        if (i % 512 == 511)
            loop_once(p.loop, 0);
    }
    while (in_kernel(&p) < SESSIONS && !p.refused)
        loop_once(p.loop, 1000);
    if (p.refused || write(ready, "r", 1) != 1)
        return bench_upf_failed("sessions were refused", "");
    struct pollfd fd = {.fd = stop, .events = POLLIN};
    while (poll(&fd, 1, 0) == 0)
        loop_once(p.loop, 20000);
    user_plane_close(p.up);
    return EXIT_OK;
}


static int child_start(struct bench *b)
{
    int ready[2], stop[2];
    if (pipe(ready) < 0)
        return ERR_IO;
    if (pipe(stop) < 0)
        return ERR_IO;
    pid_t pid = fork();
    if (pid == 0) {
        close(stop[1]);
        _exit(plane_run(b, ready[1], stop[0]));
    }
    close(ready[1]);
    close(stop[0]);
    b->child = pid > 0 ? pid : 0;
    b->ready = ready[0];
    b->stop = stop[1];
    return pid > 0 ? OK : ERR_NOSPACE;
}
static void child_gone(struct bench *b)
{
    close(b->ready);
    close(b->stop);
    b->ready = b->stop = -1;
    if (b->child)
        waitpid(b->child, NULL, 0);
    b->child = 0;
}
/* 1 ready, 0 not yet, negative: it ended. */
static int child_ready(const struct bench *b)
{
    struct pollfd fd = {.fd = b->ready, .events = POLLIN};
    char c;
    if (poll(&fd, 1, 0) <= 0)
        return 0;
    return read(b->ready, &c, 1) == 1 ? 1 : ERR_IO;
}

/* ---- packets ---- */
struct end {
    struct bench *b;
    const char *name;
    bool up;
};
static int end_here(void *ctx)
{
    struct end *end = ctx;
    struct bench *b = end->b;
    uint32_t ifindex = if_nametoindex(end->name);
    LIBBPF_OPTS(bpf_link_create_opts, o, .flags = XDP_FLAGS_DRV_MODE);
    int fd = bpf_link_create(xdp_named_program(b->tools, "bench_sink"), (int)ifindex, BPF_XDP, &o);
    if (fd < 0)
        return ERR_UNSUPPORTED;
    b->sink[end->up] = fd;
    const struct bench_frame frame = {.to = end->up ? b->at.n3_mac : b->at.n6_mac, .from = end->up ? b->at.gnb_mac : b->at.data_mac,
                                      .ue_first = UE_FIRST, .sessions = SESSIONS, .sessions_max = SESSIONS,
                                      .up = end->up, .tunnel = true, .n = N};
    struct bench_run *r = &b->run[end->up];
    *r = (struct bench_run){.program = xdp_named_program(b->tools, "bench_send"), .repeat = BURST, .frame = b->frame[end->up],
                            .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .ifindex = ifindex};
    r->n = bench_frame_make(&frame, b->frame[end->up], &b->state[end->up]);
    b->state[end->up].ifindex = ifindex;
    return OK;
}
static int tools_open(struct bench *b)
{
    struct dp_config c = {.sessions_max = 1, .inner_mtu = MTU, .instances = 1, .secret0 = 1, .secret1 = 2};
    struct xdp_options x = {.dp = &c, .blocks_max = 1, .bench = true};
    struct end up = {b, "n3", true}, down = {b, "n6", false};
    int e = xdp_open(&b->tools, &x, b->why);
    e = e < 0 ? e : netns_run(b->at.gnb, end_here, &up);
    return e < 0 ? e : netns_run(b->at.data, end_here, &down);
}

static uint64_t arrived(const struct bench *b)
{
    static uint64_t v[1024];
    uint32_t k = 0;
    uint64_t sum = 0;
    if (bpf_map_lookup_elem(xdp_named_map(b->tools, "sunk"), &k, v))
        return 0;
    for (uint32_t c = 0; c < xdp_maps(b->tools)->cpus; c++)
        sum += v[c];
    return sum;
}

/* What the senders' own interfaces dropped: the ring of a veth holds 256 frames, and is full when the kernel puts off who
 * empties it. Those have not reached the user plane. */
static int dropped_here(void *ctx)
{
    char line[256];
    uint64_t drops = 0, *to = ctx;
    FILE *t = fopen("/proc/thread-self/net/dev", "re");
    if (!t)
        return ERR_IO;
    while (fgets(line, sizeof line, t)) { /* 8 columns of what came, then packets' octets, number, errors, drops */
        const char *colon = strchr(line, ':');
        unsigned long long n;
        if (colon && sscanf(colon + 1, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &n) == 1)
            drops += n;
    }
    fclose(t);
    *to += drops;
    return OK;
}
static uint64_t dropped(struct bench *b)
{
    uint64_t n = 0;
    if (netns_run(b->at.gnb, dropped_here, &n) < 0 || netns_run(b->at.data, dropped_here, &n) < 0)
        return 0;
    return n;
}

/* Both ways, at a rate that is far from what the path can do, for so long or until the child is ready (ms 0). */
static int load(struct bench *b, uint32_t ms)
{
    int map = xdp_named_map(b->tools, "bench"), ready = 0;
    uint32_t k = 0;
    uint64_t start = loop_now_us(), next = start, now = start;
    while (now - start < (ms ? ms : LIMIT_MS) * 1000ull && (ms || ready == 0)) {
        for (unsigned up = 0; up < 2; up++) {
            if (bpf_map_update_elem(map, &k, &b->state[up], BPF_ANY) || netns_run(up ? b->at.gnb : b->at.data, bench_run, &b->run[up]) < 0 ||
                bpf_map_lookup_elem(map, &k, &b->state[up]))
                return ERR_IO;
            b->sent += BURST;
        }
        next += GAP_US;
        now = loop_now_us();
        if (now < next)
            usleep((unsigned)(next - now));
        else
            next = now; /* it does not catch up */
        now = loop_now_us();
        if (!ms)
            ready = child_ready(b);
    }
    return ms ? OK : ready > 0 ? OK : ERR_TIMEOUT;
}
/* Of all that were sent since the last time. */
static double lost(struct bench *b, uint64_t *from)
{
    uint64_t came = arrived(b), before = came, sent = b->sent;
    do { /* the slow path may still have some */
        before = came;
        usleep(QUIET_US);
        came = arrived(b);
    } while (came != before);
    uint64_t left = b->dropped;
    b->sent = 0;
    b->dropped = dropped(b);
    double n = (double)(sent - (b->dropped - left)) - (double)(came - *from);
    *from = came;
    return n;
}

static int measure(struct bench *b, struct bench_upf_restart *r)
{
    if (child_start(b) < 0)
        return bench_upf_failed("the user plane could not be started", "");
    for (int ready = 0, i = 0; ready == 0; i++) {
        usleep(1000);
        ready = i < LIMIT_MS ? child_ready(b) : ERR_TIMEOUT;
        if (ready < 0)
            return bench_upf_failed("the user plane did not get ready", "");
    }
    uint64_t from = arrived(b);
    if (load(b, BEFORE_MS) < 0 || lost(b, &from) != 0)
        return bench_upf_failed("packets were lost before anything was killed", "");
    if (load(b, BEFORE_MS) < 0)
        return bench_upf_failed("packets could not be sent", "");
    kill(b->child, SIGKILL);
    if (load(b, AWAY_MS) < 0)
        return bench_upf_failed("packets could not be sent", "");
    child_gone(b);
    r->lost_on_kill = lost(b, &from);
    uint64_t start = loop_now_us();
    if (child_start(b) < 0 || load(b, 0) < 0)
        return bench_upf_failed("the user plane did not come back", "");
    uint64_t took = loop_now_us() - start;
    r->ms = (double)took / 1000;
    r->pps = (double)b->sent * 1e6 / (double)took;
    if (load(b, AFTER_MS) < 0)
        return bench_upf_failed("packets could not be sent", "");
    r->lost_on_restart = lost(b, &from);
    return EXIT_OK;
}

void bench_upf_restart_clean(const char *prefix)
{
    char pin[64];
    snprintf(pin, sizeof pin, PIN, prefix);
    xdp_unpin(pin);
    *strrchr(pin, '/') = 0;
    umount(pin);
    rmdir(pin);
}

int bench_upf_restart(struct bench_upf_restart *r, const char *prefix)
{
    static struct bench b;
    b = (struct bench){.sink = {-1, -1}, .ready = -1, .stop = -1};
    snprintf(b.pin, sizeof b.pin, PIN, prefix);
    int e = bench_links_make(&b.at, prefix, "r");
    e = e < 0 ? e : xdp_mount(b.pin);
    e = e < 0 ? e : tools_open(&b);
    int status = e < 0 ? bench_upf_failed("the user plane cannot be pinned here", *b.why ? b.why : err_text(e)) : measure(&b, r);
    child_gone(&b);
    for (int i = 0; i < 2; i++)
        if (b.sink[i] >= 0)
            close(b.sink[i]);
    xdp_close(b.tools);
    bench_upf_restart_clean(prefix);
    return status;
}
