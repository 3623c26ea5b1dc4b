/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crypto/vec.h"
#include "crypto/aka.h"
#include "crypto/kdf.h"
#include "crypto/milenage.h"
#include "crypto/nas_alg.h"
#include "crypto/tuak.h"

static void milenage_vectors(void **state)
{
    static const struct {
        const char *k, *rand, *sqn, *amf, *op, *opc, *mac_a, *mac_s, *res, *ck, *ik, *ak, *ak_star;
    } row[] = {
#define MILENAGE(...) {__VA_ARGS__},
#define GSM_MILENAGE(...)
#include "milenage.inc"
#undef MILENAGE
#undef GSM_MILENAGE
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct vec k = vec_of(row[i].k), op = vec_of(row[i].op), rnd = vec_of(row[i].rand);
        struct vec sqn = vec_of(row[i].sqn), amf = vec_of(row[i].amf);
        uint8_t opc[16];
        struct milenage_out o;
        assert_int_equal(milenage_opc(*state, k.p, op.p, opc), 0);
        SAME(opc, row[i].opc);
        assert_int_equal(milenage(*state, k.p, opc, rnd.p, sqn.p, amf.p, &o), 0);
        SAME(o.mac_a, row[i].mac_a);
        SAME(o.mac_s, row[i].mac_s);
        SAME(o.res, row[i].res);
        SAME(o.ck, row[i].ck);
        SAME(o.ik, row[i].ik);
        SAME(o.ak, row[i].ak);
        SAME(o.ak_star, row[i].ak_star);
    }
}

/* TS 55.205: GSM's values are folds of the same RES, CK, IK. */
static void milenage_folds_to_gsm(void **state)
{
    static const struct {
        const char *k, *rand, *opc, *sres1, *sres2, *kc;
    } row[] = {
#define MILENAGE(...)
#define GSM_MILENAGE(...) {__VA_ARGS__},
#include "milenage.inc"
#undef MILENAGE
#undef GSM_MILENAGE
    };
    static const uint8_t zero[6];
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct vec k = vec_of(row[i].k), rnd = vec_of(row[i].rand), opc = vec_of(row[i].opc);
        struct milenage_out o;
        assert_int_equal(milenage(*state, k.p, opc.p, rnd.p, zero, zero, &o), 0);
        uint8_t sres1[4], kc[8];
        for (int j = 0; j < 4; j++)
            sres1[j] = o.res[j] ^ o.res[j + 4];
        for (int j = 0; j < 8; j++)
            kc[j] = o.ck[j] ^ o.ck[j + 8] ^ o.ik[j] ^ o.ik[j + 8];
        SAME(sres1, row[i].sres1);
        vec_same(o.res, 4, row[i].sres2);
        SAME(kc, row[i].kc);
    }
}

static void tuak_vectors(void **state)
{
    static const struct {
        const char *k, *rand, *sqn, *amf, *top;
        int iterations;
        const char *topc, *mac_a, *mac_s, *res, *ck, *ik, *ak, *ak_star;
    } row[] = {
#define TUAK(...) {__VA_ARGS__},
#define KECCAK(...)
#include "tuak.inc"
#undef TUAK
#undef KECCAK
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct vec k = vec_of(row[i].k), top = vec_of(row[i].top), rnd = vec_of(row[i].rand);
        struct vec sqn = vec_of(row[i].sqn), amf = vec_of(row[i].amf);
        struct tuak_size s = {(uint8_t)k.n,
                              (uint8_t)(strlen(row[i].mac_a) / 2),
                              (uint8_t)(strlen(row[i].res) / 2),
                              (uint8_t)(strlen(row[i].ck) / 2),
                              (uint8_t)(strlen(row[i].ik) / 2),
                              (uint8_t)row[i].iterations};
        uint8_t topc[32];
        struct tuak_out o;
        assert_int_equal(tuak_topc(&s, k.p, top.p, topc), 0);
        SAME(topc, row[i].topc);
        assert_int_equal(tuak(&s, k.p, topc, rnd.p, sqn.p, amf.p, &o), 0);
        vec_same(o.mac_a, s.mac, row[i].mac_a);
        vec_same(o.mac_s, s.mac, row[i].mac_s);
        vec_same(o.res, s.res, row[i].res);
        vec_same(o.ck, s.ck, row[i].ck);
        vec_same(o.ik, s.ik, row[i].ik);
        SAME(o.ak, row[i].ak);
        SAME(o.ak_star, row[i].ak_star);
        s.mac = 12;
        assert_int_equal(tuak(&s, k.p, topc, rnd.p, sqn.p, amf.p, &o), ERR_RANGE);
    }
}

