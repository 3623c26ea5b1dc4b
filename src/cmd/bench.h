/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what redoubt bench can measure beside the core in namespaces. */
#pragma once
#include <stdbool.h>

int bench_sim(bool json); /* the simulated network, in this process */
int bench_trust(bool json); /* what-if, evidence, decisions */
struct policy;
/* Takes the policy. false: the decisions were not those that it asks for. */
bool bench_decisions(struct policy *, double *decision_us);
