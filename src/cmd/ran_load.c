/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ran.h"
#include "base/text.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { S = 1000000, AT_ONCE = 32 /* begun in one turn: then answers are read */, DARK_US = S };
static const char *const WORDS[LOAD_WORDS] = {"attach", "service", "idle", "ping", "deregister", "powercut"};
/* What a phone must be to begin it. */
static const uint8_t FIT[LOAD_KINDS] = {LOAD_OFF, LOAD_RESTING, LOAD_CONNECTED, LOAD_CONNECTED, LOAD_CONNECTED};

/* ---- words ---- */
static int word_of(struct str w)
{
    for (int i = 0; i < LOAD_WORDS; i++)
        if (str_is(w, WORDS[i]))
            return i;
    return -1;
}
bool load_waves_parse(const char *text, struct load_plan *p)
{
    p->n_waves = 0;
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ",");
        int w = word_of((struct str){at, (uint32_t)n});
        if (w < 0 || p->n_waves == LOAD_WAVES)
            return false;
        p->waves[p->n_waves++] = (uint8_t)w;
        at += n;
        if (!*at)
            return true;
    }
}
bool load_mix_parse(const char *text, struct load_plan *p)
{
    uint64_t all = 0;
    uint32_t said = 0;
    memset(p->mix, 0, sizeof p->mix);
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, "=");
        char *end;
        int w = at[n] ? word_of((struct str){at, (uint32_t)n}) : -1;
        if (w < 0 || w >= LOAD_KINDS || at[n + 1] < '0' || at[n + 1] > '9')
            return false;
        unsigned long v = strtoul(at + n + 1, &end, 10);
        if (v > 1000000 || (*end && *end != ','))
            return false;
        if (said >> w & 1) /* which of the two is meant? */
            return false;
        said |= 1u << w;
        p->mix[w] = (uint32_t)v;
        all += v;
        at = end;
        if (!*at)
            return all > 0;
    }
}

/* ---- sets ---- */
static uint32_t index_of(const struct ran_cmd *r, const struct ran_phone *p) { return (uint32_t)(p - r->phones); }
static uint8_t set_of(const struct ran_phone *p)
{
    if (p->doing != LOAD_NOTHING)
        return LOAD_NO_SET;
    switch (p->ue->state) {
    case MM_REGISTERED: return p->ue->link ? LOAD_CONNECTED : LOAD_RESTING;
    case MM_NULL:
    case MM_DEREGISTERED: return LOAD_OFF;
    default: return LOAD_NO_SET;
    }
}
static void place(struct ran_cmd *r, struct ran_phone *p)
{
    struct load *l = &r->load;
    uint8_t to = set_of(p);
    if (to == p->set)
        return;
    if (p->set != LOAD_NO_SET) {
        uint32_t last = l->set[p->set][--l->n_set[p->set]];
        l->set[p->set][p->at] = last;
        r->phones[last].at = p->at;
    }
    p->set = to;
    if (to == LOAD_NO_SET)
        return;
    p->at = l->n_set[to]++;
    l->set[to][p->at] = index_of(r, p);
}

/* ---- ends ---- */
static void cause_count(struct load *l, const char *what, const char *text, uint8_t cause)
{
    for (uint32_t i = 0; i < LOAD_CAUSES; i++) {
        struct load_cause *c = &l->causes[i];
        if (c->n && (c->cause != cause || strcmp(c->what, what) != 0 || strcmp(c->text, text) != 0))
            continue;
        *c = (struct load_cause){what, text, cause, c->n + 1};
        return;
    }
}
static void count_5gmm(struct load *l, const char *what, uint8_t cause)
{
    cause_count(l, what, cause ? nas_gmm_cause_text(cause) : "no answer, or the connection went", cause);
}
static void end(struct ran_cmd *r, struct ran_phone *p)
{
    struct load *l = &r->load;
    list_remove(&p->running);
    list_remove(&p->pinging);
    l->n_running--;
    p->doing = LOAD_NOTHING;
    l->last_us = r->rt.now_us;
    place(r, p);
}
static void done(struct ran_cmd *r, struct ran_phone *p)
{
    struct load *l = &r->load;
    uint64_t us = r->rt.now_us - p->begun_us;
    hist_add(&l->hists->kind[p->doing], us);
    hist_add(l->second, us);
    l->done++;
    l->waves[l->wave].done++;
    l->done_us = r->rt.now_us;
    end(r, p);
}
static void failed(struct ran_cmd *r, struct ran_phone *p)
{
    r->load.failed++;
    end(r, p);
}
/* A phone that goes on until it has what it wants is not done with it. */
static void attach_failed(struct ran_cmd *r, struct ran_phone *p)
{
    if (p->doing == LOAD_ATTACH && !r->o.persist)
        failed(r, p);
}
static bool goes_on(const struct ran_cmd *r, const struct ran_phone *p, uint8_t cause)
{
    return r->o.persist && p->doing == LOAD_SERVICE && cause == NAS_GMM_CAUSE_CONGESTION;
}

