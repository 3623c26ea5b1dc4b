/* SPDX-License-Identifier: Apache-2.0 */
/* SCTP in user space over loopback, both ends on one loop or the peer in a child process. Skips
 * without the right to raw sockets. With the argument "kernel": the same over the kernel's sockets,
 * where it has them. */
#include "tests/test.h"
#include "os/sctp_raw.h"
#include "tests/os/own_netns.h"
#include <linux/filter.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static enum sctp_mode mode = SCTP_MODE_USER;

struct end {
    struct sctp *sctp;
    uint32_t ups, downs, messages;
    uint64_t last;
    uint16_t streams;
    uint32_t expect, bad;
    bool echo;
    char reason[64];
};
static void on_up(void *ctx, uint64_t a, const struct net_addr *peer, uint16_t streams)
{
    struct end *e = ctx;
    e->ups++;
    e->last = a;
    e->streams = streams;
    assert_int_not_equal(peer->port, 0);
}
static uint8_t octet(uint32_t size, uint32_t i)
{
    return (uint8_t)(size * 31 + i * 7 + (i >> 8));
}
static void on_message(void *ctx, uint64_t a, uint16_t stream, uint32_t ppid, struct bytes m)
{
    struct end *e = ctx;
    e->messages++;
    if (e->echo) {
        assert_int_equal(sctp_send_message(e->sctp, a, stream, ppid, m), OK);
        return;
    }
    bool good = m.n == e->expect && ppid == 60;
    for (uint32_t i = 0; good && i < m.n; i++)
        good = m.p[i] == octet(m.n, i);
    e->bad += !good;
}
static void on_down(void *ctx, uint64_t a, const char *reason)
{
    struct end *e = ctx;
    e->downs++;
    snprintf(e->reason, sizeof e->reason, "%s", reason);
}
static struct sctp_sink sink_of(struct end *e)
{
    return (struct sctp_sink){e, on_up, on_message, on_down};
}

static struct sctp_conf quick(void)
{
    return (struct sctp_conf){.mode = mode,
                              .heartbeat_ms = 300,
                              .rto_initial_ms = 100,
                              .rto_min_ms = 50,
                              .rto_max_ms = 200,
                              .assoc_retrans = 2,
                              .init_retrans = 2};
}
static struct sctp_local local(struct net_addr *a, const char *text)
{
    assert_true(addr_parse(a, str_of(text), 0));
    return (struct sctp_local){a, 1, 16};
}
static bool run_until(struct loop *l, const uint32_t *what, uint32_t value, uint32_t ms)
{
    uint64_t end = loop_now_us() + ms * 1000u;
    while (*what < value && loop_now_us() < end)
        loop_once(l, 20000);
    return *what >= value;
}

struct pair {
    struct loop *loop;
    struct end server, client;
};
static void pair_open(struct pair *p, const char *server, struct sctp_conf conf)
{
    struct net_addr a;
    struct sctp_local l = local(&a, server);
    struct sctp_sink s = sink_of(&p->server);
    p->server.echo = true;
    assert_int_equal(loop_open(&p->loop), OK);
    assert_int_equal(sctp_open(&p->server.sctp, p->loop, &conf), OK);
    assert_int_equal(sctp_open(&p->client.sctp, p->loop, &conf), OK);
    assert_int_equal(sctp_listen(p->server.sctp, &l, &s), OK);
}
static uint64_t pair_connect(struct pair *p, const char *from, const char *to)
{
    struct net_addr a, b;
    struct sctp_local l = local(&a, from);
    struct sctp_sink s = sink_of(&p->client);
    uint64_t id;
    assert_true(addr_parse(&b, str_of(to), 0));
    assert_int_equal(sctp_connect(p->client.sctp, &l, &b, 1, &s, &id), OK);
    return id;
}
static void pair_free(struct pair *p)
{
    sctp_free(p->client.sctp);
    sctp_free(p->server.sctp);
    loop_free(p->loop);
}

