/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "os/disk.h"
#include "sim/disk_memory.h"
#include "trust/evidence.h"
#include "trust/evidence_verify.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static struct crypto *c;
static struct note_signer signer, witness;
static const uint8_t seal[SEAL_KEY] = {1, 2, 3};

/* A world with nothing but a clock. */
struct clock_env {
    struct env env;
    uint64_t unix_us;
    uint8_t random;
};
static uint64_t clock_unix(struct env *e) { return ((struct clock_env *)e)->unix_us; }
static void clock_random(struct env *e, void *p, size_t n) { memset(p, ++((struct clock_env *)e)->random, n); }
static const struct env_ops clock_ops = {.now_us = clock_unix, .unix_us = clock_unix, .random = clock_random};
static struct clock_env clock_at(uint64_t s) { return (struct clock_env){.env = {&clock_ops}, .unix_us = s * 1000000}; }
enum { T0 = 1795574765 };

static struct evidence_result result;
static uint32_t verify_held(struct disk *d, const struct str *held, uint32_t n)
{
    static const char *const names[] = {"held-0", "held-1", "held-2", "held-3"};
    struct evidence_expect expect = {
        .key = &signer.key, .witness = &witness.key, .n_witnesses = 1, .held = held, .held_name = names, .n_held = n};
    assert_int_equal(evidence_verify(d, c, &expect, &result), OK);
    return result.n_problems;
}
static uint32_t verify(struct disk *d) { return verify_held(d, NULL, 0); }

static struct evidence_writer *open_on(struct disk *d, struct clock_env *env)
{
    struct evidence_conf conf = {.disk = d, .env = &env->env, .crypto = c, .signer = &signer, .seal_key = seal};
    struct evidence_writer *w;
    char why[EVIDENCE_WHY];
    int e = evidence_open(&w, &conf, why);
    if (e < 0)
        print_message("%s\n", why);
    assert_int_equal(e, OK);
    return w;
}
static void add(struct evidence_writer *w, struct clock_env *env, uint32_t n)
{
    char body[64];
    for (uint32_t i = 0; i < n; i++) {
        env->unix_us += 1000;
        int k = snprintf(body, sizeof body, "{\"decision\":\"deny\",\"n\":%u}", i);
        assert_int_equal(evidence_append(evidence_of(w), EVIDENCE_decision, STR("gnb 001-01-000001"), (struct str){body, (uint32_t)k}), OK);
    }
}
/* A log of n entries (the first is `start`), signed after each of two halves; the first checkpoint goes to held. */
static struct disk *log_of(uint32_t n, char held[NOTE_MAX], struct str *held_text)
{
    struct disk *d = disk_memory_new(1);
    struct clock_env env = clock_at(T0);
    struct evidence_writer *w = open_on(d, &env);
    add(w, &env, n / 2 - 1);
    assert_int_equal(evidence_pump(w, true), OK);
    if (held)
        assert_int_equal(note_file_read(d, EVIDENCE_CHECKPOINT, held, held_text), OK);
    add(w, &env, n - n / 2);
    evidence_close(w);
    return d;
}

/* ---- entries ---- */
static void entry_round_trip(void **state)
{
    static const uint8_t octets[] = {0x00, 0x15, 0xff};
    const struct evidence_message m[] = {{"N2", false, true, BYTES_OF(octets)}, {"N1", true, false, BYTES_OF(octets)}};
    struct entry_draft draft = {.at_us = 1795574765123456u, .kind = EVIDENCE_finding, .subject = STR("gnb 1"), .body = STR("{}\nmore"),
                                .message = m, .n_messages = 2, .seal_key = seal, .nonce = {{0}, {5}}};
    uint8_t buf[4096], key[32], open[3];
    struct evidence_entry e;
    int n = entry_encode(c, &draft, buf, sizeof buf);
    assert_true(n > 0);
    assert_memory_equal(buf, "redoubt-evidence/v1\ntime 2026-11-25T02:46:05.123456Z\nkind finding\nsubject gnb 1\n"
                             "message N2 received clear 0015ff\nmessage N1 sent sealed 05000000", 100);
    assert_int_equal(entry_decode((struct bytes){buf, (uint32_t)n}, &e), OK);
    assert_int_equal(e.at_us, draft.at_us);
    assert_int_equal(e.kind, EVIDENCE_finding);
    assert_true(str_is(e.subject, "gnb 1"));
    assert_true(str_is(e.body, "{}\nmore"));
    assert_int_equal(e.n_messages, 2);
    assert_true(str_is(e.message[0].octets, "0015ff") && !e.message[0].is_sealed && !e.message[0].is_sent);
    assert_true(e.message[1].is_sealed && e.message[1].is_sent);
    assert_false(str_is(e.message[1].octets, "0015ff"));
    assert_int_equal(message_key(c, seal, e.message[1].nonce, key), OK);
    assert_int_equal(message_open(c, &e.message[1], key, open), OK);
    assert_memory_equal(open, octets, 3);
    key[0] ^= 1; /* another key opens nothing */
    assert_int_equal(message_open(c, &e.message[1], key, open), ERR_MAC);
    draft.seal_key = NULL; /* nobody could open it: only that it was there is told */
    n = entry_encode(c, &draft, buf, sizeof buf);
    assert_int_equal(entry_decode((struct bytes){buf, (uint32_t)n}, &e), OK);
    assert_non_null(memmem(buf, (size_t)n, "message N1 sent withheld 3\n", 27));
}

