/* SPDX-License-Identifier: Apache-2.0 */
#include "os/netns.h"
#include "os/file.h"
#include "os/netlink.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NETNS_DIR "/run/netns"

static int netns_path(char out[PATH_MAX], const char *name)
{
    if (!name || !name[0] || strchr(name, '/') || name[0] == '.' || strlen(name) > NAME_MAX)
        return ERR_CONFIG;
    snprintf(out, PATH_MAX, NETNS_DIR "/%s", name);
    return OK;
}

int netns_open(const char *name)
{
    char path[PATH_MAX];
    int rc = netns_path(path, name), fd = -1;
    if (rc == OK && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        rc = err_from_errno(errno);
    return rc < 0 ? rc : fd;
}

bool netns_exists(const char *name)
{
    char path[PATH_MAX];
    return netns_path(path, name) == OK && access(path, F_OK) == 0;
}

int netns_run(const char *name, int (*fn)(void *ctx), void *ctx)
{
    if (!name)
        return fn(ctx);
    int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), there = netns_open(name);
    if (here < 0 || there < 0) {
        int rc = there < 0 ? there : err_from_errno(errno);
        if (here >= 0)
            close(here);
        if (there >= 0)
            close(there);
        return rc;
    }
    int rc = setns(there, CLONE_NEWNET) < 0 ? err_from_errno(errno) : OK;
    if (rc == OK) {
        rc = fn(ctx);
        /* A thread left in another network would send what it has to the wrong place: better no
         * thread. */
        if (setns(here, CLONE_NEWNET) < 0)
            abort();
    }
    close(here);
    close(there);
    return rc;
}

/* As iproute2 does: shared, so that unmounting in one mount namespace is seen in the others. */
static int netns_dir(void)
{
    if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
        return err_from_errno(errno);
    if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
        return OK;
    if (errno != EINVAL || mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) < 0 ||
        mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) < 0)
        return err_from_errno(errno);
    return OK;
}

int netns_create(const char *name)
{
    char path[PATH_MAX];
    int rc = netns_path(path, name);
    if (rc == OK)
        rc = netns_dir();
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    close(fd);
    int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (here < 0 || unshare(CLONE_NEWNET) < 0) {
        rc = err_from_errno(errno);
    } else {
        if (mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL) < 0)
            rc = err_from_errno(errno);
        if (setns(here, CLONE_NEWNET) < 0)
            abort(); /* see netns_run() */
    }
    if (here >= 0)
        close(here);
    if (rc == OK)
        rc = netns_link_up(name, "lo", 0);
    else
        unlink(path);
    return rc;
}

static int etc_path(char out[PATH_MAX], const char *name, const char *file)
{
    int rc = netns_path(out, name);
    if (rc == OK)
        snprintf(out, PATH_MAX, NETNS_ETC "/%s%s", name, file);
    return rc;
}

int netns_dns(const char *name, const struct net_addr *server)
{
    char path[PATH_MAX], ip[NET_ADDR_TEXT], line[NET_ADDR_TEXT + 16];
    struct net_addr bare = *server;
    bare.port = 0;
    int rc = etc_path(path, name, "");
    if (rc == OK)
        rc = dir_make(path);
    if (rc == OK)
        rc = etc_path(path, name, "/resolv.conf");
    int n = snprintf(line, sizeof line, "nameserver %s\n", addr_text(&bare, ip));
    return rc < 0 ? rc : file_write(path, (struct bytes){(const uint8_t *)line, (uint32_t)n}, 0644);
}

int netns_delete(const char *name)
{
    char path[PATH_MAX];
    int rc = netns_path(path, name);
    if (rc < 0)
        return rc;
    char etc[PATH_MAX];
    if (etc_path(etc, name, "/resolv.conf") == OK)
        unlink(etc);
    if (etc_path(etc, name, "") == OK)
        rmdir(etc);            /* not empty: somebody else's */
    umount2(path, MNT_DETACH); /* not mounted: a file left over */
    return unlink(path) < 0 ? err_from_errno(errno) : OK;
}

int netns_delete_prefix(const char *prefix)
{
    DIR *d = opendir(NETNS_DIR);
    int n = 0;
    if (!d)
        return errno == ENOENT ? 0 : err_from_errno(errno);
    for (struct dirent *e; (e = readdir(d));)
        if (prefix[0] && strncmp(e->d_name, prefix, strlen(prefix)) == 0 &&
            netns_delete(e->d_name) == OK)
            n++;
    closedir(d);
    return n;
}

/* ---- rtnetlink ---- */
struct job { /* what a netlink conversation in another namespace is about */
    const char *a_if, *b_if;
    int b_fd;
    uint32_t mtu;
    const struct net_addr *addr, *via;
    uint8_t prefix;
};

static bool name_is_good(const char *ifname)
{
    return ifname && ifname[0] && strlen(ifname) < IFNAMSIZ && !strchr(ifname, '/');
}
static uint8_t family_of(const struct net_addr *a)
{
    return a->family == 6 ? AF_INET6 : AF_INET;
}
static uint16_t ip_len(const struct net_addr *a)
{
    return a->family == 6 ? 16 : 4;
}

