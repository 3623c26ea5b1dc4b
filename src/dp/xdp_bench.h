/* SPDX-License-Identifier: Apache-2.0 */
/* xdp_bench.h - what redoubt bench upf tells dp/bpf/bench.c. */
#pragma once
#include <linux/types.h>

enum { XDP_BENCH_HEAD = 78 }; /* Ethernet, outer IPv4, UDP, GTP-U with container, inner IPv4 */
struct xdp_bench {
    __u32 sessions, walk;
    __u32 teid_at, teid_first; /* offset; 0: no tunnel. Of session 0; the next one's is 4 more */
    __u32 ue_at, ue_first;     /* host order */
    __u32 sum_at, sum;         /* of the header with the UE's address: place, and value with address 0 */
    __u32 ifindex, base;       /* base: only make the packet */
    __u32 forward[2];          /* interfaces that frames are passed on between */
    __u64 lost;                /* not forwarded */
    __u8 head[XDP_BENCH_HEAD], unused[2];
};
