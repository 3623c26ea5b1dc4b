/* SPDX-License-Identifier: Apache-2.0 */
/* places.h - an index of objects that have a number (their place in an array or slab) by a hash of their key: 8 octets for each of
 * 4/3 to 2 times as many as there are, where a map takes 24. It keeps no keys: of those with one hash the user looks which it
 * is. Keys from outside are hashed with a secret (siphash24 of base/map.h). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { PLACES_NONE = UINT32_MAX };
struct places { /* all 0: empty */
    struct place *slots;
    uint32_t cap, used;
};
void places_free(struct places *);
/* One more, though there be one with this hash; at is not PLACES_NONE. false: no memory. */
bool places_put(struct places *, uint32_t hash, uint32_t at);
/* The one with this hash and number; false: it was not there. */
bool places_del(struct places *, uint32_t hash, uint32_t at);
/* The next with this hash, PLACES_NONE after the last; *step starts at 0. */
uint32_t places_next(const struct places *, uint32_t hash, uint32_t *step);
