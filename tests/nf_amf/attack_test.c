/* SPDX-License-Identifier: Apache-2.0 */
/* Strangers, replays and forgeries: TS 24.501 4.4.4, 4.4.6, 7; what they send must not touch anybody else. */
#include "tests/nf_amf/phone.h"

/* The victim is registered, connected and still served. */
static void unharmed(struct phone *v, uint32_t tmsi)
{
    struct amf_ue *ue = phone_ue(v);
    assert_non_null(ue);
    assert_true(amf_ue_is_registered(ue));
    assert_int_equal(ue->tmsi, tmsi);
    assert_int_equal(v->releases, 0);
    assert_non_null(ue->conn);
    assert_true(amf_conn_id(ue->conn) == v->amf_id);
    struct nas_msg m; /* its keys and COUNTs still fit: an unserved payload is answered under them */
    nas_msg_init(&m, NAS_UL_NAS_TRANSPORT);
    m.ul_nas_transport.payload_container_type = NAS_PAYLOAD_SMS;
    m.ul_nas_transport.payload_container = BYTES_OF(PLMN);
    phone_send(v, &m, NAS_CIPHERED);
    expect(v, NAS_DL_NAS_TRANSPORT);
    assert_int_equal(v->msg.dl_nas_transport.gmm_cause, NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED);
}

