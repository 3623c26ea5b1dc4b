/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and commands: what is refused, and what they take. */
#include "tests/dp/one.h"

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
    return RUN(unit(wrong_rules_are_refused_and_the_old_stay), unit(wrong_configurations_are_refused),
               unit(a_session_is_small), unit(commands_do_the_same));
}
