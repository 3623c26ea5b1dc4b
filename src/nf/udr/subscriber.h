/* SPDX-License-Identifier: Apache-2.0 */
/* subscriber.h - subscribers as rows of the store, for the UDR and for those who provision. A row has the keys and
 * what is one subscriber's own; slices, DNNs, AMBR and QoS lie in a profile row that all with equal ones share. */
#pragma once
#include "base/addr.h"
#include "base/err.h"
#include "crypto/key_box.h"
#include "rt/store.h"

enum {
    SUBSCRIBER_SLICES = 8,
    SUBSCRIBER_DNNS = 16,
    SUBSCRIBER_STATIC = 4,
    SUBSCRIBER_SUPI = 5 + 15 + 1, /* "imsi-", digits, NUL */
    SUBSCRIBER_ROW_OCTETS = 640,
    SUBSCRIBER_PROFILE_OCTETS = 2560
};
enum subscriber_auth { SUBSCRIBER_AUTH_NONE, SUBSCRIBER_AUTH_5G_AKA, SUBSCRIBER_AUTH_EAP_AKA_PRIME };
enum { SUBSCRIBER_IPV4 = 1, SUBSCRIBER_IPV6 = 2, SUBSCRIBER_IPV4V6 = 4, SUBSCRIBER_ETHERNET = 8 }; /* PDU session types */

struct subscriber_slice {
    uint8_t sst, sd[3];
    bool has_sd, is_default;
};
struct subscriber_dnn {
    uint8_t slice; /* index */
    struct str name;
    bool is_default;
    uint8_t types, default_type;             /* SUBSCRIBER_IPV4 … */
    uint8_t fiveqi, arp_priority;            /* 0: the network's default */
    bool may_preempt, preemptable;
    uint64_t ambr_down_bps, ambr_up_bps;     /* 0: the network's default */
    uint8_t up_integrity, up_ciphering;      /* enum sbi_UpIntegrity, sbi_UpConfidentiality; 0: the network's */
};
/* Whose traffic may pass through equipment that is trusted with it alone. */
enum subscriber_protected { SUBSCRIBER_NOT_PROTECTED, SUBSCRIBER_GOVERNMENT, SUBSCRIBER_DEFENCE, SUBSCRIBER_CRITICAL, SUBSCRIBER_PROTECTED_COUNT };
const char *subscriber_protected_text(uint8_t); /* "none", "government" … */
bool subscriber_protected_of(struct str, uint8_t *);
struct subscriber_profile {
    uint64_t ambr_down_bps, ambr_up_bps; /* UE-AMBR */
    uint8_t n_slices, n_dnns;
    uint8_t is_protected; /* enum subscriber_protected */
    struct subscriber_slice slices[SUBSCRIBER_SLICES];
    struct subscriber_dnn dnns[SUBSCRIBER_DNNS];
};
struct subscriber_static {
    struct str dnn;
    struct net_addr addr; /* family 4: the address; 6: a /64 */
};
struct subscriber {
    struct aka_key key; /* sealed_n: its algorithm only */
    uint8_t sealed_n, sealed[SEALED_KEY_MAX]; /* the key as the process that holds keys reads it: crypto/key_box.h */
    uint16_t amf;  /* authentication management field */
    uint64_t sqn;  /* SQNs above this one may be used */
    uint8_t auth;  /* enum subscriber_auth; NONE: udm.authentication */
    uint64_t profile;
    uint8_t n_static;
    struct subscriber_static fixed[SUBSCRIBER_STATIC];
};

/* 6 to 15 digits after "imsi-": all of TS 23.003 2.2. */
bool subscriber_supi_ok(struct str supi);
/* Slices of what is read point into the arena. ERR_NOTFOUND, ERR_STORE, ERR_NOSPACE; ERR_SYNTAX: a row that is not
 * what it should be. The caller wipes *out, the arena's owner the row. */
int subscriber_get(struct store *, struct str supi, struct arena *, struct subscriber *out);
int subscriber_profile_get(struct store *, uint64_t id, struct arena *, struct subscriber_profile *out);
int subscriber_decode(struct bytes row, struct subscriber *out);
int subscriber_profile_decode(struct bytes row, struct subscriber_profile *out);
/* Writes, without store_sync. ERR_STORE, ERR_NOSPACE (names too long). */
int subscriber_put(struct store *, struct str supi, const struct subscriber *);
int subscriber_profile_put(struct store *, const struct subscriber_profile *, uint64_t *id);
int subscriber_remove(struct store *, struct str supi); /* ERR_NOTFOUND */
/* Leaves a note for a core that runs, with the change and in the same commit. */
int subscriber_note_change(struct store *, struct str supi, uint64_t unix_us, bool removed);
/* How many there are, without reading them all. Whoever adds or removes tells it, in the same commit. */
int subscriber_count_add(struct store *, int64_t by);
int64_t subscriber_count(struct store *);

/* SQN = SEQ || IND, TS 33.102 C.1.1.1: n steps of aka_sqn_next. */
uint64_t subscriber_sqn_skip(uint64_t sqn, uint64_t n);
