/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of just now: what is read from memory is what the store has, or what it had a commit interval ago. */
#include "cmd/store_group.h"
#include "base/err.h"
#include "sim/store_memory.h"
#include "sim/world.h"
#include "tests/test.h"
#include <stdlib.h>

enum { COMMIT_MS = 20 };
struct counted { /* the store beneath, which counts what it is asked */
    struct store store;
    struct store *memory;
    uint32_t gets;
    bool fails;
};
static int counted_get(struct store *s, enum store_table t, struct bytes key, struct arena *a, struct bytes *value)
{
    struct counted *c = CONTAINER(s, struct counted, store);
    c->gets++;
    return c->fails ? ERR_STORE : store_get(c->memory, t, key, a, value);
}
static int counted_put(struct store *s, enum store_table t, struct bytes key, struct bytes value)
{
    struct counted *c = CONTAINER(s, struct counted, store);
    return c->fails ? ERR_STORE : store_put(c->memory, t, key, value);
}
static int counted_del(struct store *s, enum store_table t, struct bytes key)
{
    return store_del(CONTAINER(s, struct counted, store)->memory, t, key);
}
static int counted_sync(struct store *s) { return store_sync(CONTAINER(s, struct counted, store)->memory); }
static const char *counted_error(struct store *s) { return "as the test wants"; }
static const struct store_ops counted_ops = {
    .get = counted_get, .put = counted_put, .del = counted_del, .sync = counted_sync, .error = counted_error};

struct fixture {
    struct world *world;
    struct rt rt;
    struct counted under;
    struct store_group group;
    uint8_t memory[4096];
};
static struct fixture *fixture(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->world = world_new(1);
    assert_int_equal(rt_init(&f->rt, world_host(f->world, "core", &(struct net_addr){.family = 4, .ip = {10, 0, 0, 1}}), 1 << 20), OK);
    f->rt.now_us = 1000000;
    f->under = (struct counted){.store = {&counted_ops}, .memory = store_memory_new()};
    store_group_init(&f->group, &f->rt, &f->under.store, COMMIT_MS);
    return f;
}
static void fixture_end(struct fixture *f)
{
    store_group_end(&f->group);
    for (size_t i = 0; i < sizeof f->group.recent; i++)
        assert_int_equal(((uint8_t *)f->group.recent)[i], 0); /* keys of subscribers are gone */
    store_memory_free(f->under.memory);
    rt_free(&f->rt);
    world_free(f->world);
    free(f);
}
static int get(struct fixture *f, const char *key, struct bytes *value)
{
    struct arena a = arena_over(f->memory, sizeof f->memory);
    return store_get(&f->group.store, STORE_subscriber, (struct bytes){(const uint8_t *)key, (uint32_t)strlen(key)}, &a, value);
}
static void put(struct store *s, const char *key, const char *value, uint32_t n)
{
    assert_int_equal(store_put(s, STORE_subscriber, (struct bytes){(const uint8_t *)key, (uint32_t)strlen(key)},
                               (struct bytes){(const uint8_t *)value, n}), OK);
}
static void expect(struct fixture *f, const char *key, const char *value, uint32_t gets)
{
    struct bytes v;
    assert_int_equal(get(f, key, &v), OK);
    assert_true(bytes_eq(v, (struct bytes){(const uint8_t *)value, (uint32_t)strlen(value)}));
    assert_int_equal(f->under.gets, gets);
}

static void a_row_is_read_once_in_an_interval(void **state)
{
    struct fixture *f = fixture();
    put(f->under.memory, "imsi-1", "one", 3);
    expect(f, "imsi-1", "one", 1);
    expect(f, "imsi-1", "one", 1);
    put(f->under.memory, "imsi-1", "two", 3); /* by another process */
    f->rt.now_us += COMMIT_MS * 1000 - 1;
    expect(f, "imsi-1", "one", 1);
    f->rt.now_us += 1;
    expect(f, "imsi-1", "two", 2);
    struct bytes v; /* another table, another key, a key that begins the same */
    struct arena a = arena_over(f->memory, sizeof f->memory);
    assert_int_equal(store_get(&f->group.store, STORE_sqn, (struct bytes){(const uint8_t *)"imsi-1", 6}, &a, &v), ERR_NOTFOUND);
    assert_int_equal(get(f, "imsi-", &v), ERR_NOTFOUND);
    assert_int_equal(get(f, "imsi-12", &v), ERR_NOTFOUND);
    fixture_end(f);
}

