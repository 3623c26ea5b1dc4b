/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/internal.h"
#include "crypto/kdf.h"

enum { KDF_PARAM_MAX = 8 };

int kdf(struct crypto *c, struct bytes key, uint8_t fc, const struct bytes *p, uint32_t n_p,
        uint8_t out[32])
{
    METERED(c);
    uint8_t len[KDF_PARAM_MAX][2];
    struct bytes part[1 + 2 * KDF_PARAM_MAX] = {{&fc, 1}};
    if (n_p > KDF_PARAM_MAX)
        return ERR_RANGE;
    for (uint32_t i = 0; i < n_p; i++) {
        if (p[i].n > 0xffff)
            return ERR_RANGE;
        put_be16(len[i], (uint16_t)p[i].n);
        part[1 + 2 * i] = p[i];
        part[2 + 2 * i] = (struct bytes){len[i], 2};
    }
    return crypto_hmac_sha256(c, key, part, 1 + 2 * n_p, out);
}

#define KDF(key, fc, out, ...)                                                                     \
    kdf(c, (struct bytes){(key), 32}, fc, (const struct bytes[]){__VA_ARGS__},                     \
        sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes), out)
#define OCTETS(ptr, count) ((struct bytes){(ptr), (count)})
#define TEXT(s)            ((struct bytes){(const uint8_t *)(s).p, (s).n})
#define U8(v)              OCTETS(((const uint8_t[]){(uint8_t)(v)}), 1)
#define U16(v)             OCTETS(((const uint8_t[]){(uint8_t)((v) >> 8), (uint8_t)(v)}), 2)
#define U24(v)                                                                                     \
    OCTETS(((const uint8_t[]){(uint8_t)((v) >> 16), (uint8_t)((v) >> 8), (uint8_t)(v)}), 3)
#define U32(v)                                                                                     \
    OCTETS(((const uint8_t[]){(uint8_t)((v) >> 24), (uint8_t)((v) >> 16), (uint8_t)((v) >> 8),     \
                              (uint8_t)(v)}),                                                      \
           4)

/* The derivations whose key is CK || IK. */
static int kdf_ck_ik(struct crypto *c, const uint8_t ck[16], const uint8_t ik[16], uint8_t fc,
                     const struct bytes *p, uint32_t n_p, uint8_t out[32])
{
    uint8_t key[32];
    memcpy(key, ck, 16);
    memcpy(key + 16, ik, 16);
    int e = kdf(c, BYTES_OF(key), fc, p, n_p, out);
    secret_wipe(key, sizeof key);
    return e;
}

/* Keeps the last n of the 32 octets and wipes them. */
static int kdf_cut(int e, uint8_t full[32], uint8_t *out, uint32_t n)
{
    if (e == OK)
        memcpy(out, full + 32 - n, n);
    secret_wipe(full, 32);
    return e;
}

int kdf_kausf(struct crypto *c, const uint8_t ck[16], const uint8_t ik[16], struct str sn_name,
              const uint8_t sqn_xor_ak[6], uint8_t kausf[32])
{
    const struct bytes p[] = {TEXT(sn_name), OCTETS(sqn_xor_ak, 6)};
    return kdf_ck_ik(c, ck, ik, 0x6a, p, 2, kausf);
}

int kdf_ck_ik_prime(struct crypto *c, const uint8_t ck[16], const uint8_t ik[16],
                    struct str sn_name, const uint8_t sqn_xor_ak[6], uint8_t ck_prime[16],
                    uint8_t ik_prime[16])
{
    const struct bytes p[] = {TEXT(sn_name), OCTETS(sqn_xor_ak, 6)};
    uint8_t full[32];
    int e = kdf_ck_ik(c, ck, ik, 0x20, p, 2, full);
    if (e == OK)
        memcpy(ck_prime, full, 16);
    return kdf_cut(e, full, ik_prime, 16);
}

int kdf_res_star(struct crypto *c, const uint8_t ck[16], const uint8_t ik[16], struct str sn_name,
                 const uint8_t rand[16], struct bytes res, uint8_t res_star[16])
{
    const struct bytes p[] = {TEXT(sn_name), OCTETS(rand, 16), res};
    uint8_t full[32];
    return kdf_cut(kdf_ck_ik(c, ck, ik, 0x6b, p, 3, full), full, res_star, 16);
}

