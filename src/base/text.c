/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "base/format.h"

void text_add(struct text *t, const char *format, ...)
{
    va_list ap;
    if (t->full)
        return;
    va_start(ap, format);
    int n = format_text(t->p + t->n, t->cap - t->n, format, ap);
    va_end(ap);
    t->full = n < 0 || (uint32_t)n >= t->cap - t->n;
    t->n = n < 0 ? t->n : t->full ? t->cap - 1 : t->n + (uint32_t)n;
}

struct str text_word(struct str *line)
{
    while (line->n && *line->p == ' ') {
        line->p++;
        line->n--;
    }
    struct str w = {line->p, 0};
    while (w.n < line->n && w.p[w.n] != ' ')
        w.n++;
    line->p += w.n;
    line->n -= w.n;
    return w;
}
