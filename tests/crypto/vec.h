/* SPDX-License-Identifier: Apache-2.0 */
/* vec.h - vectors are rows of hex text; these decode and compare them. */
#pragma once
#include "tests/test.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

enum { VEC_MAX = 4096 };
struct vec {
    uint8_t p[VEC_MAX];
    uint32_t n;
};
static inline struct vec vec_of(const char *hex)
{
    struct vec v = {.n = (uint32_t)strlen(hex) / 2};
    assert_true(v.n <= VEC_MAX);
    assert_true(hex_get(v.p, v.n, str_of(hex)));
    return v;
}
static inline void vec_same(const uint8_t *p, uint32_t n, const char *hex)
{
    struct vec v = vec_of(hex);
    assert_int_equal(n, v.n);
    assert_memory_equal(p, v.p, n);
}
#define SAME(arr, hex) vec_same((arr), sizeof(arr), hex)
static inline struct bytes vec_bytes(const struct vec *v)
{
    return (struct bytes){v->p, v->n};
}
static inline int vec_setup(void **state)
{
    return crypto_init((struct crypto **)state);
}
static inline int vec_teardown(void **state)
{
    crypto_free(*state);
    return 0;
}
