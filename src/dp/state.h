/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - what the files of the packet path share: the packed rules, the session, the instance.
 */
#pragma once
#include "base/err.h"
#include "base/map.h"
#include "base/places.h"
#include "base/slab.h"
#include "dp/dp.h"
#include "dp/gtpu_fast.h"
#include "dp/inner.h"
#include "dp/xdp_map.h"

enum {
    NONE = UINT32_MAX,
    WHEEL_SLOTS = 2048,
    SCRATCH = 16384,
};

struct far {
    uint32_t id, teid;
    uint8_t action, destination;
    bool send_end_marker, drop_buffered;
    uint8_t copy; /* 1 + index of a struct far_copy; 0: none */
    uint16_t instance;
    struct rule_addr peer;
};
struct far_copy { /* few sessions have one */
    uint32_t teid;
    struct rule_addr to;
};
struct qer {
    uint32_t id;
    bool closed[2], has_mbr, reflective; /* [0] downlink, [1] uplink */
    uint8_t qfi;
    bool is_shared[2];
    uint64_t mbr_kbit[2];
    /* When the line would be free again, in the time of dp/xdp_map.h: one number, so that the kernel
     * and this process can share it. */
    union {
        uint64_t own, *shared;
    } free_at[2];
};
static inline uint64_t *qer_free_at(struct qer *q, bool ul)
{
    return q->is_shared[ul] ? q->free_at[ul].shared : &q->free_at[ul].own;
}
/* Of a URR since its last report; what a report adds is in struct rule_usage. And whether its quota is used up. */
struct counted {
    uint64_t ul_octets, dl_octets, ul_packets, dl_packets;
    uint64_t start_us, first_packet_us, last_packet_us;
    uint32_t sequence;
    bool exhausted;
};
/* What few usage rules have: a quota, and others that they are linked to. */
struct urr_more {
    struct rule_volume quota;
    uint64_t time_quota_us, holding_us, validity_us;
    uint64_t used[2], start_us, validity_due_us;
    uint64_t last_us; /* start, quota or packet, whichever was last */
    uint8_t linked_n;
    uint32_t linked[RULE_LINKED];
};
struct urr {
    struct { /* of struct rule_urr */
        uint32_t id;
        bool measure_volume : 1, measure_duration : 1, report_start : 1, start_at_once : 1, quota_fresh : 1, report_macs : 1;
        struct rule_volume threshold;
        uint64_t time_threshold_us, period_us;
    } rule;
    uint64_t period_due_us;
    struct counted usage;
    struct urr_more *more; /* NULL: none of it */
};
struct pdr {
    uint64_t qfis;
    uint64_t packets, octets; /* forwarded by it, since it is there */
    uint32_t precedence, teid;
    uint16_t id;
    uint8_t source, far, sdf_first, sdf_n, eth_first, eth_n, qer_n, urr_n;
    uint8_t home; /* 1 + number of its rules_home(); 0: any prefix, or there is but one */
    bool carry_on;
    uint8_t qer[RULE_PDR_QERS], urr[RULE_PDR_URRS];
};
struct dp_rules { /* one block of memory with its arrays behind it */
    uint32_t session, gen, octets;
    uint16_t instance;
    uint8_t pdr_n, far_n, qer_n, urr_n, framed_n;
    bool has_ipv4 : 1, has_ipv6 : 1, is_ethernet : 1;
    bool in_lan : 1, carries_on : 1, is_multi_homed : 1; /* has PDRs of source RULE_LAN, and some with carry_on */
    uint8_t ipv4[4], ipv6_prefix[8];
    uint64_t inactivity_us, mac_age_us;
    struct rule_bar bar;
    struct pdr *pdr; /* by precedence */
    struct far *far;
    struct qer *qer;
    struct urr *urr;
    struct far_copy *copy;
    struct rule_sdf *sdf;
    struct rule_framed *framed;
    struct rule_eth *eth;
};
/* Of a session with several prefixes, behind the framed routes: that of the PDR with this number, before they were put in order. */
static inline uint8_t *rules_home(const struct dp_rules *r, unsigned i) { return (uint8_t *)(r->framed + r->framed_n) + 8 * i; }

