/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that other cores sent: each decodes, and what we then write decodes to the same. argv[1]:
 * lines of operation, req | rsp | err, ids of the binary parts or "-", and the JSON text, with tabs
 * between them. */
#include "tests/test.h"
#include "base/err.h"
#include "codec/sbi_json.h"
#include <stdlib.h>

static const char *file;
static uint8_t block[1 << 18], block2[1 << 18], value[1 << 13], value2[1 << 13];
static char out[1 << 16], out2[1 << 16];

static const struct sbi_schema *schema_named(const char *op, const char *kind)
{
    for (unsigned i = 0; i < SBI_OP_MAX; i++)
        if (strcmp(sbi_ops[i].name, op) == 0)
            return strcmp(kind, "req") == 0   ? sbi_ops[i].req
                   : strcmp(kind, "rsp") == 0 ? sbi_ops[i].rsp
                                              : sbi_ops[i].err;
    fail_msg("no operation %s", op);
    return NULL;
}

static unsigned one(const char *op, const char *kind, char *ids, struct str text)
{
    const struct sbi_schema *s = schema_named(op, kind);
    struct sbi_parts in = {0}, parts;
    struct arena a = arena_over(block, sizeof block), b = arena_over(block2, sizeof block2);
    struct sbi_report why;
    char *save = NULL;
    for (char *id = strtok_r(ids, ",", &save); id; id = strtok_r(NULL, ",", &save))
        in.v[in.n++] = (struct sbi_part){.id = str_of(id), .body = {(const uint8_t *)id, 3}};
    if (sbi_json_decode(s, text, &in, &a, value, &why)) {
        print_error("%s %s: %s at %s: %.*s\n", op, kind, why.reason, why.pointer, (int)text.n,
                    text.p);
        return 1;
    }
    int n = sbi_json_encode(s, value, out, sizeof out, &parts);
    if (n < 0) {
        print_error("%s %s: %s when written: %.*s\n", op, kind, err_text(n), (int)text.n, text.p);
        return 1;
    }
    assert_int_equal(sbi_json_decode(s, (struct str){out, (uint32_t)n}, &parts, &b, value2, &why),
                     OK);
    assert_int_equal(sbi_json_encode(s, value2, out2, sizeof out2, &parts), n);
    assert_memory_equal(out, out2, (size_t)n);
    return 0;
}

static void bodies_of_other_cores_are_read(void **state)
{
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    static char line[1 << 16];
    unsigned failed = 0, n = 0;
    for (; fgets(line, sizeof line, f); n++) {
        char *save = NULL, *op = strtok_r(line, "\t", &save), *kind = strtok_r(NULL, "\t", &save),
             *ids = strtok_r(NULL, "\t", &save), *json = strtok_r(NULL, "\n", &save);
        assert_non_null(json);
        if (strcmp(ids, "-") == 0)
            *ids = 0;
        failed += one(op, kind, ids, str_of(json));
    }
    fclose(f);
    print_message("%u bodies\n", n);
    assert_true(n > 0);
    assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s BODIES\n", argv[0]);
        return 2;
    }
    file = argv[1];
    return RUN(unit(bodies_of_other_cores_are_read));
}
