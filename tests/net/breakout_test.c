/* SPDX-License-Identifier: Apache-2.0 */
/* An uplink classifier or branching point at the edge, TS 23.501 5.6.4.2, 5.6.4.3, TS 23.502 4.3.5.4: the SMF puts it before the
 * session's UPF, and what is for the data network beside it, or from the prefix that is, leaves there. */
#include "tests/net/net.h"

static const char EDGE[] = ", {name: edge, address: 10.0.0.3, weight: 0, local_dnn: edge, local_networks: [9.9.0.0/16], "
                           "local_ipv6_pool: \"fd00:10:70::/48\", tacs: [1]}";
static struct edge { /* a second UPF with a data network of its own */
    struct env *env;
    struct rt rt;
    struct crypto *crypto;
    struct config config;
    uint8_t *memory;
    struct user_plane *path;
    struct data_network dn;
    struct upf *upf;
} edge;

static void edge_start(struct net *n)
{
    static const char text[] = "network:\n  nfs: [upf]\n"
                               "upf:\n  n4_address: 10.0.0.3\n  n3_addresses: [10.0.0.3]\n  max_sessions: 16\n"
                               "  n6: [{dnn: edge, tun: n6edge, ipv4: 10.45.0.1/16, ipv6: \"fd00:10:70::1/48\", routes: [\"2001:db8:70::/48\"]}]\n";
    static struct config_report report;
    edge.memory = malloc(CONFIG_ARENA_OCTETS);
    struct arena a = arena_over(edge.memory, CONFIG_ARENA_OCTETS);
    assert_int_equal(config_parse(&edge.config, &a, STR("edge"), STR(text), &report), OK);
    assert_int_equal(rt_init(&edge.rt, edge.env, 32 << 20), OK);
    assert_int_equal(crypto_init(&edge.crypto), OK);
    edge.rt.crypto = edge.crypto;
    edge.rt.config = &edge.config;
    edge.rt.log = n->o.debug || getenv("NET_DEBUG") ? &n->log : NULL;
    world_attach(n->w, edge.env, &edge.rt);
    rt_enter(&edge.rt);
    assert_int_equal(user_plane_inline_open(&edge.path, &edge.rt, &edge.config), OK);
    assert_int_equal(nf_start(&edge.rt, &upf_nf), OK);
    edge.dn = (struct data_network){0};
    assert_int_equal(data_network_start(&edge.dn, n->w, edge.env, NULL), OK);
    edge.upf = nf_state(&edge.rt, SBI_NF_UPF);
}
static void edge_end(struct net *n)
{
    world_kill(n->w, edge.env);
    nf_stop_all(&edge.rt);
    user_plane_close(edge.path);
    world_attach(n->w, edge.env, NULL);
    rt_free(&edge.rt);
    crypto_free(edge.crypto);
    free(edge.memory);
}
static void first_is_multi_homed(struct ue_config *u, uint32_t i) { u->multi_homed = i == 0; }
static struct net *begin(uint32_t phones)
{
    struct net *n = net_new((struct net_options){.seed = 5, .phones = phones, .more_upfs = EDGE, .phone = first_is_multi_homed});
    struct net_addr at = addr_v4(0x0a000003, 0);
    edge.env = world_host(n->w, "edge", &at);
    edge_start(n);
    net_run(n, 12 * NET_S);
    assert_true(smf_upf_is_up(&n->smf->upfs[1]));
    return n;
}
static void finish(struct net *n)
{
    for (uint32_t i = 0; i < n->o.phones; i++)
        if (n->ue[i]->state == MM_REGISTERED)
            ue_deregister(n->ue[i], false);
    net_run(n, 10 * NET_S);
    assert_int_equal(n->smf->sessions.used, 0);
    assert_int_equal(net_upf_sessions(n), 0);
    assert_int_equal(edge.upf->sessions.used, 0);
    assert_int_equal(n->smf->upfs[0].sessions, 0);
    assert_int_equal(n->smf->upfs[1].sessions, 0);
    for (uint32_t d = 0; d < GUARD_DETECTIONS; d++) /* of an SMF with two legs nothing is strange */
        assert_int_equal(n->found[d], 0);
    edge_end(n);
    net_free(n);
}
/* One way is answered by the data network at the edge, the other by that of the anchor. */
static void both_ways(struct net *n, struct ue_session *s)
{
    uint64_t near = edge.dn.packets, far = n->dn.packets;
    net_ping(n, s, "9.9.1.1");
    assert_int_equal(edge.dn.packets, near + 1);
    assert_int_equal(n->dn.packets, far);
    net_ping(n, s, "8.8.8.8");
    assert_int_equal(edge.dn.packets, near + 1);
    assert_int_equal(n->dn.packets, far + 1);
}
static const struct smf_session *of(struct net *n, uint32_t i)
{
    char supi[32];
    int k = snprintf(supi, sizeof supi, "imsi-%s", n->ue[i]->usim.imsi);
    return smf_session_find(n->smf, (struct str){supi, (uint32_t)k}, n->ue[i]->sessions->psi);
}