static void entry_text_of_strangers(void **state)
{
    struct entry_draft d = {.at_us = 1, .kind = EVIDENCE_note, .subject = STR("a\nkind start\x1b[2J\xe2\x80\xae\xc2\x9b\xff"),
                            .body = STR("x\ny\r\xf0\x9f\x98\x80\xed\xa0\x80")};
    uint8_t buf[1024];
    struct evidence_entry e;
    int n = entry_encode(c, &d, buf, sizeof buf);
    assert_int_equal(entry_decode((struct bytes){buf, (uint32_t)n}, &e), OK);
    assert_true(str_is(e.subject, "a?kind start?[2J??????"));
    assert_true(str_is(e.body, "x\ny?\xf0\x9f\x98\x80???"));
    d.subject = (struct str){NULL, 0};
    char longer[600];
    memset(longer, 'x', sizeof longer);
    n = entry_encode(c, &d, buf, sizeof buf);
    assert_int_equal(entry_decode((struct bytes){buf, (uint32_t)n}, &e), OK);
    assert_true(str_is(e.subject, "-"));
    d.subject = (struct str){longer, sizeof longer};
    n = entry_encode(c, &d, buf, sizeof buf);
    assert_int_equal(entry_decode((struct bytes){buf, (uint32_t)n}, &e), OK);
    assert_int_equal(e.subject.n, EVIDENCE_SUBJECT_MAX);
    assert_int_equal(entry_encode(c, &d, buf, 64), ERR_NOSPACE);
    d.n_messages = EVIDENCE_MESSAGES_MAX + 1;
    assert_int_equal(entry_encode(c, &d, buf, sizeof buf), ERR_RANGE);
}

static void entry_refusals(void **state)
{
#define H "redoubt-evidence/v1\n"
#define T "time 2026-11-25T02:46:05.123456Z\n"
    static const char *const bad[] = {
        "", H, H T, H T "kind note\n", H T "kind note\nsubject a\n", H T "kind nothing\nsubject a\n\n", H T "kind note\nsubject \n\n",
        H T "kind note\nsubject a\x1b\n\n", H T "kind note\nsubject a\n\nb\x07", H T "kind note\nsubject a\nmessage\n\n",
        H T "kind note\nsubject a\nmessage N2 received clear 0\n\n", H T "kind note\nsubject a\nmessage N2 received clear 0A\n\n",
        H T "kind note\nsubject a\nmessage N2 seen clear 00\n\n", H T "kind note\nsubject a\nmessage N2 sent withheld 01\n\n",
        H T "kind note\nsubject a\nmessage N2 sent sealed 00 00 00\n\n", H T "kind note\nsubject a\nmessage  sent clear 00\n\n",
        H "time 2026-02-29T02:46:05.123456Z\nkind note\nsubject a\n\n", H "time 2026-11-25T24:46:05.123456Z\nkind note\nsubject a\n\n",
        H "time 2026-11-25T02:46:05.123456 \nkind note\nsubject a\n\n", "redoubt-evidence/v2\n" T "kind note\nsubject a\n\n",
        H T "kind note\nsubject a\nmessage N2 received clear 00\n",
    };
    struct evidence_entry e;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (entry_decode((struct bytes){(const uint8_t *)bad[i], (uint32_t)strlen(bad[i])}, &e) >= 0)
            fail_msg("taken: %s", bad[i]);
    static const char good[] = H T "kind note\nsubject a\n\n";
    assert_int_equal(entry_decode((struct bytes){(const uint8_t *)good, sizeof good - 1}, &e), OK);
    static const uint64_t times[] = {0, 951782400000000u, 951868799999999u, 4107542400000000u, 253402300799999999u};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        char text[UTC_TEXT];
        uint64_t back;
        utc_text(times[i], text);
        assert_true(utc_get(str_of(text), &back));
        assert_int_equal(back, times[i]);
    }
}

