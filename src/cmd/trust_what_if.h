/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

int trust_what_if(int argc, char **argv);
#define TRUST_WHAT_IF_HELP                                                                                             \
    "usage: redoubt trust what-if [--policy NAME|FILE]... [--supplier NAME]... --at DATE [options]\n\n"                \
    "Runs policy on the inventory as it would hold on that day, and bans of suppliers beside it, and tells what would\n" \
    "fall silent, who loses service, who takes over and overflows, and what replacement costs, by when. Changes nothing.\n\n" \
    "  --policy NAME|FILE         a regime that is shipped, or a file; may be repeated\n"                              \
    "  --supplier NAME            as if all equipment of this supplier and its group were banned on that day; may be\n" \
    "                             repeated\n"                                                                         \
    "  --at DATE                  the day, as 2027-12-31 (today)\n"                                                    \
    "  --today DATE               deadlines and plans are counted from this day (today)\n"                             \
    "  --per-month N              replacements that can be done in a month (as many as the deadlines ask for)\n"       \
    "  --as text | json | html    (text); html is one page that needs nothing else, to print and to send\n"            \
    "  --output FILE              instead of the terminal\n"                                                          \
    "  --store FILE, -c FILE, --set section.key=VALUE, --known-at DATE    as for redoubt trust inventory\n"            \
    "docs/trust/what-if.md says how it is computed and what it leaves out.\n"
