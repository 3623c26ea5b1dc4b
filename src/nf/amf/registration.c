/* SPDX-License-Identifier: Apache-2.0 */
/* Registration, TS 23.502 4.2.2.2.2, TS 24.501 5.5.1: initial, mobility and periodic. */
#include "nf/amf/registration.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"
#include <stdlib.h>

enum { COUNT_WORN = NAS_COUNT_MAX - 0xffff };

/* ---- the request ---- */
static void take_nssai(struct amf_wish *w, const struct nas_nssai *n)
{
    w->has_requested = true;
    w->n_requested = (uint8_t)(n->n < AMF_UE_SLICES ? n->n : AMF_UE_SLICES);
    for (uint32_t i = 0; i < w->n_requested; i++)
        amf_slice_of_nas(&n->item[i], &w->requested[i]);
}
static void take_wish(struct amf_wish *w, const struct nas_registration_request *m)
{
    memset(w, 0, sizeof *w);
    w->type = m->fivegs_registration_type.value ? m->fivegs_registration_type.value : NAS_REG_INITIAL; /* 9.11.3.7 */
    w->follow_on = m->fivegs_registration_type.follow_on;
    w->ksi = m->ngksi.mapped ? NAS_KSI_NONE : m->ngksi.value;
    w->has_capability = m->has.ue_security_capability;
    w->capability = m->ue_security_capability;
    if (m->has.gmm_capability)
        w->gmm_capability = m->gmm_capability;
    if (m->has.requested_nssai)
        take_nssai(w, &m->requested_nssai);
    w->has_uplink_data = m->has.uplink_data_status;
    w->uplink_data = m->uplink_data_status;
    w->has_session_status = m->has.pdu_session_status;
    w->session_status = m->pdu_session_status;
    w->drx = m->has.requested_drx_parameters ? m->requested_drx_parameters : 0;
}
static bool is_initial(const struct amf_registration *f) { return f->wish.type == NAS_REG_INITIAL; }
static void count_try(struct rt *rt, uint8_t type)
{
    metric_add(rt->metrics, type == NAS_REG_MOBILITY   ? METRIC_reg_mobility_try
                            : type == NAS_REG_PERIODIC ? METRIC_reg_periodic_try
                                                       : METRIC_reg_initial_try, 1);
}
static void count_ok(struct rt *rt, uint8_t type)
{
    metric_add(rt->metrics, type == NAS_REG_MOBILITY   ? METRIC_reg_mobility_ok
                            : type == NAS_REG_PERIODIC ? METRIC_reg_periodic_ok
                                                       : METRIC_reg_initial_ok, 1);
}

/* ---- the phone proves who it is ---- */
static void start(struct amf_registration *f, struct proc *child)
{
    if (child)
        proc_start_child(&f->a.p, child);
    else
        f->a.p.child_result = PROC_FAILED;
}
/* The whole request, now under the new keys (4.4.6): it counts, unless it speaks of other capabilities than those
 * that were in clear; then somebody on the way wanted weaker algorithms. */
