/* SPDX-License-Identifier: Apache-2.0 */
/* gtpu.c - any datagram: the fast and the full parser agree, the payload is inside, what is put
 * parses to the same. */
#include "codec/gtpu.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gtpu_hdr h, full, again;
    uint8_t buf[64];
    int err = gtpu_parse(data, size, &h);
    if (gtpu_parse_full(data, size, &full) != err)
        abort();
    if (err)
        return 0;
    if (h.header != full.header || h.payload != full.payload || h.qfi != full.qfi ||
        h.teid != full.teid || h.rqi != full.rqi || h.ppi != full.ppi ||
        h.has_seq != full.has_seq || h.seq != full.seq ||
        (h.qfi != GTPU_NO_QFI && h.pdu_type != full.pdu_type) ||
        (size_t)h.header + h.payload > size)
        abort();
    struct gtpu_ies ies;
    gtpu_ies(data + h.header, h.payload, &ies);
    int n = gtpu_put(&h, 0, buf, sizeof buf);
    if (n < 0 || gtpu_parse(buf, (size_t)n, &again) || again.qfi != h.qfi || again.teid != h.teid ||
        again.ppi != h.ppi || again.seq != h.seq || again.npdu != h.npdu)
        abort();
    return 0;
}
