/* SPDX-License-Identifier: Apache-2.0 */
/* core.h - UDR, UDM and AUSF in one process of the simulated world, a store that survives it, and a test that calls
 * them as an AMF or SMF does. */
#pragma once
#include "base/log.h"
#include "codec/sbi_text.h"
#include "crypto/kdf.h"
#include "nf/ausf/ausf.h"
#include "nf/udm/udm.h"
#include "nf/udr/udr.h"
#include "proto/sbi.h"
#include "rt/config.h"
#include "rt/metrics.h"
#include "sim/store_memory.h"
#include "sim/world.h"
#include "tests/test.h"
#include <stdlib.h>

#define SN_NAME "5G:mnc001.mcc001.3gppnetwork.org"
#define SUPI    "imsi-001010000000001"
static const char HN_A[] = "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d"; /* TS 33.501 C.4.3 */
static const char HN_B[] = "f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda"; /* TS 33.501 C.4.4 */
static const uint8_t TEST_K[16] = {0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f,
                                   0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6, 0xbc};
static const uint8_t TEST_OPC[16] = {0xe8, 0xed, 0x28, 0x9d, 0xeb, 0xa9, 0x52, 0xe4,
                                     0x28, 0x3b, 0x54, 0xe8, 0x8e, 0x61, 0x83, 0xca};

static bool core_json;     /* calls travel as JSON */
static bool core_separate; /* keys are sealed in the store, and another process holds them */
#define RUN_BOTH(...)                                                                              \
    ({                                                                                             \
        int failed_ = RUN(__VA_ARGS__);                                                            \
        core_json = true;                                                                          \
        failed_ += RUN(__VA_ARGS__);                                                               \
        core_json = false;                                                                         \
        core_separate = true;                                                                      \
        failed_ + RUN(__VA_ARGS__);                                                                \
    })

/* That process, without a process: requests and answers are octets, and an answer comes a turn later. */
struct keys {
    struct key_port port; /* first */
    struct rt *rt;
    struct key_box box;
    struct work work;
    bool dead, silent;
    uint32_t n, asked, cancelled;
    struct {
        struct key_ask *ask;
        enum key_kind kind;
        uint8_t octets[KEY_REQUEST_OCTETS];
    } waiting[128];
};

