/* SPDX-License-Identifier: Apache-2.0 */
/* trust_inventory_show.c - redoubt trust inventory list, show, history, export, check, fields. */
#include "cmd/trust_inventory.h"
#include "os/file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 64 * 1024 };
#define SYNTHETIC_NOTE "synthetic: made up for a trial, not a real network"

static int store_failed(struct inventory_command *c, int e)
{
    return inventory_refuse("store", e == ERR_STORE ? store_error(c->store.store)
                                     : e == ERR_SYNTAX ? "it holds a damaged row"
                                                       : err_text(e));
}
static struct str supplier_id(const struct inventory *v, uint32_t ref)
{
    const struct inv_supplier *s = inventory_supplier(v, ref);
    return s ? s->id : STR("-");
}
static struct str product_id(const struct inventory *v, uint32_t ref)
{
    const struct inv_product *p = inventory_product(v, ref);
    return p ? p->id : STR("-");
}

/* ---- list ---- */
struct listing {
    struct inventory_command *c;
    const struct inventory *v;
    uint32_t supplier, n;
    uint8_t function;
    uint64_t shown;
};
static bool wanted(const struct listing *l, const struct inv_element *e)
{
    const struct inv_site *s = inventory_site(l->v, e->site);
    return (!l->c->supplier || (l->supplier && inventory_in_group(l->v, e->supplier, l->supplier))) &&
           (!l->function || e->function == l->function) &&
           (!l->c->region || str_eq_nocase(e->region, str_of(l->c->region))) &&
           (!l->c->site || (s && str_is(s->id, l->c->site)));
}
static void element_line(const struct inventory *v, const struct inv_element *e)
{
    struct str supplier = supplier_id(v, e->supplier), product = product_id(v, e->product);
    printf("%-24.*s %-18s %-18.*s %-22.*s %-16.*s %-12s %10u\n", STR_ARG(e->id), inv_class_text(e->function), STR_ARG(supplier),
           STR_ARG(product), STR_ARG(e->region), inv_sensitivity_text(e->sensitivity), e->subscribers);
}
static int elements_list(struct listing *l)
{
    struct inventory_command *c = l->c;
    if (c->function && !(l->function = inv_class_parse(str_of(c->function))))
        return usage("trust inventory", "--function: there is no '%.40s'; 'redoubt trust inventory fields element' lists them", c->function);
    if (c->supplier && !(l->supplier = inventory_find_supplier(l->v, str_of(c->supplier))))
        return inventory_refuse(c->supplier, "no such supplier");
    printf("%-24s %-18s %-18s %-22s %-16s %-12s %10s\n", "ELEMENT", "FUNCTION", "SUPPLIER", "PRODUCT", "REGION", "SENSITIVITY", "SUBSCRIBERS");
    uint32_t matching = 0;
    for (uint32_t i = 0; i < l->v->n_elements; i++) {
        if (!wanted(l, &l->v->elements[i]))
            continue;
        if (matching++ < c->limit || !c->limit)
            element_line(l->v, &l->v->elements[i]);
    }
    printf("%u of %u elements%s\n", matching, l->v->n_elements, l->v->synthetic ? "; " SYNTHETIC_NOTE : "");
    return EXIT_OK;
}
/* Any kind: the id, and the fields that are short, as far as a line goes. */
static int row_line(void *ctx, const struct inv_version *r)
{
    struct listing *l = ctx;
    const struct inv_kind_desc *d = inv_kind_desc(r->kind);
    static char line[LINE];
    struct text t = text_over(line, sizeof line);
    struct inv_texts v;
    if (r->kind != (enum inv_kind)l->function || !inv_row_get(d, r->row, &v))
        return OK;
    l->n++;
    if (l->c->limit && l->shown == l->c->limit)
        return OK;
    l->shown++;
    if (l->c->json) {
        inv_json_object(&t, r->kind, &v);
        printf("%s%s\n", l->shown > 1 ? "," : "", line);
        return OK;
    }
    for (uint32_t i = 0; i < d->n_fields && i < 6; i++)
        printf("%-*.*s ", i ? 18 : 24, STR_ARG(v.v[i]));
    printf("\n");
    return OK;
}
static int rows_list(struct listing *l, enum inv_kind k)
{
    const struct inv_kind_desc *d = inv_kind_desc(k);
    l->function = (uint8_t)k;
    if (l->c->json)
        printf("[");
    for (uint32_t i = 0; i < d->n_fields && i < 6 && !l->c->json; i++)
        printf("%-*s ", i ? 18 : 24, d->fields[i].name);
    printf("\n");
    int e = inventory_scan(l->c->store.store, l->c->store.at, l->c->store.known_us, row_line, l);
    if (l->c->json)
        printf("]\n");
    else
        printf("%u %s\n", l->n, d->file);
    return e < 0 ? store_failed(l->c, e) : EXIT_OK;
}
int inventory_list(struct inventory_command *c)
{
    enum inv_kind k = c->n_words ? inventory_kind_of(c->words[0]) : INV_element;
    struct listing l = {.c = c};
    if (k == INV_KINDS)
        return EXIT_USAGE;
    int status = trust_store_open(&c->store, "inventory");
    if (status != EXIT_OK)
        return status;
    if (k != INV_element || c->json)
        return rows_list(&l, k);
    struct inventory *v = trust_inventory_load(&c->store, "inventory");
    if (!v)
        return EXIT_FAILED;
    l.v = v;
    status = elements_list(&l);
    inventory_free(v);
    return status;
}

