/* SPDX-License-Identifier: Apache-2.0 */
/* Policy where equipment connects, in the whole network: who is let in, who is refused and why, and what becomes of
 * equipment that loses its permission while it is connected. */
#include "tests/net/trust_net.h"
#include "rt/evidence.h"

static void one_of_drago(struct store *s) { estate_import(s, "orion", "drago", "orion", "gnb", ADDRESS_ONLY); }
static void unproved(struct store *s) { estate_import(s, "orion", "orion", "orion", "another name", ""); }
static void permitted_both_ways(void **state)
{
    net_both_ways(permitted, (struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {REGIME_HEAD BAN}});
}

static void banned(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {REGIME_HEAD BAN}, .refused_cells = 2});
    const struct gnb *g = &n->cells[1].gnb;
    assert_int_equal(g->state, GNB_REFUSED);
    assert_int_equal(g->last_cause.sel, NGAP_Cause_misc);
    assert_int_equal(g->last_cause.misc, NGAP_CauseMisc_om_intervention);
    assert_int_equal(n->amf->gnbs_setup, 1);
    /* the rule and its citation are what is told */
    bool told = false;
    for (uint32_t i = 0; gnb_of(n, i); i++)
        told |= strstr(gnb_of(n, i)->trust.why, "deny by t/ban (Act 7 s. 3): nothing of Drago's") != NULL;
    assert_true(told);
    assert_int_equal(trust_of(n)->n_peers, 2);
    permitted(n); /* the other one works */
    net_free(n);
}

static void observed(void **state)
{
    struct net *n = net_new((struct net_options){.more = "trust: {mode: observe}\n", .provision = one_of_drago, .policies = {REGIME_HEAD BAN}});
    assert_int_equal(n->amf->gnbs_setup, 2);
    assert_int_equal(trust_of(n)->n_peers, 3);
    net_free(n);
}

/* Strangers, and those who are known but prove nothing, get nothing; a wrong name alone is told and no more. */
static void strangers(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = unproved, .policies = {REGIME_HEAD BAN}, .refused_cells = 2});
    bool told = false;
    for (uint32_t i = 0; gnb_of(n, i); i++)
        told |= strstr(gnb_of(n, i)->trust.why, "is an element of the inventory and claims to be another") != NULL;
    assert_true(told); /* it has the address of gNB 1 */
    net_free(n);
    n = net_new((struct net_options){.more = ENFORCE, .refused_cells = 3, .refused_smf = true});
    assert_int_equal(n->amf->gnbs_setup, 0);
    assert_non_null(strstr(gnb_of(n, 0)->trust.why, "not in the inventory"));
    net_free(n);
    n = net_new((struct net_options){.more = "trust: {mode: enforce, strangers: permit}\n"});
    assert_int_equal(n->amf->gnbs_setup, 2);
    assert_true(gnb_of(n, 0)->trust.no_protected);
    net_free(n);
}

/* Nobody decides: nobody new is let in. */
static void no_trust_function(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {REGIME_HEAD BAN}});
    nf_stop(&n->core, SBI_NF_TRUST);
    cell_free(&n->cells[1]);
    net_run(n, NET_S);
    net_cell_start(n, 1);
    net_run(n, 3 * NET_S);
    assert_int_equal(n->cells[1].gnb.state, GNB_REFUSED);
    permitted(n);
    net_free(n);
}

static void listed_slices(void **state)
{
    static const char only_nine[] = REGIME_HEAD "  - {id: s, says: x, sure: seen, suppliers: [Drago], decision: permit-with-conditions, "
                                                "conditions: [listed-slices], slices: [1-000009]}\n";
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {only_nine}});
    for (uint32_t i = 0; gnb_of(n, i); i++) {
        const struct amf_gnb *g = gnb_of(n, i);
        assert_int_equal(g->tas[0].slices, g->id == 2 ? 2 : 3); /* slices 1 and 1-000009 are configured, in this order */
    }
    net_free(n);
    static const char none[] = REGIME_HEAD "  - {id: s, says: x, sure: seen, suppliers: [Drago], decision: permit-with-conditions, "
                                           "conditions: [listed-slices], slices: [7]}\n";
    n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {none}, .refused_cells = 2});
    assert_int_equal(n->cells[1].gnb.last_cause.sel, NGAP_Cause_radioNetwork);
    net_free(n);
}

