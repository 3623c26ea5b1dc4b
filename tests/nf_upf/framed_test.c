/* SPDX-License-Identifier: Apache-2.0 */
/* framed_test.c - framed routes, TS 29.244 5.16: networks behind a phone. */
#include "tests/nf_upf/n4.h"

static struct str routes4[24], routes6[2];
static const uint8_t BEHIND[4] = {192, 168, 7, 9}, BESIDE[4] = {192, 168, 8, 9};

static struct pfcp_session_establishment_request *routed(uint64_t cp_seid, const char *a, const char *b)
{
    struct pfcp_session_establishment_request *q = establishment(cp_seid);
    routes4[0] = str_of(a);
    t.pdr[0].pdi.framed_route.v = t.pdr[1].pdi.framed_route.v = routes4;
    t.pdr[0].pdi.framed_route.n = t.pdr[1].pdi.framed_route.n = 1;
    routes6[0] = str_of(b);
    t.pdr[1].pdi.framed_ipv6_route.v = routes6;
    t.pdr[1].pdi.framed_ipv6_route.n = b ? 1 : 0;
    return q;
}
static uint8_t other(uint64_t cp_seid, const char *route)
{
    routed(cp_seid, route, NULL);
    for (unsigned i = 0; i < 2; i++)
        t.pdr[i].pdi.ue_ip_address.ipv4[3] = 99;
    return ask();
}
static void dn_to(const uint8_t ip[4])
{
    uint8_t p[200];
    struct net_addr far = {4, 0, {8, 8, 8, 8}}, to = {.family = 4};
    memcpy(to.ip, ip, 4);
    uint32_t n = echo_request(&far, &to, 1, 1, 40, p, sizeof p);
    assert_int_equal(world_inject(t.w, world_tun(t.w, t.upf_env, NULL, "n6internet"), (struct bytes){p, n}), OK);
    go(5 * MS);
}

static void packets_of_networks_behind_the_phone(void **state)
{
    (void)state;
    associate();
    routed(77, "192.168.7.0/24 192.168.7.1 1", "2001:db8:7::/48 :: 1");
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t teid = t.created[0].local_f_teid.teid;
    uint64_t mine = t.upf_seid;
    ue_ping(teid, BEHIND);
    assert_true(t.dn.packets == 1 && t.gnb.n == 1 && counted(DP_spoofed) == 0);
    ue_ping(teid, BESIDE);
    assert_true(t.dn.packets == 1 && counted(DP_spoofed) == 1);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 2);
    dn_to(BEHIND);
    assert_true(t.gnb.n == 3 && t.gnb.teid == GNB_TEID);
    dn_to(BESIDE);
    assert_true(t.gnb.n == 3 && counted(DP_ue_unknown) == 1);
    /* the longest prefix wins; the same prefix twice is refused by name, and nothing is left of it */
    assert_int_equal(other(78, "192.168.7.0/24"), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE);
    assert_int_equal(t.offending, PFCP_IE_framed_route);
    assert_int_equal(other(78, "192.168.7.8/29"), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t its = t.created[0].local_f_teid.teid;
    ue_ping(its, BEHIND);
    assert_int_equal(t.dn.packets, 3);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    dn_to(BEHIND);
    assert_int_equal(t.gnb.teid, GNB_TEID);
    /* other routes take the place of these */
    struct pfcp_update_pdr u[2] = {{.pdr_id = 1, .has.pdi = 1, .pdi = t.pdr[0].pdi},
                                   {.pdr_id = 2, .has.pdi = 1, .pdi = t.pdr[1].pdi}};
    routes4[0] = STR("192.168.8.0/21");
    for (unsigned i = 0; i < 2; i++) {
        u[i].pdi.ue_ip_address.ipv4[3] = 2;
        u[i].pdi.has.local_f_teid = 0;
    }
    t.upf_seid = mine;
    modification()->update_pdr.v = u;
    t.m.session_modification_request.update_pdr.n = 2;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    unsigned n = t.gnb.n;
    dn_to(BEHIND);
    assert_int_equal(t.gnb.n, n);
    dn_to(BESIDE);
    assert_int_equal(t.gnb.n, n + 1);
    assert_int_equal(other(79, "192.168.7.0/24"), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    t.upf_seid = mine;
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(map_count(&the_upf()->framed), 0);
    assert_empty();
}

static void routes_that_are_none(void **state)
{
    static const char *const bad[] = {"", "192.168.7.0", "192.168.7.0/", "192.168.7.0/33", "192.168.7.0/0", "fd00::/64",
                                      "192.168.7.0:80/24", "192.168.7.0/2x", "/24", "192.168.7.0/99999999999999"};
    (void)state;
    associate();
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        routed(77, bad[i], NULL);
        assert_int_equal(ask(), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE);
        assert_int_equal(t.offending, PFCP_IE_framed_route);
        assert_true(t.failed_n == 1 && t.failed.pdr_id == 1);
    }
    routed(77, "192.168.7.0/24", "192.168.7.0/24");
    assert_int_equal(ask(), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE);
    assert_int_equal(t.offending, PFCP_IE_framed_ipv6_route);
    routed(77, "192.168.7.0/24", NULL);
    for (unsigned i = 0; i < ARRAY_LEN(routes4); i++)
        routes4[i] = STR("192.168.7.0/24");
    t.pdr[0].pdi.framed_route.n = RULE_FRAMED + 1;
    assert_int_equal(ask(), PFCP_CAUSE_NO_RESOURCES_AVAILABLE);
    routed(77, "192.168.7.0/24", NULL);
    t.pdr[0].pdi.has.framed_routing = 1;
    t.pdr[0].pdi.framed_routing = 3;
    assert_int_equal(ask(), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE);
    assert_int_equal(t.offending, PFCP_IE_framed_routing);
    assert_empty();
}

int main(void)
{
    return RUN(upf_test(packets_of_networks_behind_the_phone), upf_test(routes_that_are_none));
}
