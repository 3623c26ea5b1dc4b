/* SPDX-License-Identifier: Apache-2.0 */
/* Who serves a UE: TS 29.503 5.3, TS 23.502 4.2.2.2.2 steps 14a to 14e. */
#include "nf/udm/udm.h"

struct uecm_frame {
    struct udm_frame f;
    struct call *get, *put;
};
static struct udm *udm_of(const struct uecm_frame *x) { return x->f.p.owner; }

/* ---- AMF ---- */
static bool amf_get(struct uecm_frame *x, struct str ue_id)
{
    SBI_REQ(nudr_dr_amf_3gpp_get) *q = udm_call(&x->f, SBI_nudr_dr_amf_3gpp_get, &x->get);
    if (!q)
        return false;
    q->ue_id = ue_id;
    return udm_send(&x->f, &x->get);
}
static bool amf_put(struct uecm_frame *x)
{
    const SBI_REQ(nudm_uecm_amf_register) *in = x->f.in->req;
    SBI_REQ(nudr_dr_amf_3gpp_put) *q = udm_call(&x->f, SBI_nudr_dr_amf_3gpp_put, &x->put);
    if (!q)
        return false;
    q->ue_id = in->ue_id;
    q->body = in->body;
    return udm_send(&x->f, &x->put);
}
/* The AMF that served the UE before learns that it does no more. One that registers itself anew does not. */
static void tell_old_amf(struct uecm_frame *x, bool initial, struct str new_uri)
{
    const struct sbi_Amf3GppAccessRegistration *old = x->get->rsp;
    if (!call_ok(x->get) || (old->has.purge_flag && old->purge_flag) || str_eq(old->dereg_callback_uri, new_uri))
        return;
    struct call *c = call_new(x->f.p.rt, SBI_nudm_uecm_dereg_notify);
    SBI_REQ(nudm_uecm_dereg_notify) *q = c ? call_request(c) : NULL;
    if (q)
        q->callback = arena_str(&c->arena, old->dereg_callback_uri);
    if (!q || !q->callback.p) { /* no memory: the old AMF's own timers end it */
        call_done(c);
        return;
    }
    q->body.dereg_reason =
        initial ? SBI_DeregistrationReason_UE_INITIAL_REGISTRATION : SBI_DeregistrationReason_UE_REGISTRATION_AREA_CHANGE;
    q->body.has.access_type = 1;
    q->body.access_type = SBI_AccessType_3GPP_ACCESS;
    call_notify(c);
}

static void amf_registered(struct uecm_frame *x)
{
    const SBI_REQ(nudm_uecm_amf_register) *q = x->f.in->req;
    struct sbi_Amf3GppAccessRegistration *r = x->f.in->rsp;
    if (!call_ok(x->put)) {
        udm_pass_on(&x->f, x->put, "USER_NOT_FOUND");
        return;
    }
    tell_old_amf(x, q->body.has.initial_registration_ind && q->body.initial_registration_ind, q->body.dereg_callback_uri);
    *r = q->body;
    udm_reply(&x->f, call_ok(x->get) ? 200 : 201);
}
/* Two steps, not together: what is there must be read before it is replaced. */
static void amf_register_run(struct proc *p, const struct wake *w)
{
    struct uecm_frame *x = (struct uecm_frame *)p;
    PROC_BEGIN(p);
    STEP(p, "registration so far");
    if (amf_get(x, ((const SBI_REQ(nudm_uecm_amf_register) *)x->f.in->req)->ue_id)) {
        AWAIT_CALLS(p);
        STEP(p, "registration");
        if (!call_ok(x->get) && x->get->status != 404 && x->get->status != 500)
            udm_pass_on(&x->f, x->get, "CONTEXT_NOT_FOUND");
        else if (amf_put(x)) {
            AWAIT_CALLS(p);
            amf_registered(x);
        }
    }
    PROC_END(p);
}
static const struct proc_type amf_register = {"AMF registration", sizeof(struct uecm_frame), amf_register_run, udm_end};
void udm_amf_register(void *state, struct call *c) { udm_start(state, &amf_register, c); }

