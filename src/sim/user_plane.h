/* SPDX-License-Identifier: Apache-2.0 */
/* user_plane.h - the packet path inline in a runtime: N3 over the environment's UDP, N6 over its
 * TUN interfaces, timers and events of the runtime. Made for the simulated world, where a
 * data_network (sim/data_network.h) or a test stands behind each N6 interface; it asks nothing of
 * the world that an env does not offer. */
#pragma once
#include "dp/user_plane.h"
#include "rt/rt.h"

/* Opens upf.n3_addresses (port 2152) and the interfaces of upf.n6 and points rt->user_plane to it.
 * config must outlive it. Close it with user_plane_close(), after nf/upf has stopped. ERR_CONFIG,
 * ERR_NOSPACE, or what the environment answers. */
int user_plane_inline_open(struct user_plane **, struct rt *, const struct config *);
