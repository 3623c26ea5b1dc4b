/* SPDX-License-Identifier: Apache-2.0 */
/* up.c - redoubt up, phone, down: the network of the demo, kept running by a process of its own. */
#include "cmd/net.h"
#include "cmd/probe.h"
#include "os/loop.h"
#include "os/netns.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { UP_PHONES = 2, DOWN_PATIENCE_MS = 15000 };

/* ---- up ---- */
static void no_line(void *ctx, enum net_source from, struct str line) {}

static void sessions_seen(void *ctx, enum net_source from, struct str line)
{
    uint32_t *sessions = ctx;
    *sessions += from == NET_FROM_RAN && memmem(line.p, line.n, "\"event\":\"ran_session_up\"", 24) != NULL;
}

/* On its frames a phone has the addresses that it likes; the first one is reached by all others. */
static int wire_join(struct net *n, uint32_t phone)
{
    struct net_addr a = {0}, first = {0};
    char netns[32], text[32];
    snprintf(text, sizeof text, NET_WIRE4, 1u);
    addr_parse(&first, str_of(text), 0);
    snprintf(netns, sizeof netns, NET_PHONE, phone);
    snprintf(text, sizeof text, NET_WIRE4, phone);
    addr_parse(&a, str_of(text), 0);
    int e = ERR_NOTFOUND;
    for (int i = 0; i < 50 && e == ERR_NOTFOUND; i++) { /* the session is told of before its interface is there */
        e = netns_address(netns, "ue", &a, 24);
        if (e == ERR_NOTFOUND)
            usleep(20000);
    }
    if (e < 0)
        snprintf(n->why, sizeof n->why, "phone %u has a session and no interface: %s", phone, err_text(e));
    else if (phone == 1 || probe_reach(netns, &first, 5000) == OK)
        return EXIT_OK;
    else
        snprintf(n->why, sizeof n->why, "phone %u has a session and does not reach phone 1", phone);
    return EXIT_FAILED;
}

/* The keeper: tells by the pipe once the phones are on the network, then waits to be ended. */
static int keep(const struct net_options *o, int tell)
{
    struct net n;
    uint32_t sessions = 0;
    bool never = false, all = false;
    int status = net_open(&n, o, sessions_seen, &sessions);
    if (status == EXIT_OK)
        status = net_core_start(&n);
    if (status == EXIT_OK)
        status = net_ran_start(&n, true);
    for (uint64_t end = loop_now_us() + 20000000; status == EXIT_OK && !all && !n.ended && loop_now_us() < end;) {
        net_wait(&n, &never, 100);
        all = sessions >= o->ues;
    }
    if (status == EXIT_OK && !all) {
        status = EXIT_FAILED;
        if (!n.ended)
            snprintf(n.why, sizeof n.why, "%u of %u phones got a PDU session within 20 s", sessions, o->ues);
    }
    for (uint32_t i = 1; status == EXIT_OK && i <= o->phones; i++) {
        struct net_addr server = {0};
        char netns[32];
        snprintf(netns, sizeof netns, NET_PHONE, i);
        addr_parse(&server, STR(NET_SERVER4), 0);
        if (o->ethernet)
            status = wire_join(&n, i);
        else if (probe_reach(netns, &server, 5000) < 0) {
            status = EXIT_FAILED;
            snprintf(n.why, sizeof n.why, "phone %u has a session and does not reach the data network", i);
        } else if (o->edge && addr_parse(&server, STR(NET_SERVER_EDGE), 0) && probe_reach(netns, &server, 5000) < 0) {
            status = EXIT_FAILED;
            snprintf(n.why, sizeof n.why, "phone %u has a session and does not reach the edge's data network", i);
        }
        net_wait(&n, &never, 1);
    }
    prctl(PR_SET_PDEATHSIG, 0); /* who asked goes once it is told */
    if (status == EXIT_OK)
        status = net_rest(&n);
    if (dprintf(tell, "%d %s\n", status, n.why) < 0)
        status = EXIT_FAILED; /* nobody is there any more who wanted it */
    close(tell);
    n.line = no_line;
    if (status == EXIT_OK)
        net_wait(&n, &never, UINT32_MAX);
    net_down(&n);
    return status;
}

