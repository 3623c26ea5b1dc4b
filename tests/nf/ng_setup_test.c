/* SPDX-License-Identifier: Apache-2.0 */
/* NG Setup and RAN Configuration Update, TS 38.413 8.7.1 and 8.7.2, between the AMF and the gNB. */
#include "tests/nf/n2.h"

static void is_set_up(void **state)
{
    struct n2 *t = n2_new(1);
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    assert_int_equal(g->state, GNB_READY);
    assert_string_equal(g->amf_name, "amf.redoubt");
    assert_int_equal(g->amf_capacity, 200);
    assert_int_equal(g->n_guamis, 1);
    assert_int_equal(g->amf_region, 2);
    assert_int_equal(g->amf_set, 3);
    assert_int_equal(g->amf_pointer, 4);
    assert_int_equal(g->n_plmns, 1);
    struct amf_gnb *a = n2_only(t);
    assert_true(a->is_setup);
    assert_string_equal(a->name, "a gNB");
    assert_int_equal(a->default_paging_drx, NGAP_PagingDRX_v64);
    assert_int_equal(a->n_tas, 1);
    assert_int_equal(a->tas[0].slices, 3);
    assert_false(timer_is_running(&a->setup_timer));
    n2_free(t);
}

static void refused(const struct gnb_ta *ta, uint32_t group, uint32_t value)
{
    struct n2 *t = n2_new(2);
    struct gnb *g = n2_gnb(t, 0, ta);
    assert_int_equal(g->state, GNB_REFUSED);
    assert_int_equal(g->setups_refused, 1);
    assert_int_equal(g->last_cause.sel, group);
    assert_int_equal(group == NGAP_Cause_misc ? g->last_cause.misc : g->last_cause.radioNetwork, value);
    assert_int_equal(t->amf.gnbs_setup, 0);
    assert_int_equal(n2_gnb(t, 1, &TA_GOOD)->state, GNB_READY);
    n2_free(t);
}
static void unknown_plmn(void **state)
{
    refused(&TA_PLMN, NGAP_Cause_misc, NGAP_CauseMisc_unknown_PLMN_or_SNPN);
}
static void no_common_tac(void **state) { refused(&TA_TAC, NGAP_Cause_misc, NGAP_CauseMisc_unspecified); }
static void no_common_slice(void **state)
{
    refused(&TA_SLICE, NGAP_Cause_radioNetwork, NGAP_CauseRadioNetwork_slice_not_supported);
}

static void full_says_when_to_come_back(void **state)
{
    struct n2 *t = n2_new(3);
    n2_gnb(t, 0, &TA_GOOD);
    n2_gnb(t, 1, &TA_OTHER);
    struct gnb *g = n2_gnb(t, 2, &TA_GOOD);
    assert_int_equal(g->state, GNB_WAITING);
    assert_cause(g->last_cause, misc, NGAP_CauseMisc_control_processing_overload);
    gnb_stop(&t->gnb[0]);
    world_run(t->w, 9000000);
    assert_int_equal(g->setups_sent, 1);
    world_run(t->w, 2000000);
    assert_int_equal(g->setups_sent, 2);
    assert_int_equal(g->state, GNB_READY);
    n2_free(t);
}

struct seen {
    unsigned all, one;
};
static void release_all(struct amf *amf, struct amf_gnb *gnb) { ((struct seen *)amf->rt->user_plane)->all++; }
static const struct amf_ue_ops COUNT_OPS = {.release_all = release_all};

