/* SPDX-License-Identifier: Apache-2.0 */
/* TS 24.501 clause 7 and the encoder's bounds, one rule a test. */
#include "../test.h"
#include "base/err.h"
#include "codec/nas.h"

struct scene {
    uint64_t block[512];
    uint8_t in[512], out[512];
    struct arena arena;
    struct nas_msg m;
    struct nas_report report;
};

static int decode(struct scene *s, const char *hex)
{
    size_t n = strlen(hex) / 2;
    assert_true(n <= sizeof s->in && hex_get(s->in, n, str_of(hex)));
    s->arena = arena_over(s->block, sizeof s->block);
    return nas_decode((struct bytes){s->in, (uint32_t)n}, &s->arena, &s->m, &s->report);
}
/* A registration request (initial, SUCI of 001 01) and what follows. */
#define HEAD "7e004179000d0100f110f0ff00000000000010"

static void clause_7_2(void **state)
{
    struct scene s;
    const char *ignored[] = {"",       "7e",     "7e00",       "2e01",
                             "2e0101", "7f0041", "7e01410000", "00000000"};
    for (unsigned i = 0; i < ARRAY_LEN(ignored); i++) {
        assert_true(decode(&s, ignored[i]) < 0);
        assert_int_equal(s.report.cause, 0);
    }
}

static void clause_7_4(void **state)
{
    struct scene s;
    const char *unknown[] = {"7e0040", "7e00ff00", "7e00c1", "2e010141", "2e0101c4"};
    for (unsigned i = 0; i < ARRAY_LEN(unknown); i++) {
        assert_int_equal(decode(&s, unknown[i]), ERR_UNKNOWN);
        assert_int_equal(s.report.cause, 97);
    }
    assert_int_equal(s.m.pdu_session_id, 1);
    assert_int_equal(s.m.pti, 1);
}

static void clause_7_5_mandatory(void **state)
{
    struct scene s;
    const char *wrong[] = {
        "7e0041",                                 /* nothing there */
        "7e004179",                               /* no identity */
        "7e004179000d0100f110f0ff",               /* ends inside it */
        "7e0041790004f4000102",                   /* too short for its type */
        "7e004179000d0100f110aaff00000000000010", /* routing indicator that is no digits */
        HEAD "050101",                            /* comprehension required */
        "2e0101c20106000100",                     /* QoS rules cut */
    };
    for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(decode(&s, wrong[i]), ERR_MISSING);
        assert_int_equal(s.report.cause, 96);
    }
    assert_int_equal(decode(&s, HEAD "050101"), ERR_MISSING);
    assert_int_equal(s.report.iei, 5);
    assert_int_equal(s.report.offset, sizeof HEAD / 2);
}

static void clause_7_6_unknown(void **state)
{
    struct scene s; /* TLV 6f, TLV-E 7d, TV1 F: skipped; what follows is found */
    assert_int_equal(decode(&s, HEAD "6f0201027d0003010203f12e02e0e0"), OK);
    assert_true(s.m.registration_request.has.ue_security_capability);
    assert_int_equal(s.report.skipped, 3);
    assert_int_equal(s.report.iei, 0x6f);
    assert_int_equal(s.report.cause, 0);
}

static void clause_7_6_order_and_repeats(void **state)
{
    struct scene s;
    assert_int_equal(decode(&s, HEAD "530101"
                                     "2e02e0e0"
                                     "100103"
                                     "2e02f0f0"
                                     "b1"),
                     OK);
    const struct nas_registration_request *r = &s.m.registration_request;
    assert_true(r->has.fivegs_update_type && r->has.gmm_capability && r->has.mico_indication);
    assert_int_equal(r->ue_security_capability.ea, 0xe0);
    assert_int_equal(r->mico_indication, 1);
    assert_int_equal(s.report.skipped, 1);
    /* the first counts even when it is wrong */
    assert_int_equal(decode(&s, HEAD "2e01e0"
                                     "2e02f0f0"),
                     OK);
    assert_false(s.m.registration_request.has.ue_security_capability);
    assert_int_equal(s.report.skipped, 2);
}

