/* SPDX-License-Identifier: Apache-2.0 */
/* addr.h - an IP address with a port: what sockets, PFCP, GTP-U and NGAP transport addresses name. */
#pragma once
#include "base/bytes.h"

struct net_addr {
    uint8_t family; /* 0 none, 4, 6 */
    uint16_t port;  /* host order; 0 where none is meant */
    uint8_t ip[16]; /* network order; the first 4 for IPv4 */
};
enum { NET_ADDR_TEXT = 64 };

static inline bool addr_eq(const struct net_addr *a, const struct net_addr *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}
static inline bool addr_same_host(const struct net_addr *a, const struct net_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}
static inline struct net_addr addr_v4(uint32_t host_order, uint16_t port)
{
    struct net_addr a = {.family = 4, .port = port};
    put_be32(a.ip, host_order);
    return a;
}
/* "10.0.0.1", "10.0.0.1:38412", "2001:db8::1", "[2001:db8::1]:2152"; false when it is none of them. */
bool addr_parse(struct net_addr *a, struct str text, uint16_t default_port);
/* Writes such a text; the port only when it is not 0. Returns buf. */
const char *addr_text(const struct net_addr *a, char buf[NET_ADDR_TEXT]);
const char *addr_host_text(const struct net_addr *a, char buf[NET_ADDR_TEXT]); /* without the port */
