/* SPDX-License-Identifier: Apache-2.0 */
/* keeper.h - a child of `redoubt run` that keeps the rights which the core gives away, for five things and no others:
 * open the log file anew, open the configuration or one of its policy files for reading, connect to the socket of strongSwan's
 * daemon, and clean up at the end. What a request says is which. */
#pragma once
#include "cmd/cmd.h"
#include <sys/types.h>

struct keeper {
    pid_t pid; /* 0: none */
    int fd;
};
/* Forks it; `file` is the configuration's, and may be missing when it is the default one. */
int keeper_start(struct keeper *, const struct config *, const char *file);
/* A descriptor, or what open() was refused for: an error of err.h. */
int keeper_log(struct keeper *);
int keeper_config(struct keeper *);
int keeper_policy(struct keeper *, uint32_t index); /* of trust.policies */
int keeper_vici(struct keeper *);                   /* connected to trust.vici */
int vici_connect(const char *path); /* what it does for that: a descriptor that does not block, or an error */
/* Ends it; clean: the tables that guard N6 and the control socket, which are ours, are taken away first. Safe on one that
 * was not started. */
void keeper_end(struct keeper *, bool clean);