/* ---- begin ---- */
static int session_open(struct ran_cmd *r, struct ran_phone *p)
{
    return ue_session_open(p->ue, &(struct ue_open){.dnn = r->o.dnn, .type = r->o.type, .has_slice = true, .slice = r->o.slice});
}
static uint8_t psi_of(const struct ran_phone *p) { return p->ue->sessions ? p->ue->sessions->psi : 0; }
static int ping(struct ran_cmd *r, struct ran_phone *p)
{
    list_remove(&p->pinging);
    list_append(&r->load.pinging, &p->pinging);
    p->pinged_us = r->rt.now_us;
    return ue_ping(p->ue, psi_of(p), &r->o.ping_to, 56);
}
static int act(struct ran_cmd *r, struct ran_phone *p, uint8_t kind)
{
    switch (kind) {
    case LOAD_ATTACH: return ue_register(p->ue);
    case LOAD_SERVICE: return ue_service(p->ue);
    case LOAD_IDLE: return gnb_ue_release_request(p->ue->link, NGAP_CauseRadioNetwork_user_inactivity);
    case LOAD_PING: return ping(r, p);
    default: return ue_deregister(p->ue, false);
    }
}
static void begin(struct ran_cmd *r, struct ran_phone *p, uint8_t kind)
{
    struct load *l = &r->load;
    l->begun++;
    l->waves[l->wave].begun++;
    l->n_running++;
    p->doing = kind;
    p->begun_us = r->rt.now_us;
    list_append(&l->running, &p->running);
    place(r, p);
    int e = act(r, p, kind);
    if (e >= 0 || p->doing != kind)
        return;
    cause_count(l, WORDS[kind], err_text(e), 0);
    failed(r, p);
}
/* Rather one that is connected, where both will do. */
static uint8_t set_fit(const struct load *l, uint8_t kind)
{
    bool also_resting = kind == LOAD_PING || kind == LOAD_DEREGISTER;
    return also_resting && !l->n_set[FIT[kind]] ? LOAD_RESTING : FIT[kind];
}
static bool is_fit(const struct ran_phone *p, uint8_t kind)
{
    return p->set == FIT[kind] || (p->set == LOAD_RESTING && (kind == LOAD_PING || kind == LOAD_DEREGISTER));
}
/* By weight among those for which there is a phone; LOAD_NOTHING: none. */
static uint8_t kind_draw(struct ran_cmd *r)
{
    const struct load *l = &r->load;
    uint64_t all = 0;
    for (uint8_t k = 0; k < LOAD_KINDS; k++)
        all += l->n_set[set_fit(l, k)] ? l->plan.mix[k] : 0;
    if (!all)
        return LOAD_NOTHING;
    uint64_t drawn = rt_random(&r->rt) % all;
    for (uint8_t k = 0;; k++) {
        uint32_t weight = l->n_set[set_fit(l, k)] ? l->plan.mix[k] : 0;
        if (drawn < weight)
            return k;
        drawn -= weight;
    }
}
static bool is_mixing(const struct load *l) { return l->wave == l->plan.n_waves; }
static uint64_t due(const struct ran_cmd *r) /* how many may have begun by now */
{
    const struct load *l = &r->load;
    const struct load_wave *w = &l->waves[l->wave];
    if (l->plan.rate)
        return (r->rt.now_us - w->started_us) * l->plan.rate / S + 1;
    return l->n_running < l->plan.parallel ? w->begun + l->plan.parallel - l->n_running : 0;
}
static bool mix_one(struct ran_cmd *r)
{
    struct load *l = &r->load;
    uint8_t kind = r->rt.now_us < l->waves[l->wave].started_us + l->plan.mix_us ? kind_draw(r) : LOAD_NOTHING;
    if (kind == LOAD_NOTHING)
        return false;
    uint8_t set = set_fit(l, kind);
    begin(r, &r->phones[l->set[set][rt_random(&r->rt) % l->n_set[set]]], kind);
    return true;
}
static bool wave_one(struct ran_cmd *r)
{
    struct load *l = &r->load;
    uint8_t kind = l->plan.waves[l->wave];
    while (l->next < r->n_phones && !is_fit(&r->phones[l->next], kind)) {
        l->skipped++;
        l->next++;
    }
    if (l->next == r->n_phones)
        return false;
    begin(r, &r->phones[l->next++], kind);
    return true;
}

