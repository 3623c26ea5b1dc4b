/* SPDX-License-Identifier: Apache-2.0 */
/* A session has two PDRs (uplink from the gNB, downlink by the UE's address), a FAR for each, one QER that polices the
 * session AMBR and marks the default QoS flow, and one URR that counts; TS 23.501 5.8.2.11 says what each is for. One
 * in a 5G LAN has PDRs and a FAR for what comes from its other members and goes to them, 5.8.2.13. */
#include "nf/smf/n4_rules.h"
#include "base/err.h"
#include "rt/config.h"
#include "rt/warrant.h"
#include <stdio.h>

enum { PRECEDENCE = 255, PRECEDENCE_FILTERED = 128, REPORT_PERIOD_S = 3600, MAC_SILENT_S = 300, CHOICE_ACCESS = 1, CHOICE_N9 };
static const uint8_t CARRY_ON = PFCP_CARRY_ON_DCARONI | PFCP_CARRY_ON_PRIUEAI;

struct pfcp_outer_header_creation n4_tunnel_to(const struct smf_tunnel *t)
{
    struct pfcp_outer_header_creation o = {.teid = t->teid};
    o.flags = t->addr.family == 6 ? PFCP_OHC_GTPU_IPV6 : PFCP_OHC_GTPU_IPV4;
    if (t->addr.family == 6)
        memcpy(o.ipv6, t->addr.ip, 16);
    else
        memcpy(o.ipv4, t->addr.ip, 4);
    return o;
}
static struct pfcp_ue_ip_address ue_address(const struct smf_session *s, bool destination)
{
    struct pfcp_ue_ip_address a = {.flags = destination ? PFCP_UE_IP_DESTINATION : 0};
    if (s->v4 != POOL_NONE) {
        a.flags |= PFCP_UE_IP_V4;
        smf_ipv4(s, a.ipv4);
    }
    if (s->v6 != POOL_NONE) {
        a.flags |= PFCP_UE_IP_V6;
        smf_ipv6_prefix(s, a.ipv6);
    }
    return a;
}
/* The UP function chooses where it can; else we do, at the address that we know it by. */
struct pfcp_f_teid n4_local_f_teid(const struct smf_session *s, const struct smf_upf *u)
{
    const struct pfcp_assoc *a = u->assoc;
    struct net_addr host = a->peer;
    if (a->up_features & PFCP_UP_FEATURE_FTUP)
        return (struct pfcp_f_teid){
            .flags = (uint8_t)(PFCP_F_TEID_CH | (host.family == 6 ? PFCP_F_TEID_V6 : PFCP_F_TEID_V4))};
    return pfcp_f_teid_of((uint32_t)(s->smf->rt->shard & 15) << 28 | (slab_index(&s->smf->sessions, s) + 1), &host);
}

