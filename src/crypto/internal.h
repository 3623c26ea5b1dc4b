/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what struct crypto holds; only the files of this folder look inside. */
#pragma once
#include "crypto/crypto.h"
/* OpenSSL has a type named ERR_STATE, spec/errors.def a row STATE: theirs has another name here. */
#define ERR_STATE openssl_err_state
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#undef ERR_STATE

struct crypto {
    EVP_MD *sha256;
    EVP_CIPHER *aes_ecb, *aes_cbc, *aes_ctr;
    EVP_MD_CTX *md;
    EVP_CIPHER_CTX *ecb, *cbc, *ctr;
    EC_GROUP *p256;
    BN_CTX *bn;
    EVP_PKEY *x25519_peer; /* takes the public key at hand: making a key costs a tenth of using it */
    uint64_t (*now_ns)(void); /* NULL: time is not counted */
    uint64_t metered_ns, entered_ns;
    uint32_t depth; /* of metered functions that call one another */
};

static inline struct crypto *crypto_meter_enter(struct crypto *c)
{
    if (c->now_ns && c->depth++ == 0)
        c->entered_ns = c->now_ns();
    return c;
}
static inline void crypto_meter_leave(struct crypto **c)
{
    if ((*c)->now_ns && --(*c)->depth == 0)
        (*c)->metered_ns += (*c)->now_ns() - (*c)->entered_ns;
}
/* First in a function: the time until its end counts as cryptography. */
#define METERED(c)                                                                                 \
    __attribute__((unused, cleanup(crypto_meter_leave))) struct crypto *metered_ = crypto_meter_enter(c)
