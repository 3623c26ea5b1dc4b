/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/udr/udr.h"
#include "base/log.h"
#include "rt/config.h"
#include "rt/metrics.h"
#include <stdio.h>

static void store_refused(struct udr *u)
{
    metric_add(u->rt->metrics, METRIC_store_failed, 1);
    LOG(u->rt->log, store_failed, "reason=%s", store_error(u->rt->store));
    u->failing = true;
}
static void store_works(struct udr *u)
{
    if (u->failing)
        LOG(u->rt->log, store_recovered, "writes are made durable again");
    u->failing = false;
}

int udr_sync(struct udr *u)
{
    struct rt *rt = u->rt;
    timer_stop(&rt->timers, &u->commit);
    uint64_t from = env_now_us(rt->env);
    int e = store_sync(rt->store);
    if (e < 0) {
        store_refused(u);
        return e;
    }
    metric_observe(rt->metrics, METRIC_store_sync_us, env_now_us(rt->env) - from);
    u->unsynced = 0;
    store_works(u);
    return OK;
}

enum { RETRY_US = 1000000 };
static void commit_due(struct timer *t)
{
    struct udr *u = CONTAINER(t, struct udr, commit);
    if (udr_sync(u) < 0)
        timer_set(&u->rt->timers, t, u->rt->now_us + RETRY_US, commit_due);
}

void udr_written(struct udr *u)
{
    u->writes++;
    uint32_t commit_ms = u->rt->config ? u->rt->config->udr.commit_ms : 0;
    if (!timer_is_running(&u->commit) &&
        timer_set(&u->rt->timers, &u->commit, u->rt->now_us + commit_ms * 1000u, commit_due) < 0)
        udr_sync(u);
}

void udr_refuse(struct udr *u, struct call *c, int error, enum store_table table, const char *not_found)
{
    if (error == ERR_NOTFOUND) {
        call_problem(c, 404, not_found, NULL);
    } else if (error == ERR_STORE) {
        store_refused(u);
        call_problem(c, 503, "SYSTEM_FAILURE", "the store could not read or write");
    } else if (error == ERR_NOSPACE) {
        call_problem(c, 503, "INSUFFICIENT_RESOURCES", "no memory for the answer");
    } else {
        LOG(u->rt->log, store_row_bad, "table=%s", store_table_names[table]);
        call_problem(c, 500, "SYSTEM_FAILURE", "a row of the store is not what it should be");
    }
}

bool udr_subscriber(struct udr *u, struct call *c, struct str ue_id, struct subscriber *s)
{
    u->reads++;
    int e = subscriber_supi_ok(ue_id) ? subscriber_get(u->rt->store, ue_id, &c->arena, s) : ERR_NOTFOUND;
    if (e < 0)
        udr_refuse(u, c, e, STORE_subscriber, "USER_NOT_FOUND");
    return e == OK;
}

static int udr_boot(struct rt *rt, void *state)
{
    struct udr *u = state;
    u->rt = rt;
    if (!rt->store)
        return ERR_STORE;
    int e = udr_epoch_start(u); /* tried again with each authentication: the core stays up without its store */
    if (e == ERR_SYNTAX)
        LOG(rt->log, store_row_bad, "table=meta key=epoch");
    else if (e < 0 && !u->failing)
        store_refused(u);
    int64_t n = subscriber_count(rt->store);
    metric_set(rt->metrics, METRIC_subscribers, n > 0 ? (uint64_t)n : 0);
    udr_watch_changes(u);
    return OK;
}

static void udr_stop(struct rt *rt, void *state)
{
    struct udr *u = state;
    if (!u->rt || !rt->store)
        return;
    timer_stop(&rt->timers, &u->commit);
    timer_stop(&rt->timers, &u->poll);
    udr_epoch_stop(u);
}

static void udr_status(void *state, void (*line)(void *ctx, const char *text), void *ctx)
{
    struct udr *u = state;
    char text[160];
    int64_t n = subscriber_count(u->rt->store);
    if (n < 0)
        snprintf(text, sizeof text, "the store does not work: %s", store_error(u->rt->store));
    else
        snprintf(text, sizeof text, "%lld subscribers, %llu reads and %llu writes since the start, epoch %u%s",
                 (long long)n, (unsigned long long)u->reads, (unsigned long long)u->writes, u->epoch,
                 u->failing ? "; the store refuses writes" : "");
    line(ctx, text);
}

static const struct nf_op udr_ops[] = {
    {SBI_nudr_dr_auth_subscription_get, udr_auth_subscription_get},
    {SBI_nudr_dr_auth_subscription_patch, udr_auth_subscription_patch},
    {SBI_nudr_dr_auth_status_put, udr_auth_status_put},
    {SBI_nudr_dr_amf_3gpp_put, udr_amf_3gpp_put},
    {SBI_nudr_dr_amf_3gpp_patch, udr_amf_3gpp_patch},
    {SBI_nudr_dr_amf_3gpp_get, udr_amf_3gpp_get},
    {SBI_nudr_dr_smf_put, udr_smf_put},
    {SBI_nudr_dr_smf_delete, udr_smf_delete},
    {SBI_nudr_dr_smf_list, udr_smf_list},
    {SBI_nudr_dr_subs_to_notify, udr_subs_to_notify},
    {SBI_nudr_dr_provisioned_get, udr_provisioned_get},
    {SBI_nudr_dr_sm_data_get, udr_sm_data_get},
    {SBI_nudr_dr_am_policy_get, udr_am_policy_get},
    {SBI_nudr_dr_sm_policy_get, udr_sm_policy_get},
};
const struct nf_desc udr_nf = {.kind = SBI_NF_UDR,
                               .name = "udr",
                               .state_octets = sizeof(struct udr),
                               .boot = udr_boot,
                               .stop = udr_stop,
                               .status = udr_status,
                               .ops = udr_ops,
                               .n_ops = ARRAY_LEN(udr_ops)};
