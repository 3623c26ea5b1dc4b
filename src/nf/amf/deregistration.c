/* SPDX-License-Identifier: Apache-2.0 */
/* Deregistration, TS 23.502 4.2.2.3, TS 24.501 5.5.2: by the phone, by the network, and of phones that are heard of
 * no more (5.3.7). */
#include "nf/amf/registration.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"

static const uint32_t MOBILE_REACHABLE_MORE_S = 240; /* than T3512: TS 24.501 table 10.2.2 note */

void amf_ue_deregister_local(struct amf_ue *ue, uint8_t cause)
{
    struct amf *amf = ue->amf;
    struct amf_conn *c = ue->conn;
    struct pseudonym who = log_identity(amf->rt->log, amf_ue_supi(ue));
    LOG(amf->rt->log, ue_deregistered, "ue=%s cause=%u", who.text, cause);
    amf_sm_release_all(ue, cause);
    amf_subscription_end(ue);
    amf_ue_drop(ue);
    if (c)
        amf_conn_release(c, (struct ngap_Cause){.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_deregister});
}

/* ---- by the phone, 5.5.2.2 ---- */
static void accept(struct amf_conn *c)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_DEREGISTRATION_ACCEPT_UE_ORIGINATING);
    amf_nas_send(c, &m, c->is_secure && c->ue ? NAS_CIPHERED : NAS_PLAIN);
}
void amf_nas_deregistration_request(const struct amf_nas_rx *rx)
{
    struct amf_conn *c = rx->conn;
    struct rt *rt = rx->amf->rt;
    bool off = rx->msg->deregistration_request_ue_originating.de_registration_type.switch_off;
    if (!rx->ue) {
        /* 4.4.4.3: whoever cannot prove that he is the phone does not deregister it. What runs on his own
         * connection ends, and that is all. */
        metric_add(rt->metrics, METRIC_nas_bad_plain, 1);
        LOG(rt->log, nas_plain_refused, "conn=%llx message=\"Deregistration request\"",
            (unsigned long long)amf_conn_id(c));
        proc_abort(c->proc);
        amf_conn_release(c, (struct ngap_Cause){.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_deregister});
        return;
    }
    if (amf_collide(c, rx->ue, AMF_EV_DEREGISTRATION_REQUEST) == AMF_IGNORE)
        return;
    metric_add(rt->metrics, METRIC_dereg_ue, 1);
    if (!off)
        accept(c);
    amf_ue_deregister_local(rx->ue, 0);
}

/* ---- by the network, 5.5.2.3 ---- */
struct network_deregistration {
    struct amf_proc a;
    uint8_t attempts;
};
static void request(struct network_deregistration *f)
{
    struct nas_msg msg;
    struct amf_ue *ue = f->a.ue;
    nas_msg_init(&msg, NAS_DEREGISTRATION_REQUEST_UE_TERMINATED);
    struct nas_deregistration_request_ue_terminated *m = &msg.deregistration_request_ue_terminated;
    m->de_registration_type.access = NAS_ACCESS_3GPP;
    m->de_registration_type.re_registration = ue->dereg_again;
    m->has.gmm_cause = ue->dereg_cause != 0;
    m->gmm_cause = ue->dereg_cause;
    if (f->attempts++)
        metric_add(f->a.p.rt->metrics, METRIC_retransmissions, 1);
    amf_nas_send(f->a.conn, &msg, NAS_CIPHERED);
}
static void run(struct proc *p, const struct wake *w)
{
    struct network_deregistration *f = (struct network_deregistration *)p;
    PROC_BEGIN(p);
    STEP(p, "deregistration");
    do {
        request(f);
        AWAIT_MESSAGE(p, p->rt->config->amf.t3522_ms * 1000ull, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED);
    } while (w->kind == WAKE_TIMEOUT && f->attempts < AMF_NAS_ATTEMPTS);
    PROC_END(p); /* answered or not (5.5.2.3.5 a): it is over */
}
static void end(struct proc *p, int outcome)
{
    struct network_deregistration *f = (struct network_deregistration *)p;
    struct amf_ue *ue = f->a.ue;
    amf_proc_ended(&f->a, outcome, AMF_THEN_RELEASE);
    if (outcome == PROC_ABORTED)
        ue->pending |= AMF_PENDING_DEREGISTRATION; /* the phone came or went meanwhile: next time */
    else
        amf_ue_deregister_local(ue, ue->dereg_cause);
}
static bool start(struct amf_ue *ue)
{
    static const struct proc_type type = {"network deregistration", sizeof(struct network_deregistration), run, end};
    struct network_deregistration *f =
        amf_proc_new(ue->amf, &type, AMF_PROC_DEREGISTRATION_NETWORK, ue->conn, ue);
    if (!f)
        return false;
    proc_start(&f->a.p);
    return true;
}
void amf_deregister(struct amf_ue *ue, bool again, uint8_t cause)
{
    enum amf_collision what = amf_collide(ue->conn, ue, AMF_EV_NETWORK_DEREGISTRATION);
    if (what == AMF_IGNORE)
        return;
    metric_add(ue->amf->rt->metrics, METRIC_dereg_network, 1);
    ue->dereg_again = again;
    ue->dereg_cause = cause;
    ue->pending |= AMF_PENDING_DEREGISTRATION;
    ue->has_subscription = false;
    amf_ue_changed(ue);
    if (what == AMF_QUEUE)
        return;
    if (!ue->conn || ue->conn->is_releasing) {
        if (amf_page(ue) < 0)
            amf_ue_deregister_local(ue, cause);
        return;
    }
    amf_pending_start(ue);
}

