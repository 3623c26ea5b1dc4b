/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of segmentation offload: what is joined comes apart as it went in, octet by octet, whatever flows there are and
 * in whatever order; each field of what is cut; what does not fit is refused, and what would not come apart is not joined. */
#include "tests/test.h"
#include "dp/inner.h"
#include "dp/segment.h"
#include "tests/dp/net.h"
#include <stdlib.h>

enum { PACKET_MAX = 1500, FLOWS = 6, SEEDS = 3000, TCP = 6, UDP = 17, FIN = 1, SYN = 2, PSH = 8, ACK = 16, CWR = 128 };
struct flow {
    bool ipv4, tcp;
    uint8_t options;
    uint16_t id, payload;
    uint32_t seq, ack;
};
struct batch {
    uint8_t octets[DP_BATCH][PACKET_MAX];
    struct dp_packet k[DP_BATCH];
    unsigned n;
};

static void sums_set(uint8_t *p, uint32_t n)
{
    bool v4 = p[0] >> 4 == 4;
    uint32_t l4 = v4 ? 20 : 40, proto = v4 ? p[9] : p[6];
    uint8_t *sum = p + l4 + (proto == TCP ? 16 : 6);
    if (v4) {
        put_be16(p + 10, 0);
        put_be16(p + 10, (uint16_t)~inet_sum(p, 20, 0));
    }
    put_be16(sum, 0);
    uint16_t pseudo = v4 ? inet_sum(p + 12, 8, proto + n - l4) : inet_sum(p + 8, 32, proto + n - l4);
    uint16_t v = (uint16_t)~inet_sum(p + l4, n - l4, pseudo);
    put_be16(sum, v || proto == TCP ? v : 0xffff);
}

/* The flow's next packet with so much payload. */
static uint32_t packet_make(struct flow *f, uint8_t *p, uint32_t payload, uint8_t flags, uint64_t *rng)
{
    uint32_t l4 = f->ipv4 ? 20 : 40, head = l4 + (f->tcp ? 20u + f->options : 8u), n = head + payload;
    memset(p, 0, head);
    for (uint32_t i = head; i < n; i++)
        p[i] = (uint8_t)net_random(rng, 256);
    p[0] = f->ipv4 ? 0x45 : 0x60;
    if (f->ipv4) {
        put_be16(p + 2, (uint16_t)n);
        put_be16(p + 4, f->id++);
        p[6] = 0x40;
        p[8] = 64;
        p[9] = f->tcp ? TCP : UDP;
        memcpy(p + 12, (uint8_t[]){10, 45, 0, 2, 198, 51, 100, 1}, 8);
    } else {
        put_be16(p + 4, (uint16_t)(n - 40));
        p[6] = f->tcp ? TCP : UDP;
        p[7] = 64;
        p[8] = p[24] = 0xfd;
        p[39] = 1;
    }
    uint8_t *q = p + l4;
    put_be16(q, (uint16_t)(4000 + f->payload));
    put_be16(q + 2, 443);
    if (f->tcp) {
        put_be32(q + 4, f->seq);
        put_be32(q + 8, f->ack);
        q[12] = (uint8_t)((20 + f->options) / 4 << 4);
        q[13] = (uint8_t)(ACK | flags);
        put_be16(q + 14, 512);
        memset(q + 20, 1, f->options);
        f->seq += payload;
    } else {
        put_be16(q + 4, (uint16_t)(n - l4));
    }
    sums_set(p, n);
    return n;
}

