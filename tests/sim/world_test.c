/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "base/err.h"
#include "sim/world.h"

struct peer {
    struct env *env;
    struct rt rt;
    uint64_t assoc;
    unsigned ups, downs, messages, datagrams, out_of_order;
    uint32_t last;
    struct timer timer;
    int sock;
};
static void up(void *ctx, uint64_t assoc, const struct net_addr *peer, uint16_t streams)
{
    struct peer *p = ctx;
    rt_enter(&p->rt);
    p->assoc = assoc;
    p->ups++;
    assert_int_equal(streams, 4);
}
static void message(void *ctx, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes b)
{
    struct peer *p = ctx;
    rt_enter(&p->rt);
    assert_int_equal(ppid, 60);
    p->out_of_order += be32(b.p) != p->last + 1;
    p->last = be32(b.p);
    p->messages++;
    rt_note(&p->rt, p->last);
}
static void down(void *ctx, uint64_t assoc, const char *reason)
{
    struct peer *p = ctx;
    assert_non_null(reason);
    p->downs++;
}
static void datagram(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    struct peer *p = ctx;
    rt_enter(&p->rt);
    p->datagrams++;
    rt_note(&p->rt, be32(b.p));
}

struct pair {
    struct world *w;
    struct peer a, b;
    struct net_addr addr_a, addr_b;
};
static void pair_start(struct pair *t, uint64_t seed)
{
    memset(t, 0, sizeof *t);
    t->w = world_new(seed);
    t->addr_a = addr_v4(0x0a000001, 38412);
    t->addr_b = addr_v4(0x0a000002, 38412);
    t->a.env = world_host(t->w, "a", &t->addr_a);
    t->b.env = world_host(t->w, "b", &t->addr_b);
    assert_int_equal(rt_init(&t->a.rt, t->a.env, 1 << 20), OK);
    assert_int_equal(rt_init(&t->b.rt, t->b.env, 1 << 20), OK);
    world_attach(t->w, t->a.env, &t->a.rt);
    world_attach(t->w, t->b.env, &t->b.rt);
    struct sctp_local local = {.streams = 4};
    struct sctp_sink sa = {&t->a, up, message, down}, sb = {&t->b, up, message, down};
    assert_int_equal(t->b.env->ops->sctp_listen(t->b.env, &local, &sb), OK);
    assert_int_equal(t->a.env->ops->sctp_connect(t->a.env, &local, &t->addr_b, &sa, &t->a.assoc), OK);
    struct udp_sink ua = {&t->a, datagram}, ub = {&t->b, datagram};
    t->a.sock = t->a.env->ops->udp_open(t->a.env, &t->addr_a, &ua);
    t->b.sock = t->b.env->ops->udp_open(t->b.env, &t->addr_b, &ub);
    assert_true(t->a.sock >= 0 && t->b.sock >= 0);
}
static void pair_stop(struct pair *t)
{
    rt_free(&t->a.rt);
    rt_free(&t->b.rt);
    world_free(t->w);
}
static void pair_talk(struct pair *t, unsigned n)
{
    uint8_t octets[4];
    for (uint32_t i = 1; i <= n; i++) {
        put_be32(octets, i);
        t->a.env->ops->sctp_send(t->a.env, t->a.assoc, (uint16_t)(i % 4), 60, BYTES_OF(octets));
        t->a.env->ops->udp_send(t->a.env, t->a.sock, &t->addr_b, BYTES_OF(octets));
    }
}

static void sctp_keeps_order_and_udp_may_lose(void **state)
{
    struct pair t;
    pair_start(&t, 7);
    assert_true(world_run(t.w, 10000));
    assert_int_equal(t.a.ups, 1);
    assert_int_equal(t.b.ups, 1);
    world_set_faults(t.w, &(struct world_faults){.udp_loss_ppm = 300000, .delay_max_us = 5000});
    pair_talk(&t, 1000);
    uint8_t octets[4] = {0};
    assert_int_equal(t.a.env->ops->sctp_send(t.a.env, t.a.assoc, 4, 60, BYTES_OF(octets)), ERR_RANGE);
    assert_true(world_run(t.w, 10000000));
    assert_int_equal(t.b.messages, 1000);
    assert_int_equal(t.b.out_of_order, 0);
    assert_in_range(t.b.datagrams, 600, 800);
    pair_stop(&t);
}

