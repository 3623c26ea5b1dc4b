/* SPDX-License-Identifier: Apache-2.0 */
/* Deregistration of each kind, procedures that meet one another, and gNBs that vanish: TS 24.501 5.5.2, 5.5.1.2.8,
 * 5.4.4.6, 5.3.7. */
#include "tests/nf_amf/phone.h"

static struct nas_msg deregistration(struct phone *p, bool off)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING);
    m.deregistration_request_ue_originating.de_registration_type = (struct nas_deregistration_type){off, false, 1};
    m.deregistration_request_ue_originating.ngksi.value = p->ksi;
    m.deregistration_request_ue_originating.fivegs_mobile_identity.type = NAS_ID_GUTI;
    m.deregistration_request_ue_originating.fivegs_mobile_identity.guti = p->guti;
    return m;
}
/* Nothing is known of the phone any more, here or elsewhere. */
static void forgotten(struct bed *b)
{
    struct amf_ues *u = bed_amf(b)->ues;
    bed_run_ms(b, 6000);
    assert_int_equal(u->ues.used, 0);
    assert_int_equal(u->conns.used, 0);
    assert_int_equal(map_count(&u->by_supi), 0);
    assert_int_equal(map_count(&u->by_tmsi), 0);
    assert_int_equal(u->registered, 0);
    assert_int_equal(bed_metric(b, METRIC_ues_registered, 0), 0);
    assert_int_equal(bed_metric(b, METRIC_ues_connected, 0), 0);
    assert_int_equal(b->rt.procs_running, 0);
    assert_int_equal(((struct pcf *)nf_state(&b->rt, SBI_NF_PCF))->ues.used, 0);
    assert_int_equal(map_count(&((struct udm *)nf_state(&b->rt, SBI_NF_UDM))->subs), 0);
}
static struct phone *registered(struct bed *b)
{
    phone_register(&b->phone[0], 0);
    return &b->phone[0];
}

/* ---- by the phone ---- */
static void the_phone_deregisters(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    struct nas_msg m = deregistration(p, false);
    phone_send(p, &m, NAS_CIPHERED);
    expect(p, NAS_DEREGISTRATION_ACCEPT_UE_ORIGINATING);
    assert_int_equal(p->header.security, NAS_CIPHERED);
    forgotten(b);
    assert_int_equal(p->releases, 1);
    assert_int_equal(p->release_cause.nas, NGAP_CauseNas_deregister);
    assert_int_equal(bed_metric(b, METRIC_dereg_ue, 0), 1);
    bed_free(b);
}
static void the_phone_is_switched_off(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    struct nas_msg m = deregistration(p, true);
    uint8_t plain[PDU_MAX], out[PDU_MAX];
    p->connected = false; /* from idle, on another connection */
    phone_begin(p, 1, phone_protect(p, encode(&m, plain), NAS_INTEGRITY, out));
    forgotten(b);
    assert_int_equal(p->n_in, 0);
    bed_free(b);
}

