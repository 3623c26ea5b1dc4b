/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/witness.h"
#include "trust/evidence_log.h"
#include <stdarg.h>
#include <stdio.h>

/* ---- text of both ---- */
#define PROOF_HEAD "c2sp.org/tlog-proof@v1\n"

static int hashes_get(struct str *rest, struct merkle_proof *p) /* one a line, to an empty line */
{
    struct str line;
    p->n = 0;
    while (line_take(rest, &line)) {
        if (!line.n)
            return OK;
        if (p->n == MERKLE_PROOF_MAX)
            return ERR_FULL;
        if (!hash_get(line, &p->hash[p->n++]))
            return ERR_SYNTAX;
    }
    return ERR_SYNTAX;
}

static int put(char *out, uint32_t cap, int at, const char *format, ...) __attribute__((format(printf, 4, 5)));
static int put(char *out, uint32_t cap, int at, const char *format, ...)
{
    if (at < 0)
        return at;
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(out + at, cap - (uint32_t)at, format, ap);
    va_end(ap);
    return n < 0 || (uint32_t)n >= cap - (uint32_t)at ? ERR_NOSPACE : at + n;
}

static int put_str(char *out, uint32_t cap, int at, struct str s)
{
    if (at < 0 || s.n >= cap - (uint32_t)at)
        return at < 0 ? at : ERR_NOSPACE;
    if (s.n)
        memcpy(out + at, s.p, s.n);
    out[(uint32_t)at + s.n] = 0;
    return at + (int)s.n;
}

static int hashes_put(char *out, uint32_t cap, int at, const struct merkle_proof *p, struct str checkpoint)
{
    char text[HASH_TEXT];
    for (uint32_t i = 0; i < p->n; i++) {
        hash_text(&p->hash[i], text);
        at = put(out, cap, at, "%s\n", text);
    }
    return put_str(out, cap, put(out, cap, at, "\n"), checkpoint);
}

static bool number_line(struct str *rest, const char *word, uint64_t *v)
{
    struct str line;
    size_t n = strlen(word);
    return line_take(rest, &line) && str_starts(line, word) && decimal_get((struct str){line.p + n, line.n - (uint32_t)n}, v);
}

int tlog_proof_parse(struct tlog_proof *p, struct str text)
{
    *p = (struct tlog_proof){0};
    if (!str_starts(text, PROOF_HEAD))
        return ERR_SYNTAX;
    struct str rest = {text.p + sizeof PROOF_HEAD - 1, text.n - (uint32_t)sizeof PROOF_HEAD + 1}, extra;
    if (str_starts(rest, "extra ")) /* not authenticated, and not ours */
        line_take(&rest, &extra);
    if (!number_line(&rest, "index ", &p->index))
        return ERR_SYNTAX;
    int e = hashes_get(&rest, &p->path);
    p->checkpoint = rest;
    return e;
}

int tlog_proof_text(const struct tlog_proof *p, char *out, uint32_t cap)
{
    int at = put(out, cap, 0, PROOF_HEAD "index %llu\n", (unsigned long long)p->index);
    return hashes_put(out, cap, at, &p->path, p->checkpoint);
}

int tlog_proof_verify(struct crypto *c, struct str text, struct bytes entry, const struct note_key *key, struct tlog_proof *p)
{
    struct note n;
    struct checkpoint point;
    struct merkle_hash leaf;
    int e = tlog_proof_parse(p, text);
    if (e == OK)
        e = note_parse(&n, p->checkpoint);
    if (e == OK)
        e = note_verify(&n, key, NULL);
    if (e == OK)
        e = checkpoint_parse(&point, n.text);
    if (e == OK && !str_is(point.origin, key->name))
        e = ERR_NOTFOUND;
    if (e == OK)
        e = merkle_leaf(c, entry, &leaf);
    return e < 0 ? e : merkle_verify_inclusion(c, p->index, point.size, &leaf, &p->path, &point.root);
}

int witness_request_parse(struct witness_request *r, struct str text)
{
    *r = (struct witness_request){0};
    if (!number_line(&text, "old ", &r->old))
        return ERR_SYNTAX;
    int e = hashes_get(&text, &r->path);
    r->checkpoint = text;
    return e == OK && r->path.n > 63 ? ERR_FULL : e;
}

