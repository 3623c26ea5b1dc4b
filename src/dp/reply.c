/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - GTP-U messages that are no user packets (TS 29.281 7), and ICMP errors. What an
 * outsider can provoke is limited by one rate. */
#include "dp/state.h"

bool reply_allowed(struct dp *dp)
{
    uint64_t passed = dp->now_us - dp->replies_us;
    dp->replies_us = dp->now_us;
    dp->replies_debt_us = passed >= dp->replies_debt_us ? 0 : dp->replies_debt_us - passed;
    if (dp->replies_debt_us > 250000) {
        dp->count[DP_replies_limited]++;
        return false;
    }
    dp->replies_debt_us += 1000000 / dp->config.replies_per_s;
    return true;
}

/* A message with a sequence number, TS 29.281 4.3.1; room for its IEs follows at [12]. */
static uint8_t *message(struct dp *dp, uint8_t type, uint16_t sequence, uint32_t ies)
{
    uint8_t *p = out_scratch(dp, 12 + ies);
    memset(p, 0, 12 + ies);
    p[0] = 0x32;
    p[1] = type;
    put_be16(p + 2, (uint16_t)(4 + ies));
    put_be16(p + 8, sequence);
    return p;
}

static void echo_respond(struct dp *dp, const struct gtpu *g, const struct rule_addr *to)
{
    uint8_t *p = message(dp, GTPU_ECHO_RESPONSE, g->sequence, 2);
    p[12] = GTPU_IE_RECOVERY; /* 0, and the receiver ignores it: 8.2 */
    out_tunnel(dp, to, p, 14, NULL);
    dp->count[DP_echo_requests]++;
}

void dp_send_echo_request(struct dp *dp, uint64_t now_us, const struct rule_addr *peer,
                          uint16_t sequence)
{
    dp_clock(dp, now_us);
    struct rule_addr to = *peer;
    to.port = to.port ? to.port : DP_GTPU_PORT;
    out_tunnel(dp, &to, message(dp, GTPU_ECHO_REQUEST, sequence, 0), 12, NULL);
    out_flush(dp);
}

void error_indication_send(struct dp *dp, uint32_t teid, const struct rule_addr *to)
{
    const struct rule_addr *local = to->family == 6 ? &dp->config.local_v6 : &dp->config.local_v4;
    if (!teid || !reply_allowed(dp)) /* 7.3.1: for a T-PDU whose TEID is not 0 */
        return;
    uint32_t n = local->family == 6 ? 16 : 4;
    uint8_t *p = message(dp, GTPU_ERROR_INDICATION, 0, 5 + 3 + n);
    struct rule_addr peer = *to;
    peer.port = DP_GTPU_PORT; /* 4.4.2.3: to the port of GTP-U, wherever the T-PDU came from */
    p[12] = GTPU_IE_TEID_I;
    put_be32(p + 13, teid);
    p[17] = GTPU_IE_ADDRESS;
    put_be16(p + 18, (uint16_t)n);
    memcpy(p + 20, local->ip, n);
    out_tunnel(dp, &peer, p, 20 + n, NULL);
    dp->count[DP_error_indications_out]++;
}

void extensions_send(struct dp *dp, uint16_t sequence, const struct rule_addr *to)
{
    if (!reply_allowed(dp))
        return;
    uint8_t *p = message(dp, GTPU_SUPPORTED_EXTENSIONS, sequence, 3);
    p[12] = GTPU_IE_EXTENSIONS;
    p[13] = 1;
    p[14] = GTPU_EXT_PDU_SESSION;
    out_tunnel(dp, to, p, 15, NULL);
}

void end_marker_send(struct dp *dp, const struct rule_addr *to, uint32_t teid)
{
    uint8_t *p = out_scratch(dp, 8);
    p[0] = 0x30;
    p[1] = GTPU_END_MARKER;
    put_be16(p + 2, 0);
    put_be32(p + 4, teid);
    out_tunnel(dp, to, p, 8, NULL);
    dp->count[DP_end_markers_out]++;
}

/* The information elements that a message has (TS 29.281 7.2, 7.3), and those alone. Private Extension (8.6) is none of
 * them: between networks that agreed on nothing it is a way to say what nobody is to hear. */
