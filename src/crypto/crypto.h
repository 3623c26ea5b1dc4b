/* SPDX-License-Identifier: Apache-2.0 */
/* crypto.h - the context behind every cryptographic call: algorithms fetched once from libcrypto
 * and contexts that are keyed again for each use, because OpenSSL 3 spends more on a fetch than on
 * the cipher. One per thread (shard). Between calls the schedule of the key used last stays in it,
 * until the next use or crypto_free wipes it. No randomness lives here: callers bring it, so that a
 * simulated network replays exactly. Every function that returns int: 0 (or a length) or ERR_*. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct crypto;

int crypto_init(struct crypto **out); /* ERR_CRYPTO, ERR_NOSPACE */
void crypto_free(struct crypto *c);   /* NULL is fine */
/* From now on the time spent in cryptography is added up, by this clock (nanoseconds). */
void crypto_meter(struct crypto *c, uint64_t (*now_ns)(void));
uint64_t crypto_metered_ns(const struct crypto *c); /* so far; 0 without a clock */

int crypto_sha256(struct crypto *c, const struct bytes *parts, uint32_t n_parts, uint8_t out[32]);
/* A key of any length; the message is the concatenation of the parts. */
int crypto_hmac_sha256(struct crypto *c, struct bytes key, const struct bytes *parts,
                       uint32_t n_parts, uint8_t out[32]);
/* One key, whole blocks; in and out may be the same. n octets, a multiple of 16. */
int crypto_aes128_key(struct crypto *c, const uint8_t key[16]);
int crypto_aes128_blocks(struct crypto *c, const uint8_t *in, uint8_t *out, uint32_t n);
/* In place; iv is the first counter block, counted up over all 128 bits. */
int crypto_aes128_ctr(struct crypto *c, const uint8_t key[16], const uint8_t iv[16], uint8_t *buf,
                      uint32_t n);
/* RFC 4493 over n_bits of head || msg (head 8 octets, for 128-NIA2); mac is the full 16 octets. */
int crypto_aes128_cmac(struct crypto *c, const uint8_t key[16], const uint8_t head[8],
                       const uint8_t *msg, uint32_t msg_bits, uint8_t mac[16]);