/* What the kernel would get for a group, and what it would make of it. */
static void group_comes_apart(const struct join *j, const struct join_group *g)
{
    static uint8_t whole[SEGMENT_HEADER_MAX + 65536], to[PACKET_MAX];
    struct segment_header h;
    struct cut c;
    uint32_t n = join_header(j, g, &h, whole), k;
    assert_int_equal(n, g->head);
    for (unsigned left = g->n, i = g->first; left; left--, i = j->next[i]) {
        memcpy(whole + n, j->k[i].p + g->head, j->k[i].n - g->head);
        n += j->k[i].n - g->head;
    }
    assert_true(n == g->octets && n <= 65535);
    assert_true(cut_start(&c, &h, whole, n));
    for (unsigned left = g->n, i = g->first; left; left--, i = j->next[i]) {
        k = cut_next(&c, to);
        assert_int_equal(k, j->k[i].n);
        assert_memory_equal(to, j->k[i].p, k);
    }
    assert_int_equal(cut_next(&c, to), 0);
}

/* Each packet once, a flow's in its order; octets of the batch stay. Packets in groups of more than one. */
static unsigned batch_check(const struct batch *b, bool udp)
{
    struct join *j = malloc(sizeof *j);
    bool seen[DP_BATCH] = {false};
    unsigned all = 0, joined = 0;
    struct {
        uint32_t ports;
        unsigned last;
    } flow[FLOWS + 1] = {{0}};
    assert_non_null(j);
    join(j, b->k, b->n, udp);
    for (unsigned i = 0; i < j->groups; i++) {
        const struct join_group *g = &j->group[i];
        unsigned at = g->first;
        for (unsigned left = g->n; left; left--, all++) {
            const uint8_t *p = b->k[at].p;
            uint32_t ports = be32(p + (p[0] >> 4 == 4 ? 20 : 40));
            unsigned f = 0;
            assert_true(at < b->n && !seen[at]);
            seen[at] = true;
            while (flow[f].ports && flow[f].ports != ports)
                f++;
            assert_true(!flow[f].ports || flow[f].last < at);
            flow[f].ports = ports;
            flow[f].last = at;
            at = left > 1 ? j->next[at] : at;
        }
        assert_int_equal(at, g->last);
        if (g->n > 1) {
            joined += g->n;
            group_comes_apart(j, g);
        }
    }
    assert_int_equal(all, b->n);
    free(j);
    return joined;
}

/* One field of a packet is not what its flow would make one expect. */
static void disturb(uint8_t *p, uint32_t n, uint64_t *rng)
{
    bool v4 = p[0] >> 4 == 4;
    uint32_t l4 = v4 ? 20 : 40;
    switch (net_random(rng, 8)) {
    case 0: p[n - 1] ^= 1; return; /* and its checksum is wrong */
    case 1: p[v4 ? 8 : 7]--; break;
    case 2: p[1] ^= 0x10; break; /* class, flow label */
    case 3: p[l4 + 13] |= (uint8_t)(1u << net_random(rng, 8)); break;
    case 4: p[l4 + 7] ^= 4; break;
    case 5: p[v4 ? 4 : l4 + 8] ^= 1; break;
    case 6: p[l4 + 14] ^= 1; break;
    case 7: p[v4 ? 6 : 2] ^= v4 ? 0x20 : 1; break; /* a fragment, flow label */
    }
    sums_set(p, n);
}

static void joined_comes_apart(void **state)
{
    static struct batch b;
    unsigned packets = 0, joined = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t rng = seed * 0x9e3779b97f4a7c15ull;
        struct flow flow[FLOWS];
        unsigned flows = 1 + net_random(&rng, FLOWS);
        for (unsigned i = 0; i < FLOWS; i++)
            flow[i] = (struct flow){.ipv4 = net_random(&rng, 3), .tcp = net_random(&rng, 3), .options = (uint8_t)(net_random(&rng, 4) * 4),
                                    .id = (uint16_t)net_random(&rng, 65536), .seq = net_random(&rng, 4) ? 7 : 0xfffffff0,
                                    .payload = (uint16_t)(i * 200 + 100)};
        b.n = 2 + net_random(&rng, DP_BATCH - 1);
        for (unsigned i = 0; i < b.n; i++) {
            struct flow *f = &flow[net_random(&rng, flows)];
            uint32_t payload = net_random(&rng, 20) ? f->payload : net_random(&rng, f->payload + 20u);
            uint32_t n = packet_make(f, b.octets[i], payload, net_random(&rng, 15) ? 0 : PSH, &rng);
            if (!net_random(&rng, 25))
                disturb(b.octets[i], n, &rng);
            b.k[i] = (struct dp_packet){b.octets[i], n};
        }
        packets += b.n;
        joined += batch_check(&b, seed % 5);
    }
    assert_true(joined > packets / 2);
}

