/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - redoubt bench: what the core costs, measured from outside on a network of its own in namespaces. */
#include "cmd/bench.h"
#include "cmd/bench_upf.h"
#include "cmd/net.h"
#include "os/control.h"
#include "os/loop.h"
#include <poll.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

enum { ONE_BY_ONE = 200, PACED = 2000 };
#define FIRST_IMSI 1010000000001ull /* 001-01, as the network of net.h has its subscribers */

struct sample { /* of the core process */
    double cpu_us, crypto_us, sctp_us, rss_mb, private_octets;
};
struct result { /* of a load */
    double phones, registered, sessions, failed, pings;
    double registration_p50_us, registration_p99_us, core_p50_us, session_p50_us, session_p99_us, ping_p50_us;
};
struct bench {
    struct net net;
    struct net_options options;
    struct child load;
    char line[CHILD_LINE]; /* the load's result */
    struct sample idle, before, after, full;
    struct result single, paced, crowd;
    uint32_t crowd_n, rate;
    double start_ms;
    bool json;
};

/* ---- reading figures ---- */
/* The number after `key`, from `at` on; -1: not there. */
static double number_after(const char *at, const char *key)
{
    const char *p = at ? strstr(at, key) : NULL;
    return p ? strtod(p + strlen(key), NULL) : -1;
}
static bool sample(const struct bench *b, struct sample *s)
{
    static char text[1 << 20];
    char path[64], map[4096] = "";
    if (control_ask(NET_DIR "/core.sock", "metrics", text, sizeof text, 5000) < 0)
        return false;
    s->cpu_us = number_after(text, "\nprocess_cpu_seconds_total ") * 1e6;
    s->crypto_us = number_after(text, "\nredoubt_crypto_seconds_total ") * 1e6;
    s->sctp_us = number_after(text, "\nredoubt_sctp_seconds_total ") * 1e6;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)b->net.core.pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(map, 1, sizeof map - 1, f) : 0;
    if (f)
        fclose(f);
    map[n] = 0;
    s->rss_mb = number_after(map, "\nRss:") / 1024;
    s->private_octets = (number_after(map, "\nPrivate_Clean:") + number_after(map, "\nPrivate_Dirty:")) * 1024;
    return s->cpu_us >= 0 && s->crypto_us >= 0 && s->sctp_us >= 0 && s->rss_mb > 0;
}
static void take_result(const char *line, struct result *r)
{
    const char *registration = strstr(line, "\"registration_us\""), *core = strstr(line, "\"registration_core_us\""),
               *session = strstr(line, "\"session_us\""), *ping = strstr(line, "\"ping_us\":");
    *r = (struct result){.phones = number_after(line, "\"phones\":"),
                         .registered = number_after(line, "\"registered\":"),
                         .sessions = number_after(line, "\"sessions\":"),
                         .failed = number_after(line, "\"failed\":"),
                         .pings = number_after(ping, "\"n\":"),
                         .registration_p50_us = number_after(registration, "\"p50\":"),
                         .registration_p99_us = number_after(registration, "\"p99\":"),
                         .core_p50_us = number_after(core, "\"p50\":"),
                         .session_p50_us = number_after(session, "\"p50\":"),
                         .session_p99_us = number_after(session, "\"p99\":"),
                         .ping_p50_us = number_after(ping, "\"p50\":")};
}

