/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sim.c - redoubt bench sim: what the simulated network does in a second of one core. Phones, gNBs, every network
 * function, the UPF and the data network are in this one thread, with real cryptography at both ends. */
#include "cmd/bench.h"
#include "cmd/cmd.h"
#include "cmd/sim_run.h"
#include <stdlib.h>
#include <time.h>

enum { PHONES = SIM_PHONES_MAX, ROUNDS_MIN = 3, SEEDS = 200 };
static const double SECONDS = 3; /* of CPU for each figure */

struct bench_sim {
    struct sim_net n;
    struct sim_check c;
    double registrations, cpu_s;
};

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static bool all_have_a_session(const struct sim_net *n)
{
    for (uint32_t i = 0; i < n->plan.phones; i++)
        if (!n->ue[i]->sessions || n->ue[i]->sessions->state != SM_ACTIVE)
            return false;
    return true;
}
static bool run_until_sessions(struct sim_net *n)
{
    for (uint32_t k = 0; k < 1000 && !all_have_a_session(n); k++)
        sim_net_run(n, 10 * SIM_MS);
    return all_have_a_session(n);
}
/* All register and open a session; then all leave, which is not counted. */
static bool round_of_phones(struct bench_sim *b)
{
    static const struct ue_open open = {.type = NAS_PDU_IPV4, .dnn = "internet", .has_slice = true, .slice = {.sst = 1}};
    struct sim_net *n = &b->n;
    double start = cpu_s();
    for (uint32_t i = 0; i < n->plan.phones; i++)
        ue_register(n->ue[i]);
    sim_net_run(n, SIM_S);
    for (uint32_t i = 0; i < n->plan.phones; i++)
        ue_session_open(n->ue[i], &open);
    if (!run_until_sessions(n))
        return false;
    b->cpu_s += cpu_s() - start;
    b->registrations += n->plan.phones;
    for (uint32_t i = 0; i < n->plan.phones; i++)
        ue_deregister(n->ue[i], false);
    sim_net_run(n, 30 * SIM_S);
    for (uint32_t i = 0; i < n->plan.phones; i++) { /* the next is by SUCI again */
        usim_forget(&n->ue[i]->usim);
        usim_suci_forget(&n->ue[i]->usim);
    }
    return true;
}
/* Registrations with session in a second of one core; 0: it failed. */
static double network(enum suci_scheme suci, bool checked)
{
    struct bench_sim *b = calloc(1, sizeof *b);
    struct sim_plan p;
    sim_plan_draw(&p, 1);
    p.phones = p.phones_drawn = PHONES;
    p.cells = SIM_CELLS_MAX;
    p.faults = 0;
    p.suci = (uint8_t)suci;
    p.json = p.eap = p.inactivity = false;
    if (!b)
        return 0;
    if (checked)
        sim_check_start(&b->c, &b->n);
    bool good = sim_net_start(&b->n, &p) == OK;
    if (good && checked)
        sim_check_watch(&b->c);
    else
        log_set_level(&b->n.log, LOG_ERROR);
    for (uint32_t k = 0; good && (k < ROUNDS_MIN || b->cpu_s < SECONDS); k++)
        good = round_of_phones(b) && !b->c.failed;
    double rate = good ? b->registrations / b->cpu_s : 0;
    if (!good)
        fprintf(stderr, "redoubt bench: the network did not do what it should: %s\n", b->c.failed ? b->c.text : b->n.why);
    sim_net_stop(&b->n);
    sim_check_free(&b->c);
    free(b);
    return rate;
}
static bool seeds(double *per_s, double *registrations_per_s)
{
    struct sim_result *r = calloc(1, sizeof *r);
    struct sim_totals t = {0};
    double start = cpu_s();
    bool good = r != NULL;
    for (uint32_t i = 0; good && i < SEEDS; i++) {
        struct sim_options o = {.seed = 1 + i, .faults = UINT32_MAX, .json = -1};
        sim_run(&o, r, &t);
        good = !r->failed;
    }
    double s = cpu_s() - start;
    *per_s = (double)t.seeds / s;
    *registrations_per_s = (double)t.registrations / s;
    if (!good)
        fprintf(stderr, "redoubt bench: a seed fails: redoubt sim --seeds %u\n", SEEDS);
    free(r);
    return good;
}

int bench_sim(bool json)
{
    struct {
        const char *key, *text;
        double value;
    } rows[] = {
        {"registrations_per_s", "registrations with a session a second of one core, SUPI concealed (profile A)", network(SUCI_PROFILE_A, false)},
        {"registrations_null_scheme_per_s", "the same with the null scheme", network(SUCI_NULL, false)},
        {"registrations_checked_per_s", "the same, with every property looked at and the log at debug", network(SUCI_NULL, true)},
        {"seeds_per_s", "runs of the mixed fault profile a second of one core", 0},
        {"seeds_registrations_per_s", "registrations a second in those", 0},
    };
    bool good = seeds(&rows[3].value, &rows[4].value);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        good = good && rows[i].value > 0;
        if (json)
            printf("%s\"%s\":%.1f", i ? "," : "{", rows[i].key, rows[i].value);
        else
            printf("%-82s %9.1f\n", rows[i].text, rows[i].value);
    }
    printf("%s", json ? "}\n" : "");
    return good ? EXIT_OK : EXIT_FAILED;
}
