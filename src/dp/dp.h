/* SPDX-License-Identifier: Apache-2.0 */
/* dp.h - the packet path of the UPF, TS 23.501 5.8: bytes in, bytes out. It does no I/O, reads no
 * clock and takes no memory per packet. One instance belongs to one thread; commands reach it
 * through dp/ring.h.
 *
 * Packets: an input packet has at least DP_HEADROOM writable octets before p, or before the user's
 * packet in it as many as GTPU_PUSH; headers are pushed there. It may be written to, and it is given back when the input call returns: what io hands out
 * must be sent or copied inside the io call. Output is handed out in batches of up to DP_BATCH, at
 * the latest when the call returns; per tunnel and per UE in the order of arrival. io functions
 * must not call back into the same dp.
 *
 * Time: now_us is the caller's monotonic clock and never goes back (a lower value counts as the
 * last one). */
#pragma once
#include "base/bytes.h"
#include "dp/rules.h"

enum {
    DP_HEADROOM = 64,
    DP_BATCH = 256,
    DP_INSTANCES = 64, /* data networks */
    DP_POOLS = 16,
    DP_CORE_ADDRESSES = 8,
    DP_PACKET_MAX = 2048, /* octets of a packet that can be buffered */
    DP_SESSIONS_MAX = 1 << 22,
    DP_TICK_US = 50000, /* resolution of everything that dp_tick() does */
    DP_GTPU_PORT = 2152,
};

struct dp_instance { /* a data network (DNN, network instance): one N6 interface */
    struct rule_addr router_v4,
        router_v6; /* source of ICMP errors; family 0: the packet's destination */
};
struct dp_pool { /* addresses that are looked up by a plain array; others by hash. bits 8..32 */
    uint16_t instance;
    uint8_t ip[4], bits;
};
struct dp_config {
    uint32_t sessions_max;         /* 1..DP_SESSIONS_MAX */
    uint32_t buffered_max;         /* packets, of all sessions together; 0: none are buffered */
    uint16_t buffered_per_session; /* packets */
    uint16_t inner_mtu;            /* largest user packet a tunnel carries; 0: no limit */
    uint16_t instances, pools;
    struct dp_instance instance[DP_INSTANCES];
    struct dp_pool pool[DP_POOLS];
    struct rule_addr local_v4, local_v6; /* our N3 addresses, told in error indications */
    uint32_t replies_per_s; /* error indications, ICMP errors and the like together; 0: 100 */
    uint32_t lan_copies_per_s; /* of packets to many members, for each LAN; 0: 20000 */
    bool ue_to_ue;          /* a UE may reach another UE of the same instance; default: dropped */
    bool nested;            /* a phone may carry tunnels of another mobile network; default: dropped */
    struct rule_addr core[DP_CORE_ADDRESSES]; /* which no phone may reach; they are this machine's */
    bool check_peer;        /* uplink only from an address that a FAR of the session sends to, error
                             * indications only from the peer that they name */
    uint64_t secret0, secret1; /* of the hash tables: random */
};

struct dp_packet {
    uint8_t *p;
    uint32_t n;
};
struct dp_datagram { /* GTP-U and its peer: on input where it came from, on output where it goes */
    uint8_t *p;
    uint32_t n;
    struct rule_addr peer;
};

