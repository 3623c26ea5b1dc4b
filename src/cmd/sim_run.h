/* SPDX-License-Identifier: Apache-2.0 */
/* sim_run.h - one seed from beginning to end: steps and faults for a while, then calm, in which every phone must reach
 * its goal and all must agree, then all leave and nothing may be left. */
#pragma once
#include "cmd/sim_check.h"
#include <stdio.h>

struct sim_options {
    uint64_t seed;
    uint32_t phones, cells; /* at most so many; 0: as drawn */
    uint64_t for_us;        /* 0: as drawn */
    uint32_t faults;        /* of those that are drawn, only these; bit enum sim_fault */
    uint32_t force;         /* these as well, drawn or not */
    const uint32_t *only;   /* the steps that happen, in order; NULL: all */
    uint32_t n_only;
    int8_t json; /* calls as JSON; negative: as drawn, and then both ways are compared */
    bool verbose;
    FILE *capture; /* NULL: none */
};
struct sim_totals { /* over seeds */
    uint64_t seeds, virtual_us, registrations, sessions, services, pages, pings, steps, log_lines;
    uint64_t n1[SIM_COVER], n2[SIM_COVER], n4[SIM_COVER], sbi[SIM_COVER], ue[32];
};
struct sim_result {
    enum sim_property failed; /* SIM_FINE: all held */
    char text[256];
    uint64_t at_us, trace;
    uint32_t steps, phones;   /* of the plan that ran */
    uint32_t faults;
    uint32_t n_events;
    struct {
        uint64_t at_us;
        char text[SIM_EVENT_TEXT];
    } event[SIM_EVENTS]; /* the last, oldest first */
};
void sim_run(const struct sim_options *, struct sim_result *, struct sim_totals *); /* totals are added to; may be NULL */
/* Takes away phones, faults and steps while the same property still fails; *o is then the smallest, its `only` in
 * memory of at least SIM_STEPS_MAX places that the caller gives. tried: after each try, may be NULL. */
enum { SIM_STEPS_MAX = 1024 };
void sim_shrink(struct sim_options *o, struct sim_result *r, uint32_t *only, void (*tried)(const struct sim_options *, uint32_t tries));
/* "redoubt sim --seed 7 …", the line that repeats it. */
void sim_replay_line(const struct sim_options *, char *out, size_t cap);
const char *sim_fault_name(enum sim_fault);
