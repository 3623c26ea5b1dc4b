/* SPDX-License-Identifier: Apache-2.0 */
/* EAP-AKA' : TS 33.501 6.1.3.1 and annex F, RFC 9048. */
#include "nf/ausf/ausf.h"
#include "base/log.h"
#include "crypto/kdf.h"

enum { MESSAGE = 256, GENERAL_FAILURE = 16384 /* RFC 4187 10.19 */ };

int ausf_eap_begin(struct ausf *s, struct ausf_ctx *x, const struct sbi_AuthenticationVector *v, uint8_t *buf, uint32_t cap)
{
    struct eap_aka_keys k;
    if (!v->has.xres || !v->has.ck_prime || !v->has.ik_prime || v->ck_prime.n != 16 || v->ik_prime.n != 16 ||
        v->xres.n < 4 || v->xres.n > 16)
        return ERR_MISSING;
    uint8_t id;
    env_random(s->rt->env, &id, 1);
    int e = kdf_eap_aka_prime(s->rt->crypto, v->ck_prime.p, v->ik_prime.p,
                              (struct bytes){(const uint8_t *)kdf_supi_value(str_of(x->supi)).p,
                                             kdf_supi_value(str_of(x->supi)).n}, &k);
    if (e == OK) {
        x->eap_state = AUSF_EAP_CHALLENGE;
        x->eap.id = x->eap.rounds ? (uint8_t)(x->eap.id + 1) : id; /* a new request has a new one, RFC 3748 4.1 */
        x->eap.xres_n = (uint8_t)v->xres.n;
        memcpy(x->rand, v->rand.p, 16);
        memcpy(x->eap.autn, v->autn.p, 16);
        memcpy(x->eap.xres, v->xres.p, v->xres.n);
        memcpy(x->eap.k_aut, k.k_aut, 32);
        memcpy(x->eap.kausf, k.emsk, 32);
        e = eap_aka_challenge_request(s->rt->crypto, x->eap.id, x->rand, x->eap.autn, str_of(x->serving_network),
                                      x->eap.k_aut, buf, cap);
    }
    secret_wipe(&k, sizeof k);
    return e;
}

/* The next request of an exchange that goes on. */
static int fill_ongoing(struct ausf *s, const struct ausf_ctx *x, struct call *c, const uint8_t *msg, int n)
{
    struct sbi_EapSession *r = c->rsp;
    struct arena *a = &c->arena;
    struct sbi_entry_LinksValueSchema *l = arena_zero(a, sizeof *l);
    char id[AUSF_ID_TEXT];
    if (n < 0 || !l)
        return n < 0 ? n : ERR_NOSPACE;
    hex_put(id, x->id, sizeof x->id);
    l->key = STR("eap-session");
    l->value.has.href = 1;
    l->value.href = arena_printf(a, "%s/nausf-auth/v1/ue-authentications/%s/eap-session",
                                 s->rt->api_root ? s->rt->api_root : "", id);
    r->eap_payload = arena_bytes(a, msg, (uint32_t)n);
    r->has.links = r->has.auth_result = 1;
    r->links.p = l;
    r->links.n = 1;
    r->auth_result = SBI_AuthResult_AUTHENTICATION_ONGOING;
    return l->value.href.p && r->eap_payload.p ? OK : ERR_NOSPACE;
}

static int fill_result(struct ausf *s, const struct ausf_ctx *x, struct call *c, bool success)
{
    struct sbi_EapSession *r = c->rsp;
    uint8_t msg[4], kseaf[32];
    int n = eap_result(success, x->eap.id, msg, sizeof msg), e = OK;
    r->eap_payload = arena_bytes(&c->arena, msg, n > 0 ? (uint32_t)n : 0);
    r->has.auth_result = 1;
    r->auth_result = success ? SBI_AuthResult_AUTHENTICATION_SUCCESS : SBI_AuthResult_AUTHENTICATION_FAILURE;
    if (success) {
        e = kdf_kseaf(s->rt->crypto, x->eap.kausf, str_of(x->serving_network), kseaf);
        r->has.k_seaf = r->has.supi = 1;
        r->k_seaf = arena_bytes(&c->arena, kseaf, sizeof kseaf);
        r->supi = arena_str(&c->arena, str_of(x->supi));
        secret_wipe(kseaf, sizeof kseaf);
        if (!r->k_seaf.p || !r->supi.p)
            e = ERR_NOSPACE;
    }
    return r->eap_payload.p ? e : ERR_NOSPACE;
}

/* Ends the context; what it answers is EAP-Success or EAP-Failure. */
static void finish(struct ausf *s, struct ausf_ctx *x, struct call *c, bool success)
{
    int e = fill_result(s, x, c, success);
    success &= e == OK;
    if (e < 0)
        call_problem(c, 500, "SYSTEM_FAILURE", err_text(e));
    else
        call_reply(c, 200);
    s->succeeded += success;
    s->failed += !success;
    ausf_tell_udm(s, x, success, true);
    ausf_ctx_end(s, x);
}

