/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - the two word-oriented stream ciphers of 3GPP: SNOW 3G (TS 35.216) and ZUC (TS 35.222).
 * The state lives on the caller's stack and is wiped by the caller. Initialised once, then a 32 bit
 * word a call. */
#pragma once
#include "base/bytes.h"

struct snow3g {
    uint32_t s[16], r1, r2, r3, at; /* s is a ring: s0 of the specification is s[at] */
};
/* K0..K3, IV0..IV3 of TS 35.216 4.1 */
void snow3g_init(struct snow3g *z, const uint32_t k[4], const uint32_t iv[4]);
uint32_t snow3g_next(struct snow3g *z);
/* The K0..K3 of a 128 bit key: K3 is its first four octets (TS 35.215 3.4, 4.4). */
void snow3g_key(uint32_t words[4], const uint8_t k[16]);
/* UIA2's f9 (TS 35.215): 128-NIA1 is this with FRESH = BEARER << 27. */
void snow3g_f9(const uint8_t k[16], uint32_t count, uint32_t fresh, uint8_t dir, const uint8_t *msg,
               uint32_t n_bits, uint8_t mac[4]);

struct zuc {
    uint32_t s[16], r1, r2, at; /* 31 bit cells, a ring as above */
};
void zuc_init(struct zuc *z, const uint8_t k[16], const uint8_t iv[16]);
uint32_t zuc_next(struct zuc *z);
/* 128-EIA3, TS 35.221. */
void zuc_eia3(const uint8_t k[16], uint32_t count, uint8_t bearer, uint8_t dir, const uint8_t *msg,
              uint32_t n_bits, uint8_t mac[4]);
