/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_run.h - doing the steps of a scenario: in a simulated network, or with gNBs and phones against any core. */
#pragma once
#include "base/log.h"
#include "cmd/scenario.h"
#include "ran/ue.h"
#include "rt/tap.h"

struct scenario_run;
/* What a scenario happens in. Phones and gNBs are counted from 0. */
struct scenario_bed {
    void *ctx;
    bool is_simulated;
    struct ran *ran;
    /* Lets that much time pass. A negative error with *why: it cannot go on. */
    int (*advance)(void *ctx, uint64_t us, struct text *why);
    uint64_t (*now_us)(void *ctx);
    struct ue *(*ue)(void *ctx, uint32_t i);
    struct cell *(*cell)(void *ctx, uint32_t i);
    int (*cell_start)(void *ctx, uint32_t i);
    int (*ue_restart)(void *ctx, uint32_t i);
    /* SIM steps, and INSIDE ones, of which it says in *is what is so and whether that is what was expected. NULL where there
     * is another core: INSIDE steps are then passed over, and SIM steps refused before anything starts. */
    int (*step)(struct scenario_run *, const struct scenario_step *, struct text *why);
    bool (*holds)(struct scenario_run *, const struct scenario_step *, struct text *is);
};
enum { SCENARIO_TYPES = 512, SCENARIO_ORDER = 16384, SCENARIO_FIELD_TEXT = 240, SCENARIO_HAPPENINGS = UE_DATA + 1 };
struct scenario_run {
    const struct scenario *s;
    struct scenario_bed bed;
    bool verbose;
    uint32_t passed_over; /* steps */
    uint32_t count[SCENARIO_LINKS][SCENARIO_TYPES]; /* sent since the mark */
    uint32_t happened[SCENARIO_UES_MAX][SCENARIO_HAPPENINGS];
    uint32_t logged[EVENT_COUNT];
    struct {
        uint8_t link;
        uint16_t type;
    } order[SCENARIO_ORDER];
    uint32_t n_order; /* those beyond are not kept */
    char field[SCENARIO_STEPS_MAX][SCENARIO_FIELD_TEXT]; /* of is_field steps: of the latest message; empty: none */
};
/* The bed tells of each message that is sent: rows of N2 and of services; of N1 also what NAS transport carries. */
void scenario_saw(struct scenario_run *, enum scenario_link, uint32_t type, const void *value);
void scenario_saw_nas(struct scenario_run *, const struct tap_event *);
void scenario_happened(struct scenario_run *, uint32_t ue, const struct ue_event *);
/* A line of the log, in text format. */
void scenario_logged(struct scenario_run *, struct str line);
bool scenario_compares(const struct scenario_arg *op, uint64_t is, uint64_t to);
/* "1-000009" as the phone has it; what a flaw does to a phone, but for altered capabilities, which are a fault of its. */
enum { SCENARIO_FLAW_KEY, SCENARIO_FLAW_ALGORITHMS, SCENARIO_FLAW_CAPABILITIES, SCENARIO_FLAW_SQN };
void scenario_slice(struct str, struct gnb_slice *);
void scenario_flaw(const struct scenario_step *, struct ue_config *);
/* OK, or a negative error with a line "FILE:LINE: …" in why. */
int scenario_run(struct scenario_run *, struct text *why);

/* The whole of it in simulation: network, steps, and at the end what is true of every network at rest
 * (cmd/sim_check.h), unless the scenario ends restless. capture: NULL, or a file that is open. */
int scenario_sim(const struct scenario *, bool verbose, void *capture, struct text *why);
