/* SPDX-License-Identifier: Apache-2.0 */
/* n6_tun.h - packets of TUN interfaces in batches. With segmentation offload the kernel hands over packets that stand for
 * many, which are cut here, and takes packets of one flow as one: one call and one way through its stack instead of
 * dozens. Whoever uses this sees only packets as they are on the wire. For one thread. */
#pragma once
#include "dp/dp.h"

enum { N6_TURN = 256 /* packets of one interface before others have their turn */ };
struct n6_tun { /* an interface made with tun_spec.offload */
    int fd; /* -1: none */
    bool joins, joins_udp; /* what it takes */
};
/* Asks the kernel for what it has; without it packets come and go one by one. */
void n6_tun_start(struct n6_tun *t, int fd);

struct n6_io; /* memory for the packets of one thread, whatever their interface */
struct n6_io *n6_io_new(uint32_t packet_max); /* NULL: no memory */
void n6_io_free(struct n6_io *);
/* Packets that wait, some N6_TURN of them, with DP_HEADROOM before each. */
void n6_read(struct n6_io *, const struct n6_tun *, void (*packets)(void *ctx, const struct dp_packet *, unsigned n),
             void *ctx);
/* At most DP_BATCH; what the host's queue has no room for is lost, as on any link. */
void n6_write(struct n6_io *, struct n6_tun *, const struct dp_packet *, unsigned n);
