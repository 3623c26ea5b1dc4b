/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/sim_net.h"
#include "nf/ausf/ausf.h"
#include "nf/nssf/nssf.h"
#include "nf/pcf/pcf.h"
#include "nf/udm/udm.h"
#include "nf/udr/udr.h"
#include "nf/upf/upf.h"
#include "proto/sbi.h"
#include <stdio.h>
#include <stdlib.h>

enum { STRANGERS = 64 }; /* that may be there beside the phones */
#define PLMN {0x00, 0xf1, 0x10}
#define OTHER_PLMN {0x13, 0x00, 0x14} /* 310-410 */
static const struct gnb_ta TA[3] = {{{0, 0, 1}, PLMN, 2, {{1, {0}, false}, {1, {0, 0, 9}, true}}},
                                    {{0, 0, 2}, PLMN, 2, {{1, {0}, false}, {1, {0, 0, 9}, true}}},
                                    {{0, 0, 2}, OTHER_PLMN, 2, {{1, {0}, false}, {1, {0, 0, 9}, true}}}};
static const char HN_KEY[] = "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d";

uint64_t sim_draw(uint64_t seed, uint64_t what) /* splitmix64 of both */
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u + (what + 1) * 0xd1342543de82ef95u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ---- what a seed means ---- */
static uint32_t phones_of(uint64_t r)
{
    switch (r % 16) {
    case 0: return 1;
    case 1: return 2;
    case 15: return 20 + (uint32_t)(r >> 8) % (SIM_PHONES_MAX - 19);
    case 14: case 13: return 10 + (uint32_t)(r >> 8) % 20;
    default: return 2 + (uint32_t)(r >> 8) % 8;
    }
}
static void limits_draw(struct sim_plan *p, uint64_t r)
{
    p->max_ues = p->phones / 2 + 1;
    p->max_sessions = p->phones / 2 + 1;
    p->core_memory = (1u << 20) + (uint32_t)(r >> 8) % (1u << 20);
    if (r & 1)
        p->max_ues = p->phones + 8;
    if (r & 2)
        p->max_sessions = p->phones * 3 + 8;
    if (r & 4)
        p->core_memory = 64u << 20;
}
void sim_plan_draw(struct sim_plan *p, uint64_t seed)
{
    uint64_t at = 0;
#define DRAW() sim_draw(seed, at++)
    *p = (struct sim_plan){.seed = seed};
    p->phones = p->phones_drawn = phones_of(DRAW());
    p->cells = 1 + (uint32_t)(DRAW() % SIM_CELLS_MAX);
    p->for_us = (10 + DRAW() % 110) * (uint64_t)SIM_S;
    p->steps = 20 + (uint32_t)(DRAW() % 180);
    if (p->phones > 30)
        p->steps += p->phones * 2;
    p->suci = (uint8_t)(DRAW() % 3);
    p->json = DRAW() % 3 == 0;
    p->eap = DRAW() % 3 == 0;
    p->two_slices = DRAW() & 1;
    p->inactivity = DRAW() & 1;
    for (uint32_t i = 0; i < SIM_FAULT_DRAWN_FIRST; i++)
        if (DRAW() % 4 == 0)
            p->faults |= 1u << i;
    if (DRAW() % 8 == 0)
        p->faults = 0; /* the weather is fine */
    limits_draw(p, DRAW());
    static const uint32_t ppm[] = {10000, 50000, 100000, 200000};
    p->links = (struct world_faults){.delay_min_us = 50}; /* one draw a statement: their order is the seed's meaning */
    p->links.udp_loss_ppm = ppm[DRAW() % 4];
    p->links.udp_double_ppm = ppm[DRAW() % 4];
    p->links.delay_max_us = 1000 + (uint32_t)(DRAW() % 50000);
    p->links.sctp_cut_ppm = 200 + (uint32_t)(DRAW() % 5000);
    if (DRAW() % 4 == 0)
        p->faults |= 1u << SIM_FAULT_attack;
    p->two_plmns = DRAW() % 4 == 0;
    if (DRAW() % 4 == 0)
        p->faults |= 1u << SIM_FAULT_torn;
    if (DRAW() % 4 == 0)
        p->faults |= 1u << SIM_FAULT_function;
#undef DRAW
}

