/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "cmd/cmd.h"
#include "os/file.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool args_flag(struct args *a, const char *brief, const char *full)
{
    if (strcmp(args_now(a), full) != 0 && (!brief || strcmp(args_now(a), brief) != 0))
        return false;
    a->at++;
    return true;
}

bool args_value(struct args *a, const char *brief, const char *full, const char **value)
{
    const char *now = args_now(a);
    size_t n = strlen(full);
    if (strncmp(now, full, n) == 0 && now[n] == '=') {
        *value = now + n + 1;
        a->at++;
        return true;
    }
    if (!args_flag(a, brief, full))
        return false;
    *value = args_more(a) ? a->argv[a->at++] : NULL;
    if (!*value)
        usage(a->argv[0], "%s needs a value", now);
    return true;
}

bool args_number(const char *what, const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || v < min || v > max) {
        fprintf(stderr, "redoubt: %s: found '%s', expected a whole number from %u to %u\n", what, text, min, max);
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

bool args_duration(const char *what, const char *text, uint64_t *us)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    uint64_t unit = *end == 'h' ? 3600 : *end == 'm' ? 60 : 1;
    if (errno || end == text || (*end && strchr("hms", *end) && end[1]) || (*end && !strchr("hms", *end)) || !v || v > 10000000) {
        fprintf(stderr, "redoubt: %s: found '%s', expected a time such as 90s, 10m or 2h\n", what, text);
        return false;
    }
    *us = v * unit * 1000000;
    return true;
}

int usage(const char *command, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "redoubt %s: ", command);
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n'redoubt %s --help' explains it\n", command);
    va_end(ap);
    return EXIT_USAGE;
}

bool cmd_config_option(struct args *a, struct cmd_config_options *o, int *status)
{
    const char *value;
    if (args_value(a, "-c", "--config", &value)) {
        o->file = value;
    } else if (args_value(a, NULL, "--set", &value)) {
        if (value && o->n_sets == CMD_SETS)
            value = NULL, usage(a->argv[0], "more than %u times --set", CMD_SETS);
        else if (value)
            o->sets[o->n_sets++] = str_of(value);
    } else {
        return false;
    }
    *status = value ? EXIT_OK : EXIT_USAGE;
    return true;
}

static int text_read(const struct cmd_config_options *o, struct cmd_config *c, struct arena *a, struct bytes *text)
{
    c->file = o->file ? o->file : CMD_CONFIG_FILE;
    int e = !o->is_open ? file_read(c->file, CONFIG_TEXT_MAX, a, text)
            : o->fd < 0 ? o->fd
                        : file_read_fd(o->fd, CONFIG_TEXT_MAX, a, text);
    if (e == ERR_NOTFOUND && !o->file) { /* an empty text is a complete configuration */
        *text = (struct bytes){(const uint8_t *)"", 0};
        c->file = NULL;
        return OK;
    }
    if (e == ERR_RANGE)
        fprintf(stderr, "redoubt: %s: found more than %u octets, expected a configuration\n", c->file,
                (unsigned)CONFIG_TEXT_MAX);
    else if (e < 0)
        fprintf(stderr, "redoubt: %s: %s, expected a configuration\n", c->file,
                e == ERR_NOTFOUND ? "no such file" : err_text(e));
    return e;
}

struct cmd_config *cmd_config_load(const struct cmd_config_options *o)
{
    struct cmd_config *c = calloc(1, sizeof *c);
    enum { OCTETS = CONFIG_ARENA_OCTETS + CONFIG_TEXT_MAX + 64 };
    if (!c || !(c->memory = malloc(OCTETS))) {
        fprintf(stderr, "redoubt: no memory\n");
        free(c);
        return NULL;
    }
    struct arena a = arena_over(c->memory, OCTETS);
    struct bytes text;
    int e = text_read(o, c, &a, &text);
    if (e == OK) {
        e = config_parse_with(&c->config, &a, str_of(c->file ? c->file : "defaults"),
                              (struct str){(const char *)text.p, text.n}, o->sets, o->n_sets, &c->report);
        if (e == ERR_NOSPACE)
            fprintf(stderr, "redoubt: %s: more than fits into %u octets\n", c->file, (unsigned)CONFIG_ARENA_OCTETS);
        if (e < 0)
            fputs(c->report.text, stderr);
        if (c->report.cut)
            fprintf(stderr, "... and more\n");
    }
    if (e < 0) {
        cmd_config_free(c);
        return NULL;
    }
    return c;
}

void cmd_config_free(struct cmd_config *c)
{
    if (!c)
        return;
    secret_wipe(&c->config, sizeof c->config);
    free(c->memory);
    free(c);
}
