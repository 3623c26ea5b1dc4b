/* SPDX-License-Identifier: Apache-2.0 */
/* ran.c - redoubt ran: gNBs and phones in the real world, against any core. */
#include "base/plmn.h"
#include "cmd/ran.h"
#include "cmd/scenario_ran.h"
#include "os/file.h"
#include "os/netns.h"
#include "os/sandbox.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { S = 1000000, TICK_US = 5000, FRAMES = 16 << 20 };

/* ---- log ---- */
static void log_line(void *ctx, struct str line)
{
    fwrite(line.p, 1, line.n, stdout);
    fflush(stdout);
}
static uint64_t log_clock(void *env) { return env_unix_us(env); }

/* ---- phones ---- */
static void on_event(void *ctx, struct ue *ue, const struct ue_event *e)
{
    struct ran_cmd *r = ctx;
    if (r->scenario)
        scenario_happened(r->scenario, (uint32_t)((struct ran_phone *)ue->user - r->phones), e);
    else
        load_event(ctx, ue->user, e);
}

static int key_of(struct aka_key *k, struct str key, struct str opc)
{
    *k = (struct aka_key){.alg = AKA_MILENAGE, .k_n = 16};
    return hex_get(k->k, 16, key) && hex_get(k->opc, 16, opc) ? OK : ERR_SYNTAX;
}
static uint8_t mnc_digits(const struct ran_cmd *r) { return (r->o.plmn.v[1] & 0xf0) == 0xf0 ? 2 : 3; }
static void tun_name(struct ran_cmd *r, uint32_t i, struct ue_config *c)
{
    struct ran_tun *t = &r->tuns[i];
    if (r->o.netns) {
        snprintf(t->netns, sizeof t->netns, "%.36s%u", r->o.netns, i + 1);
        str_copy(t->name, sizeof t->name, str_of(r->o.tun_name));
        c->tun_netns = t->netns;
    } else {
        snprintf(t->name, sizeof t->name, "%.5s%u", r->o.tun_name, i + 1);
    }
    c->tun = true;
    c->tun_name = t->name;
}
int ran_phone_make(struct ran_cmd *r, uint32_t i, const char *imsi, const struct aka_key *key)
{
    struct ran_phone *p = &r->phones[i];
    struct ue_config c = {.usim = {.imsi = imsi, .mnc_digits = mnc_digits(r), .key = *key, .hn = r->hn,
                                   .hn_id = (uint8_t)r->o.hn_id},
                          .n_slices = 1, .user = p};
    c.slices[0] = r->o.slice;
    if (i < r->o.tuns)
        tun_name(r, i, &c);
    if (r->script)
        scenario_ran_shape(r, i, &c);
    p->ue = ue_new(&r->ran, &c);
    secret_wipe(&c, sizeof c);
    if (!p->ue)
        return ERR_CONFIG;
    if (r->o.load && r->hn) /* real phones conceal each for itself: not at the load's expense once it runs */
        usim_suci(&p->ue->usim, &r->ran, NULL);
    load_phone(r, p);
    ue_camp(p->ue, &r->cells[i % r->o.gnbs]);
    return OK;
}
static int phones_from_range(struct ran_cmd *r)
{
    char imsi[16];
    size_t n = strlen(r->o.imsi);
    unsigned long long first = strtoull(r->o.imsi, NULL, 10);
    for (uint32_t i = 0; i < r->n_phones; i++) {
        snprintf(imsi, sizeof imsi, "%0*llu", (int)n, first + i);
        int e = ran_phone_make(r, i, imsi, &r->key);
        if (e < 0)
            return e;
    }
    return OK;
}
static int phones_from_csv(struct ran_cmd *r)
{
    char line[512], imsi[32], key[65], opc[65];
    FILE *f = fopen(r->o.csv, "re");
    uint32_t n = 0, at = 0;
    if (!f) {
        fprintf(stderr, "redoubt ran: %s cannot be read\n", r->o.csv);
        return ERR_IO;
    }
    int e = OK;
    while (n < r->n_phones && e == OK && fgets(line, sizeof line, f)) {
        struct aka_key k;
        at++;
        if (sscanf(line, " imsi-%15[0-9],%64[0-9a-fA-F],%64[0-9a-fA-F]", imsi, key, opc) != 3 &&
            sscanf(line, " %15[0-9],%64[0-9a-fA-F],%64[0-9a-fA-F]", imsi, key, opc) != 3)
            continue; /* a heading, a comment */
        e = key_of(&k, str_of(key), str_of(opc));
        if (e < 0)
            fprintf(stderr, "redoubt ran: %s:%u: expected imsi,key,opc with 32 hex digits each\n", r->o.csv, at);
        else
            e = ran_phone_make(r, n++, imsi, &k);
        secret_wipe(&k, sizeof k);
    }
    secret_wipe(line, sizeof line);
    secret_wipe(key, sizeof key);
    fclose(f);
    r->n_phones = n;
    return e;
}