static bool take_initial(struct proc *owner, const struct nas_msg *m)
{
    struct amf_registration *f = (struct amf_registration *)owner;
    struct amf_wish w;
    take_wish(&w, &m->registration_request);
    const struct nas_ue_security_capability *a = &f->wish.capability, *b = &w.capability;
    if (w.has_capability && (a->n != b->n || memcmp(a->octet, b->octet, a->n) != 0))
        return false;
    w.capability = f->wish.capability;
    w.has_capability = true;
    f->wish = w;
    return true;
}
static uint8_t start_security(struct amf_registration *f)
{
    const struct config_amf *config = &f->a.amf->rt->config->amf;
    struct amf_ue *known = amf_ue_by_supi(f->a.amf, str_of(f->auth.supi));
    nas_security_init(&f->candidate, f->auth.ksi, f->auth.kamf);
    secret_wipe(f->auth.kamf, sizeof f->auth.kamf);
    int e = amf_security_choose(f->a.amf, &f->wish.capability, &f->candidate);
    if (e < 0)
        return e == ERR_UNSUPPORTED ? NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH : NAS_GMM_CAUSE_CONGESTION;
    bool asks_always = config->imei == CONFIG_IMEI_ALWAYS;
    f->smc = (struct amf_smc){.candidate = &f->candidate,
                              .capability = &f->wish.capability,
                              .eap_success = f->auth.eap_success,
                              .want_imeisv = asks_always || (config->imei == CONFIG_IMEI_INITIAL &&
                                                             (!known || !known->pei[0])),
                              .want_initial = true,
                              .initial = take_initial,
                              .owner = &f->a.p};
    start(f, amf_security_mode(f->a.conn, &f->smc));
    return 0;
}
/* Now it is known who it is: the context of that subscriber, old or new, takes the new keys. */
static uint8_t adopt(struct amf_registration *f)
{
    struct amf_conn *c = f->a.conn;
    struct amf_ue *ue = amf_ue_take(f->a.amf, str_of(f->auth.supi));
    if (!ue)
        return NAS_GMM_CAUSE_CONGESTION;
    if (ue->conn != c) {
        proc_abort(ue->proc);
        amf_ue_attach(ue, c);
    }
    nas_security_wipe(&ue->security);
    ue->security = f->candidate;
    amf_ue_keys_changed(ue);
    nas_security_wipe(&f->candidate);
    c->candidate = NULL;
    c->candidate_used = false;
    ue->capability = f->wish.capability;
    if (f->smc.pei[0])
        memcpy(ue->pei, f->smc.pei, sizeof ue->pei);
    f->a.ue = ue;
    f->fresh = true;
    return 0;
}
/* The identity of the AMF in the network where the phone is. */
static void choose_guami(struct amf_registration *f)
{
    const struct amf_config *config = &f->a.amf->config;
    f->a.ue->guami = 0;
    for (uint32_t i = config->n_guamis; i-- > 0;)
        if (memcmp(config->guamis[i].plmn, f->a.conn->location.tai.plmn, 3) == 0)
            f->a.ue->guami = (uint8_t)i;
}
/* The request itself was verified: what it says of the phone's algorithms is true. */
static void trust(struct amf_registration *f)
{
    f->a.conn->kgnb_count = f->a.ue->security.last;
    if (f->wish.has_capability)
        f->a.ue->capability = f->wish.capability;
}

