/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks of an SMF that is not this network's: N4-01, 02. */
#include "cmd/trial.h"
#include "codec/pfcp.h"
#include "proto/pfcp.h"
#include <stdio.h>
#include <stdlib.h>

static const struct net_addr AT = {4, 0, {10, 0, 0, 66}}, UPF = {4, 0, {10, 0, 0, 2}}, UPF_N4 = {4, PFCP_PORT, {10, 0, 0, 2}};
struct rogue {
    struct env *env;
    struct rt rt;
    struct pfcp_node node;
    struct pfcp_assoc *assoc;
    bool is_open;
    uint32_t answers;
    uint8_t cause;
};
static void no_request(void *ctx, struct pfcp_node *node, const struct pfcp_in *in) {}
static struct rogue *rogue_new(struct trial *t)
{
    struct rogue *r = t->rogue = calloc(1, sizeof *r);
    if (r)
        r->env = world_host(t->n.w, "rogue", &AT);
    if (!r || !r->env || rt_init(&r->rt, r->env, 1 << 20) < 0) {
        trial_fail(t, "no host");
        return NULL;
    }
    world_attach(t->n.w, r->env, &r->rt);
    rt_enter(&r->rt);
    struct pfcp_config c = {.local = AT, .heartbeat_us = UINT64_MAX};
    int e = pfcp_open(&r->node, &r->rt, &c, &(struct pfcp_user){.ctx = r, .request = no_request});
    r->is_open = e == OK;
    if (e == OK)
        e = pfcp_associate(&r->node, &UPF, &r->assoc);
    trial_go(t, SIM_S);
    if (e < 0 || !r->assoc->is_up)
        trial_fail(t, "the UPF does not let it in");
    return t->failed[0] ? NULL : r;
}
void trial_rogue_free(struct trial *t)
{
    struct rogue *r = t->rogue;
    if (!r)
        return;
    if (r->is_open) {
        rt_enter(&r->rt);
        pfcp_close(&r->node);
        world_attach(t->n.w, r->env, NULL);
    }
    if (r->rt.env)
        rt_free(&r->rt);
    free(r);
    t->rogue = NULL;
}
static void answered(void *ctx, int err, const struct pfcp_msg *rsp, const struct pfcp_report *report)
{
    struct rogue *r = ctx;
    r->answers++;
    r->cause = !rsp ? 0 : rsp->type == PFCP_SESSION_MODIFICATION_RESPONSE ? rsp->session_modification_response.cause
             : rsp->type == PFCP_SESSION_DELETION_RESPONSE ? rsp->session_deletion_response.cause
                                                           : rsp->session_establishment_response.cause;
}
/* The cause of the answer; 0: there was none. */
static uint8_t say(struct trial *t, struct rogue *r, struct pfcp_msg *m)
{
    uint32_t before = r->answers;
    rt_enter(&r->rt);
    int e = pfcp_request(&r->node, &UPF_N4, m, answered, r, NULL);
    world_attach(t->n.w, r->env, &r->rt);
    trial_go(t, 100 * SIM_MS);
    return e == OK && r->answers == before + 1 ? r->cause : 0;
}
static struct pfcp_msg redirection(uint64_t seid, struct pfcp_update_far *far)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_MODIFICATION_REQUEST, .has_seid = true, .seid = seid};
    *far = (struct pfcp_update_far){.far_id = 2, .apply_action = PFCP_APPLY_ACTION_FORW};
    far->has.far_id = far->has.apply_action = 1;
    m.session_modification_request.update_far.v = far;
    m.session_modification_request.update_far.n = 1;
    return m;
}
static void another_smf(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    struct rogue *r = s ? rogue_new(t) : NULL;
    char supi[24];
    TRIAL_MUST(t, r, "no SMF");
    uint64_t seid = smf_session_find(t->n.smf, sim_supi(&t->n, 0, supi), s->psi)->up_seid;
    struct pfcp_update_far far;
    struct pfcp_msg m = redirection(seid, &far);
    TRIAL_MUST(t, say(t, r, &m) == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, "the order was not refused: cause %u", r->cause);
    trial_only(t, GUARD_N4_01, "smf 10.0.0.66");
    m = (struct pfcp_msg){.type = PFCP_SESSION_DELETION_REQUEST, .has_seid = true, .seid = seid};
    TRIAL_MUST(t, say(t, r, &m) == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, "the deletion was not refused: cause %u", r->cause);
    trial_only(t, GUARD_N4_01, "smf 10.0.0.66");
    TRIAL_GO_ON(t);
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
        struct pfcp_msg m = redirection(0x4711000 + i, &far);
        TRIAL_MUST(t, say(t, r, &m) == PFCP_CAUSE_SESSION_CONTEXT_NOT_FOUND, "the order was not refused: cause %u", r->cause);
        TRIAL_MUST(t, t->found[GUARD_N4_01] == (i + 1 >= 8), "after %u orders %u findings", i + 1, t->found[GUARD_N4_01]);
    }
    trial_only(t, GUARD_N4_01, "smf 10.0.0.66");
    TRIAL_GO_ON(t);
    trial_unharmed(t, s);
}
/* One rule from access, and what becomes of what it takes. */
static struct pfcp_msg one_rule(struct rogue *r, uint64_t seid, uint16_t action, struct pfcp_create_pdr *pdr, struct pfcp_create_far *far)
{
    struct pfcp_msg m = {.type = PFCP_SESSION_ESTABLISHMENT_REQUEST, .has_seid = true};
    struct pfcp_session_establishment_request *q = &m.session_establishment_request;
    *far = (struct pfcp_create_far){.far_id = 1, .apply_action = action};
    *pdr = (struct pfcp_create_pdr){.pdr_id = 1, .precedence = 1, .far_id = 1};
    far->has.far_id = far->has.apply_action = 1;
    pdr->has.pdr_id = pdr->has.precedence = pdr->has.pdi = pdr->has.far_id = 1;
    pdr->has.outer_header_removal = 1;
    pdr->outer_header_removal.flags = PFCP_OHR_GTPU_UDP_IPV4;
    pdr->pdi.has.source_interface = pdr->pdi.has.local_f_teid = 1;
    pdr->pdi.local_f_teid.flags = PFCP_F_TEID_V4 | PFCP_F_TEID_CH;
    pdr->pdi.has.ue_ip_address = 1;
    pdr->pdi.ue_ip_address = (struct pfcp_ue_ip_address){.flags = PFCP_UE_IP_V4, .ipv4 = {10, 45, 200, (uint8_t)seid}};
    q->has.node_id = q->has.cp_f_seid = 1;
    q->node_id = r->node.config.node_id;
    q->cp_f_seid = (struct pfcp_f_seid){.flags = 2, .seid = seid, .ipv4 = {10, 0, 0, 66}};
    q->create_far.v = far, q->create_far.n = 1;
    q->create_pdr.v = pdr, q->create_pdr.n = 1;
    return m;
}
static void a_copy_elsewhere(struct trial *t)
{
    struct ue_session *s = trial_victim(t);
    struct rogue *r = s ? rogue_new(t) : NULL;
    struct pfcp_create_far far;
    struct pfcp_create_pdr pdr;
    TRIAL_MUST(t, r, "no SMF");
    struct pfcp_msg m = one_rule(r, 1, PFCP_APPLY_ACTION_FORW, &pdr, &far);
    TRIAL_MUST(t, pfcp_is_accepted(say(t, r, &m)), "a rule that copies nothing is refused: cause %u", r->cause);
    m = one_rule(r, 2, PFCP_APPLY_ACTION_FORW | PFCP_APPLY_ACTION_DUPL, &pdr, &far);
    TRIAL_MUST(t, !pfcp_is_accepted(say(t, r, &m)), "a rule that copies was accepted");
    trial_only(t, GUARD_N4_02, "smf 10.0.0.66");
    TRIAL_MUST(t, pfcp_release(&r->node, r->assoc) == OK, "the association cannot be released");
    trial_go(t, SIM_S);
    TRIAL_GO_ON(t);
    trial_unharmed(t, s);
}

const struct trial_desc trials_n4[] = {
    {GUARD_N4_01, "another_smf", NULL, another_smf},
    {GUARD_N4_01, "a_search_for_sessions", NULL, a_search_for_sessions},
    {GUARD_N4_02, "a_copy_elsewhere", NULL, a_copy_elsewhere},
    {0},
};
