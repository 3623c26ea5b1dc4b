/* SPDX-License-Identifier: Apache-2.0 */
/* trial.h - what equipment must not do, done: each row is an attack on a simulated network, whose detection must be found,
 * alone, while nothing of it has any effect. The same rows are tests (tests/sim_run/trial_test.c) and figures (redoubt bench
 * trust). A seed draws the delays of the network and who else is there. docs/trust/guard.md. */
#pragma once
#include "cmd/sim_check.h"

struct trial {
    struct sim_net n;
    struct sim_check c;
    uint32_t found[GUARD_DETECTIONS]; /* since trial_only() */
    char last[256];                   /* finding */
    char failed[512];                 /* what was not as it must be; empty: nothing */
    struct rogue *rogue;              /* an SMF that is not this network's; NULL: none */
    struct str sets[2];               /* options, before the network starts */
};
struct trial_desc {
    enum guard_detection detection;
    const char *name;
    void (*plan)(struct trial *); /* what differs from any other network; NULL: nothing */
    void (*run)(struct trial *);
};
/* NULL: there are no more. */
const struct trial_desc *trial_desc(uint32_t i);
/* True: found, alone, and without effect; why[] otherwise. */
bool trial_run(const struct trial_desc *, uint64_t seed, char *why, size_t cap);

/* ---- for the attacks: trial_n2.c, trial_n3.c, trial_n4.c ---- */
#define TRIAL_MUST(t, condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            trial_fail(t, __VA_ARGS__);                                                            \
        TRIAL_GO_ON(t);                                                                            \
    } while (0)
/* Not after something was not as it must be. */
#define TRIAL_GO_ON(t)                                                                             \
    do {                                                                                           \
        if ((t)->failed[0])                                                                        \
            return;                                                                                \
    } while (0)
void trial_fail(struct trial *, const char *format, ...) __attribute__((format(printf, 2, 3))); /* the first counts */
void trial_go(struct trial *, uint64_t us);
uint32_t trial_findings(const struct trial *);
/* This and nothing else was found since the last time, and by whom; NULL: whoever. */
void trial_only(struct trial *, enum guard_detection, const char *by);
void trial_quiet(struct trial *); /* nothing was found */
void trial_register(struct trial *, struct ue *);
struct ue_session *trial_session(struct trial *, struct ue *); /* NULL: failed */
void trial_idle(struct trial *, struct ue *);
/* The first phone with its session; all others have one, too. */
struct ue_session *trial_victim(struct trial *);
/* Its traffic goes on, and all agree; not looked at after something was not as it must be. */
void trial_unharmed(struct trial *, struct ue_session *);
uint64_t trial_amf_id(struct trial *); /* of the victim */
/* At cell 0 or 1. */
struct ngap_UserLocationInformation trial_location(uint32_t cell);
extern const struct trial_desc trials_n2[], trials_n3[], trials_n4[]; /* a row without a name ends */
void trial_rogue_free(struct trial *); /* trial_n4.c */
