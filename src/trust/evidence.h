/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h - the evidence log of a running network: one thread appends and never waits, another (or the same, in
 * tests and simulation) writes, syncs and signs. */
#pragma once
#include "rt/env.h"
#include "trust/evidence_log.h"

struct evidence_conf {
    struct disk *disk;
    struct env *env;       /* its clock dates entries; of the appending thread */
    struct crypto *crypto; /* of the appending thread */
    const struct note_signer *signer;
    const uint8_t *seal_key; /* [SEAL_KEY]; NULL: messages with identities are not kept, only that they were */
    uint32_t queue_octets;   /* entries that wait for the disk; 0: 4 MiB */
};
struct evidence_writer;
struct evidence_counts {
    uint64_t appended, lost, refused; /* refused: too large */
    uint64_t durable, is_signed;      /* of the log, since ever */
};
/* What conf points to must outlive it. Appends an entry `start`. */
int evidence_open(struct evidence_writer **, const struct evidence_conf *, char why[EVIDENCE_WHY]);
/* For rt->evidence. */
struct evidence *evidence_of(struct evidence_writer *);
/* The writing thread's: takes what waits, makes it durable, and signs a checkpoint when told to. Entries stay in memory
 * when it fails, until it succeeds. */
int evidence_pump(struct evidence_writer *, bool sign);
void evidence_counts(const struct evidence_writer *, struct evidence_counts *); /* from either thread */
/* Pumps and signs a last time. Nobody appends any more. */
void evidence_close(struct evidence_writer *);
