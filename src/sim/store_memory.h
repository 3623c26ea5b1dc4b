/* SPDX-License-Identifier: Apache-2.0 */
/* store_memory.h - a store on a disk that exists only here. It outlives the process that a test kills; what was
 * not synced may be lost from any point on, in the order in which it was written, as a database's log loses it. */
#pragma once
#include "rt/store.h"

struct store *store_memory_new(void); /* NULL: no memory */
void store_memory_free(struct store *);
/* The power fails: of the writes since the last sync the first `kept` survive. The store is then open again. */
void store_memory_crash(struct store *, uint32_t kept);
uint32_t store_memory_unsynced(const struct store *); /* writes since the last sync */
/* From now on writes, and reads if `reads`, fail with ERR_STORE and this reason; NULL: they work again. */
void store_memory_fail(struct store *, const char *reason, bool reads);
