/* SPDX-License-Identifier: Apache-2.0 */
#include "os/user_plane_xdp.h"
#include "base/log.h"
#include "os/netns.h"
#include "os/sock.h"
#include "os/xdp.h"
#include "rt/config.h"
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const uint64_t LEFT_US = 60000000; /* N4 has told by then which sessions there are */
enum { LINKS = 16, BLOCKS_MIN = 1024, BLOCKS_SHARE = 16 /* one for so many sessions */ };
struct fast_path {
    const struct fast_path_options *options; /* while opening */
    struct xdp *xdp;
    struct offload *offload;
    unsigned links_n;
    struct xdp_link link[LINKS];
    char name[LINKS][IF_NAMESIZE];
    char *why;
    struct rt *rt;
    uint64_t forget_us; /* what an earlier process left ends then; 0: nothing is left */
};

static int refused(struct fast_path *f, int rc, const char *what, const char *name)
{
    if (f->why)
        snprintf(f->why, USER_PLANE_WHY, "%s %s: %s", what, name, err_text(rc));
    return rc;
}

/* ---- which interfaces ---- */
static int link_add(struct fast_path *f, const char *name, uint64_t instances)
{
    for (unsigned i = 0; i < f->links_n; i++)
        if (!strcmp(f->name[i], name)) {
            f->link[i].instances |= instances;
            return OK;
        }
    if (f->links_n == LINKS || strlen(name) >= IF_NAMESIZE)
        return refused(f, ERR_FULL, "too many interfaces at", name);
    memcpy(f->name[f->links_n], name, strlen(name) + 1);
    f->link[f->links_n] = (struct xdp_link){.ifname = f->name[f->links_n], .instances = instances};
    f->links_n++;
    return OK;
}

/* The interface that has this address. */
static int link_of_address(struct fast_path *f, const struct net_addr *a)
{
    struct ifaddrs *all = NULL;
    char text[NET_ADDR_TEXT];
    int rc = ERR_NOTFOUND;
    if (getifaddrs(&all) < 0)
        return refused(f, ERR_IO, "the interface of", addr_text(a, text));
    for (struct ifaddrs *i = all; i && rc == ERR_NOTFOUND; i = i->ifa_next) {
        if (!i->ifa_addr)
            continue;
        struct net_addr b = sock_to_addr(i->ifa_addr);
        if (b.family == a->family && addr_same_host(a, &b))
            rc = link_add(f, i->ifa_name, 0);
    }
    freeifaddrs(all);
    return rc < 0 ? refused(f, rc, "the interface of", addr_text(a, text)) : OK;
}

/* The interface of the IPv4 default route: where most data networks are. */
static bool default_link(char name[IF_NAMESIZE])
{
    char line[256], dest[16], via[16];
    bool found = false;
    FILE *t = fopen("/proc/thread-self/net/route", "re");
    while (t && !found && fgets(line, sizeof line, t))
        found = sscanf(line, "%15s %15s %15s", name, dest, via) == 3 && !strcmp(dest, "00000000");
    if (t)
        fclose(t);
    return found;
}

static int links_find(struct fast_path *f)
{
    const struct config_upf *c = f->options->config;
    char name[IF_NAMESIZE];
    int rc = OK;
    for (uint32_t i = 0; rc == OK && i < c->n_n3_addresses; i++)
        rc = link_of_address(f, &c->n3_addresses[i]);
    for (uint32_t i = 0; rc == OK && i < c->n_n6; i++) {
        if (c->n6[i].link.n)
            rc = link_add(f, c->n6[i].link.p, 1ull << i);
        else if (default_link(name))
            rc = link_add(f, name, 1ull << i);
    }
    return rc;
}

/* ---- opening, in the namespace ---- */
static int attach(struct fast_path *f)
{
    static const char *const modes[] = {"off", "generic", "native"};
    struct rt *rt = f->options->rt;
    char why[XDP_WHY] = "";
    for (unsigned i = 0; i < f->links_n; i++) {
        int rc = xdp_attach(f->xdp, &f->link[i], why);
        if (rc < 0) {
            if (f->why)
                str_copy(f->why, USER_PLANE_WHY, str_of(why));
            return rc;
        }
    }
    xdp_attached(f->xdp);
    for (unsigned i = 0; i < f->links_n; i++) {
        bool takes = xdp_takes(f->xdp, &f->link[i]);
        LOG(rt->log, upf_xdp_up, "interface=%s mode=%s", f->name[i], modes[f->link[i].mode]);
        if (!takes)
            LOG(rt->log, upf_xdp_one_way, "interface=%s", f->name[i]);
    }
    return OK;
}

