/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h - the key under which subscribers' keys lie in a store, for those who may have it: `redoubt subscriber` and the
 * process that holds keys. A store says by the key's name that it is sealed, and by which. */
#pragma once
#include "crypto/key_box.h"
#include "nf/udr/subscriber.h"

enum { SEAL_WHY = 256 };
/* Whether the store is sealed. ERR_STORE. */
int seal_is_on(struct store *);
/* The key of a file; made if there is none and the store is not sealed. From then on it is: the store has the key's name,
 * with the next commit. ERR_CONFIG with why: no such file, or not the key of this store. */
int seal_open(struct seal_key *, const char *file, struct store *, struct crypto *, char why[SEAL_WHY]);
/* Before subscriber_put(): the key leaves *s, sealed. */
int seal_subscriber(const struct seal_key *, struct str supi, struct subscriber *);
/* All rows that are not sealed yet, with a commit each thousand. */
int seal_all(const struct seal_key *, struct store *);
