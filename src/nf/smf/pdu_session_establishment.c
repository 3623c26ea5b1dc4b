/* SPDX-License-Identifier: Apache-2.0 */
/* PDU session establishment, TS 23.502 4.3.2.2.1, TS 24.501 6.4.1, TS 29.502 5.2.2.2. */
#include "base/plmn.h"
#include "codec/sbi_text.h"
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"

enum { N2_WAIT_US = 20000000, ANY_TYPE = 0xff };

struct establishment {
    struct smf_frame f; /* request: the create, then the update that brings the gNB's answer */
    struct call *subscription, *policy, *transfer, *registration;
    struct pfcp_call n4;
    struct smf_ask ask;
    uint8_t said;    /* 5GSM cause of an accept that gives less than was asked for */
    uint8_t failure; /* 5GSM cause */
    uint32_t tac;    /* where the phone is; 0: not said */
    bool gnb_has_it, is_overtaken;
};

/* ---- refusals ---- */

static void count_refusal(struct smf *smf, struct str supi, uint8_t psi, uint8_t cause)
{
    metric_add_at(smf->rt->metrics, METRIC_session_failed, cause, 1);
    LOG(smf->rt->log, session_rejected, "ue=%s session=%u cause=%u why=%s", log_identity(smf->rt->log, supi).text,
        psi, cause, nas_gsm_cause_text(cause));
}
/* Step 5, not accepted: SmContextCreateError with PDU SESSION ESTABLISHMENT REJECT. */
static void refuse(struct smf *smf, struct call *c, uint8_t pti, uint8_t cause)
{
    const struct sbi_SmContextCreateData *b = &((SBI_REQ(nsmf_pdusession_create) *)c->req)->body;
    const struct smf_refusal *r = smf_refusal_of(cause);
    uint8_t psi = (uint8_t)b->pdu_session_id;
    SBI_ERR(nsmf_pdusession_create) *e = call_error(c, r->status, r->sbi, nas_gsm_cause_text(cause));
    struct bytes n1 = smf_n1_reject(smf, psi, pti, NAS_PDU_SESSION_ESTABLISHMENT_REJECT, cause);
    if (e) {
        e->n1_sm_msg = arena_bytes(&c->arena, n1.p, n1.n);
        e->has.n1_sm_msg = e->n1_sm_msg.p != NULL;
    }
    count_refusal(smf, b->supi, psi, cause);
    call_reply(c, r->status);
}

/* ---- what the UE asked for ---- */

static void ask_fill(struct smf_ask *ask, const struct nas_msg *m)
{
    const struct nas_pdu_session_establishment_request *q = &m->pdu_session_establishment_request;
    ask->pti = m->pti;
    ask->pdu_type = q->has.pdu_session_type ? q->pdu_session_type & 7 : ANY_TYPE;
    ask->ssc_mode = q->has.ssc_mode ? q->ssc_mode & 7 : 0;
    if (ask->ssc_mode > 3) /* 9.11.4.16: 4, 5 and 6 mean 1, 2 and 3 */
        ask->ssc_mode -= 3;
    ask->multi_homed = q->has.gsm_capability && nas_flag(&q->gsm_capability, NAS_GSM_CAP_MH6);
    ask->has_always_on = q->has.always_on_pdu_session_requested;
    ask->max_rate_ul = q->integrity_protection_maximum_data_rate >> 8 == 0xff;
    ask->max_rate_dl = (q->integrity_protection_maximum_data_rate & 0xff) == 0xff;
    if (q->has.extended_protocol_configuration_options)
        smf_ask_pco(ask, &q->extended_protocol_configuration_options);
}
/* OK with *ask; else the 5GSM cause of clause 7, or 0 for what is to be ignored. */
static int request_read(struct smf *smf, struct bytes n1, int64_t psi, struct smf_ask *ask, uint8_t *cause)
{
    struct arena a = arena_over(smf->scratch, SMF_SCRATCH_OCTETS);
    struct nas_report report = {0};
    struct nas_msg m = {0};
    int err = nas_decode(n1, &a, &m, &report);
    ask->pti = m.pti;
    *cause = err == ERR_NOSPACE ? NAS_GSM_CAUSE_SEMANTICALLY_INCORRECT_MESSAGE : report.cause;
    if (err)
        return err;
    if (m.epd != NAS_EPD_SM || m.type != NAS_PDU_SESSION_ESTABLISHMENT_REQUEST)
        *cause = NAS_GSM_CAUSE_MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE;
    else if (m.pti == 0 || m.pti == 255) /* 7.3.1 */
        *cause = NAS_GSM_CAUSE_INVALID_PTI_VALUE;
    else if (m.pdu_session_id != psi)
        *cause = NAS_GSM_CAUSE_INVALID_PDU_SESSION_IDENTITY;
    else
        ask_fill(ask, &m);
    return *cause ? ERR_STATE : OK;
}

