/* SPDX-License-Identifier: Apache-2.0 */
/* note.h - signed notes (c2sp.org/signed-note), checkpoints of a log (c2sp.org/tlog-checkpoint) and cosignatures of
 * witnesses (c2sp.org/tlog-cosignature, Ed25519), so that tools of others read ours and ours theirs. Reading is strict:
 * a text is read only if it is the one way to write what it says. */
#pragma once
#include "crypto/ed25519.h"
#include "trust/merkle.h"

enum {
    NOTE_NAME_MAX = 128,       /* octets of a key's name */
    NOTE_SIGNATURES_MAX = 32,  /* in one note */
    NOTE_MAX = 16384,          /* octets of one note */
    NOTE_KEY_TEXT = NOTE_NAME_MAX + 80, /* of a key as text, NUL included */
};
enum note_algorithm { NOTE_ED25519 = 1, NOTE_COSIGNATURE = 4 }; /* the number is in the key's identifier */
struct note_key { /* to verify with: NAME+HASH+BASE64 */
    char name[NOTE_NAME_MAX + 1];
    uint32_t id;
    enum note_algorithm algorithm;
    uint8_t pub[ED25519_KEY];
};
struct note_signer { /* to sign with; wiped by its owner */
    struct note_key key;
    uint8_t seed[ED25519_KEY];
};
struct note_signature {
    struct str name;
    uint32_t id;
    uint8_t octets[8 + ED25519_SIGNATURE]; /* a cosignature begins with its time */
    uint32_t n;                            /* 0: of a kind that is not known here */
};
struct note {
    struct str text; /* with the newline at its end */
    struct note_signature signature[NOTE_SIGNATURES_MAX];
    uint32_t n;
};
struct checkpoint {
    struct str origin;
    uint64_t size;
    struct merkle_hash root;
};

/* ---- keys. Names: UTF-8 without spaces, '+' and control characters ---- */
bool note_name_valid(struct str);
/* ERR_SYNTAX: a name that cannot be one. */
int note_signer_init(struct note_signer *, struct crypto *, struct str name, enum note_algorithm, const uint8_t seed[ED25519_KEY]);
int note_key_parse(struct note_key *, struct crypto *, struct str text);      /* ERR_SYNTAX, ERR_UNSUPPORTED */
int note_signer_parse(struct note_signer *, struct crypto *, struct str text); /* PRIVATE+KEY+NAME+HASH+BASE64 */
uint32_t note_key_text(const struct note_key *, char out[NOTE_KEY_TEXT]);      /* without a newline */
uint32_t note_signer_text(const struct note_signer *, char out[NOTE_KEY_TEXT]);

/* ---- notes ---- */
int note_parse(struct note *, struct str text); /* ERR_SYNTAX, ERR_FULL. The note points into the text. */
/* OK: signed by this key. ERR_NOTFOUND: not; ERR_MAC: a signature in its name is wrong. *at_s: when, 0 if it is no
 * cosignature; may be NULL. */
int note_verify(const struct note *, const struct note_key *, uint64_t *at_s);
/* Appends a signature line over the text to out; its length, or ERR_NOSPACE, ERR_CRYPTO. at_s is for cosignatures. */
int note_sign(const struct note_signer *, struct str text, uint64_t at_s, char *out, uint32_t cap);

/* ---- checkpoints ---- */
int checkpoint_parse(struct checkpoint *, struct str text); /* the text of a note; extension lines are allowed */
int checkpoint_text(const struct checkpoint *, char *out, uint32_t cap);
bool decimal_get(struct str, uint64_t *out); /* no sign, no leading zero */
bool hash_get(struct str base64, struct merkle_hash *out);
enum { HASH_TEXT = 45 };
void hash_text(const struct merkle_hash *, char out[HASH_TEXT]);
/* Takes a line without its newline off the front; false when there is no newline any more. */
bool line_take(struct str *rest, struct str *line);
