/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_tcp.h - TCP of a phone through the portable user plane, beside the kernel's forwarding of it, and within its
 * session's rate. */
#pragma once
#include "cmd/cmd.h"

enum bench_tcp_way {
    BENCH_TCP_PORTABLE, /* phone, gNB, user plane */
    BENCH_TCP_KERNEL,   /* phone, gNB, the kernel's forwarding */
    BENCH_TCP_ALONE,    /* the kernel's forwarding */
    BENCH_TCP_WAYS
};
struct bench_upf_tcp {
    double mbit[BENCH_TCP_WAYS][2]; /* of what TCP delivers: down, up */
    double police_pct;             /* of the configured rate, octets of IP packets */
};
/* In namespaces whose names start with prefix, which the caller takes away. EXIT_OK, or it has been said why not. */
int bench_upf_tcp(struct bench_upf_tcp *, const char *prefix, uint32_t duration_ms);
