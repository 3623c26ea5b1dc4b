/* SPDX-License-Identifier: Apache-2.0 */
/* plmn.h - PLMN identities: three octets that all protocols carry alike (TS 24.501 9.11.3.8, TS 38.413 9.3.3.5),
 * and the digits of MCC and MNC. */
#pragma once
#include "base/bytes.h"

/* mcc of 3 digits, mnc of 2 or 3; false, and plmn untouched, otherwise. */
bool plmn_of(uint8_t plmn[3], const char *mcc, const char *mnc);
/* The MNC with as many digits as it has; false, and the texts undefined, where the octets are not digits. */
bool plmn_text(const uint8_t plmn[3], char mcc[4], char mnc[4]);
