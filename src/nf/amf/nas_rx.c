/* SPDX-License-Identifier: Apache-2.0 */
/* Uplink NAS: which messages are taken from whom (TS 24.501 4.4.4.2, 4.4.4.3), how they are opened, what clause 7
 * says of those that cannot be read, and who deals with the rest. */
#include "nf/amf/ue.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/metrics.h"

struct row {
    uint8_t type;
    bool initial;     /* may begin a connection */
    bool unverified;  /* taken before secure exchange is established, whatever its MAC: 4.4.4.3 */
    bool registered;  /* makes sense for registered phones only */
    amf_nas_fn *fn;   /* NULL: an answer, for the procedure that awaits it */
};
static const struct row *row_of(uint8_t type)
{
    static const struct row rows[] = {
        {NAS_REGISTRATION_REQUEST, true, true, false, amf_nas_registration_request},
        {NAS_SERVICE_REQUEST, true, true, false, amf_nas_service_request},
        {NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING, true, true, false, amf_nas_deregistration_request},
        {NAS_UL_NAS_TRANSPORT, false, false, true, amf_nas_ul_nas_transport},
        {NAS_GMM_STATUS, false, false, false, amf_nas_gmm_status},
        {NAS_IDENTITY_RESPONSE, false, true, false, NULL},
        {NAS_AUTHENTICATION_RESPONSE, false, true, false, NULL},
        {NAS_AUTHENTICATION_FAILURE, false, true, false, NULL},
        {NAS_SECURITY_MODE_COMPLETE, false, false, false, NULL},
        {NAS_SECURITY_MODE_REJECT, false, true, false, NULL},
        {NAS_REGISTRATION_COMPLETE, false, false, false, NULL},
        {NAS_CONFIGURATION_UPDATE_COMPLETE, false, false, false, NULL},
        {NAS_DEREGISTRATION_ACCEPT_UE_TERMINATED, false, true, false, NULL},
        {NAS_NOTIFICATION_RESPONSE, false, false, true, NULL},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].type == type)
            return &rows[i];
    return NULL;
}

enum opened { OPENED_NOT, OPENED_UNVERIFIED, OPENED_VERIFIED };
struct opening {
    struct amf *amf;
    struct amf_conn *conn;
    struct arena arena;
    struct nas_header header;
    struct bytes plain;
    struct amf_ue *ue, *claimed;
    bool is_initial;
};

/* ---- who it says it is ---- */
static const struct nas_guti *guti_of(const struct nas_msg *m)
{
    const struct nas_mobile_identity *id = NULL;
    if (m->type == NAS_REGISTRATION_REQUEST)
        id = &m->registration_request.fivegs_mobile_identity;
    else if (m->type == NAS_SERVICE_REQUEST)
        id = &m->service_request.fiveg_s_tmsi;
    else if (m->type == NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING)
        id = &m->deregistration_request_ue_originating.fivegs_mobile_identity;
    return id && (id->type == NAS_ID_GUTI || id->type == NAS_ID_S_TMSI) ? &id->guti : NULL;
}
static uint8_t ksi_of(const struct nas_msg *m)
{
    struct nas_ksi k = {NAS_KSI_NONE, false};
    if (m->type == NAS_REGISTRATION_REQUEST)
        k = m->registration_request.ngksi;
    else if (m->type == NAS_SERVICE_REQUEST)
        k = m->service_request.ngksi;
    else if (m->type == NAS_DEREGISTRATION_REQUEST_UE_ORIGINATING)
        k = m->deregistration_request_ue_originating.ngksi;
    return k.mapped ? NAS_KSI_NONE : k.value;
}
static bool guami_is_ours(const struct amf *amf, const struct nas_guti *g, bool whole)
{
    for (uint32_t i = 0; i < amf->config.n_guamis; i++) {
        const struct amf_guami *o = &amf->config.guamis[i];
        if (o->set == g->set && o->pointer == g->pointer &&
            (!whole || (o->region == g->region && memcmp(o->plmn, g->plmn, 3) == 0)))
            return true;
    }
    return false;
}
static struct amf_ue *claimed_by(struct amf *amf, const struct nas_msg *m)
{
    const struct nas_guti *g = guti_of(m);
    if (!g || !guami_is_ours(amf, g, m->type != NAS_SERVICE_REQUEST))
        return NULL;
    return amf_ue_by_tmsi(amf, g->tmsi);
}

