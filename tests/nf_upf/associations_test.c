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
    assert_false(f & (PFCP_UP_FEATURE_UEIP | PFCP_UP_FEATURE_HEEU));
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

/* ---- another SMF ---- */
static struct other {
    struct env *env;
    struct rt rt;
    struct pfcp_node node;
} other;

static void other_associates(void)
{
    struct pfcp_user user = {NULL, smf_request, NULL, NULL, NULL};
    struct pfcp_assoc *a;
    other.env = world_host(t.w, "smf2", &STRANGER);
    assert_int_equal(rt_init(&other.rt, other.env, 8 << 20), OK);
    world_attach(t.w, other.env, &other.rt);
    assert_int_equal(pfcp_open(&other.node, &other.rt, &(struct pfcp_config){.local = STRANGER}, &user), OK);
    assert_int_equal(pfcp_associate(&other.node, &UPF_ADDR, &a), OK);
    go(100 * MS);
    assert_true(a->is_up);
}

/* Sends t.m. */
static void other_asks(void)
{
    rt_enter(&other.rt);
    assert_int_equal(pfcp_request(&other.node, &UPF_ADDR, &t.m, smf_done, NULL, NULL), OK);
    world_attach(t.w, other.env, &other.rt);
    go(20 * MS);
    assert_int_equal(t.cause, PFCP_CAUSE_REQUEST_ACCEPTED);
}

static void other_ends(void)
{
    pfcp_close(&other.node);
    world_attach(t.w, other.env, NULL);
    rt_free(&other.rt);
}

/* It gives its session the F-SEID of ours: that stays, and we hear nothing of it. */
static void f_seid_of_another_smf(void **state)
{
    (void)state;
    associate();
    uint32_t teid = establish(77);
    other_associates();
    establishment(77);
    t.m.session_establishment_request.has.user_plane_inactivity_timer = 1;
    t.m.session_establishment_request.user_plane_inactivity_timer = 1;
    t.pdr[0].pdi.ue_ip_address.ipv4[3] = t.pdr[1].pdi.ue_ip_address.ipv4[3] = 99;
    other_asks();
    assert_int_equal(the_upf()->sessions.used, 2);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 1);
    go(5 * SECOND);
    assert_int_equal(t.reports, 0);
    other_ends();
}

static void nothing_to_the_other(void *ctx, const struct world_packet *p, struct world_fate *f)
{
    (void)ctx;
    f->copies = !addr_same_host(&p->to, &STRANGER);
}

/* It has more told than it ever answers: what is ours to hear is told all the same. */
static void reports_that_are_never_answered(void **state)
{
    (void)state;
    struct upf *u = the_upf();
    u->reports.max = 8;
    associate();
    other_associates();
    for (uint8_t i = 0; i < 3; i++) {
        struct pfcp_create_urr *urr = with_urr(establishment(80 + i), PFCP_MEASUREMENT_METHOD_VOLUM, PFCP_TRIGGER_PERIO);
        urr->has.measurement_period = 1;
        urr->measurement_period = 1;
        t.m.session_establishment_request.cp_f_seid = pfcp_f_seid_of(80 + i, &STRANGER);
        t.pdr[0].pdi.ue_ip_address.ipv4[3] = t.pdr[1].pdi.ue_ip_address.ipv4[3] = (uint8_t)(90 + i);
        other_asks();
    }
    world_meddle(t.w, nothing_to_the_other, NULL);
    establishment(77);
    t.far[1].apply_action = PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP;
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_ACCEPTED);
    go(5 * SECOND);
    assert_int_equal(u->reports.used, 4);
    dn_sends(10);
    assert_true(t.reports == 1 && t.report_type == PFCP_REPORT_TYPE_DLDR && t.report_seid == 77);
    go(60 * SECOND); /* it is lost, and what it was told is given up */
    assert_int_equal(u->reports.used, 0);
    for (uint32_t i = 0; i < UPF_ASSOCS_MAX; i++)
        assert_int_equal(u->reports_of[i], 0);
    world_meddle(t.w, NULL, NULL);
    other_ends();
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

