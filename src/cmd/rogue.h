/* SPDX-License-Identifier: Apache-2.0 */
/* rogue.h - an SMF that is not this network's, on a simulated host of its own, 10.0.0.66, for the attacks on N4: trial_n4.c and
 * the guard's tests. Whoever has it say something lets time pass himself. */
#pragma once
#include "codec/pfcp.h"
#include "proto/pfcp.h"
#include "sim/world.h"

struct rogue { /* all zero before */
    struct world *w;
    struct env *env;
    struct rt rt;
    struct pfcp_node node;
    struct pfcp_assoc *assoc;
    bool is_open;
    uint32_t answers;
    uint8_t cause; /* of the last one; 0: it was none */
};
/* Asks the UPF for an association: assoc->is_up after a while. 0 or a negative error; rogue_close() also after one. */
int rogue_open(struct rogue *, struct world *);
void rogue_close(struct rogue *);
int rogue_associate(struct rogue *);
int rogue_release(struct rogue *);
int rogue_say(struct rogue *, struct pfcp_msg *);
/* A modification of a session: what comes by its rule goes on. */
struct pfcp_msg rogue_redirection(uint64_t seid, struct pfcp_update_far *);
/* A session with one rule from access, and what becomes of what it takes. */
struct pfcp_msg rogue_rule(const struct rogue *, uint64_t seid, uint16_t action, struct pfcp_create_pdr *, struct pfcp_create_far *);
