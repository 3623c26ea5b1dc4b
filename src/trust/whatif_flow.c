/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/whatif_flow.h"
#include <stdlib.h>

enum { FAR = UINT32_MAX };
struct work { /* edges by node, forwards and backwards: e, or ~e for what was used of e */
    uint32_t *first, *list, *level, *next, *queue;
};

static void work_free(struct work *w)
{
    free(w->first);
    free(w->list);
    free(w->level);
    free(w->next);
    free(w->queue);
}

static bool work_new(struct work *w, const struct flow *f)
{
    w->first = calloc(f->n_nodes + 2u, sizeof(uint32_t));
    w->list = calloc(2u * f->n_edges + 1u, sizeof(uint32_t));
    w->level = calloc(f->n_nodes + 1u, sizeof(uint32_t));
    w->next = calloc(f->n_nodes + 1u, sizeof(uint32_t));
    w->queue = calloc(f->n_nodes + 1u, sizeof(uint32_t));
    if (!w->first || !w->list || !w->level || !w->next || !w->queue)
        return false;
    for (uint32_t i = 0; i < f->n_edges; i++) {
        w->first[f->edge[i].from + 1]++;
        w->first[f->edge[i].to + 1]++;
    }
    for (uint32_t i = 0; i < f->n_nodes; i++)
        w->first[i + 1] += w->first[i];
    memcpy(w->next, w->first, f->n_nodes * sizeof(uint32_t));
    for (uint32_t i = 0; i < f->n_edges; i++) {
        w->list[w->next[f->edge[i].from]++] = i;
        w->list[w->next[f->edge[i].to]++] = ~i;
    }
    return true;
}

static uint32_t left(const struct flow *f, uint32_t x) /* on an edge in the direction that x means */
{
    return x < f->n_edges ? f->edge[x].room - f->edge[x].used : f->edge[~x].used;
}
static uint32_t target(const struct flow *f, uint32_t x) { return x < f->n_edges ? f->edge[x].to : f->edge[~x].from; }

/* How far each node is from one with an excess; false: no spare room is within reach. */
static bool levels(const struct flow *f, struct work *w, uint32_t hops, uint32_t *depth)
{
    uint32_t head = 0, tail = 0;
    *depth = FAR;
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        w->level[i] = f->excess[i] ? 0 : FAR;
        if (f->excess[i])
            w->queue[tail++] = i;
    }
    while (head < tail) {
        uint32_t n = w->queue[head++];
        if (w->level[n] && f->spare[n] && *depth == FAR)
            *depth = w->level[n];
        if (w->level[n] >= hops || w->level[n] >= *depth)
            continue;
        for (uint32_t i = w->first[n]; i < w->first[n + 1]; i++) {
            uint32_t to = target(f, w->list[i]);
            if (w->level[to] == FAR && left(f, w->list[i])) {
                w->level[to] = w->level[n] + 1;
                w->queue[tail++] = to;
            }
        }
    }
    return *depth != FAR;
}

/* Pushes up to `most` from a node to spare room at that depth; the recursion is no deeper than a path. */
static uint32_t push(struct flow *f, struct work *w, uint32_t n, uint32_t most, uint32_t depth)
{
    uint32_t pushed = 0;
    if (w->level[n] == depth) {
        pushed = most < f->spare[n] ? most : f->spare[n];
        f->spare[n] -= pushed;
        return pushed;
    }
    for (; pushed < most && w->next[n] < w->first[n + 1]; w->next[n]++) {
        uint32_t x = w->list[w->next[n]], to = target(f, x), room = left(f, x), want = most - pushed;
        if (!room || w->level[to] != w->level[n] + 1)
            continue;
        uint32_t got = push(f, w, to, want < room ? want : room, depth);
        if (x < f->n_edges)
            f->edge[x].used += got;
        else
            f->edge[~x].used -= got;
        pushed += got;
        if (pushed == most)
            break; /* there may be more room on this edge */
    }
    return pushed;
}

int flow_run(struct flow *f, uint32_t hops)
{
    struct work w = {0};
    uint32_t depth;
    if (!work_new(&w, f)) {
        work_free(&w);
        return ERR_NOSPACE;
    }
    while (levels(f, &w, hops, &depth)) {
        memcpy(w.next, w.first, f->n_nodes * sizeof(uint32_t));
        for (uint32_t i = 0; i < f->n_nodes; i++)
            if (w.level[i] == 0 && f->excess[i])
                f->excess[i] -= push(f, &w, i, f->excess[i], depth);
    }
    work_free(&w);
    return OK;
}
