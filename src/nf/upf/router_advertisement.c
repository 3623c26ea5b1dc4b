/* SPDX-License-Identifier: Apache-2.0 */
/* router_advertisement.c - the UE's /64 by stateless autoconfiguration, TS 23.501 5.8.2.2.3, TS 29.561 and RFC 4861 6.2. The link
 * is a tunnel with two ends: the prefix is not on-link, so the UE sends all to us and asks for no neighbour; solicitations of
 * neighbours are dropped. A session with several prefixes (TS 23.501 5.6.4.3) sees a router for each: the first is the way to
 * everywhere, another the way to the networks that are beside it (RFC 4191), and a host sends with the prefix of the router that
 * it takes (RFC 8028). */
#include "nf/upf/state.h"

enum {
    IPV6_HEAD = 40,
    RA_HEAD = 16,
    PREFIX_OPTION = 32,
    MTU_OPTION = 8,
    ROUTE_OPTION = 24,
    ROUTER_LIFETIME_S = 65535,
    PREFER_HIGH = 0x08,
    PREFER_LOW = 0x18,
};
static const uint8_t ROUTER[16] = {0xfe, 0x80, [15] = 1}, ALL_NODES[16] = {0xff, 2, [15] = 1};

static uint16_t checksum(const uint8_t *p, uint32_t octets) /* RFC 4443 2.3 */
{
    uint32_t sum = octets - IPV6_HEAD + 58;
    for (uint32_t i = 8; i < octets; i += 2)
        sum += be16(p + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint8_t *prefix_put(uint8_t *p, const uint8_t prefix[8])
{
    p[0] = 3;
    p[1] = PREFIX_OPTION / 8;
    p[2] = 64;
    p[3] = 0x40; /* A: autonomous; L clear: not on-link */
    memset(p + 4, 0xff, 8); /* valid and preferred as long as the session */
    memcpy(p + 16, prefix, 8);
    return p + PREFIX_OPTION;
}
static uint8_t *mtu_put(const struct upf *u, uint8_t *p)
{
    uint16_t mtu = u->up->config.inner_mtu;
    p[0] = 5;
    p[1] = MTU_OPTION / 8;
    put_be32(p + 4, mtu < 1280 ? 1280 : mtu); /* RFC 8200 5 */
    return p + MTU_OPTION;
}
static uint8_t *routes_put(const struct config_n6 *n, uint8_t *p)
{
    for (uint32_t i = 0; i < n->n_routes; i++, p += ROUTE_OPTION) {
        p[0] = 24;
        p[1] = ROUTE_OPTION / 8;
        p[2] = n->routes[i].length;
        p[3] = PREFER_HIGH;
        memset(p + 4, 0xff, 4);
        memcpy(p + 8, n->routes[i].addr.ip, 16);
    }
    return p;
}

/* home 0: the session's own prefix. to NULL: whoever is there. */
static void advertise(struct upf *u, const struct upf_session *s, const uint8_t prefix[8], unsigned home, const uint8_t *to)
{
    const struct config_n6 *n = &u->config->n6[s->common.instance];
    struct ref at = slab_ref(&u->sessions, s);
    struct dp_command c = {.kind = DP_TO_UE, .session = at.i, .gen = at.gen};
    uint8_t *p = c.packet, *q = p + IPV6_HEAD;
    _Static_assert(IPV6_HEAD + RA_HEAD + PREFIX_OPTION + MTU_OPTION + 4 * ROUTE_OPTION <= sizeof c.packet, "upf.n6[].routes are 4 at most");
    p[0] = 0x60;
    p[6] = 58;
    p[7] = 255;
    memcpy(p + 8, ROUTER, 16);
    p[23] = (uint8_t)(home + 1);
    memcpy(p + 24, to ? to : ALL_NODES, 16);
    q[0] = 134;
    q[4] = 64; /* hop limit for the UE; M and O clear: no DHCPv6 */
    q[5] = home ? PREFER_LOW : 0;
    put_be16(q + 6, home && n->n_routes ? 0 : ROUTER_LIFETIME_S);
    uint8_t *end = mtu_put(u, prefix_put(q + RA_HEAD, prefix));
    if (home)
        end = routes_put(n, end);
    c.packet_n = (uint16_t)(end - p);
    put_be16(p + 4, (uint16_t)(c.packet_n - IPV6_HEAD));
    put_be16(q + 2, checksum(p, c.packet_n));
    user_plane_command(u->up, &c); /* without it the UE asks again */
}

static void advertise_all(struct upf *u, const struct upf_session *s, const uint8_t *to)
{
    const struct upf_rules *r = upf_rules(u, s);
    unsigned home = 0;
    advertise(u, s, s->common.ipv6_prefix, home, to);
    for (uint32_t i = 0; r && i < r->pdr_n; i++) {
        const struct rule_pdr *p = &r->pdr[i];
        bool is_new = p->has_home && memcmp(p->home, s->common.ipv6_prefix, sizeof p->home);
        for (uint32_t k = 0; k < i; k++)
            is_new &= !r->pdr[k].has_home || memcmp(r->pdr[k].home, p->home, sizeof p->home);
        if (is_new && home < RULE_FRAMED)
            advertise(u, s, p->home, ++home, to);
    }
}

void router_solicited(struct upf *u, struct upf_session *s, const struct dp_event *e)
{
    if (!s->common.has_ipv6 || e->packet.n < IPV6_HEAD)
        return;
    const uint8_t *from = e->packet.p + 8;
    bool unspecified = !be64(from) && !be64(from + 8); /* RFC 4861 6.2.6 */
    advertise_all(u, s, unspecified ? NULL : from);
}