/* ---- subscribers ---- */
struct str sim_supi(const struct sim_net *n, uint32_t phone, char text[24])
{
    int k = snprintf(text, 24, "imsi-%s", n->imsi[phone]);
    return (struct str){text, (uint32_t)k};
}
static bool is_of_other(const struct sim_net *n, uint32_t phone) { return n->plan.two_plmns && phone % 3 == 2; }
static void people_make(struct sim_net *n)
{
    for (uint32_t i = 0; i < n->plan.phones; i++) {
        /* the last digits differ, and all of it is unlike any other number that a log may hold */
        uint64_t msin = 3000000000u + sim_draw(n->plan.seed, 7000 + i) % 6000000000u / 1000 * 1000 + i;
        if (is_of_other(n, i))
            snprintf(n->imsi[i], sizeof n->imsi[i], "310410%09llu", (unsigned long long)(msin % 1000000000));
        else
            snprintf(n->imsi[i], sizeof n->imsi[i], "00101%010llu", (unsigned long long)msin);
        n->key[i] = (struct aka_key){.alg = AKA_MILENAGE, .k_n = 16};
        for (uint32_t k = 0; k < 2; k++) {
            put_be64(n->key[i].k + 8 * k, sim_draw(n->plan.seed, 100000 + 4 * i + k));
            put_be64(n->key[i].opc + 8 * k, sim_draw(n->plan.seed, 100002 + 4 * i + k));
        }
    }
}
int sim_subscribe(struct sim_net *n, uint32_t phone)
{
    char text[24];
    struct str supi = sim_supi(n, phone, text);
    n->subscriber.key = n->key[phone];
    struct subscriber s = n->subscriber;
    bool is_one = true;
    if (n->shape)
        n->shape(n->shape_ctx, phone, NULL, &s, &is_one);
    int e = is_one || n->amf ? subscriber_put(n->store, supi, &s) : OK;
    secret_wipe(&s.key, sizeof s.key);
    if (e == OK && n->amf)
        e = subscriber_note_change(n->store, supi, env_unix_us(n->core_env), false);
    return e == OK ? store_sync(n->store) : e; /* as who provisions does */
}
int sim_unsubscribe(struct sim_net *n, uint32_t phone)
{
    char text[24];
    struct str supi = sim_supi(n, phone, text);
    int e = subscriber_remove(n->store, supi);
    if (e == OK)
        e = subscriber_note_change(n->store, supi, env_unix_us(n->core_env), true);
    return e == OK ? store_sync(n->store) : e;
}
static int subscribe_all(struct sim_net *n)
{
    struct subscriber_profile p = {.ambr_down_bps = 1000000000, .ambr_up_bps = 500000000, .n_slices = 2, .n_dnns = 3};
    n->subscriber = (struct subscriber){.amf = AKA_AMF_5G,
                                        .auth = n->plan.eap ? SUBSCRIBER_AUTH_EAP_AKA_PRIME : SUBSCRIBER_AUTH_5G_AKA};
    p.slices[0] = (struct subscriber_slice){.sst = 1, .is_default = true};
    p.slices[1] = (struct subscriber_slice){.sst = 1, .sd = {0, 0, 9}, .has_sd = true};
    for (uint32_t i = 0; i < 3; i++)
        p.dnns[i] = (struct subscriber_dnn){.slice = i == 2, .name = i == 1 ? STR("ims") : STR("internet"),
                                            .is_default = i != 1, .types = 7 | SUBSCRIBER_ETHERNET, .default_type = SUBSCRIBER_IPV4};
    int e = subscriber_profile_put(n->store, &p, &n->subscriber.profile);
    for (uint32_t i = 0; e == OK && i < n->plan.phones; i++)
        e = sim_subscribe(n, i);
    return e == OK ? store_sync(n->store) : e;
}