static bool ie_is_usual(uint8_t message, uint8_t ie)
{
    switch (ie) {
    case GTPU_IE_RECOVERY: return message != GTPU_END_MARKER && message != GTPU_ECHO_REQUEST;
    case GTPU_IE_TEID_I:
    case GTPU_IE_ADDRESS: return message == GTPU_ERROR_INDICATION;
    case GTPU_IE_EXTENSIONS: return message == GTPU_SUPPORTED_EXTENSIONS;
    case GTPU_IE_RECOVERY_TIME: return message != GTPU_END_MARKER;
    default: return false;
    }
}
static bool says_more(const struct gtpu *g)
{
    const uint8_t *p = g->payload;
    uint32_t left = g->payload_n;
    while (left) {
        uint32_t n;
        if (!ie_is_usual(g->type, p[0]))
            return true;
        if (p[0] < 128)
            n = p[0] == GTPU_IE_TEID_I ? 5 : 2;
        else if (p[0] == GTPU_IE_EXTENSIONS) /* one octet of length, 8.5 */
            n = left < 2 ? 3 : 2u + p[1];
        else
            n = left < 3 ? 4 : 3u + be16(p + 1);
        if (n > left || (p[0] == GTPU_IE_RECOVERY_TIME && n != 7))
            return true;
        p += n;
        left -= n;
    }
    return g->behind != 0;
}

/* The TEID and the address of 7.3.1; false when the TEID is missing or the IEs do not fit. */
static bool error_indication_read(const struct gtpu *g, struct dp_event *e)
{
    const uint8_t *p = g->payload, *end = p + g->payload_n;
    bool has_teid = false;
    while (p < end) {
        uint8_t type = *p++;
        uint32_t left = (uint32_t)(end - p), n = type == GTPU_IE_TEID_I ? 4 : 1;
        if (type < 128) { /* type and value alone: an unknown one cannot be skipped */
            if (left < n || (type != GTPU_IE_TEID_I && type != GTPU_IE_RECOVERY))
                return false;
            if (type == GTPU_IE_TEID_I) {
                e->teid = be32(p);
                has_teid = true;
            }
        } else {
            if (left < 2 || left - 2 < (n = be16(p)))
                return false;
            p += 2;
            if (type == GTPU_IE_ADDRESS) {
                if (n != 4 && n != 16)
                    return false;
                e->peer = (struct rule_addr){.family = n == 4 ? 4 : 6, .port = DP_GTPU_PORT};
                memcpy(e->peer.ip, p, n);
            }
        }
        p += n;
    }
    return has_teid;
}

static enum dp_counter error_indicated(struct dp *dp, const struct gtpu *g,
                                       const struct rule_addr *from)
{
    struct dp_event e = {.kind = DP_EVENT_ERROR_INDICATION, .peer = *from};
    if (!error_indication_read(g, &e))
        return DP_gtpu_malformed;
    if (says_more(g))
        return DP_covert;
    if (dp->config.check_peer && !addr_eq(from, &e.peer)) /* whoever can send here could end tunnels */
        return DP_peer_wrong;
    dp->count[DP_error_indications_in]++;
    struct session *s = session_of_remote(dp, e.teid, &e.peer);
    for (unsigned i = 0; s && i < s->r->far_n; i++)
        if (s->r->far[i].teid == e.teid && addr_eq(&s->r->far[i].peer, &e.peer))
            e.far_id = s->r->far[i].id;
    if (s || reply_allowed(dp))
        out_event(dp, s, &e);
    return DP_signalling;
}

/* On an I-UPF the end of the old path goes on to the next hop, TS 23.502 4.9.1.3.2. */
static enum dp_counter end_marked(struct dp *dp, const struct gtpu *g)
{
    struct session *s = session_of_teid(dp, g->teid);
    dp->count[DP_end_markers_in]++;
    for (unsigned i = 0; s && i < s->r->pdr_n; i++) {
        const struct far *f = &s->r->far[s->r->pdr[i].far];
        if (s->r->pdr[i].teid != g->teid || !f->peer.family || !(f->action & RULE_FORW))
            continue;
        end_marker_send(dp, &f->peer, f->teid);
        break;
    }
    return DP_signalling;
}

