/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_latency.h - what a packet's way through the user plane takes longer than through the kernel's forwarding. */
#pragma once
#include "cmd/cmd.h"

struct bench_upf_latency { /* us */
    double kernel[2];      /* p50, p99, both ways together */
    double xdp[2], portable[2]; /* added to that */
    double rate;                /* packets a second */
};
/* In namespaces whose names start with prefix, which the caller takes away. EXIT_OK, or it has been said why not. */
int bench_upf_latency(struct bench_upf_latency *, const char *prefix, uint32_t duration_ms);
