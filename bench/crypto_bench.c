/* SPDX-License-Identifier: Apache-2.0 */
/* crypto_bench.c - what one authentication costs in cryptography: microseconds per call, one
 * thread. */
#include "crypto/aka.h"
#include "crypto/kdf.h"
#include "crypto/milenage.h"
#include "crypto/nas_alg.h"
#include "crypto/suci.h"
#include "crypto/tuak.h"
#include <stdio.h>
#include <time.h>

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The best of five runs: what else the machine does only adds. */
#define BENCH(name, rounds, call)                                                                  \
    do {                                                                                           \
        double best = 1e12;                                                                        \
        for (int run = 0; run < 5; run++) {                                                        \
            double t0 = now_us();                                                                  \
            for (int round = 0; round < (rounds); round++)                                         \
                failed |= (call) < 0;                                                              \
            double us = (now_us() - t0) / (rounds);                                                \
            best = us < best ? us : best;                                                          \
        }                                                                                          \
        printf("%-34s %9.3f us\n", name, best);                                                    \
    } while (0)

static bool bench_suci(struct crypto *c, enum suci_scheme s, const char *conceal,
                       const char *deconceal)
{
    static const uint8_t priv[32] = {1, 2, 3}, eph[32] = {4, 5, 6},
                         msin[5] = {0, 1, 0x20, 0x80, 0xf6};
    struct hn_key *k;
    uint8_t out[64], plain[16];
    bool failed = false;
    if (hn_key_private_raw(c, s, priv, &k))
        return true;
    struct hn_key *ue;
    uint8_t pub[33];
    int n = hn_key_public(k, pub);
    if (hn_key_public_raw(c, s, (struct bytes){pub, (uint32_t)n}, &ue)) {
        hn_key_free(k);
        return true;
    }
    n = suci_conceal(c, ue, eph, BYTES_OF(msin), out, sizeof out);
    BENCH(conceal, 500, suci_conceal(c, ue, eph, BYTES_OF(msin), out, sizeof out));
    BENCH(deconceal, 500,
          suci_deconceal(c, k, (struct bytes){out, (uint32_t)n}, plain, sizeof plain));
    hn_key_free(ue);
    hn_key_free(k);
    return failed;
}

int main(void)
{
    static const uint8_t k[32] = {1}, opc[32] = {2}, rnd[16] = {3}, sqn[6] = {0}, amf[2] = {0x80};
    static const struct str sn = {"5G:mnc001.mcc001.3gppnetwork.org", 32};
    struct crypto *c;
    bool failed = false;
    if (crypto_init(&c))
        return 1;
    struct milenage_out m;
    struct tuak_out t;
    struct aka_5g_av av;
    struct aka_key key = {.alg = AKA_MILENAGE, .k_n = 16, .k = {1}, .opc = {2}};
    const struct tuak_size size = {16, 8, 8, 16, 16, 1};
    uint8_t out[32], mac[4], msg[1500] = {0};
    BENCH("MILENAGE f1..f5*", 20000, milenage(c, k, opc, rnd, sqn, amf, &m));
    BENCH("TUAK f1..f5*", 5000, tuak(&size, k, opc, rnd, sqn, amf, &t));
    BENCH("KDF (KSEAF)", 20000, kdf_kseaf(c, k, sn, out));
    BENCH("5G home vector (with XRES*, KAUSF)", 10000,
          aka_5g_av(c, &key, rnd, 32, AKA_AMF_5G, sn, &av));
    static const char *const nea[] = {"", "NEA1 60 octets", "NEA2 60 octets", "NEA3 60 octets"};
    static const char *const nia[] = {"", "NIA1 60 octets", "NIA2 60 octets", "NIA3 60 octets"};
    for (uint8_t alg = 1; alg < NAS_ALG_COUNT; alg++) {
        BENCH(nia[alg], 10000, nia_mac(c, alg, k, 1, 1, NAS_UPLINK, msg, 60, mac));
        BENCH(nea[alg], 10000, nea_apply(c, alg, k, 1, 1, NAS_UPLINK, msg, 60));
    }
    failed |= bench_suci(c, SUCI_PROFILE_A, "SUCI A conceal", "SUCI A de-conceal");
    failed |= bench_suci(c, SUCI_PROFILE_B, "SUCI B conceal", "SUCI B de-conceal");
    crypto_free(c);
    return failed;
}
