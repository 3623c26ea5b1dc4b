/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_ran.h - redoubt ran --scenario: the same steps with real gNBs and phones against any core. */
#pragma once
#include "cmd/ran.h"
#include "cmd/scenario_run.h"

/* Reads a file; *memory is the caller's to free, whatever is returned. As scenario_parse(). */
int scenario_read(const char *file, struct scenario *, void **memory, struct text *why);
/* r->o.scenario becomes r->script, with as many gNBs and phones as it says. EXIT_USAGE after what is wrong was said: it
 * cannot be read, or has steps that another core cannot give. */
int scenario_ran_read(struct ran_cmd *);
void scenario_ran_free(struct ran_cmd *);
/* What SETUP says of a phone. */
void scenario_ran_shape(const struct ran_cmd *, uint32_t phone, struct ue_config *);
/* Waits for the gNBs, does the steps, and lets the phones leave; the exit status. */
int scenario_ran(struct ran_cmd *);
