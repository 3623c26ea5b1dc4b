/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c - redoubt sim: seeds, one after the other, and what became of them. */
#include "cmd/cmd.h"
#include "cmd/sim_run.h"
#include "codec/nas.h"
#include "os/loop.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct sim_command {
    struct sim_options o;
    uint64_t first;
    uint32_t seeds, jobs;
    bool shrink, keep_going, quiet;
    const char *capture;
    uint32_t only[SIM_STEPS_MAX];
    struct sim_totals totals;
    uint32_t failures;
    uint64_t started_us, shown_us;
};

/* ---- arguments ---- */
static void faults_list(void)
{
    static const char *const text[] = {
#define X(name, text) text,
        SIM_FAULTS(X)
#undef X
    };
    for (uint32_t i = 0; i < SIM_FAULT_COUNT; i++)
        printf("%-8s %s\n", sim_fault_name((enum sim_fault)i), text[i]);
}
static bool faults_parse(const char *text, uint32_t *mask)
{
    *mask = strcmp(text, "all") == 0 ? (1u << SIM_FAULT_COUNT) - 1 : 0;
    if (*mask || strcmp(text, "none") == 0)
        return true;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ",");
        uint32_t i = 0;
        while (i < SIM_FAULT_COUNT && (strlen(sim_fault_name((enum sim_fault)i)) != n || strncmp(p, sim_fault_name((enum sim_fault)i), n) != 0))
            i++;
        if (i == SIM_FAULT_COUNT) {
            fprintf(stderr, "redoubt: --faults: found '%.*s'; --faults help lists them\n", (int)n, p);
            return false;
        }
        *mask |= 1u << i;
        p += n + (p[n] == ',');
    }
    return true;
}
static bool only_parse(const char *text, uint32_t *only, uint32_t *n)
{
    *n = 0;
    if (strcmp(text, "none") == 0)
        return true;
    for (const char *p = text; *p;) {
        char *end;
        unsigned long from = strtoul(p, &end, 10), to = from;
        if (end != p && *end == '-')
            to = strtoul(p = end + 1, &end, 10);
        if (end == p || (*end && *end != ',') || to < from || to - from >= SIM_STEPS_MAX - *n || (*n && from <= only[*n - 1])) {
            fprintf(stderr, "redoubt: --only: found '%s', expected ascending numbers and ranges such as 3,17-20\n", text);
            return false;
        }
        for (; from <= to; from++)
            only[(*n)++] = (uint32_t)from;
        p = end + (*end == ',');
    }
    return true;
}
static int properties(void)
{
    for (uint32_t i = 1; i < SIM_P_COUNT; i++) {
        const struct sim_property_desc *d = sim_property_desc((enum sim_property)i);
        printf("%-11s %s (%s)\n", d->name, d->text, d->clause);
    }
    return EXIT_OK;
}
static int parse(struct sim_command *s, int argc, char **argv)
{
    struct args a = {argc, argv, 1};
    const char *v = NULL;
    uint32_t n = 0;
    while (args_more(&a)) {
        bool good = true;
        if (args_flag(&a, NULL, "--shrink"))
            s->shrink = true;
        else if (args_flag(&a, NULL, "--keep-going"))
            s->keep_going = true;
        else if (args_flag(&a, NULL, "--trace"))
            s->o.verbose = true;
        else if (args_flag(&a, NULL, "--quiet"))
            s->quiet = true;
        else if (args_value(&a, NULL, "--seeds", &v))
            good = v && args_number("--seeds", v, 1, UINT32_MAX, &s->seeds);
        else if (args_value(&a, NULL, "--jobs", &v))
            good = v && args_number("--jobs", v, 1, 64, &s->jobs);
        else if (args_value(&a, NULL, "--seed", &v)) {
            char *end = NULL;
            s->first = v ? strtoull(v, &end, 10) : 0;
            if (v && (end == v || *end))
                good = usage("sim", "--seed: found '%s', expected a number", v) == EXIT_OK;
            good = good && v;
        } else if (args_value(&a, NULL, "--phones", &v))
            good = v && args_number("--phones", v, 1, SIM_PHONES_MAX, &s->o.phones);
        else if (args_value(&a, NULL, "--gnbs", &v))
            good = v && args_number("--gnbs", v, 1, SIM_CELLS_MAX, &s->o.cells);
        else if (args_value(&a, NULL, "--for", &v))
            good = v && args_duration("--for", v, &s->o.for_us);
        else if (args_value(&a, NULL, "--only", &v)) {
            good = v && only_parse(v, s->only, &s->o.n_only);
            s->o.only = s->only;
        } else if (args_value(&a, NULL, "--faults", &v)) {
            good = v && faults_parse(v, &n);
            s->o.faults = s->o.force = n;
        } else if (args_value(&a, NULL, "--calls", &v)) {
            good = v && (strcmp(v, "json") == 0 || strcmp(v, "struct") == 0);
            s->o.json = v && strcmp(v, "json") == 0;
            if (v && !good)
                usage("sim", "--calls: found '%s', expected struct or json", v);
        } else if (args_value(&a, NULL, "--capture", &v)) {
            s->capture = v;
            good = v;
        } else {
            return usage("sim", "'%s' is not an option", args_now(&a));
        }
        if (!good)
            return EXIT_USAGE;
    }
    if (s->capture && s->seeds > 1)
        return usage("sim", "--capture is for one seed");
    if (s->o.only && s->seeds > 1)
        return usage("sim", "--only is for one seed");
    return EXIT_OK;
}

