/* SPDX-License-Identifier: Apache-2.0 */
/* n6_table.h - what the kernel's packet filter does for an interface to a data network, by the
 * program nft, in a table of our own: redoubt_<interface>. Phones do not reach this machine's own
 * services, N2 and N4 among them: of what comes from them to an address of the machine, ICMP alone
 * passes. And their addresses are translated, where that is asked for. */
#pragma once
#include "base/addr.h"
#include "base/err.h"

struct n6_table {
    const char *netns; /* as in os/netns.h */
    const char *interface;
    bool nat;
    struct net_addr prefix4, prefix6; /* of the phones; family 0: none */
    uint8_t bits4, bits6;
};
/* A table that a killed run left behind is replaced. ERR_UNSUPPORTED: nft is not installed;
 * ERR_CONFIG: not a name for an interface; ERR_IO: it refused, with what it said in why (cap octets,
 * always terminated). */
int n6_table_start(const struct n6_table *, char *why, size_t cap);
int n6_table_stop(const char *netns, const char *interface);
