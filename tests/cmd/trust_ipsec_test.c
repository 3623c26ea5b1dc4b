/* SPDX-License-Identifier: Apache-2.0 */
/* N3 in a tunnel, with real IKEv2 and ESP (strongSwan, in user space) between two namespaces:
 *
 *      core 10.7.0.254 == [192.0.2.1] ---- backhaul ---- [192.0.2.2] == gNB 10.7.0.1
 *
 * configured by redoubt trust ipsec alone, keys and certificates by redoubt trust ca; and the core and a gNB in them, where
 * the core lets in whom strongSwan's daemon tells it, and nobody else. */
#include "command.h"
#include "os/netns.h"
#include "tests/test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const char *binary;
static struct command c, charon[2], core, ran;
static char folder[] = "/tmp/redoubt-ipsec-XXXXXX", store[80], ca[80], keys[80], ns[2][32], why_not[200];
static int core_socket = -1, gnb_socket = -1;
#define RUN_IT(...)  command_run(&c, __VA_ARGS__, NULL)
#define REDOUBT(...) command_run(&c, binary, "trust", __VA_ARGS__, "--store", store, NULL)

__attribute__((format(printf, 1, 2))) static const char *path(const char *format, ...)
{
    static char text[16][256];
    static unsigned i;
    char *p = text[i++ % 16];
    int n = snprintf(p, 256, "%s/", folder);
    va_list ap;
    va_start(ap, format);
    vsnprintf(p + n, 256 - (size_t)n, format, ap);
    va_end(ap);
    return p;
}
static void file_make(const char *file, const char *text)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}
static void copy(const char *from, const char *to)
{
    assert_int_equal(RUN_IT("/bin/cp", from, to), 0);
}
static struct net_addr ip(const char *t)
{
    struct net_addr a;
    assert_true(addr_parse(&a, str_of(t), 0));
    return a;
}
static void ok(int status)
{
    if (status != 0)
        fail_msg("%s%s", c.out, c.err);
}

/* ---- strongSwan ---- */
static bool is_there(void)
{
    static const char *const needed[] = {"/usr/sbin/charon-systemd", "/usr/sbin/swanctl", "/usr/sbin/nft", "/dev/net/tun",
                                         "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so"};
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (access(needed[i], F_OK) != 0) {
            snprintf(why_not, sizeof why_not, "%s is missing: apt-get install charon-systemd strongswan-swanctl libcharon-extra-plugins nftables", needed[i]);
            return false;
        }
    if (geteuid() != 0)
        snprintf(why_not, sizeof why_not, "needs root");
    return geteuid() == 0;
}
static void folder_make(int side)
{
    char text[1024];
    assert_int_equal(RUN_IT("/bin/mkdir", "-p", path("%d/x509", side), path("%d/x509ca", side), path("%d/x509crl", side),
                            path("%d/private", side), path("%d/conf.d", side)), 0);
    copy(path("ca/ca.crt"), path("%d/x509ca/", side));
    copy(path("ca/crl.pem"), path("%d/x509crl/", side));
    file_make(path("%d/swanctl.conf", side), "include conf.d/*.conf\n");
    snprintf(text, sizeof text,
             "charon-systemd {\n  load = random nonce openssl kdf pem x509 pubkey pkcs1 pkcs8 revocation constraints kernel-libipsec kernel-netlink "
             "socket-default vici\n  retransmit_timeout = 0.5\n  retransmit_tries = 2\n  plugins { vici { socket = unix://%s/%d/vici } kernel-libipsec { load = yes } }\n"
             "  journal { default = -1 }\n  filelog { %s/%d/log { default = 1 \n flush_line = yes \n append = no } }\n}\n", folder, side, folder, side);
    file_make(path("%d/strongswan.conf", side), text);
}
static int swanctl(int side, const char *word, const char *more)
{
    char dir[200], uri[200];
    snprintf(dir, sizeof dir, "SWANCTL_DIR=%s/%d", folder, side);
    snprintf(uri, sizeof uri, "unix://%s/%d/vici", folder, side);
    return command_run(&c, "/bin/ip", "netns", "exec", ns[side], "env", dir, "swanctl", word, "--uri", uri, more, NULL);
}
static void charon_start(int side)
{
    char conf[200];
    snprintf(conf, sizeof conf, "STRONGSWAN_CONF=%s/%d/strongswan.conf", folder, side);
    const char *argv[] = {"/bin/ip", "netns", "exec", ns[side], "env", conf, "charon-systemd", NULL};
    unlink(path("%d/vici", side));
    command_start(&charon[side], argv);
    for (int i = 0; i < 200 && access(path("%d/vici", side), F_OK) != 0; i++)
        usleep(20000);
    ok(swanctl(side, "--load-all", NULL));
}
static void charon_end(int side)
{
    if (charon[side].pid > 0) {
        kill(charon[side].pid, SIGTERM);
        command_end(&charon[side], 5);
        charon[side].pid = 0;
    }
}
/* The core has an association that is up, within some seconds. */
static bool is_up(double seconds)
{
    double until = command_now() + seconds;
    while (command_now() < until) {
        if (swanctl(0, "--list-sas", NULL) == 0 && strstr(c.out, "INSTALLED"))
            return true;
        usleep(100000);
    }
    return false;
}
static bool log_says(int side, const char *text, double seconds)
{
    for (double until = command_now() + seconds; command_now() < until; usleep(50000))
        if (RUN_IT("/bin/grep", "-q", text, path("%d/log", side)) == 0)
            return true;
    return false;
}
/* The gNB's side, with this element's certificate and IKE identity, as if it were `element`. */
static void gnb_start(const char *element, const char *from, const char *certificate, const char *id)
{
    char crt[64], edit[64];
    snprintf(crt, sizeof crt, "%s.crt", certificate);
    charon_end(1);
    assert_int_equal(RUN_IT("/bin/sh", "-c", "rm -f \"$0\"/x509/* \"$0\"/private/*", path("1")), 0);
    copy(path("%s/%s.crt", from, certificate), path("1/x509/"));
    copy(path("%s/%s.key", from, certificate), path("1/private/"));
    ok(REDOUBT("ipsec", "config", "--for", element, "--certificate", crt, "--outer", "192.0.2.1", "--core", "10.7.0.254", "--output",
               path("1/conf.d")));
    snprintf(edit, sizeof edit, "s/id = 10.7.0.1/id = %s/", id);
    ok(RUN_IT("/bin/sed", "-i", edit, path("1/conf.d/redoubt.conf")));
    charon_start(1);
}

