/* SPDX-License-Identifier: Apache-2.0 */
/* From connected to idle and back: UE context release (TS 23.502 4.2.6), service request (TS 24.501 5.6.1), paging
 * (5.6.2), and what a lost association leaves. */
#include "tests/nf_amf/sessions.h"

/* SERVICE REQUEST with these sessions; wanted, has: 0 for none. */
static void ask_service(struct phone *p, uint32_t gnb, uint8_t type, uint16_t wanted, int has)
{
    uint8_t plain[PDU_MAX], inner[PDU_MAX], out[PDU_MAX];
    struct nas_msg m = service_request(p, type), whole = m;
    whole.service_request.has.uplink_data_status = wanted != 0;
    whole.service_request.uplink_data_status = wanted;
    whole.service_request.has.pdu_session_status = has >= 0;
    whole.service_request.pdu_session_status = (uint16_t)has;
    if (wanted || has >= 0) { /* more than may be said in clear (4.4.6) */
        struct bytes in = encode(&whole, inner);
        assert_int_equal(nas_container_cipher(&p->sec, p->bed->crypto, NAS_UPLINK, p->sec.count[NAS_UPLINK], inner, in.n), OK);
        m.service_request.has.nas_message_container = 1;
        m.service_request.nas_message_container = in;
    }
    phone_begin(p, gnb, phone_protect(p, encode(&m, plain), NAS_INTEGRITY, out));
}
static void complete_configuration(struct phone *p)
{
    struct nas_msg m;
    if (p->msg.configuration_update_command.has.fiveg_guti)
        p->guti = p->msg.configuration_update_command.fiveg_guti.guti;
    nas_msg_init(&m, NAS_CONFIGURATION_UPDATE_COMPLETE);
    phone_send(p, &m, NAS_CIPHERED);
    bed_run_ms(p->bed, 50);
}
static const struct nas_service_accept *hear_accept(struct phone *p)
{
    expect(p, NAS_SERVICE_ACCEPT);
    return &p->msg.service_accept;
}

