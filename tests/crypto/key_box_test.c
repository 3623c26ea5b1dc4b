/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed keys, and the messages of the process that holds them. */
#include "crypto/key_box.h"
#include "tests/test.h"

static struct crypto *crypto;
static const struct seal_key seal = {{1, 2, 3}};
static const uint8_t nonce[KEY_SEAL_NONCE] = {9};
#define SUPI STR("imsi-001010000000001")

static struct aka_key key_new(enum aka_alg alg, uint8_t k_n)
{
    struct aka_key k = {.alg = alg, .k_n = k_n};
    for (uint8_t i = 0; i < 32; i++) {
        k.k[i] = i < k_n ? (uint8_t)(i + 1) : 0;
        k.opc[i] = i < (alg == AKA_TUAK ? 32 : 16) ? (uint8_t)(i ^ 0x55) : 0;
    }
    return k;
}

static void sealed_and_back(void **state)
{
    const struct aka_key keys[] = {key_new(AKA_MILENAGE, 16), key_new(AKA_TUAK, 16), key_new(AKA_TUAK, 32)};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        uint8_t sealed[SEALED_KEY_MAX];
        struct aka_key back;
        int n = aka_key_seal(&seal, nonce, SUPI, &keys[i], sealed);
        assert_in_range(n, 62, SEALED_KEY_MAX);
        assert_null(memmem(sealed, (size_t)n, keys[i].k, 8));
        assert_null(memmem(sealed, (size_t)n, keys[i].opc, 8));
        assert_int_equal(aka_key_unseal(&seal, SUPI, (struct bytes){sealed, (uint32_t)n}, &back), OK);
        assert_memory_equal(&back, &keys[i], sizeof back);
        assert_int_equal(aka_key_unseal(&seal, STR("imsi-001010000000002"), (struct bytes){sealed, (uint32_t)n}, &back), ERR_MAC);
        for (int at = 0; at < n; at++) {
            sealed[at] ^= 0x10;
            assert_int_equal(aka_key_unseal(&seal, SUPI, (struct bytes){sealed, (uint32_t)n}, &back), ERR_MAC);
            sealed[at] ^= 0x10;
        }
        for (uint32_t at = 0; at < (uint32_t)n; at++)
            assert_true(aka_key_unseal(&seal, SUPI, (struct bytes){sealed, at}, &back) < 0);
        struct seal_key other = seal;
        other.k[31] ^= 1;
        assert_int_equal(aka_key_unseal(&other, SUPI, (struct bytes){sealed, (uint32_t)n}, &back), ERR_MAC);
        uint8_t a[8], b[8];
        assert_int_equal(seal_key_name(crypto, &seal, a), OK);
        assert_int_equal(seal_key_name(crypto, &other, b), OK);
        assert_memory_not_equal(a, b, 8);
    }
}

static void asked(struct key_box *b, struct key_request *q, struct key_answer *out)
{
    uint8_t there[KEY_REQUEST_OCTETS], back[KEY_ANSWER_OCTETS];
    struct key_request r;
    struct key_answer a;
    enum key_kind kind;
    q->id = 0x12345678;
    assert_int_equal(key_request_encode(q, there), OK);
    assert_int_equal(key_request_decode(BYTES_OF(there), &r), OK);
    key_box_answer(b, &r, &a);
    key_answer_encode(&a, r.kind, back);
    assert_int_equal(key_answer_decode(BYTES_OF(back), out, &kind), OK);
    assert_int_equal(kind, q->kind);
    assert_int_equal(out->id, q->id);
}

static void vectors_as_from_the_key_itself(void **state)
{
    struct key_box b = {.crypto = crypto, .seal = seal};
    struct aka_key k = key_new(AKA_MILENAGE, 16);
    uint8_t sealed[SEALED_KEY_MAX];
    int n = aka_key_seal(&seal, nonce, SUPI, &k, sealed);
    struct key_request q = {.kind = KEY_AV_5G, .supi = SUPI, .sealed = {sealed, (uint32_t)n}, .rand = {1, 2}, .sqn = 0x1234567890,
                            .amf = 0x8000, .sn_name = STR("5G:mnc001.mcc001.3gppnetwork.org")};
    struct key_answer a;
    struct aka_5g_av av;
    struct aka_eap_av eap;
    assert_int_equal(aka_5g_av(crypto, &k, q.rand, q.sqn, q.amf, q.sn_name, &av), OK);
    asked(&b, &q, &a);
    assert_int_equal(a.error, OK);
    assert_memory_equal(&a.av, &av, sizeof av);
    q.kind = KEY_AV_EAP;
    assert_int_equal(aka_eap_av(crypto, &k, q.rand, q.sqn, q.amf, q.sn_name, &eap), OK);
    asked(&b, &q, &a);
    assert_memory_equal(&a.eap, &eap, sizeof eap);
    /* without the separation bit none, of either kind */
    q.amf = 0x7fff;
    asked(&b, &q, &a);
    assert_int_equal(a.error, ERR_DENIED);
    q.kind = KEY_AV_5G;
    asked(&b, &q, &a);
    assert_int_equal(a.error, ERR_DENIED);
    q.amf = 0x8000;
    /* a SIM that is ahead */
    struct aka_sqn_array sqns = {.seq = {[0] = 1ull << 36}};
    struct aka_usim_result sim;
    for (int i = 0; i < AKA_IND_COUNT; i++)
        sqns.seq[i] = 1ull << 36;
    assert_int_equal(aka_usim(crypto, &k, &sqns, av.rand, av.autn, &sim), ERR_REPLAY);
    q.kind = KEY_RESYNCHRONISE;
    memcpy(q.auts, sim.auts, sizeof q.auts);
    asked(&b, &q, &a);
    assert_int_equal(a.error, OK);
    assert_true(a.sqn_ms >> AKA_IND_BITS == 1ull << 36);
    q.auts[3] ^= 1;
    asked(&b, &q, &a);
    assert_int_equal(a.error, ERR_MAC);
    q.supi = STR("imsi-001010000000002");
    q.kind = KEY_AV_5G;
    asked(&b, &q, &a);
    assert_int_equal(a.error, ERR_MAC);
}

