/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_test.c - traffic endpoints: PDRs that say what they have in common once. */
#include "tests/nf_upf/n4.h"

enum { FAILURE = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE };
static struct pfcp_create_traffic_endpoint te[2];

/* The usual session, its tunnel and addresses said by endpoints 1 (access) and 2 (core). */
static struct pfcp_session_establishment_request *with_endpoints(void)
{
    struct pfcp_session_establishment_request *q = establishment(77);
    te[0] = (struct pfcp_create_traffic_endpoint){.traffic_endpoint_id = 1, .has.local_f_teid = 1, .has.ue_ip_address = 1,
                                                  .local_f_teid = t.pdr[0].pdi.local_f_teid,
                                                  .ue_ip_address = t.pdr[0].pdi.ue_ip_address};
    te[1] = (struct pfcp_create_traffic_endpoint){.traffic_endpoint_id = 2, .has.ue_ip_address = 1, .has.network_instance = 1,
                                                  .ue_ip_address = t.pdr[1].pdi.ue_ip_address,
                                                  .network_instance = t.pdr[1].pdi.network_instance};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t interface = t.pdr[i].pdi.source_interface;
        t.pdr[i].pdi = (struct pfcp_pdi){.source_interface = interface, .has.traffic_endpoint_id = 1,
                                         .traffic_endpoint_id = (uint8_t)(i + 1)};
    }
    t.far[0].forwarding_parameters.has.linked_traffic_endpoint_id = 1;
    t.far[0].forwarding_parameters.linked_traffic_endpoint_id = 2;
    q->create_traffic_endpoint.v = te;
    q->create_traffic_endpoint.n = 2;
    return q;
}
static uint32_t established(void)
{
    with_endpoints();
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(t.created_n == 0 && t.endpoints_n == 1);
    assert_true(t.endpoints[0].traffic_endpoint_id == 1 && t.endpoints[0].has.local_f_teid);
    assert_memory_equal(t.endpoints[0].local_f_teid.ipv4, N3_ADDR.ip, 4);
    return t.endpoints[0].local_f_teid.teid;
}

static void both_ways(void **state)
{
    (void)state;
    associate();
    uint32_t teid = established();
    ue_ping(teid, UE4);
    assert_true(t.dn.packets == 1 && t.gnb.n == 1);
    /* one more PDR of the same endpoint */
    struct pfcp_create_pdr more = t.pdr[0];
    more.pdr_id = 3;
    more.precedence = 1;
    struct pfcp_session_modification_request *m = modification();
    m->create_pdr.v = &more, m->create_pdr.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(!t.created_n && !t.endpoints_n);
    ue_ping(teid, UE4);
    assert_true(t.dn.packets == 2 && t.gnb.n == 2);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

static void another_tunnel(void **state)
{
    (void)state;
    associate();
    uint32_t old = established();
    struct pfcp_update_traffic_endpoint u = {.traffic_endpoint_id = 1, .has.local_f_teid = 1,
                                             .local_f_teid = {.flags = PFCP_F_TEID_V4 | PFCP_F_TEID_CH}};
    struct pfcp_session_modification_request *m = modification();
    m->update_traffic_endpoint.v = &u, m->update_traffic_endpoint.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(t.endpoints_n, 1);
    uint32_t teid = t.endpoints[0].local_f_teid.teid;
    assert_true(teid != old);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 1);
    ue_ping(old, UE4);
    assert_int_equal(t.dn.packets, 1);
    assert_int_equal(t.gnb.errors, 1);
    /* packets of one QFI alone; what a change of a PDR does not say stays */
    uint8_t qfi = 5;
    u = (struct pfcp_update_traffic_endpoint){.traffic_endpoint_id = 1, .qfi = {&qfi, 1}};
    m = modification();
    m->update_traffic_endpoint.v = &u, m->update_traffic_endpoint.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    struct pfcp_update_pdr p = {.pdr_id = 1, .has.pdi = 1, .pdi.source_interface = PFCP_INTERFACE_ACCESS};
    m = modification();
    m->update_pdr.v = &p, m->update_pdr.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4); /* QFI 9 */
    assert_int_equal(t.dn.packets, 1);
    assert_true(counted(DP_no_rule) == 1);
}

