/* SPDX-License-Identifier: Apache-2.0 */
/* sctp_raw.h - SCTP packets over raw IP sockets, below libusrsctp: who owns which address and port,
 * checksums, and multi-homing. libusrsctp sees one local address (AF_CONN: an opaque number) and
 * ports of our choosing: a local port stands for a port on one or more local addresses (an
 * endpoint), a remote port for a peer. So two endpoints may have the same port on different
 * addresses, and two peers the same port, which AF_CONN cannot express. The ports and addresses of
 * the wire are put in here. Inside os/ only. */
#pragma once
#include "base/map.h"
#include "base/slab.h"
#include "os/loop.h"
#include "os/sctp.h"
#include "os/sock.h"
#include <time.h>

enum {
    RAW_SOCKS = 64,       /* local addresses of one instance */
    RAW_ENDPOINTS = 4096, /* listeners and outgoing associations of one instance */
    RAW_PEERS =
        32768, /* (endpoint, remote address and port) known at a time, forged INITs included */
    RAW_HOMES = 4096, /* associations with more than one address, and outgoing ones */
    RAW_PATHS = 8,    /* addresses of one side */
    RAW_BATCH = 16,
    RAW_PACKET = 65536,
    RAW_OUT = 32,            /* packets that wait for the end of the turn */
    RAW_OUT_OCTETS = 131072, /* of them together */
    SCTP_HEADER = 12,
};
enum sctp_chunk_type {
    CHUNK_DATA = 0,
    CHUNK_INIT = 1,
    CHUNK_INIT_ACK = 2,
    CHUNK_SACK = 3,
    CHUNK_HEARTBEAT = 4,
    CHUNK_HEARTBEAT_ACK = 5,
    CHUNK_COOKIE_ECHO = 10,
    CHUNK_COOKIE_ACK = 11,
};
/* CPU time of a part of a thread's work. Reading the thread's clock costs a system call, so that
 * one stretch in METER_EVERY is timed and stands for the others. */
enum { METER_EVERY = 64 };
struct cpu_meter {
    uint64_t from_ns, total_ns;
    uint32_t depth, stretch;
};
static inline uint64_t thread_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static inline void meter_enter(struct cpu_meter *m)
{
    if (m->depth++ == 0 && m->stretch++ % METER_EVERY == 0)
        m->from_ns = thread_cpu_ns();
}
static inline void meter_leave(struct cpu_meter *m)
{
    if (--m->depth == 0 && m->from_ns) {
        m->total_ns += (thread_cpu_ns() - m->from_ns) * METER_EVERY;
        m->from_ns = 0;
    }
}

