/* SPDX-License-Identifier: Apache-2.0 */
/* upf_bench.c - the packet path alone, up and down, with 1 and with 100,000 sessions; then the
 * portable user plane between two network namespaces: a gNB's datagrams in, a host's packets out,
 * and back. One JSON object. `upf_bench [seconds]`, 1 by default; the second part needs root. */
#include "base/err.h"
#include "os/env.h"
#include "os/netns.h"
#include "os/user_plane.h"
#include "rt/config.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SESSIONS = 100000, BATCH = 64, USER_OCTETS = 1400, GNB_TEID = 0x10000000 };
static uint64_t run_us = 1000000;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}
static uint64_t cpu_ns(void) /* of this thread: another's turn in between does not count */
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* ---- sessions as an SMF makes them: two PDRs, two FARs, a QER that marks, a URR that counts ---- */
static struct dp_rules *rules(const struct dp_config *c, uint32_t i, struct rule_addr gnb)
{
    int error;
    struct rule_pdr pdr[2] = {{.id = 1, .precedence = 255, .source = RULE_ACCESS,
                               .teid = dp_teid(c->sessions_max, i, 0, 0x40000000),
                               .outer_header_removal = true, .far_id = 1, .qer_n = 1,
                               .qer_id = {1}, .urr_n = 1, .urr_id = {1}},
                              {.id = 2, .precedence = 255, .source = RULE_CORE, .far_id = 2,
                               .qer_n = 1, .qer_id = {1}, .urr_n = 1, .urr_id = {1}}};
    struct rule_far far[2] = {{.id = 1, .action = RULE_FORW, .destination = RULE_CORE},
                              {.id = 2, .action = RULE_FORW, .destination = RULE_ACCESS,
                               .teid = GNB_TEID + i, .peer = gnb}};
    struct rule_qer qer = {.id = 1, .qfi = 9};
    struct rule_urr urr = {.id = 1, .measure_volume = true};
    struct rule_session s = {.session = i, .gen = 1, .has_ipv4 = true, .pdr = pdr, .far = far,
                             .qer = &qer, .urr = &urr, .pdr_n = 2, .far_n = 2, .qer_n = 1,
                             .urr_n = 1};
    put_be32(s.ipv4, 0x0a2d0002 + i);
    return dp_rules_new(c, &s, &error, NULL);
}
static uint32_t inner_put(uint8_t *p, uint32_t ue, uint32_t other, bool up, uint32_t n)
{
    memset(p, 0, 28);
    p[0] = 0x45;
    put_be16(p + 2, (uint16_t)n);
    p[8] = 64;
    p[9] = 17;
    put_be32(p + 12, up ? ue : other);
    put_be32(p + 16, up ? other : ue);
    uint32_t sum = 0;
    for (unsigned i = 0; i < 20; i += 2)
        sum += be16(p + i);
    sum = (sum & 0xffff) + (sum >> 16);
    put_be16(p + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
    put_be16(p + 20, 5000);
    put_be16(p + 22, 5001);
    put_be16(p + 24, (uint16_t)(n - 20));
    return n;
}
static void gtpu_put(uint8_t *p, uint32_t teid, uint32_t inner_n)
{
    static const uint8_t head[16] = {0x34, 255, [11] = 0x85, 1, 0x10, 9};
    memcpy(p, head, 16);
    put_be16(p + 2, (uint16_t)(inner_n + 8));
    put_be32(p + 4, teid);
}

/* ---- the packet path alone ---- */
static uint64_t out_n;
static void to_access(void *ctx, const struct dp_datagram *d, unsigned n)
{
    (void)ctx, (void)d;
    out_n += n;
}
static void to_core(void *ctx, uint16_t instance, const struct dp_packet *p, unsigned n)
{
    (void)ctx, (void)p, (void)instance;
    out_n += n;
}
struct room {
    uint8_t head[DP_HEADROOM], p[2048];
};
static double path_ns(struct dp *dp, struct room *room, uint32_t sessions, bool up)
{
    struct dp_datagram d[BATCH];
    struct dp_packet k[BATCH];
    uint32_t x = 1;
    uint64_t n = 0, spent = 0, now_us = 1000000, until = now_ns() + run_us * 300;
    out_n = 0;
    while (now_ns() < until) {
        for (unsigned i = 0; i < BATCH; i++) {
            x = x * 1664525 + 1013904223;
            uint32_t s = (x >> 8) % sessions;
            uint8_t *p = room[i].p;
            inner_put(p + 16, 0x0a2d0002 + s, 0x08080808, up, 64);
            gtpu_put(p, dp_teid(SESSIONS, s, 0, 0x40000000), 64);
            d[i] = (struct dp_datagram){p, 80, {4, 2152, {10, 0, 0, 2}}};
            k[i] = (struct dp_packet){p + 16, 64};
        }
        uint64_t t = cpu_ns();
        if (up)
            dp_access_input(dp, now_us++, d, BATCH);
        else
            dp_core_input(dp, now_us++, 0, k, BATCH);
        spent += cpu_ns() - t;
        n += BATCH;
    }
    if (out_n != n)
        fprintf(stderr, "%llu packets of %llu came out\n", (unsigned long long)out_n, (unsigned long long)n);
    return (double)spent / (double)n;
}
static void path_bench(void)
{
    static struct room room[BATCH];
    struct dp_config c = {.sessions_max = SESSIONS, .instances = 1, .pools = 1, .inner_mtu = 1456,
                          .pool = {{0, {10, 45, 0, 0}, 14}}, .local_v4 = {4, 2152, {10, 0, 0, 1}}};
    struct dp *dp = dp_new(&c, &(struct dp_io){NULL, to_access, to_core, NULL});
    uint64_t t = cpu_ns();
    for (uint32_t i = 0; i < SESSIONS; i++)
        dp_session_put(dp, 1, rules(&c, i, (struct rule_addr){4, 0, {10, 0, 0, 2}}));
    printf("  \"dp_session_put_ns\": %.0f,\n", (double)(cpu_ns() - t) / SESSIONS);
    struct dp_rules *r = rules(&c, 0, (struct rule_addr){4, 0, {10, 0, 0, 2}});
    printf("  \"dp_rules_octets\": %u,\n", dp_rules_octets(r));
    dp_rules_free(r);
    for (int many = 0; many < 2; many++)
        for (int up = 1; up >= 0; up--) {
            double ns = path_ns(dp, room, many ? SESSIONS : 1, up);
            printf("  \"dp_%s_%s\": {\"ns_per_packet\": %.1f, \"packets_per_s\": %.0f},\n",
                   up ? "up" : "down", many ? "100k_sessions" : "1_session", ns, 1e9 / ns);
        }
    dp_free(dp);
}

/* ---- the portable user plane between namespaces ---- */
struct flow {
    int send, receive;
    bool up;
    uint32_t teid;
    _Atomic bool stop;
    _Atomic uint64_t sent, got, cpu; /* cpu: of these two threads */
};
static int ran_socket(void *ctx)
{
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons(2152)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    inet_pton(AF_INET, "172.30.0.2", &me.sin_addr);
    if (bind(fd, (struct sockaddr *)&me, sizeof me))
        return ERR_IO;
    inet_pton(AF_INET, "172.30.0.1", &me.sin_addr);
    *(int *)ctx = fd;
    return connect(fd, (struct sockaddr *)&me, sizeof me) ? ERR_IO : OK;
}
static int host_socket(void *ctx)
{
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons(5001)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    inet_pton(AF_INET, "192.0.2.2", &me.sin_addr);
    if (bind(fd, (struct sockaddr *)&me, sizeof me))
        return ERR_IO;
    *(int *)ctx = fd;
    inet_pton(AF_INET, "10.45.0.2", &me.sin_addr);
    me.sin_port = htons(5000);
    return connect(fd, (struct sockaddr *)&me, sizeof me) ? ERR_IO : OK;
}
static void *sender(void *ctx)
{
    struct flow *f = ctx;
    static uint8_t p[2048];
    struct mmsghdr m[BATCH];
    struct iovec v;
    if (f->up) {
        inner_put(p + 16, 0x0a2d0002, 0xc0000202, true, USER_OCTETS);
        gtpu_put(p, f->teid, USER_OCTETS);
        v = (struct iovec){p, USER_OCTETS + 16};
    } else {
        v = (struct iovec){p, USER_OCTETS - 28};
    }
    for (unsigned i = 0; i < BATCH; i++)
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
    while (!f->stop) {
        int n = sendmmsg(f->send, m, BATCH, 0);
        if (n > 0)
            f->sent += (uint64_t)n;
    }
    f->cpu += cpu_ns();
    return NULL;
}
static void *receiver(void *ctx)
{
    struct flow *f = ctx;
    static uint8_t p[BATCH][2048];
    struct mmsghdr m[BATCH];
    struct iovec v[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        v[i] = (struct iovec){p[i], 2048};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &v[i], .msg_iovlen = 1}};
    }
    struct timeval tv = {0, 50000};
    setsockopt(f->receive, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    while (!f->stop) {
        int n = recvmmsg(f->receive, m, BATCH, MSG_WAITFORONE, NULL);
        if (n > 0)
            f->got += (uint64_t)n;
    }
    f->cpu += cpu_ns();
    return NULL;
}
static void flow_run(const char *name, int from, int to, bool up, uint32_t teid, bool last)
{
    static struct flow f;
    pthread_t a, b;
    f = (struct flow){.send = from, .receive = to, .up = up, .teid = teid};
    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    pthread_create(&b, NULL, receiver, &f);
    pthread_create(&a, NULL, sender, &f);
    usleep(200000);
    uint64_t got = f.got, sent = f.sent, t = now_ns();
    usleep((useconds_t)run_us);
    double s = (double)(now_ns() - t) / 1e9;
    double pps = (double)(f.got - got) / s, in = (double)(f.sent - sent) / s;
    f.stop = true;
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu - f.cpu; /* what is left is the user plane's */
    printf("  \"portable_%s\": {\"packets_per_s\": %.0f, \"mbit_per_s\": %.0f, "
           "\"offered_packets_per_s\": %.0f, \"cpu_ns_per_packet\": %.0f}%s\n",
           name, pps, pps * USER_OCTETS * 8 / 1e6, in, f.got ? (double)cpu / (double)f.got : 0.0,
           last ? "" : ",");
}

