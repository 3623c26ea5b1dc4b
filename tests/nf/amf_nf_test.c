/* SPDX-License-Identifier: Apache-2.0 */
/* The AMF as a network function: from the configuration to gNBs in service, who may connect, status. */
#include "nf/amf/amf_nf.h"
#include "crypto/crypto.h"
#include "ran/gnb.h"
#include "sim/world.h"
#include "base/err.h"
#include "tests/test.h"
#include <stdlib.h>

enum { GNBS = 3 };
static const struct config_plmn PLMNS[] = {{{0x00, 0xf1, 0x10}}};
static const struct config_slice SLICES[] = {{1, {0}, false}, {2, {0, 0, 9}, true}};
static const struct config_tai TAIS[] = {{.tac = 1}, {{{0x99, 0xf9, 0x07}}, 0x1234}};
static const struct gnb_ta TA = {{0, 0, 1}, {0x00, 0xf1, 0x10}, 1, {{1, {0}, false}}};

struct bed {
    struct world *w;
    struct env *env, *gnb_env[GNBS];
    struct rt rt, gnb_rt[GNBS];
    struct gnb gnb[GNBS];
    struct net_addr addr;
    struct config config;
    struct config_gnb rows[2];
    struct net_addr row_addrs[2][2];
};

static void bed_config(struct bed *b)
{
    struct config *c = &b->config;
    c->network.plmns = PLMNS;
    c->network.n_plmns = 1;
    c->amf = (struct config_amf){.name = STR("core"),
                                 .region_id = 2,
                                 .set_id = 1,
                                 .relative_capacity = 255,
                                 .tais = TAIS,
                                 .n_tais = 2,
                                 .slices = SLICES,
                                 .n_slices = 2,
                                 .n2_addresses = &b->addr,
                                 .n_n2_addresses = 1,
                                 .n2_port = 38412,
                                 .sctp_streams = 4,
                                 .max_gnbs = 4,
                                 .max_ues = 16,
                                 .gnbs = b->rows,
                                 .time_to_wait = CONFIG_WAIT_5S};
}
static struct bed *bed_new(void)
{
    static const char *const names[] = {"gnb0", "gnb1", "gnb2"};
    struct bed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->w = world_new(1);
    b->addr = addr_v4(0x0a000001, 0);
    struct net_addr host = addr_v4(0x0a000001, 38412);
    b->env = world_host(b->w, "amf", &host);
    assert_int_equal(rt_init(&b->rt, b->env, 1 << 20), OK);
    world_attach(b->w, b->env, &b->rt);
    bed_config(b);
    b->rt.config = &b->config;
    assert_int_equal(crypto_init(&b->rt.crypto), OK);
    for (uint32_t i = 0; i < GNBS; i++) {
        struct net_addr a = addr_v4(0x0a000010 + i, 38412);
        b->gnb_env[i] = world_host(b->w, names[i], &a);
        assert_int_equal(rt_init(&b->gnb_rt[i], b->gnb_env[i], 1 << 16), OK);
        world_attach(b->w, b->gnb_env[i], &b->gnb_rt[i]);
    }
    return b;
}
static struct gnb *bed_gnb(struct bed *b, uint32_t host, uint32_t slot, uint32_t id)
{
    struct net_addr amf = addr_v4(0x0a000001, 38412);
    struct gnb_config c = {.plmn = {0x00, 0xf1, 0x10}, .id = id, .id_bits = 24, .name = "a gNB", .tas = &TA, .n_tas = 1,
                           .streams = 4, .stay_down = true};
    assert_int_equal(gnb_init(&b->gnb[slot], &b->gnb_rt[host], &c), OK);
    assert_int_equal(gnb_start(&b->gnb[slot], &amf), OK);
    world_run(b->w, 100000);
    return &b->gnb[slot];
}
static struct amf *bed_amf(struct bed *b) { return nf_state(&b->rt, SBI_NF_AMF); }
static void bed_free(struct bed *b)
{
    nf_stop(&b->rt, SBI_NF_AMF);
    world_run(b->w, 100000);
    for (uint32_t i = 0; i < GNBS; i++)
        gnb_free(&b->gnb[i]);
    for (uint32_t i = 0; i < GNBS; i++)
        rt_free(&b->gnb_rt[i]);
    crypto_free(b->rt.crypto);
    rt_free(&b->rt);
    world_free(b->w);
    free(b);
}

