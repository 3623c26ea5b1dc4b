/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plmn.h"

bool plmn_of(uint8_t plmn[3], const char *mcc, const char *mnc)
{
    uint8_t d[6];
    size_t n = strlen(mnc);
    if (strlen(mcc) != 3 || (n != 2 && n != 3))
        return false;
    for (unsigned i = 0; i < 6; i++) {
        char c = i < 3 ? mcc[i] : i - 3 < n ? mnc[i - 3] : '0';
        if (c < '0' || c > '9')
            return false;
        d[i] = (uint8_t)(c - '0');
    }
    if (n == 2)
        d[5] = 15;
    plmn[0] = (uint8_t)(d[1] << 4 | d[0]);
    plmn[1] = (uint8_t)(d[5] << 4 | d[2]);
    plmn[2] = (uint8_t)(d[4] << 4 | d[3]);
    return true;
}

bool plmn_text(const uint8_t plmn[3], char mcc[4], char mnc[4])
{
    uint8_t d[6] = {plmn[0] & 15, plmn[0] >> 4, plmn[1] & 15,
                    plmn[2] & 15, plmn[2] >> 4, plmn[1] >> 4};
    for (unsigned i = 0; i < 6; i++) {
        if (d[i] > 9 && !(i == 5 && d[i] == 15))
            return false;
        (i < 3 ? mcc : mnc)[i % 3] = (char)(d[i] > 9 ? 0 : '0' + d[i]);
    }
    mcc[3] = mnc[3] = 0;
    return true;
}