static int portable_bench(const char *core, const char *ran, const char *data)
{
    struct loop *loop;
    struct env *env;
    struct rt rt;
    struct user_plane *up;
    struct net_addr n3 = addr_v4(0xac1e0001, 0), gnb = addr_v4(0xac1e0002, 0);
    struct net_addr out = addr_v4(0xc0000201, 0), host = addr_v4(0xc0000202, 0), pool = addr_v4(0x0a2d0000, 0);
    struct config_n6 n6 = {.dnn = STR("internet"), .tun = STR("n6internet"), .create = true,
                           .ipv4 = {addr_v4(0x0a2d0001, 0), 16}};
    struct config config = {.upf = {.n3_addresses = &n3, .n_n3_addresses = 1, .n6 = &n6, .n_n6 = 1,
                                    .n3_mtu = 1500, .max_sessions = 1000}};
    char why[USER_PLANE_WHY] = "namespaces";
    int ran_fd = -1, host_fd = -1;
    int rc = netns_veth(core, "n3", ran, "n3");
    if (rc == OK && (rc = netns_address(core, "n3", &n3, 24)) == OK)
        rc = netns_address(ran, "n3", &gnb, 24);
    if (rc == OK && (rc = netns_veth(core, "out", data, "out")) == OK &&
        (rc = netns_address(core, "out", &out, 24)) == OK && (rc = netns_address(data, "out", &host, 24)) == OK)
        rc = netns_route(data, &pool, 16, &out, "out");
    if (rc < 0 || loop_open(&loop) < 0 || env_real_open(&env, loop, NULL) < 0 || rt_init(&rt, env, 1 << 20) < 0)
        return rc < 0 ? rc : ERR_IO;
    rc = user_plane_open(&up, loop, &rt, &config, core, why);
    if (rc < 0) {
        fprintf(stderr, "%s\n", why);
        return rc;
    }
    struct dp_command c = {.kind = DP_PUT, .gen = 1,
                           .rules = rules(&up->config, 0, (struct rule_addr){4, 0, {172, 30, 0, 2}})};
    user_plane_command(up, &c);
    loop_once(loop, 0);
    usleep(100000);
    rc = netns_run(ran, ran_socket, &ran_fd);
    if (rc == OK && (rc = netns_run(data, host_socket, &host_fd)) == OK) {
        flow_run("up", ran_fd, host_fd, true, dp_teid(1000, 0, 0, 0x40000000), false);
        flow_run("down", host_fd, ran_fd, false, 0, true);
    }
    user_plane_close(up);
    close(ran_fd);
    close(host_fd);
    rt_free(&rt);
    env_real_free(env);
    loop_free(loop);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        run_us = (uint64_t)(atof(argv[1]) * 1e6);
    char core[32], ran[32], data[32];
    snprintf(core, sizeof core, "rdubench%d-core", (int)getpid());
    snprintf(ran, sizeof ran, "rdubench%d-ran", (int)getpid());
    snprintf(data, sizeof data, "rdubench%d-data", (int)getpid());
    printf("{\n");
    path_bench();
    int rc = netns_create(core);
    if (rc == OK && (rc = netns_create(ran)) == OK && (rc = netns_create(data)) == OK)
        rc = portable_bench(core, ran, data);
    netns_delete(core);
    netns_delete(ran);
    netns_delete(data);
    if (rc < 0)
        printf("  \"portable\": \"%s\"\n", err_text(rc));
    printf("}\n");
    return rc < 0;
}
