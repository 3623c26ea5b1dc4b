/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the one binary: a table of commands. */
#include "base/suggest.h"
#include "cmd/cmd.h"
#include "cmd/ran_help.h"
#include "cmd/subscriber.h"
#include "cmd/trust.h"
#include <stdio.h>

struct command {
    const char *name, *arguments;
    const char *help; /* one line */
    const char *more; /* what --help says beside it; NULL: the command has words of its own, with help for each */
    int (*fn)(int argc, char **argv);
};

#define CONFIG_HELP                                                                                \
    "  -c FILE, --config FILE     the configuration; without it " CMD_CONFIG_FILE " if there is\n" \
    "                             one, otherwise the defaults, which are a complete test network\n" \
    "  --set section.key=VALUE    an option from here instead of the file, as YAML; may be repeated\n"

static const struct command commands[] = {
    {"demo", "[--ues N] [--quick] [--capture FILE.pcapng]",
     "the whole network in namespaces of its own, shown at work",
     "Starts a core, a gNB and phones, and a data network, each in a network namespace of its own; registers the phones,\n"
     "opens their sessions, fetches a web page, pings and measures, and says in plain words what happens. Needs root.\n"
     "Exit status 0 only if all of it worked. Ctrl-C leaves nothing behind.\n\n"
     "  --ues N                    phones that register in a burst after the first (20)\n"
     "  --regime ID | FILE         the policy of act two, in which a gNB of a supplier that it bans is refused (uk-dvd-huawei)\n"
     "  --page FILE.html           what a ban would do to a whole country, as a page\n"
     "  --quick                    a few seconds: fewer phones, shorter measurements, a smaller country\n"
     "  --data-path xdp            packets handled in the kernel, at the interfaces' drivers, not by sockets and TUN\n"
     "  --capture FILE.pcapng      what was on N2, N3, N4 and N6, for Wireshark\n"
     "  --null-ciphering           NAS in clear (NEA0), so that a capture can be read to the last field\n"
     "  --keep-logs DIR            the logs of core and RAN, JSON lines\n",
     cmd_demo},
    {"up", "[--ues N] [--edge | --ethernet] [-c FILE] [--set section.key=VALUE]", "the same network, kept running until 'redoubt down'",
     "Starts the network of 'redoubt demo' and returns once its phones are on it. Then: redoubt phone 1 -- COMMAND,\n"
     "redoubt status. It ends by 'redoubt down'.\n\n"
     "  --ues N                    phones, each with a namespace of its own (2)\n"
     "  --edge                     a second UPF, an uplink classifier: 10.70.0.1 is beside it, the rest goes on to the core's\n"
     "  --ethernet                 Ethernet sessions, and the phones a 5G LAN: TAP interfaces with 192.168.77.1, .2 and so on\n",
     cmd_up},
    {"phone", "N -- COMMAND...", "run a command behind a phone of 'redoubt up'",
     "Runs COMMAND in the network namespace of phone N (1, 2, ...), whose only way out is its PDU session: what it sends\n"
     "goes by GTP-U to the core and on to the data network. Example: redoubt phone 1 -- ping -c 3 10.99.0.1\n",
     cmd_phone},
    {"down", "", "end the network of 'redoubt up'",
     "Ends its processes and takes its namespaces away. Also cleans up after a 'redoubt demo' that was killed.\n", cmd_down},
    {"run", "[-c FILE] [--set section.key=VALUE]...", "the network functions that the configuration names",
     "Runs the core until SIGTERM or Ctrl-C. SIGHUP reads the configuration again. A wrong configuration is explained,\n"
     "nothing starts, and the exit status is 2.\n\n" CONFIG_HELP
     "  --check                    only look whether it would start: like redoubt config check\n"
     "  --debug                    log everything, and allow core dumps, which hold keys\n",
     cmd_run},
    {"trace", "--ue SUPI|ADDRESS | --session NUMBER [--packets N] [--seconds N] [--json]",
     "the packets of one session, each with what was decided and why",
     "Shows the rules of a session and its next packets: the PDR that matched, the FAR, what a QER or URR decided, where\n"
     "the packet went or why it was dropped; headers only. While it is traced, the session's packets are handled by the\n"
     "portable path. It ends with Ctrl-C, or with the numbers below. Only who may use the control socket can ask.\n\n"
     "  --ue SUPI                  imsi-...: the phone's session, where the SMF runs in the same core\n"
     "  --ue ADDRESS               the session with this IPv4 address, or an IPv6 address of its prefix\n"
     "  --session NUMBER           its number, as 'redoubt status' and 'redoubt trace' write it: 0x...\n"
     "  --packets N                at most so many packets (20; at most 1000)\n"
     "  --seconds N                and no longer than that (60; at most 600)\n"
     "  --json                     for programs: an object a line\n"
     "  --socket PATH              of another core than the configured one\n" CONFIG_HELP,
     cmd_trace},
    {"status", "[amf|smf|upf|...] [--json] | --ue SUPI|ADDRESS", "what a running core is doing",
     "Asks the core by its control socket: functions, RAN nodes, phones, sessions, memory.\n\n"
     "  NAME                       only this network function, with more detail\n"
     "  --ue, --session            one session of the UPF, as in 'redoubt trace': its rules, and what each has forwarded\n"
     "  --json                     for programs\n"
     "  --socket PATH              of another core than the configured one\n" CONFIG_HELP,
     cmd_status},
    {"metrics", "", "the counters of a running core, as Prometheus reads them",
     "The same text that control.metrics serves over HTTP.\n\n  --socket PATH              of another core\n" CONFIG_HELP,
     cmd_metrics},
    {"config", "check [FILE] | default | help", "find mistakes in a configuration, print the default, explain options",
     "  check [FILE]               every mistake with its line, and what was expected; exit status 2 if there is any\n"
     "  default                    a file with every option and its default\n"
     "  help [WORD]                what options there are; only those whose name contains WORD\n" CONFIG_HELP,
     cmd_config},
    {"subscriber", "add | list | show | remove | import | export | keygen", "who may use the network",
     "Works on the store of the configured core. Keys are never printed.\n\n" SUBSCRIBER_HELP_MORE "\n" CONFIG_HELP,
     cmd_subscriber},
    {"bench", "control | storm | upf | sim | trust [--ues N] [--rate R] [--json]", "what the core costs",
     "control starts a network of its own in namespaces and measures from outside: CPU time and latency of a registration\n"
     "with a PDU session, memory of a phone, start. Needs root and some 40 s on a machine that does nothing else.\n"
     "storm: 100,000 phones come within 10 s, as strangers and after a power cut, and the core is killed with all of them\n"
     "on it; nobody may be lost. Some 3 minutes.\n"
     "upf measures the user plane: what a packet costs in XDP by itself, packets a second beside the kernel's own forwarding, TCP\n"
     "through the portable path, sessions over N4; in namespaces of its own. Needs root and 4 GB of memory.\n"
     "sim measures the whole network in one process (redoubt sim): registrations and runs of it in a second of one core.\n"
     "trust measures decisions, what-if over 20,000 sites, the evidence log on the disk of /var/tmp, what trust takes of a core's\n"
     "CPU (needs root), and what the guard finds of attacks and of honest networks in which everything fails. Some 2 minutes.\n\n"
     "  --ues N                    phones that all get a session and a ping (10000); of storm (100000)\n"
     "  --rate R                   of them a second (500)\n"
     "  --duration-ms N            upf: how long each flood of packets lasts (1000)\n"
     "  --part PART                upf: only these figures: xdp, latency, restart, tcp or n4; trust: attacks\n"
     "  --attack-seeds N           trust: so many seeds of each attack (100)\n"
     "  --quiet-seeds N            trust: so many seeds of networks without an attacker (1000)\n"
     "  --first-seed N             trust: the first of both (1)\n"
     "  --json                     one JSON object\n",
     cmd_bench},
    {"sim", "[--seeds N] [--seed S] [options] | --scenario FILE... [-v]", "the whole network in one process, on virtual time, with everything that can fail",
     "Each seed draws gNBs, phones, what they do, and what fails: lost and doubled packets, associations that die, a store\n"
     "that refuses, a core that is killed. When the faults stop, every phone must reach its goal, all must agree, and all\n"
     "must come back. A failure prints one line that repeats it. Exit status 1 if there was one.\n\n"
     "  --seeds N                  so many seeds, one after the other (1)\n"
     "  --seed S                   the first (1)\n"
     "  --jobs N                   processes that share them (1)\n"
     "  --for TIME                 virtual time in which things happen and fail: 90s, 10m, 2h; without it the seed draws\n"
     "  --phones N, --gnbs N       at most so many\n"
     "  --faults LIST              these alone, such as loss,core; none; all; 'help' lists them\n"
     "  --calls struct | json      how functions call each other; without it the seed draws, and compares both for JSON\n"
     "  --only LIST                only these steps, such as 3,17-20: what --shrink found\n"
     "  --shrink                   look for the shortest run that fails in the same way\n"
     "  --keep-going               go on after a failure\n"
     "  --trace                    print what happens\n"
     "  --capture FILE.pcap        what was on N2, N3 and N4, for Wireshark; one seed\n"
     "  --properties               what is checked, with its clause\n"
     "  --scenario FILE...         a network and what happens in it, as prose, one run each; -v prints each step and message;\n"
     "                             'help' lists what can be said\n",
     cmd_sim},
    {"trust", "WORD ...", "whom must this network trust, and with what", NULL, cmd_trust},
    {"ran", "[load] [options]", "simulated gNBs and phones, against any core", RAN_HELP, cmd_ran},
};

