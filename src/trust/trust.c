/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/trust_parts.h"
#include "trust/inventory_store.h"
#include "base/err.h"
#include "base/log.h"
#include "base/plmn.h"
#include "codec/sbi_text.h"
#include "rt/evidence.h"
#include "rt/meter.h"
#include "rt/metrics.h"
#include <stdio.h>
#include <stdlib.h>

enum { LOOK_US = 5000000, PEERS_MAX = 70000 };

/* ---- policy and inventory ---- */
static int32_t day_of_clock(const struct trust *t) { return inv_date_of_unix_us(env_unix_us(t->rt->env)); }
/* A clock that goes back gives nobody back what a day took: the later day holds until the clock is there again. */
static int32_t today(const struct trust *t)
{
    int32_t day = day_of_clock(t);
    return day > t->today ? day : t->today;
}

static int inventory_take(struct trust *t, struct inventory **out, uint64_t *generation, char *why, uint32_t cap)
{
    struct inv_asked asked = {.as_of = today(t)};
    int e = inventory_generation(t->rt->store, generation);
    if (e < 0) {
        snprintf(why, cap, "%s", store_error(t->rt->store));
        return e;
    }
    env_random(t->rt->env, asked.secret, sizeof asked.secret);
    return inventory_load(out, t->rt->store, &asked, why, cap);
}
/* Everything that refers to the old inventory finds its place in the new one. */
static int set_take(struct trust *t, struct policy *policy, char *why, uint32_t cap)
{
    struct inventory *v = NULL;
    struct policy_set *s = NULL;
    struct trust_told *told = NULL;
    uint64_t generation = 0;
    int e = inventory_take(t, &v, &generation, why, cap);
    if (e < 0)
        return e;
    e = policy_compile(&s, policy, v);
    if (e == OK && !(told = calloc(v->n_elements + 1u, sizeof *told))) {
        policy_set_free(s);
        e = ERR_NOSPACE;
    }
    if (e < 0) {
        snprintf(why, cap, "policy: %s", err_text(e));
        inventory_free(v);
        return e;
    }
    free(t->told);
    t->told = told;
    policy_set_free(t->set);
    inventory_free(t->inventory);
    if (policy != t->policy)
        policy_free(t->policy);
    t->policy = policy;
    t->inventory = v;
    t->set = s;
    t->generation = generation;
    t->today = today(t);
    LOG(t->rt->log, trust_loaded, "regimes=%u rules=%u elements=%u suppliers=%u", policy->n_files, policy->n_rows, v->n_elements, v->n_suppliers);
    return OK;
}

/* ---- maintenance windows ---- */
/* False: policy does not let it change now. What it may be is remembered. */
static bool change_look(struct trust *t, struct trust_peer *p, const struct policy_verdict *v)
{
    const struct inv_element *e = inventory_element(t->inventory, p->element);
    char why[CHANGE_TEXT];
    if (!e || !v->permitted)
        return true;
    struct change_found f = changes_look(&t->changes, e->id, &p->said, v, env_unix_us(t->rt->env));
    bool refused = f.row && f.changed && trust_is_enforced(t);
    if (f.row && !p->change_refused) /* that it still asks is no news */
        trust_finding_write(t, p, change_text(f.row, !f.changed, why), refused ? "refused until a window opens" : "let in: a restart is not refused, nor what is only observed");
    struct change_said learned = p->said;
    learned.has_config &= !refused;
    changes_learn(&t->changes, e->id, &learned);
    return !refused;
}

static void vendor_look(struct trust *t, struct trust_peer *p)
{
    bool before = p->other_vendor;
    p->other_vendor = trust_says_other_vendor(t, p);
    if (p->other_vendor && !before)
        trust_finding_tell(t, p, TRUST_FINDING_VENDOR);
}

