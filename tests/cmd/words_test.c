/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the binary: help, mistakes and their suggestions, exit statuses, the configuration's commands. */
#include "command.h"
#include "tests/test.h"

static const char *binary;
static struct command c;
#define DO(...) command_run(&c, binary, __VA_ARGS__, NULL)

static void help_teaches(void **state)
{
    assert_int_equal(DO("--help"), 0);
    assert_non_null(strstr(c.out, "usage: redoubt COMMAND"));
    assert_non_null(strstr(c.out, "To see it work: redoubt demo"));
    static const char *const words[] = {"demo", "up", "down", "phone", "run", "status", "metrics", "config"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "redoubt %s: ", words[i]);
        assert_int_equal(DO(words[i], "--help"), 0);
        assert_memory_equal(c.out, line, strlen(line));
        assert_true(strlen(c.out) > 100);
        static char same[COMMAND_TEXT];
        memcpy(same, c.out, sizeof same);
        assert_int_equal(DO("help", words[i]), 0);
        assert_string_equal(c.out, same);
    }
}

/* The attacks of the figures, from the binary. */
static void bench_of_attacks(void **state)
{
    assert_int_equal(DO("bench", "trust", "--part", "attacks", "--json", "--attack-seeds", "1", "--quiet-seeds", "2"), 0);
    assert_string_equal(c.out, "{\"attacks_detected_pct\":100.00,\"false_alarms\":0,\"attacks\":17,\"attack_seeds\":1,\"quiet_seeds\":2,\"quiet_seeds_failed\":0}\n");
    assert_int_equal(DO("bench", "trust", "--part", "xdp"), 2);
    assert_string_equal(c.err, "redoubt bench: trust has no part 'xdp'\n'redoubt bench --help' explains it\n");
    assert_int_equal(DO("bench", "upf", "--part", "nix"), 2);
}
static void mistakes(void **state)
{
    const char *const none[] = {binary, NULL};
    command_start(&c, none);
    assert_int_equal(command_end(&c, 10), 2);
    assert_non_null(strstr(c.err, "usage: redoubt COMMAND"));
    assert_int_equal(DO("staus"), 2);
    assert_string_equal(c.err, "redoubt: there is no command 'staus'; did you mean 'status'?\n'redoubt --help' lists them\n");
    assert_int_equal(DO("frobnicate"), 2);
    assert_null(strstr(c.err, "did you mean"));
    assert_int_equal(DO("help", "nix"), 2);
    assert_int_equal(DO("run", "--nix"), 2);
    assert_string_equal(c.err, "redoubt run: '--nix' is not understood\n'redoubt run --help' explains it\n");
    assert_int_equal(DO("run", "-c"), 2);
    assert_non_null(strstr(c.err, "redoubt run: -c needs a value"));
    assert_int_equal(DO("run", "--set"), 2);
    assert_int_equal(DO("status", "a", "b"), 2);
    assert_int_equal(DO("status", "--socket"), 2);
    assert_int_equal(DO("metrics", "--json"), 2);
    assert_int_equal(DO("config"), 2);
    assert_int_equal(DO("config", "nix"), 2);
    assert_int_equal(DO("config", "check", "a", "b"), 2);
}

static void nothing_runs(void **state)
{
    assert_int_equal(DO("status", "--socket", "/nonexistent/s"), 1);
    assert_string_equal(c.err, "redoubt: no core runs here: nobody answers at /nonexistent/s (redoubt run starts one)\n");
    assert_int_equal(DO("metrics", "--set", "control.socket=/nonexistent/s"), 1);
    assert_non_null(strstr(c.err, "nobody answers at /nonexistent/s"));
    assert_int_equal(DO("status", "-c", "/nonexistent/c"), 2);
    assert_string_equal(c.err, "redoubt: /nonexistent/c: no such file, expected a configuration\n");
}

static void file_put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void configuration(void **state)
{
    char path[] = "/tmp/redoubt-words-XXXXXX", line[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(DO("config", "default"), 0);
    file_put(path, c.out);
    assert_int_equal(DO("config", "check", path), 0);
    snprintf(line, sizeof line, "%s: fine\n", path);
    assert_string_equal(c.out, line);
    assert_string_equal(c.err, "");
    assert_int_equal(DO("config", "check", path, "--set", "amf.max_ues=none"), 2);
    assert_non_null(strstr(c.err, "--set amf.max_ues: found 'none', expected a whole number"));
    file_put(path, "amf:\n  max_use: 5\nsmf: 3\n");
    assert_int_equal(DO("config", "check", path), 2);
    snprintf(line, sizeof line, "%s:2:3: found 'max_use', expected an option of amf; did you mean 'max_ues'?\n"
             "%s:3:6: found '3', expected a mapping of options of smf\n", path, path);
    assert_string_equal(c.err, line);
    assert_int_equal(DO("run", "-c", path), 2); /* nothing starts */
    assert_string_equal(c.err, line);
    assert_string_equal(c.out, "");
    file_put(path, "amf: {unsafe_null_ciphering: true}\n");
    assert_int_equal(DO("config", "check", path), 0);
    assert_non_null(strstr(c.err, "warning: unsafe_null_ciphering is on"));
    assert_non_null(strstr(c.out, "fine, with the warnings above"));
    assert_int_equal(DO("config", "check", "/"), 2);
    assert_non_null(strstr(c.err, "redoubt: /: "));
    unlink(path);
    assert_int_equal(DO("config", "help"), 0);
    assert_non_null(strstr(c.out, "\namf: access and mobility\n"));
    assert_int_equal(DO("config", "help", "t3512"), 0);
    assert_non_null(strstr(c.out, "t3512: periodic registration"));
    assert_null(strstr(c.out, "t3560"));
    assert_int_equal(DO("config", "help", "nix-nix"), 1);
}

int main(int argc, char **argv)
{
    binary = argc > 1 ? argv[1] : "";
    return RUN(unit(help_teaches), unit(mistakes), unit(bench_of_attacks), unit(nothing_runs), unit(configuration));
}
