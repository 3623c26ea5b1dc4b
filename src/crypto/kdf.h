/* SPDX-License-Identifier: Apache-2.0 */
/* kdf.h - the key hierarchy of TS 33.501 annex A (and the few of TS 33.401, TS 33.535 and RFC 9048
 * that a 5G core meets). Keys are 32 octets unless said; a 128 bit key is the last 16 octets of the
 * KDF's output. sn_name: "5G:mnc001.mcc001.3gppnetwork.org" (TS 24.501 9.12.1). SQN^AK: the first 6
 * octets of AUTN. */
#pragma once
#include "crypto/crypto.h"

/* TS 33.220 B.2: HMAC-SHA-256(key, FC || P0 || L0 || P1 || L1 ...). At most 8 parameters of < 64
 * KiB. */
int kdf(struct crypto *c, struct bytes key, uint8_t fc, const struct bytes *p, uint32_t n_p,
        uint8_t out[32]);

/* A.2, A.3, A.4, A.5 */
int kdf_kausf(struct crypto *c, const uint8_t ck[16], const uint8_t ik[16], struct str sn_name,
              const uint8_t sqn_xor_ak[6], uint8_t kausf[32]);
int kdf_ck_ik_prime(struct crypto *c, const uint8_t ck[16], const uint8_t ik[16],
                    struct str sn_name, const uint8_t sqn_xor_ak[6], uint8_t ck_prime[16],
                    uint8_t ik_prime[16]);
int kdf_res_star(struct crypto *c, const uint8_t ck[16], const uint8_t ik[16], struct str sn_name,
                 const uint8_t rand[16], struct bytes res, uint8_t res_star[16]);
int kdf_hres_star(struct crypto *c, const uint8_t rand[16], const uint8_t res_star[16],
                  uint8_t hres_star[16]);
/* A.6, A.7. supi: the IMSI's digits without "imsi-", or the NAI (kdf_supi_value strips either
 * prefix). */
int kdf_kseaf(struct crypto *c, const uint8_t kausf[32], struct str sn_name, uint8_t kseaf[32]);
int kdf_kamf(struct crypto *c, const uint8_t kseaf[32], struct str supi, struct bytes abba,
             uint8_t kamf[32]);
struct str
kdf_supi_value(struct str supi); /* "imsi-001.." -> "001..", "nai-a@b" -> "a@b"; else as it is */

/* A.8: the values are the algorithm type distinguishers of table A.8-1. */
enum kdf_alg_type {
    KDF_NAS_ENC = 1,
    KDF_NAS_INT,
    KDF_RRC_ENC,
    KDF_RRC_INT,
    KDF_UP_ENC,
    KDF_UP_INT
};
/* key: KAMF for NAS, KgNB for RRC and UP; alg_id: 0..3 as in NEA0..3, NIA0..3. */
int kdf_alg_key(struct crypto *c, const uint8_t key[32], enum kdf_alg_type type, uint8_t alg_id,
                uint8_t out[16]);

/* A.9: KgNB (3GPP), KN3IWF, KTNGF, KTWIF (non-3GPP) of the uplink NAS COUNT. */
enum kdf_access { KDF_ACCESS_3GPP = 1, KDF_ACCESS_NON_3GPP = 2 };
int kdf_kgnb(struct crypto *c, const uint8_t kamf[32], uint32_t ul_nas_count,
             enum kdf_access access, uint8_t kgnb[32]);
/* A.10: sync is KgNB for the first NH, then the NH before. */
int kdf_nh(struct crypto *c, const uint8_t kamf[32], const uint8_t sync[32], uint8_t nh[32]);
/* A.11 (gNB), A.12 (ng-eNB): key is KgNB (horizontal) or NH (vertical); arfcn_dl 24 bit. */
int kdf_kng_ran_star(struct crypto *c, const uint8_t key[32], uint16_t pci, uint32_t arfcn_dl,
                     uint8_t out[32]);
int kdf_kng_ran_star_eutra(struct crypto *c, const uint8_t key[32], uint16_t pci,
                           uint32_t earfcn_dl, uint8_t out[32]);
