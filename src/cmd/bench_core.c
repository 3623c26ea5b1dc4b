/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/bench.h"
#include "os/control.h"
#include "os/loop.h"
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int bench_failed(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("redoubt bench: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    return EXIT_FAILED;
}
void bench_say(const struct bench_core *b, const char *text)
{
    fprintf(b->json ? stderr : stdout, "%s\n", text);
    fflush(stdout);
}

/* ---- reading figures ---- */
/* The number after `key`, from `at` on; -1: not there. */
static double number_after(const char *at, const char *key)
{
    const char *p = at ? strstr(at, key) : NULL;
    return p ? strtod(p + strlen(key), NULL) : -1;
}
static void proc_read(const struct bench_core *b, const char *name, char *to, size_t cap)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)b->net.core.pid, name);
    FILE *f = fopen(path, "re");
    to[f ? fread(to, 1, cap - 1, f) : 0] = 0;
    if (f)
        fclose(f);
}
void bench_peak_begin(const struct bench_core *b)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/clear_refs", (int)b->net.core.pid);
    FILE *f = fopen(path, "we");
    if (f) {
        fputs("5\n", f); /* VmHWM begins anew */
        fclose(f);
    }
}
static bool sample(const struct bench_core *b, struct bench_sample *s)
{
    static char text[1 << 20];
    char map[4096];
    if (control_ask(NET_DIR "/core.sock", "metrics", text, sizeof text, 5000) < 0)
        return false;
    s->cpu_us = number_after(text, "\nprocess_cpu_seconds_total ") * 1e6;
    s->crypto_us = number_after(text, "\nredoubt_crypto_seconds_total ") * 1e6;
    s->sctp_us = number_after(text, "\nredoubt_sctp_seconds_total ") * 1e6;
    s->trust_us = number_after(text, "\nredoubt_trust_seconds_total ") * 1e6;
    proc_read(b, "status", map, sizeof map);
    s->peak_mb = number_after(map, "\nVmHWM:") / 1024;
    proc_read(b, "smaps_rollup", map, sizeof map);
    s->rss_mb = number_after(map, "\nRss:") / 1024;
    s->private_octets = (number_after(map, "\nPrivate_Clean:") + number_after(map, "\nPrivate_Dirty:")) * 1024;
    return s->cpu_us >= 0 && s->crypto_us >= 0 && s->sctp_us >= 0 && s->rss_mb > 0;
}
int bench_sample(const struct bench_core *b, struct bench_sample *s)
{
    return sample(b, s) ? EXIT_OK : bench_failed("the core does not say what it uses");
}
static struct bench_times times_of(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    return (struct bench_times){number_after(at, "\"n\":"), number_after(at, "\"p50\":"), number_after(at, "\"p99\":"),
                                number_after(at, "\"max\":")};
}
static double last_wave_seconds(const char *line)
{
    double s = -1;
    for (const char *at = strstr(line, "{\"what\":"); at; at = strstr(at + 1, "{\"what\":"))
        s = number_after(at, "\"seconds\":");
    return s;
}
static void take_result(const char *line, struct bench_result *r)
{
    *r = (struct bench_result){.phones = number_after(line, "\"phones\":"),
                               .registered = number_after(line, "\"registered\":"),
                               .sessions = number_after(line, "\"sessions\":"),
                               .seconds = number_after(line, "\"seconds\":"),
                               .done = number_after(line, "\"done\":"),
                               .failed = number_after(line, "\"failed\":"),
                               .rate = number_after(line, "\"rate\":"),
                               .kept_back = number_after(line, "\"kept_back\":"),
                               .registration = times_of(line, "\"registration_us\":"),
                               .core = times_of(line, "\"registration_core_us\":"),
                               .session = times_of(line, "\"session_us\":"),
                               .service = times_of(line, "\"service_us\":"),
                               .ping = times_of(line, "\"ping_us\":"),
                               .attach_max_us = times_of(line, "\"attach_us\":").max,
                               .put_off = number_after(line, "Congestion (22)\":"),
                               .last_wave_seconds = last_wave_seconds(line)};
}

