/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/evidence_log.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { READ_OCTETS = 1 << 20, GROUP_OCTETS = 1 << 21 };

void segment_name(uint64_t index, char name[DISK_NAME + 1])
{
    snprintf(name, DISK_NAME + 1, "entries-%08llu", (unsigned long long)(index >> SEGMENT_LEVEL));
}

int note_file_read(struct disk *d, const char *name, char text[NOTE_MAX], struct str *out)
{
    int64_t n = disk_size(d, name);
    if (n < 0)
        return (int)n;
    if (n > NOTE_MAX)
        return ERR_RANGE;
    *out = (struct str){text, (uint32_t)n};
    return n ? disk_read(d, name, 0, text, (uint32_t)n) : OK;
}

/* ---- reading ---- */
int record_reader_open(struct record_reader *r, struct disk *d, struct crypto *c, uint64_t index)
{
    *r = (struct record_reader){.disk = d, .crypto = c, .index = index};
    if (index % SEGMENT_ENTRIES)
        return ERR_RANGE;
    r->buf = malloc(READ_OCTETS);
    return r->buf ? OK : ERR_NOSPACE;
}

void record_reader_close(struct record_reader *r)
{
    free(r->buf);
    *r = (struct record_reader){0};
}

static int file_open(struct record_reader *r)
{
    char name[DISK_NAME + 1];
    segment_name(r->index, name);
    int64_t n = disk_size(r->disk, name);
    r->at = 0;
    r->from = r->to = 0;
    r->file_n = n > 0 ? (uint64_t)n : 0;
    r->is_open = true;
    return n < 0 && n != ERR_NOTFOUND ? (int)n : OK;
}

/* At least n octets in the buffer, if the file has them. */
static int fill(struct record_reader *r, uint32_t n)
{
    char name[DISK_NAME + 1];
    uint32_t have = r->to - r->from;
    if (have >= n)
        return OK;
    if (r->file_n - r->at < n)
        return ERR_SHORT;
    memmove(r->buf, r->buf + r->from, have);
    uint64_t left = r->file_n - r->at - have;
    uint32_t take = left < READ_OCTETS - have ? (uint32_t)left : READ_OCTETS - have;
    segment_name(r->index, name);
    int e = disk_read(r->disk, name, r->at + have, r->buf + have, take);
    r->from = 0;
    r->to = have + (e == OK ? take : 0);
    return e;
}

int record_next(struct record_reader *r, struct bytes *entry, struct merkle_hash *leaf)
{
    int e = r->is_open ? OK : file_open(r);
    if (e < 0)
        return e;
    if (r->at == r->file_n)
        return 0;
    if ((e = fill(r, RECORD_HEAD)) < 0)
        return e;
    uint32_t n = be16(r->buf + r->from);
    if ((e = fill(r, RECORD_HEAD + n)) < 0)
        return e;
    const uint8_t *p = r->buf + r->from;
    *entry = (struct bytes){p + RECORD_HEAD, n};
    if ((e = merkle_leaf(r->crypto, *entry, leaf)) < 0)
        return e;
    if (memcmp(p + 2, leaf->b, 4) != 0)
        return ERR_MAC;
    bool is_last = r->index % SEGMENT_ENTRIES == SEGMENT_ENTRIES - 1;
    if (is_last && r->at + RECORD_HEAD + n != r->file_n)
        return ERR_TRAILING;
    r->from += RECORD_HEAD + n;
    r->at += RECORD_HEAD + n;
    r->index++;
    r->is_open = !is_last;
    return 1;
}

/* ---- opening ---- */
static int say(char why[EVIDENCE_WHY], int e, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int say(char why[EVIDENCE_WHY], int e, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, EVIDENCE_WHY, format, ap);
    va_end(ap);
    return e;
}

static int checkpoint_load(struct evidence_log *l, char why[EVIDENCE_WHY])
{
    char text[NOTE_MAX];
    struct str s;
    struct note n;
    struct checkpoint c;
    int e = note_file_read(l->disk, EVIDENCE_CHECKPOINT, text, &s);
    if (e == ERR_NOTFOUND)
        return OK;
    if (e < 0)
        return say(why, e, "checkpoint: %s", err_text(e));
    if (note_parse(&n, s) < 0 || checkpoint_parse(&c, n.text) < 0)
        return say(why, ERR_STORE, "checkpoint: it is damaged");
    if (note_verify(&n, &l->signer->key, NULL) < 0 || !str_is(c.origin, l->signer->key.name))
        return say(why, ERR_STORE, "checkpoint: it is not signed by this key (%s)", l->signer->key.name);
    l->is_signed = c.size;
    l->signed_root = c.root;
    return OK;
}

/* Full files of signed entries need not be read where their roots are there; the signed root tells whether they are
 * right. */