/* ---- what policy says ---- */
static void decide(struct trust *t, const struct trust_peer *p, struct policy_verdict *v)
{
    struct policy_query q = {.element = p->element, .date = t->today};
    policy_decide(t->set, &q, v);
    if (p->element || t->rt->config->trust.strangers != CONFIG_STRANGERS_PERMIT)
        return;
    v->decision = POLICY_DECISION_CONDITIONS;
    v->conditions = 1 << POLICY_CONDITION_NO_PROTECTED | 1 << POLICY_CONDITION_MONITORED;
    v->permitted = true;
    v->reasons[0] = (struct policy_reason){.decision = v->decision, .why = POLICY_WHY_STRANGER};
}
static enum sbi_TrustVerdict verdict_of(uint8_t decision)
{
    switch (decision) {
    case POLICY_DECISION_CONDITIONS: return SBI_TrustVerdict_PERMIT_WITH_CONDITIONS;
    case POLICY_DECISION_NOTIFY: return SBI_TrustVerdict_NOTIFY;
    case POLICY_DECISION_AUTHORISE: return SBI_TrustVerdict_AUTHORISE;
    case POLICY_DECISION_DENY: return SBI_TrustVerdict_DENY;
    default: return SBI_TrustVerdict_PERMIT;
    }
}
/* The slices that every rule with such a list allows. */
static uint32_t slices_of(const struct policy_verdict *v, struct config_slice out[TRUST_SLICES])
{
    uint32_t n = 0;
    for (uint32_t i = 0; v->conditions >> POLICY_CONDITION_SLICES & 1 && i < v->n_reasons; i++) {
        const struct policy_row *w = v->reasons[i].row;
        if (!w || !(w->conditions >> POLICY_CONDITION_SLICES & 1) || v->reasons[i].decision != POLICY_DECISION_CONDITIONS)
            continue;
        for (uint32_t k = 0; k < w->n_slices && n < TRUST_SLICES; k++)
            if (policy_slice_allowed(v, &w->slices[k]))
                out[n++] = w->slices[k];
        break;
    }
    return n;
}
static void put_slices(struct arena *a, const struct policy_verdict *v, struct sbi_TrustDecision *d)
{
    struct sbi_Snssai *list = arena_zero(a, TRUST_SLICES * sizeof *list);
    struct config_slice s[TRUST_SLICES];
    uint32_t n = slices_of(v, s);
    d->slices.n = 0;
    for (uint32_t k = 0; list && k < n; k++)
        if (sbi_snssai_put(a, s[k].sst, s[k].has_sd, s[k].sd, &list[d->slices.n]))
            d->slices.n++;
    d->has.slices = d->slices.n > 0;
    d->slices.p = list;
}
/* Does the verdict mean for the peer what the one before meant? */
static bool is_another(const struct trust_peer *p, const struct policy_verdict *v)
{
    struct config_slice s[TRUST_SLICES] = {0};
    uint32_t n = slices_of(v, s);
    return p->permitted != v->permitted || p->conditions != v->conditions || p->n_slices != n || memcmp(p->slices, s, sizeof s) != 0;
}
static void verdict_keep(struct trust_peer *p, const struct policy_verdict *v)
{
    p->permitted = v->permitted;
    p->conditions = v->conditions;
    memset(p->slices, 0, sizeof p->slices);
    p->n_slices = slices_of(v, p->slices);
}
static bool decision_put(const struct trust *t, struct arena *a, const struct trust_peer *p, const struct policy_verdict *v, enum trust_finding f,
                         struct sbi_TrustDecision *d)
{
    enum sbi_TrustCondition *conditions = arena_zero(a, 6 * sizeof *conditions);
    struct str *reasons = arena_zero(a, (POLICY_REASONS_MAX + 1) * sizeof *reasons);
    char text[POLICY_REASON_TEXT], found[TRUST_FINDING_TEXT], changed[CHANGE_TEXT];
    uint32_t n = 0, r = 0;
    if (!conditions || !reasons)
        return false;
    d->permitted = v->permitted || !trust_is_enforced(t);
    d->verdict = verdict_of(v->decision);
    d->has.element_id = p->element != 0;
    d->element_id = arena_str(a, trust_element_id(t, p));
    for (int c = 0; c < POLICY_CONDITION_COUNT; c++)
        if (v->conditions >> c & 1 && trust_is_enforced(t))
            conditions[n++] = (enum sbi_TrustCondition)(SBI_TrustCondition_NO_PROTECTED + c);
    d->has.conditions = n > 0;
    d->conditions.p = conditions;
    d->conditions.n = n;
    if (v->conditions >> POLICY_CONDITION_SLICES & 1 && trust_is_enforced(t))
        put_slices(a, v, d);
    d->has.deadline = v->deadline != 0;
    d->deadline = arena_str(a, str_of(config_date_text(v->deadline, text)));
    d->has.change_refused = d->change_refused = p->change_refused;
    const struct policy_row *closed = p->change_refused ? policy_window_closed(v, env_unix_us(t->rt->env)) : NULL;
    if (closed)
        reasons[r++] = arena_str(a, str_of(change_text(closed, false, changed)));
    if (f == TRUST_FINDING_UNPROVED || f == TRUST_FINDING_OTHER || (f == TRUST_FINDING_STRANGER && p->proof[0]))
        reasons[r++] = arena_str(a, str_of(trust_finding_why(p, f, found)));
    for (uint32_t i = 0; i < v->n_reasons && r < 6; i++)
        reasons[r++] = arena_str(a, str_of(policy_reason_text(&v->reasons[i], text)));
    d->has.reasons = r > 0;
    d->reasons.p = reasons;
    d->reasons.n = r;
    return r == 0 || reasons[r - 1].p;
}

