/* SPDX-License-Identifier: Apache-2.0 */
/* The demo and `redoubt up` as a person meets them: a phone on the Internet through core, gNB and phones of our own, in
 * namespaces; nothing is left behind, also after Ctrl-C and after a kill. */
#include "command.h"
#include "tests/os/own_netns.h"
#include "tests/test.h"
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>

static const char *binary;
static struct command c, d;

static bool is_possible; /* in here we may make namespaces */
static bool is_half_way; /* we wanted to, and stand in a world whose /proc is another's: nothing can be tried */
static void need_namespaces(void)
{
    if (!is_possible) {
        print_message("skipped: it takes root, namespaces and TUN\n");
        skip();
    }
}

/* Processes and /run of our own, so that whoever has a network up at the same time is not met: the first process of
 * them runs the tests. */
static bool is_private(const char *path) { return mount("", path, "none", MS_PRIVATE | MS_REC, NULL) == 0; }
static bool enter_own_world(void)
{
    /* In a chroot "/" is no mount of its own; its /run and /proc may be. */
    return (is_private("/") || (is_private("/run") && is_private("/proc"))) && mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0 &&
           mount("proc", "/proc", "proc", 0, NULL) == 0 && own_netns();
}

static int namespaces_left(void)
{
    DIR *dir = opendir("/run/netns");
    int n = 0;
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += strncmp(e->d_name, "redoubt-", 8) == 0;
    if (dir)
        closedir(dir);
    return n;
}
/* A process of ours whose command line has this; 0: none. Filtered: one that has given away its system calls. */
static pid_t pid_of(const char *says, bool filtered)
{
    char path[64], line[4096];
    pid_t found = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *e; dir && !found && (e = readdir(dir));) {
        pid_t pid = (pid_t)atoi(e->d_name);
        if (!pid)
            continue;
        snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
        FILE *f = fopen(path, "r");
        size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
        if (f)
            fclose(f);
        for (size_t i = 0; i < n; i++)
            line[i] = line[i] ? line[i] : ' ';
        line[n] = 0;
        if (strstr(line, says) && (!filtered || command_status(pid, "Seccomp", 10) == 2))
            found = pid;
    }
    if (dir)
        closedir(dir);
    return found;
}
static bool runs(const char *says) { return pid_of(says, false) != 0; }
static void nothing_is_left(void)
{
    for (double end = command_now() + 5; (runs("/run/redoubt-net/") || namespaces_left()) && command_now() < end;)
        usleep(20000);
    assert_int_equal(namespaces_left(), 0);
    assert_false(runs("/run/redoubt-net/"));
    assert_int_equal(access("/run/redoubt-net", F_OK), -1);
}

static void demo_start(const char *option)
{
    const char *const argv[] = {binary, "demo", "--quick", "--ues", "5", option, NULL};
    command_start(&c, argv);
}
static void demo_works(const char *option)
{
    demo_start(option);
    int status = command_end(&c, 60);
    if (status != 0)
        print_message("%s\n%s\n", c.out, c.err);
    assert_int_equal(status, 0);
    assert_non_null(strstr(c.out, "5 of 5 answers"));
    assert_non_null(strstr(c.out, "You reached the data network through Redoubt."));
    assert_non_null(strstr(c.out, "says the same by IPv6"));
    assert_non_null(strstr(c.out, "the AMF pages, the phone answers"));
    assert_non_null(strstr(c.out, "the core holds no session"));
    assert_non_null(strstr(c.out, "All 6 have a session; none was refused."));
    assert_non_null(strstr(c.out, "Phone 1 has a PDU session"));
    assert_non_null(strstr(c.out, "and is refused: deny by uk-dvd-huawei/all-5g, which says:"));
    assert_non_null(strstr(c.out, "Communications Act 2003 s. 105Z1"));
    assert_non_null(strstr(c.out, "Phone 1, on the first gNB, has noticed nothing."));
    assert_non_null(strstr(c.out, "All of it worked."));
    nothing_is_left();
}

static void demo(void **state)
{
    need_namespaces();
    demo_works(NULL);
}
static void demo_without_ciphering(void **state)
{
    need_namespaces();
    demo_works("--null-ciphering");
}

static void demo_in_the_kernel(void **state)
{
    need_namespaces();
    demo_works("--data-path=auto"); /* where XDP can be had */
}

static void demo_interrupted(void **state)
{
    need_namespaces();
    demo_start(NULL);
    assert_true(command_read(&c, "Phone 1 is registered", 30));
    kill(c.pid, SIGINT);
    assert_int_equal(command_end(&c, 30), 1);
    nothing_is_left();
}

