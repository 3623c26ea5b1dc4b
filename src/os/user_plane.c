/* SPDX-License-Identifier: Apache-2.0 */
/* user_plane.c - packets between N3 sockets and N6 interfaces, in batches; commands and events pass
 * through rings, with an eventfd on either side to wake who sleeps. What does not fit in a ring
 * waits in a list of its writer: neither a command nor an event that answers one is lost.
 *
 * The packet path belongs to whoever holds `lock`: its thread, except while that sleeps. So the
 * runtime carries out its commands itself when no packet is being worked on, and nobody is woken;
 * it never waits for the lock: otherwise the thread takes the commands. */
#include "os/user_plane.h"
#include "os/user_plane_xdp.h"
#include "base/log.h"
#include "dp/ring.h"
#include "os/file.h"
#include "os/n3_socket.h"
#include "os/n6_table.h"
#include "os/n6_tun.h"
#include "os/netns.h"
#include "os/sandbox.h"
#include "os/sock.h"
#include "os/tun.h"
#include "os/xdp.h"
#include "rt/config.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    N3_SOCKETS = 2,
    COMMANDS = 1024,
    COMMANDS_TURN = 256, /* carried out at a time; then packets have their turn, and the kernel its sessions */
    EVENTS = 4096,
    WAITING_EVENTS_MAX = 65536,
    FDS = N3_SOCKETS + DP_INSTANCES + 1,
};

struct waiting_command {
    struct link link;
    struct dp_command c;
};
struct waiting_event {
    struct link link;
    struct dp_event_item item;
};
struct n3 {
    int fd; /* -1: none */
    uint8_t family;
};
struct portable {
    struct user_plane base;
    struct rt *rt;
    struct loop *loop;
    struct config_upf config;
    char netns[64];
    bool has_netns;
    /* the runtime's side */
    struct loop_watch watch;
    struct loop_flush flush;
    struct link commands_waiting;
    bool thread_runs;
    bool has_table[DP_INSTANCES];
    pthread_t thread;
    /* between the two */
    pthread_mutex_t lock;
    struct ring commands, events; /* read, or written, by whoever holds the lock */
    int to_path, to_runtime; /* eventfds */
    _Atomic bool stop, starving, thread_waits; /* thread_waits: for the lock */
    _Atomic uint64_t counters[DP_COUNTERS];
    _Atomic uint64_t events_lost;
    /* the packet path's side, under the lock */
    uint64_t wakes_us; /* when the thread comes back by itself */
    struct dp *dp;
    struct fast_path *fast; /* NULL: none */
    int epoll;
    struct n3 n3[N3_SOCKETS];
    struct n6_tun n6[DP_INSTANCES];
    struct link events_waiting;
    uint32_t events_waiting_n;
    bool events_new;
    struct n3_io *n3_io;
    struct n6_io *n6_io;
    uint16_t reading; /* the instance */
};
static struct portable *portable(struct user_plane *u)
{
    return (struct portable *)u;
}

static void poke(int fd)
{
    uint64_t one = 1;
    /* the counter being full means that a wake-up is pending */
    if (write(fd, &one, sizeof one) < 0)
        return;
}
static void unpoke(int fd)
{
    uint64_t n;
    if (read(fd, &n, sizeof n) < 0)
        return;
}

/* ---- the runtime's side ---- */
static void event(void *ctx, const struct dp_event *e);
static bool events_push(struct portable *p);
static void counters_show(struct portable *p);

static uint64_t next_us(const struct portable *p)
{
    uint64_t dp = dp_next_us(p->dp), fast = p->fast ? fast_path_next_us(p->fast) : UINT64_MAX;
    return dp < fast ? dp : fast;
}

/* Under the lock. True: there may be more. Who writes them may be as quick as this is: it does not wait for their end. */
static bool commands_run(struct portable *p)
{
    struct dp_command c;
    unsigned n = 0;
    while (n < COMMANDS_TURN && ring_pop(&p->commands, &c)) {
        user_plane_run(p->dp, loop_now_us(), &c, event, p);
        n++;
    }
    return n == COMMANDS_TURN;
}

static void events_take(struct portable *p)
{
    struct dp_event_item item;
    for (unsigned i = 0; i < EVENTS && ring_pop(&p->events, &item); i++)
        if (p->base.sink.event)
            p->base.sink.event(p->base.sink.ctx, dp_event_unpack(&item));
}

