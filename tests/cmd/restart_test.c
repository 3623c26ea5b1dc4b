/* SPDX-License-Identifier: Apache-2.0 */
/* The real core is killed with phones on it and started again, in a network namespace of the test's own: they are
 * registered still, go on by a service request, and have their addresses. */
#include "command.h"
#include "../os/own_netns.h"
#include "tests/test.h"
#include <sys/socket.h>
#include <sys/un.h>

static const char *binary;
static char folder[64], socket_set[160], store_set[160], store_path[96], config_path[96], socket_path[96], ran_path[96];
static struct command core, ran, asked;
static bool has_netns;

static void core_start(void)
{
    const char *const argv[] = {binary, "run", "-c", config_path, "--set", socket_set, "--set", store_set, "--set", "process.sandbox_kill=true", NULL};
    command_start(&core, argv);
    assert_true(command_read(&core, "ready start_ms=", 20));
}
static void subscriber(const char *imsi)
{
    assert_int_equal(command_run(&asked, binary, "subscriber", "add", "--imsi", imsi, "--k",
                                 "465B5CE8B199B49FAA5F0A2EE238A6BC", "--opc", "E8ED289DEBA952E4283B54E88E6183CA",
                                 "--store", store_path, NULL), 0);
}
static void ran_ask(const char *what, char *answer, size_t cap)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = 0;
    snprintf(to.sun_path, sizeof to.sun_path, "%s", ran_path);
    answer[0] = 0;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && dprintf(fd, "%s\n", what) > 0)
        for (ssize_t k; n + 1 < cap && (k = read(fd, answer + n, cap - 1 - n)) > 0;)
            n += (size_t)k;
    answer[n] = 0;
    close(fd);
}
static bool ran_says(const char *text, double seconds)
{
    static char answer[4096];
    for (double end = command_now() + seconds; command_now() < end; usleep(50000)) {
        ran_ask("status", answer, sizeof answer);
        if (strstr(answer, text))
            return true;
    }
    print_message("%s", answer);
    return false;
}

/* The gNB finds out first that its association is gone, and makes another. */
static void goes_on(int phone)
{
    char answer[256], ask[32], says[80];
    snprintf(ask, sizeof ask, "service %d", phone);
    snprintf(says, sizeof says, "phone %d: registered, connected as", phone);
    for (double end = command_now() + 20; command_now() < end; usleep(100000)) {
        ran_ask(ask, answer, sizeof answer);
        if (strncmp(answer, "ok", 2) == 0 && strstr(core.err, "ng_setup_done") && ran_says(says, 1))
            return;
        command_read(&core, "ng_setup_done", 1);
    }
    fail_msg("phone %d does not go on: %s", phone, answer);
}

static void killed(void **state)
{
    if (!has_netns) {
        print_message("skipped: this user may not make network namespaces\n");
        skip();
    }
    core_start();
    subscriber("001010000000001");
    subscriber("001010000000002");
    const char *const argv[] = {binary, "ran", "--ues", "2", "--control", ran_path, NULL};
    command_start(&ran, argv);
    assert_true(ran_says("phone 1: registered, connected as", 20));
    assert_true(ran_says("phone 2: registered, connected as", 20));
    usleep(200000); /* some commits */
    for (int i = 0; i < 3; i++) {
        kill(core.pid, i == 2 ? SIGTERM : SIGKILL);
        command_end(&core, 10);
        core_start();
        assert_true(command_read(&core, "store_restored phones=2 sessions=2", 5));
        goes_on(1);
        goes_on(2);
        assert_true(ran_says("session 1 internet 10.45.0.2", 1) && ran_says("session 1 internet 10.45.0.3", 1));
        assert_true(ran_says("registrations 2; sessions 2; failures 0", 1)); /* none anew */
        assert_null(strstr(core.err, "ue_service_rejected"));
        usleep(200000);
    }
    kill(ran.pid, SIGTERM);
    command_end(&ran, 10);
    kill(core.pid, SIGTERM);
    assert_int_equal(command_end(&core, 10), 0);
}

static int setup(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/redoubt-restart-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(socket_path, sizeof socket_path, "%s/control.sock", folder);
    snprintf(ran_path, sizeof ran_path, "%s/ran.sock", folder);
    snprintf(config_path, sizeof config_path, "%s/c.yaml", folder);
    snprintf(store_path, sizeof store_path, "%s/store/r.db", folder);
    snprintf(socket_set, sizeof socket_set, "control.socket=%s", socket_path);
    snprintf(store_set, sizeof store_set, "udr.path=%s", store_path);
    FILE *f = fopen(config_path, "w");
    if (f)
        fclose(f);
    has_netns = own_netns();
    return f ? 0 : -1;
}
static int teardown(void **state)
{
    return command_run(&asked, "/bin/rm", "-r", folder, NULL);
}

int main(int argc, char **argv)
{
    binary = argc > 1 ? argv[1] : "";
    const struct CMUnitTest tests[] = {unit(killed)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
