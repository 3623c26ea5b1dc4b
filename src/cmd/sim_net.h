/* SPDX-License-Identifier: Apache-2.0 */
/* sim_net.h - a whole network in one simulated world: every network function on a core host, the UPF on its own, gNBs
 * and phones on a third, a data network behind N6. What it is made of is drawn from one seed (sim_plan_draw), what
 * happens in it is sim_run.c's, what must be true of it sim_check.c's. */
#pragma once
#include "base/log.h"
#include "crypto/suci.h"
#include "nf/amf/amf_nf.h"
#include "nf/amf/session.h"
#include "nf/amf/ue.h"
#include "nf/smf/smf.h"
#include "nf/udr/subscriber.h"
#include "nf/upf/state.h"
#include "ran/ue.h"
#include "rt/config.h"
#include "rt/metrics.h"
#include "sim/data_network.h"
#include "sim/store_memory.h"
#include "sim/user_plane.h"
#include "sim/world.h"
#include "trust/guard.h"

enum { SIM_CELLS_MAX = 4, SIM_PHONES_MAX = 200, SIM_MS = 1000, SIM_S = 1000000 };

/* What may go wrong; a plan has some of them. */
#define SIM_FAULTS(X)                                                                              \
    X(loss, "UDP packets are lost")                                                                \
    X(double, "UDP packets arrive twice")                                                          \
    X(delay, "delays of up to 50 ms, so that UDP packets overtake one another")                    \
    X(cut, "SCTP associations die at any message")                                                 \
    X(gnb, "gNBs vanish and come back")                                                            \
    X(radio, "phones lose their radio")                                                            \
    X(nas, "phones and networks lose, repeat, forge or do not protect NAS messages")               \
    X(store, "the store refuses for a while")                                                      \
    X(core, "the core is killed, with what its store had not synced, and starts again")            \
    X(upf, "the UPF is killed and starts again")                                                   \
    X(clock, "the core's UTC steps")                                                               \
    X(memory, "memory, contexts and sessions run out")                                             \
    X(attack, "a hostile gNB, hostile phones, strangers on N3 and N4 and one beside a gNB replay, forge and interfere") \
    X(torn, "when the core is killed, rows of phones and sessions are torn")                       \
    X(function, "AUSF, UDM, PCF, NSSF or UDR alone is killed while the others go on, and starts again")
enum sim_fault {
#define X(name, text) SIM_FAULT_##name,
    SIM_FAULTS(X)
#undef X
    SIM_FAULT_COUNT,
    SIM_FAULT_DRAWN_FIRST = SIM_FAULT_attack /* what is drawn later leaves the meaning of a seed's earlier draws */
};
#define SIM_HAS(plan, fault) ((plan)->faults >> SIM_FAULT_##fault & 1)

struct sim_plan { /* drawn from the seed; a caller may take away before it is used */
    uint64_t seed;
    uint32_t phones, cells, steps, faults; /* bit enum sim_fault */
    uint64_t for_us;                       /* in which steps and faults happen */
    uint32_t phones_drawn;                 /* steps of phones from `phones` on are left out */
    uint8_t suci;                          /* enum suci_scheme */
    bool json, eap, two_slices, inactivity;
    bool two_plmns; /* every second cell is of another network, every third phone is at home there */
    uint32_t max_ues, max_sessions, core_memory; /* limits: only with SIM_FAULT_memory */
    struct world_faults links;
};
void sim_plan_draw(struct sim_plan *, uint64_t seed);
uint64_t sim_draw(uint64_t seed, uint64_t what); /* a number of its own for each pair */

struct sim_net {
    struct sim_plan plan;
    struct world *w;
    struct env *core_env, *upf_env, *ran_env;
    struct rt core, upf_rt, ran_rt;
    struct crypto *crypto[3];
    struct hn_key *hn;
    struct store *store;
    struct config config;
    uint8_t *config_memory;
    struct user_plane *path;
    struct data_network dn;
    struct ran ran;
    struct cell cells[SIM_CELLS_MAX];
    struct ue *ue[SIM_PHONES_MAX];
    char imsi[SIM_PHONES_MAX][24];
    struct aka_key key[SIM_PHONES_MAX];
    struct subscriber subscriber; /* all but the key */
    struct log log;
    struct metrics *metrics;
    struct amf *amf; /* NULL while the core is down */
    struct smf *smf;
    struct upf *upf; /* NULL while the UPF is down */
    bool core_was_killed;
    void (*event)(void *ctx, struct ue *, const struct ue_event *); /* set before sim_net_start(); may be NULL */
    struct tap tap[3];                                              /* of core, UPF and RAN; fn may be NULL */
    struct guard *guard[2]; /* of the core, of the UPF; where `found` is set */
    void (*found)(void *ctx, const struct guard_finding *);
    void *found_ctx;
    void *ctx;
    /* What differs from what the plan says; set before sim_net_start(). Options as --set has them; phones and their
     * subscribers, which may be left out. NULL: nothing. */
    const struct str *sets;
    uint32_t n_sets;
    void (*shape)(void *ctx, uint32_t phone, struct ue_config *, struct subscriber *, bool *is_subscriber);
    void *shape_ctx;
    char why[256]; /* it could not be built */
};
/* Builds and starts it; world faults are not yet on. The plan is copied. 0, or a negative error with n->why. */
int sim_net_start(struct sim_net *n, const struct sim_plan *);
void sim_net_stop(struct sim_net *n); /* safe after a start that failed */
void sim_net_run(struct sim_net *n, uint64_t us);
/* Killed between two events, and started again from what the store kept: of its unsynced writes the first `kept`. */
void sim_core_kill(struct sim_net *n, uint32_t kept);
/* Of a phone's row in the AMF and of a session's in the SMF, which x chooses, only the beginning is left. */
void sim_rows_tear(struct sim_net *n, uint64_t x);
int sim_core_start(struct sim_net *n);
/* One function of the core alone; SIM_FUNCTIONS of them. Its name. */
enum { SIM_FUNCTIONS = 5 };
const char *sim_function_kill(struct sim_net *, uint32_t which);
int sim_function_start(struct sim_net *, uint32_t which); /* OK also when it runs */
void sim_upf_kill(struct sim_net *n);
int sim_upf_start(struct sim_net *n);
int sim_cell_start(struct sim_net *n, uint32_t i);
int sim_phone_open(struct sim_net *n, uint32_t phone); /* a phone of its own in place of one that was dropped */
void sim_phone_leave(struct sim_net *n, uint32_t phone); /* deregisters, or is gone */
/* All leave, then phones and gNBs are no more, and those that left unheard have been deregistered implicitly. */
void sim_all_leave(struct sim_net *n);
int sim_subscribe(struct sim_net *n, uint32_t phone);   /* as before; a running core is told */
int sim_unsubscribe(struct sim_net *n, uint32_t phone);
struct amf_ue *sim_amf_ue(struct sim_net *n, uint32_t phone); /* NULL: none, or no core */
struct str sim_supi(const struct sim_net *n, uint32_t phone, char text[24]);
uint32_t sim_phone_of(const struct sim_net *n, const struct ue *ue);