/* Another policy: shown first, then the node is emptied and disconnected, and the phones are elsewhere. */
static void drained(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOTHING}, .phones = 2});
    char out[1024], why[256];
    struct text t = text_over(out, sizeof out);
    struct policy *ban = policy_made(REGIME_HEAD BAN);
    for (uint32_t i = 0; i < 2; i++) {
        ue_camp(n->ue[i], &n->cells[1]);
        net_register(n, n->ue[i]);
    }
    net_idle(n, n->ue[1]);
    assert_int_equal(trust_preview(trust_of(n), ban, &t), 1);
    assert_string_equal(out, "loses its permission: site2-cu (gnb-001-01-000002): deny by t/ban (Act 7 s. 3): nothing of Drago's\n");
    net_run(n, 30 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 2); /* looking does nothing */
    rt_enter(&n->core);
    assert_int_equal(trust_apply(trust_of(n), ban, why, sizeof why), OK);
    net_run(n, 2 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 2);
    /* nobody new: whoever asks is sent to another area */
    uint32_t before = n->count[UE_SERVICE_FAILED];
    ue_service(n->ue[1]);
    net_run(n, 2 * NET_S);
    assert_int_equal(n->count[UE_SERVICE_FAILED], before + 1);
    assert_int_equal(n->last[UE_SERVICE_FAILED].cause, NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA);
    /* TS 24.501 5.6.1.5: it is registered still, keeps who it is, and asks for nothing more here */
    assert_int_equal(n->ue[1]->state, MM_REGISTERED);
    assert_int_equal(n->ue[1]->sub, MM_LIMITED_SERVICE);
    assert_true(n->ue[1]->usim.has_guti);
    assert_int_equal(n->count[UE_DEREGISTERED], 0);
    assert_int_equal(ue_update(n->ue[1], NAS_REG_PERIODIC), ERR_STATE);
    ue_service(n->ue[1]);
    net_run(n, 10 * NET_S);
    assert_int_equal(n->count[UE_SERVICE_FAILED], before + 1);
    assert_null(n->ue[0]->link); /* half of the time is over */
    assert_int_equal(n->amf->gnbs_setup, 2);
    net_run(n, 10 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 1);
    assert_int_equal(trust_of(n)->n_peers, 2);
    assert_int_equal(trust_of(n)->n_draining, 0);
    net_run(n, 10 * NET_S); /* it comes again, and is refused */
    assert_int_equal(n->amf->gnbs_setup, 1);
    assert_int_equal(n->cells[1].gnb.state, GNB_REFUSED);
    for (uint32_t i = 0; i < 2; i++) { /* elsewhere they are still who they were */
        uint32_t accepted = n->count[UE_SERVICE_ACCEPTED];
        ue_camp(n->ue[i], &n->cells[0]);
        if (n->ue[i]->state != MM_REGISTERED || ue_service(n->ue[i]) < 0)
            ue_register(n->ue[i]);
        net_run(n, 10 * NET_S);
        assert_int_equal(n->ue[i]->state, MM_REGISTERED);
        assert_int_equal(n->ue[i]->sub, MM_NORMAL_SERVICE);
        assert_true(i == 1 || n->count[UE_SERVICE_ACCEPTED] > accepted);
    }
    assert_int_equal(n->amf->ues->registered, 2);
    net_agree(n);
    net_free(n);
}
/* Permission comes back before the end: nothing happens. */
static void drain_called_off(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOTHING}});
    char why[256];
    ue_camp(n->ue[0], &n->cells[1]);
    net_register(n, n->ue[0]);
    assert_int_equal(trust_apply(trust_of(n), policy_made(REGIME_HEAD BAN), why, sizeof why), OK);
    net_run(n, 5 * NET_S);
    assert_int_equal(trust_of(n)->n_draining, 1);
    assert_int_equal(trust_apply(trust_of(n), policy_made(NOTHING), why, sizeof why), OK);
    net_run(n, 40 * NET_S);
    assert_int_equal(trust_of(n)->n_draining, 0);
    assert_int_equal(n->amf->gnbs_setup, 2);
    net_free(n);
}
/* The last day of a rule passes, and an import changes who built it. */
static void day_and_import(void **state)
{
    static const char until[] = REGIME_HEAD "  - {id: ban, says: x, sure: seen, suppliers: [Drago], decision: deny, remove_by: %s}\n";
    char text[512], today[CONFIG_DATE_TEXT];
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOTHING}});
    char why[256];
    snprintf(text, sizeof text, until, config_date_text(trust_of(n)->today, today));
    assert_int_equal(trust_apply(trust_of(n), policy_made(text), why, sizeof why), OK);
    net_run(n, 40 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 2);
    net_run(n, 86400ull * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 1);
    two_of_orion(n->store); /* it was Orion's all along */
    net_run(n, 10 * NET_S);
    cell_free(&n->cells[1]);
    net_cell_start(n, 1);
    net_run(n, 5 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 2);
    estate_import(n->store, "drago", "orion", "orion", "gnb", ADDRESS_ONLY);
    net_run(n, 40 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 1);
    net_free(n);
}
/* A clock that steps back gives nobody back what the day took, and is told of; who applies the policy anew accepts it. */
static void clock_steps(void **state)
{
    static const char until[] = REGIME_HEAD "  - {id: ban, says: x, sure: seen, suppliers: [Drago], decision: deny, remove_by: %s}\n";
    char text[512], today[CONFIG_DATE_TEXT], why[256];
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOTHING}});
    snprintf(text, sizeof text, until, config_date_text(trust_of(n)->today, today));
    assert_int_equal(trust_apply(trust_of(n), policy_made(text), why, sizeof why), OK);
    world_step_clock(n->w, n->core_env, 86400ll * NET_S);
    net_run(n, 40 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 1);
    int32_t day = trust_of(n)->today;
    world_step_clock(n->w, n->core_env, -3 * 86400ll * NET_S);
    net_run(n, 40 * NET_S);
    assert_int_equal(trust_of(n)->today, day);
    assert_int_equal(n->amf->gnbs_setup, 1);
    uint64_t told = trust_of(n)->n_latest;
    const struct trust_latest *l = &trust_of(n)->latest[(told - 1) % TRUST_LATEST];
    assert_string_equal(l->subject, "clock");
    assert_memory_equal(l->why, "the clock went back to ", 23);
    net_run(n, 60 * NET_S); /* once */
    assert_int_equal(trust_of(n)->n_latest, told);
    n->core.now_us = world_now_us(n->w);
    assert_int_equal(trust_apply(trust_of(n), policy_made(text), why, sizeof why), OK);
    assert_int_equal(trust_of(n)->today, day - 3);
    cell_free(&n->cells[1]);
    net_cell_start(n, 1);
    net_run(n, 5 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 2);
    net_free(n);
}
/* A node that changes is asked about again. */
static void configuration_update(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {REGIME_HEAD BAN}});
    assert_int_equal(gnb_update(&n->cells[0].gnb, &NET_TA[1], 1, "other"), OK);
    net_run(n, NET_S);
    assert_int_equal(n->cells[0].gnb.updates_accepted, 1);
    assert_int_equal(trust_of(n)->n_peers, 3);
    one_of_drago(n->store);
    char why[256];
    n->core.now_us = world_now_us(n->w);
    assert_int_equal(trust_apply(trust_of(n), NULL, why, sizeof why), OK);
    assert_int_equal(gnb_update(&n->cells[1].gnb, &NET_TA[1], 1, NULL), OK);
    net_run(n, NET_S);
    assert_int_equal(n->cells[1].gnb.updates_refused, 1);
    assert_int_equal(n->cells[1].gnb.last_cause.misc, NGAP_CauseMisc_om_intervention);
    net_run(n, 30 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 1);
    net_free(n);
}

