/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/inner.h"

enum {
    HOP_BY_HOP = 0,
    ICMP = 1,
    TCP = 6,
    UDP = 17,
    ROUTING = 43,
    FRAGMENT = 44,
    ESP = 50,
    AH = 51,
    ICMPV6 = 58,
    NO_NEXT = 59,
    DEST_OPTIONS = 60,
    DCCP = 33,
    SCTP = 132,
    UDP_LITE = 136,
    IPV6_EXTENSIONS_MAX = 8
};

static bool with_ports(uint8_t proto)
{
    return proto == TCP || proto == UDP || proto == SCTP || proto == DCCP || proto == UDP_LITE;
}

/* The first octets of the upper layer, where this packet has them. */
static enum dp_counter l4_read(const uint8_t *p, bool first_of_many, struct inner *in)
{
    const uint8_t *q = p + in->l4;
    uint32_t n = in->n - in->l4;
    if (with_ports(in->proto)) {
        if (n < (in->proto == TCP
                     ? 16u
                     : 8u)) /* RFC 1858 3: the flags of TCP are in the first fragment */
            return first_of_many ? DP_fragment_unsafe : DP_inner_malformed;
        in->has_ports = true;
        in->src_port = be16(q);
        in->dst_port = be16(q + 2);
    } else if (in->proto == ICMP || in->proto == ICMPV6) {
        if (n < 4)
            return DP_inner_malformed;
        in->icmp_type = q[0];
    } else if (in->proto == ESP || in->proto == AH) {
        if (n < 8)
            return DP_inner_malformed;
        in->spi = be32(q + (in->proto == AH ? 4 : 0));
    }
    return (enum dp_counter)INNER_GOOD;
}

static enum dp_counter ipv4_read(const uint8_t *p, uint32_t n, struct inner *in)
{
    uint32_t head = (p[0] & 15) * 4u;
    if (n < 20 || head < 20 || be16(p + 2) < head || be16(p + 2) > n)
        return DP_inner_malformed;
    uint16_t frag = be16(p + 6);
    *in = (struct inner){.family = 4,
                         .proto = p[9],
                         .tos = p[1],
                         .df = frag & 0x4000,
                         .hop_limit = p[8],
                         .n = be16(p + 2),
                         .l4 = head,
                         .src = p + 12,
                         .dst = p + 16};
    uint32_t offset = frag & 0x1fff;
    if (offset) {
        in->later_fragment = true;
        if (offset == 1 && in->proto == TCP) /* RFC 1858 4: would overwrite the flags */
            return DP_fragment_unsafe;
        return offset * 8 + in->n - head > 65535 ? DP_fragment_unsafe : (enum dp_counter)INNER_GOOD;
    }
    return l4_read(p, frag & 0x2000, in);
}

static enum dp_counter ipv6_read(const uint8_t *p, uint32_t n, struct inner *in)
{
    if (n < 40 || 40u + be16(p + 4) > n)
        return DP_inner_malformed;
    *in = (struct inner){.family = 6,
                         .proto = p[6],
                         .tos = (uint8_t)(be16(p) >> 4),
                         .df = true,
                         .hop_limit = p[7],
                         .flow_label = be32(p) & 0xfffff,
                         .n = 40u + be16(p + 4),
                         .l4 = 40,
                         .src = p + 8,
                         .dst = p + 24};
    bool first_of_many = false;
    for (unsigned i = 0;; i++) {
        uint8_t h = in->proto;
        const uint8_t *q = p + in->l4;
        if (h != HOP_BY_HOP && h != ROUTING && h != DEST_OPTIONS && h != FRAGMENT)
            break;
        if (i == IPV6_EXTENSIONS_MAX || in->n - in->l4 < 8 || (h == HOP_BY_HOP && i))
            return DP_inner_malformed;
        uint32_t octets = h == FRAGMENT ? 8u : (q[1] + 1u) * 8;
        if (octets > in->n - in->l4)
            return DP_inner_malformed;
        in->proto = q[0];
        in->l4 += octets;
        if (h != FRAGMENT)
            continue;
        if (be16(q + 2) & 0xfff8) {
            in->later_fragment = true;
            return (be16(q + 2) & 0xfff8u) + in->n - in->l4 > 65535 ? DP_fragment_unsafe
                                                                    : (enum dp_counter)INNER_GOOD;
        }
        first_of_many = q[3] & 1;
    }
    /* a first fragment that ends before its ports, RFC 7112 5 */
    return l4_read(p, first_of_many, in);
}

