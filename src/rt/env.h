/* SPDX-License-Identifier: Apache-2.0 */
/* env.h - the outside world as the network functions see it. os/ implements it with the kernel, sim/ with a
 * virtual clock and links that fail by seed. Nothing above this line may ask the kernel for time, randomness,
 * packets or disks. All calls come from, and all sinks are called on, the one thread of the shard. */
#pragma once
#include "base/addr.h"

struct env;

/* ---- SCTP associations (N2; TS 38.412) ---- */
struct sctp_sink {
    void *ctx;
    /* A new association, accepted or connected. `streams` outbound streams may be used, at least 1. */
    void (*up)(void *ctx, uint64_t assoc, const struct net_addr *peer, uint16_t streams);
    /* One whole message. The octets live until the sink returns. */
    void (*message)(void *ctx, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes);
    /* The association is gone: the number is not used again. Also the answer to a connect that failed. */
    void (*down)(void *ctx, uint64_t assoc, const char *reason);
};
struct sctp_local {
    const struct net_addr *addrs; /* more than one: multi-homing */
    uint32_t n_addrs;
    uint16_t streams; /* asked for in each direction */
};
/* ---- UDP sockets (N4, and N3 of the simulated RAN) ---- */
struct udp_sink {
    void *ctx;
    void (*datagram)(void *ctx, int sock, const struct net_addr *from, struct bytes);
};
/* ---- IP or Ethernet interfaces (a phone's) ---- */
struct tun_config {
    const char *name;  /* interface name, at most 15 octets */
    const char *netns; /* named network namespace, NULL for this one */
    struct net_addr addr4, addr6; /* family 0: none; addr6 is the interface's address in its /64 */
    struct net_addr dns4;         /* family 0: none */
    uint16_t mtu;
    bool is_ethernet;             /* frames, from the destination address on, in the place of IP packets */
    uint8_t mac[6];               /* of the interface then */
};
struct tun_sink {
    void *ctx;
    void (*packet)(void *ctx, int tun, struct bytes); /* one packet or frame that the host wants sent */
};

struct env_ops {
    uint64_t (*now_us)(struct env *);  /* monotonic, from an arbitrary start */
    uint64_t (*unix_us)(struct env *); /* UTC since 1970; may step */
    void (*random)(struct env *, void *, size_t); /* fit for keys */

    int (*sctp_listen)(struct env *, const struct sctp_local *, const struct sctp_sink *);
    /* *assoc names the association from now on; up() or down() follows. */
    int (*sctp_connect)(struct env *, const struct sctp_local *, const struct net_addr *peer,
                        const struct sctp_sink *, uint64_t *assoc);
    /* ERR_FULL when the peer does not read; ERR_NOTFOUND when the association is gone. Copies. */
    int (*sctp_send)(struct env *, uint64_t assoc, uint16_t stream, uint32_t ppid, struct bytes);
    /* Ends it, without down(). abort: at once; otherwise after what was sent has been delivered. */
    void (*sctp_close)(struct env *, uint64_t assoc, bool abort);

    int (*udp_open)(struct env *, const struct net_addr *local, const struct udp_sink *); /* socket >= 0 */
    int (*udp_send)(struct env *, int sock, const struct net_addr *to, struct bytes);
    void (*udp_close)(struct env *, int sock);

    int (*tun_open)(struct env *, const struct tun_config *, const struct tun_sink *); /* interface >= 0 */
    int (*tun_send)(struct env *, int tun, struct bytes); /* one IP packet for the host */
    void (*tun_close)(struct env *, int tun);
};
struct env { /* first member of every implementation */
    const struct env_ops *ops;
};
static inline uint64_t env_now_us(struct env *e) { return e->ops->now_us(e); }
static inline uint64_t env_unix_us(struct env *e) { return e->ops->unix_us(e); }
static inline void env_random(struct env *e, void *p, size_t n) { e->ops->random(e, p, n); }
