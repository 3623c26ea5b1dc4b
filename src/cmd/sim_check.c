/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/sim_check.h"
#include "codec/gtpu.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { PROC_MAX_S = 900, N1_T_US = 6 * SIM_S, N1_LATE_US = N1_T_US + SIM_S / 10, LOG_MARK = 1 };

const struct sim_property_desc *sim_property_desc(enum sim_property p)
{
    static const struct sim_property_desc row[SIM_P_COUNT] = {
        {"fine", "", ""},
#define X(name, clause, text) {#name, clause, text},
        SIM_PROPERTIES(X)
#undef X
    };
    return &row[p < SIM_P_COUNT ? p : 0];
}
void sim_say(struct sim_check *c, const char *format, ...)
{
    va_list ap;
    uint32_t i = (uint32_t)(c->events++ % SIM_EVENTS);
    c->event[i].at_us = c->n->w ? world_now_us(c->n->w) : 0;
    va_start(ap, format);
    vsnprintf(c->event[i].text, SIM_EVENT_TEXT, format, ap);
    va_end(ap);
    if (c->verbose)
        printf("%12.6f  %s\n", (double)c->event[i].at_us / SIM_S, c->event[i].text);
}
void sim_fail(struct sim_check *c, enum sim_property p, const char *format, ...)
{
    va_list ap;
    if (c->failed)
        return;
    c->failed = p;
    c->failed_us = c->n->w ? world_now_us(c->n->w) : 0;
    va_start(ap, format);
    vsnprintf(c->text, sizeof c->text, format, ap);
    va_end(ap);
}

/* ---- sets of hashes ---- */
static uint64_t mix(uint64_t h, const void *p, size_t n) { return siphash24(h, 0x5244, p, n) | 1; }
static uint64_t mix_u64(uint64_t h, uint64_t v) { return mix(h, &v, sizeof v); }
static uint64_t *seen_slot(const struct sim_seen *s, uint64_t hash)
{
    uint32_t i = (uint32_t)(hash >> 20) & (s->cap - 1);
    while (s->slot[2 * i] && s->slot[2 * i] != hash)
        i = (i + 1) & (s->cap - 1);
    return &s->slot[2 * i];
}
/* The value's place; *was tells whether it was there. NULL: no memory. */
static uint64_t *seen_put(struct sim_seen *s, uint64_t hash, bool *was)
{
    if (2 * (s->n + 1) > s->cap) {
        struct sim_seen more = {.cap = s->cap ? s->cap * 2 : 256, .n = s->n};
        more.slot = calloc(more.cap, 2 * sizeof *more.slot);
        if (!more.slot)
            return NULL;
        for (uint32_t i = 0; i < s->cap; i++)
            if (s->slot[2 * i])
                memcpy(seen_slot(&more, s->slot[2 * i]), &s->slot[2 * i], 2 * sizeof *more.slot);
        free(s->slot);
        *s = more;
    }
    uint64_t *p = seen_slot(s, hash);
    *was = p[0] != 0;
    if (!*was) {
        p[0] = hash;
        s->n++;
    }
    return p + 1;
}
static bool seen_has(const struct sim_seen *s, uint64_t hash) { return s->cap && seen_slot(s, hash)[0]; }
static void seen_clear(struct sim_seen *s)
{
    if (s->n)
        memset(s->slot, 0, s->cap * 2 * sizeof *s->slot);
    s->n = 0;
}

