/* SPDX-License-Identifier: Apache-2.0 */
/* vici.h - the wire of vici, the interface by which strongSwan's daemon is asked: packets with a length before each, and
 * in them sections, keys with values, and lists. Nothing is copied, no input or output here. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { VICI_SEGMENT_MAX = 512 * 1024, VICI_HEAD = 4, VICI_DEPTH = 8 };
enum vici_type {
    VICI_CMD_REQUEST, VICI_CMD_RESPONSE, VICI_CMD_UNKNOWN, VICI_EVENT_REGISTER, VICI_EVENT_UNREGISTER, VICI_EVENT_CONFIRM,
    VICI_EVENT_UNKNOWN, VICI_EVENT
};
struct vici_packet {
    enum vici_type type;
    struct str name; /* of requests, registrations and events */
    struct bytes body;
};
/* The first packet of what was read: how many octets it took; 0: more must be read; ERR_RANGE, ERR_SYNTAX, ERR_SHORT,
 * ERR_UNKNOWN: what follows cannot be read any more. */
int vici_packet_read(struct bytes read, struct vici_packet *);

enum vici_item { VICI_END, VICI_SECTION, VICI_SECTION_END, VICI_VALUE, VICI_LIST, VICI_ITEM, VICI_LIST_END };
struct vici_cursor {
    struct bytes rest;
    uint32_t depth;
    bool in_list;
    struct str name;  /* of the item that was read: SECTION, VALUE, LIST; of an ITEM, its list's */
    struct str value; /* VALUE, ITEM */
};
static inline struct vici_cursor vici_cursor(struct bytes body) { return (struct vici_cursor){.rest = body}; }
/* enum vici_item; ERR_SHORT, ERR_SYNTAX, ERR_ORDER, ERR_DEPTH once the message is not well formed, and from then on. */
int vici_next(struct vici_cursor *);
/* After VICI_SECTION: to behind its end. OK or as above. */
int vici_skip(struct vici_cursor *);

/* A packet with its length: of a command with these keys and values, or to be told of an event. Octets, or ERR_NOSPACE. */
struct vici_pair {
    struct str key, value;
};
int vici_packet_write(uint8_t *out, uint32_t cap, enum vici_type, struct str name, const struct vici_pair *, uint32_t n);
