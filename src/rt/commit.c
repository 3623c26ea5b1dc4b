/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/commit.h"
#include "base/err.h"
#include "rt/config.h"

enum { RETRY_US = 1000000 };

void commit_join(struct rt *rt, struct commit_user *u) { list_append(&rt->commit_users, &u->link); }
void commit_leave(struct commit_user *u) { list_remove(&u->link); }

static void due(struct timer *t) { commit_now(CONTAINER(t, struct rt, commit_timer)); }
static void again(struct rt *rt, uint64_t after_us)
{
    if (!timer_is_running(&rt->commit_timer))
        timer_set(&rt->timers, &rt->commit_timer, rt->now_us + after_us, due);
}

bool commit_write(struct rt *rt)
{
    bool all = true;
    timer_stop(&rt->timers, &rt->commit_timer);
    LIST_EACH (l, &rt->commit_users) {
        struct commit_user *u = CONTAINER(l, struct commit_user, link);
        all = u->write(u) && all;
    }
    if (!all)
        again(rt, RETRY_US);
    return all;
}

int commit_now(struct rt *rt)
{
    bool all = commit_write(rt);
    int e = store_sync(rt->store);
    if (e < 0) {
        again(rt, RETRY_US);
        return e;
    }
    commit_done(rt);
    return all ? OK : ERR_STORE;
}

void commit_soon(struct rt *rt)
{
    if (rt->store)
        again(rt, (rt->config ? rt->config->udr.commit_ms : 0) * 1000ull);
}
