/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_plan.c - cost and order of replacement (M5). */
#include "trust/whatif_parts.h"
#include <stdlib.h>

bool whatif_money_add(struct whatif_money *m, uint32_t *n, const char currency[4], uint64_t amount)
{
    uint32_t i = 0;
    while (i < *n && memcmp(m[i].currency, currency, sizeof m[i].currency) != 0)
        i++;
    if (i == WHATIF_CURRENCIES)
        return false;
    if (i == *n) {
        m[i] = (struct whatif_money){.amount = 0};
        memcpy(m[i].currency, currency, sizeof m[i].currency);
        ++*n;
    }
    m[i].amount += amount;
    return true;
}

struct whatif_money whatif_money_most(const struct whatif_money *m, uint32_t n)
{
    struct whatif_money most = {0};
    for (uint32_t i = 0; i < n; i++)
        if (m[i].amount > most.amount)
            most = m[i];
    return most;
}

/* ---- months ---- */
static int32_t month_first(int32_t day, uint32_t later) /* of the month that is so many after that of the day */
{
    char text[INV_DATE_TEXT];
    inv_date_text(day, text);
    uint32_t y = (uint32_t)strtoul(text, NULL, 10), m = (uint32_t)strtoul(text + 5, NULL, 10) - 1 + later;
    y += m / 12;
    m %= 12;
    if (y > 2199)
        y = 2199;
    char first[INV_DATE_TEXT] = "0000-00-01";
    for (uint32_t i = 4; i-- > 0; y /= 10)
        first[i] = (char)('0' + y % 10);
    first[5] = (char)('0' + (m + 1) / 10);
    first[6] = (char)('0' + (m + 1) % 10);
    int32_t out = day;
    inv_date_parse((struct str){first, 10}, &out);
    return out;
}

/* ---- order ---- */
struct item {
    int32_t deadline;
    uint8_t sensitivity;
    uint32_t subscribers, ref;
};
static int by_need(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->deadline != y->deadline)
        return x->deadline < y->deadline ? -1 : 1;
    if (x->sensitivity != y->sensitivity)
        return x->sensitivity > y->sensitivity ? -1 : 1;
    if (x->subscribers != y->subscribers)
        return x->subscribers > y->subscribers ? -1 : 1;
    return x->ref < y->ref ? -1 : x->ref > y->ref;
}

static struct item *items(struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    struct item *it = calloc(v->n_elements + 1u, sizeof *it);
    for (uint32_t i = 0; it && i < v->n_elements; i++) {
        const struct inv_element *e = &v->elements[i];
        if (w->elements[i].state != WHATIF_DENIED)
            continue;
        int32_t deadline = w->elements[i].deadline < w->ask.today ? w->ask.today - 1 : w->elements[i].deadline;
        it[w->n_order++] = (struct item){deadline, e->sensitivity, e->subscribers, i + 1};
        w->n_overdue += deadline < w->ask.today;
    }
    if (it)
        qsort(it, w->n_order, sizeof *it, by_need);
    return it;
}

/* Whole months from the next one on that end by the deadline; at least one: what is overdue is done at once. */
static uint32_t months_to(const struct whatif *w, int32_t deadline)
{
    uint32_t n = 0;
    while (n < WHATIF_MONTHS_MAX && month_first(w->ask.today, n + 2) - 1 <= deadline)
        n++;
    return n ? n : 1;
}

static uint32_t needed(const struct whatif *w, const struct item *it)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < w->n_order; i++)
        if (it[i].deadline >= w->ask.today && (i + 1 == w->n_order || it[i + 1].deadline != it[i].deadline)) {
            uint32_t months = months_to(w, it[i].deadline), each = (i + 1 + months - 1) / months;
            most = each > most ? each : most;
        }
    return most;
}

static void place(struct whatif *w, const struct item *it, uint32_t i)
{
    struct whatif_element *e = &w->elements[it[i].ref - 1];
    const struct inv_element *v = &w->ask.inventory->elements[it[i].ref - 1];
    uint32_t m = i / w->per_month;
    e->month = (uint16_t)(m < w->n_months ? m : w->n_months - 1);
    struct whatif_month *month = &w->months[e->month];
    int32_t last = month[1].first - 1, soonest = w->months[1].first - 1;
    /* what cannot be in time whatever is done is overdue, or due before the first month ends: it counts apart */
    e->is_late = last > it[i].deadline && it[i].deadline >= soonest;
    w->n_late += e->is_late;
    month->elements++;
    month->late += e->is_late;
    if (!v->replace_cost)
        w->n_without_cost++;
    else if (whatif_money_add(month->cost, &month->n_costs, v->currency, v->replace_cost))
        whatif_money_add(w->cost, &w->n_costs, v->currency, v->replace_cost);
}

static void due(struct whatif *w, const struct item *it)
{
    for (uint32_t i = 0; i < w->n_order; i++) {
        uint32_t m = 0;
        while (m < w->n_months && w->months[m + 1].first <= it[i].deadline)
            m++;
        if (m < w->n_months) /* the plan is done before the others are due */
            w->months[m].due++;
    }
}

int whatif_plan(struct whatif *w)
{
    struct item *it = items(w);
    w->order = calloc(w->n_order + 1u, sizeof *w->order);
    if (!it || !w->order) {
        free(it);
        return ERR_NOSPACE;
    }
    w->per_month_needed = needed(w, it);
    w->per_month = w->ask.per_month ? w->ask.per_month : w->per_month_needed ? w->per_month_needed : 1;
    w->n_months = w->n_order ? (w->n_order - 1) / w->per_month + 1 : 0;
    w->n_months = w->n_months < WHATIF_MONTHS_MAX ? w->n_months : WHATIF_MONTHS_MAX;
    w->months = calloc(w->n_months + 1u, sizeof *w->months);
    if (!w->months) {
        free(it);
        return ERR_NOSPACE;
    }
    for (uint32_t m = 0; m <= w->n_months; m++)
        w->months[m].first = month_first(w->ask.today, m + 1);
    for (uint32_t i = 0; i < w->n_order; i++) {
        w->order[i] = it[i].ref;
        place(w, it, i);
    }
    if (w->n_months)
        due(w, it);
    free(it);
    return OK;
}
