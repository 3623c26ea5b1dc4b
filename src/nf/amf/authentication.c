/* SPDX-License-Identifier: Apache-2.0 */
/* Primary authentication, TS 33.501 6.1.2 and 6.1.3, TS 24.501 5.4.1: 5G-AKA and EAP-AKA' through the AUSF. */
#include "nf/amf/registration.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/kdf.h"
#include "proto/serving_network.h"
#include "rt/metrics.h"
#include <stdlib.h>

enum { RESYNCS = 1, KSI_COLLISIONS = 2 };

struct authentication {
    struct proc p;
    struct amf_conn *conn;
    struct amf_auth *auth;
    struct call *call;
    char network[SERVING_NETWORK_NAME], context[AMF_ID_MAX + 81];
    bool is_eap, proved;
    uint8_t why; /* 5GMM cause of the phone's last failure */
    uint8_t attempts, resyncs, collisions;
    uint8_t rand[16], autn[16], hxres[16], auts[14];
    struct amf_blob *eap; /* what was last received for the phone */
    uint8_t kseaf[32];
};

static void failed(struct authentication *f, uint8_t cause, uint8_t counted_as)
{
    f->auth->cause = cause;
    f->p.result = PROC_FAILED;
    metric_add_at(f->p.rt->metrics, METRIC_auth_failed, counted_as, 1);
    LOG(f->p.rt->log, ue_auth_failed, "conn=%llx cause=%u", (unsigned long long)amf_conn_id(f->conn), counted_as);
}

/* ---- the AUSF ---- */
static void ask_vector(struct authentication *f, bool resync)
{
    f->call = call_new(f->p.rt, SBI_nausf_auth_post);
    struct sbi_req_nausf_auth_post *q = f->call ? call_request(f->call) : NULL;
    if (!q)
        return;
    struct arena *a = &f->call->arena;
    q->body.supi_or_suci = arena_str(a, str_of(f->auth->identity));
    q->body.serving_network_name = arena_str(a, str_of(f->network));
    q->body.has.resynchronization_info = resync;
    if (resync) {
        q->body.resynchronization_info.rand = arena_bytes(a, f->rand, sizeof f->rand);
        q->body.resynchronization_info.auts = arena_bytes(a, f->auts, sizeof f->auts);
    }
    call_send(f->call, &f->p);
}
/* Why there is no vector: TS 29.509 6.1.7.3, TS 29.503 6.3.7.3. */
static uint8_t cause_of(const struct call *c)
{
    if (!c || c->status >= 500 || c->status == 429)
        return NAS_GMM_CAUSE_CONGESTION;
    if (str_is(call_cause(c), "SERVING_NETWORK_NOT_AUTHORIZED"))
        return NAS_GMM_CAUSE_SERVING_NETWORK_NOT_AUTHORIZED;
    return NAS_GMM_CAUSE_ILLEGAL_UE; /* USER_NOT_FOUND, AUTHENTICATION_REJECTED, a SUCI that cannot be revealed */
}
static bool keep_eap(struct authentication *f, struct bytes b)
{
    free(f->eap);
    f->eap = malloc(sizeof *f->eap + b.n);
    if (!f->eap)
        return false;
    f->eap->n = b.n;
    memcpy(f->eap->octet, b.p, b.n);
    return true;
}
static uint8_t take_vector(struct authentication *f)
{
    if (!f->call || !call_ok(f->call))
        return cause_of(f->call);
    const SBI_RSP(nausf_auth_post) *r = f->call->rsp;
    amf_last_segment(r->location, f->context, sizeof f->context);
    f->is_eap = r->auth_type == SBI_AusfAuthType_EAP_AKA_PRIME;
    if (f->is_eap)
        return r->has.x5g_auth_data_eap && keep_eap(f, r->x5g_auth_data_eap) ? 0 : NAS_GMM_CAUSE_CONGESTION;
    const struct sbi_Av5gAka *av = &r->x5g_auth_data;
    if (r->auth_type != SBI_AusfAuthType_5G_AKA || !r->has.x5g_auth_data || av->rand.n != 16 ||
        av->autn.n != 16 || av->hxres_star.n != 16)
        return NAS_GMM_CAUSE_CONGESTION;
    memcpy(f->rand, av->rand.p, 16);
    memcpy(f->autn, av->autn.p, 16);
    memcpy(f->hxres, av->hxres_star.p, 16);
    return 0;
}

