/* SPDX-License-Identifier: Apache-2.0 */
/* trust_synth.c - redoubt trust synth. */
#include "cmd/trust_synth.h"
#include "trust/inventory_store.h"
#include "trust/synth.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOTE "synthetic: made up for a trial, not a real network"
enum { LINE = 16 * 1024 };
struct synth_command {
    struct trust_store store;
    struct synth_options o;
    const char *output;
    int32_t from;
    bool import;
};
struct sink {
    struct synth_command *c;
    FILE *out;          /* of the kind that is being written */
    char *memory[INV_KINDS]; /* with --import: the CSV of each kind */
    size_t octets[INV_KINDS];
    enum inv_kind now;
    uint64_t n[INV_KINDS];
    bool json;
    char line[LINE];
};

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "redoubt trust synth: %s: %s\n", what, why);
    return EXIT_FAILED;
}
static int kind_begin(struct sink *s, enum inv_kind k)
{
    struct text t = text_over(s->line, sizeof s->line);
    char path[4200];
    if (s->json) {
        fprintf(s->out, "%s\"%s\":[\n", s->now == INV_KINDS ? "" : "],\n", inv_kind_desc(k)->file);
        return OK;
    }
    if (s->out && fclose(s->out) != 0)
        return ERR_IO;
    snprintf(path, sizeof path, "%.4096s/%s.csv", s->c->output ? s->c->output : "", inv_kind_desc(k)->file);
    s->out = s->c->import ? open_memstream(&s->memory[k], &s->octets[k]) : trust_file_new("synth", path);
    if (!s->out)
        return ERR_IO;
    inv_csv_header(&t, k);
    return fprintf(s->out, "# " NOTE "\n%s", s->line) < 0 ? ERR_IO : OK;
}
static int take(void *ctx, enum inv_kind k, const struct inv_texts *v)
{
    struct sink *s = ctx;
    struct text t = text_over(s->line, sizeof s->line);
    int e = s->now != k ? kind_begin(s, k) : OK;
    if (e < 0)
        return e;
    t = text_over(s->line, sizeof s->line);
    if (s->json) {
        text_add(&t, "%s", s->now == k ? "," : "");
        inv_json_object(&t, k, v);
        text_add(&t, "\n");
    } else {
        inv_csv_line(&t, k, v);
    }
    s->now = k;
    s->n[k]++;
    return fwrite(s->line, 1, t.n, s->out) == t.n ? OK : ERR_IO;
}

/* A real inventory is not mixed with one that is made up. */
static int store_ready(struct synth_command *c)
{
    struct trust_store newest = c->store;
    newest.at = INT32_MAX;
    struct inventory *v = trust_inventory_load(&newest, "synth");
    bool real = v && !v->synthetic && v->n_suppliers + v->n_elements + v->n_sites;
    inventory_free(v);
    return !v ? EXIT_FAILED : real ? refuse("store", "it holds an inventory that is not synthetic; name another with --store") : EXIT_OK;
}
static int import(struct synth_command *c, struct sink *s)
{
    struct inv_text texts[INV_KINDS];
    struct inv_report report;
    struct inv_import_result r;
    struct inv_import m = {.texts = texts, .from = c->from, .complete = true, .note = STR(NOTE), .now_us = trust_now_us()};
    for (uint32_t k = 0; k < INV_KINDS; k++)
        if (s->memory[k])
            texts[m.n_texts++] = (struct inv_text){str_of(inv_kind_desc((enum inv_kind)k)->file),
                                                   {s->memory[k], (uint32_t)s->octets[k]}, false, (enum inv_kind)k};
    int e = inventory_import(c->store.store, &m, &report, &r);
    return trust_import_status(&c->store, "synth", e, &report);
}