static int open_here(void *ctx)
{
    struct fast_path *f = ctx;
    const struct fast_path_options *o = f->options;
    char why[XDP_WHY] = "";
    uint32_t sessions = o->dp_config->sessions_max;
    struct xdp_options x = {.dp = o->dp_config, .blocks_max = sessions / BLOCKS_SHARE};
    if (x.blocks_max < BLOCKS_MIN)
        x.blocks_max = BLOCKS_MIN;
    for (uint32_t i = 0; i < o->config->n_n6; i++)
        if (!o->config->n6[i].nat)
            x.routed |= 1ull << i;
    int rc = links_find(f);
    if (rc == OK && o->config->pin.n) {
        rc = xdp_mount(o->config->pin.p);
        if (rc < 0)
            return refused(f, rc, "upf.pin", o->config->pin.p);
        x.pin = o->config->pin.p;
    }
    if (rc < 0)
        return rc;
    rc = xdp_open(&f->xdp, &x, why);
    if (rc < 0) {
        if (f->why)
            str_copy(f->why, USER_PLANE_WHY, str_of(why));
        return rc;
    }
    f->offload = offload_new(o->dp, xdp_maps(f->xdp), xdp_configured(f->xdp));
    if (!f->offload)
        return refused(f, ERR_NOSPACE, "memory of", "the XDP data path");
    uint32_t left = offload_numbers(f->offload).left;
    if (xdp_took_over(f->xdp))
        LOG(o->rt->log, upf_xdp_took_over, "sessions=%u", left);
    f->forget_us = left ? loop_now_us() + LEFT_US : 0;
    return attach(f);
}

int fast_path_open(struct fast_path **out, const struct fast_path_options *o, char *why)
{
    struct fast_path *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOSPACE;
    f->options = o;
    f->why = why;
    int rc = netns_run(o->netns, open_here, f);
    f->options = NULL;
    f->why = NULL;
    if (rc < 0) {
        fast_path_close(f);
        return rc;
    }
    *out = f;
    return OK;
}

void fast_path_close(struct fast_path *f)
{
    if (!f)
        return;
    offload_free(f->offload);
    xdp_close(f->xdp);
    free(f);
}

void fast_path_settle(struct fast_path *f, uint64_t now_us, bool idle)
{
    if (f->forget_us && now_us >= f->forget_us) {
        f->forget_us = 0;
        offload_forget(f->offload);
    }
    offload_settle(f->offload, now_us, idle);
}
uint64_t fast_path_next_us(const struct fast_path *f)
{
    uint64_t next = offload_next_us(f->offload);
    return f->forget_us && f->forget_us < next ? f->forget_us : next;
}
void fast_path_counters(const struct fast_path *f, uint64_t to[DP_COUNTERS])
{
    offload_counters(f->offload, to);
}

void fast_path_text(const struct fast_path *f, char *out, size_t cap)
{
    static const char *const modes[] = {"off", "generic", "native"};
    struct offload_numbers n = offload_numbers(f->offload);
    uint64_t c[DP_COUNTERS] = {0};
    size_t at = (size_t)snprintf(out, cap, "xdp on");
    offload_counters(f->offload, c);
    for (unsigned i = 0; i < f->links_n && at < cap; i++)
        at += (size_t)snprintf(out + at, cap - at, "%s %s (%s)", i ? "," : "", f->name[i],
                               modes[f->link[i].mode]);
    if (at < cap)
        at += (size_t)snprintf(out + at, cap - at, "; %u of %u sessions in the kernel, %llu packets", n.fast, n.sessions,
                 (unsigned long long)(c[DP_access_in] + c[DP_core_in]));
    if (at < cap && n.left)
        snprintf(out + at, cap - at, ", %u sessions of the process before", n.left);
}