static void demo_killed(void **state)
{
    need_namespaces();
    demo_start(NULL);
    assert_true(command_read(&c, "Phone 1 is registered", 30));
    kill(c.pid, SIGKILL);
    command_end(&c, 10);
    for (double end = command_now() + 5; runs("/run/redoubt-net/") && command_now() < end;)
        usleep(20000);
    assert_false(runs("/run/redoubt-net/")); /* the processes ended with it */
    assert_true(namespaces_left() > 0);
    demo_works(NULL); /* and the next one clears up */
}

/* Whoever waits for the network, and its gNBs and phones, have given away what they do not need; the command behind a phone
 * sees nothing of the network's files. */
static void what_they_gave_away(void)
{
    char text[16] = "";
    int fd = open("/run/redoubt-net/lock", O_RDONLY);
    assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    pid_t keeper = (pid_t)atoi(text), ran = pid_of("ran --amf", true); /* its sweeper has the same words and all rights */
    assert_true(keeper > 0 && ran > 0);
    for (int i = 0; i < 2; i++) {
        pid_t pid = i ? ran : keeper;
        assert_int_equal(command_status(pid, "NoNewPrivs", 10), 1);
        assert_int_equal(command_status(pid, "Seccomp", 10), 2);
        /* interfaces for phones: CAP_NET_ADMIN, CAP_SYS_ADMIN */
        assert_int_equal(command_status(pid, "CapEff", 16), i ? 1 << 12 | 1 << 21 : 0);
        assert_int_equal(command_status(pid, "CapBnd", 16), i ? 1 << 12 | 1 << 21 : 0);
    }
    assert_int_equal(access("/run/redoubt-net/redoubt.db", F_OK), 0);
    assert_int_equal(command_run(&c, binary, "phone", "1", "--", "/bin/sh", "-c",
                                 "ls /run/redoubt-net; umount /run/redoubt-net; cat /run/redoubt-net/redoubt.db || cat /proc/1/root/run/redoubt-net/redoubt.db",
                                 NULL), 1);
    assert_string_equal(c.out, "");
    assert_int_equal(command_run(&c, binary, "phone", "1", "--", "/bin/sh", "-c", "grep CapEff /proc/self/status", NULL), 0);
    assert_int_equal(strtoll(strstr(c.out, "CapEff:") + 7, NULL, 16) & (1 << 21 | 1 << 19 | 1 << 16 | 1 << 27), 0);
    assert_int_equal(access("/run/redoubt-net/redoubt.db", F_OK), 0);
}

static void up_phone_down(void **state)
{
    need_namespaces();
    assert_int_equal(command_run(&c, binary, "phone", "1", "--", "true", NULL), 1);
    assert_non_null(strstr(c.err, "there is no phone 1"));
    assert_int_equal(command_run(&c, binary, "up", "--ues", "2", "--set", "process.sandbox_kill=true", NULL), 0);
    assert_non_null(strstr(c.out, "The network is up: a core, a gNB and 2 phones"));
    assert_int_equal(command_run(&d, binary, "up", NULL), 1);
    assert_non_null(strstr(d.err, "a network of ours is up already"));
    assert_int_equal(command_run(&d, binary, "demo", NULL), 1);
    assert_non_null(strstr(d.out, "a network of ours is up already"));
    assert_int_equal(command_run(&c, binary, "status", "--socket", "/run/redoubt-net/core.sock", NULL), 0);
    assert_non_null(strstr(c.out, "1 gNBs in service, 2 phones registered (2 connected), 2 PDU sessions"));
    for (int phone = 1; phone <= 2; phone++) {
        char n[16];
        snprintf(n, sizeof n, "%d", phone);
        assert_int_equal(command_run(&c, binary, "phone", n, "--", "/bin/sh", "-c", "cat /proc/net/route; exit 5", NULL), 5);
        assert_non_null(strstr(c.out, "ue")); /* the phone's interface has the default route */
    }
    what_they_gave_away();
    assert_int_equal(command_run(&c, binary, "phone", "1", "--", "/nonexistent/command", NULL), 127);
    assert_int_equal(command_run(&c, binary, "phone", "3", "--", "true", NULL), 1);
    assert_int_equal(command_run(&c, binary, "down", NULL), 0);
    assert_string_equal(c.out, "The network is down.\n");
    nothing_is_left();
    assert_int_equal(command_run(&c, binary, "down", NULL), 0);
    assert_string_equal(c.out, "No network of ours was up.\n");
}

/* Ctrl-C before it is up: what was made is taken away, and nothing comes up behind one's back. */
static void up_interrupted(void **state)
{
    need_namespaces();
    for (int late = 0; late < 2; late++) {
        command_start(&c, (const char *const[]){binary, "up", "--ues", "2", NULL});
        for (double end = command_now() + 20; !pid_of(late ? "ran --amf" : "/run/redoubt-net/", false) && command_now() < end;)
            usleep(1000);
        kill(c.pid, SIGINT);
        assert_int_equal(command_end(&c, 10), -1);
        nothing_is_left();
    }
}

