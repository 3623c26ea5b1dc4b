/* SPDX-License-Identifier: Apache-2.0 */
/* A process that entered the sandbox tries what an intruder would: each is refused, in every thread, and what the core
 * needs still works. Each attempt is made by a child of its own. */
#include "os/sandbox.h"
#include "tests/test.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { RELAXED = true }; /* the sanitizer needs some of it at the end of a process */
#else
enum { RELAXED = false };
#endif

struct try {
    const char *name;
    int (*fn)(void); /* as a system call: -1 and errno, or what it gives */
    int error;       /* expected of one that is refused and not killed */
    bool quiet;      /* never kills: a file that may not be opened */
    bool sanitizer;  /* allowed where AddressSanitizer runs */
};

static pid_t parent;
static int try_open(void) { return open("/etc/shadow", O_RDONLY); }
static int try_create(void) { return open("/tmp/redoubt-sandbox-test", O_WRONLY | O_CREAT | O_EXCL, 0600); }
static int try_unlink(void) { return unlink("/tmp/redoubt-sandbox-test"); }
static int try_exec(void)
{
    char *argv[] = {(char *)(uintptr_t) "/bin/true", NULL};
    return execv(argv[0], argv);
}
static int try_fork(void) { return (int)syscall(SYS_clone3, NULL, 0); }
static int try_ptrace(void) { return (int)ptrace(PTRACE_ATTACH, parent, NULL, NULL); }
static int try_peek(void)
{
    char here[8];
    struct iovec to = {here, sizeof here}, from = {&parent, sizeof parent};
    return (int)process_vm_readv(parent, &to, 1, &from, 1, 0);
}
static int try_socket(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int try_raw(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static int try_mount(void) { return mount("none", "/mnt", "tmpfs", 0, NULL); }
static int try_setns(void) { return setns(0, 0); }
static int try_setuid(void) { return setuid(0); }
static int try_kill(void) { return kill(parent, 0); }
static int try_bpf(void)
{
    union bpf_attr a = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof a);
}
static int try_keys(void) { return (int)syscall(SYS_keyctl, 0, 0, 0, 0, 0); }
static int try_uring(void) { return (int)syscall(SYS_io_uring_setup, 1, NULL); }
static int try_code(void) { return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0; }
static int try_code_later(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static const struct try tries[] = {
    {"open", try_open, EACCES, true, true},     {"create", try_create, EACCES, true, true}, {"unlink", try_unlink, EACCES, true, false},
    {"execve", try_exec, EPERM, false, false},  {"fork", try_fork, EPERM, false, false},    {"ptrace", try_ptrace, EPERM, false, true},
    {"process_vm_readv", try_peek, EPERM, false, false}, {"socket", try_socket, EPERM, false, false},
    {"raw socket", try_raw, EPERM, false, false}, {"mount", try_mount, EPERM, false, false}, {"setns", try_setns, EPERM, false, false},
    {"setuid", try_setuid, EPERM, false, false}, {"kill", try_kill, EPERM, false, false},   {"bpf", try_bpf, EPERM, false, false},
    {"keyctl", try_keys, EPERM, false, false},  {"io_uring", try_uring, EPERM, false, false},
    {"memory to run", try_code, EPERM, false, false}, {"memory to run later", try_code_later, EPERM, false, true},
};

enum { REFUSED = 10, WORKED, WRONG_ERROR, NO_SANDBOX, WRONG };
static int enter(bool kill_it, enum sandbox_role role)
{
    struct sandbox s;
    int e = sandbox_enter(&(struct sandbox_conf){.role = role, .kill = kill_it}, &s);
    return e == OK && s.calls && s.capabilities ? OK : NO_SANDBOX;
}
/* The wait status of a child that runs fn. */
static int child(int (*fn)(const void *), const void *ctx)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(ctx));
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int attempt_refused(const void *ctx)
{
    const struct try *t = ctx;
    if (enter(false, SANDBOX_FUNCTIONS) < 0)
        return NO_SANDBOX;
    int r = t->fn();
    return r >= 0 ? WORKED : errno == t->error ? REFUSED : WRONG_ERROR;
}
static int attempt_killed(const void *ctx)
{
    const struct try *t = ctx;
    if (enter(true, SANDBOX_FUNCTIONS) < 0)
        return NO_SANDBOX;
    return t->fn() >= 0 ? WORKED : errno == t->error ? REFUSED : WRONG_ERROR;
}

static void refused(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        int s = child(attempt_refused, &tries[i]);
        if (tries[i].sanitizer && RELAXED)
            continue;
        if (!WIFEXITED(s) || WEXITSTATUS(s) != REFUSED)
            print_message("%s: %x\n", tries[i].name, (unsigned)s);
        assert_true(WIFEXITED(s) && WEXITSTATUS(s) == REFUSED);
    }
}
static void killed(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        int s = child(attempt_killed, &tries[i]);
        bool right = tries[i].quiet ? WIFEXITED(s) && WEXITSTATUS(s) == REFUSED : WIFSIGNALED(s) && WTERMSIG(s) == SIGSYS;
        if (tries[i].sanitizer && RELAXED)
            continue;
        if (!right)
            print_message("%s: %x\n", tries[i].name, (unsigned)s);
        assert_true(right);
    }
}

