/* SPDX-License-Identifier: Apache-2.0 */
/* eap_aka.h - EAP-AKA' messages (RFC 9048 over RFC 4187 and RFC 3748) between AUSF and UE. The
 * parser takes any octets; slices in its result point into the message. Builders return the length
 * or ERR_NOSPACE. */
#pragma once
#include "crypto/crypto.h"

enum eap_code { EAP_REQUEST = 1, EAP_RESPONSE, EAP_SUCCESS, EAP_FAILURE };
enum eap_type { EAP_TYPE_IDENTITY = 1, EAP_TYPE_NAK = 3, EAP_TYPE_AKA_PRIME = 50 };
enum eap_aka_subtype {
    EAP_AKA_NONE = 0, /* Success, Failure, Identity, Nak: no subtype */
    EAP_AKA_CHALLENGE = 1,
    EAP_AKA_AUTH_REJECT = 2,
    EAP_AKA_SYNC_FAILURE = 4,
    EAP_AKA_IDENTITY = 5,
    EAP_AKA_NOTIFICATION = 12,
    EAP_AKA_REAUTH = 13,
    EAP_AKA_CLIENT_ERROR = 14
};
enum { EAP_AKA_KDF_MAX = 8, EAP_AKA_MSG_MAX = 1500 };

struct eap_aka { /* absent: NULL pointer, or 0 in n_kdf; notification and client_error: -1 */
    uint8_t code, id, type, subtype;
    const uint8_t *rand, *autn, *mac; /* 16 octets each */
    const uint8_t *auts;              /* 14 */
    struct bits res;                  /* 32..128 bits */
    struct bytes kdf_input;           /* network name */
    struct bytes identity; /* AT_IDENTITY, or the data of EAP Identity; Nak: the wished types */
    uint16_t kdf[EAP_AKA_KDF_MAX]; /* 1: CK', IK' of RFC 9048 */
    uint8_t n_kdf;
    uint8_t
        id_req; /* AT_PERMANENT_ID_REQ, AT_ANY_ID_REQ or AT_FULLAUTH_ID_REQ (10, 13, 17), 0 none */
    bool result_ind;
    int32_t notification, client_error;
};
/* ERR_SHORT, ERR_TRAILING, ERR_SYNTAX, ERR_ORDER (an attribute twice), ERR_UNKNOWN (a non-skippable
 * attribute, a method or subtype that is not AKA'), ERR_MISSING (not what its subtype needs). The
 * MAC is not looked at. */
int eap_aka_parse(struct bytes msg, struct eap_aka *out);
/* 0, ERR_MISSING without AT_MAC, ERR_MAC when it is wrong. m was parsed from msg. */
int eap_aka_check_mac(struct crypto *c, const uint8_t k_aut[32], struct bytes msg,
                      const struct eap_aka *m);

/* EAP-Request/AKA'-Challenge: AT_RAND, AT_AUTN, AT_KDF 1, AT_KDF_INPUT, AT_MAC. */
int eap_aka_challenge_request(struct crypto *c, uint8_t id, const uint8_t rand[16],
                              const uint8_t autn[16], struct str network_name,
                              const uint8_t k_aut[32], uint8_t *buf, uint32_t cap);
/* EAP-Response/AKA'-Challenge: AT_RES (res 4..16 octets), AT_MAC. */
int eap_aka_challenge_response(struct crypto *c, uint8_t id, struct bytes res,
                               const uint8_t k_aut[32], uint8_t *buf, uint32_t cap);
int eap_aka_sync_failure(uint8_t id, const uint8_t auts[14], uint8_t *buf, uint32_t cap);
int eap_aka_auth_reject(uint8_t id, uint8_t *buf, uint32_t cap);
int eap_aka_client_error(uint8_t id, uint16_t code, uint8_t *buf, uint32_t cap);
/* code: EAP_REQUEST or EAP_RESPONSE (which repeats no AT_NOTIFICATION). k_aut NULL: without AT_MAC,
 * as the P bit of `notification` (0x4000: before the challenge) asks. */
int eap_aka_notification(struct crypto *c, enum eap_code code, uint8_t id, uint16_t notification,
                         const uint8_t *k_aut, uint8_t *buf, uint32_t cap);
int eap_identity(enum eap_code code, uint8_t id, struct bytes identity, uint8_t *buf, uint32_t cap);
int eap_result(bool success, uint8_t id, uint8_t *buf, uint32_t cap); /* 4 octets */