/* ---- who takes part ---- */
/* By its address as well: whoever claims the name of another from elsewhere does not take his place here. */
static void key_put(char key[TRUST_KEY], enum sbi_TrustKind kind, struct str node_id, const struct net_addr *host)
{
    char at[NET_ADDR_TEXT] = "";
    if (host->family)
        addr_text(host, at);
    snprintf(key, TRUST_KEY, "%d " STR_FMT " %s", (int)kind, STR_ARG(node_id), at);
}
static struct bytes key_of(const char *key) { return (struct bytes){(const uint8_t *)key, (uint32_t)strlen(key)}; }
static struct trust_peer *peer_find(struct trust *t, enum sbi_TrustKind kind, struct str node_id, const struct net_addr *host)
{
    char key[TRUST_KEY];
    key_put(key, kind, node_id, host);
    return map_get(&t->by_key, key_of(key));
}
static struct link *row_of(struct trust *t, const struct net_addr *host)
{
    return &t->by_host[siphash24(t->secret[0], t->secret[1], host->ip, host->family == 4 ? 4 : sizeof host->ip) % TRUST_HOSTS];
}
static void gauges(struct trust *t)
{
    metric_set(t->rt->metrics, METRIC_trust_elements, t->n_peers);
    metric_set(t->rt->metrics, METRIC_trust_draining, t->n_draining);
}
static void peer_drop(struct trust_peer *p)
{
    struct trust *t = p->trust;
    map_del(&t->by_key, key_of(p->key));
    list_remove(&p->link);
    list_remove(&p->at);
    t->n_peers--;
    t->n_draining -= p->draining;
    free(p);
    gauges(t);
}
static bool plmn_take(const struct sbi_PlmnId *id, uint8_t out[3])
{
    char mcc[4], mnc[4];
    return str_copy(mcc, sizeof mcc, id->mcc) && str_copy(mnc, sizeof mnc, id->mnc) && plmn_of(out, mcc, mnc);
}
static bool claim_take(struct trust_peer *p, const struct sbi_TrustClaim *c)
{
    p->kind = c->kind;
    if (!str_copy(p->node_id, sizeof p->node_id, c->node_id))
        return false;
    if (c->has.peer_address)
        addr_parse(&p->address, c->peer_address, 0);
    key_put(p->key, p->kind, c->node_id, &p->address);
    if (c->has.key_sha256 && c->key_sha256.n == 32) {
        memcpy(p->key_sha256, c->key_sha256.p, 32);
        p->has_key = true;
    }
    if (c->has.plmn_id && c->has.gnb_id && c->has.gnb_id_bits && plmn_take(&c->plmn_id, p->plmn)) {
        p->gnb_id = (uint32_t)c->gnb_id;
        p->gnb_id_bits = (uint8_t)c->gnb_id_bits;
    }
    if (c->has.name)
        str_copy(p->name, sizeof p->name, c->name);
    if (c->has.vendor_id)
        str_copy(p->vendor_id, sizeof p->vendor_id, c->vendor_id);
    if (c->has.config && c->config.n == CHANGE_CONFIG) {
        p->said.has_config = true;
        memcpy(p->said.config, c->config.p, CHANGE_CONFIG);
    }
    p->said.has_started = c->has.started;
    p->said.started = (uint32_t)c->started;
    return !c->has.callback_uri || str_copy(p->callback, sizeof p->callback, c->callback_uri);
}
static struct trust_peer *peer_keep(struct trust *t, const struct trust_peer *claim)
{
    struct trust_peer *old = map_get(&t->by_key, key_of(claim->key));
    if (old)
        peer_drop(old);
    struct trust_peer *p = t->n_peers < PEERS_MAX ? malloc(sizeof *p) : NULL;
    if (!p)
        return NULL;
    *p = *claim;
    p->trust = t;
    if (map_put(&t->by_key, key_of(p->key), p) < 0) {
        free(p);
        return NULL;
    }
    list_append(&t->peers, &p->link);
    list_append(row_of(t, &p->address), &p->at);
    t->n_peers++;
    gauges(t);
    return p;
}

