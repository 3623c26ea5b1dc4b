/* SPDX-License-Identifier: Apache-2.0 */
/* netlink.h - one rtnetlink request and its acknowledgement; inside os/ only. */
#pragma once
#include "base/bytes.h"
#include <linux/rtnetlink.h>

struct netlink {
    bool too_long;
    uint32_t n;
    uint8_t buf[1024] __attribute__((aligned(8)));
};
/* The fixed part of `type`: ifinfomsg, ifaddrmsg, rtmsg. NLM_F_REQUEST and NLM_F_ACK are set
 * anyway. */
void netlink_begin(struct netlink *, uint16_t type, uint16_t flags, const void *fixed, size_t n);
void netlink_put(struct netlink *, uint16_t type, const void *value, size_t n);
void netlink_raw(struct netlink *, const void *value,
                 size_t n); /* no attribute header: within a nest */
uint32_t netlink_nest(struct netlink *, uint16_t type);
void netlink_close(struct netlink *, uint32_t nest);
/* In the calling thread's namespace: what the kernel answered, as an error of ours. */
int netlink_talk(struct netlink *);
