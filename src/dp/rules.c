/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - checks a session's rules once, where the control plane can still be told why, and packs
 * them. */
#include "dp/state.h"
#include <stdlib.h>

static const uint64_t MAC_AGE_US = 300000000; /* IEEE 802.1Q 8.8.3 */

uint32_t dp_teid_mask(uint32_t sessions_max)
{
    uint32_t cells = RULE_TUNNELS;
    while (cells < sessions_max * (uint64_t)RULE_TUNNELS)
        cells <<= 1;
    return cells - 1;
}

uint32_t dp_teid(uint32_t sessions_max, uint32_t session, unsigned k, uint32_t random)
{
    uint32_t mask = dp_teid_mask(sessions_max), salt = random & ~mask;
    if (!salt)
        salt = mask + 1;
    return salt | ((session * RULE_TUNNELS + k) & mask);
}

uint32_t dp_teid_session(uint32_t sessions_max, uint32_t teid)
{
    uint32_t mask = dp_teid_mask(sessions_max);
    return teid > mask ? (teid & mask) / RULE_TUNNELS : UINT32_MAX;
}

struct checked {
    const struct dp_config *config;
    const struct rule_session *s;
    struct dp_rules *r;
    int error;
    const char *why;
};

static bool refuse(struct checked *c, int error, const char *why)
{
    c->error = error;
    c->why = why;
    return false;
}
#define NEED(cond, err, text)                                                                      \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return refuse(c, ERR_##err, text);                                                     \
    } while (0)

static bool prefix_good(const struct rule_prefix *p)
{
    return !p->family || (p->family == 4 && p->bits <= 32) || (p->family == 6 && p->bits <= 128);
}

static bool sdf_check(struct checked *c, const struct rule_sdf *f)
{
    NEED(prefix_good(&f->remote) && prefix_good(&f->local), RANGE,
         "a prefix longer than its address");
    NEED(f->remote_ports_n <= RULE_SDF_PORTS && f->local_ports_n <= RULE_SDF_PORTS, RANGE,
         "too many port ranges in a filter");
    for (unsigned i = 0; i < f->remote_ports_n; i++)
        NEED(f->remote_ports[i].first <= f->remote_ports[i].last, RANGE,
             "a port range that ends early");
    for (unsigned i = 0; i < f->local_ports_n; i++)
        NEED(f->local_ports[i].first <= f->local_ports[i].last, RANGE,
             "a port range that ends early");
    return true;
}

static bool session_check(struct checked *c)
{
    const struct rule_session *s = c->s;
    NEED(s->session < c->config->sessions_max, RANGE, "session index out of range");
    NEED(s->instance < c->config->instances, RANGE, "no such network instance");
    NEED(s->has_ipv4 || s->has_ipv6 || s->is_ethernet, MISSING, "a session without UE address");
    NEED(!s->is_ethernet || !(s->has_ipv4 || s->has_ipv6), RANGE, "an Ethernet session with an IP address");
    NEED(!s->has_ipv4 || (be32(s->ipv4) && s->ipv4[0] < 224), RANGE, "not a UE's IPv4 address");
    NEED(!s->has_ipv6 || (s->ipv6_prefix[0] && s->ipv6_prefix[0] < 0xfe), RANGE,
         "not a UE's IPv6 prefix");
    NEED(s->pdr_n <= RULE_MAX && s->far_n <= RULE_MAX && s->qer_n <= RULE_MAX &&
             s->urr_n <= RULE_MAX,
         FULL, "too many rules in a session");
    struct rule_framed framed[RULE_FRAMED];
    NEED(rule_framed_collect(framed, s->instance, s->pdr, s->pdr_n) >= 0, RANGE,
         "too many framed routes, or one that is no prefix");
    uint32_t filters = 0, eths = 0, framed_n = 0;
    for (unsigned i = 0; i < s->pdr_n; i++) {
        filters += s->pdr[i].sdf_n;
        eths += s->pdr[i].eth_n;
        framed_n += s->pdr[i].framed_n;
    }
    NEED(filters <= RULE_MAX && eths <= RULE_ETHS, FULL, "too many filters in a session");
    NEED(!s->is_ethernet || !(filters || framed_n), UNSUPPORTED, "IP filters or framed routes of an Ethernet session");
    NEED(s->is_ethernet || !eths, RANGE, "Ethernet filters of an IP session");
    return true;
}

