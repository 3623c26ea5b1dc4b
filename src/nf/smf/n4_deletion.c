/* SPDX-License-Identifier: Apache-2.0 */
/* N4 sessions that nobody waits for any more: deleted again until the UPF has confirmed it, once it is associated again
 * where it is not; a setup that was asked for after them deletes them all (6.2.6.3), and to ask for them then would look as
 * if we were trying SEIDs. One whose establishment was never answered has no SEID that we know: an empty session with the
 * same CP F-SEID, which is of one session only (TS 29.244 5.6.2), takes its place, and that one is deleted. A copy of an
 * establishment that comes even later is seen by its answer. */
#include "nf/smf/smf.h"
#include "base/err.h"

static const uint64_t DOUBT_US = 1000000;
enum { WAITING_MAX = 1024 };

struct n4_deletion {
    struct link on_smf;
    struct smf_upf *upf;
    uint64_t up_seid;  /* 0: not known */
    uint64_t cp_seid;
    uint64_t at_us;    /* it was there then */
    bool waits;        /* for the association, */
    bool is_doubted;   /* or until what answered has been taken, if it was this: */
    struct timer doubt;
};
static void drop(struct n4_deletion *d)
{
    struct smf *smf = d->upf->smf;
    smf->deletions_waiting -= d->waits;
    timer_stop(&smf->rt->timers, &d->doubt);
    list_remove(&d->on_smf);
    frame_drop(smf->rt, d, sizeof *d);
}
static void wait(struct n4_deletion *d)
{
    struct smf *smf = d->upf->smf;
    if (smf->deletions_waiting == WAITING_MAX) {
        drop(d);
        return;
    }
    d->waits = true;
    smf->deletions_waiting++;
}

static void send(struct n4_deletion *d);
static void deleted(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *report)
{
    struct n4_deletion *d = ctx;
    (void)rsp, (void)report;
    if (err == ERR_TIMEOUT)
        send(d);
    else
        drop(d);
}
static void replaced(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *report)
{
    struct n4_deletion *d = ctx;
    const struct pfcp_session_establishment_response *r = rsp ? &rsp->session_establishment_response : NULL;
    (void)report;
    bool is_up = smf_upf_is_up(d->upf); /* else whose answer is it? */
    if (r && pfcp_is_accepted(r->cause) && r->has.up_f_seid && is_up) {
        d->up_seid = r->up_f_seid.seid;
        d->at_us = d->upf->smf->rt->now_us;
    }
    if (d->up_seid || err == ERR_TIMEOUT || !is_up)
        send(d);
    else
        drop(d);
}
static int replace_send(struct n4_deletion *d)
{
    const struct pfcp_config *c = &d->upf->smf->n4.config;
    bool is_v6 = d->upf->assoc->peer.family == 6;
    struct pfcp_create_pdr pdr = {.pdr_id = 1, .has.far_id = 1, .far_id = 1};
    struct pfcp_create_far far = {.far_id = 1, .apply_action = PFCP_APPLY_ACTION_DROP};
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_REQUEST};
    struct pfcp_session_establishment_request *q = &m.session_establishment_request;
    q->node_id = c->node_id;
    q->cp_f_seid = pfcp_f_seid_of(d->cp_seid, &c->local);
    pdr.pdi.source_interface = PFCP_INTERFACE_ACCESS;
    pdr.pdi.has.local_f_teid = 1;
    pdr.has.outer_header_removal = 1;
    pdr.pdi.local_f_teid.flags = (uint8_t)(PFCP_F_TEID_CH | (is_v6 ? PFCP_F_TEID_V6 : PFCP_F_TEID_V4));
    pdr.outer_header_removal.flags = is_v6 ? PFCP_OHR_GTPU_UDP_IPV6 : PFCP_OHR_GTPU_UDP_IPV4;
    q->create_pdr.v = &pdr, q->create_pdr.n = 1;
    q->create_far.v = &far, q->create_far.n = 1;
    return pfcp_request(&d->upf->smf->n4, &d->upf->assoc->peer, &m, replaced, d, NULL);
}
static void send(struct n4_deletion *d)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_DELETION_REQUEST, .seid = d->up_seid};
    struct smf_upf *u = d->upf;
    if (!smf_upf_is_up(u))
        wait(d);
    else if (d->at_us <= u->assoc->setup_us)
        drop(d);
    else if ((d->up_seid ? pfcp_request(&u->smf->n4, &u->assoc->peer, &m, deleted, d, NULL) : replace_send(d)) < 0)
        drop(d);
}