int kdf_hres_star(struct crypto *c, const uint8_t rand[16], const uint8_t res_star[16],
                  uint8_t hres_star[16])
{
    const struct bytes p[] = {OCTETS(rand, 16), OCTETS(res_star, 16)};
    uint8_t full[32];
    return kdf_cut(crypto_sha256(c, p, 2, full), full, hres_star, 16);
}

int kdf_kseaf(struct crypto *c, const uint8_t kausf[32], struct str sn_name, uint8_t kseaf[32])
{
    return KDF(kausf, 0x6c, kseaf, TEXT(sn_name));
}

struct str kdf_supi_value(struct str supi)
{
    uint32_t cut =
        str_starts(supi, "imsi-")                                                          ? 5
        : str_starts(supi, "nai-") || str_starts(supi, "gci-") || str_starts(supi, "gli-") ? 4
                                                                                           : 0;
    return (struct str){supi.p + cut, supi.n - cut};
}

int kdf_kamf(struct crypto *c, const uint8_t kseaf[32], struct str supi, struct bytes abba,
             uint8_t kamf[32])
{
    return KDF(kseaf, 0x6d, kamf, TEXT(supi), abba);
}

int kdf_alg_key(struct crypto *c, const uint8_t key[32], enum kdf_alg_type type, uint8_t alg_id,
                uint8_t out[16])
{
    uint8_t full[32];
    return kdf_cut(KDF(key, 0x69, full, U8(type), U8(alg_id)), full, out, 16);
}

int kdf_kgnb(struct crypto *c, const uint8_t kamf[32], uint32_t ul_nas_count,
             enum kdf_access access, uint8_t kgnb[32])
{
    return KDF(kamf, 0x6e, kgnb, U32(ul_nas_count), U8(access));
}

int kdf_nh(struct crypto *c, const uint8_t kamf[32], const uint8_t sync[32], uint8_t nh[32])
{
    return KDF(kamf, 0x6f, nh, OCTETS(sync, 32));
}

int kdf_kng_ran_star(struct crypto *c, const uint8_t key[32], uint16_t pci, uint32_t arfcn_dl,
                     uint8_t out[32])
{
    return KDF(key, 0x70, out, U16(pci), U24(arfcn_dl));
}

int kdf_kng_ran_star_eutra(struct crypto *c, const uint8_t key[32], uint16_t pci,
                           uint32_t earfcn_dl, uint8_t out[32])
{
    return KDF(key, 0x71, out, U16(pci), U24(earfcn_dl));
}

int kdf_kamf_prime(struct crypto *c, const uint8_t kamf[32], enum kdf_direction d,
                   uint32_t nas_count, uint8_t out[32])
{
    return KDF(kamf, 0x72, out, U8(d), U32(nas_count));
}

int kdf_kasme_prime(struct crypto *c, const uint8_t kamf[32], enum kdf_direction d,
                    uint32_t nas_count, uint8_t out[32])
{
    return KDF(kamf, d == KDF_IDLE ? 0x73 : 0x74, out, U32(nas_count));
}

int kdf_kamf_from_kasme_idle(struct crypto *c, const uint8_t kasme[32], uint32_t ul_nas_count,
                             uint8_t out[32])
{
    return KDF(kasme, 0x75, out, U32(ul_nas_count));
}

int kdf_kamf_from_kasme_handover(struct crypto *c, const uint8_t kasme[32], const uint8_t nh[32],
                                 uint8_t out[32])
{
    return KDF(kasme, 0x76, out, OCTETS(nh, 32));
}

int kdf_ksn(struct crypto *c, const uint8_t kgnb[32], uint16_t sn_counter, uint8_t out[32])
{
    return KDF(kgnb, 0x79, out, U16(sn_counter));
}

int kdf_sor_mac_ausf(struct crypto *c, const uint8_t kausf[32], uint8_t sor_header,
                     uint16_t counter, struct bytes list, uint8_t mac[16])
{
    uint8_t full[32];
    const struct bytes p[] = {U8(sor_header), U16(counter), list};
    return kdf_cut(kdf(c, OCTETS(kausf, 32), 0x77, p, list.n ? 3 : 2, full), full, mac, 16);
}

