/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/segment.h"
#include "dp/inner.h"

enum {
    TCP = 6,
    UDP = 17,
    UDP_HEADER = 8,
    TCP_SUM = 16,
    UDP_SUM = 6,
    FIN = 0x01,
    PSH = 0x08,
    ACK = 0x10,
    CWR = 0x80,
    DF = 0x4000,
    GROUP_PACKETS_MAX = 64, /* as many as the kernel's segmentation of UDP makes */
    GROUP_OCTETS_MAX = 65535,
    TABLE = 256,
};

/* ---- checksums ---- */
static uint16_t pseudo_sum(const uint8_t *p, bool ipv4, uint8_t proto, uint32_t n)
{
    return ipv4 ? inet_sum(p + 12, 8, proto + n) : inet_sum(p + 8, 32, proto + n);
}
static void ipv4_sum_set(uint8_t *p, uint32_t head)
{
    put_be16(p + 10, 0);
    put_be16(p + 10, (uint16_t)~inet_sum(p, head, 0));
}
/* 0 says "none" in UDP, and 0xffff is the same number. */
static uint16_t sum_of(uint32_t sum, bool udp)
{
    uint16_t v = (uint16_t)~sum;
    return v || !udp ? v : 0xffff;
}

bool segment_sum(const struct segment_header *h, uint8_t *p, uint32_t n)
{
    uint32_t start = h->sum_start, at = start + h->sum_offset;
    if (!(h->flags & SEGMENT_NEEDS_SUM))
        return true;
    if (start < 20 || at + 2 > n)
        return false;
    put_be16(p + at, sum_of(inet_sum(p + start, n - start, 0), h->sum_offset == UDP_SUM)); /* the pseudo header's is there */
    return true;
}

/* ---- one to many ---- */
bool cut_start(struct cut *c, const struct segment_header *h, const uint8_t *p, uint32_t n)
{
    struct inner in;
    uint8_t kind = h->gso & (uint8_t)~SEGMENT_ECN;
    if (inner_read(p, n, &in) != (enum dp_counter)INNER_GOOD || in.n != n || in.later_fragment)
        return false;
    *c = (struct cut){.p = p, .n = n, .l4 = in.l4, .size = h->size, .ipv4 = in.family == 4, .tcp = in.proto == TCP};
    bool fits = c->tcp ? kind == (c->ipv4 ? SEGMENT_TCP4 : SEGMENT_TCP6) : in.proto == UDP && kind == SEGMENT_UDP;
    if (!fits || (c->ipv4 && be16(p + 6) & 0x3fff) || !(h->flags & SEGMENT_NEEDS_SUM) || h->sum_start != in.l4 ||
        h->sum_offset != (c->tcp ? TCP_SUM : UDP_SUM))
        return false;
    if (n - in.l4 < (c->tcp ? 20 : UDP_HEADER))
        return false;
    uint32_t l4_head = c->tcp ? (p[in.l4 + 12] >> 4) * 4u : UDP_HEADER;
    c->head = c->at = in.l4 + l4_head;
    return l4_head >= UDP_HEADER && (!c->tcp || l4_head >= 20) && c->head < n && c->size;
}

uint32_t cut_next(struct cut *c, uint8_t *to)
{
    uint32_t left = c->n - c->at, take = left < c->size ? left : c->size, n = c->head + take, l4_n = n - c->l4;
    uint32_t before = c->at - c->head;
    if (!take)
        return 0;
    memcpy(to, c->p, c->head);
    memcpy(to + c->head, c->p + c->at, take);
    c->at += take;
    uint8_t *q = to + c->l4;
    if (c->ipv4) {
        put_be16(to + 2, (uint16_t)n);
        put_be16(to + 4, (uint16_t)(be16(to + 4) + before / c->size));
        ipv4_sum_set(to, c->l4);
    } else {
        put_be16(to + 4, (uint16_t)(n - 40));
    }
    if (c->tcp) {
        put_be32(q + 4, be32(q + 4) + before);
        if (before) /* RFC 3168 6.1.2: once */
            q[13] &= (uint8_t)~CWR;
        if (take < left)
            q[13] &= (uint8_t) ~(FIN | PSH);
    } else {
        put_be16(q + 4, (uint16_t)l4_n);
    }
    uint8_t *sum = q + (c->tcp ? TCP_SUM : UDP_SUM);
    put_be16(sum, 0);
    put_be16(sum, sum_of(inet_sum(q, l4_n, pseudo_sum(to, c->ipv4, c->tcp ? TCP : UDP, l4_n)), !c->tcp));
    return n;
}

