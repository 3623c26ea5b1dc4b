/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hn_key.h"
#include <stdlib.h>

uint32_t hn_key_public_n(enum suci_scheme s)
{
    return s == SUCI_PROFILE_A ? 32 : 33;
}

EC_POINT *p256_point(struct crypto *c, struct bytes enc)
{
    EC_POINT *p = EC_POINT_new(c->p256);
    bool form = (enc.n == 33 && (enc.p[0] | 1) == 3) || (enc.n == 65 && enc.p[0] == 4);
    /* oct2point refuses coordinates out of range and points off the curve; the cofactor is 1 */
    if (p && form && EC_POINT_oct2point(c->p256, p, enc.p, enc.n, c->bn) &&
        !EC_POINT_is_at_infinity(c->p256, p))
        return p;
    EC_POINT_free(p);
    ERR_clear_error();
    return NULL;
}

BIGNUM *p256_scalar(struct crypto *c, const uint8_t raw[32])
{
    BIGNUM *d = BN_secure_new();
    if (d && BN_bin2bn(raw, 32, d) && !BN_is_zero(d) &&
        BN_cmp(d, EC_GROUP_get0_order(c->p256)) < 0) {
        BN_set_flags(d, BN_FLG_CONSTTIME);
        return d;
    }
    BN_clear_free(d);
    return NULL;
}

int p256_public(struct crypto *c, const BIGNUM *d, EC_POINT **point, uint8_t pub[33])
{
    *point = EC_POINT_new(c->p256);
    if (*point && EC_POINT_mul(c->p256, *point, d, NULL, NULL, c->bn) &&
        EC_POINT_point2oct(c->p256, *point, POINT_CONVERSION_COMPRESSED, pub, 33, c->bn) == 33)
        return OK;
    EC_POINT_free(*point);
    *point = NULL;
    ERR_clear_error();
    return ERR_CRYPTO;
}

int p256_shared(struct crypto *c, const BIGNUM *d, const EC_POINT *point, uint8_t z[32])
{
    EC_POINT *s = EC_POINT_new(c->p256);
    BIGNUM *x = BN_secure_new();
    int e = ERR_CRYPTO;
    if (s && x && EC_POINT_mul(c->p256, s, NULL, point, d, c->bn)) {
        e = ERR_RANGE;
        if (!EC_POINT_is_at_infinity(c->p256, s) &&
            EC_POINT_get_affine_coordinates(c->p256, s, x, NULL, c->bn) &&
            BN_bn2binpad(x, z, 32) == 32)
            e = OK;
    }
    EC_POINT_clear_free(s);
    BN_clear_free(x);
    if (e)
        ERR_clear_error();
    return e;
}

int x25519_shared(struct crypto *c, EVP_PKEY_CTX *derive, const uint8_t peer[32], uint8_t z[32])
{
    static const uint8_t zero[32];
    size_t n = 32;
    /* no validation of the peer asked for: any 32 octets are a point, and a zero result is refused
     * below */
    bool ok = EVP_PKEY_set1_encoded_public_key(c->x25519_peer, peer, 32) > 0 &&
              EVP_PKEY_derive_set_peer_ex(derive, c->x25519_peer, 0) > 0 &&
              EVP_PKEY_derive(derive, z, &n) > 0 && n == 32 && !secret_eq(z, zero, 32);
    if (!ok)
        ERR_clear_error();
    return ok ? OK : ERR_RANGE;
}

void hn_key_free(struct hn_key *k)
{
    if (!k)
        return;
    EVP_PKEY_CTX_free(k->derive);
    EVP_PKEY_free(k->pkey);
    EC_POINT_free(k->point);
    BN_clear_free(k->d);
    secret_wipe(k, sizeof *k);
    free(k);
}

enum suci_scheme hn_key_scheme(const struct hn_key *k)
{
    return k->scheme;
}

int hn_key_private_raw(struct crypto *c, enum suci_scheme s, const uint8_t priv[32],
                       struct hn_key **out)
{
    *out = NULL;
    if (s != SUCI_PROFILE_A && s != SUCI_PROFILE_B)
        return ERR_UNSUPPORTED;
    struct hn_key *k = calloc(1, sizeof *k);
    if (!k)
        return ERR_NOSPACE;
    int e = ERR_CRYPTO;
    k->scheme = s;
    k->has_private = true;
    memcpy(k->priv, priv, 32);
    if (s == SUCI_PROFILE_A) {
        size_t n = 32;
        k->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, 32);
        k->derive = k->pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL) : NULL;
        if (k->derive && EVP_PKEY_derive_init(k->derive) > 0 &&
            EVP_PKEY_get_raw_public_key(k->pkey, k->pub, &n) > 0)
            e = OK;
    } else {
        k->d = p256_scalar(c, priv);
        e = k->d ? p256_public(c, k->d, &k->point, k->pub) : ERR_RANGE;
    }
    if (e) {
        ERR_clear_error();
        hn_key_free(k);
        return e;
    }
    *out = k;
    return OK;
}

