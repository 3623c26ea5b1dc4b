/* SPDX-License-Identifier: Apache-2.0 */
#include "rt/rt.h"
#include "base/err.h"
#include <sys/mman.h>

const char *const store_table_names[STORE_TABLE_COUNT] = {
#define TABLE(name, key, value) #name,
#include "../../spec/store.def"
#undef TABLE
};

int rt_init(struct rt *rt, struct env *env, size_t memory_octets)
{
    *rt = (struct rt){.env = env, .trace = 0xcbf29ce484222325u, .api_root = "http://localhost"};
    list_init(&rt->due);
    list_init(&rt->procs);
    list_init(&rt->commit_users);
    void *p = mmap(NULL, memory_octets, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return ERR_NOSPACE;
    rt->frames.base = p;
    rt->frames.cap = memory_octets;
    env_random(env, rt->random_state, sizeof rt->random_state);
    rt->random_state[0] |= 1;
    rt_enter(rt);
    return OK;
}

void rt_free(struct rt *rt)
{
    timers_free(&rt->timers);
    if (rt->frames.base)
        munmap(rt->frames.base, rt->frames.cap);
    *rt = (struct rt){0};
}

void rt_queue(struct rt *rt, struct work *w) { list_append(&rt->due, &w->link); }

uint64_t rt_turn(struct rt *rt)
{
    do {
        for (struct link *l; (l = list_pop(&rt->due));) {
            struct work *w = CONTAINER(l, struct work, link);
            w->fn(w);
        }
        timers_run(&rt->timers, rt->now_us);
    } while (!list_empty(&rt->due));
    return timers_next_us(&rt->timers);
}

uint64_t rt_random(struct rt *rt) /* xorshift128+ */
{
    uint64_t a = rt->random_state[0], b = rt->random_state[1];
    rt->random_state[0] = b;
    a ^= a << 23;
    rt->random_state[1] = a ^ b ^ a >> 17 ^ b >> 26;
    return rt->random_state[1] + b;
}

void rt_tap_add(struct rt *rt, struct tap *t)
{
    t->next = rt->taps;
    rt->taps = t;
}
void rt_tap_remove(struct rt *rt, struct tap *t)
{
    for (struct tap **p = &rt->taps; *p; p = &(*p)->next)
        if (*p == t) {
            *p = t->next;
            return;
        }
}
void rt_tap(struct rt *rt, const struct tap_event *e)
{
    for (struct tap *t = rt->taps; t; t = t->next)
        t->fn(t->ctx, e);
}

static size_t frame_class(size_t octets) { return (octets + FRAME_GRAIN - 1) / FRAME_GRAIN; }

void *frame_new(struct rt *rt, size_t octets)
{
    struct frames *f = &rt->frames;
    size_t c = frame_class(octets), n = c * FRAME_GRAIN;
    if (c > FRAME_CLASSES)
        return NULL;
    void *p = f->free[c];
    if (p) {
        memcpy(&f->free[c], p, sizeof(void *));
        memset(p, 0, sizeof(void *));
    } else if (n <= f->cap - f->fresh) {
        p = f->base + f->fresh;
        f->fresh += n;
    } else {
        return NULL;
    }
    f->in_use += n;
    return p;
}

void frame_drop(struct rt *rt, void *p, size_t octets)
{
    frame_drop_used(rt, p, octets, frame_class(octets) * FRAME_GRAIN);
}

void frame_drop_used(struct rt *rt, void *p, size_t octets, size_t used)
{
    struct frames *f = &rt->frames;
    size_t c = frame_class(octets);
    secret_wipe(p, used);
    memcpy(p, &f->free[c], sizeof(void *));
    f->free[c] = p;
    f->in_use -= c * FRAME_GRAIN;
}
