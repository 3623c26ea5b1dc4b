/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors made from spec/ngap.def, and NGAP-PDU around them. */
#include "codec/ngap.h"
#include "base/err.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "bit i of `has` is bit-field i only there");

/* clang-format off */
#define NOMAX  ASN_NOMAX
#define SECRET ASN_SECRET
#define IDENTITY ASN_IDENTITY
#define LEAF(T, k, low, high, fl, e)                                                               \
    const struct asn_type ngap_desc_##T = {.name = #T, .kind = (k), .flags = (fl), .size = sizeof(ngap_##T), \
                                           .lower = (low), .upper = (high), .elem = (e)};
#define FIELDS(T)  static const struct asn_field f_##T[] = {
#define FIELD(P, n, T, i, c, p)                                                                    \
    {.name = #n, .type = &ngap_desc_##T, .offset = offsetof(struct ngap_##P, n), .id = (i), .criticality = (c), .presence = (p)},
#define END(T, k, fl, roots)                                                                       \
    };                                                                                             \
    const struct asn_type ngap_desc_##T = {.name = #T, .kind = (k), .flags = (fl), .size = sizeof(ngap_##T), \
                                           .fields = f_##T, .n_fields = ARRAY_LEN(f_##T), .n_root = (roots)};
#define INT(T, low, high, fl)    LEAF(T, ASN_INT, low, high, ASN_##fl, NULL)
#define BITS(T, low, high, fl)   LEAF(T, ASN_BITS, low, high, ASN_##fl, NULL)
#define OCTETS(T, low, high, fl) LEAF(T, ASN_OCTETS, low, high, ASN_##fl, NULL)
#define CHARS(T, low, high, fl)  LEAF(T, ASN_CHARS, low, high, ASN_##fl, NULL)
#define UTF8(T, low, high, fl)   LEAF(T, ASN_UTF8, low, high, ASN_##fl, NULL)
#define NULLS(T)                 LEAF(T, ASN_NULL, 0, 0, 0, NULL)
#define OPEN(T)                  LEAF(T, ASN_OPEN, 0, ASN_NOMAX, 0, NULL)
#define CONTAINING(T, E)         LEAF(T, ASN_OCTETS, 0, ASN_NOMAX, 0, &ngap_desc_##E)
#define LIST(T, E, low, high, fl) LEAF(T, ASN_LIST, low, high, ASN_##fl, &ngap_desc_##E)
#define ENUM(T, roots, fl)       enum { roots_##T = roots, flags_##T = ASN_##fl }; FIELDS(T)
#define V(T, value)              {.name = #value},
#define ENUM_END(T)              END(T, ASN_ENUM, flags_##T, roots_##T)
#define SEQ(T, fl)               enum { flags_##T = ASN_##fl }; FIELDS(T)
#define M(P, n, T, presence)     FIELD(P, n, T, 0, 0, ASN_##presence)
#define EXTS(P, T)               FIELD(P, ext, T, 0, 0, ASN_EXTENSIONS)
#define NOEXTS(P)                {.name = "ext", .presence = ASN_EXTENSIONS},
#define SEQ_END(T)               END(T, ASN_SEQ, flags_##T, 0)
#define EXTSET(T)                FIELDS(T)
#define X(P, n, i, c, T, presence)  FIELD(P, n, T, i, ASN_##c, ASN_##presence)
#define EXTSET_END(T)            END(T, ASN_EXTSET, 0, 0)
#define CHOICE(T, roots, fl)     enum { roots_##T = roots, flags_##T = ASN_##fl }; FIELDS(T)
#define A(P, n, T)               FIELD(P, n, T, 0, 0, ASN_MANDATORY)
#define AX(P, n, i, c, T)        FIELD(P, n, T, i, ASN_##c, ASN_OPTIONAL)
#define CHOICE_END(T)            END(T, ASN_CHOICE, flags_##T, roots_##T)
#define IES(T)                   FIELDS(T)
#define IE                       X
#define IES_END(T)               END(T, ASN_IES, 0, 0)
#include "../../spec/ngap.def"
/* clang-format on */

