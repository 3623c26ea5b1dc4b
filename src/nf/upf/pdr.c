/* SPDX-License-Identifier: Apache-2.0 */
/* pdr.c - packet detection rules, TS 29.244 7.5.2.2, 7.5.4.2 and 7.5.4.6. */
#include "nf/upf/state.h"
#include "dp/sdf.h"

enum { FAILURE = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE };

int instance_find(const struct upf *u, struct str name)
{
    char dotted[256];
    int n = pfcp_fqdn_get(dotted, sizeof dotted, name);
    struct str text = n < 0 ? name : (struct str){dotted, (uint32_t)n};
    for (uint32_t i = 0; i < u->config->n_n6; i++)
        if (str_eq(u->config->n6[i].dnn, text) || str_eq(u->config->n6[i].dnn, name))
            return (int)i;
    return -1;
}

/* The session's data network: of the first rule that names one. */
bool instance_take(struct upf_draft *d, int i)
{
    if (i < 0)
        return draft_refuse(d, FAILURE, PFCP_IE_network_instance, "no such data network");
    if (d->common.has_instance && d->common.instance != i)
        return draft_refuse(d, FAILURE, PFCP_IE_network_instance,
                            "a session in two data networks");
    d->common.instance = (uint16_t)i;
    d->common.has_instance = true;
    return true;
}

/* ---- the local F-TEID, 5.5: chosen here, or one that was ---- */
static uint8_t families_here(const struct upf *u)
{
    const struct dp_config *c = &u->up->config;
    return (uint8_t)((c->local_v4.family ? PFCP_F_TEID_V4 : 0) |
                     (c->local_v6.family ? PFCP_F_TEID_V6 : 0));
}

static uint32_t teid_new(struct upf_draft *d)
{
    uint32_t random, used = 0;
    for (uint32_t i = 0; i < d->pdr_n; i++)
        if (d->pdr[i].teid)
            used |= 1u << d->pdr[i].teid % RULE_TUNNELS;
    for (uint32_t i = 0; i < d->endpoint_n; i++)
        if (d->endpoint[i].teid)
            used |= 1u << d->endpoint[i].teid % RULE_TUNNELS;
    unsigned k = 0;
    while (k < RULE_TUNNELS && used >> k & 1)
        k++;
    if (k == RULE_TUNNELS)
        return 0;
    env_random(d->upf->rt->env, &random, sizeof random);
    return dp_teid(d->upf->up->config.sessions_max, d->session, k, random);
}

static bool f_teid_choose(struct upf_draft *d, uint32_t *teid, struct upf_created of, const struct pfcp_f_teid *f)
{
    uint32_t *same = f->flags & PFCP_F_TEID_CHID ? &d->chosen[f->choose_id] : NULL;
    of.families = f->flags & (PFCP_F_TEID_V4 | PFCP_F_TEID_V6) & families_here(d->upf);
    if (!of.families)
        return draft_refuse(d, PFCP_CAUSE_INVALID_F_TEID_ALLOCATION_OPTION, PFCP_IE_f_teid,
                            "no N3 address of that family");
    *teid = 0; /* the place of the old one is free */
    *teid = of.teid = same && *same ? *same : teid_new(d);
    if (!of.teid)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_f_teid,
                            "too many tunnels in a session");
    if (same)
        *same = of.teid;
    if (d->created_n == RULE_MAX)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_f_teid,
                            "too many F-TEIDs in a request");
    d->created[d->created_n++] = of;
    return true;
}

static bool address_is_one(const struct net_addr *a, uint32_t n, const struct pfcp_f_teid *f)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].family == 4 ? f->flags & PFCP_F_TEID_V4 && !memcmp(f->ipv4, a[i].ip, 4)
                             : f->flags & PFCP_F_TEID_V6 && !memcmp(f->ipv6, a[i].ip, 16))
            return true;
    return false;
}
bool f_teid_was_ours(const struct upf *u, const struct pfcp_f_teid *f)
{
    const struct config_upf *k = u->config;
    return !(f->flags & PFCP_F_TEID_CH) && (address_is_one(k->n3_addresses, k->n_n3_addresses, f) ||
                                            address_is_one(k->n3_advertised, k->n_n3_advertised, f));
}

