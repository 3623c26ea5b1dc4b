/* SPDX-License-Identifier: Apache-2.0 */
/* draft.c - a request is carried out on a copy of the session's rules; only when all of it is good
 * does the copy take the place of the original, here and in the packet path, in one step. */
#include "nf/upf/state.h"
#include <stdlib.h>

void draft_begin(struct upf_draft *d, struct upf *u, const struct upf_session *s)
{
    struct ref at = slab_ref(&u->sessions, s);
    const struct upf_rules *r = upf_rules(u, s);
    d->upf = u;
    d->assoc = s->assoc;
    d->session = at.i;
    d->gen = at.gen;
    d->common = s->common;
    d->pdr_n = d->far_n = d->qer_n = d->urr_n = d->sdf_n = d->eth_n = d->framed_n = d->created_n = d->removed_n = d->endpoint_n = 0;
    memset(d->chosen, 0, sizeof d->chosen);
    d->drop_buffered = d->restores = d->has_rule = false;
    d->warrant = NULL;
    d->cause = 0;
    d->offending = 0;
    d->why = NULL;
    if (!r)
        return;
    memcpy(d->pdr, r->pdr, (d->pdr_n = r->pdr_n) * sizeof *d->pdr);
    memcpy(d->far, r->far, (d->far_n = r->far_n) * sizeof *d->far);
    memcpy(d->qer, r->qer, (d->qer_n = r->qer_n) * sizeof *d->qer);
    memcpy(d->urr, r->urr, (d->urr_n = r->urr_n) * sizeof *d->urr);
    memcpy(d->endpoint, r->endpoint, (d->endpoint_n = r->endpoint_n) * sizeof *d->endpoint);
    memcpy(d->sdf, r->sdf, (d->sdf_n = r->sdf_n) * sizeof *d->sdf);
    memcpy(d->eth, r->eth, (d->eth_n = r->eth_n) * sizeof *d->eth);
    memcpy(d->framed, r->framed, (d->framed_n = r->framed_n) * sizeof *d->framed);
    for (uint32_t i = 0; i < d->pdr_n; i++) {
        d->pdr[i].sdf = d->sdf + (d->pdr[i].sdf - r->sdf);
        d->pdr[i].eth = d->eth + (d->pdr[i].eth - r->eth);
        d->pdr[i].framed = d->framed + (d->pdr[i].framed - r->framed);
    }
}

bool draft_refuse(struct upf_draft *d, uint8_t cause, uint16_t offending, const char *why)
{
    d->cause = cause;
    d->offending = offending;
    d->why = why;
    return false;
}

void draft_rule(struct upf_draft *d, uint8_t type, uint32_t id)
{
    d->has_rule = true;
    d->rule = (struct pfcp_failed_rule_id){.flags = type};
    switch (type) {
    case PFCP_FAILED_RULE_PDR: d->rule.pdr_id = (uint16_t)id; break;
    case PFCP_FAILED_RULE_FAR: d->rule.far_id = id; break;
    case PFCP_FAILED_RULE_QER: d->rule.qer_id = id; break;
    case PFCP_FAILED_RULE_URR: d->rule.urr_id = id; break;
    default: d->rule.bar_id = (uint8_t)id; break;
    }
}

