/* SPDX-License-Identifier: Apache-2.0 */
/* SCTP by the kernel: one-to-one style sockets, RFC 6458 4, with the calls of libsctp (RFC 6458 9). */
#include "os/file.h"
#include "os/sctp.h"
#include "os/sock.h"
#include "base/slab.h"
#include <errno.h>
#include <netinet/sctp.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LISTENERS = 32, READS = 64, ADDRS = 8 };
struct kernel;
struct assoc {
    struct kernel *k;
    struct loop_watch watch;
    struct sctp_sink sink;
    bool up;
    uint16_t streams;
    struct net_addr peer;
    uint8_t *part; /* of a message that comes in pieces */
    uint32_t part_n;
    uint16_t part_stream;
    uint32_t part_ppid;
};
struct listener {
    struct kernel *k;
    struct loop_watch watch;
    struct sctp_sink sink;
    uint16_t streams;
};
struct kernel {
    struct sctp base;
    struct sctp_conf conf;
    struct loop *loop;
    struct slab assocs;
    struct listener listeners[LISTENERS];
    uint32_t n_listeners;
    uint64_t cpu_ns;
    uint8_t *rx;
};
static const struct sctp_ops kernel_ops;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static uint64_t assoc_id(const struct kernel *k, const struct assoc *a)
{
    struct ref r = slab_ref(&k->assocs, a);
    return (uint64_t)r.gen << 32 | r.i;
}
static struct assoc *assoc_get(const struct kernel *k, uint64_t id)
{
    return slab_get(&k->assocs, (struct ref){(uint32_t)id, (uint32_t)(id >> 32)});
}

static int socket_options(const struct kernel *k, int fd, uint16_t streams)
{
    const struct sctp_conf *c = &k->conf;
    int on = 1, size = (int)c->send_queue, rcv = (int)c->max_message * 2;
    struct sctp_initmsg init = {streams, streams, c->init_retrans, (uint16_t)c->rto_max_ms};
    struct sctp_rtoinfo rto = {0, c->rto_initial_ms, c->rto_max_ms, c->rto_min_ms};
    struct sctp_assocparams ap = {.sasoc_asocmaxrxt = c->assoc_retrans};
    struct sctp_sack_info sack = {0, c->sack_delay_ms, c->sack_delay_ms ? 2 : 1};
    struct sctp_paddrparams path = {.spp_hbinterval = c->heartbeat_ms,
                                    .spp_pathmaxrxt = c->assoc_retrans,
                                    .spp_flags = SPP_HB_ENABLE};
    /* Older kernels take the shorter form only: the events of later ones are at its end. */
    struct sctp_event_subscribe ev = {
        .sctp_data_io_event = 1, .sctp_association_event = 1, .sctp_shutdown_event = 1};
    const struct {
        int level, name;
        const void *value;
        socklen_t n;
    } options[] = {
        {IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on},
        {IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init},
        {IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto},
        {IPPROTO_SCTP, SCTP_ASSOCINFO, &ap, sizeof ap},
        {IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof sack},
        {IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path},
        {IPPROTO_SCTP, SCTP_EVENTS, &ev, 8},
        {SOL_SOCKET, SO_SNDBUF, &size, sizeof size},
        {SOL_SOCKET, SO_RCVBUF, &rcv, sizeof rcv},
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (setsockopt(fd, options[i].level, options[i].name, options[i].value, options[i].n) < 0)
            return err_from_errno(errno);
    return OK;
}

/* Addresses one after the other, as bindx and connectx want them. */
static socklen_t pack(uint8_t *out, const struct net_addr *a, uint32_t n, uint16_t port)
{
    socklen_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        union sock_addr s;
        struct net_addr one = a[i];
        one.port = port;
        socklen_t len = sock_from_addr(&s, &one);
        memcpy(out + at, &s, len);
        at += len;
    }
    return at;
}

