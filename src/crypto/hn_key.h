/* SPDX-License-Identifier: Apache-2.0 */
/* hn_key.h - inside of a home network key, for hn_key.c and suci.c. */
#pragma once
#include "crypto/internal.h"
#include "crypto/suci.h"

struct hn_key {
    enum suci_scheme scheme;
    bool has_private;
    uint8_t priv[32], pub[33];
    EVP_PKEY *pkey;       /* A */
    EVP_PKEY_CTX *derive; /* A, private: ready for a peer */
    EC_POINT *point;      /* B */
    BIGNUM *d;            /* B, private */
};
uint32_t hn_key_public_n(enum suci_scheme s);
/* X of d * point, 32 octets; ERR_RANGE when the product is the point at infinity. */
int p256_shared(struct crypto *c, const BIGNUM *d, const EC_POINT *point, uint8_t z[32]);
/* Decodes 33 or 65 octets; NULL when they are no point of the curve. */
EC_POINT *p256_point(struct crypto *c, struct bytes enc);
/* 0 < d < n, else NULL. The result lives in secure or ordinary memory that BN_clear_free wipes. */
BIGNUM *p256_scalar(struct crypto *c, const uint8_t raw[32]);
/* d * G compressed. */
int p256_public(struct crypto *c, const BIGNUM *d, EC_POINT **point, uint8_t pub[33]);
/* ERR_RANGE when the result is zero: the peer's point has low order (RFC 7748 6.1). */
int x25519_shared(struct crypto *, EVP_PKEY_CTX *derive, const uint8_t peer[32], uint8_t z[32]);
