/* SPDX-License-Identifier: Apache-2.0 */
/* redoubt trust what-if: a small country that does not exist, a ban, a policy, and questions that make no sense. */
#include "command.h"
#include "tests/test.h"

static const char *binary;
static struct command c;
static char folder[] = "/tmp/redoubt-what-if-XXXXXX", store[64];
#define DO(...) command_run(&c, binary, "trust", "what-if", "--store", store, "--today", "2027-01-01", __VA_ARGS__, NULL)

static char *path(const char *name)
{
    static char text[4][128];
    static unsigned i;
    char *p = text[i++ % 4];
    snprintf(p, 128, "%s/%s", folder, name);
    return p;
}
static void says(const char *stream, const char *text)
{
    if (!strstr(stream, text))
        fail_msg("no '%s' in: %.2000s", text, stream);
}

static void ban(void **state)
{
    assert_int_equal(DO("--supplier", "Harbin Radio", "--at", "2028-01-01"), 1);
    says(c.err, "it is empty; redoubt trust inventory import");
    assert_int_equal(command_run(&c, binary, "trust", "synth", "--sites", "150", "--import", "--store", store, "--from", "2027-01-01", NULL), 0);
    assert_int_equal(DO("--supplier", "harbin radio", "--at", "2028-01-01"), 0);
    says(c.out, "SYNTHETIC");
    says(c.out, "WHAT IF: Ban of Harbin Radio\non 2028-01-01");
    says(c.out, "cells that fall silent");
    assert_int_equal(DO("--supplier", "Harbin Radio", "--at", "2028-01-01", "--as", "json"), 0);
    assert_memory_equal(c.out, "{\"synthetic\":true,\"date\":\"2028-01-01\"", 37);
    assert_int_equal(DO("--supplier", "Harbin Radio", "--at", "2028-01-01", "--as", "html", "--output", path("page.html")), 0);
    assert_int_equal(strlen(c.out), 0);
    FILE *f = fopen(path("page.html"), "r");
    assert_non_null(f);
    char start[32] = "";
    assert_int_equal(fread(start, 1, 15, f), 15);
    fclose(f);
    assert_string_equal(start, "<!DOCTYPE html>");
}

static void policy(void **state)
{
    FILE *f = fopen(path("own.yaml"), "w");
    assert_non_null(f);
    fputs("id: own\nnation: FI\ntitle: Own plan\nstanding: own\ncitation: \"Act 1\"\nchecked: 2026-11-25\nrules:\n"
          "  - {id: ran, says: gone, sure: seen, suppliers: [Nordtel], functions: [radio], remove_by: 2027-06-30, decision: deny}\n", f);
    fclose(f);
    assert_int_equal(DO("--policy", path("own.yaml"), "--at", "2027-03-01"), 0);
    says(c.out, "Nothing");
    assert_int_equal(DO("--policy", path("own.yaml"), "--at", "2027-07-01", "--per-month", "50"), 0);
    says(c.out, "WHAT IF: Own plan");
    says(c.out, "[R1] own/ran: gone. Act 1 (own, seen, checked 2026-11-25)");
    says(c.out, "planned with 50 a month");
}

static void mistakes(void **state)
{
    assert_int_equal(DO("--at", "2028-01-01"), 2);
    says(c.err, "say what to try");
    assert_int_equal(DO("--supplier", "Nobody", "--at", "2028-01-01"), 1);
    says(c.err, "no supplier of this name");
    assert_int_equal(DO("--supplier", "Nordtel", "--at", "2028-13-01"), 2);
    says(c.err, "expected a day");
    assert_int_equal(DO("--supplier", "Nordtel", "--at", "2026-01-01"), 2);
    says(c.err, "before today");
    assert_int_equal(DO("--supplier", "Nordtel", "--as", "pdf"), 2);
    says(c.err, "expected text, json or html");
    assert_int_equal(DO("--policy", "no-such-regime", "--at", "2028-01-01"), 2);
    says(c.err, "no-such-regime");
    assert_int_equal(command_run(&c, binary, "trust", "what-if", "--help", NULL), 0);
    says(c.out, "--per-month N");
}

int main(int argc, char **argv)
{
    binary = argc > 1 ? argv[1] : "redoubt";
    if (!mkdtemp(folder))
        return 1;
    snprintf(store, sizeof store, "%s/s.db", folder);
    int failed = RUN(unit(ban), unit(policy), unit(mistakes));
    command_run(&c, "/bin/rm", "-rf", folder, NULL);
    return failed;
}
