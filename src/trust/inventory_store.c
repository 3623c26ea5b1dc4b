/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_store.c - versions of records; see inventory_store.h. */
#include "trust/inventory_store.h"
#include <stdio.h>
#include <stdlib.h>

enum { COMMIT_ROWS = 2000, JOURNAL_HEAD = 30, NOTE_MAX = 200, KEY_MAX = INV_KEY_MAX + 10, VALUE_MAX = INV_ROW_MAX + 1 };

/* ---- the journal of imports ---- */
struct journal {
    uint64_t *recorded_us; /* by number; 0: no such import, or cut short */
    uint32_t n, last;      /* the highest number that was ever begun; the highest that is complete */
    int (*row)(void *ctx, const struct inv_journal_entry *);
    void *ctx;
};
static bool entry_get(struct bytes key, struct bytes value, struct inv_journal_entry *e)
{
    if (key.n != 4 || value.n < JOURNAL_HEAD)
        return false;
    const uint8_t *p = value.p;
    *e = (struct inv_journal_entry){.number = be32(key.p), .complete = p[0] == 1, .recorded_us = be64(p + 1),
                                    .from = (int32_t)be32(p + 9), .flags = p[13], .added = be32(p + 14),
                                    .changed = be32(p + 18), .removed = be32(p + 22)};
    e->note = (struct str){(const char *)p + JOURNAL_HEAD, value.n - JOURNAL_HEAD};
    return true;
}
static int entry_put(struct store *s, const struct inv_journal_entry *e)
{
    uint8_t key[4], v[JOURNAL_HEAD + NOTE_MAX] = {e->complete};
    uint32_t n = e->note.n < NOTE_MAX ? e->note.n : NOTE_MAX;
    put_be32(key, e->number);
    put_be64(v + 1, e->recorded_us);
    put_be32(v + 9, (uint32_t)e->from);
    v[13] = e->flags;
    put_be32(v + 14, e->added);
    put_be32(v + 18, e->changed);
    put_be32(v + 22, e->removed);
    if (n)
        memcpy(v + JOURNAL_HEAD, e->note.p, n);
    return store_put(s, STORE_inventory_import, BYTES_OF(key), (struct bytes){v, JOURNAL_HEAD + n});
}
static int journal_row(void *ctx, struct bytes key, struct bytes value)
{
    struct journal *j = ctx;
    struct inv_journal_entry e;
    if (!entry_get(key, value, &e) || e.number >= 1u << 24)
        return ERR_SYNTAX;
    if (!e.number) /* the row that is written to be the only one who writes */
        return OK;
    if (j->row)
        return j->row(j->ctx, &e);
    if (e.number >= j->n) {
        uint32_t n = e.number + 64;
        uint64_t *p = realloc(j->recorded_us, n * sizeof *p);
        if (!p)
            return ERR_NOSPACE;
        memset(p + j->n, 0, (n - j->n) * sizeof *p);
        j->recorded_us = p;
        j->n = n;
    }
    j->recorded_us[e.number] = e.complete ? e.recorded_us : 0;
    j->last = e.complete ? e.number : j->last;
    return OK;
}
static int journal_read(struct store *s, struct journal *j)
{
    return s->ops->scan(s, STORE_inventory_import, (struct bytes){NULL, 0}, journal_row, j);
}
int inventory_journal(struct store *s, int (*row)(void *ctx, const struct inv_journal_entry *), void *ctx)
{
    struct journal j = {.row = row, .ctx = ctx};
    return journal_read(s, &j);
}
struct last {
    uint32_t begun, complete;
};
static int last_row(void *ctx, const struct inv_journal_entry *e)
{
    struct last *l = ctx;
    l->begun = e->number;
    l->complete = e->complete ? e->number : l->complete;
    return OK;
}
int inventory_generation(struct store *s, uint64_t *generation)
{
    struct last l = {0, 0};
    int e = inventory_journal(s, last_row, &l);
    *generation = l.complete;
    return e;
}

