/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet PDU sessions by the rules of any SMF: TS 23.501 5.6.10.2, TS 29.244 5.13. */
#include "tests/nf_upf/n4.h"

enum { MAC = 6, SECOND_GNB_TEID = 0x4712, SHORT_S = 20 };
static const uint8_t ALL[MAC] = {255, 255, 255, 255, 255, 255}, ONE[MAC] = {2, [5] = 1}, TWO[MAC] = {2, [5] = 2};
static const uint8_t CARRY_ON = PFCP_CARRY_ON_DCARONI | PFCP_CARRY_ON_PRIUEAI;
static struct pfcp_ethernet_packet_filter filter[UPF_ETH_MAX + 1];
static struct bytes macs[20];

/* A member of the group "internet": frames from its tunnel to the others, and theirs to it. */
static struct pfcp_session_establishment_request *member(uint64_t cp_seid, uint32_t gnb_teid)
{
    struct pfcp_session_establishment_request *q = establishment(cp_seid);
    q->pdn_type = PFCP_PDN_ETHERNET;
    t.pdr[0].pdi.has.ue_ip_address = t.pdr[1].pdi.has.ue_ip_address = 0;
    t.pdr[1].pdi.source_interface = PFCP_SOURCE_INTERFACE_VN_INTERNAL;
    t.pdr[1].pdi.has.ethernet_pdu_session_information = 1;
    t.pdr[1].pdi.ethernet_pdu_session_information = PFCP_ETHERNET_ETHI;
    t.pdr[1].has.packet_replication_and_detection_carry_on_information = 1;
    t.pdr[1].packet_replication_and_detection_carry_on_information = (struct bytes){&CARRY_ON, 1};
    t.far[0].forwarding_parameters.destination_interface = PFCP_INTERFACE_VN_INTERNAL;
    t.far[1].forwarding_parameters.outer_header_creation.teid = gnb_teid;
    struct pfcp_create_urr *u = with_urr(q, PFCP_MEASUREMENT_METHOD_EVENT, PFCP_TRIGGER_MACAR);
    u->has.ethernet_inactivity_timer = 1;
    u->ethernet_inactivity_timer = SHORT_S;
    return q;
}
static uint32_t join(uint64_t cp_seid, uint32_t gnb_teid)
{
    member(cp_seid, gnb_teid);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    return t.created[0].local_f_teid.teid;
}
static void frame(uint32_t teid, const uint8_t *to, const uint8_t *from)
{
    uint8_t p[60] = {[12] = 0x88, 0xb5};
    memcpy(p, to, MAC);
    memcpy(p + MAC, from, MAC);
    gnb_send(teid, p, sizeof p);
    go(5 * MS);
}

