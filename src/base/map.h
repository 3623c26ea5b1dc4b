/* SPDX-License-Identifier: Apache-2.0 */
/* map.h - hash map from an integer or a short byte string to a pointer. Keys that come from outside are
 * hashed with SipHash under a secret of the map, so nobody can choose colliding ones. Takes 24 octets for each of 4/3 to 2 times as
 * many as there are. */
#pragma once
#include "base/bytes.h"

enum { MAP_SLOT_OCTETS = 24 };
struct map_slot;
struct map {
    struct map_slot *slots;
    uint32_t cap, used, filled;
    uint64_t k0, k1;
};

void map_init(struct map *m, uint64_t secret0, uint64_t secret1);
void map_free(struct map *m);
static inline uint32_t map_count(const struct map *m) { return m->used; }
static inline size_t map_octets(const struct map *m) { return (size_t)m->cap * MAP_SLOT_OCTETS; }
/* The key octets of the bytes form are not copied: they must live in the object while it is in the map. */
int map_put(struct map *m, struct bytes key, void *value); /* 0; -1 no memory; replaces an equal key */
void *map_get(const struct map *m, struct bytes key);
void *map_del(struct map *m, struct bytes key); /* the value that was there, or NULL */
int map_put_u64(struct map *m, uint64_t key, void *value);
void *map_get_u64(const struct map *m, uint64_t key);
void *map_del_u64(struct map *m, uint64_t key);
/* Visits every value in an unspecified but, for equal secrets and history, equal order; *index starts at 0. */
void *map_next(const struct map *m, uint32_t *index);
uint64_t siphash24(uint64_t k0, uint64_t k1, const void *p, size_t n);
