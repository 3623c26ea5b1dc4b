/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/offload_compile.h"

/* ---- limits ---- */
static void at_most(int64_t *left, uint64_t limit, uint64_t used)
{
    if (!limit)
        return;
    int64_t l = limit > used ? (int64_t)(limit - used) : 0;
    if (l < *left)
        *left = l;
}

/* A limit that was lowered below what has been used: the next packet, whichever way, reports it. */
static const struct urr_more no_more;
static bool is_reached(const struct urr *u)
{
    const struct urr_more *m = u->more ? u->more : &no_more;
    const struct rule_volume *t = &u->rule.threshold, *q = &m->quota;
    uint64_t ul = u->usage.ul_octets, dl = u->usage.dl_octets;
    if ((t->total && ul + dl >= t->total) || (t->ul && ul >= t->ul) || (t->dl && dl >= t->dl))
        return true;
    ul = m->used[1];
    dl = m->used[0];
    return !u->usage.exhausted &&
           ((q->total && ul + dl >= q->total) || (q->ul && ul >= q->ul) || (q->dl && dl >= q->dl));
}

int64_t limit_wanted(const struct urr *u, unsigned kind)
{
    int64_t left = INT64_MAX / 2;
    const struct urr_more *m = u->more ? u->more : &no_more;
    const struct rule_volume *threshold = &u->rule.threshold;
    if (kind == LIMIT_FIRST || kind == LIMIT_TOTAL) {
        if (!u->usage.start_us || is_reached(u) ||
            (u->rule.report_start && !u->usage.first_packet_us && !u->usage.sequence))
            return 0;
        at_most(&left, threshold->total, u->usage.ul_octets + u->usage.dl_octets);
        if (!u->usage.exhausted)
            at_most(&left, m->quota.total, m->used[0] + m->used[1]);
    }
    if (kind == LIMIT_UL) {
        at_most(&left, threshold->ul, u->usage.ul_octets);
        if (!u->usage.exhausted)
            at_most(&left, m->quota.ul, m->used[1]);
    }
    if (kind == LIMIT_DL) {
        at_most(&left, threshold->dl, u->usage.dl_octets);
        if (!u->usage.exhausted)
            at_most(&left, m->quota.dl, m->used[0]);
    }
    return left;
}

/* The limit of this URR and kind: 1 + index, 0: no room. */
static uint8_t limit_slot(struct compiled *c, uint8_t urr, uint8_t kind)
{
    for (unsigned i = 0; i < c->limits; i++)
        if (c->urr_of[i] == urr && c->kind_of[i] == kind)
            return (uint8_t)(i + 1);
    if (c->limits == XDP_METERS)
        return 0;
    c->urr_of[c->limits] = urr;
    c->kind_of[c->limits] = kind;
    return ++c->limits;
}

static bool limits_compile(struct compiled *c, const struct pdr *p, struct xdp_pdr *to)
{
    bool ul = p->source == RULE_ACCESS;
    unsigned n = 0;
    for (unsigned i = 0; i < p->urr_n; i++) {
        const struct urr *u = &c->r->urr[p->urr[i]];
        const struct rule_volume *t = &u->rule.threshold, *q = u->more ? &u->more->quota : &no_more.quota;
        uint64_t total = t->total | q->total;
        uint64_t one = ul ? t->ul | q->ul : t->dl | q->dl;
        if (u->usage.exhausted)
            to->flags |= XDP_PDR_QUOTA;
        /* what has counted already and has no limits needs none */
        bool first = !u->usage.start_us || (u->rule.report_start && !u->usage.sequence) || is_reached(u);
        uint8_t want[2] = {total ? LIMIT_TOTAL : LIMIT_FIRST, ul ? LIMIT_UL : LIMIT_DL};
        bool has[2] = {total || first, one != 0};
        for (unsigned k = 0; k < 2; k++) {
            if (!has[k])
                continue;
            uint8_t slot = limit_slot(c, p->urr[i], want[k]);
            if (!slot || n == XDP_PDR_METERS)
                return false;
            to->limit[n++] = slot;
        }
    }
    return true;
}

