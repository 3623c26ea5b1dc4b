/* SPDX-License-Identifier: Apache-2.0 */
/* router_advertisement.c - the UE's /64 by stateless autoconfiguration, TS 23.501 5.8.2.2.3,
 * TS 29.561 and RFC 4861 6.2. The link is a tunnel with two ends: the prefix is not on-link, so the
 * UE sends all to us and asks for no neighbour; solicitations of neighbours are dropped. */
#include "nf/upf/state.h"

enum {
    IPV6_HEAD = 40,
    RA_HEAD = 16,
    PREFIX_OPTION = 32,
    MTU_OPTION = 8,
    RA_OCTETS = IPV6_HEAD + RA_HEAD + PREFIX_OPTION + MTU_OPTION,
    ROUTER_LIFETIME_S = 65535,
};
static const uint8_t ROUTER[16] = {0xfe, 0x80, [15] = 1}, ALL_NODES[16] = {0xff, 2, [15] = 1};

static uint16_t checksum(const uint8_t *p) /* RFC 4443 2.3 */
{
    uint32_t sum = RA_OCTETS - IPV6_HEAD + 58;
    for (uint32_t i = 8; i < RA_OCTETS; i += 2)
        sum += be16(p + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void prefix_put(uint8_t *p, const uint8_t prefix[8])
{
    p[0] = 3;
    p[1] = PREFIX_OPTION / 8;
    p[2] = 64;
    p[3] = 0x40; /* A: autonomous; L clear: not on-link */
    memset(p + 4, 0xff, 8); /* valid and preferred as long as the session */
    memcpy(p + 16, prefix, 8);
}

void router_solicited(struct upf *u, struct upf_session *s, const struct dp_event *e)
{
    struct ref at = slab_ref(&u->sessions, s);
    struct dp_command c = {
        .kind = DP_TO_UE, .session = at.i, .gen = at.gen, .packet_n = RA_OCTETS};
    uint8_t *p = c.packet, *q = p + IPV6_HEAD;
    if (!s->common.has_ipv6 || e->packet.n < IPV6_HEAD)
        return;
    const uint8_t *from = e->packet.p + 8;
    bool unspecified = !be64(from) && !be64(from + 8); /* RFC 4861 6.2.6 */
    p[0] = 0x60;
    put_be16(p + 4, RA_OCTETS - IPV6_HEAD);
    p[6] = 58;
    p[7] = 255;
    memcpy(p + 8, ROUTER, 16);
    memcpy(p + 24, unspecified ? ALL_NODES : from, 16);
    q[0] = 134;
    q[4] = 64; /* hop limit for the UE; M and O clear: no DHCPv6 */
    put_be16(q + 6, ROUTER_LIFETIME_S);
    prefix_put(q + RA_HEAD, s->common.ipv6_prefix);
    uint8_t *m = q + RA_HEAD + PREFIX_OPTION;
    m[0] = 5;
    m[1] = MTU_OPTION / 8;
    uint16_t mtu = u->up->config.inner_mtu;
    put_be32(m + 4, mtu < 1280 ? 1280 : mtu); /* RFC 8200 5 */
    put_be16(q + 2, checksum(p));
    user_plane_command(u->up, &c); /* without it the UE asks again */
}
