/* SPDX-License-Identifier: Apache-2.0 */
/* sbi_wire.h - a whole request or response of an operation <-> what HTTP carries: method, path with
 * query, headers, body (TS 29.500 5.2, TS 29.501 5.3). Bytes only; framing and connections are
 * elsewhere. */
#pragma once
#include "codec/sbi_json.h"

enum { SBI_HEADERS_MAX = 4 };
struct sbi_header {
    struct str name, value;
};
struct sbi_http {
    enum sbi_method method;
    int status; /* of a response */
    struct str scheme,
        authority;   /* of a callback's URI; empty: the producer's, which is found otherwise */
    struct str path; /* with the query */
    struct str content_type; /* empty: no body */
    struct sbi_header headers[SBI_HEADERS_MAX];
    uint32_t n_headers;
    struct bytes body;
};

/* Written into the arena's own block, which must not be one that grows. 0, ERR_NOSPACE, or
 * ERR_RANGE: a value that has no text. */
int sbi_request_encode(enum sbi_op, const void *req, struct arena *, struct sbi_http *);
/* rsp for 2xx, err otherwise; err may be NULL: no body. */
int sbi_response_encode(enum sbi_op, int status, const void *rsp, const void *err, struct arena *,
                        struct sbi_http *);
/* Zeroes and fills *req; all it points to is copied to the arena. OK, or the report's err. */
int sbi_request_decode(enum sbi_op, const struct sbi_http *, struct arena *, void *req,
                       struct sbi_report *);
/* Zeroes and fills *rsp when http->status is 2xx, *err otherwise (all zero when there is no body).
 */
int sbi_response_decode(enum sbi_op, const struct sbi_http *, struct arena *, void *rsp, void *err,
                        struct sbi_report *);
/* The operation of a method and path (with or without query), or ERR_NOTFOUND. Callbacks are not
 * found: their URIs are the consumer's own. */
int sbi_route(enum sbi_method, struct str path);
/* The HTTP status that answers a request refused so. */
int sbi_report_status(const struct sbi_report *);
/* RFC 3986 2.1: all but unreserved characters escaped; the length (at most 3 times). */
uint32_t percent_put(char *out, struct str);
/* Undone into out (at least s.n octets); plus: '+' is a space, as in forms. -1: not so encoded. */
int64_t percent_get(char *out, struct str s, bool plus);
