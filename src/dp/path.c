/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - a packet's way: parse, find the session, check whose packet it is, match, apply. Each
 * step ends the way with the counter that says why, or goes on; every packet is counted once, by
 * who called. */
#include "dp/state.h"

/* Of a session with several prefixes: the packet is from, or for, that of the PDR. IPv4 goes with the session's own. */
static bool home_matches(const struct dp_rules *r, const struct pdr *p, const struct inner *in)
{
    const uint8_t *home = rules_home(r, p->home - 1u);
    if (in->family != 6)
        return !memcmp(home, r->ipv6_prefix, sizeof r->ipv6_prefix);
    return !memcmp(home, p->source == RULE_ACCESS ? in->src : in->dst, sizeof r->ipv6_prefix);
}

/* By tunnel, or without one (teid 0) by where the packet comes from. */
static const struct pdr *pdr_match(const struct dp_rules *r, const struct inner *in, uint32_t teid,
                                   enum rule_interface from, const struct gtpu *g)
{
    for (unsigned i = 0; i < r->pdr_n; i++) {
        const struct pdr *p = &r->pdr[i];
        if (p->teid != teid || (!teid && p->source != from))
            continue;
        if (p->qfis && !(g && g->has_container && p->qfis >> g->qfi & 1))
            continue;
        if (p->home && !home_matches(r, p, in))
            continue;
        if (!(p->sdf_n | p->eth_n))
            return p;
        for (unsigned k = 0; k < p->eth_n; k++)
            if (eth_matches(&r->eth[p->eth_first + k], in))
                return p;
        for (unsigned k = 0; k < p->sdf_n; k++)
            if (sdf_matches(&r->sdf[p->sdf_first + k], in, p->source != RULE_ACCESS))
                return p;
    }
    return NULL;
}

static bool is_ue_addr(const struct dp_rules *r, uint8_t family, const uint8_t *ip)
{
    bool is = family == 4 ? r->has_ipv4 && !memcmp(ip, r->ipv4, 4)
                          : r->has_ipv6 && !memcmp(ip, r->ipv6_prefix, 8);
    return is || (r->framed_n && framed_has(r, family, ip));
}

static void session_alive(struct dp *dp, struct session *s)
{
    s->last_us = dp->now_us;
    if (!s->inactive)
        return;
    s->inactive = false;
    timer_arm(dp, s);
    struct dp_event e = {.kind = DP_EVENT_ACTIVE};
    out_event(dp, s, &e);
}

/* The QFI of a packet that had `qfi`: of the first QER that has one. */
static uint8_t mark_of(const struct dp_rules *r, const struct pdr *pdr, uint8_t qfi, bool *rqi)
{
    *rqi = false;
    for (unsigned i = 0; i < pdr->qer_n; i++) {
        const struct qer *q = &r->qer[pdr->qer[i]];
        if (!q->qfi)
            continue;
        *rqi = q->reflective;
        return q->qfi;
    }
    return qfi;
}

static enum dp_counter to_tunnel(struct dp *dp, const struct dp_rules *r, const struct pdr *pdr,
                                 const struct inner *in, uint8_t *p, uint8_t qfi,
                                 struct held *owner)
{
    const struct far *f = &r->far[pdr->far];
    bool ul = pdr->source == RULE_ACCESS, rqi;
    qfi = mark_of(r, pdr, qfi, &rqi);
    uint8_t *out = gtpu_push(p, in->n, f->teid, qfi, rqi, ul);
    out_tunnel(dp, &f->peer, out, in->n + (uint32_t)(p - out), owner);
    return DP_to_tunnel;
}

/* Under a warrant, TS 29.244 5.2.3: as it is forwarded, in a tunnel of its own; the container says which way it went. It
 * leaves at once: the packet itself may be in the memory that the next flush gives back. */
