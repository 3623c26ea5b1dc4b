/* SPDX-License-Identifier: Apache-2.0 */
/* Paging, TS 23.502 4.2.3.3: not served yet. */
#include "nf/amf/ue.h"
#include "base/err.h"

int amf_page(struct amf_ue *ue) { return ERR_UNSUPPORTED; }
