/* SPDX-License-Identifier: Apache-2.0 */
#include "os/xdp.h"
#include "base/err.h"
#include "os/file.h"
#include "os/bench_bpf.h" /* the programs, compiled */
#include "os/upf_bpf.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <linux/magic.h>
#include <linux/rtnetlink.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { LINKS = 32 };
struct area {
    void *p;
    size_t n;
};
struct xdp {
    struct bpf_object *object;
    struct offload_maps maps;
    struct xdp_config config;
    int program, ports, out, others, clock;
    struct area areas[5];
    unsigned areas_n, links_n;
    bool has_native, took_over;
    char pin[128]; /* empty: none */
    int link[LINKS]; /* closing one takes the program off its interface */
};

static int refused(char *why, int rc, const char *what, const char *name)
{
    if (why)
        snprintf(why, XDP_WHY, "%s %s: %s", what, name, err_text(rc));
    return rc;
}

static int error_of(int negative_errno)
{
    switch (-negative_errno) {
    case EPERM:
    case EACCES: return ERR_DENIED;
    case EOPNOTSUPP:
    case EINVAL:
    case ENOSYS: return ERR_UNSUPPORTED;
    case EBUSY:
    case EEXIST: return ERR_EXISTS;
    default: return err_from_errno(-negative_errno);
    }
}

/* ---- loading ---- */
static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
    return 0; /* errors come back as errors */
}

static struct bpf_map *map_of(struct xdp *x, const char *name)
{
    return bpf_object__find_map_by_name(x->object, name);
}

static int size(struct xdp *x, const char *name, uint32_t value, uint32_t entries)
{
    struct bpf_map *m = map_of(x, name);
    if (!m || (value && bpf_map__set_value_size(m, value)) || bpf_map__set_max_entries(m, entries))
        return ERR_UNSUPPORTED;
    return OK;
}

static int sizes(struct xdp *x, const struct xdp_options *o)
{
    uint32_t cells, cpus = (uint32_t)libbpf_num_possible_cpus(), others = o->dp->sessions_max;
    offload_config(o->dp, cpus, o->routed, &x->config, &cells);
    x->config.test_clock = o->test_clock;
    x->config.blocks_max = o->blocks_max;
    x->maps = (struct offload_maps){.cpus = cpus, .blocks_max = o->blocks_max, .cells = cells};
    int rc = size(x, "sessions", offload_session_octets(cpus), o->dp->sessions_max);
    rc = rc < 0 ? rc
                : size(x, "blocks", offload_block_octets(cpus), o->blocks_max ? o->blocks_max : 1);
    rc = rc < 0 ? rc : size(x, "ue_cells", 0, cells / XDP_UE_CELLS + 1);
    rc = rc < 0 ? rc : size(x, "ue_others", 0, others > UINT32_MAX / 2 ? others : others * 2);
    rc = rc < 0 ? rc : size(x, "counters", XDP_COUNTERS * sizeof(uint64_t), cpus);
    struct bpf_map *m;
    size_t n = 0;
    bool set = false;
    bpf_object__for_each_map(m, x->object) if (strstr(bpf_map__name(m), ".rodata"))
    {
        void *data = (void *)(uintptr_t)bpf_map__initial_value(m, &n);
        if (!data || n != sizeof x->config)
            continue;
        memcpy(data, &x->config, n);
        set = true;
    }
    return set ? rc : ERR_UNSUPPORTED;
}

/* ---- what outlives the process ---- */
static const char *const pinned[] = {"sessions", "blocks", "shared", "ue_cells", "ue_others", "counters", "ports", "out"};

static bool pin_path(char out[192], const char *pin, const char *name)
{
    return snprintf(out, 192, "%s/%s", pin, name) < 192;
}
void xdp_unpin(const char *pin)
{
    DIR *d = opendir(pin);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[192 + 256];
        snprintf(path, sizeof path, "%s/%.255s", pin, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path); /* a link's interface is free then */
    }
    if (d)
        closedir(d);
    rmdir(pin);
}

