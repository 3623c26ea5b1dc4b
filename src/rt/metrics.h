/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - what a shard counts: rows of spec/metrics.def and spec/dp_counters.def. Prometheus text format.
 * One struct a shard; the exporter merges them. */
#pragma once
#include "base/hist.h"

enum metric {
#define COUNTER(id, name, help)            METRIC_##id,
#define COUNTER_US(id, name, help)         METRIC_##id,
#define GAUGE(id, name, help)              METRIC_##id,
#define COUNTER_BY(id, name, by, n, help)  METRIC_##id,
#define GAUGE_BY(id, name, by, n, help)    METRIC_##id,
#define HIST(id, name, help)               METRIC_##id,
#define HIST_BY(id, name, by, n, help)     METRIC_##id,
#include "../../spec/metrics.def"
#undef COUNTER
#undef COUNTER_US
#undef GAUGE
#undef COUNTER_BY
#undef GAUGE_BY
#undef HIST
#undef HIST_BY
#define COUNTER(id, text) METRIC_dp_##id, /* METRIC_dp_spoofed, … */
#define OWN(id, text)
#include "../../spec/dp_counters.def"
#undef COUNTER
    METRIC_COUNT
};
enum metric_kind { METRIC_COUNTER, METRIC_COUNTER_US, METRIC_GAUGE, METRIC_HIST };
struct metric_desc {
    const char *name; /* "family" or "family{label=\"value\"}" */
    const char *help;
    const char *by;   /* label of a row of several; NULL: one value */
    enum metric_kind kind;
    uint32_t first, n; /* slots in values, or in hists */
};
extern const struct metric_desc metric_descs[METRIC_COUNT];

struct metrics; /* all zero at start */
struct metrics *metrics_new(void); /* NULL: no memory */
void metrics_free(struct metrics *);
/* How the values of a BY row's label are called; NULL or a name of NULL: the number. Must live on. */
void metrics_labels(struct metrics *, enum metric, const char *(*name)(uint32_t index));
/* m may be NULL. index: 0 unless the row is BY; one too large counts as the last. */
void metric_add_at(struct metrics *, enum metric, uint32_t index, int64_t by);
void metric_set_at(struct metrics *, enum metric, uint32_t index, uint64_t value);
void metric_observe_at(struct metrics *, enum metric, uint32_t index, uint64_t us);
uint64_t metric_get_at(const struct metrics *, enum metric, uint32_t index);
const struct hist *metric_hist_at(const struct metrics *, enum metric, uint32_t index);
static inline void metric_add(struct metrics *m, enum metric id, int64_t by) { metric_add_at(m, id, 0, by); }
static inline void metric_set(struct metrics *m, enum metric id, uint64_t v) { metric_set_at(m, id, 0, v); }
static inline void metric_observe(struct metrics *m, enum metric id, uint64_t us)
{
    metric_observe_at(m, id, 0, us);
}
static inline uint64_t metric_get(const struct metrics *m, enum metric id) { return metric_get_at(m, id, 0); }
void metrics_merge(struct metrics *to, const struct metrics *from);
/* Length of the text (not NUL-terminated), or ERR_NOSPACE. BY rows show the values that are not 0. */
int metrics_render(const struct metrics *, char *out, uint32_t cap);
