/* SPDX-License-Identifier: Apache-2.0 */
/* bench_attack.h - what the guard finds of attacks, and what it finds where there are none. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct bench_attacks {
    uint64_t first_seed;                 /* of both */
    uint32_t attack_seeds, quiet_seeds;
    /* results */
    uint32_t attacks;                    /* kinds of them; each ran with every seed */
    double detected_pct;                 /* of all runs: found, alone, and without effect */
    uint32_t false_alarms, other;        /* quiet runs in which something was found; that failed otherwise */
};
/* Runs all of it on every CPU; runs that failed are told on stderr with the line that repeats them. False: what ran is no
 * figure. */
bool bench_attacks(struct bench_attacks *, bool say);