/* ---- many to one ---- */
struct candidate { /* a packet that may be joined to others of its flow */
    uint16_t l4, head;
    uint32_t n;
    bool ipv4, tcp, flow, last; /* flow: its ports are at l4; last: nothing follows it in its group */
};
static bool candidate_read(const uint8_t *p, uint32_t n, bool udp, struct candidate *c)
{
    *c = (struct candidate){.n = n};
    if (n < 20 + UDP_HEADER)
        return false;
    bool ipv4 = p[0] == 0x45;
    uint8_t proto = ipv4 ? p[9] : p[6];
    c->l4 = ipv4 ? 20 : 40;
    c->ipv4 = ipv4;
    c->tcp = proto == TCP;
    if (ipv4 ? be16(p + 2) != n || be16(p + 6) & ~DF : p[0] >> 4 != 6 || n < 48 || be16(p + 4) + 40u != n)
        return false;
    const uint8_t *q = p + c->l4;
    c->flow = c->tcp || proto == UDP;
    if (!c->tcp) {
        c->head = (uint16_t)(c->l4 + UDP_HEADER);
        return udp && proto == UDP && n > c->head && be16(q + 4) == n - c->l4 && be16(q + 6);
    }
    if (n < c->l4 + 20u)
        return false;
    c->head = (uint16_t)(c->l4 + (q[12] >> 4) * 4);
    c->last = q[13] & PSH;
    return c->head >= c->l4 + 20 && n > c->head && (q[13] & ~PSH) == ACK;
}

static bool sums_right(const uint8_t *p, const struct candidate *c)
{
    uint32_t l4_n = c->n - c->l4;
    if (c->ipv4 && inet_sum(p, c->l4, 0) != 0xffff)
        return false;
    return inet_sum(p + c->l4, l4_n, pseudo_sum(p, c->ipv4, c->tcp ? TCP : UDP, l4_n)) == 0xffff;
}

/* Whether b comes apart from a joined packet that begins with a as it went in. */
static bool headers_agree(const uint8_t *a, const uint8_t *b, const struct candidate *c, uint16_t place)
{
    if (c->ipv4) {
        if (a[1] != b[1] || be16(a + 6) != be16(b + 6) || a[8] != b[8] || memcmp(a + 12, b + 12, 8))
            return false;
        if (be16(b + 4) != (uint16_t)(be16(a + 4) + place))
            return false;
    } else if (memcmp(a, b, 4) || memcmp(a + 7, b + 7, 33)) {
        return false;
    }
    a += c->l4;
    b += c->l4;
    if (memcmp(a, b, 4)) /* ports */
        return false;
    /* acknowledged, length, window, pointer, options */
    return !c->tcp || (!memcmp(a + 8, b + 8, 5) && !memcmp(a + 14, b + 14, 2) &&
                       !memcmp(a + 18, b + 18, (size_t)(c->head - c->l4) - 18));
}

static bool joins(struct join *j, struct join_group *g, const uint8_t *p, const struct candidate *c)
{
    const uint8_t *first = j->k[g->first].p;
    uint32_t payload = c->n - c->head;
    if (!g->open || g->l4 != c->l4 || g->head != c->head || (first[0] ^ p[0]) || first[c->ipv4 ? 9 : 6] != p[c->ipv4 ? 9 : 6])
        return false;
    if (payload > g->size || g->octets + payload > GROUP_OCTETS_MAX || g->n == GROUP_PACKETS_MAX ||
        (c->tcp && be32(p + c->l4 + 4) != g->seq) || !headers_agree(first, p, c, g->n))
        return false;
    if (!g->checked) {
        struct candidate f = *c;
        f.n = j->k[g->first].n;
        g->open = g->checked = sums_right(first, &f);
    }
    return g->checked && sums_right(p, c);
}

