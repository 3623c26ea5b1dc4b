/* SPDX-License-Identifier: Apache-2.0 */
/* trust_evidence_proof.c - redoubt trust evidence: what leaves the log (keys, checkpoints, proofs) and what witnesses
 * give back. */
#include "cmd/subscriber.h"
#include "cmd/trust_evidence.h"
#include "os/disk.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* ---- keygen ---- */
static int seal_make(struct evidence_command *c, const uint8_t seed[32])
{
    char hex[66];
    hex_put(hex, seed, 32);
    hex[64] = '\n';
    int e = secret_file_write(c->output, (struct str){hex, 65});
    secret_wipe(hex, sizeof hex);
    if (e == OK)
        printf("seal key: %s\nWho has it reads the messages in the log; without it they are lost to everybody. Keep a copy.\n", c->output);
    return e < 0 ? EXIT_FAILED : EXIT_OK;
}

int evidence_keygen(struct evidence_command *c)
{
    struct note_signer s;
    uint8_t seed[32];
    char text[NOTE_KEY_TEXT + 1];
    int status = EXIT_FAILED;
    if (!c->output || (!c->name && !c->is_seal))
        return usage("trust evidence", "keygen: %s is missing", c->output ? "--name NAME" : "--output FILE for the private key");
    if (getrandom(seed, sizeof seed, 0) != sizeof seed)
        return evidence_fail("keygen", "no randomness");
    if (c->is_seal) {
        status = seal_make(c, seed);
    } else if (note_signer_init(&s, c->crypto, str_of(c->name), c->is_witness ? NOTE_COSIGNATURE : NOTE_ED25519, seed) < 0) {
        status = usage("trust evidence", "keygen: --name: '%s' cannot be one: no spaces, no '+', at most %u octets", c->name, NOTE_NAME_MAX);
    } else {
        uint32_t n = note_signer_text(&s, text);
        text[n] = '\n';
        if (secret_file_write(c->output, (struct str){text, n + 1}) == OK) {
            note_key_text(&s.key, text);
            printf("private key: %s\npublic key, for all who verify:\n%s\n", c->output, text);
            status = EXIT_OK;
        }
    }
    secret_wipe(&s, sizeof s);
    secret_wipe(seed, sizeof seed);
    secret_wipe(text, sizeof text);
    return status;
}

/* ---- checkpoint ---- */
static int checkpoint_read(struct evidence_command *c, char text[NOTE_MAX], struct str *s, struct checkpoint *p)
{
    struct note n;
    int e = note_file_read(c->disk, EVIDENCE_CHECKPOINT, text, s);
    if (e < 0)
        return evidence_fail(c->dir, e == ERR_NOTFOUND ? "no checkpoint has been signed yet" : err_text(e));
    if (note_parse(&n, *s) < 0 || checkpoint_parse(p, n.text) < 0)
        return evidence_fail(c->dir, "its checkpoint is damaged");
    return EXIT_OK;
}

/* Opens the log to write, with the key of --key or --sign. */
static int writer_open(struct evidence_command *c, struct note_signer *s, struct evidence_log **l)
{
    char why[EVIDENCE_WHY];
    if (evidence_signer(c, c->key, s) || evidence_disk(c, true))
        return EXIT_FAILED;
    int e = evidence_log_open(l, c->disk, c->crypto, s, why);
    return e < 0 ? evidence_fail(c->dir, *why ? why : err_text(e)) : EXIT_OK;
}

int evidence_checkpoint(struct evidence_command *c)
{
    char text[NOTE_MAX];
    struct str s;
    struct checkpoint p;
    if (c->sign) {
        struct note_signer signer;
        struct evidence_log *l = NULL;
        int status = writer_open(c, &signer, &l), e = status ? OK : evidence_log_sign(l);
        evidence_log_close(l);
        secret_wipe(&signer, sizeof signer);
        if (status || e < 0)
            return status ? status : evidence_fail(c->dir, err_text(e));
    } else if (evidence_disk(c, false)) {
        return EXIT_FAILED;
    }
    return checkpoint_read(c, text, &s, &p) ? EXIT_FAILED : evidence_put(c, s);
}