/* ---- the log ---- */
static bool is_hex(char ch) { return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f') || (ch >= 'A' && ch <= 'F'); }
static uint64_t text_hash(const char *p, uint32_t n) /* of hexadecimal digits, whatever their case */
{
    char low[16];
    for (uint32_t i = 0; i < n; i++)
        low[i] = (char)(p[i] | 0x20);
    return mix(n, low, n);
}
static void secret_add(struct sim_check *c, const char *p, uint32_t n, uint32_t owner)
{
    bool was;
    uint64_t *v = seen_put(&c->secrets, text_hash(p, n), &was);
    if (v)
        *v = owner + LOG_MARK;
}
static void key_add(struct sim_check *c, const uint8_t *key, uint32_t owner)
{
    char text[33];
    for (uint32_t i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", key[i]);
    secret_add(c, text, 16, owner);
    secret_add(c, text + 16, 16, owner);
}
static void secrets_add(struct sim_check *c)
{
    for (uint32_t i = 0; i < c->n->plan.phones; i++) {
        secret_add(c, c->n->imsi[i] + 5, 10, i);
        key_add(c, c->n->key[i].k, i);
        key_add(c, c->n->key[i].opc, i);
    }
}
static void log_line(void *ctx, struct str line)
{
    struct sim_check *c = ctx;
    c->log_lines++;
    if (!c->secrets.n && c->n->plan.phones)
        secrets_add(c);
    for (uint32_t i = 0; i + 10 <= line.n; i++) {
        uint32_t n = 0;
        while (i + n < line.n && is_hex(line.p[i + n]))
            n++;
        for (uint32_t k = i; k + 10 <= i + n; k++)
            if (seen_has(&c->secrets, text_hash(line.p + k, 10)) ||
                (k + 16 <= i + n && seen_has(&c->secrets, text_hash(line.p + k, 16))))
                sim_fail(c, SIM_P_log_secret, "a line of the log names a subscriber or a key: %.*s",
                         (int)(line.n > 180 ? 180 : line.n - 1), line.p);
        i += n;
    }
    if (c->verbose)
        printf("              log: %.*s", (int)line.n, line.p);
}

/* ---- N1 and N2, as the AMF sends and takes them ---- */
/* The PDU has its COUNT to itself: the octets are at most 32 bits of key and COUNT away from unique. */
static void downlink_nas(struct sim_check *c, const struct amf_conn *conn, struct bytes pdu)
{
    if (pdu.n < 7 || pdu.p[0] != NAS_EPD_MM || !(pdu.p[1] & 15))
        return;
    const struct nas_security *s = (pdu.p[1] & 15) == NAS_INTEGRITY_NEW || conn->candidate_used ? conn->candidate
                                   : conn->ue ? &conn->ue->security
                                              : NULL;
    if (!s || !s->is_valid)
        return;
    uint32_t next = s->count[NAS_DOWNLINK], count = (next & ~0xffu) | pdu.p[6];
    if (count > next)
        count -= 0x100;
    bool was;
    seen_put(&c->counts, mix_u64(mix(NAS_DOWNLINK, s->k_int, 16), count), &was);
    if (was)
        sim_fail(c, SIM_P_count_once, "downlink COUNT %u is used a second time with the same key", count);
}
static void n2_sent(struct sim_check *c, const struct tap_event *e)
{
    const struct amf_conn *conn = e->value && c->n->amf ? amf_conn_by_id(c->n->amf, e->ue) : NULL;
    if (!conn || e->error)
        return;
    if (e->type == NGAP_MSG_DownlinkNASTransport) {
        downlink_nas(c, conn, ((const struct ngap_DownlinkNASTransport *)e->value)->NAS_PDU);
    } else if (e->type == NGAP_MSG_InitialContextSetupRequest) {
        const struct ngap_InitialContextSetupRequest *m = e->value;
        if (m->has.NAS_PDU)
            downlink_nas(c, conn, m->NAS_PDU);
        for (uint32_t i = 0; m->has.PDUSessionResourceSetupListCxtReq && i < m->PDUSessionResourceSetupListCxtReq.n; i++)
            if (m->PDUSessionResourceSetupListCxtReq.v[i].has.nAS_PDU)
                downlink_nas(c, conn, m->PDUSessionResourceSetupListCxtReq.v[i].nAS_PDU);
    } else if (e->type == NGAP_MSG_PDUSessionResourceSetupRequest) {
        const struct ngap_PDUSessionResourceSetupRequest *m = e->value;
        for (uint32_t i = 0; i < m->PDUSessionResourceSetupListSUReq.n; i++)
            if (m->PDUSessionResourceSetupListSUReq.v[i].has.pDUSessionNAS_PDU)
                downlink_nas(c, conn, m->PDUSessionResourceSetupListSUReq.v[i].pDUSessionNAS_PDU);
    }
}
static void n2_taken(struct sim_check *c, const struct tap_event *e)
{
    struct bytes pdu = {NULL, 0};
    if (e->value && e->type == NGAP_MSG_InitialUEMessage)
        pdu = ((const struct ngap_InitialUEMessage *)e->value)->NAS_PDU;
    else if (e->value && e->type == NGAP_MSG_UplinkNASTransport)
        pdu = ((const struct ngap_UplinkNASTransport *)e->value)->NAS_PDU;
    if (c->attack)
        sim_attack_hear_nas(c->attack, pdu);
    c->nas_security = pdu.n > 6 ? pdu.p[1] & 15 : 0;
    c->nas_sequence = c->nas_security ? pdu.p[6] : 0;
}
/* A procedure that sent a request and has had nothing since, though the request's timer has expired. */
static void late(struct sim_check *c, uint64_t now_us)
{
    if (now_us < c->next_due_us)
        return;
    c->next_due_us = UINT64_MAX;
    for (uint32_t i = 0; i < SIM_AWAITED; i++) {
        const struct amf_conn *conn = c->awaited[i].name && c->n->amf ? amf_conn_by_id(c->n->amf, c->awaited[i].ue) : NULL;
        if (!conn || conn->is_releasing || conn->proc != c->awaited[i].proc || conn->proc->started_us != c->awaited[i].started_us)
            c->awaited[i].name = NULL;
        else if (now_us > c->awaited[i].due_us)
            sim_fail(c, SIM_P_late, "%s was sent %.3f s ago, and neither again nor given up (%s)", c->awaited[i].name,
                     (double)(now_us + N1_LATE_US - c->awaited[i].due_us) / SIM_S, conn->proc->type->name);
        else if (c->awaited[i].due_us < c->next_due_us)
            c->next_due_us = c->awaited[i].due_us;
    }
}
static void await(struct sim_check *c, const struct tap_event *e)
{
    const struct amf_conn *conn = c->n->amf ? amf_conn_by_id(c->n->amf, e->ue) : NULL;
    uint32_t i = (uint32_t)e->ue % SIM_AWAITED;
    c->awaited[i].name = conn && conn->proc && !e->error ? e->name : NULL;
    if (!c->awaited[i].name)
        return;
    c->awaited[i].ue = e->ue;
    c->awaited[i].proc = conn->proc;
    c->awaited[i].started_us = conn->proc->started_us;
    c->awaited[i].due_us = e->at_us + N1_LATE_US;
    if (c->awaited[i].due_us < c->next_due_us)
        c->next_due_us = c->awaited[i].due_us;
}
static void n1_taken(struct sim_check *c, const struct tap_event *e)
{
    const struct amf_conn *conn = c->n->amf ? amf_conn_by_id(c->n->amf, e->ue) : NULL;
    if (!conn)
        return;
    bool was;
    if (c->awaited[e->ue % SIM_AWAITED].ue == e->ue)
        c->awaited[e->ue % SIM_AWAITED].name = NULL;
    uint64_t *turn = seen_put(&c->sent, mix_u64(1, e->ue), &was);
    if (turn)
        ++*turn; /* whatever is sent after it answers it */
    if (!conn->is_secure || e->error)
        return;
    if (!c->nas_security)
        sim_fail(c, SIM_P_plain, "AMF takes an unprotected %s though the exchange is secure", e->name);
    const struct nas_security *s = conn->ue ? &conn->ue->security : NULL;
    if (!s || !s->is_valid || (uint8_t)s->last != c->nas_sequence)
        return;
    seen_put(&c->counts, mix_u64(mix(NAS_UPLINK, s->k_int, 16), s->last), &was);
    if (was)
        sim_fail(c, SIM_P_count_once, "uplink COUNT %u is accepted a second time (%s)", s->last, e->name);
}
static void n1_sent(struct sim_check *c, const struct tap_event *e)
{
    switch (e->type) { /* those with a timer of the network's: 6 s each */
    case NAS_AUTHENTICATION_REQUEST: case NAS_SECURITY_MODE_COMMAND: case NAS_REGISTRATION_ACCEPT:
    case NAS_IDENTITY_REQUEST: case NAS_DEREGISTRATION_REQUEST_UE_TERMINATED: break;
    case NAS_CONFIGURATION_UPDATE_COMMAND: /* one that asks for no answer has no timer */
        if (!((const struct nas_msg *)e->value)->configuration_update_command.has.configuration_update_indication)
            return;
        break;
    default: return;
    }
    await(c, e);
    bool was;
    uint64_t *turn = seen_put(&c->sent, mix_u64(1, e->ue), &was);
    uint64_t *last = seen_put(&c->sent, mix(mix_u64(mix_u64(e->type, e->ue), turn ? *turn : 0), e->raw.p, e->raw.n), &was);
    if (last && was && e->at_us < *last + N1_T_US)
        sim_fail(c, SIM_P_early, "%s is sent again after %.3f s", e->name, (double)(e->at_us - *last) / SIM_S);
    if (last)
        *last = e->at_us;
}
static void n4_sent(struct sim_check *c, const struct net_addr *from, struct bytes octets)
{
    static const uint8_t requests[] = {PFCP_HEARTBEAT_REQUEST, PFCP_ASSOCIATION_SETUP_REQUEST,
                                       PFCP_SESSION_ESTABLISHMENT_REQUEST, PFCP_SESSION_MODIFICATION_REQUEST,
                                       PFCP_SESSION_DELETION_REQUEST, PFCP_SESSION_REPORT_REQUEST};
    const struct pfcp_node *node = from->ip[3] == 2 ? (c->n->upf ? &c->n->upf->pfcp : NULL) : (c->n->smf ? &c->n->smf->n4 : NULL);
    if (!node || !memchr(requests, octets.p[1], sizeof requests))
        return;
    bool was;
    uint64_t *last = seen_put(&c->sent, mix(from->ip[3], octets.p, octets.n), &was);
    uint64_t now = world_now_us(c->n->w);
    if (last && was && now < *last + node->config.t1_us)
        sim_fail(c, SIM_P_early, "PFCP request %u is sent again after %.3f s, T1 is %.3f s", octets.p[1],
                 (double)(now - *last) / SIM_S, (double)node->config.t1_us / SIM_S);
    if (last)
        *last = now;
}
static void on_wire(void *ctx, const struct world_packet *k)
{
    struct sim_check *c = ctx;
    if (k->is_sctp && c->attack && k->from.ip[3] == 16)
        sim_attack_hear_n2(c->attack, k->octets);
    if (!k->is_sctp && k->to.port == PFCP_PORT && k->octets.n > 1)
        n4_sent(c, &k->from, k->octets);
}
/* ---- N3 and N6 ---- */
static const struct ue_session *session_of_teid(const struct sim_net *n, uint32_t teid)
{
    const struct bearer *b = teid & 0xffffff ? slab_at(&n->ran.bearers, (teid & 0xffffff) - 1) : NULL;
    return b && b->teid == teid && b->link->ue ? ue_session_find(b->link->ue, b->psi) : NULL;
}
static bool is_for(const struct ue_session *s, const uint8_t *ip, uint32_t n)
{
    if (s->type == NAS_PDU_ETHERNET) /* a bridge gives to all what is for nobody that it knows */
        return n >= 14;
    if (n >= 20 && ip[0] >> 4 == 4)
        return s->type != NAS_PDU_IPV6 && (ip[16] >= 224 || !memcmp(ip + 16, s->ipv4, 4)); /* or for all of a 5G LAN */
    if (n < 40 || ip[0] >> 4 != 6)
        return true; /* no packet at all */
    return ip[24] == 0xff || (ip[24] == 0xfe && ip[25] == 0x80) || !s->has_prefix || !memcmp(ip + 24, s->prefix, 8) ||
           (s->has_prefix2 && !memcmp(ip + 24, s->prefix2, 8));
}
static void n3_taken(struct sim_check *c, const struct tap_event *e)
{
    struct gtpu_hdr h;
    if (gtpu_parse(e->raw.p, e->raw.n, &h) < 0 || h.type != GTPU_G_PDU)
        return;
    const struct ue_session *s = session_of_teid(c->n, h.teid);
    if (s && s->state == SM_ACTIVE && !is_for(s, e->raw.p + h.header, h.payload))
        sim_fail(c, SIM_P_tunnel, "a packet for another arrives in the tunnel of phone %u, session %u",
                 sim_phone_of(c->n, s->ue), s->psi);
}
void sim_payload(uint8_t to[SIM_PAYLOAD], uint32_t phone, uint8_t psi)
{
    memcpy(to, "redoubt", 7);
    to[7] = psi;
    put_be32(to + 8, phone);
}
void sim_check_received(struct sim_check *c, uint32_t phone, uint8_t psi, struct bytes data)
{
    uint8_t mine[SIM_PAYLOAD];
    sim_payload(mine, phone, psi);
    if (data.n == SIM_PAYLOAD && !memcmp(data.p, "redoubt", 7) && memcmp(data.p, mine, SIM_PAYLOAD))
        sim_fail(c, SIM_P_tunnel, "phone %u receives what was sent to phone %u", phone, be32(data.p + 8));
}
static void left(void *ctx, int tun, struct bytes p) /* to the data network */
{
    struct sim_check *c = ctx;
    if (memmem(p.p, p.n, SIM_STOLEN, 7))
        sim_fail(c, SIM_P_tunnel, "a packet that an attacker sent into a tunnel left for the data network");
    const uint8_t *data = p.n == 28 + SIM_PAYLOAD && p.p[0] == 0x45 && p.p[9] == 17 ? p.p + 28 : NULL;
    if (!data || memcmp(data, "redoubt", 7) || be32(data + 8) >= c->n->plan.phones)
        return;
    const struct ue *ue = c->n->ue[be32(data + 8)];
    const struct ue_session *s = ue ? ue_session_find(ue, data[7]) : NULL;
    bool is_new = s && world_now_us(c->n->w) < s->asked_us + 2 * SIM_S; /* of the one before it */
    if (s && s->state == SM_ACTIVE && !is_new && s->type != NAS_PDU_IPV6 && memcmp(p.p + 12, s->ipv4, 4))
        sim_fail(c, SIM_P_tunnel, "what phone %u sends leaves with the address %u.%u.%u.%u", be32(data + 8), p.p[12], p.p[13],
                 p.p[14], p.p[15]);
}

/* ---- taps ---- */
static void follow(struct sim_check *c, const struct tap_event *e, const char *who)
{
    static const char *const name[] = {"N1", "N2", "N3", "N4", "N6", "SBI"};
    uint64_t fact[4] = {e->interface, e->direction, e->type, e->at_us};
    c->trace = mix(c->trace, fact, sizeof fact);
    if (e->interface != TAP_SBI || c->verbose)
        sim_say(c, "%s %s %s %s%s%s", who, name[e->interface], e->direction == TAP_TX ? "sends" : "gets", e->name,
                e->error ? ": " : "", e->error ? err_text(e->error) : "");
}
static void core_tap(void *ctx, const struct tap_event *e)
{
    struct sim_check *c = ctx;
    follow(c, e, "core");
    late(c, e->at_us);
    if (e->interface == TAP_N2) {
        c->n2[e->type % SIM_COVER]++;
        e->direction == TAP_TX ? n2_sent(c, e) : n2_taken(c, e);
    } else if (e->interface == TAP_N1) {
        c->n1[e->type % SIM_COVER]++;
        e->direction == TAP_TX ? n1_sent(c, e) : n1_taken(c, e);
    } else if (e->interface == TAP_N4) {
        c->n4[e->type % SIM_COVER]++;
    } else if (e->interface == TAP_SBI) {
        c->sbi[e->type % SIM_COVER]++;
    }
}
static void upf_tap(void *ctx, const struct tap_event *e)
{
    struct sim_check *c = ctx;
    if (e->interface == TAP_N4 && e->direction == TAP_TX)
        c->n4[e->type % SIM_COVER]++;
}
static void ran_tap(void *ctx, const struct tap_event *e)
{
    struct sim_check *c = ctx;
    if (e->interface == TAP_N3 && e->direction == TAP_RX)
        n3_taken(c, e);
    if (e->interface == TAP_N1)
        c->n1[e->type % SIM_COVER]++;
    if (c->verbose && e->interface == TAP_N1)
        sim_say(c, "phone N1 %s %s", e->direction == TAP_TX ? "sends" : "gets", e->name);
}
static void found(void *ctx, const struct guard_finding *f)
{
    const struct sim_check *c = ctx;
    if (SIM_HAS(&c->n->plan, attack) || (f->detection == GUARD_NAS_04 && SIM_HAS(&c->n->plan, nas)))
        return; /* there is something to find */
    if (f->detection == GUARD_N3_03 && c->has_lost)
        return; /* the session of before has another address than the phone was given since */
    sim_fail(ctx, SIM_P_guard_silent, "%s %s, message %s: %s", guard_name(f->detection), f->subject, f->message->name, f->why);
}
void sim_check_start(struct sim_check *c, struct sim_net *n)
{
    bool verbose = c->verbose;
    *c = (struct sim_check){.n = n, .trace = 1, .verbose = verbose, .next_due_us = UINT64_MAX};
    n->tap[0] = (struct tap){.fn = core_tap, .ctx = c};
    n->tap[1] = (struct tap){.fn = upf_tap, .ctx = c};
    n->tap[2] = (struct tap){.fn = ran_tap, .ctx = c};
    n->found = found;
    n->found_ctx = c;
    n->log.line = log_line;
    n->log.ctx = c;
    n->dn.seen = left;
    n->dn.ctx = c;
}
void sim_check_watch(struct sim_check *c) { world_watch(c->n->w, on_wire, c); }
void sim_check_free(struct sim_check *c)
{
    free(c->counts.slot);
    free(c->sent.slot);
    free(c->secrets.slot);
    c->counts = c->sent = c->secrets = (struct sim_seen){0};
}

/* ---- at any time ---- */
static void once(struct sim_check *c, struct sim_seen *s, uint64_t hash, const char *what, uint64_t which)
{
    bool was;
    seen_put(s, hash, &was);
    if (was)
        sim_fail(c, SIM_P_unique, "two have the same %s %llx", what, (unsigned long long)which);
}
static void unique(struct sim_check *c)
{
    struct sim_seen s = {0};
    struct sim_net *n = c->n;
    uint32_t i = 0;
    for (const struct smf_session *m; n->smf && (m = slab_next(&n->smf->sessions, &i));) {
        if (m->v4 != POOL_NONE)
            once(c, &s, mix_u64(mix_u64(1, (uintptr_t)m->dnn), m->v4), "IPv4 address", m->v4);
        if (m->v6 != POOL_NONE)
            once(c, &s, mix_u64(mix_u64(2, (uintptr_t)m->dnn), m->v6), "IPv6 prefix", m->v6);
        if (m->up.addr.family)
            once(c, &s, mix_u64(3, m->up.teid), "TEID of the UPF", m->up.teid);
    }
    i = 0;
    for (const struct amf_ue *u; n->amf && (u = slab_next(&n->amf->ues->ues, &i));) {
        if (u->tmsi)
            once(c, &s, mix_u64(4, u->tmsi), "5G-TMSI", u->tmsi);
        if (u->new_tmsi)
            once(c, &s, mix_u64(4, u->new_tmsi), "5G-TMSI", u->new_tmsi);
    }
    i = 0;
    for (const struct bearer *b; (b = slab_next(&n->ran.bearers, &i));)
        once(c, &s, mix_u64(5, b->teid), "TEID of a gNB", b->teid);
    free(s.slot);
}
static void old_procedures(struct sim_check *c, const struct rt *rt)
{
    const uint64_t now = world_now_us(c->n->w);
    if (!rt->env)
        return;
    for (const struct link *l = rt->procs.next; l != &rt->procs; l = l->next) {
        const struct proc *p = CONTAINER(l, struct proc, on_rt);
        if (now > p->started_us + PROC_MAX_S * (uint64_t)SIM_S)
            sim_fail(c, SIM_P_ends, "%s runs since %.0f s at \"%s\"", p->type->name, (double)(now - p->started_us) / SIM_S,
                     p->step ? p->step : "?");
    }
}
void sim_check_now(struct sim_check *c)
{
    unique(c);
    old_procedures(c, &c->n->core);
    late(c, world_now_us(c->n->w));
    if (c->sent.n > 100000)
        seen_clear(&c->sent);
}

/* ---- at rest ---- */
#define MUST(property, condition, ...)                                                             \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            sim_fail(c, SIM_P_##property, __VA_ARGS__);                                            \
            return;                                                                                \
        }                                                                                          \
    } while (0)
