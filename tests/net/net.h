/* SPDX-License-Identifier: Apache-2.0 */
/* net.h - a whole network in one simulated world: every network function on a core host, the UPF on its own, gNBs and
 * phones on a third, a data network behind N6. At the end of each test net_free() checks that all that was borrowed
 * came back, and net_agree() that phone, AMF, SMF and UPF believe the same. */
#pragma once
#include "base/log.h"
#include "nf/amf/amf_nf.h"
#include "nf/amf/ue.h"
#include "nf/ausf/ausf.h"
#include "nf/nssf/nssf.h"
#include "nf/pcf/pcf.h"
#include "nf/smf/smf.h"
#include "nf/udm/udm.h"
#include "nf/udr/subscriber.h"
#include "nf/udr/udr.h"
#include "nf/upf/state.h"
#include "nf/upf/upf.h"
#include "proto/sbi.h"
#include "ran/ue.h"
#include "rt/config.h"
#include "rt/metrics.h"
#include "sim/data_network.h"
#include "sim/store_memory.h"
#include "sim/user_plane.h"
#include "sim/world.h"
#include "trust/trust.h"
#include "tests/test.h"
#include "trust/guard.h"
#include <stdlib.h>

#define NET_PLMN {0x00, 0xf1, 0x10}
static const struct gnb_ta NET_TA[2] = {{{0, 0, 1}, NET_PLMN, 2, {{1, {0}, false}, {1, {0, 0, 9}, true}}},
                                        {{0, 0, 2}, NET_PLMN, 2, {{1, {0}, false}, {1, {0, 0, 9}, true}}}};
enum { NET_CELLS = 2, NET_EVENTS = 256, NET_MS = 1000, NET_S = 1000000 };

struct net_options {
    uint64_t seed;
    uint32_t phones, subscribers; /* 0: 1; as many as phones */
    uint32_t max_ues; /* of the AMF; 0: for all of them */
    bool json, eap, debug;
    const char *more_smf, *more_upf; /* the same of the SMF and the UPF */
    const char *more_dnns, *more_n6; /* elements of smf.dnns, as lines, and of upf.n6, each after a comma */
    const char *more_upfs;           /* of smf.upfs, each after a comma */
    const char *more; /* YAML that is merged behind the sections: see net_yaml */
    void (*phone)(struct ue_config *, uint32_t i); /* changes what a phone is; NULL: none */
    struct world_faults *faults;
    void (*provision)(struct store *); /* fills the store before the core starts; NULL: nothing more than subscribers */
    const char *policies[4];           /* texts of policy files, NULL at the end */
    uint8_t refused_cells;             /* bits: these do not get into service */
    void (*subscriber)(struct subscriber_profile *); /* changes all; NULL: none */
    bool refused_smf;                  /* the UPF does not accept its association */
    bool metrics;                      /* the core counts */
};
struct net {
    struct net_options o;
    struct world *w;
    struct env *core_env, *upf_env, *ran_env;
    struct rt core, upf_rt, ran_rt;
    struct crypto *crypto[3];
    struct store *store;
    struct config config;
    uint8_t *config_memory;
    struct user_plane *path;
    struct data_network dn;
    struct ran ran;
    struct cell cells[NET_CELLS];
    struct ue **ue;
    struct log log;
    struct metrics *metrics; /* NULL: not wanted */
    struct amf *amf;
    struct smf *smf;
    struct upf *upf;
    /* what phones told, the latest first forgotten */
    uint32_t count[UE_DATA + 1];
    struct ue_event last[UE_DATA + 1];
    struct guard *guard[2]; /* of the core, of the UPF */
    uint32_t found[GUARD_DETECTIONS];
    char why[256]; /* the last finding */
    struct tap tap;
    uint32_t amf_rx[256]; /* by 5GMM message type, as the RAN sent it */
};

static inline void net_log(void *ctx, struct str line)
{
    (void)ctx;
    fwrite(line.p, 1, line.n, stderr);
}
static inline void net_event(void *ctx, struct ue *ue, const struct ue_event *e)
{
    struct net *n = ctx;
    (void)ue;
    n->count[e->kind]++;
    n->last[e->kind] = *e;
    n->last[e->kind].data = (struct bytes){NULL, 0};
}
static inline uint64_t net_clock(void *env) { return env_unix_us(env); }
static inline void net_run(struct net *n, uint64_t us)
{
    world_attach(n->w, n->ran_env, &n->ran_rt); /* what the test set from outside of an event */
    world_attach(n->w, n->core_env, &n->core);
    world_run(n->w, us);
    rt_enter(&n->ran_rt);
    rt_enter(&n->core);
}
/* Runs until the condition holds, at most so long; false when it never did. */
#define net_run_until(n, condition, limit_us)                                                      \
    ({                                                                                             \
        uint64_t end_ = world_now_us((n)->w) + (limit_us);                                         \
        while (!(condition) && world_now_us((n)->w) < end_)                                        \
            net_run((n), NET_MS);                                                                  \
        (bool)(condition);                                                                         \
    })