/* ---- add ---- */
int evidence_add(struct evidence_command *c)
{
    struct note_signer signer;
    struct evidence_log *l = NULL;
    static uint8_t octets[EVIDENCE_ENTRY_MAX];
    struct timespec now;
    if (!c->key || !c->subject || c->n_words != 1)
        return usage("trust evidence", "add: --key FILE, --subject TEXT and one body are needed");
    int status = writer_open(c, &signer, &l), e = OK;
    clock_gettime(CLOCK_REALTIME, &now);
    struct entry_draft d = {.at_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000, .kind = EVIDENCE_note,
                            .subject = str_of(c->subject), .body = str_of(c->words[0])};
    if (!status) {
        e = entry_encode(c->crypto, &d, octets, sizeof octets);
        if (e >= 0)
            e = evidence_log_add(l, (struct bytes){octets, (uint32_t)e});
        if (e >= 0)
            e = evidence_log_sign(l);
    }
    evidence_log_close(l);
    secret_wipe(&signer, sizeof signer);
    if (e == ERR_ORDER)
        return evidence_fail(c->dir, "the clock is behind the last entry: an entry cannot be dated before it");
    return status ? status : e < 0 ? evidence_fail(c->dir, err_text(e)) : EXIT_OK;
}

/* ---- proofs ---- */
int evidence_prove(struct evidence_command *c)
{
    char text[NOTE_MAX], out[TLOG_PROOF_MAX];
    struct checkpoint p;
    struct evidence_source source;
    struct tlog_proof proof = {0};
    struct witness_request request = {.old = c->consistency};
    uint32_t index = 0;
    if (c->has_consistency ? c->n_words != 0 : c->n_words != 1 || !args_number("prove", c->words[0], 0, UINT32_MAX, &index))
        return usage("trust evidence", "prove: say which entry, or --consistency OLD");
    if (evidence_disk(c, false) || checkpoint_read(c, text, &proof.checkpoint, &p))
        return EXIT_FAILED;
    request.checkpoint = proof.checkpoint;
    proof.index = index;
    int e = evidence_source_open(&source, c->disk, c->crypto);
    if (e == OK)
        e = c->has_consistency ? merkle_prove_consistency(&source.source, c->consistency, p.size, &request.path)
                               : merkle_prove_inclusion(&source.source, index, p.size, &proof.path);
    evidence_source_close(&source);
    if (e == ERR_RANGE)
        return evidence_fail(c->dir, "the newest checkpoint does not cover so many entries");
    if (e == OK)
        e = c->has_consistency ? witness_request_text(&request, out, sizeof out) : tlog_proof_text(&proof, out, sizeof out);
    return e < 0 ? evidence_fail(c->dir, err_text(e)) : evidence_put(c, (struct str){out, (uint32_t)e});
}

int evidence_verify_proof(struct evidence_command *c)
{
    struct note_key key;
    struct tlog_proof p;
    uint32_t n, k = 0;
    if (!c->key || !c->entry)
        return usage("trust evidence", "verify --proof: %s is missing", c->key ? "--entry FILE" : "--key KEY of the log");
    if (evidence_key(c, c->key, &key))
        return EXIT_FAILED;
    char *proof = evidence_file(c->proof, &n), *entry = proof ? evidence_file(c->entry, &k) : NULL;
    int e = proof && entry ? tlog_proof_verify(c->crypto, (struct str){proof, n}, (struct bytes){(const uint8_t *)entry, k}, &key, &p)
                           : ERR_IO;
    if (proof && entry && e == OK)
        printf("The entry is number %llu of %s.\n", (unsigned long long)p.index, key.name);
    else if (proof && entry)
        printf("NOT proved: %s\n", e == ERR_NOTFOUND ? "the checkpoint is not signed by this key"
                                   : e == ERR_MAC || e == ERR_RANGE ? "the proof is of another entry or another log" : "it is no proof");
    free(proof);
    free(entry);
    return e < 0 ? EXIT_FAILED : EXIT_OK;
}

