/* SPDX-License-Identifier: Apache-2.0 */
/* Subscription data and subscriptions to its changes: TS 29.503 5.2. */
#include "base/plmn.h"
#include "nf/udm/udm.h"
#include "codec/sbi_own.h"
#include "proto/serving_network.h"
#include "rt/config.h"
#include <stdlib.h>

struct sdm_frame {
    struct udm_frame f;
    struct call *data, *registrations;
    bool wants_data, wants_registrations;
};

static struct str serving_plmn(struct arena *a, const struct udm *u, bool given, struct str mcc, struct str mnc)
{
    char own_mcc[4], own_mnc[4];
    if (!given && plmn_text(u->rt->config->network.plmns[0].v, own_mcc, own_mnc)) {
        mcc = str_of(own_mcc);
        mnc = str_of(own_mnc);
    }
    return arena_printf(a, STR_FMT STR_FMT, STR_ARG(mcc), STR_ARG(mnc));
}

/* ---- several data sets at once: TS 29.503 5.2.2.2.10 ---- */
static bool data_send(struct sdm_frame *x)
{
    const SBI_REQ(nudm_sdm_get) *in = x->f.in->req;
    SBI_REQ(nudr_dr_provisioned_get) *q = udm_call(&x->f, SBI_nudr_dr_provisioned_get, &x->data);
    if (!q)
        return false;
    q->ue_id = in->supi;
    q->has.dataset_names = 1;
    q->dataset_names.p = in->dataset_names.p;
    q->dataset_names.n = in->dataset_names.n;
    q->serving_plmn_id = serving_plmn(&x->data->arena, x->f.p.owner, in->has.plmn_id, in->plmn_id.mcc, in->plmn_id.mnc);
    return udm_send(&x->f, &x->data);
}
static bool registrations_send(struct sdm_frame *x)
{
    SBI_REQ(nudr_dr_smf_list) *q = udm_call(&x->f, SBI_nudr_dr_smf_list, &x->registrations);
    if (!q)
        return false;
    q->ue_id = ((const SBI_REQ(nudm_sdm_get) *)x->f.in->req)->supi;
    return udm_send(&x->f, &x->registrations);
}

static bool fill_registrations(struct arena *a, const struct sbi_SmfRegList *l, struct sbi_UeContextInSmfData *m)
{
    struct sbi_entry_PduSession *p = arena_zero(a, (l->items.n + 1) * sizeof *p);
    if (!p)
        return false;
    m->has.pdu_sessions = l->items.n != 0;
    m->pdu_sessions.p = p;
    m->pdu_sessions.n = l->items.n;
    for (uint32_t i = 0; i < l->items.n; i++) {
        const struct sbi_SmfRegistration *s = &l->items.p[i];
        p[i].key = arena_printf(a, "%u", (unsigned)s->pdu_session_id);
        p[i].value.dnn = s->has.dnn ? s->dnn : STR("");
        p[i].value.smf_instance_id = s->smf_instance_id;
        p[i].value.plmn_id = s->plmn_id;
        p[i].value.has.single_nssai = 1;
        p[i].value.single_nssai = s->single_nssai;
        if (!p[i].key.p)
            return false;
    }
    return true;
}
static void sdm_answer(struct sdm_frame *x)
{
    struct sbi_SubscriptionDataSets *r = x->f.in->rsp;
    struct arena *a = &x->f.in->arena;
    const struct call *bad = x->data && !call_ok(x->data)                    ? x->data
                             : x->registrations && !call_ok(x->registrations) ? x->registrations
                                                                              : NULL;
    if (bad) {
        udm_pass_on(&x->f, bad, "DATA_NOT_FOUND");
        return;
    }
    if (x->data) {
        const struct sbi_ProvisionedDataSets *d = x->data->rsp;
        r->has.am_data = d->has.am_data;
        r->am_data = d->am_data;
        r->has.smf_sel_data = d->has.smf_sel_data;
        r->smf_sel_data = d->smf_sel_data;
        r->has.sm_data = d->has.sm_data;
        r->sm_data.p = d->sm_data.p;
        r->sm_data.n = d->sm_data.n;
    }
    r->has.uec_smf_data = x->registrations != NULL;
    bool ok = !x->registrations || fill_registrations(a, x->registrations->rsp, &r->uec_smf_data);
    if (ok && sbi_own(sbi_ops[SBI_nudm_sdm_get].rsp, a, r) == OK)
        udm_reply(&x->f, 200);
    else
        udm_problem(&x->f, 503, "INSUFFICIENT_RESOURCES", "no memory for the answer");
}
static void sdm_get_run(struct proc *p, const struct wake *w)
{
    struct sdm_frame *x = (struct sdm_frame *)p;
    PROC_BEGIN(p);
    const SBI_REQ(nudm_sdm_get) *q = x->f.in->req;
    for (uint32_t i = 0; i < q->dataset_names.n; i++) {
        struct str n = q->dataset_names.p[i];
        x->wants_registrations |= str_is(n, "UEC_SMF");
        x->wants_data |= str_is(n, "AM") || str_is(n, "SMF_SEL") || str_is(n, "SM");
    }
    if (!x->wants_data && !x->wants_registrations) {
        udm_problem(&x->f, 404, "DATA_NOT_FOUND", "none of these data sets is here");
    } else if ((!x->wants_data || data_send(x)) && (!x->wants_registrations || registrations_send(x))) {
        AWAIT_CALLS(p);
        sdm_answer(x);
    }
    PROC_END(p);
}
static const struct proc_type sdm_get = {"subscription data", sizeof(struct sdm_frame), sdm_get_run, udm_end};
void udm_sdm_get(void *state, struct call *c) { udm_start(state, &sdm_get, c); }

