/* SPDX-License-Identifier: Apache-2.0 */
/* n2.h - an AMF and gNBs in a simulated world. */
#pragma once
#include "base/err.h"
#include "nf/amf/amf.h"
#include "ran/gnb.h"
#include "sim/world.h"
#include "tests/test.h"
#include <stdlib.h>

#define PLMN_A {0x00, 0xf1, 0x10}
#define PLMN_B {0x99, 0xf9, 0x07}
static const struct gnb_ta TA_GOOD = {{0, 0, 1}, PLMN_A, 2, {{1, {0}, false}, {1, {0, 0, 9}, true}}};
static const struct gnb_ta TA_OTHER = {{0, 0, 2}, PLMN_A, 1, {{1, {0}, false}}};
static const struct gnb_ta TA_PLMN = {{0, 0, 1}, PLMN_B, 1, {{1, {0}, false}}};
static const struct gnb_ta TA_TAC = {{0, 0, 7}, PLMN_A, 1, {{1, {0}, false}}};
static const struct gnb_ta TA_SLICE = {{0, 0, 1}, PLMN_A, 1, {{2, {0}, false}}};

enum { GNBS = 4 };
struct n2 {
    struct world *w;
    struct env *amf_env, *env[GNBS];
    struct rt amf_rt, rt[GNBS];
    struct net_addr amf_addr;
    struct amf amf;
    struct gnb gnb[GNBS];
};

static inline struct amf_config n2_amf_config(void)
{
    return (struct amf_config){
        .name = "amf.redoubt",
        .guamis = {{PLMN_A, 2, 3, 4}},
        .n_guamis = 1,
        .relative_capacity = 200,
        .plmns = {{PLMN_A, 2, {{1, {0}, false}, {1, {0, 0, 9}, true}}}},
        .n_plmns = 1,
        .tais = {{PLMN_A, {0, 0, 1}}, {PLMN_A, {0, 0, 2}}},
        .n_tais = 2,
        .max_gnbs = 2,
    };
}
static inline struct n2 *n2_new(uint64_t seed)
{
    static const char *const names[] = {"gnb0", "gnb1", "gnb2", "gnb3"};
    struct n2 *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->w = world_new(seed);
    t->amf_addr = addr_v4(0x0a000001, 38412);
    t->amf_env = world_host(t->w, "amf", &t->amf_addr);
    assert_int_equal(rt_init(&t->amf_rt, t->amf_env, 1 << 16), OK);
    world_attach(t->w, t->amf_env, &t->amf_rt);
    struct amf_config c = n2_amf_config();
    assert_int_equal(amf_init(&t->amf, &t->amf_rt, &c), OK);
    assert_int_equal(amf_listen(&t->amf, &(struct sctp_local){.streams = 4}), OK);
    for (uint32_t i = 0; i < GNBS; i++) {
        struct net_addr a = addr_v4(0x0a000010 + i, 38412);
        t->env[i] = world_host(t->w, names[i], &a);
        assert_int_equal(rt_init(&t->rt[i], t->env[i], 1 << 16), OK);
        world_attach(t->w, t->env[i], &t->rt[i]);
    }
    return t;
}
/* gNB i with id 1 + i and one tracking area, connecting; 50 ms later. */
static inline struct gnb *n2_gnb(struct n2 *t, uint32_t i, const struct gnb_ta *ta)
{
    struct gnb_config c = {.plmn = PLMN_A, .id = 1 + i, .id_bits = 24, .name = "a gNB", .tas = ta, .n_tas = 1,
                           .paging_drx = NGAP_PagingDRX_v64, .streams = 4};
    assert_int_equal(gnb_init(&t->gnb[i], &t->rt[i], &c), OK);
    assert_int_equal(gnb_start(&t->gnb[i], &t->amf_addr), OK);
    world_run(t->w, 50000);
    return &t->gnb[i];
}
static inline void n2_free(struct n2 *t)
{
    for (uint32_t i = 0; i < GNBS; i++)
        gnb_free(&t->gnb[i]);
    for (uint32_t i = 0; i < GNBS; i++)
        rt_free(&t->rt[i]);
    world_run(t->w, 50000);
    assert_int_equal(t->amf.gnbs.used, 0);
    assert_int_equal(t->amf.gnbs_setup, 0);
    assert_int_equal(map_count(&t->amf.gnb_by_assoc), 0);
    assert_int_equal(map_count(&t->amf.gnb_by_id), 0);
    amf_free(&t->amf);
    rt_free(&t->amf_rt);
    world_free(t->w);
    free(t);
}
static inline struct amf_gnb *n2_only(struct n2 *t)
{
    uint32_t i = 0;
    struct amf_gnb *g = slab_next(&t->amf.gnbs, &i);
    assert_non_null(g);
    return g;
}
#define assert_cause(c, group, value)                                                              \
    do {                                                                                           \
        assert_int_equal((c).sel, NGAP_Cause_##group);                                             \
        assert_int_equal((c).group, (value));                                                      \
    } while (0)