/* ---- show ---- */
struct showing {
    struct inventory_command *c;
    enum inv_kind kind; /* INV_KINDS: whichever */
    struct str key;
    uint32_t found;
};
static int show_row(void *ctx, const struct inv_version *r)
{
    struct showing *s = ctx;
    const struct inv_kind_desc *d = inv_kind_desc(r->kind);
    struct inv_texts v;
    char id[160], day[INV_DATE_TEXT];
    static char line[LINE];
    struct text t = text_over(line, sizeof line);
    if ((s->kind != INV_KINDS && r->kind != s->kind) || !str_eq(r->key, s->key) || !inv_row_get(d, r->row, &v))
        return OK;
    s->found++;
    s->kind = r->kind;
    if (s->c->json) {
        inv_json_object(&t, r->kind, &v);
        printf("%s\n", line);
        return OK;
    }
    printf("%s %s, as it is since %s\n", d->name, inv_key_text(r->key, id, sizeof id), inv_date_text(r->from, day));
    for (uint32_t i = 0; i < d->n_fields; i++)
        if (v.v[i].n)
            printf("  %-16s " STR_FMT "\n", d->fields[i].name, STR_ARG(v.v[i]));
    return OK;
}
static void supplier_more(const struct inventory *v, uint32_t ref)
{
    const struct inv_supplier *s = inventory_supplier(v, ref);
    uint32_t elements = 0;
    for (uint32_t i = 0; i < v->n_elements; i++)
        elements += v->elements[i].supplier == ref;
    for (uint32_t up = s->parent, i = 0; up && i < v->n_suppliers; up = v->suppliers[up - 1].parent, i++)
        printf("  %-16s " STR_FMT " (%s)\n", "of the group of", STR_ARG(v->suppliers[up - 1].name), v->suppliers[up - 1].country);
    for (uint32_t i = 0; i < s->owners.n; i++) {
        const struct inv_ownership *o = &v->ownership[s->owners.first + i];
        printf("  %-16s " STR_FMT " (%s), %.4g %%%s\n", "owned by", STR_ARG(o->owner), o->country, o->share, o->state_owned ? ", a state" : "");
    }
    for (uint32_t i = 0; i < s->laws.n; i++)
        printf("  %-16s " STR_FMT " (%s)\n", "bound by", STR_ARG(v->laws[s->laws.first + i].citation), v->laws[s->laws.first + i].country);
    printf("  %-16s %u\n", "elements", elements);
}
static void product_more(const struct inventory *v, uint32_t ref)
{
    const struct inv_product *p = inventory_product(v, ref);
    char day[2][INV_DATE_TEXT];
    for (uint32_t i = 0; i < p->certifications.n; i++) {
        const struct inv_certification *x = &v->certifications[p->certifications.first + i];
        printf("  %-16s " STR_FMT " " STR_FMT ", %s to %s\n", "certified", STR_ARG(x->scheme), STR_ARG(x->scope),
               inv_date_text(x->issued, day[0]), x->until ? inv_date_text(x->until, day[1]) : "no end");
    }
    for (uint32_t i = 0; i < p->advisories.n; i++) {
        const struct inv_advisory *x = &v->advisories[p->advisories.first + i];
        printf("  %-16s " STR_FMT ", severity %.1f%s" STR_FMT "\n", "advisory", STR_ARG(x->id), x->severity,
               x->fixed_in.n ? ", fixed in " : ", no fix known", STR_ARG(x->fixed_in));
    }
    if (p->components.n)
        printf("  %-16s %u in its bill of materials\n", "components", p->components.n);
}
static void element_more(const struct inventory *v, uint32_t ref)
{
    const struct inv_element *e = inventory_element(v, ref);
    const struct inv_supplier *s = inventory_supplier(v, e->supplier);
    if (s)
        printf("  %-16s " STR_FMT " (%s)\n", "made by", STR_ARG(s->name), s->country);
    printf("  %-16s %s\n", "proves itself by", e->identity == INV_IDENTITY_certificate ? "the key of its certificate"
                                               : e->identity == INV_IDENTITY_address_only ? "its address alone"
                                                                                          : "nothing");
    if (inv_has_position(e->latitude, e->longitude))
        printf("  %-16s %.5f, %.5f" "%s" STR_FMT "\n", "stands at", e->latitude, e->longitude, e->region.n ? ", region " : "", STR_ARG(e->region));
    for (uint32_t i = 0; i < e->neighbours.n && i < 20; i++) {
        const struct inv_neighbour *n = &v->neighbours[e->neighbours.first + i];
        printf("  %-16s " STR_FMT ", %.4g %% of its area\n", "neighbour", STR_ARG(v->elements[n->neighbour - 1].id), n->overlap);
    }
}
static void site_more(const struct inventory *v, uint32_t ref)
{
    const struct inv_site *s = inventory_site(v, ref);
    for (uint32_t i = 0; i < s->elements.n; i++) {
        const struct inv_element *e = inventory_element(v, v->by_site[s->elements.first + i]);
        struct str supplier = supplier_id(v, e->supplier);
        printf("  %-16s " STR_FMT ", %s of " STR_FMT "\n", "element", STR_ARG(e->id), inv_class_text(e->function), STR_ARG(supplier));
    }
}
static int show_more(struct inventory_command *c, enum inv_kind k, struct str id)
{
    struct inventory *v = trust_inventory_load(&c->store, "inventory");
    if (!v)
        return EXIT_FAILED;
    uint32_t ref = inventory_find(v, k, id);
    if (ref && k == INV_supplier)
        supplier_more(v, ref);
    else if (ref && k == INV_product)
        product_more(v, ref);
    else if (ref && k == INV_element)
        element_more(v, ref);
    else if (ref && k == INV_site)
        site_more(v, ref);
    inventory_free(v);
    return EXIT_OK;
}
/* " / " of what people write is what stands between the parts of a key. */
static struct str key_of(const char *word, char out[INV_KEY_MAX])
{
    struct text t = text_over(out, INV_KEY_MAX);
    for (const char *p = word, *slash; ; p = slash + 3) {
        slash = strstr(p, " / ");
        text_add(&t, "%.*s", (int)(slash ? slash - p : (long)strlen(p)), p);
        if (!slash)
            break;
        text_add(&t, "\x1f");
    }
    return (struct str){out, t.n};
}
int inventory_show(struct inventory_command *c)
{
    char key[INV_KEY_MAX];
    struct showing s = {.c = c, .kind = c->n_words == 2 ? inventory_kind_of(c->words[0]) : INV_KINDS};
    if (c->n_words == 2 && s.kind == INV_KINDS)
        return EXIT_USAGE;
    s.key = key_of(c->words[c->n_words - 1], key);
    int status = trust_store_open(&c->store, "inventory");
    if (status != EXIT_OK)
        return status;
    int e = inventory_scan(c->store.store, c->store.at, c->store.known_us, show_row, &s);
    if (e < 0)
        return store_failed(c, e);
    if (!s.found)
        return inventory_refuse(c->words[c->n_words - 1], "no such record on that day");
    return c->json ? EXIT_OK : show_more(c, s.kind, s.key);
}

