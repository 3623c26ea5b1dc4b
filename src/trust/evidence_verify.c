/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/evidence_verify.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A checkpoint that the log must agree with. */
struct held {
    const char *name;
    struct note note;
    struct checkpoint c;
    uint64_t at_s; /* the latest time at which a witness saw it; 0: none did */
    uint64_t first_at_s;
    bool is_usable;
};
struct verify {
    struct crypto *crypto;
    const struct evidence_expect *expect;
    struct evidence_result *r;
    struct held held[EVIDENCE_HELD_MAX + 2];
    uint32_t n, next; /* by size; the first that is not reached yet */
    uint64_t agreed;  /* entries that a checkpoint confirmed */
    uint64_t floor_us; /* entries from here on cannot be older */
    char own[2][NOTE_MAX];
};

static void problem(struct evidence_result *r, uint64_t index, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void problem(struct evidence_result *r, uint64_t index, const char *format, ...)
{
    va_list ap;
    if (r->n_problems++ >= EVIDENCE_PROBLEMS_MAX)
        return;
    struct evidence_problem *p = &r->problem[r->n_problems - 1];
    p->index = index;
    va_start(ap, format);
    vsnprintf(p->text, sizeof p->text, format, ap);
    va_end(ap);
}
#define NO_ENTRY UINT64_MAX

/* ---- checkpoints ---- */
static void witnesses(struct verify *v, struct held *h, bool is_own)
{
    for (uint32_t i = 0; i < v->expect->n_witnesses; i++) {
        uint64_t at = 0;
        int e = note_verify(&h->note, &v->expect->witness[i], &at);
        if (e == ERR_NOTFOUND)
            continue;
        if (e < 0) {
            problem(v->r, NO_ENTRY, "%s: the cosignature of %s is wrong", h->name, v->expect->witness[i].name);
            continue;
        }
        v->r->cosigned += is_own;
        h->at_s = at > h->at_s ? at : h->at_s;
        h->first_at_s = !h->first_at_s || at < h->first_at_s ? at : h->first_at_s;
    }
}

static void hold(struct verify *v, const char *name, struct str text, bool is_own)
{
    struct held *h = &v->held[v->n];
    *h = (struct held){.name = name};
    if (note_parse(&h->note, text) < 0 || checkpoint_parse(&h->c, h->note.text) < 0) {
        problem(v->r, NO_ENTRY, "%s: it is no checkpoint, or was damaged", name);
        return;
    }
    int e = note_verify(&h->note, v->expect->key, NULL);
    if (e < 0 || !str_is(h->c.origin, v->expect->key->name)) {
        problem(v->r, NO_ENTRY, "%s: it is %s by the log's key (%s)", name, e == ERR_MAC ? "not truly signed" : "not signed",
                v->expect->key->name);
        return;
    }
    witnesses(v, h, is_own);
    v->n++;
}

static int by_size(const void *a, const void *b)
{
    const struct held *x = a, *y = b;
    return (x->c.size > y->c.size) - (x->c.size < y->c.size);
}

static int hold_own(struct verify *v, struct disk *d, const char *name, char *text, bool is_needed)
{
    struct str s;
    uint32_t before = v->n;
    int e = note_file_read(d, name, text, &s);
    if (e == ERR_NOTFOUND) {
        if (is_needed)
            problem(v->r, NO_ENTRY, "%s: it is missing: nothing says what the log should be", name);
        return OK;
    }
    if (e == ERR_RANGE)
        problem(v->r, NO_ENTRY, "%s: it is too large to be one", name);
    else if (e < 0)
        problem(v->r, NO_ENTRY, "%s: %s", name, err_text(e));
    else
        hold(v, name, s, true);
    if (v->n > before && v->held[before].c.size > v->r->is_signed)
        v->r->is_signed = v->held[before].c.size;
    return OK;
}

/* The tree has grown to a size: every checkpoint of that size must have its root. */
static int reached(struct verify *v, const struct merkle *tree)
{
    int e = OK;
    for (; e == OK && v->next < v->n && v->held[v->next].c.size == tree->size; v->next++) {
        struct held *h = &v->held[v->next];
        struct merkle_hash root;
        e = merkle_root(v->crypto, tree, &root);
        if (e < 0)
            break;
        if (!merkle_eq(&root, &h->c.root)) {
            problem(v->r, NO_ENTRY, "entries %llu to %llu are not those of %s: changed, removed, put in or reordered",
                    (unsigned long long)v->agreed, (unsigned long long)(tree->size ? tree->size - 1 : 0), h->name);
            continue;
        }
        v->agreed = tree->size;
        if (h->first_at_s && h->first_at_s * 1000000 > EVIDENCE_SKEW_US && h->first_at_s * 1000000 - EVIDENCE_SKEW_US > v->floor_us)
            v->floor_us = h->first_at_s * 1000000 - EVIDENCE_SKEW_US;
        if (h->first_at_s && tree->size && v->r->last_us > h->first_at_s * 1000000 + EVIDENCE_SKEW_US)
            problem(v->r, tree->size - 1, "dated after a witness saw it (%s)", h->name);
    }
    return e;
}

/* ---- entries ---- */
static void entry_check(struct verify *v, uint64_t index, struct bytes octets)
{
    struct evidence_result *r = v->r;
    struct evidence_entry entry;
    int e = entry_decode(octets, &entry);
    if (e < 0) {
        problem(r, index, "it is no entry: %s", err_text(e));
        return;
    }
    if (entry.at_us < r->last_us)
        problem(r, index, "dated before the entry in front of it");
    else if (entry.at_us < v->floor_us)
        problem(r, index, "back-dated: a witness had seen the log without it more than %u s after the time that it bears",
                (unsigned)(EVIDENCE_SKEW_US / 1000000));
    if (!index)
        r->first_us = entry.at_us;
    r->last_us = entry.at_us > r->last_us ? entry.at_us : r->last_us;
    r->by_kind[entry.kind]++;
}

/* Octets that no entry accounts for. */
static void leftovers(struct verify *v, struct disk *d, const struct record_reader *rd, int got)
{
    char name[DISK_NAME + 1];
    if (got < 0 && rd->index < v->r->is_signed)
        problem(v->r, rd->index, "it is damaged: %s", err_text(got));
    else if (got == ERR_SHORT || got == ERR_MAC)
        v->r->unsigned_torn = rd->file_n - rd->at;
    else if (got < 0)
        problem(v->r, rd->index, "%s", err_text(got));
    for (uint64_t i = rd->index + SEGMENT_ENTRIES; i < rd->index + 4 * SEGMENT_ENTRIES; i += SEGMENT_ENTRIES) {
        segment_name(i, name);
        if (disk_size(d, name) > 0)
            problem(v->r, NO_ENTRY, "%s: it is there, and the file before it is not full", name);
    }
}

/* The file of roots holds nothing that the entries do not; one that is wrong was touched. */
static int root_check(struct verify *v, struct disk *d, const struct merkle *segment, uint64_t index)
{
    struct merkle_hash root, on_disk;
    uint64_t at = (index >> SEGMENT_LEVEL) * MERKLE_HASH;
    int e = merkle_root(v->crypto, segment, &root);
    if (e == OK && disk_size(d, EVIDENCE_ROOTS) >= (int64_t)(at + MERKLE_HASH) &&
        disk_read(d, EVIDENCE_ROOTS, at, on_disk.b, MERKLE_HASH) == OK && !merkle_eq(&root, &on_disk))
        problem(v->r, NO_ENTRY, EVIDENCE_ROOTS ": the root of file %llu is not that of its entries",
                (unsigned long long)(index >> SEGMENT_LEVEL));
    return e;
}

static int walk(struct verify *v, struct disk *d)
{
    struct merkle tree = {0}, segment = {0};
    struct record_reader rd;
    struct bytes octets;
    struct merkle_hash leaf;
    int got = 0, e = record_reader_open(&rd, d, v->crypto, 0);
    if (e == OK)
        e = reached(v, &tree);
    while (e == OK && (got = record_next(&rd, &octets, &leaf)) > 0) {
        entry_check(v, tree.size, octets);
        e = merkle_add(v->crypto, &tree, &leaf);
        if (e == OK)
            e = merkle_add(v->crypto, &segment, &leaf);
        if (e == OK)
            e = reached(v, &tree);
        if (e == OK && segment.size == SEGMENT_ENTRIES) {
            e = root_check(v, d, &segment, tree.size - 1);
            segment = (struct merkle){0};
        }
    }
    if (e == OK)
        leftovers(v, d, &rd, got);
    if (e == OK && disk_size(d, EVIDENCE_ROOTS) > (int64_t)((tree.size >> SEGMENT_LEVEL) * MERKLE_HASH))
        problem(v->r, NO_ENTRY, EVIDENCE_ROOTS ": it holds more than there are full files");
    v->r->entries = tree.size;
    if (e == OK)
        e = merkle_root(v->crypto, &tree, &v->r->root);
    record_reader_close(&rd);
    return e;
}

int evidence_verify(struct disk *d, struct crypto *c, const struct evidence_expect *expect, struct evidence_result *r)
{
    if (expect->n_held > EVIDENCE_HELD_MAX)
        return ERR_RANGE;
    struct verify *v = calloc(1, sizeof *v);
    if (!v)
        return ERR_NOSPACE;
    *r = (struct evidence_result){0};
    v->crypto = c;
    v->expect = expect;
    v->r = r;
    int e = hold_own(v, d, EVIDENCE_CHECKPOINT, v->own[0], true);
    if (e == OK)
        e = hold_own(v, d, EVIDENCE_COSIGNED, v->own[1], false);
    for (uint32_t i = 0; i < expect->n_held; i++)
        hold(v, expect->held_name[i], expect->held[i], false);
    qsort(v->held, v->n, sizeof *v->held, by_size);
    if (e == OK)
        e = walk(v, d);
    for (; e == OK && v->next < v->n; v->next++)
        problem(r, NO_ENTRY, "entries were removed: %s covers %llu, and %llu are there", v->held[v->next].name,
                (unsigned long long)v->held[v->next].c.size, (unsigned long long)r->entries);
    free(v);
    return e;
}

/* ---- proofs ---- */
static int leaves_load(struct evidence_source *s, uint64_t from)
{
    struct record_reader rd;
    struct bytes octets;
    struct merkle_hash leaf;
    if (s->n_leaves && s->leaf_from == from)
        return OK;
    int got = 0, e = record_reader_open(&rd, s->disk, s->source.crypto, from);
    s->n_leaves = 0;
    s->leaf_from = from;
    while (e == OK && s->n_leaves < SEGMENT_ENTRIES && (got = record_next(&rd, &octets, &leaf)) > 0)
        s->leaf[s->n_leaves++] = leaf;
    record_reader_close(&rd);
    return e;
}

static int subtree(struct merkle_source *m, uint64_t from, uint32_t level, struct merkle_hash *out)
{
    struct evidence_source *s = (struct evidence_source *)m;
    struct merkle t = {0};
    uint64_t end = from + (1ull << level);
    int e = OK;
    if (level >= SEGMENT_LEVEL) {
        for (uint64_t i = from; e == OK && i < end; i += SEGMENT_ENTRIES)
            e = i >> SEGMENT_LEVEL < s->n_roots ? merkle_add_subtree(m->crypto, &t, SEGMENT_LEVEL, &s->root[i >> SEGMENT_LEVEL])
                                                : ERR_RANGE;
    } else {
        e = leaves_load(s, from & ~(uint64_t)(SEGMENT_ENTRIES - 1));
        for (uint64_t i = from; e == OK && i < end; i++)
            e = i - s->leaf_from < s->n_leaves ? merkle_add(m->crypto, &t, &s->leaf[i - s->leaf_from]) : ERR_RANGE;
    }
    return e < 0 ? e : merkle_root(m->crypto, &t, out);
}

static int root_make(struct evidence_source *s, struct merkle_hash *out)
{
    struct merkle t = {0};
    int e = OK;
    for (uint64_t i = 0; e == OK && i < s->n_leaves; i++)
        e = merkle_add(s->source.crypto, &t, &s->leaf[i]);
    return e < 0 ? e : merkle_root(s->source.crypto, &t, out);
}

int evidence_source_open(struct evidence_source *s, struct disk *d, struct crypto *c)
{
    *s = (struct evidence_source){.source = {subtree, c}, .disk = d};
    char name[DISK_NAME + 1];
    uint64_t files = 0;
    for (segment_name(0, name); disk_size(d, name) > 0; segment_name(files << SEGMENT_LEVEL, name))
        files++;
    s->root = calloc(files + 1, sizeof *s->root);
    s->leaf = calloc(SEGMENT_ENTRIES, sizeof *s->leaf);
    int e = s->root && s->leaf ? OK : ERR_NOSPACE;
    int64_t have = disk_size(d, EVIDENCE_ROOTS) / MERKLE_HASH; /* a wrong one makes a proof that does not verify */
    for (uint64_t i = 0; e == OK && i + 1 <= files; i++) {
        if ((int64_t)i < have) {
            e = disk_read(d, EVIDENCE_ROOTS, i * MERKLE_HASH, s->root[i].b, MERKLE_HASH);
        } else {
            e = leaves_load(s, i << SEGMENT_LEVEL);
            if (e == OK && s->n_leaves < SEGMENT_ENTRIES)
                break;
            if (e == OK)
                e = root_make(s, &s->root[i]);
        }
        s->n_roots += e == OK;
    }
    if (e < 0)
        evidence_source_close(s);
    return e;
}

void evidence_source_close(struct evidence_source *s)
{
    free(s->root);
    free(s->leaf);
    *s = (struct evidence_source){0};
}

int evidence_entry_read(struct disk *d, struct crypto *c, uint64_t index, uint8_t *octets, struct bytes *out,
                        struct merkle_hash *leaf)
{
    struct record_reader rd;
    struct bytes entry = {0};
    int got = 0, e = record_reader_open(&rd, d, c, index & ~(uint64_t)(SEGMENT_ENTRIES - 1));
    while (e == OK && rd.index <= index && (got = record_next(&rd, &entry, leaf)) > 0) {
    }
    if (e == OK)
        e = got < 0 ? got : got == 0 ? ERR_NOTFOUND : OK;
    if (e == OK) {
        memcpy(octets, entry.p, entry.n);
        *out = (struct bytes){octets, entry.n};
    }
    record_reader_close(&rd);
    return e;
}
