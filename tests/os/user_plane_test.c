/* SPDX-License-Identifier: Apache-2.0 */
/* user_plane_test.c - the portable user plane in namespaces of its own: a phone's ping through
 * GTP-U from a scripted gNB, out of the N6 interface, through the kernel, translated, to a host in
 * another namespace and back. */
#include "tests/test.h"
#include "base/log.h"
#include "dp/inner.h"
#include "os/env.h"
#include "os/netns.h"
#include "os/user_plane.h"
#include "os/xdp.h"
#include "rt/config.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { GNB_TEID = 0x4711 };
static enum config_data_path PATH; /* of the tests that follow */
static char CORE[32], RAN[32], DATA[32], prefix[24];
static const uint8_t UE[4] = {10, 45, 0, 2}, HOST[4] = {192, 0, 2, 2};

static struct net_addr ip(const char *t)
{
    struct net_addr a;
    assert_true(addr_parse(&a, str_of(t), 0));
    return a;
}
struct test {
    struct loop *loop;
    struct env *env;
    struct rt rt;
    struct log log;
    struct user_plane *up;
    struct config config;
    struct config_n6 n6;
    struct net_addr n3;
    unsigned events[DP_EVENT_COUNT];
    struct dp_event last;
    int gnb, gnb_tos;
    char lines[4096];
};

static int gnb_open(void *ctx)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons(2152)};
    inet_pton(AF_INET, "172.30.0.2", &me.sin_addr);
    struct timeval tv = {1, 0};
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
    *(int *)ctx = fd;
    return bind(fd, (struct sockaddr *)&me, sizeof me) ? ERR_IO : OK;
}
static void on_line(void *ctx, struct str line)
{
    struct test *t = ctx;
    size_t at = strlen(t->lines);
    if (at + line.n < sizeof t->lines)
        memcpy(t->lines + at, line.p, line.n);
}
static void on_event(void *ctx, const struct dp_event *e)
{
    struct test *t = ctx;
    t->events[e->kind]++;
    t->last = *e;
}
static int begin(void **state)
{
    struct test *t = calloc(1, sizeof *t);
    *state = t;
    assert_int_equal(netns_create(CORE), OK);
    assert_int_equal(netns_create(RAN), OK);
    assert_int_equal(netns_create(DATA), OK);
    assert_int_equal(netns_veth(CORE, "n3", RAN, "n3"), OK);
    assert_int_equal(netns_veth(CORE, "out", DATA, "out"), OK);
    struct net_addr a = ip("172.30.0.1"), b = ip("172.30.0.2"), c = ip("192.0.2.1"), d = ip("192.0.2.2");
    assert_int_equal(netns_address(CORE, "n3", &a, 24), OK);
    assert_int_equal(netns_address(RAN, "n3", &b, 24), OK);
    assert_int_equal(netns_address(CORE, "out", &c, 24), OK);
    assert_int_equal(netns_address(DATA, "out", &d, 24), OK);
    assert_int_equal(netns_run(RAN, gnb_open, &t->gnb), OK);
    assert_int_equal(netns_veth_beside_xdp(RAN, "n3"), OK);
    assert_int_equal(netns_veth_beside_xdp(DATA, "out"), OK);
    t->n3 = a;
    t->n6 = (struct config_n6){.dnn = STR("internet"), .tun = STR("n6internet"), .create = true,
                               .ipv4 = {ip("10.45.0.1"), 16}, .ipv6 = {ip("fd00:10:45::1"), 48},
                               .nat = PATH == CONFIG_DATA_PATH_PORTABLE, .link = STR("out")};
    t->config.upf = (struct config_upf){.data_path = PATH, .n3_addresses = &t->n3, .n_n3_addresses = 1, .n6 = &t->n6,
                                        .n_n6 = 1, .n3_mtu = 1500, .max_sessions = 1000,
                                        .buffer_packets = 100, .buffer_packets_session = 10};
    assert_int_equal(loop_open(&t->loop), OK);
    assert_int_equal(env_real_open(&t->env, t->loop, NULL), OK);
    assert_int_equal(rt_init(&t->rt, t->env, 1 << 20), OK);
    log_init(&t->log, (const uint8_t[16]){1});
    t->log.line = on_line;
    t->log.ctx = t;
    t->rt.log = &t->log;
    return 0;
}
static int end(void **state)
{
    struct test *t = *state;
    close(t->gnb);
    rt_free(&t->rt);
    env_real_free(t->env);
    loop_free(t->loop);
    free(t);
    assert_int_equal(netns_delete_prefix(prefix), 3);
    return 0;
}

