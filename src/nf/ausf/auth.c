/* SPDX-License-Identifier: Apache-2.0 */
/* An authentication's start, and the end of a 5G-AKA: TS 33.501 6.1.3.2, TS 29.509 5.2.2.2. */
#include "nf/ausf/ausf.h"
#include "base/log.h"
#include "crypto/kdf.h"
#include "rt/config.h"

struct post_frame {
    struct proc p;
    struct call *in, *udm;
};
static struct ausf *ausf_of(const struct post_frame *f) { return f->p.owner; }
static const struct sbi_AuthenticationInfo *info(const struct post_frame *f)
{
    return &((const SBI_REQ(nausf_auth_post) *)f->in->req)->body;
}

static void refuse(struct post_frame *f, int status, const char *cause, const char *detail)
{
    call_problem(f->in, status, cause, detail);
    f->in = NULL;
}
static bool network_ok(const struct ausf *s, struct str name)
{
    const struct config_network *n = &s->rt->config->network;
    for (uint32_t i = 0; i < n->n_plmns; i++)
        if (serving_network_is(name, n->plmns[i].v))
            return true;
    return false;
}

/* ---- the answer ---- */
static bool fill_links(struct ausf *s, const struct ausf_ctx *x, struct call *in, const char *link, const char *resource)
{
    struct sbi_UEAuthenticationCtx *r = in->rsp;
    struct arena *a = &in->arena;
    struct sbi_entry_LinksValueSchema *l = arena_zero(a, sizeof *l);
    char id[AUSF_ID_TEXT];
    hex_put(id, x->id, sizeof x->id);
    r->has.location = r->has.serving_network_name = 1;
    r->serving_network_name = arena_str(a, str_of(x->serving_network));
    r->location = arena_printf(a, "%s/nausf-auth/v1/ue-authentications/%s", s->rt->api_root ? s->rt->api_root : "", id);
    if (!l || !r->location.p)
        return false;
    l->key = str_of(link);
    l->value.has.href = 1;
    l->value.href = arena_printf(a, STR_FMT "/%s", STR_ARG(r->location), resource);
    r->links.p = l;
    r->links.n = 1;
    return l->value.href.p && r->serving_network_name.p;
}

static int fill_5g(struct ausf *s, struct ausf_ctx *x, const struct sbi_AuthenticationVector *v, struct call *in)
{
    struct sbi_UEAuthenticationCtx *r = in->rsp;
    uint8_t hxres[16];
    if (!v->has.xres_star || !v->has.kausf || v->xres_star.n != 16 || v->kausf.n != 32)
        return ERR_MISSING;
    int e = kdf_hres_star(s->rt->crypto, v->rand.p, v->xres_star.p, hxres);
    memcpy(x->aka.xres_star, v->xres_star.p, 16);
    memcpy(x->aka.kausf, v->kausf.p, 32);
    r->auth_type = SBI_AusfAuthType_5G_AKA;
    r->has.x5g_auth_data = 1;
    r->x5g_auth_data.rand = arena_bytes(&in->arena, v->rand.p, 16);
    r->x5g_auth_data.autn = arena_bytes(&in->arena, v->autn.p, 16);
    r->x5g_auth_data.hxres_star = arena_bytes(&in->arena, hxres, 16);
    bool ok = r->x5g_auth_data.hxres_star.p && fill_links(s, x, in, "5g-aka", "5g-aka-confirmation");
    return e < 0 ? e : ok ? OK : ERR_NOSPACE;
}
static int fill_eap(struct ausf *s, struct ausf_ctx *x, const struct sbi_AuthenticationVector *v, struct call *in)
{
    struct sbi_UEAuthenticationCtx *r = in->rsp;
    uint8_t msg[256];
    int n = ausf_eap_begin(s, x, v, msg, sizeof msg);
    if (n < 0)
        return n;
    r->auth_type = SBI_AusfAuthType_EAP_AKA_PRIME;
    r->has.x5g_auth_data_eap = 1;
    r->x5g_auth_data_eap = arena_bytes(&in->arena, msg, (uint32_t)n);
    return r->x5g_auth_data_eap.p && fill_links(s, x, in, "eap-session", "eap-session") ? OK : ERR_NOSPACE;
}

static void vector_here(struct post_frame *f)
{
    struct ausf *s = ausf_of(f);
    const struct sbi_AuthenticationInfoResult *v = f->udm->rsp;
    if (!call_ok(f->udm)) {
        ausf_pass_on(f->in, f->udm);
        f->in = NULL;
        return;
    }
    struct ausf_ctx *x = ausf_ctx_new(s);
    if (!x) {
        refuse(f, 503, "INSUFFICIENT_RESOURCES", "as many authentications as configured are under way");
        return;
    }
    const struct sbi_AuthenticationVector *av = &v->authentication_vector;
    struct str supi = v->has.supi ? v->supi : info(f)->supi_or_suci;
    bool ok = v->has.authentication_vector && av->rand.n == 16 && av->autn.n == 16 && str_starts(supi, "imsi-") &&
              str_copy(x->supi, sizeof x->supi, supi) &&
              str_copy(x->serving_network, sizeof x->serving_network, info(f)->serving_network_name);
    int e = ERR_UNSUPPORTED;
    if (ok)
        memcpy(x->rand, av->rand.p, 16);
    if (ok && v->auth_type == SBI_AuthType_5G_AKA)
        e = fill_5g(s, x, av, f->in);
    else if (ok && v->auth_type == SBI_AuthType_EAP_AKA_PRIME)
        e = fill_eap(s, x, av, f->in);
    if (e < 0) {
        ausf_ctx_end(s, x);
        refuse(f, 500, "AV_GENERATION_PROBLEM", err_text(e));
        return;
    }
    call_reply(f->in, 201);
    f->in = NULL;
}