/* ---- cells, and who starts when ---- */
static void ready(struct gnb *g)
{
    struct cell *c = g->user;
    struct ran_cmd *r = c->ran->config.ctx;
    bool all = true;
    for (uint32_t i = 0; i < r->o.gnbs; i++)
        all &= r->cells[i].gnb.state == GNB_READY;
    LOG(&r->log, ran_gnb_up, "id=%u amf=%s", g->config.id, g->amf_name);
    r->cells_up |= all;
}
static void gone(struct gnb *g)
{
    struct ran_cmd *r = ((struct cell *)g->user)->ran->config.ctx;
    LOG(&r->log, ran_gnb_down, "id=%u", g->config.id);
    gnb_phones.release_all(g);
}
/* What keeps the first gNB out that is not in service. */
static void why_not(const struct ran_cmd *r)
{
    char at[NET_ADDR_TEXT], cause[128] = "";
    uint32_t i = 0;
    while (i + 1 < r->o.gnbs && r->cells[i].gnb.state == GNB_READY)
        i++;
    const struct gnb *g = &r->cells[i].gnb;
    if (g->setups_refused && aper_print(&ngap_desc_Cause, &g->last_cause, cause, sizeof cause, -1) > 0)
        fprintf(stderr, "%s refuses gNB %u: %s\n", addr_text(&r->o.amf, at), g->config.id, cause);
    else
        fprintf(stderr, "%s %s\n", addr_text(&r->o.amf, at), g->setups_sent ? "answers no NG Setup" : "does not take an association (SCTP)");
}
static void no_cells(struct ran_cmd *r)
{
    if (!r->o.load || r->rt.now_us <= r->down_us + (uint64_t)r->o.wait_s * S)
        return;
    fprintf(stderr, "redoubt ran: no AMF let the gNBs in within %u s: ", r->o.wait_s);
    why_not(r);
    r->status = EXIT_FAILED;
    loop_stop(r->loop);
}
static void pace(struct timer *t)
{
    struct ran_cmd *r = CONTAINER(t, struct ran_cmd, pace);
    timer_set(&r->rt.timers, t, r->rt.now_us + TICK_US, pace);
    if (!r->cells_up) {
        no_cells(r);
        return;
    }
    if (!r->said_ready) {
        r->said_ready = true;
        if (!r->o.load && !r->script) {
            printf("ready\n");
            fflush(stdout);
        }
        if (!r->o.no_register)
            load_start(r);
    }
    load_tick(r);
}
static uint64_t turn(void *ctx)
{
    struct ran_cmd *r = ctx;
    rt_enter(&r->rt);
    load_turn(r);
    return rt_turn(&r->rt);
}
static void signalled(void *ctx, int signo)
{
    struct ran_cmd *r = ctx;
    r->interrupted = true;
    loop_stop(r->loop);
}

