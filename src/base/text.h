/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - a text that grows in memory of a fixed size. What does not fit is cut, and nothing is added after that. */
#pragma once
#include "base/bytes.h"

struct text {
    char *p; /* always ends with a NUL once something was added; cap 0: nothing is written */
    uint32_t cap, n;
    bool full; /* something was cut */
};
static inline struct text text_over(char *p, size_t cap) { return (struct text){.p = p, .cap = (uint32_t)cap, .full = cap == 0}; }
void text_add(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes the next word of a line whose words are apart by spaces; empty at the end. */
struct str text_word(struct str *line);
