/* SPDX-License-Identifier: Apache-2.0 */
/* user_plane_test.c - the packet path inline in the simulated world, without nf/upf: commands in,
 * events back, a ping from a gNB through GTP-U to a data network and back. */
#include "tests/test.h"
#include "base/err.h"
#include "rt/config.h"
#include "sim/data_network.h"
#include "sim/user_plane.h"

enum { SECOND = 1000000, GNB_TEID = 0x4711 };
static const struct net_addr UPF = {4, 2152, {10, 0, 0, 1}}, GNB = {4, 2152, {10, 0, 0, 2}};
static struct config_n6 n6[] = {{.dnn = {"internet", 8},
                                 .tun = {"n6internet", 10},
                                 .create = true,
                                 .ipv4 = {{4, 0, {10, 45, 0, 1}}, 16},
                                 .ipv6 = {{6, 0, {0xfd, 0, 0, 0x10, 0, 0x45, [15] = 1}}, 48}}};
static struct config conf = {.upf = {.n3_addresses = &UPF,
                                     .n_n3_addresses = 1,
                                     .n6 = n6,
                                     .n_n6 = 1,
                                     .n3_mtu = 1500,
                                     .max_sessions = 100,
                                     .buffer_packets = 10,
                                     .buffer_packets_session = 4}};
struct test {
    struct world *w;
    struct env *upf, *gnb;
    struct rt rt, gnb_rt;
    struct user_plane *up;
    struct data_network dn;
    int sock;
    unsigned events[DP_EVENT_COUNT], datagrams;
    struct dp_event last;
    uint8_t got[2048];
    uint32_t got_n;
};
static struct test t;

static void on_event(void *ctx, const struct dp_event *e)
{
    (void)ctx;
    t.events[e->kind]++;
    t.last = *e;
}
static void at_gnb(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    (void)ctx, (void)sock;
    assert_true(addr_eq(from, &UPF));
    t.datagrams++;
    t.got_n = b.n < sizeof t.got ? b.n : sizeof t.got;
    memcpy(t.got, b.p, t.got_n);
}
static int begin(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    t.w = world_new(3);
    t.upf = world_host(t.w, "upf", &UPF);
    t.gnb = world_host(t.w, "gnb", &GNB);
    assert_int_equal(rt_init(&t.rt, t.upf, 1 << 20), OK);
    world_attach(t.w, t.upf, &t.rt);
    assert_int_equal(user_plane_inline_open(&t.up, &t.rt, &conf), OK);
    assert_ptr_equal(t.rt.user_plane, t.up);
    user_plane_listen(t.up, &(struct user_plane_sink){NULL, on_event});
    assert_int_equal(data_network_start(&t.dn, t.w, t.upf, "n6internet"), OK);
    t.sock = t.gnb->ops->udp_open(t.gnb, &GNB, &(struct udp_sink){NULL, at_gnb});
    return 0;
}
static int end(void **state)
{
    (void)state;
    user_plane_close(t.up);
    assert_null(t.rt.user_plane);
    world_attach(t.w, t.upf, NULL);
    rt_free(&t.rt);
    world_free(t.w);
    return 0;
}
static void go(uint64_t us)
{
    world_attach(t.w, t.upf, &t.rt);
    world_run(t.w, us);
}
static int put(uint32_t session, uint32_t gen, const uint8_t ip[4], uint8_t dl_action, uint32_t tag,
               uint32_t *teid)
{
    int error;
    *teid = dp_teid(t.up->config.sessions_max, session, 0, 0xabcdef00u + gen);
    struct rule_pdr pdr[2] = {{.id = 1, .precedence = 1, .source = RULE_ACCESS, .teid = *teid,
                               .outer_header_removal = true, .far_id = 1},
                              {.id = 2, .precedence = 1, .source = RULE_CORE, .far_id = 2}};
    struct rule_far far[2] = {{.id = 1, .action = RULE_FORW, .destination = RULE_CORE},
                              {.id = 2, .action = dl_action, .destination = RULE_ACCESS,
                               .teid = GNB_TEID, .peer = {4, 0, {10, 0, 0, 2}}}};
    struct rule_session s = {.session = session, .gen = gen, .has_ipv4 = true,
                             .inactivity_us = 5 * SECOND,
                             .pdr = pdr, .far = far, .pdr_n = 2, .far_n = 2};
    memcpy(s.ipv4, ip, 4);
    struct dp_command c = {.kind = DP_PUT, .session = session, .gen = gen, .tag = tag};
    c.rules = dp_rules_new(&t.up->config, &s, &error, NULL);
    assert_non_null(c.rules);
    rt_enter(&t.rt);
    return user_plane_command(t.up, &c);
}
static void ping(uint32_t teid, const uint8_t from[4])
{
    uint8_t p[200] = {0x30, 255};
    struct net_addr me = {.family = 4}, far = {4, 0, {8, 8, 8, 8}};
    memcpy(me.ip, from, 4);
    uint32_t n = echo_request(&me, &far, 1, 1, 56, p + 8, sizeof p - 8);
    put_be16(p + 2, (uint16_t)n);
    put_be32(p + 4, teid);
    t.gnb->ops->udp_send(t.gnb, t.sock, &UPF, (struct bytes){p, n + 8});
}
static uint64_t count(enum dp_counter c)
{
    uint64_t all[DP_COUNTERS];
    user_plane_counters(t.up, all);
    return all[c];
}