static void put(struct test *t, uint8_t dl_action, uint32_t gen, uint32_t tag, uint32_t *teid)
{
    int error;
    *teid = dp_teid(t->up->config.sessions_max, 3, 0, 0xabcdef00);
    struct rule_urr urr = {.id = 1, .measure_volume = true};
    struct rule_pdr pdr[2] = {{.id = 1, .precedence = 1, .source = RULE_ACCESS, .teid = *teid,
                               .outer_header_removal = true, .far_id = 1, .urr_n = 1, .urr_id = {1}},
                              {.id = 2, .precedence = 1, .source = RULE_CORE, .far_id = 2,
                               .urr_n = 1, .urr_id = {1}}};
    struct rule_far far[2] = {{.id = 1, .action = RULE_FORW, .destination = RULE_CORE},
                              {.id = 2, .action = dl_action, .destination = RULE_ACCESS,
                               .teid = GNB_TEID, .peer = {4, 0, {172, 30, 0, 2}, 46}}}; /* EF */
    struct rule_session s = {.session = 3, .gen = gen, .has_ipv4 = true, .pdr = pdr, .far = far,
                             .urr = &urr, .pdr_n = 2, .far_n = 2, .urr_n = 1};
    memcpy(s.ipv4, UE, 4);
    struct dp_command c = {.kind = DP_PUT, .session = 3, .gen = gen, .tag = tag};
    c.rules = dp_rules_new(&t->up->config, &s, &error, NULL);
    assert_non_null(c.rules);
    assert_int_equal(user_plane_command(t->up, &c), OK);
}
static bool wait_for(struct test *t, enum dp_event_kind kind, unsigned n)
{
    for (int i = 0; i < 200 && t->events[kind] < n; i++)
        loop_once(t->loop, 10000);
    return t->events[kind] >= n;
}
/* An UDP packet of the phone to port 8805, that of N4, of the machine that the UPF runs on. */
static void knock(struct test *t, uint32_t teid, const uint8_t to_ip[4])
{
    uint8_t p[16 + 32] = {0x34, 255, [11] = 0x85, 1, 0x10, 9};
    uint8_t *q = p + 16;
    put_be16(p + 2, 32 + 8);
    put_be32(p + 4, teid);
    q[0] = 0x45;
    put_be16(q + 2, 32);
    q[8] = 64;
    q[9] = 17;
    memcpy(q + 12, UE, 4);
    memcpy(q + 16, to_ip, 4);
    put_be16(q + 10, (uint16_t)~inet_sum(q, 20, 0));
    put_be16(q + 20, 4000);
    put_be16(q + 22, 8805);
    put_be16(q + 24, 12);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(2152)};
    inet_pton(AF_INET, "172.30.0.1", &to.sin_addr);
    assert_int_equal(sendto(t->gnb, p, sizeof p, 0, (struct sockaddr *)&to, sizeof to), sizeof p);
}
static int n4_socket(void *ctx)
{
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons(8805)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    *(int *)ctx = fd;
    return bind(fd, (struct sockaddr *)&me, sizeof me) ? ERR_IO : OK;
}
static void ping_send(struct test *t, uint32_t teid, uint16_t sequence)
{
    uint8_t p[100] = {0x34, 255, [11] = 0x85, 1, 0x10, 9};
    uint8_t *q = p + 16;
    put_be16(p + 2, 84 + 8);
    put_be32(p + 4, teid);
    q[0] = 0x45;
    put_be16(q + 2, 84);
    q[8] = 64;
    q[9] = 1;
    memcpy(q + 12, UE, 4);
    memcpy(q + 16, HOST, 4);
    put_be16(q + 10, (uint16_t)~inet_sum(q, 20, 0));
    q[20] = 8;
    put_be16(q + 26, sequence);
    put_be16(q + 22, (uint16_t)~inet_sum(q + 20, 64, 0));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(2152)};
    inet_pton(AF_INET, "172.30.0.1", &to.sin_addr);
    assert_int_equal(sendto(t->gnb, p, sizeof p, 0, (struct sockaddr *)&to, sizeof to), sizeof p);
}
/* The next datagram; false after a second without one. */
static bool gnb_got(struct test *t, uint8_t *p, ssize_t *n)
{
    char room[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {p, 2048};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    *n = recvmsg(t->gnb, &h, 0);
    t->gnb_tos = *n > 0 && CMSG_FIRSTHDR(&h) ? *CMSG_DATA(CMSG_FIRSTHDR(&h)) : -1;
    return *n > 0;
}

static void ping(void **state)
{
    struct test *t = *state;
    char why[USER_PLANE_WHY];
    uint8_t p[2048];
    ssize_t n;
    uint32_t teid;
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, CORE, why), OK);
    assert_ptr_equal(t->rt.user_plane, t->up);
    user_plane_listen(t->up, &(struct user_plane_sink){t, on_event});
    assert_non_null(strstr(t->lines, "upf_interface_up"));
    if (strstr(t->lines, "n6_without_nat") || !t->n6.nat) { /* the log has said why; then routed */
        struct net_addr pool = ip("10.45.0.0"), via = ip("192.0.2.1");
        assert_int_equal(netns_route(DATA, &pool, 16, &via, "out"), OK);
    }
    put(t, RULE_FORW, 1, 5, &teid);
    assert_true(wait_for(t, DP_EVENT_DONE, 1));
    assert_true(t->last.tag == 5 && t->last.result == OK);
    for (uint16_t i = 0; i < 20; i++) {
        ping_send(t, teid, i);
        assert_true(gnb_got(t, p, &n));
        assert_true(n == 8 + 84 && p[1] == 255 && be32(p + 4) == GNB_TEID);
        assert_int_equal(t->gnb_tos, 46 << 2);
        assert_true(p[28] == 0 && be16(p + 34) == i); /* echo reply */
        assert_memory_equal(p + 8 + 12, HOST, 4);
        assert_memory_equal(p + 8 + 16, UE, 4);
    }
    /* a burst, which comes back in batches */
    for (uint16_t i = 0; i < 50; i++)
        ping_send(t, teid, i);
    unsigned got = 0;
    while (got < 50 && gnb_got(t, p, &n)) {
        assert_int_equal(t->gnb_tos, 46 << 2);
        got++;
    }
    assert_int_equal(got, 50);
    if (PATH == CONFIG_DATA_PATH_XDP) {
        char text[256];
        t->up->ops->text(t->up, text, sizeof text);
        assert_non_null(strstr(text, "n3 (native), out (native); 1 of 1 sessions in the kernel"));
        const char *at = strstr(text, "kernel, ");
        if (!at || atoi(at + 8) < 120)
            fail_msg("%s", text); /* 70 each way, the first and those before the neighbours were known came up */
    }
    uint64_t c[DP_COUNTERS];
    for (int i = 0; i < 100; i++) {
        user_plane_counters(t->up, c);
        if (c[DP_to_core] >= 70 && c[DP_to_tunnel] >= 70)
            break;
        usleep(1000);
    }
    assert_true(c[DP_to_core] == 70 && c[DP_to_tunnel] == 70); /* also of what woke nobody here */
    /* what runs on this machine is not for phones */
    int n4;
    static const uint8_t here[3][4] = {{10, 45, 0, 1}, {172, 30, 0, 1}, {192, 0, 2, 1}};
    assert_int_equal(netns_run(CORE, n4_socket, &n4), OK);
    for (int i = 0; i < 3; i++)
        knock(t, teid, here[i]);
    ping_send(t, teid, 1); /* comes after them */
    assert_true(gnb_got(t, p, &n) && p[1] == 255);
    n = recv(n4, p, sizeof p, 0);
    if (strstr(t->lines, "n6_unguarded"))
        assert_int_equal(n, 4); /* they do arrive where nothing holds them */
    else
        assert_true(n < 0);
    close(n4);
    /* an echo request of the path is answered */
    static const uint8_t echo[12] = {0x32, 1, 0, 4, [8] = 0x12, 0x34};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(2152)};
    inet_pton(AF_INET, "172.30.0.1", &to.sin_addr);
    assert_int_equal(sendto(t->gnb, echo, 12, 0, (struct sockaddr *)&to, sizeof to), 12);
    assert_true(gnb_got(t, p, &n) && n == 14 && p[1] == 2 && be16(p + 8) == 0x1234);
    /* buffering, notification, release */
    put(t, RULE_BUFF | RULE_NOCP, 1, 6, &teid);
    assert_true(wait_for(t, DP_EVENT_DONE, 2));
    ping_send(t, teid, 99);
    assert_true(wait_for(t, DP_EVENT_DOWNLINK_DATA, 1));
    put(t, RULE_FORW, 1, 0, &teid);
    loop_once(t->loop, 0);
    assert_true(gnb_got(t, p, &n) && be16(p + 34) == 99);
    /* the session goes: usage, then done, in this order */
    struct dp_command drop = {.kind = DP_DROP, .session = 3, .gen = 1, .tag = 7};
    assert_int_equal(user_plane_command(t->up, &drop), OK);
    assert_true(wait_for(t, DP_EVENT_DONE, 3));
    assert_true(t->events[DP_EVENT_USAGE] == 1 && t->last.tag == 7);
    ping_send(t, teid, 1);
    assert_true(gnb_got(t, p, &n) && p[1] == 26); /* error indication */
    for (int i = 0; i < 100; i++) {
        user_plane_counters(t->up, c);
        if (c[DP_teid_unknown])
            break;
        usleep(1000);
    }
    assert_true(c[DP_teid_unknown] == 1 && c[DP_to_core] == 74 && c[DP_to_the_core] == 1 && c[DP_released] == 1);
    user_plane_close(t->up);
    assert_null(t->rt.user_plane);
}

