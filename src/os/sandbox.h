/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - gives away, for good, what a process does not need once its sockets, interfaces and files are open: its
 * capabilities, new privileges, all files by name (Landlock), other TCP ports and other processes' signals, and every
 * system call that is not a row of spec/syscalls.def, memory that is written and then run among them. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <signal.h>
#include <sys/types.h>

enum sandbox_role { /* the columns of spec/syscalls.def: W and K alone, and with W those of R, T and P */
    SANDBOX_FUNCTIONS = 1,
    SANDBOX_KEYS = 2,
    SANDBOX_RAN = 1 | 4,          /* sockets of IPv4 and IPv6 too */
    SANDBOX_RAN_TUN = 1 | 4 | 8,  /* and it makes TUN interfaces in other namespaces: CAP_NET_ADMIN and CAP_SYS_ADMIN stay */
    SANDBOX_PARENT = 1 | 16,
};
struct sandbox_conf {
    enum sandbox_role role;
    bool kill;      /* a system call that is not listed ends the process; otherwise it fails with EPERM */
    bool maps;      /* the bpf() calls that read and write maps that are there */
    bool all_calls; /* none is filtered: to try what the rest holds by itself */
    bool has_user;
    uid_t uid;
    gid_t gid;
    const char *const *files; /* that may still be opened, a file or all beneath a folder; NULL at the end; NULL: none */
    const char *folder; /* where files may still be opened, made, renamed and deleted; NULL: nowhere */
};
struct sandbox { /* what is in effect */
    bool capabilities; /* none is left, in no thread */
    bool no_new_privileges;
    bool calls;     /* filtered */
    int landlock;   /* the kernel's ABI; 0: it has none */
    uint32_t threads;
    char why[160];  /* what is missing, for people; empty: nothing */
};
/* In all threads of the process; call it in the first one. OK also where the kernel lacks a part, which *out says;
 * ERR_DENIED: the user could not be changed; ERR_TIMEOUT: a thread blocks the signal. After an error end the process. */
int sandbox_enter(const struct sandbox_conf *, struct sandbox *out);
/* Threads that are started before it leave this signal unblocked: it is how they are reached. */
int sandbox_signal(void);
/* No core file, no debugger. */
void sandbox_no_dump(void);
/* Memory out of swap, as it comes into use. ERR_FULL: what is there by now, not what is allocated later (RLIMIT_MEMLOCK
 * cannot be raised); ERR_DENIED: nothing. */
int sandbox_lock_memory(void);