static int link_index(const char *ifname)
{
    unsigned i = name_is_good(ifname) ? if_nametoindex(ifname) : 0;
    return i ? (int)i : ERR_NOTFOUND;
}

static int do_up(void *ctx)
{
    struct job *j = ctx;
    struct netlink n;
    int index = link_index(j->a_if);
    if (index < 0)
        return index;
    struct ifinfomsg i = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    netlink_begin(&n, RTM_NEWLINK, 0, &i, sizeof i);
    if (j->mtu)
        netlink_put(&n, IFLA_MTU, &j->mtu, 4);
    return netlink_talk(&n);
}
int netns_link_up(const char *netns, const char *ifname, uint32_t mtu)
{
    return netns_run(netns, do_up, &(struct job){.a_if = ifname, .mtu = mtu});
}

static int do_delete(void *ctx)
{
    struct job *j = ctx;
    struct netlink n;
    int index = link_index(j->a_if);
    if (index < 0)
        return index;
    struct ifinfomsg i = {.ifi_index = index};
    netlink_begin(&n, RTM_DELLINK, 0, &i, sizeof i);
    return netlink_talk(&n);
}
int netns_link_delete(const char *netns, const char *ifname)
{
    return netns_run(netns, do_delete, &(struct job){.a_if = ifname});
}

static int do_veth(void *ctx)
{
    struct job *j = ctx;
    struct netlink n;
    struct ifinfomsg i = {0};
    netlink_begin(&n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof i);
    netlink_put(&n, IFLA_IFNAME, j->a_if, strlen(j->a_if) + 1);
    uint32_t info = netlink_nest(&n, IFLA_LINKINFO);
    netlink_put(&n, IFLA_INFO_KIND, "veth", 4);
    uint32_t data = netlink_nest(&n, IFLA_INFO_DATA), peer = netlink_nest(&n, VETH_INFO_PEER);
    netlink_raw(&n, &i, sizeof i);
    netlink_put(&n, IFLA_IFNAME, j->b_if, strlen(j->b_if) + 1);
    if (j->b_fd >= 0)
        netlink_put(&n, IFLA_NET_NS_FD, &j->b_fd, 4);
    netlink_close(&n, peer);
    netlink_close(&n, data);
    netlink_close(&n, info);
    return netlink_talk(&n);
}
/* A link that just came up drops what is sent until the kernel's link watch has run, which may take a second.
 * Asking for the link state makes it run now. */
static int do_settle(void *ctx)
{
    struct job *j = ctx;
    struct ethtool_value v = {.cmd = ETHTOOL_GLINK};
    struct ifreq r = {.ifr_data = (char *)&v};
    str_copy(r.ifr_name, sizeof r.ifr_name, str_of(j->a_if));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    int rc = ioctl(fd, SIOCETHTOOL, &r) < 0 ? err_from_errno(errno) : OK;
    close(fd);
    return rc;
}

int netns_veth(const char *netns_a, const char *if_a, const char *netns_b, const char *if_b)
{
    struct job j = {.a_if = if_a, .b_if = if_b, .b_fd = -1};
    if (!name_is_good(if_a) || !name_is_good(if_b))
        return ERR_CONFIG;
    j.b_fd = netns_b ? netns_open(netns_b) : open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (j.b_fd < 0)
        return netns_b ? j.b_fd : err_from_errno(errno);
    int rc = netns_run(netns_a, do_veth, &j);
    close(j.b_fd);
    if (rc == OK)
        rc = netns_link_up(netns_a, if_a, 0);
    if (rc == OK)
        rc = netns_link_up(netns_b, if_b, 0);
    if (rc == OK)
        rc = netns_run(netns_a, do_settle, &(struct job){.a_if = if_a});
    if (rc == OK)
        rc = netns_run(netns_b, do_settle, &(struct job){.a_if = if_b});
    return rc;
}

static int do_address(void *ctx)
{
    struct job *j = ctx;
    struct netlink n;
    int index = link_index(j->a_if);
    if (index < 0)
        return index;
    /* No duplicate address detection: our namespaces are our own, and it would make v6 wait for
     * seconds. */
    struct ifaddrmsg m = {.ifa_family = family_of(j->addr),
                          .ifa_prefixlen = j->prefix,
                          .ifa_index = (unsigned)index,
                          .ifa_flags = j->addr->family == 6 ? IFA_F_NODAD : 0};
    netlink_begin(&n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof m);
    netlink_put(&n, IFA_LOCAL, j->addr->ip, ip_len(j->addr));
    netlink_put(&n, IFA_ADDRESS, j->addr->ip, ip_len(j->addr));
    return netlink_talk(&n);
}
int netns_address(const char *netns, const char *ifname, const struct net_addr *a, uint8_t prefix)
{
    if (!a->family || prefix > ip_len(a) * 8)
        return ERR_CONFIG;
    return netns_run(netns, do_address, &(struct job){.a_if = ifname, .addr = a, .prefix = prefix});
}

