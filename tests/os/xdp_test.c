/* SPDX-License-Identifier: Apache-2.0 */
/* xdp_test.c - the packet path in the kernel against src/dp, packet by packet: by hand, and by seed: sessions, rules and packets, good
 * and hostile. */
#include "tests/os/xdp.h"

static void a_session_is_handled_in_the_kernel(void **state)
{
    static struct plain p;
    uint8_t in[1600], g[1700];
    struct dp_config c = net_config();
    open_both(&c, 1000000);
    struct rule_session *s = plain_session(&p, c.sessions_max, 5, 1);
    put_both(s);
    assert_int_equal(offload_numbers(W.offload).fast, 1);
    uint32_t n = inner4(in, 5, true, 100);
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, n);
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_PASS); /* the first begins the usage rule's time */
    for (int i = 0; i < 5; i++)
        assert_int_equal(uplink(g, n, v4_peer(2), (uint32_t)i), XDP_REDIRECT);
    n = inner4(in, 5, false, 1300);
    assert_int_equal(downlink_(in, n, 0), XDP_REDIRECT);
    n = inner4(in, 5, false, 28);
    assert_int_equal(downlink_(in, n, 18), XDP_REDIRECT);
    n = inner4(in, 5, false, 1450);
    in[6] = 0x40;
    sum4(in);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS); /* too big: an ICMP message */
    assert_int_equal(W.b.out_n, 1);
    /* buffered, then released; in order */
    p.far[1].action = RULE_BUFF | RULE_NOCP;
    put_both(s);
    n = inner4(in, 5, false, 200);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    assert_int_equal(W.b.events_n, 1);
    p.far[1].action = RULE_FORW;
    put_both(s);
    assert_int_equal(W.b.out_n, 1);
    assert_int_equal(downlink_(in, n, 0), XDP_REDIRECT);
    /* while it is traced its packets are handed up, with the same counters, then it goes back */
    assert_int_equal(dp_session_trace(W.a.dp, W.a.now, 5, 1, 2), DP_WHERE_HERE);
    assert_int_equal(dp_session_trace(W.b.dp, W.b.now, 5, 1, 2), DP_WHERE_KERNEL);
    settle();
    assert_int_equal(offload_numbers(W.offload).fast, 0);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    assert_true(W.b.events_n == 1 && W.b.event[0].kind == DP_EVENT_TRACE);
    assert_int_equal(downlink_(in, n, 0), XDP_REDIRECT);
    /* a volume threshold, to the octet */
    p.urr[0].threshold.total = 5000;
    put_both(s);
    for (int i = 0; i < 60; i++)
        downlink_(in, n, 0);
    net_clear(&W.a);
    net_clear(&W.b);
    assert_int_equal(dp_session_drop(W.a.dp, W.a.now, 5, 1), OK);
    assert_int_equal(dp_session_drop(W.b.dp, W.b.now, 5, 1), OK);
    settle();
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    /* one with framed routes stays here, and its networks are found */
    struct rule_prefix behind = {.family = 4, .bits = 24, .ip = {192, 168, 7}};
    s = plain_session(&p, c.sessions_max, 6, 1);
    p.pdr[1].framed = &behind;
    p.pdr[1].framed_n = 1;
    put_both(s);
    assert_int_equal(offload_numbers(W.offload).fast, 0);
    n = inner4(in, 6, false, 100);
    memcpy(in + 16, (const uint8_t[4]){192, 168, 7, 9}, 4);
    sum4(in);
    assert_int_equal(downlink_(in, n, 0), XDP_PASS);
    assert_int_equal(W.b.out_n, 1);
    close_both();
}

