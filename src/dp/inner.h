/* SPDX-License-Identifier: Apache-2.0 */
/* inner.h - the user's IP packet or Ethernet frame: its bounds, what filters look at, checksums. */
#pragma once
#include "dp/dp.h"

struct inner {
    uint8_t family, proto, tos; /* proto: the last header's. family 0: a frame */
    bool df, later_fragment, has_ports;
    uint8_t hop_limit, icmp_type; /* icmp_type: with proto 1 or 58 */
    uint16_t src_port, dst_port;
    uint32_t spi, flow_label, n, l4; /* n: octets of the packet by its own header; l4: offset */
    const uint8_t *src, *dst;
    /* of a frame, whose src and dst are its MAC addresses and l4 is where its payload begins */
    uint16_t ethertype, c_tag, s_tag;
    bool has_c_tag, has_s_tag, flooded; /* flooded: for all, since nobody is known to have its destination */
};
enum { INNER_GOOD = DP_COUNTERS };
/* INNER_GOOD, or what to count: DP_inner_malformed, DP_fragment_unsafe. */
enum dp_counter inner_read(const uint8_t *p, uint32_t n, struct inner *in);
/* frame.c: a frame of TS 23.501 5.6.10.2, without preamble and check sequence. INNER_GOOD, DP_frame_malformed. */
enum dp_counter frame_read(const uint8_t *p, uint32_t n, struct inner *in);
bool eth_matches(const struct rule_eth *f, const struct inner *in);
bool sdf_matches(const struct rule_sdf *f, const struct inner *in, bool to_ue);
/* Sum of 16 bit words onto sum, folded; the checksum is the complement. */
uint16_t inet_sum(const uint8_t *p, uint32_t n, uint32_t sum);
