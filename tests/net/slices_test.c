/* SPDX-License-Identifier: Apache-2.0 */
/* Slices that share an AMF: the flood of one does not starve another, who is put off for it and how long, what RAN nodes
 * are told of it and do, and what phones do about back-off by slice and data network. docs/procedures/overload.md */
#include "tests/net/net.h"
#include "base/hist.h"

enum { NINTH_IS = 9 };
static const struct gnb_slice FIRST = {.sst = 1}, NINTH = {.sst = 1, .sd = {0, 0, NINTH_IS}, .has_sd = true};

static struct seen {
    uint32_t flood; /* phones from this one on flood, in the ninth slice */
    struct hist us[2];
    uint32_t put_off[2], done[2], barred[2], other[2];
} *seen;
static uint32_t side(const struct ue *ue) { return strtoul(ue->usim.imsi + 7, NULL, 10) > seen->flood; }
static void on_event(void *ctx, struct ue *ue, const struct ue_event *e)
{
    uint32_t i = side(ue);
    if (e->kind == UE_REGISTERED || e->kind == UE_SERVICE_ACCEPTED) {
        hist_add(&seen->us[i], e->us);
        seen->done[i]++;
    }
    if (e->kind == UE_REGISTRATION_FAILED || e->kind == UE_SERVICE_FAILED)
        (*(e->cause == NAS_GMM_CAUSE_CONGESTION ? &seen->put_off[i] : &seen->other[i]))++;
    seen->barred[i] += e->kind == UE_BARRED;
    net_event(ctx, ue, e);
}
static void seen_new(uint32_t flood)
{
    free(seen);
    seen = calloc(1, sizeof *seen);
    assert_non_null(seen);
    seen->flood = flood;
}
static void its_slice(struct ue_config *c, uint32_t i)
{
    if (i >= seen->flood)
        c->slices[0] = NINTH;
}
static struct net *open_net(struct net_options o, uint32_t flood)
{
    seen_new(flood);
    o.phone = its_slice;
    o.metrics = true;
    struct net *n = net_new(o);
    n->ran.config.event = on_event;
    return n;
}
static void close_net(struct net *n)
{
    net_free(n);
    free(seen);
    seen = NULL;
}
static struct world_faults slow = {.delay_min_us = 2000, .delay_max_us = 4000};