static bool snssai_sd(const struct sbi_Snssai *n, uint8_t sd[3]) /* FFFFFF is none, TS 23.003 28.4.2 */
{
    return n->has.sd && hex_get(sd, 3, n->sd) && be24(sd) != 0xffffff;
}
static bool slice_is(const struct smf_session *s, bool has_sd, uint8_t sst, const uint8_t sd[3])
{
    return s->sst == sst && s->has_sd == has_sd && (!has_sd || memcmp(s->sd, sd, 3) == 0);
}
static bool slice_offers(const struct smf_session *s, const struct config_dnn *c)
{
    for (uint32_t i = 0; i < c->n_slices; i++)
        if (slice_is(s, c->slices[i].has_sd, c->slices[i].sst, c->slices[i].sd))
            return true;
    return c->n_slices == 0;
}
static uint8_t dnn_find(struct smf_session *s, const struct sbi_SmContextCreateData *b)
{
    struct smf *smf = s->smf;
    struct str name = b->has.selected_dnn ? b->selected_dnn : b->has.dnn ? b->dnn : STR("");
    for (uint32_t i = 0; i < smf->n_dnns; i++) {
        if (!str_eq_nocase(smf->dnns[i].c->name, name)) /* TS 23.003 9A: case does not tell labels apart */
            continue;
        s->dnn = &smf->dnns[i];
        return slice_offers(s, s->dnn->c) ? 0 : NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN_IN_A_SLICE;
    }
    return NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN;
}
/* What needs no subscription. 0 or the 5GSM cause. */
static uint8_t request_check(struct smf_session *s, const struct sbi_SmContextCreateData *b, const struct smf_ask *ask)
{
    if (b->an_type != SBI_AccessType_3GPP_ACCESS)
        return NAS_GSM_CAUSE_SERVICE_OPTION_NOT_SUPPORTED;
    if (b->has.request_type && b->request_type == SBI_RequestType_EXISTING_PDU_SESSION)
        return NAS_GSM_CAUSE_PDU_SESSION_DOES_NOT_EXIST; /* 6.4.1.4: nothing is moved here from elsewhere */
    if (b->has.request_type && b->request_type != SBI_RequestType_INITIAL_REQUEST)
        return NAS_GSM_CAUSE_SERVICE_OPTION_NOT_SUPPORTED;
    if (ask->ssc_mode > 1)
        return NAS_GSM_CAUSE_NOT_SUPPORTED_SSC_MODE;
    uint8_t cause = dnn_find(s, b);
    return cause || smf_may_join(s) ? cause : NAS_GSM_CAUSE_REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED;
}

/* ---- step 4: what the subscription allows ---- */

static const struct sbi_DnnConfiguration *subscription_find(const struct smf_session *s, const struct sbi_SmSubsData *d)
{
    for (uint32_t i = 0; i < d->items.n; i++) {
        const struct sbi_SessionManagementSubscriptionData *m = &d->items.p[i];
        uint8_t sd[3] = {0};
        bool has_sd = snssai_sd(&m->single_nssai, sd);
        if (!slice_is(s, has_sd, (uint8_t)m->single_nssai.sst, sd) || !m->has.dnn_configurations)
            continue;
        const struct sbi_DnnConfiguration *any = NULL;
        for (uint32_t k = 0; k < m->dnn_configurations.n; k++) {
            const struct sbi_entry_DnnConfiguration *e = &m->dnn_configurations.p[k];
            if (str_eq_nocase(e->key, s->dnn->c->name))
                return &e->value;
            if (str_is(e->key, "*")) /* TS 29.503 6.1.6.2.8: any other DNN */
                any = &e->value;
        }
        if (any)
            return any;
    }
    return NULL;
}