static void clause_7_7_optional(void **state)
{
    struct scene s; /* NSSAI with an impossible length: as if it were not there */
    assert_int_equal(decode(&s, HEAD "2f0403010203"
                                     "100103"),
                     OK);
    assert_false(s.m.registration_request.has.requested_nssai);
    assert_true(s.m.registration_request.has.gmm_capability);
    /* ends inside an optional IE */
    assert_int_equal(decode(&s, HEAD "100103"
                                     "2e04e0"),
                     OK);
    assert_true(s.m.registration_request.has.gmm_capability);
    assert_false(s.m.registration_request.has.ue_security_capability);
    assert_int_equal(s.report.skipped, 1);
    /* longer than this release knows: the rest is ignored */
    assert_int_equal(decode(&s, HEAD "53020100"), OK);
    assert_int_equal(s.m.registration_request.fivegs_update_type, 1);
    assert_int_equal(s.report.skipped, 0);
}

static void halves_and_spare_bits(void **state)
{
    struct scene s;
    assert_int_equal(decode(&s, "7ef041"
                                "79"
                                "000d0100f110f0ff00000000000010"),
                     OK);
    assert_int_equal(s.m.registration_request.fivegs_registration_type.value, NAS_REG_INITIAL);
    assert_true(s.m.registration_request.fivegs_registration_type.follow_on);
    assert_int_equal(s.m.registration_request.ngksi.value, NAS_KSI_NONE);
    assert_int_equal(decode(&s, "7e005df2f102f0f0e1"), OK); /* spare half octet of ngKSI is set */
    assert_int_equal(s.m.security_mode_command.ngksi.value, 1);
    assert_int_equal(s.m.security_mode_command.selected_nas_security_algorithms.ciphering, 15);
    assert_int_equal(s.m.security_mode_command.imeisv_request, NAS_IMEISV_REQUESTED);
}

static void arena_runs_out(void **state)
{
    struct scene s;
    const char *hex = HEAD "2f050401010203";
    uint32_t n = (uint32_t)strlen(hex) / 2;
    assert_true(hex_get(s.in, n, str_of(hex)));
    uint8_t tiny[8];
    struct arena a = arena_over(tiny, sizeof tiny);
    assert_int_equal(nas_decode((struct bytes){s.in, n}, &a, &s.m, NULL), ERR_NOSPACE);
}

static void headers(void **state)
{
    struct nas_header h;
    const uint8_t protected[] = {0x7e, 2, 0xde, 0xad, 0xbe, 0xef, 7, 0x7e, 0, 0x5e};
    assert_int_equal(nas_header_peek(BYTES_OF(protected), &h), OK);
    assert_int_equal(h.security, NAS_CIPHERED);
    assert_int_equal(h.mac, 0xdeadbeef);
    assert_int_equal(h.sequence, 7);
    assert_int_equal(h.plain.n, 3);
    assert_ptr_equal(h.authenticated.p, protected + 6);
    assert_int_equal(nas_header_peek((struct bytes){protected, 7}, &h), ERR_SHORT);
    assert_int_equal(nas_header_peek((struct bytes){protected + 7, 3}, &h), OK);
    assert_int_equal(h.type, NAS_SECURITY_MODE_COMPLETE);
    const uint8_t bad[] = {0x7e, 5, 0, 0, 0, 0, 0, 0, 0}, other[] = {0x07, 0, 0x41, 0};
    assert_int_equal(nas_header_peek(BYTES_OF(bad), &h), ERR_SYNTAX);
    assert_int_equal(nas_header_peek(BYTES_OF(other), &h), ERR_SYNTAX);
}

