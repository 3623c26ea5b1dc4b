/* SPDX-License-Identifier: Apache-2.0 */
/* trust_inventory.h - what the words of redoubt trust inventory share. */
#pragma once
#include "cmd/trust_store.h"
#include "trust/inventory_store.h"

enum { INVENTORY_FILES = 64 };
struct inventory_command {
    struct trust_store store;
    const char *words[INVENTORY_FILES], *output, *note, *kind, *supplier, *function, *region, *site;
    uint32_t n_words, limit;
    int32_t from;
    bool json, correct, complete, dry_run;
};
int trust_inventory(int argc, char **argv);
int inventory_refuse(const char *what, const char *why); /* on standard error; EXIT_FAILED */
/* Which kind a word names; INV_KINDS after it has been said that it names none. */
enum inv_kind inventory_kind_of(const char *word);

int inventory_list(struct inventory_command *);
int inventory_show(struct inventory_command *);
int inventory_export(struct inventory_command *);
int inventory_history_show(struct inventory_command *);
int inventory_check_store(struct inventory_command *);
int inventory_fields(struct inventory_command *);

#define TRUST_INVENTORY_HELP                                                                                           \
    "Suppliers, their owners and the laws that bind them; products with certifications, advisories and bills of\n"      \
    "materials; sites; elements; neighbour cells. Each kind is a CSV file of its name (suppliers.csv, elements.csv) or a\n" \
    "member of one JSON file. Records name each other by id: an element names its product, which names its supplier.\n\n" \
    "  import FILE... | DIR       takes all of it or, where anything is wrong, nothing: each mistake with line and column\n" \
    "      --from DATE            the first day on which it holds (today). Days before keep what they had\n"           \
    "      --correct              it was so all along: takes the place of what was wrong, from its first day\n"       \
    "      --complete             of the kinds that are in it, records that are not in it are removed\n"              \
    "      --kind KIND            of a CSV file with another name\n"                                                    \
    "      --note TEXT            who says so and why; history shows it\n"                                              \
    "      --dry-run              only look\n"                                                                          \
    "  check [FILE... | DIR]      what is wrong with files; without them, what the inventory does not know\n"         \
    "  list [KIND] [--supplier S] [--function F] [--region R] [--site S] [--limit N] [--json]    elements, or KIND\n"  \
    "  show [KIND] ID             one record and what belongs to it\n"                                                  \
    "  history [KIND ID]          imports; or each version of one record, the day it holds from and when it was recorded\n" \
    "  export [KIND] [--json] [--output FILE | DIR]    as import reads it\n"                                            \
    "  remove KIND ID... [--from DATE] [--note TEXT]    from that day on\n"                                             \
    "  bom PRODUCT FILE.json      the product's bill of materials, CycloneDX 1.2 to 1.7; takes the place of the one before\n"  \
    "  fields [KIND]              the columns of each kind, what they mean, and the words they take\n"               \
    TRUST_STORE_HELP
