/* SPDX-License-Identifier: Apache-2.0 */
/* dp.c - the instance and its sessions: rules are exchanged here, in one step. */
#include "dp/state.h"
#include <stdlib.h>

static bool addr_good(const struct rule_addr *a)
{
    return a->family == 0 || a->family == 4 || a->family == 6;
}

static bool config_good(const struct dp_config *c)
{
    if (!c->sessions_max || c->sessions_max > DP_SESSIONS_MAX || !c->instances ||
        c->instances > DP_INSTANCES || c->pools > DP_POOLS || !addr_good(&c->local_v4) ||
        !addr_good(&c->local_v6))
        return false;
    for (unsigned i = 0; i < c->pools; i++)
        if (c->pool[i].instance >= c->instances || c->pool[i].bits < 8 || c->pool[i].bits > 32)
            return false;
    for (unsigned i = 0; i < c->instances; i++)
        if (c->instance[i].router_v4.family & ~4 || c->instance[i].router_v6.family & ~6)
            return false;
    return c->replies_per_s <= 1000000;
}

struct dp *dp_new(const struct dp_config *config, const struct dp_io *io)
{
    if (!config_good(config))
        return NULL;
    struct dp *dp = calloc(1, sizeof *dp);
    if (!dp)
        return NULL;
    dp->config = *config;
    dp->io = *io;
    if (!dp->config.replies_per_s)
        dp->config.replies_per_s = 100;
    dp->teid_mask = dp_teid_mask(config->sessions_max);
    memset(dp->wheel, 0xff, sizeof dp->wheel);
    /* calloc of this size is untouched memory: sessions never used cost address space only */
    dp->session = calloc(config->sessions_max, sizeof *dp->session);
    int held = slab_init(&dp->held, "buffered packets", sizeof(struct held), config->buffered_max);
    if (index_init(dp) == OK && dp->session && held == 0)
        return dp;
    dp_free(dp);
    return NULL;
}

void dp_free(struct dp *dp)
{
    if (!dp)
        return;
    for (uint32_t i = 0; dp->session && dp->sessions && i < dp->config.sessions_max; i++)
        if (dp->session[i].r) {
            dp_rules_free(dp->session[i].r);
            free(dp->session[i].macs);
            dp->sessions--;
        }
    index_free(dp);
    slab_free(&dp->held);
    free(dp->session);
    free(dp);
}

static void quota_carry(const struct dp *dp, struct urr *u, const struct urr_more *old)
{
    struct urr_more *m = u->more;
    if (old && !u->rule.quota_fresh) {
        m->last_us = old->last_us;
        m->start_us = old->start_us;
        memcpy(m->used, old->used, sizeof m->used);
        if (m->validity_us == old->validity_us)
            m->validity_due_us = old->validity_due_us;
        return;
    }
    m->last_us = dp->now_us;
    m->start_us = u->usage.start_us ? dp->now_us + !dp->now_us : 0;
}

static void urrs_carry(struct dp *dp, struct session *s, struct dp_rules *old, struct dp_rules *new)
{
    for (unsigned i = 0; i < new->urr_n; i++) {
        struct urr *u = &new->urr[i];
        for (unsigned k = 0; old && k < old->urr_n; k++) {
            const struct urr *o = &old->urr[k];
            if (o->rule.id != u->rule.id)
                continue;
            u->usage = o->usage;
            if (u->rule.period_us == o->rule.period_us)
                u->period_due_us = o->period_due_us;
            if (u->rule.quota_fresh)
                u->usage.exhausted = false;
            if (u->more)
                quota_carry(dp, u, o->more);
        }
        if (u->more && u->more->validity_us && !u->more->validity_due_us)
            u->more->validity_due_us = dp->now_us + u->more->validity_us;
        if (u->rule.start_at_once && !u->usage.start_us)
            usage_start(dp, u);
        if (u->rule.period_us && !u->period_due_us)
            u->period_due_us = dp->now_us + u->rule.period_us;
    }
    for (unsigned k = 0; old && k < old->urr_n; k++) {
        unsigned i = 0;
        while (i < new->urr_n &&new->urr[i].rule.id != old->urr[k].rule.id)
            i++;
        if (i == new->urr_n)
            usage_leave(dp, s, &old->urr[k]);
    }
}