/* ---- configuration ---- */
static int configure(struct sim_net *n)
{
    const struct sim_plan *p = &n->plan;
    bool limited = SIM_HAS(p, memory);
    struct config_report *report = calloc(1, sizeof *report);
    char text[4096], keys[256] = "";
    if (p->suci)
        snprintf(keys, sizeof keys, "udm:\n  suci_null_allowed: false\n  home_network_keys: [{id: 1, profile: %c, key: %s}]\n",
                 p->suci == SUCI_PROFILE_A ? 'A' : 'B', HN_KEY);
    uint32_t sessions = limited ? p->max_sessions : p->phones * 4 + 16;
    int k = snprintf(text, sizeof text,
                     "%samf:\n  n2_addresses: [10.0.0.1]\n  tais: [{tac: 1}, {tac: 2}%s]\n  slices: [1, 1-000009]\n  max_ues: %u\n%s"
                     "smf:\n  n4_address: 10.0.0.1\n  upfs: [{name: upf, address: 10.0.0.2}]\n  max_sessions: %u\n"
                     "  dnns:\n    - {name: internet, ipv4_pool: 10.45.0.0/16, ipv6_pool: \"fd00:10:45::/48\"}\n"
                     "    - {name: ims, ipv4_pool: 10.46.0.0/16, ipv6_pool: \"fd00:10:46::/48\"}\n"
                     "upf:\n  n4_address: 10.0.0.2\n  n3_addresses: [10.0.0.2]\n  max_sessions: %u\n%s"
                     "  n6: [{dnn: internet, tun: n6internet, ipv4: 10.45.0.1/16, ipv6: \"fd00:10:45::1/48\"},\n"
                     "       {dnn: ims, tun: n6ims, ipv4: 10.46.0.1/16, ipv6: \"fd00:10:46::1/48\"}]\n",
                     p->two_plmns ? "network: {plmns: [001-01, 310-410]}\n" : "", p->two_plmns ? ", {tac: 2, plmn: 310-410}" : "",
                     limited ? p->max_ues : p->phones + 8 + (SIM_HAS(p, attack) ? STRANGERS : 0), keys, sessions, sessions + 16,
                     SIM_HAS(p, attack) ? "  check_gnb_address: true\n" : ""); /* gNBs of the simulation send from where they receive */
    n->config_memory = malloc(CONFIG_ARENA_OCTETS);
    int e = ERR_NOSPACE;
    if (n->config_memory && report) {
        struct arena a = arena_over(n->config_memory, CONFIG_ARENA_OCTETS);
        e = config_parse_with(&n->config, &a, STR("simulation"), (struct str){text, (uint32_t)k}, n->sets, n->n_sets, report);
        if (e < 0)
            snprintf(n->why, sizeof n->why, "configuration: %.200s", report->text);
    }
    free(report);
    return e;
}

