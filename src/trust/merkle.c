/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/merkle.h"

int merkle_leaf(struct crypto *c, struct bytes entry, struct merkle_hash *out)
{
    const struct bytes parts[] = {{(const uint8_t *)"\0", 1}, entry};
    return crypto_sha256(c, parts, 2, out->b);
}

int merkle_node(struct crypto *c, const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *out)
{
    uint8_t both[1 + 2 * MERKLE_HASH] = {1};
    memcpy(both + 1, left->b, MERKLE_HASH);
    memcpy(both + 1 + MERKLE_HASH, right->b, MERKLE_HASH);
    return crypto_sha256(c, &BYTES_OF(both), 1, out->b);
}

int merkle_add_subtree(struct crypto *c, struct merkle *m, uint32_t level, const struct merkle_hash *root)
{
    struct merkle_hash h = *root;
    uint32_t i = level;
    for (; i < 63 && m->size >> i & 1; i++) {
        int e = merkle_node(c, &m->peak[i], &h, &h);
        if (e < 0)
            return e;
    }
    m->peak[i] = h;
    m->size += 1ull << level;
    return OK;
}

int merkle_add(struct crypto *c, struct merkle *m, const struct merkle_hash *leaf) { return merkle_add_subtree(c, m, 0, leaf); }

int merkle_root(struct crypto *c, const struct merkle *m, struct merkle_hash *out)
{
    bool any = false;
    int e = OK;
    if (!m->size)
        return crypto_sha256(c, NULL, 0, out->b);
    for (uint32_t i = 0; i < 64 && e == OK; i++)
        if (m->size >> i & 1) {
            if (any)
                e = merkle_node(c, &m->peak[i], out, out);
            else
                *out = m->peak[i];
            any = true;
        }
    return e;
}

/* ---- proofs ---- */
static uint32_t level_below(uint64_t n) /* 2^level is the largest power of two smaller than n, n > 1 */
{
    return 63u - (uint32_t)__builtin_clzll(n - 1);
}

/* MTH(D[from:from + n]): complete subtrees from the left, joined from the right. */
static int range(struct merkle_source *s, uint64_t from, uint64_t n, struct merkle_hash *out)
{
    uint64_t end = from + n;
    bool any = false;
    int e = OK;
    for (uint32_t i = 0; i < 64 && e == OK; i++) {
        struct merkle_hash h;
        if (!(n >> i & 1))
            continue;
        end -= 1ull << i;
        e = s->subtree(s, end, i, &h);
        if (e == OK && any)
            e = merkle_node(s->crypto, &h, out, out);
        else if (e == OK)
            *out = h;
        any = true;
    }
    return e;
}

static void reverse(struct merkle_proof *p)
{
    for (uint32_t i = 0, j = p->n; i + 1 < j; i++) {
        struct merkle_hash h = p->hash[i];
        p->hash[i] = p->hash[--j];
        p->hash[j] = h;
    }
}

int merkle_prove_inclusion(struct merkle_source *s, uint64_t index, uint64_t size, struct merkle_proof *p)
{
    uint64_t from = 0, n = size;
    int e = OK;
    p->n = 0;
    if (index >= size)
        return ERR_RANGE;
    while (n > 1 && e == OK && p->n < MERKLE_PROOF_MAX) { /* from the root down; told from the leaf up */
        uint64_t k = 1ull << level_below(n);
        bool is_left = index - from < k;
        e = is_left ? range(s, from + k, n - k, &p->hash[p->n]) : range(s, from, k, &p->hash[p->n]);
        from += is_left ? 0 : k;
        n = is_left ? k : n - k;
        p->n++;
    }
    reverse(p);
    return e;
}

int merkle_prove_consistency(struct merkle_source *s, uint64_t old, uint64_t size, struct merkle_proof *p)
{
    uint64_t from = 0, m = old, n = size;
    bool is_whole = true; /* the subtree at hand is the old tree itself, whose root the verifier has */
    int e = OK;
    p->n = 0;
    if (old > size)
        return ERR_RANGE;
    if (old == 0 || old == size)
        return OK;
    while (m != n && e == OK && p->n < MERKLE_PROOF_MAX) {
        uint64_t k = 1ull << level_below(n);
        bool is_left = m <= k;
        e = is_left ? range(s, from + k, n - k, &p->hash[p->n]) : range(s, from, k, &p->hash[p->n]);
        p->n++;
        if (is_left) {
            n = k;
        } else {
            from += k;
            m -= k;
            n -= k;
            is_whole = false;
        }
    }
    if (e == OK && !is_whole && p->n < MERKLE_PROOF_MAX)
        e = range(s, from, n, &p->hash[p->n++]);
    reverse(p);
    return e;
}

int merkle_verify_inclusion(struct crypto *c, uint64_t index, uint64_t size, const struct merkle_hash *leaf,
                            const struct merkle_proof *p, const struct merkle_hash *root)
{
    if (index >= size || p->n > MERKLE_PROOF_MAX)
        return ERR_RANGE;
    uint64_t fn = index, sn = size - 1;
    struct merkle_hash r = *leaf;
    int e = OK;
    for (uint32_t i = 0; i < p->n && e == OK; i++) {
        if (!sn)
            return ERR_RANGE;
        if (fn & 1 || fn == sn) {
            e = merkle_node(c, &p->hash[i], &r, &r);
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            e = merkle_node(c, &r, &p->hash[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (e < 0)
        return e;
    return sn ? ERR_RANGE : merkle_eq(&r, root) ? OK : ERR_MAC;
}

int merkle_verify_consistency(struct crypto *c, uint64_t old, uint64_t size, const struct merkle_hash *old_root,
                              const struct merkle_hash *root, const struct merkle_proof *p)
{
    struct merkle_hash fr, sr;
    uint64_t fn = old - 1, sn = size - 1;
    uint32_t i = 0;
    int e = OK;
    if (old > size || p->n > MERKLE_PROOF_MAX)
        return ERR_RANGE;
    if (old == 0 || old == size) { /* nothing to compare with, or the same tree */
        struct merkle none = {0};
        if (p->n)
            return ERR_RANGE;
        if (!old && (e = merkle_root(c, &none, &fr)) < 0)
            return e;
        return merkle_eq(old ? root : &fr, old_root) ? OK : ERR_MAC;
    }
    for (; fn & 1; fn >>= 1)
        sn >>= 1;
    if (!p->n)
        return ERR_RANGE;
    fr = sr = fn ? p->hash[i++] : *old_root; /* a power of two: the old root begins the path */
    for (; i < p->n && e == OK; i++) {
        if (!sn)
            return ERR_RANGE;
        if (fn & 1 || fn == sn) {
            e = merkle_node(c, &p->hash[i], &fr, &fr);
            if (e == OK)
                e = merkle_node(c, &p->hash[i], &sr, &sr);
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            e = merkle_node(c, &sr, &p->hash[i], &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (e < 0)
        return e;
    return sn ? ERR_RANGE : merkle_eq(&fr, old_root) && merkle_eq(&sr, root) ? OK : ERR_MAC;
}
