/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/store_group.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "rt/commit.h"
#include "rt/metrics.h"

static struct store_group *group(struct store *s) { return CONTAINER(s, struct store_group, store); }

/* Told once when it begins to fail and once when it works again; counted each time. */
static int told(struct store_group *g, int e, const char *what)
{
    bool fails = e == ERR_STORE;
    if (fails)
        metric_add(g->rt->metrics, METRIC_store_failed, 1);
    if (fails && !g->failing)
        LOG(g->rt->log, store_failed, "what=%s why=%s", what, store_error(g->under));
    if (!fails && e >= 0 && g->failing && what[0] == 's')
        LOG(g->rt->log, store_recovered, "what=%s", what);
    if (fails || what[0] == 's')
        g->failing = fails;
    return e;
}

static int group_sync(struct store *s)
{
    struct store_group *g = group(s);
    uint64_t from = env_now_us(g->rt->env);
    commit_write(g->rt); /* whatever is to be written goes along */
    int e = told(g, store_sync(g->under), "sync");
    if (e >= 0)
        commit_done(g->rt);
    timer_stop(&g->rt->timers, &g->timer);
    metric_observe(g->rt->metrics, METRIC_store_sync_us, env_now_us(g->rt->env) - from);
    return e;
}
static void group_due(struct timer *t) { group_sync(&CONTAINER(t, struct store_group, timer)->store); }

static int written(struct store_group *g, int e)
{
    if (e >= 0 && !timer_is_running(&g->timer) &&
        timer_set(&g->rt->timers, &g->timer, env_now_us(g->rt->env) + g->after_us, group_due) < 0)
        return group_sync(&g->store);
    return e;
}

/* ---- rows of just now ---- */
/* Who chooses keys that meet here pushes rows out, which are then read from the store: no more than that. */
static struct store_recent *recent_place(struct store_group *g, enum store_table t, struct bytes key)
{
    uint32_t h = 2166136261u ^ (uint32_t)t;
    for (uint32_t i = 0; i < key.n; i++)
        h = (h ^ key.p[i]) * 16777619u;
    return &g->recent[(h ^ h >> 16) % STORE_RECENT];
}
static bool recent_is(const struct store_recent *r, enum store_table t, struct bytes key)
{
    return r->until_us && r->table == t && r->n_key == key.n && memcmp(r->key, key.p, key.n) == 0;
}
static void recent_keep(struct store_group *g, enum store_table t, struct bytes key, struct bytes value, bool is_absent)
{
    struct store_recent *r = recent_place(g, t, key);
    if (r->until_us)
        secret_wipe(r->value, r->n_value);
    r->until_us = 0;
    if (!g->after_us || key.n > STORE_RECENT_KEY || value.n > STORE_RECENT_VALUE)
        return;
    r->until_us = g->rt->now_us + g->after_us;
    r->table = t;
    r->is_absent = is_absent;
    r->n_key = (uint16_t)key.n;
    r->n_value = (uint16_t)value.n;
    memcpy(r->key, key.p, key.n);
    if (value.n)
        memcpy(r->value, value.p, value.n);
}
static void recent_drop(struct store_group *g, enum store_table t, struct bytes key)
{
    struct store_recent *r = recent_place(g, t, key);
    if (recent_is(r, t, key))
        secret_wipe(r, sizeof *r);
}

static int group_get(struct store *s, enum store_table t, struct bytes key, struct arena *a, struct bytes *value)
{
    struct store_group *g = group(s);
    struct store_recent *r = recent_place(g, t, key);
    if (recent_is(r, t, key) && g->rt->now_us < r->until_us) {
        if (r->is_absent)
            return ERR_NOTFOUND;
        *value = arena_bytes(a, r->value, r->n_value);
        return value->p || !r->n_value ? OK : ERR_NOSPACE;
    }
    int e = told(g, store_get(g->under, t, key, a, value), "get");
    if (e == OK || e == ERR_NOTFOUND)
        recent_keep(g, t, key, e == OK ? *value : (struct bytes){0}, e != OK);
    return e;
}
static int group_put(struct store *s, enum store_table t, struct bytes key, struct bytes value)
{
    int e = told(group(s), store_put(group(s)->under, t, key, value), "put");
    if (e < 0) /* which of the two is there, the store knows */
        recent_drop(group(s), t, key);
    else if (recent_is(recent_place(group(s), t, key), t, key)) /* who writes rows that nobody reads pushes none out */
        recent_keep(group(s), t, key, value, false);
    return written(group(s), e);
}
static int group_del(struct store *s, enum store_table t, struct bytes key)
{
    recent_drop(group(s), t, key);
    return written(group(s), told(group(s), store_del(group(s)->under, t, key), "del"));
}
static int group_scan(struct store *s, enum store_table t, struct bytes after,
                      int (*row)(void *, struct bytes, struct bytes), void *ctx)
{
    return told(group(s), group(s)->under->ops->scan(group(s)->under, t, after, row, ctx), "scan");
}
static int group_scan_of(struct store *s, enum store_table t, struct bytes prefix,
                         int (*row)(void *, struct bytes, struct bytes), void *ctx)
{
    return told(group(s), group(s)->under->ops->scan_of(group(s)->under, t, prefix, row, ctx), "scan");
}
static int64_t group_count(struct store *s, enum store_table t) { return group(s)->under->ops->count(group(s)->under, t); }
static const char *group_error(struct store *s) { return store_error(group(s)->under); }

void store_group_init(struct store_group *g, struct rt *rt, struct store *under, uint32_t commit_ms)
{
    static const struct store_ops ops = {.get = group_get,
                                         .put = group_put,
                                         .del = group_del,
                                         .scan = group_scan,
                                         .scan_of = group_scan_of,
                                         .sync = group_sync,
                                         .count = group_count,
                                         .error = group_error};
    *g = (struct store_group){.store = {&ops}, .under = under, .rt = rt, .after_us = (uint64_t)commit_ms * 1000};
}

void store_group_end(struct store_group *g)
{
    if (g->under && timer_is_running(&g->timer))
        group_sync(&g->store);
    secret_wipe(g->recent, sizeof g->recent);
}
