/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h - where decisions, changes and findings go that must not be rewritten. trust/evidence.h implements it
 * with a Merkle tree on disk; who writes an entry neither waits for the disk nor knows of it. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum evidence_kind {
#define EVIDENCE(name, text) EVIDENCE_##name,
#include "../../spec/evidence.def"
#undef EVIDENCE
    EVIDENCE_KIND_COUNT
};
enum { EVIDENCE_MESSAGES_MAX = 16, EVIDENCE_SUBJECT_MAX = 256, EVIDENCE_ENTRY_MAX = 65535 }; /* octets of text */
/* A message that an entry rests on. */
struct evidence_message {
    const char *interface; /* "N1", "N2", "N4", ... at most 8 letters and digits */
    bool is_sent;          /* by this core */
    bool is_clear;         /* it holds nothing of a subscriber; otherwise only the holder of a key can read it */
    struct bytes octets;
};
struct evidence { /* first member of every implementation */
    int (*append)(struct evidence *, enum evidence_kind, struct str subject, struct str body,
                  const struct evidence_message *, uint32_t n_messages);
};
/* Takes a copy and returns at once; the time is the environment's. subject names an element or what was changed; body is
 * text, by custom one JSON object, and holds no identity of a subscriber in clear. What is no printable UTF-8 becomes '?'.
 * Where there is no log (NULL) nothing happens. ERR_NOSPACE: longer than EVIDENCE_ENTRY_MAX; ERR_FULL: the disk does not
 * keep up; the log will say how many were lost. */
static inline int evidence_append_messages(struct evidence *e, enum evidence_kind k, struct str subject, struct str body,
                                           const struct evidence_message *m, uint32_t n)
{
    return e ? e->append(e, k, subject, body, m, n) : OK;
}
static inline int evidence_append(struct evidence *e, enum evidence_kind k, struct str subject, struct str body)
{
    return evidence_append_messages(e, k, subject, body, NULL, 0);
}
