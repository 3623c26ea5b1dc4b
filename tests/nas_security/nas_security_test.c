/* SPDX-License-Identifier: Apache-2.0 */
/* NAS security contexts, TS 33.501 6.4, TS 24.501 4.4: real messages, and both ends against each other. */
#include "tests/crypto/vec.h"
#include "proto/nas_security.h"

static struct nas_security with(struct crypto *c, uint8_t nea, uint8_t nia)
{
    struct nas_security s;
    uint8_t kamf[32];
    for (unsigned i = 0; i < sizeof kamf; i++)
        kamf[i] = (uint8_t)(i * 5 + 1);
    nas_security_init(&s, 3, kamf);
    assert_false(s.is_valid);
    assert_int_equal(nas_security_select(&s, c, nea, nia), OK);
    assert_true(s.is_valid);
    assert_int_equal(s.ksi, 3);
    return s;
}
static struct bytes text(const char *z) { return (struct bytes){(const uint8_t *)z, (uint32_t)strlen(z)}; }
static int open_with(struct nas_security *s, struct crypto *c, enum nas_dir dir, const uint8_t *p, int n,
                     struct bytes *plain)
{
    static uint8_t buf[256];
    struct nas_header h;
    assert_true(n > 0);
    assert_int_equal(nas_header_peek((struct bytes){p, (uint32_t)n}, &h), OK);
    return nas_unprotect(s, c, dir, &h, buf, sizeof buf, plain);
}

/* Security mode command and complete as captured between cores and phones of others. */
static void vectors(void **state)
{
    static const struct {
        const char *kamf, *command, *complete;
        uint8_t nea, nia;
    } row[] = {
#define SMC(...) {__VA_ARGS__},
#include "nas_security.inc"
#undef SMC
    };
    for (unsigned i = 0; i < ARRAY_LEN(row); i++) {
        struct vec kamf = vec_of(row[i].kamf);
        struct vec msg[2] = {vec_of(row[i].complete), vec_of(row[i].command)};
        for (enum nas_dir dir = NAS_UPLINK; dir <= NAS_DOWNLINK; dir++) {
            struct nas_security rx, tx;
            struct bytes plain;
            uint8_t again[256];
            if (!msg[dir].n)
                continue;
            nas_security_init(&rx, 0, kamf.p);
            assert_int_equal(nas_security_select(&rx, *state, row[i].nea, row[i].nia), OK);
            tx = rx;
            assert_int_equal(open_with(&rx, *state, dir, msg[dir].p, (int)msg[dir].n, &plain), OK);
            assert_int_equal(plain.p[2], dir == NAS_UPLINK ? NAS_SECURITY_MODE_COMPLETE : NAS_SECURITY_MODE_COMMAND);
            assert_int_equal(rx.last, 0);
            assert_int_equal(rx.count[dir], 1);
            int n = nas_protect(&tx, *state, dir, (enum nas_security_header)msg[dir].p[1], plain, again, sizeof again);
            assert_int_equal(n, msg[dir].n);
            assert_memory_equal(again, msg[dir].p, msg[dir].n);
        }
    }
}

static void every_algorithm_both_ways(void **state)
{
    for (uint8_t nea = 0; nea < 4; nea++) {
        for (uint8_t nia = 0; nia < 4; nia++) {
            struct nas_security tx = with(*state, nea, nia), rx = tx;
            for (uint32_t i = 0; i < 600; i++) { /* past two wraps of the sequence number */
                enum nas_dir dir = i & 1 ? NAS_DOWNLINK : NAS_UPLINK;
                struct bytes in = text("plain words of a message"), plain;
                uint8_t out[64];
                enum nas_security_header type = i % 3 ? NAS_CIPHERED : NAS_INTEGRITY;
                int n = nas_protect(&tx, *state, dir, type, in, out, sizeof out);
                assert_int_equal(n, in.n + NAS_PROTECT_OVERHEAD);
                assert_int_equal(memcmp(out + 7, in.p, in.n) == 0, !nea || type == NAS_INTEGRITY);
                assert_int_equal(out[6], i / 2 & 0xff);
                assert_int_equal(open_with(&rx, *state, dir, out, n, &plain), OK);
                assert_true(bytes_eq(plain, in));
                assert_int_equal(rx.last, i / 2);
            }
            assert_memory_equal(rx.count, tx.count, sizeof rx.count);
        }
    }
}

