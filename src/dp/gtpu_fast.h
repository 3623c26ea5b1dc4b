/* SPDX-License-Identifier: Apache-2.0 */
/* gtpu_fast.h - the GTP-U header as the packet path needs it, TS 29.281 5.1 and 5.2,
 * TS 38.415 5.5.2. */
#pragma once
#include "base/bytes.h"

enum {
    GTPU_ECHO_REQUEST = 1,
    GTPU_ECHO_RESPONSE = 2,
    GTPU_ERROR_INDICATION = 26,
    GTPU_SUPPORTED_EXTENSIONS = 31,
    GTPU_END_MARKER = 254,
    GTPU_T_PDU = 255,
    GTPU_EXT_UDP_PORT = 0x40,
    GTPU_EXT_PDU_SESSION = 0x85,
    GTPU_IE_RECOVERY = 14,
    GTPU_IE_TEID_I = 16,
    GTPU_IE_ADDRESS = 133,
    GTPU_IE_EXTENSIONS = 141,
    GTPU_IE_RECOVERY_TIME = 231,
    GTPU_EXTENSIONS_MAX = 8,
    GTPU_PUSH = 16, /* octets of the header with a PDU session container */
};
enum gtpu_verdict { GTPU_GOOD, GTPU_MALFORMED, GTPU_NOT_UNDERSTOOD };

struct gtpu {
    uint8_t type, pdu_type, qfi;
    uint8_t strange; /* an extension header that the standard does not have; 0: none */
    bool has_container;
    uint16_t sequence;
    uint32_t teid, payload_n, behind; /* behind: octets of the datagram after the message */
    uint8_t *payload;
};

/* TS 29.281 figure 5.2.1-3, TS 29.060 for the two of mobility that are of version 1 too. */
static inline bool gtpu_extension_exists(uint8_t type)
{
    return (type >= 1 && type <= 3) || type == 0x20 || type == GTPU_EXT_UDP_PORT ||
           (type >= 0x81 && type <= GTPU_EXT_PDU_SESSION) || (type >= 0xc0 && type <= 0xc2);
}

/* One extension header; the next one's type, or -1 malformed, -2 must be understood and is not. */
static inline int gtpu_extension(const uint8_t *e, uint32_t left, uint8_t type, uint32_t *octets,
                                 struct gtpu *g)
{
    if (left < 4 || !e[0] || left < e[0] * 4u)
        return -1;
    *octets = e[0] * 4u;
    if (!gtpu_extension_exists(type))
        g->strange = type;
    if (type == GTPU_EXT_PDU_SESSION) {
        g->has_container = true;
        g->pdu_type = e[1] >> 4;
        g->qfi = e[2] & 0x3f;
        if (g->pdu_type > 1)
            return -1;
    } else if (type >> 6 == 3) { /* comprehension required by whom it reaches, 5.2.1 */
        return -2;
    }
    return e[*octets - 1];
}

static inline enum gtpu_verdict gtpu_read(uint8_t *p, uint32_t n, struct gtpu *g)
{
    if (n < 8 || (p[0] & 0xf0) != 0x30) /* version 1, protocol type GTP */
        return GTPU_MALFORMED;
    uint32_t end = 8u + be16(p + 2), off = 8;
    *g = (struct gtpu){.type = p[1], .teid = be32(p + 4)};
    if (end > n)
        return GTPU_MALFORMED;
    if (p[0] & 7) {
        if (end < 12)
            return GTPU_MALFORMED;
        g->sequence = p[0] & 2 ? be16(p + 8) : 0;
        off = 12;
        int next = p[0] & 4 ? p[11] : 0;
        for (unsigned i = 0; next; i++) {
            uint32_t octets;
            if (i == GTPU_EXTENSIONS_MAX)
                return GTPU_MALFORMED;
            next = gtpu_extension(p + off, end - off, (uint8_t)next, &octets, g);
            if (next < 0)
                return next == -1 ? GTPU_MALFORMED : GTPU_NOT_UNDERSTOOD;
            off += octets;
        }
    }
    g->payload = p + off;
    g->payload_n = end - off;
    g->behind = n - end;
    return GTPU_GOOD;
}

/* Writes the header in front of a user packet of n octets (n + 8 below 65536); the new start. qfi
 * 0: without the PDU session container. */
static inline uint8_t *gtpu_push(uint8_t *p, uint32_t n, uint32_t teid, uint8_t qfi, bool rqi,
                                 bool uplink)
{
    if (!qfi) {
        p -= 8;
        p[0] = 0x30;
        put_be16(p + 2, (uint16_t)n);
    } else {
        p -= GTPU_PUSH;
        p[0] = 0x34;
        put_be16(p + 2, (uint16_t)(n + 8));
        put_be32(p + 8, GTPU_EXT_PDU_SESSION);
        p[12] = 1;
        p[13] = uplink ? 0x10 : 0;
        p[14] = (uint8_t)((rqi && !uplink ? 0x40 : 0) | (qfi & 0x3f));
        p[15] = 0;
    }
    p[1] = GTPU_T_PDU;
    put_be32(p + 4, teid);
    return p;
}
