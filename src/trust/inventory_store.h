/* SPDX-License-Identifier: Apache-2.0 */
/* inventory_store.h - the inventory in the store: every version of every record, with the day from which it holds and
 * the import that brought it. Nothing is overwritten. A change holds from its day on; a correction takes the place of
 * the version that was wrong, from that version's first day. An import that was cut short is as if it had never been. */
#pragma once
#include "rt/store.h"
#include "trust/inventory_build.h"

enum inv_version_flags { INV_VERSION_CORRECTION = 1, INV_VERSION_REMOVED = 2 };
struct inv_import {
    const struct inv_text *texts;
    uint32_t n_texts;
    int32_t from;     /* first day on which it holds */
    bool correction;  /* it was so before: see above */
    bool complete;    /* of the kinds that the texts have, records that are not in them are removed */
    struct str within; /* with complete: only among records whose ids begin so; parts end with 0x1f */
    bool dry_run;     /* only look */
    struct str note;  /* who, why; at most 200 octets are kept */
    uint64_t now_us;  /* UTC since 1970 */
    void (*pause)(void); /* after each 2000 rows, when others may write; NULL: none */
    enum inv_kind remove_kind; /* with n_remove: the records of these ids are removed */
    const struct str *remove;
    uint32_t n_remove;
};
struct inv_import_result {
    uint32_t number; /* of the import; 0: nothing was to do */
    uint32_t added, changed, removed, same;
};
/* All of it or nothing. ERR_SYNTAX: findings; ERR_NOTFOUND: a record to remove is not there; ERR_STATE: another import
 * came in between, try again; ERR_STORE; ERR_NOSPACE. Others can write to the store meanwhile. */
int inventory_import(struct store *, const struct inv_import *, struct inv_report *, struct inv_import_result *);

struct inv_version {
    enum inv_kind kind;
    struct str key;
    struct bytes row;
    int32_t from;
    uint32_t number; /* of the import */
    uint64_t recorded_us;
    uint8_t flags;
};
/* As it was on a day and as far as was known: one version of each record, those that are removed left out. */
int inventory_scan(struct store *, int32_t as_of, uint64_t known_us, int (*row)(void *ctx, const struct inv_version *),
                   void *ctx);
/* Every version of one record, in the order of days and imports. */
int inventory_history(struct store *, enum inv_kind, struct str key, int (*row)(void *ctx, const struct inv_version *),
                      void *ctx);
struct inv_journal_entry {
    uint32_t number;
    bool complete; /* false: it was cut short and has no effect */
    uint64_t recorded_us;
    int32_t from;
    uint8_t flags;
    uint32_t added, changed, removed;
    struct str note;
};
int inventory_journal(struct store *, int (*row)(void *ctx, const struct inv_journal_entry *), void *ctx);