#define FIND(kind, type, id_of)                                                                    \
    for (uint32_t i = 0; i < d->kind##_n; i++)                                                     \
        if (d->kind[i].id_of == id)                                                                \
            return &d->kind[i];                                                                    \
    return NULL
struct rule_pdr *draft_pdr(struct upf_draft *d, uint16_t id)
{
    FIND(pdr, rule_pdr, id);
}
struct upf_far *draft_far(struct upf_draft *d, uint32_t id)
{
    FIND(far, upf_far, rule.id);
}
struct rule_qer *draft_qer(struct upf_draft *d, uint32_t id)
{
    FIND(qer, rule_qer, id);
}
struct upf_urr *draft_urr(struct upf_draft *d, uint32_t id)
{
    FIND(urr, upf_urr, rule.id);
}
struct upf_urr *rules_urr(const struct upf_rules *d, uint32_t id)
{
    if (!d)
        return NULL;
    FIND(urr, upf_urr, rule.id);
}

static bool references_check(struct upf_draft *d)
{
    const uint8_t failure = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE;
    for (uint32_t i = 0; i < d->pdr_n; i++) {
        const struct rule_pdr *p = &d->pdr[i];
        draft_rule(d, PFCP_FAILED_RULE_PDR, p->id);
        if (!draft_far(d, p->far_id))
            return draft_refuse(d, failure, PFCP_IE_far_id, "a PDR names a FAR that is not there");
        for (uint32_t k = 0; k < p->qer_n; k++)
            if (!draft_qer(d, p->qer_id[k]))
                return draft_refuse(d, failure, PFCP_IE_qer_id,
                                    "a PDR names a QER that is not there");
        for (uint32_t k = 0; k < p->urr_n; k++)
            if (!draft_urr(d, p->urr_id[k]))
                return draft_refuse(d, failure, PFCP_IE_urr_id,
                                    "a PDR names a URR that is not there");
        if (p->teid && !p->outer_header_removal)
            return draft_refuse(d, PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_outer_header_removal,
                                "a tunnel without Outer Header Removal");
    }
    return true;
}

/* What cannot be forwarded yet is dropped: without Forwarding Parameters (8.2.26), and toward the
 * access network before the gNB's tunnel is known. */
static void far_out(const struct upf_draft *d, struct rule_far *to, const struct upf_far *f)
{
    *to = f->rule;
    bool nowhere = !f->has_parameters || (to->destination == RULE_ACCESS && !to->peer.family);
    if (to->action & RULE_FORW && nowhere)
        to->action = RULE_DROP;
    if ((to->destination == RULE_CORE || to->destination == RULE_LAN) && !to->peer.family && to->instance == UINT16_MAX)
        to->instance = d->common.instance;
    if (to->instance == UINT16_MAX)
        to->instance = 0;
}

static void urr_out(struct rule_urr *to, const struct upf_urr *u)
{
    *to = u->rule;
    if (!(u->triggers & PFCP_TRIGGER_VOLTH))
        to->threshold = (struct rule_volume){0};
    if (!(u->triggers & PFCP_TRIGGER_TIMTH))
        to->time_threshold_us = 0;
    if (!(u->triggers & PFCP_TRIGGER_PERIO))
        to->period_us = 0;
    if (!(u->triggers & PFCP_TRIGGER_QUHTI))
        to->quota_holding_us = 0;
    if (!(u->triggers & PFCP_TRIGGER_QUVTI))
        to->quota_validity_us = 0;
    if (!(u->triggers & PFCP_TRIGGER_LIUSA))
        to->linked_n = 0;
    to->report_start = u->triggers & PFCP_TRIGGER_START;
    to->report_macs = u->triggers & PFCP_TRIGGER_MACAR;
}

static struct dp_rules *rules_publishable(struct upf_draft *d, int *error)
{
    const struct upf_common *c = &d->common;
    struct rule_session s = {.session = d->session,
                             .gen = d->gen,
                             .instance = c->instance,
                             .has_ipv4 = c->has_ipv4,
                             .has_ipv6 = c->has_ipv6,
                             .is_ethernet = c->is_ethernet,
                             .inactivity_us = c->inactivity_s * 1000000ull,
                             .bar = c->bar,
                             .pdr = d->pdr,
                             .far = d->out_far,
                             .qer = d->qer,
                             .urr = d->out_urr,
                             .pdr_n = d->pdr_n,
                             .far_n = d->far_n,
                             .qer_n = d->qer_n,
                             .urr_n = d->urr_n};
    memcpy(s.ipv4, c->ipv4, sizeof s.ipv4);
    memcpy(s.ipv6_prefix, c->ipv6_prefix, sizeof s.ipv6_prefix);
    for (uint32_t i = 0; i < d->far_n; i++)
        far_out(d, &d->out_far[i], &d->far[i]);
    if (d->far_n && d->drop_buffered)
        d->out_far[0].drop_buffered = true;
    for (uint32_t i = 0; i < d->urr_n; i++)
        urr_out(&d->out_urr[i], &d->urr[i]);
    for (uint32_t i = 0; i < d->urr_n; i++) /* the shortest */
        if (d->urr[i].mac_age_s && (!s.mac_age_us || d->urr[i].mac_age_s * 1000000ull < s.mac_age_us))
            s.mac_age_us = d->urr[i].mac_age_s * 1000000ull;
    return dp_rules_new(&d->upf->up->config, &s, error, &d->why);
}

struct dp_rules *draft_check(struct upf_draft *d)
{
    int error;
    if (!references_check(d))
        return NULL;
    d->has_rule = false;
    if (!d->common.has_ipv4 && !d->common.has_ipv6 && !d->common.is_ethernet) {
        if (d->pdr_n)
            draft_rule(d, PFCP_FAILED_RULE_PDR, d->pdr[0].id);
        draft_refuse(d, PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE, PFCP_IE_ue_ip_address,
                     "a session without a UE address");
        return NULL;
    }
    struct dp_rules *r = rules_publishable(d, &error);
    if (r)
        return r;
    bool room = error == ERR_NOSPACE || error == ERR_FULL;
    if (!room && d->pdr_n) /* which rule it was is not told: one of the PDRs' */
        draft_rule(d, PFCP_FAILED_RULE_PDR, d->pdr[d->pdr_n - 1].id);
    draft_refuse(d,
                 room ? PFCP_CAUSE_NO_RESOURCES_AVAILABLE
                      : PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE,
                 0, d->why);
    return NULL;
}

/* ---- rules in rest ---- */
static size_t layout(struct upf_rules *r)
{
    r->urr = (struct upf_urr *)(void *)(r + 1);
    r->qer = (struct rule_qer *)(void *)(r->urr + r->urr_n);
    r->endpoint = (struct upf_endpoint *)(void *)(r->qer + r->qer_n);
    r->pdr = (struct rule_pdr *)(void *)(r->endpoint + r->endpoint_n);
    r->far = (struct upf_far *)(void *)(r->pdr + r->pdr_n);
    r->sdf = (struct rule_sdf *)(void *)(r->far + r->far_n);
    r->eth = (struct rule_eth *)(void *)(r->sdf + r->sdf_n);
    r->framed = (struct rule_prefix *)(void *)(r->eth + r->eth_n);
    return (size_t)((uint8_t *)(r->framed + r->framed_n) - (uint8_t *)r);
}
static void lists_find(struct upf_rules *r)
{
    const struct rule_sdf *sdf = r->sdf;
    const struct rule_eth *eth = r->eth;
    const struct rule_prefix *framed = r->framed;
    for (uint32_t i = 0; i < r->pdr_n; i++) {
        r->pdr[i].sdf = sdf;
        r->pdr[i].eth = eth;
        r->pdr[i].framed = framed;
        sdf += r->pdr[i].sdf_n;
        eth += r->pdr[i].eth_n;
        framed += r->pdr[i].framed_n;
    }
}

/* Rules of one kind have much in common: of each what differs from the one before it, and back. */
static void fold(void *array, unsigned n, size_t octets, bool back)
{
    uint8_t *p = array;
    for (unsigned i = 1; i < n; i++) {
        uint8_t *this = p + octets * (back ? i : n - i);
        for (size_t k = 0; k < octets; k++)
            this[k] ^= this[k - octets];
    }
}
static void rules_fold(struct upf_rules *r, bool back)
{
    fold(r->urr, r->urr_n, sizeof *r->urr, back);
    fold(r->qer, r->qer_n, sizeof *r->qer, back);
    fold(r->pdr, r->pdr_n, sizeof *r->pdr, back);
    fold(r->far, r->far_n, sizeof *r->far, back);
}

const struct upf_rules *upf_rules(const struct upf *u, const struct upf_session *s)
{
    struct upf_rules *r = (struct upf_rules *)(void *)u->draft->old;
    if (!s->rules)
        return NULL;
    sparse_unpack(r, s->rules->octets, (const uint8_t *)(s->rules->route + s->rules->route_n));
    layout(r);
    rules_fold(r, true);
    lists_find(r);
    return r;
}

/* In one block; filters of removed PDRs are left behind. */
static struct upf_rules *rules_make(struct upf_draft *d)
{
    struct upf_rules *r = (struct upf_rules *)(void *)d->made;
    uint32_t sdf_n = 0, eth_n = 0, framed_n = 0;
    for (uint32_t i = 0; i < d->pdr_n; i++) {
        sdf_n += d->pdr[i].sdf_n;
        eth_n += d->pdr[i].eth_n;
        framed_n += d->pdr[i].framed_n;
    }
    if (sdf_n > UPF_SDF_MAX || eth_n > UPF_ETH_MAX || framed_n > UPF_FRAMED_MAX)
        return NULL;
    *r = (struct upf_rules){.endpoint_n = d->endpoint_n, .pdr_n = d->pdr_n, .far_n = d->far_n, .qer_n = d->qer_n, .urr_n = d->urr_n,
                            .sdf_n = (uint16_t)sdf_n, .eth_n = (uint16_t)eth_n, .framed_n = (uint16_t)framed_n};
    r->octets = (uint32_t)layout(r);
    memcpy(r->urr, d->urr, r->urr_n * sizeof *r->urr);
    memcpy(r->qer, d->qer, r->qer_n * sizeof *r->qer);
    memcpy(r->endpoint, d->endpoint, r->endpoint_n * sizeof *r->endpoint);
    memcpy(r->pdr, d->pdr, r->pdr_n * sizeof *r->pdr);
    memcpy(r->far, d->far, r->far_n * sizeof *r->far);
    lists_find(r);
    for (uint32_t i = 0; i < r->pdr_n; i++) {
        const struct rule_pdr *p = &r->pdr[i];
        memcpy(r->sdf + (p->sdf - r->sdf), d->pdr[i].sdf, p->sdf_n * sizeof *r->sdf);
        memcpy(r->eth + (p->eth - r->eth), d->pdr[i].eth, p->eth_n * sizeof *r->eth);
        memcpy(r->framed + (p->framed - r->framed), d->pdr[i].framed, p->framed_n * sizeof *r->framed);
    }
    for (uint32_t i = 0; i < r->far_n; i++) /* what is done once */
        r->far[i].rule.send_end_marker = false;
    for (uint32_t i = 0; i < r->urr_n; i++)
        r->urr[i].rule.quota_fresh = false;
    return r;
}

/* Pointers are found again, and zeros take no room. */
static struct upf_kept *rules_keep(struct upf_draft *d, struct upf_rules *r)
{
    struct rule_framed route[RULE_FRAMED];
    size_t route_n = (size_t)rule_framed_collect(route, d->common.instance, d->pdr, d->pdr_n); /* checked */
    for (uint32_t i = 0; i < r->pdr_n; i++)
        r->pdr[i].sdf = NULL, r->pdr[i].eth = NULL, r->pdr[i].framed = NULL;
    rules_fold(r, false);
    r->urr = NULL, r->qer = NULL, r->endpoint = NULL, r->pdr = NULL, r->far = NULL, r->sdf = NULL, r->eth = NULL, r->framed = NULL;
    uint32_t octets = (r->octets + 7) & ~7u, n = sparse_pack(d->packed, r, octets);
    struct upf_kept *k = malloc(sizeof *k + route_n * sizeof *route + n);
    layout(r);
    rules_fold(r, true);
    lists_find(r);
    if (!k)
        return NULL;
    k->octets = octets;
    k->route_n = (uint16_t)route_n;
    memcpy(k->route, route, route_n * sizeof *route);
    memcpy(k->route + route_n, d->packed, n);
    return k;
}

/* Whether another session has an address of this one. */
static bool address_taken(const struct upf_draft *d, const struct upf_session *s)
{
    const struct upf_common *c = &d->common;
    const void *at4 = c->has_ipv4 ? upf_session_of_ue4(d->upf, c->instance, c->ipv4) : NULL;
    const void *at6 =
        c->has_ipv6 ? map_get_u64(&d->upf->ue6[c->instance], be64(c->ipv6_prefix)) : NULL;
    return (at4 && at4 != s) || (at6 && at6 != s);
}

void routes_release(struct upf *u, const struct upf_session *s)
{
    for (uint32_t i = 0; s->rules && i < s->rules->route_n; i++)
        if (map_get(&u->framed, BYTES_OF(s->rules->route[i].key)) == s)
            map_del(&u->framed, BYTES_OF(s->rules->route[i].key));
}

/* Another session's framed routes are not this one's to have. */
static bool route_taken(const struct upf *u, const struct upf_session *s, const struct upf_kept *r)
{
    for (uint32_t i = 0; i < r->route_n; i++) {
        const void *at = map_get(&u->framed, BYTES_OF(r->route[i].key));
        if (at && at != s)
            return true;
    }
    return false;
}

/* The old ones have been released. */
static bool routes_claim(struct upf *u, struct upf_session *s, const struct upf_kept *r)
{
    for (uint32_t i = 0; i < r->route_n; i++)
        if (map_put(&u->framed, BYTES_OF(r->route[i].key), s)) {
            while (i--)
                map_del(&u->framed, BYTES_OF(r->route[i].key));
            return false;
        }
    return true;
}

static bool addresses_claim(struct upf_draft *d, struct upf_session *s)
{
    const struct upf_common *c = &d->common;
    struct upf *u = d->upf;
    if (c->has_ipv4 && !upf_ue4_claim(u, s, c))
        return false;
    if (!c->has_ipv6 || !map_put_u64(&u->ue6[c->instance], be64(c->ipv6_prefix), s))
        return true;
    if (c->has_ipv4 && !s->common.has_ipv4)
        upf_ue4_release(u, s, c);
    return false;
}

static bool no_room(struct upf_draft *d, struct dp_rules *dp, struct upf_kept *kept)
{
    dp_rules_free(dp);
    free(kept);
    d->has_rule = false;
    return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, 0, "no memory");
}

