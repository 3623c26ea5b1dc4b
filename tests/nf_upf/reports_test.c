/* SPDX-License-Identifier: Apache-2.0 */
/* reports_test.c - usage in answers and in reports of its own, errors, inactivity, paths. */
#include "tests/nf_upf/n4.h"

static void establish_counted(uint64_t method, uint64_t triggers, struct pfcp_create_urr *more)
{
    struct pfcp_create_urr *u = with_urr(establishment(77), method, triggers);
    if (more) {
        *u = *more;
        u->urr_id = 1;
        u->measurement_method = method;
        u->reporting_triggers = triggers;
    }
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
}

static void usage_at_the_end(void **state)
{
    (void)state;
    associate();
    struct pfcp_create_urr more = {.has.measurement_information = 1,
                                   .measurement_information = PFCP_MEASUREMENT_INFORMATION_MNOP};
    establish_counted(PFCP_MEASUREMENT_METHOD_VOLUM | PFCP_MEASUREMENT_METHOD_DURAT, 0, &more);
    uint32_t teid = t.created[0].local_f_teid.teid;
    ue_ping(teid, UE4);
    go(3 * SECOND);
    ue_ping(teid, UE4);
    assert_int_equal(t.reports, 0);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(t.usage_n, 1);
    const struct pfcp_usage_report *r = &t.usage[0];
    assert_true(r->urr_id == 1 && r->ur_seqn == 0 && r->usage_report_trigger == PFCP_USAGE_TERMR);
    assert_true(r->volume_measurement.uplink == 168 && r->volume_measurement.downlink == 168);
    assert_int_equal(r->volume_measurement.total, 336);
    assert_int_equal(r->volume_measurement.uplink_packets, 2);
    assert_int_equal(r->duration_measurement, 3);
    assert_int_equal(r->end_time - r->start_time, 3);
    assert_true(r->has.time_of_first_packet && r->time_of_last_packet - r->time_of_first_packet == 3);
    assert_true(r->start_time > 3900000000u); /* NTP seconds of our days */
    assert_empty();
}

static void queries(void **state)
{
    (void)state;
    associate();
    establish_counted(PFCP_MEASUREMENT_METHOD_VOLUM, 0, NULL);
    uint32_t teid = t.created[0].local_f_teid.teid;
    ue_ping(teid, UE4);
    struct pfcp_query_urr query = {.urr_id = 1};
    struct pfcp_session_modification_request *m = modification();
    m->query_urr.v = &query, m->query_urr.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(t.usage_n == 1 && t.usage[0].usage_report_trigger == PFCP_USAGE_IMMER);
    assert_int_equal(t.usage[0].volume_measurement.total, 168);
    assert_false(t.usage[0].has.duration_measurement);
    /* all of them, together with a change; counted from 0 again */
    struct pfcp_update_qer qer = {.qer_id = 1, .has.qfi = 1, .qfi = 6};
    m = modification();
    m->update_qer.v = &qer, m->update_qer.n = 1;
    m->has.pfcpsmreq_flags = 1;
    m->pfcpsmreq_flags = PFCP_SMREQ_QAURR;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(t.usage_n == 1 && t.usage[0].ur_seqn == 1 && t.usage[0].volume_measurement.total == 0);
    ue_ping(teid, UE4);
    assert_int_equal(t.gnb.qfi, 6);
    /* removed: its last usage comes with the answer */
    struct pfcp_remove_urr gone = {.urr_id = 1};
    uint32_t none = 1;
    t.urr[1] = (struct pfcp_create_urr){.urr_id = 2, .measurement_method = PFCP_MEASUREMENT_METHOD_VOLUM};
    struct pfcp_update_pdr pdr[2] = {{.pdr_id = 1}, {.pdr_id = 2}};
    t.urr_id[1] = 2;
    for (int i = 0; i < 2; i++) {
        pdr[i].urr_id.v = &t.urr_id[1];
        pdr[i].urr_id.n = none;
    }
    m = modification();
    m->remove_urr.v = &gone, m->remove_urr.n = 1;
    m->create_urr.v = &t.urr[1], m->create_urr.n = 1;
    m->update_pdr.v = pdr, m->update_pdr.n = 2;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(t.usage_n == 1 && t.usage[0].urr_id == 1 && t.usage[0].usage_report_trigger == PFCP_USAGE_TERMR);
    assert_int_equal(t.usage[0].volume_measurement.total, 168);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(t.usage_n, 0); /* nothing counted since */
    assert_empty();
}