/* ---- the log ---- */
static void a_log_verifies(void **state)
{
    struct disk *d = log_of(20, NULL, NULL);
    assert_int_equal(verify(d), 0);
    assert_int_equal(result.entries, 20);
    assert_int_equal(result.is_signed, 20);
    assert_int_equal(result.by_kind[EVIDENCE_start], 1);
    assert_int_equal(result.by_kind[EVIDENCE_decision], 19);
    assert_int_equal(result.first_us, T0 * 1000000ull);
    struct clock_env env = clock_at(T0 + 100);
    struct evidence_writer *w = open_on(d, &env); /* goes on where it was */
    add(w, &env, 3);
    evidence_close(w);
    assert_int_equal(verify(d), 0);
    assert_int_equal(result.entries, 24);
    disk_memory_free(d);
}

/* Each octet of each file, in each bit. */
static void every_mutation_is_detected(void **state)
{
    char held[NOTE_MAX];
    struct str text;
    struct disk *d = log_of(8, held, &text);
    static const char *const files[] = {"entries-00000000", EVIDENCE_CHECKPOINT};
    uint32_t n, tried = 0;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        uint8_t *p = disk_memory_octets(d, files[f], &n);
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t bit = 1; bit < 256; bit <<= 1, tried++) {
                p[i] = (uint8_t)(p[i] ^ bit);
                if (!verify(d))
                    fail_msg("%s, octet %u, bit %u: not detected", files[f], i, bit);
                p[i] = (uint8_t)(p[i] ^ bit);
            }
    }
    assert_true(tried > 5000);
    assert_int_equal(verify_held(d, &text, 1), 0);
    disk_memory_free(d);
}

static void any_truncation_is_detected(void **state)
{
    struct disk *d = log_of(8, NULL, NULL);
    uint32_t n;
    disk_memory_octets(d, "entries-00000000", &n);
    for (uint32_t keep = 0; keep < n; keep++) {
        struct disk *copy = disk_memory_copy(d);
        disk_truncate(copy, "entries-00000000", keep);
        assert_true(verify(copy) > 0);
        disk_memory_free(copy);
    }
    disk_append(d, "entries-00000000", (struct bytes){(const uint8_t *)"x", 1});
    assert_int_equal(verify(d), 0); /* a torn write beyond what is signed is told, and no problem */
    assert_int_equal(result.unsigned_torn, 1);
    disk_append(d, "entries-00000002", (struct bytes){(const uint8_t *)"x", 1});
    assert_int_equal(verify(d), 1);
    disk_memory_free(d);
}

/* What the key's holder itself can do: write another history and sign that. Only who holds a checkpoint sees it. */
static struct disk *forge(struct disk *d, uint32_t drop, uint32_t swap, bool back_date)
{
    struct disk *f = disk_memory_new(9);
    struct record_reader r;
    struct bytes entry[64];
    struct merkle_hash leaf;
    struct evidence_log *l;
    static uint8_t octets[64][512];
    char why[EVIDENCE_WHY];
    uint32_t n = 0;
    assert_int_equal(record_reader_open(&r, d, c, 0), OK);
    for (; record_next(&r, &entry[n], &leaf) > 0; n++) {
        memcpy(octets[n], entry[n].p, entry[n].n);
        entry[n].p = octets[n];
    }
    record_reader_close(&r);
    assert_int_equal(evidence_log_open(&l, f, c, &signer, why), OK);
    for (uint32_t i = 0; i < n; i++) {
        struct bytes e = entry[swap && i == swap ? swap + 1 : swap && i == swap + 1 ? swap : i];
        l->last_us = 0; /* the forger's program does not mind */
        if (i != drop)
            assert_int_equal(evidence_log_add(l, e), OK);
    }
    if (back_date) {
        struct entry_draft d2 = {.at_us = l->last_us + 1, .kind = EVIDENCE_finding, .subject = STR("planted")};
        int k = entry_encode(c, &d2, octets[0], sizeof octets[0]);
        assert_int_equal(evidence_log_add(l, (struct bytes){octets[0], (uint32_t)k}), OK);
    }
    assert_int_equal(evidence_log_sign(l), OK);
    evidence_log_close(l);
    return f;
}