/* ---- protected subscribers ---- */
#define NOT_FOR_PROTECTED                                                                                              \
    REGIME_HEAD "  - {id: np, says: \"not for the government\", sure: seen, suppliers: [Drago], decision: permit-with-conditions, "    \
                "conditions: [no-protected-subscribers]}\n"
static void government(struct subscriber_profile *p) { p->is_protected = SUBSCRIBER_GOVERNMENT; }
static uint8_t cause_of_registration(struct net *n, struct ue *ue)
{
    n->count[UE_REGISTRATION_FAILED] = 0;
    ue_register(ue);
    net_run_until(n, ue->state == MM_REGISTERED || n->count[UE_REGISTRATION_FAILED], 8 * NET_S);
    net_run(n, 200 * NET_MS);
    return n->count[UE_REGISTRATION_FAILED] ? n->last[UE_REGISTRATION_FAILED].cause : 0;
}
static void protected_registration(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOT_FOR_PROTECTED}, .subscriber = government});
    struct ue *ue = n->ue[0];
    assert_int_equal(n->amf->gnbs_setup, 2); /* permitted, for others */
    ue_camp(ue, &n->cells[1]);
    assert_int_equal(cause_of_registration(n, ue), NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA);
    assert_int_equal(n->amf->ues->registered, 0);
    ue_camp(ue, &n->cells[0]);
    assert_int_equal(cause_of_registration(n, ue), 0);
    assert_int_equal(ue->state, MM_REGISTERED);
    assert_true(net_amf_ue(n, ue)->is_protected);
    /* its user data is protected on the radio, whatever the data network's default is */
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    const struct smf_session *m = smf_session_find(n->smf, STR("imsi-001010000000001"), s->psi);
    assert_int_equal(m->integrity, NGAP_IntegrityProtectionIndication_required);
    assert_int_equal(m->ciphering, NGAP_ConfidentialityProtectionIndication_required);
    net_ping(n, s, "8.8.8.8");
    /* moved to the other cell while idle: no service there, and service again here */
    net_idle(n, ue);
    ue_camp(ue, &n->cells[1]);
    uint32_t failed = n->count[UE_SERVICE_FAILED] + n->count[UE_REGISTRATION_FAILED];
    if (ue_service(ue) < 0)
        ue_register(ue);
    net_run(n, 3 * NET_S);
    assert_true(n->count[UE_SERVICE_FAILED] + n->count[UE_REGISTRATION_FAILED] > failed);
    ue_camp(ue, &n->cells[0]);
    net_run(n, 2 * NET_S);
    if (ue->state != MM_REGISTERED)
        ue_register(ue);
    net_run(n, 5 * NET_S);
    assert_int_equal(ue->state, MM_REGISTERED);
    net_free(n);
}
static void others_are_served(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOT_FOR_PROTECTED}});
    ue_camp(n->ue[0], &n->cells[1]);
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    const struct smf_session *m = smf_session_find(n->smf, STR("imsi-001010000000001"), s->psi);
    assert_int_equal(m->integrity, NGAP_IntegrityProtectionIndication_preferred);
    net_ping(n, s, "8.8.8.8");
    net_free(n);
}
/* An update about which nobody decides gives nobody back what a decision took. */
static void protected_when_nobody_decides(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOT_FOR_PROTECTED}, .subscriber = government});
    nf_stop(&n->core, SBI_NF_TRUST);
    assert_int_equal(gnb_update(&n->cells[1].gnb, &NET_TA[1], 1, NULL), OK);
    net_run(n, NET_S);
    assert_int_equal(n->cells[1].gnb.updates_refused, 1);
    ue_camp(n->ue[0], &n->cells[1]);
    assert_int_equal(cause_of_registration(n, n->ue[0]), NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA);
    assert_int_equal(n->amf->ues->registered, 0);
    net_free(n);
}
/* The condition comes while a protected subscriber is connected there. */
static void protected_sent_away(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOTHING}, .subscriber = government});
    char why[256];
    ue_camp(n->ue[0], &n->cells[1]);
    net_register(n, n->ue[0]);
    net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    assert_non_null(n->ue[0]->link);
    assert_int_equal(trust_apply(trust_of(n), policy_made(NOT_FOR_PROTECTED), why, sizeof why), OK);
    net_run(n, 3 * NET_S);
    assert_null(n->ue[0]->link);
    assert_int_equal(n->amf->gnbs_setup, 2);
    net_free(n);
}

