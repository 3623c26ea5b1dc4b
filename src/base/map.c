/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include <stdlib.h>

/* What is looked for is found through the hash; 24 octets, since a registered phone is in a dozen maps. */
struct map_key {
    uint32_t hash; /* EMPTY, DELETED */
    uint32_t n;    /* octets; IS_NUMBER: an integer key */
    union {
        uint64_t number;
        const uint8_t *p;
    };
};
struct map_slot {
    struct map_key key;
    void *value;
};
_Static_assert(sizeof(struct map_slot) == MAP_SLOT_OCTETS, "map_octets() tells");
#define EMPTY     0u
#define DELETED   1u
#define IS_NUMBER UINT32_MAX

static inline uint64_t rotl(uint64_t x, int b) { return x << b | x >> (64 - b); }
#define SIP_ROUND                                                                                  \
    do {                                                                                           \
        v0 += v1, v1 = rotl(v1, 13) ^ v0, v0 = rotl(v0, 32);                                       \
        v2 += v3, v3 = rotl(v3, 16) ^ v2;                                                          \
        v0 += v3, v3 = rotl(v3, 21) ^ v0;                                                          \
        v2 += v1, v1 = rotl(v1, 17) ^ v2, v2 = rotl(v2, 32);                                       \
    } while (0)

uint64_t siphash24(uint64_t k0, uint64_t k1, const void *p, size_t n)
{
    const uint8_t *in = p;
    uint64_t v0 = k0 ^ 0x736f6d6570736575u, v1 = k1 ^ 0x646f72616e646f6du;
    uint64_t v2 = k0 ^ 0x6c7967656e657261u, v3 = k1 ^ 0x7465646279746573u;
    uint64_t last = (uint64_t)n << 56;
    for (; n >= 8; n -= 8, in += 8) {
        uint64_t m;
        memcpy(&m, in, 8);
        v3 ^= m;
        SIP_ROUND;
        SIP_ROUND;
        v0 ^= m;
    }
    for (size_t i = 0; i < n; i++)
        last |= (uint64_t)in[i] << (8 * i);
    v3 ^= last;
    SIP_ROUND;
    SIP_ROUND;
    v0 ^= last;
    v2 ^= 0xff;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

void map_init(struct map *m, uint64_t secret0, uint64_t secret1)
{
    *m = (struct map){.k0 = secret0, .k1 = secret1};
}

void map_free(struct map *m)
{
    free(m->slots);
    m->slots = NULL;
    m->cap = m->used = m->filled = 0;
}

static bool key_eq(const struct map_key *a, const struct map_key *b)
{
    if (a->hash != b->hash || a->n != b->n)
        return false;
    return a->n == IS_NUMBER ? a->number == b->number : !a->n || memcmp(a->p, b->p, a->n) == 0;
}
static uint32_t home(const struct map *m, uint32_t hash) { return (uint32_t)((uint64_t)hash * m->cap >> 32); }
static uint32_t after(const struct map *m, uint32_t i) { return i + 1 < m->cap ? i + 1 : 0; }

static struct map_slot *find(const struct map *m, struct map_key key)
{
    if (!m->cap)
        return NULL;
    for (uint32_t i = home(m, key.hash);; i = after(m, i)) {
        if (m->slots[i].key.hash == EMPTY)
            return NULL;
        if (key_eq(&m->slots[i].key, &key))
            return &m->slots[i];
    }
}

static void place(struct map *m, struct map_slot s)
{
    uint32_t i = home(m, s.key.hash);
    while (m->slots[i].key.hash > DELETED)
        i = after(m, i);
    m->filled += m->slots[i].key.hash == EMPTY;
    m->slots[i] = s;
    m->used++;
}

/* By 3/2 and 4/3 in turn (16, 24, 32, 48, …), so that at least half of a map is in use however many there are. Where
 * it is full of what was deleted, the size stays. */
static int grow(struct map *m)
{
    struct map old = *m;
    uint32_t cap = !old.cap                     ? 16
                   : old.used < old.cap / 5 * 3 ? old.cap
                                                : old.cap + old.cap / (old.cap & (old.cap - 1) ? 3 : 2);
    struct map_slot *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return -1;
    m->slots = slots;
    m->cap = cap;
    m->used = m->filled = 0;
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.slots[i].key.hash > DELETED)
            place(m, old.slots[i]);
    free(old.slots);
    return 0;
}

static int put(struct map *m, struct map_key key, void *value)
{
    struct map_slot *s = find(m, key);
    if (s) {
        *s = (struct map_slot){key, value};
        return 0;
    }
    if ((uint64_t)(m->filled + 1) * 4 > (uint64_t)m->cap * 3 && grow(m) < 0)
        return -1;
    place(m, (struct map_slot){key, value});
    return 0;
}

static void *del(struct map *m, struct map_slot *s)
{
    if (!s)
        return NULL;
    void *v = s->value;
    *s = (struct map_slot){.key.hash = DELETED};
    m->used--;
    return v;
}

static uint32_t hash_of(const struct map *m, const void *p, size_t n)
{
    uint32_t h = (uint32_t)(siphash24(m->k0, m->k1, p, n) >> 32);
    return h > DELETED ? h : h + 2;
}
static struct map_key octets(const struct map *m, struct bytes key)
{
    return (struct map_key){.hash = hash_of(m, key.p, key.n), .n = key.n, .p = key.p};
}
static struct map_key integer(const struct map *m, uint64_t key)
{
    return (struct map_key){.hash = hash_of(m, &key, sizeof key), .n = IS_NUMBER, .number = key};
}

int map_put(struct map *m, struct bytes key, void *value) { return put(m, octets(m, key), value); }
void *map_get(const struct map *m, struct bytes key)
{
    const struct map_slot *s = find(m, octets(m, key));
    return s ? s->value : NULL;
}
void *map_del(struct map *m, struct bytes key) { return del(m, find(m, octets(m, key))); }
int map_put_u64(struct map *m, uint64_t key, void *value) { return put(m, integer(m, key), value); }
void *map_get_u64(const struct map *m, uint64_t key)
{
    const struct map_slot *s = find(m, integer(m, key));
    return s ? s->value : NULL;
}
void *map_del_u64(struct map *m, uint64_t key) { return del(m, find(m, integer(m, key))); }
void *map_next(const struct map *m, uint32_t *index)
{
    for (; *index < m->cap; (*index)++)
        if (m->slots[*index].key.hash > DELETED)
            return m->slots[(*index)++].value;
    return NULL;
}
