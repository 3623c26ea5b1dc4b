/* SPDX-License-Identifier: Apache-2.0 */
/* The AMF becomes the serving one, fetches the subscription and listens to its changes (TS 23.502 4.2.2.2.2 step
 * 14), and has a policy association (step 16). */
#include "codec/sbi_text.h"
#include "nf/amf/registration.h"
#include "base/err.h"
#include "base/log.h"
#include <stdlib.h>

static struct str instance(const struct amf *amf)
{
    const struct nf *nf = amf->rt->nf[SBI_NF_AMF];
    return str_of(nf ? nf->instance_id : "");
}
/* A call with its request, or NULL; in *slot as long as it is open. */
static void *ask(struct amf_registration *f, struct call **slot, enum sbi_op op)
{
    *slot = call_new(f->a.p.rt, op);
    return *slot ? call_request(*slot) : NULL;
}
static void take_done(struct call **slot)
{
    call_done(*slot);
    *slot = NULL;
}

/* ---- UDM ---- */
static void ask_register(struct amf_registration *f)
{
    struct amf_ue *ue = f->a.ue;
    struct sbi_req_nudm_uecm_amf_register *q = ask(f, &f->uecm, SBI_nudm_uecm_amf_register);
    if (!q)
        return;
    struct arena *a = &f->uecm->arena;
    q->ue_id = arena_str(a, amf_ue_supi(ue));
    q->body.amf_instance_id = instance(ue->amf);
    q->body.dereg_callback_uri = call_callback_uri(f->a.p.rt, a, SBI_NF_AMF, "%s/dereg", ue->supi);
    amf_guami_sbi(ue->amf, ue->guami, a, &q->body.guami);
    q->body.rat_type = SBI_RatType_NR;
    q->body.has.pei = ue->pei[0] != 0;
    q->body.pei = arena_str(a, str_of(ue->pei));
    q->body.has.initial_registration_ind = true;
    q->body.initial_registration_ind = f->wish.type == NAS_REG_INITIAL;
    call_send(f->uecm, &f->a.p);
}
struct call *amf_subscription_call(const struct amf_ue *ue)
{
    static const struct str sets[] = {{"AM", 2}, {"SMF_SEL", 7}};
    struct call *c = call_new(ue->amf->rt, SBI_nudm_sdm_get);
    struct sbi_req_nudm_sdm_get *q = c ? call_request(c) : NULL;
    if (!q)
        return c;
    struct sbi_PlmnId plmn = {0};
    sbi_plmn_put(&c->arena, ue->amf->config.guamis[ue->guami].plmn, &plmn);
    q->supi = arena_str(&c->arena, amf_ue_supi(ue));
    q->dataset_names.p = sets;
    q->dataset_names.n = ARRAY_LEN(sets);
    q->has.plmn_id = true;
    q->plmn_id.mcc = plmn.mcc;
    q->plmn_id.mnc = plmn.mnc;
    return c;
}
static void ask_changes(struct amf_registration *f)
{
    struct amf_ue *ue = f->a.ue;
    if (brief_is_set(&ue->sdm_id))
        return;
    struct sbi_req_nudm_sdm_subscribe *q = ask(f, &f->subscribe, SBI_nudm_sdm_subscribe);
    struct str *uris = q ? arena_zero(&f->subscribe->arena, 2 * sizeof *uris) : NULL;
    if (!uris)
        return;
    struct arena *a = &f->subscribe->arena;
    uris[0] = arena_printf(a, "%s/nudm-sdm/v2/%s/am-data", f->a.p.rt->api_root, ue->supi);
    uris[1] = arena_printf(a, "%s/nudm-sdm/v2/%s/smf-select-data", f->a.p.rt->api_root, ue->supi);
    q->ue_id = arena_str(a, amf_ue_supi(ue));
    q->body.nf_instance_id = instance(ue->amf);
    q->body.callback_reference = call_callback_uri(f->a.p.rt, a, SBI_NF_AMF, "%s/sdm", ue->supi);
    q->body.monitored_resource_uris.p = uris;
    q->body.monitored_resource_uris.n = 2;
    q->body.has.implicit_unsubscribe = q->body.implicit_unsubscribe = true;
    call_send(f->subscribe, &f->a.p);
}
void amf_subscription_ask(struct amf_registration *f)
{
    ask_register(f);
    f->sdm = amf_subscription_call(f->a.ue);
    if (f->sdm)
        call_send(f->sdm, &f->a.p);
    ask_changes(f);
}

