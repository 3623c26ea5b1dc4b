/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_entry.h - an entry of the evidence log as octets, which are what the tree hashes. It is text, so that anybody
 * can read it without us:
 *
 *     redoubt-evidence/v1
 *     time 2026-11-25T02:46:05.123456Z
 *     kind finding
 *     subject gnb 001-01-000001
 *     message N2 received clear 0015...
 *     message N1 received sealed NONCE TAG CIPHERTEXT
 *     (an empty line)
 *     the body, to the end of the entry
 *
 * There is one way to write an entry; what is written otherwise is refused. Sealed messages are AES-128-CTR under a key
 * of their own, which is HMAC-SHA-256(seal key, nonce) and can be given away for one message; the tag is HMAC-SHA-256 of
 * that key over the message, so that nobody can open a message as another one. */
#pragma once
#include "crypto/crypto.h"
#include "rt/evidence.h"

enum { SEAL_KEY = 32, SEAL_NONCE = 16 };
struct entry_message {
    struct str interface;
    bool is_sent, is_sealed;
    struct str nonce, tag; /* hexadecimal; sealed only */
    struct str octets;     /* hexadecimal */
};
struct evidence_entry {
    uint64_t at_us; /* UTC since 1970 */
    enum evidence_kind kind;
    struct str subject, body;
    struct entry_message message[EVIDENCE_MESSAGES_MAX];
    uint32_t n_messages;
};
struct entry_draft {
    uint64_t at_us;
    enum evidence_kind kind;
    struct str subject, body; /* what is no printable UTF-8 is replaced */
    const struct evidence_message *message;
    uint32_t n_messages;
    const uint8_t *seal_key; /* NULL: of messages that are not clear only the number of octets is kept */
    uint8_t nonce[EVIDENCE_MESSAGES_MAX][SEAL_NONCE]; /* random */
};
const char *evidence_kind_text(enum evidence_kind); /* "finding" */
/* The number of octets, or ERR_NOSPACE, ERR_RANGE (too many messages, no such kind), ERR_CRYPTO. */
int entry_encode(struct crypto *, const struct entry_draft *, uint8_t *out, uint32_t cap);
/* *out points into the octets. ERR_SYNTAX, ERR_UNKNOWN (kind), ERR_FULL (messages). */
int entry_decode(struct bytes, struct evidence_entry *out);
/* The time alone; the octets are an entry that decodes. */
int entry_time(struct bytes, uint64_t *at_us);
/* Opens a sealed message into out[octets.n / 2]. key: of that message, or made from the seal key by message_key().
 * ERR_MAC: another key. */
int message_key(struct crypto *, const uint8_t seal_key[SEAL_KEY], struct str nonce, uint8_t key[32]);
int message_open(struct crypto *, const struct entry_message *, const uint8_t key[32], uint8_t *out);

enum { UTC_TEXT = 28 }; /* 2026-11-25T02:46:05.123456Z and a NUL */
void utc_text(uint64_t at_us, char out[UTC_TEXT]); /* years up to 9999 */
bool utc_get(struct str, uint64_t *at_us);
/* Length of the longest printable UTF-8 (no controls, none that turn the direction of text) from the front, newlines
 * allowed or not. */
uint32_t printable_length(struct str, bool newlines);