/* ---- gNBs and phones, and who started a network and waits ---- */
enum { PARENT = 1, RAN = 2, TUN = 4 };
static char secret_file[] = "/tmp/redoubt-subscribers-XXXXXX"; /* as a store is: its owner's, 0600 */
static int try_store(void) { return open(secret_file, O_RDONLY); }
static int try_stream(void) { return socket(AF_UNIX, SOCK_STREAM, 0); } /* a core's control socket */
static int try_inet(void) { return socket(AF_INET, SOCK_DGRAM, 0); }
static int try_ns(void)
{
    int e = setns(0, CLONE_NEWNET); /* not a namespace */
    return e < 0 && errno == EINVAL ? 0 : e;
}
static const struct {
    const char *name;
    int (*fn)(void);
    int error, works; /* where it is refused, with this; where it works */
} in_roles[] = {
    {"the store", try_store, EACCES, 0},   {"create", try_create, EACCES, 0},       {"execve", try_exec, EPERM, 0},
    {"fork", try_fork, EPERM, 0},          {"ptrace", try_ptrace, EPERM, 0},        {"process_vm_readv", try_peek, EPERM, 0},
    {"kill", try_kill, EPERM, 0},          {"mount", try_mount, EPERM, 0},          {"control socket", try_stream, EPERM, 0},
    {"raw socket", try_raw, EPERM, 0},     {"bpf", try_bpf, EPERM, 0},              {"setuid", try_setuid, EPERM, 0},
    {"memory to run", try_code, EPERM, 0}, {"a socket", try_inet, EPERM, RAN | TUN}, {"another namespace", try_ns, EPERM, TUN},
};
struct in_role {
    size_t i;
    int role;
};
static int attempt_in_role(const void *ctx)
{
    static const char *const tun_files[] = {"/dev/null", "/proc/sys/net", NULL};
    const struct in_role *t = ctx;
    struct sandbox s;
    struct sandbox_conf c = {.role = t->role == TUN ? SANDBOX_RAN_TUN : t->role == RAN ? SANDBOX_RAN : SANDBOX_PARENT,
                             .files = t->role == TUN ? tun_files : NULL};
    if (sandbox_enter(&c, &s) < 0 || !s.calls || !s.capabilities)
        return NO_SANDBOX;
    if (t->role == TUN && open("/dev/null", O_RDWR) < 0)
        return WRONG;
    if (t->role == TUN && !s.landlock && in_roles[t->i].error == EACCES)
        return REFUSED; /* files by name are Landlock's alone there */
    int r = in_roles[t->i].fn();
    return r >= 0 ? WORKED : errno == in_roles[t->i].error ? REFUSED : WRONG_ERROR;
}
static void parents_and_phones(void **state)
{
    int fd = mkstemp(secret_file);
    assert_true(fd >= 0);
    close(fd);
    for (int role = PARENT; role <= TUN; role *= 2)
        for (size_t i = 0; i < ARRAY_LEN(in_roles); i++) {
            struct in_role t = {i, role};
            int s = child(attempt_in_role, &t), due = in_roles[i].works & role ? WORKED : REFUSED;
            if (RELAXED && (in_roles[i].error == EACCES || in_roles[i].fn == try_ptrace))
                continue;
            if (!WIFEXITED(s) || WEXITSTATUS(s) != due)
                print_message("%s, role %d: %x\n", in_roles[i].name, role, (unsigned)s);
            assert_true(WIFEXITED(s) && WEXITSTATUS(s) == due);
        }
    unlink(secret_file);
}

/* ---- what stays ---- */
static int goes_on(const void *ctx)
{
    int sv[2], file = open("/tmp", O_TMPFILE | O_RDWR, 0600), null = open("/dev/null", O_WRONLY), ep = epoll_create1(0);
    uint8_t octets[32] = "abc";
    struct epoll_event e = {.events = EPOLLIN};
    struct timespec t;
    if (file < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sv) < 0 || enter(true, SANDBOX_FUNCTIONS) < 0)
        return NO_SANDBOX;
    bool ok = write(file, octets, 4) == 4 && pread(file, octets, 4, 0) == 4 && fsync(file) == 0 && ftruncate(file, 0) == 0;
    ok = ok && send(sv[0], "x", 1, 0) == 1 && epoll_ctl(ep, EPOLL_CTL_ADD, sv[1], &e) == 0 && epoll_wait(ep, &e, 1, 1000) == 1;
    ok = ok && recv(sv[1], octets, 1, 0) == 1 && getrandom(octets, sizeof octets, 0) == sizeof octets;
    void *p = malloc(8 << 20);
    ok = ok && p && clock_gettime(CLOCK_MONOTONIC, &t) == 0;
    free(p);
    ok = ok && !isatty(null) && errno == ENOTTY; /* stdio asks */
    return ok ? OK : WRONG;
}
static void the_core_goes_on(void **state) { assert_int_equal(child(goes_on, NULL), 0); }