static uint64_t bps_of(struct str rate) /* 0: none, or none that can be understood */
{
    uint64_t bps;
    return sbi_bit_rate_get(rate, &bps) ? bps : 0;
}
static void add_slice(struct amf_facts *to, const struct sbi_Snssai *s, bool is_default)
{
    struct amf_slice slice;
    if (!amf_slice_of_sbi(s, &slice))
        return;
    uint32_t i = 0;
    while (i < to->n_subscribed && !amf_slice_eq(&to->subscribed[i], &slice))
        i++;
    if (i == AMF_SUBSCRIBED_SLICES)
        return;
    if (i == to->n_subscribed)
        to->subscribed[to->n_subscribed++] = slice;
    if (is_default)
        to->default_slices = (uint16_t)(to->default_slices | 1u << i);
}
static bool take_slices(struct amf_ue *ue, const struct sbi_AccessAndMobilitySubscriptionData *d)
{
    struct amf_facts facts = *amf_ue_facts(ue);
    memset(facts.subscribed, 0, sizeof facts.subscribed);
    facts.n_subscribed = 0;
    facts.default_slices = 0;
    for (uint32_t i = 0; d->has.nssai && i < d->nssai.default_single_nssais.n; i++)
        add_slice(&facts, &d->nssai.default_single_nssais.p[i], true);
    for (uint32_t i = 0; d->has.nssai && d->nssai.has.single_nssais && i < d->nssai.single_nssais.n; i++)
        add_slice(&facts, &d->nssai.single_nssais.p[i], false);
    return amf_ue_set_facts(ue, &facts);
}
static void take_access(struct amf_ue *ue, const struct sbi_AccessAndMobilitySubscriptionData *d)
{
    ue->ambr_up_bps = d->has.subscribed_ue_ambr ? bps_of(d->subscribed_ue_ambr.uplink) : 0;
    ue->ambr_down_bps = d->has.subscribed_ue_ambr ? bps_of(d->subscribed_ue_ambr.downlink) : 0;
    ue->is_protected = d->has.protected_subscriber && !str_is(d->protected_subscriber, "none");
    ue->rfsp = d->has.rfsp_index ? (uint16_t)d->rfsp_index : 0;
    ue->subscribed_t3512_s = d->has.subs_reg_timer ? (uint32_t)d->subs_reg_timer : 0;
}
/* "1" or "1-000009", TS 29.571 5.4.4.3: SST in decimal, SD in hex. */
static bool slice_of_key(struct str key, struct amf_slice *to)
{
    struct sbi_Snssai s = {0};
    uint32_t i = 0;
    for (; i < key.n && key.p[i] >= '0' && key.p[i] <= '9' && i < 3; i++)
        s.sst = s.sst * 10 + (key.p[i] - '0');
    if (i == 0 || (i < key.n && key.p[i] != '-'))
        return false;
    s.has.sd = i < key.n;
    s.sd = s.has.sd ? (struct str){key.p + i + 1, key.n - i - 1} : STR("");
    return amf_slice_of_sbi(&s, to);
}
void amf_ue_keep_dnns(struct amf_ue *ue, const struct amf_dnns *all)
{
    struct interns *s = &ue->amf->ues->shared;
    const struct interned *kept = intern(s, (struct bytes){(const uint8_t *)all, (uint32_t)(sizeof *all + all->n * sizeof all->v[0])});
    if (!kept)
        return;
    intern_drop(s, &ue->dnns);
    ue->dnns = kept;
}
static void take_dnns(struct amf_ue *ue, const struct sbi_SmfSelectionSubscriptionData *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->subscribed_snssai_infos.n; i++)
        n += d->subscribed_snssai_infos.p[i].value.dnn_infos.n;
    struct amf_dnns *all = calloc(1, sizeof *all + n * sizeof all->v[0]);
    if (!all)
        return;
    for (uint32_t i = 0; i < d->subscribed_snssai_infos.n; i++) {
        const struct sbi_entry_SnssaiInfo *e = &d->subscribed_snssai_infos.p[i];
        struct amf_slice slice;
        for (uint32_t j = 0; slice_of_key(e->key, &slice) && j < e->value.dnn_infos.n; j++) {
            const struct sbi_DnnInfo *info = &e->value.dnn_infos.p[j];
            struct amf_dnn *to = &all->v[all->n];
            to->slice = slice;
            to->is_default = info->has.default_dnn_indicator && info->default_dnn_indicator;
            if (str_copy(to->name, sizeof to->name, info->dnn))
                all->n++;
        }
    }
    amf_ue_keep_dnns(ue, all);
    free(all);
}