/* ---- hosts ---- */
static bool may_end_tunnel(void *ctx, struct bytes node_id, struct bits address)
{
    return amf_node_may_end_tunnel(&((struct sim_net *)ctx)->config, node_id, address);
}
static void found(void *ctx, const struct guard_finding *f)
{
    struct sim_net *n = ctx;
    n->found(n->found_ctx, f);
}
static int guard_start(struct sim_net *n, struct rt *rt, uint32_t i)
{
    struct guard_conf c = {.max_ues = n->plan.phones + 64, .max_sessions = 4 * n->plan.phones + 64,
                           .may_end_tunnel = may_end_tunnel, .found = found, .ctx = n};
    for (uint32_t k = 0; k < n->config.amf.n_integrity && k < 4; k++)
        c.integrity[c.n_integrity++] = (uint8_t)n->config.amf.integrity[k];
    for (uint32_t k = 0; k < n->config.amf.n_ciphering && k < 4; k++)
        c.ciphering[c.n_ciphering++] = (uint8_t)n->config.amf.ciphering[k];
    return guard_open(&n->guard[i], rt, &c);
}
static int rt_open(struct sim_net *n, struct rt *rt, struct env *env, uint32_t i, size_t memory)
{
    int e = rt_init(rt, env, memory);
    if (e == OK)
        e = crypto_init(&n->crypto[i]);
    if (e < 0)
        return e;
    rt->crypto = n->crypto[i];
    rt->config = &n->config;
    rt->log = i == 2 ? NULL : &n->log;
    rt->taps = n->tap[i].fn ? &n->tap[i] : NULL;
    world_attach(n->w, env, rt);
    rt_enter(rt);
    return i < 2 && n->found ? guard_start(n, rt, i) : OK;
}
static void rt_close(struct sim_net *n, struct rt *rt, uint32_t i)
{
    if (i < 2) {
        guard_free(n->guard[i]);
        n->guard[i] = NULL;
    }
    if (rt->env)
        rt_free(rt);
    crypto_free(n->crypto[i]);
    n->crypto[i] = NULL;
}
int sim_upf_start(struct sim_net *n)
{
    int e = rt_open(n, &n->upf_rt, n->upf_env, 1, 32 << 20);
    if (e == OK)
        e = user_plane_inline_open(&n->path, &n->upf_rt, &n->config);
    if (e == OK)
        e = nf_start(&n->upf_rt, &upf_nf);
    n->upf = e == OK ? nf_state(&n->upf_rt, SBI_NF_UPF) : NULL;
    return e;
}
int sim_core_start(struct sim_net *n)
{
    static const struct nf_desc *const all[] = {&udr_nf, &udm_nf, &ausf_nf, &pcf_nf, &nssf_nf, &smf_nf, &amf_nf};
    int e = rt_open(n, &n->core, n->core_env, 0, SIM_HAS(&n->plan, memory) ? n->plan.core_memory : 64u << 20);
    n->core.store = n->store;
    n->core.metrics = n->metrics;
    if (e == OK && n->plan.json)
        e = sbi_json_mode(&n->core);
    for (uint32_t i = 0; e == OK && i < ARRAY_LEN(all); i++) {
        e = nf_start(&n->core, all[i]);
        if (e < 0)
            snprintf(n->why, sizeof n->why, "%s does not start: %s", all[i]->name, err_text(e));
    }
    n->amf = e == OK ? nf_state(&n->core, SBI_NF_AMF) : NULL;
    n->smf = e == OK ? nf_state(&n->core, SBI_NF_SMF) : NULL;
    return e;
}

