/* SPDX-License-Identifier: Apache-2.0 */
/* user_plane.h - how nf/upf reaches the packet path, wherever it runs: in a thread with sockets
 * (os/user_plane.h), inline in the simulated world (sim/user_plane.h), later in the kernel's
 * drivers (XDP). Commands go in, events come back; rt->user_plane points to one.
 *
 * Commands are carried out in the order in which they were given. Events are called on the
 * runtime's thread, never from within command(), and in the order in which they happened: what a
 * command caused comes before its DP_EVENT_DONE. */
#pragma once
#include "dp/dp.h"

struct config;
struct user_plane;
struct user_plane_sink {
    void *ctx;
    void (*event)(void *ctx, const struct dp_event *e); /* e lives until it returns */
};
struct user_plane_ops {
    /* Copies c; its rules are taken when the answer is OK and stay the caller's when it is not.
     * ERR_NOSPACE: no memory to queue it. */
    int (*command)(struct user_plane *, const struct dp_command *c);
    /* Sums of all packet paths, as of now or shortly before. */
    void (*counters)(struct user_plane *, uint64_t to[DP_COUNTERS]);
    void (*close)(struct user_plane *); /* takes interfaces down; the struct is gone */
    /* Where packets are handled, in one line; may be NULL. */
    void (*text)(struct user_plane *, char *out, size_t cap);
};
struct user_plane { /* first member of every implementation */
    const struct user_plane_ops *ops;
    struct dp_config config;     /* what rules are checked with: dp_rules_new() */
    struct user_plane_sink sink; /* of nf/upf; event NULL: nobody listens */
    uint64_t events_lost;        /* that came faster than they were taken */
    bool leave_tables;           /* to another process: close() takes interfaces down, and no packet filters */
};

static inline int user_plane_command(struct user_plane *u, const struct dp_command *c)
{
    return u->ops->command(u, c);
}
static inline void user_plane_counters(struct user_plane *u, uint64_t to[DP_COUNTERS])
{
    u->ops->counters(u, to);
}
static inline void user_plane_listen(struct user_plane *u, const struct user_plane_sink *sink)
{
    u->sink = sink ? *sink : (struct user_plane_sink){0};
}
static inline void user_plane_close(struct user_plane *u)
{
    if (u)
        u->ops->close(u);
}

/* For implementations: the configuration of the packet path from upf.*; instance i is upf.n6[i].
 * secret0 and secret1 are the caller's to fill. ERR_CONFIG: what the packet path cannot do. */
int user_plane_config(const struct config *, struct dp_config *);
/* Carries c out and tells with DP_EVENT_DONE when c->tag is not 0, or when rules were refused. */
void user_plane_run(struct dp *, uint64_t now_us, const struct dp_command *c,
                    void (*event)(void *ctx, const struct dp_event *), void *ctx);