/* ---- history ---- */
static const char *moment_text(uint64_t us, char out[24])
{
    time_t t = (time_t)(us / 1000000);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, 24, "%Y-%m-%d %H:%M:%SZ", &tm);
    return out;
}
static int journal_line(void *ctx, const struct inv_journal_entry *e)
{
    char when[24], day[INV_DATE_TEXT];
    printf("%6u  %s  %s %s  %u added, %u changed, %u removed  " STR_FMT "%s\n", e->number, moment_text(e->recorded_us, when),
           e->flags & INV_VERSION_CORRECTION ? "correction" : "from      ", inv_date_text(e->from, day), e->added, e->changed,
           e->removed, STR_ARG(e->note), e->complete ? "" : "  (cut short: without effect)");
    ++*(uint32_t *)ctx;
    return OK;
}
struct versions {
    uint32_t n;
    uint8_t before[INV_ROW_MAX];
    uint32_t before_n;
};
static int version_line(void *ctx, const struct inv_version *r)
{
    struct versions *v = ctx;
    const struct inv_kind_desc *d = inv_kind_desc(r->kind);
    struct inv_texts old, new;
    char when[24], day[INV_DATE_TEXT];
    printf("from %s  %s in import %u, recorded %s\n", inv_date_text(r->from, day),
           r->flags & INV_VERSION_REMOVED      ? "removed"
           : r->flags & INV_VERSION_CORRECTION ? "corrected"
           : v->n                              ? "changed"
                                               : "added",
           r->number, moment_text(r->recorded_us, when));
    v->n++;
    if (!inv_row_get(d, (struct bytes){v->before, v->before_n}, &old) || !inv_row_get(d, r->row, &new))
        return OK;
    for (uint32_t i = 0; i < d->n_fields && !(r->flags & INV_VERSION_REMOVED); i++)
        if (!str_eq(old.v[i], new.v[i]))
            printf("    %-16s " STR_FMT "%s" STR_FMT "\n", d->fields[i].name, STR_ARG(old.v[i]),
                   !old.v[i].n ? "" : new.v[i].n ? "  ->  " : "  ->  (none)", STR_ARG(new.v[i]));
    v->before_n = r->row.n <= INV_ROW_MAX ? r->row.n : 0;
    memcpy(v->before, r->row.p, v->before_n);
    return OK;
}
int inventory_history_show(struct inventory_command *c)
{
    char key[INV_KEY_MAX];
    enum inv_kind k = c->n_words ? inventory_kind_of(c->words[0]) : INV_KINDS;
    if (c->n_words == 1)
        return usage("trust inventory", "history: expected KIND ID, or nothing");
    if (c->n_words && k == INV_KINDS)
        return EXIT_USAGE;
    int status = trust_store_open(&c->store, "inventory");
    if (status != EXIT_OK)
        return status;
    uint32_t n = 0;
    struct versions *v = calloc(1, sizeof *v);
    int e = !v ? ERR_NOSPACE
            : c->n_words ? inventory_history(c->store.store, k, key_of(c->words[1], key), version_line, v)
                         : inventory_journal(c->store.store, journal_line, &n);
    n = c->n_words && v ? v->n : n;
    free(v);
    if (e < 0)
        return store_failed(c, e);
    return c->n_words && !n ? inventory_refuse(c->words[1], "there never was such a record") : EXIT_OK;
}