static int roots_load(struct evidence_log *l)
{
    uint64_t full = l->is_signed >> SEGMENT_LEVEL;
    int64_t have = disk_size(l->disk, EVIDENCE_ROOTS) / MERKLE_HASH;
    int e = OK;
    for (uint64_t i = 0; e == OK && i < full && (int64_t)i < have; i++) {
        struct merkle_hash h;
        e = disk_read(l->disk, EVIDENCE_ROOTS, i * MERKLE_HASH, h.b, MERKLE_HASH);
        if (e == OK)
            e = merkle_add_subtree(l->crypto, &l->tree, SEGMENT_LEVEL, &h);
    }
    return e;
}

/* The time of the last of the entries whose roots were taken. */
static int time_load(struct evidence_log *l)
{
    struct record_reader r;
    struct bytes entry;
    struct merkle_hash leaf;
    int e = record_reader_open(&r, l->disk, l->crypto, l->tree.size - SEGMENT_ENTRIES), got = 0;
    while (e == OK && r.index < l->tree.size && (got = record_next(&r, &entry, &leaf)) > 0)
        e = entry_time(entry, &l->last_us);
    record_reader_close(&r);
    return e < 0 ? e : got < 0 ? got : OK;
}

static int root_note(struct evidence_log *l)
{
    struct merkle_hash root;
    int e = merkle_root(l->crypto, &l->segment, &root);
    uint64_t at = (l->tree.size >> SEGMENT_LEVEL) - 1;
    int64_t have = disk_size(l->disk, EVIDENCE_ROOTS);
    if (e == OK && have > (int64_t)(at * MERKLE_HASH))
        disk_truncate(l->disk, EVIDENCE_ROOTS, at * MERKLE_HASH); /* of entries that a crash took */
    if (e == OK && (have >= (int64_t)(at * MERKLE_HASH) || !at))
        disk_append(l->disk, EVIDENCE_ROOTS, BYTES_OF(root.b)); /* it may fail: it can be made again */
    l->segment = (struct merkle){0};
    l->file_octets = 0;
    return e;
}

static int grow(struct evidence_log *l, const struct merkle_hash *leaf)
{
    int e = merkle_add(l->crypto, &l->tree, leaf);
    return e < 0 ? e : merkle_add(l->crypto, &l->segment, leaf);
}

/* Cuts off what is not whole: the rest of this file and all later ones. */
static int cut(struct evidence_log *l, const struct record_reader *r)
{
    char name[DISK_NAME + 1];
    int e = OK;
    uint64_t at = r->at;
    for (uint64_t i = r->index; e == OK; i += SEGMENT_ENTRIES) {
        segment_name(i, name);
        int64_t n = disk_size(l->disk, name);
        if (n == ERR_NOTFOUND)
            break;
        if (n > (int64_t)at)
            e = disk_truncate(l->disk, name, at);
        if (e == OK && n > (int64_t)at)
            e = disk_sync(l->disk, name);
        at = 0;
    }
    return e;
}

static int compare(struct evidence_log *l)
{
    struct merkle_hash root;
    int e = merkle_root(l->crypto, &l->tree, &root);
    return e < 0 ? e : merkle_eq(&root, &l->signed_root) ? OK : ERR_MAC;
}

static int entries_load(struct evidence_log *l, struct record_reader *r)
{
    struct bytes entry;
    struct merkle_hash leaf;
    int got = 1, e = l->is_signed && l->tree.size == l->is_signed ? compare(l) : OK;
    while (e == OK && (got = record_next(r, &entry, &leaf)) > 0) {
        uint64_t before = l->last_us;
        if (entry_time(entry, &l->last_us) < 0 || l->last_us < before) {
            if (l->tree.size < l->is_signed)
                return ERR_ORDER;
            l->last_us = before;
            r->at -= RECORD_HEAD + entry.n; /* never acknowledged: it is not ours */
            r->index--;
            break;
        }
        e = grow(l, &leaf);
        l->file_octets = r->at;
        if (e == OK && l->tree.size == l->is_signed)
            e = compare(l);
        if (e == OK && l->segment.size == SEGMENT_ENTRIES)
            e = root_note(l);
    }
    if (e < 0)
        return e;
    if (l->tree.size < l->is_signed)
        return got < 0 ? got : ERR_SHORT;
    return got == ERR_SHORT || got == ERR_MAC || got == ERR_TRAILING || got >= 0 ? cut(l, r) : got;
}

static int load(struct evidence_log *l, bool with_roots)
{
    struct record_reader r = {0};
    l->tree = l->segment = (struct merkle){0};
    l->last_us = l->file_octets = 0;
    int e = with_roots ? roots_load(l) : OK;
    if (e == OK && l->tree.size)
        e = time_load(l);
    if (e == OK)
        e = record_reader_open(&r, l->disk, l->crypto, l->tree.size);
    if (e == OK)
        e = entries_load(l, &r);
    record_reader_close(&r);
    return e;
}

