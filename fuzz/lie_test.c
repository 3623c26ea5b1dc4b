/* SPDX-License-Identifier: Apache-2.0 */
/* What the lies of lie.h are: the same from the same seed, other than the truth, and most of them still decode. */
#include "base/err.h"
#include "codec/nas.h"
#include "codec/ngap.h"
#include "codec/pfcp.h"
#include "fuzz/lie.h"
#include "tests/test.h"

enum { TRIES = 300, ROOM = 1 << 16 };
static uint64_t memory[1 << 16];
static uint8_t out[ROOM], again[ROOM];

typedef int lie_fn(struct bytes, uint64_t *seed, uint8_t *to, uint32_t cap);
typedef bool decodes_fn(struct bytes);

static int ngap(struct bytes b, uint64_t *seed, uint8_t *to, uint32_t cap)
{
    struct arena a = arena_over(memory, sizeof memory);
    return lie_ngap(b, seed, &a, to, cap);
}
static bool ngap_is(struct bytes b)
{
    struct arena a = arena_over(memory, sizeof memory);
    struct ngap_pdu p;
    struct ngap_report r;
    int e = ngap_decode(b, &a, &p, &r);
    return e == OK || r.error != NGAP_ERROR_TRANSFER_SYNTAX;
}
static bool nas_is(struct bytes b)
{
    struct arena a = arena_over(memory, sizeof memory);
    struct nas_msg m;
    return nas_decode(b, &a, &m, NULL) == OK;
}
static bool pfcp_is(struct bytes b)
{
    struct arena a = arena_over(memory, sizeof memory);
    struct pfcp_msg m;
    struct pfcp_report r;
    return pfcp_decode(b, &a, &m, &r) == OK;
}

static void look_at(struct bytes truth, lie_fn *lie, decodes_fn *decodes, uint32_t percent)
{
    uint32_t made = 0, other = 0, right = 0;
    assert_true(decodes(truth));
    for (uint64_t i = 0; i < TRIES; i++) {
        uint64_t seed = i, same = i;
        int n = lie(truth, &seed, out, ROOM), k = lie(truth, &same, again, ROOM);
        assert_int_equal(n, k);
        if (n <= 0)
            continue;
        assert_memory_equal(out, again, (size_t)n);
        made++;
        other += (uint32_t)n != truth.n || memcmp(out, truth.p, truth.n) != 0;
        right += decodes((struct bytes){out, (uint32_t)n});
    }
    if (made < TRIES / 2 || other < made / 2 || right * 100 < made * percent)
        print_message("%u made, %u other than the truth, %u decode\n", made, other, right);
    assert_true(made >= TRIES / 2 && other >= made / 2 && right * 100 >= made * percent);
    for (uint32_t n = 0; n < truth.n; n++) { /* what is cut off may be no message: then there is no lie */
        uint64_t seed = n;
        lie((struct bytes){truth.p, n}, &seed, out, ROOM);
        lie(truth, &seed, out, n);
    }
}

static void of_ngap(void **state)
{
    static const enum ngap_msg messages[] = {NGAP_MSG_NGSetupRequest, NGAP_MSG_InitialUEMessage, NGAP_MSG_UplinkNASTransport,
                                             NGAP_MSG_InitialContextSetupResponse, NGAP_MSG_PDUSessionResourceSetupResponse,
                                             NGAP_MSG_HandoverRequired, NGAP_MSG_PathSwitchRequest, NGAP_MSG_NGReset};
    static uint8_t truth[ROOM];
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct arena a = arena_over(memory, sizeof memory);
        uint64_t seed = i;
        const struct asn_type *t = ngap_msg_type(messages[i]);
        void *v = arena_zero(&a, t->size);
        assert_int_equal(aper_random(t, v, &a, &seed, 3), OK);
        int n = ngap_encode(messages[i], v, truth, sizeof truth);
        assert_true(n > 0);
        look_at((struct bytes){truth, (uint32_t)n}, ngap, ngap_is, 90);
    }
}
static void of_nas(void **state)
{
    static const uint8_t registration[] = {0x7e, 0,    0x41, 0x79, 0, 13, 1, 0x00, 0xf1, 0x10, 0, 0, 0, 0,    0, 0, 0, 0,
                                           0x10, 0x2e, 2,    0xf0, 0x70, 0x2f, 2, 1, 1, 0x71, 0, 4, 0x7e, 0, 0x43, 0},
                         transport[] = {0x7e, 0, 0x67, 1, 0, 6, 0x2e, 1, 1, 0xc1, 0xff, 0xff, 0x12, 1, 0x81, 0x22, 1, 1, 0x25, 9, 8,
                                        'i',  'n', 't', 'e', 'r', 'n', 'e', 't'};
    look_at(BYTES_OF(registration), lie_nas, nas_is, 50);
    look_at(BYTES_OF(transport), lie_nas, nas_is, 50);
}
static void of_pfcp(void **state)
{
    static const uint8_t modification[] = {0x21, 52, 0, 39, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 9, 0,  /* header */
                                           0, 15, 0, 6, 0, 56, 0, 2, 0, 1,                         /* Remove PDR */
                                           0, 10, 0, 13, 0, 108, 0, 4, 0, 0, 0, 1, 0, 44, 0, 1, 2}; /* Update FAR */
    struct bytes b = BYTES_OF(modification);
    look_at(b, lie_pfcp, pfcp_is, 20);
}

int main(void) { return RUN(unit(of_ngap), unit(of_nas), unit(of_pfcp)); }
