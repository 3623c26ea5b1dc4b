/* SPDX-License-Identifier: Apache-2.0 */
#include "base/format.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *to;
    size_t room, n;
};
static void put(struct out *o, const char *p, size_t n)
{
    if (o->n < o->room) {
        size_t left = o->room - o->n;
        memcpy(o->to + o->n, p, n < left ? n : left);
    }
    o->n += n;
}
static void put_number(struct out *o, uint64_t v, unsigned base, bool minus, bool zero, unsigned width)
{
    char digits[72];
    unsigned at = sizeof digits, sign = minus;
    do
        digits[--at] = "0123456789abcdef"[v % base];
    while (v /= base);
    while (zero && sizeof digits - at + sign < width)
        digits[--at] = '0';
    if (minus)
        digits[--at] = '-';
    while (sizeof digits - at < width)
        digits[--at] = ' ';
    put(o, digits + at, sizeof digits - at);
}

/* What one conversion asks for; false: the C library's to write. */
struct conversion {
    bool zero, stars;   /* %.*s */
    unsigned width, longs; /* longs: 2 also for z */
    char what;
};
static const char *conversion_read(const char *f, struct conversion *c)
{
    *c = (struct conversion){.zero = *f == '0'};
    f += c->zero;
    for (; *f >= '0' && *f <= '9' && c->width < 64; f++)
        c->width = c->width * 10 + (unsigned)(*f - '0');
    if (f[0] == '.' && f[1] == '*' && f[2] == 's')
        c->stars = f += 2;
    for (; (*f == 'l' && c->longs < 2) || (*f == 'z' && !c->longs); f++)
        c->longs += *f == 'z' ? 2 : 1;
    c->what = *f;
    bool number = *f == 'u' || *f == 'x' || *f == 'd', text = *f == 's' || *f == 'c' || *f == '%';
    return c->width < 64 && (number || (text && !c->width && !c->longs && !c->zero)) ? f + 1 : NULL;
}

int format_text(char *to, size_t room, const char *format, va_list ap)
{
    struct out o = {to, room, 0};
    struct conversion c;
    va_list whole;
    va_copy(whole, ap);
    for (const char *f = format;;) {
        const char *next = strchrnul(f, '%');
        put(&o, f, (size_t)(next - f));
        if (!*next)
            break;
        f = conversion_read(next + 1, &c);
        if (!f) {
            int n = vsnprintf(to, room, format, whole);
            va_end(whole);
            return n;
        }
        if (c.what == 's') {
            int n = c.stars ? va_arg(ap, int) : -1;
            const char *s = va_arg(ap, const char *);
            s = s ? s : "(null)";
            put(&o, s, n >= 0 ? strnlen(s, (size_t)n) : strlen(s));
        } else if (c.what == 'c') {
            char one = (char)va_arg(ap, int);
            put(&o, &one, 1);
        } else if (c.what == '%') {
            put(&o, "%", 1);
        } else if (c.what == 'd') {
            long long v = c.longs == 2 ? va_arg(ap, long long) : c.longs ? va_arg(ap, long) : va_arg(ap, int);
            put_number(&o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0, c.zero, c.width);
        } else {
            uint64_t v = c.longs == 2 ? va_arg(ap, unsigned long long)
                         : c.longs   ? va_arg(ap, unsigned long)
                                     : va_arg(ap, unsigned);
            put_number(&o, v, c.what == 'x' ? 16 : 10, false, c.zero, c.width);
        }
    }
    va_end(whole);
    if (room)
        to[o.n < room ? o.n : room - 1] = 0;
    return (int)o.n;
}

int format_put(char *to, size_t room, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = format_text(to, room, format, ap);
    va_end(ap);
    return n;
}
