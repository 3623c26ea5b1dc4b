/* SPDX-License-Identifier: Apache-2.0 */
#include "os/n6_tun.h"
#include "dp/segment.h"
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#ifndef TUN_F_USO4 /* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

_Static_assert(sizeof(struct segment_header) == sizeof(struct virtio_net_hdr), "the layout is the kernel's");
_Static_assert(SEGMENT_TCP4 == VIRTIO_NET_HDR_GSO_TCPV4 && SEGMENT_TCP6 == VIRTIO_NET_HDR_GSO_TCPV6, "");
enum { SLOTS = 64, LONG_MAX = 65536 };
struct n6_io {
    uint32_t stride, room; /* octets of a slot, and of its packet */
    unsigned n;            /* packets in slots */
    struct dp_packet packet[SLOTS];
    struct join join;
    struct iovec iov[DP_BATCH + 1];
    uint8_t *slots;
    uint8_t many[DP_HEADROOM + LONG_MAX]; /* a packet that is cut, or that is longer than a slot */
};

void n6_tun_start(struct n6_tun *t, int fd)
{
    unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, size = sizeof(struct segment_header);
    *t = (struct n6_tun){.fd = fd};
    if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
        return;
    t->joins_udp = ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
    t->joins = t->joins_udp || ioctl(fd, TUNSETOFFLOAD, tcp) == 0;
}

struct n6_io *n6_io_new(uint32_t packet_max)
{
    struct n6_io *io = malloc(sizeof *io);
    if (!io)
        return NULL;
    io->n = 0;
    io->room = packet_max;
    /* not a multiple of 4096, so that the slots do not share cache sets */
    io->stride = (packet_max + DP_HEADROOM + 63) / 64 * 64 + 64;
    io->slots = malloc((size_t)SLOTS * io->stride);
    if (io->slots)
        return io;
    free(io);
    return NULL;
}
void n6_io_free(struct n6_io *io)
{
    if (io)
        free(io->slots);
    free(io);
}

static uint8_t *slot(const struct n6_io *io, unsigned i)
{
    return io->slots + (size_t)i * io->stride + DP_HEADROOM;
}

struct reading {
    struct n6_io *io;
    void (*packets)(void *ctx, const struct dp_packet *, unsigned n);
    void *ctx;
    unsigned total;
};
static void packets_give(struct reading *r)
{
    r->total += r->io->n;
    if (r->io->n)
        r->packets(r->ctx, r->io->packet, r->io->n);
    r->io->n = 0;
}
static void packet_add(struct reading *r, uint8_t *p, uint32_t n)
{
    r->io->packet[r->io->n++] = (struct dp_packet){p, n};
    if (r->io->n == SLOTS)
        packets_give(r);
}

/* A packet of many: those of one that was long leave together, while they are in the cache. */
static void many_add(struct reading *r, const struct segment_header *h, uint8_t *p, uint32_t n)
{
    struct cut c;
    uint32_t k;
    if (!cut_start(&c, h, p, n) || c.head + c.size > r->io->room) {
        packet_add(r, p, 0); /* counted as what it is, malformed */
        return;
    }
    if (r->io->n + (n - c.head) / c.size >= SLOTS)
        packets_give(r);
    while ((k = cut_next(&c, slot(r->io, r->io->n))))
        packet_add(r, slot(r->io, r->io->n), k);
    packets_give(r);
}

/* False: nothing waits. */
static bool packet_read(struct reading *r, int fd)
{
    struct n6_io *io = r->io;
    struct segment_header h;
    uint8_t *p = slot(io, io->n), *all = io->many + DP_HEADROOM;
    struct iovec v[] = {{&h, sizeof h}, {p, io->room}, {all + io->room, LONG_MAX - io->room}};
    ssize_t got = readv(fd, v, ARRAY_LEN(v));
    if (got < 0 && errno == EINTR)
        return true;
    if (got < (ssize_t)sizeof h)
        return false;
    uint32_t n = (uint32_t)got - (uint32_t)sizeof h;
    bool many = h.gso != SEGMENT_NONE, long_one = n > io->room;
    if (many || long_one) {
        memcpy(all, p, long_one ? io->room : n);
        p = all;
    }
    if (many)
        many_add(r, &h, p, n);
    else
        packet_add(r, p, segment_sum(&h, p, n) ? n : 0);
    if (long_one && !many) /* the next one would be put there too */
        packets_give(r);
    return true;
}

void n6_read(struct n6_io *io, const struct n6_tun *t, void (*packets)(void *ctx, const struct dp_packet *, unsigned n),
             void *ctx)
{
    struct reading r = {io, packets, ctx, 0};
    while (r.total + io->n < N6_TURN && packet_read(&r, t->fd))
        ;
    packets_give(&r);
}

/* ---- out ---- */
static ssize_t one_write(int fd, const struct dp_packet *k)
{
    struct segment_header h = {0};
    struct iovec v[] = {{&h, sizeof h}, {k->p, k->n}};
    return writev(fd, v, 2);
}

/* False: the kernel does not take it as one. */
static bool group_write(const struct join *j, struct iovec *v, int fd, const struct join_group *g)
{
    struct segment_header h;
    uint8_t head[SEGMENT_HEADER_MAX];
    int n = 2;
    v[0] = (struct iovec){&h, sizeof h};
    v[1] = (struct iovec){head, join_header(j, g, &h, head)};
    for (unsigned left = g->n, i = g->first; left; left--, i = j->next[i])
        v[n++] = (struct iovec){j->k[i].p + g->head, j->k[i].n - g->head};
    return writev(fd, v, n) >= 0 || (errno != EINVAL && errno != EOPNOTSUPP);
}

void n6_write(struct n6_io *io, struct n6_tun *t, const struct dp_packet *k, unsigned n)
{
    struct join *j = &io->join;
    if (!t->joins || n == 1) {
        for (unsigned i = 0; i < n; i++)
            one_write(t->fd, k + i);
        return;
    }
    join(j, k, n, t->joins_udp);
    for (unsigned i = 0; i < j->groups; i++) {
        const struct join_group *g = &j->group[i];
        if (g->n > 1 && t->joins && group_write(j, io->iov, t->fd, g))
            continue;
        if (g->n > 1)
            t->joins = t->joins_udp = false; /* from here on, and for good, one by one */
        for (unsigned left = g->n, at = g->first; left; left--, at = j->next[at])
            one_write(t->fd, k + at);
    }
}
