/* SPDX-License-Identifier: Apache-2.0 */
/* sbi_json_decode.c - JSON text to structs. */
#include "base/err.h"
#include "codec/sbi_json.h"
#include <stdio.h>

/* Where the reader stands, for the pointer of a refusal; lives on the stack of the reading
 * functions. */
struct step {
    const struct step *up;
    struct str name; /* p NULL: index */
    uint32_t index;
};
struct dec {
    const char *p, *end;
    struct arena *arena;
    const struct sbi_parts *parts;
    struct sbi_report *report;
    const struct step *at;
    uint32_t depth;
};

/* ---- refusals ---- */
static uint32_t pointer_put(const struct step *s, char *out, uint32_t cap)
{
    if (!s)
        return 0;
    uint32_t n = pointer_put(s->up, out, cap);
    char b[16];
    struct str name = s->name;
    if (!name.p)
        name = (struct str){b, (uint32_t)snprintf(b, sizeof b, "%u", s->index)};
    if (n + 2 < cap)
        out[n++] = '/';
    for (uint32_t i = 0; i < name.n && n + 3 < cap; i++) { /* RFC 6901 3 */
        if (name.p[i] == '~' || name.p[i] == '/') {
            out[n++] = '~';
            out[n++] = name.p[i] == '~' ? '0' : '1';
        } else {
            out[n++] = name.p[i];
        }
    }
    return n;
}

static bool refuse(struct dec *d, int err, const char *cause, const char *reason)
{
    struct sbi_report *r = d->report;
    if (!r->err) {
        r->err = err;
        r->cause = cause;
        r->reason = reason;
        uint32_t n = pointer_put(d->at, r->pointer, sizeof r->pointer);
        while (n && !utf8_valid((struct str){r->pointer, n})) /* cut within a character */
            n--;
        r->pointer[n] = 0;
    }
    return false;
}
static bool syntax(struct dec *d, const char *reason)
{
    return refuse(d, ERR_SYNTAX, "INVALID_MSG_FORMAT", reason);
}
static bool incorrect(struct dec *d, const struct sbi_field *f, const char *reason)
{
    return refuse(d, ERR_RANGE,
                  f->flags & SBI_OPTIONAL ? "OPTIONAL_IE_INCORRECT" : "MANDATORY_IE_INCORRECT",
                  reason);
}
static bool full(struct dec *d)
{
    return refuse(d, ERR_NOSPACE, "INSUFFICIENT_RESOURCES", "memory is used up");
}

/* ---- tokens ---- */
static void space(struct dec *d)
{
    while (d->p < d->end && (*d->p == ' ' || *d->p == '\n' || *d->p == '\r' || *d->p == '\t'))
        d->p++;
}
/* The next character after white space, not taken; 0 at the end. */
static char peek(struct dec *d)
{
    space(d);
    return d->p < d->end ? *d->p : 0;
}
static bool take(struct dec *d, char c)
{
    if (peek(d) != c)
        return false;
    d->p++;
    return true;
}
static bool literal(struct dec *d, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(d->end - d->p) < n || memcmp(d->p, word, n) != 0)
        return false;
    d->p += n;
    return true;
}

static int hex4(const char *p, const char *end)
{
    uint8_t b[2];
    return end - p >= 4 && hex_get(b, 2, (struct str){p, 4}) ? be16(b) : -1;
}
/* Checks an escape sequence; its octets on the wire, 0: wrong. */
static uint32_t escape_check(const char *p, const char *end)
{
    if (end - p < 2)
        return 0;
    if (p[1] != 'u')
        return memchr("\"\\/bfnrt", p[1], 8) ? 2 : 0;
    int v = hex4(p + 2, end);
    if (v <= 0 || (v >= 0xdc00 && v < 0xe000)) /* NUL in no text of 3GPP; a low surrogate alone */
        return 0;
    if (v < 0xd800 || v >= 0xe000)
        return 6;
    if (end - p < 12 || p[6] != '\\' || p[7] != 'u')
        return 0;
    int low = hex4(p + 8, end);
    return low >= 0xdc00 && low < 0xe000 ? 12 : 0;
}
/* The text between the quotes as it stands, checked whole; *escaped: it has to go through
 * unescape(). */
