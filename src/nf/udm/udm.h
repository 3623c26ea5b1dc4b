/* SPDX-License-Identifier: Apache-2.0 */
/* udm.h - the UDM: identities revealed, vectors made, registrations and subscriptions. TS 29.503. */
#pragma once
#include "base/interned.h"
#include "crypto/key_box.h"
#include "rt/nf.h"

extern const struct nf_desc udm_nf;

enum {
    UDM_HN_KEYS = 16,
    UDM_REVEALED = 256,          /* concealed identities remembered: repeats cost no key agreement */
    UDM_REFUSALS_PER_S = 2000,   /* key agreements for identities that prove false, before all are refused */
    UDM_SUBS_PER_UE = 32,
    UDM_IMSI_TEXT = 5 + 15 + 1,
};
/* What is remembered of a subscriber between two authentications; another one may take its place. */
struct udm_slot {
    uint64_t imsi; /* 0: none */
    uint64_t sqn;  /* the last one used of the block */
    uint32_t left; /* SQNs of the block that are free */
    uint32_t authenticated_s; /* UTC, mod 2^32; 0: not yet or failed */
};
struct udm_revealed {
    uint64_t tag[2]; /* hash of the SUCI under secrets of this run */
    char supi[UDM_IMSI_TEXT];
};
struct udm_sub { /* a subscription to data changes */
    uint64_t id, imsi;
    struct udm_sub *next; /* of the same subscriber */
    const struct interned *nf_instance_id, *callback; /* the callback by SUPI: interned_for() */
    bool implicit_unsubscribe;
};
struct udm {
    struct rt *rt;
    struct link calls; /* on_producer: requests whose procedures run */
    struct {
        uint32_t id;
        enum suci_scheme scheme;
        struct hn_key *key; /* NULL: another process has it */
    } hn[UDM_HN_KEYS];
    uint32_t n_hn;
    struct udm_slot *slots;
    uint32_t n_slots; /* a power of two */
    struct udm_revealed *revealed;
    uint64_t secret[4];
    uint64_t refusals_from_us;
    uint32_t refusals;
    struct map subs, subs_by_ue; /* by id; by imsi, the first of a chain */
    struct interns texts;
    uint32_t max_subs;
    uint64_t vectors, resyncs, suci_ok, suci_refused;
};

/* ---- udm.c ---- */
struct udm_frame { /* of every procedure here */
    struct proc p;
    struct call *in; /* NULL: answered */
};
void udm_start(struct udm *, const struct proc_type *, struct call *);
void udm_end(struct proc *, int outcome);
void udm_reply(struct udm_frame *, int status);
void udm_problem(struct udm_frame *, int status, const char *cause, const char *detail);
/* A call's request; udm_send() takes all that it points to into the call's arena and sends it. Where there is no
 * memory, *c is NULL and the request has been answered. */
void *udm_call(struct udm_frame *, enum sbi_op op, struct call **c);
bool udm_send(struct udm_frame *, struct call **c);
/* Hands the UDR's refusal on: 404 and 403 with their cause, all else as a failure of what stands behind us. */
void udm_pass_on(struct udm_frame *, const struct call *, const char *not_found);
/* "imsi-…" as an integer that is not 0; 0 for any other text. */
uint64_t udm_imsi(struct str supi);
bool udm_is_home_name(const struct udm *, struct str serving_network_name);
bool udm_is_home(const struct udm *, struct str mcc, struct str mnc);
struct udm_slot *udm_slot(struct udm *, uint64_t imsi, bool take); /* NULL: another one is in its place */

/* ---- suci.c ---- */
struct udm_refusal {
    int status;
    const char *cause, *detail;
};
/* The SUPI of a path's supiOrSuci. REFUSED: *why says what to answer. ASK: rt->keys knows it; what it says goes to
 * udm_revealed(). */
enum udm_reveal { UDM_REFUSED, UDM_REVEALED_NOW, UDM_ASK };
enum udm_reveal udm_reveal(struct udm *, struct str supi_or_suci, char supi[UDM_IMSI_TEXT], struct udm_refusal *why);
bool udm_revealed(struct udm *, struct str suci, const struct key_answer *, char supi[UDM_IMSI_TEXT], struct udm_refusal *why);

/* ---- data_change.c ---- */
void udm_ask_for_changes(struct udm *);
void udm_data_change_notify(void *, struct call *);

/* ---- sdm.c ---- */
void udm_subs_free(struct udm *);
void udm_subs_drop_implicit(struct udm *, uint64_t imsi, struct str nf_instance_id);

void udm_generate_auth_data(void *, struct call *);
void udm_confirm_auth(void *, struct call *);
void udm_amf_register(void *, struct call *);
void udm_amf_update(void *, struct call *);
void udm_smf_register(void *, struct call *);
void udm_smf_deregister(void *, struct call *);
void udm_sdm_get(void *, struct call *);
void udm_sdm_get_sm_data(void *, struct call *);
void udm_sdm_subscribe(void *, struct call *);
void udm_sdm_unsubscribe(void *, struct call *);
