/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "base/err.h"
#include "sim/pcap.h"

static void up(void *ctx, uint64_t assoc, const struct net_addr *peer, uint16_t streams) {}
static void message(void *ctx, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes b) { ++*(int *)ctx; }
static void down(void *ctx, uint64_t assoc, const char *reason) {}
static void datagram(void *ctx, int sock, const struct net_addr *from, struct bytes b) { ++*(int *)ctx; }

static uint16_t sum(const uint8_t *p, uint32_t n, uint32_t s)
{
    for (uint32_t i = 0; i < n; i++)
        s += i % 2 ? p[i] : (uint32_t)(p[i] << 8);
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

/* One SCTP message of five octets and one datagram of three: where each octet lies, and that the sums hold. */
static void packets_as_on_a_wire(void **state)
{
    int got = 0;
    struct world *w = world_new(7);
    struct net_addr a = addr_v4(0x0a000001, 0), b = addr_v4(0x0a000002, 0), to = addr_v4(0x0a000002, 38412);
    struct net_addr from4 = addr_v4(0x0a000001, 8805), to4 = addr_v4(0x0a000002, 8806);
    struct env *ea = world_host(w, "a", &a), *eb = world_host(w, "b", &b);
    struct sctp_sink sink = {&got, up, message, down};
    struct udp_sink udp = {&got, datagram};
    FILE *f = tmpfile();
    struct world_pcap pcap;
    uint64_t assoc;
    world_pcap_start(&pcap, w, f);
    assert_int_equal(eb->ops->sctp_listen(eb, &(struct sctp_local){&to, 1, 4}, &sink), OK);
    assert_int_equal(ea->ops->sctp_connect(ea, &(struct sctp_local){&a, 1, 4}, &to, &sink, &assoc), OK);
    world_run(w, 10000);
    assert_int_equal(ea->ops->sctp_send(ea, assoc, 2, 60, (struct bytes){(const uint8_t *)"hello", 5}), OK);
    int sock = ea->ops->udp_open(ea, &from4, &udp);
    assert_true(eb->ops->udp_open(eb, &to4, &udp) >= 0);
    assert_int_equal(ea->ops->udp_send(ea, sock, &to4, (struct bytes){(const uint8_t *)"abc", 3}), OK);
    world_run(w, 10000);
    assert_int_equal(got, 2);
    assert_int_equal(pcap.packets, 2);

    uint8_t o[512];
    rewind(f);
    size_t n = fread(o, 1, sizeof o, f);
    uint32_t sctp_n = 20 + 12 + 16 + 8, udp_n = 20 + 8 + 3;
    assert_int_equal(n, 24 + 16 + sctp_n + 16 + udp_n);
    const uint8_t *s = o + 24 + 16, *u = s + sctp_n + 16;
    assert_int_equal(o[20], 101);
    assert_int_equal(sum(s, 20, 0), 0xffff);
    assert_int_equal(s[9], 132);
    assert_int_equal(be16(s + 22), 38412);
    assert_int_equal(be16(s + 32 + 2), 16 + 5);
    assert_int_equal(be16(s + 32 + 8), 2);
    assert_int_equal(be32(s + 32 + 12), 60);
    assert_memory_equal(s + 48, "hello\0\0\0", 8);
    assert_int_equal(sum(u, 20, 0), 0xffff);
    assert_int_equal(be16(u + 20), 8805);
    assert_memory_equal(u + 28, "abc", 3);
    assert_int_equal(sum(u + 20, 11, sum(u + 12, 8, 17 + 11)), 0xffff);
    fclose(f);
    world_free(w);
}

int main(void) { return RUN(unit(packets_as_on_a_wire)); }