/* ---- versions ---- */
static uint32_t version_key(uint8_t out[KEY_MAX], enum inv_kind k, struct str key)
{
    out[0] = (uint8_t)k;
    memcpy(out + 1, key.p, key.n);
    out[1 + key.n] = 0;
    return key.n + 2;
}
static bool version_get(const struct journal *j, struct bytes key, struct bytes value, struct inv_version *v)
{
    if (key.n < 11 || key.p[0] >= INV_KINDS || value.n < 1 || key.p[key.n - 9] != 0)
        return false;
    *v = (struct inv_version){.kind = (enum inv_kind)key.p[0], .key = {(const char *)key.p + 1, key.n - 10},
                              .row = {value.p + 1, value.n - 1}, .flags = value.p[0]};
    v->from = (int32_t)be32(key.p + key.n - 8);
    v->number = be32(key.p + key.n - 4);
    v->recorded_us = v->number < j->n ? j->recorded_us[v->number] : 0;
    return true;
}

/* The versions of a record stand together: the last that holds is kept until another record begins. */
struct scan {
    struct journal journal;
    int32_t as_of;
    uint64_t known_us;
    bool any; /* best is set */
    struct inv_version best;
    uint8_t key[KEY_MAX], value[VALUE_MAX];
    uint32_t key_n, value_n; /* what best points into */
    int (*row)(void *ctx, const struct inv_version *);
    void *ctx;
};
static int emit(struct scan *s)
{
    bool any = s->any && !(s->best.flags & INV_VERSION_REMOVED);
    s->any = false;
    return any ? s->row(s->ctx, &s->best) : OK;
}
static int scan_row(void *ctx, struct bytes key, struct bytes value)
{
    struct scan *s = ctx;
    struct inv_version v;
    if (!version_get(&s->journal, key, value, &v) || key.n > KEY_MAX || value.n > VALUE_MAX)
        return ERR_SYNTAX;
    if (!v.recorded_us || v.from > s->as_of || (s->known_us && v.recorded_us > s->known_us))
        return OK;
    if (s->any && (s->best.kind != v.kind || !str_eq(s->best.key, v.key))) {
        int e = emit(s);
        if (e != OK)
            return e;
    }
    /* of one day, the import that came later; of several days, the later day, which is how the keys are ordered */
    memcpy(s->key, v.key.p, v.key.n);
    memcpy(s->value, v.row.p, v.row.n);
    s->best = v;
    s->best.key.p = (const char *)s->key;
    s->best.row.p = s->value;
    s->any = true;
    return OK;
}
int inventory_scan(struct store *store, int32_t as_of, uint64_t known_us,
                   int (*row)(void *ctx, const struct inv_version *), void *ctx)
{
    struct scan *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOSPACE;
    *s = (struct scan){.as_of = as_of ? as_of : INT32_MAX, .known_us = known_us, .row = row, .ctx = ctx};
    int e = journal_read(store, &s->journal);
    if (e == OK)
        e = store->ops->scan(store, STORE_inventory, (struct bytes){NULL, 0}, scan_row, s);
    if (e == OK)
        e = emit(s);
    free(s->journal.recorded_us);
    free(s);
    return e;
}

struct history {
    struct journal journal;
    const uint8_t *prefix;
    uint32_t prefix_n;
    int (*row)(void *ctx, const struct inv_version *);
    void *ctx;
};
enum { PAST = 1 }; /* beyond the record */
static int history_row(void *ctx, struct bytes key, struct bytes value)
{
    struct history *h = ctx;
    struct inv_version v;
    if (key.n < h->prefix_n || memcmp(key.p, h->prefix, h->prefix_n) != 0)
        return PAST;
    if (!version_get(&h->journal, key, value, &v))
        return ERR_SYNTAX;
    return v.recorded_us ? h->row(h->ctx, &v) : OK;
}
int inventory_history(struct store *s, enum inv_kind k, struct str key,
                      int (*row)(void *ctx, const struct inv_version *), void *ctx)
{
    uint8_t prefix[KEY_MAX];
    if (key.n > INV_KEY_MAX)
        return OK;
    struct history h = {.prefix = prefix, .prefix_n = version_key(prefix, k, key), .row = row, .ctx = ctx};
    int e = journal_read(s, &h.journal);
    if (e == OK)
        e = s->ops->scan(s, STORE_inventory, (struct bytes){prefix, h.prefix_n}, history_row, &h);
    free(h.journal.recorded_us);
    return e == PAST ? OK : e;
}