static void idle_and_back(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    establish(&t, 6);
    smf_skip(&t);
    go_idle(&t);
    assert_int_equal(t.p->releases, 1);
    assert_int_equal(t.p->release_cause.radioNetwork, NGAP_CauseRadioNetwork_user_inactivity);
    assert_int_equal(smf_next(&t)->up, SBI_UpCnxState_DEACTIVATED);
    assert_int_equal(smf_next(&t)->up, SBI_UpCnxState_DEACTIVATED);
    assert_true(timer_is_running(&phone_ue(t.p)->reachable));
    uint32_t contexts = t.p->contexts;
    uint32_t count = t.p->sec.count[NAS_UPLINK];
    ask_service(t.p, 1, NAS_SERVICE_DATA, 1 << 5, 1 << 5 | 1 << 6);
    const struct nas_service_accept *m = hear_accept(t.p);
    assert_true(m->has.pdu_session_status);
    assert_int_equal(m->pdu_session_status, 1 << 5 | 1 << 6);
    assert_true(m->has.pdu_session_reactivation_result);
    assert_int_equal(m->pdu_session_reactivation_result, 0);
    assert_int_equal(t.p->contexts, contexts + 1);
    uint8_t kgnb[32];
    assert_int_equal(kdf_kgnb(t.b->crypto, t.p->sec.kamf, count, KDF_ACCESS_3GPP, kgnb), OK);
    assert_memory_equal(kgnb, t.p->kgnb, 32);
    const struct asked *a = smf_next(&t);
    assert_int_equal(a->up, SBI_UpCnxState_ACTIVATING);
    assert_string_equal(a->ref, "s5");
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_RSP);
    bed_run_ms(t.b, 50);
    assert_true(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    assert_false(amf_session_by_id(phone_ue(t.p), 6)->up_active);
    expect(t.p, NAS_CONFIGURATION_UPDATE_COMMAND); /* a new GUTI */
    complete_configuration(t.p);
    assert_int_equal(bed_metric(t.b, METRIC_service_ok, 0), 1);
    uint32_t releases = t.p->releases;
    bed_run_ms(t.b, 30000); /* a user plane is active: only the gNB knows when the phone is idle */
    assert_int_equal(t.p->releases, releases);
    sessions_end(&t);
}
/* The AMF lost that the phone had registered from here: it is told a new area, where it would be paged. */
static void from_another_area(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "  guti_reallocation: required\n");
    go_idle(&t);
    struct amf_ue *ue = phone_ue(t.p);
    const struct amf_facts known = *amf_ue_facts(ue);
    struct amf_facts before = known;
    before.n_area = 1;
    before.area[0].tac[0] ^= 1;
    assert_true(amf_ue_set_facts(ue, &before));
    ask_service(t.p, 0, NAS_SERVICE_SIGNALLING, 0, -1);
    hear_accept(t.p);
    expect(t.p, NAS_CONFIGURATION_UPDATE_COMMAND);
    assert_true(amf_ue_facts(ue)->n_area == known.n_area && !memcmp(amf_ue_facts(ue)->area, known.area, sizeof known.area));
    const struct nas_configuration_update_command *m = &t.p->msg.configuration_update_command;
    assert_true(m->has.tai_list && m->tai_list.part->n == known.n_area);
    assert_int_equal(m->tai_list.part->item[0].tac, be24(known.area[0].tac));
    complete_configuration(t.p);
    sessions_end(&t);
}
static void connected_already(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "  guti_reallocation: required\n");
    establish(&t, 5);
    go_idle(&t);
    ask_service(t.p, 0, NAS_SERVICE_SIGNALLING, 0, -1);
    hear_accept(t.p);
    bed_run_ms(t.b, 50);
    smf_skip(&t);
    uint32_t contexts = t.p->contexts, setups = t.seen.setups;
    struct nas_msg m = service_request(t.p, NAS_SERVICE_DATA);
    m.service_request.has.uplink_data_status = 1;
    m.service_request.uplink_data_status = 1 << 5;
    phone_send(t.p, &m, NAS_CIPHERED);
    assert_int_equal(hear_accept(t.p)->pdu_session_reactivation_result, 0);
    assert_int_equal(smf_next(&t)->up, SBI_UpCnxState_ACTIVATING);
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_RSP);
    assert_int_equal(t.p->contexts, contexts);
    assert_int_equal(t.seen.setups, setups + 1);
    sessions_end(&t);
}
static void what_cannot_be_activated(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    go_idle(&t);
    t.smf->activate_fails = true;
    ask_service(t.p, 0, NAS_SERVICE_DATA, 1 << 5 | 1 << 9, 1 << 5);
    const struct nas_service_accept *m = hear_accept(t.p);
    assert_int_equal(m->pdu_session_reactivation_result, 1 << 5 | 1 << 9);
    assert_true(m->has.pdu_session_reactivation_result_error_cause);
    const uint8_t why[] = {5, NAS_GMM_CAUSE_INSUFFICIENT_USER_PLANE_RESOURCES_FOR_THE_PDU_SESSION};
    assert_int_equal(m->pdu_session_reactivation_result_error_cause.n, 2);
    assert_memory_equal(m->pdu_session_reactivation_result_error_cause.p, why, 2);
    sessions_end(&t);
}
static void session_status_is_brought_into_line(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    establish(&t, 6);
    go_idle(&t);
    bed_run_ms(t.b, 50);
    smf_skip(&t);
    ask_service(t.p, 0, NAS_SERVICE_SIGNALLING, 0, 1 << 6 | 1 << 7); /* 5 is gone there, 7 never was here */
    assert_int_equal(hear_accept(t.p)->pdu_session_status, 1 << 6);
    const struct asked *a = smf_next(&t);
    assert_int_equal(a->op, SBI_nsmf_pdusession_release);
    assert_string_equal(a->ref, "s5");
    sessions_end(&t);
}
static void the_gnb_refuses_a_session(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    go_idle(&t);
    bed_run_ms(t.b, 50);
    smf_skip(&t);
    t.b->refuse_sessions = 1 << 5;
    ask_service(t.p, 0, NAS_SERVICE_DATA, 1 << 5, -1);
    hear_accept(t.p);
    smf_expect(&t, update);
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_FAIL);
    assert_false(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    sessions_end(&t);
}
static void the_gnb_refuses_the_context(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    go_idle(&t);
    bed_run_ms(t.b, 50);
    smf_skip(&t);
    t.p->fail_context = true;
    ask_service(t.p, 0, NAS_SERVICE_DATA, 1 << 5, -1);
    bed_run_ms(t.b, 200);
    assert_int_equal(t.p->releases, 2);
    assert_null(phone_ue(t.p)->conn);
    smf_expect(&t, update);
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_FAIL);
    t.p->fail_context = false;
    ask_service(t.p, 0, NAS_SERVICE_DATA, 1 << 5, -1);
    hear_accept(t.p);
    sessions_end(&t);
}
static void a_gnb_that_never_answers(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    go_idle(&t);
    t.p->quiet_context = t.p->quiet_release = true;
    ask_service(t.p, 0, NAS_SERVICE_DATA, 1 << 5, -1);
    bed_run_ms(t.b, 11000);
    assert_int_equal(t.p->releases, 2); /* the context was not set up: released */
    assert_non_null(phone_ue(t.p)->conn);
    bed_run_ms(t.b, 10000); /* and that was not answered either */
    assert_null(phone_ue(t.p)->conn);
    t.p->connected = false;
    bed_run_ms(t.b, 500);
    assert_int_equal(t.smf->asked[t.smf->n_asked - 1].up, SBI_UpCnxState_DEACTIVATED);
    sessions_end(&t);
}

