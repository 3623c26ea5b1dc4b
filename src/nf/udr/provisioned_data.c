/* SPDX-License-Identifier: Apache-2.0 */
/* What a subscriber may use: TS 29.505 5.2.1, policy data TS 29.519 5.4. */
#include "codec/sbi_text.h"
#include "nf/udr/udr.h"
#include <stdio.h>

static bool ambr(struct arena *a, uint64_t up, uint64_t down, struct sbi_Ambr *out)
{
    if (!up || !down)
        return false;
    out->uplink = sbi_bit_rate_put(a, up);
    out->downlink = sbi_bit_rate_put(a, down);
    return out->uplink.p && out->downlink.p;
}
static struct sbi_Snssai snssai(struct arena *a, const struct subscriber_slice *s)
{
    struct sbi_Snssai out = {0};
    sbi_snssai_put(a, s->sst, s->has_sd, s->sd, &out);
    return out;
}
static struct str snssai_key(struct arena *a, const struct subscriber_slice *s) /* TS 29.571 5.4.4.2 */
{
    return s->has_sd ? arena_printf(a, "%u-%06x", s->sst, be24(s->sd))
                     : arena_printf(a, "%u", s->sst);
}
static bool slice_is(const struct subscriber_slice *s, const struct sbi_Snssai *wanted)
{
    uint8_t sd[3] = {0xff, 0xff, 0xff}, own[3] = {0xff, 0xff, 0xff}; /* TS 23.003 28.4.2: no SD */
    if (wanted->has.sd && !hex_get(sd, 3, wanted->sd))
        return false;
    if (s->has_sd)
        memcpy(own, s->sd, 3);
    return s->sst == wanted->sst && memcmp(own, sd, 3) == 0;
}
static bool name_is(struct str a, struct str b) /* DNNs are compared without case, RFC 4343 */
{
    if (a.n != b.n)
        return false;
    for (uint32_t i = 0; i < a.n; i++) {
        char x = a.p[i], y = b.p[i];
        x = (char)(x >= 'A' && x <= 'Z' ? x + 32 : x);
        y = (char)(y >= 'A' && y <= 'Z' ? y + 32 : y);
        if (x != y)
            return false;
    }
    return true;
}

/* ---- access and mobility ---- */
static int fill_am(struct arena *a, const struct subscriber_profile *p,
                   struct sbi_AccessAndMobilitySubscriptionData *m)
{
    struct sbi_Snssai *defaults = arena_zero(a, SUBSCRIBER_SLICES * sizeof *defaults);
    struct sbi_Snssai *others = arena_zero(a, SUBSCRIBER_SLICES * sizeof *others);
    uint32_t n_default = 0, n_other = 0;
    if (!defaults || !others)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < p->n_slices; i++) {
        struct sbi_Snssai *s = p->slices[i].is_default ? &defaults[n_default++] : &others[n_other++];
        *s = snssai(a, &p->slices[i]);
        if (s->has.sd && !s->sd.p)
            return ERR_NOSPACE;
    }
    m->has.nssai = n_default != 0;
    m->nssai.default_single_nssais.p = defaults;
    m->nssai.default_single_nssais.n = n_default;
    m->nssai.has.single_nssais = n_other != 0;
    m->nssai.single_nssais.p = others;
    m->nssai.single_nssais.n = n_other;
    m->has.protected_subscriber = p->is_protected != 0;
    m->protected_subscriber = str_of(subscriber_protected_text(p->is_protected));
    m->has.subscribed_ue_ambr = ambr(a, p->ambr_up_bps, p->ambr_down_bps, &m->subscribed_ue_ambr);
    return OK;
}
static int fill_smf_sel(struct arena *a, const struct subscriber_profile *p,
                        struct sbi_SmfSelectionSubscriptionData *m)
{
    struct sbi_entry_SnssaiInfo *slices = arena_zero(a, p->n_slices * sizeof *slices);
    struct sbi_DnnInfo *dnns = arena_zero(a, p->n_dnns * sizeof *dnns);
    uint32_t n = 0;
    if (!slices || !dnns)
        return ERR_NOSPACE;
    m->has.subscribed_snssai_infos = 1;
    m->subscribed_snssai_infos.p = slices;
    for (uint32_t i = 0; i < p->n_slices; i++) {
        struct sbi_entry_SnssaiInfo *s = &slices[m->subscribed_snssai_infos.n];
        s->key = snssai_key(a, &p->slices[i]);
        s->value.dnn_infos.p = &dnns[n];
        for (uint32_t j = 0; j < p->n_dnns; j++) {
            if (p->dnns[j].slice != i)
                continue;
            struct sbi_DnnInfo *d = &dnns[n++];
            d->dnn = arena_str(a, p->dnns[j].name);
            d->has.default_dnn_indicator = d->default_dnn_indicator = p->dnns[j].is_default;
            s->value.dnn_infos.n++;
            if (!d->dnn.p)
                return ERR_NOSPACE;
        }
        m->subscribed_snssai_infos.n += s->value.dnn_infos.n != 0;
        if (!s->key.p)
            return ERR_NOSPACE;
    }
    return OK;
}

