/* SPDX-License-Identifier: Apache-2.0 */
/* bench_storm.c - redoubt bench storm: everybody at once. Strangers come within ten seconds; the power is cut and all come
 * back within ten seconds; the core is killed with all of them on it and started again. Nobody may be lost. */
#include "cmd/bench.h"
#include "os/control.h"
#include "os/loop.h"
#include <stdio.h>
#include <unistd.h>

enum { GNBS = 10, PATIENCE_S = 1800 };
struct storm {
    struct bench_core *core;
    uint32_t phones, seconds;
    struct bench_sample idle, strange, full, again; /* with nobody; after each storm; after the restart, all connected */
    struct bench_result strangers, back, service;
    double ready_ms, gnbs_ms;
};

static int everybody_is_there(const struct storm *s, const struct bench_result *r)
{
    if (r->registered == s->phones && r->sessions == s->phones)
        return EXIT_OK;
    return bench_failed("%.0f of %u phones are registered, %.0f sessions: %s", r->registered, s->phones, r->sessions, s->core->line);
}
static int strangers_come(struct storm *s)
{
    char ues[16], rate[16];
    snprintf(ues, sizeof ues, "%u", s->phones);
    snprintf(rate, sizeof rate, "%u", (s->phones + s->seconds - 1) / s->seconds);
    const char *const words[] = {"--ues", ues, "--rate", rate, "--gnbs", "10", "--persist", "--wait", "120", NULL};
    bench_say(s->core, "all phones come at once, as strangers with concealed identities");
    return bench_load(s->core, words, PATIENCE_S, &s->strangers) || everybody_is_there(s, &s->strangers) ? EXIT_FAILED : EXIT_OK;
}
static int power_is_cut(struct storm *s)
{
    char waves[48];
    snprintf(waves, sizeof waves, "powercut,attach %u", (s->phones + s->seconds - 1) / s->seconds);
    bench_say(s->core, "the power is cut; all come back at once");
    return bench_load_more(s->core, waves, PATIENCE_S, &s->back) || everybody_is_there(s, &s->back) ? EXIT_FAILED : EXIT_OK;
}
/* gNBs find out that their association is gone when they next send something: one phone of each is let go, and is idle
 * once its gNB has noticed. */
