/* SPDX-License-Identifier: Apache-2.0 */
/* Registration as it should go: TS 24.501 5.5.1, TS 33.501 6.1.3, 6.7.2, 6.8.1. */
#include "tests/nf_amf/phone.h"

static void a_phone_registers(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    phone_authenticate(p);
    expect(p, NAS_SECURITY_MODE_COMMAND);
    const struct nas_security_mode_command *smc = &p->msg.security_mode_command;
    assert_int_equal(smc->selected_nas_security_algorithms.integrity, 2);
    assert_int_equal(smc->selected_nas_security_algorithms.ciphering, 2);
    assert_memory_equal(smc->replayed_ue_security_capabilities.octet, p->cap.octet, 2);
    assert_true(smc->has.imeisv_request);
    assert_int_equal(smc->additional_fiveg_security_information, NAS_SECURITY_RINMR);
    phone_take_keys(p);
    phone_complete_security(p, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    const struct nas_registration_accept *r = &p->msg.registration_accept;
    assert_int_equal(r->fivegs_registration_result, NAS_REG_RESULT_3GPP);
    assert_true(r->has.fiveg_guti && r->has.tai_list && r->has.t3512_value);
    assert_int_equal(r->allowed_nssai.n, 1);
    assert_int_equal(r->allowed_nssai.item[0].sst, 1);
    assert_int_equal(r->configured_nssai.n, 2); /* it did not know what to ask for */
    assert_int_equal(nas_timer3_s(r->t3512_value), 3600); /* 54 minutes cannot be said: TS 24.008 10.5.163a */
    assert_int_equal(r->tai_list.part[0].item[0].tac, 1);
    phone_take_guti(p);
    assert_int_equal(p->guti.region, 2);
    /* in an Initial Context Setup, with the KgNB of the COUNT of SECURITY MODE COMPLETE */
    uint8_t kgnb[32];
    assert_int_equal(p->contexts, 1);
    assert_int_equal(kdf_kgnb(b->crypto, p->kamf, 0, KDF_ACCESS_3GPP, kgnb), OK);
    assert_memory_equal(kgnb, p->kgnb, 32);
    assert_int_equal(p->ambr_down, 1000000000);
    assert_int_equal(p->n_ngap_allowed, 1);
    assert_memory_equal(p->masked_imeisv, "\x35\x69\x38\x03\x56\xff\xff\x91", 8);
    phone_complete(p);
    expect(p, NAS_CONFIGURATION_UPDATE_COMMAND);
    char name[32];
    assert_true(nas_network_name_text(p->msg.configuration_update_command.full_name_for_network, name, sizeof name) > 0);
    assert_string_equal(name, "Redoubt");
    struct amf_ue *ue = phone_ue(p);
    assert_non_null(ue);
    assert_true(amf_ue_is_registered(ue));
    assert_int_equal(ue->tmsi, p->guti.tmsi);
    assert_int_equal(ue->new_tmsi, 0);
    assert_string_equal(ue->pei, "imeisv-3569380356438091");
    assert_int_equal(amf_ue_dnns(ue)->n, 1);
    assert_string_equal(amf_ue_dnns(ue)->v[0].name, "internet");
    assert_true(brief_is_set(&ue->sdm_id) && ue->at_udm);
    assert_true(sizeof *ue + sizeof(struct amf_conn) <= 1500);
    assert_int_equal(bed_metric(b, METRIC_reg_initial_ok, 0), 1);
    assert_int_equal(bed_metric(b, METRIC_ues_registered, 0), 1);
    expect_silence(p, 5000); /* it goes on: it said so */
    assert_int_equal(p->releases, 0);
    bed_free(b);
}
/* No follow-on request, nothing pending: the connection goes after a moment, the context stays. */
static void the_connection_is_released_when_nothing_follows(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    m.registration_request.fivegs_registration_type.follow_on = false;
    phone_register_plain(p, 0, &m);
    phone_authenticate(p);
    phone_security(p, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_complete(p);
    bed_run_ms(b, 4000);
    assert_int_equal(p->releases, 1);
    assert_int_equal(p->release_cause.sel, NGAP_Cause_nas);
    assert_int_equal(bed_amf(b)->ues->conns.used, 0);
    assert_true(amf_ue_is_registered(phone_ue(p)));
    bed_free(b);
}
/* A verified GUTI: neither identity nor authentication, another GUTI, KgNB of the request's COUNT. */
static void a_known_phone_registers_again(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    phone_register(p, 0);
    uint32_t first = p->guti.tmsi;
    struct nas_msg m = registration(p, NAS_REG_MOBILITY);
    uint32_t count = p->sec.count[NAS_UPLINK];
    phone_register_protected(p, 1, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    assert_int_not_equal(p->guti.tmsi, first);
    uint8_t kgnb[32];
    assert_int_equal(kdf_kgnb(b->crypto, p->kamf, count, KDF_ACCESS_3GPP, kgnb), OK);
    assert_memory_equal(kgnb, p->kgnb, 32);
    phone_complete(p);
    bed_run_ms(b, 100);
    assert_int_equal(phone_ue(p)->tmsi, p->guti.tmsi);
    assert_null(amf_ue_by_tmsi(bed_amf(b), first));
    assert_int_equal(bed_metric(b, METRIC_auth_try, 0), 1);
    assert_int_equal(bed_metric(b, METRIC_reg_mobility_ok, 0), 1);
    assert_int_equal(bed_amf(b)->ues->ues.used, 1);
    bed_free(b);
}
static void periodic_registration(void **state)
{
    struct bed *b = bed_new_with("  guti_reallocation: required\n", NULL, 0);
    struct phone *p = &b->phone[0];
    phone_register(p, 0);
    uint32_t first = p->guti.tmsi;
    struct nas_msg m = registration(p, NAS_REG_PERIODIC);
    m.registration_request.fivegs_registration_type.follow_on = false;
    phone_register_protected(p, 0, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    assert_false(p->msg.registration_accept.has.fiveg_guti);
    assert_int_equal(phone_ue(p)->tmsi, first);
    bed_run_ms(b, 4000);
    assert_int_equal(p->releases, 1);
    assert_int_equal(bed_metric(b, METRIC_reg_periodic_ok, 0), 1);
    bed_free(b);
}
/* A GUTI of nobody: the phone is asked for its SUCI. */
static void an_unknown_guti_is_asked_for_the_suci(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    p->has_guti = true;
    p->guti = (struct nas_guti){{0x00, 0xf1, 0x10}, 2, 1, 0, 0x0badcafe};
    struct nas_msg m = registration(p, NAS_REG_MOBILITY);
    phone_register_plain(p, 0, &m);
    expect(p, NAS_IDENTITY_REQUEST);
    assert_int_equal(p->msg.identity_request.identity_type, NAS_ID_SUCI);
    struct nas_msg id;
    nas_msg_init(&id, NAS_IDENTITY_RESPONSE);
    say_suci(p, &id.identity_response.mobile_identity);
    phone_send(p, &id, NAS_PLAIN);
    phone_authenticate(p);
    phone_security(p, &m);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_complete(p);
    bed_run_ms(b, 100);
    assert_true(amf_ue_is_registered(phone_ue(p)));
    bed_free(b);
}

/* EAP-AKA', TS 33.501 6.1.3.1: the challenge in AUTHENTICATION REQUEST, the success in SECURITY MODE COMMAND. */
static struct nas_msg eap_answer(struct phone *p, bool right, uint8_t k_aut[32], uint8_t out[512])
{
    struct crypto *c = p->bed->crypto;
    const struct nas_authentication_request *q = &p->msg.authentication_request;
    struct eap_aka eap;
    struct aka_usim_result r;
    struct eap_aka_keys keys;
    uint8_t ck[16], ik[16], kseaf[32];
    char name[SERVING_NETWORK_NAME];
    serving_network_name(PLMN, name);
    assert_true(q->has.eap_message && !q->has.authentication_parameter_rand);
    assert_int_equal(eap_aka_parse(q->eap_message, &eap), OK);
    assert_int_equal(aka_usim(c, &p->key, &p->sqns, eap.rand, eap.autn, &r), OK);
    assert_int_equal(kdf_ck_ik_prime(c, r.ck, r.ik, str_of(name), eap.autn, ck, ik), OK);
    assert_int_equal(kdf_eap_aka_prime(c, ck, ik, (struct bytes){(const uint8_t *)p->imsi, 15}, &keys), OK);
    assert_int_equal(eap_aka_check_mac(c, keys.k_aut, q->eap_message, &eap), OK);
    assert_int_equal(kdf_kseaf(c, keys.emsk, str_of(name), kseaf), OK);
    assert_int_equal(kdf_kamf(c, kseaf, str_of(p->imsi), q->abba, p->kamf), OK);
    r.res[0] ^= right ? 0 : 1;
    memcpy(k_aut, keys.k_aut, 32);
    int n = eap_aka_challenge_response(c, eap.id, (struct bytes){r.res, r.res_n}, keys.k_aut, out, 512);
    assert_true(n > 0);
    struct nas_msg m;
    nas_msg_init(&m, NAS_AUTHENTICATION_RESPONSE);
    m.authentication_response.has.eap_message = 1;
    m.authentication_response.eap_message = (struct bytes){out, (uint32_t)n};
    return m;
}
static void with_eap_aka_prime(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t out[512], k_aut[32];
    bed_subscriber(b, "imsi-001010000000001", SUBSCRIBER_AUTH_EAP_AKA_PRIME);
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    m = eap_answer(p, true, k_aut, out);
    phone_send(p, &m, NAS_PLAIN);
    expect(p, NAS_SECURITY_MODE_COMMAND);
    const struct nas_security_mode_command *smc = &p->msg.security_mode_command;
    assert_true(smc->has.eap_message && smc->has.abba);
    assert_int_equal(smc->eap_message.p[0], 3); /* success */
    phone_take_keys(p);
    phone_complete_security(p, NULL);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_complete(p);
    bed_run_ms(b, 100);
    assert_true(amf_ue_is_registered(phone_ue(p)));
    bed_free(b);
}
static void with_eap_aka_prime_in_vain(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t out[512], k_aut[32];
    bed_subscriber(b, "imsi-001010000000001", SUBSCRIBER_AUTH_EAP_AKA_PRIME);
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    phone_register_plain(p, 0, &m);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    m = eap_answer(p, false, k_aut, out);
    phone_send(p, &m, NAS_PLAIN);
    expect(p, NAS_AUTHENTICATION_REQUEST); /* RFC 4187 6.3.1: told of it first, and it says that it has heard */
    struct eap_aka eap;
    struct bytes told = p->msg.authentication_request.eap_message;
    assert_int_equal(eap_aka_parse(told, &eap), OK);
    assert_true(eap.notification >= 0);
    int n = eap_aka_notification(b->crypto, EAP_RESPONSE, eap.id, (uint16_t)eap.notification,
                                 eap.notification & 0x4000 ? NULL : k_aut, out, sizeof out);
    assert_true(n > 0);
    m.authentication_response.eap_message = (struct bytes){out, (uint32_t)n};
    phone_send(p, &m, NAS_PLAIN);
    expect(p, NAS_AUTHENTICATION_REJECT);
    assert_int_equal(p->msg.authentication_reject.eap_message.p[0], 4); /* failure */
    bed_run_ms(b, 100);
    assert_int_equal(p->releases, 1);
    assert_null(phone_ue(p));
    bed_free(b);
}
/* COUNTs near their end: a verified phone is authenticated all the same, and gets new keys. */
static void worn_keys_are_replaced(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    phone_register(p, 0);
    uint8_t ksi = p->ksi;
    phone_ue(p)->security.count[NAS_UPLINK] = p->sec.count[NAS_UPLINK] = 0xfff000;
    struct nas_msg m = registration(p, NAS_REG_MOBILITY);
    phone_register_protected(p, 0, &m);
    expect(p, NAS_IDENTITY_REQUEST);
    assert_int_equal(p->header.security, NAS_CIPHERED);
    nas_msg_init(&m, NAS_IDENTITY_RESPONSE);
    say_suci(p, &m.identity_response.mobile_identity);
    phone_send(p, &m, NAS_CIPHERED);
    uint8_t res[16], auts[14];
    expect(p, NAS_AUTHENTICATION_REQUEST);
    assert_int_equal(phone_challenge(p, res, auts), OK);
    assert_int_not_equal(p->msg.authentication_request.ngksi.value, ksi);
    m = authentication_response(res);
    phone_send(p, &m, NAS_CIPHERED);
    phone_security(p, NULL);
    expect(p, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(p);
    phone_complete(p);
    bed_run_ms(b, 100);
    assert_true(phone_ue(p)->security.count[NAS_UPLINK] < 16);
    assert_int_equal(bed_amf(b)->ues->ues.used, 1);
    bed_free(b);
}
/* On a connection whose gNB has a context, the gNB gets the new KgNB. */
static uint8_t rekeyed[32];
static void sees_rekeying(struct bed *b, uint32_t gnb, const struct ngap_pdu *pdu)
{
    const struct ngap_UEContextModificationRequest *m = pdu->value;
    if (pdu->msg == NGAP_MSG_UEContextModificationRequest && m->has.SecurityKey)
        memcpy(rekeyed, m->SecurityKey.p, 32);
}
static void the_gnb_gets_the_new_key(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t res[16], auts[14], kgnb[32];
    phone_register(p, 0);
    b->also = sees_rekeying;
    phone_ue(p)->security.count[NAS_UPLINK] = p->sec.count[NAS_UPLINK] = 0xfff000;
    struct nas_msg m = registration(p, NAS_REG_MOBILITY);
    phone_send(p, &m, NAS_CIPHERED);
    expect(p, NAS_IDENTITY_REQUEST);
    nas_msg_init(&m, NAS_IDENTITY_RESPONSE);
    say_suci(p, &m.identity_response.mobile_identity);
    phone_send(p, &m, NAS_CIPHERED);
    expect(p, NAS_AUTHENTICATION_REQUEST);
    assert_int_equal(phone_challenge(p, res, auts), OK);
    m = authentication_response(res);
    phone_send(p, &m, NAS_CIPHERED);
    phone_security(p, NULL);
    expect(p, NAS_REGISTRATION_ACCEPT);
    assert_int_equal(p->contexts, 1);
    assert_int_equal(kdf_kgnb(b->crypto, p->kamf, 0, KDF_ACCESS_3GPP, kgnb), OK);
    assert_memory_equal(rekeyed, kgnb, 32);
    phone_complete(p);
    bed_free(b);
}
/* The radio capabilities that a gNB reports are there for the next context, until the phone registers as new. */
static void radio_capabilities_are_kept(void **state)
{
    static const uint8_t octets[] = {1, 2, 3, 4, 5};
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    phone_register(p, 0);
    struct ngap_UERadioCapabilityInfoIndication m = {.AMF_UE_NGAP_ID = p->amf_id, .RAN_UE_NGAP_ID = p->ran_id,
                                                     .UERadioCapability = BYTES_OF(octets)};
    m.has.AMF_UE_NGAP_ID = m.has.RAN_UE_NGAP_ID = m.has.UERadioCapability = 1;
    m.has.UERadioCapabilityForPaging = m.UERadioCapabilityForPaging.has.uERadioCapabilityForPagingOfNR = 1;
    m.UERadioCapabilityForPaging.uERadioCapabilityForPagingOfNR = BYTES_OF(octets);
    assert_int_equal(gnb_send(&b->gnb[0], NGAP_MSG_UERadioCapabilityInfoIndication, &m, 1), OK);
    bed_run_ms(b, 50);
    assert_int_equal(phone_ue(p)->radio_capability->n, 5);
    assert_memory_equal(phone_ue(p)->radio_capability_for_paging->octet, octets, 5);
    struct nas_msg again = registration(p, NAS_REG_MOBILITY);
    phone_register_protected(p, 1, &again);
    expect(p, NAS_REGISTRATION_ACCEPT);
    assert_int_equal(p->radio_capability, 5);
    phone_take_guti(p);
    phone_complete(p);
    bed_run_ms(b, 50);
    again = registration(p, NAS_REG_INITIAL);
    phone_register_protected(p, 1, &again);
    expect(p, NAS_REGISTRATION_ACCEPT);
    assert_int_equal(p->radio_capability, 0);
    assert_null(phone_ue(p)->radio_capability);
    bed_free(b);
}
static void without_pcf_and_nssf(void **state)
{
    struct bed *b = bed_new();
    nf_stop(&b->rt, SBI_NF_PCF);
    nf_stop(&b->rt, SBI_NF_NSSF);
    phone_register(&b->phone[0], 0);
    assert_int_equal(phone_ue(&b->phone[0])->n_allowed, 1);
    assert_false(brief_is_set(&phone_ue(&b->phone[0])->policy_id));
    bed_free(b);
}

int main(void)
{
    return RUN(unit(with_eap_aka_prime), unit(with_eap_aka_prime_in_vain), unit(worn_keys_are_replaced), unit(the_gnb_gets_the_new_key),
               unit(radio_capabilities_are_kept), unit(without_pcf_and_nssf),
               unit(a_phone_registers), unit(the_connection_is_released_when_nothing_follows),
               unit(a_known_phone_registers_again), unit(periodic_registration),
               unit(an_unknown_guti_is_asked_for_the_suci));
}
