/* SPDX-License-Identifier: Apache-2.0 */
/* Idle and back, by the phone's own will: TS 23.502 4.2.3.2, 4.2.6. */
#include "tests/net/net.h"

static void data_in_idle(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    net_ping(n, s, "8.8.8.8");
    for (int i = 0; i < 3; i++) {
        net_idle(n, ue);
        assert_null(s->bearer);
        net_agree(n);
        net_ping(n, s, "8.8.8.8"); /* wakes it: service request, tunnel, packet */
        assert_int_equal(n->count[UE_SERVICE_ACCEPTED], i + 1);
        net_agree(n);
    }
    assert_int_equal(n->ran.counters.key_mismatches, 0);
    assert_int_equal(ue->n_authentications, 1);
}
static void data_in_idle_both_ways(void **state) { net_both_ways(data_in_idle, (struct net_options){.seed = 1}); }

static void signalling_in_idle(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    assert_true(net_run_until(n, !ue->link, 30 * NET_S));
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4); /* asked for in idle */
    net_ping(n, s, "8.8.8.8");
    struct ue_session *b = net_session(n, ue, "ims", NAS_PDU_IPV4);
    net_idle(n, ue);
    ue_service(ue); /* the user plane of both */
    assert_true(net_run_until(n, s->bearer && b->bearer, 3 * NET_S));
    net_run(n, 200 * NET_MS);
    net_agree(n);
    net_ping(n, b, "8.8.8.8");
    net_idle(n, ue);
    assert_int_equal(ue_session_close(ue, b->psi), OK); /* released in idle */
    assert_true(net_run_until(n, !ue_session_find(ue, 2), 5 * NET_S));
    net_run(n, NET_S);
    net_agree(n);
    net_idle(n, ue);
    assert_int_equal(ue_deregister(ue, false), OK);
    assert_true(net_run_until(n, ue->state == MM_DEREGISTERED, 5 * NET_S));
    net_run(n, 15 * NET_S);
    net_agree(n);
}
static void signalling_both_ways(void **state) { net_both_ways(signalling_in_idle, (struct net_options){.seed = 2}); }

/* The radio is lost, and the phone comes back before the core knows. */
static void radio_lost(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    ue_lose_radio(ue);
    net_ping(n, s, "8.8.8.8");
    net_run(n, 2 * NET_S);
    net_agree(n);
    ue_camp(ue, &n->cells[1]); /* to another gNB, another area: mobility registration with its session */
    net_run(n, 2 * NET_S);
    assert_int_equal(ue->state, MM_REGISTERED);
    net_ping(n, s, "8.8.8.8");
    net_run(n, NET_S);
    net_agree(n);
}
static void radio_lost_both_ways(void **state) { net_both_ways(radio_lost, (struct net_options){.seed = 3}); }

static void lost_messages(void **state)
{
    static const uint8_t lost[][2] = {{NAS_SERVICE_REQUEST, 0}, {0, NAS_SERVICE_ACCEPT}};
    for (uint32_t i = 0; i < ARRAY_LEN(lost); i++) {
        struct net *n = net_new((struct net_options){.seed = 20 + i});
        struct ue *ue = n->ue[0];
        net_register(n, ue);
        struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
        net_idle(n, ue);
        ue->faults.drop_up = lost[i][0];
        ue->faults.drop_down = lost[i][1];
        ue_service(ue);
        net_run(n, 30 * NET_S); /* T3517 */
        net_ping(n, s, "8.8.8.8");
        net_run(n, NET_S);
        net_agree(n);
        net_free(n);
    }
}
int main(void)
{
    return RUN(unit(data_in_idle_both_ways), unit(signalling_both_ways), unit(radio_lost_both_ways), unit(lost_messages));
}