enum { CAN4 = 1, CAN6 = 2, CAN46 = 4, CAN_ETHERNET = 16 }; /* bit NAS type - 1 */
static uint8_t types_of(enum sbi_PduSessionType t)
{
    return t == SBI_PduSessionType_IPV4     ? CAN4
           : t == SBI_PduSessionType_IPV6   ? CAN6
           : t == SBI_PduSessionType_IPV4V6 ? CAN4 | CAN6 | CAN46
           : t == SBI_PduSessionType_ETHERNET ? CAN_ETHERNET
                                            : 0;
}
static uint8_t nas_type(enum config_pdu_type t)
{
    return t == CONFIG_PDU_TYPE_IPV4     ? NAS_PDU_IPV4
           : t == CONFIG_PDU_TYPE_IPV6   ? NAS_PDU_IPV6
           : t == CONFIG_PDU_TYPE_IPV4V6 ? NAS_PDU_IPV4V6
                                         : NAS_PDU_ETHERNET;
}
static uint8_t types_allowed(const struct smf_dnn *d, const struct sbi_PduSessionTypes *t)
{
    uint8_t subscribed = t->has.default_session_type ? types_of(t->default_session_type) : 0, here = 0;
    for (uint32_t i = 0; t->has.allowed_session_types && i < t->allowed_session_types.n; i++)
        subscribed |= types_of(t->allowed_session_types.p[i]);
    for (uint32_t i = 0; i < d->c->n_pdu_types; i++)
        here |= (uint8_t)(1u << (nas_type(d->c->pdu_types[i]) - 1));
    if (!d->v4.item)
        here &= (uint8_t)~(CAN4 | CAN46);
    if (!d->v6.item)
        here &= (uint8_t)~(CAN6 | CAN46);
    if (!smf_dnn_is_lan(d)) /* frames go to other phones alone, not yet to a data network */
        here &= (uint8_t)~CAN_ETHERNET;
    return subscribed & here;
}
/* TS 24.501 6.4.1.3, 6.4.1.4. 0 with s->pdu_type and *said, or the cause of the refusal. */
static uint8_t type_select(struct smf_session *s, uint8_t asked, const struct sbi_PduSessionTypes *t, uint8_t *said)
{
    uint8_t can = types_allowed(s->dnn, t);
    if (asked == ANY_TYPE)
        asked = !t->has.default_session_type                            ? nas_type(s->dnn->c->default_pdu_type)
                : t->default_session_type == SBI_PduSessionType_IPV4    ? NAS_PDU_IPV4
                : t->default_session_type == SBI_PduSessionType_IPV6    ? NAS_PDU_IPV6
                : t->default_session_type == SBI_PduSessionType_ETHERNET ? NAS_PDU_ETHERNET
                                                                        : NAS_PDU_IPV4V6;
    if (asked == 0 || asked == 6) /* 9.11.4.11: unused values are IPv4v6 */
        asked = NAS_PDU_IPV4V6;
    if ((asked > NAS_PDU_IPV4V6 && asked != NAS_PDU_ETHERNET) || !can)
        return NAS_GSM_CAUSE_UNKNOWN_PDU_SESSION_TYPE;
    s->pdu_type = asked;
    if (can & 1u << (asked - 1))
        return 0;
    if (asked == NAS_PDU_ETHERNET)
        return NAS_GSM_CAUSE_UNKNOWN_PDU_SESSION_TYPE;
    if (can == CAN_ETHERNET)
        return NAS_GSM_CAUSE_PDU_SESSION_TYPE_ETHERNET_ONLY_ALLOWED;
    uint8_t only = can & CAN4 ? NAS_GSM_CAUSE_PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED
                              : NAS_GSM_CAUSE_PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED;
    if (asked != NAS_PDU_IPV4V6)
        return only;
    s->pdu_type = can & CAN4 ? NAS_PDU_IPV4 : NAS_PDU_IPV6;
    *said = only;
    return 0;
}

static bool ssc_mode_1(const struct sbi_SscModes *m)
{
    bool found = m->default_ssc_mode == SBI_SscMode_SSC_MODE_1;
    for (uint32_t i = 0; m->has.allowed_ssc_modes && i < m->allowed_ssc_modes.n; i++)
        found |= m->allowed_ssc_modes.p[i] == SBI_SscMode_SSC_MODE_1;
    return found;
}

static void fixed_addresses(const struct sbi_DnnConfiguration *d, struct net_addr *v4, struct net_addr *v6)
{
    for (uint32_t i = 0; d->has.static_ip_address && i < d->static_ip_address.n; i++) {
        const struct sbi_IpAddress *a = &d->static_ip_address.p[i];
        if (a->has.ipv4_addr)
            addr_parse(v4, a->ipv4_addr, 0);
        if (a->has.ipv6_prefix) {
            const char *slash = memchr(a->ipv6_prefix.p, '/', a->ipv6_prefix.n);
            uint32_t n = slash ? (uint32_t)(slash - a->ipv6_prefix.p) : a->ipv6_prefix.n;
            addr_parse(v6, (struct str){a->ipv6_prefix.p, n}, 0);
        }
    }
}

