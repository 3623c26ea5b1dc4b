/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/net.h"
#include "base/text.h"
#include "cmd/hn_key.h"
#include "cmd/probe.h"
#include "crypto/suci.h"
#include "os/capture.h"
#include "os/control.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/netns.h"
#include "os/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct net *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct net *n, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(n->why, sizeof n->why, format, ap);
    va_end(ap);
    return EXIT_FAILED;
}

/* ---- one at a time ---- */
static int lock_take(void)
{
    char pid[16];
    if (dir_make(NET_DIR) < 0)
        return -1;
    int fd = open(NET_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int k = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || write(fd, pid, (size_t)k) != k) {
        close(fd);
        return -1;
    }
    return fd;
}

pid_t net_owner(void)
{
    char text[16] = "";
    int fd = open(NET_DIR "/lock", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    bool held = flock(fd, LOCK_SH | LOCK_NB) < 0;
    if (held && read(fd, text, sizeof text - 1) < 0)
        text[0] = 0;
    close(fd);
    return held ? (pid_t)strtol(text, NULL, 10) : 0;
}

static void files_remove(void)
{
    static const char *const names[] = {"core.sock", "ran.sock", "site3.sock", "evidence.key", "evidence.seal", "nation.db", "nation.db-wal",
                                        "nation.db-shm", "redoubt.db", "redoubt.db-wal", "redoubt.db-shm", "core.yaml",
                                        "subscribers.csv", "inventory.json", "edge.yaml", "edge.sock", "hn.pem", "seal.key"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, NET_DIR "/%s", names[i]);
        unlink(path);
    }
    DIR *d = opendir(NET_DIR "/evidence");
    for (struct dirent *f; d && (f = readdir(d));) {
        snprintf(path, sizeof path, NET_DIR "/evidence/%.80s", f->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(NET_DIR "/evidence");
}

int net_clean(void)
{
    files_remove();
    return netns_delete_prefix(NET_PREFIX);
}

/* ---- links ---- */
/* The core's packets may be handled by XDP. */
static bool wants_xdp(const struct net *n)
{
    const struct cmd_config_options *c = n->options->config;
    bool xdp = false;
    for (uint32_t i = 0; c && i < c->n_sets; i++)
        if (str_starts(c->sets[i], "upf.data_path="))
            xdp = !str_is(c->sets[i], "upf.data_path=portable");
    return xdp;
}

struct leg { /* one end of a link, or an address of lo */
    const char *netns, *ifname, *address;
    uint8_t prefix;
};
static struct net_addr addr(const char *text)
{
    struct net_addr a = {0};
    addr_parse(&a, str_of(text), 0);
    return a;
}

static int links_make(bool xdp)
{
    static const struct leg legs[] = {
        {NET_CORE, "n2", "10.99.2.1", 24},    {NET_RAN, "n2", "10.99.2.2", 24},
        {NET_CORE, "n3", "10.99.3.1", 24},    {NET_RAN, "n3", "10.99.3.2", 24},
        {NET_CORE, "n6", "10.99.6.1", 24},    {NET_DN, "n6", "10.99.6.2", 24},
        {NET_CORE, "n6", "fd00:99:6::1", 64}, {NET_DN, "n6", "fd00:99:6::2", 64},
        {NET_DN, "lo", NET_SERVER4, 32},      {NET_DN, "lo", NET_SERVER6, 128},
    };
    int e = netns_veth(NET_CORE, "n2", NET_RAN, "n2");
    e = e < 0 ? e : netns_veth(NET_CORE, "n3", NET_RAN, "n3");
    e = e < 0 ? e : netns_veth(NET_CORE, "n6", NET_DN, "n6");
    if (xdp && e >= 0)
        e = netns_veth_beside_xdp(NET_RAN, "n3");
    if (xdp && e >= 0)
        e = netns_veth_beside_xdp(NET_DN, "n6");
    for (size_t i = 0; e >= 0 && i < ARRAY_LEN(legs); i++) {
        struct net_addr a = addr(legs[i].address);
        e = netns_address(legs[i].netns, legs[i].ifname, &a, legs[i].prefix);
    }
    return e;
}

/* The core routes between phones and data network; the data network knows the way back. */
static int routes_make(void)
{
    static const struct {
        const char *netns, *to;
        uint8_t prefix;
        const char *via;
    } routes[] = {{NET_CORE, "0.0.0.0", 0, "10.99.6.2"},
                  {NET_CORE, "::", 0, "fd00:99:6::2"},
                  {NET_DN, "10.45.0.0", 16, "10.99.6.1"},
                  {NET_DN, "fd00:10:45::", 48, "fd00:99:6::1"}};
    int e = netns_forwarding(NET_CORE, true);
    for (size_t i = 0; e >= 0 && i < ARRAY_LEN(routes); i++) {
        struct net_addr to = addr(routes[i].to), via = addr(routes[i].via);
        e = netns_route(routes[i].netns, &to, routes[i].prefix, &via, "n6");
    }
    return e;
}

/* A UPF at the edge: gNB and core reach it by the core, and it has a way of its own to the data network. */
static int edge_make(void)
{
    static const struct leg legs[] = {
        {NET_CORE, "n4e", "10.99.8.1", 24}, {NET_EDGE, "n4e", "10.99.8.2", 24}, {NET_EDGE, "n6", "10.99.9.1", 24},
        {NET_DN, "n6e", "10.99.9.2", 24},   {NET_DN, "lo", NET_SERVER_EDGE, 32},
    };
    static const struct {
        const char *netns, *to;
        uint8_t prefix;
        const char *via, *ifname;
    } routes[] = {{NET_EDGE, "10.99.3.0", 24, "10.99.8.1", "n4e"},
                  {NET_EDGE, "10.70.0.0", 16, "10.99.9.2", "n6"},
                  {NET_RAN, "10.99.8.0", 24, "10.99.3.1", "n3"}};
    int e = netns_create(NET_EDGE);
    e = e < 0 ? e : netns_veth(NET_CORE, "n4e", NET_EDGE, "n4e");
    e = e < 0 ? e : netns_veth(NET_EDGE, "n6", NET_DN, "n6e");
    for (size_t i = 0; e >= 0 && i < ARRAY_LEN(legs); i++) {
        struct net_addr a = addr(legs[i].address);
        e = netns_address(legs[i].netns, legs[i].ifname, &a, legs[i].prefix);
    }
    for (size_t i = 0; e >= 0 && i < ARRAY_LEN(routes); i++) {
        struct net_addr to = addr(routes[i].to), via = addr(routes[i].via);
        e = netns_route(routes[i].netns, &to, routes[i].prefix, &via, routes[i].ifname);
    }
    return e;
}

static int namespaces_make(struct net *n)
{
    static const char *const names[] = {NET_CORE, NET_RAN, NET_DN};
    char name[32];
    int e = OK;
    for (size_t i = 0; e >= 0 && i < ARRAY_LEN(names); i++)
        e = netns_create(names[i]);
    for (uint32_t i = 1; e >= 0 && i <= n->options->phones; i++) {
        snprintf(name, sizeof name, NET_PHONE, i);
        e = netns_create(name);
    }
    if (e >= 0)
        e = links_make(wants_xdp(n));
    e = e < 0 ? e : routes_make();
    return e < 0 || !n->options->edge ? e : edge_make();
}

/* ---- what they say ---- */
static void dn_line(void *ctx, struct str line)
{
    struct net *n = ctx;
    n->dn_ready |= str_is(line, "ready");
}
static void log_line(struct net *n, enum net_source from, struct str line)
{
    if (n->log_fd[from] >= 0 && (write(n->log_fd[from], line.p, line.n) < 0 || write(n->log_fd[from], "\n", 1) < 0))
        n->log_fd[from] = -1;
    if (line.n && *line.p == '{')
        n->line(n->ctx, from, line);
    else if (line.n)
        str_copy(n->tail[from], sizeof n->tail[from], line);
}
static void core_line(void *ctx, struct str line)
{
    struct net *n = ctx;
    n->core_ready |= str_starts(line, "ready start_ms=");
    log_line(n, NET_FROM_CORE, line);
}
static void ran_line(void *ctx, struct str line)
{
    struct net *n = ctx;
    n->ran_ready |= str_starts(line, "ready");
    log_line(n, NET_FROM_RAN, line);
}

static void edge_line(void *ctx, struct str line)
{
    struct net *n = ctx;
    n->edge_ready |= str_starts(line, "ready start_ms=");
    if (line.n && *line.p != '{')
        str_copy(n->tail_edge, sizeof n->tail_edge, line);
}

static void read_all(struct net *n)
{
    child_read(&n->edge, edge_line, n);
    child_read(&n->dn, dn_line, n);
    child_read(&n->core, core_line, n);
    child_read(&n->ran, ran_line, n);
}

static void look_for_the_dead(struct net *n)
{
    struct {
        struct child *c;
        const char *name, *tail;
    } all[] = {{&n->dn, "data network", ""}, {&n->core, "core", n->tail[NET_FROM_CORE]}, {&n->ran, "RAN", n->tail[NET_FROM_RAN]},
               {&n->edge, "UPF at the edge", n->tail_edge}};
    for (size_t i = 0; i < ARRAY_LEN(all) && !n->ended; i++)
        if (all[i].c->pid && !child_runs(all[i].c)) {
            n->ended = true;
            fail(n, "the %s ended%s%s", all[i].name, *all[i].tail ? ": " : "", all[i].tail);
        }
}

static void signals_block(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigprocmask(SIG_BLOCK, set, NULL);
}
static void look_for_signals(struct net *n)
{
    sigset_t set;
    signals_block(&set);
    if (sigtimedwait(&set, NULL, &(struct timespec){0}) > 0 && !n->ended) {
        n->ended = n->interrupted = true;
        fail(n, "interrupted");
    }
}

bool net_wait(struct net *n, const bool *done, uint32_t timeout_ms)
{
    uint64_t end = timeout_ms == UINT32_MAX ? UINT64_MAX : loop_now_us() + (uint64_t)timeout_ms * 1000;
    look_for_signals(n);
    while (!*done && !n->ended) {
        struct pollfd p[] = {{n->dn.fd, POLLIN, 0}, {n->core.fd, POLLIN, 0}, {n->ran.fd, POLLIN, 0}};
        uint64_t now = loop_now_us(), left_ms = now < end ? (end - now + 999) / 1000 : 0;
        poll(p, ARRAY_LEN(p), left_ms > 200 ? 200 : (int)left_ms);
        read_all(n);
        look_for_the_dead(n);
        look_for_signals(n);
        if (now >= end) /* after what was there has been read: whoever writes must not wait for us */
            break;
    }
    return *done;
}

/* ---- parts ---- */
static int capture_begin(struct net *n)
{
    /* what XDP handles is seen at the other ends alone */
    bool xdp = wants_xdp(n);
    const struct capture_point points[] = {{NET_CORE, "n2", "n2"},
                                           {xdp ? NET_RAN : NET_CORE, "n3", "n3"},
                                           {NET_CORE, "lo", "n4"},
                                           {xdp ? NET_DN : NET_CORE, "n6", "n6"}};
    if (!n->options->capture)
        return EXIT_OK;
    int e = capture_start(&n->capture, n->options->capture, points, ARRAY_LEN(points), 0, 0);
    return e < 0 ? fail(n, "the capture %s could not be written: %s", n->options->capture, err_text(e)) : EXIT_OK;
}

static int logs_open(struct net *n)
{
    static const char *const names[] = {"core.log", "ran.log"};
    char path[4200];
    for (size_t i = 0; n->options->logs && i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", n->options->logs, names[i]);
        if (dir_make(n->options->logs) < 0 ||
            (n->log_fd[i] = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
            return fail(n, "%s could not be written", path);
    }
    return EXIT_OK;
}

int net_open(struct net *n, const struct net_options *o, void (*line)(void *, enum net_source, struct str), void *ctx)
{
    *n = (struct net){.options = o, .line = line, .ctx = ctx, .lock = -1, .core.fd = -1, .ran.fd = -1, .dn.fd = -1, .edge.fd = -1,
                      .log_fd = {-1, -1}};
    sigset_t set;
    sandbox_no_dump(); /* keys of this network are made here */
    signals_block(&set);
    if (geteuid() != 0)
        return fail(n, "this needs root: it makes network namespaces, which are taken away at the end");
    pid_t owner = net_owner();
    if (owner)
        return fail(n, "a network of ours is up already (process %d): 'redoubt down' ends it", (int)owner);
    n->lock = lock_take();
    if (n->lock < 0)
        return fail(n, NET_DIR ": %s", errno == EWOULDBLOCK ? "another one is just starting" : strerror(errno));
    net_clean();
    int e = namespaces_make(n);
    if (e < 0)
        return fail(n, "the network namespaces could not be made: %s", err_text(e));
    if (capture_begin(n) || logs_open(n))
        return EXIT_FAILED;
    e = child_fork(&n->dn, NET_DN, data_network_serve, NULL);
    if (e < 0 || !net_wait(n, &n->dn_ready, 5000))
        return n->ended ? EXIT_FAILED : fail(n, "the data network did not start");
    return EXIT_OK;
}

/* ---- subscribers ---- */
static void no_line(void *ctx, struct str line) { str_copy(((struct net *)ctx)->tail[NET_FROM_CORE], 512, line); }

/* The test keys that the field knows; real ones are never of this kind. Bit rates above what the machine can do, so
 * that what is measured is the machine. */
static int subscribers_write(const struct net *n)
{
    FILE *f = fopen(NET_DIR "/subscribers.csv", "we");
    if (!f)
        return ERR_IO;
    fputs("imsi,k,opc,pdu-types,ambr-down,ambr-up,session-ambr-down,session-ambr-up\n", f);
    for (uint32_t i = 1; i <= n->options->ues; i++)
        fprintf(f, "00101%010u,465B5CE8B199B49FAA5F0A2EE238A6BC,E8ED289DEBA952E4283B54E88E6183CA,%s,20 Gbps,20 Gbps,20 Gbps,20 Gbps\n", i,
                n->options->ethernet ? "Ethernet" : "IPv4;IPv6;IPv4v6");
    return fclose(f) == 0 ? OK : ERR_IO;
}

int net_command(const char *const *words, void (*line)(void *ctx, struct str), void *ctx)
{
    struct child c;
    int e = child_start(&c, NULL, words);
    if (e < 0)
        return e;
    while (child_runs(&c) || c.fd >= 0) {
        struct pollfd p = {c.fd, POLLIN, 0};
        poll(&p, 1, 50);
        child_read(&c, line, ctx);
    }
    e = child_wait(&c, 1000);
    child_end(&c);
    return e;
}
static int import(struct net *n, const char *what, const char *const *words, int e)
{
    if (e == OK)
        e = net_command(words, no_line, n);
    if (e < 0)
        return fail(n, "the %s could not be written: %s", what, err_text(e));
    return e ? fail(n, "the %s was refused: %s", what, n->tail[NET_FROM_CORE]) : EXIT_OK;
}
static int subscribers_add(struct net *n)
{
    const char *const words[] = {"subscriber", "import", NET_DIR "/subscribers.csv", "-c", NET_DIR "/core.yaml", NULL};
    int status = import(n, "list of subscribers", words, subscribers_write(n));
    unlink(NET_DIR "/subscribers.csv");
    return status;
}
static int evidence_begin(struct net *n)
{
    const char *const words[] = {"trust", "evidence", "keygen", "--name", "redoubt.example/demo", "--output", NET_DIR "/evidence.key", NULL};
    const char *const seal[] = {"trust", "evidence", "keygen", "--seal", "--output", NET_DIR "/evidence.seal", NULL};
    if (!n->options->regime)
        return EXIT_OK;
    return import(n, "key of the evidence log", words, OK) || import(n, "key for its messages", seal, OK) ? EXIT_FAILED : EXIT_OK;
}
static int inventory_add(struct net *n)
{
    const char *const words[] = {"trust", "inventory", "import", NET_DIR "/inventory.json", "-c", NET_DIR "/core.yaml", NULL};
    struct str json = str_of(n->options->inventory);
    if (!json.n)
        return EXIT_OK;
    return import(n, "inventory", words, file_write(NET_DIR "/inventory.json", (struct bytes){(const uint8_t *)json.p, json.n}, 0600));
}

/* ---- the core ---- */
/* A key for concealed identities of this network's own: the private half goes to a file for the core, the public half to
 * the SIMs. */
static int key_make(struct net *n)
{
    struct crypto *c = NULL;
    struct hn_key *key = NULL;
    uint8_t private[32], public[33];
    int e = getrandom(private, sizeof private, 0) == sizeof private ? crypto_init(&c) : ERR_IO;
    if (e == OK)
        e = hn_key_private_raw(c, SUCI_PROFILE_A, private, &key);
    if (e == OK) {
        hex_put(n->hn_public, public, (size_t)hn_key_public(key, public));
        e = hn_key_file_write(NET_DIR "/hn.pem", SUCI_PROFILE_A, private);
    }
    hn_key_free(key);
    crypto_free(c);
    secret_wipe(private, sizeof private);
    return e;
}

/* What of the SMF's section is not its default. */
static void smf_write(const struct net_options *o, struct text *t)
{
    if (o->capture || o->ethernet || o->edge)
        text_add(t, "smf:\n%s", o->capture ? "  n4_local: socket\n" : "");
    if (o->edge)
        text_add(t, "  n4_address: 10.99.8.1\n  upfs:\n    - {name: central, address: 10.99.3.1}\n"
                    "    - {name: edge, address: 10.99.8.2, weight: 0, local_dnn: edge, local_networks: [10.70.0.0/16]}\n");
    for (uint32_t i = 1; o->ethernet && i <= o->ues; i++)
        text_add(t, "%s\"imsi-00101%010u\"%s", i == 1 ? "  dnns: [{name: internet, pdu_types: [Ethernet], lan_members: [" : ", ", i,
                 i == o->ues ? "]}]\n" : "");
}

static int config_write(struct net *n)
{
    char text[12288], smf[8192] = "";
    struct text of_smf = text_over(smf, sizeof smf);
    smf_write(n->options, &of_smf);
    int e = key_make(n);
    if (e < 0)
        return fail(n, "a home network key could not be made: %s", err_text(e));
    int k = snprintf(text, sizeof text,
                     "# the core of redoubt demo and redoubt up\n"
                     "amf:\n  n2_addresses: [10.99.2.1]\n%s"
                     "%s"
                     "upf:\n  n3_addresses: [10.99.3.1]\n%s"
                     "  n6: [%s]\n"
                     "udm:\n  seal_file: " NET_DIR "/seal.key\n  home_network_keys: [{id: 1, profile: A, file: " NET_DIR "/hn.pem}]\n"
                     "udr:\n  path: " NET_DIR "/redoubt.db\n"
                     "control:\n  socket: " NET_DIR "/core.sock\n  log_format: json\n  log_level: %s\n"
                     "  log_rate: 100000\n  log_burst: 100000\n%s%s%s",
                     n->options->null_ciphering ? "  unsafe_null_ciphering: true\n  ciphering: [NEA0]\n" : "",
                     smf, n->options->edge ? "  n4_address: 10.99.3.1\n" : "",
                     n->options->ethernet ? "{dnn: internet}"
                                          : "{dnn: internet, tun: n6internet, ipv4: 10.45.0.1/16, ipv6: \"fd00:10:45::1/48\", nat: false}",
                     n->options->debug ? "debug" : "info", n->options->regime ? "trust:\n  mode: enforce\n  policies: [\"" : "",
                     n->options->regime ? n->options->regime : "",
                     n->options->regime ? "\"]\n  evidence: " NET_DIR "/evidence\n  evidence_key: " NET_DIR "/evidence.key\n  seal_key: " NET_DIR "/evidence.seal\n" : "");
    e = file_write(NET_DIR "/core.yaml", (struct bytes){(const uint8_t *)text, (uint32_t)k}, 0600);
    secret_wipe(text, sizeof text);
    return e < 0 ? fail(n, NET_DIR "/core.yaml: %s", err_text(e)) : EXIT_OK;
}

int net_core_again(struct net *n)
{
    const char *words[NET_WORDS] = {"run", "-c", NET_DIR "/core.yaml"};
    char sets[CMD_SETS][256];
    uint32_t at = 3;
    n->core_ready = false;
    for (uint32_t i = 0; n->options->config && i < n->options->config->n_sets; i++) {
        if (!str_copy(sets[i], sizeof sets[i], n->options->config->sets[i]))
            return fail(n, "a --set of more than %zu octets", sizeof sets[i]);
        words[at++] = "--set";
        words[at++] = sets[i];
    }
    int e = child_start(&n->core, NET_CORE, words);
    if (e < 0)
        return fail(n, "the core did not start: %s", err_text(e));
    if (net_wait(n, &n->core_ready, 10000))
        return EXIT_OK;
    return n->ended ? EXIT_FAILED : fail(n, "the core was not ready within 10 s");
}

static int edge_start(struct net *n)
{
    static const char text[] = "# the UPF at the edge of redoubt up --edge\n"
                               "network:\n  nfs: [upf]\n"
                               "upf:\n  n4_address: 10.99.8.2\n  n3_addresses: [10.99.8.2]\n"
                               "  n6: [{dnn: edge, tun: n6edge, ipv4: 10.45.0.1/16}]\n"
                               "control:\n  socket: " NET_DIR "/edge.sock\n  log_format: json\n";
    static const char *const words[] = {"run", "-c", NET_DIR "/edge.yaml", NULL};
    if (!n->options->edge)
        return EXIT_OK;
    int e = file_write(NET_DIR "/edge.yaml", (struct bytes){(const uint8_t *)text, sizeof text - 1}, 0600);
    e = e < 0 ? e : child_start(&n->edge, NET_EDGE, words);
    if (e < 0)
        return fail(n, "the UPF at the edge did not start: %s", err_text(e));
    if (net_wait(n, &n->edge_ready, 10000))
        return EXIT_OK;
    return n->ended ? EXIT_FAILED : fail(n, "the UPF at the edge was not ready within 10 s");
}

int net_core_start(struct net *n)
{
    return config_write(n) || edge_start(n) || evidence_begin(n) || subscribers_add(n) || inventory_add(n) ? EXIT_FAILED : net_core_again(n);
}
void net_core_kill(struct net *n)
{
    if (child_runs(&n->core))
        kill(n->core.pid, SIGKILL);
    child_wait(&n->core, 5000);
    child_end(&n->core);
}

/* The log at info from here on: one at debug costs more than what it tells of. */
int net_core_quiet(struct net *n)
{
    char said[256];
    uint8_t memory[8192];
    struct arena a = arena_over(memory, sizeof memory);
    struct bytes text;
    int e = file_read(NET_DIR "/core.yaml", 4096, &a, &text);
    char *at = e == OK ? memmem(text.p, text.n, "log_level: debug", 16) : NULL;
    if (at) {
        memcpy(at, "log_level: info ", 16);
        e = file_write(NET_DIR "/core.yaml", text, 0600);
    }
    if (e == OK)
        e = control_ask(NET_DIR "/core.sock", "reload", said, sizeof said, 3000);
    secret_wipe(memory, sizeof memory);
    return e < 0 ? fail(n, "the core's log could not be made quieter: %s", err_text(e)) : EXIT_OK;
}

/* ---- the RAN ---- */
int net_ran_start(struct net *n, bool register_all)
{
    char ues[16], tuns[16];
    snprintf(ues, sizeof ues, "%u", n->options->ues);
    snprintf(tuns, sizeof tuns, "%u", n->options->phones);
    const char *const words[] = {"ran", "--amf", "10.99.2.1", "--n3", "10.99.3.2", "--ues", ues, "--tun", tuns, "--netns",
                                 NET_PREFIX "phone", "--hn-key", n->hn_public, "--name", "gnb-demo", "--type",
                                 n->options->ethernet ? "Ethernet" : "IPv4v6",
                                 "--control", NET_DIR "/ran.sock", register_all ? NULL : "--no-register", NULL};
    int e = child_start(&n->ran, NET_RAN, words);
    if (e < 0)
        return fail(n, "the RAN did not start: %s", err_text(e));
    if (net_wait(n, &n->ran_ready, 10000))
        return EXIT_OK;
    return n->ended ? EXIT_FAILED : fail(n, "the gNB was not in service within 10 s");
}

int net_site_make(struct net *n, uint32_t site)
{
    char inside[8], core_text[16], site_text[16];
    const char *space = site == 2 ? NET_SITE2 : NET_SITE3;
    snprintf(inside, sizeof inside, "n2s%u", site % 10);
    snprintf(core_text, sizeof core_text, "10.99.%u.1", site % 10 + 2);
    snprintf(site_text, sizeof site_text, "10.99.%u.2", site % 10 + 2);
    struct net_addr core = addr(core_text), at = addr(site_text), n2 = addr("10.99.2.0");
    int e = netns_create(space);
    e = e < 0 ? e : netns_veth(NET_CORE, inside, space, "n2");
    e = e < 0 ? e : netns_address(NET_CORE, inside, &core, 24);
    e = e < 0 ? e : netns_address(space, "n2", &at, 24);
    e = e < 0 ? e : netns_route(space, &n2, 24, &core, "n2");
    return e < 0 ? fail(n, "site %u could not be made: %s", site, err_text(e)) : EXIT_OK;
}

int net_load_start(struct net *n, struct child *c, const char *const *more)
{
    const char *words[NET_WORDS] = {"ran", "load", "--amf", "10.99.2.1", "--n3", "10.99.3.2", "--hn-key", n->hn_public,
                                    "--stay", "--quiet"};
    for (uint32_t at = 10; *more && at < NET_WORDS - 1; at++)
        words[at] = *more++;
    int e = child_start(c, NET_RAN, words);
    return e < 0 ? fail(n, "the load did not start: %s", err_text(e)) : EXIT_OK;
}

int net_ran_tell(struct net *n, const char *format, ...)
{
    char line[128], said[256];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    read_all(n); /* it must not wait for us while we wait for it */
    int e = control_ask(NET_DIR "/ran.sock", line, said, sizeof said, 3000);
    if (e < 0 || strncmp(said, "error", 5) == 0)
        return fail(n, "the RAN refused '%s': %s", line, e < 0 ? err_text(e) : said);
    return EXIT_OK;
}

int net_phone_address(struct net *n, uint32_t phone, struct net_addr *out)
{
    char line[32], said[2048];
    snprintf(line, sizeof line, "status %u", phone);
    int e = control_ask(NET_DIR "/ran.sock", line, said, sizeof said, 3000);
    char *at = e < 0 ? NULL : strstr(said, "internet ");
    if (!at)
        return fail(n, "the RAN does not say the address of phone %u", phone);
    at += strlen("internet ");
    struct str text = {at, (uint32_t)strcspn(at, " \n")};
    return addr_parse(out, text, 0) && out->family == 4 ? EXIT_OK : fail(n, "phone %u has no IPv4 address", phone);
}

/* ---- rest ---- */
enum deed { END_RAN, END_CORE, END_EDGE, END_DN, CLEAN };
static void everything_remove(void)
{
    net_clean();
    unlink(NET_DIR "/lock");
    rmdir(NET_DIR);
}
static void deed(void *ctx, uint8_t number)
{
    const struct net *n = ctx; /* as it was when we rested: nobody has waited for these since */
    const struct child *const all[] = {[END_RAN] = &n->ran, [END_CORE] = &n->core, [END_EDGE] = &n->edge, [END_DN] = &n->dn};
    if (number == CLEAN)
        everything_remove();
    else if (number < CLEAN && all[number]->pid && !all[number]->ended)
        kill(all[number]->pid, SIGTERM);
}
int net_rest(struct net *n)
{
    struct sandbox s;
    int e = sweeper_start(&n->sweeper, deed, n);
    if (e == OK)
        e = sandbox_enter(&(struct sandbox_conf){.role = SANDBOX_PARENT}, &s);
    return e < 0 ? fail(n, "what is not needed any more could not be given away: %s", err_text(e)) : EXIT_OK;
}
static void ask_to_end(struct net *n, struct child *c)
{
    if (n->sweeper.pid)
        sweeper_do(&n->sweeper, c == &n->ran    ? END_RAN
                                 : c == &n->core ? END_CORE
                                 : c == &n->edge ? END_EDGE
                                                 : END_DN);
    else
        kill(c->pid, SIGTERM);
}

void net_capture_end(struct net *n)
{
    struct capture_counts counts;
    if (n->capture && capture_stop(n->capture, &counts) == OK) {
        n->captured = counts.packets;
        n->capture_lost = counts.lost + counts.past_limit;
    }
    n->capture = NULL;
}

/* Told to end and read until it has; what did not end well is said. */
static bool end_well(struct net *n, struct child *c, const char *name, void (*line)(void *, struct str))
{
    enum { PATIENCE_US = 5000000 };
    uint64_t end = loop_now_us() + PATIENCE_US;
    if (!c->pid)
        return true;
    bool ran = child_runs(c);
    if (ran)
        ask_to_end(n, c);
    for (bool open = true; (open || child_runs(c)) && loop_now_us() < end;) {
        struct pollfd p = {c->fd, POLLIN, 0};
        poll(&p, 1, 20);
        open = child_read(c, line, n);
    }
    int status = child_runs(c) ? ERR_TIMEOUT : child_wait(c, 0);
    child_end(c);
    if (!ran || status == 0)
        return true;
    fail(n, status < 0 ? "the %s did not end" : "the %s ended badly (%d)", name, status);
    return false;
}

bool net_down(struct net *n)
{
    bool well = end_well(n, &n->ran, "RAN", ran_line);
    well = end_well(n, &n->core, "core", core_line) && well;
    well = end_well(n, &n->edge, "UPF at the edge", edge_line) && well;
    if (n->sweeper.pid && child_runs(&n->dn)) {
        ask_to_end(n, &n->dn);
        child_wait(&n->dn, 3000);
    }
    child_end(&n->dn);
    net_capture_end(n);
    for (int i = 0; i < 2; i++)
        if (n->log_fd[i] >= 0)
            close(n->log_fd[i]);
    if (n->lock < 0)
        return well;
    if (n->sweeper.pid)
        sweeper_do(&n->sweeper, CLEAN);
    else
        everything_remove();
    sweeper_end(&n->sweeper);
    close(n->lock);
    n->lock = -1;
    return well;
}