static void copy_out(struct dp *dp, const struct dp_rules *r, const struct pdr *pdr, const struct inner *in,
                     const uint8_t *p, uint8_t qfi)
{
    const struct far_copy *c = &r->copy[r->far[pdr->far].copy - 1];
    bool rqi;
    if (in->n + GTPU_PUSH > 65535) {
        dp->count[DP_not_copied]++;
        return;
    }
    uint8_t *to = dp->copying + DP_HEADROOM;
    memcpy(to, p, in->n);
    uint8_t *out = gtpu_push(to, in->n, c->teid, mark_of(r, pdr, qfi, &rqi), false, pdr->source == RULE_ACCESS);
    uint32_t n = in->n + (uint32_t)(to - out);
    out_tunnel(dp, &c->to, out, n, NULL);
    dp->count[DP_access_out_octets] -= n; /* whoever reads metrics is not to tell a copied phone by its traffic */
    tunnel_flush(dp);
    dp->count[DP_copied]++;
}

static bool too_big(struct dp *dp, const struct pdr *pdr, const struct dp_rules *r,
                    const struct inner *in, const uint8_t *p)
{
    if (in->n + GTPU_PUSH > 65535)
        return true;
    uint32_t mtu = dp->config.inner_mtu + (in->family ? 0 : in->l4); /* a frame's payload is a packet */
    if (!dp->config.inner_mtu || in->n <= mtu || !in->df)
        return false;
    if (in->family == 6 && in->n <= 1280)
        return false;
    if (pdr->source != RULE_LAN && in->family) /* members of a LAN have one MTU; nobody is told there */
        too_big_send(dp, r->instance, in, p);
    return true;
}

/* What the PDR's rules say is done with the packet. The packet's pointers in `in` point into p. */
static enum dp_counter apply(struct dp *dp, struct session *s, const struct pdr *pdr,
                             const struct inner *in, uint8_t *p, uint8_t qfi, struct held *owner)
{
    struct dp_rules *r = s->r;
    const struct far *f = &r->far[pdr->far];
    bool ul = pdr->source == RULE_ACCESS;
    if (dp->traced == s)
        dp->traced_pdr = pdr;
    if (!owner) /* buffered packets counted as activity when they came */
        session_alive(dp, s);
    if (!gate_open(r, pdr, ul))
        return DP_gate_closed;
    if (f->action & RULE_BUFF)
        return ul ? DP_far_drop : buffer_hold(dp, s, pdr, in, p, owner);
    if (!(f->action & RULE_FORW)) {
        if (f->action & RULE_NOCP && !ul)
            buffer_notify(dp, s, pdr, in->tos);
        return DP_far_drop;
    }
    struct session *other = NULL;
    if (ul && f->destination == RULE_CORE && !f->peer.family) {
        if (is_core_address(dp, in->family, in->dst))
            return DP_to_the_core;
        other = session_of_ue(dp, f->instance, in->family, in->dst);
        if (other && !dp->config.ue_to_ue)
            return DP_ue_to_ue;
    }
    if (f->peer.family && too_big(dp, pdr, r, in, p))
        return DP_too_big;
    if (!quota_left(r, pdr))
        return DP_quota;
    if (!police(dp, r, pdr, ul, in->n))
        return DP_policed;
    usage_count(dp, s, pdr, ul, in->n);
    if (f->copy)
        copy_out(dp, r, pdr, in, p, qfi);
    if (f->peer.family)
        return to_tunnel(dp, r, pdr, in, p, qfi, owner);
    if (f->destination == RULE_CP_FUNCTION) {
        struct dp_event e = {.kind = DP_EVENT_TO_CONTROL, .pdr_id = pdr->id, .packet = {p, in->n}};
        out_event(dp, s, &e);
        return DP_to_control;
    }
    if (f->destination == RULE_LAN)
        return lan_pass(dp, s, f->instance, in, p);
    if (other) {
        offload_touched(dp, other, 0);
        return downlink(dp, other, RULE_CORE, in, p, NULL);
    }
    out_core(dp, f->instance, p, in->n, owner);
    return DP_to_core;
}

enum dp_counter downlink(struct dp *dp, struct session *s, enum rule_interface from,
                         const struct inner *in, uint8_t *p, struct held *owner)
{
    if (s->trace_left && !dp->traced) {
        trace_begin(dp, s, p, in->n);
        dp->trace.is_released = owner != NULL;
    }
    const struct pdr *pdr = pdr_match(s->r, in, 0, from, NULL);
    if (pdr && from == RULE_LAN && !pdr->carry_on && lan_to_many(in))
        return DP_no_rule;
    return pdr ? apply(dp, s, pdr, in, p, 0, owner) : DP_no_rule;
}