/* What is sent in one turn leaves in as few packets as it fits into, and what answers it carries its SACK. */
static void together(void **state)
{
    enum { MESSAGES = 20, OCTETS = 40, TURNS = 5 };
    struct pair p = {0};
    uint8_t buf[OCTETS];
    struct sctp_conf conf = quick();
    conf.heartbeat_ms = 30000;
    pair_open(&p, "127.0.0.5:38412", conf);
    uint64_t id = pair_connect(&p, "127.0.0.6", "127.0.0.5:38412");
    assert_true(run_until(p.loop, &p.client.ups, 1, 3000));
    for (uint32_t i = 0; i < OCTETS; i++)
        buf[i] = octet(OCTETS, i);
    p.client.expect = OCTETS;
    struct sctp_counts client = p.client.sctp->counts, server = p.server.sctp->counts;
    for (uint32_t turn = 1; turn <= TURNS; turn++) {
        for (uint32_t i = 0; i < MESSAGES; i++)
            assert_int_equal(sctp_send_message(p.client.sctp, id, 0, 60, BYTES_OF(buf)), OK);
        assert_true(run_until(p.loop, &p.client.messages, turn * MESSAGES, 3000));
    }
    assert_true(p.client.bad == 0 && p.client.downs == 0);
    uint64_t sent = p.client.sctp->counts.tx_packets - client.tx_packets;
    uint64_t answered = p.server.sctp->counts.tx_packets - server.tx_packets;
    print_message("%u messages in %u packets, answered in %u\n", MESSAGES * TURNS, (unsigned)sent, (unsigned)answered);
    assert_true(sent <= TURNS * 3 && answered <= TURNS * 2);
    pair_free(&p);
}

static void echo_sizes(void **state)
{
    struct pair p = {0};
    pair_open(&p, "127.0.0.5:38412", quick());
    uint64_t id = pair_connect(&p, "127.0.0.6", "127.0.0.5:38412");
    static uint8_t buf[65535];
    assert_int_equal(sctp_send_message(p.client.sctp, id, 0, 60, (struct bytes){buf, 1}),
                     ERR_STATE);
    assert_true(run_until(p.loop, &p.client.ups, 1, 3000));
    assert_int_equal(p.client.streams, 16);
    assert_int_equal(sctp_send_message(p.client.sctp, id, 16, 60, (struct bytes){buf, 1}),
                     ERR_RANGE);
    assert_int_equal(sctp_send_message(p.client.sctp, id + 1, 0, 60, (struct bytes){buf, 1}),
                     ERR_NOTFOUND);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t n = i < 500 ? 1 + i * 3 : i == 999 ? 65535 : 1 + (i * 2654435761u) % 65535;
        for (uint32_t k = 0; k < n; k++)
            buf[k] = octet(n, k);
        p.client.expect = n;
        assert_int_equal(
            sctp_send_message(p.client.sctp, id, (uint16_t)(i % 16), 60, (struct bytes){buf, n}),
            OK);
        if (!run_until(p.loop, &p.client.messages, i + 1, 5000))
            fail_msg("message %u of %u octets: no echo (%s)", i, n, p.client.reason);
    }
    assert_int_equal(p.client.bad, 0);
    assert_int_equal(p.client.sctp->counts.rx_bad, 0);
    sctp_close(p.client.sctp, id, false);
    assert_true(run_until(p.loop, &p.server.downs, 1, 3000));
    assert_int_equal(p.client.downs, 0);
    pair_free(&p);
}

static void aborted(void **state)
{
    struct pair p = {0};
    pair_open(&p, "127.0.0.5:38412", quick());
    uint64_t id = pair_connect(&p, "127.0.0.6", "127.0.0.5:38412");
    assert_true(run_until(p.loop, &p.client.ups, 1, 3000));
    assert_true(run_until(p.loop, &p.server.ups, 1, 3000));
    sctp_close(p.client.sctp, id, true);
    assert_true(run_until(p.loop, &p.server.downs, 1, 3000));
    pair_free(&p);
}

static void many(void **state)
{
    struct pair p = {0};
    uint64_t ids[64];
    uint8_t buf[100];
    pair_open(&p, "127.0.0.5:38412", quick());
    for (int i = 0; i < 64; i++) {
        char from[32]; /* a port of their own, all the same: as gNBs do */
        snprintf(from, sizeof from, "127.0.1.%d:9487", i + 1);
        ids[i] = pair_connect(&p, from, "127.0.0.5:38412");
    }
    assert_true(run_until(p.loop, &p.client.ups, 64, 5000));
    p.client.expect = sizeof buf;
    for (uint32_t k = 0; k < sizeof buf; k++)
        buf[k] = octet(sizeof buf, k);
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < 64; i++)
            assert_int_equal(sctp_send_message(p.client.sctp, ids[i], 1, 60, BYTES_OF(buf)), OK);
    assert_true(run_until(p.loop, &p.client.messages, 64 * 20, 5000));
    assert_int_equal(p.client.bad, 0);
    pair_free(&p);
}