/* A killed process says nothing more: what is freed of it speaks to nobody, and writes to no disk. */
static uint64_t dead_now(struct env *e) { return 0; }
static void dead_random(struct env *e, void *p, size_t n) { memset(p, 1, n); }
static int dead_listen(struct env *e, const struct sctp_local *l, const struct sctp_sink *s) { return ERR_STATE; }
static int dead_connect(struct env *e, const struct sctp_local *l, const struct net_addr *a, const struct sctp_sink *s, uint64_t *assoc)
{
    return ERR_STATE;
}
static int dead_sctp_send(struct env *e, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes b) { return OK; }
static void dead_sctp_close(struct env *e, uint64_t assoc, bool abort) {}
static int dead_udp_open(struct env *e, const struct net_addr *a, const struct udp_sink *s) { return ERR_STATE; }
static int dead_udp_send(struct env *e, int sock, const struct net_addr *to, struct bytes b) { return OK; }
static void dead_close(struct env *e, int sock) {}
static int dead_tun_open(struct env *e, const struct tun_config *c, const struct tun_sink *s) { return ERR_STATE; }
static int dead_tun_send(struct env *e, int tun, struct bytes b) { return OK; }
static struct env *dead(void)
{
    static const struct env_ops ops = {dead_now, dead_now, dead_random, dead_listen, dead_connect, dead_sctp_send,
                                       dead_sctp_close, dead_udp_open, dead_udp_send, dead_close, dead_tun_open,
                                       dead_tun_send, dead_close};
    static const struct env env = {&ops};
    return (struct env *)(uintptr_t)&env;
}
static void core_bury(struct sim_net *n)
{
    struct store *none = store_memory_new();
    n->core.env = dead();
    n->core.store = none;
    n->core.log = NULL;
    n->core.taps = NULL;
    n->core.metrics = NULL;
    nf_stop_all(&n->core);
    sbi_json_mode_end(&n->core);
    rt_close(n, &n->core, 0);
    store_memory_free(none);
    n->amf = NULL;
    n->smf = NULL;
}
void sim_core_kill(struct sim_net *n, uint32_t kept)
{
    world_kill(n->w, n->core_env);
    core_bury(n);
    store_memory_crash(n->store, kept);
    n->core_was_killed = true;
}
static const struct nf_desc *const functions[SIM_FUNCTIONS] = {&ausf_nf, &udm_nf, &pcf_nf, &nssf_nf, &udr_nf};
const char *sim_function_kill(struct sim_net *n, uint32_t which)
{
    rt_enter(&n->core);
    nf_stop(&n->core, functions[which]->kind);
    return functions[which]->name;
}
int sim_function_start(struct sim_net *n, uint32_t which)
{
    rt_enter(&n->core);
    return n->core.nf[functions[which]->kind] ? OK : nf_start(&n->core, functions[which]);
}
struct torn {
    uint32_t skip, n, key_n;
    uint8_t key[128], value[2048];
};
static int row_pick(void *ctx, struct bytes key, struct bytes value)
{
    struct torn *t = ctx;
    if (t->skip--)
        return 0;
    t->key_n = key.n <= sizeof t->key && value.n <= sizeof t->value ? key.n : 0;
    if (t->key_n)
        memcpy(t->key, key.p, key.n), memcpy(t->value, value.p, t->n = value.n);
    return 1;
}
void sim_rows_tear(struct sim_net *n, uint64_t x)
{
    static const enum store_table tables[] = {STORE_amf_ue, STORE_smf_session};
    for (uint32_t i = 0; i < ARRAY_LEN(tables); i++) {
        int64_t rows = n->store->ops->count(n->store, tables[i]);
        struct torn t = {.skip = rows > 0 ? (uint32_t)(x >> 20 * i) % (uint32_t)rows : 0};
        if (rows <= 0 || n->store->ops->scan(n->store, tables[i], (struct bytes){NULL, 0}, row_pick, &t) != 1 || !t.key_n || !t.n)
            continue;
        store_put(n->store, tables[i], (struct bytes){t.key, t.key_n}, (struct bytes){t.value, (uint32_t)(x >> 40) % t.n});
    }
    store_sync(n->store);
}
void sim_upf_kill(struct sim_net *n)
{
    world_kill(n->w, n->upf_env);
    n->upf_rt.env = dead();
    n->upf_rt.log = NULL;
    n->upf_rt.taps = NULL;
    nf_stop_all(&n->upf_rt);
    user_plane_close(n->path);
    rt_close(n, &n->upf_rt, 1);
    n->path = NULL;
    n->upf = NULL;
}

