/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_test.c - PFCP and GTP-U messages of real networks and of a peer's unit tests: each
 * decodes, and encodes again to the same octets or, where the order of IEs or the octets of flags
 * differ, to the canonical form that pfcp.h describes; encoding that once more changes nothing.
 * Arguments: pfcp.hex gtpu.hex refused.hex. */
#include "tests/test.h"
#include "base/err.h"
#include "base/map.h"
#include "codec/gtpu.h"
#include "codec/pfcp_desc.h"
#include <stdlib.h>

static const char *const *files;

static uint32_t line_read(FILE *f, uint8_t *to, size_t cap)
{
    static char line[16384];
    if (!fgets(line, sizeof line, f))
        return 0;
    uint32_t n = (uint32_t)strcspn(line, "\n") / 2;
    assert_true(n <= cap && hex_get(to, n, (struct str){line, 2 * n}));
    return n;
}

/* Equal for bodies that differ only in the order of IEs and in trailing zero octets of flags. */
static uint64_t body_hash(const struct pfcp_desc *d, struct bytes in)
{
    uint64_t sum = 0;
    while (in.n >= 4) {
        uint16_t type = be16(in.p);
        struct bytes v = {in.p + 4, be16(in.p + 2)};
        const struct pfcp_ie *ie = NULL;
        assert_true(v.n <= in.n - 4);
        for (uint16_t i = 0; i < d->n; i++)
            if (d->m[i].ie == type)
                ie = pfcp_ie_of(type);
        uint64_t h;
        if (ie && ie->kind == PFCP_K_GROUP) {
            h = body_hash(ie->what, v);
        } else {
            uint32_t n = v.n;
            while (ie && ie->kind == PFCP_K_FLAGS && n && !v.p[n - 1])
                n--;
            h = siphash24(1, 2, v.p, n);
        }
        sum += siphash24(type, 3, &h, sizeof h);
        in = (struct bytes){in.p + 4 + v.n, in.n - 4 - v.n};
    }
    assert_int_equal(in.n, 0);
    return sum;
}

static void pfcp_vectors(void **state)
{
    (void)state;
    FILE *f = fopen(files[0], "r");
    assert_non_null(f);
    static uint8_t in[8192], out[8192], again[8192], block[1 << 18], block2[1 << 18];
    static char text[65536];
    unsigned total = 0, same = 0;
    for (uint32_t n; (n = line_read(f, in, sizeof in)); total++) {
        struct arena a = arena_over(block, sizeof block), b = arena_over(block2, sizeof block2);
        struct pfcp_msg m, m2;
        struct pfcp_report r;
        int err = pfcp_decode((struct bytes){in, n}, &a, &m, &r);
        if (err)
            print_message("%u %s: %s, cause %u offending %u\n", total + 1, pfcp_name(in[1]),
                          err_text(err), r.cause, r.offending);
        assert_int_equal(err, OK);
        int k = pfcp_encode(&m, out, sizeof out);
        assert_true(k > 0);
        bool equal = (uint32_t)k == n && memcmp(in, out, n) == 0;
        same += equal;
        uint32_t header = m.has_seid ? 16 : 8;
        uint64_t before = body_hash(m.desc, (struct bytes){in + header, n - header});
        uint64_t after = body_hash(m.desc, (struct bytes){out + header, (uint32_t)k - header});
        if (before != after)
            print_message("line %u differs\n", total + 1);
        assert_true(before == after);
        assert_int_equal(pfcp_decode((struct bytes){out, (uint32_t)k}, &b, &m2, &r), OK);
        assert_int_equal(pfcp_encode(&m2, again, sizeof again), k);
        assert_memory_equal(out, again, (size_t)k);
        assert_true(pfcp_print(&m, text, sizeof text) > 10);
        for (int cap = 0; cap < k; cap++)
            assert_int_equal(pfcp_encode(&m, again, (size_t)cap), ERR_NOSPACE);
    }
    fclose(f);
    print_message("%u PFCP messages, %u re-encoded to the same octets\n", total, same);
    assert_true(total > 90 && same > 60);
}

/* Fuzzers' and others' messages that TS 29.244 7.6 has us refuse. */
static void pfcp_refused(void **state)
{
    (void)state;
    FILE *f = fopen(files[2], "r");
    assert_non_null(f);
    static uint8_t in[8192], block[1 << 18];
    unsigned total = 0;
    for (uint32_t n; (n = line_read(f, in, sizeof in)); total++) {
        struct arena a = arena_over(block, sizeof block);
        struct pfcp_msg m;
        struct pfcp_report r;
        assert_true(pfcp_decode((struct bytes){in, n}, &a, &m, &r) < 0);
        assert_true(r.header);
    }
    fclose(f);
    assert_true(total > 5);
}

static void gtpu_vectors(void **state)
{
    (void)state;
    FILE *f = fopen(files[1], "r");
    assert_non_null(f);
    static uint8_t in[8192], out[8192];
    unsigned total = 0;
    for (uint32_t n; (n = line_read(f, in, sizeof in)); total++) {
        struct gtpu_hdr h, full;
        assert_int_equal(gtpu_parse(in, n, &h), OK);
        assert_int_equal(gtpu_parse_full(in, n, &full), OK);
        assert_int_equal(h.header, full.header);
        assert_int_equal(h.payload, full.payload);
        assert_true(h.qfi == full.qfi && h.teid == full.teid && h.type == full.type &&
                    h.rqi == full.rqi);
        assert_true(h.qfi == GTPU_NO_QFI || h.pdu_type == full.pdu_type);
        assert_true(h.header + h.payload <= n); /* some captures hold padding */
        n = h.header + h.payload;
        memcpy(out + h.header, in + h.header, h.payload);
        assert_int_equal(gtpu_put(&h, h.payload, out, sizeof out), h.header);
        assert_memory_equal(in, out, n);
        if (h.has_seq)
            continue;
        memset(out, 0xee, h.header);
        assert_int_equal(
            gtpu_push_type(out + h.header, h.payload, h.type, h.teid, h.qfi, h.pdu_type, h.rqi),
            h.header);
        assert_memory_equal(in, out, n);
    }
    fclose(f);
    assert_true(total > 20);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    files = (const char *const *)argv + 1;
    return RUN(unit(pfcp_vectors), unit(pfcp_refused), unit(gtpu_vectors));
}
