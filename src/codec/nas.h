/* SPDX-License-Identifier: Apache-2.0 */
/* nas.h - plain 5GMM and 5GSM messages, TS 24.501 V17.9.0: the structs and constants made from
 * spec/nas5g.def, one decoder and one encoder for all of them.
 *
 * Message X is `struct nas_X` with its IEs as members; an optional IE is there when m->has.member
 * is set. The type of each value kind is below (NAS_KINDS), structured ones in codec/nas_ie.h.
 * Messages without security only: protecting and unprotecting is proto/nas's. */
#pragma once
#include "codec/nas_ie.h"

enum { NAS_EPD_MM = 0x7e, NAS_EPD_SM = 0x2e };
enum { NAS_SECRET = 1, NAS_IDENTITY = 2, NAS_CLEAR = 4 }; /* flags of a row */

/* KIND(name, C type): scalars first, those up to GSM_CAUSE are done by the engine. */
#define NAS_KINDS(KIND)                                                                            \
    KIND(HALF, uint8_t)                                                                            \
    KIND(U8, uint8_t)                                                                              \
    KIND(U11, uint16_t) /* the upper bits of two octets */                                         \
    KIND(U16, uint16_t)                                                                            \
    KIND(PSI_SET, uint16_t) /* bit n is PDU session identity n */                                  \
    KIND(GMM_CAUSE, uint8_t)                                                                       \
    KIND(GSM_CAUSE, uint8_t)                                                                       \
    KIND(BYTES, struct bytes) /* the value as it is on the wire */                                 \
    KIND(OCTETS, struct nas_octets)                                                                \
    KIND(KSI, struct nas_ksi)                                                                      \
    KIND(REG_TYPE, struct nas_registration_type)                                                   \
    KIND(DEREG_TYPE, struct nas_deregistration_type)                                               \
    KIND(ALGORITHMS, struct nas_algorithms)                                                        \
    KIND(UE_SEC_CAP, struct nas_ue_security_capability)                                            \
    KIND(MOBILE_ID, struct nas_mobile_identity)                                                    \
    KIND(S_NSSAI, struct nas_s_nssai)                                                              \
    KIND(NSSAI, struct nas_nssai)                                                                  \
    KIND(REJECTED_NSSAI, struct nas_rejected_nssai)                                                \
    KIND(PLMN, struct nas_plmn)                                                                    \
    KIND(TAI, struct nas_tai)                                                                      \
    KIND(TAI_LIST, struct nas_tai_list)                                                            \
    KIND(AREA_LIST, struct nas_tai_list)                                                           \
    KIND(DNN, struct str) /* "internet.example", labels joined by dots */                          \
    KIND(TIME, struct nas_time)                                                                    \
    KIND(PDU_ADDRESS, struct nas_pdu_address)                                                      \
    KIND(QOS_RULES, struct nas_qos_rules)                                                          \
    KIND(QOS_FLOWS, struct nas_qos_flows)                                                          \
    KIND(AMBR, struct nas_ambr)                                                                    \
    KIND(EPCO_UP, struct nas_pco)                                                                  \
    KIND(EPCO_DOWN, struct nas_pco)

enum nas_kind {
#define KIND(name, type) NAS_KIND_##name,
    NAS_KINDS(KIND)
#undef KIND
        NAS_KIND_COUNT
};
struct nas_plmn {
    uint8_t octet[3];
};
#define KIND(name, type) typedef type nas_kind_##name;
NAS_KINDS(KIND)
#undef KIND

enum nas_type {
#define MSG(name, constant, epd, type, text, clause) NAS_##constant = type,
#include "../../spec/nas5g.def"
};
enum {
#define CAUSE(group, name, value, text) NAS_##group##_CAUSE_##name = value,
#include "../../spec/nas_causes.def"
};
/* Names of causes; "unknown cause" where there is none. */
const char *nas_gmm_cause_text(uint8_t cause);
const char *nas_gsm_cause_text(uint8_t cause);

/* clang-format off */
#define MSG(name, ...)         union nas_has_##name { struct {
#define O(msg, member, ...)    uint64_t member : 1;
#define C                      O
#define END(name)              }; uint64_t mask; };
#include "../../spec/nas5g.def"
#define MSG(name, ...)         struct nas_##name { union nas_has_##name has;
#define M(msg, member, format, min, max, kind, ...)      nas_kind_##kind member;
#define O(msg, member, iei, format, min, max, kind, ...) nas_kind_##kind member;
#define C                      O
#define END(name)              };
#include "../../spec/nas5g.def"
/* clang-format on */

