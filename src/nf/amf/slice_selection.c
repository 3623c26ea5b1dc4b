/* SPDX-License-Identifier: Apache-2.0 */
/* Which slices a phone may use where it is: TS 23.501 5.15.5.2, TS 24.501 5.5.1.2.4. What the AMF cannot know, the
 * NSSF says; without one, the subscription and the RAN node decide. */
#include "nf/amf/registration.h"
#include "base/log.h"

static bool is_in(const struct amf_slice *list, uint32_t n, const struct amf_slice *s)
{
    for (uint32_t i = 0; i < n; i++)
        if (amf_slice_eq(&list[i], s))
            return true;
    return false;
}

/* 5.5.1.2.5: #11 for the whole network, #15 for this tracking area alone. */
uint8_t amf_slices_here(struct amf_registration *f)
{
    const struct amf_conn *c = f->a.conn;
    const struct amf_config *config = &f->a.amf->config;
    bool plmn = false;
    for (uint32_t i = 0; i < config->n_plmns; i++)
        plmn |= memcmp(config->plmns[i].plmn, c->location.tai.plmn, 3) == 0;
    if (!plmn)
        return NAS_GMM_CAUSE_PLMN_NOT_ALLOWED;
    for (uint32_t i = 0; i < c->gnb->n_tas; i++) {
        const struct amf_ta *t = &c->gnb->tas[i];
        const struct amf_plmn_support *p = &config->plmns[t->plmn];
        if (memcmp(t->tac, c->location.tai.tac, 3) != 0 || memcmp(p->plmn, c->location.tai.plmn, 3) != 0)
            continue;
        for (uint32_t j = 0; j < p->n_slices; j++)
            if (t->slices >> j & 1)
                f->ta[f->n_ta++] = p->slices[j];
        return 0;
    }
    return NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA;
}

/* ---- NSSF, TS 29.531 ---- */
void amf_slices_ask(struct amf_registration *f)
{
    struct rt *rt = f->a.p.rt;
    const struct amf_ue *ue = f->a.ue;
    if (!rt->nf[SBI_NF_NSSF] && !rt->sbi_remote)
        return;
    f->nssf = call_new(rt, SBI_nnssf_selection_get);
    struct sbi_req_nnssf_selection_get *q = f->nssf ? call_request(f->nssf) : NULL;
    if (!q)
        return;
    struct arena *a = &f->nssf->arena;
    const struct amf_facts *of = amf_ue_facts(ue);
    struct sbi_SubscribedSnssai *subscribed = arena_zero(a, of->n_subscribed * sizeof *subscribed);
    struct sbi_Snssai *requested = arena_zero(a, f->wish.n_requested * sizeof *requested);
    if (!subscribed || !requested)
        return;
    for (uint32_t i = 0; i < of->n_subscribed; i++) {
        amf_slice_sbi(&of->subscribed[i], a, &subscribed[i].subscribed_snssai);
        subscribed[i].has.default_indication = true;
        subscribed[i].default_indication = of->default_slices >> i & 1;
    }
    for (uint32_t i = 0; i < f->wish.n_requested; i++)
        amf_slice_sbi(&f->wish.requested[i], a, &requested[i]);
    struct sbi_SliceInfoForRegistration *info = &q->slice_info_for_registration;
    q->nf_type = SBI_NFType_AMF;
    q->nf_id = str_of(rt->nf[SBI_NF_AMF] ? rt->nf[SBI_NF_AMF]->instance_id : "");
    q->has.slice_info_for_registration = q->has.tai = true;
    info->has.subscribed_nssai = of->n_subscribed > 0;
    info->subscribed_nssai.p = subscribed;
    info->subscribed_nssai.n = of->n_subscribed;
    info->has.requested_nssai = f->wish.n_requested > 0;
    info->requested_nssai.p = requested;
    info->requested_nssai.n = f->wish.n_requested;
    amf_tai_sbi(&f->a.conn->location.tai, a, &q->tai);
    call_send(f->nssf, &f->a.p);
}

static void allow(struct amf_registration *f, const struct amf_slice *s)
{
    if (f->n_allowed < AMF_UE_SLICES && is_in(f->ta, f->n_ta, s) && !is_in(f->allowed, f->n_allowed, s))
        f->allowed[f->n_allowed++] = *s;
}
static void reject(struct amf_registration *f, const struct amf_slice *s, uint8_t cause)
{
    if (f->n_rejected == AMF_UE_SLICES)
        return;
    f->rejected[f->n_rejected].slice = *s;
    f->rejected[f->n_rejected++].cause = cause;
}
static void reject_list(struct amf_registration *f, const struct sbi_Snssai *p, uint32_t n, uint8_t cause)
{
    struct amf_slice s;
    for (uint32_t i = 0; i < n; i++)
        if (amf_slice_of_sbi(&p[i], &s) && is_in(f->wish.requested, f->wish.n_requested, &s))
            reject(f, &s, cause);
}
static void take_nssf(struct amf_registration *f)
{
    const SBI_RSP(nnssf_selection_get) *r = f->nssf->rsp;
    struct amf_slice s;
    for (uint32_t i = 0; r->has.allowed_nssai_list && i < r->allowed_nssai_list.n; i++) {
        const struct sbi_AllowedNssai *l = &r->allowed_nssai_list.p[i];
        for (uint32_t j = 0; j < l->allowed_snssai_list.n; j++)
            if (amf_slice_of_sbi(&l->allowed_snssai_list.p[j].allowed_snssai, &s))
                allow(f, &s);
    }
    if (r->has.rejected_nssai_in_plmn)
        reject_list(f, r->rejected_nssai_in_plmn.p, r->rejected_nssai_in_plmn.n, 0);
    if (r->has.rejected_nssai_in_ta)
        reject_list(f, r->rejected_nssai_in_ta.p, r->rejected_nssai_in_ta.n, 1);
}
/* Requested and subscribed and here; none of them: the default ones that are here. */
static void decide(struct amf_registration *f)
{
    const struct amf_facts *of = amf_ue_facts(f->a.ue);
    for (uint32_t i = 0; i < f->wish.n_requested; i++) {
        const struct amf_slice *s = &f->wish.requested[i];
        bool subscribed = is_in(of->subscribed, of->n_subscribed, s);
        if (subscribed && is_in(f->ta, f->n_ta, s))
            allow(f, s);
        else
            reject(f, s, subscribed ? 1 : 0);
    }
    for (uint32_t i = 0; f->n_allowed == 0 && i < of->n_subscribed; i++)
        if (of->default_slices >> i & 1)
            allow(f, &of->subscribed[i]);
}
uint8_t amf_slices_take(struct amf_registration *f)
{
    bool told = f->nssf && (call_ok(f->nssf) || f->nssf->status == 403);
    if (told && call_ok(f->nssf))
        take_nssf(f);
    else if (!told)
        decide(f);
    for (uint32_t i = 0; told && f->n_allowed == 0 && f->n_rejected == 0 && i < f->wish.n_requested; i++)
        reject(f, &f->wish.requested[i], 1);
    call_done(f->nssf);
    f->nssf = NULL;
    return f->n_allowed ? 0 : NAS_GMM_CAUSE_NO_NETWORK_SLICES_AVAILABLE;
}
