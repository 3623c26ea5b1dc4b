/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_build.c - from records to arrays. */
#include "trust/inventory_build.h"
#include "base/suggest.h"
#include "trust/inventory_index.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- memory ---- */
struct inv_block {
    struct inv_block *next;
    size_t cap, off;
};
enum { BLOCK_OCTETS = 1 << 18 };

void *inv_block_take(struct inv_block **list, size_t n)
{
    struct inv_block *b = *list;
    n = (n + 7) & ~(size_t)7;
    if (!b || n > b->cap - b->off) {
        size_t cap = n > BLOCK_OCTETS ? n : BLOCK_OCTETS;
        b = malloc(sizeof *b + cap);
        if (!b)
            return NULL;
        *b = (struct inv_block){*list, cap, 0};
        *list = b;
    }
    void *p = (uint8_t *)(b + 1) + b->off;
    b->off += n;
    return p;
}
void inv_block_free(struct inv_block **list)
{
    while (*list) {
        struct inv_block *b = *list;
        *list = b->next;
        free(b);
    }
}
static void *copy(struct inv_block **list, const void *p, size_t n)
{
    void *q = inv_block_take(list, n ? n : 1);
    if (q && n)
        memcpy(q, p, n);
    return q;
}

/* ---- findings ---- */
void inv_report_free(struct inv_report *r)
{
    free(r->findings);
    *r = (struct inv_report){0};
}
void inv_finding_add(struct inv_report *r, uint32_t text, struct inv_place at, const char *format, ...)
{
    va_list ap;
    if (!r->findings)
        r->findings = malloc(INV_FINDINGS_MAX * sizeof *r->findings);
    if (!r->findings || r->n_findings == INV_FINDINGS_MAX) {
        r->cut++;
        return;
    }
    struct inv_finding *f = &r->findings[r->n_findings++];
    *f = (struct inv_finding){.text = text, .line = at.line, .column = at.column};
    va_start(ap, format);
    vsnprintf(f->why, sizeof f->why, format, ap);
    va_end(ap);
    for (char *p = f->why; *p; p++) /* it quotes what was refused, and is read at a terminal */
        *p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
}
void inv_build_wrong(struct inv_build *b, const struct inv_record *r, uint32_t field, const char *format, ...)
{
    struct inv_place at = r->place;
    char text[INV_WHY], id[160];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (r->fields && field != UINT32_MAX && r->fields[field].line)
        at = r->fields[field];
    if (r->text == INV_STORED)
        inv_finding_add(b->report, r->text, at, "%s '%.80s' in the store: %s", inv_kind_desc(r->kind)->name,
                        inv_key_text(r->key, id, sizeof id), text);
    else
        inv_finding_add(b->report, r->text, at, "%s", text);
}
const char *inv_record_where(const struct inv_build *b, const struct inv_record *r, char out[120])
{
    if (r->text == INV_STORED)
        return "the record that the store holds";
    struct str name = b->texts[r->text].name;
    snprintf(out, 120, "line %u of %.*s", r->place.line, (int)(name.n < 80 ? name.n : 80), name.p);
    return out;
}