/* ---- loads ---- */
static void line_came(void *ctx, struct str line)
{
    struct bench_core *b = ctx;
    if (line.n && line.p[0] == '{')
        str_copy(b->line, sizeof b->line, line);
}
static void log_came(void *ctx, enum net_source from, struct str line)
{
    const char *at = from == NET_FROM_CORE ? memmem(line.p, line.n, "start_ms", 8) : NULL;
    if (at && line.p + line.n - at > 12)
        ((struct bench_core *)ctx)->start_ms = strtod(at + 8 + strspn(at + 8, "\":= "), NULL);
}
static int result_await(struct bench_core *b, uint32_t timeout_s, struct bench_result *r)
{
    uint64_t until = loop_now_us() + (uint64_t)timeout_s * 1000000;
    bool never = false;
    while (!b->line[0] && loop_now_us() < until && child_runs(&b->load)) {
        struct pollfd p = {b->load.fd, POLLIN, 0};
        poll(&p, 1, 20);
        child_read(&b->load, line_came, b);
        net_wait(&b->net, &never, 0); /* keeps the core's log flowing */
        if (b->net.ended)
            return b->net.interrupted ? EXIT_FAILED : bench_failed("%s", b->net.why);
    }
    take_result(b->line, r);
    if (!b->line[0] || r->failed > 0)
        return bench_failed("not all of the phones got what they wanted: %s", b->line[0] ? b->line : "no result");
    return EXIT_OK;
}
int bench_load(struct bench_core *b, const char *const *words, uint32_t timeout_s, struct bench_result *r)
{
    const char *all[NET_WORDS] = {"--control", BENCH_LOAD_SOCKET};
    for (uint32_t at = 2; *words && at < NET_WORDS - 16; at++)
        all[at] = *words++;
    b->line[0] = 0;
    if (net_load_start(&b->net, &b->load, all))
        return bench_failed("%s", b->net.why);
    return result_await(b, timeout_s, r);
}
int bench_load_more(struct bench_core *b, const char *waves, uint32_t timeout_s, struct bench_result *r)
{
    char ask[128], said[256] = "";
    snprintf(ask, sizeof ask, "load %s", waves);
    b->line[0] = 0;
    int e = control_ask(BENCH_LOAD_SOCKET, ask, said, sizeof said, 5000);
    if (e < 0 || strncmp(said, "error", 5) == 0)
        return bench_failed("the load does not '%s': %s", ask, e < 0 ? err_text(e) : said);
    return result_await(b, timeout_s, r);
}
int bench_load_await_gnbs(struct bench_core *b, uint32_t timeout_s)
{
    static char said[1 << 14];
    uint64_t until = loop_now_us() + (uint64_t)timeout_s * 1000000;
    unsigned up = 0, all = 1;
    bool never = false;
    while (loop_now_us() < until && !b->net.ended) {
        if (control_ask(BENCH_LOAD_SOCKET, "status 1", said, sizeof said, 5000) >= 0 &&
            sscanf(said, "gnbs %u of %u up", &up, &all) == 2 && up == all)
            return EXIT_OK;
        net_wait(&b->net, &never, 5);
    }
    return bench_failed("%u of %u gNBs came back within %u s", up, all, timeout_s);
}
void bench_load_stop(struct bench_core *b)
{
    bool never = false;
    child_end(&b->load);
    net_wait(&b->net, &never, 1500); /* the core puts the phones of a lost gNB to rest */
}

/* ---- life ---- */
int bench_open(struct bench_core *b, uint32_t subscribers)
{
    bool never = false;
    /* As a user runs it: the log at its default rate. */
    b->config.sets[b->config.n_sets++] = STR("control.log_rate=10");
    b->config.sets[b->config.n_sets++] = STR("control.log_burst=40");
    b->options.ues = subscribers;
    b->options.config = &b->config;
    bench_say(b, "starting a core of its own");
    if (net_open(&b->net, &b->options, log_came, b) || net_core_start(&b->net))
        return bench_failed("%s", b->net.why);
    net_wait(&b->net, &never, 1000);
    return EXIT_OK;
}
void bench_close(struct bench_core *b)
{
    child_end(&b->load);
    if (b->net.lock >= 0) /* otherwise it is another's, who has a network up */
        unlink(BENCH_LOAD_SOCKET);
    net_down(&b->net);
}
void bench_report(const struct bench_core *b, const struct bench_row *rows, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (b->json)
            printf("%s\"%s\":%.*f", i ? "," : "{", rows[i].key, rows[i].digits, rows[i].value);
        else
            printf("%-66s %10.*f\n", rows[i].text, rows[i].digits, rows[i].value);
    printf("%s", b->json ? "}\n" : "");
}
