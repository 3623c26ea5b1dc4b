/* SPDX-License-Identifier: Apache-2.0 */
/* suci.h - SUCI: the ECIES schemes of TS 33.501 annex C.3 (profile A X25519, profile B P-256) and
 * the null scheme; home network keys; the text form of TS 29.571 5.3.2. */
#pragma once
#include "crypto/crypto.h"

enum suci_scheme { SUCI_NULL = 0, SUCI_PROFILE_A = 1, SUCI_PROFILE_B = 2 };
enum {
    SUCI_PLAIN_MAX = 256, /* octets of plaintext (TS 23.003: a user name has at most 253) */
    SUCI_OVERHEAD = 65 + 8,
    SUCI_SUPI_MAX = 5 + 2 * 253 + 2 /* a SUPI's text with its prefix and NUL */
};

/* A home network key: with its private half in the UDM, with the public half alone in a UE. It
 * belongs to one thread, as struct crypto does (a key agreement uses state inside it). */
struct hn_key;
/* 32 octets each; ERR_RANGE for a profile B key that is 0 or not below the group's order. */
int hn_key_private_raw(struct crypto *c, enum suci_scheme s, const uint8_t priv[32],
                       struct hn_key **out);
/* A: 32 octets; B: 33 (compressed) or 65. ERR_RANGE for a length, a point off the curve or of low
 * order. */
int hn_key_public_raw(struct crypto *c, enum suci_scheme s, struct bytes pub, struct hn_key **out);
/* PEM of a private (PKCS #8, SEC 1) or public key; the profile follows from it. ERR_SYNTAX,
 * ERR_UNSUPPORTED. */
int hn_key_pem(struct crypto *c, struct str pem, struct hn_key **out);
/* From 32 random octets of the caller; ERR_RANGE (B, chance 2^-32): try others. */
int hn_key_generate(struct crypto *c, enum suci_scheme s, const uint8_t random[32],
                    struct hn_key **out);
void hn_key_free(struct hn_key *k); /* wipes; NULL is fine */
enum suci_scheme hn_key_scheme(const struct hn_key *k);
/* The public key as the USIM holds it: A 32 octets, B 33 (compressed). Returns its length. */
int hn_key_public(const struct hn_key *k, uint8_t out[33]);
/* The private key; ERR_NOTFOUND in a public one. The caller wipes. */
int hn_key_private(const struct hn_key *k, uint8_t out[32]);

/* Scheme output = ephemeral public key || ciphertext || 8 octets of MAC. eph_random: 32 random
 * octets, used once. Returns its length; ERR_NOSPACE; ERR_RANGE (see hn_key_generate). */
int suci_conceal(struct crypto *c, const struct hn_key *hn, const uint8_t eph_random[32],
                 struct bytes plain, uint8_t *out, uint32_t cap);
/* One ECDH. Returns the plaintext's length (>= 1). ERR_SHORT, ERR_RANGE (point refused, too long),
 * ERR_MAC, ERR_NOTFOUND (no private half). plain is written only when the MAC is right. */
int suci_deconceal(struct crypto *c, const struct hn_key *hn, struct bytes scheme_output,
                   uint8_t *plain, uint32_t cap);

/* The MSIN as TS 24.501 9.11.3.4 and TS 33.501 C.3.2 carry it: BCD, low nibble first, 1111 fills.
 */
int suci_msin_put(struct str msin, uint8_t *out,
                  uint32_t cap); /* length in octets; ERR_RANGE, ERR_SYNTAX */
int suci_msin_get(struct bytes bcd, char *out, uint32_t cap); /* digits and NUL; returns digits */

/* "suci-0-001-01-0000-1-27-<hex>", "suci-0-001-01-0-0-0-<digits>", "suci-1-<realm>-0-1-27-<hex>" */
struct suci {
    uint8_t type;           /* SUPI type: 0 IMSI, 1 NAI, 2 GCI, 3 GLI */
    uint8_t scheme, key_id; /* 0..15, 0..255 */
    struct str mcc, mnc;    /* type 0 */
    struct str realm;       /* other types: home network identifier */
    struct str routing;     /* 1 to 4 digits */
    struct str output;      /* null scheme: MSIN digits or user name; else hex */
};
int suci_parse(struct str text, struct suci *out); /* slices point into text; ERR_SYNTAX */
/* The SUPI ("imsi-..", "nai-user@realm") of a parsed SUCI, with NUL. hn may be NULL for the null
 * scheme; the caller found it by scheme and key_id. Returns its length; errors as suci_deconceal,
 * ERR_SYNTAX for a MSIN that is not digits or makes an IMSI of the wrong length. */
int suci_reveal(struct crypto *c, const struct hn_key *hn, const struct suci *s, char *supi,
                uint32_t cap);
