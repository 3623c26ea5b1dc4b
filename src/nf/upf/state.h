/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - the UPF's sessions and what is on its way. */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "base/places.h"
#include "base/sparse.h"
#include "dp/user_plane.h"
#include "proto/pfcp.h"
#include "rt/config.h"
#include "rt/metrics.h"
#include "nf/upf/upf.h"

enum {
    UPF_SDF_MAX = RULE_MAX, /* filters a session */
    UPF_FRAMED_MAX = 64,    /* framed routes in all its PDRs */
    UPF_ETH_MAX = RULE_ETHS, /* Ethernet filters */
    UPF_SCRATCH = 512 * 1024,
    UPF_ASSOCS_MAX = 64,
    UPF_REPORTS_MAX = 4096, /* Session Report Requests under way */
    UPF_COPIES_MAX = 1024,
    UPF_PENDING_MAX = 8192, /* requests that wait for the packet path's counters */
};

/* ---- rules as PFCP gave them, for the updates to come ---- */
struct upf_far {
    struct rule_far rule; /* action as asked for; the packet path gets what can be done */
    bool has_parameters;  /* Forwarding Parameters: without them FORW acts as DROP, 8.2.26 */
};
struct upf_urr {
    struct rule_urr rule; /* thresholds as given; the packet path gets those that trigger */
    uint32_t triggers;    /* PFCP_TRIGGER_* */
    bool packets, by_event; /* MNOP: the number of packets too; method EVENT, of MAC addresses */
    uint32_t mac_age_s;   /* Ethernet Inactivity Timer; 0: not said */
};
struct upf_endpoint { /* TS 29.244 5.2.1A.2 */
    uint64_t qfis;
    uint32_t teid;    /* 0: none */
    int16_t instance; /* -1: of no data network here */
    uint8_t id;
    bool has_instance;
};
enum { UPF_ENDPOINTS = 16 }; /* a session */
struct upf_rules { /* one block of memory with its arrays behind it, in falling order of alignment */
    uint16_t endpoint_n, pdr_n, far_n, qer_n, urr_n, sdf_n, framed_n, eth_n;
    uint32_t octets;
    struct upf_urr *urr;
    struct rule_qer *qer;
    struct upf_endpoint *endpoint;
    struct rule_pdr *pdr;
    struct upf_far *far;
    struct rule_sdf *sdf;
    struct rule_eth *eth;
    struct rule_prefix *framed;
};
enum {
    UPF_RULES_OCTETS = sizeof(struct upf_rules) +
                       RULE_MAX * (sizeof(struct upf_urr) + sizeof(struct rule_qer) + sizeof(struct rule_pdr) +
                                   sizeof(struct upf_far)) + UPF_ENDPOINTS * sizeof(struct upf_endpoint) +
                       UPF_SDF_MAX * sizeof(struct rule_sdf) + UPF_ETH_MAX * sizeof(struct rule_eth) + UPF_FRAMED_MAX * sizeof(struct rule_prefix)
};
struct upf_kept { /* rules in rest: they are mostly zeros, and rarely looked at */
    uint32_t octets; /* of the block */
    uint16_t route_n;
    struct rule_framed route[]; /* of all PDRs, in upf.framed; then the packed rules */
};
struct upf_common { /* of the whole session */
    uint16_t instance;
    bool has_instance, has_ipv4, has_ipv6, has_bar, is_ethernet;
    uint8_t ipv4[4], ipv6_prefix[8], bar_id;
    uint32_t inactivity_s;
    struct rule_bar bar;
    uint64_t subject; /* upf_subject() */
};

struct upf_session {
    uint64_t cp_seid;
    struct net_addr cp; /* where its reports go; both in by_cp */
    bool going;         /* deleted; its last counters are awaited */
    uint16_t changed_s; /* its rules, last: low bits of the clock */
    uint16_t copy;      /* 1 + index of a struct upf_copy; 0: nothing is copied */
    struct pfcp_assoc *assoc;
    struct upf_common common;
    struct upf_kept *rules; /* upf_rules() */
    struct link pending; /* struct upf_pending, oldest first */
};
/* A request whose answer holds what the packet path counted. Commands are carried out in order, so
 * reports that come before its DP_EVENT_DONE are of the session's oldest one. */