/* ---- phones that are known ---- */
enum { HONEST = 40, FLOOD = 200 };
static void all_register(struct net *n)
{
    for (uint32_t i = 0; i < n->o.phones; i++) {
        ue_register(n->ue[i]);
        if (i % 8 == 7)
            net_run(n, 20 * NET_MS);
    }
    assert_true(net_run_until(n, n->amf->ues->registered == n->o.phones, 60 * NET_S));
    net_run(n, 15 * NET_S); /* idle */
    for (uint32_t i = 0; i < n->o.phones; i++)
        assert_null(n->ue[i]->link);
}
/* They obey nobody, and want something again as soon as they have had it. */
static void flood(struct net *n, bool obeys)
{
    for (uint32_t i = HONEST; i < n->o.phones; i++) {
        struct ue *ue = n->ue[i];
        if (!obeys)
            timer_stop(&n->ran_rt.timers, &ue->t_hold);
        if (ue->link && ue->state == MM_REGISTERED)
            gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity);
        else if (!ue->link)
            ue_service(ue);
    }
}
/* The other slice's service requests, one after the other, as many as there are; their worst latency. */
static uint64_t others_serve(struct net *n, bool with_flood, bool obeys)
{
    uint32_t next = 0;
    seen_new(HONEST);
    for (uint32_t ms = 0; ms < 4000; ms += 10) {
        if (with_flood)
            flood(n, obeys);
        if (ms >= 1000 && ms % 50 == 0 && next < HONEST)
            ue_service(n->ue[next++]);
        net_run(n, 10 * NET_MS);
    }
    assert_int_equal(next, HONEST);
    assert_int_equal(seen->done[0], HONEST); /* each at the first try */
    assert_int_equal(seen->put_off[0] + seen->other[0] + seen->barred[0], 0);
    return seen->us[0].max;
}
static void come_to_rest(struct net *n)
{
    for (uint32_t i = 0; i < n->o.phones; i++)
        n->ue[i]->wants_service = false;
    net_run(n, 60 * NET_S);
    for (uint32_t i = 0; i < NET_CELLS; i++) {
        assert_int_equal(n->cells[i].gnb.n_overloads, 0);
        assert_false(n->cells[i].gnb.is_overloaded);
    }
    for (uint32_t i = 0; i < AMF_CLASSES; i++)
        assert_int_equal(n->amf->admission.used[i], 0);
    for (uint32_t i = 0; i < n->amf->admission.n_slices; i++)
        assert_int_equal(n->amf->admission.slices[i].load.used, 0);
    assert_int_equal(n->amf->admission.n_slices_active, 0);
    assert_int_equal(metric_get(n->core.metrics, METRIC_gnbs_overloaded), 0);
    assert_int_equal(metric_get(n->core.metrics, METRIC_slices_overloaded), 0);
}
/* All at one gNB, so that only their slices tell them apart. */
static void known_phones_of_one_slice_flood(void **state)
{
    struct net *n = open_net((struct net_options){.seed = 11, .phones = HONEST + FLOOD, .faults = &slow,
                                                  .more = "  max_procedures: 24\n  phone_rate: 0\n"}, HONEST);
    all_register(n);
    uint64_t quiet_us = others_serve(n, false, false);
    net_run(n, 15 * NET_S); /* idle again */
    uint64_t flooded_us = others_serve(n, true, false);
    assert_true(flooded_us <= 2 * quiet_us);
    assert_true(seen->put_off[1] > 10 * FLOOD);
    assert_true(seen->done[1] > FLOOD); /* and they have their share */
    assert_true(metric_get(n->core.metrics, METRIC_put_off_slice) > 10 * FLOOD);
    /* What the node is told names their slice, and nobody else. */
    const struct gnb *g = &n->cells[0].gnb;
    assert_true(g->overload_starts > 0);
    assert_false(g->is_overloaded);
    assert_int_equal(g->n_overloads, 1);
    assert_true(g->overloads[0].slice.has_sd && g->overloads[0].slice.sd[2] == NINTH_IS);
    assert_in_range(g->overloads[0].percent, 10, 95);
    assert_int_equal(metric_get(n->core.metrics, METRIC_slices_overloaded), 1);
    come_to_rest(n);
    close_net(n);
}
/* The network has them tell their slices, and they obey: the gNB holds them back, and the AMF hardly has to. */
static void the_gnb_holds_one_slice_back(void **state)
{
    struct net *n = open_net((struct net_options){.seed = 12, .phones = HONEST + FLOOD, .faults = &slow,
                                                  .more = "  max_procedures: 24\n  phone_rate: 0\n  nssai_inclusion_mode: a\n  t3346: 2 s\n"}, HONEST);
    all_register(n);
    for (uint32_t i = 0; i < n->o.phones; i++)
        assert_int_equal(n->ue[i]->nssai_mode, NAS_NSSAI_MODE_A);
    others_serve(n, true, true);
    assert_true(n->ran.counters.barred > 0);
    assert_true(seen->barred[1] > 0);
    assert_true(seen->put_off[1] > 0);
    assert_true(seen->done[1] > 0);
    assert_false(n->cells[0].gnb.is_overloaded);
    come_to_rest(n);
    close_net(n);
}

