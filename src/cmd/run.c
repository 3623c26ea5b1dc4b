/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - redoubt run: puts a core together from its configuration, and takes it apart again. */
#include "cmd/core.h"
#include "cmd/hn_key.h"
#include "crypto/crypto.h"
#include "nf/amf/amf.h"
#include "nf/amf/amf_nf.h"
#include "nf/ausf/ausf.h"
#include "nf/nrf/nrf.h"
#include "nf/nssf/nssf.h"
#include "nf/pcf/pcf.h"
#include "nf/smf/smf.h"
#include "nf/udm/udm.h"
#include "nf/udr/udr.h"
#include "nf/upf/upf.h"
#include "os/file.h"
#include "os/store_sqlite.h"
#include "os/user_plane.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* In the order in which they start: whoever is asked before whoever asks. */
static const struct {
    enum config_nf nf;
    const struct nf_desc *desc;
} functions[] = {
    {CONFIG_NF_NRF, &nrf_nf},
    {CONFIG_NF_UDR, &udr_nf},
    {CONFIG_NF_UDM, &udm_nf},
    {CONFIG_NF_AUSF, &ausf_nf},
    {CONFIG_NF_PCF, &pcf_nf},
    {CONFIG_NF_NSSF, &nssf_nf},
    {CONFIG_NF_UPF, &upf_nf},
    {CONFIG_NF_SMF, &smf_nf},
    {CONFIG_NF_AMF, &amf_nf},
};

static bool is_wanted(const struct config *config, enum config_nf nf)
{
    for (uint32_t i = 0; i < config->network.n_nfs; i++)
        if (config->network.nfs[i] == nf)
            return true;
    return false;
}

/* Before there is a log, and for what a person at the terminal must see. */
static int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int refuse(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("redoubt run: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    return EXIT_FAILED;
}

/* ---- a process that gives nothing away ---- */
static void harden(const struct core *c)
{
    umask(077);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!c->debug) /* keys must not reach a core file, nor another process of the same user by ptrace */
        sandbox_no_dump();
}

/* ---- log ---- */
static void log_line(void *ctx, struct str line)
{
    struct core *c = ctx;
    for (uint32_t at = 0; at < line.n;) {
        ssize_t k = write(c->log_fd, line.p + at, line.n - at);
        if (k < 0 && errno != EINTR)
            return; /* nobody is left to tell */
        at += k > 0 ? (uint32_t)k : 0;
    }
}
static uint64_t log_clock(void *env) { return env_unix_us(env); }

static void log_configure(struct core *c)
{
    const struct config_control *o = &config_of(c)->control;
    log_set_level(&c->log, c->debug ? LOG_DEBUG : (enum log_level)o->log_level);
    for (uint32_t i = 0; i < o->n_log_levels; i++)
        c->log.level[o->log_levels[i].nf] = (uint8_t)o->log_levels[i].level;
    c->log.format = (enum log_format)o->log_format;
    c->log.rate_s = o->log_rate_s;
    c->log.burst = o->log_burst;
}

