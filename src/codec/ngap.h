/* SPDX-License-Identifier: Apache-2.0 */
/* ngap.h - NGAP, TS 38.413 V17.4.0: the structs, constants and descriptors made from spec/ngap.def,
 * and whole PDUs.
 *
 * ASN.1 type X is `struct ngap_X` (or a scalar, struct bytes, str, bits; the typedef `ngap_X` names
 * any of them), its descriptor `ngap_desc_X`. Values of an ENUMERATED and alternatives of a CHOICE:
 * NGAP_<type>_<name>. Messages are structs of their IEs. See codec/aper.h for the shapes, presence
 * and lifetime. */
#pragma once
#include "base/addr.h"
#include "codec/aper.h"

enum {
    NGAP_INITIATING,
    NGAP_SUCCESSFUL,
    NGAP_UNSUCCESSFUL
}; /* kind of a PDU; also TriggeringMessage */

enum ngap_proc {
#define PROC(name, code, criticality) NGAP_PROC_##name = code,
#include "../../spec/ngap.def"
    NGAP_PROCS /* one more than the highest */
};
enum ngap_msg {
#define MSG(name, procedure, kind) NGAP_MSG_##name,
#include "../../spec/ngap.def"
    NGAP_MSGS
};

/* clang-format off */
/* Constants and presence bits. */
#define ENUM(T, ...)   typedef uint32_t ngap_##T; enum {
#define V(T, value)    NGAP_##T##_##value,
#define ENUM_END(T)    };
#define CHOICE(T, ...) enum {
#define A(T, name, ...)  NGAP_##T##_##name,
#define AX(T, name, ...) NGAP_##T##_##name,
#define CHOICE_END(T)  };
#define HAS(T)         union ngap_has_##T { struct {
#define HAS_END        }; uint64_t mask[1]; };
#define BIT(T, name, ...) uint64_t name : 1;
#define SEQ(T, ...)    HAS(T)
#define M              BIT
#define SEQ_END(T)     HAS_END
#define EXTSET(T)      HAS(T)
#define X              BIT
#define EXTSET_END(T)  HAS_END
#define IES(T)         HAS(T)
#define IE             BIT
#define IES_END(T)     HAS_END
#include "../../spec/ngap.def"
#undef HAS
#undef HAS_END
#undef BIT

/* Types and descriptors. */
#define DESC(T)          extern const struct asn_type ngap_desc_##T;
#define SIMPLE(C, T)     typedef C ngap_##T; DESC(T)
#define INT(T, ...)      SIMPLE(uint64_t, T)
#define ENUM(T, ...)     DESC(T)
#define BITS(T, ...)     SIMPLE(struct bits, T)
#define OCTETS(T, ...)   SIMPLE(struct bytes, T)
#define CHARS(T, ...)    SIMPLE(struct str, T)
#define UTF8(T, ...)     SIMPLE(struct str, T)
#define NULLS(T)         SIMPLE(uint8_t, T)
#define OPEN(T)          SIMPLE(struct bytes, T)
#define CONTAINING(T, ...) SIMPLE(struct bytes, T)
#define STRUCT(T)        typedef struct ngap_##T ngap_##T; DESC(T) struct ngap_##T {
#define MEMBERS(T)       STRUCT(T) union ngap_has_##T has;
#define LIST(T, E, ...)  STRUCT(T) ngap_##E *v; uint32_t n; };
#define SEQ(T, ...)      MEMBERS(T)
#define M(P, name, T, ...) ngap_##T name;
#define EXTS(P, T)       struct ngap_##T *ext;
#define SEQ_END(T)       };
#define EXTSET(T)        MEMBERS(T)
#define X(P, name, id, criticality, T, presence) ngap_##T name;
#define EXTSET_END(T)    };
#define CHOICE(T, ...)   STRUCT(T) uint32_t sel; union {
#define A(P, name, T)    ngap_##T name;
#define AX(P, name, id, criticality, T) ngap_##T name;
#define CHOICE_END(T)    }; };
#define IES(T)           MEMBERS(T)
#define IE               X
#define IES_END(T)       };
#include "../../spec/ngap.def"
#undef DESC
#undef SIMPLE
#undef STRUCT
#undef MEMBERS
/* clang-format on */