struct held { /* a buffered downlink packet */
    struct held *next;
    uint32_t n;
    uint8_t from; /* enum rule_interface */
    bool flooded; /* struct inner */
    uint8_t room[DP_HEADROOM];
    uint8_t data[DP_PACKET_MAX];
};
/* A source address of an Ethernet session's frames, in dp.mac by instance and address. */
struct mac {
    uint64_t seen_us;
    uint32_t session;
    bool used;
    uint8_t addr[6];
};
struct session {
    uint32_t teid[RULE_TUNNELS]; /* 0: none */
    struct dp_rules *r;          /* NULL: no session */
    uint32_t gen;
    uint16_t held_n;
    bool notified : 1, inactive : 1, on_wheel : 1;
    uint8_t notified_at; /* low bits of a slow clock, buffer.c */
    struct held *held_last; /* its next is the first */
    struct mac *macs;       /* RULE_MACS of them; NULL: no Ethernet session */
    uint64_t last_us, notify_due_us; /* notify_due_us 0: none */
    uint16_t notify_pdr;
    uint16_t trace_left; /* packets that are still to be told of */
    uint32_t wheel_prev, wheel_next; /* sessions in the same slot */
    uint32_t wheel_at;               /* tick, its low bits */
};
/* Part of the packet path runs elsewhere (dp/offload.h): what it has counted is asked for before it
 * is looked at, and it is told of what it depends on. */
struct offload_hooks {
    void *ctx;
    /* usage and activity are needed now; leave: and nothing more is to happen there */
    void (*refresh)(void *ctx, struct session *, bool leave);
    void (*changed)(void *ctx, struct session *, const struct dp_rules *old); /* rules; r NULL: gone */
    /* so many packets of the session have come here; 0: it changed otherwise */
    void (*touched)(void *ctx, struct session *, unsigned packets);
    enum dp_where (*where)(void *ctx, const struct session *);
};
struct debt { /* of a rate: how far ahead of it somebody is, and when that was counted */
    uint64_t us, at_us;
};
struct lan { /* of an instance: sessions that get what is sent to many, in no order */
    uint32_t *member, n, room;
    struct debt *of_member;    /* of copies of what each has sent; */
    struct debt others, debt;  /* who sends and gets none; and all together */
};
/* What was told of a kind and peer. Those that rules send to and all others have a half each: who
 * comes from ever new addresses takes nobody's place in the other. */
enum { ABUSE_KINDS = 6, ABUSE_SLOTS = 64 };
struct abuse {
    uint64_t told_us; /* 0: never */
    uint32_t more;
};
struct pool {
    uint16_t instance;
    uint32_t base, mask;
    uint32_t *cell; /* session + 1 */
};

struct dp {
    struct dp_config config;
    struct dp_io io;
    struct offload_hooks offload; /* functions NULL: none */
    uint64_t now_us, tick;
    uint64_t count[DP_COUNTERS];
    struct session *session;
    uint32_t sessions, teid_mask;
    struct pool pool[DP_POOLS];
    struct map v4[DP_INSTANCES], v6[DP_INSTANCES]; /* to struct session */
    struct places remote;                          /* numbers of sessions */
    struct map framed;                                     /* by struct rule_framed, to struct session */
    uint32_t framed_of[2][129]; /* how many have so many bits; IPv4, IPv6 */
    struct lan lan[DP_INSTANCES];
    struct map mac; /* to struct mac */
    struct slab held;
    struct abuse abuse[ABUSE_KINDS][2][ABUSE_SLOTS];
    uint64_t replies_debt_us, replies_us;
    uint32_t wheel[WHEEL_SLOTS];
    uint64_t wheel_taken[WHEEL_SLOTS / 64]; /* a bit for each slot that has sessions */
    struct dp_datagram out[DP_BATCH];
    struct dp_packet core[DP_BATCH];
    struct held *out_owner[DP_BATCH], *core_owner[DP_BATCH];
    unsigned out_n, core_n;
    uint16_t core_instance;
    uint32_t scratch_used;
    uint8_t scratch[SCRATCH];
    uint8_t copying[DP_HEADROOM + 65536]; /* a packet that is sent twice */
    struct session *traced; /* whose packet is on its way; NULL: nobody asked for it */
    const struct pdr *traced_pdr;
    struct dp_trace trace;
};

