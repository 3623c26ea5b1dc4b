/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates (DER) and PEM files of authorities and lists, from peers and from people: none of it proves anything. */
#include "trust/identity.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct inventory *v;
    struct identity_anchors *a;
    struct identity_result r;
    struct inv_report report;
    if (size < 1 || size > 20000 || (!v && inventory_read(&v, NULL, 0, &(struct inv_asked){0}, &report) < 0))
        return 0;
    struct str text = {(const char *)data + 1, (uint32_t)size - 1};
    if (identity_anchors_new(&a) < 0)
        abort();
    if (data[0] == 'a')
        identity_anchors_add(a, text);
    else if (data[0] == 'l')
        identity_anchors_add_crl(a, text);
    struct identity_peer p = {.certificate = {data + 1, (uint32_t)size - 1}, .from = addr_v4(0x0a000001, 0)};
    if (identity_verify(a, v, &p, 1760000000000000, &r) == OK)
        abort();
    identity_anchors_free(a);
    return 0;
}