/* ---- session management ---- */
static enum sbi_PduSessionType type_code(uint8_t type)
{
    return type == SUBSCRIBER_IPV6     ? SBI_PduSessionType_IPV6
           : type == SUBSCRIBER_IPV4V6 ? SBI_PduSessionType_IPV4V6
           : type == SUBSCRIBER_ETHERNET ? SBI_PduSessionType_ETHERNET
                                       : SBI_PduSessionType_IPV4;
}
static int fill_static(struct arena *a, const struct subscriber *s, struct str dnn, struct sbi_DnnConfiguration *m)
{
    struct sbi_IpAddress *ip = NULL;
    for (uint32_t i = 0; i < s->n_static; i++) {
        char text[NET_ADDR_TEXT];
        const struct net_addr *addr = &s->fixed[i].addr;
        if (!name_is(s->fixed[i].dnn, dnn) || m->static_ip_address.n == 2)
            continue;
        if (!ip && !(ip = arena_zero(a, 2 * sizeof *ip)))
            return ERR_NOSPACE;
        struct sbi_IpAddress *to = &ip[m->static_ip_address.n++];
        addr_text(addr, text);
        to->has.ipv4_addr = addr->family == 4;
        to->has.ipv6_prefix = addr->family == 6;
        if (addr->family == 4)
            to->ipv4_addr = arena_printf(a, "%s", text);
        else
            to->ipv6_prefix = arena_printf(a, "%s/64", text);
    }
    m->has.static_ip_address = ip != NULL;
    m->static_ip_address.p = ip;
    return OK;
}
static void fill_qos(const struct subscriber_dnn *d, struct sbi_DnnConfiguration *m)
{
    m->has.x5g_qos_profile = d->fiveqi != 0;
    m->x5g_qos_profile.x5qi = d->fiveqi;
    m->x5g_qos_profile.arp.priority_level = d->arp_priority ? d->arp_priority : 8;
    m->x5g_qos_profile.arp.preempt_cap =
        d->may_preempt ? SBI_PreemptionCapability_MAY_PREEMPT : SBI_PreemptionCapability_NOT_PREEMPT;
    m->x5g_qos_profile.arp.preempt_vuln = d->preemptable ? SBI_PreemptionVulnerability_PREEMPTABLE
                                                         : SBI_PreemptionVulnerability_NOT_PREEMPTABLE;
    m->has.up_security = d->up_integrity && d->up_ciphering && d->up_integrity < SBI_UpIntegrity_MAX &&
                         d->up_ciphering < SBI_UpConfidentiality_MAX;
    m->up_security.up_integr = (enum sbi_UpIntegrity)d->up_integrity;
    m->up_security.up_confid = (enum sbi_UpConfidentiality)d->up_ciphering;
}
static int fill_dnn(struct arena *a, const struct subscriber *s, const struct subscriber_dnn *d,
                    struct sbi_entry_DnnConfiguration *e)
{
    static const enum sbi_SscMode ssc[] = {SBI_SscMode_SSC_MODE_1};
    struct sbi_DnnConfiguration *m = &e->value;
    enum sbi_PduSessionType *types = arena_take(a, 4 * sizeof *types);
    e->key = arena_str(a, d->name);
    if (!types || !e->key.p)
        return ERR_NOSPACE;
    m->pdu_session_types.has.default_session_type = m->pdu_session_types.has.allowed_session_types = 1;
    m->pdu_session_types.default_session_type = type_code(d->default_type);
    m->pdu_session_types.allowed_session_types.p = types;
    for (uint8_t t = SUBSCRIBER_IPV4; t <= SUBSCRIBER_ETHERNET; t = (uint8_t)(t << 1))
        if (d->types & t)
            types[m->pdu_session_types.allowed_session_types.n++] = type_code(t);
    m->ssc_modes.default_ssc_mode = SBI_SscMode_SSC_MODE_1;
    m->ssc_modes.has.allowed_ssc_modes = 1;
    m->ssc_modes.allowed_ssc_modes.p = ssc;
    m->ssc_modes.allowed_ssc_modes.n = 1;
    m->has.session_ambr = ambr(a, d->ambr_up_bps, d->ambr_down_bps, &m->session_ambr);
    fill_qos(d, m);
    return fill_static(a, s, d->name, m);
}