/* ---- operations ---- */
static void claim_decide(struct trust *t, struct call *c)
{
    const SBI_REQ(trust_decide_connect) *q = c->req;
    struct trust_peer claim = {0};
    struct policy_verdict v;
    enum trust_finding f;
    if (!claim_take(&claim, &q->body)) {
        call_problem(c, 400, "INVALID_MSG_FORMAT", "an identifier is too long");
        return;
    }
    trust_prove(t, &claim, true);
    claim.element = trust_identify(t, &claim, &f);
    claim.finding = f;
    if (f != TRUST_FINDING_NONE)
        trust_finding_tell(t, &claim, f);
    vendor_look(t, &claim);
    decide(t, &claim, &v);
    verdict_keep(&claim, &v);
    const struct trust_peer *before = map_get(&t->by_key, key_of(claim.key));
    claim.change_refused = before && before->change_refused;
    claim.change_refused = !change_look(t, &claim, &v);
    bool lets_in = v.permitted || !trust_is_enforced(t);
    metric_add(t->rt->metrics, v.permitted ? METRIC_trust_permitted : METRIC_trust_refused, 1);
    trust_decision_tell(t, &claim, &v, f, true);
    if (!decision_put(t, &c->arena, &claim, &v, f, c->rsp) || (lets_in && !peer_keep(t, &claim))) {
        call_problem(c, 503, "INSUFFICIENT_RESOURCES", NULL);
        return;
    }
    call_reply(c, 200);
}
static void asked(struct ipsec_waiter *w)
{
    struct trust_asking *a = CONTAINER(w, struct trust_asking, waiter);
    struct trust *t = a->trust;
    struct call *c = a->call;
    list_remove(&a->link);
    free(a);
    claim_decide(t, c);
}
/* A tunnel may be a moment old, or have ended a moment ago: strongSwan is asked anew for each claim. */
static void connect_ask(struct trust *t, struct call *c)
{
    const SBI_REQ(trust_decide_connect) *q = c->req;
    if (!t->rt->ipsec || !trust_service_of(q->body.kind)) {
        claim_decide(t, c);
        return;
    }
    struct trust_asking *a = malloc(sizeof *a);
    if (!a) {
        call_problem(c, 503, "INSUFFICIENT_RESOURCES", NULL);
        return;
    }
    *a = (struct trust_asking){.trust = t, .call = c};
    list_append(&t->askings, &a->link);
    ipsec_peers_wait(t->rt->ipsec, &a->waiter, asked);
}
static void op_connect(void *state, struct call *c)
{
    struct trust *t = state;
    struct meter_start began = meter_begin(t->rt->trust_meter);
    connect_ask(t, c);
    meter_end(t->rt->trust_meter, began);
}
static void op_gone(void *state, struct call *c)
{
    struct trust *t = state;
    const SBI_REQ(trust_gone) *q = c->req;
    struct net_addr host = {0};
    if (q->body.has.peer_address)
        addr_parse(&host, q->body.peer_address, 0);
    struct trust_peer *p = peer_find(t, q->body.kind, q->body.node_id, &host);
    if (p && p->draining) {
        struct str id = trust_element_id(t, p);
        LOG(t->rt->log, trust_drained, "node=%s element=%.*s", p->node_id, STR_ARG(id));
    }
    if (p)
        peer_drop(p);
    call_reply(c, 204);
}