/* What a killed process wrote may be in the kernel's memory alone: it is durable before it is signed. */
static int tail_sync(struct evidence_log *l)
{
    char name[DISK_NAME + 1];
    int e = OK;
    for (uint64_t i = l->is_signed & ~(uint64_t)(SEGMENT_ENTRIES - 1); e == OK && i < l->tree.size; i += SEGMENT_ENTRIES) {
        segment_name(i, name);
        e = disk_sync(l->disk, name);
    }
    return e;
}

int evidence_log_open(struct evidence_log **out, struct disk *d, struct crypto *c, const struct note_signer *s,
                      char why[EVIDENCE_WHY])
{
    struct evidence_log *l = calloc(1, sizeof *l);
    *out = NULL;
    *why = 0;
    if (!l || !(l->group = malloc(GROUP_OCTETS))) {
        free(l);
        return say(why, ERR_NOSPACE, "no memory");
    }
    l->disk = d;
    l->crypto = c;
    l->signer = s;
    int e = checkpoint_load(l, why);
    if (e == OK) {
        e = load(l, true);
        if (e < 0)
            e = load(l, false);
        if (e == OK)
            e = tail_sync(l);
        if (e < 0)
            say(why, ERR_STORE, "after %llu entries: %s; %llu are signed. 'redoubt trust evidence verify' tells what is wrong",
                (unsigned long long)l->tree.size, err_text(e), (unsigned long long)l->is_signed);
    }
    if (e < 0) {
        evidence_log_close(l);
        return e == ERR_NOSPACE || e == ERR_IO || e == ERR_DENIED ? e : ERR_STORE;
    }
    l->durable = l->tree.size;
    *out = l;
    return OK;
}

void evidence_log_close(struct evidence_log *l)
{
    if (!l)
        return;
    free(l->group);
    free(l);
}

/* ---- writing ---- */
int evidence_log_add(struct evidence_log *l, struct bytes entry)
{
    struct merkle_hash leaf;
    uint64_t at;
    int e = OK;
    if (entry.n > EVIDENCE_ENTRY_MAX || entry_time(entry, &at) < 0)
        return ERR_SYNTAX;
    if (at < l->last_us)
        return ERR_ORDER;
    if (l->segment.size == SEGMENT_ENTRIES || l->group_n + RECORD_HEAD + entry.n > GROUP_OCTETS)
        e = evidence_log_commit(l);
    if (e == OK)
        e = merkle_leaf(l->crypto, entry, &leaf);
    if (e == OK)
        e = grow(l, &leaf);
    if (e < 0)
        return e;
    uint8_t *p = l->group + l->group_n;
    put_be16(p, (uint16_t)entry.n);
    memcpy(p + 2, leaf.b, 4);
    memcpy(p + RECORD_HEAD, entry.p, entry.n);
    l->group_n += RECORD_HEAD + entry.n;
    l->last_us = at;
    return OK;
}

int evidence_log_commit(struct evidence_log *l)
{
    char name[DISK_NAME + 1];
    int e = OK;
    if (!l->group_n)
        return OK;
    segment_name(l->durable, name);
    if (l->is_torn) {
        int64_t n = disk_size(l->disk, name);
        e = n == ERR_NOTFOUND ? OK : n < 0 ? (int)n : disk_truncate(l->disk, name, l->file_octets);
    }
    l->is_torn = true;
    if (e == OK)
        e = disk_append(l->disk, name, (struct bytes){l->group, l->group_n});
    if (e == OK)
        e = disk_sync(l->disk, name);
    if (e < 0)
        return e;
    l->is_torn = false;
    l->durable = l->tree.size;
    l->file_octets += l->group_n;
    l->group_n = 0;
    return l->segment.size == SEGMENT_ENTRIES ? root_note(l) : OK;
}

int evidence_log_sign(struct evidence_log *l)
{
    char text[NOTE_MAX];
    struct checkpoint c = {.origin = str_of(l->signer->key.name), .size = l->tree.size};
    int e = evidence_log_commit(l);
    if (e < 0 || (l->is_signed == l->tree.size && l->is_signed))
        return e;
    if ((e = merkle_root(l->crypto, &l->tree, &c.root)) < 0)
        return e;
    int n = checkpoint_text(&c, text, sizeof text - 1);
    if (n < 0)
        return n;
    text[n] = '\n';
    int k = note_sign(l->signer, (struct str){text, (uint32_t)n}, 0, text + n + 1, sizeof text - (uint32_t)n - 1);
    if (k < 0)
        return k;
    e = disk_replace(l->disk, EVIDENCE_CHECKPOINT, (struct bytes){(const uint8_t *)text, (uint32_t)(n + 1 + k)});
    if (e < 0)
        return e;
    l->is_signed = c.size;
    l->signed_root = c.root;
    return OK;
}