/* Also after SIGHUP: whoever rotates logs renames the file first. */
static int log_reopen(struct core *c)
{
    struct str path = config_of(c)->control.log_file;
    if (!path.n)
        return OK;
    int fd = c->sandboxed ? keeper_log(&c->keeper) : open(path.p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return c->sandboxed ? fd : err_from_errno(errno);
    if (c->log_fd > STDERR_FILENO)
        close(c->log_fd);
    c->log_fd = fd;
    return OK;
}

static int log_start(struct core *c)
{
    uint8_t secret[16];
    env_random(c->env, secret, sizeof secret);
    log_init(&c->log, secret);
    secret_wipe(secret, sizeof secret);
    c->log.line = log_line;
    c->log.ctx = c;
    c->log.unix_us = log_clock;
    c->log.clock = c->env;
    c->log_fd = STDERR_FILENO;
    log_configure(c);
    c->rt.log = &c->log;
    int e = log_reopen(c);
    return e < 0 ? refuse("log file %s: %s", config_of(c)->control.log_file.p, err_text(e)) : EXIT_OK;
}

static void say_warnings(struct core *c)
{
    const struct config_report *r = &c->config->loaded->report;
    for (const char *p = r->text; *p; p += strcspn(p, "\n") + 1)
        LOG(&c->log, config_unsafe, "about=%.*s", (int)strcspn(p, "\n"), p);
}

/* ---- each second ---- */
static void second(struct timer *t)
{
    struct core *c = CONTAINER(t, struct core, second);
    log_flush(&c->log);
    core_evidence_second(c);
    timer_set(&c->rt.timers, t, c->rt.now_us + 1000000, second);
}
static uint64_t turn(void *ctx)
{
    struct core *c = ctx;
    rt_enter(&c->rt);
    return rt_turn(&c->rt);
}

/* ---- signals ---- */
void core_reload(struct core *c)
{
    struct cmd_config_options options = *c->options;
    if (c->sandboxed) {
        options.is_open = true;
        options.fd = keeper_config(&c->keeper);
    }
    struct cmd_config *fresh = cmd_config_load(&options);
    struct core_config *next = fresh ? calloc(1, sizeof *next) : NULL;
    struct config_report differs;
    if (!next) {
        LOG(&c->log, config_refused, "file=%s", c->options->file ? c->options->file : CMD_CONFIG_FILE);
        cmd_config_free(fresh);
        return;
    }
    config_reload_check(config_of(c), &fresh->config, &differs);
    for (const char *p = differs.text; *p; p += strcspn(p, "\n") + 1)
        LOG(&c->log, config_needs_restart, "about=%.*s", (int)strcspn(p, "\n"), p);
    config_keep_start(config_of(c), &fresh->config);
    *next = (struct core_config){c->config, fresh};
    c->config = next;
    c->rt.config = &fresh->config;
    log_configure(c);
    if (log_reopen(c) < 0)
        LOG(&c->log, os_refused, "what=log-file path=%s", fresh->config.control.log_file.p);
    LOG(&c->log, config_loaded, "file=%s", fresh->file ? fresh->file : "none");
    say_warnings(c);
}

static void signalled(void *ctx, int signo)
{
    struct core *c = ctx;
    rt_enter(&c->rt);
    if (signo == SIGHUP) {
        core_reload(c);
        return;
    }
    LOG(&c->log, stopping, "signal=%s", signo == SIGINT ? "INT" : "TERM");
    loop_stop(c->loop);
}

/* ---- parts ---- */
static int folder_of(const char *path)
{
    char folder[4100];
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return OK;
    str_copy(folder, sizeof folder, (struct str){path, (uint32_t)(slash - path)});
    return dir_make(folder);
}

static int keeper_begin(struct core *c)
{
    const char *file = c->options->file ? c->options->file : CMD_CONFIG_FILE;
    if (config_of(c)->process.unsafe_no_sandbox)
        return EXIT_OK;
    int e = keeper_start(&c->keeper, config_of(c), file); /* before there is anything to be inherited */
    return e < 0 ? refuse("the process that keeps rights could not start: %s", err_text(e)) : EXIT_OK;
}

static bool is_beneath(struct str file, struct str folder)
{
    char a[PATH_MAX], b[PATH_MAX];
    if (!file.n || !folder.n || !realpath(file.p, a) || !realpath(folder.p, b))
        return false;
    size_t n = strlen(b);
    return strncmp(a, b, n) == 0 && (a[n] == '/' || b[n - 1] == '/');
}
/* The core keeps the right to open files in one folder. */
static int keys_out_of_reach(const struct config *o)
{
    struct str folder = o->trust.evidence;
    bool within = is_beneath(o->udm.seal_file, folder);
    for (uint32_t i = 0; i < o->udm.n_hn_keys; i++)
        within = within || is_beneath(o->udm.hn_keys[i].file, folder);
    return within ? refuse("trust.evidence %s: udm.seal_file or a home network key lies in it, which the core could read", folder.p) : EXIT_OK;
}

/* Also before there is anything to be inherited, and before the store is open here. */
static int keys_begin(struct core *c)
{
    const struct config *o = config_of(c);
    char why[KEY_PROCESS_WHY] = "";
    if (o->udm.keys != CONFIG_KEYS_SEPARATE || !is_wanted(o, CONFIG_NF_UDM))
        return EXIT_OK;
    int e = folder_of(o->udr.path.p);
    if (e == OK)
        e = key_process_start(&c->keys, o, why);
    return e < 0 ? refuse("the process that holds the keys could not start: %s", *why ? why : err_text(e)) : keys_out_of_reach(o);
}
static void keys_lost(void *ctx)
{
    struct core *c = ctx;
    c->failed = true; /* nobody could be authenticated: whoever started us starts us again */
    loop_stop(c->loop);
}

static int base_start(struct core *c)
{
    struct env_real_conf env = {.sctp = {.mode = (enum sctp_mode)config_of(c)->amf.sctp,
                                         .max_assocs = config_of(c)->amf.max_gnbs + 64},
                                .udp_direct = config_of(c)->smf.n4_local == CONFIG_N4_LOCAL_DIRECT};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    int e = loop_open(&c->loop);
    if (e == OK)
        e = loop_on_signals(c->loop, &set, signalled, c); /* first: threads inherit the mask */
    if (e == OK)
        e = env_real_open(&c->env, c->loop, &env);
    if (e == OK)
        e = rt_init(&c->rt, c->env, config_of(c)->limits.procedures_octets);
    if (e == OK)
        e = loop_on_turn(c->loop, turn, c);
    if (e < 0)
        return refuse("%s", err_text(e));
    c->rt.config = config_of(c);
    c->started_unix_us = env_unix_us(c->env);
    return log_start(c);
}

static int store_start(struct core *c)
{
    const struct config_udr *o = &config_of(c)->udr;
    char why[256] = "";
    int e = folder_of(o->path.p);
    if (e < 0)
        return refuse("udr.path %s: its folder could not be made: %s", o->path.p, err_text(e));
    e = store_sqlite_open(&c->store, o->path.p, why, sizeof why);
    if (e < 0)
        return refuse("udr.path %s: %s", o->path.p, *why ? why : err_text(e));
    store_group_init(&c->group, &c->rt, c->store, o->commit_ms);
    c->rt.store = &c->group.store;
    LOG(&c->log, store_opened, "path=%s", o->path.p);
    if (store_sqlite_moved(c->store))
        LOG(&c->log, store_moved, "rows=%u", store_sqlite_moved(c->store));
    return EXIT_OK;
}

static int control_start(struct core *c)
{
    const struct config_control *o = &config_of(c)->control;
    char text[NET_ADDR_TEXT];
    int e = folder_of(o->socket.p);
    if (e == OK)
        e = control_open(&c->control, c->loop, o->socket.p, core_answer, c);
    if (e == ERR_EXISTS)
        return refuse("control.socket %s: another core answers there; end it or name another socket", o->socket.p);
    if (e < 0)
        return refuse("control.socket %s: %s", o->socket.p, err_text(e));
    if (o->metrics.family) {
        e = metrics_http_open(&c->http, c->loop, &o->metrics, core_metrics, c);
        if (e < 0)
            return refuse("control.metrics %s: %s", addr_text(&o->metrics, text),
                          e == ERR_EXISTS ? "the address is in use, or not one of this machine" : err_text(e));
    }
    return EXIT_OK;
}

/* Memory is locked while that is still allowed; of a user's name the last use is before files are out of reach. */
static int sandbox_start(struct core *c)
{
    const struct config_process *o = &config_of(c)->process;
    struct sandbox_conf conf = {.role = SANDBOX_FUNCTIONS, .kill = o->sandbox_kill,
                                .maps = config_of(c)->upf.data_path != CONFIG_DATA_PATH_PORTABLE,
                                .folder = c->evidence ? config_of(c)->trust.evidence.p : NULL};
    struct passwd *user = o->user.n ? getpwnam(o->user.p) : NULL;
    c->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    int locked = o->lock_memory ? sandbox_lock_memory() : ERR_DENIED;
    c->memory_locked = locked != ERR_DENIED;
    if (o->lock_memory && locked < 0)
        LOG(&c->log, sandbox_part_missing, "part=lock_memory why=\"%s\"",
            c->memory_locked ? "RLIMIT_MEMLOCK: only what is in use by now is locked" : "it may not be locked");
    if (o->unsafe_no_sandbox)
        return EXIT_OK;
    if (o->user.n && !user)
        return refuse("process.user %s: no such user", o->user.p);
    if (user) {
        conf.has_user = true;
        conf.uid = user->pw_uid;
        conf.gid = user->pw_gid;
    }
    int e = sandbox_enter(&conf, &c->sandbox);
    if (e < 0)
        return refuse("process.sandbox: %s", e == ERR_TIMEOUT ? "a thread does not take part" : err_text(e));
    c->sandboxed = true;
    if (c->user_plane)
        c->user_plane->leave_tables = true;
    if (c->sandbox.why[0] && o->sandbox == CONFIG_SANDBOX_REQUIRED)
        return refuse("process.sandbox is required, and this kernel lacks: %s", c->sandbox.why);
    if (c->sandbox.why[0])
        LOG(&c->log, sandbox_part_missing, "part=%s", c->sandbox.why);
    LOG(&c->log, sandbox, "landlock=%d calls=%s user=%s threads=%u", c->sandbox.landlock, c->sandbox.calls ? "listed" : "all",
        user ? o->user.p : "same", c->sandbox.threads);
    return EXIT_OK;
}

static const char *op_label(uint32_t op) { return op < SBI_OP_MAX ? sbi_ops[op].name : NULL; }

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int runtime_start(struct core *c)
{
    c->rt.metrics = metrics_new();
    if (!c->rt.metrics || crypto_init(&c->rt.crypto) < 0)
        return refuse("no memory, or the cryptographic library refused");
    crypto_meter(c->rt.crypto, now_ns);
    c->trust_meter.now_ns = now_ns;
    c->rt.trust_meter = &c->trust_meter;
    char why[HN_KEYS_WHY];
    if (c->keys && key_process_attach(c->keys, &c->rt, c->loop, keys_lost, c) < 0)
        return refuse("the process that holds the keys cannot be listened to");
    if (!c->keys && hn_keys_read(&c->config->loaded->config, c->hn_keys, c->rt.crypto, why) < 0)
        return refuse("%s", why);
    metrics_labels(c->rt.metrics, METRIC_sbi_us, op_label);
    metrics_labels(c->rt.metrics, METRIC_sbi_failed, op_label);
    rt_enter(&c->rt);
    second(&c->second);
    return EXIT_OK;
}

static int user_plane_start(struct core *c)
{
    char why[USER_PLANE_WHY] = "";
    if (!is_wanted(config_of(c), CONFIG_NF_UPF))
        return EXIT_OK;
    int e = user_plane_open(&c->user_plane, c->loop, &c->rt, config_of(c), NULL, why);
    return e < 0 ? refuse("user plane: %s", *why ? why : err_text(e)) : EXIT_OK;
}

static int functions_start(struct core *c)
{
    const struct config *config = config_of(c);
    int status = core_ipsec_start(c);
    if (!status)
        status = core_trust_start(c); /* before those who ask it */
    if (status)
        return status;
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (!is_wanted(config, functions[i].nf))
            continue;
        rt_enter(&c->rt);
        int e = nf_start(&c->rt, functions[i].desc);
        if (e < 0) {
            LOG(&c->log, nf_failed, "function=%s error=%s", functions[i].desc->name, err_text(e));
            return refuse("%s could not start: %s; nothing runs", functions[i].desc->name, err_text(e));
        }
        LOG(&c->log, nf_started, "function=%s", functions[i].desc->name);
    }
    return EXIT_OK;
}

