/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, veth, TUN, and SCTP between two namespaces with two addresses each, one of which is
 * cut. */
#include "tests/test.h"
#include "os/netns.h"
#include "os/sctp.h"
#include "os/tun.h"
#include <stdlib.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

static char A[32], B[32], prefix[24];

static struct net_addr ip(const char *t)
{
    struct net_addr a;
    assert_true(addr_parse(&a, str_of(t), 0));
    return a;
}
static int setup(void **state)
{
    assert_int_equal(netns_create(A), OK);
    assert_int_equal(netns_create(B), OK);
    assert_int_equal(netns_create(B), ERR_EXISTS);
    return 0;
}
static int teardown(void **state)
{
    assert_int_equal(netns_delete_prefix(prefix), 2);
    assert_false(netns_exists(A));
    return 0;
}

struct got {
    uint32_t n;
    uint8_t last[2048];
    uint32_t last_n;
};
static void packet(void *ctx, int tun, struct bytes b)
{
    struct got *g = ctx;
    if (b.n < 20 || b.p[0] >> 4 != 4) /* the host's own router solicitations and the like */
        return;
    g->n++;
    g->last_n = b.n < sizeof g->last ? b.n : sizeof g->last;
    memcpy(g->last, b.p, g->last_n);
}
static int udp_in_netns(void *ctx)
{
    int *fd = ctx;
    *fd = socket(AF_INET, SOCK_DGRAM, 0);
    return *fd < 0 ? ERR_IO : OK;
}
static void tun_round_trip(void **state)
{
    struct loop *l;
    struct tun *t, *again;
    struct got g = {0};
    int fd;
    struct tun_spec spec = {.name = "uesimtun0",
                            .netns = A,
                            .addr4 = ip("10.45.0.2"),
                            .addr6 = ip("2001:db8::2"),
                            .mtu = 1400,
                            .default_route = true};
    struct tun_sink k = {&g, packet};
    assert_int_equal(loop_open(&l), OK);
    assert_int_equal(tun_open(&t, l, &spec, 0, &k), OK);
    assert_int_equal(tun_open(&again, l, &spec, 0, &k), ERR_EXISTS);
    assert_int_equal(netns_run(A, udp_in_netns, &fd), OK);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(5000)}, me = {0};
    socklen_t n = sizeof me;
    memcpy(&to.sin_addr, "\x08\x08\x08\x08", 4);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, "ping", 4, 0), 4);
    for (int i = 0; i < 50 && !g.n; i++)
        loop_once(l, 10000);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.last_n, 32);
    assert_memory_equal(g.last + 12, "\x0a\x2d\x00\x02\x08\x08\x08\x08", 8);
    /* Back: addresses and ports swapped leave both checksums as they are. */
    for (int i = 0; i < 4; i++) {
        uint8_t x = g.last[12 + i];
        g.last[12 + i] = g.last[16 + i];
        g.last[16 + i] = x;
    }
    for (int i = 0; i < 2; i++) {
        uint8_t x = g.last[20 + i];
        g.last[20 + i] = g.last[22 + i];
        g.last[22 + i] = x;
    }
    g.last[26] = g.last[27] = 0; /* UDP without a checksum: the kernel had left it to the device */
    assert_int_equal(tun_send(t, (struct bytes){g.last, g.last_n}), OK);
    char buf[16];
    struct timeval tv = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    assert_int_equal(recv(fd, buf, sizeof buf, 0), 4);
    assert_memory_equal(buf, "ping", 4);
    assert_int_equal(tun_send(t, (struct bytes){(const uint8_t *)"\xff\xff", 2}), ERR_SYNTAX);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&me, &n), 0);
    close(fd);
    tun_free(t);
    loop_free(l);
}

struct end {
    struct sctp *sctp;
    uint32_t ups, downs, messages;
    bool echo;
};
static void on_up(void *ctx, uint64_t a, const struct net_addr *peer, uint16_t s)
{
    ((struct end *)ctx)->ups++;
}
static void on_down(void *ctx, uint64_t a, const char *reason)
{
    print_message("down: %s\n", reason);
    ((struct end *)ctx)->downs++;
}
static void on_message(void *ctx, uint64_t a, uint16_t stream, uint32_t ppid, struct bytes m)
{
    struct end *e = ctx;
    e->messages++;
    if (e->echo)
        assert_int_equal(sctp_send_message(e->sctp, a, stream, ppid, m), OK);
}
static struct loop *loop;
static struct end server, client;
static uint64_t assoc;
static bool run_until(const uint32_t *what, uint32_t value, uint32_t ms)
{
    uint64_t end = loop_now_us() + ms * 1000u;
    while (*what < value && loop_now_us() < end)
        loop_once(loop, 20000);
    return *what >= value;
}
static int do_listen(void *ctx)
{
    struct net_addr a[2] = {ip("10.0.1.1:38412"), ip("10.0.2.1:38412")};
    struct sctp_sink k = {&server, on_up, on_message, on_down};
    return sctp_listen(server.sctp, &(struct sctp_local){a, 2, 4}, &k);
}
static int do_connect(void *ctx)
{
    struct net_addr a[2] = {ip("10.0.1.2"), ip("10.0.2.2")}, b = ip("10.0.1.1:38412");
    struct sctp_sink k = {&client, on_up, on_message, on_down};
    return sctp_connect(client.sctp, &(struct sctp_local){a, 2, 4}, &b, 1, &k, &assoc);
}

