/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp_node.h - what pfcp.c and pfcp_assoc.c share. Not for users. */
#pragma once
#include "proto/pfcp.h"

enum { PFCP_KEY_OCTETS = 1 + 16 + 2 + 4, PFCP_BLOCK_OCTETS = 1 << 20, PFCP_DATAGRAM_MAX = 65507 };

struct pfcp_txn { /* a request of ours, until its response */
    struct timer timer;
    struct pfcp_node *node;
    struct net_addr to;
    uint32_t seq, sent; /* sent: times */
    uint64_t asked_us;  /* sent first */
    uint8_t type;
    pfcp_done_fn *done;
    void *ctx;
    uint8_t *octets;
    uint32_t n;
};
struct pfcp_reply { /* a request of a peer, and what we answered */
    struct timer timer;
    struct link on_answered; /* node->answered, once it is */
    struct pfcp_node *node;
    struct net_addr from;
    uint8_t key[PFCP_KEY_OCTETS]; /* address, port and sequence number */
    uint32_t seq;
    uint8_t type;    /* of the request */
    uint8_t *octets; /* NULL: not answered yet */
    uint32_t n;
};
/* A node message or a session request without association; false: it is the user's. */
bool pfcp_assoc_request(struct pfcp_node *, const struct pfcp_in *);
void pfcp_heartbeat_answer(struct pfcp_node *, const struct net_addr *from,
                           const struct pfcp_msg *);
/* The peer says that there is no association (cause 72): one that we set up is set up anew, unless it has been since what it
 * answers was asked. */
void pfcp_assoc_denied(struct pfcp_node *, const struct net_addr *peer, uint64_t asked_us);
void pfcp_assoc_event(struct pfcp_assoc *, enum pfcp_event);
/* Encodes and sends, without a trace of it being kept. */
int pfcp_send(struct pfcp_node *, const struct net_addr *to, const struct pfcp_msg *, uint32_t *n);
void pfcp_octets_send(struct pfcp_node *, const struct net_addr *to, const uint8_t *, uint32_t n);