struct raw;
struct raw_sock { /* one local address */
    struct loop_watch watch;
    struct raw *raw;
    struct net_addr local;       /* port 0; all zeros: any */
    uint16_t endpoint_of[65536]; /* by the wire's local port: 1 + index, 0: not ours */
    uint32_t refs;
};
struct raw_endpoint { /* a local port of the wire on one or more local addresses */
    bool used;
    uint16_t wire_port;
    uint8_t n_socks;
    uint8_t socks[RAW_PATHS]; /* indices */
    uint64_t free_at_us;      /* closing: until libusrsctp has said good-bye; 0: not closing */
};
struct raw_home;
struct raw_peer_id { /* as a key of a map: no holes, unused octets 0 */
    uint8_t ip[16], family, sock;
    uint16_t port, endpoint;
};
struct raw_peer {
    struct raw_peer_id id;
    uint32_t tag;          /* the peer's, seen in what we sent last */
    uint32_t pins;         /* associations: stays as long as there are */
    uint64_t used_us;      /* 0: free */
    struct raw_home *home; /* NULL: one address on both sides */
};
/* The addresses of one association that has several, or may come to have. */
struct raw_home {
    struct raw_peer *peer;
    uint32_t our_tag;
    bool confirmed;                   /* a packet with our tag has come: not a forged INIT */
    uint8_t n_addrs, n_socks, at;     /* `at` counts through the pairs (address, sock) */
    uint8_t answer_addr, answer_sock; /* where the last packet came from */
    struct net_addr addrs[RAW_PATHS]; /* the peer's */
    uint8_t socks[RAW_PATHS];
    uint32_t unanswered; /* sent on the pair `at`, without an answer on that pair */
    uint64_t unanswered_since_us, heard_us;
    uint64_t in_id; /* key in the map of tags */
    /* A new INIT on a confirmed home (the peer may have started anew, or somebody forges): takes
     * the place of the above with the first packet that carries its tag. */
    uint64_t pending_id; /* 0: none */
    uint32_t pending_tag;
    uint8_t n_pending;
    struct net_addr pending[RAW_PATHS];
};
/* A packet that leaves at the end of the turn. */
struct raw_out {
    uint32_t at, n, peer, tag;
    uint16_t sack; /* octets of the SACK that it begins with, 0: none */
    uint8_t sock;
    bool open; /* nothing but one SACK and DATA: more may be put in */
    struct net_addr to;
};
struct raw {
    struct loop *loop;
    uint8_t instance; /* in keys and ports */
    uint32_t switch_after_us;
    struct sctp_counts *counts;
    struct cpu_meter *meter;
    /* A packet of ours with a correct checksum, ports replaced. */
    void (*input)(void *ctx, uint8_t *packet, uint32_t n);
    void (*unreachable)(void *ctx, uint32_t peer);
    void (*batch_end)(void *ctx);
    void *ctx;
    struct raw_sock *socks[RAW_SOCKS];
    struct raw_endpoint *endpoints; /* RAW_ENDPOINTS */
    uint32_t next_endpoint;
    struct raw_peer *peers; /* RAW_PEERS */
    uint32_t peer_hand;
    struct map peers_by_id;
    struct slab homes;
    struct map homes_in; /* by endpoint and our tag */
    uint32_t crc_table[256];
    bool crc_in_hardware;
    /* Addresses in the INIT that libusrsctp is answering at this moment. */
    uint8_t n_init_peers;
    struct net_addr init_peers[RAW_PATHS];
    uint8_t *rx; /* RAW_BATCH of RAW_PACKET */
    struct mmsghdr in_msg[RAW_BATCH]; /* these point to it, once and for all */
    struct iovec in_iov[RAW_BATCH];
    union sock_addr in_from[RAW_BATCH];
    struct loop_flush flush;
    uint32_t packet_max; /* octets of a packet on the path */
    uint32_t n_out, out_used;
    struct raw_out out[RAW_OUT];
    struct mmsghdr out_msg[RAW_OUT];
    struct iovec out_iov[RAW_OUT];
    union sock_addr out_to[RAW_OUT];
    uint8_t *tx; /* RAW_OUT_OCTETS */
};

int raw_open(struct raw *, struct loop *, uint8_t instance);
void raw_close(struct raw *);
/* Opens or shares the sockets of the addresses; port 0: one that is free. The endpoint's index or
 * an error. */
int raw_endpoint_open(struct raw *, const struct sctp_local *);
void raw_endpoint_close(struct raw *, uint32_t endpoint, uint64_t linger_us);
void raw_reap(struct raw *, uint64_t now_us);
/* The ports by which libusrsctp knows an endpoint and a peer. */
static inline uint16_t raw_port(const struct raw *r, uint32_t endpoint)
{
    return (uint16_t)(1 + (uint32_t)r->instance * RAW_ENDPOINTS + endpoint);
}
static inline uint16_t raw_peer_port(uint32_t peer)
{
    return (uint16_t)(peer + 1);
}
/* An outgoing association's peer, pinned; more addresses than one are remembered. ERR_RANGE: the
 * endpoint has no address of such a family. */
int raw_connect(struct raw *, uint32_t endpoint, const struct net_addr *addrs, uint32_t n);
void raw_peer_pin(struct raw *, uint32_t peer);
void raw_peer_unpin(struct raw *, uint32_t peer);
struct net_addr raw_peer_addr(const struct raw *, uint32_t peer); /* with the wire's port */
/* Takes a packet of libusrsctp; 0 or an errno. It leaves at the end of the turn, with what else
 * goes to the same peer by then: an answer carries the SACK of what it answers (RFC 9260 6.2 and
 * 6.10). */
int raw_output(struct raw *, const uint8_t *packet, size_t n);
void raw_flush(struct raw *);

/* sctp_wire.c: CRC32c over the packet with its checksum field taken as 0, and the addresses of
 * INITs. */
void crc32c_init(struct raw *);
uint32_t sctp_checksum(const struct raw *, const uint8_t *packet,
                       size_t n); /* as be32 would read it */
/* IPv4 and IPv6 address parameters of an INIT or INIT ACK, RFC 9260 3.3.2.1: at most max. */
uint8_t init_addresses(const uint8_t *chunk, size_t n, struct net_addr *out, uint8_t max);
/* Appends one; the new length of the packet. */
size_t init_append(uint8_t *packet, size_t n, size_t cap, const struct net_addr *);
