/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_text.c - the report for a terminal. At the end of each line is what it rests on: [R1] a rule, [B1] a ban, [I] the
 * inventory, [M2] the model. */
#include "trust/whatif_parts.h"
#include <stdlib.h>

enum { ROWS = 10 };
static void line(struct out *o, const char *label, uint64_t v, uint64_t whole, const char *mark)
{
    char number[NUMBER_TEXT], share[NUMBER_TEXT];
    out_add(o, "  %-44s %13s  %-12s %s\n", label, number_text(v, number), share_text(v, whole, share), mark);
}
static void padded(struct out *o, struct str name, uint32_t width)
{
    size_t before = o->n;
    out_plain(o, name);
    uint32_t glyphs = 0;
    for (size_t i = before; i < o->n && !o->bad; i++)
        glyphs += (o->p[i] & 0xc0) != 0x80;
    for (; glyphs < width; glyphs++)
        out_str(o, STR(" "));
}

static void marks(struct out *o, const struct whatif *w) /* all causes: [R1 R2 B1] */
{
    char mark[NUMBER_TEXT];
    out_str(o, STR("["));
    for (uint32_t i = 0; i < w->n_causes && i < 6; i++)
        out_add(o, "%s%s", i ? " " : "", cause_mark(w, (uint16_t)i, mark));
    out_str(o, str_of(w->n_causes > 6 ? " ...]" : "]"));
}

static void head(struct out *o, const struct whatif *w)
{
    char a[INV_DATE_TEXT], b[INV_DATE_TEXT];
    if (w->ask.inventory->synthetic)
        out_str(o, STR("SYNTHETIC: made up for a trial, not a real network\n\n"));
    out_str(o, STR("WHAT IF: "));
    whatif_title(o, w, out_plain);
    out_add(o, "\non %s; inventory and deadlines as of %s\n", inv_date_text(w->ask.date, a), inv_date_text(w->ask.today, b));
}

static void service(struct out *o, const struct whatif *w)
{
    const struct whatif_sum *s = &w->sum;
    if (!s->denied)
        out_str(o, STR("\nNothing would have to go: all equipment in service on that day is permitted.\n"));
    out_str(o, STR("\nService                                                        of all\n"));
    line(o, "cells that fall silent", s->silent, s->cells, "[I M1]");
    line(o, "subscribers who stay where they are", s->kept, s->subscribers, "[I]");
    line(o, "subscribers whom neighbours take over", s->moved, s->subscribers, "[M2 M3]");
    line(o, "subscribers who lose service", whatif_lost(s), s->subscribers, "[M2 M4]");
    line(o, "  because nothing covers them any more", s->lost_coverage, s->subscribers, "[M2]");
    line(o, "  because no cell in reach has room", s->lost_capacity, s->subscribers, "[M4]");
    line(o, "people in places without service", s->population_lost, s->population, "[I M2]");
    line(o, "area without service, km2", (uint64_t)(s->area_lost_km2 + 0.5), (uint64_t)(s->area_km2 + 0.5), "[I M2]");
    line(o, "cells that overflow at first", s->overflowing, s->cells - s->silent, "[M3]");
    if (s->unknown_capacity)
        line(o, "cells that take over, capacity not given", s->unknown_capacity, s->cells - s->silent, "[I]");
    line(o, "elements to be replaced", s->denied, s->elements, "[I M1]");
    line(o, "permitted cells cut off with others", s->cut_off, s->elements, "[M1]");
    line(o, "sites of a single supplier, before", w->single_sites, w->sites, "[I]");
    line(o, "sites of a single supplier, after", w->single_sites_after, w->sites, "[I M1]");
    line(o, "regions with one radio supplier, before", w->single_regions, w->n_regions, "[I]");
    line(o, "regions with one radio supplier, after", w->single_regions_after, w->n_regions, "[I M1]");
}

static void regions(struct out *o, const struct whatif *w)
{
    char a[NUMBER_TEXT], b[NUMBER_TEXT], c[NUMBER_TEXT], d[NUMBER_TEXT];
    out_str(o, STR("\nRegions, the hardest hit first        silent       of    lose service  people without  radio suppliers\n"));
    for (uint32_t i = 0; i < w->n_regions && i < ROWS; i++) {
        const struct whatif_region *r = &w->regions[i];
        out_str(o, STR("  "));
        padded(o, whatif_region_name(w, r->region), 32);
        out_add(o, "%10s %8s %15s %15s  %u -> %u  [I M2 M4]\n", number_text(r->sum.silent, a), number_text(r->sum.cells, b),
                number_text(whatif_lost(&r->sum), c), number_text(r->sum.population_lost, d), r->suppliers_before, r->suppliers_after);
    }
    if (w->n_regions > ROWS)
        out_add(o, "  and %u more\n", w->n_regions - ROWS);
}

