/* SPDX-License-Identifier: Apache-2.0 */
/* The way of packets: tunnels, GTP-U, which rule, who may send. */
#include "tests/dp/one.h"

static void user_packets_pass_both_ways(void **state)
{
    start();
    uint32_t n = ip4(net_inner(&T), ue4, far4, 100);
    uint8_t copy[100];
    memcpy(copy, net_inner(&T), n);
    up(n);
    assert_int_equal(T.out_n, 1);
    assert_false(T.out[0].tunnel);
    assert_int_equal(T.out[0].n, 100);
    assert_memory_equal(T.out[0].p, copy, 100);

    net_clear(&T);
    n = ip4(net_inner(&T), far4, ue4, 100);
    memcpy(copy, net_inner(&T), n);
    net_downlink(&T, 0, n);
    assert_int_equal(T.out_n, 1);
    static const uint8_t head[16] = {0x34, 255, 0, 108,  0x11, 0x11, 0, 5,
                                     0,    0,   0, 0x85, 1,    0,    9, 0};
    assert_int_equal(T.out[0].n, 116);
    assert_memory_equal(T.out[0].p, head, 16);
    assert_memory_equal(T.out[0].p + 16, copy, 100);
    assert_int_equal(T.out[0].peer.ip[3], 2);
    assert_int_equal(T.out[0].peer.port, 2152);

    net_clear(&T);
    up(ip6(net_inner(&T), ue6, far6, 80));
    net_downlink(&T, 0, ip6(net_inner(&T), far6, ue6, 80));
    assert_int_equal(T.out_n, 2);
    assert_int_equal(T.out[1].n, 96);
    COUNTED(to_core, 2);
    COUNTED(to_tunnel, 2);
    net_downlink(&T, 1, ip4(net_inner(&T), far4, ue4, 100)); /* another data network's 10.45.0.5 */
    net_downlink(&T, 9, ip4(net_inner(&T), far4, ue4, 100));
    COUNTED(ue_unknown, 2);
    stop();
}

static void reflective_and_unmarked_headers(void **state)
{
    start();
    P.qer[0].reflective = true;
    put(&P.s);
    down_marked(1);
    assert_int_equal(T.out[0].p[14], 0x49);
    P.qer[0].qfi = 0;
    put(&P.s);
    down_marked(1);
    assert_int_equal(T.out[1].n, 68);
    assert_int_equal(T.out[1].p[0], 0x30);
    stop();
}

static void spoofed_and_stray_packets_are_dropped(void **state)
{
    start();
    up(ip4(net_inner(&T), ue4b, far4, 100));
    up(ip4(net_inner(&T), far4, ue4, 100));
    up(ip6(net_inner(&T), far6, ue6, 80));
    COUNTED(spoofed, 3);
    up(ip4(net_inner(&T), ue4, far4, 100) - 1); /* the packet says it is longer than it is */
    put_be16(net_inner(&T) + 2, 19);
    up(100);
    memset(net_inner(&T), 0x50, 100);
    up(100);
    up(0);
    COUNTED(inner_malformed, 4);
    ip4(net_inner(&T), ue4, far4, 100); /* octets behind the packet do not travel */
    put_be16(net_inner(&T) + 2, 60);
    up(100);
    assert_int_equal(T.out_n, 1);
    assert_int_equal(T.out[0].n, 60);
    stop();
}

static void stale_and_foreign_teids_meet_an_error_indication(void **state)
{
    start();
    uint32_t old = P.pdr[0].teid;
    put(plain_session(&P, 100, 5, 2)); /* the index has a new session */
    assert_int_not_equal(P.pdr[0].teid, old);
    net_uplink(&T, old, 9, ip4(net_inner(&T), ue4, far4, 100),
               (struct rule_addr){4, 7777, {10, 0, 0, 3}});
    COUNTED(teid_unknown, 1);
    assert_int_equal(T.out_n, 1);
    uint8_t expect[24] = {0x32, 26, 0, 16, 0, 0,   0, 0, 0,  0, 0, 0,
                          16,   0,  0, 0,  0, 133, 0, 4, 10, 0, 0, 1};
    put_be32(expect + 13, old);
    assert_int_equal(T.out[0].n, 24);
    assert_memory_equal(T.out[0].p, expect, 24);
    assert_int_equal(T.out[0].peer.port, 2152);
    net_uplink(&T, 0, 9, 100, v4_peer(3)); /* TEID 0: none */
    assert_int_equal(T.out_n, 1);
    for (int i = 0; i < 200; i++)
        net_uplink(&T, old, 9, 100, v4_peer(3));
    assert_in_range(T.out_n, 20, 30); /* a quarter of a second's worth of 100 a second */
    COUNTED(replies_limited, 202 - 1 - T.out_n);
    T.now += 1000000;
    net_uplink(&T, old, 9, 100, (struct rule_addr){6, 2152, {0x20, 1, [15] = 9}});
    assert_int_equal(T.out[T.out_n - 1].n, 36);
    stop();
}