struct sm_wanted { /* NULL: any */
    const struct sbi_Snssai *snssai;
    const struct str *dnn;
};
static int fill_slice(struct arena *a, const struct subscriber *s, const struct subscriber_profile *p, uint32_t slice,
                      const struct sm_wanted *want, struct sbi_SessionManagementSubscriptionData *m)
{
    uint32_t n = 0;
    for (uint32_t j = 0; j < p->n_dnns; j++)
        n += p->dnns[j].slice == slice && (!want->dnn || name_is(p->dnns[j].name, *want->dnn));
    if (!n)
        return ERR_NOTFOUND;
    struct sbi_entry_DnnConfiguration *dnns = arena_zero(a, n * sizeof *dnns);
    if (!dnns)
        return ERR_NOSPACE;
    m->single_nssai = snssai(a, &p->slices[slice]);
    m->has.protected_subscriber = p->is_protected != 0;
    m->protected_subscriber = str_of(subscriber_protected_text(p->is_protected));
    m->has.dnn_configurations = 1;
    m->dnn_configurations.p = dnns;
    int e = OK;
    for (uint32_t j = 0; e == OK && j < p->n_dnns; j++)
        if (p->dnns[j].slice == slice && (!want->dnn || name_is(p->dnns[j].name, *want->dnn)))
            e = fill_dnn(a, s, &p->dnns[j], &dnns[m->dnn_configurations.n++]);
    return e;
}
/* The number of slices with something to offer, or an error. */
static int fill_sm(struct arena *a, const struct subscriber *s, const struct subscriber_profile *p,
                   const struct sm_wanted *want, struct sbi_SessionManagementSubscriptionData **out)
{
    int n = 0;
    *out = arena_zero(a, p->n_slices * sizeof **out);
    if (!*out)
        return ERR_NOSPACE;
    for (uint32_t i = 0; i < p->n_slices; i++) {
        if (want->snssai && !slice_is(&p->slices[i], want->snssai))
            continue;
        int e = fill_slice(a, s, p, i, want, &(*out)[n]);
        if (e < 0 && e != ERR_NOTFOUND)
            return e;
        n += e == OK;
    }
    return n;
}

/* ---- operations ---- */
/* Reads both rows; what the profile's slices point into is the caller's block. False: answered. */
static bool load(struct udr *u, struct call *c, struct str ue_id, struct arena *a, struct subscriber *s,
                 struct subscriber_profile *p)
{
    if (!udr_subscriber(u, c, ue_id, s))
        return false;
    int e = subscriber_profile_get(u->rt->store, s->profile, a, p);
    if (e < 0)
        udr_refuse(u, c, e, STORE_profile, "DATA_NOT_FOUND");
    return e == OK;
}

void udr_provisioned_get(void *state, struct call *c)
{
    const SBI_REQ(nudr_dr_provisioned_get) *q = c->req;
    SBI_RSP(nudr_dr_provisioned_get) *r = c->rsp;
    uint8_t memory[SUBSCRIBER_PROFILE_OCTETS];
    struct arena scratch = arena_over(memory, sizeof memory);
    struct subscriber s;
    struct subscriber_profile p;
    bool all = !q->has.dataset_names, am = all, sel = all, sm = all;
    for (uint32_t i = 0; i < q->dataset_names.n; i++) {
        am |= str_is(q->dataset_names.p[i], "AM");
        sel |= str_is(q->dataset_names.p[i], "SMF_SEL");
        sm |= str_is(q->dataset_names.p[i], "SM");
    }
    if (load(state, c, q->ue_id, &scratch, &s, &p)) {
        struct sbi_SessionManagementSubscriptionData *items = NULL;
        int e = am ? fill_am(&c->arena, &p, &r->am_data) : OK;
        if (e == OK && sel)
            e = fill_smf_sel(&c->arena, &p, &r->smf_sel_data);
        int n = e == OK && sm ? fill_sm(&c->arena, &s, &p, &(struct sm_wanted){0}, &items) : 0;
        r->has.am_data = am;
        r->has.smf_sel_data = sel;
        r->has.sm_data = n > 0;
        r->sm_data.p = items;
        r->sm_data.n = n > 0 ? (uint32_t)n : 0;
        if (e < 0 || n < 0)
            udr_refuse(state, c, e < 0 ? e : n, STORE_profile, "DATA_NOT_FOUND");
        else
            call_reply(c, 200);
    }
    secret_wipe(&s, sizeof s);
}

