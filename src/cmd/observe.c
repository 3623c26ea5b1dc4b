/* SPDX-License-Identifier: Apache-2.0 */
/* observe.c - what a running core says of itself. */
#include "cmd/core.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* ---- figures of the process ---- */
static uint64_t rss_octets(const struct core *c)
{
    char text[128] = "", *at = text;
    ssize_t n = pread(c->statm_fd, text, sizeof text - 1, 0); /* opened while files could be */
    strtoul(text, &at, 10);
    return n > 0 ? strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
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
    metric_set(m, METRIC_trust_us, c->trust_meter.ns / 1000 + core_evidence_cpu_us(c));
    metric_set(m, METRIC_process_rss_octets, rss_octets(c));
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
    struct text text;
    bool json;
    uint32_t items; /* in the list at hand */
};
static void say_json_text(struct say *s, const char *z)
{
    text_add(&s->text, "\"");
    for (; *z; z++)
        text_add(&s->text, (unsigned char)*z < 0x20 ? "\\u%04x" : *z == '"' || *z == '\\' ? "\\%c" : "%c", *z);
    text_add(&s->text, "\"");
}

static void nf_line(void *ctx, const char *text)
{
    struct say *s = ctx;
    if (!s->json) {
        text_add(&s->text, "  %s\n", text);
        return;
    }
    text_add(&s->text, s->items++ ? "," : "");
    say_json_text(s, text);
}

static void say_begin(struct say *s, const char *name)
{
    s->items = 0;
    if (s->json) {
        say_json_text(s, name);
        text_add(&s->text, ":[");
    } else {
        text_add(&s->text, "\n%s\n", name);
    }
}
static void say_end(struct say *s) { text_add(&s->text, "%s", s->json ? "]" : ""); }
static void say_nf(struct say *s, struct nf *nf)
{
    say_begin(s, nf->desc->name);
    if (nf->desc->status)
        nf->desc->status(nf->state, nf_line, s);
    say_end(s);
}
static void say_guard(struct say *s, const struct core *c)
{
    say_begin(s, "guard");
    guard_status(c->guard, nf_line, s);
    say_end(s);
}

static void say_duration(struct say *s, uint64_t sec)
{
    unsigned days = (unsigned)(sec / 86400), h = (unsigned)(sec / 3600 % 24), m = (unsigned)(sec / 60 % 60);
    if (days)
        text_add(&s->text, "%u days %u h", days, h);
    else if (h)
        text_add(&s->text, "%u h %u min", h, m);
    else if (m)
        text_add(&s->text, "%u min %u s", m, (unsigned)(sec % 60));
    else
        text_add(&s->text, "%u s", (unsigned)sec);
}

static const char *landlock_text(const struct sandbox *b, char buf[32])
{
    snprintf(buf, 32, b->landlock ? "none by name (Landlock %d)" : "all that its user may open", b->landlock);
    return buf;
}
static void say_sandbox(struct say *s, const struct core *c)
{
    const struct sandbox *b = &c->sandbox;
    const char *user = config_of(c)->process.user.n ? config_of(c)->process.user.p : "";
    char files[32];
    if (s->json) {
        text_add(&s->text, "\"sandbox\":{\"on\":%s,\"capabilities\":%s,\"landlock_abi\":%d,\"system_calls\":\"%s\",",
                 c->sandboxed ? "true" : "false", c->sandboxed ? "false" : "true", b->landlock, b->calls ? "listed" : "all");
        text_add(&s->text, "\"user\":\"%s\",\"memory_locked\":%s,\"keys\":\"%s\"},", user, c->memory_locked ? "true" : "false",
                 c->keys ? "separate" : "shared");
        return;
    }
    if (!c->sandboxed)
        text_add(&s->text, "  sandbox: off (process.unsafe_no_sandbox)");
    else
        text_add(&s->text, "  sandbox: no capabilities, files %s, system calls %s%s%s", landlock_text(b, files),
                 b->calls ? "by list" : "all", *user ? ", user " : "", user);
    text_add(&s->text, "; memory %s\n", c->memory_locked ? "locked" : "may be swapped");
    if (c->keys)
        text_add(&s->text, "  keys: held by process %d alone; its memory %s\n", (int)key_process_pid(c->keys),
                 key_process_locked(c->keys) ? "locked" : "may be swapped");
}