/* A storm of one gNB's phones: what bounds the queue is octets, not a number of messages. */
static void burst(void **state)
{
    enum { MESSAGES = 4000 };
    struct pair p = {0};
    uint8_t buf[100];
    struct sctp_conf conf = quick();
    pair_open(&p, "127.0.0.5:38412", conf);
    uint64_t id = pair_connect(&p, "127.0.1.1", "127.0.0.5:38412");
    assert_true(run_until(p.loop, &p.client.ups, 1, 5000));
    p.client.expect = sizeof buf;
    for (uint32_t k = 0; k < sizeof buf; k++)
        buf[k] = octet(sizeof buf, k);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(sctp_send_message(p.client.sctp, id, 1, 60, BYTES_OF(buf)), OK);
    assert_true(run_until(p.loop, &p.client.messages, MESSAGES, 8000));
    assert_int_equal(p.client.bad, 0);
    pair_free(&p);
}

static void nobody_there(void **state)
{
    struct pair p = {0};
    pair_open(&p, "127.0.0.5:38412", quick());
    pair_connect(&p, "127.0.0.6", "127.0.0.7:38412");
    assert_true(run_until(p.loop, &p.client.downs, 1, 5000));
    assert_int_equal(p.client.ups, 0);
    pair_free(&p);
}

/* The peer does not read: its window closes, our queue fills, we are told, and the association
 * lives. */
static void not_reading(void **state)
{
    int up[2];
    assert_int_equal(pipe(up), 0);
    pid_t child = fork();
    char c = 1;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct end e = {0};
        struct loop *l;
        struct net_addr a;
        struct sctp_conf conf = quick();
        struct sctp_sink s = sink_of(&e);
        addr_parse(&a, STR("127.0.0.8:38412"), 0);
        if (loop_open(&l) < 0 || sctp_open(&e.sctp, l, &conf) < 0 ||
            sctp_listen(e.sctp, &(struct sctp_local){&a, 1, 2}, &s) < 0 || write(up[1], &c, 1) != 1)
            _exit(1);
        while (!e.ups)
            loop_once(l, 20000);
        raise(SIGSTOP);
        _exit(0);
    }
    close(up[1]);
    assert_int_equal(read(up[0], &c, 1), 1);
    struct end e = {0};
    struct loop *l;
    struct sctp_conf conf = quick();
    struct net_addr b;
    struct sctp_sink s = sink_of(&e);
    uint64_t id;
    conf.assoc_retrans = 20;
    addr_parse(&b, STR("127.0.0.8:38412"), 0);
    assert_int_equal(loop_open(&l), OK);
    assert_int_equal(sctp_open(&e.sctp, l, &conf), OK);
    assert_int_equal(sctp_connect(e.sctp, NULL, &b, 1, &s, &id), OK);
    assert_true(run_until(l, &e.ups, 1, 3000));
    assert_int_equal(e.streams, 2);
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    static uint8_t buf[10000];
    int rc = OK;
    for (int i = 0; i < 1000 && rc == OK; i++)
        rc = sctp_send_message(e.sctp, id, 0, 60, BYTES_OF(buf));
    assert_int_equal(rc, ERR_FULL);
    assert_int_equal(e.downs, 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    sctp_free(e.sctp);
    loop_free(l);
    close(up[0]);
}

/* Two processes with raw sockets in one namespace: neither may disturb the other; one killed is
 * noticed. */
static void cut(void **state)
{
    int up[2];
    char c = 1;
    assert_int_equal(pipe(up), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct end e = {.echo = true};
        struct loop *l;
        struct net_addr a;
        struct sctp_conf conf = quick();
        struct sctp_sink s = sink_of(&e);
        addr_parse(&a, STR("127.0.0.1:38412"), 0);
        if (loop_open(&l) < 0 || sctp_open(&e.sctp, l, &conf) < 0 ||
            sctp_listen(e.sctp, &(struct sctp_local){&a, 1, 2}, &s) < 0 || write(up[1], &c, 1) != 1)
            _exit(1);
        loop_run(l);
        _exit(0);
    }
    close(up[1]);
    assert_int_equal(read(up[0], &c, 1), 1);
    struct pair p = {0};
    struct net_addr b;
    uint64_t id;
    uint8_t buf[200];
    pair_open(&p, "127.0.0.1:38413", quick()); /* a listener of another port on the same address */
    struct sctp_sink s = sink_of(&p.client);
    addr_parse(&b, STR("127.0.0.1:38412"), 0);
    assert_int_equal(sctp_connect(p.client.sctp, NULL, &b, 1, &s, &id), OK);
    assert_true(run_until(p.loop, &p.client.ups, 1, 3000));
    p.client.expect = sizeof buf;
    for (uint32_t k = 0; k < sizeof buf; k++)
        buf[k] = octet(sizeof buf, k);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(sctp_send_message(p.client.sctp, id, 0, 60, BYTES_OF(buf)), OK);
        if (!run_until(p.loop, &p.client.messages, i + 1, 3000))
            fail_msg("message %u: no echo (%s)", i, p.client.reason);
    }
    uint32_t never = 0;
    run_until(p.loop, &never, 1, 1000); /* heartbeats go on */
    assert_int_equal(p.client.downs, 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    uint64_t t = loop_now_us();
    assert_true(run_until(p.loop, &p.client.downs, 1, 8000));
    print_message("noticed after %u ms: %s\n", (unsigned)((loop_now_us() - t) / 1000),
                  p.client.reason);
    assert_int_equal(sctp_send_message(p.client.sctp, id, 0, 60, BYTES_OF(buf)), ERR_NOTFOUND);
    pair_free(&p);
    close(up[0]);
}