static bool copy_pack(struct checked *c, const struct rule_far *f, uint8_t *n)
{
    if (!(f->action & RULE_DUPL))
        return true;
    NEED(!(f->action & RULE_DROP), RANGE, "copies of what is dropped");
    NEED(f->copy_to.family == 4 || f->copy_to.family == 6, MISSING, "a copy to nowhere");
    NEED(f->copy_teid, RANGE, "a copy to TEID 0");
    NEED(f->copy_to.dscp < 64, RANGE, "a DSCP beyond 63");
    struct far_copy *to = &c->r->copy[(*n)++];
    *to = (struct far_copy){f->copy_teid, f->copy_to};
    if (!to->to.port)
        to->to.port = DP_GTPU_PORT;
    return true;
}

static bool fars_pack(struct checked *c)
{
    uint8_t copies = 0;
    for (unsigned i = 0; i < c->s->far_n; i++) {
        const struct rule_far *f = &c->s->far[i];
        unsigned act = f->action & (RULE_DROP | RULE_FORW | RULE_BUFF);
        NEED(act == RULE_DROP || act == RULE_FORW || act == RULE_BUFF, RANGE,
             "a FAR must forward, drop or buffer, one of them");
        NEED(!(f->action & ~31) && !(act == RULE_FORW && (f->action & RULE_NOCP)), RANGE,
             "an apply action that is not possible");
        NEED(f->destination <= RULE_LAN, RANGE, "no such destination interface");
        NEED(f->peer.family == 0 || f->peer.family == 4 || f->peer.family == 6, RANGE,
             "a peer that is neither IPv4 nor IPv6");
        NEED(f->peer.dscp < 64, RANGE, "a DSCP beyond 63");
        NEED(f->instance < c->config->instances, RANGE, "no such network instance");
        NEED(act != RULE_FORW || f->destination != RULE_ACCESS || f->peer.family, MISSING,
             "forwarding to access needs an outer header");
        NEED(!f->peer.family || f->teid, RANGE, "outer header creation with TEID 0");
        NEED(!c->s->is_ethernet || act != RULE_FORW || f->destination != RULE_CORE || f->peer.family, UNSUPPORTED,
             "an Ethernet session's way to a data network");
        NEED(!c->s->is_ethernet || f->destination != RULE_LAN || f->instance == c->s->instance, RANGE,
             "an Ethernet session's way to another 5G LAN than its own");
        NEED(f->destination != RULE_LAN || !f->peer.family, UNSUPPORTED,
             "an outer header on the way to a 5G LAN");
        NEED(f->destination != RULE_LAN || act != RULE_BUFF, UNSUPPORTED,
             "buffering on the way to a 5G LAN");
        for (unsigned k = 0; k < i; k++)
            NEED(c->r->far[k].id != f->id, EXISTS, "two FARs with one id");
        if (!copy_pack(c, f, &copies))
            return false;
        c->r->far[i] = (struct far){.id = f->id,
                                    .teid = f->teid,
                                    .action = f->action,
                                    .destination = (uint8_t)f->destination,
                                    .send_end_marker = f->send_end_marker,
                                    .drop_buffered = f->drop_buffered,
                                    .copy = f->action & RULE_DUPL ? copies : 0,
                                    .instance = f->instance,
                                    .peer = f->peer};
        if (f->peer.family == 4)
            memset(c->r->far[i].peer.ip + 4, 0, 12);
        if (!f->peer.port)
            c->r->far[i].peer.port = DP_GTPU_PORT;
    }
    return true;
}

static bool urr_has_more(const struct rule_urr *u)
{
    return u->quota.total || u->quota.ul || u->quota.dl || u->time_quota_us || u->quota_holding_us || u->quota_validity_us ||
           u->linked_n;
}
/* more: where the next one has room, behind the array. */
static void urr_pack(struct urr *to, const struct rule_urr *u, struct urr_more **more)
{
    to->rule.id = u->id;
    to->rule.measure_volume = u->measure_volume;
    to->rule.measure_duration = u->measure_duration;
    to->rule.report_start = u->report_start;
    to->rule.start_at_once = u->start_at_once;
    to->rule.quota_fresh = u->quota_fresh;
    to->rule.report_macs = u->report_macs;
    to->rule.threshold = u->threshold;
    to->rule.time_threshold_us = u->time_threshold_us;
    to->rule.period_us = u->period_us;
    if (!urr_has_more(u))
        return;
    to->more = (*more)++;
    *to->more = (struct urr_more){.quota = u->quota, .time_quota_us = u->time_quota_us, .holding_us = u->quota_holding_us,
                                  .validity_us = u->quota_validity_us, .linked_n = u->linked_n};
    memcpy(to->more->linked, u->linked, sizeof u->linked);
}

