/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions about maintenance, in the whole network: what an element may become, and when; and who may reach it. */
#include "tests/net/trust_net.h"

static void nobody_waits(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *report) {}
/* Orion's equipment may change between these minutes from now on alone. */
static void window_rule(struct net *n, uint32_t from, uint32_t to, char *text, size_t cap)
{
    uint32_t now = (uint32_t)(env_unix_us(n->core_env) / 60000000 % 1440);
    uint32_t a = (now + from) % 1440, b = (now + to) % 1440;
    snprintf(text, cap,
             REGIME_HEAD "  - {id: w, says: x, citation: \"Act 7 s. 5\", sure: seen, suppliers: [Orion Networks], decision: permit-with-conditions, "
                         "conditions: [maintenance-windows], windows: [\"daily %02u:%02u-%02u:%02u\"]}\n",
             a / 60, a % 60, b / 60, b % 60);
}
static void windows(struct net *n, uint32_t from, uint32_t to)
{
    char text[512], why[256];
    window_rule(n, from, to, text, sizeof text);
    n->core.now_us = world_now_us(n->w);
    assert_int_equal(trust_apply(trust_of(n), policy_made(text), why, sizeof why), OK);
}
static const struct trust_latest *latest(struct net *n) { return &trust_of(n)->latest[(trust_of(n)->n_latest - 1) % TRUST_LATEST]; }
/* What it may be is what it was, until a window opens. */
static void changes_outside_of_its_windows(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {NOTHING}});
    struct gnb *g = &n->cells[0].gnb;
    windows(n, 10, 20);
    assert_int_equal(gnb_update(g, &NET_TA[1], 1, NULL), OK);
    net_run(n, NET_S);
    assert_int_equal(g->updates_refused, 1);
    assert_int_equal(g->last_cause.misc, NGAP_CauseMisc_om_intervention);
    assert_int_equal(trust_of(n)->n_latest, 1);
    assert_string_equal(latest(n)->subject, "site1-gnb");
    assert_non_null(strstr(latest(n)->why, "changes what it is outside of its maintenance windows (daily "));
    assert_non_null(strstr(latest(n)->why, "under t/w (Act 7 s. 5)"));
    assert_int_equal(gnb_update(g, &NET_TA[1], 1, NULL), OK); /* it insists: no news */
    net_run(n, NET_S);
    assert_int_equal(g->updates_refused, 2);
    assert_int_equal(trust_of(n)->n_latest, 1);
    assert_int_equal(n->amf->gnbs_setup, 2); /* it goes on as it was */
    g->config.tas = &NET_TA[0];
    permitted(n);
    cell_free(&n->cells[0]); /* it comes back with what it wants, and then as it was */
    struct net_addr amf = addr_v4(0x0a000001, 38412);
    struct gnb_config c = {.plmn = NET_PLMN, .id = 1, .id_bits = 24, .name = "gnb", .tas = &NET_TA[1], .n_tas = 1, .streams = 4};
    assert_int_equal(cell_init(&n->cells[0], &n->ran, &c), OK);
    assert_int_equal(gnb_start(g, &amf), OK);
    net_run(n, 3 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 1);
    cell_free(&n->cells[0]);
    net_run(n, NET_S);
    net_cell_start(n, 0);
    net_run(n, 3 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 2);
    net_run(n, 11 * 60ull * NET_S);
    assert_int_equal(gnb_update(g, &NET_TA[1], 1, NULL), OK);
    net_run(n, NET_S);
    assert_int_equal(g->updates_accepted, 1);
    net_free(n);
}
/* What it was refused is not what it is, though a window came and went: it has to ask again while one is open. */
static void a_window_that_nobody_used(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {NOTHING}});
    struct gnb *g = &n->cells[0].gnb;
    windows(n, 10, 20);
    assert_int_equal(gnb_update(g, &NET_TA[1], 1, NULL), OK);
    net_run(n, 30 * 60ull * NET_S);
    assert_true(g->updates_refused == 1 && trust_of(n)->n_latest == 1);
    assert_int_equal(gnb_update(g, &NET_TA[1], 1, NULL), OK);
    net_run(n, NET_S);
    assert_true(g->updates_refused == 2 && !g->updates_accepted);
    assert_int_equal(trust_of(n)->n_latest, 2);
    net_free(n);
}
/* Also the last slice of a list that fills most of a message. */
static void changes_at_the_end_of_a_long_list(void **state)
{
    enum { N = 254, SLICES = 16 };
    static struct gnb_ta tas[N];
    for (uint32_t i = 0; i < N; i++) {
        tas[i] = (struct gnb_ta){.tac = {1, 0, (uint8_t)i}, .plmn = NET_PLMN, .n_slices = SLICES};
        for (uint32_t k = 0; k < SLICES; k++)
            tas[i].slices[k] = (struct gnb_slice){1, {0, 1, (uint8_t)k}, true};
    }
    tas[0] = NET_TA[0];
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {NOTHING}});
    struct gnb *g = &n->cells[0].gnb;
    windows(n, 10, 20);
    net_run(n, 12 * 60ull * NET_S);
    assert_int_equal(gnb_update(g, tas, N, NULL), OK);
    net_run(n, NET_S);
    assert_int_equal(g->updates_accepted, 1);
    net_run(n, 20 * 60ull * NET_S);
    assert_int_equal(gnb_update(g, tas, N, NULL), OK);
    net_run(n, NET_S);
    assert_int_equal(g->updates_accepted, 2);
    tas[N - 1].slices[SLICES - 1].sd[2]++;
    assert_int_equal(gnb_update(g, tas, N, NULL), OK);
    net_run(n, NET_S);
    assert_int_equal(g->updates_refused, 1);
    assert_non_null(strstr(latest(n)->why, "changes what it is outside of its maintenance windows"));
    net_free(n);
}
static void status_line(void *ctx, const char *text)
{
    char *to = ctx;
    size_t n = strlen(to);
    snprintf(to + n, 4096 - n, "%s\n", text);
}
static void restarts_outside_of_its_windows(void **state)
{
    char said[4096] = "";
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {NOTHING}});
    windows(n, 10, 20);
    gnb_reset(&n->cells[1].gnb, NULL);
    net_run(n, NET_S);
    assert_int_equal(trust_of(n)->n_latest, 1);
    assert_string_equal(latest(n)->subject, "site2-cu");
    assert_non_null(strstr(latest(n)->why, "restarts outside of its maintenance windows"));
    struct smf_upf *u = &n->smf->upfs[0];
    u->assoc->recovery++;
    smf_trust_ask(u);
    u->assoc->recovery--;
    net_run(n, NET_S);
    assert_false(u->refused);
    assert_int_equal(trust_of(n)->n_latest, 2);
    assert_string_equal(latest(n)->subject, "upf1");
    trust_nf.status(trust_of(n), status_line, said);
    assert_non_null(strstr(said, " UTC: site2-cu: restarts outside of its maintenance windows (daily "));
    assert_non_null(strstr(said, " under t/w (Act 7 s. 5); let in: a restart is not refused\n"));
    net_run(n, 11 * 60ull * NET_S); /* inside of one nothing is said */
    gnb_reset(&n->cells[1].gnb, NULL);
    net_run(n, NET_S);
    assert_int_equal(trust_of(n)->n_latest, 2);
    permitted(n);
    net_free(n);
}
/* A UPF with other features is other software: no sessions on it until a window opens, and then by itself. */
static void a_upf_with_other_software(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {NOTHING}});
    struct smf_upf *u = &n->smf->upfs[0];
    windows(n, 10, 20);
    uint64_t features = u->assoc->up_features;
    u->assoc->up_features ^= PFCP_UP_FEATURE_UEIP;
    smf_trust_ask(u);
    net_run(n, NET_S);
    assert_true(u->refused);
    assert_non_null(strstr(latest(n)->why, "changes what it is outside"));
    assert_string_equal(latest(n)->done, "refused until a window opens");
    net_run(n, 11 * 60ull * NET_S);
    assert_false(u->refused);
    u->assoc->up_features = features;
    permitted(n);
    net_free(n);
}
/* It says so while it is associated. */
static void a_upf_that_changes_meanwhile(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {NOTHING}});
    struct smf_upf *u = &n->smf->upfs[0];
    struct pfcp_msg m = {.type = PFCP_ASSOCIATION_UPDATE_REQUEST};
    struct net_addr smf = addr_v4(0x0a000001, 8805);
    windows(n, 10, 20);
    for (int changed = 0; changed < 2; changed++) {
        m.association_update_request.node_id = n->upf->pfcp.config.node_id;
        m.association_update_request.has.node_id = m.association_update_request.has.up_function_features = 1;
        m.association_update_request.up_function_features = u->assoc->up_features ^ (changed ? PFCP_UP_FEATURE_UEIP : 0);
        rt_enter(&n->upf_rt);
        assert_int_equal(pfcp_request(&n->upf->pfcp, &smf, &m, nobody_waits, NULL, NULL), OK);
        world_attach(n->w, n->upf_env, &n->upf_rt);
        net_run(n, NET_S);
        assert_int_equal(u->refused, changed);
        assert_int_equal(trust_of(n)->n_latest, changed);
    }
    u->assoc->up_features ^= PFCP_UP_FEATURE_UEIP;
    net_free(n);
}
/* The same of an SMF at a UPF of another process. */
static void an_smf_with_other_software(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {NOTHING}});
    struct smf_upf *u = &n->smf->upfs[0];
    struct trust *t = nf_state(&n->upf_rt, SBI_NF_TRUST);
    char text[512], why[256];
    window_rule(n, 10, 20, text, sizeof text);
    rt_enter(&n->upf_rt);
    assert_int_equal(trust_apply(t, policy_made(text), why, sizeof why), OK);
    world_attach(n->w, n->upf_env, &n->upf_rt);
    n->smf->n4.config.features ^= 1;
    n->smf->n4.recovery++; /* it was started anew */
    net_register(n, n->ue[0]);
    net_run(n, 100 * NET_S);
    session_refused(n, n->ue[0]); /* so it hears that there is no association, and sets up again */
    net_run(n, 5 * NET_S);
    assert_false(u->assoc->is_up);
    assert_int_equal(u->assoc->cause, PFCP_CAUSE_REQUEST_REJECTED);
    assert_true(t->n_latest > 0);
    assert_string_equal(t->latest[0].subject, "smf1");
    assert_non_null(strstr(t->latest[0].why, "changes what it is outside of its maintenance windows"));
    net_run(n, 11 * 60ull * NET_S);
    assert_true(u->assoc->is_up);
    net_ping(n, net_session(n, n->ue[0], "internet", NAS_PDU_IPV4), "8.8.8.8");
    net_free(n);
}
static void observed_changes(void **state)
{
    struct net *n = net_new((struct net_options){.more = "trust: {mode: observe}\n", .provision = two_of_orion, .policies = {NOTHING}});
    windows(n, 10, 20);
    assert_int_equal(gnb_update(&n->cells[0].gnb, &NET_TA[1], 1, NULL), OK);
    net_run(n, NET_S);
    assert_int_equal(n->cells[0].gnb.updates_accepted, 1);
    assert_int_equal(trust_of(n)->n_latest, 1);
    net_free(n);
}
static void reached_from_outside(struct store *s) { estate_import(s, "orion", "orion", "orion", "gnb", ADDRESS_ONLY "\"remote_access\":true,"); }
static void maintained_from_abroad(struct store *s) { estate_import(s, "orion", "orion", "orion", "gnb", ADDRESS_ONLY "\"maintained_from\":\"SE\","); }
static void maintained_at_home(struct store *s) { estate_import(s, "orion", "orion", "orion", "gnb", ADDRESS_ONLY "\"maintained_from\":\"FI\","); }
/* Permitted under a condition that the inventory contradicts is not permitted. */
static void no_remote_access(void **state)
{
    static const char rule[] = REGIME_HEAD "  - {id: n, says: \"nobody reaches it from outside\", citation: \"Act 7 s. 6\", sure: seen, suppliers: [Orion Networks], "
                                           "decision: permit-with-conditions, conditions: [no-remote-access]}\n";
    static void (*const estates[])(struct store *) = {reached_from_outside, maintained_from_abroad, maintained_at_home};
    for (uint32_t i = 0; i < ARRAY_LEN(estates); i++) {
        struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = estates[i], .policies = {rule}, .refused_cells = i < 2 ? 2 : 0});
        bool told = false;
        for (uint32_t k = 0; gnb_of(n, k); k++)
            told |= strstr(gnb_of(n, k)->trust.why, "deny by t/n (Act 7 s. 6): nobody reaches it from outside; it asks for no remote access, and the "
                                                    "inventory says that it is reached from outside") != NULL;
        assert_int_equal(told, i < 2);
        permitted(n);
        net_free(n);
    }
}

int main(void)
{
    return RUN(unit(changes_outside_of_its_windows), unit(changes_at_the_end_of_a_long_list), unit(a_window_that_nobody_used), unit(restarts_outside_of_its_windows),
               unit(a_upf_with_other_software), unit(a_upf_that_changes_meanwhile), unit(an_smf_with_other_software), unit(observed_changes), unit(no_remote_access));
}
