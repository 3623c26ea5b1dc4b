/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crypto/vec.h"
#include "crypto/suci.h"

static void ecies_vectors(void **state)
{
    struct crypto *c = *state;
    static const struct {
        int profile;
        const char *priv, *pub, *eph, *plain, *output;
    } row[] = {
#define ECIES(...) {__VA_ARGS__},
#define REVEAL(...)
#include "suci.inc"
#undef ECIES
#undef REVEAL
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct vec priv = vec_of(row[i].priv), pub = vec_of(row[i].pub), eph = vec_of(row[i].eph);
        struct vec plain = vec_of(row[i].plain);
        enum suci_scheme s = (enum suci_scheme)row[i].profile;
        struct hn_key *home, *ue;
        uint8_t out[128], text[64], key[33];
        assert_int_equal(hn_key_private_raw(c, s, priv.p, &home), 0);
        assert_int_equal(hn_key_public_raw(c, s, vec_bytes(&pub), &ue), 0);
        vec_same(key, (uint32_t)hn_key_public(home, key), row[i].pub);
        assert_int_equal(hn_key_private(home, key), 0);
        assert_int_equal(hn_key_private(ue, key), ERR_NOTFOUND);
        int n = suci_conceal(c, ue, eph.p, vec_bytes(&plain), out, sizeof out);
        assert_true(n > 0);
        vec_same(out, (uint32_t)n, row[i].output);
        assert_int_equal(suci_conceal(c, ue, eph.p, vec_bytes(&plain), out, (uint32_t)n - 1),
                         ERR_NOSPACE);
        struct bytes in = {out, (uint32_t)n};
        for (int again = 0; again < 3; again++) { /* the key object is used over and over */
            int t = suci_deconceal(c, home, in, text, sizeof text);
            vec_same(text, (uint32_t)t, row[i].plain);
        }
        assert_int_equal(suci_deconceal(c, ue, in, text, sizeof text), ERR_NOTFOUND);
        assert_int_equal(suci_deconceal(c, home, in, text, 1), ERR_NOSPACE);
        for (uint32_t cut = 0; cut < in.n; cut++)
            assert_true(suci_deconceal(c, home, (struct bytes){out, cut}, text, sizeof text) < 0);
        for (uint32_t bit = 0; bit < in.n * 8; bit++) {
            if (s == SUCI_PROFILE_A && bit == 31 * 8 + 7)
                continue; /* X25519 ignores the top bit; the KDF does not, see below */
            out[bit / 8] ^= (uint8_t)(1 << (bit & 7));
            assert_true(suci_deconceal(c, home, in, text, sizeof text) < 0);
            out[bit / 8] ^= (uint8_t)(1 << (bit & 7));
        }
        out[31] ^= 0x80;
        assert_true(suci_deconceal(c, home, in, text, sizeof text) < 0);
        hn_key_free(home);
        hn_key_free(ue);
    }
}

static void sucis_of_real_tools(void **state)
{
    struct crypto *c = *state;
    static const struct {
        const char *suci, *supi;
    } row[] = {
#define ECIES(...)
#define REVEAL(...) {__VA_ARGS__},
#include "suci.inc"
#undef ECIES
#undef REVEAL
    };
    struct vec a = vec_of("c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d");
    struct vec b = vec_of("f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda");
    struct hn_key *key[3] = {NULL};
    assert_int_equal(hn_key_private_raw(c, SUCI_PROFILE_A, a.p, &key[1]), 0);
    assert_int_equal(hn_key_private_raw(c, SUCI_PROFILE_B, b.p, &key[2]), 0);
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct suci s;
        char supi[SUCI_SUPI_MAX];
        assert_int_equal(suci_parse(str_of(row[i].suci), &s), 0);
        assert_true(s.scheme <= 2);
        int n = suci_reveal(c, key[s.scheme], &s, supi, sizeof supi);
        if (!row[i].supi[0]) {
            assert_true(n < 0);
            continue;
        }
        assert_int_equal(n, strlen(row[i].supi));
        assert_string_equal(supi, row[i].supi);
        assert_int_equal(suci_reveal(c, key[s.scheme], &s, supi, (uint32_t)n), ERR_NOSPACE);
    }
    hn_key_free(key[1]);
    hn_key_free(key[2]);
}