static void what_differs_is_not_joined(void **state)
{
    static struct batch b;
    uint64_t rng = 99;
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        struct flow f = {.ipv4 = i & 1, .tcp = true, .payload = 200, .options = 12};
        b.n = 3;
        for (unsigned k = 0; k < 3; k++)
            b.k[k] = (struct dp_packet){b.octets[k], packet_make(&f, b.octets[k], 200, 0, &rng)};
        assert_int_equal(batch_check(&b, true), 3);
        uint8_t before[PACKET_MAX];
        memcpy(before, b.octets[1], sizeof before);
        disturb(b.octets[1], b.k[1].n, &rng);
        if (memcmp(before, b.octets[1], b.k[1].n) == 0)
            continue; /* the flag was set before */
        unsigned joined = batch_check(&b, true);
        /* a push ends its group and is part of it */
        bool pushed = b.octets[1][(i & 1 ? 20 : 40) + 13] & PSH;
        assert_int_equal(joined, pushed ? 2 : 0);
    }
    /* a longer one, UDP where it is not taken, UDP without checksum */
    struct flow f = {.ipv4 = true, .tcp = true, .payload = 200};
    b.n = 2;
    b.k[0].n = packet_make(&f, b.octets[0], 200, 0, &rng);
    b.k[1].n = packet_make(&f, b.octets[1], 201, 0, &rng);
    assert_int_equal(batch_check(&b, true), 0);
    f.tcp = false;
    b.k[0].n = packet_make(&f, b.octets[0], 200, 0, &rng);
    b.k[1].n = packet_make(&f, b.octets[1], 100, 0, &rng);
    assert_int_equal(batch_check(&b, false), 0);
    assert_int_equal(batch_check(&b, true), 2);
    put_be16(b.octets[1] + 26, 0);
    assert_int_equal(batch_check(&b, true), 0);
}

/* A packet of 2,000 octets of payload, as TUN hands it over. */
static uint32_t whole_make(uint8_t *p, bool ipv4, bool tcp, struct segment_header *h)
{
    uint64_t rng = 5;
    struct flow f = {.ipv4 = ipv4, .tcp = tcp, .id = 0xffff, .seq = 0xffffff00, .payload = 100};
    static uint8_t room[4096];
    uint32_t n = packet_make(&f, room, 2000, tcp ? FIN | PSH | CWR : 0, &rng), l4 = ipv4 ? 20 : 40;
    memcpy(p, room, n);
    *h = (struct segment_header){.flags = SEGMENT_NEEDS_SUM, .header_n = (uint16_t)(l4 + (tcp ? 20 : 8)), .size = 700,
                                 .gso = !tcp ? SEGMENT_UDP : ipv4 ? SEGMENT_TCP4 | SEGMENT_ECN : SEGMENT_TCP6,
                                 .sum_start = (uint16_t)l4, .sum_offset = tcp ? 16 : 6};
    return n;
}