static inline void dp_clock(struct dp *dp, uint64_t now_us)
{
    if (now_us > dp->now_us)
        dp->now_us = now_us;
}
static inline struct session *session_of_teid(struct dp *dp, uint32_t teid)
{
    uint32_t cell = teid & dp->teid_mask, i = cell / RULE_TUNNELS;
    if (!teid || i >= dp->config.sessions_max)
        return NULL;
    struct session *s = &dp->session[i];
    return s->teid[cell % RULE_TUNNELS] == teid ? s : NULL;
}
static inline uint32_t session_index(const struct dp *dp, const struct session *s)
{
    return (uint32_t)(s - dp->session);
}
static inline struct session *session_get(struct dp *dp, uint32_t session, uint32_t gen)
{
    struct session *s = session < dp->config.sessions_max ? &dp->session[session] : NULL;
    return s && s->r && s->gen == gen ? s : NULL;
}
static inline bool addr_eq(const struct rule_addr *a, const struct rule_addr *b)
{
    return a->family == b->family && !memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16);
}

static inline void offload_refresh(struct dp *dp, struct session *s, bool leave)
{
    if (dp->offload.refresh && s)
        dp->offload.refresh(dp->offload.ctx, s, leave);
}
static inline void offload_touched(struct dp *dp, struct session *s, unsigned packets)
{
    if (dp->offload.touched)
        dp->offload.touched(dp->offload.ctx, s, packets);
}

/* rules.c */
uint32_t dp_teid_mask(uint32_t sessions_max);
/* index.c: UE addresses and the far ends of tunnels */
int index_init(struct dp *dp);
void index_free(struct dp *dp);
uint32_t *index_cell(struct dp *dp, uint16_t instance, uint32_t ip); /* NULL: in no pool */
struct session *session_of_ue(struct dp *dp, uint16_t instance, uint8_t family, const uint8_t *ip);
int index_replace(struct dp *dp, struct session *s, const struct dp_rules *old,
                  const struct dp_rules *new);
struct session *session_of_remote(struct dp *dp, uint32_t teid, const struct rule_addr *peer);
/* framed.c */
bool framed_has(const struct dp_rules *r, uint8_t family, const uint8_t *ip);
struct session *session_of_framed(struct dp *dp, uint16_t instance, uint8_t family, const uint8_t *ip);
bool framed_free(const struct dp *dp, const struct session *s, const struct dp_rules *r); /* of others */
int framed_replace(struct dp *dp, struct session *s, const struct dp_rules *old, const struct dp_rules *new);
/* out.c: batches out. owner is given back to its slab once the packet is out */
void out_tunnel(struct dp *dp, const struct rule_addr *peer, uint8_t *p, uint32_t n,
                struct held *owner);
