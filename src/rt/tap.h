/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - every message that is sent or received passes here once, with its description. Listeners may look
 * and never touch: traces, captures, the guard's detectors, the simulation's checkers. */
#pragma once
#include "base/addr.h"

enum tap_interface { TAP_N1, TAP_N2, TAP_N3, TAP_N4, TAP_N6, TAP_SBI };
enum tap_direction { TAP_RX, TAP_TX };
struct tap_event {
    enum tap_interface interface;
    enum tap_direction direction;
    uint64_t at_us;
    uint64_t peer;            /* association, socket or call; as the interface counts them */
    uint64_t ue;              /* AMF UE NGAP ID, SEID or 0 */
    uint32_t type;            /* message type or operation */
    const char *name;         /* of the message */
    const void *desc, *value; /* table row and decoded struct; NULL when it was not decoded */
    struct bytes raw;         /* as on the wire where there is a wire (N1: plain); p NULL otherwise */
    int error;                /* 0, or why it was refused */
    const struct net_addr *at; /* the peer's address, at N4; NULL elsewhere */
};
/* value of a TAP_N3 event with an error: the first octets of what a user plane did not take, as no honest peer sends it. One a
 * second of a kind and peer. */
enum tap_n3_what { TAP_N3_PEER, TAP_N3_SOURCE, TAP_N3_NESTED, TAP_N3_CORE, TAP_N3_COVERT, TAP_N3_EXTENSION };
struct tap_n3 {
    enum tap_n3_what what;
    struct net_addr peer;
    bool is_peer;        /* tunnels end there */
    uint32_t teid, more; /* more: like it since the last one */
};
struct tap {
    void (*fn)(void *ctx, const struct tap_event *);
    void *ctx;
    struct tap *next;
};