/* Why the UDM says no: TS 29.503 6.2.3.2.3.1 and 6.1.3.5.3.1, TS 24.501 annex A. */
static uint8_t cause_of(const struct call *c)
{
    if (!c || c->status >= 500 || c->status == 429)
        return NAS_GMM_CAUSE_CONGESTION;
    if (str_is(call_cause(c), "ROAMING_NOT_ALLOWED"))
        return NAS_GMM_CAUSE_PLMN_NOT_ALLOWED;
    if (str_is(call_cause(c), "RAT_NOT_ALLOWED"))
        return NAS_GMM_CAUSE_N1_MODE_NOT_ALLOWED;
    return NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED;
}
static bool may_not_use_nr(const struct sbi_AccessAndMobilitySubscriptionData *d)
{
    for (uint32_t i = 0; d->has.rat_restrictions && i < d->rat_restrictions.n; i++)
        if (d->rat_restrictions.p[i] == SBI_RatType_NR)
            return true;
    return false;
}
uint8_t amf_subscription_store(struct amf_ue *ue, const struct sbi_SubscriptionDataSets *d)
{
    if (!d->has.am_data)
        return NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED;
    if (may_not_use_nr(&d->am_data))
        return NAS_GMM_CAUSE_N1_MODE_NOT_ALLOWED;
    if (!take_slices(ue, &d->am_data))
        return NAS_GMM_CAUSE_CONGESTION;
    take_access(ue, &d->am_data);
    if (d->has.smf_sel_data && d->smf_sel_data.has.subscribed_snssai_infos)
        take_dnns(ue, &d->smf_sel_data);
    ue->has_subscription = true;
    amf_ue_changed(ue);
    return 0;
}
static uint8_t take_data(struct amf_registration *f)
{
    if (!f->uecm || !call_ok(f->uecm))
        return cause_of(f->uecm);
    f->a.ue->at_udm = true;
    return f->sdm && call_ok(f->sdm) ? amf_subscription_store(f->a.ue, f->sdm->rsp) : cause_of(f->sdm);
}
uint8_t amf_subscription_take(struct amf_registration *f)
{
    struct amf_ue *ue = f->a.ue;
    if (f->subscribe && call_ok(f->subscribe)) {
        const SBI_RSP(nudm_sdm_subscribe) *r = f->subscribe->rsp;
        amf_id_take(&ue->sdm_id, r->location);
    } else if (f->subscribe) { /* changes are then seen at the next registration only */
        LOG(ue->amf->rt->log, sbi_failed, "op=nudm_sdm_subscribe status=%d", f->subscribe->status);
    }
    uint8_t cause = take_data(f);
    take_done(&f->uecm);
    take_done(&f->sdm);
    take_done(&f->subscribe);
    return cause;
}

