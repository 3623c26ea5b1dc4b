/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_latency.c - packets at a tenth of the rate at which this process can send them, one way and the other in turns;
 * from just before the call that sends one to the time that the kernel notes when it reaches the other end. The three ways are
 * measured in turns, the median of the rounds counts. */
#include "cmd/bench_upf_latency.h"
#include "base/err.h"
#include "base/hist.h"
#include "cmd/bench_upf_place.h"
#include "dp/gtpu_fast.h"
#include "os/netns.h"
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, PORT = 4000, PAYLOAD = 100, INNER = 28 + PAYLOAD, LOST_MAX_PERCENT = 5 };
enum way { PLAIN, XDP, PORTABLE, WAYS };
struct probe { /* what is sent */
    uint32_t magic, round, up;
    uint64_t sent_ns;
};
struct bench {
    struct bench_place at;
    int gnb, gtpu, data; /* sockets: plain of the gNB, its N3, of the data network */
    uint32_t round, sent, came;
    struct hist *hist; /* of the way at hand, ns */
};

static uint64_t now_ns(void) /* the clock of the kernel's notes */
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct local {
    const char *ip;
    uint16_t port;
};
static int socket_here(void *ctx)
{
    const struct local *l = ctx;
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons(l->port)};
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    inet_pton(AF_INET, l->ip, &me.sin_addr);
    if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof me) || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on))
        return ERR_IO;
    return fd;
}

static uint32_t tunnelled(const struct bench *b, const struct probe *x, uint8_t *p)
{
    uint8_t *ip = p + GTPU_PUSH;
    memset(p, 0, GTPU_PUSH + INNER);
    ip[0] = 0x45;
    put_be16(ip + 2, INNER);
    ip[8] = 64;
    ip[9] = 17;
    memcpy(ip + 12, bench_phone, 4);
    memcpy(ip + 16, (uint8_t[]){192, 168, 6, 2}, 4);
    uint32_t sum = 0;
    for (unsigned i = 0; i < 20; i += 2)
        sum += be16(ip + i);
    sum = (sum & 0xffff) + (sum >> 16);
    put_be16(ip + 10, (uint16_t)~sum);
    put_be16(ip + 20, PORT);
    put_be16(ip + 22, PORT);
    put_be16(ip + 24, 8 + PAYLOAD);
    memcpy(ip + 28, x, sizeof *x);
    gtpu_push(ip, INNER, b->at.ul_teid, BENCH_QFI, false, true);
    return GTPU_PUSH + INNER;
}

static void probe_send(struct bench *b, enum way way, bool up)
{
    struct probe x = {0x70726f62, b->round, up, 0};
    uint8_t p[GTPU_PUSH + INNER] = {0};
    uint32_t n = PAYLOAD;
    bool gtpu = up && way != PLAIN;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(gtpu ? DP_GTPU_PORT : PORT)};
    inet_pton(AF_INET, gtpu ? "192.168.3.1" : up ? "192.168.6.2" : way == PLAIN ? BENCH_PLAIN : "10.64.0.1", &to.sin_addr);
    if (gtpu)
        n = tunnelled(b, &x, p);
    x.sent_ns = now_ns();
    memcpy(p + (gtpu ? GTPU_PUSH + 28 : 0), &x, sizeof x);
    b->sent += sendto(gtpu ? b->gtpu : up ? b->gnb : b->data, p, n, 0, (struct sockaddr *)&to, sizeof to) > 0;
}

static void probes_take(struct bench *b, int fd)
{
    uint8_t p[512], control[128];
    struct probe x;
    for (;;) {
        struct iovec v = {p, sizeof p};
        struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t n = recvmsg(fd, &h, MSG_DONTWAIT);
        if (n < PAYLOAD)
            return;
        memcpy(&x, p + n - PAYLOAD, sizeof x); /* the last octets are the user's, with a tunnel or without */
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);
        if (x.magic != 0x70726f62 || x.round != b->round || !c || c->cmsg_type != SO_TIMESTAMPNS)
            continue;
        struct timespec t;
        memcpy(&t, CMSG_DATA(c), sizeof t);
        uint64_t came = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
        b->came++;
        if (b->hist)
            hist_add(b->hist, came > x.sent_ns ? came - x.sent_ns : 0);
    }
}
static void all_take(struct bench *b)
{
    probes_take(b, b->gnb);
    probes_take(b, b->gtpu);
    probes_take(b, b->data);
}

