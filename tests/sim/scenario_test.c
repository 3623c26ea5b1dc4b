/* SPDX-License-Identifier: Apache-2.0 */
/* Every tests/sim/NAME.scenario is a test of that name. Before them: what the reader refuses, and how it says so. */
#include "cmd/scenario_run.h"
#include "os/file.h"
#include "tests/test.h"
#include <dirent.h>
#include <stdlib.h>

enum { FILES_MAX = 256, ARENA = SCENARIO_ARENA + SCENARIO_TEXT_MAX + 64 };
static const char *folder, *page;

/* ---- the files ---- */
static void file_goes(void **state)
{
    const char *path = *state;
    char reason[2048] = "";
    struct text why = text_over(reason, sizeof reason);
    struct scenario s;
    struct bytes text;
    struct arena a = arena_over(malloc(ARENA), ARENA);
    assert_int_equal(file_read(path, SCENARIO_TEXT_MAX, &a, &text), OK);
    int e = scenario_parse(&s, path, (struct str){(const char *)text.p, text.n}, &a, &why);
    if (e == OK)
        e = scenario_sim(&s, false, NULL, &why);
    free(a.base);
    if (e < 0)
        fail_msg("%s", reason);
}
static uint32_t files(struct CMUnitTest *to, uint32_t n)
{
    DIR *d = opendir(folder);
    for (struct dirent *f; d && (f = readdir(d)) && n < FILES_MAX;) {
        size_t k = strlen(f->d_name);
        char *path;
        if (k < 10 || strcmp(f->d_name + k - 9, ".scenario") != 0 || asprintf(&path, "%s/%s", folder, f->d_name) < 0)
            continue;
        to[n++] = (struct CMUnitTest){.name = strrchr(path, '/') + 1, .test_func = file_goes, .initial_state = path};
    }
    closedir(d);
    return n;
}

