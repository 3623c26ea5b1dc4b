/* SPDX-License-Identifier: Apache-2.0 */
/* SCTP by libusrsctp without its threads: packets come from raw sockets that this loop watches, its
 * timers are turned by a timerfd, and so a request costs one wake-up and no lock is ever waited
 * for.
 *
 * libusrsctp keeps its state in globals and calls back with no context of ours. What is global
 * because of that is confined to this file: `the_library`, which finds our instance by the address
 * it was given. All instances of a process must live on one thread (libusrsctp would run one's
 * timers on the other's); ERR_STATE otherwise. */
#include "os/sctp_raw.h"
#include "os/file.h"
#include "os/sock.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <usrsctp.h>

enum {
    INSTANCES = 15,
    LISTENERS = 32,
    TICK_BUSY_US = 10000,
    TICK_IDLE_US = 100000,
    BUSY_FOR_US = 1000000,
    LINGER_US = 10000000
};

struct user;
static struct {
    pthread_mutex_t lock;
    bool ready;
    uint32_t n;
    pthread_t thread;
    uint64_t ticked_us;
    struct user *instances[INSTANCES];
} the_library = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum assoc_state { ASSOC_CONNECTING, ASSOC_UP };
struct assoc {
    struct link ready;
    struct user *user;
    struct socket *so;
    struct sctp_sink sink;
    enum assoc_state state;
    bool is_new; /* accepted: up() is still to be called */
    bool pins;   /* the peer, below */
    uint16_t streams;
    uint32_t endpoint, peer;
    bool owns_endpoint; /* outgoing */
    uint8_t *part;      /* of a message that comes in pieces; NULL mostly */
    uint32_t part_n;
};
struct listener {
    struct link ready;
    struct user *user;
    struct socket *so;
    struct sctp_sink sink;
    uint32_t endpoint;
};
struct user {
    struct sctp base;
    struct sctp_conf conf;
    struct loop *loop;
    struct loop_watch timer;
    struct loop_flush flush;
    struct raw raw;
    struct slab assocs;
    struct listener listeners[LISTENERS];
    uint32_t n_listeners;
    struct link ready, ready_listeners;
    uint64_t busy_until_us;
    struct cpu_meter meter;
    bool ticking_fast, draining;
    uint64_t swept_us;
    uint8_t *rx; /* one message */
};
static const struct sctp_ops user_ops;

/* ---- between libusrsctp and the wire ---- */
static void *address_of(uint8_t instance)
{
    return (void *)(uintptr_t)(0x1000u + instance);
}

static int output(void *addr, void *packet, size_t n, uint8_t tos, uint8_t set_df)
{
    uintptr_t instance = (uintptr_t)addr - 0x1000u;
    struct user *u = instance < INSTANCES ? the_library.instances[instance] : NULL;
    return u ? raw_output(&u->raw, packet, n) : EHOSTUNREACH;
}
static void input(void *ctx, uint8_t *packet, uint32_t n)
{
    struct user *u = ctx;
    usrsctp_conninput(address_of(u->raw.instance), packet, n, 0);
}

/* Upcalls only note who has something: what follows runs outside libusrsctp. */
static void assoc_woken(struct socket *so, void *arg, int flags)
{
    struct assoc *a = arg;
    if (a->so == so && !link_is_on(&a->ready))
        list_append(&a->user->ready, &a->ready);
}
static void listener_woken(struct socket *so, void *arg, int flags)
{
    struct listener *l = arg;
    if (!link_is_on(&l->ready))
        list_append(&l->user->ready_listeners, &l->ready);
}

static uint64_t assoc_id(const struct user *u, const struct assoc *a)
{
    struct ref r = slab_ref(&u->assocs, a);
    return (uint64_t)r.gen << 32 | r.i;
}
static struct assoc *assoc_get(const struct user *u, uint64_t id)
{
    return slab_get(&u->assocs, (struct ref){(uint32_t)id, (uint32_t)(id >> 32)});
}

static void tick_set(struct user *u, bool fast)
{
    uint64_t us = fast ? TICK_BUSY_US : TICK_IDLE_US;
    struct itimerspec t = {.it_value = {0, (long)us * 1000}, .it_interval = {0, (long)us * 1000}};
    u->ticking_fast = fast;
    timerfd_settime(u->timer.fd, 0, &t, NULL);
}
static void busy(struct user *u)
{
    if (!u->ticking_fast) {
        u->busy_until_us = loop_now_us() + BUSY_FOR_US;
        tick_set(u, true);
    }
}

