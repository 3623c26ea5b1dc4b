/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hist.h"

enum { EXACT_BITS = 7 }; /* below 2^7 every value has a bin of its own */
_Static_assert(HIST_PARTS == 1 << EXACT_BITS, "a power of two has as many parts as values are exact");

static uint32_t bin_of(uint32_t v)
{
    if (v < HIST_PARTS)
        return v;
    uint32_t shift = 31u - (uint32_t)__builtin_clz(v) - EXACT_BITS;
    return HIST_PARTS * (shift + 1) + (v >> shift) - HIST_PARTS;
}

static uint32_t bin_last(uint32_t bin) /* the largest value that falls into it */
{
    if (bin < HIST_PARTS)
        return bin;
    uint32_t shift = bin / HIST_PARTS - 1;
    uint64_t next = (uint64_t)(HIST_PARTS + bin % HIST_PARTS + 1) << shift;
    return (uint32_t)(next - 1);
}

void hist_add(struct hist *h, uint64_t value)
{
    uint32_t v = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
    if (h->n == 0 || v < h->min)
        h->min = v;
    if (h->n == 0 || v > h->max)
        h->max = v;
    h->n++;
    h->sum += v;
    h->bin[bin_of(v)]++;
}

void hist_merge(struct hist *to, const struct hist *from)
{
    if (from->n == 0)
        return;
    if (to->n == 0 || from->min < to->min)
        to->min = from->min;
    if (to->n == 0 || from->max > to->max)
        to->max = from->max;
    to->n += from->n;
    to->sum += from->sum;
    for (uint32_t i = 0; i < HIST_BINS; i++)
        to->bin[i] += from->bin[i];
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
    if (h->n == 0 || percent <= 0)
        return h->n ? h->min : 0;
    double exact = percent / 100.0 * (double)h->n;
    uint64_t rank = (uint64_t)exact, seen = 0;
    rank += (double)rank < exact || rank == 0;
    for (uint32_t i = 0; i < HIST_BINS && rank < h->n; i++) {
        seen += h->bin[i];
        if (seen >= rank) {
            uint32_t v = bin_last(i);
            return v > h->max ? h->max : v < h->min ? h->min : v;
        }
    }
    return h->max;
}

uint64_t hist_at_most(const struct hist *h, uint64_t value)
{
    if (h->n == 0 || value >= h->max)
        return h->n;
    uint64_t seen = 0;
    for (uint32_t i = 0, last = bin_of((uint32_t)value); i <= last; i++)
        seen += h->bin[i];
    return seen;
}
