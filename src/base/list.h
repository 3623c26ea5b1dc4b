/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - intrusive circular doubly linked list; an object may be on as many lists as it has links. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev, *next;
};
#define CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define LIST_EACH(it, head)          for (struct link *it = (head)->next; it != (head); it = it->next)
/* The body may remove `it`. */
#define LIST_EACH_SAFE(it, head)                                                                   \
    for (struct link *it = (head)->next, *it##_next = it->next; it != (head);                      \
         it = it##_next, it##_next = it->next)

static inline void list_init(struct link *h) { h->prev = h->next = h; }
static inline bool list_empty(const struct link *h) { return h->next == h; }
static inline bool link_is_on(const struct link *l) { return l->next != NULL; }
static inline void list_append(struct link *h, struct link *l)
{
    l->prev = h->prev;
    l->next = h;
    h->prev->next = l;
    h->prev = l;
}
/* Safe on a link that is on no list (zeroed or removed). */
static inline void list_remove(struct link *l)
{
    if (!l->next)
        return;
    l->prev->next = l->next;
    l->next->prev = l->prev;
    l->prev = l->next = NULL;
}
static inline struct link *list_pop(struct link *h)
{
    struct link *l = h->next;
    if (l == h)
        return NULL;
    list_remove(l);
    return l;
}
