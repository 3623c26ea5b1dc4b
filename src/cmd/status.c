/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - redoubt status and metrics: ask a running core by its control socket. */
#include "cmd/net.h"
#include "os/control.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ASK_TIMEOUT_MS = 3000 };

static int ask(const char *socket, const char *line)
{
    char *answer = malloc(CONTROL_ANSWER + 1);
    int n = answer ? control_ask(socket, line, answer, CONTROL_ANSWER + 1, ASK_TIMEOUT_MS) : ERR_NOSPACE;
    int status = EXIT_FAILED;
    if (n == ERR_NOTFOUND)
        fprintf(stderr, "redoubt: no core runs here: nobody answers at %s (redoubt run starts one)\n", socket);
    else if (n == ERR_DENIED)
        fprintf(stderr, "redoubt: %s belongs to another user\n", socket);
    else if (n < 0)
        fprintf(stderr, "redoubt: %s: %s\n", socket, err_text(n));
    else if (strncmp(answer, "error: ", 7) == 0)
        fprintf(stderr, "redoubt: %s", answer + 7);
    else {
        fputs(answer, stdout);
        status = EXIT_OK;
    }
    free(answer);
    return status;
}

static int ask_command(int argc, char **argv, bool takes_name)
{
    struct args a = {argc, argv, 1};
    struct cmd_config_options o = {0};
    const char *name = "", *socket = NULL;
    char line[128];
    bool json = false;
    int status = EXIT_OK;
    while (args_more(&a)) {
        if (cmd_config_option(&a, &o, &status)) {
            if (status)
                return status;
        } else if (args_value(&a, NULL, "--socket", &socket)) {
            if (!socket)
                return EXIT_USAGE;
        } else if (takes_name && args_flag(&a, NULL, "--json")) {
            json = true;
        } else if (takes_name && !*name && *args_now(&a) != '-' && strlen(args_now(&a)) < 32) {
            name = argv[a.at++];
        } else {
            return usage(argv[0], "'%s' is not understood", args_now(&a));
        }
    }
    snprintf(line, sizeof line, "%s %s%s", argv[0], name, json ? " --json" : "");
    if (socket)
        return ask(socket, line);
    struct cmd_config *c = cmd_config_load(&o);
    if (!c)
        return EXIT_USAGE;
    socket = c->config.control.socket.p;
    /* Without words of one's own, the network of 'redoubt up' is meant when no other core is there. */
    if (access(socket, F_OK) < 0 && !o.file && !o.n_sets && access(NET_DIR "/core.sock", F_OK) == 0)
        socket = NET_DIR "/core.sock";
    status = ask(socket, line);
    cmd_config_free(c);
    return status;
}

int cmd_status(int argc, char **argv) { return ask_command(argc, argv, true); }
int cmd_metrics(int argc, char **argv) { return ask_command(argc, argv, false); }
