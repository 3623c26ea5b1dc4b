/* SPDX-License-Identifier: Apache-2.0 */
#include "os/loop.h"
#include "os/file.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { LOOP_BATCH = 64, LOOP_TURNS = 8 };
struct turn {
    loop_turn_fn *fn;
    void *ctx;
};
struct loop {
    int epoll, wake_fd, signal_fd;
    struct loop_watch wake_watch, signal_watch;
    void (*on_wake)(void *);
    void *wake_ctx;
    void (*on_signal)(void *, int);
    void *signal_ctx;
    struct turn turns[LOOP_TURNS];
    uint32_t n_turns;
    struct link flushes; /* struct loop_flush */
    struct epoll_event events[LOOP_BATCH];
    int n_events, at_event; /* the batch at hand, for loop_unwatch() */
    bool no_pwait2;
    atomic_bool stop, asked; /* asked: by loop_wake(), not by loop_stop() */
};

uint64_t loop_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void wake_arrived(void *ctx, uint32_t events)
{
    struct loop *l = ctx;
    uint64_t count;
    if (read(l->wake_fd, &count, sizeof count) == sizeof count &&
        atomic_exchange(&l->asked, false) && l->on_wake)
        l->on_wake(l->wake_ctx);
}

int loop_open(struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOSPACE;
    l->signal_fd = -1;
    list_init(&l->flushes);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->epoll < 0 || l->wake_fd < 0 ||
        loop_watch(l, &l->wake_watch, l->wake_fd, EPOLLIN, wake_arrived, l) < 0) {
        loop_free(l);
        return ERR_IO;
    }
    *out = l;
    return OK;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    if (l->epoll >= 0)
        close(l->epoll);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    if (l->signal_fd >= 0)
        close(l->signal_fd);
    free(l);
}

int loop_watch(struct loop *l, struct loop_watch *w, int fd, uint32_t events, loop_fd_fn *fn,
               void *ctx)
{
    struct epoll_event e = {.events = events, .data.ptr = w};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
        return err_from_errno(errno);
    *w = (struct loop_watch){.fd = fd, .fn = fn, .ctx = ctx, .loop = l};
    return OK;
}

int loop_rewatch(struct loop_watch *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};
    if (!w->loop)
        return ERR_STATE;
    return epoll_ctl(w->loop->epoll, EPOLL_CTL_MOD, w->fd, &e) < 0 ? ERR_IO : OK;
}

void loop_unwatch(struct loop_watch *w)
{
    struct loop *l = w->loop;
    if (!l)
        return;
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    /* Its events that epoll_wait has already handed out must not reach a watch that may be freed
     * memory. */
    for (int i = l->at_event; i < l->n_events; i++)
        if (l->events[i].data.ptr == w)
            l->events[i].data.ptr = NULL;
    w->loop = NULL;
}

int loop_on_turn(struct loop *l, loop_turn_fn *fn, void *ctx)
{
    if (l->n_turns == LOOP_TURNS)
        return ERR_FULL;
    l->turns[l->n_turns++] = (struct turn){fn, ctx};
    return OK;
}

void loop_off_turn(struct loop *l, loop_turn_fn *fn, void *ctx)
{
    for (uint32_t i = 0; i < l->n_turns; i++)
        if (l->turns[i].fn == fn && l->turns[i].ctx == ctx) {
            memmove(&l->turns[i], &l->turns[i + 1], (l->n_turns - i - 1) * sizeof l->turns[0]);
            l->n_turns--;
            return;
        }
}

void loop_flush_soon(struct loop *l, struct loop_flush *f)
{
    if (!link_is_on(&f->link))
        list_append(&l->flushes, &f->link);
}

void loop_on_wake(struct loop *l, void (*fn)(void *), void *ctx)
{
    l->on_wake = fn;
    l->wake_ctx = ctx;
}

static void poke(struct loop *l)
{
    uint64_t one = 1;
    /* The counter being full means that a wake-up is pending: nothing is lost. */
    if (write(l->wake_fd, &one, sizeof one) < 0)
        return;
}
void loop_wake(struct loop *l)
{
    atomic_store(&l->asked, true);
    poke(l);
}

static void signal_arrived(void *ctx, uint32_t events)
{
    struct loop *l = ctx;
    struct signalfd_siginfo info;
    while (read(l->signal_fd, &info, sizeof info) == sizeof info)
        l->on_signal(l->signal_ctx, (int)info.ssi_signo);
}

int loop_on_signals(struct loop *l, const sigset_t *set, void (*fn)(void *, int), void *ctx)
{
    if (pthread_sigmask(SIG_BLOCK, set, NULL) != 0)
        return ERR_IO;
    int fd = signalfd(l->signal_fd, set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_from_errno(errno);
    l->on_signal = fn;
    l->signal_ctx = ctx;
    if (l->signal_fd >= 0)
        return OK;
    l->signal_fd = fd;
    return loop_watch(l, &l->signal_watch, fd, EPOLLIN, signal_arrived, l);
}

static int wait_for_events(struct loop *l, uint64_t wait_us)
{
    if (!l->no_pwait2) {
        struct timespec t = {.tv_sec = (time_t)(wait_us / 1000000u),
                             .tv_nsec = (long)(wait_us % 1000000u) * 1000};
        int n =
            epoll_pwait2(l->epoll, l->events, LOOP_BATCH, wait_us == UINT64_MAX ? NULL : &t, NULL);
        if (n >= 0 || errno != ENOSYS)
            return n;
        l->no_pwait2 = true; /* Linux before 5.11 */
    }
    int ms = wait_us > 3600000000u ? 3600000 : (int)((wait_us + 999) / 1000);
    return epoll_wait(l->epoll, l->events, LOOP_BATCH, wait_us == UINT64_MAX ? -1 : ms);
}

static uint64_t turns_run(struct loop *l)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < l->n_turns; i++) {
        uint64_t at = l->turns[i].fn(l->turns[i].ctx);
        next = at < next ? at : next;
    }
    return next;
}

int loop_once(struct loop *l, uint64_t max_wait_us)
{
    uint64_t next = turns_run(l), wait_us = max_wait_us;
    while (!list_empty(&l->flushes)) {
        for (struct link *it; (it = list_pop(&l->flushes));) {
            struct loop_flush *f = CONTAINER(it, struct loop_flush, link);
            f->fn(f->ctx);
        }
        next = turns_run(l); /* what leaves may bring an answer at once */
    }
    if (next != UINT64_MAX) {
        uint64_t now = next ? loop_now_us() : 0, left = next > now ? next - now : 0;
        wait_us = left < wait_us ? left : wait_us;
    }
    if (atomic_load_explicit(&l->stop, memory_order_relaxed))
        return 0;
    int n = wait_for_events(l, wait_us);
    if (n < 0)
        return errno == EINTR ? 0 : ERR_IO;
    l->n_events = n;
    for (l->at_event = 0; l->at_event < l->n_events;) {
        struct epoll_event *e = &l->events[l->at_event++];
        struct loop_watch *w = e->data.ptr;
        if (w)
            w->fn(w->ctx, e->events);
    }
    l->n_events = l->at_event = 0;
    return n;
}

int loop_run(struct loop *l)
{
    int rc = 0;
    while (rc >= 0 && !atomic_load(&l->stop))
        rc = loop_once(l, UINT64_MAX);
    atomic_store(&l->stop, false);
    wake_arrived(l, 0); /* what loop_stop() wrote must not end the sleep of a next run */
    return rc < 0 ? rc : OK;
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stop, true);
    poke(l);
}

int loop_fd(const struct loop *l)
{
    return l->epoll;
}
