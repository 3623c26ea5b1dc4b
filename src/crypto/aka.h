/* SPDX-License-Identifier: Apache-2.0 */
/* aka.h - authentication and key agreement in one call a side: TS 33.102 6.3, TS 33.501 6.1.3. SQN
 * is 48 bits in a uint64_t. */
#pragma once
#include "crypto/crypto.h"

enum aka_alg { AKA_MILENAGE, AKA_TUAK };
struct aka_key { /* a subscription's permanent secrets */
    enum aka_alg alg;
    uint8_t k_n;        /* octets of k: 16; 32 with TUAK only */
    uint8_t res_n;      /* TUAK: octets of RES, 4, 8 or 16; 0 means 8. MILENAGE: always 8 */
    uint8_t iterations; /* TUAK; 0 means 1 */
    uint8_t k[32];
    uint8_t opc[32]; /* OPc (16) or TOPc (32) */
};
/* OPc or TOPc from the operator's OP (16) or TOP (32); alg, k, k_n and iterations are set. */
int aka_key_set_op(struct crypto *c, struct aka_key *key, struct bytes op);

enum {
    AKA_AMF_5G = 0x8000
}; /* authentication management field: separation bit set, TS 33.501 6.1.3 */

struct aka_av { /* the quintet */
    uint8_t rand[16], autn[16], ck[16], ik[16], res[16];
    uint8_t res_n;
};
struct aka_5g_av { /* 5G HE AV, TS 33.501 6.1.3.2 */
    uint8_t rand[16], autn[16], xres_star[16], kausf[32];
};
struct aka_eap_av { /* EAP-AKA' AV, TS 33.501 6.1.3.1 */
    uint8_t rand[16], autn[16], ck_prime[16], ik_prime[16], xres[16];
    uint8_t xres_n;
};
/* Home network: RAND from the caller's random source, SQN a value never used before. */
int aka_av(struct crypto *c, const struct aka_key *key, const uint8_t rand[16], uint64_t sqn,
           uint16_t amf, struct aka_av *out);
int aka_5g_av(struct crypto *c, const struct aka_key *key, const uint8_t rand[16], uint64_t sqn,
              uint16_t amf, struct str sn_name, struct aka_5g_av *out);
int aka_eap_av(struct crypto *c, const struct aka_key *key, const uint8_t rand[16], uint64_t sqn,
               uint16_t amf, struct str sn_name, struct aka_eap_av *out);
/* TS 33.102 6.3.5: SQN_MS from AUTS; ERR_MAC when MAC-S is not this subscriber's. rand: that of the
 * challenge. */
int aka_auts_verify(struct crypto *c, const struct aka_key *key, const uint8_t rand[16],
                    const uint8_t auts[14], uint64_t *sqn_ms);

/* TS 33.102 C.1.1.1, C.2: SQN = SEQ (43 bits) || IND (5 bits); one accepted SEQ per IND. */
enum { AKA_IND_BITS = 5, AKA_IND_COUNT = 1 << AKA_IND_BITS };
struct aka_sqn_array {
    uint64_t seq[AKA_IND_COUNT];
};
/* C.2.2: higher than the last of its IND, and no jump of more than delta = 2^28 above the highest.
 * Pure. */
bool aka_sqn_fresh(const struct aka_sqn_array *a, uint64_t sqn);
void aka_sqn_accept(struct aka_sqn_array *a, uint64_t sqn); /* after aka_sqn_fresh said yes */
uint64_t aka_sqn_ms(const struct aka_sqn_array *a); /* highest accepted, as AUTS carries it */
uint64_t aka_sqn_next(uint64_t sqn); /* SEQ + 1, IND + 1, both modulo, C.1.1, C.3.2 */

struct aka_usim_result {
    uint8_t res[16], ck[16], ik[16], ak[6], auts[14];
    uint8_t res_n;
    uint64_t sqn;
    uint16_t amf;
};
/* USIM, TS 33.102 6.3.3. 0: res, ck, ik, ak, sqn, amf are set and the SQN is taken into *sqns.
 * ERR_MAC: MAC failure, nothing is set. ERR_REPLAY: synchronisation failure, auts is set. */
int aka_usim(struct crypto *c, const struct aka_key *key, struct aka_sqn_array *sqns,
             const uint8_t rand[16], const uint8_t autn[16], struct aka_usim_result *out);