static void inserted(void **state)
{
    struct net *n = begin(2);
    for (uint32_t i = 0; i < 2; i++) {
        net_register(n, n->ue[i]);
        net_session(n, n->ue[i], "internet", NAS_PDU_IPV4);
        assert_ptr_equal(of(n, i)->upf, &n->smf->upfs[1]);
        assert_ptr_equal(of(n, i)->anchor->upf, &n->smf->upfs[0]);
        both_ways(n, n->ue[i]->sessions);
    }
    net_agree(n);
    struct ue_session *s = n->ue[0]->sessions;
    net_from_far(n, s); /* from the anchor's data network */
    net_run(n, 100 * NET_MS);
    net_idle(n, n->ue[0]); /* asleep: the classifier keeps what comes, and tells */
    uint64_t rx = s->rx, other = n->ue[1]->sessions->rx;
    net_from_far(n, s);
    assert_true(net_run_until(n, s->rx == rx + 1, 5 * NET_S));
    net_run(n, NET_S);
    both_ways(n, s);
    assert_int_equal(n->ue[1]->sessions->rx, other);
    net_agree(n);
    assert_int_equal(ue_session_close(n->ue[0], s->psi), OK);
    net_run(n, 2 * NET_S);
    assert_int_equal(edge.upf->sessions.used, 1);
    assert_int_equal(net_upf_sessions(n), 1);
    both_ways(n, n->ue[1]->sessions);
    finish(n);
}

/* In another tracking area, or when it is not there, a session goes without. */
static void elsewhere(void **state)
{
    struct net *n = begin(1);
    ue_camp(n->ue[0], &n->cells[1]);
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    assert_null(of(n, 0)->anchor);
    net_ping(n, s, "9.9.1.1");
    assert_int_equal(edge.dn.packets, 0);
    assert_int_equal(edge.upf->sessions.used, 0);
    finish(n);
}

static void edge_restarts(void **state)
{
    struct net *n = begin(1);
    net_register(n, n->ue[0]);
    net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    edge_end(n);
    net_run(n, 2 * NET_S);
    edge_start(n);
    net_run(n, 40 * NET_S);
    assert_int_equal(edge.upf->sessions.used, 1);
    assert_int_equal(net_upf_sessions(n), 1);
    both_ways(n, n->ue[0]->sessions);
    net_agree(n);
    finish(n);
}
static void anchor_restarts(void **state)
{
    struct net *n = begin(1);
    net_register(n, n->ue[0]);
    net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    net_upf_end(n);
    net_run(n, 2 * NET_S);
    net_upf_start(n);
    net_run(n, 40 * NET_S);
    assert_int_equal(edge.upf->sessions.used, 1);
    assert_int_equal(net_upf_sessions(n), 1);
    both_ways(n, n->ue[0]->sessions);
    net_agree(n);
    finish(n);
}
static void core_restarts(void **state)
{
    struct net *n = begin(1);
    net_register(n, n->ue[0]);
    net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    assert_int_equal(store_sync(n->store), OK);
    net_core_end(n, 0);
    net_run_ran(n, NET_S);
    world_attach(n->w, n->ran_env, &n->ran_rt);
    net_core_start(n);
    net_run(n, 40 * NET_S);
    assert_non_null(of(n, 0));
    assert_non_null(of(n, 0)->anchor);
    assert_int_equal(edge.upf->sessions.used, 1);
    assert_int_equal(net_upf_sessions(n), 1);
    both_ways(n, n->ue[0]->sessions);
    finish(n);
}