/* Packets each gap_ns, 0: as fast as they go. How many a second; negative: they are lost. */
static double probes(struct bench *b, enum way way, uint64_t gap_ns, uint32_t duration_ms, struct hist *h)
{
    b->round++;
    b->sent = b->came = 0;
    b->hist = h;
    for (unsigned i = 0; i < 20; i++, usleep(500)) /* neighbours become known */
        probe_send(b, way, i & 1);
    usleep(2000);
    all_take(b);
    b->round++;
    b->sent = b->came = 0;
    if (h)
        *h = (struct hist){0};
    uint64_t start = now_ns(), end = start + duration_ms * 1000000ull, next = start, now = start;
    for (bool up = false; now < end; now = now_ns()) {
        if (now >= next) {
            probe_send(b, way, up);
            up = !up;
            next = next + gap_ns > now ? next + gap_ns : now + gap_ns;
        }
        all_take(b);
    }
    usleep(5000);
    all_take(b);
    bool lost = gap_ns && (!b->sent || b->came * 100ull < b->sent * (100ull - LOST_MAX_PERCENT));
    return lost ? -1 : b->came * 1e9 / (double)(now - start);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int way_measure(struct bench *b, enum way way, uint64_t gap_ns, uint32_t duration_ms, double *p50, double *p99)
{
    static struct hist h;
    static const enum config_data_path paths[WAYS] = {[XDP] = CONFIG_DATA_PATH_XDP, [PORTABLE] = CONFIG_DATA_PATH_PORTABLE};
    int status = way == PLAIN ? EXIT_OK : bench_place_open(&b->at, paths[way]);
    if (status == EXIT_OK && way != PLAIN)
        status = bench_place_session(&b->at, 100000000);
    if (status == EXIT_OK && probes(b, way, gap_ns, duration_ms, &h) < 0)
        status = bench_upf_failed("packets were lost", way == PLAIN ? "by the kernel" : way == XDP ? "by XDP" : "by the portable path");
    bench_place_shut(&b->at);
    *p50 = (double)hist_percentile(&h, 50) / 1000;
    *p99 = (double)hist_percentile(&h, 99) / 1000;
    return status;
}

static int measure(struct bench *b, struct bench_upf_latency *r, uint32_t duration_ms)
{
    double p[WAYS][2][ROUNDS];
    double most = probes(b, PLAIN, 0, duration_ms, NULL);
    if (most <= 0)
        return bench_upf_failed("packets did not arrive", "");
    r->rate = most / 10;
    for (unsigned i = 0; i < ROUNDS; i++)
        for (enum way w = PLAIN; w < WAYS; w++)
            if (way_measure(b, w, (uint64_t)(1e9 / r->rate), duration_ms, &p[w][0][i], &p[w][1][i]))
                return EXIT_FAILED;
    for (unsigned k = 0; k < 2; k++) {
        for (enum way w = PLAIN; w < WAYS; w++)
            qsort(p[w][k], ROUNDS, sizeof(double), compare);
        r->kernel[k] = p[PLAIN][k][ROUNDS / 2];
        r->xdp[k] = p[XDP][k][ROUNDS / 2] - r->kernel[k];
        r->portable[k] = p[PORTABLE][k][ROUNDS / 2] - r->kernel[k];
    }
    return EXIT_OK;
}

int bench_upf_latency(struct bench_upf_latency *r, const char *prefix, uint32_t duration_ms)
{
    static struct bench b;
    b = (struct bench){.gnb = -1, .gtpu = -1, .data = -1};
    int status = bench_place_make(&b.at, prefix, "l");
    if (status == EXIT_OK) {
        b.gnb = netns_run(b.at.gnb, socket_here, &(struct local){BENCH_PLAIN, PORT});
        b.gtpu = netns_run(b.at.gnb, socket_here, &(struct local){"192.168.3.2", DP_GTPU_PORT});
        b.data = netns_run(b.at.data, socket_here, &(struct local){"192.168.6.2", PORT});
        if (b.gnb < 0 || b.gtpu < 0 || b.data < 0)
            status = bench_upf_failed("sockets could not be made", "");
        else if (netns_veth_beside_xdp(b.at.gnb, "n3") < 0 || netns_veth_beside_xdp(b.at.data, "n6") < 0)
            status = bench_upf_failed("the interfaces cannot be set up for XDP", "");
    }
    /* others that want the CPU are no part of the way, not for the user plane's thread either; the kernel leaves them a
     * twentieth of it */
    struct sched_param first = {.sched_priority = 1}, usual = {0};
    bool ahead = sched_setscheduler(0, SCHED_FIFO, &first) == 0;
    status = status ? status : measure(&b, r, duration_ms);
    if (ahead)
        sched_setscheduler(0, SCHED_OTHER, &usual);
    int fds[] = {b.gnb, b.gtpu, b.data};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    bench_place_close(&b.at);
    return status;
}
