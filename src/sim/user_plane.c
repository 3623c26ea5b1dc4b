/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/user_plane.h"
#include "base/err.h"
#include "dp/ring.h"
#include "rt/config.h"

enum { EVENTS_MAX = 65536, N3_SOCKETS = 2, PACKET_MAX = 65536 };

struct waiting { /* an event on its way to nf/upf */
    struct link link;
    struct dp_event_item item;
};
struct inline_plane {
    struct user_plane base;
    struct rt *rt;
    struct dp *dp;
    int n3[N3_SOCKETS], n6[DP_INSTANCES];
    uint8_t n3_family[N3_SOCKETS];
    struct timer timer;
    struct work work;
    struct link events; /* struct waiting */
    uint32_t events_n;
    uint8_t room[DP_HEADROOM + PACKET_MAX];
};
static struct inline_plane *plane(struct user_plane *u)
{
    return (struct inline_plane *)u;
}

/* ---- events: never from within a command ---- */
static void events_tell(struct work *work)
{
    struct inline_plane *p = CONTAINER(work, struct inline_plane, work);
    for (struct link *l; (l = list_pop(&p->events));) {
        struct waiting *e = CONTAINER(l, struct waiting, link);
        p->events_n--;
        if (p->base.sink.event)
            p->base.sink.event(p->base.sink.ctx, dp_event_unpack(&e->item));
        free(e);
    }
}

static void event(void *ctx, const struct dp_event *e)
{
    struct inline_plane *p = ctx;
    struct waiting *w = p->events_n < EVENTS_MAX ? calloc(1, sizeof *w) : NULL;
    if (!w) {
        p->base.events_lost++;
        return;
    }
    dp_event_pack(&w->item, e);
    list_append(&p->events, &w->link);
    p->events_n++;
    if (!link_is_on(&p->work.link))
        rt_queue(p->rt, &p->work);
}

/* ---- timers ---- */
static void timer_plan(struct inline_plane *p);
static void timer_due(struct timer *t)
{
    struct inline_plane *p = CONTAINER(t, struct inline_plane, timer);
    dp_tick(p->dp, p->rt->now_us);
    timer_plan(p);
}
static void timer_plan(struct inline_plane *p)
{
    uint64_t due = dp_next_us(p->dp);
    if (due == UINT64_MAX)
        timer_stop(&p->rt->timers, &p->timer);
    else if (timer_at_us(&p->rt->timers, &p->timer) != due)
        timer_set(&p->rt->timers, &p->timer, due, timer_due);
}

/* ---- packets ---- */
static void to_access(void *ctx, const struct dp_datagram *d, unsigned n)
{
    struct inline_plane *p = ctx;
    for (unsigned i = 0; i < n; i++) {
        struct net_addr to = {.family = d[i].peer.family, .port = d[i].peer.port};
        memcpy(to.ip, d[i].peer.ip, sizeof to.ip);
        for (unsigned k = 0; k < N3_SOCKETS; k++)
            if (p->n3_family[k] == to.family)
                p->rt->env->ops->udp_send(p->rt->env, p->n3[k], &to, (struct bytes){d[i].p, d[i].n});
    }
}
static void to_core(void *ctx, uint16_t instance, const struct dp_packet *k, unsigned n)
{
    struct inline_plane *p = ctx;
    for (unsigned i = 0; i < n && p->n6[instance] >= 0; i++)
        p->rt->env->ops->tun_send(p->rt->env, p->n6[instance], (struct bytes){k[i].p, k[i].n});
}

