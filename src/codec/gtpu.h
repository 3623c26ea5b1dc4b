/* SPDX-License-Identifier: Apache-2.0 */
/* gtpu.h - GTP-U, TS 29.281 V17, with the PDU Session Container of TS 38.415. Parsing and building
 * in place: nothing is copied but the header, nothing allocated; fit for the data path. */
#pragma once
#include "base/addr.h"
#include "base/bytes.h"

enum {
    GTPU_PORT = 2152,
    GTPU_ECHO_REQUEST = 1,
    GTPU_ECHO_RESPONSE = 2,
    GTPU_ERROR_INDICATION = 26,
    GTPU_SUPPORTED_EXTENSIONS = 31,
    GTPU_END_MARKER = 254,
    GTPU_G_PDU = 255,

    GTPU_EXT_UDP_PORT = 0x40,
    GTPU_EXT_PDU_SESSION = 0x85,
    GTPU_EXT_PDCP_PDU_NUMBER = 0xc0,
    GTPU_EXT_LONG_PDCP_PDU_NUMBER = 0x82,
    GTPU_EXT_SERVICE_CLASS = 0x20,
    GTPU_EXT_NR_RAN = 0x84,

    GTPU_HEADER_MIN = 8,
    GTPU_HEADER_FULL = 12, /* with sequence number, N-PDU number and next extension type */
    GTPU_HEADER_QFI =
        16, /* with a PDU Session Container of 4 octets: the headroom that gtpu_push takes */
    GTPU_HEADER_QFI_PPI = 20, /* with one of 8, when a PPI is sent */
    GTPU_NO_QFI = 0xff,
    GTPU_NO_PPI = 0xff,
    GTPU_DOWNLINK = 0, /* PDU type of the container: to the RAN */
    GTPU_UPLINK = 1,
};

struct gtpu_hdr {
    uint8_t type;
    uint8_t qfi;      /* of the PDU Session Container; GTPU_NO_QFI: there is none */
    uint8_t pdu_type; /* GTPU_DOWNLINK or GTPU_UPLINK; defined when there is a container */
    uint8_t ppi;      /* paging policy indicator 0..7; GTPU_NO_PPI */
    bool rqi;         /* reflective QoS */
    bool has_seq, has_npdu;
    uint8_t npdu;
    uint8_t unknown_ext; /* the first extension type that must be understood and is not; 0: none */
    uint16_t seq;
    uint32_t teid;
    uint32_t header;  /* octets before the payload */
    uint32_t payload; /* octets after it */
};

int gtpu_parse_full(const uint8_t *, size_t, struct gtpu_hdr *);
/* Reads the header of a UDP payload. OK; ERR_SHORT; ERR_UNSUPPORTED (version or GTP'); ERR_SYNTAX
 * (extension chain, container). Octets after the length the header states are no part of the
 * payload. With unknown_ext set the message is to be dropped and gtpu_supported_extensions()
 * answered, 29.281 5.2.1 and 7.2.3. */
static inline int gtpu_parse(const uint8_t *p, size_t n, struct gtpu_hdr *h)
{
    if (n >= GTPU_HEADER_MIN && p[0] == 0x30) { /* no optional parts */
        uint32_t len = be16(p + 2);
        if (n - GTPU_HEADER_MIN >= len) {
            *h = (struct gtpu_hdr){.type = p[1],
                                   .qfi = GTPU_NO_QFI,
                                   .ppi = GTPU_NO_PPI,
                                   .teid = be32(p + 4),
                                   .header = GTPU_HEADER_MIN,
                                   .payload = len};
            return 0;
        }
    }
    if (__builtin_expect(n >= GTPU_HEADER_QFI && p[0] == 0x34 && p[11] == GTPU_EXT_PDU_SESSION &&
                             p[12] == 1 && p[15] == 0 && (p[13] & 0xef) == 0 &&
                             (p[13] & 0x10 || !(p[14] & 0x80)),
                         1)) {
        uint32_t len =
            be16(p + 2); /* what RAN and UPF send: a container of 4 octets and nothing else */
        if (len >= GTPU_HEADER_QFI - GTPU_HEADER_MIN && n - GTPU_HEADER_MIN >= len) {
            bool uplink = p[13] & 0x10;
            *h = (struct gtpu_hdr){.type = p[1],
                                   .qfi = p[14] & 0x3f,
                                   .pdu_type = uplink ? GTPU_UPLINK : GTPU_DOWNLINK,
                                   .ppi = GTPU_NO_PPI,
                                   .rqi = !uplink && (p[14] & 0x40),
                                   .teid = be32(p + 4),
                                   .header = GTPU_HEADER_QFI,
                                   .payload = len - (GTPU_HEADER_QFI - GTPU_HEADER_MIN)};
            return 0;
        }
    }
    return gtpu_parse_full(p, n, h);
}

