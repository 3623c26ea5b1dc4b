/* SPDX-License-Identifier: Apache-2.0 */
#include "os/store_sqlite.h"
#include "base/err.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum statement { S_GET, S_PUT, S_DEL, S_SCAN, S_SCAN_ALL, S_COUNT, STATEMENTS };
static const char *const statement_sql[STATEMENTS] = {
    [S_GET] = "SELECT value FROM \"%s\" WHERE key = ?1",
    [S_PUT] = "INSERT INTO \"%s\" VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
    [S_DEL] = "DELETE FROM \"%s\" WHERE key = ?1",
    [S_SCAN] = "SELECT key, value FROM \"%s\" WHERE key > ?1 ORDER BY key",
    [S_SCAN_ALL] = "SELECT key, value FROM \"%s\" ORDER BY key",
    [S_COUNT] = "SELECT count(*) FROM \"%s\"",
};
/* What functions know of a phone is one table of the file, so that rows that change together lie on the same pages: a key
 * is followed by a zero octet and the table's number here, which is in files and never changes. No key has a zero. */
enum { PHONE_KEY = 256 };
static const uint8_t of_phone[STORE_TABLE_COUNT] = {
    [STORE_sqn] = 1, [STORE_amf_reg] = 2, [STORE_smf_reg] = 3, [STORE_amf_ue] = 4, [STORE_smf_session] = 5};
struct store_sqlite {
    struct store store;
    sqlite3 *db;
    bool open; /* a transaction with writes */
    char error[160];
    uint32_t moved;
    sqlite3_stmt *statements[STORE_TABLE_COUNT][STATEMENTS];
    sqlite3_stmt *phone[STATEMENTS]; /* all tables of phones have one statement: it stays in the CPU's caches */
};
static struct store_sqlite *sqlite(struct store *s)
{
    return (struct store_sqlite *)s;
}

static int failed(struct store_sqlite *s)
{
    snprintf(s->error, sizeof s->error, "%s", sqlite3_errmsg(s->db));
    return ERR_STORE;
}
static int run(struct store_sqlite *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : failed(s);
}

/* The key as it is in the file, in buf[PHONE_KEY] where that is another. */
static int key_in_file(struct store_sqlite *s, enum store_table t, struct bytes *key, uint8_t *buf)
{
    if (t >= STORE_TABLE_COUNT) {
        snprintf(s->error, sizeof s->error, "no such table");
        return ERR_STORE;
    }
    if (!of_phone[t] || !key->p)
        return OK;
    if (key->n > PHONE_KEY - 2 || memchr(key->p, 0, key->n)) {
        snprintf(s->error, sizeof s->error, "no such key in %s", store_table_names[t]);
        return ERR_STORE;
    }
    memcpy(buf, key->p, key->n);
    buf[key->n] = 0;
    buf[key->n + 1] = of_phone[t];
    *key = (struct bytes){buf, key->n + 2};
    return OK;
}
/* What a key of the file is in table t; false: another table's. */
static bool key_of_table(enum store_table t, struct bytes *key)
{
    if (!of_phone[t])
        return true;
    if (key->n < 2 || key->p[key->n - 1] != of_phone[t])
        return false;
    key->n -= 2;
    return true;
}

/* The prepared statement, its parameters bound; NULL with the error set. The octets must live until
 * the reset. */
static sqlite3_stmt *prepared(struct store_sqlite *s, enum store_table t, enum statement which,
                              struct bytes key, const struct bytes *value)
{
    sqlite3_stmt **st = of_phone[t] ? &s->phone[which] : &s->statements[t][which];
    char sql[160];
    if (!*st) {
        /* The names are those of spec/store.def: nothing from outside gets into the text. */
        _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"")
            snprintf(sql, sizeof sql, statement_sql[which], of_phone[t] ? "phone" : store_table_names[t]);
        _Pragma("GCC diagnostic pop") if (sqlite3_prepare_v3(s->db, sql, -1,
                                                             SQLITE_PREPARE_PERSISTENT, st,
                                                             NULL) != SQLITE_OK)
        {
            failed(s);
            return NULL;
        }
    }
    if (sqlite3_stmt_busy(*st)) {
        snprintf(s->error, sizeof s->error, "a scan within a scan of the same table");
        return NULL;
    }
    int rc = SQLITE_OK;
    if (which != S_SCAN_ALL && which != S_COUNT)
        rc = sqlite3_bind_blob(*st, 1, key.p ? (const void *)key.p : "", (int)key.n, SQLITE_STATIC);
    if (rc == SQLITE_OK && value)
        rc = sqlite3_bind_blob(*st, 2, value->p ? (const void *)value->p : "", (int)value->n,
                               SQLITE_STATIC);
    if (rc != SQLITE_OK) {
        failed(s);
        return NULL;
    }
    return *st;
}
static void done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}
static struct bytes column(sqlite3_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st, i);
    return (struct bytes){p, (uint32_t)sqlite3_column_bytes(st, i)};
}

