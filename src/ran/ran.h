/* SPDX-License-Identifier: Apache-2.0 */
/* ran.h - a simulated radio access network: gNBs (cells), phones, and one N3 socket that the gNBs share. All of it
 * runs in one runtime; phones cost a slab item and timers, no thread and no allocation once they are there. The radio
 * is a function call: ue_*.c is the phone's side, gnb_*.c the gNB's; each keeps to what the other really sends. */
#pragma once
#include "base/slab.h"
#include "crypto/crypto.h"
#include "ran/gnb.h"

struct ue;
struct ue_session;

enum ue_event_kind {
    UE_CONNECTED,           /* an N1 signalling connection is asked for */
    UE_IDLE,                /* and gone */
    UE_REGISTERED,          /* us: since its request */
    UE_REGISTRATION_FAILED, /* cause: 5GMM, 0: no answer, or the connection went */
    UE_DEREGISTERED,        /* cause: 5GMM, 0: as asked */
    UE_SERVICE_ACCEPTED,
    UE_SERVICE_FAILED, /* cause as above */
    UE_PAGED,
    UE_CONFIGURED,     /* a configuration update was taken */
    UE_SESSION_UP,     /* us: since its request */
    UE_SESSION_FAILED, /* cause: 5GSM, or 5GMM when is_gmm */
    UE_SESSION_CHANGED,
    UE_SESSION_DOWN, /* cause: 5GSM */
    UE_ADDRESS6,     /* the session's global address is known */
    UE_PING_REPLY,   /* us: round-trip time */
    UE_BARRED,       /* the gNB, or T3346, keeps it back for now; it goes on by itself. us: for how long */
    UE_DATA,         /* a UDP datagram for the phone itself: data; lives until the call returns */
};
struct ue_event {
    enum ue_event_kind kind;
    uint8_t psi, cause;
    bool is_gmm;
    uint64_t us;
    struct bytes data;
};
const char *ue_event_name(enum ue_event_kind);

struct ran_config {
    uint32_t max_ues, max_sessions;
    struct net_addr n3;      /* where the gNBs' tunnels end; family 0: no user plane. port 0: 2152 */
    uint64_t inactivity_us;  /* a phone without traffic is sent to idle; 0: never */
    void (*event)(void *ctx, struct ue *, const struct ue_event *); /* NULL: nobody listens */
    void *ctx;
};
struct ran_counters {
    uint64_t initial, uplink, downlink, undelivered, context_setups, context_failures, releases, release_requests,
        bearers_up, bearers_down, paging, paging_hits, key_mismatches, n3_rx, n3_tx, n3_unknown, n3_bad, n3_echo,
        n3_errors, n3_end_markers, barred, nas_discarded, nas_bad, nas_status;
};
enum { RAN_NAS_MAX = 8192, RAN_BLOCK = 1 << 17, RAN_PACKET_MAX = 9216, RAN_HEADROOM = 32 };
struct ran {
    struct rt *rt;
    struct ran_config config;
    struct slab ues, sessions, links, bearers;
    struct map by_tmsi; /* 5G-S-TMSI in 48 bits -> phone that camps with it */
    int n3;             /* socket; negative: none */
    uint64_t n_echo;    /* echo responses received */
    struct ran_counters counters;
    uint8_t *block;               /* what is decoded of one NAS message */
    uint8_t *clear, *inner, *plain, *out, *packet; /* one message at a time each */
};
/* 0, ERR_NOSPACE, or the socket's error. rt->crypto must be set. */
int ran_init(struct ran *, struct rt *, const struct ran_config *);
void ran_free(struct ran *); /* phones go without a word; free the cells before */
void ran_tell(struct ue *, const struct ue_event *);

/* A gNB with one cell: N2 by struct gnb, the phones by gnb_ue.c. The first tracking area of its configuration is
 * the cell's. */
struct cell {
    struct gnb gnb; /* its `user` is the cell */
    struct ran *ran;
    struct link links; /* struct gnb_ue that are connected */
    uint32_t n_links;
    uint8_t nci[5]; /* NR cell identity, 36 bits */
    struct cell_faults { /* what a gNB must not do, for trying the network */
        struct net_addr n3_elsewhere; /* where it says that its tunnels end; family 0: where they do */
        bool unprotected;             /* says that it protects no session, whatever is required */
    } faults;
};
int cell_init(struct cell *, struct ran *, const struct gnb_config *);
void cell_free(struct cell *);
/* The gNB is switched off: its association dies and its phones lose their radio. */
void cell_vanish(struct cell *);

/* ---- the gNB's side of a phone ---- */
struct bearer { /* of a PDU session: its tunnel */
    struct gnb_ue *link;
    struct bearer *next;
    struct net_addr peer; /* the UPF */
    uint32_t teid, peer_teid; /* ours, the UPF's */
    uint8_t psi, type, qfi;   /* qfi: of the first flow */
    uint64_t flows;           /* bit QFI */
    uint64_t rx, tx;          /* packets */
};
struct gnb_ue {
    struct cell *cell;
    struct link on_cell;
    struct ue *ue; /* NULL: its radio is gone, the AMF is not done yet */
    struct bearer *bearers;
    uint64_t amf_id;
    uint32_t ran_id;
    bool has_amf_id, has_context, told_capability, release_asked;
    struct timer timer; /* inactivity, or until the AMF has answered a release request */
    uint64_t active_us; /* of the latest traffic */
    uint64_t asked_us;  /* when the core was last sent something that it has not answered; 0: never */
    uint64_t core_us;   /* time in which the phone waited for the core, so far */
};
/* The AMF has told this gNB to hold phones back, and this is one of them: ue_barred() has told it for how long. nssai:
 * what the phone tells the gNB of its slices; none: nothing. */
bool gnb_bars(struct cell *, struct ue *, uint32_t cause, const struct gnb_slice *nssai, uint32_t n);
/* Initial UE Message, TS 38.413 8.6.1; cause: NGAP_RRCEstablishmentCause_*. tmsi: 48 bits, 0: none. */
int gnb_ue_connect(struct cell *, struct ue *, uint32_t cause, uint64_t tmsi, struct bytes nas);
int gnb_ue_uplink(struct gnb_ue *, struct bytes nas);
/* The phone is gone from the radio; its `link` is already forgotten. */
void gnb_ue_lost(struct gnb_ue *);
/* UE Context Release Request, 8.3.2; cause: NGAP_CauseRadioNetwork_*. */
int gnb_ue_release_request(struct gnb_ue *, uint32_t cause);
struct bearer *gnb_bearer_find(const struct gnb_ue *, uint8_t psi);
extern const struct gnb_ue_ops gnb_phones; /* gnb_ue.c */

/* ---- N3: gnb_n3.c ---- */
int gnb_n3_open(struct ran *);
void gnb_n3_close(struct ran *);
struct bearer *gnb_bearer_new(struct gnb_ue *, uint8_t psi); /* NULL: as many as configured */
void gnb_bearer_drop(struct bearer *);
/* One IP packet into the tunnel. It is copied. */
int gnb_n3_send(struct bearer *, uint8_t qfi, struct bytes packet);
int gnb_n3_echo(struct ran *, const struct net_addr *upf);
