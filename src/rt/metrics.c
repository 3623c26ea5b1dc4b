/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/metrics.h"
#include "base/text.h"
#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>

/* Slots of the numbers and of the histograms: the rows one after the other, a BY row with n of them. */
#define VALUE(id, n) VALUE_##id, VALUE_last_##id = VALUE_##id + (n) - 1,
enum {
#define COUNTER(id, name, help)           VALUE(id, 1)
#define COUNTER_US(id, name, help)        VALUE(id, 1)
#define GAUGE(id, name, help)             VALUE(id, 1)
#define COUNTER_BY(id, name, by, n, help) VALUE(id, n)
#define GAUGE_BY(id, name, by, n, help)   VALUE(id, n)
#define HIST(id, name, help)
#define HIST_BY(id, name, by, n, help)
#include "../../spec/metrics.def"
#undef COUNTER
#define COUNTER(id, text) VALUE(dp_##id, 1)
#define OWN(id, text)
#include "../../spec/dp_counters.def"
    VALUE_COUNT
};
#undef COUNTER
#undef COUNTER_US
#undef GAUGE
#undef COUNTER_BY
#undef GAUGE_BY
#undef HIST
#undef HIST_BY
enum {
#define COUNTER(id, name, help)
#define COUNTER_US(id, name, help)
#define GAUGE(id, name, help)
#define COUNTER_BY(id, name, by, n, help)
#define GAUGE_BY(id, name, by, n, help)
#define HIST(id, name, help)           VALUE(id, 1)
#define HIST_BY(id, name, by, n, help) VALUE(id, n)
#include "../../spec/metrics.def"
    HIST_COUNT
};
#undef COUNTER
#undef COUNTER_US
#undef GAUGE
#undef COUNTER_BY
#undef GAUGE_BY
#undef HIST
#undef HIST_BY

const struct metric_desc metric_descs[METRIC_COUNT] = {
#define COUNTER(id, name, help)           {name, help, NULL, METRIC_COUNTER, VALUE_##id, 1},
#define COUNTER_US(id, name, help)        {name, help, NULL, METRIC_COUNTER_US, VALUE_##id, 1},
#define GAUGE(id, name, help)             {name, help, NULL, METRIC_GAUGE, VALUE_##id, 1},
#define COUNTER_BY(id, name, by, n, help) {name, help, by, METRIC_COUNTER, VALUE_##id, n},
#define GAUGE_BY(id, name, by, n, help)   {name, help, by, METRIC_GAUGE, VALUE_##id, n},
#define HIST(id, name, help)              {name, help, NULL, METRIC_HIST, VALUE_##id, 1},
#define HIST_BY(id, name, by, n, help)    {name, help, by, METRIC_HIST, VALUE_##id, n},
#include "../../spec/metrics.def"
#undef COUNTER
#define DP(id, name, help) {name, help, NULL, METRIC_COUNTER, VALUE_dp_##id, 1},
#define FATE(id, text) DP(id, "redoubt_upf_packets_total{fate=\"" #id "\"}", "packets by what became of them")
#define DROP(id, text) DP(id, "redoubt_upf_packets_dropped_total{why=\"" #id "\"}", "packets dropped by reason")
#define ALSO(id, text) DP(id, "redoubt_upf_" #id "_total", text)
#define OWN(id, text)
#include "../../spec/dp_counters.def"
};

struct metrics {
    const char *(*names[METRIC_COUNT])(uint32_t);
    uint64_t value[VALUE_COUNT];
    struct hist hist[HIST_COUNT]; /* touched only when observed: calloc keeps the rest unused */
};

struct metrics *metrics_new(void) { return calloc(1, sizeof(struct metrics)); }
void metrics_free(struct metrics *m) { free(m); }

static uint32_t slot(enum metric id, uint32_t index)
{
    const struct metric_desc *d = &metric_descs[id];
    return d->first + (index < d->n ? index : d->n - 1);
}
static bool is_hist(enum metric id) { return metric_descs[id].kind == METRIC_HIST; }

void metrics_labels(struct metrics *m, enum metric id, const char *(*name)(uint32_t))
{
    if (m)
        m->names[id] = name;
}
void metric_add_at(struct metrics *m, enum metric id, uint32_t index, int64_t by)
{
    if (m && !is_hist(id))
        m->value[slot(id, index)] += (uint64_t)by;
}
void metric_set_at(struct metrics *m, enum metric id, uint32_t index, uint64_t value)
{
    if (m && !is_hist(id))
        m->value[slot(id, index)] = value;
}
void metric_observe_at(struct metrics *m, enum metric id, uint32_t index, uint64_t us)
{
    if (m && is_hist(id))
        hist_add(&m->hist[slot(id, index)], us);
}
uint64_t metric_get_at(const struct metrics *m, enum metric id, uint32_t index)
{
    return m && !is_hist(id) ? m->value[slot(id, index)] : 0;
}
const struct hist *metric_hist_at(const struct metrics *m, enum metric id, uint32_t index)
{
    return m && is_hist(id) ? &m->hist[slot(id, index)] : NULL;
}