static void tap(const struct opening *o, const struct nas_msg *m, int e)
{
    rt_tap(o->amf->rt, &(struct tap_event){.interface = TAP_N1,
                                           .direction = TAP_RX,
                                           .at_us = o->amf->rt->now_us,
                                           .peer = o->conn->gnb->assoc,
                                           .ue = amf_conn_id(o->conn),
                                           .type = m->type,
                                           .name = m->desc ? m->desc->name : "unknown",
                                           .desc = m->desc,
                                           .value = e < 0 ? NULL : m,
                                           .raw = o->plain,
                                           .error = e < 0 ? e : 0});
    LOG(o->amf->rt->log, nas_rx, "conn=%llx message=\"%s\" error=%s", (unsigned long long)amf_conn_id(o->conn),
        m->desc ? m->desc->name : "?", e < 0 ? err_text(e) : "none");
}

/* ---- opening ---- */
static int unprotect(struct opening *o, struct nas_security *s)
{
    uint32_t cap = o->header.plain.n;
    uint8_t *buf = arena_take(&o->arena, cap ? cap : 1);
    if (!buf)
        return ERR_NOSPACE;
    return s->is_valid ? nas_unprotect(s, o->amf->rt->crypto, NAS_UPLINK, &o->header, buf, cap, &o->plain) : ERR_MAC;
}
static void complain(const struct opening *o, int e)
{
    struct rt *rt = o->amf->rt;
    unsigned long long id = (unsigned long long)amf_conn_id(o->conn);
    if (e == ERR_REPLAY) {
        metric_add(rt->metrics, METRIC_nas_bad_count, 1);
        LOG(rt->log, nas_replayed, "conn=%llx", id);
    } else {
        metric_add(rt->metrics, METRIC_nas_bad_mac, 1);
        LOG(rt->log, nas_mac_wrong, "conn=%llx", id);
    }
    tap(o, &(struct nas_msg){.epd = o->header.epd}, e);
}
/* The message inside an integrity protected initial message names the context that the MAC is made with. */
static int open_initial(struct opening *o)
{
    struct nas_msg *m = arena_take(&o->arena, sizeof *m);
    struct arena scratch = o->arena;
    if (!m || nas_decode(o->header.plain, &scratch, m, NULL) < 0)
        return ERR_NOTFOUND;
    struct amf_ue *ue = claimed_by(o->amf, m);
    if (!ue || ksi_of(m) != ue->security.ksi)
        return ERR_NOTFOUND;
    int e = unprotect(o, &ue->security);
    if (e >= 0)
        o->ue = ue;
    return e;
}
static void refuse_plain(const struct opening *o)
{
    metric_add(o->amf->rt->metrics, METRIC_nas_bad_plain, 1);
    LOG(o->amf->rt->log, nas_plain_refused, "conn=%llx", (unsigned long long)amf_conn_id(o->conn));
}
static enum opened open_protected(struct opening *o)
{
    struct amf_conn *c = o->conn;
    uint8_t type = o->header.security;
    int e;
    if (type == NAS_CIPHERED_NEW || type == NAS_INTEGRITY_NEW) {
        e = c->candidate && type == NAS_CIPHERED_NEW ? unprotect(o, c->candidate) : ERR_MAC;
        if (e < 0)
            complain(o, e);
        return e < 0 ? OPENED_NOT : OPENED_VERIFIED;
    }
    if (type == NAS_INTEGRITY && c->is_secure) { /* 4.4.5: what should have been ciphered is discarded */
        refuse_plain(o);
        return OPENED_NOT;
    }
    if (c->ue) {
        o->ue = c->ue;
        e = unprotect(o, &c->ue->security);
    } else {
        e = type == NAS_INTEGRITY ? open_initial(o) : ERR_MAC;
    }
    if (e >= 0)
        return OPENED_VERIFIED;
    o->ue = NULL;
    if (e != ERR_NOTFOUND)
        complain(o, e);
    o->plain = o->header.plain;
    return !c->is_secure && type == NAS_INTEGRITY ? OPENED_UNVERIFIED : OPENED_NOT;
}
static enum opened open_message(struct opening *o)
{
    if (o->header.security != NAS_PLAIN)
        return open_protected(o);
    o->plain = o->header.plain;
    if (!o->conn->is_secure)
        return OPENED_UNVERIFIED;
    refuse_plain(o);
    return OPENED_NOT;
}

