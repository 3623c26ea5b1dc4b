/* SPDX-License-Identifier: Apache-2.0 */
/* net.h - the packet path between two hands: packets are built, what comes out is kept. */
#pragma once
#include "base/err.h"
#include "dp/dp.h"
#include "dp/sdf.h"

enum { NET_KEPT = 512, NET_OCTETS = 2200, GNB_TEID = 0x11110000 };
struct net_out {
    bool tunnel;
    uint16_t instance;
    struct rule_addr peer;
    uint32_t n;
    uint8_t p[NET_OCTETS];
};
struct net {
    struct dp *dp;
    struct dp_config config;
    uint64_t now;
    unsigned out_n, events_n, abuses_n;
    struct dp_event abuse; /* the last one */
    uint8_t abuse_head[256];
    struct net_out out[NET_KEPT];
    struct dp_event event[NET_KEPT];
    uint8_t room[DP_HEADROOM + 70000];
};

/* Xorshift: the state, which is not 0, goes on. */
static inline uint32_t net_random(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 33) % below;
}

static inline struct rule_addr v4_peer(uint8_t last)
{
    return (struct rule_addr){4, 2152, {10, 0, 0, last}};
}

static inline void net_keep(struct net *t, const uint8_t *p, uint32_t n, struct net_out o)
{
    if (t->out_n == NET_KEPT)
        return;
    o.n = n;
    memcpy(o.p, p, n < NET_OCTETS ? n : NET_OCTETS);
    t->out[t->out_n++] = o;
}
static inline void net_to_access(void *ctx, const struct dp_datagram *d, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        net_keep(ctx, d[i].p, d[i].n, (struct net_out){.tunnel = true, .peer = d[i].peer});
}
static inline void net_to_core(void *ctx, uint16_t instance, const struct dp_packet *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        net_keep(ctx, p[i].p, p[i].n, (struct net_out){.instance = instance});
}
static inline void net_event(void *ctx, const struct dp_event *e)
{
    struct net *t = ctx;
    if (e->kind == DP_EVENT_ABUSE) { /* how often it is told is another matter than what is done */
        t->abuses_n++;
        t->abuse = *e;
        memcpy(t->abuse_head, e->packet.p, e->packet.n < sizeof t->abuse_head ? e->packet.n : sizeof t->abuse_head);
        t->abuse.packet.p = t->abuse_head;
        return;
    }
    if (t->events_n < NET_KEPT)
        t->event[t->events_n++] = *e;
}
static inline struct dp_config net_config(void)
{
    return (struct dp_config){.sessions_max = 100,
                              .buffered_max = 20,
                              .buffered_per_session = 8,
                              .inner_mtu = 1400,
                              .instances = 2,
                              .pools = 1,
                              .pool = {{0, {10, 45, 0, 0}, 16}},
                              .local_v4 = {4, 2152, {10, 0, 0, 1}},
                              .local_v6 = {6, 2152, {0x20, 1}},
                              .secret0 = 1,
                              .secret1 = 2};
}
static inline void net_open(struct net *t, const struct dp_config *c)
{
    memset(t, 0, sizeof *t);
    t->config = *c;
    t->now = 1000000;
    t->dp = dp_new(c, &(struct dp_io){t, net_to_access, net_to_core, net_event});
}
static inline void net_clear(struct net *t)
{
    t->out_n = t->events_n = 0;
}

