/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - walks the YAML by the rows: every key is looked up, every option gets its value or its default, and all
 * that is wrong is told at once. */
#include "base/suggest.h"
#include "rt/config_rows.h"
#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

struct text_doc { /* one parsed text */
    yaml_document_t doc;
    struct str file;
    bool loaded, one_line; /* one_line: a --set or a default, whose line numbers say nothing */
};
struct config_reader {
    struct arena *arena;
    struct config_report *report;
    struct text_doc main;
    const struct str *sets;
    uint32_t n_sets;
    bool no_space;
    bool is_other; /* not a configuration, but a text with rows of its own */
};

/* ---- the report ---- */
void config_say(struct config_report *r, bool is_error, const char *format, ...)
{
    uint32_t room = CONFIG_REPORT_OCTETS - r->n;
    va_list ap;
    r->errors += is_error;
    r->warnings += !is_error;
    va_start(ap, format);
    int n = vsnprintf(r->text + r->n, room, format, ap);
    va_end(ap);
    if (n < 0 || (uint32_t)n + 2 > room) { /* whole lines only */
        r->text[r->n] = 0;
        r->cut = true;
        return;
    }
    r->n += (uint32_t)n;
    r->text[r->n++] = '\n';
    r->text[r->n] = 0;
}

static const char *place(const struct text_doc *d, const yaml_mark_t *m, char buf[CONFIG_WHERE])
{
    if (d->one_line)
        snprintf(buf, CONFIG_WHERE, STR_FMT, STR_ARG(d->file));
    else
        snprintf(buf, CONFIG_WHERE, STR_FMT ":%zu:%zu", STR_ARG(d->file), m ? m->line + 1 : 1, m ? m->column + 1 : 1);
    return buf;
}

/* What stood there, in a form that is safe to show. */
enum { FOUND_TEXT = 40, FOUND = FOUND_TEXT * 4 + 16 };
static const char *found(const yaml_node_t *n, bool is_secret, char buf[FOUND])
{
    if (!n || n->type == YAML_NO_NODE)
        return "nothing";
    if (n->type != YAML_SCALAR_NODE)
        return n->type == YAML_MAPPING_NODE ? "a mapping" : "a list";
    size_t len = n->data.scalar.length, at = 1;
    if (len == 0)
        return "nothing";
    if (is_secret) {
        snprintf(buf, FOUND, "a secret of %zu characters", len);
        return buf;
    }
    buf[0] = '\'';
    for (size_t i = 0; i < len && i < FOUND_TEXT; i++) {
        unsigned char c = n->data.scalar.value[i];
        if (c >= 0x20 && c < 0x7f)
            buf[at++] = (char)c;
        else
            at += (size_t)snprintf(buf + at, 5, "\\x%02x", c);
    }
    snprintf(buf + at, FOUND - at, len > FOUND_TEXT ? "...'" : "'");
    return buf;
}

static struct str scalar(const yaml_node_t *n)
{
    return (struct str){(const char *)n->data.scalar.value, (uint32_t)n->data.scalar.length};
}
static bool is_nothing(const yaml_node_t *n) /* "key:" and no more, or ~ */
{
    return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (n->data.scalar.length == 0 || str_is(scalar(n), "~") || str_is(scalar(n), "null"));
}

static void wrong(struct config_reader *r, const struct text_doc *d, const yaml_node_t *n, bool is_secret,
                  const char *expected)
{
    char where[CONFIG_WHERE], what[FOUND];
    config_say(r->report, true, "%s: found %s, expected %s", place(d, n ? &n->start_mark : NULL, where),
               found(n, is_secret, what), expected);
}

/* ---- documents ---- */
static void yaml_refused(struct config_reader *r, struct text_doc *d, const yaml_parser_t *p, struct str text)
{
    char where[CONFIG_WHERE];
    yaml_mark_t m = p->problem_mark;
    if (p->error == YAML_MEMORY_ERROR) {
        r->no_space = true;
        return;
    }
    if (p->error == YAML_READER_ERROR) { /* tells an offset only */
        m = (yaml_mark_t){0};
        for (size_t i = 0; i < p->problem_offset && i < text.n; i++) {
            m.column = text.p[i] == '\n' ? 0 : m.column + 1;
            m.line += text.p[i] == '\n';
        }
    }
    config_say(r->report, true, "%s: found no YAML (%s%s%s), expected YAML", place(d, &m, where),
               p->problem ? p->problem : "an error", p->context ? " " : "", p->context ? p->context : "");
}