static void post_run(struct proc *p, const struct wake *w)
{
    struct post_frame *f = (struct post_frame *)p;
    PROC_BEGIN(p);
    struct ausf *s = ausf_of(f);
    const struct sbi_AuthenticationInfo *q = info(f);
    bool resync = q->has.resynchronization_info;
    if (!network_ok(s, q->serving_network_name)) { /* TS 33.501 6.1.2 */
        LOG(s->rt->log, auth_network_denied, "name=" STR_FMT, STR_ARG(q->serving_network_name));
        refuse(f, 403, "SERVING_NETWORK_NOT_AUTHORIZED", NULL);
    } else if (resync && (q->resynchronization_info.rand.n != 16 || q->resynchronization_info.auts.n != 14)) {
        refuse(f, 400, "INVALID_MSG_FORMAT", "RAND has 16 octets, AUTS 14");
    } else if (!(f->udm = ausf_ask_udm(s, p, q->supi_or_suci, q->serving_network_name,
                                       resync ? q->resynchronization_info.rand.p : NULL,
                                       resync ? q->resynchronization_info.auts.p : NULL))) {
        refuse(f, 503, "NF_CONGESTION", "no memory for the call");
    } else {
        STEP(p, "vector");
        AWAIT_CALLS(p);
        vector_here(f);
    }
    PROC_END(p);
}
static void post_end(struct proc *p, int outcome)
{
    struct post_frame *f = (struct post_frame *)p;
    if (f->in)
        refuse(f, 503, "SYSTEM_FAILURE", "the procedure ended early");
}
static const struct proc_type post = {"authentication", sizeof(struct post_frame), post_run, post_end};

void ausf_auth_post(void *state, struct call *c)
{
    struct ausf *s = state;
    struct post_frame *f = proc_new(s->rt, &post, s);
    if (!f) {
        call_problem(c, 503, "NF_CONGESTION", "no memory for the procedure");
        return;
    }
    f->in = c;
    c->producer_data = f;
    list_append(&s->calls, &c->on_producer);
    proc_start(&f->p);
}

/* TS 33.501 6.1.3.2.0 steps 10 to 12: one answer for each authentication. */
void ausf_auth_confirm(void *state, struct call *c)
{
    struct ausf *s = state;
    const SBI_REQ(nausf_auth_confirm) *q = c->req;
    struct sbi_ConfirmationDataResponse *r = c->rsp;
    struct ausf_ctx *x = ausf_ctx_find(s, q->auth_ctx_id);
    if (!x || x->eap_state != AUSF_EAP_NONE) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    bool ok = q->body.res_star.n == 16 && secret_eq(q->body.res_star.p, x->aka.xres_star, 16);
    uint8_t kseaf[32];
    int e = ok ? kdf_kseaf(s->rt->crypto, x->aka.kausf, str_of(x->serving_network), kseaf) : OK;
    r->auth_result = ok ? SBI_AuthResult_AUTHENTICATION_SUCCESS : SBI_AuthResult_AUTHENTICATION_FAILURE;
    if (ok && e == OK) {
        r->has.supi = r->has.kseaf = 1;
        r->supi = arena_str(&c->arena, str_of(x->supi));
        r->kseaf = arena_bytes(&c->arena, kseaf, sizeof kseaf);
        e = r->supi.p && r->kseaf.p ? OK : ERR_NOSPACE;
    } else if (!ok) {
        LOG(s->rt->log, auth_res_wrong, "ue=%s", log_identity(s->rt->log, str_of(x->supi)).text);
    }
    secret_wipe(kseaf, sizeof kseaf);
    s->succeeded += ok;
    s->failed += !ok;
    if (e < 0)
        call_problem(c, 500, "SYSTEM_FAILURE", err_text(e));
    else
        call_reply(c, 200);
    ausf_tell_udm(s, x, ok && e == OK, false);
    ausf_ctx_end(s, x);
}

void ausf_auth_delete(void *state, struct call *c)
{
    struct ausf *s = state;
    const SBI_REQ(nausf_auth_delete) *q = c->req;
    struct ausf_ctx *x = ausf_ctx_find(s, q->auth_ctx_id);
    if (!x) {
        call_problem(c, 404, "CONTEXT_NOT_FOUND", NULL);
        return;
    }
    ausf_ctx_end(s, x);
    call_reply(c, 204);
}
