/* SPDX-License-Identifier: Apache-2.0 */
/* foreign_test.c - sessions in the shape that other SMFs give them: one tunnel for several PDRs by CHOOSE ID, a tunnel between
 * the CP function and the phone for router advertisements, a FAR that buffers until the gNB is known, interface types and
 * a user's identity that say nothing here, a usage rule on the downlink alone. */
#include "tests/nf_upf/n4.h"

enum { SMF_TEID = 0x0a0b0c0d };

static struct pfcp_create_pdr *of_access(struct pfcp_create_pdr *p, uint16_t id, uint32_t precedence, uint32_t far)
{
    *p = (struct pfcp_create_pdr){
        .pdr_id = id, .precedence = precedence, .has.far_id = 1, .far_id = far, .has.outer_header_removal = 1,
        .outer_header_removal = {.flags = PFCP_OHR_GTPU_UDP_IP},
        .pdi = {.source_interface = PFCP_INTERFACE_ACCESS, .has.local_f_teid = 1,
                .local_f_teid = {.flags = PFCP_F_TEID_V4 | PFCP_F_TEID_V6 | PFCP_F_TEID_CH | PFCP_F_TEID_CHID, .choose_id = 5},
                .has.network_instance = 1, .network_instance = STR("internet"), .has.source_interface_type = 1,
                .source_interface_type = 11}};
    return p;
}

static void as_others_do(uint64_t cp_seid)
{
    static uint8_t qfi = 1;
    struct pfcp_session_establishment_request *q = establishment(cp_seid);
    t.pdr[0] = (struct pfcp_create_pdr){
        .pdr_id = 1, .precedence = 65535, .has.far_id = 1, .far_id = 1, .qer_id = {t.qer_id, 1}, .urr_id = {t.urr_id, 1},
        .pdi = {.source_interface = PFCP_INTERFACE_CORE, .has.network_instance = 1, .network_instance = STR("internet"),
                .has.ue_ip_address = 1, .ue_ip_address = {.flags = PFCP_UE_IP_V4 | PFCP_UE_IP_DESTINATION},
                .has.source_interface_type = 1, .source_interface_type = 17}};
    memcpy(t.pdr[0].pdi.ue_ip_address.ipv4, UE4, 4);
    struct pfcp_create_pdr *up = of_access(&t.pdr[1], 2, 65535, 2);
    up->qer_id.v = t.qer_id, up->qer_id.n = 1;
    up->pdi.qfi.v = &qfi, up->pdi.qfi.n = 1;
    t.pdr[2] = (struct pfcp_create_pdr){
        .pdr_id = 3, .precedence = 255, .has.far_id = 1, .far_id = 1, .has.outer_header_removal = 1,
        .outer_header_removal = {.flags = PFCP_OHR_GTPU_UDP_IP},
        .pdi = {.source_interface = PFCP_INTERFACE_CP_FUNCTION, .has.local_f_teid = 1,
                .local_f_teid = {.flags = PFCP_F_TEID_V4 | PFCP_F_TEID_CH}}};
    struct pfcp_create_pdr *rs = of_access(&t.pdr[3], 4, 255, 3);
    t.sdf[0] = (struct pfcp_sdf_filter){.flags = PFCP_SDF_FILTER_FD,
                                        .flow_description = STR("permit out 58 from ff02::2/128 to assigned")};
    rs->pdi.sdf_filter.v = t.sdf, rs->pdi.sdf_filter.n = 1;
    t.far[0] = (struct pfcp_create_far){.far_id = 1, .apply_action = PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP,
                                        .has.bar_id = 1, .bar_id = 1};
    t.far[1] = (struct pfcp_create_far){.far_id = 2, .apply_action = PFCP_APPLY_ACTION_FORW, .has.forwarding_parameters = 1,
                                        .forwarding_parameters = {.destination_interface = PFCP_INTERFACE_CORE,
                                                                  .has.network_instance = 1, .network_instance = STR("internet")}};
    t.far[2] = (struct pfcp_create_far){
        .far_id = 3, .apply_action = PFCP_APPLY_ACTION_FORW, .has.forwarding_parameters = 1,
        .forwarding_parameters = {.destination_interface = PFCP_INTERFACE_CP_FUNCTION, .has.outer_header_creation = 1,
                                  .outer_header_creation = {.flags = PFCP_OHC_GTPU_IPV4, .teid = SMF_TEID, .ipv4 = {10, 0, 0, 4}}}};
    t.qer[0] = (struct pfcp_create_qer){.qer_id = 1, .has.maximum_bitrate = 1,
                                        .maximum_bitrate = {.ul_kbps = 1000000, .dl_kbps = 1000000}, .has.qfi = 1, .qfi = 1};
    t.urr[0] = (struct pfcp_create_urr){.urr_id = 1, .measurement_method = PFCP_MEASUREMENT_METHOD_VOLUM,
                                        .reporting_triggers = PFCP_TRIGGER_VOLTH, .has.volume_threshold = 1,
                                        .volume_threshold = {.flags = PFCP_VOLUME_TOVOL, .total = 104857600}};
    q->create_pdr.n = 4;
    q->create_far.n = 3;
    q->create_urr.v = t.urr, q->create_urr.n = 1;
    q->has.create_bar = 1;
    q->create_bar.bar_id = 1;
    q->has.apn_dnn = 1;
    q->apn_dnn = (struct str){(const char *)t.internet, 9};
}

