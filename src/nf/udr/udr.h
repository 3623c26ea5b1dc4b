/* SPDX-License-Identifier: Apache-2.0 */
/* udr.h - the UDR: what subscribers are and where they are, in the store. TS 29.504, 29.505, 29.519. */
#pragma once
#include "nf/udr/subscriber.h"
#include "rt/nf.h"

extern const struct nf_desc udr_nf;

/* SQNs that may be given out between two store_sync, by all subscribers together; so a row that was lost in a crash
 * is at most this many behind (docs/decisions/0003). 2^12 crashes fit into what a USIM accepts as one jump. */
enum { UDR_SQN_MARGIN = 65536 };

enum { UDR_LISTENERS = 4, UDR_LISTENER_URI = 200 };
struct udr {
    struct rt *rt;
    struct timer commit;
    uint32_t epoch;    /* grows durably with each start that follows no clean stop */
    bool epoch_known;  /* and the start of this run is durable: SQNs may be given out */
    bool failing;      /* the store refused last time */
    uint64_t unsynced; /* SQNs given out since the last store_sync */
    uint64_t reads, writes;
    struct timer poll; /* for notes of changes */
    char listeners[UDR_LISTENERS][UDR_LISTENER_URI];
    uint32_t n_listeners;
};

/* ---- sqn.c ---- */
int udr_epoch_start(struct udr *);
void udr_epoch_stop(struct udr *); /* marks the stop as clean */
/* The highest SQN that may have been used. ERR_STORE, ERR_SYNTAX (row of no use). */
int udr_sqn_get(struct udr *, struct str supi, const struct subscriber *, uint64_t *sqn);
/* From now on only higher ones are used; durable before more than UDR_SQN_MARGIN of them have been. */
int udr_sqn_set(struct udr *, struct str supi, uint64_t from, uint64_t to);

/* ---- data_change.c ---- */
void udr_watch_changes(struct udr *);
void udr_subs_to_notify(void *, struct call *);

/* ---- udr.c ---- */
/* Writes are made durable together, udr.commit_ms after the first. */
void udr_written(struct udr *);
int udr_sync(struct udr *);
/* Logs and answers: 404 for what is not there (with this cause), 500 for a row that is of no use, else 503. */
void udr_refuse(struct udr *, struct call *, int error, enum store_table, const char *not_found);
/* The subscriber of a path's ueId; false: the call has been answered. */
bool udr_subscriber(struct udr *, struct call *, struct str ue_id, struct subscriber *);

void udr_auth_subscription_get(void *, struct call *);
void udr_auth_subscription_patch(void *, struct call *);
void udr_auth_status_put(void *, struct call *);
void udr_amf_3gpp_put(void *, struct call *);
void udr_amf_3gpp_patch(void *, struct call *);
void udr_amf_3gpp_get(void *, struct call *);
void udr_smf_put(void *, struct call *);
void udr_smf_delete(void *, struct call *);
void udr_smf_list(void *, struct call *);
void udr_provisioned_get(void *, struct call *);
void udr_sm_data_get(void *, struct call *);
void udr_am_policy_get(void *, struct call *);
void udr_sm_policy_get(void *, struct call *);
