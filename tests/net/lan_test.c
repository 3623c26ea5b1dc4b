/* SPDX-License-Identifier: Apache-2.0 */
/* 5G LANs in the whole network, TS 23.501 5.8.2.13 and 5.29: members reach each other inside the UPF, others do not. */
#include "tests/net/net.h"

static const char PLANT[] =
    "    - {name: plant, ipv4_pool: 10.60.0.0/24, ipv6_pool: \"fd00:10:60::/48\", lan_members: [imsi-001010000000001, "
    "imsi-001010000000002, imsi-001010000000003]}\n"
    "    - {name: office, ipv4_pool: 10.61.0.0/24, lan_members: [imsi-001010000000003, imsi-001010000000004], lan_outside: true}\n";
static const char PLANT_N6[] = ", {dnn: plant}, {dnn: office, tun: n6office, ipv4: 10.61.0.1/24}";

static void subscribe(struct subscriber_profile *p)
{
    static const char *const names[] = {"plant", "office"};
    for (uint32_t i = 0; i < 2; i++)
        p->dnns[p->n_dnns++] = (struct subscriber_dnn){.name = str_of(names[i]), .types = 7, .default_type = SUBSCRIBER_IPV4};
}
static struct net_options options(uint32_t phones)
{
    return (struct net_options){.seed = 7, .phones = phones, .more_dnns = PLANT, .more_n6 = PLANT_N6, .subscriber = subscribe};
}
static struct net_addr address4(const struct ue_session *s)
{
    struct net_addr a = {.family = 4};
    memcpy(a.ip, s->ipv4, 4);
    return a;
}
/* Sent, and after a while what of it came back. */
static uint32_t ping(struct net *n, struct ue_session *from, const struct net_addr *to, uint32_t octets)
{
    uint32_t before = from->pings_received;
    assert_int_equal(ue_ping(from->ue, from->psi, to, octets), OK);
    net_run(n, 500 * NET_MS);
    return from->pings_received - before;
}

static void members(struct net *n)
{
    struct ue_session *s[3];
    for (uint32_t i = 0; i < 3; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "plant", NAS_PDU_IPV4);
        assert_memory_equal(s[i]->ipv4, ((uint8_t[]){10, 60, 0}), 3);
    }
    struct net_addr to = address4(s[1]), many = addr_v4(0xe00000fb, 0), all = addr_v4(0xffffffff, 0), far = addr_v4(0x08080808, 0);
    assert_int_equal(ping(n, s[0], &to, 56), 1);
    assert_int_equal(s[1]->rx, 1);
    assert_int_equal(s[2]->rx, 0); /* nobody else hears it */
    assert_int_equal(n->dn.packets, 0);
    for (int i = 0; i < 2; i++) { /* to all of them, and not back */
        uint64_t before[3] = {s[0]->rx, s[1]->rx, s[2]->rx};
        ping(n, s[0], i ? &all : &many, 56);
        assert_int_equal(s[0]->rx, before[0]);
        assert_int_equal(s[1]->rx, before[1] + 1);
        assert_int_equal(s[2]->rx, before[2] + 1);
    }
    assert_int_equal(net_counted(n, DP_lan_spread), 2);
    assert_int_equal(net_counted(n, DP_lan_copies), 4);
    assert_int_equal(ping(n, s[0], &far, 56), 0); /* nothing leaves it */
    to = address4(s[0]);
    assert_int_equal(ping(n, s[0], &to, 56), 0); /* nor comes round */
    assert_int_equal(net_counted(n, DP_lan_unknown), 2);
    assert_int_equal(n->dn.packets, 0);
    net_agree(n);
    /* a member who left is no longer reached */
    to = address4(s[1]);
    assert_int_equal(ue_session_close(n->ue[1], s[1]->psi), OK);
    net_run(n, NET_S);
    assert_int_equal(ping(n, s[0], &to, 56), 0);
    ping(n, s[0], &many, 56);
    assert_int_equal(net_counted(n, DP_lan_copies), 5);
    net_agree(n);
}
static void members_both_ways(void **state) { net_both_ways(members, options(3)); }

/* One who is asleep is woken, and gets what was sent meanwhile. */
static void asleep(void **state)
{
    struct net *n = net_new(options(2));
    struct ue_session *s[2];
    for (uint32_t i = 0; i < 2; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "plant", NAS_PDU_IPV4);
    }
    net_idle(n, n->ue[1]);
    struct net_addr to = address4(s[1]), many = addr_v4(0xe00000fb, 0);
    uint32_t before = s[0]->pings_received;
    assert_int_equal(ue_ping(n->ue[0], s[0]->psi, &to, 56), OK);
    assert_true(net_run_until(n, s[0]->pings_received == before + 1, 5 * NET_S));
    net_run(n, NET_S);
    net_idle(n, n->ue[1]);
    ping(n, s[0], &many, 56);
    assert_true(net_run_until(n, s[1]->rx == 2, 5 * NET_S));
    net_run(n, NET_S);
    net_agree(n);
    net_free(n);
}

