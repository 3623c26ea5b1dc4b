/* SPDX-License-Identifier: Apache-2.0 */
/* Service request: TS 24.501 5.6.1, TS 23.502 4.2.3.2. Idle, it ends in an Initial Context Setup that carries the
 * accept and the resources of what was asked for; connected already, only those. */
#include "nf/amf/session.h"
#include "base/err.h"

static const uint64_t CONTEXT_WAIT_US = 10000000; /* for a gNB that does not answer Initial Context Setup */

struct service {
    struct amf_proc a;
    uint16_t wanted, failed;
    bool has_wanted, has_status, was_paged, is_refused;
};

void amf_service_reject(struct amf_conn *c, uint8_t cause)
{
    struct rt *rt = c->amf->rt;
    struct nas_msg m;
    nas_msg_init(&m, NAS_SERVICE_REJECT);
    m.desc = nas_desc_of(NAS_EPD_MM, NAS_SERVICE_REJECT);
    m.service_reject.gmm_cause = cause;
    if (cause == NAS_GMM_CAUSE_CONGESTION) { /* 5.6.1.5 */
        m.service_reject.has.t3346_value = 1;
        m.service_reject.t3346_value = nas_timer_of(amf_back_off_s(c));
    }
    metric_add_at(rt->metrics, METRIC_service_failed, cause, 1);
    struct pseudonym who = log_identity(rt->log, c->ue ? amf_ue_supi(c->ue) : STR(""));
    LOG(rt->log, ue_service_rejected, "ue=%s cause=%u text=\"%s\"", who.text, cause, nas_gmm_cause_text(cause));
    amf_nas_send(c, &m, c->ue && c->is_secure && amf_ue_may_send(c->ue) ? NAS_CIPHERED : NAS_PLAIN);
}
static void refuse(struct amf_conn *c, uint8_t cause)
{
    amf_service_reject(c, cause);
    amf_conn_release(c, (struct ngap_Cause){.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_normal_release});
}

/* Each session that was not activated and why, 9.11.3.43; its octets last until the accept is encoded. */
static struct bytes error_causes(const struct service *f, uint8_t octets[2 * 16])
{
    uint32_t n = 0;
    for (uint8_t id = 1; id <= 15; id++) {
        const struct amf_session *s = f->failed >> id & 1 ? amf_session_by_id(f->a.ue, id) : NULL;
        if (!s || !s->cause)
            continue;
        octets[n++] = id;
        octets[n++] = s->cause;
    }
    return (struct bytes){octets, n};
}
static void fill_accept(const struct service *f, struct nas_msg *m, uint8_t octets[2 * 16])
{
    nas_msg_init(m, NAS_SERVICE_ACCEPT);
    m->desc = nas_desc_of(NAS_EPD_MM, NAS_SERVICE_ACCEPT);
    struct nas_service_accept *t = &m->service_accept;
    t->has.pdu_session_status = f->has_status;
    t->pdu_session_status = amf_sm_active(f->a.ue);
    t->has.pdu_session_reactivation_result = f->has_wanted;
    t->pdu_session_reactivation_result = f->failed;
    t->pdu_session_reactivation_result_error_cause = error_causes(f, octets);
    t->has.pdu_session_reactivation_result_error_cause = t->pdu_session_reactivation_result_error_cause.n > 0;
}
/* True when an Initial Context Setup is under way. */
static bool accept(struct service *f)
{
    struct amf_conn *c = f->a.conn;
    struct nas_msg m;
    uint8_t octets[2 * 16];
    fill_accept(f, &m, octets);
    if (c->has_context) {
        f->is_refused = amf_nas_send(c, &m, NAS_CIPHERED) < 0;
        return false;
    }
    if (c->setting_up) { /* asked for by a procedure that this one has ended: its answer is ours now */
        f->is_refused = amf_nas_send(c, &m, NAS_CIPHERED) < 0;
        return !f->is_refused;
    }
    struct bytes sealed = amf_nas_seal(c, &m, NAS_CIPHERED);
    f->is_refused = !sealed.p || amf_context_setup(c, sealed, f->a.ue->allowed, f->a.ue->n_allowed) < 0;
    return !f->is_refused;
}

