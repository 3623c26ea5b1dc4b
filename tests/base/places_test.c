/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "base/places.h"
#include "base/sparse.h"
#include <stdlib.h>

static uint64_t state = 88172645463325252ull;
static uint32_t below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % n;
}

/* Against a plain list; few hashes, so that many share one and clusters wrap round the end. */
static void places_hold_what_was_put(void **unused)
{
    enum { N = 600, STEPS = 60000 };
    static struct {
        bool in;
        uint32_t hash;
    } model[N];
    struct places p = {0};
    uint32_t in = 0, step = 0;
    (void)unused;
    assert_int_equal(places_next(&p, 5, &step), PLACES_NONE);
    assert_false(places_del(&p, 5, 1));
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t at = below(N);
        if (model[at].in) {
            assert_true(places_del(&p, model[at].hash, at));
            assert_false(places_del(&p, model[at].hash, at));
            in--;
        } else {
            model[at].hash = below(3) ? 0xffffff00u + below(256) : below(40) * 0x6666666u;
            assert_true(places_put(&p, model[at].hash, at));
            in++;
        }
        model[at].in = !model[at].in;
        assert_int_equal(p.used, in);
        assert_true(p.used <= p.cap);
        if (i % 100)
            continue;
        for (uint32_t k = 0; k < N; k++) {
            uint32_t found = 0, others = 0, s = 0;
            for (uint32_t x; (x = places_next(&p, model[k].hash, &s)) != PLACES_NONE;) {
                found += x == k;
                others += x >= N || !model[x].in || model[x].hash != model[k].hash;
            }
            assert_int_equal(found, model[k].in);
            assert_int_equal(others, 0);
        }
    }
    places_free(&p);
    assert_int_equal(p.used, 0);
}

static void sparse_comes_back(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t n = below(60) * 8, density = below(10);
        uint8_t *from = malloc(n + 1), *packed = malloc(SPARSE_MAX(n)), *to = malloc(n + 1); /* as long as it may be */
        assert_true(from && packed && to);
        for (uint32_t k = 0; k < n; k++)
            from[k] = below(9) < density ? (uint8_t)below(256) : 0;
        uint32_t k = sparse_pack(packed, from, n);
        assert_true(k <= SPARSE_MAX(n));
        uint8_t *exact = malloc(k + 1);
        assert_non_null(exact);
        memcpy(exact, packed, k);
        memset(to, 0xee, n);
        sparse_unpack(to, n, exact);
        assert_memory_equal(to, from, n);
        free(from);
        free(packed);
        free(to);
        free(exact);
    }
    uint64_t two[40] = {[3] = 1, [39] = 0x100};
    uint8_t out[SPARSE_MAX(sizeof two)];
    assert_int_equal(sparse_pack(out, two, sizeof two), 5 + 2 * 2);
}

int main(void)
{
    return RUN(unit(places_hold_what_was_put), unit(sparse_comes_back));
}