bool f_teid_take(struct upf_draft *d, uint32_t *teid, struct upf_created of, const struct pfcp_f_teid *f)
{
    if (f->flags & PFCP_F_TEID_CH)
        return f_teid_choose(d, teid, of, f);
    bool known = d->restores && f_teid_was_ours(d->upf, f) &&
                 dp_teid_session(d->upf->up->config.sessions_max, f->teid) == d->session;
    for (uint32_t i = 0; f->teid && i < d->pdr_n; i++)
        known |= d->pdr[i].teid == f->teid;
    for (uint32_t i = 0; f->teid && i < d->endpoint_n; i++)
        known |= d->endpoint[i].teid == f->teid;
    if (known)
        *teid = f->teid;
    /* FTUP is announced: F-TEIDs are the UP function's to give */
    return known || draft_refuse(d, PFCP_CAUSE_INVALID_F_TEID_ALLOCATION_OPTION, PFCP_IE_f_teid,
                                 "an F-TEID that was not chosen here");
}

/* ---- the UE's address ---- */
bool ue_address_take(struct upf_draft *d, const struct pfcp_ue_ip_address *a)
{
    struct upf_common *c = &d->common;
    if (a->flags & (PFCP_UE_IP_CHV4 | PFCP_UE_IP_CHV6)) /* UEIP is not announced */
        return draft_refuse(d, FAILURE, PFCP_IE_ue_ip_address, "addresses are the SMF's to give");
    if (a->flags & (PFCP_UE_IP_IPV6D | PFCP_UE_IP_IP6PL) &&
        (a->ipv6_delegation_bits || (a->flags & PFCP_UE_IP_IP6PL && a->ipv6_prefix_bits != 64)))
        return draft_refuse(d, FAILURE, PFCP_IE_ue_ip_address, "prefixes other than /64");
    if (a->flags & PFCP_UE_IP_V4) {
        if (c->has_ipv4 && memcmp(c->ipv4, a->ipv4, 4))
            return draft_refuse(d, FAILURE, PFCP_IE_ue_ip_address, "two IPv4 addresses");
        c->has_ipv4 = true;
        memcpy(c->ipv4, a->ipv4, 4);
    }
    if (a->flags & PFCP_UE_IP_V6) {
        if (c->has_ipv6 && memcmp(c->ipv6_prefix, a->ipv6, 8))
            return draft_refuse(d, FAILURE, PFCP_IE_ue_ip_address, "two IPv6 prefixes");
        c->has_ipv6 = true;
        memcpy(c->ipv6_prefix, a->ipv6, 8);
    }
    return true;
}

/* ---- SDF filters, 8.2.5 ---- */
static bool sdf_take(struct upf_draft *d, struct rule_sdf *to, const struct pfcp_sdf_filter *f)
{
    *to = (struct rule_sdf){.id = f->flags & PFCP_SDF_FILTER_BID ? f->filter_id : 0};
    if (f->flags & PFCP_SDF_FILTER_FD) {
        struct rule_sdf parsed;
        if (sdf_parse(&parsed, f->flow_description, NULL) < 0)
            return draft_refuse(d, FAILURE, PFCP_IE_sdf_filter,
                                "a flow description that cannot be read");
        parsed.id = to->id;
        *to = parsed;
    } else if (f->flags == PFCP_SDF_FILTER_BID) {
        to->same_as_id = true;
    }
    if (f->flags & PFCP_SDF_FILTER_TTC) {
        to->tos = (uint8_t)(f->tos_traffic_class >> 8);
        to->tos_mask = (uint8_t)f->tos_traffic_class;
    }
    if (f->flags & PFCP_SDF_FILTER_SPI) {
        to->has_spi = true;
        to->spi = f->security_parameter_index;
    }
    if (f->flags & PFCP_SDF_FILTER_FL) {
        to->has_flow_label = true;
        to->flow_label = f->flow_label;
    }
    return true;
}

static bool sdfs_take(struct upf_draft *d, struct rule_pdr *p, const struct pfcp_sdf_filter *f,
                      uint32_t n)
{
    if (n > (uint32_t)2 * UPF_SDF_MAX - d->sdf_n)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_sdf_filter,
                            "too many filters in a session");
    p->sdf = d->sdf + d->sdf_n;
    p->sdf_n = (uint16_t)n;
    for (uint32_t i = 0; i < n; i++)
        if (!sdf_take(d, &d->sdf[d->sdf_n++], &f[i]))
            return false;
    return true;
}

/* ---- framed routes, 5.16: "192.0.2.0/24 192.0.2.1 1" of RFC 2865 5.22, "2001:db8::/32 …" of RFC 3162 2.5; the router
 * and the metric say nothing here, where the UE is the only way ---- */
