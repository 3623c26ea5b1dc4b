/* SPDX-License-Identifier: Apache-2.0 */
/* ue_sm.c - 5GSM of the phone: PDU sessions, TS 24.501 clause 6, carried as 5.4.5 says. */
#include "ran/ue.h"

enum { S = 1000000, T3580_US = 16 * S, T3581_US = 16 * S, T3582_US = 16 * S, SM_ATTEMPTS_MAX = 5 };

static void tell(struct ue_session *s, enum ue_event_kind kind, uint8_t cause, bool is_gmm)
{
    ran_tell(s->ue, &(struct ue_event){.kind = kind, .psi = s->psi, .cause = cause, .is_gmm = is_gmm,
                                       .us = s->ue->ran->rt->now_us - s->asked_us});
}
struct ue_session *ue_session_find(const struct ue *ue, uint8_t psi)
{
    struct ue_session *s = ue->sessions;
    while (s && s->psi != psi)
        s = s->next;
    return s;
}
void ue_session_free(struct ue_session *s)
{
    struct ue *ue = s->ue;
    struct ue_session **at = &ue->sessions;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    timer_stop(&ue->ran->rt->timers, &s->timer);
    ue_host_down(s);
    ue->psis_up = (uint16_t)(ue->psis_up & ~(1u << s->psi));
    slab_drop(&ue->ran->sessions, s);
}
void ue_sessions_drop(struct ue *ue)
{
    while (ue->sessions) {
        struct ue_session *s = ue->sessions;
        bool was_up = s->state != SM_ACTIVE_PENDING;
        tell(s, was_up ? UE_SESSION_DOWN : UE_SESSION_FAILED, 0, false);
        ue_session_free(s);
    }
}
/* 5.5.1.3.4, 5.6.1.4: what the network does not have the phone does not have either. */
void ue_sessions_keep(struct ue *ue, uint16_t psis)
{
    for (struct ue_session *s = ue->sessions, *next; s; s = next) {
        next = s->next;
        if (s->state == SM_ACTIVE_PENDING || psis >> s->psi & 1)
            continue;
        tell(s, UE_SESSION_DOWN, 0, false);
        ue_session_free(s);
    }
}
bool ue_sm_is_due(const struct ue *ue)
{
    for (const struct ue_session *s = ue->sessions; s; s = s->next)
        if (s->due || s->held)
            return true;
    return false;
}