static void keccak_vectors(void **state)
{
    static const struct {
        const char *in, *out;
    } row[] = {
#define TUAK(...)
#define KECCAK(...) {__VA_ARGS__},
#include "tuak.inc"
#undef TUAK
#undef KECCAK
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct vec in = vec_of(row[i].in);
        uint64_t a[25];
        uint8_t out[200];
        assert_int_equal(in.n, 200);
        for (int j = 0; j < 25; j++)
            a[j] = __builtin_bswap64(be64(in.p + 8 * j));
        keccak_f1600(a);
        for (int j = 0; j < 25; j++)
            put_be64(out + 8 * j, __builtin_bswap64(a[j]));
        SAME(out, row[i].out);
    }
}

/* From K to the MACs of messages that real networks sent. */
static void key_chains_of_captures(void **state)
{
    struct crypto *c = *state;
    static const struct {
        const char *k, *opc, *rand, *autn, *sqn, *ck, *ik, *ak, *res, *sn, *supi, *xres_star,
            *hxres_star, *kausf, *kseaf;
        const char *kamf;
        uint8_t int_alg;
        const char *k_nas_enc, *k_nas_int, *smc, *smc_complete, *kgnb;
    } row[] = {
#define CHAIN(...) {__VA_ARGS__},
#define AUTS(...)
#include "key_chain.inc"
#undef CHAIN
#undef AUTS
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct aka_key key = {.alg = AKA_MILENAGE, .k_n = 16};
        struct vec k = vec_of(row[i].k), opc = vec_of(row[i].opc), rnd = vec_of(row[i].rand);
        struct vec sqn_hex = vec_of(row[i].sqn), smc = vec_of(row[i].smc),
                   done = vec_of(row[i].smc_complete);
        struct str sn = str_of(row[i].sn);
        uint64_t sqn = (uint64_t)be16(sqn_hex.p) << 32 | be32(sqn_hex.p + 2);
        memcpy(key.k, k.p, 16);
        memcpy(key.opc, opc.p, 16);
        struct aka_5g_av av;
        assert_int_equal(aka_5g_av(c, &key, rnd.p, sqn, AKA_AMF_5G, sn, &av), 0);
        SAME(av.autn, row[i].autn);
        SAME(av.xres_star, row[i].xres_star);
        SAME(av.kausf, row[i].kausf);

        /* some of these networks are further on than a new USIM would follow */
        struct aka_sqn_array sqns = {.seq = {[AKA_IND_COUNT - 1] = (sqn >> AKA_IND_BITS) - 1}};
        struct aka_usim_result u;
        assert_int_equal(aka_usim(c, &key, &sqns, av.rand, av.autn, &u), 0);
        assert_true(u.sqn == sqn && u.amf == AKA_AMF_5G);
        SAME(u.ck, row[i].ck);
        SAME(u.ik, row[i].ik);
        SAME(u.ak, row[i].ak);
        vec_same(u.res, u.res_n, row[i].res);

        uint8_t star[16], kseaf[32], kamf[32], enc[16], integ[16], kgnb[32], mac[4];
        assert_int_equal(
            kdf_res_star(c, u.ck, u.ik, sn, av.rand, (struct bytes){u.res, u.res_n}, star), 0);
        SAME(star, row[i].xres_star);
        kdf_hres_star(c, av.rand, star, star);
        SAME(star, row[i].hxres_star);
        kdf_kseaf(c, av.kausf, sn, kseaf);
        SAME(kseaf, row[i].kseaf);
        static const uint8_t abba[2];
        kdf_kamf(c, kseaf, kdf_supi_value(str_of(row[i].supi)), BYTES_OF(abba), kamf);
        SAME(kamf, row[i].kamf);
        kdf_alg_key(c, kamf, KDF_NAS_ENC, 0, enc);
        SAME(enc, row[i].k_nas_enc);
        kdf_alg_key(c, kamf, KDF_NAS_INT, row[i].int_alg, integ);
        SAME(integ, row[i].k_nas_int);
        kdf_kgnb(c, kamf, 0, KDF_ACCESS_3GPP, kgnb);
        SAME(kgnb, row[i].kgnb);
        nia_mac(c, row[i].int_alg, integ, smc.p[6], 1, NAS_DOWNLINK, smc.p + 6, smc.n - 6, mac);
        assert_memory_equal(mac, smc.p + 2, 4);
        nia_mac(c, row[i].int_alg, integ, done.p[6], 1, NAS_UPLINK, done.p + 6, done.n - 6, mac);
        assert_memory_equal(mac, done.p + 2, 4);
    }
}

