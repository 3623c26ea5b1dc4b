/* SPDX-License-Identifier: Apache-2.0 */
#include "os/n6_table.h"
#include "os/netns.h"
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCRIPT_MAX = 2048 };
extern char **environ;

struct nft {
    const char *script;
    char *why;
    size_t cap;
};

static int memory_file(const char *name, const char *text)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    size_t n = strlen(text);
    if (fd < 0)
        return -1;
    if (write(fd, text, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return -1;
}

/* The first line of what it said. */
static void why_take(int fd, struct nft *n)
{
    ssize_t k = n->cap ? pread(fd, n->why, n->cap - 1, 0) : 0;
    if (!n->cap)
        return;
    n->why[k > 0 ? k : 0] = 0;
    n->why[strcspn(n->why, "\n")] = 0;
}

/* In the namespace of the calling thread, which the child inherits. */
static int nft_run(void *ctx)
{
    struct nft *n = ctx;
    char program[] = "nft", file[] = "-f", input[] = "-";
    char *argv[] = {program, file, input, NULL};
    int in = memory_file("nft-in", n->script), out = memory_file("nft-out", ""), status = 0;
    pid_t pid;
    posix_spawn_file_actions_t a;
    if (in < 0 || out < 0 || posix_spawn_file_actions_init(&a)) {
        close(in);
        close(out);
        return ERR_IO;
    }
    posix_spawn_file_actions_adddup2(&a, in, 0);
    posix_spawn_file_actions_adddup2(&a, out, 1);
    posix_spawn_file_actions_adddup2(&a, out, 2);
    int e = posix_spawnp(&pid, program, &a, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&a);
    int rc = e == ENOENT ? ERR_UNSUPPORTED : e ? ERR_IO : OK;
    while (!e && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!e && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        rc = ERR_IO;
        why_take(out, n);
    }
    close(in);
    close(out);
    return rc;
}

static size_t masquerade_put(char *to, size_t cap, const char *family, const struct net_addr *prefix,
                             uint8_t bits, const char *interface)
{
    char text[NET_ADDR_TEXT];
    struct net_addr a = *prefix;
    if (!a.family)
        return 0;
    a.port = 0;
    int n = snprintf(to, cap, "  %s saddr %s/%u oifname != \"%s\" masquerade\n", family,
                     addr_text(&a, text), bits, interface);
    return n < 0 ? 0 : (size_t)n;
}

int n6_table_start(const struct n6_table *t, char *why, size_t cap)
{
    const char *i = t->interface;
    char script[SCRIPT_MAX];
    if (cap)
        why[0] = 0;
    if (strlen(i) > 15 || strpbrk(i, "\"{};\n "))
        return ERR_CONFIG;
    int n = snprintf(script, sizeof script,
                     "add table inet redoubt_%s\n"
                     "delete table inet redoubt_%s\n"
                     "table inet redoubt_%s {\n"
                     " chain in {\n"
                     "  type filter hook input priority -10; policy accept;\n"
                     "  iifname \"%s\" meta l4proto { icmp, ipv6-icmp } accept\n"
                     "  iifname \"%s\" counter drop\n"
                     " }\n",
                     i, i, i, i, i);
    size_t at = (size_t)n;
    if (t->nat) {
        at += (size_t)snprintf(script + at, sizeof script - at,
                               " chain out {\n"
                               "  type nat hook postrouting priority 100; policy accept;\n");
        at += masquerade_put(script + at, sizeof script - at, "ip", &t->prefix4, t->bits4, i);
        at += masquerade_put(script + at, sizeof script - at, "ip6", &t->prefix6, t->bits6, i);
        at += (size_t)snprintf(script + at, sizeof script - at, " }\n");
    }
    snprintf(script + at, sizeof script - at, "}\n");
    struct nft job = {script, why, cap};
    return netns_run(t->netns, nft_run, &job);
}

int n6_table_stop(const char *netns, const char *interface)
{
    char script[128], why[1];
    snprintf(script, sizeof script, "delete table inet redoubt_%.40s\n", interface);
    struct nft job = {script, why, 0};
    return netns_run(netns, nft_run, &job);
}