/* ---- power goes and comes ---- */
static void power_comes(struct timer *t)
{
    struct ran_cmd *r = CONTAINER(t, struct ran_cmd, dark);
    for (uint32_t i = 0; i < r->o.gnbs; i++)
        gnb_start(&r->cells[i].gnb, &r->o.amf);
}
static void power_cut(struct ran_cmd *r)
{
    r->load.powering = true;
    r->cells_up = false;
    r->down_us = r->rt.now_us;
    for (uint32_t i = 0; i < r->o.gnbs; i++)
        cell_vanish(&r->cells[i]);
    for (uint32_t i = 0; i < r->n_phones; i++)
        ue_power_cut(r->phones[i].ue);
    timer_set(&r->rt.timers, &r->dark, r->rt.now_us + DARK_US, power_comes);
}

/* ---- the course of it ---- */
static void wave_begin(struct ran_cmd *r)
{
    struct load *l = &r->load;
    l->next = 0;
    l->waves[l->wave] = (struct load_wave){.started_us = r->rt.now_us};
    l->last_us = r->rt.now_us;
    if (!is_mixing(l) && l->plan.waves[l->wave] == LOAD_POWERCUT)
        power_cut(r);
}
static bool wave_is_over(const struct ran_cmd *r)
{
    const struct load *l = &r->load;
    if (l->powering)
        return r->cells_up;
    if (l->n_running)
        return false;
    return is_mixing(l) ? r->rt.now_us >= l->waves[l->wave].started_us + l->plan.mix_us : l->next == r->n_phones;
}
static void wave_end(struct ran_cmd *r)
{
    struct load *l = &r->load;
    l->powering = false;
    l->waves[l->wave].ended_us = r->rt.now_us;
    if (is_mixing(l) || (l->wave + 1 == l->plan.n_waves && !l->plan.mix_us)) {
        load_end(r);
        return;
    }
    l->wave++;
    wave_begin(r);
}
void load_turn(struct ran_cmd *r)
{
    struct load *l = &r->load;
    if (!l->active || !r->cells_up)
        return;
    for (uint32_t n = 0; n < AT_ONCE && !l->powering && l->waves[l->wave].begun < due(r); n++)
        if (!(is_mixing(l) ? mix_one(r) : wave_one(r)))
            break;
    if (wave_is_over(r))
        wave_end(r);
}
static void overdue_end(struct ran_cmd *r)
{
    struct load *l = &r->load;
    uint64_t wait_us = (uint64_t)r->o.wait_s * S;
    while (!list_empty(&l->running)) {
        struct ran_phone *p = CONTAINER(l->running.next, struct ran_phone, running);
        /* those that persist go on while others get through */
        uint64_t since_us = r->o.persist && p->doing == LOAD_ATTACH && l->done_us > p->begun_us ? l->done_us : p->begun_us;
        if (r->rt.now_us < since_us + wait_us)
            return;
        cause_count(l, WORDS[p->doing], "not done in time", 0);
        failed(r, p);
    }
}
/* Packets may be lost: the ping is sent again after a second, and its time counts from the first. */
static void pings_repeat(struct ran_cmd *r)
{
    struct link *head = &r->load.pinging;
    while (!list_empty(head)) {
        struct ran_phone *p = CONTAINER(head->next, struct ran_phone, pinging);
        if (r->rt.now_us < p->pinged_us + S)
            return;
        ping(r, p);
    }
}
static void progress(struct ran_cmd *r)
{
    struct load *l = &r->load;
    uint64_t now = r->rt.now_us, us = now - l->progress_us;
    if (us < S || !r->o.load || r->o.quiet)
        return;
    bool tty = isatty(STDERR_FILENO);
    const char *what = is_mixing(l) ? "mix" : WORDS[l->plan.waves[l->wave]];
    fprintf(stderr, "%s%5.0f s  %s: %llu begun, %llu done (%.0f/s), %llu failed, %u running; p50 %.1f ms, p99 %.1f ms%s",
            tty ? "\r\033[K" : "", (double)(now - l->started_us) / S, what, (unsigned long long)l->begun,
            (unsigned long long)l->done, (double)(l->done - l->progress_done) * S / (double)us, (unsigned long long)l->failed,
            l->n_running, (double)hist_percentile(l->second, 50) / 1000, (double)hist_percentile(l->second, 99) / 1000,
            tty ? "" : "\n");
    fflush(stderr);
    l->progress_us = now;
    l->progress_done = l->done;
    memset(l->second, 0, sizeof *l->second);
}
void load_tick(struct ran_cmd *r)
{
    if (!r->load.active)
        return;
    overdue_end(r);
    pings_repeat(r);
    progress(r);
}
int load_start(struct ran_cmd *r)
{
    struct load *l = &r->load;
    if (l->active)
        return ERR_STATE;
    l->active = true;
    l->wave = 0;
    l->begun = l->done = l->failed = l->skipped = l->barred = l->progress_done = 0;
    l->started_us = l->progress_us = r->rt.now_us;
    memset(l->causes, 0, sizeof l->causes);
    memset(l->hists, 0, sizeof *l->hists);
    memset(l->second, 0, sizeof *l->second);
    wave_begin(r);
    return OK;
}
/* As HdrHistogram prints its percentiles: five lines for each half of what is left. */
static void distribution(FILE *f, const char *what, const struct hist *h)
{
    enum { TICKS = 5 };
    if (!h->n)
        return;
    fprintf(f, "# %s, ms\n%12s %14s %10s %14s\n\n", what, "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for (double percent = 0;;) {
        uint64_t us = hist_percentile(h, percent), n = hist_at_most(h, us);
        if (n >= h->n || percent >= 100) {
            fprintf(f, "%12.3f %14.12f %10llu\n", (double)h->max / 1000, 1.0, (unsigned long long)h->n);
            break;
        }
        fprintf(f, "%12.3f %14.12f %10llu %14.2f\n", (double)us / 1000, percent / 100, (unsigned long long)n, 100 / (100 - percent));
        double halves = 2;
        while (100 / (100 - percent) >= halves)
            halves *= 2;
        percent += 100 / (TICKS * halves);
    }
    fprintf(f, "#[Mean    = %12.3f]\n#[Max     = %12.3f, Total count    = %12llu]\n#[Buckets = %12u, SubBuckets     = %12u]\n\n",
            hist_mean(h) / 1000, (double)h->max / 1000, (unsigned long long)h->n, HIST_BINS / HIST_PARTS, HIST_PARTS);
}
static void histogram_write(struct load *l)
{
    if (!l->histogram)
        return;
    rewind(l->histogram);
    if (ftruncate(fileno(l->histogram), 0) < 0)
        return;
    for (uint32_t i = 0; i < LOAD_KINDS; i++)
        distribution(l->histogram, WORDS[i], &l->hists->kind[i]);
    distribution(l->histogram, "registration", &l->hists->registration);
    distribution(l->histogram, "registration, the core's share", &l->hists->core);
    distribution(l->histogram, "session", &l->hists->session);
    fflush(l->histogram);
}
void load_end(struct ran_cmd *r)
{
    static char result[16384];
    struct load *l = &r->load;
    if (!l->active)
        return;
    l->active = false;
    histogram_write(l);
    if (!l->waves[l->wave].ended_us)
        l->waves[l->wave].ended_us = r->rt.now_us;
    while (!list_empty(&l->running)) { /* it was interrupted */
        struct ran_phone *p = CONTAINER(l->running.next, struct ran_phone, running);
        cause_count(l, WORDS[p->doing], "interrupted", 0);
        failed(r, p);
    }
    if (!r->o.load)
        return;
    if (l->failed)
        r->status = EXIT_FAILED;
    if (isatty(STDERR_FILENO) && !r->o.quiet)
        fputs("\r\033[K", stderr);
    int n = load_result(r, result, sizeof result);
    fwrite(result, 1, n > 0 ? (size_t)n : 0, stdout);
    fflush(stdout);
    if (!r->o.stay)
        loop_stop(r->loop);
}

