/* SPDX-License-Identifier: Apache-2.0 */
/* pfd_test.c - PFD management and PDRs by application, TS 29.244 6.2.5, 7.4.3; load and overload control, 6.2.3, 6.2.4. */
#include "tests/nf_upf/n4.h"

static struct pfcp_pfd_contents contents[UPF_APP_FILTERS + 1];
static struct pfcp_pfd_context context;
static struct pfcp_application_ids_pfds apps[UPF_APPS + 1];
static char names[UPF_APPS + 1][8];

static struct pfcp_pfd_management_request *pfds(const char *id, const char *flow)
{
    struct pfcp_pfd_management_request *q = &t.m.pfd_management_request;
    t.m = (struct pfcp_msg){.type = PFCP_PFD_MANAGEMENT_REQUEST};
    contents[0] = (struct pfcp_pfd_contents){.flags = 1, .flow_description = str_of(flow ? flow : "")};
    context = (struct pfcp_pfd_context){.pfd_contents = {contents, 1}};
    apps[0] = (struct pfcp_application_ids_pfds){.application_id = str_of(id)};
    if (flow)
        apps[0].pfd_context.v = &context, apps[0].pfd_context.n = 1;
    q->application_ids_pfds.v = apps;
    q->application_ids_pfds.n = 1;
    return q;
}

/* PDR 1 of application "shop" alone, before all else PDR 3 that drops. */
static void of_shop(void)
{
    struct pfcp_session_establishment_request *q = establishment(77);
    t.pdr[0].pdi.has.application_id = 1;
    t.pdr[0].pdi.application_id = STR("shop");
    q->create_pdr.n = 2;
}

static void packets_of_an_application(void **state)
{
    (void)state;
    associate();
    of_shop();
    assert_int_equal(ask(), PFCP_CAUSE_UNKNOWN_APPLICATION_ID);
    assert_int_equal(t.offending, PFCP_IE_application_id);
    pfds("shop", "permit out ip from 8.8.8.0/24 to any");
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    of_shop();
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    uint32_t teid = t.created[0].local_f_teid.teid;
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 1);
    /* the application moves, and its sessions with it */
    pfds("shop", "permit out ip from 9.9.9.9 to any");
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4);
    assert_true(t.dn.packets == 1 && counted(DP_no_rule) == 1);
    contents[1] = (struct pfcp_pfd_contents){.flags = 1, .flow_description = STR("permit out ip from 8.8.8.8 to any")};
    pfds("shop", "permit out ip from 9.9.9.9 to any");
    context.pfd_contents.n = 2;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 2);
    /* without descriptions nothing is of it; it is still known to the session */
    pfds("shop", NULL);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4);
    assert_true(t.dn.packets == 2 && counted(DP_no_rule) == 2);
    pfds("shop", "permit out ip from 8.8.8.8 to any");
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 3);
    /* an update of something else leaves it; filters of its own take its place */
    t.sdf[0] = (struct pfcp_sdf_filter){.flags = PFCP_SDF_FILTER_FD, .flow_description = STR("permit out ip from 7.7.7.7 to any")};
    struct pfcp_update_pdr own = {.pdr_id = 1, .has.pdi = 1, .pdi = {.source_interface = PFCP_INTERFACE_ACCESS, .sdf_filter = {t.sdf, 1}}};
    modification()->update_pdr.v = &own;
    t.m.session_modification_request.update_pdr.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    pfds("shop", "permit out ip from any to any");
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 3);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    /* all of them go when none is named */
    pfds("shop", NULL)->application_ids_pfds.n = 0;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    of_shop();
    assert_int_equal(ask(), PFCP_CAUSE_UNKNOWN_APPLICATION_ID);
    assert_empty();
}