/* The root, or NULL for an empty text or one that was refused. */
static yaml_node_t *doc_load(struct config_reader *r, struct text_doc *d, struct str text)
{
    yaml_parser_t p;
    yaml_document_t second;
    yaml_node_t *root = NULL;
    if (!yaml_parser_initialize(&p)) {
        r->no_space = true;
        return NULL;
    }
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, (const unsigned char *)text.p, text.n);
    d->loaded = yaml_parser_load(&p, &d->doc);
    if (!d->loaded) {
        yaml_refused(r, d, &p, text);
    } else if ((root = yaml_document_get_root_node(&d->doc))) {
        if (!yaml_parser_load(&p, &second)) {
            yaml_refused(r, d, &p, text);
        } else {
            yaml_node_t *more = yaml_document_get_root_node(&second);
            if (more)
                wrong(r, d, more, false, "one document");
            yaml_document_delete(&second);
        }
    }
    yaml_parser_delete(&p);
    return root;
}
static void doc_drop(struct text_doc *d)
{
    if (d->loaded)
        yaml_document_delete(&d->doc);
    d->loaded = false;
}

static yaml_node_t *doc_node(const struct text_doc *d, int index)
{
    return yaml_document_get_node((yaml_document_t *)(uintptr_t)&d->doc, index);
}
/* The key's node too, which is where a person looks. */
static yaml_node_t *mapping_get(const struct text_doc *d, const yaml_node_t *map, const char *key, yaml_node_t **key_node)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
        yaml_node_t *k = doc_node(d, p->key);
        if (k && k->type == YAML_SCALAR_NODE && str_is(scalar(k), key)) {
            if (key_node)
                *key_node = k;
            return doc_node(d, p->value);
        }
    }
    return NULL;
}

/* ---- values ---- */
static void section_read(struct config_reader *r, const struct text_doc *d, const struct config_section *s,
                         const yaml_node_t *node, void *out, const char *path);

static bool value_read(struct config_reader *r, const struct text_doc *d, const struct config_opt *o,
                       const yaml_node_t *n, void *out)
{
    char why[CONFIG_WHY] = "", expected[CONFIG_EXPECTED];
    int e = n->type == YAML_SCALAR_NODE ? config_value_parse(o, scalar(n), r->arena, out, why) : ERR_CONFIG;
    if (e == ERR_NOSPACE)
        r->no_space = true;
    else if (e < 0)
        wrong(r, d, n, o->type == CONFIG_TYPE_HEX, why[0] ? why : config_value_expected(o, expected));
    return e == OK;
}

static void *items_take(struct config_reader *r, const struct config_opt *o, uint64_t n)
{
    void *p = arena_zero(r->arena, n ? n * o->octets : 1);
    r->no_space |= !p;
    return p;
}
static void items_set(const struct config_opt *o, void *section, const void *items, uint32_t n)
{
    memcpy((char *)section + o->offset, &items, sizeof items);
    memcpy((char *)section + o->n_offset, &n, sizeof n);
}

static void not_twice(struct config_reader *r, const struct text_doc *d, const struct config_opt *o, const char *items,
                      uint32_t i, const yaml_node_t *n)
{
    for (uint32_t j = 0; j < i; j++)
        if (config_value_eq(o, items + (size_t)j * o->octets, items + (size_t)i * o->octets)) {
            wrong(r, d, n, false, "each value once");
            return;
        }
}

