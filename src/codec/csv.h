/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h - comma separated values (RFC 4180), read field by field from a text in memory: quotes may enclose commas, line
 * ends and quotes that are doubled. Lines that are empty or begin with # are passed over. */
#pragma once
#include "base/arena.h"
#include "base/text.h"

struct csv {
    const char *p, *end, *line_start;
    uint32_t lines;        /* where the reader stands */
    uint32_t line, column; /* of the field read last, or of the mistake; from 1 */
    bool at_start, ended;  /* of a record */
    const char *why;       /* a mistake; the rest of the record is passed over by csv_record() */
};
void csv_start(struct csv *, struct str text);
/* Goes to the next record, past what is left of this one; false at the end. Forgets a mistake. */
bool csv_record(struct csv *);
/* The record's next field: a slice of the text, or of the arena where quotes had to be undone. False at the record's
 * end, or at a mistake (why). */
bool csv_field(struct csv *, struct arena *, struct str *out);
/* Adds a field, in quotes where it needs them, with a comma before it unless it is the first. */
void csv_put(struct text *, struct str field, bool first);
