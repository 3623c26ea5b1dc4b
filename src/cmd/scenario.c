/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.c - redoubt sim --scenario: files, one after the other, and what became of them. */
#include "cmd/cmd.h"
#include "cmd/scenario_ran.h"
#include "os/file.h"
#include "os/loop.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA = SCENARIO_ARENA + SCENARIO_TEXT_MAX + 64 };

int scenario_read(const char *file, struct scenario *s, void **memory, struct text *why)
{
    struct bytes text;
    *memory = malloc(ARENA);
    struct arena a = arena_over(*memory, *memory ? ARENA : 0);
    int e = *memory ? file_read(file, SCENARIO_TEXT_MAX, &a, &text) : ERR_NOSPACE;
    if (e < 0) {
        text_add(why, "%s: %s\n", file, err_text(e));
        return e;
    }
    return scenario_parse(s, file, (struct str){(const char *)text.p, text.n}, &a, why);
}
static bool run(const char *file, bool verbose, FILE *capture)
{
    char reason[2048] = "";
    struct text why = text_over(reason, sizeof reason);
    struct scenario s;
    void *memory;
    uint64_t start = loop_now_us();
    int e = scenario_read(file, &s, &memory, &why);
    if (e == OK)
        e = scenario_sim(&s, verbose, capture, &why);
    if (e == OK)
        printf("ok    %s, %.0f ms\n", file, (double)(loop_now_us() - start) / 1000);
    else
        printf("%s", reason);
    fflush(stdout);
    free(memory);
    return e == OK;
}
int scenario_command(int argc, char **argv)
{
    struct args a = {argc, argv, 1};
    const char *v = NULL, *capture = NULL;
    bool verbose = false;
    int files = 0, failed = 0;
    for (struct args k = a; args_more(&k);) { /* options wherever they stand */
        if (args_flag(&k, "-v", "--verbose"))
            verbose = true;
        else if (args_value(&k, NULL, "--capture", &v))
            capture = v;
        else if (args_flag(&k, NULL, "--scenario"))
            continue;
        else if (*args_now(&k) == '-')
            return usage("sim", "'%s' does not go with --scenario", args_now(&k));
        else
            k.at++, files++;
    }
    FILE *out = capture ? fopen(capture, "wbe") : NULL;
    if (capture && files != 1)
        return usage("sim", "--capture is for one scenario");
    if (capture && !out) {
        fprintf(stderr, "redoubt: %s: %s\n", capture, strerror(errno));
        return EXIT_FAILED;
    }
    while (args_more(&a)) {
        if (args_flag(&a, "-v", "--verbose") || args_value(&a, NULL, "--capture", &v) || args_flag(&a, NULL, "--scenario"))
            continue;
        const char *file = argv[a.at++];
        if (strcmp(file, "help") == 0)
            scenario_help();
        else
            failed += !run(file, verbose, out);
    }
    if (out && (ferror(out) | fclose(out)))
        failed++;
    if (!files)
        return usage("sim", "--scenario: expected a file");
    if (files > 1)
        printf("%d of %d scenarios went as they should\n", files - failed, files);
    return failed ? EXIT_FAILED : EXIT_OK;
}
