/* SPDX-License-Identifier: Apache-2.0 */
/* ue_mm.c - 5GMM of the phone: registration, deregistration, service request, and what the network asks for;
 * TS 24.501 5.1.3, 5.3 to 5.6. */
#include "ran/ue.h"

enum {
    S = 1000000,
    T3510_US = 15 * S,
    T3511_US = 10 * S,
    T3519_US = 60 * S,
    T3517_US = 15 * S,
    T3521_US = 15 * S,
    T3540_US = 10 * S,
    ATTEMPTS_MAX = 5
};

static void state_set(struct ue *ue, uint8_t state, uint8_t sub)
{
    ue->state = state;
    ue->sub = sub;
}
static void tell(struct ue *ue, enum ue_event_kind kind, uint8_t cause)
{
    ran_tell(ue, &(struct ue_event){.kind = kind, .cause = cause, .us = ue->ran->rt->now_us - ue->started_us});
}
static void set(struct ue *ue, struct timer *t, uint64_t us, timer_fn *fn)
{
    timer_set(&ue->ran->rt->timers, t, ue->ran->rt->now_us + us, fn);
}
static void stop(struct ue *ue, struct timer *t) { timer_stop(&ue->ran->rt->timers, t); }

/* ---- identities ---- */
uint64_t ue_tmsi_key(const struct nas_guti *g)
{
    return (uint64_t)g->set << 38 | (uint64_t)g->pointer << 32 | g->tmsi;
}
static void guti_forget(struct ue *ue)
{
    struct map *map = &ue->ran->by_tmsi;
    if (ue->usim.has_guti && map_get_u64(map, ue_tmsi_key(&ue->usim.guti)) == ue)
        map_del_u64(map, ue_tmsi_key(&ue->usim.guti));
    ue->usim.has_guti = false;
}
static void guti_take(struct ue *ue, const struct nas_mobile_identity *id)
{
    if (id->type != NAS_ID_GUTI)
        return;
    guti_forget(ue);
    ue->usim.guti = id->guti;
    ue->usim.has_guti = true;
    map_put_u64(&ue->ran->by_tmsi, ue_tmsi_key(&ue->usim.guti), ue);
}
static int identity(struct ue *ue, struct nas_mobile_identity *out)
{
    if (ue->usim.has_guti) {
        out->type = NAS_ID_GUTI;
        out->guti = ue->usim.guti;
        return OK;
    }
    out->type = NAS_ID_SUCI;
    return usim_suci(&ue->usim, ue->ran, &out->suci);
}
static struct nas_tai tai_here(const struct ue *ue)
{
    const struct gnb_ta *ta = &ue->cell->gnb.config.tas[0];
    struct nas_tai t = {.tac = be24(ta->tac)};
    memcpy(t.plmn, ta->plmn, 3);
    return t;
}
bool ue_in_area(const struct ue *ue)
{
    if (ue->usim.update == USIM_ROAMING_NOT_ALLOWED) /* wherever it was told so, it asks elsewhere */
        return false;
    struct nas_tai here = tai_here(ue);
    for (uint32_t i = 0; i < ue->n_tais; i++)
        if (ue->tais[i].tac == here.tac && !memcmp(ue->tais[i].plmn, here.plmn, 3))
            return true;
    return ue->n_tais == 0;
}
static void area_take(struct ue *ue, const struct nas_tai_list *list)
{
    ue->n_tais = 0;
    for (uint32_t p = 0; p < list->n; p++) {
        const struct nas_tai_part *part = &list->part[p];
        for (uint32_t i = 0; i < part->n && ue->n_tais < UE_TAIS; i++) {
            struct nas_tai t = part->type == NAS_TAI_CONSECUTIVE ? part->item[0] : part->item[i];
            if (part->type == NAS_TAI_CONSECUTIVE)
                t.tac += i;
            ue->tais[ue->n_tais++] = t;
        }
    }
}
/* What a network that refused, or that is left, may no longer mean by its identity and keys (5.5.1.2.5). */
static void forget(struct ue *ue, enum usim_update update)
{
    guti_forget(ue);
    usim_forget(&ue->usim);
    ue_contexts_forget(ue);
    ue->usim.update = (uint8_t)update;
    ue->n_tais = ue->n_allowed = 0;
}
static uint16_t psis(const struct ue *ue)
{
    uint16_t set = 0;
    for (const struct ue_session *s = ue->sessions; s; s = s->next)
        if (s->state != SM_INACTIVE && s->state != SM_ACTIVE_PENDING)
            set = (uint16_t)(set | 1u << s->psi);
    return set;
}

