/* SPDX-License-Identifier: Apache-2.0 */
/* offload.h - the packet path's second half, which runs in the kernel (dp/bpf/upf.c): sessions of a
 * dp are compiled into its maps, what it has counted comes back into the dp, and a session's
 * packets move from here to there only when none of them is on its way any more, so their order is
 * kept.
 *
 * The maps are memory here; who owns them (os/xdp.h) gives them. All functions belong to the dp's
 * thread. A session that the kernel's half cannot do wholly (more rules than a block holds, filters
 * by SPI or flow label, ...) stays here, and nobody notices but its speed. */
#pragma once
#include "dp/dp.h"
#include "dp/xdp_map.h"

struct offload_maps {
    uint32_t cpus, blocks_max, cells;
    uint8_t *sessions, *blocks; /* strides below */
    struct xdp_shared *shared;
    uint32_t *ue_cells;         /* of the pools, one after another as in the dp's configuration */
    const uint64_t *counters;   /* a row of XDP_COUNTERS for each CPU */
    /* UE addresses outside the pools; session 0: away. An error leaves the session here. */
    int (*ue_other)(void *ctx, const struct xdp_ue_key *, uint32_t session_and_1);
    uint32_t (*ue_other_at)(void *ctx, const struct xdp_ue_key *); /* 0: none has it */
    void *ctx;
};
static inline uint32_t offload_session_octets(uint32_t cpus)
{
    return (uint32_t)(sizeof(struct xdp_session) + cpus * sizeof(struct xdp_use));
}
static inline uint32_t offload_block_octets(uint32_t cpus)
{
    return (uint32_t)(sizeof(struct xdp_block) + cpus * sizeof(struct xdp_block_use));
}
/* Read-only data of the program for this dp; routed: bit for each instance whose packets need no
 * translation. The pools' cells are counted into *cells. */
void offload_config(const struct dp_config *, uint32_t cpus, uint64_t routed, struct xdp_config *,
                    uint32_t *cells);

struct offload;
/* NULL: no memory. Attaches itself to the dp, which must have no sessions. The maps are zero, or hold
 * what an earlier process left: those sessions go on as they were, each until the dp has one at its index
 * or with its address, the rest until offload_forget(). What they have counted before is not counted
 * again. */
struct offload *offload_new(struct dp *, const struct offload_maps *, const struct xdp_config *);
/* Ends what an earlier process left; how many sessions there were. */
uint32_t offload_forget(struct offload *);
/* All sessions are handed up from here on, and what the kernel counted is taken over. */
void offload_free(struct offload *);
/* After each batch, and when offload_next_us() says: limits are renewed, sessions whose packets
 * have all arrived move to the kernel. idle: nothing waits in the sockets. */
void offload_settle(struct offload *, uint64_t now_us, bool idle);
uint64_t offload_next_us(const struct offload *); /* UINT64_MAX: nothing waits */
/* Adds what the kernel counted to the dp's own. */
void offload_counters(const struct offload *, uint64_t to[DP_COUNTERS]);
struct offload_numbers {
    uint32_t sessions, fast, blocks; /* in the dp; handled in the kernel; blocks in use */
    uint32_t left;                   /* of an earlier process, still going on */
};
struct offload_numbers offload_numbers(const struct offload *);