/* ---- records ---- */
void inv_build_init(struct inv_build *b, const struct inv_text *texts, struct inv_report *report)
{
    *b = (struct inv_build){.texts = texts, .report = report};
    *report = (struct inv_report){0};
}
void inv_build_free(struct inv_build *b)
{
    for (uint32_t k = 0; k < INV_KINDS; k++)
        free(b->kinds[k].v);
    free(b->gone.v);
    inv_block_free(&b->blocks);
}
static struct inv_record *record_new(struct inv_build *b, struct inv_records *r)
{
    if (r->n == r->cap) {
        uint32_t cap = r->cap ? r->cap * 2 : 64;
        void *v = cap > r->cap ? realloc(r->v, cap * sizeof *r->v) : NULL;
        if (!v) {
            b->no_memory = true;
            return NULL;
        }
        r->v = v;
        r->cap = cap;
    }
    return &r->v[r->n++];
}
static int record_add(struct inv_build *b, enum inv_kind k, struct inv_record r)
{
    r.kind = (uint8_t)k;
    r.key.p = copy(&b->blocks, r.key.p, r.key.n);
    r.row.p = copy(&b->blocks, r.row.p, r.row.n);
    if (r.fields)
        r.fields = copy(&b->blocks, r.fields, inv_kind_desc(k)->n_fields * sizeof *r.fields);
    struct inv_record *at = record_new(b, &b->kinds[k]);
    if (!at || !r.key.p || !r.row.p) {
        b->no_memory = true;
        return ERR_NOSPACE;
    }
    *at = r;
    return OK;
}
int inv_build_add_row(struct inv_build *b, enum inv_kind k, struct str key, struct bytes row, int32_t since)
{
    return record_add(b, k, (struct inv_record){.key = key, .row = row, .text = INV_STORED, .since = since});
}

/* Its items, without the spaces around them and without those that are empty. */
static struct str list_canonical(struct str s, char buf[INV_TEXT_MAX + 1])
{
    struct text t = text_over(buf, INV_TEXT_MAX + 1);
    struct str item;
    while (inv_list_next(&s, &item))
        text_add(&t, "%s%.*s", t.n ? ";" : "", STR_ARG(item));
    return (struct str){buf, t.n};
}
/* A value checked and made canonical in place; memory for it from buf, for a list from list. */
static bool value_take(const struct inv_field *f, struct str *s, char buf[80], char list[INV_TEXT_MAX + 1], char why[INV_REASON])
{
    union { /* whatever a value becomes */
        struct str text;
        uint64_t number;
        uint8_t octets[40];
    } scratch;
    if (!inv_value_parse(f, *s, &scratch, why))
        return false;
    *s = f->type == INV_LIST ? list_canonical(*s, list) : inv_value_canonical(f, *s, &scratch, buf);
    return true;
}
int inv_build_add(struct inv_build *b, enum inv_kind k, const struct inv_texts *given, uint32_t text,
                  struct inv_place place, const struct inv_place *fields)
{
    const struct inv_kind_desc *d = inv_kind_desc(k);
    struct inv_texts t = *given;
    char canonical[INV_FIELDS_MAX][80], lists[INV_LISTS_MAX][INV_TEXT_MAX + 1], why[INV_REASON], key[INV_KEY_MAX];
    uint32_t n_lists = 0;
    uint8_t row[INV_ROW_MAX];
    bool ok = true;
    for (uint32_t i = 0; i < d->n_fields; i++) {
        const struct inv_field *f = &d->fields[i];
        struct inv_place at = fields && fields[i].line ? fields[i] : place;
        int shown = (int)(t.v[i].n < 60 ? t.v[i].n : 60);
        if (!t.v[i].n && (f->use == INV_USE_KEY || f->use == INV_USE_MUST)) {
            inv_finding_add(b->report, text, at, "%s is missing: %s", f->name, f->help);
            ok = false;
        } else if (t.v[i].n && !value_take(f, &t.v[i], canonical[i], lists[n_lists % INV_LISTS_MAX], why)) {
            inv_finding_add(b->report, text, at, "%s: found '%.*s', %s", f->name, shown, given->v[i].p, why);
            ok = false;
        }
        n_lists += f->type == INV_LIST;
    }
    if (!ok)
        return ERR_SYNTAX;
    uint32_t key_n = inv_key_of(d, &t, key), row_n = inv_row_put(d, &t, row, sizeof row);
    if (!key_n || !row_n) {
        inv_finding_add(b->report, text, place, "this %s has more text than fits into a record", d->name);
        return ERR_SYNTAX;
    }
    b->seen[k] = true;
    return record_add(b, k, (struct inv_record){.key = {key, key_n}, .row = {row, row_n}, .text = text, .place = place,
                                                .fields = (struct inv_place *)(uintptr_t)fields});
}