static void again_on_the_same_association_erases(void **state)
{
    struct n2 *t = n2_new(4);
    struct seen seen = {0};
    t->amf_rt.user_plane = &seen;
    t->amf.ue_ops = &COUNT_OPS;
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    assert_int_equal(seen.all, 0);
    assert_int_equal(gnb_setup(g), OK);
    world_run(t->w, 50000);
    assert_int_equal(g->state, GNB_READY);
    assert_int_equal(g->setups_accepted, 2);
    assert_int_equal(seen.all, 1);
    assert_int_equal(t->amf.gnbs_setup, 1);
    g->config.tas = &TA_PLMN; /* and a refused one leaves nothing of the old */
    gnb_setup(g);
    world_run(t->w, 50000);
    assert_int_equal(g->state, GNB_REFUSED);
    assert_int_equal(seen.all, 2);
    assert_int_equal(t->amf.gnbs_setup, 0);
    n2_free(t);
}
/* A second gNB 1: from host 0 itself, or from host 1. */
static struct gnb *second_claim(struct n2 *t, uint32_t host)
{
    struct gnb *first = n2_gnb(t, 0, &TA_GOOD);
    first->config.stay_down = true;
    struct gnb_config c = first->config;
    assert_int_equal(gnb_init(&t->gnb[1], host ? &t->rt[1] : &t->rt[0], &c), OK);
    assert_int_equal(gnb_start(&t->gnb[1], &t->amf_addr), OK);
    world_run(t->w, 100000);
    return &t->gnb[1];
}
static void same_node_from_the_same_host_replaces(void **state)
{
    struct n2 *t = n2_new(5);
    assert_int_equal(second_claim(t, 0)->state, GNB_READY);
    assert_int_equal(t->gnb[0].state, GNB_IDLE);
    assert_int_equal(t->gnb[0].downs, 1);
    assert_int_equal(t->amf.gnbs.used, 1);
    assert_int_equal(t->amf.gnbs_setup, 1);
    n2_free(t);
}
static void another_host_does_not_displace_a_live_node(void **state)
{
    struct n2 *t = n2_new(5);
    struct gnb *other = second_claim(t, 1);
    assert_int_equal(other->state, GNB_WAITING);
    assert_cause(other->last_cause, misc, NGAP_CauseMisc_unspecified);
    assert_int_equal(t->gnb[0].state, GNB_READY);
    assert_int_equal(t->gnb[0].downs, 0);
    assert_int_equal(t->amf.gnbs_setup, 1);
    /* Once the old association is gone, it is taken. */
    gnb_stop(&t->gnb[0]);
    world_run(t->w, 11000000);
    assert_int_equal(other->state, GNB_READY);
    assert_int_equal(t->amf.gnbs_setup, 1);
    n2_free(t);
}

static void configuration_update(void **state)
{
    struct n2 *t = n2_new(6);
    struct gnb *g = n2_gnb(t, 0, &TA_GOOD);
    struct amf_gnb *a = n2_only(t);
    assert_int_equal(gnb_update(g, &TA_OTHER, 1, "renamed"), OK);
    world_run(t->w, 50000);
    assert_int_equal(g->updates_accepted, 1);
    assert_string_equal(a->name, "renamed");
    assert_int_equal(a->tas[0].tac[2], 2);
    assert_int_equal(a->tas[0].slices, 1);
    assert_int_equal(gnb_update(g, &TA_PLMN, 1, "lost"), OK);
    world_run(t->w, 50000);
    assert_int_equal(g->updates_refused, 1);
    assert_cause(g->last_cause, misc, NGAP_CauseMisc_unknown_PLMN_or_SNPN);
    assert_string_equal(a->name, "renamed");
    assert_int_equal(a->tas[0].tac[2], 2);
    n2_free(t);
}

static void cut_while_setting_up(void **state)
{
    for (uint64_t at_us = 0; at_us < 1500; at_us += 50) {
        struct n2 *t = n2_new(7 + at_us);
        struct gnb_config c = {.plmn = PLMN_A, .id = 1, .id_bits = 22, .tas = &TA_GOOD, .n_tas = 1};
        assert_int_equal(gnb_init(&t->gnb[0], &t->rt[0], &c), OK);
        assert_int_equal(gnb_start(&t->gnb[0], &t->amf_addr), OK);
        world_run(t->w, at_us);
        world_cut_all(t->w, t->amf_env);
        world_run(t->w, 20000);
        if (t->gnb[0].downs) {
            assert_int_equal(t->amf.gnbs.used, 0);
        }
        world_run(t->w, 3000000); /* and it comes back by itself */
        assert_int_equal(t->gnb[0].state, GNB_READY);
        n2_free(t);
    }
}
static void silent_association_gives_its_place_back(void **state)
{
    struct n2 *t = n2_new(8);
    struct gnb *g = n2_gnb(t, 0, &TA_PLMN);
    g->config.stay_down = true;
    assert_int_equal(t->amf.gnbs.used, 1);
    world_run(t->w, 31000000);
    assert_int_equal(t->amf.gnbs.used, 0);
    assert_int_equal(t->amf.counters.setup_timeouts, 1);
    n2_free(t);
}

int main(void)
{
    return RUN(unit(is_set_up), unit(unknown_plmn), unit(no_common_tac), unit(no_common_slice),
               unit(full_says_when_to_come_back), unit(again_on_the_same_association_erases),
               unit(same_node_from_the_same_host_replaces),
               unit(another_host_does_not_displace_a_live_node), unit(configuration_update),
               unit(cut_while_setting_up), unit(silent_association_gives_its_place_back));
}