/* ---- session management data: TS 29.503 5.2.2.2.5 ---- */
static bool sm_send(struct sdm_frame *x)
{
    const SBI_REQ(nudm_sdm_get_sm_data) *in = x->f.in->req;
    SBI_REQ(nudr_dr_sm_data_get) *q = udm_call(&x->f, SBI_nudr_dr_sm_data_get, &x->data);
    if (!q)
        return false;
    q->ue_id = in->supi;
    q->has.single_nssai = in->has.single_nssai;
    q->single_nssai = in->single_nssai;
    q->has.dnn = in->has.dnn;
    q->dnn = in->dnn;
    q->serving_plmn_id = serving_plmn(&x->data->arena, x->f.p.owner, in->has.plmn_id, in->plmn_id.mcc, in->plmn_id.mnc);
    return udm_send(&x->f, &x->data);
}
static void sm_answer(struct sdm_frame *x)
{
    if (!call_ok(x->data)) {
        udm_pass_on(&x->f, x->data, "DATA_NOT_FOUND");
        return;
    }
    memcpy(x->f.in->rsp, x->data->rsp, sizeof(struct sbi_SmSubsData));
    if (sbi_own(sbi_ops[SBI_nudm_sdm_get_sm_data].rsp, &x->f.in->arena, x->f.in->rsp) == OK)
        udm_reply(&x->f, 200);
    else
        udm_problem(&x->f, 503, "INSUFFICIENT_RESOURCES", "no memory for the answer");
}
static void sm_data_run(struct proc *p, const struct wake *w)
{
    struct sdm_frame *x = (struct sdm_frame *)p;
    PROC_BEGIN(p);
    if (sm_send(x)) {
        AWAIT_CALLS(p);
        sm_answer(x);
    }
    PROC_END(p);
}
static const struct proc_type sm_data = {"session management data", sizeof(struct sdm_frame), sm_data_run, udm_end};
void udm_sdm_get_sm_data(void *state, struct call *c) { udm_start(state, &sm_data, c); }