/* What stands for many outside is one by one for rules and counters, and each packet is right at the other end. */
enum { RUN_N = 20, RUN_PAYLOAD = 100 };
static void udp_segment(int fd)
{
    int size = 16 + 40 + RUN_PAYLOAD;
    assert_int_equal(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof size), 0);
}
/* TCP of the phone in one run of datagrams; those without container have less room before them. */
static void run_send(struct test *t, uint32_t teid, bool container)
{
    uint8_t run[RUN_N][16 + 40 + RUN_PAYLOAD] = {{0}};
    for (unsigned i = 0; i < RUN_N; i++) {
        uint32_t head = container ? 16 : 8, n = sizeof run[i] - head;
        uint8_t *g = run[i], *p = g + head, *q = p + 20;
        memcpy(g, (uint8_t[]){container ? 0x34 : 0x30, 255}, 2);
        put_be16(g + 2, (uint16_t)(sizeof run[i] - 8));
        put_be32(g + 4, teid);
        if (container)
            memcpy(g + 8, (uint8_t[]){0, 0, 0, 0x85, 1, 0x10, 9, 0}, 8);
        memcpy(p, (uint8_t[]){0x45, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, (uint8_t)i, 0x40, 0, 64, 6}, 10);
        memcpy(p + 12, UE, 4);
        memcpy(p + 16, HOST, 4);
        put_be16(p + 10, (uint16_t)~inet_sum(p, 20, 0));
        put_be16(q, 4000);
        put_be16(q + 2, 5000);
        put_be32(q + 4, i * (n - 40));
        q[12] = 0x50;
        q[13] = 0x10;
        memset(q + 20, (int)i, n - 40);
        put_be16(q + 16, (uint16_t)~inet_sum(q, n - 20, inet_sum(p + 12, 8, 6 + n - 20)));
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(2152)};
    inet_pton(AF_INET, "172.30.0.1", &to.sin_addr);
    assert_int_equal(sendto(t->gnb, run, sizeof run, 0, (struct sockaddr *)&to, sizeof to), sizeof run);
}
static int raw_socket(void *ctx)
{
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
    struct timeval tv = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    *(int *)ctx = fd;
    return fd < 0 ? ERR_IO : OK;
}
static int udp_socket(void *ctx)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    *(int *)ctx = fd;
    return fd < 0 ? ERR_IO : OK;
}
static uint64_t counter(struct test *t, enum dp_counter which, uint64_t at_least)
{
    uint64_t c[DP_COUNTERS] = {0};
    for (int i = 0; i < 500 && c[which] < at_least; i++) {
        usleep(1000);
        user_plane_counters(t->up, c);
    }
    return c[which];
}
static void run_arrives(int raw, uint32_t payload)
{
    static uint8_t p[65536];
    uint32_t at = 0;
    unsigned packets = 0;
    for (; at < RUN_N * payload; packets++) {
        ssize_t n = recv(raw, p, sizeof p, 0);
        assert_true(n > 40 && be32(p + 24) == at && p[33] == 0x10);
        for (uint32_t i = 0; i < (uint32_t)n - 40; i++, at++)
            assert_int_equal(p[40 + i], at / payload);
    }
    assert_int_equal(at, RUN_N * payload);
    assert_true(packets <= RUN_N);
}
static void runs(void **state)
{
    struct test *t = *state;
    int raw, udp, size = RUN_PAYLOAD;
    uint32_t teid;
    uint8_t p[2048], many[RUN_N * RUN_PAYLOAD + 30];
    ssize_t n;
    struct net_addr pool = ip("10.45.0.0"), via = ip("192.0.2.1");
    t->n6.nat = false;
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, CORE, NULL), OK);
    user_plane_listen(t->up, &(struct user_plane_sink){t, on_event});
    assert_int_equal(netns_route(DATA, &pool, 16, &via, "out"), OK);
    assert_int_equal(netns_run(DATA, raw_socket, &raw), OK);
    assert_int_equal(netns_run(DATA, udp_socket, &udp), OK);
    put(t, RULE_FORW, 1, 5, &teid);
    assert_true(wait_for(t, DP_EVENT_DONE, 1));
    ping_send(t, teid, 1);
    assert_true(gnb_got(t, p, &n));
    udp_segment(t->gnb);
    for (unsigned container = 0; container < 2; container++) {
        run_send(t, teid, container);
        run_arrives(raw, RUN_PAYLOAD + (container ? 0 : 8));
        assert_int_equal(counter(t, DP_to_core, 1 + RUN_N * (1 + container)), 1 + RUN_N * (1 + container));
    }
    /* none of them is ours: each has its answer or is limited, each is counted */
    run_send(t, teid ^ 0x40000000, true);
    assert_int_equal(counter(t, DP_teid_unknown, RUN_N), RUN_N);
    assert_int_equal(counter(t, DP_error_indications_out, 1) + counter(t, DP_replies_limited, 1), RUN_N);
    /* down: the host's kernel answers the TCP that it does not know, too */
    struct sockaddr_in ue = {.sin_family = AF_INET, .sin_port = htons(4000)};
    memcpy(&ue.sin_addr, UE, 4);
    for (unsigned i = 0; i < sizeof many; i++)
        many[i] = (uint8_t)(i / RUN_PAYLOAD);
    assert_int_equal(setsockopt(udp, SOL_UDP, UDP_SEGMENT, &size, sizeof size), 0);
    assert_int_equal(sendto(udp, many, sizeof many, 0, (struct sockaddr *)&ue, sizeof ue), sizeof many);
    for (unsigned i = 0; i <= RUN_N;) {
        uint32_t payload = i < RUN_N ? RUN_PAYLOAD : 30;
        assert_true(gnb_got(t, p, &n));
        if (p[1] != 255 || p[8 + 9] != 17)
            continue;
        assert_int_equal(n, 8 + 28 + payload);
        assert_true(be16(p + 8 + 2) == 28 + payload && be16(p + 28 + 4) == 8 + payload);
        assert_int_equal(inet_sum(p + 8, 20, 0), 0xffff);
        assert_int_equal(inet_sum(p + 28, 8 + payload, inet_sum(p + 20, 8, 17 + 8 + payload)), 0xffff);
        assert_memory_equal(p + 36, many + i * RUN_PAYLOAD, payload);
        i++;
    }
    close(raw);
    close(udp);
    user_plane_close(t->up);
}