static void a_row_that_is_not_there_is_asked_for_once(void **state)
{
    struct fixture *f = fixture();
    struct bytes v;
    assert_int_equal(get(f, "imsi-1", &v), ERR_NOTFOUND);
    assert_int_equal(get(f, "imsi-1", &v), ERR_NOTFOUND);
    assert_int_equal(f->under.gets, 1);
    put(&f->group.store, "imsi-1", "one", 3); /* by this process: there at once */
    expect(f, "imsi-1", "one", 1);
    assert_int_equal(get(f, "imsi-2", &v), ERR_NOTFOUND);
    put(f->under.memory, "imsi-2", "two", 3); /* by another: a commit interval later */
    f->rt.now_us += COMMIT_MS * 1000 - 1;
    assert_int_equal(get(f, "imsi-2", &v), ERR_NOTFOUND);
    f->rt.now_us += 1;
    expect(f, "imsi-2", "two", 3);
    f->under.fails = true; /* that it could not be read says nothing of the row */
    assert_int_equal(get(f, "imsi-3", &v), ERR_STORE);
    f->under.fails = false;
    put(f->under.memory, "imsi-3", "three", 5);
    expect(f, "imsi-3", "three", 5);
    fixture_end(f);
}

static void what_is_written_is_read_at_once(void **state)
{
    struct fixture *f = fixture();
    struct bytes v, key = {(const uint8_t *)"imsi-1", 6};
    put(f->under.memory, "imsi-1", "one", 3);
    expect(f, "imsi-1", "one", 1);
    put(&f->group.store, "imsi-1", "three", 5);
    expect(f, "imsi-1", "three", 1);
    assert_int_equal(store_del(&f->group.store, STORE_subscriber, key), OK);
    assert_int_equal(get(f, "imsi-1", &v), ERR_NOTFOUND);
    put(&f->group.store, "imsi-1", "four", 4);
    expect(f, "imsi-1", "four", 2);
    f->under.fails = true; /* a write that failed: the store is asked what is there */
    assert_int_equal(store_put(&f->group.store, STORE_subscriber, key, (struct bytes){(const uint8_t *)"five", 4}), ERR_STORE);
    f->under.fails = false;
    expect(f, "imsi-1", "four", 3);
    fixture_end(f);
}

static void rows_and_arenas_of_any_size(void **state)
{
    struct fixture *f = fixture();
    static char big[STORE_RECENT_VALUE + 1], key[STORE_RECENT_KEY + 2];
    struct bytes v;
    memset(big, 'x', sizeof big);
    memset(key, 'k', sizeof key - 1);
    put(f->under.memory, "big", big, sizeof big);
    put(f->under.memory, "most", big, sizeof big - 1);
    put(f->under.memory, key, "long key", 8);
    put(f->under.memory, "none", "", 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(get(f, "big", &v), OK);
        assert_int_equal(v.n, sizeof big);
        assert_int_equal(get(f, "most", &v), OK);
        assert_int_equal(v.n, sizeof big - 1);
        assert_int_equal(get(f, key, &v), OK);
        assert_int_equal(get(f, "none", &v), OK);
        assert_int_equal(v.n, 0);
    }
    assert_int_equal(f->under.gets, 6); /* the big row and the long key twice */
    struct arena small = arena_over(f->memory, 8);
    assert_int_equal(store_get(&f->group.store, STORE_subscriber, (struct bytes){(const uint8_t *)"most", 4}, &small, &v),
                     ERR_NOSPACE);
    char many[24];
    for (int i = 0; i < 4 * STORE_RECENT; i++) { /* more than there are places */
        snprintf(many, sizeof many, "imsi-%d", i);
        put(f->under.memory, many, many, (uint32_t)strlen(many));
        expect(f, many, many, f->under.gets + 1);
    }
    for (int i = 0; i < 4 * STORE_RECENT; i++) {
        uint32_t gets = f->under.gets;
        snprintf(many, sizeof many, "imsi-%d", i);
        assert_int_equal(get(f, many, &v), OK);
        assert_true(bytes_eq(v, (struct bytes){(const uint8_t *)many, (uint32_t)strlen(many)}));
        assert_true(f->under.gets <= gets + 1);
    }
    fixture_end(f);
}

int main(void)
{
    return RUN(unit(a_row_is_read_once_in_an_interval), unit(a_row_that_is_not_there_is_asked_for_once),
               unit(what_is_written_is_read_at_once), unit(rows_and_arenas_of_any_size));
}