/* ---- the RAN ---- */
int sim_cell_start(struct sim_net *n, uint32_t i)
{
    struct net_addr amf = addr_v4(0x0a000001, 38412);
    return gnb_start(&n->cells[i].gnb, &amf);
}
static int cell_open(struct sim_net *n, uint32_t i)
{
    struct gnb_config g = {.plmn = PLMN, .id = i + 1, .id_bits = 24, .name = "gnb", .tas = &TA[i % 2 ? 1 + n->plan.two_plmns : 0], .n_tas = 1,
                           .streams = 4};
    int e = cell_init(&n->cells[i], &n->ran, &g);
    return e == OK ? sim_cell_start(n, i) : e;
}
static int hn_open(struct sim_net *n)
{
    uint8_t raw[32], pub[33];
    struct hn_key *private;
    if (!n->plan.suci)
        return OK;
    hex_get(raw, 32, str_of(HN_KEY));
    int e = hn_key_private_raw(n->crypto[2], n->plan.suci, raw, &private);
    int k = e == OK ? hn_key_public(private, pub) : e;
    if (k >= 0)
        e = hn_key_public_raw(n->crypto[2], n->plan.suci, (struct bytes){pub, (uint32_t)k}, &n->hn);
    if (k >= 0)
        hn_key_free(private);
    return k < 0 ? k : e;
}
int sim_phone_open(struct sim_net *n, uint32_t i)
{
    struct ue_config u = {.usim = {.imsi = n->imsi[i], .mnc_digits = (uint8_t)(2 + is_of_other(n, i)), .key = n->key[i], .hn = n->hn, .hn_id = 1},
                          .n_slices = n->plan.two_slices && i % 2 ? 2 : 1, .user = (void *)(uintptr_t)i};
    u.slices[0] = (struct gnb_slice){.sst = 1};
    u.slices[1] = (struct gnb_slice){.sst = 1, .sd = {0, 0, 9}, .has_sd = true};
    if (n->shape)
        n->shape(n->shape_ctx, i, &u, NULL, NULL);
    n->ue[i] = ue_new(&n->ran, &u);
    secret_wipe(&u.usim.key, sizeof u.usim.key);
    if (!n->ue[i])
        return ERR_NOSPACE;
    ue_camp(n->ue[i], &n->cells[i % n->plan.cells]);
    return OK;
}
static void on_event(void *ctx, struct ue *ue, const struct ue_event *e)
{
    struct sim_net *n = ctx;
    if (n->event)
        n->event(n->ctx, ue, e);
}
static int ran_open(struct sim_net *n)
{
    int e = rt_open(n, &n->ran_rt, n->ran_env, 2, 8 << 20);
    struct ran_config rc = {.max_ues = n->plan.phones + 4, .max_sessions = n->plan.phones * 8 + 16,
                            .n3 = addr_v4(0x0a000010, 0), .event = on_event, .ctx = n,
                            .inactivity_us = n->plan.inactivity ? 5 * SIM_S : 0};
    if (e == OK)
        e = hn_open(n);
    if (e == OK)
        e = ran_init(&n->ran, &n->ran_rt, &rc);
    for (uint32_t i = 0; e == OK && i < n->plan.cells; i++)
        e = cell_open(n, i);
    return e;
}

