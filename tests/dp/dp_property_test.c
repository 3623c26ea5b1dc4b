/* SPDX-License-Identifier: Apache-2.0 */
/* Random sessions, rules and packets by seed, against a model of three lines: a packet into a
 * tunnel belongs to the UE of that tunnel, a packet to the data network was sent by the UE whose
 * address it bears, and each packet is counted once. */
#include "tests/test.h"
#include "tests/dp/net.h"

enum { SESSIONS = 40, STEPS = 20000, SEEDS = 12 };
struct model {
    bool on;
    uint32_t gen, teid, dl_teid, old_dl_teid;
    uint8_t action, peer, old_peer;
    struct rule_session s;
};
static struct world {
    struct net net;
    struct model m[SESSIONS];
    uint64_t rng, forwarded[2];
    int sender; /* whose packet is going in by tunnel; -1: nobody's */
    bool broken;
} W;

static uint32_t random_below(uint32_t n)
{
    return net_random(&W.rng, n);
}

static bool owns(const struct model *m, const uint8_t *ip, uint8_t first)
{
    return m->on &&
           (first >> 4 == 4 ? !memcmp(ip, m->s.ipv4, 4) : !memcmp(ip, m->s.ipv6_prefix, 8));
}

static void check_access(void *ctx, const struct dp_datagram *d, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *p = d[i].p;
        if (p[1] == 26 || p[1] == 2 || p[1] == 31)
            continue;
        uint32_t teid = be32(p + 4), k = (teid & 0xffff) % SESSIONS;
        struct model *m = &W.m[k];
        if (p[1] == 254) {
            W.broken |= teid != m->old_dl_teid || d[i].peer.ip[3] != m->old_peer;
            continue;
        }
        const uint8_t *in = p + 16, *dst = in + (in[0] >> 4 == 4 ? 16 : 24);
        W.broken |=
            p[1] != 255 || d[i].n != 16u + (in[0] >> 4 == 4 ? be16(in + 2) : 40u + be16(in + 4));
        W.broken |= teid != m->dl_teid || d[i].peer.ip[3] != m->peer || m->action != RULE_FORW;
        W.broken |= !owns(m, dst, in[0]);
        W.forwarded[0]++;
    }
}

static void check_core(void *ctx, uint16_t instance, const struct dp_packet *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *src = p[i].p + (p[i].p[0] >> 4 == 4 ? 12 : 8);
        W.broken |= W.sender < 0 || !owns(&W.m[W.sender], src, p[i].p[0]);
        W.forwarded[1]++;
    }
}

static void random_session(uint32_t i)
{
    static struct plain p;
    struct model *m = &W.m[i];
    bool again = m->on && random_below(4);
    uint32_t gen = again ? m->gen : m->gen + 1;
    plain_session(&p, SESSIONS, i, gen);
    static const uint8_t actions[] = {RULE_FORW, RULE_FORW, RULE_FORW,
                                      RULE_DROP, RULE_BUFF, RULE_BUFF | RULE_NOCP};
    p.far[1].action = actions[random_below(6)];
    p.far[1].teid = (random_below(1000) + 1) << 16 | i;
    p.far[1].peer.ip[3] = (uint8_t)(2 + random_below(5));
    p.far[1].send_end_marker = random_below(2);
    p.qer[0].has_mbr = random_below(3) == 0;
    p.qer[0].mbr_ul_kbit = p.qer[0].mbr_dl_kbit = random_below(2000);
    p.urr[0].threshold.total = random_below(3) ? 0 : 5000;
    p.s.inactivity_us = random_below(3) ? 0 : 3000000;
    if (!random_below(3))
        p.s.has_ipv6 = false;
    m->old_dl_teid = m->dl_teid;
    m->old_peer = m->peer;
    m->on = true;
    m->gen = gen;
    m->teid = p.pdr[0].teid;
    m->dl_teid = p.far[1].teid;
    m->peer = p.far[1].peer.ip[3];
    m->action = p.far[1].action;
    m->s = p.s;
    if (dp_session_set(W.net.dp, W.net.now, &p.s, NULL) != 0)
        W.broken = true;
}

