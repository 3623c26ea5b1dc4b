/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/internal.h"
#include "crypto/aka.h"
#include "crypto/kdf.h"
#include "crypto/milenage.h"
#include "crypto/tuak.h"

static struct tuak_size tuak_size_of(const struct aka_key *key)
{
    return (struct tuak_size){.k = key->k_n,
                              .mac = 8,
                              .res = key->res_n ? key->res_n : 8,
                              .ck = 16,
                              .ik = 16,
                              .iterations = key->iterations ? key->iterations : 1};
}

int aka_key_set_op(struct crypto *c, struct aka_key *key, struct bytes op)
{
    if (key->alg == AKA_MILENAGE)
        return op.n == 16 && key->k_n == 16 ? milenage_opc(c, key->k, op.p, key->opc) : ERR_RANGE;
    struct tuak_size s = tuak_size_of(key);
    return op.n == 32 ? tuak_topc(&s, key->k, op.p, key->opc) : ERR_RANGE;
}

static void put_sqn(uint8_t p[6], uint64_t v)
{
    put_be16(p, (uint16_t)(v >> 32));
    put_be32(p + 2, (uint32_t)v);
}

static uint64_t get_sqn(const uint8_t p[6])
{
    return (uint64_t)be16(p) << 32 | be32(p + 2);
}

/* Both algorithms in one shape; RES, CK, IK longer than 16 octets are not used in 5G. */
struct functions {
    uint8_t mac_a[8], mac_s[8], res[16], ck[16], ik[16], ak[6], ak_star[6], res_n;
};

static int functions(struct crypto *c, const struct aka_key *key, const uint8_t rand[16],
                     const uint8_t sqn[6], uint16_t amf, struct functions *f)
{
    uint8_t amf_octets[2];
    put_be16(amf_octets, amf);
    if (key->alg == AKA_MILENAGE) {
        struct milenage_out m;
        int e =
            key->k_n == 16 ? milenage(c, key->k, key->opc, rand, sqn, amf_octets, &m) : ERR_RANGE;
        if (e == OK) {
            memcpy(f->mac_a, m.mac_a, 8);
            memcpy(f->mac_s, m.mac_s, 8);
            memcpy(f->res, m.res, 8);
            memcpy(f->ck, m.ck, 16);
            memcpy(f->ik, m.ik, 16);
            memcpy(f->ak, m.ak, 6);
            memcpy(f->ak_star, m.ak_star, 6);
            f->res_n = 8;
        }
        secret_wipe(&m, sizeof m);
        return e;
    }
    struct tuak_out t;
    struct tuak_size s = tuak_size_of(key);
    int e = key->alg == AKA_TUAK && s.res <= 16
                ? tuak(&s, key->k, key->opc, rand, sqn, amf_octets, &t)
                : ERR_RANGE;
    if (e == OK) {
        memcpy(f->mac_a, t.mac_a, 8);
        memcpy(f->mac_s, t.mac_s, 8);
        memcpy(f->res, t.res, 16);
        memcpy(f->ck, t.ck, 16);
        memcpy(f->ik, t.ik, 16);
        memcpy(f->ak, t.ak, 6);
        memcpy(f->ak_star, t.ak_star, 6);
        f->res_n = s.res;
    }
    secret_wipe(&t, sizeof t);
    return e;
}

static void xor6(uint8_t *to, const uint8_t *a, const uint8_t *b)
{
    for (int i = 0; i < 6; i++)
        to[i] = a[i] ^ b[i];
}

int aka_av(struct crypto *c, const struct aka_key *key, const uint8_t rand[16], uint64_t sqn,
           uint16_t amf, struct aka_av *out)
{
    METERED(c);
    struct functions f;
    uint8_t s[6];
    if (sqn >> 48)
        return ERR_RANGE;
    put_sqn(s, sqn);
    int e = functions(c, key, rand, s, amf, &f);
    if (e == OK) {
        memmove(out->rand, rand, 16);
        xor6(out->autn, s, f.ak);
        put_be16(out->autn + 6, amf);
        memcpy(out->autn + 8, f.mac_a, 8);
        memcpy(out->ck, f.ck, 16);
        memcpy(out->ik, f.ik, 16);
        memcpy(out->res, f.res, 16);
        out->res_n = f.res_n;
    }
    secret_wipe(&f, sizeof f);
    return e;
}

int aka_5g_av(struct crypto *c, const struct aka_key *key, const uint8_t rand[16], uint64_t sqn,
              uint16_t amf, struct str sn_name, struct aka_5g_av *out)
{
    METERED(c);
    struct aka_av av;
    int e = aka_av(c, key, rand, sqn, amf, &av);
    if (e == OK)
        e = kdf_res_star(c, av.ck, av.ik, sn_name, av.rand, (struct bytes){av.res, av.res_n},
                         out->xres_star);
    if (e == OK)
        e = kdf_kausf(c, av.ck, av.ik, sn_name, av.autn, out->kausf);
    if (e == OK) {
        memcpy(out->rand, av.rand, 16);
        memcpy(out->autn, av.autn, 16);
    }
    secret_wipe(&av, sizeof av);
    return e;
}

