/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks of an SMF that is not this network's: N4-01, 02. */
#include "cmd/trial.h"
#include "base/err.h"
#include "cmd/rogue.h"
#include <stdlib.h>

static struct rogue *rogue_new(struct trial *t)
{
    struct rogue *r = t->rogue = calloc(1, sizeof *r);
    int e = r ? rogue_open(r, t->n.w) : ERR_NOSPACE;
    trial_go(t, SIM_S);
    if (e < 0 || !r->assoc->is_up)
        trial_fail(t, "the UPF does not let it in");
    return t->failed[0] ? NULL : r;
}
void trial_rogue_free(struct trial *t)
{
    if (t->rogue)
        rogue_close(t->rogue);
    free(t->rogue);
    t->rogue = NULL;
}
/* The cause of the answer; 0: there was none. */
static uint8_t say(struct trial *t, struct rogue *r, struct pfcp_msg *m)
{
    uint32_t before = r->answers;
    int e = rogue_say(r, m);
    trial_go(t, 100 * SIM_MS);
    return e == OK && r->answers == before + 1 ? r->cause : 0;
}
static void another_smf(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    struct rogue *r = s ? rogue_new(t) : NULL;
    char supi[24];
    TRIAL_MUST(t, r, "no SMF");
    uint64_t seid = smf_session_find(t->n.smf, sim_supi(&t->n, 0, supi), s->psi)->up_seid;
    struct pfcp_update_far far;
    struct pfcp_msg m = rogue_redirection(seid, &far);
    TRIAL_MUST(t, say(t, r, &m) == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, "the order was not refused: cause %u", r->cause);
    trial_only(t, GUARD_N4_01, "smf 10.0.0.66");
    m = (struct pfcp_msg){.type = PFCP_SESSION_DELETION_REQUEST, .has_seid = true, .seid = seid};
    TRIAL_MUST(t, say(t, r, &m) == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, "the deletion was not refused: cause %u", r->cause);
    trial_only(t, GUARD_N4_01, "smf 10.0.0.66");
    trial_unharmed(t, s);
}
/* Sessions that are nobody's: one is a mistake, many are a search. */
static void a_search_for_sessions(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    struct rogue *r = s ? rogue_new(t) : NULL;
    TRIAL_MUST(t, r, "no SMF");
    trial_go(t, 60 * SIM_S);
    for (uint32_t i = 0; i < 10; i++) {
        struct pfcp_update_far far;
        struct pfcp_msg m = rogue_redirection(0x4711000 + i, &far);
        TRIAL_MUST(t, say(t, r, &m) == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, "the order was not refused: cause %u", r->cause);
        TRIAL_MUST(t, t->found[GUARD_N4_01] == (i + 1 >= 8), "after %u orders %u findings", i + 1, t->found[GUARD_N4_01]);
    }
    trial_only(t, GUARD_N4_01, "smf 10.0.0.66");
    trial_unharmed(t, s);
}
static void a_copy_elsewhere(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    struct rogue *r = s ? rogue_new(t) : NULL;
    struct pfcp_create_far far;
    struct pfcp_create_pdr pdr;
    TRIAL_MUST(t, r, "no SMF");
    struct pfcp_msg m = rogue_rule(r, 1, PFCP_APPLY_ACTION_FORW, &pdr, &far);
    TRIAL_MUST(t, pfcp_is_accepted(say(t, r, &m)), "a rule that copies nothing is refused: cause %u", r->cause);
    m = rogue_rule(r, 2, PFCP_APPLY_ACTION_FORW | PFCP_APPLY_ACTION_DUPL, &pdr, &far);
    TRIAL_MUST(t, !pfcp_is_accepted(say(t, r, &m)), "a rule that copies was accepted");
    trial_only(t, GUARD_N4_02, "smf 10.0.0.66");
    TRIAL_MUST(t, rogue_release(r) == OK, "the association cannot be released");
    trial_go(t, SIM_S);
    trial_unharmed(t, s);
}

const struct trial_desc trials_n4[] = {
    {GUARD_N4_01, "another_smf", NULL, another_smf},
    {GUARD_N4_01, "a_search_for_sessions", NULL, a_search_for_sessions},
    {GUARD_N4_02, "a_copy_elsewhere", NULL, a_copy_elsewhere},
    {0},
};
