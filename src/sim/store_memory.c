/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/store_memory.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include <stdlib.h>

struct row {
    struct bytes key;
    uint8_t *value;
    uint32_t n;
    uint8_t key_octets[];
};
struct undo { /* what a write replaced */
    struct link link;
    enum store_table table;
    bool was_there;
    struct bytes key, old;
    uint8_t octets[]; /* key, then old value */
};
struct store_memory {
    struct store store;
    struct map tables[STORE_TABLE_COUNT];
    struct link log; /* struct undo, oldest first */
    uint32_t unsynced;
    const char *failing;
    bool reads_fail;
    const char *error;
};
static struct store_memory *of(const struct store *s) { return (struct store_memory *)(uintptr_t)s; }

static int set(struct store_memory *m, enum store_table t, struct bytes key, struct bytes value)
{
    struct row *r = map_get(&m->tables[t], key);
    uint8_t *copy = malloc(value.n + 1);
    if (!copy)
        return ERR_STORE;
    if (value.n)
        memcpy(copy, value.p, value.n);
    if (!r) {
        r = calloc(1, sizeof *r + key.n + 1);
        if (!r) {
            free(copy);
            return ERR_STORE;
        }
        if (key.n)
            memcpy(r->key_octets, key.p, key.n);
        r->key = (struct bytes){r->key_octets, key.n};
        if (map_put(&m->tables[t], r->key, r) < 0) {
            free(copy);
            free(r);
            return ERR_STORE;
        }
    }
    free(r->value);
    r->value = copy;
    r->n = value.n;
    return OK;
}

static void unset(struct store_memory *m, enum store_table t, struct bytes key)
{
    struct row *r = map_del(&m->tables[t], key);
    if (!r)
        return;
    secret_wipe(r->value, r->n);
    free(r->value);
    free(r);
}

static int note(struct store_memory *m, enum store_table t, struct bytes key)
{
    const struct row *r = map_get(&m->tables[t], key);
    uint32_t n = r ? r->n : 0;
    struct undo *u = calloc(1, sizeof *u + key.n + n + 1);
    if (!u)
        return ERR_STORE;
    u->table = t;
    u->was_there = r != NULL;
    if (key.n)
        memcpy(u->octets, key.p, key.n);
    if (n)
        memcpy(u->octets + key.n, r->value, n);
    u->key = (struct bytes){u->octets, key.n};
    u->old = (struct bytes){u->octets + key.n, n};
    list_append(&m->log, &u->link);
    m->unsynced++;
    return OK;
}

static bool fails(struct store_memory *m, bool is_read)
{
    bool yes = m->failing && (!is_read || m->reads_fail);
    m->error = yes ? m->failing : "";
    return yes;
}

static int memory_get(struct store *s, enum store_table t, struct bytes key, struct arena *a, struct bytes *value)
{
    struct store_memory *m = of(s);
    *value = (struct bytes){NULL, 0};
    if (fails(m, true))
        return ERR_STORE;
    const struct row *r = map_get(&m->tables[t], key);
    if (!r)
        return ERR_NOTFOUND;
    *value = arena_bytes(a, r->value, r->n);
    return value->p || !r->n ? OK : ERR_NOSPACE;
}

static int memory_put(struct store *s, enum store_table t, struct bytes key, struct bytes value)
{
    struct store_memory *m = of(s);
    if (fails(m, false) || note(m, t, key) < 0)
        return ERR_STORE;
    return set(m, t, key, value);
}

static int memory_del(struct store *s, enum store_table t, struct bytes key)
{
    struct store_memory *m = of(s);
    if (fails(m, false) || note(m, t, key) < 0)
        return ERR_STORE;
    unset(m, t, key);
    return OK;
}

static int by_key(const void *x, const void *y)
{
    const struct row *a = *(const struct row *const *)x, *b = *(const struct row *const *)y;
    uint32_t n = a->key.n < b->key.n ? a->key.n : b->key.n;
    int d = n ? memcmp(a->key.p, b->key.p, n) : 0;
    return d ? d : (a->key.n > b->key.n) - (a->key.n < b->key.n);
}

static int scan(struct store *s, enum store_table t, struct bytes after, struct bytes prefix,
                int (*row)(void *ctx, struct bytes key, struct bytes value), void *ctx)
{
    struct store_memory *m = of(s);
    if (fails(m, true))
        return ERR_STORE;
    uint32_t n = map_count(&m->tables[t]), k = 0, i = 0;
    const struct row **all = calloc(n + 1u, sizeof *all), *r;
    const struct row from = {.key = after}, *from_p = &from;
    if (!all)
        return ERR_STORE;
    while ((r = map_next(&m->tables[t], &i)))
        all[k++] = r;
    qsort(all, k, sizeof *all, by_key);
    int result = OK;
    for (i = 0; i < k && result == OK; i++)
        if ((!after.p || by_key(&all[i], &from_p) > 0) && bytes_starts(all[i]->key, prefix))
            result = row(ctx, all[i]->key, (struct bytes){all[i]->value, all[i]->n});
    free(all);
    return result;
}
static int memory_scan(struct store *s, enum store_table t, struct bytes after,
                       int (*row)(void *ctx, struct bytes key, struct bytes value), void *ctx)
{
    return scan(s, t, after, (struct bytes){0}, row, ctx);
}
static int memory_scan_of(struct store *s, enum store_table t, struct bytes prefix,
                          int (*row)(void *ctx, struct bytes key, struct bytes value), void *ctx)
{
    return scan(s, t, prefix, prefix, row, ctx);
}

static void log_clear(struct store_memory *m)
{
    for (struct link *l; (l = list_pop(&m->log));)
        free(CONTAINER(l, struct undo, link));
    m->unsynced = 0;
}

static int memory_sync(struct store *s)
{
    if (fails(of(s), false))
        return ERR_STORE;
    log_clear(of(s));
    return OK;
}
static int64_t memory_count(struct store *s, enum store_table t) { return map_count(&of(s)->tables[t]); }
static const char *memory_error(struct store *s) { return of(s)->error; }

static const struct store_ops memory_ops = {memory_get,  memory_put,   memory_del,  memory_scan, memory_scan_of,
                                            memory_sync, memory_count, memory_error};

struct store *store_memory_new(void)
{
    struct store_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->store.ops = &memory_ops;
    m->error = "";
    list_init(&m->log);
    for (unsigned t = 0; t < STORE_TABLE_COUNT; t++)
        map_init(&m->tables[t], t + 1, 0x5eed);
    return &m->store;
}

void store_memory_free(struct store *s)
{
    struct store_memory *m = of(s);
    if (!m)
        return;
    log_clear(m);
    for (unsigned t = 0; t < STORE_TABLE_COUNT; t++) {
        uint32_t i = 0;
        for (struct row *r; (r = map_next(&m->tables[t], &i));)
            unset(m, (enum store_table)t, r->key);
        map_free(&m->tables[t]);
    }
    free(m);
}

void store_memory_crash(struct store *s, uint32_t kept)
{
    struct store_memory *m = of(s);
    while (m->unsynced > kept) {
        struct undo *u = CONTAINER(m->log.prev, struct undo, link);
        if (u->was_there)
            set(m, u->table, u->key, u->old);
        else
            unset(m, u->table, u->key);
        list_remove(&u->link);
        free(u);
        m->unsynced--;
    }
    log_clear(m);
}

uint32_t store_memory_unsynced(const struct store *s) { return of(s)->unsynced; }

void store_memory_fail(struct store *s, const char *reason, bool reads)
{
    of(s)->failing = reason;
    of(s)->reads_fail = reads;
}
