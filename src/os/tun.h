/* SPDX-License-Identifier: Apache-2.0 */
/* tun.h - TUN and TAP interfaces: IP packets or Ethernet frames, without a header of their own (IFF_NO_PI) unless it is asked for. */
#pragma once
#include "os/loop.h"
#include "rt/env.h"

struct tun_spec {
    const char *name;             /* at most 15 octets; may hold one %d */
    const char *netns;            /* name of a network namespace, NULL: this one */
    struct net_addr addr4, addr6; /* family 0: none */
    uint8_t prefix4, prefix6;     /* 0: 32 and 64 */
    uint16_t mtu;                 /* 0: 1400 */
    bool default_route;           /* of that namespace, through this interface */
    bool multi_queue;
    bool is_ethernet; /* TAP, with this address and a link-local IPv6 address of the kernel's */
    uint8_t mac[6];
    bool offload; /* each packet has a struct virtio_net_hdr before it: for os/n6_tun.h */
};
/* The descriptor is non-blocking and stays usable from this namespace. It must be closed by the
 * caller, which deletes the interface. ERR_DENIED, ERR_NOTFOUND (namespace), ERR_EXISTS,
 * ERR_CONFIG, ERR_UNSUPPORTED (no TUN). */
int tun_create(const struct tun_spec *, int *fd);
/* The descriptor of one that exists already and is nobody's; it stays when the descriptor is closed.
 */
int tun_attach(const char *name, const char *netns, bool offload, int *fd);
/* One more queue of an interface that was made with multi_queue. */
int tun_queue(const char *name, const char *netns, int *fd);

/* In a loop. */
struct tun;
int tun_open(struct tun **, struct loop *, const struct tun_spec *, int id,
             const struct tun_sink *);
int tun_send(struct tun *,
             struct bytes); /* ERR_FULL: the host's queue is full; the packet is dropped */
void tun_free(struct tun *);