static void delete_notify(struct smf_upf *u, uint64_t up_seid, bool is_unknown, uint64_t cp_seid)
{
    bool there = u && u->assoc && (up_seid || is_unknown);
    struct n4_deletion *d = there ? frame_new(u->smf->rt, sizeof *d) : NULL;
    if (!d)
        return;
    *d = (struct n4_deletion){.upf = u, .up_seid = up_seid, .cp_seid = cp_seid, .at_us = u->smf->rt->now_us};
    list_append(&u->smf->deletions, &d->on_smf);
    send(d);
}
void smf_n4_delete_near(struct smf_session *s)
{
    delete_notify(s->upf, s->up_seid, s->n4_unknown, smf_seid(s, SMF_LEG_UPF));
    s->up_seid = 0;
}
void smf_n4_delete_notify(struct smf_session *s)
{
    smf_n4_delete_near(s);
    if (!s->anchor)
        return;
    delete_notify(s->anchor->upf, s->anchor->up_seid, s->anchor->n4_unknown, smf_seid(s, SMF_LEG_ANCHOR));
    s->anchor->up_seid = 0;
}
static void doubt_over(struct timer *t)
{
    struct n4_deletion *d = CONTAINER(t, struct n4_deletion, doubt);
    unsigned leg;
    const struct smf_session *s = smf_session_by_seid(d->upf->smf, d->cp_seid, &leg);
    uint64_t ours = !s ? 0 : leg == SMF_LEG_UPF ? s->up_seid : s->anchor ? s->anchor->up_seid : 0;
    d->waits = d->is_doubted = false;
    d->upf->smf->deletions_waiting--;
    if (ours == d->up_seid)
        drop(d);
    else
        send(d);
}
void smf_n4_late(struct smf_upf *u, const struct pfcp_msg *m)
{
    const struct pfcp_session_establishment_response *r = &m->session_establishment_response;
    struct smf *smf = u->smf;
    bool made = m->type == PFCP_SESSION_ESTABLISHMENT_RESPONSE && pfcp_is_accepted(r->cause) && r->has.up_f_seid;
    struct n4_deletion *d = made && smf->deletions_waiting < WAITING_MAX ? frame_new(smf->rt, sizeof *d) : NULL;
    if (!d)
        return;
    *d = (struct n4_deletion){.upf = u, .up_seid = r->up_f_seid.seid, .cp_seid = m->seid, .at_us = u->smf->rt->now_us,
                              .waits = true, .is_doubted = true};
    smf->deletions_waiting++;
    list_append(&smf->deletions, &d->on_smf);
    if (timer_set(&smf->rt->timers, &d->doubt, smf->rt->now_us + DOUBT_US, doubt_over) < 0)
        drop(d);
}
void smf_n4_deletions_go(struct smf_upf *u)
{
    LIST_EACH_SAFE (l, &u->smf->deletions) {
        struct n4_deletion *d = CONTAINER(l, struct n4_deletion, on_smf);
        if (d->upf != u || !d->waits || d->is_doubted)
            continue;
        d->waits = false;
        u->smf->deletions_waiting--;
        send(d);
    }
}
void smf_n4_deletions_forget(struct smf *smf)
{
    for (struct link *l; smf->deletions.next && (l = list_pop(&smf->deletions));)
        drop(CONTAINER(l, struct n4_deletion, on_smf));
}