static int up(const struct net_options *o)
{
    int fds[2], status = EXIT_FAILED, null;
    char said[600] = "";
    size_t n = 0;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return EXIT_FAILED;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        close(fds[0]);
        setsid();
        signal(SIGPIPE, SIG_IGN);
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent) /* Ctrl-C while it starts ends it, in order */
            _exit(EXIT_FAILED);
        null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd <= 2 && null >= 0; fd++)
            dup2(null, fd);
        _exit(keep(o, fds[1]));
    }
    close(fds[1]);
    for (ssize_t k; n + 1 < sizeof said && !strchr(said, '\n') && (k = read(fds[0], said + n, sizeof said - 1 - n)) > 0;)
        n += (size_t)k;
    close(fds[0]);
    said[strcspn(said, "\n")] = 0;
    if (pid > 0 && n && *said == '0')
        status = EXIT_OK;
    else
        fprintf(stderr, "redoubt up: %s\n", n > 2 ? said + 2 : "the network could not be started");
    return status;
}

int cmd_up(int argc, char **argv)
{
    struct args a = {argc, argv, 1};
    struct cmd_config_options config = {0};
    struct net_options o = {.phones = UP_PHONES, .config = &config, .debug = true};
    const char *value;
    int status = EXIT_OK;
    while (args_more(&a)) {
        if (args_value(&a, NULL, "--ues", &value)) {
            if (!value || !args_number("--ues", value, 1, NET_PHONES_MAX, &o.phones))
                return EXIT_USAGE;
        } else if (args_value(&a, NULL, "--capture", &o.capture) || args_value(&a, NULL, "--keep-logs", &o.logs)) {
            if (a.at > argc)
                return EXIT_USAGE;
        } else if (args_flag(&a, NULL, "--null-ciphering")) {
            o.null_ciphering = true;
        } else if (args_flag(&a, NULL, "--edge")) {
            o.edge = true;
        } else if (args_flag(&a, NULL, "--ethernet")) {
            o.ethernet = true;
        } else if (cmd_config_option(&a, &config, &status)) {
            if (status)
                return status;
        } else {
            return usage("up", "'%s' is not understood", args_now(&a));
        }
    }
    if (config.file)
        return usage("up", "this network has its own configuration: change it by --set");
    if (o.edge && o.ethernet)
        return usage("up", "--edge and --ethernet: members of a 5G LAN have no classifier");
    o.ues = o.phones;
    status = up(&o);
    if (status == EXIT_OK && o.edge)
        printf("The network is up: a core, a UPF at the edge, a gNB and %u phones, each with a PDU session.\n\n"
               "  redoubt phone 1 -- curl http://" NET_SERVER_EDGE "/        leaves at the edge: an uplink classifier\n"
               "  redoubt phone 1 -- curl http://" NET_SERVER4 "/        goes on by N9 to the core's UPF\n"
               "  redoubt status --socket " NET_DIR "/edge.sock\n"
               "  redoubt down                               ends it\n", o.phones);
    else if (status == EXIT_OK && o.ethernet)
        printf("The network is up: a core, a gNB and %u phones, each with an Ethernet session of one 5G LAN.\n\n"
               "  redoubt phone 1 -- ip address show ue            192.168.77.1\n"
               "  redoubt phone 1 -- ping -c 3 192.168.77.2        frames through GTP-U and the UPF to phone 2\n"
               "  redoubt down                                     ends it\n", o.phones);
    else if (status == EXIT_OK)
        printf("The network is up: a core, a gNB and %u phones, each with a PDU session.\n\n"
               "  redoubt phone 1 -- curl http://" NET_SERVER4 "/        a page of the data network, through GTP-U\n"
               "  redoubt phone 1 -- ping -c 3 " NET_SERVER4 "\n"
               "  redoubt status\n"
               "  redoubt down                               ends it\n", o.phones);
    return status;
}

