/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - segmentation offload: a packet that stands for many of one flow is cut into those, and packets of one flow
 * are joined to such a one. What comes out of a cut has lengths, identifiers, sequence numbers and checksums of its own;
 * what is joined had right checksums, is in order, and comes apart again as it was. This is the one place where the
 * lengths of either are believed, and only after they were looked at. */
#pragma once
#include "dp/dp.h"

enum { SEGMENT_NONE = 0, SEGMENT_TCP4 = 1, SEGMENT_TCP6 = 4, SEGMENT_UDP = 5, SEGMENT_ECN = 0x80 };
enum { SEGMENT_NEEDS_SUM = 1, SEGMENT_HEADER_MAX = 100 /* IPv6 and TCP with all its options */ };
struct segment_header { /* the kernel's struct virtio_net_hdr, in this machine's byte order */
    uint8_t flags, gso;
    uint16_t header_n, size, sum_start, sum_offset;
};

struct cut {
    const uint8_t *p;
    uint32_t n, l4, head, size, at; /* head: octets in front of what is cut; at: the next octet of that */
    bool ipv4, tcp;
};
/* false: h does not fit the packet. p stays where it is until the cut is done. */
bool cut_start(struct cut *c, const struct segment_header *h, const uint8_t *p, uint32_t n);
/* The next packet, of at most c->head + c->size octets; its length, 0 after the last. */
uint32_t cut_next(struct cut *c, uint8_t *to);
/* A packet that is alone and still needs its checksum. false as above. */
bool segment_sum(const struct segment_header *h, uint8_t *p, uint32_t n);

struct join_group { /* packets of one flow, or one of any kind */
    uint32_t octets, seq; /* of the joined packet; what comes next in TCP */
    uint16_t first, last, n, size, head, l4;
    bool open, checked; /* another one may follow; the first one's checksums are right */
};
struct join {
    const struct dp_packet *k;
    uint16_t groups;
    uint16_t next[DP_BATCH]; /* of the same group */
    struct join_group group[DP_BATCH];
};
/* Of n packets, at most DP_BATCH, each is in one group; groups are in the order of their first packets, and the packets
 * of a flow in theirs. The packets are read only, and must stay until the join has been used. */
void join(struct join *j, const struct dp_packet *k, unsigned n, bool udp);
/* What goes before the payloads (each packet from its octet `head` on) of a group of more than one: its length. */
uint32_t join_header(const struct join *j, const struct join_group *g, struct segment_header *h,
                     uint8_t to[SEGMENT_HEADER_MAX]);
