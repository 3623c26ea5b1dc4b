/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c - Ethernet frames of TS 23.501 5.6.10.2, from the destination address on, and the filters of TS 29.244
 * 7.5.2.2-3. */
#include "dp/inner.h"

enum { ETH_HEAD = 14, ETH_TAG = 4, ETH_TAGS_MAX = 2, TYPE_C = 0x8100, TYPE_S = 0x88a8, TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd,
       LENGTH_MAX = 1500, TYPE_MIN = 0x600 };

/* A group address is nobody's, and neither is none. */
static bool is_sender(const uint8_t *mac)
{
    return !(mac[0] & 1) && (be32(mac) || be16(mac + 4));
}

static void tag_take(struct inner *in, uint16_t type, uint16_t tci)
{
    if (type == TYPE_C && !in->has_c_tag) {
        in->has_c_tag = true;
        in->c_tag = tci;
    } else if (type == TYPE_S && !in->has_s_tag) {
        in->has_s_tag = true;
        in->s_tag = tci;
    }
}

enum dp_counter frame_read(const uint8_t *p, uint32_t n, struct inner *in)
{
    if (n < ETH_HEAD || !is_sender(p + 6))
        return DP_frame_malformed;
    *in = (struct inner){.df = true, .n = n, .l4 = ETH_HEAD, .dst = p, .src = p + 6};
    uint16_t type = be16(p + 12);
    for (unsigned i = 0; type == TYPE_C || type == TYPE_S; i++) {
        if (i == ETH_TAGS_MAX || n < in->l4 + ETH_TAG)
            return DP_frame_malformed;
        tag_take(in, type, be16(p + in->l4));
        type = be16(p + in->l4 + 2);
        in->l4 += ETH_TAG;
    }
    if (type < TYPE_MIN && (type > LENGTH_MAX || type > n - in->l4)) /* IEEE 802.3 3.2.6: a length */
        return DP_frame_malformed;
    in->ethertype = type;
    if (type == TYPE_IP4 && n >= in->l4 + 20)
        in->tos = p[in->l4 + 1];
    else if (type == TYPE_IP6 && n >= in->l4 + 40)
        in->tos = (uint8_t)(be16(p + in->l4) >> 4);
    return (enum dp_counter)INNER_GOOD;
}

static bool mac_matches(const struct rule_eth *f, const struct inner *in)
{
    for (unsigned i = 0; i < f->mac_n; i++) {
        const uint8_t *mac = f->mac[i].is_source ? in->src : in->dst;
        if (memcmp(mac, f->mac[i].first, 6) >= 0 && memcmp(mac, f->mac[i].last, 6) <= 0)
            return true;
    }
    return !f->mac_n;
}

bool eth_matches(const struct rule_eth *f, const struct inner *in)
{
    if (f->has_type && f->type != in->ethertype)
        return false;
    if (f->c_mask && (!in->has_c_tag || (in->c_tag ^ f->c_tag) & f->c_mask))
        return false;
    if (f->s_mask && (!in->has_s_tag || (in->s_tag ^ f->s_tag) & f->s_mask))
        return false;
    return mac_matches(f, in);
}