/* ---- a phone that moves, TS 23.502 4.3.5.4, 4.3.5.5 ---- */
static void moves_to(struct net *n, uint32_t cell)
{
    if (n->ue[0]->link)
        net_idle(n, n->ue[0]);
    ue_camp(n->ue[0], &n->cells[cell]);
    net_run(n, NET_S);
    if (!n->ue[0]->link)
        assert_int_equal(ue_service(n->ue[0]), OK);
    assert_true(net_run_until(n, n->ue[0]->sessions->bearer, 5 * NET_S));
    net_run(n, NET_S);
}
static void comes_and_goes(void **state)
{
    struct net *n = begin(1);
    ue_camp(n->ue[0], &n->cells[1]);
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    uint8_t ip[4];
    memcpy(ip, s->ipv4, 4);
    for (int round = 0; round < 2; round++) {
        assert_true(!of(n, 0)->anchor && edge.upf->sessions.used == 0);
        net_ping(n, s, "9.9.1.1");
        uint64_t near = edge.dn.packets;
        moves_to(n, 0);
        assert_ptr_equal(of(n, 0)->upf, &n->smf->upfs[1]);
        assert_true(edge.upf->sessions.used == 1 && net_upf_sessions(n) == 1 && edge.dn.packets == near);
        both_ways(n, s);
        net_from_far(n, s);
        net_run(n, 100 * NET_MS);
        net_agree(n);
        /* what comes while it sleeps wakes it, in the area where it is */
        net_idle(n, n->ue[0]);
        uint64_t rx = s->rx;
        net_from_far(n, s);
        assert_true(net_run_until(n, s->rx == rx + 1, 5 * NET_S));
        net_run(n, NET_S);
        both_ways(n, s);
        moves_to(n, 1);
        assert_ptr_equal(of(n, 0)->upf, &n->smf->upfs[0]);
        assert_memory_equal(ip, s->ipv4, 4);
        net_from_far(n, s);
        net_run(n, 100 * NET_MS);
        net_agree(n);
    }
    /* with one that stands no more where the phone is, everything is taken up after a restart as it was */
    moves_to(n, 0);
    assert_int_equal(store_sync(n->store), OK);
    net_core_end(n, 0);
    net_run_ran(n, NET_S);
    world_attach(n->w, n->ran_env, &n->ran_rt);
    net_core_start(n);
    net_run(n, 40 * NET_S);
    assert_non_null(of(n, 0)->anchor);
    both_ways(n, s);
    moves_to(n, 1);
    assert_null(of(n, 0)->anchor);
    net_ping(n, s, "9.9.1.1");
    finish(n);
}
/* It wakes the phone where the classifier does not stand: the gNB there has the classifier's tunnel until the phone asks again. */
static void woken_elsewhere(void **state)
{
    struct net *n = begin(1);
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    net_idle(n, n->ue[0]);
    ue_camp(n->ue[0], &n->cells[1]);
    uint64_t rx = s->rx;
    net_from_far(n, s);
    assert_true(net_run_until(n, s->rx == rx + 1, 10 * NET_S)); /* nothing is lost */
    net_run(n, NET_S);
    net_ping(n, s, "8.8.8.8");
    moves_to(n, 1);
    assert_null(of(n, 0)->anchor);
    net_ping(n, s, "9.9.1.1");
    net_agree(n);
    finish(n);
}
/* The edge does not take it: the session goes on without. */
static void edge_refuses(void **state)
{
    struct net *n = begin(1);
    ue_camp(n->ue[0], &n->cells[1]);
    net_register(n, n->ue[0]);
    struct ue_session *s = net_session(n, n->ue[0], "internet", NAS_PDU_IPV4);
    edge.upf->sessions.max = 0;
    moves_to(n, 0);
    assert_null(of(n, 0)->anchor);
    assert_true(edge.upf->sessions.used == 0 && n->smf->upfs[1].sessions == 0);
    net_ping(n, s, "9.9.1.1");
    net_from_far(n, s);
    net_run(n, 100 * NET_MS);
    net_agree(n);
    edge.upf->sessions.max = 16;
    moves_to(n, 0);
    both_ways(n, s);
    /* nor does it answer */
    moves_to(n, 1);
    net_idle(n, n->ue[0]);
    edge_end(n);
    ue_camp(n->ue[0], &n->cells[0]);
    ue_service(n->ue[0]);
    net_run(n, 60 * NET_S); /* the phone may have been told to come again: now it is known that the edge is gone */
    assert_null(of(n, 0)->anchor);
    if (!n->ue[0]->sessions->bearer)
        moves_to(n, 0);
    assert_null(of(n, 0)->anchor);
    net_ping(n, s, "8.8.8.8");
    net_agree(n);
    edge_start(n);
    net_run(n, 60 * NET_S);
    finish(n);
}

