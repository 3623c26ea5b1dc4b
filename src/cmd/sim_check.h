/* SPDX-License-Identifier: Apache-2.0 */
/* sim_check.h - what must be true of a simulated network, each a property with its name and clause: looked at when it
 * is at rest, from time to time, and at every message (rt/tap.h). The first that does not hold ends the run. */
#pragma once
#include "cmd/sim_attack.h"

#define SIM_PROPERTIES(X)                                                                                            \
    X(starts, "-", "the network starts, and again after a kill")                                                     \
    X(ends, "TS 24.501 10.2, TS 29.244 6.4", "every procedure and every service call ends")                          \
    X(goal, "TS 24.501 5.5.1, 5.6.1, 6.4.1", "phones reach their goal within bounded time once faults stop")         \
    X(agree_mm, "TS 23.501 5.3.2, 5.3.3", "phone and AMF agree on registration, connection and GUTI")                \
    X(agree_keys, "TS 24.501 4.4.2, 4.4.3.1", "phone and AMF have the same security context and COUNTs")             \
    X(agree_sm, "TS 23.501 5.6.1, TS 23.502 4.3", "phone, AMF, SMF, UDM and UPF have the same sessions")             \
    X(count_once, "TS 33.501 6.4.3.1", "no COUNT is used or accepted twice with one key and direction")              \
    X(unique, "TS 23.501 5.8.2.2, TS 29.281 5.1", "no identifier, address or TEID belongs to two")                   \
    X(returned, "-", "identifiers, addresses, TEIDs and memory come back")                                           \
    X(early, "TS 24.501 10.2, TS 29.244 6.4", "nothing is sent again before its timer")                              \
    X(late, "TS 24.501 10.2", "what awaits an answer is sent again, or given up, when its timer expires")            \
    X(plain, "TS 24.501 4.4.4.3", "no unprotected NAS message is taken once the exchange is secure")                 \
    X(tunnel, "TS 33.501 5.9, TS 29.281 5.1", "no traffic reaches another's tunnel, or leaves with another's address") \
    X(log_secret, "-", "no identity of a subscriber and no key in a line of the log")                                \
    X(guard_silent, "-", "the guard finds nothing where all equipment is honest")                                     \
    X(same_trace, "-", "calls as structs and as JSON give the same run")
enum sim_property {
    SIM_FINE,
#define X(name, clause, text) SIM_P_##name,
    SIM_PROPERTIES(X)
#undef X
    SIM_P_COUNT
};
struct sim_property_desc {
    const char *name, *clause, *text;
};
const struct sim_property_desc *sim_property_desc(enum sim_property); /* of SIM_FINE: "fine" */

struct sim_seen { /* a set of hashes, each with a value */
    uint64_t *slot; /* pairs; a hash of 0 is free */
    uint32_t cap, n;
};
enum { SIM_EVENTS = 48, SIM_EVENT_TEXT = 80, SIM_COVER = 256, SIM_AWAITED = 256 };
struct sim_check {
    struct sim_net *n;
    struct sim_attack *attack; /* hears what is heard here; NULL: none */
    enum sim_property failed;
    char text[256]; /* what does not hold */
    uint64_t failed_us;
    bool verbose;   /* prints events as they happen */
    bool has_lost;  /* the core was killed while the store refused: what happened meanwhile is nowhere */
    uint64_t trace; /* of all taps */
    /* the latest events, for people */
    struct {
        uint64_t at_us;
        char text[SIM_EVENT_TEXT];
    } event[SIM_EVENTS];
    uint64_t events;
    struct sim_seen counts;    /* key, direction, COUNT */
    struct sim_seen sent;      /* requests and their latest time */
    struct sim_seen secrets;   /* what no log line may hold */
    struct { /* NAS requests of the AMF that await an answer, by connection */
        uint64_t ue, due_us, started_us;
        const struct proc *proc;
        const char *name; /* NULL: free */
    } awaited[SIM_AWAITED];
    uint64_t next_due_us; /* of the first of them that may be late */
    /* the N2 message at hand: how its NAS PDU was protected */
    uint8_t nas_security, nas_sequence;
    /* messages seen: of each interface by type; phones' events */
    uint64_t n1[SIM_COVER], n2[SIM_COVER], n4[SIM_COVER], sbi[SIM_COVER], ue[32];
    uint32_t pings, downlinks, log_lines;
};
void sim_check_start(struct sim_check *, struct sim_net *); /* before sim_net_start() */
void sim_check_watch(struct sim_check *); /* what is on the wire, where nobody else watches the world */
void sim_check_free(struct sim_check *);
void sim_fail(struct sim_check *, enum sim_property, const char *format, ...) __attribute__((format(printf, 3, 4)));
void sim_say(struct sim_check *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_check_now(struct sim_check *);   /* at any time between events */
void sim_check_rest(struct sim_check *);  /* nothing is under way, every phone has had an answer */
void sim_check_empty(struct sim_check *); /* all phones and gNBs are gone */
/* A datagram that phone `i` received or that left for the data network; see sim_payload(). */
enum { SIM_PAYLOAD = 12 };
void sim_payload(uint8_t to[SIM_PAYLOAD], uint32_t phone, uint8_t psi);
void sim_check_received(struct sim_check *, uint32_t phone, uint8_t psi, struct bytes data);
