/* SPDX-License-Identifier: Apache-2.0 */
/* redoubt ran load against the real core, in a network namespace of the test's own: waves, a mix, a power cut, failures with
 * their causes, and words that do not go together. */
#include "command.h"
#include "../os/own_netns.h"
#include "tests/test.h"

static const char *binary;
static char folder[64], socket_set[160], store_set[160], store_path[96], config_path[96], csv_path[96];
static struct command core, c;
static bool has_netns;

static void need_netns(void)
{
    if (has_netns)
        return;
    print_message("skipped: this user may not make network namespaces\n");
    skip();
}
#define LOAD(...) command_run(&c, binary, "ran", "load", __VA_ARGS__, NULL)
static void core_start(void)
{
    const char *const argv[] = {binary, "run", "-c", config_path, "--set", socket_set, "--set", store_set, NULL};
    command_start(&core, argv);
    assert_true(command_read(&core, "ready start_ms=", 20));
}
static double number(const char *after, const char *key)
{
    const char *at = after ? strstr(after, key) : NULL;
    if (!at)
        fail_msg("no %s in: %s", key, c.out);
    return at ? strtod(at + strlen(key), NULL) : -1;
}

static void waves(void **state)
{
    need_netns();
    assert_int_equal(LOAD("--ues", "20", "--gnbs", "2", "--rate", "200", "--ping", "10.45.0.1", "--waves",
                          "attach,idle,service,ping,powercut,attach,deregister"), 0);
    assert_int_equal(number(c.out, "\"phones\":"), 20);
    assert_int_equal(number(c.out, "\"registered\":"), 0);
    assert_int_equal(number(c.out, "\"begun\":"), 120);
    assert_int_equal(number(c.out, "\"done\":"), 120);
    assert_int_equal(number(c.out, "\"failed\":"), 0);
    assert_int_equal(number(strstr(c.out, "\"attach_us\""), "\"n\":"), 40);
    assert_int_equal(number(strstr(c.out, "\"service_us\""), "\"n\":"), 20);
    assert_int_equal(number(strstr(c.out, "\"ping_us\""), "\"n\":"), 20);
    const char *times = strstr(c.out, "\"registration_us\"");
    assert_true(number(times, "\"p50\":") > 0 && number(times, "\"p50\":") <= number(times, "\"p99\":"));
    assert_true(number(times, "\"p99\":") <= number(times, "\"p99.9\":") && number(times, "\"p99.9\":") <= number(times, "\"max\":"));
    assert_true(number(c.out, "\"octets_per_phone\":") > 500);
    assert_non_null(strstr(c.out, "{\"what\":\"powercut\",\"seconds\":1."));
    assert_non_null(strstr(c.out, "\"causes\":{}}\n"));
    assert_non_null(strstr(c.err, "attach: ")); /* a line a second, since this is no terminal */
    assert_null(strstr(c.err, "\r"));
}
/* gNBs and phones need no file, no right and no other process once they are there; --unsafe-no-sandbox leaves them all. */
static void gives_away(void **state)
{
    need_netns();
    for (int unsafe = 0; unsafe < 2; unsafe++) {
        const char *const argv[] = {binary, "ran", "load", "--ues", "2", "--stay", unsafe ? "--unsafe-no-sandbox" : NULL, NULL};
        command_start(&c, argv);
        assert_true(command_read(&c, "\"causes\":{}}", 20));
        assert_int_equal(command_status(c.pid, "Seccomp", 10), unsafe ? 0 : 2);
        assert_int_equal(command_status(c.pid, "NoNewPrivs", 10), !unsafe);
        if (!unsafe)
            assert_int_equal(command_status(c.pid, "CapEff", 16) | command_status(c.pid, "CapBnd", 16), 0);
        kill(c.pid, SIGTERM);
        assert_int_equal(command_end(&c, 20), 0);
    }
}
static void mix(void **state)
{
    need_netns();
    assert_int_equal(LOAD("--ues", "20", "--rate", "500", "--quiet", "--ping", "10.45.0.1", "--mix",
                          "attach=4,service=10,idle=10,ping=5,deregister=2", "--duration", "1s"), 0);
    assert_string_equal(c.err, "");
    assert_true(number(c.out, "\"done\":") > 100); /* of 500, on a busy machine */
    assert_int_equal(number(c.out, "\"failed\":"), 0);
    static const char *const kinds[] = {"\"attach_us\"", "\"service_us\"", "\"idle_us\"", "\"ping_us\"", "\"deregister_us\""};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_true(number(strstr(c.out, kinds[i]), "\"n\":") > 0);
    assert_non_null(strstr(c.out, "\"waves\":[{\"what\":\"mix\",\"seconds\":1."));
    /* without attach in it, all attach first; the core takes no more than some requests a second from one phone */
    assert_int_equal(LOAD("--ues", "20", "--rate", "200", "--quiet", "--mix", "service=1,idle=1", "--duration", "1s"), 0);
    assert_non_null(strstr(c.out, "\"waves\":[{\"what\":\"attach\","));
    assert_int_equal(number(c.out, "\"registered\":"), 20);
    assert_int_equal(number(c.out, "\"sessions\":"), 20);
}
/* What the result says in short, the distribution says in full. */
static void histogram(void **state)
{
    char path[96], text[16384], *at;
    need_netns();
    snprintf(path, sizeof path, "%s/latency.hgrm", folder);
    assert_int_equal(LOAD("--ues", "20", "--quiet", "--waves", "attach,idle", "--histogram", path), 0);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    assert_non_null(strstr(text, "# attach, ms\n"));
    assert_non_null(strstr(text, "# idle, ms\n"));
    assert_non_null(strstr(text, "# session, ms\n"));
    assert_null(strstr(text, "# ping, ms\n"));
    at = strstr(text, "# registration, ms\n");
    assert_non_null(at);
    double last = 0, value, percent;
    unsigned long long n = 0;
    uint32_t lines = 0;
    for (at = strstr(at, "\n\n") + 2; sscanf(at, "%lf %lf %llu", &value, &percent, &n) == 3; at = strchr(at, '\n') + 1, lines++) {
        assert_true(value >= last && percent <= 1);
        last = value;
    }
    assert_true(lines > 5);
    assert_int_equal(n, 20);
    assert_true(last * 1000 > number(strstr(c.out, "\"registration_us\""), "\"max\":") - 1);
    assert_non_null(strstr(at, "#[Mean    = "));
    assert_non_null(strstr(at, "Total count    =           20]"));
}
static void failures(void **state)
{
    need_netns();
    /* five of these are no subscribers */
    assert_int_equal(LOAD("--ues", "10", "--imsi", "001010000000016", "--quiet"), 1);
    assert_int_equal(number(c.out, "\"failed\":"), 5);
    assert_int_equal(number(c.out, "\"registered\":"), 5);
    assert_non_null(strstr(c.out, "\"causes\":{\"registration: "));
    assert_non_null(strstr(c.out, ")\":5}}"));
    assert_int_equal(LOAD("--ues", "2", "--dnn", "nowhere", "--quiet"), 1);
    assert_non_null(strstr(c.out, "\"causes\":{\"session"));
    /* what a phone is not fit for is left out */
    assert_int_equal(LOAD("--ues", "3", "--waves", "service,attach", "--quiet"), 0);
    assert_int_equal(number(c.out, "\"skipped\":"), 3);
    assert_int_equal(LOAD("--amf", "127.0.0.9", "--wait", "1"), 1);
    assert_string_equal(c.err, "redoubt ran: no AMF let the gNBs in within 1 s: 127.0.0.9:38412 does not take an association (SCTP)\n");
    assert_int_equal(LOAD("--plmn", "999-99", "--wait", "1"), 1);
    assert_non_null(strstr(c.err, "127.0.0.5:38412 refuses gNB 1: "));
    assert_non_null(strstr(c.err, "unknown"));
    assert_int_equal(LOAD("--histogram", "/nonexistent/x"), 1);
    assert_non_null(strstr(c.err, "/nonexistent/x cannot be written"));
}
static void words(void **state)
{
    static const struct {
        const char *a, *b, *says;
    } wrong[] = {
        {"--waves", "attach,fly", "--waves: expected a list of attach, service,"},
        {"--waves", "attach,", "--waves: expected"},
        {"--mix", "attach", "--mix: expected a list such as attach=1"},
        {"--mix", "powercut=1", "--mix: expected"},
        {"--mix", "attach=-1", "--mix: expected"},
        {"--mix", "attach=0", "--mix: expected"},
        {"--mix", "attach=1", "--mix and --duration go together"},
        {"--duration", "10s", "--mix and --duration go together"},
        {"--duration", "soon", "--duration: found 'soon', expected a time such as 90s"},
        {"--waves", "ping", "pings need --ping ADDR"},
        {"--mix", "attach=1,attach=2", "--mix: expected"},
        {"--imsi", "12ab", "--imsi: expected 6 to 15 digits"},
        {"--imsi", "0010100000000011", "--imsi: expected 6 to 15 digits"},
        {"--imsi", "", "--imsi: expected 6 to 15 digits"},
        {"--hn-profile", "C", "--hn-profile: expected A or B"},
        {"--sctp", "tcp", "--sctp: expected auto, kernel or userspace"},
        {"--count", "3", "a load of N phones is 'redoubt ran load --ues N'"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(LOAD(wrong[i].a, wrong[i].b), 2);
        if (!strstr(c.err, wrong[i].says))
            fail_msg("%s %s: %s", wrong[i].a, wrong[i].b, c.err);
    }
    assert_int_equal(LOAD("--imsi", "999999", "--ues", "2"), 2);
    assert_non_null(strstr(c.err, "there are not 2 numbers from there on"));
    assert_int_equal(command_run(&c, binary, "ran", "--stay", NULL), 2);
    assert_non_null(strstr(c.err, "are of 'redoubt ran load'"));
    assert_int_equal(command_run(&c, binary, "ran", "--help", NULL), 0);
    assert_non_null(strstr(c.out, "each takes some"));
}

static int setup(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/redoubt-load-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(config_path, sizeof config_path, "%s/c.yaml", folder);
    snprintf(csv_path, sizeof csv_path, "%s/s.csv", folder);
    snprintf(store_path, sizeof store_path, "%s/store/r.db", folder);
    snprintf(socket_set, sizeof socket_set, "control.socket=%s/control.sock", folder);
    snprintf(store_set, sizeof store_set, "udr.path=%s", store_path);
    FILE *f = fopen(config_path, "w"), *csv = fopen(csv_path, "w");
    if (!f || !csv)
        return -1;
    fclose(f);
    fputs("imsi,k,opc\n", csv);
    for (int i = 1; i <= 20; i++)
        fprintf(csv, "00101%010d,465B5CE8B199B49FAA5F0A2EE238A6BC,E8ED289DEBA952E4283B54E88E6183CA\n", i);
    fclose(csv);
    has_netns = own_netns();
    if (!has_netns)
        return 0;
    if (command_run(&c, binary, "subscriber", "import", csv_path, "--store", store_path, NULL) != 0)
        return -1;
    core_start();
    return 0;
}
static int teardown(void **state)
{
    int status = 0;
    if (has_netns) {
        kill(core.pid, SIGTERM);
        status = command_end(&core, 10);
    }
    return status + command_run(&c, "/bin/rm", "-r", folder, NULL);
}

int main(int argc, char **argv)
{
    binary = argc > 1 ? argv[1] : "";
    const struct CMUnitTest tests[] = {unit(words), unit(waves), unit(gives_away), unit(mix), unit(histogram), unit(failures)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
