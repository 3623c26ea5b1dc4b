/* SPDX-License-Identifier: Apache-2.0 */
/* bench_trust.c - redoubt bench trust: what-if over a nation, the evidence log on this machine's disk, decisions, what trust takes
 * of a core's CPU, and what the guard finds. */
#include "cmd/bench.h"
#include "cmd/bench_attack.h"
#include "cmd/cmd.h"
#include "os/disk.h"
#include "trust/evidence_verify.h"
#include "trust/synth.h"
#include "trust/whatif.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SITES = 20000, SUBSCRIBERS = 1000000, RULES = 100, ENTRIES = 1000000, GROUP = 1000, TIMES = 5 };
struct figures { /* 0: could not be measured */
    double whatif_s, whatif_mb, entries_per_s, verify_s, decision_us;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static bool failed(const char *what, const char *why)
{
    fprintf(stderr, "redoubt bench: %s: %s\n", what, why);
    return false;
}

/* ---- what-if ---- */
/* A hundred rules that a nation might have: four suppliers in 25 function classes, by day, place and share. */
static struct policy *rules(void)
{
    static const char *const who[] = {"Harbin Radio", "Nordtel", "Hanseong Networks", "Lakeview Systems"};
    static const char *const more[] = {"place: critical", "within_km: 10, near: critical", "cap_percent: 90, cap_metric: subscribers", "place: sensitive"};
    static char text[65536];
    static struct config_report report;
    int n = snprintf(text, sizeof text, "id: bench\nnation: FI\ntitle: A hundred rules\nstanding: own\ncitation: made up\nchecked: 2026-01-01\nrules:\n");
    for (uint32_t i = 0; i < RULES; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "  - {id: r%u, says: rule, sure: seen, suppliers: [\"%s\"], functions: [%s], %s, remove_by: 20%02u-12-31, decision: deny}\n", i,
                      who[i % 4], inv_class_text((uint8_t)(1 + i / 4)), more[i / 4 % 4], 27 + i / 4);
    struct policy *p = policy_new();
    int e = p ? policy_read(p, STR("bench.yaml"), (struct str){text, (uint32_t)n}, &report) : ERR_NOSPACE;
    if (e == OK && policy_join(p, &report) == OK && p->n_rows == RULES)
        return p;
    failed("policy", report.text);
    policy_free(p);
    return NULL;
}

/* The same hundred rules, and one that meets the gNBs of the first supplier. */
static bool decisions(struct figures *f)
{
    struct config_report report = {.n = 0};
    static const char ban[] = "id: ban\nnation: FI\ntitle: One more\nstanding: own\ncitation: made up\nchecked: 2026-01-01\nrules:\n"
                              "  - {id: radio, says: rule, sure: seen, seated_in: [CN], functions: [radio], decision: deny}\n";
    struct policy *p = rules();
    if (!p || policy_read(p, STR("ban.yaml"), STR(ban), &report) < 0 || policy_join(p, &report) < 0)
        return failed("policy", report.text);
    return bench_decisions(p, &f->decision_us) || failed("decisions", "they were not what the rules say");
}

/* The subscribers of the country in equal parts, so that there are as many as the figure is for. */
static void subscribers(struct inventory *v)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < v->n_elements; i++)
        sum += v->elements[i].subscribers;
    for (uint32_t i = 0; i < v->n_elements && sum; i++)
        v->elements[i].subscribers = (uint32_t)((double)v->elements[i].subscribers * SUBSCRIBERS / (double)sum + 0.5);
}