static void gtpu_headers_are_checked(void **state)
{
    start();
    static const struct {
        uint8_t p[28];
        uint32_t n;
    } bad[] = {
        {{0}, 0},
        {{0x30, 255, 0, 0, 0, 0, 0}, 7},
        {{0x50, 255, 0, 0, 0, 0, 0, 1}, 8},                             /* version 2 */
        {{0x20, 255, 0, 0, 0, 0, 0, 1}, 8},                             /* GTP' */
        {{0x30, 255, 0, 1, 0, 0, 0, 1}, 8},                             /* longer than it is */
        {{0x34, 255, 0, 0, 0, 0, 0, 1}, 8},                             /* no optional part */
        {{0x34, 255, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0x85, 0, 0, 0, 0}, 16}, /* extension of length 0 */
        {{0x34, 255, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0x85, 2, 0, 0, 0}, 16}, /* runs over the end */
        {{0x34, 255, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0x20, 0, 0}, 16}, /* unknown PDU type */
        {{0x34, 255, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0x40, 1, 0, 0, 0x85}, 16}, /* chain without end */
        {{0x32, 26, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0}, 12},                    /* no TEID in it */
        {{0x32, 26, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0}, 14},             /* half a TEID */
        {{0x32, 26, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 133, 0, 9}, 15}, /* address over the end */
    };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        net_gtpu(&T, bad[i].p, bad[i].n, v4_peer(2));
    COUNTED(gtpu_malformed, ARRAY_LEN(bad));
    assert_int_equal(T.out_n, 0);
    static const uint8_t type[] = {0x30, 77, 0, 0, 0, 0, 0, 0};
    net_gtpu(&T, type, 8, v4_peer(2));
    COUNTED(gtpu_unknown, 1);
    static const uint8_t must[] = {0x36, 255, 0, 8, 0, 0, 0, 1, 0, 7, 0, 0xc9, 1, 0, 0, 0};
    net_gtpu(&T, must, 16, v4_peer(2));
    COUNTED(gtpu_extension, 1);
    static const uint8_t supported[] = {0x32, 31, 0, 7, 0, 0, 0, 0, 0, 7, 0, 0, 141, 1, 0x85};
    assert_int_equal(T.out_n, 1);
    assert_memory_equal(T.out[0].p, supported, 15);
    /* a container that goes the wrong way, and one unknown extension that may be skipped */
    uint8_t p[128] = {
        0x34, 255, 0, 72, [11] = 0x85, [12] = 1, [13] = 0, [14] = 9, [15] = 0x33, [16] = 1};
    put_be32(p + 4, P.pdr[0].teid);
    ip4(p + 20, ue4, far4, 60);
    net_gtpu(&T, p, 80, v4_peer(2));
    COUNTED(gtpu_malformed, ARRAY_LEN(bad) + 1);
    p[13] = 0x10;
    net_gtpu(&T, p, 80, v4_peer(2));
    COUNTED(to_core, 1);
    stop();
}

static void echo_is_answered(void **state)
{
    start();
    static const uint8_t ask[] = {0x32, 1, 0, 4, 0, 0, 0, 0, 0x12, 0x34, 0, 0};
    static const uint8_t say[] = {0x32, 2, 0, 6, 0, 0, 0, 0, 0x12, 0x34, 0, 0, 14, 0};
    net_gtpu(&T, ask, sizeof ask, (struct rule_addr){4, 4444, {10, 0, 0, 9}});
    assert_int_equal(T.out[0].n, sizeof say);
    assert_memory_equal(T.out[0].p, say, sizeof say);
    assert_int_equal(T.out[0].peer.port, 4444);
    net_gtpu(&T, say, sizeof say, v4_peer(9));
    assert_int_equal(T.event[0].kind, DP_EVENT_ECHO_RESPONSE);
    assert_int_equal(T.event[0].sequence, 0x1234);
    dp_send_echo_request(T.dp, T.now, &(struct rule_addr){4, 0, {10, 0, 0, 9}}, 0x1234);
    assert_memory_equal(T.out[1].p, ask, sizeof ask);
    assert_int_equal(T.out[1].peer.port, 2152);
    COUNTED(signalling, 2);
    stop();
}