/* ---- pieces ---- */
static struct pfcp_create_pdr *pdr_add(struct n4_rules *r, uint16_t id, uint32_t precedence, uint32_t far)
{
    struct pfcp_create_pdr *p = &r->pdr[r->pdr_n++];
    p->pdr_id = id;
    p->precedence = precedence;
    p->has.far_id = 1;
    p->far_id = far;
    p->qer_id.v = &r->qer_id, p->qer_id.n = 1;
    p->urr_id.v = r->urr_id, p->urr_id.n = 1;
    return p;
}
static struct pfcp_create_pdr *pdr_up(struct n4_rules *r, const struct smf_session *s, const struct smf_upf *u,
                                      uint16_t id, uint32_t precedence, uint32_t far)
{
    struct pfcp_create_pdr *p = pdr_add(r, id, precedence, far);
    p->pdi.source_interface = PFCP_INTERFACE_ACCESS;
    p->pdi.has.local_f_teid = 1;
    p->pdi.has.ue_ip_address = s->pdu_type != NAS_PDU_ETHERNET;
    p->pdi.local_f_teid = n4_local_f_teid(s, u);
    p->pdi.ue_ip_address = ue_address(s, false); /* nothing passes that has another source */
    p->pdi.qfi.v = &r->qfi, p->pdi.qfi.n = 1;
    p->has.outer_header_removal = 1;
    p->outer_header_removal.flags =
        p->pdi.local_f_teid.flags & PFCP_F_TEID_V6 ? PFCP_OHR_GTPU_UDP_IPV6 : PFCP_OHR_GTPU_UDP_IPV4;
    return p;
}
static struct pfcp_create_pdr *pdr_down(struct n4_rules *r, uint16_t id, uint32_t precedence, uint8_t source)
{
    struct pfcp_create_pdr *p = pdr_add(r, id, precedence, N4_FAR_DOWN);
    p->pdi.source_interface = source;
    p->pdi.has.network_instance = 1;
    p->pdi.network_instance = r->dnn;
    return p;
}
static void pdr_to_ue(struct pfcp_create_pdr *p, const struct smf_session *s)
{
    p->pdi.has.ue_ip_address = 1;
    p->pdi.ue_ip_address = ue_address(s, true);
}
static void far_to(struct n4_rules *r, uint32_t id, uint8_t destination)
{
    struct pfcp_create_far *f = &r->far[r->far_n++];
    f->far_id = id;
    f->apply_action = PFCP_APPLY_ACTION_FORW;
    f->has.forwarding_parameters = 1;
    f->forwarding_parameters.destination_interface = destination;
    f->forwarding_parameters.has.network_instance = 1;
    f->forwarding_parameters.network_instance = r->dnn;
}
static void far_down(struct n4_rules *r, const struct smf_session *s)
{
    struct pfcp_create_far *f = &r->far[r->far_n++];
    f->far_id = N4_FAR_DOWN; /* until the gNB's tunnel is known, what comes is kept */
    f->apply_action = PFCP_APPLY_ACTION_BUFF | PFCP_APPLY_ACTION_NOCP;
    if (s->state == SMF_ESTABLISHING) /* the gNB is being asked already */
        f->apply_action = PFCP_APPLY_ACTION_BUFF;
    f->has.forwarding_parameters = 1;
    f->forwarding_parameters.destination_interface = PFCP_INTERFACE_ACCESS;
}
static void qer_and_urr(struct n4_rules *r, const struct smf_session *s)
{
    r->qer.qer_id = r->qer_id = N4_QER_SESSION;
    r->qer.gate_status = PFCP_GATE_OPEN;
    r->qer.has.maximum_bitrate = r->qer.has.qfi = 1;
    r->qer.maximum_bitrate = (struct pfcp_bitrate){n4_kbps(s->qos.ambr_ul_bps), n4_kbps(s->qos.ambr_dl_bps)};
    r->qer.qfi = r->qfi = SMF_QFI;
    struct pfcp_create_urr *u = &r->urr[r->urr_n];
    u->urr_id = r->urr_id[r->urr_n++] = N4_URR_SESSION;
    u->measurement_method = PFCP_MEASUREMENT_METHOD_VOLUM;
    u->reporting_triggers = PFCP_TRIGGER_PERIO;
    u->has.measurement_period = 1;
    u->measurement_period = REPORT_PERIOD_S;
}

/* ---- filters, 8.2.5: "permit out" from the far end to the UE, whichever way the PDR's packets go ---- */
static void filter_add(struct n4_rules *r, struct pfcp_create_pdr *p, const char *from, const char *to)
{
    char *text = r->text[r->filter_n];
    int n = snprintf(text, N4_FILTER_TEXT, "permit out ip from %s to %s", from, to);
    struct pfcp_sdf_filter *f = &r->filter[r->filter_n++];
    *f = (struct pfcp_sdf_filter){.flags = PFCP_SDF_FILTER_FD, .flow_description = {text, (uint32_t)n}};
    p->pdi.sdf_filter.v = p->pdi.sdf_filter.n ? p->pdi.sdf_filter.v : f;
    p->pdi.sdf_filter.n++;
}
static void filter_from(struct n4_rules *r, struct pfcp_create_pdr *p, const struct config_prefix *far_end)
{
    char addr[NET_ADDR_TEXT], text[NET_ADDR_TEXT + 4];
    snprintf(text, sizeof text, "%s/%u", addr_text(&far_end->addr, addr), far_end->length);
    filter_add(r, p, text, "assigned");
}

/* ---- a 5G LAN, 5.8.2.13.3.1: addresses of members go to the LAN, and so does what is for many ---- */
static const char *const MANY4[] = {"224.0.0.0/4", "255.255.255.255"}, *const MANY6 = "ff00::/8";

