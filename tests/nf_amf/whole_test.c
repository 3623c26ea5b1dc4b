/* SPDX-License-Identifier: Apache-2.0 */
/* All functions of the core together, with the phones and gNBs of the simulated RAN: sessions from the first request
 * to a ping, idle and back, paging by downlink data, lost gNBs. */
#include "base/log.h"
#include "nf/amf/amf_nf.h"
#include "nf/amf/session.h"
#include "nf/ausf/ausf.h"
#include "nf/nssf/nssf.h"
#include "nf/pcf/pcf.h"
#include "nf/smf/smf.h"
#include "nf/udm/udm.h"
#include "nf/udr/udr.h"
#include "nf/upf/upf.h"
#include "proto/sbi.h"
#include "ran/ue.h"
#include "rt/metrics.h"
#include "sim/data_network.h"
#include "sim/store_memory.h"
#include "sim/user_plane.h"
#include "sim/world.h"
#include "tests/test.h"
#include <stdlib.h>

enum { CELLS = 2, PHONES = 8, MS = 1000 };
static const uint8_t KEY_K[16] = {0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f,
                                  0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6, 0xbc};
static const uint8_t KEY_OPC[16] = {0xe8, 0xed, 0x28, 0x9d, 0xeb, 0xa9, 0x52, 0xe4,
                                    0x28, 0x3b, 0x54, 0xe8, 0x8e, 0x61, 0x83, 0xca};
static const struct gnb_ta CELL_TA = {{0, 0, 1}, {0x00, 0xf1, 0x10}, 1, {{1, {0}, false}}};
static const struct net_addr FAR = {4, 0, {8, 8, 8, 8}};

struct whole {
    struct world *w;
    struct env *core_env, *upf_env, *ran_env;
    struct rt core, upf, ran_rt;
    struct config config;
    uint8_t *config_memory;
    struct store *store;
    struct crypto *crypto, *ran_crypto;
    struct user_plane *up;
    struct data_network dn;
    struct ran ran;
    struct cell cells[CELLS];
    struct ue *ue[PHONES];
    uint32_t events[32];
    struct ue_event last;
    struct log log;
};
static bool bytes_mode;

