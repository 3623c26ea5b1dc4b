/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - runs the real binary, whose path is the test's argument, and reads what it says. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND_TEXT = 262144, COMMAND_WORDS = 32 };
struct command {
    pid_t pid;
    int out_fd, err_fd;
    int status; /* exit status; -1: it was killed */
    char out[COMMAND_TEXT], err[COMMAND_TEXT];
    size_t out_n, err_n;
};

/* argv[0] is the binary; ends with NULL. */
static inline void command_start(struct command *c, const char *const *argv)
{
    int out[2], err[2];
    memset(c, 0, sizeof *c);
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        abort();
    pid_t parent = getpid();
    c->pid = fork();
    if (c->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(126);
        dup2(out[1], 1);
        dup2(err[1], 2);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    c->out_fd = out[0];
    c->err_fd = err[0];
}

/* A line of /proc/PID/status, as a number in this base; -1: there is none. */
static inline long long command_status(pid_t pid, const char *key, int base)
{
    char path[64], line[256];
    size_t n = strlen(key);
    long long value = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && value < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, key, n) == 0 && line[n] == ':')
            value = strtoll(line + n + 1, NULL, base);
    if (f)
        fclose(f);
    return value;
}

static inline double command_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Reads on until a stream holds `text` (NULL: until both end); false when the time is up or both ended before. */
static inline bool command_read(struct command *c, const char *text, double seconds)
{
    double end = command_now() + seconds;
    for (;;) {
        if (text && (strstr(c->out, text) || strstr(c->err, text)))
            return true;
        struct pollfd p[2] = {{c->out_fd, POLLIN, 0}, {c->err_fd, POLLIN, 0}};
        double left = end - command_now();
        if ((c->out_fd < 0 && c->err_fd < 0) || left <= 0)
            return !text && left > 0;
        if (poll(p, 2, (int)(left * 1000) + 1) <= 0)
            continue;
        for (int i = 0; i < 2; i++) {
            int *fd = i ? &c->err_fd : &c->out_fd;
            char *to = i ? c->err : c->out;
            size_t *n = i ? &c->err_n : &c->out_n;
            if (*fd < 0 || !p[i].revents)
                continue;
            ssize_t k = read(*fd, to + *n, COMMAND_TEXT - 1 - *n);
            if (k <= 0) {
                close(*fd);
                *fd = -1;
                continue;
            }
            *n += (size_t)k;
        }
    }
}

/* Waits for its end; kills it by its pid when the time is up. */
static inline int command_end(struct command *c, double seconds)
{
    int s = 0;
    if (!command_read(c, NULL, seconds))
        kill(c->pid, SIGKILL);
    while (waitpid(c->pid, &s, 0) < 0 && errno == EINTR)
        ;
    c->status = WIFEXITED(s) ? WEXITSTATUS(s) : -1;
    if (c->out_fd >= 0)
        close(c->out_fd);
    if (c->err_fd >= 0)
        close(c->err_fd);
    c->out_fd = c->err_fd = -1;
    return c->status;
}

/* Words after the binary, ended by NULL. */
static inline int command_run(struct command *c, const char *binary, ...)
{
    const char *argv[COMMAND_WORDS] = {binary};
    va_list ap;
    va_start(ap, binary);
    for (int n = 1; n < COMMAND_WORDS - 1 && (argv[n] = va_arg(ap, const char *)); n++)
        ;
    va_end(ap);
    command_start(c, argv);
    return command_end(c, 20);
}
