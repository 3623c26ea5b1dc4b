/* SPDX-License-Identifier: Apache-2.0 */
/* redoubt trust policy: list, check, explain, diff, and apply against a running core that may open no files. */
#include "command.h"
#include "tests/test.h"

static const char *binary;
static struct command c, core;
static char folder[] = "/tmp/redoubt-policy-XXXXXX", store[64], own[64], config[64], socket_path[64];
#define DO(...) command_run(&c, binary, "trust", "policy", __VA_ARGS__, "--store", store, NULL)

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}
#define OWN "id: own\nnation: GB\ntitle: ours\nstanding: own\ncitation: \"Act 1\"\nchecked: 2026-01-01\n"

static void lists(void **state)
{
    assert_int_equal(DO("list"), 0);
    assert_non_null(strstr(c.out, "uk-dvd-huawei "));
    assert_non_null(strstr(c.out, "3 rules, 3 decide, 3 seen in a source  Public-law contracts of July 2024"));
    assert_int_equal(DO("list", "-v"), 0);
    assert_non_null(strstr(c.out, "    core: No critical component of Huawei or ZTE is in a 5G core\n      deny, removed by 2026-12-31; seen, checked"));
    assert_int_equal(DO("lst"), 2);
}
static void checks(void **state)
{
    write_file(own, OWN "rules:\n  - {id: a, says: x, sure: seen, decision: deny, functions: [gnbb]}\n");
    assert_int_equal(DO("check", "uk-dvd-huawei", own), 2);
    assert_non_null(strstr(c.err, "own.yaml:8: found function 'gnbb', expected a function class; did you mean 'gnb'?"));
    write_file(own, OWN "overrides:\n  - {rule: uk-dvd-huawei/cor, reason: r, citation: c, off: true}\n");
    assert_int_equal(DO("check", "uk-dvd-huawei", own), 2);
    assert_non_null(strstr(c.err, "own.yaml:8: found rule 'uk-dvd-huawei/cor', expected one of the files read; did you mean 'uk-dvd-huawei/core'?"));
    assert_int_equal(DO("check", "uk-dvd-huawie"), 2);
    assert_non_null(strstr(c.err, "did you mean 'uk-dvd-huawei'?"));
    assert_int_equal(DO("check", "pl"), 0);
    assert_non_null(strstr(c.out, "list pl-high-risk names nobody"));
    assert_non_null(strstr(c.out, "the inventory is empty"));
}
static void explains(void **state)
{
    assert_int_equal(command_run(&c, binary, "trust", "synth", "--sites", "60", "--suppliers", "Huawei:CN:40,Nordtel:SE:60", "--import", "--store", store, NULL), 0);
    assert_int_equal(DO("explain", "huawei", "uk-dvd-huawei", "--at", "2028-01-01"), 0);
    assert_non_null(strstr(c.out, "deny by uk-dvd-huawei/all-5g (Communications Act 2003"));
    assert_non_null(strstr(c.out, "(synthetic)"));
    char element[64] = "";
    const char *at = strstr(c.out, "not permitted, such as ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "not permitted, such as %63s", element), 1);
    assert_int_equal(DO("explain", element, "uk-dvd-huawei", "--at", "2028-01-01", "--json"), 0);
    assert_non_null(strstr(c.out, "\"permitted\":false,\"verdict\":\"deny\""));
    assert_non_null(strstr(c.out, "\"rule\":\"all-5g\""));
    assert_int_equal(DO("explain", "nobody", "uk-dvd-huawei"), 1);
    assert_int_equal(DO("explain"), 2);
    write_file(own, OWN "overrides:\n  - {rule: uk-dvd-huawei/all-5g, reason: \"later\", citation: \"Act 2\", remove_by: 2030-12-31}\n");
    char both[128];
    snprintf(both, sizeof both, "uk-dvd-huawei,%s", own);
    assert_int_equal(DO("diff", "uk-dvd-huawei", both, "--at", "2028-06-01"), 0);
    assert_non_null(strstr(c.out, "! uk-dvd-huawei/all-5g"));
    assert_non_null(strstr(c.out, "lose their permission"));
    assert_int_equal(DO("diff", "uk-dvd-huawei"), 2);
}

static void applies(void **state)
{
    char text[1024];
    write_file(own, OWN);
    snprintf(text, sizeof text,
             "udr: {path: %s}\nnetwork: {nfs: [nrf, udr, udm, ausf, pcf, nssf, smf, amf]}\namf: {n2_addresses: [127.0.0.97], n2_port: 38497, sctp: userspace}\n"
             "smf: {n4_address: \"127.0.0.97\"}\ncontrol: {socket: %s, metrics: \"\"}\ntrust: {mode: enforce, policies: [de, %s]}\n",
             store, socket_path, own);
    write_file(config, text);
    const char *const argv[] = {binary, "run", "-c", config, NULL};
    command_start(&core, argv);
    assert_true(command_read(&core, "ready ", 10));
    assert_non_null(strstr(core.err, "trust_loaded regimes=2 rules=3"));
    assert_int_equal(command_run(&c, binary, "trust", "policy", "apply", "-c", config, NULL), 0);
    assert_non_null(strstr(c.out, "nothing that is connected gains or loses anything"));
    assert_non_null(strstr(c.out, "nothing was changed; with --yes it is done"));
    write_file(own, OWN "rules:\n  - {id: a, says: x, sure: seen, decision: deny, functions: [gnb]}\n");
    assert_int_equal(command_run(&c, binary, "trust", "policy", "apply", "--yes", "-c", config, NULL), 0);
    assert_non_null(strstr(c.out, "it is in force"));
    assert_true(command_read(&core, "trust_loaded regimes=2 rules=4", 5));
    write_file(own, OWN "rules:\n  - {id: a, says: x, sure: seen, decision: denied, functions: [gnb]}\n");
    assert_int_equal(command_run(&c, binary, "trust", "policy", "apply", "--yes", "-c", config, NULL), 1);
    assert_non_null(strstr(c.err, "nothing changed, as the files have mistakes"));
    assert_non_null(strstr(c.err, "found 'denied', expected one of note, permit"));
    assert_int_equal(command_run(&c, binary, "status", "trust", "-c", config, NULL), 0);
    assert_non_null(strstr(c.out, "enforced: 2 regimes with 4 rules"));
    kill(core.pid, SIGTERM);
    assert_int_equal(command_end(&core, 10), 0);
    /* a core does not start on files that it cannot take */
    command_start(&core, argv);
    assert_int_equal(command_end(&core, 10), 2);
    assert_non_null(strstr(core.err, "trust.policies cannot be taken as they are"));
}

int main(int argc, char **argv)
{
    binary = argv[1];
    if (argc < 2 || !mkdtemp(folder))
        return 1;
    snprintf(store, sizeof store, "%s/store.db", folder);
    snprintf(own, sizeof own, "%s/own.yaml", folder);
    snprintf(config, sizeof config, "%s/core.yaml", folder);
    snprintf(socket_path, sizeof socket_path, "%s/core.sock", folder);
    int failed = RUN(unit(lists), unit(checks), unit(explains), unit(applies));
    command_run(&c, "/bin/rm", "-r", folder, NULL);
    return failed;
}