static bool meters_pack(struct checked *c)
{
    for (unsigned i = 0; i < c->s->qer_n; i++) {
        const struct rule_qer *q = &c->s->qer[i];
        NEED(q->qfi < 64, RANGE, "QFI out of range");
        for (unsigned k = 0; k < i; k++)
            NEED(c->r->qer[k].id != q->id, EXISTS, "two QERs with one id");
        c->r->qer[i] = (struct qer){.id = q->id,
                                    .closed = {q->gate_dl_closed, q->gate_ul_closed},
                                    .has_mbr = q->has_mbr,
                                    .reflective = q->reflective,
                                    .qfi = q->qfi,
                                    .mbr_kbit = {q->mbr_dl_kbit, q->mbr_ul_kbit}};
    }
    struct urr_more *more = (struct urr_more *)(void *)(c->r->urr + c->s->urr_n);
    for (unsigned i = 0; i < c->s->urr_n; i++) {
        for (unsigned k = 0; k < i; k++)
            NEED(c->r->urr[k].rule.id != c->s->urr[i].id, EXISTS, "two URRs with one id");
        NEED(c->s->urr[i].linked_n <= RULE_LINKED, FULL, "too many URRs that a URR is linked to");
        urr_pack(&c->r->urr[i], &c->s->urr[i], &more);
    }
    return true;
}

static const struct rule_sdf *sdf_of_id(const struct rule_session *s, uint32_t id)
{
    for (unsigned i = 0; i < s->pdr_n; i++)
        for (unsigned k = 0; k < s->pdr[i].sdf_n; k++)
            if (s->pdr[i].sdf[k].id == id && !s->pdr[i].sdf[k].same_as_id)
                return &s->pdr[i].sdf[k];
    return NULL;
}

static const struct rule_eth *eth_of_id(const struct rule_session *s, uint32_t id)
{
    for (unsigned i = 0; i < s->pdr_n; i++)
        for (unsigned k = 0; k < s->pdr[i].eth_n; k++)
            if (s->pdr[i].eth[k].id == id && s->pdr[i].eth[k].both_ways && !s->pdr[i].eth[k].same_as_id)
                return &s->pdr[i].eth[k];
    return NULL;
}
static bool eths_pack(struct checked *c, const struct rule_pdr *p, struct rule_eth *to)
{
    for (unsigned i = 0; i < p->eth_n; i++) {
        const struct rule_eth *f = &p->eth[i];
        bool turned = f->same_as_id;
        if (turned)
            f = eth_of_id(c->s, f->id);
        NEED(f, NOTFOUND, "an Ethernet filter refers to another that is not there or is not for both ways");
        NEED(f->mac_n <= RULE_MACS, FULL, "too many MAC addresses in a filter");
        to[i] = *f;
        for (unsigned k = 0; k < f->mac_n; k++) {
            NEED(memcmp(f->mac[k].first, f->mac[k].last, 6) <= 0, RANGE, "a range of MAC addresses that ends early");
            to[i].mac[k].is_source ^= turned;
        }
    }
    return true;
}