/* ---- what phones tell ---- */
static void session_up(struct ran_cmd *r, struct ran_phone *p, const struct ue_event *e)
{
    r->sessions++;
    hist_add(&r->load.hists->session, e->us);
    LOG(&r->log, ran_session_up, "ue=%s psi=%u us=%llu", log_identity(&r->log, str_of(p->ue->usim.imsi)).text, e->psi,
        (unsigned long long)e->us);
    if (r->o.ping && !r->o.load && p->pings++ == 0)
        ue_ping(p->ue, e->psi, &r->o.ping_to, 56);
    if (p->doing == LOAD_ATTACH)
        done(r, p);
}
static void registered(struct ran_cmd *r, struct ran_phone *p, const struct ue_event *e)
{
    struct ue *ue = p->ue;
    bool is_initial = !ue->sessions;
    r->registered++;
    hist_add(&r->load.hists->registration, e->us);
    hist_add(&r->load.hists->core, ue->link ? ue->link->core_us : 0);
    LOG(&r->log, ran_ue_registered, "ue=%s us=%llu", log_identity(&r->log, str_of(ue->usim.imsi)).text, (unsigned long long)e->us);
    if (r->o.no_session) {
        if (p->doing == LOAD_ATTACH)
            done(r, p);
    } else if (is_initial && session_open(r, p) < 0) {
        cause_count(&r->load, "session", "no memory for it", 0);
        if (p->doing == LOAD_ATTACH)
            failed(r, p);
    }
}
static void session_failed(struct ran_cmd *r, struct ran_phone *p, const struct ue_event *e)
{
    r->failures++;
    LOG(&r->log, ran_session_rejected, "ue=%s psi=%u cause=%u", log_identity(&r->log, str_of(p->ue->usim.imsi)).text, e->psi, e->cause);
    if (e->is_gmm)
        count_5gmm(&r->load, "session, not forwarded", e->cause);
    else
        cause_count(&r->load, "session", e->cause ? nas_gsm_cause_text(e->cause) : "no answer, or the registration ended", e->cause);
    bool congested = ue_backs_off(p->ue); /* the phone asks again when it may */
    if (p->doing == LOAD_ATTACH && !(r->o.persist && congested && p->ue->state == MM_REGISTERED && session_open(r, p) >= 0))
        failed(r, p);
}
static void refused(struct ran_cmd *r, struct ran_phone *p, const char *what, uint8_t kind, uint8_t cause)
{
    count_5gmm(&r->load, what, cause);
    if (kind == LOAD_ATTACH)
        attach_failed(r, p);
    else if (kind != LOAD_NOTHING && p->doing == kind && !goes_on(r, p, cause))
        failed(r, p);
}
void load_event(struct ran_cmd *r, struct ran_phone *p, const struct ue_event *e)
{
    struct pseudonym id = log_identity(&r->log, str_of(p->ue->usim.imsi));
    switch (e->kind) {
    case UE_REGISTERED: registered(r, p, e); break;
    case UE_REGISTRATION_FAILED:
        r->failures++;
        LOG(&r->log, ran_ue_rejected, "ue=%s cause=%u", id.text, e->cause);
        refused(r, p, "registration", LOAD_ATTACH, e->cause);
        break;
    case UE_DEREGISTERED:
        LOG(&r->log, ran_ue_rejected, "ue=%s cause=%u deregistered", id.text, e->cause);
        if (p->doing == LOAD_DEREGISTER)
            done(r, p);
        else if (!r->load.powering)
            refused(r, p, "deregistered by the network", p->doing, e->cause);
        break;
    case UE_SESSION_UP: session_up(r, p, e); break;
    case UE_SESSION_FAILED: session_failed(r, p, e); break;
    case UE_SERVICE_ACCEPTED:
        if (p->doing == LOAD_SERVICE)
            done(r, p);
        break;
    case UE_SERVICE_FAILED: refused(r, p, "service", LOAD_SERVICE, e->cause); break;
    case UE_BARRED: r->load.barred++; break;
    case UE_IDLE:
        if (p->doing == LOAD_IDLE)
            done(r, p);
        break;
    case UE_PING_REPLY:
        r->pings++;
        if (p->doing == LOAD_PING)
            done(r, p);
        break;
    default: break;
    }
    place(r, p);
}

