/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - one thread's event loop over epoll: descriptors, wake-ups from other threads, signals.
 * It has no timers of its own: before it sleeps it asks the turn function, which does what is due
 * and says when to come back. */
#pragma once
#include "base/err.h"
#include "base/bytes.h"
#include "base/list.h"
#include <signal.h>
#include <sys/epoll.h>

struct loop;
/* events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP as epoll reports them. */
typedef void loop_fd_fn(void *ctx, uint32_t events);
/* A watched descriptor; embedded in its owner, which keeps it in place until loop_unwatch(). The
 * loop does not close the descriptor. */
struct loop_watch {
    int fd;
    loop_fd_fn *fn;
    void *ctx;
    struct loop *loop; /* NULL: not watched */
};
/* Does what is due; the answer is loop_now_us() of the next deadline, UINT64_MAX: none, 0: again at
 * once. */
typedef uint64_t loop_turn_fn(void *ctx);

int loop_open(struct loop **); /* OK, ERR_NOSPACE, ERR_IO */
void loop_free(struct loop *); /* NULL is fine; watches must be gone or never be used again */
uint64_t loop_now_us(void);    /* CLOCK_MONOTONIC */

int loop_watch(struct loop *, struct loop_watch *, int fd, uint32_t events, loop_fd_fn *,
               void *ctx);
int loop_rewatch(struct loop_watch *, uint32_t events); /* other events, same descriptor */
void loop_unwatch(struct loop_watch *); /* also from within a callback; no event follows */

/* Turn functions run in the order in which they were added, before every sleep. At most 8:
 * ERR_FULL. */
int loop_on_turn(struct loop *, loop_turn_fn *, void *ctx);
void loop_off_turn(struct loop *, loop_turn_fn *, void *ctx);
/* Work for the end of this turn, after the turn functions and before the sleep: what is sent leaves
 * then, together; the turn functions run once more after it. Embedded in its owner; asking twice is asking once. */
struct loop_flush {
    struct link link;
    void (*fn)(void *ctx);
    void *ctx;
};
void loop_flush_soon(struct loop *, struct loop_flush *);
static inline void loop_flush_cancel(struct loop_flush *f)
{
    list_remove(&f->link);
}
/* Called in the loop's thread after one or more loop_wake(). One function. */
void loop_on_wake(struct loop *, void (*)(void *ctx), void *ctx);
void loop_wake(struct loop *); /* from any thread or signal handler */
/* Blocks these signals in the calling thread (call before others start) and has them delivered as
 * calls. */
int loop_on_signals(struct loop *, const sigset_t *, void (*)(void *ctx, int signo), void *ctx);

/* Until loop_stop(). 0, or ERR_IO when epoll itself fails. */
int loop_run(struct loop *);
/* One sleep of at most max_wait_us and the events it brought; for tests and for other loops. The
 * number of events. */
int loop_once(struct loop *, uint64_t max_wait_us);
void loop_stop(struct loop *); /* from any thread: loop_run() returns after the events at hand */
/* To sleep within another loop: readable when this one has events. Deadlines are then the caller's
 * concern. */
int loop_fd(const struct loop *);
