/* SPDX-License-Identifier: Apache-2.0 */
/* cmd.h - the words of the one binary. A command is a function with the arguments after its name, argv[0] being the
 * name; what it returns is the exit status. */
#pragma once
#include "base/bytes.h"
#include "rt/config.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 }; /* USAGE: wrong words or a wrong configuration */

int cmd_run(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_subscriber(int argc, char **argv);
int cmd_ran(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_up(int argc, char **argv);
int cmd_down(int argc, char **argv);
int cmd_phone(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int scenario_command(int argc, char **argv); /* redoubt sim --scenario FILE... */

/* ---- arguments: struct args a = {argc, argv, 1}; while (args_more(&a)) … ---- */
struct args {
    int argc;
    char **argv;
    int at;
};
static inline bool args_more(const struct args *a) { return a->at < a->argc; }
static inline const char *args_now(const struct args *a) { return a->argv[a->at]; }
/* Takes the argument if it is this word; `brief` may be NULL. */
bool args_flag(struct args *, const char *brief, const char *full);
/* Takes "--full VALUE", "--full=VALUE" or "-b VALUE". *value is NULL when the value is missing, which has been said. */
bool args_value(struct args *, const char *brief, const char *full, const char **value);
/* A whole number within bounds; false after it has been said on standard error. */
bool args_number(const char *what, const char *text, uint32_t min, uint32_t max, uint32_t *out);
/* A time in whole seconds, minutes or hours: "90s", "10m", "2h"; false after it has been said on standard error. */
bool args_duration(const char *what, const char *text, uint64_t *us);
/* "redoubt COMMAND: ..." and a pointer to --help, on standard error. EXIT_USAGE. */
int usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- the configuration of a command ---- */
enum { CMD_SETS = 64 };
struct cmd_config {
    struct config config;
    struct config_report report;
    const char *file; /* that was read; NULL: none, the defaults alone */
    void *memory;
};
struct cmd_config_options { /* -c, --config and --set */
    const char *file;
    struct str sets[CMD_SETS];
    uint32_t n_sets;
    bool is_open; /* the file is at hand: fd, or why not */
    int fd;
};
#define CMD_CONFIG_FILE "/etc/redoubt/redoubt.yaml" /* read when it is there and no other is named */
/* Takes such an option; false: it is something else. *status is EXIT_USAGE when it was wrong, which has been said. */
bool cmd_config_option(struct args *, struct cmd_config_options *, int *status);
/* NULL after what is wrong has been printed on standard error; warnings are left in the report. */
struct cmd_config *cmd_config_load(const struct cmd_config_options *);
void cmd_config_free(struct cmd_config *);