int xdp_mount(const char *pin)
{
    struct statfs s;
    char parent[128];
    if (!str_copy(parent, sizeof parent, str_of(pin)) || !strrchr(parent, '/'))
        return ERR_CONFIG;
    *strrchr(parent, '/') = 0;
    int rc = dir_make(parent);
    if (rc < 0)
        return rc;
    if (statfs(parent, &s) < 0)
        return err_from_errno(errno);
    if (s.f_type != BPF_FS_MAGIC && mount("bpf", parent, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
        return err_from_errno(errno);
    return OK;
}

/* Whether an earlier process with our configuration left all its maps: they are ours then. */
static bool take_over(struct xdp *x)
{
    char path[192];
    struct xdp_config was;
    uint32_t k = 0;
    bool same = pin_path(path, x->pin, "config");
    int fd = same ? bpf_obj_get(path) : -1;
    same = fd >= 0 && !bpf_map_lookup_elem(fd, &k, &was) && !memcmp(&was, &x->config, sizeof was);
    if (fd >= 0)
        close(fd);
    for (size_t i = 0; same && i < ARRAY_LEN(pinned); i++) {
        fd = pin_path(path, x->pin, pinned[i]) ? bpf_obj_get(path) : -1;
        same = fd >= 0 && !bpf_map__reuse_fd(map_of(x, pinned[i]), fd);
        if (fd >= 0)
            close(fd);
    }
    return same;
}

static int pin_all(struct xdp *x)
{
    char path[192];
    struct bpf_map *m;
    bool ok = !mkdir(x->pin, 0700) || errno == EEXIST;
    for (size_t i = 0; ok && i < ARRAY_LEN(pinned); i++)
        ok = pin_path(path, x->pin, pinned[i]) && !bpf_obj_pin(bpf_map__fd(map_of(x, pinned[i])), path);
    bpf_object__for_each_map(m, x->object)
    {
        if (ok && strstr(bpf_map__name(m), ".rodata") && bpf_map__value_size(m) == sizeof x->config)
            ok = pin_path(path, x->pin, "config") && !bpf_obj_pin(bpf_map__fd(m), path);
    }
    return ok ? OK : ERR_IO;
}

static void *shared(struct xdp *x, const char *name)
{
    struct bpf_map *m = map_of(x, name);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t n = (size_t)((bpf_map__value_size(m) + 7) & ~7u) * bpf_map__max_entries(m);
    n = (n + page - 1) / page * page;
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(m), 0);
    if (p == MAP_FAILED)
        return NULL;
    x->areas[x->areas_n++] = (struct area){p, n};
    return p;
}

static int ue_other(void *ctx, const struct xdp_ue_key *key, uint32_t value)
{
    struct xdp *x = ctx;
    if (!value)
        return bpf_map_delete_elem(x->others, key) ? ERR_NOTFOUND : OK;
    return bpf_map_update_elem(x->others, key, &value, BPF_ANY) ? ERR_NOSPACE : OK;
}

int xdp_open(struct xdp **out, const struct xdp_options *o, char *why)
{
    struct xdp *x = calloc(1, sizeof *x);
    if (!x)
        return refused(why, ERR_NOSPACE, "memory of", "the XDP data path");
    LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "redoubt_upf");
    libbpf_set_print(quiet);
    x->object = o->bench ? bpf_object__open_mem(bench_bpf, sizeof bench_bpf, &opts)
                         : bpf_object__open_mem(upf_bpf, sizeof upf_bpf, &opts);
    int rc = x->object ? sizes(x, o) : error_of(-errno);
    if (rc < 0) {
        xdp_close(x);
        return refused(why, rc, "the XDP program", "was not understood");
    }
    if (o->pin && str_copy(x->pin, sizeof x->pin, str_of(o->pin))) {
        x->took_over = take_over(x);
        if (!x->took_over)
            xdp_unpin(x->pin);
    }
    rc = bpf_object__load(x->object);
    if (rc == 0 && x->pin[0] && !x->took_over)
        rc = pin_all(x) < 0 ? -EIO : 0;
    if (rc < 0) {
        rc = error_of(rc);
        xdp_close(x);
        return refused(why, rc, "the XDP program", "was refused by the kernel");
    }
    x->program = bpf_program__fd(bpf_object__find_program_by_name(x->object, "upf_xdp"));
    x->ports = bpf_map__fd(map_of(x, "ports"));
    x->out = bpf_map__fd(map_of(x, "out"));
    x->others = bpf_map__fd(map_of(x, "ue_others"));
    x->clock = bpf_map__fd(map_of(x, "test_clock"));
    x->maps.sessions = shared(x, "sessions");
    x->maps.blocks = shared(x, "blocks");
    x->maps.shared = shared(x, "shared");
    x->maps.ue_cells = shared(x, "ue_cells");
    x->maps.counters = shared(x, "counters");
    x->maps.ue_other = ue_other;
    x->maps.ctx = x;
    if (!x->maps.sessions || !x->maps.shared || !x->maps.blocks || !x->maps.ue_cells || !x->maps.counters) {
        xdp_close(x);
        return refused(why, ERR_NOSPACE, "the maps of", "the XDP data path");
    }
    *out = x;
    return OK;
}