static void commands_push(struct portable *p)
{
    while (!list_empty(&p->commands_waiting)) {
        struct waiting_command *w =
            CONTAINER(p->commands_waiting.next, struct waiting_command, link);
        if (!ring_push(&p->commands, &w->c))
            return;
        list_remove(&w->link);
        free(w);
    }
}

static void commands_flush(void *ctx)
{
    struct portable *p = ctx;
    commands_push(p);
    if (pthread_mutex_trylock(&p->lock) != 0) {
        if (!list_empty(&p->commands_waiting))
            atomic_store(&p->starving, true); /* it wakes us when there is room again */
        poke(p->to_path);
        return;
    }
    bool more = true;
    while (more && !atomic_load(&p->thread_waits)) { /* it takes the rest, and packets in between */
        more = commands_run(p);
        commands_push(p);
        if (p->fast)
            fast_path_settle(p->fast, loop_now_us(), false);
    }
    if (!list_empty(&p->commands_waiting))
        atomic_store(&p->starving, true);
    counters_show(p);
    events_push(p);
    bool wanted = more || next_us(p) < p->wakes_us || !list_empty(&p->events_waiting);
    pthread_mutex_unlock(&p->lock);
    if (wanted)
        poke(p->to_path);
    events_take(p);
}

static int command(struct user_plane *u, const struct dp_command *c)
{
    struct portable *p = portable(u);
    if (!list_empty(&p->commands_waiting) || !ring_push(&p->commands, c)) {
        struct waiting_command *w = malloc(sizeof *w);
        if (!w)
            return ERR_NOSPACE;
        w->link = (struct link){NULL, NULL};
        w->c = *c;
        list_append(&p->commands_waiting, &w->link);
    }
    loop_flush_soon(p->loop, &p->flush);
    return OK;
}

static void counters(struct user_plane *u, uint64_t to[DP_COUNTERS])
{
    struct portable *p = portable(u);
    /* what the kernel handles wakes nobody; whoever holds the lock shows them in a moment */
    if (p->fast && pthread_mutex_trylock(&p->lock) == 0) {
        counters_show(p);
        pthread_mutex_unlock(&p->lock);
    }
    for (unsigned i = 0; i < DP_COUNTERS; i++)
        to[i] = atomic_load_explicit(&p->counters[i], memory_order_relaxed);
    u->events_lost = atomic_load_explicit(&p->events_lost, memory_order_relaxed);
}

static void runtime_woken(void *ctx, uint32_t events)
{
    struct portable *p = ctx;
    (void)events;
    unpoke(p->to_runtime);
    events_take(p);
    if (!list_empty(&p->commands_waiting))
        loop_flush_soon(p->loop, &p->flush);
}

/* ---- events, from the packet path ---- */
static void event(void *ctx, const struct dp_event *e)
{
    struct portable *p = ctx;
    struct dp_event_item item;
    dp_event_pack(&item, e);
    p->events_new = true;
    if (list_empty(&p->events_waiting) && ring_push(&p->events, &item))
        return;
    struct waiting_event *w = p->events_waiting_n < WAITING_EVENTS_MAX || e->kind == DP_EVENT_DONE
                                  ? malloc(sizeof *w)
                                  : NULL;
    if (!w) {
        atomic_fetch_add_explicit(&p->events_lost, 1, memory_order_relaxed);
        return;
    }
    w->link = (struct link){NULL, NULL};
    w->item = item;
    list_append(&p->events_waiting, &w->link);
    p->events_waiting_n++;
}

/* Whether there are new ones for the runtime. */
static bool events_push(struct portable *p)
{
    bool any = p->events_new;
    while (!list_empty(&p->events_waiting)) {
        struct waiting_event *w = CONTAINER(p->events_waiting.next, struct waiting_event, link);
        if (!ring_push(&p->events, &w->item))
            break;
        list_remove(&w->link);
        free(w);
        p->events_waiting_n--;
        any = true;
        p->events_new = true; /* the runtime emptied the ring and may sleep by now */
    }
    p->events_new = false;
    return any;
}

