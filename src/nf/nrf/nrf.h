/* SPDX-License-Identifier: Apache-2.0 */
/* nrf.h - the NRF: which network functions there are. Its data lives in memory: functions of this
 * process register when they start, others say again who they are when they are told that they are
 * not known. TS 29.510. */
#pragma once
#include "base/map.h"
#include "rt/nf.h"

extern const struct nf_desc nrf_nf;

enum {
    NRF_PROFILES = 1024,
    NRF_SUBSCRIPTIONS = 1024,
    NRF_PROFILE_OCTETS = 16384,
    NRF_SILENT_PERCENT = 250, /* of the heartbeat timer: suspended; 12 times as long: forgotten */
    NRF_FORGOTTEN_FACTOR = 12,
    NRF_VALIDITY_S = 60, /* of what a search found */
    NRF_SUBSCRIPTION_S = 86400,
};
struct nrf_profile {
    struct link link; /* nrf.profiles, in the order of registration */
    struct nrf *nrf;
    char id[37];
    struct sbi_NFProfile v; /* what it points to is in memory */
    uint8_t *memory;
    struct timer silence;
    uint64_t heard_us;
};
struct nrf_subscription {
    struct link link;
    struct nrf *nrf;
    char id[17];
    struct sbi_SubscriptionData v;
    uint8_t *memory;
    struct timer end;
};
struct nrf {
    struct rt *rt;
    struct link profiles, subscriptions;
    struct map by_id; /* struct nrf_profile by instance id */
    uint32_t n_subscriptions;
    uint64_t searches;
    uint8_t *scratch; /* NRF_PROFILE_OCTETS: a profile is laid out here before it gets memory of its
                         size */
};

/* ---- nrf.c ---- */
/* A deep copy in one block of its own size: what *value points to. NULL: too large, or no memory.
 */
uint8_t *nrf_keep(struct nrf *, const struct sbi_schema *, void *value);
struct nrf_profile *nrf_find(const struct nrf *, struct str id);
bool nrf_is_here(const struct nrf *,
                 struct str id); /* it lives in this process, and dies with it */

/* ---- management.c ---- */
void nrf_profile_drop(struct nrf_profile *);
void nrf_register(void *, struct call *);
void nrf_register_go(struct nrf *, struct call *); /* whoever it is, it may */
void nrf_update(void *, struct call *);
void nrf_deregister(void *, struct call *);
void nrf_get(void *, struct call *);
/* A copy of a profile in the arena of a call; false: no room. */
bool nrf_profile_put(const struct nrf_profile *, struct arena *, struct sbi_NFProfile *);

/* ---- trust.c: a function of elsewhere registers as the trust function allows ---- */
/* false: nobody is to be asked. true: it is being asked, and the call goes on, or is refused, with the answer. */
bool nrf_trust_asks(struct nrf *, struct call *registration);
void nrf_trust_changed(void *, struct call *); /* callback path "trust/{nfInstanceId}" */
void nrf_trust_gone(const struct nrf_profile *);
void nrf_trust_stop(struct nrf *);

/* ---- subscription.c ---- */
void nrf_subscription_drop(struct nrf_subscription *);
void nrf_subscribe(void *, struct call *);
void nrf_unsubscribe(void *, struct call *);
void nrf_tell(const struct nrf_profile *, enum sbi_NotificationEventType);

/* ---- discovery.c ---- */
void nrf_search(void *, struct call *);