static void n3_datagram(void *ctx, int sock, const struct net_addr *from, struct bytes b)
{
    struct inline_plane *p = ctx;
    (void)sock;
    if (b.n > PACKET_MAX)
        return;
    rt_enter(p->rt);
    struct dp_datagram d = {p->room + DP_HEADROOM, b.n, {.family = from->family, .port = from->port}};
    memcpy(d.p, b.p, b.n);
    memcpy(d.peer.ip, from->ip, from->family == 4 ? 4 : 16);
    dp_access_input(p->dp, p->rt->now_us, &d, 1);
    timer_plan(p);
}
static void n6_packet(void *ctx, int tun, struct bytes b)
{
    struct inline_plane *p = ctx;
    uint16_t i = 0;
    while (i < p->base.config.instances && p->n6[i] != tun)
        i++;
    if (i == p->base.config.instances || b.n > PACKET_MAX)
        return;
    rt_enter(p->rt);
    struct dp_packet k = {p->room + DP_HEADROOM, b.n};
    memcpy(k.p, b.p, b.n);
    dp_core_input(p->dp, p->rt->now_us, i, &k, 1);
    timer_plan(p);
}

/* ---- the interface ---- */
static int command(struct user_plane *u, const struct dp_command *c)
{
    struct inline_plane *p = plane(u);
    user_plane_run(p->dp, p->rt->now_us, c, event, p);
    timer_plan(p);
    return OK;
}
static void counters(struct user_plane *u, uint64_t to[DP_COUNTERS])
{
    memcpy(to, dp_counters(plane(u)->dp), DP_COUNTERS * sizeof *to);
}
static void inline_close(struct user_plane *u)
{
    struct inline_plane *p = plane(u);
    for (unsigned i = 0; i < N3_SOCKETS; i++)
        if (p->n3_family[i])
            p->rt->env->ops->udp_close(p->rt->env, p->n3[i]);
    for (unsigned i = 0; i < DP_INSTANCES; i++)
        if (p->n6[i] >= 0)
            p->rt->env->ops->tun_close(p->rt->env, p->n6[i]);
    timer_stop(&p->rt->timers, &p->timer);
    if (link_is_on(&p->work.link))
        list_remove(&p->work.link);
    for (struct link *l; (l = list_pop(&p->events));)
        free(CONTAINER(l, struct waiting, link));
    dp_free(p->dp);
    if (p->rt->user_plane == u)
        p->rt->user_plane = NULL;
    free(p);
}
static const struct user_plane_ops ops = {command, counters, inline_close};

static int interfaces_open(struct inline_plane *p, const struct config_upf *c)
{
    const struct env_ops *o = p->rt->env->ops;
    for (uint32_t i = 0; i < c->n_n3_addresses; i++) {
        struct net_addr local = c->n3_addresses[i];
        local.port = DP_GTPU_PORT;
        p->n3[i] = o->udp_open(p->rt->env, &local, &(struct udp_sink){p, n3_datagram});
        if (p->n3[i] < 0)
            return p->n3[i];
        p->n3_family[i] = local.family;
    }
    for (uint32_t i = 0; i < c->n_n6; i++) {
        struct tun_config t = {.name = c->n6[i].tun.p,
                               .addr4 = c->n6[i].ipv4.addr,
                               .addr6 = c->n6[i].ipv6.addr,
                               .mtu = p->base.config.inner_mtu};
        if (!c->n6[i].tun.n) /* a 5G LAN: nothing leaves it */
            continue;
        p->n6[i] = o->tun_open(p->rt->env, &t, &(struct tun_sink){p, n6_packet});
        if (p->n6[i] < 0)
            return p->n6[i];
    }
    return OK;
}

int user_plane_inline_open(struct user_plane **out, struct rt *rt, const struct config *config)
{
    struct inline_plane *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOSPACE;
    p->base.ops = &ops;
    p->rt = rt;
    p->work.fn = events_tell;
    list_init(&p->events);
    memset(p->n6, 0xff, sizeof p->n6);
    int e = user_plane_config(config, &p->base.config);
    env_random(rt->env, &p->base.config.secret0, sizeof p->base.config.secret0);
    env_random(rt->env, &p->base.config.secret1, sizeof p->base.config.secret1);
    if (e == OK && !(p->dp = dp_new(&p->base.config, &(struct dp_io){p, to_access, to_core, event})))
        e = ERR_NOSPACE;
    if (e == OK)
        e = interfaces_open(p, &config->upf);
    if (e < 0) {
        inline_close(&p->base);
        return e;
    }
    rt->user_plane = &p->base;
    *out = &p->base;
    return OK;
}