static void identities(void **state)
{
    struct key_box b = {.crypto = crypto, .seal = seal, .n_hn = 1};
    uint8_t priv[32] = {7}, pub[33], eph[32] = {8}, bcd[8], out[128];
    char hex[257], text[320];
    struct hn_key *ue;
    struct key_answer a;
    b.hn[0].id = 27;
    assert_int_equal(hn_key_private_raw(crypto, SUCI_PROFILE_A, priv, &b.hn[0].key), OK);
    int n = hn_key_public(b.hn[0].key, pub);
    assert_int_equal(hn_key_public_raw(crypto, SUCI_PROFILE_A, (struct bytes){pub, (uint32_t)n}, &ue), OK);
    int m = suci_msin_put(STR("0000000001"), bcd, sizeof bcd);
    n = suci_conceal(crypto, ue, eph, (struct bytes){bcd, (uint32_t)m}, out, sizeof out);
    hex_put(hex, out, (size_t)n);
    snprintf(text, sizeof text, "suci-0-001-01-0000-1-27-%s", hex);
    struct key_request q = {.kind = KEY_REVEAL, .suci = str_of(text)};
    asked(&b, &q, &a);
    assert_int_equal(a.error, OK);
    assert_string_equal(a.supi, "imsi-001010000000001");
    text[strlen(text) - 1] ^= 1;
    asked(&b, &q, &a);
    assert_int_equal(a.error, ERR_MAC);
    q.suci = STR("suci-0-001-01-0000-1-28-00");
    asked(&b, &q, &a);
    assert_int_equal(a.error, ERR_NOTFOUND);
    q.suci = STR("suci-0-001-01-0000-0-0-0000000001");
    asked(&b, &q, &a);
    assert_int_equal(a.error, ERR_UNSUPPORTED);
    q.suci = STR("nix");
    asked(&b, &q, &a);
    assert_true(a.error < 0);
    hn_key_free(ue);
    hn_key_free(b.hn[0].key);
}

static void messages_that_are_none(void **state)
{
    static const char long_text[300] = {0};
    uint8_t octets[KEY_REQUEST_OCTETS] = {0};
    struct key_request q = {.kind = KEY_REVEAL, .suci = {long_text, 256}};
    struct key_answer a;
    enum key_kind kind;
    assert_int_equal(key_request_encode(&q, octets), ERR_RANGE);
    q = (struct key_request){.kind = KEY_AV_5G, .supi = {long_text, KEY_SUPI}};
    assert_int_equal(key_request_encode(&q, octets), ERR_RANGE);
    memset(octets, 0, sizeof octets);
    assert_int_equal(key_request_decode(BYTES_OF(octets), &q), ERR_SYNTAX); /* no kind */
    octets[4] = KEY_REVEAL + 1;
    assert_int_equal(key_request_decode(BYTES_OF(octets), &q), ERR_SYNTAX);
    octets[4] = KEY_AV_5G;
    octets[5] = KEY_SUPI;
    assert_int_equal(key_request_decode(BYTES_OF(octets), &q), ERR_SYNTAX);
    octets[5] = 0;
    octets[6] = SEALED_KEY_MAX + 1;
    assert_int_equal(key_request_decode(BYTES_OF(octets), &q), ERR_SYNTAX);
    octets[6] = 0;
    assert_int_equal(key_request_decode(BYTES_OF(octets), &q), OK);
    assert_int_equal(key_request_decode((struct bytes){octets, sizeof octets - 1}, &q), ERR_SYNTAX);
    octets[4] = 0;
    assert_int_equal(key_answer_decode((struct bytes){octets, KEY_ANSWER_OCTETS}, &a, &kind), ERR_SYNTAX);
    octets[4] = KEY_AV_EAP;
    octets[9 + sizeof(struct aka_eap_av) - 1] = 17; /* octets of XRES */
    assert_int_equal(key_answer_decode((struct bytes){octets, KEY_ANSWER_OCTETS}, &a, &kind), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(sealed_and_back), unit(vectors_as_from_the_key_itself), unit(identities),
                                       unit(messages_that_are_none)};
    if (crypto_init(&crypto) < 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    crypto_free(crypto);
    return failed;
}