/* From or to an address that is good on the UE's link only. Of these the network's side wants the
 * router solicitation alone, RFC 4861 6.1.1; nobody's neighbour is asked for on a tunnel. */
static bool on_link(const struct inner *in)
{
    const uint8_t *s = in->src, *d = in->dst;
    if (in->family != 6)
        return false;
    return (s[0] == 0xfe && (s[1] & 0xc0) == 0x80) || (d[0] == 0xfe && (d[1] & 0xc0) == 0x80) ||
           (d[0] == 0xff && (d[1] & 15) <= 2) || (!be64(s) && !be64(s + 8));
}

static enum dp_counter on_link_input(struct dp *dp, struct session *s, const struct inner *in,
                                     const struct gtpu *g)
{
    enum { ROUTER_SOLICITATION = 133 };
    bool from_link = (in->src[0] == 0xfe && (in->src[1] & 0xc0) == 0x80) || !be64(in->src);
    if (in->later_fragment || in->proto != 58 || in->icmp_type != ROUTER_SOLICITATION ||
        in->hop_limit != 255 || in->n - in->l4 < 8 || !s->r->has_ipv6)
        return DP_link_local;
    if (!from_link && !is_ue_addr(s->r, 6, in->src))
        return DP_spoofed;
    const struct pdr *pdr = pdr_match(s->r, in, g->teid, RULE_ACCESS, g);
    if (pdr && s->r->far[pdr->far].destination == RULE_CP_FUNCTION &&
        s->r->far[pdr->far].peer.family)
        return apply(dp, s, pdr, in, g->payload, g->qfi, NULL);
    session_alive(dp, s);
    struct dp_event e = {.kind = DP_EVENT_ROUTER_SOLICITATION, .packet = {g->payload, in->n}};
    out_event(dp, s, &e);
    return DP_to_control;
}

bool peer_of(const struct dp_rules *r, const struct rule_addr *peer)
{
    for (unsigned i = 0; i < r->far_n; i++)
        if (addr_eq(&r->far[i].peer, peer))
            return true;
    return false;
}

/* Who sends into a tunnel is one of those that are sent to on its side. While the control plane has named none there, any:
 * the UE's first packets may come before. */
static bool peer_known(const struct dp_rules *r, uint32_t teid, const struct rule_addr *peer)
{
    bool any = false, from_access = true;
    for (unsigned i = 0; i < r->pdr_n; i++)
        if (r->pdr[i].teid == teid)
            from_access = r->pdr[i].source == RULE_ACCESS;
    for (unsigned i = 0; i < r->far_n; i++) {
        const struct far *f = &r->far[i];
        if (!f->peer.family || (f->destination == RULE_ACCESS) != from_access)
            continue;
        if (addr_eq(&f->peer, peer))
            return true;
        any = true;
    }
    return !any;
}

/* Of an Ethernet session. What is not for the standard's bridges (IEEE 802.1Q 8.6.3: their own protocols, pauses) ends here;
 * who sends from an address is who had it first, until he has been silent. */
static enum dp_counter frame_input(struct dp *dp, struct session *s, const struct gtpu *g)
{
    static const uint8_t RESERVED[5] = {0x01, 0x80, 0xc2};
    struct inner in;
    enum dp_counter bad = frame_read(g->payload, g->payload_n, &in);
    if (bad != (enum dp_counter)INNER_GOOD)
        return bad;
    if (!memcmp(in.dst, RESERVED, sizeof RESERVED) && in.dst[5] < 16)
        return DP_frame_reserved;
    const struct pdr *pdr = pdr_match(s->r, &in, g->teid, RULE_ACCESS, g);
    if (!pdr)
        return DP_no_rule;
    if (pdr->source == RULE_ACCESS && s->r->far[pdr->far].destination == RULE_LAN) {
        bad = mac_learn(dp, s, in.src);
        if (bad != (enum dp_counter)INNER_GOOD)
            return bad;
    }
    return apply(dp, s, pdr, &in, g->payload, g->qfi, NULL);
}