struct ngap_pdu {
    uint8_t kind;                /* NGAP_INITIATING.. */
    uint8_t procedure;           /* enum ngap_proc */
    uint8_t criticality;         /* of the procedure, as received: ASN_REJECT.. */
    enum ngap_msg msg;           /* NGAP_MSGS when it is not known */
    const struct asn_type *type; /* of the message; NULL when it is not known */
    void *value; /* struct ngap_<message> in the arena; NULL when nothing could be read */
};
enum ngap_error { /* TS 38.413 10.1 */
                  NGAP_ERROR_NONE,
                  NGAP_ERROR_TRANSFER_SYNTAX, /* Cause protocol: transfer-syntax-error */
                  NGAP_ERROR_REJECT,          /* abstract-syntax-error-reject */
                  NGAP_ERROR_NOTIFY, /* abstract-syntax-error-ignore-and-notify: go on, and report
                                      */
                  NGAP_ERROR_FALSE_CONSTRUCT, /* abstract-syntax-error-falsely-constructed-message
                                               */
                  NGAP_ERROR_MEMORY,          /* the arena was too small: Cause misc
                                                 control-processing-overload */
};
struct ngap_report {
    enum ngap_error error;
    bool known_header; /* kind, procedure and criticality could be read */
    uint8_t kind, procedure, criticality;
    uint32_t trailing;      /* octets after the PDU; tolerated, as some peers send them */
    struct aper_report ies; /* items for CriticalityDiagnostics */
};

/* Reads one PDU. OK (report->error NONE or NOTIFY), else a negative error with report->error saying
 * how clause 10 sees it. out->value is set whenever the message is known and its syntax right, so
 * that the answer to a rejected message finds the UE NGAP IDs. A mandatory IE of criticality ignore
 * can be missing: look at its bit in `has`. */
int ngap_decode(struct bytes in, struct arena *a, struct ngap_pdu *out, struct ngap_report *report);
/* Octets of the whole PDU, or ERR_RANGE, ERR_MISSING, ERR_NOSPACE. value is a struct
 * ngap_<message>. */
int ngap_encode(enum ngap_msg msg, const void *value, uint8_t *buf, size_t cap);

/* The UE NGAP IDs that a message of any kind names. */
struct ngap_ue_ids {
    bool has_amf, has_ran;
    uint64_t amf, ran;
};
/* The identities in any message that has them. */
struct ngap_ue_ids ngap_pdu_ue_ids(const struct asn_type *, const void *value);
/* TransportLayerAddress (9.3.2.4): IPv4, IPv6, or both in this order. How many; 0: neither of these. */
int ngap_addresses(struct bits, struct net_addr out[2]);
uint32_t ngap_gnb_id(struct bits); /* 22 to 32 bits; 0: not so many */
enum { NGAP_NODE_TEXT = 48 };
void ngap_node_text(const struct ngap_GlobalRANNodeID *, char out[NGAP_NODE_TEXT]); /* "gnb-001-01-000001" */

/* Transfers (what an OCTET STRING (CONTAINING T) holds), and any other type on its own. v is a
 * struct ngap_T. Errors as aper_decode and aper_encode. */
static inline int ngap_transfer_decode(const struct asn_type *t, struct bytes in, struct arena *a,
                                       void *v)
{
    return aper_decode(t, v, in, a, NULL, NULL);
}
/* The contents of one IE of a transfer that is a ProtocolIE-Container, without the others. OK, ERR_NOTFOUND, or why it cannot be read. */
int ngap_transfer_ie(struct bytes transfer, uint32_t id, struct arena *a, struct bytes *contents);
static inline int ngap_transfer_encode(const struct asn_type *t, const void *v, uint8_t *buf,
                                       size_t cap)
{
    return aper_encode(t, v, buf, cap);
}

const char *ngap_msg_name(enum ngap_msg msg);            /* never NULL */
const struct asn_type *ngap_msg_type(enum ngap_msg msg); /* NULL when out of range */
/* The message of a procedure and kind, NGAP_MSGS when there is none. */
enum ngap_msg ngap_msg_of(uint8_t procedure, uint8_t kind);
uint8_t ngap_msg_kind(enum ngap_msg msg);
uint8_t ngap_msg_procedure(enum ngap_msg msg);
/* What to answer: the Cause of a report, and its CriticalityDiagnostics (lists from the arena;
 * ERR_NOSPACE). */
struct ngap_Cause ngap_report_cause(const struct ngap_report *report);
int ngap_report_diagnostics(const struct ngap_report *report, struct arena *a,
                            struct ngap_CriticalityDiagnostics *out);
