/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed set of seeds of the whole network, the plan of a seed, replay, and the checkers themselves. */
#include "cmd/sim_run.h"
#include "tests/test.h"
#include <stdlib.h>

static struct sim_options options(uint64_t seed)
{
    return (struct sim_options){.seed = seed, .faults = UINT32_MAX, .json = -1};
}
static void holds(const struct sim_options *o)
{
    static struct sim_result r;
    char line[512];
    sim_run(o, &r, NULL);
    sim_replay_line(o, line, sizeof line);
    if (r.failed)
        fail_msg("%s: %s; again: %s", sim_property_desc(r.failed)->name, r.text, line);
}
/* Whatever the seed draws. */
static void seeds_hold(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct sim_options o = options(seed);
        o.phones = 12;
        holds(&o);
    }
}
/* Each of these showed a mistake once. */
static void seeds_that_failed_hold(void **state)
{
    static const uint64_t seeds[] = {
        12,  /* an N4 establishment that is never answered */
        57,  /* the UPF forgets an SMF that still hears it */
        348, /* a subscriber comes back while the store refuses */
        437, /* three router solicitations lost */
        615, /* a session is put back while its UPF is away, and with it the wish to put back all others is lost */
        1297, 1954, /* the SMF's answer to what the gNB set up comes too late */
        4371, 8111, /* N4 requests of before the UPF's restart reach another session after it */
        5710, /* an establishment that the UPF answers between its restart and the new association */
        6265, /* a session that waits for T3396 when all is at rest: a mistake of the check */
        8103, /* a phone that goes to another area while it asks for service */
        1650, /* an establishment that fails when the phone has been told that it did not */
    };
    for (uint32_t i = 0; i < ARRAY_LEN(seeds); i++) {
        struct sim_options o = options(seeds[i]);
        o.faults &= ~(1u << SIM_FAULT_attack); /* which was not drawn then */
        holds(&o);
    }
}
/* One phone that stays with more sessions than its one leaves none to another. */
static void room_for_one_session_each(void **state)
{
    struct sim_options o = options(760);
    o.faults = o.force = ((1u << SIM_FAULT_COUNT) - 1) & ~(1u << SIM_FAULT_attack | 1u << SIM_FAULT_torn);
    holds(&o);
    o.seed = 5310;
    holds(&o);
}
/* Eight sessions wait to be deleted when the association is set up anew, which deletes them. */
static void deletions_that_a_setup_does_hold(void **state)
{
    struct sim_options o = options(218);
    o.faults = o.force = 1u << SIM_FAULT_loss | 1u << SIM_FAULT_store | 1u << SIM_FAULT_core;
    holds(&o);
}
/* A modification waits for T3396; the network has the session all the same. */
static void a_modification_kept_back_holds(void **state)
{
    struct sim_options o = options(6520);
    o.faults = o.force = 1u << SIM_FAULT_upf | 1u << SIM_FAULT_clock | 1u << SIM_FAULT_function;
    holds(&o);
}
/* The core is killed while its store refuses, after a phone registered from another area: it is paged where it is. */
static void an_area_of_before_holds(void **state)
{
    static const uint32_t only[] = {38, 178, 192, 195};
    struct sim_options o = options(816);
    o.faults = o.force = 1u << SIM_FAULT_store | 1u << SIM_FAULT_core;
    o.only = only;
    o.n_only = ARRAY_LEN(only);
    holds(&o);
}
/* What showed a mistake once with every fault: a session is wished for after a switch-off; a copy of an establishment that
 * was refused comes when N4 is associated again; the core goes back to a session of before. */