static bool meters_compile(struct compiled *c, const struct pdr *p, struct xdp_pdr *to)
{
    bool ul = p->source == RULE_ACCESS;
    unsigned n = 0;
    for (unsigned i = 0; i < p->qer_n; i++) {
        const struct qer *q = &c->r->qer[p->qer[i]];
        if (q->closed[ul])
            to->action = XDP_ACT_GATE;
        if (!q->has_mbr)
            continue;
        if (!q->mbr_kbit[ul]) {
            to->flags |= XDP_PDR_STOPPED;
            continue;
        }
        uint8_t key = (uint8_t)(p->qer[i] * 2 + ul);
        unsigned b = 0;
        while (b < c->buckets && c->bucket_of[b] != key)
            b++;
        if (b == XDP_METERS || n == XDP_PDR_METERS || p->qer[i] > 127)
            return false;
        if (b == c->buckets)
            c->bucket_of[c->buckets++] = key;
        to->bucket[n] = (uint8_t)(b + 1);
        to->unit[n++] = xdp_unit(q->mbr_kbit[ul]);
    }
    for (unsigned i = 0; i < p->qer_n; i++) {
        const struct qer *q = &c->r->qer[p->qer[i]];
        if (!q->qfi)
            continue;
        to->qfi = q->qfi;
        to->flags |= q->reflective ? XDP_PDR_RQI : 0;
        break;
    }
    return true;
}

static uint8_t act_of(const struct compiled *c, const struct pdr *p, const struct far *f)
{
    bool ul = p->source == RULE_ACCESS;
    if (f->copy) /* one packet in, two out: not the kernel's */
        return XDP_ACT_UP;
    if (f->action & RULE_BUFF)
        return ul ? XDP_ACT_FAR_DROP : XDP_ACT_UP;
    if (!(f->action & RULE_FORW))
        return f->action & RULE_NOCP && !ul ? XDP_ACT_UP : XDP_ACT_FAR_DROP;
    if (f->peer.family)
        return f->destination == RULE_CP_FUNCTION ? XDP_ACT_UP : XDP_ACT_TUNNEL;
    bool routed = c->routed >> f->instance & 1;
    return ul && f->destination == RULE_CORE && routed ? XDP_ACT_CORE : XDP_ACT_UP;
}

bool pdr_compile(struct compiled *c, const struct pdr *p, struct xdp_pdr *to)
{
    const struct far *f = &c->r->far[p->far];
    *to = (struct xdp_pdr){.qfis = p->qfis,
                           .teid = p->teid,
                           .action = act_of(c, p, f),
                           .instance = (uint8_t)f->instance,
                           .match_n = p->sdf_n,
                           .flags = p->source == RULE_ACCESS ? XDP_PDR_UL : 0};
    if (p->source == RULE_CP_FUNCTION)
        to->action = XDP_ACT_UP;
    if (to->action == XDP_ACT_TUNNEL) {
        to->peer_teid = __builtin_bswap32(f->teid);
        to->peer_port = __builtin_bswap16(f->peer.port);
        to->peer_tos = (uint8_t)(f->peer.dscp << 2);
        memcpy(to->peer_ip, f->peer.ip, sizeof to->peer_ip);
        to->flags |= f->peer.family == 6 ? XDP_PDR_PEER6 : 0;
    }
    return meters_compile(c, p, to) && limits_compile(c, p, to);
}

static void prefix_mask(uint32_t mask[4], unsigned bits)
{
    uint8_t octets[16] = {0};
    for (unsigned i = 0; i < bits; i++)
        octets[i / 8] |= (uint8_t)(0x80 >> i % 8);
    memcpy(mask, octets, sizeof octets);
}

static bool match_compile(const struct rule_sdf *f, uint8_t pdr, struct xdp_match *to)
{
    *to = (struct xdp_match){.pdr = pdr,
                             .proto = f->proto,
                             .tos = f->tos,
                             .tos_mask = f->tos_mask,
                             .flags = f->has_proto ? XDP_MATCH_PROTO : 0,
                             .remote_last = 0xffff,
                             .local_last = 0xffff};
    if (f->has_spi || f->has_flow_label || f->local.family == 6)
        return false;
    if (f->remote.family && f->local.family && f->remote.family != f->local.family)
        return false;
    uint8_t family = f->remote.family ? f->remote.family : f->local.family;
    to->flags |= family == 4 ? XDP_MATCH_V4 : family == 6 ? XDP_MATCH_V6 : 0;
    if (f->remote.family) {
        memcpy(to->remote, f->remote.ip, f->remote.family == 4 ? 4 : 16);
        prefix_mask(to->remote_mask, f->remote.bits);
    }
    if (f->local.family) {
        uint32_t mask[4];
        memcpy(&to->local4, f->local.ip, 4);
        prefix_mask(mask, f->local.bits);
        to->local4_mask = mask[0];
    }
    return true;
}