static bool is_protected_subscriber(const struct smf_session *s, const struct sbi_SmSubsData *d)
{
    for (uint32_t i = 0; i < d->items.n; i++)
        if (d->items.p[i].has.protected_subscriber && !str_is(d->items.p[i].protected_subscriber, "none"))
            return true;
    return false;
}

/* Subscription, addresses and UPF: all that can be refused before the AMF is answered. */
static uint8_t subscription_apply(struct smf_session *s, struct establishment *f)
{
    struct net_addr v4 = {0}, v6 = {0};
    if (!call_ok(f->subscription))
        return f->subscription->status == 404 ? NAS_GSM_CAUSE_REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED
                                              : NAS_GSM_CAUSE_NETWORK_FAILURE;
    const struct sbi_DnnConfiguration *d = subscription_find(s, f->subscription->rsp);
    if (!d)
        return NAS_GSM_CAUSE_REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED;
    if (!ssc_mode_1(&d->ssc_modes))
        return NAS_GSM_CAUSE_NOT_SUPPORTED_SSC_MODE;
    uint8_t cause = type_select(s, f->ask.pdu_type, &d->pdu_session_types, &f->said);
    if (cause)
        return cause;
    smf_qos_of_config(&s->qos, s->dnn->c);
    smf_qos_of_subscription(&s->qos, d);
    smf_security_of_config(s, s->dnn->c);
    smf_security_of_subscription(s, d);
    s->is_protected = is_protected_subscriber(s, f->subscription->rsp);
    if (s->is_protected || s->up_protection)
        smf_security_require(s);
    s->max_rate_ul = f->ask.max_rate_ul;
    s->max_rate_dl = f->ask.max_rate_dl;
    s->multi_homed = f->ask.multi_homed;
    fixed_addresses(d, &v4, &v6);
    if (smf_addresses_take(s, &v4, &v6) < 0)
        return NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES;
    s->upf = smf_upf_select(s->smf, s->dnn, s->is_protected);
    if (!s->upf)
        return NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES;
    s->upf->sessions++;
    return smf_classifier_insert(s, f->tac) < 0 ? NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES : 0;
}

/* ---- requests of this procedure ---- */

static bool snssai_put(struct sbi_Snssai *n, const struct smf_session *s, struct arena *a)
{
    return sbi_snssai_put(a, s->sst, s->has_sd, s->sd, n);
}

static struct call *subscription_new(struct smf_session *s)
{
    struct call *c = call_new(s->smf->rt, SBI_nudm_sdm_get_sm_data);
    SBI_REQ(nudm_sdm_get_sm_data) *q = c ? call_request(c) : NULL;
    if (!q) {
        call_done(c);
        return NULL;
    }
    q->supi = arena_str(&c->arena, smf_supi(s));
    q->has.single_nssai = q->has.dnn = 1;
    snssai_put(&q->single_nssai, s, &c->arena);
    q->dnn = s->dnn->c->name;
    return c;
}

