/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crypto/vec.h"
#include "crypto/eap_aka.h"
#include "crypto/kdf.h"

static void generic_kdf(void **state)
{
    uint8_t out[32];
    struct vec key = vec_of("4a656665"),
               text = vec_of("7768617420646f2079612077616e7420666f72206e6f7468696e673f");
    struct bytes part = vec_bytes(&text); /* RFC 4231 case 2 */
    assert_int_equal(crypto_hmac_sha256(*state, vec_bytes(&key), &part, 1, out), 0);
    SAME(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    uint8_t long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    part = (struct bytes){(const uint8_t *)"Test Using Larger Than Block-Size Key - Hash Key First",
                          54};
    crypto_hmac_sha256(*state, BYTES_OF(long_key), &part, 1, out); /* RFC 4231 case 6 */
    SAME(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    key = vec_of("c4c7bc798ab94e3d354cd6608e79aa92f5569df46519507850051e36f018ca5f");
    struct vec pci = vec_of("0020"), arfcn = vec_of("0231");
    const struct bytes p[] = {vec_bytes(&pci),
                              vec_bytes(&arfcn)}; /* published with a 2 octet ARFCN */
    assert_int_equal(kdf(*state, vec_bytes(&key), 0x70, p, 2, out), 0);
    SAME(out, "82fe5b109099321225a953633c4fec579051652b77f472b33840127bdfa7a655");
    assert_int_equal(kdf(*state, vec_bytes(&key), 0x70, p, 9, out), ERR_RANGE);
}

static void algorithm_keys(void **state)
{
    struct vec kgnb = vec_of("45cbc3f8a81193fd5c5229300d59edf812e998a115ec4e0ce903ba89367e2628");
    static const struct {
        enum kdf_alg_type type;
        uint8_t alg;
        const char *key;
    } row[] = {{KDF_RRC_ENC, 2, "66a09e992386c8d1df7892964c6fb522"},
               {KDF_RRC_INT, 0, "5c2cc2fda0f318a1e0ce35b9db5e80a5"},
               {KDF_UP_ENC, 2, "152052d3dfbc3f05869b7f920095be68"},
               {KDF_UP_INT, 0, "d0deb4584095599e5806eae4f67656d8"}};
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        uint8_t out[16];
        kdf_alg_key(*state, kgnb.p, row[i].type, row[i].alg, out);
        SAME(out, row[i].key);
    }
}

static void kasme(void **state)
{
    struct vec ck = vec_of("b40ba9a3c58b2a05bbf0d987b21bf8cb"),
               ik = vec_of("f769bcd751044604127672711c6d3441");
    struct vec sn = vec_of("024830"), sqn = vec_of("57e673245c0d");
    uint8_t out[32];
    kdf_kasme(*state, ck.p, ik.p, sn.p, sqn.p, out);
    SAME(out, "238e457e0f758badbca8d34bb2612c10428d426757cb5553b2b184fa64bfc549");
}

/* No vectors exist for these: the wrapper must be the generic KDF with FC and parameters as annex A
 * says. */
static void wrappers_say_what_annex_a_says(void **state)
{
    struct crypto *c = *state;
    uint8_t key[32] = {1, 2, 3}, nh[32] = {9}, got[32], want[32];
    struct bytes k = BYTES_OF(key);
#define ANNEX_A(call, got_n, fc, ...)                                                              \
    do {                                                                                           \
        const char *hex_[] = {__VA_ARGS__};                                                        \
        struct vec v_[4];                                                                          \
        struct bytes p_[4];                                                                        \
        for (size_t i_ = 0; i_ < ARRAY_LEN(hex_); i_++) {                                          \
            v_[i_] = vec_of(hex_[i_]);                                                             \
            p_[i_] = vec_bytes(&v_[i_]);                                                           \
        }                                                                                          \
        assert_int_equal(kdf(c, k, fc, p_, ARRAY_LEN(hex_), want), 0);                             \
        assert_int_equal(call, 0);                                                                 \
        assert_memory_equal(got, want + 32 - (got_n), got_n);                                      \
    } while (0)
#define NH_HEX "0900000000000000000000000000000000000000000000000000000000000000"
    ANNEX_A(kdf_kgnb(c, key, 0x01020304, KDF_ACCESS_NON_3GPP, got), 32, 0x6e, "01020304", "02");
    ANNEX_A(kdf_nh(c, key, nh, got), 32, 0x6f, NH_HEX);
    ANNEX_A(kdf_kng_ran_star(c, key, 0x123, 632628, got), 32, 0x70, "0123", "09a734");
    ANNEX_A(kdf_kng_ran_star_eutra(c, key, 0x123, 3350, got), 32, 0x71, "0123", "000d16");
    ANNEX_A(kdf_kamf_prime(c, key, KDF_HANDOVER, 7, got), 32, 0x72, "01", "00000007");
    ANNEX_A(kdf_kasme_prime(c, key, KDF_IDLE, 7, got), 32, 0x73, "00000007");
    ANNEX_A(kdf_kasme_prime(c, key, KDF_HANDOVER, 7, got), 32, 0x74, "00000007");
    ANNEX_A(kdf_kamf_from_kasme_idle(c, key, 7, got), 32, 0x75, "00000007");
    ANNEX_A(kdf_kamf_from_kasme_handover(c, key, nh, got), 32, 0x76, NH_HEX);
    struct vec list = vec_of("00f1108000");
    ANNEX_A(kdf_sor_mac_ausf(c, key, 5, 0x102, vec_bytes(&list), got), 16, 0x77, "05", "0102",
            "00f1108000");
    ANNEX_A(kdf_sor_mac_ausf(c, key, 5, 0x102, (struct bytes){0}, got), 16, 0x77, "05", "0102");
    ANNEX_A(kdf_sor_mac_ue(c, key, 0x102, got), 16, 0x78, "01", "0102");
    ANNEX_A(kdf_ksn(c, key, 3, got), 32, 0x79, "0003");
    ANNEX_A(kdf_upu_mac_ausf(c, key, vec_bytes(&list), 0x102, got), 16, 0x7b, "00f1108000", "0102");
    ANNEX_A(kdf_upu_mac_ue(c, key, 0x102, got), 16, 0x7c, "01", "0102");
    ANNEX_A(kdf_kasme_srvcc(c, key, 9, got), 32, 0x7d, "00000009");
    ANNEX_A(kdf_kakma(c, key, STR("12"), got), 32, 0x80, "414b4d41", "3132");
    ANNEX_A(kdf_atid(c, key, STR("12"), got), 32, 0x81, "412d544944", "3132");
    ANNEX_A(kdf_kaf(c, key, vec_bytes(&list), got), 32, 0x82, "00f1108000");
    ANNEX_A(kdf_ktngf_key(c, key, 1, got), 32, 0x84, "01");
    ANNEX_A(kdf_kiab(c, key, vec_bytes(&list), vec_bytes(&list), got), 32, 0x83, "00f1108000",
            "00f1108000");
    assert_true(str_is(kdf_supi_value(STR("imsi-00101")), "00101"));
    assert_true(str_is(kdf_supi_value(STR("nai-a@b")), "a@b"));
    assert_true(str_is(kdf_supi_value(STR("00101")), "00101"));
}

static const struct {
    const char *identity, *network, *autn, *ik, *ck, *ck_prime, *ik_prime, *k_encr, *k_aut, *k_re,
        *msk, *emsk, *rand, *res;
} eap_row[] = {
#define EAP_AKA(...) {__VA_ARGS__},
#include "eap_aka_prime.inc"
#undef EAP_AKA
};

static void eap_aka_prime_keys(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(eap_row); i++) {
        struct vec ck = vec_of(eap_row[i].ck), ik = vec_of(eap_row[i].ik),
                   autn = vec_of(eap_row[i].autn);
        uint8_t ckp[16], ikp[16];
        struct eap_aka_keys k;
        kdf_ck_ik_prime(*state, ck.p, ik.p, str_of(eap_row[i].network), autn.p, ckp, ikp);
        SAME(ckp, eap_row[i].ck_prime);
        SAME(ikp, eap_row[i].ik_prime);
        struct bytes id = {(const uint8_t *)eap_row[i].identity,
                           (uint32_t)strlen(eap_row[i].identity)};
        assert_int_equal(kdf_eap_aka_prime(*state, ckp, ikp, id, &k), 0);
        SAME(k.k_encr, eap_row[i].k_encr);
        SAME(k.k_aut, eap_row[i].k_aut);
        SAME(k.k_re, eap_row[i].k_re);
        SAME(k.msk, eap_row[i].msk);
        SAME(k.emsk, eap_row[i].emsk);
    }
}