/* ---- what changes while they are connected ---- */
static void change_send(struct trust *t, struct trust_peer *p, const struct policy_verdict *v, enum trust_finding f)
{
    struct call *c = p->callback[0] ? call_new(t->rt, SBI_trust_changed) : NULL;
    SBI_REQ(trust_changed) *q = call_request(c);
    if (!q)
        return;
    q->callback = arena_str(&c->arena, str_of(p->callback));
    q->body.kind = p->kind;
    q->body.node_id = arena_str(&c->arena, str_of(p->node_id));
    char at[NET_ADDR_TEXT];
    q->body.has.peer_address = p->address.family != 0;
    if (p->address.family)
        q->body.peer_address = arena_str(&c->arena, str_of(addr_text(&p->address, at)));
    q->body.has.drain_s = p->draining;
    q->body.drain_s = t->rt->config->trust.drain_s;
    if (decision_put(t, &c->arena, p, v, f, &q->body.decision))
        call_notify(c);
    else
        call_abandon(c);
}
static void renew_one(struct trust *t, struct trust_peer *p)
{
    struct policy_verdict v;
    enum trust_finding f;
    trust_prove(t, p, false);
    p->element = trust_identify(t, p, &f);
    if (f != TRUST_FINDING_NONE && f != p->finding)
        trust_finding_tell(t, p, f);
    p->finding = f;
    vendor_look(t, p);
    decide(t, p, &v);
    if (!is_another(p, &v) && !(p->draining && v.permitted))
        return;
    bool loses = p->permitted && !v.permitted && trust_is_enforced(t);
    verdict_keep(p, &v);
    t->n_draining += (loses && !p->draining) - (v.permitted && p->draining);
    p->draining = loses || (p->draining && !v.permitted);
    trust_decision_tell(t, p, &v, f, false);
    if (loses) {
        char why[POLICY_REASON_TEXT];
        struct str id = trust_element_id(t, p);
        LOG(t->rt->log, trust_drain, "node=%s element=%.*s seconds=%u why=\"%s\"", p->node_id, STR_ARG(id), t->rt->config->trust.drain_s,
            trust_first_reason(&v, why));
    }
    change_send(t, p, &v, f);
    gauges(t);
}
/* Another key opened its tunnel, or there is none any more, or its certificate was revoked. */
static void ipsec_changed(void *ctx, const struct net_addr *at)
{
    struct trust *t = ctx;
    struct link *row = row_of(t, at);
    LIST_EACH_SAFE(l, row) {
        struct trust_peer *p = CONTAINER(l, struct trust_peer, at);
        if (trust_service_of(p->kind) && addr_same_host(&p->address, at))
            renew_one(t, p);
    }
}
/* What was refused may be now. A UPF or SMF is what it said; a RAN node went on as it was, and has to ask again. */
static bool change_retry(struct trust *t, struct trust_peer *p, const struct policy_verdict *v)
{
    return p->kind == SBI_TrustKind_GNB ? !policy_window_closed(v, env_unix_us(t->rt->env)) : change_look(t, p, v);
}
/* A window opened, or policy asks for none any more. */
static void changes_retry(struct trust *t)
{
    LIST_EACH_SAFE(l, &t->peers) {
        struct trust_peer *p = CONTAINER(l, struct trust_peer, link);
        struct policy_verdict v;
        if (!p->change_refused)
            continue;
        decide(t, p, &v);
        if (!change_retry(t, p, &v))
            continue;
        p->change_refused = false;
        change_send(t, p, &v, p->finding);
    }
}
static void op_restarted(void *state, struct call *c)
{
    struct trust *t = state;
    const SBI_REQ(trust_restarted) *q = c->req;
    struct net_addr host = {0};
    struct policy_verdict v;
    char why[CHANGE_TEXT];
    if (q->body.has.peer_address)
        addr_parse(&host, q->body.peer_address, 0);
    const struct trust_peer *p = peer_find(t, q->body.kind, q->body.node_id, &host);
    if (p && p->element) {
        decide(t, p, &v);
        const struct policy_row *closed = v.permitted ? policy_window_closed(&v, env_unix_us(t->rt->env)) : NULL;
        if (closed)
            trust_finding_write(t, p, change_text(closed, true, why), "let in: a restart is not refused");
    }
    call_reply(c, 204);
}
static void renew(struct trust *t)
{
    LIST_EACH_SAFE(l, &t->peers)
        renew_one(t, CONTAINER(l, struct trust_peer, link));
}

