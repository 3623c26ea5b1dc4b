/* SPDX-License-Identifier: Apache-2.0 */
/* tuak.h - TUAK, TS 35.231: Keccak-f[1600] by hand. Octet strings as the specification writes them,
 * most significant first. */
#pragma once
#include "crypto/crypto.h"

struct tuak_size {  /* octets; iterations: Keccak permutations per function, 1 or more */
    uint8_t k;      /* 16 or 32 */
    uint8_t mac;    /* 8, 16 or 32 */
    uint8_t res;    /* 4, 8, 16 or 32 */
    uint8_t ck, ik; /* 16 or 32 */
    uint8_t iterations;
};
struct tuak_out { /* as many octets of each as tuak_size says */
    uint8_t mac_a[32], mac_s[32], res[32], ck[32], ik[32], ak[6], ak_star[6];
};
void keccak_f1600(uint64_t a[25]);
/* ERR_RANGE when a size is none of those above. */
int tuak_topc(const struct tuak_size *s, const uint8_t *k, const uint8_t top[32], uint8_t topc[32]);
int tuak(const struct tuak_size *s, const uint8_t *k, const uint8_t topc[32],
         const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2], struct tuak_out *out);
