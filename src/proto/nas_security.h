/* SPDX-License-Identifier: Apache-2.0 */
/* nas_security.h - a 5G NAS security context of one access (3GPP), and what it does to messages: TS 33.501 6.4,
 * TS 24.501 4.4. Both ends use it: the AMF sends NAS_DOWNLINK and receives NAS_UPLINK, the UE the other way round.
 * Plain values: copy it to keep an old one; nas_security_wipe() before it is dropped. */
#pragma once
#include "codec/nas.h"
#include "crypto/nas_alg.h"

enum { NAS_COUNT_MAX = 0xffffff, NAS_PROTECT_OVERHEAD = 7 };
struct nas_security {
    bool is_valid;      /* the NAS keys are there: after nas_security_select() */
    uint8_t ksi;        /* ngKSI 0..6, native */
    uint8_t nea, nia;   /* algorithms in use */
    uint8_t kamf[32];
    uint8_t k_enc[16], k_int[16];
    uint32_t count[2];  /* by enum nas_dir: the next to send; of the receiving direction one above the last taken */
    uint32_t last;      /* COUNT of the message taken last: for what is derived from it (KgNB) and for containers */
};
/* A fresh context from KAMF: both COUNTs 0 (TS 33.501 6.4.3.1), no algorithms yet. */
void nas_security_init(struct nas_security *, uint8_t ksi, const uint8_t kamf[32]);
/* Chooses the algorithms and derives the NAS keys (TS 33.501 A.8). 0 or ERR_CRYPTO, ERR_RANGE. */
int nas_security_select(struct nas_security *, struct crypto *, uint8_t nea, uint8_t nia);
void nas_security_wipe(struct nas_security *);

/* Security header, ciphering, MAC: the whole message into out. type: one of NAS_INTEGRITY … NAS_CIPHERED_NEW; the
 * COUNT of `dir` is used and moved on. Octets, ERR_NOSPACE, ERR_CRYPTO, or ERR_FULL: the COUNT is used up and a new
 * context is needed (4.4.3.5). out may not overlap plain. */
int nas_protect(struct nas_security *, struct crypto *, enum nas_dir dir, enum nas_security_header type,
                struct bytes plain, uint8_t *out, uint32_t cap);
/* Checks and opens a protected message that nas_header_peek() has read. The COUNT is estimated from the sequence
 * number (4.4.3.1): ERR_MAC when it does not fit; ERR_REPLAY when the COUNT of that number that was used last does.
 * On success plain is what is inside, deciphered into buf where the header says so, and the COUNT is taken;
 * otherwise nothing changes.
 * With NIA0 the MAC is not looked at; whether NIA0 may be in use is the caller's decision. */
int nas_unprotect(struct nas_security *, struct crypto *, enum nas_dir dir, const struct nas_header *,
                  uint8_t *buf, uint32_t cap, struct bytes *plain);
/* The value of a NAS message container in an initial message, ciphered with the COUNT of the message that carries it
 * (4.4.6). In place; the same both ways. count: sender: count[dir] before nas_protect(); receiver: `last`. */
int nas_container_cipher(const struct nas_security *, struct crypto *, enum nas_dir dir, uint32_t count,
                         uint8_t *buf, uint32_t n);