/* A thread that was there before is inside as well. */
struct other {
    _Atomic int go;
    _Atomic int answer;
};
static void *other_run(void *ctx)
{
    struct other *o = ctx;
    while (!atomic_load(&o->go))
        usleep(1000);
    bool out = open("/etc/passwd", O_RDONLY) >= 0 || socket(AF_INET, SOCK_DGRAM, 0) >= 0;
    bool can = prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 1; /* refused by then */
    atomic_store(&o->answer, out || can ? WORKED : REFUSED);
    return NULL;
}
static int threads_too(const void *ctx)
{
    struct other o = {0};
    pthread_t t;
    struct sandbox s;
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, sandbox_signal());
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    if (pthread_create(&t, NULL, other_run, &o))
        return WRONG;
    if (sandbox_enter(&(struct sandbox_conf){.role = SANDBOX_FUNCTIONS}, &s) < 0 || s.threads < 2)
        return NO_SANDBOX;
    atomic_store(&o.go, 1);
    for (int i = 0; i < 3000 && !atomic_load(&o.answer); i++)
        usleep(1000);
    return atomic_load(&o.answer);
}
static void all_threads(void **state)
{
    int s = child(threads_too, NULL);
    assert_true(WIFEXITED(s));
    if (!RELAXED)
        assert_int_equal(WEXITSTATUS(s), REFUSED);
}

static void *deaf_run(void *ctx)
{
    sleep(10);
    return NULL;
}
static int deaf_thread(const void *ctx)
{
    pthread_t t;
    struct sandbox s;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    if (pthread_create(&t, NULL, deaf_run, NULL))
        return WRONG;
    return sandbox_enter(&(struct sandbox_conf){.role = SANDBOX_FUNCTIONS}, &s) == ERR_TIMEOUT ? OK : WRONG;
}
static void a_thread_that_blocks_it(void **state) { assert_int_equal(child(deaf_thread, NULL), 0); }

/* A folder that stays open, and nothing beside it. */
static char folder[] = "/tmp/redoubt-sandbox-XXXXXX";
static int in_folder(const void *ctx)
{
    struct sandbox s;
    char a[64], b[64];
    snprintf(a, sizeof a, "%s/a", folder);
    snprintf(b, sizeof b, "%s/b", folder);
    struct sandbox_conf c = {.role = SANDBOX_FUNCTIONS, .kill = true, .folder = folder};
    if (sandbox_enter(&c, &s) < 0 || !s.calls)
        return NO_SANDBOX;
    int fd = open(a, O_RDWR | O_CREAT | O_EXCL, 0600);
    bool ok = fd >= 0 && write(fd, "x", 1) == 1 && rename(a, b) == 0 && open(b, O_RDONLY) >= 0 && unlink(b) == 0;
    if (s.landlock)
        ok = ok && open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES && try_create() < 0 && errno == EACCES;
    return ok ? OK : WRONG;
}
static void one_folder(void **state)
{
    assert_non_null(mkdtemp(folder));
    assert_int_equal(child(in_folder, NULL), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* ---- another user, and what the keys' process may do ---- */
static int becomes(const void *ctx)
{
    struct sandbox s;
    struct sandbox_conf c = {.role = SANDBOX_FUNCTIONS, .has_user = true, .uid = 65534, .gid = 65534};
    return sandbox_enter(&c, &s) == OK && getuid() == 65534 && geteuid() == 65534 ? OK : WRONG;
}
static void another_user(void **state)
{
    if (geteuid() != 0)
        skip();
    assert_int_equal(child(becomes, NULL), 0);
}
static int keys_role(const void *ctx)
{
    int sv[2];
    uint8_t o[16];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) < 0 || enter(false, SANDBOX_KEYS) < 0)
        return NO_SANDBOX;
    bool ok = write(sv[0], "x", 1) == 1 && read(sv[1], o, 1) == 1 && getrandom(o, sizeof o, 0) == sizeof o;
    ok = ok && epoll_create1(0) < 0 && errno == EPERM && accept(sv[0], NULL, NULL) < 0 && errno == EPERM;
    return ok ? OK : WRONG;
}
static void the_keys_process(void **state) { assert_int_equal(child(keys_role, NULL), 0); }

int main(void)
{
    const struct CMUnitTest tests[] = {unit(refused), unit(killed), unit(parents_and_phones), unit(the_core_goes_on), unit(all_threads),
                                       unit(a_thread_that_blocks_it), unit(one_folder), unit(another_user), unit(the_keys_process)};
    parent = getpid();
    try_unlink(); /* of a run that could */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
