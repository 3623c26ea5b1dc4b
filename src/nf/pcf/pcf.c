/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/pcf/pcf.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/config.h"
#include <stdio.h>

/* ---- identities of associations: index and generation in hexadecimal ---- */
static struct str id_text(struct arena *a, const struct slab *s, const void *item)
{
    struct ref r = slab_ref(s, item);
    return arena_printf(a, "%08x%08x", r.gen, r.i);
}
static void *by_id(const struct slab *s, struct str id)
{
    uint8_t b[8];
    return hex_get(b, sizeof b, id) ? slab_get(s, (struct ref){be32(b + 4), be32(b)}) : NULL;
}
static void not_found(struct call *c) { call_problem(c, 404, "RESOURCE_CONTEXT_NOT_FOUND", "no such policy association"); }

/* ---- phones: Npcf_AMPolicyControl, TS 29.507 4.2.2 and 4.2.5 ---- */
static void am_policy_create(void *state, struct call *c)
{
    struct pcf *pcf = state;
    const SBI_REQ(npcf_am_policy_create) *q = c->req;
    SBI_RSP(npcf_am_policy_create) *r = c->rsp;
    struct pcf_ue *ue = slab_new(&pcf->ues);
    struct str id = ue ? id_text(&c->arena, &pcf->ues, ue) : (struct str){0};
    if (ue)
        r->location = arena_printf(&c->arena, "%s/npcf-am-policy-control/v1/policies/" STR_FMT, pcf->rt->api_root,
                                   STR_ARG(id));
    if (!ue || !r->location.p) {
        if (ue)
            slab_drop(&pcf->ues, ue);
        call_problem(c, 503, "NF_CONGESTION", "as many policy associations as configured are in use");
        return;
    }
    r->has.location = 1;
    r->supp_feat = STR("0"); /* no optional feature of 5.8 */
    r->has.rfsp = q->body.has.rfsp;
    r->rfsp = q->body.rfsp;
    r->has.ue_ambr = q->body.has.ue_ambr;
    if (r->has.ue_ambr) {
        r->ue_ambr.uplink = arena_str(&c->arena, q->body.ue_ambr.uplink);
        r->ue_ambr.downlink = arena_str(&c->arena, q->body.ue_ambr.downlink);
    }
    pcf->decided++;
    call_reply(c, 201);
}
static void am_policy_delete(void *state, struct call *c)
{
    struct pcf *pcf = state;
    const SBI_REQ(npcf_am_policy_delete) *q = c->req;
    struct pcf_ue *ue = by_id(&pcf->ues, q->pol_asso_id);
    if (!ue) {
        not_found(c);
        return;
    }
    slab_drop(&pcf->ues, ue);
    call_reply(c, 204);
}

/* ---- sessions: Npcf_SMPolicyControl, TS 29.512 4.2.2 to 4.2.5 ---- */
static bool slice_fits(const struct config_policy *p, const struct pcf_facts *s)
{
    uint8_t sd[3];
    bool has = s->snssai.has.sd && hex_get(sd, 3, str_of(s->sd_text));
    for (uint32_t i = 0; i < p->n_slices; i++)
        if (p->slices[i].sst == s->snssai.sst && p->slices[i].has_sd == has && (!has || memcmp(p->slices[i].sd, sd, 3) == 0))
            return true;
    return p->n_slices == 0;
}
static const struct config_policy *policy_of(const struct pcf *pcf, const struct pcf_facts *s)
{
    const struct config *config = pcf->rt->config;
    for (uint32_t i = 0; i < config->pcf.n_policies; i++) {
        const struct config_policy *p = &config->pcf.policies[i];
        if ((!p->dnn.n || str_is(p->dnn, s->dnn)) && slice_fits(p, s))
            return p;
    }
    return NULL;
}

static bool take_ambr(struct pcf_facts *s, const struct sbi_Ambr *ambr)
{
    s->has_ambr = true;
    return str_copy(s->up, sizeof s->up, ambr->uplink) && str_copy(s->down, sizeof s->down, ambr->downlink);
}

