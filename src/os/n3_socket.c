/* SPDX-License-Identifier: Apache-2.0 */
#include "os/n3_socket.h"
#include "base/err.h"
#include "dp/gtpu_fast.h"
#include "os/file.h"
#include "os/sock.h"
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    MESSAGES = 64,     /* of one call, while each is one datagram; */
    MESSAGES_LONG = 8, /* while they hold many, so that these stay in the cache */
    TURN = 256,        /* datagrams, some more, of one socket before others have their turn */
    LONG_MAX = 65536,
    STRIDE = LONG_MAX + DP_HEADROOM + 192, /* no power of 2, so that the buffers do not share cache sets */
    SOCKET_BUFFER = 8 << 20,
    GSO_OCTETS_MAX = 65000,
    GSO_SEGMENTS_MAX = 64,
};
union control {
    struct cmsghdr align;
    char room[2 * CMSG_SPACE(sizeof(int))];
};
struct n3_io {
    uint32_t payload_max; /* largest datagram that fits a link */
    bool no_gso, long_ones;
    struct { /* a batch with room before each; pages are touched when datagrams are that long */
        struct mmsghdr msg[MESSAGES];
        struct iovec iov[MESSAGES];
        union sock_addr from[MESSAGES];
        union control control[MESSAGES];
        uint8_t *memory;
        struct dp_datagram d[DP_BATCH];
        unsigned n;
    } rx;
    struct { /* runs of equal datagrams to one peer leave as one message */
        struct mmsghdr msg[DP_BATCH];
        struct iovec iov[DP_BATCH];
        union sock_addr to[DP_BATCH];
        union control control[DP_BATCH];
    } tx;
};

int n3_socket_open(const struct net_addr *local)
{
    union sock_addr s;
    socklen_t len = sock_from_addr(&s, local);
    bool v6 = local->family == 6;
    int fd = len ? socket(s.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return len ? err_from_errno(errno) : ERR_RANGE;
    int size = SOCKET_BUFFER, on = 1, dont = IP_PMTUDISC_DONT, dont6 = IPV6_PMTUDISC_DONT;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (v6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    /* A user packet that may be fragmented and is too long: its outer packet is, TS 29.281 4.2.4. */
    setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, v6 ? &dont6 : &dont,
               sizeof dont);
    setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on); /* older kernels give them one by one */
    if (bind(fd, &s.sa, len) < 0) {
        int rc = errno == EADDRNOTAVAIL ? ERR_NOTFOUND : err_from_errno(errno);
        close(fd);
        return rc;
    }
    return fd;
}

struct n3_io *n3_io_new(uint32_t link_mtu)
{
    struct n3_io *io = calloc(1, sizeof *io);
    if (!io || !(io->rx.memory = malloc((size_t)MESSAGES * STRIDE))) {
        free(io);
        return NULL;
    }
    io->payload_max = link_mtu - 48;
    for (unsigned i = 0; i < MESSAGES; i++) {
        io->rx.iov[i] = (struct iovec){io->rx.memory + (size_t)i * STRIDE + DP_HEADROOM, LONG_MAX};
        io->rx.msg[i].msg_hdr = (struct msghdr){.msg_name = &io->rx.from[i], .msg_iov = &io->rx.iov[i], .msg_iovlen = 1,
                                                .msg_control = io->rx.control[i].room};
    }
    return io;
}
void n3_io_free(struct n3_io *io)
{
    if (io)
        free(io->rx.memory);
    free(io);
}

/* ---- in ---- */
struct receiving {
    struct n3_io *io;
    void (*datagrams)(void *ctx, const struct dp_datagram *, unsigned n);
    void *ctx;
};
static void datagrams_give(struct receiving *r)
{
    if (r->io->rx.n)
        r->datagrams(r->ctx, r->io->rx.d, r->io->rx.n);
    r->io->rx.n = 0;
}

/* A user packet whose own header leaves no room for the one it may get has the end of the datagram before it there: that
 * must be gone first. With a PDU session container, as between 5G nodes, there is room. */
static bool has_room(const uint8_t *p, uint32_t n)
{
    return n < GTPU_PUSH || (p[0] & 4 && p[11]); /* an extension header has 4 octets */
}

static void message_split(struct receiving *r, const struct msghdr *h, uint32_t octets)
{
    struct net_addr a = sock_to_addr(h->msg_name);
    struct rule_addr from = {.family = a.family, .port = a.port};
    uint8_t *p = h->msg_iov->iov_base;
    uint32_t size = octets;
    memcpy(from.ip, a.ip, sizeof from.ip);
    for (const struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)h, (struct cmsghdr *)(uintptr_t)c))
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int each;
            memcpy(&each, CMSG_DATA(c), sizeof each);
            size = each > 0 && (uint32_t)each < octets ? (uint32_t)each : octets;
        }
    r->io->long_ones = size < octets;
    uint32_t at = 0;
    do {
        uint32_t n = octets - at < size ? octets - at : size;
        if (r->io->rx.n == DP_BATCH || (at && !has_room(p + at, n)))
            datagrams_give(r);
        r->io->rx.d[r->io->rx.n++] = (struct dp_datagram){p + at, n, from};
        at += n;
    } while (at < octets);
}