/* ---- PCF ---- */
void amf_policy_ask(struct amf_registration *f)
{
    struct amf_ue *ue = f->a.ue;
    struct rt *rt = f->a.p.rt;
    if (brief_is_set(&ue->policy_id))
        return;
    struct sbi_req_npcf_am_policy_create *q = ask(f, &f->policy, SBI_npcf_am_policy_create);
    if (!q)
        return;
    struct arena *a = &f->policy->arena;
    q->body.notification_uri = call_callback_uri(rt, a, SBI_NF_AMF, "%s/policy", ue->supi);
    q->body.supi = arena_str(a, amf_ue_supi(ue));
    q->body.has.pei = ue->pei[0] != 0;
    q->body.pei = arena_str(a, str_of(ue->pei));
    q->body.has.access_type = q->body.has.rat_type = q->body.has.user_loc = q->body.has.guami = true;
    q->body.access_type = SBI_AccessType_3GPP_ACCESS;
    q->body.rat_type = SBI_RatType_NR;
    amf_location_sbi(&f->a.conn->location, a, &q->body.user_loc);
    amf_guami_sbi(ue->amf, ue->guami, a, &q->body.guami);
    q->body.has.rfsp = ue->rfsp != 0;
    q->body.rfsp = ue->rfsp;
    q->body.supp_feat = STR("");
    call_send(f->policy, &f->a.p);
}
/* Without a PCF the subscription alone decides (23.502 4.2.2.2.2 step 16 is optional). */
void amf_policy_take(struct amf_registration *f)
{
    struct amf_ue *ue = f->a.ue;
    if (f->policy && call_ok(f->policy)) {
        const SBI_RSP(npcf_am_policy_create) *r = f->policy->rsp;
        amf_id_take(&ue->policy_id, r->location);
        if (r->has.rfsp)
            ue->rfsp = (uint16_t)r->rfsp;
        if (r->has.ue_ambr) {
            ue->ambr_up_bps = bps_of(r->ue_ambr.uplink);
            ue->ambr_down_bps = bps_of(r->ue_ambr.downlink);
        }
    } else if (f->policy) {
        LOG(ue->amf->rt->log, sbi_failed, "op=npcf_am_policy_create status=%d", f->policy->status);
    }
    take_done(&f->policy);
}

/* ---- the end ---- */
static void end_at_udm(struct amf_ue *ue)
{
    struct call *c = ue->at_udm ? call_new(ue->amf->rt, SBI_nudm_uecm_amf_update) : NULL;
    struct sbi_req_nudm_uecm_amf_update *q = c ? call_request(c) : NULL;
    ue->at_udm = false;
    if (!q)
        return;
    q->ue_id = arena_str(&c->arena, amf_ue_supi(ue));
    amf_guami_sbi(ue->amf, ue->guami, &c->arena, &q->body.guami);
    q->body.has.purge_flag = q->body.purge_flag = true;
    call_notify(c);
}
static void end_changes(struct amf_ue *ue)
{
    char buf[BRIEF_BUF];
    struct call *c = brief_is_set(&ue->sdm_id) ? call_new(ue->amf->rt, SBI_nudm_sdm_unsubscribe) : NULL;
    struct sbi_req_nudm_sdm_unsubscribe *q = c ? call_request(c) : NULL;
    if (!q)
        return;
    q->ue_id = arena_str(&c->arena, amf_ue_supi(ue));
    q->subscription_id = arena_str(&c->arena, brief_get(&ue->sdm_id, buf));
    brief_clear(&ue->sdm_id);
    call_notify(c);
}
static void end_policy(struct amf_ue *ue)
{
    char buf[BRIEF_BUF];
    struct call *c = brief_is_set(&ue->policy_id) ? call_new(ue->amf->rt, SBI_npcf_am_policy_delete) : NULL;
    struct sbi_req_npcf_am_policy_delete *q = c ? call_request(c) : NULL;
    if (!q)
        return;
    q->pol_asso_id = arena_str(&c->arena, brief_get(&ue->policy_id, buf));
    brief_clear(&ue->policy_id);
    call_notify(c);
}
void amf_subscription_end(struct amf_ue *ue)
{
    end_policy(ue);
    end_changes(ue);
    end_at_udm(ue);
    ue->has_subscription = false;
}
