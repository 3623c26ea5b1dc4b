/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sandbox.h"
#include "os/capture.h"
#include "os/file.h"
#include "os/netns.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* draft-ietf-opsawg-pcapng: blocks, and link types of the tcpdump registry. */
enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    OPT_IF_NAME = 2,
    OPT_IF_TSRESOL = 9,
    LINK_ETHERNET = 1,
    LINK_RAW_IP = 101
};
enum { POINTS = 16, SOCKET_BUFFER = 16 << 20, OUT_OCTETS = 1 << 18, BATCH = 32 };
#define FILE_MAX_OCTETS (1ull << 30)

struct point {
    int fd;
    bool is_loopback, is_raw;
};
struct capture {
    pthread_t thread;
    int stop_fd, file;
    uint32_t snaplen, n, out_n;
    uint64_t max_octets, written;
    int error; /* of the file */
    struct capture_counts counts;
    struct point points[POINTS];
    uint8_t *rx; /* BATCH of snaplen */
    uint8_t out[OUT_OCTETS];
};

static void flush(struct capture *c)
{
    for (uint32_t at = 0; at < c->out_n && c->error == OK;) {
        ssize_t k = write(c->file, c->out + at, c->out_n - at);
        if (k < 0 && errno != EINTR)
            c->error = err_from_errno(errno);
        at += k > 0 ? (uint32_t)k : 0;
    }
    c->out_n = 0;
}
static void put(struct capture *c, const void *p, uint32_t n)
{
    static const uint8_t zero[4];
    uint32_t pad = (4 - n % 4) % 4;
    if (n + pad > OUT_OCTETS - c->out_n)
        flush(c);
    memcpy(c->out + c->out_n, p, n);
    memcpy(c->out + c->out_n + n, zero, pad);
    c->out_n += n + pad;
}
static uint32_t padded(uint32_t n)
{
    return (n + 3) & ~3u;
}

