/* SPDX-License-Identifier: Apache-2.0 */
/* quota_test.c - quotas that end with their time or because nobody uses them, and linked usage rules: TS 29.244
 * 5.2.2.2.1, 5.2.2.4. */
#include "tests/nf_upf/n4.h"

static struct pfcp_create_urr *with_quota(uint64_t triggers)
{
    struct pfcp_create_urr *u = with_urr(establishment(77), PFCP_MEASUREMENT_METHOD_VOLUM, triggers);
    u->has.volume_quota = 1;
    u->volume_quota = (struct pfcp_volume){.flags = PFCP_VOLUME_TOVOL, .total = 1000000};
    return u;
}
static void new_quota(void)
{
    struct pfcp_update_urr u = {.urr_id = 1, .has.volume_quota = 1,
                                .volume_quota = {.flags = PFCP_VOLUME_TOVOL, .total = 1000000}};
    modification()->update_urr.v = &u;
    t.m.session_modification_request.update_urr.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
}

static void nobody_uses_it(void **state)
{
    (void)state;
    associate();
    struct pfcp_create_urr *u = with_quota(PFCP_TRIGGER_QUHTI | PFCP_TRIGGER_PERIO);
    u->has.quota_holding_time = u->has.measurement_period = 1;
    u->quota_holding_time = 5;
    u->measurement_period = 2; /* reports of another kind do not put it off */
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t teid = t.created[0].local_f_teid.teid;
    go(8 * SECOND);
    assert_false(t.report_usage.usage_report_trigger & PFCP_USAGE_QUHTI); /* nothing has been measured yet */
    for (unsigned i = 0; i < 3; i++) {
        ue_ping(teid, UE4);
        go(3 * SECOND);
        assert_false(t.report_usage.usage_report_trigger & PFCP_USAGE_QUHTI);
    }
    assert_int_equal(t.dn.packets, 3);
    t.reports = 0;
    for (unsigned i = 0; i < 30 && !(t.report_usage.usage_report_trigger & PFCP_USAGE_QUHTI); i++)
        go(SECOND / 10);
    assert_true(t.report_usage.usage_report_trigger & PFCP_USAGE_QUHTI);
    ue_ping(teid, UE4);
    assert_true(t.dn.packets == 3 && counted(DP_quota) == 1);
    new_quota();
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 4);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

static void its_time_is_over(void **state)
{
    (void)state;
    associate();
    struct pfcp_create_urr *u = with_quota(PFCP_TRIGGER_QUVTI);
    u->has.quota_validity_time = 1;
    u->quota_validity_time = 5;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t teid = t.created[0].local_f_teid.teid;
    go(4 * SECOND);
    new_quota(); /* with it the time begins anew */
    go(4 * SECOND);
    ue_ping(teid, UE4);
    assert_true(t.reports == 0 && t.dn.packets == 1);
    go(2 * SECOND);
    assert_true(t.reports == 1 && t.report_usage.usage_report_trigger == PFCP_USAGE_QUVTI);
    assert_int_equal(t.report_usage.volume_measurement.total, 168);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 1);
    go(20 * SECOND);
    assert_int_equal(t.reports, 1); /* told once */
    new_quota();
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 2);
}

static void one_reports_with_the_other(void **state)
{
    (void)state;
    associate();
    struct pfcp_session_establishment_request *q = establishment(77);
    with_urr(q, PFCP_MEASUREMENT_METHOD_VOLUM, PFCP_TRIGGER_VOLTH);
    uint32_t one = 1, two = 2;
    t.urr[0].has.volume_threshold = 1;
    t.urr[0].volume_threshold = (struct pfcp_volume){.flags = PFCP_VOLUME_TOVOL, .total = 300};
    t.urr[1] = (struct pfcp_create_urr){.urr_id = 2, .measurement_method = PFCP_MEASUREMENT_METHOD_VOLUM,
                                        .reporting_triggers = PFCP_TRIGGER_LIUSA, .linked_urr_id = {&one, 1}};
    q->create_urr.n = 2;
    t.pdr[1].urr_id.v = &two;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t teid = t.created[0].local_f_teid.teid;
    for (unsigned i = 0; i < 3; i++)
        ue_ping(teid, UE4);
    assert_int_equal(t.reports, 0);
    ue_ping(teid, UE4);
    go(10 * MS);
    assert_int_equal(t.reports, 2);
    assert_true(t.report_usage.urr_id == 2 && t.report_usage.usage_report_trigger == PFCP_USAGE_LIUSA);
    assert_int_equal(t.report_usage.volume_measurement.total, 3 * 84);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(t.reports, 2); /* each ends with its own */
    assert_empty();
}

static void incomplete(void **state)
{
    static const struct {
        uint64_t trigger;
        uint16_t missing;
    } rows[] = {{PFCP_TRIGGER_QUHTI, PFCP_IE_quota_holding_time},
                {PFCP_TRIGGER_QUVTI, PFCP_IE_quota_validity_time},
                {PFCP_TRIGGER_LIUSA, PFCP_IE_linked_urr_id}};
    (void)state;
    associate();
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        with_quota(rows[i].trigger);
        assert_int_equal(ask(), PFCP_CAUSE_CONDITIONAL_IE_MISSING);
        assert_int_equal(t.offending, rows[i].missing);
    }
    uint32_t many[RULE_LINKED + 1] = {2, 3, 4, 5};
    with_quota(PFCP_TRIGGER_LIUSA)->linked_urr_id.v = many;
    t.urr[0].linked_urr_id.n = ARRAY_LEN(many);
    assert_int_equal(ask(), PFCP_CAUSE_NO_RESOURCES_AVAILABLE);
    assert_empty();
}

int main(void)
{
    return RUN(upf_test(nobody_uses_it), upf_test(its_time_is_over), upf_test(one_reports_with_the_other),
               upf_test(incomplete));
}
