/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_tcp.c - the way is phone --- gnb (n3) --- (n3) upf (n6) --- (n6) data. The phone is at a TUN interface of a gNB of a
 * few lines, which tunnels its packets. For the kernel's own forwarding that gNB gives packets of another address of the
 * phone to the kernel as they are, and everything else is the same: what is compared is the machine in the middle. And
 * once more without phone and gNB, TCP ending at gnb itself: what is shared with them is so much more. */
#include "cmd/bench_upf_tcp.h"
#include "cmd/bench_upf_place.h"
#include "base/err.h"
#include "dp/gtpu_fast.h"
#include "os/loop.h"
#include "os/n3_socket.h"
#include "os/n6_tun.h"
#include "os/netns.h"
#include "os/tun.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 5201, CHUNK = 256 << 10, ROUNDS = 5, POLICED_KBIT = 200000 };
struct gnb {
    pthread_t thread;
    _Atomic bool stop;
    bool runs;
    int n3;
    struct n6_tun tun, plain; /* the phone's; of packets that need no tunnel */
    struct n3_io *n3_io;
    struct n6_io *tun_io;
    uint32_t ul_teid;
    struct rule_addr upf;
};
struct bench {
    struct bench_place at;
    char phone_ns[32];
    struct gnb gnb;
};

/* ---- a gNB with one phone ---- */
/* To the user plane or, those of the phone's other address, to the kernel. */
static void to_upf(void *ctx, const struct dp_packet *k, unsigned n)
{
    struct gnb *g = ctx;
    struct dp_datagram d[DP_BATCH];
    unsigned tunnelled = 0;
    for (unsigned i = 0; i < n; i++) {
        if (k[i].n < 20 || memcmp(k[i].p + 12, bench_phone, sizeof bench_phone))
            continue;
        uint8_t *p = gtpu_push(k[i].p, k[i].n, g->ul_teid, BENCH_QFI, false, true);
        d[tunnelled++] = (struct dp_datagram){p, k[i].n + GTPU_PUSH, g->upf};
    }
    if (tunnelled)
        n3_send(g->n3_io, g->n3, d, tunnelled);
    else
        n6_write(g->tun_io, &g->plain, k, n);
}
static void plain_to_phone(void *ctx, const struct dp_packet *k, unsigned n)
{
    struct gnb *g = ctx;
    n6_write(g->tun_io, &g->tun, k, n);
}
static void to_phone(void *ctx, const struct dp_datagram *d, unsigned n)
{
    struct gnb *g = ctx;
    struct dp_packet k[DP_BATCH];
    struct gtpu h;
    unsigned good = 0;
    for (unsigned i = 0; i < n; i++)
        if (gtpu_read(d[i].p, d[i].n, &h) == GTPU_GOOD && h.type == GTPU_T_PDU && h.teid == BENCH_DL_TEID)
            k[good++] = (struct dp_packet){h.payload, h.payload_n};
    if (good)
        n6_write(g->tun_io, &g->tun, k, good);
}
static void *gnb_run(void *ctx)
{
    struct gnb *g = ctx;
    struct pollfd p[] = {{.fd = g->n3, .events = POLLIN},
                         {.fd = g->tun.fd, .events = POLLIN},
                         {.fd = g->plain.fd, .events = POLLIN}};
    while (!atomic_load(&g->stop)) {
        if (poll(p, ARRAY_LEN(p), 20) <= 0)
            continue;
        if (p[0].revents)
            n3_receive(g->n3_io, g->n3, to_phone, g);
        if (p[1].revents)
            n6_read(g->tun_io, &g->tun, to_upf, g);
        if (p[2].revents)
            n6_read(g->tun_io, &g->plain, plain_to_phone, g);
    }
    return NULL;
}
static int socket_here(void *ctx) { return n3_socket_open(ctx); }
static int gnb_start(struct bench *b)
{
    struct gnb *g = &b->gnb;
    struct net_addr local = bench_addr("192.168.3.2");
    struct tun_spec spec = {.name = "phone", .netns = b->phone_ns, .mtu = BENCH_MTU, .addr4 = bench_addr("10.64.0.1"), .default_route = true,
                            .offload = true};
    struct tun_spec plain = {.name = "plain", .netns = b->at.gnb, .mtu = BENCH_MTU, .offload = true};
    const struct net_addr behind = bench_addr("10.128.1.1");
    int fd, rc = tun_create(&spec, &fd);
    local.port = DP_GTPU_PORT;
    if (rc < 0)
        return rc;
    n6_tun_start(&g->tun, fd);
    rc = tun_create(&plain, &fd);
    if (rc < 0)
        return rc;
    n6_tun_start(&g->plain, fd);
    rc = netns_address(b->phone_ns, "phone", &behind, 32);
    rc = rc < 0 ? rc : netns_route(b->at.gnb, &behind, 32, NULL, "plain");
    if (rc < 0)
        return rc;
    g->n3 = netns_run(b->at.gnb, socket_here, &local);
    g->n3_io = n3_io_new(1500);
    g->tun_io = n6_io_new(2048);
    g->upf = (struct rule_addr){4, DP_GTPU_PORT, {192, 168, 3, 1}};
    if (g->n3 < 0)
        return g->n3;
    if (!g->n3_io || !g->tun_io)
        return ERR_NOSPACE;
    g->runs = pthread_create(&g->thread, NULL, gnb_run, g) == 0;
    return g->runs ? OK : ERR_NOSPACE;
}
static void gnb_stop(struct gnb *g)
{
    atomic_store(&g->stop, true);
    if (g->runs)
        pthread_join(g->thread, NULL);
    if (g->n3 >= 0)
        close(g->n3);
    if (g->tun.fd >= 0)
        close(g->tun.fd);
    if (g->plain.fd >= 0)
        close(g->plain.fd);
    n3_io_free(g->n3_io);
    n6_io_free(g->tun_io);
}