static const uint8_t UE[4] = {10, 45, 0, 2};
static void ping_through_the_tunnel(void **state)
{
    (void)state;
    uint32_t teid;
    assert_int_equal(put(3, 1, UE, RULE_FORW, 77, &teid), OK);
    assert_int_equal(t.events[DP_EVENT_DONE], 0); /* never from within command() */
    go(0);
    assert_true(t.events[DP_EVENT_DONE] == 1 && t.last.tag == 77 && t.last.result == OK);
    ping(teid, UE);
    go(10000);
    assert_true(t.dn.packets == 1 && t.datagrams == 1);
    assert_int_equal(t.got_n, 8 + 84);
    assert_int_equal(be32(t.got + 4), GNB_TEID);
    assert_memory_equal(t.got + 8 + 16, UE, 4);
    ping(teid, (const uint8_t[4]){10, 45, 0, 3}); /* another's address */
    go(10000);
    assert_true(t.dn.packets == 1 && count(DP_spoofed) == 1);
    go(6 * SECOND);
    assert_true(t.events[DP_EVENT_INACTIVE] == 1 && t.last.session == 3);
    struct dp_command drop = {.kind = DP_DROP, .session = 3, .gen = 1, .tag = 78};
    assert_int_equal(user_plane_command(t.up, &drop), OK);
    go(0);
    assert_int_equal(t.events[DP_EVENT_DONE], 2);
    ping(teid, UE);
    go(10000);
    assert_true(t.dn.packets == 1 && count(DP_teid_unknown) == 1);
    assert_true(t.datagrams == 2 && t.got[1] == 26); /* error indication */
}

static void refused_rules_are_told(void **state)
{
    (void)state;
    uint32_t teid;
    assert_int_equal(put(3, 1, UE, RULE_FORW, 0, &teid), OK);
    assert_int_equal(put(4, 1, UE, RULE_FORW, 0, &teid), OK); /* the address is another's */
    go(0);
    assert_true(t.events[DP_EVENT_DONE] == 1 && t.last.session == 4 && t.last.result == ERR_EXISTS);
}

static void buffered_and_told(void **state)
{
    (void)state;
    uint32_t teid;
    uint8_t p[100];
    struct net_addr far = {4, 0, {8, 8, 8, 8}}, ue = {4, 0, {10, 45, 0, 2}};
    assert_int_equal(put(3, 1, UE, RULE_BUFF | RULE_NOCP, 0, &teid), OK);
    uint32_t n = echo_request(&far, &ue, 1, 1, 20, p, sizeof p);
    int tun = world_tun(t.w, t.upf, NULL, "n6internet");
    assert_int_equal(world_inject(t.w, tun, (struct bytes){p, n}), OK);
    assert_int_equal(world_inject(t.w, tun, (struct bytes){p, n}), OK);
    go(10000);
    assert_true(t.events[DP_EVENT_DOWNLINK_DATA] == 1 && t.last.pdr_id == 2 && t.datagrams == 0);
    assert_int_equal(put(3, 1, UE, RULE_FORW, 0, &teid), OK);
    go(10000);
    assert_int_equal(t.datagrams, 2);
}

static void configurations(void **state)
{
    (void)state;
    struct dp_config c;
    struct config bad = conf;
    assert_int_equal(user_plane_config(&conf, &c), OK);
    assert_true(c.inner_mtu == 1456 && c.pools == 1 && c.instances == 1 && c.local_v4.family == 4);
    assert_false(c.check_peer);
    bad.upf.check_gnb_address = true;
    assert_int_equal(user_plane_config(&bad, &c), OK);
    assert_true(c.check_peer);
    struct net_addr both[2] = {UPF, {6, 0, {0x20, 1}}};
    bad.upf.n3_addresses = both;
    bad.upf.n_n3_addresses = 2;
    assert_int_equal(user_plane_config(&bad, &c), OK);
    assert_true(c.inner_mtu == 1436 && c.local_v6.family == 6);
    assert_memory_equal(c.core[0].ip, c.local_v4.ip, 4); /* what no phone reaches */
    assert_memory_equal(c.core[1].ip, c.local_v6.ip, 16);
    assert_false(c.nested);
    both[1] = UPF;
    assert_int_equal(user_plane_config(&bad, &c), ERR_CONFIG);
    bad = conf;
    bad.upf.n_n6 = 0;
    assert_int_equal(user_plane_config(&bad, &c), ERR_CONFIG);
    /* the address is in use: nothing stays behind */
    struct user_plane *second;
    assert_int_equal(user_plane_inline_open(&second, &t.rt, &conf), ERR_EXISTS);
}

int main(void)
{
#define plane_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    return RUN(plane_test(ping_through_the_tunnel), plane_test(refused_rules_are_told),
               plane_test(buffered_and_told), plane_test(configurations));
}