enum dp_counter signalling_read(struct dp *dp, const struct gtpu *g, const struct rule_addr *from)
{
    struct dp_event e = {.kind = DP_EVENT_ECHO_RESPONSE, .peer = *from, .sequence = g->sequence};
    bool is_known = g->type == GTPU_ECHO_REQUEST || g->type == GTPU_ECHO_RESPONSE || g->type == GTPU_END_MARKER ||
                    g->type == GTPU_SUPPORTED_EXTENSIONS;
    if (is_known && says_more(g))
        return DP_covert;
    switch (g->type) {
    case GTPU_ECHO_REQUEST: echo_respond(dp, g, from); return DP_signalling;
    case GTPU_ECHO_RESPONSE: out_event(dp, NULL, &e); return DP_signalling;
    case GTPU_ERROR_INDICATION: return error_indicated(dp, g, from);
    case GTPU_END_MARKER: return end_marked(dp, g);
    case GTPU_SUPPORTED_EXTENSIONS: return DP_signalling;
    default: return DP_gtpu_unknown;
    }
}

static void icmp4_send(struct dp *dp, uint16_t instance, const struct inner *in, const uint8_t *p)
{
    const struct rule_addr *router = &dp->config.instance[instance].router_v4;
    uint32_t quote = in->n < 548 ? in->n : 548; /* RFC 1812 4.3.2.3: 576 in all */
    uint8_t *q = out_scratch(dp, 28 + quote);
    memset(q, 0, 28);
    q[0] = 0x45;
    put_be16(q + 2, (uint16_t)(28 + quote));
    q[8] = 64;
    q[9] = 1;
    memcpy(q + 12, router->family ? router->ip : in->dst, 4);
    memcpy(q + 16, in->src, 4);
    put_be16(q + 10, (uint16_t)~inet_sum(q, 20, 0));
    q[20] = 3;
    q[21] = 4;
    put_be16(q + 26, dp->config.inner_mtu);
    memcpy(q + 28, p, quote);
    put_be16(q + 22, (uint16_t)~inet_sum(q + 20, 8 + quote, 0));
    out_core(dp, instance, q, 28 + quote, NULL);
}

static void icmp6_send(struct dp *dp, uint16_t instance, const struct inner *in, const uint8_t *p)
{
    const struct rule_addr *router = &dp->config.instance[instance].router_v6;
    uint32_t quote = in->n < 1232 ? in->n : 1232; /* RFC 4443 2.4: within the least MTU of 1280 */
    uint8_t *q = out_scratch(dp, 48 + quote);
    memset(q, 0, 48);
    q[0] = 0x60;
    put_be16(q + 4, (uint16_t)(8 + quote));
    q[6] = 58;
    q[7] = 64;
    memcpy(q + 8, router->family ? router->ip : in->dst, 16);
    memcpy(q + 24, in->src, 16);
    q[40] = 2;
    put_be32(q + 44, dp->config.inner_mtu < 1280 ? 1280 : dp->config.inner_mtu);
    memcpy(q + 48, p, quote);
    put_be16(q + 42, (uint16_t)~inet_sum(q + 8, 40 + quote, 8 + quote + 58));
    out_core(dp, instance, q, 48 + quote, NULL);
}

void too_big_send(struct dp *dp, uint16_t instance, const struct inner *in, const uint8_t *p)
{
    /* RFC 1122 3.2.2, RFC 4443 2.4(e): never about an ICMP error, a later fragment, or to no single
     * host */
    bool v4 = in->family == 4;
    bool error =
        v4 ? in->proto == 1 && (in->icmp_type == 3 || in->icmp_type == 4 || in->icmp_type == 5 ||
                                in->icmp_type == 11 || in->icmp_type == 12)
           : in->proto == 58 && in->icmp_type < 128;
    bool no_host = v4 ? !in->src[0] || in->src[0] >= 224 : in->src[0] == 0xff || !be64(in->src);
    if (in->later_fragment || error || no_host || !reply_allowed(dp))
        return;
    if (v4)
        icmp4_send(dp, instance, in, p);
    else
        icmp6_send(dp, instance, in, p);
    dp->count[DP_icmp_out]++;
}
