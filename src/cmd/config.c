/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - redoubt config check | default | help. */
#include "cmd/cmd.h"
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 131072 };

static int print_made(int (*make)(char *, uint32_t), char **text)
{
    int n = *text ? make(*text, TEXT_MAX) : ERR_NOSPACE;
    if (n < 0)
        fprintf(stderr, "redoubt config: %s\n", err_text(n));
    return n < 0 ? EXIT_FAILED : EXIT_OK;
}

/* An entry of the help is a line "  key: ..." and deeper lines that belong to it. */
static int help_matching(const char *text, const char *word)
{
    char section[256] = "";
    bool shown = false, told = false, any = false;
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        int n = (int)strcspn(line, "\n"), indent = (int)strspn(line, " ");
        const char *colon = memchr(line, ':', (size_t)n);
        if (indent == 0 && colon) {
            snprintf(section, sizeof section, "%.*s", n, line);
            told = shown = false;
        } else if (indent == 2 && colon) {
            char key[64];
            snprintf(key, sizeof key, "%.*s", (int)(colon - line) - indent, line + indent);
            shown = strstr(key, word) != NULL;
        }
        if (!shown || indent == 0)
            continue;
        if (!told)
            printf("%s\n", section);
        told = any = true;
        printf("%.*s\n", n, line);
    }
    if (!any)
        fprintf(stderr, "redoubt config help: no option has '%.40s' in its name\n", word);
    return any ? EXIT_OK : EXIT_FAILED;
}

static int print_help(const char *word)
{
    char *text = malloc(TEXT_MAX);
    int status = print_made(config_help, &text);
    if (status == EXIT_OK && word)
        status = help_matching(text, word);
    else if (status == EXIT_OK)
        fputs(text, stdout);
    free(text);
    return status;
}

static int print_default(void)
{
    char *text = malloc(TEXT_MAX);
    int status = print_made(config_default_yaml, &text);
    if (status == EXIT_OK)
        fputs(text, stdout);
    free(text);
    return status;
}

static int check(const struct cmd_config_options *o)
{
    struct cmd_config *c = cmd_config_load(o);
    if (!c)
        return EXIT_USAGE;
    fputs(c->report.text, stderr);
    printf("%s: fine%s\n", c->file ? c->file : "defaults", c->report.warnings ? ", with the warnings above" : "");
    cmd_config_free(c);
    return EXIT_OK;
}

int cmd_config(int argc, char **argv)
{
    struct args a = {argc, argv, 2};
    struct cmd_config_options o = {0};
    const char *what = argc > 1 ? argv[1] : "", *word = NULL;
    int status = EXIT_OK;
    while (args_more(&a)) {
        if (cmd_config_option(&a, &o, &status)) {
            if (status)
                return status;
        } else if (*args_now(&a) != '-' && !word) {
            word = argv[a.at++];
        } else {
            return usage("config", "'%s' is not understood", args_now(&a));
        }
    }
    if (strcmp(what, "check") == 0) {
        o.file = word ? word : o.file;
        return check(&o);
    }
    if (strcmp(what, "help") == 0)
        return print_help(word);
    if (strcmp(what, "default") == 0 && !word)
        return print_default();
    return usage("config", "expected check, default or help");
}