/* ---- sockets ---- */
static int socket_options(struct user *u, struct socket *so, uint16_t streams)
{
    const struct sctp_conf *c = &u->conf;
    int on = 1, size = (int)c->send_queue, rcv = (int)(c->max_message * 2), zero = 0;
    uint32_t point = c->max_message;
    struct sctp_initmsg init = {streams, streams, c->init_retrans, (uint16_t)c->rto_max_ms};
    struct sctp_rtoinfo rto = {0, c->rto_initial_ms, c->rto_max_ms, c->rto_min_ms};
    struct sctp_assocparams ap = {.sasoc_asocmaxrxt = c->assoc_retrans};
    struct sctp_sack_info sack = {0, c->sack_delay_ms, c->sack_delay_ms ? 2 : 1};
    struct sctp_paddrparams path = {.spp_hbinterval = c->heartbeat_ms,
                                    .spp_pathmtu = c->path_mtu - 40u,
                                    .spp_flags = SPP_HB_ENABLE | SPP_PMTUD_DISABLE,
                                    .spp_pathmaxrxt = c->assoc_retrans};
    struct sctp_event ev = {SCTP_FUTURE_ASSOC, SCTP_ASSOC_CHANGE, 1};
    const struct {
        int level, name;
        const void *value;
        socklen_t n;
    } options[] = {
        {SOL_SOCKET, SO_SNDBUF, &size, sizeof size},
        {SOL_SOCKET, SO_RCVBUF, &rcv, sizeof rcv},
        {IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on},
        {IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init},
        {IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto},
        {IPPROTO_SCTP, SCTP_ASSOCINFO, &ap, sizeof ap},
        {IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof sack},
        {IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path},
        {IPPROTO_SCTP, SCTP_EVENT, &ev, sizeof ev},
        {IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on},
        {IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, &zero, sizeof zero},
        {IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, &point, sizeof point},
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (usrsctp_setsockopt(so, options[i].level, options[i].name, options[i].value,
                               options[i].n) < 0)
            return ERR_IO;
    return usrsctp_set_non_blocking(so, 1) < 0 ? ERR_IO : OK;
}

static int socket_bound(struct user *u, const struct sctp_local *l, uint32_t endpoint,
                        struct socket **out)
{
    struct socket *so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (!so)
        return ERR_FULL;
    struct sockaddr_conn any = {.sconn_family = AF_CONN,
                                .sconn_port = htons(raw_port(&u->raw, endpoint))};
    int rc = socket_options(u, so, l && l->streams ? l->streams : 16);
    if (rc == OK && usrsctp_bind(so, (struct sockaddr *)&any, sizeof any) < 0)
        rc = err_from_errno(errno);
    if (rc < 0) {
        usrsctp_close(so);
        return rc;
    }
    *out = so;
    return OK;
}

static int user_listen(struct sctp *s, const struct sctp_local *l, const struct sctp_sink *sink)
{
    struct user *u = (struct user *)s;
    struct net_addr any = {.family = 4};
    struct sctp_local some = l ? *l : (struct sctp_local){0};
    if (!some.n_addrs) {
        some.addrs = &any;
        some.n_addrs = 1;
    }
    if (u->n_listeners == LISTENERS)
        return ERR_FULL;
    int e = raw_endpoint_open(&u->raw, &some);
    if (e < 0)
        return e;
    struct listener *n = &u->listeners[u->n_listeners];
    *n = (struct listener){.user = u, .sink = *sink, .endpoint = (uint32_t)e};
    meter_enter(&u->meter);
    int rc = socket_bound(u, &some, (uint32_t)e, &n->so);
    if (rc == OK && usrsctp_listen(n->so, 256) < 0) {
        usrsctp_close(n->so);
        rc = ERR_IO;
    }
    meter_leave(&u->meter);
    if (rc < 0) {
        raw_endpoint_close(&u->raw, (uint32_t)e, 0);
        return rc;
    }
    usrsctp_set_upcall(n->so, listener_woken, n);
    u->n_listeners++;
    return OK;
}

/* The address from which the kernel would speak to the peer. */
static int local_towards(const struct net_addr *peer, struct net_addr *local)
{
    union sock_addr s;
    socklen_t len = sock_from_addr(&s, peer);
    int fd = len ? socket(s.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1, rc = OK;
    if (fd < 0)
        return ERR_RANGE;
    if (connect(fd, &s.sa, len) < 0 || (len = sizeof s, getsockname(fd, &s.sa, &len) < 0))
        rc = ERR_NOTFOUND;
    close(fd);
    *local = sock_to_addr(&s.sa);
    return rc;
}

static void assoc_drop(struct user *u, struct assoc *a, bool abort)
{
    list_remove(&a->ready);
    if (a->so) {
        struct linger now = {1, 0};
        meter_enter(&u->meter);
        usrsctp_set_upcall(a->so, NULL, NULL);
        if (abort)
            usrsctp_setsockopt(a->so, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        usrsctp_close(a->so);
        meter_leave(&u->meter);
    }
    if (a->pins)
        raw_peer_unpin(&u->raw, a->peer);
    if (a->owns_endpoint)
        raw_endpoint_close(&u->raw, a->endpoint, LINGER_US);
    free(a->part);
    slab_drop(&u->assocs, a);
    busy(u);
}

static int user_connect(struct sctp *s, const struct sctp_local *l, const struct net_addr *peers,
                        uint32_t n, const struct sctp_sink *sink, uint64_t *id)
{
    struct user *u = (struct user *)s;
    struct net_addr chosen;
    struct sctp_local local = l ? *l : (struct sctp_local){0};
    if (n == 0 || n > RAW_PATHS)
        return ERR_RANGE;
    if (!local.n_addrs || addr_is_any(&local.addrs[0])) {
        int found = local_towards(&peers[0], &chosen);
        if (found < 0)
            return found;
        chosen.port = local.n_addrs ? local.addrs[0].port : 0;
        local.addrs = &chosen;
        local.n_addrs = 1;
    }
    struct assoc *a = slab_new(&u->assocs);
    if (!a)
        return ERR_FULL;
    *a = (struct assoc){.user = u, .sink = *sink};
    int rc = raw_endpoint_open(&u->raw, &local);
    if (rc >= 0) {
        a->endpoint = (uint32_t)rc;
        a->owns_endpoint = true;
        rc = raw_connect(&u->raw, a->endpoint, peers, n);
    }
    if (rc >= 0) {
        a->peer = (uint32_t)rc;
        a->pins = true;
        rc = socket_bound(u, &local, a->endpoint, &a->so);
    }
    if (rc == OK) {
        struct sockaddr_conn to = {.sconn_family = AF_CONN,
                                   .sconn_port = htons(raw_peer_port(a->peer)),
                                   .sconn_addr = address_of(u->raw.instance)};
        usrsctp_set_upcall(a->so, assoc_woken, a);
        meter_enter(&u->meter);
        if (usrsctp_connect(a->so, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
            rc = err_from_errno(errno);
        meter_leave(&u->meter);
    }
    if (rc < 0) {
        assoc_drop(u, a, true);
        return rc;
    }
    *id = assoc_id(u, a);
    busy(u);
    return OK;
}

static int user_send(struct sctp *s, uint64_t id, uint16_t stream, uint32_t ppid, struct bytes m)
{
    struct user *u = (struct user *)s;
    struct assoc *a = assoc_get(u, id);
    if (!a)
        return ERR_NOTFOUND;
    if (a->state != ASSOC_UP)
        return ERR_STATE;
    if (stream >= a->streams || m.n == 0 || m.n > u->conf.max_message)
        return ERR_RANGE;
    struct sctp_sndinfo info = {.snd_sid = stream, .snd_ppid = htonl(ppid)};
    meter_enter(&u->meter);
    ssize_t n = usrsctp_sendv(a->so, m.p, m.n, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0);
    int e = errno;
    meter_leave(&u->meter);
    busy(u);
    if (n >= 0) {
        u->base.counts.tx_messages++;
        return OK;
    }
    if (e == EAGAIN || e == ENOBUFS || e == ENOMEM) {
        u->base.counts.tx_full++;
        return ERR_FULL;
    }
    return e == EMSGSIZE ? ERR_RANGE : ERR_NOTFOUND;
}

static void user_close(struct sctp *s, uint64_t id, bool abort)
{
    struct user *u = (struct user *)s;
    struct assoc *a = assoc_get(u, id);
    if (a)
        assoc_drop(u, a, abort);
}

/* ---- what libusrsctp has for us ---- */
static void assoc_lost(struct user *u, struct assoc *a, const char *reason)
{
    struct sctp_sink sink = a->sink;
    uint64_t id = assoc_id(u, a);
    assoc_drop(u, a, true);
    sink.down(sink.ctx, id, reason);
}

/* False when the association is gone. */
static bool assoc_is_up(struct user *u, struct assoc *a)
{
    struct sctp_status st = {0};
    socklen_t n = sizeof st;
    if (usrsctp_getsockopt(a->so, IPPROTO_SCTP, SCTP_STATUS, &st, &n) < 0 ||
        st.sstat_outstrms == 0) {
        assoc_lost(u, a, "gone before it was used");
        return false;
    }
    a->state = ASSOC_UP;
    a->streams = st.sstat_outstrms;
    struct net_addr peer = raw_peer_addr(&u->raw, a->peer);
    uint64_t id = assoc_id(u, a);
    a->sink.up(a->sink.ctx, id, &peer, a->streams);
    return assoc_get(u, id) != NULL;
}

static bool assoc_restarted(struct user *u, struct assoc *a)
{
    /* The same association to SCTP, but to us a peer that has forgotten everything: another number.
     */
    struct assoc *b = slab_new(&u->assocs);
    if (!b) {
        assoc_lost(u, a, "restarted by the peer, and no place for it");
        return false;
    }
    *b = *a;
    b->ready = (struct link){0};
    b->part = NULL;
    b->part_n = 0;
    usrsctp_set_upcall(b->so, assoc_woken, b);
    list_append(&u->ready, &b->ready);
    b->is_new = true;
    a->so = NULL;
    a->owns_endpoint = a->pins = false;
    assoc_lost(u, a, "restarted by the peer");
    return false;
}

/* RFC 6458 6.1.1. False when the association is gone. */
static bool assoc_notified(struct user *u, struct assoc *a, const uint8_t *p, size_t n)
{
    struct sctp_assoc_change c;
    if (n < sizeof c)
        return true;
    memcpy(&c, p, sizeof c);
    if (c.sac_type != SCTP_ASSOC_CHANGE)
        return true;
    switch (c.sac_state) {
    case SCTP_COMM_UP: return a->state == ASSOC_UP ? true : assoc_is_up(u, a);
    case SCTP_RESTART: return assoc_restarted(u, a);
    case SCTP_COMM_LOST: assoc_lost(u, a, "lost: aborted or no answer"); return false;
    case SCTP_SHUTDOWN_COMP: assoc_lost(u, a, "closed by the peer"); return false;
    case SCTP_CANT_STR_ASSOC: assoc_lost(u, a, "no answer or refused"); return false;
    default: return true;
    }
}

/* A piece of a message; false when the association is gone. */
static bool assoc_piece(struct user *u, struct assoc *a, uint32_t n, bool whole,
                        const struct sctp_rcvinfo *info)
{
    struct bytes m = {u->rx, n};
    if (!whole || a->part_n) {
        if (!a->part && !(a->part = malloc(u->conf.max_message)))
            n = UINT32_MAX;
        if (n > u->conf.max_message - a->part_n) {
            assoc_lost(u, a, "message too long");
            return false;
        }
        memcpy(a->part + a->part_n, u->rx, n);
        a->part_n += n;
        m = (struct bytes){a->part, a->part_n};
        if (!whole)
            return true;
    }
    u->base.counts.rx_messages++;
    uint64_t id = assoc_id(u, a);
    uint8_t *part = a->part; /* ours while the sink runs: it may end the association */
    a->part = NULL;
    a->part_n = 0;
    a->sink.message(a->sink.ctx, id, info->rcv_sid, ntohl(info->rcv_ppid), m);
    free(part);
    return assoc_get(u, id) != NULL;
}

static void assoc_read(struct user *u, struct assoc *a)
{
    if (a->is_new) {
        a->is_new = false;
        if (!assoc_is_up(u, a))
            return;
    }
    for (int budget = 64; budget; budget--) {
        struct sctp_rcvinfo info = {0};
        struct sockaddr_conn from;
        socklen_t from_n = sizeof from, info_n = sizeof info;
        unsigned type = 0;
        int flags = 0;
        meter_enter(&u->meter);
        ssize_t n = usrsctp_recvv(a->so, u->rx, u->conf.max_message, (struct sockaddr *)&from,
                                  &from_n, &info, &info_n, &type, &flags);
        int e = errno;
        meter_leave(&u->meter);
        if (n < 0 && (e == EAGAIN || e == EINTR || (e == ENOTCONN && a->state == ASSOC_CONNECTING)))
            return;
        if (n <= 0) {
            assoc_lost(u, a,
                       n == 0 ? "closed by the peer"
                       : e == ECONNREFUSED || a->state == ASSOC_CONNECTING
                           ? "no answer or refused"
                           : "lost: aborted or no answer");
            return;
        }
        bool goes_on = flags & MSG_NOTIFICATION
                           ? assoc_notified(u, a, u->rx, (size_t)n)
                           : assoc_piece(u, a, (uint32_t)n, flags & MSG_EOR, &info);
        if (!goes_on)
            return;
    }
    list_append(&u->ready, &a->ready); /* there may be more; others first */
    loop_flush_soon(u->loop, &u->flush);
}

static void listener_accept(struct user *u, struct listener *l)
{
    for (;;) {
        struct sockaddr_conn from = {0};
        socklen_t n = sizeof from;
        meter_enter(&u->meter);
        struct socket *so = usrsctp_accept(l->so, (struct sockaddr *)&from, &n);
        meter_leave(&u->meter);
        if (!so)
            return;
        struct assoc *a = slab_new(&u->assocs);
        if (!a || from.sconn_port == 0 ||
            ntohs(from.sconn_port) > RAW_PEERS) { /* ABORT: as many as configured */
            struct linger now = {1, 0};
            usrsctp_setsockopt(so, SOL_SOCKET, SO_LINGER, &now, sizeof now);
            usrsctp_close(so);
            if (a)
                slab_drop(&u->assocs, a);
            continue;
        }
        *a = (struct assoc){.user = u,
                            .so = so,
                            .sink = l->sink,
                            .endpoint = l->endpoint,
                            .is_new = true,
                            .peer = ntohs(from.sconn_port) - 1u,
                            .pins = true};
        raw_peer_pin(&u->raw, a->peer);
        usrsctp_set_non_blocking(so, 1);
        usrsctp_set_upcall(so, assoc_woken, a);
        list_append(&u->ready, &a->ready);
    }
}

static void drain(void *ctx)
{
    struct user *u = ctx;
    if (u->draining)
        return;
    u->draining = true;
    struct link batch; /* what is put on the list anew waits for the next turn */
    list_init(&batch);
    for (struct link *it; (it = list_pop(&u->ready_listeners));)
        listener_accept(u, CONTAINER(it, struct listener, ready));
    for (struct link *it; (it = list_pop(&u->ready));)
        list_append(&batch, it);
    for (struct link *it; (it = list_pop(&batch));)
        assoc_read(u, CONTAINER(it, struct assoc, ready));
    u->draining = false;
    if (!list_empty(&u->ready) || !list_empty(&u->ready_listeners))
        loop_flush_soon(u->loop, &u->flush);
}

static void batch_end(void *ctx)
{
    busy(ctx);
    drain(ctx);
}

static void unreachable(void *ctx, uint32_t peer)
{
    struct user *u = ctx;
    struct assoc *a;
    for (uint32_t i = 0; (a = slab_next(&u->assocs, &i));)
        if (a->pins && a->peer == peer) {
            assoc_lost(u, a, "the peer's host speaks no SCTP any more");
            return;
        }
}

/* A safety net: associations whose end came without an upcall. */
static void sweep(struct user *u)
{
    struct assoc *a;
    for (uint32_t i = 0; (a = slab_next(&u->assocs, &i));)
        if (usrsctp_get_events(a->so) & (SCTP_EVENT_READ | SCTP_EVENT_ERROR))
            assoc_woken(a->so, a, 0);
}

static void tick(void *ctx, uint32_t events)
{
    struct user *u = ctx;
    uint64_t expired, now = loop_now_us();
    if (read(u->timer.fd, &expired, sizeof expired) < 0)
        return;
    meter_enter(&u->meter);
    uint64_t ms = (now - the_library.ticked_us) / 1000;
    if (ms) {
        the_library.ticked_us += ms * 1000;
        usrsctp_handle_timers((uint32_t)ms);
    }
    meter_leave(&u->meter);
    if (now - u->swept_us > 500000) {
        u->swept_us = now;
        sweep(u);
        raw_reap(&u->raw, now);
    }
    if (u->ticking_fast && now > u->busy_until_us)
        tick_set(u, false);
    drain(u);
}

/* ---- open and free ---- */
static void library_start(void)
{
    usrsctp_init_nothreads(0, output, NULL);
    usrsctp_enable_crc32c_offload(); /* we rewrite ports, so we do the checksums */
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auto_asconf(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_reconfig_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_pr_enable(0);
    usrsctp_sysctl_set_sctp_initial_cwnd(10);
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(65536); /* not 512: the octets of send_queue are the limit */
    the_library.thread = pthread_self();
    the_library.ticked_us = loop_now_us();
    the_library.ready = true;
}

static int library_join(struct user *u, uint8_t *instance)
{
    int rc = ERR_FULL;
    pthread_mutex_lock(&the_library.lock);
    if (!the_library.ready)
        library_start();
    if (the_library.n == 0)
        the_library.thread = pthread_self();
    if (!pthread_equal(the_library.thread, pthread_self()))
        rc = ERR_STATE;
    for (uint8_t i = 0; rc == ERR_FULL && i < INSTANCES; i++)
        if (!the_library.instances[i]) {
            the_library.instances[i] = u;
            the_library.n++;
            usrsctp_register_address(address_of(i));
            *instance = i;
            rc = OK;
        }
    pthread_mutex_unlock(&the_library.lock);
    return rc;
}

static void user_free(struct sctp *s)
{
    struct user *u = (struct user *)s;
    struct assoc *a;
    loop_flush_cancel(&u->flush);
    for (uint32_t i = 0; (a = slab_next(&u->assocs, &i));)
        assoc_drop(u, a, true);
    for (uint32_t i = 0; i < u->n_listeners; i++) {
        usrsctp_set_upcall(u->listeners[i].so, NULL, NULL);
        usrsctp_close(u->listeners[i].so);
    }
    pthread_mutex_lock(&the_library.lock);
    the_library.instances[u->raw.instance] = NULL;
    usrsctp_deregister_address(address_of(u->raw.instance));
    the_library.n--;
    pthread_mutex_unlock(&the_library.lock);
    int fd = u->timer.fd;
    loop_unwatch(&u->timer);
    close(fd);
    raw_close(&u->raw);
    slab_free(&u->assocs);
    free(u->rx);
    free(u);
}

static uint64_t user_cpu_us(struct sctp *s)
{
    return ((struct user *)s)->meter.total_ns / 1000;
}

static const struct sctp_ops user_ops = {.name = "userspace",
                                         .listen = user_listen,
                                         .connect = user_connect,
                                         .send = user_send,
                                         .close = user_close,
                                         .free = user_free,
                                         .cpu_us = user_cpu_us};

int sctp_user_open(struct sctp **out, struct loop *loop, const struct sctp_conf *conf)
{
    int probe = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
    if (probe < 0)
        return err_from_errno(errno);
    close(probe);
    struct user *u = calloc(1, sizeof *u);
    uint8_t instance = 0;
    if (!u)
        return ERR_NOSPACE;
    int rc = library_join(u, &instance);
    if (rc < 0) {
        free(u);
        return rc;
    }
    u->base.ops = &user_ops;
    u->conf = *conf;
    u->loop = loop;
    list_init(&u->ready);
    list_init(&u->ready_listeners);
    u->flush = (struct loop_flush){.fn = drain, .ctx = u};
    u->rx = malloc(conf->max_message);
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    rc = raw_open(&u->raw, loop, instance);
    if (rc == OK &&
        (!u->rx || fd < 0 ||
         slab_init(&u->assocs, "sctp associations", sizeof(struct assoc), conf->max_assocs) < 0))
        rc = ERR_NOSPACE;
    if (rc == OK)
        rc = loop_watch(loop, &u->timer, fd, EPOLLIN, tick, u);
    if (rc < 0) { /* out of memory at start: what is half made stays */
        the_library.instances[instance] = NULL;
        return rc;
    }
    u->raw.counts = &u->base.counts;
    u->raw.meter = &u->meter;
    u->raw.input = input;
    u->raw.unreachable = unreachable;
    u->raw.batch_end = batch_end;
    u->raw.ctx = u;
    u->raw.switch_after_us = conf->rto_min_ms * 1000;
    u->raw.packet_max = conf->path_mtu - 40u;
    tick_set(u, false);
    *out = &u->base;
    return OK;
}