static void abuse_in_the_kernel(void **state)
{
    static struct plain p;
    uint8_t in[1600], g[1700], nested[8] = {0x30, 255};
    struct dp_config c = net_config();
    c.check_peer = true;
    c.core[0] = c.local_v4;
    open_both(&c, 1000000);
    struct rule_session *s = plain_session(&p, c.sessions_max, 5, 1);
    p.urr[0].start_at_once = true;
    put_both(s);
    uint32_t n = gtpu_make(g, p.pdr[0].teid, 9, true, in, inner4(in, 5, true, 100));
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_REDIRECT);
    for (int i = 0; i < 3; i++) { /* from another address */
        assert_int_equal(uplink(g, n, v4_peer(3), 0), i ? XDP_DROP : XDP_PASS);
        assert_int_equal(W.b.abuse.what, DP_peer_wrong);
    }
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, inner4(in, 6, true, 100));
    for (int i = 0; i < 3; i++) { /* of another phone */
        assert_int_equal(uplink(g, n, v4_peer(2), 0), i ? XDP_DROP : XDP_PASS);
        assert_int_equal(W.b.abuse.what, DP_spoofed);
        assert_int_equal(W.b.abuse.peer.ip[3], 2);
    }
    assert_int_equal(W.b.abuses_n, 2);
    time_goes(1000000);
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_PASS);
    assert_int_equal(W.b.abuses_n, 3);
    /* a tunnel in it, and the core itself: the other half looks at each */
    n = inner4(in, 5, true, 36);
    put_be16(in + 22, 2152);
    memcpy(in + 28, nested, 8);
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, n);
    for (int i = 0; i < 2; i++)
        assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_PASS);
    assert_int_equal(W.b.abuse.what, DP_nested);
    inner4(in, 5, true, 100);
    memcpy(in + 16, c.local_v4.ip, 4);
    sum4(in);
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, 100);
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_PASS);
    assert_int_equal(W.b.abuse.what, DP_to_the_core);
    /* toward another UPF as well: who is on the other side is not on this */
    p.far[0].peer = v4_peer(4);
    p.far[0].teid = 0x5000;
    put_both(s);
    n = gtpu_make(g, p.pdr[0].teid, 9, true, in, inner4(in, 5, true, 100));
    assert_int_equal(uplink(g, n, v4_peer(2), 0), XDP_REDIRECT);
    assert_int_equal(uplink(g, n, v4_peer(4), 0), XDP_PASS); /* not where this tunnel ends */
    assert_int_equal(dp_counters(W.a.dp)[DP_peer_wrong], 4);
    close_both();
}

/* ---- by seed ---- */
static void filters_random(struct plain *p, struct rule_sdf *f, unsigned n)
{
    static const uint8_t nets[][4] = {{8, 8, 8, 0}, {9, 0, 0, 0}};
    for (unsigned i = 0; i < n; i++) {
        f[i] = (struct rule_sdf){0};
        if (random_below(2)) {
            f[i].remote = (struct rule_prefix){.family = 4, .bits = (uint8_t)(8 + random_below(25))};
            memcpy(f[i].remote.ip, nets[random_below(2)], 4);
            f[i].remote.ip[3] = (uint8_t)random_below(256);
        } else if (random_below(4) == 0) {
            f[i].remote = (struct rule_prefix){.family = 6, .bits = (uint8_t)random_below(40), .ip = {0x2a, 9}};
        }
        f[i].has_proto = random_below(2);
        f[i].proto = random_below(3) ? 17 : 6;
        if (random_below(3) == 0) {
            f[i].remote_ports_n = (uint8_t)(1 + random_below(2));
            f[i].remote_ports[0] = (struct rule_ports){1000, (uint16_t)(1000 + random_below(2000))};
            f[i].remote_ports[1] = (struct rule_ports){5, 6};
        }
        if (random_below(5) == 0) {
            f[i].local_ports_n = 1;
            f[i].local_ports[0] = (struct rule_ports){900, (uint16_t)(900 + random_below(2000))};
        }
        if (random_below(8) == 0)
            f[i].tos_mask = 0xfc;
        if (random_below(40) == 0)
            f[i].has_flow_label = true;
    }
}