/* ---- the reader ---- */
static int parse(const char *text, struct scenario *s, char why[2048])
{
    static uint64_t memory[SCENARIO_ARENA / 8];
    struct arena a = arena_over(memory, sizeof memory);
    struct text t = text_over(why, 2048);
    why[0] = 0;
    return scenario_parse(s, "it.scenario", str_of(text), &a, &t);
}
static void refusals_say_where_and_what_was_expected(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"ue 1 regster", "it.scenario:1: found 'regster', expected has, wants, register,"},
        {"ue 1 regster", "did you mean 'register'?"},
        {"ue 1 register\n\n\nue 1 sing", "it.scenario:4: found 'sing'"},
        {"ue 2 register", "it.scenario:1: there is no ue 2; expected 1 to 1"},
        {"gnbs 2\nue 1 move to gnb 3", "it.scenario:2: there is no gnb 3; expected 1 to 2"},
        {"ue 1 close session 16", "there is no session 16"},
        {"ues 51", "expected 1 to 50 phones"},
        {"ue 1 register\nseed 3", "it.scenario:2: this says what there is, and must stand before"},
        {"expect n1 RegistratonReject == 3", "'RegistratonReject' is no message of N1; did you mean 'RegistrationReject'?"},
        {"expect n1 RegistrationReject 5GMMcaus == 3", "'5GMMcaus' is no field of that message; did you mean '5GMMCause'?"},
        {"expect n2 UEContextReleaseCommand Cause.nass == x", "'Cause.nass' is no field of that message; did you mean 'Nas'?"},
        {"expect metric retransmission == 3", "did you mean 'retransmissions'?"},
        {"expect log nas_mac_wrng == 1", "did you mean 'nas_mac_wrong'?"},
        {"expect ue 1 cause == 999", "'999' is no 5GMM cause"},
        {"wait 5", "found '5', expected a time such as 500ms, 5s or 2m"},
        {"wait", "found the end of the line, expected a time"},
        {"wait 5s now", "found 'now', expected the end of the line"},
        {"ue 1 ping \"8.8.8.8", "a '\"' that nothing closes"},
        {"ue 1 ping 8.8.8", "found '8.8.8', expected ue or an IP address"},
        {"ue 1 ping \x01", "a control character"},
        {"config amf", "expected section.key=VALUE"},
        {"a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a", "too many words"},
    };
    struct scenario s;
    char why[2048];
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(parse(rows[i].text, &s, why), ERR_SYNTAX);
        if (!strstr(why, rows[i].says))
            fail_msg("%s\n  says: %s  expected: %s", rows[i].text, why, rows[i].says);
    }
}
static void words_become_arguments(void **state)
{
    struct scenario s;
    char why[2048];
    int e = parse("ues 3; gnbs 2 # two\n\nue 3 open session dnn ims slice 1-000009; expect n1 order RegistrationRequest "
                  "\"Registration accept\" within 3s\n",
                  &s, why);
    assert_string_equal(why, "");
    assert_int_equal(e, OK);
    assert_int_equal(s.n, 4);
    assert_int_equal(s.ues, 3);
    assert_int_equal(s.gnbs, 2);
    assert_int_equal(s.steps[2].op, SCENARIO_ue_open);
    assert_int_equal(s.steps[2].line, 3);
    assert_int_equal(s.steps[2].arg[0].n, 3);
    assert_false(s.steps[2].arg[1].is_there);
    assert_true(str_is(s.steps[2].arg[2].s, "ims"));
    assert_false(s.steps[2].arg[3].is_there);
    assert_true(str_is(s.steps[2].arg[4].s, "1-000009"));
    assert_int_equal(s.steps[3].op, SCENARIO_is_order);
    assert_int_equal(s.steps[3].arg[1].n, NAS_REGISTRATION_REQUEST);
    assert_int_equal(s.steps[3].arg[2].n, NAS_REGISTRATION_ACCEPT);
    assert_int_equal(s.steps[3].arg[3].n, 3000000);
}
static void too_long(void **state)
{
    struct scenario s;
    char why[2048], *text = calloc(1, SCENARIO_TEXT_MAX + 2);
    memset(text, '\n', SCENARIO_TEXT_MAX + 1);
    assert_int_equal(parse(text, &s, why), ERR_NOSPACE);
    for (uint32_t i = 0; i <= SCENARIO_STEPS_MAX; i++)
        memcpy(text + 6 * i, "mark;\n", 6);
    text[6 * (SCENARIO_STEPS_MAX + 1)] = 0;
    assert_int_equal(parse(text, &s, why), ERR_SYNTAX);
    assert_non_null(strstr(why, "it.scenario:1025: too many steps"));
    free(text);
}
/* What does not happen is said, with what is so instead. */
static void failures_say_what_is_so(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"ue 1 register\nexpect ue 1 deregistered within 1s", "it.scenario:2: expect ue 1 deregistered within 1s: after 1.0 s it is registered, connected"},
        {"ue 1 register\nexpect n1 AuthenticationReject == 1 within 1s", "it is 0"},
        {"ue 1 register\nexpect n1 RegistrationAccept \"5GS registration result\" == 2 within 1s", "it is 1"},
        {"ue 1 register\nexpect n1 order RegistrationAccept AuthenticationRequest within 1s", "no AuthenticationRequest came in its place"},
        {"ue 1 ping 8.8.8.8", "the phone cannot ping: it has no such session"},
        {"ue 1 idle", "makes no sense now: the phone is deregistered, idle"},
        {"core start", "it runs already"},
        {"smf release ue 1 session 1", "the SMF has no such session"},
        {"link n1 drop next RegistrationRequest", "expected n2 or n4"},
        {"config amf.t3512=nonsense\nue 1 register", "configuration: --set amf.t3512"},
    };
    struct scenario s;
    char why[2048];
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(parse(rows[i].text, &s, why), OK);
        struct text t = text_over(why, sizeof why);
        assert_true(scenario_sim(&s, false, NULL, &t) < 0);
        if (!strstr(why, rows[i].says))
            fail_msg("%s\n  says: %s  expected: %s", rows[i].text, why, rows[i].says);
    }
}
static void the_page_has_every_row(void **state)
{
    struct bytes text;
    struct arena a = arena_over(malloc(ARENA), ARENA);
    assert_int_equal(file_read(page, SCENARIO_TEXT_MAX, &a, &text), OK);
    for (uint32_t i = 0; i < SCENARIO_OPS; i++)
        if (!strstr((const char *)text.p, scenario_rows[i].pattern))
            fail_msg("docs/scenarios.md does not have: %s", scenario_rows[i].pattern);
    free(a.base);
}
int main(int argc, char **argv)
{
    static struct CMUnitTest tests[FILES_MAX + 8] = {
        unit(refusals_say_where_and_what_was_expected), unit(words_become_arguments), unit(too_long),
        unit(failures_say_what_is_so), unit(the_page_has_every_row),
    };
    folder = argc > 2 ? argv[1] : "tests/sim";
    page = argc > 2 ? argv[2] : "docs/scenarios.md";
    uint32_t n = files(tests, 5);
    int failed = _cmocka_run_group_tests("scenarios", tests, n, NULL, NULL);
    for (uint32_t i = 5; i < n; i++)
        free(tests[i].initial_state);
    return failed;
}
