/* SPDX-License-Identifier: Apache-2.0 */
/* guard_parts.h - what the files of the guard share. */
#pragma once
#include "base/addr.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slab.h"
#include "trust/guard.h"

enum {
    GUARD_SUCIS = 16384,   /* concealed identities that are remembered */
    GUARD_PEERS = 4096,    /* RAN nodes and SMFs */
    GUARD_NODE_ID = 32,    /* octets */
    GUARD_BURST = 8,       /* of a kind that happens now and then: so many within GUARD_WINDOW_US are no accident */
    GUARD_TOLD = 4,        /* findings of a kind about one peer that are told within GUARD_WINDOW_US */
    GUARD_TOLD_ALL = 256,  /* and about all of them: who comes under ever new names fills no disk either */
};
#define GUARD_WINDOW_US 60000000ull

struct guard_latest { /* the latest finding of a kind that was told; at_unix_us 0: there was none */
    uint64_t at_unix_us;
    char subject[64], why[192];
};
struct guard_told { /* within a window */
    uint64_t since_us;
    uint32_t told, burst;
};
struct guard_peer { /* a RAN node by its association, an SMF by its address */
    struct link on_guard; /* who was heard of last comes last; who is not in service yet comes before all others */
    uint64_t key;
    bool in_service; /* NG Setup succeeded, or it has a session */
    char name[64];   /* "?" until then: what it says of itself before counts for nothing */
    uint8_t node_id[GUARD_NODE_ID]; /* GlobalRANNodeID, of its last NG Setup Request */
    uint8_t node_id_n;
    char claims[64]; /* the same, as text */
    struct link ues, sessions; /* the newest last */
    struct guard_told of[GUARD_DETECTIONS];
};
struct guard_ue { /* a phone's connection, by AMF UE NGAP ID */
    struct link on_peer;
    struct guard_peer *peer; /* whose it is */
    uint64_t id, ran;
    bool has_ran, has_capabilities;
    uint8_t nea, nia; /* as in the phone's security capability, first octets */
    uint16_t integrity, ciphering; /* PDU sessions whose protection is required, by bit */
    uint64_t suci;                 /* of its registration; 0: none */
};
struct guard_session { /* of a UPF of this process */
    struct link on_peer;
    struct guard_peer *owner;
    uint64_t seid;
};
struct guard_suci {
    uint64_t hash, at_us; /* hash 0: free */
    bool used;            /* the phone that made it has got its GUTI: it makes another next time */
};
struct guard {
    struct rt *rt;
    struct guard_conf conf;
    struct tap tap;
    struct slab peers, ues, sessions;
    struct map peer_by_key, ue_by_id, session_by_seid;
    /* Those of the message before: what a phone does concerns both several times. NULL: gone since. */
    struct guard_peer *last_peer;
    struct guard_ue *last_ue;
    struct link order; /* of peers: the first is the first to be forgotten */
    struct guard_told all[GUARD_DETECTIONS];
    struct guard_latest latest[GUARD_DETECTIONS];
    uint64_t count[GUARD_DETECTIONS], since_us; /* it listens */
    struct guard_suci sucis[GUARD_SUCIS];
    uint8_t block[16384]; /* transfers are decoded here */
};
/* Nodes at an address, of any port; associations never have so high a key. */
enum guard_at { GUARD_ON_N3 = 62, GUARD_ON_N4 = 63 };
uint64_t guard_key_at(const struct guard *, enum guard_at, const struct net_addr *);
struct guard_peer *guard_peer(struct guard *, uint64_t key); /* NULL: no memory */
void guard_peer_serves(struct guard *, struct guard_peer *); /* from here on it is in service */
struct guard_ue *guard_ue(struct guard *, uint64_t id);     /* NULL: not followed */
/* From here on the peer's. NULL: too many, and the peer has none that could be forgotten. */
struct guard_ue *guard_ue_of(struct guard *, struct guard_peer *, uint64_t id);
void guard_ue_drop(struct guard *, struct guard_ue *);
struct guard_session *guard_session_of(struct guard *, struct guard_peer *, uint64_t seid); /* as guard_ue_of() */
void guard_session_drop(struct guard *, struct guard_session *);
void guard_peer_forget(struct guard *, struct guard_peer *); /* its phones' connections and its sessions are gone */
void guard_peer_drop(struct guard *, struct guard_peer *);
void guard_find(struct guard *, enum guard_detection, struct guard_peer *, const struct tap_event *, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* True at the GUARD_BURST-th within a window; then counts anew. */
bool guard_burst(struct guard *, enum guard_detection, struct guard_peer *);

void guard_n1(struct guard *, const struct tap_event *);
void guard_n2(struct guard *, const struct tap_event *);
void guard_n3(struct guard *, const struct tap_event *);
void guard_n4(struct guard *, const struct tap_event *);
