/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/trial.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { OTHERS = 4 }; /* at most so many phones beside the victim */

const struct trial_desc *trial_desc(uint32_t i)
{
    const struct trial_desc *const all[] = {trials_n2, trials_n3, trials_n4};
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        for (const struct trial_desc *d = all[k]; d->name; d++)
            if (i-- == 0)
                return d;
    return NULL;
}
void trial_fail(struct trial *t, const char *format, ...)
{
    va_list ap;
    if (t->failed[0])
        return;
    va_start(ap, format);
    vsnprintf(t->failed, sizeof t->failed, format, ap);
    va_end(ap);
}
/* A property that does not hold any more is an effect of the attack. */
static void properties(struct trial *t)
{
    if (t->c.failed)
        trial_fail(t, "%s: %s", sim_property_desc(t->c.failed)->name, t->c.text);
}
void trial_go(struct trial *t, uint64_t us)
{
    sim_net_run(&t->n, us);
    properties(t);
}

/* ---- what was found ---- */
static void found(void *ctx, const struct guard_finding *f)
{
    struct trial *t = ctx;
    t->found[f->detection]++;
    snprintf(t->last, sizeof t->last, "%s %s: %s", guard_name(f->detection), f->subject, f->why);
}
uint32_t trial_findings(const struct trial *t)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < GUARD_DETECTIONS; i++)
        sum += t->found[i];
    return sum;
}
void trial_quiet(struct trial *t)
{
    if (trial_findings(t))
        trial_fail(t, "a false alarm: %s", t->last);
}
void trial_only(struct trial *t, enum guard_detection d, const char *by)
{
    if (!t->found[d])
        trial_fail(t, "%s was not found", guard_name(d));
    else if (by && !strstr(t->last, by))
        trial_fail(t, "the finding does not name %s: %s", by, t->last);
    t->found[d] = 0;
    trial_quiet(t);
}

/* ---- steps ---- */
static bool go_until_registered(struct trial *t, const struct ue *ue)
{
    for (uint32_t i = 0; i < 3000 && ue->state != MM_REGISTERED && !t->failed[0]; i++)
        trial_go(t, SIM_MS);
    return ue->state == MM_REGISTERED;
}
void trial_register(struct trial *t, struct ue *ue)
{
    TRIAL_MUST(t, ue_register(ue) == OK && go_until_registered(t, ue), "a phone does not get in");
    trial_go(t, 100 * SIM_MS);
}
struct ue_session *trial_session(struct trial *t, struct ue *ue)
{
    int psi = ue_session_open(ue, &(struct ue_open){.dnn = "internet", .type = NAS_PDU_IPV4, .has_slice = true, .slice = {.sst = 1}});
    struct ue_session *s = psi > 0 ? ue_session_find(ue, (uint8_t)psi) : NULL;
    for (uint32_t i = 0; i < 5000 && s && !s->bearer && !t->failed[0]; i++) {
        trial_go(t, SIM_MS);
        s = ue_session_find(ue, (uint8_t)psi);
    }
    trial_go(t, 100 * SIM_MS);
    s = psi > 0 ? ue_session_find(ue, (uint8_t)psi) : NULL;
    if (!s || s->state != SM_ACTIVE || !s->bearer)
        trial_fail(t, "a phone gets no session");
    return t->failed[0] ? NULL : s;
}
struct ue_session *trial_victim(struct trial *t)
{
    struct ue_session *s = NULL;
    for (uint32_t i = t->n.plan.phones; i-- > 0 && !t->failed[0];) { /* the victim is the last to come */
        ue_camp(t->n.ue[i], &t->n.cells[0]);
        trial_register(t, t->n.ue[i]);
        s = t->failed[0] ? NULL : trial_session(t, t->n.ue[i]);
    }
    trial_quiet(t);
    return t->failed[0] ? NULL : s;
}
void trial_idle(struct trial *t, struct ue *ue)
{
    TRIAL_MUST(t, ue->link && gnb_ue_release_request(ue->link, NGAP_CauseRadioNetwork_user_inactivity) == OK, "a phone is not connected");
    for (uint32_t i = 0; i < 3000 && ue->link && !t->failed[0]; i++)
        trial_go(t, SIM_MS);
    TRIAL_MUST(t, !ue->link, "a phone does not become idle");
    trial_go(t, 200 * SIM_MS);
}
void trial_unharmed(struct trial *t, struct ue_session *s)
{
    struct net_addr far = addr_v4(0x08080808, 0);
    TRIAL_GO_ON(t);
    uint32_t before = s->pings_received;
    TRIAL_MUST(t, ue_ping(s->ue, s->psi, &far, 56) == OK, "the phone cannot send any more");
    for (uint32_t i = 0; i < 5000 && s->pings_received == before && !t->failed[0]; i++)
        trial_go(t, SIM_MS);
    TRIAL_MUST(t, s->pings_received == before + 1, "the phone's traffic does not come back");
    trial_go(t, SIM_S);
    sim_check_rest(&t->c);
    properties(t);
}
uint64_t trial_amf_id(struct trial *t)
{
    const struct amf_ue *u = sim_amf_ue(&t->n, 0);
    return u && u->conn ? amf_conn_id(u->conn) : 0;
}
struct ngap_UserLocationInformation trial_location(uint32_t cell)
{
    static const uint8_t plmn[3] = {0x00, 0xf1, 0x10}, id[2][5] = {{0, 0, 1, 0, 0x10}, {0, 0, 2, 0, 0x10}}, tac[2][3] = {{0, 0, 1}, {0, 0, 2}};
    return (struct ngap_UserLocationInformation){
        .sel = NGAP_UserLocationInformation_userLocationInformationNR,
        .userLocationInformationNR = {.nR_CGI = {.pLMNIdentity = {plmn, 3}, .nRCellIdentity = {id[cell], 36}},
                                      .tAI = {.pLMNIdentity = {plmn, 3}, .tAC = {tac[cell], 3}}}};
}

