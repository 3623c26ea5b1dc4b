/* SPDX-License-Identifier: Apache-2.0 */
/* Uplink classifiers, TS 23.501 5.6.4.2, TS 23.502 4.3.5.4: a UPF at the edge stands between the gNB and the UPF that
 * has the session's address, and lets what is for the data network beside it leave there. It comes with the session,
 * by the configuration and the phone's tracking area, and goes with it. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include <stdlib.h>

static bool stands_in(const struct config_upf_peer *c, uint32_t tac)
{
    for (uint32_t i = 0; i < c->n_tacs; i++)
        if (c->tacs[i] == tac)
            return true;
    return c->n_tacs == 0;
}
static bool fits(const struct smf_session *s, const struct smf_upf *u, uint32_t tac)
{
    return u->c->local_dnn.n && u != s->upf && smf_upf_may_serve(u) && !(s->is_protected && u->no_protected) &&
           smf_upf_serves(u, s->dnn) && u->assoc->up_features & PFCP_UP_FEATURE_FTUP && stands_in(u->c, tac);
}

int smf_anchor_set(struct smf_session *s, struct smf_upf *u)
{
    s->anchor = calloc(1, sizeof *s->anchor);
    if (!s->anchor)
        return ERR_NOSPACE;
    s->anchor->upf = u;
    u->sessions++;
    return OK;
}
void smf_anchor_drop(struct smf_session *s)
{
    if (!s->anchor)
        return;
    s->anchor->upf->sessions--;
    free(s->anchor);
    s->anchor = NULL;
}

int smf_classifier_insert(struct smf_session *s, uint32_t tac)
{
    struct smf *smf = s->smf;
    struct smf_upf *best = NULL;
    if (smf_dnn_is_lan(s->dnn) || s->v4 == POOL_NONE) /* members of a LAN meet in one UPF */
        return OK;
    for (uint32_t i = 0; i < smf->n_upfs; i++)
        if (fits(s, &smf->upfs[i], tac) && (!best || smf->upfs[i].sessions < best->sessions))
            best = &smf->upfs[i];
    if (!best)
        return OK;
    struct smf_upf *anchor = s->upf;
    if (smf_anchor_set(s, anchor) < 0)
        return ERR_NOSPACE;
    anchor->sessions--; /* counted as its UPF before */
    s->upf = best;
    best->sessions++;
    return OK;
}
