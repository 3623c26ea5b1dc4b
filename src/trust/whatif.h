/* SPDX-License-Identifier: Apache-2.0 */
/* whatif.h - what a policy, or a ban of suppliers, would do to the network on a day: cells that fall silent, who loses
 * service, who takes over and overflows, what replacement costs and in which order. Computes and changes nothing.
 *
 * The model, in words that the reports repeat (docs/trust/what-if.md):
 *   M1  equipment that is not permitted is switched off; cells whose site has no other permitted transport, security
 *       gateway or unit above them fall silent with it
 *   M2  of a silent cell's area, subscribers and population, that part is still covered which its live neighbours overlap,
 *       as if their overlaps were independent of one another; area and people count once for a site, and one that keeps
 *       a cell on the air loses none
 *   M3  covered subscribers go to the live neighbours in proportion to their overlap, and traffic with them
 *   M4  a cell above its capacity hands on to its live neighbours as many as are in the overlap and fit there, these to
 *       theirs, over at most WHATIF_HOPS cells, as many as possible; those left over lose service
 *   M5  what is not permitted is replaced, the earliest deadline first, then the most sensitive place, then the most
 *       subscribers, so many a month */
#pragma once
#include "trust/policy.h"

enum { WHATIF_HOPS = 6, WHATIF_BANS_MAX = 32, WHATIF_CURRENCIES = 8, WHATIF_MONTHS_MAX = 360, WHATIF_NO_CAUSE = 0xffff };
struct whatif_ask {
    const struct inventory *inventory;
    struct policy_set *set; /* NULL: no policy, the bans alone */
    int32_t today, date;    /* date >= today */
    uint32_t ban[WHATIF_BANS_MAX], n_bans; /* suppliers (references), each with its group */
    uint32_t per_month;     /* replacements that can be done in a month; 0: as many as the deadlines ask for */
};
enum whatif_state {
    WHATIF_ABSENT,    /* not in service on that day */
    WHATIF_STAYS,
    WHATIF_DENIED,    /* not permitted */
    WHATIF_CUT_OFF,   /* permitted, and silent because of another element of its site (M1) */
};
struct whatif_element {
    uint8_t state; /* enum whatif_state */
    bool is_cell;
    uint16_t cause;         /* in causes[]; WHATIF_NO_CAUSE: none */
    uint32_t cut_by;        /* reference of the element that cuts it off; 0: none */
    int32_t deadline;       /* of what is denied: last day on which it is permitted; before today: overdue */
    uint16_t month;         /* in months[], where it is replaced */
    bool is_late;           /* it is replaced after its deadline */
    /* a cell; subscribers */
    uint32_t demand;    /* that its silent neighbours' subscribers make on it */
    uint32_t handed_on; /* M4 */
    uint32_t taken_over; /* from live neighbours, M4 */
    uint32_t lost;      /* a silent cell's that are not covered; a live one's that found no room */
    uint32_t capacity;  /* with traffic weighed in; 0: not given */
};
struct whatif_money {
    char currency[4];
    uint64_t amount;
};
struct whatif_cause { /* a rule, or a ban */
    const struct policy_row *row; /* NULL: the ban of supplier */
    uint32_t supplier;
    uint32_t elements, cells, subscribers; /* denied, with what they cut off */
    uint64_t population;
    int32_t first_deadline, last_deadline;
};
struct whatif_sum {
    uint32_t cells, silent, overflowing, unknown_capacity;
    uint64_t subscribers, kept, moved, lost_coverage, lost_capacity; /* subscribers = kept + moved + both lost */
    uint64_t population, population_lost;
    double area_km2, area_silent_km2, area_lost_km2;
    uint32_t elements, denied, cut_off;
};
struct whatif_region {
    uint32_t region; /* reference; 0: those without one */
    struct whatif_sum sum;
    uint32_t suppliers_before, suppliers_after; /* of radio equipment */
};
struct whatif_supplier {
    uint32_t supplier; /* reference; 0: not known */
    uint32_t elements, denied, cells, silent;
    uint64_t subscribers;
};
struct whatif_cap {
    const struct policy_row *row;
    uint32_t region;               /* where it stands worst; 0: the nation, or unnamed */
    uint32_t permille, permille_after; /* now; when what is denied is gone and others have replaced it */
    int32_t from;                  /* first day on which it binds; 0: always */
    bool is_above;
};
struct whatif_month {
    int32_t first; /* day of the month */
    uint32_t elements, late, due; /* replaced; of them after their deadline; whose deadline falls into it */
    struct whatif_money cost[WHATIF_CURRENCIES];
    uint32_t n_costs;
};
struct whatif_class { /* core, transport and management: what stays of a function class in a region */
    uint32_t region;
    uint8_t function;
    uint32_t elements, denied;
    uint64_t capacity, capacity_denied; /* users, where given */
};
struct whatif {
    struct whatif_ask ask;
    struct whatif_element *elements; /* as the inventory's, by index */
    struct whatif_sum sum;
    struct whatif_cause *causes;
    uint32_t n_causes;
    struct whatif_region *regions; /* those with elements; the most lost subscribers first */
    uint32_t n_regions;
    struct whatif_supplier *suppliers; /* the most elements first */
    uint32_t n_suppliers;
    struct whatif_class *classes; /* those with something denied; what is left over least first */
    uint32_t n_classes;
    struct whatif_cap *caps; /* the next that is crossed first */
    uint32_t n_caps;
    uint32_t single_sites, single_sites_after, sites, sites_denied; /* sites of one supplier; where something is denied */
    uint32_t single_regions, single_regions_after;
    uint32_t *order; /* references of what is to be replaced, as M5 has it */
    uint32_t n_order, per_month, per_month_needed, n_late, n_overdue, n_without_cost;
    struct whatif_month *months;
    uint32_t n_months;
    struct whatif_money cost[WHATIF_CURRENCIES];
    uint32_t n_costs;
    uint32_t later; /* permitted on the day, and with a deadline after it */
    int32_t later_last;
};
/* OK; ERR_NOSPACE; ERR_RANGE: the date is before today. The inventory and the set must outlive it. */
int whatif_run(struct whatif **, const struct whatif_ask *);
void whatif_free(struct whatif *);
/* So few a month that the plan ends after WHATIF_MONTHS_MAX: its last month has all that is left. */
static inline bool whatif_is_endless(const struct whatif *w) { return w->n_order > (uint64_t)w->per_month * WHATIF_MONTHS_MAX; }
static inline uint64_t whatif_lost(const struct whatif_sum *s) { return s->lost_coverage + s->lost_capacity; }
/* Users on a live cell afterwards, and what it would carry without M4. */
static inline uint64_t whatif_load(const struct whatif_element *e, const struct inv_element *i)
{
    return (uint64_t)i->subscribers + e->demand + e->taken_over - e->handed_on - e->lost;
}

/* ---- reports: UTF-8, free() it; NULL: no memory ---- */
char *whatif_text(const struct whatif *, uint32_t *n);
char *whatif_json(const struct whatif *, uint32_t *n);
char *whatif_html(const struct whatif *, uint32_t *n); /* one page that needs nothing else */
