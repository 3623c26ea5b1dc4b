/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of what arrives for a session: the table of collisions, TS 24.501 6.3.2.6, 6.3.3.6, 6.4.2.6 and
 * 6.4.3.6, TS 23.502 4.3.4.2 and 4.2.3.2. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"

enum action {
    START,  /* a procedure of its own */
    OFFER,  /* the running procedure awaits it, now or soon */
    WAIT,   /* after the running procedure */
    TAKE,   /* the running procedure ends here, as soon as it can, and this one begins */
    IGNORE, /* it is overtaken by the running procedure; the call, if any, is answered with nothing */
    REFUSE, /* the same, and the caller is told so */
};
/* clang-format off */
static const uint8_t actions[SMF_EV_COUNT][SMF_RUN_COUNT] = {
    /*                        none    establish modify   release user plane restore */
    [SMF_EV_N1_MODIFY]       = {START, REFUSE,  IGNORE,  IGNORE, WAIT,      WAIT},
    [SMF_EV_N1_RELEASE]      = {START, TAKE,    TAKE,    IGNORE, WAIT,      WAIT},
    [SMF_EV_N1_ANSWER]       = {START, WAIT,    OFFER,   OFFER,  WAIT,      WAIT},
    [SMF_EV_N2_ANSWER]       = {START, OFFER,   OFFER,   OFFER,  WAIT,      WAIT},
    [SMF_EV_UP_ON]           = {START, WAIT,    WAIT,    REFUSE, WAIT,      WAIT},
    [SMF_EV_UP_OFF]          = {START, OFFER,   TAKE,    OFFER,  WAIT,      WAIT},
    [SMF_EV_RELEASE]         = {START, TAKE,    TAKE,    TAKE,   TAKE,      TAKE},
    [SMF_EV_POLICY]          = {START, WAIT,    WAIT,    REFUSE, WAIT,      WAIT},
    [SMF_EV_DATA]            = {START, IGNORE,  WAIT,    IGNORE, WAIT,      IGNORE},
    [SMF_EV_TUNNEL_LOST]     = {START, IGNORE,  WAIT,    IGNORE, WAIT,      IGNORE},
    [SMF_EV_RESTORE]         = {START, IGNORE,  WAIT,    IGNORE, WAIT,      IGNORE},
    [SMF_EV_NETWORK_RELEASE] = {START, TAKE,    TAKE,    IGNORE, TAKE,      TAKE},
};
/* clang-format on */
static smf_start_fn *const starts[SMF_EV_COUNT] = {
    [SMF_EV_N1_MODIFY] = smf_modification_start,
    [SMF_EV_N1_RELEASE] = smf_release_by_ue_start,
    [SMF_EV_N1_ANSWER] = smf_n1_answer_late,
    [SMF_EV_N2_ANSWER] = smf_n2_answer_start,
    [SMF_EV_UP_ON] = smf_activation_start,
    [SMF_EV_UP_OFF] = smf_deactivation_start,
    [SMF_EV_RELEASE] = smf_release_by_amf_start,
    [SMF_EV_POLICY] = smf_policy_start,
    [SMF_EV_DATA] = smf_downlink_data_start,
    [SMF_EV_TUNNEL_LOST] = smf_tunnel_lost_start,
    [SMF_EV_RESTORE] = smf_restoration_start,
    [SMF_EV_NETWORK_RELEASE] = smf_release_by_network_start,
};

static void queue(struct smf_session *s, const struct smf_input *in)
{
    if (in->call)
        list_append(&s->waiting, &in->call->on_producer);
    else if (in->event == SMF_EV_DATA)
        s->pending |= SMF_PENDING_DATA;
    else if (in->event == SMF_EV_TUNNEL_LOST)
        s->pending |= SMF_PENDING_TUNNEL_LOST;
    else if (in->event == SMF_EV_RESTORE)
        s->pending |= SMF_PENDING_RESTORE;
    else if (in->event == SMF_EV_NETWORK_RELEASE)
        s->pending |= SMF_PENDING_RELEASE;
}

bool smf_can_take_over(const struct smf_session *s)
{
    bool makes = s->proc && (s->running == SMF_RUN_ESTABLISHMENT || s->running == SMF_RUN_RESTORATION);
    return !makes || s->proc->wants & WANT(WAKE_EVENT);
}

void smf_collide(struct smf_session *s, const struct smf_input *in)
{
    enum smf_running running = s->proc ? (enum smf_running)s->running : SMF_RUN_NONE;
    struct call *c = in->call;
    switch ((enum action)actions[in->event][running]) {
    case START: starts[in->event](s, in); break;
    case OFFER:
        if (!proc_offer_event(s->proc, in->event, in))
            queue(s, in);
        break;
    case WAIT: queue(s, in); break;
    case TAKE:
        if (!smf_can_take_over(s)) {
            queue(s, in);
            break;
        }
        proc_abort(s->proc);
        starts[in->event](s, in);
        break;
    case IGNORE:
        if (c)
            smf_answer(&c, 204);
        break;
    case REFUSE:
        if (c)
            smf_update_error(&c, 403, "N1_SM_ERROR", "another procedure of the session is under way");
        break;
    }
}

/* ---- frames ---- */

void *smf_proc_new(struct smf_session *s, const struct proc_type *type, enum smf_running running,
                   struct call *request)
{
    struct smf_frame *f = proc_new(s->smf->rt, type, s);
    if (!f) {
        LOG(s->smf->rt->log, memory_full, "for=%s", type->name);
        if (request)
            smf_update_error(&request, 503, "INSUFFICIENT_RESOURCES", "no memory for another procedure");
        return NULL;
    }
    f->request = request;
    s->proc = &f->p;
    s->running = (uint8_t)running;
    s->copies_refused = false;
    return f;
}

void smf_proc_ended(struct proc *p, int outcome)
{
    struct smf_frame *f = (struct smf_frame *)p;
    struct smf_session *s = p->owner;
    (void)outcome;
    if (f->request)
        smf_update_error(&f->request, 504, "NETWORK_FAILURE", "the procedure did not come to its end");
    if (s->proc == p)
        s->proc = NULL;
    smf_session_kick(s);
}

/* ---- answers to the AMF ---- */

void smf_answer(struct call **request, int status)
{
    struct call *c = *request;
    *request = NULL;
    if (c)
        call_reply(c, status);
}

void smf_update_answer(struct call **request, struct bytes n1, struct bytes n2, enum sbi_N2SmInfoType type,
                       enum sbi_UpCnxState up)
{
    struct call *c = *request;
    *request = NULL;
    if (!c)
        return;
    if (c->op == SBI_nsmf_pdusession_update) {
        SBI_RSP(nsmf_pdusession_update) *r = c->rsp;
        r->n1_sm_msg = arena_bytes(&c->arena, n1.p, n1.n);
        r->has.n1_sm_msg = r->n1_sm_msg.p != NULL;
        r->n2_sm_info = arena_bytes(&c->arena, n2.p, n2.n);
        r->has.n2_sm_info = r->has.n2_sm_info_type = r->n2_sm_info.p != NULL;
        r->n2_sm_info_type = type;
        r->has.up_cnx_state = up != SBI_UpCnxState_OTHER;
        r->up_cnx_state = up;
    }
    call_reply(c, 200);
}

void smf_update_error(struct call **request, int status, const char *cause, const char *detail)
{
    struct call *c = *request;
    *request = NULL;
    if (c)
        call_problem(c, status, cause, detail);
}