/* ---- rejects ---- */
static void hear_reject(struct session_bed *t, uint8_t cause)
{
    expect(t->p, NAS_SERVICE_REJECT);
    assert_int_equal(t->p->msg.service_reject.gmm_cause, cause);
    bed_run_ms(t->b, 100);
    assert_false(t->p->connected);
}
static void strangers_and_forgeries(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    go_idle(&t);
    struct nas_security before = phone_ue(t.p)->security;
    struct nas_guti guti = t.p->guti;
    t.p->guti.tmsi ^= 1;
    ask_service(t.p, 0, NAS_SERVICE_SIGNALLING, 0, -1); /* no such phone */
    hear_reject(&t, NAS_GMM_CAUSE_UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK);
    t.p->guti = guti;
    t.p->sec.k_int[3] ^= 1;
    ask_service(t.p, 0, NAS_SERVICE_SIGNALLING, 0, -1); /* somebody with its name */
    hear_reject(&t, NAS_GMM_CAUSE_UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK);
    t.p->sec.k_int[3] ^= 1;
    assert_memory_equal(&before, &phone_ue(t.p)->security, sizeof before);
    assert_null(phone_ue(t.p)->conn);
    uint8_t plain[PDU_MAX];
    struct nas_msg m = service_request(t.p, NAS_SERVICE_SIGNALLING);
    phone_begin(t.p, 0, encode(&m, plain)); /* not protected at all */
    hear_reject(&t, NAS_GMM_CAUSE_UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK);
    ask_service(t.p, 0, NAS_SERVICE_SIGNALLING, 0, -1);
    hear_accept(t.p);
    sessions_end(&t);
}
static void a_forgery_does_not_disturb_a_connected_phone(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    struct phone *liar = &t.b->phone[1];
    liar->guti = t.p->guti;
    liar->ksi = t.p->ksi;
    liar->sec = t.p->sec;
    liar->sec.k_int[0] ^= 1;
    ask_service(liar, 1, NAS_SERVICE_DATA, 1 << 5, -1);
    expect(liar, NAS_SERVICE_REJECT);
    assert_string_equal(phone_ue(t.p)->conn->gnb->id_text, "gnb-001-01-000001");
    say_sm(t.p, 6, NAS_REQUEST_INITIAL, NULL, NULL);
    hear_sm(t.p, 6, 0);
    sessions_end(&t);
}