bool amf_pending_start(struct amf_ue *ue)
{
    struct amf_conn *c = ue->conn;
    uint8_t pending = ue->pending;
    if (!c || c->proc || c->is_releasing || !amf_ue_is_registered(ue))
        return false;
    ue->pending = 0;
    if (pending & AMF_PENDING_DEREGISTRATION)
        return start(ue);
    if (pending & (AMF_PENDING_CONFIGURATION | AMF_PENDING_GUTI))
        return amf_configuration_update(ue, pending & AMF_PENDING_GUTI);
    return false;
}

/* ---- heard of no more, 5.3.7 ---- */
static void given_up(struct timer *t)
{
    struct amf_ue *ue = CONTAINER(t, struct amf_ue, reachable);
    struct pseudonym who = log_identity(ue->amf->rt->log, amf_ue_supi(ue));
    LOG(ue->amf->rt->log, ue_implicit_dereg, "ue=%s", who.text);
    metric_add(ue->amf->rt->metrics, METRIC_dereg_implicit, 1);
    amf_ue_deregister_local(ue, NAS_GMM_CAUSE_IMPLICITLY_DE_REGISTERED);
}
static void not_reachable(struct timer *t)
{
    struct amf_ue *ue = CONTAINER(t, struct amf_ue, reachable);
    struct rt *rt = ue->amf->rt;
    ue->ppf = false;
    uint64_t wait_s = rt->config->amf.implicit_deregistration_s;
    timer_set(&rt->timers, t, rt->now_us + wait_s * 1000000, given_up);
}
void amf_reachable_start(struct amf_ue *ue)
{
    struct rt *rt = ue->amf->rt;
    uint64_t wait_s = rt->config->amf.mobile_reachable_s;
    if (!wait_s && ue->t3512_s)
        wait_s = (uint64_t)ue->t3512_s + MOBILE_REACHABLE_MORE_S;
    if (wait_s) /* without periodic registration nobody is missed */
        timer_set(&rt->timers, &ue->reachable, rt->now_us + wait_s * 1000000, not_reachable);
}

/* ---- what the UDM says ---- */
/* TS 23.502 4.2.2.2.2 step 14d, 4.2.2.3.3 */
void amf_op_dereg_notify(void *state, struct call *c)
{
    struct amf *amf = state;
    const struct sbi_req_nudm_uecm_dereg_notify *q = c->req;
    struct amf_ue *ue = amf_ue_of_callback(amf, c);
    if (!ue) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    if (q->body.dereg_reason == SBI_DeregistrationReason_SUBSCRIPTION_WITHDRAWN) {
        amf_deregister(ue, false, NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED);
    } else { /* another AMF serves the phone: not ours any more, and not ours to purge */
        ue->at_udm = false;
        amf_ue_deregister_local(ue, 0);
    }
    call_reply(c, 204);
}