static const struct {
    const struct asn_type *type;
    uint8_t procedure, kind;
} messages[] = {
#define MSG(T, proc, kind) {&ngap_desc_##T, NGAP_PROC_##proc, NGAP_##kind},
#include "../../spec/ngap.def"
};
static const uint8_t criticalities[NGAP_PROCS] = {
#define PROC(name, code, criticality) [code] = ASN_##criticality,
#include "../../spec/ngap.def"
};
static const uint8_t message_plus_1[NGAP_PROCS][3] = {
#define MSG(T, proc, kind) [NGAP_PROC_##proc][NGAP_##kind] = NGAP_MSG_##T + 1,
#include "../../spec/ngap.def"
};
_Static_assert(NGAP_MSGS < UINT8_MAX, "message_plus_1 holds octets");

const struct asn_type *ngap_msg_type(enum ngap_msg msg)
{
    return (unsigned)msg < NGAP_MSGS ? messages[msg].type : NULL;
}
const char *ngap_msg_name(enum ngap_msg msg)
{
    return (unsigned)msg < NGAP_MSGS ? messages[msg].type->name : "unknown message";
}
enum ngap_msg ngap_msg_of(uint8_t procedure, uint8_t kind)
{
    unsigned m = procedure < NGAP_PROCS && kind < 3 ? message_plus_1[procedure][kind] : 0;
    return m ? (enum ngap_msg)(m - 1) : NGAP_MSGS;
}
uint8_t ngap_msg_kind(enum ngap_msg msg)
{
    return (unsigned)msg < NGAP_MSGS ? messages[msg].kind : 0;
}
uint8_t ngap_msg_procedure(enum ngap_msg msg)
{
    return (unsigned)msg < NGAP_MSGS ? messages[msg].procedure : UINT8_MAX;
}

static enum ngap_error error_of(int code, const struct aper_report *r)
{
    switch (code) {
    case OK: return r->notify ? NGAP_ERROR_NOTIFY : NGAP_ERROR_NONE;
    case ERR_ORDER: return NGAP_ERROR_FALSE_CONSTRUCT;
    case ERR_UNKNOWN:
    case ERR_MISSING: return NGAP_ERROR_REJECT;
    case ERR_NOSPACE: return NGAP_ERROR_MEMORY;
    default: return NGAP_ERROR_TRANSFER_SYNTAX;
    }
}
/* TS 38.413 10.3.2: a procedure code, or a kind of message of it, that is not known. */
static int unknown_procedure(struct ngap_report *report)
{
    report->error = report->criticality == ASN_REJECT   ? NGAP_ERROR_REJECT
                    : report->criticality == ASN_NOTIFY ? NGAP_ERROR_NOTIFY
                                                        : NGAP_ERROR_NONE;
    return ERR_UNKNOWN;
}
static int refuse(struct ngap_report *report, int code)
{
    report->error = error_of(code, &report->ies);
    return code;
}
int ngap_decode(struct bytes in, struct arena *a, struct ngap_pdu *out, struct ngap_report *report)
{
    *out = (struct ngap_pdu){.msg = NGAP_MSGS};
    memset(report, 0, sizeof *report);
    /* NGAP-PDU: extension bit, two bits of alternative; ProcedureCode an octet; Criticality two
     * bits */
    if (in.n < 4 || in.p[0] & 0x80 || in.p[0] >> 5 > NGAP_UNSUCCESSFUL || in.p[2] >> 6 > ASN_NOTIFY)
        return refuse(report, in.n < 4 ? ERR_SHORT : ERR_SYNTAX);
    out->kind = report->kind = in.p[0] >> 5;
    out->procedure = report->procedure = in.p[1];
    out->criticality = report->criticality = in.p[2] >> 6;
    report->known_header = true;
    struct bytes body;
    uint32_t used;
    int e = aper_open_get((struct bytes){in.p + 3, in.n - 3}, a, &body, &used);
    if (e)
        return refuse(report, e);
    report->trailing = in.n - 3 - used;
    out->msg = ngap_msg_of(out->procedure, out->kind);
    if (out->msg == NGAP_MSGS)
        return unknown_procedure(report);
    out->type = messages[out->msg].type;
    void *v = arena_take(a, out->type->size);
    if (!v)
        return refuse(report, ERR_NOSPACE);
    e = aper_decode(out->type, v, body, a, &report->ies, NULL);
    report->error = error_of(e, &report->ies);
    if (report->error != NGAP_ERROR_TRANSFER_SYNTAX && report->error != NGAP_ERROR_MEMORY)
        out->value = v;
    return e;
}
int ngap_encode(enum ngap_msg msg, const void *value, uint8_t *buf, size_t cap)
{
    if ((unsigned)msg >= NGAP_MSGS)
        return ERR_RANGE;
    if (cap < 4)
        return ERR_NOSPACE;
    buf[0] = (uint8_t)(messages[msg].kind << 5);
    buf[1] = messages[msg].procedure;
    buf[2] = (uint8_t)(criticalities[messages[msg].procedure] << 6);
    int n = aper_open_put(messages[msg].type, value, buf + 3, cap - 3);
    return n < 0 ? n : n + 3;
}