static void auts_of_captures(void **state)
{
    static const struct {
        const char *k, *opc, *rand, *auts, *sqn_ms;
    } row[] = {
#define CHAIN(...)
#define AUTS(...) {__VA_ARGS__},
#include "key_chain.inc"
#undef CHAIN
#undef AUTS
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct aka_key key = {.alg = AKA_MILENAGE, .k_n = 16};
        struct vec k = vec_of(row[i].k), opc = vec_of(row[i].opc), rnd = vec_of(row[i].rand);
        struct vec auts = vec_of(row[i].auts), want = vec_of(row[i].sqn_ms);
        uint64_t sqn = 0;
        memcpy(key.k, k.p, 16);
        memcpy(key.opc, opc.p, 16);
        assert_int_equal(aka_auts_verify(*state, &key, rnd.p, auts.p, &sqn), 0);
        assert_true(sqn == ((uint64_t)be16(want.p) << 32 | be32(want.p + 2)));
        for (uint32_t bit = 0; bit < 14 * 8; bit++) { /* no bit of it may change unnoticed */
            auts.p[bit / 8] ^= (uint8_t)(1 << (bit & 7));
            assert_int_equal(aka_auts_verify(*state, &key, rnd.p, auts.p, &sqn), ERR_MAC);
            auts.p[bit / 8] ^= (uint8_t)(1 << (bit & 7));
        }
    }
}

static void usim_and_home_agree(void **state)
{
    struct crypto *c = *state;
    static const uint8_t op[32] = {1, 2, 3}, rnd[16] = {7};
    for (int alg = 0; alg < 3; alg++) {
        struct aka_key key = {
            .alg = alg ? AKA_TUAK : AKA_MILENAGE, .k_n = alg == 2 ? 32 : 16, .k = {9, 8}};
        if (alg == 2)
            key.res_n = 16;
        assert_int_equal(aka_key_set_op(c, &key, (struct bytes){op, alg ? 32 : 16}), 0);
        assert_int_equal(aka_key_set_op(c, &key, (struct bytes){op, 8}), ERR_RANGE);
        struct aka_sqn_array sqns = {{0}};
        struct aka_usim_result u;
        struct aka_av av;
        uint64_t sqn = 0x1020, sqn_ms;
        for (int i = 0; i < 100; i++, sqn = aka_sqn_next(sqn)) {
            assert_int_equal(aka_av(c, &key, rnd, sqn, AKA_AMF_5G, &av), 0);
            assert_int_equal(aka_usim(c, &key, &sqns, rnd, av.autn, &u), 0);
            assert_int_equal(u.res_n, av.res_n);
            assert_memory_equal(u.res, av.res, av.res_n);
            assert_memory_equal(u.ck, av.ck, 16);
        }
        uint64_t highest = u.sqn;
        assert_int_equal(aka_usim(c, &key, &sqns, rnd, av.autn, &u), ERR_REPLAY);
        assert_int_equal(aka_auts_verify(c, &key, rnd, u.auts, &sqn_ms), 0);
        assert_true(sqn_ms == highest);
        av.autn[15] ^= 1;
        assert_int_equal(aka_usim(c, &key, &sqns, rnd, av.autn, &u), ERR_MAC);
        assert_int_equal(aka_av(c, &key, rnd, 1ull << 48, AKA_AMF_5G, &av), ERR_RANGE);

        static const struct str sn = {"5G:mnc001.mcc001.3gppnetwork.org", 32};
        struct aka_eap_av ea;
        uint8_t ck[16], ik[16];
        assert_int_equal(aka_eap_av(c, &key, rnd, sqn, AKA_AMF_5G, sn, &ea), 0);
        assert_int_equal(aka_usim(c, &key, &sqns, rnd, ea.autn, &u), 0);
        kdf_ck_ik_prime(c, u.ck, u.ik, sn, ea.autn, ck, ik);
        assert_memory_equal(ck, ea.ck_prime, 16);
        assert_memory_equal(ik, ea.ik_prime, 16);
        assert_memory_equal(u.res, ea.xres, ea.xres_n);
    }
}

