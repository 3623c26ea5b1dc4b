/* SPDX-License-Identifier: Apache-2.0 */
/* store_group.h - a store whose writes are made durable together, some time after the first of them, and which reads a
 * row that it has just read or written out of memory: a registration asks for the same subscriber many times. What
 * another process writes (redoubt subscriber) is seen after that same time. */
#pragma once
#include "rt/rt.h"
#include "rt/store.h"

enum { STORE_RECENT = 256, STORE_RECENT_KEY = 40, STORE_RECENT_VALUE = 440 };
struct store_recent {
    uint64_t until_us; /* 0: nothing is here */
    enum store_table table;
    bool is_absent; /* no such row */
    uint16_t n_key, n_value;
    uint8_t key[STORE_RECENT_KEY], value[STORE_RECENT_VALUE];
};
struct store_group {
    struct store store; /* what rt->store points to */
    struct store *under;
    struct rt *rt;
    struct timer timer;
    uint64_t after_us;
    bool failing;
    struct store_recent recent[STORE_RECENT]; /* by a hash of the key; may hold keys of subscribers: wiped at the end */
};
void store_group_init(struct store_group *, struct rt *, struct store *under, uint32_t commit_ms);
/* Commits what is waiting. */
void store_group_end(struct store_group *);