/* ---- sorted, each id once ---- */
static int key_order(struct str a, struct str b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c ? c : a.n < b.n ? -1 : a.n > b.n;
}
static int record_order(const void *pa, const void *pb)
{
    const struct inv_record *a = pa, *b = pb;
    int c = key_order(a->key, b->key);
    if (c)
        return c;
    if (a->text != b->text) /* what the store holds comes last, and is displaced */
        return a->text < b->text ? -1 : 1;
    return a->place.line < b->place.line ? -1 : a->place.line > b->place.line;
}
/* Where the text says all there is, what only the store has is gone. */
static bool stays(struct inv_build *b, const struct inv_record *r)
{
    bool within = r->key.n >= b->within.n && (!b->within.n || memcmp(r->key.p, b->within.p, b->within.n) == 0);
    if (!b->complete || !b->seen[r->kind] || r->text != INV_STORED || !within)
        return true;
    struct inv_record *gone = record_new(b, &b->gone);
    if (gone)
        *gone = *r;
    return false;
}
static void sort_unique(struct inv_build *b, enum inv_kind k)
{
    struct inv_records *r = &b->kinds[k];
    char where[120], id[160];
    uint32_t n = 0;
    bool sorted = true;
    for (uint32_t i = 1; i < r->n && sorted; i++)
        sorted = record_order(&r->v[i - 1], &r->v[i]) <= 0;
    if (!sorted)
        qsort(r->v, r->n, sizeof *r->v, record_order);
    for (uint32_t i = 0; i < r->n; i++) {
        bool same = n && str_eq(r->v[n - 1].key, r->v[i].key);
        if (!same && stays(b, &r->v[i]))
            r->v[n++] = r->v[i];
        if (!same)
            continue;
        if (r->v[i].text == INV_STORED) {
            r->v[n - 1].before = r->v[i].row;
            r->v[n - 1].since = r->v[i].since;
        } else
            inv_build_wrong(b, &r->v[i], 0, "%s '%s' is there already, at %s", inv_kind_desc(k)->name,
                            inv_key_text(r->v[i].key, id, sizeof id), inv_record_where(b, &r->v[n - 1], where));
    }
    r->n = n;
}

/* ---- texts of the inventory: those that repeat are kept once, as far as a small memory reaches ---- */
enum { RECENT = 4096 };
struct pool {
    struct inv_block **blocks;
    struct str recent[RECENT];
};
static bool intern(struct pool *p, struct str *s)
{
    uint32_t h = 2166136261u;
    if (!s->n)
        return true;
    for (uint32_t i = 0; i < s->n; i++)
        h = (h ^ (uint8_t)s->p[i]) * 16777619u;
    struct str *r = &p->recent[(h ^ h >> 16) % RECENT];
    if (!str_eq(*r, *s)) {
        /* not aligned: texts are most of what is kept */
        char *q = copy(p->blocks, s->p, s->n);
        if (!q)
            return false;
        *r = (struct str){q, s->n};
    }
    *s = *r;
    return true;
}
static bool struct_fill(struct pool *p, const struct inv_kind_desc *d, struct bytes row, uint8_t *at)
{
    struct inv_texts t;
    char why[INV_REASON];
    if (!inv_row_get(d, row, &t))
        return false;
    for (uint32_t i = 0; i < d->n_fields; i++) {
        const struct inv_field *f = &d->fields[i];
        if (!t.v[i].n || f->type == INV_REF)
            continue;
        if ((f->type == INV_TEXT || f->type == INV_LIST) && !intern(p, &t.v[i]))
            return false;
        if (!inv_value_parse(f, t.v[i], at + f->off, why))
            return false;
    }
    return true;
}