/* An import by a command, and midnight, are seen here. */
static void clock_look(struct trust *t)
{
    char why[160], by_clock[CONFIG_DATE_TEXT], held[CONFIG_DATE_TEXT], body[256];
    int32_t day = day_of_clock(t);
    bool before = t->is_clock_back;
    t->is_clock_back = day < t->today;
    if (before || !t->is_clock_back)
        return;
    snprintf(why, sizeof why, "the clock went back to %s, and decisions go on as of %s", config_date_text(day, by_clock), config_date_text(t->today, held));
    LOG(t->rt->log, trust_finding, "node=clock peer= name=\"\" element= claims= why=\"%s\"", why);
    trust_latest_put(t, STR("clock"), why, "until the clock is there again, or the policy is applied anew");
    metric_add(t->rt->metrics, METRIC_trust_findings, 1);
    int n = snprintf(body, sizeof body, "{\"what\":\"%s\"}", why);
    evidence_append(t->rt->evidence, EVIDENCE_finding, STR("clock"), (struct str){body, (uint32_t)n});
}
static void look_now(struct trust *t)
{
    uint64_t generation = t->generation, before = t->generation;
    char why[512] = "";
    bool other_day = today(t) != t->today;
    trust_untold_tell(t);
    clock_look(t);
    changes_retry(t);
    int e = inventory_generation(t->rt->store, &generation);
    if (e == OK && (other_day || generation != t->generation)) {
        e = set_take(t, t->policy, why, sizeof why);
        if (generation != before)
            trust_imports_tell(t, before, false);
        if (e == OK)
            renew(t);
        else
            t->generation = generation; /* told once */
    }
    if (e < 0)
        LOG(t->rt->log, trust_load_failed, "what=inventory error=%s why=\"%s\"", err_text(e), why);
    if (other_day && e < 0) { /* the day counts even where the inventory cannot be read */
        t->today = today(t);
        renew(t);
    }
}
static void look(struct timer *timer)
{
    struct trust *t = CONTAINER(timer, struct trust, look);
    struct meter_start began = meter_begin(t->rt->trust_meter);
    look_now(t);
    timer_set(&t->rt->timers, timer, t->rt->now_us + LOOK_US, look);
    meter_end(t->rt->trust_meter, began);
}

int trust_apply(struct trust *t, struct policy *policy, char *why, uint32_t cap)
{
    int32_t held = t->today;
    t->today = 0; /* whoever applies a policy says that it holds by the day of the clock */
    int e = set_take(t, policy ? policy : t->policy, why, cap);
    if (e < 0) {
        t->today = held;
        if (policy != t->policy)
            policy_free(policy);
        LOG(t->rt->log, trust_load_failed, "what=policy error=%s why=\"%s\"", err_text(e), why);
        return e;
    }
    char body[256];
    int n = snprintf(body, sizeof body, "{\"what\":\"policy applied\",\"regimes\":%u,\"rules\":%u}", t->policy->n_files, t->policy->n_rows);
    evidence_append(t->rt->evidence, EVIDENCE_change, STR("policy"), (struct str){body, (uint32_t)n});
    renew(t);
    return OK;
}
static void preview_one(struct trust *t, struct policy_set *s, struct trust_peer *p, uint32_t *lost, struct text *out)
{
    struct policy_verdict v;
    enum trust_finding f;
    char why[POLICY_REASON_TEXT];
    struct policy_query q = {.element = trust_identify(t, p, &f), .date = day_of_clock(t)}; /* as trust_apply() would */
    policy_decide(s, &q, &v);
    struct str id = trust_element_id(t, p);
    if (p->permitted && !v.permitted && (q.element || t->rt->config->trust.strangers != CONFIG_STRANGERS_PERMIT)) {
        text_add(out, "loses its permission: " STR_FMT " (%s): %s\n", STR_ARG(id), p->node_id, trust_first_reason(&v, why));
        ++*lost;
    } else if (!p->permitted && v.permitted) {
        text_add(out, "is permitted from now on: " STR_FMT " (%s): %s\n", STR_ARG(id), p->node_id, trust_first_reason(&v, why));
    } else if (p->permitted && v.permitted && is_another(p, &v)) {
        text_add(out, "gets other conditions: " STR_FMT " (%s): %s\n", STR_ARG(id), p->node_id, trust_first_reason(&v, why));
    }
}
uint32_t trust_preview(struct trust *t, struct policy *policy, struct text *out)
{
    struct policy_set *s;
    uint32_t lost = 0;
    if (policy_compile(&s, policy ? policy : t->policy, t->inventory) < 0) {
        text_add(out, "no memory\n");
        return 0;
    }
    LIST_EACH(l, &t->peers)
        preview_one(t, s, CONTAINER(l, struct trust_peer, link), &lost, out);
    policy_set_free(s);
    return lost;
}

