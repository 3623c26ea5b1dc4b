/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/bench_attack.h"
#include "cmd/cmd.h"
#include "cmd/sim_run.h"
#include "cmd/trial.h"
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS_MAX = 64, TOLD = 10 };
struct share { /* what one process counted */
    uint32_t runs[GUARD_DETECTIONS], good[GUARD_DETECTIONS], quiet, alarms, other;
};

static void attack(struct share *s, uint64_t seed)
{
    const struct trial_desc *d;
    char why[512];
    for (uint32_t i = 0; (d = trial_desc(i)); i++) {
        bool ok = trial_run(d, seed, why, sizeof why);
        s->runs[d->detection]++;
        s->good[d->detection] += ok;
        if (!ok)
            fprintf(stderr, "%s: %s\n  redoubt bench trust --part attacks --first-seed %llu --attack-seeds 1 --quiet-seeds 0\n", d->name, why,
                    (unsigned long long)seed);
    }
}
/* Everything fails that can, with every second seed all of it at once; but nobody means harm. */
static void quiet(struct share *s, uint64_t seed, struct sim_result *r)
{
    char line[2048];
    uint32_t honest = ((1u << SIM_FAULT_COUNT) - 1) & ~(1u << SIM_FAULT_attack);
    struct sim_options o = {.seed = seed, .faults = honest, .force = seed & 1 ? honest & ~(1u << SIM_FAULT_torn) : 0, .json = -1};
    sim_run(&o, r, NULL);
    s->quiet++;
    s->alarms += r->failed == SIM_P_guard_silent;
    s->other += r->failed && r->failed != SIM_P_guard_silent;
    if (!r->failed || s->alarms + s->other > TOLD)
        return;
    sim_replay_line(&o, line, sizeof line);
    fprintf(stderr, "%s: %s\n  %s\n", sim_property_desc(r->failed)->name, r->text, line);
}
static int work(const struct bench_attacks *b, uint32_t first, uint32_t step, int fd)
{
    struct share s = {{0}};
    struct sim_result *r = calloc(1, sizeof *r);
    if (!r)
        return 1;
    for (uint64_t i = first; i < b->attack_seeds; i += step)
        attack(&s, b->first_seed + i);
    for (uint64_t i = first; i < b->quiet_seeds; i += step)
        quiet(&s, b->first_seed + i, r);
    free(r);
    return write(fd, &s, sizeof s) == sizeof s ? 0 : 1;
}

struct worker {
    pid_t pid;
    int fd;
};
static bool worker_start(const struct bench_attacks *b, uint32_t i, uint32_t n, struct worker *w)
{
    int fd[2];
    if (pipe(fd) < 0)
        return false;
    fflush(NULL);
    w->pid = fork();
    if (w->pid == 0)
        _exit(work(b, i, n, fd[1]));
    close(fd[1]);
    w->fd = fd[0];
    if (w->pid < 0)
        close(fd[0]);
    return w->pid > 0;
}
static bool worker_end(struct worker *w, struct share *sum)
{
    struct share s;
    int status;
    bool ok = read(w->fd, &s, sizeof s) == sizeof s;
    close(w->fd);
    ok &= waitpid(w->pid, &status, 0) == w->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    for (uint32_t d = 0; ok && d < GUARD_DETECTIONS; d++) {
        sum->runs[d] += s.runs[d];
        sum->good[d] += s.good[d];
    }
    if (ok) {
        sum->quiet += s.quiet;
        sum->alarms += s.alarms;
        sum->other += s.other;
    }
    return ok;
}

bool bench_attacks(struct bench_attacks *b, bool say)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t n = cpus < 1 ? 1 : cpus > WORKERS_MAX ? WORKERS_MAX : (uint32_t)cpus, started = 0, runs = 0, good = 0;
    struct worker w[WORKERS_MAX];
    struct share sum = {{0}};
    bool ok = true;
    while (started < n && (ok = worker_start(b, started, n, &w[started])))
        started++;
    for (uint32_t i = 0; i < started; i++)
        ok &= worker_end(&w[i], &sum);
    for (b->attacks = 0; trial_desc(b->attacks);)
        b->attacks++;
    for (uint32_t d = 0; d < GUARD_DETECTIONS; d++) {
        runs += sum.runs[d];
        good += sum.good[d];
        if (say && sum.runs[d])
            printf("  %-6s  %6u of %6u found, alone and without effect\n", guard_name((enum guard_detection)d), sum.good[d], sum.runs[d]);
    }
    b->detected_pct = runs ? 100.0 * good / runs : 0;
    b->false_alarms = sum.alarms;
    b->other = sum.other;
    ok &= runs == b->attacks * b->attack_seeds && sum.quiet == b->quiet_seeds;
    if (!ok)
        fprintf(stderr, "redoubt bench: not all runs of attacks and of honest networks came to their end\n");
    return ok;
}