void xdp_close(struct xdp *x)
{
    if (!x)
        return;
    for (unsigned i = 0; i < x->links_n; i++)
        close(x->link[i]);
    for (unsigned i = 0; i < x->areas_n; i++)
        munmap(x->areas[i].p, x->areas[i].n);
    bpf_object__close(x->object);
    if (x->pin[0])
        xdp_unpin(x->pin);
    free(x);
}
bool xdp_took_over(const struct xdp *x)
{
    return x->took_over;
}

const struct offload_maps *xdp_maps(const struct xdp *x)
{
    return &x->maps;
}
const struct xdp_config *xdp_configured(const struct xdp *x)
{
    return &x->config;
}
int xdp_program(const struct xdp *x)
{
    return x->program;
}
int xdp_named_program(const struct xdp *x, const char *name)
{
    struct bpf_program *p = bpf_object__find_program_by_name(x->object, name);
    return p ? bpf_program__fd(p) : ERR_NOTFOUND;
}
int xdp_named_map(const struct xdp *x, const char *name)
{
    return bpf_object__find_map_fd_by_name(x->object, name);
}
void xdp_clock(struct xdp *x, uint64_t ns)
{
    uint32_t k = 0;
    bpf_map_update_elem(x->clock, &k, &ns, BPF_ANY);
}

/* ---- interfaces ---- */
/* Whether there are but the rules local, main and default for IPv4. */
static bool routes_are_plain(void)
{
    struct {
        struct nlmsghdr h;
        struct rtmsg r;
    } ask = {.h = {.nlmsg_len = sizeof ask, .nlmsg_type = RTM_GETRULE, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
             .r = {.rtm_family = AF_INET}};
    union {
        struct nlmsghdr h;
        uint8_t octets[16384];
    } in;
    unsigned rules = 0;
    bool done = false;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || send(fd, &ask, sizeof ask, 0) < 0)
        rules = 99;
    while (rules < 99 && !done) {
        ssize_t n = recv(fd, &in, sizeof in, 0);
        unsigned left = n > 0 ? (unsigned)n : 0;
        done = n <= 0;
        for (struct nlmsghdr *h = &in.h; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            rules += h->nlmsg_type == RTM_NEWRULE;
            done |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
        }
    }
    if (fd >= 0)
        close(fd);
    return rules == 3;
}

static int mac_of(const char *ifname, uint8_t mac[6])
{
    struct ifreq r = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !str_copy(r.ifr_name, sizeof r.ifr_name, str_of(ifname)))
        return ERR_IO;
    int rc = ioctl(fd, SIOCGIFHWADDR, &r) < 0 ? ERR_NOTFOUND : OK;
    close(fd);
    if (rc == OK && r.ifr_hwaddr.sa_family != 1) /* Ethernet */
        rc = ERR_UNSUPPORTED;
    memcpy(mac, r.ifr_hwaddr.sa_data, 6);
    return rc;
}

int xdp_attach(struct xdp *x, struct xdp_link *l, char *why)
{
    uint32_t ifindex = if_nametoindex(l->ifname);
    struct xdp_port port = {.instances = l->instances, .is_on = 1};
    if (!ifindex || x->links_n == LINKS)
        return refused(why, ERR_NOTFOUND, "interface", l->ifname);
    int rc = ifindex >= XDP_IFINDEX_MAX ? ERR_RANGE : mac_of(l->ifname, port.mac);
    if (rc < 0)
        return refused(why, rc, "interface", l->ifname);
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
    l->mode = XDP_NATIVE;
    char path[192], name[32];
    snprintf(name, sizeof name, "link_%u", ifindex);
    int old = x->took_over && pin_path(path, x->pin, name) ? bpf_obj_get(path) : -1;
    if (old >= 0 && !bpf_link_update(old, x->program, NULL)) { /* no packet meets neither */
        uint32_t id = 0;
        bpf_xdp_query_id((int)ifindex, XDP_FLAGS_DRV_MODE, &id);
        l->mode = id ? XDP_NATIVE : XDP_GENERIC;
        x->link[x->links_n++] = old;
        goto out;
    }
    if (old >= 0) {
        close(old);
        unlink(path);
    }
    int fd = bpf_link_create(x->program, (int)ifindex, BPF_XDP, &opts);
    for (int i = 0; i < 100 && x->pin[0] && (fd == -EBUSY || fd == -EEXIST); i++) {
        usleep(10000); /* the kernel takes an earlier process's away a little later */
        fd = bpf_link_create(x->program, (int)ifindex, BPF_XDP, &opts);
    }
    if (fd == -EOPNOTSUPP || fd == -EINVAL || fd == -ERANGE) {
        opts.flags = XDP_FLAGS_SKB_MODE;
        l->mode = XDP_GENERIC;
        fd = bpf_link_create(x->program, (int)ifindex, BPF_XDP, &opts);
    }
    if (fd < 0) {
        l->mode = XDP_OFF;
        return refused(why, error_of(fd), "XDP on interface", l->ifname);
    }
    x->link[x->links_n++] = fd;
    if (x->pin[0] && (!pin_path(path, x->pin, name) || bpf_obj_pin(fd, path)))
        return refused(why, ERR_IO, "what must outlive the process on", l->ifname);
out:
    if (bpf_map_update_elem(x->ports, &ifindex, &port, BPF_ANY))
        return refused(why, ERR_NOSPACE, "XDP on interface", l->ifname);
    x->has_native |= l->mode == XDP_NATIVE;
    x->maps.shared->plain = routes_are_plain();
    return OK;
}

