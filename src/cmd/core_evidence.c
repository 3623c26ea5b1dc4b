/* SPDX-License-Identifier: Apache-2.0 */
/* core_evidence.c - the evidence log of a running core: a thread makes durable what functions append, so that none of
 * them waits for the disk. */
#include "cmd/core.h"
#include "os/disk.h"
#include "os/file.h"
#include "trust/evidence.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KEY_OCTETS = 4096, BUSY_MS = 20, IDLE_MS = 100, SIGN_MS = 1000 };
struct core_evidence {
    struct disk *disk;
    struct evidence_writer *writer;
    struct note_signer signer;
    uint8_t seal_key[SEAL_KEY];
    bool has_seal_key, runs;
    pthread_t thread;
    _Atomic bool ends;
    _Atomic int error; /* of the last write; 0: it succeeded */
    int error_told;
    uint64_t lost_told;
};

static int refuse(const char *option, const char *path, const char *why)
{
    fprintf(stderr, "redoubt run: trust.%s %s: %s\n", option, path, why);
    return EXIT_FAILED;
}

/* ---- the writing thread ---- */
static void *write_on(void *ctx)
{
    struct core_evidence *e = ctx;
    struct evidence_counts before = {0}, now;
    uint32_t since_sign = 0;
    while (!atomic_load(&e->ends)) {
        evidence_counts(e->writer, &now);
        uint32_t ms = now.appended != before.appended ? BUSY_MS : IDLE_MS;
        struct timespec t = {0, (long)ms * 1000000};
        before = now;
        nanosleep(&t, NULL);
        since_sign += ms;
        bool sign = since_sign >= SIGN_MS;
        atomic_store(&e->error, evidence_pump(e->writer, sign));
        since_sign = sign ? 0 : since_sign;
    }
    return NULL;
}

/* ---- keys ---- */
static int text_read(const char *option, const char *path, char memory[KEY_OCTETS + 16], struct str *text)
{
    struct arena a = arena_over(memory, KEY_OCTETS + 16);
    struct bytes b;
    int e = file_read(path, KEY_OCTETS, &a, &b);
    if (e < 0)
        return refuse(option, path, e == ERR_NOTFOUND ? "no such file" : err_text(e));
    *text = (struct str){(const char *)b.p, b.n};
    return EXIT_OK;
}
static int keys_read(struct core *c, struct core_evidence *e)
{
    const struct config_trust *o = &config_of(c)->trust;
    char memory[KEY_OCTETS + 16];
    struct str text;
    if (!o->evidence_key.n)
        return refuse("evidence_key", "", "it is missing; redoubt trust evidence keygen makes one");
    int status = text_read("evidence_key", o->evidence_key.p, memory, &text);
    if (!status && (note_signer_parse(&e->signer, c->rt.crypto, text) < 0 || e->signer.key.algorithm != NOTE_ED25519))
        status = refuse("evidence_key", o->evidence_key.p, "it is not the key of a log; redoubt trust evidence keygen makes one");
    if (!status && o->seal_key.n) {
        status = text_read("seal_key", o->seal_key.p, memory, &text);
        e->has_seal_key = !status && text.n >= 2 * SEAL_KEY && hex_get(e->seal_key, SEAL_KEY, (struct str){text.p, 2 * SEAL_KEY});
        if (!status && !e->has_seal_key)
            status = refuse("seal_key", o->seal_key.p, "it is no seal key; redoubt trust evidence keygen --seal makes one");
    }
    secret_wipe(memory, sizeof memory);
    return status;
}

/* ---- life ---- */
int core_evidence_start(struct core *c)
{
    const struct config_trust *o = &config_of(c)->trust;
    char why[EVIDENCE_WHY] = "";
    if (!o->evidence.n)
        return EXIT_OK;
    struct core_evidence *e = c->evidence = calloc(1, sizeof *e);
    if (!e)
        return refuse("evidence", o->evidence.p, "no memory");
    int status = keys_read(c, e);
    if (status)
        return status;
    int n = disk_open(&e->disk, o->evidence.p, true);
    if (n < 0)
        return refuse("evidence", o->evidence.p, n == ERR_EXISTS ? "another core or command writes there" : err_text(n));
    struct evidence_conf conf = {.disk = e->disk, .env = c->env, .crypto = c->rt.crypto, .signer = &e->signer,
                                 .seal_key = e->has_seal_key ? e->seal_key : NULL};
    n = evidence_open(&e->writer, &conf, why);
    if (n == OK)
        n = evidence_pump(e->writer, true); /* a disk that cannot be written to is told now */
    if (n < 0)
        return refuse("evidence", o->evidence.p, *why ? why : err_text(n));
    struct evidence_counts counts;
    evidence_counts(e->writer, &counts);
    LOG(&c->log, evidence_opened, "folder=%s log=%s entries=%llu", o->evidence.p, e->signer.key.name, (unsigned long long)counts.durable);
    c->rt.evidence = evidence_of(e->writer);
    if (pthread_create(&e->thread, NULL, write_on, e) != 0)
        return refuse("evidence", o->evidence.p, "no thread for it");
    e->runs = true;
    return EXIT_OK;
}

uint64_t core_evidence_cpu_us(const struct core *c)
{
    struct timespec t;
    clockid_t clock;
    if (!c->evidence || !c->evidence->runs || pthread_getcpuclockid(c->evidence->thread, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}
void core_evidence_second(struct core *c)
{
    struct core_evidence *e = c->evidence;
    struct evidence_counts counts;
    if (!e || !e->writer)
        return;
    int error = atomic_load(&e->error);
    if (error != e->error_told && error < 0)
        LOG(&c->log, evidence_failed, "error=%s", err_text(error));
    e->error_told = error;
    evidence_counts(e->writer, &counts);
    if (counts.lost > e->lost_told)
        LOG(&c->log, evidence_lost, "entries=%llu", (unsigned long long)(counts.lost - e->lost_told));
    metric_add(c->rt.metrics, METRIC_evidence_lost, counts.lost - e->lost_told);
    e->lost_told = counts.lost;
    metric_set(c->rt.metrics, METRIC_evidence_entries, (int64_t)counts.durable);
    metric_set(c->rt.metrics, METRIC_evidence_signed, (int64_t)counts.is_signed);
}

void core_evidence_stop(struct core *c)
{
    struct core_evidence *e = c->evidence;
    if (!e)
        return;
    c->rt.evidence = NULL;
    atomic_store(&e->ends, true);
    if (e->runs)
        pthread_join(e->thread, NULL);
    evidence_close(e->writer);
    disk_close(e->disk);
    secret_wipe(e, sizeof *e);
    free(e);
    c->evidence = NULL;
}
