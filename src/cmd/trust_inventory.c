/* SPDX-License-Identifier: Apache-2.0 */
/* trust_inventory.c - redoubt trust inventory: words, import, removal. */
#include "cmd/trust_inventory.h"
#include "base/suggest.h"
#include "trust/cyclonedx.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FINDINGS_SHOWN = 30 };

int inventory_refuse(const char *what, const char *why)
{
    fprintf(stderr, "redoubt trust inventory: %s: %s\n", what, why);
    return EXIT_FAILED;
}
enum inv_kind inventory_kind_of(const char *word)
{
    enum inv_kind k = inv_kind_parse(str_of(word));
    const char *near = NULL;
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; k == INV_KINDS && i < INV_KINDS; i++)
        if (str_is_nearer(str_of(word), str_of(inv_kind_desc((enum inv_kind)i)->file), &best))
            near = inv_kind_desc((enum inv_kind)i)->file;
    if (k == INV_KINDS)
        usage("trust inventory", near ? "'%.40s' is no kind of record; is '%s' meant?" : "'%.40s' is no kind of record%s", word,
              near ? near : "");
    return k;
}

/* ---- files ---- */
struct files {
    struct inv_text texts[INVENTORY_FILES];
    char *memory[INVENTORY_FILES], *names[INVENTORY_FILES];
    uint32_t n;
};
static bool ends(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}
static int file_add(struct files *f, const char *path, const char *kind)
{
    char name[64];
    if (f->n == INVENTORY_FILES)
        return usage("trust inventory", "more than %u files", INVENTORY_FILES);
    struct inv_text *t = &f->texts[f->n];
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    t->is_json = ends(base, ".json");
    str_copy(name, sizeof name, (struct str){base, (uint32_t)strcspn(base, ".")});
    t->kind = t->is_json ? INV_KINDS : kind ? inventory_kind_of(kind) : inv_kind_parse(str_of(name));
    if (!t->is_json && t->kind == INV_KINDS)
        return kind ? EXIT_USAGE : usage("trust inventory", "%s: the name says no kind of record: expected suppliers.csv, elements.csv, "
                                         "..., a .json file, or --kind KIND", path);
    if (!(f->names[f->n] = strdup(path)) || !(f->memory[f->n] = trust_file_read("inventory", path, &t->text)))
        return EXIT_FAILED;
    t->name = str_of(f->names[f->n++]);
    return EXIT_OK;
}
static int folder_add(struct files *f, const char *path)
{
    int status = EXIT_OK;
    uint32_t before = f->n;
    for (uint32_t k = 0; k < INV_KINDS && status == EXIT_OK; k++) {
        char file[4200];
        snprintf(file, sizeof file, "%.4096s/%s.csv", path, inv_kind_desc((enum inv_kind)k)->file);
        if (access(file, F_OK) == 0)
            status = file_add(f, file, NULL);
    }
    return status == EXIT_OK && f->n == before ? inventory_refuse(path, "found no suppliers.csv, elements.csv, ... in it") : status;
}
static int files_read(const struct inventory_command *c, struct files *f)
{
    int status = EXIT_OK;
    for (uint32_t i = 0; i < c->n_words && status == EXIT_OK; i++) {
        struct stat st;
        bool folder = stat(c->words[i], &st) == 0 && S_ISDIR(st.st_mode);
        status = folder ? folder_add(f, c->words[i]) : file_add(f, c->words[i], c->kind);
    }
    return status;
}
static void files_free(struct files *f)
{
    for (uint32_t i = 0; i < INVENTORY_FILES; i++) {
        free(f->names[i]);
        free(f->memory[i]);
    }
}