struct upf_pending {
    struct link link;
    struct ref session, answer;
    uint8_t type; /* of the request */
    uint16_t created_n;
    struct upf_created *created;
    uint32_t reports_n, reports_cap;
    struct pfcp_usage_report *report;
};
struct upf_created { /* an F-TEID that was chosen: of a PDR, or of a traffic endpoint */
    uint16_t pdr_id; /* or the endpoint's */
    bool is_endpoint;
    uint8_t families; /* PFCP_F_TEID_V4, V6 */
    uint32_t teid;
};
struct upf_copy { /* a session whose packets are copied, under a warrant */
    struct ref session;
    struct pfcp_outer_header_creation to;
    char id[65]; /* of the warrant */
};
struct upf_told { /* of an answer */
    struct pfcp_created_pdr *pdr;
    struct pfcp_created_traffic_endpoint *endpoint;
    uint32_t pdr_n, endpoint_n;
};
struct upf_report { /* a Session Report Request */
    struct upf *upf;
    struct ref session;
    uint8_t assoc; /* index of the SMF's */
};

/* A GTP-U peer that rules send to: TS 29.281 7.2, TS 23.527 5.4 */
struct upf_path {
    struct upf *upf;
    struct rule_addr peer;
    uint8_t key[17];
    uint32_t users; /* FARs */
    uint16_t sequence;
    uint8_t sent; /* echo requests since the last answer */
    bool lost;
    struct timer timer;
};

/* The rules that a request would make, until all of it is found good. */
struct upf_draft {
    struct upf *upf;
    const struct pfcp_assoc *assoc;
    uint32_t session, gen;
    struct upf_common common;
    uint16_t pdr_n, far_n, qer_n, urr_n, sdf_n, eth_n, framed_n, created_n, removed_n, endpoint_n;
    struct rule_pdr pdr[RULE_MAX];
    struct upf_far far[RULE_MAX];
    struct rule_qer qer[RULE_MAX];
    struct upf_urr urr[RULE_MAX];
    struct upf_endpoint endpoint[UPF_ENDPOINTS];
    struct rule_sdf sdf[2 * UPF_SDF_MAX];
    struct rule_eth eth[2 * UPF_ETH_MAX];
    struct rule_prefix framed[2 * UPF_FRAMED_MAX];
    struct upf_created created[RULE_MAX];
    uint32_t removed[RULE_MAX]; /* URRs */
    uint32_t chosen[256];       /* by CHOOSE ID: the TEID, 0: none yet */
    bool drop_buffered, restores; /* the latter: F-TEIDs that an earlier process of ours gave are as good as new ones */
    const struct config_warrant *warrant; /* under which it asks for copies; NULL: for none */
    /* why not */
    uint8_t cause;
    uint16_t offending;
    bool has_rule; /* the rule at hand: of the Failed Rule ID */
    struct pfcp_failed_rule_id rule;
    const char *why;
    /* what the packet path gets */
    struct rule_far out_far[RULE_MAX];
    struct rule_urr out_urr[RULE_MAX];
    /* a session's rules in full, those to be kept, and what is kept of them */
    _Alignas(8) uint8_t old[UPF_RULES_OCTETS], made[UPF_RULES_OCTETS], packed[SPARSE_MAX(UPF_RULES_OCTETS)];
};

/* An application of an SMF: what its packets look like. PDRs name it by its number, the index and 1. */
enum { UPF_APPS = 256, UPF_APP_ID_MAX = 63, UPF_APP_FILTERS = 64 };
struct upf_app {
    struct pfcp_assoc *assoc; /* NULL: free */
    struct rule_sdf *sdf;
    uint32_t users; /* PDRs */
    uint16_t n;
    bool changed; /* its sessions are being renewed */
    uint8_t id_n;
    char id[UPF_APP_ID_MAX];
};