struct ngap_Cause ngap_report_cause(const struct ngap_report *report)
{
    struct ngap_Cause c = {.sel = NGAP_Cause_protocol};
    switch (report->error) {
    case NGAP_ERROR_TRANSFER_SYNTAX: c.protocol = NGAP_CauseProtocol_transfer_syntax_error; break;
    case NGAP_ERROR_REJECT: c.protocol = NGAP_CauseProtocol_abstract_syntax_error_reject; break;
    case NGAP_ERROR_NOTIFY:
        c.protocol = NGAP_CauseProtocol_abstract_syntax_error_ignore_and_notify;
        break;
    case NGAP_ERROR_FALSE_CONSTRUCT:
        c.protocol = NGAP_CauseProtocol_abstract_syntax_error_falsely_constructed_message;
        break;
    case NGAP_ERROR_MEMORY:
        c.sel = NGAP_Cause_misc;
        c.misc = NGAP_CauseMisc_control_processing_overload;
        break;
    case NGAP_ERROR_NONE: c.protocol = NGAP_CauseProtocol_unspecified; break;
    }
    return c;
}
int ngap_report_diagnostics(const struct ngap_report *report, struct arena *a,
                            struct ngap_CriticalityDiagnostics *out)
{
    memset(out, 0, sizeof *out);
    if (report->known_header) {
        out->has.procedureCode = out->has.triggeringMessage = out->has.procedureCriticality = 1;
        out->procedureCode = report->procedure;
        out->triggeringMessage = report->kind;
        out->procedureCriticality = report->criticality;
    }
    const struct aper_report *r = &report->ies;
    if (r->n == 0)
        return OK;
    struct ngap_CriticalityDiagnostics_IE_Item *items = arena_zero(a, r->n * sizeof *items);
    if (!items)
        return ERR_NOSPACE;
    for (unsigned i = 0; i < r->n; i++) {
        items[i].iECriticality = r->note[i].criticality;
        items[i].iE_ID = r->note[i].id;
        items[i].typeOfError = r->note[i].type == APER_MISSING ? NGAP_TypeOfError_missing
                                                               : NGAP_TypeOfError_not_understood;
    }
    out->has.iEsCriticalityDiagnostics = 1;
    out->iEsCriticalityDiagnostics = (struct ngap_CriticalityDiagnostics_IE_List){items, r->n};
    return OK;
}