/* Packets of a stranger with a good checksum: INITs and everything else with wrong octets, from
 * many ports, in the name of the peer as well. The association that is there must not mind. */
static void stranger(void **state)
{
    static struct raw crc;
    struct pair p = {0};
    uint8_t buf[200], packet[256];
    uint32_t seed = 1;
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    crc32c_init(&crc);
    pair_open(&p, "127.0.0.5:38412", quick());
    uint64_t id = pair_connect(&p, "127.0.0.6:9487", "127.0.0.5:38412");
    assert_true(run_until(p.loop, &p.client.ups, 1, 3000));
    int fd[2];
    for (int i = 0; i < 2; i++) { /* another host, and the client's own address */
        fd[i] = socket(AF_INET, SOCK_RAW, IPPROTO_SCTP);
        from.sin_addr.s_addr = htonl(i ? 0x7f000006 : 0x7f000063);
        assert_int_equal(bind(fd[i], (struct sockaddr *)&from, sizeof from), 0);
    }
    to.sin_addr.s_addr = htonl(0x7f000005);
    static const uint8_t chunks[] = {1, 1,  1,  2,  10, 0,   3,   4,   5,   7,
                                     9, 11, 13, 14, 64, 128, 129, 130, 193, 255};
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t n = 12 + 4 + (seed >> 8) % 200;
        for (uint32_t k = 0; k < n; k++)
            packet[k] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 16);
        put_be16(packet, i % 3 ? (uint16_t)(1000 + i) : 9487);
        put_be16(packet + 2, 38412);
        if (i % 2)
            put_be32(packet + 4, 0);
        packet[12] = chunks[i % sizeof chunks];
        if (i % 5)
            put_be16(packet + 14, (uint16_t)(n - 12));
        if (n > 32 && i % 7)
            put_be32(packet + 24, 0x00100010); /* streams that make sense */
        if (n > 40 && i % 3) {                 /* a parameter with a length */
            put_be16(packet + 32, (uint16_t)(5 + i % 12));
            put_be16(packet + 34, (uint16_t)(i % 60));
        }
        put_be32(packet + 8, i % 11 ? sctp_checksum(&crc, packet, n) : 0);
        /* A packet with the right tag may end an association: only the wrong ones are in the peer's
         * name. */
        sendto(fd[i % 3 == 0 && i % 2], packet, n, 0, (struct sockaddr *)&to, sizeof to);
        if (i % 16 == 0)
            loop_once(p.loop, 0);
    }
    close(fd[0]);
    close(fd[1]);
    p.client.expect = sizeof buf;
    for (uint32_t k = 0; k < sizeof buf; k++)
        buf[k] = octet(sizeof buf, k);
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(sctp_send_message(p.client.sctp, id, 0, 60, BYTES_OF(buf)), OK);
        assert_true(run_until(p.loop, &p.client.messages, i + 1, 3000));
    }
    assert_int_equal(p.client.downs + p.server.downs, 0);
    assert_int_equal(p.server.ups, 1);
    assert_true(p.server.sctp->counts.rx_bad > 0);
    print_message("%u packets seen, %u refused at once\n",
                  (unsigned)p.server.sctp->counts.rx_packets,
                  (unsigned)p.server.sctp->counts.rx_bad);
    pair_free(&p);
}

/* What comes to this address is lost without a word, or not any more. */
static void deafen(uint32_t host, bool deaf)
{
    struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog prog = {1, &none};
    uint32_t found = 0;
    for (int fd = 3; fd < 100; fd++) {
        struct sockaddr_in a = {0};
        int proto = 0;
        socklen_t n = sizeof a, k = sizeof proto;
        if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &proto, &k) < 0 || proto != IPPROTO_SCTP ||
            getsockname(fd, (struct sockaddr *)&a, &n) < 0 || a.sin_addr.s_addr != htonl(host))
            continue;
        found++;
        assert_int_equal(setsockopt(fd, SOL_SOCKET, deaf ? SO_ATTACH_FILTER : SO_DETACH_FILTER,
                                    &prog, sizeof prog),
                         0);
    }
    assert_int_equal(found, 1);
}