static bool may_end_tunnel(void *ctx, struct bytes node_id, struct bits address)
{
    return amf_node_may_end_tunnel(config_of(ctx), node_id, address);
}
static int guard_start(struct core *c)
{
    const struct config *o = config_of(c);
    struct guard_conf g = {.max_ues = o->amf.max_ues, .max_sessions = o->upf.max_sessions,
                           .may_end_tunnel = may_end_tunnel, .ctx = c};
    for (uint32_t i = 0; i < o->amf.n_integrity && g.n_integrity < 4; i++)
        g.integrity[g.n_integrity++] = (uint8_t)o->amf.integrity[i];
    for (uint32_t i = 0; i < o->amf.n_ciphering && g.n_ciphering < 4; i++)
        g.ciphering[g.n_ciphering++] = (uint8_t)o->amf.ciphering[i];
    env_random(c->env, g.secret, sizeof g.secret);
    return guard_open(&c->guard, &c->rt, &g) < 0 ? refuse("no memory for the guard") : EXIT_OK;
}

static int core_start(struct core *c)
{
    int (*const parts[])(struct core *) = {keeper_begin, keys_begin,       base_start,      runtime_start, store_start, core_evidence_start,
                                           guard_start,  user_plane_start, functions_start, control_start, sandbox_start};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        int status = parts[i](c);
        if (status)
            return status;
    }
    return EXIT_OK;
}

