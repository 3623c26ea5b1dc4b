/* SPDX-License-Identifier: Apache-2.0 */
#include "os/env.h"
#include "os/netns.h"
#include "os/tun.h"
#include "os/udp.h"
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum socket_kind { SOCKET_FREE, SOCKET_UDP, SOCKET_TUN };
enum { DIRECT_SOCKETS = 4, DIRECT_OCTETS = 256 * 1024 };
struct socket_slot {
    enum socket_kind kind;
    union {
        struct udp *udp;
        struct tun *tun;
    };
};
/* What one socket of this process sends to another: passed on in the loop's flush, never from within
 * udp_send(). Two parts, since what is taken from one fills the other. */
struct direct_datagram {
    int from, to; /* sockets */
    uint32_t octets;
};
struct direct {
    struct loop_flush flush;
    uint32_t n_sockets;
    struct {
        int socket;
        struct net_addr addr;
        struct udp_sink sink;
    } sockets[DIRECT_SOCKETS];
    struct {
        uint32_t used;
        uint8_t *octets; /* direct_datagram and its octets, one after another; NULL until used */
    } parts[2];
    int filling;
};
struct env_real {
    struct env env;
    struct env_real_conf conf;
    struct loop *loop;
    struct sctp *sctp;
    uint32_t n, next;
    struct socket_slot *slots;
    struct direct direct;
    uint32_t random_left; /* octets in random_pool that were not handed out */
    uint8_t random_pool[4096];
};
static struct env_real *real(struct env *e)
{
    return (struct env_real *)e;
}

static uint64_t clock_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}
static uint64_t real_now_us(struct env *e)
{
    return clock_us(CLOCK_MONOTONIC);
}
static uint64_t real_unix_us(struct env *e)
{
    return clock_us(CLOCK_REALTIME);
}

static void random_fill(void *p, size_t n)
{
    for (uint8_t *at = p; n;) {
        ssize_t k = getrandom(at, n, 0);
        if (k < 0)
            continue; /* interrupted: there is no other reason once the kernel's pool is seeded */
        at += k;
        n -= (size_t)k;
    }
}
/* A system call per authentication vector would be felt; the pool is wiped as it is handed out. */
static void real_random(struct env *e, void *p, size_t n)
{
    struct env_real *r = real(e);
    if (n > sizeof r->random_pool / 4) {
        random_fill(p, n);
        return;
    }
    if (n > r->random_left) {
        random_fill(r->random_pool, sizeof r->random_pool);
        r->random_left = sizeof r->random_pool;
    }
    r->random_left -= (uint32_t)n;
    memcpy(p, r->random_pool + r->random_left, n);
    secret_wipe(r->random_pool + r->random_left, n);
}

static int sctp_ready(struct env_real *r)
{
    if (r->conf.no_sctp)
        return ERR_UNSUPPORTED;
    return r->sctp ? OK : sctp_open(&r->sctp, r->loop, &r->conf.sctp);
}
static int real_sctp_listen(struct env *e, const struct sctp_local *l, const struct sctp_sink *k)
{
    int rc = sctp_ready(real(e));
    return rc < 0 ? rc : sctp_listen(real(e)->sctp, l, k);
}
static int real_sctp_connect(struct env *e, const struct sctp_local *l, const struct net_addr *peer,
                             const struct sctp_sink *k, uint64_t *assoc)
{
    int rc = sctp_ready(real(e));
    return rc < 0 ? rc : sctp_connect(real(e)->sctp, l, peer, 1, k, assoc);
}
static int real_sctp_send(struct env *e, uint64_t assoc, uint16_t stream, uint32_t ppid,
                          struct bytes m)
{
    struct env_real *r = real(e);
    return r->sctp ? sctp_send_message(r->sctp, assoc, stream, ppid, m) : ERR_NOTFOUND;
}
static void real_sctp_close(struct env *e, uint64_t assoc, bool abort)
{
    if (real(e)->sctp)
        sctp_close(real(e)->sctp, assoc, abort);
}

