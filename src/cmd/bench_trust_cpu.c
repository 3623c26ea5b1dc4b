/* SPDX-License-Identifier: Apache-2.0 */
/* bench_trust_cpu.c - what trust takes of a core's CPU while phones register and open sessions: a core of its own in
 * namespaces, with policy enforced, the guard and evidence, which tells both itself. */
#include "cmd/bench.h"
#include <stdio.h>

enum { LOADS = 3, PHONES = 1500, RATE = 500 };
static const char INVENTORY[] =
    "{\"suppliers\":[{\"id\":\"aurora\",\"name\":\"Aurora Radio\",\"country\":\"FI\",\"synthetic\":true}],"
    "\"elements\":[{\"id\":\"gnb-1\",\"function\":\"gnb\",\"supplier\":\"aurora\",\"plmn\":\"001-01\",\"gnb_id\":1,\"gnb_id_bits\":32,"
    "\"address\":\"" NET_SITE1_ADDRESS "\",\"identity\":\"address_only\",\"installed\":\"2019-01-01\",\"maintained_from\":\"FI\",\"synthetic\":true},"
    "{\"id\":\"upf\",\"function\":\"upf\",\"supplier\":\"aurora\",\"node_id\":\"127.0.0.7\",\"address\":\"127.0.0.7\","
    "\"identity\":\"address_only\",\"installed\":\"2019-01-01\",\"maintained_from\":\"FI\",\"synthetic\":true}]}\n";

static int one_load(struct bench_core *b, uint32_t i, double *pct)
{
    char imsi[24], ues[12], rate[12];
    struct bench_sample before, after;
    struct bench_result r;
    snprintf(imsi, sizeof imsi, "%015llu", BENCH_FIRST_IMSI + i * PHONES);
    snprintf(ues, sizeof ues, "%u", PHONES);
    snprintf(rate, sizeof rate, "%u", RATE);
    const char *const words[] = {"--imsi", imsi, "--ues", ues, "--rate", rate, NULL};
    if (bench_sample(b, &before) || bench_load(b, words, 120, &r) || bench_sample(b, &after))
        return EXIT_FAILED;
    bench_load_stop(b);
    *pct = 100 * (after.trust_us - before.trust_us) / (after.cpu_us - before.cpu_us);
    return r.registered == PHONES && r.sessions == PHONES ? EXIT_OK : bench_failed("not all of %u phones got what they wanted: %s", PHONES, b->line);
}
int bench_trust_cpu(double *pct)
{
    static struct bench_core b;
    double of[LOADS];
    b.json = true; /* what it says is not for the report */
    b.options.regime = "uk-dvd-huawei";
    b.options.inventory = INVENTORY;
    int status = bench_open(&b, LOADS * PHONES);
    for (uint32_t i = 0; !status && i < LOADS; i++) {
        status = one_load(&b, i, &of[i]);
        for (uint32_t k = i; !status && k > 0 && of[k - 1] > of[k]; k--) {
            double more = of[k - 1];
            of[k - 1] = of[k];
            of[k] = more;
        }
    }
    bench_close(&b);
    *pct = status ? 0 : of[LOADS / 2];
    return status;
}