static inline struct aka_key net_key(void)
{
    struct aka_key k = {.alg = AKA_MILENAGE, .k_n = 16};
    assert_true(hex_get(k.k, 16, STR("465B5CE8B199B49FAA5F0A2EE238A6BC")));
    assert_true(hex_get(k.opc, 16, STR("E8ED289DEBA952E4283B54E88E6183CA")));
    return k;
}
static inline void net_subscribe(struct net *n, uint32_t count)
{
    struct subscriber_profile p = {.ambr_down_bps = 1000000000, .ambr_up_bps = 500000000, .n_slices = 2, .n_dnns = 3};
    struct subscriber s = {.key = net_key(), .amf = AKA_AMF_5G,
                           .auth = n->o.eap ? SUBSCRIBER_AUTH_EAP_AKA_PRIME : SUBSCRIBER_AUTH_NONE};
    p.slices[0] = (struct subscriber_slice){.sst = 1, .is_default = true};
    p.slices[1] = (struct subscriber_slice){.sst = 1, .sd = {0, 0, 9}, .has_sd = true};
    for (uint32_t i = 0; i < 3; i++)
        p.dnns[i] = (struct subscriber_dnn){.slice = i == 2, .name = i == 1 ? STR("ims") : STR("internet"),
                                            .is_default = i != 1, .types = 7, .default_type = SUBSCRIBER_IPV4};
    if (n->o.subscriber)
        n->o.subscriber(&p);
    assert_int_equal(subscriber_profile_put(n->store, &p, &s.profile), OK);
    for (uint32_t i = 1; i <= count; i++) {
        char supi[32];
        int k = snprintf(supi, sizeof supi, "imsi-0010100%08u", i);
        assert_int_equal(subscriber_put(n->store, (struct str){supi, (uint32_t)k}, &s), OK);
    }
    assert_int_equal(store_sync(n->store), OK);
}
static inline void net_configure(struct net *n)
{
    static struct config_report report;
    static char text[8192];
    int k = snprintf(text, sizeof text,
                     "amf:\n  n2_addresses: [10.0.0.1]\n  tais: [{tac: 1}, {tac: 2}]\n  slices: [1, 1-000009]\n  max_ues: %u\n%s"
                     "smf:\n  n4_address: 10.0.0.1\n  upfs: [{name: upf, address: 10.0.0.2}%s]\n  max_sessions: %u\n%s"
                     "  dnns:\n    - {name: internet, ipv4_pool: 10.45.0.0/16, ipv6_pool: \"fd00:10:45::/48\"}\n"
                     "    - {name: ims, ipv4_pool: 10.46.0.0/16, ipv6_pool: \"fd00:10:46::/48\"}\n%s"
                     "upf:\n  n4_address: 10.0.0.2\n  n3_addresses: [10.0.0.2]\n  max_sessions: %u\n%s"
                     "  n6: [{dnn: internet, tun: n6internet, ipv4: 10.45.0.1/16, ipv6: \"fd00:10:45::1/48\"},\n"
                     "       {dnn: ims, tun: n6ims, ipv4: 10.46.0.1/16, ipv6: \"fd00:10:46::1/48\"}%s]\n",
                     n->o.max_ues ? n->o.max_ues : n->o.phones + 8, n->o.more ? n->o.more : "", n->o.more_upfs ? n->o.more_upfs : "", n->o.phones * 3 + 8,
                     n->o.more_smf ? n->o.more_smf : "", n->o.more_dnns ? n->o.more_dnns : "", n->o.phones * 3 + 8,
                     n->o.more_upf ? n->o.more_upf : "", n->o.more_n6 ? n->o.more_n6 : "");
    n->config_memory = malloc(CONFIG_ARENA_OCTETS);
    struct arena a = arena_over(n->config_memory, CONFIG_ARENA_OCTETS);
    int e = config_parse(&n->config, &a, STR("test"), (struct str){text, (uint32_t)k}, &report);
    if (e < 0)
        printf("%s\n", report.text);
    assert_int_equal(e, OK);
}
static inline void net_rt(struct net *n, struct rt *rt, struct env *env, uint32_t i, size_t memory)
{
    assert_int_equal(rt_init(rt, env, memory), OK);
    assert_int_equal(crypto_init(&n->crypto[i]), OK);
    rt->crypto = n->crypto[i];
    rt->config = &n->config;
    rt->log = n->o.debug || getenv("NET_DEBUG") ? &n->log : NULL;
    world_attach(n->w, env, rt);
    rt_enter(rt);
}
static inline void net_found(void *ctx, const struct guard_finding *f)
{
    struct net *n = ctx;
    n->found[f->detection]++;
    snprintf(n->why, sizeof n->why, "%s %s: %s", guard_name(f->detection), f->subject, f->why);
    if (n->o.debug || getenv("NET_DEBUG"))
        fprintf(stderr, "finding %s\n", n->why);
}
static inline bool net_may_end_tunnel(void *ctx, struct bytes node_id, struct bits address)
{
    return amf_node_may_end_tunnel(&((struct net *)ctx)->config, node_id, address);
}
static inline void net_guard(struct net *n, struct rt *rt, uint32_t i)
{
    struct guard_conf c = {.max_ues = n->o.phones + 8, .max_sessions = n->o.phones * 3 + 8, .n_integrity = 3, .n_ciphering = 3,
                           .integrity = {2, 1, 3}, .ciphering = {2, 1, 3}, .may_end_tunnel = net_may_end_tunnel,
                           .found = net_found, .ctx = n};
    assert_int_equal(guard_open(&n->guard[i], rt, &c), OK);
}
static inline struct policy *net_policy(const struct net *n)
{
    static struct config_report report;
    struct policy *p = policy_new();
    char name[16];
    report = (struct config_report){.n = 0};
    for (uint32_t i = 0; i < ARRAY_LEN(n->o.policies) && n->o.policies[i]; i++) {
        snprintf(name, sizeof name, "%u.yaml", i);
        assert_int_equal(policy_read(p, str_of(name), str_of(n->o.policies[i]), &report), OK);
    }
    assert_int_equal(policy_join(p, &report), OK);
    return p;
}
static inline void net_upf_start(struct net *n)
{
    net_rt(n, &n->upf_rt, n->upf_env, 1, 32 << 20);
    net_guard(n, &n->upf_rt, 1);
    if (n->config.trust.mode != CONFIG_TRUST_MODE_OFF) { /* it decides about its SMF by itself */
        n->upf_rt.store = n->store;
        n->upf_rt.policy = net_policy(n);
        assert_int_equal(nf_start(&n->upf_rt, &trust_nf), OK);
    }
    assert_int_equal(user_plane_inline_open(&n->path, &n->upf_rt, &n->config), OK);
    assert_int_equal(nf_start(&n->upf_rt, &upf_nf), OK);
    n->dn = (struct data_network){0};
    data_network_start(&n->dn, n->w, n->upf_env, NULL);
    n->upf = nf_state(&n->upf_rt, SBI_NF_UPF);
}
static inline void net_core_start(struct net *n)
{
    static const struct nf_desc *const all[] = {&udr_nf, &udm_nf, &ausf_nf, &pcf_nf, &nssf_nf, &smf_nf, &amf_nf};
    net_rt(n, &n->core, n->core_env, 0, 64 << 20);
    n->core.store = n->store;
    n->core.metrics = n->metrics;
    net_guard(n, &n->core, 0);
    if (n->o.json)
        assert_int_equal(sbi_json_mode(&n->core), OK);
    if (n->config.trust.mode != CONFIG_TRUST_MODE_OFF) {
        n->core.policy = net_policy(n);
        assert_int_equal(nf_start(&n->core, &trust_nf), OK);
    }
    for (uint32_t i = 0; i < ARRAY_LEN(all); i++)
        assert_int_equal(nf_start(&n->core, all[i]), OK);
    n->amf = nf_state(&n->core, SBI_NF_AMF);
    n->smf = nf_state(&n->core, SBI_NF_SMF);
}
/* ---- the end of a process ---- */
static inline void net_upf_end(struct net *n)
{
    world_kill(n->w, n->upf_env);
    nf_stop_all(&n->upf_rt);
    user_plane_close(n->path);
    guard_free(n->guard[1]);
    rt_free(&n->upf_rt);
    crypto_free(n->crypto[1]);
}
/* kept: of the writes that no commit made durable; NET_IN_ORDER: it ends in order. */
enum { NET_IN_ORDER = -1 };
static inline void net_core_end(struct net *n, int kept)
{
    if (kept != NET_IN_ORDER) {
        world_kill(n->w, n->core_env);
        store_memory_fail(n->store, "killed", true);
    }
    nf_stop_all(&n->core);
    if (kept == NET_IN_ORDER)
        world_kill(n->w, n->core_env);
    sbi_json_mode_end(&n->core);
    guard_free(n->guard[0]);
    rt_free(&n->core);
    crypto_free(n->crypto[0]);
    store_memory_fail(n->store, NULL, false);
    store_memory_crash(n->store, kept == NET_IN_ORDER ? 0 : (uint32_t)kept);
}
static inline void net_run_ran(struct net *n, uint64_t us) /* while there is no core */
{
    world_attach(n->w, n->ran_env, &n->ran_rt);
    world_run(n->w, us);
    rt_enter(&n->ran_rt);
}
static inline void net_cell_start(struct net *n, uint32_t i)
{
    struct net_addr amf = addr_v4(0x0a000001, 38412);
    struct gnb_config g = {.plmn = NET_PLMN, .id = i + 1, .id_bits = 24, .name = "gnb", .tas = &NET_TA[i], .n_tas = 1,
                           .streams = 4};
    assert_int_equal(cell_init(&n->cells[i], &n->ran, &g), OK);
    assert_int_equal(gnb_start(&n->cells[i].gnb, &amf), OK);
}
static inline struct ue *net_phone(struct net *n, uint32_t i)
{
    char imsi[24];
    snprintf(imsi, sizeof imsi, "0010100%08u", i + 1);
    struct ue_config u = {.usim = {.imsi = imsi, .mnc_digits = 2, .key = net_key()}, .n_slices = 1};
    u.slices[0] = (struct gnb_slice){.sst = 1};
    if (n->o.phone)
        n->o.phone(&u, i);
    struct ue *ue = ue_new(&n->ran, &u);
    assert_non_null(ue);
    ue_camp(ue, &n->cells[0]);
    return ue;
}
static inline struct net *net_new(struct net_options o)
{
    static const uint8_t secret[16] = {3};
    struct net *n = calloc(1, sizeof *n);
    struct net_addr core = addr_v4(0x0a000001, 0), upf = addr_v4(0x0a000002, 0), ran = addr_v4(0x0a000010, 0);
    n->o = o;
    n->o.phones = o.phones ? o.phones : 1;
    n->w = world_new(o.seed ? o.seed : 1);
    if (o.faults)
        world_set_faults(n->w, o.faults);
    n->core_env = world_host(n->w, "core", &core);
    n->upf_env = world_host(n->w, "upf", &upf);
    n->ran_env = world_host(n->w, "ran", &ran);
    n->store = store_memory_new();
    n->metrics = o.metrics ? metrics_new() : NULL;
    log_init(&n->log, secret);
    log_set_level(&n->log, LOG_DEBUG);
    n->log.line = net_log;
    n->log.unix_us = net_clock;
    n->log.clock = n->core_env;
    n->log.rate_s = n->log.burst = 1000000;
    net_configure(n);
    net_subscribe(n, o.subscribers ? o.subscribers : n->o.phones);
    if (o.provision)
        o.provision(n->store);
    net_upf_start(n);
    net_core_start(n);
    net_rt(n, &n->ran_rt, n->ran_env, 2, 8 << 20);
    struct ran_config rc = {.max_ues = n->o.phones + 4, .max_sessions = n->o.phones * 4 + 16, .n3 = addr_v4(0x0a000010, 0),
                            .event = net_event, .ctx = n};
    assert_int_equal(ran_init(&n->ran, &n->ran_rt, &rc), OK);
    for (uint32_t i = 0; i < NET_CELLS; i++)
        net_cell_start(n, i);
    net_run(n, 8 * NET_S); /* N2 and N4 are up */
    for (uint32_t i = 0; i < NET_CELLS; i++)
        assert_int_equal(n->cells[i].gnb.state == GNB_READY, !(o.refused_cells >> i & 1));
    assert_true(smf_upf_is_up(&n->smf->upfs[0]) != o.refused_smf);
    n->ue = calloc(n->o.phones, sizeof *n->ue);
    for (uint32_t i = 0; i < n->o.phones; i++)
        n->ue[i] = net_phone(n, i);
    return n;
}