static void thresholds_and_quotas(void **state)
{
    (void)state;
    associate();
    struct pfcp_create_urr more = {
        .has.volume_threshold = 1, .volume_threshold = {.flags = PFCP_VOLUME_TOVOL, .total = 300},
        .has.volume_quota = 1, .volume_quota = {.flags = PFCP_VOLUME_ULVOL, .uplink = 400}};
    establish_counted(PFCP_MEASUREMENT_METHOD_VOLUM, PFCP_TRIGGER_VOLTH | PFCP_TRIGGER_VOLQU | PFCP_TRIGGER_START, &more);
    uint32_t teid = t.created[0].local_f_teid.teid;
    ue_ping(teid, UE4);
    go(10 * MS);
    assert_int_equal(t.report_type, PFCP_REPORT_TYPE_USAR);
    assert_true(t.reports == 1 && t.report_usage.usage_report_trigger & PFCP_USAGE_START);
    for (int i = 0; i < 4; i++)
        ue_ping(teid, UE4);
    go(10 * MS);
    /* 5 * 84 were more than the quota of the uplink: the last answer does not pass any more */
    assert_true(t.reports > 2 && t.gnb.n == 4 && counted(DP_quota) == 1);
    uint64_t before = t.dn.packets;
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, before);
    assert_int_equal(counted(DP_quota), 2);
    /* a new quota lets packets pass again */
    struct pfcp_update_urr urr = {.urr_id = 1, .has.volume_quota = 1,
                                  .volume_quota = {.flags = PFCP_VOLUME_ULVOL, .uplink = 1000}};
    struct pfcp_session_modification_request *m = modification();
    m->update_urr.v = &urr, m->update_urr.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, before + 1);
}

static void periods_and_time(void **state)
{
    (void)state;
    associate();
    struct pfcp_create_urr more = {
        .has.measurement_period = 1, .measurement_period = 10,
        .has.time_threshold = 1, .time_threshold = 25,
        .has.measurement_information = 1,
        .measurement_information = PFCP_MEASUREMENT_INFORMATION_ISTM};
    establish_counted(PFCP_MEASUREMENT_METHOD_DURAT, PFCP_TRIGGER_PERIO, &more);
    go(35 * SECOND);
    assert_int_equal(t.reports, 3);
    assert_int_equal(t.report_usage.usage_report_trigger, PFCP_USAGE_PERIO);
    assert_int_equal(t.report_usage.duration_measurement, 10);
    assert_false(t.report_usage.has.volume_measurement);
    /* the time threshold was given and not asked for; now it is */
    struct pfcp_update_urr urr = {.urr_id = 1, .has.reporting_triggers = 1,
                                  .reporting_triggers = PFCP_TRIGGER_TIMTH};
    struct pfcp_session_modification_request *m = modification();
    m->update_urr.v = &urr, m->update_urr.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    go(24 * SECOND);
    assert_int_equal(t.reports, 4);
    assert_int_equal(t.report_usage.usage_report_trigger, PFCP_USAGE_TIMTH);
}

static void error_indication(void **state)
{
    (void)state;
    associate();
    establish(77);
    uint8_t p[24] = {0x32, 26, 0, 16, [12] = 16, [17] = 133, 0, 4, 10, 0, 0, 3};
    put_be32(p + 13, GNB_TEID);
    t.gnb_env->ops->udp_send(t.gnb_env, t.gnb_sock, &N3_ADDR, BYTES_OF(p));
    go(10 * MS);
    assert_true(t.reports == 1 && t.report_type == PFCP_REPORT_TYPE_ERIR && t.report_seid == 77);
    assert_int_equal(t.report_teid.teid, GNB_TEID);
    assert_memory_equal(t.report_teid.ipv4, GNB_ADDR.ip, 4);
}