static void core_ready(struct core *c)
{
    char n2[NET_ADDR_TEXT];
    uint32_t n = 0;
    for (unsigned i = 0; i < NF_SLOTS; i++)
        n += c->rt.nf[i] != NULL;
    c->start_ms = (uint32_t)((env_now_us(c->env) - c->started_us + 999) / 1000);
    LOG(&c->log, config_loaded, "file=%s", c->config->loaded->file ? c->config->loaded->file : "none");
    say_warnings(c);
    LOG(&c->log, started, "start_ms=%u functions=%u n2=%s", c->start_ms, n, addr_text(&config_of(c)->amf.n2_addresses[0], n2));
    printf("ready start_ms=%u functions=%u socket=%s\n", c->start_ms, n, config_of(c)->control.socket.p);
    fflush(stdout);
}

static void core_stop(struct core *c)
{
    if (c->env)
        rt_enter(&c->rt);
    control_free(c->control);
    metrics_http_free(c->http);
    for (size_t i = ARRAY_LEN(functions); i-- > 0;) /* whoever asks ends before whoever is asked */
        nf_stop(&c->rt, functions[i].desc->kind);
    nf_stop(&c->rt, SBI_NF_TRUST);
    core_ipsec_stop(c);
    core_evidence_stop(c);
    user_plane_close(c->user_plane);
    key_process_end(c->keys);
    guard_free(c->guard);
    if (c->store) {
        store_group_end(&c->group);
        store_sqlite_close(c->store);
    }
    crypto_free(c->rt.crypto);
    secret_wipe(c->hn_keys, sizeof c->hn_keys);
    metrics_free(c->rt.metrics);
    if (c->rt.log) {
        log_flush(&c->log);
        LOG(&c->log, stopped, "uptime_s=%u", (unsigned)((env_now_us(c->env) - c->started_us) / 1000000));
    }
    keeper_end(&c->keeper, c->sandboxed);
    rt_free(&c->rt);
    env_real_free(c->env);
    loop_free(c->loop);
    if (c->log_fd > STDERR_FILENO)
        close(c->log_fd);
    if (c->statm_fd > 0)
        close(c->statm_fd);
    for (struct core_config *at = c->config, *before; at; at = before) {
        before = at->before;
        cmd_config_free(at->loaded);
        free(at);
    }
}

