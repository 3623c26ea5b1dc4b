/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - what nf/upf publishes to the packet path: one PDU session with its rules,
 * TS 29.244 5.2. Plain values; the arrays belong to the caller and are copied by dp_rules_new().
 * Rules name each other by their PFCP ids. Addresses are octets in network order, numbers are in
 * host order. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
    RULE_TUNNELS = 4,   /* local TEIDs a session, see dp_teid() */
    RULE_PDR_QERS = 4,  /* QERs a PDR */
    RULE_PDR_URRS = 8,  /* URRs a PDR */
    RULE_SDF_PORTS = 4, /* port ranges on either side of a filter */
    RULE_LINKED = 3,    /* URRs that a URR is linked to */
    RULE_FRAMED = 16,   /* framed routes a session: prefixes behind the UE */
    RULE_FRAMED_KEY = 20,
    RULE_MACS = 16,     /* MAC addresses behind an Ethernet session at a time, also of a filter */
    RULE_ETHS = 32,     /* Ethernet filters a session */
    RULE_MAX = 250,     /* PDRs, FARs, QERs, URRs a session, each; filters a session too */
};
/* TS 29.244 8.2.2, 8.2.24; RULE_LAN: 5G VN Internal, dp/lan.c */
enum rule_interface { RULE_ACCESS, RULE_CORE, RULE_CP_FUNCTION, RULE_LAN };

struct rule_addr {  /* an IP address and, for a peer, its UDP port */
    uint8_t family; /* 4, 6, or 0: none */
    uint16_t port;  /* of a peer; 0 means 2152 */
    uint8_t ip[16]; /* the first 4 of them for family 4 */
    uint8_t dscp;   /* of a FAR's peer: what packets to it are marked with, TS 23.501 5.8.2.7; 0..63 */
};
struct rule_prefix {
    uint8_t family; /* 4, 6; 0: any address */
    uint8_t bits;
    bool assigned; /* the keyword: the UE's own address; family is 0 then */
    uint8_t ip[16];
};
struct rule_ports {
    uint16_t first, last;
};
/* One SDF filter, TS 29.244 8.2.5; dp/sdf.h makes it from text. `remote` is the far end (the source
 * of a "permit out" rule), `local` is the UE's side. A PDR from access matches its packets the
 * other way round, so one filter serves both directions. */
struct rule_sdf {
    uint32_t id; /* SDF filter id; 0: none */
    bool
        same_as_id; /* flag BID without a description: the filter of another PDR that has this id */
    bool has_proto, has_spi, has_flow_label;
    uint8_t proto, tos, tos_mask; /* tos_mask 0: any */
    uint8_t remote_ports_n, local_ports_n;
    uint32_t spi, flow_label;
    struct rule_prefix remote, local;
    struct rule_ports remote_ports[RULE_SDF_PORTS], local_ports[RULE_SDF_PORTS];
};

/* One Ethernet Packet Filter, TS 29.244 7.5.2.2-3: what is set must match, of MAC addresses any one. */
struct rule_mac {
    bool is_source;
    uint8_t first[6], last[6];
};
struct rule_eth {
    uint32_t id;     /* 0: none */
    bool same_as_id; /* nothing but the id of another PDR's filter that is both_ways: that one, the other way round */
    bool both_ways, has_type;
    uint16_t type;           /* the frame's, behind its tags */
    uint16_t c_tag, c_mask;  /* TCI: PCP, DEI, VID; mask 0: not asked for, else the tag must be there */
    uint16_t s_tag, s_mask;
    uint8_t mac_n;
    struct rule_mac mac[RULE_MACS];
};

struct rule_pdr {        /* TS 29.244 7.5.2.2 */
    uint16_t id;         /* not 0 */
    uint32_t precedence; /* lower is tried first */
    enum rule_interface source;
    uint32_t teid; /* local F-TEID, made by dp_teid(); 0: by UE address, from the instance */
    bool outer_header_removal;  /* must be set where teid is */
    bool carry_on; /* source RULE_LAN: a packet to many is for this session, and for others too */
    uint64_t qfis;              /* bit n: QFI n matches; 0: any, also none */
    const struct rule_sdf *sdf; /* any one matches; none: everything matches */
    uint16_t sdf_n;
    const struct rule_eth *eth; /* of an Ethernet session, in the place of sdf */
    uint8_t eth_n;
    uint16_t endpoint; /* the owner's: 1 + the traffic endpoint that it is of; 0: none */
    uint16_t app; /* the owner's: whose filters these are; 0: its own */
    bool has_home;    /* of IPv6 packets only those of this /64 of the UE's match, where the session has several: TS 23.501 5.6.4.3.
                       * One that is not the session's own is a framed route as well */
    uint8_t home[8];
    uint8_t framed_n; /* framed routes, TS 29.244 5.16: of all PDRs together, they are the session's */
    const struct rule_prefix *framed;
    uint32_t far_id;
    uint8_t qer_n, urr_n;
    uint32_t qer_id[RULE_PDR_QERS];
    uint32_t urr_id[RULE_PDR_URRS];
};

