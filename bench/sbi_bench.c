/* SPDX-License-Identifier: Apache-2.0 */
/* sbi_bench.c - what services cost: nanoseconds to write and read bodies, and a call as structs and
 * as bytes. */
#include "codec/sbi_json.h"
#include "proto/sbi.h"
#include "rt/nf.h"
#include "sim/world.h"
#include <stdio.h>
#include <time.h>

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best of five runs: what else the machine does only adds. */
#define BENCH(name, rounds, call)                                                                  \
    do {                                                                                           \
        double best = 1e12;                                                                        \
        for (int run = 0; run < 5; run++) {                                                        \
            double t0 = now_ns();                                                                  \
            for (int round = 0; round < (rounds); round++)                                         \
                failed |= (call) < 0;                                                              \
            double ns = (now_ns() - t0) / (rounds);                                                \
            best = ns < best ? ns : best;                                                          \
        }                                                                                          \
        printf("%-40s %8.0f ns\n", name, best);                                                    \
    } while (0)

static bool failed;
static uint8_t block[1 << 16];
static char text[1 << 14];

static void bench_body(const struct sbi_schema *s, const void *value, void *back, const char *write,
                       const char *read)
{
    struct sbi_parts parts;
    struct sbi_report why;
    struct arena a;
    int n = sbi_json_encode(s, value, text, sizeof text, &parts);
    BENCH(write, 20000, sbi_json_encode(s, value, text, sizeof text, &parts));
    BENCH(read, 20000,
          (a = arena_over(block, sizeof block),
           sbi_json_decode(s, (struct str){text, (uint32_t)n}, &parts, &a, back, &why)));
    printf("%-40s %8d octets\n", "", n);
}

static void bench_vector(void)
{
    static const uint8_t octets[32] = {1, 2, 3};
    struct sbi_AuthenticationInfoResult r = {.auth_type = SBI_AuthType_5G_AKA,
                                             .has = {.authentication_vector = true, .supi = true},
                                             .supi = STR("imsi-001010000000001")},
                                        back;
    r.authentication_vector =
        (struct sbi_AuthenticationVector){.has = {.xres_star = true, .kausf = true},
                                          .av_type = SBI_AvType_5G_HE_AKA,
                                          .rand = {octets, 16},
                                          .autn = {octets, 16},
                                          .xres_star = {octets, 16},
                                          .kausf = {octets, 32}};
    bench_body(sbi_ops[SBI_nudm_ueau_generate_auth_data].rsp, &r, &back,
               "authentication vector, write", "authentication vector, read");
}

static void bench_session(void)
{
    struct sbi_SmContextCreateData d =
                                       {
                                           .supi = STR("imsi-001010000000001"),
                                           .pei = STR("imeisv-4370816125816151"),
                                           .pdu_session_id = 1,
                                           .dnn = STR("internet"),
                                           .s_nssai = {.sst = 1},
                                           .serving_nf_id =
                                               STR("85c77f3c-3eca-41f1-8c94-f9b113ea88e9"),
                                           .guami = {.plmn_id = {.mcc = STR("001"), .mnc = STR("01")},
                                                     .amf_id = STR("020040")},
                                           .serving_network = {.mcc = STR("001"), .mnc = STR("01")},
                                           .request_type = SBI_RequestType_INITIAL_REQUEST,
                                           .n1_sm_msg = {block, 20},
                                           .an_type = SBI_AccessType_3GPP_ACCESS,
                                           .rat_type = SBI_RatType_NR,
                                           .sm_context_status_uri =
                                               STR("http://127.0.0.5:7777/amf-callback/v1/"
                                                   "imsi-001010000000001/sm-context-status/1"),
                                       },
                                   back;
    d.has.supi = d.has.pei = d.has.pdu_session_id = d.has.dnn = d.has.s_nssai = d.has.guami =
        d.has.request_type = d.has.n1_sm_msg = d.has.rat_type = d.has.ue_location =
            d.ue_location.has.nr_location = true;
    struct sbi_PlmnId plmn = {.mcc = STR("001"), .mnc = STR("01")};
    d.ue_location.nr_location =
        (struct sbi_NrLocation){.tai = {.plmn_id = plmn, .tac = STR("000001")},
                                .ncgi = {.plmn_id = plmn, .nr_cell_id = STR("000000010")}};
    bench_body(sbi_body_row(sbi_ops[SBI_nsmf_pdusession_create].req)->sub, &d, &back,
               "SmContextCreateData, write", "SmContextCreateData, read");
}

static void produce(void *state, struct call *c)
{
    call_reply(c, 204);
}
static int boot(struct rt *rt, void *state)
{
    return 0;
}
static const struct nf_op ops[] = {{SBI_nausf_auth_delete, produce}};
static const struct nf_desc stub = {SBI_NF_AUSF, "ausf", 8, boot, NULL, NULL, ops, 1};

static int one_call(struct rt *rt)
{
    struct call *c = call_new(rt, SBI_nausf_auth_delete);
    SBI_REQ(nausf_auth_delete) *q = call_request(c);
    if (!q)
        return -1;
    q->auth_ctx_id = STR("7");
    call_notify(c);
    rt_turn(rt);
    return rt->calls_open ? -1 : 0;
}

static void bench_calls(void)
{
    struct world *w = world_new(1);
    struct rt rt;
    if (!w || rt_init(&rt, world_host(w, "host", &(struct net_addr){.family = 4}), 1 << 20) < 0 ||
        nf_start(&rt, &stub) < 0)
        return;
    BENCH("a call, as structs", 20000, one_call(&rt));
    if (sbi_json_mode(&rt) == 0)
        BENCH("a call, as bytes", 20000, one_call(&rt));
    nf_stop_all(&rt);
    sbi_json_mode_end(&rt);
    rt_free(&rt);
    world_free(w);
}

int main(void)
{
    bench_vector();
    bench_session();
    bench_calls();
    return failed;
}
