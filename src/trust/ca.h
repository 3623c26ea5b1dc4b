/* SPDX-License-Identifier: Apache-2.0 */
/* ca.h - a small certificate authority for labs: EC P-256, one level. Certificates name their element in the subject
 * alternative name, by TS 33.310 6.1.3 and 6.1.3c: urn:redoubt:element:ID, the NF instance as urn:uuid, host name and
 * address. No files here: texts in PEM in, texts out. Private keys in `struct ca_pem` are the caller's to wipe. */
#pragma once
#include "trust/inventory.h"

struct ca;
enum { CA_PEM = 8192, CA_SERIAL = 16, CA_WHY = 160 };
struct ca_pem {
    char text[CA_PEM];
    uint32_t n;
};
struct ca_term { /* seconds since 1970, UTC */
    int64_t from, until;
};
/* A new authority: its key and its certificate, which it signed itself. ERR_CRYPTO. */
int ca_make(struct str name, struct ca_term, struct ca_pem *key, struct ca_pem *certificate);
/* ERR_SYNTAX: not PEM, or the key does not belong to the certificate. */
int ca_open(struct ca **, struct str key_pem, struct str certificate_pem);
void ca_free(struct ca *);
int64_t ca_expires(const struct ca *);

struct ca_issued {
    struct ca_pem certificate;
    uint8_t serial[CA_SERIAL], key_sha256[32];
};
/* A key and a certificate for the element. ERR_RANGE: a term that the authority's own does not cover. */
int ca_enrol(struct ca *, const struct inv_element *, struct ca_term, struct ca_pem *key, struct ca_issued *);
/* A certificate for the key of a request (PKCS #10), whose names are not asked for. ERR_SYNTAX: not a request;
 * ERR_DENIED: a signature that is not its key's, or a key too weak (EC P-256 and up, RSA from 3072 bits). */
int ca_sign(struct ca *, struct str request_pem, const struct inv_element *, struct ca_term, struct ca_issued *, char why[CA_WHY]);

struct ca_revoked {
    uint8_t serial[CA_SERIAL];
    int64_t when;
    uint8_t reason; /* RFC 5280 5.3.1: 1 key compromise, 4 superseded, 5 cessation of operation */
};
/* A revocation list; `number` must rise. May be larger than CA_PEM: free() it. */
int ca_crl(struct ca *, const struct ca_revoked *, uint32_t n, uint64_t number, struct ca_term, char **pem, uint32_t *pem_n);
/* The reason by its name in RFC 5280 (keyCompromise, superseded, cessationOfOperation, unspecified); 255: none. */
uint8_t ca_reason_parse(struct str);