static void section_put(struct capture *c)
{
    const uint32_t b[7] = {BLOCK_SECTION, 28,         0x1a2b3c4d, 1 /* version 1.0 */,
                           UINT32_MAX,    UINT32_MAX, 28};
    put(c, b, sizeof b);
}
static void interface_put(struct capture *c, const struct point *p, const char *label)
{
    uint16_t name_n = (uint16_t)strlen(label);
    uint32_t len = 16 + 4 + padded(name_n) + 8 + 4 + 4;
    uint32_t head[4] = {BLOCK_INTERFACE, len, p->is_raw ? LINK_RAW_IP : LINK_ETHERNET, c->snaplen};
    uint16_t name[2] = {OPT_IF_NAME, name_n}, resolution[2] = {OPT_IF_TSRESOL, 1};
    uint8_t nanoseconds = 9;
    uint32_t end = 0;
    put(c, head, sizeof head);
    put(c, name, sizeof name);
    put(c, label, name_n);
    put(c, resolution, sizeof resolution);
    put(c, &nanoseconds, 1);
    put(c, &end, 4);
    put(c, &len, 4);
}
static void packet_put(struct capture *c, uint32_t interface, const struct timespec *t,
                       const uint8_t *p, uint32_t have, uint32_t was)
{
    uint32_t len = 32 + padded(have);
    uint64_t ns = (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
    uint32_t head[7] = {BLOCK_PACKET, len,  interface, (uint32_t)(ns >> 32),
                        (uint32_t)ns, have, was};
    if (c->written + len > c->max_octets) {
        c->counts.past_limit++;
        return;
    }
    c->written += len;
    c->counts.packets++;
    c->counts.octets += was;
    put(c, head, sizeof head);
    put(c, p, have);
    put(c, &len, 4);
}

/* False when nothing was there. */
static bool point_read(struct capture *c, uint32_t i)
{
    struct mmsghdr m[BATCH];
    struct iovec iov[BATCH];
    struct sockaddr_ll from[BATCH];
    uint8_t control[BATCH][128];
    for (uint32_t k = 0; k < BATCH; k++) {
        iov[k] = (struct iovec){c->rx + (size_t)k * c->snaplen, c->snaplen};
        m[k].msg_hdr = (struct msghdr){.msg_name = &from[k],
                                       .msg_namelen = sizeof from[k],
                                       .msg_iov = &iov[k],
                                       .msg_iovlen = 1,
                                       .msg_control = control[k],
                                       .msg_controllen = sizeof control[k]};
    }
    int n = recvmmsg(c->points[i].fd, m, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
    for (int k = 0; k < n; k++) {
        struct timespec t = {0};
        /* What lo sends it also receives: one of the two is enough. */
        if (c->points[i].is_loopback && from[k].sll_pkttype == PACKET_OUTGOING)
            continue;
        for (struct cmsghdr *h = CMSG_FIRSTHDR(&m[k].msg_hdr); h; h = CMSG_NXTHDR(&m[k].msg_hdr, h))
            if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_TIMESTAMPNS)
                memcpy(&t, CMSG_DATA(h), sizeof t);
        uint32_t was = m[k].msg_len, have = was < c->snaplen ? was : c->snaplen;
        packet_put(c, i, &t, iov[k].iov_base, have, was);
    }
    return n > 0;
}

static void *capture_thread(void *ctx)
{
    struct capture *c = ctx;
    struct pollfd p[POINTS + 1];
    bool stop = false;
    while (!stop) {
        for (uint32_t i = 0; i < c->n; i++)
            p[i] = (struct pollfd){.fd = c->points[i].fd, .events = POLLIN};
        p[c->n] = (struct pollfd){.fd = c->stop_fd, .events = POLLIN};
        /* What has come is on the disk within a second, so that the file can be read while it
         * grows. */
        int ready = poll(p, c->n + 1, c->out_n ? 1000 : -1);
        if (ready == 0)
            flush(c);
        stop = ready > 0 && p[c->n].revents;
        for (bool more = true; more;) {
            more = false;
            for (uint32_t i = 0; i < c->n; i++)
                if (stop || (ready > 0 && p[i].revents))
                    more |= point_read(c, i);
            more = more && stop; /* the end: until nothing is left */
        }
    }
    flush(c);
    return NULL;
}

struct opening {
    const char *ifname;
    struct point *point;
};
static int do_open(void *ctx)
{
    struct opening *o = ctx;
    struct ifreq r = {0};
    int size = SOCKET_BUFFER, on = 1;
    if (!str_copy(r.ifr_name, sizeof r.ifr_name, str_of(o->ifname)))
        return ERR_CONFIG;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC,
                    0); /* protocol 0: nothing comes before the bind */
    if (fd < 0)
        return err_from_errno(errno);
    int rc = ioctl(fd, SIOCGIFHWADDR, &r) < 0 ? err_from_errno(errno) : OK;
    o->point->is_loopback = r.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
    o->point->is_raw = r.ifr_hwaddr.sa_family == ARPHRD_NONE;
    if (rc == OK && !o->point->is_loopback && !o->point->is_raw &&
        r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        rc = ERR_UNSUPPORTED;
    struct sockaddr_ll a = {.sll_family = AF_PACKET,
                            .sll_protocol = htons(ETH_P_ALL),
                            .sll_ifindex = (int)if_nametoindex(o->ifname)};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (rc == OK && bind(fd, (struct sockaddr *)&a, sizeof a) < 0)
        rc = err_from_errno(errno);
    if (rc < 0)
        close(fd);
    else
        o->point->fd = fd;
    return rc;
}

static void capture_destroy(struct capture *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        close(c->points[i].fd);
    if (c->stop_fd >= 0)
        close(c->stop_fd);
    if (c->file >= 0)
        close(c->file);
    free(c->rx);
    free(c);
}

int capture_start(struct capture **out, const char *path, const struct capture_point *points,
                  uint32_t n, uint32_t snaplen, uint64_t max_octets)
{
    if (n == 0 || n > POINTS || snaplen > 262144)
        return ERR_RANGE;
    struct capture *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOSPACE;
    c->snaplen = snaplen ? snaplen : 65535;
    c->max_octets = max_octets ? max_octets : FILE_MAX_OCTETS;
    c->rx = malloc((size_t)BATCH * c->snaplen);
    c->stop_fd = eventfd(0, EFD_CLOEXEC);
    c->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = !c->rx || c->stop_fd < 0 ? ERR_NOSPACE : c->file < 0 ? err_from_errno(errno) : OK;
    if (rc == OK)
        section_put(c);
    while (rc == OK && c->n < n) {
        struct opening o = {points[c->n].ifname, &c->points[c->n]};
        rc = netns_run(points[c->n].netns, do_open, &o);
        if (rc == OK) {
            const char *label = points[c->n].label;
            interface_put(c, &c->points[c->n],
                          label && strlen(label) < 256 ? label : points[c->n].ifname);
            c->n++;
        }
    }
    c->written = c->out_n;
    flush(c);
    sigset_t all, was; /* signals are the loop's */
    sigfillset(&all);
    sigdelset(&all, sandbox_signal());
    pthread_sigmask(SIG_BLOCK, &all, &was);
    if (rc == OK && pthread_create(&c->thread, NULL, capture_thread, c) != 0)
        rc = ERR_NOSPACE;
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (rc < 0) {
        capture_destroy(c);
        return rc;
    }
    *out = c;
    return OK;
}

int capture_stop(struct capture *c, struct capture_counts *counts)
{
    uint64_t one = 1;
    if (write(c->stop_fd, &one, sizeof one) != sizeof one)
        return ERR_IO;
    pthread_join(c->thread, NULL);
    for (uint32_t i = 0; i < c->n; i++) {
        struct tpacket_stats s = {0};
        socklen_t n = sizeof s;
        if (getsockopt(c->points[i].fd, SOL_PACKET, PACKET_STATISTICS, &s, &n) == 0)
            c->counts.lost += s.tp_drops;
    }
    int rc = c->error;
    if (counts)
        *counts = c->counts;
    capture_destroy(c);
    return rc;
}