static void challenge_and_answer(void **state)
{
    struct crypto *c = *state;
    for (size_t i = 0; i < ARRAY_LEN(eap_row); i++) {
        struct vec rnd = vec_of(eap_row[i].rand), autn = vec_of(eap_row[i].autn),
                   k_aut = vec_of(eap_row[i].k_aut);
        struct vec res = vec_of(eap_row[i].res);
        uint8_t buf[256];
        struct eap_aka m;
        struct str name = str_of(eap_row[i].network);
        int n = eap_aka_challenge_request(c, 7, rnd.p, autn.p, name, k_aut.p, buf, sizeof buf);
        assert_true(n > 0 && n % 4 == 0);
        struct bytes msg = {buf, (uint32_t)n};
        assert_int_equal(eap_aka_parse(msg, &m), 0);
        assert_true(m.code == EAP_REQUEST && m.id == 7 && m.subtype == EAP_AKA_CHALLENGE);
        assert_true(m.n_kdf == 1 && m.kdf[0] == 1);
        assert_memory_equal(m.rand, rnd.p, 16);
        assert_memory_equal(m.autn, autn.p, 16);
        assert_true(m.kdf_input.n == name.n && memcmp(m.kdf_input.p, name.p, name.n) == 0);
        assert_int_equal(eap_aka_check_mac(c, k_aut.p, msg, &m), 0);
        for (int bit = 0; bit < n * 8; bit++) {
            buf[bit / 8] ^= (uint8_t)(1 << (bit & 7));
            assert_true(eap_aka_parse(msg, &m) < 0 || eap_aka_check_mac(c, k_aut.p, msg, &m) < 0);
            buf[bit / 8] ^= (uint8_t)(1 << (bit & 7));
        }
        for (uint32_t cut = 0; cut < msg.n; cut++) {
            assert_true(eap_aka_parse((struct bytes){buf, cut}, &m) < 0);
            assert_int_equal(
                eap_aka_challenge_request(c, 7, rnd.p, autn.p, name, k_aut.p, buf, cut),
                ERR_NOSPACE);
        }
        n = eap_aka_challenge_response(c, 7, vec_bytes(&res), k_aut.p, buf, sizeof buf);
        msg.n = (uint32_t)n;
        assert_int_equal(eap_aka_parse(msg, &m), 0);
        assert_int_equal(m.res.n, res.n * 8);
        assert_memory_equal(m.res.p, res.p, res.n);
        assert_int_equal(eap_aka_check_mac(c, k_aut.p, msg, &m), 0);
        k_aut.p[0] ^= 1;
        assert_int_equal(eap_aka_check_mac(c, k_aut.p, msg, &m), ERR_MAC);
    }
}

