/* SPDX-License-Identifier: Apache-2.0 */
/* Random valid values, for round trips. */
#include "codec/aper.h"
#include "base/err.h"

enum { INNER_MAX = 4096 };

struct dice {
    uint64_t *seed;
    struct arena *arena;
    uint32_t list_max;
    unsigned depth;
    int err;
};

static void value(struct dice *s, const struct asn_type *t, void *v);

static uint64_t roll(struct dice *s) /* splitmix64 */
{
    uint64_t z = *s->seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static uint64_t upto(struct dice *s, uint64_t max) /* 0..max, the ends often */
{
    uint64_t r = roll(s), how = r & 7;
    if (how == 0 || max == 0)
        return 0;
    if (how == 1)
        return max;
    r >>= 3;
    return max > UINT64_MAX >> 4 ? r << 3 : r % (max + 1);
}
static void *take(struct dice *s, size_t n)
{
    void *p = arena_zero(s->arena, n ? n : 1);
    if (!p)
        s->err = ERR_NOSPACE;
    return p;
}
static uint32_t size_of(struct dice *s, const struct asn_type *t, uint32_t most)
{
    uint64_t top = t->upper < most ? t->upper : most;
    return (uint32_t)(t->lower >= top ? t->lower : t->lower + upto(s, top - t->lower));
}
/* Octets are pairs of decimal digits: what a PLMN identity is made of. */
static void string(struct dice *s, const struct asn_type *t, struct bytes *b)
{
    uint32_t n = size_of(s, t, 40), len = t->kind == ASN_BITS ? (n + 7) / 8 : n;
    uint8_t *p = take(s, len);
    for (uint32_t i = 0; p && i < len; i++)
        p[i] = t->kind == ASN_CHARS || t->kind == ASN_UTF8 ? (uint8_t)('a' + roll(s) % 26)
               : t->kind == ASN_BITS                       ? (uint8_t)roll(s)
                                     : (uint8_t)(roll(s) % 10 << 4 | roll(s) % 10);
    if (p && t->kind == ASN_BITS && n % 8)
        p[len - 1] &= (uint8_t)(0xff00u >> n % 8);
    *b = (struct bytes){p, n};
}
static void contained(struct dice *s, const struct asn_type *t, struct bytes *b)
{
    void *v = take(s, t->size);
    uint8_t *p = take(s, INNER_MAX);
    if (!v || !p)
        return;
    value(s, t, v);
    int n = s->err ? s->err : aper_encode(t, v, p, INNER_MAX);
    if (n < 0)
        s->err = n;
    *b = (struct bytes){p, n < 0 ? 0 : (uint32_t)n};
}
static void members(struct dice *s, const struct asn_type *t, uint8_t *v)
{
    uint64_t has = 0;
    for (unsigned i = 0; i < t->n_fields && !s->err; i++) {
        const struct asn_field *f = &t->fields[i];
        bool in = f->presence == ASN_MANDATORY || roll(s) % (s->depth < 4 ? 2 : 2 + s->depth) == 0;
        if (!in)
            continue;
        if (f->presence != ASN_EXTENSIONS) {
            value(s, f->type, v + f->offset);
            has |= 1ull << i;
            continue;
        }
        uint8_t *x = f->type ? take(s, f->type->size) : NULL;
        if (!x)
            continue;
        members(s, f->type, x);
        if (((struct asn_has *)x)->mask[0])
            *(uint8_t **)(v + f->offset) = x;
    }
    ((struct asn_has *)v)->mask[0] = has;
}
static void value(struct dice *s, const struct asn_type *t, void *v)
{
    if (s->err)
        return;
    s->depth++;
    switch ((enum asn_kind)t->kind) {
    case ASN_INT: *(uint64_t *)v = t->lower + upto(s, t->upper - t->lower); break;
    case ASN_ENUM: *(uint32_t *)v = (uint32_t)upto(s, t->n_fields - 1u); break;
    case ASN_NULL: break;
    case ASN_OCTETS:
        if (t->elem) {
            contained(s, t->elem, v);
            break;
        }
        string(s, t, v);
        break;
    case ASN_BITS:
    case ASN_OPEN:
    case ASN_CHARS:
    case ASN_UTF8: string(s, t, v); break;
    case ASN_LIST: {
        struct asn_list *l = v;
        uint32_t n = size_of(s, t, s->depth > 8 ? 1 : s->list_max);
        uint8_t *e = take(s, (size_t)n * t->elem->size);
        *l = (struct asn_list){e, n};
        for (uint32_t i = 0; i < n && !s->err; i++)
            value(s, t->elem, e + (size_t)i * t->elem->size);
        break;
    }
    case ASN_SEQ:
    case ASN_IES:
    case ASN_EXTSET: members(s, t, v); break;
    case ASN_CHOICE: {
        uint32_t i = (uint32_t)upto(s, t->n_fields - 1u);
        *(uint32_t *)v = i;
        value(s, t->fields[i].type, (uint8_t *)v + t->fields[i].offset);
        break;
    }
    }
    s->depth--;
}
int aper_random(const struct asn_type *t, void *v, struct arena *a, uint64_t *seed,
                uint32_t list_max)
{
    struct dice s = {.seed = seed, .arena = a, .list_max = list_max};
    memset(v, 0, t->size);
    value(&s, t, v);
    return s.err;
}
