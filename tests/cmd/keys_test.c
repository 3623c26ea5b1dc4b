/* SPDX-License-Identifier: Apache-2.0 */
/* The real core with its keys in another process: phones are authenticated; neither the store nor the core's memory has a
 * subscriber's key or a home network key; and who has taken over the core cannot get at them. */
#include "command.h"
#include "../os/own_netns.h"
#include "os/sandbox.h"
#include "tests/test.h"
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define K   "465B5CE8B199B49FAA5F0A2EE238A6BC"
#define OPC "E8ED289DEBA952E4283B54E88E6183CA"
#define SUPI "imsi-001010000000001"

static const char *binary;
static char folder[64], config_path[96], socket_path[96], store_path[96], seal_path[96], hn_path[96], hn_public[80];
static struct command core, asked, ran;
static bool has_netns;

static void need_netns(void)
{
    if (!has_netns) {
        print_message("skipped: this user may not make network namespaces\n");
        skip();
    }
}
static void config_put(const char *hn_key)
{
    FILE *f = fopen(config_path, "w");
    assert_non_null(f);
    fprintf(f,
            "udr: {path: %s}\ncontrol: {socket: %s, metrics: \"\"}\nprocess: {sandbox_kill: true}\n"
            "udm:\n  keys: separate\n  seal_file: %s\n  home_network_keys: [{id: 1, profile: A, %s: %s}]\n",
            store_path, socket_path, seal_path, hn_key ? "key" : "file", hn_key ? hn_key : hn_path);
    fclose(f);
}
static void core_start(void)
{
    const char *const argv[] = {binary, "run", "-c", config_path, NULL};
    command_start(&core, argv);
}
static void subscriber_add(const char *imsi, bool knows_config)
{
    assert_int_equal(command_run(&asked, binary, "subscriber", "add", "--imsi", imsi, "--k", K, "--opc", OPC,
                                 knows_config ? "-c" : "--store", knows_config ? config_path : store_path, NULL), 0);
}
static int status(const char *what)
{
    return command_run(&asked, binary, "status", what, "--socket", socket_path, NULL);
}
static pid_t keys_pid(void)
{
    assert_int_equal(command_run(&asked, binary, "status", "--socket", socket_path, NULL), 0);
    const char *at = strstr(asked.out, "keys: held by process ");
    assert_non_null(at);
    return (pid_t)strtol(at + strlen("keys: held by process "), NULL, 10);
}

/* ---- what somebody finds ---- */
struct secret {
    uint8_t octets[32];
    size_t n;
};
static struct secret secret_of(const char *hex)
{
    struct secret s = {.n = strlen(hex) / 2};
    assert_true(hex_get(s.octets, s.n, str_of(hex)));
    return s;
}
static bool file_has(const char *path, const void *what, size_t n)
{
    static uint8_t text[4 << 20];
    FILE *f = fopen(path, "r");
    size_t k = f ? fread(text, 1, sizeof text, f) : 0;
    if (f)
        fclose(f);
    return memmem(text, k, what, n) != NULL;
}
/* All memory of a process that can be written, by who may look into it. */
static bool memory_has(pid_t pid, const void *what, size_t n)
{
    enum { ROOM = 1 << 20 };
    static uint8_t text[ROOM];
    char path[64], line[512];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int fd = open(path, O_RDONLY);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    assert_true(fd >= 0 && maps);
    while (!found && fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r' || rights[1] != 'w' || to - from > 1ul << 30)
            continue;
        for (unsigned long at = from; !found && at < to; at += ROOM - 64) {
            ssize_t k = pread(fd, text, to - at < ROOM ? to - at : ROOM, (off_t)at);
            found = k > 0 && memmem(text, (size_t)k, what, n);
        }
    }
    fclose(maps);
    close(fd);
    return found;
}