/* Writes a G-PDU header in the headroom that ends where the payload begins: GTPU_HEADER_MIN octets
 * without a QFI, GTPU_HEADER_QFI with one; they must be there. Returns how many octets it wrote;
 * they begin at payload - that. payload_n <= 65535 - 8. */
static inline size_t gtpu_push_type(uint8_t *payload, size_t payload_n, uint8_t type, uint32_t teid,
                                    uint8_t qfi, uint8_t pdu_type, bool rqi)
{
    if (qfi == GTPU_NO_QFI) {
        uint8_t *p = payload - GTPU_HEADER_MIN;
        p[0] = 0x30;
        p[1] = type;
        put_be16(p + 2, (uint16_t)payload_n);
        put_be32(p + 4, teid);
        return GTPU_HEADER_MIN;
    }
    uint8_t *p = payload - GTPU_HEADER_QFI;
    p[0] = 0x34;
    p[1] = type;
    put_be16(p + 2, (uint16_t)(payload_n + 8));
    put_be32(p + 4, teid);
    p[8] = p[9] = p[10] = 0;
    p[11] = GTPU_EXT_PDU_SESSION;
    p[12] = 1;
    p[13] = pdu_type == GTPU_UPLINK ? 0x10 : 0;
    p[14] = (uint8_t)((qfi & 0x3f) | (rqi && pdu_type == GTPU_DOWNLINK ? 0x40 : 0));
    p[15] = 0;
    return GTPU_HEADER_QFI;
}
static inline size_t gtpu_push(uint8_t *payload, size_t payload_n, uint32_t teid, uint8_t qfi,
                               uint8_t pdu_type, bool rqi)
{
    return gtpu_push_type(payload, payload_n, GTPU_G_PDU, teid, qfi, pdu_type, rqi);
}
/* Any header from its struct: seq and npdu when h->has_*, the container when h->qfi is set (8
 * octets when there is a PPI). Octets written at `to`, or ERR_NOSPACE, ERR_RANGE. */
int gtpu_put(const struct gtpu_hdr *h, size_t payload_n, uint8_t *to, size_t cap);

/* Path management and tunnel messages, whole; each returns the octets written or ERR_NOSPACE. */
int gtpu_echo_request(uint8_t *to, size_t cap, uint16_t seq);
int gtpu_echo_response(uint8_t *to, size_t cap,
                       uint16_t seq); /* with Recovery, always 0 in GTP-U */
/* teid and peer: those of the G-PDU for which there is no context, peer being the address it was
 * sent to. */
int gtpu_error_indication(uint8_t *to, size_t cap, uint32_t teid, const struct net_addr *peer);
int gtpu_supported_extensions(uint8_t *to, size_t cap,
                              uint16_t seq); /* lists the PDU Session Container */
int gtpu_end_marker(uint8_t *to, size_t cap, uint32_t teid, uint8_t qfi, uint8_t pdu_type);

/* The IEs behind the header of a signalling message. */
struct gtpu_ies {
    bool has_recovery, has_teid, has_peer;
    uint8_t recovery;
    uint32_t teid;          /* Tunnel Endpoint Identifier Data I, 8.3 */
    struct net_addr peer;   /* GTP-U Peer Address, 8.4; port 0 */
    struct bytes ext_types; /* Extension Header Type List, 8.5 */
};
/* Passes over IEs that are not known. OK, ERR_SHORT, ERR_RANGE (peer address), ERR_UNKNOWN (a TV
 * type without a known length). */
int gtpu_ies(const uint8_t *body, size_t n, struct gtpu_ies *);
