/* SPDX-License-Identifier: Apache-2.0 */
/* os/disk.h - struct disk on a folder. Files get mode 0600, the folder 0700 when it is made. */
#pragma once
#include "rt/disk.h"

/* is_writer: makes the folder if it is missing and holds a lock, so that there is one writer: ERR_EXISTS if there is
 * one already. Otherwise only reads. */
int disk_open(struct disk **, const char *path, bool is_writer);
void disk_close(struct disk *);
