/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - a service call. The consumer writes the request and awaits the answer; it never knows where the
 * producer lives. Request, response and all they point to live in the call's arena and die with the call. */
#pragma once
#include "base/arena.h"
#include "codec/sbi.h"
#include "rt/proc.h"

enum { CALL_ARENA_OCTETS = 2048, CALL_CHUNK_OCTETS = 4096 };
struct call_chunk { /* more memory of a call, after the block within it */
    struct call_chunk *next;
    uint32_t octets, used; /* of the frame, this header included; used: known once there is a newer chunk */
};
struct call {
    struct rt *rt;
    enum sbi_op op;
    int status;          /* HTTP status; 504 when the deadline passed, 503 when nobody produces the operation */
    const void *req;     /* the op's request struct; what the producer reads */
    void *rsp;           /* the op's response struct; zeroed when the producer gets it */
    void *err;                          /* the op's error struct; NULL unless the producer gave one */
    struct sbi_ProblemDetails *problem; /* within err, or NULL */
    struct proc *caller; /* NULL: nobody waits (a notification, or the caller is gone) */
    struct proc_owned on_caller;
    struct link on_producer;
    struct link on_nf;   /* the producer's nf.calls */
    void *producer_data; /* the producer's own, between its receipt and its reply */
    struct work work;
    struct timer deadline;
    uint64_t sent_us;
    struct arena arena;       /* grows by chunks while there is memory */
    struct call_chunk *chunk; /* the newest */
    uint32_t memory_used;     /* octets of `memory`, once there are chunks */
    bool answered, delivered, replied, sent, remote;
    _Alignas(8) uint8_t memory[CALL_ARENA_OCTETS]; /* the arena aligns offsets, so its block must be */
};

/* A call with its request struct zeroed in the arena: c = call_new(rt, SBI_x); struct … *q = call_request(c).
 * NULL: memory used up; answer your own peer with congestion. */
struct call *call_new(struct rt *, enum sbi_op);
void *call_request(struct call *); /* NULL for NULL */
/* Sends for a procedure that then uses AWAIT_CALLS; the call stays its own until call_done(). */
void call_send(struct call *, struct proc *caller);
/* Sends with nobody waiting: notifications. The call is freed by itself. */
void call_notify(struct call *);
/* The caller has read the answer. Safe on NULL. Calls not done when a procedure ends are dropped by it. */
void call_done(struct call *);
/* The caller is gone: the producer may still answer, into nothing. */
void call_abandon(struct call *);

/* Producer's side: exactly one reply for each call, now or later. rsp must be filled for the op's own status. */
void call_reply(struct call *, int status);
/* An error with ProblemDetails, TS 29.500 5.2.7: cause e.g. "USER_NOT_FOUND"; detail for people. */
void call_problem(struct call *, int status, const char *cause, const char *detail);
/* The same for an op whose error body holds more (SmContextCreateError): the op's error struct with its
 * ProblemDetails filled in, for the producer to add to and then call_reply(). NULL: no room in the arena. */
void *call_error(struct call *, int status, const char *cause, const char *detail);
/* The same for a message that the codec refused: the problem names the member. */
struct sbi_report;
void *call_refused(struct call *, int status, const struct sbi_report *);
static inline bool call_ok(const struct call *c) { return c->status >= 200 && c->status < 300; }
/* The cause of ProblemDetails, or "" */
struct str call_cause(const struct call *);

/* Callbacks (operations of SBI_NF_CALLBACK). A consumer that wants to be called back gives the URI
 * "{api root}/{nf}-callback/v1/{path}", made here, e.g. kind AMF and path "imsi-…/dereg". A call to such a URI
 * reaches the function registered for the op by that NF; call_callback_path() gives it the path again ("" when the
 * URI is not of this form). The URI lives in the arena; p NULL: no room. */
struct str call_callback_uri(struct rt *, struct arena *, enum sbi_nf kind, const char *path_format, ...)
    __attribute__((format(printf, 4, 5)));
struct str call_callback_path(const struct call *);