struct core {
    struct world *w;
    struct env *env;
    struct rt rt;
    struct store *store;
    struct crypto *crypto;
    struct config config;
    uint8_t *config_memory;
    struct log log;
    char text[8192]; /* what was logged */
    uint32_t text_n;
    bool running;
    struct keys keys;
};
static inline void keys_work(struct work *w)
{
    struct keys *k = CONTAINER(w, struct keys, work);
    for (uint32_t i = 0; i < k->n; i++) {
        struct key_request q;
        struct key_answer a, r;
        enum key_kind kind;
        uint8_t octets[KEY_ANSWER_OCTETS];
        assert_int_equal(key_request_decode(BYTES_OF(k->waiting[i].octets), &q), OK);
        key_box_answer(&k->box, &q, &a);
        if (k->dead)
            a.error = ERR_IO;
        key_answer_encode(&a, q.kind, octets);
        assert_int_equal(key_answer_decode(BYTES_OF(octets), &r, &kind), OK);
        assert_int_equal(kind, k->waiting[i].kind);
        if (k->waiting[i].ask)
            k->waiting[i].ask->done(k->waiting[i].ask, &r);
    }
    k->n = 0;
}
static inline int keys_ask(struct key_port *p, struct key_request *q, struct key_ask *a)
{
    struct keys *k = (struct keys *)p;
    if (k->n == ARRAY_LEN(k->waiting))
        return ERR_FULL;
    int e = key_request_encode(q, k->waiting[k->n].octets);
    if (e < 0)
        return e;
    k->waiting[k->n].ask = a;
    k->waiting[k->n++].kind = q->kind;
    k->asked++;
    if (k->n == 1 && !k->silent) {
        k->work = (struct work){.fn = keys_work};
        rt_queue(k->rt, &k->work);
    }
    return OK;
}
static inline void keys_cancel(struct key_port *p, struct key_ask *a)
{
    struct keys *k = (struct keys *)p;
    k->cancelled++;
    for (uint32_t i = 0; i < k->n; i++)
        if (k->waiting[i].ask == a)
            k->waiting[i].ask = NULL;
}
static inline void keys_open(struct keys *k, struct rt *rt, struct crypto *c)
{
    const char *text[] = {HN_A, HN_B};
    k->port = (struct key_port){keys_ask, keys_cancel};
    k->rt = rt;
    k->n = 0;
    if (!k->box.n_hn)
        for (int i = 0; i < 2; i++) {
            uint8_t raw[32];
            assert_true(hex_get(raw, 32, str_of(text[i])));
            k->box.hn[i].id = (uint32_t)i + 1;
            assert_int_equal(hn_key_private_raw(c, i ? SUCI_PROFILE_B : SUCI_PROFILE_A, raw, &k->box.hn[i].key), OK);
        }
    k->box.n_hn = 2;
    k->box.crypto = c;
    memset(k->box.seal.k, 0x5e, sizeof k->box.seal.k);
    rt->keys = &k->port;
}
static inline void core_log(void *ctx, struct str line)
{
    struct core *t = ctx;
    if (t->text_n + line.n < sizeof t->text) {
        memcpy(t->text + t->text_n, line.p, line.n);
        t->text_n += line.n;
        t->text[t->text_n] = 0;
    }
}
static inline void core_start(struct core *t)
{
    static const uint8_t secret[16] = {1};
    assert_int_equal(rt_init(&t->rt, t->env, 4 << 20), OK);
    t->rt.api_root = "http://127.0.0.5:7777";
    t->rt.store = t->store;
    t->rt.crypto = t->crypto;
    t->rt.config = &t->config;
    if (core_separate)
        keys_open(&t->keys, &t->rt, t->crypto);
    t->rt.metrics = metrics_new();
    log_init(&t->log, secret);
    log_set_level(&t->log, LOG_DEBUG);
    t->log.line = core_log;
    t->log.ctx = t;
    t->rt.log = &t->log;
    world_attach(t->w, t->env, &t->rt);
    rt_enter(&t->rt);
    assert_int_equal(core_json ? sbi_json_mode(&t->rt) : OK, OK);
    assert_int_equal(nf_start(&t->rt, &udr_nf), OK);
    assert_int_equal(nf_start(&t->rt, &udm_nf), OK);
    assert_int_equal(nf_start(&t->rt, &ausf_nf), OK);
    t->running = true;
}
/* Cleanly, or as a killed process: of what was not synced, the first `kept` writes survive. */
static inline void core_end(struct core *t)
{
    assert_int_equal(t->rt.procs_running, 0);
    assert_int_equal(t->rt.calls_open, 0);
    metrics_free(t->rt.metrics);
    world_attach(t->w, t->env, NULL);
    sbi_json_mode_end(&t->rt);
    rt_free(&t->rt);
    t->running = false;
}
static inline void core_stop(struct core *t)
{
    nf_stop_all(&t->rt);
    while (rt_turn(&t->rt) <= t->rt.now_us)
        ;
    core_end(t);
}
static inline void core_kill(struct core *t, uint32_t kept)
{
    store_memory_fail(t->store, "killed", true); /* whatever its stop would write comes to nothing */
    nf_stop_all(&t->rt);
    while (rt_turn(&t->rt) <= t->rt.now_us)
        ;
    store_memory_fail(t->store, NULL, false);
    store_memory_crash(t->store, kept);
    core_end(t);
}
static inline struct core *core_new(const char *yaml)
{
    struct core *t = calloc(1, sizeof *t);
    struct config_report *report = calloc(1, sizeof *report);
    struct net_addr a = addr_v4(0x0a000001, 0);
    char text[1024];
    assert_non_null(t);
    t->w = world_new(7);
    t->env = world_host(t->w, "core", &a);
    t->store = store_memory_new();
    assert_int_equal(crypto_init(&t->crypto), OK);
    t->config_memory = malloc(CONFIG_ARENA_OCTETS);
    struct arena arena = arena_over(t->config_memory, CONFIG_ARENA_OCTETS);
    int n = snprintf(text, sizeof text,
                     "udm:\n  home_network_keys: [{id: 1, profile: A, key: %s}, {id: 2, profile: B, key: %s}]\n%s", HN_A,
                     HN_B, yaml);
    int e = config_parse(&t->config, &arena, STR("test"), (struct str){text, (uint32_t)n}, report);
    if (e < 0)
        fail_msg("%s", report->text);
    free(report);
    core_start(t);
    return t;
}
static inline void core_free(struct core *t)
{
    if (t->running)
        core_stop(t);
    store_memory_free(t->store);
    for (uint32_t i = 0; i < t->keys.box.n_hn; i++)
        hn_key_free(t->keys.box.hn[i].key);
    crypto_free(t->crypto);
    world_free(t->w);
    free(t->config_memory);
    free(t);
}

