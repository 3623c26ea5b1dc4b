/* SPDX-License-Identifier: Apache-2.0 */
/* sbi_wire.c - "METHOD path\ncontent type\nbody", or "STATUS operation\n…" for a response: whatever
 * comes is refused with a cause or becomes a struct that is written, read and written again to the
 * same. */
#include "codec/sbi_wire.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static uint8_t block[1 << 21], block2[1 << 21], wire[1 << 20], value[1 << 13], value2[1 << 13];

static struct str line(struct str *left)
{
    const char *p = left->n ? memchr(left->p, '\n', left->n) : NULL;
    struct str l = {left->p, p ? (uint32_t)(p - left->p) : left->n};
    *left = p ? (struct str){p + 1, left->n - l.n - 1} : (struct str){NULL, 0};
    return l;
}
static void same(const struct sbi_http *a, const struct sbi_http *b)
{
    if (!str_eq(a->path, b->path) || !bytes_eq(a->body, b->body) ||
        !str_eq(a->content_type, b->content_type))
        abort();
}

static void request(int op, const struct sbi_http *h)
{
    struct arena a = arena_over(block, sizeof block), b = arena_over(block2, sizeof block2),
                 w = arena_over(wire, sizeof wire);
    struct sbi_report why;
    struct sbi_http first, second;
    if (sbi_request_decode((enum sbi_op)op, h, &a, value, &why)) {
        if (!why.err || !why.cause || sbi_report_status(&why) < 400)
            abort();
        return;
    }
    if (sbi_request_encode((enum sbi_op)op, value, &w, &first) < 0)
        return; /* an enumeration's text that we do not know, or one longer than we write */
    if (sbi_request_decode((enum sbi_op)op, &first, &b, value2, &why) ||
        sbi_request_encode((enum sbi_op)op, value2, &w, &second) < 0)
        abort();
    same(&first, &second);
}
static void response(int op, const struct sbi_http *h)
{
    struct arena a = arena_over(block, sizeof block), w = arena_over(wire, sizeof wire);
    struct sbi_report why;
    struct sbi_http out;
    if (sbi_response_decode((enum sbi_op)op, h, &a, value, value2, &why) == 0)
        sbi_response_encode((enum sbi_op)op, h->status, value, value2, &w, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET ", "POST ", "PUT ", "PATCH ", "DELETE "};
    struct str left = {(const char *)data, size > 60000 ? 60000 : (uint32_t)size},
               first = line(&left);
    struct sbi_http h = {.content_type = line(&left)};
    h.body = (struct bytes){(const uint8_t *)left.p, left.n};
    h.n_headers = 1;
    h.headers[0] = (struct sbi_header){STR("location"), h.content_type};
    for (unsigned m = 0; m < ARRAY_LEN(methods); m++) {
        uint32_t n = (uint32_t)strlen(methods[m]);
        if (!str_starts(first, methods[m]))
            continue;
        h.method = (enum sbi_method)m;
        h.path = (struct str){first.p + n, first.n - n};
        int op = sbi_route(h.method, h.path);
        if (op >= 0)
            request(op, &h);
    }
    for (int op = 0; op < SBI_OP_MAX && first.n > 4; op++)
        if (str_is((struct str){first.p + 4, first.n - 4}, sbi_ops[op].name)) {
            h.status = first.p[0] == '2' ? 201 : 403;
            response(op, &h);
        }
    return 0;
}
