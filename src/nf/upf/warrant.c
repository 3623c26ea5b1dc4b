/* SPDX-License-Identifier: Apache-2.0 */
/* warrant.c - copies of a session's packets for an authority: FAR action DUPL, TS 29.244 5.2.3, 8.2.26. An SMF gets them
 * only to where a warrant of our own configuration wants them, for the subscriber whom it names and while it is in force;
 * when they began and ended is in the evidence log, or they are not made. */
#include "nf/upf/state.h"
#include "base/text.h"
#include "rt/evidence.h"
#include "rt/warrant.h"

enum { FAILURE = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE };

/* Who the phone is by the SMF's word, kept as a number that says it to nobody; 0: not told. */
uint64_t upf_subject(const struct upf *u, const struct pfcp_user_id *id)
{
    struct str who = id->flags & PFCP_USER_ID_IMSI ? id->imsi : id->flags & PFCP_USER_ID_SUPI ? id->supi : (struct str){0};
    return who.n ? siphash24(~u->secret[0], u->secret[1], who.p, who.n) | 1 : 0;
}
static bool is_of(const struct upf *u, uint64_t subject, const struct config_warrant *w)
{
    uint8_t octets[8];
    struct pfcp_user_id id;
    return subject && warrant_user_id(w->supi, octets, &id) && upf_subject(u, &id) == subject;
}

bool copy_take(struct upf_draft *d, struct rule_far *f, const struct pfcp_outer_header_creation *h, uint16_t ie)
{
    const struct config_warrant *w = warrant_of_delivery(d->upf->rt, h);
    if (!d->upf->rt->evidence)
        return draft_refuse(d, FAILURE, ie, "nothing is copied without an evidence log");
    if (!w || !is_of(d->upf, d->common.subject, w))
        return draft_refuse(d, FAILURE, ie, "no warrant for a copy of this subscriber's packets there");
    if (d->warrant && !str_eq(d->warrant->id, w->id))
        return draft_refuse(d, FAILURE, ie, "copies of a session under two warrants");
    bool v4 = w->delivery.family == 4;
    const struct dp_config *c = &d->upf->up->config;
    if (!(v4 ? c->local_v4 : c->local_v6).family)
        return draft_refuse(d, FAILURE, ie, "no N3 address of that family");
    d->warrant = w;
    f->copy_teid = w->teid;
    f->copy_to = (struct rule_addr){.family = w->delivery.family, .port = DP_GTPU_PORT};
    memcpy(f->copy_to.ip, w->delivery.ip, sizeof f->copy_to.ip);
    return true;
}

static int tell(struct upf *u, const struct upf_session *s, const struct upf_copy *c, const char *what, const char *why)
{
    char subject[96], body[400];
    struct text t = text_over(body, sizeof body), name = text_over(subject, sizeof subject);
    text_add(&name, "warrant %s", c->id);
    text_add(&t, "{\"event\":\"%s\",\"session\":\"0x%016llx\",\"why\":\"%s\"}", what, (unsigned long long)upf_seid(u, s), why);
    return evidence_append(u->rt->evidence, EVIDENCE_warrant, (struct str){subject, name.n}, (struct str){body, t.n});
}

static bool copies(const struct upf_draft *d)
{
    for (uint32_t i = 0; i < d->far_n; i++)
        if (d->far[i].rule.action & RULE_DUPL)
            return true;
    return false;
}

static struct upf_copy *copy_of(const struct upf *u, const struct upf_session *s)
{
    return s->copy ? slab_at(&u->copies, s->copy - 1u) : NULL;
}

bool copies_begin(struct upf_draft *d, struct upf_session *s)
{
    struct upf *u = d->upf;
    struct upf_copy *c = copy_of(u, s);
    if (!copies(d))
        return true;
    if (c) /* under the same one, if this request says anything of it */
        return !d->warrant || (str_eq(str_of(c->id), d->warrant->id) && d->warrant->teid == c->to.teid) ||
               draft_refuse(d, FAILURE, PFCP_IE_duplicating_parameters, "copies of a session under two warrants");
    if (!d->warrant || !(c = slab_new(&u->copies)))
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_duplicating_parameters, "as many copied sessions as there may be");
    c->session = slab_ref(&u->sessions, s);
    memcpy(c->id, d->warrant->id.p, d->warrant->id.n);
    c->to = (struct pfcp_outer_header_creation){.teid = d->warrant->teid};
    c->to.flags = d->warrant->delivery.family == 4 ? PFCP_OHC_GTPU_IPV4 : PFCP_OHC_GTPU_IPV6;
    memcpy(c->to.flags == PFCP_OHC_GTPU_IPV4 ? c->to.ipv4 : c->to.ipv6, d->warrant->delivery.ip, c->to.flags == PFCP_OHC_GTPU_IPV4 ? 4 : 16);
    if (tell(u, s, c, "begin", "the SMF asks for it") < 0) {
        slab_drop(&u->copies, c);
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_duplicating_parameters, "the evidence log does not keep up");
    }
    s->copy = (uint16_t)(slab_index(&u->copies, c) + 1);
    return true;
}

void copies_end(struct upf *u, struct upf_session *s, const char *why)
{
    struct upf_copy *c = copy_of(u, s);
    if (!c)
        return;
    tell(u, s, c, "end", why);
    slab_drop(&u->copies, c);
    s->copy = 0;
}
void copies_committed(const struct upf_draft *d, struct upf_session *s)
{
    if (s->copy && !copies(d))
        copies_end(d->upf, s, d->why ? d->why : "the SMF ends it");
}

/* Its day is over, or the operator took it back or names somebody else in it: the session goes on without. */
static void withdraw(struct upf *u, struct upf_session *s)
{
    struct upf_draft *d = u->draft;
    draft_begin(d, u, s);
    for (uint32_t i = 0; i < d->far_n; i++) {
        struct rule_far *f = &d->far[i].rule;
        f->action &= (uint8_t)~RULE_DUPL;
        f->copy_teid = 0;
        f->copy_to = (struct rule_addr){0};
    }
    struct dp_rules *dp = draft_check(d);
    d->why = "the warrant is not in force any more";
    if (dp)
        draft_commit(d, s, dp, 0);
}
void copies_check(struct upf *u)
{
    uint32_t i = 0;
    for (struct upf_copy *c; (c = slab_next(&u->copies, &i));) {
        struct upf_session *s = slab_get(&u->sessions, c->session);
        const struct config_warrant *w = warrant_of_delivery(u->rt, &c->to);
        if (s && !s->going && (!w || !str_eq(w->id, str_of(c->id)) || !is_of(u, s->common.subject, w)))
            withdraw(u, s);
    }
}
