/* SPDX-License-Identifier: Apache-2.0 */
/* User planes of sessions are switched on when the phone asks for it: TS 23.502 4.2.3.2 steps 4 to 11. */
#include "nf/amf/session.h"
#include "base/err.h"

struct activate {
    struct proc p;
    struct amf_ue *ue;
    uint16_t *failed; /* of the parent's frame */
    uint16_t wanted;
    struct call *calls[16]; /* by session identity */
};

/* TS 24.501 5.6.1.4.1: causes that may go with a session that was not activated; 0: none fits. */
static uint8_t cause_of(const struct call *c)
{
    static const struct {
        const char *text;
        uint8_t cause;
    } rows[] = {
        {"INSUFFICIENT_UP_RESOURCES", NAS_GMM_CAUSE_INSUFFICIENT_USER_PLANE_RESOURCES_FOR_THE_PDU_SESSION},
        {"INSUFFICIENT_RESOURCES_SLICE_DNN", NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN},
        {"INSUFFICIENT_RESOURCES_SLICE", NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE},
        {"OUT_OF_LADN_SERVICE_AREA", NAS_GMM_CAUSE_LADN_NOT_AVAILABLE},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(call_cause(c), rows[i].text))
            return rows[i].cause;
    return 0;
}
static bool setup_waits(const struct amf_session *s)
{
    return s->n2 && s->n2_type == SBI_NgapIeType_PDU_RES_SETUP_REQ;
}
/* True when the SMF is asked. */
static bool ask(struct activate *f, struct amf_session *s)
{
    struct call *c = brief_is_set(&s->sm_ref) ? sm_update_call(s) : NULL;
    if (!c)
        return false;
    SBI_REQ(nsmf_pdusession_update) *q = call_request(c);
    q->body.has.up_cnx_state = q->body.has.an_type = q->body.has.rat_type = 1;
    q->body.up_cnx_state = SBI_UpCnxState_ACTIVATING;
    q->body.an_type = SBI_AccessType_3GPP_ACCESS;
    q->body.rat_type = SBI_RatType_NR;
    q->body.has.up_protection = q->body.up_protection = s->ue->conn && s->ue->conn->gnb->trust.up_protection;
    f->calls[s->id] = c;
    list_remove(&s->queued); /* that it was off is no longer news */
    call_send(c, &f->p);
    return true;
}
static bool take(struct activate *f, uint8_t id)
{
    struct call *c = f->calls[id];
    struct amf_session *s = amf_session_by_id(f->ue, id);
    const SBI_RSP(nsmf_pdusession_update) *r = c->rsp;
    if (!s)
        return false;
    s->cause = 0;
    if (!call_ok(c)) {
        s->cause = cause_of(c);
        if (c->status == 404)
            amf_session_drop(s, false);
        return false;
    }
    bool has = r->has.n2_sm_info && r->has.n2_sm_info_type && r->n2_sm_info_type == SBI_N2SmInfoType_PDU_RES_SETUP_REQ;
    struct sm_message m = {.n2 = r->n2_sm_info, .n2_type = SBI_NgapIeType_PDU_RES_SETUP_REQ};
    if (!has || sm_store(s, &m) < 0)
        return false;
    s->activating = true;
    return true;
}
static void activate_run(struct proc *p, const struct wake *w)
{
    struct activate *f = (struct activate *)p;
    PROC_BEGIN(p);
    for (uint8_t id = 1; id <= 15; id++) {
        struct amf_session *s = f->wanted >> id & 1 ? amf_session_by_id(f->ue, id) : NULL;
        if (s && (s->up_active || setup_waits(s)))
            continue; /* there already, or the SMF itself wants it */
        if ((f->wanted >> id & 1) && (!s || !ask(f, s)))
            *f->failed = (uint16_t)(*f->failed | 1u << id);
    }
    AWAIT_CALLS(p);
    for (uint8_t id = 1; id <= 15; id++) {
        if (f->calls[id] && !take(f, id))
            *f->failed = (uint16_t)(*f->failed | 1u << id);
        call_done(f->calls[id]);
    }
    PROC_END(p);
}
static const struct proc_type ACTIVATE = {"session-activate", sizeof(struct activate), activate_run, NULL};

struct proc *amf_sm_activate(struct amf_ue *ue, uint16_t wanted, uint16_t *failed)
{
    *failed = 0;
    struct activate *f = wanted ? proc_new(ue->amf->rt, &ACTIVATE, ue) : NULL;
    if (wanted && !f)
        *failed = wanted; /* memory used up */
    if (!f)
        return NULL;
    f->ue = ue;
    f->wanted = wanted;
    f->failed = failed;
    return &f->p;
}
