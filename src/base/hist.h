/* SPDX-License-Identifier: Apache-2.0 */
/* hist.h - a histogram of fixed memory: each power of two is cut into 128 equal parts, so a value is known to
 * within 0.8 %. Values of 2^32 and above count as the largest. All zero is empty. */
#pragma once
#include "base/bytes.h"

enum { HIST_PARTS = 128, HIST_BINS = HIST_PARTS * (32 - 7 + 1) };
struct hist {
    uint64_t n, sum;
    uint32_t min, max; /* of what was added; meaningless while n is 0 */
    uint32_t bin[HIST_BINS];
};
void hist_add(struct hist *, uint64_t value);
void hist_merge(struct hist *to, const struct hist *from);
/* The value below or at which `percent` (0..100) of all lie; 0 when empty. Exact at 0 and 100. */
uint64_t hist_percentile(const struct hist *, double percent);
/* How many are at most `value`, to the precision of the bins. */
uint64_t hist_at_most(const struct hist *, uint64_t value);
static inline double hist_mean(const struct hist *h) { return h->n ? (double)h->sum / (double)h->n : 0; }