static int gnbs_notice(struct storm *s)
{
    char ask[24], said[2048];
    uint64_t until_us = loop_now_us() + 30000000u;
    bool never = false;
    for (uint32_t i = 1; i <= GNBS; i++) {
        snprintf(ask, sizeof ask, "idle %u", i);
        control_ask(BENCH_LOAD_SOCKET, ask, said, sizeof said, 5000);
    }
    for (uint32_t i = 1; i <= GNBS && loop_now_us() < until_us;) {
        snprintf(ask, sizeof ask, "status %u", i);
        if (control_ask(BENCH_LOAD_SOCKET, ask, said, sizeof said, 5000) >= 0 && !strstr(said, ", connected"))
            i++;
        else
            net_wait(&s->core->net, &never, 10);
    }
    return loop_now_us() < until_us ? EXIT_OK : bench_failed("the gNBs do not notice that the core was started anew");
}
/* All phones come back by a service request: none registers anew, each has its session. */
static int core_is_killed(struct storm *s)
{
    struct net *n = &s->core->net;
    char waves[32];
    bool never = false;
    snprintf(waves, sizeof waves, "service %u", (s->phones + s->seconds - 1) / s->seconds);
    bench_say(s->core, "the core is killed with all of them on it, and started again");
    net_wait(n, &never, 1000); /* a commit or two */
    net_core_kill(n);
    uint64_t from_us = loop_now_us();
    if (net_core_again(n))
        return bench_failed("%s", n->why);
    s->ready_ms = (double)(loop_now_us() - from_us) / 1000;
    if (gnbs_notice(s) || bench_load_await_gnbs(s->core, 60))
        return EXIT_FAILED;
    s->gnbs_ms = (double)(loop_now_us() - from_us) / 1000;
    if (bench_load_more(s->core, waves, PATIENCE_S, &s->service) || everybody_is_there(s, &s->service))
        return EXIT_FAILED;
    return s->service.done == s->phones ? EXIT_OK : bench_failed("only %.0f phones came back: %s", s->service.done, s->core->line);
}
static int measure(struct storm *s)
{
    struct bench_core *b = s->core;
    b->config.sets[b->config.n_sets++] = STR("smf.dnns=[{name: internet, ipv4_pool: 10.64.0.0/14}]");
    b->config.sets[b->config.n_sets++] = STR("upf.n6=[{dnn: internet, tun: n6internet, ipv4: 10.64.0.1/14, nat: false}]");
    if (bench_open(b, s->phones) || bench_sample(b, &s->idle) || strangers_come(s) || bench_sample(b, &s->strange))
        return EXIT_FAILED;
    bench_peak_begin(b);
    if (power_is_cut(s) || bench_sample(b, &s->full) || core_is_killed(s) || bench_sample(b, &s->again))
        return EXIT_FAILED;
    return EXIT_OK;
}
static double octets_each(const struct storm *s, double mb) { return (mb - s->idle.rss_mb) * 1024 * 1024 / s->phones; }
static double lost(const struct storm *s, double there) { return (double)s->phones - there; }
static void report(const struct storm *s)
{
    const struct bench_result *a = &s->strangers, *b = &s->back, *c = &s->service;
    double anew = c->registration.n > 0 ? c->registration.n : 0;
    const struct bench_row rows[] = {
        {"storm_phones", "phones that come back within 10 s after a power cut", s->phones, 0},
        {"storm_registered", "  registered at the end", b->registered, 0},
        {"storm_sessions", "  with their session", b->sessions, 0},
        {"storm_lost", "  lost", lost(s, b->sessions), 0},
        {"storm_seconds", "  until the last of them, s", b->last_wave_seconds, 2},
        {"storm_rate", "  registered with a session a second", s->phones / b->last_wave_seconds, 0},
        {"storm_registration_ms_p50", "  an admitted registration, ms", b->registration.p50 / 1000, 2},
        {"storm_registration_ms_p99", "  an admitted registration, 99 %, ms", b->registration.p99 / 1000, 2},
        {"storm_registration_ms_max", "  an admitted registration, the longest, ms", b->registration.max / 1000, 2},
        {"storm_p99_over_p50", "  99 % over 50 %", b->registration.p99 / b->registration.p50, 2},
        {"storm_put_off", "  times that a phone was put off by the AMF", b->put_off > 0 ? b->put_off : 0, 0},
        {"first_seconds", "the same of strangers with SUCI: until the last, s", a->last_wave_seconds, 2},
        {"first_rate", "  registered with a session a second", s->phones / a->last_wave_seconds, 0},
        {"first_lost", "  lost", lost(s, a->sessions), 0},
        {"first_registration_ms_p50", "  an admitted registration, ms", a->registration.p50 / 1000, 2},
        {"first_registration_ms_p99", "  an admitted registration, 99 %, ms", a->registration.p99 / 1000, 2},
        {"first_p99_over_p50", "  99 % over 50 %", a->registration.p99 / a->registration.p50, 2},
        {"first_put_off", "  times that a phone was put off by the AMF", a->put_off > 0 ? a->put_off : 0, 0},
        {"first_peak_bytes_per_ue", "  memory of the core, the most, a phone, octets", octets_each(s, s->strange.peak_mb), 0},
        {"first_bytes_per_ue", "  afterwards", octets_each(s, s->strange.rss_mb), 0},
        {"storm_peak_rss_mb", "after the power cut: resident memory of the core, the most, MB", s->full.peak_mb, 0},
        {"storm_peak_bytes_per_ue", "  a phone, octets", octets_each(s, s->full.peak_mb), 0},
        {"storm_rss_mb", "resident memory of the core with all of them connected, MB", s->full.rss_mb, 0},
        {"storm_bytes_per_ue", "  a phone, octets", (s->full.private_octets - s->idle.private_octets) / s->phones, 0},
        {"restart_s", "killed with all of them: from its start to ready, s", s->ready_ms / 1000, 2},
        {"restart_ready_ms", "  the same, ms", s->ready_ms, 0},
        {"restart_gnbs_ms", "  until all gNBs, which wait 1 s before they connect, are in service, ms", s->gnbs_ms, 0},
        {"restart_registrations_lost", "  phones that had to register anew, or are not registered", anew + lost(s, c->registered), 0},
        {"restart_sessions_lost", "  sessions lost", lost(s, c->sessions), 0},
        {"restart_lost", "  phones or sessions lost, together", anew + lost(s, c->registered) + lost(s, c->sessions), 0},
        {"restart_bytes_per_ue", "  memory afterwards, all connected, a phone, octets", octets_each(s, s->again.rss_mb), 0},
        {"restart_service_rate", "  all come back by a service request, a second", s->phones / c->last_wave_seconds, 0},
        {"restart_service_ms_p99", "  a service request, with what gNBs held back, 99 %, ms", c->service.p99 / 1000, 2},
    };
    bench_report(s->core, rows, ARRAY_LEN(rows));
}
int bench_storm(struct bench_core *core, uint32_t phones, uint32_t seconds)
{
    struct storm s = {.core = core, .phones = phones, .seconds = seconds};
    int status = measure(&s);
    bench_close(core);
    if (status == EXIT_OK)
        report(&s);
    return status;
}
