/* SPDX-License-Identifier: Apache-2.0 */
/* sweeper.h - a child that keeps the rights which its parent gives away, for what is to be done at the end: it hears numbers of
 * deeds, does them, and knows nothing else. It ends with its parent, and then does nothing more. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <sys/types.h>

struct sweeper {
    pid_t pid; /* 0: none */
    int fd;
};
/* Forks it; of descriptors it keeps none but the standard ones. */
int sweeper_start(struct sweeper *, void (*deed)(void *ctx, uint8_t number), void *ctx);
void sweeper_do(struct sweeper *, uint8_t number); /* returns when it is done */
void sweeper_end(struct sweeper *);                /* safe on one that was not started */
