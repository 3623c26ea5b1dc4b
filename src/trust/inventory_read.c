/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_read.c - CSV and JSON to records. */
#include "base/suggest.h"
#include "codec/csv.h"
#include "codec/json.h"
#include "trust/inventory_build.h"
#include <stdlib.h>

enum { SCRATCH = 64 * 1024 };

struct reader {
    struct inv_build *b;
    uint32_t text;
    uint8_t *scratch; /* of one record */
    uint32_t wrong;
    struct inv_texts t;
    struct inv_place places[INV_FIELDS_MAX];
};
static int no_such_field(struct reader *r, const struct inv_kind_desc *d, struct inv_place at, struct str name)
{
    const char *near = NULL;
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < d->n_fields; i++)
        if (str_is_nearer(name, str_of(d->fields[i].name), &best))
            near = d->fields[i].name;
    inv_finding_add(r->b->report, r->text, at, near ? "%s have no '%.*s'; is '%s' meant?" : "%s have no '%.*s'%s", d->file,
                    (int)(name.n < 40 ? name.n : 40), name.p ? name.p : "", near ? near : "");
    r->wrong++;
    return ERR_SYNTAX;
}
static int add(struct reader *r, enum inv_kind k, struct inv_place at)
{
    int e = inv_build_add(r->b, k, &r->t, r->text, at, r->places);
    r->wrong += e < 0;
    return e == ERR_NOSPACE ? e : OK;
}

/* ---- CSV ---- */
static int csv_header(struct reader *r, struct csv *c, const struct inv_kind_desc *d, uint8_t column[INV_FIELDS_MAX],
                      uint32_t *n)
{
    struct arena a = arena_over(r->scratch, SCRATCH);
    struct str name;
    bool seen[INV_FIELDS_MAX] = {false};
    *n = 0;
    if (!csv_record(c)) {
        inv_finding_add(r->b->report, r->text, (struct inv_place){1, 1}, "found nothing, expected a first line that names the columns");
        return ERR_SYNTAX;
    }
    while (csv_field(c, &a, &name)) {
        uint32_t f = inv_field_find(d, name);
        struct inv_place at = {c->line, c->column};
        if (f == d->n_fields)
            return no_such_field(r, d, at, name);
        if (seen[f]) {
            inv_finding_add(r->b->report, r->text, at, "column %s twice", d->fields[f].name);
            return ERR_SYNTAX;
        }
        seen[f] = true;
        column[(*n)++] = (uint8_t)f;
    }
    for (uint32_t i = 0; i < d->n_fields; i++)
        if (!seen[i] && (d->fields[i].use == INV_USE_KEY || d->fields[i].use == INV_USE_MUST)) {
            inv_finding_add(r->b->report, r->text, (struct inv_place){c->line, 1}, "column %s is missing: %s",
                            d->fields[i].name, d->fields[i].help);
            return ERR_SYNTAX;
        }
    return OK;
}
static int csv_line(struct reader *r, struct csv *c, enum inv_kind k, const uint8_t *column, uint32_t n)
{
    struct arena a = arena_over(r->scratch, SCRATCH);
    struct str s;
    uint32_t i = 0;
    memset(&r->t, 0, sizeof r->t);
    memset(r->places, 0, sizeof r->places);
    struct inv_place start = {c->lines, 1};
    while (csv_field(c, &a, &s)) {
        if (i < n) {
            r->t.v[column[i]] = s;
            r->places[column[i]] = (struct inv_place){c->line, c->column};
        }
        i++;
    }
    if (c->why || i != n) {
        struct inv_place at = c->why ? (struct inv_place){c->line, c->column} : start;
        if (c->why)
            inv_finding_add(r->b->report, r->text, at, "%s", c->why);
        else
            inv_finding_add(r->b->report, r->text, at, "found %u columns, expected %u as in the first line", i, n);
        r->wrong++;
        return OK;
    }
    return add(r, k, start);
}
static int csv_read(struct reader *r, struct str text, enum inv_kind k)
{
    struct csv c;
    uint8_t column[INV_FIELDS_MAX];
    uint32_t n;
    csv_start(&c, text);
    int e = csv_header(r, &c, inv_kind_desc(k), column, &n);
    r->b->seen[k] |= e == OK;
    while (e == OK && csv_record(&c))
        e = csv_line(r, &c, k, column, n);
    return e;
}