static void random_session(uint32_t i)
{
    static struct plain p;
    static struct rule_pdr pdr[8];
    static struct rule_far far[4];
    static struct rule_sdf sdf[4][4];
    static const uint8_t actions[] = {RULE_FORW, RULE_FORW, RULE_FORW, RULE_FORW, RULE_DROP, RULE_DROP | RULE_NOCP,
                                      RULE_BUFF, RULE_BUFF | RULE_NOCP};
    W.gen[i] += !W.on[i] || random_below(5) == 0;
    struct rule_session *s = plain_session(&p, SESSIONS, i, W.gen[i]);
    p.far[1].action = actions[random_below(8)];
    p.far[1].peer = v4_peer((uint8_t)(2 + random_below(5)));
    if (random_below(4) == 0)
        p.far[1].peer = (struct rule_addr){6, 2152, {0x20, 1, [15] = (uint8_t)(2 + random_below(2))}};
    p.far[1].peer.dscp = (uint8_t)(random_below(2) ? random_below(64) : 0);
    p.far[1].send_end_marker = random_below(2);
    p.far[0].action = random_below(12) ? RULE_FORW : RULE_DROP;
    for (unsigned k = 0; k < 2; k++) { /* copies are made by the slow path alone */
        if (p.far[k].action & RULE_DROP || random_below(12))
            continue;
        p.far[k].action |= RULE_DUPL;
        p.far[k].copy_teid = 0x77;
        p.far[k].copy_to = v4_peer(6);
    }
    p.qer[0].has_mbr = random_below(3) == 0;
    p.qer[0].mbr_ul_kbit = random_below(4000);
    p.qer[0].mbr_dl_kbit = random_below(4000);
    p.qer[0].reflective = random_below(4) == 0;
    p.qer[0].qfi = (uint8_t)(random_below(4) ? 9 : 0);
    p.qer[0].gate_ul_closed = random_below(12) == 0;
    p.urr[0].threshold.total = random_below(3) ? 0 : 3000;
    p.urr[0].threshold.dl = random_below(5) ? 0 : 2000;
    p.urr[0].quota.total = random_below(6) ? 0 : 20000;
    p.urr[0].quota_fresh = random_below(2);
    p.urr[0].report_start = random_below(5) == 0;
    p.urr[0].time_threshold_us = random_below(6) ? 0 : 3000000;
    s->inactivity_us = random_below(3) ? 0 : 3000000;
    if (!random_below(4))
        s->has_ipv6 = false;
    if (random_below(3) == 0) { /* filters in front of the others */
        memcpy(pdr, p.pdr, sizeof p.pdr);
        memcpy(far, p.far, sizeof p.far);
        for (unsigned k = 0; k < 4; k++) {
            pdr[2 + k] = p.pdr[k & 1];
            pdr[2 + k].id = (uint16_t)(10 + k);
            pdr[2 + k].precedence = 1 + random_below(300);
            pdr[2 + k].sdf_n = (uint16_t)(1 + random_below(4));
            pdr[2 + k].far_id = k & 1 ? 3 : 4;
            filters_random(&p, sdf[k], pdr[2 + k].sdf_n);
            pdr[2 + k].sdf = sdf[k];
            if (!(k & 1) && !random_below(3))
                pdr[2 + k].qfis = 1u << 9;
        }
        far[2] = (struct rule_far){.id = 3, .action = actions[random_below(8)], .destination = RULE_ACCESS,
                                   .teid = GNB_TEID + 0x100 + i, .peer = v4_peer(2)};
        far[3] = (struct rule_far){.id = 4, .action = random_below(4) ? RULE_FORW : RULE_DROP, .destination = RULE_CORE};
        if (random_below(4) == 0) { /* an uplink classifier: on to another UPF */
            far[3].teid = 0x5000 + i;
            far[3].peer = v4_peer(3);
        }
        s->pdr = pdr;
        s->pdr_n = 6;
        s->far = far;
        s->far_n = 4;
    }
    W.on[i] = true;
    W.teid[i] = p.pdr[0].teid;
    put_both(s);
}

static uint32_t random_inner(uint8_t *p, bool up, uint32_t mine, uint32_t other)
{
    uint8_t a[16] = {0x2a, 9}, b[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, (uint8_t)mine, 1};
    uint8_t far[4] = {8, 8, 8, (uint8_t)random_below(256)}, ue[4] = {10, 45, 0, (uint8_t)mine};
    uint32_t n = 60 + random_below(random_below(8) ? 100 : 1340);
    if (random_below(3) == 0)
        far[0] = 9;
    if (up && !random_below(6)) /* to another UE */
        far[0] = 10, far[1] = 45, far[2] = 0, far[3] = (uint8_t)other;
    bool v4 = random_below(3);
    if (v4)
        up ? ip4(p, ue, far, n) : ip4(p, far, ue, n);
    else
        up ? ip6(p, b, a, n) : ip6(p, a, b, n);
    uint8_t *l4 = p + (v4 ? 20 : 40);
    if (random_below(3) == 0) {
        static const uint8_t protos[] = {6, 1, 58, 50, 51, 132, 44, 0, 60, 47};
        p[v4 ? 9 : 6] = protos[random_below(10)];
    }
    put_be16(l4, (uint16_t)(800 + random_below(2500)));
    put_be16(l4 + 2, (uint16_t)(800 + random_below(2500)));
    if (up && random_below(10) == 0) { /* a tunnel in the tunnel, or nearly one */
        static const uint16_t ports[] = {2152, 2123, 8805, 38412, 38472};
        static const uint8_t first[] = {0x30, 0x48, 0x20};
        uint32_t k = random_below(5), head = (v4 ? 28 : 48), less = k ? 4 : 8;
        p[v4 ? 9 : 6] = k < 3 ? 17 : 132;
        put_be16(l4 + 2, ports[k]);
        p[head] = first[k % 3];
        put_be16(p + head + 2, (uint16_t)(n - head - less + !random_below(4)));
    }
    if (random_below(10) == 0) {
        if (v4)
            p[1] = 0xb8;
        else
            p[0] |= 0x0b;
    }
    if (random_below(20) == 0)
        p[v4 ? 8 : 7] = (uint8_t)random_below(3);
    if (v4 && random_below(20) == 0)
        p[6] = (uint8_t)random_below(256); /* fragments */
    if (v4)
        sum4(p);
    if (!random_below(6)) /* and some of it changed */
        for (unsigned i = 0; i < 3; i++)
            p[random_below(48)] ^= (uint8_t)(1u << random_below(8));
    if (up && random_below(12) == 0) { /* to the core itself; hosts beside it on N3 are no matter of this */
        memcpy(v4 ? p + 16 : p + 24, v4 ? W.a.config.local_v4.ip : W.a.config.local_v6.ip, v4 ? 4 : 16);
        if (v4)
            sum4(p);
    }
    return n;
}

