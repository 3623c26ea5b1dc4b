/* SPDX-License-Identifier: Apache-2.0 */
#include "os/control.h"
#include "os/file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
    struct loop_watch watch;
    struct control *control;
    uint32_t n, at; /* octets read; octets of the answer sent */
    char *answer;   /* NULL: still reading */
    char line[CONTROL_LINE];
};
struct control {
    struct loop *loop;
    struct loop_watch watch;
    control_fn *fn;
    void *ctx;
    struct sockaddr_un at;
    struct client *clients[CONTROL_CLIENTS];
};

static void client_drop(struct client *c)
{
    int fd = c->watch.fd;
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (c->control->clients[i] == c)
            c->control->clients[i] = NULL;
    loop_unwatch(&c->watch);
    close(fd);
    free(c->answer);
    free(c);
}

static void client_write(struct client *c)
{
    while (c->at < c->n) {
        ssize_t k = send(c->watch.fd, c->answer + c->at, c->n - c->at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (k < 0 && errno == EAGAIN) {
            loop_rewatch(&c->watch, EPOLLOUT);
            return;
        }
        if (k <= 0)
            break;
        c->at += (uint32_t)k;
    }
    client_drop(c);
}

static void client_answer(struct client *c, uint32_t line_n)
{
    struct control *o = c->control;
    c->answer = malloc(CONTROL_ANSWER);
    if (!c->answer) {
        client_drop(c);
        return;
    }
    int rc = o->fn(o->ctx, (struct str){c->line, line_n}, c->answer, CONTROL_ANSWER);
    if (rc < 0)
        rc = snprintf(c->answer, CONTROL_ANSWER, "error: %s\n", err_text(rc));
    c->n = rc < CONTROL_ANSWER ? (uint32_t)rc : CONTROL_ANSWER;
    c->at = 0;
    client_write(c);
}

static void client_event(void *ctx, uint32_t events)
{
    struct client *c = ctx;
    if (c->answer) {
        if (events & (EPOLLERR | EPOLLHUP))
            client_drop(c);
        else
            client_write(c);
        return;
    }
    ssize_t k = recv(c->watch.fd, c->line + c->n, sizeof c->line - c->n, MSG_DONTWAIT);
    if (k < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (k <= 0) {
        client_drop(c);
        return;
    }
    c->n += (uint32_t)k;
    const char *end = memchr(c->line, '\n', c->n);
    if (end)
        client_answer(c, (uint32_t)(end - c->line));
    else if (c->n == sizeof c->line)
        client_drop(c);
}

static void control_event(void *ctx, uint32_t events)
{
    struct control *o = ctx;
    int fd = accept4(o->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), i = 0;
    while (i < CONTROL_CLIENTS && o->clients[i])
        i++;
    struct client *c = fd >= 0 && i < CONTROL_CLIENTS ? calloc(1, sizeof *c) : NULL;
    if (!c || loop_watch(o->loop, &c->watch, fd, EPOLLIN, client_event, c) < 0) {
        free(c);
        if (fd >= 0)
            close(fd);
        return;
    }
    c->control = o;
    o->clients[i] = c;
}

static int control_address(struct sockaddr_un *a, const char *path)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    return str_copy(a->sun_path, sizeof a->sun_path, str_of(path)) ? OK : ERR_RANGE;
}

static int control_socket(const struct sockaddr_un *a, int *out)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    if (connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || errno == EAGAIN) {
        close(fd);
        return ERR_EXISTS;
    }
    if (errno == ECONNREFUSED)
        unlink(a->sun_path); /* of a process that is gone */
    mode_t was = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)a, sizeof *a) < 0 || listen(fd, CONTROL_CLIENTS) < 0
                 ? err_from_errno(errno)
                 : OK;
    umask(was);
    if (rc < 0)
        close(fd);
    else
        *out = fd;
    return rc;
}

int control_open(struct control **out, struct loop *loop, const char *path, control_fn *fn,
                 void *ctx)
{
    struct control *o = calloc(1, sizeof *o);
    int fd = -1;
    if (!o)
        return ERR_NOSPACE;
    *o = (struct control){.loop = loop, .fn = fn, .ctx = ctx};
    int rc = control_address(&o->at, path);
    if (rc == OK)
        rc = control_socket(&o->at, &fd);
    if (rc == OK)
        rc = loop_watch(loop, &o->watch, fd, EPOLLIN, control_event, o);
    if (rc < 0) {
        if (fd >= 0)
            close(fd);
        free(o);
        return rc;
    }
    *out = o;
    return OK;
}

void control_free(struct control *o)
{
    if (!o)
        return;
    for (int i = 0; i < CONTROL_CLIENTS; i++)
        if (o->clients[i])
            client_drop(o->clients[i]);
    int fd = o->watch.fd;
    loop_unwatch(&o->watch);
    close(fd);
    unlink(o->at.sun_path);
    free(o);
}

int control_ask(const char *path, const char *line, char *out, uint32_t cap, uint32_t timeout_ms)
{
    struct sockaddr_un a;
    int rc = control_address(&a, path);
    int fd = rc == OK ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return rc < 0 ? rc : err_from_errno(errno);
    struct timeval tv = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    struct iovec v[2] = {{(void *)(uintptr_t)line, strlen(line)}, {(void *)(uintptr_t) "\n", 1}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        rc = errno == ECONNREFUSED ? ERR_NOTFOUND : err_from_errno(errno);
    else if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
        rc = err_from_errno(errno);
    uint32_t n = 0;
    for (ssize_t k = 1; rc == OK && k > 0 && n + 1 < cap; n += (uint32_t)k) {
        k = recv(fd, out + n, cap - 1 - n, 0);
        if (k < 0) {
            rc = errno == EAGAIN ? ERR_TIMEOUT : err_from_errno(errno);
            k = 0;
        }
    }
    close(fd);
    out[n] = 0;
    return rc < 0 ? rc : (int)n;
}