enum { /* apply action, TS 29.244 8.2.26; one of the first three, NOCP only with BUFF or DROP */
       RULE_DROP = 1,
       RULE_FORW = 2,
       RULE_BUFF = 4,
       RULE_NOCP = 8,
       RULE_DUPL = 16, /* with FORW or BUFF: what is forwarded is sent to copy_to as well */
};
struct rule_far { /* TS 29.244 7.5.2.3 */
    uint32_t id;
    uint8_t action;
    enum rule_interface destination;
    uint16_t instance; /* where destination is the core and no tunnel is made, and of a 5G LAN:
                        * dp_config.instance[] */
    uint32_t teid; /* outer header creation: the peer's TEID, with peer.family not 0 */
    struct rule_addr peer; /* family 0: no outer header */
    uint32_t copy_teid;       /* RULE_DUPL: another tunnel that gets each packet */
    struct rule_addr copy_to;
    bool send_end_marker;  /* PFCPSMReq-Flags SNDEM: once, on the tunnel that this FAR had before */
    bool drop_buffered;    /* PFCPSMReq-Flags DROBU: once, the session's buffered packets */
};

struct rule_qer { /* TS 29.244 7.5.2.5 */
    uint32_t id;
    bool gate_ul_closed, gate_dl_closed;
    bool has_mbr; /* kbit/s; a rate of 0 with has_mbr lets nothing pass */
    uint64_t mbr_ul_kbit, mbr_dl_kbit;
    uint64_t gbr_ul_kbit, gbr_dl_kbit; /* kept, not enforced: the access network schedules */
    uint8_t qfi;                       /* marked downlink (and uplink on N9); 0: none */
    bool reflective;                   /* RQI in downlink packets */
};

enum { /* why a usage report is made; the values are ours, nf/upf maps them to TS 29.244 8.2.41 */
       RULE_USAGE_VOLUME_THRESHOLD = 1,
       RULE_USAGE_TIME_THRESHOLD = 2,
       RULE_USAGE_VOLUME_QUOTA = 4,
       RULE_USAGE_TIME_QUOTA = 8,
       RULE_USAGE_PERIODIC = 16,
       RULE_USAGE_START = 32,       /* first packet */
       RULE_USAGE_TERMINATION = 64, /* the URR or its session goes */
       RULE_USAGE_IMMEDIATE = 128,  /* asked for */
       RULE_USAGE_QUOTA_HOLDING = 256,  /* no packet for so long: the rest of the quota is given back */
       RULE_USAGE_QUOTA_VALIDITY = 512, /* the quota's time is over, whatever is left of it */
       RULE_USAGE_LINKED = 1024,        /* one to which it is linked has reported */
       RULE_USAGE_MACS = 2048,          /* MAC addresses came or went: the event says which */
};
struct rule_volume { /* octets; 0: not set */
    uint64_t total, ul, dl;
};
struct rule_urr { /* TS 29.244 7.5.2.4 */
    uint32_t id;
    bool measure_volume : 1, measure_duration : 1;
    bool report_start : 1;  /* event RULE_USAGE_START with the first packet */
    bool start_at_once : 1; /* duration counts from now (ISTM), else from the first packet */
    bool report_macs : 1; /* RULE_USAGE_MACS */
    bool quota_fresh : 1; /* the quota counts from 0 again; else what was used of it is carried over */
    uint8_t linked_n;
    uint32_t linked[RULE_LINKED]; /* it reports when one of these does, of itself */
    struct rule_volume threshold, quota;
    uint64_t time_threshold_us, time_quota_us, period_us; /* 0: not set */
    uint64_t quota_holding_us, quota_validity_us;         /* 0: not set; then nothing more passes */
};
struct rule_usage { /* of one URR since its last report */
    uint64_t ul_octets, dl_octets, ul_packets, dl_packets;
    uint64_t duration_us;
    uint64_t start_us, end_us; /* of the measurement, on the caller's clock; start 0: none yet */
    uint64_t first_packet_us, last_packet_us; /* 0: no packet */
    uint32_t sequence;                        /* UR-SEQN: 0, 1, ... */
};
struct rule_bar {         /* TS 29.244 7.5.2.6 */
    uint16_t packets_max; /* 0: dp_config.buffered_per_session */
    uint32_t notify_delay_us;
};

/* A framed route as it is looked up: data network, family, length and prefix. */
struct rule_framed {
    uint8_t key[RULE_FRAMED_KEY];
};
/* The bits behind the prefix are cleared. */
void rule_framed_make(struct rule_framed *, uint16_t instance, uint8_t family, uint8_t bits, const uint8_t *ip);
static inline uint8_t rule_framed_bits(const struct rule_framed *f) { return f->key[3]; }
/* Those of all these PDRs, each once: how many; -1: more than RULE_FRAMED, or a prefix that is none. */
int rule_framed_collect(struct rule_framed to[RULE_FRAMED], uint16_t instance, const struct rule_pdr *, unsigned pdr_n);

struct rule_session {
    uint32_t session;  /* index, below dp_config.sessions_max; the owner's slab index serves */
    uint32_t gen;      /* echoed in events; another gen at the same index is another session */
    uint16_t instance; /* the data network whose packets reach this UE */
    bool has_ipv4, has_ipv6;
    bool is_ethernet; /* its packets are frames from the destination address on, TS 23.501 5.6.10.2; it has no IP address */
    uint8_t ipv4[4];
    uint8_t ipv6_prefix[8]; /* a /64 */
    uint64_t mac_age_us;    /* of an Ethernet session: a MAC address that is silent so long is forgotten; 0: 300 s */
    uint64_t inactivity_us; /* user plane inactivity timer; 0: none */
    struct rule_bar bar;
    const struct rule_pdr *pdr;
    const struct rule_far *far;
    const struct rule_qer *qer;
    const struct rule_urr *urr;
    uint16_t pdr_n, far_n, qer_n, urr_n;
};
