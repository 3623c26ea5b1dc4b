/* SPDX-License-Identifier: Apache-2.0 */
/* pcap.h - what a simulated world sends as a capture file that other tools read: LINKTYPE_RAW, IP headers made up
 * around it, one SCTP packet a message. SCTP handshakes and acknowledgements do not exist there. */
#pragma once
#include "sim/world.h"
#include <stdio.h>

struct world_pcap {
    FILE *out;    /* the caller's, open for writing; errors are seen by ferror() */
    uint32_t tsn; /* of the next message, all associations together */
    uint32_t packets, too_long; /* messages that fit into no IP packet are left out */
};
/* Writes the file's header and watches the world; *p lives until world_watch() is given something else. */
void world_pcap_start(struct world_pcap *p, struct world *, FILE *out);