static void text_form(void **state)
{
    struct suci s;
    char supi[64];
    assert_int_equal(suci_parse(STR("suci-1-a-b.example-0-0-0-jo-e"), &s), 0);
    assert_true(str_is(s.realm, "a-b.example") && str_is(s.output, "jo-e") && s.type == 1);
    assert_true(suci_reveal(*state, NULL, &s, supi, sizeof supi) > 0);
    assert_string_equal(supi, "nai-jo-e@a-b.example");
    static const char *const refused[] = {"",
                                          "suci",
                                          "suci-",
                                          "suci-0-01-01-0-0-0-1",
                                          "suci-0-001-1-0-0-0-1",
                                          "suci-0-001-01-00000-0-0-1",
                                          "suci-0-001-01-0-g-0-1",
                                          "suci-0-001-01-0-0-256-1",
                                          "suci-0-001-01-0-0-0-",
                                          "suci-8-x-0-0-0-1",
                                          "suci-1--0-0-0-1",
                                          "imsi-1",
                                          "suci-0-001-01-0-0-1",
                                          "suci-0-0a1-01-0-0-0-1"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_int_equal(suci_parse(str_of(refused[i]), &s), ERR_SYNTAX);
    assert_int_equal(suci_parse(STR("suci-0-001-01-0-0-0-12345678901"), &s), 0);
    assert_int_equal(suci_reveal(*state, NULL, &s, supi, sizeof supi), ERR_SYNTAX); /* 16 digits */
    assert_int_equal(suci_parse(STR("suci-0-001-01-0-1-1-0011"), &s), 0);
    assert_int_equal(suci_reveal(*state, NULL, &s, supi, sizeof supi), ERR_NOTFOUND);
    assert_int_equal(suci_parse(STR("suci-1-x-0-0-0-a@b"), &s), 0);
    assert_int_equal(suci_reveal(*state, NULL, &s, supi, sizeof supi), ERR_SYNTAX);
}

static void msin(void **state)
{
    uint8_t bcd[5];
    char out[11];
    assert_int_equal(suci_msin_put(STR("001002086"), bcd, sizeof bcd), 5);
    SAME(bcd, "00012080f6");
    assert_int_equal(suci_msin_get(BYTES_OF(bcd), out, sizeof out), 9);
    assert_string_equal(out, "001002086");
    assert_int_equal(suci_msin_put(STR("12345678901"), bcd, sizeof bcd), ERR_RANGE);
    assert_int_equal(suci_msin_put(STR("12a"), bcd, sizeof bcd), ERR_SYNTAX);
    bcd[0] = 0xf0;
    assert_int_equal(suci_msin_get(BYTES_OF(bcd), out, sizeof out), ERR_SYNTAX);
}

static void bad_points_are_refused(void **state)
{
    struct crypto *c = *state;
    struct hn_key *k;
    /* X25519: the points of order 1, 2, 4, 8 and their non-canonical twins (RFC 7748 6.1 asks for
     * the check) */
    static const char *const low[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    static const uint8_t priv[32] = {1, 2, 3};
    struct hn_key *home;
    assert_int_equal(hn_key_private_raw(c, SUCI_PROFILE_A, priv, &home), 0);
    for (size_t i = 0; i < ARRAY_LEN(low); i++) {
        struct vec p = vec_of(low[i]);
        uint8_t in[48] = {0}, text[16];
        assert_int_equal(hn_key_public_raw(c, SUCI_PROFILE_A, vec_bytes(&p), &k), ERR_RANGE);
        memcpy(in, p.p, 32);
        assert_int_equal(suci_deconceal(c, home, BYTES_OF(in), text, sizeof text), ERR_RANGE);
    }
    hn_key_free(home);
    static const uint8_t zero[65] = {0};
    uint8_t p[65] = {4};
    assert_int_equal(hn_key_public_raw(c, SUCI_PROFILE_B, BYTES_OF(p), &k), ERR_RANGE);
    p[0] = 2;
    memset(p + 1, 0xff, 32);
    assert_int_equal(hn_key_public_raw(c, SUCI_PROFILE_B, (struct bytes){p, 33}, &k), ERR_RANGE);
    assert_int_equal(hn_key_public_raw(c, SUCI_PROFILE_B, (struct bytes){zero, 1}, &k), ERR_RANGE);
    assert_int_equal(hn_key_public_raw(c, SUCI_PROFILE_B, (struct bytes){zero, 0}, &k), ERR_RANGE);
    assert_int_equal(hn_key_private_raw(c, SUCI_PROFILE_B, zero, &k), ERR_RANGE);
    assert_int_equal(hn_key_private_raw(c, SUCI_PROFILE_B, p + 1, &k),
                     ERR_RANGE); /* above the order */
    assert_int_equal(hn_key_private_raw(c, SUCI_NULL, priv, &k), ERR_UNSUPPORTED);
}

static void pem(void **state)
{
    struct crypto *c = *state;
    static const struct {
        const char *text, *priv, *pub;
    } row[] = {
#include "pem.inc"
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct hn_key *k;
        uint8_t out[33];
        assert_int_equal(hn_key_pem(c, str_of(row[i].text), &k), 0);
        vec_same(out, (uint32_t)hn_key_public(k, out), row[i].pub);
        if (row[i].priv) {
            assert_int_equal(hn_key_private(k, out), 0);
            vec_same(out, 32, row[i].priv);
        }
        hn_key_free(k);
    }
    struct hn_key *k;
    assert_int_equal(
        hn_key_pem(c, STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), &k),
        ERR_SYNTAX);
    assert_int_equal(hn_key_pem(c, STR(""), &k), ERR_SYNTAX);
    assert_null(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(ecies_vectors), unit(sucis_of_real_tools),    unit(text_form),
        unit(msin),          unit(bad_points_are_refused), unit(pem)};
    return cmocka_run_group_tests(tests, vec_setup, vec_teardown);
}