static void error_indication_names_its_session(void **state)
{
    start();
    uint8_t e[] = {0x32, 26,   0,    16, 0, 0,   0, 0, 0,  0, 0, 0,
                   16,   0x11, 0x11, 0,  5, 133, 0, 4, 10, 0, 0, 2};
    net_gtpu(&T, e, sizeof e, v4_peer(77));
    assert_int_equal(T.events_n, 1);
    assert_int_equal(T.event[0].kind, DP_EVENT_ERROR_INDICATION);
    assert_int_equal(T.event[0].session, 5);
    assert_int_equal(T.event[0].gen, 1);
    assert_int_equal(T.event[0].far_id, 2);
    assert_int_equal(T.event[0].teid, GNB_TEID + 5);
    e[16] = 6;
    net_gtpu(&T, e, sizeof e, v4_peer(77));
    assert_int_equal(T.event[1].session, UINT32_MAX);
    assert_int_equal(dp_session_drop(T.dp, T.now, 5, 1), 0);
    e[16] = 5;
    net_gtpu(&T, e, sizeof e, v4_peer(77));
    assert_int_equal(T.event[2].session, UINT32_MAX);
    stop();
}

/* However many rules name a tunnel end, it is kept once, of the last session: a list of them would be walked for each rule
 * of each command, and each error indication. */
static void one_tunnel_end_of_many_rules(void **state)
{
    static struct rule_far far[RULE_MAX];
    uint8_t e[] = {0x32, 26,   0,    16, 0, 0,   0, 0, 0,  0, 0, 0,
                   16,   0x11, 0x11, 0,  5, 133, 0, 4, 10, 0, 0, 2};
    start();
    for (uint32_t i = 0; i < 40; i++) {
        struct rule_session *s = plain_session(&P, 100, 5 + i, 1);
        far[0] = P.far[0];
        for (uint32_t k = 1; k < RULE_MAX; k++) {
            far[k] = P.far[1];
            far[k].id = k + 1;
            far[k].teid = GNB_TEID + 5;
        }
        s->far = far;
        s->far_n = RULE_MAX;
        put(s);
        put(s);
        assert_int_equal(T.dp->remote.used, 1);
        net_gtpu(&T, e, sizeof e, v4_peer(77));
        assert_int_equal(T.events_n, i + 1);
        assert_int_equal(T.event[i].session, 5 + i);
    }
    assert_int_equal(dp_session_drop(T.dp, T.now, 5, 1), 0);
    net_clear(&T);
    net_gtpu(&T, e, sizeof e, v4_peer(77));
    assert_int_equal(T.event[0].session, 44);
    assert_int_equal(dp_session_drop(T.dp, T.now, 44, 1), 0);
    assert_int_equal(T.dp->remote.used, 0);
    stop();
}

static void filters_choose_the_rule(void **state)
{
    start();
    struct sdf_error e;
    assert_int_equal(
        sdf_parse(&P.sdf[0], STR("permit out udp from 8.8.8.0/24 1000-1010 to assigned 2000"), &e),
        0);
    P.sdf[0].id = 3;
    P.pdr[2] = (struct rule_pdr){
        .id = 3, .precedence = 10, .source = RULE_CORE, .sdf = &P.sdf[0], .sdf_n = 1, .far_id = 3};
    P.far[2] = (struct rule_far){
        .id = 3, .action = RULE_FORW, .destination = RULE_ACCESS, .teid = 0xdd, .peer = v4_peer(8)};
    P.sdf[1] = (struct rule_sdf){.id = 3, .same_as_id = true};
    P.pdr[0].sdf = &P.sdf[1];
    P.pdr[0].sdf_n = 1;
    P.s.pdr_n = P.s.far_n = 3;
    put(&P.s);
    down_marked(1);
    assert_int_equal(T.out[0].peer.ip[3], 8);
    ip4(net_inner(&T), far4, ue4, 60);
    put_be16(net_inner(&T) + 20, 1011);
    net_downlink(&T, 0, 60);
    assert_int_equal(T.out[1].peer.ip[3], 2);
    uint32_t n =
        ip4(net_inner(&T), ue4, far4, 60); /* uplink: the same filter the other way round */
    put_be16(net_inner(&T) + 20, 2000);
    put_be16(net_inner(&T) + 22, 1005);
    up(n);
    COUNTED(to_core, 1);
    up(ip4(net_inner(&T), ue4, far4, 60));
    COUNTED(no_rule, 1);
    /* a later fragment has no ports: its addresses decide */
    n = ip4(net_inner(&T), far4, ue4, 60);
    put_be16(net_inner(&T) + 6, 0x0008);
    net_inner(&T)[20] = 0xff;
    net_downlink(&T, 0, n);
    assert_int_equal(T.out[T.out_n - 1].peer.ip[3], 8);
    stop();
}

