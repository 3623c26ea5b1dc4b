/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world.h"
#include "base/err.h"
#include <stdlib.h>

enum { SOCKETS_MAX = 64, START_US = 1000000 };
static const uint64_t UNIX_START_US = 1767225600000000u; /* 2026-01-01T00:00:00Z */

struct host {
    struct env env;
    struct world *world;
    const char *name;
    struct net_addr addr;
    struct rt *rt;
    struct sctp_sink listener;
    bool is_listening;
    uint16_t streams;
    uint64_t next_us, stepped_us; /* stepped_us: what its UTC was moved by, modulo 2^64 */
    struct host *next;
};
struct endpoint { /* one end of an association */
    struct host *host; /* NULL once this side has closed or been told */
    struct sctp_sink sink;
    uint64_t id, peer_id;
    uint16_t streams, port;
    uint64_t last_delivery_us; /* towards this end: keeps the order */
};
struct socket {
    struct host *host; /* NULL: free */
    struct net_addr addr;
    struct udp_sink sink;
};
struct tun {
    struct host *host; /* NULL: closed */
    struct tun_config config;
    char name[16], netns[64];
    struct tun_sink sink;
};
struct app {
    struct host *host;
    const char *name;
    bool is_far;
    world_app_fn *fn;
    void *ctx;
    struct app *next;
};
enum event_kind { EV_UP, EV_MESSAGE, EV_DOWN, EV_DATAGRAM, EV_TO_HOST, EV_FROM_HOST };
struct event {
    struct timer timer;
    struct world *world;
    struct link link;
    enum event_kind kind;
    uint64_t to; /* endpoint, socket or interface */
    struct net_addr from;
    uint16_t stream;
    uint32_t ppid, n;
    const char *reason;
    uint8_t octets[];
};
struct world {
    uint64_t now_us, random;
    struct timers timers;
    struct link events; /* all under way */
    struct host *hosts;
    struct map endpoints;
    uint64_t next_endpoint;
    struct socket sockets[SOCKETS_MAX];
    struct tun *tuns;
    uint32_t tuns_n, tuns_cap;
    struct app *apps;
    struct world_faults faults;
    world_watch_fn *watch;
    void *watch_ctx;
    world_meddle_fn *meddle;
    void *meddle_ctx;
};

uint64_t world_now_us(const struct world *w) { return w->now_us; }
void world_watch(struct world *w, world_watch_fn *fn, void *ctx)
{
    w->watch = fn;
    w->watch_ctx = ctx;
}
void world_meddle(struct world *w, world_meddle_fn *fn, void *ctx)
{
    w->meddle = fn;
    w->meddle_ctx = ctx;
}

uint64_t world_random(struct world *w) /* splitmix64 */
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static bool chance(struct world *w, uint32_t ppm)
{
    return ppm && world_random(w) % 1000000 < ppm;
}
static uint64_t delay(struct world *w)
{
    uint32_t span = w->faults.delay_max_us - w->faults.delay_min_us;
    return w->faults.delay_min_us + (span ? world_random(w) % (span + 1u) : 0);
}
static struct host *host_of(struct env *e) { return (struct host *)(void *)e; }
static struct endpoint *endpoint_get(struct world *w, uint64_t id)
{
    return map_get_u64(&w->endpoints, id);
}
static void endpoint_drop(struct world *w, struct endpoint *e)
{
    map_del_u64(&w->endpoints, e->id);
    free(e);
}

/* ---- events ---- */
static void event_free(struct event *e)
{
    timer_stop(&e->world->timers, &e->timer);
    list_remove(&e->link);
    free(e);
}

static void host_turn(struct host *h)
{
    if (h->rt) {
        rt_enter(h->rt);
        h->next_us = rt_turn(h->rt);
    }
}

static struct host *endpoint_event(struct world *w, struct event *e)
{
    struct endpoint *p = endpoint_get(w, e->to);
    if (!p)
        return NULL;
    struct host *h = p->host;
    struct sctp_sink sink = p->sink;
    if (e->kind == EV_UP)
        sink.up(sink.ctx, p->id, &e->from, p->streams);
    else if (e->kind == EV_MESSAGE)
        sink.message(sink.ctx, p->id, e->stream, e->ppid, (struct bytes){e->octets, e->n});
    else {
        uint64_t id = p->id;
        endpoint_drop(w, p);
        sink.down(sink.ctx, id, e->reason);
    }
    return h;
}

