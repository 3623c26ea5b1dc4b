/* SPDX-License-Identifier: Apache-2.0 */
/* udp.h - UDP sockets for one loop, v4 and v6: datagrams come in batches, and leave in batches at
 * the end of the turn of the loop in which they were given. */
#pragma once
#include "os/loop.h"
#include "rt/env.h"

enum { UDP_MAX = 65507, UDP_BATCH = 32 };
struct udp;
struct udp_counts {
    uint64_t rx, tx, tx_lost, rx_cut;
};
/* `id` is what the sink is told as the socket's number. ERR_EXISTS: address in use; ERR_NOTFOUND:
 * not an address of this host; ERR_DENIED; ERR_IO. */
int udp_open(struct udp **, struct loop *, const struct net_addr *local, int id,
             const struct udp_sink *);
void udp_free(struct udp *); /* sends what waits */
/* Queued until udp_flush(), which the loop calls; ERR_RANGE: too long or of another family. */
int udp_send(struct udp *, const struct net_addr *to, struct bytes);
void udp_flush(struct udp *);
int udp_local(const struct udp *, struct net_addr *); /* with the port that the kernel chose */
const struct udp_counts *udp_counts(const struct udp *);
int udp_fd(const struct udp *);
