/* SPDX-License-Identifier: Apache-2.0 */
/* mutate.h - libFuzzer's custom mutator: half of the time it lies by the rows (lie.h), else it does as libFuzzer does. For an input
 * that is one message, or a list of records: kind and length in two octets, then the octets. Nothing without libFuzzer. */
#pragma once
#ifdef LIE_MUTATOR
#include "base/err.h"
#include "fuzz/lie.h"
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
enum { MUTATE_ROOM = 1 << 16, MUTATE_RECORDS = 32 };
/* As lie_nas(); kind: of the record. 0: leave it as it is. */
typedef int mutate_lie(unsigned kind, struct bytes, uint64_t *seed, uint8_t *out, uint32_t cap);

static inline size_t mutate_message(uint8_t *data, size_t size, size_t max, unsigned s, mutate_lie *lie)
{
    static uint8_t out[MUTATE_ROOM];
    uint64_t seed = s;
    int n = lie_roll(&seed) & 1 ? lie(0, (struct bytes){data, (uint32_t)size}, &seed, out, sizeof out) : 0;
    if (n <= 0 || (size_t)n > max)
        return LLVMFuzzerMutate(data, size, max);
    memcpy(data, out, (size_t)n);
    return (size_t)n;
}

struct mutate_record {
    unsigned kind;
    struct bytes b;
};
static inline uint32_t mutate_put(uint8_t *out, uint32_t at, const struct mutate_record *r, unsigned bits)
{
    uint32_t most = 0xffffu >> bits, n = r->b.n < most ? r->b.n : most;
    if (at + 2 + n > MUTATE_ROOM)
        return at;
    put_be16(out + at, (uint16_t)(r->kind << (16 - bits) | n));
    if (n)
        memcpy(out + at + 2, r->b.p, n);
    return at + 2 + n;
}
/* bits: of the kind. One record lies, comes twice, goes, or changes places with another. */
static inline size_t mutate_records(uint8_t *data, size_t size, size_t max, unsigned s, unsigned bits, mutate_lie *lie)
{
    static uint8_t out[MUTATE_ROOM], lied[MUTATE_ROOM];
    struct mutate_record r[MUTATE_RECORDS + 1];
    uint64_t seed = s;
    uint32_t n = 0, at = 0;
    for (size_t i = 0; i + 2 <= size && n < MUTATE_RECORDS; n++) {
        uint32_t k = be16(data + i) & 0xffffu >> bits;
        k = k > size - i - 2 ? (uint32_t)(size - i - 2) : k;
        r[n] = (struct mutate_record){be16(data + i) >> (16 - bits), {data + i + 2, k}};
        i += 2 + k;
    }
    if (!n || !(lie_roll(&seed) & 3))
        return LLVMFuzzerMutate(data, size, max);
    uint32_t a = (uint32_t)(lie_roll(&seed) % n), b = (uint32_t)(lie_roll(&seed) % n);
    struct mutate_record was = r[a];
    switch (lie_roll(&seed) % 8) {
    case 0: /* twice */
        r[n++] = was;
        break;
    case 1:
        r[a] = r[b];
        r[b] = was;
        break;
    case 2:
        memmove(r + a, r + a + 1, (n - a - 1) * sizeof *r);
        n--;
        break;
    case 3: /* said by another, or otherwise protected */
        r[a].kind = (unsigned)(lie_roll(&seed) & ((1u << bits) - 1));
        break;
    default: {
        int k = lie(was.kind, was.b, &seed, lied, sizeof lied);
        if (k <= 0)
            return LLVMFuzzerMutate(data, size, max);
        r[a].b = (struct bytes){lied, (uint32_t)k};
    }
    }
    for (uint32_t i = 0; i < n; i++)
        at = mutate_put(out, at, &r[i], bits);
    if (at > max)
        return LLVMFuzzerMutate(data, size, max);
    memcpy(data, out, at);
    return at;
}
#endif