/* ---- requests ---- */
static uint8_t pti_take(struct ue *ue)
{
    uint8_t pti = ue->next_pti;
    ue->next_pti = (uint8_t)(pti == 254 ? 1 : pti + 1);
    return pti;
}
static struct nas_s_nssai s_nssai(const struct gnb_slice *s)
{
    return (struct nas_s_nssai){.sst = s->sst, .has_sd = s->has_sd, .sd = be24(s->sd)};
}
/* Into an UL NAS TRANSPORT. */
static int carry(struct ue_session *s, const struct nas_msg *sm, uint8_t request_type)
{
    struct ran *ran = s->ue->ran;
    struct nas_msg m;
    if (ue_drops(s->ue, &s->ue->faults.drop_up, sm->type))
        return OK;
    int n = nas_encode(sm, ran->inner, RAN_NAS_MAX);
    if (n < 0)
        return n;
    nas_msg_init(&m, NAS_UL_NAS_TRANSPORT);
    struct nas_ul_nas_transport *t = &m.ul_nas_transport;
    t->payload_container_type = NAS_PAYLOAD_N1_SM;
    t->payload_container = (struct bytes){ran->inner, (uint32_t)n};
    t->has.pdu_session_id = 1;
    t->pdu_session_id = sm->pdu_session_id;
    if (request_type) {
        t->has.request_type = 1;
        t->request_type = request_type;
    }
    if (request_type == NAS_REQUEST_INITIAL || request_type == NAS_REQUEST_EXISTING) { /* 5.4.5.2.2 */
        t->has.s_nssai = s->has_slice;
        t->s_nssai = s_nssai(&s->slice);
        t->has.dnn = s->dnn[0] != 0;
        t->dnn = str_of(s->dnn);
    }
    return ue_send(s->ue, &m);
}
static void sm_init(struct nas_msg *m, enum nas_type type, uint8_t psi, uint8_t pti)
{
    nas_msg_init(m, type);
    m->pdu_session_id = psi;
    m->pti = pti;
}
static int establishment_send(struct ue_session *s)
{
    static const struct nas_pco_item ASKED[] = {
        {NAS_PCO_IP_BY_NAS, {NULL, 0}}, {NAS_PCO_DNS_IPV4, {NULL, 0}}, {NAS_PCO_DNS_IPV6, {NULL, 0}},
        {NAS_PCO_IPV4_MTU, {NULL, 0}}};
    struct nas_msg m;
    sm_init(&m, NAS_PDU_SESSION_ESTABLISHMENT_REQUEST, s->psi, s->pti);
    struct nas_pdu_session_establishment_request *r = &m.pdu_session_establishment_request;
    r->integrity_protection_maximum_data_rate = 0xffff;
    r->has.pdu_session_type = s->wanted_type != 0;
    r->pdu_session_type = s->wanted_type;
    r->has.ssc_mode = 1;
    r->ssc_mode = 1;
    r->has.gsm_capability = s->ue->multi_homed;
    if (s->ue->multi_homed)
        nas_flag_set(&r->gsm_capability, NAS_GSM_CAP_MH6);
    r->has.extended_protocol_configuration_options = 1;
    r->extended_protocol_configuration_options = (struct nas_pco){ARRAY_LEN(ASKED), ASKED};
    return carry(s, &m, s->is_existing ? NAS_REQUEST_EXISTING : NAS_REQUEST_INITIAL);
}
static int modification_send(struct ue_session *s)
{
    struct nas_msg m;
    sm_init(&m, NAS_PDU_SESSION_MODIFICATION_REQUEST, s->psi, s->pti);
    m.pdu_session_modification_request.has.gsm_capability = 1;
    m.pdu_session_modification_request.gsm_capability.n = 1;
    return carry(s, &m, NAS_REQUEST_MODIFICATION);
}
static int release_send(struct ue_session *s)
{
    struct nas_msg m;
    sm_init(&m, NAS_PDU_SESSION_RELEASE_REQUEST, s->psi, s->pti);
    m.pdu_session_release_request.has.gsm_cause = 1;
    m.pdu_session_release_request.gsm_cause = NAS_GSM_CAUSE_REGULAR_DEACTIVATION;
    return carry(s, &m, 0);
}
static void give_up(struct ue_session *s, uint8_t cause, bool is_gmm)
{
    timer_stop(&s->ue->ran->rt->timers, &s->timer);
    s->cause = cause;
    s->due = false;
    switch (s->state) {
    case SM_ACTIVE_PENDING:
        tell(s, UE_SESSION_FAILED, cause, is_gmm);
        ue_session_free(s);
        break;
    case SM_INACTIVE_PENDING: /* 6.4.3.6 a: locally */
        tell(s, UE_SESSION_DOWN, cause, is_gmm);
        ue_session_free(s);
        break;
    case SM_MODIFICATION_PENDING:
        s->state = SM_ACTIVE;
        tell(s, UE_SESSION_FAILED, cause, is_gmm);
        break;
    default: break;
    }
}
/* ---- back-off, 6.2.7 and 6.2.8: by data network, by slice, by both; "none was named" is one of them ---- */
static uint32_t back_off_hash(const struct ue_session *s, enum ue_back_off_kind kind)
{
    uint64_t slice = s->has_slice ? 1ull << 32 | (uint64_t)s->slice.has_sd << 33 | (uint64_t)s->slice.sst << 24 | be24(s->slice.sd) : 0;
    uint32_t dnn_n = kind == UE_T3585 ? 0 : (uint32_t)strlen(s->dnn);
    return (uint32_t)siphash24(kind == UE_T3396 ? 0 : slice, kind, (const uint8_t *)s->dnn, dnn_n);
}
/* 0: it may be asked for now. */
static uint64_t held_until_us(const struct ue_session *s)
{
    uint64_t until_us = 0;
    for (uint32_t i = 0; i < UE_BACK_OFFS; i++) {
        const struct ue_back_off *b = &s->ue->back_offs[i];
        if (b->until_us > s->ue->ran->rt->now_us && b->until_us > until_us && b->what == back_off_hash(s, i))
            until_us = b->until_us;
    }
    return until_us;
}
static int back_off_of(uint8_t cause, bool is_gmm)
{
    if (cause == (is_gmm ? NAS_GMM_CAUSE_CONGESTION : NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES))
        return UE_T3396;
    if (cause == NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN) /* 67 and 69 are 5GMM causes as well */
        return UE_T3584;
    return cause == NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE ? UE_T3585 : -1;
}
static void back_off_take(struct ue_session *s, uint8_t cause, bool is_gmm, bool has_timer, uint8_t timer)
{
    int kind = back_off_of(cause, is_gmm);
    if (kind < 0 || !has_timer)
        return;
    uint32_t seconds = nas_timer3_s(timer);
    struct ue_back_off *b = &s->ue->back_offs[kind];
    b->what = back_off_hash(s, (enum ue_back_off_kind)kind);
    b->until_us = seconds == UINT32_MAX ? UINT64_MAX : s->ue->ran->rt->now_us + (uint64_t)seconds * S;
}
bool ue_backs_off(const struct ue *ue)
{
    for (uint32_t i = 0; i < UE_BACK_OFFS; i++)
        if (ue->back_offs[i].until_us > ue->ran->rt->now_us)
            return true;
    return false;
}
void ue_back_offs_forget(struct ue *ue)
{
    for (uint32_t i = 0; i < UE_BACK_OFFS; i++)
        if (ue->back_offs[i].until_us == UINT64_MAX)
            ue->back_offs[i].until_us = 0;
}
static void no_answer(struct timer *);
static void wait_for_answer(struct ue_session *s);
static void held_over(struct timer *t)
{
    struct ue_session *s = CONTAINER(t, struct ue_session, timer);
    s->waits = false;
    s->due = true;
    s->asked_us = s->ue->ran->rt->now_us;
    wait_for_answer(s);
    ue_kick(s->ue);
}
static void wait_for_answer(struct ue_session *s)
{
    struct rt *rt = s->ue->ran->rt;
    timer_set(&rt->timers, &s->timer, rt->now_us + T3580_US, no_answer);
}
static void no_answer(struct timer *t) /* T3580, T3581, T3582 */
{
    struct ue_session *s = CONTAINER(t, struct ue_session, timer);
    struct ue *ue = s->ue;
    if (s->attempts >= SM_ATTEMPTS_MAX) {
        give_up(s, 0, false);
        return;
    }
    s->due = true;
    wait_for_answer(s); /* should it not get out now: no cell, no connection, no service */
    ue_kick(ue);
}
static void request_send(struct ue_session *s)
{
    struct rt *rt = s->ue->ran->rt;
    s->due = false;
    s->attempts++;
    wait_for_answer(s);
    switch (s->state) {
    case SM_ACTIVE_PENDING: establishment_send(s); break;
    case SM_MODIFICATION_PENDING: modification_send(s); break;
    case SM_INACTIVE_PENDING: release_send(s); break;
    default: timer_stop(&rt->timers, &s->timer); break;
    }
}
void ue_sm_kick(struct ue *ue)
{
    for (struct ue_session *s = ue->sessions, *next; s; s = next) {
        next = s->next;
        if (s->due)
            request_send(s);
    }
}
static void ask(struct ue_session *s, uint8_t state)
{
    s->state = state;
    s->pti = pti_take(s->ue);
    s->attempts = 0;
    s->due = true;
    s->asked_us = s->ue->ran->rt->now_us;
    uint64_t held_us = state == SM_INACTIVE_PENDING ? 0 : held_until_us(s); /* a release is never kept back */
    if (held_us) {
        s->due = false;
        s->waits = true;
        if (held_us != UINT64_MAX)
            timer_set(&s->ue->ran->rt->timers, &s->timer, held_us, held_over);
        return;
    }
    if (s->ue->state == MM_REGISTERED) /* else the connection is of what ended, and it goes before a new one comes */
        timer_stop(&s->ue->ran->rt->timers, &s->ue->t3540);
    wait_for_answer(s);
    ue_kick(s->ue);
}
static uint8_t psi_free(const struct ue *ue)
{
    for (uint8_t psi = 1; psi <= UE_SESSIONS; psi++)
        if (!ue_session_find(ue, psi))
            return psi;
    return 0;
}
int ue_session_open(struct ue *ue, const struct ue_open *o)
{
    uint8_t psi = o->psi ? o->psi : psi_free(ue);
    if (ue->state == MM_NULL || ue->usim.is_invalid)
        return ERR_STATE;
    if (!psi || psi > UE_SESSIONS)
        return ERR_FULL;
    if (ue_session_find(ue, psi) && !ue->faults.fixed_psi)
        return ERR_EXISTS;
    if (o->dnn && strlen(o->dnn) >= UE_DNN)
        return ERR_RANGE;
    struct ue_session *s = slab_new(&ue->ran->sessions);
    if (!s)
        return ERR_FULL;
    s->ue = ue;
    s->psi = psi;
    s->tun = -1;
    s->mtu = 1400;
    s->wanted_type = o->type;
    s->has_slice = o->has_slice;
    s->slice = o->slice;
    str_copy(s->dnn, sizeof s->dnn, str_of(o->dnn ? o->dnn : ""));
    s->next = ue->sessions;
    ue->sessions = s;
    ask(s, SM_ACTIVE_PENDING);
    return psi;
}
int ue_session_close(struct ue *ue, uint8_t psi)
{
    struct ue_session *s = ue_session_find(ue, psi);
    if (s && s->waits && s->state == SM_ACTIVE_PENDING) { /* the network never heard of it */
        ue_session_free(s);
        return OK;
    }
    if (!s || s->state != SM_ACTIVE)
        return s ? ERR_STATE : ERR_NOTFOUND;
    ask(s, SM_INACTIVE_PENDING);
    return OK;
}
int ue_session_modify(struct ue *ue, uint8_t psi)
{
    struct ue_session *s = ue_session_find(ue, psi);
    if (!s || s->state != SM_ACTIVE)
        return s ? ERR_STATE : ERR_NOTFOUND;
    ask(s, SM_MODIFICATION_PENDING);
    return OK;
}

