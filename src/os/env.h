/* SPDX-License-Identifier: Apache-2.0 */
/* env.h - the real world as a struct env, for one loop. */
#pragma once
#include "os/loop.h"
#include "os/sctp.h"
#include "rt/env.h"

struct env_real_conf {
    struct sctp_conf sctp;
    uint32_t max_sockets; /* UDP sockets and interfaces; 0: 1024 */
    bool no_sctp;         /* sctp_* answer ERR_UNSUPPORTED */
    /* What one UDP socket of this env sends to another's address is passed on inside the process: nothing of it is
     * seen on the host's interfaces. The first four sockets. */
    bool udp_direct;
};
/* SCTP is opened at its first use. */
int env_real_open(struct env **, struct loop *, const struct env_real_conf *);
void env_real_free(struct env *);
struct sctp *env_real_sctp(struct env *); /* NULL until first used */
