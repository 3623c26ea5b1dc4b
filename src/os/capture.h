/* SPDX-License-Identifier: Apache-2.0 */
/* capture.h - a pcapng file of several interfaces in several namespaces at once, written by a
 * thread of its own. Time stamps in nanoseconds from the kernel. draft-ietf-opsawg-pcapng. */
#pragma once
#include "base/err.h"
#include "base/bytes.h"

struct capture;
struct capture_point {
    const char *netns; /* NULL: this one */
    const char *ifname;
    const char *label; /* if_name in the file: "n2", "n3", "n4", "n6"; NULL: ifname */
};
struct capture_counts {
    uint64_t packets, octets;
    uint64_t lost;       /* the kernel dropped them: we were too slow */
    uint64_t past_limit; /* not written: the file is full */
};
/* snaplen 0: 65535; max_octets of the file, 0: 1 GiB. At most 16 points. The file is made with mode
 * 0600. */
int capture_start(struct capture **, const char *path, const struct capture_point *, uint32_t n,
                  uint32_t snaplen, uint64_t max_octets);
/* Waits until what was received before has been written. Frees. */
int capture_stop(struct capture *, struct capture_counts *);