/* IPv4 UDP between two addresses; ports 1000 -> 2000; n octets in all. */
static inline uint32_t ip4(uint8_t *p, const uint8_t *src, const uint8_t *dst, uint32_t n)
{
    memset(p, 0, n);
    p[0] = 0x45;
    put_be16(p + 2, (uint16_t)n);
    p[8] = 64;
    p[9] = 17;
    memcpy(p + 12, src, 4);
    memcpy(p + 16, dst, 4);
    put_be16(p + 20, 1000);
    put_be16(p + 22, 2000);
    put_be16(p + 24, (uint16_t)(n - 20));
    return n;
}
static inline uint32_t ip6(uint8_t *p, const uint8_t *src, const uint8_t *dst, uint32_t n)
{
    memset(p, 0, n);
    p[0] = 0x60;
    put_be16(p + 4, (uint16_t)(n - 40));
    p[6] = 17;
    p[7] = 64;
    memcpy(p + 8, src, 16);
    memcpy(p + 24, dst, 16);
    put_be16(p + 40, 1000);
    put_be16(p + 42, 2000);
    put_be16(p + 44, (uint16_t)(n - 40));
    return n;
}
/* The inner packet is at room + DP_HEADROOM + 16 already. qfi 0: no container. */
static inline void net_uplink(struct net *t, uint32_t teid, uint8_t qfi, uint32_t inner_n,
                              struct rule_addr peer)
{
    uint8_t *p = t->room + DP_HEADROOM + (qfi ? 0 : 8);
    uint32_t head = qfi ? 16 : 8;
    memset(p, 0, head);
    p[0] = qfi ? 0x34 : 0x30;
    p[1] = 255;
    put_be16(p + 2, (uint16_t)(inner_n + head - 8));
    put_be32(p + 4, teid);
    if (qfi) {
        p[11] = 0x85;
        p[12] = 1;
        p[13] = 0x10;
        p[14] = qfi;
    }
    struct dp_datagram d = {p, inner_n + head, peer};
    dp_access_input(t->dp, t->now, &d, 1);
}
static inline uint8_t *net_inner(struct net *t)
{
    return t->room + DP_HEADROOM + 16;
}
static inline void net_downlink(struct net *t, uint16_t instance, uint32_t n)
{
    struct dp_packet p = {net_inner(t), n};
    dp_core_input(t->dp, t->now, instance, &p, 1);
}
static inline void net_gtpu(struct net *t, const uint8_t *p, uint32_t n, struct rule_addr peer)
{
    memcpy(t->room + DP_HEADROOM, p, n);
    struct dp_datagram d = {t->room + DP_HEADROOM, n, peer};
    dp_access_input(t->dp, t->now, &d, 1);
}

/* A plain session: one tunnel up, one down, a QER that marks QFI 9, a URR. */
struct plain {
    struct rule_session s;
    struct rule_pdr pdr[3];
    struct rule_far far[3];
    struct rule_qer qer[1];
    struct rule_urr urr[1];
    struct rule_sdf sdf[2];
};
static inline struct rule_session *plain_session(struct plain *p, uint32_t sessions_max, uint32_t i,
                                                 uint32_t gen)
{
    memset(p, 0, sizeof *p);
    p->s = (struct rule_session){
        .session = i,
        .gen = gen,
        .has_ipv4 = true,
        .has_ipv6 = true,
        .ipv4 = {10, 45, (uint8_t)(i >> 8), (uint8_t)(i & 255)},
        .ipv6_prefix = {0x20, 1, 0x0d, 0xb8, 0, 0, (uint8_t)(i >> 8), (uint8_t)(i & 255)},
        .pdr = p->pdr,
        .far = p->far,
        .qer = p->qer,
        .urr = p->urr,
        .pdr_n = 2,
        .far_n = 2,
        .qer_n = 1,
        .urr_n = 1};
    p->pdr[0] = (struct rule_pdr){.id = 1,
                                  .precedence = 255,
                                  .source = RULE_ACCESS,
                                  .teid = dp_teid(sessions_max, i, 0, gen * 2654435761u),
                                  .outer_header_removal = true,
                                  .far_id = 1,
                                  .qer_n = 1,
                                  .urr_n = 1,
                                  .qer_id = {1},
                                  .urr_id = {1}};
    p->pdr[1] = (struct rule_pdr){.id = 2,
                                  .precedence = 255,
                                  .source = RULE_CORE,
                                  .far_id = 2,
                                  .qer_n = 1,
                                  .urr_n = 1,
                                  .qer_id = {1},
                                  .urr_id = {1}};
    p->far[0] = (struct rule_far){.id = 1, .action = RULE_FORW, .destination = RULE_CORE};
    p->far[1] = (struct rule_far){.id = 2,
                                  .action = RULE_FORW,
                                  .destination = RULE_ACCESS,
                                  .teid = GNB_TEID + i,
                                  .peer = v4_peer(2)};
    p->qer[0] = (struct rule_qer){.id = 1, .qfi = 9};
    p->urr[0] = (struct rule_urr){.id = 1, .measure_volume = true, .measure_duration = true};
    return &p->s;
}
static inline uint64_t net_count(const struct net *t, enum dp_counter c)
{
    return dp_counters(t->dp)[c];
}
/* Each packet that came in has one fate. */
static inline bool net_adds_up(const struct net *t)
{
    uint64_t ends = 0;
#define FATE(name, text) ends += net_count(t, DP_##name);
#define DROP(name, text) ends += net_count(t, DP_##name);
#define ALSO(name, text)
#include "../../spec/dp_counters.def"
    return ends == net_count(t, DP_access_in) + net_count(t, DP_core_in);
}
