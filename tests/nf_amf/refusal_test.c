/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations that are refused or come to nothing: each cause of TS 24.501 5.5.1.2.5 that is used, the abnormal
 * cases of 5.4.1 to 5.4.3. After each, nothing is left of it. */
#include "tests/nf_amf/phone.h"

/* The phone is told this cause, its connection is released, the core knows it not. */
static void refused(struct phone *p, uint8_t cause)
{
    expect(p, NAS_REGISTRATION_REJECT);
    assert_int_equal(p->msg.registration_reject.gmm_cause, cause);
    bed_run_ms(p->bed, 100);
    assert_int_equal(p->releases, 1);
    assert_null(phone_ue(p));
    assert_int_equal(bed_amf(p->bed)->ues->conns.used, 0);
    assert_int_equal(bed_amf(p->bed)->ues->ues.used, 0);
    assert_int_equal(bed_metric(p->bed, METRIC_reg_failed, cause), 1);
}
static void gone(struct phone *p)
{
    bed_run_ms(p->bed, 100);
    assert_int_equal(p->releases, 1);
    assert_int_equal(bed_amf(p->bed)->ues->conns.used, 0);
    assert_int_equal(bed_amf(p->bed)->ues->ues.used, 0);
}
static void begin(struct phone *p)
{
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
}
static void to_security_mode(struct phone *p)
{
    begin(p);
    phone_authenticate(p);
    expect(p, NAS_SECURITY_MODE_COMMAND);
    phone_take_keys(p);
}

/* ---- identity ---- */
static void unknown_subscriber(void **state)
{
    struct bed *b = bed_new();
    begin(&b->phone[3]);
    refused(&b->phone[3], NAS_GMM_CAUSE_ILLEGAL_UE);
    bed_free(b);
}
static void no_identity(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    p->has_guti = true;
    p->guti = (struct nas_guti){{0x00, 0xf1, 0x10}, 2, 1, 0, 1};
    begin(p);
    for (int i = 0; i < 5; i++) /* T3570 */
        expect(p, NAS_IDENTITY_REQUEST);
    assert_int_equal(bed_metric(b, METRIC_retransmissions, 0), 4);
    refused(p, NAS_GMM_CAUSE_UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK);
    bed_free(b);
}
static void an_imei_is_no_identity_without_protection(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg id;
    p->has_guti = true;
    begin(p);
    expect(p, NAS_IDENTITY_REQUEST);
    nas_msg_init(&id, NAS_IDENTITY_RESPONSE);
    id.identity_response.mobile_identity.type = NAS_ID_IMEI;
    memcpy(id.identity_response.mobile_identity.digits, "356938035643809", 16);
    phone_send(p, &id, NAS_PLAIN);
    expect(p, NAS_IDENTITY_REQUEST);
    say_suci(p, &id.identity_response.mobile_identity);
    phone_send(p, &id, NAS_PLAIN);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    bed_free(b);
}
static void an_oversized_suci(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t plain[PDU_MAX], output[1500];
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    memset(output, 0x5a, sizeof output);
    m.registration_request.fivegs_mobile_identity.suci.scheme = 1;
    m.registration_request.fivegs_mobile_identity.suci.output = BYTES_OF(output);
    phone_begin(p, 0, encode(&m, plain));
    expect(p, NAS_IDENTITY_REQUEST);
    struct nas_msg id;
    nas_msg_init(&id, NAS_IDENTITY_RESPONSE);
    id.identity_response.mobile_identity = m.registration_request.fivegs_mobile_identity;
    for (int i = 0; i < 5; i++) {
        phone_send(p, &id, NAS_PLAIN);
        if (i < 4)
            expect(p, NAS_IDENTITY_REQUEST);
    }
    refused(p, NAS_GMM_CAUSE_UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK);
    bed_free(b);
}

