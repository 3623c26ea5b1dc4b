/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - which known word a mistyped one is nearest to. */
#pragma once
#include "base/bytes.h"

enum { SUGGEST_MAX = 64 }; /* octets of a word; longer ones are near nothing */
/* Insertions, deletions, replacements and swaps of neighbours that turn one into the other; UINT32_MAX: too long. */
uint32_t str_distance(struct str a, struct str b);
/* Near enough to be meant: one error in three letters, at most three, and better than *best, which it lowers.
 * Start with *best = UINT32_MAX and offer every known word. */
bool str_is_nearer(struct str word, struct str known, uint32_t *best);
