/* SPDX-License-Identifier: Apache-2.0 */
/* whatif_json.c - the report for programs: one object; every cell that is silent or takes over, every element to be
 * replaced in its order. */
#include "trust/whatif_parts.h"
#include <stdlib.h>

static void number(struct out *o, const char *name, uint64_t v) { out_add(o, ",\"%s\":%llu", name, (unsigned long long)v); }
static void text(struct out *o, const char *name, struct str s)
{
    out_add(o, ",\"%s\":", name);
    out_json(o, s);
}
static void date(struct out *o, const char *name, int32_t d)
{
    char t[INV_DATE_TEXT];
    if (d)
        out_add(o, ",\"%s\":\"%s\"", name, inv_date_text(d, t));
}
static void sum(struct out *o, const struct whatif_sum *s)
{
    out_add(o, "\"cells\":%u", s->cells);
    number(o, "cells_silent", s->silent);
    number(o, "cells_overflowing", s->overflowing);
    number(o, "cells_of_unknown_capacity", s->unknown_capacity);
    number(o, "subscribers", s->subscribers);
    number(o, "subscribers_kept", s->kept);
    number(o, "subscribers_moved", s->moved);
    number(o, "subscribers_lost", whatif_lost(s));
    number(o, "lost_for_coverage", s->lost_coverage);
    number(o, "lost_for_capacity", s->lost_capacity);
    number(o, "population", s->population);
    number(o, "population_lost", s->population_lost);
    out_add(o, ",\"area_km2\":%.1f,\"area_lost_km2\":%.1f", s->area_km2, s->area_lost_km2);
    number(o, "elements", s->elements);
    number(o, "elements_denied", s->denied);
    number(o, "elements_cut_off", s->cut_off);
}
static void money(struct out *o, const char *name, const struct whatif_money *m, uint32_t n)
{
    out_add(o, ",\"%s\":{", name);
    for (uint32_t i = 0; i < n; i++) {
        out_str(o, str_of(i ? "," : ""));
        out_json(o, str_of(m[i].currency));
        out_add(o, ":%llu", (unsigned long long)m[i].amount);
    }
    out_str(o, STR("}"));
}
static void cause(struct out *o, const struct whatif *w, uint16_t c)
{
    char mark[NUMBER_TEXT];
    if (c != WHATIF_NO_CAUSE)
        out_add(o, ",\"rests_on\":\"%s\"", cause_mark(w, c, mark));
}

static void causes(struct out *o, const struct whatif *w)
{
    out_str(o, STR(",\"rests_on\":["));
    for (uint32_t i = 0; i < w->n_causes; i++) {
        const struct whatif_cause *c = &w->causes[i];
        char mark[NUMBER_TEXT];
        out_add(o, "%s{\"mark\":\"%s\"", i ? "," : "", cause_mark(w, (uint16_t)i, mark));
        if (c->row) {
            text(o, "regime", c->row->file->r.id);
            text(o, "rule", c->row->rule->id);
            text(o, "says", c->row->rule->says);
            text(o, "citation", policy_citation(c->row));
            text(o, "source", policy_source(c->row));
            text(o, "sure", str_of(policy_sure_text((uint8_t)c->row->rule->sure)));
            text(o, "standing", str_of(policy_standing_text((uint8_t)c->row->file->r.standing)));
            date(o, "checked", policy_checked(c->row));
        } else {
            text(o, c->supplier ? "ban" : "otherwise", c->supplier ? whatif_supplier_name(w, c->supplier) : STR("no rule permits it"));
        }
        number(o, "elements", c->elements);
        number(o, "cells", c->cells);
        number(o, "subscribers", c->subscribers);
        date(o, "first_deadline", c->first_deadline);
        date(o, "last_deadline", c->last_deadline);
        out_str(o, STR("}"));
    }
    out_str(o, STR("]"));
}

static void regions(struct out *o, const struct whatif *w)
{
    out_str(o, STR(",\"regions\":["));
    for (uint32_t i = 0; i < w->n_regions; i++) {
        out_str(o, str_of(i ? ",{" : "{"));
        sum(o, &w->regions[i].sum);
        text(o, "region", whatif_region_name(w, w->regions[i].region));
        number(o, "radio_suppliers_before", w->regions[i].suppliers_before);
        number(o, "radio_suppliers_after", w->regions[i].suppliers_after);
        out_str(o, STR("}"));
    }
    out_str(o, STR("],\"suppliers\":["));
    for (uint32_t i = 0; i < w->n_suppliers; i++) {
        const struct whatif_supplier *s = &w->suppliers[i];
        out_add(o, "%s{\"elements\":%u,\"elements_denied\":%u,\"cells\":%u,\"cells_silent\":%u", i ? "," : "", s->elements, s->denied,
                s->cells, s->silent);
        number(o, "subscribers", s->subscribers);
        text(o, "supplier", whatif_supplier_name(w, s->supplier));
        out_str(o, STR("}"));
    }
    out_str(o, STR("]"));
}

