/* SPDX-License-Identifier: Apache-2.0 */
/* Uplink classifiers and branching points, TS 23.501 5.6.4.2, 5.6.4.3, TS 23.502 4.3.5.4: a UPF at the edge stands between the gNB and the UPF that
 * has the session's address, and lets what is for the data network beside it leave there: by destination, or
 * by the second IPv6 prefix that it gives to phones that can have one and choose it for what is there. It comes with the session,
 * by the configuration and the phone's tracking area, and goes with it. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"
#include <stdlib.h>

static bool stands_in(const struct config_upf_peer *c, uint32_t tac)
{
    for (uint32_t i = 0; i < c->n_tacs; i++)
        if (c->tacs[i] == tac)
            return true;
    return c->n_tacs == 0;
}
static bool can_branch(const struct smf_session *s, const struct config_upf_peer *c)
{
    return s->multi_homed && s->v6 != POOL_NONE && c->local_ipv6_pool.addr.family;
}
static bool is_of_use(const struct smf_session *s, const struct config_upf_peer *c)
{
    return (s->v4 != POOL_NONE && c->n_local_networks) || can_branch(s, c);
}
static bool fits(const struct smf_session *s, const struct smf_upf *u, uint32_t tac)
{
    return u->c->local_dnn.n && u != s->upf && smf_upf_may_serve(u) && !(s->is_protected && u->no_protected) &&
           smf_upf_serves(u, s->dnn) && u->assoc->up_features & PFCP_UP_FEATURE_FTUP && stands_in(u->c, tac) && is_of_use(s, u->c);
}

int smf_anchor_set(struct smf_session *s, struct smf_upf *u)
{
    s->anchor = calloc(1, sizeof *s->anchor);
    if (!s->anchor)
        return ERR_NOSPACE;
    s->anchor->upf = u;
    s->anchor->local_v6 = POOL_NONE;
    u->sessions++;
    return OK;
}

bool smf_local_prefix(const struct smf_session *s, uint8_t out[16])
{
    memset(out, 0, 16);
    if (!s->anchor || s->anchor->local_v6 == POOL_NONE)
        return false;
    put_be64(out, be64(s->upf->c->local_ipv6_pool.addr.ip) + s->anchor->local_v6);
    return true;
}
bool smf_local_prefix_take(struct smf_session *s, const struct net_addr *fixed)
{
    struct pool *p = &s->upf->local_v6;
    uint64_t number = fixed->family ? be64(fixed->ip) - be64(s->upf->c->local_ipv6_pool.addr.ip) : 0;
    if (!fixed->family)
        s->anchor->local_v6 = pool_take(p, smf_now_s(s->smf));
    else if (number < POOL_MAX && pool_take_this(p, (uint32_t)number))
        s->anchor->local_v6 = (uint32_t)number;
    return s->anchor->local_v6 != POOL_NONE;
}

void smf_anchor_drop(struct smf_session *s)
{
    if (!s->anchor)
        return;
    if (s->anchor->local_v6 != POOL_NONE)
        pool_return(&s->upf->local_v6, s->anchor->local_v6, smf_now_s(s->smf), s->n4_unknown ? POOL_LONG_REST_S : POOL_REST_S);
    s->anchor->upf->sessions--;
    free(s->anchor);
    s->anchor = NULL;
}

static struct smf_upf *best_of(const struct smf_session *s, uint32_t tac)
{
    struct smf *smf = s->smf;
    struct smf_upf *best = NULL;
    for (uint32_t i = 0; i < smf->n_upfs && !smf_dnn_is_lan(s->dnn); i++) /* members of a LAN meet in one UPF */
        if (fits(s, &smf->upfs[i], tac) && (!best || smf->upfs[i].sessions < best->sessions))
            best = &smf->upfs[i];
    return best;
}

/* ---- while the session is there: TS 23.502 4.3.5.4, 4.3.5.5. A second prefix comes with the session alone, since the phone
 * would have to be told of it; and copies under a warrant are made by who made them first. ---- */
struct smf_upf *smf_classifier_wanted(const struct smf_session *s, uint32_t tac)
{
    struct smf_upf *u = s->anchor || !tac || s->is_named ? NULL : best_of(s, tac);
    return u && s->v4 != POOL_NONE && u->c->n_local_networks ? u : NULL;
}
bool smf_classifier_leaves(const struct smf_session *s, uint32_t tac)
{
    return s->anchor && tac && !s->is_named && s->anchor->local_v6 == POOL_NONE && !stands_in(s->upf->c, tac) &&
           smf_upf_may_serve(s->anchor->upf);
}
int smf_classifier_turn_in(struct smf_session *s, struct smf_upf *u)
{
    if (smf_anchor_set(s, s->upf) < 0)
        return ERR_NOSPACE;
    s->anchor->up_seid = s->up_seid;
    s->anchor->up = s->up;
    s->upf->sessions--; /* counted as its UPF before */
    u->sessions++;
    s->upf = u;
    s->up_seid = 0;
    s->up = (struct smf_tunnel){0};
    s->is_turned = !s->is_turned;
    return OK;
}
void smf_classifier_turn_out(struct smf_session *s)
{
    struct smf_anchor a = *s->anchor;
    smf_n4_delete_near(s);
    s->upf->sessions--;
    a.upf->sessions++; /* it is counted once as the anchor's */
    smf_anchor_drop(s);
    s->upf = a.upf;
    s->up_seid = a.up_seid;
    s->up = a.up;
    s->n4_unknown = a.n4_unknown;
    s->is_turned = !s->is_turned;
    s->leaves = false;
    smf_session_changed(s);
}

int smf_classifier_insert(struct smf_session *s, uint32_t tac)
{
    struct smf *smf = s->smf;
    struct smf_upf *best = best_of(s, tac);
    if (!best)
        return OK;
    struct smf_upf *anchor = s->upf;
    if (smf_anchor_set(s, anchor) < 0)
        return ERR_NOSPACE;
    anchor->sessions--; /* counted as its UPF before */
    s->upf = best;
    best->sessions++;
    if (can_branch(s, best->c) && !smf_local_prefix_take(s, &(struct net_addr){0}))
        LOG(smf->rt->log, pool_empty, "upf=" STR_FMT " local_ipv6_pool", STR_ARG(best->c->name));
    return OK;
}