static uint8_t **array_of(struct inventory *v, const struct inv_kind_desc *d)
{
    return (uint8_t **)(void *)((uint8_t *)v + d->array_off);
}
static uint32_t *count_of(struct inventory *v, const struct inv_kind_desc *d)
{
    return (uint32_t *)(void *)((uint8_t *)v + d->count_off);
}
static bool has_ids(enum inv_kind k)
{
    return k == INV_supplier || k == INV_product || k == INV_site || k == INV_element;
}
static int arrays_fill(struct inv_build *b, struct inventory *v, struct pool *p, enum inv_kind k)
{
    const struct inv_kind_desc *d = inv_kind_desc(k);
    struct inv_records *r = &b->kinds[k];
    uint8_t *array = calloc(r->n ? r->n : 1, d->size);
    *array_of(v, d) = array;
    if (!array || (has_ids(k) && inv_index_init(&v->ids[k], r->n) < 0))
        return ERR_NOSPACE;
    *count_of(v, d) = r->n;
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t other;
        if (!struct_fill(p, d, r->v[i].row, array + (size_t)i * d->size)) {
            char id[160];
            inv_build_wrong(b, &r->v[i], UINT32_MAX, "%s '%s' is damaged, or written by a later version", d->name,
                            inv_key_text(r->v[i].key, id, sizeof id));
            continue;
        }
        if (has_ids(k))
            inv_index_add(v, INV_BY_ID, k, i + 1, &other);
    }
    return OK;
}

/* ---- references ---- */
enum { SUGGESTED = 50 }; /* findings for which the id that was meant is looked for */
static void unknown_ref(struct inv_build *b, const struct inv_record *r, const struct inv_kind_desc *d, uint32_t field,
                        struct str id)
{
    enum inv_kind k = inv_field_target(&d->fields[field]);
    const struct inv_records *all = &b->kinds[k];
    struct str near = {NULL, 0};
    uint32_t best = UINT32_MAX;
    if (all->n <= 2000 && b->report->n_findings < SUGGESTED) /* beyond that it is chance, or read by nobody */
        for (uint32_t i = 0; i < all->n; i++)
            if (str_is_nearer(id, all->v[i].key, &best))
                near = all->v[i].key;
    int n = (int)(id.n < 60 ? id.n : 60);
    const char *what = inv_kind_desc(k)->name;
    if (near.n)
        inv_build_wrong(b, r, field, "%s: there is no %s '%.*s'; is '%.*s' meant?", d->fields[field].name, what, n, id.p,
                        (int)(near.n < 60 ? near.n : 60), near.p);
    else
        inv_build_wrong(b, r, field, "%s: there is no %s '%.*s'", d->fields[field].name, what, n, id.p);
}
static void refs_resolve(struct inv_build *b, struct inventory *v, enum inv_kind k)
{
    const struct inv_kind_desc *d = inv_kind_desc(k);
    struct inv_records *r = &b->kinds[k];
    struct inv_texts t;
    for (uint32_t i = 0; i < r->n; i++) {
        uint8_t *at = *array_of(v, d) + (size_t)i * d->size;
        if (!inv_row_get(d, r->v[i].row, &t))
            continue;
        for (uint32_t f = 0; f < d->n_fields; f++) {
            if (d->fields[f].type != INV_REF || !t.v[f].n)
                continue;
            uint32_t ref = inventory_find(v, inv_field_target(&d->fields[f]), t.v[f]);
            memcpy(at + d->fields[f].off, &ref, sizeof ref);
            if (!ref)
                unknown_ref(b, &r->v[i], d, f, t.v[f]);
        }
    }
}

/* ---- what belongs to what ---- */
#define RANGES(v, children, parents, member, range)                                                                    \
    for (uint32_t i = 0; i < (v)->n_##children; i++) {                                                                 \
        uint32_t ref = (v)->children[i].member;                                                                        \
        struct inv_range *x = ref ? &(v)->parents[ref - 1].range : NULL;                                               \
        if (x && !x->n++)                                                                                              \
            x->first = i;                                                                                              \
    }