static void qfi_is_checked_where_the_rule_has_one(void **state)
{
    start();
    P.pdr[0].qfis = 1u << 9 | 1u << 5;
    put(&P.s);
    uint32_t teid = P.pdr[0].teid, n = ip4(net_inner(&T), ue4, far4, 60);
    net_uplink(&T, teid, 9, n, v4_peer(2));
    net_uplink(&T, teid, 5, ip4(net_inner(&T), ue4, far4, 60), v4_peer(2));
    net_uplink(&T, teid, 8, ip4(net_inner(&T), ue4, far4, 60), v4_peer(2));
    net_uplink(&T, teid, 0, ip4(net_inner(&T), ue4, far4, 60), v4_peer(2));
    COUNTED(to_core, 2);
    COUNTED(no_rule, 2);
    stop();
}

static void fragments_that_hide_are_dropped(void **state)
{
    start();
    uint8_t *p = net_inner(&T);
    ip4(p, ue4, far4, 28);
    p[9] = 6;
    put_be16(p + 6, 0x2000);
    up(28); /* first fragment of TCP that ends before the flags */
    ip4(p, ue4, far4, 60);
    p[9] = 6;
    put_be16(p + 6, 1);
    up(60); /* would overwrite them */
    ip4(p, ue4, far4, 60);
    put_be16(p + 6, 0x1fff);
    up(60); /* ping of death */
    COUNTED(fragment_unsafe, 3);
    ip4(p, ue4, far4, 60);
    put_be16(p + 6, 0x2000);
    up(60);
    ip6(p, ue6, far6, 80); /* fragment header, later fragment */
    p[6] = 44;
    p[40] = 17;
    p[41] = 0;
    put_be16(p + 42, 0x10);
    up(80);
    COUNTED(to_core, 2);
    ip6(p, ue6, far6, 52); /* first fragment that ends in the UDP header */
    p[6] = 44;
    p[40] = 17;
    p[41] = 0;
    put_be16(p + 42, 1);
    up(52);
    COUNTED(fragment_unsafe, 4);
    ip6(p, ue6, far6, 80); /* options that are longer than the packet */
    p[6] = 60;
    p[41] = 9;
    up(80);
    COUNTED(inner_malformed, 1);
    ip6(p, ue6, far6, 200); /* nine extension headers */
    p[6] = 60;
    for (unsigned i = 0; i < 10; i++) {
        p[40 + 8 * i] = 60;
        p[41 + 8 * i] = 0;
    }
    up(200);
    COUNTED(inner_malformed, 2);
    stop();
}

static void router_solicitation_reaches_the_control_plane(void **state)
{
    start();
    uint8_t link[16] = {0xfe, 0x80, [15] = 7}, all[16] = {0xff, 2, [15] = 2};
    uint8_t *p = net_inner(&T);
    ip6(p, link, all, 48);
    p[6] = 58;
    p[7] = 255;
    p[40] = 133;
    up(48);
    assert_int_equal(T.events_n, 1);
    assert_int_equal(T.event[0].kind, DP_EVENT_ROUTER_SOLICITATION);
    assert_int_equal(T.event[0].session, 5);
    assert_int_equal(T.event[0].packet.n, 48);
    p[40] = 135; /* any other of the link is dropped */
    up(48);
    p[40] = 133;
    p[7] = 254; /* came from afar */
    up(48);
    up(ip6(p, link, far6, 80));
    up(ip6(p, ue6, link, 80));
    COUNTED(link_local, 4);
    uint8_t ra[80];
    ip6(ra, link, all, 80);
    assert_int_equal(dp_send_to_ue(T.dp, T.now, 5, 1, BYTES_OF(ra)), 0);
    assert_int_equal(T.out_n, 1);
    assert_int_equal(be32(T.out[0].p + 4), GNB_TEID + 5);
    assert_memory_equal(T.out[0].p + 16, ra, 80);
    assert_int_equal(dp_send_to_ue(T.dp, T.now, 5, 2, BYTES_OF(ra)), ERR_NOTFOUND);
    P.far[1].action = RULE_BUFF;
    put(&P.s);
    assert_int_equal(dp_send_to_ue(T.dp, T.now, 5, 1, BYTES_OF(ra)), ERR_STATE);
    stop();
}