/* ---- export ---- */
struct exporting {
    struct inventory_command *c;
    FILE *out;
    enum inv_kind only, now; /* the kind that is being written */
    uint32_t n;
    char line[LINE];
};
static int kind_begin(struct exporting *x, enum inv_kind k)
{
    struct text t = text_over(x->line, sizeof x->line);
    if (x->c->json) {
        fprintf(x->out, "%s\n\"%s\": [", x->now == INV_KINDS ? "" : "\n],", inv_kind_desc(k)->file);
    } else {
        if (x->c->output && x->only == INV_KINDS) {
            char path[4200];
            snprintf(path, sizeof path, "%.4096s/%s.csv", x->c->output, inv_kind_desc(k)->file);
            if (x->out && fclose(x->out) != 0)
                return ERR_IO;
            x->out = trust_file_new("inventory", path);
        }
        if (!x->out)
            return ERR_IO;
        inv_csv_header(&t, k);
        fputs(x->line, x->out);
    }
    x->now = k;
    return OK;
}
static int export_row(void *ctx, const struct inv_version *r)
{
    struct exporting *x = ctx;
    struct text t = text_over(x->line, sizeof x->line);
    struct inv_texts v;
    if ((x->only != INV_KINDS && x->only != r->kind) || !inv_row_get(inv_kind_desc(r->kind), r->row, &v))
        return OK;
    bool first = x->now != r->kind;
    int e = first ? kind_begin(x, r->kind) : OK;
    if (e < 0)
        return e;
    x->n++;
    t = text_over(x->line, sizeof x->line);
    if (x->c->json) {
        fputs(first ? "\n" : ",\n", x->out);
        inv_json_object(&t, r->kind, &v);
    } else {
        inv_csv_line(&t, r->kind, &v);
    }
    return fputs(x->line, x->out) < 0 ? ERR_IO : OK;
}
int inventory_export(struct inventory_command *c)
{
    struct exporting *x = calloc(1, sizeof *x);
    int status = x ? EXIT_OK : inventory_refuse("memory", "none left");
    if (x) {
        *x = (struct exporting){.c = c, .now = INV_KINDS, .only = c->n_words ? inventory_kind_of(c->words[0]) : INV_KINDS, .out = stdout};
        if (c->n_words && x->only == INV_KINDS)
            status = EXIT_USAGE;
        else if (!c->json && !c->n_words && !c->output)
            status = usage("trust inventory", "export: expected a kind of record, --output DIR for all as CSV, or --json");
    }
    if (status == EXIT_OK)
        status = trust_store_open(&c->store, "inventory");
    bool folder = status == EXIT_OK && c->output && !c->json && x->only == INV_KINDS;
    if (folder && mkdir(c->output, 0755) < 0 && errno != EEXIST)
        status = inventory_refuse(c->output, strerror(errno));
    if (status == EXIT_OK && c->output)
        x->out = folder ? NULL : trust_file_new("inventory", c->output);
    if (status == EXIT_OK && !x->out && !folder)
        status = EXIT_FAILED;
    if (status == EXIT_OK) {
        if (c->json)
            fputs("{", x->out);
        int e = inventory_scan(c->store.store, c->store.at, c->store.known_us, export_row, x);
        if (e == OK && c->json)
            fputs(x->now == INV_KINDS ? "}\n" : "\n]}\n", x->out);
        if (x->out && (fflush(x->out) != 0 || (x->out != stdout && fclose(x->out) != 0)))
            e = ERR_IO;
        status = e < 0 ? store_failed(c, e) : EXIT_OK;
        fprintf(stderr, "%u records\n", x->n);
    }
    free(x);
    return status;
}