void metrics_merge(struct metrics *to, const struct metrics *from)
{
    for (uint32_t i = 0; i < VALUE_COUNT; i++)
        to->value[i] += from->value[i];
    for (uint32_t i = 0; i < HIST_COUNT; i++)
        hist_merge(&to->hist[i], &from->hist[i]);
    for (uint32_t i = 0; i < METRIC_COUNT; i++)
        if (!to->names[i])
            to->names[i] = from->names[i];
}

/* ---- Prometheus text exposition format 0.0.4 ---- */
/* Labels of a value: those in the row's name, and the BY label; `le` of a bucket comes last. */
struct labels {
    struct str own; /* without braces */
    const char *by, *value, *le;
};
static void put_labels(struct text *t, const struct labels *l)
{
    const char *sep = "{";
    if (l->own.n) {
        text_add(t, "%s" STR_FMT, sep, STR_ARG(l->own));
        sep = ",";
    }
    if (l->by) {
        text_add(t, "%s%s=\"", sep, l->by);
        for (const char *p = l->value; *p; p++)
            text_add(t, *p == '\n' ? "\\n" : *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        text_add(t, "\"");
        sep = ",";
    }
    if (l->le) {
        text_add(t, "%sle=\"%s\"", sep, l->le);
        sep = ",";
    }
    text_add(t, *sep == ',' ? "}" : "");
}

static void put_hist(struct text *t, struct str family, struct labels l, const struct hist *h)
{
    static const struct {
        uint32_t us;
        const char *le;
    } edges[] = {{50, "5e-05"},    {100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"}, {1000, "0.001"},
                 {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},
                 {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},  {2500000, "2.5"},
                 {5000000, "5"},   {10000000, "10"}, {30000000, "30"}};
    for (size_t i = 0; i <= ARRAY_LEN(edges); i++) {
        bool last = i == ARRAY_LEN(edges);
        l.le = last ? "+Inf" : edges[i].le;
        text_add(t, STR_FMT "_bucket", STR_ARG(family));
        put_labels(t, &l);
        text_add(t, " %llu\n", (unsigned long long)(last ? h->n : hist_at_most(h, edges[i].us)));
    }
    l.le = NULL;
    text_add(t, STR_FMT "_sum", STR_ARG(family));
    put_labels(t, &l);
    text_add(t, " %.6f\n" STR_FMT "_count", (double)h->sum / 1e6, STR_ARG(family));
    put_labels(t, &l);
    text_add(t, " %llu\n", (unsigned long long)h->n);
}

static void put_row(struct text *t, const struct metrics *m, enum metric id, struct str family)
{
    const struct metric_desc *d = &metric_descs[id];
    struct labels l = {.by = d->by};
    char number[12];
    if (d->name[family.n] == '{')
        l.own = (struct str){d->name + family.n + 1, (uint32_t)strlen(d->name) - family.n - 2};
    for (uint32_t i = 0; i < d->n; i++) {
        const struct hist *h = is_hist(id) ? &m->hist[d->first + i] : NULL;
        uint64_t v = h ? h->n : m->value[d->first + i];
        if (d->by && v == 0)
            continue;
        snprintf(number, sizeof number, "%u", i);
        l.value = m->names[id] ? m->names[id](i) : NULL;
        l.value = l.value ? l.value : number;
        if (h) {
            put_hist(t, family, l, h);
            continue;
        }
        text_add(t, STR_FMT, STR_ARG(family));
        put_labels(t, &l);
        if (d->kind == METRIC_COUNTER_US)
            text_add(t, " %.6f\n", (double)v / 1e6);
        else
            text_add(t, " %llu\n", (unsigned long long)v);
    }
}

int metrics_render(const struct metrics *m, char *out, uint32_t cap)
{
    struct text t = text_over(out, cap);
    struct str before = {NULL, 0};
    for (unsigned id = 0; m && id < METRIC_COUNT; id++) {
        const struct metric_desc *d = &metric_descs[id];
        struct str family = {d->name, (uint32_t)strcspn(d->name, "{")};
        const char *type = d->kind == METRIC_GAUGE ? "gauge" : d->kind == METRIC_HIST ? "histogram" : "counter";
        if (!str_eq(family, before))
            text_add(&t, "# HELP " STR_FMT " %s\n# TYPE " STR_FMT " %s\n", STR_ARG(family), d->help,
                STR_ARG(family), type);
        before = family;
        put_row(&t, m, (enum metric)id, family);
    }
    return t.full ? ERR_NOSPACE : (int)t.n;
}
