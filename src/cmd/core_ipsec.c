/* SPDX-License-Identifier: Apache-2.0 */
/* core_ipsec.c - the socket of strongSwan's daemon, for src/trust/ipsec_peers.h. The core may open none once it is in its
 * sandbox: the keeper connects, to this one path. */
#include "cmd/core.h"
#include "os/file.h"
#include "trust/ipsec_peers.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AGAIN_US = 2000000, READ_OCTETS = 65536, AUTHORITIES_OCTETS = 1 << 20 };
struct core_ipsec {
    struct core *core;
    struct ipsec_peers *peers;
    struct loop_watch watch; /* fd -1: not connected */
    struct timer again;
    bool told; /* that it is not there */
    uint8_t in[READ_OCTETS];
};

static void connect_again(struct timer *);
static void unlink_socket(struct core_ipsec *x)
{
    int fd = x->watch.fd;
    if (fd < 0)
        return;
    loop_unwatch(&x->watch);
    x->watch.fd = -1;
    close(fd);
}
static void lost(struct core_ipsec *x, const char *why)
{
    unlink_socket(x);
    ipsec_peers_down(x->peers);
    if (!x->told)
        LOG(&x->core->log, ipsec_down, "socket=%s why=\"%s\"", config_of(x->core)->trust.vici.p, why);
    x->told = true;
    timer_set(&x->core->rt.timers, &x->again, x->core->rt.now_us + AGAIN_US, connect_again);
}
static void readable(void *ctx, uint32_t events)
{
    struct core_ipsec *x = ctx;
    rt_enter(&x->core->rt);
    ssize_t n = recv(x->watch.fd, x->in, sizeof x->in, MSG_DONTWAIT);
    if (n > 0)
        ipsec_peers_octets(x->peers, (struct bytes){x->in, (uint32_t)n});
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        lost(x, n == 0 ? "it ended the connection" : err_text(err_from_errno(errno)));
}
static int send_all(void *ctx, struct bytes b)
{
    struct core_ipsec *x = ctx;
    return send(x->watch.fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)b.n ? OK : ERR_IO; /* some hundred octets at a time */
}
static void give_up(void *ctx) { lost(ctx, "it did not answer, or nothing that can be understood"); }

static void connect_again(struct timer *t)
{
    struct core_ipsec *x = CONTAINER(t, struct core_ipsec, again);
    struct core *c = x->core;
    int fd = c->keeper.pid ? keeper_vici(&c->keeper) : vici_connect(config_of(c)->trust.vici.p);
    if (fd >= 0 && loop_watch(c->loop, &x->watch, fd, EPOLLIN, readable, x) < 0) {
        close(fd);
        fd = ERR_IO;
    }
    if (fd < 0) {
        x->watch.fd = -1;
        lost(x, err_text(fd));
        return;
    }
    x->told = false;
    LOG(&c->log, ipsec_up, "socket=%s", config_of(c)->trust.vici.p);
    ipsec_peers_up(x->peers);
}

static int refuse(const char *option, const char *value, const char *why)
{
    fprintf(stderr, "redoubt run: trust.%s %s: %s\n", option, value, why);
    return EXIT_FAILED;
}
static int peers_new(struct core_ipsec *x)
{
    const struct config_trust *o = &config_of(x->core)->trust;
    struct ipsec_peers_conf conf = {.rt = &x->core->rt, .send = send_all, .close = give_up, .ctx = x};
    uint8_t *memory = malloc(AUTHORITIES_OCTETS + 16);
    struct arena a = arena_over(memory, AUTHORITIES_OCTETS + 16);
    struct bytes pem;
    int e = memory ? file_read(o->authorities.p, AUTHORITIES_OCTETS, &a, &pem) : ERR_NOSPACE;
    const char *why = e < 0 ? err_text(e) : "it has no certificate of an authority, in PEM, or one that cannot be read";
    if (e >= 0) {
        conf.authority = (struct str){(const char *)pem.p, pem.n};
        e = ipsec_peers_new(&x->peers, &conf);
    }
    free(memory);
    return e < 0 ? refuse("authorities", o->authorities.p, why) : EXIT_OK;
}
int core_ipsec_start(struct core *c)
{
    const struct config_trust *o = &config_of(c)->trust;
    if (!o->vici.n || o->mode == CONFIG_TRUST_MODE_OFF)
        return EXIT_OK;
    if (!o->authorities.n)
        return refuse("authorities", "", "it is missing; with trust.vici, say whose certificates prove elements");
    struct core_ipsec *x = c->ipsec = calloc(1, sizeof *x);
    if (!x)
        return refuse("vici", o->vici.p, "no memory");
    x->core = c;
    x->watch.fd = -1;
    int status = peers_new(x);
    if (status)
        return status;
    c->rt.ipsec = x->peers;
    connect_again(&x->again);
    return EXIT_OK;
}
void core_ipsec_stop(struct core *c)
{
    struct core_ipsec *x = c->ipsec;
    if (!x)
        return;
    c->rt.ipsec = NULL;
    timer_stop(&c->rt.timers, &x->again);
    unlink_socket(x);
    ipsec_peers_free(x->peers);
    free(x);
    c->ipsec = NULL;
}