/* ---- check: what the inventory does not know ---- */
static bool element_has(const struct inv_element *e, uint32_t gap, const struct inventory *v, int32_t day)
{
    const struct inv_product *p = inventory_product(v, e->product);
    bool certified = false, fixed = true;
    for (uint32_t i = 0; p && i < p->certifications.n; i++) {
        int32_t until = v->certifications[p->certifications.first + i].until;
        certified |= !until || until >= day;
    }
    for (uint32_t i = 0; p && i < p->advisories.n; i++)
        fixed &= v->advisories[p->advisories.first + i].fixed_in.n != 0;
    switch (gap) {
    case 0: return !e->supplier;
    case 1: return !e->product;
    case 2: return !e->identity;
    case 3: return e->identity == INV_IDENTITY_address_only;
    case 4: return !inv_has_position(e->latitude, e->longitude);
    case 5: return p && !certified;
    case 6: return p && !fixed;
    case 7: return p && p->support_until && p->support_until < day;
    case 8: return e->remote_access && !e->maintained_from[0];
    case 9: return inv_class_group(e->function) == INV_GROUP_radio && e->subscribers && !e->neighbours.n;
    default: return false;
    }
}
static const char *const gaps[] = {
    "elements whose supplier is not known: policy treats them as strangers",
    "elements whose product is not known",
    "elements that cannot prove who they are",
    "elements that prove themselves by their address alone",
    "elements without a position",
    "elements of products without a certification that holds",
    "elements of products with an advisory that no version fixes",
    "elements of products that get no security updates any more",
    "elements with remote access from a country that is not known",
    "cells with subscribers and no neighbour: nobody takes over",
};
int inventory_check_store(struct inventory_command *c)
{
    int status = trust_store_open(&c->store, "inventory");
    struct inventory *v = status == EXIT_OK ? trust_inventory_load(&c->store, "inventory") : NULL;
    if (!v)
        return status == EXIT_OK ? EXIT_FAILED : status;
    char day[INV_DATE_TEXT];
    uint32_t unowned = 0;
    printf("%s: %u suppliers, %u products, %u sites, %u elements, %u neighbours%s\n", inv_date_text(c->store.at, day),
           v->n_suppliers, v->n_products, v->n_sites, v->n_elements, v->n_neighbours, v->synthetic ? "; " SYNTHETIC_NOTE : "");
    for (uint32_t i = 0; i < v->n_suppliers; i++)
        unowned += !v->suppliers[i].owners.n && !v->suppliers[i].parent;
    if (unowned)
        printf("%8u  suppliers whose owners are not known\n", unowned);
    for (uint32_t g = 0; g < ARRAY_LEN(gaps); g++) {
        uint32_t n = 0, first = 0;
        for (uint32_t i = v->n_elements; i--;)
            if (element_has(&v->elements[i], g, v, c->store.at)) {
                n++;
                first = i;
            }
        if (n)
            printf("%8u  %s, such as " STR_FMT "\n", n, gaps[g], STR_ARG(v->elements[first].id));
    }
    inventory_free(v);
    return EXIT_OK;
}