/* What it tells the gNB of its slices, by the mode that the network gave: TS 24.501 4.6.2.3, TS 23.501 5.15.9. */
enum asks { ASKS_REGISTRATION, ASKS_PERIODIC, ASKS_SERVICE };
static uint32_t told_allowed(const struct ue *ue, struct gnb_slice out[UE_SLICES])
{
    for (uint32_t i = 0; i < ue->n_allowed; i++) {
        out[i] = (struct gnb_slice){.sst = ue->allowed[i].sst, .has_sd = ue->allowed[i].has_sd};
        put_be24(out[i].sd, ue->allowed[i].has_sd ? ue->allowed[i].sd : 0);
    }
    return ue->n_allowed;
}
static uint32_t told_of_sessions(const struct ue *ue, struct gnb_slice out[UE_SLICES])
{
    uint32_t n = 0;
    for (const struct ue_session *s = ue->sessions; s && n < UE_SLICES; s = s->next)
        if (s->has_slice && (s->due || ue->psis_up >> s->psi & 1))
            out[n++] = s->slice;
    return n;
}
static uint32_t nssai_told(const struct ue *ue, enum asks why, struct gnb_slice out[UE_SLICES])
{
    if (ue->nssai_mode == NAS_NSSAI_MODE_D)
        return 0;
    if (why == ASKS_REGISTRATION) {
        memcpy(out, ue->slices, ue->n_slices * sizeof *out);
        return ue->n_slices;
    }
    if (ue->nssai_mode == NAS_NSSAI_MODE_C)
        return 0;
    return why == ASKS_SERVICE && ue->nssai_mode == NAS_NSSAI_MODE_B ? told_of_sessions(ue, out) : told_allowed(ue, out);
}

/* ---- messages ---- */
int ue_registration_build(struct ue *ue, struct nas_msg *m, struct nas_s_nssai *slices, bool full)
{
    nas_msg_init(m, NAS_REGISTRATION_REQUEST);
    struct nas_registration_request *r = &m->registration_request;
    r->fivegs_registration_type.value = ue->registration ? ue->registration : NAS_REG_INITIAL;
    r->fivegs_registration_type.follow_on = ue->sessions != NULL;
    r->ngksi.value = ue->initial_ksi;
    r->has.ue_security_capability = ue->registration != NAS_REG_PERIODIC;
    r->ue_security_capability = ue->capability;
    int e = identity(ue, &r->fivegs_mobile_identity);
    if (!full)
        return e;
    if (ue->registration != NAS_REG_PERIODIC) {
        r->has.gmm_capability = 1;
        r->gmm_capability.n = 1;
        r->has.requested_nssai = ue->n_slices > 0;
        r->requested_nssai = (struct nas_nssai){ue->n_slices, slices};
        for (uint32_t i = 0; i < ue->n_slices; i++)
            slices[i] = (struct nas_s_nssai){.sst = ue->slices[i].sst, .has_sd = ue->slices[i].has_sd,
                                             .sd = be24(ue->slices[i].sd)};
        r->has.fivegs_update_type = 1;
    }
    r->has.last_visited_registered_tai = ue->usim.has_tai;
    r->last_visited_registered_tai = ue->usim.tai;
    if (ue->registration == NAS_REG_MOBILITY || ue->registration == NAS_REG_PERIODIC) {
        r->has.pdu_session_status = 1;
        r->pdu_session_status = psis(ue);
        r->has.uplink_data_status = ue->psis_up && ue->registration == NAS_REG_MOBILITY;
        r->uplink_data_status = ue->psis_up;
    }
    return e;
}
int ue_service_build(struct ue *ue, struct nas_msg *m, bool full)
{
    nas_msg_init(m, NAS_SERVICE_REQUEST);
    struct nas_service_request *r = &m->service_request;
    r->ngksi.value = ue->initial_ksi;
    r->service_type = ue->is_paged ? NAS_SERVICE_MOBILE_TERMINATED : ue->psis_up ? NAS_SERVICE_DATA
                                                                                   : NAS_SERVICE_SIGNALLING;
    r->fiveg_s_tmsi.type = NAS_ID_S_TMSI;
    r->fiveg_s_tmsi.guti = ue->usim.guti;
    if (full) {
        r->has.uplink_data_status = ue->psis_up != 0;
        r->uplink_data_status = ue->psis_up;
        r->has.pdu_session_status = 1;
        r->pdu_session_status = psis(ue);
    }
    return OK;
}