static void service_run(struct proc *p, const struct wake *w)
{
    struct service *f = (struct service *)p;
    PROC_BEGIN(p);
    STEP(p, "activation");
    struct proc *child = amf_sm_activate(f->a.ue, f->wanted, &f->failed);
    if (child)
        proc_start_child(p, child);
    AWAIT_CHILD(p);
    STEP(p, "context setup");
    if (accept(f)) {
        do {
            proc_accept_(p, CONTEXT_WAIT_US, NULL, 0);
            AWAIT(p, WANT(WAKE_EVENT) | WANT(WAKE_TIMEOUT));
        } while (w->kind == WAKE_EVENT && w->what != AMF_PE_CONTEXT_SETUP && w->what != AMF_PE_CONTEXT_FAILED);
        f->is_refused = w->kind == WAKE_TIMEOUT || w->what == AMF_PE_CONTEXT_FAILED;
    }
    p->result = f->is_refused ? PROC_FAILED : PROC_OK;
    PROC_END(p);
}
static void service_end(struct proc *p, int outcome)
{
    struct service *f = (struct service *)p;
    struct amf_ue *ue = f->a.ue;
    if (outcome == PROC_OK) {
        metric_add(p->rt->metrics, METRIC_service_ok, 1);
        metric_observe(p->rt->metrics, METRIC_service_us, p->rt->now_us - p->started_us);
        /* Else we would page where it is not: a core that was killed while its store refused has the area of before */
        bool is_elsewhere = !amf_ue_is_in_area(ue, &f->a.conn->location.tai);
        if (is_elsewhere)
            amf_registration_area(ue, f->a.conn);
        /* TS 33.501 6.12.3: after paging, always */
        if (f->was_paged || is_elsewhere || p->rt->config->amf.guti == CONFIG_GUTI_ALWAYS)
            ue->pending |= AMF_PENDING_GUTI;
    }
    amf_proc_ended(&f->a, outcome, outcome == PROC_OK ? AMF_THEN_STAY : AMF_THEN_RELEASE);
    if (outcome == PROC_OK)
        amf_sm_deliver(ue);
}
static const struct proc_type SERVICE = {"service-request", sizeof(struct service), service_run, service_end};

void amf_nas_service_request(const struct amf_nas_rx *rx)
{
    const struct nas_service_request *m = &rx->msg->service_request;
    struct amf_conn *c = rx->conn;
    struct amf_ue *ue = rx->ue;
    metric_add(rx->amf->rt->metrics, METRIC_service_try, 1);
    if (!ue) { /* unknown, or its MAC does not hold: nothing is changed by it (4.4.4.3) */
        if (!c->proc)
            refuse(c, NAS_GMM_CAUSE_UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK);
        return;
    }
    if (!amf_ue_is_registered(ue)) {
        if (!c->proc)
            refuse(c, NAS_GMM_CAUSE_IMPLICITLY_DE_REGISTERED);
        return;
    }
    uint8_t elsewhere = amf_trust_cause(c, ue);
    if (elsewhere) {
        if (!c->proc)
            refuse(c, elsewhere);
        return;
    }
    if (!amf_ue_may_send(ue)) { /* the store cannot commit: new keys need no row */
        if (!c->proc)
            refuse(c, NAS_GMM_CAUSE_UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK);
        return;
    }
    bool was_paged = ue->is_paged;
    if (amf_collide(c, ue, AMF_EV_SERVICE_REQUEST) != AMF_GO || c->is_releasing)
        return;
    if (!amf_phone_may(ue) || !amf_admit(c, ue, amf_class_of(c, ue))) {
        refuse(c, NAS_GMM_CAUSE_CONGESTION);
        return;
    }
    struct service *f = amf_proc_new(rx->amf, &SERVICE, AMF_PROC_SERVICE_REQUEST, c, ue);
    if (!f) {
        amf_admit_end(c, false);
        refuse(c, NAS_GMM_CAUSE_CONGESTION);
        return;
    }
    f->was_paged = was_paged;
    f->has_status = m->has.pdu_session_status;
    f->has_wanted = m->has.uplink_data_status;
    f->wanted = m->has.uplink_data_status ? m->uplink_data_status & 0xfffe : 0;
    if (!c->has_context && !c->setting_up)
        c->kgnb_count = ue->security.last;
    if (f->has_status)
        amf_sm_sync(ue, m->pdu_session_status);
    proc_start(&f->a.p);
}
