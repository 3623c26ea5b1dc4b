/* SPDX-License-Identifier: Apache-2.0 */
/* sdf.h - flow descriptions: the text of an IPFilterRule (RFC 6733 4.3.1) with the limits of
 * TS 29.212 5.4.2, permit out|in PROTO from ADDRESS [PORTS] to ADDRESS [PORTS] PROTO: ip, a number
 * or a few names (tcp, udp, icmp, icmpv6, sctp, esp, gre). ADDRESS: any, assigned, an IPv4 or IPv6
 * address with or without /bits. PORTS: n, n-m, a comma between several. No "!", no options, no
 * deny. */
#pragma once
#include "base/bytes.h"
#include "dp/rules.h"

struct sdf_error {
    uint32_t at;      /* octets into the text */
    const char *text; /* what was wrong there */
};
/* Fills f's addresses, ports and protocol, zeroes the rest; 0, ERR_SYNTAX, ERR_RANGE,
 * ERR_UNSUPPORTED or ERR_NOSPACE (more than RULE_SDF_PORTS ranges), with *e filled if not NULL.
 * "in" is turned round. */
int sdf_parse(struct rule_sdf *f, struct str text, struct sdf_error *e);
/* The text that parses to f, as "permit out ..."; the length without the terminator, or
 * ERR_NOSPACE. */
int sdf_print(const struct rule_sdf *f, char *to, uint32_t cap);