static const struct app *app_of(const struct world *w, const struct tun *t)
{
    const struct app *any = NULL;
    for (const struct app *a = w->apps; a; a = a->next) {
        if (a->host != t->host)
            continue;
        if (a->name && !strcmp(a->name, t->name))
            return a;
        if (!a->name)
            any = a;
    }
    return any;
}

static struct host *tun_event(struct world *w, struct event *e)
{
    struct tun *t = &w->tuns[e->to];
    struct bytes packet = {e->octets, e->n};
    if (!t->host)
        return NULL;
    struct host *h = t->host;
    if (e->kind == EV_FROM_HOST) {
        struct tun_sink sink = t->sink;
        sink.packet(sink.ctx, (int)e->to, packet);
        return h;
    }
    const struct app *a = app_of(w, t);
    if (a && a->fn)
        a->fn(a->ctx, w, (int)e->to, packet);
    return NULL;
}

static void event_due(struct timer *t)
{
    struct event *e = CONTAINER(t, struct event, timer);
    struct world *w = e->world;
    struct host *h = NULL;
    list_remove(&e->link);
    if (e->kind == EV_DATAGRAM) {
        struct socket *s = &w->sockets[e->to];
        if (s->host) {
            h = s->host;
            s->sink.datagram(s->sink.ctx, (int)e->to, &e->from, (struct bytes){e->octets, e->n});
        }
    } else if (e->kind == EV_TO_HOST || e->kind == EV_FROM_HOST) {
        h = tun_event(w, e);
    } else {
        h = endpoint_event(w, e);
    }
    free(e);
    if (h)
        host_turn(h);
}

static struct event *event_new(struct world *w, enum event_kind kind, uint64_t to, uint64_t at_us,
                               struct bytes octets)
{
    struct event *e = calloc(1, sizeof *e + octets.n);
    if (!e)
        return NULL;
    e->world = w;
    e->kind = kind;
    e->to = to;
    e->n = octets.n;
    if (octets.n)
        memcpy(e->octets, octets.p, octets.n);
    list_append(&w->events, &e->link);
    if (timer_set(&w->timers, &e->timer, at_us, event_due) < 0) {
        event_free(e);
        return NULL;
    }
    return e;
}

static void bend(struct event *e, const struct world_fate *fate)
{
    if (e && e->n && fate->flip)
        e->octets[fate->at < e->n ? fate->at : e->n - 1] ^= fate->flip;
}

static struct event *endpoint_send_late(struct endpoint *to, struct world *w, enum event_kind kind, struct bytes octets,
                                        uint64_t late_us)
{
    uint64_t at = w->now_us + delay(w) + late_us;
    if (at <= to->last_delivery_us)
        at = to->last_delivery_us + 1;
    to->last_delivery_us = at;
    return event_new(w, kind, to->id, at, octets);
}
static struct event *endpoint_send(struct endpoint *to, struct world *w, enum event_kind kind, struct bytes octets)
{
    return endpoint_send_late(to, w, kind, octets, 0);
}

static void endpoint_end(struct world *w, struct endpoint *p, const char *reason)
{
    struct event *e = endpoint_send(p, w, EV_DOWN, (struct bytes){NULL, 0});
    if (e)
        e->reason = reason;
}

/* ---- the environment of a host ---- */
static uint64_t host_now(struct env *e) { return host_of(e)->world->now_us; }
static uint64_t host_unix(struct env *e)
{
    return UNIX_START_US + host_of(e)->world->now_us + host_of(e)->stepped_us;
}
static void host_random(struct env *e, void *p, size_t n)
{
    uint8_t *o = p;
    for (size_t i = 0; i < n; i++)
        o[i] = (uint8_t)world_random(host_of(e)->world);
}

static int host_listen(struct env *e, const struct sctp_local *local, const struct sctp_sink *sink)
{
    struct host *h = host_of(e);
    if (h->is_listening)
        return ERR_EXISTS;
    h->listener = *sink;
    h->is_listening = true;
    h->streams = local->streams ? local->streams : 1;
    return OK;
}

static struct endpoint *endpoint_new(struct world *w, struct host *h, const struct sctp_sink *sink)
{
    struct endpoint *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (struct endpoint){.host = h, .sink = *sink, .id = ++w->next_endpoint};
    if (map_put_u64(&w->endpoints, p->id, p) < 0) {
        free(p);
        return NULL;
    }
    return p;
}