/* ---- the answer ---- */
static uint8_t cause_of_type(const struct amf_registration *f)
{
    if (f->wish.type == NAS_REG_EMERGENCY)
        return NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED; /* no emergency services: 5.5.1.2.5 */
    if (f->wish.type == NAS_REG_DISASTER_MOBILITY || f->wish.type == NAS_REG_DISASTER_INITIAL)
        return NAS_GMM_CAUSE_DISASTER_ROAMING_NOT_ALLOWED;
    if (f->wish.type == NAS_REG_SNPN_ONBOARDING)
        return NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED;
    if (!f->a.ue && !f->wish.has_capability) /* 5.5.1.2.2 wants them when there is no context */
        return NAS_GMM_CAUSE_INVALID_MANDATORY_INFORMATION;
    return 0;
}
static bool needs_subscription(const struct amf_registration *f)
{
    return is_initial(f) || !amf_ue_is_registered(f->a.ue) || !f->a.ue->has_subscription;
}
/* Written once, when nothing can go wrong any more. */
static void commit(struct amf_registration *f)
{
    struct amf_ue *ue = f->a.ue;
    const struct amf_wish *w = &f->wish;
    if (is_initial(f)) {
        amf_sm_release_all(ue, 0); /* 5.5.1.2.4: the phone has none any more */
        amf_ue_forget_radio(ue);   /* TS 23.501 5.4.4.1 */
    } else if (w->has_session_status) {
        amf_sm_sync(ue, w->session_status);
    }
    if (w->gmm_capability.n)
        ue->gmm_capability = w->gmm_capability;
    if (ue->dereg_again)
        ue->pending &= (uint8_t)~AMF_PENDING_DEREGISTRATION; /* registered again, as was wanted */
    ue->drx = w->drx;
    ue->n_requested = w->n_requested;
    memcpy(ue->requested, w->requested, sizeof ue->requested);
    ue->n_allowed = f->n_allowed;
    memcpy(ue->allowed, f->allowed, sizeof ue->allowed);
    amf_registration_area(ue, f->a.conn);
    uint32_t t3512_s = ue->subscribed_t3512_s ? ue->subscribed_t3512_s : f->a.amf->rt->config->amf.t3512_s;
    ue->t3512_s = t3512_s ? nas_timer3_s(nas_timer3_of(t3512_s)) : 0; /* as the phone is told: a whole number of units */
    ue->t3502_s = f->a.amf->rt->config->amf.t3502_s;
}
static uint8_t new_guti(struct amf_registration *f)
{
    struct amf_ue *ue = f->a.ue;
    /* 33.501 6.12.3: with initial and mobility registration always; periodic should. */
    f->has_guti = f->wish.type != NAS_REG_PERIODIC || f->fresh || !ue->tmsi ||
                  f->a.amf->rt->config->amf.guti == CONFIG_GUTI_ALWAYS;
    return !f->has_guti || amf_ue_new_tmsi(ue) >= 0 ? 0 : NAS_GMM_CAUSE_CONGESTION;
}
/* Cores in the field set the context up with every initial registration, and gNBs count on it. */
static bool wants_context(const struct amf_registration *f)
{
    const struct amf_conn *c = f->a.conn;
    if (c->has_context || c->setting_up)
        return false;
    return is_initial(f) || c->asked_context || f->wish.follow_on || f->wish.has_uplink_data ||
           amf_sm_pending(f->a.ue);
}
static void accept(struct amf_registration *f)
{
    struct amf_conn *c = f->a.conn;
    struct bytes sealed = amf_registration_accept(f);
    if (f->attempts++)
        metric_add(f->a.p.rt->metrics, METRIC_retransmissions, 1);
    if (f->fresh && c->has_context && f->attempts == 1)
        amf_context_rekey(c);
    if (wants_context(f) && amf_context_setup(c, sealed, f->allowed, f->n_allowed) >= 0)
        return;
    amf_nas_send_sealed(c, sealed);
}
/* After the accept: true when there is nothing more to wait for. */
static bool take_answer(struct amf_registration *f, const struct wake *w)
{
    struct amf_conn *c = f->a.conn;
    if (w->kind == WAKE_MESSAGE) {
        f->completed = true;
        amf_ue_tmsi_taken(f->a.ue);
    } else if (w->kind == WAKE_EVENT && w->what == AMF_PE_CONTEXT_FAILED) {
        c->release_wanted = true;
        return true;
    } else if (w->kind == WAKE_TIMEOUT || (w->kind == WAKE_EVENT && w->what == AMF_PE_REPEAT)) {
        if (f->completed || f->attempts >= AMF_NAS_ATTEMPTS)
            return true; /* the gNB does not answer; 5.5.1.2.8 b: both GUTIs stay valid */
        accept(f);
        f->deadline_us = 0;
    }
    return f->completed && !c->setting_up;
}
/* T3550 runs on while the gNB's answer comes. */
static uint64_t time_left_us(struct amf_registration *f)
{
    uint64_t now = f->a.p.rt->now_us;
    if (!f->deadline_us)
        f->deadline_us = now + f->a.p.rt->config->amf.t3550_ms * 1000ull;
    return f->deadline_us > now ? f->deadline_us - now : 1;
}