static void list_read(struct config_reader *r, const struct text_doc *d, const struct config_opt *o,
                      const yaml_node_t *n, void *section, const char *path)
{
    bool single = n->type == YAML_SCALAR_NODE && o->form == CONFIG_VALUES && !is_nothing(n); /* one without brackets */
    char expected[CONFIG_EXPECTED + 64];
    uint64_t count = single ? 1 : 0;
    if (n->type == YAML_SEQUENCE_NODE)
        count = (uint64_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    if ((n->type != YAML_SEQUENCE_NODE && !single) || count < o->fewest || count > o->most) {
        snprintf(expected, sizeof expected, "a list of %u to %u %s%s", (unsigned)o->fewest, (unsigned)o->most,
                 o->form == CONFIG_MAPPINGS ? "mappings" : "values", o->fewest ? "" : " ([] for none)");
        wrong(r, d, n, false, expected);
        return;
    }
    char *items = items_take(r, o, count);
    for (uint32_t i = 0; items && i < count && !r->no_space && !r->report->cut; i++) {
        const yaml_node_t *item = single ? n : doc_node(d, n->data.sequence.items.start[i]);
        char *out = items + (size_t)i * o->octets;
        if (!item)
            continue;
        if (o->form == CONFIG_MAPPINGS)
            section_read(r, d, o->element, item, out, path);
        else if (value_read(r, d, o, item, out))
            not_twice(r, d, o, items, i, item);
    }
    if (items)
        items_set(o, section, items, (uint32_t)count);
}

static void opt_read(struct config_reader *r, const struct text_doc *d, const struct config_opt *o,
                     const yaml_node_t *n, void *section, const char *path)
{
    if (o->form == CONFIG_ONE)
        value_read(r, d, o, n, config_member(o, section));
    else
        list_read(r, d, o, n, section, path);
}

/* A default is read as if it stood in the file: a value, values with commas, or YAML for mappings. */
static void default_read(struct config_reader *r, const struct text_doc *parent, const struct config_opt *o,
                         const yaml_node_t *where, void *section, const char *path)
{
    struct text_doc d = {.file = STR("default"), .one_line = true};
    char text[CONFIG_EXPECTED], expected[192], why[CONFIG_WHY];
    if (!o->def) {
        snprintf(expected, sizeof expected, "'%s' in %s", o->key, path);
        char at[CONFIG_WHERE];
        config_say(r->report, true, "%s: found nothing, expected %s", place(parent, where ? &where->start_mark : NULL, at),
                   expected);
        return;
    }
    if (o->form == CONFIG_ONE) {
        r->no_space |= config_value_parse(o, str_of(o->def), r->arena, config_member(o, section), why) == ERR_NOSPACE;
        return;
    }
    snprintf(text, sizeof text, o->form == CONFIG_MAPPINGS || !*o->def ? "%s" : "[%s]", *o->def ? o->def : "[]");
    yaml_node_t *n = doc_load(r, &d, str_of(text));
    if (n)
        list_read(r, &d, o, n, section, path);
    doc_drop(&d);
}

/* ---- sections ---- */
static const char *other_section(const struct config_section *not_this, struct str key)
{
    for (uint32_t i = 0; i < config_n_tops; i++)
        if (config_tops[i].section != not_this && config_opt_find(config_tops[i].section, key))
            return config_tops[i].section->name;
    return NULL;
}

static void key_unknown(struct config_reader *r, const struct text_doc *d, const struct config_section *s,
                        const yaml_node_t *k, const char *path)
{
    char expected[160];
    const char *near = NULL;
    uint32_t best = UINT32_MAX;
    struct str key = k->type == YAML_SCALAR_NODE ? scalar(k) : STR("");
    for (uint32_t i = 0; i < s->n_opts; i++)
        if (str_is_nearer(key, str_of(s->opts[i].key), &best))
            near = s->opts[i].key;
    const char *other = near || r->is_other ? NULL : other_section(s, key);
    if (near)
        snprintf(expected, sizeof expected, "an option of %s; did you mean '%s'?", path, near);
    else if (r->is_other)
        snprintf(expected, sizeof expected, "an option of %s", path);
    else if (other)
        snprintf(expected, sizeof expected, "an option of %s; section %s has one of this name", path, other);
    else
        snprintf(expected, sizeof expected, "an option of %s; see redoubt config help", path);
    wrong(r, d, k, false, expected);
}

static void keys_check(struct config_reader *r, const struct text_doc *d, const struct config_section *s,
                       const yaml_node_t *map, const char *path)
{
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
        yaml_node_t *k = doc_node(d, p->key), *first = NULL;
        if (r->report->cut) /* nobody reads more, and finding the nearest words takes time */
            return;
        if (k->type != YAML_SCALAR_NODE || !config_opt_find(s, scalar(k))) {
            key_unknown(r, d, s, k, path);
            continue;
        }
        mapping_get(d, map, config_opt_find(s, scalar(k))->key, &first);
        if (first != k)
            wrong(r, d, k, false, "each option once");
    }
}

/* The --set of an option, the last one given. */
static const struct str *set_find(const struct config_reader *r, const char *section, const char *key)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s=", section, key);
    for (uint32_t i = r->n_sets; i-- > 0;)
        if (str_starts(r->sets[i], name))
            return &r->sets[i];
    return NULL;
}

