/* SPDX-License-Identifier: Apache-2.0 */
/* xdp_map.h - what the kernel's part of the packet path (dp/bpf/upf.c) and this process share: the
 * maps' values and the arithmetic that both must do alike. Compiled for both, so only the kernel's
 * types. Addresses, ports and TEIDs of packets are as on the wire; all else is in host order.
 *
 * A session's packets are handled in the kernel while XDP_FAST is set in its state, else passed up
 * and counted in the same word, so that this process can tell when none of them is on its way any
 * more (dp/offload.c). Rules stand in one of two areas, or in one of two blocks when they are many:
 * the other one is written, then the bit is turned. */
#pragma once
#include <linux/types.h>

enum {
    XDP_PDRS = 2,        /* in the session itself; filters need a block */
    XDP_BLOCK_PDRS = 16, /* in a block */
    XDP_BLOCK_MATCHES = 32,
    XDP_METERS = 4, /* buckets, and limits, of a session */
    XDP_PDR_METERS = 2,
    XDP_TUNNELS = 4,
    XDP_IFINDEX_MAX = 4096,
    XDP_POOLS = 16,
    XDP_INSTANCES = 64,
    XDP_COUNTERS = 64, /* 64 bit words a CPU; dp_counter rows first */
    XDP_COUNTER_IP_ID = 63,
    XDP_COUNTER_SCRATCH = 62,
    XDP_ABUSE = 512,
    XDP_VERSION = 2, /* of all this: maps of another version are not taken over */
};

/* state */
#define XDP_FAST   1ull
#define XDP_AREA   2ull   /* which area or block is in force */
#define XDP_PASSED 256ull /* one packet passed up */

enum xdp_act {
    XDP_ACT_UP, /* to this process */
    XDP_ACT_FAR_DROP,
    XDP_ACT_GATE,
    XDP_ACT_CORE,
    XDP_ACT_TUNNEL,
};
enum { /* flags of a PDR */
       XDP_PDR_UL = 1,
       XDP_PDR_QUOTA = 2,   /* used up */
       XDP_PDR_STOPPED = 4, /* a maximum rate of 0 */
       XDP_PDR_PEER6 = 8,
       XDP_PDR_RQI = 16,
};
struct xdp_pdr { /* with what its rules say is done */
    __u64 qfis;
    __u32 teid; /* host order; 0: by UE address */
    __u8 action, flags, qfi, instance;
    __u8 match_n;               /* 0: all packets */
    __u8 limit[XDP_PDR_METERS]; /* 1 + index; 0: none */
    __u8 bucket[XDP_PDR_METERS];
    __u8 peer_tos; /* of the outer header */
    __u16 peer_port;
    __u64 unit[XDP_PDR_METERS]; /* xdp_unit() */
    __u32 peer_teid;
    __u8 peer_ip[16];
    __u32 unused2;
};
enum { XDP_MATCH_PROTO = 1, XDP_MATCH_PORTS = 2, XDP_MATCH_V4 = 4, XDP_MATCH_V6 = 8 };
struct xdp_match { /* a filter of a PDR, as seen from the UE */
    __u32 remote[4], remote_mask[4];
    __u32 local4, local4_mask;
    __u16 remote_first, remote_last, local_first, local_last;
    __u8 pdr, flags, proto, tos, tos_mask, unused[11];
};
enum { /* flags of a session */
       XDP_SESSION_V4 = 1,
       XDP_SESSION_V6 = 2,
       XDP_SESSION_PEER4 = 4, /* uplink only from peer_ip */
       XDP_SESSION_PEER6 = 8,
       XDP_SESSION_PEERS = 12, /* both: from one that its rules send to */
       XDP_SESSION_ACCESS = 16, /* << k: tunnel k is from access, else from core */
};
struct xdp_use {                                                     /* of one CPU */
    __u64 octets[XDP_PDRS], packets[XDP_PDRS], counted_ns[XDP_PDRS]; /* the last one counted */
    __u64 last_ns, unused; /* the last one that rules were found for */
};
struct xdp_session {
    __u64 state;
    __u32 teid[XDP_TUNNELS]; /* host order; 0: none */
    __u32 block[2];          /* 1 + index; 0: the area */
    __u32 ipv4;
    __u8 flags, pdr_n[2], instance;
    __u64 ipv6_prefix;
    __u8 peer_ip[16];
    __u64 bucket[XDP_METERS];
    __s64 limit[XDP_METERS]; /* octets that may pass before this process must look */
    struct xdp_pdr pdr[2][XDP_PDRS];
    struct xdp_use use[]; /* CPUs */
};
struct xdp_block_use { /* of one CPU */
    __u64 octets[XDP_BLOCK_PDRS], packets[XDP_BLOCK_PDRS], counted_ns[XDP_BLOCK_PDRS];
};
struct xdp_block {
    struct xdp_pdr pdr[XDP_BLOCK_PDRS];
    struct xdp_match match[XDP_BLOCK_MATCHES]; /* in the order of their PDRs; one that matches all
                                                  has an entry too */
    __u32 match_n, unused[15];
    struct xdp_block_use use[]; /* CPUs */
};
enum { XDP_UE_CELLS = 16 };
struct xdp_ue_cells { /* 1 + session, 0: none */
    __u32 session[XDP_UE_CELLS];
};
struct xdp_ue_key { /* of addresses outside the pools */
    __u64 ip;       /* IPv6: the prefix; as on the wire */
    __u64 family;
};
struct xdp_port {    /* by interface index; no mac: not ours */
    __u64 instances; /* data networks whose packets come in here */
    __u8 mac[6], is_on, takes; /* takes: frames may be sent out by it */
};
struct xdp_shared {
    __u64 others4; /* IPv4 addresses of UEs outside the pools */
    __u64 plain;   /* routes are chosen by destination alone: the kernel has its usual three rules */
};
enum { XDP_HOPS = 256 };
struct xdp_hop { /* to an IPv4 address, as the FIB had it in this tick of the clock; of one CPU */
    __u64 at_ns;
    __u32 to, ifindex;
    __u8 dmac[6], smac[6];
    __u16 mtu;
    __u8 tos, unused;
};
struct xdp_pool {
    __u32 base, mask, first, instance; /* host order; first: cell of the first address */
};
struct xdp_config { /* read-only data of the program */
    __u32 sessions_max, teid_mask, cpus, pools, blocks_max;
    __u32 n3_v4; /* as on the wire; 0: none */
    __u8 n3_v6[16];
    __u8 has_v6, ue_to_ue, test_clock, version; /* XDP_VERSION, and how many rows the counters have */
    __u8 nested, unused[3];
    __u32 inner_mtu;                           /* 0: none */
    __u64 routed;                              /* bit: instance whose packets leave by the FIB */
    struct xdp_pool pool[XDP_POOLS];
};

/* Time of the policers: 1/64 ns, which lets 10 Gbit/s be told from 9.9 and lasts nine years. */
#define XDP_BURST (50000000ull << 6) /* how far ahead of its rate a QoS rule lets a flow run */
static inline __u64 xdp_time(__u64 ns)
{
    return ns << 6;
}
/* Of one octet at so many kbit/s, in 2^-16 of that. */
static inline __u64 xdp_unit(__u64 kbit)
{
    return kbit ? (8000000ull << 22) / kbit : 0;
}
static inline __u64 xdp_cost(__u32 octets, __u64 unit)
{
    return octets * unit >> 16;
}
static inline int xdp_before(__u64 a, __u64 b)
{
    return (__s64)(a - b) < 0;
}
