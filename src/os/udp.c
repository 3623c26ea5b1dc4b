/* SPDX-License-Identifier: Apache-2.0 */
#include "os/udp.h"
#include "os/file.h"
#include "os/sock.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { RX_OCTETS = 65536, TX_OCTETS = 256 * 1024, SOCKET_BUFFER = 4 << 20 };
struct udp {
    struct loop *loop;
    struct loop_watch watch;
    struct loop_flush flush;
    const struct udp_sink *sink;
    struct udp_sink sink_copy;
    struct udp_counts counts;
    int fd, id;
    uint8_t family;
    bool freed; /* by the sink, while it is being called */
    bool busy;
    uint32_t n_tx, tx_used;
    struct mmsghdr rx[UDP_BATCH], tx[UDP_BATCH];
    struct iovec rx_iov[UDP_BATCH], tx_iov[UDP_BATCH];
    union sock_addr rx_from[UDP_BATCH], tx_to[UDP_BATCH];
    uint8_t *rx_buf; /* UDP_BATCH of RX_OCTETS; pages are touched when datagrams are that long */
    uint8_t tx_buf[TX_OCTETS];
};

static void udp_destroy(struct udp *u)
{
    free(u->rx_buf);
    free(u);
}

static void udp_readable(void *ctx, uint32_t events)
{
    struct udp *u = ctx;
    /* A few rounds only, so that other descriptors have their turn; epoll tells again. */
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < UDP_BATCH; i++)
            u->rx[i].msg_hdr.msg_namelen = sizeof u->rx_from[i];
        int n = recvmmsg(u->fd, u->rx, UDP_BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            return; /* EAGAIN, or an ICMP error that concerns one peer: its timers see to it */
        u->busy = true;
        for (int i = 0; i < n && !u->freed; i++) {
            if (u->rx[i].msg_hdr.msg_flags & MSG_TRUNC) {
                u->counts.rx_cut++;
                continue;
            }
            u->counts.rx++;
            struct net_addr from = sock_to_addr(&u->rx_from[i].sa);
            u->sink->datagram(u->sink->ctx, u->id, &from,
                              (struct bytes){u->rx_iov[i].iov_base, u->rx[i].msg_len});
        }
        u->busy = false;
        if (u->freed) {
            udp_destroy(u);
            return;
        }
        if (n < UDP_BATCH)
            return;
    }
}

static void udp_flush_due(void *ctx)
{
    udp_flush(ctx);
}

static int udp_socket(const struct net_addr *local, int *out)
{
    union sock_addr s;
    socklen_t len = sock_from_addr(&s, local);
    if (!len)
        return ERR_RANGE;
    int fd = socket(s.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    int size = SOCKET_BUFFER, on = 1;
    /* Beyond rmem_max only with CAP_NET_ADMIN; what we get without is enough to start with. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (local->family == 6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, &s.sa, len) < 0) {
        int rc = err_from_errno(errno);
        close(fd);
        return rc;
    }
    *out = fd;
    return OK;
}

int udp_open(struct udp **out, struct loop *loop, const struct net_addr *local, int id,
             const struct udp_sink *sink)
{
    struct udp *u = calloc(1, sizeof *u);
    if (!u || !(u->rx_buf = malloc((size_t)UDP_BATCH * RX_OCTETS))) {
        free(u);
        return ERR_NOSPACE;
    }
    int rc = udp_socket(local, &u->fd);
    if (rc < 0) {
        udp_destroy(u);
        return rc;
    }
    u->loop = loop;
    u->sink_copy = *sink;
    u->sink = &u->sink_copy;
    u->id = id;
    u->family = local->family;
    u->flush = (struct loop_flush){.fn = udp_flush_due, .ctx = u};
    for (int i = 0; i < UDP_BATCH; i++) {
        u->rx_iov[i] = (struct iovec){u->rx_buf + (size_t)i * RX_OCTETS, RX_OCTETS};
        u->rx[i].msg_hdr =
            (struct msghdr){.msg_name = &u->rx_from[i], .msg_iov = &u->rx_iov[i], .msg_iovlen = 1};
        u->tx[i].msg_hdr =
            (struct msghdr){.msg_name = &u->tx_to[i], .msg_iov = &u->tx_iov[i], .msg_iovlen = 1};
    }
    rc = loop_watch(loop, &u->watch, u->fd, EPOLLIN, udp_readable, u);
    if (rc < 0) {
        close(u->fd);
        udp_destroy(u);
        return rc;
    }
    *out = u;
    return OK;
}

void udp_free(struct udp *u)
{
    if (!u)
        return;
    udp_flush(u);
    loop_unwatch(&u->watch);
    close(u->fd);
    u->freed = true;
    if (!u->busy)
        udp_destroy(u);
}

void udp_flush(struct udp *u)
{
    uint32_t at = 0;
    if (!u->n_tx)
        return;
    loop_flush_cancel(&u->flush);
    while (at < u->n_tx) {
        int n = sendmmsg(u->fd, u->tx + at, u->n_tx - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        /* UDP promises nothing: one that cannot leave now is lost, and its sender's timer sends it
         * again. An error that an earlier datagram earned (ICMP) is reported here once; the
         * datagram is tried again. */
        if (n < 0 && errno == ECONNREFUSED)
            continue;
        if (n <= 0) {
            u->counts.tx_lost++;
            at++;
            continue;
        }
        u->counts.tx += (uint64_t)n;
        at += (uint32_t)n;
    }
    u->n_tx = u->tx_used = 0;
}

int udp_send(struct udp *u, const struct net_addr *to, struct bytes b)
{
    if (b.n > UDP_MAX || to->family != u->family)
        return ERR_RANGE;
    if (u->n_tx == UDP_BATCH || u->tx_used + b.n > TX_OCTETS)
        udp_flush(u);
    loop_flush_soon(u->loop, &u->flush);
    uint32_t i = u->n_tx++;
    memcpy(u->tx_buf + u->tx_used, b.p, b.n);
    u->tx_iov[i] = (struct iovec){u->tx_buf + u->tx_used, b.n};
    u->tx_used += b.n;
    u->tx[i].msg_hdr.msg_namelen = sock_from_addr(&u->tx_to[i], to);
    return OK;
}

int udp_local(const struct udp *u, struct net_addr *a)
{
    union sock_addr s;
    socklen_t len = sizeof s;
    if (getsockname(u->fd, &s.sa, &len) < 0)
        return ERR_IO;
    *a = sock_to_addr(&s.sa);
    return OK;
}
const struct udp_counts *udp_counts(const struct udp *u)
{
    return &u->counts;
}
int udp_fd(const struct udp *u)
{
    return u->fd;
}