/* ---- registration, 5.5.1 ---- */
static void t3510_over(struct timer *);
static void registration_failed(struct ue *ue, uint8_t cause, bool at_once);
/* ---- kept back: T3346 (5.3.9), T302 (TS 38.331 5.3.14) ---- */
static bool is_held(const struct ue *ue) { return timer_is_running(&ue->t_hold); }
static void hold_over(struct timer *t)
{
    struct ue *ue = CONTAINER(t, struct ue, t_hold);
    if (ue->sub == MM_ATTEMPTING && !timer_is_running(&ue->t_retry))
        ue->sub = MM_NORMAL_SERVICE;
    ue_kick(ue);
}
static void hold(struct ue *ue, uint64_t us)
{
    set(ue, &ue->t_hold, us, hold_over);
    ran_tell(ue, &(struct ue_event){.kind = UE_BARRED, .us = us});
}
void ue_barred(struct ue *ue, uint64_t us) { hold(ue, us); }
/* The lower layers let it not through: it is tried again when they do, and is no attempt (5.5.1.2.7 a, 5.5.1.3.7 a). */
static void registration_barred(struct ue *ue)
{
    bool was_initial = ue->registration == NAS_REG_INITIAL;
    stop(ue, &ue->t_procedure);
    ue->registration = 0;
    state_set(ue, was_initial ? MM_DEREGISTERED : MM_REGISTERED, MM_ATTEMPTING);
    *(was_initial ? &ue->wants_registration : &ue->wants_update) = true;
}
static void registration_start(struct ue *ue, uint8_t type)
{
    struct nas_msg outer, full;
    struct nas_s_nssai slices[UE_SLICES];
    if (is_held(ue)) {
        *(type == NAS_REG_INITIAL ? &ue->wants_registration : &ue->wants_update) = true;
        return;
    }
    stop(ue, &ue->t_retry);
    stop(ue, &ue->t3540);
    if (!ue->cell || ue->usim.is_invalid)
        return;
    if (ue->current.count[NAS_UPLINK] > NAS_COUNT_MAX) /* the context is worn out: 4.4.3.5 */
        ue_contexts_forget(ue);
    ue->registration = type;
    ue->initial_was_service = false;
    ue->initial_ksi = ue->current.is_valid ? ue->current.ksi : NAS_KSI_NONE;
    if (type == NAS_REG_INITIAL) {
        ue->wants_registration = false;
        if (ue->usim.suci_us && ue->ran->rt->now_us > ue->usim.suci_us + T3519_US)
            usim_suci_forget(&ue->usim);
        state_set(ue, MM_REGISTERED_INITIATED, MM_NORMAL_SERVICE);
    } else {
        ue->wants_update = false;
        state_set(ue, MM_REGISTERED_INITIATED, MM_NORMAL_SERVICE);
    }
    if (!ue->attempts)
        ue->started_us = ue->ran->rt->now_us;
    struct gnb_slice told[UE_SLICES];
    uint32_t n_told = nssai_told(ue, type == NAS_REG_PERIODIC ? ASKS_PERIODIC : ASKS_REGISTRATION, told);
    if (!ue->link && gnb_bars(ue->cell, ue, NGAP_RRCEstablishmentCause_mo_Signalling, told, n_told)) {
        registration_barred(ue);
        return;
    }
    set(ue, &ue->t_procedure, T3510_US, t3510_over);
    int e = ue_registration_build(ue, &full, slices, true);
    if (e >= 0)
        e = ue_registration_build(ue, &outer, slices, false);
    if (e >= 0)
        e = ue_send_initial(ue, &outer, &full, NGAP_RRCEstablishmentCause_mo_Signalling);
    if (e < 0)
        registration_failed(ue, 0, false);
}
static void t3511_over(struct timer *t)
{
    struct ue *ue = CONTAINER(t, struct ue, t_retry);
    if (ue->state == MM_REGISTERED)
        ue->wants_update = true;
    else
        ue->wants_registration = true;
    ue->sub = MM_NORMAL_SERVICE;
    ue_kick(ue);
}
static void t3502_over(struct timer *t)
{
    struct ue *ue = CONTAINER(t, struct ue, t_retry);
    ue->attempts = 0;
    t3511_over(t);
}
/* Abnormal cases, 5.5.1.2.7 and 5.5.1.3.7: again after T3511; after the fifth time after T3502, as a stranger. */
static void registration_failed(struct ue *ue, uint8_t cause, bool at_once)
{
    bool was_initial = ue->registration == NAS_REG_INITIAL;
    stop(ue, &ue->t_procedure);
    ue->attempts = at_once ? ATTEMPTS_MAX : (uint8_t)(ue->attempts + 1);
    ue->last_cause = cause;
    ue->registration = 0;
    state_set(ue, was_initial ? MM_DEREGISTERED : MM_REGISTERED, MM_ATTEMPTING);
    if (ue->attempts >= ATTEMPTS_MAX) {
        if (was_initial)
            forget(ue, USIM_NOT_UPDATED);
        if (ue->t3502_s != UINT32_MAX)
            set(ue, &ue->t_retry, (uint64_t)ue->t3502_s * S, t3502_over);
    } else {
        set(ue, &ue->t_retry, T3511_US, t3511_over);
    }
    tell(ue, UE_REGISTRATION_FAILED, cause);
}
static void t3510_over(struct timer *t)
{
    struct ue *ue = CONTAINER(t, struct ue, t_procedure);
    if (ue->link)
        ue_lose_radio(ue); /* 5.5.1.2.7 c: the connection is released locally, which ends the procedure */
    else
        registration_failed(ue, 0, false);
}
static void t3512_over(struct timer *t)
{
    struct ue *ue = CONTAINER(t, struct ue, t3512);
    ue_update(ue, NAS_REG_PERIODIC);
}
static void t3540_over(struct timer *t) { ue_lose_radio(CONTAINER(t, struct ue, t3540)); }

