/* SPDX-License-Identifier: Apache-2.0 */
/* far.c - forwarding action rules, TS 29.244 7.5.2.3, 7.5.4.3 and 7.5.4.7. */
#include "nf/upf/state.h"

enum { FAILURE = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE };

static bool action_take(struct upf_draft *d, struct rule_far *f, uint64_t action)
{
    static const uint64_t understood = PFCP_APPLY_ACTION_DROP | PFCP_APPLY_ACTION_FORW |
                                       PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP | PFCP_APPLY_ACTION_DUPL;
    uint64_t main = action & (understood & ~(uint64_t)(PFCP_APPLY_ACTION_NOCP | PFCP_APPLY_ACTION_DUPL));
    /* 8.2.26: one of DROP, FORW and BUFF; NOCP only together with BUFF (or DROP), DUPL here not with DROP */
    bool one = main && !(main & (main - 1));
    if (action & ~understood || !one || (action & PFCP_APPLY_ACTION_DUPL && main == PFCP_APPLY_ACTION_DROP) ||
        (action & PFCP_APPLY_ACTION_NOCP && main == PFCP_APPLY_ACTION_FORW))
        return draft_refuse(d, FAILURE, PFCP_IE_apply_action,
                            "an Apply Action that is not possible here");
    _Static_assert((int)RULE_DROP == (int)PFCP_APPLY_ACTION_DROP &&
                       (int)RULE_FORW == (int)PFCP_APPLY_ACTION_FORW &&
                       (int)RULE_BUFF == (int)PFCP_APPLY_ACTION_BUFF &&
                       (int)RULE_NOCP == (int)PFCP_APPLY_ACTION_NOCP &&
                       (int)RULE_DUPL == (int)PFCP_APPLY_ACTION_DUPL,
                   "the bits of 8.2.26");
    f->action = (uint8_t)action;
    return true;
}

static bool destination_take(struct upf_draft *d, struct rule_far *f, uint8_t destination)
{
    switch (destination) {
    case PFCP_INTERFACE_ACCESS: f->destination = RULE_ACCESS; return true;
    case PFCP_INTERFACE_CORE:
    case PFCP_INTERFACE_SGI_LAN_N6_LAN: f->destination = RULE_CORE; return true;
    case PFCP_INTERFACE_CP_FUNCTION: f->destination = RULE_CP_FUNCTION; return true;
    case PFCP_INTERFACE_VN_INTERNAL: f->destination = RULE_LAN; return true;
    default:
        return draft_refuse(d, FAILURE, PFCP_IE_destination_interface,
                            "no such destination interface here");
    }
}

static bool header_take(struct upf_draft *d, struct rule_far *f,
                        const struct pfcp_outer_header_creation *h)
{
    const struct dp_config *c = &d->upf->up->config;
    bool v4 = h->flags & PFCP_OHC_GTPU_IPV4 && c->local_v4.family;
    bool v6 = h->flags & PFCP_OHC_GTPU_IPV6 && c->local_v6.family;
    if (h->flags & ~(uint32_t)(PFCP_OHC_GTPU_IPV4 | PFCP_OHC_GTPU_IPV6) || (!v4 && !v6))
        return draft_refuse(d, FAILURE, PFCP_IE_outer_header_creation,
                            "no such outer header here");
    if (!h->teid)
        return draft_refuse(d, FAILURE, PFCP_IE_outer_header_creation, "TEID 0");
    f->teid = h->teid;
    f->peer = (struct rule_addr){.family = v4 ? 4 : 6, .port = DP_GTPU_PORT, .dscp = f->peer.dscp};
    memcpy(f->peer.ip, v4 ? h->ipv4 : h->ipv6, v4 ? 4 : 16);
    return true;
}

/* TS 29.244 8.2.12: a value and its mask, of the traffic class; its DSCP marks tunnels. What leaves without one
 * keeps the marking of the user's packet. */