static void set_read(struct config_reader *r, const struct str *set, const struct config_opt *o, void *section,
                     const char *path)
{
    const char *equals = memchr(set->p, '=', set->n);
    uint32_t n_name = (uint32_t)(equals - set->p);
    char file[128];
    snprintf(file, sizeof file, "--set %.*s", (int)n_name, set->p);
    struct text_doc d = {.file = str_of(file), .one_line = true};
    struct str value = {equals + 1, set->n - n_name - 1};
    yaml_node_t *n = doc_load(r, &d, value);
    if (n)
        opt_read(r, &d, o, n, section, path);
    else if (d.loaded && o->form == CONFIG_ONE) { /* nothing after the equals sign: empty text */
        char why[CONFIG_WHY], expected[CONFIG_EXPECTED];
        if (config_value_parse(o, STR(""), r->arena, config_member(o, section), why) < 0)
            wrong(r, &d, NULL, false, config_value_expected(o, expected));
    } else if (d.loaded) {
        wrong(r, &d, NULL, false, "a list ([] for none)");
    }
    doc_drop(&d);
}

static void section_read(struct config_reader *r, const struct text_doc *d, const struct config_section *s,
                         const yaml_node_t *node, void *out, const char *path)
{
    bool top = out && !r->is_other && config_top_find(str_of(s->name)) && config_top_find(str_of(s->name))->section == s;
    char inner[128], expected[192];
    if (node && node->type != YAML_MAPPING_NODE && !(top && is_nothing(node))) {
        snprintf(expected, sizeof expected, "a mapping of options of %s", path);
        wrong(r, d, node, false, expected);
        return;
    }
    if (node && node->type == YAML_MAPPING_NODE)
        keys_check(r, d, s, node, path);
    for (uint32_t i = 0; i < s->n_opts && !r->no_space && !r->report->cut; i++) {
        const struct config_opt *o = &s->opts[i];
        const yaml_node_t *n = mapping_get(d, node, o->key, NULL);
        const struct str *set = top ? set_find(r, s->name, o->key) : NULL;
        snprintf(inner, sizeof inner, "%s.%s", path, o->key);
        if (set)
            set_read(r, set, o, out, inner);
        else if (n)
            opt_read(r, d, o, n, out, inner);
        else
            default_read(r, d, o, node, out, o->form == CONFIG_MAPPINGS ? inner : path);
    }
}

/* ---- the whole ---- */
static void section_unknown(struct config_reader *r, const struct text_doc *d, const yaml_node_t *k)
{
    char expected[160];
    const char *near = NULL;
    uint32_t best = UINT32_MAX;
    struct str key = k->type == YAML_SCALAR_NODE ? scalar(k) : STR("");
    for (uint32_t i = 0; i < config_n_tops; i++)
        if (str_is_nearer(key, str_of(config_tops[i].section->name), &best))
            near = config_tops[i].section->name;
    const char *owner = near ? NULL : other_section(NULL, key);
    if (near)
        snprintf(expected, sizeof expected, "a section; did you mean '%s'?", near);
    else if (owner)
        snprintf(expected, sizeof expected, "a section; '" STR_FMT "' is an option of section %s", STR_ARG(key), owner);
    else
        snprintf(expected, sizeof expected, "a section: network, amf, smf, upf, ...; see redoubt config help");
    wrong(r, d, k, false, expected);
}

static void sections_check(struct config_reader *r, const struct text_doc *d, const yaml_node_t *root)
{
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
        yaml_node_t *k = doc_node(d, p->key), *first = NULL;
        const struct config_top *t = k->type == YAML_SCALAR_NODE ? config_top_find(scalar(k)) : NULL;
        if (r->report->cut)
            return;
        if (!t) {
            section_unknown(r, d, k);
            continue;
        }
        mapping_get(d, root, t->section->name, &first);
        if (first != k)
            wrong(r, d, k, false, "each section once");
    }
}

static void set_wrong(struct config_reader *r, struct str set, const char *expected)
{
    char file[128];
    struct text_doc d = {.file = {file, 0}, .one_line = true};
    d.file.n = (uint32_t)snprintf(file, sizeof file, "--set %.*s", set.n < 60 ? (int)set.n : 60, set.p);
    char where[CONFIG_WHERE];
    config_say(r->report, true, "%s: expected %s", place(&d, NULL, where), expected);
}