/* ---- sockets of N3 ---- */
static int udp_open(void *ctx)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(2152)};
    struct timeval patience = {.tv_usec = 250000};
    inet_pton(AF_INET, ctx, &a.sin_addr);
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return s >= 0 && bind(s, (struct sockaddr *)&a, sizeof a) == 0 ? s : -1;
}
static bool arrives(const char *text)
{
    char got[64];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(2152)};
    inet_pton(AF_INET, "10.7.0.254", &to.sin_addr);
    for (int i = 0; i < 3; i++) {
        sendto(gnb_socket, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to);
        ssize_t n = recv(core_socket, got, sizeof got - 1, 0);
        if (n > 0 && (size_t)n == strlen(text) && memcmp(got, text, (size_t)n) == 0)
            return true;
    }
    return false;
}

/* ---- the core and a gNB ---- */
static void process_end(struct command *p)
{
    if (p->pid > 0) {
        kill(p->pid, SIGTERM);
        command_end(p, 10);
    }
    p->pid = 0;
}
static void core_start(void)
{
    static const char *const set[] = {"network.nfs=[nrf, udr, udm, ausf, pcf, nssf, amf]", "amf.n2_addresses=[10.7.0.254]", "amf.sctp=userspace", "control.metrics=",
                                      "trust.mode=enforce", "trust.drain=2 s", "process.sandbox_kill=true"};
    const char *argv[48] = {"/bin/ip", "netns", "exec", ns[0], binary, "run", "-c", path("core.yaml")};
    int n = 8;
    file_make(argv[7], "");
    for (size_t i = 0; i < ARRAY_LEN(set); i++) {
        argv[n++] = "--set";
        argv[n++] = set[i];
    }
    static char more[4][160];
    snprintf(more[0], sizeof more[0], "trust.vici=%s", path("0/vici"));
    snprintf(more[1], sizeof more[1], "trust.authorities=%s", path("ca/ca.crt"));
    snprintf(more[2], sizeof more[2], "udr.path=%s", store);
    snprintf(more[3], sizeof more[3], "control.socket=%s", path("control"));
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        argv[n++] = "--set";
        argv[n++] = more[i];
    }
    command_start(&core, argv);
    if (!command_read(&core, "ready start_ms=", 10) || !command_read(&core, "ipsec_up", 5))
        fail_msg("%s%s", core.out, core.err);
}
static void core_says(const char *text, double seconds)
{
    if (!command_read(&core, text, seconds)) {
        command_read(&ran, "nothing", 0.05);
        fprintf(stderr, "%s\n%s\n%s\n", core.err, ran.out, ran.err); /* all of it: a message of cmocka is cut */
        fail_msg("'%s' is missing", text);
    }
}
/* What it said before does not count any more. */
static void core_forget(void)
{
    command_read(&core, "nothing", 0.05);
    core.out_n = core.err_n = 0;
    core.out[0] = core.err[0] = 0;
}
static void gnb_connects(void)
{
    process_end(&ran);
    const char *argv[] = {"/bin/ip", "netns", "exec", ns[1], binary, "ran", "--amf", "10.7.0.254", "--no-register", "--control", path("ran"),
                          "--sctp", "userspace", "--wait", "20", NULL};
    command_start(&ran, argv);
}