static int host_connect(struct env *env, const struct sctp_local *local, const struct net_addr *peer,
                        const struct sctp_sink *sink, uint64_t *assoc)
{
    struct host *h = host_of(env), *t = NULL;
    struct world *w = h->world;
    struct endpoint *a = endpoint_new(w, h, sink), *b = NULL;
    if (!a)
        return ERR_NOSPACE;
    *assoc = a->id;
    for (t = w->hosts; t; t = t->next)
        if (t->is_listening && addr_same_host(&t->addr, peer))
            break;
    if (!t || !(b = endpoint_new(w, t, &t->listener))) {
        endpoint_end(w, a, t ? "out of memory" : "nobody listens there");
        return OK;
    }
    a->port = (uint16_t)(0xc000 | a->id);
    b->port = peer->port;
    a->peer_id = b->id;
    b->peer_id = a->id;
    a->streams = b->streams = local->streams && local->streams < t->streams ? local->streams : t->streams;
    struct event *up_b = endpoint_send(b, w, EV_UP, (struct bytes){NULL, 0});
    struct event *up_a = endpoint_send(a, w, EV_UP, (struct bytes){NULL, 0});
    if (up_a)
        up_a->from = t->addr;
    if (up_b)
        up_b->from = h->addr;
    return OK;
}

static int host_send(struct env *env, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes octets)
{
    struct world *w = host_of(env)->world;
    struct endpoint *p = endpoint_get(w, assoc), *peer = p ? endpoint_get(w, p->peer_id) : NULL;
    if (!p)
        return ERR_NOTFOUND;
    if (stream >= p->streams)
        return ERR_RANGE;
    if (!peer)
        return OK; /* the other end has gone; down() is on its way */
    struct world_fate fate = {.copies = 1};
    if (w->watch || w->meddle) {
        struct world_packet k = {true, p->host->addr, peer->host ? peer->host->addr : p->host->addr, w->now_us, stream,
                                 ppid, octets};
        k.from.port = p->port;
        k.to.port = peer->port;
        if (w->watch)
            w->watch(w->watch_ctx, &k);
        if (w->meddle)
            w->meddle(w->meddle_ctx, &k, &fate);
    }
    if (chance(w, w->faults.sctp_cut_ppm)) {
        endpoint_end(w, p, "cut");
        endpoint_end(w, peer, "cut");
        return OK;
    }
    while (fate.copies--) {
        struct event *e = endpoint_send_late(peer, w, EV_MESSAGE, octets, fate.delay_us);
        if (!e)
            return ERR_NOSPACE;
        e->stream = stream;
        e->ppid = ppid;
        bend(e, &fate);
    }
    return OK;
}

static void host_close(struct env *env, uint64_t assoc, bool abort)
{
    struct world *w = host_of(env)->world;
    struct endpoint *p = endpoint_get(w, assoc), *peer = p ? endpoint_get(w, p->peer_id) : NULL;
    if (peer)
        endpoint_end(w, peer, abort ? "aborted by the peer" : "closed by the peer");
    if (p)
        endpoint_drop(w, p);
}

static int host_udp_open(struct env *env, const struct net_addr *local, const struct udp_sink *sink)
{
    struct world *w = host_of(env)->world;
    for (int i = 0; i < SOCKETS_MAX; i++)
        if (w->sockets[i].host && addr_eq(&w->sockets[i].addr, local))
            return ERR_EXISTS;
    for (int i = 0; i < SOCKETS_MAX; i++)
        if (!w->sockets[i].host) {
            w->sockets[i] = (struct socket){host_of(env), *local, *sink};
            return i;
        }
    return ERR_FULL;
}

static int host_udp_send(struct env *env, int sock, const struct net_addr *to, struct bytes octets)
{
    struct world *w = host_of(env)->world;
    if (sock < 0 || sock >= SOCKETS_MAX || w->sockets[sock].host != host_of(env))
        return ERR_NOTFOUND; /* its host was killed, and is only being put away */
    struct world_packet k = {false, w->sockets[sock].addr, *to, w->now_us, 0, 0, octets};
    struct world_fate fate = {.copies = 1};
    if (w->watch)
        w->watch(w->watch_ctx, &k);
    if (w->meddle)
        w->meddle(w->meddle_ctx, &k, &fate);
    for (unsigned i = 0; i < SOCKETS_MAX; i++) {
        if (!w->sockets[i].host || !addr_eq(&w->sockets[i].addr, to))
            continue;
        unsigned copies = chance(w, w->faults.udp_loss_ppm) ? 0u : 1u + chance(w, w->faults.udp_double_ppm);
        for (copies *= fate.copies; copies; copies--) {
            struct event *e = event_new(w, EV_DATAGRAM, i, w->now_us + delay(w) + fate.delay_us, octets);
            if (e)
                e->from = w->sockets[sock].addr;
            bend(e, &fate);
        }
    }
    return OK;
}

