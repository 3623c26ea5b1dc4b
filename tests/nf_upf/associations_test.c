/* SPDX-License-Identifier: Apache-2.0 */
/* associations_test.c - who may associate, what becomes of sessions when their SMF goes, restarts or
 * falls silent, life and metrics of the network function. */
#include "tests/nf_upf/n4.h"

static struct pfcp_assoc *assoc(void)
{
    return pfcp_assoc_find(&t.smf, &UPF_ADDR);
}

static void features(void **state)
{
    (void)state;
    associate();
    uint64_t f = assoc()->up_features;
    assert_true(f & PFCP_UP_FEATURE_FTUP && f & PFCP_UP_FEATURE_EMPU);
    assert_false(f & (PFCP_UP_FEATURE_UEIP | PFCP_UP_FEATURE_HEEU | PFCP_UP_FEATURE_PDIU));
    assert_int_equal(metric_get(t.upf_rt.metrics, METRIC_pfcp_associations), 1);
}

static void only_known_peers(void **state)
{
    (void)state;
    struct pfcp_assoc *a;
    t.peers[0] = STRANGER;
    t.config.upf.n4_peers = t.peers;
    t.config.upf.n_n4_peers = 1;
    rt_enter(&t.smf_rt);
    assert_int_equal(pfcp_associate(&t.smf, &UPF_ADDR, &a), OK);
    go(100 * MS);
    assert_true(!a->is_up && a->cause == PFCP_CAUSE_REQUEST_REJECTED);
    establishment(77);
    assert_int_equal(ask(), PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION);
    t.peers[0] = SMF_ADDR;
    go(15 * SECOND);
    assert_true(a->is_up);
}

static void release(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    rt_enter(&t.smf_rt);
    assert_int_equal(pfcp_release(&t.smf, assoc()), OK);
    go(100 * MS);
    assert_empty();
    ue_ping(teid, UE4);
    assert_true(t.dn.packets == 0 && counted(DP_teid_unknown) == 1);
    associate();
    establish(78); /* the address is free */
}

static void setup_by_hand(void)
{
    rt_enter(&t.smf_rt);
    t.m = (struct pfcp_msg){.type = PFCP_ASSOCIATION_SETUP_REQUEST};
    t.m.association_setup_request.node_id = t.smf.config.node_id;
    t.m.association_setup_request.recovery_time_stamp = t.smf.recovery;
    ask();
}
static void restart_of_the_smf(void **state)
{
    (void)state;
    associate();
    establish(77);
    t.smf.recovery += 10; /* found out by a heartbeat */
    go(60 * SECOND);
    assert_empty();
    establishment(78);
    assert_int_equal(ask(), PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION); /* it has to set up again */
    setup_by_hand();
    establish(78);
}

static void setup_again(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    setup_by_hand();
    assert_empty();
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 0);
    establish(78);
}

/* Traffic goes on while the SMF is away; when it is back it begins anew. */
static void silence(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    pfcp_close(&t.smf);
    go(60 * SECOND);
    assert_int_equal(metric_get(t.upf_rt.metrics, METRIC_pfcp_associations), 0);
    ue_ping(teid, UE4);
    assert_true(t.dn.packets == 1 && the_upf()->sessions.used == 1);
    struct pfcp_user user = {NULL, smf_request, NULL, NULL, NULL};
    rt_enter(&t.smf_rt);
    assert_int_equal(pfcp_open(&t.smf, &t.smf_rt, &(struct pfcp_config){.local = SMF_ADDR}, &user), OK);
    associate();
    assert_empty();
    establish(78);
}

static unsigned lines;
static bool said_sessions;
static void line(void *ctx, const char *text)
{
    (void)ctx;
    lines++;
    said_sessions |= strcmp(text, "sessions 1 of 4") == 0;
}
static void metrics_and_status(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    ue_ping(teid, UE4);
    ue_ping(teid, (const uint8_t[4]){1, 2, 3, 4});
    go(2 * SECOND);
    struct metrics *m = t.upf_rt.metrics;
    assert_int_equal(metric_get(m, METRIC_dp_to_core), 1);
    assert_int_equal(metric_get(m, METRIC_dp_spoofed), 1);
    assert_int_equal(metric_get(m, METRIC_n6_in_octets), 84);
    assert_int_equal(metric_get(m, METRIC_n6_out_octets), 84);
    assert_int_equal(metric_get(m, METRIC_n3_out_octets), 100);
    upf_nf.status(the_upf(), line, NULL);
    assert_true(lines >= 3 && said_sessions);
}

static void boot(void **state)
{
    (void)state;
    nf_stop(&t.upf_rt, SBI_NF_UPF);
    void *up = t.upf_rt.user_plane;
    t.upf_rt.user_plane = NULL;
    assert_int_equal(nf_start(&t.upf_rt, &upf_nf), ERR_CONFIG);
    t.upf_rt.user_plane = up;
    int sock = t.upf_env->ops->udp_open(t.upf_env, &UPF_ADDR, &(struct udp_sink){NULL, gnb_datagram});
    assert_int_equal(nf_start(&t.upf_rt, &upf_nf), ERR_EXISTS);
    t.upf_env->ops->udp_close(t.upf_env, sock);
    assert_int_equal(nf_start(&t.upf_rt, &upf_nf), OK);
    associate();
    uint32_t teid = establish(77);
    nf_stop(&t.upf_rt, SBI_NF_UPF); /* with a session: its rules go too */
    assert_int_equal(nf_start(&t.upf_rt, &upf_nf), OK);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 0);
}

/* Sessions come and go over links that lose and double: at the end nothing is left. */
static void bad_links(void **state)
{
    (void)state;
    associate();
    world_set_faults(t.w, &(struct world_faults){100000, 100000, 50, 5000, 0});
    for (int i = 0; i < 100; i++) {
        with_urr(establishment((uint64_t)i + 1), PFCP_MEASUREMENT_METHOD_VOLUM, 0);
        ask();
        go(7 * SECOND);
        if (t.cause != PFCP_CAUSE_REQUEST_ACCEPTED)
            continue;
        ue_ping(t.created[0].local_f_teid.teid, UE4);
        t.m = (struct pfcp_msg){.type = PFCP_SESSION_DELETION_REQUEST, .seid = t.upf_seid};
        for (int k = 0; k < 3 && ask() == 0; k++)
            go(7 * SECOND);
    }
    world_set_faults(t.w, &(struct world_faults){0, 0, 50, 250, 0});
    rt_enter(&t.smf_rt);
    if (assoc() && assoc()->is_up)
        pfcp_release(&t.smf, assoc());
    go(60 * SECOND);
    assert_empty();
}

int main(void)
{
    return RUN(upf_test(features), upf_test(only_known_peers), upf_test(release),
               upf_test(restart_of_the_smf), upf_test(setup_again), upf_test(silence),
               upf_test(metrics_and_status), upf_test(boot), upf_test(bad_links));
}