static void pdrs_carry(const struct dp_rules *old, struct dp_rules *new)
{
    for (unsigned i = 0; old && i < new->pdr_n; i++)
        for (unsigned k = 0; k < old->pdr_n; k++)
            if (new->pdr[i].id == old->pdr[k].id) {
                new->pdr[i].packets = old->pdr[k].packets;
                new->pdr[i].octets = old->pdr[k].octets;
            }
}

static void qers_carry(const struct dp_rules *old, struct dp_rules *new)
{
    for (unsigned i = 0; old && i < new->qer_n; i++)
        for (unsigned k = 0; k < old->qer_n; k++)
            if (new->qer[i].id == old->qer[k].id)
                for (unsigned d = 0; d < 2; d++)
                    new->qer[i].free_at[d].own = *qer_free_at(&old->qer[k], d);
}

static void end_markers(struct dp *dp, const struct dp_rules *old, const struct dp_rules *new)
{
    for (unsigned i = 0; old && i < new->far_n; i++)
        for (unsigned k = 0; new->far[i].send_end_marker &&k < old->far_n; k++)
            if (old->far[k].id == new->far[i].id && old->far[k].peer.family)
                end_marker_send(dp, &old->far[k].peer, old->far[k].teid);
}

static void teids_set(struct dp *dp, struct session *s, const struct dp_rules *r)
{
    memset(s->teid, 0, sizeof s->teid);
    for (unsigned i = 0; r && i < r->pdr_n; i++)
        if (r->pdr[i].teid)
            s->teid[r->pdr[i].teid & (RULE_TUNNELS - 1)] = r->pdr[i].teid;
}

static void buffered_meet(struct dp *dp, struct session *s)
{
    for (unsigned i = 0; i < s->r->far_n; i++)
        if (s->r->far[i].drop_buffered)
            buffer_drop(dp, s);
    buffer_release(dp, s);
    if (s->held_n) /* those who still wait have been announced */
        return;
    s->notified = false;
    s->notify_due_us = 0;
}

int dp_session_put(struct dp *dp, uint64_t now_us, struct dp_rules *r)
{
    dp_clock(dp, now_us);
    if (r->session >= dp->config.sessions_max) {
        dp_rules_free(r);
        return ERR_RANGE;
    }
    struct session *s = &dp->session[r->session];
    if (s->r && s->gen != r->gen)
        dp_session_drop(dp, now_us, r->session, s->gen);
    struct dp_rules *old = s->r;
    if (old)
        offload_refresh(dp, s, true);
    int e = lan_room(dp, r);
    e = e < 0 ? e : macs_room(s, r);
    e = e < 0 ? e : index_replace(dp, s, old, r);
    if (e < 0) {
        dp_rules_free(r);
        if (!old) {
            free(s->macs);
            s->macs = NULL;
        }
        return e;
    }
    if (!old) {
        dp->sessions++;
        s->gen = r->gen;
        s->last_us = dp->now_us;
    }
    lan_replace(dp, s, old, r);
    pdrs_carry(old, r);
    qers_carry(old, r);
    urrs_carry(dp, s, old, r);
    macs_replace(dp, s, old, r);
    s->r = r;
    teids_set(dp, s, r);
    if (dp->offload.changed)
        dp->offload.changed(dp->offload.ctx, s, old);
    end_markers(dp, old, r);
    buffered_meet(dp, s);
    timer_arm(dp, s);
    out_flush(dp);
    dp_rules_free(old);
    return OK;
}

int dp_session_set(struct dp *dp, uint64_t now_us, const struct rule_session *s, const char **why)
{
    int e;
    struct dp_rules *r = dp_rules_new(&dp->config, s, &e, why);
    return r ? dp_session_put(dp, now_us, r) : e;
}