/* The victim's own protected request, heard in the air and sent again. */
static void a_replayed_registration_request(void **state)
{
    struct bed *b = bed_new();
    struct phone *v = &b->phone[0], *s = &b->phone[1];
    uint8_t plain[PDU_MAX], heard[PDU_MAX];
    phone_register(v, 0);
    struct nas_msg m = registration(v, NAS_REG_MOBILITY);
    struct bytes octets = phone_protect(v, encode(&m, plain), NAS_INTEGRITY, heard);
    phone_begin(v, 0, octets);
    expect(v, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(v);
    phone_complete(v);
    expect_silence(v, 500);
    uint32_t tmsi = phone_ue(v)->tmsi;
    phone_begin(s, 1, octets);
    expect(s, NAS_IDENTITY_REQUEST);
    assert_int_equal(s->header.security, NAS_PLAIN);
    unharmed(v, tmsi);
    bed_free(b);
}
/* The victim's GUTI is known, his keys are not. */
static void a_forged_registration_request(void **state)
{
    struct bed *b = bed_new();
    struct phone *v = &b->phone[0], *s = &b->phone[1];
    phone_register(v, 0);
    s->has_guti = true;
    s->guti = v->guti;
    s->ksi = v->ksi;
    s->sec = v->sec;
    memset(s->sec.k_int, 0x55, 16);
    struct nas_msg m = registration(s, NAS_REG_MOBILITY);
    phone_register_protected(s, 1, &m);
    expect(s, NAS_IDENTITY_REQUEST);
    assert_int_equal(bed_metric(b, METRIC_nas_bad_mac, 0), 1);
    m = registration(s, NAS_REG_INITIAL); /* plain, too */
    phone_register_plain(s, 1, &m);
    expect(s, NAS_IDENTITY_REQUEST);
    unharmed(v, v->guti.tmsi);
    bed_free(b);
}
/* The victim's SUCI gets a stranger no further than a challenge that he cannot answer. */
static void a_stolen_suci(void **state)
{
    struct bed *b = bed_new();
    struct phone *v = &b->phone[0], *s = &b->phone[3];
    uint8_t res[16] = {0};
    phone_register(v, 0);
    memcpy(s->imsi, v->imsi, sizeof s->imsi);
    struct nas_msg m = registration(s, NAS_REG_INITIAL);
    phone_register_plain(s, 1, &m);
    expect(s, NAS_AUTHENTICATION_REQUEST);
    m = authentication_response(res);
    phone_send(s, &m, NAS_PLAIN);
    expect(s, NAS_AUTHENTICATION_REJECT);
    unharmed(v, v->guti.tmsi);
    bed_free(b);
}
static void a_stranger_does_not_deregister(void **state)
{
    struct bed *b = bed_new();
    struct phone *v = &b->phone[0], *s = &b->phone[1];
    uint8_t plain[PDU_MAX], out[PDU_MAX];
    struct nas_msg m;
    phone_register(v, 0);
    nas_msg_init(&m, NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING);
    m.deregistration_request_ue_originating.de_registration_type = (struct nas_deregistration_type){true, false, 1};
    m.deregistration_request_ue_originating.ngksi.value = v->ksi;
    m.deregistration_request_ue_originating.fivegs_mobile_identity.type = NAS_ID_GUTI;
    m.deregistration_request_ue_originating.fivegs_mobile_identity.guti = v->guti;
    struct bytes octets = encode(&m, plain);
    phone_begin(s, 1, octets);
    bed_run_ms(b, 100);
    assert_int_equal(s->releases, 1);
    s->sec = v->sec;
    s->sec.k_int[3] ^= 4;
    phone_begin(s, 1, phone_protect(s, octets, NAS_INTEGRITY, out));
    bed_run_ms(b, 100);
    assert_int_equal(s->releases, 2);
    assert_int_equal(s->n_in, 0);
    unharmed(v, v->guti.tmsi);
    bed_free(b);
}
/* After security mode: plain, with the wrong MAC, and a second time: all dropped. */
static void on_a_secure_connection(void **state)
{
    struct bed *b = bed_new();
    struct phone *v = &b->phone[0];
    uint8_t plain[PDU_MAX], out[PDU_MAX];
    struct nas_msg m;
    phone_register(v, 0);
    nas_msg_init(&m, NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING);
    m.deregistration_request_ue_originating.de_registration_type.access = 1;
    m.deregistration_request_ue_originating.fivegs_mobile_identity.type = NAS_ID_GUTI;
    m.deregistration_request_ue_originating.fivegs_mobile_identity.guti = v->guti;
    phone_send(v, &m, NAS_PLAIN);
    bed_run_ms(b, 50);
    assert_int_equal(bed_metric(b, METRIC_nas_bad_plain, 0), 1);
    struct bytes sealed = phone_protect(v, encode(&m, plain), NAS_CIPHERED, out);
    out[3] ^= 1;
    phone_say(v, sealed);
    bed_run_ms(b, 50);
    assert_int_equal(bed_metric(b, METRIC_nas_bad_mac, 0), 1);
    m = registration(v, NAS_REG_INITIAL);
    phone_send(v, &m, NAS_PLAIN);
    nas_msg_init(&m, NAS_UL_NAS_TRANSPORT);
    m.ul_nas_transport.payload_container_type = NAS_PAYLOAD_SMS;
    m.ul_nas_transport.payload_container = BYTES_OF(PLMN);
    sealed = phone_protect(v, encode(&m, plain), NAS_CIPHERED, out);
    phone_say(v, sealed);
    expect(v, NAS_DL_NAS_TRANSPORT);
    phone_say(v, sealed); /* once more */
    expect_silence(v, 100);
    assert_int_equal(bed_metric(b, METRIC_nas_bad_count, 0), 1);
    unharmed(v, v->guti.tmsi);
    bed_free(b);
}
/* A message about a phone, from a node that does not have it. */
static void another_gnb(void **state)
{
    struct bed *b = bed_new();
    struct phone *v = &b->phone[0];
    phone_register(v, 0);
    uint64_t errors = b->gnb[1].errors_received;
    v->gnb = 1;
    struct nas_msg m;
    nas_msg_init(&m, NAS_REGISTRATION_COMPLETE);
    uint32_t count = v->sec.count[NAS_UPLINK];
    phone_send(v, &m, NAS_CIPHERED);
    v->gnb = 0;
    v->sec.count[NAS_UPLINK] = count;
    bed_run_ms(b, 50);
    assert_int_equal(b->gnb[1].errors_received, errors + 1);
    unharmed(v, v->guti.tmsi);
    bed_free(b);
}

/* A gNB says that a phone has moved: within its own areas that is so, elsewhere it is not believed. */
static void a_gnb_speaks_for_its_own_areas(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    phone_register(p, 0);
    const struct amf_location *l = &phone_ue(p)->location;
    assert_int_equal(l->tai.tac[2], 1);
    p->tac = 3; /* served, not there */
    unharmed(p, p->guti.tmsi);
    assert_int_equal(l->tai.tac[2], 1);
    assert_non_null(strstr(b->text, "ngap_foreign_area"));
    p->tac = 2;
    unharmed(p, p->guti.tmsi);
    assert_int_equal(l->tai.tac[2], 2);
    bed_free(b);
}

/* Challenges that nobody answers, by the thousand: strangers are put off before the memory is used up, and phones that
 * are known are served as ever. */
static int deaf(struct gnb *g, const struct ngap_pdu *pdu)
{
    struct bed *b = g->user;
    b->sent_to_gnb++;
    return OK;
}
static void strangers_come(struct phone *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        s->has_guti = false;
        struct nas_msg m = registration(s, NAS_REG_INITIAL);
        phone_register_plain(s, 0, &m);
    }
    bed_run_ms(s->bed, 2);
}
static void room_is_left(size_t memory)
{
    static const struct gnb_ue_ops hostile = {.message = deaf};
    struct bed *b = bed_new();
    struct phone *v = &b->phone[1], *s = &b->phone[0];
    size_t cap = b->rt.frames.cap;
    phone_register(v, 1);
    bed_run_ms(b, 5000);
    b->gnb[0].ue_ops = &hostile;
    if (memory)
        b->rt.frames.cap = b->rt.frames.in_use + memory;
    for (int i = 0; i < 19; i++)
        strangers_come(s, 50);
    for (int i = 0; i < 30; i++) /* whose release nobody confirms either */
        strangers_come(s, 50);
    assert_true(bed_metric(b, METRIC_reg_failed, NAS_GMM_CAUSE_CONGESTION) > 10);
    struct nas_msg m = registration(v, NAS_REG_MOBILITY);
    phone_register_protected(v, 1, &m);
    expect(v, NAS_REGISTRATION_ACCEPT);
    phone_take_guti(v);
    phone_complete(v);
    s->connected = false;
    bed_run_ms(b, 60000);
    b->rt.frames.cap = cap;
    bed_free(b);
}
static void strangers_leave_memory(void **state) { room_is_left(1 << 20); }
static void strangers_leave_connections(void **state) { room_is_left(0); }

