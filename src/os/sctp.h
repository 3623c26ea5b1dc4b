/* SPDX-License-Identifier: Apache-2.0 */
/* sctp.h - SCTP associations for one loop, by the kernel or in user space. Ordered messages only.
 * The sink, the local side and the numbering of associations are those of rt/env.h; sinks are
 * called in the loop's thread and may call anything here, except sctp_free(). RFC 9260, RFC 6458;
 * TS 38.412 clause 7. */
#pragma once
#include "os/loop.h"
#include "rt/env.h"

enum sctp_mode {
    SCTP_MODE_AUTO,   /* the kernel's where it has one, else user space */
    SCTP_MODE_KERNEL, /* one-to-one style sockets */
    SCTP_MODE_USER,   /* libusrsctp over raw IP sockets: needs CAP_NET_RAW */
};
struct sctp_conf { /* 0 in a field: the default in brackets */
    enum sctp_mode mode;
    uint32_t max_assocs;  /* [1024] */
    uint32_t max_message; /* octets, both ways [262144] */
    uint32_t send_queue; /* octets a peer may leave unread before sctp_send says ERR_FULL [1 MiB] */
    uint32_t rto_initial_ms; /* [500] */
    uint32_t rto_min_ms;     /* [250]: above the 200 ms by which most peers delay a SACK */
    uint32_t rto_max_ms;     /* [2000] */
    uint32_t heartbeat_ms;   /* [2000] */
    uint32_t sack_delay_ms;  /* [20] an answer usually carries the SACK before */
    uint16_t assoc_retrans;  /* failed in a row before the association is lost [5] */
    uint16_t init_retrans;   /* [4] */
    uint16_t path_mtu;       /* octets with the IP header, at least 512 [1400]; user space only */
};
struct sctp_counts {
    uint64_t rx_packets, tx_packets; /* user space only */
    uint64_t rx_messages, tx_messages;
    uint64_t rx_bad;  /* refused before SCTP saw it: short, wrong checksum */
    uint64_t tx_full; /* ERR_FULL */
    uint64_t path_switches;
};

struct sctp; /* one per loop */
struct sctp_ops {
    const char *name; /* "kernel", "userspace" */
    int (*listen)(struct sctp *, const struct sctp_local *, const struct sctp_sink *);
    int (*connect)(struct sctp *, const struct sctp_local *, const struct net_addr *peers,
                   uint32_t n_peers, const struct sctp_sink *, uint64_t *assoc);
    int (*send)(struct sctp *, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes);
    void (*close)(struct sctp *, uint64_t assoc, bool abort);
    void (*free)(struct sctp *);
    uint64_t (*cpu_us)(struct sctp *);
};
struct sctp { /* first member of both */
    const struct sctp_ops *ops;
    struct sctp_counts counts;
};
/* Sockets belong to the network namespace that the thread is in at listen and connect.
 * ERR_UNSUPPORTED: no such SCTP here; ERR_DENIED: no right to raw sockets. */
int sctp_open(struct sctp **, struct loop *, const struct sctp_conf *);
/* ABORTs what is open, without down(). */
void sctp_free(struct sctp *);

/* n_addrs addresses with one port. An address of all zeros is "any" and must be alone; without
 * addresses: any, v4, with the port chosen. ERR_EXISTS, ERR_DENIED, ERR_NOTFOUND (no such address
 * here), ERR_FULL, ERR_IO. */
static inline int sctp_listen(struct sctp *s, const struct sctp_local *l, const struct sctp_sink *k)
{
    return s->ops->listen(s, l, k);
}
/* Answers at once; up() or down() follows from the loop, never from within. l: NULL or port 0:
 * chosen. */
static inline int sctp_connect(struct sctp *s, const struct sctp_local *l,
                               const struct net_addr *peers, uint32_t n_peers,
                               const struct sctp_sink *k, uint64_t *assoc)
{
    return s->ops->connect(s, l, peers, n_peers, k, assoc);
}
/* ERR_FULL, ERR_NOTFOUND, ERR_STATE (not up yet), ERR_RANGE (stream or size). Copies. */
static inline int sctp_send_message(struct sctp *s, uint64_t assoc, uint16_t stream, uint32_t ppid,
                                    struct bytes m)
{
    return s->ops->send(s, assoc, stream, ppid, m);
}
static inline void sctp_close(struct sctp *s, uint64_t assoc, bool abort)
{
    s->ops->close(s, assoc, abort);
}
/* CPU time spent on SCTP by this process so far: our calls into it and its threads. */
static inline uint64_t sctp_cpu_us(struct sctp *s)
{
    return s->ops->cpu_us(s);
}
static inline const char *sctp_name(const struct sctp *s)
{
    return s->ops->name;
}

/* The two constructors behind sctp_open. */
int sctp_kernel_open(struct sctp **, struct loop *, const struct sctp_conf *);
int sctp_user_open(struct sctp **, struct loop *, const struct sctp_conf *);
