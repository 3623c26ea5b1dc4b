/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/format.h"

struct str arena_printf(struct arena *a, const char *format, ...)
{
    uint32_t off = (a->off + 7u) & ~7u;
    size_t room = off < a->cap ? a->cap - off : 0;
    va_list ap;
    va_start(ap, format);
    int n = format_text(room ? (char *)a->base + off : NULL, room, format, ap);
    va_end(ap);
    if (n < 0)
        return (struct str){NULL, 0};
    bool fits = (size_t)n < room;
    if (!fits && room)
        memset(a->base + off, 0, room);
    char *p = arena_take(a, (size_t)n + 1);
    if (p && !fits) {
        va_start(ap, format);
        format_text(p, (size_t)n + 1, format, ap);
        va_end(ap);
    }
    return (struct str){p, p ? (uint32_t)n : 0};
}