/* ---- saying what happens ---- */
static uint32_t covered(const uint64_t *count)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < SIM_COVER; i++)
        n += count[i] > 0;
    return n;
}
static void progress(struct sim_command *s, bool last)
{
    uint64_t now = loop_now_us();
    double real = (double)(now - s->started_us + 1) / 1e6;
    const struct sim_totals *t = &s->totals;
    if (s->quiet || !isatty(2) || (!last && now < s->shown_us + 500000))
        return;
    s->shown_us = now;
    fprintf(stderr, "\r%llu seeds, %.1f/s; %.1f h of virtual time; %llu registrations, %llu sessions; messages seen: N1 %u, N2 %u, N4 %u, calls %u \x1b[K",
            (unsigned long long)t->seeds, (double)t->seeds / real, (double)t->virtual_us / 3.6e9,
            (unsigned long long)t->registrations, (unsigned long long)t->sessions, covered(t->n1), covered(t->n2), covered(t->n4),
            covered(t->sbi));
    if (last)
        fputc('\r', stderr), fputs("\x1b[K", stderr);
}
static void summary(const struct sim_command *s)
{
    const struct sim_totals *t = &s->totals;
    double real = (double)(loop_now_us() - s->started_us + 1) / 1e6;
    printf("%llu runs in %.1f s (%.1f a second), %.1f h of virtual time: %llu registrations, %llu sessions, %llu service requests,\n"
           "%llu pagings, %llu pings answered; message types seen: N1 %u, N2 %u, N4 %u, calls %u; %llu lines of log\n",
           (unsigned long long)t->seeds, real, (double)t->seeds / real, (double)t->virtual_us / 3.6e9,
           (unsigned long long)t->registrations, (unsigned long long)t->sessions, (unsigned long long)t->services,
           (unsigned long long)t->pages, (unsigned long long)t->pings, covered(t->n1), covered(t->n2), covered(t->n4),
           covered(t->sbi), (unsigned long long)t->log_lines);
}
static void tried(const struct sim_options *best, uint32_t tries)
{
    if (isatty(2))
        fprintf(stderr, "\rshrinking: %u tries, %u steps \x1b[K", tries, best->only ? best->n_only : 0);
}
static void report(struct sim_command *s, struct sim_options *o, struct sim_result *r)
{
    static char line[8192];
    static uint32_t only[SIM_STEPS_MAX];
    if (s->shrink) {
        sim_shrink(o, r, only, tried);
        if (isatty(2))
            fputs("\r\x1b[K", stderr);
    }
    const struct sim_property_desc *d = sim_property_desc(r->failed);
    printf("seed %llu: %s: %s\n  at %.6f s: %s\n", (unsigned long long)o->seed, d->name, d->text, (double)r->at_us / SIM_S, r->text);
    for (uint32_t i = r->n_events > 24 && !s->shrink ? r->n_events - 24 : 0; i < r->n_events; i++)
        printf("    %12.6f  %s\n", (double)r->event[i].at_us / SIM_S, r->event[i].text);
    sim_replay_line(o, line, sizeof line);
    printf("  again: %s\n", line);
    fflush(stdout);
}

/* ---- running ---- */
static int run(struct sim_command *s, uint32_t job)
{
    struct sim_result *r = calloc(1, sizeof *r);
    s->started_us = loop_now_us();
    for (uint32_t i = job; r && i < s->seeds; i += s->jobs) {
        struct sim_options o = s->o;
        o.seed = s->first + i;
        sim_run(&o, r, &s->totals);
        progress(s, false);
        if (!r->failed)
            continue;
        s->failures++;
        progress(s, true);
        report(s, &o, r);
        if (!s->keep_going)
            break;
    }
    progress(s, true);
    free(r);
    if (!s->quiet)
        summary(s);
    return s->failures ? EXIT_FAILED : EXIT_OK;
}
/* Each job is a process that takes every jobs-th seed. */
static int run_jobs(struct sim_command *s)
{
    pid_t pid[64];
    int status = EXIT_OK;
    for (uint32_t i = 0; i < s->jobs; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            status = run(s, i);
            fflush(stdout);
            _exit(status);
        }
    }
    for (uint32_t i = 0; i < s->jobs; i++) {
        int w = 0;
        if (pid[i] < 0 || waitpid(pid[i], &w, 0) < 0 || !WIFEXITED(w) || WEXITSTATUS(w))
            status = EXIT_FAILED;
    }
    return status;
}
int cmd_sim(int argc, char **argv)
{
    static struct sim_command s;
    s.o = (struct sim_options){.faults = UINT32_MAX, .json = -1};
    s.first = s.seeds = s.jobs = 1;
    if (argc == 2 && strcmp(argv[1], "--properties") == 0)
        return properties();
    if (argc == 3 && strcmp(argv[1], "--faults") == 0 && strcmp(argv[2], "help") == 0) {
        faults_list();
        return EXIT_OK;
    }
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--scenario") == 0)
            return scenario_command(argc, argv);
    int status = parse(&s, argc, argv);
    if (status != EXIT_OK)
        return status;
    if (s.capture && !(s.o.capture = fopen(s.capture, "wbe"))) {
        fprintf(stderr, "redoubt: %s: %s\n", s.capture, strerror(errno));
        return EXIT_FAILED;
    }
    status = s.jobs > 1 ? run_jobs(&s) : run(&s, 0);
    if (s.o.capture && (ferror(s.o.capture) || fclose(s.o.capture))) {
        fprintf(stderr, "redoubt: %s: it could not be written\n", s.capture);
        status = EXIT_FAILED;
    }
    return status;
}
