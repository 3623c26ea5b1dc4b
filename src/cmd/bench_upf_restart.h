/* SPDX-License-Identifier: Apache-2.0 */
/* bench_upf_restart.h - the process of the user plane is killed while packets go both ways, stays away, and is started again
 * over what it had pinned (upf.pin). */
#pragma once
#include "cmd/cmd.h"

struct bench_upf_restart {
    double lost_on_kill, lost_on_restart; /* packets */
    double ms, pps;                       /* from the start until all sessions are its own; packets a second, both ways */
};
/* In namespaces whose names start with prefix, which the caller takes away. EXIT_OK, or it has been said why not. */
int bench_upf_restart(struct bench_upf_restart *, const char *prefix);
/* What is left when it was killed itself. */
void bench_upf_restart_clean(const char *prefix);