static void another_history_is_detected_by_a_checkpoint(void **state)
{
    char held[NOTE_MAX];
    struct str text;
    struct disk *d = log_of(20, held, &text), *f;
    assert_int_equal(verify_held(d, &text, 1), 0);
    f = forge(d, 3, 0, false); /* an entry less: sound in itself, and not what was promised */
    assert_int_equal(verify(f), 0);
    assert_int_equal(verify_held(f, &text, 1), 1);
    disk_memory_free(f);
    f = forge(d, UINT32_MAX, 4, false); /* two change places */
    assert_true(verify_held(f, &text, 1) > 0);
    disk_memory_free(f);
    f = disk_memory_new(3); /* cut back to before the checkpoint */
    struct clock_env env = clock_at(T0);
    struct evidence_writer *w = open_on(f, &env);
    evidence_close(w);
    assert_int_equal(verify(f), 0);
    assert_int_equal(verify_held(f, &text, 1), 1);
    assert_non_null(strstr(result.problem[0].text, "removed"));
    disk_memory_free(f);
    text.n -= 10; /* what is held was damaged itself */
    assert_int_equal(verify_held(d, &text, 1), 1);
    disk_memory_free(d);
}

static uint32_t cosign(char *note, uint32_t n, uint64_t at_s)
{
    struct note parsed;
    assert_int_equal(note_parse(&parsed, (struct str){note, n}), OK);
    int k = note_sign(&witness, parsed.text, at_s, note + n, NOTE_MAX - n);
    assert_true(k > 0);
    return n + (uint32_t)k;
}

static void back_dating_is_detected_by_a_witness(void **state)
{
    char held[NOTE_MAX];
    struct str text;
    struct disk *d = log_of(20, held, &text);
    text.n = cosign(held, text.n, T0 + 3600); /* an hour after its entries */
    assert_int_equal(verify_held(d, &text, 1), 10); /* ten came afterwards and say that they are older */
    assert_non_null(strstr(result.problem[0].text, "back-dated"));
    assert_int_equal(result.problem[0].index, 10);
    disk_memory_free(d);
    d = log_of(20, held, &text);
    text.n = cosign(held, text.n, T0 - 3600); /* before its entries */
    assert_int_equal(verify_held(d, &text, 1), 1);
    assert_non_null(strstr(result.problem[0].text, "after a witness saw it"));
    disk_memory_free(d);
    d = log_of(20, held, &text);
    struct disk *f = forge(d, UINT32_MAX, 0, true); /* monotone, and signed in one go: fine in itself */
    assert_int_equal(verify(f), 0);
    disk_memory_free(f);
    f = forge(d, UINT32_MAX, 12, false); /* dates that go back are seen without any checkpoint */
    assert_int_equal(verify(f), 1);
    assert_non_null(strstr(result.problem[0].text, "dated before"));
    disk_memory_free(f);
    disk_memory_free(d);
}

static void order_is_refused(void **state)
{
    struct disk *d = disk_memory_new(1);
    struct evidence_log *l;
    char why[EVIDENCE_WHY];
    uint8_t buf[256];
    assert_int_equal(evidence_log_open(&l, d, c, &signer, why), OK);
    struct entry_draft e = {.at_us = 1000, .kind = EVIDENCE_note, .subject = STR("x")};
    uint32_t n = (uint32_t)entry_encode(c, &e, buf, sizeof buf);
    assert_int_equal(evidence_log_add(l, (struct bytes){buf, n}), OK);
    assert_int_equal(evidence_log_add(l, (struct bytes){buf, n}), OK);
    e.at_us = 999;
    n = (uint32_t)entry_encode(c, &e, buf, sizeof buf);
    assert_int_equal(evidence_log_add(l, (struct bytes){buf, n}), ERR_ORDER);
    assert_int_equal(evidence_log_add(l, (struct bytes){buf, 20}), ERR_SYNTAX);
    evidence_log_close(l);
    disk_memory_free(d);
}

