/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"
#include "crypto/internal.h"
#include <stdlib.h>

int crypto_init(struct crypto **out)
{
    *out = NULL;
    struct crypto *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOSPACE;
    c->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    c->aes_ecb = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
    c->aes_cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    c->aes_ctr = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    c->md = EVP_MD_CTX_new();
    c->ecb = EVP_CIPHER_CTX_new();
    c->cbc = EVP_CIPHER_CTX_new();
    c->ctr = EVP_CIPHER_CTX_new();
    c->bn = BN_CTX_secure_new();
    c->p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    static const uint8_t zero[16], point[32] = {9};
    c->x25519_peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, sizeof point);
    if (!c->sha256 || !c->aes_ecb || !c->aes_cbc || !c->aes_ctr || !c->md || !c->ecb || !c->cbc ||
        !c->ctr || !c->bn || !c->p256 || !c->x25519_peer || !EVP_DigestInit_ex2(c->md, c->sha256, NULL) ||
        !EVP_EncryptInit_ex2(c->ecb, c->aes_ecb, zero, NULL, NULL) ||
        !EVP_CIPHER_CTX_set_padding(c->ecb, 0) ||
        !EVP_EncryptInit_ex2(c->cbc, c->aes_cbc, zero, zero, NULL) ||
        !EVP_CIPHER_CTX_set_padding(c->cbc, 0) ||
        !EVP_EncryptInit_ex2(c->ctr, c->aes_ctr, zero, zero, NULL)) {
        crypto_free(c);
        return ERR_CRYPTO;
    }
    *out = c;
    return OK;
}

void crypto_free(struct crypto *c)
{
    if (!c)
        return;
    EVP_MD_CTX_free(c->md);
    EVP_CIPHER_CTX_free(c->ecb);
    EVP_CIPHER_CTX_free(c->cbc);
    EVP_CIPHER_CTX_free(c->ctr);
    EVP_MD_free(c->sha256);
    EVP_CIPHER_free(c->aes_ecb);
    EVP_CIPHER_free(c->aes_cbc);
    EVP_CIPHER_free(c->aes_ctr);
    EC_GROUP_free(c->p256);
    BN_CTX_free(c->bn);
    EVP_PKEY_free(c->x25519_peer);
    free(c);
}

static bool sha256_parts(struct crypto *c, const struct bytes *parts, uint32_t n_parts)
{
    for (uint32_t i = 0; i < n_parts; i++)
        if (parts[i].n && !EVP_DigestUpdate(c->md, parts[i].p, parts[i].n))
            return false;
    return true;
}

void crypto_meter(struct crypto *c, uint64_t (*now_ns)(void)) { c->now_ns = now_ns; }
uint64_t crypto_metered_ns(const struct crypto *c) { return c->metered_ns; }

int crypto_sha256(struct crypto *c, const struct bytes *parts, uint32_t n_parts, uint8_t out[32])
{
    METERED(c);
    /* no algorithm named: the context keeps the one it has and allocates nothing */
    if (!EVP_DigestInit_ex2(c->md, NULL, NULL) || !sha256_parts(c, parts, n_parts) ||
        !EVP_DigestFinal_ex(c->md, out, NULL))
        return ERR_CRYPTO;
    return OK;
}

