/* SPDX-License-Identifier: Apache-2.0 */
/* whatif.c - who may stay on the day, and who is cut off with whom (M1). */
#include "trust/whatif_parts.h"
#include <stdlib.h>

/* ---- causes ---- */
static uint16_t cause_of(struct whatif *w, const struct policy_row *row, uint32_t supplier)
{
    for (uint32_t i = 0; i < w->n_causes; i++)
        if (w->causes[i].row == row && w->causes[i].supplier == supplier)
            return (uint16_t)i;
    /* room for every row and every ban was made; row NULL and supplier 0: what no rule allows */
    w->causes[w->n_causes] = (struct whatif_cause){.row = row, .supplier = supplier};
    return (uint16_t)w->n_causes++;
}

static uint32_t banned_with(const struct whatif *w, uint32_t supplier) /* the ban that meets it; 0: none */
{
    for (uint32_t i = 0; i < w->ask.n_bans && supplier; i++)
        if (inventory_in_group(w->ask.inventory, supplier, w->ask.ban[i]))
            return w->ask.ban[i];
    return 0;
}

/* ---- each element by itself ---- */
static bool is_cell(const struct inv_element *e)
{
    bool covers = e->function == INV_CLASS_gnb || e->function == INV_CLASS_du || e->function == INV_CLASS_ru ||
                  e->function == INV_CLASS_enb || e->function == INV_CLASS_nodeb || e->function == INV_CLASS_bts;
    return covers && (e->area_km2 > 0 || e->population || e->subscribers || e->capacity_users || e->neighbours.n);
}

/* The rule to name: of those that hold on the day the one that is broken today already, or else the strictest. */
static const struct policy_row *row_of(const struct policy_verdict *then, const struct policy_verdict *now)
{
    for (uint32_t i = 0; !now->permitted && now->n_reasons && i < then->n_reasons; i++)
        if (then->reasons[i].row == now->reasons[0].row)
            return then->reasons[i].row;
    return then->n_reasons ? then->reasons[0].row : NULL;
}

static void judge(struct whatif *w, uint32_t i)
{
    struct whatif_element *e = &w->elements[i];
    const struct inv_element *v = &w->ask.inventory->elements[i];
    uint32_t ban = banned_with(w, v->supplier);
    struct policy_verdict now = {.permitted = true}, then = now;
    struct policy_query q = {.element = i + 1, .date = w->ask.date};
    e->cause = WHATIF_NO_CAUSE;
    e->is_cell = is_cell(v);
    if (!inv_in_service(v, w->ask.date))
        return;
    e->state = WHATIF_STAYS;
    if (w->ask.set)
        policy_decide(w->ask.set, &q, &then);
    if (then.permitted && !ban) {
        if (then.deadline) {
            w->later++;
            w->later_last = then.deadline > w->later_last ? then.deadline : w->later_last;
        }
        return;
    }
    e->state = WHATIF_DENIED;
    e->deadline = w->ask.date; /* of a ban: it takes effect on that day */
    if (!then.permitted) {
        q.date = w->ask.today;
        policy_decide(w->ask.set, &q, &now);
        bool now_ok = now.permitted || !inv_in_service(v, w->ask.today);
        e->deadline = !now_ok ? w->ask.today - 1 : now.deadline && now.deadline < w->ask.date ? now.deadline : w->ask.date;
        e->cause = cause_of(w, row_of(&then, &now), 0);
    } else {
        e->cause = cause_of(w, NULL, ban);
    }
}

/* ---- M1: what a cell hangs on at its site ---- */
enum { UP_TRANSPORT, UP_GATEWAY, UP_CU, UP_CU_CP, UP_CU_UP, UP_DU, UPS };
static int up_of(uint8_t function)
{
    switch (function) {
    case INV_CLASS_transport: return UP_TRANSPORT;
    case INV_CLASS_security_gateway: return UP_GATEWAY;
    case INV_CLASS_cu: return UP_CU;
    case INV_CLASS_cu_cp: return UP_CU_CP;
    case INV_CLASS_cu_up: return UP_CU_UP;
    case INV_CLASS_du: return UP_DU;
    default: return -1;
    }
}
static bool hangs_on(uint8_t function, int up)
{
    bool is_du = function == INV_CLASS_du, is_ru = function == INV_CLASS_ru;
    return up == UP_TRANSPORT || up == UP_GATEWAY || (up == UP_DU && is_ru) || (up >= UP_CU && up <= UP_CU_UP && (is_du || is_ru));
}

static void cut_off_site(struct whatif *w, const struct inv_site *s)
{
    const struct inventory *v = w->ask.inventory;
    uint32_t lost[UPS] = {0}; /* reference of one that is denied, where none of that class stays */
    bool stays[UPS] = {false};
    for (uint32_t i = 0; i < s->elements.n; i++) {
        uint32_t ref = v->by_site[s->elements.first + i];
        const struct whatif_element *e = &w->elements[ref - 1];
        int up = up_of(v->elements[ref - 1].function);
        if (up < 0)
            continue;
        stays[up] |= e->state == WHATIF_STAYS;
        if (e->state == WHATIF_DENIED && !lost[up])
            lost[up] = ref;
    }
    for (uint32_t i = 0; i < s->elements.n; i++) {
        uint32_t ref = v->by_site[s->elements.first + i];
        struct whatif_element *e = &w->elements[ref - 1];
        for (int up = 0; up < UPS && e->state == WHATIF_STAYS; up++)
            if (lost[up] && !stays[up] && inv_class_group(v->elements[ref - 1].function) == INV_GROUP_radio &&
                hangs_on(v->elements[ref - 1].function, up)) {
                e->state = WHATIF_CUT_OFF;
                e->cut_by = lost[up];
                e->cause = w->elements[lost[up] - 1].cause;
            }
    }
}

/* ---- life ---- */
int whatif_run(struct whatif **out, const struct whatif_ask *ask)
{
    const struct inventory *v = ask->inventory;
    struct whatif *w = calloc(1, sizeof *w);
    *out = NULL;
    if (!w)
        return ERR_NOSPACE;
    w->ask = *ask;
    uint32_t rows = ask->set ? policy_of(ask->set)->n_rows : 0;
    w->elements = calloc(v->n_elements + 1u, sizeof *w->elements);
    w->causes = calloc(rows + ask->n_bans + 2u, sizeof *w->causes);
    int e = ask->date < ask->today || ask->n_bans > WHATIF_BANS_MAX ? ERR_RANGE : w->elements && w->causes ? OK : ERR_NOSPACE;
    if (e == OK) {
        for (uint32_t i = 0; i < v->n_elements; i++)
            judge(w, i);
        for (uint32_t i = 0; i < v->n_sites; i++)
            cut_off_site(w, &v->sites[i]);
        e = whatif_move(w);
    }
    if (e == OK)
        e = whatif_plan(w);
    if (e == OK)
        e = whatif_sums(w);
    if (e < 0) {
        whatif_free(w);
        return e;
    }
    *out = w;
    return OK;
}

void whatif_free(struct whatif *w)
{
    if (!w)
        return;
    free(w->elements);
    free(w->causes);
    free(w->regions);
    free(w->suppliers);
    free(w->classes);
    free(w->caps);
    free(w->order);
    free(w->months);
    free(w);
}