int aka_eap_av(struct crypto *c, const struct aka_key *key, const uint8_t rand[16], uint64_t sqn,
               uint16_t amf, struct str sn_name, struct aka_eap_av *out)
{
    METERED(c);
    struct aka_av av;
    int e = aka_av(c, key, rand, sqn, amf, &av);
    if (e == OK)
        e = kdf_ck_ik_prime(c, av.ck, av.ik, sn_name, av.autn, out->ck_prime, out->ik_prime);
    if (e == OK) {
        memcpy(out->rand, av.rand, 16);
        memcpy(out->autn, av.autn, 16);
        memcpy(out->xres, av.res, 16);
        out->xres_n = av.res_n;
    }
    secret_wipe(&av, sizeof av);
    return e;
}

/* AUTS is computed with AMF = 0 (TS 33.102 6.3.3). */
int aka_auts_verify(struct crypto *c, const struct aka_key *key, const uint8_t rand[16],
                    const uint8_t auts[14], uint64_t *sqn_ms)
{
    METERED(c);
    struct functions f;
    uint8_t sqn[6] = {0};
    /* f5* does not take SQN: a first pass yields AK*, a second checks MAC-S over the SQN that it
     * uncovers */
    int e = functions(c, key, rand, sqn, 0, &f);
    if (e == OK) {
        xor6(sqn, auts, f.ak_star);
        e = functions(c, key, rand, sqn, 0, &f);
    }
    if (e == OK && !secret_eq(f.mac_s, auts + 6, 8))
        e = ERR_MAC;
    if (e == OK)
        *sqn_ms = get_sqn(sqn);
    secret_wipe(&f, sizeof f);
    secret_wipe(sqn, sizeof sqn);
    return e;
}

enum { IND_MASK = AKA_IND_COUNT - 1 };
static const uint64_t seq_delta = 1u << 28; /* TS 33.102 C.3.2 */
static const uint64_t seq_mask = (1ull << (48 - AKA_IND_BITS)) - 1;

uint64_t aka_sqn_ms(const struct aka_sqn_array *a)
{
    uint64_t best = 0;
    uint32_t ind = 0;
    for (uint32_t i = 0; i < AKA_IND_COUNT; i++) {
        if (a->seq[i] > best) {
            best = a->seq[i];
            ind = i;
        }
    }
    return best << AKA_IND_BITS | ind;
}

bool aka_sqn_fresh(const struct aka_sqn_array *a, uint64_t sqn)
{
    uint64_t seq = sqn >> AKA_IND_BITS, highest = aka_sqn_ms(a) >> AKA_IND_BITS;
    if (sqn >> 48 || (seq > highest && seq - highest > seq_delta))
        return false;
    return seq > a->seq[sqn & IND_MASK];
}

void aka_sqn_accept(struct aka_sqn_array *a, uint64_t sqn)
{
    a->seq[sqn & IND_MASK] = sqn >> AKA_IND_BITS;
}

uint64_t aka_sqn_next(uint64_t sqn)
{
    return (((sqn >> AKA_IND_BITS) + 1) & seq_mask) << AKA_IND_BITS | ((sqn + 1) & IND_MASK);
}

int aka_usim(struct crypto *c, const struct aka_key *key, struct aka_sqn_array *sqns,
             const uint8_t rand[16], const uint8_t autn[16], struct aka_usim_result *out)
{
    METERED(c);
    struct functions f;
    uint8_t sqn[6] = {0};
    uint16_t amf = be16(autn + 6);
    int e = functions(c, key, rand, sqn, amf, &f);
    if (e == OK) {
        xor6(sqn, autn, f.ak);
        e = functions(c, key, rand, sqn, amf, &f);
    }
    if (e == OK && !secret_eq(f.mac_a, autn + 8, 8))
        e = ERR_MAC;
    if (e != OK)
        goto done;
    memset(out, 0, sizeof *out);
    if (!aka_sqn_fresh(sqns, get_sqn(sqn))) {
        put_sqn(sqn, aka_sqn_ms(sqns));
        e = functions(c, key, rand, sqn, 0, &f);
        if (e == OK) {
            xor6(out->auts, sqn, f.ak_star);
            memcpy(out->auts + 6, f.mac_s, 8);
            e = ERR_REPLAY;
        }
        goto done;
    }
    memcpy(out->res, f.res, 16);
    memcpy(out->ck, f.ck, 16);
    memcpy(out->ik, f.ik, 16);
    memcpy(out->ak, f.ak, 6);
    out->res_n = f.res_n;
    out->sqn = get_sqn(sqn);
    out->amf = amf;
    aka_sqn_accept(sqns, out->sqn);
done:
    secret_wipe(&f, sizeof f);
    secret_wipe(sqn, sizeof sqn);
    return e;
}