/* More commands than the ring holds, given at once: all are carried out, in order. */
static void many_commands(void **state)
{
    struct test *t = *state;
    uint32_t teid;
    t->n6.nat = false;
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, CORE, NULL), OK);
    user_plane_listen(t->up, &(struct user_plane_sink){t, on_event});
    for (uint32_t i = 1; i <= 5000; i++)
        put(t, RULE_FORW, 1, i, &teid);
    assert_true(wait_for(t, DP_EVENT_DONE, 5000));
    assert_true(t->last.tag == 5000);
    put(t, RULE_FORW, 1, 1, &teid); /* closed with a command under way */
    user_plane_close(t->up);
}

/* Many commands at once do not keep a packet waiting until their end: an echo that is asked for meanwhile is answered
 * before a quarter of their time is over, in one of some tries. */
struct asker {
    struct test *t;
    _Atomic bool go;
    uint64_t answered_us;
};
static void *ask(void *ctx)
{
    struct asker *a = ctx;
    uint8_t echo[12] = {0x32, 1, 0, 4}, p[64];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(2152)};
    inet_pton(AF_INET, "172.30.0.1", &to.sin_addr);
    while (!a->go)
        usleep(100);
    usleep(1000);
    if (sendto(a->t->gnb, echo, sizeof echo, 0, (struct sockaddr *)&to, sizeof to) != sizeof echo ||
        recv(a->t->gnb, p, sizeof p, 0) != 14)
        return NULL;
    a->answered_us = loop_now_us();
    return NULL;
}
static void packets_between_commands(void **state)
{
    enum { COMMANDS = 50000, TRIES = 10 };
    struct test *t = *state;
    uint32_t teid;
    bool between = false;
    t->n6.nat = false;
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, CORE, NULL), OK);
    user_plane_listen(t->up, &(struct user_plane_sink){t, on_event});
    for (uint32_t i = 0; i < TRIES && !between; i++) {
        struct asker a = {.t = t};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, ask, &a), 0);
        for (uint32_t k = 1; k <= COMMANDS; k++)
            put(t, RULE_FORW, 1, k, &teid);
        uint64_t start = loop_now_us();
        a.go = true;
        assert_true(wait_for(t, DP_EVENT_DONE, (i + 1) * COMMANDS));
        uint64_t took = loop_now_us() - start;
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(a.answered_us != 0);
        between = a.answered_us - start < took / 4;
    }
    assert_true(between);
    user_plane_close(t->up);
}