static void every_fault_holds(void **state)
{
    static const uint64_t seeds[] = {52480, 53890, 54443};
    for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
        struct sim_options o = options(seeds[i]);
        o.faults = o.force = ((1u << SIM_FAULT_COUNT) - 1) & ~(1u << SIM_FAULT_attack);
        holds(&o);
    }
}
/* A session is released while the store refuses, which works again before the core is killed. */
static void a_row_that_could_not_go_holds(void **state)
{
    struct sim_options o = options(18924);
    o.faults = o.force = ((1u << SIM_FAULT_COUNT) - 1) & ~(1u << SIM_FAULT_attack | 1u << SIM_FAULT_torn);
    holds(&o);
}
/* A session is released while the association of N4 is down at one end only. */
static void a_deletion_that_must_wait_holds(void **state)
{
    static const uint32_t only[] = {11, 20, 25, 29};
    struct sim_options o = options(57);
    o.phones = 3;
    o.faults = o.force = 1u << SIM_FAULT_loss;
    o.only = only;
    o.n_only = ARRAY_LEN(only);
    holds(&o);
}
/* Whoever attacks, the others notice nothing of it; alone, and while associations die and the core is killed. */
static void attackers_do_no_harm(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_options o = options(seed);
        o.phones = 8;
        o.force = 1u << SIM_FAULT_attack;
        o.faults = o.force | (seed % 2 ? 0 : 1u << SIM_FAULT_cut | 1u << SIM_FAULT_core | 1u << SIM_FAULT_nas);
        holds(&o);
    }
}
/* What is left of a row is not taken for the whole: its phone registers anew, its session is asked for again. */
static void torn_rows_do_no_harm(void **state)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct sim_options o = options(seed);
        o.phones = 8;
        o.faults = o.force = 1u << SIM_FAULT_core | 1u << SIM_FAULT_torn;
        holds(&o);
    }
}
/* Each fault alone, and then all at once. */
static void each_fault_holds(void **state)
{
    for (uint32_t f = 0; f <= SIM_FAULT_COUNT; f++) {
        struct sim_options o = options(1000 + f);
        o.phones = 6;
        o.faults = o.force = f < SIM_FAULT_COUNT ? 1u << f : (1u << SIM_FAULT_COUNT) - 1;
        holds(&o);
    }
}
static void a_crowd_holds(void **state)
{
    struct sim_options o = options(1);
    struct sim_plan p;
    do /* the first seed of many phones */
        sim_plan_draw(&p, ++o.seed);
    while (p.phones < 40 || SIM_HAS(&p, memory));
    o.phones = 40;
    holds(&o);
}
static void a_seed_repeats(void **state)
{
    static struct sim_result a, b;
    struct sim_options o = options(7);
    o.phones = 5;
    o.json = 0;
    sim_run(&o, &a, NULL);
    sim_run(&o, &b, NULL);
    assert_int_equal(a.failed, SIM_FINE);
    assert_int_equal(a.trace, b.trace);
    o.seed = 8;
    sim_run(&o, &b, NULL);
    assert_int_not_equal(a.trace, b.trace);
}
static void a_replay_line_says_all(void **state)
{
    static const uint32_t only[] = {3, 4, 5, 9};
    char line[256];
    struct sim_options o = options(5);
    o.phones = 2;
    o.faults = o.force = 1u << SIM_FAULT_loss | 1u << SIM_FAULT_core;
    o.only = only;
    o.n_only = 4;
    sim_replay_line(&o, line, sizeof line);
    assert_string_equal(line, "redoubt sim --seed 5 --phones 2 --faults loss,core --only 3-5,9");
    o = options(6);
    sim_replay_line(&o, line, sizeof line);
    assert_string_equal(line, "redoubt sim --seed 6");
}

/* Two networks by one core: phones at home in either are served by both. */
static void two_networks(void **state)
{
    static const uint8_t other[3] = {0x13, 0x00, 0x14};
    struct sim_net *n = calloc(1, sizeof *n);
    struct sim_plan p;
    uint32_t of_other = 0;
    sim_plan_draw(&p, 3);
    p.phones = p.phones_drawn = 6;
    p.cells = 2;
    p.faults = 0;
    p.two_plmns = true;
    assert_int_equal(sim_net_start(n, &p), OK);
    for (uint32_t i = 0; i < p.phones; i++)
        ue_register(n->ue[i]);
    sim_net_run(n, 5 * SIM_S);
    for (uint32_t i = 0; i < p.phones; i++) {
        const struct amf_ue *ue = sim_amf_ue(n, i);
        assert_true(ue && amf_ue_is_registered(ue));
        bool visits = i % 2;
        assert_int_equal(memcmp(n->ue[i]->usim.guti.plmn, other, 3) == 0, visits);
        of_other += strncmp(n->imsi[i], "310410", 6) == 0;
    }
    assert_int_equal(of_other, 2);
    sim_net_stop(n);
    free(n);
}