/* ---- cells ---- */
static void cells(struct out *o, const struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    uint32_t n_lost = 0, n_full = 0;
    struct ranked *lost = whatif_silenced(w, &n_lost), *full = whatif_crowded(w, &n_full);
    char a[NUMBER_TEXT], b[NUMBER_TEXT], mark[NUMBER_TEXT];
    o->bad = o->bad || !lost || !full;
    if (n_lost)
        out_str(o, STR("\nSilent cells, most lost subscribers first               serve now    lose service\n"));
    for (uint32_t i = 0; i < n_lost && i < ROWS; i++) {
        out_str(o, STR("  "));
        padded(o, whatif_element_name(w, lost[i].index), 46);
        out_add(o, "%17s %15s  [%s M2]\n", number_text(v->elements[lost[i].index].subscribers, a), number_text(lost[i].weight, b),
                cause_mark(w, w->elements[lost[i].index].cause, mark));
    }
    if (n_full)
        out_str(o, STR("\nNeighbours that overflow, fullest first          load     handed on    find no room\n"));
    for (uint32_t i = 0; i < n_full && i < ROWS; i++) {
        const struct whatif_element *e = &w->elements[full[i].index];
        out_str(o, STR("  "));
        padded(o, whatif_element_name(w, full[i].index), 42);
        out_add(o, "%8.0f %% %13s %15s  [M3 M4]\n", (double)full[i].weight / 10, number_text(e->handed_on, a), number_text(e->lost, b));
    }
    free(lost);
    free(full);
}

static void core(struct out *o, const struct whatif *w)
{
    if (w->n_classes)
        out_str(o, STR("\nCore, transport, management                           elements   denied   stay\n"));
    for (uint32_t i = 0; i < w->n_classes && i < ROWS; i++) {
        const struct whatif_class *c = &w->classes[i];
        out_add(o, "  %-24s ", inv_class_text(c->function));
        padded(o, whatif_region_name(w, c->region), 26);
        out_add(o, "%9u %8u %6u%s  [I]\n", c->elements, c->denied, c->elements - c->denied, c->elements == c->denied ? "  NONE LEFT" : "");
    }
    if (w->n_classes > ROWS)
        out_add(o, "  and %u more\n", w->n_classes - ROWS);
}

static void caps(struct out *o, const struct whatif *w)
{
    char day[INV_DATE_TEXT];
    if (w->n_caps)
        out_str(o, STR("\nCaps, the next that is crossed first\n"));
    for (uint32_t i = 0; i < w->n_caps && i < ROWS; i++) {
        const struct whatif_cap *c = &w->caps[i];
        out_str(o, STR("  "));
        out_plain(o, c->row->file->r.id);
        out_str(o, STR("/"));
        out_plain(o, c->row->rule->id);
        out_add(o, ": %u.%u %% of %s, at most %u %%", c->permille / 10, c->permille % 10, policy_metric_text((uint8_t)c->row->rule->cap_metric),
                c->row->cap_percent);
        if (c->region) {
            out_str(o, STR(" in "));
            out_plain(o, whatif_region_name(w, c->region));
        }
        if (c->is_above && c->from > w->ask.today)
            out_add(o, "; crossed on %s", inv_date_text(c->from, day));
        else
            out_str(o, str_of(c->is_above ? "; crossed now" : "; kept"));
        if (c->permille_after != UINT32_MAX)
            out_add(o, "; %u.%u %% after replacement", c->permille_after / 10, c->permille_after % 10);
        out_str(o, STR("  ["));
        out_plain(o, policy_citation(c->row));
        out_str(o, STR("]\n"));
    }
}

