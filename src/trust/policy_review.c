/* SPDX-License-Identifier: Apache-2.0 */
/* policy_review.c - conflicts and gaps: what files say differently of the same equipment, what they say of nobody, and
 * what the inventory would have to know. Only told; what holds is what policy_decide.c makes of it. */
#include "trust/policy_set.h"
#include "rt/config_rows.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct review {
    const struct policy *p;
    const struct inventory *v;
    struct policy_set *s; /* NULL: there is no inventory */
    int32_t date;
    struct config_report *report;
};
static void warn(struct review *k, const struct policy_file *f, uint32_t line, const char *format, ...) __attribute__((format(printf, 4, 5)));
static void warn(struct review *k, const struct policy_file *f, uint32_t line, const char *format, ...)
{
    char what[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    if (f)
        config_say(k->report, false, STR_FMT ":%u: warning: %s", STR_ARG(f->name), line, what);
    else
        config_say(k->report, false, "inventory: warning: %s", what);
}
#define RULE_FMT    STR_FMT "/" STR_FMT
#define RULE_ARG(w) STR_ARG((w)->file->r.id), STR_ARG((w)->rule->id)

/* ---- files alone ---- */
static void review_list(struct review *k, const struct policy_row *w, struct str name)
{
    struct policy_list_at at, first = {NULL, NULL, 0};
    uint32_t members = 0, n = 0;
    while (policy_list_next(k->p, name, &n, &at)) {
        members += at.list->n_suppliers + at.list->n_countries;
        first = first.list ? first : at;
    }
    if (!members && first.list)
        warn(k, first.file, first.line, "list " STR_FMT " names nobody, so that rule " RULE_FMT " concerns nobody until somebody fills it in",
             STR_ARG(name), RULE_ARG(w));
}
static void review_conditions(struct review *k, const struct policy_row *w)
{
    if (w->conditions >> POLICY_CONDITION_NO_REMOTE & 1)
        warn(k, w->file, w->line, "rule " RULE_FMT ": no-remote-access is held against the inventory (remote_access, maintained_from); the core does not see "
             "who reaches an element, and nothing on record is no access", RULE_ARG(w));
}
static void review_files(struct review *k)
{
    for (uint32_t f = 0; f < k->p->n_files; f++) {
        const struct policy_regime *r = &k->p->files[f].r;
        uint32_t recalled = 0;
        for (uint32_t i = 0; i < r->n_rules; i++)
            recalled += r->rules[i].sure == POLICY_SURE_RECALLED;
        if (r->standing == POLICY_STANDING_PROPOSAL && r->n_rules)
            warn(k, &k->p->files[f], 1, STR_FMT " is a proposal, not law: it holds here because it was chosen", STR_ARG(r->id));
        if (recalled)
            warn(k, &k->p->files[f], 1, "%u of %u rules are recalled, not seen in a source: check them before they decide anything", recalled, r->n_rules);
    }
    for (uint32_t i = 0; i < k->p->n_rows; i++) {
        const struct policy_row *w = &k->p->rows[i];
        for (uint32_t l = 0; l < w->rule->n_lists && !w->off; l++)
            review_list(k, w, w->rule->lists[l]);
        if (!w->off)
            review_conditions(k, w);
    }
}

/* ---- names that the inventory does not know ---- */
static bool knows_supplier(const struct inventory *v, struct str name)
{
    for (uint32_t i = 0; i < v->n_suppliers; i++)
        if (policy_name_means(name, &v->suppliers[i]))
            return true;
    return false;
}
static void review_names(struct review *k)
{
    for (uint32_t i = 0; i < k->p->n_rows; i++) {
        const struct policy_row *w = &k->p->rows[i];
        for (uint32_t n = 0; n < w->rule->n_suppliers && !w->off; n++)
            if (!knows_supplier(k->v, w->rule->suppliers[n]))
                warn(k, w->file, w->line, "rule " RULE_FMT " names supplier '" STR_FMT "', whom the inventory does not know", RULE_ARG(w),
                     STR_ARG(w->rule->suppliers[n]));
        for (uint32_t n = 0; n < w->rule->n_regions && !w->off; n++)
            if (!inventory_find_region(k->v, w->rule->regions[n]))
                warn(k, w->file, w->line, "rule " RULE_FMT " names region '" STR_FMT "', which the inventory does not know", RULE_ARG(w),
                     STR_ARG(w->rule->regions[n]));
    }
    for (uint32_t f = 0; f < k->p->n_files; f++)
        for (uint32_t i = 0; i < k->p->files[f].r.n_grants; i++) {
            const struct policy_grant *g = &k->p->files[f].r.grants[i];
            uint32_t line = k->p->files[f].grant_lines[i];
            for (uint32_t n = 0; n < g->n_suppliers; n++)
                if (!inventory_find_supplier(k->v, g->suppliers[n]))
                    warn(k, &k->p->files[f], line, "the grant names supplier '" STR_FMT "', whom the inventory does not know: it grants nothing",
                         STR_ARG(g->suppliers[n]));
            for (uint32_t n = 0; n < g->n_products; n++)
                if (!inventory_find(k->v, INV_product, g->products[n]))
                    warn(k, &k->p->files[f], line, "the grant names product '" STR_FMT "', which the inventory does not know: it grants nothing",
                         STR_ARG(g->products[n]));
            for (uint32_t n = 0; n < g->n_elements; n++)
                if (!inventory_find(k->v, INV_element, g->elements[n]))
                    warn(k, &k->p->files[f], line, "the grant names element '" STR_FMT "', which the inventory does not know: it grants nothing",
                         STR_ARG(g->elements[n]));
        }
}

/* ---- facts that decide and are missing ---- */
static void review_facts(struct review *k)
{
    bool dates = false, places = false, owners = false;
    uint32_t no_supplier = 0, no_date = 0, no_place = 0, no_owner = 0;
    for (uint32_t i = 0; i < k->p->n_rows; i++) {
        const struct policy_row *w = &k->p->rows[i];
        dates |= !w->off && w->new_from;
        places |= !w->off && w->rule->within_km;
        owners |= !w->off && w->rule->n_owned_from;
    }
    for (uint32_t i = 0; i < k->v->n_elements; i++) {
        const struct inv_element *e = &k->v->elements[i];
        no_supplier += !e->supplier;
        no_date += !e->installed;
        no_place += !inv_has_position(e->latitude, e->longitude);
    }
    for (uint32_t i = 0; i < k->v->n_suppliers; i++)
        no_owner += !k->v->suppliers[i].owners.n && !k->v->suppliers[i].parent;
    if (no_supplier)
        warn(k, NULL, 0, "%u elements have no supplier: every rule about suppliers counts against them", no_supplier);
    if (dates && no_date)
        warn(k, NULL, 0, "%u elements have no day of installation: they count as new", no_date);
    if (places && no_place)
        warn(k, NULL, 0, "%u elements have no position: they count as near to every sensitive site", no_place);
    if (owners && no_owner)
        warn(k, NULL, 0, "%u suppliers have no owners on record: rules about ownership do not find them", no_owner);
}

/* ---- equipment on which files differ, or of which none speaks ---- */
enum { PAIRS_MAX = 64 };
struct pair {
    const struct policy_row *mild, *strict;
    uint32_t n, element;
};
static void pair_count(struct pair *pairs, uint32_t *n, const struct policy_row *mild, const struct policy_row *strict, uint32_t element)
{
    for (uint32_t i = 0; i < *n; i++)
        if (pairs[i].mild == mild && pairs[i].strict == strict) {
            pairs[i].n++;
            return;
        }
    if (*n < PAIRS_MAX)
        pairs[(*n)++] = (struct pair){mild, strict, 1, element};
}
static void pairs_of(const struct policy_verdict *v, struct pair *pairs, uint32_t *n, uint32_t element)
{
    for (uint32_t a = 0; a < v->n_reasons; a++)
        for (uint32_t b = 0; b < v->n_reasons; b++) {
            const struct policy_reason *x = &v->reasons[a], *y = &v->reasons[b];
            bool mild = x->row && x->why == POLICY_WHY_RULE && (x->decision == POLICY_DECISION_PERMIT || x->decision == POLICY_DECISION_CONDITIONS);
            bool strict = y->row && y->decision > POLICY_DECISION_CONDITIONS;
            if (mild && strict)
                pair_count(pairs, n, x->row, y->row, element);
        }
}
static void review_elements(struct review *k)
{
    struct pair pairs[PAIRS_MAX];
    uint32_t n = 0, silent = 0, first = 0;
    for (uint32_t i = 1; i <= k->v->n_elements; i++) {
        struct policy_verdict v;
        policy_decide(k->s, &(struct policy_query){.element = i, .date = k->date}, &v);
        pairs_of(&v, pairs, &n, i);
        for (uint32_t r = 0; r < v.n_reasons; r++)
            if (v.reasons[r].why == POLICY_WHY_OTHERWISE) {
                silent++;
                first = first ? first : i;
            }
    }
    for (uint32_t i = 0; i < n; i++)
        warn(k, pairs[i].mild->file, pairs[i].mild->line,
             RULE_FMT " says %s and " RULE_FMT " says %s of %u elements, such as " STR_FMT ": the stricter holds, as no override says otherwise",
             RULE_ARG(pairs[i].mild), policy_decision_text(pairs[i].mild->decision), RULE_ARG(pairs[i].strict),
             policy_decision_text(pairs[i].strict->decision), pairs[i].n, STR_ARG(k->v->elements[pairs[i].element - 1].id));
    if (silent)
        warn(k, NULL, 0, "no rule speaks of %u elements, such as " STR_FMT ": %s, as %s", silent, STR_ARG(k->v->elements[first - 1].id),
             policy_decision_text(k->p->otherwise), k->p->otherwise_file ? "a file says for that case" : "nothing else is said");
    for (uint32_t i = 0; i < k->s->n_rows; i++) {
        const struct set_row *row = &k->s->rows[i];
        bool by_region = row->w->rule->cap_per == POLICY_PER_REGION;
        uint32_t groups = !row->permille ? 0 : by_region ? k->v->n_regions + 1 : 1;
        for (uint32_t g = by_region; g < groups; g++)
            if (row->permille[g] == UINT32_MAX && (!by_region || k->v->regions[g - 1].elements.n)) {
                warn(k, row->w->file, row->w->line, "rule " RULE_FMT ": the share of %s cannot be told%s" STR_FMT ": everything counts as beyond it",
                     RULE_ARG(row->w), policy_metric_text((uint8_t)row->w->rule->cap_metric), by_region ? " in region " : "",
                     STR_ARG(by_region ? k->v->regions[g - 1].name : STR("")));
                break;
            }
    }
}

int policy_review(const struct policy *p, const struct inventory *v, int32_t date, struct config_report *report)
{
    struct review k = {p, v, NULL, date, report};
    int e = v ? policy_compile(&k.s, p, v) : OK;
    if (e < 0)
        return e;
    review_files(&k);
    if (v) {
        review_names(&k);
        review_facts(&k);
        review_elements(&k);
    }
    policy_set_free(k.s);
    return OK;
}
