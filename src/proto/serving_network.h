/* SPDX-License-Identifier: Apache-2.0 */
/* serving_network.h - the name that binds keys to a serving network: TS 24.501 9.12.1, TS 33.501 6.1.1.4. */
#pragma once
#include "base/plmn.h"

enum { SERVING_NETWORK_NAME = sizeof "5G:mnc001.mcc001.3gppnetwork.org" };

static inline void serving_network_name(const uint8_t plmn[3], char out[SERVING_NETWORK_NAME])
{
    char mcc[4] = "000", mnc[4] = "000";
    plmn_text(plmn, mcc, mnc);
    memcpy(out, "5G:mnc001.mcc001.3gppnetwork.org", SERVING_NETWORK_NAME);
    memcpy(out + 7, mnc, 2); /* one of two digits gets a 0 in front */
    out[6] = '0';
    if (mnc[2])
        memcpy(out + 6, mnc, 3);
    memcpy(out + 13, mcc, 3);
}
static inline bool serving_network_is(struct str name, const uint8_t plmn[3])
{
    char own[SERVING_NETWORK_NAME];
    serving_network_name(plmn, own);
    return str_is(name, own);
}
