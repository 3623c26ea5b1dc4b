/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/internal.h"
#include "crypto/suci.h"
#include "crypto/hn_key.h"

enum { TAG_N = 8 };

struct ecies { /* TS 33.501 C.3.3: what the KDF yields, in its order */
    uint8_t enc[16], icb[16], mac[32];
};

/* ANSI X9.63: SHA-256(Z || counter || SharedInfo), SharedInfo the ephemeral public key (compressed
 * in B). */
static int ecies_keys(struct crypto *c, const uint8_t z[32], struct bytes eph, struct ecies *k)
{
    _Static_assert(sizeof *k == 64, "two digests");
    int e = OK;
    for (uint8_t i = 1; i <= 2 && e == OK; i++) {
        const uint8_t counter[4] = {0, 0, 0, i};
        const struct bytes part[] = {{z, 32}, BYTES_OF(counter), eph};
        e = crypto_sha256(c, part, 3, (uint8_t *)k + 32 * (i - 1));
    }
    return e;
}

static int tag_of(struct crypto *c, const struct ecies *k, struct bytes text, uint8_t tag[TAG_N])
{
    uint8_t full[32];
    int e = crypto_hmac_sha256(c, BYTES_OF(k->mac), &text, 1, full);
    memcpy(tag, full, TAG_N);
    secret_wipe(full, sizeof full);
    return e;
}

int suci_conceal(struct crypto *c, const struct hn_key *hn, const uint8_t eph_random[32],
                 struct bytes plain, uint8_t *out, uint32_t cap)
{
    METERED(c);
    uint32_t pub_n = hn_key_public_n(hn->scheme), n = pub_n + plain.n + TAG_N;
    if (plain.n == 0 || plain.n > SUCI_PLAIN_MAX)
        return ERR_RANGE;
    if (n > cap)
        return ERR_NOSPACE;
    struct hn_key *eph;
    struct ecies k = {0};
    uint8_t z[32];
    int e = hn_key_generate(c, hn->scheme, eph_random, &eph);
    if (e)
        return e;
    e = hn->scheme == SUCI_PROFILE_A ? x25519_shared(c, eph->derive, hn->pub, z)
                                     : p256_shared(c, eph->d, hn->point, z);
    if (e == OK)
        e = ecies_keys(c, z, (struct bytes){eph->pub, pub_n}, &k);
    if (e == OK) {
        memmove(out + pub_n, plain.p, plain.n);
        memcpy(out, eph->pub, pub_n);
        e = crypto_aes128_ctr(c, k.enc, k.icb, out + pub_n, plain.n);
    }
    if (e == OK)
        e = tag_of(c, &k, (struct bytes){out + pub_n, plain.n}, out + pub_n + plain.n);
    hn_key_free(eph);
    secret_wipe(&k, sizeof k);
    secret_wipe(z, sizeof z);
    return e ? e : (int)n;
}

/* The shared secret with the key at the head of the scheme output; *eph_n its octets, shared_info
 * as the KDF takes it. */
static int shared_with(struct crypto *c, const struct hn_key *hn, struct bytes in, uint32_t *eph_n,
                       uint8_t shared_info[33], uint8_t z[32])
{
    bool a = hn->scheme == SUCI_PROFILE_A;
    *eph_n = a ? 32 : in.n && in.p[0] == 4 ? 65 : 33;
    if (in.n <= *eph_n + TAG_N)
        return ERR_SHORT;
    if (in.n > *eph_n + SUCI_PLAIN_MAX + TAG_N)
        return ERR_RANGE;
    if (a) {
        memcpy(shared_info, in.p, 32);
        return x25519_shared(c, hn->derive, in.p, z);
    }
    EC_POINT *p = p256_point(c, (struct bytes){in.p, *eph_n});
    if (!p)
        return ERR_RANGE;
    if (*eph_n == 33) {
        memcpy(shared_info, in.p, 33);
    } else {
        shared_info[0] = in.p[64] & 1 ? 3 : 2;
        memcpy(shared_info + 1, in.p + 1, 32);
    }
    int e = p256_shared(c, hn->d, p, z);
    EC_POINT_free(p);
    return e;
}

int suci_deconceal(struct crypto *c, const struct hn_key *hn, struct bytes scheme_output,
                   uint8_t *plain, uint32_t cap)
{
    METERED(c);
    uint8_t shared_info[33], z[32], tag[TAG_N];
    struct ecies k = {0};
    uint32_t eph_n, text_n = 0;
    if (!hn->has_private)
        return ERR_NOTFOUND;
    int e = shared_with(c, hn, scheme_output, &eph_n, shared_info, z);
    if (e)
        return e;
    text_n = scheme_output.n - eph_n - TAG_N;
    const uint8_t *text = scheme_output.p + eph_n;
    if (text_n > cap)
        e = ERR_NOSPACE;
    if (e == OK)
        e = ecies_keys(c, z, (struct bytes){shared_info, hn_key_public_n(hn->scheme)}, &k);
    if (e == OK)
        e = tag_of(c, &k, (struct bytes){text, text_n}, tag);
    if (e == OK && !secret_eq(tag, text + text_n, TAG_N))
        e = ERR_MAC;
    if (e == OK) {
        memmove(plain, text, text_n);
        e = crypto_aes128_ctr(c, k.enc, k.icb, plain, text_n);
    }
    secret_wipe(&k, sizeof k);
    secret_wipe(z, sizeof z);
    secret_wipe(tag, sizeof tag);
    return e ? e : (int)text_n;
}
