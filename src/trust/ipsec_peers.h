/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec_peers.h - whom strongSwan has authenticated, as its daemon says over vici: from the address of a peer within its
 * tunnel to the certificate that opened the tunnel. Its owner keeps the socket and gives and takes octets. Rounds of
 * questions are asked when the daemon tells that a tunnel came or went, when somebody waits, and every few seconds.
 *
 * The daemon does not say which certificate an SA used, but which ones it knows for an IKE identity. So all that the
 * authority issued for this identity must have one key, or nothing is proved (docs/decisions/0019). */
#pragma once
#include "base/list.h"
#include "rt/rt.h"
#include "trust/identity.h"

struct ipsec_peers;
enum ipsec_service { IPSEC_N2 = 1, IPSEC_N3 = 2, IPSEC_N4 = 4 }; /* what a tunnel may carry */
struct ipsec_peers_conf {
    struct rt *rt;
    struct str authority;                    /* certificates in PEM; copied */
    int (*send)(void *ctx, struct bytes);    /* all of it, or an error: then the link is given up with close() */
    void (*close)(void *ctx);                /* not from within ipsec_peers_down() */
    void *ctx;
};
/* ERR_SYNTAX: no authority's certificate; ERR_NOSPACE. */
int ipsec_peers_new(struct ipsec_peers **, const struct ipsec_peers_conf *);
void ipsec_peers_free(struct ipsec_peers *); /* NULL is fine; nobody waits any more */
void ipsec_peers_up(struct ipsec_peers *);   /* the socket is connected */
void ipsec_peers_octets(struct ipsec_peers *, struct bytes);
void ipsec_peers_down(struct ipsec_peers *); /* it is not; what is known counts for a minute, but for nobody new,
                                              * unless the daemon tells of its tunnels again */

/* fn is called once, never at once: when what is known is no older than this call, or cannot be had in time. */
struct ipsec_waiter {
    struct link link;
    struct timer timer;
    void (*fn)(struct ipsec_waiter *);
    uint64_t round;
};
void ipsec_peers_wait(struct ipsec_peers *, struct ipsec_waiter *, void (*fn)(struct ipsec_waiter *));
void ipsec_peers_cancel(struct ipsec_peers *, struct ipsec_waiter *);
/* Told of each address behind which somebody else may stand now, or nobody any more. fn NULL: nobody is told. */
void ipsec_peers_listen(struct ipsec_peers *, void (*fn)(void *ctx, const struct net_addr *), void *ctx);

/* Who stands behind the address, as identity_verify() has it. fresh: of tunnels that are up; otherwise one that went some
 * seconds ago counts as well, since peers come back. ERR_DENIED; ERR_NOTFOUND: no tunnel carries this address (*out says so). */
int ipsec_peers_verify(struct ipsec_peers *, const struct inventory *, const struct net_addr *, enum ipsec_service, bool fresh,
                       struct identity_result *out);
uint32_t ipsec_peers_count(const struct ipsec_peers *); /* of SAs; for people */
bool ipsec_peers_is_up(const struct ipsec_peers *);
