/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h - addresses of one data network and IP version, by number: taken and returned in constant time. What is
 * returned rests for a while, so that traffic of the last session does not reach the next (TS 23.501 5.8.2.2.1
 * leaves the time to us), and the one that rested longest goes first. */
#pragma once
#include "base/bytes.h"

enum { POOL_MAX = 1 << 24, POOL_REST_S = 10, POOL_LONG_REST_S = 4000 };
struct pool_item {
    uint32_t prev, next; /* among those that were returned; POOL_NONE ends */
    uint32_t until_s;    /* rests until then; POOL_USED: a session has it */
};
struct pool {
    struct pool_item *item; /* touched only when used; NULL: there is no pool */
    uint32_t first, last;   /* numbers that may be given; the gateway's and network's are outside */
    uint32_t fresh;         /* from here on never given */
    uint32_t head, tail;    /* returned, the earliest first */
    uint32_t used;
};
#define POOL_NONE UINT32_MAX
/* 0, or ERR_NOSPACE. last is cut to POOL_MAX - 1. */
int pool_init(struct pool *, uint32_t first, uint32_t last);
void pool_free(struct pool *);
/* A number, or POOL_NONE: all are in use or rest. */
uint32_t pool_take(struct pool *, uint32_t now_s);
/* This one, resting or not; false: somebody has it, or it is outside. */
bool pool_take_this(struct pool *, uint32_t number);
/* rest_s: POOL_REST_S, or POOL_LONG_REST_S when it is not known whether a UPF still has it. */
void pool_return(struct pool *, uint32_t number, uint32_t now_s, uint32_t rest_s);
