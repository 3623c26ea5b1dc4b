/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "base/arena.h"
#include "base/brief.h"
#include "base/err.h"
#include "base/format.h"
#include "base/interned.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slab.h"
#include "base/wire.h"
#include <limits.h>

static void stale_handle_finds_nothing(void **state)
{
    (void)state;
    struct slab s;
    assert_int_equal(slab_init(&s, "test", 24, 2), 0);
    char *a = slab_new(&s), *b = slab_new(&s);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(slab_new(&s));
    struct ref ra = slab_ref(&s, a);
    assert_ptr_equal(slab_get(&s, ra), a);
    memset(a, 0x55, 24);
    slab_drop(&s, a);
    assert_null(slab_get(&s, ra));
    char *c = slab_new(&s);
    assert_ptr_equal(c, a);
    assert_int_equal(c[0], 0);
    assert_null(slab_get(&s, ra));
    assert_null(slab_get(&s, (struct ref){0, 0}));
    slab_drop(&s, b);
    slab_drop(&s, b); /* a second return changes nothing */
    assert_int_equal(s.used, 1);
    slab_free(&s);
}

/* Items at any free place, against a plain list of what is in use. */
static void items_at_a_place(void **state)
{
    enum { MAX = 50, STEPS = 20000 };
    bool used[MAX] = {false};
    uint64_t rng = 7;
    uint32_t n = 0;
    struct slab s;
    (void)state;
    assert_int_equal(slab_init(&s, "test", 24, MAX), 0);
    assert_null(slab_take(&s, MAX));
    for (unsigned i = 0; i < STEPS; i++) {
        rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
        uint32_t at = (uint32_t)(rng >> 40) % MAX;
        void *item = slab_at(&s, at);
        assert_int_equal(item != NULL, used[at]);
        if (rng % 3 == 0 && item) {
            slab_drop(&s, item);
            used[at] = false;
            n--;
        } else if (rng % 3 == 1) {
            void *taken = slab_take(&s, at);
            assert_int_equal(taken != NULL, !used[at]);
            n += taken != NULL;
            used[at] = true;
        } else if (rng % 3 == 2) {
            void *fresh = slab_new(&s);
            assert_int_equal(fresh != NULL, n < MAX);
            if (!fresh)
                continue;
            assert_false(used[slab_index(&s, fresh)]);
            used[slab_index(&s, fresh)] = true;
            n++;
        }
        assert_int_equal(s.used, n);
    }
    slab_free(&s);
}

static void map_keeps_what_it_is_given(void **state)
{
    (void)state;
    struct map m;
    static uint64_t values[5000];
    map_init(&m, 1, 2);
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(map_put_u64(&m, i * 977, &values[i]), 0);
    for (uint64_t i = 0; i < 5000; i += 2)
        assert_ptr_equal(map_del_u64(&m, i * 977), &values[i]);
    for (uint64_t i = 0; i < 5000; i++)
        assert_ptr_equal(map_get_u64(&m, i * 977), i % 2 ? &values[i] : NULL);
    for (uint64_t k = 0; k < 200000; k++) { /* churn must not fill the table with graves */
        map_put_u64(&m, 1u << 30 | k, &values[0]);
        map_del_u64(&m, 1u << 30 | k);
    }
    assert_int_equal(map_count(&m), 2500);
    assert_true(map_octets(&m) <= 5000 * 2 * MAP_SLOT_OCTETS);
    assert_true(map_put(&m, (struct bytes){(const uint8_t *)"abc", 3}, &values[1]) == 0);
    assert_ptr_equal(map_get(&m, (struct bytes){(const uint8_t *)"abc", 3}), &values[1]);
    assert_null(map_get(&m, (struct bytes){(const uint8_t *)"abd", 3}));
    map_free(&m);
}

/* The vector of the SipHash paper, appendix A. */
static void siphash_matches_its_paper(void **state)
{
    (void)state;
    uint8_t in[15];
    for (uint8_t i = 0; i < 15; i++)
        in[i] = i;
    assert_true(siphash24(0x0706050403020100u, 0x0f0e0d0c0b0a0908u, in, 15) ==
                0xa129ca6149be45e5u);
}