static void frames_between_members(void **state)
{
    (void)state;
    associate();
    uint32_t one = join(77, GNB_TEID);
    uint64_t first = t.upf_seid;
    uint32_t two = join(78, SECOND_GNB_TEID);
    frame(one, ALL, ONE);
    assert_true(t.gnb.n == 1 && t.gnb.teid == SECOND_GNB_TEID && t.gnb.octets == 76);
    assert_int_equal(t.gnb.qfi, 9);
    assert_memory_equal(t.gnb.p + t.gnb.inner + MAC, ONE, MAC);
    /* the SMF is told of the address: TS 29.244 8.2.103, without tags */
    assert_true(t.reports == 1 && t.report_seid == 77 && t.report_type == PFCP_REPORT_TYPE_USAR);
    const struct pfcp_usage_report *r = &t.report_usage;
    assert_int_equal(r->usage_report_trigger, PFCP_USAGE_MACAR);
    assert_true(r->urr_id == 1 && r->ur_seqn == 0 && r->has.ethernet_traffic_information);
    assert_true(r->ethernet_traffic_information.mac_addresses_detected.n == 1 && !r->ethernet_traffic_information.mac_addresses_removed.n);
    frame(two, ONE, TWO);
    assert_true(t.gnb.n == 2 && t.gnb.teid == GNB_TEID && t.reports == 2 && t.report_seid == 78);
    frame(one, TWO, ONE);
    assert_true(t.gnb.n == 3 && t.gnb.teid == SECOND_GNB_TEID && t.reports == 2);
    frame(two, ONE, ONE); /* another's address */
    assert_true(t.gnb.n == 3 && counted(DP_mac_taken) == 1);
    /* silence */
    go((SHORT_S + 1) * SECOND);
    assert_int_equal(t.reports, 4);
    assert_true(t.report_usage.ethernet_traffic_information.mac_addresses_removed.n == 1);
    assert_int_equal(t.report_usage.ur_seqn, 1);
    frame(two, ALL, ONE);
    assert_true(t.gnb.n == 4 && t.gnb.teid == GNB_TEID);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    t.upf_seid = first;
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

static void one_filter(const struct pfcp_ethernet_packet_filter *f)
{
    filter[0] = *f;
    t.pdr[0].pdi.ethernet_packet_filter.v = filter;
    t.pdr[0].pdi.ethernet_packet_filter.n = 1;
}
static void allowed_addresses(void **state)
{
    static const uint8_t SOURCES[] = {5, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1}; /* SOUR, USOU: one address */
    (void)state;
    associate();
    member(77, GNB_TEID);
    macs[0] = BYTES_OF(SOURCES);
    one_filter(&(struct pfcp_ethernet_packet_filter){.mac_address = {macs, 1}});
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t one = t.created[0].local_f_teid.teid;
    uint64_t first = t.upf_seid;
    join(78, SECOND_GNB_TEID);
    frame(one, ALL, TWO);
    assert_true(t.gnb.n == 0 && counted(DP_no_rule) == 1 && t.reports == 0);
    frame(one, ALL, ONE);
    assert_int_equal(t.gnb.n, 1);
    /* a change: it keeps what it has learned, and takes frames of a VLAN alone */
    static const uint8_t VLAN_7[] = {4, 0, 7};
    filter[0] = (struct pfcp_ethernet_packet_filter){.has.c_tag = 1, .c_tag = BYTES_OF(VLAN_7)};
    struct pfcp_update_pdr u = {.pdr_id = 1, .has.pdi = 1, .pdi = {.source_interface = PFCP_INTERFACE_ACCESS, .ethernet_packet_filter = {filter, 1}}};
    t.upf_seid = first;
    modification()->update_pdr.v = &u;
    t.m.session_modification_request.update_pdr.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    frame(one, ALL, ONE);
    assert_true(t.gnb.n == 1 && counted(DP_no_rule) == 2);
    uint8_t tagged[60] = {255, 255, 255, 255, 255, 255, 2, [11] = 1, 0x81, 0, 0x60, 7, 8, 6};
    gnb_send(one, tagged, sizeof tagged);
    go(5 * MS);
    assert_true(t.gnb.n == 2 && t.reports == 1);
}

static void refused(uint16_t offending)
{
    assert_int_equal(ask(), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE);
    assert_int_equal(t.offending, offending);
}
static void what_is_refused(void **state)
{
    static const uint8_t CUT[] = {1, 2, 0, 0, 0, 0}, UPPER_ALONE[] = {4, 2, 0, 0, 0, 0, 1}, SAYS_NOTHING[] = {0, 0, 7}, EMPTY[] = {0},
                         BOTH[] = {3, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, RANGE[] = {5, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    static const struct bytes bad[] = {BYTES_OF(CUT), BYTES_OF(UPPER_ALONE), BYTES_OF(EMPTY)};
    (void)state;
    associate();
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        member(77, GNB_TEID);
        macs[0] = bad[i];
        one_filter(&(struct pfcp_ethernet_packet_filter){.mac_address = {macs, 1}});
        refused(PFCP_IE_mac_address);
    }
    member(77, GNB_TEID);
    for (unsigned i = 0; i < RULE_MACS / 2 + 1; i++)
        macs[i] = BYTES_OF(BOTH);
    one_filter(&(struct pfcp_ethernet_packet_filter){.mac_address = {macs, RULE_MACS / 2 + 1}});
    refused(PFCP_IE_mac_address);
    member(77, GNB_TEID);
    macs[0] = BYTES_OF(RANGE);
    one_filter(&(struct pfcp_ethernet_packet_filter){.mac_address = {macs, 1}});
    refused(0);
    member(77, GNB_TEID);
    one_filter(&(struct pfcp_ethernet_packet_filter){.has.c_tag = 1, .c_tag = BYTES_OF(SAYS_NOTHING)});
    refused(PFCP_IE_c_tag);
    member(77, GNB_TEID);
    one_filter(&(struct pfcp_ethernet_packet_filter){.has.s_tag = 1, .s_tag = BYTES_OF(SAYS_NOTHING)});
    refused(PFCP_IE_s_tag);
    member(77, GNB_TEID);
    t.sdf[0] = (struct pfcp_sdf_filter){.flags = PFCP_SDF_FILTER_FD, .flow_description = STR("permit out ip from any to assigned")};
    one_filter(&(struct pfcp_ethernet_packet_filter){.sdf_filter = {t.sdf, 1}});
    refused(PFCP_IE_sdf_filter);
    member(77, GNB_TEID);
    one_filter(&(struct pfcp_ethernet_packet_filter){.has.ethernet_filter_id = 1, .ethernet_filter_id = 5});
    refused(0); /* of another PDR that is not there */
    member(77, GNB_TEID);
    t.pdr[0].pdi.ethernet_packet_filter.v = filter;
    t.pdr[0].pdi.ethernet_packet_filter.n = UPF_ETH_MAX;
    t.pdr[1].pdi.ethernet_packet_filter = t.pdr[0].pdi.ethernet_packet_filter;
    memset(filter, 0, sizeof filter);
    assert_int_equal(ask(), PFCP_CAUSE_NO_RESOURCES_AVAILABLE);
    member(77, GNB_TEID); /* towards a data network */
    t.far[0].forwarding_parameters.destination_interface = PFCP_INTERFACE_CORE;
    refused(0);
    member(77, GNB_TEID); /* with an IP address */
    t.pdr[0].pdi.has.ue_ip_address = 1;
    refused(0);
    establishment(77); /* frames of an IP session */
    one_filter(&(struct pfcp_ethernet_packet_filter){.has.ethertype = 1, .ethertype = 0x806});
    refused(0);
    member(77, GNB_TEID); /* the UPF answers no ARP for others */
    t.far[0].forwarding_parameters.has.proxying = 1;
    refused(PFCP_IE_proxying);
    member(77, GNB_TEID)->pdn_type = PFCP_PDN_NON_IP;
    assert_int_equal(ask(), PFCP_CAUSE_SERVICE_NOT_SUPPORTED);
    member(77, GNB_TEID);
    t.urr[0].reporting_triggers = PFCP_TRIGGER_START;
    refused(PFCP_IE_measurement_method);
    assert_empty();
}

int main(void)
{
    return RUN(upf_test(frames_between_members), upf_test(allowed_addresses), upf_test(what_is_refused));
}