static void other_eap_messages(void **state)
{
    uint8_t buf[64];
    static const uint8_t auts[14] = {1, 2, 3, [13] = 14}, k_aut[32] = {5};
    struct eap_aka m;
#define PARSED(call) eap_aka_parse((struct bytes){buf, (uint32_t)(call)}, &m)
    assert_int_equal(PARSED(eap_aka_sync_failure(3, auts, buf, sizeof buf)), 0);
    vec_same(buf, 24, "02030018320400000404010203000000000000000000000e");
    assert_memory_equal(m.auts, auts, 14);
    assert_int_equal(PARSED(eap_aka_auth_reject(3, buf, sizeof buf)), 0);
    assert_int_equal(m.subtype, EAP_AKA_AUTH_REJECT);
    assert_int_equal(PARSED(eap_aka_client_error(3, 0, buf, sizeof buf)), 0);
    assert_int_equal(m.client_error, 0);
    assert_int_equal(
        PARSED(eap_aka_notification(*state, EAP_REQUEST, 3, 16384, NULL, buf, sizeof buf)), 0);
    assert_true(m.notification == 16384 && !m.mac);
    assert_int_equal(
        PARSED(eap_aka_notification(*state, EAP_RESPONSE, 3, 0, k_aut, buf, sizeof buf)), 0);
    assert_true(m.notification == -1 && m.mac);
    assert_int_equal(PARSED(eap_result(true, 3, buf, sizeof buf)), 0);
    assert_int_equal(m.code, EAP_SUCCESS);
    assert_int_equal(PARSED(eap_result(false, 3, buf, sizeof buf)), 0);
    assert_int_equal(m.code, EAP_FAILURE);
    assert_int_equal(PARSED(eap_identity(EAP_RESPONSE, 3, (struct bytes){(const uint8_t *)"0x", 2},
                                         buf, sizeof buf)),
                     0);
    assert_true(m.identity.n == 2);
    static const struct {
        const char *hex;
        int err;
    } refused[] = {
        {"", ERR_SHORT},
        {"0203", ERR_SHORT},
        {"0203000500", ERR_UNKNOWN},
        {"03030005ff", ERR_TRAILING},
        {"0203000432", ERR_TRAILING},
        {"05030004", ERR_UNKNOWN},
        {"0203000c3204000004000000", ERR_SYNTAX},
        {"0203000c3204000004020000", ERR_SHORT},
        {"0203000832040000", ERR_MISSING},
        {"0203000c320e000016010000", 0},
        {"02030010320e00001601000016010000", ERR_ORDER},
        {"02030010320e00001601000005010000", ERR_UNKNOWN},
        {"02030010320e000016010000c8010000", 0},
        {"0203000832630000", ERR_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct vec v = vec_of(refused[i].hex);
        assert_int_equal(eap_aka_parse(vec_bytes(&v), &m), refused[i].err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(generic_kdf),
                                       unit(algorithm_keys),
                                       unit(kasme),
                                       unit(wrappers_say_what_annex_a_says),
                                       unit(eap_aka_prime_keys),
                                       unit(challenge_and_answer),
                                       unit(other_eap_messages)};
    return cmocka_run_group_tests(tests, vec_setup, vec_teardown);
}