static void refusals(void **state)
{
    struct test *t = *state;
    char why[USER_PLANE_WHY];
    struct user_plane *second;
    t->n3 = ip("172.30.0.77");
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, CORE, why), ERR_NOTFOUND);
    assert_non_null(strstr(why, "172.30.0.77"));
    t->n3 = ip("172.30.0.1");
    t->n6.create = false;
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, CORE, why), ERR_NOTFOUND);
    assert_non_null(strstr(why, "n6internet"));
    t->n6.create = true;
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, CORE, why), OK);
    assert_int_equal(user_plane_open(&second, t->loop, &t->rt, &t->config, CORE, why), ERR_EXISTS);
    assert_non_null(strstr(why, "172.30.0.1"));
    assert_ptr_equal(t->rt.user_plane, t->up);
    user_plane_close(t->up);
    /* and all of it again: nothing was left behind */
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, CORE, why), OK);
    user_plane_close(t->up);
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, "no-such-ns", why), ERR_NOTFOUND);
}

/* What a process left that was killed does not go on beside one that wants no XDP. */
static void portable_ends_what_was_pinned(void **state)
{
    struct test *t = *state;
    char pin[64], name[80];
    snprintf(pin, sizeof pin, "/tmp/%s/upf", prefix);
    snprintf(name, sizeof name, "%s/sessions", pin);
    if (xdp_mount(pin) != OK)
        skip();
    assert_int_equal(mkdir(pin, 0700), 0);
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "left", 4, 8, 1, NULL);
    assert_true(fd >= 0 && !bpf_obj_pin(fd, name));
    close(fd);
    t->config.upf.data_path = CONFIG_DATA_PATH_PORTABLE;
    t->config.upf.pin = str_of(pin);
    assert_int_equal(user_plane_open(&t->up, t->loop, &t->rt, &t->config, CORE, NULL), OK);
    assert_int_equal(access(pin, F_OK), -1);
    user_plane_close(t->up);
    *strrchr(pin, '/') = 0;
    assert_int_equal(umount(pin), 0);
    assert_int_equal(rmdir(pin), 0);
}