/* ---- the phone ---- */
static void request(struct authentication *f)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_AUTHENTICATION_REQUEST);
    struct nas_authentication_request *q = &m.authentication_request;
    q->ngksi.value = f->auth->ksi;
    q->abba = BYTES_OF(AMF_ABBA);
    if (f->is_eap) {
        q->has.eap_message = 1;
        q->eap_message = (struct bytes){f->eap->octet, f->eap->n};
    } else {
        q->has.authentication_parameter_rand = q->has.authentication_parameter_autn = 1;
        q->authentication_parameter_rand = BYTES_OF(f->rand);
        q->authentication_parameter_autn = BYTES_OF(f->autn);
    }
    if (f->attempts++)
        metric_add(f->p.rt->metrics, METRIC_retransmissions, 1);
    amf_nas_send(f->conn, &m, f->conn->is_secure ? NAS_CIPHERED : NAS_PLAIN);
}
/* 5.4.1.3.5, 5.4.1.2.2.x: the phone puts its USIM aside. */
static void reject(struct authentication *f, bool with_eap)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_AUTHENTICATION_REJECT);
    if (with_eap && f->eap) {
        m.authentication_reject.has.eap_message = 1;
        m.authentication_reject.eap_message = (struct bytes){f->eap->octet, f->eap->n};
    }
    amf_nas_send(f->conn, &m, f->conn->is_secure ? NAS_CIPHERED : NAS_PLAIN);
    failed(f, 0, f->why);
}

enum next { AGAIN_SAME, AGAIN_NEW, AGAIN_RESYNC, CONFIRM, REJECT };
/* AUTHENTICATION FAILURE, 5.4.1.3.7 c to f; a second one ends it. */
static enum next on_failure(struct authentication *f, const struct nas_authentication_failure *m)
{
    f->why = m->gmm_cause;
    if (m->gmm_cause == NAS_GMM_CAUSE_SYNCH_FAILURE && m->has.authentication_failure_parameter &&
        m->authentication_failure_parameter.n == 14 && !f->is_eap && f->resyncs++ < RESYNCS) {
        memcpy(f->auts, m->authentication_failure_parameter.p, 14);
        return AGAIN_RESYNC;
    }
    if (m->gmm_cause == NAS_GMM_CAUSE_NGKSI_ALREADY_IN_USE && f->collisions++ < KSI_COLLISIONS) {
        f->auth->ksi = (uint8_t)((f->auth->ksi + 1) % NAS_KSI_NONE);
        return AGAIN_NEW;
    }
    return REJECT;
}
/* The SEAF's own check (TS 33.501 6.1.3.2.0 step 9), then the AUSF is asked. */
static enum next on_response(struct authentication *f, const struct nas_authentication_response *m)
{
    struct rt *rt = f->p.rt;
    uint8_t hres[16];
    struct bytes res = m->authentication_response_parameter;
    bool usable = f->is_eap ? m->has.eap_message && m->eap_message.n >= 4
                            : m->has.authentication_response_parameter && res.n == 16;
    if (!usable)
        return AGAIN_SAME; /* waits for one that is right */
    if (!f->is_eap && (kdf_hres_star(rt->crypto, f->rand, res.p, hres) < 0 || !secret_eq(hres, f->hxres, 16)))
        return REJECT;
    f->call = call_new(rt, f->is_eap ? SBI_nausf_eap_session : SBI_nausf_auth_confirm);
    void *request = f->call ? call_request(f->call) : NULL;
    if (request && f->is_eap) {
        struct sbi_req_nausf_eap_session *q = request;
        q->auth_ctx_id = arena_str(&f->call->arena, str_of(f->context));
        q->body.eap_payload = arena_bytes(&f->call->arena, m->eap_message.p, m->eap_message.n);
    } else if (request) {
        struct sbi_req_nausf_auth_confirm *q = request;
        q->auth_ctx_id = arena_str(&f->call->arena, str_of(f->context));
        q->body.res_star = arena_bytes(&f->call->arena, res.p, 16);
    }
    if (request)
        call_send(f->call, &f->p);
    return CONFIRM;
}
static enum next on_answer(struct authentication *f, const struct wake *w)
{
    if (w->kind == WAKE_TIMEOUT)
        return AGAIN_SAME;
    const struct amf_nas_rx *rx = w->data;
    return w->what == NAS_AUTHENTICATION_FAILURE ? on_failure(f, &rx->msg->authentication_failure)
                                                 : on_response(f, &rx->msg->authentication_response);
}
static void take_keys(struct authentication *f, struct str supi, struct bytes kseaf)
{
    struct amf_auth *a = f->auth;
    f->proved = supi.n && kseaf.n == 32 && str_copy(a->supi, sizeof a->supi, supi) &&
                kdf_kamf(f->p.rt->crypto, kseaf.p, kdf_supi_value(supi), BYTES_OF(AMF_ABBA), a->kamf) >= 0;
}
/* AGAIN_SAME: EAP goes on. CONFIRM: proved, or failed with a cause. */
static enum next take_confirmation(struct authentication *f)
{
    struct call *c = f->call;
    if (!c || !call_ok(c)) {
        failed(f, cause_of(c), 0);
        return CONFIRM;
    }
    if (!f->is_eap) {
        const SBI_RSP(nausf_auth_confirm) *r = c->rsp;
        if (r->auth_result != SBI_AuthResult_AUTHENTICATION_SUCCESS)
            return REJECT;
        take_keys(f, r->supi, r->kseaf);
    } else {
        const SBI_RSP(nausf_eap_session) *r = c->rsp;
        if (!keep_eap(f, r->eap_payload))
            return REJECT;
        if (r->has.auth_result && r->auth_result == SBI_AuthResult_AUTHENTICATION_FAILURE)
            return REJECT;
        if (!r->has.auth_result || r->auth_result != SBI_AuthResult_AUTHENTICATION_SUCCESS)
            return AGAIN_SAME;
        take_keys(f, r->supi, r->k_seaf);
        f->auth->eap_success = f->eap;
        f->eap = NULL;
    }
    if (!f->proved)
        failed(f, NAS_GMM_CAUSE_CONGESTION, 0);
    return CONFIRM;
}

