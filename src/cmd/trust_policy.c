/* SPDX-License-Identifier: Apache-2.0 */
/* trust_policy.c - redoubt trust policy list | check | explain | diff | apply. */
#include "cmd/trust_policy.h"
#include "cmd/net.h"
#include "cmd/policies.h"
#include "os/control.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORDS = 64, ASK_TIMEOUT_MS = 10000 };
struct command {
    struct trust_store store;
    struct str words[WORDS];
    uint32_t n_words;
    bool json, verbose, yes;
    struct inventory *inventory; /* NULL: there is no store, or nothing in it */
    struct config_report report;
};

/* ---- what is asked about ---- */
static struct policy *load(struct command *c, const struct str *names, uint32_t n)
{
    struct policy *p = policies_load(names, n, &c->report);
    if (!p)
        fprintf(stderr, "%s%s", c->report.text, c->report.cut ? "and more\n" : "");
    return p;
}
/* FILES, or those of the configuration. */
static struct policy *load_from(struct command *c, uint32_t first)
{
    const struct config_trust *o = &c->store.config->config.trust;
    if (c->n_words > first)
        return load(c, c->words + first, c->n_words - first);
    if (!o->n_policies)
        fprintf(stderr, "redoubt trust policy: no files are named, and trust.policies names none: nothing is decided by any\n");
    return load(c, o->policies, o->n_policies);
}
static bool inventory_open(struct command *c)
{
    if (!c->inventory)
        c->inventory = trust_inventory_load(&c->store, "policy");
    return c->inventory != NULL;
}