/* The default QoS flow and the session's rate, TS 23.503 6.3.1, 6.4; 5QI 9, ARP 8 where nobody says anything. */
static int decide(const struct pcf *pcf, const struct pcf_facts *s, struct arena *a, struct sbi_SmPolicyDecision *d)
{
    const struct config_policy *p = policy_of(pcf, s);
    struct sbi_entry_SessionRule *rule = arena_zero(a, sizeof *rule);
    struct sbi_entry_PccRule *pcc = arena_zero(a, sizeof *pcc);
    struct sbi_entry_QosData *qos = arena_zero(a, sizeof *qos);
    struct sbi_FlowInformation *flow = arena_zero(a, sizeof *flow);
    struct str *ref = arena_zero(a, sizeof *ref);
    if (!rule || !pcc || !qos || !flow || !ref)
        return ERR_NOSPACE;
    struct sbi_Arp arp = {.priority_level = 8,
                          .preempt_cap = SBI_PreemptionCapability_NOT_PREEMPT,
                          .preempt_vuln = SBI_PreemptionVulnerability_NOT_PREEMPTABLE};
    int64_t x5qi = s->has_qos ? s->qos.x5qi : 9;
    if (s->has_qos)
        arp = s->qos.arp;
    if (p && p->fiveqi)
        x5qi = p->fiveqi;
    if (p && p->arp_priority)
        arp.priority_level = p->arp_priority;
    bool up = p && p->ambr_uplink_bps, down = p && p->ambr_downlink_bps;

    rule->key = STR("default");
    rule->value.sess_rule_id = rule->key;
    if (s->has_ambr || (up && down)) {
        rule->value.has.auth_sess_ambr = 1;
        rule->value.auth_sess_ambr.uplink =
            up ? arena_printf(a, "%llu bps", (unsigned long long)p->ambr_uplink_bps) : arena_str(a, str_of(s->up));
        rule->value.auth_sess_ambr.downlink =
            down ? arena_printf(a, "%llu bps", (unsigned long long)p->ambr_downlink_bps) : arena_str(a, str_of(s->down));
        if (!rule->value.auth_sess_ambr.uplink.p || !rule->value.auth_sess_ambr.downlink.p)
            return ERR_NOSPACE;
    }
    struct sbi_AuthorizedDefaultQos *def = &rule->value.auth_def_qos;
    rule->value.has.auth_def_qos = def->has.x5qi = def->has.arp = 1;
    def->x5qi = x5qi;
    def->arp = arp;
    def->has.priority_level = s->has_qos && s->qos.has.priority_level && !(p && p->fiveqi);
    def->priority_level = s->qos.priority_level;

    pcc->key = STR("default");
    pcc->value.pcc_rule_id = pcc->key;
    pcc->value.has.precedence = pcc->value.has.flow_infos = pcc->value.has.ref_qos_data = 1;
    pcc->value.precedence = 255;
    flow->has.flow_description = flow->has.flow_direction = 1;
    flow->flow_description = STR("permit out ip from any to assigned");
    flow->flow_direction = STR("BIDIRECTIONAL");
    pcc->value.flow_infos.p = flow;
    pcc->value.flow_infos.n = 1;
    *ref = STR("default");
    pcc->value.ref_qos_data.p = ref;
    pcc->value.ref_qos_data.n = 1;

    qos->key = *ref;
    qos->value.qos_id = *ref;
    qos->value.has.x5qi = qos->value.has.arp = 1;
    qos->value.x5qi = x5qi;
    qos->value.arp = arp;

    d->has.sess_rules = d->has.pcc_rules = d->has.qos_decs = d->has.supp_feat = 1;
    d->sess_rules.p = rule;
    d->pcc_rules.p = pcc;
    d->qos_decs.p = qos;
    d->sess_rules.n = d->pcc_rules.n = d->qos_decs.n = 1;
    d->supp_feat = STR("0");
    return OK;
}

static void no_memory(struct call *c) { call_problem(c, 503, "NF_CONGESTION", "no memory"); }

static bool facts_take(struct pcf_facts *f, const struct sbi_SmPolicyContextData *b)
{
    memset(f, 0, sizeof *f); /* octets that say nothing too: equal ones are found */
    f->snssai = b->slice_info;
    bool fits = str_copy(f->dnn, sizeof f->dnn, b->dnn) && str_copy(f->sd_text, sizeof f->sd_text, f->snssai.sd);
    f->snssai.sd = (struct str){NULL, 0};
    if (b->has.subs_sess_ambr)
        fits &= take_ambr(f, &b->subs_sess_ambr);
    f->has_qos = b->has.subs_def_qos;
    f->qos = b->subs_def_qos;
    return fits;
}
static bool facts_keep(struct pcf *pcf, struct pcf_session *s, const struct pcf_facts *f)
{
    const struct interned *kept = intern(&pcf->facts, (struct bytes){(const uint8_t *)f, sizeof *f});
    if (!kept)
        return false;
    intern_drop(&pcf->facts, &s->facts);
    s->facts = kept;
    return true;
}
static void session_drop(struct pcf *pcf, struct pcf_session *s)
{
    intern_drop(&pcf->facts, &s->facts);
    slab_drop(&pcf->sessions, s);
}