static void on_event(void *ctx, struct ue *ue, const struct ue_event *e)
{
    struct whole *t = ctx;
    t->events[e->kind]++;
    t->last = *e;
}
static void configure(struct whole *t)
{
    static const char yaml[] =
        "amf: {tais: [{tac: 1}], n2_addresses: [10.0.0.1], max_ues: 64}\n"
        "smf: {n4_address: 10.0.0.1, upfs: [{name: upf, address: 10.0.0.2}], max_sessions: 64}\n"
        "upf: {n4_address: 10.0.0.2, n3_addresses: [10.0.0.2], max_sessions: 64}\n";
    struct config_report *report = calloc(1, sizeof *report);
    t->config_memory = malloc(CONFIG_ARENA_OCTETS);
    struct arena a = arena_over(t->config_memory, CONFIG_ARENA_OCTETS);
    if (config_parse(&t->config, &a, STR("test"), STR(yaml), report) < 0)
        fail_msg("%s", report->text);
    free(report);
}
static void subscribers(struct whole *t)
{
    struct subscriber_profile p = {.ambr_down_bps = 1000000000, .ambr_up_bps = 500000000, .n_slices = 1, .n_dnns = 1};
    uint64_t profile;
    p.slices[0] = (struct subscriber_slice){.sst = 1, .is_default = true};
    p.dnns[0] = (struct subscriber_dnn){.name = STR("internet"), .is_default = true, .types = 7,
                                        .default_type = SUBSCRIBER_IPV4, .fiveqi = 9, .preemptable = true};
    assert_int_equal(subscriber_profile_put(t->store, &p, &profile), OK);
    for (uint32_t i = 0; i < PHONES; i++) {
        struct subscriber s = {.key = {.alg = AKA_MILENAGE, .k_n = 16}, .amf = 0x8000, .profile = profile};
        char supi[32];
        memcpy(s.key.k, KEY_K, 16);
        memcpy(s.key.opc, KEY_OPC, 16);
        snprintf(supi, sizeof supi, "imsi-00101000000000%u", i + 1);
        assert_int_equal(subscriber_put(t->store, str_of(supi), &s), OK);
    }
    assert_int_equal(store_sync(t->store), OK);
}
static void start_core(struct whole *t)
{
    static const struct nf_desc *const nfs[] = {&udr_nf, &udm_nf, &ausf_nf, &pcf_nf, &nssf_nf, &smf_nf, &amf_nf};
    for (uint32_t i = 0; i < ARRAY_LEN(nfs); i++)
        assert_int_equal(nf_start(&t->core, nfs[i]), OK);
}
static void start_ran(struct whole *t)
{
    struct net_addr amf = addr_v4(0x0a000001, 38412);
    struct ran_config c = {.max_ues = PHONES, .max_sessions = 32, .n3 = addr_v4(0x0a000003, 2152), .event = on_event, .ctx = t};
    assert_int_equal(ran_init(&t->ran, &t->ran_rt, &c), OK);
    for (uint32_t i = 0; i < CELLS; i++) {
        struct gnb_config g = {.plmn = {0x00, 0xf1, 0x10}, .id = i + 1, .id_bits = 24, .name = "a gNB", .tas = &CELL_TA,
                               .n_tas = 1, .streams = 4};
        assert_int_equal(cell_init(&t->cells[i], &t->ran, &g), OK);
        assert_int_equal(gnb_start(&t->cells[i].gnb, &amf), OK);
    }
    for (uint32_t i = 0; i < PHONES; i++) {
        char imsi[16];
        snprintf(imsi, sizeof imsi, "00101000000000%u", i + 1);
        struct ue_config u = {.usim = {.imsi = imsi, .mnc_digits = 2, .key = {.alg = AKA_MILENAGE, .k_n = 16}}};
        memcpy(u.usim.key.k, KEY_K, 16);
        memcpy(u.usim.key.opc, KEY_OPC, 16);
        assert_non_null(t->ue[i] = ue_new(&t->ran, &u));
    }
}
static void show(void *ctx, struct str line) { fwrite(line.p, 1, line.n, stderr); }
static uint64_t world_clock(void *w) { return world_now_us(w); }
static struct whole *whole_new(uint64_t seed)
{
    struct whole *t = calloc(1, sizeof *t);
    struct net_addr core = addr_v4(0x0a000001, 0), upf = addr_v4(0x0a000002, 0), ran = addr_v4(0x0a000003, 0);
    t->w = world_new(seed);
    t->core_env = world_host(t->w, "core", &core);
    t->upf_env = world_host(t->w, "upf", &upf);
    t->ran_env = world_host(t->w, "ran", &ran);
    t->store = store_memory_new();
    configure(t);
    subscribers(t);
    assert_int_equal(rt_init(&t->core, t->core_env, 16 << 20), OK);
    assert_int_equal(rt_init(&t->upf, t->upf_env, 8 << 20), OK);
    assert_int_equal(rt_init(&t->ran_rt, t->ran_env, 8 << 20), OK);
    assert_int_equal(crypto_init(&t->crypto), OK);
    assert_int_equal(crypto_init(&t->ran_crypto), OK);
    t->core.store = t->store;
    t->core.crypto = t->crypto;
    t->ran_rt.crypto = t->ran_crypto;
    t->core.config = t->upf.config = &t->config;
    t->core.metrics = metrics_new();
    if (getenv("SHOW")) { /* for whoever looks for a fault */
        static const uint8_t secret[16] = {1};
        log_init(&t->log, secret);
        log_set_level(&t->log, LOG_DEBUG);
        t->log.line = show;
        t->log.unix_us = world_clock;
        t->log.clock = t->w;
        t->log.rate_s = t->log.burst = 1000000;
        t->core.log = &t->log;
    }
    world_attach(t->w, t->core_env, &t->core);
    world_attach(t->w, t->upf_env, &t->upf);
    world_attach(t->w, t->ran_env, &t->ran_rt);
    assert_int_equal(user_plane_inline_open(&t->up, &t->upf, &t->config), OK);
    assert_int_equal(nf_start(&t->upf, &upf_nf), OK);
    assert_int_equal(data_network_start(&t->dn, t->w, t->upf_env, "n6internet"), OK);
    if (bytes_mode)
        assert_int_equal(sbi_json_mode(&t->core), OK);
    start_core(t);
    start_ran(t);
    world_run(t->w, 1000 * MS);
    assert_int_equal(t->cells[0].gnb.state, GNB_READY);
    return t;
}
static struct amf *the_amf(struct whole *t) { return nf_state(&t->core, SBI_NF_AMF); }
static void whole_free(struct whole *t)
{
    for (uint32_t i = 0; i < CELLS; i++)
        cell_free(&t->cells[i]);
    ran_free(&t->ran);
    world_run(t->w, 5000 * MS);
    assert_int_equal(the_amf(t)->ues->conns.used, 0);
    nf_stop_all(&t->core);
    nf_stop_all(&t->upf);
    user_plane_close(t->up);
    while (rt_turn(&t->core) <= t->core.now_us)
        ;
    assert_int_equal(t->core.procs_running, 0);
    assert_int_equal(t->core.calls_open, 0);
    sbi_json_mode_end(&t->core);
    metrics_free(t->core.metrics);
    rt_free(&t->core);
    rt_free(&t->upf);
    rt_free(&t->ran_rt);
    crypto_free(t->crypto);
    crypto_free(t->ran_crypto);
    store_memory_free(t->store);
    world_free(t->w);
    free(t->config_memory);
    free(t);
}
static void attach(struct whole *t, uint32_t i, uint32_t cell)
{
    ue_camp(t->ue[i], &t->cells[cell]);
    assert_int_equal(ue_register(t->ue[i]), OK);
    for (int n = 0; n < 60 && t->ue[i]->state != MM_REGISTERED; n++)
        world_run(t->w, 1000 * MS);
    assert_int_equal(t->ue[i]->state, MM_REGISTERED);
}
static struct ue_session *open_session(struct whole *t, uint32_t i, const char *dnn)
{
    int psi = ue_session_open(t->ue[i], &(struct ue_open){.type = NAS_PDU_IPV4, .dnn = dnn});
    assert_true(psi > 0);
    world_run(t->w, 1000 * MS);
    return ue_session_find(t->ue[i], (uint8_t)psi);
}
static void ping_works(struct whole *t, uint32_t i, struct ue_session *s)
{
    uint32_t before = s->pings_received;
    assert_int_equal(ue_ping(t->ue[i], s->psi, &FAR, 56), OK);
    world_run(t->w, 1000 * MS);
    assert_int_equal(s->pings_received, before + 1);
}
static void downlink(struct whole *t, const struct ue_session *s)
{
    uint8_t packet[200];
    struct net_addr to = {.family = 4};
    memcpy(to.ip, s->ipv4, 4);
    uint32_t n = echo_request(&FAR, &to, 1, 1, 40, packet, sizeof packet);
    assert_int_equal(world_inject(t->w, world_tun(t->w, t->upf_env, NULL, "n6internet"), (struct bytes){packet, n}), OK);
}

