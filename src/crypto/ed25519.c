/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519.h"
#include "crypto/internal.h"

int ed25519_public(const uint8_t seed[ED25519_KEY], uint8_t pub[ED25519_KEY])
{
    size_t n = ED25519_KEY;
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_KEY);
    bool ok = k && EVP_PKEY_get_raw_public_key(k, pub, &n) > 0 && n == ED25519_KEY;
    EVP_PKEY_free(k);
    if (!ok)
        ERR_clear_error();
    return ok ? OK : ERR_CRYPTO;
}

int ed25519_sign(const uint8_t seed[ED25519_KEY], struct bytes message, uint8_t signature[ED25519_SIGNATURE])
{
    size_t n = ED25519_SIGNATURE;
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_KEY);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = k && c && EVP_DigestSignInit(c, NULL, NULL, NULL, k) > 0 &&
              EVP_DigestSign(c, signature, &n, message.p, message.n) > 0 && n == ED25519_SIGNATURE;
    EVP_MD_CTX_free(c);
    EVP_PKEY_free(k);
    if (!ok)
        ERR_clear_error();
    return ok ? OK : ERR_CRYPTO;
}

int ed25519_verify(const uint8_t pub[ED25519_KEY], struct bytes message, const uint8_t signature[ED25519_SIGNATURE])
{
    EVP_PKEY *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, ED25519_KEY);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int e = ERR_CRYPTO;
    if (k && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) > 0)
        e = EVP_DigestVerify(c, signature, ED25519_SIGNATURE, message.p, message.n) == 1 ? OK : ERR_MAC;
    EVP_MD_CTX_free(c);
    EVP_PKEY_free(k);
    if (e)
        ERR_clear_error();
    return e;
}
