/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include <stdarg.h>
#include <stdio.h>

struct str arena_printf(struct arena *a, const char *format, ...)
{
    uint32_t off = (a->off + 7u) & ~7u;
    size_t room = off < a->cap ? a->cap - off : 0;
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(room ? (char *)a->base + off : NULL, room, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= room)
        return (struct str){NULL, 0};
    char *p = arena_take(a, (size_t)n + 1);
    return (struct str){p, (uint32_t)n};
}
