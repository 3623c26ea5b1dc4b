/* SPDX-License-Identifier: Apache-2.0 */
/* Downlink data for a phone that is idle: TS 23.502 4.2.3.3. */
#include "tests/net/net.h"

static void wakes(struct net *n)
{
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    net_idle(n, ue);
    uint64_t rx = s->rx;
    for (int i = 0; i < 3; i++)
        net_from_far(n, s);
    assert_true(net_run_until(n, s->bearer, 5 * NET_S));
    net_run(n, 500 * NET_MS);
    assert_int_equal(n->count[UE_PAGED], 1);
    assert_int_equal(s->rx, rx + 3); /* all that was kept */
    assert_int_equal(n->count[UE_SERVICE_ACCEPTED], 1);
    net_agree(n);
    net_idle(n, ue);
    net_agree(n);
    net_from_far(n, s); /* and once more */
    assert_true(net_run_until(n, s->rx == rx + 4, 5 * NET_S));
    net_run(n, NET_S);
    net_agree(n);
}
static void wakes_both_ways(void **state) { net_both_ways(wakes, (struct net_options){.seed = 1}); }

/* The first paging is not heard: T3513 brings another. */
static void heard_later(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 2});
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    net_idle(n, ue);
    ue->faults.silent = true;
    net_from_far(n, s);
    net_run(n, 500 * NET_MS);
    assert_int_equal(n->count[UE_PAGED], 1);
    ue->faults.silent = false;
    assert_true(net_run_until(n, s->bearer, 5 * NET_S));
    net_run(n, NET_S);
    assert_int_equal(n->count[UE_PAGED], 2);
    net_agree(n);
    net_free(n);
}
/* It never answers: paging ends, the phone stays registered, and later data pages again. */
static void never_heard(void **state)
{
    struct net *n = net_new((struct net_options){.seed = 3});
    struct ue *ue = n->ue[0];
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    net_idle(n, ue);
    ue->faults.silent = true;
    net_from_far(n, s);
    net_run(n, 60 * NET_S);
    assert_int_equal(n->count[UE_PAGED], 4);
    net_agree(n);
    ue->faults.silent = false;
    net_run(n, 60 * NET_S);
    uint64_t rx = s->rx;
    net_from_far(n, s);
    assert_true(net_run_until(n, s->rx > rx, 10 * NET_S));
    net_run(n, NET_S);
    net_agree(n);
    net_free(n);
}
static void both_at_once(void **state) /* uplink data and paging cross */
{
    for (uint64_t at = 0; at < 4000; at += 200) {
        struct net *n = net_new((struct net_options){.seed = 100 + at});
        struct ue *ue = n->ue[0];
        net_register(n, ue);
        struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
        net_idle(n, ue);
        net_from_far(n, s);
        net_run(n, at);
        ue_service(ue);
        net_run(n, 10 * NET_S);
        assert_int_equal(ue->state, MM_REGISTERED);
        net_ping(n, s, "8.8.8.8");
        net_run(n, NET_S);
        net_agree(n);
        net_free(n);
    }
}
int main(void) { return RUN(unit(wakes_both_ways), unit(heard_later), unit(never_heard), unit(both_at_once)); }