static int slot_find(struct env_real *r)
{
    for (uint32_t i = 0; i < r->n; i++) { /* a number is not used again at once */
        uint32_t at = (r->next + i) % r->n;
        if (r->slots[at].kind == SOCKET_FREE) {
            r->next = at + 1;
            return (int)at;
        }
    }
    return ERR_FULL;
}
static struct socket_slot *slot_of(struct env *e, int i, enum socket_kind kind)
{
    struct env_real *r = real(e);
    return i >= 0 && (uint32_t)i < r->n && r->slots[i].kind == kind ? &r->slots[i] : NULL;
}

/* ---- from one socket of this process to another ---- */
static int direct_of_addr(const struct direct *d, const struct net_addr *a)
{
    for (uint32_t i = 0; i < d->n_sockets; i++)
        if (addr_eq(&d->sockets[i].addr, a))
            return (int)i;
    return -1;
}
static int direct_of_socket(const struct direct *d, int socket)
{
    for (uint32_t i = 0; i < d->n_sockets; i++)
        if (d->sockets[i].socket == socket)
            return (int)i;
    return -1;
}
static void direct_flush(void *ctx)
{
    struct direct *d = ctx;
    uint8_t *at = d->parts[d->filling].octets, *end = at + d->parts[d->filling].used;
    struct direct_datagram g;
    d->parts[d->filling].used = 0;
    d->filling ^= 1;
    for (; at < end; at += g.octets) {
        memcpy(&g, at, sizeof g);
        at += sizeof g;
        int from = direct_of_socket(d, g.from), to = direct_of_socket(d, g.to);
        if (from >= 0 && to >= 0) /* else closed since */
            d->sockets[to].sink.datagram(d->sockets[to].sink.ctx, g.to, &d->sockets[from].addr,
                                         (struct bytes){at, g.octets});
    }
}
static bool direct_send(struct env_real *r, int sock, const struct net_addr *to, struct bytes b)
{
    struct direct *d = &r->direct;
    int from = direct_of_socket(d, sock), peer = from < 0 ? -1 : direct_of_addr(d, to);
    struct direct_datagram g = {.from = sock, .octets = (uint32_t)b.n};
    uint8_t **p = &d->parts[d->filling].octets;
    uint32_t *used = &d->parts[d->filling].used;
    if (peer < 0 || b.n > UDP_MAX || *used + sizeof g + b.n > DIRECT_OCTETS)
        return false;
    if (!*p && !(*p = malloc(DIRECT_OCTETS)))
        return false;
    g.to = d->sockets[peer].socket;
    memcpy(*p + *used, &g, sizeof g);
    memcpy(*p + *used + sizeof g, b.p, b.n);
    *used += (uint32_t)(sizeof g + b.n);
    loop_flush_soon(r->loop, &d->flush);
    return true;
}
static void direct_open(struct env_real *r, int sock, const struct udp_sink *k)
{
    struct direct *d = &r->direct;
    if (!r->conf.udp_direct || d->n_sockets == DIRECT_SOCKETS ||
        udp_local(r->slots[sock].udp, &d->sockets[d->n_sockets].addr) < 0)
        return;
    d->sockets[d->n_sockets].socket = sock;
    d->sockets[d->n_sockets++].sink = *k;
}
static void direct_close(struct direct *d, int sock)
{
    int i = direct_of_socket(d, sock);
    if (i >= 0)
        d->sockets[i] = d->sockets[--d->n_sockets];
}