/* ---- the checkers ---- */
struct bench {
    struct sim_net n;
    struct sim_check c;
};
static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);
    struct sim_plan p;
    sim_plan_draw(&p, 3);
    p.phones = 2;
    p.faults = 0;
    p.suci = SUCI_NULL;
    p.json = p.inactivity = false;
    sim_check_start(&b->c, &b->n);
    assert_int_equal(sim_net_start(&b->n, &p), OK);
    sim_check_watch(&b->c);
    return b;
}
static void bench_free(struct bench *b)
{
    sim_net_stop(&b->n);
    sim_check_free(&b->c);
    free(b);
}
static void registered(struct bench *b)
{
    for (uint32_t i = 0; i < 2; i++) {
        ue_register(b->n.ue[i]);
        sim_net_run(&b->n, SIM_S);
        ue_session_open(b->n.ue[i], &(struct ue_open){.type = NAS_PDU_IPV4, .dnn = "internet"});
        sim_net_run(&b->n, 60 * SIM_S);
    }
    sim_check_rest(&b->c);
    assert_string_equal(b->c.text, "");
}
static void gnb_forgets_its_tunnel(struct bench *b) { gnb_bearer_drop(b->n.ue[0]->sessions->bearer); }
static void another_count(struct bench *b) { sim_amf_ue(&b->n, 0)->security.count[NAS_UPLINK]++; }
static void another_key(struct bench *b) { sim_amf_ue(&b->n, 1)->security.k_int[3] ^= 1; }
static void another_guti(struct bench *b) { b->n.ue[0]->usim.guti.tmsi ^= 1; }
static void the_amf_forgets(struct bench *b) { sim_amf_ue(&b->n, 1)->rm = AMF_RM_DEREGISTERED; }
static void one_address_twice(struct bench *b)
{
    struct smf_session *first = slab_at(&b->n.smf->sessions, 0), *second = slab_at(&b->n.smf->sessions, 1);
    second->v4 = first->v4;
}
static void one_tmsi_twice(struct bench *b) { sim_amf_ue(&b->n, 0)->tmsi = sim_amf_ue(&b->n, 1)->tmsi; }
static void a_line_with_a_supi(struct bench *b)
{
    LOG(&b->n.log, ue_implicit_dereg, "ue=imsi-%s", b->n.imsi[1]);
}
static void a_line_with_a_key(struct bench *b)
{
    char text[33];
    for (uint32_t i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02X", b->n.key[0].k[i]);
    LOG(&b->n.log, ue_implicit_dereg, "why=x%sx", text);
}
static void anothers_data(struct bench *b)
{
    uint8_t data[SIM_PAYLOAD];
    sim_payload(data, 1, 1);
    sim_check_received(&b->c, 0, 1, (struct bytes){data, sizeof data});
}
static void what_is_wrong_is_seen(void **state)
{
    static const struct {
        void (*spoil)(struct bench *);
        enum sim_property property;
    } row[] = {
        {gnb_forgets_its_tunnel, SIM_P_agree_sm}, {another_count, SIM_P_agree_keys}, {another_key, SIM_P_agree_keys},
        {another_guti, SIM_P_agree_mm}, {the_amf_forgets, SIM_P_agree_mm}, {one_address_twice, SIM_P_unique},
        {one_tmsi_twice, SIM_P_unique}, {a_line_with_a_supi, SIM_P_log_secret}, {a_line_with_a_key, SIM_P_log_secret},
        {anothers_data, SIM_P_tunnel}};
    for (uint32_t i = 0; i < ARRAY_LEN(row); i++) {
        struct bench *b = bench_new();
        registered(b);
        row[i].spoil(b);
        sim_check_rest(&b->c);
        if (b->c.failed != row[i].property)
            fail_msg("row %u: found %s (%s), expected %s", i, sim_property_desc(b->c.failed)->name, b->c.text,
                     sim_property_desc(row[i].property)->name);
        bench_free(b);
    }
}
int main(void)
{
    return RUN(unit(a_replay_line_says_all), unit(what_is_wrong_is_seen), unit(a_seed_repeats), unit(each_fault_holds),
               unit(a_crowd_holds), unit(attackers_do_no_harm), unit(torn_rows_do_no_harm), unit(two_networks), unit(a_deletion_that_must_wait_holds), unit(room_for_one_session_each), unit(a_row_that_could_not_go_holds), unit(every_fault_holds), unit(deletions_that_a_setup_does_hold), unit(a_modification_kept_back_holds), unit(an_area_of_before_holds), unit(seeds_that_failed_hold), unit(seeds_hold));
}
