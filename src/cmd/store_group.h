/* SPDX-License-Identifier: Apache-2.0 */
/* store_group.h - a store whose writes are made durable together, some time after the first of them. */
#pragma once
#include "rt/rt.h"
#include "rt/store.h"

struct store_group {
    struct store store; /* what rt->store points to */
    struct store *under;
    struct rt *rt;
    struct timer timer;
    uint64_t after_us;
    bool failing;
};
void store_group_init(struct store_group *, struct rt *, struct store *under, uint32_t commit_ms);
/* Commits what is waiting. */
void store_group_end(struct store_group *);