static void run(struct proc *p, const struct wake *w)
{
    struct authentication *f = (struct authentication *)p;
    uint64_t t3560_us = p->rt->config->amf.t3560_ms * 1000ull;
    enum next next;
    PROC_BEGIN(p);
    STEP(p, "authentication");
    metric_add(p->rt->metrics, METRIC_auth_try, 1);
    serving_network_name(f->conn->location.tai.plmn, f->network);
    ask_vector(f, false);
    for (;;) {
        AWAIT_CALLS(p);
        f->auth->cause = take_vector(f);
        call_done(f->call);
        f->call = NULL;
        if (f->auth->cause) {
            failed(f, f->auth->cause, f->auth->cause);
            break;
        }
        f->attempts = 0;
        do {
            request(f);
            AWAIT_MESSAGE(p, t3560_us, NAS_AUTHENTICATION_RESPONSE, NAS_AUTHENTICATION_FAILURE);
            next = on_answer(f, w);
            if (next == CONFIRM) {
                AWAIT_CALLS(p);
                next = take_confirmation(f);
                call_done(f->call);
                f->call = NULL;
                f->attempts = 0;
            }
        } while (next == AGAIN_SAME && f->attempts < AMF_NAS_ATTEMPTS);
        if (next == AGAIN_NEW || next == AGAIN_RESYNC) {
            ask_vector(f, next == AGAIN_RESYNC);
            continue;
        }
        if (next == REJECT)
            reject(f, f->is_eap);
        else if (next == AGAIN_SAME)
            failed(f, 0, 0); /* 5.4.1.3.7 b: T3560 expired five times */
        break;
    }
    if (f->proved) {
        metric_add(p->rt->metrics, METRIC_auth_ok, 1);
        struct pseudonym who = log_identity(p->rt->log, str_of(f->auth->supi));
        LOG(p->rt->log, ue_authenticated, "ue=%s", who.text);
    }
    PROC_END(p);
}
static void end(struct proc *p, int outcome)
{
    struct authentication *f = (struct authentication *)p;
    free(f->eap);
}

struct proc *amf_authentication(struct amf_conn *c, struct amf_auth *auth)
{
    static const struct proc_type type = {"authentication", sizeof(struct authentication), run, end};
    struct authentication *f = proc_new(c->amf->rt, &type, c);
    if (!f)
        return NULL;
    f->conn = c;
    f->auth = auth;
    auth->ksi = (uint8_t)(auth->ksi >= NAS_KSI_NONE ? 0 : (auth->ksi + 1) % NAS_KSI_NONE);
    return &f->p;
}