static void lan_way_in(struct n4_rules *r, const struct smf_session *s)
{
    const struct config_dnn *c = s->dnn->c;
    struct pfcp_create_pdr *p = pdr_up(r, s, s->upf, N4_PDR_UP_LAN, PRECEDENCE_FILTERED, N4_FAR_LAN);
    if (s->v4 != POOL_NONE) {
        filter_from(r, p, &c->ipv4_pool);
        for (unsigned i = 0; i < ARRAY_LEN(MANY4); i++)
            filter_add(r, p, MANY4[i], "assigned");
    }
    if (s->v6 != POOL_NONE) {
        filter_from(r, p, &c->ipv6_pool);
        filter_add(r, p, MANY6, "assigned");
    }
}
static void lan_ways_out(struct n4_rules *r, const struct smf_session *s)
{
    pdr_to_ue(pdr_down(r, N4_PDR_LAN, PRECEDENCE, PFCP_SOURCE_INTERFACE_VN_INTERNAL), s);
    struct pfcp_create_pdr *p = pdr_down(r, N4_PDR_LAN_SPREAD, PRECEDENCE_FILTERED, PFCP_SOURCE_INTERFACE_VN_INTERNAL);
    for (unsigned i = 0; s->v4 != POOL_NONE && i < ARRAY_LEN(MANY4); i++)
        filter_add(r, p, "any", MANY4[i]);
    if (s->v6 != POOL_NONE)
        filter_add(r, p, "any", MANY6);
    p->has.packet_replication_and_detection_carry_on_information = 1;
    p->packet_replication_and_detection_carry_on_information = (struct bytes){&CARRY_ON, 1};
}

/* ---- Ethernet, 5.6.10.2, 5.8.2.13.3.2: the UPF learns which MAC addresses are the phone's, tells of them, and gives it what is for
 * them, and what is for all or for nobody that is known ---- */
static void frames_fill(struct n4_rules *r, const struct smf_session *s)
{
    struct pfcp_create_urr *u = &r->urr[r->urr_n];
    u->urr_id = r->urr_id[r->urr_n++] = N4_URR_MACS;
    u->measurement_method = PFCP_MEASUREMENT_METHOD_EVENT;
    u->reporting_triggers = PFCP_TRIGGER_MACAR;
    u->has.ethernet_inactivity_timer = 1;
    u->ethernet_inactivity_timer = MAC_SILENT_S;
    struct pfcp_create_pdr *p = pdr_up(r, s, s->upf, N4_PDR_UP, PRECEDENCE, N4_FAR_LAN);
    p->urr_id.n = r->urr_n;
    p->pdi.has.ethernet_pdu_session_information = 1;
    p->pdi.ethernet_pdu_session_information = PFCP_ETHERNET_ETHI;
    p = pdr_down(r, N4_PDR_LAN, PRECEDENCE, PFCP_SOURCE_INTERFACE_VN_INTERNAL);
    p->pdi.has.ethernet_pdu_session_information = 1;
    p->pdi.ethernet_pdu_session_information = PFCP_ETHERNET_ETHI;
    p->has.packet_replication_and_detection_carry_on_information = 1;
    p->packet_replication_and_detection_carry_on_information = (struct bytes){&CARRY_ON, 1};
    far_to(r, N4_FAR_LAN, PFCP_INTERFACE_VN_INTERNAL);
    far_down(r, s);
}

/* Where PDRs share the tunnel of the gNB, the UPF is told so. */
static void tunnel_share(struct n4_rules *r)
{
    for (uint32_t i = 0; i < r->pdr_n; i++) {
        struct pfcp_f_teid *f = &r->pdr[i].pdi.local_f_teid;
        if (f->flags & PFCP_F_TEID_CH) {
            f->flags |= PFCP_F_TEID_CHID;
            f->choose_id = r->pdr[i].pdi.source_interface == PFCP_INTERFACE_ACCESS ? CHOICE_ACCESS : CHOICE_N9;
        }
    }
}

/* ---- copies under a warrant, TS 29.244 5.2.3: of what goes either way, where N3 ends ---- */
bool n4_copy_to(const struct smf_session *s, struct pfcp_outer_header_creation *to)
{
    const struct config_warrant *w = s->is_named && !s->copies_refused ? warrant_of_subject(s->smf->rt, smf_supi(s)) : NULL;
    if (!w)
        return false;
    *to = n4_tunnel_to(&(struct smf_tunnel){.teid = w->teid, .addr = w->delivery});
    return true;
}
static int copies_fill(struct n4_rules *r, const struct smf_session *s)
{
    r->copy.destination_interface = PFCP_INTERFACE_LI_FUNCTION;
    r->copy.has.outer_header_creation = 1;
    if (!n4_copy_to(s, &r->copy.outer_header_creation))
        return OK;
    for (uint32_t i = 0; i < r->far_n; i++) {
        r->far[i].apply_action |= PFCP_APPLY_ACTION_DUPL;
        r->far[i].duplicating_parameters.v = &r->copy;
        r->far[i].duplicating_parameters.n = 1;
    }
    return OK;
}

