/* SPDX-License-Identifier: Apache-2.0 */
/* netns.h - network namespaces, veth pairs, addresses and routes, spoken over rtnetlink. Named
 * namespaces are mounted at /run/netns as iproute2 has them, so `ip netns` sees them. A `netns`
 * argument is a name there or NULL for the caller's own. All return 0 or ERR_DENIED, ERR_EXISTS,
 * ERR_NOTFOUND, ERR_CONFIG, ERR_IO. */
#pragma once
#include "base/addr.h"
#include "base/err.h"

int netns_create(const char *name); /* with lo up */
int netns_delete(const char *name); /* ERR_NOTFOUND when it was not there */
/* Those whose name starts so: what an earlier run that was killed left behind. The count. */
int netns_delete_prefix(const char *prefix);
bool netns_exists(const char *name);
/* A descriptor of the namespace, to be closed; or negative. */
int netns_open(const char *name);
/* Runs fn in the namespace, on this thread, and comes back: its result, or the error of the change.
 */
int netns_run(const char *name, int (*fn)(void *ctx), void *ctx);

/* Both ends are brought up. */
int netns_veth(const char *netns_a, const char *if_a, const char *netns_b, const char *if_b);
/* For an end of a veth pair whose other end has an XDP program: it takes the frames that the program
 * sends, and puts whole checksums into its own, as a network card would. */
int netns_veth_beside_xdp(const char *netns, const char *ifname);
int netns_link_up(const char *netns, const char *ifname, uint32_t mtu); /* mtu 0: as it is */
int netns_link_delete(const char *netns, const char *ifname);
int netns_address(const char *netns, const char *ifname, const struct net_addr *, uint8_t prefix);
/* to: family 0 is the default route of the family of `via`, or of v4; via: NULL or family 0: on the
 * link. */
int netns_route(const char *netns, const struct net_addr *to, uint8_t prefix,
                const struct net_addr *via, const char *ifname);
int netns_forwarding(const char *netns, bool on); /* v4 and v6 */
/* A line into a file below /proc/sys of that namespace, e.g. "net/ipv4/ip_forward". */
int netns_sysctl(const char *netns, const char *path, const char *value);
#define NETNS_ETC "/etc/netns"
/* /etc/netns/NAME/resolv.conf with this one server, which `ip netns exec` puts in the place of
 * /etc/resolv.conf; netns_delete() takes it away. */
int netns_dns(const char *name, const struct net_addr *server);
/* A neighbour that stays, and an interface's own address. */
int netns_neighbour(const char *netns, const char *ifname, const struct net_addr *, const uint8_t mac[6]);
int netns_mac(const char *netns, const char *ifname, uint8_t mac[6]);