/* Packets of a session that are shown to whoever asked at the control socket. */
enum { UPF_TRACES = 4, UPF_TRACE_PACKETS = 1000, UPF_TRACE_SECONDS = 600 };
struct upf_pdr_count {
    uint16_t id;
    uint64_t packets, octets;
};
struct upf_trace {
    struct upf *upf; /* NULL: free */
    uint32_t id;
    struct ref session;
    uint16_t packets, n, told, counts_n; /* wanted; come; told of */
    bool started, has_head, json;
    int where;           /* enum dp_where, once started */
    const char *why;     /* it has ended; NULL: it goes on */
    uint64_t started_us, until_us, read_us;
    struct dp_trace *record;
    struct upf_pdr_count *count;
    struct timer timer;
};

struct upf_metric { /* load or overload, as it was last told */
    uint8_t value;
    uint32_t sequence; /* 0: not yet */
};
/* A packet from an address that is not its tunnel's end. It may be that N4 names that end in a moment: abuse.c. */
enum { UPF_SUSPECTS = 64, UPF_SUSPECT_OCTETS = 128 };
struct upf_suspect {
    struct ref session;
    uint64_t at_us;
    uint32_t n;
    struct tap_n3 n3;
    uint8_t octets[UPF_SUSPECT_OCTETS];
};

struct upf {
    struct rt *rt;
    const struct config_upf *config;
    struct user_plane *up;
    struct pfcp_node pfcp;
    struct slab sessions, pendings, reports, paths, copies;
    uint16_t reports_of[UPF_ASSOCS_MAX];
    uint32_t going;                   /* sessions that wait for their last counters */
    struct map framed; /* by struct rule_framed */
    struct places by_cp, ue4; /* numbers of sessions */
    uint64_t secret[2];       /* of their hashes */
    struct map ue6[DP_INSTANCES], path_of_peer, path_of_sequence;
    struct upf_draft *draft;
    uint8_t *scratch;
    struct timer tick, suspicion;
    struct upf_suspect *suspects; /* the oldest first */
    uint32_t suspects_n;
    uint16_t sequence;
    uint64_t seen_spoofed, seen_unknown;
    struct upf_metric load, overload;
    struct upf_app *app; /* UPF_APPS of them */
    uint32_t renewed; /* sessions that have been looked at for one that changed; after the last again, if another did */
    bool renew_again;
    struct timer renewal;
    struct link asking; /* associations that wait for the trust function: trust.c */
    struct upf_trace trace[UPF_TRACES];
    uint32_t trace_last; /* the number of the last one */
};

/* upf.c */
void upf_sessions_end(struct upf *, const struct pfcp_assoc *of); /* NULL: all */
struct upf_session *upf_session_of_seid(struct upf *, uint64_t seid);
uint64_t upf_seid(const struct upf *, const struct upf_session *);
/* NULL: none has it. */
struct upf_session *upf_session_of_ue4(const struct upf *, uint16_t instance, const uint8_t ip[4]);
bool upf_ue4_claim(struct upf *, const struct upf_session *, const struct upf_common *);
void upf_ue4_release(struct upf *, const struct upf_session *, const struct upf_common *);
/* Takes the session from all tables; with its rules out of the packet path if drop. */
void upf_session_end(struct upf *, struct upf_session *, bool drop);
/* Found by its F-SEID at the SMF from now on; unnamed before that changes. One that had the same is ended: an F-SEID is of one session (TS 29.244
 * 5.6.2), so the SMF knows no other; it never saw the answer that brought the first. 0 or ERR_NOSPACE. */
int upf_session_name(struct upf *, struct upf_session *);
void upf_session_unname(struct upf *, const struct upf_session *);
void upf_tick_plan(struct upf *);
uint32_t upf_ntp(const struct upf *, uint64_t at_us); /* of a time on env's clock */

bool upf_path_of(const struct upf *, const struct rule_addr *peer); /* path.c: rules send there */
/* abuse.c */
void abuse_told(struct upf *, const struct upf_session *, const struct dp_event *); /* session NULL: of none */

