/* SPDX-License-Identifier: Apache-2.0 */
/* 5GSM messages to the UE, TS 24.501 8.3. */
#include "nf/smf/smf.h"
#include "base/err.h"
#include "base/wire.h"

static const struct smf_refusal refusals[] = {
    /* TS 24.501 6.4.1.4: #26, #67 and #69 come with a back-off timer */
    {NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES, 500, "INSUFFICIENT_RESOURCES_SLICE_DNN", true},
    {NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE, 500, "INSUFFICIENT_RESOURCES_SLICE", true},
    {NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN, 403, "DNN_DENIED", false},
    {NAS_GSM_CAUSE_UNKNOWN_PDU_SESSION_TYPE, 403, "PDUTYPE_NOT_SUPPORTED", false},
    {NAS_GSM_CAUSE_REQUEST_REJECTED_UNSPECIFIED, 403, "N1_SM_ERROR", false},
    {NAS_GSM_CAUSE_SERVICE_OPTION_NOT_SUPPORTED, 403, "N1_SM_ERROR", false},
    {NAS_GSM_CAUSE_REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED, 403, "SUBSCRIPTION_DENIED", false},
    {NAS_GSM_CAUSE_NETWORK_FAILURE, 504, "NETWORK_FAILURE", false},
    {NAS_GSM_CAUSE_PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED, 403, "PDUTYPE_DENIED", false},
    {NAS_GSM_CAUSE_PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED, 403, "PDUTYPE_DENIED", false},
    {NAS_GSM_CAUSE_PDU_SESSION_TYPE_ETHERNET_ONLY_ALLOWED, 403, "PDUTYPE_DENIED", false},
    {NAS_GSM_CAUSE_PDU_SESSION_DOES_NOT_EXIST, 403, "N1_SM_ERROR", false},
    {NAS_GSM_CAUSE_NOT_SUPPORTED_SSC_MODE, 403, "SSC_NOT_SUPPORTED", false},
    {NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN_IN_A_SLICE, 403, "DNN_DENIED", false},
    {NAS_GSM_CAUSE_INTEGRITY_RATE_TOO_LOW, 403, "INTEGRITY_PROTECTED_MDR_NOT_ACCEPTABLE", false},
};
const struct smf_refusal *smf_refusal_of(uint8_t cause)
{
    static const struct smf_refusal other = {NAS_GSM_CAUSE_PROTOCOL_ERROR_UNSPECIFIED, 403, "N1_SM_ERROR", false};
    for (unsigned i = 0; i < ARRAY_LEN(refusals); i++)
        if (refusals[i].cause == cause)
            return &refusals[i];
    return &other;
}

static struct nas_msg message(enum nas_type type, uint8_t psi, uint8_t pti)
{
    struct nas_msg m;
    nas_msg_init(&m, type);
    m.pdu_session_id = psi;
    m.pti = pti;
    return m;
}
static struct bytes made(struct smf *smf, const struct nas_msg *m)
{
    int n = nas_encode(m, smf->out, SMF_NAS_MAX);
    return n > 0 ? (struct bytes){smf->out, (uint32_t)n} : (struct bytes){NULL, 0};
}

/* ---- extended protocol configuration options, TS 24.008 10.5.6.3 ---- */

enum { CONFIGURE_REQUEST = 1, CONFIGURE_NAK = 3 }; /* of IPCP, RFC 1661 5 */

void smf_ask_pco(struct smf_ask *ask, const struct nas_pco *pco)
{
    for (uint32_t i = 0; i < pco->n; i++) {
        switch (pco->item[i].id) {
        case NAS_PCO_DNS_IPV4: ask->dns4 = true; break;
        case NAS_PCO_DNS_IPV6: ask->dns6 = true; break;
        case NAS_PCO_P_CSCF_IPV4: ask->pcscf4 = true; break;
        case NAS_PCO_P_CSCF_IPV6: ask->pcscf6 = true; break;
        case NAS_PCO_IPV4_MTU: ask->mtu4 = true; break;
        case NAS_PCO_IPCP:
            if (pco->item[i].value.n >= 4 && pco->item[i].value.p[0] == CONFIGURE_REQUEST) {
                ask->ipcp = true;
                ask->ipcp_id = pco->item[i].value.p[1];
            }
            break;
        default: break; /* what is not known is passed over */
        }
    }
}

