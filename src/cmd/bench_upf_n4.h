/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_n4.h - what a session costs a UPF that runs: time to set it up over N4, memory to keep it. */
#pragma once
#include "cmd/cmd.h"

struct bench_upf_n4 {
    double per_second;      /* sessions that one core sets up: of the UPF's CPU time */
    double wall_per_second; /* with an SMF on the same machine */
    double octets;          /* of process memory, a session */
};
/* In a namespace whose name starts with prefix, which the caller takes away. EXIT_OK, or it has been said why not. */
int bench_upf_n4(struct bench_upf_n4 *, const char *prefix, uint32_t sessions);
/* What one that was killed left in the file system. */
void bench_upf_n4_clean(const char *prefix);
