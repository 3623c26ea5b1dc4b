/* SPDX-License-Identifier: Apache-2.0 */
/* auth_bench.c - what an authentication costs the AUSF, the UDM and the UDR together, calls as structs, over SQLite in
 * memory: microseconds each, one thread. */
#include "codec/sbi.h"
#include "crypto/aka.h"
#include "crypto/kdf.h"
#include "crypto/suci.h"
#include "nf/ausf/ausf.h"
#include "nf/udm/udm.h"
#include "nf/udr/udr.h"
#include "os/store_sqlite.h"
#include "rt/config.h"
#include "sim/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SN_NAME "5G:mnc001.mcc001.3gppnetwork.org"
#define HN_A    "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d"
enum { PHONES = 2000 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct bench {
    struct rt rt;
    struct store *store;
    struct config config;
    struct config_report report;
    uint8_t memory[CONFIG_ARENA_OCTETS];
    char suci[PHONES][160], supi[PHONES][24];
    uint8_t ids[PHONES][33], rand[PHONES][16], autn[PHONES][16];
    struct aka_key key;
};
struct ask {
    struct proc p;
    struct call *c;
    void (*then)(struct bench *, struct call *, uint32_t phone);
    uint32_t phone;
};
static void ask_run(struct proc *p, const struct wake *w)
{
    struct ask *a = (struct ask *)p;
    PROC_BEGIN(p);
    call_send(a->c, p);
    AWAIT_CALLS(p);
    a->then(p->owner, a->c, a->phone);
    PROC_END(p);
}
static const struct proc_type ask_type = {"ask", sizeof(struct ask), ask_run, NULL};
static struct ask *ask_new(struct bench *b, enum sbi_op op, uint32_t phone)
{
    struct ask *a = proc_new(&b->rt, &ask_type, b);
    a->c = call_new(&b->rt, op);
    a->phone = phone;
    return a;
}
static void go(struct bench *b, struct ask *a)
{
    proc_start(&a->p);
    rt_turn(&b->rt);
}

static uint32_t failures;
static void posted(struct bench *b, struct call *c, uint32_t i)
{
    const SBI_RSP(nausf_auth_post) *r = c->rsp;
    failures += c->status != 201;
    if (c->status != 201)
        return;
    memcpy(b->ids[i], r->location.p + r->location.n - 32, 32);
    memcpy(b->rand[i], r->x5g_auth_data.rand.p, 16);
    memcpy(b->autn[i], r->x5g_auth_data.autn.p, 16);
}
static void confirmed(struct bench *b, struct call *c, uint32_t i)
{
    const SBI_RSP(nausf_auth_confirm) *r = c->rsp;
    failures += c->status != 200 || r->auth_result != SBI_AuthResult_AUTHENTICATION_SUCCESS;
}

static double post_all(struct bench *b, bool concealed)
{
    double from = now_us();
    for (uint32_t i = 0; i < PHONES; i++) {
        struct ask *a = ask_new(b, SBI_nausf_auth_post, i);
        SBI_REQ(nausf_auth_post) *q = call_request(a->c);
        q->body.supi_or_suci = str_of(concealed ? b->suci[i] : b->supi[i]);
        q->body.serving_network_name = STR(SN_NAME);
        a->then = posted;
        go(b, a);
    }
    store_sync(b->store);
    return (now_us() - from) / PHONES;
}
static double confirm_all(struct bench *b)
{
    static uint8_t res_star[PHONES][16];
    for (uint32_t i = 0; i < PHONES; i++) { /* the phones' part is not measured */
        struct aka_sqn_array sqns = {{0}};
        struct aka_usim_result u;
        if (aka_usim(b->rt.crypto, &b->key, &sqns, b->rand[i], b->autn[i], &u) == OK)
            kdf_res_star(b->rt.crypto, u.ck, u.ik, STR(SN_NAME), b->rand[i], (struct bytes){u.res, u.res_n}, res_star[i]);
    }
    double from = now_us();
    for (uint32_t i = 0; i < PHONES; i++) {
        struct ask *a = ask_new(b, SBI_nausf_auth_confirm, i);
        SBI_REQ(nausf_auth_confirm) *q = call_request(a->c);
        q->auth_ctx_id = (struct str){(const char *)b->ids[i], 32};
        q->body.res_star = BYTES_OF(res_star[i]);
        a->then = confirmed;
        go(b, a);
    }
    return (now_us() - from) / PHONES;
}
static void registered(struct bench *b, struct call *c, uint32_t i) { failures += !call_ok(c); }
static double register_all(struct bench *b)
{
    double from = now_us();
    for (uint32_t i = 0; i < PHONES; i++) {
        struct ask *a = ask_new(b, SBI_nudm_uecm_amf_register, i), *s = ask_new(b, SBI_nudm_sdm_get, i);
        SBI_REQ(nudm_uecm_amf_register) *q = call_request(a->c);
        q->ue_id = str_of(b->supi[i]);
        q->body.amf_instance_id = STR("00000000-0000-4000-8000-000000000000");
        q->body.dereg_callback_uri = STR("http://127.0.0.5:7777/amf-callback/v1/x");
        q->body.guami.plmn_id.mcc = STR("001");
        q->body.guami.plmn_id.mnc = STR("01");
        q->body.guami.amf_id = STR("020040");
        q->body.rat_type = SBI_RatType_NR;
        SBI_REQ(nudm_sdm_get) *d = call_request(s->c);
        static const struct str sets[] = {{"AM", 2}, {"SMF_SEL", 7}};
        d->supi = str_of(b->supi[i]);
        d->dataset_names.p = sets;
        d->dataset_names.n = 2;
        a->then = s->then = registered;
        proc_start(&a->p);
        go(b, s);
    }
    store_sync(b->store);
    return (now_us() - from) / PHONES;
}

static bool prepare(struct bench *b, struct world *w)
{
    static const uint8_t k[16] = {0x46, 0x5b, 0x5c}, opc[16] = {0xe8, 0xed, 0x28};
    struct subscriber s = {.key = {.alg = AKA_MILENAGE, .k_n = 16}, .amf = 0x8000};
    struct subscriber_profile p = {.n_slices = 1, .n_dnns = 1, .slices = {{.sst = 1, .is_default = true}},
                                   .dnns = {{.name = STR("internet"), .types = 7, .default_type = SUBSCRIBER_IPV4}}};
    char why[128];
    struct arena a = arena_over(b->memory, sizeof b->memory);
    struct net_addr addr = addr_v4(0x0a000001, 0);
    uint8_t priv[32], pub[33];
    struct hn_key *hn, *ue;
    memcpy(s.key.k, k, 16);
    memcpy(s.key.opc, opc, 16);
    b->key = s.key;
    if (config_parse(&b->config, &a, STR("bench"), STR("udm: {home_network_keys: [{id: 1, profile: A, key: " HN_A "}]}\n"),
                     &b->report) < 0 ||
        rt_init(&b->rt, world_host(w, "core", &addr), 16 << 20) < 0 || crypto_init(&b->rt.crypto) < 0 ||
        store_sqlite_open(&b->store, ":memory:", why, sizeof why) < 0 || !hex_get(priv, 32, STR(HN_A)))
        return false;
    b->rt.config = &b->config;
    b->rt.store = b->store;
    b->rt.api_root = "http://127.0.0.5:7777";
    hn_key_private_raw(b->rt.crypto, SUCI_PROFILE_A, priv, &hn);
    hn_key_public(hn, pub);
    hn_key_public_raw(b->rt.crypto, SUCI_PROFILE_A, (struct bytes){pub, 32}, &ue);
    subscriber_profile_put(b->store, &p, &s.profile);
    for (uint32_t i = 0; i < PHONES; i++) {
        uint8_t eph[32] = {1}, bcd[8], out[64];
        char msin[11], hex[129];
        put_be32(eph + 1, i);
        snprintf(msin, sizeof msin, "%010u", i);
        snprintf(b->supi[i], sizeof b->supi[i], "imsi-00101%s", msin);
        int n = suci_msin_put(str_of(msin), bcd, sizeof bcd);
        n = suci_conceal(b->rt.crypto, ue, eph, (struct bytes){bcd, (uint32_t)n}, out, sizeof out);
        hex_put(hex, out, (size_t)n);
        snprintf(b->suci[i], sizeof b->suci[i], "suci-0-001-01-0000-1-1-%s", hex);
        subscriber_put(b->store, str_of(b->supi[i]), &s);
    }
    hn_key_free(hn);
    hn_key_free(ue);
    return store_sync(b->store) == OK && nf_start(&b->rt, &udr_nf) == OK && nf_start(&b->rt, &udm_nf) == OK &&
           nf_start(&b->rt, &ausf_nf) == OK;
}

int main(void)
{
    struct bench *b = calloc(1, sizeof *b);
    struct world *w = world_new(1);
    if (!b || !w || !prepare(b, w))
        return 1;
    double a = post_all(b, true), a_confirm = confirm_all(b);
    double n = post_all(b, false), n_confirm = confirm_all(b), r = register_all(b), r2 = register_all(b);
    printf("nausf_auth_post, SUCI profile A, first of its block %9.2f us\n", a);
    printf("nausf_auth_post, SUPI, within a block               %9.2f us\n", n);
    printf("nausf_auth_confirm                                  %9.2f us\n", a_confirm < n_confirm ? a_confirm : n_confirm);
    printf("nudm_uecm_amf_register and nudm_sdm_get             %9.2f us (again: %.2f)\n", r, r2);
    printf("failures: %u\n", failures);
    nf_stop_all(&b->rt);
    rt_turn(&b->rt);
    crypto_free(b->rt.crypto);
    rt_free(&b->rt);
    store_sqlite_close(b->store);
    world_free(w);
    free(b);
    return failures != 0;
}