/* ---- list ---- */
static int name_order(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static void put_rule(const struct policy_row *w)
{
    char day[CONFIG_DATE_TEXT];
    printf("    " STR_FMT ": " STR_FMT "\n      %s", STR_ARG(w->rule->id), STR_ARG(w->rule->says), policy_decision_text(w->decision));
    if (w->cap_percent)
        printf(" beyond %u %% of %s", w->cap_percent, policy_metric_text((uint8_t)w->rule->cap_metric));
    if (w->from)
        printf(", from %s", config_date_text(w->from, day));
    if (w->until)
        printf(", until %s", config_date_text(w->until, day));
    if (w->new_from)
        printf(", nothing new from %s", config_date_text(w->new_from, day));
    if (w->remove_by)
        printf(", removed by %s", config_date_text(w->remove_by, day));
    printf("; %s, checked %s; " STR_FMT "\n", policy_sure_text((uint8_t)w->rule->sure), config_date_text(policy_checked(w), day),
           STR_ARG(policy_citation(w)));
    if (w->rule->obligation.n)
        printf("      people: " STR_FMT "\n", STR_ARG(w->rule->obligation));
}
static void put_regime(const struct policy *p, const struct policy_file *f, bool verbose)
{
    char day[CONFIG_DATE_TEXT];
    uint32_t seen = 0, decides = 0;
    for (uint32_t i = 0; i < f->r.n_rules; i++) {
        seen += f->r.rules[i].sure == POLICY_SURE_SEEN;
        decides += f->r.rules[i].decision != POLICY_DECISION_NOTE;
    }
    printf("%-20.*s %-14.*s %-9s checked %s  %u rules, %u decide, %u seen in a source  " STR_FMT "\n", STR_ARG(f->r.id), STR_ARG(f->r.nation),
           policy_standing_text((uint8_t)f->r.standing), config_date_text(f->r.checked, day), f->r.n_rules, decides, seen, STR_ARG(f->r.title));
    for (uint32_t i = 0; verbose && i < p->n_rows; i++)
        if (p->rows[i].file == f)
            put_rule(&p->rows[i]);
    for (uint32_t i = 0; verbose && i < f->r.n_notes; i++)
        printf("    note: " STR_FMT "\n", STR_ARG(f->r.notes[i]));
}
static int list(struct command *c)
{
    char folder[POLICY_PATH], *names[POLICY_FILES_MAX];
    struct str ids[POLICY_FILES_MAX];
    uint32_t n = 0;
    DIR *d = opendir(policies_folder(folder));
    for (struct dirent *e; d && n < POLICY_FILES_MAX && (e = readdir(d));) {
        size_t k = strlen(e->d_name);
        if (k > 5 && strcmp(e->d_name + k - 5, ".yaml") == 0 && (names[n] = strndup(e->d_name, k - 5)))
            n++;
    }
    if (d)
        closedir(d);
    qsort(names, n, sizeof *names, name_order);
    for (uint32_t i = 0; i < n; i++)
        ids[i] = str_of(names[i]);
    struct policy *p = c->n_words ? load(c, c->words, c->n_words) : load(c, ids, n);
    for (uint32_t i = 0; p && i < p->n_files; i++)
        put_regime(p, &p->files[i], c->verbose);
    if (p && !n && !c->n_words)
        printf("no regimes are in %s\n", folder);
    for (uint32_t i = 0; i < n; i++)
        free(names[i]);
    policy_free(p);
    return p ? EXIT_OK : EXIT_USAGE;
}

/* ---- check ---- */
static int check(struct command *c)
{
    struct policy *p = load_from(c, 0);
    if (!p)
        return EXIT_USAGE;
    c->report = (struct config_report){.n = 0};
    bool has_inventory = inventory_open(c) && c->inventory->n_elements;
    policy_review(p, has_inventory ? c->inventory : NULL, c->store.at, &c->report);
    fputs(c->report.text, stdout);
    printf("%u files, %u rules: no mistakes, %u warnings%s\n", p->n_files, p->n_rows, c->report.warnings,
           has_inventory ? "" : "; the inventory is empty, so that nothing was held against it");
    policy_free(p);
    return EXIT_OK;
}

/* ---- explain ---- */
static void json_text(const char *name, struct str s)
{
    printf("\"%s\":\"", name);
    for (uint32_t i = 0; i < s.n; i++)
        printf(s.p[i] == '"' || s.p[i] == '\\' ? "\\%c" : (unsigned char)s.p[i] < 0x20 ? "\\u%04x" : "%c", s.p[i]);
    printf("\"");
}
static void explain_json(struct command *c, uint32_t element, const struct policy_verdict *v)
{
    char text[POLICY_REASON_TEXT], day[CONFIG_DATE_TEXT];
    printf("{");
    json_text("element", c->inventory->elements[element - 1].id);
    printf(",\"at\":\"%s\",\"permitted\":%s,\"verdict\":\"%s\",\"deadline\":\"%s\",", config_date_text(c->store.at, text), v->permitted ? "true" : "false",
           policy_decision_text(v->decision), config_date_text(v->deadline, day));
    printf("\"same_until\":\"%s\",\"conditions\":[", config_date_text(v->same_until, day));
    bool first = true;
    for (uint8_t k = 0; k < POLICY_CONDITION_COUNT; k++)
        if (v->conditions >> k & 1) {
            printf("%s\"%s\"", first ? "" : ",", policy_condition_text(k));
            first = false;
        }
    printf("],\"reasons\":[");
    for (uint32_t i = 0; i < v->n_reasons; i++) {
        printf("%s{", i ? "," : "");
        json_text("text", str_of(policy_reason_text(&v->reasons[i], text)));
        if (v->reasons[i].row) {
            printf(",");
            json_text("regime", v->reasons[i].row->file->r.id);
            printf(",");
            json_text("rule", v->reasons[i].row->rule->id);
            printf(",");
            json_text("citation", policy_citation(v->reasons[i].row));
            printf(",");
            json_text("source", policy_source(v->reasons[i].row));
            printf(",\"sure\":\"%s\",\"checked\":\"%s\"", policy_sure_text((uint8_t)v->reasons[i].row->rule->sure),
                   config_date_text(policy_checked(v->reasons[i].row), day));
        }
        printf("}");
    }
    printf("]}\n");
}
static void put_verdict(const struct policy_verdict *v)
{
    char text[POLICY_REASON_TEXT], day[CONFIG_DATE_TEXT];
    printf("  %s", v->permitted ? "permitted" : "not permitted");
    if (v->decision > POLICY_DECISION_PERMIT && v->decision < POLICY_DECISION_DENY)
        printf(" (%s)", policy_decision_text(v->decision));
    if (v->permitted && v->deadline)
        printf(", the last day is %s", config_date_text(v->deadline, day));
    else if (v->same_until)
        printf(", the same until %s", config_date_text(v->same_until, day));
    printf("\n");
    for (uint8_t k = 0; k < POLICY_CONDITION_COUNT; k++)
        if (v->conditions >> k & 1 && v->permitted)
            printf("  condition: %s%s\n", policy_condition_text(k),
                   k == POLICY_CONDITION_NO_REMOTE ? " (the inventory says nothing to the contrary; the core cannot see it)" : "");
    for (uint32_t i = 0; i < v->n_reasons; i++) {
        const struct policy_row *w = v->reasons[i].row;
        printf("  %s\n", policy_reason_text(&v->reasons[i], text));
        if (w)
            printf("    %s, checked %s; " STR_FMT "\n", policy_sure_text((uint8_t)w->rule->sure), config_date_text(policy_checked(w), day),
                   STR_ARG(policy_source(w)));
        if (w && w->rule->obligation.n)
            printf("    people: " STR_FMT "\n", STR_ARG(w->rule->obligation));
    }
    if (v->cut)
        printf("  and more\n");
}
static void explain_element(struct command *c, struct policy_set *s, uint32_t ref)
{
    const struct inv_element *e = &c->inventory->elements[ref - 1];
    const struct inv_supplier *by = inventory_supplier(c->inventory, e->supplier);
    struct policy_verdict v;
    char day[CONFIG_DATE_TEXT];
    policy_decide(s, &(struct policy_query){.element = ref, .date = c->store.at}, &v);
    if (c->json) {
        explain_json(c, ref, &v);
        return;
    }
    printf(STR_FMT ", %s of " STR_FMT, STR_ARG(e->id), inv_class_text(e->function), STR_ARG(by ? by->name : STR("nobody knows whom")));
    printf(e->installed ? ", installed %s" : ", nobody knows when it was installed%s", config_date_text(e->installed, day));
    printf(", on %s%s:\n", config_date_text(c->store.at, day), c->inventory->synthetic ? " (synthetic)" : "");
    put_verdict(&v);
}
/* Of a supplier: for each function class how many of its elements are permitted, and the reasons of the first of each. */
static int explain_supplier(struct command *c, struct policy_set *s, uint32_t ref)
{
    const struct inventory *inv = c->inventory;
    uint32_t counts[INV_CLASSES][2] = {0}, first[INV_CLASSES][2] = {0};
    struct policy_verdict v;
    char day[CONFIG_DATE_TEXT];
    for (uint32_t i = 1; i <= inv->n_elements; i++) {
        if (!inventory_in_group(inv, inv->elements[i - 1].supplier, ref))
            continue;
        policy_decide(s, &(struct policy_query){.element = i, .date = c->store.at}, &v);
        uint8_t f = inv->elements[i - 1].function;
        if (!counts[f][v.permitted]++)
            first[f][v.permitted] = i;
    }
    printf(STR_FMT " on %s%s:\n", STR_ARG(inv->suppliers[ref - 1].name), config_date_text(c->store.at, day), inv->synthetic ? " (synthetic)" : "");
    bool any = false;
    for (uint8_t f = 0; f < INV_CLASSES; f++)
        for (int permitted = 0; permitted < 2; permitted++)
            if (counts[f][permitted]) {
                any = true;
                printf("\n%s: %u %s, such as " STR_FMT "\n", inv_class_text(f), counts[f][permitted], permitted ? "permitted" : "not permitted",
                       STR_ARG(inv->elements[first[f][permitted] - 1].id));
                policy_decide(s, &(struct policy_query){.element = first[f][permitted], .date = c->store.at}, &v);
                put_verdict(&v);
            }
    if (!any)
        printf("nothing of it is in the inventory\n");
    return EXIT_OK;
}
static int explain(struct command *c)
{
    if (!c->n_words)
        return usage("trust policy", "explain: expected an element's id or a supplier's name");
    struct policy *p = load_from(c, 1);
    struct policy_set *s;
    int status = EXIT_USAGE;
    if (!p)
        return status;
    if (!inventory_open(c) || policy_compile(&s, p, c->inventory) < 0) {
        policy_free(p);
        return EXIT_FAILED;
    }
    uint32_t element = inventory_find(c->inventory, INV_element, c->words[0]);
    uint32_t supplier = element ? 0 : inventory_find_supplier(c->inventory, c->words[0]);
    if (element)
        explain_element(c, s, element);
    else if (supplier)
        explain_supplier(c, s, supplier);
    else
        fprintf(stderr, "redoubt trust policy: the inventory knows no element and no supplier '" STR_FMT "'\n", STR_ARG(c->words[0]));
    policy_set_free(s);
    policy_free(p);
    return element || supplier ? EXIT_OK : EXIT_FAILED;
}

/* ---- diff ---- */
static struct policy *load_side(struct command *c, struct str side)
{
    struct str names[POLICY_FILES_MAX];
    uint32_t n = 0;
    while (side.n && n < POLICY_FILES_MAX) {
        const char *comma = memchr(side.p, ',', side.n);
        names[n] = (struct str){side.p, comma ? (uint32_t)(comma - side.p) : side.n};
        side.p += names[n].n + (comma != NULL);
        side.n -= names[n].n + (comma != NULL);
        n += names[n].n > 0;
    }
    return load(c, names, n);
}
static const struct policy_row *other_row(const struct policy *p, const struct policy_row *w)
{
    char name[160];
    snprintf(name, sizeof name, STR_FMT "/" STR_FMT, STR_ARG(w->file->r.id), STR_ARG(w->rule->id));
    return policy_row_find(p, str_of(name));
}
static bool same_strs(const struct str *a, uint32_t n_a, const struct str *b, uint32_t n_b)
{
    bool same = n_a == n_b;
    for (uint32_t i = 0; same && i < n_a; i++)
        same = str_eq(a[i], b[i]);
    return same;
}
static bool same_row(const struct policy_row *a, const struct policy_row *b)
{
    const struct policy_rule *x = a->rule, *y = b->rule;
#define SAME(m) same_strs(x->m, x->n_##m, y->m, y->n_##m)
    return a->decision == b->decision && a->conditions == b->conditions && a->cap_percent == b->cap_percent && a->from == b->from &&
           a->until == b->until && a->new_from == b->new_from && a->remove_by == b->remove_by && a->off == b->off && SAME(suppliers) &&
           SAME(lists) && SAME(seated_in) && SAME(owned_from) && SAME(compelled_by) && SAME(except_suppliers) && SAME(except_lists) &&
           SAME(functions) && SAME(regions) && SAME(except_regions) && SAME(maintained_outside) && x->place == y->place &&
           x->within_km == y->within_km && x->near == y->near && x->cap_metric == y->cap_metric && x->cap_per == y->cap_per &&
           x->n_generations == y->n_generations && x->owned_percent == y->owned_percent;
#undef SAME
}
static void diff_rows(const struct policy *a, const struct policy *b)
{
    for (uint32_t i = 0; i < a->n_rows; i++) {
        const struct policy_row *w = &a->rows[i], *o = other_row(b, w);
        if (!o)
            printf("- " STR_FMT "/" STR_FMT ": " STR_FMT "\n", STR_ARG(w->file->r.id), STR_ARG(w->rule->id), STR_ARG(w->rule->says));
        else if (!same_row(w, o)) {
            printf("! " STR_FMT "/" STR_FMT "%s\n  was:", STR_ARG(w->file->r.id), STR_ARG(w->rule->id), o->off ? ", which does not hold any more" : "");
            put_rule(w);
            printf("  is:");
            put_rule(o);
        }
    }
    for (uint32_t i = 0; i < b->n_rows; i++)
        if (!other_row(a, &b->rows[i]))
            printf("+ " STR_FMT "/" STR_FMT ": " STR_FMT "\n", STR_ARG(b->rows[i].file->r.id), STR_ARG(b->rows[i].rule->id), STR_ARG(b->rows[i].rule->says));
}
static int diff_elements(struct command *c, const struct policy *a, const struct policy *b)
{
    enum { SHOWN = 20 };
    struct policy_set *x, *y = NULL;
    uint32_t lost = 0, gained = 0, conditions = 0;
    char text[POLICY_REASON_TEXT], day[CONFIG_DATE_TEXT];
    if (policy_compile(&x, a, c->inventory) < 0 || policy_compile(&y, b, c->inventory) < 0)
        return EXIT_FAILED;
    for (uint32_t i = 1; i <= c->inventory->n_elements; i++) {
        struct policy_query q = {.element = i, .date = c->store.at};
        struct policy_verdict v, w;
        policy_decide(x, &q, &v);
        policy_decide(y, &q, &w);
        bool differs = v.permitted != w.permitted || (v.permitted && v.conditions != w.conditions);
        lost += v.permitted && !w.permitted;
        gained += !v.permitted && w.permitted;
        conditions += differs && v.permitted == w.permitted;
        if (differs && lost + gained + conditions <= SHOWN)
            printf("%s " STR_FMT ": %s\n", v.permitted == w.permitted ? "other conditions for" : w.permitted ? "permitted:" : "not permitted any more:",
                   STR_ARG(c->inventory->elements[i - 1].id), w.n_reasons ? policy_reason_text(&w.reasons[0], text) : "");
    }
    printf("on %s, of %u elements%s: %u lose their permission, %u get one, %u get other conditions\n", config_date_text(c->store.at, day),
           c->inventory->n_elements, c->inventory->synthetic ? " (synthetic)" : "", lost, gained, conditions);
    policy_set_free(x);
    policy_set_free(y);
    return EXIT_OK;
}
static int diff(struct command *c)
{
    if (c->n_words != 2)
        return usage("trust policy", "diff: expected two policies, each one file or several apart by commas");
    struct policy *a = load_side(c, c->words[0]), *b = a ? load_side(c, c->words[1]) : NULL;
    int status = EXIT_USAGE;
    if (a && b) {
        diff_rows(a, b);
        status = inventory_open(c) ? diff_elements(c, a, b) : EXIT_FAILED;
    }
    policy_free(a);
    policy_free(b);
    return status;
}

/* ---- apply ---- */
static int apply(struct command *c)
{
    const char *socket = c->store.config->config.control.socket.p;
    char *answer = malloc(CONTROL_ANSWER + 1);
    if (access(socket, F_OK) < 0 && !c->store.options.file && !c->store.options.n_sets && access(NET_DIR "/core.sock", F_OK) == 0)
        socket = NET_DIR "/core.sock";
    int n = answer ? control_ask(socket, c->yes ? "trust policy apply" : "trust policy preview", answer, CONTROL_ANSWER + 1, ASK_TIMEOUT_MS) : ERR_NOSPACE;
    bool refused = n >= 0 && strncmp(answer, "error: ", 7) == 0;
    if (n < 0)
        fprintf(stderr, "redoubt trust policy: %s: %s\n", socket, n == ERR_NOTFOUND ? "no core runs here" : err_text(n));
    else if (refused)
        fprintf(stderr, "redoubt trust policy: %s", answer + 7);
    else
        printf("%s%s", answer, c->yes ? "" : "nothing was changed; with --yes it is done\n");
    free(answer);
    return n < 0 || refused ? EXIT_FAILED : EXIT_OK;
}

static const struct {
    const char *name;
    int (*fn)(struct command *);
} words[] = {{"list", list}, {"check", check}, {"explain", explain}, {"diff", diff}, {"apply", apply}};

static int run(struct command *c, int (*fn)(struct command *))
{
    int status = trust_store_open(&c->store, "policy");
    if (status == EXIT_OK)
        status = fn(c);
    inventory_free(c->inventory);
    return trust_store_close(&c->store, "policy", status);
}
int trust_policy(int argc, char **argv)
{
    struct args a = {argc, argv, 2};
    struct command *c = calloc(1, sizeof *c);
    int status = EXIT_OK;
    if (!c)
        return EXIT_FAILED;
    while (args_more(&a) && status == EXIT_OK) {
        if (trust_store_option(&c->store, &a, &status))
            continue;
        if (args_flag(&a, NULL, "--json"))
            c->json = true;
        else if (args_flag(&a, "-v", "--verbose"))
            c->verbose = true;
        else if (args_flag(&a, NULL, "--yes"))
            c->yes = true;
        else if (*args_now(&a) != '-' && c->n_words < WORDS)
            c->words[c->n_words++] = str_of(argv[a.at++]);
        else
            status = usage("trust policy", "'%s' is not understood", args_now(&a));
    }
    for (size_t i = 0; status == EXIT_OK && argc > 1 && i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].name, argv[1]) == 0) {
            status = run(c, words[i].fn);
            free(c);
            return status;
        }
    free(c);
    return status ? status : usage("trust policy", "expected list, check, explain, diff or apply");
}
