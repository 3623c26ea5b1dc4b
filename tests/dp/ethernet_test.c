/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet sessions, TS 23.501 5.6.10.2: frames between the members of a 5G LAN, whose addresses are learned. */
#include "tests/test.h"
#include "tests/dp/net.h"

enum { MEMBERS = 4, LAN = 1, AGE_US = 10 * 1000000 };
static struct net T; /* one test at a time */
static struct plain P[MEMBERS];
static struct rule_eth E[MEMBERS][4];
static const uint8_t ALL[6] = {255, 255, 255, 255, 255, 255}, GROUP[6] = {0x01, 0, 0x5e, 0, 0, 0xfb};

static const uint8_t *mac(uint8_t last)
{
    static uint8_t of[256][6];
    of[last][0] = 2;
    of[last][5] = last;
    return of[last];
}
static struct rule_session *member(uint32_t i, uint32_t gen)
{
    struct plain *p = &P[i];
    struct rule_session *s = plain_session(p, 100, i, gen);
    s->has_ipv4 = s->has_ipv6 = false;
    s->is_ethernet = true;
    s->instance = LAN;
    s->mac_age_us = AGE_US;
    p->pdr[1].source = RULE_LAN;
    p->pdr[1].carry_on = true;
    p->far[0].destination = RULE_LAN;
    p->far[0].instance = LAN;
    p->urr[0].report_macs = true;
    return s;
}
static void put(struct rule_session *s)
{
    const char *why = NULL;
    int e = dp_session_set(T.dp, T.now, s, &why);
    if (e < 0)
        print_error("%s\n", why ? why : err_text(e));
    assert_int_equal(e, OK);
}
static int begin(void **state)
{
    (void)state;
    struct dp_config c = net_config();
    net_open(&T, &c);
    for (uint32_t i = 0; i < MEMBERS; i++)
        put(member(i, 1));
    return 0;
}
static int end(void **state)
{
    (void)state;
    assert_true(net_adds_up(&T));
    dp_free(T.dp);
    return 0;
}
static uint32_t frame(const uint8_t *to, const uint8_t *from, uint16_t type, uint32_t n)
{
    uint8_t *p = net_inner(&T);
    memset(p, 0x55, n);
    memcpy(p, to, 6);
    memcpy(p + 6, from, 6);
    put_be16(p + 12, type);
    return n;
}
static void raw(uint32_t i, uint32_t n)
{
    T.out_n = 0;
    net_uplink(&T, P[i].pdr[0].teid, 9, n, v4_peer(2));
}
static void send(uint32_t i, const uint8_t *to, const uint8_t *from) { raw(i, frame(to, from, 0x88b5, 60)); }
/* Who got the last frame, as bits. */
static unsigned got(void)
{
    unsigned who = 0;
    for (unsigned i = 0; i < T.out_n; i++) {
        assert_true(T.out[i].tunnel);
        who |= 1u << (be32(T.out[i].p + 4) - GNB_TEID);
    }
    return who;
}
#define COUNTED(name, n) assert_int_equal(net_count(&T, DP_##name), n)
static void a_bridge_learns(void **state)
{
    (void)state;
    send(0, mac(11), mac(10)); /* nobody is known to have it: all others */
    assert_int_equal(got(), 14);
    assert_int_equal(T.out[0].n, 60 + 16);
    assert_memory_equal(T.out[0].p + 16, mac(11), 6);
    send(1, mac(10), mac(11)); /* to who has it */
    assert_int_equal(got(), 1);
    send(0, mac(11), mac(10));
    assert_int_equal(got(), 2);
    send(0, ALL, mac(10));
    assert_int_equal(got(), 14);
    send(2, GROUP, mac(12));
    assert_int_equal(got(), 11);
    COUNTED(lan_spread, 3);
    COUNTED(lan_copies, 9);
    send(0, mac(10), mac(10)); /* it never goes back */
    assert_int_equal(got(), 0);
    send(0, mac(20), mac(10));
    send(0, mac(10), mac(20)); /* two behind one phone */
    COUNTED(lan_unknown, 2);
    /* a member who goes takes its addresses along */
    assert_int_equal(dp_session_drop(T.dp, T.now, 1, 1), OK);
    send(0, mac(11), mac(10));
    assert_int_equal(got(), 12);
    put(member(1, 2));
    send(2, mac(10), mac(11)); /* and another may have them then */
    assert_int_equal(got(), 1);
    send(1, mac(10), mac(11));
    COUNTED(mac_taken, 1);
}