static void nothing_to_find(void **state)
{
    need_netns();
    config_put(NULL);
    subscriber_add("001010000000001", false); /* lies open until the core starts */
    struct secret k = secret_of(K), opc = secret_of(OPC);
    assert_true(file_has(store_path, k.octets, k.n));
    subscriber_add("001010000000002", true);
    core_start();
    assert_true(command_read(&core, "ready start_ms=", 20));
    const char *const argv[] = {binary, "ran", "--ues", "2", "--hn-key", hn_public, NULL};
    command_start(&ran, argv);
    bool all = false;
    for (double end = command_now() + 15; !all && command_now() < end;) {
        command_read(&ran, "never said", 0.2);
        const char *first = strstr(ran.out, "ran_session_up");
        all = first && strstr(first + 1, "ran_session_up");
    }
    assert_true(all);
    assert_int_equal(status("udm"), 0);
    assert_non_null(strstr(asked.out, "2 vectors"));
    assert_non_null(strstr(asked.out, "2 revealed"));

    char wal[128];
    snprintf(wal, sizeof wal, "%s-wal", store_path);
    assert_true(file_has(store_path, SUPI, strlen(SUPI)));
    assert_false(file_has(store_path, k.octets, k.n) || file_has(store_path, opc.octets, opc.n));
    assert_false(file_has(wal, k.octets, k.n) || file_has(wal, opc.octets, opc.n));
    if (geteuid() == 0) {
        assert_true(memory_has(core.pid, SUPI, strlen(SUPI))); /* we look in the right place */
        assert_false(memory_has(core.pid, k.octets, 12));
        assert_false(memory_has(core.pid, opc.octets, 12));
        static char pem[4096], seal[128];
        FILE *f = fopen(seal_path, "r");
        assert_true(f && fread(seal, 1, 64, f) == 64);
        fclose(f);
        struct secret s = secret_of(seal);
        assert_true(memory_has(keys_pid(), s.octets, s.n)); /* where it belongs */
        assert_false(memory_has(core.pid, s.octets, s.n));
        assert_false(memory_has(core.pid, seal, 64));
        f = fopen(hn_path, "r");
        size_t n = f ? fread(pem, 1, sizeof pem - 1, f) : 0;
        fclose(f);
        char *line = memchr(pem, '\n', n);
        assert_non_null(line);
        assert_false(memory_has(core.pid, line + 1, 40));
    }
    kill(ran.pid, SIGTERM);
    command_end(&ran, 10);
}

/* ---- who has taken over the core: its sandbox, and then the same without the filter of system calls ---- */
struct target {
    pid_t pid;
    bool all_calls;
};
static bool opens(const char *path) { return open(path, O_RDONLY) >= 0; }
static bool opens_proc(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return opens(path);
}
/* 0: nothing worked; else which. */
static int intrude(const struct target *t)
{
    struct sandbox s;
    uint8_t here[64];
    struct iovec to = {here, sizeof here}, from = {(void *)&binary, sizeof here};
    if (sandbox_enter(&(struct sandbox_conf){.role = SANDBOX_FUNCTIONS, .all_calls = t->all_calls}, &s) < 0)
        return 100;
    if (t->all_calls && !s.landlock)
        return 0; /* a kernel without it has the filter alone */
    bool worked[] = {opens(seal_path), opens(hn_path), opens(store_path), opens_proc(t->pid, "mem"), opens_proc(t->pid, "environ"),
                     opens_proc(t->pid, "fd/3"), ptrace(PTRACE_ATTACH, t->pid, NULL, NULL) == 0,
                     process_vm_readv(t->pid, &to, 1, &from, 1, 0) >= 0, rename(seal_path, hn_path) == 0, unlink(seal_path) == 0,
                     kill(t->pid, SIGKILL) == 0};
    for (size_t i = 0; i < ARRAY_LEN(worked); i++)
        if (worked[i])
            return (int)i + 1;
    return 0;
}
static int intruder(pid_t pid, bool all_calls)
{
    int st = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(intrude(&(struct target){pid, all_calls}));
    assert_int_equal(waitpid(child, &st, 0), child);
    return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + st;
}
static void nothing_to_take(void **state)
{
    need_netns();
    pid_t pid = keys_pid();
    int listed = intruder(pid, false), all = intruder(pid, true);
#if defined(__SANITIZE_ADDRESS__)
    listed = all = 0; /* the sanitizer has more system calls, and files */
#endif
    assert_int_equal(listed, 0);
    assert_int_equal(all, 0);
    assert_int_equal(keys_pid(), pid);
}