/* The clock steps back an hour: entries keep the later time, one of them says so, the log verifies. */
static void clock_steps(void **state)
{
    struct disk *d = disk_memory_new(1);
    struct clock_env env = clock_at(T0);
    struct evidence_writer *w = open_on(d, &env);
    add(w, &env, 2);
    env.unix_us -= 3600000000u;
    add(w, &env, 3);
    env.unix_us += 3700000000u;
    add(w, &env, 1);
    evidence_close(w);
    env.unix_us -= 100000000; /* and after a start as well */
    w = open_on(d, &env);
    evidence_close(w);
    assert_int_equal(verify(d), 0);
    assert_int_equal(result.by_kind[EVIDENCE_clock], 2);
    assert_int_equal(result.entries, 1 + 6 + 1 + 2);
    disk_memory_free(d);
}

static void full_queue(void **state)
{
    struct disk *d = disk_memory_new(1);
    struct clock_env env = clock_at(T0);
    struct evidence_writer *w = open_on(d, &env);
    static char body[60000], too_long[70000];
    struct evidence_counts counts;
    memset(body, 'x', sizeof body);
    memset(too_long, 'x', sizeof too_long);
    uint32_t lost = 0;
    for (uint32_t i = 0; i < 100; i++)
        lost += evidence_append(evidence_of(w), EVIDENCE_note, STR("s"), (struct str){body, sizeof body}) == ERR_FULL;
    assert_true(lost > 20 && lost < 40);
    assert_int_equal(evidence_pump(w, false), OK);
    assert_int_equal(evidence_append(evidence_of(w), EVIDENCE_note, STR("s"), STR("again")), OK);
    assert_int_equal(evidence_append(evidence_of(w), EVIDENCE_note, STR("s"), (struct str){too_long, sizeof too_long}), ERR_NOSPACE);
    evidence_counts(w, &counts);
    assert_int_equal(counts.lost, lost);
    assert_int_equal(counts.refused, 1);
    evidence_close(w);
    assert_int_equal(verify(d), 0);
    assert_int_equal(result.by_kind[EVIDENCE_lost], 1);
    assert_int_equal(evidence_append(NULL, EVIDENCE_note, STR("s"), STR("b")), OK); /* no log */
    disk_memory_free(d);
}

/* One thread appends as fast as it can, another writes: all that was taken is there, in order. */
struct pump {
    struct evidence_writer *w;
    _Atomic bool ends;
};
static void *pump_on(void *ctx)
{
    struct pump *p = ctx;
    while (!atomic_load(&p->ends))
        evidence_pump(p->w, false);
    return NULL;
}
static void two_threads(void **state)
{
    enum { N = 20000 };
    struct disk *d = disk_memory_new(1);
    struct clock_env env = clock_at(T0);
    struct pump p = {.w = open_on(d, &env)};
    pthread_t thread;
    uint32_t taken = 0, gaps = 0;
    assert_int_equal(pthread_create(&thread, NULL, pump_on, &p), 0);
    for (uint32_t i = 0; i < N; i++) {
        env.unix_us++;
        taken += evidence_append(evidence_of(p.w), EVIDENCE_note, STR("s"), STR("b")) == OK;
    }
    atomic_store(&p.ends, true);
    pthread_join(thread, NULL);
    evidence_close(p.w);
    assert_int_equal(verify(d), 0);
    gaps = (uint32_t)result.by_kind[EVIDENCE_lost];
    assert_int_equal(result.by_kind[EVIDENCE_note], taken);
    assert_int_equal(result.entries, taken + gaps + 1);
    disk_memory_free(d);
}

/* ---- a crash at every write ---- */
/* Three signed groups with an unsigned one between; returns what was acknowledged. */
static void life(struct disk *d, uint64_t *durable, uint64_t *is_signed)
{
    struct clock_env env = clock_at(T0);
    struct evidence_conf conf = {.disk = d, .env = &env.env, .crypto = c, .signer = &signer};
    struct evidence_writer *w;
    char why[EVIDENCE_WHY];
    struct evidence_counts counts = {0};
    *durable = *is_signed = 0;
    if (evidence_open(&w, &conf, why) < 0)
        return;
    for (uint32_t i = 0; i < 6; i++) {
        add(w, &env, 5);
        evidence_pump(w, i % 2 == 1);
        evidence_counts(w, &counts);
        *durable = counts.durable;
        *is_signed = counts.is_signed;
    }
    evidence_close(w);
}