static bool string_raw(struct dec *d, struct str *raw, bool *escaped)
{
    *escaped = false;
    if (!take(d, '"'))
        return false;
    const char *from = d->p, *p = from;
    bool ascii = true;
    while (p < d->end && *p != '"') {
        unsigned char c = (unsigned char)*p;
        uint32_t n = c == '\\' ? escape_check(p, d->end) : c >= 0x20;
        if (!n) {
            d->p = p;
            return syntax(d, c == '\\' ? "an escape sequence that does not exist"
                                       : "a control character in a string");
        }
        *escaped |= c == '\\';
        ascii &= c < 0x80;
        p += n;
    }
    d->p = p;
    if (p >= d->end)
        return syntax(d, "a string that does not end");
    *raw = (struct str){from, (uint32_t)(p - from)};
    d->p++;
    return ascii || utf8_valid(*raw) || syntax(d, "not UTF-8");
}

static uint32_t utf8_put(char *out, uint32_t v)
{
    if (v < 0x80)
        return out[0] = (char)v, 1;
    if (v < 0x800)
        return out[0] = (char)(0xc0 | v >> 6), out[1] = (char)(0x80 | (v & 63)), 2;
    if (v < 0x10000) {
        out[0] = (char)(0xe0 | v >> 12), out[1] = (char)(0x80 | (v >> 6 & 63)),
        out[2] = (char)(0x80 | (v & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | v >> 18), out[1] = (char)(0x80 | (v >> 12 & 63));
    out[2] = (char)(0x80 | (v >> 6 & 63)), out[3] = (char)(0x80 | (v & 63));
    return 4;
}
/* Of a text that string_raw() passed; never longer than it was. */
static uint32_t unescape(char *out, struct str raw)
{
    char *q = out;
    const char *p = raw.p, *end = raw.p + raw.n;
    while (p < end) {
        if (*p != '\\') {
            *q++ = *p++;
            continue;
        }
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        const char *two = p[1] != 'u' ? memchr(from, p[1], 8) : NULL;
        if (two) {
            *q++ = to[two - from];
            p += 2;
            continue;
        }
        uint32_t v = (uint32_t)hex4(p + 2, end);
        p += 6;
        if (v >= 0xd800 && v < 0xdc00) {
            v = 0x10000 + ((v - 0xd800) << 10) + ((uint32_t)hex4(p + 2, end) - 0xdc00);
            p += 6;
        }
        q += utf8_put(q, v);
    }
    return (uint32_t)(q - out);
}
/* A string's value, copied to the arena. */
static bool string_value(struct dec *d, struct str *out)
{
    struct str raw;
    bool escaped;
    if (!string_raw(d, &raw, &escaped))
        return false;
    *out = STR("");
    if (!raw.n)
        return true;
    char *p = arena_take(d->arena, raw.n);
    if (!p)
        return full(d);
    if (escaped)
        raw.n = unescape(p, raw);
    else
        memcpy(p, raw.p, raw.n);
    *out = (struct str){p, raw.n};
    return true;
}

/* A string's value where it may stay where it is: copied only to undo escapes. */
static bool string_here(struct dec *d, struct str *out)
{
    bool escaped;
    if (!string_raw(d, out, &escaped))
        return false;
    char *p = escaped ? arena_take(d->arena, out->n) : NULL;
    if (escaped && !p)
        return full(d);
    if (escaped)
        *out = (struct str){p, unescape(p, *out)};
    return true;
}

/* A number's text, RFC 8259 6; *integer: no fraction and no exponent. */
static bool number_raw(struct dec *d, struct str *raw, bool *integer)
{
    const char *from = d->p, *p = from, *end = d->end;
#define DIGITS(p)                                                                                  \
    while ((p) < end && *(p) >= '0' && *(p) <= '9')                                                \
    (p)++
    p += p < end && *p == '-';
    const char *digits = p;
    DIGITS(p);
    bool ok = p > digits && (p - digits == 1 || *digits != '0');
    *integer = true;
    if (ok && p < end && *p == '.') {
        const char *f = ++p;
        DIGITS(p);
        ok = p > f;
        *integer = false;
    }
    if (ok && p < end && (*p | 0x20) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        const char *x = p;
        DIGITS(p);
        ok = p > x;
        *integer = false;
    }
#undef DIGITS
    *raw = (struct str){from, (uint32_t)(p - from)};
    d->p = p;
    return ok || syntax(d, "not a number");
}

static bool skip(struct dec *d);
static bool skip_members(struct dec *d, char close)
{
    if (++d->depth > SBI_DEPTH_MAX)
        return refuse(d, ERR_DEPTH, "INVALID_MSG_FORMAT", "nested too deep");
    d->p++;
    if (!take(d, close)) {
        do {
            struct str key;
            bool escaped;
            if (close == '}' && (peek(d) != '"' || !string_raw(d, &key, &escaped) || !take(d, ':')))
                return syntax(d, "a member without a name");
            if (!skip(d))
                return false;
        } while (take(d, ','));
        if (!take(d, close))
            return syntax(d, "a bracket that is not closed");
    }
    d->depth--;
    return true;
}
/* Any one value, checked and passed over. */
static bool skip(struct dec *d)
{
    struct str s;
    bool b;
    switch (peek(d)) {
    case '{': return skip_members(d, '}');
    case '[': return skip_members(d, ']');
    case '"': return string_raw(d, &s, &b);
    case 't': return literal(d, "true") || syntax(d, "not a value");
    case 'f': return literal(d, "false") || syntax(d, "not a value");
    case 'n': return literal(d, "null") || syntax(d, "not a value");
    case 0: return syntax(d, "ends before it should");
    default: return number_raw(d, &s, &b);
    }
}

/* ---- values ---- */
static bool kind_takes(const struct sbi_field *f, char c)
{
    switch ((enum sbi_kind)f->kind) {
    case SBI_TEXT:
    case SBI_CODE:
    case SBI_HEX:
    case SBI_B64: return c == '"';
    case SBI_INT:
    case SBI_DOUBLE: return c == '-' || (c >= '0' && c <= '9');
    case SBI_BOOL: return c == 't' || c == 'f';
    case SBI_OBJ:
    case SBI_BIN:
    case SBI_MAPOF:
    case SBI_TEXTMAP: return c == '{';
    case SBI_TEXTS:
    case SBI_INTS:
    case SBI_CODES:
    case SBI_OBJS: return c == '[';
    default: return true;
    }
}

static bool get_text(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    struct str s;
    if (!string_value(d, &s))
        return false;
    if (s.n < f->lo || s.n > f->hi)
        return incorrect(d, f, "a text of a length that is not allowed");
    memcpy(at, &s, sizeof s);
    return true;
}

static bool get_int(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    struct str raw;
    bool integer, minus;
    if (!number_raw(d, &raw, &integer))
        return false;
    uint64_t v = 0;
    minus = raw.p[0] == '-';
    integer = integer && raw.n - minus <= 18; /* fits, whatever the digits */
    for (uint32_t i = minus; integer && i < raw.n; i++)
        v = v * 10 + (uint64_t)(raw.p[i] - '0');
    int64_t value = minus ? -(int64_t)v : (int64_t)v;
    if (!integer || value < f->lo || value > f->hi)
        return incorrect(d, f, "not an integer within its range");
    memcpy(at, &value, sizeof value);
    return true;
}

static bool get_double(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    struct str raw;
    bool integer;
    if (!number_raw(d, &raw, &integer))
        return false;
    if (raw.n > f->hi)
        return incorrect(d, f, "a number that is too long");
    raw = arena_str(d->arena, raw);
    if (!raw.p)
        return full(d);
    memcpy(at, &raw, sizeof raw);
    return true;
}

static bool get_code(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    struct str text;
    if (!string_here(d, &text))
        return false;
    int v = sbi_code_find(f->code(), text);
    memcpy(at, &v, sizeof v);
    return true;
}

static bool get_octets(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    struct str raw;
    if (!string_here(d, &raw))
        return false;
    uint8_t *out = arena_take(d->arena, f->kind == SBI_HEX ? raw.n / 2 : raw.n / 4 * 3 + 2);
    if (!out)
        return full(d);
    int64_t n = raw.n / 2;
    if (f->kind == SBI_B64)
        n = base64_get(out, raw);
    else if (!hex_get(out, (size_t)n, raw))
        n = -1;
    if (n < 0)
        return incorrect(d, f,
                         f->kind == SBI_HEX ? "not octets as hexadecimal digits" : "not base64");
    if (n < f->lo || n > f->hi)
        return incorrect(d, f, "octets of a number that is not allowed");
    struct bytes v = {out, (uint32_t)n};
    memcpy(at, &v, sizeof v);
    return true;
}

static bool get_any(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    peek(d);
    const char *from = d->p;
    if (!skip(d))
        return false;
    struct str raw = {from, (uint32_t)(d->p - from)};
    if (raw.n > f->hi)
        return incorrect(d, f, "longer than allowed");
    raw = arena_str(d->arena, raw);
    if (!raw.p)
        return full(d);
    memcpy(at, &raw, sizeof raw);
    return true;
}

/* {"contentId": "…"}: other members are skipped. */
static bool part_id(struct dec *d, struct str *id)
{
    struct str key;
    d->p++;
    if (take(d, '}'))
        return true;
    do {
        if (peek(d) != '"' || !string_here(d, &key) || !take(d, ':'))
            return syntax(d, "a member without a name");
        bool is_id = !id->p && peek(d) == '"' && str_is(key, "contentId");
        if (is_id ? !string_here(d, id) : !skip(d))
            return false;
    } while (take(d, ','));
    return take(d, '}') || syntax(d, "a bracket that is not closed");
}
static bool get_part(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    struct str id = {NULL, 0};
    if (!part_id(d, &id))
        return false;
    for (uint32_t i = 0; id.p && d->parts && i < d->parts->n; i++) {
        const struct sbi_part *part = &d->parts->v[i];
        if (!str_eq(part->id, id))
            continue;
        struct bytes v = arena_bytes(d->arena, part->body.p, part->body.n);
        if (part->body.n && !v.p)
            return full(d);
        memcpy(at, &v, sizeof v);
        return true;
    }
    return incorrect(d, f, "no binary part has this contentId");
}

static bool object(struct dec *d, const struct sbi_schema *s, uint8_t *value);

/* How many items follow, at most one more than hi: a list is one block of memory. */
static uint32_t count_items(const struct dec *d, int64_t hi)
{
    uint32_t n = 0, depth = 0;
    bool any = false;
    for (const char *p = d->p; p < d->end && n <= hi; p++) {
        if (*p == '"') {
            any = true;
            while (++p < d->end && *p != '"')
                p += *p == '\\';
        } else if (*p == '[' || *p == '{') {
            any = true;
            depth++;
        } else if (*p == ']' || *p == '}') {
            if (!depth--)
                return n + any;
        } else if (*p == ',') {
            n += !depth;
        } else if (*p > ' ') {
            any = true;
        }
    }
    return n + any;
}

/* The items of TEXTS and INTS have no bounds of their own. */
static bool plain_item(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    struct sbi_field one = *f;
    bool is_int = f->kind == SBI_INTS;
    one.kind = is_int ? SBI_INT : SBI_TEXT;
    one.lo = is_int ? INT64_MIN : 0;
    one.hi = is_int ? INT64_MAX : SBI_NAME_MAX;
    if (!kind_takes(&one, peek(d)))
        return incorrect(d, f, "an item of another kind");
    return is_int ? get_int(d, &one, at) : get_text(d, &one, at);
}
static bool item(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    if (f->kind == SBI_CODES)
        return peek(d) == '"' ? get_code(d, f, at) : incorrect(d, f, "an item of another kind");
    if (f->kind == SBI_OBJS || f->kind == SBI_MAPOF)
        return peek(d) == '{' ? object(d, f->sub, at) : incorrect(d, f, "an item of another kind");
    return plain_item(d, f, at);
}

/* The key of a map's entry; it must differ from those before. */
static bool map_key(struct dec *d, const struct sbi_field *f, const uint8_t *items, uint32_t i,
                    struct step *step)
{
    struct str key;
    if (peek(d) != '"')
        return syntax(d, "a member without a name");
    if (!string_value(d, &key))
        return false;
    step->name = key.p ? key : STR("");
    if (!take(d, ':'))
        return syntax(d, "a name without a value");
    if (key.n > SBI_NAME_MAX)
        return incorrect(d, f, "a name that is too long");
    for (uint32_t k = 0; k < i; k++)
        if (str_eq(*(const struct str *)(const void *)(items + (size_t)k * f->item), key))
            return refuse(d, ERR_ORDER, "INVALID_MSG_FORMAT", "a member twice");
    memcpy((void *)(uintptr_t)(items + (size_t)i * f->item), &key, sizeof key);
    return true;
}

static bool get_list(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    bool map = f->kind == SBI_MAPOF || f->kind == SBI_TEXTMAP;
    if (!take(d, map ? '{' : '['))
        return incorrect(d, f, map ? "not an object" : "not an array");
    uint32_t n = count_items(d, f->hi), i = 0;
    if (n < f->lo || n > f->hi)
        return incorrect(d, f, "items of a number that is not allowed");
    uint8_t *items = n ? arena_zero(d->arena, (size_t)n * f->item) : NULL;
    if (n && !items)
        return full(d);
    if (++d->depth > SBI_DEPTH_MAX)
        return refuse(d, ERR_DEPTH, "INVALID_MSG_FORMAT", "nested too deep");
    struct step step = {d->at, {NULL, 0}, 0};
    d->at = &step;
    for (; i < n; i++) {
        uint8_t *v = items + (size_t)i * f->item;
        step.index = i;
        if ((i && !take(d, ',')) || (map && !map_key(d, f, items, i, &step)))
            return syntax(d, "an item that is not followed by another or by the end");
        if (!item(d, f, map ? v + sizeof(struct str) : v))
            return false;
    }
    d->at = step.up;
    d->depth--;
    if (!take(d, map ? '}' : ']'))
        return syntax(d, "a bracket that is not closed");
    struct sbi_items out = {items, n};
    memcpy(at, &out, sizeof out);
    return true;
}

static bool get_value(struct dec *d, const struct sbi_field *f, uint8_t *at)
{
    if (!kind_takes(f, peek(d)))
        return incorrect(d, f, "a value of another kind");
    switch ((enum sbi_kind)f->kind) {
    case SBI_TEXT: return get_text(d, f, at);
    case SBI_INT: return get_int(d, f, at);
    case SBI_BOOL:
        *(bool *)at = *d->p == 't';
        return literal(d, *d->p == 't' ? "true" : "false") || syntax(d, "not a value");
    case SBI_CODE: return get_code(d, f, at);
    case SBI_DOUBLE: return get_double(d, f, at);
    case SBI_HEX:
    case SBI_B64: return get_octets(d, f, at);
    case SBI_OBJ: return object(d, f->sub, at);
    case SBI_ANY: return get_any(d, f, at);
    case SBI_BIN: return get_part(d, f, at);
    default: return get_list(d, f, at);
    }
}

/* ---- objects ---- */
static bool same_name(const struct sbi_field *a, const struct sbi_field *b)
{
    return strcmp(a->json, b->json) == 0;
}

/* The row of a member whose value starts with c; rows mostly come in our order, so the search
 * starts at `from`. Rows of one name stand next to each other. n: there is none. */
static uint32_t row_find(const struct sbi_schema *s, const struct sbi_field *rows, struct str key,
                         char c, uint32_t from)
{
    for (uint32_t k = 0, i = from; k < s->n; k++, i = i + 1 < s->n ? i + 1 : 0) {
        const struct sbi_field *f = rows + i;
        if (strncmp(f->json, key.p, key.n) != 0 || f->json[key.n] || !sbi_in_json(f))
            continue;
        if (i && same_name(f - 1, f) && kind_takes(f - 1, c))
            return i - 1;
        return i + 1 < s->n && same_name(f, f + 1) && !kind_takes(f, c) && kind_takes(f + 1, c)
                   ? i + 1
                   : i;
    }
    return s->n;
}

/* One member after its name: into its row, or passed over. */
static bool member(struct dec *d, const struct sbi_schema *s, const struct sbi_field *rows,
                   uint8_t *value, struct str key, uint64_t *seen, uint32_t *next)
{
    char c = peek(d);
    uint32_t i = key.n ? row_find(s, rows, key, c, *next) : s->n;
    if (i == s->n)
        return skip(d);
    const struct sbi_field *f = rows + i;
    struct step step = {d->at, str_of(f->json), 0};
    d->at = &step;
    uint64_t bits = 1ull << i;
    bits |= i && same_name(f - 1, f) ? bits >> 1 : 0;
    bits |= i + 1 < s->n && same_name(f, f + 1) ? bits << 1 : 0;
    if (*seen & bits)
        return refuse(d, ERR_ORDER, "INVALID_MSG_FORMAT", "a member twice");
    *seen |= bits;
    *next = i + 1 < s->n ? i + 1 : 0;
    if (c == 'n' && f->kind != SBI_ANY && (f->flags & SBI_OPTIONAL)) {
        d->at = step.up;
        return literal(d, "null") || syntax(d, "not a value");
    }
    if (!get_value(d, f, value + f->off))
        return false;
    if (f->flags & SBI_OPTIONAL)
        value[f->has_off] = true;
    d->at = step.up;
    return true;
}

static bool required(struct dec *d, const struct sbi_schema *s, const struct sbi_field *rows,
                     uint64_t seen)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if ((seen >> i & 1) || (rows[i].flags & SBI_OPTIONAL) || !sbi_in_json(rows + i))
            continue;
        struct step step = {d->at, str_of(rows[i].json), 0};
        d->at = &step;
        return refuse(d, ERR_MISSING, "MANDATORY_IE_MISSING", "missing");
    }
    return true;
}