/* ---- trust ---- */
static struct {
    unsigned asked, gone;
    bool permits;
    char node[64], peer[64], callback[128];
} trusted;
static void on_decide(void *state, struct call *c)
{
    const SBI_REQ(trust_decide_connect) *q = c->req;
    SBI_RSP(trust_decide_connect) *r = c->rsp;
    trusted.asked++;
    assert_int_equal(q->body.kind, SBI_TrustKind_SMF);
    str_copy(trusted.node, sizeof trusted.node, q->body.node_id);
    str_copy(trusted.peer, sizeof trusted.peer, q->body.peer_address);
    str_copy(trusted.callback, sizeof trusted.callback, q->body.callback_uri);
    r->permitted = trusted.permits;
    r->verdict = r->permitted ? SBI_TrustVerdict_PERMIT : SBI_TrustVerdict_DENY;
    call_reply(c, 200);
}
static void on_gone(void *state, struct call *c)
{
    trusted.gone++;
    call_reply(c, 204);
}
static int stub_boot(struct rt *rt, void *state) { return 0; }
static const struct nf_op trust_ops[] = {{SBI_trust_decide_connect, on_decide}, {SBI_trust_gone, on_gone}};
static const struct nf_desc trust_stub = {SBI_NF_TRUST, "trust", 8, stub_boot, NULL, NULL, trust_ops, 2};
static void trust_starts(bool permits)
{
    memset(&trusted, 0, sizeof trusted);
    trusted.permits = permits;
    assert_int_equal(nf_start(&t.upf_rt, &trust_stub), OK);
}
static void trust_changes(bool permitted, uint32_t drain_s)
{
    rt_enter(&t.upf_rt);
    struct call *c = call_new(&t.upf_rt, SBI_trust_changed);
    SBI_REQ(trust_changed) *q = call_request(c);
    q->callback = arena_str(&c->arena, str_of(trusted.callback));
    q->body.kind = SBI_TrustKind_SMF;
    q->body.node_id = STR("10.0.0.1");
    q->body.has.peer_address = q->body.has.drain_s = 1;
    q->body.peer_address = STR("10.0.0.1");
    q->body.drain_s = drain_s;
    q->body.decision.permitted = permitted;
    q->body.decision.verdict = permitted ? SBI_TrustVerdict_PERMIT : SBI_TrustVerdict_DENY;
    call_notify(c);
    go(10 * MS);
}
static struct pfcp_assoc *tried(void)
{
    struct pfcp_assoc *a;
    rt_enter(&t.smf_rt);
    assert_int_equal(pfcp_associate(&t.smf, &UPF_ADDR, &a), OK);
    go(1500 * MS);
    return a;
}
static void nobody_decides(void **state)
{
    t.config.trust.mode = CONFIG_TRUST_MODE_ENFORCE;
    struct pfcp_assoc *a = tried();
    assert_true(!a->is_up && a->cause == PFCP_CAUSE_REQUEST_REJECTED);
    establishment(77);
    assert_int_equal(ask(), PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION);
    t.config.trust.mode = CONFIG_TRUST_MODE_OBSERVE;
    go(15 * SECOND);
    assert_true(a->is_up);
}
static void refused(void **state)
{
    t.config.trust.mode = CONFIG_TRUST_MODE_ENFORCE;
    trust_starts(false);
    struct pfcp_assoc *a = tried();
    assert_true(!a->is_up && a->cause == PFCP_CAUSE_REQUEST_REJECTED);
    assert_int_equal(trusted.asked, 1);
    assert_int_equal(t.upf_rt.procs_running, 0);
    uint32_t i = 0;
    assert_null(slab_next(&the_upf()->pfcp.assocs, &i)); /* nothing is kept of it */
    trusted.permits = true;
    go(15 * SECOND);
    assert_true(a->is_up);
    assert_string_equal(trusted.node, "10.0.0.1");
    assert_string_equal(trusted.peer, "10.0.0.1");
    establish(77);
    rt_enter(&t.smf_rt);
    assert_int_equal(pfcp_release(&t.smf, a), OK);
    go(100 * MS);
    assert_int_equal(trusted.gone, 1);
    assert_empty();
}
static void loses_permission(void **state)
{
    t.config.trust.mode = CONFIG_TRUST_MODE_ENFORCE;
    trust_starts(true);
    associate();
    uint32_t teid = establish(77);
    trust_changes(false, 30);
    establishment(78);
    assert_int_equal(ask(), PFCP_CAUSE_REQUEST_REJECTED);
    ue_ping(teid, UE4);
    assert_int_equal(t.dn.packets, 1); /* those that are there have their time */
    trust_changes(true, 0);
    establishment(78);
    assert_int_equal(ask(), PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE); /* it is heard again; the phone has a session */
    trust_changes(false, 30);
    trusted.permits = false;
    go(29 * SECOND);
    assert_int_equal(the_upf()->sessions.used, 1);
    go(2 * SECOND);
    assert_empty();
    assert_int_equal(trusted.gone, 1);
    establishment(79);
    assert_int_equal(ask(), PFCP_CAUSE_NO_ESTABLISHED_PFCP_ASSOCIATION);
    trust_changes(false, 30); /* of nobody */
}
/* Its time ends while it does not answer: then nobody else would end its sessions. */
static void loses_permission_in_silence(void **state)
{
    t.config.trust.mode = CONFIG_TRUST_MODE_ENFORCE;
    trust_starts(true);
    associate();
    establish(77);
    trust_changes(false, 100);
    pfcp_close(&t.smf);
    go(60 * SECOND);
    uint32_t i = 0;
    const struct pfcp_assoc *a = slab_next(&the_upf()->pfcp.assocs, &i);
    assert_true(a && !a->is_up);
    assert_int_equal(the_upf()->sessions.used, 1);
    go(50 * SECOND);
    assert_empty();
    assert_int_equal(the_upf()->pfcp.assocs.used, 0);
    assert_int_equal(trusted.gone, 1);
    assert_int_equal(metric_get(t.upf_rt.metrics, METRIC_pfcp_associations), 0);
}
/* Asked again before the answer: one association, and one count of it. */
static void asked_twice(void **state)
{
    t.config.trust.mode = CONFIG_TRUST_MODE_ENFORCE;
    trust_starts(true);
    rt_enter(&t.smf_rt);
    t.m = (struct pfcp_msg){.type = PFCP_ASSOCIATION_SETUP_REQUEST};
    t.m.association_setup_request.node_id = t.smf.config.node_id;
    t.m.association_setup_request.recovery_time_stamp = t.smf.recovery;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pfcp_request(&t.smf, &UPF_ADDR, &t.m, smf_done, NULL, NULL), OK);
    go(100 * MS);
    assert_int_equal(metric_get(t.upf_rt.metrics, METRIC_pfcp_associations), 1);
    upf_end(); /* with whatever still waits */
    upf_start();
}

int main(void)
{
    return RUN(upf_test(features), upf_test(only_known_peers), upf_test(f_seid_of_another_smf),
               upf_test(reports_that_are_never_answered), upf_test(release), upf_test(restart_of_the_smf),
               upf_test(setup_again), upf_test(silence), upf_test(metrics_and_status), upf_test(boot),
               upf_test(bad_links), upf_test(nobody_decides), upf_test(refused), upf_test(loses_permission), upf_test(loses_permission_in_silence), upf_test(asked_twice));
}
