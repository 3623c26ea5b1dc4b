/* SPDX-License-Identifier: Apache-2.0 */
/* trust_store.h - the store of the configured core and the inventory in it, for the words of redoubt trust. */
#pragma once
#include "cmd/cmd.h"
#include "rt/store.h"
#include "trust/inventory.h"
#include <stdio.h>

struct trust_store {
    struct cmd_config_options options; /* -c, --set */
    const char *path;                  /* --store; NULL: the configured one */
    int32_t at;                        /* --at; today when it is not given */
    uint64_t known_us;                 /* --known-at: end of that day; 0: all that is known */
    struct cmd_config *config;
    struct store *store;
};
#define TRUST_STORE_HELP                                                                                               \
    "  --store FILE               another store than the configured one\n"                                              \
    "  --at DATE                  as it is on that day (today)\n"                                                       \
    "  --known-at DATE            leaving out what was only recorded later\n"
/* Takes one of these options; false: it is something else. *status is EXIT_USAGE when it was wrong, which has been said. */
bool trust_store_option(struct trust_store *, struct args *, int *status);
/* EXIT_OK, or what has been said. */
int trust_store_open(struct trust_store *, const char *word);
/* Commits if all went well. Returns status, or what has been said. */
int trust_store_close(struct trust_store *, const char *word, int status);
/* The inventory at its day; NULL after what is wrong has been said. */
struct inventory *trust_inventory_load(struct trust_store *, const char *word);
uint64_t trust_now_us(void); /* UTC since 1970 */
/* A whole file, followed by a NUL; free() it. NULL after it has been said. */
char *trust_file_read(const char *word, const char *path, struct str *text);
/* To be written; NULL after it has been said, also where there is one of that name. */
FILE *trust_file_new(const char *word, const char *path);
/* What inventory_import() answered, with what it found wrong: EXIT_OK, or what has been said. Ends the report. */
int trust_import_status(const struct trust_store *, const char *word, int answer, struct inv_report *);
