/* SPDX-License-Identifier: Apache-2.0 */
/* trust_tell.c - what is told of findings, decisions and imports, in the log and in the evidence log. */
#include "trust/trust_parts.h"
#include "trust/inventory_store.h"
#include "base/err.h"
#include "base/log.h"
#include "rt/evidence.h"
#include "rt/metrics.h"
#include <stdio.h>

/* ---- findings ---- */
static const char *finding_text(enum trust_finding f)
{
    switch (f) {
    case TRUST_FINDING_UNPROVED: return "claims to be an element that it cannot prove to be";
    case TRUST_FINDING_OTHER: return "is an element of the inventory and claims to be another";
    case TRUST_FINDING_NAME: return "names itself differently from the inventory";
    case TRUST_FINDING_STRANGER: return "not in the inventory";
    case TRUST_FINDING_VENDOR: return "says that another vendor made it than the inventory says";
    default: return "";
    }
}
/* With what IPsec has against it. */
const char *trust_finding_why(const struct trust_peer *p, enum trust_finding f, char buf[TRUST_FINDING_TEXT])
{
    bool has_proof = p->proof[0] && (f == TRUST_FINDING_UNPROVED || f == TRUST_FINDING_OTHER || f == TRUST_FINDING_STRANGER);
    snprintf(buf, TRUST_FINDING_TEXT, "%s%s%s", finding_text(f), has_proof ? ": " : "", has_proof ? p->proof : "");
    return buf;
}
/* A JSON object without subscribers' identities; what peers say is quoted, and cut, so that all of it always fits. */
enum { VALUE_OCTETS = 1000, BODY_OCTETS = 9 * (VALUE_OCTETS + 32) };
static void json_text(struct text *t, const char *name, struct str s)
{
    text_add(t, "%s\"%s\":\"", t->n > 1 ? "," : "", name);
    for (uint32_t i = 0, end = t->n + VALUE_OCTETS - 6; i < s.n && t->n <= end; i++)
        text_add(t, s.p[i] == '"' || s.p[i] == '\\' ? "\\%c" : (unsigned char)s.p[i] < 0x20 ? "\\u%04x" : "%c", s.p[i]);
    text_add(t, "\"");
}
/* Whoever asks again and again fills no disk, and keeps nobody else's entries out: so many a minute of each element, and of
 * strangers from each address (or network, of IPv6; a few may share a row). What is beyond is counted, and the count is told. */
static bool may_tell(struct trust *t, const struct trust_peer *p)
{
    const struct net_addr *a = &p->address;
    uint32_t row = (uint32_t)siphash24(t->secret[0], t->secret[1], a->ip, a->family == 6 ? 8 : 4) % TRUST_STRANGERS;
    struct trust_told *told = p->element ? &t->told[p->element - 1] : &t->told_strangers[row];
    uint32_t minute = (uint32_t)(t->rt->now_us / 60000000);
    if (told->minute != minute)
        *told = (struct trust_told){.minute = minute};
    if (told->n < TRUST_TOLD) {
        told->n++;
        return true;
    }
    t->untold++;
    return false;
}
void trust_untold_tell(struct trust *t)
{
    char body[96];
    if (!t->untold)
        return;
    int n = snprintf(body, sizeof body, "{\"what\":\"asked too often to be written one by one\",\"entries\":%llu}", (unsigned long long)t->untold);
    if (evidence_append(t->rt->evidence, EVIDENCE_finding, STR("trust"), (struct str){body, (uint32_t)n}) == OK)
        t->untold = 0;
}
struct str trust_element_id(const struct trust *t, const struct trust_peer *p)
{
    const struct inv_element *e = inventory_element(t->inventory, p->element);
    return e ? e->id : str_of(p->node_id);
}
void trust_latest_put(struct trust *t, struct str subject, const char *why, const char *done)
{
    struct trust_latest *l = &t->latest[t->n_latest++ % TRUST_LATEST];
    *l = (struct trust_latest){.at_unix_us = env_unix_us(t->rt->env), .done = done};
    snprintf(l->subject, sizeof l->subject, "%.*s", STR_ARG(subject));
    snprintf(l->why, sizeof l->why, "%.255s", why);
}
void trust_finding_write(struct trust *t, const struct trust_peer *p, const char *why, const char *done)
{
    char addr[NET_ADDR_TEXT] = "", body[BODY_OCTETS];
    struct text b = text_over(body, sizeof body);
    uint32_t claimed = trust_claimed(t, p), proved = trust_proved(t, p);
    const struct inv_element *c = inventory_element(t->inventory, claimed), *e = inventory_element(t->inventory, proved);
    if (p->address.family)
        addr_text(&p->address, addr);
    LOG(t->rt->log, trust_finding, "node=%s peer=%s name=\"%s\" element=%.*s claims=%.*s why=\"%s\"", p->node_id, addr, p->name,
        e ? (int)e->id.n : 0, e ? e->id.p : "", c ? (int)c->id.n : 0, c ? c->id.p : "", why);
    trust_latest_put(t, e ? e->id : str_of(p->node_id), why, done);
    metric_add(t->rt->metrics, METRIC_trust_findings, 1);
    if (!t->rt->evidence || !may_tell(t, p))
        return;
    text_add(&b, "{");
    json_text(&b, "what", str_of(why));
    json_text(&b, "done", str_of(done));
    json_text(&b, "node", str_of(p->node_id));
    json_text(&b, "peer", str_of(addr));
    json_text(&b, "name", str_of(p->name));
    if (p->vendor_id[0])
        json_text(&b, "vendorId", str_of(p->vendor_id));
    json_text(&b, "element", e ? e->id : STR(""));
    json_text(&b, "claims", c ? c->id : STR(""));
    text_add(&b, "}");
    evidence_append(t->rt->evidence, EVIDENCE_finding, e ? e->id : str_of(p->node_id), (struct str){body, b.n});
}
void trust_finding_tell(struct trust *t, const struct trust_peer *p, enum trust_finding f)
{
    char why[TRUST_FINDING_TEXT];
    const char *done = f == TRUST_FINDING_NAME || f == TRUST_FINDING_VENDOR ? "decided by what it proved, not by what it says"
                       : t->rt->config->trust.strangers == CONFIG_STRANGERS_PERMIT ? "let in as a stranger, as trust.strangers says"
                       : trust_is_enforced(t)                                             ? "refused"
                                                                                    : "let in: nothing is enforced";
    trust_finding_write(t, p, trust_finding_why(p, f, why), done);
}