/* ---- all of it ---- */
static uint64_t clock_us(void *env) { return env_unix_us(env); }
static int world_open(struct sim_net *n)
{
    static const uint8_t secret[16] = {3};
    struct net_addr core = addr_v4(0x0a000001, 0), upf = addr_v4(0x0a000002, 0), ran = addr_v4(0x0a000010, 0);
    n->w = world_new(n->plan.seed);
    n->store = store_memory_new();
    n->metrics = metrics_new();
    if (!n->w || !n->store || !n->metrics)
        return ERR_NOSPACE;
    n->core_env = world_host(n->w, "core", &core);
    n->upf_env = world_host(n->w, "upf", &upf);
    n->ran_env = world_host(n->w, "ran", &ran);
    if (!n->core_env || !n->upf_env || !n->ran_env)
        return ERR_NOSPACE;
    void (*line)(void *, struct str) = n->log.line;
    void *ctx = n->log.ctx;
    log_init(&n->log, secret);
    log_set_level(&n->log, LOG_DEBUG);
    n->log.line = line;
    n->log.ctx = ctx;
    n->log.unix_us = clock_us;
    n->log.clock = n->core_env;
    n->log.rate_s = n->log.burst = 1000000;
    return OK;
}
int sim_net_start(struct sim_net *n, const struct sim_plan *p)
{
    n->plan = *p;
    people_make(n);
    int e = world_open(n);
    if (e == OK)
        e = configure(n);
    if (e == OK)
        e = subscribe_all(n);
    if (e == OK)
        e = sim_upf_start(n);
    if (e == OK)
        e = data_network_start(&n->dn, n->w, n->upf_env, NULL);
    if (e == OK)
        e = sim_core_start(n);
    if (e == OK)
        e = ran_open(n);
    if (e == OK)
        sim_net_run(n, 8 * SIM_S); /* N2 and N4 are up */
    for (uint32_t i = 0; e == OK && i < p->cells; i++)
        e = n->cells[i].gnb.state == GNB_READY ? OK : ERR_STATE;
    if (e == OK && !smf_upf_is_up(&n->smf->upfs[0]))
        e = ERR_STATE;
    for (uint32_t i = 0; e == OK && i < p->phones; i++)
        e = sim_phone_open(n, i);
    if (e < 0 && !n->why[0])
        snprintf(n->why, sizeof n->why, "the network does not start: %s", err_text(e));
    return e;
}
void sim_net_stop(struct sim_net *n)
{
    if (n->ran.rt) {
        for (uint32_t i = 0; i < n->plan.cells; i++)
            cell_free(&n->cells[i]);
        ran_free(&n->ran);
    }
    hn_key_free(n->hn);
    if (n->core.env)
        core_bury(n);
    if (n->upf_rt.env && n->w)
        sim_upf_kill(n);
    rt_close(n, &n->ran_rt, 2);
    store_memory_free(n->store);
    world_free(n->w);
    metrics_free(n->metrics);
    free(n->config_memory);
    secret_wipe(n->key, sizeof n->key);
}
void sim_net_run(struct sim_net *n, uint64_t us)
{
    /* what the caller did from outside of an event is looked at first */
    if (n->ran_rt.env)
        world_attach(n->w, n->ran_env, &n->ran_rt);
    if (n->core.env)
        world_attach(n->w, n->core_env, &n->core);
    world_run(n->w, us);
    if (n->ran_rt.env)
        rt_enter(&n->ran_rt);
    if (n->core.env)
        rt_enter(&n->core);
}
void sim_phone_leave(struct sim_net *n, uint32_t i)
{
    struct ue *ue = n->ue[i];
    ue->wants_registration = ue->register_again = false;
    timer_stop(&n->ran_rt.timers, &ue->t_retry);
    if (ue_deregister(ue, true) < 0)
        ue_lose_radio(ue);
}
void sim_all_leave(struct sim_net *n)
{
    for (uint32_t i = 0; i < n->plan.phones; i++)
        sim_phone_leave(n, i);
    sim_net_run(n, 60 * SIM_S);
    for (uint32_t i = 0; i < n->plan.phones; i++) {
        ue_drop(n->ue[i]);
        n->ue[i] = NULL;
    }
    for (uint32_t i = 0; i < n->plan.cells; i++)
        cell_free(&n->cells[i]);
    sim_net_run(n, 5 * SIM_S);
    if (n->amf->ues->ues.used)
        sim_net_run(n, 4 * 3600ull * SIM_S);
}
struct amf_ue *sim_amf_ue(struct sim_net *n, uint32_t phone)
{
    char supi[24];
    return n->amf ? amf_ue_by_supi(n->amf, sim_supi(n, phone, supi)) : NULL;
}
uint32_t sim_phone_of(const struct sim_net *n, const struct ue *ue) { return (uint32_t)(uintptr_t)ue->user; }