static void sm_policy_create(void *state, struct call *c)
{
    struct pcf *pcf = state;
    const SBI_REQ(npcf_sm_policy_create) *q = c->req;
    SBI_RSP(npcf_sm_policy_create) *r = c->rsp;
    struct pcf_facts facts;
    if (!facts_take(&facts, &q->body)) {
        call_problem(c, 400, "ERROR_INITIAL_PARAMETERS", "dnn, sd or rate is too long");
        return;
    }
    struct pcf_session *s = slab_new(&pcf->sessions);
    if (!s) {
        call_problem(c, 503, "NF_CONGESTION", "as many policy associations as configured are in use");
        return;
    }
    struct str id = id_text(&c->arena, &pcf->sessions, s);
    r->has.location = 1;
    r->location = arena_printf(&c->arena, "%s/npcf-smpolicycontrol/v1/sm-policies/" STR_FMT, pcf->rt->api_root, STR_ARG(id));
    if (!r->location.p || decide(pcf, &facts, &c->arena, r) < 0 || !facts_keep(pcf, s, &facts)) {
        session_drop(pcf, s);
        no_memory(c);
        return;
    }
    pcf->decided++;
    LOG(pcf->rt->log, policy_decided, "of=session dnn=%s 5qi=%u by=%s", facts.dnn,
        (unsigned)r->sess_rules.p->value.auth_def_qos.x5qi, policy_of(pcf, &facts) ? "pcf.policies" : "subscription");
    call_reply(c, 201);
}

/* What changed is taken, and a decision made anew: also the way to learn of policies that were reloaded. */
static void sm_policy_update(void *state, struct call *c)
{
    struct pcf *pcf = state;
    const SBI_REQ(npcf_sm_policy_update) *q = c->req;
    struct pcf_session *s = by_id(&pcf->sessions, q->sm_policy_id);
    if (!s) {
        not_found(c);
        return;
    }
    struct pcf_facts changed;
    memcpy(&changed, s->facts->octet, sizeof changed);
    if (q->body.has.subs_sess_ambr && !take_ambr(&changed, &q->body.subs_sess_ambr)) {
        call_problem(c, 400, "ERROR_INITIAL_PARAMETERS", "a rate is too long");
        return;
    }
    if (q->body.has.subs_def_qos) {
        changed.has_qos = true;
        changed.qos = q->body.subs_def_qos;
    }
    if (decide(pcf, &changed, &c->arena, c->rsp) < 0 || !facts_keep(pcf, s, &changed)) {
        no_memory(c);
        return;
    }
    pcf->decided++;
    call_reply(c, 200);
}
static void sm_policy_delete(void *state, struct call *c)
{
    struct pcf *pcf = state;
    const SBI_REQ(npcf_sm_policy_delete) *q = c->req;
    struct pcf_session *s = by_id(&pcf->sessions, q->sm_policy_id);
    if (!s) {
        not_found(c);
        return;
    }
    session_drop(pcf, s);
    call_reply(c, 204);
}

/* ---- life ---- */
static int pcf_boot(struct rt *rt, void *state)
{
    struct pcf *pcf = state;
    if (!rt->config)
        return ERR_CONFIG;
    pcf->rt = rt;
    interns_init(&pcf->facts, rt_random(rt), rt_random(rt));
    if (slab_init(&pcf->ues, "am policies", sizeof(struct pcf_ue), rt->config->amf.max_ues) < 0 ||
        slab_init(&pcf->sessions, "sm policies", sizeof(struct pcf_session), rt->config->smf.max_sessions) < 0)
        return ERR_NOSPACE;
    return OK;
}
static void pcf_stop(struct rt *rt, void *state)
{
    struct pcf *pcf = state;
    if (pcf->ues.items)
        slab_free(&pcf->ues);
    if (pcf->sessions.items)
        slab_free(&pcf->sessions);
    interns_free(&pcf->facts);
}
static void pcf_status(void *state, void (*line)(void *ctx, const char *text), void *ctx)
{
    const struct pcf *pcf = state;
    char text[128];
    snprintf(text, sizeof text, "policies of %u phones and %u sessions; %llu decisions", pcf->ues.used,
             pcf->sessions.used, (unsigned long long)pcf->decided);
    line(ctx, text);
}
static const struct nf_op pcf_ops[] = {
    {SBI_npcf_am_policy_create, am_policy_create}, {SBI_npcf_am_policy_delete, am_policy_delete},
    {SBI_npcf_sm_policy_create, sm_policy_create}, {SBI_npcf_sm_policy_update, sm_policy_update},
    {SBI_npcf_sm_policy_delete, sm_policy_delete},
};
const struct nf_desc pcf_nf = {.kind = SBI_NF_PCF,
                               .name = "pcf",
                               .state_octets = sizeof(struct pcf),
                               .boot = pcf_boot,
                               .stop = pcf_stop,
                               .status = pcf_status,
                               .ops = pcf_ops,
                               .n_ops = ARRAY_LEN(pcf_ops)};