/* ---- authentication ---- */
static void rejected(struct phone *p)
{
    expect(p, NAS_AUTHENTICATION_REJECT);
    assert_int_equal(p->header.security, NAS_PLAIN);
    gone(p);
}
static void wrong_key(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t res[16], auts[14];
    p->key.k[0] ^= 1;
    begin(p);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    assert_int_equal(phone_challenge(p, res, auts), ERR_MAC);
    struct nas_msg m = authentication_failure(NAS_GMM_CAUSE_MAC_FAILURE, NULL);
    phone_send(p, &m, NAS_PLAIN);
    rejected(p);
    assert_int_equal(bed_metric(b, METRIC_auth_failed, NAS_GMM_CAUSE_MAC_FAILURE), 1);
    bed_free(b);
}
static void wrong_response(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t res[16], auts[14];
    begin(p);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    assert_int_equal(phone_challenge(p, res, auts), OK);
    res[15] ^= 1;
    struct nas_msg m = authentication_response(res);
    phone_send(p, &m, NAS_PLAIN);
    rejected(p);
    assert_int_equal(bed_metric(b, METRIC_auth_ok, 0), 0);
    bed_free(b);
}
/* A SIM that is ahead of the network: one resynchronisation, and it goes on; a second one ends it. */
static void ahead(struct phone *p)
{
    for (uint32_t i = 0; i < AKA_IND_COUNT; i++)
        p->sqns.seq[i] = 5000;
}
static void resynchronisation(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t res[16], auts[14];
    ahead(p);
    begin(p);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    assert_int_equal(phone_challenge(p, res, auts), ERR_REPLAY);
    struct nas_msg m = authentication_failure(NAS_GMM_CAUSE_SYNCH_FAILURE, auts);
    phone_send(p, &m, NAS_PLAIN);
    phone_authenticate(p);
    phone_security(p, NULL);
    expect(p, NAS_REGISTRATION_ACCEPT);
    bed_free(b);
}
static void second_resynchronisation(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t res[16], auts[14];
    ahead(p);
    begin(p);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    assert_int_equal(phone_challenge(p, res, auts), ERR_REPLAY);
    struct nas_msg m = authentication_failure(NAS_GMM_CAUSE_SYNCH_FAILURE, auts);
    phone_send(p, &m, NAS_PLAIN);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    phone_send(p, &m, NAS_PLAIN);
    rejected(p);
    bed_free(b);
}
static void forged_auts(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t auts[14] = {1, 2, 3};
    begin(p);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    struct nas_msg m = authentication_failure(NAS_GMM_CAUSE_SYNCH_FAILURE, auts);
    phone_send(p, &m, NAS_PLAIN);
    refused(p, NAS_GMM_CAUSE_ILLEGAL_UE);
    bed_free(b);
}
static void ksi_in_use(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    begin(p);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    uint8_t first = p->msg.authentication_request.ngksi.value;
    struct nas_msg m = authentication_failure(NAS_GMM_CAUSE_NGKSI_ALREADY_IN_USE, NULL);
    phone_send(p, &m, NAS_PLAIN);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    assert_int_not_equal(p->msg.authentication_request.ngksi.value, first);
    assert_int_not_equal(p->msg.authentication_request.ngksi.value, NAS_KSI_NONE);
    bed_free(b);
}
static void no_answer_to_the_challenge(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    begin(p);
    for (int i = 0; i < 5; i++) /* T3560 */
        expect(p, NAS_AUTHENTICATION_REQUEST);
    bed_run_ms(b, 7000);
    gone(p);
    assert_int_equal(p->taken, p->n_in);
    bed_free(b);
}
static void ausf_says_not_here(void *nf, struct call *c) { call_problem(c, 403, "SERVING_NETWORK_NOT_AUTHORIZED", NULL); }
static void ausf_says_later(void *nf, struct call *c) { call_problem(c, 503, "NF_CONGESTION", NULL); }
static void serving_network_not_authorized(void **state)
{
    struct bed *b = bed_new();
    b->rt.nf[SBI_NF_AUSF]->fn[SBI_nausf_auth_post] = ausf_says_not_here;
    begin(&b->phone[0]);
    refused(&b->phone[0], NAS_GMM_CAUSE_SERVING_NETWORK_NOT_AUTHORIZED);
    bed_free(b);
}
static void ausf_is_congested(void **state)
{
    struct bed *b = bed_new();
    b->rt.nf[SBI_NF_AUSF]->fn[SBI_nausf_auth_post] = ausf_says_later;
    begin(&b->phone[0]);
    refused(&b->phone[0], NAS_GMM_CAUSE_CONGESTION);
    assert_true(b->phone[0].msg.registration_reject.has.t3346_value);
    assert_true(nas_timer_s(b->phone[0].msg.registration_reject.t3346_value) >= 4);
    bed_free(b);
}
static void no_ausf(void **state)
{
    struct bed *b = bed_new();
    nf_stop(&b->rt, SBI_NF_AUSF);
    begin(&b->phone[0]);
    refused(&b->phone[0], NAS_GMM_CAUSE_CONGESTION);
    bed_free(b);
}