/* ---- decisions ---- */
const char *trust_first_reason(const struct policy_verdict *v, char buf[POLICY_REASON_TEXT])
{
    buf[0] = 0;
    return v->n_reasons ? policy_reason_text(&v->reasons[0], buf) : buf;
}


/* asked: by the peer, who can do so as often as he likes. */
void trust_decision_tell(struct trust *t, const struct trust_peer *p, const struct policy_verdict *v, enum trust_finding f, bool asked)
{
    char addr[NET_ADDR_TEXT] = "", why[POLICY_REASON_TEXT], body[BODY_OCTETS], found[TRUST_FINDING_TEXT];
    struct str id = trust_element_id(t, p);
    struct text b = text_over(body, sizeof body);
    const struct policy_row *row = v->n_reasons ? v->reasons[0].row : NULL;
    if (p->address.family)
        addr_text(&p->address, addr);
    trust_first_reason(v, why);
    if (v->permitted)
        LOG(t->rt->log, trust_permitted, "node=%s element=%.*s peer=%s verdict=%s why=\"%s\"", p->node_id, STR_ARG(id), addr,
            policy_decision_text(v->decision), why);
    else if (trust_is_enforced(t))
        LOG(t->rt->log, trust_refused, "node=%s element=%.*s peer=%s verdict=%s why=\"%s\"", p->node_id, STR_ARG(id), addr,
            policy_decision_text(v->decision), f > TRUST_FINDING_NAME || !row ? trust_finding_why(p, f, found) : why);
    else
        LOG(t->rt->log, trust_would_refuse, "node=%s element=%.*s peer=%s verdict=%s why=\"%s\"", p->node_id, STR_ARG(id), addr,
            policy_decision_text(v->decision), why);
    if (!t->rt->evidence || (asked && !may_tell(t, p)))
        return;
    text_add(&b, "{");
    json_text(&b, "node", str_of(p->node_id));
    json_text(&b, "peer", str_of(addr));
    json_text(&b, "verdict", str_of(policy_decision_text(v->decision)));
    json_text(&b, "enforced", trust_is_enforced(t) ? STR("yes") : STR("no"));
    for (uint32_t i = 0; i < v->n_reasons && i < 3; i++)
        json_text(&b, i == 0 ? "reason" : i == 1 ? "second" : "third", str_of(policy_reason_text(&v->reasons[i], why)));
    text_add(&b, "}");
    evidence_append(t->rt->evidence, EVIDENCE_decision, id, (struct str){body, b.n});
}

/* ---- imports ---- */
struct imports {
    struct trust *t;
    uint64_t after; /* this import */
    bool at_start;
};
static int import_tell(void *ctx, const struct inv_journal_entry *i)
{
    const struct imports *x = ctx;
    char body[BODY_OCTETS], day[INV_DATE_TEXT];
    struct text b = text_over(body, sizeof body);
    if (i->number <= x->after || !i->complete)
        return OK;
    text_add(&b, "{");
    json_text(&b, "what", x->at_start                             ? STR("inventory at start")
                          : i->flags & INV_VERSION_CORRECTION ? STR("inventory corrected")
                                                              : STR("inventory changed"));
    json_text(&b, "from", str_of(inv_date_text(i->from, day)));
    json_text(&b, "note", i->note);
    text_add(&b, ",\"import\":%u,\"recorded_us\":%llu,\"added\":%u,\"changed\":%u,\"removed\":%u}", i->number,
             (unsigned long long)i->recorded_us, i->added, i->changed, i->removed);
    evidence_append(x->t->rt->evidence, EVIDENCE_change, STR("inventory"), (struct str){body, b.n});
    return OK;
}
/* The imports after one that was told already become evidence, and at the start the newest one. */
void trust_imports_tell(struct trust *t, uint64_t after, bool at_start)
{
    struct imports x = {t, after, at_start};
    inventory_journal(t->rt->store, import_tell, &x);
}
