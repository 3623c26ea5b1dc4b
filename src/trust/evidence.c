/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/evidence.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUEUE_OCTETS = 1 << 22, STEP_US = 1000000 }; /* STEP: a clock may go back so far without being told of */

/* A queue of entries between one appending and one writing thread: lengths and octets, around and around. */
struct queue {
    uint8_t *p;
    uint32_t cap; /* a power of two */
    _Atomic uint64_t head; /* read so far */
    uint8_t apart[56];
    _Atomic uint64_t tail; /* written so far */
};
struct evidence_writer {
    struct evidence base;
    struct evidence_conf conf;
    /* of the appending thread */
    uint64_t last_us, lost_told;
    bool is_back; /* the clock is behind the last entry, and an entry says so */
    uint8_t draft[EVIDENCE_ENTRY_MAX];
    _Atomic uint64_t appended, lost, refused;
    struct queue queue;
    /* of the writing thread */
    struct crypto *crypto;
    struct evidence_log *log;
    _Atomic uint64_t durable, is_signed;
    uint8_t taken[EVIDENCE_ENTRY_MAX];
};

/* ---- queue ---- */
static void copy_in(struct queue *q, uint64_t at, const void *from, uint32_t n)
{
    uint32_t i = (uint32_t)(at & (q->cap - 1)), first = n < q->cap - i ? n : q->cap - i;
    memcpy(q->p + i, from, first);
    memcpy(q->p, (const uint8_t *)from + first, n - first);
}
static void copy_out(const struct queue *q, uint64_t at, void *to, uint32_t n)
{
    uint32_t i = (uint32_t)(at & (q->cap - 1)), first = n < q->cap - i ? n : q->cap - i;
    memcpy(to, q->p + i, first);
    memcpy((uint8_t *)to + first, q->p, n - first);
}
static uint64_t queue_used(const struct queue *q)
{
    return atomic_load_explicit(&q->tail, memory_order_relaxed) - atomic_load_explicit(&q->head, memory_order_acquire);
}
static bool queue_push(struct queue *q, const uint8_t *p, uint32_t n)
{
    uint64_t t = atomic_load_explicit(&q->tail, memory_order_relaxed);
    if (queue_used(q) + n + 4 > q->cap)
        return false;
    uint8_t head[4];
    put_be32(head, n);
    copy_in(q, t, head, 4);
    copy_in(q, t + 4, p, n);
    atomic_store_explicit(&q->tail, t + 4 + n, memory_order_release);
    return true;
}
/* The entry at the front, which stays there until queue_drop(). 0: none. */
static uint32_t queue_front(const struct queue *q, uint8_t out[EVIDENCE_ENTRY_MAX])
{
    uint64_t h = atomic_load_explicit(&q->head, memory_order_relaxed);
    uint8_t head[4];
    if (h == atomic_load_explicit(&q->tail, memory_order_acquire))
        return 0;
    copy_out(q, h, head, 4);
    copy_out(q, h + 4, out, be32(head));
    return be32(head);
}
static void queue_drop(struct queue *q, uint32_t n)
{
    atomic_store_explicit(&q->head, atomic_load_explicit(&q->head, memory_order_relaxed) + 4 + n, memory_order_release);
}

/* ---- the appending thread ---- */
static int put(struct evidence_writer *w, struct entry_draft *d)
{
    d->at_us = w->last_us;
    d->seal_key = w->conf.seal_key;
    for (uint32_t i = 0; i < d->n_messages && i < EVIDENCE_MESSAGES_MAX; i++)
        if (!d->message[i].is_clear && d->seal_key)
            env_random(w->conf.env, d->nonce[i], SEAL_NONCE);
    int n = entry_encode(w->conf.crypto, d, w->draft, sizeof w->draft);
    if (n < 0) {
        atomic_fetch_add_explicit(&w->refused, 1, memory_order_relaxed);
        return n;
    }
    if (!queue_push(&w->queue, w->draft, (uint32_t)n))
        return ERR_FULL;
    atomic_fetch_add_explicit(&w->appended, 1, memory_order_relaxed);
    return OK;
}

static int put_number(struct evidence_writer *w, enum evidence_kind k, const char *name, uint64_t v)
{
    char body[64];
    int n = snprintf(body, sizeof body, "{\"%s\":%llu}", name, (unsigned long long)v);
    return put(w, &(struct entry_draft){.kind = k, .subject = STR("log"), .body = {body, (uint32_t)n}});
}

