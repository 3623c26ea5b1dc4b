/* SPDX-License-Identifier: Apache-2.0 */
/* nssf.h - the NSSF: which slices a phone may use where it is. TS 29.531, TS 23.501 5.15.5.2.1. It keeps no state of
 * phones: the request brings what is subscribed, the configuration says what can be used where. */
#pragma once
#include "rt/nf.h"

extern const struct nf_desc nssf_nf;
