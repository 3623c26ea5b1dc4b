/* SPDX-License-Identifier: Apache-2.0 */
/* store_sqlite.h - struct store on SQLite: one file in WAL mode with synchronous=FULL, a table of
 * (key, value) for each row of spec/store.def. Writes join a transaction that store_sync() commits.
 */
#pragma once
#include "rt/store.h"

/* path ":memory:" for tests. The file is made with mode 0600. ERR_STORE with the reason in
 * why[cap]. */
int store_sqlite_open(struct store **, const char *path, char *why, uint32_t cap);
void store_sqlite_close(struct store *); /* commits */