/* draft.c */
void draft_begin(struct upf_draft *, struct upf *, const struct upf_session *);
bool draft_refuse(struct upf_draft *, uint8_t cause, uint16_t offending, const char *why);
/* In a function of a draft d that says whether it was taken. */
#define UNSUPPORTED(cond, ie)                                                                      \
    do {                                                                                           \
        if (cond)                                                                                  \
            return draft_refuse(d, PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE, PFCP_IE_##ie, "not supported: " #ie); \
    } while (0)
void draft_rule(struct upf_draft *, uint8_t type, uint32_t id);
/* References, and all that the packet path checks: its rules, or NULL with the cause set. */
struct dp_rules *draft_check(struct upf_draft *);
/* Publishes and keeps them; tag as in struct dp_command. false: nothing has changed, cause set. */
bool draft_commit(struct upf_draft *, struct upf_session *, struct dp_rules *, uint32_t tag);
void routes_release(struct upf *, const struct upf_session *);
struct rule_pdr *draft_pdr(struct upf_draft *, uint16_t id);
struct upf_far *draft_far(struct upf_draft *, uint32_t id);
struct rule_qer *draft_qer(struct upf_draft *, uint32_t id);
struct upf_urr *draft_urr(struct upf_draft *, uint32_t id);
struct upf_urr *rules_urr(const struct upf_rules *, uint32_t id);
/* The session's rules, good until they are asked for again; NULL: none. */
const struct upf_rules *upf_rules(const struct upf *, const struct upf_session *);

/* pdr.c, far.c, qer.c, urr.c, bar.c: one rule of a request each; false: refused */
/* ethernet.c: Ethernet Packet Filters, and what came or went of the MAC addresses behind a session */
bool eths_take(struct upf_draft *, struct rule_pdr *, const struct pfcp_ethernet_packet_filter *, uint32_t n);
struct upf_macs { /* what a usage report points to */
    uint8_t octets[9];
    struct bytes list;
};
void macs_fill(struct pfcp_usage_report *, struct upf_macs *, const struct dp_event *);
bool pdr_create(struct upf_draft *, const struct pfcp_create_pdr *);
bool pdr_update(struct upf_draft *, const struct pfcp_update_pdr *);
bool pdr_remove(struct upf_draft *, uint16_t id);
bool far_create(struct upf_draft *, const struct pfcp_create_far *);
bool far_update(struct upf_draft *, const struct pfcp_update_far *);
bool far_remove(struct upf_draft *, uint32_t id);
bool qer_create(struct upf_draft *, const struct pfcp_create_qer *);
bool qer_update(struct upf_draft *, const struct pfcp_update_qer *);
bool qer_remove(struct upf_draft *, uint32_t id);
bool urr_create(struct upf_draft *, const struct pfcp_create_urr *);
bool urr_update(struct upf_draft *, const struct pfcp_update_urr *);
bool urr_remove(struct upf_draft *, uint32_t id);
bool bar_create(struct upf_draft *, const struct pfcp_create_bar *);
bool bar_update(struct upf_draft *, const struct pfcp_update_bar *);
bool bar_remove(struct upf_draft *, uint8_t id);
bool endpoint_create(struct upf_draft *, const struct pfcp_create_traffic_endpoint *);
bool endpoint_update(struct upf_draft *, const struct pfcp_update_traffic_endpoint *);
bool endpoint_remove(struct upf_draft *, uint8_t id);
struct upf_endpoint *draft_endpoint(struct upf_draft *, uint8_t id); /* NULL: none */
bool endpoint_apply(struct upf_draft *, struct rule_pdr *, const struct upf_endpoint *);
/* pdr.c, for endpoints as well: *teid becomes the F-TEID that is asked for, or stays and false is returned; the session's data
 * network and addresses. `of` says whose F-TEID it is. */
bool f_teid_take(struct upf_draft *, uint32_t *teid, struct upf_created of, const struct pfcp_f_teid *);
bool f_teid_was_ours(const struct upf *, const struct pfcp_f_teid *); /* by its address, where it was not asked for */
bool ue_address_take(struct upf_draft *, const struct pfcp_ue_ip_address *);
bool instance_take(struct upf_draft *, int instance);
/* The index in upf.n6 of a Network Instance (as labels or with dots), or -1. */
int instance_find(const struct upf *, struct str network_instance);

/* warrant.c */
uint64_t upf_subject(const struct upf *, const struct pfcp_user_id *);
bool copy_take(struct upf_draft *, struct rule_far *, const struct pfcp_outer_header_creation *, uint16_t ie);
bool copies_begin(struct upf_draft *, struct upf_session *); /* before the rules are published; false: refused */
void copies_committed(const struct upf_draft *, struct upf_session *);
void copies_end(struct upf *, struct upf_session *, const char *why);
void copies_check(struct upf *); /* ends those whose warrant is not in force any more */

/* session_*.c: the three requests of an SMF */
void session_establishment(struct upf *, const struct pfcp_in *);
void session_modification(struct upf *, const struct pfcp_in *);
void session_deletion(struct upf *, const struct pfcp_in *);
/* What waited is answered; p is gone. */
void pending_answer(struct upf *, struct upf_pending *);
struct upf_pending *pending_new(struct upf *, struct upf_session *, const struct pfcp_in *);
void pending_drop(struct upf *, struct upf_pending *);
uint32_t pending_tag(const struct upf *, const struct upf_pending *);
/* What an answer tells of F-TEIDs that were chosen, in the scratch arena. */
void created_list(struct upf *, struct arena *, const struct upf_created *, uint32_t n, struct upf_told *);
void refuse_log(struct upf *, const struct pfcp_in *, uint8_t cause, uint16_t offending,
                const char *why);

/* trust.c: who built the SMF */
enum { NODE_TEXT = 151 };
/* A cause, or 0: pfcp_setup_answer() comes later. */
uint8_t upf_trust_ask(struct upf *, const struct pfcp_in *);
void upf_trust_gone(struct upf *, struct pfcp_assoc *);
bool upf_trust_refuses(const struct pfcp_assoc *); /* new sessions: it lost its permission */
void upf_op_trust_changed(void *upf, struct call *);
void upf_trust_stop(struct upf *);
/* report.c: events of the packet path */
void upf_event(void *upf, const struct dp_event *);
/* trace.c: "start seid=0x…|ue=ADDRESS packets=N seconds=N", "read N", "stop N" */
void trace_ask(void *upf, struct str words, struct text *answer);
void trace_event(struct upf *, const struct dp_event *);
void traces_session_ended(struct upf *, const struct upf_session *);
void traces_free(struct upf *);
/* trace_json.c: a line each */
void trace_json_head(const struct upf *, const struct upf_session *, const struct upf_trace *, struct text *);
void trace_json_packet(const struct upf *, const struct upf_trace *, const struct dp_trace *, struct text *);
/* status.c */
void upf_status(void *upf, void (*line)(void *ctx, const char *text), void *ctx);
void upf_counters_take(struct upf *);
/* A session with its rules; counts NULL: without what each PDR forwarded. */
void session_text(const struct upf *, const struct upf_session *, const struct upf_pdr_count *, uint32_t n,
                  struct text *);
const char *rule_addr_text(const struct rule_addr *, char buf[NET_ADDR_TEXT]);
struct str instance_name(const struct upf *, uint16_t instance);
/* pfd.c */
void pfd_management(struct upf *, const struct pfcp_in *);
struct upf_app *app_find(struct upf *, const struct pfcp_assoc *, struct str id);
bool app_filters(struct upf_draft *, struct rule_pdr *, const struct upf_app *);
void apps_use(struct upf *, const struct upf_rules *new_rules, const struct upf_rules *old_rules);
void apps_drop(struct upf *, const struct pfcp_assoc *of); /* NULL: all */
/* load.c: false: nothing is to be told */
bool load_fill(struct upf *, const struct pfcp_assoc *, struct pfcp_load_control_information *);
bool overload_fill(struct upf *, const struct pfcp_assoc *, struct pfcp_overload_control_information *);
#define LOAD_TELL(u, assoc, r)                                                                     \
    do {                                                                                           \
        (r)->has.load_control_information = load_fill(u, assoc, &(r)->load_control_information);   \
        (r)->has.overload_control_information =                                                    \
            overload_fill(u, assoc, &(r)->overload_control_information);                           \
    } while (0)
/* router_advertisement.c */
void router_solicited(struct upf *, struct upf_session *, const struct dp_event *);
/* path.c */
void paths_use(struct upf *, const struct upf_rules *new_rules, const struct upf_rules *old_rules);
void path_answered(struct upf *, const struct dp_event *);
void paths_free(struct upf *);
