/* SPDX-License-Identifier: Apache-2.0 */
/* merkle.h - the hash tree of RFC 9162 2.1 (that of RFC 6962) with SHA-256: growing it, proofs that an entry is in it
 * and that it only grew, and their verification. Proofs are for any size that the tree ever had. */
#pragma once
#include "crypto/crypto.h"

enum { MERKLE_HASH = 32, MERKLE_PROOF_MAX = 64 };
struct merkle_hash {
    uint8_t b[MERKLE_HASH];
};
static inline bool merkle_eq(const struct merkle_hash *a, const struct merkle_hash *b) { return memcmp(a, b, sizeof *a) == 0; }

/* A tree that grows at its end: only the roots of its complete subtrees are kept. Zeroed is empty. */
struct merkle {
    uint64_t size;
    struct merkle_hash peak[64]; /* of 2^i leaves, where bit i of size is 1 */
};
int merkle_leaf(struct crypto *, struct bytes entry, struct merkle_hash *out);
int merkle_node(struct crypto *, const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *out);
int merkle_add(struct crypto *, struct merkle *, const struct merkle_hash *leaf);
/* A complete subtree of 2^level leaves; the size is a multiple of that. */
int merkle_add_subtree(struct crypto *, struct merkle *, uint32_t level, const struct merkle_hash *root);
int merkle_root(struct crypto *, const struct merkle *, struct merkle_hash *out);

struct merkle_proof {
    struct merkle_hash hash[MERKLE_PROOF_MAX];
    uint32_t n;
};
/* What a proof is made from: MTH(D[from:to]) of RFC 9162 2.1.1 for a complete subtree of at least one leaf. */
struct merkle_source {
    int (*subtree)(struct merkle_source *, uint64_t from, uint32_t level, struct merkle_hash *out);
    struct crypto *crypto;
};
/* RFC 9162 2.1.3.1. ERR_RANGE: no such entry. */
int merkle_prove_inclusion(struct merkle_source *, uint64_t index, uint64_t size, struct merkle_proof *);
/* RFC 9162 2.1.4.1. Empty where old is 0 or equal to size. ERR_RANGE: old is above size. */
int merkle_prove_consistency(struct merkle_source *, uint64_t old, uint64_t size, struct merkle_proof *);
/* RFC 9162 2.1.3.2 and 2.1.4.2. ERR_RANGE: the sizes cannot be, or the proof has not the length that they ask for;
 * ERR_MAC: it proves something else. */
int merkle_verify_inclusion(struct crypto *, uint64_t index, uint64_t size, const struct merkle_hash *leaf,
                            const struct merkle_proof *, const struct merkle_hash *root);
int merkle_verify_consistency(struct crypto *, uint64_t old, uint64_t size, const struct merkle_hash *old_root,
                              const struct merkle_hash *root, const struct merkle_proof *);
