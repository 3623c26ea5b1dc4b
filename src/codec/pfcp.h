/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp.h - PFCP, TS 29.244 V17.7 (N4): structs, constants and descriptions made from spec/pfcp.def, and whole messages.
 *
 * A message or grouped IE X is `struct pfcp_X`; so is a value of several fields (struct pfcp_f_teid, whose `flags` say which
 * of its fields are meant). A single member that is not mandatory is there when its bit in `has` is set; decoding sets the
 * bits of mandatory ones too, encoding writes those in any case. A list is {v, n}. `other` holds the IEs that have no row: kept
 * as octets, written after all others. Decoded lists live in the arena, octets and text in the input: both must outlive it.
 *
 * Canonical form, which encoding yields: IEs in the order of the rows, then `other`; spare bits 0; flag octets no more than
 * needed; nothing after the fields that are known. Captures that differ from it in these ways only are equal to it. */
#pragma once
#include "base/addr.h"
#include "base/arena.h"
#include "base/bytes.h"

enum { PFCP_PORT = 8805, PFCP_MESSAGE_MAX = 65535 /* octets we encode at most */ };

enum pfcp_cause {
#define CAUSE(name, value, text) PFCP_CAUSE_##name = value,
#include "../../spec/pfcp.def"
};
enum pfcp_type {
#define MSG(name, NAME, type, ...) PFCP_##NAME = type,
#include "../../spec/pfcp.def"
};
enum pfcp_ie_type { /* PFCP_IE_far_id = 108 */
#define IE(name, type, ...) PFCP_IE_##name = type,
#include "../../spec/pfcp.def"
    PFCP_IE_TYPES
};
#define FLAG(group, name, bit) enum { PFCP_##group##_##name = 1ull << (bit) };
#include "../../spec/pfcp.def"
#define VALUE(group, name, value) enum { PFCP_##group##_##name = (value) };
#include "../../spec/pfcp.def"

/* What has no row, e.g. of later releases or vendors (then value begins with the enterprise number). */
struct pfcp_raw {
    uint16_t type;
    struct bytes value;
};
struct pfcp_others {
    struct pfcp_raw *v;
    uint32_t n;
};

/* Values of several fields. */
#define PFCP_F_U8(f)         uint8_t f;
#define PFCP_F_U16(f)        uint16_t f;
#define PFCP_F_U24(f)        uint32_t f;
#define PFCP_F_U32(f)        uint32_t f;
#define PFCP_F_U40(f)        uint64_t f;
#define PFCP_F_U64(f)        uint64_t f;
#define PFCP_F_IP4(f)        uint8_t f[4];
#define PFCP_F_IP6(f)        uint8_t f[16];
#define PFCP_F_LV8(f)        struct str f;
#define PFCP_F_LV16(f)       struct str f;
#define PFCP_F_REST(f)       struct str f;
#define PFCP_F_REST_BUT_1(f) struct str f;
#define PFCP_F_U8_TAIL(f)    uint8_t f;
#define PFCP_F_LV16_TAIL(f)  struct str f;
#define COMP(T, need)        struct pfcp_##T {
#define F(T, field, kind, c) PFCP_F_##kind(field)
#define COMP_END(T)          };
#include "../../spec/pfcp.def"

/* The C type of each IE: pfcp_ie_<name>. */
#define PFCP_T_U3(what)    uint8_t
#define PFCP_T_U4(what)    uint8_t
#define PFCP_T_U6(what)    uint8_t
#define PFCP_T_U8(what)    uint8_t
#define PFCP_T_U16(what)   uint16_t
#define PFCP_T_U32(what)   uint32_t
#define PFCP_T_FLAGS(what) uint64_t
#define PFCP_T_STR(what)   struct str
#define PFCP_T_BYTES(what) struct bytes
#define PFCP_T_COMP(what)  struct pfcp_##what
#define PFCP_T_GROUP(what) struct pfcp_##what
#define IE(name, type, kind, what, ...) typedef PFCP_T_##kind(what) pfcp_ie_##name;
#include "../../spec/pfcp.def"

/* Groups and messages: first the presence bits, then the structs. */
#define GROUP(T)             union pfcp_has_##T { struct {
#define MSG(T, ...)          GROUP(T)
#define ONE(T, member, ...)  uint64_t member : 1;
#define GROUP_END(T)         }; uint64_t mask; };
#define MSG_END(T)           GROUP_END(T)
#include "../../spec/pfcp.def"
#define GROUP(T)                       struct pfcp_##T { union pfcp_has_##T has;
#define MSG(T, ...)                    GROUP(T)
#define ONE(T, member, ie, presence)   pfcp_ie_##ie member;
#define MANY(T, member, ie, presence, most) struct { pfcp_ie_##ie *v; uint32_t n; } member;
#define GROUP_END(T)                   struct pfcp_others other; };
#define MSG_END(T)                     GROUP_END(T)
#include "../../spec/pfcp.def"

