/* SPDX-License-Identifier: Apache-2.0 */
/* What waits, what may pass, and what is counted: buffers, gates, rates, usage. */
#include "tests/dp/one.h"

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

int main(void)
{
    return RUN(unit(buffer_keeps_order_and_bounds), unit(buffers_of_all_sessions_are_bounded),
               unit(notification_waits_for_the_bar), unit(end_marker_ends_the_old_path), unit(gates_and_actions),
               unit(who_was_not_heard_tells_again), unit(policer_keeps_the_rate),
               unit(usage_is_counted_and_reported_once), unit(time_is_measured));
}
