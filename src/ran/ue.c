/* SPDX-License-Identifier: Apache-2.0 */
/* ue.c - a phone's life, and how its NAS messages leave and arrive: TS 24.501 4.4. */
#include "ran/ue.h"

const char *ue_event_name(enum ue_event_kind k)
{
    static const char *const names[] = {
        "connected",      "idle",          "registered",     "registration-failed", "deregistered", "service-accepted",
        "service-failed", "paged",         "configured",     "session-up",          "session-failed", "session-changed",
        "session-down",   "address-ipv6",  "ping-reply",     "barred",              "data"};
    return (unsigned)k < ARRAY_LEN(names) ? names[k] : "?";
}
const char *ue_mm_state_name(uint8_t state)
{
    static const char *const names[] = {"off", "deregistered", "registering", "registered", "deregistering",
                                        "requesting-service"};
    return state < ARRAY_LEN(names) ? names[state] : "?";
}
void ran_tell(struct ue *ue, const struct ue_event *e)
{
    if (ue->ran->config.event)
        ue->ran->config.event(ue->ran->config.ctx, ue, e);
}

/* ---- the RAN as a whole ---- */
int ran_init(struct ran *ran, struct rt *rt, const struct ran_config *c)
{
    uint64_t k[2];
    *ran = (struct ran){.rt = rt, .config = *c, .n3 = -1};
    env_random(rt->env, k, sizeof k);
    map_init(&ran->by_tmsi, k[0], k[1]);
    ran->block = frame_new(rt, 1 << 15);
    ran->clear = frame_new(rt, RAN_NAS_MAX);
    ran->inner = frame_new(rt, RAN_NAS_MAX);
    ran->plain = frame_new(rt, RAN_NAS_MAX);
    ran->out = frame_new(rt, RAN_NAS_MAX);
    ran->packet = frame_new(rt, RAN_PACKET_MAX);
    bool good = ran->block && ran->clear && ran->inner && ran->plain && ran->out && ran->packet &&
                slab_init(&ran->ues, "phones", sizeof(struct ue), c->max_ues) == 0 &&
                slab_init(&ran->sessions, "sessions", sizeof(struct ue_session), c->max_sessions) == 0 &&
                slab_init(&ran->links, "connections", sizeof(struct gnb_ue), c->max_ues) == 0 &&
                slab_init(&ran->bearers, "bearers", sizeof(struct bearer), c->max_sessions) == 0;
    int e = good ? gnb_n3_open(ran) : ERR_NOSPACE;
    if (e < 0)
        ran_free(ran);
    return e;
}
static void buffer_drop(struct ran *ran, uint8_t *p, size_t n)
{
    if (p)
        frame_drop(ran->rt, p, n);
}
void ran_free(struct ran *ran)
{
    uint32_t i = 0;
    if (!ran->rt)
        return;
    for (struct ue *ue; ran->ues.items && (ue = slab_next(&ran->ues, &i));)
        ue_drop(ue);
    gnb_n3_close(ran);
    slab_free(&ran->ues);
    slab_free(&ran->sessions);
    slab_free(&ran->links);
    slab_free(&ran->bearers);
    map_free(&ran->by_tmsi);
    buffer_drop(ran, ran->block, 1 << 15);
    buffer_drop(ran, ran->clear, RAN_NAS_MAX);
    buffer_drop(ran, ran->inner, RAN_NAS_MAX);
    buffer_drop(ran, ran->plain, RAN_NAS_MAX);
    buffer_drop(ran, ran->out, RAN_NAS_MAX);
    buffer_drop(ran, ran->packet, RAN_PACKET_MAX);
    *ran = (struct ran){0};
}
int cell_init(struct cell *c, struct ran *ran, const struct gnb_config *config)
{
    memset(c, 0, sizeof *c);
    int e = gnb_init(&c->gnb, ran->rt, config);
    if (e < 0)
        return e;
    c->ran = ran;
    c->gnb.user = c;
    c->gnb.ue_ops = &gnb_phones;
    list_init(&c->links);
    uint64_t nci = (uint64_t)config->id << (36 - config->id_bits) | 1;
    c->nci[0] = (uint8_t)(nci >> 28);
    put_be32(c->nci + 1, (uint32_t)(nci << 4));
    return OK;
}
void cell_vanish(struct cell *c)
{
    gnb_stop(&c->gnb);
    gnb_phones.release_all(&c->gnb);
}
void cell_free(struct cell *c)
{
    uint32_t i = 0;
    if (!c->ran)
        return;
    cell_vanish(c);
    for (struct ue *ue; (ue = slab_next(&c->ran->ues, &i));)
        if (ue->cell == c)
            ue->cell = NULL;
    gnb_free(&c->gnb);
    memset(c, 0, sizeof *c);
}