static void say_whole(struct say *s, struct core *c)
{
    const struct metrics *m = c->rt.metrics;
    uint64_t up = (env_now_us(c->env) - c->started_us) / 1000000;
    unsigned long gnbs = metric_get(m, METRIC_gnbs_connected), ues = metric_get(m, METRIC_ues_registered),
                  connected = metric_get(m, METRIC_ues_connected), sessions = metric_get(m, METRIC_sessions),
                  rss = metric_get(m, METRIC_process_rss_octets), cpu = metric_get(m, METRIC_process_cpu_us);
    if (s->json) {
        say_sandbox(s, c);
        text_add(&s->text, "\"pid\":%d,\"uptime_s\":%lu,\"start_ms\":%u,\"gnbs\":%lu,\"ues_registered\":%lu,\"ues_connected\":%lu,"
               "\"pdu_sessions\":%lu,\"rss_octets\":%lu,\"cpu_us\":%lu,\"procedures\":%u,\"functions\":{",
            (int)getpid(), (unsigned long)up, c->start_ms, gnbs, ues, connected, sessions, rss, cpu, c->rt.procs_running);
        return;
    }
    text_add(&s->text, "redoubt: up for ");
    say_duration(s, up);
    text_add(&s->text, ", process %d, started in %u ms\n", (int)getpid(), c->start_ms);
    text_add(&s->text, "  %lu gNBs in service, %lu phones registered (%lu connected), %lu PDU sessions\n", gnbs, ues, connected, sessions);
    text_add(&s->text, "  %.1f MiB resident, %.2f s of CPU, %u procedures under way\n", (double)rss / 1048576, (double)cpu / 1e6,
        c->rt.procs_running);
    say_sandbox(s, c);
}

static int status(struct core *c, struct str which, bool json, char *out, uint32_t cap)
{
    struct say s = {.text = text_over(out, cap), .json = json};
    bool found = which.n == 0, first = true;
    refresh(c);
    text_add(&s.text, json ? "{" : "");
    if (which.n == 0)
        say_whole(&s, c);
    else
        text_add(&s.text, json ? "\"functions\":{" : "");
    for (unsigned i = 0; i < NF_SLOTS; i++) {
        struct nf *nf = c->rt.nf[i];
        if (!nf || (which.n && !str_is(which, nf->desc->name)))
            continue;
        text_add(&s.text, json && !first ? "," : "");
        say_nf(&s, nf);
        found = true;
        first = false;
    }
    if (c->guard && (which.n == 0 || str_is(which, "guard"))) {
        text_add(&s.text, json && !first ? "," : "");
        say_guard(&s, c);
        found = true;
    }
    text_add(&s.text, json ? "}}\n" : "");
    if (!found) {
        s.text.n = 0;
        text_add(&s.text, "error: no function '" STR_FMT "' runs here\n", STR_ARG(which));
    }
    return s.text.full ? ERR_NOSPACE : (int)s.text.n;
}

/* ---- packets and rules of a session, from the UPF ---- */
/* A phone's identity is known to the SMF alone; the UPF knows sessions. False: answered, by what is to be done. */
static bool session_of_supi(struct core *c, struct str supi, char *word, size_t cap, struct text *answer)
{
    struct nf *smf = c->rt.nf[SBI_NF_SMF];
    char found[1024] = "", words[128];
    struct text t = text_over(found, sizeof found);
    if (!smf) {
        text_add(answer, "error: no SMF runs here, which would know this phone; name it by its address or by its session\n");
        return false;
    }
    snprintf(words, sizeof words, "sessions " STR_FMT, STR_ARG(supi));
    smf->desc->ask(smf->state, str_of(words), &t);
    const char *end = strchr(found, '\n');
    if (!strncmp(found, "error: ", 7) || !end)
        text_add(answer, "%s", end ? found : "error: this phone has no session at a UPF\n");
    else if (end[1])
        text_add(answer, "error: this phone has several sessions; name one by --session:\n%s", found);
    else
        snprintf(word, cap, "seid=%.*s", (int)strcspn(found, " "), found);
    return end && !end[1] && strncmp(found, "error: ", 7) != 0;
}

static int trace(struct core *c, struct str line, char *out, uint32_t cap)
{
    struct nf *upf = c->rt.nf[SBI_NF_UPF];
    struct text answer = text_over(out, cap);
    char words[512] = "", one[128];
    struct text t = text_over(words, sizeof words);
    if (!upf)
        return snprintf(out, cap, "error: no UPF runs here\n");
    for (struct str w; (w = text_word(&line)).n;) {
        bool is_supi = w.n > 8 && (!memcmp(w.p, "ue=imsi-", 8) || !memcmp(w.p, "ue=nai-", 7));
        if (is_supi && w.n > sizeof one - 16)
            return snprintf(out, cap, "error: an identity that is too long\n");
        if (is_supi && !session_of_supi(c, (struct str){w.p + 3, w.n - 3}, one, sizeof one, &answer))
            return (int)answer.n;
        if (is_supi)
            w = str_of(one);
        text_add(&t, "%s" STR_FMT, t.n ? " " : "", STR_ARG(w));
    }
    upf->desc->ask(upf->state, str_of(words), &answer);
    return (int)answer.n;
}

/* ---- the control socket ---- */
int core_answer(void *ctx, struct str line, char *out, uint32_t cap)
{
    struct core *c = ctx;
    struct str what = text_word(&line), which = {NULL, 0};
    bool json = false;
    LOG(&c->log, control_client, "asked=%.*s", STR_ARG(what));
    if (str_is(what, "trust")) {
        rt_enter(&c->rt);
        return core_trust_answer(c, line, out, cap);
    }
    if (str_is(what, "trace")) {
        rt_enter(&c->rt);
        return trace(c, line, out, cap);
    }
    for (struct str w; (w = text_word(&line)).n;)
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
    return snprintf(out, cap, "error: expected status, metrics, trace, reload, trust or stop\n");
}
