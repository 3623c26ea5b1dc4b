/* SPDX-License-Identifier: Apache-2.0 */
/* sbi.c - "OPERATION KIND\n" and any body: what is refused says why, and what decodes encodes,
 * decodes to the same again, and prints. KIND: req, rsp, err. */
#include "codec/sbi_json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static uint8_t block[1 << 21], block2[1 << 21], value[1 << 13], value2[1 << 13];
static char out[1 << 19], out2[1 << 19];

static const struct sbi_schema *schema_named(struct str line)
{
    for (unsigned op = 0; op < SBI_OP_MAX; op++) {
        const struct sbi_op_desc *d = &sbi_ops[op];
        size_t n = strlen(d->name);
        if (line.n != n + 4 || memcmp(line.p, d->name, n) != 0 || line.p[n] != ' ')
            continue;
        char kind = line.p[n + 3];
        return kind == 'q' ? d->req : kind == 'p' ? d->rsp : d->err;
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data, *end = size ? memchr(p, '\n', size) : NULL;
    const struct sbi_schema *s = end ? schema_named((struct str){p, (uint32_t)(end - p)}) : NULL;
    if (!s || s->size > sizeof value || size > 60000)
        return 0;
    struct str text = {end + 1, (uint32_t)(size - (size_t)(end + 1 - p))};
    struct sbi_parts in = {
        .n = 2, .v = {{.id = STR("n1SmMsg"), .body = {data, 4}}, {.id = STR("n2SmInfo")}}};
    struct sbi_parts parts, parts2;
    struct arena a = arena_over(block, sizeof block), b = arena_over(block2, sizeof block2);
    struct sbi_report why;
    memset(value, 0, s->size); /* rows that do not travel in the body */
    memset(value2, 0, s->size);
    int err = sbi_json_decode(s, text, &in, &a, value, &why);
    if (err) {
        if (err != why.err || !why.cause ||
            !utf8_valid((struct str){why.pointer, (uint32_t)strlen(why.pointer)}))
            abort();
        return 0;
    }
    sbi_print(s, value, out, sizeof out);
    int n = sbi_json_encode(s, value, out, sizeof out, &parts);
    if (n < 0) /* an enumeration's text that we do not know, or more parts than we send */
        return 0;
    if (sbi_json_decode(s, (struct str){out, (uint32_t)n}, &parts, &b, value2, &why) ||
        sbi_json_encode(s, value2, out2, sizeof out2, &parts2) != n ||
        memcmp(out, out2, (size_t)n) != 0)
        abort();
    return 0;
}