static uint64_t trace_of(uint64_t seed)
{
    struct pair t;
    pair_start(&t, seed);
    world_run(t.w, 10000);
    world_set_faults(t.w, &(struct world_faults){.udp_loss_ppm = 100000, .udp_double_ppm = 100000,
                                                 .delay_max_us = 3000, .sctp_cut_ppm = 2000});
    pair_talk(&t, 500);
    world_run(t.w, 10000000);
    uint64_t trace = t.b.rt.trace;
    pair_stop(&t);
    return trace;
}
static void a_seed_replays_exactly(void **state)
{
    assert_true(trace_of(11) == trace_of(11));
    assert_true(trace_of(11) != trace_of(12));
}

static void both_ends_learn_of_a_cut_and_a_kill(void **state)
{
    struct pair t;
    pair_start(&t, 3);
    world_run(t.w, 10000);
    assert_int_equal(world_associations(t.w), 2);
    world_cut_all(t.w, t.a.env);
    assert_true(world_run(t.w, 10000));
    assert_int_equal(t.a.downs, 1);
    assert_int_equal(t.b.downs, 1);
    assert_int_equal(world_associations(t.w), 0);
    uint8_t octets[4] = {0};
    assert_int_equal(t.a.env->ops->sctp_send(t.a.env, t.a.assoc, 0, 60, BYTES_OF(octets)), ERR_NOTFOUND);
    pair_stop(&t);

    pair_start(&t, 4);
    world_run(t.w, 10000);
    world_kill(t.w, t.b.env);
    assert_int_equal(t.b.env->ops->udp_send(t.b.env, t.b.sock, &t.addr_a, BYTES_OF(octets)), ERR_NOTFOUND);
    pair_talk(&t, 3);
    assert_true(world_run(t.w, 10000));
    assert_int_equal(t.a.downs, 1);
    assert_int_equal(t.b.messages + t.b.datagrams, 0);
    assert_int_equal(t.a.datagrams, 0);
    struct sctp_local local = {.streams = 4};
    struct sctp_sink sa = {&t.a, up, message, down};
    t.a.env->ops->sctp_connect(t.a.env, &local, &t.addr_b, &sa, &t.a.assoc);
    world_run(t.w, 10000);
    assert_int_equal(t.a.downs, 2); /* nobody listens there any more */
    pair_stop(&t);
}

static void fired(struct timer *timer)
{
    struct peer *p = CONTAINER(timer, struct peer, timer);
    p->messages++;
    if (p->messages < 5)
        timer_set(&p->rt.timers, timer, p->rt.now_us + 1000000, fired);
}
static void time_jumps_to_the_next_timer(void **state)
{
    struct pair t;
    pair_start(&t, 5);
    timer_set(&t.a.rt.timers, &t.a.timer, world_now_us(t.w) + 3600000000u, fired);
    uint64_t start = world_now_us(t.w);
    assert_false(world_run(t.w, 3600000000u - 1));
    assert_int_equal(t.a.messages, 0);
    assert_true(world_run(t.w, 10000000));
    assert_int_equal(t.a.messages, 5);
    assert_true(world_now_us(t.w) >= start + 3604000000u);
    pair_stop(&t);
}

/* The first message is lost, the second is late, the third is changed and comes twice. */
static void meddle(void *ctx, const struct world_packet *k, struct world_fate *fate)
{
    uint32_t *n = ctx;
    switch (++*n) {
    case 1: fate->copies = 0; break;
    case 2: fate->delay_us = 1000000; break;
    case 3:
        fate->copies = 2;
        fate->at = 99;
        fate->flip = 3 ^ 2;
    }
}
static void a_test_decides_what_becomes_of_a_message(void **state)
{
    for (int udp = 0; udp < 2; udp++) {
        struct pair t;
        uint32_t n = 0;
        pair_start(&t, 6);
        world_run(t.w, 10000);
        world_meddle(t.w, meddle, &n);
        for (uint8_t i = 1; i <= 3; i++) {
            uint8_t octets[4] = {0, 0, 0, i};
            udp ? t.a.env->ops->udp_send(t.a.env, t.a.sock, &t.addr_b, BYTES_OF(octets))
                : t.a.env->ops->sctp_send(t.a.env, t.a.assoc, 0, 60, BYTES_OF(octets));
        }
        world_run(t.w, 900000);
        assert_int_equal(udp ? t.b.datagrams : t.b.messages, udp ? 2 : 0); /* what is in order waits for what is late */
        world_run(t.w, 900000);
        assert_int_equal(udp ? t.b.datagrams : t.b.messages, 3);
        world_meddle(t.w, NULL, NULL);
        pair_stop(&t);
    }
}

int main(void)
{
    return RUN(unit(sctp_keeps_order_and_udp_may_lose), unit(a_seed_replays_exactly),
               unit(both_ends_learn_of_a_cut_and_a_kill), unit(time_jumps_to_the_next_timer),
               unit(a_test_decides_what_becomes_of_a_message));
}
