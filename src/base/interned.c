/* SPDX-License-Identifier: Apache-2.0 */
#include "base/interned.h"
#include <stdlib.h>

enum { OWNER = 0 }; /* stands for the owner's name in a text, where it has no other meaning */

void interns_init(struct interns *s, uint64_t secret0, uint64_t secret1)
{
    *s = (struct interns){0};
    map_init(&s->by_value, secret0, secret1);
}
void interns_free(struct interns *s)
{
    uint32_t i = 0;
    for (void *v; (v = map_next(&s->by_value, &i));)
        free(v);
    map_free(&s->by_value);
    s->octets = 0;
}

const struct interned *intern(struct interns *s, struct bytes b)
{
    struct interned *i = map_get(&s->by_value, b);
    if (!i) {
        i = malloc(sizeof *i + b.n);
        if (!i)
            return NULL;
        *i = (struct interned){.n = b.n};
        if (b.n)
            memcpy(i->octet, b.p, b.n);
        if (map_put(&s->by_value, (struct bytes){i->octet, i->n}, i) < 0) {
            free(i);
            return NULL;
        }
        s->octets += sizeof *i + b.n;
    }
    i->users++;
    return i;
}

void intern_drop(struct interns *s, const struct interned **at)
{
    struct interned *i = *at ? map_get(&s->by_value, (struct bytes){(*at)->octet, (*at)->n}) : NULL;
    *at = NULL;
    if (!i || --i->users)
        return;
    map_del(&s->by_value, (struct bytes){i->octet, i->n});
    s->octets -= sizeof *i + i->n;
    free(i);
}

const struct interned *intern_of(struct interns *s, struct str text, struct str owner)
{
    if (text.n && memchr(text.p, OWNER, text.n))
        return NULL;
    const char *at = text.n && owner.n ? memmem(text.p, text.n, owner.p, owner.n) : NULL;
    if (!at)
        return intern(s, (struct bytes){(const uint8_t *)text.p, text.n});
    uint32_t before = (uint32_t)(at - text.p), after = text.n - before - owner.n;
    uint8_t room[512], *b = before + 1u + after <= sizeof room ? room : NULL;
    if (!b) /* longer than any URI should be: it is kept as it is */
        return intern(s, (struct bytes){(const uint8_t *)text.p, text.n});
    memcpy(b, text.p, before);
    b[before] = OWNER;
    memcpy(b + before + 1, at + owner.n, after);
    return intern(s, (struct bytes){b, before + 1 + after});
}

static const char *owner_in(const struct interned *i)
{
    return i && i->n ? memchr(i->octet, OWNER, i->n) : NULL;
}
struct str interned_for(const struct interned *i, struct str owner, struct arena *a)
{
    struct str t = interned_str(i);
    const char *at = owner_in(i);
    if (!at)
        return arena_str(a, t);
    uint32_t before = (uint32_t)(at - t.p), after = t.n - before - 1;
    char *p = arena_take(a, (size_t)t.n - 1 + owner.n);
    if (!p)
        return (struct str){NULL, 0};
    memcpy(p, t.p, before);
    if (owner.n)
        memcpy(p + before, owner.p, owner.n);
    memcpy(p + before + owner.n, at + 1, after);
    return (struct str){p, before + owner.n + after};
}
bool interned_is(const struct interned *i, struct str owner, struct str text)
{
    struct str t = interned_str(i);
    const char *at = owner_in(i);
    if (!at)
        return str_eq(t, text);
    uint32_t before = (uint32_t)(at - t.p), after = t.n - before - 1;
    return text.n == before + owner.n + after && memcmp(text.p, t.p, before) == 0 &&
           (!owner.n || memcmp(text.p + before, owner.p, owner.n) == 0) &&
           memcmp(text.p + before + owner.n, at + 1, after) == 0;
}