/* ---- one trial ---- */
static void plan_draw(struct sim_plan *p, uint64_t seed)
{
    sim_plan_draw(p, seed);
    *p = (struct sim_plan){.seed = seed, .json = p->json, .eap = p->eap, .suci = p->suci, .links = p->links, .cells = 2,
                           .faults = 1u << SIM_FAULT_attack}; /* nothing fails but what the attack does */
    p->phones = p->phones_drawn = 1 + (uint32_t)(sim_draw(seed, 0x7121a1) % (1 + OTHERS));
}
/* All leave, and then nothing is left anywhere. */
static void leave(struct trial *t)
{
    for (uint32_t i = 0; i < t->n.plan.phones; i++)
        t->n.ue[i]->faults = (struct ue_faults){0};
    sim_all_leave(&t->n);
    sim_check_empty(&t->c);
    properties(t);
}
bool trial_run(const struct trial_desc *d, uint64_t seed, char *why, size_t cap)
{
    struct trial *t = calloc(1, sizeof *t);
    struct sim_plan p;
    if (!t)
        return snprintf(why, cap, "no memory") < 0;
    sim_check_start(&t->c, &t->n);
    t->n.found = found;
    t->n.found_ctx = t;
    plan_draw(&t->n.plan, seed);
    if (d->plan)
        d->plan(t);
    p = t->n.plan;
    t->n.sets = t->sets;
    for (uint32_t i = 0; i < ARRAY_LEN(t->sets) && t->sets[i].n; i++)
        t->n.n_sets++;
    if (sim_net_start(&t->n, &p) < 0)
        trial_fail(t, "%s", t->n.why);
    else
        d->run(t);
    t->found[d->detection] = 0; /* what is left of it */
    if (!t->failed[0])
        leave(t);
    trial_quiet(t);
    trial_rogue_free(t);
    sim_net_stop(&t->n);
    sim_check_free(&t->c);
    snprintf(why, cap, "%s", t->failed);
    bool ok = !t->failed[0];
    free(t);
    return ok;
}
