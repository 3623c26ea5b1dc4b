/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_log.h - the evidence log on a disk (rt/disk.h). Files:
 *
 *   entries-00000000   65,536 entries, then entries-00000001 and so on. An entry is its length (2 octets), the first 4
 *                      octets of its leaf hash, by which a torn write is known, and its octets. Only appended to.
 *   checkpoint         the newest signed checkpoint (trust/note.h). Replaced as a whole.
 *   cosigned           the newest one that witnesses have cosigned, when there is one.
 *   roots              32 octets for each full file of entries: the root of its subtree. Can be made again from them.
 *
 * Entries are durable before the checkpoint that covers them is signed, and the checkpoint before anybody sees it. So
 * after a crash what is signed is there; of what is not, all that was durable is kept and a torn end is cut off. Signed
 * entries that are missing or changed are no crash: the log is not opened for writing, and nothing is mended. */
#pragma once
#include "rt/disk.h"
#include "trust/evidence_entry.h"
#include "trust/note.h"

enum { SEGMENT_LEVEL = 16, SEGMENT_ENTRIES = 1 << SEGMENT_LEVEL, RECORD_HEAD = 6, EVIDENCE_WHY = 256 };
#define EVIDENCE_CHECKPOINT "checkpoint"
#define EVIDENCE_COSIGNED   "cosigned"
#define EVIDENCE_ROOTS      "roots"

/* ---- reading, entry by entry ---- */
struct record_reader {
    struct disk *disk;
    struct crypto *crypto;
    uint64_t index;       /* of the entry that comes next */
    uint64_t at, file_n;  /* octets of its file: where it begins, how many there are */
    bool is_open;         /* file_n is known */
    uint8_t *buf;
    uint32_t from, to;    /* of buf; buf[from] is the octet at `at` */
};
/* From an entry on, which must be the first of a file. ERR_NOSPACE, ERR_RANGE. */
int record_reader_open(struct record_reader *, struct disk *, struct crypto *, uint64_t index);
void record_reader_close(struct record_reader *);
/* 1: an entry, which lives until the next call; 0: the log ends. ERR_SHORT: in the middle of an entry; ERR_MAC: the
 * entry is not what was written; ERR_TRAILING: a full file goes on; else the disk's error. After an error r->at is where
 * the sound entries of that file end. */
int record_next(struct record_reader *, struct bytes *entry, struct merkle_hash *leaf);
void segment_name(uint64_t index, char name[DISK_NAME + 1]);
/* A small file into *text, of at most NOTE_MAX octets. ERR_NOTFOUND, ERR_RANGE. */
int note_file_read(struct disk *, const char *name, char text[NOTE_MAX], struct str *out);

/* ---- writing ---- */
struct evidence_log {
    struct disk *disk;
    struct crypto *crypto;
    const struct note_signer *signer;
    struct merkle tree, segment; /* of all entries, of those in the file at hand */
    uint64_t durable, is_signed; /* entries */
    struct merkle_hash signed_root;
    uint64_t last_us;     /* time of the last entry */
    uint64_t file_octets; /* of the file at hand that are durable */
    uint8_t *group;       /* records that are not durable yet */
    uint32_t group_n;
    bool is_torn; /* a write failed: the file may go on beyond file_octets */
};
/* Opens or begins the log of the signer, which must outlive it. Cuts off a torn end. ERR_STORE with the reason in why:
 * what is there is not what was signed, or of another key; ERR_IO and other errors of the disk. */
int evidence_log_open(struct evidence_log **, struct disk *, struct crypto *, const struct note_signer *, char why[EVIDENCE_WHY]);
void evidence_log_close(struct evidence_log *); /* what was not committed is dropped */
/* Into memory; writes to the disk only when that is full. ERR_ORDER: dated before the last entry; ERR_SYNTAX: no entry. */
int evidence_log_add(struct evidence_log *, struct bytes entry);
/* All that was added is durable when it returns OK. After an error it can be called again. */
int evidence_log_commit(struct evidence_log *);
/* Commits, and signs a checkpoint if there is something that is not signed yet. */
int evidence_log_sign(struct evidence_log *);