/* ---- a phone ---- */
static void capability_set(struct ue *ue, const struct ue_config *c)
{
    ue->capability.n = 2;
    ue->capability.ea = c->ea;
    ue->capability.ia = c->ia;
    if (!c->ea && !c->ia && !c->no_algorithms)
        ue->capability.ea = ue->capability.ia = 0xf0;
}
struct ue *ue_new(struct ran *ran, const struct ue_config *c)
{
    struct ue *ue = slab_new(&ran->ues);
    if (!ue)
        return NULL;
    ue->ran = ran;
    if (usim_init(&ue->usim, &c->usim) < 0 || c->n_slices > UE_SLICES) {
        slab_drop(&ran->ues, ue);
        return NULL;
    }
    str_copy(ue->imeisv, sizeof ue->imeisv, str_of(c->imeisv ? c->imeisv : "4370816125816151"));
    capability_set(ue, c);
    ue->n_slices = c->n_slices;
    memcpy(ue->slices, c->slices, sizeof ue->slices);
    ue->tun = c->tun;
    ue->multi_homed = c->multi_homed;
    ue->tun_name = c->tun_name;
    ue->tun_netns = c->tun_netns;
    ue->user = c->user;
    ue->state = MM_DEREGISTERED;
    ue->t3512_s = 54 * 60;
    ue->t3502_s = 12 * 60;
    ue->next_pti = 1;
    ue->nssai_mode = NAS_NSSAI_MODE_D; /* 4.6.2.3: until a network says otherwise */
    return ue;
}
static void timers_stop(struct ue *ue)
{
    struct timers *t = &ue->ran->rt->timers;
    timer_stop(t, &ue->t_procedure);
    timer_stop(t, &ue->t_retry);
    timer_stop(t, &ue->t_hold);
    timer_stop(t, &ue->t3512);
    timer_stop(t, &ue->t3520);
    timer_stop(t, &ue->t3540);
}
void ue_drop(struct ue *ue)
{
    struct ran *ran = ue->ran;
    struct gnb_ue *l = ue->link;
    ue->link = NULL;
    if (l)
        gnb_ue_lost(l);
    timers_stop(ue);
    while (ue->sessions)
        ue_session_free(ue->sessions);
    if (ue->usim.has_guti && map_get_u64(&ran->by_tmsi, ue_tmsi_key(&ue->usim.guti)) == ue)
        map_del_u64(&ran->by_tmsi, ue_tmsi_key(&ue->usim.guti));
    slab_drop(&ran->ues, ue);
}
void ue_lose_radio(struct ue *ue)
{
    struct gnb_ue *l = ue->link;
    if (!l)
        return;
    ue->link = NULL;
    for (struct bearer *b = l->bearers; b; b = b->next)
        ue_bearer_gone(ue, b->psi);
    gnb_ue_lost(l);
    ue_released(ue, true);
}
void ue_camp(struct ue *ue, struct cell *c)
{
    if (ue->cell == c)
        return;
    ue->cell = c;
    if (c && ue->state == MM_REGISTERED && ue->sub == MM_LIMITED_SERVICE)
        ue->sub = MM_NORMAL_SERVICE; /* that was there */
    /* what was under way begins anew here, but not before the network knows where (5.5.1.3.2 a) */
    if (c && (ue->state == MM_REGISTERED || ue->state == MM_SERVICE_REQUEST_INITIATED) && !ue_in_area(ue))
        ue->wants_update = true;
    ue_lose_radio(ue);
    if (c && ue->state == MM_REGISTERED && !ue_in_area(ue))
        ue_update(ue, NAS_REG_MOBILITY); /* 5.5.1.3.2 a */
    else
        ue_kick(ue);
}

