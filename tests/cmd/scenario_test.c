/* SPDX-License-Identifier: Apache-2.0 */
/* redoubt ran --scenario: a scenario against the real core, over the loopback of a network namespace of the test's own. */
#include "command.h"
#include "../os/own_netns.h"
#include "tests/test.h"

static const char *binary, *folder;
static char place[64], socket_set[160], store_set[160], store_path[96], config_path[96], script_path[96];
static struct command core, asked;
static bool has_netns, has_subscribers;

static void needs_netns(void)
{
    if (has_netns)
        return;
    print_message("skipped: this user may not make network namespaces\n");
    skip();
}
static void core_start(void)
{
    const char *const argv[] = {binary, "run", "-c", config_path, "--set", socket_set, "--set", store_set, NULL};
    command_start(&core, argv);
    assert_true(command_read(&core, "ready start_ms=", 20));
    for (int i = 1; i <= 2 && !has_subscribers; i++) {
        char imsi[32];
        snprintf(imsi, sizeof imsi, "00101000000000%d", i);
        assert_int_equal(command_run(&asked, binary, "subscriber", "add", "--imsi", imsi, "--k", "465B5CE8B199B49FAA5F0A2EE238A6BC",
                                     "--opc", "E8ED289DEBA952E4283B54E88E6183CA", "--store", store_path, NULL), 0);
    }
    has_subscribers = true;
}
static void script(const char *text)
{
    FILE *f = fopen(script_path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}
static int goes(const char *path) { return command_run(&asked, binary, "ran", "--scenario", path, NULL); }

/* Files of the simulation, of those that ping nobody: there is no data network here. */
static void the_same_files(void **state)
{
    static const char *const names[] = {"registration_wrong_key", "registration_no_algorithm", "registration_sync_failure",
                                        "registration_other_slice"};
    char path[256];
    needs_netns();
    core_start();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s.scenario", folder, names[i]);
        if (goes(path) != 0)
            fail_msg("%s: %s%s", names[i], asked.out, asked.err);
    }
    script("ue 1 lose next RegistrationAccept\nue 1 register\nexpect n1 RegistrationAccept == 2 within 8s\nexpect ue 1 registered\n"
           "ue 1 repeat next ULNASTransport; ue 1 open session; expect ue 1 session 1 up\n"
           "ue 1 idle; expect ue 1 idle; ue 1 service; expect ue 1 session 1 up\nexpect metric retransmissions == 1\n");
    if (goes(script_path) != 0)
        fail_msg("%s%s", asked.out, asked.err);
    assert_non_null(strstr(asked.out, ":7: passed over, this core cannot be looked into: expect metric"));
    kill(core.pid, SIGTERM);
    assert_int_equal(command_end(&core, 10), 0);
}
static void what_fails_is_said(void **state)
{
    needs_netns();
    core_start();
    script("ues 2\nue 2 has wrong-key\nue 1 register; ue 2 register\nexpect ue 1 registered\nexpect n1 AuthenticationReject == 1 within 30s\n"
           "expect ue 2 deregistered\nexpect n1 RegistrationAccept 5GMMcause == 3 within 1s\n");
    assert_int_equal(goes(script_path), 2); /* no such field */
    assert_non_null(strstr(asked.err, ":7: '5GMMcause' is no field of that message"));
    script("ues 2\nue 2 has wrong-key\nue 1 register; ue 2 register\nexpect ue 1 registered\nexpect n1 AuthenticationReject == 1 within 30s\n"
           "expect ue 2 deregistered\nexpect ue 2 registered within 1s\n");
    assert_int_equal(goes(script_path), 1);
    assert_non_null(strstr(asked.out, ":7: expect ue 2 registered within 1s: after 1.0 s it is deregistered"));
    script("ue 1 register\ncore kill\n");
    assert_int_equal(goes(script_path), 2);
    assert_non_null(strstr(asked.err, ":2: 'core kill' is possible in simulation alone"));
    kill(core.pid, SIGTERM);
    assert_int_equal(command_end(&core, 10), 0);
}
static int setup(void **state)
{
    strcpy(place, "/tmp/redoubt-scenario-XXXXXX");
    if (!mkdtemp(place))
        return -1;
    snprintf(config_path, sizeof config_path, "%s/c.yaml", place);
    snprintf(script_path, sizeof script_path, "%s/it.scenario", place);
    snprintf(store_path, sizeof store_path, "%s/store/r.db", place);
    snprintf(socket_set, sizeof socket_set, "control.socket=%s/control.sock", place);
    snprintf(store_set, sizeof store_set, "udr.path=%s", store_path);
    FILE *f = fopen(config_path, "w");
    if (f)
        fclose(f);
    has_netns = own_netns();
    return f ? 0 : -1;
}
static int teardown(void **state)
{
    return command_run(&asked, "/bin/rm", "-r", place, NULL);
}
int main(int argc, char **argv)
{
    binary = argc > 1 ? argv[1] : "";
    folder = argc > 2 ? argv[2] : "tests/sim";
    const struct CMUnitTest tests[] = {unit(the_same_files), unit(what_fails_is_said)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