enum { PCO_ITEMS = 16, IPCP_MAX = 16 };
struct pco_room {
    struct nas_pco pco;
    struct nas_pco_item item[PCO_ITEMS];
    uint8_t mtu[2], ipcp[IPCP_MAX];
};
static void pco_add(struct pco_room *r, uint16_t id, const uint8_t *p, uint32_t n)
{
    if (r->pco.n < PCO_ITEMS)
        r->item[r->pco.n++] = (struct nas_pco_item){id, {p, n}};
}
/* The phone's PPP stack asked by IPCP (RFC 1877 options 129 and 131): Configure-Nak with the values. */
static void ipcp_add(struct pco_room *r, const struct smf_ask *ask, const struct config_dnn *c)
{
    enum { DNS1 = 129, DNS2 = 131 };
    struct wr w = wr_over(r->ipcp, sizeof r->ipcp);
    wr_u8(&w, CONFIGURE_NAK);
    wr_u8(&w, ask->ipcp_id);
    wr_octets(&w, 2);
    for (uint32_t i = 0; i < c->n_dns4 && i < 2; i++) {
        wr_u8(&w, i ? DNS2 : DNS1);
        wr_u8(&w, 6);
        wr_bytes(&w, (struct bytes){c->dns4[i].ip, 4});
    }
    put_be16(r->ipcp + 2, (uint16_t)w.n);
    if (c->n_dns4)
        pco_add(r, NAS_PCO_IPCP, r->ipcp, w.n);
}
/* Answers what was asked, as far as it concerns the session's type. True: there is something to say. */
static bool pco_fill(struct pco_room *r, const struct smf_ask *ask, const struct smf_session *s)
{
    const struct config_dnn *c = s->dnn->c;
    r->pco = (struct nas_pco){0, r->item};
    if (s->pdu_type == NAS_PDU_ETHERNET) /* nothing of IP is ours to say */
        return false;
    if (ask->ipcp && smf_has_ipv4(s->pdu_type))
        ipcp_add(r, ask, c);
    for (uint32_t i = 0; ask->dns4 && i < c->n_dns4; i++)
        pco_add(r, NAS_PCO_DNS_IPV4, c->dns4[i].ip, 4);
    for (uint32_t i = 0; ask->dns6 && i < c->n_dns6; i++)
        pco_add(r, NAS_PCO_DNS_IPV6, c->dns6[i].ip, 16);
    for (uint32_t i = 0; i < c->n_pcscf; i++) {
        if (c->pcscf[i].family == 4 && ask->pcscf4)
            pco_add(r, NAS_PCO_P_CSCF_IPV4, c->pcscf[i].ip, 4);
        else if (c->pcscf[i].family == 6 && ask->pcscf6)
            pco_add(r, NAS_PCO_P_CSCF_IPV6, c->pcscf[i].ip, 16);
    }
    if (ask->mtu4 && smf_has_ipv4(s->pdu_type)) {
        put_be16(r->mtu, (uint16_t)c->mtu);
        pco_add(r, NAS_PCO_IPV4_MTU, r->mtu, 2);
    }
    return r->pco.n > 0;
}

/* ---- messages ---- */

static struct nas_ambr ambr_of(const struct smf_qos *q)
{
    return (struct nas_ambr){nas_rate_of_kbps((q->ambr_dl_bps + 999) / 1000),
                             nas_rate_of_kbps((q->ambr_ul_bps + 999) / 1000)};
}
static struct nas_qos_flow flow_of(const struct smf_qos *q, enum nas_flow_op op)
{
    struct nas_qos_flow f = {.qfi = SMF_QFI, .op = (uint8_t)op, .e = true, .fiveqi = q->fiveqi};
    f.has.fiveqi = 1;
    return f;
}
static struct nas_pdu_address address_of(const struct smf_session *s)
{
    struct nas_pdu_address a = {.type = s->pdu_type};
    if (s->v4 != POOL_NONE)
        smf_ipv4(s, a.ipv4);
    if (s->v6 != POOL_NONE)
        smf_ipv6_iid(s, a.iid);
    return a;
}