static void ue_to_ue_only_where_configured(void **state)
{
    for (int on = 0; on < 2; on++) {
        struct dp_config c = net_config();
        c.ue_to_ue = on;
        open_with(&c);
        struct plain other;
        put(plain_session(&other, 100, 6, 1));
        put(plain_session(&P, 100, 5, 1));
        up(ip4(net_inner(&T), ue4, ue4b, 100));
        COUNTED(ue_to_ue, !on);
        COUNTED(to_tunnel, on);
        if (on) {
            assert_int_equal(be32(T.out[0].p + 4), GNB_TEID + 6);
            assert_int_equal(T.out[0].n, 116);
        }
        stop();
    }
}

static uint16_t sum16(const uint8_t *p, uint32_t n, uint32_t sum)
{
    for (uint32_t i = 0; i < n; i++)
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void too_big_is_said_back(void **state)
{
    start();
    uint8_t *p = net_inner(&T);
    uint32_t n = ip4(p, far4, ue4, 1401);
    net_downlink(&T, 0, n); /* may be fragmented outside */
    COUNTED(to_tunnel, 1);
    net_clear(&T);
    ip4(p, far4, ue4, 1401);
    p[6] = 0x40;
    net_downlink(&T, 0, n);
    COUNTED(too_big, 1);
    assert_int_equal(T.out_n, 1);
    const uint8_t *q = T.out[0].p;
    assert_false(T.out[0].tunnel);
    assert_int_equal(T.out[0].n, 576);
    assert_int_equal(q[20] << 8 | q[21], 3 << 8 | 4);
    assert_int_equal(be16(q + 26), 1400);
    assert_memory_equal(q + 16, far4, 4);
    assert_int_equal(sum16(q, 20, 0), 0xffff);
    assert_int_equal(sum16(q + 20, 556, 0), 0xffff);
    net_clear(&T);
    net_downlink(&T, 0, ip6(p, far6, ue6, 1500));
    assert_int_equal(T.out[0].n, 1280);
    q = T.out[0].p;
    assert_int_equal(q[40], 2);
    assert_int_equal(be32(q + 44), 1400);
    assert_int_equal(sum16(q + 8, 32, 1240 + 58 + sum16(q + 40, 1240, 0)), 0xffff);
    net_clear(&T);
    ip4(p, far4, ue4, 1401);
    p[6] = 0x40;
    p[9] = 1;
    p[20] = 3; /* no error about an error */
    net_downlink(&T, 0, n);
    assert_int_equal(T.out_n, 0);
    stop();
}

static void peers_may_be_checked(void **state)
{
    struct dp_config c = net_config();
    c.check_peer = true;
    open_with(&c);
    put(plain_session(&P, 100, 5, 1));
    up(ip4(net_inner(&T), ue4, far4, 100));
    net_uplink(&T, P.pdr[0].teid, 9, ip4(net_inner(&T), ue4, far4, 100), v4_peer(3));
    COUNTED(to_core, 1);
    COUNTED(peer_wrong, 1);
    /* that a tunnel is gone is said by its end, not by who knows its number */
    uint8_t e[] = {0x32, 26, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0x11, 0x11, 0, 5, 133, 0, 4, 10, 0, 0, 2};
    net_gtpu(&T, e, sizeof e, v4_peer(77));
    assert_int_equal(T.events_n, 0);
    COUNTED(peer_wrong, 2);
    net_gtpu(&T, e, sizeof e, v4_peer(2));
    assert_int_equal(T.events_n, 1);
    stop();
}

/* Between two UPFs each side has its own; a gNB that N4 has not named yet is no stranger because the anchor is known. */
static void each_side_has_its_peers(void **state)
{
    struct dp_config c = net_config();
    c.check_peer = true;
    open_with(&c);
    plain_session(&P, 100, 5, 1);
    P.far[0] = (struct rule_far){.id = 1, .action = RULE_FORW, .destination = RULE_CORE, .teid = 0x99, .peer = v4_peer(5)};
    P.far[1] = (struct rule_far){.id = 2, .action = RULE_BUFF};
    P.pdr[2] = (struct rule_pdr){.id = 3, .source = RULE_CORE, .teid = dp_teid(100, 5, 1, 0xabcdef00), .outer_header_removal = true, .far_id = 2};
    P.s.pdr_n = 3;
    put(&P.s);
    up(ip4(net_inner(&T), ue4, far4, 60));
    COUNTED(to_tunnel, 1);
    net_uplink(&T, P.pdr[2].teid, 0, ip4(net_inner(&T), far4, ue4, 60), v4_peer(2));
    COUNTED(peer_wrong, 1); /* the gNB is not the anchor */
    P.far[1] = (struct rule_far){.id = 2, .action = RULE_FORW, .destination = RULE_ACCESS, .teid = GNB_TEID, .peer = v4_peer(2)};
    put(&P.s);
    up(ip4(net_inner(&T), ue4, far4, 60));
    net_uplink(&T, P.pdr[2].teid, 0, ip4(net_inner(&T), far4, ue4, 60), v4_peer(5));
    COUNTED(to_tunnel, 3);
    net_uplink(&T, P.pdr[0].teid, 9, ip4(net_inner(&T), ue4, far4, 60), v4_peer(5));
    COUNTED(peer_wrong, 2); /* nor the anchor the gNB */
    stop();
}

static void n9_and_control_plane_tunnels(void **state)
{
    start();
    P.far[0] = (struct rule_far){
        .id = 1, .action = RULE_FORW, .destination = RULE_CORE, .teid = 0x99, .peer = v4_peer(5)};
    P.qer[0].qfi = 0;
    P.pdr[2] = (struct rule_pdr){.id = 3,
                                 .source = RULE_CORE,
                                 .teid = dp_teid(100, 5, 1, 0xabcdef00),
                                 .outer_header_removal = true,
                                 .far_id = 2};
    P.s.pdr_n = 3;
    put(&P.s);
    up(ip4(net_inner(&T), ue4, far4, 60));
    static const uint8_t head[16] = {0x34, 255, 0, 68, 0, 0, 0, 0x99, 0, 0, 0, 0x85, 1, 0x10, 9, 0};
    assert_memory_equal(T.out[0].p, head, 16); /* uplink on N9 keeps the QFI */
    net_uplink(&T, P.pdr[2].teid, 0, ip4(net_inner(&T), far4, ue4, 60), v4_peer(5));
    assert_int_equal(be32(T.out[1].p + 4), GNB_TEID + 5);
    net_uplink(&T, P.pdr[2].teid, 0, ip4(net_inner(&T), far4, ue4b, 60), v4_peer(5));
    COUNTED(not_for_ue, 1);
    uint8_t end[8] = {0x30, 254};
    put_be32(end + 4, P.pdr[2].teid);
    net_gtpu(&T, end, 8, v4_peer(5)); /* goes on to the access network */
    assert_int_equal(T.out[2].p[1], 254);
    assert_int_equal(be32(T.out[2].p + 4), GNB_TEID + 5);
    P.far[0] = (struct rule_far){.id = 1, .action = RULE_FORW, .destination = RULE_CP_FUNCTION};
    put(&P.s);
    up(ip4(net_inner(&T), ue4, far4, 60));
    assert_int_equal(T.event[0].kind, DP_EVENT_TO_CONTROL);
    stop();
}

int main(void)
{
    return RUN(unit(user_packets_pass_both_ways), unit(reflective_and_unmarked_headers),
               unit(spoofed_and_stray_packets_are_dropped), unit(stale_and_foreign_teids_meet_an_error_indication),
               unit(gtpu_headers_are_checked), unit(echo_is_answered), unit(error_indication_names_its_session),
               unit(one_tunnel_end_of_many_rules), unit(filters_choose_the_rule),
               unit(qfi_is_checked_where_the_rule_has_one), unit(fragments_that_hide_are_dropped),
               unit(router_solicitation_reaches_the_control_plane), unit(ue_to_ue_only_where_configured),
               unit(too_big_is_said_back), unit(peers_may_be_checked), unit(each_side_has_its_peers),
               unit(n9_and_control_plane_tunnels));
}
