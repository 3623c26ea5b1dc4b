/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - redoubt status, metrics and trace: ask a running core by its control socket. */
#include "cmd/net.h"
#include "os/control.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ASK_TIMEOUT_MS = 3000 };

/* EXIT_OK with the answer in answer[CONTROL_ANSWER + 1], or after it has been said why not. */
static int ask_into(const char *socket, const char *line, char *answer)
{
    int n = control_ask(socket, line, answer, CONTROL_ANSWER + 1, ASK_TIMEOUT_MS);
    if (n == ERR_NOTFOUND)
        fprintf(stderr, "redoubt: no core runs here: nobody answers at %s (redoubt run starts one)\n", socket);
    else if (n == ERR_DENIED)
        fprintf(stderr, "redoubt: %s belongs to another user\n", socket);
    else if (n < 0)
        fprintf(stderr, "redoubt: %s: %s\n", socket, err_text(n));
    else if (strncmp(answer, "error: ", 7) == 0)
        fprintf(stderr, "redoubt: %s", answer + 7);
    return n < 0 || strncmp(answer, "error: ", 7) == 0 ? EXIT_FAILED : EXIT_OK;
}

static int ask(const char *socket, const char *line)
{
    char *answer = malloc(CONTROL_ANSWER + 1);
    int status = answer ? ask_into(socket, line, answer) : EXIT_FAILED;
    if (status == EXIT_OK)
        fputs(answer, stdout);
    free(answer);
    return status;
}

/* Without words of one's own, the network of 'redoubt up' is meant when no other core is there. */
static const char *socket_of(const struct cmd_config *c, const struct cmd_config_options *o)
{
    const char *socket = c->config.control.socket.p;
    if (access(socket, F_OK) < 0 && !o->file && !o->n_sets && access(NET_DIR "/core.sock", F_OK) == 0)
        return NET_DIR "/core.sock";
    return socket;
}

/* ---- packets and rules of a session ---- */
struct traced {
    const char *ue, *session;
    uint32_t packets, seconds;
    bool json;
};

/* Asks until the core says that it was all. */
static int trace_follow(const char *socket, const char *start, char *answer)
{
    enum { PAUSE_US = 200000 };
    char line[64];
    unsigned id;
    int status = ask_into(socket, start, answer);
    if (status != EXIT_OK || sscanf(answer, "trace %u", &id) != 1)
        return EXIT_FAILED;
    snprintf(line, sizeof line, "trace read %u", id);
    for (bool more = true; more;) {
        usleep(PAUSE_US);
        if (ask_into(socket, line, answer) != EXIT_OK)
            return EXIT_FAILED;
        more = strncmp(answer, "more\n", 5) == 0;
        const char *text = strchr(answer, '\n');
        fputs(text ? text + 1 : "", stdout);
        fflush(stdout);
    }
    return EXIT_OK;
}

static int trace(const char *socket, const struct traced *t)
{
    char line[256];
    char *answer = malloc(CONTROL_ANSWER + 1);
    int n = snprintf(line, sizeof line, "trace start %s=%s packets=%u seconds=%u%s", t->ue ? "ue" : "seid",
                     t->ue ? t->ue : t->session, t->packets, t->seconds, t->json ? " json=1" : "");
    int status = answer && n < (int)sizeof line ? trace_follow(socket, line, answer) : EXIT_FAILED;
    free(answer);
    return status;
}

/* ---- the words ---- */
struct asked {
    const char *name, *socket;
    bool json;
    struct traced of;
};

/* EXIT_OK, or after it has been said what is wrong. */
static int words_read(struct args *a, const char *command, struct asked *q, struct cmd_config_options *o)
{
    bool is_status = !strcmp(command, "status"), is_trace = !strcmp(command, "trace");
    const char *number;
    int status = EXIT_OK;
    while (status == EXIT_OK && args_more(a)) {
        if (cmd_config_option(a, o, &status))
            continue;
        if (args_value(a, NULL, "--socket", &q->socket))
            status = q->socket ? EXIT_OK : EXIT_USAGE;
        else if ((is_status || is_trace) && args_flag(a, NULL, "--json"))
            q->json = true;
        else if ((is_status || is_trace) && args_value(a, NULL, "--ue", &q->of.ue))
            status = q->of.ue ? EXIT_OK : EXIT_USAGE;
        else if ((is_status || is_trace) && args_value(a, NULL, "--session", &q->of.session))
            status = q->of.session ? EXIT_OK : EXIT_USAGE;
        else if (is_trace && args_value(a, NULL, "--packets", &number))
            status = number && args_number("--packets", number, 1, 1000, &q->of.packets) ? EXIT_OK : EXIT_USAGE;
        else if (is_trace && args_value(a, NULL, "--seconds", &number))
            status = number && args_number("--seconds", number, 1, 600, &q->of.seconds) ? EXIT_OK : EXIT_USAGE;
        else if (is_status && !*q->name && *args_now(a) != '-' && strlen(args_now(a)) < 32)
            q->name = a->argv[a->at++];
        else
            status = usage(command, "'%s' is not understood", args_now(a));
    }
    return status;
}

static int ask_command(int argc, char **argv)
{
    struct args a = {argc, argv, 1};
    struct cmd_config_options o = {0};
    struct asked q = {.name = "", .of = {.packets = 20, .seconds = 60}};
    char line[128];
    bool is_trace = !strcmp(argv[0], "trace");
    int status = words_read(&a, argv[0], &q, &o);
    if (status != EXIT_OK)
        return status;
    bool one = q.of.ue || q.of.session;
    if ((is_trace && !one) || (q.of.ue && q.of.session))
        return usage(argv[0], "whose packets? --ue SUPI, --ue ADDRESS or --session NUMBER, one of them");
    if (one && !is_trace && *q.name && strcmp(q.name, "upf") != 0)
        return usage(argv[0], "--ue and --session are for the UPF");
    q.of.json = q.json;
    if (!is_trace)
        q.of.packets = 0;
    struct cmd_config *c = q.socket ? NULL : cmd_config_load(&o);
    if (!q.socket && !c)
        return EXIT_USAGE;
    const char *socket = q.socket ? q.socket : socket_of(c, &o);
    snprintf(line, sizeof line, "%s %s%s", argv[0], q.name, q.json ? " --json" : "");
    status = one ? trace(socket, &q.of) : ask(socket, line);
    cmd_config_free(c);
    return status;
}

int cmd_status(int argc, char **argv) { return ask_command(argc, argv); }
int cmd_metrics(int argc, char **argv) { return ask_command(argc, argv); }
int cmd_trace(int argc, char **argv) { return ask_command(argc, argv); }