static void wrong_octets_change_nothing(void **state)
{
    struct nas_security tx = with(*state, 2, 2), rx = tx, before = rx;
    struct bytes plain;
    uint8_t out[64];
    int n = nas_protect(&tx, *state, NAS_UPLINK, NAS_CIPHERED, text("a message"), out, sizeof out);
    for (int i = 2; i < n; i++) { /* MAC, sequence number, each octet of the message */
        out[i] ^= 0x10;
        assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out, n, &plain), ERR_MAC);
        out[i] ^= 0x10;
    }
    assert_int_equal(open_with(&rx, *state, NAS_DOWNLINK, out, n, &plain), ERR_MAC); /* reflected */
    assert_memory_equal(&rx, &before, sizeof rx);
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out, n, &plain), OK);
}

static void replays_and_losses(void **state)
{
    struct nas_security tx = with(*state, 1, 3), rx = tx;
    struct bytes plain;
    uint8_t out[400][32];
    int n = 0;
    for (unsigned i = 0; i < 400; i++)
        n = nas_protect(&tx, *state, NAS_UPLINK, NAS_CIPHERED, text("x"), out[i], sizeof out[i]);
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[0], n, &plain), OK);
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[0], n, &plain), ERR_REPLAY);
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[250], n, &plain), OK); /* 249 were lost */
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[250], n, &plain), ERR_REPLAY);
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[249], n, &plain), ERR_REPLAY); /* late: refused too */
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[260], n, &plain), OK); /* sequence number 4: wrapped */
    assert_int_equal(rx.last, 260);
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[250], n, &plain), ERR_REPLAY); /* from before the wrap */
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[4], n, &plain), ERR_MAC); /* 516 or 260: neither */
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[3], n, &plain), ERR_MAC);
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out[399], n, &plain), OK);
    assert_int_equal(rx.count[NAS_UPLINK], 400);
}

static void the_end_of_the_count(void **state)
{
    struct nas_security tx = with(*state, 3, 1), rx = tx;
    struct bytes plain;
    uint8_t out[32];
    tx.count[NAS_DOWNLINK] = rx.count[NAS_DOWNLINK] = NAS_COUNT_MAX - 1;
    for (int i = 0; i < 2; i++) {
        int n = nas_protect(&tx, *state, NAS_DOWNLINK, NAS_CIPHERED, text("last"), out, sizeof out);
        assert_int_equal(open_with(&rx, *state, NAS_DOWNLINK, out, n, &plain), OK);
    }
    assert_int_equal(rx.last, NAS_COUNT_MAX);
    assert_int_equal(nas_protect(&tx, *state, NAS_DOWNLINK, NAS_CIPHERED, text("more"), out, sizeof out), ERR_FULL);
    assert_int_equal(tx.count[NAS_DOWNLINK], NAS_COUNT_MAX + 1);
    assert_int_equal(open_with(&rx, *state, NAS_DOWNLINK, out, 11, &plain), ERR_REPLAY); /* the last one again */
    out[6] = 0; /* no COUNT above 24 bits */
    assert_int_equal(open_with(&rx, *state, NAS_DOWNLINK, out, 11, &plain), ERR_MAC);
}

static void null_algorithms(void **state)
{
    struct nas_security tx = with(*state, 0, 0), rx = tx;
    struct bytes plain, in = text("in clear");
    uint8_t out[32];
    int n = nas_protect(&tx, *state, NAS_UPLINK, NAS_CIPHERED, in, out, sizeof out);
    assert_memory_equal(out, "\x7e\x02\0\0\0\0\0", 7);
    assert_memory_equal(out + 7, in.p, in.n);
    put_be32(out + 2, 0xdeadbeef); /* TS 33.501 D.1: the MAC is not looked at, the COUNT goes on */
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out, n, &plain), OK);
    assert_true(bytes_eq(plain, in));
    assert_int_equal(rx.count[NAS_UPLINK], 1);
    assert_int_equal(open_with(&rx, *state, NAS_UPLINK, out, n, &plain), OK); /* a replay cannot be told */
    assert_int_equal(rx.last, 0x100);
}

