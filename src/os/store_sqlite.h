/* SPDX-License-Identifier: Apache-2.0 */
/* store_sqlite.h - struct store on SQLite: one file in WAL mode with synchronous=FULL, a table of
 * (key, value) for each row of spec/store.def, but one for all that functions know of phones (decision 22). Writes join a
 * transaction that store_sync() commits. Keys of what is known of a phone have no zero octet and at most 254.
 */
#pragma once
#include "rt/store.h"

/* path ":memory:" for tests. The file is made with mode 0600. ERR_STORE with the reason in
 * why[cap]. */
int store_sqlite_open(struct store **, const char *path, char *why, uint32_t cap);
/* Rows that the open has moved from where a version of before kept them. */
uint32_t store_sqlite_moved(const struct store *);
void store_sqlite_close(struct store *); /* commits */
