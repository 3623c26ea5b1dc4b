/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as packets into both inputs of the packet path, with a few sessions of every kind, rules
 * that change and time that passes in between. What comes out is read to its last octet; each packet
 * has one fate. Some are members of a 5G LAN, by IP or by frames, have framed routes, are traced. An input is a list of records: what to do,
 * length (16 bits), octets. */
#include "base/err.h"
#include "dp/dp.h"
#include "dp/sdf.h"
#include <stdlib.h>

enum { SESSIONS = 6, RECORDS_MAX = 64 };
struct run {
    struct dp *dp;
    struct dp_config config;
    uint64_t now, sum;
};
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}
static void octets_read(struct run *r, const uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        r->sum += p[i];
}
static void to_access(void *ctx, const struct dp_datagram *d, unsigned n)
{
    check(n > 0 && n <= DP_BATCH);
    for (unsigned i = 0; i < n; i++) {
        octets_read(ctx, d[i].p, d[i].n);
        check(d[i].peer.family == 4 || d[i].peer.family == 6);
        check(d[i].n >= 8 && be16(d[i].p + 2) + 8u == d[i].n);
    }
}
static void to_core(void *ctx, uint16_t instance, const struct dp_packet *p, unsigned n)
{
    check(n > 0 && n <= DP_BATCH && instance < 2);
    for (unsigned i = 0; i < n; i++)
        octets_read(ctx, p[i].p, p[i].n);
}
static void event(void *ctx, const struct dp_event *e)
{
    check(e->kind < DP_EVENT_COUNT);
    octets_read(ctx, e->packet.p, e->packet.n);
}

enum { IN_LAN = 1, TO_MANY = 2, FRAMED = 4, ETHERNET = 8, FILTERED = 16, HOMED = 32 };

/* Session i: of IPv4, IPv6 or both; with a filter, a rate, a quota, a tunnel to the core; a LAN's, with routes behind it. */
static void session_put(struct run *r, uint32_t i, uint8_t how, uint8_t more)
{
    struct rule_sdf sdf;
    const struct rule_prefix framed[2] = {{.family = 4, .bits = 16, .ip = {10, (uint8_t)(60 + i)}},
                                          {.family = 6, .bits = 49, .ip = {0x20, 1, 0x0d, 0xb8, 0, (uint8_t)i}}};
    check(sdf_parse(&sdf, STR("permit out 17 from 8.8.8.0/24 1-9,53 to assigned"), NULL) == OK);
    struct rule_pdr pdr[4] = {{.id = 1, .precedence = 9, .source = RULE_ACCESS,
                               .teid = dp_teid(SESSIONS, i, 0, 0), .outer_header_removal = true,
                               .qfis = how & 1 ? 1u << 9 : 0, .far_id = 1, .qer_n = 1, .qer_id = {1},
                               .urr_n = 1, .urr_id = {1}},
                              {.id = 2, .precedence = 9, .source = RULE_CORE, .far_id = 2,
                               .qer_n = 1, .qer_id = {1}, .urr_n = 1, .urr_id = {1}},
                              {.id = 3, .precedence = 1, .source = RULE_CORE, .far_id = 3,
                               .sdf = &sdf, .sdf_n = 1},
                              {.id = 4, .precedence = 9, .source = RULE_LAN, .carry_on = more & TO_MANY, .far_id = 2,
                               .qer_n = 1, .qer_id = {1}, .urr_n = 1, .urr_id = {1}}};
    struct rule_far far[3] = {{.id = 1, .action = RULE_FORW, .destination = RULE_CORE},
                              {.id = 2, .action = RULE_FORW, .destination = RULE_ACCESS, .teid = 5,
                               .peer = {4, 0, {10, 0, 0, 2}}},
                              {.id = 3, .action = RULE_DROP}};
    struct rule_qer qer = {.id = 1, .qfi = how & 2 ? 9 : 0, .has_mbr = how & 4, .mbr_ul_kbit = 64,
                           .mbr_dl_kbit = 64, .reflective = how & 8};
    struct rule_urr urr = {.id = 1, .measure_volume = true, .measure_duration = true,
                           .period_us = 300000, .threshold.total = 500,
                           .quota.total = how & 16 ? 2000 : 0};
    struct rule_session s = {.session = i, .gen = 1, .instance = (uint16_t)(i & 1),
                             .has_ipv4 = i % 3 != 1, .has_ipv6 = i % 3 != 0,
                             .ipv4 = {10, 45, 0, (uint8_t)(2 + i)},
                             .ipv6_prefix = {0xfd, 0, 0, 0, 0, 0, 0, (uint8_t)i},
                             .inactivity_us = 400000, .pdr = pdr, .far = far, .qer = &qer,
                             .urr = &urr, .pdr_n = 3, .far_n = 3, .qer_n = 1, .urr_n = 1};
    if (how & 32)
        far[1].action = RULE_BUFF | RULE_NOCP;
    if (how & 64)
        far[1].peer = (struct rule_addr){6, 0, {0x20, 1}};
    if (more & FRAMED) {
        pdr[1].framed = framed;
        pdr[1].framed_n = 2;
    }
    if (more & HOMED) { /* a second prefix, for which there is a rule of its own */
        pdr[0].has_home = pdr[2].has_home = true;
        memcpy(pdr[0].home, s.ipv6_prefix, sizeof pdr[0].home);
        memcpy(pdr[2].home, (const uint8_t[]){0x20, 1, 0x0d, 0xb8, 0, (uint8_t)i}, 6);
    }
    if (more & IN_LAN) {
        far[0].destination = RULE_LAN;
        far[0].instance = s.instance;
        s.pdr_n = 4;
    } else if (how & 128) { /* an intermediate UPF, TS 23.501 5.6.4 */
        far[0].teid = 7;
        far[0].peer = (struct rule_addr){4, 0, {10, 0, 0, 7}};
        pdr[1].teid = dp_teid(SESSIONS, i, 1, 0);
        pdr[1].outer_header_removal = true;
    }
    const struct rule_eth eth[2] = {{.id = 1, .both_ways = true, .mac_n = 2, .mac = {{true, {2}, {2, 0, 0, 0, 0, 9}}, {false, {3}, {3, 9}}}},
                                    {.id = 1, .same_as_id = true}};
    if (more & ETHERNET) { /* the same session may be one of IP before and after */
        s.is_ethernet = true;
        s.has_ipv4 = s.has_ipv6 = false;
        s.mac_age_us = 1000000;
        s.pdr_n = 2;
        pdr[1].framed_n = 0;
        urr.report_macs = true;
        if (more & IN_LAN) {
            pdr[1] = pdr[3];
        } else {
            far[0].destination = RULE_ACCESS; /* through a tunnel to elsewhere */
            far[0].teid = 7;
            far[0].peer = (struct rule_addr){4, 0, {10, 0, 0, 7}};
        }
        if (more & FILTERED) {
            pdr[0].eth = &eth[0];
            pdr[1].eth = &eth[1];
            pdr[0].eth_n = pdr[1].eth_n = 1;
        }
    }
    check(dp_session_set(r->dp, r->now, &s, NULL) == OK);
}