static uint8_t flow_cell(const uint8_t *p, const struct candidate *c)
{
    uint32_t ports, ends = be32(p + (c->ipv4 ? 12 : 20)) ^ be32(p + (c->ipv4 ? 16 : 36));
    memcpy(&ports, p + c->l4, 4);
    return (uint8_t)(((ends ^ ports) * 0x9e3779b1u) >> 24);
}

static struct join_group *group_add(struct join *j, uint16_t i)
{
    struct join_group *g = &j->group[j->groups++];
    *g = (struct join_group){.first = i, .last = i, .n = 1};
    return g;
}

static void group_append(struct join *j, struct join_group *g, uint16_t i, const struct candidate *c)
{
    uint32_t payload = c->n - c->head;
    j->next[g->last] = i;
    g->last = i;
    g->n++;
    g->octets += payload;
    g->seq += payload;
    g->open = !c->last && payload == g->size;
}

static void join_one(struct join *j, uint16_t i, uint16_t latest[TABLE], bool udp)
{
    const struct dp_packet *k = &j->k[i];
    struct candidate c;
    bool may = candidate_read(k->p, k->n, udp, &c);
    if (!c.flow) { /* nothing overtakes what we do not know */
        memset(latest, 0, TABLE * sizeof *latest);
        group_add(j, i);
        return;
    }
    uint16_t *at = &latest[flow_cell(k->p, &c)];
    struct join_group *g = may && *at ? &j->group[*at - 1] : NULL;
    if (g && joins(j, g, k->p, &c)) {
        group_append(j, g, i, &c);
        return;
    }
    g = group_add(j, i);
    *at = may ? j->groups : 0;
    if (!may)
        return;
    g->octets = c.n;
    g->head = c.head;
    g->l4 = c.l4;
    g->size = (uint16_t)(c.n - c.head);
    g->seq = be32(k->p + c.l4 + 4) + g->size;
    g->open = !c.last;
}

void join(struct join *j, const struct dp_packet *k, unsigned n, bool udp)
{
    uint16_t latest[TABLE] = {0}; /* 1 + the last group of the flows in this cell */
    j->k = k;
    j->groups = 0;
    for (uint16_t i = 0; i < n; i++)
        join_one(j, i, latest, udp);
}

uint32_t join_header(const struct join *j, const struct join_group *g, struct segment_header *h,
                     uint8_t to[SEGMENT_HEADER_MAX])
{
    memcpy(to, j->k[g->first].p, g->head);
    uint8_t *q = to + g->l4;
    bool ipv4 = to[0] >> 4 == 4, tcp = to[ipv4 ? 9 : 6] == TCP;
    uint32_t l4_n = g->octets - g->l4;
    if (ipv4) {
        put_be16(to + 2, (uint16_t)g->octets);
        ipv4_sum_set(to, g->l4);
    } else {
        put_be16(to + 4, (uint16_t)(g->octets - 40));
    }
    if (tcp)
        q[13] |= j->k[g->last].p[g->l4 + 13] & PSH;
    else
        put_be16(q + 4, (uint16_t)l4_n);
    put_be16(q + (tcp ? TCP_SUM : UDP_SUM), pseudo_sum(to, ipv4, tcp ? TCP : UDP, l4_n));
    *h = (struct segment_header){.flags = SEGMENT_NEEDS_SUM, .header_n = g->head, .size = g->size, .sum_start = g->l4,
                                 .gso = !tcp ? SEGMENT_UDP : ipv4 ? SEGMENT_TCP4 : SEGMENT_TCP6,
                                 .sum_offset = tcp ? TCP_SUM : UDP_SUM};
    return g->head;
}
