/* SPDX-License-Identifier: Apache-2.0 */
/* Reading aligned PER. The first failure is kept and stops all later reads; clauses are those of
 * X.691 (07/2002) where not said otherwise. */
#include "base/err.h"
#include "codec/aper.h"

enum { DEPTH_MAX = 64, BLOCK = 16384 /* 10.9.3.8 */ };

struct in {
    const uint8_t *p; /* the open type being read */
    uint32_t n;       /* octets */
    uint64_t pos;     /* bits */
    int err;
    unsigned depth;
    bool unknown; /* a value of the IE being read is not known: ENUMERATED or CHOICE addition */
    struct arena *arena;
    struct aper_report *report;
};

static void value(struct in *s, const struct asn_type *t, void *v);

static void fail(struct in *s, int code, const char *where)
{
    if (s->err)
        return;
    s->err = code;
    s->report->where = where;
    s->report->octet = (uint32_t)(s->pos >> 3);
}
static void *take(struct in *s, size_t n)
{
    void *p = s->err ? NULL : arena_zero(s->arena, n);
    if (!p)
        fail(s, ERR_NOSPACE, "arena");
    return p;
}

static uint64_t bits(struct in *s, unsigned n) /* n <= 64 */
{
    if (s->err)
        return 0;
    uint64_t at = s->pos >> 3;
    unsigned skip = s->pos & 7;
    if (n == 0)
        return 0;
    if (s->pos + n > (uint64_t)s->n * 8) {
        fail(s, ERR_SHORT, "bits");
        return 0;
    }
    s->pos += n;
    if (n <= 56 && at + 8 <= s->n)
        return be64(s->p + at) << skip >> (64 - n);
    uint64_t v = s->p[at] & (0xffu >> skip);
    unsigned have = 8 - skip;
    while (have < n && have <= 56) {
        v = v << 8 | s->p[++at];
        have += 8;
    }
    if (have >= n)
        return v >> (have - n);
    return v << (n - have) | s->p[at + 1] >> (8 - (n - have));
}
static void align(struct in *s)
{
    s->pos = (s->pos + 7) & ~7ull;
}
static const uint8_t *octets(struct in *s, uint64_t n)
{
    align(s);
    if (s->err || n > s->n - (s->pos >> 3) || s->pos >> 3 > s->n) {
        fail(s, ERR_SHORT, "octets");
        return NULL;
    }
    const uint8_t *p = s->p + (s->pos >> 3);
    s->pos += n * 8;
    return p;
}
static unsigned width(uint64_t v)
{
    return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

/* 10.5.7: a whole number in 0..range. */
static uint64_t whole(struct in *s, uint64_t range)
{
    uint64_t v;
    if (range < 255) {
        v = bits(s, width(range));
    } else if (range < 65536) {
        align(s);
        v = bits(s, range == 255 ? 8 : 16);
    } else {
        unsigned n = (unsigned)whole(s, (width(range) + 7) / 8 - 1) + 1;
        align(s);
        v = bits(s, n * 8);
    }
    if (v > range) {
        fail(s, ERR_RANGE, "whole number");
        return 0;
    }
    return v;
}
/* 10.9.3.5 to 8: a length without upper bound; *more when another fragment follows. */
static uint32_t length(struct in *s, bool *more)
{
    align(s);
    *more = false;
    uint32_t b = (uint32_t)bits(s, 8);
    if (b < 0x80)
        return b;
    if (b < 0xc0)
        return (b & 0x3f) << 8 | (uint32_t)bits(s, 8);
    if (b < 0xc1 || b > 0xc4)
        fail(s, ERR_SYNTAX, "length");
    *more = true;
    return s->err ? 0 : (b & 0x3f) * BLOCK;
}
static uint64_t number(struct in *s,
                       bool is_signed) /* 10.7, 10.8: as many octets as its length says */
{
    bool more;
    uint32_t n = length(s, &more);
    if (more || n == 0 || n > 8) {
        fail(s, ERR_RANGE, "number");
        return 0;
    }
    uint64_t v = bits(s, n * 8);
    if (is_signed && n < 8 && v >> (n * 8 - 1))
        v |= ~0ull << (n * 8);
    return v;
}
static uint64_t small(struct in *s) /* 10.6: a normally small number */
{
    return bits(s, 1) ? number(s, false) : bits(s, 6);
}

/* Octets or bits (unit 8 or 1) behind a general length: in place, or joined in the arena when
 * fragmented. */
static const uint8_t *fragments(struct in *s, unsigned unit, uint32_t *n)
{
    bool more;
    uint64_t start = s->pos;
    uint32_t len = length(s, &more);
    *n = len;
    if (!more) {
        if (len == 0)
            return NULL;
        const uint8_t *p = octets(s, ((uint64_t)len * unit + 7) / 8);
        if (p)
            s->pos -= (8 - (uint64_t)len * unit % 8) % 8;
        return p;
    }
    uint64_t total = 0;
    for (s->pos = start, more = true; more && !s->err;) {
        len = length(s, &more);
        total += len;
        octets(s, ((uint64_t)len * unit + 7) / 8);
    }
    uint8_t *to = s->err ? NULL : arena_take(s->arena, (total * unit + 7) / 8);
    if (!to) {
        fail(s, ERR_NOSPACE, "arena");
        return NULL;
    }
    uint8_t *at = to;
    for (s->pos = start, more = true; more;) {
        len = length(s, &more);
        uint64_t k = ((uint64_t)len * unit + 7) / 8;
        memcpy(at, octets(s, k), k);
        at += k;
    }
    s->pos -= (8 - total * unit % 8) % 8;
    *n = (uint32_t)total;
    return to;
}
/* struct bits promises zeros behind the last bit; what follows in the message is not ours. */
static const uint8_t *clean_tail(struct in *s, const uint8_t *p, uint64_t n_bits)
{
    uint64_t len = (n_bits + 7) / 8;
    uint8_t tail = (uint8_t)(0xff >> (n_bits & 7));
    if (!p || (n_bits & 7) == 0 || (p[len - 1] & tail) == 0)
        return p;
    uint8_t *q = take(s, len);
    if (q) {
        memcpy(q, p, len);
        q[len - 1] &= (uint8_t)~tail;
    }
    return q;
}
/* 15, 16, 27: BIT STRING, OCTET STRING, character strings. */
static void string(struct in *s, const struct asn_type *t, void *v, unsigned unit)
{
    struct bytes *b = v;
    bool beyond = t->flags & ASN_EXT && bits(s, 1);
    const uint8_t *p = NULL;
    uint32_t n = 0;
    if (beyond || t->upper >= 65536) {
        p = fragments(s, unit, &n);
        if (!beyond && !s->err && (n < t->lower || n > t->upper))
            fail(s, ERR_RANGE, t->name);
    } else {
        n = (uint32_t)(t->lower == t->upper ? t->lower : whole(s, t->upper - t->lower) + t->lower);
        uint32_t total = n * unit;
        if (t->lower == t->upper && total <= 16 && (s->pos & 7 || unit == 1)) {
            uint64_t x = bits(s, total) << (16 - total);
            uint8_t *q = take(s, 2);
            if (q)
                put_be16(q, (uint16_t)x);
            p = q;
        } else if (n) {
            p = octets(s, (total + 7) / 8);
            s->pos -= (8 - total % 8) % 8;
        }
    }
    if (unit == 1 && !s->err)
        p = clean_tail(s, p, n);
    *b = s->err ? (struct bytes){NULL, 0} : (struct bytes){p, n};
}

/* UTF8String is not a known-multiplier type, so PER does not see its SIZE (9.3.6) and writes a
 * general length. Some peers do apply the SIZE; where the one reading leads past the end the other
 * is tried. */
static void utf8(struct in *s, const struct asn_type *t, struct bytes *b)
{
    uint64_t start = s->pos;
    b->p = fragments(s, 8, &b->n);
    if (s->err != ERR_SHORT)
        return;
    s->err = OK;
    s->report->where = NULL;
    s->pos = start;
    string(s, t, b, 8);
}

/* 10.2: a complete encoding behind a length. t NULL: skipped. */
static void open_value(struct in *s, const struct asn_type *t, void *v)
{
    uint32_t n;
    const uint8_t *p = fragments(s, 8, &n);
    if (s->err || !t)
        return;
    struct in inner = *s;
    inner.p = p;
    inner.n = p ? n : 0;
    inner.pos = 0;
    value(&inner, t, v);
    s->err = inner.err;
    s->unknown = inner.unknown;
}

/* TS 38.413 10.3.4, 10.3.5. */
static void note(struct in *s, unsigned id, unsigned criticality, unsigned type)
{
    struct aper_report *r = s->report;
    if (criticality == ASN_IGNORE)
        return;
    if (criticality == ASN_REJECT)
        r->reject = true;
    else
        r->notify = true;
    if (r->n < APER_NOTES)
        r->note[r->n++] = (struct aper_note){(uint16_t)id, (uint8_t)criticality, (uint8_t)type};
}
struct header { /* of a ProtocolIE-Field, a ProtocolExtensionField */
    unsigned id, criticality;
};
static struct header header(struct in *s)
{
    struct header h;
    h.id = (unsigned)whole(s, 65535);
    h.criticality = (unsigned)whole(s, ASN_NOTIFY);
    return h;
}
/* Reads the value of a known IE. False when part of it is not understood (TS 38.413 10.3.1: as if
 * it were the whole IE): noted, and what is optional counts as not received. */
static bool ie_value(struct in *s, const struct asn_field *f, void *v, struct header h)
{
    bool outer = s->unknown;
    s->unknown = false;
    open_value(s, f->type, v);
    bool known = !s->unknown;
    s->unknown = outer;
    if (!known && !s->err)
        note(s, h.id, h.criticality, APER_NOT_UNDERSTOOD);
    return known || f->presence == ASN_MANDATORY;
}
static int find(const struct asn_type *t, unsigned from, unsigned id)
{
    for (unsigned i = from; i < t->n_fields; i++)
        if (t->fields[i].id == id)
            return (int)i;
    for (unsigned i = 0; i < from; i++)
        if (t->fields[i].id == id)
            return (int)i;
    return -1;
}

/* protocolIEs of a message or transfer: in the order of the rows, each once (TS 38.413 10.3.6). */
static void ies(struct in *s, const struct asn_type *t, uint8_t *v)
{
    struct asn_has *has = (struct asn_has *)v;
    bits(s,
         1); /* additions to the SEQUENCE around the container would follow it; none can be known */
    uint64_t seen = 0, usable = 0;
    unsigned next = 0;
    for (uint64_t n = whole(s, 65535); n && !s->err; n--) {
        struct header h = header(s);
        int i = find(t, next, h.id);
        if (i < 0 || seen >> i & 1) {
            open_value(s, NULL, NULL);
            if (s->err)
                break;
            if (i < 0)
                note(s, h.id, h.criticality, APER_NOT_UNDERSTOOD);
            else
                s->report->repeated = true;
            continue;
        }
        if ((unsigned)i < next)
            s->report->disorder = true;
        next = (unsigned)i + 1;
        seen |= 1ull << i;
        if (ie_value(s, &t->fields[i], v + t->fields[i].offset, h))
            usable |= 1ull << i;
    }
    has->mask[0] = usable;
    for (unsigned i = 0; i < t->n_fields && !s->err; i++)
        if (t->fields[i].presence == ASN_MANDATORY && !(seen >> i & 1))
            note(s, t->fields[i].id, t->fields[i].criticality, APER_MISSING);
}
/* iE-Extensions: t NULL when no extension of the type is known. */
static void extensions(struct in *s, const struct asn_type *t, uint8_t **to)
{
    uint8_t *v = NULL;
    uint64_t seen = 0, usable = 0;
    for (uint64_t n = whole(s, 65534) + 1; n && !s->err; n--) {
        struct header h = header(s);
        int i = t ? find(t, 0, h.id) : -1;
        if (i < 0 || seen >> i & 1) {
            open_value(s, NULL, NULL);
            if (s->err)
                break;
            if (i < 0)
                note(s, h.id, h.criticality, APER_NOT_UNDERSTOOD);
            else
                s->report->repeated = true;
            continue;
        }
        if (!v && !(v = take(s, t->size)))
            return;
        seen |= 1ull << i;
        if (ie_value(s, &t->fields[i], v + t->fields[i].offset, h))
            usable |= 1ull << i;
    }
    if (usable && !s->err) {
        ((struct asn_has *)v)->mask[0] = usable;
        *to = v;
    }
}

/* 18.7 to 9: additions of a later version, walked over. */
static void skip_additions(struct in *s)
{
    bool more = false;
    uint64_t n = bits(s, 1) ? length(s, &more) : bits(s, 6) + 1;
    uint64_t map = s->pos;
    if (more || n > (uint64_t)s->n * 8 - s->pos)
        fail(s, ERR_SHORT, "additions");
    s->pos += s->err ? 0 : n;
    for (; n && !s->err; n--, map++)
        if (s->p[map >> 3] >> (7 - (map & 7)) & 1)
            open_value(s, NULL, NULL);
}
static void sequence(struct in *s, const struct asn_type *t, uint8_t *v)
{
    struct asn_has *has = (struct asn_has *)v;
    bool more = t->flags & ASN_EXT && bits(s, 1);
    uint64_t present = 0;
    for (unsigned i = 0; i < t->n_fields; i++)
        if (t->fields[i].presence == ASN_MANDATORY || bits(s, 1))
            present |= 1ull << i;
    for (unsigned i = 0; i < t->n_fields && !s->err; i++) {
        const struct asn_field *f = &t->fields[i];
        if (!(present >> i & 1))
            continue;
        if (f->presence == ASN_EXTENSIONS) {
            present &= ~(1ull << i);
            uint8_t *none;
            extensions(s, f->type, f->type ? (uint8_t **)(v + f->offset) : &none);
        } else {
            value(s, f->type, v + f->offset);
        }
    }
    has->mask[0] = present;
    if (more)
        skip_additions(s);
}
static void choice(struct in *s, const struct asn_type *t, uint8_t *v)
{
    uint32_t *sel = (uint32_t *)v;
    if (t->flags & ASN_EXT && bits(s, 1)) {
        small(s);
        open_value(s, NULL, NULL);
        s->unknown = true;
        *sel = ASN_UNKNOWN;
        return;
    }
    uint32_t i = (uint32_t)whole(s, t->n_root - 1);
    if (i < t->n_fields && t->fields[i].presence == ASN_MANDATORY) {
        *sel = i;
        value(s, t->fields[i].type, v + t->fields[i].offset);
        return;
    }
    *sel = ASN_UNKNOWN; /* choice-Extensions */
    struct header h = header(s);
    for (; i < t->n_fields; i++)
        if (t->fields[i].id == h.id) {
            *sel = i;
            ie_value(s, &t->fields[i], v + t->fields[i].offset, h);
            return;
        }
    open_value(s, NULL, NULL);
    if (!s->err)
        note(s, h.id, h.criticality, APER_NOT_UNDERSTOOD);
}

/* Room for n more elements; each takes a bit at least, so a short message cannot ask for much. */
static bool list_grow(struct in *s, const struct asn_type *t, struct asn_list *l, uint32_t n)
{
    if (!s->err && n > (uint64_t)s->n * 8 - s->pos)
        fail(s, ERR_SHORT, t->name);
    if (s->err || n == 0)
        return false;
    uint8_t *p = take(s, ((size_t)l->n + n) * t->elem->size);
    if (!p)
        return false;
    if (l->n)
        memcpy(p, l->v, (size_t)l->n * t->elem->size);
    l->v = p;
    return true;
}
static void list(struct in *s, const struct asn_type *t, struct asn_list *to)
{
    struct asn_list l = {NULL, 0};
    bool more = false, beyond = t->flags & ASN_EXT && bits(s, 1);
    do {
        uint32_t n;
        if (beyond || t->upper >= 65536)
            n = length(s, &more);
        else
            n = (uint32_t)(whole(s, t->upper - t->lower) + t->lower);
        if (!list_grow(s, t, &l, n))
            break;
        for (; n && !s->err; n--, l.n++)
            value(s, t->elem, (uint8_t *)l.v + (size_t)l.n * t->elem->size);
    } while (more && !s->err);
    if (!s->err && !beyond && (l.n < t->lower || l.n > t->upper))
        fail(s, ERR_RANGE, t->name);
    if (!s->err)
        *to = l;
}

static void value(struct in *s, const struct asn_type *t, void *v)
{
    if (s->err)
        return;
    if (++s->depth > DEPTH_MAX) {
        fail(s, ERR_DEPTH, t->name);
        return;
    }
    switch ((enum asn_kind)t->kind) {
    case ASN_INT:
        if (t->flags & ASN_EXT && bits(s, 1))
            *(uint64_t *)v = number(s, true);
        else if (t->upper == ASN_NOMAX && t->lower > 0)
            *(uint64_t *)v = number(s, false) + t->lower;
        else
            *(uint64_t *)v = whole(s, t->upper - t->lower) + t->lower;
        break;
    case ASN_ENUM: {
        uint64_t e =
            t->flags & ASN_EXT && bits(s, 1) ? small(s) + t->n_root : whole(s, t->n_root - 1);
        if (e >= t->n_fields) {
            s->unknown = true;
            e = ASN_UNKNOWN;
        }
        *(uint32_t *)v = (uint32_t)e;
        break;
    }
    case ASN_BITS: string(s, t, v, 1); break;
    case ASN_OCTETS:
    case ASN_CHARS: string(s, t, v, 8); break;
    case ASN_UTF8: utf8(s, t, v); break;
    case ASN_NULL: break;
    case ASN_OPEN: {
        struct bytes *b = v;
        b->p = fragments(s, 8, &b->n);
        break;
    }
    case ASN_LIST: list(s, t, v); break;
    case ASN_SEQ: sequence(s, t, v); break;
    case ASN_CHOICE: choice(s, t, v); break;
    case ASN_IES: ies(s, t, v); break;
    case ASN_EXTSET: fail(s, ERR_SYNTAX, t->name); break;
    }
    if (s->err && (s->report->where == NULL || t->kind >= ASN_LIST))
        s->report->where = t->name;
    s->depth--;
}

static int verdict(const struct in *s)
{
    if (s->err)
        return s->err;
    if (s->report->repeated || s->report->disorder)
        return ERR_ORDER;
    if (!s->report->reject)
        return OK;
    for (unsigned i = 0; i < s->report->n; i++)
        if (s->report->note[i].criticality == ASN_REJECT)
            return s->report->note[i].type == APER_MISSING ? ERR_MISSING : ERR_UNKNOWN;
    return ERR_UNKNOWN;
}
int aper_decode(const struct asn_type *t, void *v, struct bytes in, struct arena *a,
                struct aper_report *report, uint32_t *used)
{
    struct aper_report unread;
    struct in s = {.p = in.p, .n = in.n, .arena = a, .report = report ? report : &unread};
    memset(s.report, 0, sizeof *s.report);
    memset(v, 0, t->size);
    value(&s, t, v);
    if (!s.err &&
        s.unknown) /* outside any IE: nothing says how critical, so it cannot be ignored */
        s.report->reject = true;
    if (used)
        *used = (uint32_t)((s.pos + 7) >> 3);
    return verdict(&s);
}
int aper_open_get(struct bytes in, struct arena *a, struct bytes *contents, uint32_t *used)
{
    struct aper_report unread = {0};
    struct in s = {.p = in.p, .n = in.n, .arena = a, .report = &unread};
    contents->p = fragments(&s, 8, &contents->n);
    *used = (uint32_t)((s.pos + 7) >> 3);
    return s.err;
}