static int do_route(void *ctx)
{
    struct job *j = ctx;
    struct netlink n;
    uint8_t family = j->addr->family ? family_of(j->addr) : j->via ? family_of(j->via) : AF_INET;
    struct rtmsg m = {.rtm_family = family,
                      .rtm_dst_len = j->prefix,
                      .rtm_table = RT_TABLE_MAIN,
                      .rtm_protocol = RTPROT_STATIC,
                      .rtm_type = RTN_UNICAST,
                      .rtm_scope = j->via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK};
    netlink_begin(&n, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof m);
    if (j->addr->family && j->prefix)
        netlink_put(&n, RTA_DST, j->addr->ip, ip_len(j->addr));
    if (j->via)
        netlink_put(&n, RTA_GATEWAY, j->via->ip, ip_len(j->via));
    if (j->a_if) {
        int index = link_index(j->a_if);
        if (index < 0)
            return index;
        netlink_put(&n, RTA_OIF, &index, 4);
    }
    return netlink_talk(&n);
}
int netns_route(const char *netns, const struct net_addr *to, uint8_t prefix,
                const struct net_addr *via, const char *ifname)
{
    if (via && !via->family)
        via = NULL;
    if ((!via && !ifname) || (to->family && prefix > ip_len(to) * 8) ||
        (via && to->family && via->family != to->family))
        return ERR_CONFIG;
    struct job j = {.a_if = ifname, .addr = to, .via = via, .prefix = to->family ? prefix : 0};
    return netns_run(netns, do_route, &j);
}

/* ---- /proc/sys ---- */
static int do_sysctl(void *ctx)
{
    const char **j = ctx;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/proc/sys/%s", j[0]);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    size_t n = strlen(j[1]);
    int rc = write(fd, j[1], n) == (ssize_t)n ? OK : err_from_errno(errno);
    close(fd);
    return rc;
}
int netns_sysctl(const char *netns, const char *path, const char *value)
{
    if (strstr(path, ".."))
        return ERR_CONFIG;
    return netns_run(netns, do_sysctl, (const char *[]){path, value});
}
int netns_forwarding(const char *netns, bool on)
{
    int rc = netns_sysctl(netns, "net/ipv4/ip_forward", on ? "1" : "0");
    int rc6 = netns_sysctl(netns, "net/ipv6/conf/all/forwarding", on ? "1" : "0");
    return rc < 0 ? rc : rc6 == ERR_NOTFOUND ? OK : rc6; /* a host may have no IPv6 */
}

/* ---- veth and XDP ---- */
static int beside_xdp(void *ctx)
{
    const struct {
        uint32_t command, value;
    } asks[] = {{ETHTOOL_SGRO, 1}, {ETHTOOL_STXCSUM, 0}};
    struct ifreq r = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = OK;
    if (fd < 0)
        return err_from_errno(errno);
    str_copy(r.ifr_name, sizeof r.ifr_name, str_of(ctx));
    for (size_t i = 0; rc == OK && i < ARRAY_LEN(asks); i++) {
        struct ethtool_value v = {asks[i].command, asks[i].value};
        r.ifr_data = (void *)&v;
        if (ioctl(fd, SIOCETHTOOL, &r) < 0)
            rc = err_from_errno(errno);
    }
    close(fd);
    return rc;
}
int netns_veth_beside_xdp(const char *netns, const char *ifname)
{
    return netns_run(netns, beside_xdp, (void *)(uintptr_t)ifname);
}

/* ---- neighbours ---- */
struct neighbour {
    const char *ifname;
    const struct net_addr *addr;
    uint8_t mac[6];
};
static int neighbour_put(void *ctx)
{
    const struct neighbour *j = ctx;
    struct netlink m;
    struct ndmsg n = {.ndm_family = j->addr->family == 4 ? AF_INET : AF_INET6, .ndm_state = NUD_PERMANENT};
    n.ndm_ifindex = (int)if_nametoindex(j->ifname);
    if (!n.ndm_ifindex)
        return ERR_NOTFOUND;
    netlink_begin(&m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &n, sizeof n);
    netlink_put(&m, NDA_DST, j->addr->ip, j->addr->family == 4 ? 4 : 16);
    netlink_put(&m, NDA_LLADDR, j->mac, 6);
    return netlink_talk(&m);
}
int netns_neighbour(const char *netns, const char *ifname, const struct net_addr *a, const uint8_t mac[6])
{
    struct neighbour j = {.ifname = ifname, .addr = a};
    memcpy(j.mac, mac, sizeof j.mac);
    return netns_run(netns, neighbour_put, &j);
}
static int mac_get(void *ctx)
{
    struct neighbour *j = ctx;
    struct ifreq r = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    str_copy(r.ifr_name, sizeof r.ifr_name, str_of(j->ifname));
    int rc = ioctl(fd, SIOCGIFHWADDR, &r) < 0 ? err_from_errno(errno) : OK;
    close(fd);
    memcpy(j->mac, r.ifr_hwaddr.sa_data, 6);
    return rc;
}
int netns_mac(const char *netns, const char *ifname, uint8_t mac[6])
{
    struct neighbour j = {.ifname = ifname};
    int rc = netns_run(netns, mac_get, &j);
    memcpy(mac, j.mac, 6);
    return rc;
}