/* A subscriber becomes one of the protected while he is connected there. */
static void protected_from_now_on(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOT_FOR_PROTECTED}});
    ue_camp(n->ue[0], &n->cells[1]);
    net_register(n, n->ue[0]);
    net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    assert_non_null(n->ue[0]->link);
    n->o.subscriber = government;
    net_subscribe(n, 1);
    rt_enter(&n->core);
    struct call *c = call_new(&n->core, SBI_nudm_sdm_notify);
    SBI_REQ(nudm_sdm_notify) *q = call_request(c);
    q->callback = call_callback_uri(&n->core, &c->arena, SBI_NF_AMF, "imsi-001010000000001/sdm");
    struct sbi_NotifyItem *item = arena_zero(&c->arena, sizeof *item);
    item->resource_id = STR("am-data");
    item->changes = STR("[]");
    q->body.notify_items.p = item;
    q->body.notify_items.n = 1;
    call_notify(c);
    net_run(n, 3 * NET_S);
    assert_true(net_amf_ue(n, n->ue[0])->is_protected);
    assert_null(n->ue[0]->link);
    net_free(n);
}

/* A gNB that may carry protected user data alone: sessions there have it, and those that come there get it. */
static void user_plane_protected(void **state)
{
    static const char only_protected[] = REGIME_HEAD "  - {id: up, says: x, sure: seen, suppliers: [Drago], decision: permit-with-conditions, "
                                                     "conditions: [user-plane-protection]}\n";
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {only_protected}});
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    const struct smf_session *m = smf_session_find(n->smf, STR("imsi-001010000000001"), s->psi);
    assert_int_equal(m->integrity, NGAP_IntegrityProtectionIndication_preferred);
    net_idle(n, n->ue[0]);
    ue_camp(n->ue[0], &n->cells[1]);
    net_ping(n, s, "8.8.8.8"); /* it comes back there by itself */
    assert_int_equal(m->integrity, NGAP_IntegrityProtectionIndication_required);
    assert_int_equal(m->ciphering, NGAP_ConfidentialityProtectionIndication_required);
    struct ue_session *other = net_session(n, n->ue[0], "ims", NAS_PDU_IPV4);
    m = smf_session_find(n->smf, STR("imsi-001010000000001"), other->psi);
    assert_int_equal(m->integrity, NGAP_IntegrityProtectionIndication_required);
    net_free(n);
}