/* ---- a classifier: what is for the data network here leaves here, the rest goes on by N9; both come back ---- */
static int classifier_fill(struct n4_rules *r, const struct smf_session *s)
{
    const struct config_upf_peer *c = s->upf->c;
    struct pfcp_ue_ip_address second = {.flags = PFCP_UE_IP_V6};
    int n = pfcp_fqdn_put(r->local_labels, sizeof r->local_labels, c->local_dnn);
    if (n < 0)
        return n;
    r->local = (struct str){(const char *)r->local_labels, (uint32_t)n};
    pdr_up(r, s, s->upf, N4_PDR_UP, PRECEDENCE, N4_FAR_UP);
    struct pfcp_create_pdr *p;
    if (c->n_local_networks && s->v4 != POOL_NONE) {
        p = pdr_up(r, s, s->upf, N4_PDR_UP_LOCAL, PRECEDENCE_FILTERED, N4_FAR_LOCAL);
        for (uint32_t i = 0; i < c->n_local_networks; i++)
            filter_from(r, p, &c->local_networks[i]);
        p = pdr_down(r, N4_PDR_DOWN, PRECEDENCE, PFCP_INTERFACE_CORE);
        p->pdi.network_instance = r->local;
        pdr_to_ue(p, s);
    }
    if (smf_local_prefix(s, second.ipv6)) { /* a branching point: by the prefix that a packet is from, or for */
        p = pdr_up(r, s, s->upf, N4_PDR_UP_HOME, PRECEDENCE_FILTERED, N4_FAR_LOCAL);
        p->pdi.ue_ip_address = second;
        p = pdr_down(r, N4_PDR_DOWN_HOME, PRECEDENCE, PFCP_INTERFACE_CORE);
        p->pdi.network_instance = r->local;
        p->pdi.has.ue_ip_address = 1;
        p->pdi.ue_ip_address = second;
        p->pdi.ue_ip_address.flags |= PFCP_UE_IP_DESTINATION;
    }
    p = pdr_up(r, s, s->upf, N4_PDR_DOWN_N9, PRECEDENCE, N4_FAR_DOWN);
    p->pdi.source_interface = PFCP_INTERFACE_CORE;
    pdr_to_ue(p, s);
    far_to(r, N4_FAR_UP, PFCP_INTERFACE_CORE);
    struct pfcp_forwarding_parameters *f = &r->far[r->far_n - 1].forwarding_parameters;
    f->has.network_instance = 0;
    f->has.outer_header_creation = 1;
    f->outer_header_creation = n4_tunnel_to(&s->anchor->up);
    far_to(r, N4_FAR_LOCAL, PFCP_INTERFACE_CORE);
    r->far[r->far_n - 1].forwarding_parameters.network_instance = r->local;
    far_down(r, s);
    tunnel_share(r);
    return copies_fill(r, s);
}

int n4_rules_fill(struct n4_rules *r, const struct smf_session *s, unsigned leg)
{
    bool lan = smf_dnn_is_lan(s->dnn), outside = !lan || s->dnn->c->lan_outside;
    *r = (struct n4_rules){0};
    int n = pfcp_fqdn_put(r->labels, sizeof r->labels, s->dnn->c->name);
    if (n < 0)
        return n;
    r->dnn = (struct str){(const char *)r->labels, (uint32_t)n};
    qer_and_urr(r, s);
    if (s->pdu_type == NAS_PDU_ETHERNET) {
        frames_fill(r, s);
        return copies_fill(r, s);
    }
    if (s->anchor && leg == SMF_LEG_UPF)
        return classifier_fill(r, s);
    pdr_up(r, s, leg == SMF_LEG_ANCHOR ? s->anchor->upf : s->upf, N4_PDR_UP, PRECEDENCE, outside ? N4_FAR_UP : N4_FAR_LAN);
    if (outside) {
        pdr_to_ue(pdr_down(r, N4_PDR_DOWN, PRECEDENCE, PFCP_INTERFACE_CORE), s);
        far_to(r, N4_FAR_UP, PFCP_INTERFACE_CORE);
    }
    if (lan && outside)
        lan_way_in(r, s);
    if (lan) {
        lan_ways_out(r, s);
        far_to(r, N4_FAR_LAN, PFCP_INTERFACE_VN_INTERNAL);
    }
    far_down(r, s);
    if (leg == SMF_LEG_ANCHOR) /* until the classifier's end is known, at once */
        r->far[r->far_n - 1].apply_action = PFCP_APPLY_ACTION_BUFF;
    if (lan && outside)
        tunnel_share(r);
    return leg == SMF_LEG_ANCHOR ? OK : copies_fill(r, s);
}
