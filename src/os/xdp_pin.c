/* SPDX-License-Identifier: Apache-2.0 */
#include "os/xdp_pin.h"
#include "os/file.h"
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *const names[] = {"sessions", "blocks", "shared", "ue_cells", "ue_others", "counters", "ports", "out"};
static const char CONFIG[] = "config", LINK[] = "link_";

/* ---- folders ---- */
/* A folder, not by a symbolic link, in which nobody else can make, rename or remove what is ours. sticky: others may
 * make what is theirs. */
static int folder_open(const char *path, bool sticky)
{
    struct stat s;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP || errno == ENOTDIR ? ERR_DENIED : err_from_errno(errno);
    if (fstat(fd, &s) == 0 && (s.st_uid == geteuid() || (sticky && s.st_uid == 0)) &&
        (!(s.st_mode & 022) || (sticky && s.st_mode & S_ISVTX)))
        return fd;
    close(fd);
    return ERR_DENIED;
}
static bool is_bpffs(int fd)
{
    struct statfs s;
    return fstatfs(fd, &s) == 0 && s.f_type == BPF_FS_MAGIC;
}
static bool is_empty(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    bool empty = d != NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        empty &= !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
    if (d)
        closedir(d);
    return empty;
}

int xdp_mount(const char *pin)
{
    char parent[PIN_PATH];
    if (!str_copy(parent, sizeof parent, str_of(pin)) || !strrchr(parent, '/'))
        return ERR_CONFIG;
    *strrchr(parent, '/') = 0;
    int rc = dir_make(parent);
    int fd = rc < 0 ? rc : folder_open(parent, true);
    if (fd < 0)
        return fd;
    rc = OK;
    if (!is_bpffs(fd)) {
        if (!is_empty(fd))
            rc = ERR_EXISTS;
        else if (mount("bpf", parent, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
            rc = err_from_errno(errno);
    }
    close(fd);
    return rc;
}

int pin_folder(const char *pin)
{
    if (mkdir(pin, 0700) < 0 && errno != EEXIST)
        return err_from_errno(errno);
    int fd = folder_open(pin, false);
    if (fd < 0)
        return fd;
    bool good = is_bpffs(fd);
    close(fd);
    return good ? OK : ERR_DENIED;
}

/* ---- names ---- */
static bool pin_path(char out[PIN_PATH], const char *pin, const char *name)
{
    return snprintf(out, PIN_PATH, "%s/%s", pin, name) < PIN_PATH;
}
bool pin_link(char path[PIN_PATH], const char *pin, uint32_t ifindex)
{
    return snprintf(path, PIN_PATH, "%s/%s%u", pin, LINK, ifindex) < PIN_PATH;
}

static bool link_named(const char *name, uint32_t *ifindex)
{
    char *end;
    if (strncmp(name, LINK, sizeof LINK - 1) || name[sizeof LINK - 1] < '0' || name[sizeof LINK - 1] > '9')
        return false;
    *ifindex = (uint32_t)strtoul(name + sizeof LINK - 1, &end, 10);
    return !*end;
}
static bool map_named(const char *name)
{
    bool ours = !strcmp(name, CONFIG);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ours |= !strcmp(name, names[i]);
    return ours;
}

/* Removes links that are not wanted (NULL: all), and the maps. */
static void remove_names(const char *pin, bool maps, bool (*wanted)(void *ctx, uint32_t ifindex), void *ctx)
{
    uint32_t ifindex;
    int fd = folder_open(pin, false);
    DIR *d = fd >= 0 && is_bpffs(fd) ? fdopendir(fd) : NULL;
    if (fd >= 0 && !d)
        close(fd);
    for (struct dirent *e; d && (e = readdir(d));) {
        bool link = link_named(e->d_name, &ifindex); /* its interface is free then */
        if (link ? !wanted || !wanted(ctx, ifindex) : maps && map_named(e->d_name))
            unlinkat(fd, e->d_name, 0);
    }
    if (d)
        closedir(d);
}
void pin_clear(const char *pin) { remove_names(pin, true, NULL, NULL); }
void pin_links_keep(const char *pin, bool (*wanted)(void *ctx, uint32_t ifindex), void *ctx)
{
    remove_names(pin, false, wanted, ctx);
}
void xdp_unpin(const char *pin)
{
    pin_clear(pin);
    rmdir(pin);
}

/* ---- maps ---- */
static bool info_of(int fd, struct bpf_map_info *to)
{
    uint32_t n = sizeof *to;
    *to = (struct bpf_map_info){0};
    return !bpf_obj_get_info_by_fd(fd, to, &n);
}
static bool same_shape(int fd, const struct bpf_map *m)
{
    struct bpf_map_info i;
    return m && info_of(fd, &i) && i.type == bpf_map__type(m) && i.key_size == bpf_map__key_size(m) &&
           i.value_size == bpf_map__value_size(m) && i.max_entries == bpf_map__max_entries(m) &&
           !((i.map_flags ^ bpf_map__map_flags(m)) & BPF_F_MMAPABLE);
}

static bool same_config(const char *pin, const struct xdp_config *c)
{
    char path[PIN_PATH];
    struct bpf_map_info i;
    struct xdp_config was;
    uint32_t k = 0;
    int fd = pin_path(path, pin, CONFIG) ? bpf_obj_get(path) : -1;
    bool same = fd >= 0 && info_of(fd, &i) && i.type == BPF_MAP_TYPE_ARRAY && i.key_size == sizeof k &&
                i.value_size == sizeof was && !bpf_map_lookup_elem(fd, &k, &was) && !memcmp(&was, c, sizeof was);
    if (fd >= 0)
        close(fd);
    return same;
}

bool pin_take_over(struct bpf_object *o, const char *pin, const struct xdp_config *c)
{
    char path[PIN_PATH];
    int fd[ARRAY_LEN(names)];
    bool same = same_config(pin, c);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        fd[i] = same && pin_path(path, pin, names[i]) ? bpf_obj_get(path) : -1;
        same &= fd[i] >= 0 && same_shape(fd[i], bpf_object__find_map_by_name(o, names[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) { /* all or none */
        same = same && !bpf_map__reuse_fd(bpf_object__find_map_by_name(o, names[i]), fd[i]);
        if (fd[i] >= 0)
            close(fd[i]);
    }
    return same;
}

int pin_all(struct bpf_object *o, const char *pin)
{
    char path[PIN_PATH];
    struct bpf_map *m;
    bool ok = true;
    for (size_t i = 0; ok && i < ARRAY_LEN(names); i++)
        ok = pin_path(path, pin, names[i]) && !bpf_obj_pin(bpf_map__fd(bpf_object__find_map_by_name(o, names[i])), path);
    bpf_object__for_each_map(m, o) /* last: where it is, all are */
        if (ok && strstr(bpf_map__name(m), ".rodata") && bpf_map__value_size(m) == sizeof(struct xdp_config))
            ok = pin_path(path, pin, CONFIG) && !bpf_obj_pin(bpf_map__fd(m), path);
    return ok ? OK : ERR_IO;
}
