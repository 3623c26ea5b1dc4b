/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - what must survive: tables of key and value, both octets. Reads see earlier writes at once. Writes
 * are committed in groups; store_sync makes all so far durable before it returns. os/ implements it on SQLite,
 * sim/ in memory with faults. Errors: ERR_NOTFOUND; ERR_STORE (full, read-only, corrupt: store_error says
 * which); ERR_NOSPACE (the arena is too small). After an error the store goes on serving what it can. */
#pragma once
#include "base/arena.h"

enum store_table {
#define TABLE(name, key, value) STORE_##name,
#include "../../spec/store.def"
#undef TABLE
    STORE_TABLE_COUNT
};
extern const char *const store_table_names[STORE_TABLE_COUNT];

struct store;
struct store_ops {
    int (*get)(struct store *, enum store_table, struct bytes key, struct arena *, struct bytes *value);
    int (*put)(struct store *, enum store_table, struct bytes key, struct bytes value);
    int (*del)(struct store *, enum store_table, struct bytes key); /* OK also when it was not there */
    /* Rows with keys above `after` (p NULL: from the start) in key order, until row() returns non-zero, which
     * is returned; OK at the end. The slices live until row() returns. row() must not write. */
    int (*scan)(struct store *, enum store_table, struct bytes after,
                int (*row)(void *ctx, struct bytes key, struct bytes value), void *ctx);
    /* Those alone whose keys begin with `prefix` and go on; nothing behind them is read. */
    int (*scan_of)(struct store *, enum store_table, struct bytes prefix,
                   int (*row)(void *ctx, struct bytes key, struct bytes value), void *ctx);
    int (*sync)(struct store *);
    int64_t (*count)(struct store *, enum store_table);
    const char *(*error)(struct store *); /* why the last call failed, for people */
};
struct store { /* first member of every implementation */
    const struct store_ops *ops;
};
static inline int store_get(struct store *s, enum store_table t, struct bytes key, struct arena *a,
                            struct bytes *value)
{
    return s->ops->get(s, t, key, a, value);
}
static inline int store_put(struct store *s, enum store_table t, struct bytes key, struct bytes value)
{
    return s->ops->put(s, t, key, value);
}
static inline int store_del(struct store *s, enum store_table t, struct bytes key)
{
    return s->ops->del(s, t, key);
}
static inline int store_sync(struct store *s) { return s->ops->sync(s); }
static inline const char *store_error(struct store *s) { return s->ops->error(s); }
