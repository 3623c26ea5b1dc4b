/* SPDX-License-Identifier: Apache-2.0 */
#include "os/netlink.h"
#include "os/file.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void netlink_raw(struct netlink *m, const void *value, size_t n)
{
    size_t padded = (n + 3) & ~(size_t)3;
    if (m->too_long || padded > sizeof m->buf - m->n) {
        m->too_long = true;
        return;
    }
    if (n)
        memcpy(m->buf + m->n, value, n);
    memset(m->buf + m->n + n, 0, padded - n);
    m->n += (uint32_t)padded;
}

void netlink_begin(struct netlink *m, uint16_t type, uint16_t flags, const void *fixed, size_t n)
{
    struct nlmsghdr h = {.nlmsg_type = type,
                         .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | NLM_F_ACK),
                         .nlmsg_seq = 1};
    m->n = 0;
    m->too_long = false;
    netlink_raw(m, &h, sizeof h);
    netlink_raw(m, fixed, n);
}

void netlink_put(struct netlink *m, uint16_t type, const void *value, size_t n)
{
    struct rtattr a = {.rta_len = (uint16_t)(sizeof a + n), .rta_type = type};
    netlink_raw(m, &a, sizeof a);
    netlink_raw(m, value, n);
}

uint32_t netlink_nest(struct netlink *m, uint16_t type)
{
    uint32_t at = m->n;
    netlink_put(m, type, NULL, 0);
    return at;
}

void netlink_close(struct netlink *m, uint32_t nest)
{
    uint16_t n = (uint16_t)(m->n - nest);
    if (!m->too_long)
        memcpy(m->buf + nest, &n, sizeof n);
}

static int netlink_answer(int fd)
{
    union {
        struct nlmsghdr h;
        uint8_t octets[4096];
    } in;
    for (;;) {
        ssize_t n = recv(fd, &in, sizeof in, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        unsigned left = (unsigned)n;
        for (struct nlmsghdr *h = &in.h; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
            if (h->nlmsg_type == NLMSG_ERROR &&
                h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
                const struct nlmsgerr *e = NLMSG_DATA(h);
                return e->error == -EINVAL ? ERR_CONFIG : err_from_errno(-e->error);
            }
    }
}

int netlink_talk(struct netlink *m)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (m->too_long)
        return ERR_RANGE;
    memcpy(m->buf, &m->n, sizeof m->n); /* nlmsg_len */
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return err_from_errno(errno);
    int rc = sendto(fd, m->buf, m->n, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0
                 ? err_from_errno(errno)
                 : netlink_answer(fd);
    close(fd);
    return rc;
}