static void containers(void **state)
{
    for (uint8_t nea = 0; nea < 4; nea++) {
        struct nas_security ue = with(*state, nea, 2), amf = ue;
        ue.count[NAS_UPLINK] = amf.count[NAS_UPLINK] = 0x1234;
        for (enum nas_dir dir = NAS_UPLINK; dir <= NAS_DOWNLINK; dir++) {
            uint8_t inner[] = "a whole registration request", carried[sizeof inner], out[64];
            struct nas_security *tx = dir == NAS_UPLINK ? &ue : &amf, *rx = dir == NAS_UPLINK ? &amf : &ue;
            struct bytes plain;
            memcpy(carried, inner, sizeof inner);
            assert_int_equal(nas_container_cipher(tx, *state, dir, tx->count[dir], carried, sizeof carried), OK);
            assert_int_equal(memcmp(carried, inner, sizeof inner) == 0, nea == 0);
            int n = nas_protect(tx, *state, dir, NAS_INTEGRITY, BYTES_OF(carried), out, sizeof out);
            assert_int_equal(open_with(rx, *state, dir, out, n, &plain), OK);
            assert_int_equal(nas_container_cipher(rx, *state, dir, rx->last, carried, sizeof carried), OK);
            assert_memory_equal(carried, inner, sizeof inner);
        }
    }
}

static void refusals(void **state)
{
    static const uint8_t kamf[32] = {1};
    struct nas_security s, copy;
    struct bytes plain;
    uint8_t out[32], small[2];
    struct nas_header h;
    nas_security_init(&s, 0, kamf);
    assert_int_equal(nas_protect(&s, *state, NAS_UPLINK, NAS_CIPHERED, text("x"), out, sizeof out), ERR_STATE);
    assert_int_equal(nas_security_select(&s, *state, 4, 2), ERR_RANGE);
    assert_int_equal(nas_security_select(&s, *state, 2, 9), ERR_RANGE);
    assert_false(s.is_valid);
    assert_int_equal(nas_security_select(&s, *state, 2, 2), OK);
    assert_int_equal(nas_protect(&s, *state, NAS_UPLINK, NAS_PLAIN, text("x"), out, sizeof out), ERR_STATE);
    assert_int_equal(nas_protect(&s, *state, NAS_UPLINK, (enum nas_security_header)5, text("x"), out, 32), ERR_STATE);
    assert_int_equal(nas_protect(&s, *state, NAS_UPLINK, NAS_CIPHERED, text("x"), out, 7), ERR_NOSPACE);
    assert_int_equal(nas_protect(&s, *state, NAS_UPLINK, NAS_CIPHERED, text("x"), out, 3), ERR_NOSPACE);
    assert_int_equal(s.count[NAS_UPLINK], 0);
    int n = nas_protect(&s, *state, NAS_UPLINK, NAS_CIPHERED, text("abc"), out, 10);
    assert_int_equal(n, 10);
    s.count[NAS_UPLINK] = 0;
    copy = s;
    nas_header_peek((struct bytes){out, 10}, &h);
    assert_int_equal(nas_unprotect(&s, *state, NAS_UPLINK, &h, small, sizeof small, &plain), ERR_NOSPACE);
    h.security = NAS_PLAIN;
    assert_int_equal(nas_unprotect(&s, *state, NAS_UPLINK, &h, out, sizeof out, &plain), ERR_STATE);
    assert_memory_equal(&s, &copy, sizeof s);
    nas_security_wipe(&s);
    assert_false(s.is_valid);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(s.kamf[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(vectors),         unit(every_algorithm_both_ways),
                                       unit(wrong_octets_change_nothing), unit(replays_and_losses),
                                       unit(the_end_of_the_count), unit(null_algorithms),
                                       unit(containers),      unit(refusals)};
    return cmocka_run_group_tests(tests, vec_setup, vec_teardown);
}
