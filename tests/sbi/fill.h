/* SPDX-License-Identifier: Apache-2.0 */
/* fill.h - structs filled at random by their rows, within the bounds of the rows: from a fixed
 * seed. */
#pragma once
#include "codec/sbi_json.h"

static uint64_t fill_seed = 1;
static uint32_t fill_below(uint32_t n)
{
    fill_seed = fill_seed * 6364136223846793005u + 1442695040888963407u;
    return n ? (uint32_t)(fill_seed >> 33) % n : 0;
}
static uint32_t fill_between(int64_t lo, int64_t hi, uint32_t most)
{
    if (hi > lo + most)
        hi = lo + most;
    return (uint32_t)lo + fill_below((uint32_t)(hi - lo + 1));
}
static struct str fill_text(struct arena *a, int64_t lo, int64_t hi)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-._~%/\"\\&=+ \n{}";
    uint32_t n = fill_between(lo, hi, 20);
    char *p = n ? arena_take(a, n) : NULL;
    for (uint32_t i = 0; i < n; i++)
        p[i] = letters[fill_below(sizeof letters - 1)];
    if (n >= 2 && fill_below(3) == 0)
        memcpy(p + n - 2, "\xc3\xa9", 2);
    return (struct str){p, n};
}
static struct bytes fill_bytes(struct arena *a, int64_t lo, int64_t hi)
{
    uint32_t n = fill_between(lo, hi, 40);
    uint8_t *p = n ? arena_take(a, n) : NULL;
    for (uint32_t i = 0; i < n; i++)
        p[i] = (uint8_t)fill_below(256);
    return (struct bytes){p, n};
}
static void fill_struct(const struct sbi_schema *s, uint8_t *value, struct arena *a);

static void fill_value(const struct sbi_field *f, uint8_t *at, struct arena *a)
{
    struct sbi_items items = {NULL, 0};
    switch ((enum sbi_kind)f->kind) {
    case SBI_TEXT: *(struct str *)(void *)at = fill_text(a, f->lo, f->hi); return;
    case SBI_INT:
        *(int64_t *)(void *)at = f->lo + (int64_t)fill_between(0, f->hi - f->lo, 1000);
        return;
    case SBI_BOOL: *(bool *)at = fill_below(2); return;
    case SBI_CODE: *(int *)(void *)at = (int)fill_between(1, f->hi, 100); return;
    case SBI_DOUBLE: *(struct str *)(void *)at = STR("-1.5e3"); return;
    case SBI_HEX:
    case SBI_B64:
    case SBI_BIN: *(struct bytes *)(void *)at = fill_bytes(a, f->lo, f->hi); return;
    case SBI_OBJ: fill_struct(f->sub, at, a); return;
    case SBI_ANY: *(struct str *)(void *)at = STR("{\"a\":[1,null,\"x\"]}"); return;
    default: break;
    }
    items.n = fill_between(f->lo, f->hi, 2);
    uint8_t *p = items.n ? arena_zero(a, (size_t)items.n * f->item) : NULL;
    items.p = p;
    for (uint32_t i = 0; i < items.n; i++, p += f->item) {
        bool map = f->kind == SBI_MAPOF || f->kind == SBI_TEXTMAP;
        if (map)
            *(struct str *)(void *)p = arena_printf(a, "key \"%u\"", i);
        if (f->kind == SBI_OBJS || f->kind == SBI_MAPOF)
            fill_struct(f->sub, map ? p + sizeof(struct str) : p, a);
        else if (f->kind == SBI_INTS)
            *(int64_t *)(void *)p = (int64_t)fill_below(100) - 50;
        else if (f->kind == SBI_CODES)
            *(int *)(void *)p = (int)fill_between(1, (int64_t)f->code()->n - 1, 100);
        else
            *(struct str *)(void *)(map ? p + sizeof(struct str) : p) = STR("text-1");
    }
    *(struct sbi_items *)(void *)at = items;
}

/* Of two rows of one name the first is set, or the second, or neither. */
static void fill_struct(const struct sbi_schema *s, uint8_t *value, struct arena *a)
{
    const struct sbi_field *f = s->fields();
    bool alternative_set = false;
    for (uint32_t i = 0; i < s->n; i++) {
        bool alternative = i && *f[i].json && strcmp(f[i].json, f[i - 1].json) == 0;
        bool want =
            !(f[i].flags & SBI_OPTIONAL) || (fill_below(2) && !(alternative && alternative_set));
        alternative_set = want;
        if (!want)
            continue;
        if (f[i].flags & SBI_OPTIONAL)
            value[f[i].has_off] = true;
        fill_value(f + i, value + f[i].off, a);
    }
}
