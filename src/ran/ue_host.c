/* SPDX-License-Identifier: Apache-2.0 */
/* ue_host.c - the host behind a session: a TUN or TAP interface of the machine's, or a small one of its own that answers and
 * sends echo requests, echoes UDP to port 7, and learns its IPv6 prefix (RFC 4861, TS 23.501 5.8.2.2.3). */
#include "ran/ue.h"
#include "base/wire.h"
#include <stdio.h>

enum {
    IP_MIN = 20,
    IP6_HEAD = 40,
    PROTO_ICMP = 1,
    PROTO_UDP = 17,
    PROTO_ICMP6 = 58,
    PING_IDENT = 0x5244, /* of the built-in pinger, so that it and a TUN's own ping do not meet */
    SOLICIT_US = 4000000,
    SOLICIT_DOUBLED = 9 /* times at most: RFC 7559, until somebody answers */
};
static const uint8_t ALL_ROUTERS[16] = {0xff, 2, [15] = 2};

static uint32_t sum_of(const uint8_t *p, uint32_t n, uint32_t sum)
{
    for (; n > 1; p += 2, n -= 2)
        sum += be16(p);
    return n ? sum + ((uint32_t)*p << 8) : sum;
}
static uint16_t sum_end(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
/* The checksum of a transport header at ip + head over the pseudo header; its place must be zero. */
static uint16_t transport_sum(const uint8_t *ip, uint32_t head, uint32_t n, uint8_t proto)
{
    uint32_t sum = proto + n;
    if (ip[0] >> 4 == 6)
        sum = sum_of(ip + 8, 32, sum);
    else
        sum = proto == PROTO_ICMP ? 0 : sum_of(ip + 12, 8, sum);
    return sum_end(sum_of(ip + head, n, sum));
}
static void link_local(const struct ue_session *s, uint8_t out[16])
{
    memset(out, 0, 16);
    out[0] = 0xfe;
    out[1] = 0x80;
    memcpy(out + 8, s->iid, 8);
}
bool ue_session_addr6(const struct ue_session *s, uint8_t out[16])
{
    memcpy(out, s->prefix, 8);
    memcpy(out + 8, s->iid, 8);
    return s->has_prefix;
}
static bool is_in(const struct ue_route *r, const uint8_t ip[16])
{
    unsigned whole = r->bits / 8u, rest = r->bits % 8u;
    return !memcmp(r->ip, ip, whole) && (!rest || !((r->ip[whole] ^ ip[whole]) >> (8 - rest)));
}
bool ue_session_source6(const struct ue_session *s, const uint8_t to[16], uint8_t addr[16])
{
    for (unsigned i = 0; s->has_prefix2 && i < s->n_routes; i++)
        if (is_in(&s->routes[i], to)) {
            memcpy(addr, s->prefix2, 8);
            memcpy(addr + 8, s->iid, 8);
            return true;
        }
    return ue_session_addr6(s, addr);
}
static uint8_t *head4(uint8_t *p, const uint8_t from[4], const uint8_t to[4], uint8_t proto, uint32_t n)
{
    memset(p, 0, IP_MIN);
    p[0] = 0x45;
    put_be16(p + 2, (uint16_t)(IP_MIN + n));
    p[6] = 0x40; /* DF */
    p[8] = 64;
    p[9] = proto;
    memcpy(p + 12, from, 4);
    memcpy(p + 16, to, 4);
    put_be16(p + 10, sum_end(sum_of(p, IP_MIN, 0)));
    return p + IP_MIN;
}
static uint8_t *head6(uint8_t *p, const uint8_t from[16], const uint8_t to[16], uint8_t proto, uint32_t n, uint8_t hops)
{
    memset(p, 0, IP6_HEAD);
    p[0] = 0x60;
    put_be16(p + 4, (uint16_t)n);
    p[6] = proto;
    p[7] = hops;
    memcpy(p + 8, from, 16);
    memcpy(p + 24, to, 16);
    return p + IP6_HEAD;
}

/* ---- sending ---- */
static uint8_t qfi_of(const struct ue_session *s)
{
    for (uint32_t i = 0; i < s->n_rules; i++)
        if (s->rules[i].is_default)
            return s->rules[i].qfi;
    return 0;
}
static void hold(struct ue_session *s, struct bytes packet)
{
    struct rt *rt = s->ue->ran->rt;
    if (packet.n > sizeof s->held->octets)
        return;
    if (!s->held)
        s->held = frame_new(rt, sizeof *s->held);
    if (!s->held)
        return;
    s->held->n = packet.n; /* the latest stays */
    memcpy(s->held->octets, packet.p, packet.n);
}
static void held_drop(struct ue_session *s)
{
    if (s->held)
        frame_drop(s->ue->ran->rt, s->held, sizeof *s->held);
    s->held = NULL;
}
int ue_host_send(struct ue_session *s, struct bytes packet)
{
    if (s->bearer) {
        s->tx++;
        return gnb_n3_send(s->bearer, qfi_of(s), packet);
    }
    hold(s, packet);
    if (s->ue->state == MM_REGISTERED && s->state == SM_ACTIVE) { /* 5.6.1.1 d: uplink data without a user plane */
        s->ue->wants_service = true;
        ue_kick(s->ue);
    }
    return OK;
}

/* ---- a TUN interface ---- */
static void on_tun(void *ctx, int tun, struct bytes packet)
{
    struct ue_session *s = ctx;
    rt_enter(s->ue->ran->rt);
    ue_host_send(s, packet);
}
/* Local, and the phone's own (IEEE 802 8.4). */
static void mac_of(const struct ue_session *s, uint8_t mac[6])
{
    uint64_t h = siphash24(s->psi, 0, s->ue->usim.imsi, strlen(s->ue->usim.imsi));
    put_be16(mac, (uint16_t)((h >> 32 & 0xfcff) | 0x0200));
    put_be32(mac + 2, (uint32_t)h);
}
static void tun_open(struct ue_session *s)
{
    struct env *env = s->ue->ran->rt->env;
    char name[16];
    struct tun_sink sink = {s, on_tun};
    struct tun_config c = {.name = s->ue->tun_name, .netns = s->ue->tun_netns, .mtu = s->mtu};
    if (s->psi > 1) {
        snprintf(name, sizeof name, "%.11s-%u", s->ue->tun_name, s->psi & 15u);
        c.name = name;
    }
    c.is_ethernet = s->type == NAS_PDU_ETHERNET;
    memcpy(c.mac, s->mac, sizeof c.mac);
    if (s->type == NAS_PDU_IPV4 || s->type == NAS_PDU_IPV4V6) {
        c.addr4.family = 4;
        memcpy(c.addr4.ip, s->ipv4, 4);
    }
    if (s->type == NAS_PDU_IPV6 || s->type == NAS_PDU_IPV4V6) {
        c.addr6.family = 6;
        ue_session_addr6(s, c.addr6.ip);
    }
    if (s->dns4[0]) {
        c.dns4.family = 4;
        memcpy(c.dns4.ip, s->dns4, 4);
    }
    s->tun = env->ops->tun_open(env, &c, &sink);
}

/* ---- IPv6: router solicitation and what comes of it ---- */
static void solicit(struct ue_session *s);
static void solicit_again(struct timer *t) { solicit(CONTAINER(t, struct ue_session, solicit)); }
static void solicit(struct ue_session *s)
{
    struct rt *rt = s->ue->ran->rt;
    uint8_t p[IP6_HEAD + 8], from[16];
    if (!s->bearer || s->has_prefix)
        return;
    link_local(s, from);
    uint8_t *icmp = head6(p, from, ALL_ROUTERS, PROTO_ICMP6, 8, 255);
    memset(icmp, 0, 8);
    icmp[0] = 133;
    put_be16(icmp + 2, transport_sum(p, IP6_HEAD, 8, PROTO_ICMP6));
    ue_host_send(s, BYTES_OF(p));
    timer_set(&rt->timers, &s->solicit, rt->now_us + ((uint64_t)SOLICIT_US << s->solicitations), solicit_again);
    if (s->solicitations < SOLICIT_DOUBLED)
        s->solicitations++;
}
static void route_take(struct ue_session *s, struct bytes o) /* RFC 4191 2.3 */
{
    struct ue_route r = {.bits = o.p[2]};
    if (o.p[2] > 128 || o.n < 8u + (o.p[2] + 7u) / 8 || s->n_routes == ARRAY_LEN(s->routes))
        return;
    memcpy(r.ip, o.p + 8, (o.p[2] + 7u) / 8);
    s->routes[s->n_routes++] = r;
}
/* Of a router that is no way to everywhere: the prefix for what it has routes to, RFC 4191 2.2, RFC 8028 3.2. */
static bool is_second(const uint8_t *ra) { return (ra[5] & 0x18) == 0x18 || !be16(ra + 6); }
static void advertised_beside(struct ue_session *s, struct bytes options)
{
    struct rd r = rd_over(options);
    s->n_routes = 0;
    while (rd_left(&r) >= 8 && !r.bad && r.p[1]) {
        struct bytes o = rd_bytes(&r, r.p[1] * 8u);
        if (!r.bad && o.p[0] == 3 && o.n == 32 && o.p[2] == 64 && o.p[3] & 0x40) {
            memcpy(s->prefix2, o.p + 16, 8);
            s->has_prefix2 = true;
        } else if (!r.bad && o.p[0] == 24) {
            route_take(s, o);
        }
    }
    ran_tell(s->ue, &(struct ue_event){.kind = UE_ADDRESS6, .psi = s->psi});
}
static void advertised(struct ue_session *s, const uint8_t *ip, uint32_t n)
{
    static const uint32_t FIXED = IP6_HEAD + 16;
    struct rt *rt = s->ue->ran->rt;
    if (n < FIXED || ip[7] != 255 || ip[8] != 0xfe || (ip[9] & 0xc0) != 0x80)
        return;
    if (s->ue->multi_homed && is_second(ip + IP6_HEAD)) {
        advertised_beside(s, (struct bytes){ip + FIXED, n - FIXED});
        return;
    }
    if (s->has_prefix)
        return;
    struct rd r = rd_over((struct bytes){ip + FIXED, n - FIXED});
    while (rd_left(&r) >= 8 && !r.bad) {
        uint8_t type = r.p[0], length = r.p[1];
        if (!length) /* RFC 4861 4.6: the whole message is to be ignored; it ends here in any case */
            return;
        struct bytes o = rd_bytes(&r, length * 8u);
        if (type != 3 || o.n != 32 || o.p[2] != 64 || !(o.p[3] & 0x40)) /* prefix, autonomous */
            continue;
        memcpy(s->prefix, o.p + 16, 8);
        memcpy(s->router, ip + 8, 16);
        s->has_prefix = true;
    }
    if (!s->has_prefix)
        return;
    timer_stop(&rt->timers, &s->solicit);
    ran_tell(s->ue, &(struct ue_event){.kind = UE_ADDRESS6, .psi = s->psi, .us = rt->now_us - s->asked_us});
    if (s->ue->tun && s->tun < 0)
        tun_open(s);
}

void ue_host_up(struct ue_session *s)
{
    bool has4 = s->type == NAS_PDU_IPV4 || s->type == NAS_PDU_IPV4V6;
    bool has6 = s->type == NAS_PDU_IPV6 || s->type == NAS_PDU_IPV4V6;
    bool is_ethernet = s->type == NAS_PDU_ETHERNET;
    if (is_ethernet)
        mac_of(s, s->mac);
    if (has6 && !s->has_prefix) {
        s->solicitations = 0;
        solicit(s);
    } else if (s->ue->tun && s->tun < 0 && (has4 || has6 || is_ethernet)) {
        tun_open(s);
    }
    if (s->held && s->bearer) {
        ue_host_send(s, (struct bytes){s->held->octets, s->held->n});
        held_drop(s);
    }
}
void ue_host_down(struct ue_session *s)
{
    struct env *env = s->ue->ran->rt->env;
    timer_stop(&s->ue->ran->rt->timers, &s->solicit);
    held_drop(s);
    if (s->tun >= 0)
        env->ops->tun_close(env, s->tun);
    s->tun = -1;
}

/* ---- the built-in host ---- */
static void pinged(struct ue_session *s, const uint8_t *icmp, uint32_t n)
{
    uint64_t now_us = s->ue->ran->rt->now_us;
    if (n < 16 || be16(icmp + 4) != PING_IDENT)
        return;
    s->pings_received++;
    ran_tell(s->ue, &(struct ue_event){.kind = UE_PING_REPLY, .psi = s->psi, .us = now_us - be64(icmp + 8)});
}
static bool is_ours(const uint8_t *icmp, uint32_t n, uint8_t reply) { return n >= 8 && icmp[0] == reply && be16(icmp + 4) == PING_IDENT; }
static void packet4(struct ue_session *s, const uint8_t *ip, uint32_t n)
{
    uint32_t head = (ip[0] & 15u) * 4u;
    uint8_t *out = s->ue->ran->inner; /* a packet never comes while a message is made */
    if (head < IP_MIN || n < head || be16(ip + 2) < head || be16(ip + 2) > n || memcmp(ip + 16, s->ipv4, 4))
        return;
    uint32_t body_n = be16(ip + 2) - head;
    const uint8_t *body = ip + head;
    if (ip[9] == PROTO_ICMP && is_ours(body, body_n, 0)) {
        pinged(s, body, body_n);
        return;
    }
    if (s->tun >= 0 || body_n + IP_MIN > RAN_NAS_MAX || body_n < 8)
        return;
    uint8_t *to = out + IP_MIN;
    memcpy(to, body, body_n);
    if (ip[9] == PROTO_ICMP && body[0] == 8) {
        to[0] = 0;
        put_be16(to + 2, 0);
        put_be16(to + 2, sum_end(sum_of(to, body_n, 0)));
    } else if (ip[9] == PROTO_UDP && be16(body + 2) == 7 && be16(body) != 7) {
        memcpy(to, body + 2, 2);
        memcpy(to + 2, body, 2);
        put_be16(to + 6, 0);
    } else {
        if (ip[9] == PROTO_UDP)
            ran_tell(s->ue, &(struct ue_event){.kind = UE_DATA, .psi = s->psi, .data = {body + 8, body_n - 8}});
        return;
    }
    head4(out, s->ipv4, ip + 12, ip[9], body_n);
    ue_host_send(s, (struct bytes){out, body_n + IP_MIN});
}
static void packet6(struct ue_session *s, const uint8_t *ip, uint32_t n)
{
    uint8_t *out = s->ue->ran->inner, ours[16];
    uint32_t body_n = n >= IP6_HEAD ? be16(ip + 4) : 0;
    if (n < IP6_HEAD || body_n > n - IP6_HEAD || body_n < 8)
        return;
    const uint8_t *body = ip + IP6_HEAD;
    bool is_icmp = ip[6] == PROTO_ICMP6;
    if (is_icmp && body[0] == 134) {
        advertised(s, ip, IP6_HEAD + body_n);
        return;
    }
    if (!ue_session_addr6(s, ours))
        return;
    if (s->has_prefix2 && !memcmp(ip + 24, s->prefix2, 8))
        memcpy(ours, s->prefix2, 8);
    if (memcmp(ip + 24, ours, 16))
        return;
    if (is_icmp && is_ours(body, body_n, 129)) {
        pinged(s, body, body_n);
        return;
    }
    if (s->tun >= 0 || body_n + IP6_HEAD > RAN_NAS_MAX)
        return;
    uint8_t *to = out + IP6_HEAD;
    memcpy(to, body, body_n);
    head6(out, ours, ip + 8, ip[6], body_n, 64);
    if (is_icmp && body[0] == 128) {
        to[0] = 129;
        put_be16(to + 2, 0);
        put_be16(to + 2, transport_sum(out, IP6_HEAD, body_n, PROTO_ICMP6));
    } else if (ip[6] == PROTO_UDP && be16(body + 2) == 7 && be16(body) != 7) {
        memcpy(to, body + 2, 2);
        memcpy(to + 2, body, 2);
        put_be16(to + 6, 0);
        put_be16(to + 6, transport_sum(out, IP6_HEAD, body_n, PROTO_UDP));
    } else {
        if (ip[6] == PROTO_UDP)
            ran_tell(s->ue, &(struct ue_event){.kind = UE_DATA, .psi = s->psi, .data = {body + 8, body_n - 8}});
        return;
    }
    ue_host_send(s, (struct bytes){out, body_n + IP6_HEAD});
}
/* ---- frames: the built-in host answers those that ask ---- */
enum { ETH_HEAD = 14, ETH_EXPERIMENT = 0x88b5, FRAME_ASKS = 1, FRAME_ANSWERS };
static void frame_head(uint8_t *p, const uint8_t to[6], const uint8_t from[6], uint8_t what)
{
    memcpy(p, to, 6);
    memcpy(p + 6, from, 6);
    put_be16(p + 12, ETH_EXPERIMENT);
    p[ETH_HEAD] = what;
}
static void frame_take(struct ue_session *s, const uint8_t *p, uint32_t n)
{
    uint8_t *out = s->ue->ran->inner;
    bool to_us = n > ETH_HEAD + 9 && n <= RAN_NAS_MAX && (p[0] & 1 || !memcmp(p, s->mac, 6));
    if (!to_us || be16(p + 12) != ETH_EXPERIMENT)
        return;
    if (p[ETH_HEAD] == FRAME_ANSWERS) {
        s->pings_received++;
        ran_tell(s->ue, &(struct ue_event){.kind = UE_PING_REPLY, .psi = s->psi, .us = s->ue->ran->rt->now_us - be64(p + ETH_HEAD + 1)});
    } else if (p[ETH_HEAD] == FRAME_ASKS && s->tun < 0) {
        memcpy(out, p, n);
        frame_head(out, p + 6, s->mac, FRAME_ANSWERS);
        ue_host_send(s, (struct bytes){out, n});
    }
}
int ue_frame(struct ue *ue, uint8_t psi, const uint8_t to[6], uint32_t n)
{
    struct ue_session *s = ue_session_find(ue, psi);
    uint8_t p[1518] = {0};
    if (!s || s->state != SM_ACTIVE || s->type != NAS_PDU_ETHERNET)
        return s ? ERR_STATE : ERR_NOTFOUND;
    n = n < 46 ? 46 : n > 1400 ? 1400 : n;
    frame_head(p, to, s->mac, FRAME_ASKS);
    put_be64(p + ETH_HEAD + 1, ue->ran->rt->now_us);
    s->pings_sent++;
    return ue_host_send(s, (struct bytes){p, ETH_HEAD + n});
}

void ue_host_packet(struct ue_session *s, struct bytes packet)
{
    struct env *env = s->ue->ran->rt->env;
    if (s->type == NAS_PDU_ETHERNET) {
        if (s->tun >= 0)
            env->ops->tun_send(env, s->tun, packet);
        frame_take(s, packet.p, packet.n);
        return;
    }
    if (packet.n < IP_MIN)
        return;
    if (s->tun >= 0)
        env->ops->tun_send(env, s->tun, packet);
    if (packet.p[0] >> 4 == 4)
        packet4(s, packet.p, packet.n);
    else if (packet.p[0] >> 4 == 6)
        packet6(s, packet.p, packet.n);
}

int ue_ping(struct ue *ue, uint8_t psi, const struct net_addr *to, uint32_t n)
{
    struct ue_session *s = ue_session_find(ue, psi);
    uint8_t p[IP6_HEAD + 1500] = {0}, from[16];
    if (!s || s->state != SM_ACTIVE)
        return s ? ERR_STATE : ERR_NOTFOUND;
    n = n < 8 ? 8 : n > 1400 ? 1400 : n;
    bool is6 = to->family == 6;
    if (is6 && !ue_session_source6(s, to->ip, from))
        return ERR_STATE;
    uint8_t *icmp = is6 ? head6(p, from, to->ip, PROTO_ICMP6, n + 8, 64) : head4(p, s->ipv4, to->ip, PROTO_ICMP, n + 8);
    icmp[0] = is6 ? 128 : 8;
    put_be16(icmp + 4, PING_IDENT);
    put_be16(icmp + 6, (uint16_t)++s->pings_sent);
    put_be64(icmp + 8, ue->ran->rt->now_us);
    put_be16(icmp + 2, is6 ? transport_sum(p, IP6_HEAD, n + 8, PROTO_ICMP6) : sum_end(sum_of(icmp, n + 8, 0)));
    return ue_host_send(s, (struct bytes){p, (uint32_t)(icmp - p) + n + 8});
}
int ue_udp(struct ue *ue, uint8_t psi, const struct net_addr *to, uint16_t from_port, struct bytes data)
{
    struct ue_session *s = ue_session_find(ue, psi);
    uint8_t p[IP6_HEAD + 1500] = {0}, from[16];
    if (!s || s->state != SM_ACTIVE)
        return s ? ERR_STATE : ERR_NOTFOUND;
    bool is6 = to->family == 6;
    if (data.n > 1400 || (is6 && !ue_session_source6(s, to->ip, from)))
        return ERR_RANGE;
    uint32_t n = data.n + 8;
    uint8_t *udp = is6 ? head6(p, from, to->ip, PROTO_UDP, n, 64) : head4(p, s->ipv4, to->ip, PROTO_UDP, n);
    put_be16(udp, from_port);
    put_be16(udp + 2, to->port);
    put_be16(udp + 4, (uint16_t)n);
    if (data.n)
        memcpy(udp + 8, data.p, data.n);
    put_be16(udp + 6, transport_sum(p, is6 ? IP6_HEAD : IP_MIN, n, PROTO_UDP));
    return ue_host_send(s, (struct bytes){p, (uint32_t)(udp - p) + n});
}