static void run(struct proc *p, const struct wake *w)
{
    struct amf_registration *f = (struct amf_registration *)p;
    PROC_BEGIN(p);
    f->cause = cause_of_type(f);
    if (f->cause)
        goto reject;
    f->cause = amf_trust_cause(f->a.conn, NULL);
    if (f->cause)
        goto reject;
    f->cause = amf_slices_here(f); /* a phone that is not served here gives away nothing first */
    if (f->cause)
        goto reject;
    if (!f->a.ue) {
        /* steps 6, 7: identity */
        if (!f->suci[0]) {
            start(f, amf_identification(f->a.conn, f->suci));
            AWAIT_CHILD(p);
            f->cause = NAS_GMM_CAUSE_UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK;
            if (p->child_result != PROC_OK)
                goto reject;
        }
        /* step 9: authentication and security, TS 33.501 6.1.3 and 6.7.2 */
        f->auth.identity = f->suci;
        f->auth.ksi = f->wish.ksi;
        start(f, amf_authentication(f->a.conn, &f->auth));
        AWAIT_CHILD(p);
        f->cause = f->auth.cause;
        if (p->child_result != PROC_OK)
            goto reject;
        f->cause = start_security(f);
        if (f->cause)
            goto reject;
        AWAIT_CHILD(p);
        f->cause = f->smc.cause;
        if (p->child_result != PROC_OK)
            goto reject;
        f->cause = cause_of_type(f); /* the whole request may ask for something else than its clear part did */
        if (f->cause)
            goto reject;
        f->cause = adopt(f);
        if (f->cause)
            goto reject;
    } else {
        trust(f);
    }
    choose_guami(f);
    /* step 14: become the serving AMF, fetch the subscription; step 16: policy; the slices */
    STEP(p, "subscription");
    if (needs_subscription(f)) {
        amf_subscription_ask(f);
        AWAIT_CALLS(p);
        f->cause = amf_subscription_take(f);
        if (f->cause)
            goto reject;
    }
    f->cause = amf_trust_cause(f->a.conn, f->a.ue);
    if (f->cause)
        goto reject;
    amf_slices_ask(f);
    amf_policy_ask(f);
    AWAIT_CALLS(p);
    amf_policy_take(f);
    f->cause = amf_slices_take(f);
    if (f->cause)
        goto reject;
    /* By what he may use, not by what he asks for: nobody is charged or held back for what others say. */
    f->cause = amf_admit_slices(f->a.conn, f->allowed, f->n_allowed) ? 0 : NAS_GMM_CAUSE_CONGESTION;
    if (f->cause)
        goto reject;
    f->cause = new_guti(f);
    if (f->cause)
        goto reject;
    commit(f);
    if (f->wish.has_uplink_data && !is_initial(f)) {
        struct proc *child = amf_sm_activate(f->a.ue, f->wish.uplink_data, &f->failed_sessions);
        if (child)
            proc_start_child(p, child);
        AWAIT_CHILD(p);
    }
    /* step 21 */
    STEP(p, "accept");
    amf_ue_set_registered(f->a.ue, true);
    amf_ue_changed(f->a.ue);
    f->accepted = true;
    f->completed = !f->has_guti; /* nothing to be acknowledged: 5.5.1.2.4, 5.5.1.3.4 */
    accept(f);
    f->cause = 0;
    if (f->completed && !f->a.conn->setting_up)
        goto done;
    do {
        proc_accept_(p, time_left_us(f), (const uint16_t[]){NAS_REGISTRATION_COMPLETE}, 1);
        AWAIT(p, WANT(WAKE_MESSAGE) | WANT(WAKE_EVENT) | WANT(WAKE_TIMEOUT));
    } while (!take_answer(f, w));
done:
    p->result = PROC_OK;
    goto out;
reject:
    p->result = PROC_FAILED;
    if (f->cause)
        amf_registration_refuse(f);
    else
        metric_add_at(p->rt->metrics, METRIC_reg_failed, 0, 1);
out:;
    PROC_END(p);
}

static void log_registered(struct amf_registration *f)
{
    struct rt *rt = f->a.p.rt;
    struct pseudonym who = log_identity(rt->log, amf_ue_supi(f->a.ue));
    count_ok(rt, f->wish.type);
    metric_observe(rt->metrics, METRIC_reg_us, rt->now_us - f->a.p.started_us);
    unsigned long long tenths = (rt->now_us - f->a.p.started_us) / 100;
    LOG(rt->log, ue_registered, "ue=%s type=%u gnb=\"%s\" nea=%u nia=%u ms=%llu.%llu", who.text, f->wish.type,
        f->a.conn->gnb->name, f->a.ue->security.nea, f->a.ue->security.nia, tenths / 10, tenths % 10);
}
/* 5.5.1.3.5: refused here and now, and still registered. */
static bool stays_registered(const struct amf_registration *f)
{
    return !is_initial(f) && (f->cause == NAS_GMM_CAUSE_CONGESTION ||
                              f->cause == NAS_GMM_CAUSE_ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA ||
                              f->cause == NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA);
}
static void end(struct proc *p, int outcome)
{
    struct amf_registration *f = (struct amf_registration *)p;
    struct amf_ue *ue = f->a.ue;
    free(f->auth.eap_success);
    if (outcome == PROC_OK) {
        log_registered(f);
        if (f->completed && (is_initial(f) || f->fresh))
            ue->pending |= AMF_PENDING_CONFIGURATION;
        f->a.conn->follow_on = f->wish.follow_on || f->wish.has_uplink_data;
        amf_proc_ended(&f->a, outcome, f->a.conn->follow_on ? AMF_THEN_STAY : AMF_THEN_IDLE);
        return;
    }
    /* A reject ends an old registration too, most of the time; an abort leaves what was there before. */
    bool stays = amf_ue_is_registered(ue) && (outcome == PROC_ABORTED || stays_registered(f));
    bool over = ue && !stays;
    amf_proc_ended(&f->a, outcome, AMF_THEN_RELEASE);
    if (over && outcome == PROC_ABORTED)
        amf_subscription_end(ue); /* whoever aborts decides about the context */
    else if (over)
        amf_ue_deregister_local(ue, f->cause);
}