static int setup(void **state)
{
    if (!is_there())
        return 0;
    struct net_addr inner = ip("10.7.0.254"), gnb = ip("10.7.0.1"), a = ip("192.0.2.1"), b = ip("192.0.2.2");
    for (int i = 0; i < 2; i++) {
        snprintf(ns[i], sizeof ns[i], "rdips%d-%d", getpid(), i);
        assert_int_equal(netns_create(ns[i]), OK);
    }
    assert_int_equal(netns_veth(ns[0], "out", ns[1], "out"), OK);
    assert_int_equal(netns_address(ns[0], "out", &a, 24), OK);
    assert_int_equal(netns_address(ns[1], "out", &b, 24), OK);
    assert_int_equal(netns_address(ns[0], "lo", &inner, 32), OK);
    assert_int_equal(netns_address(ns[1], "lo", &gnb, 32), OK);
    assert_int_equal(netns_route(ns[1], &inner, 32, &a, "out"), OK); /* the backhaul would carry it in clear too */
    core_socket = netns_run(ns[0], udp_open, (void *)(uintptr_t)"10.7.0.254");
    gnb_socket = netns_run(ns[1], udp_open, (void *)(uintptr_t)"10.7.0.1");
    assert_true(core_socket >= 0 && gnb_socket >= 0);

    file_make(path("elements.csv"), "id,function,address,plmn,gnb_id,gnb_id_bits\ncore,amf,10.7.0.254,,,\n"
                                    "gnb-1,gnb,10.7.0.1,001-01,1,32\ngnb-2,gnb,10.7.0.2,001-01,2,32\n");
    ok(REDOUBT("inventory", "import", path("elements.csv"), "--from", "2020-01-01"));
    ok(REDOUBT("ca", "init", "--name", "lab", "--dir", ca));
    ok(REDOUBT("ca", "enrol", "--all", "--output", keys, "--dir", ca));
    folder_make(0);
    folder_make(1);
    copy(path("keys/core.crt"), path("0/x509/"));
    copy(path("keys/core.key"), path("0/private/"));
    ok(REDOUBT("ipsec", "config", "--outer", "192.0.2.1", "--core", "10.7.0.254", "--output", path("0/conf.d")));
    if (!strstr(c.out, "2 connections, 0 elements by their address alone"))
        fail_msg("%s", c.out);
    return 0;
}
static int teardown(void **state)
{
    process_end(&ran);
    process_end(&core);
    charon_end(0);
    charon_end(1);
    for (int i = 0; i < 2; i++)
        if (ns[i][0])
            netns_delete(ns[i]);
    if (core_socket >= 0)
        close(core_socket);
    if (gnb_socket >= 0)
        close(gnb_socket);
    return RUN_IT("/bin/rm", "-r", folder);
}

