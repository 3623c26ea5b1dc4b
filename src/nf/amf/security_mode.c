/* SPDX-License-Identifier: Apache-2.0 */
/* Security mode control, TS 33.501 6.7.2, TS 24.501 5.4.2. */
#include "nf/amf/registration.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"
#include <stdio.h>

struct security_mode {
    struct proc p;
    struct amf_conn *conn;
    struct amf_smc *smc;
    uint8_t attempts;
};

/* NIA0 is for emergency calls without authentication, which are not served: never chosen (33.501 5.5.2). */
int amf_security_choose(struct amf *amf, const struct nas_ue_security_capability *cap, struct nas_security *s)
{
    const struct config_amf *c = &amf->rt->config->amf;
    int nia = -1, nea = -1;
    for (uint32_t i = 0; i < c->n_integrity && nia < 0; i++)
        if (c->integrity[i] != CONFIG_NIA_0 && cap->ia & 0x80 >> c->integrity[i])
            nia = (int)c->integrity[i];
    for (uint32_t i = 0; i < c->n_ciphering && nea < 0; i++)
        if ((c->ciphering[i] != CONFIG_NEA_0 || c->unsafe_null_ciphering) && cap->ea & 0x80 >> c->ciphering[i])
            nea = (int)c->ciphering[i];
    if (cap->n < 2 || nia < 0 || nea < 0)
        return ERR_UNSUPPORTED;
    return nas_security_select(s, amf->rt->crypto, (uint8_t)nea, (uint8_t)nia);
}

static void command(struct security_mode *f)
{
    const struct amf_smc *s = f->smc;
    struct nas_msg m;
    nas_msg_init(&m, NAS_SECURITY_MODE_COMMAND);
    struct nas_security_mode_command *q = &m.security_mode_command;
    q->selected_nas_security_algorithms = (struct nas_algorithms){s->candidate->nea, s->candidate->nia};
    q->ngksi.value = s->candidate->ksi;
    q->replayed_ue_security_capabilities = *s->capability;
    q->has.imeisv_request = s->want_imeisv;
    q->imeisv_request = NAS_IMEISV_REQUESTED;
    q->has.additional_fiveg_security_information = s->want_initial;
    q->additional_fiveg_security_information = NAS_SECURITY_RINMR;
    if (s->eap_success) { /* 5.4.2.2: with the ABBA */
        q->has.eap_message = q->has.abba = 1;
        q->eap_message = (struct bytes){s->eap_success->octet, s->eap_success->n};
        q->abba = BYTES_OF(AMF_ABBA);
    }
    if (f->attempts++)
        metric_add(f->p.rt->metrics, METRIC_retransmissions, 1);
    amf_nas_send(f->conn, &m, NAS_INTEGRITY_NEW);
}

static void altered(const struct security_mode *f, const char *who)
{
    LOG(f->p.rt->log, ue_capability_altered, "conn=%llx noticed_by=%s",
        (unsigned long long)amf_conn_id(f->conn), who);
}
static void take_pei(struct security_mode *f, const struct nas_security_mode_complete *m)
{
    const char *digits = m->imeisv.digits;
    if (m->has.imeisv && m->imeisv.type == NAS_ID_IMEISV && strlen(digits) == 16)
        snprintf(f->smc->pei, sizeof f->smc->pei, "imeisv-%s", digits);
}
/* false: not what is awaited (protected with another context); goes on waiting. */
static bool take_complete(struct security_mode *f, const struct amf_nas_rx *rx)
{
    const struct nas_security_mode_complete *m = &rx->msg->security_mode_complete;
    if (rx->header->security != NAS_CIPHERED_NEW)
        return false;
    take_pei(f, m);
    f->p.result = PROC_OK;
    f->conn->is_secure = f->conn->candidate_used = true;
    f->conn->kgnb_count = f->smc->candidate->last;
    const struct nas_msg *whole =
        m->has.nas_message_container
            ? amf_nas_inner(rx->arena, NAS_REGISTRATION_REQUEST, m->nas_message_container)
            : NULL;
    if (whole && !f->smc->initial(f->smc->owner, whole)) {
        altered(f, "network");
        f->smc->cause = NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH;
        f->p.result = PROC_FAILED;
    }
    return true;
}
/* 5.4.2.5: what was in use before stays. */
static void take_reject(struct security_mode *f, const struct nas_security_mode_reject *m)
{
    if (m->gmm_cause == NAS_GMM_CAUSE_UE_SECURITY_CAPABILITIES_MISMATCH)
        altered(f, "phone");
    metric_add_at(f->p.rt->metrics, METRIC_auth_failed, m->gmm_cause, 1);
}

static void run(struct proc *p, const struct wake *w)
{
    struct security_mode *f = (struct security_mode *)p;
    bool done;
    PROC_BEGIN(p);
    STEP(p, "security mode");
    p->result = PROC_FAILED;
    f->conn->candidate = f->smc->candidate;
    do {
        command(f);
        AWAIT_MESSAGE(p, p->rt->config->amf.t3560_ms * 1000ull, NAS_SECURITY_MODE_COMPLETE,
                      NAS_SECURITY_MODE_REJECT);
        done = false;
        if (w->kind == WAKE_MESSAGE && w->what == NAS_SECURITY_MODE_COMPLETE) {
            done = take_complete(f, w->data);
        } else if (w->kind == WAKE_MESSAGE) {
            take_reject(f, &((const struct amf_nas_rx *)w->data)->msg->security_mode_reject);
            done = true;
        }
    } while (!done && f->attempts < AMF_NAS_ATTEMPTS);
    if (!done)
        LOG(p->rt->log, ue_no_answer, "conn=%llx to=\"Security mode command\"",
            (unsigned long long)amf_conn_id(f->conn));
    PROC_END(p);
}

struct proc *amf_security_mode(struct amf_conn *c, struct amf_smc *smc)
{
    static const struct proc_type type = {"security mode", sizeof(struct security_mode), run, NULL};
    struct security_mode *f = proc_new(c->amf->rt, &type, c);
    if (!f)
        return NULL;
    f->conn = c;
    f->smc = smc;
    return &f->p;
}