/* ---- reading, clause 7 ---- */
static void refuse_unreadable(struct opening *o, const struct nas_msg *m, const struct nas_report *r, int e)
{
    struct rt *rt = o->amf->rt;
    metric_add(rt->metrics, METRIC_nas_bad, 1);
    LOG(rt->log, nas_malformed, "conn=%llx type=%02x cause=%u offset=%u error=\"%s\"",
        (unsigned long long)amf_conn_id(o->conn), m->type, r->cause, r->offset, err_text(e));
    if (!r->cause)
        return; /* 7.2: ignored */
    if (m->type == NAS_REGISTRATION_REQUEST && !o->conn->proc)
        amf_registration_reject(o->conn, r->cause);
    else if (m->type == NAS_SERVICE_REQUEST && !o->conn->proc)
        amf_service_reject(o->conn, r->cause);
    else
        amf_nas_status(o->conn, r->cause);
}

static struct bytes container_of(const struct nas_msg *m)
{
    if (m->type == NAS_REGISTRATION_REQUEST && m->registration_request.has.nas_message_container)
        return m->registration_request.nas_message_container;
    if (m->type == NAS_SERVICE_REQUEST && m->service_request.has.nas_message_container)
        return m->service_request.nas_message_container;
    return (struct bytes){NULL, 0};
}
/* The initial message as the phone meant it (4.4.6): of the same type, and nothing inside it again. NULL: unusable. */
const struct nas_msg *amf_nas_inner(struct arena *a, uint8_t type, struct bytes plain)
{
    struct nas_msg *m = arena_zero(a, sizeof *m);
    if (!m || nas_decode(plain, a, m, NULL) < 0 || m->type != type || m->epd != NAS_EPD_MM || container_of(m).p)
        return NULL;
    return m;
}
/* Deciphered with the COUNT of the message around it. */
static const struct nas_msg *open_container(struct opening *o, const struct nas_msg *outer)
{
    struct bytes sealed = container_of(outer);
    struct nas_security *s = &o->ue->security;
    struct bytes copy = arena_bytes(&o->arena, sealed.p, sealed.n);
    if (!copy.p || nas_container_cipher(s, o->amf->rt->crypto, NAS_UPLINK, s->last, (uint8_t *)(uintptr_t)copy.p,
                                        copy.n) < 0)
        return NULL;
    return amf_nas_inner(&o->arena, outer->type, copy);
}