/* ---- TCP ---- */
struct ends {
    const uint8_t *phone;
    int fd;
};
static int listen_here(void *ctx)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof me) || listen(fd, 1))
        return ERR_IO;
    ((struct ends *)ctx)->fd = fd;
    return OK;
}
static int connect_here(void *ctx)
{
    struct ends *e = ctx;
    struct timeval limit = {3, 0};
    struct sockaddr_in me = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    memcpy(&me.sin_addr, e->phone, 4);
    inet_pton(AF_INET, "192.168.6.2", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof me) || connect(fd, (struct sockaddr *)&to, sizeof to))
        return ERR_IO;
    e->fd = fd;
    return OK;
}
static void *send_all(void *ctx)
{
    static const uint8_t chunk[CHUNK];
    while (send(*(int *)ctx, chunk, sizeof chunk, MSG_NOSIGNAL) > 0)
        ;
    return NULL;
}
static double received(int fd, uint32_t duration_ms)
{
    static uint8_t chunk[CHUNK];
    uint64_t octets = 0, start = loop_now_us(), warm = start + duration_ms * 300ull, end = warm + duration_ms * 1000ull, now = start;
    for (ssize_t n = 1; now < end && n > 0; now = loop_now_us()) {
        n = recv(fd, chunk, sizeof chunk, 0);
        if (now < warm)
            start = loop_now_us();
        else
            octets += n > 0 ? (uint64_t)n : 0;
    }
    return now > start ? (double)octets * 8 / (double)(now - start) : 0;
}
/* Mbit/s of one connection; 0: none came about. */
static double flow(const struct bench *b, enum bench_tcp_way way, bool up, uint32_t duration_ms)
{
    static const uint8_t at[BENCH_TCP_WAYS][4] = {{10, 64, 0, 1}, {10, 128, 1, 1}, {10, 128, 0, 1}};
    struct ends server = {.fd = -1}, phone = {.phone = at[way], .fd = -1};
    double rate = 0;
    int fd = -1;
    struct timeval limit = {3, 0};
    if (netns_run(b->at.data, listen_here, &server) == OK &&
        netns_run(way == BENCH_TCP_ALONE ? b->at.gnb : b->phone_ns, connect_here, &phone) == OK)
        fd = accept(server.fd, NULL, NULL);
    if (fd >= 0) {
        pthread_t sender;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        int from = up ? phone.fd : fd, to = up ? fd : phone.fd;
        if (pthread_create(&sender, NULL, send_all, &from) == 0) {
            rate = received(to, duration_ms);
            shutdown(to, SHUT_RDWR);
            shutdown(from, SHUT_RDWR);
            pthread_join(sender, NULL);
        }
        close(fd);
    }
    if (phone.fd >= 0)
        close(phone.fd);
    if (server.fd >= 0)
        close(server.fd);
    return rate;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
static double median(double *v)
{
    qsort(v, ROUNDS, sizeof *v, compare);
    return v[ROUNDS / 2];
}

/* In turns, so that what else the machine does meets all. */
static int beside(struct bench *b, struct bench_upf_tcp *r, uint32_t duration_ms)
{
    double rate[BENCH_TCP_WAYS][2][ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++)
        for (unsigned k = 0; k < BENCH_TCP_WAYS * 2; k++) {
            double *to = &rate[k / 2][k & 1][i];
            *to = flow(b, k / 2, k & 1, duration_ms);
            if (*to <= 0)
                return bench_upf_failed(k / 2 ? "TCP did not get through the kernel" : "TCP did not get through the user plane", "");
        }
    for (unsigned k = 0; k < BENCH_TCP_WAYS * 2; k++)
        r->mbit[k / 2][k & 1] = median(rate[k / 2][k & 1]);
    return EXIT_OK;
}

static int policed(struct bench *b, struct bench_upf_tcp *r, uint32_t duration_ms)
{
    enum { MSS = BENCH_MTU - 52 }; /* with timestamps */
    double rate[ROUNDS];
    if (bench_place_session(&b->at, POLICED_KBIT))
        return EXIT_FAILED;
    for (unsigned i = 0; i < ROUNDS; i++)
        rate[i] = flow(b, BENCH_TCP_PORTABLE, false, duration_ms < 1000 ? 1000 : duration_ms) * BENCH_MTU / MSS;
    r->police_pct = median(rate) * 1000 / POLICED_KBIT * 100;
    return r->police_pct > 0 ? EXIT_OK : bench_upf_failed("TCP did not get through the user plane", "");
}

int bench_upf_tcp(struct bench_upf_tcp *r, const char *prefix, uint32_t duration_ms)
{
    static struct bench b;
    b = (struct bench){.gnb.n3 = -1, .gnb.tun.fd = -1, .gnb.plain.fd = -1};
    snprintf(b.phone_ns, sizeof b.phone_ns, "%s-tphone", prefix);
    int status = bench_place_make(&b.at, prefix, "t"), e;
    if (status == EXIT_OK && (e = netns_create(b.phone_ns)) < 0)
        status = bench_upf_failed("a network namespace could not be made", err_text(e));
    status = status ? status : bench_place_open(&b.at, CONFIG_DATA_PATH_PORTABLE);
    status = status ? status : bench_place_session(&b.at, 100000000);
    b.gnb.ul_teid = b.at.ul_teid;
    if (status == EXIT_OK && (e = gnb_start(&b)) < 0)
        status = bench_upf_failed("a gNB could not be made", err_text(e));
    status = status ? status : beside(&b, r, duration_ms);
    status = status ? status : policed(&b, r, duration_ms);
    gnb_stop(&b.gnb);
    bench_place_close(&b.at);
    return status;
}
