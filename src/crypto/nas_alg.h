/* SPDX-License-Identifier: Apache-2.0 */
/* nas_alg.h - 128-NEA0..3 and 128-NIA0..3, TS 33.501 annex D, TS 33.401 annex B: SNOW 3G, AES, ZUC.
 * For NAS (BEARER = 1 for 3GPP access, 2 for non-3GPP), RRC and UP. The S-boxes of SNOW 3G and ZUC
 * are tables in memory: their timing may depend on key and keystream through the cache, as in every
 * software form of them. AES comes from libcrypto and does not where the processor has AES
 * instructions. */
#pragma once
#include "crypto/crypto.h"

enum nas_dir { NAS_UPLINK = 0, NAS_DOWNLINK = 1 };
enum { NAS_ALG_COUNT = 4 };

/* Ciphers or deciphers n octets in place. bearer 0..31; ERR_RANGE for alg > 3 or bearer > 31. */
int nea_apply(struct crypto *c, uint8_t alg, const uint8_t key[16], uint32_t count, uint8_t bearer,
              enum nas_dir dir, uint8_t *buf, uint32_t n);
/* n_bits; the bits of the last octet beyond them become 0. */
int nea_apply_bits(struct crypto *c, uint8_t alg, const uint8_t key[16], uint32_t count,
                   uint8_t bearer, enum nas_dir dir, uint8_t *buf, uint32_t n_bits);
/* MAC of 4 octets; alg 0 yields 0. */
int nia_mac(struct crypto *c, uint8_t alg, const uint8_t key[16], uint32_t count, uint8_t bearer,
            enum nas_dir dir, const uint8_t *msg, uint32_t n, uint8_t mac[4]);
int nia_mac_bits(struct crypto *c, uint8_t alg, const uint8_t key[16], uint32_t count,
                 uint8_t bearer, enum nas_dir dir, const uint8_t *msg, uint32_t n_bits,
                 uint8_t mac[4]);
