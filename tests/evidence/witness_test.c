/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "sim/disk_memory.h"
#include "trust/evidence_verify.h"
#include "trust/witness.h"

static struct crypto *c;
static struct note_signer log_key, other_log, witness_key;
static struct disk *d, *state;
static struct evidence_log *l;
static struct witness w;
static char answer[WITNESS_ANSWER];

static void add(uint32_t n)
{
    uint8_t buf[512];
    for (uint32_t i = 0; i < n; i++) {
        struct entry_draft e = {.at_us = l->last_us + 1, .kind = EVIDENCE_note, .subject = STR("s"), .body = STR("b")};
        int k = entry_encode(c, &e, buf, sizeof buf);
        assert_int_equal(evidence_log_add(l, (struct bytes){buf, (uint32_t)k}), OK);
    }
    assert_int_equal(evidence_log_sign(l), OK);
}
static int start(void **s)
{
    char why[EVIDENCE_WHY];
    d = disk_memory_new(1);
    state = disk_memory_new(2);
    w = (struct witness){state, c, &witness_key, &log_key.key, 1};
    return evidence_log_open(&l, d, c, &log_key, why);
}
static int stop(void **s)
{
    evidence_log_close(l);
    disk_memory_free(d);
    disk_memory_free(state);
    return 0;
}
static struct str request(uint64_t old, char out[TLOG_PROOF_MAX])
{
    static char text[NOTE_MAX];
    struct witness_request r = {.old = old};
    struct evidence_source source;
    assert_int_equal(note_file_read(d, EVIDENCE_CHECKPOINT, text, &r.checkpoint), OK);
    assert_int_equal(evidence_source_open(&source, d, c), OK);
    if (old <= l->is_signed)
        assert_int_equal(merkle_prove_consistency(&source.source, old, l->is_signed, &r.path), OK);
    evidence_source_close(&source);
    int n = witness_request_text(&r, out, TLOG_PROOF_MAX);
    assert_true(n > 0);
    return (struct str){out, (uint32_t)n};
}
static int ask(uint64_t old)
{
    char text[TLOG_PROOF_MAX];
    return witness_cosign(&w, request(old, text), 1795574765, answer);
}

static void cosigns_what_grows(void **s)
{
    char text[NOTE_MAX], merged[NOTE_MAX];
    struct str checkpoint;
    struct note n;
    uint64_t at = 0;
    add(5);
    assert_int_equal(ask(0), 200);
    note_file_read(d, EVIDENCE_CHECKPOINT, text, &checkpoint);
    int k = witness_merge(checkpoint, str_of(answer), &witness_key.key, merged, sizeof merged);
    assert_true(k > 0);
    assert_int_equal(note_parse(&n, (struct str){merged, (uint32_t)k}), OK);
    assert_int_equal(note_verify(&n, &witness_key.key, &at), OK);
    assert_int_equal(at, 1795574765);
    assert_int_equal(witness_merge(checkpoint, str_of(answer), &other_log.key, merged, sizeof merged), ERR_NOTFOUND);
    assert_int_equal(ask(5), 200); /* the same again: a new date */
    add(6);
    assert_int_equal(ask(0), 409);
    assert_string_equal(answer, "5\n");
    assert_int_equal(witness_merge(checkpoint, STR("\xe2\x80\x94 x y"), &witness_key.key, merged, sizeof merged), ERR_SYNTAX);
    assert_int_equal(ask(5), 200);
    note_file_read(d, EVIDENCE_CHECKPOINT, text, &checkpoint);
    assert_int_equal(ask(11), 200);
}

static void refuses_what_was_rewritten(void **s)
{
    char why[EVIDENCE_WHY], text[TLOG_PROOF_MAX];
    add(5);
    assert_int_equal(ask(0), 200);
    evidence_log_close(l);
    disk_memory_free(d);
    d = disk_memory_new(1); /* another history under the same key */
    assert_int_equal(evidence_log_open(&l, d, c, &log_key, why), OK);
    l->last_us = 77;
    add(5);
    assert_int_equal(ask(5), 409); /* the same size, another root */
    add(3);
    assert_int_equal(ask(5), 422);
    assert_int_equal(ask(0), 409);
    assert_int_equal(ask(99), 400);
    assert_int_equal(witness_cosign(&w, STR("old 0\n"), 1, answer), 400);
    struct str r = request(5, text);
    ((char *)(uintptr_t)r.p)[r.n - 8] ^= 1;
    assert_int_equal(witness_cosign(&w, r, 1, answer), 403);
    w.n_logs = 0;
    assert_int_equal(ask(5), 404);
}