/* ---- UPFs ---- */
static void upf_of_drago(struct store *s) { estate_import(s, "orion", "orion", "drago", "gnb", ADDRESS_ONLY); }
static void upf_banned(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = upf_of_drago, .policies = {REGIME_HEAD BAN}});
    net_register(n, n->ue[0]);
    assert_true(n->smf->upfs[0].refused);
    assert_true(session_refused(n, n->ue[0]));
    assert_int_equal(n->upf->sessions.used, 0);
    net_free(n);
    n = net_new((struct net_options){.more = ENFORCE, .provision = upf_of_drago, .policies = {NOT_FOR_PROTECTED}, .subscriber = government});
    net_register(n, n->ue[0]);
    assert_true(session_refused(n, n->ue[0]));
    net_free(n);
    n = net_new((struct net_options){.more = ENFORCE, .provision = upf_of_drago, .policies = {NOT_FOR_PROTECTED}});
    net_register(n, n->ue[0]);
    net_ping(n, net_session(n, n->ue[0], "internet", NAS_PDU_IPV4), "8.8.8.8");
    net_free(n);
}
static void upf_loses_permission(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = upf_of_drago, .policies = {NOTHING}});
    char why[256];
    net_register(n, n->ue[0]);
    net_ping(n, net_session(n, n->ue[0], "internet", NAS_PDU_IPV4), "8.8.8.8");
    assert_int_equal(trust_apply(trust_of(n), policy_made(REGIME_HEAD BAN), why, sizeof why), OK);
    net_run(n, 5 * NET_S);
    assert_true(n->smf->upfs[0].refused);
    assert_int_equal(n->smf->sessions.used, 0);
    assert_int_equal(net_upf_sessions(n), 0);
    assert_int_equal(trust_apply(trust_of(n), policy_made(NOTHING), why, sizeof why), OK);
    net_run(n, NET_S);
    net_ping(n, net_session(n, n->ue[0], "internet", NAS_PDU_IPV4), "8.8.8.8");
    net_free(n);
}