/* ---- uplink ---- */
static void tap(struct ue *ue, enum tap_direction d, const struct nas_msg *m, struct bytes plain)
{
    rt_tap(ue->ran->rt, &(struct tap_event){.interface = TAP_N1, .direction = d, .at_us = ue->ran->rt->now_us,
                                            .ue = slab_index(&ue->ran->ues, ue), .type = m->type,
                                            .name = m->desc ? m->desc->name : "unknown", .value = m, .raw = plain});
}
static bool once(uint8_t *fault, uint8_t type)
{
    bool is_it = *fault && *fault == type;
    if (is_it)
        *fault = 0;
    return is_it;
}
bool ue_drops(struct ue *ue, uint8_t *fault, uint8_t type)
{
    if (ue->faults.silent || !*fault || *fault != type)
        return false;
    if (ue->faults.drop_times <= 1)
        *fault = 0;
    else
        ue->faults.drop_times--;
    return true;
}
/* What is ready for the air. */
static int transmit(struct ue *ue, uint8_t type, struct bytes nas, uint32_t cause)
{
    int e;
    if (ue->faults.silent || ue_drops(ue, &ue->faults.drop_up, type))
        return OK;
    bool again = once(&ue->faults.replay, type);
    if (ue->link) {
        e = gnb_ue_uplink(ue->link, nas);
    } else {
        uint64_t tmsi = ue->usim.has_guti ? ue_tmsi_key(&ue->usim.guti) : 0;
        if (!ue->cell)
            return ERR_STATE;
        e = gnb_ue_connect(ue->cell, ue, cause, tmsi, nas);
        if (e >= 0) {
            timer_stop(&ue->ran->rt->timers, &ue->t3512);
            ran_tell(ue, &(struct ue_event){.kind = UE_CONNECTED});
        }
    }
    if (again && ue->link)
        gnb_ue_uplink(ue->link, nas);
    return e;
}
static int encode(struct ue *ue, const struct nas_msg *m, struct bytes *plain)
{
    int n = nas_encode(m, ue->ran->plain, RAN_NAS_MAX);
    if (n < 0)
        return n;
    *plain = (struct bytes){ue->ran->plain, (uint32_t)n};
    tap(ue, TAP_TX, m, *plain);
    return OK;
}
int ue_send_protected(struct ue *ue, struct bytes plain, enum nas_security_header header, uint32_t cause)
{
    struct ran *ran = ue->ran;
    uint8_t type = plain.n > 2 ? plain.p[2] : 0;
    if (once(&ue->faults.plain, type))
        return transmit(ue, type, plain, cause);
    int n = nas_protect(&ue->current, ran->rt->crypto, NAS_UPLINK, header, plain, ran->out, RAN_NAS_MAX);
    if (n < 0)
        return n;
    if (once(&ue->faults.bad_mac, type))
        ran->out[3] ^= 0x55;
    return transmit(ue, type, (struct bytes){ran->out, (uint32_t)n}, cause);
}
int ue_send(struct ue *ue, const struct nas_msg *m)
{
    struct bytes plain;
    int e = encode(ue, m, &plain);
    if (e < 0)
        return e;
    if (!ue->link)
        return ERR_STATE;
    if (ue->secure && ue->current.is_valid)
        return ue_send_protected(ue, plain, NAS_CIPHERED, 0);
    return transmit(ue, m->type, plain, 0);
}
/* 4.4.6: with a context the whole message goes ciphered into a container of one that has cleartext IEs alone; without
 * one those alone go, and the whole message follows in the security mode complete. */