static struct gnb_ue_ops ran_ops(void)
{
    struct gnb_ue_ops ops = gnb_phones;
    ops.ready = ready;
    ops.release_all = gone;
    return ops;
}
static int cells_start(struct ran_cmd *r, const struct gnb_ue_ops *ops)
{
    r->ta = (struct gnb_ta){.n_slices = 1, .slices = {r->o.slice}};
    memcpy(r->ta.plmn, r->o.plmn.v, 3);
    put_be24(r->ta.tac, r->o.tac);
    for (uint32_t i = 0; i < r->o.gnbs; i++) {
        struct gnb_config c = {.id = r->o.gnb_id + i, .id_bits = 32, .name = r->o.name, .tas = &r->ta, .n_tas = 1,
                               .paging_drx = NGAP_PagingDRX_v128, .streams = 8};
        memcpy(c.plmn, r->o.plmn.v, 3);
        int e = cell_init(&r->cells[i], &r->ran, &c);
        if (e >= 0) {
            r->cells[i].gnb.ue_ops = ops;
            e = gnb_start(&r->cells[i].gnb, &r->o.amf);
        }
        if (e < 0)
            return e;
    }
    return OK;
}
static int hn_key_take(struct ran_cmd *r)
{
    uint8_t raw[65];
    if (!r->o.hn_key)
        return OK;
    size_t n = strlen(r->o.hn_key) / 2;
    enum suci_scheme s = r->o.profile_b ? SUCI_PROFILE_B : SUCI_PROFILE_A;
    if (n > sizeof raw || !hex_get(raw, n, str_of(r->o.hn_key)))
        return ERR_SYNTAX;
    return hn_key_public_raw(r->crypto, s, (struct bytes){raw, (uint32_t)n}, &r->hn);
}
static int say(const char *what, int e)
{
    if (e < 0)
        fprintf(stderr, "redoubt ran: %s: %s\n", what, err_text(e));
    return e;
}
/* ---- what gNBs and phones do not need ---- */
static void socket_remove(void *ctx, uint8_t number) { unlink(((const struct ran_cmd *)ctx)->o.control); }
/* Before there is anything to be inherited. */
static int sweeper_begin(struct ran_cmd *r)
{
    return r->o.control && !r->o.unsafe_no_sandbox ? sweeper_start(&r->sweeper, socket_remove, r) : OK;
}
static int sandbox_start(struct ran_cmd *r)
{
    static const char *const tun_files[] = {"/dev/net/tun", "/proc/sys/net", "/run/netns", NULL};
    struct sandbox_conf conf = {.role = r->o.tuns ? SANDBOX_RAN_TUN : SANDBOX_RAN, .files = r->o.tuns ? tun_files : NULL};
    struct sandbox s;
    if (r->o.tuns && r->o.netns && dir_make(NETNS_ETC) == OK)
        conf.folder = NETNS_ETC; /* resolv.conf of a phone's namespace */
    sandbox_no_dump();
    if (r->o.unsafe_no_sandbox)
        return OK;
    int e = say("sandbox", sandbox_enter(&conf, &s));
    if (e >= 0)
        LOG(&r->log, sandbox, "landlock=%d calls=%s user=same threads=%u", s.landlock, s.calls ? "listed" : "all", s.threads);
    return e;
}
static int histogram_open(struct ran_cmd *r)
{
    if (!r->o.histogram)
        return OK;
    r->load.histogram = fopen(r->o.histogram, "we");
    if (!r->load.histogram)
        fprintf(stderr, "redoubt ran: %s cannot be written\n", r->o.histogram);
    return r->load.histogram ? OK : ERR_IO;
}
static int start(struct ran_cmd *r, const struct gnb_ue_ops *ops)
{
    struct env_real_conf env = {.sctp = {.max_assocs = r->o.gnbs + 8}, .max_sockets = r->o.tuns + 64};
    uint32_t spare = r->script ? 8 : 0; /* a phone that restarts has its old connection for a moment */
    struct ran_config rc = {.max_ues = r->n_phones + spare, .max_sessions = r->n_phones * 2 + 64, .n3 = r->o.n3,
                            .inactivity_us = (uint64_t)r->o.idle_s * S, .event = on_event, .ctx = r};
    uint8_t secret[16];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    if (r->o.sctp)
        env.sctp.mode = *r->o.sctp == 'k' ? SCTP_MODE_KERNEL : *r->o.sctp == 'u' ? SCTP_MODE_USER : SCTP_MODE_AUTO;
    int e = histogram_open(r);
    e = e < 0 ? e : sweeper_begin(r);
    e = e < 0 ? e : loop_open(&r->loop);
    e = e < 0 ? e : loop_on_signals(r->loop, &set, signalled, r);
    e = e < 0 ? e : env_real_open(&r->env, r->loop, &env);
    e = e < 0 ? e : rt_init(&r->rt, r->env, FRAMES);
    e = e < 0 ? e : crypto_init(&r->crypto);
    if (say("start", e < 0 ? e : loop_on_turn(r->loop, turn, r)) < 0)
        return e < 0 ? e : ERR_NOSPACE;
    r->rt.crypto = r->crypto;
    env_random(r->env, secret, sizeof secret);
    log_init(&r->log, secret);
    r->log.line = log_line;
    r->log.unix_us = log_clock;
    r->log.clock = r->env;
    r->log.format = LOG_JSON;
    r->log.rate_s = r->log.burst = 100000;
    log_set_level(&r->log, r->o.quiet || r->o.load ? LOG_ERROR : r->o.debug ? LOG_DEBUG : LOG_INFO);
    r->rt.log = &r->log;
    if (say("--hn-key", hn_key_take(r)) < 0)
        return ERR_CONFIG;
    if (say("N3", ran_init(&r->ran, &r->rt, &rc)) < 0)
        return ERR_IO;
    if (say("SCTP", cells_start(r, ops)) < 0)
        return ERR_IO;
    e = r->o.csv ? phones_from_csv(r) : phones_from_range(r);
    if (say("phones", e) < 0)
        return e;
    if (r->o.control && say(r->o.control, control_open(&r->control, r->loop, r->o.control, ran_answer, r)) < 0)
        return ERR_IO;
    if (sandbox_start(r) < 0)
        return ERR_DENIED;
    r->down_us = r->rt.now_us;
    return timer_set(&r->rt.timers, &r->pace, r->rt.now_us + TICK_US, pace);
}
static void stop(struct ran_cmd *r)
{
    control_free(r->control);
    sweeper_do(&r->sweeper, 0);
    sweeper_end(&r->sweeper);
    if (r->rt.env)
        timer_stop(&r->rt.timers, &r->pace), timer_stop(&r->rt.timers, &r->dark);
    for (uint32_t i = 0; r->cells && i < r->o.gnbs; i++)
        cell_free(&r->cells[i]);
    ran_free(&r->ran);
    if (r->rt.env)
        rt_free(&r->rt);
    hn_key_free(r->hn);
    crypto_free(r->crypto);
    if (r->env)
        env_real_free(r->env);
    if (r->loop)
        loop_free(r->loop);
}

