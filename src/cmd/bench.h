/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what redoubt bench can measure beside the core in namespaces. */
#pragma once
#include <stdbool.h>

int bench_sim(bool json); /* the simulated network, in this process */
int bench_trust(bool json); /* what-if and evidence */