/* The UPF asks as well: an SMF that policy does not permit has no sessions there. */
static void smf_banned(void **state)
{
    estate_smf = "drago";
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {REGIME_HEAD BAN}, .refused_smf = true});
    estate_smf = "orion";
    assert_false(n->smf->upfs[0].assoc->is_up);
    assert_int_equal(n->smf->upfs[0].assoc->cause, PFCP_CAUSE_REQUEST_REJECTED);
    net_register(n, n->ue[0]);
    assert_true(session_refused(n, n->ue[0]));
    assert_int_equal(n->upf->sessions.used, 0);
    net_free(n);
}
static void smf_loses_permission(void **state)
{
    static const char ban_smf[] = REGIME_HEAD "  - {id: none, says: \"no SMF\", citation: \"Act 7 s. 4\", sure: seen, functions: [smf], decision: deny}\n";
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {NOTHING}});
    char why[256];
    net_register(n, n->ue[0]);
    net_ping(n, net_session(n, n->ue[0], "internet", NAS_PDU_IPV4), "8.8.8.8");
    struct trust *t = nf_state(&n->upf_rt, SBI_NF_TRUST);
    assert_int_equal(t->n_peers, 1);
    rt_enter(&n->upf_rt);
    assert_int_equal(trust_apply(t, policy_made(ban_smf), why, sizeof why), OK);
    world_attach(n->w, n->upf_env, &n->upf_rt);
    net_run(n, 15 * NET_S);
    assert_int_equal(net_upf_sessions(n), 1); /* within trust.drain those that are there stay */
    net_run(n, 10 * NET_S);
    assert_int_equal(net_upf_sessions(n), 0);
    session_refused(n, n->ue[0]); /* so it hears that there is no association, sets up again, and is refused */
    net_run(n, 5 * NET_S);
    assert_false(n->smf->upfs[0].assoc->is_up);
    assert_int_equal(n->smf->upfs[0].assoc->cause, PFCP_CAUSE_REQUEST_REJECTED);
    assert_int_equal(t->n_peers, 0);
    assert_int_equal(t->n_draining, 0);
    net_free(n);
}
/* Not for protected subscribers any more: theirs go, those of others stay. */
static void upf_not_for_protected(void **state)
{
    struct net_options o = {.more = ENFORCE, .provision = upf_of_drago, .policies = {NOTHING}, .subscriber = government};
    char why[256];
    for (uint32_t i = 0; i < 2; i++) {
        struct net *n = net_new(o);
        net_register(n, n->ue[0]);
        net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
        assert_int_equal(trust_apply(trust_of(n), policy_made(NOT_FOR_PROTECTED), why, sizeof why), OK);
        net_run(n, 5 * NET_S);
        assert_int_equal(n->smf->sessions.used, i);
        assert_int_equal(net_upf_sessions(n), i);
        net_free(n);
        o.subscriber = NULL;
    }
}
/* The decision comes while a session is being established there: it does not stay. */
static void upf_banned_meanwhile(void **state)
{
    for (uint32_t ms = 0; ms < 30; ms++) {
        struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = upf_of_drago, .policies = {NOTHING}});
        char why[256];
        net_register(n, n->ue[0]);
        net_run(n, NET_S);
        assert_true(ue_session_open(n->ue[0], &(struct ue_open){.dnn = "internet", .has_slice = true, .slice = {.sst = 1}}) > 0);
        net_run(n, ms * NET_MS / 2);
        assert_int_equal(trust_apply(trust_of(n), policy_made(REGIME_HEAD BAN), why, sizeof why), OK);
        net_run(n, 10 * NET_S);
        assert_int_equal(n->smf->sessions.used, 0);
        assert_int_equal(net_upf_sessions(n), 0);
        net_free(n);
    }
}

