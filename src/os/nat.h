/* SPDX-License-Identifier: Apache-2.0 */
/* nat.h - source address translation from an interface's prefixes to whatever address the machine
 * uses outside, by the program nft, in tables of our own: redoubt_<interface>. */
#pragma once
#include "base/addr.h"
#include "base/err.h"

/* A table that a killed run left behind is replaced. netns as in os/netns.h. prefix4, prefix6: of
 * the phones; bits 0: none. ERR_UNSUPPORTED: nft is not installed; ERR_IO: it refused, with what it
 * said in why (cap octets, always terminated). */
int nat_start(const char *netns, const char *interface, const struct net_addr *prefix4,
              uint8_t bits4, const struct net_addr *prefix6, uint8_t bits6, char *why, size_t cap);
int nat_stop(const char *netns, const char *interface);