static void nssai_take(struct ue *ue, const struct nas_nssai *in)
{
    ue->n_allowed = in->n < UE_SLICES ? in->n : UE_SLICES;
    if (ue->n_allowed)
        memcpy(ue->allowed, in->item, ue->n_allowed * sizeof *in->item);
}
static void accept_take(struct ue *ue, const struct nas_registration_accept *m)
{
    if (m->has.fiveg_guti)
        guti_take(ue, &m->fiveg_guti);
    if (m->has.tai_list)
        area_take(ue, &m->tai_list);
    if (m->has.allowed_nssai)
        nssai_take(ue, &m->allowed_nssai);
    ue->nssai_mode = m->has.nssai_inclusion_mode ? m->nssai_inclusion_mode & 3 : NAS_NSSAI_MODE_D;
    if (m->has.t3512_value)
        ue->t3512_s = nas_timer3_s(m->t3512_value);
    if (m->has.t3502_value)
        ue->t3502_s = nas_timer_s(m->t3502_value);
    if (m->has.pdu_session_status)
        ue_sessions_keep(ue, m->pdu_session_status);
    if (m->has.pdu_session_reactivation_result)
        ue->psis_up &= (uint16_t)~m->pdu_session_reactivation_result;
    ue->usim.tai = tai_here(ue);
    ue->usim.has_tai = true;
    ue->usim.update = USIM_UPDATED;
}
static void registration_accept(struct ue *ue, const struct nas_registration_accept *m)
{
    struct nas_msg done;
    bool again = ue->state != MM_REGISTERED_INITIATED; /* its answer was lost: answered once more */
    bool follow_on = ue->sessions != NULL || ue->psis_up;
    accept_take(ue, m);
    if (m->has.fiveg_guti || (m->has.network_slicing_indication && m->network_slicing_indication & NAS_SLICING_NSSCI) ||
        m->has.configured_nssai) {
        nas_msg_init(&done, NAS_REGISTRATION_COMPLETE);
        ue_send(ue, &done);
    }
    if (again)
        return;
    stop(ue, &ue->t_procedure);
    ue->attempts = 0;
    ue->registration = 0;
    usim_suci_forget(&ue->usim);
    state_set(ue, MM_REGISTERED, MM_NORMAL_SERVICE);
    tell(ue, UE_REGISTERED, 0);
    if (ue->state != MM_REGISTERED)
        return;
    if (!follow_on && ue->link && !ue->sessions)
        set(ue, &ue->t3540, T3540_US, t3540_over); /* 5.3.1.3: the network is to release */
    ue_kick(ue);
}
/* 5.5.1.3.5, 5.6.1.5: not in this tracking area, but registered still, with all that it has. */
static bool stays_registered(uint8_t cause)
{
    return cause == NAS_GMM_CAUSE_ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA || cause == NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA;
}
/* 5.5.1.2.5, 5.5.1.3.5, 5.6.1.5: what a cause means is much the same wherever it comes. True: start anew at once. */
static bool cause_apply(struct ue *ue, uint8_t cause, bool is_protected, bool is_registered)
{
    if (is_registered && stays_registered(cause)) {
        ue->usim.update = USIM_ROAMING_NOT_ALLOWED;
        state_set(ue, MM_REGISTERED, MM_LIMITED_SERVICE);
        return false;
    }
    switch (cause) {
    case NAS_GMM_CAUSE_ILLEGAL_UE:
    case NAS_GMM_CAUSE_ILLEGAL_ME:
    case NAS_GMM_CAUSE_5GS_SERVICES_NOT_ALLOWED:
    case NAS_GMM_CAUSE_PEI_NOT_ACCEPTED:
        forget(ue, USIM_ROAMING_NOT_ALLOWED);
        ue->usim.is_invalid = is_protected; /* 5.3.20: a message that anybody can send bars nobody for good */
        state_set(ue, MM_DEREGISTERED, is_protected ? MM_NO_SUPI : MM_LIMITED_SERVICE);
        ue_sessions_drop(ue);
        return false;
    case NAS_GMM_CAUSE_UE_IDENTITY_CANNOT_BE_DERIVED_BY_THE_NETWORK:
        forget(ue, USIM_NOT_UPDATED);
        state_set(ue, MM_DEREGISTERED, MM_NORMAL_SERVICE);
        ue_sessions_drop(ue);
        return true;
    case NAS_GMM_CAUSE_IMPLICITLY_DE_REGISTERED:
        ue->usim.update = USIM_NOT_UPDATED;
        state_set(ue, MM_DEREGISTERED, MM_NORMAL_SERVICE);
        ue_sessions_drop(ue);
        return true;
    case NAS_GMM_CAUSE_PLMN_NOT_ALLOWED:
    case NAS_GMM_CAUSE_SERVING_NETWORK_NOT_AUTHORIZED:
    case NAS_GMM_CAUSE_TRACKING_AREA_NOT_ALLOWED:
    case NAS_GMM_CAUSE_ROAMING_NOT_ALLOWED_IN_THIS_TRACKING_AREA:
    case NAS_GMM_CAUSE_NO_SUITABLE_CELLS_IN_TRACKING_AREA:
    case NAS_GMM_CAUSE_N1_MODE_NOT_ALLOWED:
        forget(ue, USIM_ROAMING_NOT_ALLOWED);
        state_set(ue, MM_DEREGISTERED, MM_LIMITED_SERVICE);
        ue_sessions_drop(ue);
        return false;
    case NAS_GMM_CAUSE_NO_NETWORK_SLICES_AVAILABLE:
        ue->usim.update = USIM_NOT_UPDATED;
        state_set(ue, MM_DEREGISTERED, MM_LIMITED_SERVICE);
        ue_sessions_drop(ue);
        return false;
    default: return false;
    }
}
static bool cause_is_plain(uint8_t cause) /* one that cause_apply() knows */
{
    switch (cause) {
    case 3: case 5: case 6: case 7: case 9: case 10: case 11: case 12: case 13: case 15: case 27: case 62: case 73:
        return true;
    default: return false;
    }
}
static void t3540_start(struct ue *ue)
{
    if (ue->link)
        set(ue, &ue->t3540, T3540_US, t3540_over);
}
static void registration_reject(struct ue *ue, const struct nas_registration_reject *m, bool is_protected)
{
    uint8_t cause = m->gmm_cause;
    if (ue->state != MM_REGISTERED_INITIATED)
        return;
    stop(ue, &ue->t_procedure);
    t3540_start(ue);
    if (cause == NAS_GMM_CAUSE_CONGESTION && m->has.t3346_value && nas_timer_s(m->t3346_value) != UINT32_MAX) {
        bool was_initial = ue->registration == NAS_REG_INITIAL;
        ue->registration = 0;
        ue->attempts = 0;
        ue->last_cause = cause;
        state_set(ue, was_initial ? MM_DEREGISTERED : MM_REGISTERED, MM_ATTEMPTING);
        set(ue, &ue->t_retry, (uint64_t)nas_timer_s(m->t3346_value) * S, t3511_over);
        hold(ue, (uint64_t)nas_timer_s(m->t3346_value) * S);
        tell(ue, UE_REGISTRATION_FAILED, cause);
        return;
    }
    if (!cause_is_plain(cause)) {
        if (m->has.t3502_value)
            ue->t3502_s = nas_timer_s(m->t3502_value);
        registration_failed(ue, cause, cause >= NAS_GMM_CAUSE_SEMANTICALLY_INCORRECT_MESSAGE);
        return;
    }
    bool is_registered = ue->registration != NAS_REG_INITIAL;
    ue->registration = 0;
    ue->last_cause = cause;
    ue->attempts = 0;
    usim_suci_forget(&ue->usim);
    ue->register_again = cause_apply(ue, cause, is_protected, is_registered);
    tell(ue, UE_REGISTRATION_FAILED, cause);
}
void ue_authentication_rejected(struct ue *ue, bool is_protected)
{
    bool was_registering = ue->state == MM_REGISTERED_INITIATED;
    stop(ue, &ue->t_procedure);
    stop(ue, &ue->t3520);
    ue->registration = 0;
    cause_apply(ue, NAS_GMM_CAUSE_ILLEGAL_UE, is_protected, false); /* 5.4.1.3.5 leads where cause 3 does */
    ue->last_cause = NAS_GMM_CAUSE_ILLEGAL_UE;
    t3540_start(ue);
    tell(ue, was_registering ? UE_REGISTRATION_FAILED : UE_DEREGISTERED, NAS_GMM_CAUSE_ILLEGAL_UE);
}