void udr_sm_data_get(void *state, struct call *c)
{
    const SBI_REQ(nudr_dr_sm_data_get) *q = c->req;
    SBI_RSP(nudr_dr_sm_data_get) *r = c->rsp;
    uint8_t memory[SUBSCRIBER_PROFILE_OCTETS];
    struct arena scratch = arena_over(memory, sizeof memory);
    struct subscriber s;
    struct subscriber_profile p;
    if (load(state, c, q->ue_id, &scratch, &s, &p)) {
        struct sbi_SessionManagementSubscriptionData *items = NULL;
        struct sm_wanted want = {q->has.single_nssai ? &q->single_nssai : NULL, q->has.dnn ? &q->dnn : NULL};
        int n = fill_sm(&c->arena, &s, &p, &want, &items);
        r->items.p = items;
        r->items.n = n > 0 ? (uint32_t)n : 0;
        if (n <= 0)
            udr_refuse(state, c, n < 0 ? n : ERR_NOTFOUND, STORE_profile, "DATA_NOT_FOUND");
        else
            call_reply(c, 200);
    }
    secret_wipe(&s, sizeof s);
}

void udr_am_policy_get(void *state, struct call *c)
{
    const SBI_REQ(nudr_dr_am_policy_get) *q = c->req;
    struct subscriber s;
    if (udr_subscriber(state, c, q->ue_id, &s))
        call_reply(c, 200);
    secret_wipe(&s, sizeof s);
}

static int fill_sm_policy(struct arena *a, const struct subscriber_profile *p, const struct sm_wanted *want,
                          struct sbi_SmPolicyData *m)
{
    struct sbi_entry_SmPolicySnssaiData *slices = arena_zero(a, p->n_slices * sizeof *slices);
    struct sbi_entry_SmPolicyDnnData *dnns = arena_zero(a, p->n_dnns * sizeof *dnns);
    uint32_t n = 0;
    if (!slices || !dnns)
        return ERR_NOSPACE;
    m->sm_policy_snssai_data.p = slices;
    for (uint32_t i = 0; i < p->n_slices; i++) {
        if (want->snssai && !slice_is(&p->slices[i], want->snssai))
            continue;
        struct sbi_entry_SmPolicySnssaiData *s = &slices[m->sm_policy_snssai_data.n];
        uint32_t first = n;
        for (uint32_t j = 0; j < p->n_dnns; j++) {
            if (p->dnns[j].slice != i || (want->dnn && !name_is(p->dnns[j].name, *want->dnn)))
                continue;
            dnns[n].key = dnns[n].value.dnn = arena_str(a, p->dnns[j].name);
            if (!dnns[n++].key.p)
                return ERR_NOSPACE;
        }
        s->key = snssai_key(a, &p->slices[i]);
        s->value.snssai = snssai(a, &p->slices[i]);
        s->value.has.sm_policy_dnn_data = n > first;
        s->value.sm_policy_dnn_data.p = &dnns[first];
        s->value.sm_policy_dnn_data.n = n - first;
        m->sm_policy_snssai_data.n += n > first;
    }
    return m->sm_policy_snssai_data.n ? OK : ERR_NOTFOUND;
}
void udr_sm_policy_get(void *state, struct call *c)
{
    const SBI_REQ(nudr_dr_sm_policy_get) *q = c->req;
    uint8_t memory[SUBSCRIBER_PROFILE_OCTETS];
    struct arena scratch = arena_over(memory, sizeof memory);
    struct subscriber s;
    struct subscriber_profile p;
    if (load(state, c, q->ue_id, &scratch, &s, &p)) {
        struct sm_wanted want = {q->has.snssai ? &q->snssai : NULL, q->has.dnn ? &q->dnn : NULL};
        int e = fill_sm_policy(&c->arena, &p, &want, c->rsp);
        if (e < 0)
            udr_refuse(state, c, e, STORE_profile, "DATA_NOT_FOUND");
        else
            call_reply(c, 200);
    }
    secret_wipe(&s, sizeof s);
}
