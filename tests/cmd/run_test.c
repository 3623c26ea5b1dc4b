/* SPDX-License-Identifier: Apache-2.0 */
/* redoubt run with the default configuration in a network namespace of the test's own: it gets ready, answers, reads
 * its configuration again, and ends when told. What it cannot start it explains, and leaves nothing behind. */
#include "command.h"
#include "../os/own_netns.h"
#include "tests/test.h"
#include <dirent.h>
#include <netinet/in.h>
#include <sys/stat.h>

static const char *binary;
static char folder[64], socket_set[160], store_set[160], config_path[96], socket_path[96];
static struct command core, asked;
static bool has_netns;

static void need_netns(void)
{
    if (!has_netns) {
        print_message("skipped: this user may not make network namespaces\n");
        skip();
    }
}
static void file_put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}
static void core_start(const char *extra)
{
    const char *const argv[] = {binary, "run", "-c", config_path, "--set", socket_set, "--set", store_set, "--set", "process.sandbox_kill=true",
                                extra ? "--set" : NULL, extra, NULL};
    command_start(&core, argv);
}
static int ask(const char *what, const char *name, const char *option)
{
    return command_run(&asked, binary, what, "--socket", socket_path, name ? name : option, name ? option : NULL, NULL);
}

static void http_get(char *answer, size_t cap)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9090), .sin_addr = {htonl(0x7f000001)}};
    static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
    size_t n = 0;
    for (ssize_t k; n + 1 < cap && (k = read(fd, answer + n, cap - 1 - n)) > 0;)
        n += (size_t)k;
    answer[n] = 0;
    close(fd);
}