static void tunnels_and_nothing_else(void **state)
{
    if (why_not[0]) {
        print_message("%s\n", why_not);
        skip();
    }
    assert_true(arrives("in clear, before")); /* so that what follows says something */
    ok(RUN_IT("/bin/ip", "netns", "exec", ns[0], "nft", "-f", path("0/conf.d/redoubt.nft")));
    assert_false(arrives("in clear"));
    charon_start(0);
    gnb_start("gnb-1", "keys", "gnb-1", "10.7.0.1");
    if (!is_up(6))
        fail_msg("no tunnel: %s", c.out);
    assert_true(arrives("through the tunnel"));
    assert_int_equal(swanctl(1, "--list-sas", NULL), 0);
    assert_non_null(strstr(c.out, "10.7.0.1/32[udp/2152]"));
    /* the tunnel ends: nothing falls back to clear */
    charon_end(1);
    assert_false(arrives("in clear, after"));
}
/* Whoever has the key of gnb-2 gets no tunnel for the address of gnb-1. */
static void another_elements_certificate(void **state)
{
    if (why_not[0])
        skip();
    gnb_start("gnb-1", "keys", "gnb-2", "10.7.0.2");
    if (!log_says(0, "traffic selectors 10.7.0.254/32\\[udp/2152\\] === 10.7.0.1/32\\[udp/2152\\] unacceptable", 5)) {
        RUN_IT("/bin/cat", path("0/log"));
        fail_msg("%s", c.out);
    }
    assert_false(arrives("as another"));
}
/* Under enforce the key that opened the tunnel lets the gNB in, and no other key of this name, address and gNB identity. */
static void the_core_asks(void **state)
{
    if (why_not[0])
        skip();
    ok(REDOUBT("ca", "enrol", "gnb-1", "--no-bind", "--output", path("other"), "--dir", ca));
    ok(swanctl(0, "--flush-certs", NULL));
    core_start();
    gnb_start("gnb-1", "other", "gnb-1", "10.7.0.1");
    assert_true(is_up(6)); /* strongSwan lets it in: its authority issued the certificate for this name */
    gnb_connects();
    core_says("trust_refused node=gnb-001-01-000001", 10);
    core_says("whose record has another key", 1);
    assert_null(strstr(core.err, "trust_permitted"));
    /* with the right one; but strongSwan still knows both */
    core_forget();
    gnb_start("gnb-1", "keys", "gnb-1", "10.7.0.1");
    assert_true(is_up(6));
    gnb_connects();
    core_says("certificates with different keys were issued for 10.7.0.1", 10);
    process_end(&ran);
    charon_end(1);
    ok(swanctl(0, "--flush-certs", NULL));
    core_forget();
    gnb_start("gnb-1", "keys", "gnb-1", "10.7.0.1");
    assert_true(is_up(6));
    gnb_connects();
    core_says("trust_permitted node=gnb-001-01-000001 element=gnb-1 peer=10.7.0.1", 10);
}
/* Its certificate is revoked while it is connected: it is emptied, and nothing had to be restarted. */
static void revoked_while_connected(void **state)
{
    if (why_not[0])
        skip();
    core_forget();
    ok(REDOUBT("ca", "revoke", "gnb-1", "--reason", "keyCompromise", "--dir", ca));
    copy(path("ca/crl.pem"), path("0/x509crl/"));
    ok(swanctl(0, "--load-creds", NULL));
    core_says("trust_drain node=gnb-001-01-000001", 8);
    core_says("the certificate of 'gnb-1' was revoked", 1);
    core_says("gnb_drained", 6);
    process_end(&ran);
    process_end(&core);
    assert_int_equal(core.status, 0);
}
static void revoked(void **state)
{
    if (why_not[0])
        skip();
    charon_end(0);
    charon_start(0);
    gnb_start("gnb-1", "keys", "gnb-1", "10.7.0.1");
    if (!log_says(0, "certificate was revoked", 5)) {
        RUN_IT("/bin/cat", path("0/log"));
        fail_msg("%s", c.out);
    }
    assert_false(arrives("revoked"));
}

int main(int argc, char **argv)
{
    binary = argv[1];
    if (!mkdtemp(folder))
        return 1;
    snprintf(store, sizeof store, "%s/store.db", folder);
    snprintf(ca, sizeof ca, "%s/ca", folder);
    snprintf(keys, sizeof keys, "%s/keys", folder);
    return cmocka_run_group_tests(((const struct CMUnitTest[]){unit(tunnels_and_nothing_else), unit(another_elements_certificate), unit(the_core_asks),
                                                             unit(revoked_while_connected), unit(revoked)}),
                                  setup, teardown);
}