static void to_gnb(uint8_t action, uint32_t teid, bool end_marker)
{
    struct pfcp_update_far f = {.far_id = 1, .has.apply_action = 1, .apply_action = action};
    struct pfcp_update_forwarding_parameters *p = &f.update_forwarding_parameters;
    f.has.update_forwarding_parameters = teid != 0;
    p->has.destination_interface = p->has.outer_header_creation = 1;
    p->destination_interface = PFCP_INTERFACE_ACCESS;
    p->has.network_instance = 1;
    p->network_instance = STR("access.that.is.not.named.here");
    p->outer_header_creation = (struct pfcp_outer_header_creation){.flags = PFCP_OHC_GTPU_IPV4, .teid = teid, .ipv4 = {10, 0, 0, 3}};
    p->has.pfcpsmreq_flags = end_marker;
    p->pfcpsmreq_flags = PFCP_SMREQ_SNDEM;
    modification()->update_far.v = &f;
    t.m.session_modification_request.update_far.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
}

static void gnb_sends(uint32_t teid, uint8_t qfi)
{
    uint8_t p[200] = {0x34, 255, [11] = 0x85, 1, 0x10, qfi, 0};
    struct net_addr me = {.family = 4}, far = {4, 0, {8, 8, 8, 8}};
    memcpy(me.ip, UE4, 4);
    uint32_t n = echo_request(&me, &far, 1, 1, 56, p + 16, sizeof p - 16);
    put_be16(p + 2, (uint16_t)(n + 8));
    put_be32(p + 4, teid);
    t.gnb_env->ops->udp_send(t.gnb_env, t.gnb_sock, &N3_ADDR, (struct bytes){p, n + 16});
    go(5 * MS);
}

static void a_session_of_another_smf(void **state)
{
    (void)state;
    associate();
    as_others_do(0x38e);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(t.created_n, 3);
    uint32_t up = 0, cp = 0, rs = 0;
    for (unsigned i = 0; i < 3; i++)
        *(t.created[i].pdr_id == 2 ? &up : t.created[i].pdr_id == 3 ? &cp : &rs) = t.created[i].local_f_teid.teid;
    assert_true(up && up == rs && cp && cp != up);
    gnb_sends(up, 1);
    assert_int_equal(t.dn.packets, 1);
    gnb_sends(up, 7); /* a flow that the session has not */
    assert_true(t.dn.packets == 1 && counted(DP_no_rule) == 1);
    /* the answer waits until the gNB is known, and the SMF is told */
    assert_true(t.gnb.n == 0 && t.reports == 1 && t.report_type == PFCP_REPORT_TYPE_DLDR && t.report_pdr == 1);
    to_gnb(PFCP_APPLY_ACTION_FORW, GNB_TEID, false);
    assert_true(t.gnb.n == 1 && t.gnb.teid == GNB_TEID && t.gnb.qfi == 1);
    /* handover: the old tunnel gets an end marker */
    to_gnb(PFCP_APPLY_ACTION_FORW, GNB_TEID + 1, true);
    assert_int_equal(t.gnb.ends, 1);
    dn_sends(40);
    assert_true(t.gnb.n == 2 && t.gnb.teid == GNB_TEID + 1);
    /* idle, woken up */
    to_gnb(PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP, 0, false);
    dn_sends(40);
    assert_true(t.gnb.n == 2 && t.reports == 2);
    to_gnb(PFCP_APPLY_ACTION_FORW, GNB_TEID + 2, false);
    assert_true(t.gnb.n == 3 && t.gnb.teid == GNB_TEID + 2);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(t.usage_n == 1 && t.usage[0].usage_report_trigger == PFCP_USAGE_TERMR);
    assert_int_equal(t.usage[0].volume_measurement.downlink, 84 + 68 + 68);
    assert_empty();
}

int main(void)
{
    return RUN(upf_test(a_session_of_another_smf));
}