static void sqn_freshness(void **state)
{
    struct aka_sqn_array a = {{0}};
    assert_false(aka_sqn_fresh(&a, 0));
    assert_true(aka_sqn_fresh(&a, 1 << 5));
    aka_sqn_accept(&a, 100 << 5 | 3);
    assert_false(aka_sqn_fresh(&a, 100 << 5 | 3));
    assert_false(aka_sqn_fresh(&a, 99 << 5 | 3));
    assert_true(aka_sqn_fresh(&a, 99 << 5 | 4)); /* out of order, another IND */
    assert_true(aka_sqn_fresh(&a, 101 << 5 | 3));
    assert_true(aka_sqn_ms(&a) == (100 << 5 | 3));
    assert_true(aka_sqn_fresh(&a, (100 + (1ull << 28)) << 5));
    assert_false(aka_sqn_fresh(&a, (101 + (1ull << 28)) << 5));
    assert_false(aka_sqn_fresh(&a, 1ull << 48 | 200 << 5));
    assert_true(aka_sqn_next((100 << 5) | 31) == 101 << 5);
    assert_true(aka_sqn_next((1ull << 48) - 1) == 0);
}

static uint64_t ticks;
static uint64_t tick(void) { return ticks += 5; }
/* What one function does through others is counted once; nothing is without a clock. */
static void time_is_counted_once(void **state)
{
    struct crypto *c;
    struct aka_key key = {.alg = AKA_MILENAGE, .k_n = 16};
    struct aka_5g_av av;
    const uint8_t rand[16] = {1};
    assert_int_equal(crypto_init(&c), OK);
    assert_int_equal(aka_5g_av(c, &key, rand, 32, AKA_AMF_5G, STR("5G:mnc001.mcc001.3gppnetwork.org"), &av), OK);
    assert_int_equal(crypto_metered_ns(c), 0);
    crypto_meter(c, tick);
    assert_int_equal(aka_5g_av(c, &key, rand, 64, AKA_AMF_5G, STR("5G:mnc001.mcc001.3gppnetwork.org"), &av), OK);
    assert_int_equal(crypto_metered_ns(c), 5);
    assert_int_equal(aka_av(c, &key, rand, 1ull << 48, 0, &(struct aka_av){0}), ERR_RANGE);
    assert_int_equal(crypto_metered_ns(c), 10);
    assert_int_equal(ticks, 20);
    crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(milenage_vectors),       unit(milenage_folds_to_gsm),
                                       unit(tuak_vectors),           unit(keccak_vectors),
                                       unit(key_chains_of_captures), unit(auts_of_captures),
                                       unit(usim_and_home_agree),    unit(sqn_freshness),
                                       unit(time_is_counted_once)};
    return cmocka_run_group_tests(tests, vec_setup, vec_teardown);
}