static int output_begin(struct synth_command *c, struct sink *s)
{
    size_t n = c->output ? strlen(c->output) : 0;
    s->json = n > 5 && strcmp(c->output + n - 5, ".json") == 0;
    if (s->json) {
        s->out = trust_file_new("synth", c->output);
        if (s->out)
            fprintf(s->out, "{\"note\":\"" NOTE "\",\"synthetic\":true,\n");
        return s->out ? EXIT_OK : EXIT_FAILED;
    }
    if (c->output && mkdir(c->output, 0755) < 0 && errno != EEXIST)
        return refuse(c->output, strerror(errno));
    return EXIT_OK;
}
static int make(struct synth_command *c, struct sink *s)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    int status = output_begin(c, s);
    if (status != EXIT_OK)
        return status;
    int e = synth_make(&c->o, take, s);
    if (s->json && e == OK)
        fputs("]}\n", s->out);
    if (s->out && fclose(s->out) != 0)
        e = ERR_IO;
    if (e < 0)
        return refuse("output", e == ERR_RANGE ? "too few or too many sites or operators" : err_text(e));
    if (c->import)
        status = import(c, s);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (status == EXIT_OK)
        printf("a country that does not exist (seed %llu): %llu sites, %llu elements, %llu neighbours, %llu suppliers, in %.1f s\n",
               (unsigned long long)c->o.seed, (unsigned long long)s->n[INV_site], (unsigned long long)s->n[INV_element],
               (unsigned long long)s->n[INV_neighbour], (unsigned long long)s->n[INV_supplier],
               (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    return status;
}

static int take_option(struct synth_command *c, struct args *a)
{
    static const struct {
        const char *name;
        uint32_t off, min, max;
    } numbers[] = {{"--sites", offsetof(struct synth_options, sites), 50, SYNTH_SITES_MAX},
                   {"--operators", offsetof(struct synth_options, operators), 1, SYNTH_OPERATORS},
                   {"--population", offsetof(struct synth_options, population), 1000, 2000000000}};
    char why[INV_REASON];
    const char *value;
    uint32_t number;
    int status = EXIT_OK;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (args_value(a, NULL, numbers[i].name, &value)) {
            if (!value || !args_number(numbers[i].name, value, numbers[i].min, numbers[i].max, &number))
                return EXIT_USAGE;
            memcpy((char *)&c->o + numbers[i].off, &number, sizeof number);
            return EXIT_OK;
        }
    if (args_value(a, NULL, "--seed", &value)) {
        status = value && args_number("--seed", value, 0, UINT32_MAX, &number) ? EXIT_OK : EXIT_USAGE;
        c->o.seed = status == EXIT_OK ? number : 0;
        return status;
    }
    if (args_value(a, NULL, "--suppliers", &value))
        return !value ? EXIT_USAGE
               : synth_suppliers_parse(&c->o, str_of(value), why) < 0 ? usage("trust synth", "--suppliers: %s", why)
                                                                        : EXIT_OK;
    if (args_value(a, NULL, "--from", &value))
        return !value ? EXIT_USAGE
               : inv_date_parse(str_of(value), &c->from) ? EXIT_OK
                                                          : usage("trust synth", "--from: found '%.40s', expected a day as 2027-12-31", value);
    if (args_value(a, NULL, "--output", &c->output))
        return c->output ? EXIT_OK : EXIT_USAGE;
    if (args_flag(a, NULL, "--import")) {
        c->import = true;
        return EXIT_OK;
    }
    if (trust_store_option(&c->store, a, &status))
        return status;
    return usage("trust synth", "'%s' is not understood", args_now(a));
}
int trust_synth(int argc, char **argv)
{
    struct synth_command *c = calloc(1, sizeof *c);
    struct sink *s = calloc(1, sizeof *s);
    struct args a = {argc, argv, 1};
    int status = c && s ? EXIT_OK : refuse("memory", "none left");
    if (status == EXIT_OK) {
        c->o = (struct synth_options){.seed = 1, .sites = 2000, .operators = 1};
        c->from = inv_date_of_unix_us(trust_now_us());
        *s = (struct sink){.c = c, .now = INV_KINDS};
    }
    while (status == EXIT_OK && args_more(&a))
        status = take_option(c, &a);
    if (status == EXIT_OK && !c->import == !c->output)
        status = usage("trust synth", "expected either --output DIR, --output FILE.json or --import");
    if (status == EXIT_OK && c->import) {
        status = trust_store_open(&c->store, "synth");
        if (status == EXIT_OK)
            status = store_ready(c);
    }
    if (status == EXIT_OK) {
        c->o.today = c->from;
        status = make(c, s);
    }
    for (uint32_t k = 0; s && k < INV_KINDS; k++)
        free(s->memory[k]);
    if (c)
        status = trust_store_close(&c->store, "synth", status);
    free(c);
    free(s);
    return status;
}
