/* SPDX-License-Identifier: Apache-2.0 */
/* commit.h - rows that are written together. A function marks what has changed and asks for a commit; some time later
 * (udr.commit) each writes its rows and all become durable at once. What changes twice meanwhile is written once, and
 * either all rows of one moment are there after a crash or none. */
#pragma once
#include "rt/rt.h"

struct commit_user { /* embedded in a function's state */
    struct link link;
    /* Puts what has changed. false: the store refused some of it, which is to be tried again. */
    bool (*write)(struct commit_user *);
};
/* Nothing happens where there is no store. */
void commit_join(struct rt *, struct commit_user *);
void commit_leave(struct commit_user *);
void commit_soon(struct rt *);
/* Now, and durable when it returns 0. Else ERR_STORE; it is tried again after a while. */
int commit_now(struct rt *);
/* For a store that commits by itself: before it does, and when it has. */
bool commit_write(struct rt *);
static inline void commit_done(struct rt *rt) { rt->commits++; }
/* What was put when rt->commits was `at` is durable. */
static inline bool commit_is_done(const struct rt *rt, uint64_t at) { return rt->commits > at; }
