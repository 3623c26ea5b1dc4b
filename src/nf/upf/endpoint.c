/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.c - traffic endpoints, TS 29.244 5.2.1A.2 (PDI optimisation), 7.5.2.7, 7.5.4.13 and 7.5.4.14: what PDRs have in
 * common is said once, and a change of it changes them all. They are no rules, so no Failed Rule ID names one. */
#include "nf/upf/state.h"

enum { FAILURE = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE };

struct upf_endpoint *draft_endpoint(struct upf_draft *d, uint8_t id)
{
    for (uint32_t i = 0; i < d->endpoint_n; i++)
        if (d->endpoint[i].id == id)
            return &d->endpoint[i];
    return NULL;
}

/* The members that Create and Update Traffic Endpoint have in common. */
#define COMMON_TAKE(d, e, q)                                                                       \
    do {                                                                                           \
        UNSUPPORTED((q)->has.redundant_transmission_detection_parameters,                          \
                    redundant_transmission_parameters);                                            \
        UNSUPPORTED((q)->framed_route.n, framed_route); /* they are the PDRs' here */              \
        UNSUPPORTED((q)->framed_ipv6_route.n, framed_ipv6_route);                                  \
        UNSUPPORTED((q)->has.framed_routing && (q)->framed_routing, framed_routing);               \
        if ((q)->has.network_instance)                                                             \
            (e)->instance = (int16_t)instance_find(d->upf, (q)->network_instance);                 \
        (e)->has_instance |= (q)->has.network_instance;                                            \
        if ((q)->has.local_f_teid &&                                                               \
            !f_teid_take(d, &(e)->teid, (struct upf_created){.pdr_id = (e)->id, .is_endpoint = true}, \
                         &(q)->local_f_teid))                                                      \
            return false;                                                                          \
        if ((q)->has.ue_ip_address && !ue_address_take(d, &(q)->ue_ip_address))                    \
            return false;                                                                          \
        if ((q)->qfi.n)                                                                            \
            (e)->qfis = 0;                                                                         \
        for (uint32_t k = 0; k < (q)->qfi.n; k++)                                                  \
            (e)->qfis |= 1ull << ((q)->qfi.v[k] & 63);                                             \
    } while (0)

bool endpoint_create(struct upf_draft *d, const struct pfcp_create_traffic_endpoint *q)
{
    struct upf_endpoint e = {.id = q->traffic_endpoint_id};
    d->has_rule = false;
    if (draft_endpoint(d, e.id))
        return draft_refuse(d, FAILURE, PFCP_IE_traffic_endpoint_id, "a Traffic Endpoint ID in use");
    if (d->endpoint_n == UPF_ENDPOINTS)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_create_traffic_endpoint,
                            "too many traffic endpoints in a session");
    UNSUPPORTED(q->has.mbs_session_identifier, mbs_session_identifier);
    COMMON_TAKE(d, &e, q);
    if (q->has.ethernet_pdu_session_information && q->ethernet_pdu_session_information & PFCP_ETHERNET_ETHI)
        d->common.is_ethernet = true;
    d->endpoint[d->endpoint_n++] = e;
    return true;
}

bool endpoint_update(struct upf_draft *d, const struct pfcp_update_traffic_endpoint *q)
{
    struct upf_endpoint *e = draft_endpoint(d, q->traffic_endpoint_id);
    d->has_rule = false;
    if (!e)
        return draft_refuse(d, FAILURE, PFCP_IE_traffic_endpoint_id, "no such Traffic Endpoint");
    COMMON_TAKE(d, e, q);
    for (uint32_t i = 0; i < d->pdr_n; i++)
        if (d->pdr[i].endpoint == e->id + 1 && !endpoint_apply(d, &d->pdr[i], e))
            return false;
    return true;
}

/* Its PDRs go with it, 5.2.1A.2. */
bool endpoint_remove(struct upf_draft *d, uint8_t id)
{
    struct upf_endpoint *e = draft_endpoint(d, id);
    d->has_rule = false;
    if (!e)
        return draft_refuse(d, FAILURE, PFCP_IE_traffic_endpoint_id, "no such Traffic Endpoint");
    for (uint32_t i = d->pdr_n; i--;)
        if (d->pdr[i].endpoint == id + 1)
            pdr_remove(d, d->pdr[i].id);
    uint32_t at = (uint32_t)(e - d->endpoint);
    memmove(e, e + 1, (--d->endpoint_n - at) * sizeof *e);
    return true;
}

/* A PDR of it: its tunnel, its data network where it has none, and its QFIs. */
bool endpoint_apply(struct upf_draft *d, struct rule_pdr *p, const struct upf_endpoint *e)
{
    p->endpoint = (uint16_t)(e->id + 1);
    p->teid = e->teid;
    if (e->qfis)
        p->qfis = e->qfis;
    if (p->source == RULE_ACCESS || p->source == RULE_CP_FUNCTION || e->teid || !e->has_instance)
        return true;
    return instance_take(d, e->instance);
}
