/* SPDX-License-Identifier: Apache-2.0 */
/* sock.h - struct net_addr to the kernel's sockaddr and back; inside os/ only. */
#pragma once
#include "base/addr.h"
#include <netinet/in.h>
#include <sys/socket.h>

union sock_addr {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage ss;
};
/* The length, 0 for an address without family. */
static inline socklen_t sock_from_addr(union sock_addr *s, const struct net_addr *a)
{
    memset(s, 0, sizeof *s);
    if (a->family == 4) {
        s->in.sin_family = AF_INET;
        s->in.sin_port = htons(a->port);
        memcpy(&s->in.sin_addr, a->ip, 4);
        return sizeof s->in;
    }
    if (a->family == 6) {
        s->in6.sin6_family = AF_INET6;
        s->in6.sin6_port = htons(a->port);
        memcpy(&s->in6.sin6_addr, a->ip, 16);
        return sizeof s->in6;
    }
    return 0;
}
static inline struct net_addr sock_to_addr(const struct sockaddr *sa)
{
    struct net_addr a = {0};
    const union sock_addr *s = (const union sock_addr *)sa;
    if (sa->sa_family == AF_INET) {
        a.family = 4;
        a.port = ntohs(s->in.sin_port);
        memcpy(a.ip, &s->in.sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        a.family = 6;
        a.port = ntohs(s->in6.sin6_port);
        memcpy(a.ip, &s->in6.sin6_addr, 16);
    }
    return a;
}
static inline bool addr_is_any(const struct net_addr *a)
{
    static const uint8_t zero[16];
    return memcmp(a->ip, zero, a->family == 4 ? 4 : 16) == 0;
}