/* ---- words ---- */
static bool slice_take(const char *text, struct gnb_slice *out)
{
    char *end;
    unsigned long sst = strtoul(text, &end, 10);
    *out = (struct gnb_slice){.sst = (uint8_t)sst, .has_sd = *end == '-'};
    return sst <= 255 && end != text && (!*end || (*end == '-' && hex_get(out->sd, 3, str_of(end + 1))));
}
static bool plmn_take(const char *text, struct config_plmn *out)
{
    char mcc[4] = {0}, mnc[4] = {0};
    int n = 0;
    return sscanf(text, "%3[0-9]-%3[0-9]%n", mcc, mnc, &n) == 2 && !text[n] && strlen(mcc) == 3 && plmn_of(out->v, mcc, mnc);
}
static bool type_take(const char *text, uint8_t *out)
{
    static const char *const names[] = {[NAS_PDU_IPV4] = "IPv4", [NAS_PDU_IPV6] = "IPv6", [NAS_PDU_IPV4V6] = "IPv4v6",
                                        [NAS_PDU_ETHERNET] = "Ethernet"};
    *out = 0;
    for (uint8_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i] && strcasecmp(text, names[i]) == 0)
            *out = i;
    return *out != 0;
}
static bool imsi_take(const char *text, struct ran_options *o)
{
    size_t n = strlen(text);
    o->imsi = text;
    return n >= 6 && n <= 15 && strspn(text, "0123456789") == n;
}
static unsigned long long last_imsi(const struct ran_options *o) { return strtoull(o->imsi, NULL, 10) + o->ues - 1; }
static unsigned long long power_of_ten(size_t n)
{
    unsigned long long v = 1;
    while (n--)
        v *= 10;
    return v;
}
static bool profile_take(const char *text, struct ran_options *o)
{
    o->profile_b = strcmp(text, "B") == 0;
    return o->profile_b || strcmp(text, "A") == 0;
}
static bool sctp_take(const char *text, struct ran_options *o)
{
    o->sctp = text;
    return strcmp(text, "auto") == 0 || strcmp(text, "kernel") == 0 || strcmp(text, "userspace") == 0;
}
#define NUMBER(word, min, max, to)                                                                 \
    else if (args_value(a, NULL, "--" word, &v)) { if (!v || !args_number("--" word, v, min, max, &(to))) return EXIT_USAGE; }
