/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec_parts.h - what the files of trust/ipsec_peers.h share: the tunnels that strongSwan tells of. */
#pragma once
#include "trust/ipsec_peers.h"
#include "base/map.h"

enum {
    HOSTS = 4,          /* addresses of one SA that are kept */
    SAS_MAX = 70000,
    ID_OCTETS = 512,    /* of an IKE identity as text */
    NAME_OCTETS = 128,  /* of a connection of the daemon's */
    CERTIFICATE_OCTETS = 16384,
    LISTS_OCTETS = 16 << 20,
    TRIES = 3,          /* rounds in which a certificate is asked for; then each RARELY-th */
    RARELY = 12,
    RECHECKS = 8,       /* certificates verified at once */
    GAP_US = 100000,    /* between the beginnings of rounds */
    POLL_US = 5000000,
    ANSWER_US = 5000000,
    PATIENCE_US = 700000, /* of those who wait; less than a service call's deadline */
    GONE_US = 10000000, /* a peer may take as long to come back */
    DOWN_US = 60000000, /* the daemon may */
    SLACK_US = 2000000, /* of times that are told in seconds */
    SPIS = 16,
    HOST_KEY = 17
};

struct sa;
struct place { /* an address that tunnels carry */
    uint8_t key[HOST_KEY];
    struct link hosts;
};
struct sa_host {
    struct link link; /* of its place */
    struct place *place;
    struct sa *sa;
    struct net_addr at;
    uint8_t services;
};
struct sa { /* IKE_SA */
    struct link link, on_ask;
    uint8_t spis[SPIS];
    char id[ID_OCTETS]; /* of the peer */
    char connection[NAME_OCTETS];
    bool is_loaded, by_key; /* its connection is; asks the peer for a certificate and nothing else */
    struct sa_host hosts[HOSTS];
    uint32_t n_hosts, tries;
    uint64_t round, gone_us /* 0: it is up */, since_us;
    bool several; /* its authority issued certificates for more than one key; for good: a daemon forgets what peers showed */
    uint8_t *certificate, key[32]; /* NULL: not known yet */
    uint32_t certificate_n;
    enum identity_verdict verdict; /* of the certificate by itself, under these lists: */
    uint64_t lists;
    int64_t expires;
};
struct seen { /* an SA as the daemon tells of it */
    uint8_t spis[SPIS];
    struct str id, connection;
    bool has_initiator, has_responder, is_up;
    uint64_t established_s;
    struct sa_host hosts[HOSTS];
    uint32_t n_hosts;
};

enum step { STEP_DOWN, STEP_REGISTER, STEP_IDLE, STEP_SAS, STEP_LISTS, STEP_CONNECTION, STEP_CERTIFICATE };

struct ipsec_peers {
    struct ipsec_peers_conf conf;
    struct rt *rt;
    struct identity_anchors *anchors;
    char *authority;
    uint32_t authority_n;
    struct map by_spis, by_host;
    struct link sas, waiters, to_ask;
    uint32_t n_sas;
    /* the link */
    enum step step;
    uint32_t registered;
    uint8_t *in;
    uint32_t in_n, in_cap;
    struct timer answer, next, recheck, down;
    uint64_t round, began_us;
    bool want;  /* another round */
    bool known; /* the daemon has told of its tunnels since the link is up */
    struct sa *asking; /* in STEP_CERTIFICATE */
    /* revocation lists, one after another, each with its length before it */
    uint8_t *lists_in;
    uint32_t lists_n, lists_cap;
    uint8_t lists_hash[32];
    uint64_t lists, lists_since_us;
    bool had_lists;
    void (*told)(void *ctx, const struct net_addr *);
    void *told_ctx;
};

static inline uint64_t ipsec_now_us(const struct ipsec_peers *p) { return p->rt->now_us; }

/* ipsec_sas.c: what the daemon told, and what it proves */
void ipsec_tell_all(struct ipsec_peers *, const struct sa *); /* whoever listens, of its addresses */
void ipsec_sa_see(struct ipsec_peers *, const struct seen *);
void ipsec_sa_rekeyed(struct ipsec_peers *, const uint8_t from[SPIS], const uint8_t to[SPIS]);
void ipsec_sa_drop(struct ipsec_peers *, struct sa *);
void ipsec_gone_drop(struct ipsec_peers *);
void ipsec_candidate(struct ipsec_peers *, struct sa *, struct str der); /* a certificate that it may have used */
void ipsec_recheck(struct timer *);

/* ipsec_said.c: events of vici. OK or a negative error: it is no vici, or no memory. */
int ipsec_on_list_sa(struct ipsec_peers *, struct bytes body);
int ipsec_on_list_conn(struct ipsec_peers *, struct bytes body);
int ipsec_on_rekey(struct ipsec_peers *, struct bytes body);
int ipsec_on_list_cert(struct ipsec_peers *, struct bytes body);
