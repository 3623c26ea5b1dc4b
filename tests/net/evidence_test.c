/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of the whole network: what was decided about equipment is in the log when it was decided, and a crash of core
 * and disk at that moment leaves a log that verifies and holds all that was told. */
#include "sim/disk_memory.h"
#include "tests/net/trust_net.h"
#include "trust/evidence.h"
#include "trust/evidence_verify.h"

static struct note_signer signer;
static struct evidence_result result;

static void one_of_drago(struct store *s) { estate_import(s, "orion", "drago", "orion", "gnb", ADDRESS_ONLY); }
static struct evidence_writer *keep(struct net *n, struct disk *d)
{
    struct evidence_conf conf = {.disk = d, .env = n->core.env, .crypto = n->core.crypto, .signer = &signer};
    struct evidence_writer *w;
    char why[EVIDENCE_WHY];
    assert_int_equal(evidence_open(&w, &conf, why), OK);
    n->core.evidence = evidence_of(w);
    return w;
}
static void cell_again(struct net *n)
{
    cell_free(&n->cells[1]);
    net_run(n, NET_S);
    net_cell_start(n, 1);
    net_run(n, 3 * NET_S);
    assert_int_equal(n->cells[1].gnb.state, GNB_REFUSED);
}
static uint32_t decisions(struct net *n, struct disk *d)
{
    struct evidence_expect expect = {.key = &signer.key};
    assert_int_equal(evidence_verify(d, n->core.crypto, &expect, &result), OK);
    assert_int_equal(result.n_problems, 0);
    return (uint32_t)result.by_kind[EVIDENCE_decision];
}
static bool log_says(struct net *n, struct disk *d, const char *what)
{
    uint8_t octets[EVIDENCE_ENTRY_MAX];
    struct bytes entry;
    struct merkle_hash leaf;
    bool found = false;
    for (uint64_t i = 0; !found && evidence_entry_read(d, n->core.crypto, i, octets, &entry, &leaf) == OK; i++)
        found = memmem(entry.p, entry.n, what, strlen(what)) != NULL;
    return found;
}

static void decisions_survive(void **state)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {REGIME_HEAD BAN}, .refused_cells = 2});
        struct disk *d = disk_memory_new(seed);
        struct evidence_writer *w = keep(n, d);
        struct evidence_counts counts;
        cell_again(n);
        assert_int_equal(evidence_pump(w, true), OK);
        assert_true(decisions(n, d) >= 1);
        assert_true(log_says(n, d, "t/ban"));
        assert_true(log_says(n, d, "\nsubject site2-cu\n"));
        cell_again(n);
        if (seed % 2) /* durable, and not signed yet */
            assert_int_equal(evidence_pump(w, false), OK);
        evidence_counts(w, &counts);
        disk_memory_die(d, 1 + seed / 2); /* the next writes meet a dead machine */
        n->core.evidence = NULL;
        evidence_close(w);
        disk_memory_crash(d);
        w = keep(n, d);
        cell_again(n);
        n->core.evidence = NULL;
        evidence_close(w);
        decisions(n, d);
        assert_true(result.entries > counts.durable);
        disk_memory_free(d);
        net_free(n);
    }
}

/* What an import changed is evidence as well, as soon as the core has seen it. */
static void imports_are_told(void **state)
{
    struct net *n = net_new((struct net_options){.more = ENFORCE, .provision = one_of_drago, .policies = {NOTHING}});
    struct disk *d = disk_memory_new(1);
    struct evidence_writer *w = keep(n, d);
    estate_import(n->store, "orion", "orion", "orion", "gnb", ADDRESS_ONLY);
    net_run(n, 12 * NET_S);
    assert_int_equal(evidence_pump(w, true), OK);
    decisions(n, d);
    assert_int_equal(result.by_kind[EVIDENCE_change], 1);
    assert_true(log_says(n, d, "\nsubject inventory\n"));
    assert_true(log_says(n, d, "\"inventory corrected\""));
    assert_true(log_says(n, d, "\"changed\":1,\"removed\":0}"));
    n->core.evidence = NULL;
    evidence_close(w);
    disk_memory_free(d);
    net_free(n);
}

int main(void)
{
    struct crypto *c;
    if (crypto_init(&c) < 0 || note_signer_init(&signer, c, STR("evidence.example/core"), NOTE_ED25519, (const uint8_t[32]){1}) < 0)
        return 1;
    crypto_free(c);
    return RUN(unit(decisions_survive), unit(imports_are_told));
}