/* ---- what everybody believes ---- */
static inline struct amf_ue *net_amf_ue(struct net *n, const struct ue *ue)
{
    char supi[24];
    int k = snprintf(supi, sizeof supi, "imsi-%s", ue->usim.imsi);
    return amf_ue_by_supi(n->amf, (struct str){supi, (uint32_t)k});
}
static inline uint32_t net_upf_sessions(const struct net *n) { return n->upf->sessions.used - n->upf->going; }
static inline uint64_t net_counted(struct net *n, enum dp_counter c)
{
    uint64_t all[DP_COUNTERS];
    user_plane_counters(n->path, all);
    return all[c];
}
/* When things are quiet: states, keys, COUNTs, identities and sessions are the same everywhere. */
static inline void net_agree_ue(struct net *n, struct ue *ue)
{
    char supi[24];
    struct amf_ue *a = net_amf_ue(n, ue);
    int k = snprintf(supi, sizeof supi, "imsi-%s", ue->usim.imsi);
    assert_int_equal(ue->state == MM_REGISTERED, amf_ue_is_registered(a));
    if (!amf_ue_is_registered(a))
        return;
    assert_int_equal(ue->link != NULL, a->conn != NULL);
    assert_true(ue->usim.guti.tmsi == a->tmsi || ue->usim.guti.tmsi == a->new_tmsi);
    assert_memory_equal(ue->current.kamf, a->security.kamf, 32);
    assert_int_equal(ue->current.ksi, a->security.ksi);
    assert_int_equal(ue->current.nea, a->security.nea);
    assert_int_equal(ue->current.nia, a->security.nia);
    assert_int_equal(ue->current.count[NAS_UPLINK], a->security.count[NAS_UPLINK]);
    assert_int_equal(ue->current.count[NAS_DOWNLINK], a->security.count[NAS_DOWNLINK]);
    for (const struct ue_session *s = ue->sessions; s; s = s->next) {
        if (s->state != SM_ACTIVE)
            continue;
        struct smf_session *m = smf_session_find(n->smf, (struct str){supi, (uint32_t)k}, s->psi);
        uint8_t ip[4];
        assert_non_null(m);
        assert_int_equal(m->state, SMF_ACTIVE);
        assert_int_equal(s->bearer != NULL, m->up_state == SMF_UP_ON);
        if (s->bearer) {
            assert_int_equal(m->an.teid, s->bearer->teid);
            assert_int_equal(m->up.teid, s->bearer->peer_teid);
        }
        if (s->type == NAS_PDU_IPV4 || s->type == NAS_PDU_IPV4V6) {
            smf_ipv4(m, ip);
            assert_memory_equal(ip, s->ipv4, 4);
        }
    }
}
static inline uint32_t net_ue_sessions(const struct net *n) { return n->ran.sessions.used; }
static inline void net_agree(struct net *n)
{
    for (uint32_t i = 0; i < n->o.phones; i++)
        net_agree_ue(n, n->ue[i]);
    assert_int_equal(n->smf->sessions.used, net_ue_sessions(n));
    assert_int_equal(net_upf_sessions(n), n->smf->sessions.used);
    assert_int_equal(n->amf->ues->sessions.used, n->smf->sessions.used);
    assert_int_equal(n->ran.links.used, n->amf->ues->conns.used);
    assert_int_equal(n->core.procs_running, 0);
    assert_int_equal(n->core.calls_open, 0);
}
/* All phones leave, and then nothing is left anywhere. */
static inline void net_free(struct net *n)
{
    for (uint32_t i = 0; i < n->o.phones; i++) {
        n->ue[i]->faults = (struct ue_faults){0};
        n->ue[i]->wants_registration = n->ue[i]->register_again = false;
        timer_stop(&n->ran_rt.timers, &n->ue[i]->t_retry);
        timer_stop(&n->ran_rt.timers, &n->ue[i]->t_hold);
        if (ue_deregister(n->ue[i], true) < 0)
            ue_lose_radio(n->ue[i]);
    }
    net_run(n, 60 * NET_S);
    for (uint32_t i = 0; i < n->o.phones; i++)
        ue_drop(n->ue[i]);
    for (uint32_t i = 0; i < NET_CELLS; i++)
        cell_free(&n->cells[i]);
    /* Those that left unheard of are deregistered implicitly; all others are gone at once. */
    net_run(n, 5 * NET_S);
    if (n->amf->ues->registered)
        net_run(n, 4ull * 3600 * NET_S);
    assert_int_equal(n->amf->gnbs.used, 0);
    assert_int_equal(n->amf->ues->conns.used, 0);
    assert_int_equal(n->amf->ues->sessions.used, 0);
    assert_int_equal(n->amf->ues->registered, 0);
    assert_int_equal(n->amf->ues->ues.used, 0);
    assert_int_equal(map_count(&n->amf->ues->by_tmsi), 0);
    assert_int_equal(n->smf->sessions.used, 0);
    assert_int_equal(n->smf->ues.used, 0);
    assert_int_equal(n->upf->sessions.used, 0);
    assert_int_equal(n->core.procs_running, 0);
    assert_int_equal(n->core.calls_open, 0);
    assert_int_equal(n->ran.ues.used, 0);
    assert_int_equal(n->ran.sessions.used, 0);
    assert_int_equal(n->ran.links.used, 0);
    assert_int_equal(n->ran.bearers.used, 0);
    assert_int_equal(n->ran_rt.timers.n, 0);
    ran_free(&n->ran);
    assert_int_equal(n->ran_rt.frames.in_use, 0);
    nf_stop_all(&n->core);
    sbi_json_mode_end(&n->core);
    nf_stop_all(&n->upf_rt);
    user_plane_close(n->path);
    guard_free(n->guard[0]);
    guard_free(n->guard[1]);
    rt_free(&n->core);
    rt_free(&n->upf_rt);
    rt_free(&n->ran_rt);
    for (uint32_t i = 0; i < 3; i++)
        crypto_free(n->crypto[i]);
    store_memory_free(n->store);
    world_free(n->w);
    metrics_free(n->metrics);
    free(n->config_memory);
    free(n->ue);
    free(n);
}

