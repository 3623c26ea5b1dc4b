/* SPDX-License-Identifier: Apache-2.0 */
/* refusals_test.c - what the UPF refuses, each with its cause, and that nothing has changed then. */
#include "tests/nf_upf/n4.h"

#define assert_refused(c, ie)                                                                      \
    do {                                                                                           \
        assert_int_equal(ask(), PFCP_CAUSE_##c);                                                   \
        assert_int_equal(t.offending, (ie));                                                       \
        assert_int_equal(t.created_n, 0);                                                          \
    } while (0)
#define assert_rule(kind, member, id)                                                              \
    do {                                                                                           \
        assert_int_equal(t.failed_n, 1);                                                           \
        assert_int_equal(t.failed.flags, PFCP_FAILED_RULE_##kind);                                 \
        assert_int_equal(t.failed.member, (id));                                                   \
    } while (0)
enum { PFCP_CAUSE_FAILURE = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE };

static void without_association(void **state)
{
    (void)state;
    establishment(77);
    assert_refused(NO_ESTABLISHED_PFCP_ASSOCIATION, 0);
    assert_int_equal(t.rsp_seid, 77);
    assert_empty();
}

static void unknown_sessions(void **state)
{
    (void)state;
    associate();
    const uint64_t seids[] = {0, 1, UINT64_MAX, 0x100000000};
    for (unsigned i = 0; i < ARRAY_LEN(seids); i++) {
        t.upf_seid = seids[i];
        assert_int_equal(delete_session(), PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
        modification();
        assert_refused(SESSION_CONTEXT_NOT_FOUND, 0);
        assert_int_equal(t.rsp_seid, 0);
    }
    establish(77);
    uint64_t old = t.upf_seid;
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    establish(78); /* in the same place, with another SEID */
    assert_int_not_equal(t.upf_seid, old);
    t.upf_seid = old;
    assert_int_equal(delete_session(), PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND);
}

static void missing_parts(void **state)
{
    (void)state;
    associate();
    establishment(77);
    t.pdr[0].has.far_id = 0;
    assert_refused(CONDITIONAL_IE_MISSING, PFCP_IE_far_id);
    establishment(77);
    t.pdr[0].pdi.has.local_f_teid = 0;
    assert_refused(CONDITIONAL_IE_MISSING, PFCP_IE_f_teid);
    establishment(77);
    t.pdr[0].has.outer_header_removal = 0;
    assert_refused(CONDITIONAL_IE_MISSING, PFCP_IE_outer_header_removal);
    establishment(77);
    t.pdr[0].pdi.has.ue_ip_address = t.pdr[1].pdi.has.ue_ip_address = 0;
    assert_refused(FAILURE, PFCP_IE_ue_ip_address);
    /* an IE that is mandatory: what the codec finds, answered with the SEID of the request */
    struct pfcp_session_modification_request *m = modification();
    struct pfcp_raw raw = {PFCP_IE_remove_pdr, {NULL, 0}};
    associate();
    establish(79);
    m = modification();
    m->other.v = &raw;
    m->other.n = 1;
    assert_refused(MANDATORY_IE_MISSING, PFCP_IE_pdr_id);
    assert_int_equal(t.rsp_seid, 79);
}

static void pdrs(void **state)
{
    (void)state;
    associate();
    struct pfcp_session_establishment_request *q = establishment(77);
    t.pdr[1].pdr_id = 1;
    assert_refused(FAILURE, PFCP_IE_pdr_id);
    assert_rule(PDR, pdr_id, 1);
    establishment(77);
    t.pdr[1].far_id = 9;
    assert_refused(FAILURE, PFCP_IE_far_id);
    assert_rule(PDR, pdr_id, 2);
    establishment(77);
    t.qer_id[0] = 9;
    assert_refused(FAILURE, PFCP_IE_qer_id);
    establishment(77);
    t.pdr[0].urr_id.v = t.urr_id;
    t.pdr[0].urr_id.n = 1;
    assert_refused(FAILURE, PFCP_IE_urr_id);
    establishment(77);
    t.pdr[0].pdi.source_interface = 5; /* spare */
    assert_refused(FAILURE, PFCP_IE_source_interface);
    establishment(77); /* a tunnel of a 5G VN: N19 */
    t.pdr[0].pdi.source_interface = PFCP_SOURCE_INTERFACE_VN_INTERNAL;
    assert_refused(FAILURE, 0);
    establishment(77); /* from one data network into a 5G VN */
    t.far[1].forwarding_parameters.destination_interface = PFCP_INTERFACE_VN_INTERNAL;
    assert_refused(FAILURE, 0);
    for (uint8_t i = 0; i < 2; i++) { /* copies of what comes from elsewhere, or to the sender too */
        static const uint8_t information[2] = {PFCP_CARRY_ON_DCARONI | PFCP_CARRY_ON_PRIUEAI, PFCP_CARRY_ON_DCARONI};
        establishment(77);
        t.pdr[1].pdi.source_interface = i ? PFCP_SOURCE_INTERFACE_VN_INTERNAL : PFCP_INTERFACE_CORE;
        t.pdr[1].has.packet_replication_and_detection_carry_on_information = 1;
        t.pdr[1].packet_replication_and_detection_carry_on_information = (struct bytes){&information[i], 1};
        assert_refused(FAILURE, PFCP_IE_packet_replication_and_detection_carry_on_information);
    }
    establishment(77);
    t.pdr[0].outer_header_removal.flags = PFCP_OHR_UDP_IPV4;
    assert_refused(FAILURE, PFCP_IE_outer_header_removal);
    establishment(77);
    t.pdr[1].pdi.network_instance = STR("nowhere");
    assert_refused(FAILURE, PFCP_IE_network_instance);
    assert_rule(PDR, pdr_id, 2);
    establishment(77);
    t.pdr[1].pdi.network_instance = STR("ims"); /* the FAR says internet */
    assert_refused(FAILURE, PFCP_IE_network_instance);
    establishment(77);
    t.pdr[0].pdi.local_f_teid = (struct pfcp_f_teid){.flags = PFCP_F_TEID_V4, .teid = 5};
    assert_refused(INVALID_F_TEID_ALLOCATION_OPTION, PFCP_IE_f_teid);
    establishment(77);
    t.pdr[0].pdi.ue_ip_address.flags = PFCP_UE_IP_CHV4;
    assert_refused(FAILURE, PFCP_IE_ue_ip_address);
    establishment(77);
    t.pdr[1].pdi.ue_ip_address.ipv4[3] ^= 1; /* two addresses in a session */
    assert_refused(FAILURE, PFCP_IE_ue_ip_address);
    establishment(77);
    t.pdr[1].pdi.has.application_id = 1;
    t.pdr[1].pdi.application_id = STR("video");
    assert_refused(UNKNOWN_APPLICATION_ID, PFCP_IE_application_id);
    establishment(77);
    struct str rule = STR("gold");
    t.pdr[1].activate_predefined_rules.v = (pfcp_ie_activate_predefined_rules *)&rule;
    t.pdr[1].activate_predefined_rules.n = 1;
    assert_refused(UNKNOWN_PRE_DEFINED_RULE, PFCP_IE_activate_predefined_rules);
    establishment(77);
    t.sdf[0] = (struct pfcp_sdf_filter){.flags = PFCP_SDF_FILTER_FD,
                                        .flow_description = STR("deny out ip from any to assigned")};
    t.pdr[1].pdi.sdf_filter.v = t.sdf;
    t.pdr[1].pdi.sdf_filter.n = 1;
    assert_refused(FAILURE, PFCP_IE_sdf_filter);
    assert_rule(PDR, pdr_id, 2);
    q = establishment(77);
    q->pdn_type = PFCP_PDN_NON_IP;
    assert_refused(SERVICE_NOT_SUPPORTED, PFCP_IE_pdn_type);
    assert_empty();
}

static void fars(void **state)
{
    (void)state;
    associate();
    establishment(77);
    t.far[1].far_id = 1;
    assert_refused(FAILURE, PFCP_IE_far_id);
    assert_rule(FAR, far_id, 1);
    static const uint64_t wrong[] = {0, PFCP_APPLY_ACTION_NOCP, PFCP_APPLY_ACTION_DUPL | PFCP_APPLY_ACTION_DROP,
                                     PFCP_APPLY_ACTION_FORW | PFCP_APPLY_ACTION_BUFF,
                                     PFCP_APPLY_ACTION_FORW | PFCP_APPLY_ACTION_NOCP,
                                     PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_DDPN};
    for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
        establishment(77);
        t.far[1].apply_action = wrong[i];
        assert_refused(FAILURE, PFCP_IE_apply_action);
        assert_rule(FAR, far_id, 2);
    }
    establishment(77);
    t.far[1].forwarding_parameters.outer_header_creation.flags = PFCP_OHC_UDP_IPV4;
    assert_refused(FAILURE, PFCP_IE_outer_header_creation);
    establishment(77);
    t.far[1].forwarding_parameters.outer_header_creation.teid = 0;
    assert_refused(FAILURE, PFCP_IE_outer_header_creation);
    establishment(77);
    t.far[1].forwarding_parameters.destination_interface = PFCP_INTERFACE_LI_FUNCTION;
    assert_refused(FAILURE, PFCP_IE_destination_interface);
    establishment(77);
    t.far[0].forwarding_parameters.has.forwarding_policy = 1;
    t.far[0].forwarding_parameters.forwarding_policy.id = STR("x");
    assert_refused(INVALID_FORWARDING_POLICY, PFCP_IE_forwarding_policy);
    establishment(77);
    t.far[1].has.bar_id = 1;
    t.far[1].bar_id = 3;
    assert_refused(FAILURE, PFCP_IE_bar_id);
    assert_empty();
}

static void urrs(void **state)
{
    (void)state;
    associate();
    with_urr(establishment(77), PFCP_MEASUREMENT_METHOD_EVENT, 0);
    assert_refused(FAILURE, PFCP_IE_measurement_method);
    assert_rule(URR, urr_id, 1);
    with_urr(establishment(77), PFCP_MEASUREMENT_METHOD_VOLUM, PFCP_TRIGGER_DROTH);
    assert_refused(FAILURE, PFCP_IE_reporting_triggers);
    with_urr(establishment(77), PFCP_MEASUREMENT_METHOD_VOLUM, PFCP_TRIGGER_VOLTH);
    assert_refused(CONDITIONAL_IE_MISSING, PFCP_IE_volume_threshold);
    with_urr(establishment(77), PFCP_MEASUREMENT_METHOD_VOLUM, PFCP_TRIGGER_PERIO);
    assert_refused(CONDITIONAL_IE_MISSING, PFCP_IE_measurement_period);
    struct pfcp_create_urr *u = with_urr(establishment(77), PFCP_MEASUREMENT_METHOD_VOLUM, 0);
    u->has.monitoring_time = 1;
    assert_refused(FAILURE, PFCP_IE_monitoring_time);
    assert_empty();
}

static void bars_and_qers(void **state)
{
    (void)state;
    associate();
    struct pfcp_session_establishment_request *q = establishment(77);
    t.qer[1] = t.qer[0];
    q->create_qer.n = 2;
    assert_refused(FAILURE, PFCP_IE_qer_id);
    assert_rule(QER, qer_id, 1);
    establish(77);
    struct pfcp_session_modification_request *m = modification();
    m->has.update_bar = 1;
    m->update_bar.bar_id = 1;
    assert_refused(FAILURE, PFCP_IE_bar_id);
    assert_rule(BAR, bar_id, 1);
    m = modification();
    m->has.create_bar = 1;
    m->create_bar.bar_id = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    m->create_bar.bar_id = 2; /* a session has one */
    assert_refused(FAILURE, PFCP_IE_bar_id);
    m = modification();
    m->has.remove_bar = 1;
    m->remove_bar.bar_id = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_refused(FAILURE, PFCP_IE_bar_id);
}

/* A modification that fails anywhere changes nothing anywhere. */
static void atomic(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    uint32_t i = 0;
    const struct upf_session *s = slab_next(&the_upf()->sessions, &i);
    const struct upf_kept *before = s->rules;
    struct pfcp_update_qer qer = {.qer_id = 1, .has.qfi = 1, .qfi = 3, .has.gate_status = 1, .gate_status = 5};
    struct pfcp_update_far far = {.far_id = 1, .has.apply_action = 1, .apply_action = PFCP_APPLY_ACTION_DROP};
    struct pfcp_remove_pdr gone = {.pdr_id = 2};
    struct pfcp_update_pdr bad = {.pdr_id = 77};
    struct pfcp_session_modification_request *m = modification();
    m->update_qer.v = &qer, m->update_qer.n = 1;
    m->update_far.v = &far, m->update_far.n = 1;
    m->remove_pdr.v = &gone, m->remove_pdr.n = 1;
    m->update_pdr.v = &bad, m->update_pdr.n = 1;
    m->has.cp_f_seid = 1;
    m->cp_f_seid = pfcp_f_seid_of(99, &SMF_ADDR);
    assert_refused(FAILURE, PFCP_IE_pdr_id);
    assert_rule(PDR, pdr_id, 77);
    assert_int_equal(t.rsp_seid, 77);
    assert_ptr_equal(s->rules, before);
    ue_ping(teid, UE4);
    assert_true(t.gnb.n == 1 && t.gnb.qfi == 9);
    /* each of what is not there */
    struct pfcp_remove_far far9 = {.far_id = 9};
    struct pfcp_remove_urr urr9 = {.urr_id = 9};
    struct pfcp_query_urr query9 = {.urr_id = 9};
    struct pfcp_update_qer qer9 = {.qer_id = 9};
    m = modification();
    m->remove_far.v = &far9, m->remove_far.n = 1;
    assert_refused(FAILURE, PFCP_IE_far_id);
    m = modification();
    m->remove_urr.v = &urr9, m->remove_urr.n = 1;
    assert_refused(FAILURE, PFCP_IE_urr_id);
    m = modification();
    m->query_urr.v = &query9, m->query_urr.n = 1;
    assert_refused(FAILURE, PFCP_IE_urr_id);
    m = modification();
    m->update_qer.v = &qer9, m->update_qer.n = 1;
    assert_refused(FAILURE, PFCP_IE_qer_id);
    assert_ptr_equal(s->rules, before);
    modification()->has.cp_f_seid = 1; /* and one that succeeds: the SMF's new SEID is used */
    t.m.session_modification_request.cp_f_seid = pfcp_f_seid_of(99, &SMF_ADDR);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(t.rsp_seid, 99);
}

static void address_clash(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    uint64_t first = t.upf_seid;
    establishment(78);
    assert_refused(FAILURE, PFCP_IE_ue_ip_address);
    assert_int_equal(t.failed_n, 1);
    ue_ping(teid, UE4);
    assert_int_equal(t.gnb.n, 1); /* the first one's is untouched */
    t.upf_seid = first;
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
    establish(78); /* now it is free */
}

static void full(void **state)
{
    (void)state;
    associate();
    for (uint8_t i = 0; i < 5; i++) {
        establishment(i);
        t.pdr[0].pdi.ue_ip_address.ipv4[3] = t.pdr[1].pdi.ue_ip_address.ipv4[3] = (uint8_t)(10 + i);
        assert_int_equal(ask(), i < 4 ? PFCP_CAUSE_REQUEST_ACCEPTED : PFCP_CAUSE_NO_RESOURCES_AVAILABLE);
    }
    assert_int_equal(the_upf()->sessions.used, 4);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    establishment(9);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
}

static void not_offered(void **state)
{
    (void)state;
    associate();
    t.m = (struct pfcp_msg){.type = PFCP_SESSION_SET_DELETION_REQUEST};
    t.m.session_set_deletion_request.node_id = t.smf.config.node_id;
    assert_int_equal(ask(), PFCP_CAUSE_SERVICE_NOT_SUPPORTED);
}

int main(void)
{
    return RUN(upf_test(without_association), upf_test(unknown_sessions), upf_test(missing_parts),
               upf_test(pdrs), upf_test(fars), upf_test(urrs), upf_test(bars_and_qers),
               upf_test(atomic), upf_test(address_clash), upf_test(full), upf_test(not_offered));
}
