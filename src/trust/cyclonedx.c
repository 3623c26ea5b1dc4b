/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/cyclonedx.h"
#include "base/map.h"
#include "codec/json.h"
#include <stdio.h>
#include <stdlib.h>

enum {
#define COMPONENT(number, name, ...) COMPONENT_##name,
#include "../../spec/inventory.def"
};
enum { SCRATCH = 256 * 1024, SEEN_MAX = 1 << 20 };

struct bill {
    struct json j;
    struct arena scratch;
    struct str product;
    struct cyclonedx *out;
    int (*row)(void *ctx, const struct inv_texts *);
    void *ctx;
    uint64_t *seen; /* hashes of name and version, open addressing; 0: free */
    uint32_t n_seen, cap;
    int err; /* of row(), or memory */
    bool is_cyclonedx;
};

/* ---- each name and version once ---- */
static bool seen_grow(struct bill *b)
{
    uint32_t cap = b->cap ? b->cap * 2 : 1024;
    uint64_t *v = cap <= SEEN_MAX * 2 ? calloc(cap, sizeof *v) : NULL;
    if (!v) {
        b->err = ERR_NOSPACE;
        return false;
    }
    for (uint32_t i = 0; i < b->cap; i++)
        if (b->seen[i]) {
            uint32_t at = (uint32_t)b->seen[i] & (cap - 1);
            while (v[at])
                at = (at + 1) & (cap - 1);
            v[at] = b->seen[i];
        }
    free(b->seen);
    b->seen = v;
    b->cap = cap;
    return true;
}
static bool is_new(struct bill *b, struct str name, struct str version)
{
    if (b->n_seen * 2 >= b->cap && !seen_grow(b))
        return false;
    uint64_t h = (siphash24(1, 2, name.p ? name.p : "", name.n) ^ siphash24(3, 4, version.p ? version.p : "", version.n)) | 1;
    uint32_t at = (uint32_t)h & (b->cap - 1);
    while (b->seen[at] && b->seen[at] != h)
        at = (at + 1) & (b->cap - 1);
    bool new = !b->seen[at];
    b->n_seen += new;
    b->seen[at] = h;
    return new;
}

/* ---- members ---- */
static bool text_member(struct bill *b, struct str *out)
{
    return json_peek(&b->j) == JSON_TEXT ? json_text(&b->j, &b->scratch, out) : json_skip(&b->j);
}
/* Goes into an object; anything else is passed over. */
static bool object(struct bill *b)
{
    if (json_peek(&b->j) == JSON_OBJECT)
        return json_object(&b->j);
    json_skip(&b->j);
    return false;
}
/* An object's member `wanted` that is a text; the rest is passed over. */
static void name_of(struct bill *b, const char *wanted, struct str *out)
{
    struct str name;
    char scratch[64];
    for (bool more = object(b); more && json_member(&b->j, &name, scratch);)
        if (str_is(name, wanted))
            text_member(b, out);
        else
            json_skip(&b->j);
}
static void hashes(struct bill *b, struct str *sha256)
{
    struct str name;
    char scratch[64];
    for (bool more = json_array(&b->j); more && json_item(&b->j);) {
        struct str alg = {NULL, 0}, content = {NULL, 0};
        for (bool in = json_object(&b->j); in && json_member(&b->j, &name, scratch);)
            text_member(b, str_is(name, "alg") ? &alg : str_is(name, "content") ? &content : &(struct str){NULL, 0});
        if (str_is(alg, "SHA-256"))
            *sha256 = content;
    }
}
/* Each is an expression, or a license with its id or name. */
static void licences(struct bill *b, struct str *out)
{
    struct str name, item = {NULL, 0};
    char scratch[64];
    char *p = arena_take(&b->scratch, INV_TEXT_MAX + 1);
    struct text t = text_over(p, p ? INV_TEXT_MAX + 1 : 0);
    for (bool more = json_array(&b->j); more && json_item(&b->j);) {
        for (bool in = json_object(&b->j); in && json_member(&b->j, &name, scratch);) {
            item = (struct str){NULL, 0};
            if (str_is(name, "expression")) {
                text_member(b, &item);
            } else if (str_is(name, "license") && json_peek(&b->j) == JSON_OBJECT) {
                for (bool deep = json_object(&b->j); deep && json_member(&b->j, &name, scratch);)
                    text_member(b, str_is(name, "id") || (str_is(name, "name") && !item.n) ? &item : &(struct str){NULL, 0});
            } else {
                json_skip(&b->j);
            }
            if (item.n)
                text_add(&t, "%s%.*s", t.n ? " AND " : "", STR_ARG(item));
        }
    }
    if (!t.full)
        *out = (struct str){t.p, t.n};
}