static void a_phone_reaches_the_internet(void **state)
{
    struct whole *t = whole_new(1);
    attach(t, 0, 0);
    struct ue_session *s = open_session(t, 0, "internet");
    assert_non_null(s);
    assert_int_equal(s->state, SM_ACTIVE);
    ping_works(t, 0, s);
    /* idle: the gNB sees no traffic */
    gnb_ue_release_request(t->ue[0]->link, NGAP_CauseRadioNetwork_user_inactivity);
    world_run(t->w, 1000 * MS);
    assert_null(t->ue[0]->link);
    ping_works(t, 0, s); /* by service request */
    assert_int_equal(t->events[UE_SERVICE_ACCEPTED], 1);
    gnb_ue_release_request(t->ue[0]->link, NGAP_CauseRadioNetwork_user_inactivity);
    world_run(t->w, 1000 * MS);
    uint64_t rx = s->rx;
    downlink(t, s); /* by paging */
    world_run(t->w, 3000 * MS);
    assert_int_equal(t->events[UE_PAGED], 1);
    assert_int_equal(s->rx, rx + 1);
    struct ue_session *second = open_session(t, 0, NULL);
    assert_int_equal(second->state, SM_ACTIVE);
    ping_works(t, 0, second);
    ping_works(t, 0, s);
    assert_int_equal(ue_session_close(t->ue[0], s->psi), OK);
    world_run(t->w, 2000 * MS);
    assert_int_equal(the_amf(t)->ues->sessions.used, 1);
    ping_works(t, 0, second);
    assert_int_equal(ue_deregister(t->ue[0], false), OK);
    world_run(t->w, 3000 * MS);
    assert_int_equal(the_amf(t)->ues->sessions.used, 0);
    assert_int_equal(((struct smf *)nf_state(&t->core, SBI_NF_SMF))->sessions.used, 0);
    assert_int_equal(t->ran.counters.key_mismatches, 0);
    assert_int_equal(t->cells[0].gnb.errors_received + t->cells[0].gnb.errors_sent, 0);
    whole_free(t);
}
static void refusals(void **state)
{
    struct whole *t = whole_new(2);
    attach(t, 0, 0);
    assert_null(open_session(t, 0, "nowhere"));
    assert_int_equal(t->events[UE_SESSION_FAILED], 1);
    assert_true(t->last.is_gmm);
    assert_int_equal(t->last.cause, NAS_GMM_CAUSE_DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE);
    struct ue_session *s = open_session(t, 0, "internet");
    ping_works(t, 0, s);
    whole_free(t);
}
static void the_gnb_vanishes(void **state)
{
    struct whole *t = whole_new(3);
    for (uint32_t i = 0; i < PHONES; i++) {
        attach(t, i, 0);
        ping_works(t, i, open_session(t, i, "internet"));
    }
    cell_vanish(&t->cells[0]);
    world_run(t->w, 3000 * MS);
    assert_int_equal(the_amf(t)->ues->conns.used, 0);
    for (uint32_t i = 0; i < PHONES; i++) {
        ue_camp(t->ue[i], &t->cells[1]);
        ping_works(t, i, ue_session_find(t->ue[i], 1));
    }
    whole_free(t);
}
/* Phones open, ping, go idle, are called and close in an order that the seed chooses; cells fail now and then. */
static void storm_of(uint64_t seed, uint32_t steps)
{
    struct whole *t = whole_new(seed);
    for (uint32_t n = 0; n < steps; n++) {
        uint64_t r = world_random(t->w);
        struct ue *ue = t->ue[r % PHONES];
        struct cell *cell = &t->cells[r >> 8 & 1];
        struct ue_session *s = ue->sessions;
        switch (r >> 16 & 15) {
        case 0: case 1: case 2:
            ue_camp(ue, cell);
            ue_register(ue);
            break;
        case 3: case 4: case 5:
            ue_session_open(ue, &(struct ue_open){.type = NAS_PDU_IPV4});
            break;
        case 6: case 7: case 8:
            if (s && s->state == SM_ACTIVE)
                ue_ping(ue, s->psi, &FAR, 56);
            break;
        case 9: case 10:
            if (ue->link)
                gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity);
            break;
        case 11:
            if (s && s->state == SM_ACTIVE)
                downlink(t, s);
            break;
        case 12:
            if (s)
                ue_session_close(ue, s->psi);
            break;
        case 13:
            ue_lose_radio(ue);
            break;
        case 14:
            ue_deregister(ue, r >> 20 & 1);
            break;
        case 15:
            if ((r >> 20 & 7) == 0)
                world_cut_all(t->w, t->ran_env);
        }
        world_run(t->w, (r >> 32) % 40 * MS);
    }
    world_run(t->w, 60000 * MS);
    /* When all is quiet, who was registered still gets through. */
    for (uint32_t i = 0; i < PHONES; i++) {
        if (t->ue[i]->state != MM_REGISTERED)
            attach(t, i, 0);
        struct ue_session *s = t->ue[i]->sessions;
        if (s && s->state != SM_ACTIVE) { /* what it asked for just when its cell failed is asked once more */
            ue_service(t->ue[i]);
            world_run(t->w, 5000 * MS);
            s = t->ue[i]->sessions;
        }
        if (!s)
            s = open_session(t, i, NULL);
        assert_non_null(s);
        if (s->state != SM_ACTIVE)
            fprintf(stderr, "SEED %u phone %u psi %u state %u\n", (unsigned)seed, i, s->psi, s->state);
        assert_int_equal(s->state, SM_ACTIVE);
        ping_works(t, i, s);
        assert_int_equal(ue_deregister(t->ue[i], false), OK);
        world_run(t->w, 5000 * MS);
    }
    world_run(t->w, 60000 * MS);
    assert_int_equal(the_amf(t)->ues->sessions.used, 0);
    assert_int_equal(((struct smf *)nf_state(&t->core, SBI_NF_SMF))->sessions.used, 0);
    assert_int_equal(t->ran.counters.key_mismatches, 0);
    whole_free(t);
}
static void storm(void **state)
{
    for (uint64_t seed = 100; seed < 120; seed++)
        storm_of(seed, 150);
}

static int run(void)
{
    return RUN(unit(a_phone_reaches_the_internet), unit(refusals), unit(the_gnb_vanishes), unit(storm));
}
int main(void)
{
    int e = run();
    bytes_mode = true;
    return e + run();
}
