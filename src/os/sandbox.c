/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sandbox.h"
#include "os/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0 /* no filter */
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER 1
#endif
#endif
#ifndef SANITIZER
#define SANITIZER 0
#endif

/* ---- Landlock: linux/landlock.h of an older kernel lacks what a newer one has ---- */
enum { SYS_LANDLOCK_CREATE = 444, SYS_LANDLOCK_ADD = 445, SYS_LANDLOCK_RESTRICT = 446, LANDLOCK_VERSION = 1, LANDLOCK_BENEATH = 1 };
struct landlock_attr {
    uint64_t fs, net, scoped;
};
struct landlock_beneath {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));
static int landlock_abi(void)
{
    long abi = syscall(SYS_LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
    return abi > 0 ? (int)abi : 0;
}
/* Write, read, list, remove a file or a folder, make a folder or a file, truncate. */
static const uint64_t folder_rights = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14;
static int landlock_folder(int ruleset, uint64_t handled, const char *folder)
{
    struct landlock_beneath b = {folder_rights & handled, open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    long e = b.fd < 0 ? -1 : syscall(SYS_LANDLOCK_ADD, ruleset, LANDLOCK_BENEATH, &b, 0);
    if (b.fd >= 0)
        close(b.fd);
    return e == 0 ? OK : ERR_IO;
}
/* To read and write what is there, devices among them. */
static int landlock_file(int ruleset, uint64_t handled, const char *path)
{
    struct stat s;
    struct landlock_beneath b = {(1 << 1 | 1 << 2 | 1 << 14 | 1 << 15) & handled, open(path, O_PATH | O_CLOEXEC)};
    long e = b.fd < 0 || fstat(b.fd, &s) < 0 ? -1 : syscall(SYS_LANDLOCK_ADD, ruleset, LANDLOCK_BENEATH, &b, 0);
    if (b.fd >= 0)
        close(b.fd);
    return e == 0 || b.fd < 0 ? OK : ERR_IO; /* what is not there cannot be opened later either */
}
/* Everything is handled and nothing else allowed: what is open stays open. */
static int landlock_ruleset(int abi, const char *folder, const char *const *files)
{
    static const uint8_t fs_bits[] = {13, 14, 15, 15, 16}; /* known to ABI 1, 2, 3, 4, 5 and later */
    struct landlock_attr a = {.fs = (1u << fs_bits[abi > 5 ? 4 : abi - 1]) - 1};
    a.net = abi >= 4 ? 3 : 0;    /* TCP: bind, connect */
    a.scoped = abi >= 6 ? 3 : 0; /* abstract sockets and signals of others */
    int ruleset = (int)syscall(SYS_LANDLOCK_CREATE, &a, sizeof a, 0);
    int e = ruleset >= 0 && folder ? landlock_folder(ruleset, a.fs, folder) : OK;
    for (; ruleset >= 0 && files && *files && e == OK; files++)
        e = landlock_file(ruleset, a.fs, *files);
    if (e == OK)
        return ruleset;
    close(ruleset);
    return -1;
}

/* ---- what each thread does for itself ---- */
struct job {
    int ruleset; /* -1: none */
    uint64_t keep; /* capabilities, by bit */
    _Atomic uint32_t done, failed;
};

static bool capabilities_drop(uint64_t keep)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct has[2] = {{0}};
    for (int i = 0; i < 64 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        if (!(keep >> i & 1))
            prctl(PR_CAPBSET_DROP, i, 0, 0, 0); /* refused to who has none, who needs no bound */
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (keep && syscall(SYS_capget, &h, has) < 0) /* who has less keeps less */
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        has[i].permitted = has[i].effective = has[i].permitted & (uint32_t)(keep >> (32 * i));
        has[i].inheritable = 0;
    }
    return syscall(SYS_capset, &h, has) == 0;
}
static void drop_here(struct job *j)
{
    bool ok = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && capabilities_drop(j->keep);
    ok = ok && (j->ruleset < 0 || syscall(SYS_LANDLOCK_RESTRICT, j->ruleset, 0) == 0);
    if (!ok)
        atomic_fetch_add(&j->failed, 1);
    atomic_fetch_add(&j->done, 1);
}
/* The kernel has no call for all threads at once. */
static void on_signal(int signo, siginfo_t *info, void *ucontext)
{
    int was = errno;
    if (info->si_code == SI_QUEUE && info->si_pid == getpid())
        drop_here(info->si_value.sival_ptr);
    errno = was;
}
int sandbox_signal(void) { return SIGRTMIN + 3; }

static int thread_tell(pid_t tid, struct job *j)
{
    siginfo_t i = {.si_signo = sandbox_signal(), .si_code = SI_QUEUE};
    i.si_pid = getpid();
    i.si_uid = getuid();
    i.si_value.sival_ptr = j;
    return syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, sandbox_signal(), &i) == 0 || errno == ESRCH ? OK : ERR_IO;
}
/* How many others there are; each is told once. */
static int threads_tell(struct job *j, uint32_t *n)
{
    DIR *d = opendir("/proc/self/task");
    int e = d ? OK : ERR_IO;
    *n = 0;
    for (struct dirent *t; e == OK && (t = readdir(d));) {
        pid_t tid = (pid_t)strtol(t->d_name, NULL, 10);
        if (tid <= 0 || tid == gettid())
            continue;
        e = thread_tell(tid, j);
        ++*n;
    }
    if (d)
        closedir(d);
    return e;
}
static int drop_everywhere(struct job *j, uint32_t *threads)
{
    enum { PATIENCE_MS = 3000 };
    struct sigaction ours = {.sa_flags = SA_SIGINFO | SA_RESTART}, before;
    ours.sa_sigaction = on_signal;
    sigfillset(&ours.sa_mask);
    sigaction(sandbox_signal(), &ours, &before);
    int e = threads_tell(j, threads);
    for (int ms = 0; e == OK && atomic_load(&j->done) < *threads; ms++) {
        if (ms == PATIENCE_MS)
            return ERR_TIMEOUT; /* the signal may still come: what it needs stays */
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    if (e == OK)
        drop_here(j);
    ++*threads;
    sigaction(sandbox_signal(), &before, NULL);
    return e == OK && atomic_load(&j->failed) ? ERR_DENIED : e;
}

/* ---- system calls ---- */
enum { FILTER_MAX = 512, RAN_BIT = 4, TUN_BIT = 8, PARENT_BIT = 16 };
struct filter {
    struct sock_filter row[FILTER_MAX];
    unsigned short n;
};
static void put(struct filter *f, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    if (f->n < FILTER_MAX)
        f->row[f->n++] = (struct sock_filter){code, yes, no, k};
}
static void answer(struct filter *f, uint32_t action) { put(f, BPF_RET | BPF_K, action, 0, 0); }
static void on_call(struct filter *f, long number, uint32_t action)
{
    put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
    answer(f, action);
}
static void argument(struct filter *f, int i) /* the low half, where the bits are that we look at */
{
    put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) + 8u * (uint32_t)i), 0, 0);
}