/* ---- strangers: their slices are known after their authentication ---- */
static void again_as_strangers(struct net *n, uint32_t phones)
{
    for (uint32_t i = HONEST; i < HONEST + phones; i++) {
        struct ue *ue = n->ue[i];
        timer_stop(&n->ran_rt.timers, &ue->t_hold);
        timer_stop(&n->ran_rt.timers, &ue->t_retry);
        if (ue->state == MM_REGISTERED) {
            ue_power_cut(ue);
            usim_forget(&ue->usim);
            ue_contexts_forget(ue);
        }
        if (!ue->link && ue->state != MM_REGISTERED_INITIATED)
            ue_register(ue);
    }
}
static void strangers_of_one_slice_flood(void **state)
{
    struct net *n = open_net((struct net_options){.seed = 13, .phones = HONEST + FLOOD, .faults = &slow,
                                                  .more = "  max_procedures: 24\n  nssai_inclusion_mode: a\n"}, HONEST);
    for (uint32_t i = HONEST; i < n->o.phones; i++)
        ue_camp(n->ue[i], &n->cells[i % 2]);
    uint32_t next = 0;
    for (uint32_t ms = 0; ms < 6000; ms += 10) {
        again_as_strangers(n, FLOOD);
        if (ms >= 500 && ms % 100 == 0 && next < HONEST) {
            ue_camp(n->ue[next], &n->cells[next % 2]);
            ue_register(n->ue[next++]);
        }
        net_run(n, 10 * NET_MS);
        for (uint32_t i = 0; i < n->amf->admission.n_slices; i++)
            assert_true(n->amf->admission.slices[i].load.used <= 24);
    }
    assert_true(metric_get(n->core.metrics, METRIC_put_off_slice) > 0);
    assert_int_equal(seen->other[0], 0);
    assert_int_equal(seen->barred[0], seen->put_off[0]); /* by T3346 alone: no gNB held them back */
    assert_true(seen->done[0] >= 10); /* in one line with two hundred who ask all the time */
    assert_true(net_run_until(n, seen->done[0] == HONEST, 300 * NET_S));
    for (uint32_t i = HONEST; i < n->o.phones; i++)
        n->ue[i]->wants_registration = false;
    come_to_rest(n);
    close_net(n);
}

/* Whoever asks for a slice that he has not subscribed to is charged, and his crowd held back, by what he is allowed. */
static void one_slice_is_theirs(struct subscriber_profile *p)
{
    p->n_slices = 1;
    p->n_dnns = 2; /* the third is of the other slice */
}
static void members_of_the_ninth(struct store *store)
{
    struct subscriber_profile p = {.ambr_down_bps = 1000000, .ambr_up_bps = 1000000, .n_slices = 1, .n_dnns = 1};
    struct subscriber s = {.key = net_key(), .amf = AKA_AMF_5G};
    p.slices[0] = (struct subscriber_slice){.sst = 1, .sd = {0, 0, NINTH_IS}, .has_sd = true, .is_default = true};
    p.dnns[0] = (struct subscriber_dnn){.name = STR("internet"), .is_default = true, .types = 7, .default_type = SUBSCRIBER_IPV4};
    assert_int_equal(subscriber_profile_put(store, &p, &s.profile), OK);
    for (uint32_t i = 1; i <= HONEST; i++) {
        char supi[32];
        int k = snprintf(supi, sizeof supi, "imsi-0010100%08u", i);
        assert_int_equal(subscriber_put(store, (struct str){supi, (uint32_t)k}, &s), OK);
    }
}
static void says_the_ninth(struct ue_config *c, uint32_t i)
{
    (void)i;
    c->slices[0] = NINTH;
}
static void strangers_say_a_slice_of_others(void **state)
{
    seen_new(HONEST);
    struct net *n = net_new((struct net_options){.seed = 17, .phones = HONEST + FLOOD, .faults = &slow, .phone = says_the_ninth,
                                                 .subscriber = one_slice_is_theirs, .provision = members_of_the_ninth, .metrics = true,
                                                 .more = "  max_procedures: 24\n  nssai_inclusion_mode: a\n"});
    n->ran.config.event = on_event;
    uint32_t next = 0;
    for (uint32_t i = HONEST; i < n->o.phones; i++)
        ue_camp(n->ue[i], &n->cells[1]);
    for (uint32_t i = 0; i < HONEST; i++) {
        ue_register(n->ue[i]);
        net_run(n, 50 * NET_MS);
    }
    net_run(n, 15 * NET_S); /* idle */
    assert_int_equal(seen->done[0], HONEST);
    uint32_t strangers = n->amf->admission.slices[1].strangers;
    for (uint32_t ms = 0; ms < 4000; ms += 10) {
        again_as_strangers(n, FLOOD / 2); /* the RAN has room for what is left of their last try */
        if (ms >= 1000 && ms % 50 == 0 && next < HONEST)
            ue_service(n->ue[next++]);
        net_run(n, 10 * NET_MS);
        assert_true(n->amf->admission.slices[1].strangers <= strangers);
        strangers = n->amf->admission.slices[1].strangers; /* they were, when they registered */
        assert_int_equal(n->amf->admission.slices[1].load.put_off, 0);
        for (uint32_t i = 0; i < n->cells[0].gnb.n_overloads; i++)
            assert_false(n->cells[0].gnb.overloads[i].slice.has_sd);
    }
    assert_true(n->amf->admission.slices[0].strangers > 0);
    assert_true(seen->put_off[1] > FLOOD);
    assert_int_equal(seen->done[0], 2 * HONEST); /* each at the first try */
    assert_int_equal(seen->put_off[0] + seen->other[0] + seen->barred[0], 0);
    for (uint32_t i = HONEST; i < n->o.phones; i++)
        n->ue[i]->wants_registration = false;
    come_to_rest(n);
    close_net(n);
}

