/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include <stdlib.h>

struct map_slot {
    uint64_t hash; /* 0 empty, 1 deleted */
    struct bytes key; /* p == NULL: an integer key, whose hash is a bijection of it */
    uint64_t number;
    void *value;
};

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

static bool slot_is(const struct map_slot *s, uint64_t hash, struct bytes key, uint64_t number)
{
    if (s->hash != hash)
        return false;
    return key.p ? s->key.p && bytes_eq(s->key, key) : !s->key.p && s->number == number;
}

static struct map_slot *find(const struct map *m, uint64_t hash, struct bytes key, uint64_t number)
{
    if (!m->cap)
        return NULL;
    for (uint32_t i = (uint32_t)hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        if (m->slots[i].hash == 0)
            return NULL;
        if (slot_is(&m->slots[i], hash, key, number))
            return &m->slots[i];
    }
}

static void place(struct map *m, struct map_slot s)
{
    uint32_t i = (uint32_t)s.hash & (m->cap - 1);
    while (m->slots[i].hash > 1)
        i = (i + 1) & (m->cap - 1);
    m->filled += m->slots[i].hash == 0;
    m->slots[i] = s;
    m->used++;
}

static int grow(struct map *m)
{
    struct map old = *m;
    uint32_t cap = old.used * 4 >= old.cap ? (old.cap ? old.cap * 2 : 16) : old.cap;
    struct map_slot *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return -1;
    m->slots = slots;
    m->cap = cap;
    m->used = m->filled = 0;
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.slots[i].hash > 1)
            place(m, old.slots[i]);
    free(old.slots);
    return 0;
}

static int put(struct map *m, uint64_t hash, struct bytes key, uint64_t number, void *value)
{
    struct map_slot *s = find(m, hash, key, number);
    if (s) {
        s->key = key;
        s->value = value;
        return 0;
    }
    if ((m->filled + 1) * 4 > m->cap * 3 && grow(m) < 0)
        return -1;
    place(m, (struct map_slot){hash, key, number, value});
    return 0;
}

static void *del(struct map *m, struct map_slot *s)
{
    if (!s)
        return NULL;
    void *v = s->value;
    *s = (struct map_slot){.hash = 1};
    m->used--;
    return v;
}

static uint64_t hash_bytes(const struct map *m, struct bytes key)
{
    uint64_t h = siphash24(m->k0, m->k1, key.p, key.n);
    return h > 1 ? h : h + 2;
}
static uint64_t hash_u64(const struct map *m, uint64_t key)
{
    uint64_t h = siphash24(m->k0, m->k1, &key, sizeof key);
    return h > 1 ? h : h + 2;
}

int map_put(struct map *m, struct bytes key, void *value)
{
    return put(m, hash_bytes(m, key), key, 0, value);
}
void *map_get(const struct map *m, struct bytes key)
{
    const struct map_slot *s = find(m, hash_bytes(m, key), key, 0);
    return s ? s->value : NULL;
}
void *map_del(struct map *m, struct bytes key)
{
    return del(m, find(m, hash_bytes(m, key), key, 0));
}
int map_put_u64(struct map *m, uint64_t key, void *value)
{
    return put(m, hash_u64(m, key), (struct bytes){NULL, 0}, key, value);
}
void *map_get_u64(const struct map *m, uint64_t key)
{
    const struct map_slot *s = find(m, hash_u64(m, key), (struct bytes){NULL, 0}, key);
    return s ? s->value : NULL;
}
void *map_del_u64(struct map *m, uint64_t key)
{
    return del(m, find(m, hash_u64(m, key), (struct bytes){NULL, 0}, key));
}
void *map_next(const struct map *m, uint32_t *index)
{
    for (; *index < m->cap; (*index)++)
        if (m->slots[*index].hash > 1)
            return m->slots[(*index)++].value;
    return NULL;
}