static int run(const struct cmd_config_options *options, bool debug, bool check_only)
{
    struct core *c = calloc(1, sizeof *c);
    uint64_t began = loop_now_us();
    if (!c || !(c->config = calloc(1, sizeof *c->config)))
        return refuse("no memory");
    c->options = options;
    c->debug = debug;
    c->started_us = began;
    c->config->loaded = cmd_config_load(options);
    int status = c->config->loaded ? EXIT_OK : EXIT_USAGE;
    if (status == EXIT_OK && !check_only) {
        harden(c);
        status = core_start(c);
        if (status == EXIT_OK) {
            core_ready(c);
            status = loop_run(c->loop) < 0 ? refuse("the event loop failed") : c->failed ? EXIT_FAILED : EXIT_OK;
        }
    }
    core_stop(c);
    free(c);
    return status;
}

int cmd_run(int argc, char **argv)
{
    struct args a = {argc, argv, 1};
    struct cmd_config_options o = {0};
    bool debug = false, check_only = false;
    int status = EXIT_OK;
    while (args_more(&a)) {
        if (cmd_config_option(&a, &o, &status)) {
            if (status)
                return status;
        } else if (args_flag(&a, NULL, "--debug")) {
            debug = true;
        } else if (args_flag(&a, NULL, "--check")) {
            check_only = true;
        } else {
            return usage("run", "'%s' is not understood", args_now(&a));
        }
    }
    return run(&o, debug, check_only);
}