static void ranges_set(struct inventory *v)
{
    RANGES(v, ownership, suppliers, supplier, owners)
    RANGES(v, laws, suppliers, supplier, laws)
    RANGES(v, certifications, products, product, certifications)
    RANGES(v, advisories, products, product, advisories)
    RANGES(v, components, products, product, components)
    RANGES(v, neighbours, elements, element, neighbours)
    for (uint32_t i = 0; i < v->n_ownership; i++)
        v->ownership[i].owner_supplier = inventory_find(v, INV_supplier, v->ownership[i].owner);
}
static void element_complete(struct inventory *v, struct inv_element *e)
{
    const struct inv_product *p = inventory_product(v, e->product);
    const struct inv_site *s = inventory_site(v, e->site);
    if (p) {
        e->supplier = e->supplier ? e->supplier : p->supplier;
        e->version = e->version.n ? e->version : p->version;
    }
    if (s) {
        e->region = e->region.n ? e->region : s->region;
        e->operator = e->operator.n ? e->operator : s->operator;
        e->sensitivity = e->sensitivity ? e->sensitivity : s->sensitivity;
        if (!inv_has_position(e->latitude, e->longitude)) {
            e->latitude = s->latitude;
            e->longitude = s->longitude;
        }
    }
    static const uint8_t no_key[32];
    if (!e->identity && memcmp(e->key_sha256, no_key, 32) != 0)
        e->identity = INV_IDENTITY_certificate;
    e->maintainer_supplier = e->maintainer.n ? inventory_find(v, INV_supplier, e->maintainer) : 0;
}

/* Regions are few: the one before is most often the one again. */
static uint32_t region_of(struct inventory *v, struct str name, uint32_t *last, uint32_t *cap)
{
    if (!name.n)
        return 0;
    if (*last && str_eq(v->regions[*last - 1].name, name))
        return *last;
    uint32_t ref = 0;
    for (uint32_t i = 0; i < v->n_regions && !ref; i++)
        if (str_eq(v->regions[i].name, name))
            ref = i + 1;
    if (!ref) {
        if (v->n_regions == *cap) {
            struct inv_region *r = realloc(v->regions, (*cap * 2 + 16) * sizeof *r);
            if (!r)
                return 0;
            v->regions = r;
            *cap = *cap * 2 + 16;
        }
        v->regions[v->n_regions++] = (struct inv_region){.name = name};
        ref = v->n_regions;
    }
    return *last = ref;
}
static int places_set(struct inventory *v)
{
    uint32_t cap = 0, last = 0, at_site = 0, at_region = 0;
    v->by_site = malloc((v->n_elements + 1) * sizeof *v->by_site);
    v->by_region = malloc((v->n_elements + 1) * sizeof *v->by_region);
    if (!v->by_site || !v->by_region)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < v->n_sites; i++)
        v->sites[i].region_ref = region_of(v, v->sites[i].region, &last, &cap);
    for (uint32_t i = 0; i < v->n_elements; i++) {
        struct inv_element *e = &v->elements[i];
        element_complete(v, e);
        e->region_ref = region_of(v, e->region, &last, &cap);
        if (e->region.n && !e->region_ref)
            return ERR_NOSPACE;
        if (e->site)
            v->sites[e->site - 1].elements.n++;
        if (e->region_ref)
            v->regions[e->region_ref - 1].elements.n++;
    }
    for (uint32_t i = 0; i < v->n_sites; at_site += v->sites[i++].elements.n)
        v->sites[i].elements.first = at_site;
    for (uint32_t i = 0; i < v->n_regions; at_region += v->regions[i++].elements.n)
        v->regions[i].elements.first = at_region;
    /* filled from the back, so that first ends where it should */
    for (uint32_t i = 0; i < v->n_sites; i++)
        v->sites[i].elements.first += v->sites[i].elements.n;
    for (uint32_t i = 0; i < v->n_regions; i++)
        v->regions[i].elements.first += v->regions[i].elements.n;
    for (uint32_t i = v->n_elements; i--;) {
        struct inv_element *e = &v->elements[i];
        if (e->site)
            v->by_site[--v->sites[e->site - 1].elements.first] = i + 1;
        if (e->region_ref)
            v->by_region[--v->regions[e->region_ref - 1].elements.first] = i + 1;
    }
    return OK;
}