static void marking_take(struct rule_far *f, uint64_t marking)
{
    f->peer.dscp = (uint8_t)((marking >> 8 & marking & 0xfc) >> 2);
}

/* Of the core's side it is the data network, of a 5G VN its name; of the access side it says nothing that is used. */
static bool network_take(struct upf_draft *d, struct rule_far *f, struct str name)
{
    if ((f->destination != RULE_CORE && f->destination != RULE_LAN) || f->peer.family)
        return true;
    int i = instance_find(d->upf, name);
    if (i < 0)
        return draft_refuse(d, FAILURE, PFCP_IE_network_instance, "no such data network");
    if (!d->common.has_instance) {
        d->common.instance = (uint16_t)i;
        d->common.has_instance = true;
    }
    f->instance = (uint16_t)i;
    if (f->destination == RULE_CORE && !d->upf->config->n6[i].tun.n)
        return draft_refuse(d, FAILURE, PFCP_IE_network_instance, "no interface to that data network");
    return true;
}

static bool parameters_take(struct upf_draft *d, struct upf_far *f,
                            const struct pfcp_forwarding_parameters *p)
{
    UNSUPPORTED(p->has.redirect_information, redirect_information);
    UNSUPPORTED(p->has.header_enrichment, header_enrichment);
    if (p->has.linked_traffic_endpoint_id && !draft_endpoint(d, p->linked_traffic_endpoint_id)) /* of what comes back: a hint */
        return draft_refuse(d, FAILURE, PFCP_IE_traffic_endpoint_id, "no such Traffic Endpoint");
    UNSUPPORTED(p->has.proxying, proxying);
    UNSUPPORTED(p->has.ip_address_and_port_number_replacement,
                ip_address_and_port_number_replacement);
    if (p->has.forwarding_policy)
        return draft_refuse(d, PFCP_CAUSE_INVALID_FORWARDING_POLICY, PFCP_IE_forwarding_policy,
                            "no forwarding policies are configured here");
    f->has_parameters = true;
    if (!destination_take(d, &f->rule, p->destination_interface))
        return false;
    if (p->has.outer_header_creation && !header_take(d, &f->rule, &p->outer_header_creation))
        return false;
    if (p->has.transport_level_marking)
        marking_take(&f->rule, p->transport_level_marking);
    return !p->has.network_instance || network_take(d, &f->rule, p->network_instance);
}

static bool parameters_update(struct upf_draft *d, struct upf_far *f,
                              const struct pfcp_update_forwarding_parameters *p)
{
    UNSUPPORTED(p->has.redirect_information, redirect_information);
    UNSUPPORTED(p->has.header_enrichment, header_enrichment);
    if (p->has.linked_traffic_endpoint_id && !draft_endpoint(d, p->linked_traffic_endpoint_id)) /* of what comes back: a hint */
        return draft_refuse(d, FAILURE, PFCP_IE_traffic_endpoint_id, "no such Traffic Endpoint");
    UNSUPPORTED(p->has.ip_address_and_port_number_replacement,
                ip_address_and_port_number_replacement);
    if (p->has.forwarding_policy)
        return draft_refuse(d, PFCP_CAUSE_INVALID_FORWARDING_POLICY, PFCP_IE_forwarding_policy,
                            "no forwarding policies are configured here");
    if (p->has.destination_interface && !destination_take(d, &f->rule, p->destination_interface))
        return false;
    f->has_parameters |= p->has.destination_interface;
    if (p->has.pfcpsmreq_flags)
        f->rule.send_end_marker = p->pfcpsmreq_flags & PFCP_SMREQ_SNDEM;
    if (p->has.outer_header_creation && !header_take(d, &f->rule, &p->outer_header_creation))
        return false;
    if (p->has.transport_level_marking)
        marking_take(&f->rule, p->transport_level_marking);
    return !p->has.network_instance || network_take(d, &f->rule, p->network_instance);
}