static void addresses_put(struct sbi_SmPolicyContextData *d, const struct smf_session *s, struct arena *a)
{
    char text[NET_ADDR_TEXT];
    struct net_addr v4 = {.family = 4}, v6 = {.family = 6};
    if (s->v4 != POOL_NONE) {
        smf_ipv4(s, v4.ip);
        d->has.ipv4_address = 1;
        d->ipv4_address = arena_printf(a, "%s", addr_text(&v4, text));
    }
    if (s->v6 != POOL_NONE) {
        smf_ipv6_prefix(s, v6.ip);
        d->has.ipv6_address_prefix = 1;
        d->ipv6_address_prefix = arena_printf(a, "%s/64", addr_text(&v6, text));
    }
}
static void qos_put(struct sbi_SmPolicyContextData *d, const struct smf_qos *q, struct arena *a)
{
    struct sbi_SubscribedDefaultQos *p = &d->subs_def_qos;
    d->has.subs_sess_ambr = d->has.subs_def_qos = 1;
    d->subs_sess_ambr.uplink = sbi_bit_rate_put(a, q->ambr_ul_bps);
    d->subs_sess_ambr.downlink = sbi_bit_rate_put(a, q->ambr_dl_bps);
    p->x5qi = q->fiveqi;
    p->arp.priority_level = q->arp_priority;
    p->arp.preempt_cap =
        q->arp_may_preempt ? SBI_PreemptionCapability_MAY_PREEMPT : SBI_PreemptionCapability_NOT_PREEMPT;
    p->arp.preempt_vuln =
        q->arp_preemptable ? SBI_PreemptionVulnerability_PREEMPTABLE : SBI_PreemptionVulnerability_NOT_PREEMPTABLE;
}
/* Made while the create can still be read; sent after it was answered. */
static struct call *policy_new(struct smf_session *s, const struct sbi_SmContextCreateData *b)
{
    char ref[SMF_REF_OCTETS];
    struct call *c = call_new(s->smf->rt, SBI_npcf_sm_policy_create);
    SBI_REQ(npcf_sm_policy_create) *q = c ? call_request(c) : NULL;
    if (!q) {
        call_done(c);
        return NULL;
    }
    struct sbi_SmPolicyContextData *d = &q->body;
    d->supi = arena_str(&c->arena, smf_supi(s));
    d->has.pei = b->has.pei;
    d->pei = arena_str(&c->arena, b->pei);
    d->has.gpsi = b->has.gpsi;
    d->gpsi = arena_str(&c->arena, b->gpsi);
    d->pdu_session_id = s->id;
    d->pdu_session_type = s->pdu_type == NAS_PDU_IPV4   ? SBI_PduSessionType_IPV4
                          : s->pdu_type == NAS_PDU_IPV6 ? SBI_PduSessionType_IPV6
                          : s->pdu_type == NAS_PDU_ETHERNET ? SBI_PduSessionType_ETHERNET
                                                        : SBI_PduSessionType_IPV4V6;
    d->dnn = s->dnn->c->name;
    smf_ref_text(s, ref);
    d->notification_uri = call_callback_uri(s->smf->rt, &c->arena, SBI_NF_SMF, "sm-policy/%s", ref);
    d->has.access_type = 1;
    d->access_type = SBI_AccessType_3GPP_ACCESS;
    d->has.rat_type = 1;
    d->rat_type = SBI_RatType_NR;
    addresses_put(d, s, &c->arena);
    qos_put(d, &s->qos, &c->arena);
    snssai_put(&d->slice_info, s, &c->arena);
    return c;
}

static struct call *registration_new(struct smf_session *s)
{
    struct call *c = call_new(s->smf->rt, SBI_nudm_uecm_smf_register);
    SBI_REQ(nudm_uecm_smf_register) *q = c ? call_request(c) : NULL;
    if (!q || !sbi_plmn_put(&c->arena, s->plmn, &q->body.plmn_id)) {
        call_done(c);
        return NULL;
    }
    q->ue_id = arena_str(&c->arena, smf_supi(s));
    q->pdu_session_id = q->body.pdu_session_id = s->id;
    q->body.smf_instance_id = arena_str(&c->arena, str_of(s->smf->rt->nf[SBI_NF_SMF]->instance_id));
    snssai_put(&q->body.single_nssai, s, &c->arena);
    q->body.has.dnn = 1;
    q->body.dnn = s->dnn->c->name;
    return c;
}

/* Step 5. */
static void create_accept(struct smf_session *s, struct call **request)
{
    struct call *c = *request;
    SBI_RSP(nsmf_pdusession_create) *r = c->rsp;
    char ref[SMF_REF_OCTETS];
    const char *root = s->smf->rt->api_root;
    smf_ref_text(s, ref);
    r->has.pdu_session_id = r->has.location = r->has.s_nssai = 1;
    r->pdu_session_id = s->id;
    snssai_put(&r->s_nssai, s, &c->arena);
    r->location = arena_printf(&c->arena, "%s/nsmf-pdusession/v1/sm-contexts/%s", root ? root : "", ref);
    smf_answer(request, 201);
}

/* Step 7b. The session rules, or why not. */
static uint8_t policy_apply(struct smf_session *s, struct call *c)
{
    if (c->status == 503 && !s->smf->rt->nf[SBI_NF_PCF])
        return 0; /* step 7: no PCF, so the subscription and the configuration decide */
    if (!call_ok(c))
        return c->status >= 500 ? NAS_GSM_CAUSE_NETWORK_FAILURE : NAS_GSM_CAUSE_REQUEST_REJECTED_UNSPECIFIED;
    const SBI_RSP(npcf_sm_policy_create) *d = c->rsp;
    smf_qos_of_policy(&s->qos, d);
    if (d->has.location && !brief_set(&s->policy_id, sbi_uri_id(d->location)))
        return NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES;
    return 0;
}

