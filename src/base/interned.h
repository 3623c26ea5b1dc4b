/* SPDX-License-Identifier: Apache-2.0 */
/* interned.h - octets that many objects have in common (a data network's name, a subscription, a
 * policy), kept once and counted: an object has a pointer to them. Two that are equal have the same
 * pointer. They never change; who wants other ones takes other ones. */
#pragma once
#include "base/arena.h"
#include "base/map.h"

struct interned {
    uint32_t users, n;
    uint8_t octet[]; /* aligned to 8 */
};
struct interns {
    struct map by_value;
    size_t octets; /* in use, without the map */
};

void interns_init(struct interns *, uint64_t secret0, uint64_t secret1);
void interns_free(struct interns *); /* all of them, whoever uses them */
/* One more user of these octets, which are copied when they are new; NULL: no memory. */
const struct interned *intern(struct interns *, struct bytes);
/* One user less; *at becomes NULL. Safe where it is. */
void intern_drop(struct interns *, const struct interned **at);
/* Empty for NULL. */
static inline struct str interned_str(const struct interned *i)
{
    return i ? (struct str){(const char *)i->octet, i->n} : (struct str){NULL, 0};
}
/* A text of one owner (a callback's URI), kept once for all owners for whom it only differs in
 * their name. NULL: no memory, or there is a NUL in it. interned_for() gives it back; p NULL: the
 * arena is full. */
const struct interned *intern_of(struct interns *, struct str text, struct str owner);
struct str interned_for(const struct interned *, struct str owner, struct arena *);
/* The same text for the same owner? */
bool interned_is(const struct interned *, struct str owner, struct str text);