int kdf_sor_mac_ue(struct crypto *c, const uint8_t kausf[32], uint16_t counter, uint8_t mac[16])
{
    uint8_t full[32];
    return kdf_cut(KDF(kausf, 0x78, full, U8(1) /* acknowledgement */, U16(counter)), full, mac,
                   16);
}

int kdf_upu_mac_ausf(struct crypto *c, const uint8_t kausf[32], struct bytes upu_data,
                     uint16_t counter, uint8_t mac[16])
{
    uint8_t full[32];
    return kdf_cut(KDF(kausf, 0x7b, full, upu_data, U16(counter)), full, mac, 16);
}

int kdf_upu_mac_ue(struct crypto *c, const uint8_t kausf[32], uint16_t counter, uint8_t mac[16])
{
    uint8_t full[32];
    return kdf_cut(KDF(kausf, 0x7c, full, U8(1) /* acknowledgement */, U16(counter)), full, mac,
                   16);
}

int kdf_kasme_srvcc(struct crypto *c, const uint8_t kamf[32], uint32_t dl_nas_count,
                    uint8_t out[32])
{
    return KDF(kamf, 0x7d, out, U32(dl_nas_count));
}

int kdf_ktngf_key(struct crypto *c, const uint8_t ktngf[32], uint8_t usage, uint8_t out[32])
{
    return KDF(ktngf, 0x84, out, U8(usage));
}

int kdf_kiab(struct crypto *c, const uint8_t key[32], struct bytes donor_cu_ip,
             struct bytes node_du_ip, uint8_t out[32])
{
    return KDF(key, 0x83, out, donor_cu_ip, node_du_ip);
}

int kdf_kasme(struct crypto *c, const uint8_t ck[16], const uint8_t ik[16], const uint8_t sn_id[3],
              const uint8_t sqn_xor_ak[6], uint8_t kasme[32])
{
    const struct bytes p[] = {OCTETS(sn_id, 3), OCTETS(sqn_xor_ak, 6)};
    return kdf_ck_ik(c, ck, ik, 0x10, p, 2, kasme);
}

int kdf_kakma(struct crypto *c, const uint8_t kausf[32], struct str supi, uint8_t out[32])
{
    return KDF(kausf, 0x80, out, TEXT(STR("AKMA")), TEXT(supi));
}

int kdf_atid(struct crypto *c, const uint8_t kausf[32], struct str supi, uint8_t out[32])
{
    return KDF(kausf, 0x81, out, TEXT(STR("A-TID")), TEXT(supi));
}

int kdf_kaf(struct crypto *c, const uint8_t kakma[32], struct bytes af_id, uint8_t out[32])
{
    return KDF(kakma, 0x82, out, af_id);
}

int kdf_prf_prime(struct crypto *c, struct bytes key, struct bytes label, struct bytes seed,
                  uint8_t *out, uint32_t n)
{
    METERED(c);
    if (n > 255 * 32)
        return ERR_RANGE;
    uint8_t t[32], i = 0;
    int e = OK;
    for (uint32_t at = 0; at < n && e == OK;) {
        i++;
        const struct bytes part[] = {{t, i > 1 ? 32 : 0}, label, seed, {&i, 1}};
        e = crypto_hmac_sha256(c, key, part, 4, t);
        uint32_t take = n - at < 32 ? n - at : 32;
        memcpy(out + at, t, take);
        at += take;
    }
    secret_wipe(t, sizeof t);
    return e;
}

int kdf_eap_aka_prime(struct crypto *c, const uint8_t ck_prime[16], const uint8_t ik_prime[16],
                      struct bytes identity, struct eap_aka_keys *out)
{
    uint8_t key[32];
    _Static_assert(sizeof *out == 16 + 32 + 32 + 64 + 64, "the struct is MK, cut up");
    memcpy(key, ik_prime, 16);
    memcpy(key + 16, ck_prime, 16);
    int e = kdf_prf_prime(c, BYTES_OF(key), TEXT(STR("EAP-AKA'")), identity, (uint8_t *)out,
                          sizeof *out);
    secret_wipe(key, sizeof key);
    return e;
}