int dp_session_drop(struct dp *dp, uint64_t now_us, uint32_t session, uint32_t gen)
{
    dp_clock(dp, now_us);
    struct session *s = session_get(dp, session, gen);
    if (!s)
        return ERR_NOTFOUND;
    offload_refresh(dp, s, true);
    buffer_drop(dp, s);
    for (unsigned i = 0; i < s->r->urr_n; i++)
        usage_leave(dp, s, &s->r->urr[i]);
    timer_disarm(dp, s);
    index_replace(dp, s, s->r, NULL);
    lan_replace(dp, s, s->r, NULL);
    macs_replace(dp, s, s->r, NULL);
    struct dp_rules *old = s->r;
    s->r = NULL;
    if (dp->offload.changed)
        dp->offload.changed(dp->offload.ctx, s, old);
    dp_rules_free(old);
    *s = (struct session){0};
    dp->sessions--;
    return OK;
}

bool dp_session_exists(const struct dp *dp, uint32_t session, uint32_t gen)
{
    return session < dp->config.sessions_max && dp->session[session].r &&
           dp->session[session].gen == gen;
}

uint32_t dp_session_count(const struct dp *dp)
{
    return dp->sessions;
}

static struct urr *urr_of_id(struct session *s, uint32_t id)
{
    for (unsigned i = 0; s && i < s->r->urr_n; i++)
        if (s->r->urr[i].rule.id == id)
            return &s->r->urr[i];
    return NULL;
}

int dp_usage_take(struct dp *dp, uint64_t now_us, uint32_t session, uint32_t gen, uint32_t urr_id,
                  struct rule_usage *usage)
{
    dp_clock(dp, now_us);
    struct session *s = session_get(dp, session, gen);
    offload_refresh(dp, s, false);
    struct urr *u = urr_of_id(s, urr_id);
    if (!u)
        return ERR_NOTFOUND;
    usage_take(dp, u, usage);
    return OK;
}

static int usage_ask(struct dp *dp, uint64_t now_us, const struct dp_command *c)
{
    dp_clock(dp, now_us);
    struct session *s = session_get(dp, c->session, c->gen);
    offload_refresh(dp, s, false);
    struct urr *u = urr_of_id(s, c->urr_id);
    if (!u)
        return ERR_NOTFOUND;
    usage_tell(dp, s, u, RULE_USAGE_IMMEDIATE);
    return OK;
}

int dp_command_run(struct dp *dp, uint64_t now_us, const struct dp_command *c)
{
    switch (c->kind) {
    case DP_PUT: return dp_session_put(dp, now_us, c->rules);
    case DP_DROP: return dp_session_drop(dp, now_us, c->session, c->gen);
    case DP_USAGE: return usage_ask(dp, now_us, c);
    case DP_TO_UE:
        if (c->packet_n > sizeof c->packet)
            return ERR_RANGE;
        return dp_send_to_ue(dp, now_us, c->session, c->gen,
                             (struct bytes){c->packet, c->packet_n});
    case DP_TRACE: return dp_session_trace(dp, now_us, c->session, c->gen, c->packet_n);
    case DP_ECHO: dp_send_echo_request(dp, now_us, &c->peer, c->sequence); return OK;
    }
    return ERR_UNKNOWN;
}

const uint64_t *dp_counters(const struct dp *dp)
{
    return dp->count;
}

static const struct {
    const char *name, *text;
} counter_rows[] = {
#define COUNTER(name, text) {#name, text},
#include "../../spec/dp_counters.def"
#undef COUNTER
};
const char *dp_counter_name(enum dp_counter c)
{
    return (unsigned)c < DP_COUNTERS ? counter_rows[c].name : NULL;
}
const char *dp_counter_text(enum dp_counter c)
{
    return (unsigned)c < DP_COUNTERS ? counter_rows[c].text : NULL;
}