/* ---- life ---- */
static int trust_boot(struct rt *rt, void *state)
{
    struct trust *t = state;
    char why[512] = "";
    t->rt = rt;
    list_init(&t->peers);
    list_init(&t->askings);
    for (uint32_t i = 0; i < TRUST_HOSTS; i++)
        list_init(&t->by_host[i]);
    map_init(&t->by_key, rt_random(rt), rt_random(rt));
    t->secret[0] = rt_random(rt);
    t->secret[1] = rt_random(rt);
    changes_init(&t->changes, rt_random(rt), rt_random(rt));
    struct policy *p = rt->policy ? rt->policy : policy_new();
    rt->policy = NULL;
    if (!p)
        return ERR_NOSPACE;
    int e = rt->store && rt->config ? set_take(t, p, why, sizeof why) : ERR_CONFIG;
    if (e < 0) {
        policy_free(p);
        LOG(rt->log, trust_load_failed, "what=start error=%s why=\"%s\"", err_text(e), why);
        return e;
    }
    if (t->generation)
        trust_imports_tell(t, t->generation - 1, true);
    timer_set(&rt->timers, &t->look, rt->now_us + LOOK_US, look);
    if (rt->ipsec)
        ipsec_peers_listen(rt->ipsec, ipsec_changed, t);
    return OK;
}
static void trust_stop(struct rt *rt, void *state)
{
    struct trust *t = state;
    if (!t->rt)
        return;
    timer_stop(&rt->timers, &t->look);
    if (rt->ipsec)
        ipsec_peers_listen(rt->ipsec, NULL, NULL);
    for (struct link *l; t->askings.next && (l = list_pop(&t->askings));) { /* their calls end with the function */
        struct trust_asking *a = CONTAINER(l, struct trust_asking, link);
        ipsec_peers_cancel(rt->ipsec, &a->waiter);
        free(a);
    }
    trust_untold_tell(t);
    while (t->peers.next && t->peers.next != &t->peers)
        peer_drop(CONTAINER(t->peers.next, struct trust_peer, link));
    map_free(&t->by_key);
    changes_free(&t->changes);
    policy_set_free(t->set);
    inventory_free(t->inventory);
    policy_free(t->policy);
    free(t->told);
}
static void trust_status(void *state, void (*line)(void *, const char *), void *ctx)
{
    struct trust *t = state;
    char text[512], day[CONFIG_DATE_TEXT], when[INV_TIME_TEXT];
    snprintf(text, sizeof text, "%s: %u regimes with %u rules, %u elements of %u suppliers, as of %s%s",
             trust_is_enforced(t) ? "enforced" : "observed, nobody is refused", t->policy->n_files, t->policy->n_rows, t->inventory->n_elements,
             t->inventory->n_suppliers, config_date_text(t->today, day), t->inventory->synthetic ? ", synthetic" : "");
    line(ctx, text);
    snprintf(text, sizeof text, "connected: %u, of these being emptied: %u", t->n_peers, t->n_draining);
    line(ctx, text);
    if (t->rt->ipsec) {
        snprintf(text, sizeof text, "strongSwan %s, tunnels of %u peers", ipsec_peers_is_up(t->rt->ipsec) ? "answers" : "does not answer",
                 ipsec_peers_count(t->rt->ipsec));
        line(ctx, text);
    }
    for (uint64_t i = t->n_latest < TRUST_LATEST ? 0 : t->n_latest - TRUST_LATEST; i < t->n_latest; i++) {
        const struct trust_latest *l = &t->latest[i % TRUST_LATEST];
        snprintf(text, sizeof text, "finding at %s: %s: %s; %s", inv_time_text(l->at_unix_us, when), l->subject, l->why, l->done);
        line(ctx, text);
    }
}
static const struct nf_op ops[] = {
    {SBI_trust_decide_connect, op_connect}, {SBI_trust_gone, op_gone}, {SBI_trust_restarted, op_restarted}};
const struct nf_desc trust_nf = {
    .kind = SBI_NF_TRUST,
    .name = "trust",
    .state_octets = sizeof(struct trust),
    .boot = trust_boot,
    .stop = trust_stop,
    .status = trust_status,
    .ops = ops,
    .n_ops = ARRAY_LEN(ops),
};