enum dp_event_kind {
    DP_EVENT_DOWNLINK_DATA,    /* session, pdr_id, far_id, qfi, dscp: first packet, FAR says NOCP */
    DP_EVENT_USAGE,            /* session, urr_id, triggers, usage; the counters have been reset. With RULE_USAGE_MACS, packet: an
                                  octet, 1: it came, 0: it went, and the MAC address */
    DP_EVENT_ERROR_INDICATION, /* peer, teid (the peer's); session and far_id if one sends there,
                                  else session is UINT32_MAX */
    DP_EVENT_INACTIVE, /* session: no packet for inactivity_us; once, till the next packet */
    DP_EVENT_ACTIVE,   /* session: a packet after DP_EVENT_INACTIVE */
    DP_EVENT_ROUTER_SOLICITATION, /* session, packet: answer with dp_send_to_ue() */
    DP_EVENT_TO_CONTROL, /* session, pdr_id, packet: FAR's destination is the CP function, no tunnel
                          */
    DP_EVENT_ABUSE, /* what: a packet that no honest peer sends; peer, teid (ours), is_peer, packet (its
                       first octets), more; session if the tunnel is one's, else UINT32_MAX. One a
                       second of a kind and peer, dp/abuse.c */
    DP_EVENT_ECHO_RESPONSE, /* peer, sequence */
    DP_EVENT_PDR, /* answers DP_TRACE: session, pdr_id; usage.ul_packets, ul_octets: what it forwarded so far */
    DP_EVENT_TRACE, /* session; packet is a struct dp_trace */
    DP_EVENT_DONE, /* of dp/user_plane.h: a command has been carried out; session, gen, tag, result,
                      triggers: the enum dp_command_kind */
    DP_EVENT_COUNT
};
struct dp_event {
    enum dp_event_kind kind;
    uint32_t session, gen;
    uint16_t pdr_id;
    uint8_t qfi, dscp;
    bool is_peer; /* one that the session's rules send to */
    uint8_t what; /* enum dp_counter */
    uint32_t more; /* like it that were not told, since the last one that was */
    uint32_t far_id, urr_id, triggers, teid, tag;
    int result;
    uint16_t sequence;
    struct rule_addr peer;
    struct rule_usage usage;
    struct bytes packet; /* valid during the call */
};
struct dp_io {
    void *ctx;
    void (*to_access)(void *ctx, const struct dp_datagram *d, unsigned n);
    void (*to_core)(void *ctx, uint16_t instance, const struct dp_packet *p, unsigned n);
    void (*event)(void *ctx, const struct dp_event *e);
};

struct dp;
/* NULL: no memory, or a configuration out of range. Both are copied. */
struct dp *dp_new(const struct dp_config *config, const struct dp_io *io);
void dp_free(struct dp *dp);

/* The TEID of tunnel k (below RULE_TUNNELS) of a session: the low bits index, the others are
 * `random` and keep an old tunnel's packets out of the index's next session. Never 0. Pass a new
 * random for each new tunnel. */
uint32_t dp_teid(uint32_t sessions_max, uint32_t session, unsigned k, uint32_t random);

/* The session that has this TEID, if any has; not below sessions_max: none. */
uint32_t dp_teid_session(uint32_t sessions_max, uint32_t teid);

/* Rules, checked and packed for the packet path; any thread. NULL with *error an ERR_* code and, if
 * why is not NULL, a sentence there that lives forever. */
struct dp_rules;
struct dp_rules *dp_rules_new(const struct dp_config *config, const struct rule_session *s,
                              int *error, const char **why);
void dp_rules_free(struct dp_rules *r);
uint32_t dp_rules_octets(const struct dp_rules *r);

/* Replaces the session's rules in one step: no packet ever sees a part of them. Takes r, also on
 * failure. Counters of URRs and the fill of QERs carry over by id; then end markers are sent, then
 * the buffered packets meet the new rules in their order. URRs that went report with
 * RULE_USAGE_TERMINATION if they had counted. 0; ERR_EXISTS the UE address belongs to another
 * session; ERR_NOSPACE. On failure the old rules stay. */
int dp_session_put(struct dp *dp, uint64_t now_us, struct dp_rules *r);
/* dp_rules_new() and dp_session_put() in one. */
int dp_session_set(struct dp *dp, uint64_t now_us, const struct rule_session *s, const char **why);
/* ERR_NOTFOUND. Buffered packets are dropped, URRs report as above unless they were taken before.
 */
int dp_session_drop(struct dp *dp, uint64_t now_us, uint32_t session, uint32_t gen);
bool dp_session_exists(const struct dp *dp, uint32_t session, uint32_t gen);
uint32_t dp_session_count(const struct dp *dp);

/* Batches from the N3/N9 socket and from the N6 interface of a data network. */
void dp_access_input(struct dp *dp, uint64_t now_us, const struct dp_datagram *d, unsigned n);
void dp_core_input(struct dp *dp, uint64_t now_us, uint16_t instance, const struct dp_packet *p,
                   unsigned n);