/* ---- packets ---- */
static void to_access(void *ctx, const struct dp_datagram *d, unsigned n)
{
    struct portable *p = ctx;
    for (unsigned at = 0; at < n;) {
        unsigned k = at + 1;
        while (k < n && d[k].peer.family == d[at].peer.family)
            k++;
        for (unsigned s = 0; s < N3_SOCKETS; s++)
            if (p->n3[s].fd >= 0 && p->n3[s].family == d[at].peer.family)
                n3_send(p->n3_io, p->n3[s].fd, d + at, k - at);
        at = k;
    }
}
static void to_core(void *ctx, uint16_t instance, const struct dp_packet *k, unsigned n)
{
    struct portable *p = ctx;
    if (p->n6[instance].fd >= 0)
        n6_write(p->n6_io, &p->n6[instance], k, n);
}
static void from_access(void *ctx, const struct dp_datagram *d, unsigned n)
{
    struct portable *p = ctx;
    dp_access_input(p->dp, loop_now_us(), d, n);
}
static void from_core(void *ctx, const struct dp_packet *k, unsigned n)
{
    struct portable *p = ctx;
    dp_core_input(p->dp, loop_now_us(), p->reading, k, n);
}
static void n6_readable(struct portable *p, uint16_t instance)
{
    p->reading = instance;
    n6_read(p->n6_io, &p->n6[instance], from_core, p);
}

/* ---- the thread ---- */
/* Until the next timer of the packet path; what is due has been done. */
static int due_run(struct portable *p, bool idle)
{
    uint64_t due = dp_next_us(p->dp), now = loop_now_us();
    if (due <= now) {
        dp_tick(p->dp, now);
    }
    if (p->fast)
        fast_path_settle(p->fast, now, idle);
    due = next_us(p);
    if (!list_empty(&p->events_waiting))
        return 1;
    if (due == UINT64_MAX)
        return -1;
    return due <= now ? 0 : (int)((due - now + 999) / 1000);
}

static void counters_show(struct portable *p)
{
    uint64_t c[DP_COUNTERS];
    memcpy(c, dp_counters(p->dp), sizeof c);
    if (p->fast)
        fast_path_counters(p->fast, c);
    for (unsigned i = 0; i < DP_COUNTERS; i++)
        atomic_store_explicit(&p->counters[i], c[i], memory_order_relaxed);
}

static void *thread_run(void *ctx)
{
    struct portable *p = ctx;
    struct epoll_event e[FDS];
    int wait_ms = -1;
    while (!atomic_load_explicit(&p->stop, memory_order_acquire)) {
        int n = epoll_wait(p->epoll, e, FDS, wait_ms);
        atomic_store(&p->thread_waits, true);
        pthread_mutex_lock(&p->lock);
        atomic_store(&p->thread_waits, false);
        for (int i = 0; i < n; i++)
            if (e[i].data.u32 == FDS)
                unpoke(p->to_path);
        bool more = commands_run(p); /* before packets */
        if (atomic_exchange(&p->starving, false))
            p->events_new = true;
        bool idle = true;
        for (int i = 0; i < n; i++) {
            uint32_t what = e[i].data.u32;
            if (what < N3_SOCKETS)
                n3_receive(p->n3_io, p->n3[what].fd, from_access, p);
            else if (what < N3_SOCKETS + DP_INSTANCES)
                n6_readable(p, (uint16_t)(what - N3_SOCKETS));
            idle &= what == FDS;
        }
        wait_ms = due_run(p, idle);
        if (more)
            wait_ms = 0;
        p->wakes_us = next_us(p);
        counters_show(p);
        bool news = events_push(p);
        pthread_mutex_unlock(&p->lock);
        if (news)
            poke(p->to_runtime);
    }
    return NULL;
}

/* ---- life ---- */
static void portable_close(struct user_plane *u)
{
    struct portable *p = portable(u);
    if (p->thread_runs) {
        commands_flush(p);
        atomic_store_explicit(&p->stop, true, memory_order_release);
        poke(p->to_path);
        pthread_join(p->thread, NULL);
    }
    loop_unwatch(&p->watch);
    loop_flush_cancel(&p->flush);
    for (unsigned i = 0; i < N3_SOCKETS; i++)
        if (p->n3[i].fd >= 0)
            close(p->n3[i].fd);
    for (unsigned i = 0; i < DP_INSTANCES; i++) {
        if (p->has_table[i] && !p->base.leave_tables)
            n6_table_stop(p->has_netns ? p->netns : NULL, p->config.n6[i].tun.p);
        if (p->n6[i].fd >= 0)
            close(p->n6[i].fd);
    }
    if (p->epoll >= 0)
        close(p->epoll);
    if (p->to_path >= 0)
        close(p->to_path);
    if (p->to_runtime >= 0)
        close(p->to_runtime);
    struct dp_command c;
    while (p->commands.items && ring_pop(&p->commands, &c))
        if (c.kind == DP_PUT)
            dp_rules_free(c.rules);
    for (struct link *l; (l = list_pop(&p->commands_waiting));) {
        struct waiting_command *w = CONTAINER(l, struct waiting_command, link);
        if (w->c.kind == DP_PUT)
            dp_rules_free(w->c.rules);
        free(w);
    }
    for (struct link *l; (l = list_pop(&p->events_waiting));)
        free(CONTAINER(l, struct waiting_event, link));
    ring_free(&p->commands);
    ring_free(&p->events);
    fast_path_close(p->fast);
    dp_free(p->dp);
    pthread_mutex_destroy(&p->lock);
    n3_io_free(p->n3_io);
    n6_io_free(p->n6_io);
    if (p->rt->user_plane == u)
        p->rt->user_plane = NULL;
    free(p);
}
static void text(struct user_plane *u, char *out, size_t cap)
{
    struct portable *p = portable(u);
    pthread_mutex_lock(&p->lock);
    if (p->fast)
        fast_path_text(p->fast, out, cap);
    else
        snprintf(out, cap, "portable");
    pthread_mutex_unlock(&p->lock);
}
static const struct user_plane_ops ops = {command, counters, portable_close, text};