static void cells(struct out *o, const struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    bool any = false;
    out_str(o, STR(",\"cells_changed\":["));
    for (uint32_t i = 0; i < v->n_elements; i++) {
        const struct whatif_element *e = &w->elements[i];
        bool silent = whatif_is_silent(e);
        if (!silent && !(whatif_is_live(e) && (e->demand || e->handed_on || e->taken_over)))
            continue;
        out_str(o, str_of(any ? ",{\"id\":" : "{\"id\":"));
        any = true;
        out_json(o, v->elements[i].id);
        out_add(o, ",\"state\":\"%s\"", !silent ? "takes-over" : e->state == WHATIF_DENIED ? "denied" : "cut-off");
        number(o, "subscribers", v->elements[i].subscribers);
        if (!silent) {
            number(o, "capacity", e->capacity);
            number(o, "newcomers", e->demand);
            number(o, "handed_on", e->handed_on);
            number(o, "taken_from_crowded", e->taken_over);
            number(o, "load", whatif_load(e, &v->elements[i]));
        }
        number(o, "lost", e->lost);
        if (e->cut_by)
            text(o, "cut_off_by", v->elements[e->cut_by - 1].id);
        cause(o, w, e->cause);
        out_str(o, STR("}"));
    }
    out_str(o, STR("]"));
}

static void classes(struct out *o, const struct whatif *w)
{
    out_str(o, STR(",\"functions\":["));
    for (uint32_t i = 0; i < w->n_classes; i++) {
        const struct whatif_class *c = &w->classes[i];
        out_add(o, "%s{\"function\":\"%s\",\"elements\":%u,\"denied\":%u", i ? "," : "", inv_class_text(c->function), c->elements, c->denied);
        number(o, "capacity", c->capacity);
        number(o, "capacity_denied", c->capacity_denied);
        text(o, "region", whatif_region_name(w, c->region));
        out_str(o, STR("}"));
    }
    out_str(o, STR("],\"caps\":["));
    for (uint32_t i = 0; i < w->n_caps; i++) {
        const struct whatif_cap *c = &w->caps[i];
        out_add(o, "%s{\"above\":%s,\"percent\":%.1f,\"cap_percent\":%u", i ? "," : "", c->is_above ? "true" : "false", c->permille / 10.0,
                c->row->cap_percent);
        if (c->permille_after != UINT32_MAX)
            out_add(o, ",\"percent_after\":%.1f", c->permille_after / 10.0);
        text(o, "regime", c->row->file->r.id);
        text(o, "rule", c->row->rule->id);
        text(o, "metric", str_of(policy_metric_text((uint8_t)c->row->rule->cap_metric)));
        text(o, "citation", policy_citation(c->row));
        if (c->region)
            text(o, "region", whatif_region_name(w, c->region));
        date(o, "binds_from", c->from);
        out_str(o, STR("}"));
    }
    out_str(o, STR("]"));
}

static void plan(struct out *o, const struct whatif *w)
{
    const struct inventory *v = w->ask.inventory;
    out_add(o, ",\"replacement\":{\"elements\":%u", w->n_order);
    money(o, "cost", w->cost, w->n_costs);
    number(o, "without_cost", w->n_without_cost);
    number(o, "per_month", w->per_month);
    number(o, "per_month_needed", w->per_month_needed);
    number(o, "overdue", w->n_overdue);
    number(o, "late", w->n_late);
    number(o, "later_deadlines", w->later);
    if (whatif_is_endless(w))
        out_str(o, STR(",\"longer_than_30_years\":true"));
    out_str(o, STR(",\"months\":["));
    for (uint32_t m = 0; m < w->n_months; m++) {
        const struct whatif_month *x = &w->months[m];
        char day[INV_DATE_TEXT];
        out_add(o, "%s{\"month\":\"%.7s\",\"elements\":%u,\"due\":%u,\"late\":%u", m ? "," : "", inv_date_text(x->first, day), x->elements,
                x->due, x->late);
        money(o, "cost", x->cost, x->n_costs);
        out_str(o, STR("}"));
    }
    out_str(o, STR("],\"order\":["));
    for (uint32_t i = 0; i < w->n_order; i++) {
        const struct whatif_element *e = &w->elements[w->order[i] - 1];
        char day[INV_DATE_TEXT];
        out_str(o, str_of(i ? ",{\"id\":" : "{\"id\":"));
        out_json(o, v->elements[w->order[i] - 1].id);
        out_add(o, ",\"month\":\"%.7s\"", inv_date_text(w->months[e->month].first, day));
        if (e->deadline < w->ask.today)
            out_str(o, STR(",\"overdue\":true"));
        else
            date(o, "deadline", e->deadline);
        cause(o, w, e->cause);
        out_str(o, STR("}"));
    }
    out_str(o, STR("]}"));
}

char *whatif_json(const struct whatif *w, uint32_t *n)
{
    struct out o = {0};
    char a[INV_DATE_TEXT];
    out_add(&o, "{\"synthetic\":%s,\"date\":\"%s\"", w->ask.inventory->synthetic ? "true" : "false", inv_date_text(w->ask.date, a));
    date(&o, "today", w->ask.today);
    struct out title = {0};
    whatif_title(&title, w, out_plain);
    text(&o, "question", (struct str){title.p, (uint32_t)title.n});
    o.bad |= title.bad;
    uint32_t unused;
    char *t = out_end(&title, &unused);
    out_str(&o, STR(",\"total\":{"));
    sum(&o, &w->sum);
    number(&o, "sites", w->sites);
    number(&o, "sites_with_denied", w->sites_denied);
    number(&o, "sites_of_one_supplier", w->single_sites);
    number(&o, "sites_of_one_supplier_after", w->single_sites_after);
    number(&o, "regions_of_one_radio_supplier", w->single_regions);
    number(&o, "regions_of_one_radio_supplier_after", w->single_regions_after);
    out_str(&o, STR("}"));
    causes(&o, w);
    regions(&o, w);
    classes(&o, w);
    cells(&o, w);
    plan(&o, w);
    out_str(&o, STR("}\n"));
    if (t)
        free(t);
    return out_end(&o, n);
}