static bool amf_patch(struct uecm_frame *x)
{
    const SBI_REQ(nudm_uecm_amf_update) *in = x->f.in->req;
    SBI_REQ(nudr_dr_amf_3gpp_patch) *q = udm_call(&x->f, SBI_nudr_dr_amf_3gpp_patch, &x->put);
    struct sbi_PatchItem items[2] = {0};
    uint32_t n = 0;
    if (!q)
        return false;
    if (in->body.has.purge_flag) {
        items[n].value = in->body.purge_flag ? STR("true") : STR("false");
        items[n++].path = STR("/purgeFlag");
    }
    if (in->body.has.pei) {
        items[n].value = arena_printf(&x->put->arena, "\"" STR_FMT "\"", STR_ARG(in->body.pei));
        items[n++].path = STR("/pei");
    }
    for (uint32_t i = 0; i < n; i++) {
        items[i].op = SBI_PatchOperation_ADD;
        items[i].has.value = 1;
    }
    q->ue_id = in->ue_id;
    q->body.p = items;
    q->body.n = n;
    return udm_send(&x->f, &x->put);
}
/* It goes into a text of JSON. */
static bool pei_ok(struct str s)
{
    for (uint32_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'z') ||
              (s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '-'))
            return false;
    return s.n != 0;
}
static bool guami_eq(const struct sbi_Guami *a, const struct sbi_Guami *b)
{
    return str_eq(a->plmn_id.mcc, b->plmn_id.mcc) && str_eq(a->plmn_id.mnc, b->plmn_id.mnc) &&
           str_eq(a->amf_id, b->amf_id);
}
/* TS 29.503 5.3.2.4: only the AMF that is registered may change its registration. True: go on. */
static bool amf_may_update(struct uecm_frame *x)
{
    const SBI_REQ(nudm_uecm_amf_update) *q = x->f.in->req;
    const struct sbi_Amf3GppAccessRegistration *there = x->get->rsp;
    if (!call_ok(x->get)) {
        udm_pass_on(&x->f, x->get, "CONTEXT_NOT_FOUND");
    } else if (!guami_eq(&there->guami, &q->body.guami)) {
        udm_problem(&x->f, 403, "INVALID_GUAMI", "another AMF is registered");
    } else if (q->body.has.pei && !pei_ok(q->body.pei)) {
        udm_problem(&x->f, 400, "MANDATORY_IE_INCORRECT", "pei");
    } else if (!q->body.has.purge_flag && !q->body.has.pei) {
        udm_reply(&x->f, 204);
    }
    return x->f.in != NULL;
}
static void amf_updated(struct uecm_frame *x)
{
    const SBI_REQ(nudm_uecm_amf_update) *q = x->f.in->req;
    const struct sbi_Amf3GppAccessRegistration *there = x->get->rsp;
    if (!call_ok(x->put)) {
        udm_pass_on(&x->f, x->put, "CONTEXT_NOT_FOUND");
        return;
    }
    if (q->body.has.purge_flag && q->body.purge_flag)
        udm_subs_drop_implicit(udm_of(x), udm_imsi(q->ue_id), there->amf_instance_id);
    udm_reply(&x->f, 204);
}
static void amf_update_run(struct proc *p, const struct wake *w)
{
    struct uecm_frame *x = (struct uecm_frame *)p;
    PROC_BEGIN(p);
    STEP(p, "registration so far");
    if (amf_get(x, ((const SBI_REQ(nudm_uecm_amf_update) *)x->f.in->req)->ue_id)) {
        AWAIT_CALLS(p);
        STEP(p, "update");
        if (amf_may_update(x) && amf_patch(x)) {
            AWAIT_CALLS(p);
            amf_updated(x);
        }
    }
    PROC_END(p);
}
static const struct proc_type amf_update = {"AMF registration update", sizeof(struct uecm_frame), amf_update_run, udm_end};
void udm_amf_update(void *state, struct call *c) { udm_start(state, &amf_update, c); }

/* ---- SMF ---- */
static bool smf_put(struct uecm_frame *x)
{
    const SBI_REQ(nudm_uecm_smf_register) *in = x->f.in->req;
    SBI_REQ(nudr_dr_smf_put) *q = udm_call(&x->f, SBI_nudr_dr_smf_put, &x->put);
    if (!q)
        return false;
    q->ue_id = in->ue_id;
    q->pdu_session_id = in->pdu_session_id;
    q->body = in->body;
    q->body.pdu_session_id = in->pdu_session_id;
    return udm_send(&x->f, &x->put);
}
static void smf_registered(struct uecm_frame *x)
{
    if (!call_ok(x->put)) {
        udm_pass_on(&x->f, x->put, "USER_NOT_FOUND");
        return;
    }
    *(struct sbi_SmfRegistration *)x->f.in->rsp = ((const SBI_REQ(nudm_uecm_smf_register) *)x->f.in->req)->body;
    udm_reply(&x->f, 201);
}
static void smf_register_run(struct proc *p, const struct wake *w)
{
    struct uecm_frame *x = (struct uecm_frame *)p;
    PROC_BEGIN(p);
    if (smf_put(x)) {
        AWAIT_CALLS(p);
        smf_registered(x);
    }
    PROC_END(p);
}
static const struct proc_type smf_register = {"SMF registration", sizeof(struct uecm_frame), smf_register_run, udm_end};
void udm_smf_register(void *state, struct call *c) { udm_start(state, &smf_register, c); }

static bool smf_delete(struct uecm_frame *x)
{
    const SBI_REQ(nudm_uecm_smf_deregister) *in = x->f.in->req;
    SBI_REQ(nudr_dr_smf_delete) *q = udm_call(&x->f, SBI_nudr_dr_smf_delete, &x->put);
    if (!q)
        return false;
    q->ue_id = in->ue_id;
    q->pdu_session_id = in->pdu_session_id;
    return udm_send(&x->f, &x->put);
}
static void smf_deregister_run(struct proc *p, const struct wake *w)
{
    struct uecm_frame *x = (struct uecm_frame *)p;
    PROC_BEGIN(p);
    if (smf_delete(x)) {
        AWAIT_CALLS(p);
        if (call_ok(x->put))
            udm_reply(&x->f, 204);
        else
            udm_pass_on(&x->f, x->put, "CONTEXT_NOT_FOUND");
    }
    PROC_END(p);
}
static const struct proc_type smf_deregister = {"SMF deregistration", sizeof(struct uecm_frame), smf_deregister_run,
                                                udm_end};
void udm_smf_deregister(void *state, struct call *c) { udm_start(state, &smf_deregister, c); }