static void two_homes(void **state)
{
    struct sctp_conf conf = {.mode = SCTP_MODE_AUTO,
                             .heartbeat_ms = 300,
                             .rto_initial_ms = 100,
                             .rto_min_ms = 50,
                             .rto_max_ms = 200,
                             .assoc_retrans = 8};
    static const char *const names[2][2] = {{"n2a", "n2b"}, {"n2c", "n2d"}};
    for (int i = 0; i < 2; i++) {
        char t[32];
        struct net_addr a;
        assert_int_equal(netns_veth(A, names[i][0], B, names[i][1]), OK);
        snprintf(t, sizeof t, "10.0.%d.1", i + 1);
        a = ip(t);
        assert_int_equal(netns_address(A, names[i][0], &a, 24), OK);
        snprintf(t, sizeof t, "10.0.%d.2", i + 1);
        a = ip(t);
        assert_int_equal(netns_address(B, names[i][1], &a, 24), OK);
    }
    assert_int_equal(netns_link_up(A, "nosuch", 0), ERR_NOTFOUND);
    assert_int_equal(netns_forwarding(A, true), OK);
    assert_int_equal(loop_open(&loop), OK);
    assert_int_equal(sctp_open(&server.sctp, loop, &conf), OK);
    assert_int_equal(sctp_open(&client.sctp, loop, &conf), OK);
    server.echo = true;
    assert_int_equal(netns_run(A, do_listen, NULL), OK);
    assert_int_equal(netns_run(B, do_connect, NULL), OK);
    assert_true(run_until(&client.ups, 1, 10000));
    uint8_t buf[3000] = {0};
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(sctp_send_message(client.sctp, assoc, 1, 60, BYTES_OF(buf)), OK);
        assert_true(run_until(&client.messages, i + 1, 2000));
    }
    assert_int_equal(netns_link_delete(A, "n2a"), OK); /* the first path is gone */
    uint64_t t = loop_now_us();
    for (uint32_t i = 20; i < 40; i++) {
        assert_int_equal(sctp_send_message(client.sctp, assoc, 1, 60, BYTES_OF(buf)), OK);
        assert_true(run_until(&client.messages, i + 1, 8000));
        if (i == 20)
            print_message("over the second path after %u ms\n",
                          (unsigned)((loop_now_us() - t) / 1000));
    }
    assert_int_equal(client.downs + server.downs, 0);
    assert_int_equal(netns_veth(A, "n2a", B, "n2b"), OK); /* and is back; now the second goes */
    struct net_addr a = ip("10.0.1.1"), b = ip("10.0.1.2");
    assert_int_equal(netns_address(A, "n2a", &a, 24), OK);
    assert_int_equal(netns_address(B, "n2b", &b, 24), OK);
    assert_int_equal(netns_link_delete(B, "n2d"), OK);
    for (uint32_t i = 40; i < 60; i++) {
        assert_int_equal(sctp_send_message(client.sctp, assoc, 1, 60, BYTES_OF(buf)), OK);
        assert_true(run_until(&client.messages, i + 1, 8000));
    }
    sctp_free(client.sctp);
    assert_true(run_until(&server.downs, 1, 5000)); /* by its ABORT */
    sctp_free(server.sctp);
    loop_free(loop);
}

int main(void)
{
    struct loop *l = NULL;
    struct sctp *s = NULL;
    snprintf(prefix, sizeof prefix, "rdtest-%d-", (int)getpid());
    snprintf(A, sizeof A, "%sa", prefix);
    snprintf(B, sizeof B, "%sb", prefix);
    if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0 || netns_create(A) < 0)
        return 77;
    netns_delete(A);
    bool has_sctp = loop_open(&l) == OK && sctp_open(&s, l, NULL) == OK;
    sctp_free(s);
    loop_free(l);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tun_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(two_homes, setup, teardown),
    };
    return _cmocka_run_group_tests("netns", tests, has_sctp ? 2 : 1, NULL, NULL);
}
