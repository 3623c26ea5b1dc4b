/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd in our loop: its epoll descriptor is readable when it has something to do. */
#include "os/control.h"
#include "os/file.h"
#include "os/sock.h"
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

struct metrics_http {
    struct MHD_Daemon *daemon;
    struct loop *loop;
    struct loop_watch watch;
    control_fn *fn;
    void *ctx;
};

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, char *body, size_t n)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
                            "text/plain; version=0.0.4; charset=utf-8");
    enum MHD_Result ok = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result request(void *ctx, struct MHD_Connection *c, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_n, void **state)
{
    struct metrics_http *m = ctx;
    if (strcmp(method, "GET") != 0)
        return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, NULL, 0);
    if (!*state) { /* libmicrohttpd wants a second call before the answer */
        *state = m;
        return MHD_YES;
    }
    char *body = malloc(CONTROL_ANSWER);
    if (!body)
        return MHD_NO;
    int n = m->fn(m->ctx, str_of(url), body, CONTROL_ANSWER);
    return n < 0 ? answer(c, MHD_HTTP_NOT_FOUND, body, 0)
                 : answer(c, MHD_HTTP_OK, body, n < CONTROL_ANSWER ? (size_t)n : CONTROL_ANSWER);
}

static void http_event(void *ctx, uint32_t events)
{
    MHD_run(((struct metrics_http *)ctx)->daemon);
}

static uint64_t http_turn(void *ctx)
{
    struct metrics_http *m = ctx;
    MHD_UNSIGNED_LONG_LONG ms;
    if (MHD_get_timeout(m->daemon, &ms) != MHD_YES)
        return UINT64_MAX;
    if (ms == 0) {
        MHD_run(m->daemon);
        return loop_now_us() + 1000;
    }
    return loop_now_us() + ms * 1000;
}

int metrics_http_open(struct metrics_http **out, struct loop *loop, const struct net_addr *local,
                      control_fn *fn, void *ctx)
{
    union sock_addr s;
    struct metrics_http *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOSPACE;
    *m = (struct metrics_http){.loop = loop, .fn = fn, .ctx = ctx};
    if (!sock_from_addr(&s, local)) {
        free(m);
        return ERR_RANGE;
    }
    unsigned flags = MHD_USE_EPOLL | (local->family == 6 ? MHD_USE_IPv6 : 0);
    m->daemon =
        MHD_start_daemon(flags, local->port, NULL, NULL, request, m, MHD_OPTION_SOCK_ADDR, &s.sa,
                         MHD_OPTION_CONNECTION_LIMIT, 32u, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
    if (!m->daemon) {
        free(m);
        return ERR_EXISTS;
    }
    int fd = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int rc = loop_watch(loop, &m->watch, fd, EPOLLIN, http_event, m);
    if (rc == OK)
        rc = loop_on_turn(loop, http_turn, m);
    if (rc < 0) {
        loop_unwatch(&m->watch);
        MHD_stop_daemon(m->daemon);
        free(m);
        return rc;
    }
    *out = m;
    return OK;
}

int metrics_http_port(const struct metrics_http *m)
{
    const union MHD_DaemonInfo *i = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return i ? i->port : ERR_IO;
}

void metrics_http_free(struct metrics_http *m)
{
    if (!m)
        return;
    loop_off_turn(m->loop, http_turn, m);
    loop_unwatch(&m->watch);
    MHD_stop_daemon(m->daemon);
    free(m);
}