/* ---- the kernel's word on a driver: generic netlink "netdev", linux/netdev.h of Linux 6.3 ---- */
enum { NETDEV_DEV_GET = 1, NETDEV_IFINDEX = 1, NETDEV_XDP_FEATURES = 3, NETDEV_NDO_XMIT = 4 };
struct genl {
    struct nlmsghdr h;
    struct genlmsghdr g;
    uint8_t attrs[4096];
};

static const struct nlattr *attr_find(const struct genl *m, uint32_t n, uint16_t type)
{
    uint32_t at = NLMSG_HDRLEN + GENL_HDRLEN;
    while (at + sizeof(struct nlattr) <= n) {
        const struct nlattr *a = (const void *)((const uint8_t *)m + at);
        if (a->nla_len < sizeof *a || at + a->nla_len > n)
            return NULL;
        if ((a->nla_type & NLA_TYPE_MASK) == type)
            return a;
        at += NLA_ALIGN(a->nla_len);
    }
    return NULL;
}

/* Sends one attribute and gives what comes back: its octets, or an error. */
static int genl_ask(int fd, uint16_t family, uint8_t command, uint16_t attr, const void *v, uint16_t n,
                    struct genl *m)
{
    *m = (struct genl){.h = {.nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1},
                       .g = {.cmd = command, .version = 1}};
    struct nlattr a = {.nla_len = (uint16_t)(sizeof a + n), .nla_type = attr};
    memcpy(m->attrs, &a, sizeof a);
    memcpy(m->attrs + sizeof a, v, n);
    m->h.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + GENL_HDRLEN + NLA_ALIGN(a.nla_len));
    if (send(fd, m, m->h.nlmsg_len, 0) < 0)
        return ERR_IO;
    ssize_t got = recv(fd, m, sizeof *m, 0);
    if (got < (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN) || m->h.nlmsg_type == NLMSG_ERROR)
        return ERR_UNSUPPORTED;
    return (int)got;
}

/* Whether it takes frames from XDP; true where the kernel is too old to tell. */
static bool device_takes(uint32_t ifindex)
{
    struct genl m;
    bool takes = true;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
    if (fd < 0)
        return true;
    int n = genl_ask(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "netdev", 7, &m);
    const struct nlattr *a = n > 0 ? attr_find(&m, (uint32_t)n, CTRL_ATTR_FAMILY_ID) : NULL;
    if (a) {
        uint16_t family;
        uint64_t features = 0;
        memcpy(&family, a + 1, sizeof family);
        n = genl_ask(fd, family, NETDEV_DEV_GET, NETDEV_IFINDEX, &ifindex, 4, &m);
        a = n > 0 ? attr_find(&m, (uint32_t)n, NETDEV_XDP_FEATURES) : NULL;
        if (a && a->nla_len >= sizeof *a + sizeof features) {
            memcpy(&features, a + 1, sizeof features);
            takes = features & NETDEV_NDO_XMIT;
        }
    }
    close(fd);
    return takes;
}

bool xdp_takes(struct xdp *x, const struct xdp_link *l)
{
    uint32_t ifindex = if_nametoindex(l->ifname);
    /* among generic ones any will do: the stack's own way out is taken */
    if (x->has_native && !device_takes(ifindex))
        return false;
    struct xdp_port port;
    if (bpf_map_lookup_elem(x->ports, &ifindex, &port))
        return false;
    port.takes = 1;
    return !bpf_map_update_elem(x->out, &ifindex, &ifindex, BPF_ANY) &&
           !bpf_map_update_elem(x->ports, &ifindex, &port, BPF_ANY);
}