static void report_print(const struct inv_text *texts, const struct inv_report *r)
{
    for (uint32_t i = 0; i < r->n_findings && i < FINDINGS_SHOWN; i++) {
        const struct inv_finding *f = &r->findings[i];
        if (f->text != INV_STORED && f->line)
            fprintf(stderr, STR_FMT ":%u:%u: ", STR_ARG(texts[f->text].name), f->line, f->column);
        fprintf(stderr, "%s\n", f->why);
    }
    uint32_t all = r->n_findings + r->cut, shown = all < FINDINGS_SHOWN ? all : FINDINGS_SHOWN;
    if (all > shown)
        fprintf(stderr, "... and %u more\n", all - shown);
}
static int result_print(const struct inventory_command *c, const struct inv_import_result *r, int32_t from)
{
    char day[INV_DATE_TEXT];
    const char *would = c->dry_run ? "would be " : "";
    printf("%u records %sadded, %u %schanged, %u %sremoved, %u as they were", r->added, would, r->changed,
           c->correct ? "corrected" : would, r->removed, would, r->same);
    if (r->number)
        printf("; import %u, %s %s", r->number, c->correct ? "a correction seen from" : "from", inv_date_text(from, day));
    printf("\n");
    return EXIT_OK;
}
/* In turns with a core that runs, as long as it takes to commit. */
static void pause_for_others(void) { nanosleep(&(struct timespec){0, 2000000}, NULL); }
static int import_run(struct inventory_command *c, struct inv_import *m)
{
    struct inv_report report;
    struct inv_import_result result;
    m->from = c->from ? c->from : c->store.at;
    m->correction = c->correct;
    m->complete = c->complete;
    m->dry_run = c->dry_run;
    m->note = str_of(c->note);
    m->now_us = trust_now_us();
    m->pause = pause_for_others;
    int e = inventory_import(c->store.store, m, &report, &result);
    report_print(m->texts, &report);
    uint32_t wrong = report.n_findings + report.cut;
    inv_report_free(&report);
    if (e == OK)
        return result_print(c, &result, m->from);
    if (e == ERR_SYNTAX && wrong)
        fprintf(stderr, "%u mistakes; nothing was %s\n", wrong, m->n_remove ? "removed" : "imported");
    else
        inventory_refuse("store", e == ERR_STORE ? store_error(c->store.store)
                                  : e == ERR_NOTFOUND ? "what is to be removed is not there on that day"
                                  : e == ERR_STATE    ? "another import came in between; nothing was imported, try again"
                                                      : err_text(e));
    return EXIT_FAILED;
}
static int import(struct inventory_command *c)
{
    struct files *f = calloc(1, sizeof *f);
    if (!f)
        return inventory_refuse("memory", "none left");
    int status = files_read(c, f);
    if (status == EXIT_OK)
        status = trust_store_open(&c->store, "inventory");
    struct inv_import m = {.texts = f->texts, .n_texts = f->n};
    if (status == EXIT_OK)
        status = import_run(c, &m);
    files_free(f);
    free(f);
    return status;
}
/* Files by themselves, without the store. */
static int check(struct inventory_command *c)
{
    if (!c->n_words)
        return inventory_check_store(c);
    struct files *f = calloc(1, sizeof *f);
    struct inv_report report = {0};
    struct inventory *v = NULL;
    int status = f ? files_read(c, f) : inventory_refuse("memory", "none left");
    if (status == EXIT_OK) {
        int e = inventory_read(&v, f->texts, f->n, &(struct inv_asked){0}, &report);
        report_print(f->texts, &report);
        if (e == OK)
            printf("%u suppliers, %u products, %u sites, %u elements, %u neighbours: no mistakes%s\n", v->n_suppliers,
                   v->n_products, v->n_sites, v->n_elements, v->n_neighbours, v->synthetic ? " (synthetic)" : "");
        else
            fprintf(stderr, "%u mistakes\n", report.n_findings + report.cut);
        status = e == OK ? EXIT_OK : EXIT_FAILED;
    }
    inventory_free(v);
    inv_report_free(&report);
    if (f)
        files_free(f);
    free(f);
    return status;
}
static int remove_them(struct inventory_command *c)
{
    struct str ids[INVENTORY_FILES];
    enum inv_kind k = inventory_kind_of(c->words[0]);
    if (k == INV_KINDS)
        return EXIT_USAGE;
    for (uint32_t i = 1; i < c->n_words; i++)
        ids[i - 1] = str_of(c->words[i]);
    int status = trust_store_open(&c->store, "inventory");
    struct inv_import m = {.remove_kind = k, .remove = ids, .n_remove = c->n_words - 1};
    return status == EXIT_OK ? import_run(c, &m) : status;
}

/* ---- bills of materials ---- */
static int bom_row(void *ctx, const struct inv_texts *t)
{
    static char line[2 * INV_ROW_MAX]; /* every octet of a row may be a quote, which is doubled */
    struct text out = text_over(line, sizeof line);
    inv_csv_line(&out, INV_component, t);
    return out.full || fputs(line, ctx) < 0 ? ERR_NOSPACE : OK;
}
static int bom_import(struct inventory_command *c, const struct cyclonedx *bill, char *csv, size_t n)
{
    char within[INV_TEXT_MAX + 2];
    int k = snprintf(within, sizeof within, "%.*s\x1f", INV_TEXT_MAX, c->words[0]);
    struct inv_text t = {str_of(c->words[1]), {csv, (uint32_t)n}, false, INV_component};
    struct inv_import m = {.texts = &t, .n_texts = 1, .within = {within, (uint32_t)k}};
    c->complete = true;
    c->note = c->note ? c->note : "bill of materials";
    printf("%u components", bill->components);
    if (bill->repeated)
        printf(", %u that are there twice left out", bill->repeated);
    if (*bill->name)
        printf("; the bill is for %s %s", bill->name, bill->version);
    printf("\n");
    return import_run(c, &m);
}
static int bom(struct inventory_command *c)
{
    struct cyclonedx bill;
    struct str text;
    char *csv = NULL, *memory = trust_file_read("inventory", c->words[1], &text);
    size_t n = 0;
    FILE *out = memory ? open_memstream(&csv, &n) : NULL;
    int status = out ? trust_store_open(&c->store, "inventory") : EXIT_FAILED;
    if (status == EXIT_OK) {
        char header[1024];
        struct text h = text_over(header, sizeof header);
        inv_csv_header(&h, INV_component);
        fputs(header, out);
        int e = cyclonedx_read(text, str_of(c->words[0]), bom_row, out, &bill);
        if (e == ERR_SYNTAX)
            fprintf(stderr, "%s:%u:%u: %s\n", c->words[1], bill.line, bill.column, bill.why);
        if (e < 0)
            status = e == ERR_SYNTAX ? EXIT_FAILED : inventory_refuse(c->words[1], err_text(e));
    }
    if (out && fclose(out) != 0)
        status = inventory_refuse("memory", "none left");
    if (status == EXIT_OK)
        status = bom_import(c, &bill, csv, n);
    free(csv);
    free(memory);
    return status;
}