int witness_request_text(const struct witness_request *r, char *out, uint32_t cap)
{
    int at = put(out, cap, 0, "old %llu\n", (unsigned long long)r->old);
    return hashes_put(out, cap, at, &r->path, r->checkpoint);
}

/* ---- a witness ---- */
static int state_name(struct crypto *c, struct str origin, char name[DISK_NAME + 1])
{
    uint8_t digest[32];
    struct bytes part = {(const uint8_t *)origin.p, origin.n};
    int e = crypto_sha256(c, &part, 1, digest);
    memcpy(name, "log-", 4);
    hex_put(name + 4, digest, 16);
    return e;
}

static int state_load(const struct witness *w, const char *name, struct checkpoint *have, char text[NOTE_MAX])
{
    struct str s;
    struct note n;
    int e = note_file_read(w->disk, name, text, &s);
    *have = (struct checkpoint){0};
    if (e == ERR_NOTFOUND) {
        struct merkle none = {0};
        return merkle_root(w->crypto, &none, &have->root);
    }
    if (e == OK)
        e = note_parse(&n, s);
    if (e == OK)
        e = note_verify(&n, &w->signer->key, NULL); /* our own signature: nobody changed what we remember */
    return e < 0 ? e : checkpoint_parse(have, n.text);
}

static const struct note_key *log_of(const struct witness *w, struct str origin)
{
    for (uint32_t i = 0; i < w->n_logs; i++)
        if (str_is(origin, w->logs[i].name))
            return &w->logs[i];
    return NULL;
}

static int answer(char out[WITNESS_ANSWER], int status, const char *text)
{
    snprintf(out, WITNESS_ANSWER, "%s\n", text);
    return status;
}

static int sign_and_keep(const struct witness *w, const char *name, struct str text, uint64_t now_s, char out[WITNESS_ANSWER])
{
    char state[NOTE_MAX + WITNESS_ANSWER];
    int k = note_sign(w->signer, text, now_s, out, WITNESS_ANSWER);
    int n = k < 0 ? k : put(state, sizeof state, 0, "%.*s\n%s", STR_ARG(text), out);
    if (n < 0 || disk_replace(w->disk, name, (struct bytes){(const uint8_t *)state, (uint32_t)n}) < 0)
        return answer(out, 500, "the checkpoint could not be kept");
    return 200;
}

int witness_cosign(const struct witness *w, struct str request, uint64_t now_s, char out[WITNESS_ANSWER])
{
    struct witness_request r;
    struct note n;
    struct checkpoint c, have;
    char name[DISK_NAME + 1], text[NOTE_MAX], size[32];
    if (witness_request_parse(&r, request) < 0 || note_parse(&n, r.checkpoint) < 0 || checkpoint_parse(&c, n.text) < 0)
        return answer(out, 400, "no request for a cosignature");
    const struct note_key *key = log_of(w, c.origin);
    if (!key)
        return answer(out, 404, "this witness does not know the log");
    if (note_verify(&n, key, NULL) < 0)
        return answer(out, 403, "not signed by the log");
    if (r.old > c.size)
        return answer(out, 400, "the old size is above the new one");
    if (state_name(w->crypto, c.origin, name) < 0 || state_load(w, name, &have, text) < 0)
        return answer(out, 500, "what this witness remembers cannot be read");
    snprintf(size, sizeof size, "%llu", (unsigned long long)have.size);
    if (r.old != have.size)
        return answer(out, 409, size);
    if (r.old == c.size && !merkle_eq(&have.root, &c.root))
        return answer(out, 409, size);
    if (merkle_verify_consistency(w->crypto, r.old, c.size, &have.root, &c.root, &r.path) < 0)
        return answer(out, 422, "not consistent with what this witness has cosigned: the log was rewritten");
    return sign_and_keep(w, name, n.text, now_s, out);
}

int witness_merge(struct str checkpoint, struct str lines, const struct note_key *witness, char *out, uint32_t cap)
{
    struct note n;
    int at = put_str(out, cap, put_str(out, cap, 0, checkpoint), lines);
    int e = at < 0 ? at : note_parse(&n, (struct str){out, (uint32_t)at});
    if (e == OK)
        e = note_verify(&n, witness, NULL);
    return e < 0 ? e : at;
}
