/* SPDX-License-Identifier: Apache-2.0 */
/* PDU sessions in the whole network: TS 23.502 4.3. */
#include "tests/net/net.h"

static void one(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    assert_memory_equal(s->ipv4, ((uint8_t[]){10, 45}), 2);
    assert_int_equal(s->mtu, 1400);
    assert_int_equal(s->n_rules, 1);
    net_agree(n);
    net_ping(n, s, "8.8.8.8");
    net_from_far(n, s); /* and from the other side: the phone answers */
    net_run(n, 50 * NET_MS);
    assert_int_equal(s->rx, 2);
    assert_int_equal(s->tx, 2);
    assert_int_equal(ue_session_close(ue, s->psi), OK);
    assert_true(net_run_until(n, !ue->sessions, 3 * NET_S));
    net_run(n, 500 * NET_MS);
    assert_int_equal(n->smf->sessions.used, 0);
    net_agree(n);
}
static void one_both_ways(void **state) { net_both_ways(one, (struct net_options){.seed = 1}); }

static void several(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *a = net_session(n, ue, "internet", NAS_PDU_IPV4), *b = net_session(n, ue, "ims", NAS_PDU_IPV4);
    struct ue_session *c = net_session(n, ue, "internet", NAS_PDU_IPV4);
    assert_memory_equal(b->ipv4, ((uint8_t[]){10, 46}), 2);
    assert_memory_not_equal(a->ipv4, c->ipv4, 4);
    net_agree(n);
    net_ping(n, a, "8.8.8.8");
    net_ping(n, b, "8.8.8.8");
    net_ping(n, c, "8.8.8.8");
    assert_int_equal(ue_deregister(ue, false), OK); /* takes them along */
    assert_true(net_run_until(n, ue->state == MM_DEREGISTERED, 5 * NET_S));
    net_run(n, 5 * NET_S);
    assert_int_equal(n->smf->sessions.used, 0);
    assert_int_equal(net_upf_sessions(n), 0);
}
static void several_both_ways(void **state) { net_both_ways(several, (struct net_options){.seed = 2}); }

static void modified(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    assert_int_equal(ue_session_modify(ue, s->psi), OK);
    assert_true(net_run_until(n, s->state == SM_ACTIVE, 5 * NET_S)); /* taken or refused, not left */
    net_run(n, 500 * NET_MS);
    net_ping(n, s, "8.8.8.8");
    net_agree(n);
}
static void modified_both_ways(void **state) { net_both_ways(modified, (struct net_options){.seed = 3}); }

/* Nobody reaches a phone by another's tunnel, nor sends with another's address. */
static void apart(void **state)
{
    struct net *n = net_new((struct net_options){.phones = 2});
    struct ue_session *s[2];
    for (int i = 0; i < 2; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "internet", NAS_PDU_IPV4);
    }
    struct net_addr to = {.family = 4}, far = addr_v4(0x08080808, 0);
    memcpy(to.ip, s[1]->ipv4, 4);
    ue_ping(n->ue[0], s[0]->psi, &to, 56); /* phone to phone: not allowed by default */
    net_run(n, 500 * NET_MS);
    assert_int_equal(s[0]->pings_received, 0);
    assert_int_equal(s[1]->rx, 0);
    uint8_t ours[4];
    memcpy(ours, s[0]->ipv4, 4);
    memcpy(s[0]->ipv4, s[1]->ipv4, 4); /* spoofed */
    uint64_t packets = n->dn.packets;
    ue_ping(n->ue[0], s[0]->psi, &far, 56);
    net_run(n, 500 * NET_MS);
    assert_int_equal(n->dn.packets, packets);
    memcpy(s[0]->ipv4, ours, 4);
    net_ping(n, s[0], "8.8.8.8");
    net_agree(n);
    net_free(n);
}
int main(void) { return RUN(unit(one_both_ways), unit(several_both_ways), unit(modified_both_ways), unit(apart)); }
