/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "cmd/trust_store.h"

int trust_synth(int argc, char **argv);
#define TRUST_SYNTH_HELP                                                                                               \
    "A country that does not exist: cities whose sizes fall as a power of their rank, sites where people are, contracts by\n" \
    "region, 2G to 5G, transport, core and management, neighbours by distance, costs. Every record says synthetic. The\n"  \
    "same options make the same country.\n\n"                                                                           \
    "  --sites N                  radio sites (2000)\n"                                                                 \
    "  --seed N                   another country (1)\n"                                                                \
    "  --operators N              1 to 4, each with a network of its own (1)\n"                                         \
    "  --population N             people (500 for each site)\n"                                                         \
    "  --suppliers NAME:CC:SHARE,...    of the radio network, with their country and share of contracts\n"              \
    "                             (Nordtel:SE:38,Harbin Radio:CN:34,Hanseong Networks:KR:18,Lakeview Systems:US:10)\n"  \
    "  --output DIR | FILE.json   as CSV files or as JSON, which redoubt trust inventory import reads\n"                \
    "  --import                   straight into the store, unless it holds an inventory that is not synthetic\n"       \
    "  --from DATE                first day on which it holds, with --import (today); dates in it lie before\n"        \
    "  --store FILE               another store than the configured one\n"