static bool route_parse(struct rule_prefix *to, struct str text, uint8_t family)
{
    struct str word = text_word(&text);
    const char *slash = word.n ? memchr(word.p, '/', word.n) : NULL;
    struct net_addr a;
    unsigned bits = 0;
    if (!slash || !addr_parse(&a, (struct str){word.p, (uint32_t)(slash - word.p)}, 0) || a.family != family || a.port)
        return false;
    for (const char *z = slash + 1; z < word.p + word.n; z++) {
        if (*z < '0' || *z > '9' || bits > 128)
            return false;
        bits = bits * 10 + (unsigned)(*z - '0');
    }
    *to = (struct rule_prefix){.family = family, .bits = (uint8_t)bits};
    memcpy(to->ip, a.ip, family == 4 ? 4 : 16);
    return bits && bits <= (family == 4 ? 32 : 128);
}

static bool framed_take(struct upf_draft *d, struct rule_pdr *p, const struct pfcp_pdi *i)
{
    uint32_t n4 = i->framed_route.n, n = n4 + i->framed_ipv6_route.n;
    if (n > (uint32_t)2 * UPF_FRAMED_MAX - d->framed_n || n > RULE_FRAMED)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_framed_route,
                            "too many framed routes in a session");
    p->framed = d->framed + d->framed_n;
    p->framed_n = (uint8_t)n;
    for (uint32_t k = 0; k < n; k++) {
        bool is4 = k < n4;
        if (!route_parse(&d->framed[d->framed_n++], is4 ? i->framed_route.v[k] : i->framed_ipv6_route.v[k - n4],
                         is4 ? 4 : 6))
            return draft_refuse(d, FAILURE, is4 ? PFCP_IE_framed_route : PFCP_IE_framed_ipv6_route,
                                "a framed route that cannot be read");
    }
    return true;
}

static bool source_take(struct upf_draft *d, struct rule_pdr *p, uint8_t source)
{
    switch (source) {
    case PFCP_INTERFACE_ACCESS: p->source = RULE_ACCESS; return true;
    case PFCP_INTERFACE_CORE:
    case PFCP_INTERFACE_SGI_LAN_N6_LAN: p->source = RULE_CORE; return true;
    case PFCP_INTERFACE_CP_FUNCTION: p->source = RULE_CP_FUNCTION; return true;
    case PFCP_SOURCE_INTERFACE_VN_INTERNAL: p->source = RULE_LAN; return true;
    default:
        return draft_refuse(d, FAILURE, PFCP_IE_source_interface, "no such source interface here");
    }
}

/* 7.5.2.2-2: what the endpoint says is not said again. */
static bool endpoint_take(struct upf_draft *d, struct rule_pdr *p, const struct pfcp_pdi *i)
{
    const struct upf_endpoint *e = draft_endpoint(d, i->traffic_endpoint_id);
    if (!e)
        return draft_refuse(d, FAILURE, PFCP_IE_traffic_endpoint_id, "no such Traffic Endpoint");
    if (i->has.local_f_teid || i->has.ue_ip_address)
        return draft_refuse(d, FAILURE, i->has.local_f_teid ? PFCP_IE_f_teid : PFCP_IE_ue_ip_address,
                            "a PDI with a Traffic Endpoint and what that has");
    return endpoint_apply(d, p, e);
}

/* A prefix that is not the session's first is one more of a multi-homed session, TS 23.501 5.6.4.3. */
static bool address_take(struct upf_draft *d, struct rule_pdr *p, const struct pfcp_ue_ip_address *told)
{
    struct pfcp_ue_ip_address a = *told;
    struct rule_prefix *more = &d->framed[d->framed_n];
    p->has_home = a.flags & PFCP_UE_IP_V6;
    memcpy(p->home, a.ipv6, sizeof p->home);
    if (!p->has_home || !d->common.has_ipv6 || !memcmp(p->home, d->common.ipv6_prefix, sizeof p->home))
        return ue_address_take(d, &a);
    if (d->framed_n == 2 * UPF_FRAMED_MAX || p->framed_n == RULE_FRAMED)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_ue_ip_address, "too many prefixes in a session");
    *more = (struct rule_prefix){.family = 6, .bits = 64};
    memcpy(more->ip, p->home, sizeof p->home);
    d->framed_n++;
    p->framed_n++;
    a.flags &= ~(uint8_t)PFCP_UE_IP_V6;
    return ue_address_take(d, &a);
}