/* Its PDRs go with it. */
static void removed(void **state)
{
    (void)state;
    associate();
    uint32_t teid = established();
    struct pfcp_remove_traffic_endpoint r = {.traffic_endpoint_id = 1};
    struct pfcp_session_modification_request *m = modification();
    m->remove_traffic_endpoint.v = &r, m->remove_traffic_endpoint.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4);
    assert_true(!t.dn.packets && t.gnb.errors == 1);
    dn_sends(10); /* the other way is there */
    assert_int_equal(t.gnb.n, 1);
    m = modification();
    m->remove_traffic_endpoint.v = &r, m->remove_traffic_endpoint.n = 1;
    assert_int_equal(ask(), FAILURE);
    assert_int_equal(t.offending, PFCP_IE_traffic_endpoint_id);
    assert_int_equal(t.failed_n, 0);
    struct pfcp_update_traffic_endpoint u = {.traffic_endpoint_id = 1};
    m = modification();
    m->update_traffic_endpoint.v = &u, m->update_traffic_endpoint.n = 1;
    assert_int_equal(ask(), FAILURE);
    assert_int_equal(t.offending, PFCP_IE_traffic_endpoint_id);
}

static void refused_as(uint8_t cause, uint16_t ie)
{
    assert_int_equal(ask(), cause);
    assert_int_equal(t.offending, ie);
    assert_empty();
}
static void refusals(void **state)
{
    (void)state;
    associate();
    with_endpoints();
    te[1].traffic_endpoint_id = 1;
    refused_as(FAILURE, PFCP_IE_traffic_endpoint_id);
    with_endpoints();
    t.pdr[0].pdi.traffic_endpoint_id = 9;
    refused_as(FAILURE, PFCP_IE_traffic_endpoint_id);
    assert_true(t.failed_n == 1 && t.failed.flags == PFCP_FAILED_RULE_PDR && t.failed.pdr_id == 1);
    with_endpoints();
    t.far[0].forwarding_parameters.linked_traffic_endpoint_id = 9;
    refused_as(FAILURE, PFCP_IE_traffic_endpoint_id);
    with_endpoints();
    t.pdr[0].pdi.has.local_f_teid = 1;
    t.pdr[0].pdi.local_f_teid.flags = PFCP_F_TEID_V4 | PFCP_F_TEID_CH;
    refused_as(FAILURE, PFCP_IE_f_teid);
    with_endpoints();
    te[0].local_f_teid = (struct pfcp_f_teid){.flags = PFCP_F_TEID_V4, .teid = 4711, .ipv4 = {10, 0, 0, 2}};
    refused_as(PFCP_CAUSE_INVALID_F_TEID_ALLOCATION_OPTION, PFCP_IE_f_teid);
    with_endpoints();
    te[1].network_instance = STR("nowhere");
    refused_as(FAILURE, PFCP_IE_network_instance);
    with_endpoints();
    struct str route = STR("10.1.0.0/16");
    te[1].framed_route.v = &route, te[1].framed_route.n = 1;
    refused_as(FAILURE, PFCP_IE_framed_route);
    with_endpoints();
    te[0].has.local_f_teid = 0; /* a PDR from access without a tunnel */
    refused_as(PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_f_teid);
    static struct pfcp_create_traffic_endpoint many[UPF_ENDPOINTS + 1];
    for (unsigned i = 0; i < ARRAY_LEN(many); i++)
        many[i].traffic_endpoint_id = (uint8_t)i;
    struct pfcp_session_establishment_request *q = establishment(77);
    q->create_traffic_endpoint.v = many, q->create_traffic_endpoint.n = ARRAY_LEN(many);
    refused_as(PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_create_traffic_endpoint);
}

int main(void)
{
    return RUN(upf_test(both_ways), upf_test(another_tunnel), upf_test(removed), upf_test(refusals));
}