static void each_field_of_a_cut(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        bool v4 = kind & 1, tcp = kind & 2;
        uint8_t p[4096], to[1500], copy[1500];
        struct segment_header h;
        struct cut c;
        uint32_t n = whole_make(p, v4, tcp, &h), l4 = v4 ? 20 : 40, head = h.header_n;
        assert_true(cut_start(&c, &h, p, n));
        for (uint32_t i = 0; i < 3; i++) {
            uint32_t payload = i < 2 ? 700 : 600, k = cut_next(&c, to);
            assert_int_equal(k, head + payload);
            assert_memory_equal(to + head, p + head + i * 700, payload);
            memcpy(copy, to, k);
            sums_set(copy, k);
            assert_memory_equal(copy, to, k); /* checksums are right */
            if (v4)
                assert_true(be16(to + 2) == k && be16(to + 4) == (uint16_t)(0xffff + i) && to[6] == 0x40);
            else
                assert_int_equal(be16(to + 4), k - 40);
            if (tcp) {
                assert_int_equal(be32(to + l4 + 4), 0xffffff00u + i * 700);
                assert_int_equal(to[l4 + 13], i == 0 ? ACK | CWR : i == 1 ? ACK : ACK | FIN | PSH);
            } else {
                assert_int_equal(be16(to + l4 + 4), k - l4);
            }
        }
        assert_int_equal(cut_next(&c, to), 0);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    uint8_t p[4096];
    struct segment_header h, good;
    struct cut c;
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        uint32_t n = whole_make(p, kind & 1, kind & 2, &good), l4 = good.sum_start;
#define REFUSED(...)                                                                                                   \
    do {                                                                                                               \
        h = good;                                                                                                      \
        __VA_ARGS__;                                                                                                   \
        assert_false(cut_start(&c, &h, p, n));                                                                         \
    } while (0)
        REFUSED(h.size = 0);
        REFUSED(h.sum_start++);
        REFUSED(h.sum_offset++);
        REFUSED(h.flags = 0);
        REFUSED(h.gso = SEGMENT_NONE);
        REFUSED(h.gso = 3); /* fragments of UDP */
        REFUSED(h.gso = kind & 2 ? SEGMENT_UDP : SEGMENT_TCP4);
        for (uint32_t k = 0; k < n; k++) { /* of every length but its own */
            h = good;
            assert_false(cut_start(&c, &h, p, k));
        }
        if (kind & 2)
            for (unsigned words = 0; words < 5; words++)
                REFUSED(p[l4 + 12] = (uint8_t)(words << 4));
        n = whole_make(p, kind & 1, kind & 2, &good);
        if (kind & 1)
            REFUSED(p[6] |= 0x20);
    }
    /* one that is alone */
    uint32_t n = whole_make(p, true, false, &good);
    h = (struct segment_header){.flags = SEGMENT_NEEDS_SUM, .sum_start = 20, .sum_offset = 6};
    uint16_t was = be16(p + 26), pseudo = inet_sum(p + 12, 8, UDP + n - 20);
    put_be16(p + 26, pseudo);
    assert_true(segment_sum(&h, p, n) && be16(p + 26) == was);
    h.sum_offset = (uint16_t)(n - 20 - 1);
    assert_false(segment_sum(&h, p, n));
    h = (struct segment_header){.flags = SEGMENT_NEEDS_SUM, .sum_start = 0xffff, .sum_offset = 0xffff};
    assert_false(segment_sum(&h, p, n));
    h.flags = 0;
    assert_true(segment_sum(&h, p, n));
}

/* RFC 1071, octet by octet, from every start and of every length. */
static void sums_of_all_lengths(void **state)
{
    uint8_t p[300];
    uint64_t rng = 3;
    (void)state;
    for (unsigned i = 0; i < sizeof p; i++)
        p[i] = net_random(&rng, 3) ? (uint8_t)net_random(&rng, 256) : 255;
    for (unsigned at = 0; at < 20; at++)
        for (unsigned n = 0; at + n <= sizeof p; n++) {
            uint32_t sum = 0x1ffff;
            for (unsigned i = 0; i < n; i++)
                sum += i & 1 ? p[at + i] : (uint32_t)p[at + i] << 8;
            while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
            assert_int_equal(inet_sum(p + at, n, 0x1ffff), sum);
        }
}

int main(void)
{
    return RUN(unit(joined_comes_apart), unit(what_differs_is_not_joined), unit(each_field_of_a_cut),
               unit(what_does_not_fit_is_refused), unit(sums_of_all_lengths));
}