static void a_witness_forgets_nothing(void **s)
{
    uint32_t n;
    add(5);
    disk_memory_fail(state, 1, ERR_NOSPACE); /* what is not kept is not said */
    assert_int_equal(ask(0), 500);
    disk_memory_crash(state);
    int first = ask(0); /* the failed write may have happened */
    assert_true(first == 200 || first == 409);
    char name[64] = "log-";
    uint8_t digest[32];
    struct bytes origin = {(const uint8_t *)log_key.key.name, (uint32_t)strlen(log_key.key.name)};
    crypto_sha256(c, &origin, 1, digest);
    hex_put(name + 4, digest, 16);
    uint8_t *p = disk_memory_octets(state, name, &n);
    assert_non_null(p);
    p[strlen(log_key.key.name) + 1] = '4'; /* somebody lets it forget an entry */
    assert_int_equal(ask(4), 500);
}

/* Every octet of a proof, and of the entry. */
static void proofs_verify_offline(void **s)
{
    static char text[TLOG_PROOF_MAX];
    char checkpoint[NOTE_MAX];
    uint8_t octets[EVIDENCE_ENTRY_MAX];
    struct bytes entry;
    struct merkle_hash leaf;
    struct evidence_source source;
    struct tlog_proof p = {.index = 6}, read;
    add(11);
    assert_int_equal(evidence_source_open(&source, d, c), OK);
    assert_int_equal(merkle_prove_inclusion(&source.source, 6, 11, &p.path), OK);
    evidence_source_close(&source);
    note_file_read(d, EVIDENCE_CHECKPOINT, checkpoint, &p.checkpoint);
    assert_int_equal(evidence_entry_read(d, c, 6, octets, &entry, &leaf), OK);
    int n = tlog_proof_text(&p, text, sizeof text);
    assert_true(n > 0);
    assert_int_equal(tlog_proof_verify(c, (struct str){text, (uint32_t)n}, entry, &log_key.key, &read), OK);
    assert_int_equal(read.index, 6);
    assert_int_equal(tlog_proof_verify(c, (struct str){text, (uint32_t)n}, entry, &other_log.key, &read), ERR_NOTFOUND);
    for (int i = 0; i < n; i++)
        for (uint32_t bit = 1; bit < 256; bit <<= 1) {
            text[i] = (char)(text[i] ^ bit);
            /* the index has no say where siblings lie on the same sides */
            if (tlog_proof_verify(c, (struct str){text, (uint32_t)n}, entry, &log_key.key, &read) == OK)
                fail_msg("octet %d, bit %u: not detected", i, bit);
            text[i] = (char)(text[i] ^ bit);
        }
    octets[30] ^= 1;
    assert_int_equal(tlog_proof_verify(c, (struct str){text, (uint32_t)n}, entry, &log_key.key, &read), ERR_MAC);
    octets[30] ^= 1;
    assert_int_equal(tlog_proof_verify(c, STR("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n"), entry, &log_key.key, &read), ERR_SYNTAX);
    assert_int_equal(tlog_proof_text(&p, text, 40), ERR_NOSPACE);
}

int main(void)
{
    if (crypto_init(&c) < 0 || note_signer_init(&log_key, c, STR("evidence.example/core"), NOTE_ED25519, (const uint8_t[32]){1}) < 0 ||
        note_signer_init(&other_log, c, STR("evidence.example/other"), NOTE_ED25519, (const uint8_t[32]){3}) < 0 ||
        note_signer_init(&witness_key, c, STR("witness.example/w"), NOTE_COSIGNATURE, (const uint8_t[32]){2}) < 0)
        return 1;
    int failed = RUN(cmocka_unit_test_setup_teardown(cosigns_what_grows, start, stop),
                     cmocka_unit_test_setup_teardown(refuses_what_was_rewritten, start, stop),
                     cmocka_unit_test_setup_teardown(a_witness_forgets_nothing, start, stop),
                     cmocka_unit_test_setup_teardown(proofs_verify_offline, start, stop));
    crypto_free(c);
    return failed;
}