/* ---- containers, 4.4.6 ---- */
static struct bytes with_container(struct phone *p, const struct nas_msg *inner, uint8_t out[PDU_MAX])
{
    uint8_t sealed[PDU_MAX], plain[PDU_MAX];
    struct bytes in = encode(inner, sealed);
    struct nas_msg m = registration(p, NAS_REG_MOBILITY);
    assert_int_equal(nas_container_cipher(&p->sec, p->bed->crypto, NAS_UPLINK, p->sec.count[NAS_UPLINK], sealed, in.n), OK);
    m.registration_request.has.nas_message_container = 1;
    m.registration_request.nas_message_container = in;
    return phone_protect(p, encode(&m, plain), NAS_INTEGRITY, out);
}
static void a_container_counts(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    const struct nas_s_nssai wanted = {.sst = 2, .has_sd = true, .sd = 9};
    uint8_t out[PDU_MAX];
    phone_register(p, 0);
    struct nas_msg inner = registration(p, NAS_REG_MOBILITY);
    inner.registration_request.has.requested_nssai = 1;
    inner.registration_request.requested_nssai = (struct nas_nssai){1, &wanted};
    phone_begin(p, 0, with_container(p, &inner, out));
    expect(p, NAS_REGISTRATION_ACCEPT);
    assert_int_equal(p->msg.registration_accept.allowed_nssai.item[0].sd, 9);
    bed_free(b);
}
/* Of another type, or with a container in it: what is outside counts. */
static void a_container_in_a_container(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    const struct nas_s_nssai wanted = {.sst = 2, .has_sd = true, .sd = 9};
    uint8_t out[PDU_MAX], nested[PDU_MAX];
    phone_register(p, 0);
    struct nas_msg inner = registration(p, NAS_REG_MOBILITY);
    inner.registration_request.has.requested_nssai = inner.registration_request.has.nas_message_container = 1;
    inner.registration_request.requested_nssai = (struct nas_nssai){1, &wanted};
    struct nas_msg innermost = registration(p, NAS_REG_MOBILITY);
    inner.registration_request.nas_message_container = encode(&innermost, nested);
    phone_begin(p, 0, with_container(p, &inner, out));
    expect(p, NAS_REGISTRATION_ACCEPT);
    assert_int_equal(p->msg.registration_accept.allowed_nssai.item[0].sst, 1);
    phone_take_guti(p);
    phone_complete(p);
    expect_silence(p, 200);
    nas_msg_init(&inner, NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING);
    inner.deregistration_request_ue_originating.de_registration_type.access = 1;
    inner.deregistration_request_ue_originating.fivegs_mobile_identity.type = NAS_ID_GUTI;
    inner.deregistration_request_ue_originating.fivegs_mobile_identity.guti = p->guti;
    phone_begin(p, 0, with_container(p, &inner, out));
    expect(p, NAS_REGISTRATION_ACCEPT);
    bed_free(b);
}

