/* SPDX-License-Identifier: Apache-2.0 */
#include "os/disk.h"
#include "os/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct disk_folder {
    struct disk disk;
    int dir, lock; /* lock < 0: only reads */
    int fd;        /* of the file that was used last */
    bool has_new;  /* names that are not durable yet */
    char name[DISK_NAME + 1];
};
static struct disk_folder *of(struct disk *d) { return (struct disk_folder *)d; }

static bool name_valid(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    return n && !name[n] && n <= DISK_NAME && name[0] != '.';
}

static int file_of(struct disk_folder *f, const char *name, bool make)
{
    if (f->fd >= 0 && strcmp(f->name, name) == 0)
        return OK;
    if (!name_valid(name))
        return ERR_RANGE;
    int flags = (f->lock < 0 ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(f->dir, name, flags);
    bool is_new = fd < 0 && errno == ENOENT && make && f->lock >= 0;
    if (is_new)
        fd = openat(f->dir, name, flags | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = fd;
    f->has_new |= is_new;
    str_copy(f->name, sizeof f->name, str_of(name));
    return OK;
}

static int64_t folder_size(struct disk *d, const char *name)
{
    struct stat st;
    if (!name_valid(name))
        return ERR_RANGE;
    if (fstatat(of(d)->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_from_errno(errno);
    return S_ISREG(st.st_mode) ? st.st_size : ERR_IO;
}

static int folder_read(struct disk *d, const char *name, uint64_t at, void *out, uint32_t n)
{
    int e = file_of(of(d), name, false);
    for (uint32_t got = 0; e == OK && got < n;) {
        ssize_t k = pread(of(d)->fd, (uint8_t *)out + got, n - got, (off_t)(at + got));
        if (k < 0 && errno != EINTR)
            e = err_from_errno(errno);
        else if (k == 0)
            e = ERR_SHORT;
        got += k > 0 ? (uint32_t)k : 0;
    }
    return e;
}

static int folder_append(struct disk *d, const char *name, struct bytes b)
{
    int e = file_of(of(d), name, true);
    off_t end = e == OK ? lseek(of(d)->fd, 0, SEEK_END) : 0;
    if (end < 0)
        e = err_from_errno(errno);
    for (uint32_t put = 0; e == OK && put < b.n;) {
        ssize_t k = pwrite(of(d)->fd, b.p + put, b.n - put, end + put);
        if (k < 0 && errno != EINTR)
            e = err_from_errno(errno);
        put += k > 0 ? (uint32_t)k : 0;
    }
    return e;
}

static int folder_truncate(struct disk *d, const char *name, uint64_t size)
{
    int e = file_of(of(d), name, false);
    return e < 0 ? e : ftruncate(of(d)->fd, (off_t)size) < 0 ? err_from_errno(errno) : OK;
}

static int folder_sync(struct disk *d, const char *name)
{
    struct disk_folder *f = of(d);
    int e = file_of(f, name, false);
    if (e == OK && fdatasync(f->fd) < 0)
        e = err_from_errno(errno);
    if (e == OK && f->has_new && fsync(f->dir) < 0)
        e = err_from_errno(errno);
    f->has_new = f->has_new && e < 0;
    return e;
}

static int folder_replace(struct disk *d, const char *name, struct bytes b)
{
    struct disk_folder *f = of(d);
    char fresh[DISK_NAME + 8];
    if (!name_valid(name) || f->lock < 0)
        return f->lock < 0 ? ERR_DENIED : ERR_RANGE;
    snprintf(fresh, sizeof fresh, "%s.new", name);
    int fd = openat(f->dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    int e = file_put(fd, b);
    if (e == OK && fdatasync(fd) < 0)
        e = err_from_errno(errno);
    if (close(fd) < 0 && e == OK)
        e = err_from_errno(errno);
    if (e == OK && (renameat(f->dir, fresh, f->dir, name) < 0 || fsync(f->dir) < 0))
        e = err_from_errno(errno);
    if (f->fd >= 0 && strcmp(f->name, name) == 0) { /* another file has this name now */
        close(f->fd);
        f->fd = -1;
    }
    return e;
}

static const struct disk_ops folder_ops = {folder_size,     folder_read, folder_append,
                                           folder_truncate, folder_sync, folder_replace};

int disk_open(struct disk **out, const char *path, bool is_writer)
{
    struct disk_folder *f = calloc(1, sizeof *f);
    *out = NULL;
    if (!f)
        return ERR_NOSPACE;
    f->disk.ops = &folder_ops;
    f->fd = f->lock = -1;
    int e = is_writer ? dir_make(path) : OK;
    f->dir = e == OK ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (e == OK && f->dir < 0)
        e = err_from_errno(errno);
    if (e == OK && is_writer) {
        f->lock = openat(f->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (f->lock < 0)
            e = err_from_errno(errno);
        else if (flock(f->lock, LOCK_EX | LOCK_NB) < 0)
            e = errno == EWOULDBLOCK ? ERR_EXISTS : err_from_errno(errno);
    }
    *out = &f->disk;
    if (e < 0) {
        disk_close(&f->disk);
        *out = NULL;
    }
    return e;
}

void disk_close(struct disk *d)
{
    if (!d)
        return;
    struct disk_folder *f = of(d);
    int fds[] = {f->fd, f->lock, f->dir};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(f);
}