/* Entries are never dated before one another, whatever the clock does. */
static void take_time(struct evidence_writer *w)
{
    uint64_t now = env_unix_us(w->conf.env);
    if (now >= w->last_us) {
        w->last_us = now;
        w->is_back = false;
    } else if (!w->is_back && w->last_us - now > STEP_US) {
        w->is_back = put_number(w, EVIDENCE_clock, "behind_us", w->last_us - now) == OK;
    }
}

static int append(struct evidence *e, enum evidence_kind k, struct str subject, struct str body, const struct evidence_message *m,
                  uint32_t n)
{
    struct evidence_writer *w = (struct evidence_writer *)e;
    uint64_t lost = atomic_load_explicit(&w->lost, memory_order_relaxed);
    take_time(w);
    int result = OK;
    if (lost > w->lost_told) { /* one gap, told once: nothing more until half of the queue is free again */
        result = queue_used(&w->queue) > w->queue.cap / 2 ? ERR_FULL : put_number(w, EVIDENCE_lost, "entries", lost - w->lost_told);
        if (result == OK)
            w->lost_told = lost;
    }
    if (result == OK)
        result = put(w, &(struct entry_draft){.kind = k, .subject = subject, .body = body, .message = m, .n_messages = n});
    if (result == ERR_FULL)
        atomic_fetch_add_explicit(&w->lost, 1, memory_order_relaxed);
    return result;
}

/* ---- the writing thread ---- */
int evidence_pump(struct evidence_writer *w, bool sign)
{
    uint32_t n;
    int e = OK;
    while (e == OK && (n = queue_front(&w->queue, w->taken)) > 0) {
        e = evidence_log_add(w->log, (struct bytes){w->taken, n});
        if (e == OK)
            queue_drop(&w->queue, n);
    }
    if (e == OK)
        e = sign ? evidence_log_sign(w->log) : evidence_log_commit(w->log);
    atomic_store_explicit(&w->durable, w->log->durable, memory_order_relaxed);
    atomic_store_explicit(&w->is_signed, w->log->is_signed, memory_order_relaxed);
    return e;
}

/* ---- life ---- */
int evidence_open(struct evidence_writer **out, const struct evidence_conf *conf, char why[EVIDENCE_WHY])
{
    struct evidence_writer *w = calloc(1, sizeof *w);
    uint32_t cap = 1 << 18;
    *out = NULL;
    *why = 0;
    if (!w)
        return ERR_NOSPACE;
    w->base.append = append;
    w->conf = *conf;
    while (cap < (conf->queue_octets ? conf->queue_octets : QUEUE_OCTETS) && cap < 1u << 30)
        cap <<= 1;
    w->queue.cap = cap;
    w->queue.p = malloc(cap);
    int e = w->queue.p ? crypto_init(&w->crypto) : ERR_NOSPACE;
    if (e == OK)
        e = evidence_log_open(&w->log, conf->disk, w->crypto, conf->signer, why);
    if (e == OK) {
        w->last_us = w->log->last_us;
        e = append(&w->base, EVIDENCE_start, str_of(conf->signer->key.name), STR("{}"), NULL, 0);
    }
    if (e < 0) {
        if (!*why)
            snprintf(why, EVIDENCE_WHY, "%s", err_text(e));
        evidence_log_close(w->log);
        crypto_free(w->crypto);
        free(w->queue.p);
        free(w);
        return e;
    }
    *out = w;
    return OK;
}

struct evidence *evidence_of(struct evidence_writer *w) { return &w->base; }

void evidence_counts(const struct evidence_writer *w, struct evidence_counts *c)
{
    *c = (struct evidence_counts){
        .appended = atomic_load_explicit(&w->appended, memory_order_relaxed),
        .lost = atomic_load_explicit(&w->lost, memory_order_relaxed),
        .refused = atomic_load_explicit(&w->refused, memory_order_relaxed),
        .durable = atomic_load_explicit(&w->durable, memory_order_relaxed),
        .is_signed = atomic_load_explicit(&w->is_signed, memory_order_relaxed),
    };
}

void evidence_close(struct evidence_writer *w)
{
    if (!w)
        return;
    evidence_pump(w, true);
    evidence_log_close(w->log);
    crypto_free(w->crypto);
    secret_wipe(w->draft, sizeof w->draft);
    free(w->queue.p);
    free(w);
}
