/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - redoubt bench: what the core costs, measured from outside on a network of its own in namespaces. */
#include "cmd/bench.h"
#include "cmd/bench_upf.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ONE_BY_ONE = 200, PACED = 2000, WAVE = 4000 /* a second: what comes together is served together */ };

struct wake { /* of phones that rest, to the user plane and back */
    struct bench_result service;
    double service_us, release_us; /* core CPU of each */
};
struct control {
    struct bench_core core;
    struct bench_sample idle, before, after, full;
    struct bench_result single, paced, crowd;
    struct wake wave, steady;
    uint32_t crowd_n, rate;
};

/* `count` phones from the first-th on, each with a session, and with its ping answered. They stay. */
static int load(struct control *b, uint32_t first, uint32_t count, const char *pace, uint32_t value, bool ping, struct bench_result *r)
{
    char imsi[24], n[16], v[16];
    snprintf(imsi, sizeof imsi, "%015llu", BENCH_FIRST_IMSI + first);
    snprintf(n, sizeof n, "%u", count);
    snprintf(v, sizeof v, "%u", value);
    const char *const words[] = {"--imsi", imsi, "--ues", n, pace, v, ping ? "--waves" : NULL, "attach,ping", "--ping", "10.45.0.1", NULL};
    if (bench_load(&b->core, words, 300, r))
        return EXIT_FAILED;
    if (r->registered < count || r->sessions < count || (ping && r->ping.n < count))
        return bench_failed("not all of %u phones got what they wanted: %s", count, b->core.line);
    return EXIT_OK;
}
/* Phones that are idle come back by a service request, and go idle. */
static int wake_and_rest(struct control *b, uint32_t rate, struct wake *w)
{
    char idle[32], service[32];
    struct bench_result r;
    struct bench_sample resting, served, rested;
    snprintf(idle, sizeof idle, "idle %u", rate);
    snprintf(service, sizeof service, "service %u", rate);
    if (bench_sample(&b->core, &resting) || bench_load_more(&b->core, service, 120, &w->service) ||
        bench_sample(&b->core, &served) || bench_load_more(&b->core, idle, 120, &r) || bench_sample(&b->core, &rested))
        return EXIT_FAILED;
    w->service_us = (served.cpu_us - resting.cpu_us) / PACED;
    w->release_us = (rested.cpu_us - served.cpu_us) / PACED;
    return w->service.done == PACED ? EXIT_OK : bench_failed("not all of %u phones came back: %s", PACED, b->core.line);
}
static int measure(struct control *b)
{
    struct bench_core *core = &b->core;
    struct bench_sample before;
    if (bench_open(core, ONE_BY_ONE + PACED + b->crowd_n) || bench_sample(core, &b->idle))
        return EXIT_FAILED;
    bench_say(core, "200 phones, one at a time");
    if (load(b, 0, ONE_BY_ONE, "--parallel", 1, false, &b->single))
        return EXIT_FAILED;
    bench_load_stop(core);
    bench_say(core, "2,000 phones, paced, for the CPU time of each");
    if (bench_sample(core, &b->before) || load(b, ONE_BY_ONE, PACED, "--rate", b->rate, false, &b->paced) ||
        bench_sample(core, &b->after))
        return EXIT_FAILED;
    bench_say(core, "they go idle, come back, go idle");
    struct bench_result rest;
    if (bench_load_more(core, "idle 1000", 120, &rest) || wake_and_rest(b, b->rate, &b->steady) || wake_and_rest(b, WAVE, &b->wave))
        return EXIT_FAILED;
    bench_load_stop(core);
    char crowd[80];
    snprintf(crowd, sizeof crowd, "a crowd of %u, each with a session and a ping: %u s", b->crowd_n, b->crowd_n / b->rate + 1);
    bench_say(core, crowd);
    if (bench_sample(core, &before) || load(b, ONE_BY_ONE + PACED, b->crowd_n, "--rate", b->rate, true, &b->crowd) ||
        bench_sample(core, &b->full))
        return EXIT_FAILED;
    bench_load_stop(core);
    return EXIT_OK;
}
static double per_crypto(const struct control *b)
{
    double crypto = b->after.crypto_us - b->before.crypto_us;
    return crypto > 0 ? (b->after.cpu_us - b->before.cpu_us) / crypto : 0;
}
static void report(const struct control *b)
{
    const struct bench_row rows[] = {
        {"cpu_us_per_attach", "core CPU, registration and PDU session, SUCI profile A, us", (b->after.cpu_us - b->before.cpu_us) / PACED, 1},
        {"crypto_us_per_attach", "  of it cryptography, us", (b->after.crypto_us - b->before.crypto_us) / PACED, 1},
        {"cpu_per_crypto", "  the one over the other, which a slow host changes less", per_crypto(b), 2},
        {"sctp_us_per_attach", "  of it SCTP, us", (b->after.sctp_us - b->before.sctp_us) / PACED, 1},
        {"cpu_us_per_service_request", "core CPU, an idle phone comes back with its user plane, 4,000/s, us", b->wave.service_us, 1},
        {"cpu_us_per_release", "core CPU, a phone goes idle, 4,000 a second, us", b->wave.release_us, 1},
        {"cpu_us_per_service_request_paced", "  comes back, at the rate of the registrations, us", b->steady.service_us, 1},
        {"cpu_us_per_release_paced", "  goes idle, at that rate, us", b->steady.release_us, 1},
        {"attach_core_ms_p50", "the core's share of a registration, one phone at a time, ms", b->single.core.p50 / 1000, 3},
        {"registration_ms_p50", "registration, one phone at a time, ms", b->single.registration.p50 / 1000, 3},
        {"registration_ms_p99", "registration, 99 %, ms", b->single.registration.p99 / 1000, 3},
        {"session_ms_p50", "PDU session, one phone at a time, ms", b->single.session.p50 / 1000, 3},
        {"session_ms_p99", "PDU session, 99 %, ms", b->single.session.p99 / 1000, 3},
        {"service_ms_p50", "service request, ms", b->steady.service.service.p50 / 1000, 3},
        {"bytes_per_ue", "memory of a registered phone with a session, octets", (b->full.private_octets - b->idle.private_octets) / (ONE_BY_ONE + PACED + b->crowd_n), 0},
        {"idle_rss_mb", "resident memory at rest, MB", b->idle.rss_mb, 1},
        {"start_ms", "from start to ready, ms", b->core.start_ms, 0},
        {"crowd_phones", "phones registered, each with a session and a ping answered", b->crowd.ping.n, 0},
        {"crowd_failures", "failures among them", b->crowd.failed, 0},
        {"crowd_rate", "phones a second in that", b->rate, 0},
    };
    bench_report(&b->core, rows, ARRAY_LEN(rows));
}
static int control(bool json, uint32_t crowd_n, uint32_t rate)
{
    static struct control b;
    b.core.json = json;
    b.crowd_n = crowd_n;
    b.rate = rate;
    int status = measure(&b);
    bench_close(&b.core);
    if (status == EXIT_OK)
        report(&b);
    return status;
}
static int storm(bool json, uint32_t phones)
{
    static struct bench_core b;
    b.json = json;
    return bench_storm(&b, phones, 10);
}

