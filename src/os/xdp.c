/* SPDX-License-Identifier: Apache-2.0 */
#include "os/xdp.h"
#include "base/err.h"
#include "os/bench_bpf.h" /* the programs, compiled */
#include "os/file.h"
#include "os/upf_bpf.h"
#include "os/xdp_pin.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <linux/rtnetlink.h>
#include <sys/mman.h>
#include <sys/socket.h>
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
    uint32_t ifindex[LINKS];
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
static uint32_t ue_other_at(void *ctx, const struct xdp_ue_key *key)
{
    struct xdp *x = ctx;
    uint32_t value;
    return bpf_map_lookup_elem(x->others, key, &value) ? 0 : value;
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
    if (o->pin) {
        rc = pin_folder(o->pin);
        if (rc < 0 || !str_copy(x->pin, sizeof x->pin, str_of(o->pin))) {
            xdp_close(x);
            return refused(why, rc < 0 ? rc : ERR_RANGE, "the folder", o->pin);
        }
        x->took_over = pin_take_over(x->object, x->pin, &x->config);
        if (!x->took_over)
            pin_clear(x->pin);
    }
    rc = bpf_object__load(x->object);
    if (rc == 0 && x->pin[0] && !x->took_over)
        rc = pin_all(x->object, x->pin) < 0 ? -EIO : 0;
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
    x->maps.ue_other_at = ue_other_at;
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

/* Another network namespace may have interfaces of the same numbers. */
static bool link_is_at(int link, uint32_t ifindex)
{
    struct bpf_link_info i = {0};
    uint32_t n = sizeof i, id = 0;
    return !bpf_obj_get_info_by_fd(link, &i, &n) && i.type == BPF_LINK_TYPE_XDP && i.xdp.ifindex == ifindex &&
           !bpf_xdp_query_id((int)ifindex, 0, &id) && id == i.prog_id;
}

int xdp_attach(struct xdp *x, struct xdp_link *l, char *why)
{
    uint32_t ifindex = if_nametoindex(l->ifname);
    struct xdp_port port = {.instances = l->instances, .is_on = 1}, was;
    if (!ifindex || x->links_n == LINKS)
        return refused(why, ERR_NOTFOUND, "interface", l->ifname);
    int rc = ifindex >= XDP_IFINDEX_MAX ? ERR_RANGE : mac_of(l->ifname, port.mac);
    if (rc < 0)
        return refused(why, rc, "interface", l->ifname);
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
    l->mode = XDP_NATIVE;
    char path[PIN_PATH] = "";
    bool pinned = x->pin[0] && pin_link(path, x->pin, ifindex);
    x->ifindex[x->links_n] = ifindex;
    int old = x->took_over && pinned ? bpf_obj_get(path) : -1;
    if (old >= 0 && link_is_at(old, ifindex) && !bpf_link_update(old, x->program, NULL)) { /* no packet meets neither */
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
    if (x->pin[0] && (!pinned || bpf_obj_pin(fd, path)))
        return refused(why, ERR_IO, "what must outlive the process on", l->ifname);
out:
    /* in between frames go on to leave by it, until xdp_takes() has asked anew */
    port.takes = x->took_over && !bpf_map_lookup_elem(x->ports, &ifindex, &was) && was.takes;
    if (bpf_map_update_elem(x->ports, &ifindex, &port, BPF_ANY))
        return refused(why, ERR_NOSPACE, "XDP on interface", l->ifname);
    x->has_native |= l->mode == XDP_NATIVE;
    x->maps.shared->plain = routes_are_plain();
    return OK;
}

static bool is_attached(void *ctx, uint32_t ifindex)
{
    struct xdp *x = ctx;
    for (unsigned i = 0; i < x->links_n; i++)
        if (x->ifindex[i] == ifindex)
            return true;
    bpf_map_delete_elem(x->out, &ifindex);
    bpf_map_update_elem(x->ports, &ifindex, &(struct xdp_port){0}, BPF_ANY);
    return false;
}
void xdp_attached(struct xdp *x)
{
    if (x->took_over)
        pin_links_keep(x->pin, is_attached, x);
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
    struct xdp_port port;
    if (bpf_map_lookup_elem(x->ports, &ifindex, &port))
        return false;
    /* among generic ones any will do: the stack's own way out is taken */
    port.takes = !x->has_native || device_takes(ifindex);
    if (!port.takes) {
        bpf_map_update_elem(x->ports, &ifindex, &port, BPF_ANY);
        return false;
    }
    return !bpf_map_update_elem(x->out, &ifindex, &ifindex, BPF_ANY) &&
           !bpf_map_update_elem(x->ports, &ifindex, &port, BPF_ANY);
}
