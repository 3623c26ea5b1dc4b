/* SPDX-License-Identifier: Apache-2.0 */
/* sbi_own.h - what one call answered, taken into the arena of another. */
#pragma once
#include "codec/sbi.h"

/* All that the present members of *value point to is copied into the arena: 0 or ERR_NOSPACE. */
int sbi_own(const struct sbi_schema *, struct arena *, void *value);