/* Timers. Call it at least each DP_TICK_US while dp_session_count() is not 0; oftener does no harm.
 */
void dp_tick(struct dp *dp, uint64_t now_us);
/* When dp_tick() will have something to do, not later than that; UINT64_MAX: no timer runs. */
uint64_t dp_next_us(const struct dp *dp);

/* An IP packet of the control plane to the UE (a router advertisement), by the tunnel of the first
 * downlink PDR that forwards. ERR_NOTFOUND no session; ERR_STATE no tunnel, or an Ethernet session; ERR_RANGE longer than
 * DP_PACKET_MAX. */
int dp_send_to_ue(struct dp *dp, uint64_t now_us, uint32_t session, uint32_t gen,
                  struct bytes packet);
void dp_send_echo_request(struct dp *dp, uint64_t now_us, const struct rule_addr *peer,
                          uint16_t sequence);
/* Fills and resets; ERR_NOTFOUND. A quota goes on being used up. */
int dp_usage_take(struct dp *dp, uint64_t now_us, uint32_t session, uint32_t gen, uint32_t urr_id,
                  struct rule_usage *usage);

/* What became of one packet of a session, for a person who asked (redoubt trace): headers, no contents. */
enum dp_where { DP_WHERE_HERE, DP_WHERE_KERNEL, DP_WHERE_NOT_FOR_KERNEL };
struct dp_trace {
    uint64_t at_us;
    uint32_t octets;
    uint8_t fate; /* enum dp_counter: where its way ended */
    bool is_uplink, is_released, is_ip, is_frame, has_ports, is_fragment, has_pdr, has_rule;
    uint8_t family, proto, icmp_type, tos;
    uint8_t src[16], dst[16]; /* of a frame: MAC addresses, the first 6 octets */
    uint16_t ethertype, src_port, dst_port;
    struct rule_addr from; /* how it came by tunnel; family 0: from a data network */
    uint32_t from_teid;
    uint8_t from_qfi, to_qfi, action; /* action: of the FAR, RULE_* */
    bool reflective;
    uint16_t pdr_id, instance;
    uint32_t far_id, rule_id; /* rule_id: the QER or URR that decided its fate */
    struct rule_addr to;      /* the FAR's outer header; family 0: none */
    uint32_t to_teid;
};
/* Tells the counters of the session's PDRs, then the next `packets` of its packets by DP_EVENT_TRACE; 0: no more.
 * While a session is traced none of its packets is handled in the kernel. An enum dp_where: where they have been
 * handled; ERR_NOTFOUND. */
int dp_session_trace(struct dp *dp, uint64_t now_us, uint32_t session, uint32_t gen, uint16_t packets);

enum dp_counter {
#define COUNTER(name, text) DP_##name,
#include "../../spec/dp_counters.def"
#undef COUNTER
    DP_COUNTERS
};
const uint64_t *dp_counters(const struct dp *dp); /* DP_COUNTERS of them */
const char *dp_counter_name(enum dp_counter c);   /* NULL out of range */
const char *dp_counter_text(enum dp_counter c);

/* What the control thread says to a dp in another thread, as one ring item. */
enum dp_command_kind { DP_PUT, DP_DROP, DP_USAGE, DP_TO_UE, DP_ECHO, DP_TRACE };
struct dp_command {
    enum dp_command_kind kind;
    uint32_t session, gen;
    uint32_t tag;           /* not 0: DP_EVENT_DONE says so when it is done, dp/user_plane.h */
    uint32_t urr_id;        /* DP_USAGE: answered by DP_EVENT_USAGE with RULE_USAGE_IMMEDIATE */
    struct dp_rules *rules; /* DP_PUT */
    struct rule_addr peer;  /* DP_ECHO */
    uint16_t sequence, packet_n; /* packet_n: octets; of DP_TRACE packets */
    uint8_t packet[256];         /* DP_TO_UE */
};
/* Does it; the result is that of the function named. */
int dp_command_run(struct dp *dp, uint64_t now_us, const struct dp_command *c);
