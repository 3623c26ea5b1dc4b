/* SPDX-License-Identifier: Apache-2.0 */
/* trace_test.c - what is told of a traced session's packets, and that it stays within its bounds. */
#include "tests/dp/net.h"
#include "tests/test.h"

static struct net T;
static struct plain P;
static struct dp_trace last; /* of the last DP_EVENT_TRACE */
static unsigned traced, pdrs;
static uint64_t pdr_packets[3];

static void event(void *ctx, const struct dp_event *e)
{
    net_event(ctx, e);
    if (e->kind == DP_EVENT_PDR) {
        pdrs++;
        pdr_packets[e->pdr_id] = e->usage.ul_packets;
    }
    if (e->kind != DP_EVENT_TRACE)
        return;
    assert_int_equal(e->packet.n, sizeof last);
    memcpy(&last, e->packet.p, sizeof last);
    traced++;
}

static void start(void)
{
    struct dp_config c = net_config();
    net_open(&T, &c);
    dp_free(T.dp);
    T.dp = dp_new(&c, &(struct dp_io){&T, net_to_access, net_to_core, event});
    assert_int_equal(dp_session_set(T.dp, T.now, plain_session(&P, 100, 5, 1), NULL), OK);
    traced = pdrs = 0;
}
static const uint8_t FAR_END[4] = {8, 8, 8, 8};
static void up(const uint8_t from[4])
{
    net_uplink(&T, P.pdr[0].teid, 9, ip4(net_inner(&T), from, FAR_END, 100), v4_peer(2));
}
static void down(void)
{
    net_downlink(&T, 0, ip4(net_inner(&T), FAR_END, P.s.ipv4, 100));
}

static void each_decision_has_its_reason(void **state)
{
    (void)state;
    start();
    up(P.s.ipv4);
    assert_int_equal(traced, 0);
    assert_int_equal(dp_session_trace(T.dp, T.now, 5, 1, 100), DP_WHERE_HERE);
    assert_int_equal(pdrs, 2);
    assert_true(pdr_packets[1] == 1 && pdr_packets[2] == 0);
    up(P.s.ipv4);
    assert_true(traced == 1 && last.fate == DP_to_core && last.is_uplink && last.has_pdr && !last.has_rule);
    assert_true(last.pdr_id == 1 && last.far_id == 1 && last.from_teid == P.pdr[0].teid && last.from_qfi == 9);
    assert_true(last.is_ip && last.family == 4 && last.proto == 17 && last.has_ports && last.octets == 100);
    assert_true(last.src_port == 1000 && last.dst_port == 2000 && last.from.ip[3] == 2);
    assert_memory_equal(last.src, P.s.ipv4, 4);
    assert_memory_equal(last.dst, FAR_END, 4);
    down();
    assert_true(traced == 2 && last.fate == DP_to_tunnel && !last.is_uplink && !last.from.family);
    assert_true(last.pdr_id == 2 && last.to_teid == GNB_TEID + 5 && last.to.ip[3] == 2 && last.to_qfi == 9);
    up((const uint8_t[4]){10, 45, 9, 9});
    assert_true(traced == 3 && last.fate == DP_spoofed && !last.has_pdr);
    P.qer[0].gate_ul_closed = true;
    assert_int_equal(dp_session_set(T.dp, T.now, &P.s, NULL), OK);
    up(P.s.ipv4);
    assert_true(traced == 4 && last.fate == DP_gate_closed && last.has_rule && last.rule_id == 1);
    P.qer[0] = (struct rule_qer){.id = 1, .has_mbr = true};
    assert_int_equal(dp_session_set(T.dp, T.now, &P.s, NULL), OK);
    down();
    assert_true(traced == 5 && last.fate == DP_policed && last.has_rule && last.rule_id == 1);
    P.qer[0] = (struct rule_qer){.id = 1};
    P.urr[0].quota.total = 50;
    assert_int_equal(dp_session_set(T.dp, T.now, &P.s, NULL), OK);
    down();
    down();
    assert_true(traced == 7 && last.fate == DP_quota && last.has_rule && last.rule_id == 1);
    P.far[1].action = RULE_DROP;
    assert_int_equal(dp_session_set(T.dp, T.now, &P.s, NULL), OK);
    down();
    assert_true(traced == 8 && last.fate == DP_far_drop && last.action == RULE_DROP);
    net_downlink(&T, 0, ip4(net_inner(&T), FAR_END, (const uint8_t[4]){10, 45, 0, 77}, 100));
    assert_int_equal(traced, 8); /* another's */
    dp_free(T.dp);
}

static void buffered_packets_are_told_twice(void **state)
{
    (void)state;
    start();
    P.far[1].action = RULE_BUFF | RULE_NOCP;
    assert_int_equal(dp_session_set(T.dp, T.now, &P.s, NULL), OK);
    assert_int_equal(dp_session_trace(T.dp, T.now, 5, 1, 100), DP_WHERE_HERE);
    down();
    assert_true(traced == 1 && last.fate == DP_held && last.action == (RULE_BUFF | RULE_NOCP) && !last.is_released);
    P.far[1].action = RULE_FORW;
    assert_int_equal(dp_session_set(T.dp, T.now, &P.s, NULL), OK);
    assert_true(traced == 2 && last.fate == DP_to_tunnel && last.is_released);
    dp_free(T.dp);
}

static void it_is_bounded(void **state)
{
    (void)state;
    start();
    assert_int_equal(dp_session_trace(T.dp, T.now, 5, 2, 1), ERR_NOTFOUND);
    assert_int_equal(dp_session_trace(T.dp, T.now, 5, 1, 2), DP_WHERE_HERE);
    for (unsigned i = 0; i < 5; i++)
        down();
    assert_int_equal(traced, 2);
    struct dp_command c = {.kind = DP_TRACE, .session = 5, .gen = 1, .packet_n = 9};
    assert_int_equal(dp_command_run(T.dp, T.now, &c), DP_WHERE_HERE);
    down();
    c.packet_n = 0;
    pdr_packets[2] = 0;
    assert_int_equal(dp_command_run(T.dp, T.now, &c), DP_WHERE_HERE);
    assert_int_equal(pdr_packets[2], 6);
    down();
    assert_int_equal(traced, 3);
    /* a session that takes its place is not traced */
    c.packet_n = 9;
    assert_int_equal(dp_command_run(T.dp, T.now, &c), DP_WHERE_HERE);
    assert_int_equal(dp_session_set(T.dp, T.now, plain_session(&P, 100, 5, 2), NULL), OK);
    down();
    assert_int_equal(traced, 3);
    dp_free(T.dp);
}

int main(void)
{
    return RUN(unit(each_decision_has_its_reason), unit(buffered_packets_are_told_twice), unit(it_is_bounded));
}