static void encoder_bounds(void **state)
{
    struct scene s;
    struct nas_authentication_request *r = &s.m.authentication_request;
    uint8_t abba[2] = {0}, rand_octets[16] = {1};
    assert_int_equal(nas_msg_init(&s.m, NAS_AUTHENTICATION_REQUEST), OK);
    r->abba = BYTES_OF(abba);
    r->has.authentication_parameter_rand = 1;
    r->authentication_parameter_rand = BYTES_OF(rand_octets);
    int n = nas_encode(&s.m, s.out, sizeof s.out);
    assert_int_equal(n, 3 + 1 + 3 + 17);
    for (int cap = 0; cap < n; cap++)
        assert_int_equal(nas_encode(&s.m, s.out, (size_t)cap), ERR_NOSPACE);
    r->authentication_parameter_rand.n = 15;
    assert_int_equal(nas_encode(&s.m, s.out, sizeof s.out), ERR_RANGE);
    r->authentication_parameter_rand.n = 16;
    r->ngksi.value = 8;
    assert_int_equal(nas_encode(&s.m, s.out, sizeof s.out), ERR_RANGE);
    assert_int_equal(nas_msg_init(&s.m, (enum nas_type)1), ERR_UNKNOWN);
    assert_int_equal(nas_encode(&s.m, s.out, sizeof s.out), ERR_UNKNOWN);
}

static void cleartext_and_print(void **state)
{
    struct scene s;
    char text[256], small[16];
    assert_int_equal(decode(&s, HEAD "2e02e0e0"), OK);
    assert_true(nas_is_cleartext_only(&s.m));
    assert_int_equal(decode(&s, HEAD "2e02e0e0"
                                     "100103"),
                     OK);
    assert_false(nas_is_cleartext_only(&s.m));
    int n = nas_print(&s.m, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_string_equal(text, "Registration request; 5GS registration type: 09; ngKSI: 07; 5GS "
                              "mobile identity: <identity>; "
                              "5GMM capability: 03; UE security capability: e0e0");
    assert_int_equal(nas_print(&s.m, small, sizeof small), 15);
    assert_int_equal(decode(&s, "7e004403"), OK);
    nas_print(&s.m, text, sizeof text);
    assert_string_equal(text, "Registration reject; 5GMM cause: 3 (Illegal UE)");
    assert_string_equal(nas_gsm_cause_text(NAS_GSM_CAUSE_NETWORK_FAILURE), "Network failure");
    assert_string_equal(nas_gsm_cause_text(0), "unknown cause");
}

/* Every message from many seeds: read without complaint, and the same again once it is written and read. */
static void random_messages(void **state)
{
    static uint64_t block[2][16384];
    static uint8_t octets[8192], again[8192];
    static struct nas_msg m, n;
    uint32_t types = 0;
    for (uint32_t type = 0; type < 256; type++) {
        uint64_t seed = type;
        types += nas_random((enum nas_type)type, &seed, octets, sizeof octets) != ERR_UNKNOWN;
        for (uint32_t i = 0; i < 100; i++) {
            struct nas_report report;
            struct arena a = arena_over(block[0], sizeof block[0]), b = arena_over(block[1], sizeof block[1]);
            int k = nas_random((enum nas_type)type, &seed, octets, sizeof octets);
            if (k == ERR_UNKNOWN)
                break;
            if (k <= 0)
                fail_msg("type %02x: %s", type, err_text(k));
            int e = nas_decode((struct bytes){octets, (uint32_t)k}, &a, &m, &report);
            if (e != OK)
                fail_msg("type %02x, try %u: %s", type, i, err_text(e));
            assert_int_equal(m.type, type);
            assert_int_equal(report.skipped, 0);
            k = nas_encode(&m, again, sizeof again);
            assert_true(k > 0);
            assert_int_equal(nas_decode((struct bytes){again, (uint32_t)k}, &b, &n, &report), OK);
            assert_int_equal(nas_encode(&n, octets, sizeof octets), k);
            assert_memory_equal(octets, again, (size_t)k);
        }
    }
    assert_int_equal(types, 57);
}

int main(void)
{
    return RUN(unit(clause_7_2), unit(clause_7_4), unit(clause_7_5_mandatory),
               unit(clause_7_6_unknown), unit(clause_7_6_order_and_repeats),
               unit(clause_7_7_optional), unit(halves_and_spare_bits), unit(arena_runs_out),
               unit(headers), unit(encoder_bounds), unit(cleartext_and_print), unit(random_messages));
}