/* ---- subscribers ---- */
static inline struct subscriber core_subscriber(struct core *t, uint64_t sqn, uint8_t auth)
{
    struct subscriber s = {.key = {.alg = AKA_MILENAGE, .k_n = 16}, .amf = 0x8000, .sqn = sqn, .auth = auth};
    struct subscriber_profile p = {.ambr_down_bps = 1000000000, .ambr_up_bps = 500000000, .n_slices = 2, .n_dnns = 2};
    memcpy(s.key.k, TEST_K, 16);
    memcpy(s.key.opc, TEST_OPC, 16);
    p.slices[0] = (struct subscriber_slice){.sst = 1, .is_default = true};
    p.slices[1] = (struct subscriber_slice){.sst = 1, .sd = {0, 0, 9}, .has_sd = true};
    for (uint8_t i = 0; i < 2; i++)
        p.dnns[i] = (struct subscriber_dnn){.slice = i, .name = i ? STR("ims") : STR("internet"), .is_default = !i,
                                            .types = 7, .default_type = SUBSCRIBER_IPV4, .fiveqi = 9, .preemptable = true,
                                            .ambr_down_bps = 100000000, .ambr_up_bps = 1500000};
    assert_int_equal(subscriber_profile_put(t->store, &p, &s.profile), OK);
    return s;
}
static inline void core_add(struct core *t, const char *supi, uint64_t sqn, uint8_t auth)
{
    struct subscriber s = core_subscriber(t, sqn, auth);
    static const uint8_t nonce[KEY_SEAL_NONCE] = {7};
    if (core_separate) {
        int n = aka_key_seal(&t->keys.box.seal, nonce, str_of(supi), &s.key, s.sealed);
        assert_true(n > 0);
        s.sealed_n = (uint8_t)n;
    }
    assert_int_equal(subscriber_put(t->store, str_of(supi), &s), OK);
    assert_int_equal(store_sync(t->store), OK);
}

/* ---- a consumer ---- */
struct ask {
    struct proc p;
    struct call *c;
};
static inline void ask_run(struct proc *p, const struct wake *w)
{
    struct ask *a = (struct ask *)p;
    PROC_BEGIN(p);
    call_send(a->c, p);
    AWAIT_CALLS(p);
    AWAIT(p, WANT(WAKE_EVENT));
    PROC_END(p);
}
static const struct proc_type ask_type = {"ask", sizeof(struct ask), ask_run, NULL};
/* q = ASK(t, op): a request to fill; ask_send(t, a): sent, answered; ask_done(a). */
static inline struct ask *ask_new(struct core *t, enum sbi_op op)
{
    struct ask *a = proc_new(&t->rt, &ask_type, t);
    assert_non_null(a);
    a->c = call_new(&t->rt, op);
    assert_non_null(a->c);
    return a;
}
static inline void *ask_request(struct ask *a) { return call_request(a->c); }
static inline int ask_send(struct core *t, struct ask *a)
{
    rt_enter(&t->rt);
    proc_start(&a->p);
    for (int ms = 0; ms < 4000 && !a->c->answered; ms++) {
        world_attach(t->w, t->env, &t->rt); /* it is turned for what was queued from outside */
        world_run(t->w, 1000);
    }
    assert_true(a->c->answered);
    return a->c->status;
}
static inline void ask_done(struct ask *a)
{
    struct rt *rt = a->p.rt;
    rt_turn(rt);
    proc_offer_event(&a->p, 1, NULL);
}
static inline struct ask *ask_auth(struct core *t, const char *who, const char *sn)
{
    struct ask *a = ask_new(t, SBI_nausf_auth_post);
    SBI_REQ(nausf_auth_post) *q = ask_request(a);
    q->body.supi_or_suci = str_of(who);
    q->body.serving_network_name = str_of(sn);
    ask_send(t, a);
    return a;
}
#define assert_str(s, z)                                                                           \
    do {                                                                                           \
        struct str s_ = (s);                                                                       \
        char buf_[600];                                                                            \
        str_copy(buf_, sizeof buf_, s_);                                                           \
        assert_string_equal(buf_, z);                                                              \
    } while (0)
static inline void assert_refused(struct ask *a, int status, const char *cause)
{
    char text[64];
    str_copy(text, sizeof text, call_cause(a->c));
    assert_string_equal(text, cause);
    assert_int_equal(a->c->status, status);
    ask_done(a);
}

/* ---- a phone's SIM ---- */
struct sim {
    struct aka_key key;
    struct aka_sqn_array sqns;
    struct aka_usim_result last;
};
static inline struct sim sim_new(void)
{
    struct sim s = {.key = {.alg = AKA_MILENAGE, .k_n = 16}};
    memcpy(s.key.k, TEST_K, 16);
    memcpy(s.key.opc, TEST_OPC, 16);
    return s;
}
