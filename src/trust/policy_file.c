/* SPDX-License-Identifier: Apache-2.0 */
/* policy_file.c - reads a policy file by its rows, and says what is wrong with it alone. */
#include "base/suggest.h"
#include "rt/config_rows.h"
#include "trust/policy_parts.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CONFIG_ROW(id) policy_##id
#include "rt/config_table.h"
#include "../../spec/policy.def"

static const char *word(const struct config_choices *c, uint8_t i) { return i < c->n ? c->text[i] : "?"; }
const char *policy_decision_text(uint8_t i) { return word(&choices_decision, i); }
const char *policy_condition_text(uint8_t i) { return word(&choices_condition, i); }
const char *policy_metric_text(uint8_t i) { return word(&choices_metric, i); }
const char *policy_sure_text(uint8_t i) { return word(&choices_sure, i); }
const char *policy_standing_text(uint8_t i) { return word(&choices_standing, i); }

/* ---- countries ---- */
static const char COUNTRIES[] =
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD "
    "CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF "
    "GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
    "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI "
    "SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW ";
bool policy_country_is_known(struct str s)
{
    for (const char *p = COUNTRIES; s.n == 2 && *p; p += 3)
        if (p[0] == s.p[0] && p[1] == s.p[1])
            return true;
    return false;
}
/* What was meant, for the usual mistakes: "" when it cannot be guessed. */
static const char *country_meant(struct str s)
{
    static const char *const pairs[][2] = {{"UK", "GB"}, {"EL", "GR"}, {"SW", "SE"}, {"GE", "DE"}, {"EN", "GB"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (str_eq_nocase(s, str_of(pairs[i][0])))
            return pairs[i][1];
    if (s.n == 2) {
        char upper[3] = {(char)(s.p[0] & ~0x20), (char)(s.p[1] & ~0x20), 0};
        for (const char *p = COUNTRIES; *p; p += 3)
            if (p[0] == upper[0] && p[1] == upper[1])
                return p;
    }
    return "";
}

/* ---- maintenance windows ---- */
static bool minutes(struct str s, uint16_t *out)
{
    if (s.n != 5 || s.p[2] != ':')
        return false;
    for (int i = 0; i < 5; i++)
        if (i != 2 && (s.p[i] < '0' || s.p[i] > '9'))
            return false;
    unsigned h = (unsigned)(s.p[0] - '0') * 10 + (unsigned)(s.p[1] - '0'), m = (unsigned)(s.p[3] - '0') * 10 + (unsigned)(s.p[4] - '0');
    *out = (uint16_t)(h * 60 + m);
    return m < 60 && *out <= 24 * 60;
}
bool policy_window_parse(struct str s, struct policy_window *w)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    const char *space = s.n ? memchr(s.p, ' ', s.n) : NULL;
    if (!space)
        return false;
    struct str day = {s.p, (uint32_t)(space - s.p)}, times = {space + 1, s.n - day.n - 1};
    w->days = str_eq_nocase(day, STR("daily")) ? 0x7f : 0;
    for (uint32_t i = 0; i < ARRAY_LEN(days); i++)
        if (str_eq_nocase(day, str_of(days[i])))
            w->days = (uint8_t)(1u << i);
    return w->days && times.n == 11 && times.p[5] == '-' && minutes((struct str){times.p, 5}, &w->from) &&
           minutes((struct str){times.p + 6, 5}, &w->to) && w->from < 24 * 60 && w->from != w->to;
}
bool policy_window_is_open(const struct policy_window *w, uint64_t unix_us)
{
    uint64_t minute = unix_us / 60000000;
    unsigned today = (unsigned)((minute / 1440 + 3) % 7), before = (today + 6) % 7; /* 1970-01-01 was a Thursday */
    unsigned at = (unsigned)(minute % 1440);
    bool over = w->to <= w->from;
    if (w->days >> today & 1 && at >= w->from && (over || at < w->to))
        return true;
    return over && w->days >> before & 1 && at < w->to;
}

/* ---- what no row can say ---- */
struct check {
    const struct config_reader *reader;
    struct policy_file *file;
    struct config_report *report;
};
static void refuse(struct check *k, uint32_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void refuse(struct check *k, uint32_t line, const char *format, ...)
{
    char what[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    config_say(k->report, true, STR_FMT ":%u: %s", STR_ARG(k->file->name), line, what);
}

static void check_countries(struct check *k, const char *list, uint32_t index, const char *key, const struct str *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (policy_country_is_known(v[i]) || (str_is(v[i], "any") && strcmp(key, "compelled_by") == 0))
            continue;
        const char *meant = country_meant(v[i]);
        uint32_t line = config_row_line(k->reader, list, index, key);
        if (*meant)
            refuse(k, line, "found country '" STR_FMT "', expected an ISO 3166 code; did you mean '%.2s'?", STR_ARG(v[i]), meant);
        else
            refuse(k, line, "found country '" STR_FMT "', expected an ISO 3166 code such as FI", STR_ARG(v[i]));
    }
}

static const char *function_near(struct str s)
{
    const char *near = NULL;
    uint32_t best = UINT32_MAX;
    for (uint8_t i = 1; i < INV_CLASSES; i++)
        if (str_is_nearer(s, str_of(inv_class_text(i)), &best))
            near = inv_class_text(i);
    for (uint8_t i = 1; i < INV_GROUPS; i++)
        if (str_is_nearer(s, str_of(inv_group_text(i)), &best))
            near = inv_group_text(i);
    return near;
}
static void check_functions(struct check *k, uint32_t index, const struct policy_rule *r)
{
    for (uint32_t i = 0; i < r->n_functions; i++) {
        struct str s = r->functions[i];
        if (inv_class_parse(s) || inv_group_parse(s))
            continue;
        const char *near = function_near(s);
        uint32_t line = config_row_line(k->reader, "rules", index, "functions");
        if (near)
            refuse(k, line, "found function '" STR_FMT "', expected a function class; did you mean '%s'?", STR_ARG(s), near);
        else
            refuse(k, line, "found function '" STR_FMT "', expected a function class or radio, core, transport, management", STR_ARG(s));
    }
}

static bool has_condition(const enum policy_condition *v, uint32_t n, enum policy_condition c)
{
    for (uint32_t i = 0; i < n; i++)
        if (v[i] == c)
            return true;
    return false;
}
static void check_conditions(struct check *k, uint32_t index, const struct policy_rule *r)
{
    uint32_t line = config_row_line(k->reader, "rules", index, "conditions");
    struct policy_window w;
    if (r->decision == POLICY_DECISION_CONDITIONS && !r->n_conditions)
        refuse(k, config_row_line(k->reader, "rules", index, "decision"), "found no conditions, expected those of permit-with-conditions");
    if (r->decision != POLICY_DECISION_CONDITIONS && r->n_conditions)
        refuse(k, line, "found conditions with decision %s, expected them with permit-with-conditions alone",
               policy_decision_text(r->decision));
    if (has_condition(r->conditions, r->n_conditions, POLICY_CONDITION_SLICES) != (r->n_slices > 0))
        refuse(k, line, "found %s, expected slices and the condition listed-slices together", r->n_slices ? "slices alone" : "no slices");
    if (has_condition(r->conditions, r->n_conditions, POLICY_CONDITION_WINDOWS) != (r->n_windows > 0))
        refuse(k, line, "found %s, expected windows and the condition maintenance-windows together",
               r->n_windows ? "windows alone" : "no windows");
    for (uint32_t i = 0; i < r->n_windows; i++)
        if (!policy_window_parse(r->windows[i], &w))
            refuse(k, config_row_line(k->reader, "rules", index, "windows"),
                   "found window '" STR_FMT "', expected one such as 'Sat 02:00-05:00' or 'daily 01:00-03:00'", STR_ARG(r->windows[i]));
}

static void check_dates(struct check *k, uint32_t index, const struct policy_rule *r)
{
    char a[CONFIG_DATE_TEXT], b[CONFIG_DATE_TEXT];
    const char *key = NULL, *against = NULL;
    int32_t first = 0, last = 0;
    if (r->from && r->until && r->until < r->from) {
        key = "until", against = "from", first = r->from, last = r->until;
    } else if (r->new_from && r->remove_by && r->remove_by < r->new_from) {
        key = "remove_by", against = "new_from", first = r->new_from, last = r->remove_by;
    } else if (r->until && r->remove_by && r->until <= r->remove_by) {
        key = "until", against = "remove_by", first = r->remove_by, last = r->until;
    }
    if (key)
        refuse(k, config_row_line(k->reader, "rules", index, key), "found %s %s, expected it after %s %s", key,
               config_date_text(last, a), against, config_date_text(first, b));
    if (r->remove_by && r->remove_after)
        refuse(k, config_row_line(k->reader, "rules", index, "remove_after_months"), "found both remove_by and remove_after_months, expected one");
    if ((r->remove_after || r->new_declared) && !r->n_lists)
        refuse(k, config_row_line(k->reader, "rules", index, r->remove_after ? "remove_after_months" : "new_from_declared"),
               "found no lists, expected one that has a day of publication");
    if (r->new_from && r->new_declared)
        refuse(k, config_row_line(k->reader, "rules", index, "new_from_declared"), "found both new_from and new_from_declared, expected one");
    if ((r->new_from || r->new_declared || r->remove_by || r->remove_after) && (r->decision == POLICY_DECISION_PERMIT || r->decision == POLICY_DECISION_NOTE))
        refuse(k, config_row_line(k->reader, "rules", index, "decision"),
               "found decision %s with a day of installation or removal, expected one that restricts, or from and until",
               policy_decision_text(r->decision));
}

static void check_rule(struct check *k, uint32_t i)
{
    const struct policy_rule *r = &k->file->r.rules[i];
    const struct {
        const char *key;
        const struct str *v;
        uint32_t n;
    } countries[] = {{"seated_in", r->seated_in, r->n_seated_in}, {"owned_from", r->owned_from, r->n_owned_from},
                     {"compelled_by", r->compelled_by, r->n_compelled_by}, {"maintained_outside", r->maintained_outside, r->n_maintained_outside}};
    for (size_t c = 0; c < ARRAY_LEN(countries); c++)
        check_countries(k, "rules", i, countries[c].key, countries[c].v, countries[c].n);
    check_functions(k, i, r);
    check_conditions(k, i, r);
    check_dates(k, i, r);
    if (r->cap_percent && r->decision != POLICY_DECISION_DENY)
        refuse(k, config_row_line(k->reader, "rules", i, "cap_percent"), "found a cap with decision %s, expected deny: what is beyond the share",
               policy_decision_text(r->decision));
    if (r->cap_percent && !policy_rule_names_suppliers(r))
        refuse(k, config_row_line(k->reader, "rules", i, "cap_percent"), "found a cap for everybody, expected whose share it limits");
    if (r->by_state && !r->n_owned_from && !r->n_lists)
        refuse(k, config_row_line(k->reader, "rules", i, "owned_by_state"), "found no owned_from, expected the countries whose states are meant");
    if (r->extrajudicial && !r->n_compelled_by)
        refuse(k, config_row_line(k->reader, "rules", i, "extrajudicial"), "found no compelled_by, expected the countries whose laws are meant");
}

/* ---- rules against each other ---- */
bool policy_rule_names_suppliers(const struct policy_rule *r)
{
    return r->n_suppliers || r->n_lists || r->n_seated_in || r->n_owned_from || r->n_compelled_by;
}
static bool strs_have(const struct str *v, uint32_t n, struct str s)
{
    for (uint32_t i = 0; i < n; i++)
        if (str_eq_nocase(v[i], s))
            return true;
    return false;
}
static bool strs_eq(const struct str *a, uint32_t n_a, const struct str *b, uint32_t n_b) /* as sets; each value is there once */
{
    for (uint32_t i = 0; i < n_a; i++)
        if (!strs_have(b, n_b, a[i]))
            return false;
    return n_a == n_b;
}
static bool generations_eq(const struct policy_rule *a, const struct policy_rule *b)
{
    unsigned x = 0, y = 0;
    for (uint32_t i = 0; i < a->n_generations; i++)
        x |= 1u << a->generations[i];
    for (uint32_t i = 0; i < b->n_generations; i++)
        y |= 1u << b->generations[i];
    return x == y;
}
static bool same_whom(const struct policy_rule *a, const struct policy_rule *b)
{
#define SAME(m) strs_eq(a->m, a->n_##m, b->m, b->n_##m)
    return SAME(suppliers) && SAME(lists) && SAME(seated_in) && SAME(owned_from) && SAME(compelled_by) && SAME(except_suppliers) &&
           SAME(except_lists) && a->owned_percent == b->owned_percent && a->by_state == b->by_state && a->extrajudicial == b->extrajudicial;
}
static bool same_where(const struct policy_rule *a, const struct policy_rule *b)
{
    return SAME(functions) && SAME(regions) && SAME(except_regions) && SAME(maintained_outside) && generations_eq(a, b) &&
           a->place == b->place && a->within_km == b->within_km && a->near == b->near &&
           !a->cap_percent == !b->cap_percent && a->cap_metric == b->cap_metric && a->cap_per == b->cap_per;
#undef SAME
}
static bool overlap(const struct policy_rule *a, const struct policy_rule *b)
{
    return (!a->until || !b->from || b->from <= a->until) && (!b->until || !a->from || a->from <= b->until);
}
static void check_pair(struct check *k, uint32_t i, uint32_t j) /* j before i */
{
    const struct policy_rule *a = &k->file->r.rules[j], *b = &k->file->r.rules[i];
    uint32_t line = k->file->rule_lines[i], other = k->file->rule_lines[j];
    if (str_eq(a->id, b->id)) {
        refuse(k, line, "found rule '" STR_FMT "' again, expected each id once (line %u has it)", STR_ARG(b->id), other);
        return;
    }
    if (a->decision == POLICY_DECISION_NOTE || b->decision == POLICY_DECISION_NOTE || !same_whom(a, b) || !same_where(a, b) || !overlap(a, b))
        return;
    if (a->decision == b->decision && a->decision != POLICY_DECISION_CONDITIONS)
        refuse(k, line, "found rule '" STR_FMT "' whose dates overlap those of '" STR_FMT "' (line %u), expected one day for the same equipment",
               STR_ARG(b->id), STR_ARG(a->id), other);
    else if (a->decision == POLICY_DECISION_PERMIT || b->decision == POLICY_DECISION_PERMIT)
        refuse(k, line, "found rule '" STR_FMT "' that contradicts '" STR_FMT "' (line %u): %s and %s for the same equipment at the same time",
               STR_ARG(b->id), STR_ARG(a->id), other, policy_decision_text(b->decision), policy_decision_text(a->decision));
}

static void check_override(struct check *k, uint32_t i)
{
    const struct policy_override *o = &k->file->r.overrides[i];
    uint32_t line = k->file->override_lines[i];
    bool changes = o->n_decision || o->new_from || o->remove_by || o->cap_percent || o->n_conditions;
    bool conditions = o->n_decision && o->decision[0] == POLICY_DECISION_CONDITIONS;
    if (o->off == changes)
        refuse(k, line, "found %s, expected either 'off: true' or what holds instead", changes ? "both off and a change" : "no change");
    if (conditions != (o->n_conditions > 0))
        refuse(k, line, "found %s, expected conditions with decision permit-with-conditions", conditions ? "no conditions" : "conditions");
    if (has_condition(o->conditions, o->n_conditions, POLICY_CONDITION_SLICES) != (o->n_slices > 0))
        refuse(k, line, "found %s, expected slices and the condition listed-slices together", o->n_slices ? "slices alone" : "no slices");
    if (has_condition(o->conditions, o->n_conditions, POLICY_CONDITION_WINDOWS))
        refuse(k, line, "found the condition maintenance-windows, expected it in a rule of this file: an override has no windows");
    if (o->new_from && o->remove_by && o->remove_by < o->new_from)
        refuse(k, line, "found remove_by before new_from, expected it after");
    for (uint32_t j = 0; j < i; j++)
        if (str_eq(o->rule, k->file->r.overrides[j].rule))
            refuse(k, line, "found an override of '" STR_FMT "' again, expected one (line %u has it)", STR_ARG(o->rule), k->file->override_lines[j]);
    if (str_starts(o->rule, k->file->r.id.p) && o->rule.n > k->file->r.id.n && o->rule.p[k->file->r.id.n] == '/')
        refuse(k, line, "found an override of this file's own rule, expected the rule itself to be changed");
}

static int lines_take(struct check *k, struct arena *a, const char *key, uint32_t n, uint32_t **out)
{
    *out = arena_zero(a, (n + 1) * sizeof **out);
    for (uint32_t i = 0; *out && i < n; i++)
        (*out)[i] = config_row_line(k->reader, key, i, NULL);
    return *out ? OK : ERR_NOSPACE;
}
static bool nation_is_known(struct str s)
{
    return policy_country_is_known(s) || str_is(s, "EU") || str_is(s, "international");
}

struct reading {
    struct policy_file *file;
    struct arena *arena;
    struct config_report *report;
};
static int check(const struct config_reader *reader, void *ctx)
{
    struct reading *g = ctx;
    struct policy_file *f = g->file;
    struct check k = {reader, f, g->report};
    if (lines_take(&k, g->arena, "rules", f->r.n_rules, &f->rule_lines) < 0 || lines_take(&k, g->arena, "lists", f->r.n_lists, &f->list_lines) < 0 ||
        lines_take(&k, g->arena, "overrides", f->r.n_overrides, &f->override_lines) < 0 ||
        lines_take(&k, g->arena, "grants", f->r.n_grants, &f->grant_lines) < 0)
        return ERR_NOSPACE;
    if (!nation_is_known(f->r.nation)) {
        const char *meant = country_meant(f->r.nation);
        refuse(&k, config_row_line(reader, "nation", CONFIG_WHOLE, NULL), "found nation '" STR_FMT "', expected an ISO 3166 code, EU or international%s%.2s%s",
               STR_ARG(f->r.nation), *meant ? "; did you mean '" : "", meant, *meant ? "'?" : "");
    }
    for (uint32_t i = 0; i < f->r.n_lists; i++)
        check_countries(&k, "lists", i, "countries", f->r.lists[i].countries, f->r.lists[i].n_countries);
    for (uint32_t i = 0; i < f->r.n_rules && !g->report->cut; i++) {
        check_rule(&k, i);
        for (uint32_t j = 0; j < i; j++)
            check_pair(&k, i, j);
    }
    for (uint32_t i = 0; i < f->r.n_overrides; i++)
        check_override(&k, i);
    for (uint32_t i = 0; i < f->r.n_grants; i++)
        if (f->r.grants[i].from && f->r.grants[i].until && f->r.grants[i].until < f->r.grants[i].from)
            refuse(&k, f->grant_lines[i], "found a grant that ends before it begins, expected until after from");
    return OK;
}

/* ---- the policy ---- */
struct policy *policy_new(void) { return calloc(1, sizeof(struct policy)); }
void policy_free(struct policy *p)
{
    for (uint32_t i = 0; p && i < p->n_files; i++)
        free(p->files[i].memory);
    free(p);
}

/* A rule takes some 20 times the memory of its text, at most: an item of a list that is left out costs its row. */
enum { MEMORY_BASE = 1 << 18, MEMORY_FACTOR = 48 };
int policy_read(struct policy *p, struct str name, struct str text, struct config_report *report)
{
    if (p->n_files == POLICY_FILES_MAX)
        return ERR_FULL;
    size_t cap = MEMORY_BASE + (size_t)MEMORY_FACTOR * (text.n < CONFIG_TEXT_MAX ? text.n : CONFIG_TEXT_MAX);
    struct policy_file *f = &p->files[p->n_files];
    *f = (struct policy_file){.memory = malloc(cap)};
    if (!f->memory)
        return ERR_NOSPACE;
    struct arena a = arena_over(f->memory, (uint32_t)cap);
    char *copy = arena_take(&a, name.n + 1u);
    if (copy)
        str_copy(copy, name.n + 1u, name);
    f->name = (struct str){copy, copy ? name.n : 0};
    struct reading g = {f, &a, report};
    int e = copy ? config_rows_read(&section_regime, &f->r, &a, name, text, report, check, &g) : ERR_NOSPACE;
    if (e < 0) {
        free(f->memory);
        f->memory = NULL;
        return e;
    }
    p->n_files++;
    return OK;
}
