/* SPDX-License-Identifier: Apache-2.0 */
/* EAP-AKA' parser: whatever it accepts points into the message, and its MAC can be checked. */
#include "crypto/eap_aka.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const uint8_t *p, uint32_t n, const uint8_t *data, size_t size)
{
    if (p && (p < data || n > size || (size_t)(p - data) > size - n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t k_aut[32] = {1};
    struct eap_aka m;
    struct crypto *c;
    if (size > 65535 || eap_aka_parse((struct bytes){data, (uint32_t)size}, &m) != OK)
        return 0;
    inside(m.rand, 16, data, size);
    inside(m.autn, 16, data, size);
    inside(m.mac, 16, data, size);
    inside(m.auts, 14, data, size);
    inside(m.res.p, (m.res.n + 7) / 8, data, size);
    inside(m.kdf_input.p, m.kdf_input.n, data, size);
    inside(m.identity.p, m.identity.n, data, size);
    if (m.mac && crypto_init(&c) == OK) {
        eap_aka_check_mac(c, k_aut, (struct bytes){data, (uint32_t)size}, &m);
        crypto_free(c);
    }
    return 0;
}
