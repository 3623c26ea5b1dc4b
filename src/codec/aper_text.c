/* SPDX-License-Identifier: Apache-2.0 */
/* Values as text, for logs and tests. */
#include "codec/aper.h"
#include "base/err.h"

enum { INNER_ARENA = 16384, NESTED_MAX = 3 };

struct text {
    char *buf;
    size_t cap, n; /* n: what an endless buffer would hold */
    int indent;    /* < 0: one line */
    int nested;    /* octet strings opened up */
};

static void value(struct text *s, const struct asn_type *t, const void *v);

static void put(struct text *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++, s->n++)
        if (s->n + 1 < s->cap)
            s->buf[s->n] = p[i];
}
static void puts_(struct text *s, const char *z)
{
    put(s, z, strlen(z));
}
static void put_name(struct text *s, const char *z) /* as ASN.1 spells it */
{
    for (; *z; z++)
        put(s, *z == '_' ? "-" : z, 1);
}
static void put_number(struct text *s, uint64_t v)
{
    char digits[20];
    unsigned i = sizeof digits;
    do
        digits[--i] = (char)('0' + v % 10);
    while (v /= 10);
    put(s, digits + i, sizeof digits - i);
}
static void put_hex(struct text *s, const uint8_t *p, size_t n)
{
    char h[3];
    for (size_t i = 0; i < n; i++) {
        hex_put(h, p + i, 1);
        put(s, h, 2);
    }
}
static void put_chars(struct text *s, const struct str *c)
{
    puts_(s, "\"");
    for (uint32_t i = 0; i < c->n; i++) {
        uint8_t ch = (uint8_t)c->p[i];
        if (ch == '"' || ch == '\\' || ch < 0x20 || ch == 0x7f) {
            puts_(s, "\\x");
            put_hex(s, &ch, 1);
        } else {
            put(s, c->p + i, 1);
        }
    }
    puts_(s, "\"");
}
static void item(struct text *s, bool first) /* what stands before a member */
{
    if (s->indent < 0) {
        puts_(s, first ? "" : " ");
        return;
    }
    puts_(s, "\n");
    for (int i = 0; i < s->indent; i++)
        puts_(s, "  ");
}
static void field(struct text *s, const struct asn_field *f, const void *v, bool first)
{
    item(s, first);
    put_name(s, f->name);
    puts_(s, s->indent < 0 ? "=" : ": ");
    value(s, f->type, v);
}
static void open_braces(struct text *s)
{
    puts_(s, "{");
    s->indent += s->indent >= 0;
}
static void close_braces(struct text *s, bool empty)
{
    s->indent -= s->indent > 0;
    if (!empty && s->indent >= 0)
        item(s, true);
    puts_(s, "}");
}

static bool members(struct text *s, const struct asn_type *t, const uint8_t *v, bool first)
{
    uint64_t has = ((const struct asn_has *)v)->mask[0];
    for (unsigned i = 0; i < t->n_fields; i++) {
        const struct asn_field *f = &t->fields[i];
        if (f->presence == ASN_EXTENSIONS) {
            const uint8_t *x = f->type ? *(const uint8_t *const *)(v + f->offset) : NULL;
            if (x)
                first = members(s, f->type, x, first);
        } else if (has >> i & 1 || (f->presence == ASN_MANDATORY && t->kind == ASN_SEQ)) {
            field(s, f, v + f->offset, first);
            first = false;
        }
    }
    return first;
}
static void contained(struct text *s, const struct asn_type *t, struct bytes b)
{
    uint64_t block[INNER_ARENA / 8];
    struct arena a = arena_over(block, sizeof block);
    void *v = arena_take(&a, t->size);
    struct aper_report r;
    int e = v ? aper_decode(t, v, b, &a, &r, NULL) : ERR_NOSPACE;
    if (e && e != ERR_UNKNOWN && e != ERR_MISSING && e != ERR_ORDER)
        return;
    puts_(s, " = ");
    s->nested++;
    value(s, t, v);
    s->nested--;
}
static void list(struct text *s, const struct asn_type *t, const struct asn_list *l)
{
    open_braces(s);
    for (uint32_t i = 0; i < l->n; i++) {
        item(s, i == 0);
        value(s, t->elem, (const uint8_t *)l->v + (size_t)i * t->elem->size);
    }
    close_braces(s, l->n == 0);
}
static void value(struct text *s, const struct asn_type *t, const void *v)
{
    const struct bytes *b = v;
    if (t->flags & (ASN_SECRET | ASN_IDENTITY)) {
        puts_(s, t->flags & ASN_SECRET ? "<secret>" : "<identity>");
        return;
    }
    switch ((enum asn_kind)t->kind) {
    case ASN_INT: put_number(s, *(const uint64_t *)v); break;
    case ASN_ENUM: {
        uint32_t e = *(const uint32_t *)v;
        put_name(s, e < t->n_fields ? t->fields[e].name : "unknown");
        break;
    }
    case ASN_BITS:
        put_hex(s, b->p, (b->n + 7u) / 8);
        if (b->n % 8) {
            puts_(s, "/");
            put_number(s, b->n);
        }
        break;
    case ASN_OCTETS:
    case ASN_OPEN:
        put_hex(s, b->p, b->n);
        if (t->elem && s->indent >= 0 && s->nested < NESTED_MAX)
            contained(s, t->elem, *b);
        break;
    case ASN_CHARS:
    case ASN_UTF8: put_chars(s, v); break;
    case ASN_NULL: puts_(s, "NULL"); break;
    case ASN_LIST: list(s, t, v); break;
    case ASN_SEQ:
    case ASN_IES:
    case ASN_EXTSET:
        open_braces(s);
        close_braces(s, members(s, t, v, true));
        break;
    case ASN_CHOICE: {
        uint32_t sel = *(const uint32_t *)v;
        put_name(s, sel < t->n_fields ? t->fields[sel].name : "unknown");
        if (sel < t->n_fields) {
            puts_(s, ":");
            value(s, t->fields[sel].type, (const uint8_t *)v + t->fields[sel].offset);
        }
        break;
    }
    }
}
size_t aper_print(const struct asn_type *t, const void *v, char *buf, size_t cap, int indent)
{
    struct text s = {.buf = buf, .cap = cap, .indent = indent < 0 ? -1 : indent};
    put_name(&s, t->name);
    puts_(&s, " ");
    value(&s, t, v);
    if (cap)
        buf[s.n < cap ? s.n : cap - 1] = 0;
    return s.n;
}
