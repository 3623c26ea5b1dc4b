/* SPDX-License-Identifier: Apache-2.0 */
/* key_box.h - the long-term keys of subscribers and of the home network, and the few things that are ever done with them:
 * vectors, resynchronisation, revealing an identity. A process of its own can hold it (cmd/key_process.h): then requests and
 * answers are messages of fixed size, and a subscriber's keys lie sealed in the store, under a key that is only here. */
#pragma once
#include "crypto/aka.h"
#include "crypto/suci.h"

enum {
    KEY_SEAL_NONCE = 12, KEY_SEAL_TAG = 16,
    SEALED_KEY_MAX = KEY_SEAL_NONCE + 2 + 32 + 32 + KEY_SEAL_TAG,
    KEY_BOX_HN = 16,
    KEY_SUPI = 5 + 15 + 1,     /* "imsi-", digits, NUL */
    KEY_SN_NAME = 64,          /* octets of a serving network name */
    KEY_REQUEST_OCTETS = 384, KEY_ANSWER_OCTETS = 160
};

#define SEALED_BY "redoubt-1" /* protectionParameterId of TS 29.505, where encPermanentKey is both keys sealed */
/* ---- sealing: AES-256-GCM over the keys, bound to their SUPI ---- */
struct seal_key {
    uint8_t k[32];
};
/* nonce: KEY_SEAL_NONCE random octets, used once. The length, at most SEALED_KEY_MAX; ERR_CRYPTO. */
int aka_key_seal(const struct seal_key *, const uint8_t nonce[KEY_SEAL_NONCE], struct str supi, const struct aka_key *,
                 uint8_t out[SEALED_KEY_MAX]);
/* ERR_MAC: another seal key, another SUPI, or changed. The caller wipes *out. */
int aka_key_unseal(const struct seal_key *, struct str supi, struct bytes sealed, struct aka_key *out);
/* Names a seal key without telling it: 8 octets. */
int seal_key_name(struct crypto *, const struct seal_key *, uint8_t name[8]);

/* ---- requests ---- */
enum key_kind { KEY_AV_5G = 1, KEY_AV_EAP, KEY_RESYNCHRONISE, KEY_REVEAL };
struct key_request {
    uint32_t id; /* given back */
    enum key_kind kind;
    struct str supi; /* all but REVEAL */
    struct bytes sealed;
    uint8_t rand[16];
    uint64_t sqn;    /* AV */
    uint16_t amf;
    struct str sn_name;
    uint8_t auts[14]; /* RESYNCHRONISE */
    struct str suci;  /* REVEAL: its text, TS 29.571 */
};
struct key_answer {
    uint32_t id;
    int error; /* OK, or of err.h */
    union {
        struct aka_5g_av av;
        struct aka_eap_av eap;
        uint64_t sqn_ms;
        char supi[KEY_SUPI];
    };
};
/* ERR_RANGE: something is longer than it may be. */
int key_request_encode(const struct key_request *, uint8_t out[KEY_REQUEST_OCTETS]);
/* What it points to lives in the octets. ERR_SYNTAX. */
int key_request_decode(struct bytes in, struct key_request *);
void key_answer_encode(const struct key_answer *, enum key_kind, uint8_t out[KEY_ANSWER_OCTETS]);
int key_answer_decode(struct bytes in, struct key_answer *, enum key_kind *);

/* ---- who answers ---- */
struct key_box {
    struct crypto *crypto;
    struct seal_key seal;
    struct {
        uint32_t id;
        struct hn_key *key;
    } hn[KEY_BOX_HN];
    uint32_t n_hn;
};
/* The caller wipes *a. */
void key_box_answer(struct key_box *, const struct key_request *, struct key_answer *a);

/* ---- who asks ---- */
struct key_ask { /* embedded in who waits; in place until done() or cancel() */
    void (*done)(struct key_ask *, const struct key_answer *); /* later, never from within ask() */
    uint32_t slot;
};
struct key_port { /* first member of an implementation */
    /* ERR_FULL, ERR_RANGE; ERR_IO: nobody answers any more. */
    int (*ask)(struct key_port *, struct key_request *, struct key_ask *);
    void (*cancel)(struct key_port *, struct key_ask *);
};