/* ---- result ---- */
static void times(struct text *t, const char *name, const struct hist *h)
{
    if (!h->n)
        return;
    text_add(t, ",\"%s_us\":{\"n\":%llu,\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"p99.9\":%llu,\"max\":%u,\"mean\":%.0f}", name,
             (unsigned long long)h->n, (unsigned long long)hist_percentile(h, 50), (unsigned long long)hist_percentile(h, 90),
             (unsigned long long)hist_percentile(h, 99), (unsigned long long)hist_percentile(h, 99.9), h->max, hist_mean(h));
}
static double seconds(uint64_t from_us, uint64_t to_us) { return to_us > from_us ? (double)(to_us - from_us) / S : 0; }
static uint64_t rss_octets(const struct load *l)
{
    unsigned long long pages = 0;
    char text[128] = "";
    if (pread(l->statm_fd, text, sizeof text - 1, 0) < 0 || sscanf(text, "%*u %llu", &pages) != 1)
        pages = 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
static void totals(const struct ran_cmd *r, struct text *t)
{
    const struct load *l = &r->load;
    uint32_t registered = 0, sessions = 0;
    for (uint32_t i = 0; i < r->n_phones; i++) {
        const struct ue *ue = r->phones[i].ue;
        registered += ue->state == MM_REGISTERED;
        sessions += ue->state == MM_REGISTERED && ue->sessions && ue->sessions->state == SM_ACTIVE;
    }
    double s = seconds(l->started_us, l->last_us);
    text_add(t, "{\"phones\":%u,\"registered\":%u,\"sessions\":%u,\"seconds\":%.3f,\"begun\":%llu,\"done\":%llu,\"failed\":%llu,"
                "\"skipped\":%llu,\"kept_back\":%llu,\"rate\":%.1f,\"octets_per_phone\":%llu",
             r->n_phones, registered, sessions, s, (unsigned long long)l->begun, (unsigned long long)l->done,
             (unsigned long long)l->failed, (unsigned long long)l->skipped, (unsigned long long)l->barred, s > 0 ? (double)l->done / s : 0,
             (unsigned long long)(rss_octets(l) - l->rss_before) / (r->n_phones ? r->n_phones : 1));
}
int load_result(const struct ran_cmd *r, char *out, uint32_t cap)
{
    const struct load *l = &r->load;
    struct text t = text_over(out, cap);
    totals(r, &t);
    for (uint32_t i = 0; i < LOAD_KINDS; i++)
        times(&t, WORDS[i], &l->hists->kind[i]);
    times(&t, "registration", &l->hists->registration);
    times(&t, "registration_core", &l->hists->core);
    times(&t, "session", &l->hists->session);
    text_add(&t, ",\"waves\":[");
    for (uint32_t i = 0; i <= l->wave && i <= l->plan.n_waves; i++)
        text_add(&t, "%s{\"what\":\"%s\",\"seconds\":%.3f,\"begun\":%llu,\"done\":%llu}", i ? "," : "",
                 i == l->plan.n_waves ? "mix" : WORDS[l->plan.waves[i]], seconds(l->waves[i].started_us, l->waves[i].ended_us),
                 (unsigned long long)l->waves[i].begun, (unsigned long long)l->waves[i].done);
    text_add(&t, "],\"causes\":{");
    for (uint32_t i = 0; i < LOAD_CAUSES && l->causes[i].n; i++) {
        const struct load_cause *c = &l->causes[i];
        text_add(&t, "%s\"%s: %s", i ? "," : "", c->what, c->text);
        if (c->cause)
            text_add(&t, " (%u)", c->cause);
        text_add(&t, "\":%llu", (unsigned long long)c->n);
    }
    text_add(&t, "}}\n");
    return (int)t.n;
}

/* ---- life ---- */
void load_phone(struct ran_cmd *r, struct ran_phone *p)
{
    p->doing = LOAD_NOTHING;
    p->set = LOAD_NO_SET;
    place(r, p);
}
void load_phone_gone(struct ran_cmd *r, struct ran_phone *p)
{
    list_remove(&p->running);
    list_remove(&p->pinging);
    p->doing = LOAD_KINDS; /* in no set */
    place(r, p);
}
int load_init(struct ran_cmd *r)
{
    struct load *l = &r->load;
    list_init(&l->running);
    list_init(&l->pinging);
    l->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC); /* files are out of reach later */
    l->rss_before = rss_octets(l);
    l->hists = calloc(1, sizeof *l->hists);
    l->second = calloc(1, sizeof *l->second);
    bool good = l->hists && l->second;
    for (uint32_t i = 0; i < LOAD_SETS; i++) {
        l->set[i] = calloc(r->n_phones, sizeof *l->set[i]);
        good &= l->set[i] != NULL;
    }
    return good ? OK : ERR_NOSPACE;
}
void load_free(struct ran_cmd *r)
{
    struct load *l = &r->load;
    if (l->histogram)
        fclose(l->histogram);
    if (l->statm_fd > 0)
        close(l->statm_fd);
    free(l->hists);
    free(l->second);
    for (uint32_t i = 0; i < LOAD_SETS; i++)
        free(l->set[i]);
}