static void sets_check(struct config_reader *r)
{
    for (uint32_t i = 0; i < r->n_sets; i++) {
        struct str s = r->sets[i];
        const char *equals = s.n ? memchr(s.p, '=', s.n) : NULL;
        const char *dot = equals ? memchr(s.p, '.', (size_t)(equals - s.p)) : NULL;
        if (!dot) {
            set_wrong(r, s, "section.key=value, such as amf.n2_port=38412");
            continue;
        }
        struct str name = {s.p, (uint32_t)(equals - s.p)};
        const struct config_top *t = config_top_find((struct str){s.p, (uint32_t)(dot - s.p)});
        struct str key = {dot + 1, (uint32_t)(equals - dot - 1)};
        if (!t)
            set_wrong(r, name, "a section before the dot: network, amf, smf, upf, ...");
        else if (!config_opt_find(t->section, key)) {
            uint32_t best = UINT32_MAX;
            const char *near = NULL;
            char expected[160];
            for (uint32_t k = 0; k < t->section->n_opts; k++)
                if (str_is_nearer(key, str_of(t->section->opts[k].key), &best))
                    near = t->section->opts[k].key;
            snprintf(expected, sizeof expected, near ? "an option of %s; did you mean '%s'?" : "an option of %s",
                     t->section->name, near);
            set_wrong(r, name, expected);
        }
    }
}

/* The node of map.key[index].sub in *at, or of what of it is written; false: not all of it. */
static bool option_find(const struct text_doc *d, const yaml_node_t *map, const char *key, uint32_t index, const char *sub,
                        yaml_node_t **at)
{
    yaml_node_t *opt = mapping_get(d, map, key, NULL);
    bool written = opt != NULL;
    *at = opt ? opt : *at;
    if (opt && index != CONFIG_WHOLE) {
        if (opt->type == YAML_SEQUENCE_NODE && opt->data.sequence.items.start + index < opt->data.sequence.items.top)
            *at = doc_node(d, opt->data.sequence.items.start[index]);
        yaml_node_t *in = sub ? mapping_get(d, *at, sub, NULL) : *at;
        written = in != NULL;
        *at = in ? in : *at;
    }
    return written;
}

bool config_where(const struct config_reader *r, const char *section, const char *key, uint32_t index, const char *sub,
                  char where[CONFIG_WHERE])
{
    const struct text_doc *d = &r->main;
    yaml_node_t *root = d->loaded ? yaml_document_get_root_node((yaml_document_t *)(uintptr_t)&d->doc) : NULL;
    yaml_node_t *at = NULL, *value;
    const struct str *set = set_find(r, section, key);
    if (set) { /* which of its elements has `sub` is not looked at: a --set is short */
        snprintf(where, CONFIG_WHERE, "--set %s.%s", section, key);
        return !sub || memmem(set->p, set->n, sub, strlen(sub));
    }
    value = mapping_get(d, root, section, &at);
    bool written = option_find(d, value, key, index, sub, &at);
    place(d, at ? &at->start_mark : NULL, where);
    return written;
}

uint32_t config_row_line(const struct config_reader *r, const char *key, uint32_t index, const char *sub)
{
    const struct text_doc *d = &r->main;
    yaml_node_t *at = d->loaded ? yaml_document_get_root_node((yaml_document_t *)(uintptr_t)&d->doc) : NULL;
    option_find(d, at, key, index, sub, &at);
    return at ? (uint32_t)at->start_mark.line + 1 : 1;
}

static void config_read(struct config_reader *r, struct config *config, struct str text)
{
    struct text_doc *d = &r->main;
    yaml_node_t *root = doc_load(r, d, text);
    if (!d->loaded)
        return;
    if (root && is_nothing(root))
        root = NULL;
    if (root && root->type != YAML_MAPPING_NODE) {
        wrong(r, d, root, false, "a mapping of sections: network, amf, smf, upf, ...");
        return;
    }
    if (root)
        sections_check(r, d, root);
    sets_check(r);
    for (uint32_t i = 0; i < config_n_tops; i++) {
        const struct config_top *t = &config_tops[i];
        section_read(r, d, t->section, mapping_get(d, root, t->section->name, NULL), (char *)config + t->offset,
                     t->section->name);
    }
}

static bool is_too_long(struct str file, struct str text, struct config_report *report)
{
    if (text.n > CONFIG_TEXT_MAX)
        config_say(report, true, STR_FMT ":1:1: found %u octets, expected at most %u", STR_ARG(file), text.n,
                   (unsigned)CONFIG_TEXT_MAX);
    return text.n > CONFIG_TEXT_MAX;
}