static bool is_part(const char *part)
{
    static const char *const parts[] = {"xdp", "latency", "restart", "tcp", "n4", "attacks"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strcmp(part, parts[i]) == 0)
            return true;
    return false;
}
int cmd_bench(int argc, char **argv)
{
    struct args a = {argc, argv, 1};
    const char *v = NULL, *what = NULL, *part = NULL;
    uint32_t ues = 0, rate = 500, duration_ms = 1000;
    bool json = false;
    struct bench_trust_options trust = {.first_seed = 1, .attack_seeds = 100, .quiet_seeds = 1000};
    while (args_more(&a)) {
        if (args_flag(&a, NULL, "--json")) {
            json = true;
        } else if (args_value(&a, NULL, "--ues", &v)) {
            if (!v || !args_number("--ues", v, 1, NET_UES_MAX, &ues))
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--duration-ms", &v)) {
            if (!v || !args_number("--duration-ms", v, 10, 60000, &duration_ms))
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--part", &part)) {
            if (!part || !is_part(part))
                return usage("bench", "--part is xdp, latency, restart, tcp or n4; of trust, attacks");
        } else if (args_value(&a, NULL, "--attack-seeds", &v)) {
            if (!v || !args_number("--attack-seeds", v, 0, 1000000, &trust.attack_seeds))
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--quiet-seeds", &v)) {
            if (!v || !args_number("--quiet-seeds", v, 0, 10000000, &trust.quiet_seeds))
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--first-seed", &v)) {
            if (!v || !args_number("--first-seed", v, 0, 1000000000, &trust.first_seed))
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--rate", &v)) {
            if (!v || !args_number("--rate", v, 1, 100000, &rate))
                return EXIT_USAGE;
        } else if (!what && args_now(&a)[0] != '-') {
            what = args_now(&a);
            a.at++;
        } else {
            return usage("bench", "'%s' is not an option", args_now(&a));
        }
    }
    bool attacks = part && strcmp(part, "attacks") == 0;
    if (part && what && strcmp(what, attacks ? "trust" : "upf") != 0)
        return usage("bench", "%s has no part '%s'", what, part);
    if (what && strcmp(what, "sim") == 0)
        return bench_sim(json);
    if (what && strcmp(what, "upf") == 0)
        return bench_upf(json, duration_ms, part);
    if (what && strcmp(what, "trust") == 0)
        return trust.json = json, trust.attacks_only = attacks, bench_trust(&trust);
    if (what && strcmp(what, "storm") == 0)
        return storm(json, ues ? ues : 100000);
    if (what && strcmp(what, "control") == 0)
        return control(json, !ues ? 10000 : ues < NET_UES_MAX - ONE_BY_ONE - PACED ? ues : NET_UES_MAX - ONE_BY_ONE - PACED, rate);
    return usage("bench", "say what to measure: control, storm, upf, sim or trust");
}
