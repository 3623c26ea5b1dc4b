/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/child.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/netns.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the new process: its own signals, output and network, and an end with its parent. */
static int settle(pid_t parent, int netns_fd, int out_fd)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the parent, which ends us in order */
    signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDONLY);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || null < 0)
        return ERR_IO;
    dup2(null, STDIN_FILENO);
    dup2(out_fd, STDOUT_FILENO);
    dup2(out_fd, STDERR_FILENO);
    if (netns_fd >= 0 && setns(netns_fd, CLONE_NEWNET) < 0)
        return err_from_errno(errno);
    close_range(3, ~0u, 0); /* a lock or a pipe of the parent's must not live on in us */
    return OK;
}

static int start(struct child *c, const char *netns, int (*fn)(void *), void *ctx)
{
    int fds[2], netns_fd = netns ? netns_open(netns) : -1;
    *c = (struct child){.fd = -1};
    if (netns && netns_fd < 0)
        return netns_fd;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_from_errno(errno);
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        int e = settle(parent, netns_fd, fds[1]);
        if (e == OK)
            _exit(fn(ctx));
        dprintf(fds[1], "the process could not be set up: %s\n", err_text(e));
        _exit(126);
    }
    int e = pid < 0 ? err_from_errno(errno) : OK;
    close(fds[1]);
    if (netns_fd >= 0)
        close(netns_fd);
    if (e < 0) {
        close(fds[0]);
        return e;
    }
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    fcntl(fds[0], F_SETPIPE_SZ, 1 << 20); /* who writes must not wait for us; less is fine */
    c->pid = pid;
    c->fd = fds[0];
    return OK;
}

static int exec_self(void *ctx)
{
    char *const *argv = ctx;
    execv("/proc/self/exe", argv);
    return 127;
}

int child_start(struct child *c, const char *netns, const char *const *argv)
{
    enum { WORDS = 128 };
    const char *words[WORDS] = {"redoubt"};
    uint32_t n = 0;
    for (; argv[n]; n++) {
        if (n + 2 == WORDS)
            return ERR_RANGE;
        words[n + 1] = argv[n];
    }
    return start(c, netns, exec_self, words);
}

int child_fork(struct child *c, const char *netns, int (*fn)(void *), void *ctx) { return start(c, netns, fn, ctx); }

bool child_read(struct child *c, void (*line)(void *, struct str), void *ctx)
{
    while (c->fd >= 0) {
        ssize_t k = read(c->fd, c->buf + c->n, sizeof c->buf - c->n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && errno == EAGAIN)
            return true;
        if (k <= 0) {
            close(c->fd);
            c->fd = -1;
            break;
        }
        c->n += (uint32_t)k;
        uint32_t at = 0;
        for (char *end; (end = memchr(c->buf + at, '\n', c->n - at)); at = (uint32_t)(end - c->buf) + 1)
            line(ctx, (struct str){c->buf + at, (uint32_t)(end - c->buf) - at});
        if (at == 0 && c->n == sizeof c->buf) /* longer than a line may be: what there is of it */
            line(ctx, (struct str){c->buf, at = c->n});
        memmove(c->buf, c->buf + at, c->n - at);
        c->n -= at;
    }
    return false;
}

bool child_runs(struct child *c)
{
    if (!c->pid || c->ended)
        return false;
    pid_t r = waitpid(c->pid, &c->status, WNOHANG);
    c->ended = r == c->pid || (r < 0 && errno == ECHILD);
    return !c->ended;
}

int child_wait(struct child *c, uint32_t timeout_ms)
{
    uint64_t end = loop_now_us() + (uint64_t)timeout_ms * 1000;
    while (child_runs(c)) {
        if (loop_now_us() >= end)
            return ERR_TIMEOUT;
        usleep(2000);
    }
    return WIFEXITED(c->status) ? WEXITSTATUS(c->status) : 128 + WTERMSIG(c->status);
}

void child_end(struct child *c)
{
    enum { PATIENCE_MS = 3000 };
    if (child_runs(c)) {
        kill(c->pid, SIGTERM);
        if (child_wait(c, PATIENCE_MS) == ERR_TIMEOUT) {
            kill(c->pid, SIGKILL);
            child_wait(c, PATIENCE_MS);
        }
    }
    if (c->pid && c->fd >= 0)
        close(c->fd);
    *c = (struct child){.fd = -1};
}