enum dp_counter inner_read(const uint8_t *p, uint32_t n, struct inner *in)
{
    if (n < 20)
        return DP_inner_malformed;
    if (p[0] >> 4 == 4)
        return ipv4_read(p, n, in);
    return p[0] >> 4 == 6 ? ipv6_read(p, n, in) : DP_inner_malformed;
}

static bool prefix_matches(const struct rule_prefix *f, uint8_t family, const uint8_t *ip)
{
    if (!f->family)
        return true; /* any; "assigned" was checked before any filter is asked */
    if (f->family != family || memcmp(f->ip, ip, f->bits / 8))
        return false;
    unsigned rest = f->bits % 8;
    return !rest || !((f->ip[f->bits / 8] ^ ip[f->bits / 8]) >> (8 - rest));
}

static bool port_matches(const struct rule_ports *r, unsigned n, uint16_t port)
{
    for (unsigned i = 0; i < n; i++)
        if (port >= r[i].first && port <= r[i].last)
            return true;
    return !n;
}

bool sdf_matches(const struct rule_sdf *f, const struct inner *in, bool to_ue)
{
    if (f->has_proto && f->proto != in->proto)
        return false;
    if ((in->tos ^ f->tos) & f->tos_mask)
        return false;
    if (!prefix_matches(&f->remote, in->family, to_ue ? in->src : in->dst) ||
        !prefix_matches(&f->local, in->family, to_ue ? in->dst : in->src))
        return false;
    if (f->has_flow_label && (in->family != 6 || f->flow_label != in->flow_label))
        return false;
    if (in->later_fragment) /* it carries no ports: addresses alone decide */
        return true;
    if (f->has_spi && ((in->proto != ESP && in->proto != AH) || f->spi != in->spi))
        return false;
    if (!f->remote_ports_n && !f->local_ports_n)
        return true;
    return in->has_ports &&
           port_matches(f->remote_ports, f->remote_ports_n, to_ue ? in->src_port : in->dst_port) &&
           port_matches(f->local_ports, f->local_ports_n, to_ue ? in->dst_port : in->src_port);
}

/* Words as the machine has them, four pairs at a time; a lane of 32 bits has room for 65,536 of them. */
static uint32_t words_sum(const uint8_t **p, uint32_t *n)
{
    typedef uint32_t lanes __attribute__((vector_size(16)));
    lanes even = {0}, odd = {0};
    for (; *n >= 16; *p += 16, *n -= 16) {
        lanes v;
        memcpy(&v, *p, sizeof v);
        even += v & 0xffff;
        odd += v >> 16;
    }
    uint64_t sum = 0;
    for (unsigned i = 0; i < 4; i++)
        sum += (uint64_t)even[i] + odd[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

uint16_t inet_sum(const uint8_t *p, uint32_t n, uint32_t sum)
{
    /* the order of octets in a word changes nothing but theirs in the sum, RFC 1071 2 (B) */
    uint16_t words = (uint16_t)words_sum(&p, &n);
    uint8_t octets[2];
    memcpy(octets, &words, sizeof octets);
    sum = (sum & 0xffff) + (sum >> 16) + be16(octets);
    for (; n > 1; p += 2, n -= 2)
        sum += be16(p);
    if (n)
        sum += (uint32_t)p[0] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}