static void cursor_errors_stick(void **state)
{
    (void)state;
    uint8_t buf[4] = {1, 2, 3, 4};
    struct rd r = rd_over(BYTES_OF(buf));
    assert_int_equal(rd_u16(&r), 0x0102);
    assert_int_equal(rd_u32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(rd_u8(&r), 0);
    struct wr w = wr_over(buf, 4);
    uint32_t mark = wr_block(&w, 2);
    wr_u16(&w, 7);
    wr_end(&w, mark, 2);
    assert_memory_equal(buf, "\0\2\0\7", 4);
    wr_u8(&w, 1);
    assert_null(wr_done(&w).p);
}

static void arena_and_text(void **state)
{
    (void)state;
    uint8_t block[64];
    struct arena a = arena_over(block, sizeof block);
    struct str s = arena_printf(&a, "imsi-%05d", 7);
    assert_true(str_is(s, "imsi-00007"));
    assert_null(arena_take(&a, 60));
    assert_null(arena_printf(&a, "%080d", 1).p);
    uint8_t raw[2];
    assert_true(hex_get(raw, 2, STR("fF01")));
    assert_int_equal(raw[0], 0xff);
    assert_false(hex_get(raw, 2, STR("fg01")));
    assert_false(hex_get(raw, 2, STR("ff011")));
    assert_string_equal(err_desc(ERR_MAC)->name, "MAC");
    assert_string_equal(err_desc(-9999)->name, "?");
}

/* What is written, and what is told of it, is what the C library writes and tells, however little room there is. */
static void both_write(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void both_write(const char *format, ...)
{
    char ours[80], theirs[80];
    va_list ap;
    for (size_t room = 0; room <= sizeof ours; room++) {
        memset(ours, '#', sizeof ours);
        memset(theirs, '#', sizeof theirs);
        va_start(ap, format);
        int n = format_text(ours, room, format, ap);
        va_end(ap);
        va_start(ap, format);
        int m = vsnprintf(theirs, room, format, ap);
        va_end(ap);
        assert_int_equal(n, m);
        if (room)
            assert_string_equal(ours, theirs);
        if (room < sizeof ours)
            assert_int_equal(ours[room], '#');
    }
}
static void format_is_as_the_library_does(void **state)
{
    char raw[3] = {'a', 'b', 'c'}; /* not terminated */
    both_write("plain");
    both_write("%s", "");
    both_write("%s/nudm/v1/%.*s/%s", "http://127.0.0.1", 3, raw, "x");
    both_write("%.*s|%.*s|%.*s", 0, raw, 2, "", -1, "whole");
    both_write("%c%%%c", 'x', 'y');
    for (unsigned i = 0; i < 34; i++) {
        unsigned u = i < 32 ? 1u << i : i == 32 ? 0 : UINT32_MAX;
        uint64_t l = (uint64_t)u << (i & 31) | u;
        both_write("%u %x %06x %08x %3u %02x %04u", u, u, u, u, u, u, u);
        both_write("%llu %llx %016llx %lu %zu", (unsigned long long)l, (unsigned long long)l, (unsigned long long)l,
                   (unsigned long)l, (size_t)l);
        both_write("%d %05d %4d %lld %ld %zd", (int)u, (int)u, (int)u, (long long)l, (long)l, (ssize_t)l);
    }
    both_write("%lld %d %06d", LLONG_MIN, INT_MIN, -7);
    both_write("%-6s|%+d|%5s|%g|%p|%hhx|%X", "left", 5, "r", 1.5, (void *)raw, (unsigned char)0xf7, 0xabcu);
    both_write("%u then %-8s and %u", 1u, "gone", 2u);
}

static void interned_octets_are_kept_once(void **state)
{
    (void)state;
    struct interns s;
    interns_init(&s, 1, 2);
    const struct interned *a = intern(&s, (struct bytes){(const uint8_t *)"internet", 8}),
                          *b = intern(&s, (struct bytes){(const uint8_t *)"internet", 8}),
                          *c = intern(&s, (struct bytes){(const uint8_t *)"ims", 3}), *none = NULL;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_true(str_is(interned_str(a), "internet") && interned_str(NULL).n == 0);
    assert_int_equal(map_count(&s.by_value), 2);
    intern_drop(&s, &a);
    assert_null(a);
    assert_true(str_is(interned_str(b), "internet"));
    intern_drop(&s, &b);
    intern_drop(&s, &none);
    assert_int_equal(map_count(&s.by_value), 1);
    intern_drop(&s, &c);
    assert_int_equal(s.octets, 0);
    a = intern(&s, (struct bytes){NULL, 0}); /* nothing is a value as well */
    assert_int_equal(interned_str(a).n, 0);
    interns_free(&s);
}

static void interned_text_of_owners(void **state)
{
    (void)state;
    struct interns s;
    uint8_t block[512];
    struct arena a = arena_over(block, sizeof block);
    const struct str one = STR("imsi-001010000000001"), two = STR("imsi-001010000000002"),
                     of_one = STR("http://amf/namf-callback/v1/imsi-001010000000001/sm/1"),
                     of_two = STR("http://amf/namf-callback/v1/imsi-001010000000002/sm/1");
    interns_init(&s, 1, 2);
    const struct interned *x = intern_of(&s, of_one, one), *y = intern_of(&s, of_two, two), *z = intern_of(&s, of_two, one),
                          *w = intern_of(&s, one, one);
    assert_ptr_equal(x, y);
    assert_ptr_not_equal(x, z);
    assert_true(str_eq(interned_for(x, one, &a), of_one) && str_eq(interned_for(y, two, &a), of_two));
    assert_true(str_eq(interned_for(z, one, &a), of_two) && str_eq(interned_for(w, two, &a), two));
    assert_true(interned_is(x, one, of_one) && interned_is(x, two, of_two) && interned_is(z, one, of_two));
    assert_false(interned_is(x, two, of_one) || interned_is(x, one, one) || interned_is(z, two, one));
    assert_null(intern_of(&s, (struct str){"a\0b", 3}, one));
    struct arena full = arena_over(block, 8);
    assert_null(interned_for(x, one, &full).p);
    interns_free(&s);
}

static void brief_is(struct brief *b, const char *text, bool in_place)
{
    char buf[BRIEF_BUF];
    assert_true(brief_set(b, str_of(text)));
    struct str s = brief_get(b, buf);
    assert_true(str_is(s, text));
    assert_int_equal(s.p == buf, in_place);
    assert_int_equal(brief_is_set(b), *text != 0);
}
static void brief_texts(void **state)
{
    (void)state;
    struct brief b = {0};
    char buf[BRIEF_BUF];
    assert_false(brief_is_set(&b));
    assert_null(brief_get(&b, buf).p);
    brief_is(&b, "", false);
    brief_is(&b, "000000010000000a", true);
    brief_is(&b, "00112233445566778899aabbccddeeff", true);
    brief_is(&b, "an id", true);
    brief_is(&b, "sixteen octets 1", true);
    brief_is(&b, "0123456789ABCDEF", true);
    brief_is(&b, "0123456789abcde", true);
    brief_is(&b, "550e8400-e29b-41d4-a716-446655440000", false);
    assert_true(brief_set(&b, brief_get(&b, buf))); /* of itself */
    assert_true(str_is(brief_get(&b, buf), "550e8400-e29b-41d4-a716-446655440000"));
    brief_clear(&b);
    brief_clear(&b);
    assert_false(brief_is_set(&b));
}

int main(void)
{
    return RUN(unit(stale_handle_finds_nothing), unit(items_at_a_place), unit(map_keeps_what_it_is_given),
               unit(siphash_matches_its_paper), unit(cursor_errors_stick), unit(arena_and_text),
               unit(format_is_as_the_library_does), unit(interned_octets_are_kept_once), unit(interned_text_of_owners), unit(brief_texts));
}