/* ---- claims of others ---- */
static void claim_body(struct call *c, struct sbi_TrustClaim *q, uint32_t id, const char *from)
{
    q->kind = SBI_TrustKind_GNB;
    q->node_id = arena_printf(&c->arena, "gnb-001-01-%06x", id);
    q->has.peer_address = q->has.plmn_id = q->has.gnb_id = q->has.gnb_id_bits = q->has.callback_uri = true;
    q->peer_address = arena_str(&c->arena, str_of(from));
    q->plmn_id.mcc = STR("001");
    q->plmn_id.mnc = STR("01");
    q->gnb_id = id;
    q->gnb_id_bits = 24;
    q->callback_uri = arena_printf(&c->arena, "http://10.0.0.9/none");
}
static void claims(struct net *n, uint32_t id, const char *from)
{
    n->core.now_us = world_now_us(n->w);
    struct call *c = call_new(&n->core, SBI_trust_decide_connect);
    SBI_REQ(trust_decide_connect) *q = call_request(c);
    claim_body(c, &q->body, id, from);
    call_notify(c);
    rt_turn(&n->core);
}
static void leaves(struct net *n, uint32_t id, const char *from)
{
    struct call *c = call_new(&n->core, SBI_trust_gone);
    SBI_REQ(trust_gone) *q = call_request(c);
    q->body.kind = SBI_TrustKind_GNB;
    q->body.node_id = arena_printf(&c->arena, "gnb-001-01-%06x", id);
    q->body.has.peer_address = true;
    q->body.peer_address = arena_str(&c->arena, str_of(from));
    call_notify(c);
    rt_turn(&n->core);
}
/* Where strangers are let in, one with another's name does not make the trust function forget whose name it is. */
static void name_of_another(void **state)
{
    struct net *n = net_new((struct net_options){.more = "trust: {mode: enforce, strangers: permit, drain: 20 s}\n", .provision = one_of_drago,
                                                 .policies = {NOTHING}});
    char why[256];
    assert_int_equal(trust_of(n)->n_peers, 3);
    claims(n, 2, "10.0.0.99");
    assert_int_equal(trust_of(n)->n_peers, 4);
    leaves(n, 2, "10.0.0.99");
    assert_int_equal(trust_of(n)->n_peers, 3);
    claims(n, 2, "10.0.0.99"); /* and while it is there, it is not told what is meant for the other */
    assert_int_equal(trust_apply(trust_of(n), policy_made(REGIME_HEAD BAN), why, sizeof why), OK);
    net_run(n, 30 * NET_S);
    assert_int_equal(n->amf->gnbs_setup, 1);
    assert_int_equal(trust_of(n)->n_draining, 0);
    net_free(n);
}
/* The vendorId of a profile is a claim: another vendor's is told, and changes nothing. */
static int64_t registers(struct net *n, const char *vendor, bool *permitted)
{
    int64_t before = metric_get(n->core.metrics, METRIC_trust_findings);
    n->core.now_us = world_now_us(n->w);
    struct call *c = call_new(&n->core, SBI_trust_decide_connect);
    SBI_REQ(trust_decide_connect) *q = call_request(c);
    q->body.kind = SBI_TrustKind_NF;
    q->body.node_id = STR("85a6ff0a-3eca-41f1-b3f5-55ded11935bf");
    q->body.has.peer_address = true;
    q->body.peer_address = STR("10.0.0.5");
    q->body.has.vendor_id = vendor != NULL;
    q->body.vendor_id = str_of(vendor);
    uint32_t peers = trust_of(n)->n_peers;
    call_notify(c);
    rt_turn(&n->core);
    *permitted = trust_of(n)->n_peers > peers;
    c = call_new(&n->core, SBI_trust_gone);
    SBI_REQ(trust_gone) *g = call_request(c);
    g->body.kind = SBI_TrustKind_NF;
    g->body.node_id = STR("85a6ff0a-3eca-41f1-b3f5-55ded11935bf");
    g->body.has.peer_address = true;
    g->body.peer_address = STR("10.0.0.5");
    call_notify(c);
    rt_turn(&n->core);
    return metric_get(n->core.metrics, METRIC_trust_findings) - before;
}
static void vendor_of_another(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = two_of_orion, .policies = {REGIME_HEAD BAN}, .metrics = true});
    bool permitted;
    assert_int_equal(registers(n, "010415", &permitted), 0);
    assert_true(permitted);
    assert_int_equal(registers(n, NULL, &permitted), 0);
    assert_true(permitted);
    assert_int_equal(registers(n, "002011", &permitted), 1);
    assert_true(permitted);
    /* nor does the vendorId of who is permitted help who is not */
    char why[256];
    assert_int_equal(trust_apply(trust_of(n), policy_made(REGIME_HEAD "  - {id: o, says: \"nothing of Orion's\", citation: \"Act 7\", sure: seen, suppliers: [Orion Networks], "
                                                                      "functions: [pcf], decision: deny}\n"), why, sizeof why), OK);
    assert_int_equal(registers(n, "002011", &permitted), 1);
    assert_false(permitted);
    net_free(n);
}
/* Who goes by himself while he is being emptied is not counted for ever. */
static void leaves_while_drained(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOTHING}});
    char why[256];
    assert_int_equal(trust_apply(trust_of(n), policy_made(REGIME_HEAD BAN), why, sizeof why), OK);
    net_run(n, NET_S);
    assert_int_equal(trust_of(n)->n_draining, 1);
    cell_free(&n->cells[1]);
    net_run(n, NET_S);
    assert_int_equal(trust_of(n)->n_draining, 0);
    assert_int_equal(trust_of(n)->n_peers, 2);
    net_free(n);
}
/* The condition is the same, its list is another. */
static void other_slices(void **state)
{
#define SLICES_OF_DRAGO(list) \
    REGIME_HEAD "  - {id: s, says: x, sure: seen, suppliers: [Drago], decision: permit-with-conditions, conditions: [listed-slices], slices: [" list "]}\n"
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {SLICES_OF_DRAGO("1, 1-000009")}});
    char why[256];
    for (uint32_t i = 0; gnb_of(n, i); i++)
        assert_int_equal(gnb_of(n, i)->tas[0].slices, 3);
    char out[1024];
    struct text t = text_over(out, sizeof out);
    struct policy *fewer = policy_made(SLICES_OF_DRAGO("1-000009"));
    assert_int_equal(trust_preview(trust_of(n), fewer, &t), 0);
    assert_non_null(strstr(out, "gets other conditions: site2-cu"));
    assert_int_equal(trust_apply(trust_of(n), fewer, why, sizeof why), OK);
    net_run(n, NET_S);
    for (uint32_t i = 0; gnb_of(n, i); i++)
        assert_int_equal(gnb_of(n, i)->tas[0].slices, gnb_of(n, i)->id == 2 ? 2 : 3);
    net_free(n);
}