static void packet_in(struct run *r, uint8_t what, const uint8_t *p, uint32_t n)
{
    /* of its own length, so that a sanitizer sees what lies beyond */
    uint8_t *room = malloc(DP_HEADROOM + n);
    check(room != NULL);
    memcpy(room + DP_HEADROOM, p, n);
    if (what & 1) {
        struct dp_packet k = {room + DP_HEADROOM, n};
        dp_core_input(r->dp, r->now, what >> 1 & 1, &k, 1);
    } else {
        struct dp_datagram d = {room + DP_HEADROOM, n, {4, 2152, {10, 0, 0, 2}}};
        if (what & 2)
            d.peer = (struct rule_addr){6, 2152, {0x20, 1}};
        dp_access_input(r->dp, r->now, &d, 1);
    }
    free(room);
}

static bool adds_up(const struct dp *dp)
{
    const uint64_t *c = dp_counters(dp);
    uint64_t ends = 0;
#define FATE(name, text) ends += c[DP_##name];
#define DROP(name, text) ends += c[DP_##name];
#define ALSO(name, text)
#include "../spec/dp_counters.def"
    return ends == c[DP_access_in] + c[DP_core_in];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run r = {.config = {.sessions_max = SESSIONS, .buffered_max = 4, .buffered_per_session = 2,
                               .inner_mtu = 1400, .instances = 2, .pools = 1,
                               .pool = {{0, {10, 45, 0, 0}, 24}}, .local_v4 = {4, 2152, {10, 0, 0, 1}},
                               .local_v6 = {6, 2152, {0x20, 1}}, .replies_per_s = 1000},
                    .now = 1000000};
    r.config.ue_to_ue = size & 1;
    r.config.check_peer = size & 2;
    r.config.nested = size & 4;
    r.config.core[0] = r.config.local_v4;
    r.config.core[1] = r.config.local_v6;
    r.dp = dp_new(&r.config, &(struct dp_io){&r, to_access, to_core, event});
    check(r.dp != NULL);
    for (uint32_t i = 0; i < SESSIONS; i++)
        session_put(&r, i, (uint8_t)(i * 37), 0);
    for (unsigned k = 0; k < RECORDS_MAX && size >= 3; k++) {
        uint8_t what = data[0];
        uint32_t n = be16(data + 1);
        data += 3;
        size -= 3;
        if (n > size)
            n = (uint32_t)size;
        if (what < 0xc0) {
            packet_in(&r, what, data, n);
        } else if (what < 0xe0) {
            session_put(&r, what % SESSIONS, n ? data[0] : 0, n > 1 ? data[1] : 0);
        } else if (what < 0xf0) {
            r.now += (what & 15) * 40000u;
            dp_tick(r.dp, r.now);
        } else if (what >= 0xf8) {
            check(dp_session_trace(r.dp, r.now, what % SESSIONS, 1, n ? data[0] : 1) == DP_WHERE_HERE);
        } else if (n) {
            dp_send_to_ue(r.dp, r.now, what % SESSIONS, 1, (struct bytes){data, n});
        }
        data += n;
        size -= n;
        check(adds_up(r.dp));
    }
    for (uint32_t i = 0; i < SESSIONS; i++)
        check(dp_session_drop(r.dp, r.now, i, 1) == OK);
    dp_free(r.dp);
    return 0;
}