static bool pdr_refer(struct checked *c, const struct rule_pdr *p, struct pdr *to)
{
    unsigned k;
    for (k = 0; k < c->r->far_n && c->r->far[k].id != p->far_id; k++)
        ;
    NEED(k < c->r->far_n, NOTFOUND, "a PDR names a FAR that is not there");
    to->far = (uint8_t)k;
    /* One step each way, so nothing goes round: in from a phone, out to a phone. */
    NEED(p->source == RULE_ACCESS || c->r->far[k].destination != RULE_LAN, UNSUPPORTED,
         "into a 5G LAN from elsewhere than the access network");
    NEED(p->source != RULE_LAN || c->r->far[k].destination == RULE_ACCESS, UNSUPPORTED,
         "out of a 5G LAN to elsewhere than the access network");
    NEED(p->qer_n <= RULE_PDR_QERS && p->urr_n <= RULE_PDR_URRS, FULL,
         "too many QERs or URRs in a PDR");
    for (unsigned i = 0; i < p->qer_n; i++) {
        for (k = 0; k < c->r->qer_n && c->r->qer[k].id != p->qer_id[i]; k++)
            ;
        NEED(k < c->r->qer_n, NOTFOUND, "a PDR names a QER that is not there");
        to->qer[i] = (uint8_t)k;
    }
    for (unsigned i = 0; i < p->urr_n; i++) {
        for (k = 0; k < c->r->urr_n && c->r->urr[k].rule.id != p->urr_id[i]; k++)
            ;
        NEED(k < c->r->urr_n, NOTFOUND, "a PDR names a URR that is not there");
        to->urr[i] = (uint8_t)k;
    }
    return true;
}

static bool pdr_check(struct checked *c, const struct rule_pdr *p, unsigned before)
{
    uint32_t mask = dp_teid_mask(c->config->sessions_max);
    NEED(p->id, RANGE, "PDR id 0");
    NEED(p->source <= RULE_LAN, RANGE, "no such source interface");
    NEED(p->teid || p->source == RULE_CORE || p->source == RULE_LAN, MISSING, "a PDR from access needs a local F-TEID");
    NEED(!p->teid || (p->teid > mask && (p->teid & mask) / RULE_TUNNELS == c->s->session), RANGE,
         "a TEID that was not made for this session");
    NEED(!p->teid || p->outer_header_removal, UNSUPPORTED, "a tunnel without outer header removal");
    NEED(!p->teid || p->source != RULE_LAN, UNSUPPORTED, "a tunnel of a 5G LAN");
    NEED(!p->carry_on || p->source == RULE_LAN, UNSUPPORTED, "carrying on outside of a 5G LAN");
    for (unsigned i = 0; i < before; i++) {
        const struct rule_pdr *o = &c->s->pdr[i];
        NEED(o->id != p->id, EXISTS, "two PDRs with one id");
        NEED(!p->teid || o->teid != p->teid || o->source == p->source, RANGE,
             "PDRs of one TEID from different interfaces");
        NEED(!p->teid || !o->teid || o->teid == p->teid || ((o->teid ^ p->teid) & mask), RANGE,
             "two TEIDs in the same place");
    }
    return true;
}

static bool pdrs_pack(struct checked *c)
{
    unsigned sdf_n = 0, eth_n = 0;
    for (unsigned i = 0; i < c->s->pdr_n; i++) {
        const struct rule_pdr *p = &c->s->pdr[i];
        struct pdr to = {.qfis = p->qfis,
                         .precedence = p->precedence,
                         .teid = p->teid,
                         .id = p->id,
                         .source = (uint8_t)p->source,
                         .sdf_first = (uint8_t)sdf_n,
                         .sdf_n = (uint8_t)p->sdf_n,
                         .eth_first = (uint8_t)eth_n,
                         .eth_n = p->eth_n,
                         .carry_on = p->carry_on,
                         .home = c->r->is_multi_homed && p->has_home ? (uint8_t)(i + 1) : 0,
                         .qer_n = p->qer_n,
                         .urr_n = p->urr_n};
        if (!pdr_check(c, p, i) || !pdr_refer(c, p, &to) || !eths_pack(c, p, c->r->eth + eth_n))
            return false;
        eth_n += p->eth_n;
        for (unsigned k = 0; k < p->sdf_n; k++) {
            const struct rule_sdf *f = &p->sdf[k];
            if (f->same_as_id)
                f = sdf_of_id(c->s, f->id);
            NEED(f, NOTFOUND, "a filter refers to another that is not there");
            if (!sdf_check(c, f))
                return false;
            c->r->sdf[sdf_n++] = *f;
        }
        c->r->in_lan |= p->source == RULE_LAN;
        c->r->carries_on |= p->carry_on;
        if (to.home)
            memcpy(rules_home(c->r, i), p->home, sizeof p->home);
        unsigned at = i;
        for (; at && c->r->pdr[at - 1].precedence > to.precedence; at--)
            c->r->pdr[at] = c->r->pdr[at - 1];
        c->r->pdr[at] = to;
    }
    return true;
}