/* ---- loading ---- */
static int load_row(void *ctx, const struct inv_version *v)
{
    return inv_build_add_row(ctx, v->kind, v->key, v->row, v->from);
}
int inventory_load(struct inventory **out, struct store *s, const struct inv_asked *asked, char *why, uint32_t cap)
{
    struct inv_build b;
    struct inv_report report;
    uint64_t generation = 0;
    *out = NULL;
    inv_build_init(&b, NULL, &report);
    int e = inventory_generation(s, &generation);
    if (e == OK)
        e = inventory_scan(s, asked->as_of, asked->known_us, load_row, &b);
    if (e == OK)
        e = inv_build_finish(&b, asked, out);
    if (e == OK)
        (*out)->generation = generation;
    else if (cap)
        snprintf(why, cap, "%s", e == ERR_STORE                            ? store_error(s)
                                 : e == ERR_SYNTAX && report.n_findings ? report.findings[0].why
                                                                          : err_text(e));
    inv_build_free(&b);
    inv_report_free(&report);
    return e;
}

/* ---- import ---- */
struct importing {
    struct inv_build b;
    const struct inv_import *what;
    uint32_t found; /* of what is to be removed */
    uint32_t newest; /* import that was complete when this one began */
    uint32_t rows;   /* since the last commit */
};
static int current_row(void *ctx, const struct inv_version *v)
{
    struct importing *m = ctx;
    for (uint32_t i = 0; i < m->what->n_remove; i++)
        m->found += v->kind == m->what->remove_kind && str_eq(v->key, m->what->remove[i]);
    return inv_build_add_row(&m->b, v->kind, v->key, v->row, v->from);
}
/* Moves what is to be removed out of the records. */
static int take_out(struct importing *m)
{
    struct inv_records *r = &m->b.kinds[m->what->remove_kind], *gone = &m->b.gone;
    uint32_t n = 0;
    gone->v = m->what->n_remove ? malloc(m->what->n_remove * sizeof *gone->v) : NULL;
    gone->cap = gone->v ? m->what->n_remove : 0;
    for (uint32_t i = 0; i < r->n; i++) {
        bool out = false;
        for (uint32_t k = 0; k < m->what->n_remove && !out; k++)
            out = str_eq(r->v[i].key, m->what->remove[k]);
        if (!out)
            r->v[n++] = r->v[i];
        else if (gone->n < gone->cap)
            gone->v[gone->n++] = r->v[i];
        else
            return ERR_NOSPACE;
    }
    r->n = n;
    return OK;
}

