/* SPDX-License-Identifier: Apache-2.0 */
/* UL NAS TRANSPORT with 5GSM messages: to the SMF of their session, or to one for a new session. TS 24.501 5.4.5.2,
 * TS 23.502 4.3.2 (establishment), 4.3.3 and 4.3.4 (modification and release, which the SMF leads). */
#include "nf/amf/session.h"
#include "base/err.h"

struct create {
    struct sm_proc sp;
    struct call *release, *create;
    bool create_sent;
    struct amf_sm_request request; /* its DNN lies in the call to come */
    struct amf_sm_choice choice;
    uint8_t cause;
};

/* ---- the steps ---- */
static uint8_t choose(struct create *f)
{
    const struct amf_ue *ue = f->sp.s->ue;
    const struct config *config = f->sp.s->amf->rt->config;
    struct str fallback = config->smf.n_dnns ? config->smf.dnns[0].name : STR("");
    if (!ue)
        return NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED;
    return amf_sm_select(&f->request, ue->allowed, ue->n_allowed, amf_ue_dnns(ue), fallback, &f->choice);
}
/* The rest of SmContextCreateData; the 5GSM message is there already. */
static void fill_create(struct create *f)
{
    struct amf_session *s = f->sp.s;
    const struct amf_ue *ue = s->ue;
    struct rt *rt = s->amf->rt;
    struct arena *a = &f->create->arena;
    SBI_REQ(nsmf_pdusession_create) *q = call_request(f->create);
    struct sbi_SmContextCreateData *d = &q->body;
    struct sbi_Guami guami = {0};
    amf_guami_sbi(s->amf, ue->guami, a, &guami);
    d->has.supi = d->has.pdu_session_id = d->has.dnn = d->has.s_nssai = d->has.guami = 1;
    d->has.request_type = d->has.rat_type = 1;
    d->supi = arena_str(a, amf_ue_supi(ue));
    d->has.pei = ue->pei[0] != 0;
    d->pei = arena_str(a, str_of(ue->pei));
    d->pdu_session_id = s->id;
    d->dnn = arena_str(a, interned_str(s->dnn));
    amf_slice_sbi(&s->slice, a, &d->s_nssai);
    d->serving_nf_id = arena_str(a, str_of(rt->nf[SBI_NF_AMF]->instance_id));
    d->guami = guami;
    d->serving_network.mcc = guami.plmn_id.mcc;
    d->serving_network.mnc = guami.plmn_id.mnc;
    d->request_type = SBI_RequestType_INITIAL_REQUEST;
    d->an_type = SBI_AccessType_3GPP_ACCESS;
    d->rat_type = SBI_RatType_NR;
    d->has.up_protection = d->up_protection = ue->conn && ue->conn->gnb->trust.up_protection;
    d->has.ue_location = ue->location.at_us != 0;
    amf_location_sbi(&ue->location, a, &d->ue_location);
    d->sm_context_status_uri = call_callback_uri(rt, a, SBI_NF_AMF, "%s/sm/%u", ue->supi, s->id);
}

