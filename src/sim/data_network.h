/* SPDX-License-Identifier: Apache-2.0 */
/* data_network.h - a data network behind an interface of a simulated host: any address answers ICMP
 * echo (v4 and v6) and UDP echo (port 7); what else comes is counted, and shown to the test. */
#pragma once
#include "sim/world.h"

struct data_network {
    uint64_t packets, octets, answered;
    bool silent; /* answers nothing */
    /* Each packet that arrives, before the answer; may be NULL. */
    void (*seen)(void *ctx, int tun, struct bytes packet);
    void *ctx;
};
/* Behind the interface `name` of the host (NULL: all), across a link. The struct belongs to the
 * caller and outlives the world. */
int data_network_start(struct data_network *, struct world *, struct env *host, const char *name);
/* The answer to a packet that asks for one, in `to` of cap octets: its length, or 0. For
 * applications of a test that answer too. */
uint32_t echo_answer(struct bytes packet, uint8_t *to, uint32_t cap);
/* An ICMP or ICMPv6 echo request of n octets of data (the family is src's): its length, or 0. */
uint32_t echo_request(const struct net_addr *src, const struct net_addr *dst, uint16_t id,
                      uint16_t sequence, uint32_t n, uint8_t *to, uint32_t cap);