static void crash_at_every_write(void **state)
{
    struct disk *d = disk_memory_new(1);
    uint64_t durable, is_signed;
    life(d, &durable, &is_signed);
    uint64_t writes = disk_memory_writes(d);
    assert_int_equal(verify(d), 0);
    disk_memory_free(d);
    assert_true(writes > 12);
    for (uint64_t at = 1; at <= writes; at++)
        for (uint64_t seed = 0; seed < 60; seed++) {
            char held[NOTE_MAX];
            struct str text;
            d = disk_memory_new(seed);
            disk_memory_die(d, at);
            life(d, &durable, &is_signed);
            disk_memory_crash(d);
            bool has = note_file_read(d, EVIDENCE_CHECKPOINT, held, &text) == OK; /* somebody may hold it by now */
            if (has)
                assert_int_equal(verify_held(d, &text, 1), 0);
            if (has && result.is_signed < is_signed)
                fail_msg("crash %u, seed %u: a checkpoint that was told is gone", (unsigned)at, (unsigned)seed);
            struct clock_env env = clock_at(T0 + 10);
            struct evidence_writer *w = open_on(d, &env); /* must open, cut off what is torn, and go on */
            add(w, &env, 2);
            evidence_close(w);
            assert_int_equal(verify_held(d, &text, has ? 1 : 0), 0);
            assert_int_equal(result.unsigned_torn, 0);
            if (result.entries < durable + 3)
                fail_msg("crash %u, seed %u: %u entries were durable, %u are there", (unsigned)at, (unsigned)seed, (unsigned)durable,
                         (unsigned)result.entries);
            disk_memory_free(d);
        }
}

/* Errors that pass: nothing is lost, nothing is there twice. */
static void failing_writes(void **state)
{
    static const int errors[] = {ERR_IO, ERR_NOSPACE};
    for (uint64_t seed = 0; seed < 40; seed++)
        for (uint32_t fails = 1; fails < 4; fails++) {
            struct disk *d = disk_memory_new(seed);
            struct clock_env env = clock_at(T0);
            struct evidence_writer *w = open_on(d, &env);
            add(w, &env, 3);
            evidence_pump(w, true);
            add(w, &env, 4);
            disk_memory_fail(d, fails, errors[seed % 2]);
            for (uint32_t i = 0; i < 6 && evidence_pump(w, i % 2) < 0; i++)
                add(w, &env, 1);
            add(w, &env, 1);
            evidence_close(w);
            assert_int_equal(verify(d), 0);
            assert_int_equal(result.is_signed, result.entries);
            assert_true(result.entries >= 9);
            disk_memory_free(d);
        }
}

/* ---- what is not a crash is not mended ---- */
static void tampered_logs_do_not_open(void **state)
{
    char why[EVIDENCE_WHY];
    struct evidence_log *l;
    uint32_t n;
    struct disk *d = log_of(8, NULL, NULL);
    uint8_t *p = disk_memory_octets(d, "entries-00000000", &n);
    p[60] ^= 1;
    assert_int_equal(evidence_log_open(&l, d, c, &signer, why), ERR_STORE);
    assert_non_null(strstr(why, "verify"));
    p[60] ^= 1;
    struct note_signer other;
    note_signer_init(&other, c, STR("other.example"), NOTE_ED25519, (const uint8_t[32]){3});
    assert_int_equal(evidence_log_open(&l, d, c, &other, why), ERR_STORE);
    assert_non_null(strstr(why, "not signed by this key"));
    disk_truncate(d, "entries-00000000", n - 1);
    uint64_t writes = disk_memory_writes(d);
    assert_int_equal(evidence_log_open(&l, d, c, &signer, why), ERR_STORE);
    assert_int_equal(disk_memory_writes(d), writes);
    disk_memory_free(d);
}