/* ---- components ---- */
static void wrong(struct bill *b, const char *why)
{
    if (!b->j.why)
        snprintf(b->out->why, sizeof b->out->why, "%s", why);
    json_wrong(&b->j, b->out->why);
}
static bool fields_ok(struct bill *b, const struct inv_texts *t, uint32_t line, uint32_t column)
{
    const struct inv_kind_desc *d = inv_kind_desc(INV_component);
    char why[INV_REASON], text[INV_REASON];
    uint8_t scratch[64];
    for (uint32_t i = 0; i < d->n_fields; i++)
        if (t->v[i].n && !inv_value_parse(&d->fields[i], t->v[i], scratch, why)) {
            b->j.line = line;
            b->j.column = column;
            snprintf(text, sizeof text, "a component's %s: %.100s", d->fields[i].name, why);
            wrong(b, text);
            return false;
        }
    return true;
}
static void emit(struct bill *b, struct inv_texts *t, struct str group, uint32_t line, uint32_t column)
{
    char full[2 * INV_TEXT_MAX];
    struct text name = text_over(full, sizeof full);
    t->v[COMPONENT_product] = b->product;
    if (!t->v[COMPONENT_name].n) {
        b->j.line = line;
        b->j.column = column;
        wrong(b, "a component without a name");
        return;
    }
    if (group.n) {
        text_add(&name, STR_FMT "/" STR_FMT, STR_ARG(group), STR_ARG(t->v[COMPONENT_name]));
        t->v[COMPONENT_name] = (struct str){name.p, name.n}; /* where it was cut, it is too long anyway */
    }
    if (!fields_ok(b, t, line, column))
        return;
    if (!is_new(b, t->v[COMPONENT_name], t->v[COMPONENT_version])) {
        b->out->repeated++;
        return;
    }
    b->out->components++;
    int e = b->row(b->ctx, t);
    b->err = e < 0 ? e : b->err;
}
static void components(struct bill *b);
static void component(struct bill *b, bool is_product)
{
    struct inv_texts t;
    struct str name, group = {NULL, 0}, maker = {NULL, 0};
    char scratch[64];
    memset(&t, 0, sizeof t);
    bool more = json_object(&b->j);
    uint32_t line = b->j.line, column = b->j.column;
    while (more && !b->err && json_member(&b->j, &name, scratch)) {
        bool array = json_peek(&b->j) == JSON_ARRAY;
        if (str_is(name, "components") && array)
            components(b);
        else if (str_is(name, "hashes") && array)
            hashes(b, &t.v[COMPONENT_sha256]);
        else if (str_is(name, "licenses") && array)
            licences(b, &t.v[COMPONENT_licence]);
        else if (str_is(name, "supplier"))
            name_of(b, "name", &t.v[COMPONENT_supplier]);
        else if (str_is(name, "manufacturer"))
            name_of(b, "name", &maker);
        else
            text_member(b, str_is(name, "name")      ? &t.v[COMPONENT_name]
                           : str_is(name, "version") ? &t.v[COMPONENT_version]
                           : str_is(name, "purl")    ? &t.v[COMPONENT_purl]
                           : str_is(name, "type")    ? &t.v[COMPONENT_type]
                           : str_is(name, "group")   ? &group
                                                     : &(struct str){NULL, 0});
    }
    if (b->j.why || b->err)
        return;
    t.v[COMPONENT_supplier] = t.v[COMPONENT_supplier].n ? t.v[COMPONENT_supplier] : maker;
    if (is_product) { /* told to people: by the same rules as what is kept */
        struct str version = t.v[COMPONENT_version];
        name = t.v[COMPONENT_name];
        memset(&t, 0, sizeof t);
        t.v[COMPONENT_name] = name;
        t.v[COMPONENT_version] = version;
        if (!fields_ok(b, &t, line, column))
            return;
        str_copy(b->out->name, sizeof b->out->name, t.v[COMPONENT_name]);
        str_copy(b->out->version, sizeof b->out->version, t.v[COMPONENT_version]);
    } else {
        emit(b, &t, group, line, column);
    }
}
static void components(struct bill *b)
{
    for (bool more = json_array(&b->j); more && !b->err && json_item(&b->j);) {
        uint32_t mark = b->scratch.off;
        component(b, false);
        b->scratch.off = mark;
    }
}
static void metadata(struct bill *b)
{
    struct str name;
    char scratch[64];
    for (bool more = object(b); more && json_member(&b->j, &name, scratch);)
        if (str_is(name, "component") && json_peek(&b->j) == JSON_OBJECT)
            component(b, true);
        else
            json_skip(&b->j);
}
static void version_check(struct bill *b)
{
    struct str v = {NULL, 0};
    if (!text_member(b, &v))
        return;
    bool known = v.n == 3 && v.p[0] == '1' && v.p[1] == '.' && v.p[2] >= '2' && v.p[2] <= '7';
    if (!known)
        wrong(b, "specVersion: expected 1.2 to 1.7");
}
static void document(struct bill *b)
{
    struct str name, format = {NULL, 0};
    char scratch[64];
    for (bool more = json_object(&b->j); more && !b->err && json_member(&b->j, &name, scratch);) {
        if (str_is(name, "bomFormat"))
            text_member(b, &format);
        else if (str_is(name, "specVersion"))
            version_check(b);
        else if (str_is(name, "metadata"))
            metadata(b);
        else if (str_is(name, "components") && json_peek(&b->j) == JSON_ARRAY)
            components(b);
        else
            json_skip(&b->j);
    }
    b->is_cyclonedx = str_is(format, "CycloneDX");
}

int cyclonedx_read(struct str text, struct str product, int (*row)(void *ctx, const struct inv_texts *), void *ctx,
                   struct cyclonedx *out)
{
    struct bill *b = calloc(1, sizeof *b);
    void *scratch = malloc(SCRATCH);
    int e = b && scratch ? OK : ERR_NOSPACE;
    *out = (struct cyclonedx){0};
    if (e == OK) {
        *b = (struct bill){.product = product, .out = out, .row = row, .ctx = ctx, .scratch = arena_over(scratch, SCRATCH)};
        json_start(&b->j, text);
        document(b);
        bool whole = !b->err && json_end(&b->j);
        if (whole && !b->is_cyclonedx) {
            b->j.line = b->j.column = 1;
            wrong(b, "this is no CycloneDX: bomFormat does not say so");
        }
        if (b->j.why && b->j.why != out->why)
            snprintf(out->why, sizeof out->why, "%s", b->j.why);
        out->line = b->j.line;
        out->column = b->j.column;
        e = b->err ? b->err : b->j.why ? ERR_SYNTAX : OK;
    }
    if (b)
        free(b->seen);
    free(b);
    free(scratch);
    return e;
}
