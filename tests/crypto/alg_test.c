/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crypto/vec.h"
#include "crypto/nas_alg.h"
#include "crypto/stream.h"

static void keystreams(void **state)
{
    static const struct {
        int alg;
        const char *key, *iv, *first, *later;
        uint32_t at;
    } row[] = {
#define KEYSTREAM(...) {__VA_ARGS__},
#define NEA(...)
#define NIA(...)
#define UIA2(...)
#include "nas_alg.inc"
#undef KEYSTREAM
#undef NEA
#undef NIA
#undef UIA2
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct vec key = vec_of(row[i].key), iv = vec_of(row[i].iv), first = vec_of(row[i].first);
        struct snow3g s;
        struct zuc z;
        uint32_t k[4], v[4];
        for (int j = 0; j < 4; j++) {
            k[j] = be32(key.p + 4 * j);
            v[j] = be32(iv.p + 4 * j);
        }
        if (row[i].alg == 1)
            snow3g_init(&s, k, v);
        else
            zuc_init(&z, key.p, iv.p);
        for (uint32_t w = 1; w <= row[i].at || 4 * w <= first.n; w++) {
            uint32_t out = row[i].alg == 1 ? snow3g_next(&s) : zuc_next(&z);
            if (4 * w <= first.n)
                assert_int_equal(out, be32(first.p + 4 * (w - 1)));
            if (w == row[i].at)
                assert_int_equal(out, be32(vec_of(row[i].later).p));
        }
    }
}

static void nea_vectors(void **state)
{
    static const struct {
        uint8_t alg;
        const char *key;
        uint32_t count;
        uint8_t bearer;
        int dir;
        uint32_t bits;
        const char *plain, *cipher;
    } row[] = {
#define KEYSTREAM(...)
#define NEA(...) {__VA_ARGS__},
#define NIA(...)
#define UIA2(...)
#include "nas_alg.inc"
#undef KEYSTREAM
#undef NEA
#undef NIA
#undef UIA2
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct vec key = vec_of(row[i].key), text = vec_of(row[i].plain);
        enum nas_dir dir = (enum nas_dir)row[i].dir;
        uint32_t n = (row[i].bits + 7) / 8;
        assert_int_equal(nea_apply_bits(*state, row[i].alg, key.p, row[i].count, row[i].bearer, dir,
                                        text.p, row[i].bits),
                         0);
        vec_same(text.p, n, row[i].cipher);
        nea_apply_bits(*state, row[i].alg, key.p, row[i].count, row[i].bearer, dir, text.p,
                       row[i].bits);
        vec_same(text.p, n, row[i].plain);
    }
}

static void nia_vectors(void **state)
{
    static const struct {
        uint8_t alg;
        const char *key;
        uint32_t count;
        uint8_t bearer;
        int dir;
        uint32_t bits;
        const char *msg, *mac;
    } row[] = {
#define KEYSTREAM(...)
#define NEA(...)
#define NIA(...) {__VA_ARGS__},
#define UIA2(...)
#include "nas_alg.inc"
#undef KEYSTREAM
#undef NEA
#undef NIA
#undef UIA2
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct vec key = vec_of(row[i].key), msg = vec_of(row[i].msg);
        enum nas_dir dir = (enum nas_dir)row[i].dir;
        uint8_t mac[4];
        assert_int_equal(nia_mac_bits(*state, row[i].alg, key.p, row[i].count, row[i].bearer, dir,
                                      msg.p, row[i].bits, mac),
                         0);
        SAME(mac, row[i].mac);
        if (row[i].bits % 8 == 0) {
            nia_mac(*state, row[i].alg, key.p, row[i].count, row[i].bearer, dir, msg.p,
                    row[i].bits / 8, mac);
            SAME(mac, row[i].mac);
        }
    }
}

static void uia2_vectors(void **state)
{
    static const struct {
        const char *key;
        uint32_t count, fresh;
        uint8_t dir;
        uint32_t bits;
        const char *msg, *mac;
    } row[] = {
#define KEYSTREAM(...)
#define NEA(...)
#define NIA(...)
#define UIA2(...) {__VA_ARGS__},
#include "nas_alg.inc"
#undef KEYSTREAM
#undef NEA
#undef NIA
#undef UIA2
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct vec key = vec_of(row[i].key), msg = vec_of(row[i].msg);
        uint8_t mac[4];
        snow3g_f9(key.p, row[i].count, row[i].fresh, row[i].dir, msg.p, row[i].bits, mac);
        SAME(mac, row[i].mac);
    }
}

