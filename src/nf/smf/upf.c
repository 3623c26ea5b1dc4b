/* SPDX-License-Identifier: Apache-2.0 */
/* The UPFs and the N4 entity: associations, what happens when one is lost, and who gets the next session. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"

static struct smf_upf *upf_of(struct smf *smf, const struct pfcp_assoc *a)
{
    for (uint32_t i = 0; i < smf->n_upfs; i++)
        if (smf->upfs[i].assoc == a)
            return &smf->upfs[i];
    return NULL;
}

bool smf_upf_serves(const struct smf_upf *u, const struct smf_dnn *d)
{
    for (uint32_t i = 0; i < u->c->n_dnns; i++)
        if (str_eq(u->c->dnns[i], d->c->name))
            return true;
    return u->c->n_dnns == 0;
}
/* Smooth weighted round robin: each gains its weight, the richest is chosen and pays for all. */
struct smf_upf *smf_upf_select(struct smf *smf, const struct smf_dnn *d, bool is_protected)
{
    struct smf_upf *best = NULL;
    int32_t total = 0;
    for (uint32_t i = 0; i < smf->n_upfs; i++) {
        struct smf_upf *u = &smf->upfs[i];
        if (!smf_upf_may_serve(u) || !u->c->weight || !smf_upf_serves(u, d) || (is_protected && u->no_protected))
            continue;
        total += (int32_t)u->c->weight;
        u->credit += (int32_t)u->c->weight;
        if (!best || u->credit > best->credit)
            best = u;
    }
    if (best)
        best->credit -= total;
    else
        LOG(smf->rt->log, upf_missing, "dnn=" STR_FMT, STR_ARG(d->c->name));
    return best;
}

/* ---- what the entity tells ---- */

static void associate_again(struct timer *t)
{
    struct smf_upf *u = CONTAINER(t, struct smf_upf, again);
    if (pfcp_associate(&u->smf->n4, &u->c->address, &u->assoc) < 0)
        LOG(u->smf->rt->log, upf_missing, "upf=" STR_FMT, STR_ARG(u->c->name));
}

static void leave_due(struct timer *t)
{
    struct smf_upf *u = CONTAINER(t, struct smf_upf, again);
    if (smf_upf_is_up(u))
        pfcp_release(&u->smf->n4, u->assoc);
}

static void on_event(void *ctx, struct pfcp_node *n, struct pfcp_assoc *a, enum pfcp_event e)
{
    struct smf *smf = ctx;
    struct smf_upf *u = upf_of(smf, a);
    char peer[NET_ADDR_TEXT];
    if (!u)
        return; /* boot: pfcp_associate has not returned yet; no event comes before that */
    addr_text(&a->peer, peer);
    if (e == PFCP_PEER_LEAVING) { /* TS 29.244 6.2.7: its sessions go on till then, and wait for it afterwards as for one that is lost */
        LOG(smf->rt->log, pfcp_leaving, "upf=" STR_FMT " within_s=%llu", STR_ARG(u->c->name), (unsigned long long)(a->leave_us / 1000000));
        u->leaving = true;
        if (a->leave_us != UINT64_MAX)
            timer_set(&smf->rt->timers, &u->again, smf->rt->now_us + a->leave_us, leave_due);
        return;
    }
    if (e == PFCP_PEER_CHANGED) { /* other software, perhaps; one that leaves still does */
        smf_trust_ask(u);
        return;
    }
    u->leaving = false;
    timer_stop(&smf->rt->timers, &u->again);
    switch (e) {
    case PFCP_PEER_LEAVING:
    case PFCP_PEER_CHANGED: return;
    case PFCP_PEER_UP:
        LOG(smf->rt->log, pfcp_associated, "upf=" STR_FMT " peer=%s", STR_ARG(u->c->name), peer);
        metric_add(smf->rt->metrics, METRIC_pfcp_associations, 1);
        smf_trust_ask(u);
        smf_n4_deletions_go(u);
        if (u->restore && !u->refused)
            smf_restore(u);
        return;
    case PFCP_PEER_LOST: /* it may come back with its sessions as they were */
        LOG(smf->rt->log, pfcp_lost, "upf=" STR_FMT " peer=%s", STR_ARG(u->c->name), peer);
        break;
    case PFCP_PEER_RESTARTED:
        LOG(smf->rt->log, pfcp_restarted, "upf=" STR_FMT " peer=%s", STR_ARG(u->c->name), peer);
        break;
    case PFCP_PEER_RELEASED: /* the entity forgets it when this returns */
        u->assoc = NULL;
        timer_set(&smf->rt->timers, &u->again, smf->rt->now_us + n->config.retry_us, associate_again);
        break;
    case PFCP_PEER_REFUSED:
        LOG(smf->rt->log, pfcp_refused, "upf=" STR_FMT " peer=%s cause=%u", STR_ARG(u->c->name), peer, a->cause);
        return;
    }
    smf_trust_gone(u);
    metric_add(smf->rt->metrics, METRIC_pfcp_associations, -1);
    /* TS 29.244 6.2.6.3: a setup anew deletes what was there before it, so all is put back once it is up. */
    u->restore = true;
}

