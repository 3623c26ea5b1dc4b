/* SPDX-License-Identifier: Apache-2.0 */
/* sbi_text.h - what services say in text, in the forms that functions work with: TS 29.571. */
#pragma once
#include "codec/sbi.h"

/* TS 29.571 5.4.2 PlmnId. False: not digits, or no memory. */
bool sbi_plmn_put(struct arena *, const uint8_t plmn[3], struct sbi_PlmnId *out);
/* TS 29.571 5.4.4.2 Snssai; sd counts where has_sd. False: no memory. */
bool sbi_snssai_put(struct arena *, uint8_t sst, bool has_sd, const uint8_t sd[3], struct sbi_Snssai *out);
/* TS 29.571 5.5.2 BitRate. What is above 4 Tbps counts as 4 Tbps, the most that NGAP says. False: no bit rate. */
bool sbi_bit_rate_get(struct str text, uint64_t *bps);
struct str sbi_bit_rate_put(struct arena *, uint64_t bps); /* in the largest unit that needs no fraction */
/* The identifier at the end of a resource's URI, TS 29.501 4.4.1; all of the text where it has no '/'. */
struct str sbi_uri_id(struct str uri);