static int bound_socket(const struct kernel *k, const struct sctp_local *l, uint8_t family,
                        int *out)
{
    uint16_t streams = l && l->streams ? l->streams : 16;
    for (uint32_t i = 0; l && i < l->n_addrs; i++)
        family = l->addrs[i].family == 6 ? 6 : family;
    if (l && l->n_addrs > ADDRS)
        return ERR_FULL;
    int fd = socket(family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    IPPROTO_SCTP);
    if (fd < 0)
        return err_from_errno(errno);
    int rc = socket_options(k, fd, streams), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (rc == OK && l && l->n_addrs) {
        union sock_addr s;
        socklen_t len = sock_from_addr(&s, &l->addrs[0]);
        if (bind(fd, &s.sa, len) < 0)
            rc = err_from_errno(errno);
    }
    if (rc == OK && l && l->n_addrs > 1) {
        uint8_t more[ADDRS * sizeof(struct sockaddr_in6)];
        union sock_addr s;
        socklen_t len = sizeof s;
        getsockname(fd, &s.sa, &len);
        pack(more, l->addrs + 1, l->n_addrs - 1, sock_to_addr(&s.sa).port);
        if (sctp_bindx(fd, (struct sockaddr *)more, (int)l->n_addrs - 1, SCTP_BINDX_ADD_ADDR) < 0)
            rc = err_from_errno(errno);
    }
    if (rc < 0) {
        close(fd);
        return rc;
    }
    *out = fd;
    return OK;
}

static void assoc_drop(struct kernel *k, struct assoc *a, bool abort)
{
    struct linger now = {1, 0};
    int fd = a->watch.fd;
    loop_unwatch(&a->watch);
    if (abort)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    free(a->part);
    slab_drop(&k->assocs, a);
}

static void assoc_lost(struct kernel *k, struct assoc *a, const char *reason)
{
    struct sctp_sink sink = a->sink;
    uint64_t id = assoc_id(k, a);
    assoc_drop(k, a, true);
    sink.down(sink.ctx, id, reason);
}

static bool assoc_is_up(struct kernel *k, struct assoc *a)
{
    struct sctp_status st = {0};
    union sock_addr s;
    socklen_t n = sizeof st, len = sizeof s;
    if (a->up)
        return true;
    if (getsockopt(a->watch.fd, IPPROTO_SCTP, SCTP_STATUS, &st, &n) < 0 || st.sstat_outstrms == 0 ||
        getpeername(a->watch.fd, &s.sa, &len) < 0) {
        assoc_lost(k, a, "gone before it was used");
        return false;
    }
    a->up = true;
    a->streams = st.sstat_outstrms;
    a->peer = sock_to_addr(&s.sa);
    uint64_t id = assoc_id(k, a);
    a->sink.up(a->sink.ctx, id, &a->peer, a->streams);
    return assoc_get(k, id) != NULL;
}

static bool assoc_notified(struct kernel *k, struct assoc *a, const uint8_t *p, size_t n)
{
    union {
        uint16_t type;
        struct sctp_assoc_change change;
    } u = {0};
    memcpy(&u, p, n < sizeof u ? n : sizeof u);
    if (u.type == SCTP_SHUTDOWN_EVENT) {
        assoc_lost(k, a, "closed by the peer");
        return false;
    }
    if (u.type != SCTP_ASSOC_CHANGE || n < sizeof u.change)
        return true;
    switch (u.change.sac_state) {
    case SCTP_COMM_UP: return assoc_is_up(k, a);
    case SCTP_COMM_LOST: assoc_lost(k, a, "lost: aborted or no answer"); return false;
    case SCTP_SHUTDOWN_COMP: assoc_lost(k, a, "closed by the peer"); return false;
    case SCTP_CANT_STR_ASSOC: assoc_lost(k, a, "no answer or refused"); return false;
    /* The peer has forgotten everything: it sets up anew after an ABORT. */
    case SCTP_RESTART: assoc_lost(k, a, "restarted by the peer"); return false;
    default: return true;
    }
}

