/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/stream.h"
#include "crypto/stream_tables.h"

static uint32_t rol(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}
static uint32_t cell(const struct zuc *z, uint32_t i)
{
    return z->s[(z->at + i) & 15];
}
static uint32_t high(const struct zuc *z, uint32_t i)
{
    return cell(z, i) >> 15;
}
static uint32_t low(const struct zuc *z, uint32_t i)
{
    return cell(z, i) & 0xffff;
}

static uint32_t sbox(uint32_t w)
{
    return (uint32_t)zuc_s0[w >> 24] << 24 | (uint32_t)zuc_s1[w >> 16 & 0xff] << 16 |
           (uint32_t)zuc_s0[w >> 8 & 0xff] << 8 | zuc_s1[w & 0xff];
}

static uint32_t f(struct zuc *z)
{
    uint32_t x0 = high(z, 15) << 16 | low(z, 14), x1 = low(z, 11) << 16 | high(z, 9);
    uint32_t x2 = low(z, 7) << 16 | high(z, 5);
    uint32_t w = (x0 ^ z->r1) + z->r2, w1 = z->r1 + x1, w2 = z->r2 ^ x2;
    uint32_t u = w1 << 16 | w2 >> 16, v = w2 << 16 | w1 >> 16;
    z->r1 = sbox(u ^ rol(u, 2) ^ rol(u, 10) ^ rol(u, 18) ^ rol(u, 24));
    z->r2 = sbox(v ^ rol(v, 8) ^ rol(v, 14) ^ rol(v, 22) ^ rol(v, 30));
    return w;
}

/* The sum modulo 2^31 - 1 stays below 2^54 until it is folded; 0 is written as 2^31 - 1. */
static void lfsr(struct zuc *z, uint32_t u)
{
    uint64_t v = ((uint64_t)cell(z, 15) << 15) + ((uint64_t)cell(z, 13) << 17) +
                 ((uint64_t)cell(z, 10) << 21) + ((uint64_t)cell(z, 4) << 20) +
                 ((uint64_t)cell(z, 0) << 8) + cell(z, 0) + u;
    v = (v & 0x7fffffff) + (v >> 31);
    v = (v & 0x7fffffff) + (v >> 31);
    z->s[z->at] = (uint32_t)v;
    z->at = (z->at + 1) & 15;
}

void zuc_init(struct zuc *z, const uint8_t k[16], const uint8_t iv[16])
{
    static const uint16_t d[16] = {0x44d7, 0x26bc, 0x626b, 0x135e, 0x5789, 0x35e2, 0x7135, 0x09af,
                                   0x4d78, 0x2f13, 0x6bc4, 0x1af1, 0x5e26, 0x3c4d, 0x789a, 0x47ac};
    for (int i = 0; i < 16; i++)
        z->s[i] = (uint32_t)k[i] << 23 | (uint32_t)d[i] << 8 | iv[i];
    z->r1 = z->r2 = z->at = 0;
    for (int i = 0; i < 32; i++)
        lfsr(z, f(z) >> 1);
    f(z);
    lfsr(z, 0);
}

uint32_t zuc_next(struct zuc *z)
{
    uint32_t x3 = low(z, 2) << 16 | high(z, 0), out = f(z) ^ x3;
    lfsr(z, 0);
    return out;
}

void zuc_eia3(const uint8_t k[16], uint32_t count, uint8_t bearer, uint8_t dir, const uint8_t *msg,
              uint32_t n_bits, uint8_t mac[4])
{
    struct zuc z;
    uint8_t iv[16] = {0};
    put_be32(iv, count);
    iv[4] = (uint8_t)(bearer << 3);
    memcpy(iv + 8, iv, 8);
    iv[8] ^= (uint8_t)(dir << 7);
    iv[14] ^= (uint8_t)(dir << 7);
    zuc_init(&z, k, iv);
    uint32_t t = 0, i = 0;
    uint64_t window = (uint64_t)zuc_next(&z) << 32;
    window |= zuc_next(&z);
    for (; i < n_bits; i++) {
        uint32_t bit = msg[i / 8] >> (7 - (i & 7)) & 1u;
        t ^= (uint32_t)(window >> (32 - (i & 31))) & -bit;
        if ((i & 31) == 31)
            window = window << 32 | zuc_next(&z);
    }
    t ^= (uint32_t)(window >> (32 - (i & 31)));
    /* the last of ceil(n_bits / 32) + 2 words: the window holds it unless a partial word is under
     * way */
    uint32_t last = i & 31 ? zuc_next(&z) : (uint32_t)window;
    put_be32(mac, t ^ last);
    secret_wipe(&z, sizeof z);
    secret_wipe(&window, sizeof window);
}
