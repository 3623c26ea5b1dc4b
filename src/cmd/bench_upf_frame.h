/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_frame.h - user packets of a mix of sessions for dp/bpf/bench.c: one frame, and how it changes by session. */
#pragma once
#include "dp/xdp_bench.h"
#include <stdbool.h>
#include <stdint.h>

enum { BENCH_FRAME_MAX = 2000 };
struct bench_frame {
    const uint8_t *to, *from; /* MAC addresses */
    uint32_t ue_first, sessions, sessions_max;
    bool up, tunnel; /* tunnel: by GTP-U from 192.168.3.2 to 192.168.3.1 where it goes up */
    uint32_t n;      /* octets of the user packet, which is UDP of 198.51.100.9 */
};
/* Octets of f, at most BENCH_FRAME_MAX. TEIDs are those that dp_teid() makes of random 0x40000000. */
uint32_t bench_frame_make(const struct bench_frame *, uint8_t *f, struct xdp_bench *);

struct bench_run {
    int program;
    uint32_t ifindex, repeat, flags; /* flags: of a test run */
    const uint8_t *frame;
    uint32_t n;
    double ns; /* out: a packet */
};
/* In this namespace. OK or ERR_UNSUPPORTED. */
int bench_run(void *run);