static int socket_open(void *ctx)
{
    return n3_socket_open(ctx);
}

static int refused(char *why, int rc, const char *what, const char *name)
{
    if (why)
        snprintf(why, USER_PLANE_WHY, "%s %s: %s", what, name, err_text(rc));
    return rc;
}

static int watch(struct portable *p, int fd, uint32_t what)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = what};
    return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? ERR_IO : OK;
}

static int n3_open(struct portable *p, char *why)
{
    for (uint32_t i = 0; i < p->config.n_n3_addresses && i < N3_SOCKETS; i++) {
        struct net_addr a = p->config.n3_addresses[i];
        char text[NET_ADDR_TEXT];
        a.port = DP_GTPU_PORT;
        int fd = netns_run(p->has_netns ? p->netns : NULL, socket_open, &a);
        if (fd < 0)
            return refused(why, fd, "N3 address", addr_text(&a, text));
        p->n3[i] = (struct n3){fd, a.family};
        if (watch(p, fd, i) < 0)
            return refused(why, ERR_IO, "N3 address", addr_text(&a, text));
    }
    return OK;
}

/* Without it the network works, for phones that are trusted and data networks that route their
 * addresses back: warned of, not refused. */
static void table_open(struct portable *p, uint32_t i)
{
    const struct config_n6 *n6 = &p->config.n6[i];
    char why[USER_PLANE_WHY] = "";
    struct n6_table t = {.netns = p->has_netns ? p->netns : NULL, .interface = n6->tun.p,
                         .nat = n6->nat, .prefix4 = n6->ipv4.addr, .prefix6 = n6->ipv6.addr,
                         .bits4 = n6->ipv4.length, .bits6 = n6->ipv6.length};
    int rc = n6_table_start(&t, why, sizeof why);
    const char *text = rc == ERR_UNSUPPORTED ? "the program nft is not installed" : why;
    p->has_table[i] = rc == OK;
    if (rc == OK)
        return;
    LOG(p->rt->log, n6_unguarded, "dnn=%s interface=%s why=%s", n6->dnn.p, n6->tun.p, text);
    if (n6->nat)
        LOG(p->rt->log, n6_without_nat, "dnn=%s interface=%s why=%s", n6->dnn.p, n6->tun.p, text);
}

static int n6_open(struct portable *p, char *why)
{
    const char *netns = p->has_netns ? p->netns : NULL;
    int rc = netns_forwarding(netns, true);
    if (rc < 0)
        return refused(why, rc, "forwarding of", "IP packets");
    for (uint32_t i = 0; i < p->config.n_n6; i++) {
        const struct config_n6 *n6 = &p->config.n6[i];
        if (!n6->tun.n) /* a 5G LAN: nothing leaves it */
            continue;
        struct tun_spec spec = {.name = n6->tun.p, .netns = netns, .mtu = p->base.config.inner_mtu, .offload = true};
        if (n6->create) {
            spec.addr4 = n6->ipv4.addr;
            spec.addr6 = n6->ipv6.addr;
            spec.prefix4 = n6->ipv4.length;
            spec.prefix6 = n6->ipv6.length;
        }
        int fd;
        rc = n6->create ? tun_create(&spec, &fd) : tun_attach(n6->tun.p, netns, true, &fd);
        if (rc == OK) {
            n6_tun_start(&p->n6[i], fd);
            rc = watch(p, fd, N3_SOCKETS + i);
        }
        if (rc < 0)
            return refused(why, rc, "N6 interface", n6->tun.p);
        table_open(p, i);
        LOG(p->rt->log, upf_interface_up, "dnn=%s interface=%s nat=%s", n6->dnn.p, n6->tun.p,
            p->has_table[i] && n6->nat ? "yes" : "no");
    }
    return OK;
}