static bool whatif(struct figures *f)
{
    struct synth_options o = {.seed = 1, .sites = SITES, .operators = 1};
    struct inv_asked asked = {.secret = {1, 2}};
    struct inventory *v = NULL;
    struct policy_set *s = NULL;
    struct whatif *w = NULL;
    char why[256] = "";
    uint32_t n;
    inv_date_parse(STR("2026-12-01"), &o.today);
    asked.as_of = o.today;
    if (synth_inventory(&v, &o, &asked, why, sizeof why) < 0)
        return failed("inventory", why);
    subscribers(v);
    struct policy *p = rules();
    struct whatif_ask ask = {.inventory = v, .today = o.today, .date = o.today + 365 * 4, .n_bans = 1};
    ask.ban[0] = inventory_find_supplier(v, STR("Harbin Radio"));
    f->whatif_s = 1e9;
    for (uint32_t i = 0; p && i < TIMES; i++) { /* what a user waits for once the inventory is there: rules, model, page */
        double start = now_s();
        if (policy_compile(&s, p, v) < 0)
            break;
        ask.set = s;
        char *page = whatif_run(&w, &ask) == OK ? whatif_html(w, &n) : NULL;
        double took = now_s() - start;
        f->whatif_s = page && took < f->whatif_s ? took : f->whatif_s;
        free(page);
        whatif_free(w);
        w = NULL;
        policy_set_free(s);
        s = NULL;
    }
    policy_free(p);
    inventory_free(v);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    f->whatif_mb = (double)u.ru_maxrss / 1024; /* of this process, with the inventory and its making */
    return f->whatif_s < 1e9 || failed("what-if", "it could not be run");
}

/* ---- evidence ---- */
static int entry(struct crypto *c, uint32_t i, uint8_t out[512])
{
    char body[160];
    int n = snprintf(body, sizeof body, "{\"decision\":\"deny\",\"rule\":\"uk-dvd-huawei/all-5g\",\"deadline\":\"2027-12-31\",\"n\":%u}", i);
    struct entry_draft d = {.at_us = 1795574765000000u + i, .kind = EVIDENCE_decision, .subject = STR("gnb 001-01-000001"),
                            .body = {body, (uint32_t)n}};
    return entry_encode(c, &d, out, 512);
}

/* Groups that are durable one by one, a checkpoint with every hundredth. */
static bool write_log(struct disk *d, struct crypto *c, const struct note_signer *s, double *per_s)
{
    struct evidence_log *l;
    char why[EVIDENCE_WHY];
    uint8_t octets[512];
    int e = evidence_log_open(&l, d, c, s, why);
    double start = now_s();
    for (uint32_t i = 0; e == OK && i < ENTRIES; i++) {
        int n = entry(c, i, octets);
        e = n < 0 ? n : evidence_log_add(l, (struct bytes){octets, (uint32_t)n});
        if (e == OK && (i + 1) % GROUP == 0)
            e = (i + 1) % (100 * GROUP) == 0 ? evidence_log_sign(l) : evidence_log_commit(l);
    }
    *per_s = ENTRIES / (now_s() - start);
    evidence_log_close(l);
    return e == OK || failed("evidence", err_text(e));
}

static bool verify_log(struct disk *d, struct crypto *c, const struct note_signer *s, double *took)
{
    static struct evidence_result r;
    struct evidence_expect expect = {.key = &s->key};
    double start = now_s();
    int e = evidence_verify(d, c, &expect, &r);
    *took = now_s() - start;
    return (e == OK && !r.n_problems && r.is_signed == ENTRIES) || failed("evidence", "what was written does not verify");
}

static void clear(const char *folder)
{
    char path[128], name[DISK_NAME + 1];
    static const char *const others[] = {EVIDENCE_CHECKPOINT, EVIDENCE_ROOTS, "lock"};
    for (uint64_t i = 0; i <= ENTRIES; i += SEGMENT_ENTRIES) {
        segment_name(i, name);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        unlink(path);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, others[i]);
        unlink(path);
    }
    rmdir(folder);
}

static bool evidence(struct figures *f)
{
    char folder[] = "/var/tmp/redoubt-bench-XXXXXX"; /* a disk; /tmp may be memory */
    static const uint8_t seed[32] = {1};
    struct crypto *c;
    struct note_signer s;
    struct disk *d = NULL;
    if (!mkdtemp(folder) || crypto_init(&c) < 0)
        return failed(folder, "it could not be made");
    bool ok = note_signer_init(&s, c, STR("evidence.example/bench"), NOTE_ED25519, seed) == OK && disk_open(&d, folder, true) == OK &&
              write_log(d, c, &s, &f->entries_per_s) && verify_log(d, c, &s, &f->verify_s);
    disk_close(d);
    crypto_free(c);
    clear(folder);
    return ok;
}