/* ---- it begins ---- */
static uint64_t hash_of(const struct amf_nas_rx *rx)
{
    return siphash24(0, 0, rx->plain.p, rx->plain.n);
}
/* 5.5.1.2.8 d and e: the same request once more is not a new one. */
static bool is_repeated(const struct amf_nas_rx *rx)
{
    struct proc *p = rx->conn->proc;
    if (!p || ((struct amf_proc *)(void *)p)->kind != AMF_PROC_REGISTRATION)
        return false;
    struct amf_registration *f = (struct amf_registration *)(void *)p;
    if (f->request_hash != hash_of(rx))
        return false;
    if (f->accepted)
        proc_offer_event(p, AMF_PE_REPEAT, NULL);
    return true;
}
static void take_identity(struct amf_registration *f, const struct nas_mobile_identity *id)
{
    if (id->type == NAS_ID_SUCI && nas_suci_text(&id->suci, f->suci, sizeof f->suci) <= 0)
        f->suci[0] = 0; /* longer than any: asked for again */
}

static void put_off(struct amf_conn *c)
{
    amf_registration_reject(c, NAS_GMM_CAUSE_CONGESTION);
    if (!c->ue)
        amf_conn_release(c, (struct ngap_Cause){.sel = NGAP_Cause_nas, .nas = NGAP_CauseNas_normal_release});
}

void amf_nas_registration_request(const struct amf_nas_rx *rx)
{
    static const struct proc_type type = {"registration", sizeof(struct amf_registration), run, end};
    struct amf_conn *c = rx->conn;
    const struct nas_registration_request *m = &rx->msg->registration_request;
    if (c->is_releasing || is_repeated(rx))
        return;
    uint8_t wanted = m->fivegs_registration_type.value;
    struct amf_proc *now = c->proc ? (struct amf_proc *)(void *)c->proc : NULL;
    /* 5.5.2.3.5 d: only an initial registration ends the network's deregistration. */
    if (now && now->kind == AMF_PROC_DEREGISTRATION_NETWORK && wanted != NAS_REG_INITIAL)
        return;
    if (amf_collide(c, rx->ue, AMF_EV_REGISTRATION_REQUEST) == AMF_IGNORE)
        return;
    count_try(c->amf->rt, wanted);
    if ((rx->ue && !amf_phone_may(rx->ue)) || !amf_admit(c, rx->ue, amf_class_of(c, rx->ue))) {
        put_off(c);
        return;
    }
    /* COUNTs that come to their end want new keys (TS 33.501 6.4.3.2): as if nobody had verified it. */
    bool worn = rx->ue && (rx->ue->security.count[NAS_UPLINK] > COUNT_WORN ||
                           rx->ue->security.count[NAS_DOWNLINK] > COUNT_WORN || !amf_ue_may_send(rx->ue));
    struct amf_ue *ue = worn ? NULL : rx->ue;
    struct amf_registration *f = amf_proc_new(c->amf, &type, AMF_PROC_REGISTRATION, c, ue);
    if (!f) {
        amf_admit_end(c, false);
        put_off(c);
        return;
    }
    take_wish(&f->wish, m);
    f->verified = ue != NULL;
    f->request_hash = hash_of(rx);
    take_identity(f, &rx->outer->registration_request.fivegs_mobile_identity);
    proc_start(&f->a.p);
}
