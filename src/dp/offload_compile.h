/* SPDX-License-Identifier: Apache-2.0 */
/* offload_compile.h - a session's rules as the kernel's half reads them (dp/xdp_map.h). Private to dp/offload.c, which
 * puts them into the maps. */
#pragma once
#include "dp/state.h"
#include "dp/xdp_map.h"

enum limit_kind { LIMIT_TOTAL, LIMIT_UL, LIMIT_DL, LIMIT_FIRST };
struct compiled {
    const struct dp_rules *r; /* in, and the next two */
    uint64_t routed;          /* as in struct xdp_config */
    bool check_peer;
    uint8_t limits, urr_of[XDP_METERS], kind_of[XDP_METERS]; /* limits that the session has: URR, enum limit_kind */
    uint8_t bucket_of[XDP_METERS];                           /* QER * 2 + direction */
    unsigned buckets, matches;
};
bool rules_are_small(const struct dp_rules *); /* no block is needed */
/* False, each: not for the kernel. */
bool head_compile(const struct compiled *, struct xdp_session *);
bool pdr_compile(struct compiled *, const struct pdr *, struct xdp_pdr *);
bool block_compile(struct compiled *, struct xdp_block *);
/* Octets that may pass before a report is due, or a packet must be looked at here. */
int64_t limit_wanted(const struct urr *, unsigned kind);
