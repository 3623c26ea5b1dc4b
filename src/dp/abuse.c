/* SPDX-License-Identifier: Apache-2.0 */
/* abuse.c - what no honest peer sends on N3, and how it is told without waiting and without end. */
#include "dp/state.h"

enum {
    UDP = 17,
    SCTP = 132,
    PORT_GTPC = 2123,
    PORT_PFCP = 8805,
    PORT_N2 = 38412,
    PORT_XN = 38422,
    PORT_E1 = 38462,
    PORT_F1 = 38472,
    HEAD_OCTETS = 128, /* of a packet that are told: its headers */
};
static const uint64_t TELL_US = 1000000;

/* What stands behind UDP is a message of GTP-U, GTP-C or PFCP by its version and lengths: the port alone may be a game's.
 * here: octets of it in this packet; all: of the datagram, which may go on in other fragments. Others may follow the
 * message, TS 29.274 5.5.1, TS 29.244 7.2.1A; receivers pass over anything else. */
static bool is_tunnel(const uint8_t *p, uint32_t here, uint32_t all, uint16_t port)
{
    if (port != DP_GTPU_PORT && port != PORT_GTPC && port != PORT_PFCP)
        return false;
    if (here < 8) /* a fragment that ends before it can be told, as nobody makes them */
        return all >= 8;
    switch (port) {
    case DP_GTPU_PORT: return (p[0] & 0xf0) == 0x30 && 8u + be16(p + 2) <= all;
    case PORT_GTPC: return p[0] >> 5 == 2 && 4u + be16(p + 2) <= all;
    default: return p[0] >> 5 == 1 && 4u + be16(p + 2) <= all;
    }
}

/* The user's packet, which is going up, carries a mobile network's own interface: its sender wants to be taken for a part
 * of one, TS 33.501 9.9 and FiGHT FGT1498.503. */
bool is_nested(const struct dp *dp, const struct inner *in)
{
    if (!in->has_ports || dp->config.nested)
        return false;
    if (in->proto == SCTP)
        return in->dst_port == PORT_N2 || in->dst_port == PORT_XN || in->dst_port == PORT_E1 ||
               in->dst_port == PORT_F1;
    if (in->proto != UDP || in->n < in->l4 + 8)
        return false;
    const uint8_t *u = in->src - (in->family == 4 ? 12 : 8) + in->l4;
    uint32_t here = in->n - in->l4 - 8, all = be16(u + 4); /* by its own length, as the receiver takes it */
    return is_tunnel(u + 8, here, all < 8 ? here : all - 8, in->dst_port);
}

bool is_core_address(const struct dp *dp, uint8_t family, const uint8_t *ip)
{
    for (unsigned i = 0; i < DP_CORE_ADDRESSES && dp->config.core[i].family; i++)
        if (dp->config.core[i].family == family &&
            !memcmp(dp->config.core[i].ip, ip, family == 4 ? 4 : 16))
            return true;
    return false;
}

static unsigned kind_of(enum dp_counter what)
{
    switch (what) {
    case DP_spoofed:
    case DP_mac_taken: return 1;
    case DP_nested: return 2;
    case DP_to_the_core: return 3;
    case DP_covert: return 4;
    case DP_gtpu_extension: return 5;
    default: return 0; /* DP_peer_wrong */
    }
}

void abuse_tell(struct dp *dp, enum dp_counter what, const struct dp_datagram *d)
{
    uint32_t teid = d->n >= 8 ? be32(d->p + 4) : 0;
    struct session *s = session_of_teid(dp, teid);
    bool is_peer = s && peer_of(s->r, &d->peer);
    uint64_t at = siphash24(dp->config.secret0, dp->config.secret1, d->peer.ip, sizeof d->peer.ip);
    struct abuse *a = &dp->abuse[kind_of(what)][is_peer][at % ABUSE_SLOTS];
    if (a->told_us && dp->now_us - a->told_us < TELL_US) {
        a->more++;
        return;
    }
    struct dp_event e = {.kind = DP_EVENT_ABUSE,
                         .what = (uint8_t)what,
                         .is_peer = is_peer,
                         .more = a->more,
                         .teid = teid,
                         .peer = d->peer,
                         .packet = {d->p, d->n < HEAD_OCTETS ? d->n : HEAD_OCTETS}};
    *a = (struct abuse){.told_us = dp->now_us ? dp->now_us : 1};
    out_event(dp, s, &e);
}
