/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/tuak.h"

static uint64_t rol(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

/* FIPS 202 3.2: the lanes in the order that pi visits them, with rho's rotation of each; iota's
 * constants. */
void keccak_f1600(uint64_t a[25])
{
    static const uint8_t lane[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                     15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
    static const uint8_t turn[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                     27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
    static const uint64_t iota[24] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
        0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
    for (int round = 0; round < 24; round++) {
        uint64_t c[5];
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++)
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++) {
            uint64_t d = c[(x + 4) % 5] ^ rol(c[(x + 1) % 5], 1);
#pragma GCC unroll 5
            for (int y = 0; y < 25; y += 5)
                a[x + y] ^= d;
        }
        uint64_t moved = a[1];
#pragma GCC unroll 24
        for (int i = 0; i < 24; i++) {
            uint64_t here = a[lane[i]];
            a[lane[i]] = rol(moved, turn[i]);
            moved = here;
        }
#pragma GCC unroll 5
        for (int y = 0; y < 25; y += 5) {
#pragma GCC unroll 5
            for (int x = 0; x < 5; x++)
                c[x] = a[y + x];
#pragma GCC unroll 5
            for (int x = 0; x < 5; x++)
                a[y + x] = c[x] ^ (~c[(x + 1) % 5] & c[(x + 2) % 5]);
        }
        a[0] ^= iota[round];
    }
}

/* TS 35.231 numbers bits from the least significant end: octet 0 of the state is the last octet of
 * a string. */
static void put_reversed(uint8_t *to, const uint8_t *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] = from[n - 1 - i];
}

static bool one_of(uint8_t v, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return v == a || v == b || v == c || v == d;
}

static bool size_ok(const struct tuak_size *s)
{
    return one_of(s->k, 16, 32, 32, 32) && one_of(s->mac, 8, 16, 32, 32) &&
           one_of(s->res, 4, 8, 16, 32) && one_of(s->ck, 16, 32, 32, 32) &&
           one_of(s->ik, 16, 32, 32, 32) && s->iterations > 0;
}

/* One TUAK function: TOP or TOPc || INSTANCE || ALGONAME || RAND || AMF || SQN || KEY || padding,
 * TS 35.231 6. */
static void block(const struct tuak_size *s, const uint8_t *k, const uint8_t top[32],
                  uint8_t instance, const uint8_t *rand, const uint8_t *amf, const uint8_t *sqn,
                  uint8_t st[200])
{
    static const uint8_t name[7] = {'T', 'U', 'A', 'K', '1', '.', '0'};
    uint64_t a[25];
    memset(st, 0, 200);
    put_reversed(st, top, 32);
    st[32] = instance;
    put_reversed(st + 33, name, 7);
    if (rand)
        put_reversed(st + 40, rand, 16);
    if (amf)
        put_reversed(st + 56, amf, 2);
    if (sqn)
        put_reversed(st + 58, sqn, 6);
    put_reversed(st + 64, k, s->k);
    st[96] = 0x1f;
    st[135] = 0x80;
    for (int i = 0; i < 25; i++)
        a[i] = (uint64_t)be32(st + 8 * i) << 32 | be32(st + 8 * i + 4);
    for (int i = 0; i < 25; i++)
        a[i] = __builtin_bswap64(a[i]);
    for (uint8_t i = 0; i < s->iterations; i++)
        keccak_f1600(a);
    for (int i = 0; i < 25; i++)
        put_be64(st + 8 * i, __builtin_bswap64(a[i]));
    secret_wipe(a, sizeof a);
}

int tuak_topc(const struct tuak_size *s, const uint8_t *k, const uint8_t top[32], uint8_t topc[32])
{
    uint8_t st[200];
    if (!size_ok(s))
        return ERR_RANGE;
    block(s, k, top, s->k == 32, NULL, NULL, NULL, st);
    put_reversed(topc, st, 32);
    secret_wipe(st, sizeof st);
    return OK;
}

/* Bits 2..4 of INSTANCE: 8, 16, 32 octets are 1, 2, 4 (TS 35.231 6.2); RES of 4 octets is 0. */
static uint8_t size_bits(uint8_t n)
{
    return (uint8_t)(n / 8 << 3);
}

int tuak(const struct tuak_size *s, const uint8_t *k, const uint8_t topc[32],
         const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2], struct tuak_out *out)
{
    uint8_t st[200];
    if (!size_ok(s))
        return ERR_RANGE;
    uint8_t k256 = s->k == 32;
    block(s, k, topc, size_bits(s->mac) | k256, rand, amf, sqn, st);
    put_reversed(out->mac_a, st, s->mac);
    block(s, k, topc, 0x80 | size_bits(s->mac) | k256, rand, amf, sqn, st);
    put_reversed(out->mac_s, st, s->mac);
    block(s, k, topc,
          (uint8_t)(0x40 | size_bits(s->res) | (s->ck == 32) << 2 | (s->ik == 32) << 1 | k256),
          rand, NULL, NULL, st);
    put_reversed(out->res, st, s->res);
    put_reversed(out->ck, st + 32, s->ck);
    put_reversed(out->ik, st + 64, s->ik);
    put_reversed(out->ak, st + 96, 6);
    block(s, k, topc, 0xc0 | k256, rand, NULL, NULL, st);
    put_reversed(out->ak_star, st + 96, 6);
    secret_wipe(st, sizeof st);
    return OK;
}
