/* SPDX-License-Identifier: Apache-2.0 */
/* n3_socket.h - GTP-U datagrams in batches. Where the kernel has it, datagrams of equal length from one peer are taken as
 * one (UDP_GRO) and given as one (UDP_SEGMENT). For one thread. */
#pragma once
#include "base/addr.h"
#include "dp/dp.h"

/* A socket of the calling thread's namespace; negative: ERR_*, ERR_NOTFOUND if the host does not have the address. */
int n3_socket_open(const struct net_addr *local);

struct n3_io;
struct n3_io *n3_io_new(uint32_t link_mtu); /* NULL: no memory */
void n3_io_free(struct n3_io *);
/* What waits, some hundreds. Before the user's packet of each datagram are DP_HEADROOM octets that may be written, or as
 * many as GTPU_PUSH where it came together with the one before. */
void n3_receive(struct n3_io *, int fd, void (*datagrams)(void *ctx, const struct dp_datagram *, unsigned n), void *ctx);
/* At most DP_BATCH, to peers of the socket's family, in their order. What cannot leave now is lost, as on any link. */
void n3_send(struct n3_io *, int fd, const struct dp_datagram *, unsigned n);
