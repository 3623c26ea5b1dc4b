/* SPDX-License-Identifier: Apache-2.0 */
/* bench_decision.c - what a decision at NG Setup costs: the whole service, from the claim to the answer with its reasons,
 * each of another element, so that none was decided before. */
#include "cmd/bench.h"
#include "rt/call.h"
#include "sim/store_memory.h"
#include "sim/world.h"
#include "trust/inventory_store.h"
#include "trust/trust.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { GNBS = 20000, SUPPLIERS = 4, SITES_TEXT = GNBS * 260 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
static bool inventory_import_all(struct store *s)
{
    char *text = malloc(SITES_TEXT + 4096);
    struct inv_report report = {0};
    struct inv_import_result result;
    int n = 0;
    if (!text)
        return false;
    n += snprintf(text, 4096, "{\"suppliers\":[");
    for (uint32_t i = 0; i < SUPPLIERS; i++)
        n += snprintf(text + n, 256, "%s{\"id\":\"s%u\",\"name\":\"Supplier %u\",\"country\":\"%s\"}", i ? "," : "", i, i, i ? "SE" : "CN");
    n += snprintf(text + n, 64, "],\"elements\":[");
    for (uint32_t i = 0; i < GNBS; i++)
        n += snprintf(text + n, 260,
                      "%s{\"id\":\"g%u\",\"function\":\"gnb\",\"supplier\":\"s%u\",\"plmn\":\"001-01\",\"gnb_id\":%u,\"gnb_id_bits\":24,"
                      "\"address\":\"10.%u.%u.%u\",\"identity\":\"address_only\",\"installed\":\"2020-01-01\",\"region\":\"R%u\"}",
                      i ? "," : "", i, i % SUPPLIERS, i, 1 + i / 62500, i / 250 % 250, 1 + i % 250, i % 20);
    n += snprintf(text + n, 8, "]}");
    struct inv_text one = {STR("bench.json"), {text, (uint32_t)n}, true, INV_KINDS};
    struct inv_import m = {.texts = &one, .n_texts = 1, .from = 14000, .now_us = 1700000000000000};
    int e = inventory_import(s, &m, &report, &result);
    if (e < 0)
        fprintf(stderr, "redoubt bench: inventory: %s\n", report.n_findings ? report.findings[0].why : err_text(e));
    inv_report_free(&report);
    free(text);
    return e == OK;
}

static void ask(struct rt *rt, uint32_t i)
{
    struct call *c = call_new(rt, SBI_trust_decide_connect);
    SBI_REQ(trust_decide_connect) *q = call_request(c);
    if (!q)
        return;
    q->body.kind = SBI_TrustKind_GNB;
    q->body.node_id = arena_printf(&c->arena, "gnb-001-01-%06x", i);
    q->body.has.peer_address = q->body.has.plmn_id = q->body.has.gnb_id = q->body.has.gnb_id_bits = true;
    q->body.peer_address = arena_printf(&c->arena, "10.%u.%u.%u", 1 + i / 62500, i / 250 % 250, 1 + i % 250);
    q->body.plmn_id.mcc = STR("001");
    q->body.plmn_id.mnc = STR("01");
    q->body.gnb_id = i;
    q->body.gnb_id_bits = 24;
    call_notify(c);
    rt_turn(rt);
}
/* All answers, counted by what the trust function knows afterwards. */
static bool run(struct rt *rt, double *decision_us, uint32_t *permitted)
{
    double start = now_us();
    for (uint32_t i = 0; i < GNBS; i++)
        ask(rt, i);
    *decision_us = (now_us() - start) / GNBS;
    const struct trust *t = nf_state(rt, SBI_NF_TRUST);
    *permitted = t->n_peers;
    return t->n_peers > 0 && t->n_peers < GNBS; /* some are permitted, some are not */
}

bool bench_decisions(struct policy *policy, double *decision_us)
{
    static struct config config;
    static struct config_report report;
    struct net_addr address = addr_v4(0x0a000001, 0);
    struct world *w = world_new(1);
    struct env *env = world_host(w, "core", &address);
    struct store *store = store_memory_new();
    void *memory = malloc(CONFIG_ARENA_OCTETS);
    struct arena a = arena_over(memory, memory ? CONFIG_ARENA_OCTETS : 0);
    struct rt rt;
    uint32_t permitted = 0;
    bool ok = policy && memory && config_parse(&config, &a, STR("bench"), STR("trust: {mode: enforce}\n"), &report) == OK &&
              inventory_import_all(store) && rt_init(&rt, env, 16 << 20) == OK;
    if (!ok) {
        policy_free(policy);
    } else {
        rt.config = &config;
        rt.store = store;
        rt.policy = policy;
        rt.api_root = "http://127.0.0.1:7777";
        world_attach(w, env, &rt);
        rt_enter(&rt);
        ok = nf_start(&rt, &trust_nf) == OK && run(&rt, decision_us, &permitted);
        nf_stop_all(&rt);
        rt_free(&rt);
    }
    store_memory_free(store);
    world_free(w);
    free(memory);
    return ok;
}
