/* SPDX-License-Identifier: Apache-2.0 */
/* gtpu.c - the general header, extension chains and signalling messages, TS 29.281. */
#include "codec/gtpu.h"
#include "base/err.h"
#include "base/wire.h"

enum { IE_RECOVERY = 14, IE_TEID_DATA_I = 16, IE_PEER_ADDRESS = 133, IE_EXTENSION_TYPES = 141 };

/* Comprehension of a type that is not known, 5.2.1: bits 8 and 7 say who must understand it. We are
 * the endpoint receiver, so 10 and 11 both bind us. */
static bool must_understand(uint8_t type)
{
    return type & 0x80;
}

/* PDU Session Container, TS 38.415 5.5.2; `p` begins after the length octet. */
static int container_get(struct gtpu_hdr *h, const uint8_t *p, uint32_t n)
{
    if (n < 2)
        return ERR_SYNTAX;
    uint8_t pdu_type = p[0] >> 4;
    if (pdu_type > GTPU_UPLINK)
        return ERR_SYNTAX;
    h->pdu_type = pdu_type;
    h->rqi =
        false; /* of a second container, which nobody should send, nothing mixes with the first */
    h->ppi = GTPU_NO_PPI;
    h->qfi = p[1] & 0x3f;
    if (pdu_type == GTPU_DOWNLINK) {
        h->rqi = p[1] & 0x40;
        if (p[1] & 0x80) { /* paging policy presence */
            if (n < 3)
                return ERR_SYNTAX;
            h->ppi = p[2] >> 5;
        }
    }
    return OK;
}

static int extensions_get(struct gtpu_hdr *h, struct rd *r, uint8_t type)
{
    while (type) {
        uint32_t octets = 4u * rd_u8(r);
        if (r->bad || octets == 0)
            return r->bad ? ERR_SHORT : ERR_SYNTAX; /* 5.2.1: a length of 0 is not allowed */
        const uint8_t *p = rd_octets(r, octets - 1);
        if (!p)
            return ERR_SHORT;
        if (type == GTPU_EXT_PDU_SESSION) {
            int err = container_get(h, p, octets - 2);
            if (err)
                return err;
        } else if (must_understand(type) && type != GTPU_EXT_PDCP_PDU_NUMBER && !h->unknown_ext) {
            h->unknown_ext = type;
        }
        type = p[octets - 2];
    }
    return OK;
}

int gtpu_parse_full(const uint8_t *p, size_t n, struct gtpu_hdr *h)
{
    *h = (struct gtpu_hdr){.qfi = GTPU_NO_QFI, .ppi = GTPU_NO_PPI};
    if (n < GTPU_HEADER_MIN)
        return ERR_SHORT;
    if ((p[0] & 0xf0) != 0x30) /* version 1, protocol type GTP */
        return ERR_UNSUPPORTED;
    uint32_t len = be16(p + 2);
    h->type = p[1];
    h->teid = be32(p + 4);
    if (n - GTPU_HEADER_MIN < len)
        return ERR_SHORT;
    struct rd r = rd_over((struct bytes){p + GTPU_HEADER_MIN, len});
    if (p[0] & 0x07) { /* one of E, S, PN: all three fields are there */
        uint16_t seq = rd_u16(&r);
        uint8_t npdu = rd_u8(&r), next = rd_u8(&r);
        if (r.bad)
            return ERR_SHORT;
        h->has_seq = p[0] & 0x02;
        h->has_npdu = p[0] & 0x01;
        h->seq = h->has_seq ? seq : 0;
        h->npdu = h->has_npdu ? npdu : 0;
        int err = p[0] & 0x04 ? extensions_get(h, &r, next) : OK;
        if (err)
            return err;
    }
    h->payload = rd_left(&r);
    h->header = GTPU_HEADER_MIN + len - h->payload;
    return OK;
}

int gtpu_put(const struct gtpu_hdr *h, size_t payload_n, uint8_t *to, size_t cap)
{
    bool container = h->qfi != GTPU_NO_QFI, ppi = container && h->ppi != GTPU_NO_PPI;
    bool full = container || h->has_seq || h->has_npdu;
    size_t header = ppi         ? GTPU_HEADER_QFI_PPI
                    : container ? GTPU_HEADER_QFI
                    : full      ? GTPU_HEADER_FULL
                                : GTPU_HEADER_MIN;
    if (payload_n > 65535 - (header - GTPU_HEADER_MIN) || (container && h->qfi > 63) ||
        (ppi && (h->ppi > 7 || h->pdu_type == GTPU_UPLINK)))
        return ERR_RANGE;
    if (cap < header)
        return ERR_NOSPACE;
    memset(to, 0, header);
    to[0] = (uint8_t)(0x30 | (container ? 4 : 0) | (h->has_seq ? 2 : 0) | (h->has_npdu ? 1 : 0));
    to[1] = h->type;
    put_be16(to + 2, (uint16_t)(payload_n + header - GTPU_HEADER_MIN));
    put_be32(to + 4, h->teid);
    if (h->has_seq)
        put_be16(to + 8, h->seq);
    if (h->has_npdu)
        to[10] = h->npdu;
    if (container) {
        to[11] = GTPU_EXT_PDU_SESSION;
        to[12] = ppi ? 2 : 1;
        to[13] = (uint8_t)(h->pdu_type << 4);
        to[14] = (uint8_t)(h->qfi | (h->rqi && h->pdu_type == GTPU_DOWNLINK ? 0x40 : 0) |
                           (ppi ? 0x80 : 0));
        if (ppi)
            to[15] = (uint8_t)(h->ppi << 5);
    }
    return (int)header;
}