/* ---- shares, one by one ---- */
static struct amf_gnb *a_node(struct net *n)
{
    uint32_t i = 0;
    struct amf_gnb *node = slab_next(&n->amf->gnbs, &i);
    assert_non_null(node);
    return node;
}
static struct amf_conn *begins(struct net *n, uint32_t id, struct ue *known, bool *taken)
{
    struct amf_ue *ue = known ? net_amf_ue(n, known) : NULL;
    struct amf_conn *c = amf_conn_new(n->amf, a_node(n), id);
    assert_non_null(c);
    c->rrc_cause = NGAP_RRCEstablishmentCause_mo_Signalling;
    *taken = amf_admit(c, ue, amf_class_of(c, ue));
    return c;
}
static void both_slices(struct ue_config *c, uint32_t i)
{
    c->n_slices = i == 2 ? 2 : 1;
    c->slices[0] = i ? NINTH : FIRST;
    c->slices[1] = FIRST;
}
static void charged_to_whom(void **state)
{
    enum { LIMIT = 16 };
    static const struct amf_slice first = {.sst = 1}, ninth = {.sst = 1, .sd = {0, 0, NINTH_IS}, .has_sd = true}, other = {.sst = 7};
    seen_new(3);
    /* Two gNBs are in service, so a gNB's share is half: the other one stands for the rest. */
    struct net *n = net_new((struct net_options){.seed = 14, .phones = 3, .phone = both_slices, .more = "  max_procedures: 16\n"});
    struct amf_admission *a = &n->amf->admission;
    bool taken;
    uint32_t id = 0x20000;
    for (uint32_t i = 0; i < 3; i++)
        net_register(n, n->ue[i]);
    net_run(n, 20 * NET_S);
    assert_int_equal(a->n_slices, 2);
    rt_enter(&n->core);
    /* One that may use both is charged to the one that has less. */
    struct amf_conn *c = begins(n, id++, n->ue[1], &taken);
    assert_true(taken);
    assert_int_equal(c->slice, 2);
    c = begins(n, id++, n->ue[2], &taken);
    assert_true(taken);
    assert_int_equal(c->slice, 1);
    c = begins(n, id++, n->ue[0], &taken);
    assert_int_equal(c->slice, 1);
    c = begins(n, id++, n->ue[2], &taken);
    assert_int_equal(c->slice, 2);
    assert_int_equal(a->slices[0].load.used, 2);
    assert_int_equal(a->slices[1].load.used, 2);
    /* A stranger is nobody's until it has said; what is not served is nobody's, and it may change. */
    c = begins(n, id++, NULL, &taken);
    assert_true(taken);
    assert_int_equal(c->slice, 0);
    assert_true(amf_admit_slices(c, &other, 1));
    assert_int_equal(c->slice, 0);
    assert_true(amf_admit_slices(c, NULL, 0));
    assert_true(amf_admit_slices(c, &ninth, 1));
    assert_int_equal(c->slice, 2);
    assert_true(amf_admit_slices(c, &first, 1));
    assert_int_equal(c->slice, 1);
    assert_int_equal(a->slices[0].load.used, 3);
    assert_int_equal(a->slices[1].load.used, 2);
    amf_admit_end(c, true);
    assert_int_equal(a->slices[0].load.used, 2);
    assert_int_equal(c->slice, 0);
    assert_true(amf_admit_slices(c, &first, 1)); /* it does not count any more */
    assert_int_equal(a->slices[0].load.used, 2);
    /* Strangers fill half of the window; then those of a slice with its share learn of it late. */
    struct amf_conn *strangers[LIMIT];
    for (uint32_t i = 0; i < 4; i++) {
        strangers[i] = begins(n, id++, NULL, &taken);
        assert_true(taken);
    }
    assert_int_equal(a->used[AMF_ORDINARY], LIMIT / 2);
    a_node(n)->load.load.used -= 8; /* as though they were of others' gNBs: only slices count now */
    for (uint32_t i = 4; i < 8; i++) {
        strangers[i] = begins(n, id++, NULL, &taken);
        assert_true(taken);
    }
    for (uint32_t i = 0; i < 6; i++)
        assert_true(amf_admit_slices(strangers[i], &ninth, 1));
    assert_int_equal(a->slices[1].load.used, LIMIT / 2);
    uint32_t used = a->used[AMF_ORDINARY];
    assert_false(amf_admit_slices(strangers[6], &ninth, 1));
    assert_int_equal(a->used[AMF_ORDINARY], used - 1);
    assert_int_equal(a->slices[1].load.put_off, 1);
    assert_true(amf_admit_slices(strangers[7], &first, 1));
    /* … or an emergency, which no share keeps out. */
    a_node(n)->load.load.used -= 8;
    strangers[8] = begins(n, id++, NULL, &taken);
    strangers[8]->rrc_cause = NGAP_RRCEstablishmentCause_emergency;
    assert_true(amf_admit_slices(strangers[8], &ninth, 1));
    a_node(n)->load.load.used += 16;
    /* Its phones are sent away for longer and longer, not those of the other. */
    uint32_t last = 0;
    for (uint32_t i = 0; i < 1000; i++)
        last = amf_back_off_s(strangers[6]);
    assert_true(last > 30);
    assert_in_range(amf_back_off_s(strangers[7]), 4, 6);
    for (uint32_t i = 0x20000; i < id; i++)
        amf_conn_drop(amf_conn_by_ran(n->amf, a_node(n), i));
    assert_int_equal(a->slices[0].load.used + a->slices[1].load.used, 0);
    assert_int_equal(a->used[AMF_ORDINARY], 0);
    net_run(n, 3 * NET_S);
    net_free(n);
    free(seen);
    seen = NULL;
}

