/* SPDX-License-Identifier: Apache-2.0 */
#include "base/brief.h"
#include <stdlib.h>

enum {
    HEX = 0x80,
    OUTSIDE = 0xff
}; /* forms: 1..16 characters, HEX | 1..16 octets, OUTSIDE: a pointer to struct outside */
struct outside {
    uint32_t n;
    char text[];
};

static bool is_lower_hex(struct str s)
{
    for (uint32_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return s.n % 2 == 0;
}

void brief_clear(struct brief *b)
{
    struct outside *o;
    if (b->form == OUTSIDE) {
        memcpy(&o, b->octet, sizeof o);
        free(o);
    }
    *b = (struct brief){0};
}

bool brief_set(struct brief *b, struct str s)
{
    struct brief new = {0};
    if (s.n && s.n <= 2 * BRIEF_HERE && is_lower_hex(s)) {
        new.form = (uint8_t)(HEX | s.n / 2);
        hex_get(new.octet, s.n / 2, s);
    } else if (s.n && s.n <= BRIEF_HERE) {
        new.form = (uint8_t)s.n;
        memcpy(new.octet, s.p, s.n);
    } else if (s.n) {
        struct outside *o = malloc(sizeof *o + s.n);
        if (o) {
            o->n = s.n;
            memcpy(o->text, s.p, s.n);
            new.form = OUTSIDE;
            memcpy(new.octet, &o, sizeof o);
        }
    }
    brief_clear(b); /* last: s may be of it */
    *b = new;
    return !s.n || new.form;
}

struct str brief_get(const struct brief *b, char buf[BRIEF_BUF])
{
    struct outside *o;
    if (b->form == OUTSIDE) {
        memcpy(&o, b->octet, sizeof o);
        return (struct str){o->text, o->n};
    }
    if (b->form & HEX) {
        hex_put(buf, b->octet, b->form & ~HEX);
        return (struct str){buf, 2u * (b->form & ~HEX)};
    }
    memcpy(buf, b->octet, b->form);
    return (struct str){b->form ? buf : NULL, b->form};
}