static void plan(struct out *o, const struct whatif *w)
{
    char a[NUMBER_TEXT], day[INV_DATE_TEXT];
    out_str(o, STR("\nReplacement [I M5]\n"));
    out_add(o, "  %s elements", number_text(w->n_order, a));
    for (uint32_t i = 0; i < w->n_costs; i++)
        out_add(o, "%s%s", i ? " and " : ", ", money_text(&w->cost[i], a));
    if (w->n_without_cost)
        out_add(o, "; no cost is given for %s", number_text(w->n_without_cost, a));
    out_add(o, "\n  deadlines ask for %s a month", number_text(w->per_month_needed, a));
    out_add(o, "; planned with %s a month", number_text(w->per_month, a));
    if (whatif_is_endless(w))
        out_str(o, STR(", which takes more than 30 years"));
    else if (w->n_months)
        out_add(o, ", done by the end of %.7s", inv_date_text(w->months[w->n_months - 1].first, day));
    out_add(o, "\n  overdue already: %s", number_text(w->n_overdue, a));
    out_add(o, "; late with this plan: %s\n", number_text(w->n_late, a));
    if (w->later) {
        out_add(o, "  beyond that day: %s permitted elements have later deadlines", number_text(w->later, a));
        out_add(o, ", the last on %s\n", inv_date_text(w->later_last, day));
    }
    for (uint32_t m = 0; m < w->n_months && m < 2 * ROWS; m++) {
        struct whatif_money most = whatif_money_most(w->months[m].cost, w->months[m].n_costs);
        out_add(o, "  %.7s %10u elements", inv_date_text(w->months[m].first, day), w->months[m].elements);
        out_add(o, "  %20s", most.amount ? money_text(&most, a) : "");
        out_add(o, "  due %u%s\n", w->months[m].due, w->months[m].late ? ", some late" : "");
    }
    if (w->n_months > 2 * ROWS)
        out_add(o, "  and %u months more\n", w->n_months - 2 * ROWS);
}

static void sources(struct out *o, const struct whatif *w)
{
    char mark[NUMBER_TEXT], a[NUMBER_TEXT], b[NUMBER_TEXT], day[INV_DATE_TEXT];
    out_str(o, STR("\nWhat this rests on\n"));
    for (uint32_t i = 0; i < w->n_causes; i++) {
        const struct whatif_cause *c = &w->causes[i];
        out_add(o, "  [%s] ", cause_mark(w, (uint16_t)i, mark));
        if (c->row) {
            out_plain(o, c->row->file->r.id);
            out_str(o, STR("/"));
            out_plain(o, c->row->rule->id);
            out_str(o, STR(": "));
            out_plain(o, c->row->rule->says);
            out_str(o, STR(". "));
            out_plain(o, policy_citation(c->row));
            out_add(o, " (%s, %s", policy_standing_text((uint8_t)c->row->file->r.standing), policy_sure_text((uint8_t)c->row->rule->sure));
            out_add(o, ", checked %s)", inv_date_text(policy_checked(c->row), day));
        } else if (c->supplier) {
            out_str(o, STR("ban of "));
            out_plain(o, whatif_supplier_name(w, c->supplier));
            out_str(o, STR(" and its group, as asked"));
        } else {
            out_str(o, STR("no rule permits it, and policy says so for what no rule speaks of"));
        }
        out_add(o, "; %s elements", number_text(c->elements, a));
        out_add(o, ", %s cells\n", number_text(c->cells, b));
    }
    out_str(o, STR("  [I]  the inventory\n"
                   "  [M1] what is not permitted is switched off, and with it cells whose site has no other permitted transport,\n"
                   "       security gateway or unit above them\n"
                   "  [M2] of a silent cell that part stays covered which live neighbours overlap, overlaps taken as independent;\n"
                   "       people and area count once for a site, and one that keeps a cell on the air loses none\n"
                   "  [M3] covered subscribers and their traffic go to live neighbours in proportion to the overlap\n"
                   "  [M4] crowded cells hand on to neighbours, from cell to cell over at most 6, as many as fit; the rest lose service\n"
                   "  [M5] earliest deadline first, then the most sensitive place, then the most subscribers\n"));
}

char *whatif_text(const struct whatif *w, uint32_t *n)
{
    struct out o = {0};
    head(&o, w);
    service(&o, w);
    out_str(&o, STR("  rules and bans: "));
    marks(&o, w);
    out_str(&o, STR("\n"));
    regions(&o, w);
    cells(&o, w);
    core(&o, w);
    caps(&o, w);
    plan(&o, w);
    sources(&o, w);
    if (w->ask.inventory->synthetic)
        out_str(&o, STR("\nSYNTHETIC: made up for a trial, not a real network\n"));
    return out_end(&o, n);
}