/* ---- subscriptions to changes: TS 29.503 5.2.2.3, 5.2.2.4 ---- */
static void sub_free(struct udm *u, struct udm_sub *s)
{
    intern_drop(&u->texts, &s->nf_instance_id);
    intern_drop(&u->texts, &s->callback);
    free(s);
}
static void unlink_sub(struct udm *u, struct udm_sub *s)
{
    struct udm_sub *first = map_get_u64(&u->subs_by_ue, s->imsi);
    if (first == s) {
        if (s->next)
            map_put_u64(&u->subs_by_ue, s->imsi, s->next);
        else
            map_del_u64(&u->subs_by_ue, s->imsi);
    }
    while (first && first->next != s)
        first = first->next;
    if (first)
        first->next = s->next;
    map_del_u64(&u->subs, s->id);
    sub_free(u, s);
}
void udm_subs_free(struct udm *u)
{
    uint32_t i = 0;
    for (struct udm_sub *s; (s = map_next(&u->subs, &i));)
        free(s);
    interns_free(&u->texts);
}
void udm_subs_drop_implicit(struct udm *u, uint64_t imsi, struct str nf)
{
    struct udm_sub *s = map_get_u64(&u->subs_by_ue, imsi), *next;
    for (; s; s = next) {
        next = s->next;
        if (s->implicit_unsubscribe && str_eq(interned_str(s->nf_instance_id), nf))
            unlink_sub(u, s);
    }
}
/* One that asks again with the same callback has forgotten its first subscription: that one ends. */
static uint32_t make_room(struct udm *u, uint64_t imsi, struct str supi, const struct sbi_SdmSubscription *m)
{
    uint32_t n = 0;
    struct udm_sub *s = map_get_u64(&u->subs_by_ue, imsi), *next;
    for (; s; s = next) {
        next = s->next;
        if (interned_is(s->callback, supi, m->callback_reference))
            unlink_sub(u, s);
        else
            n++;
    }
    return n;
}
static struct udm_sub *link_sub(struct udm *u, uint64_t imsi, struct str supi, const struct sbi_SdmSubscription *m)
{
    struct udm_sub *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    do
        env_random(u->rt->env, &s->id, sizeof s->id);
    while (!s->id || map_get_u64(&u->subs, s->id));
    s->imsi = imsi;
    s->nf_instance_id = intern(&u->texts, (struct bytes){(const uint8_t *)m->nf_instance_id.p, m->nf_instance_id.n});
    s->callback = intern_of(&u->texts, m->callback_reference, supi);
    s->implicit_unsubscribe = m->has.implicit_unsubscribe && m->implicit_unsubscribe;
    s->next = map_get_u64(&u->subs_by_ue, imsi);
    if (!s->nf_instance_id || !s->callback || map_put_u64(&u->subs, s->id, s) < 0 || map_put_u64(&u->subs_by_ue, imsi, s) < 0) {
        map_del_u64(&u->subs, s->id);
        sub_free(u, s);
        return NULL;
    }
    return s;
}

void udm_sdm_subscribe(void *state, struct call *c)
{
    struct udm *u = state;
    const SBI_REQ(nudm_sdm_subscribe) *q = c->req;
    struct sbi_SdmSubscription *r = c->rsp;
    uint64_t imsi = udm_imsi(q->ue_id);
    if (!imsi) {
        call_problem(c, 404, "USER_NOT_FOUND", NULL);
        return;
    }
    struct udm_sub *s = NULL;
    if (make_room(u, imsi, q->ue_id, &q->body) < UDM_SUBS_PER_UE && map_count(&u->subs) < u->max_subs)
        s = link_sub(u, imsi, q->ue_id, &q->body);
    if (!s) {
        call_problem(c, 503, "INSUFFICIENT_RESOURCES", "too many subscriptions");
        return;
    }
    *r = q->body;
    r->has.subscription_id = r->has.location = 1;
    r->subscription_id = arena_printf(&c->arena, "%016llx", (unsigned long long)s->id);
    r->location = arena_printf(&c->arena, "%s/nudm-sdm/v2/" STR_FMT "/sdm-subscriptions/" STR_FMT,
                               u->rt->api_root ? u->rt->api_root : "", STR_ARG(q->ue_id), STR_ARG(r->subscription_id));
    if (r->location.p) {
        call_reply(c, 201);
        return;
    }
    unlink_sub(u, s);
    call_problem(c, 503, "INSUFFICIENT_RESOURCES", "no memory for the answer");
}

void udm_sdm_unsubscribe(void *state, struct call *c)
{
    struct udm *u = state;
    const SBI_REQ(nudm_sdm_unsubscribe) *q = c->req;
    uint8_t id[8];
    struct udm_sub *s = hex_get(id, sizeof id, q->subscription_id) ? map_get_u64(&u->subs, be64(id)) : NULL;
    if (!s || s->imsi != udm_imsi(q->ue_id)) {
        call_problem(c, 404, "SUBSCRIPTION_NOT_FOUND", NULL);
        return;
    }
    unlink_sub(u, s);
    call_reply(c, 204);
}
