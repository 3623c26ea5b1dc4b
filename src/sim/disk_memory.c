/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/disk_memory.h"
#include <stdlib.h>

enum { FILES = 64, SECTOR = 512 };
struct content {
    uint8_t *p;
    uint64_t n, cap;
    bool exists;
};
struct file {
    char name[DISK_NAME + 1];
    struct content now, durable;
};
struct disk_memory {
    struct disk disk;
    struct file file[FILES];
    uint32_t n;
    uint64_t seed, writes, dies_in;
    uint32_t fails;
    int error;
    bool is_dead;
};
static struct disk_memory *of(const struct disk *d) { return (struct disk_memory *)(uintptr_t)d; }

static uint64_t draw(struct disk_memory *m, uint64_t below)
{
    m->seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = m->seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return below ? (z ^ z >> 31) % below : 0;
}

static bool resize(struct content *c, uint64_t n)
{
    if (n > c->cap) {
        uint64_t cap = n + n / 2 + 256;
        uint8_t *p = realloc(c->p, cap);
        if (!p)
            return false;
        c->p = p;
        c->cap = cap;
    }
    if (n > c->n)
        memset(c->p + c->n, 0, n - c->n);
    c->n = n;
    c->exists = true;
    return true;
}
static bool set(struct content *c, const void *p, uint64_t n)
{
    if (!resize(c, n))
        return false;
    if (n)
        memcpy(c->p, p, n);
    return true;
}

static struct file *find(struct disk_memory *m, const char *name, bool make)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (strcmp(m->file[i].name, name) == 0)
            return &m->file[i];
    if (!make || m->n == FILES)
        return NULL;
    struct file *f = &m->file[m->n++];
    str_copy(f->name, sizeof f->name, str_of(name));
    return f;
}

/* What becomes of an operation: OK it happens; otherwise the error, and *part: some of it happens. */
static int fate(struct disk_memory *m, bool *part)
{
    *part = false;
    if (m->is_dead)
        return ERR_IO;
    m->writes++;
    if (m->dies_in && --m->dies_in == 0) {
        m->is_dead = *part = true;
        return ERR_IO;
    }
    if (m->fails) {
        m->fails--;
        *part = true;
        return m->error;
    }
    return OK;
}

static int64_t memory_size(struct disk *d, const char *name)
{
    const struct file *f = find(of(d), name, false);
    return of(d)->is_dead ? ERR_IO : f && f->now.exists ? (int64_t)f->now.n : ERR_NOTFOUND;
}

static int memory_read(struct disk *d, const char *name, uint64_t at, void *out, uint32_t n)
{
    const struct file *f = find(of(d), name, false);
    if (of(d)->is_dead)
        return ERR_IO;
    if (!f || !f->now.exists)
        return ERR_NOTFOUND;
    if (at > f->now.n || n > f->now.n - at)
        return ERR_SHORT;
    if (n)
        memcpy(out, f->now.p + at, n);
    return OK;
}

static int memory_append(struct disk *d, const char *name, struct bytes b)
{
    bool part;
    int e = fate(of(d), &part);
    struct file *f = e == OK || part ? find(of(d), name, true) : NULL;
    uint64_t take = part ? draw(of(d), b.n + 1u) : b.n, from = f ? f->now.n : 0;
    if (!f)
        return e < 0 ? e : ERR_NOSPACE;
    if (!resize(&f->now, from + take))
        return ERR_NOSPACE;
    if (take)
        memcpy(f->now.p + from, b.p, take);
    return e;
}

static int memory_truncate(struct disk *d, const char *name, uint64_t size)
{
    bool part;
    int e = fate(of(d), &part);
    struct file *f = find(of(d), name, false);
    if (!f || !f->now.exists)
        return e < 0 ? e : ERR_NOTFOUND;
    if (e == OK || (part && draw(of(d), 2)))
        resize(&f->now, size);
    return e;
}