static int sqlite_get(struct store *store, enum store_table t, struct bytes key, struct arena *a,
                      struct bytes *value)
{
    struct store_sqlite *s = sqlite(store);
    uint8_t buf[PHONE_KEY];
    sqlite3_stmt *st = key_in_file(s, t, &key, buf) == OK ? prepared(s, t, S_GET, key, NULL) : NULL;
    if (!st)
        return ERR_STORE;
    int rc = ERR_NOTFOUND, step = sqlite3_step(st);
    if (step == SQLITE_ROW) {
        struct bytes v = column(st, 0);
        *value = arena_bytes(a, v.p, v.n);
        rc = value->n == v.n ? OK : ERR_NOSPACE;
    } else if (step != SQLITE_DONE) {
        rc = failed(s);
    }
    done(st);
    return rc;
}

static int change(struct store *store, enum store_table t, enum statement which, struct bytes key,
                  const struct bytes *value)
{
    struct store_sqlite *s = sqlite(store);
    uint8_t buf[PHONE_KEY];
    if (key_in_file(s, t, &key, buf) < 0)
        return ERR_STORE;
    if (!s->open && run(s, "BEGIN IMMEDIATE") < 0)
        return ERR_STORE;
    s->open = true;
    sqlite3_stmt *st = prepared(s, t, which, key, value);
    if (!st)
        return ERR_STORE;
    int rc = sqlite3_step(st) == SQLITE_DONE ? OK : failed(s);
    done(st);
    /* A full disk may have rolled everything back: then there is no transaction any more. */
    s->open = !sqlite3_get_autocommit(s->db);
    return rc;
}
static int sqlite_put(struct store *s, enum store_table t, struct bytes key, struct bytes value)
{
    return change(s, t, S_PUT, key, &value);
}
static int sqlite_del(struct store *s, enum store_table t, struct bytes key)
{
    return change(s, t, S_DEL, key, NULL);
}

static int scan(struct store *store, enum store_table t, struct bytes after, struct bytes prefix,
                int (*row)(void *ctx, struct bytes key, struct bytes value), void *ctx)
{
    struct store_sqlite *s = sqlite(store);
    enum statement which = after.p ? S_SCAN : S_SCAN_ALL;
    uint8_t buf[PHONE_KEY];
    sqlite3_stmt *st = key_in_file(s, t, &after, buf) == OK ? prepared(s, t, which, after, NULL) : NULL;
    int rc = st ? OK : ERR_STORE, step = SQLITE_DONE;
    while (rc == OK && (step = sqlite3_step(st)) == SQLITE_ROW) {
        struct bytes key = column(st, 0);
        if (!bytes_starts(key, prefix)) {
            step = SQLITE_DONE; /* also another table's: it has so many rows as there are phones */
            break;
        }
        if (key_of_table(t, &key))
            rc = row(ctx, key, column(st, 1));
    }
    if (rc == OK && step != SQLITE_DONE)
        rc = failed(s);
    if (st)
        done(st);
    return rc;
}
static int sqlite_scan(struct store *store, enum store_table t, struct bytes after,
                       int (*row)(void *ctx, struct bytes key, struct bytes value), void *ctx)
{
    return scan(store, t, after, (struct bytes){0}, row, ctx);
}
static int sqlite_scan_of(struct store *store, enum store_table t, struct bytes prefix,
                          int (*row)(void *ctx, struct bytes key, struct bytes value), void *ctx)
{
    return scan(store, t, prefix, prefix, row, ctx);
}

static int sqlite_sync(struct store *store)
{
    struct store_sqlite *s = sqlite(store);
    int rc = s->open ? run(s, "COMMIT") : OK; /* synchronous=FULL: on the disk when it returns */
    s->open = !sqlite3_get_autocommit(s->db);
    return rc;
}

