/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/probe.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/netns.h"
#include "os/sock.h"
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { CHUNK = 65536, PROBE_TIMEOUT_MS = 5000 };
/* A window below what the queues on the way hold, so that TCP is bounded by the path and not by its losses. Before
 * connect() and listen(). */
static void window_bound(int fd)
{
    int octets = 131072;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
}

/* A socket belongs to the namespace in which it was made, whoever uses it later. */
struct make {
    int domain, type, protocol;
};
static int do_socket(void *ctx)
{
    struct make *m = ctx;
    int fd = socket(m->domain, m->type | SOCK_CLOEXEC, m->protocol);
    return fd < 0 ? err_from_errno(errno) : fd;
}
static int socket_in(const char *netns, const struct net_addr *to, int type, int protocol4, int protocol6)
{
    bool six = to->family == 6;
    return netns_run(netns, do_socket,
                     &(struct make){six ? AF_INET6 : AF_INET, type, six ? protocol6 : protocol4});
}

/* ---- ping ---- */
struct echo { /* RFC 792, RFC 4443 4.1: the same layout */
    uint8_t type, code;
    uint16_t checksum, id, sequence;
    uint64_t sent_us;
    uint8_t fill[40];
};

static uint16_t checksum(const void *p, size_t n) /* RFC 1071; the kernel makes that of ICMPv6 */
{
    const uint8_t *b = p;
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += be16(b + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static bool echo_send(int fd, const union sock_addr *to, socklen_t to_n, bool six, uint16_t id, uint16_t sequence)
{
    struct echo e = {.type = six ? ICMP6_ECHO_REQUEST : ICMP_ECHO, .id = id, .sequence = sequence, .sent_us = loop_now_us()};
    e.checksum = six ? 0 : checksum(&e, sizeof e);
    return sendto(fd, &e, sizeof e, 0, &to->sa, to_n) == sizeof e;
}

/* Takes one answer of ours, true; false when none came within the time. */
static bool echo_take(int fd, bool six, uint16_t id, uint64_t until_us, struct hist *rtt)
{
    uint8_t buf[1500];
    for (;;) {
        uint64_t now = loop_now_us();
        struct pollfd p = {fd, POLLIN, 0};
        if (now >= until_us || poll(&p, 1, (int)((until_us - now + 999) / 1000)) <= 0)
            return false;
        ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
        size_t head = six || n < 20 ? 0 : (size_t)(buf[0] & 15) * 4;
        struct echo e;
        if (n < 0 || (size_t)n < head + sizeof e)
            continue;
        memcpy(&e, buf + head, sizeof e);
        if (e.id != id || e.type != (six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY))
            continue;
        hist_add(rtt, loop_now_us() - e.sent_us);
        return true;
    }
}

int probe_ping(const char *netns, const struct net_addr *to, uint32_t count, uint32_t interval_ms, struct hist *rtt)
{
    union sock_addr sa;
    struct net_addr bare = *to;
    bool six = to->family == 6;
    bare.port = 0;
    socklen_t sa_n = sock_from_addr(&sa, &bare);
    int fd = socket_in(netns, to, SOCK_RAW, IPPROTO_ICMP, IPPROTO_ICMPV6), got = 0;
    uint16_t id = (uint16_t)(getpid() ^ (int)loop_now_us());
    if (fd < 0)
        return fd;
    uint64_t next = loop_now_us();
    for (uint32_t i = 0; i < count; i++, next += (uint64_t)interval_ms * 1000) {
        while (echo_take(fd, six, id, next, rtt))
            got++;
        if (!echo_send(fd, &sa, sa_n, six, id, htons((uint16_t)i))) {
            int e = err_from_errno(errno);
            close(fd);
            return e;
        }
    }
    for (uint64_t until = loop_now_us() + 1000000; (uint32_t)got < count && echo_take(fd, six, id, until, rtt);)
        got++;
    close(fd);
    return got;
}

int probe_reach(const char *netns, const struct net_addr *to, uint32_t timeout_ms)
{
    struct hist *rtt = calloc(1, sizeof *rtt);
    int got = rtt ? 0 : ERR_NOSPACE;
    for (uint64_t end = loop_now_us() + (uint64_t)timeout_ms * 1000; rtt && got <= 0 && loop_now_us() < end;)
        if ((got = probe_ping(netns, to, 1, 0, rtt)) <= 0)
            usleep(20000);
    free(rtt);
    return got > 0 ? OK : got < 0 ? got : ERR_TIMEOUT;
}

/* ---- TCP ---- */
static int tcp_connect(const char *netns, const struct net_addr *to, uint16_t port)
{
    union sock_addr sa;
    struct net_addr at = *to;
    at.port = port;
    socklen_t n = sock_from_addr(&sa, &at);
    int fd = socket_in(netns, to, SOCK_STREAM, 0, 0);
    if (fd < 0)
        return fd;
    struct timeval tv = {PROBE_TIMEOUT_MS / 1000, 0};
    window_bound(fd);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    if (connect(fd, &sa.sa, n) < 0) {
        int e = errno == EINPROGRESS || errno == EAGAIN ? ERR_TIMEOUT : err_from_errno(errno);
        close(fd);
        return e;
    }
    return fd;
}

int probe_http(const char *netns, const struct net_addr *to, char *out, uint32_t cap)
{
    static const char request[] = "GET / HTTP/1.0\r\nHost: data-network\r\n\r\n";
    int fd = tcp_connect(netns, to, DATA_NETWORK_HTTP), status = 0;
    uint32_t n = 0;
    if (fd < 0)
        return fd;
    bool sent = send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1;
    for (ssize_t k = 1; sent && k > 0 && n + 1 < cap; n += k > 0 ? (uint32_t)k : 0)
        k = recv(fd, out + n, cap - 1 - n, 0);
    close(fd);
    out[n] = 0;
    if (sscanf(out, "HTTP/1.%*c %d", &status) != 1)
        return ERR_TIMEOUT;
    char *body = strstr(out, "\r\n\r\n");
    if (body)
        memmove(out, body + 4, strlen(body + 4) + 1);
    return status;
}

/* Sends for so long, then says so; the receiver answers with what it counted. */
static int64_t send_for(int fd, uint64_t until_us, char *chunk)
{
    char counted[32] = "";
    while (loop_now_us() < until_us)
        if (send(fd, chunk, CHUNK, MSG_NOSIGNAL) < 0)
            return err_from_errno(errno);
    shutdown(fd, SHUT_WR);
    return recv(fd, counted, sizeof counted - 1, 0) > 0 ? strtoll(counted, NULL, 10) : ERR_TIMEOUT;
}
static int64_t receive_for(int fd, uint32_t duration_ms, char *chunk)
{
    char ask[16];
    int n = snprintf(ask, sizeof ask, "%u\n", duration_ms);
    int64_t octets = 0;
    ssize_t k = send(fd, ask, (size_t)n, MSG_NOSIGNAL);
    while (k > 0 && (k = recv(fd, chunk, CHUNK, 0)) > 0)
        octets += k;
    return k < 0 ? ERR_TIMEOUT : octets;
}

int64_t probe_throughput(const char *netns, const struct net_addr *to, bool uplink, uint32_t duration_ms)
{
    char *chunk = calloc(1, CHUNK);
    int fd = chunk ? tcp_connect(netns, to, uplink ? DATA_NETWORK_SINK : DATA_NETWORK_SOURCE) : ERR_NOSPACE;
    if (fd < 0) {
        free(chunk);
        return fd;
    }
    uint64_t from = loop_now_us(), until = from + (uint64_t)duration_ms * 1000;
    int64_t octets = uplink ? send_for(fd, until, chunk) : receive_for(fd, duration_ms, chunk);
    uint64_t took = loop_now_us() - from;
    close(fd);
    free(chunk);
    return octets < 0 ? octets : (int64_t)((double)octets * 8e6 / (double)(took ? took : 1));
}

/* ---- the data network ---- */
static void serve_page(int fd)
{
    static const char body[] = "<!doctype html><title>Data network</title><p>" DATA_NETWORK_PAGE "\n";
    char request[2048], head[160];
    if (recv(fd, request, sizeof request, 0) <= 0)
        return;
    int n = snprintf(head, sizeof head, "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n\r\n", sizeof body - 1);
    if (send(fd, head, (size_t)n, MSG_NOSIGNAL | MSG_MORE) > 0)
        send(fd, body, sizeof body - 1, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    recv(fd, request, sizeof request, 0);
}
static void serve_sink(int fd)
{
    static char chunk[CHUNK];
    long long octets = 0;
    for (ssize_t k; (k = recv(fd, chunk, sizeof chunk, 0)) > 0;)
        octets += k;
    int n = snprintf(chunk, sizeof chunk, "%lld\n", octets);
    send(fd, chunk, (size_t)n, MSG_NOSIGNAL);
}
/* Sends for as many milliseconds as it is asked for, so that both ends close in order. */
static void serve_source(int fd)
{
    static char chunk[CHUNK];
    char asked[16] = "";
    if (recv(fd, asked, sizeof asked - 1, 0) <= 0)
        return;
    uint64_t until = loop_now_us() + strtoull(asked, NULL, 10) * 1000;
    while (loop_now_us() < until && send(fd, chunk, sizeof chunk, MSG_NOSIGNAL) > 0)
        ;
    shutdown(fd, SHUT_WR);
    recv(fd, asked, sizeof asked, 0);
}

static int listen_at(uint16_t port) /* v6 socket that takes v4 as well, where there is v6 */
{
    int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1, no = 0;
    union sock_addr a = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    socklen_t n = sizeof a.in6;
    int fd = six;
    if (six >= 0) {
        setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    } else {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        a = (union sock_addr){.in = {.sin_family = AF_INET, .sin_port = htons(port)}};
        n = sizeof a.in;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    window_bound(fd);
    return fd >= 0 && bind(fd, &a.sa, n) == 0 && listen(fd, 64) == 0 ? fd : -1;
}

int data_network_serve(void *unused)
{
    static void (*const serve[])(int) = {serve_page, serve_sink, serve_source};
    struct pollfd p[] = {{listen_at(DATA_NETWORK_HTTP), POLLIN, 0},
                         {listen_at(DATA_NETWORK_SINK), POLLIN, 0},
                         {listen_at(DATA_NETWORK_SOURCE), POLLIN, 0}};
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        if (p[i].fd < 0) {
            perror("data network");
            return 1;
        }
    signal(SIGCHLD, SIG_IGN); /* a process a connection, reaped by the kernel */
    puts("ready");
    fflush(stdout);
    for (;;) {
        if (poll(p, ARRAY_LEN(p), -1) < 0)
            continue;
        for (size_t i = 0; i < ARRAY_LEN(p); i++) {
            int fd = p[i].revents ? accept4(p[i].fd, NULL, NULL, SOCK_CLOEXEC) : -1;
            if (fd < 0)
                continue;
            struct timeval tv = {10, 0}; /* a connection that does nothing ends */
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
            if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve[i](fd);
                _exit(0);
            }
            close(fd);
        }
    }
}