/* ---- service request, 5.6.1 ---- */
static void service_failed(struct ue *ue, uint8_t cause)
{
    stop(ue, &ue->t_procedure);
    ue->is_paged = false;
    if (ue->state == MM_SERVICE_REQUEST_INITIATED)
        state_set(ue, MM_REGISTERED, MM_NORMAL_SERVICE);
    ue->last_cause = cause;
    tell(ue, UE_SERVICE_FAILED, cause);
}
/* What it was for is wanted still, as soon as it may (5.6.1.5 on cause 22, 5.6.1.7 a). */
static void service_later(struct ue *ue)
{
    stop(ue, &ue->t_procedure);
    state_set(ue, MM_REGISTERED, MM_NORMAL_SERVICE);
    ue->is_paged = false;
    ue->wants_service = true;
}
static void t3517_over(struct timer *t)
{
    struct ue *ue = CONTAINER(t, struct ue, t_procedure);
    ue->service_attempts++;
    if (ue->link)
        ue_lose_radio(ue);
    else
        service_failed(ue, 0);
}
static void service_start(struct ue *ue)
{
    struct nas_msg outer, full;
    stop(ue, &ue->t3540);
    for (struct ue_session *s = ue->sessions; s; s = s->next)
        if (s->state == SM_ACTIVE && !s->bearer && (s->held || ue->is_paged || ue->wants_service))
            ue->psis_up = (uint16_t)(ue->psis_up | 1u << s->psi);
    state_set(ue, MM_SERVICE_REQUEST_INITIATED, MM_NORMAL_SERVICE);
    ue->wants_service = false;
    ue->initial_was_service = true;
    ue->initial_ksi = ue->current.is_valid ? ue->current.ksi : NAS_KSI_NONE;
    ue->started_us = ue->ran->rt->now_us;
    set(ue, &ue->t_procedure, T3517_US, t3517_over);
    uint32_t cause = ue->is_paged ? NGAP_RRCEstablishmentCause_mt_Access
                     : ue->psis_up ? NGAP_RRCEstablishmentCause_mo_Data
                                   : NGAP_RRCEstablishmentCause_mo_Signalling;
    struct gnb_slice told[UE_SLICES];
    uint32_t n_told = nssai_told(ue, ASKS_SERVICE, told);
    if (!ue->link && ue->cell && gnb_bars(ue->cell, ue, cause, told, n_told)) {
        service_later(ue);
        return;
    }
    ue_service_build(ue, &full, true);
    ue_service_build(ue, &outer, false);
    if (ue_send_initial(ue, &outer, &full, cause) < 0)
        service_failed(ue, 0);
}
static void service_done(struct ue *ue)
{
    if (ue->state != MM_SERVICE_REQUEST_INITIATED)
        return;
    stop(ue, &ue->t_procedure);
    ue->service_attempts = 0;
    ue->is_paged = false;
    ue->psis_up = 0;
    state_set(ue, MM_REGISTERED, MM_NORMAL_SERVICE);
    tell(ue, UE_SERVICE_ACCEPTED, 0);
    ue_kick(ue);
}
static void service_accept(struct ue *ue, const struct nas_service_accept *m)
{
    if (m->has.pdu_session_status)
        ue_sessions_keep(ue, m->pdu_session_status);
    service_done(ue);
}
static void service_reject(struct ue *ue, const struct nas_service_reject *m, bool is_protected)
{
    uint8_t cause = m->gmm_cause;
    if (ue->state != MM_SERVICE_REQUEST_INITIATED)
        return;
    if (m->has.pdu_session_status && is_protected)
        ue_sessions_keep(ue, m->pdu_session_status);
    t3540_start(ue);
    if (cause == NAS_GMM_CAUSE_CONGESTION && m->has.t3346_value && nas_timer_s(m->t3346_value) != UINT32_MAX) {
        service_later(ue);
        hold(ue, (uint64_t)nas_timer_s(m->t3346_value) * S);
        ue->last_cause = cause;
        tell(ue, UE_SERVICE_FAILED, cause);
        return;
    }
    if (cause_is_plain(cause))
        ue->register_again = cause_apply(ue, cause, is_protected, true);
    service_failed(ue, cause);
    if (ue->state == MM_DEREGISTERED)
        tell(ue, UE_DEREGISTERED, cause);
}