static bool object(struct dec *d, const struct sbi_schema *s, uint8_t *value)
{
    const struct sbi_field *rows = s->fields();
    uint64_t seen = 0;
    uint32_t next = 0;
    if (!take(d, '{'))
        return syntax(d, "not an object");
    if (++d->depth > SBI_DEPTH_MAX)
        return refuse(d, ERR_DEPTH, "INVALID_MSG_FORMAT", "nested too deep");
    if (!take(d, '}')) {
        do {
            struct str key;
            if (peek(d) != '"' || !string_here(d, &key) || !take(d, ':'))
                return syntax(d, "a member without a name");
            if (!member(d, s, rows, value, key, &seen, &next))
                return false;
        } while (take(d, ','));
        if (!take(d, '}'))
            return syntax(d, "a bracket that is not closed");
    }
    d->depth--;
    return required(d, s, rows, seen);
}

/* The whole text has been read. */
static int done(struct dec *d, bool ok)
{
    if (ok && peek(d))
        syntax(d, "something after the end");
    return d->report->err;
}

static struct dec dec_over(struct str text, const struct sbi_parts *parts, struct arena *a,
                           struct sbi_report *r)
{
    *r = (struct sbi_report){0};
    const char *p = text.p ? text.p : "";
    return (struct dec){.p = p, .end = p + text.n, .arena = a, .parts = parts, .report = r};
}