struct lines {
    uint32_t n;
    char text[4][256];
};
static void line(void *ctx, const char *text)
{
    struct lines *l = ctx;
    if (l->n < ARRAY_LEN(l->text))
        snprintf(l->text[l->n++], sizeof l->text[0], "%s", text);
}

static void boots_from_the_configuration(void **state)
{
    struct bed *b = bed_new();
    assert_int_equal(nf_start(&b->rt, &amf_nf), OK);
    struct amf *amf = bed_amf(b);
    assert_int_equal(amf->config.n_tais, 2);
    assert_memory_equal(amf->config.tais[0].plmn, PLMNS[0].v, 3);
    assert_int_equal(amf->config.tais[1].plmn[0], 0x99);
    assert_int_equal(be24(amf->config.tais[1].tac), 0x1234);
    assert_int_equal(amf->config.plmns[0].n_slices, 2);
    struct gnb *g = bed_gnb(b, 0, 0, 7);
    assert_int_equal(g->state, GNB_READY);
    assert_string_equal(g->amf_name, "core");
    assert_int_equal(g->amf_set, 1);
    struct lines l = {0};
    amf_nf.status(amf, line, &l);
    assert_string_equal(l.text[0], "gNBs: 1 in service of at most 4");
    assert_non_null(strstr(l.text[3], "gNB gnb-001-01-000007 \"a gNB\" at 10.0.0.16"));
    assert_non_null(strstr(l.text[3], "1 areas, the first 001-01/1"));
    bed_free(b);
}
static void does_not_boot_without_room_or_name(void **state)
{
    struct bed *b = bed_new();
    b->config.amf.name = STR("");
    assert_int_equal(nf_start(&b->rt, &amf_nf), ERR_CONFIG);
    assert_null(b->rt.nf[SBI_NF_AMF]);
    b->rt.config = NULL;
    assert_int_equal(nf_start(&b->rt, &amf_nf), ERR_CONFIG);
    bed_free(b);
}
static void only_listed_gnbs_connect(void **state)
{
    struct bed *b = bed_new();
    b->row_addrs[0][0] = addr_v4(0x0a000010, 0);
    b->rows[0] = (struct config_gnb){.id = 7, .addresses = b->row_addrs[0], .n_addresses = 1};
    b->rows[1] = (struct config_gnb){.id = 8};
    b->config.amf.n_gnbs = 2;
    assert_int_equal(nf_start(&b->rt, &amf_nf), OK);
    struct gnb *g = bed_gnb(b, 0, 0, 9); /* not in the list */
    assert_int_equal(g->state, GNB_REFUSED);
    assert_int_equal(g->last_cause.sel, NGAP_Cause_misc);
    assert_int_equal(g->last_cause.misc, NGAP_CauseMisc_om_intervention);
    assert_int_equal(bed_gnb(b, 1, 1, 7)->state, GNB_REFUSED); /* from another address */
    assert_int_equal(bed_gnb(b, 2, 2, 8)->state, GNB_READY);   /* from anywhere */
    assert_int_equal(bed_amf(b)->gnbs_setup, 1);
    gnb_free(&b->gnb[0]);
    assert_int_equal(bed_gnb(b, 0, 0, 7)->state, GNB_READY);
    assert_int_equal(bed_amf(b)->gnbs_setup, 2);
    bed_free(b);
}
static void a_node_may_move_between_its_own_addresses(void **state)
{
    struct bed *b = bed_new();
    b->row_addrs[0][0] = addr_v4(0x0a000010, 0);
    b->row_addrs[0][1] = addr_v4(0x0a000011, 0);
    b->rows[0] = (struct config_gnb){.id = 7, .addresses = b->row_addrs[0], .n_addresses = 2};
    b->config.amf.n_gnbs = 1;
    assert_int_equal(nf_start(&b->rt, &amf_nf), OK);
    assert_int_equal(bed_gnb(b, 0, 0, 7)->state, GNB_READY);
    assert_int_equal(bed_gnb(b, 1, 1, 7)->state, GNB_READY);
    assert_int_equal(b->gnb[0].downs, 1);
    assert_int_equal(bed_amf(b)->gnbs_setup, 1);
    bed_free(b);
}

int main(void)
{
    return RUN(unit(boots_from_the_configuration), unit(does_not_boot_without_room_or_name),
               unit(only_listed_gnbs_connect), unit(a_node_may_move_between_its_own_addresses));
}