/* ---- down ---- */
int cmd_down(int argc, char **argv)
{
    if (argc > 1)
        return usage("down", "'%s' is not understood", argv[1]);
    pid_t owner = net_owner();
    if (owner > 0)
        kill(owner, SIGTERM);
    for (uint64_t end = loop_now_us() + (uint64_t)DOWN_PATIENCE_MS * 1000; net_owner() && loop_now_us() < end;)
        usleep(20000);
    if (net_owner()) {
        fprintf(stderr, "redoubt down: process %d does not end\n", (int)owner);
        return EXIT_FAILED;
    }
    int left = geteuid() == 0 ? net_clean() : 0;
    if (owner > 0)
        printf("The network is down.\n");
    else if (left > 0)
        printf("%d namespaces of a network that was killed were taken away.\n", left);
    else
        printf("No network of ours was up.\n");
    return EXIT_OK;
}

/* ---- phone ---- */
/* What `ip netns exec` does for name resolution: the namespace's own resolv.conf in the place of the machine's. */
static void resolver_take(const char *netns)
{
    char path[96];
    snprintf(path, sizeof path, "/etc/netns/%s/resolv.conf", netns);
    if (access(path, R_OK) == 0 && mount(path, "/etc/resolv.conf", "none", MS_BIND, NULL) < 0)
        fprintf(stderr, "redoubt phone: names are resolved as this machine does\n");
}

/* What runs behind a phone is not of this network: it does not see its files, and cannot undo that. It keeps root's rights
 * over files and over its own network. */
static void rights_drop(const char *netns)
{
    static const int gone[] = {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT, CAP_SYS_TIME, CAP_MKNOD,
                               CAP_DAC_READ_SEARCH, CAP_LINUX_IMMUTABLE, CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_SYSLOG, CAP_PERFMON,
                               CAP_BPF, CAP_CHECKPOINT_RESTORE, CAP_SYS_PACCT, CAP_SYS_TTY_CONFIG, CAP_AUDIT_CONTROL, CAP_AUDIT_READ};
    bool own = unshare(CLONE_NEWNS) == 0 && mount("", "/", "none", MS_SLAVE | MS_REC, NULL) == 0;
    if (own)
        resolver_take(netns);
    if (!own || mount("tmpfs", NET_DIR, "tmpfs", MS_NODEV | MS_NOSUID | MS_NOEXEC | MS_RDONLY, "size=4k") < 0)
        fprintf(stderr, "redoubt phone: " NET_DIR " could not be hidden from the command\n");
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        prctl(PR_CAPBSET_DROP, gone[i], 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

int cmd_phone(int argc, char **argv)
{
    char netns[32];
    uint32_t phone;
    if (argc < 2 || !args_number("phone", argv[1], 1, NET_PHONES_MAX, &phone))
        return usage("phone", "expected N -- COMMAND");
    int at = argc > 2 && strcmp(argv[2], "--") == 0 ? 3 : 2;
    if (at >= argc)
        return usage("phone", "expected a command after the phone's number");
    snprintf(netns, sizeof netns, NET_PHONE, phone);
    int fd = netns_open(netns);
    if (fd < 0) {
        fprintf(stderr, fd == ERR_NOTFOUND ? "redoubt phone: there is no phone %u: 'redoubt up --ues N' starts some\n"
                                           : "redoubt phone: phone %u: the namespace may not be entered\n", phone);
        return EXIT_FAILED;
    }
    if (setns(fd, CLONE_NEWNET) < 0) {
        fprintf(stderr, "redoubt phone: this needs root\n");
        return EXIT_FAILED;
    }
    close(fd);
    rights_drop(netns);
    execvp(argv[at], argv + at);
    fprintf(stderr, "redoubt phone: %s: %s\n", argv[at], strerror(errno));
    return 127;
}
