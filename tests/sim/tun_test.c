/* SPDX-License-Identifier: Apache-2.0 */
/* tun_test.c - IP interfaces of simulated hosts and the data network that answers behind one. */
#include "tests/test.h"
#include "base/err.h"
#include "sim/data_network.h"

struct side {
    struct world *w;
    struct env *host;
    struct rt rt;
    unsigned packets, turns, apps;
    uint8_t last[2048];
    uint32_t last_n;
};
static void packet(void *ctx, int tun, struct bytes b)
{
    struct side *s = ctx;
    (void)tun;
    rt_enter(&s->rt);
    s->packets++;
    s->last_n = b.n < sizeof s->last ? b.n : sizeof s->last;
    memcpy(s->last, b.p, s->last_n);
}
static void side_start(struct side *s)
{
    static const struct net_addr at = {4, 0, {10, 0, 0, 1}};
    memset(s, 0, sizeof *s);
    s->w = world_new(1);
    s->host = world_host(s->w, "upf", &at);
    assert_int_equal(rt_init(&s->rt, s->host, 1 << 16), OK);
    world_attach(s->w, s->host, &s->rt);
}
static void side_end(struct side *s)
{
    world_attach(s->w, s->host, NULL);
    rt_free(&s->rt);
    world_free(s->w);
}
static int open_named(struct side *s, const char *netns, const char *name)
{
    struct tun_config c = {.name = name, .netns = netns, .addr4 = addr_v4(0x0a2d0001, 0)};
    struct tun_sink k = {s, packet};
    return s->host->ops->tun_open(s->host, &c, &k);
}
static struct net_addr ip(const char *t)
{
    struct net_addr a;
    assert_true(addr_parse(&a, str_of(t), 0));
    return a;
}

static void app(void *ctx, struct world *w, int tun, struct bytes b)
{
    struct side *s = ctx;
    s->apps++;
    assert_int_equal(world_inject(w, tun, b), OK); /* from within: an event of its own */
}
static void open_send_close(void **state)
{
    (void)state;
    struct side s;
    side_start(&s);
    int a = open_named(&s, NULL, "n6internet");
    assert_true(a >= 0);
    assert_int_equal(open_named(&s, NULL, "n6internet"), ERR_EXISTS);
    assert_int_equal(open_named(&s, NULL, ""), ERR_CONFIG);
    assert_int_equal(open_named(&s, NULL, "a-name-of-16-oct"), ERR_CONFIG);
    int b = open_named(&s, "ue1", "uesimtun0");
    assert_int_equal(world_tun(s.w, s.host, "ue1", "uesimtun0"), b);
    assert_int_equal(world_tun(s.w, s.host, NULL, "uesimtun0"), b);
    assert_int_equal(world_tun(s.w, s.host, "ue2", "uesimtun0"), ERR_NOTFOUND);
    for (int i = 0; i < 40; i++) { /* the table moves */
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        assert_true(open_named(&s, NULL, name) > b);
    }
    assert_string_equal(world_tun_config(s.w, a)->name, "n6internet");
    assert_string_equal(world_tun_config(s.w, b)->netns, "ue1");
    assert_null(world_tun_config(s.w, a)->netns);
    /* nobody behind it: packets go nowhere; an application at once */
    const struct env_ops *ops = s.host->ops;
    assert_int_equal(ops->tun_send(s.host, a, (struct bytes){s.last, 30}), OK);
    world_run(s.w, 1000);
    assert_int_equal(s.packets, 0);
    assert_int_equal(world_app(s.w, s.host, NULL, false, app, &s), OK);
    uint64_t now = world_now_us(s.w);
    assert_int_equal(ops->tun_send(s.host, b, (struct bytes){s.last, 30}), OK);
    assert_true(world_run(s.w, 0));
    assert_int_equal(world_now_us(s.w), now);
    assert_true(s.apps == 1 && s.packets == 1 && s.last_n == 30);
    ops->tun_close(s.host, b);
    assert_null(world_tun_config(s.w, b));
    assert_int_equal(world_inject(s.w, b, (struct bytes){s.last, 30}), ERR_NOTFOUND);
    assert_int_equal(ops->tun_send(s.host, b, (struct bytes){s.last, 30}), ERR_NOTFOUND);
    assert_true(open_named(&s, "ue1", "uesimtun0") > b);
    world_kill(s.w, s.host);
    assert_int_equal(world_inject(s.w, a, (struct bytes){s.last, 30}), ERR_NOTFOUND);
    side_end(&s);
}

static void echo_of_a_data_network(void **state)
{
    (void)state;
    struct side s;
    struct data_network dn = {0};
    uint8_t p[2000], back[2000];
    side_start(&s);
    int t = open_named(&s, NULL, "n6internet");
    assert_int_equal(data_network_start(&dn, s.w, s.host, "n6internet"), OK);
    struct net_addr me4 = ip("10.45.0.2"), far4 = ip("8.8.8.8");
    struct net_addr me6 = ip("fd00:10:45::2"), far6 = ip("2001:db8::1");
    for (int v = 0; v < 2; v++) {
        const struct net_addr *me = v ? &me6 : &me4, *far = v ? &far6 : &far4;
        uint32_t n = echo_request(me, far, 7, 3, 57, p, sizeof p), at = v ? 40 : 20;
        uint64_t now = world_now_us(s.w);
        assert_int_equal(n, at + 65);
        assert_int_equal(s.host->ops->tun_send(s.host, t, (struct bytes){p, n}), OK);
        world_run(s.w, 100);
        assert_int_equal(s.packets, v); /* it is beyond a link, both ways */
        world_run(s.w, 1000);
        assert_true(s.packets == v + 1u && world_now_us(s.w) > now + 100);
        assert_int_equal(s.last_n, n);
        assert_int_equal(s.last[at], v ? 129 : 0);
        assert_memory_equal(s.last + at + 4, p + at + 4, 61);
        assert_memory_equal(s.last + (v ? 24 : 16), me->ip, v ? 16 : 4);
        /* the answer's checksums are right: a request made from them by hand has the same one back */
        uint32_t m = echo_request(far, me, 7, 3, 57, back, sizeof back);
        assert_int_equal(m, n);
        uint16_t expected = be16(back + at + 2), got = be16(s.last + at + 2);
        uint32_t moved = expected + (v ? 0x8000u - 0x8100u : 0x0800u) + (v ? 0xffffu : 0);
        moved = (moved & 0xffff) + (moved >> 16);
        assert_int_equal(got, moved);
    }
    assert_true(dn.packets == 2 && dn.answered == 2);
    /* what asks for nothing, or is broken, is not answered */
    uint32_t n = echo_request(&me4, &far4, 7, 3, 57, p, sizeof p);
    p[20] = 13;
    assert_int_equal(echo_answer((struct bytes){p, n}, back, sizeof back), 0);
    p[20] = 8;
    assert_int_equal(echo_answer((struct bytes){p, n - 1}, back, sizeof back), 0);
    assert_int_equal(echo_answer((struct bytes){p, 10}, back, sizeof back), 0);
    assert_int_equal(echo_answer((struct bytes){p, n}, back, n - 1), 0);
    assert_int_equal(echo_request(&me4, &far6, 7, 3, 57, p, sizeof p), 0);
    dn.silent = true;
    assert_int_equal(s.host->ops->tun_send(s.host, t, (struct bytes){p, n}), OK);
    world_run(s.w, 2000);
    assert_true(dn.packets == 3 && dn.answered == 2 && s.packets == 2);
    side_end(&s);
}

int main(void)
{
    return RUN(unit(open_send_close), unit(echo_of_a_data_network));
}
