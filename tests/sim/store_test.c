/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "base/err.h"
#include "sim/store_memory.h"

static struct bytes text(const char *z) { return (struct bytes){(const uint8_t *)z, (uint32_t)strlen(z)}; }
static int get(struct store *s, const char *key, char *out, size_t cap)
{
    uint8_t block[64];
    struct arena a = arena_over(block, sizeof block);
    struct bytes v;
    int r = store_get(s, STORE_subscriber, text(key), &a, &v);
    str_copy(out, cap, (struct str){(const char *)v.p, v.n});
    return r;
}
static void put(struct store *s, const char *key, const char *value)
{
    assert_int_equal(store_put(s, STORE_subscriber, text(key), text(value)), OK);
}

static void reads_see_earlier_writes(void **state)
{
    struct store *s = store_memory_new();
    char v[32];
    assert_int_equal(get(s, "a", v, sizeof v), ERR_NOTFOUND);
    put(s, "a", "1");
    put(s, "a", "22");
    assert_int_equal(get(s, "a", v, sizeof v), OK);
    assert_string_equal(v, "22");
    put(s, "a", "");
    assert_int_equal(get(s, "a", v, sizeof v), OK);
    assert_string_equal(v, "");
    assert_int_equal(store_del(s, STORE_subscriber, text("a")), OK);
    assert_int_equal(store_del(s, STORE_subscriber, text("a")), OK);
    assert_int_equal(get(s, "a", v, sizeof v), ERR_NOTFOUND);
    put(s, "long", "more octets than the arena of the reader has room for: 64 are not enough for this text");
    assert_int_equal(get(s, "long", v, sizeof v), ERR_NOSPACE);
    store_memory_free(s);
}

struct seen {
    char keys[64];
    unsigned stop_after;
};
static int see(void *ctx, struct bytes key, struct bytes value)
{
    struct seen *x = ctx;
    strncat(x->keys, (const char *)key.p, key.n);
    return x->stop_after && --x->stop_after == 0 ? 7 : 0;
}
static void a_scan_goes_in_key_order(void **state)
{
    struct store *s = store_memory_new();
    const char *keys[] = {"d", "b", "a", "c", "bb"};
    for (unsigned i = 0; i < 5; i++)
        put(s, keys[i], "x");
    struct seen x = {0};
    assert_int_equal(s->ops->scan(s, STORE_subscriber, (struct bytes){NULL, 0}, see, &x), OK);
    assert_string_equal(x.keys, "abbbcd");
    x = (struct seen){.stop_after = 2};
    assert_int_equal(s->ops->scan(s, STORE_subscriber, text("b"), see, &x), 7);
    assert_string_equal(x.keys, "bbc");
    x = (struct seen){0};
    assert_int_equal(s->ops->scan_of(s, STORE_subscriber, text("b"), see, &x), OK);
    assert_string_equal(x.keys, "bb");
    assert_int_equal(s->ops->count(s, STORE_subscriber), 5);
    assert_int_equal(s->ops->count(s, STORE_meta), 0);
    store_memory_free(s);
}

/* Whatever the moment of the crash, what is left is what had been written up to some moment. */
static void a_crash_loses_a_tail_and_nothing_else(void **state)
{
    for (uint32_t kept = 0; kept <= 4; kept++) {
        struct store *s = store_memory_new();
        char v[32];
        put(s, "a", "old");
        assert_int_equal(store_sync(s), OK);
        put(s, "a", "new");
        put(s, "b", "1");
        store_del(s, STORE_subscriber, text("a"));
        put(s, "b", "2");
        assert_int_equal(store_memory_unsynced(s), 4);
        store_memory_crash(s, kept);
        int r = get(s, "a", v, sizeof v);
        assert_int_equal(r, kept < 3 ? OK : ERR_NOTFOUND);
        if (r == OK)
            assert_string_equal(v, kept == 0 ? "old" : "new");
        r = get(s, "b", v, sizeof v);
        assert_int_equal(r, kept < 2 ? ERR_NOTFOUND : OK);
        if (r == OK)
            assert_string_equal(v, kept == 4 ? "2" : "1");
        store_memory_crash(s, 0); /* what survived once is on the disk */
        assert_int_equal(get(s, "b", v, sizeof v), kept < 2 ? ERR_NOTFOUND : OK);
        store_memory_free(s);
    }
}

static void a_disk_that_fails_says_why(void **state)
{
    struct store *s = store_memory_new();
    char v[32];
    put(s, "a", "1");
    store_memory_fail(s, "disk full", false);
    assert_int_equal(store_put(s, STORE_subscriber, text("a"), text("2")), ERR_STORE);
    assert_string_equal(store_error(s), "disk full");
    assert_int_equal(store_sync(s), ERR_STORE);
    assert_int_equal(get(s, "a", v, sizeof v), OK); /* it goes on serving what it can */
    assert_string_equal(v, "1");
    store_memory_fail(s, "unreadable", true);
    assert_int_equal(get(s, "a", v, sizeof v), ERR_STORE);
    store_memory_fail(s, NULL, false);
    assert_int_equal(store_sync(s), OK);
    store_memory_free(s);
}

int main(void)
{
    return RUN(unit(reads_see_earlier_writes), unit(a_scan_goes_in_key_order),
               unit(a_crash_loses_a_tail_and_nothing_else), unit(a_disk_that_fails_says_why));
}
