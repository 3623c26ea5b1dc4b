/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp.h - a PFCP entity, either role: request and response over UDP with retransmission
 * (TS 29.244 6.4), answers to repeated requests, associations (6.2.6 to 6.2.8), heartbeats (6.2.2)
 * and peers that restarted.
 *
 * The entity answers by itself: heartbeats, association setup, update and release (asking its user
 * about setup), other versions, requests that do not decode (7.6), session requests of peers
 * without an association. All else is the user's. */
#pragma once
#include "base/slab.h"
#include "codec/pfcp.h"
#include "rt/proc.h"

struct pfcp_node;
struct pfcp_assoc;

enum pfcp_event {
    PFCP_PEER_UP,   /* associated; assoc says with whom and what it can do */
    PFCP_PEER_LOST, /* no answer to heartbeats: what it holds is unknown; tried again when we set it
                       up */
    PFCP_PEER_RESTARTED, /* its sessions are gone; the association is down until it is set up anew
                          */
    PFCP_PEER_LEAVING,   /* it wants to be released, 6.2.7: no new sessions, and an end within assoc->leave_us; to a CP function */
    PFCP_PEER_RELEASED,  /* by either side */
    PFCP_PEER_REFUSED, /* it did not accept our setup (assoc->cause), or nobody answered (cause 0);
                          tried again later */
    PFCP_PEER_CHANGED, /* it says that it has other features */
};
/* Valid until PFCP_PEER_RELEASED, or until a setup that was not accepted. */
struct pfcp_assoc {
    struct net_addr peer; /* where requests go */
    struct pfcp_node_id node_id;
    uint8_t fqdn[256];                 /* what node_id.fqdn points to */
    uint64_t up_features, cp_features; /* PFCP_UP_FEATURE_*, PFCP_CP_FEATURE_* of the peer */
    uint32_t recovery;                 /* of the peer, NTP seconds */
    uint64_t setup_us; /* when we asked for the association last: it deletes all of before at the peer, 6.2.6.3 */
    bool is_up;
    bool is_ours;  /* we set it up, and do so again when it is lost */
    uint8_t cause; /* of the last setup that was refused */
    uint64_t leave_us; /* PFCP_PEER_LEAVING: 0: at once; UINT64_MAX: whenever it suits */
    void *user;    /* the user's own */
    struct pfcp_node *node;
    struct timer timer; /* next heartbeat or next try */
    bool busy;          /* a heartbeat, setup or release is on its way: */
    struct ref inflight;
};

/* A request of a peer. msg and what it points to live until the callback returns. */
struct pfcp_in {
    struct net_addr from;
    struct pfcp_assoc *assoc; /* NULL: none (node messages only) */
    const struct pfcp_msg *msg;
    struct ref answer; /* for pfcp_answer, now or later */
};
struct pfcp_user {
    void *ctx;
    /* Every request that the entity does not answer by itself. It must be answered with pfcp_answer
     * in the end. */
    void (*request)(void *ctx, struct pfcp_node *, const struct pfcp_in *);
    void (*event)(void *ctx, struct pfcp_node *, struct pfcp_assoc *,
                  enum pfcp_event); /* may be NULL */
    /* May this peer associate? A cause (accepted or why not), or 0: pfcp_setup_answer comes later.
     * NULL: all may. */
    uint8_t (*setup)(void *ctx, struct pfcp_node *, const struct pfcp_in *);
    /* The peer's SEID of the session that has this SEID here, 0 when there is none: for refusals.
     * May be NULL. */
    uint64_t (*peer_seid)(void *ctx, uint64_t local_seid);
    /* An answer of an associated peer that nothing waits for (any more): late, or to a copy of a request that the network
     * made. May be NULL. */
    void (*late)(void *ctx, struct pfcp_assoc *, const struct pfcp_msg *);
};
struct pfcp_config {             /* zero members get the default */
    struct net_addr local;       /* port 0: 8805 */
    struct pfcp_node_id node_id; /* ours; flags 0 and an address of 0: from `local` */
    bool is_up;                  /* UP function: sends UP, not CP Function Features */
    uint64_t features;           /* PFCP_UP_FEATURE_* or PFCP_CP_FEATURE_* */
    uint64_t t1_us;              /* 2 s */
    uint32_t n1;                 /* 3: sendings of a request in all */
    uint64_t heartbeat_us;       /* 20 s; UINT64_MAX: none */
    uint64_t retry_us;           /* 10 s between tries to associate */
    uint32_t requests_max;       /* 4096, in flight */
    uint32_t answers_max; /* 32768, kept for repetitions for t1 * (n1 + 1), or until newer ones need the place */
    uint32_t assocs_max;         /* 64 */
};
struct pfcp_counts {
    uint64_t rx, tx, malformed, repeated, unexpected, resent, timeouts, full;
};
struct pfcp_node {
    struct rt *rt;
    struct pfcp_config config;
    struct pfcp_user user;
    int sock;
    uint32_t recovery; /* ours */
    uint32_t seq;      /* last used */
    struct slab requests, answers, assocs;
    struct link answered; /* struct pfcp_reply, the oldest first */
    struct map by_seq, by_request;
    uint8_t *block, *out; /* for decoding one message and encoding one */
    struct pfcp_counts counts;
};

