/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/nas.h"
#include "base/text.h"
#include "codec/nas_kind.h"

/* Rows: presence bits, one array a message, the index by message type. */
enum {
    LENGTH_V = 0,
    LENGTH_V_LOW = 0,
    LENGTH_V_HIGH = 0,
    LENGTH_LV = 1,
    LENGTH_LV_E = 2,
    LENGTH_TV1 = 0,
    LENGTH_TV = 1,
    LENGTH_TLV = 2,
    LENGTH_TLV_E = 3
};
/* Octets around the value are not the value's; "n" is as much as the length field can say. */
#define MOST(format, max)                                                                          \
    ((max) && (max)-LENGTH_##format < UINT16_MAX ? (uint16_t)((max)-LENGTH_##format) : UINT16_MAX)
#define LEAST(format, min) (uint16_t)((min) > LENGTH_##format ? (min)-LENGTH_##format : 0)
/* clang-format off */
#define MSG(name, ...)         enum { bit_before_##name = -1,
#define O(msg, member, ...)    bit_##msg##_##member,
#define C                      O
#define END(name)              bits_of_##name };
#include "../../spec/nas5g.def"
#define MSG(name, ...)         static const struct nas_row rows_##name[] = {
#define M(msg, member, format, min, max, kind, flags, text) \
    { text, offsetof(struct nas_##msg, member), 0, 0, NAS_##format, NAS_KIND_##kind, flags, LEAST(format, min), MOST(format, max) },
#define O(msg, member, iei, format, min, max, kind, flags, text) \
    { text, offsetof(struct nas_##msg, member), iei, bit_##msg##_##member, NAS_##format, NAS_KIND_##kind, flags, \
      LEAST(format, min), MOST(format, max) },
#define C                      O
#define END(name)              { NULL, 0, 0, 0, 0, 0, 0, 0, 0 } };
#include "../../spec/nas5g.def"
static const struct nas_desc descs[256] = {
#define MSG(name, constant, epd, type, text, clause) \
    [type] = { text, NAS_EPD_##epd, type, sizeof(struct nas_##name), ARRAY_LEN(rows_##name) - 1, rows_##name },
#include "../../spec/nas5g.def"
};
static const struct nas_codec codecs[NAS_KIND_COUNT] = {
#define CODEC(KIND, name) [NAS_KIND_##KIND] = { nas_get_##name, nas_put_##name },
    CODEC(OCTETS, octets) CODEC(KSI, ksi) CODEC(REG_TYPE, reg_type) CODEC(DEREG_TYPE, dereg_type)
    CODEC(ALGORITHMS, algorithms) CODEC(UE_SEC_CAP, ue_sec_cap) CODEC(MOBILE_ID, mobile_id)
    CODEC(S_NSSAI, s_nssai) CODEC(NSSAI, nssai) CODEC(REJECTED_NSSAI, rejected_nssai) CODEC(PLMN, plmn)
    CODEC(TAI, tai) CODEC(TAI_LIST, tai_list) CODEC(AREA_LIST, area_list) CODEC(DNN, dnn) CODEC(TIME, time)
    CODEC(PDU_ADDRESS, pdu_address) CODEC(QOS_RULES, qos_rules) CODEC(QOS_FLOWS, qos_flows)
    CODEC(AMBR, ambr) CODEC(EPCO_UP, epco_up) CODEC(EPCO_DOWN, epco_down)
#undef CODEC
};
/* clang-format on */

const struct nas_desc *nas_desc_of(uint8_t epd, uint8_t type)
{
    const struct nas_desc *d = &descs[type];
    return d->name && d->epd == epd ? d : NULL;
}

static uint8_t *body_of(struct nas_msg *m)
{
    return (uint8_t *)m + offsetof(struct nas_msg, registration_request);
}
static const uint8_t *body_at(const struct nas_msg *m)
{
    return (const uint8_t *)m + offsetof(struct nas_msg, registration_request);
}
/* Presence is the first member of every message. */
static uint64_t mask_at(const uint8_t *body)
{
    uint64_t mask;
    memcpy(&mask, body, sizeof mask);
    return mask;
}

int nas_msg_init(struct nas_msg *msg, enum nas_type type)
{
    const struct nas_desc *d = &descs[(uint8_t)type];
    memset(msg, 0, offsetof(struct nas_msg, registration_request));
    if (!d->name)
        return ERR_UNKNOWN;
    memset(body_of(msg), 0, d->size);
    msg->epd = d->epd;
    msg->type = d->type;
    msg->desc = d;
    return OK;
}

/* ---- decoding ---- */

struct nas_in {
    struct rd r;
    const uint8_t *start;
    struct arena *arena;
    struct nas_report *report;
    uint8_t *body;
};

static int fault(struct nas_in *in, int err, uint8_t cause, uint8_t iei, const uint8_t *at)
{
    in->report->cause = cause;
    in->report->iei = iei;
    in->report->offset = (uint32_t)(at - in->start);
    return err;
}

/* An IE that is not taken (7.6.3, 7.7.1): the first of them is reported. */
static void skip(struct nas_in *in, uint8_t iei, const uint8_t *at)
{
    if (in->report->skipped++ == 0)
        fault(in, OK, 0, iei, at);
}

int nas_value_get(const struct nas_row *row, struct bytes v, uint8_t *to, struct arena *arena)
{
    uint16_t u;
    if (v.n < row->min)
        return ERR_SYNTAX;
    if (v.n > row->max) /* extended by a later release: TS 24.007 11.2.1.1 */
        v.n = row->max;
    switch (row->kind) {
    case NAS_KIND_HALF:
    case NAS_KIND_U8:
    case NAS_KIND_GMM_CAUSE:
    case NAS_KIND_GSM_CAUSE: *to = v.p[0]; return OK;
    case NAS_KIND_U16:
    case NAS_KIND_U11:
        u = row->kind == NAS_KIND_U16 ? be16(v.p) : (uint16_t)(be16(v.p) >> 5);
        memcpy(to, &u, sizeof u);
        return OK;
    case NAS_KIND_PSI_SET:
        u = (uint16_t)(v.p[0] | v.p[1] << 8);
        memcpy(to, &u, sizeof u);
        return OK;
    case NAS_KIND_BYTES: memcpy(to, &v, sizeof v); return OK;
    default: {
        struct rd r = rd_over(v);
        int err = codecs[row->kind].get(&r, to, arena);
        /* a value that needs less than the row's least is of another type than belongs here */
        return err == OK && v.n - rd_left(&r) < row->min ? ERR_SYNTAX : err;
    }
    }
}

static int mandatory_get(struct nas_in *in, const struct nas_row *row)
{
    struct rd *r = &in->r;
    const uint8_t *at = r->p;
    struct bytes v;
    uint8_t half;
    if (row->format == NAS_V_LOW || row->format == NAS_V_HIGH) {
        uint8_t octet = rd_u8(r);
        half = row->format == NAS_V_LOW ? octet & 15 : octet >> 4;
        v = (struct bytes){&half, 1};
        if (row->format == NAS_V_LOW && row[1].name && row[1].format == NAS_V_HIGH && !r->bad)
            r->p--; /* the other half is the next row's */
    } else {
        uint32_t n = row->format == NAS_LV     ? rd_u8(r)
                     : row->format == NAS_LV_E ? rd_u16(r)
                                               : row->max;
        v = rd_bytes(r, n);
    }
    int err = r->bad ? ERR_MISSING : nas_value_get(row, v, in->body + row->offset, in->arena);
    if (err == OK || err == ERR_NOSPACE)
        return err;
    return fault(in, ERR_MISSING, NAS_GMM_CAUSE_INVALID_MANDATORY_INFORMATION, 0, at);
}

/* The row of an IEI; messages mostly have them in order, so the search goes on from the last one.
 */
static const struct nas_row *row_of(const struct nas_desc *d, uint8_t iei, uint32_t *next)
{
    uint8_t key = iei & 0x80 ? iei & 0xf0 : iei;
    for (uint32_t i = *next; i < d->n; i++)
        if (d->row[i].iei == key) {
            *next = i + 1;
            return &d->row[i];
        }
    for (uint32_t i = 0; i < *next; i++)
        if (d->row[i].iei == key) {
            *next = i + 1;
            return &d->row[i];
        }
    return NULL;
}

static int optional_get(struct nas_in *in, const struct nas_desc *d, uint32_t *next, uint64_t *seen)
{
    struct rd *r = &in->r;
    const uint8_t *at = r->p;
    uint8_t iei = rd_u8(r), half = iei & 15;
    const struct nas_row *row = iei ? row_of(d, iei, next) : NULL;
    struct bytes v;
    if (!row && (iei & 0xf0) == 0) /* comprehension required, TS 24.007 11.2.5 */
        return fault(in, ERR_MISSING, NAS_GMM_CAUSE_INVALID_MANDATORY_INFORMATION, iei, at);
    if (iei & 0x80)
        v = (struct bytes){&half, 1};
    else if (row && row->format == NAS_TV)
        v = rd_bytes(r, row->max);
    else /* what is unknown has the format of its IEI, TS 24.007 11.2.4 */
        v = rd_bytes(r, (row ? row->format == NAS_TLV_E : iei >= 0x70) ? rd_u16(r) : rd_u8(r));
    if (r->bad) { /* ends inside the IE: nothing after it can be found */
        r->bad = false;
        r->p = r->end;
        skip(in, iei, at);
        return OK;
    }
    uint64_t bit = row ? 1ull << row->bit : 0;
    if (!row || (*seen & bit)) {
        skip(in, iei, at);
        return OK;
    }
    *seen |= bit;
    int err = nas_value_get(row, v, in->body + row->offset, in->arena);
    if (err == ERR_NOSPACE)
        return err;
    if (err) {
        *seen |= bit;
        skip(in, iei, at);
        return OK;
    }
    uint64_t mask = mask_at(in->body) | bit;
    memcpy(in->body, &mask, sizeof mask);
    return OK;
}

int nas_decode(struct bytes plain, struct arena *arena, struct nas_msg *out,
               struct nas_report *report)
{
    struct nas_report none;
    struct nas_in in = {rd_over(plain), plain.p, arena, report ? report : &none, body_of(out)};
    memset(in.report, 0, sizeof *in.report);
    memset(out, 0, offsetof(struct nas_msg, registration_request));
    out->epd = rd_u8(&in.r);
    uint8_t second = rd_u8(&in.r);
    if (out->epd == NAS_EPD_SM) {
        out->pdu_session_id = second;
        out->pti = rd_u8(&in.r);
    } else if (!in.r.bad && (out->epd != NAS_EPD_MM || (second & 15) != NAS_PLAIN)) {
        return fault(&in, ERR_SYNTAX, 0, 0, in.start);
    }
    out->type = rd_u8(&in.r);
    if (in.r.bad) /* 7.2 */
        return ERR_SHORT;
    const struct nas_desc *d = out->desc = nas_desc_of(out->epd, out->type);
    if (!d) /* 7.4 */
        return fault(&in, ERR_UNKNOWN, NAS_GMM_CAUSE_MESSAGE_TYPE_NON_EXISTENT_OR_NOT_IMPLEMENTED,
                     0, in.r.p - 1);
    memset(in.body, 0, d->size);
    uint32_t i = 0;
    int err = OK;
    for (; i < d->n && d->row[i].iei == 0 && err == OK; i++)
        err = mandatory_get(&in, &d->row[i]);
    uint64_t seen = 0;
    while (err == OK && rd_left(&in.r))
        err = optional_get(&in, d, &i, &seen);
    return err;
}

int nas_header_peek(struct bytes message, struct nas_header *out)
{
    memset(out, 0, sizeof *out);
    if (message.n < 3)
        return ERR_SHORT;
    out->epd = message.p[0];
    if (out->epd == NAS_EPD_SM) {
        if (message.n < 4)
            return ERR_SHORT;
        out->type = message.p[3];
        out->plain = message;
        return OK;
    }
    out->security = message.p[1] & 15;
    if (out->epd != NAS_EPD_MM || out->security > NAS_CIPHERED_NEW)
        return ERR_SYNTAX;
    if (out->security == NAS_PLAIN) {
        out->type = message.p[2];
        out->plain = message;
        return OK;
    }
    if (message.n < 8)
        return ERR_SHORT;
    out->mac = be32(message.p + 2);
    out->sequence = message.p[6];
    out->plain = (struct bytes){message.p + 7, message.n - 7};
    out->authenticated = (struct bytes){message.p + 6, message.n - 6};
    return OK;
}

/* ---- encoding ---- */

static int value_put(const struct nas_row *row, struct wr *w, const uint8_t *from)
{
    uint16_t u;
    struct bytes b;
    switch (row->kind) {
    case NAS_KIND_HALF:
        if (*from > 15)
            return ERR_RANGE;
        wr_u8(w, *from);
        return OK;
    case NAS_KIND_U8:
    case NAS_KIND_GMM_CAUSE:
    case NAS_KIND_GSM_CAUSE: wr_u8(w, *from); return OK;
    case NAS_KIND_U16:
    case NAS_KIND_U11:
        memcpy(&u, from, sizeof u);
        if (row->kind == NAS_KIND_U11 && u > 2047)
            return ERR_RANGE;
        wr_u16(w, row->kind == NAS_KIND_U16 ? u : (uint16_t)(u << 5));
        return OK;
    case NAS_KIND_PSI_SET:
        memcpy(&u, from, sizeof u);
        wr_u8(w, (uint8_t)u);
        wr_u8(w, (uint8_t)(u >> 8));
        return OK;
    case NAS_KIND_BYTES:
        memcpy(&b, from, sizeof b);
        wr_bytes(w, b);
        return OK;
    default: return codecs[row->kind].put(w, from);
    }
}

static int row_put(const struct nas_row *row, struct wr *w, const uint8_t *from)
{
    uint8_t format = row->format;
    uint32_t width = format == NAS_LV || format == NAS_TLV       ? 1
                     : format == NAS_LV_E || format == NAS_TLV_E ? 2
                                                                 : 0;
    if (format == NAS_V_HIGH) {
        uint8_t half = 0;
        struct wr one = wr_over(&half, 1);
        int err = value_put(row, &one, from);
        if (!w->bad && w->n)
            w->base[w->n - 1] |= (uint8_t)(half << 4);
        return err;
    }
    if (row->iei && format != NAS_TV1)
        wr_u8(w, row->iei);
    uint32_t mark = width ? wr_block(w, width) : w->n;
    int err = value_put(row, w, from);
    if (err || w->bad)
        return err;
    uint32_t n = w->n - mark;
    if (n < row->min || n > row->max || (width == 1 && n > 255))
        return ERR_RANGE;
    if (width)
        wr_end(w, mark, width);
    else if (format == NAS_TV1)
        w->base[mark] |= row->iei;
    return OK;
}

int nas_encode(const struct nas_msg *msg, uint8_t *buf, size_t cap)
{
    const struct nas_desc *d = &descs[msg->type];
    struct wr w = wr_over(buf, cap > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)cap);
    if (!d->name)
        return ERR_UNKNOWN;
    wr_u8(&w, d->epd);
    if (d->epd == NAS_EPD_SM) {
        wr_u8(&w, msg->pdu_session_id);
        wr_u8(&w, msg->pti);
    } else {
        wr_u8(&w, NAS_PLAIN);
    }
    wr_u8(&w, d->type);
    const uint8_t *body = body_at(msg);
    uint64_t mask = mask_at(body);
    for (const struct nas_row *row = d->row; row->name; row++) {
        if (row->iei && !(mask >> row->bit & 1))
            continue;
        int err = row_put(row, &w, body + row->offset);
        if (err)
            return err;
    }
    return w.bad ? ERR_NOSPACE : (int)w.n;
}

bool nas_is_cleartext_only(const struct nas_msg *msg)
{
    const struct nas_desc *d = &descs[msg->type];
    uint64_t mask = mask_at(body_at(msg));
    if (!d->name)
        return false;
    for (const struct nas_row *row = d->row; row->name; row++)
        if ((!row->iei || (mask >> row->bit & 1)) && !nas_ie_is_cleartext(row))
            return false;
    return true;
}

/* ---- text ---- */

const char *nas_gmm_cause_text(uint8_t cause)
{
    switch (cause) {
#define CAUSE(group, name, value, text) CAUSE_##group(value, text)
#define CAUSE_GMM(value, text)                                                                     \
    case value:                                                                                    \
        return text;
#define CAUSE_GSM(value, text)
#include "../../spec/nas_causes.def"
#undef CAUSE_GMM
#undef CAUSE_GSM
    default: return "unknown cause";
    }
}

const char *nas_gsm_cause_text(uint8_t cause)
{
    switch (cause) {
#define CAUSE(group, name, value, text) CAUSE_##group(value, text)
#define CAUSE_GMM(value, text)
#define CAUSE_GSM(value, text)                                                                     \
    case value:                                                                                    \
        return text;
#include "../../spec/nas_causes.def"
#undef CAUSE_GMM
#undef CAUSE_GSM
    default: return "unknown cause";
    }
}

/* Structured values as the octets that they are on the wire; long ones by their length. */
static void say_value(struct text *t, const struct nas_row *row, const uint8_t *from)
{
    uint8_t octets[256];
    char hex[2 * 32 + 1];
    struct wr w = wr_over(octets, sizeof octets);
    switch (row->kind) {
    case NAS_KIND_HALF:
    case NAS_KIND_U8: text_add(t, "%u", *from); return;
    case NAS_KIND_GMM_CAUSE: text_add(t, "%u (%s)", *from, nas_gmm_cause_text(*from)); return;
    case NAS_KIND_GSM_CAUSE: text_add(t, "%u (%s)", *from, nas_gsm_cause_text(*from)); return;
    case NAS_KIND_DNN: {
        struct str s;
        memcpy(&s, from, sizeof s);
        text_add(t, STR_FMT, STR_ARG(s));
        return;
    }
    default:
        if (value_put(row, &w, from) || w.bad || w.n > 32) {
            text_add(t, "<long>");
            return;
        }
        hex_put(hex, octets, w.n);
        text_add(t, "%s", hex);
    }
}

int nas_print(const struct nas_msg *msg, char *buf, size_t cap)
{
    struct text t = text_over(buf, cap);
    const struct nas_desc *d = &descs[msg->type];
    if (!cap)
        return 0;
    buf[0] = 0;
    if (!d->name) {
        text_add(&t, "NAS message type 0x%02x", msg->type);
        return (int)t.n;
    }
    text_add(&t, "%s", d->name);
    if (d->epd == NAS_EPD_SM)
        text_add(&t, " session=%u pti=%u", msg->pdu_session_id, msg->pti);
    const uint8_t *body = body_at(msg);
    uint64_t mask = mask_at(body);
    for (const struct nas_row *row = d->row; row->name; row++) {
        if (row->iei && !(mask >> row->bit & 1))
            continue;
        text_add(&t, "; %s: ", row->name);
        if (row->flags & NAS_SECRET)
            text_add(&t, "<secret>");
        else if (row->flags & NAS_IDENTITY)
            text_add(&t, "<identity>");
        else
            say_value(&t, row, body + row->offset);
    }
    return (int)t.n;
}