void n3_receive(struct n3_io *io, int fd, void (*datagrams)(void *ctx, const struct dp_datagram *, unsigned n), void *ctx)
{
    struct receiving r = {io, datagrams, ctx};
    for (unsigned total = 0; total < TURN;) {
        unsigned want = io->long_ones ? MESSAGES_LONG : MESSAGES;
        for (unsigned i = 0; i < want; i++) {
            io->rx.msg[i].msg_hdr.msg_namelen = sizeof io->rx.from[i];
            io->rx.msg[i].msg_hdr.msg_controllen = sizeof io->rx.control[i].room;
        }
        int got = recvmmsg(fd, io->rx.msg, want, MSG_DONTWAIT, NULL);
        for (int i = 0; i < got; i++)
            if (!(io->rx.msg[i].msg_hdr.msg_flags & MSG_TRUNC))
                message_split(&r, &io->rx.msg[i].msg_hdr, io->rx.msg[i].msg_len);
        datagrams_give(&r);
        if (got < (int)want)
            return;
        total += io->long_ones ? TURN / 2 : want;
    }
}

/* ---- out ---- */
static bool same_peer(const struct dp_datagram *a, const struct dp_datagram *b)
{
    return a->peer.port == b->peer.port && a->peer.dscp == b->peer.dscp && !memcmp(a->peer.ip, b->peer.ip, sizeof a->peer.ip);
}

/* How many of d go in one message: to one peer, all as long as the first, the last may be shorter. */
static unsigned run_of(const struct n3_io *io, const struct dp_datagram *d, unsigned n)
{
    uint32_t octets = d->n;
    unsigned k = 1;
    if (io->no_gso || d->n > io->payload_max)
        return 1;
    for (; k < n && k < GSO_SEGMENTS_MAX; k++) {
        if (!same_peer(d, d + k) || d[k].n > d->n || octets + d[k].n > GSO_OCTETS_MAX)
            break;
        octets += d[k].n;
        if (d[k].n < d->n)
            return k + 1;
    }
    return k;
}

static void control_add(struct msghdr *h, union control *room, int level, int type, const void *value, size_t octets)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)(room->room + h->msg_controllen);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(octets);
    memcpy(CMSG_DATA(c), value, octets);
    h->msg_control = room->room;
    h->msg_controllen += CMSG_SPACE(octets);
}
static void message_make(struct n3_io *io, unsigned m, const struct dp_datagram *d, unsigned at, unsigned run)
{
    struct net_addr to = {.family = d->peer.family, .port = d->peer.port};
    memcpy(to.ip, d->peer.ip, sizeof to.ip);
    struct msghdr *h = &io->tx.msg[m].msg_hdr;
    *h = (struct msghdr){.msg_name = &io->tx.to[m], .msg_iov = &io->tx.iov[at], .msg_iovlen = run};
    h->msg_namelen = sock_from_addr(&io->tx.to[m], &to);
    for (unsigned i = 0; i < run; i++)
        io->tx.iov[at + i] = (struct iovec){d[i].p, d[i].n};
    uint16_t size = (uint16_t)d->n;
    int marking = d->peer.dscp << 2;
    bool v6 = d->peer.family == 6;
    if (run > 1)
        control_add(h, &io->tx.control[m], SOL_UDP, UDP_SEGMENT, &size, sizeof size);
    if (marking)
        control_add(h, &io->tx.control[m], v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &marking, sizeof marking);
}

/* The error that an ICMP message earned is reported once. False: segmentation is not to be had here. */
static bool messages_send(int fd, struct mmsghdr *m, unsigned n, unsigned *sent)
{
    unsigned refused = 0;
    for (*sent = 0; *sent < n;) {
        int k = sendmmsg(fd, m + *sent, n - *sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (k > 0) {
            *sent += (unsigned)k;
            continue;
        }
        if (errno == EINTR || (errno == ECONNREFUSED && refused++ < 4))
            continue;
        if ((errno == EIO || errno == EINVAL || errno == ENOTSUP || errno == EMSGSIZE) && m[*sent].msg_hdr.msg_iovlen > 1)
            return false;
        ++*sent;
    }
    return true;
}

void n3_send(struct n3_io *io, int fd, const struct dp_datagram *d, unsigned n)
{
    for (unsigned done = 0; done < n;) {
        unsigned m = 0, at = 0, first[DP_BATCH];
        while (done + at < n) {
            unsigned run = run_of(io, d + done + at, n - done - at);
            first[m] = at;
            message_make(io, m++, d + done + at, at, run);
            at += run;
        }
        unsigned sent;
        if (messages_send(fd, io->tx.msg, m, &sent))
            return;
        io->no_gso = true; /* from here on, and for good, one by one */
        done += first[sent];
    }
}