/* RFC 4493 4 has whole blocks and empty text, which the 3GPP sets lack; the head is the first 8
 * octets. */
static void cmac_of_rfc4493(void **state)
{
    struct vec key = vec_of("2b7e151628aed2a6abf7158809cf4f3c");
    struct vec m = vec_of("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46"
                          "a35ce411e5fbc1191a0a52ef"
                          "f69f2445df4f9b17ad2b417be66c3710");
    static const struct {
        uint32_t n;
        const char *mac;
    } row[] = {{16, "070a16b46b4d4144f79bdd9dd04a287c"},
               {40, "dfa66747de9ae63030ca32611497c827"},
               {64, "51f0bebf7e3b9d92fc49741779363cfe"}};
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        uint8_t mac[16];
        assert_int_equal(crypto_aes128_cmac(*state, key.p, m.p, m.p + 8, (row[i].n - 8) * 8, mac),
                         0);
        SAME(mac, row[i].mac);
    }
}

/* Every length around the chunk of the CMAC: splitting must not show. Compared with a plain CBC-MAC
 * chain. */
static void cmac_of_every_length(void **state)
{
    static const uint8_t key[16] = {1, 2, 3};
    uint8_t text[1100];
    for (uint32_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7 + 1);
    for (uint32_t n = 8; n < sizeof text; n++) {
        uint8_t sub[2][16], x[16] = {0}, mac[16];
        crypto_aes128_key(*state, key);
        crypto_aes128_blocks(*state, x, sub[0], 16);
        for (int s = 0; s < 2; s++) {
            uint8_t *p = sub[s], carry = p[0] >> 7;
            for (int i = 0; i < 16; i++)
                p[i] = (uint8_t)(p[i] << 1 | (i < 15 ? p[i + 1] >> 7 : 0));
            p[15] ^= carry ? 0x87 : 0;
            if (s == 0)
                memcpy(sub[1], sub[0], 16);
        }
        for (uint32_t at = 0; at < n; at += 16) {
            uint32_t left = n - at;
            for (uint32_t i = 0; i < 16; i++) {
                x[i] ^= i < left ? text[at + i] : i == left ? 0x80 : 0;
                if (left <= 16)
                    x[i] ^= sub[left < 16][i];
            }
            crypto_aes128_blocks(*state, x, x, 16);
        }
        crypto_aes128_cmac(*state, key, text, text + 8, (n - 8) * 8, mac);
        assert_memory_equal(mac, x, 16);
    }
}

static void null_and_out_of_range(void **state)
{
    static const uint8_t key[16] = {1};
    uint8_t buf[5] = {1, 2, 3, 4, 5}, mac[4] = {9};
    assert_int_equal(nea_apply(*state, 0, key, 1, 1, NAS_UPLINK, buf, 5), 0);
    assert_int_equal(buf[4], 5);
    assert_int_equal(nia_mac(*state, 0, key, 1, 1, NAS_UPLINK, buf, 5, mac), 0);
    SAME(mac, "00000000");
    assert_int_equal(nea_apply(*state, 4, key, 1, 1, NAS_UPLINK, buf, 5), ERR_RANGE);
    assert_int_equal(nia_mac(*state, 1, key, 1, 32, NAS_UPLINK, buf, 5, mac), ERR_RANGE);
    for (uint8_t alg = 0; alg < NAS_ALG_COUNT; alg++) { /* nothing to do is no error */
        assert_int_equal(nea_apply(*state, alg, key, 1, 1, NAS_UPLINK, NULL, 0), 0);
        assert_int_equal(nia_mac(*state, alg, key, 1, 1, NAS_UPLINK, NULL, 0, mac), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(keystreams),           unit(nea_vectors),
                                       unit(nia_vectors),          unit(uia2_vectors),
                                       unit(cmac_of_rfc4493),      unit(cmac_of_every_length),
                                       unit(null_and_out_of_range)};
    return cmocka_run_group_tests(tests, vec_setup, vec_teardown);
}