/* While the edge is waited for, the UPF behind restarts, and what it had is put back: also the session that has both meanwhile. */
static void anchor_restarts_meanwhile(void **state)
{
    struct net *n = begin(2);
    for (uint32_t i = 0; i < 2; i++) {
        ue_camp(n->ue[i], &n->cells[1]);
        net_register(n, n->ue[i]);
        net_session(n, n->ue[i], "internet", NAS_PDU_IPV4);
    }
    net_idle(n, n->ue[0]);
    edge_end(n);
    ue_camp(n->ue[0], &n->cells[0]);
    ue_service(n->ue[0]);
    net_run(n, 100 * NET_MS);
    assert_non_null(of(n, 0)->anchor); /* as it is being asked */
    net_upf_end(n);
    net_upf_start(n);
    net_idle(n, n->ue[1]); /* which the UPF answers with that there is no association */
    net_run(n, NET_S);
    assert_true(of(n, 0)->proc && !of(n, 0)->anchor->up_seid);
    assert_int_equal(net_upf_sessions(n), 1);
    assert_true(net_run_until(n, !of(n, 0)->proc, 5 * NET_S));
    net_run(n, 100 * NET_MS);
    assert_true(!of(n, 0)->anchor && smf_has_n4(of(n, 0)));
    assert_int_equal(net_upf_sessions(n), 2);
    edge_start(n);
    net_run(n, 60 * NET_S);
    finish(n);
}

