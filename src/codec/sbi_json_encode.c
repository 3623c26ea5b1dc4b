/* SPDX-License-Identifier: Apache-2.0 */
/* sbi_json_encode.c - structs to JSON text, and the same walk for people with what is private left
 * out. */
#include "base/err.h"
#include "base/wire.h"
#include "codec/sbi_json.h"
#include <stdio.h>

struct enc {
    struct wr w;
    struct sbi_parts *parts;
    bool redact;
    int err;
};

static void put(struct enc *e, const char *p, size_t n)
{
    wr_bytes(&e->w, (struct bytes){(const uint8_t *)p, (uint32_t)n});
}
static void put_lit(struct enc *e, const char *z)
{
    put(e, z, strlen(z));
}
static void put_char(struct enc *e, char c)
{
    wr_u8(&e->w, (uint8_t)c);
}

static void put_escape(struct enc *e, unsigned char c) /* RFC 8259 7 */
{
    static const char two[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                               ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    char b[8];
    if (two[c])
        put(e, (const char[]){'\\', two[c]}, 2);
    else
        put(e, b, (size_t)snprintf(b, sizeof b, "\\u%04x", c));
}

static void put_string(struct enc *e, struct str s)
{
    put_char(e, '"');
    uint32_t from = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(e, s.p + from, i - from);
        put_escape(e, c);
        from = i + 1;
    }
    if (s.n > from)
        put(e, s.p + from, s.n - from);
    put_char(e, '"');
}

static void put_int(struct enc *e, int64_t v)
{
    char b[24];
    char *p = b + sizeof b;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    put(e, p, (size_t)(b + sizeof b - p));
}

static void put_hex(struct enc *e, struct bytes v)
{
    put_char(e, '"');
    if (v.n && e->w.cap - e->w.n >
                   2 * (size_t)v.n + 1) { /* hex_put ends with a NUL, which is overwritten */
        hex_put((char *)e->w.base + e->w.n, v.p, v.n);
        wr_octets(&e->w, 2 * v.n);
    } else if (v.n) {
        e->w.bad = true;
    }
    put_char(e, '"');
}

static void put_base64(struct enc *e, struct bytes v)
{
    put_char(e, '"');
    uint8_t *out = v.n < 1u << 24 ? wr_octets(&e->w, (v.n + 2) / 3 * 4) : NULL;
    if (out)
        base64_put((char *)out, v);
    put_char(e, '"');
}

static void put_code(struct enc *e, const struct sbi_field *f, int value)
{
    const char *text = sbi_code_text(f->code(), value);
    if (!*text && !e->redact)
        e->err = ERR_RANGE;
    put_string(e, *text ? str_of(text) : STR("OTHER"));
}

/* {"contentId": "n1SmMsg"}, and the octets among the parts. */
static void put_part(struct enc *e, const struct sbi_field *f, struct bytes v)
{
    char b[48];
    if (e->redact) {
        put(e, b, (size_t)snprintf(b, sizeof b, "\"(%u octets)\"", v.n));
        return;
    }
    if (!e->parts || e->parts->n == SBI_PARTS_MAX) {
        e->err = ERR_NOSPACE;
        return;
    }
    struct sbi_part *part = &e->parts->v[e->parts->n];
    bool again = false;
    for (uint32_t i = 0; i < e->parts->n; i++)
        again |= str_is(e->parts->v[i].id, f->json);
    snprintf(part->id_text, sizeof part->id_text, again ? "%s-%u" : "%s", f->json, e->parts->n);
    part->id = str_of(part->id_text);
    part->type = str_of(f->content_type);
    part->body = v;
    e->parts->n++;
    put_lit(e, "{\"contentId\":");
    put_string(e, part->id);
    put_char(e, '}');
}

static void put_object(struct enc *e, const struct sbi_schema *s, const uint8_t *value);

static void put_list(struct enc *e, const struct sbi_field *f, const uint8_t *at)
{
    struct sbi_items items;
    memcpy(&items, at, sizeof items);
    bool map = f->kind == SBI_MAPOF || f->kind == SBI_TEXTMAP;
    put_char(e, map ? '{' : '[');
    for (uint32_t i = 0; i < items.n && !e->w.bad; i++) {
        const uint8_t *item = (const uint8_t *)items.p + (size_t)i * f->item;
        if (i)
            put_char(e, ',');
        if (map) { /* a key first: struct sbi_entry_T, struct sbi_text_entry */
            put_string(e, *(const struct str *)(const void *)item);
            put_char(e, ':');
        }
        switch (f->kind) {
        case SBI_TEXTS: put_string(e, *(const struct str *)(const void *)item); break;
        case SBI_INTS: put_int(e, *(const int64_t *)(const void *)item); break;
        case SBI_CODES: put_code(e, f, *(const int *)(const void *)item); break;
        case SBI_OBJS: put_object(e, f->sub, item); break;
        case SBI_MAPOF: put_object(e, f->sub, item + sizeof(struct str)); break;
        default: put_string(e, ((const struct sbi_text_entry *)(const void *)item)->value); break;
        }
    }
    put_char(e, map ? '}' : ']');
}