static bool transfer_new(struct smf_session *s, struct establishment *f)
{
    struct bytes n1 = smf_n1_accept(s, &f->ask, f->said), n2 = smf_n2_setup_request(s);
    f->transfer = n1.p && n2.p ? smf_n1n2_new(s, n1, n2, SBI_NgapIeType_PDU_RES_SETUP_REQ) : NULL;
    return f->transfer != NULL;
}

/* After step 5 a refusal goes by its own message, and the AMF learns that the context is gone. */
static void refuse_late(struct smf_session *s, struct establishment *f)
{
    struct bytes n1 = smf_n1_reject(s->smf, s->id, f->ask.pti, NAS_PDU_SESSION_ESTABLISHMENT_REJECT, f->failure);
    struct call *c = n1.p ? smf_n1n2_new(s, n1, (struct bytes){NULL, 0}, 0) : NULL;
    if (c)
        call_notify(c);
    count_refusal(s->smf, smf_supi(s), s->id, f->failure);
}
/* A gNB that has set up resources has passed the accept on as well (TS 38.413 8.2.1.2). The phone would ignore a reject
 * then (TS 24.501 7.3.1): its session is released, and it may ask for another at once (6.3.3.2). */
static void undo(struct smf_session *s, struct establishment *f, struct call *request)
{
    struct smf *smf = s->smf;
    struct ref self = slab_ref(&smf->sessions, s);
    count_refusal(smf, smf_supi(s), s->id, f->failure);
    s->up_state = SMF_UP_ON;
    s->release_cause = NAS_GSM_CAUSE_REACTIVATION_REQUESTED;
    smf_release_by_network_start(s, &(struct smf_input){.event = SMF_EV_NETWORK_RELEASE, .call = request});
    s = slab_get(&smf->sessions, self);
    if (s && !s->proc) /* memory used up */
        smf_session_drop(s, true);
}

static void succeeded(struct smf_session *s, struct establishment *f)
{
    struct rt *rt = s->smf->rt;
    s->state = SMF_ACTIVE;
    if (!smf_trust_permits(s)) {
        s->release_cause = NAS_GSM_CAUSE_REACTIVATION_REQUESTED;
        s->pending |= SMF_PENDING_RELEASE;
    }
    smf_session_changed(s);
    metric_add(rt->metrics, METRIC_session_ok, 1);
    metric_observe(rt->metrics, METRIC_session_us, rt->now_us - f->f.p.started_us);
    LOG(rt->log, session_established, "ue=%s session=%u dnn=" STR_FMT " upf=" STR_FMT,
        log_identity(rt->log, smf_supi(s)).text, s->id, STR_ARG(s->dnn->c->name), STR_ARG(s->upf->c->name));
}

/* Step 14 and 15: the gNB's answer. The N4 change that follows from it has been sent, or f->failure says why not. */
static void access_take(struct smf_session *s, struct establishment *f, const struct wake *w)
{
    const struct smf_input *in = w->kind == WAKE_EVENT ? w->data : NULL;
    int err = OK;
    f->failure = NAS_GSM_CAUSE_NETWORK_FAILURE; /* the phone may try again at once */
    if (!in)
        return;
    f->f.request = in->call;
    f->gnb_has_it = in->event == SMF_EV_N2_ANSWER && in->n2_type == SBI_N2SmInfoType_PDU_RES_SETUP_RSP;
    if (in->event == SMF_EV_UP_OFF) {
        f->failure = 0;
        err = smf_n4_modify(&f->n4, &f->f.p, s, SMF_N4_BUFFER, NULL, NULL);
    } else if (in->n2_type == SBI_N2SmInfoType_PDU_RES_SETUP_RSP &&
               smf_n2_setup_response(s, in->n2, &s->an) == OK) {
        f->failure = 0;
        s->up_state = SMF_UP_ON;
        err = smf_n4_modify(&f->n4, &f->f.p, s, SMF_N4_FORWARD, &s->an, NULL);
    }
    if (err)
        f->failure = NAS_GSM_CAUSE_NETWORK_FAILURE;
}