static bool bar_refer(struct upf_draft *d, uint8_t id)
{
    if (d->common.has_bar && d->common.bar_id == id)
        return true;
    return draft_refuse(d, FAILURE, PFCP_IE_bar_id, "no such BAR");
}

/* Duplicating Parameters, 7.5.2.3-3 and 7.5.4.3-3: one tunnel, of a lawful interception function. Its marking is passed
 * over. What a FAR had stays where an update says nothing of it. */
#define COPY_TAKE(d, f, list, given, ie)                                                           \
    do {                                                                                           \
        if (!((f)->action & RULE_DUPL)) {                                                          \
            (f)->copy_to = (struct rule_addr){0};                                                  \
            (f)->copy_teid = 0;                                                                    \
            break;                                                                                 \
        }                                                                                          \
        if ((list).n > 1)                                                                          \
            return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, ie, "more copies than one"); \
        if (!(list).n && (f)->copy_to.family)                                                      \
            break;                                                                                 \
        if (!(list).n || !(list).v->has.outer_header_creation)                                     \
            return draft_refuse(d, PFCP_CAUSE_CONDITIONAL_IE_MISSING, ie, "a copy to nowhere");    \
        UNSUPPORTED((list).v->has.forwarding_policy, forwarding_policy);                           \
        UNSUPPORTED((given) && (list).v->destination_interface != PFCP_INTERFACE_LI_FUNCTION,      \
                    destination_interface);                                                        \
        if (!copy_take(d, f, &(list).v->outer_header_creation, ie))                                \
            return false;                                                                          \
    } while (0)

bool far_create(struct upf_draft *d, const struct pfcp_create_far *q)
{
    struct upf_far f = {.rule = {.id = q->far_id, .instance = UINT16_MAX}};
    draft_rule(d, PFCP_FAILED_RULE_FAR, q->far_id);
    if (draft_far(d, q->far_id))
        return draft_refuse(d, FAILURE, PFCP_IE_far_id, "a FAR ID in use");
    if (d->far_n == RULE_MAX)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, 0, "too many FARs in a session");
    if (!action_take(d, &f.rule, q->apply_action) ||
        (q->has.bar_id && !bar_refer(d, q->bar_id)) ||
        (q->has.forwarding_parameters && !parameters_take(d, &f, &q->forwarding_parameters)))
        return false;
    COPY_TAKE(d, &f.rule, q->duplicating_parameters, true, PFCP_IE_duplicating_parameters);
    d->far[d->far_n++] = f;
    return true;
}

bool far_update(struct upf_draft *d, const struct pfcp_update_far *q)
{
    struct upf_far *f = draft_far(d, q->far_id);
    draft_rule(d, PFCP_FAILED_RULE_FAR, q->far_id);
    if (!f)
        return draft_refuse(d, FAILURE, PFCP_IE_far_id, "no such FAR");
    UNSUPPORTED(q->has.redundant_transmission_forwarding_parameters,
                redundant_transmission_forwarding_parameters);
    if (q->has.apply_action && !action_take(d, &f->rule, q->apply_action))
        return false;
    if (q->has.bar_id && !bar_refer(d, q->bar_id))
        return false;
    COPY_TAKE(d, &f->rule, q->update_duplicating_parameters, q->update_duplicating_parameters.v->has.destination_interface,
              PFCP_IE_update_duplicating_parameters);
    return !q->has.update_forwarding_parameters ||
           parameters_update(d, f, &q->update_forwarding_parameters);
}

bool far_remove(struct upf_draft *d, uint32_t id)
{
    struct upf_far *f = draft_far(d, id);
    draft_rule(d, PFCP_FAILED_RULE_FAR, id);
    if (!f)
        return draft_refuse(d, FAILURE, PFCP_IE_far_id, "no such FAR");
    uint32_t at = (uint32_t)(f - d->far);
    memmove(f, f + 1, (--d->far_n - at) * sizeof *f);
    return true;
}
