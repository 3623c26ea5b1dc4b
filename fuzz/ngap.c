/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as NGAP: what decodes is encoded, and that decodes to what encodes the same. Printed
 * too, which opens up the types inside octet strings. */
#include <stdlib.h>
#include "base/err.h"
#include "codec/ngap.h"
#include "fuzz/mutate.h"

enum { ROOM = 1 << 18 };
struct room {
    uint64_t first[ROOM / 8], second[ROOM / 8];
    uint8_t out[1 << 17], again[1 << 17];
    char text[1 << 16];
};
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct room *r = malloc(sizeof *r);
    check(r != NULL);
    struct arena a = arena_over(r->first, ROOM), b = arena_over(r->second, ROOM);
    struct ngap_pdu pdu, back;
    struct ngap_report report, report2;
    int e = size > 65536 ? ERR_NOSPACE
                         : ngap_decode((struct bytes){data, (uint32_t)size}, &a, &pdu, &report);
    if (size <= 65536)
        check((e == OK) == (pdu.value && report.error <= NGAP_ERROR_NOTIFY &&
                            report.error != NGAP_ERROR_REJECT));
    if (size <= 65536 && pdu.value) {
        struct ngap_CriticalityDiagnostics d;
        ngap_report_diagnostics(&report, &a, &d);
        aper_print(pdu.type, pdu.value, r->text, sizeof r->text, 0);
        aper_print(pdu.type, pdu.value, r->text, sizeof r->text, -1);
        /* not writable: an unknown value or alternative, a mandatory IE that was missing */
        int n = ngap_encode(pdu.msg, pdu.value, r->out, sizeof r->out);
        if (n > 0 && e == OK) {
            int e2 = ngap_decode((struct bytes){r->out, (uint32_t)n}, &b, &back, &report2);
            check(e2 == OK || e2 == ERR_NOSPACE);
            if (e2 == OK) {
                int n2 = ngap_encode(back.msg, back.value, r->again, sizeof r->again);
                check(n2 == n && memcmp(r->out, r->again, (size_t)n) == 0);
            }
        }
    }
    free(r);
    return 0;
}

#ifdef LIE_MUTATOR
static int lie(unsigned kind, struct bytes b, uint64_t *seed, uint8_t *to, uint32_t cap)
{
    static uint64_t memory[1 << 16];
    struct arena a = arena_over(memory, sizeof memory);
    return lie_ngap(b, seed, &a, to, cap);
}
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return mutate_message(data, size, max, seed, lie);
}
#endif