static int one_more(void *ctx, struct bytes key, struct bytes value)
{
    ++*(int64_t *)ctx;
    return 0;
}
static int64_t sqlite_count(struct store *store, enum store_table t)
{
    struct store_sqlite *s = sqlite(store);
    int64_t rows = 0;
    if (of_phone[t])
        return sqlite_scan(store, t, (struct bytes){0}, one_more, &rows) < 0 ? ERR_STORE : rows;
    sqlite3_stmt *st = prepared(s, t, S_COUNT, (struct bytes){0}, NULL);
    if (!st)
        return ERR_STORE;
    int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : failed(s);
    done(st);
    return n;
}
static const char *sqlite_error(struct store *s)
{
    return sqlite(s)->error;
}

static const struct store_ops sqlite_ops = {.get = sqlite_get,
                                            .put = sqlite_put,
                                            .del = sqlite_del,
                                            .scan = sqlite_scan,
                                            .scan_of = sqlite_scan_of,
                                            .sync = sqlite_sync,
                                            .count = sqlite_count,
                                            .error = sqlite_error};

static int table_make(struct store_sqlite *s, const char *name)
{
    char sql[160];
    snprintf(sql, sizeof sql, "CREATE TABLE IF NOT EXISTS \"%s\" (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID", name);
    return run(s, sql);
}
static bool has_table(struct store_sqlite *s, const char *name)
{
    return sqlite3_table_column_metadata(s->db, NULL, name, NULL, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}
/* Files of before have a table for each of these. If one is there beside "phone", a version of before had the file
 * last, and its rows are the newer ones. */
static int table_move(struct store_sqlite *s, int t)
{
    char sql[256];
    snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO phone SELECT CAST(key || x'00%02x' AS BLOB), value FROM \"%s\"", of_phone[t],
             store_table_names[t]);
    int rc = run(s, sql);
    s->moved += rc == OK ? (uint32_t)sqlite3_changes(s->db) : 0;
    snprintf(sql, sizeof sql, "DROP TABLE \"%s\"", store_table_names[t]);
    return rc == OK ? run(s, sql) : rc;
}

static int tables_make(struct store_sqlite *s)
{
    bool moves = false;
    for (int t = 0; t < STORE_TABLE_COUNT; t++)
        moves |= of_phone[t] && has_table(s, store_table_names[t]);
    int rc = run(s, moves ? "BEGIN IMMEDIATE" : "BEGIN");
    if (rc == OK)
        rc = table_make(s, "phone");
    for (int t = 0; rc == OK && t < STORE_TABLE_COUNT; t++)
        if (!of_phone[t])
            rc = table_make(s, store_table_names[t]);
        else if (moves && has_table(s, store_table_names[t])) /* still: another process may have been first */
            rc = table_move(s, t);
    return rc == OK ? run(s, "COMMIT") : rc;
}
uint32_t store_sqlite_moved(const struct store *s) { return ((const struct store_sqlite *)s)->moved; }

int store_sqlite_open(struct store **out, const char *path, char *why, uint32_t cap)
{
    struct store_sqlite *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOSPACE;
    s->store.ops = &sqlite_ops;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* counted under a lock, and nobody asks; of no effect but the first time */
    mode_t was = umask(077); /* the file and its -wal hold keys */
    int rc = sqlite3_open_v2(
        path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    rc = rc == SQLITE_OK ? OK : s->db ? failed(s) : ERR_NOSPACE;
    sqlite3_busy_timeout(s->db, 2000);
    if (rc == OK)
        rc = run(
            s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
               "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-2048; PRAGMA secure_delete=ON");
    if (rc == OK)
        rc = tables_make(s);
    umask(was);
    if (rc < 0) {
        snprintf(why, cap, "%s: %s", path, s->error);
        sqlite3_close(s->db);
        free(s);
        return ERR_STORE;
    }
    *out = &s->store;
    return OK;
}

void store_sqlite_close(struct store *store)
{
    struct store_sqlite *s = sqlite(store);
    if (!store)
        return;
    sqlite_sync(store);
    run(s, "PRAGMA wal_checkpoint(TRUNCATE)"); /* its file may not be ours to delete by now: leave nothing in it */
    for (int t = 0; t < STORE_TABLE_COUNT; t++)
        for (int i = 0; i < STATEMENTS; i++)
            sqlite3_finalize(s->statements[t][i]);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->phone[i]);
    sqlite3_close(s->db);
    free(s);
}
