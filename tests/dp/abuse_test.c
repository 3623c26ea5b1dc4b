/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of a phone or a peer that means harm. */
#include "tests/dp/one.h"

/* An uplink packet of the phone with this within it, behind UDP or SCTP. */
static uint32_t carrying(uint8_t proto, uint16_t port, const uint8_t *what, uint32_t n)
{
    uint8_t *p = net_inner(&T);
    ip4(p, ue4, far4, 28 + n);
    p[9] = proto;
    put_be16(p + 22, port);
    memcpy(p + 28, what, n);
    return 28 + n;
}
static uint32_t carrying6(uint16_t port, const uint8_t *what, uint32_t n)
{
    uint8_t *p = net_inner(&T);
    ip6(p, ue6, far6, 48 + n);
    put_be16(p + 42, port);
    memcpy(p + 48, what, n);
    return 48 + n;
}
static void told(enum dp_counter what, unsigned n)
{
    assert_int_equal(T.abuses_n, n);
    assert_int_equal(T.abuse.what, what);
    T.now += 1000000;
}

static void a_tunnel_in_the_tunnel_is_dropped(void **state)
{
    static const uint8_t gtpu[12] = {0x30, 255, 0, 4, 1, 2, 3, 4, 0x45}, gtpc[12] = {0x48, 32, 0, 8},
                         pfcp[16] = {0x20, 1, 0, 12}, sctp[8] = {0};
    start();
    put(plain_session(&P, 100, 5, 1));
    up(carrying(17, 2152, gtpu, sizeof gtpu));
    told(DP_nested, 1);
    assert_int_equal(T.abuse.session, 5);
    assert_true(T.abuse.is_peer && T.abuse.peer.ip[3] == 2);
    assert_int_equal(T.abuse.packet.n, 16 + 28 + 12); /* as it came, with its tunnel */
    assert_memory_equal(T.abuse.packet.p + 16 + 28, gtpu, 12);
    up(carrying6(2152, gtpu, sizeof gtpu));
    told(DP_nested, 2);
    up(carrying(17, 2123, gtpc, sizeof gtpc));
    up(carrying(17, 8805, pfcp, sizeof pfcp));
    up(carrying(132, 38412, sctp, sizeof sctp));
    up(carrying(132, 38472, sctp, sizeof sctp));
    COUNTED(nested, 6);
    told(DP_nested, 3); /* within a second one is told */
    assert_int_equal(T.out_n, 0);
    /* a game on such a port is none, nor what only begins like one */
    up(carrying(17, 2152, sctp, sizeof sctp));
    up(carrying(17, 2152, gtpu, sizeof gtpu - 1));
    up(carrying(17, 2153, gtpu, sizeof gtpu));
    up(carrying(132, 38413, sctp, sizeof sctp));
    COUNTED(to_core, 4);
    stop();
    struct dp_config c = net_config();
    c.nested = true; /* a home cell behind a phone */
    open_with(&c);
    put(plain_session(&P, 100, 5, 1));
    up(carrying(17, 2152, gtpu, sizeof gtpu));
    COUNTED(to_core, 1);
    stop();
}

/* Where a receiver finds a message all the same: with octets behind it, in or after its datagram, or in fragments. */
static void a_tunnel_does_not_hide(void **state)
{
    static const uint8_t gtpu[16] = {0x30, 255, 0, 4, 1, 2, 3, 4, 0x45}, two[24] = {0x58, 34, 0, 8, [12] = 0x48, 32, 0, 8};
    start();
    put(plain_session(&P, 100, 5, 1));
    up(carrying(17, 2152, gtpu, 13));
    up(carrying6(2152, gtpu, 16));
    up(carrying(17, 2123, two, sizeof two)); /* TS 29.274 5.5.1 */
    COUNTED(nested, 3);
    uint8_t *p = net_inner(&T);
    carrying(17, 2152, gtpu, 16);
    put_be16(p + 24, 8 + 12); /* UDP ends before IP does */
    up(44);
    COUNTED(nested, 4);
    for (uint32_t n = 0; n <= 8; n += 8) { /* of the message in the first fragment */
        carrying(17, 2152, gtpu, n);
        put_be16(p + 6, 0x2000);
        put_be16(p + 24, 8 + 12);
        up(28 + n);
    }
    COUNTED(nested, 6);
    carrying(17, 2152, gtpu, 0); /* nothing, and too little for any of them */
    up(28);
    carrying(17, 2152, gtpu, 4);
    up(32);
    carrying(17, 53, gtpu, 0);
    put_be16(p + 6, 0x2000);
    put_be16(p + 24, 8 + 12);
    up(28);
    COUNTED(to_core, 3);
    stop();
}

static void nobody_reaches_the_core(void **state)
{
    struct dp_config c = net_config();
    const uint8_t own4[4] = {10, 0, 0, 1}, own6[16] = {0x20, 1}, beside[4] = {10, 0, 0, 2};
    c.core[0] = c.local_v4;
    c.core[1] = c.local_v6;
    open_with(&c);
    put(plain_session(&P, 100, 5, 1));
    up(ip4(net_inner(&T), ue4, own4, 100));
    told(DP_to_the_core, 1);
    up(ip6(net_inner(&T), ue6, own6, 100));
    told(DP_to_the_core, 2);
    up(ip4(net_inner(&T), ue4, beside, 100));
    COUNTED(to_core, 1);
    COUNTED(to_the_core, 2);
    stop();
}