static bool pdi_take(struct upf_draft *d, struct rule_pdr *p, const struct pfcp_pdi *i)
{
    const struct upf_app *app = i->has.application_id ? app_find(d->upf, d->assoc, i->application_id) : NULL;
    if (i->has.application_id && !app)
        return draft_refuse(d, PFCP_CAUSE_UNKNOWN_APPLICATION_ID, PFCP_IE_application_id,
                            "an application of which no flow descriptions were given");
    if (app && i->sdf_filter.n) /* 7.5.2.2: one of the two */
        return draft_refuse(d, FAILURE, PFCP_IE_sdf_filter, "an application and filters in one PDI");
    UNSUPPORTED(i->has.redundant_transmission_detection_parameters,
                redundant_transmission_parameters);
    UNSUPPORTED(i->has.framed_routing && i->framed_routing, framed_routing); /* routing protocols */
    UNSUPPORTED(i->ip_multicast_addressing_info.n, ip_multicast_addressing_info);
    UNSUPPORTED(i->dns_query_filter.n, dns_query_filter);
    UNSUPPORTED(i->has.mbs_session_identifier, mbs_session_identifier);
    if (!source_take(d, p, i->source_interface))
        return false;
    if ((p->source == RULE_CORE || p->source == RULE_LAN) && i->has.network_instance && !i->has.local_f_teid &&
        !instance_take(d, instance_find(d->upf, i->network_instance)))
        return false;
    if (i->has.local_f_teid) /* of its own from now on */
        p->endpoint = 0;
    if (i->has.local_f_teid && !f_teid_take(d, &p->teid, (struct upf_created){.pdr_id = p->id}, &i->local_f_teid))
        return false;
    if (!framed_take(d, p, i))
        return false;
    p->has_home = false; /* as its routes, it is of this PDI or of none */
    if (i->has.ue_ip_address && !address_take(d, p, &i->ue_ip_address))
        return false;
    p->qfis = 0;
    for (uint32_t k = 0; k < i->qfi.n; k++)
        p->qfis |= 1ull << (i->qfi.v[k] & 63);
    if (i->has.traffic_endpoint_id && !endpoint_take(d, p, i))
        return false;
    if (p->endpoint && !i->qfi.n)
        p->qfis = draft_endpoint(d, (uint8_t)(p->endpoint - 1))->qfis;
    p->app = 0;
    if (i->ethernet_packet_filter.n || (i->has.ethernet_pdu_session_information && i->ethernet_pdu_session_information & PFCP_ETHERNET_ETHI))
        d->common.is_ethernet = true;
    if (!eths_take(d, p, i->ethernet_packet_filter.v, i->ethernet_packet_filter.n))
        return false;
    return app ? app_filters(d, p, app) : sdfs_take(d, p, i->sdf_filter.v, i->sdf_filter.n);
}

/* Of a 5G LAN, TS 23.501 5.8.2.13.3: a packet to many goes on to the rules of other members, and never back to the
 * phone that it is from, which is what PRIUEAI asks for. */
static bool carry_on_take(struct upf_draft *d, struct rule_pdr *p, struct bytes information)
{
    const uint8_t both = PFCP_CARRY_ON_DCARONI | PFCP_CARRY_ON_PRIUEAI;
    if (p->source != RULE_LAN || !information.n || (information.p[0] & 15) != both)
        return draft_refuse(d, FAILURE, PFCP_IE_packet_replication_and_detection_carry_on_information,
                            "carrying on, other than inside a 5G VN and without its sender");
    p->carry_on = true;
    return true;
}

static bool removal_take(struct upf_draft *d, struct rule_pdr *p,
                         const struct pfcp_outer_header_removal *r)
{
    switch (r->flags) {
    case PFCP_OHR_GTPU_UDP_IPV4:
    case PFCP_OHR_GTPU_UDP_IPV6:
    case PFCP_OHR_GTPU_UDP_IP: p->outer_header_removal = true; return true;
    default:
        return draft_refuse(d, FAILURE, PFCP_IE_outer_header_removal, "no such outer header here");
    }
}

static bool qers_take(struct upf_draft *d, struct rule_pdr *p, const uint32_t *id, uint32_t n)
{
    if (n > RULE_PDR_QERS)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_qer_id,
                            "too many QERs for a PDR");
    p->qer_n = (uint8_t)n;
    for (uint32_t i = 0; i < n; i++)
        p->qer_id[i] = id[i];
    return true;
}
static bool urrs_take(struct upf_draft *d, struct rule_pdr *p, const uint32_t *id, uint32_t n)
{
    if (n > RULE_PDR_URRS)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_urr_id,
                            "too many URRs for a PDR");
    p->urr_n = (uint8_t)n;
    for (uint32_t i = 0; i < n; i++)
        p->urr_id[i] = id[i];
    return true;
}