/* ---- by the network ---- */
static void notify(struct bed *b, enum sbi_DeregistrationReason reason)
{
    struct call *c = call_new(&b->rt, SBI_nudm_uecm_dereg_notify);
    struct sbi_req_nudm_uecm_dereg_notify *q = call_request(c);
    q->callback = call_callback_uri(&b->rt, &c->arena, SBI_NF_AMF, "imsi-%s/dereg", b->phone[0].imsi);
    q->body.dereg_reason = reason;
    rt_enter(&b->rt);
    call_notify(c);
}
static void subscription_withdrawn(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    notify(b, SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN);
    expect(p, NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    assert_int_equal(p->msg.deregistration_request_ue_terminated.gmm_cause, NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED);
    struct nas_msg m;
    nas_msg_init(&m, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED);
    phone_send(p, &m, NAS_CIPHERED);
    forgotten(b);
    assert_int_equal(p->releases, 1);
    assert_int_equal(bed_metric(b, METRIC_dereg_network, 0), 1);
    notify(b, SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN); /* nobody there: no harm */
    bed_free(b);
}
static void no_answer_to_deregistration(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    notify(b, SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN);
    for (int i = 0; i < 5; i++) /* T3522 */
        expect(p, NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    bed_run_ms(b, 7000);
    forgotten(b);
    bed_free(b);
}
static void the_gnb_vanishes_during_deregistration(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    notify(b, SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN);
    expect(p, NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    world_cut_all(b->w, b->gnb_env[0]);
    forgotten(b);
    bed_free(b);
}
/* Idle: paged in vain, and forgotten. */
static void withdrawn_while_idle(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    amf_conn_release(phone_ue(p)->conn, (struct ngap_Cause){.sel = NGAP_Cause_nas});
    bed_run_ms(b, 100);
    assert_null(phone_ue(p)->conn);
    notify(b, SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN);
    bed_run_ms(b, 500);
    assert_non_null(phone_ue(p));
    bed_run_ms(b, 10000);
    forgotten(b);
    bed_free(b);
}
static void withdrawn_while_idle_and_paged(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    uint8_t plain[PDU_MAX], out[PDU_MAX];
    amf_conn_release(phone_ue(p)->conn, (struct ngap_Cause){.sel = NGAP_Cause_nas});
    bed_run_ms(b, 100);
    notify(b, SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN);
    bed_run_ms(b, 500);
    struct nas_msg m = service_request(p, NAS_SERVICE_MOBILE_TERMINATED);
    phone_begin(p, 0, phone_protect(p, encode(&m, plain), NAS_INTEGRITY, out));
    expect(p, NAS_SERVICE_ACCEPT);
    expect(p, NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    nas_msg_init(&m, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED);
    phone_send(p, &m, NAS_CIPHERED);
    forgotten(b);
    bed_free(b);
}
/* It is registered elsewhere: nothing is said to it, and nothing purged. */
static void another_amf_serves_it(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    notify(b, SBI_DeregistrationReason_UE_REGISTRATION_AREA_CHANGE);
    forgotten(b);
    expect_silence(p, 100);
    bed_free(b);
}
/* The phone registers anew before it has answered: 5.5.2.3.5 d. */
static void registration_during_network_deregistration(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    amf_deregister(phone_ue(p), true, 0);
    expect(p, NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    assert_true(p->msg.deregistration_request_ue_terminated.de_registration_type.re_registration);
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_protected(p, 0, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    phone_complete(p);
    bed_run_ms(b, 30000);
    assert_true(amf_ue_is_registered(phone_ue(p)));
    assert_int_equal(phone_ue(p)->pending & AMF_PENDING_DEREGISTRATION, 0);
    bed_free(b);
}

/* What the UDM has changed is fetched: another AMBR; or nothing that lets the phone stay. */
static void tell_change(struct bed *b)
{
    struct call *c = call_new(&b->rt, SBI_nudm_sdm_notify);
    struct sbi_req_nudm_sdm_notify *q = call_request(c);
    struct sbi_NotifyItem *item = arena_zero(&c->arena, sizeof *item);
    q->callback = call_callback_uri(&b->rt, &c->arena, SBI_NF_AMF, "imsi-%s/sdm", b->phone[0].imsi);
    item->resource_id = STR("am-data");
    item->changes = STR("[]");
    q->body.notify_items.p = item;
    q->body.notify_items.n = 1;
    rt_enter(&b->rt);
    call_notify(c);
}
static void no_data_any_more(void *nf, struct call *c) { call_reply(c, 200); }
static void subscriber_data_update(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    phone_ue(p)->ambr_down_bps = 1;
    tell_change(b);
    bed_run_ms(b, 100);
    assert_int_equal(phone_ue(p)->ambr_down_bps, 1000000000);
    assert_true(phone_ue(p)->has_subscription);
    b->rt.nf[SBI_NF_UDM]->fn[SBI_nudm_sdm_get] = no_data_any_more;
    tell_change(b);
    expect(p, NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    assert_int_equal(p->msg.deregistration_request_ue_terminated.gmm_cause, NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED);
    struct nas_msg m;
    nas_msg_init(&m, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED);
    phone_send(p, &m, NAS_CIPHERED);
    forgotten(b);
    tell_change(b); /* of nobody */
    bed_free(b);
}

/* ---- heard of no more, 5.3.7 ---- */
static void implicit_deregistration(void **state)
{
    struct bed *b = bed_new_with("  t3512: 60 s\n  implicit_deregistration: 60 s\n", NULL, 0);
    struct phone *p = registered(b);
    amf_conn_release(phone_ue(p)->conn, (struct ngap_Cause){.sel = NGAP_Cause_nas});
    bed_run_ms(b, 299000);
    assert_true(phone_ue(p)->ppf);
    bed_run_ms(b, 2000); /* T3512 and 4 minutes */
    assert_false(phone_ue(p)->ppf);
    assert_int_equal(amf_page(phone_ue(p)), ERR_STATE);
    bed_run_ms(b, 58000);
    assert_non_null(phone_ue(p));
    bed_run_ms(b, 2000);
    assert_null(phone_ue(p));
    assert_int_equal(bed_metric(b, METRIC_dereg_implicit, 0), 1);
    forgotten(b);
    bed_free(b);
}

/* ---- registration meets itself, 5.5.1.2.8 ---- */
static void the_same_request_again(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    m = registration(p, NAS_REG_INITIAL);
    phone_send(p, &m, NAS_PLAIN); /* d, e: ignored */
    expect_silence(p, 1000);
    m = registration(p, NAS_REG_INITIAL);
    m.registration_request.fivegs_registration_type.follow_on = false;
    phone_send(p, &m, NAS_PLAIN); /* f: another one begins */
    phone_authenticate(p);
    phone_security(p, NULL);
    expect(p, NAS_REGISTRATION_ACCEPT);
    assert_int_equal(bed_metric(b, METRIC_reg_initial_try, 0), 2);
    assert_int_equal(bed_amf(b)->ues->conns.used, 1);
    bed_free(b);
}
static void the_same_request_after_the_accept(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    uint8_t plain[PDU_MAX];
    struct nas_msg m = registration(p, NAS_REG_MOBILITY);
    struct bytes same = encode(&m, plain);
    phone_register_protected(p, 0, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    uint32_t tmsi = p->guti.tmsi;
    uint8_t out[PDU_MAX];
    phone_say(p, phone_protect(p, same, NAS_INTEGRITY, out));
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    assert_int_equal(p->guti.tmsi, tmsi);
    phone_complete(p);
    bed_run_ms(b, 100);
    assert_int_equal(phone_ue(p)->tmsi, tmsi);
    bed_free(b);
}
/* T3550 five times: the phone is registered, and may use either GUTI. */
static void no_registration_complete(void **state)
{
    for (int use_new = 0; use_new < 2; use_new++) {
        struct bed *b = bed_new();
        struct phone *p = registered(b);
        struct nas_guti old = p->guti;
        struct nas_msg m = registration(p, NAS_REG_MOBILITY);
        phone_register_protected(p, 0, &m);
        for (int i = 0; i < 5; i++)
            expect(p, NAS_REGISTRATION_ACCEPT);
        phone_take_guti(p);
        bed_run_ms(b, 12000);
        assert_int_equal(b->rt.procs_running, 0);
        struct amf_ue *ue = phone_ue(p);
        assert_true(amf_ue_is_registered(ue));
        assert_ptr_equal(amf_ue_by_tmsi(bed_amf(b), old.tmsi), ue);
        assert_ptr_equal(amf_ue_by_tmsi(bed_amf(b), p->guti.tmsi), ue);
        if (!use_new)
            p->guti = old;
        m = registration(p, NAS_REG_PERIODIC);
        phone_register_protected(p, 0, &m);
        expect(p, NAS_REGISTRATION_ACCEPT);
        phone_take_guti(p);
        phone_complete(p);
        bed_run_ms(b, 100);
        assert_int_equal(map_count(&bed_amf(b)->ues->by_tmsi), 2); /* its GUTI and the one to come */
        bed_free(b);
    }
}
/* The phone comes with the new GUTI: it has it, confirmed or not, and the old one is nobody's; however often the next
 * one is lost, it is known by what it has. */
static void a_guti_in_use_is_taken(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    struct nas_guti old = p->guti;
    struct nas_msg m = registration(p, NAS_REG_MOBILITY);
    phone_register_protected(p, 0, &m);
    for (int i = 0; i < 5; i++)
        expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    for (int n = 0; n < 3; n++) { /* accepts that the phone never gets */
        m = registration(p, NAS_REG_MOBILITY);
        phone_register_protected(p, 0, &m);
        for (int i = 0; i < 5; i++)
            expect(p, NAS_REGISTRATION_ACCEPT);
        assert_null(amf_ue_by_tmsi(bed_amf(b), old.tmsi));
        assert_int_equal(phone_ue(p)->tmsi, p->guti.tmsi);
        bed_run_ms(b, 12000);
    }
    assert_int_equal(map_count(&bed_amf(b)->ues->by_tmsi), 3);
    bed_free(b);
}
static void deregistration_during_registration(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    phone_authenticate(p);
    phone_security(p, NULL);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    m = deregistration(p, false);
    phone_send(p, &m, NAS_CIPHERED);
    expect(p, NAS_DEREGISTRATION_ACCEPT_UE_ORIGINATING);
    forgotten(b);
    bed_free(b);
}

/* ---- one phone, two connections ---- */
/* It lost everything and comes with its SUCI: its old context goes over to it when it has proved itself, not before. */
static void a_registered_phone_comes_as_new(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b), *again = &b->phone[1];
    struct amf_ue *ue = phone_ue(p);
    memcpy(again->imsi, p->imsi, sizeof p->imsi);
    again->sqns = p->sqns;
    struct nas_msg m = registration(again, NAS_REG_INITIAL);
    phone_register_plain(again, 1, &m);
    phone_authenticate(again);
    expect(again, NAS_SECURITY_MODE_COMMAND);
    phone_take_keys(again);
    assert_int_equal(p->releases, 0);
    assert_true(amf_conn_id(ue->conn) == p->amf_id);
    phone_complete_security(again, NULL);
    expect(again, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(again);
    phone_complete(again);
    bed_run_ms(b, 100);
    assert_ptr_equal(phone_ue(p), ue);
    assert_true(amf_conn_id(ue->conn) == again->amf_id);
    assert_int_equal(p->releases, 1);
    assert_int_equal(bed_amf(b)->ues->ues.used, 1);
    assert_int_equal(map_count(&bed_amf(b)->ues->by_tmsi), 2);
    bed_free(b);
}
/* Two registrations of one SUPI at once: the one that comes last through security mode has the phone. */
static void two_registrations_at_once(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0], *q = &b->phone[1];
    memcpy(q->imsi, p->imsi, sizeof p->imsi);
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    phone_authenticate(p);
    q->sqns = p->sqns;
    m = registration(q, NAS_REG_INITIAL);
    phone_register_plain(q, 1, &m);
    phone_authenticate(q);
    phone_security(p, NULL);
    expect(p, NAS_REGISTRATION_ACCEPT); /* not completed */
    phone_security(q, NULL);
    expect(q, NAS_REGISTRATION_ACCEPT);
    phone_complete(q);
    bed_run_ms(b, 500);
    assert_int_equal(p->releases, 1);
    assert_int_equal(q->releases, 0);
    assert_true(amf_conn_id(phone_ue(q)->conn) == q->amf_id);
    assert_int_equal(bed_amf(b)->ues->ues.used, 1);
    bed_free(b);
}

/* ---- gNBs that vanish ---- */
/* The association dies after so many of the phone's steps; then it comes back and the phone registers. */
static void steps(struct phone *p, uint32_t n)
{
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    if (n >= 1)
        expect(p, NAS_AUTHENTICATION_REQUEST);
    if (n >= 2) {
        uint8_t res[16], auts[14];
        assert_int_equal(phone_challenge(p, res, auts), OK);
        m = authentication_response(res);
        phone_send(p, &m, NAS_PLAIN);
    }
    if (n >= 3) {
        expect(p, NAS_SECURITY_MODE_COMMAND);
        phone_take_keys(p);
    }
    if (n >= 4)
        phone_complete_security(p, NULL);
    if (n >= 5) {
        p->quiet_context = true;
        expect(p, NAS_REGISTRATION_ACCEPT);
    }
    if (n >= 6)
        phone_complete(p);
}
static void the_gnb_vanishes(void **state)
{
    for (uint32_t n = 0; n <= 6; n++) {
        for (uint32_t later_us = 0; later_us < 1500; later_us += 300) { /* in the midst of what follows */
            struct bed *b = bed_new();
            struct phone *p = &b->phone[0];
            steps(p, n);
            world_attach(b->w, b->env, &b->rt);
            world_run(b->w, later_us);
            world_cut_all(b->w, b->gnb_env[0]);
            bed_run_ms(b, 3000);
            assert_int_equal(bed_amf(b)->ues->conns.used, 0);
            assert_int_equal(b->rt.procs_running, 0);
            assert_int_equal(b->rt.calls_open, 0);
            struct amf_ue *ue = phone_ue(p);
            assert_true(!ue || amf_ue_is_registered(ue)); /* usable, or gone */
            if (n >= 5)
                assert_non_null(ue);
            p->connected = p->quiet_context = false;
            phone_register(p, 1);
            assert_int_equal(bed_amf(b)->ues->ues.used, 1);
            assert_int_equal(map_count(&bed_amf(b)->ues->by_tmsi), 2);
            bed_free(b);
        }
    }
}
/* The gNB resets all, or this one; or says that it does not know him. */
static void reset_and_error(void **state)
{
    for (int how = 0; how < 4; how++) {
        struct bed *b = bed_new();
        struct phone *p = registered(b);
        struct ngap_UE_associatedLogicalNG_connectionItem item = {.aMF_UE_NGAP_ID = p->amf_id,
                                                                  .rAN_UE_NGAP_ID = p->ran_id};
        struct ngap_UE_associatedLogicalNG_connectionList list = {&item, 1};
        item.has.aMF_UE_NGAP_ID = how == 1;
        item.has.rAN_UE_NGAP_ID = how == 2;
        if (how == 3)
            gnb_error(&b->gnb[0], &p->amf_id, &p->ran_id,
                      amf_cause_radio(NGAP_CauseRadioNetwork_unknown_local_UE_NGAP_ID));
        else
            assert_int_equal(gnb_reset(&b->gnb[0], how ? &list : NULL), OK);
        bed_run_ms(b, 100);
        assert_int_equal(bed_amf(b)->ues->conns.used, 0);
        assert_true(amf_ue_is_registered(phone_ue(p)));
        bed_free(b);
    }
}
static void context_setup_fails(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    p->fail_context = true;
    phone_register_plain(p, 0, &m);
    phone_authenticate(p);
    phone_security(p, NULL);
    bed_run_ms(b, 500);
    assert_int_equal(p->releases, 1);
    assert_int_equal(b->rt.procs_running, 0);
    p->fail_context = false;
    phone_register(p, 0);
    bed_free(b);
}
static void context_setup_is_not_answered(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    p->quiet_context = true;
    phone_register_plain(p, 0, &m);
    phone_authenticate(p);
    phone_security(p, NULL);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_complete(p);
    bed_run_ms(b, 8000);
    assert_int_equal(b->rt.procs_running, 0);
    assert_true(amf_ue_is_registered(phone_ue(p)));
    bed_free(b);
}
/* A gNB that never says Complete does not keep the connection for ever. */
static void release_is_not_answered(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    p->quiet_release = true;
    struct nas_msg m = deregistration(p, false);
    phone_send(p, &m, NAS_CIPHERED);
    expect(p, NAS_DEREGISTRATION_ACCEPT_UE_ORIGINATING);
    forgotten(b);
    bed_free(b);
}

/* ---- configuration update with a new GUTI, 5.4.4 ---- */
static void a_new_guti(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    uint32_t old = phone_ue(p)->tmsi;
    phone_ue(p)->pending = AMF_PENDING_GUTI;
    rt_enter(&b->rt);
    assert_true(amf_pending_start(phone_ue(p)));
    expect(p, NAS_CONFIGURATION_UPDATE_COMMAND);
    expect(p, NAS_CONFIGURATION_UPDATE_COMMAND); /* T3555 */
    assert_int_equal(p->msg.configuration_update_command.configuration_update_indication, NAS_CONFIG_ACK);
    p->guti = p->msg.configuration_update_command.fiveg_guti.guti;
    assert_int_not_equal(p->guti.tmsi, old);
    assert_non_null(amf_ue_by_tmsi(bed_amf(b), old));
    struct nas_msg m;
    nas_msg_init(&m, NAS_CONFIGURATION_UPDATE_COMPLETE);
    phone_send(p, &m, NAS_CIPHERED);
    expect_silence(p, 20000);
    assert_null(amf_ue_by_tmsi(bed_amf(b), old));
    assert_int_equal(phone_ue(p)->tmsi, p->guti.tmsi);
    bed_free(b);
}
static void registration_during_configuration_update(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = registered(b);
    phone_ue(p)->pending = AMF_PENDING_GUTI;
    rt_enter(&b->rt);
    assert_true(amf_pending_start(phone_ue(p)));
    expect(p, NAS_CONFIGURATION_UPDATE_COMMAND);
    struct nas_msg m = registration(p, NAS_REG_MOBILITY);
    phone_register_protected(p, 0, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    phone_complete(p);
    bed_run_ms(b, 100);
    assert_int_equal(map_count(&bed_amf(b)->ues->by_tmsi), 2);
    bed_free(b);
}

/* ---- no memory ---- */
static void no_memory_for_procedures(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    size_t cap = b->rt.frames.cap;
    b->rt.frames.cap = b->rt.frames.in_use;
    memset(b->rt.frames.free, 0, sizeof b->rt.frames.free);
    b->rt.frames.fresh = b->rt.frames.cap;
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    expect(p, NAS_REGISTRATION_REJECT);
    assert_int_equal(p->msg.registration_reject.gmm_cause, NAS_GMM_CAUSE_CONGESTION);
    bed_run_ms(b, 100);
    assert_int_equal(bed_amf(b)->ues->conns.used, 0);
    b->rt.frames.cap = cap;
    phone_register(p, 0);
    bed_free(b);
}

int main(void)
{
    return RUN(unit(the_phone_deregisters), unit(the_phone_is_switched_off), unit(subscription_withdrawn),
               unit(no_answer_to_deregistration), unit(the_gnb_vanishes_during_deregistration),
               unit(withdrawn_while_idle), unit(withdrawn_while_idle_and_paged),
               unit(another_amf_serves_it), unit(subscriber_data_update), unit(registration_during_network_deregistration),
               unit(implicit_deregistration), unit(the_same_request_again), unit(the_same_request_after_the_accept),
               unit(no_registration_complete), unit(a_guti_in_use_is_taken),
               unit(deregistration_during_registration),
               unit(a_registered_phone_comes_as_new), unit(two_registrations_at_once), unit(the_gnb_vanishes),
               unit(reset_and_error), unit(context_setup_fails), unit(context_setup_is_not_answered),
               unit(release_is_not_answered), unit(a_new_guti), unit(registration_during_configuration_update),
               unit(no_memory_for_procedures));
}