/* Phones as a 5G LAN of Ethernet sessions: `up` itself sees that each reaches the first. */
static void ethernet(void **state)
{
    need_namespaces();
    assert_int_equal(command_run(&c, binary, "up", "--ethernet", "--ues", "3", "--set", "process.sandbox_kill=true", NULL), 0);
    assert_non_null(strstr(c.out, "3 phones, each with an Ethernet session of one 5G LAN"));
    assert_int_equal(command_run(&c, binary, "phone", "2", "--", "/bin/sh", "-c", "cat /proc/net/arp", NULL), 0);
    assert_non_null(strstr(c.out, "192.168.77.1 "));
    assert_int_equal(command_run(&c, binary, "phone", "1", "--", "/bin/sh", "-c", "cat /proc/net/route", NULL), 0);
    assert_null(strstr(c.out, "00000000\t00000000")); /* no way out */
    assert_int_equal(command_run(&c, binary, "down", NULL), 0);
    nothing_is_left();
}

/* An uplink classifier in a process of its own: 10.70.0.1 by it, the rest by the core's UPF. */
static void edge(void **state)
{
    need_namespaces();
    assert_int_equal(command_run(&c, binary, "up", "--edge", "--ues", "2", "--set", "process.sandbox_kill=true", NULL), 0);
    assert_non_null(strstr(c.out, "a UPF at the edge, a gNB and 2 phones"));
    assert_int_equal(command_run(&c, binary, "status", "--socket", "/run/redoubt-net/edge.sock", NULL), 0);
    assert_non_null(strstr(c.out, "data network edge (n6edge): 2 sessions"));
    assert_null(strstr(c.out, "packets to data networks 0,"));
    assert_int_equal(command_run(&c, binary, "status", "--socket", "/run/redoubt-net/core.sock", NULL), 0);
    assert_non_null(strstr(c.out, "data network internet (n6internet): 2 sessions"));
    assert_int_equal(command_run(&c, binary, "down", NULL), 0);
    nothing_is_left();
}

static void wrong_words(void **state)
{
    if (is_half_way)
        skip();
    assert_int_equal(command_run(&c, binary, "demo", "--ues", "many", NULL), 2);
    assert_int_equal(command_run(&c, binary, "demo", "--nix", NULL), 2);
    assert_int_equal(command_run(&c, binary, "demo", "--capture", NULL), 2);
    assert_int_equal(command_run(&c, binary, "up", "--ues", "0", NULL), 2);
    assert_int_equal(command_run(&c, binary, "up", "--edge", "--ethernet", NULL), 2);
    assert_int_equal(command_run(&c, binary, "up", "-c", "/x", NULL), 2);
    assert_int_equal(command_run(&c, binary, "down", "now", NULL), 2);
    assert_int_equal(command_run(&c, binary, "phone", NULL), 2);
    assert_int_equal(command_run(&c, binary, "phone", "x", "--", "true", NULL), 2);
    assert_int_equal(command_run(&c, binary, "phone", "1", "--", NULL), 2);
}

static void what_cannot_be(void **state)
{
    need_namespaces();
    demo_start("--capture=/nonexistent/folder/x.pcapng");
    assert_int_equal(command_end(&c, 30), 1);
    assert_non_null(strstr(c.out, "the capture /nonexistent/folder/x.pcapng could not be written"));
    nothing_is_left();
    assert_int_equal(command_run(&c, binary, "up", "--set", "amf.max_ues=none", NULL), 1);
    assert_non_null(strstr(c.err, "--set amf.max_ues: found 'none', expected a whole number"));
    nothing_is_left();
    assert_int_equal(command_run(&c, binary, "up", "--set", "amf.slices=[9]", "--set", "smf.dnns=[{name: internet, ipv4_pool: 10.45.0.0/16}]", NULL), 1);
    assert_true(strlen(c.err) > 20);
    nothing_is_left();
}

int main(int argc, char **argv)
{
    int status = 1;
    binary = argc > 1 ? argv[1] : "";
    bool may = geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0 && unshare(CLONE_NEWNS | CLONE_NEWPID) == 0;
    for (int generation = 0; generation < 2; generation++) { /* the first process there only waits: it is special */
        pid_t pid = fork();
        if (pid > 0) {
            while (waitpid(pid, &status, 0) != pid)
                ;
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
        }
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    is_possible = may && enter_own_world();
    is_half_way = may && !is_possible;
    return RUN(unit(wrong_words), unit(demo), unit(demo_without_ciphering), unit(demo_in_the_kernel), unit(demo_interrupted), unit(demo_killed),
               unit(up_phone_down), unit(up_interrupted), unit(ethernet), unit(edge), unit(what_cannot_be));
}