/* Two homes on each side. Of one path nothing arrives, in both directions and then in one; messages
 * go on over the other, and so they do when it is the other's turn. */
static void two_paths(void **state)
{
    static const uint32_t paths[][2] = {{0x7f000105, 0x7f000106}, {0x7f000205, 0x7f000206}};
    static const uint8_t deaf_ends[] = {3, 1, 2}; /* bit 0: the server's, bit 1: the client's */
    struct pair p = {0};
    struct net_addr from[2], to[2];
    struct sctp_conf conf = quick();
    conf.assoc_retrans = 10;
    uint8_t buf[300];
    uint64_t id;
    for (int i = 0; i < 2; i++) {
        to[i] = addr_v4(paths[i][0], 38412);
        from[i] = addr_v4(paths[i][1], 0);
    }
    p.server.echo = true;
    assert_int_equal(loop_open(&p.loop), OK);
    assert_int_equal(sctp_open(&p.server.sctp, p.loop, &conf), OK);
    assert_int_equal(sctp_open(&p.client.sctp, p.loop, &conf), OK);
    struct sctp_sink s = sink_of(&p.server), c = sink_of(&p.client);
    assert_int_equal(sctp_listen(p.server.sctp, &(struct sctp_local){to, 2, 16}, &s), OK);
    assert_int_equal(sctp_connect(p.client.sctp, &(struct sctp_local){from, 2, 16}, to, 2, &c, &id),
                     OK);
    assert_true(run_until(p.loop, &p.client.ups, 1, 3000));
    p.client.expect = sizeof buf;
    for (uint32_t k = 0; k < sizeof buf; k++)
        buf[k] = octet(sizeof buf, k);
    uint32_t sent = 0;
    for (uint32_t turn = 0; turn < 2 * ARRAY_LEN(deaf_ends); turn++) {
        uint8_t ends = deaf_ends[turn / 2];
        for (int end = 0; end < 2; end++)
            if (ends >> end & 1)
                deafen(paths[turn % 2][end], true);
        for (uint32_t i = 0; i < 20; i++) {
            assert_int_equal(sctp_send_message(p.client.sctp, id, 0, 60, BYTES_OF(buf)), OK);
            if (!run_until(p.loop, &p.client.messages, ++sent, 2000))
                fail_msg("turn %u, message %u: no echo (%s)", turn, i, p.client.reason);
        }
        for (int end = 0; end < 2; end++)
            if (ends >> end & 1)
                deafen(paths[turn % 2][end], false);
    }
    assert_int_equal(p.client.downs + p.server.downs + p.client.bad, 0);
    assert_true(p.client.sctp->counts.path_switches + p.server.sctp->counts.path_switches > 0);
    pair_free(&p);
}

static void ipv6(void **state)
{
    struct pair p = {0};
    uint8_t buf[300];
    pair_open(&p, "[::1]:38412", quick());
    uint64_t id = pair_connect(&p, "::1", "[::1]:38412");
    assert_true(run_until(p.loop, &p.client.ups, 1, 3000));
    p.client.expect = sizeof buf;
    for (uint32_t k = 0; k < sizeof buf; k++)
        buf[k] = octet(sizeof buf, k);
    assert_int_equal(sctp_send_message(p.client.sctp, id, 0, 60, BYTES_OF(buf)), OK);
    assert_true(run_until(p.loop, &p.client.messages, 1, 3000));
    pair_free(&p);
}

int main(int argc, char **argv)
{
    struct loop *l = NULL;
    struct sctp *s = NULL;
    if (argc > 1 && strcmp(argv[1], "kernel") == 0)
        mode = SCTP_MODE_KERNEL;
    if (!own_netns() || loop_open(&l) < 0 ||
        sctp_open(&s, l, &(struct sctp_conf){.mode = mode}) < 0) {
        loop_free(l);
        return 77;
    }
    sctp_free(s);
    loop_free(l);
    if (mode == SCTP_MODE_KERNEL)
        return RUN(unit(echo_sizes), unit(aborted), unit(many));
    return RUN(unit(echo_sizes), unit(together), unit(aborted), unit(many), unit(burst), unit(nobody_there),
               unit(not_reading), unit(stranger), unit(cut), unit(two_paths), unit(ipv6));
}