/* ---- OVERLOAD START with slices, at the gNB and the phone ---- */
static void tell_gnb(struct net *n, const struct amf_slice *slices, uint32_t n_slices, uint32_t percent)
{
    struct ngap_OverloadStart start = {0};
    struct ngap_OverloadStartNSSAIItem item = {.sliceTrafficLoadReductionIndication = percent};
    struct ngap_SliceOverloadItem list[2];
    memset(list, 0, sizeof list);
    for (uint32_t i = 0; i < n_slices; i++)
        amf_slice_ngap(&slices[i], &list[i].s_NSSAI);
    item.sliceOverloadList.v = list;
    item.sliceOverloadList.n = n_slices;
    item.has.sliceTrafficLoadReductionIndication = percent != 0;
    start.has.OverloadStartNSSAIList = 1;
    start.OverloadStartNSSAIList.v = &item;
    start.OverloadStartNSSAIList.n = 1;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t at = 0;
        for (struct amf_gnb *node; (node = slab_next(&n->amf->gnbs, &at));)
            amf_gnb_send(n->amf, node, NGAP_MSG_OverloadStart, &start, 0);
    }
    net_run(n, 10 * NET_MS);
}
static bool gets_in(struct net *n, uint32_t i)
{
    struct ue *ue = n->ue[i];
    timer_stop(&n->ran_rt.timers, &ue->t_hold);
    ue_service(ue);
    net_run(n, NET_S);
    bool in = ue->link != NULL;
    if (in)
        gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity);
    ue->wants_service = false;
    net_run(n, NET_S);
    return in;
}
static void told_by_slice(void **state)
{
    static const struct amf_slice both[2] = {{.sst = 1, .sd = {0, 0, NINTH_IS}, .has_sd = true}, {.sst = 1}};
    seen_new(9);
    struct net *n = net_new((struct net_options){.seed = 15, .phones = 3, .phone = both_slices, .more = "  nssai_inclusion_mode: a\n"});
    for (uint32_t i = 0; i < 3; i++)
        net_register(n, n->ue[i]);
    net_run(n, 20 * NET_S);
    tell_gnb(n, both, 1, 0); /* the ninth, all of it */
    assert_int_equal(n->cells[0].gnb.n_overloads, 1);
    assert_false(n->cells[0].gnb.is_overloaded);
    assert_true(gets_in(n, 0));
    assert_false(gets_in(n, 1));
    assert_true(gets_in(n, 2)); /* of two slices one is not held back */
    tell_gnb(n, both, 2, 0);
    assert_false(gets_in(n, 0));
    assert_false(gets_in(n, 1));
    assert_false(gets_in(n, 2));
    /* By mode C a service request tells no slice, by mode D nothing does: nobody is held back for one. */
    n->ue[1]->nssai_mode = NAS_NSSAI_MODE_C;
    assert_true(gets_in(n, 1));
    ue_power_cut(n->ue[1]);
    timer_stop(&n->ran_rt.timers, &n->ue[1]->t_hold);
    ue_register(n->ue[1]);
    net_run(n, NET_S);
    assert_int_equal(n->ue[1]->state, MM_DEREGISTERED); /* a registration tells them */
    n->ue[1]->nssai_mode = NAS_NSSAI_MODE_D;
    timer_stop(&n->ran_rt.timers, &n->ue[1]->t_hold);
    ue_register(n->ue[1]);
    net_run(n, NET_S);
    assert_int_equal(n->ue[1]->state, MM_REGISTERED);
    assert_int_equal(n->ue[1]->nssai_mode, NAS_NSSAI_MODE_A); /* and was told again */
    net_run(n, 20 * NET_S);
    /* Mode B: the slices of what it is for. It has no session, so none. */
    n->ue[1]->nssai_mode = NAS_NSSAI_MODE_B;
    assert_true(gets_in(n, 1));
    /* Half of them. */
    tell_gnb(n, both, 2, 50);
    uint32_t in = 0;
    for (uint32_t i = 0; i < 200; i++)
        in += gets_in(n, 0);
    assert_in_range(in, 60, 140);
    /* A new NG Setup forgets it. */
    assert_int_equal(gnb_setup(&n->cells[0].gnb), OK);
    net_run(n, NET_S);
    assert_int_equal(n->cells[0].gnb.n_overloads, 0);
    assert_true(gets_in(n, 0));
    for (uint32_t i = 0; i < 3; i++)
        timer_stop(&n->ran_rt.timers, &n->ue[i]->t_hold);
    net_free(n);
    free(seen);
    seen = NULL;
}

