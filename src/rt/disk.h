/* SPDX-License-Identifier: Apache-2.0 */
/* disk.h - one folder of files that only grow, or are replaced as a whole. os/disk.h is a real one; sim/disk_memory.h
 * one that tears writes. Names are at most DISK_NAME octets of letters, digits, '.', '-' and '_'. Errors: ERR_NOTFOUND,
 * ERR_DENIED, ERR_NOSPACE, ERR_SHORT (read: the file ends before), ERR_IO. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { DISK_NAME = 63 };
struct disk;
struct disk_ops {
    int64_t (*size)(struct disk *, const char *name); /* octets */
    int (*read)(struct disk *, const char *name, uint64_t at, void *out, uint32_t n); /* all n or an error */
    /* Makes the file when it is not there. Some of it may have been written when it fails. */
    int (*append)(struct disk *, const char *name, struct bytes);
    int (*truncate)(struct disk *, const char *name, uint64_t size);
    int (*sync)(struct disk *, const char *name); /* the file, its size and its name are durable */
    int (*replace)(struct disk *, const char *name, struct bytes); /* durable; after a crash the old or the new file */
};
struct disk { /* first member of every implementation */
    const struct disk_ops *ops;
};
static inline int64_t disk_size(struct disk *d, const char *name) { return d->ops->size(d, name); }
static inline int disk_read(struct disk *d, const char *name, uint64_t at, void *out, uint32_t n)
{
    return d->ops->read(d, name, at, out, n);
}
static inline int disk_append(struct disk *d, const char *name, struct bytes b) { return d->ops->append(d, name, b); }
static inline int disk_truncate(struct disk *d, const char *name, uint64_t n) { return d->ops->truncate(d, name, n); }
static inline int disk_sync(struct disk *d, const char *name) { return d->ops->sync(d, name); }
static inline int disk_replace(struct disk *d, const char *name, struct bytes b) { return d->ops->replace(d, name, b); }
