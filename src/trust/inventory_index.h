/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_index.h - the lookups of an inventory that is being built. */
#pragma once
#include "trust/inventory.h"

enum inv_lookup { INV_BY_ID, INV_BY_GNB, INV_BY_NODE, INV_BY_ADDRESS, INV_BY_INSTANCE, INV_BY_KEY };
/* Room for n references. ERR_NOSPACE. */
int inv_index_init(struct inv_index *, uint32_t n);
void inv_index_free(struct inv_index *);
/* Adds the record to the lookup, if it has what is looked up by. OK; ERR_EXISTS and the one that has the same. */
int inv_index_add(struct inventory *, enum inv_lookup, enum inv_kind, uint32_t ref, uint32_t *other);