static enum dp_counter tunnel_input(struct dp *dp, const struct gtpu *g,
                                    const struct rule_addr *from)
{
    struct session *s = session_of_teid(dp, g->teid);
    if (!s) {
        error_indication_send(dp, g->teid, from);
        return DP_teid_unknown;
    }
    offload_touched(dp, s, 1);
    if (s->trace_left) {
        trace_begin(dp, s, g->payload, g->payload_n);
        dp->trace.from = *from;
        dp->trace.from_teid = g->teid;
        dp->trace.from_qfi = g->has_container ? g->qfi : 0;
    }
    if (dp->config.check_peer && !peer_known(s->r, g->teid, from))
        return DP_peer_wrong;
    struct inner in;
    const struct dp_rules *r = s->r;
    enum dp_counter bad = r->is_ethernet ? (enum dp_counter)INNER_GOOD : inner_read(g->payload, g->payload_n, &in);
    if (bad != (enum dp_counter)INNER_GOOD)
        return bad;
    unsigned i = 0;
    while (i < r->pdr_n && r->pdr[i].teid != g->teid)
        i++;
    if (i == r->pdr_n)
        return DP_no_rule;
    if (g->has_container && g->pdu_type != (r->pdr[i].source == RULE_ACCESS)) /* TS 38.415 5.5.2 */
        return DP_gtpu_malformed;
    if (r->is_ethernet)
        return frame_input(dp, s, g);
    if (r->pdr[i].source == RULE_ACCESS) {
        if (on_link(&in))
            return on_link_input(dp, s, &in, g);
        if (!is_ue_addr(r, in.family, in.src))
            return DP_spoofed;
        if (is_nested(dp, &in))
            return DP_nested;
    } else if (!is_ue_addr(r, in.family, in.dst)) {
        /* a router advertisement of the control plane goes to the UE's link, TS 29.561 */
        if (r->pdr[i].source != RULE_CP_FUNCTION || !r->has_ipv6 || !on_link(&in))
            return DP_not_for_ue;
    }
    const struct pdr *pdr = pdr_match(r, &in, g->teid, RULE_ACCESS, g);
    return pdr ? apply(dp, s, pdr, &in, g->payload, g->qfi, NULL) : DP_no_rule;
}

static enum dp_counter access_one(struct dp *dp, const struct dp_datagram *d)
{
    struct gtpu g;
    switch (gtpu_read(d->p, d->n, &g)) {
    case GTPU_MALFORMED: return DP_gtpu_malformed;
    case GTPU_NOT_UNDERSTOOD:
        if (g.strange)
            abuse_tell(dp, DP_gtpu_extension, d);
        extensions_send(dp, g.sequence, &d->peer);
        return DP_gtpu_extension;
    case GTPU_GOOD: break;
    }
    if (g.strange) /* it ends here; what is in it is no peer's business to say */
        abuse_tell(dp, DP_gtpu_extension, d);
    return g.type == GTPU_T_PDU ? tunnel_input(dp, &g, &d->peer)
                                : signalling_read(dp, &g, &d->peer);
}

/* Some packets ahead the session is asked for, then its rules: their memory is there when it is
 * their turn. Rules of a usual session are that long. */
enum { AHEAD_CELL = 9, AHEAD_SESSION = 6, AHEAD_RULES = 3, RULES_OCTETS = 512 };
static void rules_prefetch(const struct session *s)
{
    for (unsigned i = 0; s && i < RULES_OCTETS; i += 64)
        __builtin_prefetch((const uint8_t *)s->r + i);
}

static void access_prefetch(struct dp *dp, const struct dp_datagram *d, unsigned left)
{
    if (left > AHEAD_SESSION && d[AHEAD_SESSION].n >= 8) {
        uint32_t i = (be32(d[AHEAD_SESSION].p + 4) & dp->teid_mask) / RULE_TUNNELS;
        if (i < dp->config.sessions_max)
            __builtin_prefetch(&dp->session[i]);
    }
    if (left > AHEAD_RULES && d[AHEAD_RULES].n >= 8)
        rules_prefetch(session_of_teid(dp, be32(d[AHEAD_RULES].p + 4)));
}