/* An initial registration in clear, and under the new keys one that is not served: what is inside is judged, too. */
static void a_wish_that_changes_under_the_keys(void **state)
{
    static const struct {
        uint8_t type, cause;
    } rows[] = {{NAS_REG_EMERGENCY, NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED},
                {NAS_REG_SNPN_ONBOARDING, NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED},
                {NAS_REG_DISASTER_INITIAL, NAS_GMM_CAUSE_DISASTER_ROAMING_NOT_ALLOWED}};
    struct bed *b = bed_new();
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct phone *p = &b->phone[0];
        struct nas_msg m = registration(p, NAS_REG_INITIAL), inside = registration(p, rows[i].type);
        phone_register_plain(p, 0, &m);
        phone_authenticate(p);
        phone_security(p, &inside);
        expect(p, NAS_REGISTRATION_REJECT);
        assert_int_equal(p->header.security, NAS_CIPHERED);
        assert_int_equal(p->msg.registration_reject.gmm_cause, rows[i].cause);
        bed_run_ms(b, 50);
        assert_null(phone_ue(p));
    }
    bed_free(b);
}

/* ---- clause 7 ---- */
static void unreadable_messages(void **state)
{
    static const uint8_t unknown[] = {0x7e, 0x00, 0x7f}, short_one[] = {0x7e, 0x00}, other[] = {0x7d, 0x00, 0x41},
                         request[] = {0x7e, 0x00, 0x41, 0x79}, gsm[] = {0x2e, 0x01, 0x01, 0xc1};
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    phone_begin(p, 0, BYTES_OF(short_one)); /* 7.2.1: ignored */
    bed_run_ms(b, 50);
    assert_int_equal(p->n_in, 0);
    assert_int_equal(p->releases, 1);
    phone_begin(p, 0, BYTES_OF(other));
    bed_run_ms(b, 50);
    assert_int_equal(p->n_in, 0);
    phone_begin(p, 0, BYTES_OF(gsm));
    bed_run_ms(b, 50);
    assert_int_equal(p->n_in, 0);
    phone_begin(p, 0, BYTES_OF(unknown));
    expect(p, NAS_GMM_STATUS);
    assert_int_equal(p->msg.gmm_status.gmm_cause, NAS_GMM_CAUSE_MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED);
    phone_begin(p, 0, BYTES_OF(request)); /* 5.5.1.2.8 c */
    expect(p, NAS_REGISTRATION_REJECT);
    assert_int_equal(p->msg.registration_reject.gmm_cause, NAS_GMM_CAUSE_INVALID_MANDATORY_INFORMATION);
    bed_run_ms(b, 50);
    assert_int_equal(p->releases, 5);
    assert_int_equal(bed_metric(b, METRIC_nas_bad, 0), 5);
    bed_free(b);
}
/* On a connection that has keys the answer is protected, and it goes on. */
static void unreadable_but_protected(void **state)
{
    static const uint8_t unknown[] = {0x7e, 0x00, 0x7f};
    uint8_t out[PDU_MAX];
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    phone_register(p, 0);
    phone_say(p, phone_protect(p, BYTES_OF(unknown), NAS_CIPHERED, out));
    expect(p, NAS_GMM_STATUS);
    assert_int_equal(p->header.security, NAS_CIPHERED);
    unharmed(p, p->guti.tmsi);
    bed_free(b);
}
static void not_an_initial_message(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t plain[PDU_MAX], res[16] = {0};
    struct nas_msg m = authentication_response(res);
    phone_begin(p, 0, encode(&m, plain));
    bed_run_ms(b, 50);
    assert_int_equal(p->n_in, 0);
    assert_int_equal(p->releases, 1);
    nas_msg_init(&m, NAS_UL_NAS_TRANSPORT);
    m.ul_nas_transport.payload_container_type = NAS_PAYLOAD_N1_SM;
    m.ul_nas_transport.payload_container = BYTES_OF(res);
    phone_begin(p, 0, encode(&m, plain));
    bed_run_ms(b, 50);
    assert_int_equal(p->n_in, 0);
    assert_int_equal(p->releases, 2);
    bed_free(b);
}
/* Random octets, and a good request with octets changed: nothing breaks, all comes back. */
static void noise(void **state)
{
    struct bed *b = bed_new();
    struct phone *p = &b->phone[0];
    uint8_t plain[PDU_MAX];
    struct nas_msg m = registration(p, NAS_REG_INITIAL);
    struct bytes good = encode(&m, plain);
    uint64_t x = 88172645463325252ull;
    for (int i = 0; i < 400; i++) {
        uint8_t octets[64];
        uint32_t n = 1 + (uint32_t)(x % 60);
        for (uint32_t j = 0; j < n; j++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            octets[j] = i % 2 && j < good.n ? good.p[j] : (uint8_t)x;
            if (i % 2 && j == x % n)
                octets[j] = (uint8_t)(x >> 8);
        }
        if (i % 2 == 0) {
            octets[0] = 0x7e;
            if (n > 1)
                octets[1] = (uint8_t)(i / 2 % 6);
        }
        p->n_in = p->taken = 0;
        p->connected = false;
        phone_begin(p, 0, (struct bytes){octets, n});
        bed_run_ms(b, 5);
    }
    p->n_in = p->taken = 0;
    p->connected = false;
    bed_run_ms(b, 200000);
    assert_int_equal(bed_amf(b)->ues->conns.used, 0);
    assert_int_equal(bed_amf(b)->ues->ues.used, 0);
    bed_free(b);
}

int main(void)
{
    return RUN(unit(a_replayed_registration_request), unit(a_forged_registration_request), unit(a_stolen_suci),
               unit(a_stranger_does_not_deregister), unit(on_a_secure_connection), unit(another_gnb), unit(a_gnb_speaks_for_its_own_areas),
               unit(strangers_leave_memory), unit(strangers_leave_connections),
               unit(a_container_counts), unit(a_container_in_a_container),
               unit(a_wish_that_changes_under_the_keys), unit(unreadable_messages),
               unit(unreadable_but_protected), unit(not_an_initial_message), unit(noise));
}