static int memory_take(struct portable *p)
{
    /* what comes in fragments can be longer than the link */
    p->n3_io = n3_io_new(p->config.n3_mtu);
    p->n6_io = n6_io_new(p->config.n3_mtu > 2048 ? p->config.n3_mtu : 2048);
    bool none = !p->n3_io || !p->n6_io || ring_init(&p->commands, sizeof(struct dp_command), COMMANDS) ||
                ring_init(&p->events, sizeof(struct dp_event_item), EVENTS);
    return none ? ERR_NOSPACE : OK;
}

static int path_open(struct portable *p, const struct config *config)
{
    int rc = user_plane_config(config, &p->base.config);
    if (rc == OK)
        rc = memory_take(p);
    if (rc < 0)
        return rc;
    env_random(p->rt->env, &p->base.config.secret0, sizeof p->base.config.secret0);
    env_random(p->rt->env, &p->base.config.secret1, sizeof p->base.config.secret1);
    p->dp = dp_new(&p->base.config, &(struct dp_io){p, to_access, to_core, event});
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->to_path = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->to_runtime = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!p->dp)
        return ERR_NOSPACE;
    if (p->epoll < 0 || p->to_path < 0 || p->to_runtime < 0 || watch(p, p->to_path, FDS) < 0)
        return ERR_IO;
    return loop_watch(p->loop, &p->watch, p->to_runtime, EPOLLIN, runtime_woken, p);
}

static int thread_start(struct portable *p)
{
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, sandbox_signal());
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int e = pthread_create(&p->thread, NULL, thread_run, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    p->thread_runs = e == 0;
    return e ? ERR_NOSPACE : OK;
}

static int fast_open(struct portable *p, char *why)
{
    char reason[USER_PLANE_WHY] = "";
    struct fast_path_options o = {p->rt, &p->config, p->dp, &p->base.config, p->has_netns ? p->netns : NULL};
    if (p->config.data_path == CONFIG_DATA_PATH_PORTABLE) {
        if (p->config.pin.n) /* one that was killed may have left programs at work */
            xdp_unpin(p->config.pin.p);
        return OK;
    }
    int rc = fast_path_open(&p->fast, &o, reason);
    if (rc == OK)
        return OK;
    if (p->config.data_path == CONFIG_DATA_PATH_AUTO) {
        LOG(p->rt->log, upf_xdp_refused, "why=%s", reason[0] ? reason : err_text(rc));
        if (p->config.pin.n)
            xdp_unpin(p->config.pin.p);
        return OK;
    }
    if (why)
        str_copy(why, USER_PLANE_WHY, str_of(reason[0] ? reason : err_text(rc)));
    return rc;
}

int user_plane_open(struct user_plane **out, struct loop *loop, struct rt *rt,
                             const struct config *config, const char *netns, char *why)
{
    struct portable *p = calloc(1, sizeof *p);
    if (why)
        why[0] = 0;
    if (!p)
        return refused(why, ERR_NOSPACE, "memory of", "the user plane");
    *p = (struct portable){.base.ops = &ops, .rt = rt, .loop = loop, .config = config->upf,
                           .epoll = -1, .to_path = -1, .to_runtime = -1};
    pthread_mutex_init(&p->lock, NULL);
    p->wakes_us = UINT64_MAX;
    p->flush = (struct loop_flush){.fn = commands_flush, .ctx = p};
    list_init(&p->commands_waiting);
    list_init(&p->events_waiting);
    p->n3[0].fd = p->n3[1].fd = -1;
    for (unsigned i = 0; i < DP_INSTANCES; i++)
        p->n6[i].fd = -1;
    int rc = netns && !str_copy(p->netns, sizeof p->netns, str_of(netns)) ? ERR_CONFIG : OK;
    p->has_netns = netns != NULL;
    if (rc == OK)
        rc = path_open(p, config);
    if (rc < 0)
        refused(why, rc, "the packet path", "cannot start");
    if (rc == OK)
        rc = n3_open(p, why);
    if (rc == OK)
        rc = n6_open(p, why);
    if (rc == OK)
        rc = fast_open(p, why);
    if (rc == OK && (rc = thread_start(p)) < 0)
        refused(why, rc, "a thread for", "packets");
    if (rc < 0) {
        portable_close(&p->base);
        return rc;
    }
    rt->user_plane = &p->base;
    *out = &p->base;
    return OK;
}
