/* SPDX-License-Identifier: Apache-2.0 */
/* brief.h - a short text that somebody else made (an identifier, a reference), in 17 octets. Texts
 * of up to 16 characters, or up to 32 lower-case hex digits as most functions make them, are kept
 * in place, longer ones outside. */
#pragma once
#include "base/bytes.h"

enum { BRIEF_HERE = 16, BRIEF_BUF = 2 * BRIEF_HERE + 1 };
struct brief { /* all 0: empty */
    uint8_t form;
    uint8_t octet[BRIEF_HERE];
};

/* Takes the place of what was there. false: no memory; it is empty then. */
bool brief_set(struct brief *, struct str);
void brief_clear(struct brief *); /* before its memory goes; safe twice */
static inline bool brief_is_set(const struct brief *b)
{
    return b->form != 0;
}
/* In buf, or where it is kept; p NULL: empty. */
struct str brief_get(const struct brief *, char buf[BRIEF_BUF]);