/* ---- a branching point ---- */
static const char NEAR6[] = "2001:db8:70::7", FAR6[] = "2001:4860::8";
static void ping6(struct net *n, struct ue_session *s, const char *to, bool is_near)
{
    uint64_t near = edge.dn.packets, far = n->dn.packets;
    net_ping(n, s, to);
    assert_int_equal(edge.dn.packets, near + is_near);
    assert_int_equal(n->dn.packets, far + !is_near);
}
static struct ue_session *homed(struct net *n, uint32_t i, uint8_t type)
{
    net_register(n, n->ue[i]);
    struct ue_session *s = net_session(n, n->ue[i], "internet", type);
    assert_true(net_run_until(n, s->has_prefix, 5 * NET_S));
    net_run(n, 100 * NET_MS);
    return s;
}
static void branches(void **state)
{
    static const uint8_t LOCAL[6] = {0xfd, 0, 0, 0x10, 0, 0x70};
    struct net *n = begin(2);
    struct ue_session *s = homed(n, 0, NAS_PDU_IPV6), *other = homed(n, 1, NAS_PDU_IPV6);
    assert_true(s->has_prefix2 && s->n_routes == 1 && memcmp(s->prefix, s->prefix2, 8));
    assert_memory_equal(s->prefix2, LOCAL, sizeof LOCAL);
    ping6(n, s, NEAR6, true);
    ping6(n, s, FAR6, false);
    /* a phone that does not say that it can have several has one, and no way to the edge's */
    assert_null(of(n, 1)->anchor);
    assert_false(other->has_prefix2);
    ping6(n, other, NEAR6, false);
    /* where a packet goes is said by where it is from, not by where it is for */
    uint8_t first[8];
    memcpy(first, s->prefix, 8);
    memcpy(s->prefix, s->prefix2, 8);
    ping6(n, s, FAR6, true);
    uint64_t near = edge.dn.packets, far = n->dn.packets;
    struct net_addr to;
    assert_true(addr_parse(&to, str_of(FAR6), 0));
    memcpy(s->prefix, other->prefix, 8); /* another's */
    assert_int_equal(ue_ping(n->ue[0], s->psi, &to, 56), OK);
    s->prefix[7] ^= 0x55; /* nobody's */
    assert_int_equal(ue_ping(n->ue[0], s->psi, &to, 56), OK);
    net_run(n, 100 * NET_MS);
    memcpy(s->prefix, first, 8);
    assert_true(edge.dn.packets == near && n->dn.packets == far);
    /* asleep: the branching point keeps what comes for either */
    net_idle(n, n->ue[0]);
    struct net_addr me = {.family = 6}, from;
    uint8_t echo[200];
    uint64_t rx = s->rx;
    memcpy(me.ip, s->prefix2, 8);
    memcpy(me.ip + 8, s->iid, 8);
    assert_true(addr_parse(&from, str_of(NEAR6), 0));
    uint32_t octets = echo_request(&from, &me, 1, 1, 56, echo, sizeof echo);
    assert_int_equal(world_inject(n->w, world_tun(n->w, edge.env, NULL, "n6edge"), (struct bytes){echo, octets}), OK);
    assert_true(net_run_until(n, s->rx == rx + 1, 5 * NET_S));
    net_run(n, NET_S);
    ping6(n, s, NEAR6, true);
    net_agree(n);
    finish(n);
}
static void branches_and_classifies(void **state)
{
    struct net *n = begin(1);
    struct ue_session *s = homed(n, 0, NAS_PDU_IPV4V6);
    both_ways(n, s);
    ping6(n, s, NEAR6, true);
    ping6(n, s, FAR6, false);
    /* both UPFs, and the SMF, are there again with the same prefixes */
    uint8_t prefix2[8];
    memcpy(prefix2, s->prefix2, 8);
    assert_int_equal(store_sync(n->store), OK);
    edge_end(n);
    net_core_end(n, 0);
    net_run_ran(n, NET_S);
    world_attach(n->w, n->ran_env, &n->ran_rt);
    edge_start(n);
    net_core_start(n);
    net_run(n, 40 * NET_S);
    uint8_t local[16];
    assert_true(of(n, 0)->anchor && smf_local_prefix(of(n, 0), local));
    assert_memory_equal(local, prefix2, 8);
    ping6(n, s, NEAR6, true);
    ping6(n, s, FAR6, false);
    both_ways(n, s);
    finish(n);
}
int main(void)
{
    return RUN(unit(inserted), unit(elsewhere), unit(edge_restarts), unit(anchor_restarts), unit(core_restarts), unit(branches),
               unit(branches_and_classifies), unit(comes_and_goes), unit(woken_elsewhere), unit(edge_refuses), unit(anchor_restarts_meanwhile));
}
