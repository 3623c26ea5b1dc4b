/* SPDX-License-Identifier: Apache-2.0 */
/* ethernet.c - of Ethernet PDU sessions: packet filters, TS 29.244 7.5.2.2-3 and 8.2.93 to 8.2.98, and reports of the MAC
 * addresses behind a phone, 8.2.103 and 8.2.104. */
#include "nf/upf/state.h"

enum { FAILURE = PFCP_CAUSE_RULE_CREATION_MODIFICATION_FAILURE, MAC = 6 };
enum { MAC_SOURCE = 1, MAC_DESTINATION = 2, MAC_UPPER_SOURCE = 4, MAC_UPPER_DESTINATION = 8 };
enum { TAG_PCP = 1, TAG_DEI = 2, TAG_VID = 4, FILTER_BOTH_WAYS = 1 };

static bool mac_add(struct rule_eth *to, bool is_source, const uint8_t *first, const uint8_t *last)
{
    if (to->mac_n == RULE_MACS)
        return false;
    struct rule_mac *m = &to->mac[to->mac_n++];
    m->is_source = is_source;
    memcpy(m->first, first, MAC);
    memcpy(m->last, last, MAC);
    return true;
}
/* 8.2.93: flags, then those addresses that they name, in the order of the flags. */
static bool mac_take(struct rule_eth *to, struct bytes ie)
{
    const uint8_t *at[4] = {NULL};
    uint8_t flags = ie.n ? ie.p[0] : 0;
    uint32_t n = 1;
    for (unsigned i = 0; i < 4; i++) {
        if (!(flags >> i & 1))
            continue;
        if (ie.n < n + MAC)
            return false;
        at[i] = ie.p + n;
        n += MAC;
    }
    if ((!at[0] && !at[1]) || (at[2] && !at[0]) || (at[3] && !at[1]))
        return false;
    return (!at[0] || mac_add(to, true, at[0], at[2] ? at[2] : at[0])) &&
           (!at[1] || mac_add(to, false, at[1], at[3] ? at[3] : at[1]));
}

/* 8.2.94, 8.2.95: which of PCP, DEI and VID are asked for; the VID's high bits, DEI and PCP; the VID's low bits. */
static bool tag_take(uint16_t *tci, uint16_t *mask, struct bytes ie)
{
    if (ie.n < 3 || !(ie.p[0] & (TAG_PCP | TAG_DEI | TAG_VID)))
        return false;
    *mask = (uint16_t)((ie.p[0] & TAG_PCP ? 0xe000 : 0) | (ie.p[0] & TAG_DEI ? 0x1000 : 0) | (ie.p[0] & TAG_VID ? 0x0fff : 0));
    *tci = (uint16_t)((ie.p[1] & 7) << 13 | (ie.p[1] & 8) << 9 | (ie.p[1] & 0xf0) << 4 | ie.p[2]);
    *tci &= *mask;
    return true;
}

static bool eth_take(struct upf_draft *d, struct rule_eth *to, const struct pfcp_ethernet_packet_filter *f)
{
    *to = (struct rule_eth){.id = f->has.ethernet_filter_id ? f->ethernet_filter_id : 0};
    if (f->sdf_filter.n)
        return draft_refuse(d, FAILURE, PFCP_IE_sdf_filter, "IP filters within an Ethernet filter");
    to->both_ways = f->has.ethernet_filter_properties && f->ethernet_filter_properties & FILTER_BOTH_WAYS;
    to->has_type = f->has.ethertype;
    to->type = (uint16_t)f->ethertype;
    for (uint32_t i = 0; i < f->mac_address.n; i++)
        if (!mac_take(to, f->mac_address.v[i]))
            return draft_refuse(d, FAILURE, PFCP_IE_mac_address, "MAC addresses of a filter that cannot be read, or too many");
    if (f->has.c_tag && !tag_take(&to->c_tag, &to->c_mask, f->c_tag))
        return draft_refuse(d, FAILURE, PFCP_IE_c_tag, "a tag that says nothing");
    if (f->has.s_tag && !tag_take(&to->s_tag, &to->s_mask, f->s_tag))
        return draft_refuse(d, FAILURE, PFCP_IE_s_tag, "a tag that says nothing");
    /* 8.2.97: with its id alone it is another PDR's, for the other way */
    to->same_as_id = f->has.ethernet_filter_id && !to->both_ways && !to->has_type && !to->mac_n && !to->c_mask && !to->s_mask;
    return true;
}

bool eths_take(struct upf_draft *d, struct rule_pdr *p, const struct pfcp_ethernet_packet_filter *f, uint32_t n)
{
    if (n > (uint32_t)2 * UPF_ETH_MAX - d->eth_n || n > UPF_ETH_MAX)
        return draft_refuse(d, PFCP_CAUSE_NO_RESOURCES_AVAILABLE, PFCP_IE_ethernet_packet_filter,
                            "too many Ethernet filters in a session");
    p->eth = d->eth + d->eth_n;
    p->eth_n = (uint8_t)n;
    for (uint32_t i = 0; i < n; i++)
        if (!eth_take(d, &d->eth[d->eth_n++], &f[i]))
            return false;
    return true;
}

/* One address, without tags: 8.2.103, 8.2.104. */
void macs_fill(struct pfcp_usage_report *r, struct upf_macs *m, const struct dp_event *e)
{
    struct pfcp_ethernet_traffic_information *t = &r->ethernet_traffic_information;
    if (e->packet.n != 1 + MAC)
        return;
    memset(m->octets, 0, sizeof m->octets); /* two lengths of tags at its end */
    m->octets[0] = 1;
    memcpy(m->octets + 1, e->packet.p + 1, MAC);
    m->list = BYTES_OF(m->octets);
    r->has.ethernet_traffic_information = 1;
    if (e->packet.p[0])
        t->mac_addresses_detected.v = &m->list, t->mac_addresses_detected.n = 1;
    else
        t->mac_addresses_removed.v = &m->list, t->mac_addresses_removed.n = 1;
}
