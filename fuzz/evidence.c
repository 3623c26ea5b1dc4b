/* SPDX-License-Identifier: Apache-2.0 */
/* What readers of evidence take from strangers; the first octet says which: 0 a checkpoint, 1 an entry, 2 a proof, 3 a
 * request to a witness, 4 a public key, 5 a file of entries, 6 a private key. What is read says what was written: it is
 * written again and compared. */
#include "sim/disk_memory.h"
#include "trust/evidence_verify.h"
#include "trust/witness.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct crypto *c;
static struct note_signer key;

static void same(const void *a, uint32_t n, struct str b)
{
    if (n != b.n || memcmp(a, b.p, n) != 0)
        abort();
}

static void checkpoint(struct str s)
{
    struct note n;
    struct checkpoint p;
    char out[NOTE_MAX];
    if (note_parse(&n, s) < 0)
        return;
    note_verify(&n, &key.key, NULL);
    if (checkpoint_parse(&p, n.text) < 0)
        return;
    int k = checkpoint_text(&p, out, sizeof out);
    if (k > 0 && (uint32_t)k == n.text.n) /* without extension lines */
        same(out, (uint32_t)k, n.text);
}

static void entry(struct bytes b)
{
    struct evidence_entry e;
    uint8_t out[EVIDENCE_ENTRY_MAX], raw[EVIDENCE_ENTRY_MAX], open[32] = {0};
    if (entry_decode(b, &e) < 0)
        return;
    for (uint32_t i = 0; i < e.n_messages; i++)
        if (e.message[i].is_sealed)
            message_open(c, &e.message[i], open, raw);
    if (e.n_messages)
        return;
    struct entry_draft d = {.at_us = e.at_us, .kind = e.kind, .subject = e.subject, .body = e.body};
    int n = entry_encode(c, &d, out, sizeof out);
    if (n < 0)
        abort();
    same(out, (uint32_t)n, (struct str){(const char *)b.p, b.n});
}

static void proof(struct str s)
{
    struct tlog_proof p;
    static char out[TLOG_PROOF_MAX];
    tlog_proof_verify(c, s, (struct bytes){NULL, 0}, &key.key, &p);
    if (tlog_proof_parse(&p, s) == OK && memcmp(s.p + 23, "extra", 5) != 0) {
        int n = tlog_proof_text(&p, out, sizeof out);
        if (n > 0)
            same(out, (uint32_t)n, s);
    }
}

static void request(struct str s)
{
    struct witness_request r;
    static char out[TLOG_PROOF_MAX];
    char answer[WITNESS_ANSWER];
    struct disk *d = disk_memory_new(1);
    struct witness w = {d, c, &key, &key.key, 1};
    witness_cosign(&w, s, 1, answer);
    disk_memory_free(d);
    if (witness_request_parse(&r, s) < 0)
        return;
    int n = witness_request_text(&r, out, sizeof out);
    if (n > 0)
        same(out, (uint32_t)n, s);
}

static void file(struct bytes b)
{
    static struct evidence_result r;
    struct evidence_log *l;
    char why[EVIDENCE_WHY];
    struct evidence_expect expect = {.key = &key.key};
    struct disk *d = disk_memory_new(1);
    disk_append(d, "entries-00000000", b);
    evidence_verify(d, c, &expect, &r);
    if (evidence_log_open(&l, d, c, &key, why) == OK) { /* nothing is signed: what is sound is kept */
        if (evidence_log_sign(l) < 0)
            abort();
        evidence_log_close(l);
        evidence_verify(d, c, &expect, &r);
        for (uint32_t i = 0; i < r.n_problems; i++) /* texts may be no entries; the tree is sound */
            if (r.problem[i].index == UINT64_MAX)
                abort();
    }
    disk_memory_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!c && (crypto_init(&c) < 0 || note_signer_init(&key, c, STR("evidence.example/core"), NOTE_ED25519, (const uint8_t[32]){1}) < 0))
        abort();
    if (size < 1 || size > EVIDENCE_ENTRY_MAX)
        return 0;
    struct bytes b = {data + 1, (uint32_t)size - 1};
    struct str s = {(const char *)data + 1, b.n};
    struct note_key k;
    struct note_signer signer;
    char text[NOTE_KEY_TEXT];
    switch (data[0]) {
    case 0: checkpoint(s); break;
    case 1: entry(b); break;
    case 2: proof(s); break;
    case 3: request(s); break;
    case 4:
        if (note_key_parse(&k, c, s) == OK)
            note_key_text(&k, text);
        break;
    case 5: file(b); break;
    case 6: note_signer_parse(&signer, c, s); break;
    default: break;
    }
    return 0;
}