static bool is_multi_homed(const struct rule_session *s)
{
    for (unsigned i = 0; i < s->pdr_n; i++)
        if (s->pdr[i].has_home && s->has_ipv6 && memcmp(s->pdr[i].home, s->ipv6_prefix, sizeof s->ipv6_prefix))
            return true;
    return false;
}

static struct dp_rules *rules_alloc(const struct rule_session *s)
{
    size_t home_n = is_multi_homed(s) ? s->pdr_n : 0;
    size_t sdf_n = 0, more_n = 0, eth_n = 0, copy_n = 0;
    for (unsigned i = 0; i < s->far_n; i++)
        copy_n += (s->far[i].action & RULE_DUPL) != 0;
    for (unsigned i = 0; i < s->urr_n; i++)
        more_n += urr_has_more(&s->urr[i]);
    for (unsigned i = 0; i < s->pdr_n; i++)
        sdf_n += s->pdr[i].sdf_n, eth_n += s->pdr[i].eth_n;
    struct rule_framed framed[RULE_FRAMED];
    size_t framed_n = (size_t)rule_framed_collect(framed, s->instance, s->pdr, s->pdr_n); /* checked */
    /* in falling order of alignment, so that no array needs padding before it */
    size_t octets = home_n * sizeof s->pdr->home + framed_n * sizeof *framed + eth_n * sizeof(struct rule_eth) + sizeof(struct dp_rules) + s->urr_n * sizeof(struct urr) +
                    more_n * sizeof(struct urr_more) +
                    s->qer_n * sizeof(struct qer) + s->pdr_n * sizeof(struct pdr) +
                    s->far_n * sizeof(struct far) + copy_n * sizeof(struct far_copy) + sdf_n * sizeof(struct rule_sdf);
    struct dp_rules *r = calloc(1, octets);
    if (!r)
        return NULL;
    *r = (struct dp_rules){.session = s->session,
                           .gen = s->gen,
                           .octets = (uint32_t)octets,
                           .instance = s->instance,
                           .pdr_n = (uint8_t)s->pdr_n,
                           .far_n = (uint8_t)s->far_n,
                           .qer_n = (uint8_t)s->qer_n,
                           .urr_n = (uint8_t)s->urr_n,
                           .framed_n = (uint8_t)framed_n,
                           .has_ipv4 = s->has_ipv4,
                           .has_ipv6 = s->has_ipv6,
                           .is_ethernet = s->is_ethernet,
                           .is_multi_homed = home_n > 0,
                           .inactivity_us = s->inactivity_us,
                           .mac_age_us = s->mac_age_us ? s->mac_age_us : MAC_AGE_US,
                           .bar = s->bar};
    memcpy(r->ipv4, s->ipv4, 4);
    memcpy(r->ipv6_prefix, s->ipv6_prefix, 8);
    r->pdr = (struct pdr *)(void *)(r + 1);
    r->qer = (struct qer *)(void *)(r->pdr + s->pdr_n);
    r->urr = (struct urr *)(void *)(r->qer + s->qer_n);
    r->far = (struct far *)(void *)((struct urr_more *)(void *)(r->urr + s->urr_n) + more_n);
    r->copy = (struct far_copy *)(void *)(r->far + s->far_n);
    r->sdf = (struct rule_sdf *)(void *)(r->copy + copy_n);
    r->eth = (struct rule_eth *)(void *)(r->sdf + sdf_n);
    r->framed = (struct rule_framed *)(void *)(r->eth + eth_n);
    memcpy(r->framed, framed, framed_n * sizeof *framed);
    return r;
}

struct dp_rules *dp_rules_new(const struct dp_config *config, const struct rule_session *s,
                              int *error, const char **why)
{
    struct checked c = {.config = config, .s = s};
    bool good = session_check(&c);
    if (good && !(c.r = rules_alloc(s)))
        good = refuse(&c, ERR_NOSPACE, "no memory for the rules");
    good = good && fars_pack(&c) && meters_pack(&c) && pdrs_pack(&c);
    *error = c.error;
    if (why)
        *why = c.why;
    if (good)
        return c.r;
    dp_rules_free(c.r);
    return NULL;
}

void dp_rules_free(struct dp_rules *r)
{
    free(r);
}
uint32_t dp_rules_octets(const struct dp_rules *r)
{
    return r->octets;
}