/* In a process of its own, so that the memory is of what-if alone. */
static bool apart(bool (*fn)(struct figures *), struct figures *f)
{
    int fd[2], status;
    if (pipe(fd) < 0)
        return false;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct figures mine = {0};
        bool ok = fn(&mine) && write(fd[1], &mine, sizeof mine) == sizeof mine;
        _exit(ok ? 0 : 1);
    }
    close(fd[1]);
    bool ok = child > 0 && read(fd[0], f, sizeof *f) == sizeof *f;
    close(fd[0]);
    return child > 0 && waitpid(child, &status, 0) == child && ok;
}

struct trust_row {
    const char *key, *text;
    double value; /* negative: it was not measured; why has been said */
    int digits;
};
static void report(const struct trust_row *rows, size_t n, bool json)
{
    const char *before = "{";
    for (size_t i = 0; i < n; i++) {
        if (rows[i].value < 0)
            continue;
        if (json)
            printf("%s\"%s\":%.*f", before, rows[i].key, rows[i].digits, rows[i].value);
        else
            printf("%-78s %12.*f\n", rows[i].text, rows[i].digits, rows[i].value);
        before = ",";
    }
    printf("%s", !json ? "" : *before == '{' ? "{}\n" : "}\n");
}
static double when(bool is_known, double value) { return is_known ? value : -1; }
static double measured(double value) { return when(value > 0, value); }
int bench_trust(const struct bench_trust_options *o)
{
    struct figures w = {0}, e = {0}, d = {0};
    struct bench_attacks a = {.first_seed = o->first_seed, .attack_seeds = o->attack_seeds, .quiet_seeds = o->quiet_seeds};
    double cpu = 0;
    bool ok = true, all = !o->attacks_only;
    if (all) {
        ok = apart(whatif, &w);
        ok &= evidence(&e) && apart(decisions, &d);
        ok &= bench_trust_cpu(&cpu) == EXIT_OK;
    }
    bool ran = bench_attacks(&a, !o->json), attacks = ran && a.attack_seeds, quiet = ran && a.quiet_seeds;
    const struct trust_row rows[] = {
        {"decision_us", "a decision at NG Setup, 20,000 gNBs, 101 rules, us", measured(d.decision_us), 2},
        {"trust_cpu_pct", "guard, decisions and evidence, of the core's CPU while phones register, %", measured(cpu), 2},
        {"whatif_s", "what-if for 20,000 sites, 100 rules, 1,000,000 subscribers, to the page, s", measured(w.whatif_s), 3},
        {"whatif_mb", "memory of that process, the inventory with it, MB", measured(w.whatif_mb), 1},
        {"attacks_detected_pct", "attacks found, alone and without effect, %", when(attacks, a.detected_pct), 2},
        {"false_alarms", "runs without an attacker, but with faults, in which something was found", when(quiet, a.false_alarms), 0},
        {"evidence_entries_per_s", "entries of evidence a second, durable in groups of 1,000", measured(e.entries_per_s), 0},
        {"verify_1m_s", "verification of 1,000,000 entries, s", measured(e.verify_s), 2},
        {"attacks", "  kinds of attacks", when(attacks, a.attacks), 0},
        {"attack_seeds", "  seeds of each", when(attacks, a.attack_seeds), 0},
        {"quiet_seeds", "  seeds of runs without an attacker", when(quiet, a.quiet_seeds), 0},
        {"quiet_seeds_failed", "  of these failed otherwise", when(quiet, a.other), 0},
    };
    report(rows, ARRAY_LEN(rows), o->json);
    ok &= ran && (!attacks || a.detected_pct >= 100) && !a.false_alarms && !a.other;
    return ok ? EXIT_OK : EXIT_FAILED;
}