enum nas_format {
    NAS_V,
    NAS_V_LOW,
    NAS_V_HIGH,
    NAS_LV,
    NAS_LV_E,
    NAS_TV1,
    NAS_TV,
    NAS_TLV,
    NAS_TLV_E
};
struct nas_row { /* one IE of one message */
    const char *name;
    uint16_t offset; /* of the member */
    uint8_t iei;     /* 0: mandatory */
    uint8_t bit;     /* in has.mask */
    uint8_t format;  /* enum nas_format */
    uint8_t kind;    /* enum nas_kind */
    uint8_t flags;   /* NAS_SECRET... */
    uint16_t min;    /* octets of the value */
    uint16_t max;    /* octets of the value; what is beyond is ignored */
};
struct nas_desc {
    const char *name;
    uint8_t epd, type;
    uint16_t size; /* of the struct */
    uint16_t n;    /* rows, the mandatory ones first */
    const struct nas_row *row;
};

struct nas_msg {
    uint8_t epd;                 /* NAS_EPD_* */
    uint8_t type;                /* enum nas_type */
    uint8_t pdu_session_id, pti; /* 5GSM */
    const struct nas_desc *desc; /* set by nas_decode(), nas_msg_init() */
    union {
#define MSG(name, ...) struct nas_##name name;
#include "../../spec/nas5g.def"
    };
};

/* What clause 7 makes of a message that is not right. */
struct nas_report {
    uint8_t cause;    /* 96, 97...: for a 5GMM or 5GSM STATUS or a reject; 0: ignore it (7.2) */
    uint8_t iei;      /* of the IE at fault; 0: mandatory without IEI, or none */
    uint16_t skipped; /* optional IEs not taken: unknown, repeated or syntactically incorrect */
    uint32_t offset;  /* octets to where the fault is */
};

enum nas_security_header { /* 9.3 */
                           NAS_PLAIN,
                           NAS_INTEGRITY,
                           NAS_CIPHERED,
                           NAS_INTEGRITY_NEW, /* SECURITY MODE COMMAND */
                           NAS_CIPHERED_NEW   /* SECURITY MODE COMPLETE */
};
struct nas_header {
    uint8_t epd;
    uint8_t security; /* enum nas_security_header */
    uint8_t type;     /* of a plain message */
    uint8_t sequence; /* of a protected message, like mac and protected */
    uint32_t mac;
    struct bytes plain; /* the whole message if plain, else the message inside (maybe ciphered) */
    struct bytes authenticated; /* sequence number and message: what the MAC is over */
};

/* NULL when there is no such message. */
const struct nas_desc *nas_desc_of(uint8_t epd, uint8_t type);
/* An empty message of that type: zeroes it. ERR_UNKNOWN. */
int nas_msg_init(struct nas_msg *msg, enum nas_type type);
/* OK, ERR_SHORT, ERR_SYNTAX (ignore it), ERR_UNKNOWN (#97), ERR_MISSING (#96), ERR_NOSPACE (arena
 * full). The type, session and PTI are set as far as they were there. Values point into `plain` and
 * the arena. report may be NULL. */
int nas_decode(struct bytes plain, struct arena *arena, struct nas_msg *out,
               struct nas_report *report);
/* Octets, or ERR_NOSPACE, ERR_RANGE (a value that has no encoding), ERR_UNKNOWN. IEs in the order
 * of the tables. Only msg->type chooses the message; epd and desc are not read. */
int nas_encode(const struct nas_msg *msg, uint8_t *buf, size_t cap);
/* OK, ERR_SHORT or ERR_SYNTAX (EPD or security header type unknown): ignore the message. */
int nas_header_peek(struct bytes message, struct nas_header *out);
/* May this row be sent unciphered, without security context, in an initial NAS message? 4.4.6. */
static inline bool nas_ie_is_cleartext(const struct nas_row *row)
{
    return row->flags & NAS_CLEAR;
}
/* True when an initial message has nothing but cleartext IEs, 4.4.6. */
bool nas_is_cleartext_only(const struct nas_msg *msg);
/* A random valid message of that type from a seed (advanced), for tests: every IE that is there can be read. Octets, or
 * ERR_UNKNOWN, ERR_NOSPACE. */
int nas_random(enum nas_type type, uint64_t *seed, uint8_t *buf, size_t cap);
/* One line of text, cut at cap, always terminated. Identities and secrets read <identity>,
 * <secret>. Octets. */
int nas_print(const struct nas_msg *msg, char *buf, size_t cap);