/* ---- T3396, T3584, T3585 at the phone ---- */
static bool is_kept_back(struct net *n, struct ue *ue, const char *dnn, const struct gnb_slice *slice)
{
    struct ue_open o = {.dnn = dnn, .type = NAS_PDU_IPV4, .has_slice = slice != NULL, .slice = slice ? *slice : FIRST};
    int psi = ue_session_open(ue, &o);
    assert_true(psi > 0);
    bool waits = ue_session_find(ue, (uint8_t)psi)->waits;
    if (waits)
        assert_int_equal(ue_session_close(ue, (uint8_t)psi), OK);
    else
        net_run(n, NET_S);
    struct ue_session *s = ue_session_find(ue, (uint8_t)psi);
    if (s && s->state == SM_ACTIVE)
        ue_session_close(ue, (uint8_t)psi);
    net_run(n, NET_S);
    return waits;
}
/* Refused by the SMF, or (is_gmm) handed back by the AMF. */
static void refused_by(struct net *n, struct ue *ue, uint8_t cause, bool is_gmm, uint8_t timer)
{
    struct nas_msg m;
    uint8_t octets[64];
    ue->faults.drop_up = NAS_PDU_SESSION_ESTABLISHMENT_REQUEST;
    int psi = ue_session_open(ue, &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4, .has_slice = true, .slice = FIRST});
    assert_true(psi > 0);
    net_run(n, NET_S);
    nas_msg_init(&m, NAS_PDU_SESSION_ESTABLISHMENT_REJECT);
    m.pdu_session_id = (uint8_t)psi;
    m.pti = ue_session_find(ue, (uint8_t)psi)->pti;
    m.pdu_session_establishment_reject.gsm_cause = is_gmm ? NAS_GSM_CAUSE_REQUEST_REJECTED_UNSPECIFIED : cause;
    m.pdu_session_establishment_reject.has.back_off_timer_value = !is_gmm;
    m.pdu_session_establishment_reject.back_off_timer_value = timer;
    int k = nas_encode(&m, octets, sizeof octets);
    assert_true(k > 0);
    struct nas_dl_nas_transport t = {.payload_container_type = NAS_PAYLOAD_N1_SM, .payload_container = {octets, (uint32_t)k}};
    t.has.pdu_session_id = 1;
    t.pdu_session_id = (uint8_t)psi;
    t.has.gmm_cause = t.has.back_off_timer_value = is_gmm;
    t.gmm_cause = cause;
    t.back_off_timer_value = timer;
    rt_enter(&n->ran_rt);
    ue_sm_transport(ue, &t);
    assert_null(ue_session_find(ue, (uint8_t)psi));
    net_run(n, NET_S);
}
static void back_off_by_cause(void **state)
{
    static const struct {
        uint8_t cause;
        bool is_gmm;
        bool same, other_dnn, other_slice, neither; /* kept back: internet in slice 1, ims in it, internet in 9, no DNN nor slice */
    } all[] = {{NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES, false, true, false, true, false},
               {NAS_GMM_CAUSE_CONGESTION, true, true, false, true, false},
               {NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN, false, true, false, false, false},
               {NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE_AND_DNN, true, true, false, false, false},
               {NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE, false, true, true, false, false},
               {NAS_GMM_CAUSE_INSUFFICIENT_RESOURCES_FOR_SPECIFIC_SLICE, true, true, true, false, false},
               {NAS_GSM_CAUSE_MISSING_OR_UNKNOWN_DNN, false, false, false, false, false}};
    seen_new(9);
    struct net *n = net_new((struct net_options){.seed = 16, .phones = 1});
    net_register(n, n->ue[0]);
    for (uint32_t i = 0; i < ARRAY_LEN(all); i++) {
        struct ue *ue = n->ue[0];
        refused_by(n, ue, all[i].cause, all[i].is_gmm, nas_timer3_of(60));
        assert_int_equal(ue_backs_off(ue), all[i].same);
        assert_int_equal(is_kept_back(n, ue, "internet", &FIRST), all[i].same);
        assert_int_equal(is_kept_back(n, ue, "ims", &FIRST), all[i].other_dnn);
        assert_int_equal(is_kept_back(n, ue, "internet", &NINTH), all[i].other_slice);
        assert_int_equal(is_kept_back(n, ue, NULL, NULL), all[i].neither);
        net_run(n, 70 * NET_S);
        assert_false(ue_backs_off(ue));
        assert_false(is_kept_back(n, ue, "internet", &FIRST));
    }
    /* Deactivated: until it is switched off (6.2.7). */
    struct ue *ue = n->ue[0];
    refused_by(n, ue, NAS_GSM_CAUSE_INSUFFICIENT_RESOURCES, false, nas_timer3_of(UINT32_MAX));
    net_run(n, 3600ull * NET_S);
    assert_true(is_kept_back(n, ue, "internet", &FIRST));
    assert_int_equal(ue_deregister(ue, true), OK);
    net_run(n, NET_S);
    assert_false(ue_backs_off(ue));
    net_register(n, ue);
    assert_false(is_kept_back(n, ue, "internet", &FIRST));
    net_free(n);
    free(seen);
    seen = NULL;
}

int main(void)
{
    return RUN(unit(known_phones_of_one_slice_flood), unit(the_gnb_holds_one_slice_back), unit(strangers_of_one_slice_flood),
               unit(strangers_say_a_slice_of_others),
               unit(charged_to_whom), unit(told_by_slice), unit(back_off_by_cause));
}