static void what_is_not_possible(void **state)
{
    (void)state;
    pfds("shop", "permit out ip from any to any");
    assert_int_equal(ask(), PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION);
    associate();
    pfds("shop", "permit out ip from any to any");
    contents[0].flags = 5; /* a domain name too */
    contents[0].domain_name = STR("example.com");
    assert_int_equal(ask(), PFCP_CAUSE_SERVICE_NOT_SUPPORTED);
    assert_int_equal(t.offending, PFCP_IE_pfd_contents);
    pfds("shop", "permit everything");
    assert_int_equal(ask(), PFCP_CAUSE_MANDATORY_IE_INCORRECT);
    pfds("a-name-that-is-much-too-long-for-an-application-of-which-anybody-speaks", "permit out ip from any to any");
    assert_int_equal(ask(), PFCP_CAUSE_MANDATORY_IE_INCORRECT);
    assert_int_equal(t.offending, PFCP_IE_application_id);
    pfds("shop", "permit out ip from any to any");
    for (unsigned i = 0; i < ARRAY_LEN(contents); i++)
        contents[i] = contents[0];
    context.pfd_contents.n = ARRAY_LEN(contents);
    assert_int_equal(ask(), PFCP_CAUSE_NO_RESOURCES_AVAILABLE);
    of_shop(); /* nothing of these has been kept */
    assert_int_equal(ask(), PFCP_CAUSE_UNKNOWN_APPLICATION_ID);
    pfds("shop", "permit out ip from any to any");
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    of_shop();
    t.sdf[0] = (struct pfcp_sdf_filter){.flags = PFCP_SDF_FILTER_FD, .flow_description = STR("permit out ip from any to any")};
    t.pdr[0].pdi.sdf_filter.v = t.sdf;
    t.pdr[0].pdi.sdf_filter.n = 1;
    assert_int_equal(ask(), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE);
    assert_int_equal(t.offending, PFCP_IE_sdf_filter);
    for (unsigned i = 0; i <= UPF_APPS; i++) {
        snprintf(names[i], sizeof names[i], "a%u", i);
        pfds(names[i], "permit out ip from any to any");
        assert_int_equal(ask(), i + 1 < UPF_APPS ? PFCP_CAUSE_REQUEST_ACCEPTED : PFCP_CAUSE_NO_RESOURCES_AVAILABLE);
    }
    of_shop(); /* one that goes before its session has its place as long as that */
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    pfds("shop", NULL);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    pfds("more", "permit out ip from any to any");
    assert_int_equal(ask(), PFCP_CAUSE_NO_RESOURCES_AVAILABLE);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    pfds("more", "permit out ip from any to any");
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

enum { MANY = 600 };
static uint32_t teid_of[MANY];
static const struct upf_kept *rules_of(uint32_t i)
{
    const struct upf_session *s = slab_at(&the_upf()->sessions, i);
    return s ? s->rules : NULL;
}
static void pings(void)
{
    for (uint32_t i = 0; i < MANY; i++) {
        uint8_t ip[4];
        put_be32(ip, 0x0a2d0100 + i);
        ue_ping(teid_of[i], ip);
    }
}
/* All follow, some at a time, and once for all that a request changes. */
static void many_sessions_follow(void **state)
{
    (void)state;
    upf_end();
    t.config.upf.max_sessions = MANY;
    upf_start();
    associate();
    pfds("shop", "permit out ip from 9.9.9.9 to any");
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    for (uint32_t i = 0; i < MANY; i++) {
        of_shop();
        t.m.session_establishment_request.cp_f_seid.seid = 1000 + i;
        put_be32(t.pdr[0].pdi.ue_ip_address.ipv4, 0x0a2d0100 + i);
        put_be32(t.pdr[1].pdi.ue_ip_address.ipv4, 0x0a2d0100 + i);
        assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
        teid_of[i] = t.created[0].local_f_teid.teid;
    }
    pings();
    assert_true(t.dn.packets == 0 && counted(DP_no_rule) == MANY);
    struct pfcp_pfd_management_request *q = pfds("shop", "permit out ip from 8.8.8.8 to any");
    for (uint32_t i = 1; i < UPF_APPS; i++)
        apps[i] = apps[0];
    q->application_ids_pfds.n = UPF_APPS;
    rt_enter(&t.smf_rt);
    assert_int_equal(pfcp_request(&t.smf, &UPF_ADDR, &t.m, smf_done, NULL, NULL), OK);
    const struct upf_kept *first = rules_of(0), *last = rules_of(MANY - 1);
    go(MS);
    assert_true(rules_of(0) != first && rules_of(MANY - 1) == last);
    pfds("shop", "permit out ip from 8.8.0.0/16 to any"); /* another change before that has come to all of them */
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    pings();
    assert_int_equal(t.dn.packets, MANY);
    assert_false(timer_is_running(&the_upf()->renewal));
}

static void load_is_told_to_who_understands_it(void **state)
{
    (void)state;
    associate();
    establish(77);
    assert_false(t.has_load || t.has_overload);
    struct pfcp_assoc *a = pfcp_assoc_find(&the_upf()->pfcp, &SMF_ADDR);
    a->cp_features = PFCP_CP_FEATURE_LOAD | PFCP_CP_FEATURE_OVRL;
    modification();
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(t.has_load && t.load.load_metric == 25 && !t.has_overload);
    uint32_t first = t.load.load_control_sequence_number;
    modification();
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_int_equal(t.load.load_control_sequence_number, first);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(t.has_load && t.load.load_metric == 0);
    assert_int_equal(t.load.load_control_sequence_number, first + 1);
    /* requests that wait fill their room */
    struct slab *s = &the_upf()->pendings;
    uint32_t was = s->used;
    s->used = s->max / 10 * 9;
    establish(78);
    s->used = was;
    assert_true(t.has_overload && t.overload.overload_reduction_metric >= 40 && t.overload.overload_reduction_metric <= 50);
    assert_int_equal(t.overload.period_of_validity, 15);
    modification();
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_true(t.has_overload && t.overload.overload_reduction_metric == 0);
    modification();
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_false(t.has_overload);
    assert_int_equal(delete_session(), PFCP_CAUSE_REQUEST_ACCEPTED);
    assert_empty();
}

int main(void)
{
    return RUN(upf_test(packets_of_an_application), upf_test(what_is_not_possible), upf_test(many_sessions_follow),
               upf_test(load_is_told_to_who_understands_it));
}
