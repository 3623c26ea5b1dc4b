/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h - procedures: stackless coroutines whose locals live in a frame. The whole dialect:
 *
 *   struct my_frame { struct proc p; …locals… };          the frame; locals that must survive an AWAIT go here
 *   static void my_run(struct proc *p, const struct wake *w)
 *   {
 *       struct my_frame *f = (struct my_frame *)p;
 *       PROC_BEGIN(p);
 *       …                                                 plain C; `return` is never used
 *       AWAIT(p, WANT(WAKE_X) | …);                       stop until one of these; *w says which came
 *       AWAIT_CALLS(p);                                   until every call that was sent has been answered
 *       AWAIT_MESSAGE(p, timeout_us, type, …);            one of the messages, or WAKE_TIMEOUT
 *       AWAIT_CHILD(p);                                   until the child procedure ended; p->child_result
 *       PROC_END(p);
 *   }
 *
 * Rules: no two AWAITs on a line; no AWAIT inside a nested switch; C locals do not survive an AWAIT; a procedure
 * computes in its frame and writes the owner's context once, at success. proc_end() is not called by procedures:
 * running off PROC_END ends them. An aborted procedure resumes nowhere: its type's `end` runs and its frame goes. */
#pragma once
#include "rt/rt.h"

enum wake_kind { WAKE_START, WAKE_CALLS, WAKE_MESSAGE, WAKE_TIMEOUT, WAKE_EVENT, WAKE_CHILD };
#define WANT(kind) (1u << (kind))
struct wake {
    enum wake_kind kind;
    uint32_t what;    /* message type or event number */
    const void *data; /* the decoded message; lives until the procedure stops again */
};
enum proc_outcome { PROC_OK = 0, PROC_FAILED = 1, PROC_ABORTED = 2 };

struct proc;
struct proc_type {
    const char *name;
    uint32_t frame_octets;
    void (*run)(struct proc *, const struct wake *);
    /* However it ends: tell the owner, free what the frame owns. outcome is p->result or PROC_ABORTED. */
    void (*end)(struct proc *, int outcome);
};
enum { PROC_ACCEPTS_MAX = 8, PROC_LINE_ENDED = 0xffff };
/* What a procedure started and has not finished with, such as a service call; dropped when it ends. */
struct proc_owned {
    struct link link;
    void (*drop)(struct proc_owned *);
};
struct proc {
    const struct proc_type *type;
    struct rt *rt;
    void *owner;         /* UE, session, association … whose context it will write */
    struct proc *parent; /* woken with WAKE_CHILD */
    struct proc *child;
    struct link on_rt, owned; /* rt->procs; struct proc_owned */
    struct timer timer;
    struct work resume; /* queued once its calls are answered or its child ended */
    uint16_t line;
    uint8_t wants, calls_open, accepts_n, resume_kind;
    uint16_t accepts[PROC_ACCEPTS_MAX];
    int result, child_result; /* enum proc_outcome or a cause of the type's own above 2 */
    const char *step;         /* where it stands, for people */
    uint64_t started_us;
};

/* Frame zeroed and owner set, not yet running: fill in the frame, then proc_start. NULL: memory used up. */
void *proc_new(struct rt *, const struct proc_type *, void *owner);
void proc_start(struct proc *);
/* A procedure within a procedure; the parent then uses AWAIT_CHILD. */
void proc_start_child(struct proc *parent, struct proc *child);
/* True when the procedure stood at an AWAIT that accepts this message, and it has run on. */
bool proc_offer_message(struct proc *, uint32_t type, const void *msg);
bool proc_offer_event(struct proc *, uint32_t event, const void *data);
bool proc_accepts(const struct proc *, uint32_t type);
/* One of the calls that it waits for has been answered; after the last of them AWAIT_CALLS goes on. */
void proc_call_answered(struct proc *);
/* Ends it where it stands: children first, open calls abandoned, `end` told PROC_ABORTED. Safe on NULL; a
 * procedure must not abort itself. */
void proc_abort(struct proc *);

void proc_await_(struct proc *, uint16_t line, uint8_t wants);
void proc_accept_(struct proc *, uint64_t timeout_us, const uint16_t *types, unsigned n);

#define STEP(p, text) ((p)->step = (text))
#define PROC_BEGIN(p)                                                                              \
    _Pragma("GCC diagnostic push")                                                                 \
    _Pragma("GCC diagnostic ignored \"-Wimplicit-fallthrough\"") switch ((p)->line)                \
    {                                                                                              \
    case 0:
#define AWAIT(p, wants_)                                                                           \
    do {                                                                                           \
        proc_await_(p, __LINE__, (uint8_t)(wants_));                                               \
        return;                                                                                    \
    case __LINE__:;                                                                                \
    } while (0)
#define AWAIT_CALLS(p)                                                                             \
    do {                                                                                           \
        if ((p)->calls_open) {                                                                     \
            proc_await_(p, __LINE__, WANT(WAKE_CALLS));                                            \
            return;                                                                                \
        }                                                                                          \
    case __LINE__:;                                                                                \
    } while (0)
#define AWAIT_MESSAGE(p, timeout_us, ...)                                                          \
    do {                                                                                           \
        proc_accept_(p, timeout_us, (const uint16_t[]){__VA_ARGS__},                               \
                     sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t));                  \
        AWAIT(p, WANT(WAKE_MESSAGE) | WANT(WAKE_TIMEOUT));                                         \
    } while (0)
#define AWAIT_CHILD(p)                                                                             \
    do {                                                                                           \
        if ((p)->child) {                                                                          \
            proc_await_(p, __LINE__, WANT(WAKE_CHILD));                                            \
            return;                                                                                \
        }                                                                                          \
    case __LINE__:;                                                                                \
    } while (0)
#define PROC_END(p)                                                                                \
    }                                                                                              \
    _Pragma("GCC diagnostic pop")(p)->line = PROC_LINE_ENDED