static bool assoc_piece(struct kernel *k, struct assoc *a, uint32_t n, bool whole)
{
    struct bytes m = {k->rx, n};
    if (!whole || a->part_n) {
        if (!a->part && !(a->part = malloc(k->conf.max_message)))
            n = UINT32_MAX;
        if (n > k->conf.max_message - a->part_n) {
            assoc_lost(k, a, "message too long");
            return false;
        }
        memcpy(a->part + a->part_n, k->rx, n);
        a->part_n += n;
        m = (struct bytes){a->part, a->part_n};
        if (!whole)
            return true;
    }
    if (!assoc_is_up(k, a))
        return false;
    k->base.counts.rx_messages++;
    uint64_t id = assoc_id(k, a);
    uint8_t *part = a->part; /* ours while the sink runs: it may end the association */
    a->part = NULL;
    a->part_n = 0;
    a->sink.message(a->sink.ctx, id, a->part_stream, a->part_ppid, m);
    free(part);
    return assoc_get(k, id) != NULL;
}

static void assoc_event(void *ctx, uint32_t events)
{
    struct assoc *a = ctx;
    struct kernel *k = a->k;
    if (events & EPOLLOUT) { /* the connect has ended, one way or the other */
        int e = 0;
        socklen_t n = sizeof e;
        getsockopt(a->watch.fd, SOL_SOCKET, SO_ERROR, &e, &n);
        if (e) {
            assoc_lost(k, a, "no answer or refused");
            return;
        }
        loop_rewatch(&a->watch, EPOLLIN);
        if (!assoc_is_up(k, a))
            return;
    }
    for (int i = 0; i < READS; i++) {
        struct sctp_sndrcvinfo info = {0};
        int flags = 0;
        uint64_t t = now_ns();
        int n = sctp_recvmsg(a->watch.fd, k->rx, k->conf.max_message, NULL, NULL, &info, &flags);
        k->cpu_ns += now_ns() - t;
        if (n < 0 && (errno == EAGAIN || errno == EINTR || (errno == ENOTCONN && !a->up)))
            return;
        if (n <= 0) {
            assoc_lost(k, a,
                       n == 0  ? "closed by the peer"
                       : a->up ? "lost: aborted or no answer"
                               : "no answer or refused");
            return;
        }
        if (!(flags & MSG_NOTIFICATION)) {
            a->part_stream = info.sinfo_stream;
            a->part_ppid = ntohl(info.sinfo_ppid);
        }
        bool goes_on = flags & MSG_NOTIFICATION ? assoc_notified(k, a, k->rx, (size_t)n)
                                                : assoc_piece(k, a, (uint32_t)n, flags & MSG_EOR);
        if (!goes_on)
            return;
    }
}