static void random_uplink(void)
{
    static uint8_t in[1600], g[1700];
    uint32_t i = random_below(SESSIONS), other = random_below(SESSIONS);
    uint32_t n = random_inner(in, true, random_below(5) ? i : other, other), teid = W.teid[i];
    if (!random_below(15))
        teid ^= 1u << random_below(32);
    n = gtpu_make(g, teid, (uint8_t)(random_below(3) ? random_below(64) : 0), random_below(20), in, n);
    if (!random_below(8)) /* hostile */
        for (unsigned k = 0; k < 2; k++)
            g[random_below(20)] ^= (uint8_t)(1u << random_below(8));
    if (!random_below(20))
        n = random_below(n);
    struct rule_addr peer = v4_peer((uint8_t)(2 + random_below(3)));
    if (!random_below(3))
        peer = (struct rule_addr){6, 2152, {0x20, 1, [15] = 2}};
    uplink(g, n, peer, random_below(4) ? 0 : random_below(30));
}

static void one_step(void)
{
    static uint8_t in[1600];
    uint32_t i = random_below(SESSIONS);
    time_goes(random_below(2000));
    switch (random_below(24)) {
    case 0:
    case 1: random_session(i); break;
    case 2:
        if (random_below(3) || !W.on[i])
            break;
        net_clear(&W.a);
        net_clear(&W.b);
        assert_int_equal(dp_session_drop(W.a.dp, W.a.now, i, W.gen[i]), OK);
        assert_int_equal(dp_session_drop(W.b.dp, W.b.now, i, W.gen[i]), OK);
        W.on[i] = false;
        settle();
        break;
    case 3:
        time_goes(100000);
        net_clear(&W.a);
        net_clear(&W.b);
        dp_tick(W.a.dp, W.a.now);
        dp_tick(W.b.dp, W.b.now);
        settle();
        break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12: random_uplink(); break;
    default: {
        uint32_t n = random_inner(in, false, i, i);
        if (in[0] >> 4 == 4 || in[0] >> 4 == 6)
            downlink_(in, n, random_below(4) ? 0 : random_below(30));
    }
    }
}

static void the_kernel_does_what_dp_does(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct dp_config c = net_config();
        c.sessions_max = SESSIONS;
        c.check_peer = seed % 3 == 0;
        c.ue_to_ue = seed % 2;
        c.nested = seed == 4;
        c.core[0] = c.local_v4;
        c.core[1] = c.local_v6;
        c.instances = 1;
        open_both(&c, 1000000);
        W.rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        memset(W.fast, 0, sizeof W.fast);
        W.dropped = W.up = 0;
        for (uint32_t i = 0; i < SESSIONS; i++)
            random_session(i);
        for (unsigned i = 0; i < STEPS; i++)
            one_step();
        if (getenv("VERBOSE"))
            print_message("seed %d: kernel up %d down %d dropped %d, handed up %d\n", (int)seed, (int)W.fast[1], (int)W.fast[0],
                          (int)W.dropped, (int)W.up);
        const uint64_t *k = dp_counters(W.a.dp);
        if (getenv("VERBOSE"))
            print_message("nested %d to the core %d told %d\n", (int)k[DP_nested], (int)k[DP_to_the_core], (int)W.b.abuses_n);
        assert_true(k[DP_to_the_core] > 3 && (k[DP_nested] > 3 || c.nested) && W.b.abuses_n > 10);
        assert_true(W.fast[0] > STEPS / 20 && W.fast[1] > STEPS / 200 && W.dropped > STEPS / 40);
        close_both();
    }
}

int main(void)
{
    char prefix[24];
    int no = xdp_begin(prefix);
    if (no)
        return no;
    int failed = RUN(unit(a_session_is_handled_in_the_kernel), unit(abuse_in_the_kernel), unit(the_kernel_does_what_dp_does));
    netns_delete_prefix(prefix);
    return failed;
}