static int memory_sync(struct disk *d, const char *name)
{
    bool part;
    int e = fate(of(d), &part);
    struct file *f = find(of(d), name, false);
    if (!f || !f->now.exists)
        return e < 0 ? e : ERR_NOTFOUND;
    if ((e == OK || (part && draw(of(d), 2))) && !set(&f->durable, f->now.p, f->now.n))
        return ERR_NOSPACE;
    return e;
}

static int memory_replace(struct disk *d, const char *name, struct bytes b)
{
    bool part;
    int e = fate(of(d), &part);
    bool done = e == OK || (part && draw(of(d), 2));
    struct file *f = done ? find(of(d), name, true) : NULL;
    if (done && (!f || !set(&f->now, b.p, b.n) || !set(&f->durable, b.p, b.n)))
        return ERR_NOSPACE;
    return e;
}

static const struct disk_ops memory_ops = {memory_size,     memory_read, memory_append,
                                           memory_truncate, memory_sync, memory_replace};

struct disk *disk_memory_new(uint64_t seed)
{
    struct disk_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->disk.ops = &memory_ops;
    m->seed = seed;
    return &m->disk;
}

void disk_memory_free(struct disk *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; i < of(d)->n; i++) {
        free(of(d)->file[i].now.p);
        free(of(d)->file[i].durable.p);
    }
    free(of(d));
}

uint64_t disk_memory_writes(const struct disk *d) { return of(d)->writes; }
void disk_memory_die(struct disk *d, uint64_t n) { of(d)->dies_in = n; }
void disk_memory_fail(struct disk *d, uint32_t n, int error)
{
    of(d)->fails = n;
    of(d)->error = error;
}

/* A file that was not synced keeps, beyond what was, any number of its octets, some sectors of which never arrived; or
 * its old size. */
static void crash_file(struct disk_memory *m, struct file *f)
{
    struct content *now = &f->now, *was = &f->durable;
    uint64_t same = now->n < was->n ? now->n : was->n;
    if (!now->exists || (was->exists && now->n == was->n && (!same || memcmp(now->p, was->p, same) == 0)))
        return;
    if (draw(m, 4) == 0) { /* nothing of it happened */
        if (was->exists)
            set(now, was->p, was->n);
        else
            now->exists = false, now->n = 0;
        return;
    }
    if (now->n <= was->n)
        return;
    uint64_t keep = was->n + draw(m, now->n - was->n + 1);
    resize(now, keep);
    for (uint64_t at = was->n; at < keep; at = (at / SECTOR + 1) * SECTOR) {
        uint64_t end = (at / SECTOR + 1) * SECTOR;
        if (draw(m, 4) == 0)
            memset(now->p + at, 0, (end < keep ? end : keep) - at);
    }
}

void disk_memory_crash(struct disk *d)
{
    struct disk_memory *m = of(d);
    for (uint32_t i = 0; i < m->n; i++) {
        struct file *f = &m->file[i];
        crash_file(m, f);
        if (f->now.exists)
            set(&f->durable, f->now.p, f->now.n);
        else
            f->durable.exists = false, f->durable.n = 0;
    }
    m->is_dead = false;
    m->dies_in = m->fails = 0;
}

uint8_t *disk_memory_octets(struct disk *d, const char *name, uint32_t *n)
{
    struct file *f = find(of(d), name, false);
    *n = f && f->now.exists ? (uint32_t)f->now.n : 0;
    return f && f->now.exists ? f->now.p : NULL;
}

struct disk *disk_memory_copy(const struct disk *d)
{
    struct disk *copy = disk_memory_new(of(d)->seed);
    for (uint32_t i = 0; copy && i < of(d)->n; i++) {
        const struct file *f = &of(d)->file[i];
        struct file *g = f->now.exists ? find(of(copy), f->name, true) : NULL;
        if (g && (!set(&g->now, f->now.p, f->now.n) || !set(&g->durable, f->now.p, f->now.n))) {
            disk_memory_free(copy);
            return NULL;
        }
    }
    return copy;
}