struct bytes smf_n1_accept(struct smf_session *s, const struct smf_ask *ask, uint8_t gsm_cause)
{
    struct nas_msg m = message(NAS_PDU_SESSION_ESTABLISHMENT_ACCEPT, s->id, ask->pti);
    struct nas_pdu_session_establishment_accept *a = &m.pdu_session_establishment_accept;
    static const struct nas_component any = {NAS_PF_MATCH_ALL, {NULL, 0}};
    struct nas_filter filter = {.id = 1, .direction = NAS_FILTER_BOTH, .n = 1, .component = &any};
    struct nas_qos_rule rule = {.id = 1, .op = NAS_RULE_CREATE, .dqr = true, .has_precedence = true, .has_qfi = true,
                                .precedence = 255, .qfi = SMF_QFI, .n = 1, .filter = &filter};
    struct nas_qos_flow flow = flow_of(&s->qos, NAS_FLOW_CREATE);
    struct pco_room pco;
    a->selected_pdu_session_type = s->pdu_type;
    a->selected_ssc_mode = 1;
    a->authorized_qos_rules = (struct nas_qos_rules){1, &rule};
    a->session_ambr = ambr_of(&s->qos);
    a->has.gsm_cause = gsm_cause != 0;
    a->gsm_cause = gsm_cause;
    a->has.pdu_address = s->pdu_type != NAS_PDU_ETHERNET; /* 8.3.2.5 */
    a->pdu_address = address_of(s);
    a->has.s_nssai = 1;
    a->s_nssai = (struct nas_s_nssai){.sst = s->sst, .has_sd = s->has_sd, .sd = be24(s->sd)};
    a->has.always_on_pdu_session_indication = ask->has_always_on; /* not allowed: 0, 6.4.1.3 */
    a->has.authorized_qos_flow_descriptions = 1;
    a->authorized_qos_flow_descriptions = (struct nas_qos_flows){1, &flow};
    a->has.extended_protocol_configuration_options = pco_fill(&pco, ask, s);
    a->extended_protocol_configuration_options = pco.pco;
    a->has.dnn = 1;
    a->dnn = s->dnn->c->name;
    return made(s->smf, &m);
}

struct bytes smf_n1_reject(struct smf *smf, uint8_t psi, uint8_t pti, enum nas_type type, uint8_t cause)
{
    struct nas_msg m = message(type, psi, pti);
    const struct smf_refusal *why = smf_refusal_of(cause);
    uint32_t t_s = smf->config->smf.t3396_s;
    uint32_t wait_s = why->cause == cause && why->waits ? t_s + (uint32_t)(rt_random(smf->rt) % (t_s / 4 + 1)) : 0;
    if (type == NAS_PDU_SESSION_ESTABLISHMENT_REJECT) {
        struct nas_pdu_session_establishment_reject *r = &m.pdu_session_establishment_reject;
        r->gsm_cause = cause;
        r->has.back_off_timer_value = wait_s != 0;
        r->back_off_timer_value = nas_timer3_of(wait_s);
        r->has.allowed_ssc_mode = cause == NAS_GSM_CAUSE_NOT_SUPPORTED_SSC_MODE;
        r->allowed_ssc_mode = 1; /* bit 1: SSC mode 1, 9.11.4.5 */
    } else if (type == NAS_PDU_SESSION_MODIFICATION_REJECT) {
        struct nas_pdu_session_modification_reject *r = &m.pdu_session_modification_reject;
        r->gsm_cause = cause;
        r->has.back_off_timer_value = wait_s != 0;
        r->back_off_timer_value = nas_timer3_of(wait_s);
    } else {
        m.pdu_session_release_reject.gsm_cause = cause;
    }
    return made(smf, &m);
}

struct bytes smf_n1_status(struct smf *smf, uint8_t psi, uint8_t pti, uint8_t cause)
{
    struct nas_msg m = message(NAS_GSM_STATUS, psi, pti);
    m.gsm_status.gsm_cause = cause;
    return made(smf, &m);
}

struct bytes smf_n1_modification_command(struct smf_session *s, const struct smf_ask *ask, uint8_t pti,
                                         const struct smf_qos *changed)
{
    struct nas_msg m = message(NAS_PDU_SESSION_MODIFICATION_COMMAND, s->id, pti);
    struct nas_pdu_session_modification_command *c = &m.pdu_session_modification_command;
    struct nas_qos_flow flow;
    struct pco_room pco;
    if (changed) {
        flow = flow_of(changed, NAS_FLOW_MODIFY);
        c->has.session_ambr = c->has.authorized_qos_flow_descriptions = 1;
        c->session_ambr = ambr_of(changed);
        c->authorized_qos_flow_descriptions = (struct nas_qos_flows){1, &flow};
    }
    if (ask) {
        c->has.always_on_pdu_session_indication = ask->has_always_on;
        c->has.extended_protocol_configuration_options = pco_fill(&pco, ask, s);
        c->extended_protocol_configuration_options = pco.pco;
    }
    return made(s->smf, &m);
}

struct bytes smf_n1_release_command(struct smf_session *s, uint8_t pti, uint8_t cause)
{
    struct nas_msg m = message(NAS_PDU_SESSION_RELEASE_COMMAND, s->id, pti);
    m.pdu_session_release_command.gsm_cause = cause;
    return made(s->smf, &m);
}
