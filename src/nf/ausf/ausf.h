/* SPDX-License-Identifier: Apache-2.0 */
/* ausf.h - the AUSF: 5G-AKA and EAP-AKA' between UDM and AMF. TS 29.509, TS 33.501 6.1. */
#pragma once
#include "base/map.h"
#include "base/slab.h"
#include "crypto/eap_aka.h"
#include "proto/serving_network.h"
#include "rt/nf.h"

extern const struct nf_desc ausf_nf;

enum { AUSF_SUPI = 5 + 15 + 1, AUSF_EAP_ROUNDS = 4, AUSF_ID_TEXT = 33 };
enum ausf_eap_state { AUSF_EAP_NONE, AUSF_EAP_CHALLENGE, AUSF_EAP_NOTIFIED };
struct ausf_ctx { /* an authentication under way; wiped when it ends */
    uint8_t id[16];    /* nobody guesses it */
    struct link order; /* by age */
    uint64_t started_us;
    bool busy;         /* a procedure works on it */
    uint8_t eap_state; /* enum ausf_eap_state; NONE: 5G-AKA */
    char supi[AUSF_SUPI], serving_network[SERVING_NETWORK_NAME];
    uint8_t rand[16];
    union {
        struct {
            uint8_t xres_star[16], kausf[32];
        } aka;
        struct {
            uint8_t id, xres_n, rounds;
            uint8_t autn[16], xres[16], k_aut[32], kausf[32];
        } eap;
    };
};
struct ausf {
    struct rt *rt;
    struct slab ctxs;
    struct map by_id;
    struct link order, calls;
    struct timer expiry;
    uint64_t started, succeeded, failed, expired;
};

/* ---- ausf.c ---- */
struct ausf_ctx *ausf_ctx_new(struct ausf *); /* NULL: full */
void ausf_ctx_end(struct ausf *, struct ausf_ctx *);
struct ausf_ctx *ausf_ctx_find(struct ausf *, struct str id); /* NULL: unknown, or a procedure works on it */
/* For nudm_ueau_generate_auth_data: the call sent; NULL: no memory. The struct lives in the frame's call. */
struct call *ausf_ask_udm(struct ausf *, struct proc *, struct str supi_or_suci, struct str serving_network,
                          const uint8_t *rand, const uint8_t *auts);
/* What the UDM's refusal means to the AMF. */
void ausf_pass_on(struct call *in, const struct call *udm);
/* TS 33.501 6.1.4.1a: the UDM learns how it ended; nobody waits for it. */
void ausf_tell_udm(struct ausf *, const struct ausf_ctx *, bool success, bool eap);
void ausf_start(struct ausf *, const struct proc_type *, struct call *in);

/* ---- eap.c ---- */
/* The context's keys and the first request from the UDM's vector; its length or an error. */
int ausf_eap_begin(struct ausf *, struct ausf_ctx *, const struct sbi_AuthenticationVector *, uint8_t *buf, uint32_t cap);

void ausf_auth_post(void *, struct call *);
void ausf_auth_confirm(void *, struct call *);
void ausf_eap_session(void *, struct call *);
void ausf_auth_delete(void *, struct call *);
