/* SPDX-License-Identifier: Apache-2.0 */
/* observe.c - what a running core says of itself. */
#include "cmd/core.h"
#include "crypto/crypto.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* ---- figures of the process ---- */
static uint64_t rss_octets(void)
{
    unsigned long total, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
static uint64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void refresh(struct core *c)
{
    struct metrics *m = c->rt.metrics;
    struct sctp *sctp = env_real_sctp(c->env);
    metric_set(m, METRIC_process_cpu_us, cpu_us());
    metric_set(m, METRIC_crypto_us, crypto_metered_ns(c->rt.crypto) / 1000);
    metric_set(m, METRIC_sctp_us, sctp ? sctp_cpu_us(sctp) : 0);
    metric_set(m, METRIC_process_rss_octets, rss_octets());
    metric_set(m, METRIC_process_start_s, c->started_unix_us / 1000000);
    metric_set(m, METRIC_procedures, c->rt.procs_running);
    metric_set(m, METRIC_calls_open, c->rt.calls_open);
    metric_set(m, METRIC_memory_frames, c->rt.frames.in_use);
    metric_set(m, METRIC_log_suppressed, c->log.suppressed);
}

int core_metrics(void *ctx, struct str path, char *out, uint32_t cap)
{
    struct core *c = ctx;
    if (!str_is(path, "/metrics"))
        return ERR_NOTFOUND;
    refresh(c);
    return metrics_render(c->rt.metrics, out, cap);
}

/* ---- status ---- */
struct say {
    char *out;
    uint32_t cap, n;
    bool full, json;
    uint32_t items; /* in the list at hand */
};
static void say(struct say *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct say *s, const char *format, ...)
{
    va_list ap;
    if (s->full)
        return;
    va_start(ap, format);
    int n = vsnprintf(s->out + s->n, s->cap - s->n, format, ap);
    va_end(ap);
    s->full = n < 0 || (uint32_t)n >= s->cap - s->n;
    s->n += s->full ? 0 : (uint32_t)n;
}
static void say_json_text(struct say *s, const char *z)
{
    say(s, "\"");
    for (; *z; z++)
        say(s, (unsigned char)*z < 0x20 ? "\\u%04x" : *z == '"' || *z == '\\' ? "\\%c" : "%c", *z);
    say(s, "\"");
}

static void nf_line(void *ctx, const char *text)
{
    struct say *s = ctx;
    if (!s->json) {
        say(s, "  %s\n", text);
        return;
    }
    say(s, s->items++ ? "," : "");
    say_json_text(s, text);
}

static void say_nf(struct say *s, struct nf *nf)
{
    s->items = 0;
    if (s->json) {
        say_json_text(s, nf->desc->name);
        say(s, ":[");
    } else {
        say(s, "\n%s\n", nf->desc->name);
    }
    if (nf->desc->status)
        nf->desc->status(nf->state, nf_line, s);
    say(s, "%s", s->json ? "]" : "");
}

static void say_duration(struct say *s, uint64_t sec)
{
    unsigned days = (unsigned)(sec / 86400), h = (unsigned)(sec / 3600 % 24), m = (unsigned)(sec / 60 % 60);
    if (days)
        say(s, "%u days %u h", days, h);
    else if (h)
        say(s, "%u h %u min", h, m);
    else if (m)
        say(s, "%u min %u s", m, (unsigned)(sec % 60));
    else
        say(s, "%u s", (unsigned)sec);
}

static void say_whole(struct say *s, struct core *c)
{
    const struct metrics *m = c->rt.metrics;
    uint64_t up = (env_now_us(c->env) - c->started_us) / 1000000;
    unsigned long gnbs = metric_get(m, METRIC_gnbs_connected), ues = metric_get(m, METRIC_ues_registered),
                  connected = metric_get(m, METRIC_ues_connected), sessions = metric_get(m, METRIC_sessions),
                  rss = metric_get(m, METRIC_process_rss_octets), cpu = metric_get(m, METRIC_process_cpu_us);
    if (s->json) {
        say(s, "\"pid\":%d,\"uptime_s\":%lu,\"start_ms\":%u,\"gnbs\":%lu,\"ues_registered\":%lu,\"ues_connected\":%lu,"
               "\"pdu_sessions\":%lu,\"rss_octets\":%lu,\"cpu_us\":%lu,\"procedures\":%u,\"functions\":{",
            (int)getpid(), (unsigned long)up, c->start_ms, gnbs, ues, connected, sessions, rss, cpu, c->rt.procs_running);
        return;
    }
    say(s, "redoubt: up for ");
    say_duration(s, up);
    say(s, ", process %d, started in %u ms\n", (int)getpid(), c->start_ms);
    say(s, "  %lu gNBs in service, %lu phones registered (%lu connected), %lu PDU sessions\n", gnbs, ues, connected, sessions);
    say(s, "  %.1f MiB resident, %.2f s of CPU, %u procedures under way\n", (double)rss / 1048576, (double)cpu / 1e6,
        c->rt.procs_running);
}

static int status(struct core *c, struct str which, bool json, char *out, uint32_t cap)
{
    struct say s = {.out = out, .cap = cap, .json = json};
    bool found = which.n == 0, first = true;
    refresh(c);
    say(&s, json ? "{" : "");
    if (which.n == 0)
        say_whole(&s, c);
    else
        say(&s, json ? "\"functions\":{" : "");
    for (unsigned i = 0; i < NF_SLOTS; i++) {
        struct nf *nf = c->rt.nf[i];
        if (!nf || (which.n && !str_is(which, nf->desc->name)))
            continue;
        say(&s, json && !first ? "," : "");
        say_nf(&s, nf);
        found = true;
        first = false;
    }
    say(&s, json ? "}}\n" : "");
    if (!found) {
        s.n = 0;
        say(&s, "error: no function '" STR_FMT "' runs here\n", STR_ARG(which));
    }
    return s.full ? ERR_NOSPACE : (int)s.n;
}

/* ---- the control socket ---- */
static struct str word(struct str *line)
{
    while (line->n && *line->p == ' ')
        line->p++, line->n--;
    struct str w = {line->p, 0};
    while (w.n < line->n && w.p[w.n] != ' ')
        w.n++;
    line->p += w.n;
    line->n -= w.n;
    return w;
}

int core_answer(void *ctx, struct str line, char *out, uint32_t cap)
{
    struct core *c = ctx;
    struct str what = word(&line), which = {NULL, 0};
    bool json = false;
    LOG(&c->log, control_client, "asked=%.*s", STR_ARG(what));
    for (struct str w; (w = word(&line)).n;)
        if (str_is(w, "--json"))
            json = true;
        else
            which = w;
    rt_enter(&c->rt);
    if (str_is(what, "status"))
        return status(c, which, json, out, cap);
    if (str_is(what, "metrics"))
        return core_metrics(c, STR("/metrics"), out, cap);
    if (str_is(what, "reload")) {
        core_reload(c);
        return snprintf(out, cap, "read again; the log says what changed\n");
    }
    if (str_is(what, "stop")) {
        loop_stop(c->loop);
        return snprintf(out, cap, "ending\n");
    }
    return snprintf(out, cap, "error: expected status, metrics, reload or stop\n");
}
