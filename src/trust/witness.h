/* SPDX-License-Identifier: Apache-2.0 */
/* witness.h - what logs and witnesses tell each other, as text: proofs that verify offline (c2sp.org/tlog-proof), the
 * request for a cosignature and its answer (c2sp.org/tlog-witness), however they travel. A witness remembers for each
 * log the newest checkpoint that it cosigned, and cosigns only what is consistent with it. */
#pragma once
#include "rt/disk.h"
#include "trust/note.h"

/* ---- proofs that an entry is in a log ---- */
struct tlog_proof {
    uint64_t index;
    struct merkle_proof path;
    struct str checkpoint; /* the signed note */
};
int tlog_proof_parse(struct tlog_proof *, struct str text); /* ERR_SYNTAX, ERR_FULL */
int tlog_proof_text(const struct tlog_proof *, char *out, uint32_t cap); /* the length, or ERR_NOSPACE */
enum { TLOG_PROOF_MAX = NOTE_MAX + 64 * HASH_TEXT + 128 };
/* The entry is in the log of this key. ERR_SYNTAX, ERR_MAC (another entry, or signature), ERR_NOTFOUND (another key).
 * Parsed into *p, which points into the text. */
int tlog_proof_verify(struct crypto *, struct str text, struct bytes entry, const struct note_key *, struct tlog_proof *p);

/* ---- asking a witness ---- */
struct witness_request {
    uint64_t old; /* size of the checkpoint that the witness has cosigned last */
    struct merkle_proof path;
    struct str checkpoint;
};
int witness_request_parse(struct witness_request *, struct str text);
int witness_request_text(const struct witness_request *, char *out, uint32_t cap);

/* Answers a request as the specification says: 200 and signature lines; 409 and the size that it has, when `old` is not
 * that one or the same size has another root; 404 unknown log, 403 not signed by it, 422 inconsistent, 400 no request,
 * 500 the disk or the library refused. What is cosigned is durable before the answer. The status; *out: the body,
 * terminated. */
struct witness {
    struct disk *disk;
    struct crypto *crypto;
    const struct note_signer *signer; /* NOTE_COSIGNATURE */
    const struct note_key *logs;      /* that it cosigns for */
    uint32_t n_logs;
};
enum { WITNESS_ANSWER = 512 };
int witness_cosign(const struct witness *, struct str request, uint64_t now_s, char out[WITNESS_ANSWER]);
/* The log's side: puts the signature lines of an answer under a checkpoint. The length of the new note; ERR_NOTFOUND: no
 * cosignature of this witness is among them; ERR_MAC: it is wrong. */
int witness_merge(struct str checkpoint, struct str answer, const struct note_key *witness, char *out, uint32_t cap);