/* A.13: mobility between AMFs: idle takes the uplink, handover the downlink NAS COUNT. */
enum kdf_direction { KDF_IDLE = 0, KDF_HANDOVER = 1 };
int kdf_kamf_prime(struct crypto *c, const uint8_t kamf[32], enum kdf_direction d,
                   uint32_t nas_count, uint8_t out[32]);
/* A.14: 5GS -> EPS; idle: uplink NAS COUNT, handover: downlink. A.15: EPS -> 5GS; idle: uplink NAS
 * COUNT. */
int kdf_kasme_prime(struct crypto *c, const uint8_t kamf[32], enum kdf_direction d,
                    uint32_t nas_count, uint8_t out[32]);
int kdf_kamf_from_kasme_idle(struct crypto *c, const uint8_t kasme[32], uint32_t ul_nas_count,
                             uint8_t out[32]);
int kdf_kamf_from_kasme_handover(struct crypto *c, const uint8_t kasme[32], const uint8_t nh[32],
                                 uint8_t out[32]);
/* A.16: key of a secondary node. */
int kdf_ksn(struct crypto *c, const uint8_t kgnb[32], uint16_t sn_counter, uint8_t out[32]);
/* A.17, A.18 steering of roaming; A.19, A.20 UE parameters update. list empty: the parameter is
 * left out. */
int kdf_sor_mac_ausf(struct crypto *c, const uint8_t kausf[32], uint8_t sor_header,
                     uint16_t counter, struct bytes list, uint8_t mac[16]);
int kdf_sor_mac_ue(struct crypto *c, const uint8_t kausf[32], uint16_t counter, uint8_t mac[16]);
int kdf_upu_mac_ausf(struct crypto *c, const uint8_t kausf[32], struct bytes upu_data,
                     uint16_t counter, uint8_t mac[16]);
int kdf_upu_mac_ue(struct crypto *c, const uint8_t kausf[32], uint16_t counter, uint8_t mac[16]);
/* A.21: 5G SRVCC to UTRAN. A.22: usage 1 KTIPSec, 2 KTNAP. */
int kdf_kasme_srvcc(struct crypto *c, const uint8_t kamf[32], uint32_t dl_nas_count,
                    uint8_t out[32]);
int kdf_ktngf_key(struct crypto *c, const uint8_t ktngf[32], uint8_t usage, uint8_t out[32]);
/* A.23: addresses of 4 or 16 octets; key: KgNB, S-KgNB or KSN. */
int kdf_kiab(struct crypto *c, const uint8_t key[32], struct bytes donor_cu_ip,
             struct bytes node_du_ip, uint8_t out[32]);
/* TS 33.401 A.2; sn_id: the PLMN in 3 octets. */
int kdf_kasme(struct crypto *c, const uint8_t ck[16], const uint8_t ik[16], const uint8_t sn_id[3],
              const uint8_t sqn_xor_ak[6], uint8_t kasme[32]);
/* TS 33.535 A.2, A.3, A.4 (AKMA); supi with its prefix stripped. */
int kdf_kakma(struct crypto *c, const uint8_t kausf[32], struct str supi, uint8_t out[32]);
int kdf_atid(struct crypto *c, const uint8_t kausf[32], struct str supi, uint8_t out[32]);
int kdf_kaf(struct crypto *c, const uint8_t kakma[32], struct bytes af_id, uint8_t out[32]);

/* RFC 9048 3.3, 3.4. identity: in 5GS always kdf_supi_value of the SUPI (IMSI digits or NAI),
 * whatever was sent (TS 33.501 F.3). KAUSF is the first 32 octets of emsk (6.1.3.1). The order is
 * that of MK. */
struct eap_aka_keys {
    uint8_t k_encr[16], k_aut[32], k_re[32], msk[64], emsk[64];
};
int kdf_prf_prime(struct crypto *c, struct bytes key, struct bytes label, struct bytes seed,
                  uint8_t *out, uint32_t n); /* n <= 255 * 32 */
int kdf_eap_aka_prime(struct crypto *c, const uint8_t ck_prime[16], const uint8_t ik_prime[16],
                      struct bytes identity, struct eap_aka_keys *out);
