/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/sweeper.h"
#include "os/file.h"
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void serve(int fd, void (*deed)(void *, uint8_t), void *ctx)
{
    uint8_t number;
    sigset_t all;
    sigfillset(&all); /* Ctrl-C is for the parent */
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, "redoubt-sweeper");
    if (fd != 3)
        dup2(fd, 3); /* what was there before is not ours */
    close_range(4, ~0u, 0);
    while (read(3, &number, 1) == 1) {
        deed(ctx, number);
        if (send(3, &number, 1, MSG_NOSIGNAL) != 1)
            break;
    }
}
int sweeper_start(struct sweeper *s, void (*deed)(void *, uint8_t), void *ctx)
{
    int fds[2];
    *s = (struct sweeper){.fd = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return err_from_errno(errno);
    pid_t pid = fork();
    if (pid == 0) {
        serve(fds[1], deed, ctx);
        _exit(0);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return err_from_errno(errno);
    }
    *s = (struct sweeper){pid, fds[0]};
    return OK;
}
void sweeper_do(struct sweeper *s, uint8_t number)
{
    if (s->pid && send(s->fd, &number, 1, MSG_NOSIGNAL) == 1)
        while (recv(s->fd, &number, 1, 0) < 0 && errno == EINTR)
            ;
}
void sweeper_end(struct sweeper *s)
{
    if (!s->pid)
        return;
    close(s->fd);
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *s = (struct sweeper){.fd = -1};
}