/* One entry for each pair of port ranges. */
static bool matches_compile(struct compiled *c, const struct rule_sdf *f, uint8_t pdr,
                            struct xdp_block *b)
{
    unsigned rn = f->remote_ports_n ? f->remote_ports_n : 1,
             ln = f->local_ports_n ? f->local_ports_n : 1;
    struct xdp_match one;
    if (!match_compile(f, pdr, &one) || c->matches + rn * ln > XDP_BLOCK_MATCHES)
        return false;
    for (unsigned i = 0; i < rn; i++)
        for (unsigned k = 0; k < ln; k++) {
            struct xdp_match *to = &b->match[c->matches++];
            *to = one;
            if (f->remote_ports_n || f->local_ports_n)
                to->flags |= XDP_MATCH_PORTS;
            if (f->remote_ports_n) {
                to->remote_first = f->remote_ports[i].first;
                to->remote_last = f->remote_ports[i].last;
            }
            if (f->local_ports_n) {
                to->local_first = f->local_ports[k].first;
                to->local_last = f->local_ports[k].last;
            }
        }
    return true;
}

bool block_compile(struct compiled *c, struct xdp_block *b)
{
    for (unsigned i = 0; i < c->r->pdr_n; i++) {
        const struct pdr *p = &c->r->pdr[i];
        if (!pdr_compile(c, p, &b->pdr[i]) || (p->sdf_n && p->teid && p->source != RULE_ACCESS))
            return false;
        if (!p->sdf_n && !matches_compile(c, &(struct rule_sdf){0}, (uint8_t)i, b))
            return false;
        for (unsigned k = 0; k < p->sdf_n; k++)
            if (!matches_compile(c, &c->r->sdf[p->sdf_first + k], (uint8_t)i, b))
                return false;
    }
    b->match_n = c->matches;
    return true;
}

bool rules_are_small(const struct dp_rules *r)
{
    for (unsigned i = 0; i < r->pdr_n; i++)
        if (r->pdr[i].sdf_n)
            return false;
    return r->pdr_n <= XDP_PDRS;
}

/* Whom packets of tunnels must come from, where that is checked. */
static void peers_compile(const struct compiled *c, uint8_t *flags, uint8_t ip[16])
{
    const struct rule_addr *peer = NULL;
    for (unsigned i = 0; c->check_peer && i < c->r->far_n; i++) {
        const struct rule_addr *a = &c->r->far[i].peer;
        if (!a->family)
            continue;
        if ((peer && !addr_eq(peer, a)) || c->r->far[i].destination != RULE_ACCESS)
            *flags |= XDP_SESSION_PEERS;
        peer = a;
    }
    memset(ip, 0, 16);
    if (!peer)
        return;
    *flags |= peer->family == 4 ? XDP_SESSION_PEER4 : XDP_SESSION_PEER6;
    memcpy(ip, peer->ip, peer->family == 4 ? 4 : 16);
}

bool head_compile(const struct compiled *c, struct xdp_session *to)
{
    const struct dp_rules *r = c->r;
    if (r->framed_n || r->in_lan || r->is_ethernet) /* the kernel finds sessions by whole IP addresses, and none of a 5G LAN */
        return false;
    *to = (struct xdp_session){.instance = (uint8_t)r->instance};
    if (r->has_ipv4)
        memcpy(&to->ipv4, r->ipv4, 4);
    if (r->has_ipv6)
        memcpy(&to->ipv6_prefix, r->ipv6_prefix, 8);
    to->flags = (r->has_ipv4 ? XDP_SESSION_V4 : 0) | (r->has_ipv6 ? XDP_SESSION_V6 : 0);
    for (unsigned i = 0; i < r->pdr_n; i++) {
        const struct pdr *p = &r->pdr[i];
        unsigned k = p->teid % XDP_TUNNELS;
        if (!p->teid || p->source == RULE_CP_FUNCTION)
            continue;
        to->teid[k] = p->teid;
        if (p->source == RULE_ACCESS)
            to->flags |= (uint8_t)(XDP_SESSION_ACCESS << k);
    }
    peers_compile(c, &to->flags, to->peer_ip);
    return true;
}
