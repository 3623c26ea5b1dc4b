/* SPDX-License-Identifier: Apache-2.0 */
#include "os/tun.h"
#include "os/file.h"
#include "os/netns.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TUN_PACKET = 65536, TUN_READS = 64 };

struct attach {
    const char *name;
    char given[IFNAMSIZ];
    bool multi_queue, offload;
    const uint8_t *mac; /* of a TAP interface; NULL: TUN */
    int fd;
};
static int do_attach(void *ctx)
{
    struct attach *a = ctx;
    struct ifreq r = {.ifr_flags = (short)((a->mac ? IFF_TAP : IFF_TUN) | IFF_NO_PI | (a->multi_queue ? IFF_MULTI_QUEUE : 0) |
                                           (a->offload ? IFF_VNET_HDR : 0))};
    if (!str_copy(r.ifr_name, sizeof r.ifr_name, str_of(a->name)))
        return ERR_CONFIG;
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENODEV ? ERR_UNSUPPORTED : err_from_errno(errno);
    if (ioctl(fd, TUNSETIFF, &r) < 0) {
        int rc = errno == EBUSY ? ERR_EXISTS : err_from_errno(errno);
        close(fd);
        return rc;
    }
    struct ifreq hw = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};
    if (a->mac)
        memcpy(hw.ifr_hwaddr.sa_data, a->mac, 6);
    if (a->mac && ioctl(fd, SIOCSIFHWADDR, &hw) < 0) {
        int rc = err_from_errno(errno);
        close(fd);
        return rc;
    }
    memcpy(a->given, r.ifr_name, sizeof a->given);
    a->fd = fd;
    return OK;
}

static int do_attach_existing(void *ctx)
{
    struct attach *a = ctx;
    return if_nametoindex(a->name) ? do_attach(ctx) : ERR_NOTFOUND;
}

int tun_create(const struct tun_spec *t, int *fd)
{
    struct attach a = {.name = t->name, .multi_queue = t->multi_queue, .offload = t->offload,
                       .mac = t->is_ethernet ? t->mac : NULL, .fd = -1};
    int rc = netns_run(t->netns, do_attach, &a);
    if (rc < 0)
        return rc;
    /* A phone's address must not wait for duplicate address detection, nor the kernel add one of
     * its own. */
    char path[128];
    snprintf(path, sizeof path, "net/ipv6/conf/%s/addr_gen_mode", a.given);
    netns_sysctl(t->netns, path, t->is_ethernet ? "0" : "1");
    rc = netns_link_up(t->netns, a.given, t->mtu ? t->mtu : 1400);
    if (rc == OK && t->addr4.family)
        rc = netns_address(t->netns, a.given, &t->addr4, t->prefix4 ? t->prefix4 : 32);
    if (rc == OK && t->addr6.family)
        rc = netns_address(t->netns, a.given, &t->addr6, t->prefix6 ? t->prefix6 : 64);
    if (rc == OK && t->default_route && t->addr4.family)
        rc = netns_route(t->netns, &(struct net_addr){.family = 4}, 0, NULL, a.given);
    if (rc == OK && t->default_route && t->addr6.family)
        rc = netns_route(t->netns, &(struct net_addr){.family = 6}, 0, NULL, a.given);
    if (rc < 0) {
        close(a.fd);
        return rc;
    }
    *fd = a.fd;
    return OK;
}

int tun_attach(const char *name, const char *netns, bool offload, int *fd)
{
    struct attach a = {.name = name, .offload = offload, .fd = -1};
    int rc = netns_run(netns, do_attach_existing, &a);
    if (rc == OK)
        *fd = a.fd;
    return rc;
}

int tun_queue(const char *name, const char *netns, int *fd)
{
    struct attach a = {.name = name, .multi_queue = true, .fd = -1};
    int rc = netns_run(netns, do_attach, &a);
    if (rc == OK)
        *fd = a.fd;
    return rc;
}

struct tun {
    struct loop_watch watch;
    struct tun_sink sink;
    int id;
    bool busy, freed;
    uint8_t buf[TUN_PACKET];
};

static void tun_readable(void *ctx, uint32_t events)
{
    struct tun *t = ctx;
    t->busy = true;
    for (int i = 0; i < TUN_READS && !t->freed; i++) {
        ssize_t n = read(t->watch.fd, t->buf, sizeof t->buf);
        if (n <= 0)
            break;
        t->sink.packet(t->sink.ctx, t->id, (struct bytes){t->buf, (uint32_t)n});
    }
    t->busy = false;
    if (t->freed)
        free(t);
}

int tun_open(struct tun **out, struct loop *l, const struct tun_spec *spec, int id,
             const struct tun_sink *sink)
{
    struct tun *t = calloc(1, sizeof *t);
    int fd = -1;
    if (!t)
        return ERR_NOSPACE;
    int rc = tun_create(spec, &fd);
    if (rc == OK)
        rc = loop_watch(l, &t->watch, fd, EPOLLIN, tun_readable, t);
    if (rc < 0) {
        if (fd >= 0)
            close(fd);
        free(t);
        return rc;
    }
    t->sink = *sink;
    t->id = id;
    *out = t;
    return OK;
}

int tun_send(struct tun *t, struct bytes b)
{
    ssize_t n = write(t->watch.fd, b.p, b.n);
    if (n == (ssize_t)b.n)
        return OK;
    return errno == EINVAL ? ERR_SYNTAX : err_from_errno(errno); /* EINVAL: neither v4 nor v6 */
}

void tun_free(struct tun *t)
{
    if (!t)
        return;
    int fd = t->watch.fd;
    loop_unwatch(&t->watch);
    close(fd);
    t->freed = true;
    if (!t->busy)
        free(t);
}