static void agree_keys(struct sim_check *c, uint32_t i, const struct ue *ue, const struct amf_ue *a)
{
    const struct nas_security *p = &ue->current, *q = &a->security;
    MUST(agree_keys, p->is_valid && q->is_valid, "phone %u: no valid security context", i);
    MUST(agree_keys, !memcmp(p->kamf, q->kamf, 32) && !memcmp(p->k_int, q->k_int, 16) && !memcmp(p->k_enc, q->k_enc, 16),
         "phone %u and AMF have different keys", i);
    MUST(agree_keys, p->ksi == q->ksi && p->nea == q->nea && p->nia == q->nia, "phone %u and AMF: ngKSI or algorithms differ", i);
    MUST(agree_keys, p->count[0] == q->count[0] && p->count[1] == q->count[1],
         "phone %u and AMF: COUNTs %u, %u and %u, %u", i, p->count[0], p->count[1], q->count[0], q->count[1]);
}
static bool udm_has(struct sim_net *n, uint32_t phone, uint8_t psi)
{
    uint8_t memory[4096];
    char key[40], supi[24];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes value;
    sim_supi(n, phone, supi);
    int k = psi ? snprintf(key, sizeof key, "%s/%03u", supi, psi) : snprintf(key, sizeof key, "%s", supi);
    return store_get(n->store, psi ? STORE_smf_reg : STORE_amf_reg, (struct bytes){(uint8_t *)key, (uint32_t)k}, &a, &value) == OK;
}
static void agree_session(struct sim_check *c, uint32_t i, const struct ue_session *s)
{
    char supi[24];
    uint8_t ip[4];
    const struct smf_session *m = smf_session_find(c->n->smf, sim_supi(c->n, i, supi), s->psi);
    MUST(agree_sm, m, "phone %u has session %u, the SMF has not", i, s->psi);
    MUST(agree_sm, m->state == SMF_ACTIVE, "phone %u, session %u: active, but not at the SMF", i, s->psi);
    MUST(agree_sm, (s->bearer != NULL) == (m->up_state == SMF_UP_ON), "phone %u, session %u: user plane %s at the phone, %s at the SMF",
         i, s->psi, s->bearer ? "on" : "off", m->up_state == SMF_UP_ON ? "on" : "off");
    MUST(agree_sm, !s->bearer || (m->an.teid == s->bearer->teid && m->up.teid == s->bearer->peer_teid),
         "phone %u, session %u: gNB and SMF have different tunnels", i, s->psi);
    smf_ipv4(m, ip);
    MUST(agree_sm, s->type == NAS_PDU_IPV6 || s->type == NAS_PDU_ETHERNET || !memcmp(ip, s->ipv4, 4), "phone %u, session %u: phone and SMF have different addresses", i, s->psi);
    MUST(agree_sm, amf_session_by_id(sim_amf_ue(c->n, i), s->psi), "phone %u has session %u, the AMF has not", i, s->psi);
    MUST(agree_sm, !m->is_registered || udm_has(c->n, i, s->psi), "phone %u, session %u: the SMF registered it, the UDM has it not", i, s->psi);
}
static void agree_phone(struct sim_check *c, uint32_t i)
{
    const struct ue *ue = c->n->ue[i];
    const struct amf_ue *a = sim_amf_ue(c->n, i);
    bool registered = ue->state == MM_REGISTERED;
    /* a phone that left without being heard is still registered until its implicit deregistration */
    MUST(agree_mm, !registered || amf_ue_is_registered(a), "phone %u is registered, but not at the AMF", i);
    if (!registered)
        return;
    MUST(agree_mm, (ue->link != NULL) == (a->conn != NULL), "phone %u is %s, the AMF says it is %s", i,
         ue->link ? "connected" : "idle", a->conn ? "connected" : "idle");
    MUST(agree_mm, ue->usim.guti.tmsi == a->tmsi || ue->usim.guti.tmsi == a->new_tmsi, "phone %u and AMF have different GUTIs", i);
    MUST(agree_mm, !a->at_udm || udm_has(c->n, i, 0), "phone %u: the UDM knows nothing of its AMF", i);
    agree_keys(c, i, ue, a);
    uint32_t n = 0;
    for (const struct ue_session *s = ue->sessions; s && !c->failed; s = s->next) {
        n += !(s->waits && s->state == SM_ACTIVE_PENDING); /* for T3396: the network has not been asked yet */
        if (s->state == SM_ACTIVE)
            agree_session(c, i, s);
    }
    char supi[24];
    const struct smf_ue *m = smf_ue_find(c->n->smf, sim_supi(c->n, i, supi));
    MUST(agree_sm, n == (m ? m->sessions : 0u), "phone %u has %u sessions, the SMF %u", i, n, m ? m->sessions : 0u);
}
void sim_check_rest(struct sim_check *c)
{
    struct sim_net *n = c->n;
    sim_check_now(c);
    for (uint32_t i = 0; i < n->plan.phones && !c->failed; i++)
        agree_phone(c, i);
    if (c->failed)
        return;
    uint32_t at_upf = n->upf->sessions.used - n->upf->going, at_smf = n->smf->sessions.used;
    MUST(agree_sm, at_upf == at_smf, "the UPF has %u sessions, the SMF %u", at_upf, at_smf);
    MUST(agree_sm, n->amf->ues->sessions.used == n->smf->sessions.used, "the AMF has %u sessions, the SMF %u",
         n->amf->ues->sessions.used, n->smf->sessions.used);
    MUST(agree_mm, n->ran.links.used == n->amf->ues->conns.used, "%u phones are connected, %u at the AMF", n->ran.links.used,
         n->amf->ues->conns.used);
    if (n->core.procs_running) {
        const struct proc *p = CONTAINER(n->core.procs.next, struct proc, on_rt);
        MUST(ends, false, "%s still runs at rest, at \"%s\"", p->type->name, p->step ? p->step : "?");
    }
    MUST(ends, !n->core.calls_open, "%u service calls are open at rest", n->core.calls_open);
}
void sim_check_empty(struct sim_check *c)
{
    struct sim_net *n = c->n;
    const struct amf_ues *a = n->amf->ues;
    MUST(ends, !n->core.procs_running, "%s still runs though all have left",
         CONTAINER(n->core.procs.next, struct proc, on_rt)->type->name);
    MUST(ends, !n->core.calls_open, "%u service calls are open though all have left", n->core.calls_open);
    MUST(returned, !n->amf->gnbs.used && !a->conns.used, "AMF keeps %u gNBs, %u connections", n->amf->gnbs.used, a->conns.used);
    MUST(returned, !a->sessions.used && !a->registered && !a->ues.used, "AMF keeps %u phones, %u of them registered, %u sessions",
         a->ues.used, a->registered, a->sessions.used);
    MUST(returned, !map_count(&a->by_tmsi) && !map_count(&a->by_ran) && !map_count(&a->by_supi), "AMF keeps identities");
    MUST(returned, !n->smf->sessions.used && !n->smf->ues.used, "SMF keeps %u sessions", n->smf->sessions.used);
    for (uint32_t i = 0; i < n->smf->n_dnns; i++)
        MUST(returned, !n->smf->dnns[i].v4.used && !n->smf->dnns[i].v6.used, "%u IPv4 addresses and %u IPv6 prefixes have not come back",
             n->smf->dnns[i].v4.used, n->smf->dnns[i].v6.used);
    MUST(returned, !n->upf->sessions.used, "UPF keeps %u sessions", n->upf->sessions.used);
    MUST(returned, !n->ran.ues.used && !n->ran.sessions.used && !n->ran.links.used && !n->ran.bearers.used,
         "RAN keeps %u sessions, %u connections, %u bearers", n->ran.sessions.used, n->ran.links.used, n->ran.bearers.used);
    MUST(returned, !n->ran_rt.timers.n, "%u timers of the RAN still run", n->ran_rt.timers.n);
}
