/* SPDX-License-Identifier: Apache-2.0 */
/* nf.h - what a network function is to the runtime: a state, a boot, the operations that it produces. */
#pragma once
#include "base/text.h"
#include "rt/call.h"

struct nf_op {
    enum sbi_op op;
    void (*fn)(void *nf_state, struct call *);
};
struct nf_desc {
    enum sbi_nf kind;
    const char *name; /* lower case, as in logs and metrics */
    size_t state_octets;
    /* Opens its sockets and tables. Negative error: it is stopped again and nothing else starts. */
    int (*boot)(struct rt *, void *state);
    /* Ends procedures, closes sockets, frees tables. Also called after a boot that failed. */
    void (*stop)(struct rt *, void *state);
    /* One line a fact for `redoubt status`; NULL: none. */
    void (*status)(void *state, void (*line)(void *ctx, const char *text), void *ctx);
    const struct nf_op *ops;
    uint32_t n_ops;
    /* What a person asks of this function by the control socket, and the answer; one that starts with "error: " is a
     * refusal. NULL: nothing can be asked. */
    void (*ask)(void *state, struct str words, struct text *answer);
};
struct nf {
    const struct nf_desc *desc;
    void *state;
    char instance_id[37]; /* UUID, TS 29.571 NfInstanceId */
    struct link calls;    /* struct call.on_nf: delivered and not yet replied to */
    void (*fn[SBI_OP_MAX])(void *nf_state, struct call *);
};
/* Started, and registered with the NRF where there is one in this process; one that starts after others registers them. */
int nf_start(struct rt *, const struct nf_desc *);
void nf_stop(struct rt *, enum sbi_nf); /* and deregistered */
void nf_stop_all(struct rt *);          /* in the reverse order of enum sbi_nf, the NRF among them */
/* nf_registry.c, for nf.c */
void nf_register(struct rt *, const struct nf *);
void nf_deregister(struct rt *, const struct nf *);
static inline void *nf_state(struct rt *rt, enum sbi_nf kind)
{
    return rt->nf[kind] ? rt->nf[kind]->state : NULL;
}
