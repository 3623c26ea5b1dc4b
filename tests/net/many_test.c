/* SPDX-License-Identifier: Apache-2.0 */
/* A thousand phones: all register at once, open a session, ping, go idle, are paged, and leave. */
#include "tests/net/net.h"

enum { MANY = 1000 };
static uint32_t in_state(const struct net *n, uint8_t state)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n->o.phones; i++)
        k += n->ue[i]->state == state;
    return k;
}
static uint32_t with_bearer(const struct net *n)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n->o.phones; i++)
        k += n->ue[i]->sessions && n->ue[i]->sessions->bearer && n->ue[i]->sessions->state == SM_ACTIVE;
    return k;
}
static void day(struct net *n)
{
    struct net_addr far = addr_v4(0x08080808, 0);
    for (uint32_t i = 0; i < n->o.phones; i++) {
        ue_camp(n->ue[i], &n->cells[i % NET_CELLS]);
        ue_register(n->ue[i]);
        ue_session_open(n->ue[i], &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
    }
    assert_true(net_run_until(n, in_state(n, MM_REGISTERED) == n->o.phones && with_bearer(n) == n->o.phones, 60 * NET_S));
    net_run(n, 2 * NET_S);
    assert_int_equal(n->count[UE_SESSION_FAILED], 0);
    assert_int_equal(n->ran.counters.key_mismatches, 0);
    net_agree(n);
    for (uint32_t i = 0; i < n->o.phones; i++)
        assert_int_equal(ue_ping(n->ue[i], n->ue[i]->sessions->psi, &far, 56), OK);
    net_run(n, 2 * NET_S);
    assert_int_equal(n->count[UE_PING_REPLY], n->o.phones);
    for (uint32_t i = 0; i < n->o.phones; i++)
        gnb_ue_release_request(n->ue[i]->link, NGAP_CauseRadioNetwork_user_inactivity);
    net_run(n, 5 * NET_S);
    assert_int_equal(n->ran.links.used, 0);
    net_agree(n);
    for (uint32_t i = 0; i < n->o.phones; i++)
        net_from_far(n, n->ue[i]->sessions);
    net_run(n, 10 * NET_S);
    assert_int_equal(with_bearer(n), n->o.phones);
    net_agree(n);
}
static void a_thousand(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 1, .phones = MANY});
    day(n);
    net_free(n);
}
static void a_hundred_both_ways(void **state) { net_both_ways(day, (struct net_options){.seed = 2, .phones = 100}); }
/* UDP loses and doubles packets: N4 repeats, and all end as they should. */
static void with_losses(void **state)
{
    struct world_faults f = {.udp_loss_ppm = 20000, .udp_double_ppm = 20000, .delay_min_us = 50, .delay_max_us = 20000};
    struct net *n = net_new((struct net_options){.seed = 3, .phones = 50, .faults = &f});
    for (uint32_t i = 0; i < n->o.phones; i++) {
        ue_register(n->ue[i]);
        ue_session_open(n->ue[i], &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
    }
    assert_true(net_run_until(n, in_state(n, MM_REGISTERED) == n->o.phones && with_bearer(n) == n->o.phones, 120 * NET_S));
    net_run(n, 30 * NET_S);
    net_agree(n);
    net_free(n);
}
int main(void) { return RUN(unit(a_thousand), unit(a_hundred_both_ways), unit(with_losses)); }
