/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/stream.h"
#include "crypto/stream_tables.h"

static uint32_t ror(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static uint32_t column(const uint32_t t[256], uint32_t w)
{
    return t[w >> 24] ^ ror(t[w >> 16 & 0xff], 8) ^ ror(t[w >> 8 & 0xff], 16) ^
           ror(t[w & 0xff], 24);
}

static uint32_t cell(const struct snow3g *z, uint32_t i)
{
    return z->s[(z->at + i) & 15];
}

static uint32_t fsm(struct snow3g *z)
{
    uint32_t f = (cell(z, 15) + z->r1) ^ z->r2, r = z->r2 + (z->r3 ^ cell(z, 5));
    z->r3 = column(snow_s2, z->r2);
    z->r2 = column(snow_s1, z->r1);
    z->r1 = r;
    return f;
}

static void lfsr(struct snow3g *z, uint32_t f)
{
    uint32_t s0 = cell(z, 0), s11 = cell(z, 11);
    z->s[z->at] =
        s0 << 8 ^ snow_mul_alpha[s0 >> 24] ^ cell(z, 2) ^ s11 >> 8 ^ snow_div_alpha[s11 & 0xff] ^ f;
    z->at = (z->at + 1) & 15;
}

void snow3g_init(struct snow3g *z, const uint32_t k[4], const uint32_t iv[4])
{
    for (uint32_t i = 0; i < 16; i++)
        z->s[i] = (i / 4) & 1 ? k[i & 3] : ~k[i & 3];
    z->s[15] ^= iv[0];
    z->s[12] ^= iv[1];
    z->s[10] ^= iv[2];
    z->s[9] ^= iv[3];
    z->r1 = z->r2 = z->r3 = z->at = 0;
    for (int i = 0; i < 32; i++)
        lfsr(z, fsm(z));
    fsm(z);
    lfsr(z, 0);
}

uint32_t snow3g_next(struct snow3g *z)
{
    uint32_t out = fsm(z) ^ cell(z, 0);
    lfsr(z, 0);
    return out;
}

void snow3g_key(uint32_t words[4], const uint8_t k[16])
{
    for (int i = 0; i < 4; i++)
        words[3 - i] = be32(k + 4 * i);
}

/* Product in GF(2^64) by x^64 + x^4 + x^3 + x + 1; no branch depends on a value. */
static uint64_t mul64(uint64_t v, uint64_t p)
{
    uint64_t r = 0;
    for (int i = 0; i < 64; i++) {
        r ^= v & -(p >> i & 1);
        v = v << 1 ^ (0x1b & -(v >> 63));
    }
    return r;
}

void snow3g_f9(const uint8_t k[16], uint32_t count, uint32_t fresh, uint8_t dir, const uint8_t *msg,
               uint32_t n_bits, uint8_t mac[4])
{
    struct snow3g z;
    uint32_t key[4], d = dir & 1u;
    const uint32_t iv[4] = {fresh ^ d << 15, count ^ d << 31, fresh, count};
    snow3g_key(key, k);
    snow3g_init(&z, key, iv);
    uint64_t p = (uint64_t)snow3g_next(&z) << 32, q, eval = 0;
    p |= snow3g_next(&z);
    q = (uint64_t)snow3g_next(&z) << 32;
    q |= snow3g_next(&z);
    for (uint32_t at = 0; at < n_bits; at += 64) {
        uint8_t m[8] = {0};
        uint32_t left = n_bits - at < 64 ? n_bits - at : 64;
        memcpy(m, msg + at / 8, (left + 7) / 8);
        if (left & 7)
            m[left / 8] &= (uint8_t)(0xff << (8 - (left & 7)));
        eval = mul64(eval ^ be64(m), p);
    }
    eval = mul64(eval ^ n_bits, q);
    put_be32(mac, (uint32_t)(eval >> 32) ^ snow3g_next(&z));
    secret_wipe(&z, sizeof z);
    secret_wipe(key, sizeof key);
    secret_wipe(&p, sizeof p);
    secret_wipe(&q, sizeof q);
}