/* ---- security mode ---- */
static void no_common_algorithm(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    p->cap = (struct nas_ue_security_capability){.n = 2, .octet = {0x80, 0x80}}; /* null only */
    begin(p);
    phone_authenticate(p);
    refused(p, NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH);
    bed_free(b);
}
static void null_ciphering_is_not_chosen_unless_allowed(void **state)
{
    struct bed *b = bed_new_with("  ciphering: [NEA0, NEA2]\n  unsafe_null_ciphering: true\n", NULL, 0);
    to_security_mode(&b->phone[0]);
    assert_int_equal(b->phone[0].sec.nea, 0);
    assert_int_equal(b->phone[0].sec.nia, 2);
    bed_free(b);
    b = bed_new();
    b->phone[0].cap = (struct nas_ue_security_capability){.n = 2, .octet = {0x80, 0x70}};
    begin(&b->phone[0]);
    phone_authenticate(&b->phone[0]);
    refused(&b->phone[0], NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH);
    bed_free(b);
}
static void the_phone_sees_altered_capabilities(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg m;
    to_security_mode(p);
    nas_msg_init(&m, NAS_SECURITY_MODE_REJECT);
    m.security_mode_reject.gmm_cause = NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH;
    phone_send(p, &m, NAS_PLAIN);
    gone(p);
    assert_non_null(strstr(b->text, "ue_capability_altered"));
    bed_free(b);
}
/* Somebody on the way took the better algorithms out of the clear request; the whole request tells. */
static void the_network_sees_altered_capabilities(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg whole = registration(p, NAS_REG_INITIAL), clear = whole;
    clear.registration_request.ue_security_capability.octet[0] = 0xc0; /* NEA1 alone */
    clear.registration_request.ue_security_capability.octet[1] = 0x40;
    phone_register_plain(p, 0, &clear);
    phone_authenticate(p);
    expect(p, NAS_SECURITY_MODE_COMMAND);
    phone_take_keys(p);
    assert_int_equal(p->sec.nea, 1);
    whole = registration(p, NAS_REG_INITIAL);
    phone_complete_security(p, &whole);
    refused(p, NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH);
    assert_int_equal(p->header.security, NAS_CIPHERED); /* in a way that the phone believes */
    assert_non_null(strstr(b->text, "ue_capability_altered"));
    bed_free(b);
}
static void no_answer_to_security_mode(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    begin(p);
    phone_authenticate(p);
    for (int i = 0; i < 5; i++)
        expect(p, NAS_SECURITY_MODE_COMMAND);
    bed_run_ms(b, 7000);
    gone(p);
    bed_free(b);
}
/* Complete without the right MAC, or plain, is not there. */
static void security_mode_complete_must_be_protected(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg m;
    to_security_mode(p);
    nas_msg_init(&m, NAS_SECURITY_MODE_COMPLETE);
    phone_send(p, &m, NAS_PLAIN);
    expect(p, NAS_SECURITY_MODE_COMMAND); /* the next one, by T3560 */
    p->sec.k_int[0] ^= 1;
    phone_send(p, &m, NAS_CIPHERED_NEW);
    p->sec.k_int[0] ^= 1;
    p->sec.count[NAS_UPLINK] = 0;
    expect(p, NAS_SECURITY_MODE_COMMAND);
    assert_int_equal(bed_metric(b, METRIC_nas_bad_mac, 0), 1);
    assert_int_equal(bed_metric(b, METRIC_nas_bad_plain, 0), 1);
    phone_send(p, &m, NAS_CIPHERED_NEW);
    p->sec.count[NAS_DOWNLINK] += 2; /* the commands that were not opened here */
    expect(p, NAS_REGISTRATION_ACCEPT);
    bed_free(b);
}

