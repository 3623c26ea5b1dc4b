/* SPDX-License-Identifier: Apache-2.0 */
/* pfcp.c - any datagram: split, decoded, printed; what decodes encodes, and what was encoded stays
 * as it is. */
#include "codec/pfcp.h"
#include "base/err.h"
#include <stdlib.h>
#include "fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static uint8_t block[1 << 22], block2[1 << 22], out[1 << 17], out2[1 << 17];
static char text[4096];

static void one(struct bytes in)
{
    struct arena a = arena_over(block, sizeof block), b = arena_over(block2, sizeof block2);
    struct pfcp_msg m, m2;
    struct pfcp_report r;
    int err = pfcp_decode(in, &a, &m, &r);
    if (r.header)
        pfcp_print(&m, text, sizeof text);
    if (err)
        return;
    int n = pfcp_encode(&m, out, sizeof out);
    if (n < 0)
        abort();
    if (pfcp_decode((struct bytes){out, (uint32_t)n}, &b, &m2, &r) != OK ||
        pfcp_encode(&m2, out2, sizeof out2) != n || memcmp(out, out2, (size_t)n) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes datagram = {data, size > 65535 ? 65535 : (uint32_t)size}, message;
    while (pfcp_next(&datagram, &message))
        one(message);
    return 0;
}

#ifdef LIE_MUTATOR
static int lie(unsigned kind, struct bytes b, uint64_t *seed, uint8_t *to, uint32_t cap) { return lie_pfcp(b, seed, to, cap); }
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return mutate_message(data, size, max, seed, lie);
}
#endif