static void inactivity(void **state)
{
    (void)state;
    associate();
    struct pfcp_session_establishment_request *q = establishment(77);
    q->has.user_plane_inactivity_timer = 1;
    q->user_plane_inactivity_timer = 10;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    go(9 * SECOND);
    ue_ping(t.created[0].local_f_teid.teid, UE4);
    go(9 * SECOND);
    assert_int_equal(t.reports, 0);
    go(2 * SECOND);
    assert_true(t.reports == 1 && t.report_type == PFCP_REPORT_TYPE_UPIR);
    go(30 * SECOND);
    assert_int_equal(t.reports, 1);
}

/* Answers of the SMF that ask for something. */
static void answers_to_reports(void **state)
{
    (void)state;
    associate();
    struct pfcp_session_establishment_request *q = establishment(77);
    t.far[1].apply_action = PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP;
    q->has.create_bar = 1;
    q->create_bar.bar_id = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    t.report_update_bar = true; /* one packet is enough */
    dn_sends(10);
    dn_sends(11);
    dn_sends(12);
    assert_true(t.reports == 1 && counted(DP_held) == 3 && counted(DP_buffer_oldest) == 2);
    t.report_update_bar = false;
    struct pfcp_session_modification_request *m = modification();
    struct pfcp_update_far far = {.far_id = 2, .has.apply_action = 1,
                                  .apply_action = PFCP_APPLY_ACTION_FORW};
    m->update_far.v = &far, m->update_far.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(t.gnb.n, 1);
    far.apply_action = PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    t.report_drop = true; /* DROBU */
    dn_sends(10);
    assert_true(t.reports == 2 && counted(DP_buffer_dropped) == 1);
    t.report_drop = false;
    /* a session that the SMF does not know any more is nobody's */
    t.report_cause = PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND;
    dn_sends(10);
    go(20 * MS);
    assert_int_equal(t.reports, 3);
    assert_empty();
}

static void paths(void **state)
{
    (void)state;
    associate();
    establish(77);
    assert_int_equal(the_upf()->paths.used, 1);
    go(59 * SECOND);
    assert_int_equal(t.gnb.echoes, 0);
    go(2 * SECOND);
    assert_int_equal(t.gnb.echoes, 1);
    go(120 * SECOND);
    assert_true(t.gnb.echoes == 3 && t.node_reports == 0);
    t.gnb_deaf = true;
    go(100 * SECOND);
    assert_true(t.node_reports == 1 && t.node_report_type == PFCP_NODE_REPORT_UPFR);
    unsigned asked = t.gnb.echoes;
    t.gnb_deaf = false;
    go(100 * SECOND);
    assert_true(t.gnb.echoes > asked && t.node_reports == 2 && t.node_report_type == PFCP_NODE_REPORT_UPRR);
    /* the tunnel goes to another gNB: the old path is forgotten */
    struct pfcp_update_far far = {.far_id = 2, .has.update_forwarding_parameters = 1};
    far.update_forwarding_parameters.has.outer_header_creation = 1;
    far.update_forwarding_parameters.outer_header_creation = (struct pfcp_outer_header_creation){
        .flags = PFCP_OHC_GTPU_IPV4, .teid = 5, .ipv4 = {10, 0, 0, 4}};
    struct pfcp_session_modification_request *m = modification();
    m->update_far.v = &far, m->update_far.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(the_upf()->paths.used, 1);
    asked = t.gnb.echoes;
    go(130 * SECOND);
    assert_int_equal(t.gnb.echoes, asked);
    assert_int_equal(t.node_reports, 3); /* nobody is there */
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

int main(void)
{
    return RUN(upf_test(usage_at_the_end), upf_test(queries), upf_test(thresholds_and_quotas),
               upf_test(periods_and_time), upf_test(error_indication), upf_test(inactivity),
               upf_test(answers_to_reports), upf_test(paths));
}
