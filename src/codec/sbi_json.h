/* SPDX-License-Identifier: Apache-2.0 */
/* sbi_json.h - JSON text (RFC 8259) <-> the structs of codec/sbi.h, by their rows, in one pass and
 * without a tree. Reading is strict: syntax, UTF-8, required members, ranges and counts, no member
 * twice. Members without a row are skipped, enumeration texts that are not known become OTHER, and
 * null means that an optional member is absent. */
#pragma once
#include "codec/sbi.h"

enum {
    SBI_DEPTH_MAX = 24,    /* objects and arrays within one another */
    SBI_ROWS_MAX = 64,     /* rows of one type */
    SBI_PARTS_MAX = 8,     /* binary parts beside a JSON body */
    SBI_POINTER_MAX = 160, /* octets, NUL included */
    SBI_NAME_MAX = 512,    /* octets of a key of a map */
};
/* Why a message was refused, as ProblemDetails says it (TS 29.500 5.2.7.2). */
struct sbi_report {
    int err;
    const char *cause, *reason;    /* literals */
    char pointer[SBI_POINTER_MAX]; /* the member: JSON pointer (RFC 6901), or "query x", "path {x}",
                                      "header x" */
};
/* Parts of multipart/related, TS 29.502 6.1.2.4: what RefToBinaryData names. */
struct sbi_part {
    struct str id, type;
    struct bytes body;
    char id_text[40]; /* where the id of a part that we made lives */
};
struct sbi_parts {
    struct sbi_part v[SBI_PARTS_MAX];
    uint32_t n;
};

/* The body's text: the value of the BODY row where the type has one, otherwise an object of the
 * rows that do not travel elsewhere. The length; 0: such a type has no body; ERR_NOSPACE: more than
 * cap; ERR_RANGE: a value that has no text (an enumeration's OTHER). Binary members go to *parts,
 * which points into the value. */
int sbi_json_encode(const struct sbi_schema *, const void *value, char *out, uint32_t cap,
                    struct sbi_parts *parts);
/* Zeroes and fills the body's rows of *value; what it points to is copied to the arena. OK, or the
 * report's err. report may not be NULL. */
int sbi_json_decode(const struct sbi_schema *, struct str text, const struct sbi_parts *parts,
                    struct arena *, void *value, struct sbi_report *report);
/* One row's value, for what travels in a query. `at` and `owner` are the struct that has the row.
 */
int sbi_json_encode_row(const struct sbi_field *, const void *owner, char *out, uint32_t cap);
int sbi_json_decode_row(const struct sbi_field *, struct str text, struct arena *, void *owner,
                        struct sbi_report *);
/* For logs and people: one line, cut where it does not fit, secrets, identities, binary and free
 * JSON left out. Always NUL-terminated; the length. */
uint32_t sbi_print(const struct sbi_schema *, const void *value, char *out, uint32_t cap);

/* True when the row travels in the JSON body itself. */
static inline bool sbi_in_json(const struct sbi_field *f)
{
    return !(f->flags & (SBI_PATH | SBI_QUERY | SBI_HEADER | SBI_FORM | SBI_BODY));
}
/* The BODY row, or NULL. */
const struct sbi_field *sbi_body_row(const struct sbi_schema *);
/* False: a message of this type has no JSON body. */
bool sbi_has_body(const struct sbi_schema *);
/* The number of a text; 0 (OTHER) when it is not known. */
int sbi_code_find(const struct sbi_code_desc *, struct str text);
bool utf8_valid(struct str);
uint32_t base64_put(char *out, struct bytes); /* the length: (n + 2) / 3 * 4 */
/* Octets into out (at least n / 4 * 3 + 2 of them), padding optional; -1: not base64. */
int64_t base64_get(uint8_t *out, struct str);