/* ---- more than one file, proofs, and a real disk ---- */
static void files_and_proofs(void **state)
{
    enum { N = 2 * SEGMENT_ENTRIES + 100 };
    char path[] = "/tmp/evidence_testXXXXXX", why[EVIDENCE_WHY];
    struct disk *d;
    struct evidence_log *l;
    uint8_t buf[512], found[EVIDENCE_ENTRY_MAX];
    assert_non_null(mkdtemp(path));
    assert_int_equal(disk_open(&d, path, true), OK);
    struct disk *second;
    assert_int_equal(disk_open(&second, path, true), ERR_EXISTS); /* one writer */
    assert_int_equal(evidence_log_open(&l, d, c, &signer, why), OK);
    struct merkle_hash early_root = {0};
    for (uint32_t i = 0; i < N; i++) {
        struct entry_draft e = {.at_us = T0 * 1000000ull + i, .kind = EVIDENCE_decision, .subject = STR("x"), .body = STR("{}")};
        int n = entry_encode(c, &e, buf, sizeof buf);
        assert_int_equal(evidence_log_add(l, (struct bytes){buf, (uint32_t)n}), OK);
        if (i == 70000)
            merkle_root(c, &l->tree, &early_root);
    }
    assert_int_equal(evidence_log_sign(l), OK);
    evidence_log_close(l);
    assert_int_equal(evidence_log_open(&l, d, c, &signer, why), OK); /* from roots and one file */
    assert_int_equal(l->tree.size, N);
    assert_int_equal(l->last_us, T0 * 1000000ull + N - 1);
    struct merkle_hash root = l->signed_root;
    evidence_log_close(l);
    struct evidence_source s;
    struct merkle_proof p;
    struct merkle_hash leaf;
    struct bytes entry;
    assert_int_equal(evidence_source_open(&s, d, c), OK);
    static const uint64_t indexes[] = {0, 1, 65535, 65536, 131071, 131072, N - 1};
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++) {
        assert_int_equal(evidence_entry_read(d, c, indexes[i], found, &entry, &leaf), OK);
        assert_int_equal(merkle_prove_inclusion(&s.source, indexes[i], N, &p), OK);
        assert_int_equal(merkle_verify_inclusion(c, indexes[i], N, &leaf, &p, &root), OK);
    }
    assert_int_equal(evidence_entry_read(d, c, N, found, &entry, &leaf), ERR_NOTFOUND);
    assert_int_equal(merkle_prove_consistency(&s.source, 70001, N, &p), OK);
    assert_int_equal(merkle_verify_consistency(c, 70001, N, &early_root, &root, &p), OK);
    evidence_source_close(&s);
    assert_int_equal(verify(d), 0);
    assert_int_equal(result.entries, N);
    /* the file of roots is wrong, then missing: the log opens by its entries; verify tells of the first */
    struct merkle_hash zero = {0};
    disk_truncate(d, EVIDENCE_ROOTS, MERKLE_HASH);
    disk_append(d, EVIDENCE_ROOTS, BYTES_OF(zero.b));
    assert_int_equal(verify(d), 1);
    assert_int_equal(evidence_log_open(&l, d, c, &signer, why), OK);
    evidence_log_close(l);
    disk_close(d);
    assert_int_equal(disk_open(&d, path, false), OK);
    assert_int_equal(disk_append(d, "x", (struct bytes){NULL, 0}), ERR_NOTFOUND); /* a reader makes nothing */
    assert_int_equal(disk_size(d, "../x"), ERR_RANGE);
    disk_close(d);
    char rm[64];
    static const char *const files[] = {"entries-00000000", "entries-00000001", "entries-00000002", "roots", "checkpoint", "lock"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(rm, sizeof rm, "%s/%s", path, files[i]);
        assert_int_equal(unlink(rm), 0);
    }
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    if (crypto_init(&c) < 0 || note_signer_init(&signer, c, STR("evidence.example/core"), NOTE_ED25519, (const uint8_t[32]){1}) < 0 ||
        note_signer_init(&witness, c, STR("witness.example/w"), NOTE_COSIGNATURE, (const uint8_t[32]){2}) < 0)
        return 1;
    int failed = RUN(unit(entry_round_trip), unit(entry_text_of_strangers), unit(entry_refusals), unit(a_log_verifies),
                     unit(every_mutation_is_detected), unit(any_truncation_is_detected),
                     unit(another_history_is_detected_by_a_checkpoint), unit(back_dating_is_detected_by_a_witness),
                     unit(order_is_refused), unit(clock_steps), unit(full_queue), unit(two_threads), unit(crash_at_every_write), unit(failing_writes),
                     unit(tampered_logs_do_not_open), unit(files_and_proofs));
    crypto_free(c);
    return failed;
}