/* Any fixed scalar tells: clamped scalars are multiples of 8, and only low order points vanish
 * under them. */
static bool x25519_low_order(struct crypto *c, const uint8_t pub[32])
{
    uint8_t z[32];
    static const uint8_t any[32] = {8, 1};
    struct hn_key *probe;
    int e = hn_key_private_raw(c, SUCI_PROFILE_A, any, &probe);
    if (e == OK)
        e = x25519_shared(c, probe->derive, pub, z);
    hn_key_free(probe);
    return e != OK;
}

int hn_key_public_raw(struct crypto *c, enum suci_scheme s, struct bytes pub, struct hn_key **out)
{
    *out = NULL;
    if (s != SUCI_PROFILE_A && s != SUCI_PROFILE_B)
        return ERR_UNSUPPORTED;
    if (s == SUCI_PROFILE_A && (pub.n != 32 || x25519_low_order(c, pub.p)))
        return ERR_RANGE;
    EC_POINT *point = s == SUCI_PROFILE_B ? p256_point(c, pub) : NULL;
    if (s == SUCI_PROFILE_B && !point)
        return ERR_RANGE;
    struct hn_key *k = calloc(1, sizeof *k);
    if (!k) {
        EC_POINT_free(point);
        return ERR_NOSPACE;
    }
    k->scheme = s;
    k->point = point;
    if (point)
        EC_POINT_point2oct(c->p256, point, POINT_CONVERSION_COMPRESSED, k->pub, 33, c->bn);
    else
        memcpy(k->pub, pub.p, 32);
    *out = k;
    return OK;
}

int hn_key_generate(struct crypto *c, enum suci_scheme s, const uint8_t random[32],
                    struct hn_key **out)
{
    return hn_key_private_raw(c, s, random, out);
}

static int no_pass_phrase(char *buf, int size, int rwflag, void *u)
{
    return 0; /* never ask the terminal */
}

static int from_x25519(struct crypto *c, EVP_PKEY *p, bool priv, struct hn_key **out)
{
    uint8_t raw[32];
    size_t n = sizeof raw;
    int e = ERR_SYNTAX;
    if (priv && EVP_PKEY_get_raw_private_key(p, raw, &n) > 0 && n == 32)
        e = hn_key_private_raw(c, SUCI_PROFILE_A, raw, out);
    else if (!priv && EVP_PKEY_get_raw_public_key(p, raw, &n) > 0 && n == 32)
        e = hn_key_public_raw(c, SUCI_PROFILE_A, BYTES_OF(raw), out);
    secret_wipe(raw, sizeof raw);
    return e;
}

static int from_ec(struct crypto *c, EVP_PKEY *p, bool priv, struct hn_key **out)
{
    char group[32] = "";
    uint8_t raw[65];
    size_t n = 0;
    BIGNUM *d = NULL;
    int e = ERR_SYNTAX;
    if (!EVP_PKEY_get_utf8_string_param(p, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) ||
        strcmp(group, "prime256v1") != 0)
        return ERR_UNSUPPORTED;
    if (priv && EVP_PKEY_get_bn_param(p, OSSL_PKEY_PARAM_PRIV_KEY, &d) &&
        BN_bn2binpad(d, raw, 32) == 32)
        e = hn_key_private_raw(c, SUCI_PROFILE_B, raw, out);
    else if (!priv &&
             EVP_PKEY_get_octet_string_param(p, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof raw, &n))
        e = hn_key_public_raw(c, SUCI_PROFILE_B, (struct bytes){raw, (uint32_t)n}, out);
    BN_clear_free(d);
    secret_wipe(raw, sizeof raw);
    return e;
}

int hn_key_pem(struct crypto *c, struct str pem, struct hn_key **out)
{
    *out = NULL;
    if (pem.n > 1u << 16)
        return ERR_SYNTAX;
    bool priv = true;
    BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *p = b ? PEM_read_bio_PrivateKey(b, NULL, no_pass_phrase, NULL) : NULL;
    BIO_free(b);
    if (!p) {
        priv = false;
        b = BIO_new_mem_buf(pem.p, (int)pem.n);
        p = b ? PEM_read_bio_PUBKEY(b, NULL, no_pass_phrase, NULL) : NULL;
        BIO_free(b);
    }
    int e = ERR_SYNTAX;
    if (p)
        e = EVP_PKEY_is_a(p, "X25519") ? from_x25519(c, p, priv, out)
            : EVP_PKEY_is_a(p, "EC")   ? from_ec(c, p, priv, out)
                                       : ERR_UNSUPPORTED;
    EVP_PKEY_free(p);
    ERR_clear_error();
    return e;
}

int hn_key_public(const struct hn_key *k, uint8_t out[33])
{
    uint32_t n = hn_key_public_n(k->scheme);
    memcpy(out, k->pub, n);
    return (int)n;
}

int hn_key_private(const struct hn_key *k, uint8_t out[32])
{
    if (!k->has_private)
        return ERR_NOTFOUND;
    memcpy(out, k->priv, 32);
    return OK;
}