bool draft_commit(struct upf_draft *d, struct upf_session *s, struct dp_rules *dp, uint32_t tag)
{
    struct upf *u = d->upf;
    if (address_taken(d, s)) {
        dp_rules_free(dp);
        if (d->pdr_n)
            draft_rule(d, PFCP_FAILED_RULE_PDR, d->pdr[0].id);
        return draft_refuse(d, PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE, PFCP_IE_ue_ip_address,
                            "another session has the UE's address");
    }
    struct upf_rules *made = rules_make(d);
    struct upf_kept *kept = made ? rules_keep(d, made) : NULL;
    if (kept && route_taken(u, s, kept)) {
        no_room(d, dp, kept);
        return draft_refuse(d, PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE, PFCP_IE_framed_route,
                            "another session has this framed route");
    }
    bool copied = s->copy != 0;
    if (kept && !copies_begin(d, s)) {
        uint8_t cause = d->cause;
        uint16_t offending = d->offending;
        const char *why = d->why;
        no_room(d, dp, kept);
        return draft_refuse(d, cause, offending, why);
    }
    if (!kept || !addresses_claim(d, s)) {
        if (!copied)
            copies_end(u, s, "no memory");
        return no_room(d, dp, kept);
    }
    routes_release(u, s);
    bool routed = routes_claim(u, s, kept);
    struct dp_command c = {
        .kind = DP_PUT, .session = d->session, .gen = d->gen, .tag = tag, .rules = dp};
    if (!routed || user_plane_command(u->up, &c) < 0) {
        for (uint32_t i = 0; routed && i < kept->route_n; i++)
            map_del(&u->framed, BYTES_OF(kept->route[i].key));
        if (s->rules)
            routes_claim(u, s, s->rules); /* there was room for them */
        if (d->common.has_ipv4 && !s->common.has_ipv4)
            upf_ue4_release(u, s, &d->common);
        if (d->common.has_ipv6 && !s->common.has_ipv6)
            map_del_u64(&u->ue6[d->common.instance], be64(d->common.ipv6_prefix));
        if (!copied)
            copies_end(u, s, "no memory");
        return no_room(d, dp, kept);
    }
    const struct upf_rules *old = upf_rules(u, s);
    paths_use(u, made, old);
    apps_use(u, made, old);
    free(s->rules);
    s->rules = kept;
    s->changed_s = (uint16_t)(u->rt->now_us / 1000000);
    s->common = d->common;
    s->common.has_instance = true; /* its addresses are claimed there */
    copies_committed(d, s);
    return true;
}