/* ---- subscription ---- */
static void udm_has_no_data(void *nf, struct call *c) { call_problem(c, 404, "DATA_NOT_FOUND", NULL); }
static void udm_forbids(void *nf, struct call *c) { call_problem(c, 403, "ROAMING_NOT_ALLOWED", NULL); }
static void udm_forbids_nr(void *nf, struct call *c)
{
    static const enum sbi_RatType nr[] = {SBI_RatType_NR};
    SBI_RSP(nudm_sdm_get) *r = c->rsp;
    r->has.am_data = r->am_data.has.rat_restrictions = true;
    r->am_data.rat_restrictions.p = nr;
    r->am_data.rat_restrictions.n = 1;
    call_reply(c, 200);
}
static void after_security(struct phone *p)
{
    begin(p);
    phone_authenticate(p);
    phone_security(p, NULL);
}
static void refused_by_the_subscription(void **state)
{
    static const struct {
        enum sbi_op op;
        void (*fn)(void *, struct call *);
        uint8_t cause;
    } rows[] = {
        {SBI_nudm_sdm_get, udm_has_no_data, NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED},
        {SBI_nudm_sdm_get, ausf_says_later, NAS_GMM_CAUSE_CONGESTION},
        {SBI_nudm_sdm_get, udm_forbids_nr, NAS_GMM_CAUSE_N1_MODE_NOT_ALLOWED},
        {SBI_nudm_uecm_amf_register, udm_has_no_data, NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED},
        {SBI_nudm_uecm_amf_register, udm_forbids, NAS_GMM_CAUSE_PLMN_NOT_ALLOWED},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed *b = bed_new();
        b->rt.nf[SBI_NF_UDM]->fn[rows[i].op] = rows[i].fn;
        after_security(&b->phone[0]);
        refused(&b->phone[0], rows[i].cause);
        assert_int_equal(b->phone[0].header.security, NAS_CIPHERED);
        bed_free(b);
    }
}
/* Changes cannot be subscribed to: no reason to refuse the phone. */
static void without_sdm_subscription(void **state)
{
    struct bed *b = bed_new();
    b->rt.nf[SBI_NF_UDM]->fn[SBI_nudm_sdm_subscribe] = ausf_says_later;
    after_security(&b->phone[0]);
    expect(&b->phone[0], NAS_REGISTRATION_ACCEPT);
    bed_free(b);
}