static void run(struct proc *p, const struct wake *w)
{
    struct establishment *f = (struct establishment *)p;
    struct smf_session *s = p->owner;
    PROC_BEGIN(p);
    STEP(p, "4 subscription");
    f->failure = NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES;
    if (!(f->subscription = subscription_new(s)))
        goto refused;
    call_send(f->subscription, p);
    AWAIT_CALLS(p);
    f->failure = subscription_apply(s, f);
    call_done(f->subscription);
    if (f->failure)
        goto refused;

    STEP(p, "7b policy");
    f->failure = NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES;
    if (!(f->policy = policy_new(s, &((SBI_REQ(nsmf_pdusession_create) *)f->f.request->req)->body)))
        goto refused;
    create_accept(s, &f->f.request); /* step 5 */
    call_send(f->policy, p);
    AWAIT_CALLS(p);
    f->failure = policy_apply(s, f->policy);
    call_done(f->policy);
    if (f->failure)
        goto refused;

    STEP(p, "10 N4 session");
    f->failure = NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES;
    if ((f->is_overtaken = smf_session_is_overtaken(s)))
        goto refused;
    if (s->anchor) { /* its end of N9 is what the classifier sends to */
        if (smf_n4_anchor_establish(&f->n4, p, s) < 0)
            goto refused;
        AWAIT_CALLS(p);
        if (!smf_n4_anchor_established(&f->n4, s))
            goto refused;
        pfcp_call_drop(&f->n4);
    }
    do {
        if (smf_n4_establish(&f->n4, p, s) < 0)
            goto refused;
        AWAIT_CALLS(p);
    } while (smf_n4_again(&f->n4, s));
    if (!smf_n4_established(&f->n4, s))
        goto refused;
    pfcp_call_drop(&f->n4);
    if (s->anchor) {
        if (smf_n4_anchor_modify(&f->n4, p, s, SMF_N4_FORWARD, NULL) < 0)
            goto refused;
        AWAIT_CALLS(p);
        if (!smf_n4_anchor_modified(&f->n4, s))
            goto refused;
        pfcp_call_drop(&f->n4);
    }

    STEP(p, "11 N1 and N2");
    if ((f->is_overtaken = smf_session_is_overtaken(s))) /* neither the phone nor its gNB ever hears of this one */
        goto refused;
    if (!transfer_new(s, f))
        goto refused;
    s->up_state = SMF_UP_ACTIVATING;
    call_send(f->transfer, p);
    AWAIT_CALLS(p);
    f->failure = smf_was_transferred(f->transfer) ? 0 : NAS_GSM_CAUSE_NETWORK_FAILURE;
    call_done(f->transfer);
    if (f->failure)
        goto refused;

    STEP(p, "15 answer of the gNB");
    SMF_AWAIT_EVENT(s, p, N2_WAIT_US);
    s->up_state = SMF_UP_OFF;
    access_take(s, f, w);
    if (f->failure)
        goto refused;
    STEP(p, "16 N4 change, registration in the UDM");
    f->registration = registration_new(s);
    if (f->registration) {
        s->is_registered = true; /* should the procedure be aborted now, it is undone all the same */
        call_send(f->registration, p);
    }
    AWAIT_CALLS(p);
    s->is_registered = f->registration && call_ok(f->registration);
    call_done(f->registration);
    if (!smf_n4_modified(&f->n4, s)) {
        f->failure = NAS_GSM_CAUSE_NETWORK_FAILURE;
        goto refused;
    }
    succeeded(s, f);
    smf_update_answer(&f->f.request, (struct bytes){NULL, 0}, (struct bytes){NULL, 0}, 0,
                      s->up_state == SMF_UP_ON ? SBI_UpCnxState_ACTIVATED : SBI_UpCnxState_DEACTIVATED);
    goto out;
refused:
    p->result = PROC_FAILED;
out:;
    PROC_END(p);
}

static void ended(struct proc *p, int outcome)
{
    struct establishment *f = (struct establishment *)p;
    struct smf_session *s = p->owner;
    struct smf *smf = s->smf;
    struct call *request = f->f.request;
    smf_admit_end(s);
    if (outcome != PROC_FAILED) {
        smf_proc_ended(p, outcome); /* aborted: whoever did it sees to the session */
        return;
    }
    s->proc = NULL;
    if (request && request->op == SBI_nsmf_pdusession_create) {
        smf_session_drop(s, false);
        refuse(smf, request, f->ask.pti, f->failure);
        return;
    }
    if (f->gnb_has_it) {
        undo(s, f, request);
        return;
    }
    if (!f->is_overtaken)
        refuse_late(s, f);
    smf_update_answer(&request, (struct bytes){NULL, 0}, (struct bytes){NULL, 0}, 0, SBI_UpCnxState_DEACTIVATED);
    smf_session_drop(s, !f->is_overtaken);
}
static const struct proc_type type = {"PDU session establishment", sizeof(struct establishment), run, ended};

