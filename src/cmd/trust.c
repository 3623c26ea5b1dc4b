/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c - redoubt trust: who built what, what may it do, what would a ban cost, and what happened. */
#include "base/suggest.h"
#include "cmd/trust.h"
#include "cmd/trust_ca.h"
#include "cmd/trust_evidence.h"
#include "cmd/trust_inventory.h"
#include "cmd/trust_ipsec.h"
#include "cmd/trust_policy.h"
#include "cmd/trust_synth.h"
#include "cmd/trust_what_if.h"
#include <stdio.h>

static const struct {
    const char *name, *help; /* one line */
    const char *more;        /* what --help says beside it */
    int (*fn)(int argc, char **argv);
} words[] = {
    {"inventory", "who built what stands where, and since when", TRUST_INVENTORY_HELP, trust_inventory},
    {"policy", "who may build what, by which law, and until when", TRUST_POLICY_HELP, trust_policy},
    {"what-if", "what a policy or a ban would do to the network, and what it costs", TRUST_WHAT_IF_HELP, trust_what_if},
    {"evidence", "what happened: a log that nobody can rewrite unseen", TRUST_EVIDENCE_HELP, trust_evidence},
    {"synth", "an inventory of a country that does not exist, for trials", TRUST_SYNTH_HELP, trust_synth},
    {"ca", "a certificate authority for labs", TRUST_CA_HELP, trust_ca},
    {"identity", "which element a certificate proves", TRUST_IDENTITY_HELP, trust_identity},
    {"ipsec", "N2, N3 and N4 in tunnels, from the inventory", TRUST_IPSEC_HELP, trust_ipsec},
};

static bool asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return argc > 1 && strcmp(argv[1], "help") == 0;
}

static int help(FILE *out)
{
    fprintf(out, "redoubt trust: whom must this network trust, and with what\n\nusage: redoubt trust WORD ...\n\n");
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        fprintf(out, "  %-11s %s\n", words[i].name, words[i].help);
    fprintf(out, "\n'redoubt trust WORD --help' explains one.\n");
    return out == stdout ? EXIT_OK : EXIT_USAGE;
}

int cmd_trust(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "", *near = NULL;
    uint32_t best = UINT32_MAX;
    if (word[0] == '-' || strcmp(word, "help") == 0)
        return help(stdout);
    if (!*word)
        return help(stderr);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_is_nearer(str_of(word), str_of(words[i].name), &best))
            near = words[i].name;
        if (strcmp(words[i].name, word) != 0)
            continue;
        if (!asks_help(argc - 1, argv + 1))
            return words[i].fn(argc - 1, argv + 1);
        printf("redoubt trust %s: %s\n\n%s", words[i].name, words[i].help, words[i].more);
        return EXIT_OK;
    }
    return near ? usage("trust", "there is no '%s'; did you mean '%s'?", word, near) : usage("trust", "there is no '%s'", word);
}