/* ---- witness ---- */
/* The cosigned checkpoint has a file of its own: the core goes on replacing the one that it signs. */
static int witness_add(struct evidence_command *c)
{
    struct note_key key;
    char text[NOTE_MAX], old[NOTE_MAX], out[NOTE_MAX];
    struct str s, o;
    struct note now, before;
    uint32_t n;
    if (c->n_words != 1 || c->n_witness != 1)
        return usage("trust evidence", "witness --add: one answer and one --witness KEY are needed");
    if (evidence_key(c, c->witness[0], &key) || evidence_disk(c, false))
        return EXIT_FAILED;
    struct checkpoint p;
    char *answer = evidence_file(c->words[0], &n);
    if (!answer || checkpoint_read(c, text, &s, &p)) {
        free(answer);
        return EXIT_FAILED;
    }
    /* other witnesses of the same checkpoint are kept */
    if (note_file_read(c->disk, EVIDENCE_COSIGNED, old, &o) == OK && note_parse(&before, o) == OK && note_parse(&now, s) == OK &&
        str_eq(before.text, now.text))
        s = o;
    int e = witness_merge(s, (struct str){answer, n}, &key, out, sizeof out);
    if (e == ERR_MAC && note_file_read(c->disk, EVIDENCE_COSIGNED, old, &o) == OK) /* it may be of the older one */
        e = witness_merge(o, (struct str){answer, n}, &key, out, sizeof out);
    free(answer);
    if (e < 0)
        return evidence_fail(c->words[0], e == ERR_NOTFOUND ? "there is no cosignature of this witness in it"
                                          : e == ERR_MAC    ? "the cosignature is of another checkpoint; ask again for the newest"
                                                            : err_text(e));
    char path[4200];
    snprintf(path, sizeof path, "%s/" EVIDENCE_COSIGNED, c->dir);
    c->output = path;
    return evidence_put(c, (struct str){out, (uint32_t)e});
}

int evidence_witness(struct evidence_command *c)
{
    struct note_signer signer;
    struct note_key logs[ARRAY_LEN(c->log)];
    char out[WITNESS_ANSWER];
    uint32_t n;
    if (c->is_add)
        return witness_add(c);
    if (c->n_words != 1 || !c->key || !c->state || !c->n_log)
        return usage("trust evidence", "witness: a request, --key FILE, --state DIR and --log KEY are needed");
    for (uint32_t i = 0; i < c->n_log; i++)
        if (evidence_key(c, c->log[i], &logs[i]))
            return EXIT_FAILED;
    c->dir = c->state;
    char *request = evidence_file(c->words[0], &n);
    if (!request || evidence_signer(c, c->key, &signer) || evidence_disk(c, true)) {
        free(request);
        return EXIT_FAILED;
    }
    int status = EXIT_FAILED;
    if (signer.key.algorithm != NOTE_COSIGNATURE) {
        evidence_fail(c->key, "it is the key of a log; keygen --witness-key makes one for a witness");
    } else {
        struct witness w = {c->disk, c->crypto, &signer, logs, c->n_log};
        int http = witness_cosign(&w, (struct str){request, n}, (uint64_t)time(NULL), out);
        if (http == 200)
            status = evidence_put(c, str_of(out));
        else if (http == 409)
            fprintf(stderr, "redoubt trust evidence: this witness has cosigned the log at %.*s entries: prove --consistency %.*s\n",
                    (int)strcspn(out, "\n"), out, (int)strcspn(out, "\n"), out);
        else
            fprintf(stderr, "redoubt trust evidence: refused (%d): %s", http, out);
    }
    secret_wipe(&signer, sizeof signer);
    free(request);
    return status;
}