int ue_send_initial(struct ue *ue, struct nas_msg *outer, const struct nas_msg *full, uint32_t cause)
{
    struct ran *ran = ue->ran;
    struct bytes plain;
    ue->was_protected = ue->current.is_valid;
    if (ue->current.is_valid && !nas_is_cleartext_only(full)) {
        int n = nas_encode(full, ran->inner, RAN_NAS_MAX);
        if (n < 0)
            return n;
        int e = nas_container_cipher(&ue->current, ran->rt->crypto, NAS_UPLINK, ue->current.count[NAS_UPLINK],
                                     ran->inner, (uint32_t)n);
        if (e < 0)
            return e;
        struct bytes inside = {ran->inner, (uint32_t)n};
        if (outer->type == NAS_REGISTRATION_REQUEST) {
            outer->registration_request.has.nas_message_container = 1;
            outer->registration_request.nas_message_container = inside;
        } else {
            outer->service_request.has.nas_message_container = 1;
            outer->service_request.nas_message_container = inside;
        }
    }
    int e = encode(ue, outer, &plain);
    if (e < 0)
        return e;
    ue->kgnb_count = ue->current.count[NAS_UPLINK];
    if (!ue->current.is_valid)
        return transmit(ue, outer->type, plain, cause);
    /* Where the exchange is secure already, the message is ciphered like every other. */
    return ue_send_protected(ue, plain, ue->link && ue->secure ? NAS_CIPHERED : NAS_INTEGRITY, cause);
}
void ue_status(struct ue *ue, uint8_t cause)
{
    struct nas_msg m;
    nas_msg_init(&m, NAS_GMM_STATUS);
    m.gmm_status.gmm_cause = cause;
    ue->ran->counters.nas_status++;
    ue_send(ue, &m);
}

/* ---- downlink ---- */
/* 4.4.4.2: what is taken without protection before the exchange is secure. */
static bool is_taken_plain(uint8_t type)
{
    switch (type) {
    case NAS_IDENTITY_REQUEST:
    case NAS_AUTHENTICATION_REQUEST:
    case NAS_AUTHENTICATION_RESULT:
    case NAS_AUTHENTICATION_REJECT:
    case NAS_REGISTRATION_REJECT:
    case NAS_DEREGISTRATION_ACCEPT_UE_ORIGINATING:
    case NAS_SERVICE_REJECT: return true;
    default: return false;
    }
}
static void discard(struct ue *ue) { ue->ran->counters.nas_discarded++; }
static void message(struct ue *ue, struct bytes plain, bool is_protected)
{
    struct ran *ran = ue->ran;
    struct arena a = arena_over(ran->block, 1 << 15);
    struct nas_report report;
    struct nas_msg m;
    int e = nas_decode(plain, &a, &m, &report);
    if (e == OK)
        tap(ue, TAP_RX, &m, plain);
    if (ue_drops(ue, &ue->faults.drop_down, m.type))
        return;
    if (e == OK && m.epd == NAS_EPD_MM) {
        ue_mm_message(ue, &m, is_protected);
        return;
    }
    ran->counters.nas_bad++;
    if (e != OK && report.cause && m.epd == NAS_EPD_MM && m.type != NAS_GMM_STATUS)
        ue_status(ue, report.cause); /* clause 7 */
}
void ue_downlink(struct ue *ue, struct bytes nas)
{
    struct ran *ran = ue->ran;
    struct nas_header h;
    struct bytes plain;
    if (ue->faults.silent)
        return;
    if (nas_header_peek(nas, &h) < 0 || h.epd != NAS_EPD_MM) {
        ran->counters.nas_bad++;
        return;
    }
    if (h.security == NAS_PLAIN) {
        if (ue->secure || !is_taken_plain(h.type))
            discard(ue);
        else
            message(ue, h.plain, false);
        return;
    }
    if (h.security == NAS_INTEGRITY_NEW) {
        ue_security_mode(ue, &h);
        return;
    }
    if (h.security == NAS_CIPHERED_NEW ||
        nas_unprotect(&ue->current, ran->rt->crypto, NAS_DOWNLINK, &h, ran->clear, RAN_NAS_MAX, &plain) < 0) {
        discard(ue);
        return;
    }
    ue->secure = true; /* 4.4.2.5: the network has taken the context into use */
    message(ue, plain, true);
}
void ue_released(struct ue *ue, bool is_lost)
{
    ue->secure = ue->was_protected = false;
    timer_stop(&ue->ran->rt->timers, &ue->t3540);
    timer_stop(&ue->ran->rt->timers, &ue->t3520);
    ran_tell(ue, &(struct ue_event){.kind = UE_IDLE});
    ue_mm_lost(ue);
}