/* ---- the rest ---- */
static void without_it_there_is_no_core(void **state)
{
    need_netns();
    kill(keys_pid(), SIGKILL);
    assert_int_equal(command_end(&core, 10), 1);
    assert_non_null(strstr(core.err, "keys_lost"));
    core_start(); /* and it starts again */
    assert_true(command_read(&core, "ready start_ms=", 20));
    kill(core.pid, SIGTERM);
    assert_int_equal(command_end(&core, 10), 0);
}

static void subscribers_go_on(void **state)
{
    char exported[96];
    need_netns();
    /* the store itself says that it is sealed, whatever the configuration says */
    char seal_set[128];
    snprintf(seal_set, sizeof seal_set, "udm.seal_file=%s", seal_path);
    assert_int_equal(command_run(&asked, binary, "subscriber", "add", "--imsi", "001010000000003", "--k", K, "--opc", OPC, "--store",
                                 store_path, "--set", seal_set, NULL), 0);
    struct secret k = secret_of(K);
    assert_false(file_has(store_path, k.octets, k.n));
    assert_int_equal(command_run(&asked, binary, "subscriber", "show", "001010000000003", "-c", config_path, NULL), 0);
    assert_non_null(strstr(asked.out, "MILENAGE, sealed"));
    assert_int_equal(command_run(&asked, binary, "subscriber", "list", "-c", config_path, NULL), 0);
    assert_non_null(strstr(asked.out, "3 of 3 subscribers"));
    snprintf(exported, sizeof exported, "%s/exported", folder);
    assert_int_equal(command_run(&asked, binary, "subscriber", "export", "--with-keys", "--output", exported, "-c", config_path, NULL), 0);
    assert_true(file_has(exported, "001010000000003,465b5ce8b199b49faa5f0a2ee238a6bc,", 49));
    assert_int_equal(command_run(&asked, binary, "subscriber", "add", "--imsi", "001010000000004", "--k", K, "--opc", OPC, "--store",
                                 store_path, "--set", "udm.seal_file=/nix", NULL), 1);
    assert_non_null(strstr(asked.err, "the store is sealed: udm.seal_file /nix: "));
}

static void refused(const char *says)
{
    core_start();
    assert_int_equal(command_end(&core, 10), 1);
    if (!strstr(core.err, says))
        print_message("%s\n", core.err);
    assert_non_null(strstr(core.err, says));
}
static void cannot_start(void **state)
{
    need_netns();
    config_put("c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d");
    refused("one that stands in the configuration is known to the core");
    config_put(NULL);
    char set[128];
    snprintf(set, sizeof set, "trust.evidence=%s", folder);
    const char *const argv[] = {binary, "run", "-c", config_path, "--set", "trust.mode=observe", "--set", set, NULL};
    command_start(&core, argv);
    assert_int_equal(command_end(&core, 10), 1);
    assert_non_null(strstr(core.err, "lies in it, which the core could read"));
    FILE *f = fopen(seal_path, "w");
    fprintf(f, "%064d\n", 1);
    fclose(f);
    refused("the store is sealed with another key");
    unlink(seal_path);
    refused("udm.seal_file");
}

static int setup(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/redoubt-keys-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(config_path, sizeof config_path, "%s/c.yaml", folder);
    snprintf(socket_path, sizeof socket_path, "%s/s", folder);
    snprintf(store_path, sizeof store_path, "%s/r.db", folder);
    snprintf(seal_path, sizeof seal_path, "%s/seal.key", folder);
    snprintf(hn_path, sizeof hn_path, "%s/hn.pem", folder);
    if (command_run(&asked, binary, "subscriber", "keygen", "--profile", "A", "--id", "1", "--output", hn_path, NULL) != 0)
        return -1;
    const char *at = strstr(asked.out, "identifier 1):\n");
    if (!at)
        return -1;
    snprintf(hn_public, sizeof hn_public, "%.64s", at + strlen("identifier 1):\n"));
    has_netns = own_netns();
    return 0;
}
static int teardown(void **state)
{
    return command_run(&asked, "/bin/rm", "-r", folder, NULL);
}

int main(int argc, char **argv)
{
    binary = argc > 1 ? argv[1] : "";
    const struct CMUnitTest tests[] = {unit(nothing_to_find), unit(nothing_to_take), unit(without_it_there_is_no_core),
                                       unit(subscribers_go_on), unit(cannot_start)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