static void an_address_is_of_who_had_it_first(void **state)
{
    (void)state;
    send(0, ALL, mac(10));
    send(1, ALL, mac(10));
    assert_int_equal(got(), 0);
    COUNTED(mac_taken, 1);
    assert_int_equal(T.abuses_n, 1);
    assert_int_equal(T.abuse.what, DP_mac_taken);
    send(2, mac(10), mac(12));
    assert_int_equal(got(), 1);
    T.now += AGE_US - 1;
    send(1, ALL, mac(10));
    COUNTED(mac_taken, 2);
    T.now += 1; /* its holder has been silent */
    send(1, ALL, mac(10));
    COUNTED(mac_taken, 2);
    send(2, mac(10), mac(12));
    assert_int_equal(got(), 2);
}

static void addresses_are_bounded_and_forgotten(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < RULE_MACS; i++)
        send(0, ALL, mac((uint8_t)(100 + i)));
    COUNTED(mac_limit, 0);
    assert_int_equal(T.events_n, RULE_MACS);
    assert_int_equal(T.event[0].urr_id, 1);
    assert_int_equal(T.event[1].usage.sequence, 1);
    send(0, ALL, mac(99));
    assert_int_equal(got(), 0);
    COUNTED(mac_limit, 1);
    T.now += AGE_US / 2;
    send(0, ALL, mac(100)); /* one that speaks stays */
    T.now += AGE_US / 2;
    dp_tick(T.dp, T.now + DP_TICK_US);
    assert_int_equal(T.events_n, 2 * RULE_MACS - 1);
    send(1, mac(100), mac(11));
    assert_int_equal(got(), 1);
    send(1, mac(101), mac(11));
    assert_int_equal(got(), 13);
    send(0, ALL, mac(99));
    COUNTED(mac_limit, 1);
    assert_true(dp_next_us(T.dp) != UINT64_MAX);
}

static void hostile_frames(void **state)
{
    static const uint8_t NONE_AT_ALL[6] = {0}, STP[6] = {0x01, 0x80, 0xc2}, LLDP[6] = {0x01, 0x80, 0xc2, 0, 0, 0x0e},
                         BEHIND[6] = {0x01, 0x80, 0xc2, 0, 0, 0x10};
    (void)state;
    for (uint32_t n = 0; n < 14; n++) {
        frame(ALL, mac(10), 0x88b5, 14);
        raw(0, n);
    }
    COUNTED(frame_malformed, 14);
    send(0, ALL, GROUP);
    send(0, ALL, NONE_AT_ALL);
    COUNTED(frame_malformed, 16);
    raw(0, frame(ALL, mac(10), 0x88b5, 14));
    assert_int_equal(got(), 14);
    send(0, STP, mac(10));
    send(0, LLDP, mac(10));
    COUNTED(frame_reserved, 2);
    send(0, BEHIND, mac(10));
    assert_int_equal(got(), 14);
    raw(0, frame(ALL, mac(10), 46, 60)); /* a length: IEEE 802.3 */
    assert_int_equal(got(), 14);
    raw(0, frame(ALL, mac(10), 47, 60));
    raw(0, frame(ALL, mac(10), 1501, 60));
    COUNTED(frame_malformed, 18);
    /* tags: two at most, and none that is cut off */
    uint32_t n = frame(ALL, mac(10), 0x88a8, 60);
    put_be16(net_inner(&T) + 16, 0x8100);
    put_be16(net_inner(&T) + 20, 0x0800);
    raw(0, n);
    assert_int_equal(got(), 14);
    for (uint32_t cut = 14; cut < 22; cut++)
        raw(0, cut);
    COUNTED(frame_malformed, 26);
    put_be16(net_inner(&T) + 20, 0x8100);
    raw(0, 60);
    COUNTED(frame_malformed, 27);
    /* jumbo: to one it is larger than a tunnel carries, to many than a copy may be */
    send(1, ALL, mac(11));
    raw(0, frame(mac(11), mac(10), 0x88b5, 14 + 1400));
    assert_int_equal(got(), 2);
    raw(0, frame(mac(11), mac(10), 0x88b5, 14 + 1401));
    raw(0, frame(ALL, mac(10), 0x88b5, 9000));
    assert_int_equal(got(), 0);
    COUNTED(too_big, 2);
}

