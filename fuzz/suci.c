/* SPDX-License-Identifier: Apache-2.0 */
/* SUCI: first octet 0: the text form, then its SUPI; 1, 2: scheme output of profile A, B with the
 * home network's keys of TS 33.501 C.4. The keys live for the process: making them costs more than
 * what is tested. */
#include "crypto/suci.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct crypto *c;
static struct hn_key *key[3];

static void setup(void)
{
    uint8_t a[32], b[32];
    if (c)
        return;
    hex_get(a, 32, STR("c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d"));
    hex_get(b, 32, STR("f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda"));
    if (crypto_init(&c) || hn_key_private_raw(c, SUCI_PROFILE_A, a, &key[1]) ||
        hn_key_private_raw(c, SUCI_PROFILE_B, b, &key[2]))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t plain[SUCI_PLAIN_MAX];
    char supi[SUCI_SUPI_MAX], msin[16];
    struct suci s;
    if (size < 1 || size > 4096)
        return 0;
    setup();
    uint32_t n = (uint32_t)size - 1;
    if (data[0] == 0) {
        if (suci_parse((struct str){(const char *)data + 1, n}, &s) == OK)
            suci_reveal(c, s.scheme <= 2 ? key[s.scheme] : NULL, &s, supi, sizeof supi);
        return 0;
    }
    int t = suci_deconceal(c, key[data[0] & 1 ? 1 : 2], (struct bytes){data + 1, n}, plain,
                           sizeof plain);
    if (t > 0)
        suci_msin_get((struct bytes){plain, (uint32_t)t}, msin, sizeof msin);
    return 0;
}