static void help(FILE *out)
{
    fprintf(out, "redoubt: a 5G network that its owner can trust\n\n"
                 "       UE ~~ gNB --N2--> AMF -- AUSF UDM UDR PCF NSSF NRF\n"
                 "              |           |\n"
                 "              |          SMF\n"
                 "              |           | N4\n"
                 "              +---N3---> UPF --N6--> data network\n\n"
                 "usage: redoubt COMMAND [options]\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].help);
    fprintf(out, "\nTo see it work: redoubt demo. To run it: redoubt config default > my.yaml, change what differs, redoubt\n"
                 "run -c my.yaml. 'redoubt COMMAND --help' explains one command.\n"
                 "Exit status: 0 it worked; 1 it did not; 2 wrong words or a wrong configuration.\n");
}

static void help_command(const struct command *c)
{
    printf("redoubt %s: %s\n\nusage: redoubt %s %s\n\n%s", c->name, c->help, c->name, c->arguments, c->more);
}

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    const char *near = NULL;
    uint32_t best = UINT32_MAX;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (str_is_nearer(str_of(name), str_of(commands[i].name), &best))
            near = commands[i].name;
    fprintf(stderr, "redoubt: there is no command '%.40s'", name);
    fprintf(stderr, near ? "; did you mean '%s'?\n" : "\n", near);
    fprintf(stderr, "'redoubt --help' lists them\n");
    return EXIT_USAGE;
}

/* --help anywhere before "--" is a question, not an order. */
static bool asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    bool wants_help = strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (wants_help && argc < 3) {
        help(stdout);
        return EXIT_OK;
    }
    const struct command *c = command_find(wants_help ? argv[2] : name);
    if (!c)
        return unknown(wants_help ? argv[2] : name);
    /* commands whose own arguments follow have their own help */
    if (c->more && (wants_help || asks_help(argc - 1, argv + 1))) {
        help_command(c);
        return EXIT_OK;
    }
    if (wants_help) {
        char *const ask[] = {argv[2], (char[]){"help"}, NULL};
        return c->fn(2, (char **)ask);
    }
    return c->fn(argc - 1, argv + 1);
}
