/* SPDX-License-Identifier: Apache-2.0 */
/* rt.h - the runtime of one shard: everything that runs in it hangs from here and nothing is global, so a process
 * can hold as many as it likes. One thread; no locks. An I/O sink enters with rt_enter(), does its work, and the
 * loop calls rt_turn() until nothing is due. */
#pragma once
#include "base/list.h"
#include "base/map.h"
#include "rt/env.h"
#include "rt/store.h"
#include "rt/tap.h"
#include "rt/timer.h"

struct call;
struct config;
struct crypto;
struct ipsec_peers;
struct key_port;
struct evidence;
struct log;
struct meter;
struct metrics;
struct nf;
struct policy;
struct proc;
struct rt;

/* Work that is due now; embedded in what it concerns, run in the order in which it was queued. */
struct work {
    struct link link;
    void (*fn)(struct work *);
};

/* Frames and calls come from free lists by size class, within `cap` octets in all. */
enum { FRAME_GRAIN = 128, FRAME_MAX = 32768, FRAME_CLASSES = FRAME_MAX / FRAME_GRAIN };
struct frames {
    uint8_t *base;
    size_t cap, fresh, in_use;
    void *free[FRAME_CLASSES + 1];
};

enum { NF_SLOTS = 16 };
struct rt {
    struct env *env;
    uint64_t now_us; /* of the event at hand */
    struct timers timers;
    struct link due; /* struct work */
    struct frames frames;
    struct link procs; /* all that run */
    uint32_t procs_running, calls_open;
    struct nf *nf[NF_SLOTS]; /* by enum sbi_nf; NULL: not in this process */
    /* How a request that is answered in this process travels: NULL, as structs; otherwise this turns it into
     * bytes and back (proto/sbi.h). Returns 0, or a negative error with call_error() or call_refused() done: a 400
     * of a request, a 502 of a response, or a 503 for ERR_NOSPACE. */
    int (*sbi_carry)(void *ctx, struct call *, bool is_response);
    void *sbi_carry_ctx;
    /* How a request leaves for a producer that is elsewhere; NULL: there is no elsewhere. 0: call_reply() will be
     * called exactly once, with c->rsp or c->err filled in, whether or not somebody still waits. */
    int (*sbi_remote)(void *ctx, struct call *);
    void *sbi_remote_ctx;
    const char *api_root; /* of this process, in the URIs it gives to others: scheme and authority, no path */
    struct tap *taps;
    struct log *log;
    struct metrics *metrics;
    struct store *store;
    struct evidence *evidence; /* NULL: none is kept */
    struct meter *trust_meter; /* of the guard and of decisions (meter.h); NULL: nobody wants to know */
    struct link commit_users; /* commit.h */
    struct timer commit_timer;
    uint64_t commits; /* that succeeded */
    struct crypto *crypto;
    struct key_port *keys; /* the process that holds the long-term keys (crypto/key_box.h); NULL: this one does */
    const struct config *config;
    void *user_plane; /* what the UPF publishes its rules to */
    struct policy *policy; /* for the trust function, which takes it when it starts; NULL: none */
    struct ipsec_peers *ipsec; /* whom IPsec has authenticated, for the trust function; NULL: nobody is asked */
    uint64_t random_state[2];
    uint64_t trace; /* hash of all that happened, for comparing runs */
    uint8_t shard;  /* 0..15: in AMF UE NGAP ID, 5G-TMSI, SEID and TEID */
};

/* memory_octets bounds all frames and calls together. 0 or ERR_NOSPACE. */
int rt_init(struct rt *, struct env *, size_t memory_octets);
void rt_free(struct rt *);
/* Takes the time once for the event at hand; every sink calls it first. */
static inline void rt_enter(struct rt *rt) { rt->now_us = env_now_us(rt->env); }
/* Runs timers and work that are due; returns when the next timer is (UINT64_MAX: none). */
uint64_t rt_turn(struct rt *);
void rt_queue(struct rt *, struct work *);
/* Not for keys: jitter, identifiers that need not be secret come from a fast generator seeded by env. */
uint64_t rt_random(struct rt *);
void rt_tap(struct rt *, const struct tap_event *);
void rt_tap_add(struct rt *, struct tap *); /* the tap is the caller's and stays where it is */
void rt_tap_remove(struct rt *, struct tap *);
/* Mixes a fact into the trace hash. */
static inline void rt_note(struct rt *rt, uint64_t fact)
{
    rt->trace = (rt->trace ^ fact ^ rt->now_us << 24) * 0x100000001b3u;
}
/* At least `octets`, zeroed; NULL when the memory is used up. Wiped when given back. */
void *frame_new(struct rt *, size_t octets);
void frame_drop(struct rt *, void *, size_t octets);
/* The same where only the first `used` octets were ever written to. */
void frame_drop_used(struct rt *, void *, size_t octets, size_t used);