/* One who floods leaves the others their part of the LAN's copies; together they have no more than all of it. */
static void who_floods_stands_in_nobodys_way(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        send(0, ALL, mac(10));
    assert_int_equal(got(), 0);
    uint64_t one = net_count(&T, DP_lan_spread);
    assert_true(one > 300 && one < 400); /* 250 ms ahead of 5,000 copies a second, 4 a frame: the sender's place counts */
    send(1, mac(10), mac(11)); /* to one it is no copy */
    send(0, mac(11), mac(10));
    assert_int_equal(got(), 2);
    send(1, ALL, mac(11));
    assert_int_equal(got(), 13);
    for (unsigned i = 0; i < 2000; i++)
        for (uint32_t k = 0; k < MEMBERS; k++)
            send(k, ALL, mac((uint8_t)(10 + k)));
    assert_true(net_count(&T, DP_lan_spread) <= MEMBERS * one);
    T.now += 1000000;
    send(0, ALL, mac(10));
    assert_int_equal(got(), 14);
}

/* Members by IP and by frames meet in no LAN. */
static void apart_from_ip(void **state)
{
    struct plain ip;
    (void)state;
    struct rule_session *s = plain_session(&ip, 100, 9, 1);
    s->instance = LAN;
    s->has_ipv6 = false;
    ip.pdr[1].source = RULE_LAN;
    ip.pdr[1].carry_on = true;
    ip.far[0].destination = RULE_LAN;
    ip.far[0].instance = LAN;
    put(s);
    send(0, ALL, mac(10));
    assert_int_equal(got(), 14);
    ip4(net_inner(&T), s->ipv4, (const uint8_t[]){224, 0, 0, 251}, 60);
    T.out_n = 0;
    net_uplink(&T, ip.pdr[0].teid, 9, 60, v4_peer(2));
    assert_int_equal(T.out_n, 0);
    /* nor does a packet of a data network reach a member by frames */
    ip4(net_inner(&T), (const uint8_t[]){8, 8, 8, 8}, (const uint8_t[]){10, 45, 0, 0}, 60);
    net_downlink(&T, LAN, 60);
    assert_int_equal(T.out_n, 0);
}

static struct rule_mac exactly(bool is_source, const uint8_t *a)
{
    struct rule_mac m = {.is_source = is_source};
    memcpy(m.first, a, 6);
    memcpy(m.last, a, 6);
    return m;
}
static void filters(void **state)
{
    (void)state;
    struct rule_session *s = member(0, 1);
    P[0].pdr[0].eth = E[0];
    P[0].pdr[0].eth_n = 1;
    E[0][0] = (struct rule_eth){.id = 1, .both_ways = true, .mac_n = 2, .mac = {exactly(true, mac(10)), exactly(true, mac(11))}};
    put(s);
    send(0, ALL, mac(10));
    assert_int_equal(got(), 14);
    send(0, ALL, mac(12)); /* an address that is not allowed: nobody learns it */
    COUNTED(no_rule, 1);
    send(1, ALL, mac(12));
    assert_int_equal(got(), 13);
    /* the same filter the other way: only what is for those addresses */
    E[0][1] = (struct rule_eth){.id = 1, .same_as_id = true};
    P[0].pdr[1].eth = E[0] + 1;
    P[0].pdr[1].eth_n = 1;
    put(s);
    send(1, mac(10), mac(12));
    assert_int_equal(got(), 1);
    send(1, ALL, mac(12));
    assert_int_equal(got(), 12);
    COUNTED(lan_copies_dropped, 1);
    /* by type and by tag */
    s = member(0, 1);
    P[0].pdr[0].eth = E[0];
    P[0].pdr[0].eth_n = 2;
    E[0][0] = (struct rule_eth){.has_type = true, .type = 0x0806};
    E[0][1] = (struct rule_eth){.c_tag = 7, .c_mask = 0xfff};
    put(s);
    send(0, ALL, mac(10));
    assert_int_equal(got(), 0);
    raw(0, frame(ALL, mac(10), 0x0806, 60));
    assert_int_equal(got(), 14);
    uint32_t n = frame(ALL, mac(10), 0x8100, 60);
    put_be16(net_inner(&T) + 14, 0xa007);
    put_be16(net_inner(&T) + 16, 0x0800);
    raw(0, n);
    assert_int_equal(got(), 14);
    put_be16(net_inner(&T) + 14, 0xa008);
    raw(0, n);
    assert_int_equal(got(), 0);
    E[0][1] = (struct rule_eth){.s_tag = 7, .s_mask = 0xfff};
    put(s);
    put_be16(net_inner(&T) + 14, 0xa007);
    raw(0, n);
    assert_int_equal(got(), 0);
}