int main(void)
{
    snprintf(prefix, sizeof prefix, "rdup%d", (int)getpid());
    snprintf(CORE, sizeof CORE, "%s-core", prefix);
    snprintf(RAN, sizeof RAN, "%s-ran", prefix);
    snprintf(DATA, sizeof DATA, "%s-data", prefix);
    if (netns_create(CORE) != OK || netns_delete(CORE) != OK || access("/dev/net/tun", R_OK | W_OK)) {
        fprintf(stderr, "no network namespaces or no TUN here: skipped\n");
        return 77;
    }
#define plane_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    PATH = CONFIG_DATA_PATH_PORTABLE;
    int failed = RUN(plane_test(ping), plane_test(runs), plane_test(many_commands), plane_test(packets_between_commands),
                     plane_test(refusals));
    struct dp_config c = {.sessions_max = 1, .instances = 1};
    struct xdp *x;
    char why[XDP_WHY];
    if (xdp_open(&x, &(struct xdp_options){.dp = &c}, why) != OK) {
        print_message("%s: the XDP data path is not tested\n", why);
        return failed;
    }
    xdp_close(x);
    PATH = CONFIG_DATA_PATH_XDP;
    return failed + RUN(plane_test(ping), plane_test(many_commands), plane_test(packets_between_commands), plane_test(refusals),
                        plane_test(portable_ends_what_was_pinned));
}
