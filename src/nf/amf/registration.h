/* SPDX-License-Identifier: Apache-2.0 */
/* registration.h - the registration procedure's frame and the procedures within it. */
#pragma once
#include "nf/amf/ue.h"

enum { AMF_SUCI_MAX = 512 };
static const uint8_t AMF_ABBA[2] = {0, 0}; /* TS 33.501 A.7.1 */

/* What a registration request asks for; kept of the copy of it that can be trusted most. */
struct amf_wish {
    uint8_t type, ksi; /* NAS_REG_*; NAS_KSI_NONE */
    bool follow_on, has_capability, has_uplink_data, has_session_status, has_requested;
    struct nas_ue_security_capability capability;
    struct nas_octets gmm_capability;
    uint16_t uplink_data, session_status;
    uint8_t n_requested, drx;
    struct amf_slice requested[AMF_UE_SLICES];
};

/* ---- identification.c: TS 24.501 5.4.3 ---- */
/* A procedure that gets the SUCI into suci[AMF_SUCI_MAX + 1]; PROC_OK or PROC_FAILED. NULL: memory used up. */
struct proc *amf_identification(struct amf_conn *, char *suci);

/* ---- authentication.c: TS 33.501 6.1.3, TS 24.501 5.4.1 ---- */
struct amf_auth {
    const char *identity; /* in: SUCI or SUPI; must outlive the procedure */
    uint8_t ksi;          /* in: not to be used; out: of the new context */
    uint8_t cause;        /* out, when it failed: 5GMM cause of the reject; 0: the phone has been told or is gone */
    char supi[AMF_SUPI_MAX + 1];
    uint8_t kamf[32];
    struct amf_blob *eap_success; /* for the security mode command; the owner of this struct frees it */
};
struct proc *amf_authentication(struct amf_conn *, struct amf_auth *);

/* ---- security_mode.c: TS 24.501 5.4.2 ---- */
struct amf_smc {
    struct nas_security *candidate; /* in: keys and algorithms; conn->candidate meanwhile */
    const struct nas_ue_security_capability *capability; /* in: replayed */
    const struct amf_blob *eap_success;
    bool want_imeisv, want_initial; /* in: ask for the equipment's identity; for the whole initial message */
    char pei[24];                   /* out; empty: none */
    /* The whole initial message, if it came; lives during the call. false: it contradicts what was in clear. */
    bool (*initial)(struct proc *owner, const struct nas_msg *);
    struct proc *owner;
    uint8_t cause; /* out, when it failed: of the phone's reject; 0: no answer */
};
struct proc *amf_security_mode(struct amf_conn *, struct amf_smc *);
/* The first algorithms of the configuration that the phone has, into keys. 0; ERR_UNSUPPORTED; ERR_CRYPTO. */
int amf_security_choose(struct amf *, const struct nas_ue_security_capability *, struct nas_security *);

struct amf_registration {
    struct amf_proc a;
    struct amf_wish wish;
    uint64_t request_hash; /* of the message that began it: 5.5.1.2.8 d */
    uint8_t cause;         /* of the reject */
    bool verified;         /* the request's MAC held */
    bool fresh;            /* a new context was taken into use */
    bool accepted, completed, has_guti;
    uint8_t attempts;
    uint64_t deadline_us;
    char suci[AMF_SUCI_MAX + 1];
    struct amf_auth auth;
    struct amf_smc smc;
    struct nas_security candidate;
    struct call *uecm, *sdm, *subscribe, *nssf, *policy;
    uint8_t n_allowed, n_rejected, n_ta;
    struct amf_slice allowed[AMF_UE_SLICES];
    struct {
        struct amf_slice slice;
        uint8_t cause; /* 0 in the PLMN, 1 in the registration area */
    } rejected[AMF_UE_SLICES];
    struct amf_slice ta[AMF_SLICES]; /* served where the phone is */
    uint16_t failed_sessions;
};

/* ---- subscription.c: TS 23.502 4.2.2.2.2 steps 14 to 16 ---- */
/* Sends what is independent of each other together; answers are read by the second function: 5GMM cause or 0. */
void amf_subscription_ask(struct amf_registration *);
uint8_t amf_subscription_take(struct amf_registration *);
void amf_policy_ask(struct amf_registration *);
void amf_policy_take(struct amf_registration *);
/* The call that fetches access and SMF selection data, not yet sent; NULL: memory used up. */
struct call *amf_subscription_call(const struct amf_ue *);
/* What it brought, into the context: 0, or why the phone may not be served. */
uint8_t amf_subscription_store(struct amf_ue *, const struct sbi_SubscriptionDataSets *);
/* Tells UDM and PCF that it is over, without waiting. */
void amf_subscription_end(struct amf_ue *);

/* ---- slice_selection.c: TS 23.501 5.15.5.2 ---- */
/* Slices of the tracking area into f->ta; a 5GMM cause when it is not served. */
uint8_t amf_slices_here(struct amf_registration *);
void amf_slices_ask(struct amf_registration *); /* the NSSF */
/* Allowed and rejected NSSAI into the frame: 5GMM cause or 0. */
uint8_t amf_slices_take(struct amf_registration *);

/* ---- registration_accept.c ---- */
/* Built anew and protected for each transmission. */
struct bytes amf_registration_accept(struct amf_registration *);
void amf_registration_refuse(struct amf_registration *);
