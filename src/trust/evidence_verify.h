/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_verify.h - is a copy of an evidence log what was signed? Needs the log's public key and nothing else; with
 * checkpoints that others hold it shows that nothing was changed, removed, reordered or back-dated since. */
#pragma once
#include "trust/evidence_log.h"

enum { EVIDENCE_HELD_MAX = 64, EVIDENCE_WITNESSES_MAX = 16, EVIDENCE_PROBLEMS_MAX = 32 };
/* The clocks of log and witnesses may differ by so much, and an entry may wait so long for its commit. */
#define EVIDENCE_SKEW_US 60000000u
struct evidence_expect {
    const struct note_key *key;     /* the log's */
    const struct note_key *witness; /* their cosignatures date checkpoints */
    uint32_t n_witnesses;
    const struct str *held; /* checkpoints from elsewhere, as signed notes */
    const char *const *held_name; /* for what is said about them */
    uint32_t n_held;
};
struct evidence_problem {
    uint64_t index; /* of the entry; UINT64_MAX: of none */
    char text[EVIDENCE_WHY];
};
struct evidence_result {
    uint64_t entries, is_signed; /* that are there; that the newest checkpoint on the disk covers */
    uint64_t first_us, last_us;
    uint64_t by_kind[EVIDENCE_KIND_COUNT];
    uint64_t unsigned_torn; /* octets of an unfinished write at the end; no problem */
    uint32_t cosigned;      /* valid cosignatures of the witnesses that were named */
    struct merkle_hash root; /* of all entries */
    uint32_t n_problems;     /* all of them; problem[] has the first */
    struct evidence_problem problem[EVIDENCE_PROBLEMS_MAX];
};
/* OK also with problems; an error when it could not be done: ERR_NOSPACE, ERR_RANGE (too many checkpoints), ERR_CRYPTO. */
int evidence_verify(struct disk *, struct crypto *, const struct evidence_expect *, struct evidence_result *);

/* A source of proofs (trust/merkle.h) over what is on a disk. Roots of full files are made once. */
struct evidence_source {
    struct merkle_source source;
    struct disk *disk;
    struct merkle_hash *root; /* of full files */
    uint64_t n_roots;
    struct merkle_hash *leaf; /* of one file */
    uint64_t leaf_from, n_leaves;
};
int evidence_source_open(struct evidence_source *, struct disk *, struct crypto *);
void evidence_source_close(struct evidence_source *);
/* One entry. octets[EVIDENCE_ENTRY_MAX]. ERR_NOTFOUND. */
int evidence_entry_read(struct disk *, struct crypto *, uint64_t index, uint8_t *octets, struct bytes *out,
                        struct merkle_hash *leaf);