/* ---- deregistration, 5.5.2 ---- */
static void deregistered(struct ue *ue, uint8_t cause)
{
    stop(ue, &ue->t_procedure);
    stop(ue, &ue->t3512);
    ue_sessions_drop(ue);
    ue->wants_deregistration = ue->wants_update = ue->wants_service = false;
    ue->psis_up = 0;
    ue->attempts = ue->deregister_attempts = 0;
    if (ue->switch_off)
        ue_back_offs_forget(ue);
    if (ue->state != MM_DEREGISTERED || ue->sub == MM_NORMAL_SERVICE)
        state_set(ue, ue->switch_off ? MM_NULL : MM_DEREGISTERED, MM_NORMAL_SERVICE);
    tell(ue, UE_DEREGISTERED, cause);
}
void ue_power_cut(struct ue *ue)
{
    struct cell *cell = ue->cell;
    ue->cell = NULL; /* so that nothing is begun on the way */
    ue_lose_radio(ue);
    ue->switch_off = true;
    ue->wants_registration = ue->register_again = ue->is_paged = false;
    ue->registration = 0;
    stop(ue, &ue->t_retry);
    state_set(ue, MM_DEREGISTERED_INITIATED, MM_NORMAL_SERVICE);
    deregistered(ue, 0);
    ue->cell = cell;
}
static void deregistration_send(struct ue *ue);
static void t3521_over(struct timer *t)
{
    struct ue *ue = CONTAINER(t, struct ue, t_procedure);
    if (++ue->deregister_attempts < ATTEMPTS_MAX) {
        deregistration_send(ue);
        return;
    }
    deregistered(ue, 0); /* 5.5.2.2.6 b: locally */
    ue_lose_radio(ue);
}
static void deregistration_send(struct ue *ue)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING);
    struct nas_deregistration_request_ue_originating *r = &m.deregistration_request_ue_originating;
    r->de_registration_type.access = NAS_ACCESS_3GPP;
    r->de_registration_type.switch_off = ue->switch_off;
    r->ngksi.value = ue->current.is_valid ? ue->current.ksi : NAS_KSI_NONE;
    int e = identity(ue, &r->fivegs_mobile_identity);
    if (!ue->switch_off)
        set(ue, &ue->t_procedure, T3521_US, t3521_over);
    if (e >= 0)
        e = ue_send_initial(ue, &m, &m, NGAP_RRCEstablishmentCause_mo_Signalling);
    if (e < 0 || ue->switch_off) { /* 5.5.2.2.1, 5.5.2.2.6: no answer is waited for */
        t3540_start(ue);
        deregistered(ue, 0);
    }
}
static void deregistration_start(struct ue *ue)
{
    ue->wants_deregistration = false;
    ue->deregister_attempts = 0;
    ue->started_us = ue->ran->rt->now_us;
    stop(ue, &ue->t_retry);
    stop(ue, &ue->t3540);
    state_set(ue, MM_DEREGISTERED_INITIATED, MM_NORMAL_SERVICE);
    deregistration_send(ue);
}
static void deregistration_by_network(struct ue *ue, const struct nas_deregistration_request_ue_terminated *r)
{
    struct nas_msg m;
    bool again = r->de_registration_type.re_registration;
    if (r->de_registration_type.access == NAS_ACCESS_NON_3GPP)
        return;
    nas_msg_init(&m, NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED);
    ue_send(ue, &m);
    uint8_t cause = r->has.gmm_cause ? r->gmm_cause : 0;
    state_set(ue, MM_DEREGISTERED, MM_NORMAL_SERVICE);
    if (!again && cause_is_plain(cause))
        again = cause_apply(ue, cause, true, false);
    ue->last_cause = cause;
    ue->registration = 0;
    t3540_start(ue);
    deregistered(ue, cause);
    ue->register_again = again; /* 5.5.2.3.2: when the connection has gone */
}

