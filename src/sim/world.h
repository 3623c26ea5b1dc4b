/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - the other world: hosts, links and a clock that exist only here. Time jumps to the next event; all
 * chance comes from one seed, so a run repeats to the bit. A host is a struct env; what runs on it cannot tell. */
#pragma once
#include "rt/rt.h"

struct world;
/* What a datagram or a message meets on its way. Parts per million; microseconds. SCTP messages are delayed and
 * never lost or reordered within an association: that is what SCTP is for. */
struct world_faults {
    uint32_t udp_loss_ppm, udp_double_ppm;
    uint32_t delay_min_us, delay_max_us; /* drawn for each packet; UDP packets may overtake one another */
    uint32_t sctp_cut_ppm;               /* for each message: the association dies instead */
};

struct world *world_new(uint64_t seed); /* NULL: no memory. Delays of 50 to 250 us and no faults. */
void world_free(struct world *);
void world_set_faults(struct world *, const struct world_faults *);
/* A host with one address (any port); the world keeps `name`'s pointer and frees the host with itself. */
struct env *world_host(struct world *, const char *name, const struct net_addr *addr);
/* The runtime that is turned after each event of this host; NULL: none any more (a process that was killed). */
void world_attach(struct world *, struct env *host, struct rt *);
uint64_t world_now_us(const struct world *);
uint64_t world_random(struct world *);
/* The host's UTC jumps, forwards or back; its monotonic clock does not. */
void world_step_clock(struct world *, struct env *host, int64_t by_us);
/* Runs for that long, or until nothing more will happen; true when nothing will. */
bool world_run(struct world *, uint64_t for_us);
/* Every association of the host dies now: both ends are told, each after a delay of its own. */
void world_cut_all(struct world *, struct env *host);
/* As a killed process: sockets and associations go, the peers are told, nothing more reaches the host. */
void world_kill(struct world *, struct env *host);
/* Sees each SCTP message and UDP datagram as it is sent, before any fault; one watcher, fn NULL: none. */
struct world_packet {
    bool is_sctp;
    struct net_addr from, to;
    uint64_t at_us;
    uint16_t stream; /* SCTP */
    uint32_t ppid;
    struct bytes octets; /* live until fn returns */
};
typedef void world_watch_fn(void *ctx, const struct world_packet *);
void world_watch(struct world *, world_watch_fn *, void *ctx);
/* What becomes of one message or datagram, decided as it is sent and beside the faults of the world; one decider, fn
 * NULL: none. Associations keep their order: what comes after a message that is late is late as well. */
struct world_fate {
    uint32_t copies;   /* 1; 0: it is lost, be it SCTP */
    uint64_t delay_us; /* on top of the link's */
    uint32_t at;       /* this octet is changed by `flip`; beyond the end: the last one is */
    uint8_t flip;
};
typedef void world_meddle_fn(void *ctx, const struct world_packet *, struct world_fate *);
void world_meddle(struct world *, world_meddle_fn *, void *ctx);
uint32_t world_associations(const struct world *); /* endpoints that are up */

/* ---- IP interfaces of simulated hosts (env tun_open). On the other side of one is its host's own stack, which does
 * not exist here: an application stands in for it. It gets what the environment hands to the host (tun_send) and
 * injects what the host wants sent. ---- */
/* tun names the interface, also once it is closed: numbers are not used again. */
typedef void world_app_fn(void *ctx, struct world *, int tun, struct bytes packet);
/* The application behind the interfaces of that host with that name (NULL: all that have none by name); now or
 * before they are opened. is_far: beyond a link, with its delays and losses; otherwise packets arrive at once.
 * The name is kept by pointer. Registering again replaces; fn NULL: none, packets go nowhere. ERR_NOSPACE. */
int world_app(struct world *, struct env *host, const char *name, bool is_far, world_app_fn *, void *ctx);
/* The host sends: the interface's sink gets it as an event of its own. ERR_NOTFOUND it is closed; ERR_NOSPACE. */
int world_inject(struct world *, int tun, struct bytes packet);
/* The interface that was opened last with that name (and network namespace, where netns is not NULL), or
 * ERR_NOTFOUND; its addresses, NULL when it is closed. */
int world_tun(struct world *, struct env *host, const char *netns, const char *name);
const struct tun_config *world_tun_config(struct world *, int tun);
