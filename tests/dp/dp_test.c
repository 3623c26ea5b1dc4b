/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "tests/dp/net.h"
#include "dp/state.h"

static struct net T; /* one test at a time */
static struct plain P;
static const uint8_t ue4[4] = {10, 45, 0, 5}, ue4b[4] = {10, 45, 0, 6}, far4[4] = {8, 8, 8, 8};
static const uint8_t ue6[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t far6[16] = {0x2a, 0, [15] = 1};

static uint32_t open_with(const struct dp_config *c)
{
    net_open(&T, c);
    assert_non_null(T.dp);
    return 0;
}
static void put(struct rule_session *s)
{
    const char *why = NULL;
    int e = dp_session_set(T.dp, T.now, s, &why);
    if (e < 0)
        print_error("%s\n", why ? why : err_text(e));
    assert_int_equal(e, 0);
}
static void start(void)
{
    struct dp_config c = net_config();
    open_with(&c);
    put(plain_session(&P, 100, 5, 1));
}
static void stop(void)
{
    assert_true(net_adds_up(&T));
    dp_free(T.dp);
}
static void up(uint32_t n)
{
    net_uplink(&T, P.pdr[0].teid, 9, n, v4_peer(2));
}
static void down_marked(uint8_t mark)
{
    uint32_t n = ip4(net_inner(&T), far4, ue4, 60);
    net_inner(&T)[59] = mark;
    net_downlink(&T, 0, n);
}
#define COUNTED(name, n) assert_int_equal(net_count(&T, DP_##name), n)

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

static void buffer_keeps_order_and_bounds(void **state)
{
    start();
    P.far[1].action = RULE_BUFF | RULE_NOCP;
    P.far[1].peer.family = 0;
    put(&P.s);
    for (uint8_t i = 0; i < 11; i++) {
        down_marked(i);
        T.now++;
    }
    assert_int_equal(T.out_n, 0);
    assert_int_equal(T.events_n, 1);
    assert_int_equal(T.event[0].kind, DP_EVENT_DOWNLINK_DATA);
    assert_int_equal(T.event[0].pdr_id, 2);
    assert_int_equal(T.event[0].far_id, 2);
    assert_int_equal(T.event[0].qfi, 9);
    COUNTED(held, 11);
    COUNTED(buffer_oldest, 3);
    put(&P.s); /* the same again: they stay, in order, and nobody is told twice */
    assert_int_equal(T.events_n, 1);
    P.s.bar.packets_max = 6;
    put(&P.s);
    COUNTED(buffer_oldest, 5);
    P.far[1] = (struct rule_far){.id = 2,
                                 .action = RULE_FORW,
                                 .destination = RULE_ACCESS,
                                 .teid = 0xabc,
                                 .peer = v4_peer(4)};
    put(&P.s);
    assert_int_equal(T.out_n, 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(T.out[i].p[16 + 59], 5 + i);
        assert_int_equal(be32(T.out[i].p + 4), 0xabc);
        assert_int_equal(T.out[i].peer.ip[3], 4);
    }
    COUNTED(released, 6);
    P.far[1].action = RULE_BUFF | RULE_NOCP; /* idle again: the next packet is announced again */
    put(&P.s);
    down_marked(1);
    assert_int_equal(T.events_n, 2);
    P.far[1].drop_buffered = true;
    put(&P.s);
    COUNTED(buffer_dropped, 1);
    P.far[1].drop_buffered = false;
    put(&P.s);
    down_marked(1);
    down_marked(2);
    assert_int_equal(T.events_n, 3);
    P.far[1].action = RULE_DROP;
    put(&P.s);
    COUNTED(buffer_flushed_drop, 2);
    P.far[1].action = RULE_BUFF;
    put(&P.s);
    down_marked(1);
    assert_int_equal(dp_session_drop(T.dp, T.now, 5, 1), 0);
    COUNTED(buffer_dropped, 2);
    stop();
}

static void buffers_of_all_sessions_are_bounded(void **state)
{
    struct dp_config c = net_config();
    c.buffered_max = 3;
    open_with(&c);
    for (uint32_t i = 5; i < 7; i++) {
        plain_session(&P, 100, i, 1);
        P.far[1].action = RULE_BUFF;
        put(&P.s);
    }
    for (uint8_t i = 0; i < 5; i++)
        down_marked(i);
    net_downlink(&T, 0, ip4(net_inner(&T), far4, ue4b, 60));
    COUNTED(held, 5);
    COUNTED(buffer_oldest, 2);
    COUNTED(buffer_refused, 1);
    net_downlink(&T, 0, ip4(net_inner(&T), far4, ue4, 2049));
    COUNTED(buffer_refused, 2);
    stop();
}

static void notification_waits_for_the_bar(void **state)
{
    start();
    P.far[1].action = RULE_BUFF | RULE_NOCP;
    P.s.bar.notify_delay_us = 200000;
    put(&P.s);
    down_marked(1);
    dp_tick(T.dp, T.now + 150000);
    assert_int_equal(T.events_n, 0);
    dp_tick(T.dp, T.now + 300000);
    assert_int_equal(T.events_n, 1);
    assert_int_equal(T.event[0].pdr_id, 2);
    stop();
}

static void end_marker_ends_the_old_path(void **state)
{
    start();
    P.far[1].teid = 0x77;
    P.far[1].peer = v4_peer(3);
    P.far[1].send_end_marker = true;
    put(&P.s);
    down_marked(1);
    static const uint8_t marker[] = {0x30, 254, 0, 0, 0x11, 0x11, 0, 5};
    assert_int_equal(T.out_n, 2);
    assert_int_equal(T.out[0].n, 8);
    assert_memory_equal(T.out[0].p, marker, 8);
    assert_int_equal(T.out[0].peer.ip[3], 2);
    assert_int_equal(T.out[1].peer.ip[3], 3);
    COUNTED(end_markers_out, 1);
    stop();
}

static void gates_and_actions(void **state)
{
    start();
    P.qer[0].gate_ul_closed = true;
    put(&P.s);
    up(ip4(net_inner(&T), ue4, far4, 100));
    down_marked(1);
    COUNTED(gate_closed, 1);
    COUNTED(to_tunnel, 1);
    P.qer[0] = (struct rule_qer){.id = 1, .gate_dl_closed = true};
    put(&P.s);
    down_marked(1);
    COUNTED(gate_closed, 2);
    P.qer[0].gate_dl_closed = false;
    P.far[0].action = RULE_DROP;
    P.far[1].action = RULE_DROP | RULE_NOCP;
    put(&P.s);
    up(ip4(net_inner(&T), ue4, far4, 100));
    down_marked(1);
    down_marked(1);
    COUNTED(far_drop, 3);
    assert_int_equal(T.events_n, 1);
    assert_int_equal(T.event[0].kind, DP_EVENT_DOWNLINK_DATA);
    stop();
}

/* A report that was lost keeps nobody out of reach for good. */
static void who_was_not_heard_tells_again(void **state)
{
    start();
    P.far[1].action = RULE_BUFF | RULE_NOCP;
    P.far[1].peer.family = 0;
    put(&P.s);
    down_marked(1);
    T.now += 12000000;
    down_marked(1);
    assert_int_equal(T.events_n, 1);
    T.now += 5000000;
    down_marked(1);
    down_marked(1);
    assert_int_equal(T.events_n, 2);
    assert_int_equal(T.event[1].kind, DP_EVENT_DOWNLINK_DATA);
    P.s.bar.notify_delay_us = 50000; /* one that is due already is not put off */
    put(&P.s);
    T.now += 20000000;
    down_marked(1);
    T.now += 40000;
    down_marked(1);
    assert_int_equal(T.events_n, 2);
    dp_tick(T.dp, T.now += 100000);
    assert_int_equal(T.events_n, 3);
    stop();
}

static void policer_keeps_the_rate(void **state)
{
    static const uint64_t kbits[] = {64, 1000, 50000, 1000000};
    for (unsigned k = 0; k < ARRAY_LEN(kbits); k++)
        for (int ul = 0; ul < 2; ul++) {
            start();
            P.qer[0] = (struct rule_qer){.id = 1,
                                         .has_mbr = true,
                                         .mbr_ul_kbit = ul ? kbits[k] : 0,
                                         .mbr_dl_kbit = ul ? 0 : kbits[k]};
            P.urr[0].measure_volume = true;
            put(&P.s);
            /* twice the rate in packets of 1000 octets for 20 s or 40,000 packets */
            uint64_t gap_ns = UINT64_C(8000000000) / kbits[k] / 2, t_ns = 1000000000;
            uint64_t warm = 0, start_ns = 0;
            for (unsigned i = 0; i < 44000 && t_ns < UINT64_C(400000000000); i++, t_ns += gap_ns) {
                T.now = t_ns / 1000;
                net_clear(&T);
                if (!start_ns && t_ns > 1300000000 + (kbits[k] < 100 ? UINT64_C(3000000000) : 0)) {
                    struct rule_usage u;
                    dp_usage_take(T.dp, T.now, 5, 1, 1, &u);
                    start_ns = t_ns;
                    warm = 1;
                }
                if (i % 500 == 0) /* rules that come again do not refill the bucket */
                    put(&P.s);
                if (ul)
                    up(ip4(net_inner(&T), ue4, far4, 1000));
                else
                    net_downlink(&T, 0, ip4(net_inner(&T), far4, ue4, 1000));
            }
            if (warm) {
                struct rule_usage u;
                dp_usage_take(T.dp, T.now, 5, 1, 1, &u);
                uint64_t octets = ul ? u.ul_octets : u.dl_octets;
                uint64_t due = kbits[k] * 1000 / 8 * ((t_ns - start_ns) / 1000) / 1000000;
                if (due > 100 * 1000)
                    assert_in_range(octets, due * 98 / 100, due * 102 / 100);
            }
            assert_true(net_count(&T, DP_policed) > 0);
            stop();
        }
    start();
    P.qer[0] = (struct rule_qer){.id = 1, .has_mbr = true};
    put(&P.s);
    down_marked(1);
    COUNTED(policed, 1);
    stop();
}

static void usage_is_counted_and_reported_once(void **state)
{
    start();
    P.urr[0].threshold.total = 250;
    P.urr[0].report_start = true;
    P.urr[0].quota.dl = 400;
    put(&P.s);
    up(ip4(net_inner(&T), ue4, far4, 100));
    assert_int_equal(T.events_n, 1);
    assert_int_equal(T.event[0].triggers, RULE_USAGE_START);
    assert_int_equal(T.event[0].usage.ul_octets, 100);
    T.now += 1000;
    for (int i = 0; i < 5; i++)
        down_marked(1); /* 60 octets each: 300 */
    assert_int_equal(T.events_n, 2);
    assert_int_equal(T.event[1].triggers, RULE_USAGE_VOLUME_THRESHOLD);
    assert_int_equal(T.event[1].usage.dl_octets, 300);
    assert_int_equal(T.event[1].usage.dl_packets, 5);
    assert_int_equal(T.event[1].usage.sequence, 1);
    assert_int_equal(T.event[1].usage.duration_us, 1000);
    for (int i = 0; i < 5; i++)
        down_marked(1);
    assert_int_equal(T.event[2].triggers, RULE_USAGE_VOLUME_QUOTA);
    assert_int_equal(T.event[2].usage.dl_octets, 120);
    COUNTED(quota, 3);
    put(&P.s);
    down_marked(1);
    COUNTED(quota, 4);
    P.urr[0].quota_fresh = true;
    put(&P.s);
    down_marked(1);
    COUNTED(quota, 4);
    struct rule_usage u;
    assert_int_equal(dp_usage_take(T.dp, T.now, 5, 1, 1, &u), 0);
    assert_int_equal(u.dl_octets, 60);
    assert_int_equal(dp_usage_take(T.dp, T.now, 5, 1, 1, &u), 0);
    assert_int_equal(u.dl_octets, 0);
    assert_int_equal(dp_usage_take(T.dp, T.now, 5, 1, 2, &u), ERR_NOTFOUND);
    down_marked(1);
    unsigned before = T.events_n;
    P.s.urr_n = 0;
    P.pdr[0].urr_n = P.pdr[1].urr_n = 0;
    put(&P.s);
    assert_int_equal(T.events_n, before + 1);
    assert_int_equal(T.event[before].triggers, RULE_USAGE_TERMINATION);
    assert_int_equal(T.event[before].usage.dl_octets, 60);
    stop();
}

static void time_is_measured(void **state)
{
    start();
    P.urr[0].time_threshold_us = 10000000;
    P.urr[0].time_quota_us = 25000000;
    P.s.inactivity_us = 40000000;
    put(&P.s);
    for (int i = 0; i < 100; i++)
        dp_tick(T.dp, T.now += 100000);
    assert_int_equal(T.events_n, 0); /* counts from the first packet */
    down_marked(1);
    uint64_t begin = T.now;
    while (T.now < begin + 60000000)
        dp_tick(T.dp, T.now += 50000);
    static const struct {
        uint32_t triggers;
        uint64_t at;
    } due[] = {{RULE_USAGE_TIME_THRESHOLD, 10},
               {RULE_USAGE_TIME_THRESHOLD, 20},
               {RULE_USAGE_TIME_QUOTA, 25},
               {RULE_USAGE_TIME_THRESHOLD, 35}};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(T.event[i].triggers, due[i].triggers);
        assert_in_range(T.event[i].usage.end_us, begin + due[i].at * 1000000,
                        begin + due[i].at * 1000000 + 300000);
    }
    unsigned inactive = 0;
    for (unsigned i = 0; i < T.events_n; i++)
        inactive += T.event[i].kind == DP_EVENT_INACTIVE;
    assert_int_equal(inactive, 1);
    net_clear(&T);
    down_marked(1);
    COUNTED(quota, 1);
    assert_int_equal(T.event[0].kind, DP_EVENT_ACTIVE);
    P.urr[0] = (struct rule_urr){.id = 7, .measure_volume = true, .period_us = 1000000000};
    P.pdr[0].urr_id[0] = P.pdr[1].urr_id[0] = 7;
    P.s.inactivity_us = 0;
    put(&P.s);
    net_clear(&T);
    for (int i = 0; i < 25; i++) /* further than the wheel reaches, in leaps */
        dp_tick(T.dp, T.now += 100000000);
    assert_int_equal(T.events_n, 2);
    assert_int_equal(T.event[1].triggers, RULE_USAGE_PERIODIC);
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

static void refuse(int error)
{
    const char *why = NULL;
    assert_int_equal(dp_session_set(T.dp, T.now, &P.s, &why), error);
    assert_non_null(why);
    P = (struct plain){0};
    plain_session(&P, 100, 5, 1);
}
static void wrong_rules_are_refused_and_the_old_stay(void **state)
{
    start();
#define WRONG(change, err)                                                                         \
    do {                                                                                           \
        change;                                                                                    \
        refuse(ERR_##err);                                                                         \
    } while (0)
    WRONG(P.s.session = 100, RANGE);
    WRONG(P.s.instance = 2, RANGE);
    WRONG(P.s.has_ipv4 = P.s.has_ipv6 = false, MISSING);
    WRONG(memset(P.s.ipv4, 0, 4), RANGE);
    WRONG(P.s.ipv4[0] = 224, RANGE);
    WRONG(P.s.ipv6_prefix[0] = 0xff, RANGE);
    WRONG(P.s.pdr_n = 251, FULL);
    WRONG(P.pdr[0].sdf_n = 251, FULL);
    WRONG(P.far[0].action = 0, RANGE);
    WRONG(P.far[0].action = RULE_FORW | RULE_DROP, RANGE);
    WRONG(P.far[0].action = RULE_FORW | RULE_NOCP, RANGE);
    WRONG(P.far[0].action = 32 | RULE_FORW, RANGE);
    WRONG(P.far[0].action = RULE_DUPL | RULE_FORW, MISSING); /* a copy to nowhere */
    WRONG(P.far[0].instance = 2, RANGE);
    WRONG(P.far[1].peer.family = 0, MISSING);
    WRONG(P.far[1].peer.family = 5, RANGE);
    WRONG(P.far[1].teid = 0, RANGE);
    WRONG(P.far[1].id = 1, EXISTS);
    WRONG(P.far[1].destination = (enum rule_interface)4, RANGE);
    WRONG(P.far[1].destination = RULE_LAN, UNSUPPORTED); /* with an outer header */
    WRONG(P.qer[0].qfi = 64, RANGE);
    WRONG(P.pdr[0].id = 0, RANGE);
    WRONG(P.pdr[0].id = 2, EXISTS);
    WRONG(P.pdr[0].source = (enum rule_interface)4, RANGE);
    WRONG(P.pdr[0].source = RULE_LAN, UNSUPPORTED);         /* with a tunnel */
    WRONG((P.pdr[1].source = RULE_LAN, P.pdr[1].far_id = 1), UNSUPPORTED); /* out of it to a data network */
    WRONG(P.pdr[1].carry_on = true, UNSUPPORTED);
    WRONG(P.pdr[0].teid = 0, MISSING);
    WRONG(P.pdr[0].teid = dp_teid(100, 6, 0, 77777), RANGE);
    WRONG(P.pdr[0].teid = 5 * 4, RANGE);
    WRONG(P.pdr[0].outer_header_removal = false, UNSUPPORTED);
    WRONG(P.pdr[0].far_id = 9, NOTFOUND);
    WRONG(P.pdr[0].qer_id[0] = 9, NOTFOUND);
    WRONG(P.pdr[0].urr_id[0] = 9, NOTFOUND);
    WRONG(P.pdr[0].qer_n = 5, FULL);
    WRONG((P.pdr[1].teid = P.pdr[0].teid, P.pdr[1].outer_header_removal = true), RANGE);
    WRONG((P.pdr[1].teid = dp_teid(100, 5, 0, 0xfff00000), P.pdr[1].outer_header_removal = true),
          RANGE);
    struct rule_sdf f = {.remote = {.family = 4, .bits = 33}};
    WRONG((P.pdr[0].sdf = &f, P.pdr[0].sdf_n = 1), RANGE);
    f = (struct rule_sdf){.id = 4, .same_as_id = true};
    WRONG((P.pdr[0].sdf = &f, P.pdr[0].sdf_n = 1), NOTFOUND);
    f = (struct rule_sdf){.remote_ports_n = 1, .remote_ports = {{2, 1}}};
    WRONG((P.pdr[0].sdf = &f, P.pdr[0].sdf_n = 1), RANGE);
    f.remote_ports_n = 5;
    WRONG((P.pdr[0].sdf = &f, P.pdr[0].sdf_n = 1), RANGE);
    struct plain other; /* an address has one session */
    plain_session(&other, 100, 6, 1);
    memcpy(other.s.ipv4, ue4, 4);
    assert_int_equal(dp_session_set(T.dp, T.now, &other.s, NULL), ERR_EXISTS);
    assert_int_equal(dp_session_count(T.dp), 1);
    assert_int_equal(dp_session_drop(T.dp, T.now, 5, 2), ERR_NOTFOUND);
    assert_int_equal(dp_session_drop(T.dp, T.now, 500, 2), ERR_NOTFOUND);
    up(ip4(net_inner(&T), ue4, far4, 100));
    down_marked(1);
    COUNTED(to_core, 1);
    COUNTED(to_tunnel, 1);
    stop();
}

static void wrong_configurations_are_refused(void **state)
{
    struct dp_io io = {0};
    struct dp_config c = net_config();
    c.sessions_max = 0;
    assert_null(dp_new(&c, &io));
    c.sessions_max = DP_SESSIONS_MAX + 1;
    assert_null(dp_new(&c, &io));
    c = net_config();
    c.pool[0].bits = 7;
    assert_null(dp_new(&c, &io));
    c = net_config();
    c.instances = 65;
    assert_null(dp_new(&c, &io));
    c = net_config();
    c.sessions_max = DP_SESSIONS_MAX; /* memory never touched costs nothing */
    struct dp *dp = dp_new(&c, &io);
    assert_non_null(dp);
    dp_free(dp);
}

static void a_session_is_small(void **state)
{
    plain_session(&P, 100, 5, 1);
    struct dp_config c = net_config();
    int e;
    struct dp_rules *r = dp_rules_new(&c, &P.s, &e, NULL);
    assert_non_null(r);
    assert_true(dp_rules_octets(r) + 128 <= 1024);
    dp_rules_free(r);
}

static void commands_do_the_same(void **state)
{
    struct dp_config c = net_config();
    open_with(&c);
    int e;
    plain_session(&P, 100, 5, 1);
    struct dp_command cmd = {.kind = DP_PUT, .rules = dp_rules_new(&c, &P.s, &e, NULL)};
    assert_int_equal(dp_command_run(T.dp, T.now, &cmd), 0);
    assert_true(dp_session_exists(T.dp, 5, 1));
    down_marked(1);
    cmd = (struct dp_command){.kind = DP_USAGE, .session = 5, .gen = 1, .urr_id = 1};
    assert_int_equal(dp_command_run(T.dp, T.now, &cmd), 0);
    assert_int_equal(T.event[0].triggers, RULE_USAGE_IMMEDIATE);
    assert_int_equal(T.event[0].usage.dl_packets, 1);
    cmd = (struct dp_command){.kind = DP_TO_UE, .session = 5, .gen = 1, .packet_n = 40};
    assert_int_equal(dp_command_run(T.dp, T.now, &cmd), 0);
    cmd.packet_n = 257;
    assert_int_equal(dp_command_run(T.dp, T.now, &cmd), ERR_RANGE);
    cmd = (struct dp_command){.kind = DP_ECHO, .peer = v4_peer(9)};
    assert_int_equal(dp_command_run(T.dp, T.now, &cmd), 0);
    assert_int_equal(T.out_n, 3);
    cmd = (struct dp_command){.kind = DP_DROP, .session = 5, .gen = 1};
    assert_int_equal(dp_command_run(T.dp, T.now, &cmd), 0);
    assert_int_equal(dp_command_run(T.dp, T.now, &cmd), ERR_NOTFOUND);
    assert_string_equal(dp_counter_name(DP_to_core), "to_core");
    assert_null(dp_counter_name(DP_COUNTERS));
    stop();
}

int main(void)
{
    return RUN(
        unit(user_packets_pass_both_ways), unit(reflective_and_unmarked_headers),
        unit(spoofed_and_stray_packets_are_dropped),
        unit(stale_and_foreign_teids_meet_an_error_indication), unit(gtpu_headers_are_checked),
        unit(echo_is_answered), unit(error_indication_names_its_session), unit(one_tunnel_end_of_many_rules),
        unit(buffer_keeps_order_and_bounds), unit(buffers_of_all_sessions_are_bounded),
        unit(notification_waits_for_the_bar), unit(end_marker_ends_the_old_path),
        unit(gates_and_actions), unit(who_was_not_heard_tells_again), unit(policer_keeps_the_rate),
        unit(usage_is_counted_and_reported_once), unit(time_is_measured),
        unit(filters_choose_the_rule), unit(qfi_is_checked_where_the_rule_has_one),
        unit(fragments_that_hide_are_dropped), unit(router_solicitation_reaches_the_control_plane),
        unit(ue_to_ue_only_where_configured), unit(too_big_is_said_back),
        unit(peers_may_be_checked), unit(each_side_has_its_peers), unit(a_tunnel_in_the_tunnel_is_dropped),
        unit(a_tunnel_does_not_hide), unit(nobody_reaches_the_core),
               unit(abuse_is_told_once_a_second), unit(signalling_says_no_more_than_it_has_to),
               unit(extension_headers_that_there_are_not), unit(n9_and_control_plane_tunnels),
        unit(wrong_rules_are_refused_and_the_old_stay), unit(wrong_configurations_are_refused),
        unit(a_session_is_small), unit(commands_do_the_same));
}
