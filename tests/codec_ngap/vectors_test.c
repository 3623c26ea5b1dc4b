/* SPDX-License-Identifier: Apache-2.0 */
/* Every PDU of vectors.hex, and random values of every message: decoded, encoded again to the same
 * octets, as are the types inside their octet strings. Octets behind a PDU, which some peers send,
 * are dropped. */
#include <stdlib.h>
#include "base/err.h"
#include "codec/ngap.h"
#include "tests/test.h"
#include "walk.h"

enum { BLOCK = 1 << 22 };
struct bench {
    uint8_t *block, *out;
    unsigned inner, lines;
    const char *path;
};

static void inner_same(const struct asn_type *t, struct bytes octets, void *user)
{
    struct bench *b = user;
    uint8_t *block = malloc(1 << 18), *out = malloc(1 << 16);
    struct arena a = arena_over(block, 1 << 18);
    void *v = arena_take(&a, t->size);
    struct aper_report r;
    int e = aper_decode(t, v, octets, &a, &r, NULL);
    if (e)
        print_message("%s: %s at %s %u\n", t->name, err_text(e), r.where ? r.where : "", r.octet);
    assert_int_equal(e, OK);
    assert_int_equal(aper_encode(t, v, out, 1 << 16), octets.n);
    assert_memory_equal(out, octets.p, octets.n);
    b->inner++;
    walk(t, v, inner_same, b);
    free(block);
    free(out);
}
static void one_line(struct bench *b, char kind, const char *hex, size_t digits)
{
    uint8_t in[65536];
    assert_true(digits / 2 <= sizeof in);
    assert_true(hex_get(in, digits / 2, (struct str){hex, (uint32_t)digits}));
    struct arena a = arena_over(b->block, BLOCK);
    struct ngap_pdu pdu;
    struct ngap_report r;
    int e = ngap_decode((struct bytes){in, (uint32_t)(digits / 2)}, &a, &pdu, &r);
    if ((e || r.error) && kind != 'x')
        print_message("line %u %s: %s, error %d, %u items at %s %u\n", b->lines,
                      ngap_msg_name(pdu.msg), err_text(e), r.error, r.ies.n,
                      r.ies.where ? r.ies.where : "", r.ies.octet);
    assert_int_equal(e, kind == 'x' ? ERR_ORDER : OK);
    assert_int_equal(r.error, kind == 'x' ? NGAP_ERROR_FALSE_CONSTRUCT : NGAP_ERROR_NONE);
    int n = ngap_encode(pdu.msg, pdu.value, b->out, BLOCK);
    assert_true(n > 0);
    walk(pdu.type, pdu.value, inner_same, b);
    if (kind == 'x' || kind == 'd')
        return;
    uint32_t want = (uint32_t)(digits / 2) - r.trailing;
    assert_int_equal(n, want);
    assert_memory_equal(b->out, in, want);
    static const int ways[] = {-1, 0};
    for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
        size_t len = aper_print(pdu.type, pdu.value, (char *)b->out, BLOCK, ways[i]);
        assert_int_equal(strlen((char *)b->out), len);
    }
}
static void vectors_round_trip(void **state)
{
    struct bench *b = *state;
    FILE *f = fopen(b->path, "r");
    assert_non_null(f);
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
        b->lines++;
        if (line[0] != '#')
            one_line(b, line[0], line + 2, (size_t)n - 3);
    }
    free(line);
    fclose(f);
    print_message("%u lines, %u contained types\n", b->lines, b->inner);
    assert_true(b->lines > 300 && b->inner > 100);
}

static void random_round_trip(void **state)
{
    struct bench *b = *state;
    uint64_t seed = 1;
    uint8_t *block = malloc(BLOCK), *again = malloc(1 << 20);
    unsigned full = 0;
    for (int m = 0; m < NGAP_MSGS; m++) {
        const struct asn_type *t = ngap_msg_type((enum ngap_msg)m);
        for (int k = 0; k < 40; k++) {
            struct arena a = arena_over(b->block, BLOCK), a2 = arena_over(block, BLOCK);
            void *v = arena_take(&a, t->size);
            int e = aper_random(t, v, &a, &seed, 3);
            if (e) {
                full++;
                continue;
            }
            int n = ngap_encode((enum ngap_msg)m, v, b->out, 1 << 20);
            if (n < 0)
                print_message("%s: %s\n", t->name, err_text(n));
            assert_true(n > 0);
            struct ngap_pdu pdu;
            struct ngap_report r;
            e = ngap_decode((struct bytes){b->out, (uint32_t)n}, &a2, &pdu, &r);
            if (e || r.error)
                print_message("%s: %s at %s %u\n", t->name, err_text(e),
                              r.ies.where ? r.ies.where : "", r.ies.octet);
            assert_int_equal(e, OK);
            assert_int_equal(r.error, NGAP_ERROR_NONE);
            assert_int_equal(pdu.msg, m);
            assert_int_equal(ngap_encode(pdu.msg, pdu.value, again, 1 << 20), n);
            assert_memory_equal(again, b->out, n);
            if (k < 2)
                walk(pdu.type, pdu.value, inner_same, b);
            const char *dump = getenv("NGAP_DUMP"); /* text2pcap input, for a look with tshark */
            FILE *f = dump && k < 10 && n < 60000 ? fopen(dump, "a") : NULL;
            for (int i = 0; f && i < n; i++) {
                if (i % 16 == 0)
                    fprintf(f, "\n%06x", (unsigned)i);
                fprintf(f, " %02x", again[i]);
            }
            if (f) {
                fputc('\n', f);
                fclose(f);
            }
        }
    }
    print_message("%u values did not fit\n", full);
    assert_true(full < 100);
    free(block);
    free(again);
}

/* bit i of `has` is member i, for every struct */
static void has_bits_follow_the_rows(void **state)
{
    (void)state;
    const struct {
        const struct asn_type *type;
        const char *name;
        uint64_t has;
    } rows[] = {
#define M(T, member, ...) {&ngap_desc_##T, #member, (union ngap_has_##T){.member = 1}.mask[0]},
#define X                 M
#define IE                M
#include "../../spec/ngap.def"
    };
    unsigned i = 0;
    for (unsigned k = 0; k < ARRAY_LEN(rows); k++, i++) {
        if (k == 0 || rows[k].type != rows[k - 1].type)
            i = 0;
        assert_int_equal(rows[k].has & ((1ull << rows[k].type->n_fields) - 1), 1ull << i);
        assert_string_equal(rows[k].type->fields[i].name, rows[k].name);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    struct bench b = {.path = argv[1], .block = malloc(BLOCK), .out = malloc(BLOCK)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(vectors_round_trip, &b),
        cmocka_unit_test_prestate(random_round_trip, &b),
        unit(has_bits_follow_the_rows),
    };
    int e = cmocka_run_group_tests(tests, NULL, NULL);
    free(b.block);
    free(b.out);
    return e;
}