/* Memory that can be run has been there since the start. */
static void on_memory(struct filter *f, long number, uint32_t refuse)
{
    put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 4);
    argument(f, 2);
    put(f, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
    answer(f, refuse);
    answer(f, SECCOMP_RET_ALLOW);
}
/* The call with one of these in an argument. */
static void on_argument(struct filter *f, long number, int i, const uint32_t *values, uint8_t n, uint32_t refuse)
{
    put(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, (uint8_t)(n + 3));
    argument(f, i);
    for (uint8_t k = 0; k < n; k++)
        put(f, BPF_JMP | BPF_JEQ | BPF_K, values[k], (uint8_t)(n - k), 0);
    answer(f, refuse);
    answer(f, SECCOMP_RET_ALLOW);
}
/* What stdio asks a character device before it writes to it the first time; interfaces. */
static void on_ioctl(struct filter *f, enum sandbox_role role, uint32_t refuse)
{
    static const uint32_t some[] = {TCGETS, TUNSETIFF, SIOCGIFINDEX, SIOCSIFHWADDR};
    on_argument(f, SYS_ioctl, 1, some, (role & TUN_BIT) ? ARRAY_LEN(some) : 1, refuse);
}
/* AF_UNIX: libc asks for an interface's number by such a datagram socket, which no control socket listens to. */
static void on_socket(struct filter *f, enum sandbox_role role, uint32_t refuse)
{
    static const uint32_t families[] = {AF_INET, AF_INET6, AF_NETLINK};
    if (!(role & RAN_BIT))
        return;
    if (role & TUN_BIT) {
        put(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 7);
        argument(f, 0);
        put(f, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 4);
        argument(f, 1);
        put(f, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
        put(f, BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 0, 1);
        answer(f, SECCOMP_RET_ALLOW);
        put(f, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    }
    on_argument(f, SYS_socket, 0, families, (role & TUN_BIT) ? 3 : 2, refuse);
}
static void on_maps(struct filter *f, uint32_t refuse)
{
    enum { LOOKUP = 1, NEXT_KEY = 4, LOOKUP_AND_DELETE = 21, BATCH_FIRST = 24, BATCH_LAST = 27 }; /* enum bpf_cmd */
    put(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 8);
    argument(f, 0);
    put(f, BPF_JMP | BPF_JEQ | BPF_K, LOOKUP_AND_DELETE, 5, 0);
    put(f, BPF_JMP | BPF_JGE | BPF_K, BATCH_LAST + 1, 3, 0);
    put(f, BPF_JMP | BPF_JGE | BPF_K, BATCH_FIRST, 3, 0);
    put(f, BPF_JMP | BPF_JGE | BPF_K, NEXT_KEY + 1, 1, 0);
    put(f, BPF_JMP | BPF_JGE | BPF_K, LOOKUP, 1, 0);
    answer(f, refuse);
    answer(f, SECCOMP_RET_ALLOW);
}

/* What AddressSanitizer wants at the end of a test: it looks for leaks from a thread that traces the others. */
static void on_sanitizer(struct filter *f)
{
    static const long calls[] = {SYS_clone, SYS_ptrace, SYS_prctl, SYS_getppid, SYS_prlimit64, SYS_mprotect, SYS_getdents64,
                                 SYS_openat, SYS_readlinkat,
#ifdef SYS_open
                                 SYS_open, SYS_readlink, SYS_getdents,
#endif
    };
    for (size_t i = 0; SANITIZER && i < ARRAY_LEN(calls); i++)
        on_call(f, calls[i], SECCOMP_RET_ALLOW);
}

static void filter_make(struct filter *f, const struct sandbox_conf *c)
{
    enum { W = SANDBOX_FUNCTIONS, K = SANDBOX_KEYS, R = RAN_BIT, T = TUN_BIT, P = PARENT_BIT };
    static const struct {
        long number;
        int who; /* 0: names a file */
    } calls[] = {
#define SYSCALL(name, who) {SYS_##name, who},
#define PATH(name) {SYS_##name, 0},
#include "../../spec/syscalls.def"
    };
    uint32_t refuse = c->kill ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM;
    put(f, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    put(f, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    answer(f, SECCOMP_RET_KILL_PROCESS);
    put(f, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    on_sanitizer(f);
    uint32_t path = c->folder || c->files ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EACCES;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (!calls[i].who || calls[i].who & (int)c->role)
            on_call(f, calls[i].number, calls[i].who ? SECCOMP_RET_ALLOW : path);
    on_memory(f, SYS_mmap, refuse);
    on_memory(f, SYS_mprotect, refuse);
    on_ioctl(f, c->role, refuse);
    on_socket(f, c->role, refuse);
    if (c->maps)
        on_maps(f, refuse);
    answer(f, refuse);
}

static int filter_set(const struct sandbox_conf *c)
{
    struct filter *f = calloc(1, sizeof *f);
    if (!f || !ARCH) {
        free(f);
        return ERR_UNSUPPORTED;
    }
    filter_make(f, c);
    struct sock_fprog p = {.len = f->n, .filter = f->row};
    unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG;
    long e = f->n == FILTER_MAX ? -1 : syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
    free(f);
    return e == 0 ? OK : ERR_UNSUPPORTED; /* > 0: a thread that has a filter of its own */
}

/* ---- all of it ---- */
static void missing(struct sandbox *s, const char *what)
{
    size_t n = strlen(s->why);
    snprintf(s->why + n, sizeof s->why - n, "%s%s", n ? ", " : "", what);
}

int sandbox_enter(const struct sandbox_conf *c, struct sandbox *out)
{
    *out = (struct sandbox){.landlock = landlock_abi()};
    if (c->has_user && (setgroups(0, NULL) < 0 || setresgid(c->gid, c->gid, c->gid) < 0 || setresuid(c->uid, c->uid, c->uid) < 0))
        return ERR_DENIED;
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return ERR_NOSPACE;
    j->keep = c->role == SANDBOX_RAN_TUN ? 1ull << CAP_NET_ADMIN | 1ull << CAP_SYS_ADMIN : 0;
    j->ruleset = out->landlock && !SANITIZER ? landlock_ruleset(out->landlock, c->folder, c->files) : -1;
    if (j->ruleset < 0)
        out->landlock = 0;
    int e = drop_everywhere(j, &out->threads);
    if (j->ruleset >= 0)
        close(j->ruleset);
    if (e != ERR_TIMEOUT)
        free(j);
    if (e < 0)
        return e;
    out->capabilities = out->no_new_privileges = true;
    out->calls = !c->all_calls && filter_set(c) == OK;
    if (!out->landlock)
        missing(out, "files by name (Landlock)");
    if (!out->calls)
        missing(out, "system calls (seccomp)");
    return OK;
}

void sandbox_no_dump(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

int sandbox_lock_memory(void)
{
    /* Within a limit, allocations would fail later, once the capability that passes over it is gone. */
    bool unlimited = setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) == 0;
    if (unlimited && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
        return OK;
    return mlockall(MCL_CURRENT | MCL_ONFAULT) == 0 ? ERR_FULL : ERR_DENIED;
}