/* ---- fields ---- */
static const char *const type_texts[] = {
    "text", "texts apart by ;", "id", "word", "YYYY-MM-DD", "whole number", "whole number", "number", "per cent", "yes or no",
    "country, ISO 3166", "currency, ISO 4217", "64 hex digits", "001-01", "IP address"};
static void kind_print(const struct inv_kind_desc *d)
{
    printf("%s.csv: %s\n", d->file, d->help);
    for (uint32_t i = 0; i < d->n_fields; i++) {
        const struct inv_field *f = &d->fields[i];
        printf("  %-16s %-20s %-8s %s\n", f->name,
               f->type == INV_REF ? inv_kind_text(inv_field_target(f)) : type_texts[f->type],
               f->use == INV_USE_KEY || f->use == INV_USE_PART ? "id" : f->use == INV_USE_MUST ? "needed" : "", f->help);
    }
    printf("\n");
}
int inventory_fields(struct inventory_command *c)
{
    enum inv_kind only = c->n_words ? inventory_kind_of(c->words[0]) : INV_KINDS;
    if (c->n_words && only == INV_KINDS)
        return EXIT_USAGE;
    for (uint32_t k = 0; k < INV_KINDS; k++)
        if (only == INV_KINDS || k == only)
            kind_print(inv_kind_desc((enum inv_kind)k));
    if (only == INV_KINDS || only == INV_element || only == INV_product) {
        printf("functions:\n");
        for (uint8_t i = 1; i < INV_CLASSES; i++)
            printf("  %-22s %-12s %s\n", inv_class_text(i), inv_group_text((uint8_t)inv_class_group(i)), inv_class_help(i));
    }
    return EXIT_OK;
}
