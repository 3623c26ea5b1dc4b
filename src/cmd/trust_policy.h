/* SPDX-License-Identifier: Apache-2.0 */
/* trust_policy.h - redoubt trust policy. */
#pragma once
#include "cmd/trust_store.h"

int trust_policy(int argc, char **argv);

#define TRUST_POLICY_HELP                                                                                              \
    "A policy is a set of files: regimes of nations that are shipped, by their id, and files of one's own, by path. Rules have\n" \
    "a citation, dates, whom and what they concern, and what holds then. Without FILES, trust.policies of the configuration.\n\n" \
    "  list [-v]                  the regimes that are shipped, how sure each is; with -v their rules and notes\n"       \
    "  check [FILES...]           every mistake with its line; then what files say differently, and what they or the\n"   \
    "                             inventory leave open. Exit status 2 if there are mistakes\n"                           \
    "  explain ELEMENT | SUPPLIER [FILES...] [--json]   what holds for it and why, rule by rule\n"                       \
    "  diff A B                   what changes from policy A to policy B (files apart by commas): rules, and decisions\n" \
    "  apply [--yes]              what the running core would do if it read its files again; with --yes it does it\n"   \
    TRUST_STORE_HELP