/* ---- Nsmf_PDUSession_CreateSMContext ---- */

static bool plmn_take(struct smf_session *s, const struct sbi_PlmnIdNid *p)
{
    char mcc[4], mnc[4];
    return str_copy(mcc, sizeof mcc, p->mcc) && str_copy(mnc, sizeof mnc, p->mnc) && plmn_of(s->plmn, mcc, mnc);
}
static const char *missing(const struct sbi_SmContextCreateData *b)
{
    return !b->has.supi             ? "supi"
           : !b->has.pdu_session_id ? "pduSessionId"
           : !b->has.s_nssai        ? "sNssai"
           : !b->has.n1_sm_msg      ? "n1SmMsg"
                                    : NULL;
}
/* TS 29.502 5.2.2.2.1: a create for an identity in use takes its place, without a word to the UE; so does the
 * repetition of a request whose answer was lost. False: not before the old one can be undone; the call waits. */
static bool replace(struct smf *smf, struct call *c, struct str supi, uint8_t id)
{
    struct smf_session *old = smf_session_find(smf, supi, id);
    if (!old)
        return true;
    if (!smf_can_take_over(old)) {
        list_append(&old->waiting, &c->on_producer);
        return false;
    }
    proc_abort(old->proc);
    smf_session_drop(old, false);
    return true;
}

uint32_t smf_tac_of(bool has, const struct sbi_UserLocation *l)
{
    uint8_t tac[3];
    return has && l->has.nr_location && hex_get(tac, 3, l->nr_location.tai.tac) ? be24(tac) : 0;
}

void smf_create(void *state, struct call *c)
{
    struct smf *smf = state;
    const struct sbi_SmContextCreateData *b = &((SBI_REQ(nsmf_pdusession_create) *)c->req)->body;
    struct smf_session *s;
    struct smf_ask ask = {0};
    uint8_t cause;
    smf_config_follow(smf);
    if (missing(b)) {
        call_problem(c, 400, "MANDATORY_IE_MISSING", missing(b));
        return;
    }
    if (b->pdu_session_id < 1 || b->pdu_session_id > SMF_PSI_MAX || b->sm_context_status_uri.n > SMF_URI_MAX ||
        b->supi.n > SMF_SUPI_MAX) {
        call_problem(c, 400, "MANDATORY_IE_INCORRECT", "pduSessionId, smContextStatusUri or supi");
        return;
    }
    if (request_read(smf, b->n1_sm_msg, b->pdu_session_id, &ask, &cause) < 0) {
        refuse(smf, c, ask.pti, cause ? cause : NAS_GSM_CAUSE_PROTOCOL_ERROR_UNSPECIFIED);
        return;
    }
    if (!replace(smf, c, b->supi, (uint8_t)b->pdu_session_id))
        return;
    metric_add(smf->rt->metrics, METRIC_session_try, 1);
    if (smf_session_new(smf, b->supi, (uint8_t)b->pdu_session_id, &s) < 0) {
        refuse(smf, c, ask.pti, NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES);
        return;
    }
    s->up_protection = b->has.up_protection && b->up_protection;
    s->sst = (uint8_t)b->s_nssai.sst;
    s->has_sd = snssai_sd(&b->s_nssai, s->sd);
    s->status_uri = intern_of(&smf->texts, b->sm_context_status_uri, b->supi);
    cause = s->status_uri ? request_check(s, b, &ask) : NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES;
    if (!cause)
        cause = smf_admit(s);
    if (!cause && !plmn_take(s, &b->serving_network))
        cause = NAS_GSM_CAUSE_REQUEST_REJECTED_UNSPECIFIED;
    struct establishment *f = cause ? NULL : proc_new(smf->rt, &type, s);
    if (!f) {
        smf_session_drop(s, false);
        refuse(smf, c, ask.pti, cause ? cause : NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES);
        return;
    }
    f->f.request = c;
    f->ask = ask;
    f->tac = smf_tac_of(b->has.ue_location, &b->ue_location);
    s->proc = &f->f.p;
    s->running = SMF_RUN_ESTABLISHMENT;
    proc_start(&f->f.p);
}
