/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet PDU sessions in the whole network, TS 23.501 5.6.10.2: phones of a 5G LAN exchange frames inside the UPF. */
#include "tests/net/net.h"

static const char WIRE[] =
    "    - {name: wire, pdu_types: [Ethernet], lan_members: [imsi-001010000000001, imsi-001010000000002, imsi-001010000000003]}\n"
    "    - {name: both, ipv4_pool: 10.62.0.0/24, pdu_types: [IPv4, Ethernet], lan_members: [imsi-001010000000001, "
    "imsi-001010000000002]}\n";
static const char WIRE_N6[] = ", {dnn: wire}, {dnn: both}";
static const uint8_t ALL[6] = {255, 255, 255, 255, 255, 255};

static void subscribe(struct subscriber_profile *p)
{
    static const char *const names[] = {"wire", "both"};
    for (uint32_t i = 0; i < 2; i++)
        p->dnns[p->n_dnns++] = (struct subscriber_dnn){.name = str_of(names[i]),
                                                       .types = SUBSCRIBER_IPV4 | SUBSCRIBER_ETHERNET,
                                                       .default_type = SUBSCRIBER_ETHERNET};
}
static struct net_options options(uint32_t phones)
{
    return (struct net_options){.seed = 9, .phones = phones, .more_dnns = WIRE, .more_n6 = WIRE_N6, .subscriber = subscribe};
}
/* Sent, and after a while how many answers came. */
static uint32_t ask(struct net *n, struct ue_session *from, const uint8_t *to)
{
    uint32_t before = from->pings_received;
    assert_int_equal(ue_frame(from->ue, from->psi, to, 100), OK);
    net_run(n, 500 * NET_MS);
    return from->pings_received - before;
}

static void members(struct net *n)
{
    struct ue_session *s[3];
    for (uint32_t i = 0; i < 3; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "wire", i ? NAS_PDU_ETHERNET : 0); /* also by default */
        assert_int_equal(s[i]->type, NAS_PDU_ETHERNET);
        assert_true(be32(s[i]->ipv4) == 0 && !s[i]->has_prefix);
    }
    assert_int_equal(ask(n, s[0], ALL), 2);
    assert_true(s[1]->rx == 1 && s[2]->rx == 1);
    uint64_t spread = net_counted(n, DP_lan_spread);
    assert_int_equal(spread, 1); /* the answers went to who had asked */
    assert_int_equal(ask(n, s[0], s[1]->mac), 1);
    assert_true(s[2]->rx == 1 && n->dn.packets == 0);
    assert_int_equal(ask(n, s[2], s[0]->mac), 1);
    assert_int_equal(net_counted(n, DP_lan_spread), spread);
    const struct smf *smf = nf_state(&n->core, SBI_NF_SMF);
    assert_int_equal(smf->usage_reports, 3); /* it was told of three addresses */
    net_agree(n);
    /* one that says another's address is not heard, and a member who goes takes its own along */
    uint8_t ours[6];
    memcpy(ours, s[2]->mac, 6);
    memcpy(s[2]->mac, s[1]->mac, 6);
    assert_int_equal(ask(n, s[2], s[0]->mac), 0);
    assert_int_equal(net_counted(n, DP_mac_taken), 1);
    memcpy(s[2]->mac, ours, 6);
    memcpy(ours, s[1]->mac, 6);
    assert_int_equal(ue_session_close(n->ue[1], s[1]->psi), OK);
    net_run(n, NET_S);
    assert_int_equal(ask(n, s[0], ours), 0);
    assert_int_equal(net_counted(n, DP_lan_spread), spread + 1);
    net_agree(n);
}
static void members_both_ways(void **state) { net_both_ways(members, options(3)); }

static void asleep(void **state)
{
    struct net *n = net_new(options(2));
    struct ue_session *s[2];
    for (uint32_t i = 0; i < 2; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "wire", NAS_PDU_ETHERNET);
    }
    assert_int_equal(ask(n, s[1], ALL), 1);
    for (int i = 0; i < 2; i++) { /* for it, and for all */
        net_idle(n, n->ue[1]);
        uint32_t before = s[0]->pings_received;
        assert_int_equal(ue_frame(n->ue[0], s[0]->psi, i ? ALL : s[1]->mac, 100), OK);
        assert_true(net_run_until(n, s[0]->pings_received == before + 1, 5 * NET_S));
        net_run(n, NET_S);
    }
    net_agree(n);
    net_free(n);
}

/* Both have the sessions again, and the bridge learns anew. */
static void restarts(void **state)
{
    struct net *n = net_new(options(2));
    struct ue_session *s[2];
    for (uint32_t i = 0; i < 2; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "wire", NAS_PDU_ETHERNET);
    }
    assert_int_equal(store_sync(n->store), OK);
    net_upf_end(n);
    net_core_end(n, 0);
    net_run_ran(n, NET_S);
    world_attach(n->w, n->ran_env, &n->ran_rt);
    net_upf_start(n);
    net_core_start(n);
    net_run(n, 40 * NET_S);
    assert_int_equal(net_upf_sessions(n), 2);
    uint32_t before = s[0]->pings_received;
    assert_int_equal(ue_frame(n->ue[0], s[0]->psi, s[1]->mac, 100), OK);
    assert_true(net_run_until(n, s[0]->pings_received == before + 1, 10 * NET_S));
    assert_int_equal(ask(n, s[0], s[1]->mac), 1);
    net_agree(n);
    net_free(n);
}

static void refused(struct net *n, uint32_t ue, const char *dnn, uint8_t type, uint8_t cause)
{
    uint32_t failed = n->count[UE_SESSION_FAILED];
    assert_true(ue_session_open(n->ue[ue], &(struct ue_open){.dnn = dnn, .type = type, .has_slice = true, .slice = {.sst = 1}}) > 0);
    assert_true(net_run_until(n, n->count[UE_SESSION_FAILED] > failed, 5 * NET_S));
    assert_int_equal(n->last[UE_SESSION_FAILED].cause, cause);
    net_run(n, NET_S);
}
static void refusals(void **state)
{
    struct net *n = net_new(options(4));
    for (uint32_t i = 0; i < 4; i++)
        net_register(n, n->ue[i]);
    refused(n, 3, "wire", NAS_PDU_ETHERNET, NAS_GSM_CAUSE_REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED);
    refused(n, 0, "wire", NAS_PDU_IPV4, NAS_GSM_CAUSE_PDU_SESSION_TYPE_ETHERNET_ONLY_ALLOWED);
    refused(n, 0, "wire", NAS_PDU_UNSTRUCTURED, NAS_GSM_CAUSE_UNKNOWN_PDU_SESSION_TYPE);
    refused(n, 0, "internet", NAS_PDU_ETHERNET, NAS_GSM_CAUSE_UNKNOWN_PDU_SESSION_TYPE); /* no LAN */
    /* members by IP and by frames have one group, and each his own kind */
    struct ue_session *ip = net_session(n, n->ue[0], "both", NAS_PDU_IPV4), *frames = net_session(n, n->ue[1], "both", NAS_PDU_ETHERNET);
    assert_int_equal(ask(n, frames, ALL), 0);
    assert_int_equal(ip->rx, 0);
    net_agree(n);
    net_free(n);
}

int main(void)
{
    return RUN(unit(members_both_ways), unit(asleep), unit(restarts), unit(refusals));
}
