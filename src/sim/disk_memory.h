/* SPDX-License-Identifier: Apache-2.0 */
/* disk_memory.h - a disk (rt/disk.h) that exists only here and fails when told to. It outlives the process that a test
 * kills: what was synced is there afterwards, what was not may be, in part, or as octets of 0. */
#pragma once
#include "rt/disk.h"

struct disk *disk_memory_new(uint64_t seed); /* NULL: no memory */
void disk_memory_free(struct disk *);
uint64_t disk_memory_writes(const struct disk *); /* operations that change something, syncs included, so far */
/* The n-th of them from now on (1: the next) happens in part, by the seed, and it and all after it return ERR_IO: the
 * process is dead. 0: never. */
void disk_memory_die(struct disk *, uint64_t n);
/* Power comes back: of what was not synced, the seed decides what is there. */
void disk_memory_crash(struct disk *);
/* The next n operations that change something fail with this error and do part of it; then all goes on. */
void disk_memory_fail(struct disk *, uint32_t n, int error);
/* The octets of a file, for tests that change them; NULL: no such file. */
uint8_t *disk_memory_octets(struct disk *, const char *name, uint32_t *n);
/* Everything as it is now, on a new disk. */
struct disk *disk_memory_copy(const struct disk *);