/* ---- steps ---- */
static inline void net_register(struct net *n, struct ue *ue)
{
    assert_int_equal(ue_register(ue), OK);
    assert_true(net_run_until(n, ue->state == MM_REGISTERED, 3 * NET_S));
    net_run(n, 100 * NET_MS);
}
static inline struct ue_session *net_session(struct net *n, struct ue *ue, const char *dnn, uint8_t type)
{
    int psi = ue_session_open(ue, &(struct ue_open){.dnn = dnn, .type = type, .has_slice = true, .slice = {.sst = 1}});
    assert_true(psi > 0);
    net_run_until(n, !ue_session_find(ue, (uint8_t)psi) || ue_session_find(ue, (uint8_t)psi)->bearer, 5 * NET_S);
    net_run(n, 100 * NET_MS);
    struct ue_session *s = ue_session_find(ue, (uint8_t)psi);
    assert_non_null(s);
    assert_int_equal(s->state, SM_ACTIVE);
    assert_non_null(s->bearer);
    return s;
}
static inline void net_ping(struct net *n, struct ue_session *s, const char *to)
{
    struct net_addr far;
    uint32_t before = s->pings_received;
    assert_true(addr_parse(&far, str_of(to), 0));
    assert_int_equal(ue_ping(s->ue, s->psi, &far, 56), OK);
    assert_true(net_run_until(n, s->pings_received == before + 1, 5 * NET_S));
    net_run(n, 50 * NET_MS);
}
static inline void net_idle(struct net *n, struct ue *ue)
{
    assert_non_null(ue->link);
    assert_int_equal(gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity), OK);
    assert_true(net_run_until(n, ue->link == NULL, 3 * NET_S));
    net_run(n, 200 * NET_MS);
}
/* A packet from the data network to the phone's session. */
static inline void net_from_far(struct net *n, struct ue_session *s)
{
    uint8_t p[200];
    struct net_addr to = {.family = 4}, far = addr_v4(0x08080808, 0);
    memcpy(to.ip, s->ipv4, 4);
    uint32_t k = echo_request(&far, &to, 77, 1, 32, p, sizeof p);
    int tun = world_tun(n->w, n->upf_env, NULL, str_is(str_of(s->dnn), "ims") ? "n6ims" : "n6internet");
    assert_int_equal(world_inject(n->w, tun, (struct bytes){p, k}), OK);
}
/* The same scenario with calls as structs and as JSON: what happened must be the same to the microsecond. */
static inline void net_both_ways(void (*scenario)(struct net *), struct net_options o)
{
    uint64_t trace[2];
    for (int json = 0; json < 2; json++) {
        o.json = json;
        struct net *n = net_new(o);
        scenario(n);
        trace[json] = n->core.trace;
        net_free(n);
    }
    assert_int_equal(trace[0], trace[1]);
}
