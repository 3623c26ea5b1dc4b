/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int err_from_errno(int e)
{
    switch (e) {
    case 0: return OK;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESRCH:
    case EADDRNOTAVAIL: return ERR_NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS: return ERR_DENIED;
    case EEXIST:
    case EADDRINUSE: return ERR_EXISTS;
    case ENOMEM:
    case ENOSPC:
    case EDQUOT: return ERR_NOSPACE;
    case EAGAIN:
    case ENOBUFS:
    case EMFILE:
    case ENFILE: return ERR_FULL;
    case EMSGSIZE: return ERR_RANGE;
    case ETIMEDOUT: return ERR_TIMEOUT;
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case ESOCKTNOSUPPORT:
    case ENOSYS: return ERR_UNSUPPORTED;
    default: return ERR_IO;
    }
}

static int read_all(int fd, uint8_t *p, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        ssize_t k = read(fd, p + *got, n - *got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return err_from_errno(errno);
        if (k == 0)
            break;
        *got += (size_t)k;
    }
    return OK;
}

int file_read(const char *path, uint32_t max, struct arena *a, struct bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_from_errno(errno) : file_read_fd(fd, max, a, out);
}

int file_read_fd(int fd, uint32_t max, struct arena *a, struct bytes *out)
{
    struct stat st;
    size_t want = max, got = 0;
    /* Files of /proc say 0: they are read up to the bound. */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        want = (uint64_t)st.st_size;
    int rc = want > max ? ERR_RANGE : OK;
    uint8_t *p = rc == OK ? arena_take(a, want + 1) : NULL;
    if (rc == OK && !p)
        rc = ERR_NOSPACE;
    if (rc == OK)
        rc = read_all(fd, p, want + 1 > max ? max : want + 1, &got);
    uint8_t more;
    if (rc == OK && got == max && read(fd, &more, 1) == 1)
        rc = ERR_RANGE;
    if (rc == OK && got > want) /* it grew under our eyes */
        rc = ERR_IO;
    close(fd);
    if (rc != OK)
        return rc;
    p[got] = 0;
    *out = (struct bytes){p, (uint32_t)got};
    return OK;
}

static int sync_parent(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof dir)
        return ERR_RANGE;
    memcpy(dir, path, n);
    dir[n] = 0;
    int fd = open(!slash ? "." : n == 0 ? "/" : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    int rc = fsync(fd) < 0 ? err_from_errno(errno) : OK;
    close(fd);
    return rc;
}

int file_put(int fd, struct bytes b)
{
    for (size_t at = 0; at < b.n;) {
        ssize_t k = write(fd, b.p + at, b.n - at);
        if (k < 0 && errno != EINTR)
            return err_from_errno(errno);
        at += k > 0 ? (size_t)k : 0;
    }
    return OK;
}
int file_write(const char *path, struct bytes b, unsigned mode)
{
    char tmp[PATH_MAX];
    int n = snprintf(tmp, sizeof tmp, "%s.new.%d", path, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof tmp)
        return ERR_RANGE;
    unlink(tmp); /* of an earlier process with our number */
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_from_errno(errno);
    int rc = fchmod(fd, mode) < 0 ? err_from_errno(errno) : OK;
    if (rc == OK)
        rc = file_put(fd, b);
    if (rc == OK && fsync(fd) < 0)
        rc = err_from_errno(errno);
    if (close(fd) < 0 && rc == OK)
        rc = err_from_errno(errno);
    if (rc == OK && rename(tmp, path) < 0)
        rc = err_from_errno(errno);
    if (rc != OK) {
        unlink(tmp);
        return rc;
    }
    return sync_parent(path);
}

int dir_make(const char *path)
{
    char p[PATH_MAX];
    if (!str_copy(p, sizeof p, str_of(path)) || !p[0])
        return ERR_RANGE;
    for (char *s = p + 1;; s++) {
        if (*s != '/' && *s != 0)
            continue;
        char was = *s;
        *s = 0;
        if (mkdir(p, 0700) < 0 && errno != EEXIST)
            return err_from_errno(errno);
        *s = was;
        if (!was)
            break;
    }
    struct stat st;
    if (stat(p, &st) < 0)
        return err_from_errno(errno);
    return S_ISDIR(st.st_mode) ? OK : ERR_EXISTS;
}
