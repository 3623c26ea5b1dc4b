/* SPDX-License-Identifier: Apache-2.0 */
/* serving_network.h - the name that binds keys to a serving network: TS 24.501 9.12.1, TS 33.501 6.1.1.4. */
#pragma once
#include "base/bytes.h"

enum { SERVING_NETWORK_NAME = sizeof "5G:mnc001.mcc001.3gppnetwork.org" };

/* The three digits of MCC and MNC of a PLMN as in TS 24.501 9.11.3.8; a MNC of two digits gets a 0 in front. */
static inline void plmn_digits(const uint8_t plmn[3], char mcc[4], char mnc[4])
{
    uint8_t third = plmn[1] >> 4;
    mcc[0] = (char)('0' + (plmn[0] & 15));
    mcc[1] = (char)('0' + (plmn[0] >> 4));
    mcc[2] = (char)('0' + (plmn[1] & 15));
    mnc[0] = (char)('0' + (third == 15 ? 0 : plmn[2] & 15));
    mnc[1] = (char)('0' + (third == 15 ? plmn[2] & 15 : plmn[2] >> 4));
    mnc[2] = (char)('0' + (third == 15 ? plmn[2] >> 4 : third));
    mcc[3] = mnc[3] = 0;
}
static inline void serving_network_name(const uint8_t plmn[3], char out[SERVING_NETWORK_NAME])
{
    char mcc[4], mnc[4];
    plmn_digits(plmn, mcc, mnc);
    memcpy(out, "5G:mnc001.mcc001.3gppnetwork.org", SERVING_NETWORK_NAME);
    memcpy(out + 6, mnc, 3);
    memcpy(out + 13, mcc, 3);
}
static inline bool serving_network_is(struct str name, const uint8_t plmn[3])
{
    char own[SERVING_NETWORK_NAME];
    serving_network_name(plmn, own);
    return str_is(name, own);
}