static uint32_t random_packet(bool up, uint32_t mine, uint32_t other)
{
    uint8_t *p = net_inner(&W.net), a[16] = {0x2a, 9},
            b[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, (uint8_t)mine, 1};
    uint8_t far[4] = {8, 8, 8, (uint8_t)random_below(256)}, ue[4] = {10, 45, 0, (uint8_t)mine};
    uint32_t n = 60 + random_below(100);
    if (up && !random_below(6)) /* to another UE */
        far[0] = 10, far[1] = 45, far[2] = 0, far[3] = (uint8_t)other;
    if (random_below(3))
        up ? ip4(p, ue, far, n) : ip4(p, far, ue, n);
    else
        up ? ip6(p, b, a, n) : ip6(p, a, b, n);
    if (!random_below(8)) /* and some of it changed */
        for (unsigned i = 0; i < 3; i++)
            p[random_below(48)] ^= (uint8_t)(1u << random_below(8));
    return n;
}

static void one_step(void)
{
    uint32_t i = random_below(SESSIONS), other = random_below(SESSIONS), n;
    struct model *m = &W.m[i];
    W.net.now += random_below(2000);
    switch (random_below(20)) {
    case 0: random_session(i); break;
    case 1:
        if (random_below(3))
            break;
        W.broken |= dp_session_drop(W.net.dp, W.net.now, i, m->gen) != (m->on ? 0 : ERR_NOTFOUND);
        m->on = false;
        break;
    case 2: dp_tick(W.net.dp, W.net.now += 100000); break;
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9: /* uplink, one in four with another's address */
        n = random_packet(true, random_below(4) ? i : other, other);
        W.sender = m->on ? (int)i : -1;
        net_uplink(&W.net, m->teid, (uint8_t)random_below(10), n, v4_peer(2));
        W.sender = -1;
        break;
    case 10: /* a TEID nobody was given */
        n = random_packet(true, i, other);
        uint32_t teid = m->teid ^ (1u << (8 + random_below(24)));
        net_uplink(&W.net, teid, 9, n, v4_peer(2));
        break;
    default: net_downlink(&W.net, 0, random_packet(false, i, other)); break;
    }
}

static void one_seed(uint64_t seed)
{
    memset(&W, 0, sizeof W);
    struct dp_config c = net_config();
    c.sessions_max = SESSIONS;
    W.net.config = c;
    W.net.now = 1;
    W.rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    W.sender = -1;
    W.net.dp = dp_new(&c, &(struct dp_io){&W, check_access, check_core, NULL});
    assert_non_null(W.net.dp);
    for (unsigned i = 0; i < STEPS && !W.broken; i++)
        one_step();
    if (W.broken)
        print_error("seed %llu breaks a property\n", (unsigned long long)seed);
    assert_false(W.broken);
    assert_true(net_adds_up(&W.net));
    assert_true(W.forwarded[0] > STEPS / 20 && W.forwarded[1] > STEPS / 20);
    for (uint32_t i = 0; i < SESSIONS; i++)
        if (W.m[i].on)
            assert_int_equal(dp_session_drop(W.net.dp, W.net.now, i, W.m[i].gen), 0);
    assert_int_equal(dp_session_count(W.net.dp), 0);
    const uint64_t *k = dp_counters(W.net.dp);
    assert_int_equal(k[DP_held], k[DP_released] + k[DP_buffer_oldest] + k[DP_buffer_dropped] +
                                     k[DP_buffer_flushed_drop]);
    assert_int_equal(W.forwarded[0], k[DP_to_tunnel] + k[DP_released]);
    assert_int_equal(W.forwarded[1], k[DP_to_core]);
    dp_free(W.net.dp);
}

static void no_packet_leaves_by_anothers_tunnel(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        one_seed(seed);
}

int main(void)
{
    return RUN(unit(no_packet_leaves_by_anothers_tunnel));
}
