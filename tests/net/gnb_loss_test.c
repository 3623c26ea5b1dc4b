/* SPDX-License-Identifier: Apache-2.0 */
/* The gNB vanishes at each message of a phone's day: contexts and sessions end as TS 23.502 4.2.6 says, the phone gets
 * to its goal all the same, and everything comes back. */
#include "tests/net/net.h"

struct counter {
    struct tap tap;
    uint32_t n;
};
static void count(void *ctx, const struct tap_event *e)
{
    struct counter *c = ctx;
    c->n += e->interface == TAP_N2;
}
/* Steps until that many N2 messages have passed the gNBs; false: the scenario had fewer. */
static bool until_message(struct net *n, const struct counter *c, uint32_t k, uint64_t limit_us)
{
    uint64_t end = world_now_us(n->w) + limit_us;
    while (c->n < k && world_now_us(n->w) < end)
        net_run(n, 50);
    return c->n >= k;
}
static void day_begins(struct net *n, uint32_t part)
{
    struct ue *ue = n->ue[0];
    if (part == 0) {
        ue_register(ue);
        ue_session_open(ue, &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4});
        return;
    }
    net_register(n, ue);
    struct ue_session *s = net_session(n, ue, "internet", NAS_PDU_IPV4);
    if (part == 1) { /* release by inactivity */
        gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity);
        return;
    }
    if (part == 4) { /* a session ends */
        ue_session_close(ue, s->psi);
        return;
    }
    net_idle(n, ue);
    if (part == 2) /* service request */
        ue_service(ue);
    else if (part == 3) /* paging */
        net_from_far(n, s);
    else /* deregistration */
        ue_deregister(ue, false);
}
static void heals(struct net *n, uint32_t part)
{
    struct ue *ue = n->ue[0];
    net_run(n, 60 * NET_S);
    for (int i = 0; i < NET_CELLS; i++)
        assert_int_equal(n->cells[i].gnb.state, GNB_READY);
    if (part == 5) {
        assert_true(ue->state == MM_DEREGISTERED);
        return;
    }
    assert_int_equal(ue->state, MM_REGISTERED);
    if (!ue->sessions)
        net_session(n, ue, "internet", NAS_PDU_IPV4);
    net_run(n, 20 * NET_S);
    net_ping(n, ue->sessions, "8.8.8.8");
    net_run(n, 2 * NET_S);
    net_agree(n);
}
static void vanishes(uint32_t part, bool killed)
{
    for (uint32_t k = 1;; k++) {
        struct net *n = net_new((struct net_options){.seed = 1000 * part + k});
        struct counter c = {.tap = {count, &c, NULL}};
        day_begins(n, part);
        n->ran_rt.taps = &c.tap;
        bool there = until_message(n, &c, k, 2 * NET_S);
        if (there && killed) {
            cell_vanish(&n->cells[0]);
            net_run(n, 500 * NET_MS);
            struct net_addr amf = addr_v4(0x0a000001, 38412);
            assert_int_equal(gnb_start(&n->cells[0].gnb, &amf), OK);
        } else if (there) {
            world_cut_all(n->w, n->ran_env);
        }
        heals(n, part);
        n->ran_rt.taps = NULL;
        net_free(n);
        if (!there) {
            assert_true(k > 2); /* each part has some messages to vanish at */
            break;
        }
        assert_true(k < 60);
    }
}
static void at_registration(void **state) { vanishes(0, false); }
static void at_registration_killed(void **state) { vanishes(0, true); }
static void at_release(void **state) { vanishes(1, false); }
static void at_service_request(void **state) { vanishes(2, false); }
static void at_service_request_killed(void **state) { vanishes(2, true); }
static void at_paging(void **state) { vanishes(3, false); }
static void at_session_release(void **state) { vanishes(4, false); }
static void at_deregistration(void **state) { vanishes(5, false); }

int main(void)
{
    return RUN(unit(at_registration), unit(at_registration_killed), unit(at_release), unit(at_service_request),
               unit(at_service_request_killed), unit(at_paging), unit(at_session_release), unit(at_deregistration));
}
