/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/data_network.h"
#include "base/err.h"

enum { ICMP = 1, UDP = 17, ICMPV6 = 58, ECHO_PORT = 7, PACKET_MAX = 65536 };

static uint16_t sum_of(const uint8_t *p, uint32_t n, uint32_t sum) /* RFC 1071 */
{
    for (; n > 1; p += 2, n -= 2)
        sum += be16(p);
    if (n)
        sum += (uint32_t)p[0] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The sum of the pseudo header (RFC 8200 8.1, RFC 768) and the upper layer. */
static uint16_t upper_sum(const uint8_t *ip, uint32_t head, uint32_t n, uint8_t proto)
{
    bool v6 = ip[0] >> 4 == 6;
    uint32_t sum = (n - head) + proto;
    uint16_t addresses = (uint16_t)~sum_of(ip + (v6 ? 8 : 12), v6 ? 32 : 8, 0);
    return sum_of(ip + head, n - head, sum + addresses);
}

static void ipv4_finish(uint8_t *p)
{
    put_be16(p + 10, 0);
    put_be16(p + 10, sum_of(p, (p[0] & 15) * 4u, 0));
}

static void addresses_swap(uint8_t *p, uint32_t n)
{
    uint8_t keep[16];
    memcpy(keep, p, n);
    memcpy(p, p + n, n);
    memcpy(p + n, keep, n);
}

/* Turns the upper layer round; false when it asks for nothing. */
static bool upper_answer(uint8_t *ip, uint32_t head, uint32_t n, uint8_t proto)
{
    uint8_t *q = ip + head;
    if (n - head < 8)
        return false;
    if (proto == ICMP && q[0] == 8) {
        q[0] = 0;
        put_be16(q + 2, 0);
        put_be16(q + 2, sum_of(q, n - head, 0));
        return true;
    }
    if (proto == ICMPV6 && q[0] == 128) {
        q[0] = 129;
        put_be16(q + 2, 0);
        put_be16(q + 2, upper_sum(ip, head, n, ICMPV6));
        return true;
    }
    if (proto == UDP && be16(q + 2) == ECHO_PORT) { /* its checksum stays right: a sum has no order */
        addresses_swap(q, 2);
        return true;
    }
    return false;
}

uint32_t echo_answer(struct bytes packet, uint8_t *to, uint32_t cap)
{
    if (packet.n < 20 || packet.n > cap)
        return 0;
    memcpy(to, packet.p, packet.n);
    if (to[0] >> 4 == 4) {
        uint32_t head = (to[0] & 15) * 4u, n = be16(to + 2);
        if (head < 20 || n < head || n > packet.n || be16(to + 6) & 0x3fff)
            return 0;
        addresses_swap(to + 12, 4);
        to[8] = 64;
        ipv4_finish(to);
        return upper_answer(to, head, n, to[9]) ? n : 0;
    }
    uint32_t n = packet.n < 40 ? UINT32_MAX : 40u + be16(to + 4);
    if (to[0] >> 4 != 6 || n > packet.n)
        return 0;
    addresses_swap(to + 8, 16);
    to[7] = 64;
    return upper_answer(to, 40, n, to[6]) ? n : 0;
}

uint32_t echo_request(const struct net_addr *src, const struct net_addr *dst, uint16_t id,
                      uint16_t sequence, uint32_t n, uint8_t *to, uint32_t cap)
{
    bool v6 = src->family == 6;
    uint32_t head = v6 ? 40 : 20, all = head + 8 + n;
    if (src->family != dst->family || all > cap || all > 65535)
        return 0;
    memset(to, 0, all);
    to[0] = v6 ? 0x60 : 0x45;
    put_be16(to + (v6 ? 4 : 2), (uint16_t)(v6 ? all - 40 : all));
    to[v6 ? 6 : 9] = v6 ? ICMPV6 : ICMP;
    to[v6 ? 7 : 8] = 64;
    memcpy(to + (v6 ? 8 : 12), src->ip, v6 ? 16 : 4);
    memcpy(to + (v6 ? 24 : 16), dst->ip, v6 ? 16 : 4);
    if (!v6)
        ipv4_finish(to);
    uint8_t *q = to + head;
    q[0] = v6 ? 128 : 8;
    put_be16(q + 4, id);
    put_be16(q + 6, sequence);
    for (uint32_t i = 0; i < n; i++)
        q[8 + i] = (uint8_t)i;
    put_be16(q + 2, v6 ? upper_sum(to, head, all, ICMPV6) : sum_of(q, 8 + n, 0));
    return all;
}

static void arrived(void *ctx, struct world *w, int tun, struct bytes packet)
{
    struct data_network *d = ctx;
    __attribute__((uninitialized)) uint8_t answer[PACKET_MAX]; /* 64 KB that would be zeroed for each packet */
    d->packets++;
    d->octets += packet.n;
    if (d->seen)
        d->seen(d->ctx, tun, packet);
    uint32_t n = d->silent ? 0 : echo_answer(packet, answer, sizeof answer);
    if (n && world_inject(w, tun, (struct bytes){answer, n}) == OK)
        d->answered++;
}

int data_network_start(struct data_network *d, struct world *w, struct env *host, const char *name)
{
    return world_app(w, host, name, true, arrived, d);
}
