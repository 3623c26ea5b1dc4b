/* SPDX-License-Identifier: Apache-2.0 */
/* xdp.h - the kernel's half of the packet path (dp/bpf/upf.c): loads it, owns its maps, puts it on
 * interfaces. All in the calling thread's network namespace. */
#pragma once
#include "dp/offload.h"

enum { XDP_WHY = 256 };
struct xdp;
struct xdp_options {
    const struct dp_config *dp;
    uint64_t routed;     /* offload_config() */
    uint32_t blocks_max; /* sessions with more than two rules, or with filters */
    /* A folder of a bpffs for what must outlive this process, made if it is not there; NULL: nothing does.
     * It must belong to this user and be writable by nobody else (ERR_DENIED): who can write it decides about
     * packets. What an earlier process with the same configuration left there is taken over if its maps have
     * the shape of ours; another's is ended. */
    const char *pin;
    bool bench;          /* with the programs of dp/bpf/bench.c */
    bool test_clock;     /* time stands still but for xdp_clock(): tests */
};
/* ERR_DENIED (needs CAP_BPF and CAP_NET_ADMIN), ERR_UNSUPPORTED, ERR_NOSPACE, ERR_IO; why in one
 * line (XDP_WHY octets). */
int xdp_open(struct xdp **, const struct xdp_options *, char *why);
bool xdp_took_over(const struct xdp *);
void xdp_close(struct xdp *); /* off all interfaces; nothing stays in the folder */
/* The same from outside, after a process that may not. What others put there stays, and so does everything in a
 * folder that is no bpffs or not this user's. */
void xdp_unpin(const char *pin);
/* Makes the folder that this one is in, and mounts a bpffs there if it is on none. ERR_DENIED: others can write
 * it; ERR_EXISTS: it is on none and not empty, so a mount would hide something. ERR_IO. */
int xdp_mount(const char *pin);
const struct offload_maps *xdp_maps(const struct xdp *);
const struct xdp_config *xdp_configured(const struct xdp *);
int xdp_program(const struct xdp *); /* its descriptor */
int xdp_named_program(const struct xdp *, const char *name); /* or a negative number */
int xdp_named_map(const struct xdp *, const char *name);
void xdp_clock(struct xdp *, uint64_t ns);

enum xdp_mode { XDP_OFF, XDP_GENERIC, XDP_NATIVE };
struct xdp_link {
    const char *ifname;
    uint64_t instances; /* bit: data network whose packets may come in here */
    enum xdp_mode mode; /* out: how it runs there */
};
/* Native mode where the driver can, else generic. ERR_NOTFOUND, ERR_EXISTS (another program is
 * there), ERR_UNSUPPORTED, ERR_RANGE (interface index). */
int xdp_attach(struct xdp *, struct xdp_link *, char *why);
/* All are: interfaces that a process before had and this one has not are let go. */
void xdp_attached(struct xdp *);
/* Once all are attached: whether frames of the others may be sent out by it without the host's stack. If
 * not (a veth whose other end takes no frames, a driver that cannot), such packets are handed up. */
bool xdp_takes(struct xdp *, const struct xdp_link *);
