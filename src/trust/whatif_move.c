/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_move.c - where the subscribers of silent cells go (M2 to M4). Whole subscribers: none is made or lost by
 * rounding. */
#include "trust/whatif_flow.h"
#include "trust/whatif_parts.h"
#include <stdlib.h>

double whatif_covered(const struct whatif *w, uint32_t element)
{
    const struct inventory *v = w->ask.inventory;
    struct inv_range r = v->elements[element].neighbours;
    double bare = 1;
    for (uint32_t i = r.first; i < r.first + r.n; i++) {
        const struct inv_neighbour *n = &v->neighbours[i];
        if (n->neighbour && whatif_is_live(&w->elements[n->neighbour - 1]))
            bare *= 1 - (n->overlap < 100 ? n->overlap / 100 : 1);
    }
    return 1 - bare;
}

/* Users that a cell can serve: as given, or as its traffic allows when newcomers bring the network's mean of it. */
static void capacities(struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    double traffic = 0, users = 0;
    for (uint32_t i = 0; i < v->n_elements; i++)
        if (w->elements[i].is_cell && w->elements[i].state != WHATIF_ABSENT) {
            traffic += v->elements[i].traffic_mbps;
            users += v->elements[i].subscribers;
        }
    double each = users > 0 ? traffic / users : 0;
    for (uint32_t i = 0; i < v->n_elements; i++) {
        const struct inv_element *e = &v->elements[i];
        double most = e->capacity_users;
        if (e->capacity_mbps && each > 0) {
            double spare = (double)e->capacity_mbps - e->traffic_mbps;
            double by_traffic = e->subscribers + (spare > 0 ? spare / each : 0);
            most = most > 0 && most < by_traffic ? most : by_traffic;
        }
        w->elements[i].capacity = most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
    }
}

/* M2, M3 for one silent cell: its covered subscribers among its live neighbours, by running sums, so that they add up. */
static void demand(struct whatif *w, uint32_t c)
{
    const struct inventory *v = w->ask.inventory;
    struct inv_range r = v->elements[c].neighbours;
    uint32_t users = v->elements[c].subscribers, given = 0;
    double covered = whatif_covered(w, c), total = 0, sum = 0;
    uint32_t move = (uint32_t)((double)users * covered + 0.5);
    move = move < users ? move : users;
    for (uint32_t i = r.first; i < r.first + r.n; i++)
        if (v->neighbours[i].neighbour && whatif_is_live(&w->elements[v->neighbours[i].neighbour - 1]))
            total += v->neighbours[i].overlap;
    for (uint32_t i = r.first; i < r.first + r.n && total > 0; i++) {
        const struct inv_neighbour *n = &v->neighbours[i];
        if (!n->neighbour || !whatif_is_live(&w->elements[n->neighbour - 1]))
            continue;
        sum += n->overlap;
        uint32_t upto = (uint32_t)((double)move * (sum / total) + 0.5);
        upto = upto < move ? upto : move;
        w->elements[n->neighbour - 1].demand += upto > given ? upto - given : 0;
        given = upto > given ? upto : given;
    }
    w->elements[c].lost = users - given;
}

/* ---- M4 ---- */
static bool flow_new(struct flow *f, const struct whatif *w, uint32_t *node)
{
    const struct inventory *v = w->ask.inventory;
    for (uint32_t i = 0; i < v->n_elements; i++)
        node[i] = whatif_is_live(&w->elements[i]) ? f->n_nodes++ : UINT32_MAX;
    f->excess = calloc(f->n_nodes + 1u, sizeof(uint32_t));
    f->spare = calloc(f->n_nodes + 1u, sizeof(uint32_t));
    f->edge = calloc(v->n_neighbours + 1u, sizeof *f->edge);
    return f->excess && f->spare && f->edge;
}

static void flow_fill(struct flow *f, struct whatif *w, const uint32_t *node)
{
    const struct inventory *v = w->ask.inventory;
    for (uint32_t i = 0; i < v->n_elements; i++) {
        struct whatif_element *e = &w->elements[i];
        if (node[i] == UINT32_MAX || !e->capacity) /* unknown: takes what comes to it and nothing more */
            continue;
        uint64_t load = (uint64_t)v->elements[i].subscribers + e->demand;
        if (load <= e->capacity) {
            f->spare[node[i]] = e->capacity - (uint32_t)load;
        } else { /* one that was too full before is not made emptier */
            uint32_t above = (uint32_t)(load - e->capacity);
            f->excess[node[i]] = above < e->demand ? above : e->demand;
        }
    }
    for (uint32_t i = 0; i < v->n_neighbours; i++) {
        const struct inv_neighbour *n = &v->neighbours[i];
        if (!n->element || !n->neighbour || node[n->element - 1] == UINT32_MAX || node[n->neighbour - 1] == UINT32_MAX)
            continue;
        double users = (double)v->elements[n->element - 1].subscribers + w->elements[n->element - 1].demand;
        double room = users * (n->overlap < 100 ? n->overlap / 100 : 1);
        f->edge[f->n_edges++] = (struct flow_edge){node[n->element - 1], node[n->neighbour - 1], (uint32_t)room, 0};
    }
}

static void flow_take(const struct flow *f, struct whatif *w, const uint32_t *node, const uint32_t *element)
{
    for (uint32_t i = 0; i < f->n_edges; i++) {
        w->elements[element[f->edge[i].from]].handed_on += f->edge[i].used;
        w->elements[element[f->edge[i].to]].taken_over += f->edge[i].used;
    }
    for (uint32_t i = 0; i < w->ask.inventory->n_elements; i++)
        if (node[i] != UINT32_MAX)
            w->elements[i].lost = f->excess[node[i]];
}

static int hand_on(struct whatif *w)
{
    struct flow f = {0};
    uint32_t n = w->ask.inventory->n_elements, *node = calloc(n + 1u, sizeof *node), *element = calloc(n + 1u, sizeof *element);
    int e = node && element && flow_new(&f, w, node) ? OK : ERR_NOSPACE;
    if (e == OK) {
        for (uint32_t i = 0; i < n; i++)
            if (node[i] != UINT32_MAX)
                element[node[i]] = i;
        flow_fill(&f, w, node);
        e = flow_run(&f, WHATIF_HOPS);
    }
    if (e == OK)
        flow_take(&f, w, node, element);
    free(f.edge);
    free(f.excess);
    free(f.spare);
    free(node);
    free(element);
    return e;
}

int whatif_move(struct whatif *w)
{
    capacities(w);
    for (uint32_t i = 0; i < w->ask.inventory->n_elements; i++)
        if (whatif_is_silent(&w->elements[i]))
            demand(w, i);
    return hand_on(w);
}