static void host_udp_close(struct env *env, int sock)
{
    struct world *w = host_of(env)->world;
    if (sock >= 0 && sock < SOCKETS_MAX && w->sockets[sock].host == host_of(env)) /* it may be another's since */
        w->sockets[sock] = (struct socket){0};
}

/* ---- interfaces ---- */
static int tun_find(const struct world *w, const struct host *h, const char *netns, const char *name)
{
    for (uint32_t i = w->tuns_n; i-- > 0;) {
        const struct tun *t = &w->tuns[i];
        if (t->host == h && !strcmp(t->name, name) && (!netns || !strcmp(t->netns, netns)))
            return (int)i;
    }
    return ERR_NOTFOUND;
}

static int tuns_grow(struct world *w)
{
    uint32_t cap = w->tuns_cap ? w->tuns_cap * 2 : 16;
    struct tun *more = w->tuns_n < w->tuns_cap ? w->tuns : realloc(w->tuns, cap * sizeof *more);
    if (!more)
        return ERR_NOSPACE;
    if (w->tuns_n == w->tuns_cap)
        w->tuns_cap = cap;
    w->tuns = more;
    for (uint32_t i = 0; i < w->tuns_n; i++) { /* they have moved */
        w->tuns[i].config.name = w->tuns[i].name;
        w->tuns[i].config.netns = w->tuns[i].netns[0] ? w->tuns[i].netns : NULL;
    }
    return OK;
}

static int host_tun_open(struct env *env, const struct tun_config *c, const struct tun_sink *sink)
{
    struct world *w = host_of(env)->world;
    const char *netns = c->netns ? c->netns : "";
    if (!c->name || !c->name[0] || strlen(c->name) > 15 || strlen(netns) > 63)
        return ERR_CONFIG;
    if (tun_find(w, host_of(env), netns, c->name) >= 0)
        return ERR_EXISTS;
    if (tuns_grow(w) < 0)
        return ERR_NOSPACE;
    struct tun *t = &w->tuns[w->tuns_n];
    *t = (struct tun){.host = host_of(env), .config = *c, .sink = *sink};
    memcpy(t->name, c->name, strlen(c->name));
    memcpy(t->netns, netns, strlen(netns));
    t->config.name = t->name;
    t->config.netns = c->netns ? t->netns : NULL;
    return (int)w->tuns_n++;
}

static struct tun *tun_get(struct world *w, int tun)
{
    return tun >= 0 && (uint32_t)tun < w->tuns_n && w->tuns[tun].host ? &w->tuns[tun] : NULL;
}

/* Over the link where the application is beyond one. */
static int tun_event_new(struct world *w, int tun, enum event_kind kind, struct bytes packet)
{
    const struct tun *t = tun_get(w, tun);
    if (!t)
        return ERR_NOTFOUND;
    const struct app *a = app_of(w, t);
    bool far = a && a->is_far;
    if (far && chance(w, w->faults.udp_loss_ppm))
        return OK;
    uint64_t at = w->now_us + (far ? delay(w) : 0);
    return event_new(w, kind, (uint64_t)tun, at, packet) ? OK : ERR_NOSPACE;
}

static int host_tun_send(struct env *env, int tun, struct bytes packet)
{
    return tun_event_new(host_of(env)->world, tun, EV_TO_HOST, packet);
}
static void host_tun_close(struct env *env, int tun)
{
    struct tun *t = tun_get(host_of(env)->world, tun);
    if (t)
        t->host = NULL;
}

int world_inject(struct world *w, int tun, struct bytes packet)
{
    return tun_event_new(w, tun, EV_FROM_HOST, packet);
}
int world_tun(struct world *w, struct env *host, const char *netns, const char *name)
{
    return tun_find(w, host_of(host), netns, name);
}
const struct tun_config *world_tun_config(struct world *w, int tun)
{
    struct tun *t = tun_get(w, tun);
    return t ? &t->config : NULL;
}

