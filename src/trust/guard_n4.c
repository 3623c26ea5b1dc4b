/* SPDX-License-Identifier: Apache-2.0 */
/* N4-01, N4-02: what an SMF may tell a UPF of this process. */
#include "trust/guard_parts.h"
#include "codec/pfcp.h"
#include "rt/config.h"
#include "rt/warrant.h"
#include <stdio.h>

/* By its host: requests may come from any port (TS 29.244 6.4). */
static uint64_t key_of(const struct guard *g, const struct tap_event *e) { return guard_key_at(g, GUARD_ON_N4, e->at); }
static struct guard_peer *smf(struct guard *g, const struct tap_event *e)
{
    struct guard_peer *p = guard_peer(g, key_of(g, e));
    if (p && p->name[0] == '?') {
        char text[NET_ADDR_TEXT];
        snprintf(p->name, sizeof p->name, "smf %.58s", addr_host_text(e->at, text));
    }
    return p;
}

/* ---- N4-01 ---- */
static void established(struct guard *g, const struct tap_event *e, const struct pfcp_session_establishment_response *m)
{
    if (!pfcp_is_accepted(m->cause) || !m->has.up_f_seid)
        return;
    struct guard_peer *p = smf(g, e);
    if (p && guard_session_of(g, p, m->up_f_seid.seid))
        guard_peer_serves(g, p);
}
/* A new association has none of the sessions of the one before (6.2.6.3), and one that ends takes them along: nobody's
 * sessions that are gone keep those of others from being followed. */
static void associated(struct guard *g, const struct tap_event *e, uint8_t cause)
{
    struct guard_peer *p = pfcp_is_accepted(cause) ? smf(g, e) : NULL;
    if (p)
        guard_peer_forget(g, p);
}
static void ordered(struct guard *g, const struct tap_event *e, uint64_t seid)
{
    struct guard_session *s = map_get_u64(&g->session_by_seid, seid);
    if (s && s->owner->key != key_of(g, e))
        guard_find(g, GUARD_N4_01, smf(g, e), e, "session %016llx is another SMF's", (unsigned long long)seid);
    else if (s && e->type == PFCP_SESSION_DELETION_REQUEST)
        guard_session_drop(g, s);
}
static void not_found(struct guard *g, const struct tap_event *e, uint8_t cause)
{
    /* An SMF may not have heard yet that the UPF is a new one, and speaks of the old one's sessions (TS 23.527 4.3). */
    bool is_new = g->rt->now_us - g->since_us < GUARD_WINDOW_US;
    struct guard_peer *p = cause == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND && !is_new ? smf(g, e) : NULL;
    if (p && guard_burst(g, GUARD_N4_01, p))
        guard_find(g, GUARD_N4_01, p, e, "%u sessions that there are not, within a minute", GUARD_BURST);
}

/* ---- N4-02: copies that no warrant of ours wants, or of somebody else than it names ---- */
static bool is_copy(const struct guard *g, uint64_t action, const struct pfcp_outer_header_creation *to, const struct pfcp_user_id *of)
{
    if (action & PFCP_APPLY_ACTION_DFRT)
        return true;
    const struct config_warrant *w = to ? warrant_of_delivery(g->rt, to) : NULL;
    return action & PFCP_APPLY_ACTION_DUPL && (!w || (of && !user_id_is(of, w->supi)));
}
#define TARGET(list) ((list).n == 1 && (list).v->has.outer_header_creation ? &(list).v->outer_header_creation : NULL)
static bool established_copies(const struct guard *g, const struct pfcp_session_establishment_request *r)
{
    static const struct pfcp_user_id nobody;
    for (uint32_t i = 0; i < r->create_far.n; i++)
        if (is_copy(g, r->create_far.v[i].apply_action, TARGET(r->create_far.v[i].duplicating_parameters),
                    r->has.user_id ? &r->user_id : &nobody))
            return true;
    return false;
}
static bool modified_copies(const struct guard *g, const struct pfcp_session_modification_request *r)
{
    for (uint32_t i = 0; i < r->create_far.n; i++)
        if (is_copy(g, r->create_far.v[i].apply_action, TARGET(r->create_far.v[i].duplicating_parameters), NULL))
            return true;
    for (uint32_t i = 0; i < r->update_far.n; i++) /* without a target: the one that it had */
        if (is_copy(g, r->update_far.v[i].has.apply_action ? r->update_far.v[i].apply_action : 0,
                    TARGET(r->update_far.v[i].update_duplicating_parameters), NULL))
            return true;
    return false;
}
static void rules(struct guard *g, const struct tap_event *e, const struct pfcp_msg *m)
{
    if ((m->type == PFCP_SESSION_ESTABLISHMENT_REQUEST && established_copies(g, &m->session_establishment_request)) ||
        (m->type == PFCP_SESSION_MODIFICATION_REQUEST && modified_copies(g, &m->session_modification_request)))
        guard_find(g, GUARD_N4_02, smf(g, e), e, "a forwarding rule that duplicates, and no warrant for it");
}

void guard_n4(struct guard *g, const struct tap_event *e)
{
    const struct pfcp_msg *m = e->value;
    if (!m || e->error < 0 || !e->at)
        return;
    if (e->direction == TAP_TX) {
        if (m->type == PFCP_SESSION_ESTABLISHMENT_RESPONSE)
            established(g, e, &m->session_establishment_response);
        else if (m->type == PFCP_ASSOCIATION_SETUP_RESPONSE)
            associated(g, e, m->association_setup_response.cause);
        else if (m->type == PFCP_ASSOCIATION_RELEASE_RESPONSE)
            associated(g, e, m->association_release_response.cause);
        else if (m->type == PFCP_SESSION_MODIFICATION_RESPONSE)
            not_found(g, e, m->session_modification_response.cause);
        else if (m->type == PFCP_SESSION_DELETION_RESPONSE)
            not_found(g, e, m->session_deletion_response.cause);
        return;
    }
    if (m->has_seid && (m->type == PFCP_SESSION_MODIFICATION_REQUEST || m->type == PFCP_SESSION_DELETION_REQUEST))
        ordered(g, e, m->seid);
    rules(g, e, m);
}