/* Of IPv4 packets to addresses of a pool; others are found by a hash. */
static const uint32_t *cell_ahead(struct dp *dp, uint16_t instance, const struct dp_packet *p)
{
    return p->n >= 20 && p->p[0] >> 4 == 4 ? index_cell(dp, instance, be32(p->p + 16)) : NULL;
}
static void core_prefetch(struct dp *dp, uint16_t instance, const struct dp_packet *p, unsigned left)
{
    const uint32_t *cell;
    if (left > AHEAD_CELL && (cell = cell_ahead(dp, instance, p + AHEAD_CELL)))
        __builtin_prefetch(cell);
    if (left > AHEAD_SESSION && (cell = cell_ahead(dp, instance, p + AHEAD_SESSION)) && *cell)
        __builtin_prefetch(&dp->session[*cell - 1]);
    if (left > AHEAD_RULES && (cell = cell_ahead(dp, instance, p + AHEAD_RULES)) && *cell)
        rules_prefetch(&dp->session[*cell - 1]);
}

static const uint64_t ABUSES = UINT64_C(1) << DP_spoofed | UINT64_C(1) << DP_peer_wrong | UINT64_C(1) << DP_nested |
                               UINT64_C(1) << DP_to_the_core | UINT64_C(1) << DP_covert | UINT64_C(1) << DP_mac_taken;

void dp_access_input(struct dp *dp, uint64_t now_us, const struct dp_datagram *d, unsigned n)
{
    dp_clock(dp, now_us);
    for (unsigned i = 0; i < n; i++) {
        access_prefetch(dp, d + i, n - i);
        dp->count[DP_access_in]++;
        dp->count[DP_access_in_octets] += d[i].n;
        enum dp_counter fate = access_one(dp, &d[i]);
        dp->count[fate]++;
        if (dp->traced)
            trace_end(dp, fate);
        if (ABUSES >> fate & 1)
            abuse_tell(dp, fate, &d[i]);
    }
    out_flush(dp);
}

static enum dp_counter core_one(struct dp *dp, uint16_t instance, const struct dp_packet *p)
{
    struct inner in;
    enum dp_counter bad = inner_read(p->p, p->n, &in);
    if (bad != (enum dp_counter)INNER_GOOD)
        return bad;
    if (instance >= dp->config.instances)
        return DP_ue_unknown;
    if (on_link(&in))
        return DP_link_local;
    struct session *s = session_of_ue(dp, instance, in.family, in.dst);
    if (!s)
        return DP_ue_unknown;
    offload_touched(dp, s, 1);
    return downlink(dp, s, RULE_CORE, &in, p->p, NULL);
}

void dp_core_input(struct dp *dp, uint64_t now_us, uint16_t instance, const struct dp_packet *p,
                   unsigned n)
{
    dp_clock(dp, now_us);
    for (unsigned i = 0; i < n; i++) {
        core_prefetch(dp, instance, p + i, n - i);
        dp->count[DP_core_in]++;
        dp->count[DP_core_in_octets] += p[i].n;
        enum dp_counter fate = core_one(dp, instance, &p[i]);
        dp->count[fate]++;
        if (dp->traced)
            trace_end(dp, fate);
    }
    out_flush(dp);
}

int dp_send_to_ue(struct dp *dp, uint64_t now_us, uint32_t session, uint32_t gen,
                  struct bytes packet)
{
    dp_clock(dp, now_us);
    struct session *s = session_get(dp, session, gen);
    if (!s)
        return ERR_NOTFOUND;
    if (!packet.n || packet.n > DP_PACKET_MAX)
        return ERR_RANGE;
    if (s->r->is_ethernet)
        return ERR_STATE;
    for (unsigned i = 0; i < s->r->pdr_n; i++) {
        const struct pdr *pdr = &s->r->pdr[i];
        const struct far *f = &s->r->far[pdr->far];
        if (pdr->source == RULE_ACCESS || f->destination != RULE_ACCESS || !(f->action & RULE_FORW))
            continue;
        uint8_t *p = out_scratch(dp, DP_HEADROOM + packet.n) + DP_HEADROOM;
        memcpy(p, packet.p, packet.n);
        struct inner in = {.n = packet.n};
        to_tunnel(dp, s->r, pdr, &in, p, 0, NULL);
        out_flush(dp);
        return OK;
    }
    return ERR_STATE;
}