int world_app(struct world *w, struct env *host, const char *name, bool is_far, world_app_fn *fn,
              void *ctx)
{
    struct app *a = w->apps;
    while (a && !(a->host == host_of(host) &&
                  (name && a->name ? !strcmp(a->name, name) : name == a->name)))
        a = a->next;
    if (!a) {
        a = calloc(1, sizeof *a);
        if (!a)
            return ERR_NOSPACE;
        a->next = w->apps;
        w->apps = a;
    }
    *a = (struct app){host_of(host), name, is_far, fn, ctx, a->next};
    return OK;
}

static const struct env_ops host_ops = {
    .now_us = host_now, .unix_us = host_unix, .random = host_random,
    .sctp_listen = host_listen, .sctp_connect = host_connect, .sctp_send = host_send,
    .sctp_close = host_close,
    .udp_open = host_udp_open, .udp_send = host_udp_send, .udp_close = host_udp_close,
    .tun_open = host_tun_open, .tun_send = host_tun_send, .tun_close = host_tun_close,
};

/* ---- the world ---- */
struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->now_us = START_US;
    w->random = seed;
    w->faults = (struct world_faults){.delay_min_us = 50, .delay_max_us = 250};
    list_init(&w->events);
    map_init(&w->endpoints, world_random(w), world_random(w));
    return w;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    for (struct link *l; (l = list_pop(&w->events));)
        event_free(CONTAINER(l, struct event, link));
    uint32_t i = 0;
    for (struct endpoint *p; (p = map_next(&w->endpoints, &i));)
        free(p);
    map_free(&w->endpoints);
    timers_free(&w->timers);
    free(w->tuns);
    for (struct app *a = w->apps, *next; a; a = next) {
        next = a->next;
        free(a);
    }
    for (struct host *h = w->hosts, *next; h; h = next) {
        next = h->next;
        free(h);
    }
    free(w);
}

void world_step_clock(struct world *w, struct env *host, int64_t by_us)
{
    host_of(host)->stepped_us += (uint64_t)by_us;
}
void world_set_faults(struct world *w, const struct world_faults *f) { w->faults = *f; }

struct env *world_host(struct world *w, const char *name, const struct net_addr *addr)
{
    struct host *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    *h = (struct host){.env = {&host_ops}, .world = w, .name = name, .addr = *addr,
                       .next_us = UINT64_MAX, .next = w->hosts};
    w->hosts = h;
    return &h->env;
}

void world_attach(struct world *w, struct env *host, struct rt *rt)
{
    host_of(host)->rt = rt;
    host_of(host)->next_us = rt ? w->now_us : UINT64_MAX;
}

bool world_run(struct world *w, uint64_t for_us)
{
    uint64_t until = w->now_us + for_us;
    for (;;) {
        uint64_t next = timers_next_us(&w->timers);
        struct host *due = NULL;
        for (struct host *h = w->hosts; h; h = h->next)
            if (h->rt && h->next_us < next) {
                next = h->next_us;
                due = h;
            }
        if (next > until) {
            w->now_us = until;
            return next == UINT64_MAX;
        }
        if (next > w->now_us)
            w->now_us = next;
        if (due)
            host_turn(due);
        else
            timers_run(&w->timers, w->now_us);
    }
}

void world_cut_all(struct world *w, struct env *host)
{
    uint32_t i = 0;
    for (struct endpoint *p; (p = map_next(&w->endpoints, &i));) {
        struct endpoint *peer = endpoint_get(w, p->peer_id);
        if (p->host == host_of(host)) {
            endpoint_end(w, p, "cut");
            if (peer)
                endpoint_end(w, peer, "cut");
        }
    }
}

void world_kill(struct world *w, struct env *host)
{
    struct host *h = host_of(host);
    world_attach(w, host, NULL);
    h->is_listening = false;
    for (unsigned i = 0; i < SOCKETS_MAX; i++)
        if (w->sockets[i].host == h)
            w->sockets[i] = (struct socket){0};
    for (uint32_t i = 0; i < w->tuns_n; i++)
        if (w->tuns[i].host == h)
            w->tuns[i].host = NULL;
    uint32_t i = 0;
    for (struct endpoint *p; (p = map_next(&w->endpoints, &i));)
        if (p->host == h)
            host_close(host, p->id, true);
}

uint32_t world_associations(const struct world *w) { return map_count(&w->endpoints); }