struct pfcp_desc; /* of a message: its row */
struct pfcp_msg {
    uint8_t type; /* enum pfcp_type */
    bool has_seid; /* set by decoding; encoding goes by the type */
    uint64_t seid; /* of the receiver; 0 when it is not known yet */
    uint32_t seq;  /* 24 bits */
    uint8_t priority; /* 0: none said; else 1 + the message priority 0..15 */
    bool follow_on;   /* another message follows in the datagram; see pfcp_next */
    const struct pfcp_desc *desc;
    union {
        uint64_t body[1];
#define MSG(T, ...) struct pfcp_##T T;
#include "../../spec/pfcp.def"
    };
};

/* What is wrong with a message and what to answer, TS 29.244 7.6. */
struct pfcp_report {
    uint8_t cause;      /* enum pfcp_cause; 0: nothing wrong, or nothing to be answered */
    uint16_t offending; /* IE type, 0 when none */
    bool header;        /* type, SEID and sequence number could be read: a request can be answered */
    bool version;       /* another version: answer with Version Not Supported */
    uint32_t unknown;   /* IEs without a row, kept in `other` */
    uint32_t ignored;   /* repeated or wrong optional ones that were passed over */
};

/* Takes the next message of a datagram off its front, by the follow-on flag (7.2.2.1). False at the end. What it yields may
 * be malformed: then pfcp_decode says so. */
bool pfcp_next(struct bytes *datagram, struct bytes *message);

/* One whole message. OK; ERR_SHORT, ERR_TRAILING, ERR_SYNTAX (header), ERR_UNSUPPORTED (version), ERR_UNKNOWN (message type),
 * ERR_MISSING, ERR_RANGE (an IE; see report), ERR_NOSPACE (arena), ERR_FULL (a list is longer than its row says). Where
 * report->header is set the header members of *out are valid, and of its body what came before the error: enough to answer. */
int pfcp_decode(struct bytes in, struct arena *, struct pfcp_msg *out, struct pfcp_report *);
/* Octets written, or ERR_NOSPACE, ERR_MISSING (an empty mandatory list), ERR_RANGE, ERR_UNKNOWN (type). */
int pfcp_encode(const struct pfcp_msg *, uint8_t *, size_t);
/* Indented text; identities and secrets as their length only. Returns the octets written, cut to cap, always terminated. */
size_t pfcp_print(const struct pfcp_msg *, char *, size_t cap);

const struct pfcp_desc *pfcp_desc_of(uint8_t type); /* of a message; NULL: no row */
const char *pfcp_name(uint8_t type);          /* of a message; never NULL */
const char *pfcp_ie_name(uint16_t type);      /* never NULL */
const char *pfcp_cause_name(uint8_t cause);   /* never NULL */
static inline bool pfcp_is_request(uint8_t type) /* of a known type */
{
    return type == PFCP_SESSION_REPORT_REQUEST || (type >= PFCP_SESSION_ESTABLISHMENT_REQUEST ? !(type & 1)
           : type >= PFCP_NODE_REPORT_REQUEST ? !(type & 1)
           : type < PFCP_VERSION_NOT_SUPPORTED_RESPONSE && (type & 1));
}
static inline bool pfcp_is_accepted(uint8_t cause) { return cause >= 1 && cause < 64; }

/* A domain name as labels (RFC 1035) and back: Node ID FQDN, Network Instance and APN/DNN. Reading takes the dotted form that
 * some peers send as well. Octets written without the terminator, or ERR_RANGE, ERR_NOSPACE. */
int pfcp_fqdn_put(uint8_t *to, size_t cap, struct str dotted);
int pfcp_fqdn_get(char *to, size_t cap, struct str labels);
/* Node ID as text: address or name. */
int pfcp_node_id_text(const struct pfcp_node_id *, char *to, size_t cap);
bool pfcp_node_id_eq(const struct pfcp_node_id *, const struct pfcp_node_id *);
/* Fills in flags and address of a value that names one host. */
struct pfcp_node_id pfcp_node_id_of(const struct net_addr *);
struct pfcp_f_seid pfcp_f_seid_of(uint64_t seid, const struct net_addr *);
struct pfcp_f_teid pfcp_f_teid_of(uint32_t teid, const struct net_addr *);