/* ---- words ---- */
static const struct {
    const char *name;
    int (*fn)(struct inventory_command *);
    uint32_t words_min, words_max;
    const char *expected;
} subcommands[] = {{"import", import, 1, INVENTORY_FILES, "files or a folder"},
                   {"check", check, 0, INVENTORY_FILES, "files or a folder"},
                   {"list", inventory_list, 0, 1, "at most a kind of record"},
                   {"show", inventory_show, 1, 2, "[KIND] ID"},
                   {"history", inventory_history_show, 0, 2, "KIND ID, or nothing"},
                   {"export", inventory_export, 0, 1, "at most a kind of record"},
                   {"remove", remove_them, 2, INVENTORY_FILES, "KIND ID..."},
                   {"bom", bom, 2, 2, "PRODUCT and a CycloneDX file"},
                   {"fields", inventory_fields, 0, 1, "at most a kind of record"}};

static int take_option(struct inventory_command *c, struct args *a)
{
    static const struct {
        const char *name;
        uint32_t off;
    } texts[] = {{"--output", offsetof(struct inventory_command, output)}, {"--note", offsetof(struct inventory_command, note)},
                 {"--kind", offsetof(struct inventory_command, kind)}, {"--supplier", offsetof(struct inventory_command, supplier)},
                 {"--function", offsetof(struct inventory_command, function)},
                 {"--region", offsetof(struct inventory_command, region)}, {"--site", offsetof(struct inventory_command, site)}};
    int status = EXIT_OK;
    const char *value;
    if (trust_store_option(&c->store, a, &status))
        return status;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (args_value(a, NULL, texts[i].name, &value)) {
            memcpy((char *)c + texts[i].off, &value, sizeof value);
            return value ? EXIT_OK : EXIT_USAGE;
        }
    if (args_value(a, NULL, "--from", &value)) {
        if (value && !inv_date_parse(str_of(value), &c->from))
            return usage("trust inventory", "--from: found '%.40s', expected a day as 2027-12-31", value);
        return value ? EXIT_OK : EXIT_USAGE;
    }
    if (args_value(a, NULL, "--limit", &value))
        return value && args_number("--limit", value, 1, 1000000000, &c->limit) ? EXIT_OK : EXIT_USAGE;
    if (args_flag(a, NULL, "--json"))
        c->json = true;
    else if (args_flag(a, NULL, "--correct"))
        c->correct = true;
    else if (args_flag(a, NULL, "--complete"))
        c->complete = true;
    else if (args_flag(a, NULL, "--dry-run"))
        c->dry_run = true;
    else if (*args_now(a) == '-' || c->n_words == INVENTORY_FILES)
        return usage("trust inventory", "'%s' is not understood", args_now(a));
    else
        c->words[c->n_words++] = a->argv[a->at++];
    return EXIT_OK;
}

int trust_inventory(int argc, char **argv)
{
    struct inventory_command *c = calloc(1, sizeof *c);
    struct args a = {argc, argv, 2};
    size_t i = 0;
    while (i < ARRAY_LEN(subcommands) && (argc < 2 || strcmp(argv[1], subcommands[i].name) != 0))
        i++;
    int status = !c                             ? inventory_refuse("memory", "none left")
                 : i == ARRAY_LEN(subcommands) ? usage("trust inventory", "expected import, check, list, show, history, export, remove, bom or fields")
                                                : EXIT_OK;
    while (status == EXIT_OK && args_more(&a))
        status = take_option(c, &a);
    if (status == EXIT_OK && (c->n_words < subcommands[i].words_min || c->n_words > subcommands[i].words_max))
        status = usage("trust inventory", "%s: expected %s", subcommands[i].name, subcommands[i].expected);
    if (status == EXIT_OK)
        status = subcommands[i].fn(c);
    if (c)
        status = trust_store_close(&c->store, "inventory", status);
    free(c);
    return status;
}