static void listener_event(void *ctx, uint32_t events)
{
    struct listener *l = ctx;
    struct kernel *k = l->k;
    for (int fd; (fd = accept4(l->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct assoc *a = slab_new(&k->assocs);
        if (!a || socket_options(k, fd, l->streams) < 0 ||
            loop_watch(k->loop, &a->watch, fd, EPOLLIN, assoc_event, a) < 0) {
            struct linger now = {1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
            close(fd);
            if (a)
                slab_drop(&k->assocs, a);
            continue;
        }
        a->k = k;
        a->sink = l->sink;
        assoc_is_up(k, a);
    }
}

static int kernel_listen(struct sctp *s, const struct sctp_local *l, const struct sctp_sink *sink)
{
    struct kernel *k = (struct kernel *)s;
    int fd;
    if (k->n_listeners == LISTENERS)
        return ERR_FULL;
    int rc = bound_socket(k, l, 4, &fd);
    if (rc < 0)
        return rc;
    struct listener *n = &k->listeners[k->n_listeners];
    *n = (struct listener){.k = k, .sink = *sink, .streams = l && l->streams ? l->streams : 16};
    if (listen(fd, 256) < 0)
        rc = err_from_errno(errno);
    else
        rc = loop_watch(k->loop, &n->watch, fd, EPOLLIN, listener_event, n);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    k->n_listeners++;
    return OK;
}

static int kernel_connect(struct sctp *s, const struct sctp_local *l, const struct net_addr *peers,
                          uint32_t n, const struct sctp_sink *sink, uint64_t *id)
{
    struct kernel *k = (struct kernel *)s;
    int fd;
    if (n == 0 || n > ADDRS)
        return ERR_RANGE;
    int rc = bound_socket(k, l, peers[0].family, &fd);
    if (rc < 0)
        return rc;
    uint8_t to[ADDRS * sizeof(struct sockaddr_in6)];
    socklen_t len = pack(to, peers, n, peers[0].port);
    int failed = n == 1 ? connect(fd, (const struct sockaddr *)to, len)
                        : sctp_connectx(fd, (struct sockaddr *)to, (int)n, NULL);
    struct assoc *a = slab_new(&k->assocs);
    if (failed < 0 && errno != EINPROGRESS)
        rc = err_from_errno(errno);
    else if (!a)
        rc = ERR_FULL;
    else
        rc = loop_watch(k->loop, &a->watch, fd, EPOLLIN | EPOLLOUT, assoc_event, a);
    if (rc < 0) {
        close(fd);
        if (a)
            slab_drop(&k->assocs, a);
        return rc;
    }
    a->k = k;
    a->sink = *sink;
    a->peer = peers[0];
    *id = assoc_id(k, a);
    return OK;
}

static int kernel_send(struct sctp *s, uint64_t id, uint16_t stream, uint32_t ppid, struct bytes b)
{
    struct kernel *k = (struct kernel *)s;
    struct assoc *a = assoc_get(k, id);
    if (!a)
        return ERR_NOTFOUND;
    if (!a->up)
        return ERR_STATE;
    if (stream >= a->streams || b.n == 0 || b.n > k->conf.max_message)
        return ERR_RANGE;
    uint64_t t = now_ns();
    int n = sctp_sendmsg(a->watch.fd, b.p, b.n, NULL, 0, htonl(ppid), 0, stream, 0, 0);
    k->cpu_ns += now_ns() - t;
    if (n >= 0) {
        k->base.counts.tx_messages++;
        return OK;
    }
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
        k->base.counts.tx_full++;
        return ERR_FULL;
    }
    return errno == EMSGSIZE ? ERR_RANGE : ERR_NOTFOUND;
}

static void kernel_close(struct sctp *s, uint64_t id, bool abort)
{
    struct kernel *k = (struct kernel *)s;
    struct assoc *a = assoc_get(k, id);
    if (a)
        assoc_drop(k, a, abort);
}

static void kernel_free(struct sctp *s)
{
    struct kernel *k = (struct kernel *)s;
    struct assoc *a;
    for (uint32_t i = 0; (a = slab_next(&k->assocs, &i));)
        assoc_drop(k, a, true);
    for (uint32_t i = 0; i < k->n_listeners; i++) {
        int fd = k->listeners[i].watch.fd;
        loop_unwatch(&k->listeners[i].watch);
        close(fd);
    }
    slab_free(&k->assocs);
    free(k->rx);
    free(k);
}

static uint64_t kernel_cpu_us(struct sctp *s)
{
    return ((struct kernel *)s)->cpu_ns / 1000;
}

static const struct sctp_ops kernel_ops = {.name = "kernel",
                                           .listen = kernel_listen,
                                           .connect = kernel_connect,
                                           .send = kernel_send,
                                           .close = kernel_close,
                                           .free = kernel_free,
                                           .cpu_us = kernel_cpu_us};

int sctp_kernel_open(struct sctp **out, struct loop *loop, const struct sctp_conf *conf)
{
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);
    if (probe < 0)
        return ERR_UNSUPPORTED;
    close(probe);
    signal(SIGPIPE, SIG_IGN); /* sctp_sendmsg() has no MSG_NOSIGNAL: a peer that has just gone is an error, not our end */
    struct kernel *k = calloc(1, sizeof *k);
    if (!k)
        return ERR_NOSPACE;
    k->base.ops = &kernel_ops;
    k->conf = *conf;
    k->loop = loop;
    k->rx = malloc(conf->max_message);
    if (!k->rx ||
        slab_init(&k->assocs, "sctp associations", sizeof(struct assoc), conf->max_assocs) < 0) {
        free(k->rx);
        free(k);
        return ERR_NOSPACE;
    }
    *out = &k->base;
    return OK;
}
