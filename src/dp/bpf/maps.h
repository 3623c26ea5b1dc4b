/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* maps.h - what the program shares with this process (dp/xdp_map.h), what it knows of a packet on its way, and how
 * packets are counted. */
#pragma once
#include "dp/xdp_map.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define INLINE     static __attribute__((always_inline)) inline
#define ROW_END(c) ((c) < XDP_COUNTERS ? (c) : 0)

enum dp_counter {
#define COUNTER(name, text) DP_##name,
#include "../../../spec/dp_counters.def"
#undef COUNTER
    DP_COUNTERS
};
enum {
    GOOD = 64,   /* go on */
    UP = 65,     /* hand up */
    ACCESS = 66, /* GTP-U for us */
    CORE = 67,   /* for a UE */
    GTPU_PORT = 2152,
    AF_INET = 2,
    AF_INET6 = 10,
    UDP_HEAD = sizeof(struct udphdr),
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_DCCP = 33,
    PROTO_ESP = 50,
    PROTO_AH = 51,
    PROTO_ICMP6 = 58,
    PROTO_SCTP = 132,
    PROTO_UDP_LITE = 136,
    CPUS_MAX = 1024,
    PACKET_MAX = 0x3fff,
};

const volatile struct xdp_config config = {};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct xdp_session) + CPUS_MAX * sizeof(struct xdp_use));
} sessions SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(struct xdp_block) + CPUS_MAX * sizeof(struct xdp_block_use));
} blocks SEC(".maps");
struct { /* by address within the pools: session + 1 */
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct xdp_ue_cells);
} ue_cells SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, struct xdp_ue_key);
    __type(value, __u32);
} ue_others SEC(".maps");
struct { /* a row of XDP_COUNTERS for each CPU */
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, XDP_COUNTERS * sizeof(__u64));
} counters SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, XDP_IFINDEX_MAX);
    __type(key, __u32);
    __type(value, struct xdp_port);
} ports SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, XDP_IFINDEX_MAX);
    __type(key, __u32);
    __type(value, __u32);
} out SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct xdp_shared);
} shared SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, XDP_HOPS);
    __type(key, __u32);
    __type(value, struct xdp_hop);
} hops SEC(".maps");
struct { /* when a packet of this kind and peer went up last; of one CPU */
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, XDP_ABUSE);
    __type(key, __u32);
    __type(value, __u64);
} abuse SEC(".maps");
struct { /* for tests: the time */
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} test_clock SEC(".maps");

/* What is known of a packet on its way. Offsets are from the start of the frame. */
struct way {
    __u32 cpu, inner, n; /* octets from the inner header on, by it */
    __u32 octets;        /* that came: GTP-U message or user packet, as they are counted */
    __u32 teid;          /* 0: from a data network */
    __u8 family, proto, tos, has_ports, qfi, has_container, pdu_type, ttl;
    __u16 src_port, dst_port;
    __u8 peer_family;
    __u32 peer[4], session;
    __u64 now_ns, state;
};

INLINE __u64 *counter_row(__u32 cpu)
{
    return bpf_map_lookup_elem(&counters, &cpu);
}

/* The same number, but the verifier no longer knows which: it need not look at the rest of the way
 * for each number that it could be. */
INLINE __u32 opaque(const struct way *w, __u32 v)
{
    volatile __u64 *row = counter_row(w->cpu);
    if (!row)
        return 0;
    row[XDP_COUNTER_SCRATCH] = v;
    return (__u32)row[XDP_COUNTER_SCRATCH] & PACKET_MAX;
}

INLINE __u64 clock_ns(void)
{
    if (config.test_clock) {
        __u32 k = 0;
        __u64 *t = bpf_map_lookup_elem(&test_clock, &k);
        return t ? *t : 0;
    }
    return bpf_ktime_get_coarse_ns(); /* a tick is short against a policer's burst */
}

/* The end of a packet that is not handed up. */
INLINE void count(const struct way *w, __u32 fate, __u32 out_octets)
{
    __u64 *row = counter_row(w->cpu);
    if (!row)
        return;
    row[ROW_END(fate)]++;
    if (w->teid || fate == DP_gtpu_malformed) {
        row[DP_access_in]++;
        row[DP_access_in_octets] += w->octets;
    } else {
        row[DP_core_in]++;
        row[DP_core_in_octets] += w->octets;
    }
    if (fate == DP_to_core)
        row[DP_core_out_octets] += out_octets;
    if (fate == DP_to_tunnel)
        row[DP_access_out_octets] += out_octets;
}
