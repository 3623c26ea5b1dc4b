/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - processes that we start, read and end: by their pid, never by a name, and the kernel ends them when we
 * are killed. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <sys/types.h>

enum { CHILD_LINE = 4096 };
struct child {
    pid_t pid; /* 0: none */
    int fd;    /* what it writes to its standard output and error; -1: closed */
    int status; /* of waitpid(), once ended */
    bool ended;
    uint32_t n;
    char buf[CHILD_LINE];
};
/* Starts our own binary with these words (argv[0] is the command; NULL ends) in a network namespace (NULL: this one). */
int child_start(struct child *, const char *netns, const char *const *argv);
/* Runs a function instead, whose result is the exit status. */
int child_fork(struct child *, const char *netns, int (*fn)(void *ctx), void *ctx);
/* Reads what there is and gives whole lines, without newline, to `line`. False when it has closed its output. */
bool child_read(struct child *, void (*line)(void *ctx, struct str), void *ctx);
/* True while it runs. */
bool child_runs(struct child *);
/* Waits for its end: its exit status, 128 + signal, or ERR_TIMEOUT. */
int child_wait(struct child *, uint32_t timeout_ms);
/* SIGTERM, and SIGKILL when that is not enough. Safe when it was never started or has ended. */
void child_end(struct child *);