/* ---- what the network says ---- */
static void status(struct ue *ue, uint8_t psi, uint8_t pti, uint8_t cause)
{
    struct ue_session nobody = {.ue = ue, .psi = psi};
    struct nas_msg m;
    sm_init(&m, NAS_GSM_STATUS, psi, pti);
    m.gsm_status.gsm_cause = cause;
    carry(&nobody, &m, 0);
}
static void rules_take(struct ue_session *s, const struct nas_qos_rules *rules)
{
    for (uint32_t i = 0; i < rules->n; i++) {
        const struct nas_qos_rule *r = &rules->rule[i];
        uint32_t at = 0;
        while (at < s->n_rules && s->rules[at].id != r->id)
            at++;
        if (r->op == NAS_RULE_DELETE) {
            if (at < s->n_rules)
                s->rules[at] = s->rules[--s->n_rules];
            continue;
        }
        if (at == UE_RULES)
            continue;
        struct ue_rule *to = &s->rules[at];
        if (at == s->n_rules)
            s->n_rules++;
        to->id = r->id;
        if (r->has_precedence)
            to->precedence = r->precedence;
        if (r->has_qfi)
            to->qfi = r->qfi;
        if (r->op == NAS_RULE_CREATE) {
            to->is_default = r->dqr;
            to->filters = r->n;
        }
    }
}
static void pco_take(struct ue_session *s, const struct nas_pco *pco)
{
    const struct nas_pco_item *dns4 = nas_pco_find(pco, NAS_PCO_DNS_IPV4), *dns6 = nas_pco_find(pco, NAS_PCO_DNS_IPV6);
    const struct nas_pco_item *mtu = nas_pco_find(pco, NAS_PCO_IPV4_MTU);
    if (dns4 && dns4->value.n == 4)
        memcpy(s->dns4, dns4->value.p, 4);
    if (dns6 && dns6->value.n == 16)
        memcpy(s->dns6, dns6->value.p, 16);
    if (mtu && mtu->value.n == 2 && be16(mtu->value.p) >= 68)
        s->mtu = be16(mtu->value.p);
}
static void established(struct ue_session *s, const struct nas_pdu_session_establishment_accept *m)
{
    if (s->state != SM_ACTIVE_PENDING)
        return;
    timer_stop(&s->ue->ran->rt->timers, &s->timer);
    s->state = SM_ACTIVE;
    s->due = false;
    s->type = m->selected_pdu_session_type & 7;
    s->cause = m->has.gsm_cause ? m->gsm_cause : 0;
    if (m->has.pdu_address) {
        memcpy(s->ipv4, m->pdu_address.ipv4, 4);
        memcpy(s->iid, m->pdu_address.iid, 8);
    }
    s->ambr_down_kbps = nas_rate_kbps(m->session_ambr.down);
    s->ambr_up_kbps = nas_rate_kbps(m->session_ambr.up);
    if (m->has.s_nssai) {
        s->has_slice = true;
        s->slice = (struct gnb_slice){.sst = m->s_nssai.sst, .has_sd = m->s_nssai.has_sd};
        put_be24(s->slice.sd, m->s_nssai.sd);
    }
    if (m->has.dnn)
        str_copy(s->dnn, sizeof s->dnn, m->dnn);
    s->n_rules = 0;
    rules_take(s, &m->authorized_qos_rules);
    if (m->has.extended_protocol_configuration_options)
        pco_take(s, &m->extended_protocol_configuration_options);
    s->pti = 0;
    tell(s, UE_SESSION_UP, s->cause, false);
    if (s->bearer)
        ue_host_up(s);
}
static void modified(struct ue_session *s, const struct nas_pdu_session_modification_command *m, uint8_t pti)
{
    struct nas_msg done;
    if (s->state == SM_MODIFICATION_PENDING && pti == s->pti) {
        timer_stop(&s->ue->ran->rt->timers, &s->timer);
        s->state = SM_ACTIVE;
        s->pti = 0;
    }
    if (m->has.session_ambr) {
        s->ambr_down_kbps = nas_rate_kbps(m->session_ambr.down);
        s->ambr_up_kbps = nas_rate_kbps(m->session_ambr.up);
    }
    if (m->has.authorized_qos_rules)
        rules_take(s, &m->authorized_qos_rules);
    if (m->has.extended_protocol_configuration_options)
        pco_take(s, &m->extended_protocol_configuration_options);
    sm_init(&done, NAS_PDU_SESSION_MODIFICATION_COMPLETE, s->psi, pti);
    carry(s, &done, 0);
    tell(s, UE_SESSION_CHANGED, 0, false);
}
static void released(struct ue *ue, struct ue_session *s, uint8_t psi, uint8_t pti, uint8_t cause)
{
    struct ue_session nobody = {.ue = ue, .psi = psi};
    struct nas_msg m;
    sm_init(&m, NAS_PDU_SESSION_RELEASE_COMPLETE, psi, pti);
    carry(s ? s : &nobody, &m, 0);
    if (!s)
        return;
    tell(s, UE_SESSION_DOWN, cause, false);
    ue_session_free(s);
}
static void sm_message(struct ue *ue, const struct nas_msg *m)
{
    struct ue_session *s = ue_session_find(ue, m->pdu_session_id);
    bool answers = s && m->pti && m->pti == s->pti; /* a procedure of ours */
    if (!s && m->type != NAS_PDU_SESSION_RELEASE_COMMAND) {
        if (m->type != NAS_GSM_STATUS)
            status(ue, m->pdu_session_id, m->pti, NAS_GSM_CAUSE_INVALID_PDU_SESSION_IDENTITY); /* 7.3.2 */
        return;
    }
    switch (m->type) {
    case NAS_PDU_SESSION_ESTABLISHMENT_ACCEPT:
        if (answers)
            established(s, &m->pdu_session_establishment_accept);
        else
            status(ue, m->pdu_session_id, m->pti, NAS_GSM_CAUSE_PTI_MISMATCH); /* 7.3.1 */
        break;
    case NAS_PDU_SESSION_ESTABLISHMENT_REJECT:
        if (answers && s->state == SM_ACTIVE_PENDING) {
            const struct nas_pdu_session_establishment_reject *r = &m->pdu_session_establishment_reject;
            back_off_take(s, r->gsm_cause, false, r->has.back_off_timer_value, r->back_off_timer_value);
            give_up(s, r->gsm_cause, false);
        }
        break;
    case NAS_PDU_SESSION_MODIFICATION_COMMAND:
        modified(s, &m->pdu_session_modification_command, m->pti);
        break;
    case NAS_PDU_SESSION_MODIFICATION_REJECT:
        if (answers && s->state == SM_MODIFICATION_PENDING) {
            const struct nas_pdu_session_modification_reject *r = &m->pdu_session_modification_reject;
            back_off_take(s, r->gsm_cause, false, r->has.back_off_timer_value, r->back_off_timer_value);
            give_up(s, r->gsm_cause, false);
        }
        break;
    case NAS_PDU_SESSION_RELEASE_COMMAND:
        released(ue, s, m->pdu_session_id, m->pti, m->pdu_session_release_command.gsm_cause);
        break;
    case NAS_PDU_SESSION_RELEASE_REJECT:
        if (answers && s->state == SM_INACTIVE_PENDING)
            give_up(s, m->pdu_session_release_reject.gsm_cause, false);
        break;
    case NAS_GSM_STATUS: /* 6.5.3 */
        if (m->gsm_status.gsm_cause == NAS_GSM_CAUSE_INVALID_PDU_SESSION_IDENTITY) {
            tell(s, UE_SESSION_DOWN, m->gsm_status.gsm_cause, false);
            ue_session_free(s);
        } else if (answers) {
            give_up(s, m->gsm_status.gsm_cause, false);
        }
        break;
    default: status(ue, m->pdu_session_id, m->pti, NAS_GSM_CAUSE_MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED); break;
    }
}
/* The message came back: 5.4.5.3.1, 6.4.1.6 e. */
static void not_forwarded(struct ue *ue, const struct nas_dl_nas_transport *t, struct nas_msg *sm)
{
    struct ue_session *s = ue_session_find(ue, t->has.pdu_session_id ? t->pdu_session_id : sm->pdu_session_id);
    if (!s || s->pti != sm->pti || !sm->pti)
        return;
    back_off_take(s, t->gmm_cause, true, t->has.back_off_timer_value, t->back_off_timer_value);
    give_up(s, t->gmm_cause, true);
}
void ue_sm_transport(struct ue *ue, const struct nas_dl_nas_transport *t)
{
    struct ran *ran = ue->ran;
    struct nas_msg m;
    struct nas_report report;
    if (t->payload_container_type != NAS_PAYLOAD_N1_SM)
        return;
    uint8_t block[8192];
    struct arena a = arena_over(block, sizeof block);
    int e = nas_decode(t->payload_container, &a, &m, &report);
    if (t->has.gmm_cause) {
        not_forwarded(ue, t, &m);
        return;
    }
    if (e != OK) {
        ran->counters.nas_bad++;
        if (report.cause)
            status(ue, t->has.pdu_session_id ? t->pdu_session_id : 0, m.pti, report.cause);
        return;
    }
    rt_tap(ran->rt, &(struct tap_event){.interface = TAP_N1, .direction = TAP_RX, .at_us = ran->rt->now_us,
                                        .ue = slab_index(&ran->ues, ue), .type = m.type, .name = m.desc->name,
                                        .value = &m, .raw = t->payload_container});
    if (ue_drops(ue, &ue->faults.drop_down, m.type))
        return;
    if (m.epd == NAS_EPD_SM)
        sm_message(ue, &m);
}

/* ---- user plane ---- */
void ue_bearer_up(struct ue *ue, struct bearer *b)
{
    struct ue_session *s = ue_session_find(ue, b->psi);
    if (!s)
        return;
    s->bearer = b;
    if (s->state == SM_ACTIVE || s->state == SM_MODIFICATION_PENDING)
        ue_host_up(s);
}
void ue_bearer_gone(struct ue *ue, uint8_t psi)
{
    struct ue_session *s = ue_session_find(ue, psi);
    if (s)
        s->bearer = NULL;
}
void ue_packet(struct ue *ue, uint8_t psi, struct bytes packet)
{
    struct ue_session *s = ue_session_find(ue, psi);
    if (!s || s->state == SM_INACTIVE || s->state == SM_ACTIVE_PENDING)
        return;
    s->rx++;
    ue_host_packet(s, packet);
}