void out_core(struct dp *dp, uint16_t instance, uint8_t *p, uint32_t n, struct held *owner);
void out_flush(struct dp *dp);
void tunnel_flush(struct dp *dp); /* what goes into tunnels alone; scratch stays */
uint8_t *out_scratch(struct dp *dp, uint32_t n); /* good until the next flush */
void out_event(struct dp *dp, const struct session *s, struct dp_event *e);
/* abuse.c */
bool is_nested(const struct dp *dp, const struct inner *in);
bool is_core_address(const struct dp *dp, uint8_t family, const uint8_t *ip);
void abuse_tell(struct dp *dp, enum dp_counter what, const struct dp_datagram *d);
bool peer_of(const struct dp_rules *r, const struct rule_addr *peer);
/* reply.c */
bool reply_allowed(struct dp *dp);
enum dp_counter signalling_read(struct dp *dp, const struct gtpu *g, const struct rule_addr *from);
void error_indication_send(struct dp *dp, uint32_t teid, const struct rule_addr *to);
void extensions_send(struct dp *dp, uint16_t sequence, const struct rule_addr *to);
void end_marker_send(struct dp *dp, const struct rule_addr *to, uint32_t teid);
void too_big_send(struct dp *dp, uint16_t instance, const struct inner *in, const uint8_t *p);
/* path.c */
enum dp_counter downlink(struct dp *dp, struct session *s, enum rule_interface from,
                         const struct inner *in, uint8_t *p, struct held *owner);
/* lan.c: the members of a 5G LAN, and a packet from one of them */
bool lan_to_many(const struct inner *in); /* multicast or broadcast */
int lan_room(struct dp *dp, const struct dp_rules *new); /* for one more: ERR_NOSPACE */
void lan_replace(struct dp *dp, struct session *s, const struct dp_rules *old,
                 const struct dp_rules *new);
enum dp_counter lan_pass(struct dp *dp, struct session *from, uint16_t instance,
                         const struct inner *in, uint8_t *p);
/* macs.c: where an Ethernet session's frames come from */
/* The frame's source is the session's; INNER_GOOD, or why not: DP_mac_taken, DP_mac_limit. */
enum dp_counter mac_learn(struct dp *dp, struct session *s, const uint8_t *addr);
struct session *session_of_mac(struct dp *dp, uint16_t instance, const uint8_t *addr); /* NULL: not known */
int macs_room(struct session *s, const struct dp_rules *new); /* ERR_NOSPACE */
void macs_replace(struct dp *dp, struct session *s, const struct dp_rules *old, const struct dp_rules *new);
uint64_t macs_due(const struct session *s);
void macs_expire(struct dp *dp, struct session *s);
/* buffer.c */
enum dp_counter buffer_hold(struct dp *dp, struct session *s, const struct pdr *pdr,
                            const struct inner *in, const uint8_t *p, struct held *owner);
void buffer_notify(struct dp *dp, struct session *s, const struct pdr *pdr, uint8_t tos);
void buffer_notify_due(struct dp *dp, struct session *s);
void buffer_release(struct dp *dp, struct session *s);
void buffer_drop(struct dp *dp, struct session *s);
/* meter.c */
bool gate_open(const struct dp_rules *r, const struct pdr *pdr, bool ul);
bool police(struct dp *dp, struct dp_rules *r, const struct pdr *pdr, bool ul, uint32_t n);
void usage_add(struct dp *dp, struct session *s, const struct pdr *pdr, uint64_t octets,
               uint64_t packets, uint64_t last_us);
bool quota_left(const struct dp_rules *r, const struct pdr *pdr);
void usage_count(struct dp *dp, struct session *s, const struct pdr *pdr, bool ul, uint32_t n);
void usage_start(struct dp *dp, struct urr *u);
void usage_take(struct dp *dp, struct urr *u, struct rule_usage *to);
void usage_tell(struct dp *dp, struct session *s, struct urr *u, uint32_t triggers);
void usage_tell_with(struct dp *dp, struct session *s, struct urr *u, uint32_t triggers, struct bytes packet);
void usage_report(struct dp *dp, struct session *s, struct urr *u, uint32_t triggers);
void usage_leave(struct dp *dp, struct session *s, struct urr *u);
/* trace.c: of a packet whose session is traced */
void trace_begin(struct dp *dp, struct session *s, const uint8_t *p, uint32_t n);
void trace_end(struct dp *dp, enum dp_counter fate);
/* timer.c */
void timer_arm(struct dp *dp, struct session *s);
void timer_disarm(struct dp *dp, struct session *s);