static void lives(void **state)
{
    static char answer[200000];
    struct stat s;
    need_netns();
    file_put(config_path, "");
    core_start(NULL);
    assert_true(command_read(&core, "ready start_ms=", 10));
    assert_int_equal(ask("status", NULL, NULL), 0);
    assert_non_null(strstr(asked.out, "redoubt: up for "));
    assert_non_null(strstr(asked.out, "0 gNBs in service, 0 phones registered"));
    assert_int_equal(ask("status", "amf", "--json"), 0);
    assert_memory_equal(asked.out, "{\"functions\":{\"amf\":[", 21);
    assert_int_equal(ask("status", NULL, "--json"), 0);
    assert_non_null(strstr(asked.out, "\"pdu_sessions\":0,"));
    assert_int_equal(ask("status", "guard", NULL), 0);
    assert_string_equal(asked.out, "\nguard\n  no findings since the start\n");
    assert_int_equal(ask("status", "nix", NULL), 1);
    assert_string_equal(asked.err, "redoubt: no function 'nix' runs here\n");
    assert_int_equal(ask("trace", "--ue", "imsi-001010000000001"), 1);
    assert_string_equal(asked.err, "redoubt: no phone with this identity has a PDU session\n");
    assert_int_equal(ask("trace", NULL, NULL), 2);
    assert_int_equal(ask("metrics", NULL, NULL), 0);
    assert_non_null(strstr(asked.out, "process_resident_memory_bytes "));
    http_get(answer, sizeof answer);
    assert_non_null(strstr(answer, "200 OK"));
    assert_non_null(strstr(answer, "# TYPE redoubt_amf_gnbs_connected gauge\n"));
    assert_int_equal(stat(socket_path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);

    /* a second core at the same socket */
    static struct command second;
    const char *const argv[] = {binary, "run", "-c", config_path, "--set", socket_set, "--set", store_set, "--set", "process.sandbox_kill=true", "--set",
                                "control.metrics=", "--set", "amf.n2_addresses=[127.0.0.77]", "--set",
                                "smf.n4_address=127.0.0.78", "--set", "network.nfs=[nrf]", NULL};
    command_start(&second, argv);
    assert_int_equal(command_end(&second, 10), 1);
    assert_non_null(strstr(second.err, "another core answers there"));

    /* SIGHUP: what can change does, what cannot is told, what is wrong is refused */
    file_put(config_path, "control: {log_level: debug}\namf: {n2_port: 5}\n");
    kill(core.pid, SIGHUP);
    assert_true(command_read(&core, "amf.n2_port changed: it takes effect at the next start", 5));
    assert_int_equal(ask("status", NULL, NULL), 0);
    assert_true(command_read(&core, "control_client asked=status", 5));
    file_put(config_path, "amf: {n2_prt: 5}\n");
    kill(core.pid, SIGHUP);
    assert_true(command_read(&core, "config_refused", 5));
    assert_true(command_read(&core, "did you mean 'n2_port'?", 5));
    assert_int_equal(ask("status", NULL, NULL), 0);

    kill(core.pid, SIGTERM);
    assert_int_equal(command_end(&core, 10), 0);
    assert_non_null(strstr(core.err, " stopped uptime_s="));
    assert_int_equal(stat(socket_path, &s), -1);
    assert_int_equal(ask("status", NULL, NULL), 1);
}

/* A line of each thread's status. */
static void each_thread(pid_t pid, const char *line)
{
    char path[64], text[4096];
    uint32_t n = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *t; (t = readdir(d));) {
        if (t->d_name[0] == '.')
            continue;
        char file[400];
        snprintf(file, sizeof file, "%s/%s/status", path, t->d_name);
        FILE *f = fopen(file, "r");
        assert_non_null(f);
        text[fread(text, 1, sizeof text - 1, f)] = 0;
        fclose(f);
        if (!strstr(text, line))
            print_message("thread %s: not %s\n", t->d_name, line);
        assert_non_null(strstr(text, line));
        n++;
    }
    closedir(d);
    assert_true(n >= 2);
}
/* What it gave away, and what it goes on doing without: a log that is rotated, its configuration, its end. */
static void gives_rights_away(void **state)
{
    char set[160], log[128], rotated[140];
    struct stat s;
    need_netns();
    snprintf(log, sizeof log, "%s/log", folder);
    snprintf(rotated, sizeof rotated, "%s.1", log);
    snprintf(set, sizeof set, "control.log_file=%s", log);
    file_put(config_path, "");
    core_start(set);
    assert_true(command_read(&core, "ready start_ms=", 10));
    each_thread(core.pid, "CapEff:\t0000000000000000");
    each_thread(core.pid, "CapBnd:\t0000000000000000");
    each_thread(core.pid, "NoNewPrivs:\t1");
    each_thread(core.pid, "Seccomp:\t2");
    assert_int_equal(ask("status", NULL, NULL), 0);
    assert_non_null(strstr(asked.out, "sandbox: no capabilities, "));
    assert_non_null(strstr(asked.out, "system calls by list"));
    assert_int_equal(rename(log, rotated), 0);
    file_put(config_path, "control: {log_level: debug}\n");
    kill(core.pid, SIGHUP);
    for (int i = 0; i < 100 && stat(log, &s) < 0; i++)
        usleep(20000);
    assert_int_equal(stat(log, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    kill(core.pid, SIGTERM);
    assert_int_equal(command_end(&core, 10), 0);
    assert_int_equal(stat(socket_path, &s), -1);
    assert_int_equal(stat(log, &s), 0);
    assert_true(s.st_size > 0);
    unlink(log);
    unlink(rotated);
}
static void keeps_them_if_told(void **state)
{
    need_netns();
    file_put(config_path, "");
    core_start("process.unsafe_no_sandbox=true");
    assert_true(command_read(&core, "ready start_ms=", 10));
    assert_int_equal(ask("status", NULL, NULL), 0);
    assert_non_null(strstr(asked.out, "sandbox: off (process.unsafe_no_sandbox)"));
    assert_true(command_read(&core, "unsafe_no_sandbox is on", 5));
    kill(core.pid, SIGTERM);
    assert_int_equal(command_end(&core, 10), 0);
}
static void another_user(void **state)
{
    need_netns();
    if (geteuid() != 0)
        skip();
    file_put(config_path, "");
    core_start("process.user=nobody");
    assert_true(command_read(&core, "ready start_ms=", 10));
    each_thread(core.pid, "Uid:\t65534\t65534\t65534\t65534");
    each_thread(core.pid, "Groups:\t \n");
    assert_int_equal(ask("status", NULL, NULL), 0);
    assert_non_null(strstr(asked.out, ", user nobody;"));
    kill(core.pid, SIGTERM);
    assert_int_equal(command_end(&core, 10), 0);
}

static void starts_again_after_a_kill(void **state)
{
    need_netns();
    file_put(config_path, "");
    core_start(NULL);
    assert_true(command_read(&core, "ready start_ms=", 10));
    kill(core.pid, SIGKILL);
    command_end(&core, 5);
    core_start(NULL);
    assert_true(command_read(&core, "ready start_ms=", 10));
    kill(core.pid, SIGINT);
    assert_int_equal(command_end(&core, 10), 0);
}

/* Evidence of a running core verifies at any time, goes on from within the sandbox, after a kill and after a stop. */
static void keeps_evidence(void **state)
{
    static struct command other;
    char evidence[160], key[160], key_path[96], log_path[96];
    int before = 0, entries = 0, is_signed = 0;
    bool all = false;
    need_netns();
    snprintf(key_path, sizeof key_path, "%s/log.key", folder);
    snprintf(log_path, sizeof log_path, "%s/evidence", folder);
    snprintf(evidence, sizeof evidence, "trust.evidence=%s", log_path);
    snprintf(key, sizeof key, "trust.evidence_key=%s", key_path);
    file_put(config_path, "");
    assert_int_equal(command_run(&other, binary, "trust", "evidence", "keygen", "--name", "evidence.example/core", "--output", key_path, NULL), 0);
    const char *const argv[] = {binary, "run", "-c", config_path, "--set", socket_set, "--set", store_set, "--set", "process.sandbox_kill=true",
                                "--set", evidence, "--set", key, "--set", "trust.mode=observe", NULL};
    for (int life = 0; life < 3; life++) {
        command_start(&core, argv);
        assert_true(command_read(&core, "ready start_ms=", 10));
        assert_int_equal(command_run(&other, binary, "trust", "policy", "apply", "--yes", "-c", config_path, "--set", socket_set, NULL), 0);
        for (int tries = 0; tries < 100; tries++) { /* within a second or so it is signed */
            assert_int_equal(command_run(&other, binary, "trust", "evidence", "verify", log_path, "--key", key_path, "--json", NULL), 0);
            int n = sscanf(other.out, "{\"ok\":true,\"entries\":%d,\"signed\":%d,", &entries, &is_signed);
            all = n == 2 && is_signed == entries && entries >= before + 2; /* the start and the change; decisions on N4 and others too */
            if (all)
                break;
            usleep(100000);
        }
        assert_true(all);
        before = entries;
        assert_int_equal(command_run(&other, binary, "trust", "evidence", "add", "--dir", log_path, "--key", key_path, "--subject", "s", "b", NULL), 1);
        assert_non_null(strstr(other.err, "a core or another command writes there"));
        kill(core.pid, life == 2 ? SIGTERM : SIGKILL);
        command_end(&core, 10);
    }
    assert_int_equal(command_run(&other, binary, "trust", "evidence", "list", "--dir", log_path, "--kind", "change", NULL), 0);
    assert_non_null(strstr(other.out, "  change    policy  {"));
    assert_int_equal(command_run(&other, "/bin/rm", "-r", log_path, key_path, NULL), 0);
}

static void refused(const char *set, const char *says)
{
    core_start(set);
    int status = command_end(&core, 10);
    if (status != 1 || !strstr(core.err, says))
        print_message("%s: %d\n%s\n", set, status, core.err);
    assert_int_equal(status, 1);
    assert_non_null(strstr(core.err, says));
    assert_null(strstr(core.out, "ready"));
    assert_int_equal(access(socket_path, F_OK), -1);
}
static void cannot_start(void **state)
{
    char path[128];
    need_netns();
    file_put(config_path, "");
    refused("amf.n2_addresses=[10.11.12.13]", "amf could not start");
    refused("control.metrics=10.11.12.13:9090", "control.metrics 10.11.12.13:9090: ");
    refused("control.socket=/proc/nix/s", "control.socket /proc/nix/s: ");
    refused("control.log_file=/proc/nix/log", "log file /proc/nix/log: ");
    refused("process.user=nobody-of-this-name", "process.user nobody-of-this-name: no such user");
    refused("udr.path=/proc/nix/db", "udr.path /proc/nix/db: its folder could not be made");
    snprintf(path, sizeof path, "%s/not-a-store", folder);
    file_put(path, "this is no SQLite file, and long enough to be read as one: it has more than a hundred octets, all of them text");
    char set[256];
    snprintf(set, sizeof set, "udr.path=%s", path);
    refused(set, "udr.path ");
}

static int setup(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/redoubt-run-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(socket_path, sizeof socket_path, "%s/control.sock", folder);
    snprintf(config_path, sizeof config_path, "%s/c.yaml", folder);
    snprintf(socket_set, sizeof socket_set, "control.socket=%s", socket_path);
    snprintf(store_set, sizeof store_set, "udr.path=%s/store/r.db", folder);
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
    const struct CMUnitTest tests[] = {unit(lives), unit(gives_rights_away), unit(keeps_them_if_told), unit(another_user),
                                       unit(starts_again_after_a_kill), unit(keeps_evidence), unit(cannot_start)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