static void abuse_is_told_once_a_second(void **state)
{
    struct dp_config c = net_config();
    c.check_peer = true;
    open_with(&c);
    put(plain_session(&P, 100, 5, 1));
    for (unsigned i = 0; i < 10; i++)
        up(ip4(net_inner(&T), ue4b, far4, 100));
    COUNTED(spoofed, 10);
    assert_int_equal(T.abuses_n, 1);
    T.now += 1000000;
    up(ip4(net_inner(&T), ue4b, far4, 100));
    told(DP_spoofed, 2);
    assert_int_equal(T.abuse.more, 9);
    /* who comes from ever new addresses gets no more than his share, and takes none of the peers' places */
    unsigned before = T.abuses_n;
    for (unsigned i = 0; i < 5000; i++) {
        struct rule_addr from = {4, 2152, {11, (uint8_t)(i >> 8), (uint8_t)i, 1}};
        net_uplink(&T, P.pdr[0].teid, 9, ip4(net_inner(&T), ue4, far4, 100), from);
    }
    COUNTED(peer_wrong, 5000);
    assert_true(T.abuses_n - before <= 64 && T.abuses_n > before);
    assert_false(T.abuse.is_peer);
    assert_int_equal(T.abuse.session, 5);
    before = T.abuses_n;
    up(ip4(net_inner(&T), ue4b, far4, 100));
    assert_int_equal(T.abuses_n, before + 1);
    stop();
}

static void signalling_says_no_more_than_it_has_to(void **state)
{
    static const uint8_t good[][16] = {
        {0x32, 1, 0, 4, 0, 0, 0, 0, 0, 7},                     /* echo request */
        {0x32, 1, 0, 11, 0, 0, 0, 0, 0, 7, 0, 0, 231, 0, 4},    /* with the time of the last restart: 7 octets */
        {0x32, 2, 0, 6, 0, 0, 0, 0, 0, 7, 0, 0, 14, 0},         /* its answer */
        {0x32, 31, 0, 7, 0, 0, 0, 0, 0, 7, 0, 0, 141, 1, 0x85}, /* supported extensions */
        {0x30, 254, 0, 0, 9, 9, 9, 9}},                         /* end marker */
        bad[][24] = {{0x32, 1, 0, 12, 0, 0, 0, 0, 0, 7, 0, 0, 255, 0, 5, 0, 1, 'h', 'i', '!'}, /* private extension */
                     {0x32, 1, 0, 6, 0, 0, 0, 0, 0, 7, 0, 0, 14, 0},
                     {0x32, 2, 0, 8, 0, 0, 0, 0, 0, 7, 0, 0, 14, 0, 'h', 'i'},
                     {0x32, 1, 0, 5, 0, 0, 0, 0, 0, 7, 0, 0, 231},
                     {0x30, 254, 0, 4, 9, 9, 9, 9, 'd', 'o', 'o', 'r'}};
    start();
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        uint8_t g[19] = {0};
        memcpy(g, good[i], 16);
        net_gtpu(&T, g, be16(g + 2) + 8u, v4_peer(2));
        COUNTED(signalling, i + 1);
    }
    assert_int_equal(T.abuses_n, 0);
    net_clear(&T);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        net_gtpu(&T, bad[i], be16(bad[i] + 2) + 8u, v4_peer(2));
        COUNTED(covert, i + 1);
        told(DP_covert, (unsigned)i + 1);
    }
    assert_int_equal(T.out_n, 0); /* and none is answered */
    net_gtpu(&T, good[0], 14, v4_peer(2)); /* two octets behind it */
    told(DP_covert, (unsigned)ARRAY_LEN(bad) + 1);
    stop();
}

static void extension_headers_that_there_are_not(void **state)
{
    start();
    put(plain_session(&P, 100, 5, 1));
    uint8_t g[128] = {0x34, 255, 0, 88, 0, 0, 0, 0, 0, 0, 0, 0x84, 1, 0, 0, 0};
    put_be32(g + 4, P.pdr[0].teid);
    ip4(g + 16, ue4, far4, 80);
    net_gtpu(&T, g, 96, v4_peer(2)); /* NR RAN container: it exists */
    COUNTED(to_core, 1);
    assert_int_equal(T.abuses_n, 0);
    g[11] = 0x33;
    net_gtpu(&T, g, 96, v4_peer(2)); /* may be skipped, and is; its content goes nowhere */
    COUNTED(to_core, 2);
    told(DP_gtpu_extension, 1);
    g[11] = 0xe1;
    net_gtpu(&T, g, 96, v4_peer(2));
    COUNTED(gtpu_extension, 1);
    told(DP_gtpu_extension, 2);
    g[11] = 0xc0; /* a PDCP PDU number: not for us, but no secret */
    net_gtpu(&T, g, 96, v4_peer(2));
    COUNTED(gtpu_extension, 2);
    assert_int_equal(T.abuses_n, 2);
    stop();
}

int main(void)
{
    return RUN(unit(a_tunnel_in_the_tunnel_is_dropped), unit(a_tunnel_does_not_hide), unit(nobody_reaches_the_core),
               unit(abuse_is_told_once_a_second), unit(signalling_says_no_more_than_it_has_to),
               unit(extension_headers_that_there_are_not));
}