int sbi_json_decode(const struct sbi_schema *s, struct str text, const struct sbi_parts *parts,
                    struct arena *arena, void *value, struct sbi_report *report)
{
    struct dec d = dec_over(text, parts, arena, report);
    const struct sbi_field *body = sbi_body_row(s);
    if (!body) {
        memset(value, 0, s->size);
        return sbi_has_body(s) ? done(&d, object(&d, s, value)) : OK;
    }
    uint8_t *at = (uint8_t *)value + body->off;
    memset(at, 0, body->kind == SBI_OBJ ? body->sub->size : sizeof(struct sbi_items));
    ((uint8_t *)value)[body->has_off] = false;
    if (!peek(&d) && (body->flags & SBI_OPTIONAL))
        return OK;
    bool ok = peek(&d) ? get_value(&d, body, at)
                       : refuse(&d, ERR_MISSING, "MANDATORY_IE_MISSING", "a body is missing");
    if (ok && (body->flags & SBI_OPTIONAL))
        ((uint8_t *)value)[body->has_off] = true;
    return done(&d, ok);
}

int sbi_json_decode_row(const struct sbi_field *f, struct str text, struct arena *arena,
                        void *owner, struct sbi_report *report)
{
    struct dec d = dec_over(text, NULL, arena, report);
    return done(&d, get_value(&d, f, (uint8_t *)owner + f->off));
}