int crypto_hmac_sha256(struct crypto *c, struct bytes key, const struct bytes *parts,
                       uint32_t n_parts, uint8_t out[32])
{
    METERED(c);
    uint8_t pad[64], inner[32], hashed[32];
    int e = OK;
    if (key.n > sizeof pad) {
        e = crypto_sha256(c, &key, 1, hashed);
        key = BYTES_OF(hashed);
    }
    memset(pad, 0x36, sizeof pad);
    for (uint32_t i = 0; i < key.n; i++)
        pad[i] ^= key.p[i];
    bool ok = e == OK && EVP_DigestInit_ex2(c->md, NULL, NULL) &&
              EVP_DigestUpdate(c->md, pad, sizeof pad) && sha256_parts(c, parts, n_parts) &&
              EVP_DigestFinal_ex(c->md, inner, NULL);
    for (uint32_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    ok = ok && EVP_DigestInit_ex2(c->md, NULL, NULL) && EVP_DigestUpdate(c->md, pad, sizeof pad) &&
         EVP_DigestUpdate(c->md, inner, sizeof inner) && EVP_DigestFinal_ex(c->md, out, NULL);
    secret_wipe(pad, sizeof pad);
    secret_wipe(inner, sizeof inner);
    secret_wipe(hashed, sizeof hashed);
    return ok ? OK : ERR_CRYPTO;
}

int crypto_aes128_key(struct crypto *c, const uint8_t key[16])
{
    return EVP_EncryptInit_ex2(c->ecb, NULL, key, NULL, NULL) ? OK : ERR_CRYPTO;
}

int crypto_aes128_blocks(struct crypto *c, const uint8_t *in, uint8_t *out, uint32_t n)
{
    int done;
    return EVP_EncryptUpdate(c->ecb, out, &done, in, (int)n) && done == (int)n ? OK : ERR_CRYPTO;
}

int crypto_aes128_ctr(struct crypto *c, const uint8_t key[16], const uint8_t iv[16], uint8_t *buf,
                      uint32_t n)
{
    if (n > INT32_MAX)
        return ERR_RANGE;
    int done;
    if (!EVP_EncryptInit_ex2(c->ctr, NULL, key, iv, NULL) ||
        (n && !EVP_EncryptUpdate(c->ctr, buf, &done, buf, (int)n)))
        return ERR_CRYPTO;
    return OK;
}

static void shift_left(uint8_t b[16]) /* doubling in GF(2^128), RFC 4493 2.3 */
{
    uint8_t mask = (uint8_t) - (b[0] >> 7);
    for (int i = 0; i < 15; i++)
        b[i] = (uint8_t)(b[i] << 1 | b[i + 1] >> 7);
    b[15] = (uint8_t)(b[15] << 1 ^ (mask & 0x87));
}

int crypto_aes128_cmac(struct crypto *c, const uint8_t key[16], const uint8_t head[8],
                       const uint8_t *msg, uint32_t msg_bits, uint8_t mac[16])
{
    static const uint8_t zero[16];
    uint8_t l[16], sub[16], chunk[512], out[512];
    uint32_t n = (msg_bits + 7) / 8, at = 0, fill = 8, tail = msg_bits & 7;
    int done;
    bool ok = EVP_EncryptInit_ex2(c->cbc, NULL, key, zero, NULL) &&
              EVP_EncryptUpdate(c->cbc, l, &done, zero, 16);
    /* L is now also the chaining value: taking it out of the first block stands for a fresh IV */
    memcpy(chunk, head, 8);
    for (bool first = true; ok; first = false) {
        uint32_t take = n - at < sizeof chunk - fill ? n - at : (uint32_t)sizeof chunk - fill;
        if (take)
            memcpy(chunk + fill, msg + at, take);
        fill += take;
        at += take;
        bool last = at == n;
        if (last) {
            if (tail) {
                chunk[fill - 1] &= (uint8_t)(0xff << (8 - tail));
                chunk[fill - 1] |= (uint8_t)(0x80 >> tail);
            }
            bool whole = fill % 16 == 0 && !tail;
            if (!tail && !whole)
                chunk[fill++] = 0x80;
            while (fill % 16)
                chunk[fill++] = 0;
            memcpy(sub, l, 16);
            shift_left(sub);
            if (!whole)
                shift_left(sub);
            for (int i = 0; i < 16; i++)
                chunk[fill - 16 + (uint32_t)i] ^= sub[i];
        }
        if (first)
            for (int i = 0; i < 16; i++)
                chunk[i] ^= l[i];
        ok = EVP_EncryptUpdate(c->cbc, out, &done, chunk, (int)fill);
        if (last || !ok) {
            memcpy(mac, out + fill - 16, 16);
            break;
        }
        fill = 0;
    }
    secret_wipe(l, sizeof l);
    secret_wipe(sub, sizeof sub);
    return ok ? OK : ERR_CRYPTO;
}