/* ---- slices and places ---- */
static void no_slice_here_(bool nssf)
{
    struct bed *b = bed_new();
    if (!nssf)
        nf_stop(&b->rt, SBI_NF_NSSF);
    struct phone *p = &b->phone[0];
    const struct nas_s_nssai wanted = {.sst = 1};
    p->tac = 2; /* where only 2-000009 is, and the default is 1 */
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    m.registration_request.has.requested_nssai = 1;
    m.registration_request.requested_nssai = (struct nas_nssai){1, &wanted};
    phone_register_plain(p, 0, &m);
    phone_authenticate(p);
    m = registration(p, NAS_REG_INITIAL);
    m.registration_request.has.requested_nssai = 1;
    m.registration_request.requested_nssai = (struct nas_nssai){1, &wanted};
    phone_security(p, &m);
    refused(p, NAS_GMM_CAUSE_NO_NETWORK_SLICES_AVAILABLE);
    const struct nas_registration_reject *r = &p->msg.registration_reject;
    assert_int_equal(r->rejected_nssai.n, 1);
    assert_int_equal(r->rejected_nssai.item[0].s_nssai.sst, 1);
    assert_int_equal(r->rejected_nssai.item[0].cause, 1); /* in this registration area */
    bed_free(b);
}
static void no_slice_here(void **state)
{
    no_slice_here_(true);
    no_slice_here_(false);
}
static void slices_that_may_and_may_not_(bool nssf)
{
    struct bed *b = bed_new();
    if (!nssf)
        nf_stop(&b->rt, SBI_NF_NSSF);
    struct phone *p = &b->phone[0];
    const struct nas_s_nssai wanted[] = {{.sst = 2, .has_sd = true, .sd = 9}, {.sst = 77}};
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    phone_authenticate(p);
    m = registration(p, NAS_REG_INITIAL);
    m.registration_request.has.requested_nssai = 1;
    m.registration_request.requested_nssai = (struct nas_nssai){2, wanted};
    phone_security(p, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    const struct nas_registration_accept *r = &p->msg.registration_accept;
    assert_int_equal(r->allowed_nssai.n, 1);
    assert_int_equal(r->allowed_nssai.item[0].sd, 9);
    assert_int_equal(r->rejected_nssai.n, 1);
    assert_int_equal(r->rejected_nssai.item[0].s_nssai.sst, 77);
    assert_int_equal(r->rejected_nssai.item[0].cause, 0); /* in the network */
    assert_int_equal(r->configured_nssai.n, 2);
    bed_free(b);
}
static void slices_that_may_and_may_not(void **state)
{
    slices_that_may_and_may_not_(true);
    slices_that_may_and_may_not_(false);
}
static void not_in_this_place(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    p->tac = 3; /* served, but not by this node */
    begin(p);
    refused(p, NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA);
    bed_free(b);
}
static void no_emergency_and_the_like(void **state)
{
    static const struct {
        uint8_t type, cause;
    } rows[] = {{NAS_REG_EMERGENCY, NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED},
                {NAS_REG_SNPN_ONBOARDING, NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED},
                {NAS_REG_DISASTER_INITIAL, NAS_GMM_CAUSE_DISASTER_ROAMING_NOT_ALLOWED}};
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed *b = bed_new();
        struct nas_msg m = registration(&b->phone[0], rows[i].type);
        phone_register_plain(&b->phone[0], 0, &m);
        refused(&b->phone[0], rows[i].cause);
        bed_free(b);
    }
}
static void without_capabilities(void **state)
{
    struct bed *b = bed_new();
    struct nas_msg m = registration(&b->phone[0], NAS_REG_INITIAL);
    m.registration_request.has.ue_security_capability = 0;
    phone_register_plain(&b->phone[0], 0, &m);
    refused(&b->phone[0], NAS_GMM_CAUSE_INVALID_MANDATORY_INFORMATION);
    bed_free(b);
}
/* As many as configured are registered. */
static void full(void **state)
{
    struct bed *b = bed_new_with("", NULL, 0);
    struct amf *amf = bed_amf(b);
    struct amf_ue *others[64];
    for (uint32_t i = 0; i < 64; i++) {
        char supi[32];
        snprintf(supi, sizeof supi, "imsi-99999000000%04u", i);
        others[i] = amf_ue_take(amf, str_of(supi));
        assert_non_null(others[i]);
    }
    assert_null(amf_ue_take(amf, STR("imsi-999990000009999")));
    after_security(&b->phone[0]);
    expect(&b->phone[0], NAS_REGISTRATION_REJECT);
    assert_int_equal(b->phone[0].msg.registration_reject.gmm_cause, NAS_GMM_CAUSE_CONGESTION);
    for (uint32_t i = 0; i < 64; i++)
        amf_ue_drop(others[i]);
    bed_run_ms(b, 100);
    gone(&b->phone[0]);
    bed_free(b);
}

int main(void)
{
    return RUN(unit(unknown_subscriber), unit(no_identity), unit(an_imei_is_no_identity_without_protection),
               unit(an_oversized_suci), unit(wrong_key), unit(wrong_response), unit(resynchronisation),
               unit(second_resynchronisation), unit(forged_auts), unit(ksi_in_use), unit(no_answer_to_the_challenge),
               unit(serving_network_not_authorized), unit(ausf_is_congested), unit(no_ausf), unit(no_common_algorithm),
               unit(null_ciphering_is_not_chosen_unless_allowed), unit(the_phone_sees_altered_capabilities),
               unit(the_network_sees_altered_capabilities), unit(no_answer_to_security_mode),
               unit(security_mode_complete_must_be_protected), unit(refused_by_the_subscription),
               unit(without_sdm_subscription), unit(no_slice_here), unit(slices_that_may_and_may_not),
               unit(not_in_this_place), unit(no_emergency_and_the_like), unit(without_capabilities), unit(full));
}