/* ---- common procedures ---- */
static void identity_request(struct ue *ue, const struct nas_identity_request *r, bool is_protected)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_IDENTITY_RESPONSE);
    struct nas_mobile_identity *id = &m.identity_response.mobile_identity;
    ue->n_identity_requests++;
    id->type = r->identity_type & 7;
    switch (id->type) {
    case NAS_ID_SUCI:
        if (usim_suci(&ue->usim, ue->ran, &id->suci) < 0)
            return;
        break;
    case NAS_ID_IMEISV: str_copy(id->digits, sizeof id->digits, str_of(ue->imeisv)); break;
    case NAS_ID_IMEI: str_copy(id->digits, sizeof id->digits, (struct str){ue->imeisv, 15}); break;
    case NAS_ID_GUTI:
        id->guti = ue->usim.guti;
        id->type = ue->usim.has_guti ? NAS_ID_GUTI : NAS_ID_NONE;
        break;
    default: id->type = NAS_ID_NONE; break;
    }
    if (id->type != NAS_ID_SUCI && !is_protected) /* 4.4.4.2: the SUCI alone is told to anybody */
        return;
    ue_send(ue, &m);
}
static void configuration_update(struct ue *ue, const struct nas_configuration_update_command *c)
{
    struct nas_msg m;
    ue->n_configurations++;
    if (c->has.fiveg_guti)
        guti_take(ue, &c->fiveg_guti);
    if (c->has.tai_list)
        area_take(ue, &c->tai_list);
    if (c->has.allowed_nssai)
        nssai_take(ue, &c->allowed_nssai);
    tell(ue, UE_CONFIGURED, 0);
    uint8_t indication = c->has.configuration_update_indication ? c->configuration_update_indication : 0;
    if (indication & NAS_CONFIG_ACK) {
        nas_msg_init(&m, NAS_CONFIGURATION_UPDATE_COMPLETE);
        ue_send(ue, &m);
    }
    if (indication & NAS_CONFIG_RED)
        ue_update(ue, NAS_REG_MOBILITY);
}
static void notification(struct ue *ue)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_NOTIFICATION_RESPONSE);
    m.notification_response.has.pdu_session_status = 1;
    m.notification_response.pdu_session_status = psis(ue);
    ue_send(ue, &m);
}