/* ---- handing on ---- */
static void ignore(const struct opening *o, const struct nas_msg *m, const char *why)
{
    struct rt *rt = o->amf->rt;
    metric_add(rt->metrics, METRIC_nas_bad_state, 1);
    LOG(rt->log, nas_state, "conn=%llx message=\"%s\" why=%s", (unsigned long long)amf_conn_id(o->conn),
        m->desc ? m->desc->name : "?", why);
}
static void dispatch(struct opening *o, enum opened how, const struct nas_msg *outer, const struct nas_msg *m)
{
    struct amf_nas_rx rx = {o->amf, o->conn, o->ue, &o->header, m, outer, o->plain, o->is_initial, o->claimed, &o->arena};
    const struct row *row = row_of(m->type);
    if (!row) {
        ignore(o, m, "unknown");
        amf_nas_status(o->conn, NAS_GMM_CAUSE_MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED);
    } else if (how != OPENED_VERIFIED && !row->unverified) {
        metric_add(o->amf->rt->metrics, METRIC_nas_bad_plain, 1);
        LOG(o->amf->rt->log, nas_plain_refused, "conn=%llx message=\"%s\"",
            (unsigned long long)amf_conn_id(o->conn), m->desc->name);
    } else if (o->is_initial && !row->initial) {
        ignore(o, m, "not-initial");
    } else if (row->registered && !amf_ue_is_registered(o->ue)) {
        ignore(o, m, "not-registered");
        amf_nas_status(o->conn, NAS_GMM_CAUSE_MESSAGE_TYPE_NOT_COMPATIBLE_WITH_THE_PROTOCOL_STATE);
    } else if (row->fn) {
        row->fn(&rx);
    } else if (!o->conn->proc || !proc_offer_message(o->conn->proc, m->type, &rx)) {
        ignore(o, m, "not-awaited");
    }
}
void amf_nas_receive(struct amf *amf, struct amf_conn *c, struct bytes pdu, bool is_initial)
{
    struct opening o = {.amf = amf, .conn = c, .is_initial = is_initial};
    o.arena = arena_over(amf->ues->block, AMF_NAS_ARENA_OCTETS);
    metric_add(amf->rt->metrics, METRIC_nas_rx, 1);
    struct nas_msg *m = arena_zero(&o.arena, sizeof *m);
    struct nas_report report = {0};
    if (nas_header_peek(pdu, &o.header) < 0 || o.header.epd != NAS_EPD_MM) {
        refuse_unreadable(&o, m, &report, ERR_SYNTAX);
        return;
    }
    enum opened how = open_message(&o);
    if (how == OPENED_NOT)
        return;
    int e = nas_decode(o.plain, &o.arena, m, &report);
    tap(&o, m, e);
    if (e >= 0 && m->epd != NAS_EPD_MM)
        e = ERR_SYNTAX;
    if (e < 0) {
        refuse_unreadable(&o, m, &report, e);
        return;
    }
    if (how == OPENED_VERIFIED && o.ue && !c->ue) { /* the phone of that context is here now */
        amf_ue_attach(o.ue, c);
        c->is_secure = true;
    }
    o.claimed = claimed_by(amf, m);
    if (how == OPENED_VERIFIED && o.ue) {
        const struct nas_guti *g = guti_of(m);
        if (g && o.claimed == o.ue) /* it uses the new one, so it has it: 5.4.4.6, 5.5.1.2.8 */
            amf_ue_tmsi_seen(o.ue, g->tmsi);
        amf_ue_heard(o.ue, o.header.security == NAS_INTEGRITY);
    }
    const struct nas_msg *inner = o.ue && container_of(m).p ? open_container(&o, m) : NULL;
    dispatch(&o, how, m, inner ? inner : m);
}

void amf_nas_gmm_status(const struct amf_nas_rx *rx)
{
    uint8_t cause = rx->msg->gmm_status.gmm_cause;
    LOG(rx->amf->rt->log, nas_state, "conn=%llx status=%u text=\"%s\"", (unsigned long long)amf_conn_id(rx->conn),
        cause, nas_gmm_cause_text(cause));
}
/* TS 24.501 5.4.5.2 */
void amf_nas_ul_nas_transport(const struct amf_nas_rx *rx)
{
    const struct nas_ul_nas_transport *m = &rx->msg->ul_nas_transport;
    struct amf_conn *c = rx->conn;
    if (!c->proc)
        timer_stop(&c->amf->rt->timers, &c->timer); /* the connection is wanted */
    if (m->payload_container_type == NAS_PAYLOAD_N1_SM) {
        amf_sm_uplink(rx, m);
        return;
    }
    /* Nothing else has a destination here; said so (5.4.5.2.5). */
    struct nas_msg out;
    nas_msg_init(&out, NAS_DL_NAS_TRANSPORT);
    out.dl_nas_transport.payload_container_type = m->payload_container_type;
    out.dl_nas_transport.payload_container = m->payload_container;
    out.dl_nas_transport.has.gmm_cause = 1;
    out.dl_nas_transport.gmm_cause = NAS_GMM_CAUSE_PAYLOAD_WAS_NOT_FORWARDED;
    amf_nas_send(c, &out, NAS_CIPHERED);
}
