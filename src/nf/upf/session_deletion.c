/* SPDX-License-Identifier: Apache-2.0 */
/* session_deletion.c - TS 29.244 6.3.4, 7.5.6 and 7.5.7: the answer brings the last usage. */
#include "nf/upf/state.h"

void session_deletion(struct upf *u, const struct pfcp_in *in)
{
    struct upf_session *s = upf_session_of_seid(u, in->msg->seid);
    if (!s || s->going || s->assoc != in->assoc) {
        pfcp_refuse(&u->pfcp, in->answer, 0, PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, 0);
        refuse_log(u, in, PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, 0, "no session has this SEID");
        return;
    }
    struct ref at = slab_ref(&u->sessions, s);
    struct upf_pending *p = upf_rules(u, s)->urr_n || !list_empty(&s->pending) ? pending_new(u, s, in) : NULL;
    struct dp_command c = {
        .kind = DP_DROP, .session = at.i, .gen = at.gen, .tag = p ? pending_tag(u, p) : 0};
    if (p && user_plane_command(u->up, &c) == OK) {
        s->going = true;
        u->going++;
        metric_set(u->rt->metrics, METRIC_upf_sessions, u->sessions.used - u->going);
        return;
    }
    if (p)
        pending_drop(u, p);
    struct pfcp_msg m = {.type = PFCP_SESSION_DELETION_RESPONSE, .seid = s->cp_seid};
    m.session_deletion_response.cause = PFCP_CAUSE_REQUEST_ACCEPTED;
    const struct pfcp_assoc *assoc = s->assoc;
    upf_session_end(u, s, true);
    LOAD_TELL(u, assoc, &m.session_deletion_response);
    pfcp_answer(&u->pfcp, in->answer, &m);
}