static void put_any(struct enc *e, struct str v)
{
    char b[32];
    if (e->redact)
        put(e, b, (size_t)snprintf(b, sizeof b, "\"(%u octets)\"", v.n));
    else if (v.n)
        put(e, v.p, v.n);
    else
        put_lit(e, "null");
}

static void put_value(struct enc *e, const struct sbi_field *f, const uint8_t *at)
{
    if (e->redact && (f->flags & (SBI_SECRET | SBI_IDENTITY))) {
        put_lit(e, f->flags & SBI_SECRET ? "\"(secret)\"" : "\"(identity)\"");
        return;
    }
    switch ((enum sbi_kind)f->kind) {
    case SBI_TEXT: put_string(e, *(const struct str *)(const void *)at); break;
    case SBI_INT: put_int(e, *(const int64_t *)(const void *)at); break;
    case SBI_BOOL: put_lit(e, *(const bool *)at ? "true" : "false"); break;
    case SBI_CODE: put_code(e, f, *(const int *)(const void *)at); break;
    case SBI_DOUBLE: {
        struct str v = *(const struct str *)(const void *)at;
        put(e, v.n ? v.p : "0", v.n ? v.n : 1);
        break;
    }
    case SBI_HEX: put_hex(e, *(const struct bytes *)(const void *)at); break;
    case SBI_B64: put_base64(e, *(const struct bytes *)(const void *)at); break;
    case SBI_OBJ: put_object(e, f->sub, at); break;
    case SBI_ANY: put_any(e, *(const struct str *)(const void *)at); break;
    case SBI_BIN: put_part(e, f, *(const struct bytes *)(const void *)at); break;
    default: put_list(e, f, at); break;
    }
}

static void put_object(struct enc *e, const struct sbi_schema *s, const uint8_t *value)
{
    const struct sbi_field *f = s->fields();
    bool first = true;
    put_char(e, '{');
    for (uint32_t i = 0; i < s->n && !e->w.bad; i++, f++) {
        if ((!sbi_in_json(f) && !e->redact) || ((f->flags & SBI_OPTIONAL) && !value[f->has_off]))
            continue;
        if (!first)
            put_char(e, ',');
        first = false;
        put_char(e, '"');
        put_lit(e, *f->json ? f->json : f->member);
        put(e, "\":", 2);
        put_value(e, f, value + f->off);
    }
    put_char(e, '}');
}

static int finish(const struct enc *e)
{
    return e->err ? e->err : e->w.bad ? ERR_NOSPACE : (int)e->w.n;
}

int sbi_json_encode(const struct sbi_schema *s, const void *value, char *out, uint32_t cap,
                    struct sbi_parts *parts)
{
    struct enc e = {.w = wr_over(out, cap), .parts = parts};
    const struct sbi_field *body = sbi_body_row(s);
    if (parts)
        parts->n = 0;
    if (body && (body->flags & SBI_OPTIONAL) && !((const uint8_t *)value)[body->has_off])
        return 0;
    if (body)
        put_value(&e, body, (const uint8_t *)value + body->off);
    else if (sbi_has_body(s))
        put_object(&e, s, value);
    return finish(&e);
}

int sbi_json_encode_row(const struct sbi_field *f, const void *owner, char *out, uint32_t cap)
{
    struct enc e = {.w = wr_over(out, cap)};
    put_value(&e, f, (const uint8_t *)owner + f->off);
    return finish(&e);
}

uint32_t sbi_print(const struct sbi_schema *s, const void *value, char *out, uint32_t cap)
{
    static const char cut[] = "...";
    if (cap < sizeof cut) {
        if (cap)
            *out = 0;
        return 0;
    }
    struct enc e = {.w = wr_over(out, cap - (uint32_t)sizeof cut), .redact = true};
    put_object(&e, s, value);
    if (e.w.bad)
        memcpy(out + e.w.n, cut, sizeof cut - 1), e.w.n += (uint32_t)sizeof cut - 1;
    out[e.w.n] = 0;
    return e.w.n;
}
