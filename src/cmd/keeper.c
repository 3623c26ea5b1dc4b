/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/keeper.h"
#include "cmd/policies.h"
#include "os/file.h"
#include "os/n6_table.h"
#include "os/sandbox.h"
#include "os/xdp.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUEST_POLICY = 0x80 }; /* and the index of the file in trust.policies, below 64 */
enum request { REQUEST_LOG = 'l', REQUEST_CONFIG = 'c', REQUEST_VICI = 'v', REQUEST_CLEAN = 'e' };
enum { PATIENCE_S = 5 };

/* ---- the keeper ---- */
struct keeps {
    int fd;
    const struct config *config;
    const char *file;
};

static void reply(int fd, int what) /* a descriptor, which is closed, or an error */
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    int error = what < 0 ? what : OK;
    struct iovec v = {&error, sizeof error};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    if (what >= 0) {
        m.msg_control = control.room;
        m.msg_controllen = sizeof control.room;
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        *h = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof what)};
        memcpy(CMSG_DATA(h), &what, sizeof what);
    }
    sendmsg(fd, &m, MSG_NOSIGNAL);
    if (what >= 0)
        close(what);
}

static int log_open(const struct config *c)
{
    if (!c->control.log_file.n)
        return ERR_NOTFOUND;
    int fd = open(c->control.log_file.p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    return fd < 0 ? err_from_errno(errno) : fd;
}
static int config_open(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? err_from_errno(errno) : fd;
}
static int policy_open(const struct config *c, uint32_t index)
{
    char path[POLICY_PATH], name[4100];
    if (index >= c->trust.n_policies)
        return ERR_NOTFOUND;
    str_copy(name, sizeof name, c->trust.policies[index]);
    int fd = open(policy_path(name, path), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? err_from_errno(errno) : fd;
}
int vici_connect(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = *path && str_copy(a.sun_path, sizeof a.sun_path, str_of(path)) ? socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return *path ? err_from_errno(errno) : ERR_NOTFOUND;
    if (connect(fd, (const struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    int e = errno == ECONNREFUSED || errno == ENOENT ? ERR_NOTFOUND : err_from_errno(errno);
    close(fd);
    return e;
}
static int clean_up(const struct config *c)
{
    for (uint32_t i = 0; i < c->upf.n_n6; i++)
        if (c->upf.n6[i].tun.n)
            n6_table_stop(NULL, c->upf.n6[i].tun.p);
    if (c->upf.pin.n)
        xdp_unpin(c->upf.pin.p);
    return unlink(c->control.socket.p) < 0 ? err_from_errno(errno) : ERR_STATE; /* an answer without a descriptor */
}

static void keep(const struct keeps *k)
{
    char what;
    while (recv(k->fd, &what, 1, 0) == 1) {
        if (what == REQUEST_LOG)
            reply(k->fd, log_open(k->config));
        else if (what == REQUEST_CONFIG)
            reply(k->fd, config_open(k->file));
        else if (what == REQUEST_VICI)
            reply(k->fd, k->config->trust.vici.n ? vici_connect(k->config->trust.vici.p) : ERR_NOTFOUND);
        else if ((uint8_t)what >= REQUEST_POLICY)
            reply(k->fd, policy_open(k->config, (uint8_t)what - REQUEST_POLICY));
        else if (what == REQUEST_CLEAN)
            reply(k->fd, clean_up(k->config));
    }
}

/* Nothing of the core's is left open in it, and what ends the core at a terminal does not end it. */
static void settle(int fd)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        signal(ignored[i], SIG_IGN);
    prctl(PR_SET_NAME, "redoubt-keeper");
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3 && null >= 0; i++)
        dup2(null, i);
    dup2(fd, 3);
    close_range(4, ~0u, 0);
    fcntl(3, F_SETFD, FD_CLOEXEC);
}

int keeper_start(struct keeper *k, const struct config *config, const char *file)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return err_from_errno(errno);
    pid_t pid = fork();
    if (pid == 0) {
        settle(fds[1]);
        keep(&(struct keeps){3, config, file});
        _exit(0);
    }
    int e = pid < 0 ? err_from_errno(errno) : OK;
    close(fds[1]);
    if (e < 0) {
        close(fds[0]);
        return e;
    }
    setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = PATIENCE_S}, sizeof(struct timeval));
    *k = (struct keeper){pid, fds[0]};
    return OK;
}

/* ---- the core ---- */
static int ask(struct keeper *k, int what)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    char octet = (char)what;
    int error = ERR_IO, fd = -1;
    struct iovec v = {&error, sizeof error};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    if (!k->pid || send(k->fd, &octet, 1, MSG_NOSIGNAL) != 1 || recvmsg(k->fd, &m, MSG_CMSG_CLOEXEC) != sizeof error)
        return ERR_IO;
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    if (h && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(h), sizeof fd);
    return error < 0 ? error : fd >= 0 ? fd : ERR_IO;
}
int keeper_log(struct keeper *k) { return ask(k, REQUEST_LOG); }
int keeper_policy(struct keeper *k, uint32_t index) { return ask(k, (int)(REQUEST_POLICY + index % 64)); }
int keeper_vici(struct keeper *k) { return ask(k, REQUEST_VICI); }
int keeper_config(struct keeper *k) { return ask(k, REQUEST_CONFIG); }

void keeper_end(struct keeper *k, bool clean)
{
    if (!k->pid)
        return;
    if (clean)
        ask(k, REQUEST_CLEAN);
    close(k->fd);
    while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    k->pid = 0;
}