/* What a refusal of the SMF without a 5GSM message means to the phone (TS 29.502 table 6.1.3.2.3.1-3). */
static uint8_t cause_of(const struct call *c)
{
    static const struct {
        const char *text;
        uint8_t cause;
    } rows[] = {
        {"INSUFFICIENT_RESOURCES_SLICE_DNN", NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN},
        {"INSUFFICIENT_RESOURCES_SLICE", NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE},
        {"S_NSSAI_CONGESTION", NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE},
        {"DNN_CONGESTION", NAS_GMM_CAUSE_CONGESTION},
        {"NF_CONGESTION", NAS_GMM_CAUSE_CONGESTION},
        {"DNN_DENIED", NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE},
        {"DNN_NOT_SUPPORTED", NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(call_cause(c), rows[i].text))
            return rows[i].cause;
    return c->status == 429 ? NAS_GMM_CAUSE_CONGESTION : NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED;
}
/* The 5GSM message as it came, back to the phone (TS 24.501 5.4.5.3.1 h). */
static void give_back(const struct create *f, uint8_t cause)
{
    const SBI_REQ(nsmf_pdusession_create) *q = f->create->req;
    sm_send_n1(f->sp.s->ue, f->sp.s->id, q->body.n1_sm_msg, cause);
}
static void answered(struct create *f)
{
    struct amf_session *s = f->sp.s;
    const SBI_RSP(nsmf_pdusession_create) *r = f->create->rsp;
    const SBI_ERR(nsmf_pdusession_create) *e = f->create->err;
    if (call_ok(f->create) && r->has.location) {
        amf_id_take(&s->sm_ref, r->location);
        if (brief_is_set(&s->sm_ref)) {
            if (s->ue)
                amf_ue_changed(s->ue);
            return;
        }
        LOG(s->amf->rt->log, session_rejected, "session=%u its reference at the SMF is too long", s->id);
    }
    if (!call_ok(f->create) && e && e->has.n1_sm_msg)
        sm_send_n1(s->ue, s->id, e->n1_sm_msg, 0);
    else
        give_back(f, call_ok(f->create) ? NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED : cause_of(f->create));
}

static void create_run(struct proc *p, const struct wake *w)
{
    struct create *f = (struct create *)p;
    struct amf_session *s = f->sp.s;
    PROC_BEGIN(p);
    if (f->release) { /* the session that had this identity (23.502 4.3.2.2.1 step 3) */
        STEP(p, "release of the old one");
        call_send(f->release, p);
        AWAIT_CALLS(p);
        call_done(f->release);
        f->release = NULL;
    }
    f->cause = choose(f);
    if (!f->cause && !amf_session_name(s, str_of(f->choice.dnn)))
        f->cause = NAS_GMM_CAUSE_CONGESTION;
    if (f->cause) {
        give_back(f, f->cause);
    } else {
        STEP(p, "creation");
        s->slice = f->choice.slice;
        fill_create(f);
        f->create_sent = true;
        call_send(f->create, p);
        AWAIT_CALLS(p);
        answered(f);
    }
    PROC_END(p);
}
static void create_end(struct proc *p, int outcome)
{
    struct create *f = (struct create *)p;
    struct amf_session *s = f->sp.s;
    if (!f->create_sent)
        call_done(f->create);
    if (f->release)
        call_done(f->release);
    if (!link_is_on(&f->sp.on_session))
        return; /* by whoever drops the session */
    sm_proc_ended(&f->sp);
    s->is_creating = false;
    if (!brief_is_set(&s->sm_ref) || !s->ue)
        amf_session_drop(s, true);
    else if (s->ue->conn && !s->ue->conn->proc)
        amf_sm_deliver(s->ue);
}
static const struct proc_type CREATE = {"session-create", sizeof(struct create), create_run, create_end};

/* ---- where a message goes ---- */
static struct call *release_call(const struct amf_session *old)
{
    char buf[BRIEF_BUF];
    struct call *c = call_new(old->amf->rt, SBI_nsmf_pdusession_release);
    if (!c)
        return NULL;
    SBI_REQ(nsmf_pdusession_release) *q = call_request(c);
    q->sm_context_ref = arena_str(&c->arena, brief_get(&old->sm_ref, buf));
    q->body.has.cause = 1;
    q->body.cause = STR("REL_DUE_TO_DUPLICATE_SESSION_ID"); /* TS 29.502 6.1.6.3.8 */
    return c;
}
static uint32_t count(const struct amf_ue *ue)
{
    uint32_t n = 0;
    LIST_EACH (it, &ue->sessions)
        n++;
    return n;
}
/* 0, or the cause with which the message goes back. */
static uint8_t create(struct amf_ue *ue, uint8_t id, const struct nas_ul_nas_transport *m, struct amf_session *old)
{
    struct call *release = old ? release_call(old) : NULL;
    struct call *c = call_new(ue->amf->rt, SBI_nsmf_pdusession_create);
    if (!c || (old && !release)) {
        call_done(c);
        call_done(release);
        return NAS_GMM_CAUSE_CONGESTION;
    }
    bool resources = old && (old->up_active || old->setting_up);
    if (old) {
        sm_release_resources(old);
        amf_session_drop(old, false);
    }
    struct amf_session *s = amf_session_new(ue, id);
    struct create *f = s ? sm_proc_new(s, &CREATE) : NULL;
    SBI_REQ(nsmf_pdusession_create) *q = call_request(c);
    q->body.has.n1_sm_msg = 1;
    q->body.n1_sm_msg = arena_bytes(&c->arena, m->payload_container.p, m->payload_container.n);
    if (!f || !q->body.n1_sm_msg.p) {
        call_done(c);
        if (release)
            call_notify(release);
        if (f)
            list_remove(&f->sp.on_session);
        if (f)
            proc_abort(&f->sp.p);
        if (s)
            amf_session_drop(s, false);
        return NAS_GMM_CAUSE_CONGESTION;
    }
    f->create = c;
    f->release = release;
    s->is_creating = true;
    s->skip_released = resources;
    f->request.has_slice = m->has.s_nssai;
    if (m->has.s_nssai)
        amf_slice_of_nas(&m->s_nssai, &f->request.slice);
    if (m->has.dnn)
        f->request.dnn = arena_str(&c->arena, m->dnn);
    proc_start(&f->sp.p);
    return 0;
}

static uint8_t route(struct amf_ue *ue, uint8_t id, const struct nas_ul_nas_transport *m)
{
    struct amf_session *s = amf_session_by_id(ue, id);
    uint8_t type = m->has.request_type ? m->request_type : 0;
    if (type == NAS_REQUEST_INITIAL_EMERGENCY || type == NAS_REQUEST_EXISTING_EMERGENCY || type == NAS_REQUEST_MA_PDU)
        return NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED; /* none of these is served */
    bool initial = m->has.request_type && type != NAS_REQUEST_EXISTING && type != NAS_REQUEST_MODIFICATION;
    if (initial && s && s->is_creating)
        return 0; /* once more what is being worked on (T3580); the answer comes */
    if (initial && !s && count(ue) >= AMF_SESSIONS_A_UE)
        return NAS_GMM_CAUSE_MAXIMUM_NUMBER_OF_PDU_SESSIONS_REACHED;
    if (initial)
        return create(ue, id, m, s);
    if (!s || s->is_creating)
        return NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED;
    return sm_update(s, &(struct sm_update){.n1 = m->payload_container}) < 0 ? NAS_GMM_CAUSE_CONGESTION : 0;
}
void amf_sm_uplink(const struct amf_nas_rx *rx, const struct nas_ul_nas_transport *m)
{
    struct amf_ue *ue = rx->ue;
    if (!m->has.pdu_session_id) {
        amf_nas_status(rx->conn, NAS_GMM_CAUSE_CONDITIONAL_IE_ERROR);
        return;
    }
    bool valid = m->pdu_session_id >= 1 && m->pdu_session_id <= 15; /* TS 24.501 9.4 */
    uint8_t cause = valid ? route(ue, m->pdu_session_id, m) : NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED;
    if (cause)
        sm_send_n1(ue, m->pdu_session_id, m->payload_container, cause);
}