/* Header with a sequence number, then the IEs. */
static int signal_put(uint8_t *to, size_t cap, uint8_t type, uint16_t seq, const uint8_t *ies,
                      size_t n)
{
    struct gtpu_hdr h = {
        .type = type, .qfi = GTPU_NO_QFI, .ppi = GTPU_NO_PPI, .has_seq = true, .seq = seq};
    int header = gtpu_put(&h, n, to, cap);
    if (header < 0)
        return header;
    if (cap - (size_t)header < n)
        return ERR_NOSPACE;
    if (n)
        memcpy(to + header, ies, n);
    return header + (int)n;
}
int gtpu_echo_request(uint8_t *to, size_t cap, uint16_t seq)
{
    return signal_put(to, cap, GTPU_ECHO_REQUEST, seq, NULL, 0);
}
int gtpu_echo_response(uint8_t *to, size_t cap, uint16_t seq)
{
    static const uint8_t ies[] = {IE_RECOVERY, 0}; /* 8.2: the value is 0 and not looked at */
    return signal_put(to, cap, GTPU_ECHO_RESPONSE, seq, ies, sizeof ies);
}
int gtpu_error_indication(uint8_t *to, size_t cap, uint32_t teid, const struct net_addr *peer)
{
    uint8_t ies[5 + 3 + 16] = {IE_TEID_DATA_I};
    uint16_t octets = peer->family == 6 ? 16 : 4;
    put_be32(ies + 1, teid);
    ies[5] = IE_PEER_ADDRESS;
    put_be16(ies + 6, octets);
    memcpy(ies + 8, peer->ip, octets);
    return signal_put(to, cap, GTPU_ERROR_INDICATION, 0, ies, 8u + octets);
}
int gtpu_supported_extensions(uint8_t *to, size_t cap, uint16_t seq)
{
    static const uint8_t ies[] = {IE_EXTENSION_TYPES, 1, GTPU_EXT_PDU_SESSION};
    return signal_put(to, cap, GTPU_SUPPORTED_EXTENSIONS, seq, ies, sizeof ies);
}
int gtpu_end_marker(uint8_t *to, size_t cap, uint32_t teid, uint8_t qfi, uint8_t pdu_type)
{
    struct gtpu_hdr h = {.type = GTPU_END_MARKER,
                         .qfi = qfi,
                         .ppi = GTPU_NO_PPI,
                         .pdu_type = pdu_type,
                         .teid = teid};
    return gtpu_put(&h, 0, to, cap);
}

static bool peer_get(struct gtpu_ies *o, struct bytes b)
{
    if (b.n != 4 && b.n != 16)
        return false;
    o->peer = (struct net_addr){.family = b.n == 4 ? 4 : 6};
    memcpy(o->peer.ip, b.p, b.n);
    return o->has_peer = true;
}
int gtpu_ies(const uint8_t *body, size_t n, struct gtpu_ies *o)
{
    *o = (struct gtpu_ies){0};
    struct rd r = rd_over((struct bytes){body, n > UINT32_MAX ? UINT32_MAX : (uint32_t)n});
    while (rd_left(&r) && !r.bad) {
        uint8_t type = rd_u8(&r);
        if (type == IE_RECOVERY) {
            o->recovery = rd_u8(&r);
            o->has_recovery = !r.bad;
        } else if (type == IE_TEID_DATA_I) {
            o->teid = rd_u32(&r);
            o->has_teid = !r.bad;
        } else if (type == IE_EXTENSION_TYPES) { /* 8.5: its length is one octet */
            o->ext_types = rd_bytes(&r, rd_u8(&r));
        } else if (type & 0x80) {
            struct bytes b = rd_bytes(&r, rd_u16(&r));
            if (!r.bad && type == IE_PEER_ADDRESS && !peer_get(o, b))
                return ERR_RANGE;
        } else {
            return ERR_UNKNOWN; /* 7.1: a TV type without a known length ends the walk */
        }
    }
    return r.bad ? ERR_SHORT : OK;
}