/* ---- loads ---- */
static int failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int failed(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("redoubt bench: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    return EXIT_FAILED;
}
static void say(const struct bench *b, const char *text)
{
    if (!b->json)
        printf("%s\n", text);
    fflush(stdout);
}
static void line_came(void *ctx, struct str line)
{
    struct bench *b = ctx;
    if (line.n && line.p[0] == '{')
        str_copy(b->line, sizeof b->line, line);
}
static void log_came(void *ctx, enum net_source from, struct str line)
{
    const char *at = from == NET_FROM_CORE ? memmem(line.p, line.n, "start_ms", 8) : NULL;
    if (at && line.p + line.n - at > 12)
        ((struct bench *)ctx)->start_ms = strtod(at + 8 + strspn(at + 8, "\":= "), NULL);
}

/* `count` phones from the first-th on. They stay until load_stop(). */
static int load(struct bench *b, uint32_t first, uint32_t count, const char *pace, uint32_t value, bool ping, struct result *r)
{
    char imsi[24], n[16], v[16];
    snprintf(imsi, sizeof imsi, "%015llu", FIRST_IMSI + first);
    snprintf(n, sizeof n, "%u", count);
    snprintf(v, sizeof v, "%u", value);
    const char *const words[] = {"--imsi", imsi, "--ues", n, pace, v, ping ? "--waves" : NULL, "attach,ping", "--ping", "10.45.0.1", NULL};
    b->line[0] = 0;
    if (net_load_start(&b->net, &b->load, words))
        return failed("%s", b->net.why);
    uint64_t until = loop_now_us() + 300000000u;
    bool never = false;
    while (!b->line[0] && loop_now_us() < until && child_runs(&b->load)) {
        struct pollfd p = {b->load.fd, POLLIN, 0};
        poll(&p, 1, 20);
        child_read(&b->load, line_came, b);
        net_wait(&b->net, &never, 0); /* keeps the core's log flowing */
        if (b->net.ended)
            return b->net.interrupted ? EXIT_FAILED : failed("%s", b->net.why);
    }
    take_result(b->line, r);
    if (!b->line[0] || r->failed > 0 || r->registered < count || r->sessions < count || (ping && r->pings < count))
        return failed("not all of %u phones got what they wanted: %s", count, b->line[0] ? b->line : "no result");
    return EXIT_OK;
}
static void load_stop(struct bench *b)
{
    bool never = false;
    child_end(&b->load);
    net_wait(&b->net, &never, 1500); /* the core puts the phones of a lost gNB to rest */
}

static int control(struct bench *b)
{
    bool never = false;
    say(b, "starting a core of its own");
    if (net_open(&b->net, &b->options, log_came, b) || net_core_start(&b->net))
        return failed("%s", b->net.why);
    net_wait(&b->net, &never, 1000);
    if (!sample(b, &b->idle))
        return failed("the core does not say what it uses");
    say(b, "200 phones, one at a time");
    if (load(b, 0, ONE_BY_ONE, "--parallel", 1, false, &b->single))
        return EXIT_FAILED;
    load_stop(b);
    say(b, "2,000 phones, paced, for the CPU time of each");
    if (!sample(b, &b->before) || load(b, ONE_BY_ONE, PACED, "--rate", b->rate, false, &b->paced) || !sample(b, &b->after))
        return EXIT_FAILED;
    load_stop(b);
    say(b, "a crowd, each with a session and a ping");
    struct sample before;
    if (!sample(b, &before) || load(b, ONE_BY_ONE + PACED, b->crowd_n, "--rate", b->rate, true, &b->crowd) ||
        !sample(b, &b->full))
        return EXIT_FAILED;
    load_stop(b);
    return EXIT_OK;
}

static void report(const struct bench *b)
{
    const struct {
        const char *key, *text;
        double value;
        int digits;
    } rows[] = {
        {"cpu_us_per_attach", "core CPU, registration and PDU session, SUCI profile A, us", (b->after.cpu_us - b->before.cpu_us) / PACED, 1},
        {"crypto_us_per_attach", "  of it cryptography, us", (b->after.crypto_us - b->before.crypto_us) / PACED, 1},
        {"sctp_us_per_attach", "  of it SCTP, us", (b->after.sctp_us - b->before.sctp_us) / PACED, 1},
        {"attach_core_ms_p50", "the core's share of a registration, one phone at a time, ms", b->single.core_p50_us / 1000, 3},
        {"registration_ms_p50", "registration, one phone at a time, ms", b->single.registration_p50_us / 1000, 3},
        {"registration_ms_p99", "registration, 99 %, ms", b->single.registration_p99_us / 1000, 3},
        {"session_ms_p50", "PDU session, one phone at a time, ms", b->single.session_p50_us / 1000, 3},
        {"session_ms_p99", "PDU session, 99 %, ms", b->single.session_p99_us / 1000, 3},
        {"bytes_per_ue", "memory of a registered phone with a session, octets", (b->full.private_octets - b->idle.private_octets) / (ONE_BY_ONE + PACED + b->crowd_n), 0},
        {"idle_rss_mb", "resident memory at rest, MB", b->idle.rss_mb, 1},
        {"start_ms", "from start to ready, ms", b->start_ms, 0},
        {"crowd_phones", "phones registered, each with a session and a ping answered", b->crowd.pings, 0},
        {"crowd_failures", "failures among them", b->crowd.failed, 0},
        {"crowd_rate", "phones a second in that", b->rate, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (b->json)
            printf("%s\"%s\":%.*f", i ? "," : "{", rows[i].key, rows[i].digits, rows[i].value);
        else
            printf("%-62s %10.*f\n", rows[i].text, rows[i].digits, rows[i].value);
    printf("%s", b->json ? "}\n" : "");
}

int cmd_bench(int argc, char **argv)
{
    struct args a = {argc, argv, 1};
    static struct bench b;
    static struct cmd_config_options config;
    const char *v = NULL, *what = NULL;
    uint32_t duration_ms = 1000;
    b.crowd_n = 10000;
    b.rate = 500;
    while (args_more(&a)) {
        if (args_flag(&a, NULL, "--json")) {
            b.json = true;
        } else if (args_value(&a, NULL, "--ues", &v)) {
            if (!v || !args_number("--ues", v, 1, NET_UES_MAX - ONE_BY_ONE - PACED, &b.crowd_n))
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--duration-ms", &v)) {
            if (!v || !args_number("--duration-ms", v, 10, 60000, &duration_ms))
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--rate", &v)) {
            if (!v || !args_number("--rate", v, 1, 100000, &b.rate))
                return EXIT_USAGE;
        } else if (!what && args_now(&a)[0] != '-') {
            what = args_now(&a);
            a.at++;
        } else {
            return usage("bench", "'%s' is not an option", args_now(&a));
        }
    }
    if (what && strcmp(what, "sim") == 0)
        return bench_sim(b.json);
    if (what && strcmp(what, "upf") == 0)
        return bench_upf(b.json, duration_ms);
    if (what && strcmp(what, "trust") == 0)
        return bench_trust(b.json);
    if (!what || strcmp(what, "control") != 0)
        return usage("bench", "say what to measure: control, upf, sim or trust");
    /* As a user runs it: the log at its default rate. */
    config.sets[0] = STR("control.log_rate=10");
    config.sets[1] = STR("control.log_burst=40");
    config.n_sets = 2;
    b.options = (struct net_options){.ues = ONE_BY_ONE + PACED + b.crowd_n, .config = &config};
    int status = control(&b);
    child_end(&b.load);
    net_down(&b.net);
    if (status == EXIT_OK)
        report(&b);
    return status;
}
