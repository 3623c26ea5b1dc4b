/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "base/err.h"
#include "nf/smf/pool.h"

static void all_of_them_once(void **state)
{
    struct pool p;
    (void)state;
    assert_int_equal(pool_init(&p, 2, 254), OK);
    bool seen[256] = {false};
    for (unsigned i = 0; i < 253; i++) {
        uint32_t n = pool_take(&p, 0);
        assert_in_range(n, 2, 254);
        assert_false(seen[n]);
        seen[n] = true;
    }
    assert_int_equal(pool_take(&p, 0), POOL_NONE);
    assert_int_equal(p.used, 253);
    pool_free(&p);
}

static void the_one_that_rested_longest(void **state)
{
    struct pool p;
    (void)state;
    assert_int_equal(pool_init(&p, 1, 3), OK);
    uint32_t a = pool_take(&p, 0), b = pool_take(&p, 0), c = pool_take(&p, 0);
    pool_return(&p, b, 100, POOL_REST_S);
    pool_return(&p, a, 101, POOL_REST_S);
    pool_return(&p, a, 102, POOL_REST_S); /* twice does nothing */
    pool_return(&p, 9, 102, POOL_REST_S); /* nor does what is not of the pool */
    assert_int_equal(p.used, 1);
    assert_int_equal(pool_take(&p, 100 + POOL_REST_S - 1), POOL_NONE);
    assert_int_equal(pool_take(&p, 100 + POOL_REST_S), b);
    assert_int_equal(pool_take(&p, 100 + POOL_REST_S), POOL_NONE);
    assert_int_equal(pool_take(&p, 101 + POOL_REST_S), a);
    pool_return(&p, c, 200, POOL_REST_S);
    assert_int_equal(p.used, 2);
    pool_free(&p);
}

static void by_name(void **state)
{
    struct pool p;
    (void)state;
    assert_int_equal(pool_init(&p, 2, 10), OK);
    assert_false(pool_take_this(&p, 1));
    assert_false(pool_take_this(&p, 11));
    assert_false(pool_take_this(&p, POOL_NONE));
    assert_true(pool_take_this(&p, 3));
    assert_false(pool_take_this(&p, 3));
    assert_int_equal(pool_take(&p, 0), 2);
    assert_int_equal(pool_take(&p, 0), 4); /* 3 is somebody's */
    pool_return(&p, 3, 0, POOL_REST_S);
    pool_return(&p, 4, 0, POOL_REST_S);
    pool_return(&p, 2, 0, POOL_REST_S);
    assert_true(pool_take_this(&p, 4)); /* its owner may have it back at once */
    assert_true(pool_take_this(&p, 2));
    assert_true(pool_take_this(&p, 3));
    assert_int_equal(p.head, POOL_NONE);
    assert_int_equal(p.tail, POOL_NONE);
    assert_true(pool_take_this(&p, 7)); /* not given yet */
    pool_return(&p, 7, 0, POOL_REST_S);
    for (unsigned i = 0; i < 5; i++)
        assert_int_not_equal(pool_take(&p, 0), 7);
    assert_int_equal(pool_take(&p, POOL_REST_S), 7);
    assert_int_equal(pool_take(&p, POOL_REST_S), POOL_NONE);
    pool_free(&p);
}

static void long_rest(void **state)
{
    struct pool p;
    (void)state;
    assert_int_equal(pool_init(&p, 1, 3), OK);
    for (unsigned i = 0; i < 3; i++)
        pool_take(&p, 0);
    pool_return(&p, 1, 0, POOL_LONG_REST_S);
    pool_return(&p, 2, 1, POOL_REST_S);
    assert_int_equal(pool_take(&p, 1), POOL_NONE);
    assert_int_equal(pool_take(&p, 1 + POOL_REST_S), 2); /* behind the one that rests long */
    assert_int_equal(pool_take(&p, 100), POOL_NONE);
    assert_int_equal(pool_take(&p, POOL_LONG_REST_S), 1);
    pool_free(&p);
}

/* Many at random, against a plain array that says who has what. */
static void random_use(void **state)
{
    struct pool p;
    bool used[64] = {false};
    uint64_t seed = 7;
    (void)state;
    assert_int_equal(pool_init(&p, 1, 63), OK);
    for (uint32_t i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t n = (uint32_t)(seed >> 33) % 64;
        if (seed >> 62 == 0) {
            n = pool_take(&p, i);
            assert_true(n == POOL_NONE || !used[n]);
        } else if (seed >> 62 == 1) {
            bool got = pool_take_this(&p, n);
            assert_true(got == (n && !used[n]));
            n = got ? n : POOL_NONE;
        } else {
            pool_return(&p, n, i, POOL_REST_S);
            used[n] = false;
            n = POOL_NONE;
        }
        if (n != POOL_NONE)
            used[n] = true;
    }
    uint32_t count = 0;
    for (unsigned i = 0; i < 64; i++)
        count += used[i];
    assert_int_equal(count, p.used);
    pool_free(&p);
}

int main(void)
{
    return RUN(unit(all_of_them_once), unit(the_one_that_rested_longest), unit(by_name), unit(long_rest), unit(random_use));
}
