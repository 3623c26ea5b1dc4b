/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c == '-' ? '_' : c; }
static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Optimal string alignment, three rows of the table at a time; case and '-' for '_' cost nothing. */
uint32_t str_distance(struct str a, struct str b)
{
    uint32_t rows[3][SUGGEST_MAX + 1];
    if (a.n > SUGGEST_MAX || b.n > SUGGEST_MAX)
        return UINT32_MAX;
    for (uint32_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (uint32_t i = 1; i <= a.n; i++) {
        uint32_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (uint32_t j = 1; j <= b.n; j++) {
            char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.p[j - 2]) && lower(a.p[i - 2]) == y)
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a.n % 3][b.n];
}

bool str_is_nearer(struct str word, struct str known, uint32_t *best)
{
    uint32_t d = str_distance(word, known), longest = word.n > known.n ? word.n : known.n;
    if (d >= *best || d > 3 || d * 3 > longest + 1)
        return false;
    *best = d;
    return true;
}
