/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_flow.h - how many subscribers crowded cells can hand on, from cell to cell: a flow of the greatest value over
 * paths of few cells (Dinic's algorithm, which finds the shortest first). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct flow_edge {
    uint32_t from, to, room, used;
};
struct flow {
    struct flow_edge *edge;
    uint32_t n_edges;
    uint32_t *excess, *spare; /* by node: subscribers to be handed on, room that is left; both go down */
    uint32_t n_nodes;
};
/* ERR_NOSPACE. hops: edges of a path, at most. */
int flow_run(struct flow *, uint32_t hops);
