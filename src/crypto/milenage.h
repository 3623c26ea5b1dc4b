/* SPDX-License-Identifier: Apache-2.0 */
/* milenage.h - MILENAGE, TS 35.206. Octet strings as the specification writes them. */
#pragma once
#include "crypto/crypto.h"

struct milenage_out {
    uint8_t mac_a[8], mac_s[8], res[8], ck[16], ik[16], ak[6], ak_star[6];
};
int milenage_opc(struct crypto *c, const uint8_t k[16], const uint8_t op[16], uint8_t opc[16]);
/* f1, f1*, f2..f5, f5* in two passes of the cipher; secrets in *out: the caller wipes it. */
int milenage(struct crypto *c, const uint8_t k[16], const uint8_t opc[16], const uint8_t rand[16],
             const uint8_t sqn[6], const uint8_t amf[2], struct milenage_out *out);