/* Opens the socket. The user's functions are copied, its ctx is not owned. 0, ERR_NOSPACE, ERR_IO.
 */
int pfcp_open(struct pfcp_node *, struct rt *, const struct pfcp_config *,
              const struct pfcp_user *);
void pfcp_close(
    struct pfcp_node *); /* without a word to the peers; requests in flight are forgotten */

/* done: rsp NULL and err ERR_TIMEOUT after n1 sendings, ERR_* when the response was malformed;
 * otherwise OK, whatever its cause. rsp lives until it returns. Never called from within
 * pfcp_request. */
typedef void pfcp_done_fn(void *ctx, int err, const struct pfcp_msg *rsp,
                          const struct pfcp_report *);
/* Sends a request (seq is chosen here); *out, if not NULL, names it until done. 0, ERR_FULL,
 * ERR_NOSPACE, or as pfcp_encode. */
int pfcp_request(struct pfcp_node *, const struct net_addr *to, struct pfcp_msg *, pfcp_done_fn *,
                 void *ctx, struct ref *out);
void pfcp_forget(struct pfcp_node *,
                 struct ref); /* done will not be called; a late response is passed over */
/* The response to a request, whose type is req + 1; seq is filled in. Kept for repetitions. 0,
 * ERR_NOTFOUND (too late), ERR_STATE (answered already), or as pfcp_encode. */
int pfcp_answer(struct pfcp_node *, struct ref answer, struct pfcp_msg *);
/* A refusal of any request but a heartbeat: cause, offending IE (0: none) and, for sessions, the
 * peer's SEID. */
int pfcp_refuse(struct pfcp_node *, struct ref answer, uint64_t peer_seid, uint8_t cause,
                uint16_t offending);

/* A request within a procedure: the struct lies in its frame. pfcp_call(), then AWAIT_CALLS(p),
 * then look at err and rsp, then pfcp_call_drop(). A procedure that ends drops it too. */
struct pfcp_call {
    struct proc_owned owned;
    struct pfcp_node *node;
    struct proc *p;
    struct ref request;
    int err;
    struct pfcp_msg *rsp; /* NULL when err says that there is none */
    struct pfcp_report report;
    void *memory; /* of the response */
    size_t octets;
};
int pfcp_call(struct pfcp_call *, struct proc *, struct pfcp_node *, const struct net_addr *to,
              struct pfcp_msg *);
void pfcp_call_drop(struct pfcp_call *);

/* Sets an association up and keeps it so: heartbeats, and again after a loss. 0, ERR_FULL. */
int pfcp_associate(struct pfcp_node *, const struct net_addr *peer, struct pfcp_assoc **);
/* Tells the peer and forgets it; PFCP_PEER_RELEASED comes when it answered or did not. */
int pfcp_release(struct pfcp_node *, struct pfcp_assoc *);
/* Ends one that the peer set up, without a word: only the CP function may release one (6.2.8). What it asks from now on gets
 * cause 72. PFCP_PEER_RELEASED comes before this returns. */
void pfcp_end(struct pfcp_node *, struct pfcp_assoc *);
int pfcp_setup_answer(struct pfcp_node *, struct ref answer, uint8_t cause);
struct pfcp_assoc *pfcp_assoc_find(struct pfcp_node *,
                                   const struct net_addr *host); /* NULL: none */
