/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/internal.h"
#include "crypto/milenage.h"

static void xor16(uint8_t *to, const uint8_t *a, const uint8_t *b)
{
    for (int i = 0; i < 16; i++)
        to[i] = a[i] ^ b[i];
}

int milenage_opc(struct crypto *c, const uint8_t k[16], const uint8_t op[16], uint8_t opc[16])
{
    uint8_t t[16];
    int e = crypto_aes128_key(c, k);
    if (e == OK)
        e = crypto_aes128_blocks(c, op, t, 16);
    if (e == OK)
        xor16(opc, t, op);
    secret_wipe(t, sizeof t);
    return e;
}

/* to = rot(in ^ opc, r octets to the left) ^ temp; the constant is added by the caller */
static void rotated(uint8_t *to, const uint8_t *in, const uint8_t *opc, unsigned r)
{
    for (unsigned i = 0; i < 16; i++)
        to[i] = in[(i + r) & 15] ^ opc[(i + r) & 15];
}

int milenage(struct crypto *c, const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16],
             const uint8_t sqn[6], const uint8_t amf[2], struct milenage_out *out)
{
    METERED(c);
    /* TS 35.206 4.1: c1..c5 differ in the last octet only, r1..r5 are whole octets */
    static const struct {
        uint8_t rot, last;
    } step[5] = {{8, 0}, {0, 1}, {4, 2}, {8, 4}, {12, 8}};
    uint8_t temp[16], in1[16], blk[80];
    int e = crypto_aes128_key(c, k);
    if (e)
        return e;
    xor16(temp, rand, opc);
    e = crypto_aes128_blocks(c, temp, temp, 16);
    memcpy(in1, sqn, 6);
    memcpy(in1 + 6, amf, 2);
    memcpy(in1 + 8, in1, 8);
    rotated(blk, in1, opc, step[0].rot);
    xor16(blk, blk, temp);
    for (int i = 1; i < 5; i++) {
        rotated(blk + 16 * i, temp, opc, step[i].rot);
        blk[16 * i + 15] ^= step[i].last;
    }
    if (!e)
        e = crypto_aes128_blocks(c, blk, blk, sizeof blk);
    for (int i = 0; i < 5; i++)
        xor16(blk + 16 * i, blk + 16 * i, opc);
    if (!e) {
        memcpy(out->mac_a, blk, 8);
        memcpy(out->mac_s, blk + 8, 8);
        memcpy(out->ak, blk + 16, 6);
        memcpy(out->res, blk + 24, 8);
        memcpy(out->ck, blk + 32, 16);
        memcpy(out->ik, blk + 48, 16);
        memcpy(out->ak_star, blk + 64, 6);
    }
    secret_wipe(temp, sizeof temp);
    secret_wipe(in1, sizeof in1);
    secret_wipe(blk, sizeof blk);
    return e;
}
