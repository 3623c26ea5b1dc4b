/* SPDX-License-Identifier: Apache-2.0 */
/* user_plane.c - what the user planes share. It is no part of the packet path: it reads the
 * configuration, which the packet path does not know. */
#include "dp/user_plane.h"
#include "base/err.h"
#include "rt/config.h"

enum { UDP_OCTETS = 8, GTPU_OCTETS = 16 /* with the PDU session container */ };

static struct rule_addr rule_addr_of(const struct net_addr *a, uint16_t port)
{
    struct rule_addr r = {.family = a->family, .port = port};
    memcpy(r.ip, a->ip, a->family == 4 ? 4 : 16);
    return r;
}

static void instance_set(struct dp_config *to, uint16_t i, const struct config_n6 *n6)
{
    to->instance[i].router_v4 = rule_addr_of(&n6->ipv4.addr, 0);
    to->instance[i].router_v6 = rule_addr_of(&n6->ipv6.addr, 0);
    if (n6->ipv4.addr.family && to->pools < DP_POOLS && n6->ipv4.length >= 8) {
        struct dp_pool *p = &to->pool[to->pools++];
        *p = (struct dp_pool){.instance = i, .bits = n6->ipv4.length};
        memcpy(p->ip, n6->ipv4.addr.ip, 4);
    }
}

/* The ends of N2, N3 and N4 on this machine. */
static void core_address(struct dp_config *to, const struct net_addr *a)
{
    unsigned i = 0;
    while (i < DP_CORE_ADDRESSES && to->core[i].family)
        i++;
    if (i < DP_CORE_ADDRESSES && a->family)
        to->core[i] = rule_addr_of(a, 0);
}
static void core_addresses(const struct config *c, struct dp_config *to)
{
    for (uint32_t i = 0; i < c->upf.n_n3_addresses; i++)
        core_address(to, &c->upf.n3_addresses[i]);
    core_address(to, &c->upf.n4_address);
    core_address(to, &c->smf.n4_address);
    for (uint32_t i = 0; i < c->amf.n_n2_addresses; i++)
        core_address(to, &c->amf.n2_addresses[i]);
}

int user_plane_config(const struct config *config, struct dp_config *to)
{
    const struct config_upf *c = &config->upf;
    *to = (struct dp_config){
        .sessions_max = c->max_sessions < DP_SESSIONS_MAX ? c->max_sessions : DP_SESSIONS_MAX,
        .buffered_max = c->buffer_packets,
        .buffered_per_session = (uint16_t)c->buffer_packets_session,
        .instances = (uint16_t)c->n_n6,
        .ue_to_ue = c->unsafe_ue_to_ue,
        .check_peer = c->check_gnb_address,
        .nested = c->unsafe_nested_tunnels,
    };
    if (!c->n_n6 || c->n_n6 > DP_INSTANCES)
        return ERR_CONFIG;
    uint32_t head = 0;
    for (uint32_t i = 0; i < c->n_n3_addresses; i++) {
        const struct net_addr *a = &c->n3_addresses[i];
        struct rule_addr *local = a->family == 6 ? &to->local_v6 : &to->local_v4;
        if (local->family)
            return ERR_CONFIG;
        *local = rule_addr_of(a, DP_GTPU_PORT);
        uint32_t ip = a->family == 6 ? 40 : 20;
        head = ip > head ? ip : head;
    }
    core_addresses(config, to);
    to->inner_mtu = (uint16_t)(c->n3_mtu - head - UDP_OCTETS - GTPU_OCTETS);
    for (uint32_t i = 0; i < c->n_n6; i++)
        instance_set(to, (uint16_t)i, &c->n6[i]);
    return OK;
}

void user_plane_run(struct dp *dp, uint64_t now_us, const struct dp_command *c,
                    void (*event)(void *ctx, const struct dp_event *), void *ctx)
{
    struct dp_event e = {.kind = DP_EVENT_DONE,
                         .session = c->session,
                         .gen = c->gen,
                         .triggers = c->kind,
                         .tag = c->tag};
    e.result = dp_command_run(dp, now_us, c);
    if (c->tag || (c->kind == DP_PUT && e.result < 0))
        event(ctx, &e);
}
