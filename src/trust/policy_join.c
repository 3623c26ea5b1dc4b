/* SPDX-License-Identifier: Apache-2.0 */
/* policy_join.c - files become one policy: overrides, lists and grants find what they name. */
#include "base/suggest.h"
#include "rt/config_rows.h"
#include "trust/policy_parts.h"
#include <stdarg.h>
#include <stdio.h>

static void say(struct config_report *r, bool is_error, const struct policy_file *f, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static void say(struct config_report *r, bool is_error, const struct policy_file *f, uint32_t line, const char *format, ...)
{
    char what[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    config_say(r, is_error, STR_FMT ":%u: %s%s", STR_ARG(f->name), line, is_error ? "" : "warning: ", what);
}

bool policy_list_next(const struct policy *p, struct str name, uint32_t *at, struct policy_list_at *out)
{
    uint32_t n = 0;
    for (uint32_t f = 0; f < p->n_files; f++)
        for (uint32_t i = 0; i < p->files[f].r.n_lists; i++, n++)
            if (n >= *at && str_eq(p->files[f].r.lists[i].name, name)) {
                *at = n + 1;
                *out = (struct policy_list_at){&p->files[f], &p->files[f].r.lists[i], p->files[f].list_lines[i]};
                return true;
            }
    return false;
}

/* ---- rows ---- */
static uint8_t bits_of(const enum policy_condition *v, uint32_t n)
{
    uint8_t bits = 0;
    for (uint32_t i = 0; i < n; i++)
        bits |= (uint8_t)(1u << v[i]);
    return bits;
}
static int32_t months_after(int32_t day, uint32_t months)
{
    char text[CONFIG_DATE_TEXT];
    int32_t out = 0;
    unsigned y, m, d;
    if (!day || sscanf(config_date_text(day, text), "%u-%u-%u", &y, &m, &d) != 3)
        return 0;
    m += months;
    y += (m - 1) / 12;
    m = (m - 1) % 12 + 1;
    for (; d > 27; d--) { /* the 31st of a month that has none: its last day */
        snprintf(text, sizeof text, "%04u-%02u-%02u", y % 10000, m % 100, d % 100);
        if (config_date_parse(str_of(text), &out))
            return out;
    }
    snprintf(text, sizeof text, "%04u-%02u-%02u", y % 10000, m % 100, d % 100);
    return config_date_parse(str_of(text), &out) ? out : 0;
}
/* The earliest day on which one of the rule's lists was declared; 0: none was. */
static int32_t declared(const struct policy *p, const struct policy_rule *r)
{
    int32_t first = 0;
    struct policy_list_at at;
    for (uint32_t i = 0; i < r->n_lists; i++)
        for (uint32_t k = 0; policy_list_next(p, r->lists[i], &k, &at);)
            if (at.list->declared && (!first || at.list->declared < first))
                first = at.list->declared;
    return first;
}
static int rows_make(struct policy *p, struct config_report *report)
{
    p->n_rows = 0;
    for (uint32_t f = 0; f < p->n_files; f++)
        for (uint32_t i = 0; i < p->files[f].r.n_rules; i++) {
            const struct policy_rule *r = &p->files[f].r.rules[i];
            int32_t since = r->remove_after || r->new_declared ? declared(p, r) : 0;
            if (p->n_rows == POLICY_ROWS_MAX) {
                say(report, true, &p->files[f], p->files[f].rule_lines[i], "found more rules than %d in all files, expected fewer", POLICY_ROWS_MAX);
                return ERR_CONFIG;
            }
            p->rows[p->n_rows++] = (struct policy_row){
                .file = &p->files[f], .rule = r, .line = p->files[f].rule_lines[i], .decision = (uint8_t)r->decision,
                .conditions = bits_of(r->conditions, r->n_conditions), .cap_percent = (uint8_t)r->cap_percent, .from = r->from,
                .until = r->until, .new_from = r->new_declared ? since : r->new_from,
                .remove_by = r->remove_after ? months_after(since, r->remove_after) : r->remove_by, .slices = r->slices, .n_slices = r->n_slices};
        }
    return OK;
}

static bool row_is(const struct policy_row *w, struct str name)
{
    struct str regime = w->file->r.id, rule = w->rule->id;
    return name.n == regime.n + 1 + rule.n && memcmp(name.p, regime.p, regime.n) == 0 && name.p[regime.n] == '/' &&
           memcmp(name.p + regime.n + 1, rule.p, rule.n) == 0;
}
const struct policy_row *policy_row_find(const struct policy *p, struct str name)
{
    for (uint32_t i = 0; i < p->n_rows; i++)
        if (row_is(&p->rows[i], name))
            return &p->rows[i];
    return NULL;
}
static void rule_unknown(const struct policy *p, struct config_report *report, const struct policy_file *f, uint32_t line, struct str name)
{
    char full[160], near[160] = "";
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < p->n_rows; i++) {
        snprintf(full, sizeof full, STR_FMT "/" STR_FMT, STR_ARG(p->rows[i].file->r.id), STR_ARG(p->rows[i].rule->id));
        if (str_is_nearer(name, str_of(full), &best))
            memcpy(near, full, sizeof near);
    }
    if (*near)
        say(report, true, f, line, "found rule '" STR_FMT "', expected one of the files read; did you mean '%s'?", STR_ARG(name), near);
    else
        say(report, true, f, line, "found rule '" STR_FMT "', expected regime/rule of one of the files read", STR_ARG(name));
}

/* ---- overrides ---- */
static void override_apply(struct policy_row *w, const struct policy_override *o)
{
    w->off = o->off;
    if (o->n_decision) {
        w->decision = (uint8_t)o->decision[0];
        w->conditions = bits_of(o->conditions, o->n_conditions);
        w->slices = o->slices;
        w->n_slices = o->n_slices;
        if (w->decision < POLICY_DECISION_CONDITIONS) /* milder than anything that a date or a share could put off */
            w->new_from = w->remove_by = w->cap_percent = 0;
    }
    w->new_from = o->new_from ? o->new_from : w->new_from;
    w->remove_by = o->remove_by ? o->remove_by : w->remove_by;
    w->cap_percent = o->cap_percent ? (uint8_t)o->cap_percent : w->cap_percent;
}
static void overrides_apply(struct policy *p, struct config_report *report)
{
    for (uint32_t f = 0; f < p->n_files; f++)
        for (uint32_t i = 0; i < p->files[f].r.n_overrides; i++) {
            const struct policy_override *o = &p->files[f].r.overrides[i];
            struct policy_row *w = (struct policy_row *)(uintptr_t)policy_row_find(p, o->rule);
            uint32_t line = p->files[f].override_lines[i];
            if (!w) {
                rule_unknown(p, report, &p->files[f], line, o->rule);
                continue;
            }
            if (w->override) {
                say(report, true, &p->files[f], line, "found an override of '" STR_FMT "', expected one: " STR_FMT " has one too", STR_ARG(o->rule),
                    STR_ARG(w->override_file->name));
                continue;
            }
            w->override = o;
            w->override_file = &p->files[f];
            override_apply(w, o);
            if (w->new_from && w->remove_by && w->remove_by < w->new_from)
                say(report, true, &p->files[f], line, "found an override that leaves '" STR_FMT "' with remove_by before new_from", STR_ARG(o->rule));
            if (w->cap_percent && w->decision != POLICY_DECISION_DENY)
                say(report, true, &p->files[f], line, "found a cap with decision %s, expected deny: what is beyond the share",
                    policy_decision_text(w->decision));
        }
}

/* ---- lists and grants ---- */
static void list_unknown(const struct policy *p, struct config_report *report, const struct policy_row *w, struct str name)
{
    const char *near = NULL;
    uint32_t best = UINT32_MAX;
    for (uint32_t f = 0; f < p->n_files; f++)
        for (uint32_t i = 0; i < p->files[f].r.n_lists; i++)
            if (str_is_nearer(name, p->files[f].r.lists[i].name, &best))
                near = p->files[f].r.lists[i].name.p;
    say(report, true, w->file, w->line, near ? "found list '" STR_FMT "', expected one of the files read; did you mean '%s'?"
                                             : "found list '" STR_FMT "', expected one of the files read%s", STR_ARG(name), near ? near : "");
}
static void lists_check(const struct policy *p, struct config_report *report)
{
    struct policy_list_at at;
    for (uint32_t i = 0; i < p->n_rows; i++) {
        const struct policy_rule *r = p->rows[i].rule;
        for (uint32_t k = 0; k < r->n_lists + r->n_except_lists; k++) {
            struct str name = k < r->n_lists ? r->lists[k] : r->except_lists[k - r->n_lists];
            uint32_t from = 0;
            if (!policy_list_next(p, name, &from, &at))
                list_unknown(p, report, &p->rows[i], name);
        }
    }
}
static void grants_check(const struct policy *p, struct config_report *report)
{
    for (uint32_t f = 0; f < p->n_files; f++)
        for (uint32_t i = 0; i < p->files[f].r.n_grants; i++) {
            const struct policy_grant *g = &p->files[f].r.grants[i];
            const struct policy_row *w = policy_row_find(p, g->rule);
            uint32_t line = p->files[f].grant_lines[i];
            if (!w)
                rule_unknown(p, report, &p->files[f], line, g->rule);
            else if (w->decision != POLICY_DECISION_AUTHORISE && w->decision != POLICY_DECISION_NOTIFY)
                say(report, true, &p->files[f], line, "found a grant under '" STR_FMT "', which says %s, expected a rule that says authorise or notify",
                    STR_ARG(g->rule), policy_decision_text(w->decision));
            if (!g->n_suppliers && !g->n_products && !g->n_elements)
                say(report, true, &p->files[f], line, "found a grant for nothing, expected suppliers, products or elements");
        }
}

static void regimes_check(struct policy *p, struct config_report *report)
{
    p->otherwise = POLICY_DECISION_PERMIT;
    p->otherwise_file = NULL;
    for (uint32_t f = 0; f < p->n_files; f++) {
        const struct policy_regime *r = &p->files[f].r;
        for (uint32_t g = 0; g < f; g++)
            if (str_eq(r->id, p->files[g].r.id))
                say(report, true, &p->files[f], 1, "found regime '" STR_FMT "' again, expected each id once (" STR_FMT " has it)", STR_ARG(r->id),
                    STR_ARG(p->files[g].name));
        if (r->n_otherwise && (r->otherwise[0] == POLICY_DECISION_NOTE || r->otherwise[0] == POLICY_DECISION_CONDITIONS))
            say(report, true, &p->files[f], 1, "found otherwise: %s, expected permit, notify, authorise or deny", policy_decision_text(r->otherwise[0]));
        else if (r->n_otherwise && (!p->otherwise_file || r->otherwise[0] > p->otherwise)) {
            p->otherwise = (uint8_t)r->otherwise[0];
            p->otherwise_file = &p->files[f];
        }
    }
}

int policy_join(struct policy *p, struct config_report *report)
{
    uint32_t before = report->errors;
    regimes_check(p, report);
    if (rows_make(p, report) == OK) {
        overrides_apply(p, report);
        lists_check(p, report);
        grants_check(p, report);
    }
    return report->errors == before ? OK : ERR_CONFIG;
}