#define TEXT(word, to)                                                                             \
    else if (args_value(a, NULL, "--" word, &v)) { if (!v) return EXIT_USAGE; (to) = v; }
#define PARSED(word, call, expected)                                                               \
    else if (args_value(a, NULL, "--" word, &v)) {                                                 \
        if (!v || !(call)) return usage("ran", "--" word ": expected " expected); }
#define FLAG(word, to) else if (args_flag(a, NULL, "--" word)) { (to) = true; }
static int words(struct args *a, struct ran_options *o, struct load_plan *plan)
{
    const char *v = NULL;
    o->load = args_more(a) && args_flag(a, NULL, "load");
    while (args_more(a)) {
        if (false) {
        }
        PARSED("amf", addr_parse(&o->amf, str_of(v), 38412), "ADDR[:PORT]")
        PARSED("n3", addr_parse(&o->n3, str_of(v), 2152), "an address")
        PARSED("plmn", plmn_take(v, &o->plmn), "MCC-MNC, as 001-01")
        PARSED("slice", slice_take(v, &o->slice), "SST or SST-SD, SD six hex digits")
        PARSED("type", type_take(v, &o->type), "IPv4, IPv6, IPv4v6 or Ethernet")
        PARSED("ping", (o->ping = addr_parse(&o->ping_to, str_of(v), 0)), "an address")
        NUMBER("gnbs", 1, RAN_CELLS_MAX, o->gnbs)
        NUMBER("gnb-id", 0, 0x7fffffff, o->gnb_id)
        NUMBER("ues", 1, 1000000, o->ues)
        NUMBER("tac", 1, 0xfffffd, o->tac)
        NUMBER("tun", 0, 10000, o->tuns)
        NUMBER("hn-id", 0, 255, o->hn_id)
        NUMBER("idle", 0, 86400, o->idle_s)
        NUMBER("wait", 1, 3600, o->wait_s)
        NUMBER("rate", 0, 1000000, plan->rate)
        NUMBER("parallel", 1, 1000000, plan->parallel)
        TEXT("histogram", o->histogram)
        PARSED("waves", load_waves_parse(v, plan), LOAD_WAVES_EXPECTED)
        PARSED("mix", load_mix_parse(v, plan), LOAD_MIX_EXPECTED)
        else if (args_value(a, NULL, "--duration", &v)) {
            if (!v || !args_duration("--duration", v, &plan->mix_us))
                return EXIT_USAGE;
        }
        else if (args_value(a, NULL, "--count", &v)) return usage("ran", "--count N: a load of N phones is 'redoubt ran load --ues N'");
        PARSED("imsi", imsi_take(v, o), "6 to 15 digits")
        TEXT("key", o->key)
        TEXT("opc", o->opc)
        TEXT("csv", o->csv)
        TEXT("dnn", o->dnn)
        TEXT("hn-key", o->hn_key)
        PARSED("hn-profile", profile_take(v, o), "A or B")
        TEXT("netns", o->netns)
        TEXT("tun-name", o->tun_name)
        TEXT("control", o->control)
        TEXT("name", o->name)
        PARSED("sctp", sctp_take(v, o), "auto, kernel or userspace")
        TEXT("scenario", o->scenario)
        FLAG("stay", o->stay)
        FLAG("persist", o->persist)
        FLAG("no-session", o->no_session)
        FLAG("no-register", o->no_register)
        FLAG("unsafe-no-sandbox", o->unsafe_no_sandbox)
        FLAG("debug", o->debug)
        FLAG("quiet", o->quiet)
        else return usage("ran", "'%s' is not an option", args_now(a));
    }
    return EXIT_OK;
}
static bool has_mix(const struct load_plan *p, enum load_kind k) { return p->mix_us && p->mix[k]; }
/* What belongs together, and what was not said. */
static int words_check(struct ran_options *o, struct load_plan *p)
{
    bool waves_ping = false, mix = false;
    for (uint32_t i = 0; i < LOAD_KINDS; i++)
        mix |= p->mix[i] != 0;
    for (uint32_t i = 0; i < p->n_waves; i++)
        waves_ping |= p->waves[i] == LOAD_PING;
    if (!o->load && (mix || p->mix_us || p->n_waves || o->stay || o->persist || o->histogram))
        return usage("ran", "--waves, --mix, --duration, --histogram, --persist and --stay are of 'redoubt ran load'");
    if (!o->csv && last_imsi(o) >= power_of_ten(strlen(o->imsi)))
        return usage("ran", "--imsi %s: there are not %u numbers from there on", o->imsi, o->ues);
    if (mix != (p->mix_us != 0))
        return usage("ran", "--mix and --duration go together");
    if ((waves_ping || has_mix(p, LOAD_PING)) && !o->ping)
        return usage("ran", "pings need --ping ADDR");
    if ((waves_ping || has_mix(p, LOAD_PING) || has_mix(p, LOAD_SERVICE)) && o->no_session)
        return usage("ran", "--no-session leaves nothing to ping, or to wake up for");
    if (!p->n_waves && !has_mix(p, LOAD_ATTACH))
        p->waves[p->n_waves++] = LOAD_ATTACH;
    return EXIT_OK;
}
static int run(struct ran_cmd *r)
{
    struct gnb_ue_ops ops = ran_ops();
    r->status = EXIT_OK;
    if (start(r, &ops) < 0)
        return EXIT_FAILED;
    if (r->script)
        return scenario_ran(r);
    loop_run(r->loop);
    load_end(r); /* also when it was interrupted */
    return r->status;
}
int cmd_ran(int argc, char **argv)
{
    struct args a = {argc, argv, 1};
    struct ran_cmd *r = calloc(1, sizeof *r);
    if (!r)
        return EXIT_FAILED;
    r->o = (struct ran_options){.gnbs = 1, .ues = 1, .gnb_id = 1, .tac = 1, .hn_id = 1, .wait_s = 30,
                                .amf = addr_v4(0x7f000005, 38412), .n3 = addr_v4(0x7f000001, 2152),
                                .plmn = {{0x00, 0xf1, 0x10}}, .slice = {.sst = 1}, .imsi = "001010000000001",
                                .key = "465B5CE8B199B49FAA5F0A2EE238A6BC", .opc = "E8ED289DEBA952E4283B54E88E6183CA",
                                .dnn = "internet", .tun_name = "ue", .name = "redoubt-gnb", .type = NAS_PDU_IPV4};
    r->load.plan = (struct load_plan){.parallel = 64};
    int status = words(&a, &r->o, &r->load.plan);
    if (status == EXIT_OK)
        status = words_check(&r->o, &r->load.plan);
    if (status == EXIT_OK && key_of(&r->key, str_of(r->o.key), str_of(r->o.opc)) < 0)
        status = usage("ran", "--key and --opc: expected 32 hex digits each");
    if (status == EXIT_OK && r->o.scenario)
        status = r->o.load ? usage("ran", "--scenario does not go with a load") : scenario_ran_read(r);
    if (status == EXIT_OK) {
        r->n_phones = r->o.ues;
        r->o.tuns = r->o.tuns < r->o.ues ? r->o.tuns : r->o.ues;
        r->cells = calloc(r->o.gnbs, sizeof *r->cells);
        r->phones = calloc(r->n_phones, sizeof *r->phones);
        r->tuns = calloc(r->o.tuns + 1, sizeof *r->tuns);
        bool good = r->cells && r->phones && r->tuns && load_init(r) == OK;
        status = good ? run(r) : EXIT_FAILED;
        stop(r);
    }
    free(r->cells);
    free(r->phones);
    free(r->tuns);
    load_free(r);
    scenario_ran_free(r);
    secret_wipe(r, sizeof *r);
    free(r);
    return status;
}