static void synthetic_set(struct inventory *v)
{
    for (uint32_t k = 0; k < INV_KINDS; k++) {
        const struct inv_kind_desc *d = inv_kind_desc((enum inv_kind)k);
        uint16_t off = d->fields[inv_field_find(d, STR("synthetic"))].off; /* every kind has it */
        for (uint32_t i = 0; i < *count_of(v, d) && !v->synthetic; i++)
            v->synthetic = *(const bool *)(*array_of(v, d) + (size_t)i * d->size + off);
    }
}

static int assemble(struct inv_build *b, struct inventory *v)
{
    struct pool *p = calloc(1, sizeof *p);
    int e = p ? OK : ERR_NOSPACE;
    if (p)
        p->blocks = &v->blocks;
    for (uint32_t k = 0; k < INV_KINDS && e == OK; k++) {
        sort_unique(b, (enum inv_kind)k);
        e = arrays_fill(b, v, p, (enum inv_kind)k);
        if (e == OK)
            refs_resolve(b, v, (enum inv_kind)k);
    }
    free(p);
    if (e == OK && !b->report->n_findings) {
        ranges_set(v);
        e = places_set(v);
        synthetic_set(v);
    }
    return e;
}
int inv_build_finish(struct inv_build *b, const struct inv_asked *asked, struct inventory **out)
{
    struct inventory *v = calloc(1, sizeof *v);
    *out = NULL;
    if (!v || b->no_memory) {
        free(v);
        return ERR_NOSPACE;
    }
    v->as_of = asked->as_of;
    memcpy(v->secret, asked->secret, sizeof v->secret);
    int e = assemble(b, v);
    struct inv_index *ids[] = {&v->gnbs, &v->nodes, &v->addresses, &v->instances, &v->keys};
    for (uint32_t i = 0; i < ARRAY_LEN(ids) && e == OK; i++)
        e = inv_index_init(ids[i], v->n_elements);
    if (e == OK && !b->report->n_findings)
        inv_check(b, v);
    if (e == OK && (b->report->n_findings || b->report->cut))
        e = ERR_SYNTAX;
    if (e < 0)
        inventory_free(v);
    else
        *out = v;
    return e;
}

void inventory_free(struct inventory *v)
{
    if (!v)
        return;
    for (uint32_t k = 0; k < INV_KINDS; k++) {
        free(*array_of(v, inv_kind_desc((enum inv_kind)k)));
        inv_index_free(&v->ids[k]);
    }
    struct inv_index *ids[] = {&v->gnbs, &v->nodes, &v->addresses, &v->instances, &v->keys};
    for (uint32_t i = 0; i < ARRAY_LEN(ids); i++)
        inv_index_free(ids[i]);
    free(v->regions);
    free(v->by_site);
    free(v->by_region);
    inv_block_free(&v->blocks);
    free(v);
}

int inventory_read(struct inventory **out, const struct inv_text *texts, uint32_t n, const struct inv_asked *asked,
                   struct inv_report *report)
{
    struct inv_build b;
    *out = NULL;
    inv_build_init(&b, texts, report);
    int e = OK, worst = OK;
    for (uint32_t i = 0; i < n && e != ERR_NOSPACE; i++) {
        e = inv_build_read(&b, i);
        worst = e < 0 ? e : worst;
    }
    if (worst == OK)
        worst = inv_build_finish(&b, asked, out);
    inv_build_free(&b);
    return worst;
}
