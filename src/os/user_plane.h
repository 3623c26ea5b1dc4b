/* SPDX-License-Identifier: Apache-2.0 */
/* user_plane.h - the user plane of this machine: the packet path (src/dp) in a thread of its own, with
 * UDP sockets for N3 and a TUN interface for each data network; and before it, where upf.data_path says
 * so, the XDP program (os/user_plane_xdp.h), which leaves to it what is unusual. */
#pragma once
#include "dp/user_plane.h"
#include "os/loop.h"
#include "rt/rt.h"

enum { USER_PLANE_WHY = 256 };
/* Opens upf.n3_addresses (port 2152), makes or attaches the interfaces of upf.n6 with their
 * addresses, turns forwarding on, keeps phones from this machine's own services and translates
 * their addresses where upf.n6[].nat asks for it (os/n6_table.h), starts the thread, and points rt->user_plane to it. Call it before nf_start() of the UPF and
 * with the signals that the process handles already blocked or not yet handled: the thread blocks
 * all. Then, after nf_stop(): user_plane_close(), which takes interfaces and tables down.
 *
 * netns: the network namespace (os/netns.h) for N3 and N6, NULL: this one. Events are delivered by
 * `loop`, on the thread that runs it. config must outlive it.
 *
 * ERR_DENIED (needs CAP_NET_ADMIN), ERR_EXISTS (an address or interface in use), ERR_UNSUPPORTED
 * (no TUN), ERR_CONFIG, ERR_NOTFOUND, ERR_NOSPACE, ERR_IO; why says in one line what was refused
 * (USER_PLANE_WHY octets, may be NULL). A packet filter that cannot be had is no error: the log says
 * n6_unguarded and n6_without_nat, and the phones' own addresses go out. Nor is it one with data_path auto when XDP is not to be
 * had: upf_xdp_refused. */
int user_plane_open(struct user_plane **, struct loop *loop, struct rt *rt,
                             const struct config *config, const char *netns, char *why);
