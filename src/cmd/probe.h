/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h - what a person would do behind a phone to see whether it works: ping, fetch a page, measure throughput. Each
 * runs in a network namespace and answers within its time. And the other end: a small data network. */
#pragma once
#include "base/addr.h"
#include "base/err.h"
#include "base/hist.h"

/* `count` echo requests, one each interval; round-trip times in microseconds are added to rtt. The answers, or an
 * error. lost may be NULL. */
int probe_ping(const char *netns, const struct net_addr *to, uint32_t count, uint32_t interval_ms, struct hist *rtt);
/* Waits until one echo request is answered: right after a session is there its interface may not be. */
int probe_reach(const char *netns, const struct net_addr *to, uint32_t timeout_ms); /* OK, ERR_TIMEOUT */
/* GET / at port 80: the status, with the body in out (NUL-terminated, cut at cap). */
int probe_http(const char *netns, const struct net_addr *to, char *out, uint32_t cap);
/* TCP for so long; bits a second as the receiver counted them. Uplink is from the namespace. */
int64_t probe_throughput(const char *netns, const struct net_addr *to, bool uplink, uint32_t duration_ms);

enum { DATA_NETWORK_HTTP = 80, DATA_NETWORK_SINK = 5001, DATA_NETWORK_SOURCE = 5002 };
#define DATA_NETWORK_PAGE "You reached the data network through Redoubt."
/* The servers of the data network, on all addresses of the calling process's namespace, until it is ended. Prints
 * "ready" when they listen. The shape of child_fork(). */
int data_network_serve(void *unused);
