/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sbi_own.h"
#include "base/err.h"

static bool own_text(struct arena *a, struct str *s)
{
    uint32_t n = s->n;
    if (n)
        *s = arena_str(a, *s);
    return !n || s->p;
}
static bool own_octets(struct arena *a, struct bytes *b)
{
    uint32_t n = b->n;
    if (n)
        *b = arena_bytes(a, b->p, n);
    return !n || b->p;
}

static bool own_struct(const struct sbi_schema *s, struct arena *a, void *value);

/* A map's entry is its key and its value: struct sbi_entry_T. */
enum { ENTRY_VALUE = sizeof(struct str) };
static bool own_items(const struct sbi_field *f, struct arena *a, void *member)
{
    struct sbi_items *items = member;
    if (!items->n)
        return true;
    uint8_t *p = arena_take(a, (size_t)items->n * f->item);
    if (!p)
        return false;
    memcpy(p, items->p, (size_t)items->n * f->item);
    items->p = p;
    bool ok = true;
    for (uint32_t i = 0; ok && i < items->n; i++, p += f->item) {
        if (f->kind == SBI_TEXTS || f->kind == SBI_MAPOF || f->kind == SBI_TEXTMAP)
            ok = own_text(a, (struct str *)(void *)p);
        if (ok && f->kind == SBI_TEXTMAP)
            ok = own_text(a, &((struct sbi_text_entry *)(void *)p)->value);
        if (ok && f->kind == SBI_OBJS)
            ok = own_struct(f->sub, a, p);
        if (ok && f->kind == SBI_MAPOF)
            ok = own_struct(f->sub, a, p + ENTRY_VALUE);
    }
    return ok;
}

static bool own_struct(const struct sbi_schema *s, struct arena *a, void *value)
{
    const struct sbi_field *fields = s->fields();
    for (uint32_t i = 0; i < s->n; i++) {
        const struct sbi_field *f = &fields[i];
        uint8_t *member = (uint8_t *)value + f->off;
        if ((f->flags & SBI_OPTIONAL) && !*((const bool *)value + f->has_off)) {
            continue;
        } else if (f->kind == SBI_TEXT || f->kind == SBI_DOUBLE || f->kind == SBI_ANY) {
            if (!own_text(a, (struct str *)(void *)member))
                return false;
        } else if (f->kind == SBI_HEX || f->kind == SBI_B64 || f->kind == SBI_BIN) {
            if (!own_octets(a, (struct bytes *)(void *)member))
                return false;
        } else if (f->kind == SBI_OBJ) {
            if (!own_struct(f->sub, a, member))
                return false;
        } else if (f->kind >= SBI_TEXTS && !own_items(f, a, member)) {
            return false;
        }
    }
    return true;
}

int sbi_own(const struct sbi_schema *s, struct arena *a, void *value)
{
    return own_struct(s, a, value) ? OK : ERR_NOSPACE;
}