/* What a sleeping phone was sent comes when it is there again, also what was for all. */
static void asleep(void **state)
{
    (void)state;
    struct rule_session *s = member(1, 1);
    P[1].far[1].action = RULE_BUFF | RULE_NOCP;
    P[1].far[1].peer.family = 0;
    put(s);
    send(0, mac(30), mac(10));
    send(0, ALL, mac(10));
    assert_int_equal(got(), 12);
    COUNTED(held, 0);
    COUNTED(lan_copies, 6);
    T.out_n = 0;
    put(member(1, 1));
    assert_int_equal(got(), 2);
    assert_int_equal(T.out_n, 2);
    COUNTED(released, 2);
}

static void refused(struct rule_session *s, int error)
{
    const char *why = NULL;
    assert_int_equal(dp_session_set(T.dp, T.now, s, &why), error);
    assert_non_null(why);
}
static void rules_that_are_refused(void **state)
{
    static struct rule_sdf sdf;
    static struct rule_prefix route = {.family = 4, .bits = 24, .ip = {192, 168, 1}};
    (void)state;
    struct rule_session *s = member(0, 1);
    s->has_ipv4 = true;
    refused(s, ERR_RANGE);
    s = member(0, 1);
    P[0].far[0].destination = RULE_CORE;
    P[0].far[0].instance = 0;
    refused(s, ERR_UNSUPPORTED);
    s = member(0, 1);
    P[0].far[0].instance = 0; /* another LAN than its own */
    refused(s, ERR_RANGE);
    s = member(0, 1);
    P[0].pdr[0].sdf = &sdf;
    P[0].pdr[0].sdf_n = 1;
    refused(s, ERR_UNSUPPORTED);
    s = member(0, 1);
    P[0].pdr[1].framed = &route;
    P[0].pdr[1].framed_n = 1;
    refused(s, ERR_UNSUPPORTED);
    s = plain_session(&P[0], 100, 0, 1);
    P[0].pdr[0].eth = E[0];
    P[0].pdr[0].eth_n = 1;
    refused(s, ERR_RANGE);
    s = member(0, 1);
    P[0].pdr[0].eth = E[0];
    P[0].pdr[0].eth_n = 1;
    E[0][0] = (struct rule_eth){.id = 4, .same_as_id = true};
    refused(s, ERR_NOTFOUND);
    E[0][0] = (struct rule_eth){.mac_n = 1, .mac = {{.first = {2, 1}, .last = {2}}}};
    refused(s, ERR_RANGE);
    E[0][0] = (struct rule_eth){.mac_n = RULE_MACS + 1};
    refused(s, ERR_FULL);
    P[0].pdr[0].eth_n = RULE_ETHS + 1;
    refused(s, ERR_FULL);
    uint8_t p[60] = {0x60};
    assert_int_equal(dp_send_to_ue(T.dp, T.now, 0, 1, BYTES_OF(p)), ERR_STATE);
    send(0, ALL, mac(10)); /* the old rules hold */
    assert_int_equal(got(), 14);
}

int main(void)
{
#define LAN_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    return RUN(LAN_TEST(a_bridge_learns), LAN_TEST(an_address_is_of_who_had_it_first), LAN_TEST(addresses_are_bounded_and_forgotten),
               LAN_TEST(hostile_frames), LAN_TEST(who_floods_stands_in_nobodys_way), LAN_TEST(apart_from_ip), LAN_TEST(filters), LAN_TEST(asleep),
               LAN_TEST(rules_that_are_refused));
}