/* ---- paging ---- */
static void downlink_data_pages(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    go_idle(&t);
    bed_run_ms(t.b, 50);
    smf_skip(&t);
    smf_transfer(t.smf, t.smf->supi, 5, (struct bytes){0}, BYTES_OF(N2_SETUP), SBI_NgapIeType_PDU_RES_SETUP_REQ, 0);
    bed_run_ms(t.b, 100);
    assert_int_equal(t.smf->transfer_status, 202);
    assert_int_equal(t.smf->transfer_cause, SBI_N1N2MessageTransferCause_ATTEMPTING_TO_REACH_UE);
    assert_int_equal(t.seen.pages[0], 1);
    assert_int_equal(t.seen.pages[1], 1);
    bed_run_ms(t.b, 2000); /* T3513 */
    assert_int_equal(t.seen.pages[0], 2);
    ask_service(t.p, 1, NAS_SERVICE_MOBILE_TERMINATED, 0, -1);
    hear_accept(t.p);
    assert_int_equal(smf_next(&t)->n2_type, SBI_N2SmInfoType_PDU_RES_SETUP_RSP); /* nothing else was asked */
    bed_run_ms(t.b, 100);
    assert_true(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    expect(t.p, NAS_CONFIGURATION_UPDATE_COMMAND); /* TS 33.501 6.12.3 */
    bed_run_ms(t.b, 3000);
    assert_int_equal(t.seen.pages[0], 2);
    assert_int_equal(t.smf->failures, 0);
    assert_int_equal(bed_metric(t.b, METRIC_paging_ok, 0), 1);
    sessions_end(&t);
}
static void signalling_pages(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    go_idle(&t);
    smf_transfer(t.smf, t.smf->supi, 5, BYTES_OF(N1_REJECT), BYTES_OF(N2_RELEASE), SBI_NgapIeType_PDU_RES_REL_CMD, 0);
    bed_run_ms(t.b, 100);
    assert_int_equal(t.smf->transfer_status, 202);
    ask_service(t.p, 0, NAS_SERVICE_MOBILE_TERMINATED, 0, -1);
    hear_accept(t.p);
    uint8_t first = phone_next(t.p), second = phone_next(t.p); /* a new GUTI, and the session's message */
    assert_true((first == NAS_DL_NAS_TRANSPORT) != (second == NAS_DL_NAS_TRANSPORT));
    assert_int_equal(t.seen.releases, 0); /* the gNB has nothing of it */
    assert_false(amf_sm_pending(phone_ue(t.p)));
    sessions_end(&t);
}
static void nobody_answers(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    go_idle(&t);
    smf_transfer(t.smf, t.smf->supi, 5, (struct bytes){0}, BYTES_OF(N2_SETUP), SBI_NgapIeType_PDU_RES_SETUP_REQ, 3);
    bed_run_ms(t.b, 100);
    smf_transfer(t.smf, t.smf->supi, 5, (struct bytes){0}, BYTES_OF(N2_SETUP), SBI_NgapIeType_PDU_RES_SETUP_REQ, 9);
    bed_run_ms(t.b, 50);
    assert_int_equal(t.smf->transfer_status, 409);
    assert_string_equal(t.smf->transfer_problem, "HIGHER_PRIORITY_REQUEST_ONGOING");
    bed_run_ms(t.b, 8000);
    assert_int_equal(t.seen.pages[0], 4);
    assert_int_equal(t.smf->failures, 1);
    assert_non_null(strstr(t.smf->failure_uri, "/n1-n2-messages/"));
    assert_false(amf_sm_pending(phone_ue(t.p)));
    assert_int_equal(bed_metric(t.b, METRIC_paging_failed, 0), 1);
    phone_ue(t.p)->ppf = false; /* its mobile reachable timer has expired */
    smf_transfer(t.smf, t.smf->supi, 5, (struct bytes){0}, BYTES_OF(N2_SETUP), SBI_NgapIeType_PDU_RES_SETUP_REQ, 0);
    bed_run_ms(t.b, 50);
    assert_int_equal(t.smf->transfer_status, 504);
    assert_string_equal(t.smf->transfer_problem, "UE_NOT_REACHABLE");
    sessions_end(&t);
}
static void data_while_it_is_let_go(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    t.p->quiet_release = true;
    struct ngap_UEContextReleaseRequest m = {.AMF_UE_NGAP_ID = t.p->amf_id, .RAN_UE_NGAP_ID = t.p->ran_id};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.Cause = 1;
    gnb_send(&t.b->gnb[0], NGAP_MSG_UEContextReleaseRequest, &m, 1);
    bed_run_ms(t.b, 50);
    smf_transfer(t.smf, t.smf->supi, 5, (struct bytes){0}, BYTES_OF(N2_SETUP), SBI_NgapIeType_PDU_RES_SETUP_REQ, 0);
    bed_run_ms(t.b, 50);
    assert_int_equal(t.smf->transfer_status, 202);
    assert_int_equal(t.seen.pages[0], 0);
    bed_run_ms(t.b, 6000); /* the gNB never says that it is done */
    t.p->connected = false;
    assert_true(t.seen.pages[0] >= 1);
    t.p->quiet_release = false;
    ask_service(t.p, 0, NAS_SERVICE_MOBILE_TERMINATED, 0, -1);
    hear_accept(t.p);
    bed_run_ms(t.b, 100);
    assert_true(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    sessions_end(&t);
}

/* ---- associations ---- */
static void a_lost_association(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    establish(&t, 5);
    bed_run_ms(t.b, 50);
    smf_skip(&t);
    gnb_stop(&t.b->gnb[0]);
    t.p->connected = false;
    bed_run_ms(t.b, 200);
    assert_null(phone_ue(t.p)->conn);
    assert_int_equal(smf_next(&t)->up, SBI_UpCnxState_DEACTIVATED);
    assert_int_equal(bed_amf(t.b)->ues->conns.used, 0);
    ask_service(t.p, 1, NAS_SERVICE_DATA, 1 << 5, -1); /* it finds the other gNB */
    hear_accept(t.p);
    bed_run_ms(t.b, 100);
    assert_true(amf_session_by_id(phone_ue(t.p), 5)->up_active);
    sessions_end(&t);
}
/* The association dies after each number of microseconds of a service request and an establishment. */
static void cut_anywhere(void **state)
{
    for (uint32_t at = 0; at < 3000; at += 150) {
        struct session_bed t;
        sessions_begin(&t, "");
        establish(&t, 5);
        go_idle(&t);
        ask_service(t.p, 0, NAS_SERVICE_DATA, 1 << 5, -1);
        bed_run_ms(t.b, 0);
        world_run(t.b->w, at);
        if (t.p->has_amf_id)
            say_sm(t.p, 6, NAS_REQUEST_INITIAL, NULL, NULL);
        world_run(t.b->w, at / 2);
        gnb_stop(&t.b->gnb[0]);
        t.p->connected = false;
        bed_run_ms(t.b, 5000);
        assert_null(phone_ue(t.p)->conn);
        LIST_EACH (it, &phone_ue(t.p)->sessions)
            assert_false(CONTAINER(it, struct amf_session, on_ue)->up_active);
        ask_service(t.p, 1, NAS_SERVICE_DATA, 1 << 5, -1);
        hear_accept(t.p);
        sessions_end(&t);
    }
}
static void many_sessions_are_told_a_few_at_a_time(void **state)
{
    struct session_bed t;
    sessions_begin(&t, "");
    for (uint8_t id = 1; id <= AMF_SESSIONS_A_UE; id++)
        establish(&t, id);
    smf_skip(&t);
    t.smf->update_status = 503; /* twice in vain */
    gnb_stop(&t.b->gnb[0]);
    t.p->connected = false;
    bed_run_ms(t.b, 500);
    assert_int_equal(t.smf->n_asked - t.smf->seen, AMF_SESSIONS_A_UE);
    smf_skip(&t);
    t.smf->update_status = 0;
    t.smf->n_asked = t.smf->seen = 0;
    bed_run_ms(t.b, 2000);
    assert_int_equal(t.smf->n_asked, AMF_SESSIONS_A_UE);
    sessions_end(&t);
}

static int run(void)
{
    return RUN(unit(idle_and_back), unit(from_another_area), unit(connected_already), unit(what_cannot_be_activated),
               unit(session_status_is_brought_into_line), unit(the_gnb_refuses_a_session),
               unit(the_gnb_refuses_the_context), unit(a_gnb_that_never_answers), unit(strangers_and_forgeries),
               unit(a_forgery_does_not_disturb_a_connected_phone), unit(downlink_data_pages), unit(signalling_pages),
               unit(nobody_answers), unit(data_while_it_is_let_go), unit(a_lost_association), unit(cut_anywhere),
               unit(many_sessions_are_told_a_few_at_a_time));
}
int main(void)
{
    int e = run();
    as_json = true;
    return e + run();
}