int config_parse_with(struct config *config, struct arena *a, struct str file, struct str text, const struct str *sets,
                      uint32_t n_sets, struct config_report *report)
{
    struct config_reader r = {
        .arena = a, .report = report, .main = {.file = file}, .sets = sets, .n_sets = n_sets};
    *report = (struct config_report){.n = 0};
    memset(config, 0, sizeof *config);
    if (is_too_long(file, text, report))
        return ERR_CONFIG;
    config_read(&r, config, text);
    if (report->errors == 0 && !r.no_space && config_check(&r, config, a, report) == ERR_NOSPACE)
        r.no_space = true;
    doc_drop(&r.main);
    return r.no_space ? ERR_NOSPACE : report->errors ? ERR_CONFIG : OK;
}

int config_parse(struct config *config, struct arena *a, struct str file, struct str text, struct config_report *report)
{
    return config_parse_with(config, a, file, text, NULL, 0, report);
}

int config_rows_read(const struct config_section *root, void *out, struct arena *a, struct str file, struct str text,
                     struct config_report *report, int (*check)(const struct config_reader *, void *), void *ctx)
{
    struct config_reader r = {.arena = a, .report = report, .main = {.file = file}, .is_other = true};
    uint32_t before = report->errors;
    memset(out, 0, root->octets);
    if (is_too_long(file, text, report))
        return ERR_CONFIG;
    yaml_node_t *node = doc_load(&r, &r.main, text);
    if (node)
        section_read(&r, &r.main, root, node, out, root->name);
    else if (r.main.loaded)
        config_say(report, true, STR_FMT ":1:1: found nothing, expected a mapping of options of %s", STR_ARG(file), root->name);
    if (report->errors == before && !r.no_space && check && check(&r, ctx) == ERR_NOSPACE)
        r.no_space = true;
    doc_drop(&r.main);
    return r.no_space ? ERR_NOSPACE : report->errors != before ? ERR_CONFIG : OK;
}

/* ---- what changed ---- */
/* The count of options that differ and wait for the next start; told on r unless it is NULL. */
static uint32_t changes(const struct config_section *s, const void *old, const void *new_one, const char *path,
                        struct config_report *r);

static uint32_t opt_changes(const struct config_opt *o, const void *old, const void *new_one, const char *path,
                            struct config_report *r)
{
    char inner[160];
    uint32_t n_old, n_new, count = 0;
    const char *a = config_items(o, old, &n_old), *b = config_items(o, new_one, &n_new);
    bool differs = n_old != n_new;
    if (o->reload)
        return 0;
    for (uint32_t k = 0; k < n_old && !differs; k++) {
        const void *x = a + (size_t)k * o->octets, *y = b + (size_t)k * o->octets;
        snprintf(inner, sizeof inner, "%s.%s[%u]", path, o->key, k);
        if (o->form == CONFIG_MAPPINGS)
            count += changes(o->element, x, y, inner, r);
        else
            differs = !config_value_eq(o, x, y);
    }
    if (differs && r)
        config_say(r, false, "%s.%s changed: it takes effect at the next start", path, o->key);
    return count + differs;
}

static uint32_t changes(const struct config_section *s, const void *old, const void *new_one, const char *path,
                        struct config_report *r)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->n_opts; i++)
        count += opt_changes(&s->opts[i], old, new_one, path, r);
    return count;
}

uint32_t config_reload_check(const struct config *old, const struct config *new_one, struct config_report *r)
{
    *r = (struct config_report){.n = 0};
    for (uint32_t i = 0; i < config_n_tops; i++) {
        const struct config_top *t = &config_tops[i];
        changes(t->section, (const char *)old + t->offset, (const char *)new_one + t->offset, t->section->name, r);
    }
    return r->warnings;
}

void config_keep_start(const struct config *old, struct config *new_one)
{
    for (uint32_t i = 0; i < config_n_tops; i++) {
        const struct config_section *s = config_tops[i].section;
        const char *from = (const char *)old + config_tops[i].offset;
        char *to = (char *)new_one + config_tops[i].offset;
        for (uint32_t k = 0; k < s->n_opts; k++) {
            const struct config_opt *o = &s->opts[k];
            if (opt_changes(o, from, to, "", NULL) == 0)
                continue;
            memcpy(to + o->offset, from + o->offset, o->form == CONFIG_ONE ? o->octets : sizeof(void *));
            if (o->form != CONFIG_ONE)
                memcpy(to + o->n_offset, from + o->n_offset, sizeof(uint32_t));
        }
    }
}
