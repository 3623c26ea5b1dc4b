/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/internal.h"
#include "crypto/nas_alg.h"
#include "crypto/stream.h"

static void xor_word(uint8_t *p, uint32_t left, uint32_t word)
{
    if (left >= 4) {
        put_be32(p, be32(p) ^ word);
        return;
    }
    for (uint32_t i = 0; i < left; i++)
        p[i] ^= (uint8_t)(word >> (24 - 8 * i));
}

static void nea1(const uint8_t key[16], uint32_t count, uint32_t bearer_dir, uint8_t *buf,
                 uint32_t n)
{
    struct snow3g z;
    uint32_t k[4];
    const uint32_t iv[4] = {bearer_dir, count, bearer_dir, count}; /* TS 35.215 3.4 */
    snow3g_key(k, key);
    snow3g_init(&z, k, iv);
    for (uint32_t i = 0; i < n; i += 4)
        xor_word(buf + i, n - i, snow3g_next(&z));
    secret_wipe(&z, sizeof z);
    secret_wipe(k, sizeof k);
}

static void nea3(const uint8_t key[16], const uint8_t head[8], uint8_t *buf, uint32_t n)
{
    struct zuc z;
    uint8_t iv[16];
    memcpy(iv, head, 8); /* TS 35.221 3.3 */
    memcpy(iv + 8, head, 8);
    zuc_init(&z, key, iv);
    for (uint32_t i = 0; i < n; i += 4)
        xor_word(buf + i, n - i, zuc_next(&z));
    secret_wipe(&z, sizeof z);
}

int nea_apply(struct crypto *c, uint8_t alg, const uint8_t key[16], uint32_t count, uint8_t bearer,
              enum nas_dir dir, uint8_t *buf, uint32_t n)
{
    METERED(c);
    uint8_t iv[16] = {0}; /* COUNT || BEARER || DIRECTION || 0^26 || 0^64, TS 33.401 B.1.3 */
    if (alg >= NAS_ALG_COUNT || bearer > 31)
        return ERR_RANGE;
    put_be32(iv, count);
    iv[4] = (uint8_t)(bearer << 3 | (dir & 1) << 2);
    switch (alg) {
    case 1: nea1(key, count, (uint32_t)iv[4] << 24, buf, n); return OK;
    case 2: return crypto_aes128_ctr(c, key, iv, buf, n);
    case 3: nea3(key, iv, buf, n); return OK;
    default: return OK;
    }
}

int nea_apply_bits(struct crypto *c, uint8_t alg, const uint8_t key[16], uint32_t count,
                   uint8_t bearer, enum nas_dir dir, uint8_t *buf, uint32_t n_bits)
{
    METERED(c);
    uint32_t n = n_bits / 8 + (n_bits % 8 != 0);
    int e = nea_apply(c, alg, key, count, bearer, dir, buf, n);
    if (e == OK && n_bits % 8)
        buf[n - 1] &= (uint8_t)(0xff << (8 - n_bits % 8));
    return e;
}

int nia_mac(struct crypto *c, uint8_t alg, const uint8_t key[16], uint32_t count, uint8_t bearer,
            enum nas_dir dir, const uint8_t *msg, uint32_t n, uint8_t mac[4])
{
    METERED(c);
    return n > UINT32_MAX / 8 - 64 ? ERR_RANGE
                                   : nia_mac_bits(c, alg, key, count, bearer, dir, msg, n * 8, mac);
}

int nia_mac_bits(struct crypto *c, uint8_t alg, const uint8_t key[16], uint32_t count,
                 uint8_t bearer, enum nas_dir dir, const uint8_t *msg, uint32_t n_bits,
                 uint8_t mac[4])
{
    METERED(c);
    uint8_t head[8] = {0}, full[16]; /* TS 33.401 B.2.3 */
    if (alg >= NAS_ALG_COUNT || bearer > 31 || n_bits > UINT32_MAX - 512)
        return ERR_RANGE;
    switch (alg) {
    case 1: snow3g_f9(key, count, (uint32_t)bearer << 27, dir & 1, msg, n_bits, mac); return OK;
    case 2: {
        put_be32(head, count);
        head[4] = (uint8_t)(bearer << 3 | (dir & 1) << 2);
        int e = crypto_aes128_cmac(c, key, head, msg, n_bits, full);
        if (e == OK)
            memcpy(mac, full, 4);
        return e;
    }
    case 3: zuc_eia3(key, count, bearer, dir & 1, msg, n_bits, mac); return OK;
    default: memset(mac, 0, 4); return OK;
    }
}