void ue_mm_message(struct ue *ue, const struct nas_msg *m, bool is_protected)
{
    switch (m->type) {
    case NAS_AUTHENTICATION_REQUEST: ue_authentication_request(ue, &m->authentication_request); break;
    case NAS_AUTHENTICATION_RESULT: ue_authentication_result(ue, &m->authentication_result); break;
    case NAS_AUTHENTICATION_REJECT: ue_authentication_rejected(ue, is_protected); break;
    case NAS_IDENTITY_REQUEST: identity_request(ue, &m->identity_request, is_protected); break;
    case NAS_REGISTRATION_ACCEPT: registration_accept(ue, &m->registration_accept); break;
    case NAS_REGISTRATION_REJECT: registration_reject(ue, &m->registration_reject, is_protected); break;
    case NAS_SERVICE_ACCEPT: service_accept(ue, &m->service_accept); break;
    case NAS_SERVICE_REJECT: service_reject(ue, &m->service_reject, is_protected); break;
    case NAS_DEREGISTRATION_ACCEPT_UE_ORIGINATING:
        if (ue->state == MM_DEREGISTERED_INITIATED) {
            t3540_start(ue);
            deregistered(ue, 0);
        }
        break;
    case NAS_DEREGISTRATION_REQUEST_UE_TERMINATED:
        deregistration_by_network(ue, &m->deregistration_request_ue_terminated);
        break;
    case NAS_CONFIGURATION_UPDATE_COMMAND: configuration_update(ue, &m->configuration_update_command); break;
    case NAS_NOTIFICATION: notification(ue); break;
    case NAS_DL_NAS_TRANSPORT: ue_sm_transport(ue, &m->dl_nas_transport); break;
    case NAS_GMM_STATUS: ue->n_statuses++; break;
    default: ue_status(ue, NAS_GMM_CAUSE_MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED); break;
    }
}

/* ---- the connection goes ---- */
void ue_mm_lost(struct ue *ue)
{
    bool again = ue->register_again;
    ue->register_again = false;
    switch (ue->state) {
    case MM_REGISTERED_INITIATED: registration_failed(ue, 0, false); return;
    case MM_SERVICE_REQUEST_INITIATED: service_failed(ue, 0); break;
    case MM_DEREGISTERED_INITIATED: deregistered(ue, 0); break;
    default: break;
    }
    if (ue->state == MM_REGISTERED && ue->t3512_s && ue->t3512_s != UINT32_MAX)
        set(ue, &ue->t3512, (uint64_t)ue->t3512_s * S, t3512_over);
    if (again && ue->state == MM_DEREGISTERED)
        ue->wants_registration = true;
    ue_kick(ue);
}
void ue_paged(struct ue *ue)
{
    ran_tell(ue, &(struct ue_event){.kind = UE_PAGED});
    if (ue->link || ue->state != MM_REGISTERED || ue->faults.silent) /* 5.6.2.2.1 */
        return;
    ue->is_paged = true;
    ue->wants_service = true;
    ue_kick(ue);
}

/* ---- what is wanted ---- */
void ue_kick(struct ue *ue)
{
    if (!ue->cell || ue->usim.is_invalid)
        return;
    bool held = is_held(ue);
    if (ue->state == MM_DEREGISTERED && ue->wants_registration && !ue->link && !held) {
        registration_start(ue, NAS_REG_INITIAL);
        return;
    }
    if (ue->state != MM_REGISTERED)
        return;
    if (ue->wants_deregistration)
        deregistration_start(ue);
    else if (ue->sub == MM_LIMITED_SERVICE) /* 5.2.3.2.3: nothing here */
        return;
    else if (ue->wants_update && !held && !timer_is_running(&ue->t_retry))
        registration_start(ue, ue_in_area(ue) ? NAS_REG_PERIODIC : NAS_REG_MOBILITY);
    else if (!ue->link && (ue->wants_service || ue_sm_is_due(ue)) && (!held || ue->is_paged))
        service_start(ue);
    else if (ue->link && ue->wants_service && (!held || ue->is_paged))
        service_start(ue);
    else if (ue->link && ue->secure)
        ue_sm_kick(ue);
}
int ue_register(struct ue *ue)
{
    if (ue->state == MM_REGISTERED || ue->state == MM_REGISTERED_INITIATED || ue->usim.is_invalid)
        return ERR_STATE;
    if (ue->state == MM_NULL)
        state_set(ue, MM_DEREGISTERED, MM_NORMAL_SERVICE);
    ue->switch_off = false;
    ue->wants_registration = true;
    ue->attempts = 0;
    if (ue->link) /* of what ended just now */
        ue->register_again = true;
    ue_kick(ue);
    return OK;
}
int ue_update(struct ue *ue, uint8_t type)
{
    if (ue->state != MM_REGISTERED || ue->sub == MM_LIMITED_SERVICE)
        return ERR_STATE;
    if (type == NAS_REG_INITIAL || !ue->cell)
        return ERR_STATE;
    registration_start(ue, type);
    return OK;
}
int ue_deregister(struct ue *ue, bool switch_off)
{
    if (ue->state == MM_NULL || ue->state == MM_DEREGISTERED || ue->state == MM_DEREGISTERED_INITIATED)
        return ERR_STATE;
    ue->switch_off = switch_off;
    ue->wants_deregistration = true;
    ue_kick(ue);
    return OK;
}
int ue_service(struct ue *ue)
{
    if (ue->state != MM_REGISTERED)
        return ERR_STATE;
    ue->wants_service = true;
    ue_kick(ue);
    return OK;
}