/* RFC 4187 6.3.1: a response that proves false is told by a notification, and its answer by EAP-Failure. */
static void notify_failure(struct ausf *s, struct ausf_ctx *x, struct call *c)
{
    uint8_t msg[MESSAGE];
    LOG(s->rt->log, auth_res_wrong, "ue=%s method=EAP-AKA'", log_identity(s->rt->log, str_of(x->supi)).text);
    x->eap_state = AUSF_EAP_NOTIFIED;
    x->eap.id++;
    int n = eap_aka_notification(s->rt->crypto, EAP_REQUEST, x->eap.id, GENERAL_FAILURE, NULL, msg, sizeof msg);
    if (fill_ongoing(s, x, c, msg, n) == OK)
        call_reply(c, 200);
    else
        finish(s, x, c, false);
}

static bool response_ok(struct ausf *s, const struct ausf_ctx *x, struct bytes msg, const struct eap_aka *m)
{
    return eap_aka_check_mac(s->rt->crypto, x->eap.k_aut, msg, m) == OK && m->res.n == x->eap.xres_n * 8u &&
           secret_eq(m->res.p, x->eap.xres, x->eap.xres_n);
}

/* ---- synchronisation failure: a new vector in the same exchange ---- */
struct resync_frame {
    struct proc p;
    struct call *in, *udm;
    struct ausf_ctx *ctx; /* busy, so nobody ends it */
    uint8_t auts[14];
};
static void new_vector(struct resync_frame *f)
{
    struct ausf *s = f->p.owner;
    const struct sbi_AuthenticationInfoResult *v = f->udm->rsp;
    uint8_t msg[MESSAGE];
    f->ctx->busy = false;
    bool ok = call_ok(f->udm) && v->auth_type == SBI_AuthType_EAP_AKA_PRIME && v->has.authentication_vector &&
              v->authentication_vector.rand.n == 16 && v->authentication_vector.autn.n == 16;
    int n = ok ? ausf_eap_begin(s, f->ctx, &v->authentication_vector, msg, sizeof msg) : ERR_DENIED;
    if (fill_ongoing(s, f->ctx, f->in, msg, n) == OK)
        call_reply(f->in, 200);
    else
        finish(s, f->ctx, f->in, false);
    f->in = NULL;
}
static void resync_run(struct proc *p, const struct wake *w)
{
    struct resync_frame *f = (struct resync_frame *)p;
    PROC_BEGIN(p);
    f->ctx->busy = true;
    f->udm = ausf_ask_udm(p->owner, p, str_of(f->ctx->supi), str_of(f->ctx->serving_network), f->ctx->rand, f->auts);
    if (f->udm) {
        STEP(p, "resynchronisation");
        AWAIT_CALLS(p);
        new_vector(f);
    }
    PROC_END(p);
}
static void resync_end(struct proc *p, int outcome)
{
    struct resync_frame *f = (struct resync_frame *)p;
    if (!f->in)
        return;
    f->ctx->busy = false;
    call_problem(f->in, 503, "NF_CONGESTION", "the resynchronisation ended early");
    ausf_ctx_end(p->owner, f->ctx);
}
static const struct proc_type resync = {"EAP-AKA' resynchronisation", sizeof(struct resync_frame), resync_run, resync_end};

static void resynchronise(struct ausf *s, struct ausf_ctx *x, struct call *c, const uint8_t auts[14])
{
    struct resync_frame *f = x->eap.rounds < AUSF_EAP_ROUNDS ? proc_new(s->rt, &resync, s) : NULL;
    if (!f) {
        finish(s, x, c, false);
        return;
    }
    x->eap.rounds++;
    f->in = c;
    f->ctx = x;
    memcpy(f->auts, auts, sizeof f->auts);
    c->producer_data = f;
    list_append(&s->calls, &c->on_producer);
    proc_start(&f->p);
}

void ausf_eap_session(void *state, struct call *c)
{
    struct ausf *s = state;
    const SBI_REQ(nausf_eap_session) *q = c->req;
    struct ausf_ctx *x = ausf_ctx_find(s, q->auth_ctx_id);
    struct eap_aka m;
    if (!x || x->eap_state == AUSF_EAP_NONE) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    bool readable = eap_aka_parse(q->body.eap_payload, &m) == OK && m.code == EAP_RESPONSE && m.id == x->eap.id;
    if (!readable || x->eap_state == AUSF_EAP_NOTIFIED)
        finish(s, x, c, false);
    else if (m.subtype == EAP_AKA_SYNC_FAILURE && m.auts)
        resynchronise(s, x, c, m.auts);
    else if (m.subtype == EAP_AKA_CHALLENGE && response_ok(s, x, q->body.eap_payload, &m))
        finish(s, x, c, true);
    else if (m.subtype == EAP_AKA_CHALLENGE)
        notify_failure(s, x, c);
    else /* authentication reject, client error, another method */
        finish(s, x, c, false);
}