/* ---- JSON ---- */
static bool json_list(struct json *j, struct arena *a, struct str *out)
{
    struct str item;
    char *p = arena_take(a, INV_TEXT_MAX + 1);
    struct text t = text_over(p, p ? INV_TEXT_MAX + 1 : 0);
    if (!json_array(j))
        return false;
    while (json_item(j)) {
        if (!json_text(j, a, &item))
            return false;
        if (item.n && memchr(item.p, ';', item.n))
            return json_wrong(j, "a text of a list has no ';'");
        text_add(&t, "%s%.*s", t.n ? ";" : "", STR_ARG(item));
    }
    *out = (struct str){t.p, t.n};
    return !j->why && (!t.full || json_wrong(j, "a list that is too long"));
}
static bool json_value(struct json *j, struct arena *a, const struct inv_field *f, struct str *out)
{
    bool b, quantity = f->type == INV_COUNT || f->type == INV_AMOUNT || f->type == INV_REAL || f->type == INV_SHARE;
    switch (json_peek(j)) {
    case JSON_NULL: return json_null(j);
    case JSON_NUMBER: return quantity ? json_number(j, out) : json_wrong(j, "found a number, expected a text");
    case JSON_ARRAY: return f->type == INV_LIST ? json_list(j, a, out) : json_wrong(j, "found an array, expected one value");
    case JSON_TEXT: return json_text(j, a, out);
    case JSON_BOOL:
        if (f->type != INV_BOOL)
            return json_wrong(j, "found true or false, expected something else");
        if (!json_bool(j, &b))
            return false;
        *out = b ? STR("yes") : STR("no");
        return true;
    default: return json_wrong(j, "found an object, expected one value");
    }
}
static int json_record(struct reader *r, struct json *j, enum inv_kind k)
{
    const struct inv_kind_desc *d = inv_kind_desc(k);
    struct arena a = arena_over(r->scratch, SCRATCH);
    struct str name;
    char scratch[64];
    uint32_t before = r->wrong;
    memset(&r->t, 0, sizeof r->t);
    memset(r->places, 0, sizeof r->places);
    bool more = json_object(j);
    struct inv_place start = {j->line, j->column};
    while (more && json_member(j, &name, scratch)) {
        uint32_t f = inv_field_find(d, name);
        if (f == d->n_fields) {
            json_peek(j);
            no_such_field(r, d, (struct inv_place){j->line, j->column}, name);
            json_skip(j);
            continue;
        }
        json_peek(j);
        if (r->places[f].line)
            json_wrong(j, "this member is there twice");
        r->places[f] = (struct inv_place){j->line, j->column};
        if (!json_value(j, &a, &d->fields[f], &r->t.v[f]))
            break;
    }
    return j->why ? ERR_SYNTAX : r->wrong == before ? add(r, k, start) : OK;
}
static int json_kinds(struct reader *r, struct json *j)
{
    struct str name;
    char scratch[64];
    int e = OK;
    for (bool more = json_object(j); more && e == OK && json_member(j, &name, scratch);) {
        enum inv_kind k = inv_kind_parse(name);
        if (k == INV_KINDS && !str_is(name, "note") && !str_is(name, "synthetic")) {
            json_wrong(j, "found a member that is no kind of record; expected suppliers, products, sites, elements, ...");
        } else if (k == INV_KINDS) {
            json_skip(j);
        } else if (json_array(j)) {
            r->b->seen[k] = true;
            while (e == OK && json_item(j))
                e = json_record(r, j, k);
        }
    }
    return e;
}
static int json_read(struct reader *r, struct str text)
{
    struct json j;
    json_start(&j, text);
    int e = json_kinds(r, &j);
    if (e != ERR_NOSPACE && !json_end(&j)) {
        inv_finding_add(r->b->report, r->text, (struct inv_place){j.line, j.column}, "%s", j.why);
        e = ERR_SYNTAX;
    }
    return e;
}

int inv_build_read(struct inv_build *b, uint32_t text)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r || !(r->scratch = malloc(SCRATCH))) {
        free(r);
        return ERR_NOSPACE;
    }
    r->b = b;
    r->text = text;
    const struct inv_text *t = &b->texts[text];
    int e = t->is_json ? json_read(r, t->text) : csv_read(r, t->text, t->kind);
    if (e == OK && r->wrong)
        e = ERR_SYNTAX;
    free(r->scratch);
    free(r);
    return e;
}
