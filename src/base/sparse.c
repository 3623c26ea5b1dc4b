/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sparse.h"
#include <string.h>

enum { WORD = 8, GROUP = 8 * WORD };

static uint8_t *word_pack(uint8_t *to, const uint8_t *p)
{
    uint8_t *mask = to++;
    *mask = 0;
    for (unsigned i = 0; i < WORD; i++)
        if (p[i]) {
            *mask |= (uint8_t)(1u << i);
            *to++ = p[i];
        }
    return to;
}

uint32_t sparse_pack(uint8_t *to, const void *from, uint32_t n)
{
    const uint8_t *p = from, *start = to;
    for (uint32_t at = 0; at < n; at += GROUP) {
        uint8_t *mask = to++;
        *mask = 0;
        for (unsigned w = 0; w < 8 && at + w * WORD < n; w++) {
            uint64_t v;
            memcpy(&v, p + at + w * WORD, sizeof v);
            if (!v)
                continue;
            *mask |= (uint8_t)(1u << w);
            to = word_pack(to, p + at + w * WORD);
        }
    }
    return (uint32_t)(to - start);
}

void sparse_unpack(void *to, uint32_t n, const uint8_t *from)
{
    uint8_t *p = to;
    memset(p, 0, n);
    for (uint32_t at = 0; at < n; at += GROUP) {
        for (uint8_t words = *from++; words; words &= (uint8_t)(words - 1)) {
            uint8_t *w = p + at + (unsigned)__builtin_ctz(words) * WORD;
            for (uint8_t octets = *from++; octets; octets &= (uint8_t)(octets - 1))
                w[__builtin_ctz(octets)] = *from++;
        }
    }
}