bool pdr_create(struct upf_draft *d, const struct pfcp_create_pdr *q)
{
    draft_rule(d, PFCP_FAILED_RULE_PDR, q->pdr_id);
    if (!q->pdr_id || draft_pdr(d, q->pdr_id))
        return draft_refuse(d, FAILURE, PFCP_IE_pdr_id, "a PDR ID that is 0 or in use");
    if (d->pdr_n == RULE_MAX)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, 0, "too many PDRs in a session");
    if (q->activate_predefined_rules.n)
        return draft_refuse(d, PFCP_CAUSE_UNKNOWN_PRE_DEFINED_RULE,
                            PFCP_IE_activate_predefined_rules, "no rules are predefined here");
    UNSUPPORTED(q->has.activation_time, activation_time);
    UNSUPPORTED(q->has.deactivation_time, deactivation_time);
    UNSUPPORTED(q->has.mar_id, mar_id);
    UNSUPPORTED(q->ip_multicast_addressing_info.n, ip_multicast_addressing_info);
    UNSUPPORTED(q->has.transport_delay_reporting, transport_delay_reporting);
    if (!q->has.far_id)
        return draft_refuse(d, PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_far_id,
                            "a PDR without FAR");
    struct rule_pdr p = {.id = q->pdr_id, .precedence = q->precedence, .far_id = q->far_id};
    if (q->has.outer_header_removal && !removal_take(d, &p, &q->outer_header_removal))
        return false;
    if (!pdi_take(d, &p, &q->pdi) || !qers_take(d, &p, q->qer_id.v, q->qer_id.n) ||
        !urrs_take(d, &p, q->urr_id.v, q->urr_id.n))
        return false;
    if (q->has.packet_replication_and_detection_carry_on_information &&
        !carry_on_take(d, &p, q->packet_replication_and_detection_carry_on_information))
        return false;
    if (p.source == RULE_ACCESS && !p.teid)
        return draft_refuse(d, PFCP_CAUSE_CONDITIONAL_IE_MISSING, PFCP_IE_f_teid,
                            "a PDR from access without F-TEID");
    d->pdr[d->pdr_n++] = p;
    return true;
}

bool pdr_update(struct upf_draft *d, const struct pfcp_update_pdr *q)
{
    struct rule_pdr *p = draft_pdr(d, q->pdr_id);
    draft_rule(d, PFCP_FAILED_RULE_PDR, q->pdr_id);
    if (!p)
        return draft_refuse(d, FAILURE, PFCP_IE_pdr_id, "no such PDR");
    if (q->activate_predefined_rules.n || q->deactivate_predefined_rules.n)
        return draft_refuse(d, PFCP_CAUSE_UNKNOWN_PRE_DEFINED_RULE,
                            PFCP_IE_activate_predefined_rules, "no rules are predefined here");
    UNSUPPORTED(q->has.activation_time, activation_time);
    UNSUPPORTED(q->has.deactivation_time, deactivation_time);
    UNSUPPORTED(q->ip_multicast_addressing_info.n, ip_multicast_addressing_info);
    UNSUPPORTED(q->has.transport_delay_reporting, transport_delay_reporting);
    if (q->has.outer_header_removal && !removal_take(d, p, &q->outer_header_removal))
        return false;
    if (q->has.precedence)
        p->precedence = q->precedence;
    if (q->has.far_id)
        p->far_id = q->far_id;
    if (q->has.pdi && !pdi_take(d, p, &q->pdi)) /* the F-TEID stays where none is given */
        return false;
    if (q->qer_id.n && !qers_take(d, p, q->qer_id.v, q->qer_id.n))
        return false;
    return !q->urr_id.n || urrs_take(d, p, q->urr_id.v, q->urr_id.n);
}

bool pdr_remove(struct upf_draft *d, uint16_t id)
{
    struct rule_pdr *p = draft_pdr(d, id);
    draft_rule(d, PFCP_FAILED_RULE_PDR, id);
    if (!p)
        return draft_refuse(d, FAILURE, PFCP_IE_pdr_id, "no such PDR");
    uint32_t at = (uint32_t)(p - d->pdr);
    memmove(p, p + 1, (--d->pdr_n - at) * sizeof *p);
    return true;
}
