/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/nas_security.h"
#include "crypto/kdf.h"

enum { BEARER_3GPP = 1 }; /* TS 33.501 6.4.3.1: the NAS connection identifier of 3GPP access */

void nas_security_init(struct nas_security *s, uint8_t ksi, const uint8_t kamf[32])
{
    *s = (struct nas_security){.ksi = ksi};
    memcpy(s->kamf, kamf, 32);
}

int nas_security_select(struct nas_security *s, struct crypto *c, uint8_t nea, uint8_t nia)
{
    if (nea >= NAS_ALG_COUNT || nia >= NAS_ALG_COUNT)
        return ERR_RANGE;
    s->is_valid = false;
    int e = kdf_alg_key(c, s->kamf, KDF_NAS_ENC, nea, s->k_enc);
    if (e >= 0)
        e = kdf_alg_key(c, s->kamf, KDF_NAS_INT, nia, s->k_int);
    if (e < 0)
        return e;
    s->nea = nea;
    s->nia = nia;
    s->is_valid = true;
    return OK;
}

void nas_security_wipe(struct nas_security *s) { secret_wipe(s, sizeof *s); }

static bool is_ciphered(uint8_t type) { return type == NAS_CIPHERED || type == NAS_CIPHERED_NEW; }

int nas_container_cipher(const struct nas_security *s, struct crypto *c, enum nas_dir dir, uint32_t count,
                         uint8_t *buf, uint32_t n)
{
    return nea_apply(c, s->nea, s->k_enc, count, BEARER_3GPP, dir, buf, n);
}

int nas_protect(struct nas_security *s, struct crypto *c, enum nas_dir dir, enum nas_security_header type,
                struct bytes plain, uint8_t *out, uint32_t cap)
{
    uint32_t count = s->count[dir];
    if (!s->is_valid || type == NAS_PLAIN || type > NAS_CIPHERED_NEW)
        return ERR_STATE;
    if (count > NAS_COUNT_MAX)
        return ERR_FULL;
    if (cap < NAS_PROTECT_OVERHEAD || plain.n > cap - NAS_PROTECT_OVERHEAD)
        return ERR_NOSPACE;
    uint8_t *inside = out + NAS_PROTECT_OVERHEAD;
    if (plain.n)
        memcpy(inside, plain.p, plain.n);
    out[0] = NAS_EPD_MM;
    out[1] = (uint8_t)type;
    out[6] = (uint8_t)count;
    int e = OK;
    if (is_ciphered((uint8_t)type)) /* before the MAC, which is over what is sent: TS 24.501 4.4.4.1 */
        e = nas_container_cipher(s, c, dir, count, inside, plain.n);
    if (e >= 0)
        e = nia_mac(c, s->nia, s->k_int, count, BEARER_3GPP, dir, out + 6, plain.n + 1, out + 2);
    if (e < 0)
        return e;
    s->count[dir] = count + 1;
    return (int)(plain.n + NAS_PROTECT_OVERHEAD);
}

static int mac_check(const struct nas_security *s, struct crypto *c, enum nas_dir dir, uint32_t count,
                     const struct nas_header *h)
{
    uint8_t want[4], got[4];
    put_be32(got, h->mac);
    int e = nia_mac(c, s->nia, s->k_int, count, BEARER_3GPP, dir, h->authenticated.p, h->authenticated.n, want);
    if (e < 0)
        return e;
    return s->nia == 0 || secret_eq(want, got, 4) ? OK : ERR_MAC;
}

/* 4.4.3.1: the first COUNT not yet used that ends in the sequence number; messages between may have been lost, none
 * may come twice. The one 256 below it was used: it only tells a replay from a forgery. */
static int count_find(const struct nas_security *s, struct crypto *c, enum nas_dir dir, const struct nas_header *h,
                      uint32_t *count)
{
    uint32_t next = s->count[dir];
    *count = (next & ~0xffu) | h->sequence;
    if (*count < next)
        *count += 0x100;
    int e = *count <= NAS_COUNT_MAX ? mac_check(s, c, dir, *count, h) : ERR_MAC;
    if (e == ERR_MAC && s->nia && *count >= 0x100 && mac_check(s, c, dir, *count - 0x100, h) == OK)
        return ERR_REPLAY;
    return e;
}

int nas_unprotect(struct nas_security *s, struct crypto *c, enum nas_dir dir, const struct nas_header *h,
                  uint8_t *buf, uint32_t cap, struct bytes *plain)
{
    uint32_t count;
    if (!s->is_valid || h->security == NAS_PLAIN)
        return ERR_STATE;
    int e = count_find(s, c, dir, h, &count);
    if (e < 0)
        return e;
    struct bytes inside = h->plain;
    if (is_ciphered(h->security) && s->nea && inside.n) {
        if (inside.n > cap)
            return ERR_NOSPACE;
        memcpy(buf, inside.p, inside.n);
        e = nas_container_cipher(s, c, dir, count, buf, inside.n);
        if (e < 0)
            return e;
        inside.p = buf;
    }
    *plain = inside;
    s->last = count;
    s->count[dir] = count + 1;
    return OK;
}