static int real_udp_open(struct env *e, const struct net_addr *local, const struct udp_sink *k)
{
    struct env_real *r = real(e);
    int i = slot_find(r);
    int rc = i < 0 ? i : udp_open(&r->slots[i].udp, r->loop, local, i, k);
    if (rc < 0)
        return rc;
    r->slots[i].kind = SOCKET_UDP;
    direct_open(r, i, k);
    return i;
}
static int real_udp_send(struct env *e, int sock, const struct net_addr *to, struct bytes b)
{
    struct socket_slot *s = slot_of(e, sock, SOCKET_UDP);
    if (!s)
        return ERR_NOTFOUND;
    return direct_send(real(e), sock, to, b) ? OK : udp_send(s->udp, to, b);
}
static void real_udp_close(struct env *e, int sock)
{
    struct socket_slot *s = slot_of(e, sock, SOCKET_UDP);
    if (s) {
        s->kind = SOCKET_FREE;
        direct_close(&real(e)->direct, sock);
        udp_free(s->udp);
    }
}

static int real_tun_open(struct env *e, const struct tun_config *c, const struct tun_sink *k)
{
    struct env_real *r = real(e);
    struct tun_spec spec = {.name = c->name,
                            .netns = c->netns,
                            .addr4 = c->addr4,
                            .addr6 = c->addr6,
                            .mtu = c->mtu,
                            .default_route = c->netns != NULL,
                            .is_ethernet = c->is_ethernet};
    memcpy(spec.mac, c->mac, sizeof spec.mac);
    int i = slot_find(r);
    int rc = i < 0 ? i : tun_open(&r->slots[i].tun, r->loop, &spec, i, k);
    if (rc < 0)
        return rc;
    r->slots[i].kind = SOCKET_TUN;
    if (c->netns && c->dns4.family)
        netns_dns(c->netns, &c->dns4); /* a convenience: the interface works without */
    return i;
}
static int real_tun_send(struct env *e, int tun, struct bytes b)
{
    struct socket_slot *s = slot_of(e, tun, SOCKET_TUN);
    return s ? tun_send(s->tun, b) : ERR_NOTFOUND;
}
static void real_tun_close(struct env *e, int tun)
{
    struct socket_slot *s = slot_of(e, tun, SOCKET_TUN);
    if (s) {
        s->kind = SOCKET_FREE;
        tun_free(s->tun);
    }
}

static const struct env_ops real_ops = {
    .now_us = real_now_us,
    .unix_us = real_unix_us,
    .random = real_random,
    .sctp_listen = real_sctp_listen,
    .sctp_connect = real_sctp_connect,
    .sctp_send = real_sctp_send,
    .sctp_close = real_sctp_close,
    .udp_open = real_udp_open,
    .udp_send = real_udp_send,
    .udp_close = real_udp_close,
    .tun_open = real_tun_open,
    .tun_send = real_tun_send,
    .tun_close = real_tun_close,
};

int env_real_open(struct env **out, struct loop *loop, const struct env_real_conf *conf)
{
    struct env_real *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOSPACE;
    r->env.ops = &real_ops;
    r->conf = conf ? *conf : (struct env_real_conf){0};
    r->loop = loop;
    r->n = r->conf.max_sockets ? r->conf.max_sockets : 1024;
    r->direct.flush = (struct loop_flush){.fn = direct_flush, .ctx = &r->direct};
    r->slots = calloc(r->n, sizeof *r->slots);
    if (!r->slots) {
        free(r);
        return ERR_NOSPACE;
    }
    *out = &r->env;
    return OK;
}

void env_real_free(struct env *e)
{
    struct env_real *r = real(e);
    if (!e)
        return;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->slots[i].kind == SOCKET_UDP)
            udp_free(r->slots[i].udp);
        else if (r->slots[i].kind == SOCKET_TUN)
            tun_free(r->slots[i].tun);
    }
    sctp_free(r->sctp);
    loop_flush_cancel(&r->direct.flush);
    free(r->direct.parts[0].octets);
    free(r->direct.parts[1].octets);
    free(r->slots);
    secret_wipe(r->random_pool, sizeof r->random_pool);
    free(r);
}

struct sctp *env_real_sctp(struct env *e)
{
    return real(e)->sctp;
}