static void on_request(void *ctx, struct pfcp_node *n, const struct pfcp_in *in)
{
    if (in->msg->type == PFCP_SESSION_REPORT_REQUEST)
        smf_report(ctx, in);
    else if (in->msg->type == PFCP_NODE_REPORT_REQUEST) {
        struct pfcp_msg m = {.type = PFCP_NODE_REPORT_RESPONSE};
        m.node_report_response.node_id = n->config.node_id;
        m.node_report_response.cause = PFCP_CAUSE_REQUEST_ACCEPTED;
        pfcp_answer(n, in->answer, &m);
    } else {
        pfcp_refuse(n, in->answer, 0, PFCP_CAUSE_SERVICE_NOT_SUPPORTED, 0);
    }
}

/* Only the UPFs of the configuration may associate. */
static uint8_t on_setup(void *ctx, struct pfcp_node *n, const struct pfcp_in *in)
{
    struct smf *smf = ctx;
    char peer[NET_ADDR_TEXT];
    if (in->assoc && upf_of(smf, in->assoc))
        return PFCP_CAUSE_REQUEST_ACCEPTED;
    LOG(smf->rt->log, pfcp_stranger, "peer=%s", addr_text(&in->from, peer));
    return PFCP_CAUSE_REQUEST_REJECTED;
}

static uint64_t peer_seid(void *ctx, uint64_t local)
{
    unsigned leg;
    const struct smf_session *s = smf_session_by_seid(ctx, local, &leg);
    return !s ? 0 : leg == SMF_LEG_UPF ? s->up_seid : s->anchor ? s->anchor->up_seid : 0;
}

static void on_late(void *ctx, struct pfcp_assoc *a, const struct pfcp_msg *m)
{
    struct smf_upf *u = upf_of(ctx, a);
    if (u)
        smf_n4_late(u, m);
}

void smf_n4_timers(const struct smf *smf, struct pfcp_config *to)
{
    const struct config_smf *c = &smf->config->smf;
    to->t1_us = (uint64_t)c->pfcp_t1_ms * 1000;
    to->n1 = c->pfcp_n1;
    to->heartbeat_us = c->pfcp_heartbeat_s ? (uint64_t)c->pfcp_heartbeat_s * 1000000 : UINT64_MAX;
    to->retry_us = (uint64_t)c->pfcp_retry_s * 1000000;
}

int smf_n4_open(struct smf *smf)
{
    struct pfcp_config pc = {.local = smf->config->smf.n4_address};
    smf_n4_timers(smf, &pc);
    struct pfcp_user user = {smf, on_request, on_event, on_setup, peer_seid, on_late};
    int err = pfcp_open(&smf->n4, smf->rt, &pc, &user);
    for (uint32_t i = 0; !err && i < smf->n_upfs; i++)
        err = pfcp_associate(&smf->n4, &smf->upfs[i].c->address, &smf->upfs[i].assoc);
    return err;
}

void smf_n4_close(struct smf *smf)
{
    for (uint32_t i = 0; smf->upfs && i < smf->n_upfs; i++)
        timer_stop(&smf->rt->timers, &smf->upfs[i].again);
    if (smf->n4.rt)
        pfcp_close(&smf->n4);
}