static void apart(void **state)
{
    struct net *n = net_new(options(5));
    struct ue_session *a[3], *b[2], *c;
    for (uint32_t i = 0; i < 5; i++)
        net_register(n, n->ue[i]);
    for (uint32_t i = 0; i < 3; i++)
        a[i] = net_session(n, n->ue[i], "plant", NAS_PDU_IPV4);
    for (uint32_t i = 0; i < 2; i++)
        b[i] = net_session(n, n->ue[2 + i], "office", NAS_PDU_IPV4);
    c = net_session(n, n->ue[4], "internet", NAS_PDU_IPV4);
    /* who is no member gets no session, whatever it says */
    uint32_t failed = n->count[UE_SESSION_FAILED];
    assert_true(ue_session_open(n->ue[4], &(struct ue_open){.dnn = "plant", .has_slice = true, .slice = {.sst = 1}}) > 0);
    assert_true(net_run_until(n, n->count[UE_SESSION_FAILED] > failed, 5 * NET_S));
    assert_int_equal(n->last[UE_SESSION_FAILED].cause, NAS_GSM_CAUSE_REQUESTED_SERVICE_OPTION_NOT_SUBSCRIBED);
    net_run(n, NET_S);
    uint64_t rx[3] = {a[0]->rx, a[1]->rx, a[2]->rx};
    struct net_addr to = address4(a[0]), many = addr_v4(0xef000001, 0), far = addr_v4(0x08080808, 0);
    ping(n, b[0], &to, 56); /* from another LAN: leaves by its own interface, if at all */
    ping(n, c, &to, 56);    /* from none */
    ping(n, b[0], &many, 56);
    assert_int_equal(b[1]->rx, 1);
    uint8_t ours[4]; /* a member with another's address */
    memcpy(ours, a[1]->ipv4, 4);
    memcpy(a[1]->ipv4, a[2]->ipv4, 4);
    ping(n, a[1], &to, 56);
    memcpy(a[1]->ipv4, ours, 4);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(a[i]->rx, rx[i]);
    assert_int_equal(net_counted(n, DP_spoofed), 1);
    to = address4(b[1]); /* a LAN with a data network behind it has both */
    assert_int_equal(ping(n, b[0], &to, 56), 1);
    assert_int_equal(ping(n, b[0], &far, 56), 1);
    assert_true(n->dn.packets > 0);
    net_agree(n);
    net_free(n);
}

static void ipv6(void **state)
{
    struct net *n = net_new(options(2));
    struct ue_session *s[2];
    for (uint32_t i = 0; i < 2; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "plant", NAS_PDU_IPV6);
    }
    assert_true(net_run_until(n, s[0]->has_prefix && s[1]->has_prefix, 5 * NET_S));
    struct net_addr to = {.family = 6}, many = {.family = 6, .ip = {0xff, 5, [15] = 0xfb}};
    assert_true(s[0]->has_prefix && s[1]->has_prefix);
    memcpy(to.ip, s[1]->prefix, 8);
    memcpy(to.ip + 8, s[1]->iid, 8);
    uint64_t rx = s[1]->rx;
    assert_int_equal(ping(n, s[0], &to, 56), 1);
    ping(n, s[0], &many, 56);
    assert_int_equal(s[1]->rx, rx + 2);
    net_agree(n);
    net_free(n);
}

/* More than the LAN's rate of copies is dropped before it is copied; what is for one still passes. */
static void bounded(void **state)
{
    struct net *n = net_new(options(3));
    struct ue_session *s[3];
    for (uint32_t i = 0; i < 3; i++) {
        net_register(n, n->ue[i]);
        s[i] = net_session(n, n->ue[i], "plant", NAS_PDU_IPV4);
    }
    struct net_addr many = addr_v4(0xe00000fb, 0), to = address4(s[1]);
    for (uint32_t i = 0; i < 4000; i++)
        ue_ping(n->ue[0], s[0]->psi, &many, 8);
    net_run(n, 10 * NET_MS);
    assert_true(net_counted(n, DP_lan_limited) > 1000);
    assert_true(net_counted(n, DP_lan_copies) < 2 * 2000);
    assert_int_equal(ping(n, s[0], &to, 56), 1);
    net_free(n);
}
int main(void)
{
    return RUN(unit(members_both_ways), unit(asleep), unit(apart), unit(ipv6), unit(bounded));
}