static int version_put(struct importing *m, struct store *s, const struct inv_record *r, uint32_t number, bool removed,
                       bool there)
{
    uint8_t key[KEY_MAX], value[VALUE_MAX];
    uint32_t n = version_key(key, (enum inv_kind)r->kind, r->key);
    int32_t from = m->what->correction && there ? r->since : m->what->from;
    put_be32(key + n, (uint32_t)from);
    put_be32(key + n + 4, number);
    value[0] = (uint8_t)((m->what->correction ? INV_VERSION_CORRECTION : 0) | (removed ? INV_VERSION_REMOVED : 0));
    if (!removed)
        memcpy(value + 1, r->row.p, r->row.n);
    int e = store_put(s, STORE_inventory, (struct bytes){key, n + 8}, (struct bytes){value, 1 + (removed ? 0 : r->row.n)});
    if (e == OK && ++m->rows == COMMIT_ROWS) {
        m->rows = 0;
        e = store_sync(s);
        if (m->what->pause)
            m->what->pause();
    }
    return e;
}
/* Counts, and with a number also writes, what differs from the store. */
static int differences(struct importing *m, struct store *s, uint32_t number, struct inv_import_result *r)
{
    int e = OK;
    *r = (struct inv_import_result){.number = number};
    for (uint32_t k = 0; k < INV_KINDS; k++)
        for (uint32_t i = 0; i < m->b.kinds[k].n && e == OK; i++) {
            const struct inv_record *x = &m->b.kinds[k].v[i];
            bool there = x->before.p != NULL;
            if (x->text == INV_STORED)
                continue;
            if (there && bytes_eq(x->before, x->row)) {
                r->same++;
                continue;
            }
            r->changed += there;
            r->added += !there;
            if (number)
                e = version_put(m, s, x, number, false, there);
        }
    for (uint32_t i = 0; i < m->b.gone.n && e == OK; i++) {
        r->removed++;
        if (number)
            e = version_put(m, s, &m->b.gone.v[i], number, true, true);
    }
    return e;
}
/* A write keeps others from writing until the next commit: what is read after it stays true until then. The import that
 * was newest when this one was checked must still be the newest, or the check says nothing. */
static int only_writer(struct importing *m, struct store *s, struct last *l)
{
    static const struct inv_journal_entry nothing;
    *l = (struct last){0, 0};
    int e = entry_put(s, &nothing);
    if (e == OK)
        e = inventory_journal(s, last_row, l);
    return e == OK && l->complete != m->newest ? ERR_STATE : e;
}
/* First the number, so that no other import ever uses it; then the versions; then that they are complete. */
static int differences_write(struct importing *m, struct store *s, struct inv_import_result *r)
{
    struct last l;
    int e = differences(m, s, 0, r);
    if (e < 0 || m->what->dry_run || !(r->added + r->changed + r->removed))
        return e;
    e = only_writer(m, s, &l);
    struct inv_journal_entry entry = {.number = l.begun + 1, .recorded_us = m->what->now_us, .from = m->what->from,
                                      .flags = m->what->correction ? INV_VERSION_CORRECTION : 0, .note = m->what->note,
                                      .added = r->added, .changed = r->changed, .removed = r->removed};
    if (e == OK)
        e = entry_put(s, &entry);
    if (e == OK)
        e = store_sync(s);
    if (e == OK)
        e = differences(m, s, entry.number, r);
    if (e == OK)
        e = only_writer(m, s, &l);
    entry.complete = true;
    if (e == OK)
        e = entry_put(s, &entry);
    return e == OK ? store_sync(s) : e;
}

int inventory_import(struct store *s, const struct inv_import *what, struct inv_report *report,
                     struct inv_import_result *result)
{
    struct importing *m = calloc(1, sizeof *m);
    struct inventory *v = NULL;
    int e = m ? OK : ERR_NOSPACE, worst = OK;
    *result = (struct inv_import_result){0};
    *report = (struct inv_report){0};
    if (m) {
        inv_build_init(&m->b, what->texts, report);
        m->what = what;
        m->b.complete = what->complete;
        m->b.within = what->within;
        struct last l = {0, 0};
        e = inventory_journal(s, last_row, &l);
        m->newest = l.complete;
    }
    if (e == OK) {
        e = inventory_scan(s, what->from, 0, current_row, m);
    }
    if (e == OK && m->found < what->n_remove)
        e = ERR_NOTFOUND;
    if (e == OK && what->n_remove)
        e = take_out(m);
    for (uint32_t i = 0; i < what->n_texts && (e == OK || e == ERR_SYNTAX); i++) {
        e = inv_build_read(&m->b, i);
        worst = e < 0 ? e : worst;
    }
    e = e == OK ? worst : e;
    if (e == OK)
        e = inv_build_finish(&m->b, &(struct inv_asked){.as_of = what->from}, &v);
    if (e == OK)
        e = differences_write(m, s, result);
    inventory_free(v);
    if (m)
        inv_build_free(&m->b);
    free(m);
    return e;
}