struct notebook { /* evidence that is counted */
    struct evidence base;
    uint32_t entries, of_kind[EVIDENCE_KIND_COUNT];
    char subject[64], body[9000];
};
static int notebook_append(struct evidence *e, enum evidence_kind k, struct str subject, struct str body, const struct evidence_message *m, uint32_t n)
{
    struct notebook *b = (struct notebook *)e;
    b->entries++;
    b->of_kind[k]++;
    assert_true(str_copy(b->subject, sizeof b->subject, subject));
    assert_true(str_copy(b->body, sizeof b->body, body));
    assert_int_equal(body.p[body.n - 1], '}');
    return OK;
}
/* Asked a thousand times a second: the log gets a few, then the number of the rest; what others do is in it. */
static void no_flood_of_evidence(void **state)
{
    static struct notebook book;
    book = (struct notebook){.base = {notebook_append}};
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOTHING}});
    n->core.evidence = &book.base;
    for (uint32_t i = 0; i < 1000; i++)
        claims(n, i + 100, "10.0.0.99"); /* ever new names */
    assert_in_range(book.entries, 2, TRUST_TOLD);
    assert_int_equal(trust_of(n)->untold, 2000 - book.entries);
    uint32_t before = book.entries;
    for (uint32_t i = 0; i < 1000; i++)
        claims(n, 1, "10.0.0.16");
    assert_int_equal(book.entries, before + TRUST_TOLD);
    claims(n, 2, "10.0.0.16"); /* another element, once */
    assert_int_equal(book.entries, before + TRUST_TOLD + 1);
    assert_string_equal(book.subject, "site2-cu");
    net_run(n, 6 * NET_S);
    assert_string_equal(book.subject, "trust");
    assert_non_null(strstr(book.body, "\"entries\":2984"));
    before = book.entries;
    net_run(n, 61 * NET_S);
    claims(n, 1, "10.0.0.16");
    assert_int_equal(book.entries, before + 1);
    n->core.evidence = NULL;
    net_free(n);
}
/* However long the reasons are, the decision is kept. */
static void long_reasons(void **state)
{
    static struct notebook book;
    static char text[8192];
    book = (struct notebook){.base = {notebook_append}};
    struct text t = text_over(text, sizeof text);
    text_add(&t, "%s", REGIME_HEAD);
    static const char *const whom[] = {"functions: [radio]", "functions: [cu]", "seated_in: [CN]"};
    for (uint32_t i = 0; i < 3; i++) {
        text_add(&t, "  - {id: r%u, sure: seen, suppliers: [Drago], %s, decision: deny, says: \"", i, whom[i]);
        for (uint32_t k = 0; k < 900; k++)
            text_add(&t, "\\\"");
        text_add(&t, "\"}\n");
    }
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOTHING}});
    char why[256];
    n->core.evidence = &book.base;
    assert_int_equal(trust_apply(trust_of(n), policy_made(text), why, sizeof why), OK);
    assert_int_equal(book.of_kind[EVIDENCE_decision], 1);
    n->core.evidence = NULL;
    net_free(n);
}

int main(void)
{
    return RUN(unit(permitted_both_ways), unit(banned), unit(observed), unit(strangers), unit(no_trust_function), unit(listed_slices),
               unit(drained), unit(drain_called_off), unit(day_and_import), unit(clock_steps), unit(configuration_update), unit(protected_registration), unit(protected_when_nobody_decides), unit(others_are_served),
               unit(protected_sent_away), unit(protected_from_now_on), unit(user_plane_protected), unit(upf_banned), unit(upf_loses_permission), unit(smf_banned), unit(smf_loses_permission), unit(upf_not_for_protected), unit(upf_banned_meanwhile),
               unit(name_of_another), unit(vendor_of_another), unit(leaves_while_drained), unit(other_slices), unit(no_flood_of_evidence), unit(long_reasons));
}
